package cdo_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// directory is an address book whose global list has many users and, last, a distribution list. It makes its entries when they are
// asked for and counts them.
type directory struct {
	size    int
	counted bool // the list knows its size
	rows    int  // that were given
}

const (
	globalList = "gal"
	usersList  = "users"
	team       = "dl"
)

func (d *directory) entry(i int) mapi.Props {
	if i == d.size-1 {
		return mapi.Props{
			{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(team)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: "Zeta team"},
			{Key: mapi.TagKey(pid.TagDisplayType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagObjectType), Value: int32(8)},
		}
	}
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagEntryId), Value: fmt.Appendf(nil, "u%05d", i)},
		{Key: mapi.TagKey(pid.TagDisplayName), Value: fmt.Sprintf("User %05d", i)},
		{Key: mapi.TagKey(pid.TagAddressType), Value: "EX"},
		{Key: mapi.TagKey(pid.TagEmailAddress), Value: fmt.Sprintf("/o=Org/cn=user%05d", i)},
		{Key: mapi.TagKey(pid.TagDisplayType), Value: int32(0)}, {Key: mapi.TagKey(pid.TagObjectType), Value: int32(6)},
	}
}

// Lists implements mapi.AddressBook.
func (d *directory) Lists(context.Context) ([]mapi.AddressList, error) {
	global := mapi.AddressList{ID: globalList, Name: "Globales Adressbuch", IsGlobal: true, Props: mapi.Props{{Key: mapi.TagKey(pid.TagContainerFlags), Value: int32(9)}}}
	if d.counted {
		global.Props.Set(mapi.TagKey(pid.TagContentCount), int32(d.size))
	}
	return []mapi.AddressList{global, {ID: usersList, Name: "All Users", Depth: 1}}, nil
}

// Entries implements mapi.AddressBook.
func (d *directory) Entries(_ context.Context, list mapi.EntryID, q mapi.Query) iter.Seq2[mapi.Row, error] {
	n := d.size
	if list == team {
		n = 3
	}
	return mapi.Select(q, func(yield func(mapi.Record, error) bool) {
		for i := range n {
			if q.Where == nil && i < q.Offset { // the table would skip it
				if !yield(mapi.Record{Get: func(mapi.Key) mapi.Value { return nil }}, nil) {
					return
				}
				continue
			}
			d.rows++
			ps := d.entry(i)
			id, _ := ps.Tag(pid.TagEntryId).([]byte)
			if !yield(mapi.Record{ID: mapi.EntryID(id), Get: ps.Get}, nil) {
				return
			}
		}
	}, nil)
}

// Entry implements mapi.AddressBook.
func (d *directory) Entry(_ context.Context, id mapi.EntryID, keys []mapi.Key) (mapi.Props, error) {
	if id == team {
		return d.entry(d.size - 1), nil
	}
	var i int
	if n, err := fmt.Sscanf(string(id), "u%05d", &i); n != 1 || err != nil || i >= d.size-1 {
		return nil, &mapi.Error{Op: "open entry", Code: mapi.ErrNotFound}
	}
	return append(d.entry(i),
		mapi.Prop{Key: mapi.TagKey(pid.TagSmtpAddress), Value: fmt.Sprintf("user%05d@example.com", i)},
		mapi.Prop{Key: mapi.TagKey(0x800F101F), Value: []string{fmt.Sprintf("SMTP:user%05d@example.com", i)}}), nil
}

// Resolve implements mapi.AddressBook: it finds by the beginning of the name.
func (d *directory) Resolve(_ context.Context, name string, _ []mapi.Key) (found []mapi.Props, err error) {
	for i := range d.size {
		if ps := d.entry(i); strings.HasPrefix(strings.ToLower(ps.Text(pid.TagDisplayName)), strings.ToLower(name)) {
			found = append(found, ps)
		}
	}
	switch len(found) {
	case 0:
		return nil, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrNotFound}
	case 1:
		return found, nil
	}
	return found, &mapi.Error{Op: "resolve", Object: name, Code: mapi.ErrAmbiguous}
}

