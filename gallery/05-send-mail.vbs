' Send a mail. The receiver looks into her Inbox afterwards, and cleans up.
Option Explicit
Const CdoTo = 1
Const CdoDefaultFolderSentItems = 3
Dim objSession, objMessage, objRecip, objMsg, server, checks, tries
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, False, server & vbLf & "admin"
Set objMessage = objSession.Outbox.Messages.Add("Sent by a script", "Hello Anna," & vbCrLf & "this is the text.")
Set objRecip = objMessage.Recipients.Add("Anna Schmidt", "SMTP:anna@contoso.test", CdoTo)
objRecip.Resolve False
Show "Recipient", objRecip.Name
Show "Resolved", objMessage.Recipients.Resolved
objMessage.Update
objMessage.Send True, False
On Error Resume Next
Show "After Send", objMessage.Subject
Show "Its error", Hex(Err.Number)
On Error GoTo 0
Dim sent
Set sent = objSession.GetDefaultFolder(CdoDefaultFolderSentItems).Messages
Show "Sent Items", sent.Count
Show "The copy", sent(1).Subject
sent.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, False, server & vbLf & "anna"
Dim messages
Set messages = objSession.Inbox.Messages
messages.Filter.Subject = "Sent by a script"
Set objMsg = messages.GetFirst
For tries = 1 To 20
    If Not objMsg Is Nothing Then Exit For
    WScript.Sleep 500
    Set objMsg = messages.GetFirst
Next
Show "Received", objMsg.Subject
Show "Text", Replace(objMsg.Text, vbCrLf, "|")
Show "From", objMsg.Sender.Name
Show "To", objMsg.Recipients(1).Name
Show "Unread", objMsg.Unread
Show "Received in the last ten minutes", (Now - objMsg.TimeReceived) * 1440 < 10
objMsg.Delete
objSession.Logoff
WScript.Echo checks & " checks"
