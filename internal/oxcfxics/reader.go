package oxcfxics

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
)

// Reader takes a stream apart into elements. It holds no more of it than one element without its large value, or one list.
type Reader struct {
	src  *bufio.Reader
	off  int64
	cur  Element
	body content // of cur.Stream
	err  error

	// CodePage is that of the last 8-bit string, 0 if its property type is no code page.
	CodePage uint16
}

// bufferSize holds any value that isn't passed as a stream.
const bufferSize = mapi.LargeValue + 4<<10

// NewReader reads a stream from r, which may be all buffers of the transfer one after the other.
func NewReader(r io.Reader) *Reader { return &Reader{src: bufio.NewReaderSize(r, bufferSize)} }

// Reset lets the Reader read another stream.
func (r *Reader) Reset(src io.Reader) {
	b := r.src
	b.Reset(src)
	*r = Reader{src: b}
}

// Offset is the number of bytes read.
func (r *Reader) Offset() int64 { return r.off }

// Next reads the next element, or returns io.EOF at the end. The element is good until the next call. Malformed streams
// give a [FormatError], errors of the source are passed on; either stays.
func (r *Reader) Next() (*Element, error) {
	if r.err == nil {
		r.err = r.next()
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.cur, nil
}

func (r *Reader) next() error {
	if err := r.body.skip(); err != nil {
		return err
	}
	r.cur = Element{Offset: r.off}
	b, err := r.src.Peek(4)
	if len(b) == 0 && err == io.EOF {
		return io.EOF
	}
	if b, err = r.take(4); err != nil {
		return err
	}
	u := le.Uint32(b)
	if isMarker(u) {
		r.cur.Marker = Marker(u)
		return nil
	}
	r.cur.Tag = mapi.Tag(u)
	if r.cur.Tag.ID() >= firstNamedID {
		if err := r.name(&r.cur.Name); err != nil {
			return err
		}
	}
	if valueType(r.cur.Tag).Base() == mapi.TypeString8 {
		r.CodePage = r.cur.CodePage()
	}
	return r.value(valueType(r.cur.Tag))
}

// malformed is a FormatError about the current element.
func (r *Reader) malformed(format string, args ...any) error {
	return &FormatError{Offset: r.cur.Offset, Reason: fmt.Sprintf(format, args...)}
}

// take gives the next n bytes, good until the next read; n is at most bufferSize.
func (r *Reader) take(n int) ([]byte, error) {
	b, err := r.src.Peek(n)
	if err != nil {
		return nil, r.sourceError(err)
	}
	r.src.Discard(n)
	r.off += int64(n)
	return b, nil
}

// sourceError is err of the source in the middle of an element.
func (r *Reader) sourceError(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.malformed("the stream ends inside the element, at 0x%x", r.off+int64(r.src.Buffered()))
	}
	return err
}

// maxName bounds the name of a property in UTF-16 units; the other places that hold names allow 127 ([MS-OXCDATA] 2.6.1).
const maxName = 1024

// name reads namedPropInfo.
func (r *Reader) name(n *mapi.PropName) error {
	b, err := r.take(17)
	if err != nil {
		return err
	}
	copy(n.Set[:], b)
	switch kind := b[16]; kind {
	case 0:
		if b, err = r.take(4); err == nil {
			n.LID = le.Uint32(b)
		}
		return err
	case 1:
		var units []byte
		for len(units) <= 2*maxName {
			if b, err = r.take(2); err != nil {
				return err
			}
			if b[0] == 0 && b[1] == 0 {
				n.Name = mapi.DecodeUTF16(units)
				return nil
			}
			units = append(units, b...)
		}
		return r.malformed("the name of property %v has no end", r.cur.Tag)
	default:
		return r.malformed("property name of kind 0x%02x", kind)
	}
}

