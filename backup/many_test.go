package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
)

// TestFiftyMailboxes backs a database of 50 mailboxes up at each level, many at a time, by an administrator.
func TestFiftyMailboxes(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	const n, parallel = 50, 8
	users := []exchangetest.User{{Alias: "admin", Admin: true}}
	seeds := map[string]func(context.Context, mapi.Store) error{}
	for i := range n {
		alias := fmt.Sprintf("user%02d", i)
		users = append(users, exchangetest.User{Alias: alias, Database: "DB01"})
		seeds[alias] = func(_ context.Context, box mapi.Store) error {
			letter(t, special(t, box, mapi.RoleInbox), "To everybody", "Boss", "boss@contoso.test", time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), "IPM.Note", "circular.pdf")
			letter(t, special(t, box, mapi.RoleInbox), "Only for "+alias, "Boss", "boss@contoso.test", time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), "IPM.Note", "")
			return nil
		}
	}
	srv := exchangetest.New(t, exchangetest.Options{Users: users, Seed: seeds})
	var boxes []Mailbox
	for i := range n {
		alias := fmt.Sprintf("user%02d", i)
		cfg := exchange.Config{MailboxURL: srv.MailboxURL(t, "admin"), UserDN: srv.UserDN(t, "admin"), MailboxDN: srv.UserDN(t, alias), Admin: true,
			Sessions: 2, HTTP: srv.Client(), Authorize: srv.Authorize("admin")}
		boxes = append(boxes, Mailbox{Address: alias + "@contoso.test", Database: "DB01", Open: func(ctx context.Context) (mapi.Store, error) {
			st, err := exchange.Open(ctx, cfg)
			if err != nil {
				return nil, err
			}
			return st, nil
		}})
	}
	for _, l := range []Level{LevelMailboxes, LevelFolders, LevelMessages} {
		t.Run(string(l), func(t *testing.T) {
			repo := newRepo(t)
			var last ManyProgress
			o := ManyOptions{Options: Options{Metadata: l}, Parallel: parallel, ProgressOfAll: func(p ManyProgress) { last = p }}
			rounds := 1
			if l == LevelMessages {
				rounds = 2
			}
			for round := range rounds {
				r, err := RunMany(t.Context(), boxes, repo, o)
				if err != nil || r.Done != n || r.Items != 2*n || len(r.Mailboxes) != n || last.Mailboxes != n || last.Items != 2*n {
					t.Fatalf("%d done, %d failed, %d items, progress %+v, %v", r.Done, r.Failed, r.Items, last, err)
				}
				if round == 1 && r.Added != 0 {
					t.Errorf("unchanged mailboxes added %d bytes", r.Added)
				}
			}
			boxesFound := find(t, repo, "kind:mailbox database:db01", FindOptions{})
			if len(boxesFound.Hits) != n || boxesFound.Hits[0].Snapshots != rounds {
				t.Errorf("%d mailboxes are found", len(boxesFound.Hits))
			}
			r := find(t, repo, `subject:"to everybody"`, FindOptions{})
			if want := l == LevelMessages; (len(r.Hits) == n) != want || (len(r.Unlisted) == 0) != want {
				t.Errorf("%d messages are found, %d mailboxes list none", len(r.Hits), len(r.Unlisted))
			}
		})
	}
}

// TestOneFailureStopsNoOther: what is wrong with a mailbox is its own affair.
func TestOneFailureStopsNoOther(t *testing.T) {
	repo := newRepo(t)
	good := func(context.Context) (mapi.Store, error) { return letters(t), nil }
	refused := &mapi.Error{Op: "log on", Code: mapi.ErrLoginPermission}
	var tries int
	var mu sync.Mutex
	boxes := []Mailbox{{Address: "a@contoso.test", Open: good},
		{Address: "b@contoso.test", Open: func(context.Context) (mapi.Store, error) { return nil, refused }},
		{Address: "c@contoso.test", Open: good},
		{Address: "d@contoso.test", Open: func(ctx context.Context) (mapi.Store, error) {
			mu.Lock()
			defer mu.Unlock()
			if tries++; tries < 3 { // a busy server
				return nil, &mapi.Error{Op: "log on", Code: mapi.ErrNetwork}
			}
			return good(ctx)
		}}}
	r, err := RunMany(t.Context(), boxes, repo, ManyOptions{Options: Options{Backoff: time.Millisecond}, Run: "nightly"})
	if err != nil || r.Done != 3 || r.Failed != 1 || r.NotBegun != 0 || r.Run != "nightly" || r.Added == 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if b := r.Mailboxes[1]; b.Outcome != OutcomeFailed || !errors.Is(b.Err, mapi.ErrLoginPermission) || b.Error == "" || b.Report != nil {
		t.Errorf("the one that failed: %+v", b)
	}
	snaps, err := repo.Snapshots(t.Context(), "")
	if err != nil || len(snaps) != 3 || !slices.Contains(snaps[0].Tags, "run:nightly") {
		t.Errorf("%+v, %v", snaps, err)
	}

	// Interrupted, what was not begun is named as such.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range boxes {
		boxes[i].Open = func(ctx context.Context) (mapi.Store, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}
	r, err = RunMany(ctx, boxes, repo, ManyOptions{Parallel: 1})
	if !errors.Is(err, context.Canceled) || r.Failed != 1 || r.NotBegun != 3 {
		t.Errorf("interrupted: %+v, %v", r, err)
	}
	if r, err := RunMany(t.Context(), nil, repo, ManyOptions{}); err != nil || len(r.Mailboxes) != 0 {
		t.Errorf("nobody: %+v, %v", r, err)
	}
}

// TestBrokenRepositoryEndsTheRun: when nothing more can be stored, nobody goes on reading mailboxes.
func TestBrokenRepositoryEndsTheRun(t *testing.T) {
	repo := newRepo(t)
	repo.repo = nil
	full, err := restic.Open(t.Context(), fullDisk{restic.NewLocal(repo.place)}, secret, cheap)
	if err != nil {
		t.Fatal(err)
	}
	repo.repo = full
	opened := 0
	var boxes []Mailbox
	for i := range 20 {
		boxes = append(boxes, Mailbox{Address: fmt.Sprint(i), Open: func(context.Context) (mapi.Store, error) {
			opened++
			return letters(t), nil
		}})
	}
	r, err := RunMany(t.Context(), boxes, repo, ManyOptions{Parallel: 1})
	if !errors.Is(err, errFull) || r.Done != 0 || r.NotBegun == 0 || opened == len(boxes) {
		t.Errorf("%d opened, %d done, %d not begun, %v", opened, r.Done, r.NotBegun, err)
	}
}

var errFull = errors.New("the disk is full")

// fullDisk takes no packs.
type fullDisk struct{ *restic.Local }

func (f fullDisk) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	if h.Type == restic.PackFile {
		return errFull
	}
	return f.Local.Save(ctx, h, data)
}
