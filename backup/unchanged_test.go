package backup

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
)

// counted counts requests and the bytes of answers.
type counted struct {
	http.RoundTripper
	requests, bytes atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	resp, err := c.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = &countedBody{resp.Body, c}
	}
	return resp, err
}

type countedBody struct {
	io.ReadCloser
	c *counted
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.bytes.Add(int64(n))
	return n, err
}

// TestTablesCostLittle: permissions, rules and recoverable items are asked for in a few round trips, and what is made of changes is
// the tree that a full backup makes.
func TestTablesCostLittle(t *testing.T) {
	ctx := t.Context()
	srv := exchangetest.New(t, exchangetest.Options{})
	meter := &counted{RoundTripper: srv.Client().Transport}
	client := *srv.Client()
	client.Transport = meter
	open := func() mapi.Store {
		st, err := exchange.Open(ctx, exchange.Config{MailboxURL: srv.MailboxURL(t, "alice"), UserDN: srv.UserDN(t, "alice"), HTTP: &client, Authorize: srv.Authorize("alice")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		return st
	}
	box := open()
	inbox := folder(t, box, mapi.RoleInbox)
	var ids []mapi.EntryID
	for range 12 {
		ids = append(ids, letter(t, inbox, "a letter", "Anna", "anna@contoso.test", time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC), "IPM.Note", "figures.xlsx"))
	}
	repo := newRepo(t)
	save := func(repo *Repository, full bool) *Report {
		t.Helper()
		meter.requests.Store(0)
		meter.bytes.Store(0)
		r, err := Run(ctx, open(), repo, Options{Mailbox: mailbox, Full: full})
		if err != nil || len(r.Problems) > 0 {
			t.Fatalf("%+v, %v", r, err)
		}
		return r
	}
	save(repo, false)
	for _, step := range []struct {
		what   string
		change func() error
	}{
		{"nothing changed", func() error { return nil }},
		{"some deleted", func() error { return inbox.Delete(ctx, ids[:4], false) }},
		{"nothing more", func() error { return nil }},
		{"more deleted, one for good", func() error {
			if err := inbox.Delete(ctx, ids[4:6], false); err != nil {
				return err
			}
			return inbox.Delete(ctx, ids[6:7], true)
		}},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		r := save(repo, false)
		requests, bytes := meter.requests.Load(), meter.bytes.Load()
		t.Logf("%s: %d requests, %d bytes", step.what, requests, bytes)
		if requests > 25 || step.what == "nothing changed" && (requests > 15 || bytes > 20_000) {
			t.Errorf("%s: %d requests, %d bytes", step.what, requests, bytes)
		}
		whole := save(newRepo(t), true)
		if r.Snapshot.Tree != whole.Snapshot.Tree || r.Files != whole.Files || r.FileBytes != whole.FileBytes {
			t.Errorf("%s: tree %s of %d files, of a full backup %s of %d", step.what, r.Snapshot.Tree, r.Files, whole.Snapshot.Tree, whole.Files)
		}
	}
}
