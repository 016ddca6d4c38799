package compare

import (
	"context"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// otherRoles is a store that says otherwise which folders are special.
type otherRoles struct {
	mapi.Store
	special map[mapi.Role]mapi.EntryID
}

func (s *otherRoles) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	switch id, set := s.special[r]; {
	case set && id == "":
		return "", &mapi.Error{Op: "find folder", Code: mapi.ErrNotFound}
	case set:
		return id, nil
	}
	return s.Store.Special(ctx, r)
}

// Not all stores have all special folders, and some have them elsewhere.
func TestFoldersAreMatchedByRoleThenByName(t *testing.T) {
	ctx := t.Context()
	in := func(s mapi.Store, r mapi.Role) mapi.Folder {
		id, err := s.Special(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	a, b := memstore.New(memstore.Config{}), memstore.New(memstore.Config{})
	if _, err := mapi.WriteItem(ctx, in(a, mapi.RoleJournal), mapi.Normal, &mapi.Item{}); err != nil {
		t.Fatal(err)
	}
	compared := func(what string, x, y mapi.Store, items, differences int) {
		t.Helper()
		r, err := Stores(ctx, x, y, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Items != items || r.Count != differences {
			t.Errorf("%s: %d items, %d differences %+v; want %d and %d", what, r.Items, r.Count, r.Differences, items, differences)
		}
	}
	compared("an empty journal", a, b, 0, 1)

	plain := &otherRoles{b, map[mapi.Role]mapi.EntryID{mapi.RoleJournal: ""}} // its folder Journal is any folder
	if _, err := mapi.WriteItem(ctx, in(b, mapi.RoleJournal), mapi.Normal, &mapi.Item{}); err != nil {
		t.Fatal(err)
	}
	compared("no journal, but a folder of its name", a, plain, 1, 0)
	compared("a journal, where there was a folder of its name", plain, a, 0, 2)

	elsewhere, err := in(b, mapi.RoleInbox).CreateFolder(ctx, "Diary", mapi.Props{{Key: mapi.TagKey(pid.TagContainerClass), Value: "IPF.Journal"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mapi.WriteItem(ctx, elsewhere, mapi.Normal, &mapi.Item{}); err != nil {
		t.Fatal(err)
	}
	moved := &otherRoles{b, map[mapi.Role]mapi.EntryID{mapi.RoleJournal: elsewhere.ID()}}
	compared("a journal in another place, beside a folder of its name", a, moved, 1, 1)
	compared("the other way", moved, a, 1, 1)
}
