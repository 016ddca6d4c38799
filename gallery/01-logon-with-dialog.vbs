' Log on with the profile dialog and log off.
' There is no dialog in opencdo-com, as nobody may sit there: a Logon that would have to ask fails with CdoE_LOGON_FAILED,
' as CDO's did in a service. What follows is as it was.
Option Explicit
Dim objSession, server, checks
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
On Error Resume Next
objSession.Logon
Show "Logon", Hex(Err.Number)
Show "Its text", Err.Description
Show "Its source", Err.Source
Err.Clear
Show "Name", objSession.CurrentUser.Name
Show "Error before logon", Hex(Err.Number)
Err.Clear
objSession.Logoff
Show "Logoff before logon", Hex(Err.Number)
On Error GoTo 0
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Show "CurrentUser", objSession.CurrentUser.Name
Show "Class", objSession.Class
Show "Session of the session", objSession.Session Is objSession
Show "No parent", objSession.Parent Is Nothing
objSession.Logoff
WScript.Echo checks & " checks"
