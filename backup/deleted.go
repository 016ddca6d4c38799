package backup

import (
	"context"
	"iter"

	"github.com/opencdo/opencdo/mapi"
)

// deletedStore shows the soft-deleted items of a store in place of the others.
type deletedStore struct{ mapi.Store }

// Folder implements mapi.Store.
func (s deletedStore) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := s.Store.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return deletedFolder{f}, nil
}

type deletedFolder struct{ mapi.Folder }

// Rows implements mapi.Folder.
func (f deletedFolder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	if q.Kind != mapi.Normal {
		return func(func(mapi.Row, error) bool) {}
	}
	q.Kind = mapi.SoftDeleted
	return f.Folder.Rows(ctx, q)
}
