package compare

import (
	"context"
	"iter"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

// searching is a store in which folders of some names are search folders, or aren't there at all.
type searching struct {
	mapi.Store
	search map[string]bool // by name; false: not there
}

func (s *searching) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := s.Store.Folder(ctx, id)
	return &searchingFolder{f, s}, err
}

func (s *searching) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	if there, named := s.search["Spooler Queue"]; r == mapi.RoleSpooler && named && !there {
		return "", &mapi.Error{Op: "find folder", Code: mapi.ErrNotFound}
	}
	return s.Store.Special(ctx, r)
}

type searchingFolder struct {
	mapi.Folder
	s *searching
}

func (f *searchingFolder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		for x, err := range f.Folder.Folders(ctx) {
			there, named := f.s.search[x.Name]
			x.Search = there
			if (!named || there) && !yield(x, err) {
				return
			}
		}
	}
}

// A search folder that every mailbox makes itself need not be in a copy; one that the user made does.
func TestSearchFoldersOfTheStoreItself(t *testing.T) {
	ctx := t.Context()
	mem := memstore.New(memstore.Config{})
	queue, err := mem.Special(ctx, mapi.RoleSpooler)
	if err != nil {
		t.Fatal(err)
	}
	f, err := mem.Folder(ctx, queue)
	if err != nil {
		t.Fatal(err)
	}
	ps, err := f.Props(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if name := ps.Text(0x3001001F); name != "Spooler Queue" {
		t.Fatalf("the queue is called %q", name)
	}
	for name, want := range map[string]int{"Spooler Queue": 0, "Unread Mail": 1} {
		a, b := &searching{memstore.New(memstore.Config{}), map[string]bool{name: true}}, &searching{memstore.New(memstore.Config{}), map[string]bool{name: false}}
		top, err := a.Special(ctx, mapi.RoleRoot)
		if err != nil {
			t.Fatal(err)
		}
		root, err := a.Folder(ctx, top)
		if err != nil {
			t.Fatal(err)
		}
		if want > 0 {
			if _, err := root.CreateFolder(ctx, name, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, pair := range [][2]mapi.Store{{a, b}, {b, a}} {
			r, err := Stores(ctx, pair[0], pair[1], Options{})
			if err != nil || r.Count != want {
				t.Errorf("%s: %d differences %+v, want %d; %v", name, r.Count, r.Differences, want, err)
			}
		}
	}
}
