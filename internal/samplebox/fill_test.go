package samplebox

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

func fresh(t testing.TB, kind string) mapi.Store {
	t.Helper()
	if kind == "memory" {
		return memstore.New(memstore.Config{})
	}
	st, err := localstore.Create(context.Background(), filepath.Join(t.TempDir(), "box.db"), localstore.Options{Owner: "Robin Ashgrove"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func filled(t testing.TB, kind string, o Options) mapi.Store {
	t.Helper()
	st := fresh(t, kind)
	calls := 0
	o.Progress = func(done, total int) {
		if calls++; done != calls || total != o.Items {
			t.Errorf("progress %d of %d at call %d", done, total, calls)
		}
	}
	c, err := Fill(context.Background(), st, o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Items != o.Items || calls != o.Items || c.Associated == 0 || c.Folders == 0 || c.Attachments == 0 || c.Bytes == 0 {
		t.Errorf("counts: %+v", c)
	}
	items, associated := contents(t, st)
	if items+associated != o.Items || associated != c.Associated {
		t.Errorf("the store holds %d and %d items, not %d and %d", items, associated, o.Items-c.Associated, c.Associated)
	}
	return st
}

// contents counts what is in a store.
func contents(t testing.TB, st mapi.Store) (items, associated int) {
	t.Helper()
	ctx := context.Background()
	root, err := st.Special(ctx, mapi.RoleRoot)
	if err != nil {
		t.Fatal(err)
	}
	var walk func(id mapi.EntryID)
	walk = func(id mapi.EntryID) {
		f, err := st.Folder(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		for info, err := range f.Folders(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			items, associated = items+info.Items, associated+info.Associated
			walk(info.ID)
		}
	}
	walk(root)
	return items, associated
}

func TestFillTwice(t *testing.T) {
	o := Options{Items: 220, Seed: 5}
	a, b := filled(t, "memory", o), filled(t, "memory", o)
	c, d := filled(t, "file", o), filled(t, "file", o)
	// A store in memory has special folders that a file lacks.
	for name, pair := range map[string][2]mapi.Store{"memory and memory": {a, b}, "file and file": {c, d}, "file and memory": {c, a}} {
		r, err := compare.Stores(context.Background(), pair[0], pair[1], compare.Options{Subset: name == "file and memory"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Count != 0 || r.Equal != o.Items {
			t.Errorf("%s: %d equal, %d differences, first of them %+v", name, r.Equal, r.Count, r.Differences[:min(len(r.Differences), 3)])
		}
	}
	r, err := compare.Stores(context.Background(), a, filled(t, "memory", Options{Items: 220, Seed: 6}), compare.Options{})
	if err != nil || r.Equal > 0 {
		t.Errorf("two seeds: %d equal items, %v", r.Equal, err)
	}
}

// TestFillIntoExistingFolders fills a mailbox that was filled before.
func TestFillIntoExistingFolders(t *testing.T) {
	st := filled(t, "memory", Options{Items: 230})
	c, err := Fill(context.Background(), st, Options{Items: 230})
	if err != nil || c.Folders != 0 {
		t.Errorf("%d folders made again, %v", c.Folders, err)
	}
}

func TestFillStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	c, err := Fill(ctx, fresh(t, "memory"), Options{Items: 5000, Progress: func(done, _ int) {
		if done == 10 {
			stop()
		}
	}})
	if !errors.Is(err, context.Canceled) || c.Items > 11 {
		t.Errorf("%d items, %v", c.Items, err)
	}
	stop()
}

func BenchmarkFill(b *testing.B) {
	for _, kind := range []string{"memory", "file"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				c, err := Fill(context.Background(), fresh(b, kind), Options{Items: 5000})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(c.Bytes)
			}
		})
	}
}

func BenchmarkItems(b *testing.B) {
	for b.Loop() {
		for _, err := range Items(Options{Items: 5000}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
