package memstore

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Folder is a folder of a [Store].
type Folder struct {
	s *Store
	n *node
}

// ID implements mapi.Folder.
func (f *Folder) ID() mapi.EntryID { return f.n.id }

// Parent implements mapi.Folder.
func (f *Folder) Parent() mapi.EntryID { return f.n.parent.id }

func (f *Folder) usable(ctx context.Context, op string, write bool) error {
	if err := f.s.usable(ctx, op, write); err != nil {
		return err
	}
	if f.n.gone {
		return fail(op, f.n.name(), mapi.ErrNotFound)
	}
	return nil
}

func (n *node) name() string { return n.props.Text(pid.TagDisplayName) }

// computed are the properties that the store makes itself.
func (n *node) computed() mapi.Props {
	info := n.info()
	kind := int32(1) // FOLDER_GENERIC
	if n.parent == n {
		kind = 0 // FOLDER_ROOT
	}
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagEntryId), Value: []byte(n.id)},
		{Key: mapi.TagKey(pid.TagParentEntryId), Value: []byte(n.parent.id)},
		{Key: mapi.TagKey(pid.TagFolderType), Value: kind},
		{Key: mapi.TagKey(pid.TagContentCount), Value: int32(info.Items)},
		{Key: mapi.TagKey(pid.TagContentUnreadCount), Value: int32(info.Unread)},
		{Key: mapi.TagKey(pid.TagAssociatedContentCount), Value: int32(info.Associated)},
		{Key: mapi.TagKey(pid.TagSubfolders), Value: info.HasChildren},
	}
}

// Props implements mapi.Folder.
func (f *Folder) Props(ctx context.Context) (mapi.Props, error) {
	defer f.s.rlock()()
	if err := f.usable(ctx, "read folder", false); err != nil {
		return nil, err
	}
	return slices.Concat(f.n.props, f.n.computed()), nil
}

// SetProps implements mapi.Folder. It fails with ErrCollision when the new name is taken.
func (f *Folder) SetProps(ctx context.Context, set mapi.Props, del []mapi.Key) error {
	defer f.s.lock()()
	const op = "change folder"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	props, err := change(f.n.props, set, del)
	if err != nil {
		return err
	}
	for _, p := range f.n.computed() {
		props.Delete(p.Key)
	}
	name := props.Text(pid.TagDisplayName)
	if err := f.n.parent.free(op, name, f.n); err != nil {
		return err
	}
	setText(&props, pid.TagDisplayName, name)
	f.n.props = props
	return nil
}

// free tells whether a folder below n may have a name.
func (n *node) free(op, name string, except *node) error {
	if name == "" {
		return fail(op, "without a name", mapi.ErrInvalidParameter)
	}
	for _, c := range n.children {
		if c != except && strings.EqualFold(c.name(), name) {
			return fail(op, name, mapi.ErrCollision)
		}
	}
	return nil
}

func (n *node) info() mapi.FolderInfo {
	hidden, _ := n.props.Tag(pid.TagAttributeHidden).(bool)
	unread := 0
	for _, e := range n.lists[mapi.Normal] {
		if flags, _ := e.item.Props.Tag(pid.TagMessageFlags).(int32); flags&1 == 0 { // mfRead ([MS-OXCMSG] 2.2.1.6)
			unread++
		}
	}
	return mapi.FolderInfo{
		ID: n.id, Name: n.name(), Class: n.props.Text(pid.TagContainerClass),
		Items: len(n.lists[mapi.Normal]), Unread: unread, Associated: len(n.lists[mapi.Associated]),
		HasChildren: len(n.children) > 0, Hidden: hidden,
	}
}

// Folders implements mapi.Folder.
func (f *Folder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		list, err := f.infos(ctx)
		if err != nil {
			yield(mapi.FolderInfo{}, err)
			return
		}
		for _, info := range list {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (f *Folder) infos(ctx context.Context) ([]mapi.FolderInfo, error) {
	defer f.s.rlock()()
	if err := f.usable(ctx, "list folders", false); err != nil {
		return nil, err
	}
	list := make([]mapi.FolderInfo, len(f.n.children))
	for i, c := range f.n.children {
		list[i] = c.info()
	}
	return list, nil
}

// CreateFolder implements mapi.Folder.
func (f *Folder) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	defer f.s.lock()()
	const op = "create folder"
	if err := f.usable(ctx, op, true); err != nil {
		return nil, err
	}
	if err := f.n.free(op, name, nil); err != nil {
		return nil, err
	}
	props, err := change(nil, props, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range f.n.computed() {
		props.Delete(p.Key)
	}
	return &Folder{f.s, f.s.addFolder(f.n, name, props)}, nil
}

// DeleteFolder implements mapi.Folder. Special folders cannot be deleted: ErrNoAccess.
func (f *Folder) DeleteFolder(ctx context.Context, id mapi.EntryID) error {
	defer f.s.lock()()
	const op = "delete folder"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	i := slices.IndexFunc(f.n.children, func(c *node) bool { return c.id == id })
	if i < 0 {
		return fail(op, "", mapi.ErrNotFound)
	}
	if c := f.n.children[i]; c.role != "" {
		return fail(op, c.name(), mapi.ErrNoAccess)
	}
	f.s.forget(f.n.children[i])
	f.n.children = slices.Delete(f.n.children, i, i+1)
	return nil
}

func (s *Store) forget(n *node) {
	n.gone = true
	delete(s.folders, n.id)
	for _, c := range n.children {
		s.forget(c)
	}
}

// change is props with some set and some deleted; props itself stays. A string replaces the property whichever string
// type that has.
func change(props, set mapi.Props, del []mapi.Key) (mapi.Props, error) {
	props = slices.Clone(props)
	for _, k := range del {
		props.Delete(k)
	}
	for _, p := range set {
		v, err := hold(p.Key, p.Value)
		if err != nil {
			return nil, err
		}
		switch t := p.Key.Type(); t.Base() {
		case mapi.TypeString, mapi.TypeString8:
			props.Delete(p.Key.WithType(t ^ (mapi.TypeString ^ mapi.TypeString8)))
		}
		props.Set(p.Key, v)
	}
	return props, nil
}

// setText sets a string property and drops its 8-bit form.
func setText(props *mapi.Props, t mapi.Tag, s string) {
	props.Delete(mapi.TagKey(t.WithType(mapi.TypeString8)))
	props.Set(mapi.TagKey(t), s)
}
