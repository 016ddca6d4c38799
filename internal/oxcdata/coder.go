// Package oxcdata holds the data structures of [MS-OXCDATA] and the two-way codec that all wire formats are written with.
//
// A structure is described once, by a function that walks its fields with a [Coder]; the same walk encodes and decodes.
// What the walk cannot see from the bytes (the columns of a row, the width of counts) is given to it.
package oxcdata

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// Dialect is the family of a structure. Count widths and presence bytes differ between them ([MS-OXCDATA] 2.11.1.1).
type Dialect uint8

// Dialects.
const (
	ROP         Dialect = iota // ROP buffers and standard rules: 16-bit byte counts
	Wide                       // extended rules: 32-bit counts
	AddressBook                // MAPI/HTTP address book: 32-bit counts and a presence byte before variable values
)

// ErrFormat is what every decoding error is.
var ErrFormat = errors.New("malformed structure")

// FormatError says where a structure is malformed. It answers errors.Is for [ErrFormat] and mapi.ErrRPCFormat.
type FormatError struct {
	Struct string // innermost named structure, with its section
	Offset int    // in the buffer being decoded
	Reason string
}

func (e *FormatError) Error() string {
	if e.Struct == "" {
		return fmt.Sprintf("malformed at offset 0x%x: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s: malformed at offset 0x%x: %s", e.Struct, e.Offset, e.Reason)
}

// Is implements errors.Is.
func (e *FormatError) Is(target error) bool {
	return target == ErrFormat || target == mapi.ErrRPCFormat
}

// Coder encodes or decodes little-endian structures in one buffer. The first error sticks: later calls do nothing and leave
// decoded fields zero. Decoded raw byte fields alias the buffer; property values are copies.
type Coder struct {
	buf     []byte
	off     int
	enc     bool
	Dialect Dialect
	// Presence is the byte for optional parts of bodies that are there (see Present).
	Presence uint8
	name     string
	depth    int
	err      error
}

// NewEncoder appends to buf, which may be nil.
func NewEncoder(buf []byte) *Coder { return &Coder{buf: buf, enc: true} }

// NewDecoder reads b.
func NewDecoder(b []byte) *Coder { return &Coder{buf: b} }

// Encode runs f on an encoder and gives the bytes.
func Encode(d Dialect, f func(*Coder)) ([]byte, error) {
	c := Coder{enc: true, Dialect: d}
	f(&c)
	return c.buf, c.err
}

// Decode runs f on a decoder over b and demands that all of b is used.
func Decode(d Dialect, b []byte, f func(*Coder)) error {
	c := Coder{buf: b, Dialect: d}
	f(&c)
	if c.err == nil && c.off != len(b) {
		c.Fail(fmt.Sprintf("%d bytes left over", len(b)-c.off))
	}
	return c.err
}

// Encoding reports the direction.
func (c *Coder) Encoding() bool { return c.enc }

// Err is the first error.
func (c *Coder) Err() error { return c.err }

// Bytes is what was encoded so far.
func (c *Coder) Bytes() []byte { return c.buf }

// Offset is the position: the bytes encoded, or the bytes read.
func (c *Coder) Offset() int {
	if c.enc {
		return len(c.buf)
	}
	return c.off
}

// Left is the number of bytes not yet decoded.
func (c *Coder) Left() int { return len(c.buf) - c.off }

// Peek is the next byte to decode, 0 at the end.
func (c *Coder) Peek() uint8 {
	if c.enc || c.off >= len(c.buf) {
		return 0
	}
	return c.buf[c.off]
}

// Fail sets the error, unless there is one.
func (c *Coder) Fail(reason string) {
	if c.err == nil {
		c.err = &FormatError{Struct: c.name, Offset: c.Offset(), Reason: reason}
	}
}

// In names the structure that body walks, for errors.
func (c *Coder) In(name string, body func(*Coder)) {
	old := c.name
	c.name = name
	body(c)
	c.name = old
}

// Nest guards recursion: body is run unless structures are nested too deep.
func (c *Coder) Nest(body func()) {
	const maxDepth = 256 // as Exchange limits restrictions
	if c.depth >= maxDepth {
		c.Fail("nested too deep")
		return
	}
	c.depth++
	body()
	c.depth--
}

// take gives the next n bytes to decode from, nil after an error.
func (c *Coder) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.buf)-c.off {
		c.Fail(fmt.Sprintf("%d bytes wanted, %d left", n, len(c.buf)-c.off))
		return nil
	}
	b := c.buf[c.off : c.off+n]
	c.off += n
	return b
}

