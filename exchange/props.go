package exchange

import (
	"bytes"
	"context"
	"io"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// allProps reads all properties of an open object; values that do not fit an answer are read by stream.
func (st *Store) allProps(ctx context.Context, s *session, h handle) (mapi.Props, error) {
	var b batch
	b.add(&oxcrops.GetPropertiesAllRequest{In: b.in(h), PropertySizeLimit: inlineMax, WantUnicode: 1})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return nil, err
	}
	if err := res.check("read properties"); err != nil {
		return nil, err
	}
	r, err := answer[*oxcrops.GetPropertiesAllResponse](res)
	if err != nil {
		return nil, err
	}
	return st.resolve(ctx, s, h, r.Values)
}

// resolve turns wire values into properties. An error in place of a value means that it was too large, or is no property.
func (st *Store) resolve(ctx context.Context, s *session, h handle, values []oxcdata.TaggedValue) (mapi.Props, error) {
	tags := make([]mapi.Tag, len(values))
	for i, v := range values {
		tags[i] = v.Tag
	}
	keys, ok, err := st.keys(ctx, s, tags)
	if err != nil {
		return nil, err
	}
	ps := make(mapi.Props, 0, len(values))
	for i, v := range values {
		if !ok[i] {
			continue
		}
		if code, failed := v.Value.(mapi.Code); failed {
			if code == mapi.ErrNoMemory {
				big, err := st.bigValue(ctx, s, h, v.Tag, keys[i])
				if err != nil {
					return nil, err
				}
				ps = append(ps, big...)
			}
			continue
		}
		ps = append(ps, mapi.Prop{Key: keys[i], Value: v.Value})
	}
	return ps, nil
}

// bigValue reads a property that came as "not enough memory". Its type was replaced by the error's, so the streamable types
// are tried; there are no others that large.
func (st *Store) bigValue(ctx context.Context, s *session, h handle, tag mapi.Tag, key mapi.Key) (mapi.Props, error) {
	types := []mapi.Type{tag.Type()}
	if tag.Type() == mapi.TypeError {
		types = []mapi.Type{mapi.TypeBinary, mapi.TypeString}
	}
	for _, t := range types {
		data, err := readStream(ctx, s, h, tag.WithType(t))
		if code := mapi.CodeOf(err); code == mapi.ErrNotFound || code == mapi.ErrNoSupport {
			continue
		}
		if err != nil {
			return nil, err
		}
		v, err := mapi.BytesValue(t, data)
		if err != nil {
			return nil, err
		}
		return mapi.Props{{Key: key.WithType(t), Value: v}}, nil
	}
	return nil, nil
}

// readStream reads a whole property of an object other than an item: folder properties are small enough to hold.
func readStream(ctx context.Context, s *session, h handle, tag mapi.Tag) ([]byte, error) {
	const chunk = 0x7000
	var b batch
	in, out := b.in(h), b.out()
	b.add(&oxcrops.OpenStreamRequest{In: in, Out: out, Tag: tag})
	b.add(&oxcrops.ReadStreamRequest{In: out, ByteCount: chunk})
	var data []byte
	stream := none
	for {
		res, err := s.execute(ctx, &b)
		if err != nil {
			return nil, err
		}
		if stream == none {
			stream = res.at(out)
			defer s.free(stream)
		}
		if err := res.check("read stream"); err != nil {
			return nil, err
		}
		r, err := answer[*oxcrops.ReadStreamResponse](res)
		if err != nil {
			return nil, err
		}
		if len(r.Data) == 0 {
			return data, nil
		}
		data = append(data, r.Data...)
		b = batch{}
		b.add(&oxcrops.ReadStreamRequest{In: b.in(stream), ByteCount: chunk})
	}
}

