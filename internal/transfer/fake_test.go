package transfer_test

import (
	"context"
	"errors"
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
	// search is the name of folders that are shown as search folders.
	search string
	inBulk bool // a run of items is open: with one worker, nothing else can be written meanwhile
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
			info.Search = info.Name == f.s.search
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
	if f.s.inBulk {
		return nil, &mapi.Error{Op: "create item", Code: mapi.ErrCallFailed, Err: errors.New("it would wait for the run of items to end")}
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

// bulkFolder is a faultyFolder that takes items in bulk. Faults are asked for as "whole" (an item), "flush" and "flushed".
type bulkFolder struct{ *faultyFolder }

type bulky struct{ *faulty }

func (s bulky) Folder(ctx context.Context, id mapi.EntryID) (mapi.Folder, error) {
	f, err := s.faulty.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return bulkFolder{f.(*faultyFolder)}, nil
}

func (f bulkFolder) WriteAll(ctx context.Context, k mapi.Kind) (mapi.BulkItems, error) {
	if err := f.s.check("bulk", k.String()); err != nil {
		return nil, err
	}
	f.s.inBulk = true
	return &bulkItems{f: f, ctx: ctx, kind: k}, nil
}

type bulkItems struct {
	mapi.ItemBuilder
	f     bulkFolder
	ctx   context.Context
	kind  mapi.Kind
	whole []*mapi.Item
}

func (w *bulkItems) Next() error {
	it := w.Item
	w.ItemBuilder = mapi.ItemBuilder{}
	w.whole = append(w.whole, &it)
	return w.f.s.check("whole", it.Props.Text(pid.TagSubject))
}

func (w *bulkItems) Drop() error {
	w.ItemBuilder = mapi.ItemBuilder{}
	return nil
}

// Flush writes the items; when the fault is "flush" only half of them.
func (w *bulkItems) Flush() error {
	half := w.f.s.check("flush", "")
	if half != nil {
		w.whole = w.whole[:len(w.whole)/2]
	}
	for _, it := range w.whole {
		if _, err := mapi.WriteItem(w.ctx, w.f.Folder, w.kind, it); err != nil {
			return err
		}
	}
	w.whole = nil
	if half != nil {
		return half
	}
	return w.f.s.check("flushed", "")
}

func (w *bulkItems) Close() error {
	w.f.s.inBulk = false
	return nil
}
