package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/restic/storage"
	secrets "github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
)

// What can be wrong with a repository, for errors.Is.
var (
	// ErrNoRepository says that there is no repository at the place given.
	ErrNoRepository = restic.ErrNoRepository
	// ErrExists says that Init found a repository already in place.
	ErrExists = restic.ErrExists
	// ErrWrongPassword says that the password opens none of the repository's keys.
	ErrWrongPassword = restic.ErrWrongPassword
	// ErrLocked says that another process works on the repository; the error is a [*LockedError] that names it.
	ErrLocked = restic.ErrLocked
	// ErrLockLost says that the repository could not be kept locked, so that what was begun had to end.
	ErrLockLost = restic.ErrLockLost
	// ErrDamaged says that a file in the repository isn't what was once written; the error is a [*DamagedError] that names it.
	ErrDamaged = restic.ErrDamaged
	// ErrNotFound says that no snapshot fits, or that something a snapshot needs isn't there.
	ErrNotFound = restic.ErrNotFound
	// ErrAmbiguous says that a shortened snapshot id fits several.
	ErrAmbiguous = restic.ErrAmbiguous
	// ErrStorageLogon says that the storage a repository lies on doesn't accept the credentials.
	ErrStorageLogon = storage.ErrLogon
	// ErrNoMailbox says that a snapshot holds no mailbox: another program made it of other files.
	ErrNoMailbox = snapshot.ErrNoMailbox
)

// LockedError names the process whose lock stands in the way.
type LockedError = restic.LockedError

// DamagedError names the damaged file.
type DamagedError = restic.DamagedError

// HostKeyError says that an SSH server can't be trusted: its key isn't the one that is known.
type HostKeyError = storage.HostKeyError

// Password gives a repository's password when it is needed. It may ask a person.
type Password func(ctx context.Context) (string, error)

// FixedPassword is a password that is known.
func FixedPassword(password string) Password {
	return func(context.Context) (string, error) { return password, nil }
}

// Repository is an open repository. It may be used by several goroutines at once.
type Repository struct {
	place string
	repo  *restic.Repository
}

// Storage says how repositories on servers are reached. The zero value takes credentials from the environment, the user's
// files and the SSH agent.
type Storage struct {
	// Secrets keeps passwords, by the names that docs/repository.md tells; nil: there are none.
	Secrets SecretStore
	// CAFile is a file of certificates (PEM) to trust besides the system's.
	CAFile string
}

// SecretStore keeps secrets by name: a keyring or an encrypted file.
type SecretStore = secrets.Store

// config is what package storage wants.
func (s Storage) config() *storage.Config {
	c := &storage.Config{CAFile: s.CAFile}
	if s.Secrets != nil {
		c.Secret = func(_ context.Context, name string) (string, error) { return s.Secrets.Get(secrets.Name(name)) }
	}
	return c
}

// Init makes a repository in a place: a directory, which need not exist, or a server, as docs/repository.md tells. It fails
// with ErrExists where there is one.
func Init(ctx context.Context, place string, password Password) (*Repository, error) {
	return Storage{}.Init(ctx, place, password)
}

// Open opens the repository in a place. It fails with ErrNoRepository or ErrWrongPassword, among others.
func Open(ctx context.Context, place string, password Password) (*Repository, error) {
	return Storage{}.Open(ctx, place, password)
}

// Init is as the function Init.
func (s Storage) Init(ctx context.Context, place string, password Password) (*Repository, error) {
	return s.connect(ctx, "create repository", place, password, restic.Create)
}

// Open is as the function Open.
func (s Storage) Open(ctx context.Context, place string, password Password) (*Repository, error) {
	return s.connect(ctx, "open repository", place, password, restic.Open)
}

type connector func(context.Context, restic.Backend, string, *restic.Config) (*restic.Repository, error)

func (s Storage) connect(ctx context.Context, op, place string, password Password, do connector) (*Repository, error) {
	be, err := storage.Open(place, s.config())
	if err != nil {
		return nil, &mapi.Error{Op: op, Code: mapi.ErrInvalidParameter, Err: err}
	}
	fail := func(err error) (*Repository, error) { return nil, fmt.Errorf("%s %s: %w", op, place, err) }
	if password == nil {
		return fail(errors.New("no password was given"))
	}
	secret, err := password(ctx)
	if err != nil {
		return fail(err)
	}
	repo, err := do(ctx, be, secret, nil)
	if err != nil {
		return fail(err)
	}
	return &Repository{place: place, repo: repo}, nil
}

