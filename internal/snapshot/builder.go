package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

// Builder writes a mailbox into a repository. It is a store that one can only add to: copy a mailbox into it, then Save.
// What it stores is the same, byte for byte, whenever the mailbox is the same, in whatever order its items arrive.
//
// Its root is there from the beginning; other special folders are made, and given their role with SetRole. Folders are
// ended with Finish, after which nothing can be created in them. The ids that writers return on Commit are not those of the
// items in the finished snapshot.
type Builder struct {
	ctx   context.Context
	w     *restic.Writer
	name  string // of the mailbox's directory
	box   string
	files sync.Pool // of *restic.FileWriter, whose memory is used again

	mu      sync.Mutex
	folders map[mapi.EntryID]*building
	roles   map[mapi.Role]*building
	root    *building
	props   mapi.Props
	synced  *Synced
	level   Level
	columns *columns
	paths   map[mapi.EntryID]string // of saved folders
	stats   Stats
	closed  bool
}

// Stats counts what a Builder stored.
type Stats struct {
	Folders, Items int
	Files          int
	Bytes          uint64 // of files, before deduplication
}

// building is a folder of a Builder. Its fields are guarded by the Builder's mutex.
type building struct {
	id       mapi.EntryID
	parent   *building
	children []*building
	info     folderInfo
	props    mapi.Props
	lists    [3]*itemList // by kind
	tables   map[string][]mapi.Props
	done     bool
	nodes    []*restic.Node // of finished lists
}

// RepositoryError is a failure of the repository, which ends a backup: nothing more can be stored.
type RepositoryError struct{ Err error }

func (e *RepositoryError) Error() string { return "the repository took no more: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *RepositoryError) Unwrap() error { return e.Err }

// Systemic tells a copy to end.
func (e *RepositoryError) Systemic() bool { return true }

func repositoryError(err error) error {
	if err == nil {
		return nil
	}
	return &RepositoryError{err}
}

// DirName is the name of a mailbox's directory in the tree: its address as a legal file name.
func DirName(mailbox string) string {
	if mailbox == "" {
		return dirName("mailbox")
	}
	return dirName(mailbox)
}

// NewBuilder starts a snapshot of a mailbox. ctx serves all writing.
func NewBuilder(ctx context.Context, w *restic.Writer, mailbox string) *Builder {
	b := &Builder{ctx: ctx, w: w, box: mailbox, name: DirName(mailbox), folders: map[mapi.EntryID]*building{}, roles: map[mapi.Role]*building{}}
	b.SetLevel(LevelMessages)
	b.files.New = func() any { return w.NewFile(ctx) }
	b.root = b.add(nil, "Root")
	b.setRole(b.root, mapi.RoleRoot)
	return b
}

func (b *Builder) add(parent *building, name string) *building {
	f := &building{parent: parent}
	f.info = folderInfo{Format: formatVersion, Kind: kindNormal, Name: name}
	f.id = mapi.EntryID(fmt.Sprintf("folder %d", len(b.folders)))
	if parent == nil {
		f.parent = f
	} else {
		parent.children = append(parent.children, f)
	}
	b.folders[f.id] = f
	return f
}

func (b *Builder) setRole(f *building, r mapi.Role) {
	if !slices.Contains(f.info.Roles, r) {
		f.info.Roles = append(f.info.Roles, r)
		slices.Sort(f.info.Roles)
	}
	b.roles[r] = f
}

// SetRole says what a folder is for.
func (b *Builder) SetRole(ctx context.Context, id mapi.EntryID, r mapi.Role) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.folders[id]
	switch {
	case f == nil:
		return fail("set role", string(r), mapi.ErrNotFound)
	case b.roles[r] != nil && b.roles[r] != f:
		return fail("set role", string(r), mapi.ErrCollision)
	}
	b.setRole(f, r)
	return nil
}

