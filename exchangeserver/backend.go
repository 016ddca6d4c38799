package exchangeserver

import (
	"context"
	"iter"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Backend is what a [Server] serves: users, and the mailboxes that they have. It is used by several goroutines at once.
type Backend interface {
	// Authenticate checks a password and names the user. login is what the client sent: an alias, ALIAS@DOMAIN,
	// DOMAIN\ALIAS. A wrong name or password is mapi.ErrLogonFailed; it should take as long as a right one.
	Authenticate(ctx context.Context, login, password string) (User, error)
	// Users lists the directory in the order of the display names.
	Users(ctx context.Context) ([]User, error)
	// OpenMailbox opens the mailbox of a user. Each Mailbox that it gives is closed once.
	OpenMailbox(ctx context.Context, mailbox mapi.GUID) (Mailbox, error)
}

// User is an entry of the directory.
type User struct {
	Alias       string
	DisplayName string
	SMTPAddress string
	LegacyDN    string
	Mailbox     mapi.GUID
	Admin       bool   // may open the mailboxes of others
	Database    string // that the mailbox lies in; empty: a default one
}

// ID is the id of a folder (FID) or message (MID): the replica id in the upper 16 bits, the 48-bit counter below.
type ID uint64

// Counter is the global counter.
func (id ID) Counter() uint64 { return uint64(id) & (1<<48 - 1) }

// Replica is the replica id.
func (id ID) Replica() uint16 { return uint16(id >> 48) }

func newID(replica uint16, counter uint64) ID { return ID(replica)<<48 | ID(counter&(1<<48-1)) }

// wire is the id in the byte order of the protocol ([MS-OXCDATA] 2.2.1).
func (id ID) wire() oxcdata.ID { return oxcdata.NewID(id.Replica(), id.Counter()) }

func wireID(w oxcdata.ID) ID { return newID(w.Replica(), w.Counter()) }

// Mailbox is a store that knows its folders and items by the ids of the protocol too. Its folders may be [ItemOpener],
// [Mover], [ReadMarker]; what they are not is done by other means or refused. A writer of one of its items takes properties
// of the item itself until Commit, also after recipients and attachments; the last value counts.
type Mailbox interface {
	mapi.Store
	// Identity tells the mailbox GUID and the replica of new ids.
	Identity() Identity

	FolderEntryID(fid ID) mapi.EntryID
	MessageEntryID(fid, mid ID) mapi.EntryID
	// FolderID and MessageID read entry ids; what isn't one of this mailbox is mapi.ErrNotFound.
	FolderID(e mapi.EntryID) (fid ID, err error)
	MessageID(e mapi.EntryID) (fid, mid ID, err error)

	ReplicaGUID(replica uint16) (mapi.GUID, bool)
	// ReplicaID is the replica id of a GUID; an unknown one gets one with create and is mapi.ErrNotFound otherwise.
	ReplicaID(ctx context.Context, g mapi.GUID, create bool) (uint16, error)
	// ReserveIDs takes n counters in a row and gives the first.
	ReserveIDs(ctx context.Context, n uint32) (ID, error)

	// PropIDs gives the ids of named properties, 0 for those that have none and, without create, get none.
	PropIDs(ctx context.Context, names []mapi.PropName, create bool) ([]uint16, error)
	// PropNames gives the names of property ids, the zero name where there is none.
	PropNames(ctx context.Context, ids []uint16) ([]mapi.PropName, error)
	// AllPropNames are all named properties.
	AllPropNames(ctx context.Context) (map[uint16]mapi.PropName, error)
}

// Identity is what a mailbox calls itself.
type Identity struct {
	Mailbox     mapi.GUID
	Replica     uint16
	ReplicaGUID mapi.GUID
}

// ItemOpener is a folder that opens an item without reading its large values: those are Blobs.
type ItemOpener interface {
	OpenItem(ctx context.Context, id mapi.EntryID) (*mapi.Item, error)
}

// Mover is a folder that copies and moves items within its mailbox.
type Mover interface {
	Move(ctx context.Context, ids []mapi.EntryID, to mapi.EntryID) ([]mapi.EntryID, error)
	Copy(ctx context.Context, ids []mapi.EntryID, to mapi.EntryID) ([]mapi.EntryID, error)
	// MoveFolder puts the folder itself below another, under a new name if one is given.
	MoveFolder(ctx context.Context, to mapi.EntryID, name string) error
}

// ReadMarker is a folder that sets the read flag of items, which is no change of the items.
type ReadMarker interface {
	SetRead(ctx context.Context, ids []mapi.EntryID, read bool) error
}

// Synchronized is a mailbox that numbers its changes: what incremental change synchronization needs ([MS-OXCFXICS]
// 3.2.5.2). One that isn't has no such thing.
type Synchronized interface {
	// LastChange is the last change number given out: all changes up to it can be seen.
	LastChange(ctx context.Context) (ID, error)
	// ItemChanges lists the items of a folder, normal and associated ones, by rising change number.
	ItemChanges(ctx context.Context, fid ID) iter.Seq2[ItemState, error]
	// FolderChanges lists all folders below one, parents first.
	FolderChanges(ctx context.Context, below ID) iter.Seq2[FolderState, error]
	// Version tells which version of an item is there.
	Version(ctx context.Context, fid, mid ID) (Version, error)

	// FindItem and FindFolder find objects by source key, soft-deleted ones too.
	FindItem(ctx context.Context, sourceKey []byte) (fid, mid ID, err error)
	FindFolder(ctx context.Context, sourceKey []byte) (fid ID, err error)
	// WasDeleted tells whether an object with a source key was there and is gone for good.
	WasDeleted(ctx context.Context, sourceKey []byte) (bool, error)

	// CreateItem, ReplaceItem and MoveItem are those of folders, for a version that was made elsewhere. Zero members of it
	// are made by the mailbox.
	CreateItem(ctx context.Context, fid ID, k mapi.Kind, v Version) (mapi.ItemWriter, error)
	ReplaceItem(ctx context.Context, fid, mid ID, v Version) (mapi.ItemWriter, error)
	MoveItem(ctx context.Context, fid, mid, to ID, v Version) (ID, error)
	// CreateFolder and ChangeFolder likewise. ChangeFolder puts the folder below parent if it isn't there.
	CreateFolder(ctx context.Context, parent ID, name string, props mapi.Props, v Version) (ID, error)
	ChangeFolder(ctx context.Context, fid, parent ID, name string, props mapi.Props, v Version) error
}

// ItemState is an item's line in the list of changes.
type ItemState struct {
	ID     ID
	CN     ID // of the last change
	ReadCN ID // of the last change of the read flag
	Read   bool
	Kind   mapi.Kind
	Size   int64
}

// FolderState is a folder's.
type FolderState struct{ ID, Parent, CN ID }

// Version is a version of an item or folder.
type Version struct {
	ID                        ID
	CN, ReadCN                ID // given by the mailbox
	SourceKey, ChangeKey, PCL []byte
	Modified                  mapi.FileTime
	Size                      int64
	Deleted                   bool // soft-deleted
}

// PropSetter is a mailbox whose own properties can be changed.
type PropSetter interface {
	SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error
}
