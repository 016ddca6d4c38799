' Named properties of a message: by name, in a namespace of one's own, arrays.
Option Explicit
Dim objSession, server, checks, objFolder, objMsg, objFields, objField, strName, v
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objFolder = objSession.Inbox.Folders.Add("Fields")
Set objMsg = objFolder.Messages.Add("Named", "x")
Set objFields = objMsg.Fields
objFields.Add "Keyword", vbString, "Peru"
objFields.Add "Number", vbLong, 42
objFields.Add "Share", vbDouble, 0.25
objFields.Add "Yes", vbBoolean, True
objFields.Add "Day", vbDate, DateSerial(1998, 7, 1)
objFields.Add "Price", vbCurrency, CCur(9.99)
objFields.Add "Blob", 65, "00FF10"
Set objField = objFields.Add("Words", vbArray + vbString)
objField.Value = Array("one", "two", "three")
objFields.SetNamespace "29030200000000C000000000000046AA"
objFields.Add "Hidden", vbString, "in another set"
objMsg.Update

Set objMsg = objSession.GetMessage(objMsg.ID)
Set objFields = objMsg.Fields
For Each strName In Array("Keyword", "Number", "Share", "Yes", "Day", "Price", "Blob")
    Set objField = objFields(strName)
    Show objField.Name, objField.Type & " " & objField.Value & " " & TypeName(objField.Value)
Next
v = objFields.Item("Words").Value
Show "Words", objFields("Words").Type & " " & UBound(v) & " " & v(0) & v(2)
On Error Resume Next
v = objFields.Item("Hidden").Value
Show "Not in this set", Hex(Err.Number)
Err.Clear
On Error GoTo 0
Show "By set", objFields.Item("Hidden", "29030200000000C000000000000046AA").Value
objFields.SetNamespace "29030200000000C000000000000046AA"
Show "By namespace", objFields("Hidden")
objFields.SetNamespace ""
objFields("Number") = 43
objFields("Keyword").Delete
objMsg.Update
Set objMsg = objSession.GetMessage(objMsg.ID)
Show "Changed", objMsg.Fields("Number")
On Error Resume Next
Set objField = objMsg.Fields("Keyword")
Show "Deleted", Hex(Err.Number)
On Error GoTo 0
objFolder.Delete
objSession.Logoff
WScript.Echo checks & " checks"
