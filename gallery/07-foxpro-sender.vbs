' The barebones sender that FoxPro programs had: everything by assignments.
Option Explicit
Dim objSession, server, checks, oMsg, oRec, msgs, tries
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "admin"
Set oMsg = objSession.Outbox.Messages.Add
oMsg.Subject = "From FoxPro"
oMsg.Text = "Line 1" & vbCrLf & "Line 2"
oMsg.Importance = 2
oMsg.DeliveryReceipt = False
Set oRec = oMsg.Recipients.Add
oRec.Name = "bob"
oRec.Type = 1
oRec.Resolve False
Show "bob is", oRec.Name
Show "Address", Left(oRec.Address, 3)
Set oRec = oMsg.Recipients.Add
oRec.Name = "anna@contoso.test"
oRec.Type = 2
oRec.Resolve False
Show "The address is", oRec.Name
Show "Type", oRec.Type
On Error Resume Next
Set oRec = oMsg.Recipients.Add
oRec.Name = "xyzzy nobody"
oRec.Resolve False
Show "Nobody", Err.Number <> 0
Err.Clear
Show "All resolved", oMsg.Recipients.Resolved
oMsg.Send
Show "Send with one that isn't", Hex(Err.Number)
Err.Clear
oMsg.Recipients(3).Delete
On Error GoTo 0
Show "All resolved", oMsg.Recipients.Resolved
oMsg.Send False
objSession.Logoff
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Set msgs = objSession.Inbox.Messages
For tries = 1 To 20
    If msgs.Count > 0 Then Exit For
    WScript.Sleep 500
    Set msgs = objSession.Inbox.Messages
Next
Set oMsg = msgs.GetFirst
Show "Bob has", oMsg.Subject
Show "Importance", oMsg.Importance
Show "To", oMsg.Recipients(1).Name & " " & oMsg.Recipients(1).Type
Show "Cc", oMsg.Recipients(2).Name & " " & oMsg.Recipients(2).Type
msgs.Delete
objSession.Logoff
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Subject = "From FoxPro"
For tries = 1 To 20
    If msgs.Count > 0 Then Exit For
    WScript.Sleep 500
Next
Show "Anna has", msgs.Count
msgs.Delete
Show "No copy", objSession.GetDefaultFolder(3).Messages.Count
objSession.Logoff
WScript.Echo checks & " checks"
