package cdo

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Folders are the folders directly below a folder. The list is read when it is first needed and again after Sort.
type Folders struct {
	node
	folder *Folder
	list   []*Folder // nil until it is read
	order  SortOrder
	tag    mapi.Tag // sorted by; 0: PR_DISPLAY_NAME
	pos    int      // of the member that was given last, from 1 on; 0 before the first
}

// Class is CdoFolders.
func (c *Folders) Class() ObjectClass { return CdoFolders }

func (c *Folders) read(ctx context.Context) error {
	if c.list != nil {
		return c.logon.alive()
	}
	dir, err := c.folder.open(ctx)
	if err != nil {
		return err
	}
	type child struct {
		*Folder
		by mapi.Value
	}
	var list []child
	for info, err := range dir.Folders(ctx) {
		if err != nil {
			return err
		}
		f := newFolder(c, c.folder.store, info.ID)
		f.name = info.Name
		if info.Class != "" {
			f.bag.have = mapi.Props{{Key: mapi.TagKey(pid.TagContainerClass), Value: info.Class}}
		}
		by, err := c.sortValue(ctx, f, info)
		if err != nil {
			return err
		}
		list = append(list, child{f, by})
	}
	if c.order != CdoNone {
		slices.SortStableFunc(list, func(a, b child) int {
			n := mapi.CompareValues(a.by, b.by)
			if c.order == CdoDescending {
				n = -n
			}
			return n
		})
	}
	c.list = make([]*Folder, len(list))
	for i, f := range list {
		c.list[i] = f.Folder
	}
	return nil
}

// sortValue is what a folder is sorted by. Counts and names come with the list, all else is read folder by folder.
func (c *Folders) sortValue(ctx context.Context, f *Folder, info mapi.FolderInfo) (mapi.Value, error) {
	switch {
	case c.order == CdoNone:
		return nil, nil
	case c.tag == 0 || c.tag.ID() == pid.TagDisplayName.ID():
		return info.Name, nil
	case c.tag == pid.TagContentCount:
		return int32(info.Items), nil
	case c.tag == pid.TagContentUnreadCount:
		return int32(info.Unread), nil
	}
	k, err := c.logon.names.key(c.tag)
	if err != nil {
		return nil, err
	}
	p, _, err := f.bag.get(ctx, k)
	return p.Value, err
}

// Count is how many folders there are.
func (c *Folders) Count(ctx context.Context) (int, error) {
	err := c.read(ctx)
	return len(c.list), fail("Folders.Count", err)
}

func (c *Folders) at(ctx context.Context, member string, pos int) (*Folder, error) {
	if err := c.read(ctx); err != nil {
		return nil, fail(member, err)
	}
	c.pos = min(max(pos, 0), len(c.list)+1)
	if c.pos < 1 || c.pos > len(c.list) {
		return nil, nil
	}
	return c.list[c.pos-1], nil
}

// Item is a folder by its position, from 1 on; nil where there is none.
func (c *Folders) Item(ctx context.Context, index int) (*Folder, error) {
	return c.at(ctx, "Folders.Item", index)
}

// Find is CDO's Item with a string: the folder of that ID or name, else the next folder from the current position on whose
// name is not before s; nil when there is none.
func (c *Folders) Find(ctx context.Context, s string) (*Folder, error) {
	const member = "Folders.Item"
	if err := c.read(ctx); err != nil {
		return nil, fail(member, err)
	}
	for i, f := range c.list {
		if strings.EqualFold(f.name, s) || strings.EqualFold(f.ID(), s) {
			return c.at(ctx, member, i+1)
		}
	}
	for i := c.pos; i < len(c.list); i++ {
		if mapi.CompareValues(strings.ToLower(c.list[i].name), strings.ToLower(s)) >= 0 {
			return c.at(ctx, member, i+1)
		}
	}
	return nil, nil
}

// GetFirst is the first folder; nil when there is none.
func (c *Folders) GetFirst(ctx context.Context) (*Folder, error) {
	return c.at(ctx, "Folders.GetFirst", 1)
}

// GetNext is the folder after the one that was given last; nil at the end.
func (c *Folders) GetNext(ctx context.Context) (*Folder, error) {
	return c.at(ctx, "Folders.GetNext", c.pos+1)
}

// GetLast is the last folder; nil when there is none.
func (c *Folders) GetLast(ctx context.Context) (*Folder, error) {
	const member = "Folders.GetLast"
	if err := c.read(ctx); err != nil {
		return nil, fail(member, err)
	}
	return c.at(ctx, member, len(c.list))
}

// GetPrevious is the folder before the one that was given last; nil at the beginning.
func (c *Folders) GetPrevious(ctx context.Context) (*Folder, error) {
	return c.at(ctx, "Folders.GetPrevious", c.pos-1)
}

// All gives the folders in turn, without regard to the position.
func (c *Folders) All(ctx context.Context) iter.Seq2[*Folder, error] {
	return func(yield func(*Folder, error) bool) {
		if err := c.read(ctx); err != nil {
			yield(nil, fail("Folders", err))
			return
		}
		for _, f := range slices.Clone(c.list) {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// Sort orders the collection. A tag of 0 is the property of the last Sort, PR_DISPLAY_NAME when there was none.
func (c *Folders) Sort(order SortOrder, tag mapi.Tag) error {
	if order < CdoNone || order > CdoDescending {
		return failf("Folders.Sort", CdoE_INVALID_PARAMETER, "there is no sort order %d", order)
	}
	c.order, c.list, c.pos = order, nil, 0
	if tag != 0 {
		c.tag = tag
	}
	return nil
}

// Add makes a folder at once. A name that is taken is CdoE_COLLISION.
func (c *Folders) Add(ctx context.Context, name string) (*Folder, error) {
	const member = "Folders.Add"
	dir, err := c.folder.open(ctx)
	if err != nil {
		return nil, fail(member, err)
	}
	made, err := dir.CreateFolder(ctx, name, nil)
	if err != nil {
		return nil, fail(member, err)
	}
	c.list = nil
	f := newFolder(c, c.folder.store, made.ID())
	f.dir, f.name = made, name
	return f, nil
}

// Delete removes all folders of the collection with what is in them, for good.
func (c *Folders) Delete(ctx context.Context) error {
	const member = "Folders.Delete"
	if err := c.read(ctx); err != nil {
		return fail(member, err)
	}
	for _, f := range c.list {
		if err := f.remove(ctx); err != nil {
			return fail(member, err)
		}
	}
	c.list, c.pos = nil, 0
	return nil
}
