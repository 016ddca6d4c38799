' A series: the last Friday of each month, then one occurrence moved, then no series any more.
Option Explicit
Const CdoRecurTypeMonthlyNth = 3
Const CdoFriday = 32
Const CdoPR_START_DATE = &H00600040
Const CdoPR_END_DATE = &H00610040
Dim objSession, server, checks, objCalendar, objAppt, objPattern, objOne, msgs, v
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Set objCalendar = objSession.GetDefaultFolder(0)
Set objAppt = objCalendar.Messages.Add
objAppt.Subject = "Reading circle"
objAppt.StartTime = At(24, 19)
objAppt.EndTime = At(24, 21)
Show "Recurring", objAppt.IsRecurring
Set objPattern = objAppt.GetRecurrencePattern
Show "Default", objPattern.RecurrenceType & " " & objPattern.Interval & " " & objPattern.DayOfWeekMask & " " & objPattern.NoEndDate & " " & objPattern.Occurrences
objPattern.RecurrenceType = CdoRecurTypeMonthlyNth
objPattern.DayOfWeekMask = CdoFriday
objPattern.Instance = 5
objPattern.Interval = 1
objPattern.PatternStartDate = DateSerial(1999, 9, 1)
objPattern.Occurrences = 4
Show "Duration", objPattern.Duration
Show "End", objPattern.PatternEndDate
Show "No end", objPattern.NoEndDate
objAppt.Update
Show "Recurring", objAppt.IsRecurring
On Error Resume Next
v = objAppt.StartTime
Show "StartTime of a series", Hex(Err.Number)
Err.Clear
objPattern.DayOfWeekMask = 200
Show "No such days", Hex(Err.Number)
Err.Clear
On Error GoTo 0

Set msgs = objCalendar.Messages
msgs.Filter.Fields.Add CdoPR_START_DATE, DateSerial(2000, 1, 31)
msgs.Filter.Fields.Add CdoPR_END_DATE, DateSerial(1999, 9, 1)
For Each objOne In msgs
    Show "Occurrence", Clock(objOne.StartTime)
Next
Set msgs = objCalendar.Messages
msgs.Filter.Fields.Add CdoPR_START_DATE, DateSerial(1999, 10, 31)
msgs.Filter.Fields.Add CdoPR_END_DATE, DateSerial(1999, 10, 1)
Set objOne = msgs.GetFirst
Show "Master", objOne.GetRecurrencePattern.Parent.Subject
objOne.StartTime = DateSerial(1999, 10, 28) + TimeSerial(18, 0, 0)
objOne.EndTime = DateSerial(1999, 10, 28) + TimeSerial(19, 0, 0)
objOne.Update
Set msgs = objCalendar.Messages
msgs.Filter.Fields.Add CdoPR_START_DATE, DateSerial(1999, 11, 30)
msgs.Filter.Fields.Add CdoPR_END_DATE, DateSerial(1999, 9, 25)
For Each objOne In msgs
    Show "Afterwards", Clock(objOne.StartTime) & " " & objOne.Duration
Next
Set objAppt = objSession.GetMessage(objAppt.ID, Null)
objAppt.ClearRecurrencePattern
objAppt.Update
Show "Recurring", objAppt.IsRecurring
Show "Items", objCalendar.Messages.Count
objCalendar.Messages.Delete

Function At(d, h)
    At = DateSerial(1999, 9, d) + TimeSerial(h, 0, 0)
End Function

Function Clock(d)
    Clock = Right("0" & Month(d), 2) & "-" & Right("0" & Day(d), 2) & " " & Right("0" & Hour(d), 2) & ":" & Right("0" & Minute(d), 2)
End Function
objSession.Logoff
WScript.Echo checks & " checks"
