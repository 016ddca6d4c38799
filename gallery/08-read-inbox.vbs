' Read the Inbox with GetFirst and GetNext.
Option Explicit
Dim objSession, objInbox, objMessages, objMsg, server, checks
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Function TwoDigits(n)
    TwoDigits = Right("0" & n, 2)
End Function

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objInbox = objSession.Inbox
Set objMessages = objInbox.Messages
Show "Messages", objMessages.Count
Set objMsg = objMessages.GetFirst
Do While Not objMsg Is Nothing
    Show "Subject", objMsg.Subject
    Show "  from", objMsg.Sender.Name
    Show "  address", objMsg.Sender.Address
    Show "  received", Year(objMsg.TimeReceived) & "-" & TwoDigits(Month(objMsg.TimeReceived)) & "-" & TwoDigits(Day(objMsg.TimeReceived))
    Show "  unread", objMsg.Unread
    Show "  text", Replace(objMsg.Text, vbCrLf, "|")
    Set objMsg = objMessages.GetNext
Loop
Show "Parent is the folder", objSession.CompareIDs(objMessages.Parent.ID, objInbox.ID)
Set objMsg = objMessages.GetLast
Show "Last has an ID", Len(objMsg.ID) > 0
Show "The one before it isn't the same", Not objMessages.GetPrevious.IsSameAs(objMsg)
objSession.Logoff
WScript.Echo checks & " checks"
