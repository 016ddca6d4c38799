package backup

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
)

const (
	secret  = "correct horse"
	mailbox = "ada@example.com"
	server  = "mail.example.com"
)

// cheap keeps the tests from spending their time in scrypt.
var cheap = &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}}

func newRepo(t testing.TB) *Repository {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	r, err := restic.Create(t.Context(), restic.NewLocal(dir), secret, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return &Repository{dir, r}
}

// reopened is the repository as another process sees it.
func reopened(t testing.TB, r *Repository) *Repository {
	t.Helper()
	again, err := Open(t.Context(), r.place, FixedPassword(secret))
	if err != nil {
		t.Fatal(err)
	}
	return again
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

func write(t testing.TB, f mapi.Folder, k mapi.Kind, it *mapi.Item) mapi.EntryID {
	t.Helper()
	id, err := mapi.WriteItem(t.Context(), f, k, it)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// filled is a mailbox with the sample items.
func filled(t testing.TB) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{})
	for _, sample := range storetest.SampleItems() {
		write(t, folder(t, s, sample.Role), sample.Kind, sample.Item)
	}
	return s
}

func run(t testing.TB, src mapi.Store, r *Repository) *Report {
	t.Helper()
	report, err := Run(t.Context(), src, r, Options{Mailbox: mailbox, Server: server, Tags: []string{"test"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("problem: %v", p)
	}
	return report
}

func openSnapshot(t testing.TB, r *Repository, which string) mapi.Store {
	t.Helper()
	s, err := r.OpenSnapshot(t.Context(), which)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func restore(t testing.TB, src mapi.Store, path string, dst mapi.Store, o RestoreOptions) *RestoreReport {
	t.Helper()
	report, err := Restore(t.Context(), src, path, dst, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range report.Problems {
		t.Errorf("problem: %v", p)
	}
	for _, d := range report.Differences {
		t.Errorf("difference: %+v", d)
	}
	return report
}

func same(t testing.TB, a, b mapi.Store) {
	t.Helper()
	r, err := compare.Stores(t.Context(), a, b, compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Errorf("difference: %+v", d)
	}
}

func TestBackUpAndRestore(t *testing.T) {
	repo, src, dst := newRepo(t), filled(t), memstore.New(memstore.Config{})
	n := len(storetest.SampleItems())
	report := run(t, src, repo)
	if report.Copied != n || report.Snapshot.Mailbox != mailbox || report.Snapshot.Server != server {
		t.Errorf("backup: %+v", report)
	}
	snap := openSnapshot(t, reopened(t, repo), "latest/"+mailbox)
	if r := restore(t, snap, "", dst, RestoreOptions{}); r.Copied != n || !r.Proved || r.Compared != n {
		t.Errorf("restore: %+v", r)
	}
	same(t, src, dst)
	if r := restore(t, snap, "", dst, RestoreOptions{}); r.Copied != 0 || r.Skipped != n {
		t.Errorf("second restore: %+v", r)
	}
	same(t, src, dst)
}

func TestRepositoryErrors(t *testing.T) {
	ctx, repo := t.Context(), newRepo(t)
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "nothing"), FixedPassword(secret)); !errors.Is(err, ErrNoRepository) {
		t.Errorf("open nothing: %v", err)
	}
	if _, err := Open(ctx, repo.place, FixedPassword("wrong")); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("open with a wrong password: %v", err)
	}
	if _, err := Init(ctx, repo.place, FixedPassword(secret)); !errors.Is(err, ErrExists) {
		t.Errorf("create again: %v", err)
	}
	asked := errors.New("nobody there")
	if _, err := Open(ctx, repo.place, func(context.Context) (string, error) { return "", asked }); !errors.Is(err, asked) {
		t.Errorf("open without an answer: %v", err)
	}
	if _, err := repo.OpenSnapshot(ctx, "latest"); !errors.Is(err, ErrNotFound) {
		t.Errorf("open a snapshot of an empty repository: %v", err)
	}
	lock, _, err := repo.repo.Lock(ctx, true)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	_, err = Run(ctx, filled(t), reopened(t, repo), Options{Mailbox: mailbox})
	var locked *LockedError
	if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || !locked.Exclusive {
		t.Errorf("back up to a locked repository: %v", err)
	}
}
