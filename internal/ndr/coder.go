// Package ndr is the two-way codec of NDR 2.0, the transfer syntax of DCE/RPC ([C706] chapter 14, [MS-RPCE] 2.2.4 and 2.2.5),
// little-endian, 32 bits.
//
// A structure is described once, by a function that walks its fields with a [Coder]; the same walk encodes and decodes.
// Everything is aligned to its own size, counted from the first byte.
package ndr

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// ErrFormat is what every encoding and decoding error is.
var ErrFormat = errors.New("malformed NDR")

// FormatError says where a stub is malformed, or which value has no form in it. It answers errors.Is for [ErrFormat].
type FormatError struct {
	Struct string // innermost named structure
	Offset int
	Reason string
}

func (e *FormatError) Error() string {
	name := e.Struct
	if name == "" {
		name = "NDR"
	}
	return fmt.Sprintf("%s: malformed at offset 0x%x: %s", name, e.Offset, e.Reason)
}

// Is implements errors.Is.
func (e *FormatError) Is(target error) bool { return target == ErrFormat }

// Limits that no count in the bytes gives.
const (
	// maxDepth is how deep pointers may lead: restrictions, the only recursive structure, are limited to 256 levels, each
	// of which may take two pointers.
	maxDepth = 512
	// firstReferent and referentStep are how Windows numbers referents.
	firstReferent = 0x00020000
	referentStep  = 4
)

// Coder encodes or decodes one stub, or anything else that is laid out by NDR's rules. The first error sticks: later calls do
// nothing. Decoded byte slices alias the buffer.
type Coder struct {
	buf  []byte
	off  int
	enc  bool
	name string
	err  error

	inside   int      // open aggregates
	deferred []func() // referents of the pointers in them
	depth    int
	referent uint32         // the next one
	full     map[any]uint32 // full pointers that were encoded
	aliases  map[uint32]any // and decoded

	normal  []byte            // see Normalize
	numbers map[uint32]uint32 // of full pointers in it
}

// Body is a structure with its description.
type Body interface{ NDR(*Coder) }

// NewEncoder appends to buf, whose bytes count for the alignment.
func NewEncoder(buf []byte) *Coder { return &Coder{buf: buf, enc: true, referent: firstReferent} }

// NewDecoder reads b.
func NewDecoder(b []byte) *Coder { return &Coder{buf: b, referent: firstReferent} }

// Marshal encodes b.
func Marshal(b Body) ([]byte, error) {
	c := NewEncoder(nil)
	c.In(fmt.Sprintf("%T", b), b.NDR)
	return c.buf, c.err
}

// Unmarshal decodes data into b, which is to be zero before. Bytes left over are none of its business: a verification trailer
// ([MS-RPCE] 2.2.2.13) may follow a request.
func Unmarshal(data []byte, b Body) error {
	c := NewDecoder(data)
	c.In(fmt.Sprintf("%T", b), b.NDR)
	return c.err
}

// Normalize decodes data into b and gives it as [Marshal] would write it as far as that is arbitrary: padding is zero, and
// referents are numbered from 0x20000 on. Tests compare stubs of others with it.
func Normalize(data []byte, b Body) ([]byte, error) {
	c := NewDecoder(data)
	c.normal = append([]byte{}, data...)
	c.In(fmt.Sprintf("%T", b), b.NDR)
	return c.normal[:c.off], c.err
}

// Encoding reports the direction.
func (c *Coder) Encoding() bool { return c.enc }

// Err is the first error.
func (c *Coder) Err() error { return c.err }

// Bytes is what was encoded so far, or all that is to be decoded.
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

// Fail sets the error, unless there is one.
func (c *Coder) Fail(format string, args ...any) {
	if c.err == nil {
		c.err = &FormatError{Struct: c.name, Offset: c.Offset(), Reason: fmt.Sprintf(format, args...)}
	}
}

// In names the structure that body walks, for errors.
func (c *Coder) In(name string, body func(*Coder)) {
	old := c.name
	c.name = name
	body(c)
	c.name = old
}

