package cdo_test

import (
	"context"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Reference 1.12: recipients that somebody else wrote.
func TestRecipients(t *testing.T) {
	eachStore(t, func(w *world) {
		c := get(w.message("RE: Figures for March").Recipients(w.ctx))(w)
		if n := get(c.Count(w.ctx))(w); n != 3 {
			w.Fatalf("%d recipients", n)
		}
		for i, x := range []struct {
			name, address string
			kind          cdo.RecipientType
		}{{"Ada Lovelace", "SMTP:ada@example.com", cdo.CdoTo}, {"千代子", "SMTP:chiyoko@example.jp", cdo.CdoTo}, {"Björn Ångström", "SMTP:bjorn@example.com", cdo.CdoBcc}} {
			r := get(c.Item(w.ctx, i+1))(w)
			if get(r.Name(w.ctx))(w) != x.name || get(r.Address(w.ctx))(w) != x.address || get(r.Type(w.ctx))(w) != x.kind || r.Index() != i+1 {
				w.Errorf("recipient %d is another one", i+1)
			}
			e := get(r.AddressEntry(w.ctx))(w)
			// Reference 1.14: without the type, unlike Recipient.Address.
			if a, kind := get(e.Address(w.ctx))(w), get(e.Type(w.ctx))(w); kind+":"+a != x.address || e.ID() != get(r.ID(w.ctx))(w) {
				w.Errorf("its address entry is %s %s", kind, a)
			}
			if get(r.DisplayType(w.ctx))(w) != cdo.CdoUser || get(r.MeetingResponseStatus(w.ctx))(w) != cdo.CdoResponseNone {
				w.Error("it isn't a user without an answer")
			}
		}
		if ok := get(c.Resolved(w.ctx))(w); !ok {
			w.Error("they aren't resolved")
		}
		for _, i := range []int{0, 4} {
			if r := get(c.Item(w.ctx, i))(w); r != nil {
				w.Errorf("Item(%d) is there", i)
			}
		}
	})
}

// Recipients are added, changed and deleted with the message's Update; the collection and its members stay usable after it.
func TestRecipientsWritten(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.inbox().Messages().Add("to some", "", "")
		c := get(m.Recipients(w.ctx))(w)
		get(c.Add(w.ctx, "Ada", "SMTP:ada@example.com", cdo.CdoTo))(w)
		bob := get(c.Add(w.ctx, "", "fax:+1 555", cdo.CdoCc))(w)
		w.must(c.AddMultiple(w.ctx, "Carl; dora@example.com ;Eve[SMTP:eve@example.com];", cdo.CdoBcc))
		w.must(m.Update(w.ctx, true, false))
		stored := func() *cdo.Recipients {
			return get(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w).Recipients(w.ctx))(w)
		}
		want5 := []string{"Ada|SMTP:ada@example.com|1", "|FAX:+1 555|2", "Carl||3", "dora@example.com||3", "Eve|SMTP:eve@example.com|3"}
		check := func(c *cdo.Recipients, want ...string) {
			w.Helper()
			i := 0
			for r, err := range c.All(w.ctx) {
				w.must(err)
				got := get(r.Name(w.ctx))(w) + "|" + get(r.Address(w.ctx))(w) + "|" + string(rune('0'+get(r.Type(w.ctx))(w)))
				if i >= len(want) || got != want[i] {
					w.Errorf("recipient %d is %q", i+1, got)
				}
				i++
			}
			if i != len(want) {
				w.Errorf("%d recipients, want %d", i, len(want))
			}
		}
		check(stored(), want5...)
		check(c, want5...)
		if v := w.field(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w).Fields(), cdo.CdoPR_DISPLAY_BCC); v != "Carl; dora@example.com; Eve" {
			w.Errorf("PR_DISPLAY_BCC is %v", v)
		}

		bob.SetName("Bob")
		bob.SetType(cdo.CdoTo)
		bob.SetMeetingResponseStatus(cdo.CdoResponseAccepted)
		get(c.Item(w.ctx, 3))(w).Delete()
		w.must(m.Update(w.ctx, true, false))
		want4 := []string{want5[0], "Bob|FAX:+1 555|1", want5[3], want5[4]}
		check(stored(), want4...)
		check(c, want4...)
		if s := get(get(stored().Item(w.ctx, 2))(w).MeetingResponseStatus(w.ctx))(w); s != cdo.CdoResponseAccepted {
			w.Errorf("the answer is %d", s)
		}

		reply := w.inbox().Messages().Add("reply", "", "") // script 15
		w.must(reply.SetRecipients(w.ctx, c))
		w.must(reply.Update(w.ctx, true, false))
		check(get(get(w.session.GetMessage(w.ctx, reply.ID(), ""))(w).Recipients(w.ctx))(w), want4...)

		w.must(c.Delete(w.ctx))
		w.must(m.Update(w.ctx, true, false))
		check(stored())
		_, err := c.Add(w.ctx, "x", "no type", cdo.CdoTo)
		want(w.T, "an address without type", err, cdo.CdoE_INVALID_PARAMETER)
		check(c)
	})
}

