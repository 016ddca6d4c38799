package mapi

import (
	"context"
	"io"
	"iter"
)

// EntryID names a folder or an item inside one store. It is opaque: only its store can tell what it says, and only that
// store may compare it. The bytes are held as a string so that it can be a map key.
type EntryID string

// Role is what a folder is for, whatever its name and language ([MS-OXOSFLD] 2.2).
type Role string

// Roles of special folders. RoleRoot is the invisible root, RoleIPM the visible one ("Top of Information Store").
const (
	RoleRoot           Role = "root"
	RoleIPM            Role = "ipm"
	RoleInbox          Role = "inbox"
	RoleOutbox         Role = "outbox"
	RoleSent           Role = "sent"
	RoleDeleted        Role = "deleted"
	RoleDrafts         Role = "drafts"
	RoleCalendar       Role = "calendar"
	RoleContacts       Role = "contacts"
	RoleTasks          Role = "tasks"
	RoleNotes          Role = "notes"
	RoleJournal        Role = "journal"
	RoleJunk           Role = "junk"
	RoleSyncIssues     Role = "sync-issues"
	RoleConflicts      Role = "conflicts"
	RoleLocalFailures  Role = "local-failures"
	RoleServerFailures Role = "server-failures"
	RoleCommonViews    Role = "common-views"
	RoleViews          Role = "views"
	RoleFinder         Role = "finder"
	RoleSchedule       Role = "schedule"
	RoleShortcuts      Role = "shortcuts"
	RoleSpooler        Role = "spooler-queue"
	RoleDeferred       Role = "deferred-action"
	RoleReminders      Role = "reminders"
)

// Roles lists all roles in a fixed order.
var Roles = []Role{
	RoleRoot, RoleIPM, RoleInbox, RoleOutbox, RoleSent, RoleDeleted, RoleDrafts, RoleCalendar, RoleContacts, RoleTasks,
	RoleNotes, RoleJournal, RoleJunk, RoleSyncIssues, RoleConflicts, RoleLocalFailures, RoleServerFailures,
	RoleCommonViews, RoleViews, RoleFinder, RoleSchedule, RoleShortcuts, RoleSpooler, RoleDeferred, RoleReminders,
}

// Kind tells the lists of a folder apart.
type Kind uint8

const (
	Normal      Kind = iota // the items people see
	Associated              // folder-associated information: views, settings, rules
	SoftDeleted             // normal items in Recoverable Items: read only, no Create
)

func (k Kind) String() string {
	return [...]string{"normal", "associated", "soft-deleted"}[min(int(k), 2)]
}

// Store holds mail. A Store may be used by several goroutines at once.
//
// Errors of all methods here and of Folder answer errors.Is with the codes of this package: ErrNotFound for what isn't
// there, ErrNoSupport for what the store cannot do (writing to a snapshot), ErrNoAccess for what the user may not do.
type Store interface {
	// Props are the properties of the store itself (PidTagDisplayName, PidTagMailboxOwnerName, ...).
	Props(ctx context.Context) (Props, error)
	// Special is the folder with a role, or ErrNotFound. RoleRoot and RoleIPM always exist and may be the same folder.
	Special(ctx context.Context, r Role) (EntryID, error)
	// Folder opens a folder.
	Folder(ctx context.Context, id EntryID) (Folder, error)
	// Close ends the use of the store. Folders and writers of it become invalid; uncommitted writers are discarded.
	Close() error
}

// Folder is a folder of a store. It may be used by several goroutines at once.
type Folder interface {
	ID() EntryID
	// Parent is the id of the folder above; of the root it is the root's own id.
	Parent() EntryID
	// Props are all properties of the folder, computed ones (counts) included.
	Props(ctx context.Context) (Props, error)
	// SetProps changes properties at once. What the store computes itself is ignored.
	SetProps(ctx context.Context, set Props, del []Key) error

	// Folders lists the folders directly below.
	Folders(ctx context.Context) iter.Seq2[FolderInfo, error]
	// CreateFolder makes a folder below; ErrCollision when the name is taken (names compare without regard to case).
	CreateFolder(ctx context.Context, name string, props Props) (Folder, error)
	// DeleteFolder removes a folder below with all that is in it.
	DeleteFolder(ctx context.Context, id EntryID) error

	// Rows lists items. The sequence ends after the first error.
	Rows(ctx context.Context, q Query) iter.Seq2[Row, error]
	// Read pushes an item into w: properties, recipients, attachments, depth first. It does not call Commit or End for
	// the item itself. Soft-deleted items can be read by their id too.
	Read(ctx context.Context, id EntryID, w ItemSink) error
	// Create starts a new item.
	Create(ctx context.Context, k Kind) (ItemWriter, error)
	// Replace starts a new content for an existing item; its identity stays. Until Commit the old content is what is seen.
	Replace(ctx context.Context, id EntryID) (ItemWriter, error)
	// Update changes top-level properties of an item at once and leaves the rest of it alone.
	Update(ctx context.Context, id EntryID, set Props, del []Key) error
	// Delete removes items: to Recoverable Items, or for good when hard (or where the store has no such place).
	Delete(ctx context.Context, ids []EntryID, hard bool) error
}

// FolderInfo is a line in a list of folders.
type FolderInfo struct {
	ID          EntryID
	Name        string
	Class       string // PidTagContainerClass: IPF.Note, IPF.Appointment, ...
	Items       int    // normal items
	Unread      int
	Associated  int
	HasChildren bool
	Search      bool // a search folder: its contents are found, not held
	Hidden      bool
}

// Query chooses items of a folder. The zero value lists all normal items with no columns.
type Query struct {
	Kind    Kind
	Columns []Key // the value type asked for matters for strings only
	Where   Restriction
	Sort    []Sort
	Offset  int
	Limit   int // 0: no limit
}

// Row is one item of a list: Values are in the order of Query.Columns, nil where the item lacks the property. Strings and
// binaries longer than 255 characters or 510 bytes may be cut short, as in Exchange's tables; read the item for the whole.
type Row struct {
	ID     EntryID
	Values []Value
}

// ItemSink takes the canonical item stream ([MS-OXCFXICS] 2.2.4): the properties of the item, then each recipient as
// Recipient, properties, End; then each attachment as Attachment, properties, optionally an embedded item as Embedded,
// its content, End; and End for the attachment. An error from a method ends the stream.
type ItemSink interface {
	// Prop is a property with its value in memory.
	Prop(k Key, v Value) error
	// Stream is a large String, String8, Binary or Object property. r gives the raw bytes without terminator: UTF-16LE for
	// String. size is their count, or -1 when unknown. The sink reads r to its end before it returns.
	Stream(k Key, size int64, r io.Reader) error
	Recipient() error
	Attachment() error
	Embedded() error
	End() error
}

// ItemWriter is the sink of an item being written. Nothing is visible before Commit.
type ItemWriter interface {
	ItemSink
	// Commit makes the item durable and visible and returns its id. The writer cannot be used afterwards.
	Commit(ctx context.Context) (EntryID, error)
	// Close discards an item that was not committed; after Commit it does nothing.
	Close() error
}

// Unwrapper is implemented by stores that wrap another: for throttling, logging, counting.
type Unwrapper interface{ Unwrap() Store }

// As finds an optional capability of a store, through wrappers.
func As[T any](s Store) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		u, ok := s.(Unwrapper)
		if !ok {
			break
		}
		s = u.Unwrap()
	}
	var zero T
	return zero, false
}

// LargeValue is the size in bytes from which providers pass a String, Binary or Object as a stream rather than in memory.
const LargeValue = 32 << 10
