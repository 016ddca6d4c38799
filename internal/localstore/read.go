package localstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// blob is a value in chunk rows.
type blob struct {
	ctx context.Context
	s   *Store
	q   querier
	ref blobRef
}

// Size implements mapi.Blob.
func (b blob) Size() int64 { return b.ref.Size }

// Open implements mapi.Blob. What is kept beside the reference is read without the chunks.
func (b blob) Open() (io.ReadCloser, error) { return &blobReader{blob: b}, nil }

type blobReader struct {
	blob
	off    int64
	chunk  []byte // what is left of the present one
	failed error
}

func (r *blobReader) Read(p []byte) (n int, err error) {
	switch {
	case r.failed != nil:
		return 0, r.failed
	case r.off >= r.ref.Size:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case r.off < int64(len(r.ref.Head)):
		n = copy(p, r.ref.Head[r.off:])
		r.off += int64(n)
		return n, nil
	}
	if len(r.chunk) == 0 {
		if r.chunk, r.failed = r.next(); r.failed != nil {
			return 0, r.failed
		}
	}
	n = copy(p, r.chunk)
	r.chunk = r.chunk[n:]
	r.off += int64(n)
	return n, nil
}

// next is the rest of the chunk at off.
func (r *blobReader) next() ([]byte, error) {
	var data []byte
	err := r.q.QueryRowContext(r.ctx, "SELECT data FROM chunks WHERE id = ?", int64(r.ref.ID)<<rowShift+r.off/chunkSize).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &mapi.Error{Op: "read value", Object: r.s.path, Code: mapi.ErrObjectDeleted, Err: errors.New("the item was changed or deleted")}
	}
	if err != nil {
		return nil, r.s.fail("read value", err)
	}
	want := min(chunkSize, r.ref.Size-r.off/chunkSize*chunkSize)
	if int64(len(data)) != want {
		return nil, &mapi.Error{Op: "read value", Object: r.s.path, Code: mapi.ErrCorruptData, Err: fmt.Errorf("a chunk has %d bytes instead of %d", len(data), want)}
	}
	return data[r.off%chunkSize:], nil
}

// Close implements io.Closer.
func (r *blobReader) Close() error { return nil }

// all reads the value that has no stream.
func (b blob) all(t mapi.Type) (v mapi.Value, err error) {
	if b.ref.Size > maxEncoded {
		return nil, &mapi.Error{Op: "read value", Object: b.s.path, Code: mapi.ErrNoMemory, Err: fmt.Errorf("it has %d bytes", b.ref.Size)}
	}
	r, _ := b.Open()
	data, err := io.ReadAll(r) // grows with what is there: a damaged size takes no memory
	if err != nil {
		return nil, err
	}
	c := coder{buf: data}
	value(&c, t, &v)
	return v, c.err
}

// maxEncoded is the largest list read back into memory. It came from memory when it was written.
const maxEncoded = 1 << 30

func streams(t mapi.Type) bool {
	return t == mapi.TypeString || t == mapi.TypeString8 || t == mapi.TypeBinary || t == mapi.TypeObject
}

// pushed gives a property record to a sink.
func (s *Store) pushed(ctx context.Context, q querier, r *record, w mapi.ItemSink) error {
	k, err := s.keyOf(ctx, r)
	if err != nil {
		return err
	}
	ref, ok := r.val.(blobRef)
	if !ok {
		return w.Prop(k, r.val)
	}
	b := blob{ctx, s, q, ref}
	if !streams(k.Type()) {
		v, err := b.all(k.Type())
		if err != nil {
			return err
		}
		return w.Prop(k, v)
	}
	if keeper, ok := w.(*blobKeeper); ok {
		b.ctx, b.q = keeper.ctx, s.read // it outlives the snapshot
		return keeper.Prop(k, b)
	}
	rd, _ := b.Open()
	return w.Stream(k, ref.Size, rd)
}

// push sends an item to a sink.
func (s *Store) push(ctx context.Context, q querier, it *item, w mapi.ItemSink) error {
	top, err := topData(ctx, q, it.content)
	if err != nil {
		return err
	}
	have := map[uint16]bool{}
	err = decode(top, func(r record) error {
		if r.op != opProp && r.op != opBlob {
			return misplaced(r.op)
		}
		if !r.tag.Named() {
			have[r.tag.ID()] = true
		}
		return s.pushed(ctx, q, &r, w)
	})
	if err != nil {
		return err
	}
	if it.top, err = s.props(ctx, q, top); err != nil {
		return err
	}
	for _, c := range Computed {
		if c.Of != OfItem || c.RowOnly || c.Kept && have[c.Tag.ID()] {
			continue
		}
		if v := it.prop(s, c.Tag); v != nil {
			k := mapi.TagKey(c.Tag)
			if _, ok := v.(mapi.String8); ok {
				k = k.WithType(mapi.TypeString8)
			}
			if err := w.Prop(k, v); err != nil {
				return err
			}
		}
	}
	return s.pushParts(ctx, q, it.content, w)
}

func topData(ctx context.Context, q querier, content int64) (top []byte, err error) {
	err = q.QueryRowContext(ctx, "SELECT data FROM segments WHERE id = ?", content<<rowShift).Scan(&top)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &mapi.Error{Op: "read item", Code: mapi.ErrCorruptData, Err: errors.New("its content is missing")}
	}
	return top, err
}

func misplaced(op uint8) error {
	return &mapi.Error{Op: "read item", Code: mapi.ErrCorruptData, Err: fmt.Errorf("record %d is out of place", op)}
}

