package cdo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Reference 1.3: OutOfOffice and OutOfOfficeText take effect at once; other stores don't have them.
func TestOutOfOffice(t *testing.T) {
	w := newWorld(t)
	if get(w.session.OutOfOffice(w.ctx))(w) || get(w.session.OutOfOfficeText(w.ctx))(w) != "" {
		t.Error("the owner is away from the beginning")
	}
	w.must(w.session.SetOutOfOfficeText(w.ctx, "At the seaside"))
	w.must(w.session.SetOutOfOffice(w.ctx, true))
	state, err := w.store.(mapi.OutOfOfficer).OutOfOffice(w.ctx)
	w.must(err)
	if !state.On || state.Text != "At the seaside" || !get(w.session.OutOfOffice(w.ctx))(w) || get(w.session.OutOfOfficeText(w.ctx))(w) != state.Text {
		t.Errorf("the store has %+v", state)
	}
	w = logOn(t, bare{memstore.New(memstore.Config{})})
	_, err = w.session.OutOfOffice(w.ctx)
	want(t, "OutOfOffice", err, cdo.CdoE_NO_SUPPORT)
	_, err = w.session.OutOfOfficeText(w.ctx)
	want(t, "OutOfOfficeText", err, cdo.CdoE_NO_SUPPORT)
	want(t, "setting it", w.session.SetOutOfOffice(w.ctx, true), cdo.CdoE_NO_SUPPORT)
}

// Reference 1.3 SetLocaleIDs.
func TestLocale(t *testing.T) {
	var given cdo.Profile
	s := cdo.NewSession(cdo.Config{Open: func(_ context.Context, p cdo.Profile) ([]mapi.Store, error) {
		given = p
		return []mapi.Store{memstore.New(memstore.Config{})}, nil
	}})
	want(t, "an invalid code page", s.SetLocaleIDs(1031, 4711), cdo.CdoE_INVALID_PARAMETER)
	if err := s.SetLocaleIDs(1031, 1252); err != nil {
		t.Fatal(err)
	}
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileName: "Ada"}); err != nil {
		t.Fatal(err)
	}
	if given.LCID != 1031 || given.CodePage != 1252 {
		t.Errorf("the store is opened with %+v", given.Locale)
	}
	want(t, "after Logon", s.SetLocaleIDs(1033, 1252), cdo.CdoE_CALL_FAILED)
	if os, err := s.OperatingSystem(); err != nil || os == "" {
		t.Errorf("OperatingSystem: %q, %v", os, err)
	}
}

