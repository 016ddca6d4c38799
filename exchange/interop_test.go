package exchange_test

import (
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// TestInteropConformance runs the suite that every provider passes on a mailbox of a real server, which should be empty.
// docs/interop.md tells how gromox differs and what speaks for it.
func TestInteropConformance(t *testing.T) {
	o := storetest.Options{
		Normalize: asGromox, Roles: []mapi.Role{mapi.RoleInbox, mapi.RoleCalendar, mapi.RoleJunk}, ComputedBits: map[mapi.Tag]int32{},
		Added: []mapi.Key{
			mapi.TagKey(pid.TagSubjectPrefix), mapi.TagKey(pid.TagNormalizedSubject), mapi.TagKey(pid.TagMessageFlags),
			mapi.TagKey(pid.TagBody), mapi.TagKey(pid.TagHtml), mapi.TagKey(pid.TagRtfCompressed), mapi.TagKey(pid.TagInternetCodepage),
		},
		Except: map[string]string{
			"Folders/long name":                    "names are cut",
			"FolderProps/named":                    "named properties of folders are kept, but not listed",
			"FolderCollision/letters beyond ASCII": "names are the same regardless of case in ASCII only",
			"Query/letters beyond ASCII":           "text is the same regardless of case in ASCII only",
			"Query/word":                           "restrictions on multi-valued properties match nothing",
			"Query/part of a word":                 "restrictions on multi-valued properties match nothing",
			"Query/missing property":               "a property that is missing is less than all values, and so not equal to them",
			"Update/body alone":                    "the other bodies are rendered anew",
			"Samples/mail in many scripts":         "HTML rendered from plain text is UTF-8, and PidTagInternetCodepage says so",
			"Samples/8-bit mail":                   "HTML rendered from plain text is UTF-8, and PidTagInternetCodepage says so",
		},
	}
	for _, c := range compare.Table {
		switch {
		case c.Mask != 0:
			o.ComputedBits[c.Tag] = int32(c.Mask)
		case c.Of == compare.OfItem:
			o.Computed = append(o.Computed, mapi.TagKey(c.Tag))
		}
	}
	for _, c := range compare.Added {
		o.Added = append(o.Added, mapi.TagKey(c.Tag))
	}
	clearLeftovers(t, "storetest ")
	storetest.Run(t, func(t *testing.T) mapi.Store { return exchange.OpenPeer(t, "", nil) }, o)
}

// asGromox does to an item what the server does: it keeps text as UTF-8, and values as SQLite does.
func asGromox(it *mapi.Item) {
	keep := func(ps *mapi.Props) {
		*ps = slices.DeleteFunc(*ps, func(p mapi.Prop) bool {
			f, isFloat := p.Value.(float64)
			v := reflect.ValueOf(p.Value)
			return isFloat && math.IsNaN(f) || p.Key.Type()&mapi.MultiValue != 0 && v.Len() == 0
		})
		for i, p := range *ps {
			(*ps)[i] = inUTF8(p)
		}
	}
	keep(&it.Props)
	for i := range it.Recipients {
		it.Recipients[i] = slices.DeleteFunc(it.Recipients[i], func(p mapi.Prop) bool {
			_, is := p.Value.([]mapi.String8)
			return is // lost
		})
		keep(&it.Recipients[i])
	}
	for _, a := range it.Attachments {
		keep(&a.Props)
		if a.Embedded != nil {
			asGromox(a.Embedded)
		}
	}
}

// inUTF8 is a property with its text in Unicode, without the bytes that its code page has no character for and without
// halves of characters.
func inUTF8(p mapi.Prop) mapi.Prop {
	whole := func(s string) string {
		return strings.ToValidUTF8(strings.Map(func(r rune) rune {
			if r >= 0x80 && r < 0xA0 {
				return -1
			}
			return r
		}, s), "")
	}
	wide := func(s mapi.String8) string {
		text, _ := codepage.Decode(1252, []byte(s))
		return whole(text)
	}
	switch v := p.Value.(type) {
	case string:
		p.Value = strings.ToValidUTF8(v, "")
	case []string:
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = strings.ToValidUTF8(s, "")
		}
		p.Value = list
	case mapi.String8:
		p = mapi.Prop{Key: p.Key.WithType(mapi.TypeString), Value: wide(v)}
	case []mapi.String8:
		list := make([]string, len(v))
		for i, s := range v {
			list[i] = wide(s)
		}
		p = mapi.Prop{Key: p.Key.WithType(mapi.TypeString | mapi.MultiValue), Value: list}
	}
	return p
}