// Reference 1.14: lists by position, name and purpose.
func TestAddressLists(t *testing.T) {
	w := newBookWorld(t, &directory{size: 10, counted: true})
	lists := get(w.session.AddressLists(w.ctx))(w)
	if lists.Count() != 2 || lists.Item(0) != nil || lists.Item(3) != nil || lists.Item(2).Name() != "All Users" || lists.Item(2).Index() != 2 {
		t.Error("the lists aren't counted from 1 to 2")
	}
	gal := get(w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL))(w)
	if named := get(lists.ByName("Globales Adressbuch"))(w); !named.IsSameAs(gal) || !gal.IsReadOnly() || gal.Class() != cdo.CdoAddressList {
		t.Error("the global list isn't found by its name")
	}
	_, err := lists.ByName("Global Address List")
	want(t, "a list by another name", err, cdo.CdoE_NOT_FOUND)
	_, err = w.session.GetAddressList(w.ctx, cdo.CdoAddressListPAB)
	want(t, "a personal address book", err, cdo.CdoE_NOT_FOUND)
	_, err = w.session.GetAddressList(w.ctx, 2)
	want(t, "no list", err, cdo.CdoE_INVALID_PARAMETER)
	if n := gal.AddressEntries().Count(); n != 10 {
		t.Errorf("Count is %d", n)
	}
	if n := lists.Item(2).AddressEntries().Count(); n != cdo.CdoMaxCount {
		t.Errorf("Count is %d where the address book doesn't tell", n)
	}

	w = newWorld(t) // a store without address book
	if n := get(w.session.AddressLists(w.ctx))(w).Count(); n != 0 {
		t.Errorf("%d address lists", n)
	}
	_, err = w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL)
	want(t, "the global list of nobody", err, cdo.CdoE_NOT_FOUND)
}

// Reference 1.2 "Large", 1.14: a directory of 50,000 is read in windows, whatever is asked for.
func TestAddressEntries(t *testing.T) {
	for _, counted := range []bool{true, false} {
		t.Run(fmt.Sprintf("counted %v", counted), func(t *testing.T) {
			d := &directory{size: 50_000, counted: counted}
			w := newBookWorld(t, d)
			gal := get(w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL))(w)
			c := gal.AddressEntries()
			name := func(e *cdo.AddressEntry, err error) string {
				t.Helper()
				w.must(err)
				if e == nil {
					return ""
				}
				return get(e.Name(w.ctx))(w)
			}
			for _, step := range []struct {
				what string
				call func() (*cdo.AddressEntry, error)
				want string
			}{
				{"first", func() (*cdo.AddressEntry, error) { return c.GetFirst(w.ctx) }, "User 00000"},
				{"next", func() (*cdo.AddressEntry, error) { return c.GetNext(w.ctx) }, "User 00001"},
				{"item", func() (*cdo.AddressEntry, error) { return c.Item(w.ctx, 40_001) }, "User 40000"},
				{"previous", func() (*cdo.AddressEntry, error) { return c.GetPrevious(w.ctx) }, "User 39999"},
				{"last", func() (*cdo.AddressEntry, error) { return c.GetLast(w.ctx) }, "Zeta team"},
				{"before the last", func() (*cdo.AddressEntry, error) { return c.GetPrevious(w.ctx) }, "User 49998"},
				{"the last again", func() (*cdo.AddressEntry, error) { return c.GetNext(w.ctx) }, "Zeta team"},
				{"past the end", func() (*cdo.AddressEntry, error) { return c.GetNext(w.ctx) }, ""},
				{"back again", func() (*cdo.AddressEntry, error) { return c.GetPrevious(w.ctx) }, "Zeta team"},
				{"nothing there", func() (*cdo.AddressEntry, error) { return c.Item(w.ctx, 50_001) }, ""},
				{"first again", func() (*cdo.AddressEntry, error) { return c.GetFirst(w.ctx) }, "User 00000"},
				{"by name", func() (*cdo.AddressEntry, error) { return c.Find(w.ctx, "user 31415") }, "User 31415"},
				{"the next after it", func() (*cdo.AddressEntry, error) { return c.GetNext(w.ctx) }, "User 31416"},
				{"not before", func() (*cdo.AddressEntry, error) { return c.Find(w.ctx, "User 4") }, "User 40000"},
				{"in the rest only", func() (*cdo.AddressEntry, error) { return c.Find(w.ctx, "User 00001") }, "User 40001"},
				{"after all", func() (*cdo.AddressEntry, error) { return c.Find(w.ctx, "zz") }, ""},
			} {
				d.rows = 0
				if got := name(step.call()); got != step.want {
					t.Errorf("%s: %q, want %q", step.what, got, step.want)
				}
				if d.rows > 200 {
					t.Errorf("%s: %d entries were read", step.what, d.rows)
				}
			}
			n := 0
			for _, err := range c.All(w.ctx) {
				w.must(err)
				if n++; n == 10 {
					break
				}
			}
			c.SetRestriction(mapi.ResContent{Fuzzy: mapi.FuzzySubstring, Key: mapi.TagKey(pid.TagDisplayName), Value: "1234"})
			if got := name(c.GetFirst(w.ctx)); got != "User 01234" {
				t.Errorf("restricted: %q", got)
			}
			want(t, "another order", c.Sort(cdo.CdoDescending, 0), cdo.CdoE_TOO_COMPLEX)
			want(t, "another property", c.Sort(cdo.CdoAscending, cdo.CdoPR_ACCOUNT), cdo.CdoE_TOO_COMPLEX)
			w.must(c.Sort(cdo.CdoAscending, cdo.CdoPR_DISPLAY_NAME))
		})
	}
}

