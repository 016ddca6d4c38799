' Post an item. The embedded server has no public folders, so that InfoStores("Public Folders") isn't found; the rest of the script
' works on a folder of the mailbox, where posting is the same.
Option Explicit
Dim objSession, server, checks, objStore, objFolder, objMsg
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
On Error Resume Next
Set objStore = objSession.InfoStores("Public Folders")
Show "Public Folders aren't there", Err.Number <> 0
Err.Clear
On Error GoTo 0
Set objFolder = objSession.InfoStores(1).RootFolder.Folders.Add("Board")
Set objMsg = objFolder.Messages.Add
objMsg.Subject = "Minutes"
objMsg.Text = "We met."
objMsg.Type = "IPM.Post"
objMsg.ConversationTopic = "Minutes"
objMsg.ConversationIndex = objSession.CreateConversationIndex
objMsg.Sent = True
objMsg.Submitted = False
objMsg.Unread = True
objMsg.TimeSent = DateSerial(1998, 5, 5)
objMsg.TimeReceived = objMsg.TimeSent
objMsg.Fields.Add "Keyword", vbString, "Peru"
objMsg.Update
Set objMsg = objFolder.Messages.GetFirst("IPM.Post")
Show "Posted", objMsg.Subject
Show "Sent", objMsg.Sent
Show "Submitted", objMsg.Submitted
Show "Unread", objMsg.Unread
Show "Received", objMsg.TimeReceived
Show "Keyword", objMsg.Fields("Keyword")
objFolder.Delete
objSession.Logoff
WScript.Echo checks & " checks"
