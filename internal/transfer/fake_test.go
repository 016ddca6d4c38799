package transfer_test

import (
	"context"
	"io"
	"iter"
	"sync"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// faulty is a store whose calls fail when fault says so. op is "rows", "read", "create", "commit", "committed" (after the
// commit was done) or "folders"; subject is the item's, where known.
type faulty struct {
	mapi.Store
	mu    sync.Mutex
	fault func(op, subject string) error
}

func (s *faulty) check(op, subject string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault(op, subject)
}

func (s *faulty) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := s.Store.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return &faultyFolder{f, s}, nil
}

type faultyFolder struct {
	mapi.Folder
	s *faulty
}

func (f *faultyFolder) CreateFolder(ctx context.Context, name string, props mapi.Props) (mapi.Folder, error) {
	made, err := f.Folder.CreateFolder(ctx, name, props)
	if err != nil {
		return nil, err
	}
	return &faultyFolder{made, f.s}, nil
}

func (f *faultyFolder) Folders(ctx context.Context) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		for info, err := range f.Folder.Folders(ctx) {
			if err == nil {
				err = f.s.check("folders", info.Name)
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
	}
}

func (f *faultyFolder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		for row, err := range f.Folder.Rows(ctx, q) {
			if err == nil {
				err = f.s.check("rows", "")
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

func (f *faultyFolder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	it, err := mapi.ReadItem(ctx, f.Folder, id)
	if err == nil {
		err = f.s.check("read", it.Props.Text(pid.TagSubject))
	}
	if err != nil {
		// Half of the item comes before the failure.
		w.Prop(mapi.TagKey(pid.TagSubject), "half")
		return err
	}
	return it.WriteTo(w)
}

func (f *faultyFolder) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	if err := f.s.check("create", k.String()); err != nil {
		return nil, err
	}
	w, err := f.Folder.Create(ctx, k)
	if err != nil {
		return nil, err
	}
	return &faultyWriter{ItemWriter: w, s: f.s}, nil
}

type faultyWriter struct {
	mapi.ItemWriter
	s       *faulty
	subject string
}

func (w *faultyWriter) Prop(k mapi.Key, v mapi.Value) error {
	if s, ok := v.(string); ok && k == mapi.TagKey(pid.TagSubject) {
		w.subject = s
	}
	return w.ItemWriter.Prop(k, v)
}

func (w *faultyWriter) Stream(k mapi.Key, size int64, r io.Reader) error {
	return w.ItemWriter.Stream(k, size, r)
}

func (w *faultyWriter) Commit(ctx context.Context) (mapi.EntryID, error) {
	if err := w.s.check("commit", w.subject); err != nil {
		return "", err
	}
	id, err := w.ItemWriter.Commit(ctx)
	if err == nil {
		err = w.s.check("committed", w.subject)
	}
	return id, err
}
