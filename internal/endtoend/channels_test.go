package endtoend

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// fewItems is a mailbox whose backup takes few requests, some of them longer than a PDU.
func fewItems(t *testing.T) (content mapi.Store, n int) {
	t.Helper()
	content = newLocal()
	inbox := folder(t, content, mapi.RoleInbox)
	for i := range 4 {
		it := mail(fmt.Sprint("message ", i))
		it.Props = append(it.Props, prop(pid.TagSearchKey, random(fmt.Sprint("key ", i), 16)), prop(pid.TagBody, strings.Repeat(fmt.Sprint(i), 4000)))
		write(t, inbox, mapi.Normal, it)
		n++
	}
	write(t, inbox, mapi.Associated, mail("settings"))
	return content, n + 1
}

// limit ends a test that hangs with more than a word.
func limit(t *testing.T, d time.Duration, what string) {
	t.Helper()
	stop := time.AfterFunc(d, func() { panic(what + " hangs") })
	t.Cleanup(func() { stop.Stop() })
}

// typed reports an error that doesn't say what was wrong.
func typed(t *testing.T, what string, err error) {
	t.Helper()
	switch mapi.CodeOf(err) {
	case mapi.ErrNetwork, mapi.ErrTimeout, mapi.ErrServerBusy:
	default:
		t.Errorf("%s: the error doesn't say what was wrong: %v", what, err)
	}
}

// TestEachPDULost backs a mailbox up, and restores it, over RPC over HTTP, again and again, and each time the network fails
// before another PDU: a connection is cut, or nothing comes through any more. All that is copied has to be there, once.
func TestEachPDULost(t *testing.T) {
	t.Parallel()
	content, n := fewItems(t)
	srv := exchangetest.New(t, exchangetest.Options{Seed: map[string]seed{"alice": copyOf(content)}})
	server := behindRelay(t, srv, nil, nil)
	ready := newRepo(t)
	backUp(t, content, ready)
	snap := openSnapshot(t, ready, "latest")
	open := func(t *testing.T, alias string, timeout time.Duration, what string) mapi.Store {
		cfg := server.overRPC(alias, rpcLimits{timeout: timeout})
		cfg.Sessions = 1
		st, err := exchange.Open(t.Context(), cfg)
		if err != nil { // only once
			typed(t, what+": log on", err)
			st, err = exchange.Open(t.Context(), cfg)
		}
		if err != nil {
			t.Fatalf("%s: log on: %v", what, err)
		}
		return st
	}
	backs := func(t *testing.T, timeout time.Duration, what string) {
		alice, repo := open(t, "alice", timeout, what), newRepo(t)
		defer alice.Close()
		r, err := backup.Run(t.Context(), alice, repo, backup.Options{Mailbox: "mailbox", Backoff: time.Microsecond})
		if err != nil || len(r.Problems) > 0 || r.Copied != n {
			t.Fatalf("%s: %d of %d items backed up, problems %v, %v", what, r.Copied, n, r.Problems, err)
		}
		got, err := repo.OpenSnapshot(t.Context(), "latest")
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		sameInbox(t, content, got, n, what)
	}
	restores := func(t *testing.T, timeout time.Duration, what string) {
		bob := open(t, "bob", timeout, what)
		defer bob.Close()
		r, err := backup.Restore(t.Context(), snap, "Inbox", bob, backup.RestoreOptions{Backoff: time.Microsecond, NoProof: true})
		server.relay.set(nil)
		if err != nil || len(r.Problems) > 0 {
			t.Fatalf("%s: %d of %d items restored, problems %v, %v", what, r.Copied, n, r.Problems, err)
		}
		sameInbox(t, content, bob, n, what)
		clear(t, folder(t, bob, mapi.RoleInbox))
	}
	for _, c := range []struct {
		name        string
		do          func(t *testing.T, timeout time.Duration, what string)
		fault       action
		step, short int64 // not each PDU, unless OPENCDO_CUTS is set
		timeout     time.Duration
	}{
		{"backup, a connection is cut", backs, cut, 7, 41, 0},
		{"backup, a connection stalls", backs, stall, 37, 97, 700 * time.Millisecond},
		{"restore, a connection is cut", restores, cut, 1, 7, 0},
		{"restore, a connection stalls", restores, stall, 17, 31, 700 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch {
			case os.Getenv("OPENCDO_CUTS") != "":
				c.step = 1
			case testing.Short():
				c.step = c.short
			}
			for at := int64(1); ; at += c.step {
				what := fmt.Sprintf("before PDU %d", at)
				hangs := time.AfterFunc(time.Minute, func() { panic(t.Name() + " " + what + " hangs") })
				var reached atomic.Bool
				server.relay.set(func(n int64) action {
					if n == at {
						reached.Store(true)
						return c.fault
					}
					return pass
				})
				c.do(t, c.timeout, what)
				hangs.Stop()
				server.relay.set(nil)
				if !reached.Load() {
					t.Logf("%d PDUs", at)
					break
				}
			}
		})
	}
}

