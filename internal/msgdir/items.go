package msgdir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// isItem tells whether a directory entry is an item; a file without content is only a name that is being given away.
func isItem(e fs.DirEntry) bool {
	if !strings.EqualFold(path.Ext(e.Name()), itemExt) || !e.Type().IsRegular() {
		return false
	}
	st, err := e.Info()
	return err == nil && st.Size() > 0
}

// files are the names of the items of a kind. The lock is held.
func (f *Folder) files(k mapi.Kind) ([]string, error) {
	switch k {
	case mapi.Normal:
		return f.s.files(f.name, f.s.info(f.name).Kind != "")
	case mapi.Associated:
		return f.s.files(path.Join(f.name, associatedDir), true)
	}
	return nil, nil
}

// files are the names of the items in a directory, and with parts in the directories that are parts of it.
func (s *Store) files(dir string, parts bool) (out []string, err error) {
	entries, err := s.list(dir)
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case isItem(e):
			out = append(out, name)
		case parts && e.IsDir() && s.isPart(name):
			below, err := s.files(name, true)
			if err != nil {
				return nil, err
			}
			out = append(out, below...)
		}
	}
	return out, err
}

// itemName finds an item of the folder by its id. The lock is held.
func (f *Folder) itemName(op string, id mapi.EntryID) (string, mapi.Kind, error) {
	name, ok := local(id)
	below, inside := strings.CutPrefix("/"+name, strings.TrimSuffix(string(f.ID()), "/")+"/")
	if !ok || !inside || !strings.EqualFold(path.Ext(name), itemExt) {
		return "", 0, fail(op, "", mapi.ErrNotFound)
	}
	kind := mapi.Normal
	dir := path.Dir(below)
	if dir == associatedDir || strings.HasPrefix(dir, associatedDir+"/") {
		kind = mapi.Associated
	} else if dir != "." && !f.hasPart(dir) {
		return "", 0, fail(op, name, mapi.ErrNotFound) // of a folder below
	}
	st, err := f.s.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (!st.Mode().IsRegular() || st.Size() == 0):
		return "", 0, fail(op, name, mapi.ErrNotFound)
	case err != nil:
		return "", 0, failed(op, name, err)
	}
	return name, kind, nil
}

// hasPart tells whether a directory below is one of the folder's parts. The lock is held.
func (f *Folder) hasPart(dir string) bool {
	if f.s.info(f.name).Kind == "" {
		return false
	}
	for ; dir != "."; dir = path.Dir(dir) {
		if !f.s.isPart(path.Join(f.name, dir)) {
			return false
		}
	}
	return true
}

// options read a file with its damage reported, if anybody wants to know.
func (s *Store) options(name string) (o msgfile.Options) {
	if s.config.Report != nil {
		o.Report = func(e *mapi.Error) { s.config.Report(filepath.Join(s.dir, filepath.FromSlash(name)), e) }
	}
	return o
}

