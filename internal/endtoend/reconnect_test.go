package endtoend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// eachTransport runs a test over MAPI over HTTP and RPC over HTTP, with operations that are tried again soon.
func eachTransport(t *testing.T, server *plainServer, auth *httpauth.Config, test func(t *testing.T, cfg exchange.Config)) {
	for name, cfg := range map[string]exchange.Config{"mapihttp": server.overMAPIHTTP("alice", auth), "rpchttp": server.overRPC("alice", rpcLimits{auth: auth})} {
		cfg.Retries, cfg.Backoff = 5, time.Millisecond
		t.Run(name, func(t *testing.T) { test(t, cfg) })
	}
}

// TestOperationsGoOn does what people do at a terminal, and each time a connection is cut before another part of what goes over
// it: lists are whole, items are the right ones, and what changes something happens once or gives an error.
func TestOperationsGoOn(t *testing.T) {
	t.Parallel()
	limit(t, 5*time.Minute, "an operation")
	const items = 800
	subject := func(i int) string {
		return fmt.Sprintf("message %03d ", i) + strings.Repeat("of a list that takes several answers ", 6)
	}
	srv := exchangetest.New(t, exchangetest.Options{Seed: map[string]seed{"alice": func(_ context.Context, box mapi.Store) error {
		for i := range items {
			write(t, folder(t, box, mapi.RoleInbox), mapi.Normal, mail(subject(i)))
		}
		return nil
	}}})
	server := behindRelay(t, srv, nil, nil)
	step := int64(1)
	if testing.Short() {
		step = 5
	}
	eachTransport(t, server, nil, func(t *testing.T, cfg exchange.Config) {
		st, err := exchange.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		for at := int64(1); ; at += step {
			var reached atomic.Bool
			server.relay.set(func(n int64) action {
				if n == at {
					reached.Store(true)
					return cut
				}
				return pass
			})
			inbox := folder(t, st, mapi.RoleInbox)
			var ids []mapi.EntryID
			for row, err := range inbox.Rows(t.Context(), mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
				if err != nil {
					t.Fatalf("cut before part %d: %v", at, err)
				}
				if row.Values[0] != subject(len(ids)) {
					t.Fatalf("cut before part %d: item %d is %v", at, len(ids), row.Values[0])
				}
				ids = append(ids, row.ID)
			}
			if len(ids) != items {
				t.Fatalf("cut before part %d: %d items listed", at, len(ids))
			}
			if _, err := st.Props(t.Context()); err != nil {
				t.Fatalf("cut before part %d: properties of the mailbox: %v", at, err)
			}
			book, _ := mapi.As[mapi.AddressBook](mapi.Store(st))
			if found, err := book.Resolve(t.Context(), "alice", nil); err != nil || len(found) != 1 {
				t.Fatalf("cut before part %d: address book: %v, %v", at, found, err)
			}
			name := fmt.Sprint("folder ", at)
			_, made := inbox.CreateFolder(t.Context(), name, nil)
			server.relay.set(nil)
			if made != nil {
				typed(t, "create folder", made)
			}
			var there []mapi.EntryID
			for f, err := range inbox.Folders(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if f.Name == name {
					there = append(there, f.ID)
				}
			}
			if len(there) > 1 || made == nil && len(there) == 0 {
				t.Fatalf("cut before part %d: %d folders made, %v", at, len(there), made)
			}
			for _, id := range there {
				if err := inbox.DeleteFolder(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			if !reached.Load() {
				t.Logf("%d parts", at)
				return
			}
		}
	})
}

// burst answers some requests otherwise than the server.
type burst struct {
	left   atomic.Int64
	status int
	header http.Header
	given  atomic.Int64
}

func (b *burst) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.left.Add(-1) < 0 {
			next.ServeHTTP(w, r)
			return
		}
		b.given.Add(1)
		for k, v := range b.header {
			w.Header()[k] = v
		}
		w.Header().Set("Connection", "close")
		http.Error(w, http.StatusText(b.status), b.status)
	})
}

