// Package pid knows the well-known properties: constants for their tags and keys under the names of [MS-OXPROPS]
// without "Pid", and lookups between keys and names.
//
// Properties named by number or string come as keys with their type: LidFileUnder, NameKeywords. Those that have only a
// MAPI name (PR_..., dispid...) have no constant but can be looked up.
package pid

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/mapi"
)

//go:generate go run ./gen -in ../../../shared/reference/oxprops.json

// names.txt has a line for each property: its key and its names, canonical ones first. A key is a tag in hexadecimal,
// SET/0xLID:TYPE or SET/NAME:TYPE.
//
//go:embed names.txt
var table string

// entry is what is known of a key.
type entry struct{ canonical, mapiName string }

type index struct {
	byKey  map[mapi.Key]entry // string types folded to Unicode
	byID   map[uint16]mapi.Key
	byName map[string]mapi.Key
}

// load reads the table when it is first needed: most programs never ask for a name.
var load = sync.OnceValue(func() *index {
	x := &index{map[mapi.Key]entry{}, map[uint16]mapi.Key{}, map[string]mapi.Key{}}
	for line := range strings.Lines(table + byHand) {
		if f := strings.Fields(line); len(f) > 1 {
			x.add(parseKey(f[0]), f[1:])
		}
	}
	return x
})

var sets = map[string]mapi.GUID{
	"PSETID_Address": mapi.PSETIDAddress, "PSETID_Appointment": mapi.PSETIDAppointment,
	"PSETID_Attachment": mapi.PSETIDAttachment, "PSETID_CalendarAssistant": mapi.PSETIDCalendarAssist,
	"PSETID_Common": mapi.PSETIDCommon, "PSETID_Log": mapi.PSETIDLog, "PSETID_Meeting": mapi.PSETIDMeeting,
	"PSETID_Note": mapi.PSETIDNote, "PSETID_PostRss": mapi.PSETIDPostRss, "PSETID_Remote": mapi.PSETIDRemote,
	"PSETID_Report": mapi.PSETIDReport, "PSETID_Sharing": mapi.PSETIDSharing, "PSETID_Task": mapi.PSETIDTask,
	"PSETID_UnifiedMessaging":     mapi.PSETIDUnifiedMessaging,
	"PSETID_XmlExtractedEntities": mapi.PSETIDXMLExtracted,
	"PS_INTERNET_HEADERS":         mapi.PSInternetHeaders, "PS_PUBLIC_STRINGS": mapi.PSPublicStrings,
}

func parseKey(s string) mapi.Key {
	set, rest, named := strings.Cut(s, "/")
	if !named {
		tag, _ := strconv.ParseUint(s, 16, 32)
		return mapi.TagKey(mapi.Tag(tag))
	}
	n := mapi.PropName{Set: sets[set]}
	colon := strings.LastIndexByte(rest, ':')
	code, _ := strconv.ParseUint(rest[colon+1:], 16, 16)
	if lid, ok := strings.CutPrefix(rest[:colon], "0x"); ok {
		v, _ := strconv.ParseUint(lid, 16, 32)
		n.LID = uint32(v)
	} else {
		n.Name = rest[:colon]
	}
	return mapi.NamedKey(n, mapi.Type(code))
}

func (x *index) add(k mapi.Key, names []string) {
	e := x.byKey[fold(k)]
	for _, n := range names {
		switch {
		case isCanonical(n):
			if e.canonical == "" {
				e.canonical = n
			}
		case e.mapiName == "":
			e.mapiName = n
		}
		x.addName(n, k)
	}
	x.byKey[fold(k)] = e
	if k.Named() {
		if k.Name.Name != "" {
			x.addName(k.Name.Name, k)
		}
		return
	}
	if old, ok := x.byID[k.Tag.ID()]; !ok || e.canonical != "" && x.byKey[fold(old)].canonical == "" {
		x.byID[k.Tag.ID()] = k
	}
}

// addName registers a name. A MAPI name of a string stands for three: of the property, of its Unicode and of its 8-bit
// form.
func (x *index) addName(n string, k mapi.Key) {
	if _, ok := x.byName[n]; !ok {
		x.byName[n] = k
	}
	if f := fold(k); isString(f.Type()) && strings.HasPrefix(n, "PR_") {
		multi := f.Type() & mapi.MultiValue
		for ending, t := range map[string]mapi.Type{"_W": mapi.TypeString, "_A": mapi.TypeString8} {
			if _, ok := x.byName[n+ending]; !ok {
				x.byName[n+ending] = k.WithType(t | multi)
			}
		}
	}
}

func isCanonical(n string) bool {
	return strings.HasPrefix(n, "Pid") || strings.HasPrefix(n, "MetaTag")
}

func isString(t mapi.Type) bool { return t.Base() == mapi.TypeString || t.Base() == mapi.TypeString8 }

// fold is k with Unicode in place of 8-bit strings and without MultiInstance.
func fold(k mapi.Key) mapi.Key {
	t := k.Type() &^ mapi.MultiInstance
	if isString(t) {
		t = t&mapi.MultiValue | mapi.TypeString
	}
	return k.WithType(t)
}

func lookup(k mapi.Key) entry {
	x := load()
	e, ok := x.byKey[fold(k)]
	if t := k.Type(); !ok && !k.Named() && (t == mapi.TypeUnspecified || t == mapi.TypeError) {
		e = x.byKey[fold(x.byID[k.Tag.ID()])]
	}
	return e
}

// Name is the canonical name of a property ("PidTagSubject", "PidLidFileUnder"), or "" when none is known. The two string
// types are the same to it; types Unspecified and ErrorCode, which stand for any, give the usual meaning of the id. A tag
// has other meanings in some kinds of objects: this is the one of [MS-OXPROPS], and for ids from 0x8000 on the address
// book's.
func Name(k mapi.Key) string { return lookup(k).canonical }

// MAPIName is the older name of a property tag ("PR_SUBJECT"), or "" when none is known. String types have one name.
func MAPIName(t mapi.Tag) string { return lookup(mapi.TagKey(t)).mapiName }

// ByName finds a property by its canonical name (PidTagSubject, PidLidFileUnder, PidNameKeywords), its MAPI name
// (PR_SUBJECT, PR_SUBJECT_A for the 8-bit form, dispidFileUnder), or the string that names it (Keywords). Names are case
// sensitive. When a string names properties in several sets, the first set in the order of their names wins.
func ByName(name string) (mapi.Key, bool) {
	k, ok := load().byName[name]
	return k, ok
}
