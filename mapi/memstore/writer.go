package memstore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
)

// writer is an item being written, new or in place of another.
type writer struct {
	f       *Folder
	kind    mapi.Kind
	replace mapi.EntryID // "" for a new item
	depth   int          // Recipient, Attachment and Embedded without their End
	done    bool
	item    mapi.ItemBuilder
}

// Create implements mapi.Folder.
func (f *Folder) Create(ctx context.Context, k mapi.Kind) (mapi.ItemWriter, error) {
	defer f.s.rlock()()
	const op = "create item"
	if err := f.usable(ctx, op, true); err != nil {
		return nil, err
	}
	if k != mapi.Normal && k != mapi.Associated {
		return nil, fail(op, k.String(), mapi.ErrNoSupport)
	}
	return &writer{f: f, kind: k}, nil
}

// Replace implements mapi.Folder.
func (f *Folder) Replace(ctx context.Context, id mapi.EntryID) (mapi.ItemWriter, error) {
	defer f.s.rlock()()
	const op = "replace item"
	if err := f.usable(ctx, op, true); err != nil {
		return nil, err
	}
	k, _, err := f.changeable(op, id)
	if err != nil {
		return nil, err
	}
	return &writer{f: f, kind: k, replace: id}, nil
}

// hold checks a property and gives its value in the form in which it is kept: a [mapi.Blob] from mapi.LargeValue on.
func hold(k mapi.Key, v mapi.Value) (mapi.Value, error) {
	refuse := func(err error) (mapi.Value, error) {
		return nil, &mapi.Error{Op: "set property", Object: k.String(), Code: mapi.ErrInvalidParameter, Err: err}
	}
	switch {
	case k.Named() && k.Tag.ID() != 0:
		return refuse(errors.New("a named property with an id, which means nothing outside its store"))
	case !k.Named() && k.Tag.Named():
		return refuse(errors.New("an id from 0x8000 on without the name that it stands for"))
	}
	if err := mapi.CheckValue(k.Type(), v); err != nil {
		return refuse(err)
	}
	if b, ok := v.(mapi.Blob); ok {
		r, err := b.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return holdStream(k, r)
	}
	if mapi.ValueSize(v) >= mapi.LargeValue {
		if b, ok := mapi.ValueBytes(v); ok {
			return mapi.MemBlob(b), nil
		}
	}
	return v, nil
}

// holdStream reads a value and gives it in the form in which it is kept.
func holdStream(k mapi.Key, r io.Reader) (mapi.Value, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	v, err := mapi.BytesValue(k.Type(), b)
	if err != nil {
		return nil, err
	}
	return hold(k, v)
}

// step guards a call of the sink.
func (w *writer) step(do func() error, deeper int) error {
	if w.done {
		return fail("write item", "after its end", mapi.ErrInvalidObject)
	}
	err := do()
	if err == nil {
		w.depth += deeper
	}
	return err
}

func (w *writer) Prop(k mapi.Key, v mapi.Value) error {
	return w.step(func() error {
		v, err := hold(k, v)
		if err != nil {
			return err
		}
		return w.item.Prop(k, v)
	}, 0)
}

func (w *writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	return w.step(func() error {
		v, err := holdStream(k, r)
		if err != nil {
			return err
		}
		if got := mapi.ValueSize(v); size >= 0 && size != got {
			return &mapi.Error{Op: "write item", Object: k.String(), Code: mapi.ErrInvalidParameter,
				Err: fmt.Errorf("%d bytes were promised and %d came", size, got)}
		}
		return w.item.Prop(k, v)
	}, 0)
}

func (w *writer) Recipient() error  { return w.step(w.item.Recipient, 1) }
func (w *writer) Attachment() error { return w.step(w.item.Attachment, 1) }
func (w *writer) Embedded() error   { return w.step(w.item.Embedded, 1) }
func (w *writer) End() error        { return w.step(w.item.End, -1) }

func (w *writer) Commit(ctx context.Context) (mapi.EntryID, error) {
	const op = "save item"
	switch {
	case w.done:
		return "", fail(op, "after its end", mapi.ErrInvalidObject)
	case w.depth != 0:
		return "", fail(op, "with an unfinished recipient or attachment", mapi.ErrInvalidParameter)
	}
	f := w.f
	defer f.s.lock()()
	if err := f.usable(ctx, op, true); err != nil {
		return "", err
	}
	it := &w.item.Item
	if w.replace != "" {
		k, i, err := f.changeable(op, w.replace)
		if err != nil {
			return "", err
		}
		f.n.lists[k][i] = &entry{w.replace, it}
		w.done = true
		return w.replace, nil
	}
	e := &entry{f.s.newID(), it}
	f.n.lists[w.kind] = append(f.n.lists[w.kind], e)
	w.done = true
	return e.id, nil
}

func (w *writer) Close() error {
	w.done = true
	return nil
}
