package localstore

import (
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestDeletionsAreRemembered asks for items and folders by their source keys after they are gone.
func TestDeletionsAreRemembered(t *testing.T) {
	s := newStore(t)
	ctx := t.Context()
	in := inbox(t, s)
	sent := special(t, s, mapi.RoleSent)
	foreign := append(append([]byte{}, mapi.PSMAPI[:]...), 0, 0, 1, 2, 3, 4, 5)
	write := func(as Identity) mapi.EntryID {
		t.Helper()
		w, err := in.CreateAs(ctx, mapi.Normal, as)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Prop(mapi.TagKey(pid.TagSubject), "x"); err != nil {
			t.Fatal(err)
		}
		id, err := w.Commit(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	key := func(f *Folder, id mapi.EntryID) []byte {
		t.Helper()
		_, mid, err := s.MessageID(id)
		if err != nil {
			t.Fatal(err)
		}
		v, err := f.Version(ctx, mid)
		if err != nil {
			t.Fatal(err)
		}
		return v.SourceKey
	}
	expect := func(what string, key []byte, want bool) {
		t.Helper()
		if was, err := s.WasDeleted(ctx, key); was != want || err != nil {
			t.Errorf("%s: deleted %v, %v", what, was, err)
		}
	}
	kept, soft, hard, moved := write(Identity{}), write(Identity{}), write(Identity{SourceKey: foreign}), write(Identity{})
	keptKey, softKey, movedKey := key(in, kept), key(in, soft), key(in, moved)
	expect("an item that is there", keptKey, false)
	expect("a foreign one", foreign, false)
	if err := in.Delete(ctx, []mapi.EntryID{soft}, false); err != nil {
		t.Fatal(err)
	}
	expect("one in Recoverable Items", softKey, false)
	if err := in.Delete(ctx, []mapi.EntryID{hard}, true); err != nil {
		t.Fatal(err)
	}
	expect("a foreign one, deleted", foreign, true)
	ids, err := in.Move(ctx, []mapi.EntryID{moved}, sent)
	if err != nil {
		t.Fatal(err)
	}
	expect("one under its key before it was moved", movedKey, true)
	expect("one that was moved", key(sent, ids[0]), false)
	if _, err := s.Purge(ctx, mapi.FileTime(now()+1)); err != nil {
		t.Fatal(err)
	}
	expect("one purged", softKey, true)
	sub, err := in.CreateFolder(ctx, "sub", nil)
	if err != nil {
		t.Fatal(err)
	}
	folderKey := s.gid(sub.(*Folder).FID())
	if err := in.DeleteFolder(ctx, sub.ID()); err != nil {
		t.Fatal(err)
	}
	expect("a folder", folderKey, true)
	expect("an item that is there still", keptKey, false)
}

// TestFirstFormat opens a file of the first format, which didn't remember deletions: now it does.
func TestFirstFormat(t *testing.T) {
	all := migrations
	migrations = all[:1]
	defer func() { migrations = all }()
	s := newStore(t)
	id := add(t, inbox(t, s), mail("from before"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migrations = all
	s = open(t, s.Path())
	if err := inbox(t, s).Delete(t.Context(), []mapi.EntryID{id}, true); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, "deleted"); n != 1 {
		t.Errorf("%d deletions remembered", n)
	}
}