// U8 is an unsigned byte.
func (c *Coder) U8(p *uint8) {
	if c.enc {
		c.buf = append(c.buf, *p)
	} else if b := c.take(1); b != nil {
		*p = b[0]
	}
}

// U16 is a 16-bit number.
func (c *Coder) U16(p *uint16) {
	if c.enc {
		c.buf = binary.LittleEndian.AppendUint16(c.buf, *p)
	} else if b := c.take(2); b != nil {
		*p = binary.LittleEndian.Uint16(b)
	}
}

// U32 is a 32-bit number.
func (c *Coder) U32(p *uint32) {
	if c.enc {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, *p)
	} else if b := c.take(4); b != nil {
		*p = binary.LittleEndian.Uint32(b)
	}
}

// I32 is a signed 32-bit number.
func (c *Coder) I32(p *int32) {
	u := uint32(*p)
	c.U32(&u)
	if !c.enc {
		*p = int32(u)
	}
}

// U64 is a 64-bit number.
func (c *Coder) U64(p *uint64) {
	if c.enc {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *p)
	} else if b := c.take(8); b != nil {
		*p = binary.LittleEndian.Uint64(b)
	}
}

// I64 is a signed 64-bit number.
func (c *Coder) I64(p *int64) {
	u := uint64(*p)
	c.U64(&u)
	if !c.enc {
		*p = int64(u)
	}
}

// Bool is one byte, 0 or 1; any other value decodes as true.
func (c *Coder) Bool(p *bool) {
	var b uint8
	if *p {
		b = 1
	}
	c.U8(&b)
	if !c.enc {
		*p = b != 0
	}
}

// Present is a byte that says whether a part follows. mark is the byte that means yes: 0xFF where it is zero; decoding
// sets it to the byte found.
func (c *Coder) Present(mark *uint8, has bool) bool {
	var b uint8
	if has {
		b = 0xFF
		if *mark != 0 {
			b = *mark
		}
	}
	c.U8(&b)
	if b != 0 && !c.enc {
		*mark = b
	}
	return b != 0 && c.err == nil
}

// Code is a 32-bit error code.
func (c *Coder) Code(p *mapi.Code) { c.U32((*uint32)(p)) }

// Tag is a property tag.
func (c *Coder) Tag(p *mapi.Tag) { c.U32((*uint32)(p)) }

// Tags is a list of tags whose count went before.
func (c *Coder) Tags(n int, p *[]mapi.Tag) { listN(c, n, p, 4, (*Coder).Tag) }

// GUID is 16 bytes.
func (c *Coder) GUID(p *mapi.GUID) { c.Fixed(p[:]) }

// Fixed is a field of fixed length; p is filled or written.
func (c *Coder) Fixed(p []byte) {
	if c.enc {
		c.buf = append(c.buf, p...)
	} else if b := c.take(len(p)); b != nil {
		copy(p, b)
	}
}

// Raw is n bytes whose count went before; when encoding n is ignored.
func (c *Coder) Raw(n int, p *[]byte) {
	if c.enc {
		c.buf = append(c.buf, *p...)
	} else if b := c.take(n); len(b) > 0 {
		*p = b[:len(b):len(b)]
	}
}

// Rest is all that is left.
func (c *Coder) Rest(p *[]byte) { c.Raw(c.Left(), p) }

// Bytes16 is a 16-bit count and that many bytes.
func (c *Coder) Bytes16(p *[]byte) { c.Raw(c.Len16(len(*p)), p) }

// Bytes32 is a 32-bit count and that many bytes.
func (c *Coder) Bytes32(p *[]byte) { c.Raw(c.Len32(len(*p)), p) }

