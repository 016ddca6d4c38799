package oxcfxics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/opencdo/opencdo/mapi"
)

// Writer puts elements into a stream. The first error stays: a stream that broke off cannot be continued.
type Writer struct {
	out   Output
	opt   Options
	ids   map[mapi.PropName]uint16
	head  []byte // scratch for atoms
	value []byte // scratch for counted values
	err   error

	steps, total int
}

// NewWriter writes to out; opt may be nil.
func NewWriter(out Output, opt *Options) *Writer {
	w := &Writer{out: out}
	if opt != nil {
		w.opt = *opt
	}
	return w
}

// SetCodePage says that 8-bit strings from now on are in another code page than [Options.CodePage]: those of an item that has
// its own. It is for the form [CodePages], which converts nothing.
func (w *Writer) SetCodePage(page uint16) { w.opt.CodePage = page }

// Total announces how many steps the whole stream takes, for the receiver's progress display; [PartWriter] takes a step
// with each message.
func (w *Writer) Total(steps int) { w.total = steps }

// Step counts one step.
func (w *Writer) Step() { w.steps++ }

// keep remembers the first error.
func (w *Writer) keep(err error) error {
	if w.err == nil {
		w.err = err
	}
	return w.err
}

// Marker writes a marker.
func (w *Writer) Marker(m Marker) error {
	if w.err != nil {
		return w.err
	}
	w.head = le.AppendUint32(w.head[:0], uint32(m))
	return w.keep(w.out.Atom(w.head))
}

// Element writes an element as it was read, ids and property types included.
func (w *Writer) Element(e *Element) error {
	switch {
	case e.Marker != 0:
		return w.Marker(e.Marker)
	case e.Stream == nil:
		return w.put(e.Tag, e.Name, e.Value)
	}
	f, err := w.form(e.Tag)
	if err != nil {
		return err
	}
	return w.putStream(f, e.Tag, e.Name, e.Size, e.Size, e.Stream)
}

// Prop writes a property of an item.
func (w *Writer) Prop(k mapi.Key, v mapi.Value) error {
	if w.err != nil {
		return w.err
	}
	if b, ok := v.(mapi.Blob); ok {
		r, err := b.Open()
		if err != nil {
			return w.keep(err)
		}
		defer r.Close()
		return w.Stream(k, b.Size(), r)
	}
	t := k.Type()
	if isString(t.Base()) {
		var err error
		if t, v, err = w.opt.convert(t, v); err != nil {
			return w.keep(propError(k, mapi.ErrBadCodePage, err))
		}
	}
	tag, err := w.tag(k, t)
	if err != nil {
		return err
	}
	return w.put(tag, k.Name, v)
}

// memorySpool is how much of a value of unknown length is held in memory before a spool is used: most bodies fit.
const memorySpool = 256 << 10

// Stream writes a large property of an item (see mapi.ItemSink).
func (w *Writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	if w.err != nil {
		return w.err
	}
	t := k.Type()
	if isString(t) {
		t, size, r = w.opt.convertStream(t, size, r)
	}
	tag, err := w.tag(k, t)
	if err != nil {
		return err
	}
	f, err := w.form(tag)
	if err != nil {
		return err
	}
	if !streamable(valueType(tag)) {
		return w.keep(propError(k, mapi.ErrInvalidParameter, fmt.Errorf("a %v property has no stream", t)))
	}
	if size >= 0 {
		return w.putStream(f, tag, k.Name, size+int64(f.term), size, r)
	}
	// The length goes first, so the end must be seen first.
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, memorySpool))
	if err != nil {
		return w.keep(err)
	}
	if n < memorySpool {
		return w.putStream(f, tag, k.Name, n+int64(f.term), n, &b)
	}
	s, err := w.opt.spool()
	if err != nil {
		return w.keep(err)
	}
	defer s.Close()
	n, err = io.Copy(s, io.MultiReader(&b, r))
	if err == nil {
		_, err = s.Seek(0, io.SeekStart)
	}
	if err != nil {
		return w.keep(err)
	}
	return w.putStream(f, tag, k.Name, n+int64(f.term), n, s)
}

