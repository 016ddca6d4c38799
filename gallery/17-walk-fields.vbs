' Walk all properties of a message.
Option Explicit
Const CdoPR_SUBJECT = &H0037001E
Const CdoPR_ENTRYID = &H0FFF0102
Dim objSession, server, checks, msgs, objMsg, objFields, objField, i, s, errors, texts, bad
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set msgs = objSession.Inbox.Messages
msgs.Filter.Subject = "Your order"
Set objMsg = msgs.GetFirst
Set objFields = objMsg.Fields
errors = 0
texts = 0
bad = 0
On Error Resume Next
For i = 1 To objFields.Count
    Set objField = objFields.Item(i)
    If objField.Index <> i Then bad = bad + 1
    s = CStr(objField.Value)
    If Err.Number <> 0 Then
        errors = errors + 1
        Err.Clear
    ElseIf objField.Type = vbString Then
        texts = texts + 1
    End If
    Select Case Hex(objField.ID)
    Case "37001E", "37001F"
        Show "Subject", objField.Value & " " & objField.Type
    Case "E060040"
        Show "Delivery time", objField.Value & " " & objField.Type
    Case "E1B000B"
        Show "Has attachments", objField.Value & " " & objField.Type
    Case "170003"
        Show "Importance", objField.Value & " " & objField.Type
    End Select
Next
On Error GoTo 0
Show "There are more than 20", objFields.Count > 20
Show "Wrong indexes", bad
Show "Texts", texts > 5
Show "Value is the default", objFields(CdoPR_SUBJECT)
Show "Text form of a tag", objFields("0x0037001E")
Show "Entry ID as hex", objFields(CdoPR_ENTRYID).Value = objMsg.ID
objSession.Logoff
WScript.Echo checks & " checks"
