' Read MAPI properties by their tags: internet headers, the sender's address, one that isn't there.
Option Explicit
Const CdoPR_SENDER_EMAIL_ADDRESS = &H0C1F001E
Dim objSession, server, checks, msgs, objMsg, strHeaders, v
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Subject = "Your order"
Set objMsg = msgs.GetFirst
strHeaders = objMsg.Fields(&H007D001E)
Show "Headers", Replace(strHeaders, vbCrLf, "|")
Show "Sender's address", objMsg.Fields(CdoPR_SENDER_EMAIL_ADDRESS)
Show "Its type", objMsg.Fields(&H0C1E001E).Value
Show "Class", objMsg.Fields(&H001A001E).Value
Show "Flags", objMsg.Fields(&H0E070003).Value And 1
Show "Sent", objMsg.Fields(&H00390040).Value
On Error Resume Next
v = objMsg.Fields(&H10130102).Value
Show "HTML that isn't there", Hex(Err.Number)
Err.Clear
v = objMsg.Fields("No such name").Value
Show "A name that isn't there", Hex(Err.Number)
Err.Clear
On Error GoTo 0
Show "Store", objSession.InfoStores(1).Fields(&H3001001E).Value
Show "Folder", objSession.Inbox.Fields(&H3001001E).Value
Show "Folder's count", objSession.Inbox.Fields(&H36020003).Value
Show "User", objSession.CurrentUser.Fields(&H39FE001E).Value
objSession.Logoff
WScript.Echo checks & " checks"
