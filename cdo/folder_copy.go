package cdo

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// CopyTo copies the folder with its items, and the folders below when copySubfolders is true, into another folder, at once. An
// empty name is the folder's own, an empty storeID the default store. A name that is taken there is CdoE_COLLISION.
func (f *Folder) CopyTo(ctx context.Context, folderID, storeID, name string, copySubfolders bool) (*Folder, error) {
	const member = "Folder.CopyTo"
	to, err := f.logon.session.GetFolder(ctx, folderID, storeID)
	if err != nil {
		return nil, rename(err, member)
	}
	c, err := f.copy(ctx, to, name, copySubfolders)
	return c, fail(member, err)
}

// MoveTo moves the folder with all that is in it into another folder, at once, and returns it there. The old object cannot be
// used any more. An empty storeID is the default store.
func (f *Folder) MoveTo(ctx context.Context, folderID, storeID string) (*Folder, error) {
	const member = "Folder.MoveTo"
	to, err := f.logon.session.GetFolder(ctx, folderID, storeID)
	if err != nil {
		return nil, rename(err, member)
	}
	moved, err := f.move(ctx, to)
	return moved, fail(member, err)
}

func (f *Folder) move(ctx context.Context, to *Folder) (*Folder, error) {
	role, err := f.roleWithin(ctx)
	if err != nil {
		return nil, err
	}
	if role != "" {
		return nil, &mapi.Error{Op: "move folder", Object: string(role), Code: mapi.ErrNoAccess}
	}
	moved, err := f.copy(ctx, to, "", true)
	if err != nil {
		return nil, err
	}
	if err := f.remove(ctx); err != nil {
		return nil, err
	}
	return moved, nil
}

// roleWithin is the role of a special folder that the folder is or has in it: those stay where they are.
func (f *Folder) roleWithin(ctx context.Context) (mapi.Role, error) {
	for _, role := range mapi.Roles {
		id, err := f.store.store.Special(ctx, role)
		if missing(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		within, err := f.contains(ctx, newFolder(f, f.store, id))
		if within || err != nil {
			return role, err
		}
	}
	return "", nil
}

// contains tells whether o is the folder or somewhere below it.
func (f *Folder) contains(ctx context.Context, o *Folder) (bool, error) {
	if same, err := f.store.sameStore(ctx, o.store); !same || err != nil {
		return false, err
	}
	id := o.id
	for range maxFolderDepth {
		if sameID([]byte(id), []byte(f.id)) {
			return true, nil
		}
		dir, err := f.store.store.Folder(ctx, id)
		if err != nil {
			return false, err
		}
		if dir.Parent() == id {
			break
		}
		id = dir.Parent()
	}
	return false, nil
}

func (f *Folder) copy(ctx context.Context, to *Folder, name string, subfolders bool) (*Folder, error) {
	src, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	dst, err := to.open(ctx)
	if err != nil {
		return nil, err
	}
	within, err := f.contains(ctx, to)
	if err != nil {
		return nil, err
	}
	if within && subfolders {
		return nil, &mapi.Error{Op: "copy folder", Object: "into itself", Code: mapi.ErrFolderCycle}
	}
	if name == "" {
		if name, err = f.Name(ctx); err != nil {
			return nil, err
		}
	}
	made, err := copyFolder(ctx, f.store.store, src, dst, name, subfolders, 0)
	if err != nil {
		return nil, err
	}
	c := newFolder(to, to.store, made.ID())
	c.dir, c.name = made, name
	return c, nil
}

// folderTags are the properties of a folder that a copy gets; all else is the store's.
var folderTags = []mapi.Tag{pid.TagContainerClass, pid.TagComment, pid.TagAttributeHidden}

// copyFolder makes a folder below dst and copies the items of src into it, then the folders below. It stops at the first failure.
func copyFolder(ctx context.Context, from mapi.Store, src, dst mapi.Folder, name string, subfolders bool, depth int) (mapi.Folder, error) {
	if depth > maxFolderDepth {
		return nil, &mapi.Error{Op: "copy folder", Object: name, Code: mapi.ErrTooComplex}
	}
	have, err := src.Props(ctx)
	if err != nil {
		return nil, err
	}
	var ps mapi.Props
	for _, t := range folderTags {
		if i := find(have, mapi.TagKey(t)); i >= 0 {
			ps = append(ps, have[i])
		}
	}
	made, err := dst.CreateFolder(ctx, name, ps)
	if err != nil {
		return nil, err
	}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		ids, err := itemIDs(ctx, src, mapi.Query{Kind: k})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if _, err := copyItem(ctx, src, made, k, id); err != nil {
				return nil, err
			}
		}
	}
	if !subfolders {
		return made, nil
	}
	for info, err := range src.Folders(ctx) {
		if err != nil {
			return nil, err
		}
		if info.Search {
			continue
		}
		below, err := from.Folder(ctx, info.ID)
		if err != nil {
			return nil, err
		}
		if _, err := copyFolder(ctx, from, below, made, info.Name, true, depth+1); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// itemIDs lists the ids of items.
func itemIDs(ctx context.Context, dir mapi.Folder, q mapi.Query) ([]mapi.EntryID, error) {
	var ids []mapi.EntryID
	for r, err := range dir.Rows(ctx, q) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// copyItem writes an item into another folder, reading it at the same time.
func copyItem(ctx context.Context, src, dst mapi.Folder, k mapi.Kind, id mapi.EntryID) (mapi.EntryID, error) {
	w, err := dst.Create(ctx, k)
	if err != nil {
		return "", err
	}
	defer w.Close()
	if err := src.Read(ctx, id, w); err != nil {
		return "", err
	}
	return w.Commit(ctx)
}
