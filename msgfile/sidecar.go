package msgfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// SidecarExt is what the name of a sidecar has after that of its .msg file.
const SidecarExt = ".sidecar"

// sidecarMagic begins a sidecar.
var sidecarMagic = [8]byte{'O', 'C', 'D', 'O', 'M', 'S', 'G', 'X'}

const sidecarVersion = 1

// sidecarHeader is what stands before the tree of a sidecar.
type sidecarHeader struct {
	Magic    [8]byte
	Version  uint32
	MsgSize  uint64
	TreeSize uint64
}

const sidecarHeaderSize = 28

// largeInSidecar is the size from which values stand among the contents, so that the tree is small enough to be held.
const largeInSidecar = 1 << 10

// delta is what a .msg file lacks of an item.
type delta struct {
	Props       mapi.Props
	Recipients  []deltaChild
	Attachments []deltaChild
}

// deltaChild is what a .msg file lacks of a recipient or an attachment.
type deltaChild struct {
	Index    uint32
	Props    mapi.Props
	Embedded *delta
}

// delta gathers what the file lacks, or is nil if that is nothing.
func (o *object) delta() *delta {
	d := &delta{Props: o.rest}
	for i, r := range o.recipients {
		if !r.carried || len(r.rest) > 0 {
			d.Recipients = append(d.Recipients, deltaChild{Index: uint32(i), Props: r.rest})
		}
	}
	for i, a := range o.attachments {
		c := deltaChild{Index: uint32(i), Props: a.rest}
		if a.embedded != nil {
			c.Embedded = a.embedded.delta()
		}
		if !a.carried || len(c.Props) > 0 || c.Embedded != nil {
			d.Attachments = append(d.Attachments, c)
		}
	}
	if o.carried && len(d.Props) == 0 && len(d.Recipients) == 0 && len(d.Attachments) == 0 {
		return nil
	}
	return d
}

// sidecarCoder walks the tree of a sidecar, in both directions.
type sidecarCoder struct {
	*oxcdata.Coder
	contents []mapi.Blob       // large values met while encoding
	file     *io.SectionReader // what is decoded
	at       int64             // where in it the next large value begins
}

func (c *sidecarCoder) item(d *delta) {
	c.Nest(func() {
		oxcdata.List32(c.Coder, (*[]mapi.Prop)(&d.Props), 6, c.prop)
		oxcdata.List32(c.Coder, &d.Recipients, 8, func(_ *oxcdata.Coder, r *deltaChild) {
			c.U32(&r.Index)
			oxcdata.List32(c.Coder, (*[]mapi.Prop)(&r.Props), 6, c.prop)
		})
		oxcdata.List32(c.Coder, &d.Attachments, 9, func(_ *oxcdata.Coder, a *deltaChild) {
			c.U32(&a.Index)
			oxcdata.List32(c.Coder, (*[]mapi.Prop)(&a.Props), 6, c.prop)
			has := a.Embedded != nil
			c.Bool(&has)
			if has && c.Err() == nil {
				if a.Embedded == nil {
					a.Embedded = &delta{}
				}
				c.item(a.Embedded)
			}
		})
	})
}

func (c *sidecarCoder) prop(_ *oxcdata.Coder, p *mapi.Prop) {
	c.Tag(&p.Key.Tag)
	named := p.Key.Named()
	c.Bool(&named)
	if named {
		c.GUID(&p.Key.Name.Set)
		c.U32(&p.Key.Name.LID)
		text(c.Coder, &p.Key.Name.Name)
	}
	blob := large(p.Key.Type(), p.Value)
	form := blob != nil
	c.Bool(&form)
	if !form {
		c.value(p.Key.Type()&^mapi.MultiInstance, &p.Value)
		return
	}
	var size uint64
	if c.Encoding() {
		size = uint64(blob.Size())
		c.contents = append(c.contents, blob)
	}
	c.U64(&size)
	if c.Encoding() || c.Err() != nil {
		return
	}
	if left := c.file.Size() - c.at; left < 0 || size > uint64(left) {
		c.Fail(fmt.Sprintf("a value of %d bytes, of which %d are there", size, max(left, 0)))
		return
	}
	if _, err := mapi.BytesValue(p.Key.Type(), nil); err != nil {
		c.Fail(err.Error())
		return
	}
	p.Value = section{io.NewSectionReader(c.file, c.at, int64(size))}
	c.at += int64(size)
}

// large is a value that stands among the contents, or nil.
func large(t mapi.Type, v mapi.Value) mapi.Blob {
	if b, ok := v.(mapi.Blob); ok {
		return b
	}
	if _, err := mapi.BytesValue(t, nil); err != nil {
		return nil
	}
	if s, ok := v.(string); ok && !exact(s) {
		return nil // it has no form as a stream
	}
	if b, ok := mapi.ValueBytes(v); ok && len(b) >= largeInSidecar {
		return mapi.MemBlob(b)
	}
	return nil
}

