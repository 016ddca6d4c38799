package msgdir

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

// itemWriter is an item being written, new or in place of another.
type itemWriter struct {
	f       *Folder
	kind    mapi.Kind
	replace mapi.EntryID // "" for a new item
	msg     *msgfile.Writer
	depth   int
	label   label
	done    bool
}

// Create implements mapi.Folder.
func (f *Folder) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	const op = "create item"
	if err := f.usable(ctx, op, true); err != nil {
		return nil, err
	}
	if k != mapi.Normal && k != mapi.Associated {
		return nil, fail(op, k.String(), mapi.ErrNoSupport)
	}
	return &itemWriter{f: f, kind: k, msg: msgfile.NewWriter(msgfile.Config{})}, nil
}

// Replace implements mapi.Folder.
func (f *Folder) Replace(ctx context.Context, id mapi.EntryID) (mapi.ItemWriter, error) {
	const op = "replace item"
	if err := f.usable(ctx, op, true); err != nil {
		return nil, err
	}
	f.s.mu.RLock()
	defer f.s.mu.RUnlock()
	_, kind, err := f.itemName(op, id)
	if err != nil {
		return nil, err
	}
	return &itemWriter{f: f, kind: kind, replace: id, msg: msgfile.NewWriter(msgfile.Config{})}, nil
}

// step guards a call of the sink.
func (w *itemWriter) step(do func() error, deeper int) error {
	if w.done {
		return fail("write item", "after its end", mapi.ErrInvalidObject)
	}
	err := do()
	if err == nil {
		w.depth += deeper
	}
	return err
}

func (w *itemWriter) Prop(k mapi.Key, v mapi.Value) error {
	if w.depth == 0 {
		w.label.note(k, v)
	}
	return w.step(func() error { return w.msg.Prop(k, v) }, 0)
}

func (w *itemWriter) Stream(k mapi.Key, size int64, r io.Reader) error {
	return w.step(func() error { return w.msg.Stream(k, size, r) }, 0)
}

func (w *itemWriter) Recipient() error  { return w.step(w.msg.Recipient, 1) }
func (w *itemWriter) Attachment() error { return w.step(w.msg.Attachment, 1) }
func (w *itemWriter) Embedded() error   { return w.step(w.msg.Embedded, 1) }
func (w *itemWriter) End() error        { return w.step(w.msg.End, -1) }

// Commit implements mapi.ItemWriter.
func (w *itemWriter) Commit(ctx context.Context) (mapi.EntryID, error) {
	const op = "save item"
	if w.done {
		return "", fail(op, "after its end", mapi.ErrInvalidObject)
	}
	f := w.f
	if err := f.usable(ctx, op, true); err != nil {
		return "", err
	}
	m, err := w.msg.Message()
	if err != nil {
		return "", err
	}
	dir := f.name
	if w.replace != "" {
		name, _ := local(w.replace)
		dir = path.Dir(name)
	} else if w.kind == mapi.Associated {
		dir = path.Join(dir, associatedDir)
		if err := f.s.root.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", failed(op, dir, err)
		}
	}
	st, err := f.s.stage(dir, m)
	if err != nil {
		return "", failed(op, dir, err)
	}
	defer st.discard()
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	name, err := w.place(op, dir, st)
	if err != nil {
		return "", err
	}
	w.done = true
	return idOf(name), nil
}

// place makes the item visible. The lock is held.
func (w *itemWriter) place(op, dir string, st *staged) (string, error) {
	if w.replace != "" {
		name, _, err := w.f.itemName(op, w.replace)
		if err != nil {
			return "", err
		}
		return name, st.place(name)
	}
	name, err := w.f.s.reserve(dir, w.label.fileName(), itemExt)
	if err != nil {
		return "", err
	}
	if err := st.place(name); err != nil {
		w.f.s.root.Remove(name)
		return "", err
	}
	return name, nil
}

// Close implements mapi.ItemWriter.
func (w *itemWriter) Close() error {
	w.done = true
	return w.msg.Close()
}
