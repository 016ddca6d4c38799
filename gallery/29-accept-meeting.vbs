' An agent that accepts meetings for a room, as the sample of Exchange 5.5 did.
Option Explicit
Dim objSession, server, checks, objAppt, objItem, msgs, strID
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Set objAppt = objSession.GetDefaultFolder(0).Messages.Add
objAppt.Subject = "Workshop"
objAppt.StartTime = At(15, 10)
objAppt.EndTime = At(15, 12)
objAppt.MeetingStatus = 1
objAppt.Recipients.Add "Room 101", , 3
objAppt.Recipients.Resolve False
objAppt.Send
strID = objAppt.ID
objSession.GetDefaultFolder(3).Messages.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "room"
Set objItem = Find("IPM.Schedule.Meeting.Request")
ProcessItem objItem.ID
Show "Inbox of the room", objSession.Inbox.Messages.Count
Set msgs = objSession.GetDefaultFolder(0).Messages
Show "Calendar of the room", msgs.Count & " " & msgs.GetFirst.Subject & " " & msgs.GetFirst.BusyStatus
Show "Its response", msgs.GetFirst.MeetingResponseStatus
msgs.Delete
objSession.GetDefaultFolder(3).Messages.Delete
objSession.Logoff

objSession.Logon "", "", False, True, 0, True, server & vbLf & "bob"
Set objItem = Find("IPM.Schedule.Meeting.Resp.Pos")
Show "Response", objItem.Subject
Show "Its text", objItem.Text
Show "Its type", objItem.MeetingType
Show "Whose", objItem.Sender.Name
Set objAppt = objItem.GetAssociatedAppointment
Show "For", objAppt.Subject & " " & objSession.CompareIDs(objAppt.ID, strID)
objItem.Delete
objSession.GetDefaultFolder(0).Messages.Delete

Sub ProcessItem(strItem)
    Dim objRequest, objMine, objResp, strFree
    Set objRequest = objSession.GetMessage(strItem, Null)
    If objRequest.Class <> 27 Then Exit Sub
    If objRequest.MeetingType <> 1 Then Exit Sub
    Set objMine = objRequest.GetAssociatedAppointment
    strFree = objSession.CurrentUser.GetFreeBusy(objMine.StartTime, objMine.EndTime, 30)
    Show "Free", strFree
    Set objResp = objRequest.Respond(3)
    objResp.Text = "Accepted by a machine."
    objMine.ReplyTime = Now
    objMine.Update
    objResp.Send
    objRequest.Delete
End Sub

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
