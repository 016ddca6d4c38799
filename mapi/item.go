package mapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Item is a message held in memory, large values as [Blob]s. It suits single items: copies between stores stream.
type Item struct {
	Props       Props
	Recipients  []Props
	Attachments []*Attachment
}

// Attachment is an attachment of an [Item]; Embedded is the item of an embedded message, or nil.
type Attachment struct {
	Props    Props
	Embedded *Item
}

// MaxDepth is how deep items may be embedded in each other. It bounds recursion on hostile input; Exchange allows less.
const MaxDepth = 64

// WriteTo pushes the item into w, in canonical order.
func (it *Item) WriteTo(w ItemSink) error { return it.write(w, 0) }

func (it *Item) write(w ItemSink, depth int) error {
	if depth > MaxDepth {
		return &Error{Op: "write item", Code: ErrTooComplex, Err: fmt.Errorf("embedded more than %d deep", MaxDepth)}
	}
	if err := writeProps(w, it.Props); err != nil {
		return err
	}
	for _, r := range it.Recipients {
		if err := w.Recipient(); err != nil {
			return err
		}
		if err := writeProps(w, r); err != nil {
			return err
		}
		if err := w.End(); err != nil {
			return err
		}
	}
	for _, a := range it.Attachments {
		if err := w.Attachment(); err != nil {
			return err
		}
		if err := writeProps(w, a.Props); err != nil {
			return err
		}
		if a.Embedded != nil {
			if err := w.Embedded(); err != nil {
				return err
			}
			if err := a.Embedded.write(w, depth+1); err != nil {
				return err
			}
			if err := w.End(); err != nil {
				return err
			}
		}
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

func writeProps(w ItemSink, ps Props) error {
	for _, p := range ps {
		b, ok := p.Value.(Blob)
		if !ok {
			if err := w.Prop(p.Key, p.Value); err != nil {
				return err
			}
			continue
		}
		r, err := b.Open()
		if err != nil {
			return err
		}
		err = w.Stream(p.Key, b.Size(), r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// ItemBuilder is a sink that builds an [Item]. Spool, when set, stores values that come as streams (a temporary file,
// for example) and is told their key; without it they are held in memory as ordinary values.
type ItemBuilder struct {
	Item  Item
	Spool func(k Key, size int64, r io.Reader) (Blob, error)

	stack []frame
}

type frame struct {
	props *Props
	item  *Item       // set while inside an item
	att   *Attachment // set while directly inside an attachment
}

func (b *ItemBuilder) top() frame {
	if len(b.stack) == 0 {
		return frame{props: &b.Item.Props, item: &b.Item}
	}
	return b.stack[len(b.stack)-1]
}

func orderError(what string) error {
	return &Error{Op: "build item", Object: what, Code: ErrInvalidParameter, Err: errors.New("out of order in the item stream")}
}

// Prop implements ItemSink.
func (b *ItemBuilder) Prop(k Key, v Value) error {
	p := b.top().props
	*p = append(*p, Prop{k, v})
	return nil
}

// Stream implements ItemSink.
func (b *ItemBuilder) Stream(k Key, size int64, r io.Reader) error {
	if b.Spool != nil {
		blob, err := b.Spool(k, size, r)
		if err != nil {
			return err
		}
		return b.Prop(k, blob)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v, err := BytesValue(k.Type(), data)
	if err != nil {
		return err
	}
	return b.Prop(k, v)
}

// Recipient implements ItemSink.
func (b *ItemBuilder) Recipient() error {
	t := b.top()
	if t.item == nil {
		return orderError("recipient")
	}
	t.item.Recipients = append(t.item.Recipients, nil)
	b.stack = append(b.stack, frame{props: &t.item.Recipients[len(t.item.Recipients)-1]})
	return nil
}

// Attachment implements ItemSink.
func (b *ItemBuilder) Attachment() error {
	t := b.top()
	if t.item == nil {
		return orderError("attachment")
	}
	a := &Attachment{}
	t.item.Attachments = append(t.item.Attachments, a)
	b.stack = append(b.stack, frame{props: &a.Props, att: a})
	return nil
}

// Embedded implements ItemSink.
func (b *ItemBuilder) Embedded() error {
	t := b.top()
	if t.att == nil || t.att.Embedded != nil {
		return orderError("embedded item")
	}
	if len(b.stack) > 2*MaxDepth {
		return &Error{Op: "build item", Code: ErrTooComplex, Err: fmt.Errorf("embedded more than %d deep", MaxDepth)}
	}
	t.att.Embedded = &Item{}
	b.stack = append(b.stack, frame{props: &t.att.Embedded.Props, item: t.att.Embedded})
	return nil
}

// End implements ItemSink.
func (b *ItemBuilder) End() error {
	if len(b.stack) == 0 {
		return orderError("end")
	}
	b.stack = b.stack[:len(b.stack)-1]
	return nil
}

// ReadItem reads an item of a folder into memory.
func ReadItem(ctx context.Context, f Folder, id EntryID) (*Item, error) {
	var b ItemBuilder
	if err := f.Read(ctx, id, &b); err != nil {
		return nil, err
	}
	return &b.Item, nil
}

// WriteItem creates an item in a folder.
func WriteItem(ctx context.Context, f Folder, k Kind, it *Item) (EntryID, error) {
	w, err := f.Create(ctx, k)
	if err != nil {
		return "", err
	}
	defer w.Close()
	if err := it.WriteTo(w); err != nil {
		return "", err
	}
	return w.Commit(ctx)
}

// BytesValue makes the value of a streamable type from its raw bytes (see [ItemSink].Stream).
func BytesValue(t Type, b []byte) (Value, error) {
	switch t {
	case TypeString:
		return DecodeUTF16(b), nil
	case TypeString8:
		return String8(b), nil
	case TypeBinary:
		return b, nil
	case TypeObject:
		return Object(b), nil
	}
	return nil, fmt.Errorf("mapi: a %v property has no stream", t)
}

// ValueBytes gives the raw bytes of a value of a streamable type; ok is false for other values.
func ValueBytes(v Value) (b []byte, ok bool) {
	switch v := v.(type) {
	case string:
		return EncodeUTF16(v), true
	case String8:
		return []byte(v), true
	case []byte:
		return v, true
	case Object:
		return v, true
	}
	return nil, false
}

// MemBlob is a [Blob] in memory.
type MemBlob []byte

// Size implements Blob.
func (b MemBlob) Size() int64 { return int64(len(b)) }

// Open implements Blob.
func (b MemBlob) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
