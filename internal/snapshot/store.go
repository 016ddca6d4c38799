package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

// ErrNoMailbox says that a snapshot holds no mailbox: it was made by another program, of other files.
var ErrNoMailbox = errors.New("the snapshot holds no mailbox")

// Store is a mailbox in a snapshot: a store that cannot be changed. Entry ids are paths in the snapshot.
type Store struct {
	repo *restic.Repository
	root string // path of the mailbox's directory
	tree restic.ID
	info storeInfo
	fold map[string]mapi.Role // roles by path

	opened atomic.Int64 // items

	mu       sync.Mutex
	closed   bool
	trees    cache[restic.ID, *restic.Tree]
	catalogs cache[restic.ID, *catalog]
}

// How many directories and catalogs are kept: those of a folder in use; a catalog may take a megabyte.
const (
	keptTrees    = 128
	keptCatalogs = 16
)

// Open opens the mailbox of a snapshot. The repository must stay locked while the store is used, or stock restic may prune
// what it needs.
func Open(ctx context.Context, repo *restic.Repository, snap *restic.Snapshot) (*Store, error) {
	const op = "open snapshot"
	s := &Store{repo: repo, fold: map[string]mapi.Role{}}
	s.trees.size, s.catalogs.size = keptTrees, keptCatalogs
	if snap.Tree == nil {
		return nil, &mapi.Error{Op: op, Object: snap.ID().String(), Code: mapi.ErrCorruptData, Err: ErrNoMailbox}
	}
	s.tree = *snap.Tree
	s.root = "/"
	for range maxDepth { // the mailbox is the first directory, or lies deeper if someone backed up a restored one
		tree, _, err := s.dir(ctx, s.root)
		if err != nil {
			return nil, err
		}
		if n := tree.Find(storeFile); n != nil {
			if err := s.readJSON(ctx, n, &s.info); err != nil {
				return nil, err
			}
			if s.info.Format > formatVersion {
				return nil, &mapi.Error{Op: op, Code: mapi.ErrVersion, Err: fmt.Errorf("its layout has version %d, this program knows %d", s.info.Format, formatVersion)}
			}
			for r, p := range s.info.Roles {
				s.fold[path.Join(s.root, p)] = r
			}
			return s, nil
		}
		if len(tree.Nodes) != 1 || tree.Nodes[0].Type != restic.DirNode {
			break
		}
		s.root = path.Join(s.root, tree.Nodes[0].Name)
	}
	return nil, &mapi.Error{Op: op, Object: snap.ID().String(), Code: mapi.ErrNotFound, Err: ErrNoMailbox}
}

// maxDepth bounds directories within each other.
const maxDepth = 1000

// Mailbox is the address that the snapshot was made of.
func (s *Store) Mailbox() string { return s.info.Mailbox }

// Props implements mapi.Store.
func (s *Store) Props(ctx context.Context) (mapi.Props, error) {
	if err := s.usable(ctx, "read store"); err != nil {
		return nil, err
	}
	tree, _, err := s.dir(ctx, s.root)
	if err != nil {
		return nil, err
	}
	return s.readProps(ctx, tree, storeProps)
}

// Special implements mapi.Store.
func (s *Store) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	if err := s.usable(ctx, "find special folder"); err != nil {
		return "", err
	}
	if p, ok := s.info.Roles[r]; ok {
		return mapi.EntryID(path.Join(s.root, p)), nil
	}
	return "", fail("find special folder", string(r), mapi.ErrNotFound)
}

// Folder implements mapi.Store.
func (s *Store) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	const op = "open folder"
	if err := s.usable(ctx, op); err != nil {
		return nil, err
	}
	if !s.inside(string(id)) {
		return nil, fail(op, "", mapi.ErrNotFound)
	}
	tree, _, err := s.dir(ctx, string(id))
	if err != nil {
		return nil, err
	}
	n := tree.Find(folderFile)
	if n == nil {
		return nil, fail(op, string(id), mapi.ErrNotFound)
	}
	f := &folder{s: s, path: string(id), tree: tree}
	return f, s.readJSON(ctx, n, &f.info)
}

// Close implements mapi.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.trees.clear()
	s.catalogs.clear()
	return nil
}

func (s *Store) usable(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fail(op, "", mapi.ErrInvalidObject)
	}
	return nil
}

