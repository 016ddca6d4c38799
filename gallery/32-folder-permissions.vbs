' Folder permissions with the ACL component of the Exchange SDK (MSExchange.aclobject).
' That component isn't part of CDO, isn't under Wine, and wants the C++ object of the folder (MAPIOBJECT), which a server in another
' process hasn't got: CdoE_INTERFACE_NOT_SUPPORTED. What is checked are these two errors and what the script needs else:
' the folder's and the user's IDs, and the folder's rights (PR_ACCESS).
Option Explicit
Dim objSession, server, checks, objACL, objFolder, objEntries
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
On Error Resume Next
Set objACL = CreateObject("MSExchange.aclobject")
Show "No ACL component", Err.Number <> 0
Err.Clear
Set objFolder = objSession.GetDefaultFolder(0)
Set objACL = objFolder.MAPIOBJECT
Show "MAPIOBJECT", Hex(Err.Number)
Err.Clear
On Error GoTo 0
Set objEntries = objSession.GetAddressList(0).AddressEntries
objEntries.Filter.Name = "Bob"
Show "User", objEntries.GetFirst.Name & " " & (Len(objEntries.GetFirst.ID) > 40)
Show "Folder", objFolder.Name & " " & (Len(objFolder.ID) > 40)
Show "Rights of the owner", Hex(objFolder.Fields(&H0FF40003).Value)
objSession.Logoff
WScript.Echo checks & " checks"
