' Send a mail with attachments: one by Add's arguments, one by properties and ReadFromFile.
Option Explicit
Const CdoFileData = 1
Const CdoTo = 1
Dim objSession, server, checks, fso, f, objMsg, objAttach, objRecip, msgs, tries
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set fso = CreateObject("Scripting.FileSystemObject")
Set f = fso.CreateTextFile("C:\report.txt", True)
f.Write "twelve bytes"
f.Close
Set objMsg = objSession.Outbox.Messages.Add
objMsg.Subject = "With attachments"
objMsg.Text = "  see attachments"
Set objAttach = objMsg.Attachments.Add("report.txt", 0, CdoFileData, "C:\report.txt")
Show "Name", objAttach.Name
Set objAttach = objMsg.Attachments.Add
objAttach.Type = CdoFileData
objAttach.Position = 1
objAttach.Name = "copy.txt"
objAttach.ReadFromFile "C:\report.txt"
Show "Attachments", objMsg.Attachments.Count
Set objRecip = objMsg.Recipients.Add
objRecip.Name = "Anna Schmidt"
objRecip.Type = CdoTo
objRecip.Resolve False
objMsg.Update True, True
objMsg.Send
Set msgs = objSession.Inbox.Messages
msgs.Filter.Subject = "With attachments"
Set objMsg = msgs.GetFirst
For tries = 1 To 20
    If Not objMsg Is Nothing Then Exit For
    WScript.Sleep 500
    Set objMsg = msgs.GetFirst
Next
For Each objAttach In objMsg.Attachments
    Show objAttach.Index & " " & objAttach.Name, objAttach.Type & " " & TypeName(objAttach.Parent)
    objAttach.WriteToFile "C:\again.txt"
    Set f = fso.OpenTextFile("C:\again.txt", 1)
    Show "  contents", f.ReadAll
    f.Close
Next
Show "Item by number", objMsg.Attachments(2).Name
objMsg.Delete
Set msgs = objSession.GetDefaultFolder(3).Messages
Show "Sent Items", msgs.Count & " " & msgs(1).Attachments.Count
msgs.Delete
fso.DeleteFile "C:\report.txt"
fso.DeleteFile "C:\again.txt"
objSession.Logoff
WScript.Echo checks & " checks"
