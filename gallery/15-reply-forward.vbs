' Reply, ReplyAll and Forward.
Option Explicit
Dim objSession, server, checks, msgs, objMsg, objReply, objForward, tries
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Subject = "Lunch"
Set objMsg = msgs.GetFirst
Set objReply = objMsg.Reply
Show "Reply", objReply.Subject
Show "  to", objReply.Recipients.Count & " " & objReply.Recipients(1).Name
Show "  text", "[" & objReply.Text & "]"
objReply.Text = "Yes."
objReply.Send
Set objReply = objMsg.ReplyAll
Show "ReplyAll", objReply.Subject & " " & objReply.Recipients.Count
Set objForward = objMsg.Forward
Show "Forward", objForward.Subject & " " & objForward.Recipients.Count
Set objForward.Recipients = objReply.Recipients
Show "  to", objForward.Recipients.Count & " " & objForward.Recipients(1).Name
Set msgs = objSession.GetDefaultFolder(3).Messages
Show "Sent", msgs.Count & " " & msgs.GetFirst.Subject
msgs.Delete
objSession.Logoff
objSession.Logon "", "", False, True, 0, True, server & vbLf & "admin"
Set msgs = objSession.Inbox.Messages
For tries = 1 To 20
    If msgs.Count > 0 Then Exit For
    WScript.Sleep 500
    Set msgs = objSession.Inbox.Messages
Next
Show "Got", msgs.GetFirst.Subject & " / " & msgs.GetFirst.Text
msgs.Delete
objSession.Logoff
WScript.Echo checks & " checks"