// TestServerAsksToWait has the server say 503 and when to come back: nobody comes before, and then what was asked for is done.
func TestServerAsksToWait(t *testing.T) {
	t.Parallel()
	limit(t, 2*time.Minute, "an operation")
	srv := exchangetest.New(t, exchangetest.Options{})
	b := &burst{status: http.StatusServiceUnavailable, header: http.Header{"Retry-After": {"1"}}}
	server := behindRelay(t, srv, nil, b.wrap)
	eachTransport(t, server, nil, func(t *testing.T, cfg exchange.Config) {
		st, err := exchange.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		for _, again := range []struct {
			name string
			ask  func() error
		}{
			{"an operation", func() error { _, err := st.Props(t.Context()); return err }},
			{"a logon", func() error {
				other, err := exchange.Open(t.Context(), cfg)
				if err == nil {
					other.Close()
				}
				return err
			}},
		} {
			server.relay.cutAll() // so that a channel has to be opened, too
			b.left.Store(1)
			begun := time.Now()
			if err := again.ask(); err != nil {
				t.Errorf("%s: %v", again.name, err)
			}
			if took := time.Since(begun); took < 900*time.Millisecond || b.left.Swap(0) > 0 {
				t.Errorf("%s: the server wanted a second and got %v", again.name, took)
			}
		}
		// Asked for more than anybody waits, people are told.
		b.header.Set("Retry-After", "3600")
		server.relay.cutAll()
		b.left.Store(1000)
		if _, err := st.Props(t.Context()); !errors.Is(err, mapi.ErrServerBusy) {
			t.Errorf("busy for an hour: %v", err)
		}
		b.left.Store(0)
		b.header.Set("Retry-After", "1")
	})
}

// TestRefusedInSession has the server refuse the password in the middle of a session: it isn't tried again and again, which
// would lock the user out, and the error says what is wrong.
func TestRefusedInSession(t *testing.T) {
	t.Parallel()
	limit(t, 2*time.Minute, "an operation")
	srv := exchangetest.New(t, exchangetest.Options{})
	b := &burst{status: http.StatusUnauthorized, header: http.Header{"Www-Authenticate": {`Basic realm="Exchange"`}}}
	server := behindRelay(t, srv, nil, b.wrap)
	auth := &httpauth.Config{User: "alice", Password: exchangetest.Password, Schemes: []httpauth.Scheme{httpauth.Basic}, PlainLoopback: true}
	eachTransport(t, server, auth, func(t *testing.T, cfg exchange.Config) {
		st, err := exchange.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		server.relay.cutAll()
		b.given.Store(0)
		b.left.Store(1000)
		_, err = st.Props(t.Context())
		b.left.Store(0)
		if !errors.Is(err, mapi.ErrLogonFailed) || b.given.Load() > 4 { // two channels, and the end of the session
			t.Errorf("refused %d times: %v", b.given.Load(), err)
		}
		if _, err := st.Props(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// expiring are access tokens that end now and then, on the server's and on the client's side.
type expiring struct {
	mu      sync.Mutex
	good    string // what the server takes
	have    string // what the client has
	renewed int
}

func (e *expiring) verify(_ context.Context, token string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if token != e.good {
		return "", exchangeserver.ErrToken
	}
	return "alice", nil
}

func (e *expiring) expire() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.good += "+"
}

// Token implements httpauth.TokenSource.
func (e *expiring) Token(_ context.Context, refused string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if refused != "" && refused == e.have {
		e.have = e.good
		e.renewed++
	}
	return e.have, nil
}

// TestTokensExpire backs a mailbox up while its access token expires again and again, and connections are cut so that a new one
// has to be shown.
func TestTokensExpire(t *testing.T) {
	t.Parallel()
	limit(t, 5*time.Minute, "a backup")
	content, n := smallMailbox(t)
	srv := exchangetest.New(t, exchangetest.Options{Seed: map[string]seed{"alice": copyOf(content)}})
	tokens := &expiring{good: "token", have: "token"}
	server := behindRelay(t, srv, func(c *exchangeserver.Config) { c.Auth.Token = tokens.verify }, nil)
	auth := &httpauth.Config{Tokens: tokens, Schemes: []httpauth.Scheme{httpauth.Bearer}, PlainLoopback: true}
	eachTransport(t, server, auth, func(t *testing.T, cfg exchange.Config) {
		tokens.renewed = 0
		st, err := exchange.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		server.relay.set(func(n int64) action {
			switch n % 300 {
			case 149:
				return cut
			case 299:
				tokens.expire()
				return cut
			}
			return pass
		})
		repo := newRepo(t)
		r, err := backup.Run(t.Context(), st, repo, backup.Options{Mailbox: "mailbox", Backoff: time.Millisecond})
		server.relay.set(nil)
		if err != nil || len(r.Problems) > 0 || r.Copied != n || tokens.renewed == 0 {
			t.Errorf("%d of %d items, %d new tokens, problems %v, %v", r.Copied, n, tokens.renewed, r.Problems, err)
		}
		same(t, content, openSnapshot(t, repo, "latest"))
	})
}
