package memstore

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Rows implements mapi.Folder. It lists what the folder held when the loop began.
func (f *Folder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		const op = "list items"
		entries, err := f.entries(ctx, op, q.Kind)
		if err != nil {
			yield(mapi.Row{}, err)
			return
		}
		for row, err := range mapi.Select(q, f.records(ctx, entries), nil) {
			if !yield(row, err) {
				return
			}
		}
	}
}

func (f *Folder) entries(ctx context.Context, op string, k mapi.Kind) ([]*entry, error) {
	defer f.s.rlock()()
	if err := f.usable(ctx, op, false); err != nil {
		return nil, err
	}
	if int(k) >= len(f.n.lists) {
		return nil, fail(op, "", mapi.ErrInvalidParameter)
	}
	return slices.Clone(f.n.lists[k]), nil
}

func (f *Folder) records(ctx context.Context, entries []*entry) iter.Seq2[mapi.Record, error] {
	return func(yield func(mapi.Record, error) bool) {
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				yield(mapi.Record{}, err)
				return
			}
			r := e.item.Record(e.id)
			r.Get = func(k mapi.Key) mapi.Value {
				if v := e.item.Props.Get(k); v != nil {
					return v
				}
				return f.computed(e, k)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// computed are the properties of items that tables show though items don't carry them.
func (f *Folder) computed(e *entry, k mapi.Key) mapi.Value {
	switch k {
	case mapi.TagKey(pid.TagEntryId):
		return []byte(e.id)
	case mapi.TagKey(pid.TagParentEntryId):
		return []byte(f.n.id)
	case mapi.TagKey(pid.TagHasAttachments):
		return len(e.item.Attachments) > 0
	case mapi.TagKey(pid.TagMessageSize):
		return int32(min(size(e.item), 1<<31-1))
	}
	return nil
}

func size(it *mapi.Item) int64 {
	sum := propsSize(it.Props)
	for _, r := range it.Recipients {
		sum += propsSize(r)
	}
	for _, a := range it.Attachments {
		sum += propsSize(a.Props)
		if a.Embedded != nil {
			sum += size(a.Embedded)
		}
	}
	return sum
}

func propsSize(ps mapi.Props) (sum int64) {
	for _, p := range ps {
		sum += mapi.ValueSize(p.Value)
	}
	return sum
}

// find is where an item is. The lock is held.
func (n *node) find(id mapi.EntryID) (mapi.Kind, int) {
	for k, list := range n.lists {
		if i := slices.IndexFunc(list, func(e *entry) bool { return e.id == id }); i >= 0 {
			return mapi.Kind(k), i
		}
	}
	return 0, -1
}

// open finds an item.
func (f *Folder) open(ctx context.Context, id mapi.EntryID) (*mapi.Item, error) {
	defer f.s.rlock()()
	const op = "open item"
	if err := f.usable(ctx, op, false); err != nil {
		return nil, err
	}
	k, i := f.n.find(id)
	if i < 0 {
		return nil, fail(op, "", mapi.ErrNotFound)
	}
	return f.n.lists[k][i].item, nil
}

// Read implements mapi.Folder.
func (f *Folder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	it, err := f.open(ctx, id)
	if err != nil {
		return err
	}
	return it.WriteTo(w)
}

// changeable finds an item that may be changed. The lock is held.
func (f *Folder) changeable(op string, id mapi.EntryID) (mapi.Kind, int, error) {
	k, i := f.n.find(id)
	switch {
	case i < 0:
		return 0, 0, fail(op, "", mapi.ErrNotFound)
	case k == mapi.SoftDeleted:
		return 0, 0, fail(op, "in Recoverable Items", mapi.ErrNoAccess)
	}
	return k, i, nil
}

// Update implements mapi.Folder.
func (f *Folder) Update(ctx context.Context, id mapi.EntryID, set mapi.Props, del []mapi.Key) error {
	defer f.s.lock()()
	const op = "change item"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	k, i, err := f.changeable(op, id)
	if err != nil {
		return err
	}
	changed := *f.n.lists[k][i].item
	if changed.Props, err = change(changed.Props, set, del); err != nil {
		return err
	}
	f.n.lists[k][i] = &entry{id, &changed}
	return nil
}

// Delete implements mapi.Folder. Ids that aren't there make it fail with ErrNotFound after it has deleted the others.
func (f *Folder) Delete(ctx context.Context, ids []mapi.EntryID, hard bool) error {
	defer f.s.lock()()
	const op = "delete items"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	wanted := map[mapi.EntryID]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	var recoverable []*entry
	for k, list := range f.n.lists {
		var keep []*entry
		for _, e := range list {
			if !wanted[e.id] {
				keep = append(keep, e)
				continue
			}
			delete(wanted, e.id)
			switch {
			case hard || f.s.config.NoSoftDelete || mapi.Kind(k) == mapi.Associated:
			case mapi.Kind(k) == mapi.SoftDeleted:
				keep = append(keep, e)
			default:
				recoverable = append(recoverable, e)
			}
		}
		f.n.lists[k] = keep
	}
	f.n.lists[mapi.SoftDeleted] = append(f.n.lists[mapi.SoftDeleted], recoverable...)
	if len(wanted) > 0 {
		return fail(op, fmt.Sprintf("%d of %d", len(wanted), len(ids)), mapi.ErrNotFound)
	}
	return nil
}
