' Anonymous logon to the public folders, as web pages had it.
' The embedded server has no public folders, and current versions of Exchange let nobody in anonymously. So the Logon passes, whose
' names aren't verified, and the first access fails. The rules of ProfileInfo are what is checked.
Option Explicit
Dim objSession, server, checks, strServer, n
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
On Error Resume Next
objSession.Logon "", "", False, True, 0, True, "No DN" & vbLf & vbLf & "anon"
Show "A server that is no DN", Hex(Err.Number)
Err.Clear
strServer = "/o=First Organization/ou=First/cn=Configuration/cn=Servers/cn=MAIL"
objSession.Logon "", "", False, True, 0, True, strServer & vbLf & vbLf & "anon"
Show "Logon", Hex(Err.Number)
Show "CurrentUser", objSession.CurrentUser.Name
Err.Clear
n = objSession.InfoStores.Count
Show "InfoStores fail", Err.Number <> 0
Err.Clear
objSession.Logoff
Show "Logoff", Hex(Err.Number)
WScript.Echo checks & " checks"