// Len16 is a 16-bit count: n is written, or the count read is returned.
func (c *Coder) Len16(n int) int {
	u := uint16(c.Fit16(n))
	c.U16(&u)
	return int(u)
}

// Fit16 is n, or 0 and an error where a 16-bit count can't say it.
func (c *Coder) Fit16(n int) int {
	if n > 0xFFFF {
		c.Fail(fmt.Sprintf("%d is more than a 16-bit count can say", n))
		return 0
	}
	return n
}

// Len32 is a 32-bit count.
func (c *Coder) Len32(n int) int {
	u := uint32(n)
	c.U32(&u)
	if int64(u) > int64(1)<<31-1 {
		c.Fail("count out of range")
		return 0
	}
	return int(u)
}

// Sized16 is a 16-bit size followed by what body walks, which must use exactly that many bytes.
func (c *Coder) Sized16(body func(*Coder)) { c.sized(2, body) }

// Sized32 is the same with a 32-bit size.
func (c *Coder) Sized32(body func(*Coder)) { c.sized(4, body) }

func (c *Coder) sized(width int, body func(*Coder)) {
	if !c.enc {
		n := 0
		if width == 2 {
			n = c.Len16(0)
		} else {
			n = c.Len32(0)
		}
		if c.err != nil {
			return
		}
		if n > c.Left() {
			c.Fail(fmt.Sprintf("size %d with %d bytes left", n, c.Left()))
			return
		}
		full := c.buf
		end := c.off + n
		c.buf = c.buf[:end]
		body(c)
		if c.err == nil && c.off != end {
			c.Fail(fmt.Sprintf("%d bytes left over of %d", end-c.off, n))
		}
		c.buf = full
		return
	}
	at := len(c.buf)
	c.buf = append(c.buf, make([]byte, width)...)
	body(c)
	n := len(c.buf) - at - width
	if width == 2 {
		if n > 0xFFFF {
			c.Fail(fmt.Sprintf("%d bytes are more than a 16-bit size can say", n))
			return
		}
		binary.LittleEndian.PutUint16(c.buf[at:], uint16(n))
	} else {
		binary.LittleEndian.PutUint32(c.buf[at:], uint32(n))
	}
}

// List16 is a 16-bit count and that many elements, each of at least min bytes (which bounds the count when decoding).
func List16[T any](c *Coder, s *[]T, min int, f func(*Coder, *T)) {
	listN(c, c.Len16(len(*s)), s, min, f)
}

// List32 is the same with a 32-bit count.
func List32[T any](c *Coder, s *[]T, min int, f func(*Coder, *T)) {
	listN(c, c.Len32(len(*s)), s, min, f)
}

// List8 is the same with an 8-bit count.
func List8[T any](c *Coder, s *[]T, min int, f func(*Coder, *T)) {
	if c.enc && len(*s) > 0xFF {
		c.Fail(fmt.Sprintf("%d is more than an 8-bit count can say", len(*s)))
		return
	}
	n := uint8(len(*s))
	c.U8(&n)
	listN(c, int(n), s, min, f)
}

// More tells a loop over elements without a count whether there is an i-th: up to n when encoding, to the end of what is
// decoded else.
func (c *Coder) More(i, n int) bool {
	if c.enc {
		return i < n && c.err == nil
	}
	return c.Left() > 0 && c.err == nil
}

// ListN is n elements whose count went elsewhere.
func ListN[T any](c *Coder, n int, s *[]T, min int, f func(*Coder, *T)) { listN(c, n, s, min, f) }

func listN[T any](c *Coder, n int, s *[]T, min int, f func(*Coder, *T)) {
	if c.err != nil {
		return
	}
	if !c.enc {
		if n*max(min, 1) > c.Left() && !(min == 0 && n <= maxEmpty) {
			c.Fail(fmt.Sprintf("%d elements in %d bytes", n, c.Left()))
			return
		}
		if n == 0 {
			*s = nil
			return
		}
		*s = make([]T, n)
	}
	for i := range *s {
		f(c, &(*s)[i])
		if c.err != nil {
			return
		}
	}
}

// maxEmpty bounds lists whose elements may take no bytes at all.
const maxEmpty = 4096
