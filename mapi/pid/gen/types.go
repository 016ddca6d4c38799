package main

// typeCodes are the property types under their names in the specification ([MS-OXCDATA] 2.11.1).
var typeCodes = map[string]uint16{
	"Integer16": 0x02, "Integer32": 0x03, "Floating32": 0x04, "Floating64": 0x05, "Currency": 0x06, "FloatingTime": 0x07,
	"ErrorCode": 0x0A, "Boolean": 0x0B, "Object": 0x0D, "Integer64": 0x14, "String8": 0x1E, "String": 0x1F, "Time": 0x40,
	"Guid": 0x48, "ServerId": 0xFB, "Restriction": 0xFD, "RuleAction": 0xFE, "Binary": 0x102,
}

// setVars are the names that package mapi gives to property sets, where it isn't the specification's.
var setVars = map[string]string{
	"PS_INTERNET_HEADERS":         "PSInternetHeaders",
	"PS_PUBLIC_STRINGS":           "PSPublicStrings",
	"PSETID_CalendarAssistant":    "PSETIDCalendarAssist",
	"PSETID_XmlExtractedEntities": "PSETIDXMLExtracted",
}

// untyped are the types ([MS-OXPROPS] 2) of properties for which the list has none. All others of these are strings.
var untyped = map[string]string{
	"PidNameCalendarExceptionDate":            "PtypMultipleTime",
	"PidNameCalendarGeoLatitude":              "PtypFloating64",
	"PidNameCalendarGeoLongitude":             "PtypFloating64",
	"PidNameCalendarInstanceType":             "PtypInteger32",
	"PidNameCalendarIsOrganizer":              "PtypBoolean",
	"PidNameCalendarLastModified":             "PtypTime",
	"PidNameCalendarReminderOffset":           "PtypInteger32",
	"PidNameCalendarRsvp":                     "PtypBoolean",
	"PidNameCalendarSequence":                 "PtypInteger32",
	"PidNameCalendarTimeZoneId":               "PtypInteger32",
	"PidNameDavIsCollection":                  "PtypBoolean",
	"PidNameDavIsStructuredDocument":          "PtypBoolean",
	"PidNameDocumentParts":                    "PtypMultipleString",
	"PidNameExchangeJunkEmailMoveStamp":       "PtypInteger32",
	"PidNameExchangeModifyExceptionStructure": "PtypBinary",
	"PidNameExchangeNoModifyExceptions":       "PtypBoolean",
	"PidNameExchangePatternEnd":               "PtypTime",
	"PidNameExchangePatternStart":             "PtypTime",
	"PidNameExchangeReminderInterval":         "PtypInteger32",
	"PidNameExchDatabaseSchema":               "PtypMultipleString",
	"PidNameExchDataExpectedContentClass":     "PtypMultipleString",
	"PidNameHeadingPairs":                     "PtypBinary",
	"PidNameHttpmailSendMessage":              "PtypBoolean",
	"PidNameICalendarRecurrenceDate":          "PtypMultipleTime",
	"PidNameICalendarRecurrenceRule":          "PtypMultipleString",
	"PidNameLinksDirty":                       "PtypBoolean",
	"PidNameMeetingDoNotForward":              "PtypBoolean",
	"PidNameOMSScheduleTime":                  "PtypTime",
	"PidNameScale":                            "PtypBoolean",
	"PidNameThumbnail":                        "PtypBinary",
}
