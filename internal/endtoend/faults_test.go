package endtoend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// smallMailbox is a mailbox in which items are hard to tell apart: genuine copies, with a search key and without, items that
// differ in nothing but a small thing, and some that take several requests.
func smallMailbox(t *testing.T) (content mapi.Store, n int) {
	content = newLocal()
	put := func(f mapi.Folder, k mapi.Kind, it *mapi.Item) {
		write(t, f, k, it)
		n++
	}
	for _, s := range storetest.SampleItems() {
		put(folder(t, content, s.Role), s.Kind, s.Item)
	}
	inbox := folder(t, content, mapi.RoleInbox)
	year, err := inbox.CreateFolder(t.Context(), "2019/20", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		it := mail(fmt.Sprint("message ", i))
		it.Props = append(it.Props, prop(pid.TagSearchKey, random(fmt.Sprint("key ", i), 16)), prop(pid.TagBody, fmt.Sprint("body ", i)))
		put([]mapi.Folder{inbox, year}[i%2], mapi.Normal, it)
	}
	for range 3 {
		put(inbox, mapi.Normal, mail("no key"))
		it := mail("a copy")
		it.Props = append(it.Props, prop(pid.TagSearchKey, random("copy", 16)))
		put(year, mapi.Normal, it)
	}
	other := mail("a copy")
	other.Props = append(other.Props, prop(pid.TagSearchKey, random("copy", 16)), prop(pid.TagImportance, int32(2)))
	put(year, mapi.Normal, other)
	for i := range 3 {
		it := mail("large")
		it.Props = append(it.Props, prop(pid.TagBody, fmt.Sprint("large ", i/2))) // two are the same
		it.Attachments = []*mapi.Attachment{file(random("large", 200_000))}
		put(year, mapi.Normal, it)
	}
	return content, n
}

// TestRestoreTwice does all that is done once more: nothing changes.
func TestRestoreTwice(t *testing.T) {
	t.Parallel()
	content, n := smallMailbox(t)
	srv := serve(t, content)
	alice, bob, repo := open(t, srv, "alice"), open(t, srv, "bob"), newRepo(t)
	for i, want := range []int{n, 0} {
		if r := backUp(t, alice, repo); r.Copied != want || r.Skipped != n-want || i > 0 && r.Added != 0 {
			t.Errorf("backup %d: %d items copied, %d skipped, %d bytes new", i+1, r.Copied, r.Skipped, r.Added)
		}
	}
	for i, want := range []int{n, 0, 0} {
		if r := restore(t, repo, bob); r.Copied != want || r.Skipped != n-want || r.Compared != n {
			t.Errorf("restore %d: %d copied, %d skipped, %d compared; want %d of %d", i+1, r.Copied, r.Skipped, r.Compared, want, n)
		}
		if got := same(t, content, bob); got != n {
			t.Errorf("after restore %d %d items are the same, want %d", i+1, got, n)
		}
	}
}

// wire is the network between client and server. before and after see each request, which they may fail: before it gets to
// the server, or after the server has answered.
type wire struct {
	http.RoundTripper
	n             atomic.Int64
	before, after func(n int64) error
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	n := w.n.Add(1)
	if w.before != nil {
		if err := w.before(n); err != nil {
			return nil, err
		}
	}
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil || w.after == nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if err := w.after(n); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func openBy(t *testing.T, srv *exchangetest.Server, alias string, w *wire) mapi.Store {
	t.Helper()
	c := config(t, srv, alias)
	w.RoundTripper = c.HTTP.Transport
	c.HTTP = &http.Client{Transport: w}
	st, err := exchange.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w.n.Store(0)
	return st
}

// many are users with empty mailboxes.
func many(n int) (list []exchangetest.User) {
	list = []exchangetest.User{{Alias: "alice", Name: "Alice Example"}}
	for i := range n {
		list = append(list, exchangetest.User{Alias: fmt.Sprint("user", i), Name: fmt.Sprint("User ", i)})
	}
	return list
}

// TestInterruptedCopies stops a backup and a restore after some requests, at many places. What is done again completes what
// was begun: nothing is missing, and nothing is there twice.
func TestInterruptedCopies(t *testing.T) {
	t.Parallel()
	content, n := smallMailbox(t)
	points := []float64{0.02, 0.3, 0.5, 0.75, 0.95}
	srv := exchangetest.New(t, exchangetest.Options{Users: many(len(points) + 1), Seed: map[string]seed{"alice": copyOf(content)}})
	interrupt := func(st *wire, whole int64, point float64, do func(context.Context) error) (finished bool) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		st.n.Store(0)
		st.before = func(n int64) error {
			if n >= int64(float64(whole)*point) {
				cancel()
			}
			return nil
		}
		err := do(ctx)
		st.before = nil
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted at %v: %v", point, err)
		}
		return err == nil
	}

	src := &wire{}
	alice, repo := openBy(t, srv, "alice", src), newRepo(t)
	backUp(t, alice, newRepo(t))
	requests := src.n.Load()
	for _, point := range points {
		if interrupt(src, requests, point, func(ctx context.Context) error {
			_, err := backup.Run(ctx, alice, repo, backup.Options{Mailbox: "mailbox"})
			return err
		}) {
			t.Errorf("a backup of %d requests interrupted at %v ended well", requests, point)
		}
		if list, err := repo.Snapshots(t.Context(), ""); err != nil || len(list) > 0 {
			t.Errorf("an interrupted backup left snapshots: %v, %v", list, err)
		}
	}
	backUp(t, alice, repo)

	snap := openSnapshot(t, repo, "latest")
	same(t, content, snap)
	dst := &wire{}
	whole := openBy(t, srv, fmt.Sprint("user", len(points)), dst)
	if _, err := backup.Restore(t.Context(), snap, "", whole, backup.RestoreOptions{NoProof: true}); err != nil {
		t.Fatal(err)
	}
	requests = dst.n.Load()
	for i, point := range points {
		bob := openBy(t, srv, fmt.Sprint("user", i), dst)
		interrupt(dst, requests, point, func(ctx context.Context) error {
			_, err := backup.Restore(ctx, snap, "", bob, backup.RestoreOptions{NoProof: true})
			return err
		})
		bob = openBy(t, srv, fmt.Sprint("user", i), dst)
		r := restore(t, repo, bob)
		t.Logf("a restore of %d requests interrupted at %v: the next one found %d of %d items", requests, point, r.Skipped, n)
		if got := same(t, content, bob); got != n {
			t.Errorf("interrupted at %v: %d items are the same, want %d", point, got, n)
		}
	}
}