// take gives the next n bytes to decode, nil after an error.
func (c *Coder) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > c.Left() {
		c.Fail("%d bytes wanted, %d left", n, c.Left())
		return nil
	}
	b := c.buf[c.off : c.off+n]
	c.off += n
	return b
}

// Align puts zeros, or skips what there is, up to a multiple of n.
func (c *Coder) Align(n int) {
	pad := -c.Offset() & (n - 1)
	if c.enc {
		c.buf = append(c.buf, make([]byte, pad)...)
		return
	}
	if c.normal != nil && c.off+pad <= len(c.normal) {
		clear(c.normal[c.off : c.off+pad])
	}
	c.take(pad)
}

// U8 is a byte.
func (c *Coder) U8(p *uint8) {
	if c.enc {
		c.buf = append(c.buf, *p)
	} else if b := c.take(1); b != nil {
		*p = b[0]
	}
}

// U16 is a 16-bit number.
func (c *Coder) U16(p *uint16) {
	c.Align(2)
	if c.enc {
		c.buf = binary.LittleEndian.AppendUint16(c.buf, *p)
	} else if b := c.take(2); b != nil {
		*p = binary.LittleEndian.Uint16(b)
	}
}

// U32 is a 32-bit number.
func (c *Coder) U32(p *uint32) {
	c.Align(4)
	if c.enc {
		c.buf = binary.LittleEndian.AppendUint32(c.buf, *p)
	} else if b := c.take(4); b != nil {
		*p = binary.LittleEndian.Uint32(b)
	}
}

// U64 is a hyper.
func (c *Coder) U64(p *uint64) {
	c.Align(8)
	if c.enc {
		c.buf = binary.LittleEndian.AppendUint64(c.buf, *p)
	} else if b := c.take(8); b != nil {
		*p = binary.LittleEndian.Uint64(b)
	}
}

// I16 is a short.
func (c *Coder) I16(p *int16) {
	u := uint16(*p)
	if c.U16(&u); !c.enc { // encoding leaves alone what it encodes: several may do so at once
		*p = int16(u)
	}
}

// I32 is a long.
func (c *Coder) I32(p *int32) {
	u := uint32(*p)
	if c.U32(&u); !c.enc {
		*p = int32(u)
	}
}

// Code is a 32-bit error code, which is most often what a call returns.
func (c *Coder) Code(p *mapi.Code) { c.U32((*uint32)(p)) }

// Tag is a property tag.
func (c *Coder) Tag(p *mapi.Tag) { c.U32((*uint32)(p)) }

// Fixed is a fixed array of bytes; p is filled or written.
func (c *Coder) Fixed(p []byte) {
	if c.enc {
		c.buf = append(c.buf, p...)
	} else if b := c.take(len(p)); b != nil {
		copy(p, b)
	}
}

// Rest is all that is left.
func (c *Coder) Rest(p *[]byte) {
	if c.enc {
		c.buf = append(c.buf, *p...)
	} else {
		*p = c.take(c.Left())
	}
}

// GUID is a uuid_t, a structure that is aligned to 4.
func (c *Coder) GUID(p *mapi.GUID) {
	c.Align(4)
	c.Fixed(p[:])
}

// ContextHandle names something that a server keeps for a client ([C706] 14.2.16.6). The zero handle names nothing.
type ContextHandle struct {
	Attributes uint32
	ID         mapi.GUID
}

// IsZero reports whether h names nothing. Attributes count for nothing.
func (h ContextHandle) IsZero() bool { return h.ID == mapi.GUID{} }

// ContextHandle walks one.
func (c *Coder) ContextHandle(h *ContextHandle) {
	c.U32(&h.Attributes)
	c.GUID(&h.ID)
}

// Discriminant is that of a union, which NDR repeats before the arm; decoding fails where it isn't v, the value of the field
// that says which arm it is.
func (c *Coder) Discriminant(v uint32) {
	u := v
	c.U32(&u)
	if u != v {
		c.Fail("arm %d of a union whose field says %d", u, v)
	}
}
