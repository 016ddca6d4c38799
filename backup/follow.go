package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
)

// Ways of backing up a folder, in the reports of folders.
const (
	// WayChanges: only what the mailbox says has changed since the snapshot before was read.
	WayChanges = "changes"
	// WayFull: all of it was read. What the repository has is not stored again.
	WayFull = "full"
)

// follower has a backup follow the changes of a mailbox since its last snapshot. What it cannot follow is read whole. It is
// the copy's planner, and keeps how far the mailbox was followed for the next run.
type follower struct {
	src    mapi.Store
	sync   mapi.Synchronizer // nil: the store isn't one
	b      *snapshot.Builder
	policy retry.Policy

	old   *snapshot.Store  // the last snapshot; nil when there is nothing to follow
	saved *snapshot.Synced // how far it came
	none  string           // why there is nothing to follow

	root    mapi.EntryID
	tree    []byte                // new state of the hierarchy
	changed map[mapi.EntryID]bool // folders that changed themselves; nil: not known
	folders map[mapi.EntryID]*followed
	made    map[mapi.EntryID]mapi.EntryID // folders of the new snapshot by those of the mailbox
	absent  map[string][]gone             // by search key; nil: not looked for yet

	mu    sync.Mutex
	moved map[mapi.EntryID]gone // items of the mailbox
}

// followed is a folder.
type followed struct {
	*mapi.ContentChanges
	why string       // it can't be followed
	to  mapi.EntryID // where it is in the new snapshot
}

// newFollower finds what there is to follow. parent is the last snapshot, or nil.
func newFollower(ctx context.Context, src mapi.Store, b *snapshot.Builder, repo *restic.Repository, parent *restic.Snapshot, o Options) (*follower, error) {
	f := &follower{src: src, b: b, policy: o.policy(), folders: map[mapi.EntryID]*followed{}, made: map[mapi.EntryID]mapi.EntryID{}, moved: map[mapi.EntryID]gone{}}
	var ok bool
	if f.sync, ok = mapi.As[mapi.Synchronizer](src); !ok {
		f.none = "this kind of store doesn't tell what changed"
		return f, nil
	}
	var err error
	if f.root, err = retry.Get(ctx, f.policy, func() (mapi.EntryID, error) { return src.Special(ctx, mapi.RoleRoot) }); err != nil {
		return nil, err
	}
	switch {
	case o.Full:
		f.none = "all of it was asked for"
		return f, nil
	case parent == nil:
		f.none = "there is no earlier snapshot"
		return f, nil
	}
	old, err := snapshot.Open(ctx, repo, parent)
	if err == nil {
		f.saved, err = old.Synced(ctx)
	}
	switch {
	case err == nil:
		f.old = old
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, mapi.ErrNotFound):
		f.none = "the last snapshot doesn't tell how far the mailbox was followed"
	default:
		f.none = "how far the mailbox was followed cannot be read: " + err.Error()
	}
	return f, nil
}

// Begin implements transfer.Planner: it asks for the changes of all folders.
func (f *follower) Begin(ctx context.Context, folders []mapi.EntryID) error {
	if f.sync == nil {
		return nil
	}
	if err := f.followTree(ctx); err != nil {
		return err
	}
	for _, id := range folders {
		x := &followed{why: f.none}
		if x.why == "" && f.saved.Folders[id].State == nil {
			x.why = "the last snapshot doesn't tell how far the folder was followed"
			if _, known := f.saved.Folders[id]; !known {
				x.why = "the folder is new"
			}
		}
		f.folders[id] = x
	}
	if err := f.followContents(ctx, folders); err != nil {
		return err
	}
	// Where the state is of no use, a new one is worth having.
	var again []mapi.EntryID
	for _, id := range folders {
		if x := f.folders[id]; x.Err != nil && x.why == "" {
			x.why = "the mailbox doesn't tell what changed: " + x.Err.Error()
			again = append(again, id)
		}
	}
	return f.followContents(ctx, again)
}

// followTree asks which folders changed themselves.
func (f *follower) followTree(ctx context.Context) error {
	ask := func(state []byte) (*mapi.HierarchyChanges, error) {
		return retry.Get(ctx, f.policy, func() (*mapi.HierarchyChanges, error) { return f.sync.SyncHierarchy(ctx, f.root, state) })
	}
	if f.saved != nil && len(f.saved.Hierarchy) > 0 {
		h, err := ask(f.saved.Hierarchy)
		if err == nil {
			f.tree, f.changed = h.State, map[mapi.EntryID]bool{}
			for _, x := range h.Folders {
				f.changed[x.ID] = true
			}
			return nil
		}
		if retry.Transient(err) || ctx.Err() != nil {
			return err
		}
	}
	h, err := ask(nil)
	if err == nil {
		f.tree = h.State
	} else if retry.Transient(err) || ctx.Err() != nil {
		return err
	}
	return nil // without: all folders' properties will be read
}

