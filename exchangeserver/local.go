package exchangeserver

import (
	"context"
	"sync"

	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
)

// Local is the [Backend] of a data directory: users in its directory file, mailboxes in store files.
type Local struct {
	dir *directory.Directory

	mu   sync.Mutex
	open map[mapi.GUID]*sharedStore
}

// OpenLocal serves a data directory. The caller closes it after the server.
func OpenLocal(ctx context.Context, path string) (*Local, error) {
	d, err := directory.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return NewLocal(d), nil
}

// NewLocal serves an open data directory, which Close closes.
func NewLocal(d *directory.Directory) *Local {
	return &Local{dir: d, open: map[mapi.GUID]*sharedStore{}}
}

// Directory is the data directory.
func (l *Local) Directory() *directory.Directory { return l.dir }

// Domain is the mail domain of the users.
func (l *Local) Domain() string { return l.dir.Domain() }

// Close ends the use of the directory. Mailboxes must have been closed before.
func (l *Local) Close() error { return l.dir.Close() }

// Authenticate implements Backend.
func (l *Local) Authenticate(ctx context.Context, login, password string) (User, error) {
	u, err := l.dir.Authenticate(ctx, login, password)
	return User(u), err
}

// NTHash implements NTHasher.
func (l *Local) NTHash(ctx context.Context, login string) ([16]byte, bool, error) {
	return l.dir.NTHash(ctx, login)
}

// Users implements Backend.
func (l *Local) Users(ctx context.Context) ([]User, error) {
	list, err := l.dir.Users(ctx)
	users := make([]User, len(list))
	for i, u := range list {
		users[i] = User(u)
	}
	return users, err
}

// sharedStore is an open store file with the number of its users: one connection pool serves all sessions of a mailbox.
type sharedStore struct {
	*localstore.Store
	users int
}

// OpenMailbox implements Backend.
func (l *Local) OpenMailbox(ctx context.Context, guid mapi.GUID) (Mailbox, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.open[guid]
	if s == nil {
		st, err := localstore.Open(ctx, l.dir.MailboxPath(guid))
		if err != nil {
			return nil, err
		}
		s = &sharedStore{Store: st}
		l.open[guid] = s
	}
	s.users++
	return &localMailbox{Store: s.Store, close: sync.OnceValue(func() error { return l.release(guid, s) })}, nil
}

func (l *Local) release(guid mapi.GUID, s *sharedStore) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	delete(l.open, guid)
	return s.Store.Close()
}

// localMailbox is a store file as a Mailbox.
type localMailbox struct {
	*localstore.Store
	close func() error
}

var (
	_ Mailbox    = (*localMailbox)(nil)
	_ PropSetter = (*localMailbox)(nil)
	_ ItemOpener = (*localFolder)(nil)
	_ Mover      = (*localFolder)(nil)
	_ ReadMarker = (*localFolder)(nil)
)

func (m *localMailbox) Close() error { return m.close() }

// Watch implements Watcher.
func (m *localMailbox) Watch(f func([]Event)) (stop func()) {
	return m.Store.Watch(func(list []localstore.Event) {
		events := make([]Event, len(list))
		for i, e := range list {
			events[i] = Event{Kind: EventKind(e.Kind), Folder: ID(e.Folder), Item: ID(e.Item), Parent: ID(e.Parent), OldFolder: ID(e.OldFolder),
				OldItem: ID(e.OldItem), OldParent: ID(e.OldParent), Associated: e.Associated}
		}
		f(events)
	})
}

func (m *localMailbox) Identity() Identity {
	in := m.Info()
	return Identity{Mailbox: in.MailboxGUID, Replica: in.ReplicaID, ReplicaGUID: in.ReplicaGUID}
}

func (m *localMailbox) FolderEntryID(fid ID) mapi.EntryID {
	return m.Store.FolderEntryID(localstore.ID(fid))
}

func (m *localMailbox) MessageEntryID(fid, mid ID) mapi.EntryID {
	return m.Store.MessageEntryID(localstore.ID(fid), localstore.ID(mid))
}

func (m *localMailbox) FolderID(e mapi.EntryID) (ID, error) {
	fid, err := m.Store.FolderID(e)
	return ID(fid), err
}

func (m *localMailbox) MessageID(e mapi.EntryID) (fid, mid ID, err error) {
	f, i, err := m.Store.MessageID(e)
	return ID(f), ID(i), err
}

func (m *localMailbox) ReserveIDs(ctx context.Context, n uint32) (ID, error) {
	id, err := m.Store.ReserveIDs(ctx, n)
	return ID(id), err
}

func (m *localMailbox) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := m.folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return &localFolder{f, m}, nil
}

func (m *localMailbox) folder(ctx context.Context, id mapi.EntryID) (*localstore.Folder, error) {
	fid, err := m.Store.FolderID(id)
	if err != nil {
		return nil, err
	}
	return m.FolderByID(ctx, fid)
}

// localFolder is a folder whose targets are named by entry id.
type localFolder struct {
	*localstore.Folder
	m *localMailbox
}

func (f *localFolder) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	sub, err := f.Folder.CreateFolder(ctx, name, props)
	if err != nil {
		return nil, err
	}
	return &localFolder{sub.(*localstore.Folder), f.m}, nil
}

func (f *localFolder) Move(ctx context.Context, ids []mapi.EntryID, to mapi.EntryID) ([]mapi.EntryID, error) {
	dest, err := f.m.folder(ctx, to)
	if err != nil {
		return nil, err
	}
	return f.Folder.Move(ctx, ids, dest)
}

func (f *localFolder) Copy(ctx context.Context, ids []mapi.EntryID, to mapi.EntryID) ([]mapi.EntryID, error) {
	dest, err := f.m.folder(ctx, to)
	if err != nil {
		return nil, err
	}
	return f.Folder.Copy(ctx, ids, dest)
}

func (f *localFolder) MoveFolder(ctx context.Context, to mapi.EntryID, name string) error {
	dest, err := f.m.folder(ctx, to)
	if err != nil {
		return err
	}
	return f.Folder.MoveTo(ctx, dest, name)
}
