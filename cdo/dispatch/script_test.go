package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/cdo/dispatch"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

// script is an automation client that knows members by their names only, as VBScript does.
type script struct{ *testing.T }

// named is an argument by its name.
type named struct {
	name  string
	value any
}

func (s script) try(o any, flags dispatch.Flags, member string, args ...any) (any, error) {
	s.Helper()
	obj, ok := o.(cdo.Object)
	if !ok {
		s.Fatalf("%s of %v: object required", member, o)
	}
	var a dispatch.Args
	var params []string
	for _, v := range args {
		if n, ok := v.(named); ok {
			params = append(params, n.name)
			a.Named = append(a.Named, dispatch.NamedArg{Value: n.value})
		} else {
			a.List = append(a.List, v)
		}
	}
	id, numbers, err := dispatch.ClassOf(obj).Lookup(member, params...)
	if err != nil {
		return nil, err
	}
	for i, n := range numbers {
		a.Named[i].Param = n
	}
	return dispatch.Invoke(s.Context(), obj, id, flags, a)
}

// do reads a property or calls a method; VBScript cannot tell which it is.
func (s script) do(o any, member string, args ...any) any {
	s.Helper()
	v, err := s.try(o, dispatch.Method|dispatch.PropertyGet, member, args...)
	if err != nil {
		s.Fatalf("%s: %v", member, err)
	}
	return v
}

// path follows members that take no arguments: "Session.Inbox.Messages".
func (s script) path(o any, path string) any {
	s.Helper()
	for name := range strings.SplitSeq(path, ".") {
		o = s.do(o, name)
	}
	return o
}

func (s script) let(o any, member string, args ...any) {
	s.Helper()
	if _, err := s.try(o, dispatch.PropertyPut, member, args...); err != nil {
		s.Fatalf("%s = %v: %v", member, args, err)
	}
}

// number is Err.Number after a call.
func (s script) number(o any, member string, args ...any) uint32 {
	s.Helper()
	_, err := s.try(o, dispatch.Method|dispatch.PropertyGet, member, args...)
	if err == nil {
		return 0
	}
	code, _, _ := dispatch.ExcepInfo(err)
	return code
}

func (s script) is(what string, got, want any) {
	s.Helper()
	if got != want {
		s.Errorf("%s is %#v, want %#v", what, got, want)
	}
}

var zone = time.FixedZone("UTC+1", 3600)

// logon is CreateObject("MAPI.Session") and Logon with a dynamic profile (script 3 of section 7 of the reference).
func logon(t *testing.T) (script, any) {
	t.Helper()
	s := script{t}
	session := cdo.NewSession(cdo.Config{Location: zone, TempDir: t.TempDir(), Open: func(context.Context, cdo.Profile) ([]mapi.Store, error) {
		return []mapi.Store{memstore.New(memstore.Config{Name: "Mailbox - Ada"})}, nil
	}})
	s.do(session, "Logon", dispatch.Missing, dispatch.Missing, false, dispatch.Missing, dispatch.Missing, true, "server\nada")
	t.Cleanup(func() {
		if session.LoggedOn() {
			s.do(session, "Logoff")
		}
	})
	return s, session
}