// writeStream sets a property by stream: the way for values that do not fit a SetProperties request.
func writeStream(ctx context.Context, s *session, h handle, tag mapi.Tag, r io.Reader) error {
	const chunk, create = 0x7000, 2
	var b batch
	in, out := b.in(h), b.out()
	b.add(&oxcrops.OpenStreamRequest{In: in, Out: out, Tag: tag, OpenModeFlags: create})
	stream := none
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		last := err != nil
		slot := out
		if stream != none {
			slot = b.in(stream)
		}
		if n > 0 {
			b.add(&oxcrops.WriteStreamRequest{In: slot, Data: buf[:n]})
		}
		if last {
			b.add(&oxcrops.CommitStreamRequest{In: slot})
		}
		res, err := s.execute(ctx, &b)
		if err != nil {
			return err
		}
		if stream == none {
			stream = res.at(out)
			defer s.free(stream)
		}
		if err := res.check("write stream"); err != nil || last {
			return err
		}
		b = batch{}
	}
}

// setProps changes properties of an open object, in as few requests as they fit; what is too large goes by stream.
// Properties that the server computes and refuses are left alone, as mapi.Folder.SetProps says.
func (st *Store) setProps(ctx context.Context, s *session, h handle, set mapi.Props, del []mapi.Key) error {
	keys := make([]mapi.Key, len(set))
	for i, p := range set {
		keys[i] = p.Key
	}
	tags, err := st.tags(ctx, s, keys, true)
	if err != nil {
		return err
	}
	var b batch
	size := 0
	var values []oxcdata.TaggedValue
	flush := func() error {
		if len(values) > 0 {
			b.add(&oxcrops.SetPropertiesRequest{In: b.in(h), Values: values})
		}
		if len(b.reqs) == 0 {
			return nil
		}
		res, err := s.execute(ctx, &b)
		b, values, size = batch{}, nil, 0
		if err != nil {
			return err
		}
		return res.check("set properties")
	}
	for i, p := range set {
		if tags[i] == 0 {
			continue
		}
		if raw, ok := streamable(p.Value); ok {
			if err := flush(); err != nil {
				return err
			}
			if err := writeStream(ctx, s, h, tags[i], raw); err != nil {
				return err
			}
			continue
		}
		v := oxcdata.TaggedValue{Tag: tags[i], Value: p.Value}
		n, err := valueSize(v)
		if err != nil {
			return &mapi.Error{Op: "set property", Object: p.Key.String(), Code: mapi.ErrInvalidParameter, Err: err}
		}
		if size+n > maxROPIn {
			if err := flush(); err != nil {
				return err
			}
		}
		values = append(values, v)
		size += n
	}
	if len(del) > 0 {
		gone, err := st.tags(ctx, s, del, false)
		if err != nil {
			return err
		}
		known := gone[:0]
		for _, t := range gone {
			if t != 0 {
				known = append(known, t)
			}
		}
		b.add(&oxcrops.DeletePropertiesRequest{In: b.in(h), Tags: known})
	}
	return flush()
}

// inlineMax is the size up to which a value is read and set with others; larger ones go by stream. (A limit of 0, which
// would leave the choice to the server, makes gromox leave out nearly everything.)
const inlineMax = maxROPIn / 2

// streamable gives the bytes of a value that has to go by stream.
func streamable(v mapi.Value) (io.Reader, bool) {
	if blob, ok := v.(mapi.Blob); ok {
		r, err := blob.Open()
		return &closingReader{r, err}, true
	}
	raw, ok := mapi.ValueBytes(v)
	if !ok || len(raw) <= inlineMax {
		return nil, false
	}
	return bytes.NewReader(raw), true
}

// closingReader closes its source at the end, and gives an error of opening it when read.
type closingReader struct {
	r   io.ReadCloser
	err error
}

func (c *closingReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	if err != nil {
		c.r.Close()
	}
	return n, err
}

// valueSize is the room that a tagged value needs.
func valueSize(v oxcdata.TaggedValue) (int, error) {
	b, err := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.TaggedValue(&v) })
	return len(b), err
}
