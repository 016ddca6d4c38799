' Free/busy of rooms and of several people. Published data begin with the current month, so that the script
' works with the next day.
Option Explicit
Dim objSession, server, checks, dtDay, objAppt, objOut, objMe, strFree, objMsg
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "room"
dtDay = Date + 1
Set objAppt = objSession.GetDefaultFolder(0).Messages.Add
objAppt.Subject = "Taken"
objAppt.StartTime = dtDay + TimeSerial(10, 0, 0)
objAppt.EndTime = dtDay + TimeSerial(11, 0, 0)
objAppt.BusyStatus = 2
objAppt.Update
Set objOut = objSession.GetDefaultFolder(0).Messages.Add
objOut.StartTime = dtDay + TimeSerial(11, 30, 0)
objOut.EndTime = dtDay + TimeSerial(12, 0, 0)
objOut.BusyStatus = 3
objOut.Update
Set objMe = objSession.GetAddressEntry(objSession.CurrentUser.ID)
Show "Half hours from 9 to 12", objMe.GetFreeBusy(dtDay + TimeSerial(9, 0, 0), dtDay + TimeSerial(12, 0, 0), 30)
Show "Hours", objMe.GetFreeBusy(dtDay + TimeSerial(9, 0, 0), dtDay + TimeSerial(12, 0, 0), 60)
Show "Midnight to midnight", Len(objMe.GetFreeBusy(dtDay, dtDay + 1, 30))
On Error Resume Next
strFree = objMe.GetFreeBusy(dtDay, dtDay + 1, 0)
Show "No interval", Hex(Err.Number)
Err.Clear
On Error GoTo 0
objAppt.Delete
objOut.Delete
Show "Afterwards", objMe.GetFreeBusy(dtDay + TimeSerial(9, 0, 0), dtDay + TimeSerial(12, 0, 0), 30)
Set objMsg = objSession.Outbox.Messages.Add("x")
objMsg.Recipients.Add "Room 101"
objMsg.Recipients.Add "Bob Builder"
objMsg.Recipients.Resolve False
Show "Together", objMsg.Recipients.GetFreeBusy(dtDay + TimeSerial(9, 0, 0), dtDay + TimeSerial(12, 0, 0), 60)
Show "The room", objMsg.Recipients(1).GetFreeBusy(dtDay + TimeSerial(9, 0, 0), dtDay + TimeSerial(12, 0, 0), 60)
objSession.Logoff
WScript.Echo checks & " checks"
