' The appointments of a range of dates. The filter takes the end of the range for the start of appointments, and its start for
' their end; a series comes as its occurrences.
Option Explicit
Const CdoPR_START_DATE = &H00600040
Const CdoPR_END_DATE = &H00610040
Dim objSession, server, checks, objCalendar, objAppt, objPattern, msgs
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Set objCalendar = objSession.GetDefaultFolder(0)
Make "Visit", At(6, 10), At(6, 12), "Room 1", 2
Make "Holiday", At(7, 0), At(9, 0), "", 3
Make "Too late", At(20, 9), At(20, 10), "", 0
Set objAppt = Make("Weekly", At(1, 9), At(1, 10), "Desk", 1)
Set objPattern = objAppt.GetRecurrencePattern
objPattern.RecurrenceType = 1
objPattern.Interval = 1
objPattern.Occurrences = 5
objAppt.Update

Set msgs = objCalendar.Messages
Show "All", msgs.Count
msgs.Filter.Fields.Add CdoPR_START_DATE, At(15, 23)
msgs.Filter.Fields.Add CdoPR_END_DATE, At(6, 0)
For Each objAppt In msgs
    Show objAppt.Subject, Clock(objAppt.StartTime) & " to " & Clock(objAppt.EndTime) & " [" & objAppt.Location & "] " & objAppt.BusyStatus & " " & objAppt.IsRecurring
Next
Set objAppt = msgs.GetFirst
Show "Class of the first", objAppt.Class
Show "Organizer", objAppt.Organizer.Name
On Error Resume Next
Set msgs = objCalendar.Messages
msgs.Filter.Subject = "Visit"
Set objAppt = msgs.GetFirst
Show "Another filter", Hex(Err.Number)
Err.Clear
Set msgs = objCalendar.Messages
msgs.Sort 1, &H0037001E
Show "Sort", Hex(Err.Number)
Err.Clear
On Error GoTo 0
objCalendar.Messages.Delete
Show "Deleted", objCalendar.Messages.Count

Function Make(subject, startTime, endTime, location, busy)
    Set Make = objCalendar.Messages.Add
    Make.Subject = subject
    Make.StartTime = startTime
    Make.EndTime = endTime
    Make.Location = location
    Make.BusyStatus = busy
    Make.ReminderSet = False
    Make.Update
End Function

Function At(d, h)
    At = DateSerial(1999, 9, d) + TimeSerial(h, 0, 0)
End Function

Function Clock(d)
    Clock = Right("0" & Month(d), 2) & "-" & Right("0" & Day(d), 2) & " " & Right("0" & Hour(d), 2) & ":" & Right("0" & Minute(d), 2)
End Function
objSession.Logoff
WScript.Echo checks & " checks"
