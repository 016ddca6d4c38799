package exchangetest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

var one = []exchangetest.User{{Alias: "alice", Name: "Alice"}}

func open(t *testing.T, srv *exchangetest.Server) *exchange.Store {
	t.Helper()
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, "alice"), UserDN: srv.UserDN(t, "alice"), HTTP: srv.Client(), Authorize: srv.Authorize("alice")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// TestSeed finds what was put into the mailbox before the server started.
func TestSeed(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: one, Seed: map[string]func(context.Context, mapi.Store) error{
		"alice": func(ctx context.Context, box mapi.Store) error {
			id, err := box.Special(ctx, mapi.RoleInbox)
			if err != nil {
				return err
			}
			dir, err := box.Folder(ctx, id)
			if err != nil {
				return err
			}
			_, err = mapi.WriteItem(ctx, dir, mapi.Normal, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "seeded"}}})
			return err
		},
	}})
	st := open(t, srv)
	id, err := st.Special(t.Context(), mapi.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := st.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r, err := range dir.Rows(t.Context(), mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
		if err != nil || r.Values[0] != "seeded" {
			t.Fatal(r, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d items", n)
	}
}

// TestLostSession loses the session under an open store, which connects again.
func TestLostSession(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: one})
	st := open(t, srv)
	srv.Faults.LoseSessions(1)
	if _, err := st.Props(t.Context()); err != nil {
		t.Errorf("after a lost session: %v", err)
	}
}

// ping asks the endpoint whether it is there.
func ping(t *testing.T, srv *exchangetest.Server) error {
	t.Helper()
	c, err := mapihttp.NewClient(mapihttp.Config{URL: srv.MailboxURL(t, "alice"), HTTP: srv.Client(), Authorize: srv.Authorize("alice")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), mapihttp.PING, nil)
	return err
}

func TestFaults(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: one})
	srv.Faults.Busy(1)
	var status *mapihttp.HTTPError
	if err := ping(t, srv); !errors.As(err, &status) || status.Status != http.StatusServiceUnavailable || status.RetryAfter != time.Second {
		t.Errorf("busy: %v", err)
	}
	srv.Faults.HangUp(10)
	var network *mapihttp.NetworkError
	if err := ping(t, srv); !errors.As(err, &network) {
		t.Errorf("hung up: %v", err)
	}
	srv.Faults.HangUp(0)
	if err := ping(t, srv); err != nil {
		t.Errorf("after all faults: %v", err)
	}
	release := srv.Faults.Hold()
	done := make(chan error)
	go func() { done <- ping(t, srv) }()
	select {
	case err := <-done:
		t.Errorf("answered while held: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	release()
	if err := <-done; err != nil {
		t.Errorf("after the hold: %v", err)
	}
	if !strings.HasPrefix(srv.URL, "https://127.0.0.1:") {
		t.Errorf("URL %s", srv.URL)
	}
}
