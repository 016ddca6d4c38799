package cdo_test

import (
	"strings"
	"testing"

	"github.com/opencdo/opencdo/cdo"
)

// Reference 1.8 Reply, ReplyAll, Forward.
func TestAnswers(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("RE: Figures for March")
		to := func(m *cdo.Message) string {
			var names []string
			for r, err := range get(m.Recipients(w.ctx))(w).All(w.ctx) {
				w.must(err)
				names = append(names, get(r.Name(w.ctx))(w)+" "+get(r.Address(w.ctx))(w))
			}
			return strings.Join(names, "; ")
		}
		const sender = "Björn Ångström SMTP:bjorn@example.com"
		const others = "Ada Lovelace SMTP:ada@example.com; 千代子 SMTP:chiyoko@example.jp; Björn Ångström SMTP:bjorn@example.com"
		for what, c := range map[string]struct {
			m           *cdo.Message
			subject, to string
			files       int
		}{
			"Reply":    {get(m.Reply(w.ctx))(w), "RE: Figures for March", sender, 0},
			"ReplyAll": {get(m.ReplyAll(w.ctx))(w), "RE: Figures for March", sender + "; " + others, 0},
			"Forward":  {get(m.Forward(w.ctx))(w), "FW: Figures for March", "", 4},
		} {
			if c.m.ID() != "" {
				w.Errorf("%s is saved already", what)
			}
			w.must(c.m.Update(w.ctx, true, false))
			a := get(w.session.GetMessage(w.ctx, c.m.ID(), ""))(w)
			if s := get(a.Subject(w.ctx))(w); s != c.subject {
				w.Errorf("%s: subject %q", what, s)
			}
			if s := get(a.Text(w.ctx))(w); s != "" {
				w.Errorf("%s: text %q", what, s)
			}
			if s := to(a); s != c.to {
				w.Errorf("%s: to %q", what, s)
			}
			if ok := get(get(a.Recipients(w.ctx))(w).Resolved(w.ctx))(w); !ok {
				w.Errorf("%s: the recipients aren't resolved", what)
			}
			files := get(a.Attachments(w.ctx))(w)
			if n := get(files.Count(w.ctx))(w); n != c.files {
				w.Errorf("%s: %d attachments", what, n)
			}
			if c.files > 1 {
				if b := w.data(get(files.Item(w.ctx, 2))(w)); len(b) != 90_009 {
					w.Errorf("%s: a file of %d bytes", what, len(b))
				}
			}
			if get(a.Sent(w.ctx))(w) || a.FolderID() != get(w.session.Outbox(w.ctx))(w).ID() {
				w.Errorf("%s isn't a draft in the Outbox", what)
			}
		}
		flagged := get(w.message("Follow up").Forward(w.ctx))(w)
		if c, i := get(flagged.Categories(w.ctx))(w), get(flagged.Importance(w.ctx))(w); len(c) != 3 || i != cdo.CdoHigh {
			w.Errorf("the forwarded message has the categories %q and importance %d", c, i)
		}
		_, err := w.message("").Reply(w.ctx)
		want(w.T, "a reply to nobody", err, cdo.CdoE_NOT_FOUND)
	})
}

// A copy doesn't depend on what it was made of.
func TestCopyOutlivesItsSource(t *testing.T) {
	eachStore(t, func(w *world) {
		m := w.message("RE: Figures for March")
		c := get(m.CopyTo(w.ctx, w.inbox().ID(), ""))(w)
		f := get(m.Forward(w.ctx))(w)
		w.must(m.Delete(w.ctx, false))
		for _, m := range []*cdo.Message{c, f} {
			w.must(m.Update(w.ctx, true, false))
			a := get(get(get(w.session.GetMessage(w.ctx, m.ID(), ""))(w).Attachments(w.ctx))(w).Item(w.ctx, 2))(w)
			if n := len(w.data(a)); n != 90_009 {
				w.Errorf("a file of %d bytes", n)
			}
		}
	})
}