// withBook is a store with an address book.
type withBook struct {
	mapi.Store
	*directory
}

// Unwrap keeps the abilities of the store itself.
func (w withBook) Unwrap() mapi.Store { return w.Store }

func newBookWorld(t *testing.T, b *directory) *world {
	t.Helper()
	return logOn(t, withBook{memstore.New(memstore.Config{}), b})
}

// Reference 1.12 Resolve, 4: by name against the address book; addresses and SMTP addresses need none.
func TestResolve(t *testing.T) {
	w := newBookWorld(t, &directory{size: 50_000})
	c := get(w.inbox().Messages().Add("x", "", "").Recipients(w.ctx))(w)
	for _, x := range []struct {
		name, address string
		kind          cdo.RecipientType
		code          mapi.Code
		want          string
	}{
		{name: "User 00042", kind: cdo.CdoTo, want: "EX:/o=Org/cn=user00042"},
		{name: "nobody", kind: cdo.CdoTo, code: cdo.CdoE_NOT_FOUND},
		{name: "User 0004", kind: cdo.CdoTo, code: cdo.CdoE_AMBIGUOUS_RECIP},
		{name: "", kind: cdo.CdoTo, code: cdo.CdoE_AMBIGUOUS_RECIP},
		{name: "Custom", address: "SMTP:custom@example.com", kind: cdo.CdoCc, want: "SMTP:custom@example.com"},
		{name: "new@example.com", kind: cdo.CdoTo, want: "SMTP:new@example.com"},
		{name: "Eve[smtp:eve@example.com]", kind: cdo.CdoTo, want: "SMTP:eve@example.com"},
		{name: "User 00042", kind: 7, code: cdo.CdoE_INVALID_PARAMETER},
	} {
		w.must(c.Delete(w.ctx))
		r := get(c.Add(w.ctx, x.name, x.address, x.kind))(w)
		unresolved := get(c.GetFirstUnresolved(w.ctx))(w)
		if unresolved != r || get(c.GetNextUnresolved(w.ctx))(w) != nil {
			t.Errorf("%q isn't the one unresolved recipient", x.name)
		}
		err := c.Resolve(w.ctx, false)
		if x.code != 0 {
			want(t, "resolve "+x.name, err, x.code)
			if ok := get(c.Resolved(w.ctx))(w); ok {
				t.Errorf("%q is resolved", x.name)
			}
			continue
		}
		w.must(err)
		if ok := get(c.Resolved(w.ctx))(w); !ok || get(c.GetFirstUnresolved(w.ctx))(w) != nil {
			t.Errorf("%q isn't resolved", x.name)
		}
		if got := get(r.Address(w.ctx))(w); got != x.want {
			t.Errorf("%q has the address %q", x.name, got)
		}
		if id := get(r.ID(w.ctx))(w); id == "" {
			t.Errorf("%q has no ID", x.name)
		}
		w.must(r.Resolve(w.ctx, false)) // once more changes nothing
	}
	r := get(c.Add(w.ctx, "nobody", "", cdo.CdoTo))(w)
	_, err := r.AddressEntry(w.ctx)
	want(t, "AddressEntry of an unknown name", err, cdo.CdoE_AMBIGUOUS_RECIP)
	if list := get(r.AmbiguousNames(w.ctx))(w); list != nil {
		t.Error("an unknown name has candidates")
	}
	r.SetName("User 0004")
	list := get(r.AmbiguousNames(w.ctx))(w)
	if n := list.Count(); n != 10 {
		t.Errorf("%d candidates", n)
	}
	first := get(list.GetFirst(w.ctx))(w)
	w.must(r.SetAddressEntry(w.ctx, first))
	if n := get(r.Name(w.ctx))(w); n != "User 00040" || get(r.ID(w.ctx))(w) != first.ID() {
		t.Errorf("the recipient is %q", n)
	}
	again := get(c.AddEntry(w.ctx, first.ID(), cdo.CdoBcc))(w)
	if get(again.Name(w.ctx))(w) != "User 00040" || get(again.Type(w.ctx))(w) != cdo.CdoBcc {
		t.Error("AddEntry adds another one")
	}
	_, err = c.AddEntry(w.ctx, "ABCD", cdo.CdoTo)
	want(t, "AddEntry of nothing", err, cdo.CdoE_NOT_FOUND)
}