func (r *Reader) value(t mapi.Type) error {
	f := formOf(t)
	switch {
	case f == nil:
		return r.malformed("property %v has a type that no stream carries", r.cur.Tag)
	case t.Multi():
		return r.list(f)
	case f.fixed:
		b, err := r.take(f.width)
		if err == nil {
			r.cur.Value = f.get(b)
		}
		return err
	}
	n, err := r.length(f)
	if err != nil {
		return err
	}
	if n < mapi.LargeValue {
		b, err := r.take(int(n))
		if err == nil {
			r.cur.Value = f.get(f.trim(b))
		}
		return err
	}
	if !streamable(t) {
		return r.malformed("property %v of %d bytes", r.cur.Tag, n)
	}
	r.body = content{r: r, left: n, term: f.term}
	r.cur.Stream, r.cur.Size = &r.body, n
	return nil
}

// length reads the length of a counted value.
func (r *Reader) length(f *form) (int64, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	n := int64(le.Uint32(b))
	if f.term == 2 && n%2 != 0 {
		return 0, r.malformed("Unicode string of %d bytes", n)
	}
	return n, nil
}

// trim cuts the terminator off. Some senders leave it out.
func (f *form) trim(b []byte) []byte {
	n := len(b) - f.term
	if n < 0 {
		return b
	}
	for _, x := range b[n:] {
		if x != 0 {
			return b
		}
	}
	return b[:n]
}

// sliceHeader is what an element of a list costs besides its bytes.
const sliceHeader = 24

func (r *Reader) list(f *form) error {
	b, err := r.take(4)
	if err != nil {
		return err
	}
	n := le.Uint32(b)
	cost := 0
	r.cur.Value, err = f.getList(int(n), func() ([]byte, error) {
		if cost > maxInMemory {
			return nil, r.malformed("property %v: a list of more than %d bytes", r.cur.Tag, maxInMemory)
		}
		if f.fixed {
			cost += f.width
			return r.take(f.width)
		}
		n, err := r.length(f)
		if err != nil {
			return nil, err
		}
		cost += int(n) + sliceHeader
		b, err := r.takeLong(n)
		return f.trim(b), err
	})
	return err
}

// takeLong is take for any length.
func (r *Reader) takeLong(n int64) ([]byte, error) {
	if n <= bufferSize {
		return r.take(int(n))
	}
	if n > maxInMemory {
		return nil, r.malformed("property %v: an element of %d bytes", r.cur.Tag, n)
	}
	b, err := io.ReadAll(io.LimitReader(r.src, n)) // grows with what really comes
	r.off += int64(len(b))
	if err == nil && int64(len(b)) < n {
		err = io.EOF
	}
	if err != nil {
		return nil, r.sourceError(err)
	}
	return b, nil
}

// content reads a large value. It keeps the last bytes back until it knows whether they are the terminator.
type content struct {
	r    *Reader
	left int64 // in the source
	term int
	tail [2]byte // last bytes that turned out to be no terminator
	rest []byte  // of tail
	err  error
}

func (c *content) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.rest) > 0 {
		n := copy(p, c.rest)
		c.rest = c.rest[n:]
		return n, nil
	}
	if c.left == 0 {
		return 0, io.EOF
	}
	if c.left > int64(c.term) {
		n, err := c.r.src.Read(p[:min(int64(len(p)), c.left-int64(c.term))])
		c.left -= int64(n)
		c.r.off += int64(n)
		return n, c.fail(err)
	}
	b, err := c.r.take(c.term)
	if err != nil {
		return 0, c.fail(err)
	}
	c.left = 0
	f := form{term: c.term}
	c.rest = c.tail[:copy(c.tail[:], f.trim(b))]
	return c.Read(p)
}

// fail keeps an error of the source.
func (c *content) fail(err error) error {
	if err == nil {
		return nil
	}
	var fe *FormatError
	if !errors.As(err, &fe) {
		err = c.r.sourceError(err)
	}
	c.err = err
	c.r.err = err
	return err
}

// skip reads past what is left.
func (c *content) skip() error {
	for c.left > 0 {
		n, err := c.r.src.Discard(int(min(c.left, 1<<30)))
		c.left -= int64(n)
		c.r.off += int64(n)
		if err != nil {
			return c.fail(err)
		}
	}
	c.rest = nil
	return nil
}
