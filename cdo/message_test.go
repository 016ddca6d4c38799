package cdo_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Reference 1.8: the properties of a message that somebody else wrote.
func TestMessageProperties(t *testing.T) {
	eachStore(t, func(w *world) {
		check := func(m *cdo.Message) {
			w.Helper()
			for what, c := range map[string]struct{ got, want any }{
				"Subject":           {get(m.Subject(w.ctx))(w), "Notes on the engine"},
				"Text":              {get(m.Text(w.ctx))(w), "Dear Björn,\r\n\r\nplease find my notes below.\r\n\r\nAda\r\n"},
				"Type":              {get(m.Type(w.ctx))(w), "IPM.Note"},
				"Importance":        {get(m.Importance(w.ctx))(w), cdo.CdoNormal},
				"Sensitivity":       {get(m.Sensitivity(w.ctx))(w), cdo.CdoNoSensitivity},
				"Unread":            {get(m.Unread(w.ctx))(w), false},
				"Sent":              {get(m.Sent(w.ctx))(w), true},
				"Submitted":         {get(m.Submitted(w.ctx))(w), false},
				"Encrypted":         {get(m.Encrypted(w.ctx))(w), false},
				"Signed":            {get(m.Signed(w.ctx))(w), false},
				"DeliveryReceipt":   {get(m.DeliveryReceipt(w.ctx))(w), false},
				"ReadReceipt":       {get(m.ReadReceipt(w.ctx))(w), false},
				"ConversationTopic": {get(m.ConversationTopic(w.ctx))(w), "Notes on the engine"},
				// The samples play on 2024-03-14 in UTC; the session is two hours ahead (reference 0 "Local time").
				"TimeSent":     {get(m.TimeSent(w.ctx))(w).Format(time.DateTime), "2024-03-14 11:26:26"},
				"TimeReceived": {get(m.TimeReceived(w.ctx))(w).Format(time.DateTime), "2024-03-14 11:27:26"},
				"TimeCreated":  {get(m.TimeCreated(w.ctx))(w).Format(time.DateTime), "2024-03-14 11:27:26"},
				"FolderID":     {m.FolderID(), w.inbox().ID()},
				"Sender":       {get(get(m.Sender(w.ctx))(w).Name(w.ctx))(w), "Ada Lovelace"},
				"Sender type":  {get(get(m.Sender(w.ctx))(w).Type(w.ctx))(w), "SMTP"},
				"Sender addr":  {get(get(m.Sender(w.ctx))(w).Address(w.ctx))(w), "ada@example.com"},
				"Class":        {m.Class(), cdo.CdoMsg},
			} {
				if c.got != c.want {
					w.Errorf("%s is %v, want %v", what, c.got, c.want)
				}
			}
			if n := get(m.Size(w.ctx))(w); n < 100 {
				w.Errorf("Size is %d", n)
			}
			if index := get(m.ConversationIndex(w.ctx))(w); len(index) != 44 || !strings.HasPrefix(index, "01") {
				w.Errorf("ConversationIndex is %s", index)
			}
			_, err := m.TimeExpired(w.ctx) // reference 4: never set
			want(w.T, "TimeExpired", err, cdo.CdoE_NOT_FOUND)
		}
		m := w.message("Notes on the engine")
		check(m)
		check(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w))
	})
}

// 8-bit strings are in the code page of their message.
func TestStringsInCodePages(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("Grüße € 100")
		if s := get(m.Text(w.ctx))(w); s != "Schöne Grüße\r\n" {
			w.Errorf("Text is %q", s)
		}
		if s := get(get(m.Sender(w.ctx))(w).Name(w.ctx))(w); s != "Björn" {
			w.Errorf("Sender is %q", s)
		}
		r := get(get(m.Recipients(w.ctx))(w).Item(w.ctx, 1))(w)
		if s := get(r.Address(w.ctx))(w); s != "SMTP:juergen@example.com" {
			w.Errorf("Address is %q", s)
		}
		m.SetSubject("Äpfel und 日本")
		w.must(m.Update(w.ctx, true, false))
		again := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		if s := get(again.Subject(w.ctx))(w); s != "Äpfel und 日本" {
			w.Errorf("Subject is %q", s)
		}
		if s := get(again.Text(w.ctx))(w); s != "Schöne Grüße\r\n" {
			w.Errorf("Text is %q after Update", s)
		}
	})
}

