// Package memstore is a message store in memory: the reference implementation of the contract of package mapi, for
// tests of what stands on stores. Nothing of it outlives the process.
//
// It is exact and strict: what is written comes back value for value with nothing added, and values that don't have the
// type of their key are refused. Values from mapi.LargeValue on are read as streams. Tables show PidTagEntryId,
// PidTagParentEntryId, PidTagMessageSize and PidTagHasAttachments of items that don't carry them.
package memstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Config says what kind of store to make. The zero value is a mailbox with all special folders.
type Config struct {
	Name         string // PidTagDisplayName of the store; "Mailbox" when empty
	NoSoftDelete bool   // no Recoverable Items: every deletion is for good

	Without []mapi.Role                                    // special folders that it begins without, and what would lie in them
	Deliver func(ctx context.Context, it *mapi.Item) error // what Submit gives items to; nil: they go nowhere
}

// Store is a store in memory.
type Store struct {
	config Config
	uid    [8]byte // begins every id, so that another store's id is never taken for one of this

	mu       sync.RWMutex
	lastID   uint64
	closed   bool
	readOnly bool
	away     mapi.OutOfOffice
	folders  map[mapi.EntryID]*node
	special  map[mapi.Role]*node
}

// node is a folder. Its fields are guarded by the store's mutex; the entries that its lists point to never change.
type node struct {
	id       mapi.EntryID
	parent   *node // of the root: itself
	children []*node
	role     mapi.Role
	props    mapi.Props
	lists    [3][]*entry // by kind
	gone     bool
}

// entry is an item as it was committed. A change makes a new entry.
type entry struct {
	id   mapi.EntryID
	item *mapi.Item
}

// specials are the special folders, parents before children.
var specials = []struct {
	role, parent mapi.Role
	name, class  string
}{
	{mapi.RoleRoot, mapi.RoleRoot, "Root", ""},
	{mapi.RoleIPM, mapi.RoleRoot, "Top of Information Store", ""},
	{mapi.RoleInbox, mapi.RoleIPM, "Inbox", "IPF.Note"},
	{mapi.RoleOutbox, mapi.RoleIPM, "Outbox", "IPF.Note"},
	{mapi.RoleSent, mapi.RoleIPM, "Sent Items", "IPF.Note"},
	{mapi.RoleDeleted, mapi.RoleIPM, "Deleted Items", "IPF.Note"},
	{mapi.RoleDrafts, mapi.RoleIPM, "Drafts", "IPF.Note"},
	{mapi.RoleCalendar, mapi.RoleIPM, "Calendar", "IPF.Appointment"},
	{mapi.RoleContacts, mapi.RoleIPM, "Contacts", "IPF.Contact"},
	{mapi.RoleTasks, mapi.RoleIPM, "Tasks", "IPF.Task"},
	{mapi.RoleNotes, mapi.RoleIPM, "Notes", "IPF.StickyNote"},
	{mapi.RoleJournal, mapi.RoleIPM, "Journal", "IPF.Journal"},
	{mapi.RoleJunk, mapi.RoleIPM, "Junk E-mail", "IPF.Note"},
	{mapi.RoleSyncIssues, mapi.RoleIPM, "Sync Issues", "IPF.Note"},
	{mapi.RoleConflicts, mapi.RoleSyncIssues, "Conflicts", "IPF.Note"},
	{mapi.RoleLocalFailures, mapi.RoleSyncIssues, "Local Failures", "IPF.Note"},
	{mapi.RoleServerFailures, mapi.RoleSyncIssues, "Server Failures", "IPF.Note"},
	{mapi.RoleCommonViews, mapi.RoleRoot, "Common Views", ""},
	{mapi.RoleViews, mapi.RoleRoot, "Views", ""},
	{mapi.RoleFinder, mapi.RoleRoot, "Finder", ""},
	{mapi.RoleSchedule, mapi.RoleRoot, "Schedule", ""},
	{mapi.RoleShortcuts, mapi.RoleRoot, "Shortcuts", ""},
	{mapi.RoleSpooler, mapi.RoleRoot, "Spooler Queue", ""},
	{mapi.RoleDeferred, mapi.RoleRoot, "Deferred Action", ""},
	{mapi.RoleReminders, mapi.RoleRoot, "Reminders", "Outlook.Reminder"},
}

// New makes a store with its special folders.
func New(c Config) *Store {
	if c.Name == "" {
		c.Name = "Mailbox"
	}
	s := &Store{config: c, folders: map[mapi.EntryID]*node{}, special: map[mapi.Role]*node{}}
	rand.Read(s.uid[:])
	for _, f := range specials {
		parent, ok := s.special[f.parent]
		if (ok || f.role == mapi.RoleRoot) && !slices.Contains(c.Without, f.role) {
			s.addSpecial(f.role, parent, f.name, f.class)
		}
	}
	return s
}

// SetReadOnly makes the store refuse changes, or take them again.
func (s *Store) SetReadOnly(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = on
}

func (s *Store) newID() mapi.EntryID {
	s.lastID++
	return mapi.EntryID(binary.BigEndian.AppendUint64(s.uid[:len(s.uid):len(s.uid)], s.lastID))
}

func (s *Store) addFolder(parent *node, name string, props mapi.Props) *node {
	n := &node{id: s.newID(), parent: parent, props: props}
	setText(&n.props, pid.TagDisplayName, name)
	if parent == nil {
		n.parent = n
	} else {
		parent.children = append(parent.children, n)
	}
	s.folders[n.id] = n
	return n
}

// Props implements mapi.Store.
func (s *Store) Props(ctx context.Context) (mapi.Props, error) {
	defer s.rlock()()
	if err := s.usable(ctx, "read store", false); err != nil {
		return nil, err
	}
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagDisplayName), Value: s.config.Name},
		{Key: mapi.TagKey(pid.TagMailboxOwnerName), Value: s.config.Name},
		{Key: mapi.TagKey(pid.TagRecordKey), Value: s.uid[:]},
	}, nil
}

// Special implements mapi.Store.
func (s *Store) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	defer s.rlock()()
	if err := s.usable(ctx, "find special folder", false); err != nil {
		return "", err
	}
	if n, ok := s.special[r]; ok {
		return n.id, nil
	}
	return "", fail("find special folder", string(r), mapi.ErrNotFound)
}

// Folder implements mapi.Store.
func (s *Store) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	defer s.rlock()()
	if err := s.usable(ctx, "open folder", false); err != nil {
		return nil, err
	}
	if n, ok := s.folders[id]; ok {
		return &Folder{s, n}, nil
	}
	return nil, fail("open folder", "", mapi.ErrNotFound)
}

// Close implements mapi.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *Store) rlock() func() { s.mu.RLock(); return s.mu.RUnlock }
func (s *Store) lock() func()  { s.mu.Lock(); return s.mu.Unlock }

// usable tells why an operation cannot be done, if so. The lock is held.
func (s *Store) usable(ctx context.Context, op string, write bool) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.closed:
		return fail(op, "", mapi.ErrInvalidObject)
	case write && s.readOnly:
		return fail(op, "", mapi.ErrNoSupport)
	}
	return nil
}

func fail(op, object string, c mapi.Code) error { return &mapi.Error{Op: op, Object: object, Code: c} }
