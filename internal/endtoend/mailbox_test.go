package endtoend

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

const secret = "correct horse"

func config(t testing.TB, srv *exchangetest.Server, alias string) exchange.Config {
	return exchange.Config{MailboxURL: srv.MailboxURL(t, alias), AddressBookURL: srv.AddressBookURL(t, alias),
		UserDN: srv.UserDN(t, alias), HTTP: srv.Client(), Authorize: srv.Authorize(alias),
		Retries: -1} // what copies do about faults is what is tested, not what single operations do
}

// open opens a user's mailbox over the network.
func open(t testing.TB, srv *exchangetest.Server, alias string) mapi.Store {
	t.Helper()
	st, err := exchange.Open(t.Context(), config(t, srv, alias))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// serve starts a server on which alice has a copy of a mailbox. The others' are empty.
func serve(t testing.TB, content mapi.Store) *exchangetest.Server {
	t.Helper()
	return exchangetest.New(t, exchangetest.Options{Seed: map[string]seed{"alice": copyOf(content)}})
}

type seed = func(ctx context.Context, box mapi.Store) error

// copyOf fills a mailbox with all that a store holds.
func copyOf(content mapi.Store) seed {
	return func(ctx context.Context, box mapi.Store) error {
		report, err := transfer.Run(ctx, content, box, transfer.Options{})
		if err == nil && report.Failed > 0 {
			err = fmt.Errorf("%d items were not taken, such as %v", report.Failed, report.Problems[0])
		}
		return err
	}
}

// newRepo makes a repository. Its password is quickly tried, so that tests don't spend their time in scrypt.
func newRepo(t testing.TB) *backup.Repository {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	if _, err := restic.Create(t.Context(), restic.NewLocal(dir), secret, &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}}); err != nil {
		t.Fatal(err)
	}
	return openRepo(t, dir)
}

func openRepo(t testing.TB, dir string) *backup.Repository {
	t.Helper()
	r, err := backup.Open(t.Context(), dir, backup.FixedPassword(secret))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// backUp backs a mailbox up, without problems.
func backUp(t testing.TB, src mapi.Store, repo *backup.Repository) *backup.Report {
	t.Helper()
	report, err := backup.Run(t.Context(), src, repo, backup.Options{Mailbox: "mailbox"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("backup: problem: %v", p)
	}
	return report
}

func openSnapshot(t testing.TB, repo *backup.Repository, which string) mapi.Store {
	t.Helper()
	s, err := repo.OpenSnapshot(t.Context(), which)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// restore restores the newest snapshot, without problems or differences.
func restore(t testing.TB, repo *backup.Repository, dst mapi.Store) *backup.RestoreReport {
	t.Helper()
	snap := openSnapshot(t, repo, "latest")
	defer snap.Close()
	report, err := backup.Restore(t.Context(), snap, "", dst, backup.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("restore: problem: %v", p)
	}
	for _, d := range report.Differences {
		t.Errorf("restore: difference: %+v", d)
	}
	return report
}

// same compares two mailboxes, all folders from the root on, and tells how many items were compared.
func same(t testing.TB, a, b mapi.Store) int {
	t.Helper()
	r, err := compare.Stores(t.Context(), a, b, compare.Options{A: folder(t, a, mapi.RoleRoot).ID(), B: folder(t, b, mapi.RoleRoot).ID()})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Errorf("difference: %+v", d)
	}
	return r.Items
}

func folder(t testing.TB, s mapi.Store, r mapi.Role) mapi.Folder {
	t.Helper()
	id, err := s.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t testing.TB, f mapi.Folder, k mapi.Kind, it *mapi.Item) {
	t.Helper()
	if _, err := mapi.WriteItem(t.Context(), f, k, it); err != nil {
		t.Fatal(err)
	}
}

func newLocal() *memstore.Store { return memstore.New(memstore.Config{}) }

func prop(t mapi.Tag, v mapi.Value) mapi.Prop { return mapi.Prop{Key: mapi.TagKey(t), Value: v} }

func mail(subject string) *mapi.Item {
	return &mapi.Item{Props: mapi.Props{prop(pid.TagMessageClass, "IPM.Note"), prop(pid.TagSubject, subject)}}
}
