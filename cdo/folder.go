package cdo

import (
	"context"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Folder is a folder of a message store.
type Folder struct {
	node
	store *InfoStore
	id    mapi.EntryID
	dir   mapi.Folder // nil until it is needed
	name  string      // as a list of folders gave it; "" when it isn't known
	bag   bag
	gone  bool
}

func newFolder(parent Object, store *InfoStore, id mapi.EntryID) *Folder {
	f := &Folder{node: node{store.logon, parent}, store: store, id: id}
	f.bag = bag{names: &f.logon.names, noStreams: true, load: func(ctx context.Context) error {
		dir, err := f.open(ctx)
		if err != nil {
			return err
		}
		ps, err := dir.Props(ctx)
		if err == nil {
			f.bag.fill(ps)
		}
		return err
	}}
	return f
}

// open gives the folder of the store.
func (f *Folder) open(ctx context.Context) (mapi.Folder, error) {
	if err := f.logon.alive(); err != nil {
		return nil, err
	}
	if f.gone {
		return nil, mapi.ErrInvalidObject
	}
	if f.dir == nil {
		dir, err := f.store.store.Folder(ctx, f.id)
		if err != nil {
			return nil, err
		}
		f.dir = dir
	}
	return f.dir, nil
}

// Class is CdoFolder.
func (f *Folder) Class() ObjectClass { return CdoFolder }

// ID is the entry id of the folder.
func (f *Folder) ID() string { return hexID([]byte(f.id)) }

// FolderID is the ID of the folder above.
func (f *Folder) FolderID(ctx context.Context) (string, error) {
	dir, err := f.open(ctx)
	if err != nil {
		return "", fail("Folder.FolderID", err)
	}
	return hexID([]byte(dir.Parent())), nil
}

// StoreID is the ID of the store that the folder is in.
func (f *Folder) StoreID(ctx context.Context) (string, error) {
	id, err := f.store.entryID(ctx)
	return hexID(id), fail("Folder.StoreID", err)
}

// Name is the display name.
func (f *Folder) Name(ctx context.Context) (string, error) {
	if f.name != "" && find(f.bag.set, mapi.TagKey(pid.TagDisplayName)) < 0 {
		return f.name, nil
	}
	v, err := f.bag.text(ctx, pid.TagDisplayName)
	return v, fail("Folder.Name", err)
}

// SetName renames the folder when it is updated.
func (f *Folder) SetName(name string) { f.bag.putTag(pid.TagDisplayName, name) }

// Fields are the properties of the folder.
func (f *Folder) Fields() *Fields { return newFields(f, &f.node, &f.bag) }

// Folders are the folders directly below, in a new collection each time.
func (f *Folder) Folders() *Folders { return &Folders{node: f.below(f), folder: f} }

// Messages are the items of the folder, in a new collection each time.
func (f *Folder) Messages() *Messages { return newMessages(f, mapi.Normal) }

// HiddenMessages are the folder-associated items, in a new collection each time.
func (f *Folder) HiddenMessages() *Messages { return newMessages(f, mapi.Associated) }

// Update saves changed properties when makePermanent is true, and has everything read again when refreshObject is.
func (f *Folder) Update(ctx context.Context, makePermanent, refreshObject bool) error {
	const member = "Folder.Update"
	dir, err := f.open(ctx)
	if err != nil {
		return fail(member, err)
	}
	if makePermanent && f.bag.changed() {
		if err := dir.SetProps(ctx, f.bag.set, f.bag.gone()); err != nil {
			return fail(member, err)
		}
		f.bag.saved()
		f.name = ""
	}
	if refreshObject {
		f.bag.forget()
		f.name = ""
		return fail(member, f.bag.complete(ctx))
	}
	return nil
}

// Delete removes the folder with all that is in it, for good; into Deleted Items when deletedItems is true.
func (f *Folder) Delete(ctx context.Context, deletedItems bool) error {
	const member = "Folder.Delete"
	if deletedItems {
		bin, err := f.store.special(ctx, f, mapi.RoleDeleted)
		if err == nil {
			_, err = f.move(ctx, bin)
		}
		return fail(member, err)
	}
	return fail(member, f.remove(ctx))
}

func (f *Folder) remove(ctx context.Context) error {
	dir, err := f.open(ctx)
	if err != nil {
		return err
	}
	if dir.Parent() == dir.ID() {
		return &mapi.Error{Op: "delete folder", Object: "the root", Code: mapi.ErrNoAccess}
	}
	above, err := f.store.store.Folder(ctx, dir.Parent())
	if err != nil {
		return err
	}
	if err := above.DeleteFolder(ctx, f.id); err != nil {
		return err
	}
	f.gone = true
	return nil
}

// IsSameAs reports whether o is the same folder.
func (f *Folder) IsSameAs(ctx context.Context, o *Folder) (bool, error) {
	if o == nil || !sameID([]byte(f.id), []byte(o.id)) {
		return false, nil
	}
	same, err := f.store.sameStore(ctx, o.store)
	return same, fail("Folder.IsSameAs", err)
}