// Reference 0, 4: what goes wrong and the numbers that scripts see.
func TestErrors(t *testing.T) {
	s := script{t}
	session := cdo.NewSession(cdo.Config{})
	s.is("Inbox before Logon", s.number(session, "Inbox"), uint32(cdo.CdoE_NOT_INITIALIZED))
	s.is("GetOption before Logon", s.number(session, "GetOption", "TimeZone"), uint32(cdo.CdoE_CALL_FAILED))
	s, o := logon(t)
	for what, c := range map[string]struct {
		member string
		args   []any
		want   uint32
	}{
		"an unknown member":   {"Nonsense", nil, 0x80020006},
		"a missing argument":  {"GetFolder", nil, 0x8002000F},
		"too many":            {"Logoff", []any{1}, 0x8002000E},
		"a wrong type":        {"GetArticle", []any{"x", ""}, 0x80020005},
		"a message not there": {"GetMessage", []any{"ABCD", ""}, uint32(cdo.CdoE_NOT_FOUND)},
		"a second Logon":      {"Logon", nil, uint32(cdo.CdoE_LOGON_FAILED)},
		"MAPIOBJECT":          {"MAPIOBJECT", nil, uint32(cdo.CdoE_INTERFACE_NOT_SUPPORTED)},
		"GetLocaleIDs":        {"SetLocaleIDs", []any{1033, 1252}, uint32(cdo.CdoE_CALL_FAILED)},
	} {
		s.is(what, s.number(o, c.member, c.args...), c.want)
	}
	if _, err := s.try(o, dispatch.PropertyPut, "Name", "x"); !errors.Is(err, dispatch.MemberNotFound) {
		t.Errorf("a read-only property: %v", err)
	}
	if _, err := s.try(o, dispatch.Method, "GetFolder", "", named{"NoSuch", 1}); !errors.Is(err, dispatch.UnknownName) {
		t.Errorf("an unknown parameter: %v", err)
	}
	_, err := s.try(o, dispatch.Method, "GetMessage", "ABCD")
	_, source, text := dispatch.ExcepInfo(err)
	s.is("Err.Source", source, "Collaboration Data Objects")
	s.is("Err.Description", text, "[Collaboration Data Objects - [MAPI_E_NOT_FOUND(8004010F)]]") // reference 4
	if code, _, _ := dispatch.ExcepInfo(&cdo.Error{Member: "x", Code: cdo.CdoW_PARTIAL_COMPLETION}); code != 2664 {
		t.Errorf("a warning is %d", code) // reference 4: low word plus 1000
	}
}

// Default members, X(i) of members without arguments, assignments that go through objects, named arguments, numbers of all types.
func TestCalls(t *testing.T) {
	s, session := logon(t)
	s.is("the session's value", s.value(session), s.do(session, "Name"))
	stores := s.do(session, "InfoStores")
	s.is("Session.InfoStores(1)", s.do(s.do(session, "InfoStores", int16(1)), "Name"), "Mailbox - Ada")
	s.is("Session.InfoStores(name)", s.do(s.do(session, "InfoStores", "Mailbox - Ada"), "Index"), int32(1))
	s.is("InfoStores.Item(1.0)", s.do(s.do(stores, "item", 1.0), "Name"), "Mailbox - Ada")
	s.is("its count", s.do(stores, "Count"), int32(1))
	messages := s.path(session, "Inbox.Messages")
	m := s.do(messages, "Add", named{"TEXT", "body"}, named{"subject", "hello"})
	s.is("Subject", s.do(m, "Subject"), "hello")
	s.is("the message's value", s.value(m), "hello")
	s.is("Text", s.do(m, "Text"), "body")
	s.is("Importance", s.do(m, "Importance"), int32(1))
	s.is("Class", s.do(m, "Class"), int32(3))
	s.let(m, "Importance", int16(2))
	s.let(m, "Fields", uint32(0x0037001E), "changed")
	s.let(m, "Unread", 1)
	s.let(m, "Categories", []any{"a", "b"})
	s.do(m, "Update")
	s.is("Fields(tag)", s.value(s.do(m, "Fields", int32(0x0037001E))), "changed")
	s.is("Subject through Fields", s.do(m, "Subject"), "changed")
	if got := s.do(m, "Categories").([]string); len(got) != 2 {
		t.Errorf("Categories are %v", got)
	}
	s.is("GetMessage(id, Null)", s.do(s.do(session, "GetMessage", s.do(m, "ID"), dispatch.Null), "Subject"), "changed")
	s.is("IsSameAs", s.do(m, "IsSameAs", s.do(session, "GetMessage", s.do(m, "ID"))), true)
	s.is("IsSameAs of another class", s.do(m, "IsSameAs", messages), false)
	s.is("Nothing past the end", s.do(messages, "Item", 99), nil)
	s.is("Parent", s.do(m, "Parent"), messages)
	s.is("Session", s.do(m, "Session"), session)
	s.is("Application", s.do(m, "Application"), "Collaboration Data Objects")

	n := 0
	each, err := dispatch.Each(t.Context(), messages.(cdo.Object))
	if err != nil {
		t.Fatal(err)
	}
	for o, err := range each {
		if err != nil || o == nil {
			t.Fatal(o, err)
		}
		n++
	}
	s.is("For Each", n, 1)
	if _, err := dispatch.Each(t.Context(), session.(cdo.Object)); !errors.Is(err, dispatch.NotACollection) {
		t.Errorf("For Each of a session: %v", err)
	}
	id, _, err := dispatch.ClassOf(messages.(cdo.Object)).Lookup("_NewEnum")
	if id != dispatch.NewEnum || err != nil {
		t.Errorf("_NewEnum is %d, %v", id, err)
	}
}

