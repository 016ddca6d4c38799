' Reply by hand, within the conversation: CreateConversationIndex, ConversationTopic, a recipient by EntryID.
Option Explicit
Dim objSession, server, checks, objNew, objMsg, objReply, objRecip
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "admin"
Set objNew = objSession.Outbox.Messages.Add("Thread", "Root")
objNew.ConversationTopic = "Thread"
objNew.ConversationIndex = objSession.CreateConversationIndex
Show "Length of the root", Len(objNew.ConversationIndex)
objNew.Recipients.Add "", "SMTP:anna@contoso.test", 1
objNew.Recipients.Resolve False
objNew.Send
objSession.GetDefaultFolder(3).Messages.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objMsg = Find("Thread")
Show "Topic", objMsg.ConversationTopic
Set objReply = objSession.Outbox.Messages.Add("RE: Thread", "Answer")
objReply.ConversationTopic = objMsg.ConversationTopic
objReply.ConversationIndex = objSession.CreateConversationIndex(objMsg.ConversationIndex)
Show "Child", Left(objReply.ConversationIndex, 44) = objMsg.ConversationIndex
Show "Length of the child", Len(objReply.ConversationIndex)
Set objRecip = objReply.Recipients.Add(, , , objMsg.Sender.ID)
objRecip.Resolve False
Show "To", objRecip.Name
objReply.Send
objSession.GetDefaultFolder(3).Messages.Delete
objMsg.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "admin"
Set objMsg = Find("RE: Thread")
Show "Answer", objMsg.Text
Show "Topic", objMsg.ConversationTopic
Show "Length", Len(objMsg.ConversationIndex)
objMsg.Delete

Function Find(subject)
    Dim msgs, m, tries
    Set msgs = objSession.Inbox.Messages
    msgs.Filter.Subject = subject
    Set m = msgs.GetFirst
    For tries = 1 To 20
        If Not m Is Nothing Then Exit For
        WScript.Sleep 500
        Set m = msgs.GetFirst
    Next
    Set Find = m
End Function
objSession.Logoff
WScript.Echo checks & " checks"
