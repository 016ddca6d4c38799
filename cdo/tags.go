package cdo

import (
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

//go:generate go run ./gen

// oddTags are those that the type library has otherwise than the rest of the world: a misprint, and a type that was changed.
var oddTags = map[string]mapi.Tag{
	"ORIGINAL_SENT_REPRESENTING_EMAIL_ADDRESS_W": CdoPR_ORIGINAL_SENT_REPRESENTING_EMAIL_ADDRESS,
	"POST_REPLY_DENIED":                          CdoPR_POST_REPLY_DENIED,
}

// PropTag finds a property tag by the name that one of the library's enumerations has for it: CdoPR_SUBJECT or
// ActMsgPR_SUBJECT, each also with the ending _W for the Unicode or _A for the 8-bit form. Without an ending a string has the
// tag of its 8-bit form.
func PropTag(name string) (mapi.Tag, bool) {
	base, ok := strings.CutPrefix(name, "CdoPR_")
	if !ok {
		if base, ok = strings.CutPrefix(name, "ActMsgPR_"); !ok {
			return 0, false
		}
	}
	if t, ok := oddTags[base]; ok {
		return t, true
	}
	k, ok := pid.ByName("PR_" + base)
	if !ok || k.Named() {
		return 0, false
	}
	t := k.Tag
	if t.Type().Base() == mapi.TypeString && !strings.HasSuffix(base, "_W") {
		t = t.WithType(t.Type()&mapi.MultiValue | mapi.TypeString8)
	}
	return t, true
}