// SetProps sets the properties of the store.
func (b *Builder) SetProps(props mapi.Props) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.props = props
}

// Props implements mapi.Store.
func (b *Builder) Props(context.Context) (mapi.Props, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.props, nil
}

// Special implements mapi.Store. Unlike other stores this one has no visible root until a folder is given that role; Save gives
// it to the root if none was.
func (b *Builder) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.roles[r]; f != nil {
		return f.id, nil
	}
	return "", fail("find special folder", string(r), mapi.ErrNotFound)
}

// Folder implements mapi.Store.
func (b *Builder) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.folders[id]; f != nil {
		return &target{b, f}, nil
	}
	return nil, fail("open folder", "", mapi.ErrNotFound)
}

// Close discards what isn't part of a saved tree.
func (b *Builder) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	var errs []error
	for _, f := range b.folders {
		for _, l := range f.lists {
			if l != nil {
				errs = append(errs, l.close())
			}
		}
	}
	return errors.Join(errs...)
}

// Stats tells what was stored so far.
func (b *Builder) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Save stores all directories and returns the tree of the snapshot. The mailbox lies in it at "/" and [DirName].
func (b *Builder) Save(ctx context.Context) (restic.ID, error) {
	if b.roles[mapi.RoleIPM] == nil {
		b.setRole(b.root, mapi.RoleIPM)
	}
	b.paths = map[mapi.EntryID]string{}
	info := storeInfo{Format: formatVersion, Mailbox: b.box, Metadata: b.level, Roles: map[mapi.Role]string{}}
	node, err := b.saveFolder(ctx, b.root, b.name, "", &info)
	if err != nil {
		return restic.ID{}, err
	}
	id, err := b.w.SaveTree(ctx, &restic.Tree{Nodes: []*restic.Node{node}})
	return id, repositoryError(err)
}

// saveFolder stores a folder's directory with all below. path is below the mailbox's directory.
func (b *Builder) saveFolder(ctx context.Context, f *building, name, path string, store *storeInfo) (*restic.Node, error) {
	if err := b.finish(ctx, f); err != nil {
		return nil, err
	}
	for _, r := range f.info.Roles {
		store.Roles[r] = path
	}
	b.paths[f.id] = path
	nodes := slices.Clone(f.nodes)
	if err := b.finishList(ctx, f, mapi.SoftDeleted, &nodes); err != nil {
		return nil, err
	}
	for _, c := range f.children {
		dir := dirName(c.info.Name)
		below := strings.TrimPrefix(path+"/"+dir, "/")
		n, err := b.saveFolder(ctx, c, dir, below, store)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	at := newest(nodes)
	add := func(more []*restic.Node, err error) error {
		nodes = append(nodes, more...)
		return err
	}
	if err := add(b.saveJSON(folderFile, f.info, at)); err != nil {
		return nil, err
	}
	if err := add(b.saveProps(folderProps, f.props, at)); err != nil {
		return nil, err
	}
	for _, name := range []string{permissionsFile, rulesFile} {
		if rows, ok := f.tables[name]; ok {
			if err := add(b.saveTable(name, rows, at)); err != nil {
				return nil, err
			}
		}
	}
	if f == b.root {
		if err := add(b.saveJSON(storeFile, store, at)); err != nil {
			return nil, err
		}
		if err := add(b.saveProps(storeProps, b.props, at)); err != nil {
			return nil, err
		}
		if err := add(b.saveJSON(metadataFile, b.metadata(), at)); err != nil {
			return nil, err
		}
		if err := add(b.saveSynced(at, b.paths)); err != nil {
			return nil, err
		}
	}
	b.stats.Folders++
	return b.saveDir(ctx, name, nodes)
}

// newest is the latest modification time: directories take it from what is in them, so as to depend on nothing else.
func newest(nodes []*restic.Node) time.Time {
	at := time.Unix(0, 0).UTC()
	for _, n := range nodes {
		if n.ModTime.After(at) {
			at = n.ModTime
		}
	}
	return at
}

func (b *Builder) saveDir(ctx context.Context, name string, nodes []*restic.Node) (*restic.Node, error) {
	slices.SortFunc(nodes, func(a, b *restic.Node) int { return strings.Compare(a.Name, b.Name) })
	id, err := b.w.SaveTree(ctx, &restic.Tree{Nodes: nodes})
	if err != nil {
		return nil, repositoryError(err)
	}
	return stamp(&restic.Node{Name: name, Type: restic.DirNode, Mode: os.ModeDir | 0o700, Subtree: &id}, newest(nodes)), nil
}

// stamp gives a node its times.
func stamp(n *restic.Node, at time.Time) *restic.Node {
	n.ModTime, n.AccessTime, n.ChangeTime = at, at, at
	return n
}

// saveFile stores a file that write writes to.
func (b *Builder) saveFile(name string, at time.Time, extents []msgfile.Extent, write func(w *cutter) error) (*restic.Node, error) {
	n := stamp(&restic.Node{Name: name, Type: restic.FileNode, Mode: 0o600}, at)
	c := &cutter{file: b.files.Get().(*restic.FileWriter), extents: extents}
	if err := write(c); err != nil {
		return nil, err // the FileWriter holds part of a file: it isn't used again
	}
	if err := c.file.Close(n); err != nil {
		return nil, repositoryError(err)
	}
	b.files.Put(c.file)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats.Files++
	b.stats.Bytes += n.Size
	return n, nil
}

func (b *Builder) saveJSON(name string, v any, at time.Time) ([]*restic.Node, error) {
	document, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, err
	}
	n, err := b.saveFile(name, at, nil, func(w *cutter) error {
		_, err := bytes.NewReader(append(document, '\n')).WriteTo(w)
		return err
	})
	return []*restic.Node{n}, err
}

