' Log on with a dynamic profile: server and mailbox instead of a profile's name.
' Names aren't verified by Logon; the first access to the Inbox tells.
Option Explicit
Dim objSession, server, checks
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon , , , True, , True, server & Chr(10) & "admin"
Show "Inbox", objSession.Inbox.Name
Show "Current user", objSession.CurrentUser.Name
Show "Version", objSession.Version
Show "Application", objSession.Application
objSession.Logoff

' The form of the knowledge base, with strings.
Dim info
info = server & vbLf & "anna"
objSession.Logon "", "", False, True, 0, True, info
Show "Inbox", objSession.Inbox.Messages.Count
Show "Current user", objSession.CurrentUser
objSession.Logoff

' A third form: a shared session isn't wanted, no dialog.
objSession.Logon , , False, True, , True, info
Show "Mailbox", objSession.InfoStores(1).Name
On Error Resume Next
objSession.Logon , , False, True, , True, info
Show "A second logon", Hex(Err.Number)
Err.Clear
objSession.Logoff
Show "Logoff", Hex(Err.Number)
Show "Inbox after it", objSession.Inbox.Name
Show "Its error", Hex(Err.Number)
Err.Clear

' A mailbox that isn't there.
objSession.Logon "", "", False, True, 0, True, server & vbLf & "nosuchuser"
Show "Logon as nobody", Hex(Err.Number)
Dim inbox
Set inbox = objSession.Inbox
Show "Inbox of nobody fails", (Err.Number <> 0)
Err.Clear
objSession.Logoff
WScript.Echo checks & " checks"