// Reference 0 "Property cache", 1.8 Update: nothing is permanent before Update(True).
func TestUpdate(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("Notes on the engine")
		stored := func() string {
			return get(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w).Subject(w.ctx))(w)
		}
		m.SetSubject("RE: changed")
		if s := get(m.Subject(w.ctx))(w); s != "RE: changed" || stored() != "Notes on the engine" {
			w.Errorf("before Update: %q, stored %q", s, stored())
		}
		w.must(m.Update(w.ctx, false, false))
		if stored() != "Notes on the engine" {
			w.Error("Update(False) saved")
		}
		w.must(m.Update(w.ctx, false, true))
		if s := get(m.Subject(w.ctx))(w); s != "RE: changed" || stored() != "Notes on the engine" {
			w.Errorf("after Update(False, True): %q, stored %q", s, stored())
		}
		w.must(m.Update(w.ctx, true, false))
		if s := get(m.Subject(w.ctx))(w); s != "RE: changed" || stored() != "RE: changed" {
			w.Errorf("after Update: %q, stored %q", s, stored())
		}
		if v := w.field(m.Fields(), pid.TagNormalizedSubject); v != "changed" {
			w.Errorf("the normalized subject is %v", v)
		}
		if v := w.field(m.Fields(), cdo.CdoPR_SUBJECT_PREFIX); v != "RE: " {
			w.Errorf("the prefix is %v", v)
		}
		// What somebody else changes shows after a refresh.
		other := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		other.SetImportance(cdo.CdoHigh)
		w.must(other.Update(w.ctx, true, true))
		w.must(m.Update(w.ctx, true, true))
		if i := get(m.Importance(w.ctx))(w); i != cdo.CdoHigh {
			w.Errorf("Importance is %d after the refresh", i)
		}
	})
}

// Every property that can be written comes back, in another object.
func TestMessageWritten(t *testing.T) {
	eachStore(t, func(w *world) {
		when := time.Date(2031, 5, 6, 7, 8, 9, 0, time.FixedZone("", -5*3600))
		m := w.inbox().Messages().Add("posted", "text", "IPM.Post")
		if m.ID() != "" {
			w.Error("an unsaved message has an ID")
		}
		_, err := m.Size(w.ctx)
		want(w.T, "Size of an unsaved message", err, cdo.CdoE_NOT_FOUND)
		if unread, sent := get(m.Unread(w.ctx))(w), get(m.Sent(w.ctx))(w); unread || sent {
			w.Errorf("a new message has Unread %v, Sent %v", unread, sent) // reference 1.8 "Three life cycles": scripts set both
		}
		m.SetImportance(cdo.CdoLow)
		m.SetSensitivity(cdo.CdoConfidential)
		m.SetCategories("red", "grün")
		m.SetConversationTopic("topic")
		index := get(w.session.CreateConversationIndex(""))(w)
		w.must(m.SetConversationIndex(index))
		m.SetDeliveryReceipt(true)
		m.SetReadReceipt(true)
		m.SetTimeSent(when)
		m.SetTimeReceived(when)
		m.SetTimeExpired(when)
		w.must(m.SetEncrypted(w.ctx, true))
		w.must(m.SetSigned(w.ctx, true))
		w.must(m.SetSent(w.ctx, true))
		w.must(m.SetSubmitted(w.ctx, false))
		w.must(m.SetUnread(w.ctx, true))
		w.must(m.Update(w.ctx, true, false))

		m = get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		for what, c := range map[string]struct{ got, want any }{
			"Subject": {get(m.Subject(w.ctx))(w), "posted"}, "Text": {get(m.Text(w.ctx))(w), "text"}, "Type": {get(m.Type(w.ctx))(w), "IPM.Post"},
			"Importance":        {get(m.Importance(w.ctx))(w), cdo.CdoLow},
			"Sensitivity":       {get(m.Sensitivity(w.ctx))(w), cdo.CdoConfidential},
			"ConversationTopic": {get(m.ConversationTopic(w.ctx))(w), "topic"},
			"ConversationIndex": {get(m.ConversationIndex(w.ctx))(w), index},
			"DeliveryReceipt":   {get(m.DeliveryReceipt(w.ctx))(w), true}, "ReadReceipt": {get(m.ReadReceipt(w.ctx))(w), true},
			"Encrypted": {get(m.Encrypted(w.ctx))(w), true}, "Signed": {get(m.Signed(w.ctx))(w), true},
			"Sent": {get(m.Sent(w.ctx))(w), true}, "Submitted": {get(m.Submitted(w.ctx))(w), false}, "Unread": {get(m.Unread(w.ctx))(w), true},
			"TimeSent":     {get(m.TimeSent(w.ctx))(w).Equal(when), true},
			"TimeReceived": {get(m.TimeReceived(w.ctx))(w).Format(time.DateTime), "2031-05-06 14:08:09"},
			"TimeExpired":  {get(m.TimeExpired(w.ctx))(w).Location(), berlin},
		} {
			if c.got != c.want {
				w.Errorf("%s is %v, want %v", what, c.got, c.want)
			}
		}
		if c := get(m.Categories(w.ctx))(w); !slices.Equal(c, []string{"red", "grün"}) {
			w.Errorf("Categories are %q", c)
		}
	})
}

