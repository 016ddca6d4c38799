' Log on with the default profile, whose name stands in the registry.
' The profile was made by the runner, in the folder "profiles"; the name lies where Windows NT had it.
Option Explicit
Dim objSession, server, checks, objShell, strProfile
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
Set objShell = CreateObject("WScript.Shell")
strProfile = objShell.RegRead("HKCU\Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\Profiles\DefaultProfile")
Show "Default profile", strProfile
objSession.Logon strProfile, "", False, False
Show "Name", objSession.Name
Show "Default member", objSession
Show "User", objSession.CurrentUser.Name
Show "Inbox", objSession.Inbox.Name
objSession.Logoff
On Error Resume Next
objSession.Logon "No such profile", "", False, False
Show "Unknown profile", Hex(Err.Number)
Err.Clear
objSession.Logon "", "", False
Show "No profile, no dialog", Hex(Err.Number)
WScript.Echo checks & " checks"
