' Move old mail into an archive, and delete what is older still: sort, then walk backwards.
Option Explicit
Const CdoAscending = 1
Const CdoDescending = 2
Const CdoDefaultFolderDeletedItems = 4
Const CdoPR_MESSAGE_DELIVERY_TIME = &H0E060040
Dim objSession, server, checks, objFolder, objArchive, objMsg, objMoved, msgs, n
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objFolder = objSession.Inbox.Folders.Add("Old")
Set objArchive = objSession.Inbox.Folders.Add("Archive")
For n = 1 To 6
    Set objMsg = objFolder.Messages.Add("Message " & n)
    objMsg.TimeReceived = DateSerial(1990 + n, 1, 1)
    objMsg.TimeSent = objMsg.TimeReceived
    objMsg.Update
Next
Set msgs = objFolder.Messages
msgs.Sort CdoDescending, CdoPR_MESSAGE_DELIVERY_TIME
Show "Newest", msgs(1).Subject
msgs.Sort CdoAscending, CdoPR_MESSAGE_DELIVERY_TIME
Show "Oldest", msgs(1).Subject
For n = msgs.Count To 1 Step -1
    Set objMsg = msgs.Item(n)
    If objMsg.TimeReceived < DateSerial(1993, 1, 1) Then
        objMsg.Delete
    ElseIf objMsg.TimeReceived < DateSerial(1995, 6, 1) Then
        Set objMoved = objMsg.MoveTo(objArchive.ID)
        Show "Moved", objMoved.Subject & " " & objMoved.TimeReceived
    End If
Next
Show "Left", objFolder.Messages.Count
Show "Archive", objArchive.Messages.Count
Set objMsg = objFolder.Messages.GetFirst
Set objMoved = objMsg.CopyTo(objArchive.ID)
Show "Before the copy's Update", objArchive.Messages.Count
objMoved.Update
Show "After it", objArchive.Messages.Count
Set objMsg = objArchive.Messages.GetFirst
Show "Trash before", objSession.GetDefaultFolder(CdoDefaultFolderDeletedItems).Messages.Count
objMsg.Delete True
Show "Trash after", objSession.GetDefaultFolder(CdoDefaultFolderDeletedItems).Messages.Count
Show "Index past the end", objArchive.Messages(9) Is Nothing
objSession.GetDefaultFolder(CdoDefaultFolderDeletedItems).Messages.Delete
objArchive.Delete
objFolder.Delete
objSession.Logoff
WScript.Echo checks & " checks"