// value walks a value that stands in the tree.
func (c *sidecarCoder) value(t mapi.Type, v *mapi.Value) {
	if f, ok := fixedTypes[t.Base()]; ok {
		c.fixed(t, f, v)
		return
	}
	switch t {
	case mapi.TypeNull, mapi.TypeUnspecified:
		*v = nil
	case mapi.TypeString:
		single(c, v, text[string])
	case mapi.TypeString8:
		single(c, v, text[mapi.String8])
	case mapi.TypeBinary:
		single(c, v, text[[]byte])
	case mapi.TypeObject:
		single(c, v, text[mapi.Object])
	case mapi.TypeServerID:
		single(c, v, text[mapi.ServerID])
	case mapi.TypeRestriction, mapi.TypeRuleAction:
		single(c, v, text[mapi.Opaque])
	case mapi.TypeString | mapi.MultiValue:
		multiple(c, v, text[string])
	case mapi.TypeString8 | mapi.MultiValue:
		multiple(c, v, text[mapi.String8])
	case mapi.TypeBinary | mapi.MultiValue:
		multiple(c, v, text[[]byte])
	default:
		c.Fail(fmt.Sprintf("there are no values of type %v", t))
	}
}

// fixed walks a value of fixed length or a list of them.
func (c *sidecarCoder) fixed(t mapi.Type, f fixedType, v *mapi.Value) {
	var b []byte
	if c.Encoding() {
		b = appendFixed(nil, *v)
	}
	n := f.size
	if t.Multi() {
		n *= c.Len32(len(b) / f.size)
	}
	c.Raw(n, &b)
	switch {
	case c.Encoding() || c.Err() != nil:
	case t.Multi():
		*v = f.list(b)
	default:
		*v = f.decode(b)
	}
}

// text is a string: a count of bytes and the bytes.
func text[T ~string | ~[]byte](c *oxcdata.Coder, p *T) {
	b := []byte(*p)
	c.Bytes32(&b)
	if !c.Encoding() {
		*p = T(bytes.Clone(append([]byte{}, b...)))
	}
}

func single[T any](c *sidecarCoder, v *mapi.Value, f func(*oxcdata.Coder, *T)) {
	var x T
	if c.Encoding() {
		x = (*v).(T)
	}
	f(c.Coder, &x)
	*v = x
}

func multiple[T any](c *sidecarCoder, v *mapi.Value, f func(*oxcdata.Coder, *T)) {
	x := []T{}
	if c.Encoding() {
		x = (*v).([]T)
	}
	oxcdata.List32(c.Coder, &x, 4, f)
	*v = x
}

// writeTo writes a sidecar for a .msg file of a size.
func (d *delta) writeTo(w io.Writer, msgSize int64) (int64, error) {
	c := sidecarCoder{Coder: oxcdata.NewEncoder(nil)}
	c.item(d)
	if err := c.Err(); err != nil {
		return 0, failure("sidecar", err)
	}
	tree := c.Bytes()
	head := appendFixed(nil, sidecarHeader{sidecarMagic, sidecarVersion, uint64(msgSize), uint64(len(tree))})
	var written int64
	copyFrom := func(r io.Reader) error {
		n, err := io.Copy(w, r)
		written += n
		return err
	}
	if err := copyFrom(io.MultiReader(bytes.NewReader(head), bytes.NewReader(tree))); err != nil {
		return written, err
	}
	for _, blob := range c.contents {
		r, err := blob.Open()
		if err != nil {
			return written, err
		}
		before := written
		err = copyFrom(r)
		r.Close()
		if err == nil && written-before != blob.Size() {
			err = failure("sidecar", fmt.Errorf("a value of %d bytes has %d", blob.Size(), written-before))
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// readSidecar reads the tree of a sidecar of a .msg file of a size. It answers for the tree, not for the item.
func readSidecar(f *io.SectionReader, msgSize int64) (*delta, error) {
	var h sidecarHeader
	head := make([]byte, sidecarHeaderSize)
	if _, err := f.ReadAt(head, 0); err != nil {
		return nil, asIO(err, "it ends in its header")
	}
	decodeFixed(head, &h)
	switch {
	case h.Magic != sidecarMagic:
		return nil, errors.New("it is no sidecar")
	case h.Version != sidecarVersion:
		return nil, fmt.Errorf("its version %d is unknown", h.Version)
	case h.MsgSize != uint64(msgSize):
		return nil, fmt.Errorf("it belongs to a .msg file of %d bytes, not %d", h.MsgSize, msgSize)
	case h.TreeSize > uint64(f.Size()-sidecarHeaderSize):
		return nil, errors.New("it is cut off")
	}
	tree := make([]byte, h.TreeSize)
	if _, err := f.ReadAt(tree, sidecarHeaderSize); err != nil && len(tree) > 0 {
		return nil, asIO(err, "it is cut off")
	}
	var d delta
	c := sidecarCoder{Coder: oxcdata.NewDecoder(tree), file: f, at: sidecarHeaderSize + int64(len(tree))}
	c.item(&d)
	if c.Err() == nil && c.Left() > 0 {
		c.Fail(fmt.Sprintf("%d bytes left over", c.Left()))
	}
	if c.Err() == nil && c.at != f.Size() {
		c.Fail(fmt.Sprintf("%d bytes follow the last value", f.Size()-c.at))
	}
	return &d, c.Err()
}
