package localstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/opencdo/opencdo/mapi"
)

// Options are what a new mailbox is told. All may be zero.
type Options struct {
	Owner       string    // display name of the owner
	SMTP        string    // address of the owner
	LegacyDN    string    // the owner's legacyExchangeDN
	MailboxGUID mapi.GUID // zero: a random one
	ReplicaGUID mapi.GUID // of new ids; zero: a random one
}

// Info is what a store knows of itself.
type Info struct {
	Owner, SMTP, LegacyDN string
	MailboxGUID           mapi.GUID
	ReplicaID             uint16 // of new ids; 1 unless the file is a copy
	ReplicaGUID           mapi.GUID
}

// Store is an open store file. It implements [mapi.Store]. Several Stores may have the same file open, in this process and
// in others.
type Store struct {
	path    string
	mailbox mapi.GUID
	read    *sql.DB // any number of readers
	write   *sql.DB // one connection: its commits are durable
	stage   *sql.DB // one connection: its commits become durable with the next of write
	file    *openFile
	session []byte // marks contents being written through this Store

	mu         sync.RWMutex
	info       Info
	replicas   map[uint16]mapi.GUID
	replicaIDs map[mapi.GUID]uint16
	names      map[uint16]mapi.PropName
	nameIDs    map[mapi.PropName]uint16
	closed     bool

	watching sync.Mutex
	watchers map[*func([]Event)]struct{}
}

var _ mapi.Store = (*Store)(nil)

// openFile is a file that Stores of this process have open. SQLite allows one writer; those of one process wait here, where
// they are served in turn and give up when their context ends.
type openFile struct {
	turn  chan struct{}
	users int
}

var (
	filesMu sync.Mutex
	files   = map[string]*openFile{} // by identity
)

// busyWait is how long another process may hold the file before an operation gives up with ErrBusy.
const busyWait = 30 * time.Second

// Create makes a new store file with the folders of a fresh mailbox. A file that exists is ErrCollision.
func Create(ctx context.Context, path string, o Options) (_ *Store, err error) {
	const op = "create store"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fail(op, path, err)
	}
	f.Close()
	s, err := connect(ctx, path)
	if err != nil {
		os.Remove(path)
		return nil, fail(op, path, err)
	}
	if err := s.create(ctx, o); err != nil {
		s.Close()
		os.Remove(path)
		return nil, fail(op, path, err)
	}
	if dir, err := os.Open(filepath.Dir(path)); err == nil { // the file's name is to last as long as what it holds
		dir.Sync() // not all systems can, and those need not
		dir.Close()
	}
	return s, nil
}

// Open opens a store file, brings it to the present version of the schema, and removes what writers left that no longer
// live. A missing file is ErrNotFound, one that is not a store or damaged ErrCorruptData, one of a later version
// ErrVersion.
//
// A file that is a copy (its device and inode are not those noted in it) gets a new replica GUID for the ids it makes from
// now on, so that the original and the copy never give the same id to two things. A copy put in the place of the
// original, over the same inode, cannot be told: call [Store.Adopt] then.
func Open(ctx context.Context, path string) (*Store, error) {
	const op = "open store"
	if info, err := os.Stat(path); err != nil {
		return nil, fail(op, path, err)
	} else if info.Size() == 0 {
		return nil, fail(op, path, errNotStore)
	}
	s, err := connect(ctx, path)
	if err != nil {
		return nil, fail(op, path, err)
	}
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, fail(op, path, err)
	}
	return s, nil
}

var errNotStore = &mapi.Error{Op: "open store", Code: mapi.ErrCorruptData, Err: errors.New("the file is not a store")}

