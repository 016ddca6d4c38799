' Make a contact: predefined properties, and Outlook's own by their numbers in the set of addresses.
Option Explicit
Const CdoDefaultFolderContacts = 5
Const CdoPR_GIVEN_NAME = &H3A06001E
Const CdoPR_SURNAME = &H3A11001E
Const CdoPR_COMPANY_NAME = &H3A16001E
Const CdoPR_DISPLAY_NAME = &H3001001E
Const AddressSet = "0420060000000000C000000000000046"
Dim objSession, server, checks, objFolder, objMsg, objFields
checks = 0
server = WScript.Arguments(0)

Sub Show(what, value)
    WScript.Echo what & ": " & value
    checks = checks + 1
End Sub

Set objSession = CreateObject("MAPI.Session")
objSession.Logon "", "", False, True, 0, True, server & vbLf & "anna"
Set objFolder = objSession.GetDefaultFolder(CdoDefaultFolderContacts)
Set objMsg = objFolder.Messages.Add("Charles Babbage", "Met at the Society.", "IPM.Contact")
Set objFields = objMsg.Fields
objFields.Add CdoPR_GIVEN_NAME, "Charles"
objFields.Add CdoPR_SURNAME, "Babbage"
objFields.Add CdoPR_COMPANY_NAME, "Analytical Engines"
objFields.Add CdoPR_DISPLAY_NAME, "Babbage, Charles"
objFields.SetNamespace AddressSet
objFields.Add "0x8005", vbString, "Babbage, Charles"
objFields.Add "0x8083", vbString, "charles@contoso.test"
objFields.Add "0x8082", vbString, "SMTP"
objMsg.Update

Set objMsg = objFolder.Messages.GetFirst
Show "Type", objMsg.Type
Show "Subject", objMsg.Subject
Show "Given name", objMsg.Fields(CdoPR_GIVEN_NAME)
Show "Company", objMsg.Fields(CdoPR_COMPANY_NAME)
objMsg.Fields.SetNamespace AddressSet
Show "File as", objMsg.Fields.Item("0x8005", AddressSet)
Show "Address", objMsg.Fields("{00062004-0000-0000-C000-000000000046}0x8083")
Set objFields = objMsg.Fields
objFields(CdoPR_COMPANY_NAME) = "Difference Engines"
objMsg.Update
Show "Changed", objSession.GetMessage(objMsg.ID).Fields(CdoPR_COMPANY_NAME)
objMsg.Delete
Show "Contacts", objFolder.Messages.Count
objSession.Logoff
WScript.Echo checks & " checks"