// tag is the tag under which a property of type t goes out.
func (w *Writer) tag(k mapi.Key, t mapi.Type) (mapi.Tag, error) {
	if !k.Named() {
		if k.Tag.ID() >= firstNamedID {
			return 0, w.keep(propError(k, mapi.ErrInvalidParameter, errors.New("named property without a name")))
		}
		return k.Tag.WithType(t), nil
	}
	id, ok := w.ids[k.Name]
	if !ok {
		if w.opt.PropID != nil {
			var err error
			if id, err = w.opt.PropID(k.Name); err != nil {
				return 0, w.keep(err)
			}
		} else {
			id = uint16(min(firstNamedID+len(w.ids), math.MaxUint16))
		}
		if id < firstNamedID || id == math.MaxUint16 {
			return 0, w.keep(propError(k, mapi.ErrInvalidParameter, fmt.Errorf("no property id for the name (0x%04X)", id)))
		}
		if w.ids == nil {
			w.ids = map[mapi.PropName]uint16{}
		}
		w.ids[k.Name] = id
	}
	return mapi.NewTag(id, t), nil
}

func propError(k mapi.Key, c mapi.Code, err error) error {
	return &mapi.Error{Op: "write property", Object: k.String(), Code: c, Err: err}
}

// form is the form of a tag's values.
func (w *Writer) form(t mapi.Tag) (*form, error) {
	if w.err != nil {
		return nil, w.err
	}
	f := formOf(valueType(t))
	if f == nil {
		return nil, w.keep(propError(mapi.TagKey(t), mapi.ErrNoSupport, errors.New("no stream carries values of this type")))
	}
	return f, nil
}

// definition is propDef.
func definition(dst []byte, t mapi.Tag, n mapi.PropName) []byte {
	dst = le.AppendUint32(dst, uint32(t))
	if t.ID() < firstNamedID {
		return dst
	}
	dst = append(dst, n.Set[:]...)
	if n.Name == "" {
		return le.AppendUint32(append(dst, 0), n.LID)
	}
	return append(mapi.AppendUTF16(append(dst, 1), n.Name), 0, 0)
}

// put writes a property with a value in memory.
func (w *Writer) put(tag mapi.Tag, name mapi.PropName, v mapi.Value) error {
	f, err := w.form(tag)
	if err != nil {
		return err
	}
	t := valueType(tag)
	if err := mapi.CheckValue(t, v); err != nil {
		return w.keep(propError(mapi.TagKey(tag), mapi.ErrInvalidParameter, err))
	}
	w.head = definition(w.head[:0], tag, name)
	switch {
	case t.Multi():
		err = f.putList(v, func(n int) error {
			w.head = le.AppendUint32(w.head, uint32(n))
			return w.out.Atom(w.head)
		}, func(put func([]byte) []byte) error {
			w.head = w.head[:0]
			if f.fixed {
				w.head = put(w.head)
				return w.out.Atom(w.head)
			}
			w.value = put(w.value[:0])
			return w.counted()
		})
	case f.fixed:
		w.head = f.put(w.head, v)
		err = w.out.Atom(w.head)
	default:
		w.value = f.put(w.value[:0], v)
		err = w.counted()
	}
	if cap(w.value) > bufferSize {
		w.value = nil
	}
	return w.keep(err)
}

// counted writes what stands in w.head, the length of w.value and w.value.
func (w *Writer) counted() error {
	if int64(len(w.value)) > maxLength {
		return propError(mapi.Key{}, mapi.ErrStreamSize, fmt.Errorf("value of %d bytes", len(w.value)))
	}
	w.head = le.AppendUint32(w.head, uint32(len(w.value)))
	if err := w.out.Atom(w.head); err != nil || len(w.value) == 0 {
		return err
	}
	return w.out.Data(w.value)
}

// maxLength is the longest value: receivers take the length for a signed number.
const maxLength = math.MaxInt32

// putStream writes a counted value of size bytes, terminator included. r gives content bytes of it.
func (w *Writer) putStream(f *form, tag mapi.Tag, name mapi.PropName, size, content int64, r io.Reader) error {
	if size > maxLength {
		return w.keep(propError(mapi.TagKey(tag), mapi.ErrStreamSize, fmt.Errorf("value of %d bytes", size)))
	}
	w.head = le.AppendUint32(definition(w.head[:0], tag, name), uint32(size))
	if err := w.out.Atom(w.head); err != nil {
		return w.keep(err)
	}
	n, err := io.Copy(dataWriter{w.out}, io.LimitReader(r, content))
	if err != nil {
		return w.keep(err)
	}
	var next [2]byte
	extra, err := io.ReadFull(r, next[:1])
	if err != io.EOF && err != nil {
		return w.keep(err)
	}
	switch lacking := size - n; {
	case extra > 0 || lacking != 0 && lacking != int64(f.term):
		return w.keep(propError(mapi.TagKey(tag), mapi.ErrStreamSize, fmt.Errorf("the value isn't of the %d bytes announced", content)))
	case lacking > 0:
		next = [2]byte{}
		return w.keep(w.out.Data(next[:lacking]))
	}
	return nil
}
