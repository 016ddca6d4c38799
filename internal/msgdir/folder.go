package msgdir

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Folder is a directory of a [Store].
type Folder struct {
	s    *Store
	name string // of the directory, "." for the root
}

// ID implements mapi.Folder.
func (f *Folder) ID() mapi.EntryID { return idOf(f.name) }

// Parent implements mapi.Folder.
func (f *Folder) Parent() mapi.EntryID { return mapi.EntryID(path.Dir(string(f.ID()))) }

// usable tells why an operation cannot be done, if so.
func (f *Folder) usable(ctx context.Context, op string, write bool) error {
	if err := f.s.usable(ctx, op, write); err != nil {
		return err
	}
	_, err := f.s.folderName(op, f.ID())
	return err
}

// summary counts what is in the folder. The lock is held.
func (f *Folder) summary(ctx context.Context, props mapi.Props) (mapi.FolderInfo, error) {
	info := mapi.FolderInfo{ID: f.ID(), Name: f.s.info(f.name).Name, Class: props.Text(pid.TagContainerClass)}
	info.Hidden, _ = props.Tag(pid.TagAttributeHidden).(bool)
	below, err := f.directories()
	if err != nil {
		return info, err
	}
	info.HasChildren = len(below) > 0
	items, err := f.files(mapi.Normal)
	if err != nil {
		return info, err
	}
	info.Items = len(items)
	for _, name := range items {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		if !f.s.isRead(name) {
			info.Unread++
		}
	}
	associated, err := f.files(mapi.Associated)
	info.Associated = len(associated)
	return info, err
}

// computed are the properties that the store makes itself.
func computed(info mapi.FolderInfo) mapi.Props {
	kind := int32(1) // FOLDER_GENERIC ([MS-OXCFOLD] 2.2.2.2.2.2)
	if info.ID == rootID {
		kind = 0 // FOLDER_ROOT
	}
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagDisplayName), Value: info.Name},
		{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(info.ID)},
		{Key: mapi.TagKey(pid.TagParentEntryId), Value: []byte(path.Dir(string(info.ID)))},
		{Key: mapi.TagKey(pid.TagFolderType), Value: kind},
		{Key: mapi.TagKey(pid.TagContentCount), Value: int32(info.Items)},
		{Key: mapi.TagKey(pid.TagContentUnreadCount), Value: int32(info.Unread)},
		{Key: mapi.TagKey(pid.TagAssociatedContentCount), Value: int32(info.Associated)},
		{Key: mapi.TagKey(pid.TagSubfolders), Value: info.HasChildren},
	}
}

// Props implements mapi.Folder.
func (f *Folder) Props(ctx context.Context) (mapi.Props, error) {
	const op = "read folder"
	if err := f.usable(ctx, op, false); err != nil {
		return nil, err
	}
	f.s.mu.RLock()
	defer f.s.mu.RUnlock()
	stored, err := f.s.props(f.name)
	if err != nil {
		return nil, err
	}
	info, err := f.summary(ctx, stored)
	if err != nil {
		return nil, err
	}
	return append(computed(info), stored...), nil
}

// SetProps implements mapi.Folder. It fails with ErrCollision when the new name is taken.
func (f *Folder) SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error {
	const op = "change folder"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	stored, err := f.s.props(f.name)
	if err != nil {
		return err
	}
	info := f.s.info(f.name)
	props := own(changed(stored, set, del))
	if name := set.Text(pid.TagDisplayName); name != "" && name != info.Name {
		if f.name != "." {
			parent := &Folder{f.s, path.Dir(f.name)}
			if err := parent.free(op, name, f.name); err != nil {
				return err
			}
		}
		info.Name = name
		if err := f.s.setInfo(f.name, info); err != nil {
			return err
		}
	}
	if len(props) == 0 && len(stored) == 0 {
		return nil
	}
	return f.s.setProps(f.name, props)
}

// changed is props with some set and some deleted; props itself stays. A string replaces the property whichever string type
// that has.
func changed(props, set mapi.Props, del []mapi.Key) mapi.Props {
	props = slices.Clone(props)
	for _, k := range del {
		props.Delete(k)
	}
	for _, p := range set {
		switch t := p.Key.Type(); t.Base() {
		case mapi.TypeString, mapi.TypeString8:
			props.Delete(p.Key.WithType(t ^ (mapi.TypeString ^ mapi.TypeString8)))
		}
		props.Set(p.Key, p.Value)
	}
	return props
}

