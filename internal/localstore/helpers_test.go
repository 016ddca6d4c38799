package localstore

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Create(context.Background(), filepath.Join(t.TempDir(), "box.db"), Options{Owner: "Anna", SMTP: "anna@example.org", LegacyDN: "/o=x/cn=anna"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func special(t testing.TB, s *Store, r mapi.Role) *Folder {
	t.Helper()
	fid, err := s.SpecialID(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.FolderByID(context.Background(), fid)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func inbox(t testing.TB, s *Store) *Folder { return special(t, s, mapi.RoleInbox) }

// mail is an item with a subject and more properties, as tags and values in turn.
func mail(subject string, more ...any) *mapi.Item {
	it := &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: subject}, {Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}}}
	for i := 0; i < len(more); i += 2 {
		it.Props.Set(mapi.TagKey(more[i].(mapi.Tag)), more[i+1])
	}
	return it
}

func add(t testing.TB, f *Folder, it *mapi.Item) mapi.EntryID {
	t.Helper()
	id, err := mapi.WriteItem(context.Background(), f, mapi.Normal, it)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func read(t testing.TB, f *Folder, id mapi.EntryID) *mapi.Item {
	t.Helper()
	it, err := mapi.ReadItem(context.Background(), f, id)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

// list is what a query finds, by subject.
func list(t testing.TB, f *Folder, q mapi.Query) (subjects []string, ids []mapi.EntryID) {
	t.Helper()
	q.Columns = []mapi.Key{mapi.TagKey(pid.TagSubject)}
	for row, err := range f.Rows(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		s, _ := row.Values[0].(string)
		subjects, ids = append(subjects, s), append(ids, row.ID)
	}
	return subjects, ids
}

// count counts rows of a table of the file.
func count(t testing.TB, s *Store, table string) (n int) {
	t.Helper()
	if err := s.read.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func check(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Check(context.Background()); err != nil {
		t.Error(err)
	}
}

// pattern is n bytes that do not repeat at any block size.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
