package exchangeserver

import (
	"context"
	"iter"

	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

var _ Synchronized = (*localMailbox)(nil)

func (m *localMailbox) LastChange(ctx context.Context) (ID, error) {
	cn, err := m.LastCN(ctx)
	return ID(cn), err
}

func (m *localMailbox) ItemChanges(ctx context.Context, fid ID) iter.Seq2[ItemState, error] {
	return func(yield func(ItemState, error) bool) {
		f, err := m.FolderByID(ctx, localstore.ID(fid))
		if err != nil {
			yield(ItemState{}, err)
			return
		}
		for c, err := range f.Changes(ctx) {
			if !yield(ItemState{ID(c.ID), ID(c.CN), ID(c.ReadCN), c.Read, c.Kind, c.Size}, err) {
				return
			}
		}
	}
}

func (m *localMailbox) FolderChanges(ctx context.Context, below ID) iter.Seq2[FolderState, error] {
	return func(yield func(FolderState, error) bool) {
		f, err := m.FolderByID(ctx, localstore.ID(below))
		if err != nil {
			yield(FolderState{}, err)
			return
		}
		for c, err := range f.Hierarchy(ctx) {
			if c.Info.Search {
				continue
			}
			if !yield(FolderState{ID(c.ID), ID(c.Parent), ID(c.CN)}, err) {
				return
			}
		}
	}
}

func (m *localMailbox) Version(ctx context.Context, fid, mid ID) (Version, error) {
	f, err := m.FolderByID(ctx, localstore.ID(fid))
	if err != nil {
		return Version{}, err
	}
	v, err := f.Version(ctx, localstore.ID(mid))
	return Version{mid, ID(v.CN), ID(v.ReadCN), v.SourceKey, v.ChangeKey, v.PCL, v.Modified, v.Size, v.Deleted}, err
}

func (m *localMailbox) FindItem(ctx context.Context, key []byte) (fid, mid ID, err error) {
	f, i, err := m.FindSourceKey(ctx, key)
	return ID(f), ID(i), err
}

func (m *localMailbox) FindFolder(ctx context.Context, key []byte) (ID, error) {
	fid, err := m.FindFolderSourceKey(ctx, key)
	return ID(fid), err
}

func (v Version) local() localstore.Identity {
	return localstore.Identity{ID: localstore.ID(v.ID), SourceKey: v.SourceKey, ChangeKey: v.ChangeKey, PCL: v.PCL}
}

func (m *localMailbox) CreateItem(ctx context.Context, fid ID, k mapi.Kind, v Version) (mapi.ItemWriter, error) {
	f, err := m.FolderByID(ctx, localstore.ID(fid))
	if err != nil {
		return nil, err
	}
	return f.CreateAs(ctx, k, v.local())
}

func (m *localMailbox) ReplaceItem(ctx context.Context, fid, mid ID, v Version) (mapi.ItemWriter, error) {
	f, err := m.FolderByID(ctx, localstore.ID(fid))
	if err != nil {
		return nil, err
	}
	return f.ReplaceAs(ctx, m.Store.MessageEntryID(localstore.ID(fid), localstore.ID(mid)), v.local())
}

func (m *localMailbox) MoveItem(ctx context.Context, fid, mid, to ID, v Version) (ID, error) {
	f, err := m.FolderByID(ctx, localstore.ID(fid))
	if err != nil {
		return 0, err
	}
	dest, err := m.FolderByID(ctx, localstore.ID(to))
	if err != nil {
		return 0, err
	}
	moved, err := f.MoveAs(ctx, m.Store.MessageEntryID(localstore.ID(fid), localstore.ID(mid)), dest, v.local())
	if err != nil {
		return 0, err
	}
	_, id, err := m.MessageID(moved)
	return id, err
}

func (m *localMailbox) CreateFolder(ctx context.Context, parent ID, name string, props mapi.Props, v Version) (ID, error) {
	f, err := m.FolderByID(ctx, localstore.ID(parent))
	if err != nil {
		return 0, err
	}
	made, err := f.CreateFolderAs(ctx, name, props, v.local())
	if err != nil {
		return 0, err
	}
	return ID(made.FID()), nil
}

func (m *localMailbox) ChangeFolder(ctx context.Context, fid, parent ID, name string, props mapi.Props, v Version) error {
	f, err := m.FolderByID(ctx, localstore.ID(fid))
	if err != nil {
		return err
	}
	if f.ParentFID() != localstore.ID(parent) {
		to, err := m.FolderByID(ctx, localstore.ID(parent))
		if err != nil {
			return err
		}
		if err := f.MoveTo(ctx, to, name); err != nil {
			return err
		}
	}
	set := append(mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: name}}, props...)
	return f.ChangeAs(ctx, set, v.local())
}