// Reference 1.3 GetOption / SetOption: names, types, defaults, and that they last.
func TestOptions(t *testing.T) {
	eachStore(t, func(w *world) {
		clock := func(v any) string { return v.(time.Time).Format("15:04") }
		for name, want := range map[string]any{"CalendarStore": "Outlook", "FirstDayOfWeek": int32(7), "Is24HourClock": false, "WorkingDays": int32(62), "FreeBusyMonths": int32(3)} {
			if got := get(w.session.GetOption(w.ctx, name))(w); got != want {
				w.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		if from, to := clock(get(w.session.GetOption(w.ctx, "BusinessDayStartTime"))(w)), clock(get(w.session.GetOption(w.ctx, "businessdayendtime"))(w)); from != "09:00" || to != "17:00" {
			w.Errorf("the business day is from %s to %s", from, to)
		}
		w.must(w.session.SetOption(w.ctx, "BusinessDayStartTime", time.Date(1899, 12, 30, 7, 45, 0, 0, berlin)))
		w.must(w.session.SetOption(w.ctx, "FirstDayOfWeek", int16(1)))
		w.must(w.session.SetOption(w.ctx, "CalendarStore", "SchedulePlus"))
		w.must(w.session.SetOption(w.ctx, "TimeZone", cdoLong(cdo.CdoTmzTokyo)))
		w.must(w.session.SetOption(w.ctx, "Is24HourClock", true))
		again := cdo.NewSession(cdo.Config{Location: berlin})
		w.must(again.SetMAPIObject([]mapi.Store{w.store}))
		if clock(get(again.GetOption(w.ctx, "BusinessDayStartTime"))(w)) != "07:45" || get(again.GetOption(w.ctx, "FirstDayOfWeek"))(w) != int32(1) ||
			get(again.GetOption(w.ctx, "TimeZone"))(w) != int32(20) || get(again.GetOption(w.ctx, "Is24HourClock"))(w) != true {
			w.Error("the options didn't last")
		}
		w.must(again.Logoff())
		for name, v := range map[string]any{"CalendarStore": "Lotus", "FirstDayOfWeek": 8, "FreeBusyMonths": 1, "WorkingDays": 0, "TimeZone": 99, "Is24HourClock": "x", "Nonsense": 1} {
			want(w.T, name, w.session.SetOption(w.ctx, name, v), cdo.CdoE_INVALID_PARAMETER)
		}
		_, err := w.session.GetOption(w.ctx, "Nonsense")
		want(w.T, "another name", err, cdo.CdoE_INVALID_PARAMETER)
		// the options are a hidden message, not one that people see
		for m, err := range w.inbox().Messages().All(w.ctx) {
			w.must(err)
			if strings.Contains(get(m.Type(w.ctx))(w), "Options") {
				w.Error("the options lie among the messages")
			}
		}
	})
	s := cdo.NewSession(cdo.Config{})
	_, err := s.GetOption(t.Context(), "FirstDayOfWeek") // reference 4
	want(t, "GetOption before Logon", err, cdo.CdoE_CALL_FAILED)
	want(t, "SetOption before Logon", s.SetOption(t.Context(), "FirstDayOfWeek", 1), cdo.CdoE_CALL_FAILED)
}

func cdoLong[T ~int32](v T) int32 { return int32(v) }

// Reference 1.3 GetDefaultFolder: the first access to one of Outlook's folders makes all that are missing (script 31 of section 7).
func TestDefaultFoldersAreMade(t *testing.T) {
	missing := []mapi.Role{mapi.RoleCalendar, mapi.RoleContacts, mapi.RoleJournal, mapi.RoleNotes, mapi.RoleTasks}
	store := memstore.New(memstore.Config{Without: missing})
	s := cdo.NewSession(cdo.Config{Open: open(store)})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "server\nnew"}); err != nil {
		t.Fatal(err)
	}
	f, err := s.GetDefaultFolder(t.Context(), cdo.CdoDefaultFolderCalendar)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := f.Messages().IsCalendar(t.Context()); !ok || err != nil {
		t.Errorf("the new folder is no calendar: %v", err)
	}
	for _, r := range missing {
		if _, err := store.Special(t.Context(), r); err != nil {
			t.Errorf("%s: %v", r, err)
		}
	}
	s = cdo.NewSession(cdo.Config{Open: open(bare{memstore.New(memstore.Config{Without: missing})})})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "server\nnew"}); err != nil {
		t.Fatal(err)
	}
	_, err = s.GetDefaultFolder(t.Context(), cdo.CdoDefaultFolderCalendar)
	want(t, "where folders cannot be made", err, cdo.CdoE_NOT_FOUND)
}

// queued is a store with a queue, whose ids have two forms.
type queued struct {
	mapi.Store
	flushed int
}

func (q *queued) FlushQueues(context.Context) error { q.flushed++; return nil }

func (q *queued) SameEntryID(_ context.Context, a, b mapi.EntryID) (bool, error) {
	return strings.TrimSuffix(string(a), "*") == strings.TrimSuffix(string(b), "*"), nil
}

func TestStoreAbilities(t *testing.T) {
	q := &queued{Store: memstore.New(memstore.Config{})}
	w := logOn(t, q)
	w.must(w.session.DeliverNow(w.ctx))
	if q.flushed != 1 {
		t.Errorf("flushed %d times", q.flushed)
	}
	for b, same := range map[string]bool{"41422A": true, "4142": true, "4143": false} {
		get(w.session.Inbox(w.ctx))(w)
		if got := get(w.session.CompareIDs(w.ctx, "4142", b))(w); got != same {
			t.Errorf("CompareIDs with %s is %v", b, got)
		}
	}
}

