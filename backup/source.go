package backup

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/opencdo/opencdo/mapi"
)

// source is the mailbox, with the properties of folders that didn't change taken from the last snapshot, and folders opened
// only when something is asked of them.
type source struct {
	mapi.Store
	f *follower
}

// Unwrap implements mapi.Unwrapper.
func (s *source) Unwrap() mapi.Store { return s.Store }

// Folder implements mapi.Store.
func (s *source) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	if at, ok := s.unchanged(id); ok {
		return &sourceFolder{s: s, id: id, at: at}, nil
	}
	return s.Store.Folder(ctx, id)
}

// unchanged tells whether the properties of a folder are those that the last snapshot has, and where.
func (s *source) unchanged(id mapi.EntryID) (mapi.EntryID, bool) {
	if s.f.changed == nil || s.f.changed[id] || id == s.f.root { // nobody tells of changes of the root itself
		return "", false
	}
	x, ok := s.f.saved.Folders[id]
	return x.At, ok
}

// sourceFolder is a folder whose properties didn't change.
type sourceFolder struct {
	s      *source
	id, at mapi.EntryID

	mu     sync.Mutex
	opened mapi.Folder
}

func (f *sourceFolder) open(ctx context.Context) (mapi.Folder, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened != nil {
		return f.opened, nil
	}
	var err error
	f.opened, err = f.s.Store.Folder(ctx, f.id)
	if err != nil {
		f.opened = nil
	}
	return f.opened, err
}

// ID implements mapi.Folder.
func (f *sourceFolder) ID() mapi.EntryID { return f.id }

// Parent implements mapi.Folder. A copy of a whole mailbox doesn't ask.
func (f *sourceFolder) Parent() mapi.EntryID {
	if o, err := f.open(context.Background()); err == nil {
		return o.Parent()
	}
	return f.s.f.root
}

// Props implements mapi.Folder.
func (f *sourceFolder) Props(ctx context.Context) (mapi.Props, error) {
	if props, err := f.s.f.old.FolderProps(ctx, f.at); err == nil {
		return props, nil
	}
	o, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	return o.Props(ctx)
}

// Folders implements mapi.Folder.
func (f *sourceFolder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		o, err := f.open(ctx)
		if err != nil {
			yield(mapi.FolderInfo{}, err)
			return
		}
		o.Folders(ctx)(yield)
	}
}

// Rows implements mapi.Folder.
func (f *sourceFolder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		o, err := f.open(ctx)
		if err != nil {
			yield(mapi.Row{}, err)
			return
		}
		o.Rows(ctx, q)(yield)
	}
}

// Read implements mapi.Folder.
func (f *sourceFolder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	o, err := f.open(ctx)
	if err != nil {
		return err
	}
	return o.Read(ctx, id, w)
}

// ReadAll implements mapi.BulkReader.
func (f *sourceFolder) ReadAll(ctx context.Context, ids []mapi.EntryID) iter.Seq2[mapi.EntryID, func(mapi.ItemSink) error] {
	return func(yield func(mapi.EntryID, func(mapi.ItemSink) error) bool) {
		o, err := f.open(ctx)
		if err != nil {
			for _, id := range ids {
				if !yield(id, func(mapi.ItemSink) error { return err }) {
					return
				}
			}
			return
		}
		var rest []mapi.EntryID
		part, able := o.(mapi.PartReader)
		for _, id := range ids {
			was, moved := f.s.f.movedFrom(id)
			if !moved || !able {
				rest = append(rest, id)
			} else if !yield(id, func(w mapi.ItemSink) error { return readMoved(ctx, part, id, was, w) }) {
				return
			}
		}
		mapi.ReadAll(ctx, o, rest)(yield)
	}
}

var errReadOnly = &mapi.Error{Op: "change the mailbox", Code: mapi.ErrNoSupport, Err: errors.New("a backup only reads it")}

// SetProps implements mapi.Folder.
func (f *sourceFolder) SetProps(context.Context, mapi.Props, []mapi.Key) error { return errReadOnly }

// CreateFolder implements mapi.Folder.
func (f *sourceFolder) CreateFolder(context.Context, string, mapi.Props) (mapi.Folder, error) {
	return nil, errReadOnly
}

// DeleteFolder implements mapi.Folder.
func (f *sourceFolder) DeleteFolder(context.Context, mapi.EntryID) error { return errReadOnly }

// Create implements mapi.Folder.
func (f *sourceFolder) Create(context.Context, mapi.Kind) (mapi.ItemWriter, error) {
	return nil, errReadOnly
}

// Replace implements mapi.Folder.
func (f *sourceFolder) Replace(context.Context, mapi.EntryID) (mapi.ItemWriter, error) {
	return nil, errReadOnly
}

// Update implements mapi.Folder.
func (f *sourceFolder) Update(context.Context, mapi.EntryID, mapi.Props, []mapi.Key) error {
	return errReadOnly
}

// Delete implements mapi.Folder.
func (f *sourceFolder) Delete(context.Context, []mapi.EntryID, bool) error { return errReadOnly }