// What clients assign to fields is converted as automation does; what doesn't fit is the error that CDO has for it.
func TestFieldValues(t *testing.T) {
	s, session := logon(t)
	m := s.do(s.path(session, "Inbox.Messages"), "Add")
	fields := s.do(m, "Fields")
	at := time.Date(2030, 5, 6, 10, 0, 0, 0, zone)
	for name, c := range map[string]struct {
		class       int
		value, want any
	}{
		"long of text": {3, "7", int32(7)}, "long of boolean": {3, true, int32(-1)}, "long of double": {3, 2.5, int32(2)}, "integer": {2, int32(9), int16(9)},
		"text of number": {8, 42, "42"}, "boolean": {11, -1, true}, "double of text": {5, "0.5", 0.5}, "single": {4, 2, float32(2)}, "currency": {6, 1.25, mapi.Currency(12500)},
		"date of number": {7, 47609.5, time.Date(2030, 5, 6, 12, 0, 0, 0, zone)}, "date of text": {7, "2030-05-06 10:00", at}, "american": {7, "5/6/2030 10:00:00 AM", at},
		"blob": {65, "0aFF", "0AFF"},
	} {
		f := s.do(fields, "Add", name, c.class, c.value)
		got := s.value(f)
		if d, ok := got.(time.Time); ok && d.Equal(c.want.(time.Time)) {
			continue
		}
		s.is(name, got, c.want)
	}
	f := s.do(fields, "Add", "list", 8192+8)
	s.let(f, "Value", []any{"a", "b"})
	if got, ok := s.value(f).([]string); !ok || len(got) != 2 {
		t.Errorf("the list is %v", got)
	}
	f = s.do(fields, "Add", "numbers", 8192+3, []any{1, "2"})
	if got, ok := s.value(f).([]int32); !ok || got[1] != 2 {
		t.Errorf("the numbers are %v", got)
	}
	for name, c := range map[string]struct {
		class int
		value any
		want  uint32
	}{
		"no number": {3, "x", uint32(cdo.CdoE_INVALID_TYPE)}, "no date": {7, "tomorrow", uint32(cdo.CdoE_INVALID_TYPE)}, "mixed": {8192 + 3, []any{1, "x"}, uint32(cdo.CdoE_INVALID_TYPE)},
		"no type": {0, nil, uint32(cdo.CdoE_NO_SUPPORT)}, "an object": {13, "x", uint32(cdo.CdoE_NO_SUPPORT)},
	} {
		s.is(name, s.number(fields, "Add", name, c.class, c.value), c.want)
	}
}