// connect prepares the connections and registers the file.
func connect(ctx context.Context, path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	id, err := fileIdentity(abs)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, session: make([]byte, 16)}
	rand.Read(s.session)
	dsn := func(more string) string {
		u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: "mode=rw&_pragma=busy_timeout(500)" + more}
		if !strings.HasPrefix(u.Path, "/") {
			u.Path = "/" + u.Path // C:/...
		}
		return u.String()
	}
	const limit = "&_pragma=journal_size_limit(67108864)" // what a large copy leaves of the write-ahead log
	pools := []struct {
		db   **sql.DB
		more string
		max  int
	}{
		// Large transactions spill to the file rather than grow in memory: SQLite's cache is 2 MiB unless told otherwise.
		{&s.read, "&_pragma=query_only(1)", 0},
		{&s.write, "&_txlock=immediate&_pragma=synchronous(full)" + limit, 1},
		{&s.stage, "&_txlock=immediate&_pragma=synchronous(normal)" + limit, 1},
	}
	for _, p := range pools {
		if *p.db, err = sql.Open("sqlite", dsn(p.more)); err != nil {
			return nil, err
		}
		(*p.db).SetMaxOpenConns(p.max)
		(*p.db).SetMaxIdleConns(4)
	}
	filesMu.Lock()
	defer filesMu.Unlock()
	if s.file = files[id]; s.file == nil {
		s.file = &openFile{turn: make(chan struct{}, 1)}
		files[id] = s.file
	}
	s.file.users++
	return s, nil
}

func (s *Store) create(ctx context.Context, o Options) error {
	for _, g := range []*mapi.GUID{&o.MailboxGUID, &o.ReplicaGUID} {
		if *g == (mapi.GUID{}) {
			*g = newGUID()
		}
	}
	id, err := fileIdentity(s.path)
	if err != nil {
		return err
	}
	// 8 KiB pages: large values in half as many steps, and an item's row still shares its page with others.
	for _, p := range []string{"PRAGMA page_size = 8192", "PRAGMA journal_mode = WAL"} {
		if _, err := s.write.ExecContext(ctx, p); err != nil {
			return err
		}
	}
	s.mailbox = o.MailboxGUID
	err = s.update(ctx, func(tx *tx) error {
		if err := migrate(tx, 0); err != nil {
			return err
		}
		if err := tx.exec("INSERT INTO mailbox VALUES (1, ?, 1, 0, ?, ?, ?, ?, x'')", o.MailboxGUID[:], id, o.Owner, o.SMTP, o.LegacyDN); err != nil {
			return err
		}
		if err := tx.exec("INSERT INTO replicas VALUES (1, ?)", o.ReplicaGUID[:]); err != nil {
			return err
		}
		return createFolders(tx)
	})
	if err != nil {
		return err
	}
	return s.load(ctx)
}

func (s *Store) open(ctx context.Context) error {
	var app, version int
	if err := s.write.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return err
	}
	if err := s.write.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if app != applicationID {
		return errNotStore
	}
	if version > len(migrations) {
		return &mapi.Error{Op: "open store", Object: s.path, Code: mapi.ErrVersion, Err: fmt.Errorf("the file has format %d, this program knows up to %d: use a newer one", version, len(migrations))}
	}
	if err := s.collect(ctx); err != nil {
		return err
	}
	if version < len(migrations) {
		err := s.update(ctx, func(tx *tx) error {
			if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil { // another may have been first
				return err
			}
			return migrate(tx, version)
		})
		if err != nil {
			return err
		}
	}
	id, err := fileIdentity(s.path)
	if err != nil {
		return err
	}
	var noted string
	if err := s.write.QueryRowContext(ctx, "SELECT file FROM mailbox").Scan(&noted); err != nil {
		return err
	}
	if noted != id {
		if err := s.adopt(ctx, noted, id); err != nil {
			return err
		}
	}
	return s.load(ctx)
}

func migrate(tx *tx, version int) error {
	for ; version < len(migrations); version++ {
		if err := tx.exec(migrations[version]); err != nil {
			return fmt.Errorf("to format %d: %w", version+1, err)
		}
	}
	return tx.exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, len(migrations)))
}

