package snapshot

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// folder is a folder of a Store.
type folder struct {
	s    *Store
	path string
	tree *restic.Tree
	info folderInfo
}

// ID implements mapi.Folder.
func (f *folder) ID() mapi.EntryID { return mapi.EntryID(f.path) }

// Parent implements mapi.Folder.
func (f *folder) Parent() mapi.EntryID {
	if f.path == f.s.root {
		return f.ID()
	}
	return mapi.EntryID(path.Dir(f.path))
}

// Props implements mapi.Folder.
func (f *folder) Props(ctx context.Context) (mapi.Props, error) {
	if err := f.s.usable(ctx, "read folder"); err != nil {
		return nil, err
	}
	props, err := f.s.readProps(ctx, f.tree, folderProps)
	if err != nil {
		return nil, err
	}
	if f.path == f.s.root && props.Text(pid.TagDisplayName) == "" {
		props.Set(mapi.TagKey(pid.TagDisplayName), f.info.Name)
	}
	kind := int32(1) // FOLDER_GENERIC ([MS-OXCFOLD] 2.2.2.2.2.2)
	if f.path == f.s.root {
		kind = 0 // FOLDER_ROOT
	}
	computed := mapi.Props{
		{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(f.path)},
		{Key: mapi.TagKey(pid.TagParentEntryId), Value: []byte(f.Parent())},
		{Key: mapi.TagKey(pid.TagFolderType), Value: kind},
		{Key: mapi.TagKey(pid.TagContentCount), Value: int32(f.info.Items)},
		{Key: mapi.TagKey(pid.TagContentUnreadCount), Value: int32(f.info.Unread)},
		{Key: mapi.TagKey(pid.TagAssociatedContentCount), Value: int32(f.info.Associated)},
		{Key: mapi.TagKey(pid.TagSubfolders), Value: hasFolders(f.tree)},
	}
	for _, p := range computed {
		props.Set(p.Key, p.Value)
	}
	return props, nil
}

// isFolder tells whether a node is a folder below.
func isFolder(n *restic.Node) bool {
	return n.Type == restic.DirNode && n.Name[0] != '.' && !isItemDir(n.Name)
}

func hasFolders(t *restic.Tree) bool { return slices.ContainsFunc(t.Nodes, isFolder) }

// Folders implements mapi.Folder.
func (f *folder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		for _, n := range f.tree.Nodes {
			if !isFolder(n) {
				continue
			}
			below, err := f.s.Folder(ctx, mapi.EntryID(path.Join(f.path, n.Name)))
			if err != nil {
				yield(mapi.FolderInfo{}, err)
				return
			}
			c := below.(*folder)
			info := mapi.FolderInfo{ID: c.ID(), Name: c.info.Name, Class: c.info.Class, Items: c.info.Items, Unread: c.info.Unread,
				Associated: c.info.Associated, HasChildren: hasFolders(c.tree), Hidden: c.info.Hidden}
			if !yield(info, nil) {
				return
			}
		}
	}
}

var errReadOnly = errors.New("a snapshot cannot be changed; copy it elsewhere and change that")

func readOnly(op string) error { return &mapi.Error{Op: op, Code: mapi.ErrNoSupport, Err: errReadOnly} }

// SetProps implements mapi.Folder.
func (f *folder) SetProps(context.Context, mapi.Props, []mapi.Key) error {
	return readOnly("change folder")
}

// CreateFolder implements mapi.Folder.
func (f *folder) CreateFolder(context.Context, string, mapi.Props) (mapi.Folder, error) {
	return nil, readOnly("create folder")
}

// DeleteFolder implements mapi.Folder.
func (f *folder) DeleteFolder(context.Context, mapi.EntryID) error { return readOnly("delete folder") }

// Create implements mapi.Folder.
func (f *folder) Create(context.Context, mapi.Kind) (mapi.ItemWriter, error) {
	return nil, readOnly("create item")
}

// Replace implements mapi.Folder.
func (f *folder) Replace(context.Context, mapi.EntryID) (mapi.ItemWriter, error) {
	return nil, readOnly("replace item")
}

// Update implements mapi.Folder.
func (f *folder) Update(context.Context, mapi.EntryID, mapi.Props, []mapi.Key) error {
	return readOnly("change item")
}

// Delete implements mapi.Folder.
func (f *folder) Delete(context.Context, []mapi.EntryID, bool) error { return readOnly("delete items") }

// Read implements mapi.Folder.
func (f *folder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	const op = "open item"
	if err := f.s.usable(ctx, op); err != nil {
		return err
	}
	dir, name := path.Split(string(id))
	dir = strings.TrimSuffix(dir, "/")
	below, ok := strings.CutPrefix(dir, f.path+"/")
	below = strings.TrimPrefix(strings.TrimPrefix(below, associatedDir+"/"), recoverableDir+"/")
	if first, _, _ := strings.Cut(below, "/"); !ok || !isItemDir(first) || !f.s.inside(string(id)) || !strings.HasSuffix(name, itemExt) {
		return fail(op, "", mapi.ErrNotFound)
	}
	tree, _, err := f.s.dir(ctx, dir)
	if err != nil {
		return err
	}
	file, o, err := f.s.itemFile(ctx, tree, name)
	if err != nil {
		return err
	}
	return o.Read(file, file.Size(), w)
}

