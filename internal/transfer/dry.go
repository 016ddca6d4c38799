package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// tryBatch counts what would be done with some items.
func (r *run) tryBatch(ctx context.Context, b batch) error {
	for _, id := range b.ids {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if b.check[id] {
			var same bool
			err := r.retry(ctx, func(int) error {
				var fp compare.Fingerprint
				if err := b.src.Read(ctx, id, &fp); err != nil {
					return err
				}
				same = b.known.has(fp.Node().Core())
				return nil
			})
			switch {
			case systemic(err) || ctx.Err() != nil:
				return err
			case err != nil:
				r.count(b.pair, failed, 0)
				r.problem(Problem{Folder: b.path, Item: b.titles[id], ID: id, Kind: b.kind, Count: 1, Err: err})
				continue
			case same:
				r.count(b.pair, skipped, 0)
				continue
			}
			if r.Policy == Replace {
				if _, ok := b.known.rival(b.who[id]); ok {
					r.replaced()
				}
			}
		}
		r.count(b.pair, copied, 0)
	}
	return nil
}

// Dry is a store that seems to take new folders, and doesn't change. It holds for one run.
func Dry(s mapi.Store) mapi.Store {
	if d, ok := s.(*dryStore); ok {
		return d
	}
	return &dryStore{Store: s}
}

// dryStore is the destination of a dry run: folders that aren't there seem to be made, and nothing is changed.
type dryStore struct {
	mapi.Store

	mu   sync.Mutex
	made map[mapi.EntryID]*dryFolder
}

// Folder implements mapi.Store.
func (s *dryStore) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	s.mu.Lock()
	f := s.made[id]
	s.mu.Unlock()
	if f != nil {
		return f, nil
	}
	real, err := s.Store.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return &dryFolder{s: s, id: id, parent: real.Parent(), real: real}, nil
}

// dryFolder is a folder of a dryStore; real is nil if it seems to be made.
type dryFolder struct {
	s          *dryStore
	id, parent mapi.EntryID
	name       string
	real       mapi.Folder
}

var errDry = &mapi.Error{Op: "change the destination", Code: mapi.ErrNoSupport, Err: errors.New("this is a dry run")}

// ID implements mapi.Folder.
func (f *dryFolder) ID() mapi.EntryID { return f.id }

// Parent implements mapi.Folder.
func (f *dryFolder) Parent() mapi.EntryID { return f.parent }

// Props implements mapi.Folder.
func (f *dryFolder) Props(ctx context.Context) (mapi.Props, error) {
	if f.real != nil {
		return f.real.Props(ctx)
	}
	return mapi.Props{{Key: mapi.TagKey(pid.TagDisplayName), Value: f.name}}, nil
}

// SetProps implements mapi.Folder.
func (f *dryFolder) SetProps(context.Context, mapi.Props, []mapi.Key) error { return nil }

// Folders implements mapi.Folder.
func (f *dryFolder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		if f.real == nil {
			return
		}
		f.real.Folders(ctx)(yield)
	}
}

// CreateFolder implements mapi.Folder.
func (f *dryFolder) CreateFolder(_ context.Context, name string, _ mapi.Props) (mapi.Folder, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.made == nil {
		f.s.made = map[mapi.EntryID]*dryFolder{}
	}
	made := &dryFolder{s: f.s, id: mapi.EntryID(fmt.Sprintf("to be made %d", len(f.s.made))), parent: f.id, name: name}
	f.s.made[made.id] = made
	return made, nil
}

// DeleteFolder implements mapi.Folder.
func (f *dryFolder) DeleteFolder(context.Context, mapi.EntryID) error { return errDry }

// Rows implements mapi.Folder.
func (f *dryFolder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		if f.real == nil {
			return
		}
		f.real.Rows(ctx, q)(yield)
	}
}

// Read implements mapi.Folder.
func (f *dryFolder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	if f.real == nil {
		return &mapi.Error{Op: "open item", Code: mapi.ErrNotFound}
	}
	return f.real.Read(ctx, id, w)
}

// Create implements mapi.Folder.
func (f *dryFolder) Create(context.Context, mapi.Kind) (mapi.ItemWriter, error) { return nil, errDry }

// Replace implements mapi.Folder.
func (f *dryFolder) Replace(context.Context, mapi.EntryID) (mapi.ItemWriter, error) {
	return nil, errDry
}

// Update implements mapi.Folder.
func (f *dryFolder) Update(context.Context, mapi.EntryID, mapi.Props, []mapi.Key) error {
	return errDry
}

// Delete implements mapi.Folder.
func (f *dryFolder) Delete(context.Context, []mapi.EntryID, bool) error { return errDry }
