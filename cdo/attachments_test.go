package cdo_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// data reads an attachment.
func (w *world) data(a *cdo.Attachment) []byte {
	w.Helper()
	r := get(a.Open(w.ctx))(w)
	defer r.Close()
	b, err := io.ReadAll(r)
	w.must(err)
	return b
}

// Reference 1.13: attachments that somebody else wrote.
func TestAttachments(t *testing.T) {
	eachStore(t, func(w *world) {
		c := get(w.message("RE: Figures for March").Attachments(w.ctx))(w)
		for i, x := range []struct {
			name string
			size int
		}{{"chart.png", 3008}, {"Bericht für März — 数字.pdf", 90_009}, {"empty.txt", 0}, {"no extension", 1}} {
			a := get(c.Item(w.ctx, i+1))(w)
			if n, kind := get(a.Name(w.ctx))(w), get(a.Type(w.ctx))(w); n != x.name || kind != cdo.CdoFileData || a.Index() != i+1 {
				w.Errorf("attachment %d is %q of type %d", i+1, n, kind)
			}
			if n := len(w.data(a)); n != x.size {
				w.Errorf("%s has %d bytes, want %d", x.name, n, x.size)
			}
			if p := get(a.Position(w.ctx))(w); p != -1 {
				w.Errorf("Position is %d", p)
			}
			path := filepath.Join(w.TempDir(), "out")
			w.must(os.WriteFile(path, bytes.Repeat([]byte("old"), 100_000), 0o600)) // WriteToFile overwrites
			w.must(a.WriteToFile(w.ctx, path))
			if b, _ := os.ReadFile(path); !bytes.Equal(b, w.data(a)) {
				w.Errorf("WriteToFile wrote %d bytes", len(b))
			}
		}
		if v := w.field(get(c.Item(w.ctx, 1))(w).Fields(), cdo.CdoPR_ATTACH_MIME_TAG); v != "image/png" {
			w.Errorf("PR_ATTACH_MIME_TAG is %v", v)
		}
		if a := get(c.Item(w.ctx, 5))(w); a != nil {
			w.Error("Item(5) is there")
		}

		ole := get(get(w.message("With a drawing").Attachments(w.ctx))(w).Item(w.ctx, 1))(w)
		if kind := get(ole.Type(w.ctx))(w); kind != cdo.CdoOle || !bytes.HasPrefix(w.data(ole), []byte("\xD0\xCF\x11\xE0")) {
			w.Errorf("the drawing is of type %d", kind)
		}
		inner := get(get(w.message("Undeliverable: To nobody").Attachments(w.ctx))(w).Item(w.ctx, 1))(w)
		if kind := get(inner.Type(w.ctx))(w); kind != cdo.CdoEmbeddedMessage {
			w.Errorf("the message is of type %d", kind)
		}
		want(w.T, "WriteToFile of a message", inner.WriteToFile(w.ctx, "x"), cdo.CdoE_NO_SUPPORT)
		want(w.T, "ReadFromFile of a message", inner.ReadFromFile(w.ctx, "x"), cdo.CdoE_NO_SUPPORT)
		m := get(inner.Message(w.ctx))(w)
		if s := get(m.Subject(w.ctx))(w); s != "Notes on the engine" || get(get(m.Recipients(w.ctx))(w).Count(w.ctx))(w) != 1 {
			w.Errorf("the message within is %q", s)
		}
	})
}

