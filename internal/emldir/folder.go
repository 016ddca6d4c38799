package emldir

import (
	"context"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/mime"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// containerClass is what all folders are for.
const containerClass = "IPF.Note"

// Folder is a directory of a [Store].
type Folder struct {
	s   *Store
	dir string // with slashes, "." for the root
}

// ID implements mapi.Folder.
func (f *Folder) ID() mapi.EntryID { return folderID(f.dir) }

// Parent implements mapi.Folder.
func (f *Folder) Parent() mapi.EntryID { return folderID(path.Dir(f.dir)) }

func (f *Folder) name() string {
	if f.dir == "." {
		return f.s.name
	}
	return path.Base(f.dir)
}

// list is what is in a directory, in the order of the names.
func (f *Folder) list(ctx context.Context) (dirs, files []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	entries, err := fs.ReadDir(f.s.root.FS(), f.dir)
	if err != nil {
		return nil, nil, fail("list folder", f.dir, err)
	}
	for _, e := range entries {
		switch {
		case e.IsDir():
			dirs = append(dirs, path.Join(f.dir, e.Name()))
		case e.Type().IsRegular() && strings.EqualFold(path.Ext(e.Name()), Ext):
			files = append(files, path.Join(f.dir, e.Name()))
		}
	}
	return dirs, files, nil
}

// Props implements mapi.Folder.
func (f *Folder) Props(ctx context.Context) (mapi.Props, error) {
	dirs, files, err := f.list(ctx)
	if err != nil {
		return nil, err
	}
	kind := int32(1) // FOLDER_GENERIC ([MS-OXCFOLD] 2.2.2.2.1.4)
	if f.dir == "." {
		kind = 0 // FOLDER_ROOT
	}
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagDisplayName), Value: f.name()},
		{Key: mapi.TagKey(pid.TagContainerClass), Value: containerClass},
		{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(f.ID())},
		{Key: mapi.TagKey(pid.TagParentEntryId), Value: []byte(f.Parent())},
		{Key: mapi.TagKey(pid.TagFolderType), Value: kind},
		{Key: mapi.TagKey(pid.TagContentCount), Value: int32(len(files))},
		{Key: mapi.TagKey(pid.TagAssociatedContentCount), Value: int32(0)},
		{Key: mapi.TagKey(pid.TagSubfolders), Value: len(dirs) > 0},
	}, nil
}