// TestFaults breaks a backup and a restore in all the ways that networks and servers have, again and again while they run.
// A run completes, or says what was wrong; the next one without faults completes. Nothing is missing or there twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	cut := errors.New("cut by the test")
	every := func(n int64, then func() error) func(int64) error {
		return func(i int64) error {
			if i%n == n-1 {
				return then()
			}
			return nil
		}
	}
	type fault struct {
		name  string
		start func(*exchangetest.Server, *wire, int64)
	}
	faults := []fault{
		{"sessions get lost", func(s *exchangetest.Server, w *wire, n int64) {
			w.before = every(n, func() error { s.Faults.LoseSessions(1); return nil })
		}},
		{"connections break before the request", func(s *exchangetest.Server, w *wire, n int64) {
			w.before = every(n, func() error { s.Faults.HangUp(1); return nil })
		}},
		{"answers get lost", func(_ *exchangetest.Server, w *wire, n int64) { w.after = every(n, func() error { return cut }) }},
		{"the server is busy", func(s *exchangetest.Server, w *wire, n int64) {
			w.before = every(4*n, func() error { s.Faults.Busy(1); return nil })
		}},
	}
	often := []int64{5, 23}
	content, n := smallMailbox(t)
	srv := exchangetest.New(t, exchangetest.Options{Users: many(len(faults) * len(often)), Seed: map[string]seed{"alice": copyOf(content)}})
	user := 0
	for _, f := range faults {
		for _, each := range often {
			box := fmt.Sprint("user", user)
			user++
			t.Run(fmt.Sprintf("%s, each %d requests", f.name, each), func(t *testing.T) {
				calm := func(w *wire) {
					w.before, w.after = nil, nil
					srv.Faults.LoseSessions(0)
					srv.Faults.HangUp(0)
					srv.Faults.Busy(0)
				}
				end := func(what string, problems []backup.Problem, err error) {
					t.Helper()
					for _, p := range problems {
						t.Errorf("%s: an item failed: %v", what, p)
					}
					switch code := mapi.CodeOf(err); {
					case err == nil:
					case each > 20:
						t.Errorf("%s: one fault in %d requests was too much: %v", what, each, err)
					case code != mapi.ErrNetwork && code != mapi.ErrServerBusy:
						t.Errorf("%s: the error doesn't say what was wrong: %v", what, err)
					}
				}
				w := &wire{}
				alice, repo := openBy(t, srv, "alice", w), newRepo(t)
				f.start(srv, w, each)
				r, err := backup.Run(t.Context(), alice, repo, backup.Options{Mailbox: "mailbox", Backoff: time.Millisecond})
				calm(w)
				end("backup", r.Problems, err)
				if err != nil {
					backUp(t, alice, repo)
				}

				bob := openBy(t, srv, box, w)
				snap := openSnapshot(t, repo, "latest")
				same(t, content, snap)
				f.start(srv, w, each)
				restored, err := backup.Restore(t.Context(), snap, "", bob, backup.RestoreOptions{Backoff: time.Millisecond})
				calm(w)
				end("restore", restored.Problems, err)
				if err != nil {
					restore(t, repo, bob)
				}
				if got := same(t, content, bob); got != n {
					t.Errorf("%d items are the same, want %d", got, n)
				}
			})
		}
	}
}