// saveProps stores properties as a .msg file, with a sidecar if they need one.
func (b *Builder) saveProps(name string, props mapi.Props, at time.Time) ([]*restic.Node, error) {
	m, err := msgfile.Plan(&mapi.Item{Props: props})
	if err != nil {
		return nil, err
	}
	return b.saveMessage(name, m, at)
}

// saveMessage stores a .msg file, attachments in blobs of their own, and its sidecar if it needs one.
func (b *Builder) saveMessage(name string, m *msgfile.Message, at time.Time) ([]*restic.Node, error) {
	n, err := b.saveFile(name, at, m.Extents(), func(w *cutter) error { _, err := m.WriteTo(w); return err })
	if err != nil || !m.NeedsSidecar() {
		return []*restic.Node{n}, err
	}
	s, err := b.saveFile(name+msgfile.SidecarExt, at, nil, func(w *cutter) error { _, err := m.WriteSidecar(w); return err })
	return []*restic.Node{n, s}, err
}

// cutter writes a file so that each extent begins and ends a blob.
type cutter struct {
	file    *restic.FileWriter
	extents []msgfile.Extent
	pos     int64
}

func (c *cutter) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		part, cut := p, false
		if len(c.extents) > 0 {
			next := c.extents[0].Offset
			if c.pos >= next {
				next += c.extents[0].Size
			}
			if left := next - c.pos; left <= int64(len(p)) {
				part, cut = p[:left], true
			}
		}
		n, err := c.file.Write(part)
		written, c.pos, p = written+n, c.pos+int64(n), p[n:]
		if err != nil {
			return written, repositoryError(err)
		}
		if cut {
			if err := c.file.Cut(); err != nil {
				return written, repositoryError(err)
			}
			if c.pos >= c.extents[0].Offset+c.extents[0].Size {
				c.extents = c.extents[1:]
			}
		}
	}
	return written, nil
}

func fail(op, object string, c mapi.Code) error { return &mapi.Error{Op: op, Object: object, Code: c} }
