package mapi

import (
	"context"
	"errors"
	"iter"
)

// Synchronizer is a store that tells what changed in it ([MS-OXCFXICS]). How far a client has come is in a state, which the
// client keeps and only the store understands. No state means that the client has nothing yet.
//
// What happens while changes are told may be in them or not; what isn't is told the next time. A state is worth keeping only
// when all that came with it has been dealt with.
type Synchronizer interface {
	// SyncHierarchy tells which folders below one changed since state. A state of another mailbox, or that cannot be read,
	// is ErrSyncState.
	SyncHierarchy(ctx context.Context, below EntryID, state []byte) (*HierarchyChanges, error)
	// SyncContents tells what changed in each of some folders, in any order, several at a time. What is wrong with one
	// folder is in its changes (ErrSyncState, ErrNotFound); the sequence ends with the first error that concerns all.
	SyncContents(ctx context.Context, folders []SyncFolder) iter.Seq2[*ContentChanges, error]
}

// ErrSyncState says that a state is of no use: it is of another mailbox or folder, or damaged.
var ErrSyncState = errors.New("the synchronization state is not one of this folder, or damaged")

// SyncFolder asks for the changes of a folder.
type SyncFolder struct {
	Folder EntryID
	State  []byte
	// StateOnly asks for the new state and nothing else: the client lists the folder itself, afterwards.
	StateOnly bool
	// Content, if set, asks for whole items: it gives the sink for each item that is new or changed, or nil for one that
	// isn't wanted. It is called by several goroutines at once, for different folders. Items come as the store
	// synchronizes them, which may leave out what Folder.Read gives.
	Content func(ItemChange) (ItemSink, error)
}

// HierarchyChanges are the folders that changed.
type HierarchyChanges struct {
	Folders []FolderChange // new or changed ones, parents before children
	Deleted [][]byte       // source keys of those that are gone
	State   []byte
}

// FolderChange is a folder that is new or changed: its name, its properties or its place.
type FolderChange struct {
	ID, Parent           EntryID
	Name                 string
	SourceKey, ChangeKey []byte
	Props                Props // what the store told of it
}

// ContentChanges is what changed in a folder, normal and associated items.
type ContentChanges struct {
	Folder EntryID
	Items  []ItemChange // new or changed
	// Deleted are the source keys of items that are gone: deleted, moved away, expired.
	Deleted [][]byte
	// Read and Unread are items of which nothing but the read flag changed.
	Read, Unread []ItemRef
	// Given is how many items the client has when it has followed.
	Given uint64
	State []byte
	Err   error
}

// ItemRef names an item.
type ItemRef struct {
	ID        EntryID
	SourceKey []byte
}

// ItemChange is an item that is new or changed.
type ItemChange struct {
	ItemRef
	Associated           bool
	ChangeKey            []byte
	PredecessorChanges   []byte // PidTagPredecessorChangeList
	LastModificationTime FileTime
	Size                 int64  // as the store counts; 0 when not known
	SearchKey            []byte // nil when not known
	Subject, Class       string // empty when not known
}
