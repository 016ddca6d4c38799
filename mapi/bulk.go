package mapi

import (
	"context"
	"iter"
)

// RoleLister is a store that finds all its special folders in fewer round trips than one by one.
type RoleLister interface {
	// SpecialFolders are the folders that Special gives, by their roles.
	SpecialFolders(ctx context.Context) (map[Role]EntryID, error)
}

// TreeLister is a store that lists many folders in fewer round trips than those below each.
type TreeLister interface {
	// Tree lists all folders below one, in any order.
	Tree(ctx context.Context, below EntryID) ([]TreeFolder, error)
}

// TreeFolder is a folder with the id of the one that it is in.
type TreeFolder struct {
	FolderInfo
	Parent EntryID
}

// BulkReader is a folder that reads many items in fewer round trips than one by one.
type BulkReader interface {
	// ReadAll yields each of ids, in any order, with a function that pushes the item into a sink. The function may be
	// called at most once, and only until the loop goes on; an item that isn't wanted costs its transfer all the same. What
	// cannot be read is yielded too, with a function that returns why.
	ReadAll(ctx context.Context, ids []EntryID) iter.Seq2[EntryID, func(ItemSink) error]
}

// PartReader is a folder that can leave parts of an item out when it reads it.
type PartReader interface {
	// ReadExcept is Folder.Read without some properties of the item itself; PidTagMessageRecipients and
	// PidTagMessageAttachments among them leave the recipients and attachments out.
	ReadExcept(ctx context.Context, id EntryID, except []Tag, w ItemSink) error
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

// BulkWriter is a folder that takes many items in fewer round trips than one by one, and keeps closer to what it is given
// where its ordinary way of making items adds properties of its own.
type BulkWriter interface {
	// WriteAll begins a run of new items.
	WriteAll(ctx context.Context, k Kind) (BulkItems, error)
}

// BulkItems takes items one after the other. The ids they get aren't told.
type BulkItems interface {
	ItemSink
	// Next ends the item that was pushed. It may become visible now or any time up to Flush.
	Next() error
	// Drop forgets the item that is being pushed, so that another can be.
	Drop() error
	// Flush makes all items that were ended durable. After an error nothing is known of those since the last Flush.
	Flush() error
	// Close ends the run; what was not flushed may be there or not.
	Close() error
}
