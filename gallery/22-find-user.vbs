' Find a user in the address book: by a filter, by Item, by alias.
Option Explicit
Const CdoPR_DISPLAY_NAME = &H3001001E
Const CdoPR_ACCOUNT = &H3A00001E
Dim objSession, server, checks, objEntries, objEntry, objAgain, objMsg, objRecip
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objEntries = objSession.AddressLists(1).AddressEntries
objEntries.Filter.Fields.Add CdoPR_DISPLAY_NAME, "Bob"
Set objEntry = objEntries.GetFirst
Show "By display name", objEntry.Name
Set objEntries = objSession.GetAddressList(0).AddressEntries
objEntries.Filter.Fields.Add CdoPR_ACCOUNT, "anna"
Show "By account", objEntries.GetFirst.Name
Set objEntries = objSession.GetAddressList(0).AddressEntries
objEntries.Filter.Name = "room"
Show "By name", objEntries.GetFirst.Name
Set objEntries = objSession.GetAddressList(0).AddressEntries
Set objEntry = objEntries.Item("Bob")
Show "By Item", objEntry.Name
Set objAgain = objSession.GetAddressEntry(objEntry.ID)
Show "By ID", objAgain.Name
Show "The same", objAgain.IsSameAs(objEntry)
Show "No manager", objEntry.Manager Is Nothing
Show "Account", objEntry.Fields(CdoPR_ACCOUNT)
Set objEntries = objSession.GetAddressList(0).AddressEntries
objEntries.Filter.Fields.Add CdoPR_DISPLAY_NAME, "Zacharias"
Show "Nobody", objEntries.GetFirst Is Nothing
Set objMsg = objSession.Outbox.Messages.Add("x")
Set objRecip = objMsg.Recipients.Add
objRecip.Name = "Anna"
objRecip.Resolve False
Show "Resolved", objRecip.AddressEntry.Name & " " & objRecip.DisplayType
objSession.Logoff
WScript.Echo checks & " checks"
