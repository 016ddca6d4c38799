package cdo

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// InfoStore is a message store.
type InfoStore struct {
	node
	store mapi.Store
	index int
	id    []byte // "" until it is asked for
	bag   bag
	plain bool // ExcludeRTFProps
}

func newInfoStore(parent *InfoStores, store mapi.Store, index int) *InfoStore {
	s := &InfoStore{node: parent.below(parent), store: store, index: index}
	s.bag = bag{names: &s.logon.names, fixed: true, load: func(ctx context.Context) error {
		if err := s.logon.alive(); err != nil {
			return err
		}
		ps, err := s.store.Props(ctx)
		if err == nil {
			s.bag.fill(ps)
		}
		return err
	}}
	return s
}

// Class is CdoInfoStore.
func (s *InfoStore) Class() ObjectClass { return CdoInfoStore }

// Index is the position among the InfoStores.
func (s *InfoStore) Index() int { return s.index }

// Name is the display name.
func (s *InfoStore) Name(ctx context.Context) (string, error) {
	v, err := s.bag.text(ctx, pid.TagDisplayName)
	return v, fail("InfoStore.Name", err)
}

// ProviderName is the name of the kind of store, "" when it has none.
func (s *InfoStore) ProviderName(ctx context.Context) (string, error) {
	v, err := s.bag.text(ctx, pid.TagProviderDisplay)
	return v, fail("InfoStore.ProviderName", err)
}

// ID is the entry id of the store, for every storeID argument. A store that has no entry id goes by its record key, or
// by a random ID that holds for the session.
func (s *InfoStore) ID(ctx context.Context) (string, error) {
	id, err := s.entryID(ctx)
	return hexID(id), fail("InfoStore.ID", err)
}

func (s *InfoStore) entryID(ctx context.Context) ([]byte, error) {
	for _, t := range []mapi.Tag{pid.TagStoreEntryId, pid.TagEntryId, pid.TagRecordKey} {
		if s.id != nil {
			return s.id, nil
		}
		id, err := s.bag.binary(ctx, t)
		if err != nil {
			return nil, err
		}
		if len(id) > 0 {
			s.id = slices.Clone(id)
		}
	}
	if s.id == nil {
		s.id = make([]byte, 16)
		rand.Read(s.id)
	}
	return s.id, nil
}

// Fields are the properties of the store. They cannot be changed.
func (s *InfoStore) Fields() *Fields { return newFields(s, &s.node, &s.bag) }

// RootFolder is the root of the visible folders ("Top of Information Store"). The root of everything is Session.GetFolder with
// an empty folderID and the ID of the store.
func (s *InfoStore) RootFolder(ctx context.Context) (*Folder, error) {
	f, err := s.special(ctx, s, mapi.RoleIPM)
	return f, fail("InfoStore.RootFolder", err)
}

// IsSameAs reports whether o is the same store.
func (s *InfoStore) IsSameAs(ctx context.Context, o *InfoStore) (bool, error) {
	same, err := s.sameStore(ctx, o)
	return same, fail("InfoStore.IsSameAs", err)
}

func (s *InfoStore) sameStore(ctx context.Context, o *InfoStore) (bool, error) {
	if s == o || o == nil {
		return s == o, nil
	}
	a, err := s.entryID(ctx)
	if err != nil {
		return false, err
	}
	b, err := o.entryID(ctx)
	return sameID(a, b), err
}

// ExcludeRTFProps keeps formatted text out of messages that are read from this store from now on. What is saved keeps it.
func (s *InfoStore) ExcludeRTFProps() { s.plain = true }

// special opens a folder by its purpose.
func (s *InfoStore) special(ctx context.Context, parent Object, r mapi.Role) (*Folder, error) {
	if err := s.logon.alive(); err != nil {
		return nil, err
	}
	id, err := s.store.Special(ctx, r)
	if err != nil {
		return nil, err
	}
	return s.folder(ctx, parent, id)
}

// folder opens a folder.
func (s *InfoStore) folder(ctx context.Context, parent Object, id mapi.EntryID) (*Folder, error) {
	f := newFolder(parent, s, id)
	_, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// message opens an item, wherever it is.
func (s *InfoStore) message(ctx context.Context, parent Object, id mapi.EntryID) (*Message, error) {
	if err := s.logon.alive(); err != nil {
		return nil, err
	}
	if folder, ok := folderInID(id); ok {
		f, err := s.folder(ctx, parent, folder)
		if err != nil {
			return nil, err
		}
		if softDeleted(ctx, f.dir, id) {
			return nil, &mapi.Error{Op: "find message", Object: "deleted", Code: mapi.ErrNotFound}
		}
		m := newMessage(parent, f, mapi.Normal, id)
		return m, m.bag.complete(ctx)
	}
	root, err := s.store.Special(ctx, mapi.RoleRoot)
	if err != nil {
		return nil, err
	}
	m, err := s.search(ctx, parent, root, id, 0)
	if err == nil && m == nil {
		err = &mapi.Error{Op: "find message", Code: mapi.ErrNotFound}
	}
	return m, err
}

// softDeleted tells whether an item lies in Recoverable Items, where stores read it by its ID all the same. A store that cannot
// search there is taken at its word.
func softDeleted(ctx context.Context, dir mapi.Folder, id mapi.EntryID) bool {
	for _, err := range dir.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted, Where: byEntryID(id), Limit: 1}) {
		return err == nil
	}
	return false
}

// folderInID is the folder that an item's id names, as those of Exchange's stores do ([MS-OXCDATA] 2.2.4.2).
func folderInID(item mapi.EntryID) (mapi.EntryID, bool) {
	const private, public = 1, 3                   // types of folders
	const privateItem, publicItem, size = 7, 9, 70 // and of what is in them
	var m oxcdata.MessageEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(item), func(c *oxcdata.Coder) { c.MessageEntryID(&m) }); err != nil || len(item) != size {
		return "", false
	}
	f := oxcdata.FolderEntryID{Flags: m.Flags, Provider: m.Provider, Type: private, Folder: m.Folder}
	switch m.Type {
	case privateItem:
	case publicItem:
		f.Type = public
	default:
		return "", false
	}
	b, err := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.FolderEntryID(&f) })
	return mapi.EntryID(b), err == nil
}

// maxFolderDepth bounds a walk through folders of a damaged store.
const maxFolderDepth = 256

// search looks for an item in a folder and all below.
func (s *InfoStore) search(ctx context.Context, parent Object, folder, id mapi.EntryID, depth int) (*Message, error) {
	f := newFolder(parent, s, folder)
	dir, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		q := mapi.Query{Kind: k, Where: byEntryID(id), Limit: 1}
		for _, err := range dir.Rows(ctx, q) {
			if err != nil {
				return nil, err
			}
			m := newMessage(parent, f, k, id)
			return m, m.bag.complete(ctx)
		}
	}
	if depth == maxFolderDepth {
		return nil, nil
	}
	for info, err := range dir.Folders(ctx) {
		if err != nil {
			return nil, err
		}
		if info.Search {
			continue
		}
		if m, err := s.search(ctx, parent, info.ID, id, depth+1); m != nil || err != nil {
			return m, err
		}
	}
	return nil, nil
}

func byEntryID(id mapi.EntryID) mapi.Restriction {
	return mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagEntryId), Value: []byte(id)}
}