// Reference 1.13, table of types: what Add does with each, and that content survives other changes of the message.
func TestAttachmentsWritten(t *testing.T) {
	eachStore(t, func(w *world) {
		dir := w.TempDir()
		small, large := filepath.Join(dir, "small.txt"), filepath.Join(dir, "large.bin")
		content := bytes.Repeat([]byte("0123456789"), 50_000)
		w.must(os.WriteFile(small, []byte("small"), 0o600))
		w.must(os.WriteFile(large, content, 0o600))
		m := w.inbox().Messages().Add("with files", "see ", "")
		c := get(m.Attachments(w.ctx))(w)
		get(c.Add(w.ctx, "", 0, cdo.CdoFileData, small))(w)
		get(c.Add(w.ctx, "Großes.bin", 4, cdo.CdoFileData, large))(w)
		get(c.Add(w.ctx, "", -1, cdo.CdoFileLink, `\\server\share\far.doc`))(w)
		get(c.Add(w.ctx, "", 0, cdo.CdoEmbeddedMessage, w.message("Notes on the engine").ID()))(w)
		get(c.Add(w.ctx, "", 0, cdo.CdoOle, large))(w)
		w.must(os.Remove(small)) // the content was read by Add
		w.must(os.Remove(large))
		w.must(m.Update(w.ctx, true, false))

		stored := func() *cdo.Attachments {
			return get(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w).Attachments(w.ctx))(w)
		}
		check := func(c *cdo.Attachments) {
			w.Helper()
			for i, x := range []struct {
				kind     cdo.AttachmentType
				name     string
				position int32
				data     []byte
			}{{1, "small.txt", 0, []byte("small")}, {1, "Großes.bin", 4, content}, {2, "far.doc", -1, nil}, {4, "", 0, nil}, {3, "", 0, content}} {
				a := get(c.Item(w.ctx, i+1))(w)
				if kind, n, p := get(a.Type(w.ctx))(w), get(a.Name(w.ctx))(w), get(a.Position(w.ctx))(w); kind != x.kind || n != x.name || p != x.position {
					w.Errorf("attachment %d is %d, %q, %d", i+1, kind, n, p)
				}
				if x.data == nil {
					_, err := a.Open(w.ctx)
					want(w.T, "the data of a link or message", err, cdo.CdoE_NO_SUPPORT)
				} else if got := w.data(a); !bytes.Equal(got, x.data) {
					w.Errorf("attachment %d has %d bytes, want %d", i+1, len(got), len(x.data))
				}
			}
			link := get(c.Item(w.ctx, 3))(w)
			if s := get(link.Source(w.ctx))(w); s != `\\server\share\far.doc` {
				w.Errorf("Source is %q", s)
			}
			within := get(get(c.Item(w.ctx, 4))(w).Message(w.ctx))(w)
			if s := get(within.Text(w.ctx))(w); len(s) < 20 {
				w.Errorf("the message within has the text %q", s)
			}
		}
		check(stored())
		check(c)
		// A property alone is written in place, and the attachments stay.
		m.SetSubject("in place")
		w.must(m.SetUnread(w.ctx, true))
		w.must(m.Update(w.ctx, true, false))
		check(c)
		// An attachment more writes the item anew, with the large ones from the store itself.
		extra := get(c.Add(w.ctx, "extra", 0, cdo.CdoFileData, ""))(w)
		w.must(extra.SetData(w.ctx, bytes.NewReader([]byte("extra"))))
		w.must(m.SetUnread(w.ctx, false)) // between the change and its Update
		w.must(m.Update(w.ctx, true, false))
		check(stored())
		check(c)
		if b := w.data(get(stored().Item(w.ctx, 6))(w)); string(b) != "extra" {
			w.Errorf("the last attachment holds %q", b)
		}
		w.must(extra.SetData(w.ctx, bytes.NewReader([]byte("replaced"))))
		w.must(m.Update(w.ctx, true, false))
		if b := w.data(get(stored().Item(w.ctx, 6))(w)); string(b) != "replaced" {
			w.Errorf("the last attachment holds %q", b)
		}
		// Deleting shifts the others (reference 1.2); nothing is gone before Update.
		first := get(c.Item(w.ctx, 1))(w)
		first.Delete()
		if n := get(c.Item(w.ctx, 1))(w); get(n.Name(w.ctx))(w) != "Großes.bin" || n.Index() != 1 || first.Index() != 0 {
			w.Error("the others weren't renumbered")
		}
		if n := get(stored().Count(w.ctx))(w); n != 6 {
			w.Errorf("%d attachments are stored before Update", n)
		}
		w.must(m.Update(w.ctx, true, false))
		if b := w.data(get(stored().Item(w.ctx, 1))(w)); !bytes.Equal(b, content) {
			w.Errorf("the first attachment has %d bytes now", len(b))
		}
		w.must(c.Delete(w.ctx))
		w.must(m.Update(w.ctx, true, true))
		if v := w.field(m.Fields(), cdo.CdoPR_HASATTACH); v != false {
			w.Errorf("PR_HASATTACH is %v", v)
		}
	})
}