// Reference 1.14 AddressEntry: what isn't in the list is read from the entry; address book ids from 0x8000 on are properties.
func TestAddressEntry(t *testing.T) {
	w := newBookWorld(t, &directory{size: 100})
	c := get(w.session.GetAddressList(w.ctx, cdo.CdoAddressListGAL))(w).AddressEntries()
	e := get(c.Find(w.ctx, "User 00042"))(w)
	again := get(w.session.GetAddressEntry(w.ctx, e.ID()))(w)
	if !again.IsSameAs(e) {
		t.Error("GetAddressEntry gives another entry")
	}
	for _, e := range []*cdo.AddressEntry{e, again} {
		if a, k, d := get(e.Address(w.ctx))(w), get(e.Type(w.ctx))(w), get(e.DisplayType(w.ctx))(w); a != "/o=Org/cn=user00042" || k != "EX" || d != cdo.CdoUser {
			t.Errorf("the entry is %s:%s, %d", k, a, d)
		}
		if v := w.field(e.Fields(), 0x39FE001E); v != "user00042@example.com" {
			t.Errorf("Fields(&H39FE001E) is %v", v)
		}
		if v := w.field(e.Fields(), 0x800F101E); fmt.Sprint(v) != "[SMTP:user00042@example.com]" {
			t.Errorf("Fields(&H800F101E) is %v", v)
		}
		if m := get(e.Members(w.ctx))(w); m != nil {
			t.Error("a user has members")
		}
		want(t, "changing an entry", get(e.Fields().ByTag(w.ctx, cdo.CdoPR_DISPLAY_NAME))(w).SetValue("x"), cdo.CdoE_NO_SUPPORT)
	}
	dl := get(c.GetLast(w.ctx))(w)
	if d := get(dl.DisplayType(w.ctx))(w); d != cdo.CdoDistList {
		t.Errorf("the list is of type %d", d)
	}
	_, err := dl.Address(w.ctx)
	want(t, "the address of a list without one", err, cdo.CdoE_NOT_FOUND)
	members := get(dl.Members(w.ctx))(w)
	if m := get(members.GetLast(w.ctx))(w); get(m.Name(w.ctx))(w) != "User 00002" || m.Parent() != cdo.Object(members) || members.Parent() != cdo.Object(dl) {
		t.Error("the members are others")
	}
	_, err = w.session.GetAddressEntry(w.ctx, "ABCD")
	want(t, "an ID of nothing", err, cdo.CdoE_NOT_FOUND)
	_, err = w.session.GetAddressEntry(w.ctx, "")
	want(t, "an empty ID", err, cdo.CdoE_INVALID_ENTRYID)
}

// Reference 1.3 CurrentUser: the owner of the mailbox as the address book knows him, by the name that the profile has.
func TestCurrentUser(t *testing.T) {
	w := newBookWorld(t, &directory{size: 100})
	s := cdo.NewSession(cdo.Config{Open: open(w.store)})
	w.must(s.Logon(w.ctx, cdo.LogonOptions{ProfileInfo: "server\nUser 00007"}))
	e := get(s.CurrentUser(w.ctx))(w)
	if get(e.Name(w.ctx))(w) != "User 00007" || e.ID() == "" || e.Parent() != cdo.Object(s) {
		t.Error("the user is another one")
	}
	if v := w.field(e.Fields(), 0x39FE001E); v != "user00007@example.com" {
		t.Errorf("his SMTP address is %v", v)
	}
	for mailbox, want := range map[string]string{"Someone": "Mailbox", "User 0000": ""} { // not in the address book; several
		s := cdo.NewSession(cdo.Config{Open: open(w.store)})
		w.must(s.Logon(w.ctx, cdo.LogonOptions{ProfileInfo: "server\n" + mailbox}))
		if want == "" {
			want = "Unknown"
		}
		if n := get(get(s.CurrentUser(w.ctx))(w).Name(w.ctx))(w); n != want {
			t.Errorf("the user of %s is %q", mailbox, n)
		}
	}
	s = cdo.NewSession(cdo.Config{Open: open(owned{w.store})})
	w.must(s.Logon(w.ctx, cdo.LogonOptions{ProfileName: "p"}))
	if e := get(s.CurrentUser(w.ctx))(w); get(e.Name(w.ctx))(w) != "User 00009 as the store has it" || w.field(e.Fields(), 0x39FE001E) != "user00009@example.com" {
		t.Error("the owner that the store names is another one")
	}
}

// owned is a store that names its owner.
type owned struct{ mapi.Store }

func (o owned) Unwrap() mapi.Store { return o.Store }

func (owned) Props(context.Context) (mapi.Props, error) {
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagMailboxOwnerName), Value: "User 00009 as the store has it"},
		{Key: mapi.TagKey(pid.TagMailboxOwnerEntryId), Value: []byte("u00009")},
	}, nil
}
