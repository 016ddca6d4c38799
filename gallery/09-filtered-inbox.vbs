' Filter the Inbox: unread, sender, subject, times, Or and Not, For Each.
Option Explicit
Const CdoPR_SUBJECT = &H0037001E
Dim objSession, server, checks, msgs, flt
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Sub Count(what)
    Dim m, s
    s = ""
    For Each m In msgs
        s = s & " [" & m.Subject & "]"
    Next
    Show what, msgs.Count & s
End Sub
Set msgs = objSession.Inbox.Messages
msgs.Filter.Unread = True
Count "Unread"
msgs.Filter.Sender = "builder"
Count "Unread from Builder"
Set msgs.Filter = Nothing
Count "All"
msgs.Filter.Subject = "budget"
Count "Subject"
msgs.Filter = Nothing
msgs.Filter.TimeFirst = DateSerial(1998, 3, 3)
msgs.Filter.TimeLast = DateSerial(1998, 3, 4) + TimeSerial(23, 59, 59)
Count "Two days"
Set msgs = objSession.Inbox.Messages
Set flt = msgs.Filter
flt.Or = True
flt.Subject = "lunch"
flt.Text = "again"
Count "Or"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Not = True
msgs.Filter.Unread = False
Count "Not read"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Type = "IPM.Appointment"
Count "Appointments"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Fields.Add CdoPR_SUBJECT, "order"
Count "By field"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Importance = 2
Count "High"
Show "First of type", objSession.Inbox.Messages.GetFirst("IPM.Note").Subject
objSession.Logoff
WScript.Echo checks & " checks"
