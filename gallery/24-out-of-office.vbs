' The out-of-office assistant, and a report of all mailboxes.
Option Explicit
Dim objSession, server, checks, strUser
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Show "At first", objSession.OutOfOffice
objSession.OutOfOfficeText = "I am at the seaside until Monday."
objSession.OutOfOffice = True
objSession.Logoff
For Each strUser In Array("admin", "anna", "bob", "room")
    objSession.Logon "", "", False, True, 0, True, server & vbLf & strUser
    Show objSession.CurrentUser.Name, objSession.OutOfOffice
    If objSession.OutOfOffice Then Show "  text", objSession.OutOfOfficeText
    objSession.Logoff
Next
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
objSession.OutOfOffice = False
Show "At last", objSession.OutOfOffice
Show "The text stays", objSession.OutOfOfficeText
objSession.Logoff
WScript.Echo checks & " checks"
