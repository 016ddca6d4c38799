' Create an appointment in one's calendar.
Option Explicit
Const CdoDefaultFolderCalendar = 0
Const CdoAppointment = 26
Const CdoBusy = 2
Dim objSession, objCalendar, objAppt, objAgain, server, checks
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objCalendar = objSession.GetDefaultFolder(CdoDefaultFolderCalendar)
Set objAppt = objCalendar.Messages.Add
Show "Class", objAppt.Class
objAppt.Subject = "Dentist"
objAppt.Location = "Main Street 1"
objAppt.Text = "Bring the card."
objAppt.StartTime = DateSerial(1999, 6, 1) + TimeSerial(14, 30, 0)
objAppt.EndTime = DateSerial(1999, 6, 1) + TimeSerial(15, 30, 0)
objAppt.BusyStatus = CdoBusy
objAppt.ReminderSet = True
objAppt.ReminderMinutesBeforeStart = 45
objAppt.Update

Set objAgain = objSession.GetMessage(objAppt.ID, Null)
Show "Class again", objAgain.Class
Show "Type", objAgain.Type
Show "Subject", objAgain.Subject
Show "Location", objAgain.Location
Show "Text", objAgain.Text
Show "Starts", objAgain.StartTime
Show "Duration", objAgain.Duration
Show "BusyStatus", objAgain.BusyStatus
Show "Reminder", objAgain.ReminderMinutesBeforeStart
Show "All day", objAgain.AllDayEvent
Show "Recurring", objAgain.IsRecurring
Show "Organizer", objAgain.Organizer.Name

objAgain.AllDayEvent = True
objAgain.Update
Show "All day", objAgain.AllDayEvent
Show "Hours", (objAgain.EndTime - objAgain.StartTime) * 24

On Error Resume Next
objAgain.EndTime = objAgain.StartTime
objAgain.AllDayEvent = False
objAgain.EndTime = objAgain.StartTime - 1
objAgain.Update
Show "End before start", Hex(Err.Number)
On Error GoTo 0
objAppt.Delete
objSession.Logoff
WScript.Echo checks & " checks"
