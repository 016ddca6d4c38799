package snapshot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// heirs has a copy take everything over from an earlier snapshot but the items with some source keys, and copy one of them.
type heirs struct {
	b     *snapshot.Builder
	old   *snapshot.Store
	gone  map[string]bool
	again []transfer.PlannedItem
	count int // of the Inbox

	err error // why the Inbox wasn't inherited
}

func (h *heirs) Begin(context.Context, []mapi.EntryID) error { return nil }

func (h *heirs) Plan(ctx context.Context, src, dst mapi.Folder) (*transfer.Plan, error) {
	id, err := h.old.Special(ctx, mapi.RoleInbox)
	if err != nil {
		return nil, err
	}
	inbox, err := h.old.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	is, err := inbox.Props(ctx)
	if err != nil {
		return nil, err
	}
	props, err := src.Props(ctx)
	if err != nil || props.Text(pid.TagDisplayName) != is.Text(pid.TagDisplayName) {
		return &transfer.Plan{List: true}, err
	}
	in := snapshot.Inheritance{From: h.old, At: id, Gone: h.gone, Whole: len(h.gone) == 0, Count: h.count}
	if h.err = h.b.Inherit(ctx, dst.ID(), in); h.err != nil {
		return &transfer.Plan{List: true}, nil
	}
	return &transfer.Plan{Items: [2][]transfer.PlannedItem{h.again}, Kept: h.count}, nil
}

// TestInherit makes snapshots of earlier ones. They are those that reading everything makes.
func TestInherit(t *testing.T) {
	ctx := t.Context()
	repo, _ := newRepo(t)
	src := memstore.New(memstore.Config{})
	inbox := folder(t, src, mapi.RoleInbox)
	const items = 2100 // more than a directory holds
	key := func(i int) []byte { return []byte(fmt.Sprintf("source key of %d", i)) }
	at := time.Date(2024, 3, 5, 6, 7, 8, 0, time.UTC)
	for i := range items {
		write(t, inbox, mapi.Normal, mail(fmt.Sprint("item ", i%1000), at, prop(pid.TagSourceKey, key(i))))
	}
	write(t, inbox, mapi.Associated, mail("view", at, prop(pid.TagSourceKey, []byte("of the view"))))
	first, _ := save(t, repo, src)
	old := open(t, repo, first)

	inherit := func(h *heirs) restic.ID {
		t.Helper()
		lock, ctx, err := repo.Lock(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Unlock()
		w, err := repo.NewWriter(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		h.b = snapshot.NewBuilder(ctx, w, mailbox)
		defer h.b.Close()
		props, err := src.Props(ctx)
		if err != nil {
			t.Fatal(err)
		}
		h.b.SetProps(props)
		if _, err := transfer.Run(ctx, src, h.b, transfer.Options{Planner: h}); err != nil {
			t.Fatal(err)
		}
		tree, err := h.b.Save(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	h := &heirs{old: old, count: items + 1}
	if tree := inherit(h); tree != *first.Tree || h.err != nil {
		t.Errorf("nothing gone: tree %v, want %v; %v", tree, *first.Tree, h.err)
	}
	h = &heirs{old: old, count: items, gone: map[string]bool{string(key(5)): true}}
	if tree := inherit(h); tree == *first.Tree || h.err != nil {
		t.Errorf("one gone: the same tree, or %v", h.err)
	}
	h = &heirs{old: old, count: items + 7}
	if tree := inherit(h); tree != *first.Tree || !errors.Is(h.err, snapshot.ErrNotInherited) {
		t.Errorf("too few: tree %v, want %v; %v", tree, *first.Tree, h.err)
	}

	var again mapi.EntryID
	var gone []mapi.EntryID
	for row, err := range inbox.Rows(ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSourceKey)}}) {
		if err != nil {
			t.Fatal(err)
		}
		switch k, _ := row.Values[0].([]byte); string(k) {
		case string(key(5)), string(key(1005)):
			gone = append(gone, row.ID)
		case string(key(7)):
			again = row.ID
		}
	}
	if err := inbox.Delete(ctx, gone, true); err != nil {
		t.Fatal(err)
	}
	if err := inbox.Update(ctx, again, mapi.Props{prop(pid.TagSubject, "changed")}, nil); err != nil {
		t.Fatal(err)
	}
	h = &heirs{old: old, count: items - 2, gone: map[string]bool{string(key(5)): true, string(key(1005)): true, string(key(7)): true},
		again: []transfer.PlannedItem{{ID: again}}}
	tree := inherit(h)
	second, _ := save(t, repo, src)
	if tree != *second.Tree || h.err != nil {
		t.Errorf("changed: tree %v, want %v; %v", tree, *second.Tree, h.err)
	}

	// A part of an item is lost: another one stands in its place in the tree.
	lost := restic.ID{1, 2, 3}
	w, err := repo.NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var damage func(id restic.ID) (restic.ID, bool)
	damage = func(id restic.ID) (restic.ID, bool) {
		tree, err := repo.LoadTree(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		copied := &restic.Tree{Nodes: slices.Clone(tree.Nodes)}
		for i, n := range tree.Nodes {
			c := *n
			copied.Nodes[i] = &c
			done := false
			if n.Type == restic.DirNode {
				var sub restic.ID
				sub, done = damage(*n.Subtree)
				c.Subtree = &sub
			} else if len(n.Name) > 4 && n.Name[:4] == "item" {
				c.Content, done = []restic.ID{lost}, true
			}
			if done {
				id, err := w.SaveTree(ctx, copied)
				if err != nil {
					t.Fatal(err)
				}
				return id, true
			}
		}
		return id, false
	}
	broken, _ := damage(*second.Tree)
	if err := w.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []map[string]bool{nil, {string(key(9)): true}} {
		h = &heirs{old: open(t, repo, &restic.Snapshot{Tree: &broken}), count: items - 1, gone: gone}
		if tree := inherit(h); tree != *second.Tree || !errors.Is(h.err, snapshot.ErrNotInherited) {
			t.Errorf("lost: tree %v, want %v; %v", tree, *second.Tree, h.err)
		}
	}
}