// inside tells whether a path is that of something in the mailbox, in its only form.
func (s *Store) inside(p string) bool {
	return path.Clean(p) == p && (p == s.root || strings.HasPrefix(p, s.root+"/"))
}

// dir reads the directory at a path.
func (s *Store) dir(ctx context.Context, p string) (*restic.Tree, restic.ID, error) {
	id := s.tree
	tree, err := s.loadTree(ctx, id)
	for name := range strings.SplitSeq(strings.Trim(p, "/"), "/") {
		if err != nil || name == "" {
			break
		}
		n := tree.Find(name)
		if n == nil || n.Type != restic.DirNode || n.Subtree == nil {
			return nil, id, fail("open folder", p, mapi.ErrNotFound)
		}
		id = *n.Subtree
		tree, err = s.loadTree(ctx, id)
	}
	return tree, id, err
}

func (s *Store) loadTree(ctx context.Context, id restic.ID) (*restic.Tree, error) {
	s.mu.Lock()
	t, ok := s.trees.get(id)
	s.mu.Unlock()
	if ok {
		return t, nil
	}
	t, err := s.repo.LoadTree(ctx, id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trees.put(id, t)
	return t, nil
}

// loadCatalog reads the catalog of a directory of items, or nil if it has none.
func (s *Store) loadCatalog(ctx context.Context, tree *restic.Tree, id restic.ID) (*catalog, error) {
	n := tree.Find(catalogFile)
	if n == nil {
		return nil, nil
	}
	s.mu.Lock()
	c, ok := s.catalogs.get(id)
	s.mu.Unlock()
	if ok {
		return c, nil
	}
	b, err := s.readFile(ctx, n)
	if err != nil {
		return nil, err
	}
	c = &catalog{}
	if err := oxcdata.Decode(oxcdata.Wide, b, c.code); err != nil {
		return nil, &mapi.Error{Op: "list items", Object: catalogFile, Code: mapi.ErrCorruptData, Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalogs.put(id, c)
	return c, nil
}

// maxHeldFile bounds files that are read whole: catalogs and descriptions.
const maxHeldFile = 64 << 20

func (s *Store) readFile(ctx context.Context, n *restic.Node) ([]byte, error) {
	if n.Size > maxHeldFile {
		return nil, &mapi.Error{Op: "read snapshot", Object: n.Name, Code: mapi.ErrCorruptData, Err: fmt.Errorf("it has %d bytes", n.Size)}
	}
	r, err := s.repo.OpenFile(ctx, n)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func (s *Store) readJSON(ctx context.Context, n *restic.Node, v any) error {
	b, err := s.readFile(ctx, n)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return &mapi.Error{Op: "read snapshot", Object: n.Name, Code: mapi.ErrCorruptData, Err: err}
	}
	return nil
}

// readProps reads properties that stand in a .msg file.
func (s *Store) readProps(ctx context.Context, tree *restic.Tree, name string) (mapi.Props, error) {
	it, err := s.openItem(ctx, tree, name)
	if err != nil {
		return nil, err
	}
	return it.Props, nil
}

// openItem reads an item, large values when they are wanted.
func (s *Store) openItem(ctx context.Context, tree *restic.Tree, name string) (*mapi.Item, error) {
	f, o, err := s.itemFile(ctx, tree, name)
	if err != nil {
		return nil, err
	}
	return o.Open(f, f.Size())
}

// itemFile opens a .msg file and its sidecar.
func (s *Store) itemFile(ctx context.Context, tree *restic.Tree, name string) (*restic.FileReader, msgfile.Options, error) {
	var o msgfile.Options
	n := tree.Find(name)
	if n == nil || n.Type != restic.FileNode {
		return nil, o, fail("open item", name, mapi.ErrNotFound)
	}
	if name[0] != '.' { // else it holds properties of a folder
		s.opened.Add(1)
	}
	f, err := s.repo.OpenFile(ctx, n)
	if err != nil {
		return nil, o, err
	}
	if n := tree.Find(name + msgfile.SidecarExt); n != nil {
		side, err := s.repo.OpenFile(ctx, n)
		if err != nil {
			return nil, o, err
		}
		o.Sidecar = io.NewSectionReader(side, 0, side.Size())
	}
	return f, o, nil
}