func sameInbox(t *testing.T, a, b mapi.Store, n int, what string) {
	t.Helper()
	c, err := compare.Stores(t.Context(), a, b, compare.Options{A: folder(t, a, mapi.RoleInbox).ID(), B: folder(t, b, mapi.RoleInbox).ID()})
	if err != nil || c.Items != n || c.Count > 0 {
		t.Fatalf("%s: %d items compared, differences %+v, %v", what, c.Items, c.Differences, err)
	}
}

// TestTinyChannels recycles channels all the time, and cuts a connection now and then, also the one that is just taking over.
func TestTinyChannels(t *testing.T) {
	t.Parallel()
	limit(t, 5*time.Minute, "a copy over tiny channels")
	content, n := smallMailbox(t)
	srv := exchangetest.New(t, exchangetest.Options{Users: many(3), Seed: map[string]seed{"alice": copyOf(content)}})
	server := behindRelay(t, srv, func(c *exchangeserver.Config) { c.ChannelLifetime = 128 << 10 }, nil)
	for i, every := range []int64{0, 997, 307} {
		server.relay.set(func(n int64) action {
			if every > 0 && n%every == every-1 {
				return cut
			}
			return pass
		})
		st := func(alias string) mapi.Store {
			for try := 0; ; try++ {
				st, err := exchange.Open(t.Context(), server.overRPC(alias, rpcLimits{lifetime: 128 << 10}))
				if err == nil {
					t.Cleanup(func() { st.Close() })
					return st
				}
				if typed(t, "log on", err); try == 5 {
					t.Fatal(err)
				}
			}
		}
		alice, bob, repo := st("alice"), st(fmt.Sprint("user", i)), newRepo(t)
		opt := backup.Options{Mailbox: "mailbox", Backoff: time.Microsecond, Retries: 20}
		if r, err := backup.Run(t.Context(), alice, repo, opt); err != nil || len(r.Problems) > 0 {
			t.Fatalf("cut each %d parts: %v, %v", every, r.Problems, err)
		}
		r, err := backup.Restore(t.Context(), openSnapshot(t, repo, "latest"), "", bob, backup.RestoreOptions{Backoff: time.Microsecond, Retries: 20})
		if err != nil || len(r.Problems) > 0 || r.DifferenceCount > 0 {
			t.Fatalf("cut each %d parts: problems %v, differences %+v, %v", every, r.Problems, r.Differences, err)
		}
		server.relay.set(nil)
		if got := same(t, content, bob); got != n {
			t.Errorf("cut each %d parts: %d items are the same, want %d", every, got, n)
		}
	}
}

// TestServerRestarts restarts the server in the middle of a backup and of a restore, over each transport.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	limit(t, 5*time.Minute, "a copy whose server restarts")
	content, n := smallMailbox(t)
	srv := exchangetest.New(t, exchangetest.Options{Users: many(2), Seed: map[string]seed{"alice": copyOf(content)}})
	server := behindRelay(t, srv, nil, nil)
	for i, cfg := range []func(string) exchange.Config{func(alias string) exchange.Config { return server.overMAPIHTTP(alias, nil) }, func(alias string) exchange.Config { return server.overRPC(alias, rpcLimits{}) }} {
		open := func(alias string) mapi.Store {
			st, err := exchange.Open(t.Context(), cfg(alias))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			return st
		}
		var restarts atomic.Int64
		restartAt := func(parts ...int64) {
			server.relay.set(func(n int64) action {
				for j, at := range parts {
					if n >= at {
						parts = append(parts[:j:j], parts[j+1:]...)
						restarts.Add(1)
						server.restart()
						return cut
					}
				}
				return pass
			})
		}
		alice, bob, repo := open("alice"), open(fmt.Sprint("user", i)), newRepo(t)
		restartAt(20, 60, 120)
		if r, err := backup.Run(t.Context(), alice, repo, backup.Options{Mailbox: "mailbox", Backoff: 50 * time.Millisecond}); err != nil || len(r.Problems) > 0 {
			t.Fatalf("backup: problems %v, %v", r.Problems, err)
		}
		restartAt(20, 60, 120, 200)
		r, err := backup.Restore(t.Context(), openSnapshot(t, repo, "latest"), "", bob, backup.RestoreOptions{Backoff: 50 * time.Millisecond})
		if err != nil || len(r.Problems) > 0 || r.DifferenceCount > 0 {
			t.Fatalf("restore: problems %v, differences %+v, %v", r.Problems, r.Differences, err)
		}
		server.relay.set(nil)
		if got := same(t, content, bob); got != n {
			t.Errorf("%d items are the same, want %d", got, n)
		}
		if restarts.Load() < 5 {
			t.Errorf("only %d restarts", restarts.Load())
		}
	}
}
