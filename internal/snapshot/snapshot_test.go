package snapshot_test

import (
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
)

const mailbox = "ada@example.com"

func newRepo(t testing.TB) *restic.Repository {
	t.Helper()
	conf := &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}}
	r, err := restic.Create(t.Context(), restic.NewLocal(filepath.Join(t.TempDir(), "repo")), "secret", conf)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// save backs a store up.
func save(t testing.TB, repo *restic.Repository, src mapi.Store) (*restic.Snapshot, restic.Stats) {
	t.Helper()
	lock, ctx, err := repo.Lock(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	w, err := repo.NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	b := snapshot.NewBuilder(ctx, w, mailbox)
	defer b.Close()
	r, err := transfer.Run(ctx, src, b, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Errorf("problem: %v", p)
	}
	tree, err := b.Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := &restic.Snapshot{Tree: &tree, Paths: []string{"/" + snapshot.DirName(mailbox)}, Hostname: "mail.example.com"}
	if err := w.SaveSnapshot(ctx, s); err != nil {
		t.Fatal(err)
	}
	return s, w.Stats()
}

func open(t testing.TB, repo *restic.Repository, s *restic.Snapshot) *snapshot.Store {
	t.Helper()
	st, err := snapshot.Open(t.Context(), repo, s)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func filled(t testing.TB) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Config{})
	for _, sample := range storetest.SampleItems() {
		id, err := s.Special(t.Context(), sample.Role)
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Folder(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mapi.WriteItem(t.Context(), f, sample.Kind, sample.Item); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) mapi.Store {
		repo := newRepo(t)
		s, _ := save(t, repo, filled(t))
		return open(t, repo, s)
	}, storetest.Options{ReadOnly: true, Roles: mapi.Roles})
}

func TestHoldsWhatTheMailboxHeld(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	s, _ := save(t, repo, src)
	r, err := compare.Stores(t.Context(), src, open(t, repo, s), compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Errorf("difference: %+v", d)
	}
	if want := len(storetest.SampleItems()); r.Equal != want {
		t.Errorf("%d items are equal, want %d", r.Equal, want)
	}
}

func TestSecondBackupAddsNothing(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	first, _ := save(t, repo, src)
	second, stats := save(t, repo, src)
	if *first.Tree != *second.Tree || stats.DataBlobs+stats.TreeBlobs+stats.Packs != 0 {
		t.Errorf("an unchanged mailbox added %+v", stats)
	}
}
