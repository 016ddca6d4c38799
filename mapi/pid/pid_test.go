package pid_test

import (
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestName(t *testing.T) {
	for _, c := range []struct {
		key  mapi.Key
		want string
	}{
		{mapi.TagKey(pid.TagSubject), "PidTagSubject"},
		{mapi.TagKey(0x0037001E), "PidTagSubject"},
		{mapi.TagKey(0x00370000), "PidTagSubject"}, // wanted in whatever type it has
		{mapi.TagKey(0x0037000A), "PidTagSubject"}, // failed
		{mapi.TagKey(0x00370003), ""},
		{mapi.TagKey(0x10130102), "PidTagHtml"},
		{mapi.TagKey(0x1013001E), "PidTagBodyHtml"},
		{mapi.TagKey(0x3701000D), "PidTagAttachDataObject"},
		{mapi.TagKey(0x37010102), "PidTagAttachDataBinary"},
		{mapi.TagKey(0x3A1B101F), "PidTagBusiness2TelephoneNumbers"},
		{mapi.TagKey(0x3A1B301F), "PidTagBusiness2TelephoneNumbers"}, // one row per number
		{mapi.TagKey(0x0FFF0102), "PidTagEntryId"},
		{mapi.TagKey(0x40170003), "MetaTagIdsetGiven"},
		{mapi.TagKey(0x1234001F), ""},
		{mapi.Key{}, ""},
		{pid.LidFileUnder, "PidLidFileUnder"},
		{pid.LidFileUnder.WithType(mapi.TypeString8), "PidLidFileUnder"},
		{mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "Keywords"}, 0x101F), "PidNameKeywords"},
		{mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "nobody's"}, 0x1F), ""},
	} {
		if got := pid.Name(c.key); got != c.want {
			t.Errorf("Name(%v) = %q, want %q", c.key, got, c.want)
		}
	}
}

func TestMAPIName(t *testing.T) {
	for tag, want := range map[mapi.Tag]string{
		pid.TagSubject: "PR_SUBJECT", 0x0037001E: "PR_SUBJECT", pid.TagEntryId: "PR_ENTRYID",
		pid.TagMobileTelephoneNumber: "PR_MOBILE_TELEPHONE_NUMBER", 0x7777001F: "",
	} {
		if got := pid.MAPIName(tag); got != want {
			t.Errorf("MAPIName(%v) = %q, want %q", tag, got, want)
		}
	}
}

func TestByName(t *testing.T) {
	for name, want := range map[string]mapi.Key{
		"PidTagSubject":             mapi.TagKey(pid.TagSubject),
		"PR_SUBJECT":                mapi.TagKey(pid.TagSubject),
		"PR_SUBJECT_W":              mapi.TagKey(pid.TagSubject),
		"PR_SUBJECT_A":              mapi.TagKey(0x0037001E),
		"PR_MESSAGE_SIZE":           mapi.TagKey(pid.TagMessageSize),
		"PR_EMS_AB_MANAGER":         mapi.TagKey(0x8005000D),
		"PidLidFileUnder":           pid.LidFileUnder,
		"dispidFileUnder":           pid.LidFileUnder,
		"LID_GLOBAL_OBJID":          pid.LidGlobalObjectId,
		"PidNameKeywords":           pid.NameKeywords,
		"Keywords":                  pid.NameKeywords,
		"MetaTagIdsetGiven":         mapi.TagKey(pid.MetaTagIdsetGiven),
		"PidTagMemberId":            mapi.TagKey(pid.TagMemberId),
		"PR_SENT_REPRESENTING_NAME": mapi.TagKey(pid.TagSentRepresentingName),
	} {
		if got, ok := pid.ByName(name); !ok || got != want {
			t.Errorf("ByName(%q) = %v %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "PR_NOTHING", "pidtagsubject"} {
		if k, ok := pid.ByName(name); ok {
			t.Errorf("ByName(%q) = %v", name, k)
		}
	}
}

// The tags that the specifications number in their own text, to notice a list with wrong numbers.
func TestNumbersOfTheSpecifications(t *testing.T) {
	for name, want := range map[string]mapi.Key{
		"PidTagMessageClass":          mapi.TagKey(0x001A001F), // [MS-OXCMSG] 2.2.1.3
		"PidTagMessageFlags":          mapi.TagKey(0x0E070003), // [MS-OXCMSG] 2.2.1.6
		"PidTagRecipientType":         mapi.TagKey(0x0C150003), // [MS-OXOMSG] 2.2.3.1
		"PidTagAttachMethod":          mapi.TagKey(0x37050003), // [MS-OXCMSG] 2.2.2.9
		"PidTagChangeKey":             mapi.TagKey(0x65E20102), // [MS-OXCFXICS] 2.2.1.2.7
		"PidTagAdditionalRenEntryIds": mapi.TagKey(0x36D81102), // [MS-OXOSFLD] 2.2.4
		"PidLidAppointmentStartWhole": mapi.NamedKey(mapi.PropName{Set: mapi.PSETIDAppointment, LID: 0x820D}, mapi.TypeTime),
		"PidLidGlobalObjectId":        mapi.NamedKey(mapi.PropName{Set: mapi.PSETIDMeeting, LID: 3}, mapi.TypeBinary),
		"PidNameContentClass":         mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "Content-Class"}, mapi.TypeString),
	} {
		if got, _ := pid.ByName(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
		if got := pid.Name(want); got != name {
			t.Errorf("%v is %s, want %s", want, got, name)
		}
	}
}

func TestNamesAreCanonicalForm(t *testing.T) {
	for _, k := range []mapi.Key{pid.LidFileUnder, pid.NameKeywords, mapi.TagKey(pid.TagSubject)} {
		n := pid.Name(k)
		if back, ok := pid.ByName(n); !ok || back != k || strings.ContainsAny(n, " _") {
			t.Errorf("%v -> %q -> %v", k, n, back)
		}
	}
}
