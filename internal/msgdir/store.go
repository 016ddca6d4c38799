package msgdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Config says how to open a tree. The zero value reads and writes, and takes no damage.
type Config struct {
	ReadOnly bool
	// Report is told what of a damaged file cannot be read; the rest of its item is. Without it such an item cannot be read
	// at all.
	Report func(file string, problem *mapi.Error)
}

// Store is a tree of directories with .msg files.
type Store struct {
	dir    string
	config Config
	root   *os.Root

	// mu guards what lies in the tree: writing locks it for the moment in which something appears or goes.
	mu     sync.RWMutex
	closed bool

	marks sync.Map // of files, by name

	rolesMu sync.Mutex
	roles   map[mapi.Role]string // where roles were found, nil before they were looked for
}

// Open opens a directory as a store. It is made if it isn't there, but not the directory that it is to be in; with
// Config.ReadOnly, neither. What isn't there is mapi.ErrNotFound.
func Open(ctx context.Context, dir string, c Config) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, failed("open", dir, err)
	}
	if !c.ReadOnly {
		if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, failed("open", dir, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, failed("open", dir, err)
	}
	return &Store{dir: dir, config: c, root: root}, nil
}

// rootID is the id of the root. Ids are paths below it, with slashes.
const rootID mapi.EntryID = "/"

// local is the name within the tree of what an id names. It says nothing about whether it is there.
func local(id mapi.EntryID) (string, bool) {
	p := string(id)
	name := strings.TrimPrefix(p, "/")
	if !strings.HasPrefix(p, "/") || path.Clean(p) != p {
		return "", false
	}
	if name == "" {
		return ".", true
	}
	for _, part := range strings.Split(name, "/") {
		if part[0] == '.' && part != associatedDir {
			return "", false
		}
	}
	return name, filepath.IsLocal(filepath.FromSlash(name))
}

func idOf(name string) mapi.EntryID { return mapi.EntryID(path.Join("/", name)) }

// Props implements mapi.Store.
func (s *Store) Props(ctx context.Context) (mapi.Props, error) {
	if err := s.usable(ctx, "read store", false); err != nil {
		return nil, err
	}
	return mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: filepath.Base(s.dir)}}, nil
}

// Special implements mapi.Store: it looks for the role in the folders' files.
func (s *Store) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	const op = "find special folder"
	if err := s.usable(ctx, op, false); err != nil {
		return "", err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	name, err := s.withRole(ctx, r)
	switch {
	case err != nil:
		return "", err
	case name != "":
		return idOf(name), nil
	case r == mapi.RoleRoot, r == mapi.RoleIPM:
		return rootID, nil
	}
	return "", fail(op, string(r), mapi.ErrNotFound)
}

// withRole finds the folder that says it has a role, or "". The tree is searched when it is first asked, and again
// when what was found isn't so any more. The lock is held.
func (s *Store) withRole(ctx context.Context, r mapi.Role) (string, error) {
	s.rolesMu.Lock()
	defer s.rolesMu.Unlock()
	name, found := s.roles[r]
	if s.roles != nil && (!found || slices.Contains(s.info(name).Roles, r)) {
		return name, nil
	}
	roles, err := s.findRoles(ctx)
	if err != nil {
		return "", err
	}
	s.roles = roles
	return roles[r], nil
}

func (s *Store) findRoles(ctx context.Context) (map[mapi.Role]string, error) {
	roles := map[mapi.Role]string{}
	err := fs.WalkDir(s.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return failed("find special folders", "", err)
		case err != nil || !e.IsDir():
			return nil // a folder that cannot be read says nothing
		case name != "." && e.Name()[0] == '.':
			return fs.SkipDir
		}
		for _, r := range s.info(name).Roles {
			if roles[r] == "" && r != mapi.RoleRoot {
				roles[r] = name
			}
		}
		return nil
	})
	return roles, err
}

// SetRole says what a folder is for, and takes the role from the folder that had it.
func (s *Store) SetRole(ctx context.Context, id mapi.EntryID, r mapi.Role) error {
	const op = "set role"
	if err := s.usable(ctx, op, true); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, err := s.folderName(op, id)
	if err != nil {
		return err
	}
	if r == mapi.RoleRoot || r == mapi.RoleIPM && id == rootID {
		if id != rootID {
			return fail(op, string(r), mapi.ErrInvalidParameter)
		}
		return nil // the root has them anyway
	}
	had, err := s.withRole(ctx, r)
	if err != nil || had == name {
		return err
	}
	s.rolesMu.Lock()
	s.roles[r] = name
	s.rolesMu.Unlock()
	if had != "" {
		info := s.info(had)
		info.Roles = slices.DeleteFunc(info.Roles, func(x mapi.Role) bool { return x == r })
		if err := s.setInfo(had, info); err != nil {
			return err
		}
	}
	info := s.info(name)
	info.Roles = append(info.Roles, r)
	return s.setInfo(name, info)
}

// folderName finds a folder by its id. The lock is held.
func (s *Store) folderName(op string, id mapi.EntryID) (string, error) {
	name, ok := local(id)
	if !ok || strings.Contains(name, associatedDir) {
		return "", fail(op, "", mapi.ErrNotFound)
	}
	st, err := s.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !st.IsDir():
		return "", fail(op, name, mapi.ErrNotFound)
	case err != nil:
		return "", failed(op, name, err)
	}
	return name, nil
}

// Folder implements mapi.Store.
func (s *Store) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	const op = "open folder"
	if err := s.usable(ctx, op, false); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	name, err := s.folderName(op, id)
	if err != nil {
		return nil, err
	}
	return &Folder{s, name}, nil
}

// Close implements mapi.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.root.Close()
}

// usable tells why an operation cannot be done, if so. The lock is not held.
func (s *Store) usable(ctx context.Context, op string, write bool) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.closed:
		return fail(op, "", mapi.ErrInvalidObject)
	case write && s.config.ReadOnly:
		return fail(op, "", mapi.ErrNoSupport)
	}
	return nil
}

func fail(op, object string, c mapi.Code) error { return &mapi.Error{Op: op, Object: object, Code: c} }

// failed is an error of the file system.
func failed(op, object string, err error) error {
	e := &mapi.Error{Op: op, Object: object, Code: mapi.ErrDisk, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Code = mapi.ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		e.Code = mapi.ErrNoAccess
	case errors.Is(err, syscall.ENOSPC), runtime.GOOS == "windows" && errors.Is(err, errWindowsDiskFull):
		e.Code = mapi.ErrOutOfDisk
	}
	return e
}

// errWindowsDiskFull is ERROR_DISK_FULL.
const errWindowsDiskFull = syscall.Errno(112)
