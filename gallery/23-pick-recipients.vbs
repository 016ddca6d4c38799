' Let a person pick recipients. opencdo-com has no dialogs (CdoE_NO_SUPPORT), so a program has to go on without;
' what is checked is the error, the check of arguments and the assignment of a list of recipients.
Option Explicit
Const CdoTo = 1
Dim objSession, server, checks, objRecips, objMsg, objOther, objRecip
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
On Error Resume Next
Set objRecips = objSession.AddressBook(Nothing, "Pick", False, True, 3, "To:", "Cc:", "Bcc:")
Show "AddressBook", Hex(Err.Number)
Err.Clear
Set objRecips = objSession.AddressBook(, , , , 9)
Show "Nine boxes", Hex(Err.Number)
Err.Clear
objSession.CurrentUser.Details
Show "Details", Hex(Err.Number)
Err.Clear
On Error GoTo 0
Set objMsg = objSession.Outbox.Messages.Add("Chosen otherwise")
objMsg.Recipients.AddMultiple "Anna Schmidt; bob; Charles[SMTP:charles@example.test]", CdoTo
Show "Unresolved", objMsg.Recipients.Resolved
Show "First unresolved", objMsg.Recipients.GetFirstUnresolved.Name
objMsg.Recipients.Resolve False
Show "Resolved", objMsg.Recipients.Resolved
Set objOther = objSession.Outbox.Messages.Add("Another")
Set objOther.Recipients = objMsg.Recipients
For Each objRecip In objOther.Recipients
    Show objRecip.Name, objRecip.Type & " " & Left(objRecip.Address, 4)
Next
objOther.Recipients.Delete
Show "Left", objOther.Recipients.Count & " of " & objMsg.Recipients.Count
objSession.Logoff
WScript.Echo checks & " checks"
