' Invite to a meeting, see what the attendee gets, and cancel it.
Option Explicit
Const CdoMeeting = 1
Const CdoMeetingCanceled = 5
Dim objSession, server, checks, objCalendar, objAppt, objRecip, strID, objReq, objMine
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
objAppt.Subject = "Planning"
objAppt.Location = "Room 101"
objAppt.StartTime = At(14, 10)
objAppt.EndTime = At(14, 11)
On Error Resume Next
objAppt.Send
Show "Send without a meeting", Hex(Err.Number)
Err.Clear
On Error GoTo 0
objAppt.MeetingStatus = CdoMeeting
Set objRecip = objAppt.Recipients.Add("Anna Schmidt", , 1)
objAppt.Recipients.Resolve False
objAppt.Send
Show "Status", objAppt.MeetingStatus
strID = objAppt.ID
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objReq = Find("IPM.Schedule.Meeting.Request")
Show "Request", objReq.Subject
Show "Class", objReq.Class
Show "Type", objReq.MeetingType
Show "From", objReq.Sender.Name
Set objMine = objReq.GetAssociatedAppointment
Show "When", Clock(objMine.StartTime) & " " & objMine.Location
objReq.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Set objAppt = objSession.GetMessage(strID)
objAppt.MeetingStatus = CdoMeetingCanceled
objAppt.Send
objAppt.Delete
Show "Calendar", objSession.GetDefaultFolder(0).Messages.Count
objSession.GetDefaultFolder(3).Messages.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objReq = Find("IPM.Schedule.Meeting.Canceled")
Show "Cancellation", objReq.Subject
Show "Class", objReq.Class
On Error Resume Next
objReq.Respond 3
Show "Respond to it", Err.Number <> 0
Err.Clear
On Error GoTo 0
objReq.Delete
objSession.GetDefaultFolder(0).Messages.Delete

Function Find(strType)
    Dim tries
    For tries = 1 To 20
        Set Find = objSession.Inbox.Messages.GetFirst(strType)
        If Not Find Is Nothing Then Exit For
        WScript.Sleep 500
    Next
End Function

Function At(d, h)
    At = DateSerial(1999, 9, d) + TimeSerial(h, 0, 0)
End Function

Function Clock(d)
    Clock = Right("0" & Month(d), 2) & "-" & Right("0" & Day(d), 2) & " " & Right("0" & Hour(d), 2) & ":" & Right("0" & Minute(d), 2)
End Function
objSession.Logoff
WScript.Echo checks & " checks"