func (s script) value(o any) any {
	s.Helper()
	v, err := dispatch.Invoke(s.Context(), o.(cdo.Object), dispatch.DefaultMember, dispatch.PropertyGet, dispatch.Args{})
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// The scripts of section 7 of the reference, by their numbers, as far as one mailbox in memory can play them.
func TestScripts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cards.txt")
	if err := os.WriteFile(file, []byte("0110"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func(s script, session any){
		"05 06 08 send with an attachment": func(s script, session any) {
			m := s.do(s.path(session, "Outbox.Messages"), "Add", "Cards", "Here they are")
			r := s.do(s.do(m, "Recipients"), "Add", "Charles", "SMTP:charles@example.com", 1)
			s.do(s.do(m, "Attachments"), "Add", "cards.txt", 0, 1, file)
			s.do(r, "Resolve", false)
			s.do(m, "Update")
			s.do(m, "Send", true, false)
			s.is("the message after Send", s.number(m, "Update"), uint32(cdo.CdoE_INVALID_OBJECT))
			sent := s.do(s.do(session, "GetDefaultFolder", 3), "Messages")
			copy := s.do(sent, "GetFirst")
			s.is("the copy", s.do(copy, "Subject"), "Cards")
			a := s.do(copy, "Attachments", 1)
			s.is("its attachment", s.value(a), "cards.txt")
			out := filepath.Join(s.TempDir(), "out.txt") // 10
			s.do(a, "WriteToFile", out)
			if b, err := os.ReadFile(out); string(b) != "0110" || err != nil {
				s.Errorf("the file holds %q, %v", b, err)
			}
			s.is("the end", s.do(sent, "GetNext"), nil)
		},
		"07 barebones sender": func(s script, session any) {
			m := s.do(s.path(session, "Outbox.Messages"), "Add")
			s.let(m, "Subject", "x")
			s.let(m, "Text", "y")
			r := s.do(s.do(m, "Recipients"), "Add")
			s.let(r, "Name", "someone@example.com")
			s.let(r, "Type", 1)
			s.do(r, "Resolve", false)
			s.is("Address", s.do(r, "Address"), "SMTP:someone@example.com")
			s.do(m, "Send")
		},
		"09 11 filter, sort, move": func(s script, session any) {
			inbox := s.do(session, "Inbox")
			for i := range 4 {
				m := s.do(s.do(inbox, "Messages"), "Add", fmt.Sprintf("mail %d", i))
				s.let(m, "Unread", i%2 == 0)
				s.let(m, "TimeReceived", time.Date(2024, 1, 4-i, 0, 0, 0, 0, zone))
				s.do(m, "Update")
			}
			messages := s.do(inbox, "Messages")
			s.let(s.do(messages, "Filter"), "Unread", true)
			s.is("unread", s.do(messages, "Count"), int32(2))
			s.let(messages, "Filter", nil)
			s.is("all", s.do(messages, "Count"), int32(4))
			s.do(messages, "Sort", 1, int32(0x0E060040))
			s.is("the oldest", s.do(s.do(messages, "GetFirst"), "Subject"), "mail 3")
			s.do(messages, "Sort", 1, 0x0037001E)
			s.is("Messages(text)", s.do(s.do(messages, "Item", "mail 2"), "Subject"), "mail 2")
			archive := s.do(s.do(inbox, "Folders"), "Add", "Archive")
			for i := 4; i >= 1; i-- {
				s.do(s.do(messages, "Item", i), "MoveTo", s.do(archive, "ID"))
			}
			s.is("archived", s.path(archive, "Messages.Count"), int32(4))
			f := s.do(s.do(archive, "Messages"), "Filter")
			s.do(s.do(f, "Fields"), "Add", int32(0x0037001E), "mail 1")
			s.is("the filter's field", s.value(s.do(f, "Fields", 0x0037001E)), "mail 1")
		},
		"12 13 folders": func(s script, session any) {
			root := s.do(s.do(session, "InfoStores", 1), "RootFolder")
			folders, n := s.do(root, "Folders"), 0
			for f := s.do(folders, "GetFirst"); f != nil; f = s.do(folders, "GetNext") {
				s.do(f, "Name")
				n++
			}
			s.is("their count", s.do(folders, "Count"), int32(n))
			x := s.do(folders, "Add", "Engines")
			s.let(x, "Name", "Machines")
			s.do(x, "Update")
			s.is("found by name", s.do(s.do(s.do(root, "Folders"), "Item", "Machines"), "ID"), s.do(x, "ID"))
			s.is("a name twice", s.number(folders, "Add", "machines"), uint32(cdo.CdoE_COLLISION))
			s.do(x, "Delete", true)
		},
		"14 15 replies": func(s script, session any) {
			m := s.do(s.path(session, "Inbox.Messages"), "Add", "Question")
			s.let(m, "ConversationIndex", s.do(session, "CreateConversationIndex"))
			s.let(m, "ConversationTopic", "Question")
			s.do(s.do(m, "Fields"), "Add", 0x0042001E, "Charles")
			s.do(s.do(m, "Fields"), "Add", 0x0064001E, "SMTP")
			s.do(s.do(m, "Fields"), "Add", 0x0065001E, "charles@example.com")
			s.do(m, "Update")
			r := s.do(m, "Reply")
			s.let(r, "ConversationIndex", s.do(session, "CreateConversationIndex", s.do(m, "ConversationIndex")))
			s.is("its subject", s.do(r, "Subject"), "RE: Question")
			s.is("to whom", s.do(s.do(r, "Recipients", 1), "Address"), "SMTP:charles@example.com")
			f := s.do(m, "Forward")
			s.let(f, "Recipients", s.do(r, "Recipients"))
			s.is("forwarded to", s.do(s.do(f, "Recipients"), "Count"), int32(1))
		},
		"16 17 18 19 post and fields": func(s script, session any) {
			m := s.do(s.path(session, "Inbox.Messages"), "Add")
			now := time.Date(2024, 2, 3, 4, 5, 6, 0, zone)
			for name, v := range map[string]any{"Type": "IPM.Post", "Sent": true, "Submitted": false, "Unread": true, "TimeSent": now, "TimeReceived": now} {
				s.let(m, name, v)
			}
			fields := s.do(m, "Fields")
			s.do(fields, "Add", "Keyword", 8, "Peru")
			s.do(fields, "Add", named{"Name", "Number"}, named{"Class", 3}, named{"Value", 7})
			s.do(fields, "SetNamespace", "0220060000000000C000000000000046")
			s.do(fields, "Add", "0x8208", 8, "London")
			s.do(fields, "Add", 0x007D001E, "Subject: x")
			s.do(m, "Update")
			again := s.do(session, "GetMessage", s.do(m, "ID"))
			s.is("Fields(name)", s.value(s.do(again, "Fields", "Keyword")), "Peru")
			s.is("{GUID}0x8208", s.value(s.do(again, "Fields", "{0220060000000000C000000000000046}0x8208")), "London")
			s.is("with the set", s.value(s.do(s.do(again, "Fields"), "Item", "0x8208", "0220060000000000C000000000000046")), "London")
			s.is("a tag in text", s.value(s.do(again, "Fields", "0x007D001E")), "Subject: x")
			s.is("a tag that isn't there", s.number(again, "Fields", 0x10130102), uint32(cdo.CdoE_NOT_FOUND))
			s.is("TimeSent", s.do(again, "TimeSent").(time.Time).Equal(now), true)
			all := s.do(again, "Fields")
			for i := 1; i <= int(s.do(all, "Count").(int32)); i++ {
				f := s.do(all, "Item", i)
				s.do(f, "ID")
				s.do(f, "Name")
				s.do(f, "Type")
			}
		},
		"20 contacts": func(s script, session any) {
			m := s.do(s.do(s.do(session, "GetDefaultFolder", 5), "Messages"), "Add", named{"Type", "IPM.Contact"})
			s.do(s.do(m, "Fields"), "Add", 0x3A06001E, "Ada")
			s.do(m, "Update")
			s.is("Type", s.do(m, "Type"), "IPM.Contact")
		},
		"24 34 out of office": func(s script, session any) {
			s.let(session, "OutOfOfficeText", "Away")
			s.let(session, "OutOfOffice", true)
			s.is("OutOfOffice", s.do(session, "OutOfOffice"), true)
			s.is("its text", s.do(session, "OutOfOfficeText"), "Away")
			s.let(session, "OutOfOffice", false)
		},
		"25 26 27 calendar": func(s script, session any) {
			calendar := s.do(session, "GetDefaultFolder", 0)
			s.is("Add with arguments", s.number(s.do(calendar, "Messages"), "Add", "x"), uint32(cdo.CdoE_INVALID_PARAMETER))
			a := s.do(s.do(calendar, "Messages"), "Add")
			s.is("Class", s.do(a, "Class"), int32(26))
			at := time.Date(2030, 5, 6, 10, 0, 0, 0, zone)
			s.let(a, "Subject", "Standup")
			s.let(a, "Location", "Room 1")
			s.let(a, "StartTime", at)
			s.let(a, "EndTime", at.Add(15*time.Minute))
			s.let(a, "ReminderMinutesBeforeStart", 5)
			p := s.do(a, "GetRecurrencePattern")
			s.let(p, "RecurrenceType", 1)
			s.let(p, "DayOfWeekMask", 2+8)
			s.let(p, "Occurrences", 4)
			s.do(a, "Update")
			messages := s.do(calendar, "Messages")
			fields := s.do(s.do(messages, "Filter"), "Fields")
			s.do(fields, "Add", 0x00600040, at.AddDate(0, 0, 7))
			s.do(fields, "Add", 0x00610040, at.AddDate(0, 0, 1))
			var days []string
			for o := s.do(messages, "GetFirst"); o != nil; o = s.do(messages, "GetNext") {
				s.is("IsRecurring", s.do(o, "IsRecurring"), true)
				days = append(days, s.do(o, "StartTime").(time.Time).Format("Mon 02 15:04"))
			}
			s.is("the occurrences", strings.Join(days, ", "), "Wed 08 10:00, Mon 13 10:00")
			s.is("sorting", s.number(messages, "Sort", 1, 0x0037001E), uint32(cdo.CdoE_TOO_COMPLEX))
			s.is("a series' StartTime", s.number(a, "StartTime"), uint32(cdo.CdoE_NO_SUPPORT))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, session := logon(t)
			run(s, session)
		})
	}
}