// Reference 1.8 Unread: it is written at once, and nothing else is.
func TestUnreadIsImmediate(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("Notes on the engine")
		m.SetSubject("not yet")
		w.must(m.SetUnread(w.ctx, true))
		again := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		if !get(again.Unread(w.ctx))(w) {
			w.Error("it isn't unread in the store")
		}
		if s := get(again.Subject(w.ctx))(w); s != "Notes on the engine" {
			w.Errorf("Subject is %q in the store", s)
		}
		if !get(m.Unread(w.ctx))(w) || get(m.Subject(w.ctx))(w) != "not yet" {
			w.Error("the object lost something")
		}
	})
}

// A message has one text: who sets the plain one wants to see it, not the HTML that was there.
func TestSetTextRemovesOtherForms(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("RE: Figures for March")
		m.SetText("plain")
		w.must(m.Update(w.ctx, true, false))
		m = get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		if s := get(m.Text(w.ctx))(w); s != "plain" {
			w.Errorf("Text is %q", s)
		}
		_, err := m.Fields().ByTag(w.ctx, pid.TagHtml)
		want(w.T, "the HTML", err, cdo.CdoE_NOT_FOUND)
	})
}

// Texts longer than a table's cell are read whole, also when the message comes from a list (mapi.Row).
func TestLongTexts(t *testing.T) {
	eachStore(t, func(w *world) {
		long := strings.Repeat("ä long subject ", 40)
		text := strings.Repeat("日本語 and more\r\n", 20_000)
		w.must(w.inbox().Messages().Add(long, text, "").Update(w.ctx, true, false))
		m := w.message(long)
		if s := get(m.Text(w.ctx))(w); s != text {
			w.Errorf("a text of %d bytes came back with %d", len(text), len(s))
		}
	})
}

