' Make Outlook's folders in new mailboxes: the first access to one of them makes them all.
Option Explicit
Const CdoDefaultFolderCalendar = 0
Dim objSession, server, checks, strUser, objFolder, i
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
For Each strUser In Array("admin", "room")
    objSession.Logon "", "", False, True, 0, True, server & vbLf & strUser
    Set objFolder = objSession.GetDefaultFolder(CdoDefaultFolderCalendar)
    Show objSession.CurrentUser.Name, objFolder.Name
    For i = 0 To 8
        Set objFolder = objSession.GetDefaultFolder(i)
        Show "  " & i, objFolder.Name & " " & objFolder.Class
    Next
    objSession.Logoff
Next
WScript.Echo checks & " checks"
