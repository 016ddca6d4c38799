package mapi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// GUID is a 16-byte identifier in wire order: the first three groups little-endian ([MS-DTYP] 2.3.4.2).
type GUID [16]byte

// ParseGUID reads the form 8-4-4-4-12, with or without braces, any case.
func ParseGUID(s string) (GUID, error) {
	t := s
	if len(t) == 38 && t[0] == '{' && t[37] == '}' {
		t = t[1:37]
	}
	if len(t) != 36 || t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-' {
		return GUID{}, fmt.Errorf("mapi: %q is not a GUID", s)
	}
	b, err := hex.DecodeString(t[:8] + t[9:13] + t[14:18] + t[19:23] + t[24:])
	if err != nil {
		return GUID{}, fmt.Errorf("mapi: %q is not a GUID", s)
	}
	var g GUID
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(b[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(b[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(b[6:]))
	copy(g[8:], b[8:])
	return g, nil
}

// MustGUID is ParseGUID for constants; it panics when s is not a GUID.
func MustGUID(s string) GUID {
	g, err := ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}

// String is the form 8-4-4-4-12 in lower case.
func (g GUID) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(g[0:]),
		binary.LittleEndian.Uint16(g[4:]), binary.LittleEndian.Uint16(g[6:]), g[8:10], g[10:])
}

// MarshalText makes GUIDs readable in JSON.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (g *GUID) UnmarshalText(b []byte) (err error) { *g, err = ParseGUID(string(b)); return err }

// Property sets ([MS-OXPROPS] 1.3.2).
var (
	PSMAPI                 = MustGUID("00020328-0000-0000-C000-000000000046")
	PSPublicStrings        = MustGUID("00020329-0000-0000-C000-000000000046")
	PSInternetHeaders      = MustGUID("00020386-0000-0000-C000-000000000046")
	PSETIDAddress          = MustGUID("00062004-0000-0000-C000-000000000046")
	PSETIDAirSync          = MustGUID("71035549-0739-4DCB-9163-00F0580DBBDF")
	PSETIDAppointment      = MustGUID("00062002-0000-0000-C000-000000000046")
	PSETIDAttachment       = MustGUID("96357F7F-59E1-47D0-99A7-46515C183B54")
	PSETIDCalendarAssist   = MustGUID("11000E07-B51B-40D6-AF21-CAA85EDAB1D0")
	PSETIDCommon           = MustGUID("00062008-0000-0000-C000-000000000046")
	PSETIDLog              = MustGUID("0006200A-0000-0000-C000-000000000046")
	PSETIDMeeting          = MustGUID("6ED8DA90-450B-101B-98DA-00AA003F1305")
	PSETIDMessaging        = MustGUID("41F28F13-83F4-4114-A584-EEDB5A6B0BFF")
	PSETIDNote             = MustGUID("0006200E-0000-0000-C000-000000000046")
	PSETIDPostRss          = MustGUID("00062041-0000-0000-C000-000000000046")
	PSETIDRemote           = MustGUID("00062014-0000-0000-C000-000000000046")
	PSETIDReport           = MustGUID("00062013-0000-0000-C000-000000000046")
	PSETIDSharing          = MustGUID("00062040-0000-0000-C000-000000000046")
	PSETIDTask             = MustGUID("00062003-0000-0000-C000-000000000046")
	PSETIDUnifiedMessaging = MustGUID("4442858E-A9E3-4E80-B900-317A210CC15B")
	PSETIDXMLExtracted     = MustGUID("23239608-685D-4732-9C55-4C95CB4E8E33")
)

var setNames = map[GUID]string{
	PSMAPI: "PS_MAPI", PSPublicStrings: "PS_PUBLIC_STRINGS", PSInternetHeaders: "PS_INTERNET_HEADERS",
	PSETIDAddress: "PSETID_Address", PSETIDAirSync: "PSETID_AirSync", PSETIDAppointment: "PSETID_Appointment",
	PSETIDAttachment: "PSETID_Attachment", PSETIDCalendarAssist: "PSETID_CalendarAssistant",
	PSETIDCommon: "PSETID_Common", PSETIDLog: "PSETID_Log", PSETIDMeeting: "PSETID_Meeting",
	PSETIDMessaging: "PSETID_Messaging", PSETIDNote: "PSETID_Note", PSETIDPostRss: "PSETID_PostRss",
	PSETIDRemote: "PSETID_Remote", PSETIDReport: "PSETID_Report", PSETIDSharing: "PSETID_Sharing",
	PSETIDTask: "PSETID_Task", PSETIDUnifiedMessaging: "PSETID_UnifiedMessaging",
	PSETIDXMLExtracted: "PSETID_XmlExtractedEntities",
}