// Reference 1.3 AddressBook, 1.12 Resolve, 1.14 Details, 1.8 Options and Send: dialogs.
func TestDialogs(t *testing.T) {
	w := newBookWorld(t, &directory{size: 20})
	_, err := w.session.AddressBook(w.ctx, cdo.AddressBookOptions{RecipLists: 1})
	want(t, "AddressBook without a dialog", err, cdo.CdoE_NO_SUPPORT)
	_, err = w.session.AddressBook(w.ctx, cdo.AddressBookOptions{RecipLists: 4})
	want(t, "AddressBook with four boxes", err, cdo.CdoE_INVALID_PARAMETER)
	m := w.inbox().Messages().Add("x", "", "")
	want(t, "Options without a dialog", m.Options(w.ctx, 0), cdo.CdoE_NOT_FOUND)
	want(t, "Send with a dialog that isn't there", m.SendShown(w.ctx, true, 0), cdo.CdoE_NO_SUPPORT)
	user := get(w.session.GetAddressEntry(w.ctx, fmt.Sprintf("%X", "u00003")))(w)
	want(t, "Details without a dialog", user.Details(w.ctx, 0), cdo.CdoE_NO_SUPPORT)

	var picked []cdo.Picked
	var chosen *cdo.AddressEntry
	cancel := error(cdo.CdoE_USER_CANCEL)
	s := cdo.NewSession(cdo.Config{Location: berlin, Dialogs: cdo.Dialogs{
		PickRecipients: func(_ context.Context, _ *cdo.Session, o cdo.AddressBookOptions) ([]cdo.Picked, error) {
			if o.Title == "cancel" {
				return nil, cancel
			}
			return picked, nil
		},
		ChooseEntry: func(ctx context.Context, name string, list *cdo.AddressEntries) (*cdo.AddressEntry, error) {
			e, err := list.Item(ctx, 2)
			chosen = e
			return e, err
		},
		ShowDetails: func(context.Context, *cdo.AddressEntry, int) error { return cancel },
		ShowOptions: func(context.Context, *cdo.Message, int) error { return nil },
		ShowMessage: func(context.Context, *cdo.Message, int) error { return cancel },
	}})
	w.must(s.SetMAPIObject(get(w.session.MAPIObject(w.ctx))(w)))
	inbox := get(s.Inbox(w.ctx))(w)
	_, err = s.AddressBook(w.ctx, cdo.AddressBookOptions{RecipLists: 1, Title: "cancel"})
	want(t, "a cancelled AddressBook", err, cdo.CdoE_USER_CANCEL)
	if r := get(s.AddressBook(w.ctx, cdo.AddressBookOptions{RecipLists: 1}))(w); r != nil {
		t.Error("nobody was chosen")
	}
	e := get(s.GetAddressEntry(w.ctx, fmt.Sprintf("%X", "u00003")))(w)
	picked = []cdo.Picked{{Entry: e, Type: cdo.CdoCc}, {Name: "Ada", Address: "SMTP:ada@example.com"}}
	_, err = s.AddressBook(w.ctx, cdo.AddressBookOptions{RecipLists: 3, OneAddress: true})
	want(t, "two where one may be", err, cdo.CdoE_INVALID_PARAMETER)
	list := get(s.AddressBook(w.ctx, cdo.AddressBookOptions{RecipLists: 3, ForceResolution: true}))(w)
	if n := get(list.Count(w.ctx))(w); n != 2 || !get(list.Resolved(w.ctx))(w) || get(get(list.Item(w.ctx, 1))(w).Type(w.ctx))(w) != cdo.CdoCc {
		t.Errorf("%d recipients", n)
	}
	m = inbox.Messages().Add("x", "", "") // script 23 of section 7
	w.must(m.SetRecipients(w.ctx, list))
	if n := get(get(m.Recipients(w.ctx))(w).Count(w.ctx))(w); n != 2 {
		t.Errorf("the message has %d recipients", n)
	}
	want(t, "a cancelled Send", m.SendShown(w.ctx, true, 0), cdo.CdoE_USER_CANCEL)
	w.must(m.Options(w.ctx, 0))
	want(t, "cancelled Details", e.Details(w.ctx, 0), cdo.CdoE_USER_CANCEL)

	r := get(get(m.Recipients(w.ctx))(w).Add(w.ctx, "User", "", cdo.CdoTo))(w)
	want(t, "an ambiguous name", r.Resolve(w.ctx, false), cdo.CdoE_AMBIGUOUS_RECIP)
	w.must(r.Resolve(w.ctx, true))
	if chosen == nil || get(r.Name(w.ctx))(w) != get(chosen.Name(w.ctx))(w) {
		t.Error("the dialog wasn't asked")
	}
}

// writable is a directory that can be changed.
type writable struct {
	directory
	made    map[mapi.EntryID]mapi.Props
	deleted []mapi.EntryID
}

func (d *writable) CreateEntry(_ context.Context, list mapi.EntryID, ps mapi.Props) (mapi.EntryID, error) {
	id := mapi.EntryID(fmt.Sprintf("new%d in %s", len(d.made), list))
	d.made[id] = slices.Clone(ps)
	return id, nil
}

func (d *writable) UpdateEntry(_ context.Context, id mapi.EntryID, set mapi.Props, del []mapi.Key) error {
	if d.made[id] == nil {
		return &mapi.Error{Op: "change entry", Code: mapi.ErrNoAccess}
	}
	ps := d.made[id]
	for _, p := range set {
		ps.Set(p.Key, p.Value)
	}
	d.made[id] = ps
	return nil
}

