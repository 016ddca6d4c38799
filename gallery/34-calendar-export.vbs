' Export the calendars of all mailboxes, as administrators did: a list of mailboxes, a dynamic logon to each without the
' spooler, its appointments of a range and its out-of-office state. The list came from LDAP; here it stands in the script.
Option Explicit
Const CdoPR_START_DATE = &H00600040
Const CdoPR_END_DATE = &H00610040
Dim objSession, server, checks, strUser, objAppt, msgs
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
For Each strUser In Array("anna", "bob")
    objSession.Logon "", "", False, True, 0, True, server & vbLf & strUser
    Set objAppt = objSession.GetDefaultFolder(0).Messages.Add
    objAppt.Subject = "Work of " & strUser
    objAppt.StartTime = At(2, 9)
    objAppt.EndTime = At(2, 17)
    objAppt.Update
    objSession.Logoff
Next
For Each strUser In Array("admin", "anna", "bob", "nosuchuser")
    On Error Resume Next
    objSession.Logon "", "", False, True, 0, True, server & vbLf & strUser
    Set msgs = objSession.GetDefaultFolder(0).Messages
    If Err.Number <> 0 Then
        Show strUser, "no mailbox"
        Err.Clear
    Else
        On Error GoTo 0
        msgs.Filter.Fields.Add CdoPR_START_DATE, At(30, 0)
        msgs.Filter.Fields.Add CdoPR_END_DATE, At(1, 0)
        Show objSession.CurrentUser.Name, "away: " & objSession.OutOfOffice & ", appointments: " & msgs.Count
        Set objAppt = msgs.GetFirst
        Do While Not objAppt Is Nothing
            Show "  " & objAppt.Subject, Clock(objAppt.StartTime) & " " & objAppt.Duration & " " & objAppt.BusyStatus
            Set objAppt = msgs.GetNext
        Loop
        objSession.GetDefaultFolder(0).Messages.Delete
    End If
    objSession.Logoff
Next

Function At(d, h)
    At = DateSerial(1999, 9, d) + TimeSerial(h, 0, 0)
End Function

Function Clock(d)
    Clock = Right("0" & Month(d), 2) & "-" & Right("0" & Day(d), 2) & " " & Right("0" & Hour(d), 2) & ":" & Right("0" & Minute(d), 2)
End Function
WScript.Echo checks & " checks"
