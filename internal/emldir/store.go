// Package emldir is a folder tree of .eml files as a message store that can be read: directories are folders, files are
// their items. Symbolic links and files with other names are left out.
//
// Ids are paths below the directory of the store: they are good for as long as nothing is renamed. There are no special
// folders but the root, because names of directories say nothing sure about what they are for. Items can be added with
// Config.Write; all other writing is refused with mapi.ErrNoSupport.
package emldir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Ext is how the names of messages end, in any case.
const Ext = ".eml"

// Config says how messages are read. The zero value refuses those that have lost something.
type Config struct {
	// Damage is told what is wrong with a message that is read, and its path; with nil reading goes on with what is there.
	// See mime.Options.
	Damage func(path string, e *mapi.Error) error
	// Write lets folders and items be added, in a directory that is made if it isn't there. Files hold of an item what MIME can; associated items
	// are refused.
	Write bool
}

// Store is an open directory.
type Store struct {
	config Config
	name   string
	root   *os.Root
}

// Open opens a directory. It fails with mapi.ErrNotFound when there is none.
func Open(dir string, c Config) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fail("open store", dir, err)
	}
	if c.Write {
		if err := os.MkdirAll(abs, 0o777); err != nil {
			return nil, fail("open store", dir, err)
		}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fail("open store", dir, err)
	}
	return &Store{c, filepath.Base(abs), root}, nil
}

// Props implements mapi.Store.
func (s *Store) Props(ctx context.Context) (mapi.Props, error) {
	return mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: s.name}}, ctx.Err()
}

// Special implements mapi.Store.
func (s *Store) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	if r != mapi.RoleRoot && r != mapi.RoleIPM {
		return "", fail("find special folder", string(r), mapi.ErrNotFound)
	}
	return folderID("."), ctx.Err()
}

// Folder implements mapi.Store.
func (s *Store) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	const op = "open folder"
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, ok := strings.CutPrefix(string(id), folderPrefix)
	if !ok || !fs.ValidPath(dir) {
		return nil, fail(op, "", mapi.ErrNotFound)
	}
	st, err := s.root.Lstat(filepath.FromSlash(dir))
	if err == nil && !st.IsDir() {
		err = mapi.ErrNotFound
	}
	if err != nil {
		return nil, fail(op, dir, err)
	}
	return &Folder{s, dir}, nil
}

// Close implements mapi.Store.
func (s *Store) Close() error { return s.root.Close() }

// Ids of folders and items are told apart by their first letter; a path with slashes follows.
const (
	folderPrefix = "D"
	itemPrefix   = "F"
)

func folderID(dir string) mapi.EntryID { return mapi.EntryID(folderPrefix + dir) }

func itemID(file string) mapi.EntryID { return mapi.EntryID(itemPrefix + file) }

// fail gives an error its operation and, if the system has said it, its code.
func fail(op, object string, err error) error {
	e := &mapi.Error{Op: op, Object: object, Err: err}
	var code mapi.Code
	var inner *mapi.Error
	switch {
	case errors.As(err, &code):
		e.Code, e.Err = code, nil
	case errors.As(err, &inner):
		e.Code = inner.Code
	case errors.Is(err, fs.ErrNotExist):
		e.Code = mapi.ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		e.Code = mapi.ErrNoAccess
	case errors.Is(err, fs.ErrClosed):
		e.Code = mapi.ErrInvalidObject
	default:
		e.Code = mapi.ErrDisk
	}
	return e
}
