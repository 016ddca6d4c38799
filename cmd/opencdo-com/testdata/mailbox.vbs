' What scripts of 1998 do with a mailbox. The last line counts the checks.
Option Explicit
Const CdoDefaultFolderInbox = 1
Const CdoPR_SUBJECT = &H0037001E
Dim passed, failed, session, inbox, messages, msg, other, recipient, field, text, n, now0, id
passed = 0
failed = 0

Sub Check(name, got, want)
    Dim same
    same = False
    If VarType(got) = VarType(want) Or (IsNumeric(got) And IsNumeric(want)) Then same = (got = want)
    If same Then
        passed = passed + 1
    Else
        failed = failed + 1
        WScript.Echo "FAILED " & name & ": " & TypeName(got) & " " & got & ", not " & TypeName(want) & " " & want
    End If
End Sub

Set session = CreateObject("MAPI.Session")
Check "class", session.Class, 0
On Error Resume Next
text = session.Inbox.Name
Check "not logged on", Err.Number, &H80040605
Check "its text", Err.Description, "[Collaboration Data Objects - [MAPI_E_NOT_INITIALIZED(80040605)]]"
Check "its source", Err.Source, "Collaboration Data Objects"
Err.Clear
session.Logon "", "", False, True, 0, True, "no line"
Check "bad ProfileInfo", Err.Number <> 0, True
Err.Clear
On Error GoTo 0

session.Logon , , False, True, , True, "server" & Chr(10) & "ada"
Set inbox = session.Inbox
Check "folder", TypeName(inbox), "Folder"
Check "same session", inbox.Session Is session, True
Check "default folder", session.CompareIDs(session.GetDefaultFolder(CdoDefaultFolderInbox).ID, inbox.ID), True
Set messages = inbox.Messages
Check "empty", messages.Count, 0
Check "no first", messages.GetFirst Is Nothing, True

For n = 1 To 3
    Set msg = messages.Add("Subject " & n, "Text" & vbCrLf & n)
    msg.Importance = n - 1
    msg.Unread = True
    Set recipient = msg.Recipients.Add("Bob", "SMTP:bob@example.com", 1)
    now0 = Now
    msg.TimeReceived = now0
    msg.Fields.Add "Number", 3, n
    msg.Fields(CdoPR_SUBJECT) = "Changed " & n
    msg.Update
Next
Check "date", msg.TimeReceived, now0
Check "recipient", msg.Recipients(1).Name, "Bob"
Check "address", msg.Recipients.Item(1).Address, "SMTP:bob@example.com"
Check "subject by tag", msg.Subject, "Changed 3"
text = msg
Check "default member", text, "Changed 3"

Set messages = inbox.Messages
Check "count", messages.Count, 3
text = ""
For Each msg In messages
    text = text & msg.Fields("Number") & msg.Importance & " "
Next
Check "For Each", Len(text), 9
n = 0
Set msg = messages.GetFirst
Do While Not msg Is Nothing
    n = n + 1
    Set msg = messages.GetNext
Loop
Check "GetNext", n, 3
messages.Sort 2, CdoPR_SUBJECT
Check "sorted", messages(1).Subject, "Changed 3"
messages.Filter.Subject = "changed 2"
Check "filtered", messages.Count, 1
Set msg = messages.GetFirst
id = msg.ID
Set messages.Filter = Nothing
Check "without filter", messages.Count, 3

Set other = session.GetMessage(id)
Check "by id", other.Subject, "Changed 2"
Check "same", other.IsSameAs(msg), True
Check "text", other.Text, "Text" & vbCrLf & "2"
other.Categories = Array("red", "blue")
other.Update
text = session.GetMessage(id, Null).Categories
Check "categories", UBound(text) & text(0), "1red"
On Error Resume Next
text = other.Fields(&H7FFF001E).Value
Check "field that isn't there", Err.Number, &H8004010F
Err.Clear
other.NoSuchMember = 1
Check "member that isn't there", Err.Number, 438
Err.Clear
On Error GoTo 0
other.Delete
Check "deleted", inbox.Messages.Count, 2
inbox.Messages.Delete
Check "all deleted", inbox.Messages.Count, 0
session.Logoff

WScript.Echo passed & " passed, " & failed & " failed"