// Folders implements mapi.Folder. Unread items are not counted: every file would have to be read.
func (f *Folder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		dirs, _, err := f.list(ctx)
		if err != nil {
			yield(mapi.FolderInfo{}, err)
			return
		}
		for _, d := range dirs {
			below, files, err := (&Folder{f.s, d}).list(ctx)
			info := mapi.FolderInfo{ID: folderID(d), Name: path.Base(d), Class: containerClass, Items: len(files), HasChildren: len(below) > 0}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

// Rows implements mapi.Folder. Each file is read. One that cannot be read is in the list under its file name; reading the
// item says why.
func (f *Folder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		var open *mime.File // of the record that is in use
		release := func() {
			if open != nil {
				open.Close()
			}
			open = nil
		}
		defer release()
		record := func(file string) (mapi.Record, error) {
			release()
			if err := ctx.Err(); err != nil {
				return mapi.Record{}, err
			}
			st, err := f.s.root.Lstat(filepath.FromSlash(file))
			if err != nil {
				return mapi.Record{}, fail("list items", file, err)
			}
			it := &mapi.Item{Props: mapi.Props{
				{Key: mapi.TagKey(pid.TagSubject), Value: path.Base(file)},
				{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
			}}
			lenient := mime.Options{Damage: func(*mapi.Error) error { return nil }}
			if o, err := f.s.open(file, lenient); err == nil {
				open, it = o, &o.Item
			}
			return f.record(file, st, it), nil
		}
		rows := func(yield func(mapi.Record, error) bool) {
			if q.Kind != mapi.Normal {
				return
			}
			_, files, err := f.list(ctx)
			if err != nil {
				yield(mapi.Record{}, err)
				return
			}
			for _, file := range files {
				r, err := record(file)
				if !yield(r, err) {
					return
				}
			}
		}
		reopen := func(id mapi.EntryID) (mapi.Record, error) { return record(strings.TrimPrefix(string(id), itemPrefix)) }
		mapi.Select(q, rows, reopen)(yield)
	}
}

// record is an item with the properties that a store gives to it.
func (f *Folder) record(file string, st fs.FileInfo, it *mapi.Item) mapi.Record {
	set := func(t mapi.Tag, v mapi.Value) {
		if k := mapi.TagKey(t); it.Props.Get(k) == nil {
			it.Props.Set(k, v)
		}
	}
	shown := false
	for _, a := range it.Attachments {
		hidden, _ := a.Props.Tag(pid.TagAttachmentHidden).(bool)
		shown = shown || !hidden
	}
	set(pid.TagEntryId, []byte(itemID(file)))
	set(pid.TagParentEntryId, []byte(f.ID()))
	set(pid.TagMessageSize, int32(min(st.Size(), 1<<31-1)))
	set(pid.TagHasAttachments, shown)
	set(pid.TagLastModificationTime, mapi.NewFileTime(st.ModTime()))
	return it.Record(itemID(file))
}

// open opens a file as a message.
func (s *Store) open(file string, o mime.Options) (*mime.File, error) {
	f, err := s.root.Open(filepath.FromSlash(file))
	if err != nil {
		return nil, err
	}
	return o.FromFile(f)
}

// Read implements mapi.Folder. A message that has lost something is refused unless Config.Damage takes it.
func (f *Folder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	const op = "read item"
	if err := ctx.Err(); err != nil {
		return err
	}
	file, ok := strings.CutPrefix(string(id), itemPrefix)
	if !ok || !fs.ValidPath(file) || path.Dir(file) != f.dir {
		return fail(op, "", mapi.ErrNotFound)
	}
	st, err := f.s.root.Lstat(filepath.FromSlash(file))
	if err == nil && !st.Mode().IsRegular() {
		err = mapi.ErrNotFound
	}
	if err != nil {
		return fail(op, file, err)
	}
	var o mime.Options
	if damage := f.s.config.Damage; damage != nil {
		o.Damage = func(e *mapi.Error) error { return damage(file, e) }
	}
	it, err := f.s.open(file, o)
	if err != nil {
		return fail(op, file, err)
	}
	defer it.Close()
	return it.WriteTo(w)
}

func refuse(op string) error { return fail(op, "of a folder of .eml files", mapi.ErrNoSupport) }

// SetProps implements mapi.Folder. Directories have no properties: in a store for writing they are ignored.
func (f *Folder) SetProps(context.Context, mapi.Props, []mapi.Key) error {
	if f.s.config.Write {
		return nil
	}
	return refuse("change folder")
}

// CreateFolder implements mapi.Folder.
func (f *Folder) CreateFolder(_ context.Context, name string, _ mapi.Props) (mapi.Folder, error) {
	if f.s.config.Write {
		made, err := f.create(name)
		if err != nil {
			return nil, err
		}
		return made, nil
	}
	return nil, refuse("create folder")
}

// DeleteFolder implements mapi.Folder.
func (f *Folder) DeleteFolder(context.Context, mapi.EntryID) error { return refuse("delete folder") }

// Create implements mapi.Folder.
func (f *Folder) Create(_ context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	if f.s.config.Write && k == mapi.Normal {
		return f.newWriter(), nil
	}
	return nil, refuse("create item")
}

// Replace implements mapi.Folder.
func (f *Folder) Replace(context.Context, mapi.EntryID) (mapi.ItemWriter, error) {
	return nil, refuse("replace item")
}

// Update implements mapi.Folder.
func (f *Folder) Update(context.Context, mapi.EntryID, mapi.Props, []mapi.Key) error {
	return refuse("change item")
}

// Delete implements mapi.Folder.
func (f *Folder) Delete(context.Context, []mapi.EntryID, bool) error { return refuse("delete items") }