// Read implements mapi.Folder.
func (f *Folder) Read(ctx context.Context, id mapi.EntryID, w mapi.ItemSink) error {
	const op = "open item"
	if err := f.usable(ctx, op, false); err != nil {
		return err
	}
	f.s.mu.RLock()
	name, _, err := f.itemName(op, id)
	if err != nil {
		f.s.mu.RUnlock()
		return err
	}
	msg, size, sidecar, done, err := f.s.openFiles(op, name)
	f.s.mu.RUnlock()
	if err != nil {
		return err
	}
	defer done()
	o := f.s.options(name)
	o.Sidecar = sidecar
	if err := o.Read(msg, size, &interruptible{w, ctx}); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// interruptible is a sink that ends when its context does.
type interruptible struct {
	mapi.ItemSink
	ctx context.Context
}

func (i *interruptible) Prop(k mapi.Key, v mapi.Value) error {
	if err := i.ctx.Err(); err != nil {
		return err
	}
	return i.ItemSink.Prop(k, v)
}

func (i *interruptible) Stream(k mapi.Key, size int64, r io.Reader) error {
	if err := i.ctx.Err(); err != nil {
		return err
	}
	return i.ItemSink.Stream(k, size, r)
}

// mark is what is remembered of a file, so that counting what is unread doesn't read everything each time.
type mark struct {
	size     int64
	modified time.Time
	read     bool
}

// isRead tells whether an item is marked as read; one that cannot be read is not. The lock is held.
func (s *Store) isRead(name string) bool {
	st, err := s.root.Lstat(name)
	if err != nil {
		return false
	}
	if v, ok := s.marks.Load(name); ok {
		if m := v.(mark); m.size == st.Size() && m.modified.Equal(st.ModTime()) {
			return m.read
		}
	}
	msg, size, _, done, err := s.openFiles("list", name)
	if err != nil {
		return false
	}
	defer done()
	found := flagsFinder{}
	o := msgfile.Options{Report: func(*mapi.Error) {}}
	if err := o.Read(msg, size, &found); err != nil && !errors.Is(err, errFound) {
		return false
	}
	read := found.flags&1 != 0 // mfRead ([MS-OXCMSG] 2.2.1.6)
	s.marks.Store(name, mark{st.Size(), st.ModTime(), read})
	return read
}

// flagsFinder is a sink that wants the message flags and no more.
type flagsFinder struct{ flags int32 }

var errFound = errors.New("found")

func (f *flagsFinder) Prop(k mapi.Key, v mapi.Value) error {
	if k == mapi.TagKey(pid.TagMessageFlags) {
		f.flags, _ = v.(int32)
		return errFound
	}
	return nil
}

func (f *flagsFinder) Stream(mapi.Key, int64, io.Reader) error { return nil }
func (f *flagsFinder) Recipient() error                        { return errFound }
func (f *flagsFinder) Attachment() error                       { return errFound }
func (f *flagsFinder) Embedded() error                         { return errFound }
func (f *flagsFinder) End() error                              { return errFound }

// Rows implements mapi.Folder. It lists what the folder held when the loop began, in the order of the file names. Of a damaged file
// it shows what can be read.
func (f *Folder) Rows(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(yield func(mapi.Row, error) bool) {
		const op = "list items"
		if err := f.usable(ctx, op, false); err != nil {
			yield(mapi.Row{}, err)
			return
		}
		f.s.mu.RLock()
		names, err := f.files(q.Kind)
		f.s.mu.RUnlock()
		if err != nil {
			yield(mapi.Row{}, err)
			return
		}
		for row, err := range mapi.Select(q, f.records(ctx, names), nil) {
			if !yield(row, err) {
				return
			}
		}
	}
}

func (f *Folder) records(ctx context.Context, names []string) iter.Seq2[mapi.Record, error] {
	return func(yield func(mapi.Record, error) bool) {
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				yield(mapi.Record{}, err)
				return
			}
			if !yield(f.record(name), nil) {
				return
			}
		}
	}
}

// record is an item as tables see it. Its file is read when a property is asked for.
func (f *Folder) record(name string) mapi.Record {
	var it *mapi.Item
	var size int64
	item := func() *mapi.Item {
		if it == nil {
			f.s.mu.RLock()
			defer f.s.mu.RUnlock()
			var err error
			if it, size, err = f.s.openItem(name, msgfile.Options{Report: func(*mapi.Error) {}}); err != nil {
				it = &mapi.Item{} // reading it tells why
			}
		}
		return it
	}
	return mapi.Record{
		ID: idOf(name),
		Get: func(k mapi.Key) mapi.Value {
			switch k {
			case mapi.TagKey(pid.TagEntryId):
				return []byte(idOf(name))
			case mapi.TagKey(pid.TagParentEntryId):
				return []byte(f.ID())
			}
			v := item().Props.Get(k)
			switch {
			case v != nil:
			case k == mapi.TagKey(pid.TagMessageSize):
				return int32(min(size, 1<<31-1))
			case k == mapi.TagKey(pid.TagHasAttachments):
				return len(item().Attachments) > 0
			}
			return v
		},
		Sub: func(t mapi.Tag) iter.Seq[mapi.Props] { return item().Record(idOf(name)).Sub(t) },
	}
}

// Update implements mapi.Folder.
func (f *Folder) Update(ctx context.Context, id mapi.EntryID, set mapi.Props, del []mapi.Key) error {
	const op = "change item"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	name, _, err := f.itemName(op, id)
	if err != nil {
		return err
	}
	it, _, err := f.s.openItem(name, msgfile.Options{}) // a damaged one is not to lose what can't be read now
	if err != nil {
		return err
	}
	it.Props = changed(it.Props, set, del)
	m, err := msgfile.Plan(it)
	if err != nil {
		return err
	}
	st, err := f.s.stage(path.Dir(name), m)
	if err != nil {
		return failed(op, name, err)
	}
	defer st.discard()
	return st.place(name)
}

// Delete implements mapi.Folder: always for good. Ids that aren't there make it fail with ErrNotFound after it has deleted
// the others.
func (f *Folder) Delete(ctx context.Context, ids []mapi.EntryID, hard bool) error {
	const op = "delete items"
	if err := f.usable(ctx, op, true); err != nil {
		return err
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	var errs []error
	for _, id := range ids {
		name, _, err := f.itemName(op, id)
		if err == nil {
			if err = f.s.root.Remove(name); err == nil {
				err = f.s.removeSidecar(name)
			}
			if err != nil {
				err = failed(op, name, err)
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
