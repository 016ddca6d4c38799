' Save the attachments of all mail into a folder of the disk, and mark the mail as read.
Option Explicit
Const CdoFileData = 1
Const CdoEmbeddedMessage = 4
Dim objSession, server, checks, fso, f, objFolder, objMsg, objAttach, i, n
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set fso = CreateObject("Scripting.FileSystemObject")
If Not fso.FolderExists("C:\saved") Then fso.CreateFolder "C:\saved"
Set f = fso.CreateTextFile("C:\in.csv", True)
f.Write "n,B" & vbCrLf & "1,1/6" & vbCrLf
f.Close
Set objFolder = objSession.Inbox.Folders.Add("Reports")
For n = 1 To 2
    Set objMsg = objFolder.Messages.Add("Report " & n, "See attachment.")
    objMsg.Unread = True
    objMsg.Attachments.Add "table" & n & ".csv", 0, CdoFileData, "C:\in.csv"
    objMsg.Update
Next
Set objMsg = objFolder.Messages.Add("The other one")
objMsg.Update
Set objAttach = objFolder.Messages.Add("A mail with a mail")
objAttach.Attachments.Add "The other one", 0, CdoEmbeddedMessage, objMsg.ID
objAttach.Update

For Each objMsg In objFolder.Messages
    For i = 1 To objMsg.Attachments.Count
        Set objAttach = objMsg.Attachments.Item(i)
        If objAttach.Type = CdoFileData Then
            objAttach.WriteToFile "C:\saved\" & objAttach.Name
            Show objMsg.Subject, objAttach.Name & " " & fso.GetFile("C:\saved\" & objAttach.Name).Size
        Else
            Show objMsg.Subject, "type " & objAttach.Type & " " & objAttach.Source.Subject
        End If
    Next
    objMsg.Unread = False
    objMsg.Update
Next
n = 0
For Each objMsg In objFolder.Messages
    If objMsg.Unread Then n = n + 1
Next
Show "Unread", n
objFolder.Delete
fso.DeleteFile "C:\saved\table1.csv"
fso.DeleteFile "C:\saved\table2.csv"
objSession.Logoff
WScript.Echo checks & " checks"