func (d *writable) DeleteEntry(_ context.Context, id mapi.EntryID) error {
	d.deleted = append(d.deleted, id)
	return nil
}

func (d *writable) Entry(ctx context.Context, id mapi.EntryID, keys []mapi.Key) (mapi.Props, error) {
	if ps := d.made[id]; ps != nil {
		return ps, nil
	}
	return d.directory.Entry(ctx, id, keys)
}

// bookStore is a store with an address book that can be changed.
type bookStore struct {
	mapi.Store
	*writable
}

// Reference 1.14: entries are added, changed and deleted where the address book takes it.
func TestAddressBookChanges(t *testing.T) {
	d := &writable{directory: directory{size: 5, counted: true}, made: map[mapi.EntryID]mapi.Props{}}
	w := logOn(t, bookStore{memstore.New(memstore.Config{}), d})
	list := get(w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL))(w).AddressEntries()
	e := get(list.Add("SMTP", "Charles", "cb@example.com"))(w)
	if len(d.made) != 0 || e.ID() != "" {
		t.Error("an entry is there before its Update")
	}
	w.must(e.Update(w.ctx, true, false))
	w.must(e.SetName("Charles Babbage"))
	get(e.Fields().Add(cdo.CdoPR_TITLE, "Mr"))(w)
	w.must(e.Update(w.ctx, true, true))
	if len(d.made) != 1 || get(e.Name(w.ctx))(w) != "Charles Babbage" || get(e.Address(w.ctx))(w) != "cb@example.com" || get(e.Type(w.ctx))(w) != "SMTP" {
		t.Errorf("made %v", d.made)
	}
	for _, ps := range d.made {
		if ps.Text(pid.TagDisplayName) != "Charles Babbage" || ps.Text(pid.TagTitle) != "Mr" {
			t.Errorf("the address book has %v", ps)
		}
	}
	w.must(e.Delete(w.ctx))
	want(t, "after Delete", e.Update(w.ctx, true, false), cdo.CdoE_INVALID_OBJECT)
	other := get(list.GetFirst(w.ctx))(w)
	w.must(other.SetName("x"))
	want(t, "somebody else's entry", other.Update(w.ctx, true, false), cdo.CdoE_NO_ACCESS)
	w.must(list.Delete(w.ctx))
	if len(d.deleted) != 6 {
		t.Errorf("deleted %d", len(d.deleted))
	}
	if _, err := list.Add("", "x", ""); !errors.Is(err, cdo.CdoE_INVALID_PARAMETER) {
		t.Errorf("an entry without a type: %v", err)
	}

	w = newBookWorld(t, &directory{size: 5})
	list = get(w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL))(w).AddressEntries()
	_, err := list.Add("SMTP", "x", "x@example.com")
	want(t, "Add", err, cdo.CdoE_NO_SUPPORT)
	want(t, "Delete of all", list.Delete(w.ctx), cdo.CdoE_NO_SUPPORT)
	e = get(list.GetFirst(w.ctx))(w)
	want(t, "SetName", e.SetName("x"), cdo.CdoE_NO_SUPPORT)
	want(t, "Delete", e.Delete(w.ctx), cdo.CdoE_NO_SUPPORT)
	if m := get(e.Manager(w.ctx))(w); m != nil {
		t.Error("a manager from nowhere")
	}
}

// Reference 1.4 ExcludeRTFProps: by its name.
func TestExcludeRTFProps(t *testing.T) {
	w := newWorld(t)
	m := w.inbox().Messages().Add("formatted", "plain", "")
	get(m.Fields().Add(cdo.CdoPR_RTF_COMPRESSED, []byte("rtf")))(w)
	w.must(m.Update(w.ctx, true, false))
	get(get(w.session.InfoStores(w.ctx))(w).Item(1), nil)(w).ExcludeRTFProps()
	again := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
	_, err := again.Fields().ByTag(w.ctx, cdo.CdoPR_RTF_COMPRESSED)
	want(t, "the RTF", err, cdo.CdoE_NOT_FOUND)
	get(get(again.Recipients(w.ctx))(w).Add(w.ctx, "x", "SMTP:x@example.com", cdo.CdoTo))(w)
	w.must(again.Update(w.ctx, true, false))
	it := get(mapi.ReadItem(w.ctx, getMAPI(w, again), entryID(t, again.ID())))(w)
	if b, _ := it.Props.Tag(pid.TagRtfCompressed).([]byte); string(b) != "rtf" {
		t.Error("what wasn't shown is lost")
	}
}