// Reference 1.8 Delete, MoveTo, CopyTo.
func TestDeleteMoveCopy(t *testing.T) {
	eachStore(t, func(w *world) {
		bin := get(w.session.GetDefaultFolder(w.ctx, cdo.CdoDefaultFolderDeletedItems))(w)
		drafts := get(w.session.GetFolder(w.ctx, w.special(mapi.RoleDrafts), ""))(w)
		count := func(f *cdo.Folder) int { return get(f.Messages().Count(w.ctx))(w) }
		inBox, inBin, inDrafts := count(w.inbox()), count(bin), count(drafts)

		w.must(w.message("Signed").Delete(w.ctx, true))
		if count(w.inbox()) != inBox-1 || count(bin) != inBin+1 {
			w.Error("Delete(True) doesn't move to Deleted Items")
		}
		w.must(get(bin.Messages().GetFirst(w.ctx, ""))(w).Delete(w.ctx, true))
		if count(bin) != inBin {
			w.Error("Delete(True) in Deleted Items leaves it there")
		}

		m := w.message("RE: Figures for March")
		w.must(m.Delete(w.ctx, false))
		if count(w.inbox()) != inBox-2 || count(bin) != inBin {
			w.Error("Delete doesn't delete")
		}
		want(w.T, "Update of what was deleted", m.Update(w.ctx, true, false), cdo.CdoE_INVALID_OBJECT)
		want(w.T, "Delete of what was deleted", m.Delete(w.ctx, false), cdo.CdoE_INVALID_OBJECT)

		m = w.message("Notes on the engine")
		m.SetImportance(cdo.CdoHigh)
		c := get(m.CopyTo(w.ctx, drafts.ID(), ""))(w)
		if count(drafts) != inDrafts {
			w.Error("the copy is there before its Update")
		}
		w.must(c.Update(w.ctx, true, false))
		c = get(w.session.GetMessage(w.ctx, c.ID(), ""))(w)
		if get(c.Subject(w.ctx))(w) != "Notes on the engine" || get(c.Importance(w.ctx))(w) != cdo.CdoHigh || c.FolderID() != drafts.ID() {
			w.Error("the copy isn't one")
		}
		if n := get(get(c.Recipients(w.ctx))(w).Count(w.ctx))(w); n != 1 {
			w.Errorf("the copy has %d recipients", n)
		}

		moved := get(m.MoveTo(w.ctx, drafts.ID(), ""))(w)
		if count(drafts) != inDrafts+2 || count(w.inbox()) != inBox-3 || moved.FolderID() != drafts.ID() {
			w.Error("MoveTo doesn't move")
		}
		if s := get(moved.Text(w.ctx))(w); !strings.HasPrefix(s, "Dear Björn") {
			w.Errorf("the moved message has the text %q", s)
		}
		_, err := m.MoveTo(w.ctx, drafts.ID(), "")
		want(w.T, "MoveTo of what was moved", err, cdo.CdoE_INVALID_OBJECT)
		_, err = moved.MoveTo(w.ctx, "ABCDEF", "")
		wantUnknownID(w.T, "MoveTo nowhere", err)
	})
}

// Reference 1.8 Sender: settable until the message is saved; a message without one has none to give.
func TestSender(t *testing.T) {
	w := newWorld(t)
	draft := get(get(w.session.GetFolder(w.ctx, w.special(mapi.RoleDrafts), ""))(w).Messages().GetFirst(w.ctx, ""))(w)
	_, err := draft.Sender(w.ctx)
	want(t, "Sender of a draft", err, cdo.CdoE_NOT_FOUND)

	ada := get(w.message("Notes on the engine").Sender(w.ctx))(w)
	m := w.inbox().Messages().Add("in her name", "", "")
	w.must(m.SetSender(w.ctx, ada))
	w.must(m.Update(w.ctx, true, false))
	w.must(m.SetSender(w.ctx, get(w.message("Follow up").Sender(w.ctx))(w)))
	if n := get(get(m.Sender(w.ctx))(w).Name(w.ctx))(w); n != "Ada Lovelace" {
		t.Errorf("Sender is %q", n)
	}
	if v := w.field(m.Fields(), cdo.CdoPR_SENDER_EMAIL_ADDRESS); v != "ada@example.com" {
		t.Errorf("PR_SENDER_EMAIL_ADDRESS is %v", v)
	}
}

// A store that refuses changes says so with CDO's code.
func TestReadOnlyStore(t *testing.T) {
	w := newWorld(t)
	w.store.(interface{ SetReadOnly(bool) }).SetReadOnly(true)
	m := w.message("Notes on the engine")
	m.SetSubject("x")
	want(t, "Update", m.Update(w.ctx, true, false), cdo.CdoE_NO_SUPPORT)
	want(t, "Delete", m.Delete(w.ctx, false), cdo.CdoE_NO_SUPPORT)
	err := w.inbox().Messages().Add("x", "", "").Update(w.ctx, true, false)
	if want(t, "Add", err, cdo.CdoE_NO_SUPPORT); !errors.Is(err, mapi.ErrNoSupport) {
		t.Error("it isn't mapi.ErrNoSupport")
	}
}