// props decodes properties; large values become Blobs.
func (s *Store) props(ctx context.Context, q querier, data []byte) (props mapi.Props, err error) {
	err = decode(data, func(r record) error {
		if r.op != opProp && r.op != opBlob {
			return misplaced(r.op)
		}
		p, err := s.propOf(ctx, q, &r)
		props = append(props, p)
		return err
	})
	return props, err
}

func (s *Store) propOf(ctx context.Context, q querier, r *record) (mapi.Prop, error) {
	k, err := s.keyOf(ctx, r)
	if err != nil {
		return mapi.Prop{}, err
	}
	v := r.val
	if ref, ok := v.(blobRef); ok {
		if b := (blob{ctx, s, q, ref}); streams(k.Type()) {
			v = b
		} else if v, err = b.all(k.Type()); err != nil {
			return mapi.Prop{}, err
		}
	}
	return mapi.Prop{Key: k, Value: v}, nil
}

// part is an open part of an item being read.
type part struct {
	op     uint8
	closed bool // its properties are over
	sized  bool // an attachment has PidTagAttachSize
	number int32
	size   int64
}

// eachPart decodes the records after the item's own properties. depth is that of the part that a record opens, closes or
// belongs to, from 1 on; the computed properties of attachments come as records of their own.
func eachPart(ctx context.Context, q querier, content int64, f func(depth int, r record) error) error {
	var sizeData []byte
	if err := q.QueryRowContext(ctx, "SELECT attach_sizes FROM contents WHERE id = ?", content).Scan(&sizeData); err != nil {
		return err
	}
	sizes := decodeSizes(sizeData)
	rows, err := q.QueryContext(ctx, "SELECT data FROM segments WHERE id BETWEEN ? AND ? ORDER BY id", content<<rowShift+1, (content+1)<<rowShift-1)
	if err != nil {
		return err
	}
	defer rows.Close()
	var open []part
	finish := func(p *part) error {
		if p.closed || p.op != opAttachment {
			return nil
		}
		p.closed = true
		if !p.sized {
			if err := f(len(open), record{op: opProp, tag: pid.TagAttachSize, val: int32(min(p.size, 1<<31-1))}); err != nil {
				return err
			}
		}
		return f(len(open), record{op: opProp, tag: pid.TagRecordKey, val: binary.LittleEndian.AppendUint32(nil, uint32(p.number))})
	}
	one := func(r record) error {
		if r.op != opProp && r.op != opBlob && len(open) > 0 {
			if err := finish(&open[len(open)-1]); err != nil {
				return err
			}
		}
		switch r.op {
		case opRecipient, opAttachment, opEmbedded:
			p := part{op: r.op}
			if r.op == opAttachment && len(sizes) > 0 {
				p.size, sizes = sizes[0], sizes[1:]
			}
			open = append(open, p)
			return f(len(open), r)
		case opEnd:
			if len(open) == 0 {
				return misplaced(r.op)
			}
			open = open[:len(open)-1]
			return f(len(open)+1, r)
		}
		if len(open) == 0 {
			return misplaced(r.op)
		}
		if p := &open[len(open)-1]; p.op == opAttachment {
			switch r.tag {
			case pid.TagAttachSize:
				p.sized = true
			case pid.TagAttachNumber:
				p.number, _ = r.val.(int32)
			}
		}
		return f(len(open), r)
	}
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			return err
		}
		if err := decode(data, one); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(open) > 0 {
		return &mapi.Error{Op: "read item", Code: mapi.ErrCorruptData, Err: errors.New("its content ends early")}
	}
	return nil
}

func (s *Store) pushParts(ctx context.Context, q querier, content int64, w mapi.ItemSink) error {
	return eachPart(ctx, q, content, func(_ int, r record) error {
		switch r.op {
		case opRecipient:
			return w.Recipient()
		case opAttachment:
			return w.Attachment()
		case opEmbedded:
			return w.Embedded()
		case opEnd:
			return w.End()
		}
		return s.pushed(ctx, q, &r, w)
	})
}

// rowTags are computed without the item's own properties.
var rowTags = func() map[mapi.Tag]bool {
	m := map[mapi.Tag]bool{}
	for _, c := range Computed {
		if c.Of == OfItem && c.Tag != pid.TagSubjectPrefix {
			m[c.Tag] = true
		}
	}
	return m
}()

// column is a property that has a column; ok is false for others.
func (it *item) column(t mapi.Tag) (v mapi.Value, isText, ok bool) {
	switch t {
	case pid.TagMessageDeliveryTime:
		return fileTimeOf(it.delivered), false, true
	case pid.TagClientSubmitTime:
		return fileTimeOf(it.submitted), false, true
	case pid.TagImportance:
		if it.importance.Valid {
			return it.importance.Int32, false, true
		}
		return nil, false, true
	case pid.TagMessageClass:
		return text(it.class), true, true
	case pid.TagSubject:
		return text(it.subject), true, true
	case pid.TagNormalizedSubject:
		return text(it.normalized), true, true
	case pid.TagSenderName:
		return text(it.sender), true, true
	case pid.TagSentRepresentingName:
		return text(it.representing), true, true
	case pid.TagDisplayTo:
		return text(it.display[0]), true, true
	case pid.TagDisplayCc:
		return text(it.display[1]), true, true
	case pid.TagDisplayBcc:
		return text(it.display[2]), true, true
	}
	return nil, false, false
}

func text(s sql.NullString) mapi.Value {
	if s.Valid {
		return s.String
	}
	return nil
}

func fileTimeOf(n sql.NullInt64) mapi.Value {
	if n.Valid {
		return mapi.FileTime(n.Int64)
	}
	return nil
}

var _ mapi.Blob = blob{}