// A message within another is changed by its own Update and then that of the outer one, at any depth.
func TestEmbeddedMessage(t *testing.T) {
	eachStore(t, func(w *world) {
		id := w.id(mapi.RoleSent, "FW: Three letters")
		m := get(w.session.GetMessage(w.ctx, id, ""))(w)
		within := func(m *cdo.Message, n int) *cdo.Message {
			return get(get(get(m.Attachments(w.ctx))(w).Item(w.ctx, n))(w).Message(w.ctx))(w)
		}
		inner := within(m, 1)
		innermost := within(inner, 5)
		class := get(innermost.Type(w.ctx))(w)
		innermost.SetSubject("changed within")
		inner.SetSubject("changed too")
		w.must(innermost.Update(w.ctx, true, false))
		w.must(inner.Update(w.ctx, true, false))
		stored := func() *cdo.Message { return get(w.session.GetMessage(w.ctx, id, ""))(w) }
		if s := get(within(stored(), 1).Subject(w.ctx))(w); s == "changed too" {
			w.Error("it is stored before the outer Update")
		}
		w.must(m.Update(w.ctx, true, false))
		again := within(stored(), 1)
		if s := get(again.Subject(w.ctx))(w); s != "changed too" {
			w.Errorf("the inner subject is %q", s)
		}
		deep := within(again, 5)
		if s, c := get(deep.Subject(w.ctx))(w), get(deep.Type(w.ctx))(w); s != "changed within" || c != class {
			w.Errorf("the innermost is %q, %q", s, c)
		}
		if b := w.data(get(get(again.Attachments(w.ctx))(w).Item(w.ctx, 2))(w)); len(b) != 90_009 {
			w.Errorf("a file within has %d bytes", len(b))
		}
		if s := get(innermost.Subject(w.ctx))(w); s != "changed within" {
			w.Errorf("the old object says %q", s)
		}
		want(w.T, "deleting a message within", inner.Delete(w.ctx, false), cdo.CdoE_NO_SUPPORT)
	})
}

// Reference 4: a file attachment without data, and a source that cannot be read.
func TestAttachmentErrors(t *testing.T) {
	w := newWorld(t)
	c := get(w.inbox().Messages().Add("x", "", "").Attachments(w.ctx))(w)
	a := get(c.Add(w.ctx, "empty", 0, cdo.CdoFileData, ""))(w)
	want(t, "WriteToFile without data", a.WriteToFile(w.ctx, filepath.Join(t.TempDir(), "x")), cdo.CdoE_NOT_FOUND)
	for what, err := range map[string]error{
		"a file that isn't there":    second(c.Add(w.ctx, "", 0, cdo.CdoFileData, filepath.Join(t.TempDir(), "x"))),
		"a message that isn't there": second(c.Add(w.ctx, "", 0, cdo.CdoEmbeddedMessage, "ABCD")),
	} {
		want(t, what, err, cdo.CdoE_NOT_FOUND)
	}
	_, err := c.Add(w.ctx, "", 0, 9, "")
	want(t, "a type that isn't", err, cdo.CdoE_INVALID_PARAMETER)
	if n := get(c.Count(w.ctx))(w); n != 1 {
		t.Errorf("%d attachments", n)
	}
	w.must(a.SetType(cdo.CdoFileLink))
	w.must(a.SetSource(w.ctx, `\\server\x`))
	want(t, "ReadFromFile of a link", a.ReadFromFile(w.ctx, "x"), cdo.CdoE_NO_SUPPORT)
	if v := w.field(a.Fields(), pid.TagAttachMethod); v != int32(2) {
		t.Errorf("PR_ATTACH_METHOD is %v", v)
	}
}