// String is the place of the repository.
func (r *Repository) String() string { return r.place }

// Snapshot describes a snapshot.
type Snapshot struct {
	ID      string    `json:"id"`
	Short   string    `json:"short_id"`
	Time    time.Time `json:"time"`
	Mailbox string    `json:"mailbox"`
	Server  string    `json:"server,omitempty"`
	Tags    []string  `json:"tags,omitempty"`
	// Tree names all that the snapshot holds: snapshots of the same tree hold the same.
	Tree string `json:"tree,omitempty"`
	// Bytes are those of all files of the snapshot, Added those that the run had to store; 0 when not known.
	Bytes uint64 `json:"bytes,omitempty"`
	Added uint64 `json:"added,omitempty"`
}

// shortID is how many digits restic shows of an id.
const shortID = 8

// Snapshots lists the snapshots of a mailbox, or of all when mailbox is empty, the oldest first; proofs of restores aren't among them. A damaged snapshot file
// doesn't keep the others from being listed: the list comes together with the error.
func (r *Repository) Snapshots(ctx context.Context, mailbox string) ([]Snapshot, error) {
	var list []Snapshot
	var errs []error
	for s, err := range r.repo.Snapshots(ctx) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if snapshot.IsMailbox(s) && (mailbox == "" || snapshot.IsOf(s, mailbox)) {
			list = append(list, describe(s))
		}
	}
	slices.SortFunc(list, func(a, b Snapshot) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID)) })
	return list, errors.Join(errs...)
}

func describe(s *restic.Snapshot) Snapshot {
	d := Snapshot{ID: s.ID().String(), Time: s.Time, Server: s.Hostname, Tags: s.Tags}
	d.Short = d.ID[:shortID]
	if s.Tree != nil {
		d.Tree = s.Tree.String()
	}
	if len(s.Paths) == 1 {
		d.Mailbox = path.Base(s.Paths[0])
	}
	if s.Summary != nil {
		d.Bytes, d.Added = s.Summary.TotalBytesProcessed, s.Summary.DataAdded
	}
	return d
}

// OpenSnapshot opens the mailbox of a snapshot: which is its id or the beginning of it, "latest", or "latest/MAILBOX". The
// repository stays locked until the store is closed, so that nobody prunes what is being read.
func (r *Repository) OpenSnapshot(ctx context.Context, which string) (mapi.Store, error) {
	s, err := r.open(ctx, which)
	if err != nil {
		return nil, fmt.Errorf("open snapshot %s of %s: %w", which, r.place, err)
	}
	return s, nil
}

func (r *Repository) open(ctx context.Context, which string) (*lockedStore, error) {
	// The lock's context must live as long as the store, not as long as this call.
	lock, held, err := r.repo.Lock(context.WithoutCancel(ctx), false)
	if err != nil {
		return nil, err
	}
	snap, err := snapshot.Find(ctx, r.repo, which)
	if err == nil {
		var s *snapshot.Store
		if s, err = snapshot.Open(ctx, r.repo, snap); err == nil {
			return &lockedStore{s, lock, held}, nil
		}
	}
	return nil, errors.Join(err, lock.Unlock())
}

// lockedStore is a snapshot whose repository is locked meanwhile.
type lockedStore struct {
	*snapshot.Store
	lock *restic.Lock
	held context.Context
}

// Unwrap implements mapi.Unwrapper.
func (s *lockedStore) Unwrap() mapi.Store { return s.Store }

// Folder implements mapi.Store. It fails once the lock is lost.
func (s *lockedStore) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	if err := context.Cause(s.held); err != nil {
		return nil, err
	}
	return s.Store.Folder(ctx, id)
}

// Close implements mapi.Store.
func (s *lockedStore) Close() error { return errors.Join(s.Store.Close(), s.lock.Unlock()) }

// OpenAddress opens a snapshot by the part of its address after "snapshot:", REPO#ID or REPO#latest/MAILBOX.
func OpenAddress(ctx context.Context, address string, password Password) (mapi.Store, error) {
	return Storage{}.OpenAddress(ctx, address, password)
}

// OpenAddress is as the function OpenAddress.
func (s Storage) OpenAddress(ctx context.Context, address string, password Password) (mapi.Store, error) {
	place, which := snapshot.ParseAddress(address)
	repo, err := s.Open(ctx, place, password)
	if err != nil {
		return nil, err
	}
	return repo.OpenSnapshot(ctx, which)
}