// The entry id of a custom address is a one-off ([MS-OXCDATA] 2.2.5.1), from which the address is read again.
func TestOneOff(t *testing.T) {
	w := newWorld(t)
	c := get(w.inbox().Messages().Add("x", "", "").Recipients(w.ctx))(w)
	r := get(c.Add(w.ctx, "Zoë", "SMTP:zoe@example.com", cdo.CdoTo))(w)
	w.must(r.Resolve(w.ctx, false))
	e := get(w.session.GetAddressEntry(w.ctx, get(r.ID(w.ctx))(w)))(w)
	if n, a, k := get(e.Name(w.ctx))(w), get(e.Address(w.ctx))(w), get(e.Type(w.ctx))(w); n != "Zoë" || a != "zoe@example.com" || k != "SMTP" {
		t.Errorf("the entry is %s, %s, %s", n, k, a)
	}
	// The senders of the samples have ids that were made elsewhere.
	sender := get(w.message("Follow up").Sender(w.ctx))(w)
	e = get(w.session.GetAddressEntry(w.ctx, sender.ID()))(w)
	if n := get(e.Name(w.ctx))(w); n != "Björn Ångström" || !e.IsSameAs(sender) {
		t.Errorf("the sender's entry is %q", n)
	}
	if v := w.field(sender.Fields(), pid.TagSmtpAddress); v != "bjorn@example.com" {
		t.Errorf("PR_SMTP_ADDRESS is %v", v)
	}
}

// outbound is a store that can send.
type outbound struct {
	mapi.Store
	sent []mapi.Props
}

func (o *outbound) Submit(ctx context.Context, folder, item mapi.EntryID) error {
	dir, err := o.Folder(ctx, folder)
	if err != nil {
		return err
	}
	it, err := mapi.ReadItem(ctx, dir, item)
	if err != nil {
		return err
	}
	o.sent = append(o.sent, it.Props)
	return dir.Delete(ctx, []mapi.EntryID{item}, true)
}

// Reference 1.8 Send, 4.
func TestSend(t *testing.T) {
	w := logOn(t, bare{memstore.New(memstore.Config{})})
	m := w.inbox().Messages().Add("x", "", "")
	want(t, "Send where the store cannot", m.Send(w.ctx, true), cdo.CdoE_NO_SUPPORT)

	store := &outbound{Store: memstore.New(memstore.Config{})}
	w = logOn(t, store)
	outbox := get(w.session.Outbox(w.ctx))(w)
	before := get(w.inbox().Messages().Count(w.ctx))(w)
	sent, err := store.Special(w.ctx, mapi.RoleSent)
	w.must(err)
	for _, saveCopy := range []bool{true, false} {
		for _, in := range []*cdo.Folder{outbox, w.inbox()} {
			m := in.Messages().Add("hello", "text", "")
			want(t, "Send to nobody", m.Send(w.ctx, saveCopy), cdo.CdoE_NO_RECIPIENTS)
			r := get(get(m.Recipients(w.ctx))(w).Add(w.ctx, "", "SMTP:ada@example.com", cdo.CdoTo))(w)
			want(t, "Send to somebody unresolved", m.Send(w.ctx, saveCopy), cdo.CdoE_AMBIGUOUS_RECIP)
			w.must(r.Resolve(w.ctx, false))
			if in != outbox {
				w.must(m.Update(w.ctx, true, false))
			}
			store.sent = nil
			w.must(m.Send(w.ctx, saveCopy))
			if len(store.sent) != 1 {
				t.Fatalf("%d messages were sent", len(store.sent))
			}
			ps := store.sent[0]
			kept, _ := ps.Tag(pid.TagSentMailEntryId).([]byte)
			gone, _ := ps.Tag(pid.TagDeleteAfterSubmit).(bool)
			if saveCopy != (string(kept) == string(sent)) || saveCopy == gone {
				t.Errorf("saveCopy %v: PR_SENTMAIL_ENTRYID %X, PR_DELETE_AFTER_SUBMIT %v", saveCopy, kept, gone)
			}
			_, err := m.Fields().Count(w.ctx)
			want(t, "a member after Send", m.Update(w.ctx, true, false), cdo.CdoE_INVALID_OBJECT)
			want(t, "a field after Send", err, cdo.CdoE_INVALID_OBJECT)
		}
	}
	if n := get(w.inbox().Messages().Count(w.ctx))(w); n != before {
		t.Errorf("%d messages in the Inbox, %d before", n, before)
	}
}
