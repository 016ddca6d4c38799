package model

// dispids are the numbers of the members: one numbering for the whole library, so that a name has the same on every interface.
var dispids = map[string]int{
	"CurrentUser": 1, "Address": 2, "AddressEntries": 3, "AddressLists": 4, "Attachments": 5, "Class": 6, "Conversation": 8, "Count": 9,
	"Encrypted": 10, "Fields": 12, "Folders": 13, "ID": 14, "Inbox": 15, "Outbox": 16, "Type": 17, "Submitted": 18, "Index": 19,
	"Application": 20, "Item": 21, "Messages": 22, "Name": 23, "OperatingSystem": 24, "Parent": 25, "Position": 26, "Importance": 27,
	"Recipients": 28, "Resolved": 29, "ReadReceipt": 30, "Sender": 32, "Sent": 33, "Session": 34, "Signed": 35, "Size": 36, "Source": 37,
	"Subject": 38, "Text": 39, "TimeReceived": 40, "TimeSent": 41, "Unread": 42, "Value": 43, "Version": 44, "Not": 45, "TimeFirst": 46,
	"TimeLast": 47, "MAPIOBJECT": 49, "DeliveryReceipt": 50, "FolderID": 51, "StoreID": 52, "AddressEntry": 53, "ConversationTopic": 54,
	"ConversationIndex": 55, "DisplayType": 56, "InfoStores": 57, "ProviderName": 58, "RootFolder": 59, "IsReadOnly": 60, "Filter": 61,
	"Or": 62, "Members": 64, "RawTable": 80, "AmbiguousNames": 81, "OutOfOffice": 82, "OutOfOfficeText": 83, "Manager": 84, "Level": 85,
	"StartTime": 88, "EndTime": 89, "Interval": 90, "GetRecurrencePattern": 94, "Categories": 96, "TimeCreated": 97, "TimeExpired": 98,
	"Add": 100, "AddressBook": 101, "CopyTo": 104, "Delete": 106, "Details": 107, "DeliverNow": 108, "GetFirst": 109, "GetLast": 110,
	"GetNext": 111, "GetPrevious": 112, "Forward": 113, "GetAddressEntry": 114, "GetFolder": 116, "GetMessage": 117, "Logoff": 118,
	"Logon": 119, "MoveTo": 120, "GetInfoStore": 122, "SetNamespace": 123, "Options": 125, "ReadFromFile": 127, "Reply": 128,
	"ReplyAll": 129, "Resolve": 130, "Send": 131, "Update": 132, "WriteToFile": 133, "Sort": 134, "IsSameAs": 136, "CompareIDs": 137,
	"GetFirstUnresolved": 143, "GetNextUnresolved": 144, "SetLocaleIDs": 145, "CreateConversationIndex": 146, "AddMultiple": 147,
	"GetFreeBusy": 148, "Respond": 150, "ClearRecurrencePattern": 151, "GetAssociatedAppointment": 152, "GetDefaultFolder": 153,
	"GetAddressList": 155, "GetOption": 156, "SetOption": 157, "GetArticle": 158, "ExcludeRTFProps": 159, "Sensitivity": 300,
	"TimeLastModified": 301, "AllDayEvent": 302, "BusyStatus": 303, "Duration": 304, "IsRecurring": 305, "Location": 306,
	"MeetingStatus": 307, "Organizer": 308, "ReminderMinutesBeforeStart": 309, "ReminderSet": 312, "ReplyTime": 314,
	"ResponseRequested": 315, "DayOfMonth": 316, "DayOfWeekMask": 317, "Instance": 318, "MonthOfYear": 319, "NoEndDate": 320,
	"Occurrences": 321, "PatternEndDate": 322, "PatternStartDate": 323, "RecurrenceType": 324, "MeetingResponseStatus": 325,
	"MeetingType": 326, "HiddenMessages": 327,
}