// Adopt gives the store a new replica GUID for all ids it makes from now on. It is for a file that was restored from a
// copy over the original: ids made since the copy would otherwise be made again for other things.
func (s *Store) Adopt(ctx context.Context) error {
	id, err := fileIdentity(s.path)
	if err == nil {
		err = s.adopt(ctx, "", id)
	}
	if err == nil {
		err = s.load(ctx)
	}
	return s.fail("adopt store", err)
}

// adopt does nothing when the file is no longer noted as it was: another opener did it.
func (s *Store) adopt(ctx context.Context, noted, id string) error {
	return s.update(ctx, func(tx *tx) error {
		var now string
		if err := tx.QueryRowContext(ctx, "SELECT file FROM mailbox").Scan(&now); err != nil {
			return err
		}
		if noted != "" && now != noted {
			return nil
		}
		g := newGUID()
		if err := tx.exec("INSERT INTO replicas SELECT max(id) + 1, ? FROM replicas", g[:]); err != nil {
			return err
		}
		return tx.exec("UPDATE mailbox SET file = ?, replica = (SELECT max(id) FROM replicas)", id)
	})
}

// load reads what is kept in memory.
func (s *Store) load(ctx context.Context) error {
	var guid []byte
	var in Info
	row := s.write.QueryRowContext(ctx, "SELECT guid, replica, owner, smtp, legacy_dn FROM mailbox")
	if err := row.Scan(&guid, &in.ReplicaID, &in.Owner, &in.SMTP, &in.LegacyDN); errors.Is(err, sql.ErrNoRows) {
		return errNotStore
	} else if err != nil {
		return err
	}
	if copy(in.MailboxGUID[:], guid) != len(in.MailboxGUID) {
		return errNotStore
	}
	if s.mailbox != in.MailboxGUID { // only when it is opened: it never changes, and is read without lock
		s.mailbox = in.MailboxGUID
	}
	if err := s.loadReplicas(ctx, s.write); err != nil {
		return err
	}
	if err := s.loadNames(ctx, s.write); err != nil {
		return err
	}
	in.ReplicaGUID = s.replicaGUID(in.ReplicaID)
	s.mu.Lock()
	s.info = in
	s.mu.Unlock()
	return nil
}

// collect removes contents whose writers died. Those alive hold the file open: only when nobody else does, which SQLite
// tells by allowing to leave the WAL mode, the contents seen before are without owner.
func (s *Store) collect(ctx context.Context) error {
	if _, err := s.write.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	var last sql.NullInt64
	if err := s.write.QueryRowContext(ctx, "SELECT max(id) FROM contents WHERE staged IS NOT NULL").Scan(&last); err != nil || !last.Valid {
		return err
	}
	_, err := s.write.ExecContext(ctx, "PRAGMA journal_mode = DELETE")
	alone := err == nil
	if err != nil && !isBusy(err) {
		return err
	}
	if _, err := s.write.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if !alone {
		return nil
	}
	return s.update(ctx, func(tx *tx) error {
		return tx.exec("DELETE FROM contents WHERE staged IS NOT NULL AND id <= ?", last.Int64)
	})
}

// Info is what the store knows of itself.
func (s *Store) Info() Info {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.info
}

// Path is the file.
func (s *Store) Path() string { return s.path }

// Close implements mapi.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	closed, opened := s.closed, s.names != nil
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	var staged error
	if opened {
		ctx, cancel := context.WithTimeout(context.Background(), busyWait)
		defer cancel()
		staged = s.updateOn(ctx, s.write, func(tx *tx) error { return tx.exec("DELETE FROM contents WHERE staged = ?", s.session) })
	}
	err := errors.Join(staged, s.read.Close(), s.stage.Close(), s.write.Close())
	filesMu.Lock()
	defer filesMu.Unlock()
	if s.file.users--; s.file.users == 0 {
		for id, f := range files {
			if f == s.file {
				delete(files, id)
			}
		}
	}
	return s.fail("close store", err)
}

func newGUID() (g mapi.GUID) {
	rand.Read(g[:])
	g[7] = g[7]&0x0F | 0x40 // version 4, in wire order
	g[8] = g[8]&0x3F | 0x80
	return g
}
