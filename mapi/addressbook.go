package mapi

import (
	"context"
	"iter"
)

// AddressList is an address list: the global one, or a container below it.
type AddressList struct {
	ID       EntryID
	Name     string
	Depth    int // 0 for those directly below the root
	IsGlobal bool
	Props    Props
}

// AddressBook is a directory of users, lists and contacts. Stores that have one answer As[AddressBook].
type AddressBook interface {
	// Lists are the address lists, parents before children.
	Lists(ctx context.Context) ([]AddressList, error)
	// Entries lists a container's entries in display-name order, a window at a time: large directories are never loaded
	// whole. Of q, Columns, Where, Offset and Limit are used.
	Entries(ctx context.Context, list EntryID, q Query) iter.Seq2[Row, error]
	// Entry reads properties of an entry, all when keys is empty.
	Entry(ctx context.Context, id EntryID, keys []Key) (Props, error)
	// Resolve looks a name, alias, address or DN up. None found is ErrNotFound, several ErrAmbiguous with candidates.
	Resolve(ctx context.Context, name string, keys []Key) (candidates []Props, err error)
}