// followContents asks for the changes of some folders, those that can't be followed for their state only.
func (f *follower) followContents(ctx context.Context, folders []mapi.EntryID) error {
	waiting := map[mapi.EntryID]mapi.SyncFolder{}
	for _, id := range folders {
		q := mapi.SyncFolder{Folder: id}
		if q.StateOnly = f.folders[id].why != ""; !q.StateOnly {
			q.State = f.saved.Folders[id].State
		}
		waiting[id] = q
	}
	err := f.policy.Do(ctx, func(int) error {
		var list []mapi.SyncFolder
		for _, id := range folders {
			if q, ok := waiting[id]; ok {
				list = append(list, q)
			}
		}
		var busy error
		for c, err := range f.sync.SyncContents(ctx, list) {
			if err != nil {
				return err
			}
			if retry.Transient(c.Err) {
				busy = c.Err
				continue
			}
			f.folders[c.Folder].ContentChanges = c
			delete(waiting, c.Folder)
		}
		return busy
	})
	if err != nil && (retry.Transient(err) || ctx.Err() != nil) {
		return err
	}
	for id := range waiting {
		f.folders[id].ContentChanges = &mapi.ContentChanges{Folder: id, Err: err}
	}
	return nil
}

// Plan implements transfer.Planner.
func (f *follower) Plan(ctx context.Context, src, dst mapi.Folder) (*transfer.Plan, error) {
	plan := &transfer.Plan{Way: WayFull, Why: f.none, List: true}
	f.made[src.ID()] = dst.ID()
	x := f.folders[src.ID()]
	if x == nil {
		return plan, nil
	}
	x.to = dst.ID()
	if plan.Why = x.why; x.why != "" {
		return plan, nil
	}
	in := snapshot.Inheritance{From: f.old, At: f.saved.Folders[src.ID()].At, Gone: map[string]bool{}}
	for _, key := range x.Deleted {
		in.Gone[string(key)] = true
	}
	var items [2][]transfer.PlannedItem
	count := 0
	add := func(k mapi.Kind, r mapi.ItemRef, subject, class string) {
		if !in.Gone[string(r.SourceKey)] { // one that is named twice is read once
			in.Gone[string(r.SourceKey)] = true
			items[k] = append(items[k], transfer.PlannedItem{ID: r.ID, SourceKey: r.SourceKey, Subject: subject, Class: class})
			count++
		}
	}
	for _, c := range x.Items {
		k := mapi.Normal
		if c.Associated {
			k = mapi.Associated
		}
		add(k, c.ItemRef, c.Subject, c.Class)
		f.wasMoved(ctx, c)
	}
	for _, r := range x.Read {
		add(mapi.Normal, r, "(marked as read)", "")
	}
	for _, r := range x.Unread {
		add(mapi.Normal, r, "(marked as unread)", "")
	}
	in.Whole = len(in.Gone) == 0
	in.Count = int(x.Given) - count
	err := f.b.Inherit(ctx, dst.ID(), in)
	switch {
	case errors.Is(err, snapshot.ErrNotInherited) && ctx.Err() == nil:
		plan.Why = err.Error()
		return plan, nil
	case err != nil:
		return nil, err
	}
	plan.Way, plan.List, plan.Items, plan.Kept = WayChanges, false, items, in.Count
	plan.Why = "nothing changed"
	if !in.Whole {
		plan.Why = fmt.Sprintf("%d new or changed, %d marked as read or unread, %d gone", len(x.Items), len(x.Read)+len(x.Unread), len(x.Deleted))
	}
	return plan, nil
}

// synced is how far the mailbox was followed, once the copy is made. Folders of which something is missing will have to be
// compared again.
func (f *follower) synced(copied *transfer.Report) *snapshot.Synced {
	if f.sync == nil {
		return nil
	}
	s := &snapshot.Synced{Hierarchy: f.tree, Folders: map[mapi.EntryID]snapshot.SyncedFolder{}}
	lacking := map[string]bool{} // folders with problems of their own: their properties have to be read again
	for _, p := range copied.Problems {
		if p.ID == "" {
			lacking[p.Folder] = true
		}
	}
	for _, r := range copied.Folders {
		x := f.folders[r.ID]
		if x == nil || x.to == "" || lacking[r.Path] {
			continue
		}
		to := snapshot.SyncedFolder{At: x.to}
		if x.Err == nil && !r.Incomplete {
			to.State = x.State
		}
		s.Folders[r.ID] = to
	}
	return s
}
