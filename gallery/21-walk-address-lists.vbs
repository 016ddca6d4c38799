' Walk the address lists and their entries.
Option Explicit
Const CdoAddressListGAL = 0
Dim objSession, server, checks, objList, objEntries, objEntry
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Show "Lists", objSession.AddressLists.Count > 0
For Each objList In objSession.AddressLists
    If objSession.GetAddressList(CdoAddressListGAL).IsSameAs(objList) Then
        Show "GAL", objList.Index & " " & objList.IsReadOnly
    End If
Next
Set objEntries = objSession.GetAddressList(CdoAddressListGAL).AddressEntries
Show "Entries", objEntries.Count
Set objEntry = objEntries.GetFirst
Do While Not objEntry Is Nothing
    Show objEntry.Name, objEntry.Type & " " & objEntry.Fields(&H39FE001E) & " " & objEntry.DisplayType
    Show "  X.500", Left(objEntry.Address, 3)
    Show "  no members", objEntry.Members Is Nothing
    Set objEntry = objEntries.GetNext
Loop
On Error Resume Next
objEntries.Add "SMTP", "New", "new@contoso.test"
Show "Entries can't be added", Err.Number <> 0
objSession.Logoff
WScript.Echo checks & " checks"