// clearLeftovers removes what a run that was cut off has left.
func clearLeftovers(t *testing.T, prefix string) {
	st := exchange.OpenPeer(t, "", nil)
	top, err := st.Special(t.Context(), mapi.RoleIPM)
	if err != nil {
		t.Fatal(err)
	}
	f, err := st.Folder(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range f.Folders(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(x.Name, prefix) {
			if err := f.DeleteFolder(t.Context(), x.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestInteropReadAll reads items in bulk and one by one; both must give the same.
func TestInteropReadAll(t *testing.T) {
	st := exchange.OpenPeer(t, "", nil)
	ctx := t.Context()
	inbox, err := st.Special(ctx, mapi.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	f, err := st.Folder(ctx, inbox)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := f.CreateFolder(ctx, "storetest ReadAll", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.DeleteFolder(ctx, dir.ID())
	var ids []mapi.EntryID
	for _, x := range storetest.SampleItems() {
		id, err := mapi.WriteItem(ctx, dir, mapi.Normal, x.Item)
		if err != nil {
			t.Fatal(x.Name, err)
		}
		ids = append(ids, id)
	}
	gone := ids[2]
	if err := dir.Delete(ctx, []mapi.EntryID{gone}, true); err != nil {
		t.Fatal(err)
	}
	seen := map[mapi.EntryID]bool{}
	for id, read := range mapi.ReadAll(ctx, dir, ids) {
		var bulk, alone compare.Fingerprint
		err := read(&bulk)
		if seen[id] {
			t.Error("an item came twice")
		}
		seen[id] = true
		if id == gone {
			if !errors.Is(err, mapi.ErrNotFound) {
				t.Errorf("reading a deleted item: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := dir.Read(ctx, id, &alone); err != nil {
			t.Fatal(err)
		}
		for _, d := range compare.Deltas(bulk.Node(), alone.Node()) {
			t.Errorf("in bulk and alone differ: %+v", d)
		}
	}
	if len(seen) != len(ids) {
		t.Errorf("%d of %d items came", len(seen), len(ids))
	}
}

func TestInteropAddressBook(t *testing.T) {
	st := exchange.OpenPeer(t, "", nil)
	ctx := t.Context()
	lists, err := st.Lists(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) == 0 || !lists[0].IsGlobal {
		t.Fatalf("lists: %+v", lists)
	}
	name, smtp := mapi.TagKey(pid.TagDisplayName), mapi.TagKey(pid.TagSmtpAddress)
	found := 0
	for r, err := range st.Entries(ctx, lists[0].ID, mapi.Query{Columns: []mapi.Key{name, smtp}}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.ID == "" || r.Values[0] == nil {
			t.Errorf("entry %+v", r)
		}
		found++
	}
	if found < 3 {
		t.Errorf("%d entries", found)
	}
	user, _, _ := strings.Cut(os.Getenv("OPENCDO_GROMOX_USER"), "@")
	got, err := st.Resolve(ctx, user, []mapi.Key{name, smtp})
	if err != nil || len(got) != 1 || got[0].Text(pid.TagSmtpAddress) != os.Getenv("OPENCDO_GROMOX_USER") {
		t.Fatalf("resolve %q: %v, %v", user, got, err)
	}
	id, _ := got[0].Tag(pid.TagEntryId).([]byte)
	ps, err := st.Entry(ctx, mapi.EntryID(id), nil)
	if err != nil || ps.Text(pid.TagDisplayName) == "" {
		t.Errorf("entry: %v, %v", ps, err)
	}
	if got, err = st.Resolve(ctx, ps.Text(pid.TagEmailAddress), []mapi.Key{name}); err != nil || len(got) != 1 {
		t.Errorf("resolve a DN: %v, %v", got, err)
	}
	if _, err := st.Resolve(ctx, "nobody-of-this-name", nil); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("resolve a stranger: %v", err)
	}
	if got, err := st.Resolve(ctx, "contoso", nil); err == nil {
		t.Errorf("an ambiguous name resolved to %v", got)
	}
	n := 0
	anr := mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAnr), Value: user}
	for r, err := range st.Entries(ctx, "", mapi.Query{Columns: []mapi.Key{name}, Where: anr}) {
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r.Values)
		n++
	}
	if n != 1 {
		t.Errorf("%d entries match %q", n, user)
	}
}

// TestInteropSubmit sends a message from the mailbox to itself, so that what the server makes of it can be seen.
func TestInteropSubmit(t *testing.T) {
	ctx := t.Context()
	st := exchange.OpenPeer(t, "", nil)
	open := func(r mapi.Role) mapi.Folder {
		id, err := st.Special(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		f, err := st.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	me := os.Getenv("OPENCDO_GROMOX_USER")
	subject := "sent by a test at " + time.Now().Format(time.RFC3339Nano)
	it := &mapi.Item{
		Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}, {Key: mapi.TagKey(pid.TagSubject), Value: subject},
			{Key: mapi.TagKey(pid.TagBody), Value: "text"}, {Key: mapi.TagKey(pid.TagDeleteAfterSubmit), Value: true}},
		Recipients: []mapi.Props{{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: me},
			{Key: mapi.TagKey(pid.TagAddressType), Value: "SMTP"}, {Key: mapi.TagKey(pid.TagEmailAddress), Value: me}}},
	}
	outbox := open(mapi.RoleOutbox)
	id, err := mapi.WriteItem(ctx, outbox, mapi.Normal, it)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Submit(ctx, outbox.ID(), id); err != nil {
		t.Fatal(err)
	}
	inbox := open(mapi.RoleInbox)
	where := mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagSubject), Value: subject}
	for end := time.Now().Add(30 * time.Second); ; {
		for r, err := range inbox.Rows(ctx, mapi.Query{Where: where}) {
			if err != nil {
				t.Fatal(err)
			}
			if err := inbox.Delete(ctx, []mapi.EntryID{r.ID}, true); err != nil {
				t.Error(err)
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("it didn't arrive")
		}
		time.Sleep(200 * time.Millisecond) // the server delivers on its own time
	}
}

// TestInteropFreeBusy asks the server when the owner of the mailbox is free, and compares with an appointment made for that.
func TestInteropFreeBusy(t *testing.T) {
	ctx := t.Context()
	st := exchange.OpenPeer(t, "", func(c *exchange.Config) { c.ServicesURL = os.Getenv("OPENCDO_GROMOX_URL") + "/EWS/Exchange.asmx" })
	id, err := st.Special(ctx, mapi.RoleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := st.Folder(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2031, 5, 6, 9, 30, 0, 0, time.UTC)
	item, err := mapi.WriteItem(ctx, calendar, mapi.Normal, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Appointment"},
		{Key: mapi.TagKey(pid.TagSubject), Value: "storetest free/busy"}, {Key: pid.LidBusyStatus, Value: int32(3)},
		{Key: pid.LidAppointmentStartWhole, Value: mapi.NewFileTime(start)}, {Key: pid.LidAppointmentEndWhole, Value: mapi.NewFileTime(start.Add(time.Hour))},
		{Key: pid.LidRecurring, Value: false}}})
	if err != nil {
		t.Fatal(err)
	}
	defer calendar.Delete(ctx, []mapi.EntryID{item}, true)
	busy, err := st.FreeBusy(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagSmtpAddress), Value: os.Getenv("OPENCDO_GROMOX_USER")}}, start.Add(-2*time.Hour), start.Add(5*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if want := (mapi.Busy{Start: start, End: start.Add(time.Hour), Status: 3}); len(busy) != 1 || !busy[0].Start.Equal(want.Start) ||
		!busy[0].End.Equal(want.End) || busy[0].Status != want.Status {
		t.Errorf("%+v, want %+v", busy, want)
	}
}
