package mapi

import (
	"context"
	"iter"
)

// BulkReader is a folder that reads many items in fewer round trips than one by one.
type BulkReader interface {
	// ReadAll yields each of ids, in any order, with a function that pushes the item into a sink. The function may be
	// called at most once, and only until the loop goes on; an item that isn't wanted costs its transfer all the same. What
	// cannot be read is yielded too, with a function that returns why.
	ReadAll(ctx context.Context, ids []EntryID) iter.Seq2[EntryID, func(ItemSink) error]
}

// ReadAll reads many items of a folder: in bulk where the folder can, else one by one.
func ReadAll(ctx context.Context, f Folder, ids []EntryID) iter.Seq2[EntryID, func(ItemSink) error] {
	if b, ok := f.(BulkReader); ok {
		return b.ReadAll(ctx, ids)
	}
	return func(yield func(EntryID, func(ItemSink) error) bool) {
		for _, id := range ids {
			if !yield(id, func(w ItemSink) error { return f.Read(ctx, id, w) }) {
				return
			}
		}
	}
}