// Rows implements mapi.Folder. It answers from the catalogs, and opens items only for what those don't hold.
func (f *folder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		for row, err := range mapi.Select(q, f.records(ctx, q.Kind), nil) {
			if !yield(row, err) {
				return
			}
		}
	}
}

// records are the items of a list, in the order of their paths. An item that can't be read although something is asked of it
// that no catalog has is passed over, and the sequence ends with the error.
func (f *folder) records(ctx context.Context, k mapi.Kind) iter.Seq2[mapi.Record, error] {
	return func(yield func(mapi.Record, error) bool) {
		w := &walker{folder: f, ctx: ctx, yield: yield}
		err := w.list(k)
		if err == nil {
			err = w.unread
		}
		if err != nil && !w.ended {
			yield(mapi.Record{}, err)
		}
	}
}

// walker goes through the items of a folder.
type walker struct {
	*folder
	ctx    context.Context
	yield  func(mapi.Record, error) bool
	ended  bool  // the loop wants no more
	unread error // the first failure to read an item
}

func (w *walker) list(k mapi.Kind) error {
	if err := w.s.usable(w.ctx, "list items"); err != nil {
		return err
	}
	at, tree := w.path, w.tree
	switch k {
	case mapi.Normal:
	case mapi.Associated, mapi.SoftDeleted:
		at = path.Join(at, kindDirs[k])
		var err error
		tree, _, err = w.s.dir(w.ctx, at)
		if errors.Is(err, mapi.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	default:
		return nil
	}
	for _, n := range tree.Nodes {
		if n.Type == restic.DirNode && isItemDir(n.Name) {
			if err := w.dir(path.Join(at, n.Name), n, 0); err != nil || w.ended {
				return err
			}
		}
	}
	return nil
}

// dir yields the items of a directory and of those within it.
func (w *walker) dir(at string, dir *restic.Node, depth int) error {
	if err := w.s.usable(w.ctx, "list items"); err != nil {
		return err
	}
	if dir.Subtree == nil || depth > idDigits {
		return fail("list items", at, mapi.ErrCorruptData)
	}
	tree, err := w.s.loadTree(w.ctx, *dir.Subtree)
	if err != nil {
		return err
	}
	c, err := w.s.loadCatalog(w.ctx, tree, *dir.Subtree)
	if err != nil {
		return err
	}
	for _, n := range tree.Nodes {
		switch {
		case n.Type == restic.DirNode:
			err = w.dir(path.Join(at, n.Name), n, depth+1)
		case n.Type == restic.FileNode && n.Name[0] != '.' && strings.HasSuffix(n.Name, itemExt):
			if err = w.ctx.Err(); err == nil {
				w.ended = !w.yield(w.record(at, tree, n, c), nil)
			}
		}
		if err != nil || w.ended {
			return err
		}
	}
	return nil
}

// find is the line of a file, or nil.
func (c *catalog) find(name string) *catalogRow {
	if c == nil {
		return nil
	}
	i, ok := slices.BinarySearchFunc(c.Rows, name, func(r catalogRow, name string) int { return strings.Compare(r.Name, name) })
	if !ok {
		return nil
	}
	return &c.Rows[i]
}

// record is an item as tables see it.
func (w *walker) record(at string, tree *restic.Tree, n *restic.Node, c *catalog) mapi.Record {
	id := path.Join(at, n.Name)
	row := c.find(n.Name)
	var it *mapi.Item
	item := func() *mapi.Item {
		if it == nil {
			var err error
			if it, err = w.s.openItem(w.ctx, tree, n.Name); err != nil {
				it = &mapi.Item{}
				w.unread = cmp.Or(w.unread, err)
			}
		}
		return it
	}
	stored := func(k mapi.Key) mapi.Value {
		if row != nil {
			if v, known := c.get(row, k); known {
				return v
			}
		}
		return item().Props.Get(k)
	}
	return mapi.Record{
		ID: mapi.EntryID(id),
		Get: func(k mapi.Key) mapi.Value {
			switch k {
			case mapi.TagKey(pid.TagEntryId):
				return []byte(id)
			case mapi.TagKey(pid.TagParentEntryId):
				return []byte(w.path)
			}
			v := stored(k)
			switch {
			case v != nil:
			case k == mapi.TagKey(pid.TagMessageSize):
				if row != nil {
					return int32(min(row.Size, 1<<31-1))
				}
				return int32(min(n.Size, 1<<31-1))
			case k == mapi.TagKey(pid.TagHasAttachments):
				if row != nil {
					return row.Attach
				}
				return len(item().Attachments) > 0
			}
			return v
		},
		Sub: func(t mapi.Tag) iter.Seq[mapi.Props] { return item().Record(mapi.EntryID(id)).Sub(t) },
	}
}
