package model

import (
	_ "embed"
	"strconv"
	"strings"
)

// Enums are the enumerations with numbers of their own. Each exists up to three times in the type library, for the versions 1.0, 1.1
// and 1.2; these are the names of 1.2.
var Enums = []Enum{
	{"CdoObjectClass", "ObjectClass", "The kind of an object, its Class property. Some are reserved without having objects.", []Value{
		{"CdoUnknown", -1, ""}, {"CdoSession", 0, ""}, {"CdoInfoStore", 1, ""}, {"CdoFolder", 2, ""}, {"CdoMsg", 3, ""}, {"CdoRecipient", 4, ""},
		{"CdoAttachment", 5, ""}, {"CdoField", 6, ""}, {"CdoAddressList", 7, ""}, {"CdoAddressEntry", 8, ""}, {"CdoAddressFilter", 9, ""},
		{"CdoMessageFilter", 10, ""}, {"CdoInfoStores", 14, ""}, {"CdoFolders", 15, ""}, {"CdoMessages", 16, ""}, {"CdoRecipients", 17, ""},
		{"CdoAttachments", 18, ""}, {"CdoFields", 19, ""}, {"CdoAddressLists", 20, ""}, {"CdoAddressEntries", 21, ""}, {"CdoGroupHeader", 25, ""},
		{"CdoAppointment", 26, ""}, {"CdoMeetingItem", 27, ""}, {"CdoRecurrencePattern", 28, ""}, {"CdoExceptions", 29, "reserved"},
		{"CdoException", 30, "reserved"}, {"CdoMeetingPlanner", 31, "reserved"}, {"CdoHiddenMessages", 32, "reserved"}, {"CdoMsgClassTotal", 33, "reserved"}}},
	{"CdoFieldType", "FieldType", "The type of a field. Types of lists are CdoArray plus the type of one value.", []Value{
		{"CdoEmpty", 0, ""}, {"CdoNull", 1, ""}, {"CdoInteger", 2, "16 bits"}, {"CdoLong", 3, "32 bits"}, {"CdoSingle", 4, ""}, {"CdoDouble", 5, ""},
		{"CdoCurrency", 6, ""}, {"CdoDate", 7, ""}, {"CdoString", 8, ""}, {"CdoBoolean", 11, ""}, {"CdoDataObject", 13, "not supported"},
		{"CdoBlob", 65, "text in hexadecimal"}, {"CdoArray", 8192, ""}}},
	{"CdoImportance", "Importance", "The importance of a message.", []Value{{"CdoLow", 0, ""}, {"CdoNormal", 1, ""}, {"CdoHigh", 2, ""}}},
	{"CdoSensitivity", "Sensitivity", "The sensitivity of a message.", []Value{{"CdoNoSensitivity", 0, ""}, {"CdoPersonal", 1, ""}, {"CdoPrivate", 2, ""}, {"CdoConfidential", 3, ""}}},
	{"CdoSortOrder", "SortOrder", "The direction of a sort.", []Value{{"CdoNone", 0, "the order of the store"}, {"CdoAscending", 1, ""}, {"CdoDescending", 2, ""}}},
	{"CdoRecipientType", "RecipientType", "What a recipient gets.", []Value{{"CdoTo", 1, ""}, {"CdoCc", 2, ""}, {"CdoBcc", 3, ""}}},
	{"CdoAttachmentType", "AttachmentType", "The kind of an attachment.", []Value{{"CdoFileData", 1, "a file"}, {"CdoFileLink", 2, "a link to a file"},
		{"CdoOle", 3, "an OLE object"}, {"CdoEmbeddedMessage", 4, "a message"}}},
	{"CdoDisplayType", "DisplayType", "The kind of an address entry.", []Value{{"CdoUser", 0, ""}, {"CdoDistList", 1, ""}, {"CdoForum", 2, ""}, {"CdoAgent", 3, ""},
		{"CdoOrganization", 4, ""}, {"CdoPrivateDistList", 5, ""}, {"CdoRemoteUser", 6, ""}}},
	{"CdoDefaultFolderTypes", "DefaultFolder", "A folder by its purpose.", []Value{{"CdoDefaultFolderCalendar", 0, ""}, {"CdoDefaultFolderInbox", 1, ""},
		{"CdoDefaultFolderOutbox", 2, ""}, {"CdoDefaultFolderSentItems", 3, ""}, {"CdoDefaultFolderDeletedItems", 4, ""}, {"CdoDefaultFolderContacts", 5, ""},
		{"CdoDefaultFolderJournal", 6, ""}, {"CdoDefaultFolderNotes", 7, ""}, {"CdoDefaultFolderTasks", 8, ""}, {"CdoDefaultFolderTotal", 9, "how many there are"}}},
	{"CdoAddressListTypes", "AddressListType", "An address list by its purpose.", []Value{{"CdoAddressListGAL", 0, "the global address list"},
		{"CdoAddressListPAB", 1, "the personal address book"}, {"CdoAddressListTotal", 2, "how many there are"}}},
	{"CdoDaysOfWeek", "DaysOfWeek", "A mask of days of the week.", []Value{{"CdoSunday", 1, ""}, {"CdoMonday", 2, ""}, {"CdoTuesday", 4, ""}, {"CdoWednesday", 8, ""},
		{"CdoThursday", 16, ""}, {"CdoFriday", 32, ""}, {"CdoSaturday", 64, ""}}},
	{"CdoRecurTypes", "RecurType", "The kind of a recurrence pattern. 4 isn't used.", []Value{{"CdoRecurTypeDaily", 0, ""}, {"CdoRecurTypeWeekly", 1, ""},
		{"CdoRecurTypeMonthly", 2, "on a day of the month"}, {"CdoRecurTypeMonthlyNth", 3, "on the second Tuesday, for example"},
		{"CdoRecurTypeYearly", 5, "on a day of a month"}, {"CdoRecurTypeYearlyNth", 6, "on the last Friday of a month, for example"}}},
	{"CdoMeetingStatusTypes", "MeetingStatus", "Whether an appointment is a meeting.", []Value{{"CdoNonMeeting", 0, ""}, {"CdoMeeting", 1, "the user is the organizer"},
		{"CdoMeetingReceived", 3, "the user was invited"}, {"CdoMeetingCanceled", 5, ""}}},
	{"CdoResponseStatus", "ResponseStatus", "An attendee's answer.", []Value{{"CdoResponseNone", 0, ""}, {"CdoResponseOrganized", 1, "the organizer"},
		{"CdoResponseTentative", 2, ""}, {"CdoResponseAccepted", 3, ""}, {"CdoResponseDeclined", 4, ""}, {"CdoResponseNotResponded", 5, ""}}},
	{"CdoBusyStatus", "BusyStatus", "How the time of an appointment is shown to others.", []Value{{"CdoFree", 0, ""}, {"CdoTentative", 1, ""}, {"CdoBusy", 2, ""}, {"CdoOutOfOffice", 3, ""}}},
	{"CdoMeetingType", "MeetingType", "What a meeting item is.", []Value{{"CdoMeetingRequest", 1, "a request or cancellation"}, {"CdoMeetingResponse", 2, ""}}},
	{"CdoStoreType", "StoreType", "The program whose calendar a store has.", []Value{{"CdoOutlook", 1, ""}, {"CdoSchedulePlus", 2, ""}}},
	{"CdoLimits", "", "The Count of a collection whose provider cannot tell: walk it until there is nothing more.", []Value{{"CdoMaxCount", 0x7FFFFFFF, ""}}},
	{"CdoTimeZones", "TimeZone", "CDO's own list of time zones, its spelling included. CdoTmzNoDST is added for a zone without daylight saving time.", []Value{
		{"CdoTmzOrigin", 0, ""}, {"CdoTmzGMT", 1, ""}, {"CdoTmzLisbon", 2, ""}, {"CdoTmzParis", 3, ""}, {"CdoTmzBerlin", 4, ""}, {"CdoTmzEasternEurope", 5, ""}, {"CdoTmzPrague", 6, ""}, {"CdoTmzAthens", 7, ""}, {"CdoTmzRiodeJaneiro", 8, ""}, {"CdoTmzAtlanticCanada", 9, ""}, {"CdoTmzEastern", 10, ""}, {"CdoTmzCentral", 11, ""}, {"CdoTmzMountain", 12, ""}, {"CdoTmzPacific", 13, ""}, {"CdoTmzAlaska", 14, ""}, {"CdoTmzHawaii", 15, ""}, {"CdoTmzMidwayIsland", 16, ""}, {"CdoTmzWellington", 17, ""}, {"CdoTmzBrisbane", 18, ""}, {"CdoTmzAdelaide", 19, ""}, {"CdoTmzTokyo", 20, ""}, {"CdoTmzHongKong", 21, ""}, {"CdoTmzBangkok", 22, ""}, {"CdoTmzBombay", 23, ""}, {"CdoTmzAbuDhabi", 24, ""}, {"CdoTmzTehran", 25, ""}, {"CdoTmzBaghdad", 26, ""}, {"CdoTmzIsrael", 27, ""}, {"CdoTmzNewfoundlad", 28, ""}, {"CdoTmzAzores", 29, ""}, {"CdoTmzMidAtlantic", 30, ""}, {"CdoTmzMonrovia", 31, ""}, {"CdoTmzBuenosAires", 32, ""}, {"CdoTmzCaracas", 33, ""}, {"CdoTmzIndiana", 34, ""}, {"CdoTmzBogota", 35, ""}, {"CdoTmzSaskatchewan", 36, ""}, {"CdoTmzMexicoCity", 37, ""}, {"CdoTmzArizona", 38, ""}, {"CdoTmzEnewetak", 39, ""}, {"CdoTmzFiji", 40, ""}, {"CdoTmzMagadan", 41, ""}, {"CdoTmzHobart", 42, ""}, {"CdoTmzGuam", 43, ""}, {"CdoTmzDarwin", 44, ""}, {"CdoTmzBeijing", 45, ""}, {"CdoTmzAlmaty", 46, ""}, {"CdoTmzIslamabad", 47, ""}, {"CdoTmzKabul", 48, ""}, {"CdoTmzCairo", 49, ""}, {"CdoTmzHarare", 50, ""}, {"CdoTmzMoscow", 51, ""}, {"CdoTmzSydney2k", 52, ""}, {"CdoTmzMax", 53, ""}, {"CdoTmzNoDST", 0x4000, ""}, {"CdoTmzUTC", 0x4001, ""}}},
	{"CdoPropIds", "PropID", "Numbers that CDO gave calendar properties of its own. Nothing here uses them.", []Value{
		{"CdoPidLocation", 0x7E00, ""}, {"CdoPidApptStartWhole", 0x7E01, ""}, {"CdoPidApptEndWhole", 0x7E02, ""}, {"CdoPidResponseStatus", 0x7E03, ""}, {"CdoPidRecurring", 0x7E04, ""}, {"CdoPidBusyStatus", 0x7E05, ""}, {"CdoPidApptDuration", 0x7E06, ""}, {"CdoPidApptSubType", 0x7E07, ""}, {"CdoPidApptStateFlags", 0x7E08, ""}, {"CdoPidApptReplyTime", 0x7E09, ""}, {"CdoPidApptUpdateTime", 0x7E0A, ""}, {"CdoPidExceptionReplaceTime", 0x7E0B, ""}, {"CdoPidOwnerName", 0x7E0C, ""}, {"CdoPidRecurType", 0x7E0D, ""}, {"CdoPidReminderDelta", 0x7E0E, ""}, {"CdoPidReminderTime", 0x7E0F, ""}, {"CdoPidReminderSet", 0x7E10, ""}, {"CdoPidAgingDontAgeMe", 0x7E11, ""}, {"CdoPidDayOfMonth", 0x7E12, ""}, {"CdoPidDayOfWeekMask", 0x7E13, ""}, {"CdoPidInstance", 0x7E14, ""}, {"CdoPidInterval", 0x7E15, ""}, {"CdoPidOccurrences", 0x7E16, ""}, {"CdoPidMonthOfYear", 0x7E17, ""}, {"CdoPidFSliding", 0x7E18, ""}, {"CdoPidFNoEndDate", 0x7E19, ""}, {"CdoPidRecurDuration", 0x7E1A, ""}, {"CdoPidApptGlobalObjId", 0x7E1B, ""}, {"CdoPidTimeZone", 0x7E1C, ""}, {"CdoPidStoreType", 0x7E1D, ""}, {"CdoPidMaximum", 0x7E1E, ""}}},
}

//go:embed errors.txt
var errorList string

// Errors are the codes of CdoErrorType. Those whose names begin with CdoW are warnings.
func Errors() Enum {
	return Enum{"CdoErrorType", "", "Error codes. All are those of package mapi under CDO's names; the W codes are warnings.", table(errorList)}
}

//go:embed tags.txt
var tagList string

// Tags are the property tags of CdoPropTags. Those of strings are of the 8-bit form.
func Tags() Enum {
	e := Enum{"CdoPropTags", "", "Property tags. Each name also exists with ActMsgPR_ in front, and those of strings with _A for the 8-bit and _W for the Unicode form.", table(tagList)}
	for i := range e.Values {
		e.Values[i].Name = "CdoPR_" + e.Values[i].Name
	}
	return e
}

// table reads lines of a hexadecimal number and its names.
func table(text string) (list []Value) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		n, err := strconv.ParseUint(words[0], 16, 32)
		if err != nil {
			panic(err) // the embedded file is part of the program
		}
		for _, name := range words[1:] {
			list = append(list, Value{Name: name, Value: int64(n)})
		}
	}
	return list
}
