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
	"github.com/opencdo/opencdo/mapi/pid"
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

func TestPathologicalItems(t *testing.T) {
	repo, src, dst := newRepo(t), memstore.New(memstore.Config{}), memstore.New(memstore.Config{})
	inbox, n := folder(t, src, mapi.RoleInbox), 0
	for name, it := range pathological() {
		t.Log(name)
		write(t, inbox, mapi.Normal, it)
		n++
	}
	if r := run(t, src, repo); r.Copied != n {
		t.Errorf("backup: %+v", r.Copy)
	}
	if r := run(t, src, repo); r.Added != 0 {
		t.Errorf("an unchanged mailbox added %d bytes", r.Added)
	}
	snap := openSnapshot(t, reopened(t, repo), "latest")
	restore(t, snap, "", dst, RestoreOptions{})
	same(t, src, dst)
	if r := restore(t, snap, "", dst, RestoreOptions{}); r.Copied != 0 {
		t.Errorf("second restore: %+v", r.Copy)
	}
	same(t, src, dst)
	report, err := repo.Verify(t.Context(), VerifyOptions{ReadData: true})
	if !errors.Is(err, ErrLocked) {
		t.Errorf("verify while a snapshot is open: %+v, %v", report, err)
	}
}

func TestGenuineCopiesStayTwo(t *testing.T) {
	repo, src, dst := newRepo(t), memstore.New(memstore.Config{}), memstore.New(memstore.Config{})
	for range 2 {
		write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, mailSet{}.message(1))
		write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, &mapi.Item{Props: mapi.Props{prop(pid.TagSubject, "no key")}})
	}
	run(t, src, repo)
	snap := openSnapshot(t, repo, "latest")
	for i, want := range []int{4, 0, 0} {
		if r := restore(t, snap, "", dst, RestoreOptions{}); r.Copied != want || r.Compared != 4 {
			t.Errorf("restore %d: %+v", i+1, r.Copy)
		}
	}
	same(t, src, dst)
}

func TestRestorePart(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	inbox := folder(t, src, mapi.RoleInbox)
	year, err := inbox.CreateFolder(t.Context(), "2019/20", nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, year, mapi.Normal, mailSet{}.message(1))
	id := write(t, year, mapi.Normal, mailSet{}.message(2))
	run(t, src, repo)
	snap := openSnapshot(t, repo, "latest")

	dst := memstore.New(memstore.Config{})
	if r := restore(t, snap, "inbox/2019%2F20", dst, RestoreOptions{}); r.Copied != 2 || r.Compared != 2 {
		t.Errorf("a folder: %+v", r)
	}
	into, err := folder(t, dst, mapi.RoleIPM).CreateFolder(t.Context(), "Recovered", nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, into, mapi.Normal, mailSet{}.message(3)) // is none of the snapshot's business
	if r := restore(t, snap, "Inbox", dst, RestoreOptions{Into: into.ID()}); r.Copied != 13 || r.Compared != 13 {
		t.Errorf("into a folder: %+v", r)
	}
	if _, err := Restore(t.Context(), snap, "Inbox/2020", dst, RestoreOptions{}); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("a folder that isn't there: %v", err)
	}
	if r := restore(t, src, "Inbox/2019%2F20", memstore.New(memstore.Config{}), RestoreOptions{Items: []mapi.EntryID{id}}); r.Copied != 1 {
		t.Errorf("an item: %+v", r)
	}
}

// The comparison after a restore tells what isn't there as it was.
func TestProofFindsDifferences(t *testing.T) {
	repo, src, dst := newRepo(t), memstore.New(memstore.Config{}), memstore.New(memstore.Config{})
	inbox := folder(t, src, mapi.RoleInbox)
	write(t, inbox, mapi.Normal, mailSet{}.message(1))
	run(t, src, repo)
	changed := mailSet{}.message(1)
	changed.Props.Set(mapi.TagKey(pid.TagBody), "edited since")
	write(t, folder(t, dst, mapi.RoleInbox), mapi.Normal, changed)
	r, err := Restore(t.Context(), openSnapshot(t, repo, "latest"), "", dst, RestoreOptions{})
	if err != nil || r.Copied != 0 || r.DifferenceCount != 1 || len(r.Differences) != 1 || r.Differences[0].Deltas[0].Key != mapi.TagKey(pid.TagBody) {
		t.Errorf("got %+v, %v", r, err)
	}
}