// free tells whether a folder below may have a name. The lock is held.
func (f *Folder) free(op, name, except string) error {
	below, err := f.directories()
	if err != nil {
		return err
	}
	for _, dir := range below {
		if dir != except && strings.EqualFold(f.s.info(dir).Name, name) {
			return fail(op, name, mapi.ErrCollision)
		}
	}
	return nil
}

// list lists a directory, without what begins with a dot. One that isn't there is empty.
func (s *Store) list(name string) ([]fs.DirEntry, error) {
	d, err := s.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failed("list", name, err)
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if err != nil {
		return nil, failed("list", name, err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name()[0] == '.' })
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// directories are the folders directly below. The lock is held.
func (f *Folder) directories() ([]string, error) {
	entries, err := f.s.list(f.name)
	if err != nil {
		return nil, err
	}
	snapshot := f.s.info(f.name).Kind != ""
	var out []string
	for _, e := range entries {
		if name := path.Join(f.name, e.Name()); e.IsDir() && !(snapshot && f.s.isPart(name)) {
			out = append(out, name)
		}
	}
	return out, nil
}

// isPart tells whether a directory of a restored snapshot holds items of the folder that it is in.
func (s *Store) isPart(name string) bool {
	_, err := s.root.Lstat(path.Join(name, folderFile))
	return errors.Is(err, fs.ErrNotExist)
}

// Folders implements mapi.Folder.
func (f *Folder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		const op = "list folders"
		err := f.usable(ctx, op, false)
		var below []string
		if err == nil {
			f.s.mu.RLock()
			below, err = f.directories()
			f.s.mu.RUnlock()
		}
		for _, name := range below {
			var info mapi.FolderInfo
			info, err = (&Folder{f.s, name}).listed(ctx, op)
			if errors.Is(err, mapi.ErrNotFound) {
				err = nil // deleted since
				continue
			}
			if err != nil || !yield(info, nil) {
				break
			}
		}
		if err != nil {
			yield(mapi.FolderInfo{}, err)
		}
	}
}

// listed is what a list says of a folder.
func (f *Folder) listed(ctx context.Context, op string) (mapi.FolderInfo, error) {
	if err := f.usable(ctx, op, false); err != nil {
		return mapi.FolderInfo{}, err
	}
	f.s.mu.RLock()
	defer f.s.mu.RUnlock()
	props, err := f.s.props(f.name)
	if err != nil {
		return mapi.FolderInfo{}, err
	}
	return f.summary(ctx, props)
}

// CreateFolder implements mapi.Folder.
func (f *Folder) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	const op = "create folder"
	if err := f.usable(ctx, op, true); err != nil {
		return nil, err
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if name == "" {
		return nil, fail(op, "without a name", mapi.ErrInvalidParameter)
	}
	if err := f.free(op, name, ""); err != nil {
		return nil, err
	}
	made := &Folder{f.s, ""}
	for n := 1; made.name == ""; n++ {
		dir := path.Join(f.name, numbered(dirName(name), n, ""))
		err := f.s.root.Mkdir(dir, 0o777)
		if err == nil {
			made.name = dir
		} else if !errors.Is(err, fs.ErrExist) {
			return nil, failed(op, dir, err)
		}
	}
	err := f.s.setInfo(made.name, folderInfo{Name: name})
	if props = own(changed(nil, props, nil)); err == nil && len(props) > 0 {
		err = f.s.setProps(made.name, props)
	}
	if err == nil {
		err = f.s.syncDir(f.name)
	}
	if err != nil {
		f.s.root.RemoveAll(made.name)
		return nil, err
	}
	return made, nil
}

// DeleteFolder implements mapi.Folder. Special folders cannot be deleted: ErrNoAccess.
func (f *Folder) DeleteFolder(ctx context.Context, id mapi.EntryID) error {
	const op = "delete folder"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	name, err := f.s.folderName(op, id)
	if err != nil {
		return err
	}
	if name == "." || path.Dir(name) != f.name {
		return fail(op, name, mapi.ErrNotFound)
	}
	if len(f.s.info(name).Roles) > 0 {
		return fail(op, name, mapi.ErrNoAccess)
	}
	gone := path.Join(f.name, ".deleted-"+rand.Text()) // at once, however long removing takes
	if err := f.s.root.Rename(name, gone); err != nil {
		return failed(op, name, err)
	}
	if err := f.s.root.RemoveAll(gone); err != nil {
		return failed(op, name, err)
	}
	return nil
}
