package ntlm

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A FormatError says what is malformed in a message of the peer.
type FormatError struct {
	Struct string // the structure, with its section of [MS-NLMP]
	Offset int
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("ntlm: %s: malformed at offset 0x%x: %s", e.Struct, e.Offset, e.Reason)
}

// maxMessage bounds the messages of a peer. Windows allows tokens of 2,888 bytes ([MS-NLMP] knows no limit but that of its
// 16-bit lengths); target information from domains with long names can be longer.
const maxMessage = 64 << 10

// coder walks a message: the same walk encodes and decodes. A message is a head of fixed fields, some of which describe
// where in the payload behind it their data lie.
type coder struct {
	name string
	buf  []byte // decoding: all of the message; encoding: the head
	off  int
	enc  bool
	// start is where the payload begins; decoding: the first data found so far.
	start   int
	payload []payload
	err     error
}

// payload is data that the head at a given offset describes.
type payload struct {
	at, place int
	data      []byte
}

func decoder(name string, b []byte) *coder {
	c := &coder{name: name, buf: b, start: len(b)}
	if len(b) > maxMessage {
		c.fail("message too long")
	}
	return c
}

func (c *coder) fail(reason string) {
	if c.err == nil {
		c.err = &FormatError{c.name, c.off, reason}
	}
}

// next is the next n bytes of the head.
func (c *coder) next(n int) []byte {
	if c.err != nil {
		return make([]byte, n)
	}
	if c.enc {
		c.buf = append(c.buf, make([]byte, n)...)
	}
	if n > len(c.buf)-c.off {
		c.fail("message too short")
		return make([]byte, n)
	}
	c.off += n
	return c.buf[c.off-n : c.off]
}

// signature begins all messages ([MS-NLMP] 2.2.1).
const signature = "NTLMSSP\x00"

func (c *coder) header(kind uint32) {
	s, got := signature, kind
	b := c.next(len(s))
	if c.enc {
		copy(b, s)
	} else if string(b) != s {
		c.fail("no NTLMSSP message")
	}
	c.u32(&got)
	if got != kind {
		c.fail(fmt.Sprintf("message type %d, expected %d", got, kind))
	}
}

func (c *coder) u32(p *uint32) {
	b := c.next(4)
	if c.enc {
		binary.LittleEndian.PutUint32(b, *p)
	} else {
		*p = binary.LittleEndian.Uint32(b)
	}
}

func (c *coder) bytes(p []byte) {
	if b := c.next(len(p)); c.enc {
		copy(b, p)
	} else {
		copy(p, b)
	}
}

// optional are the last fields of the head, which old clients leave out: then the payload begins where they would be.
func (c *coder) optional(p *[]byte, n int) {
	if !c.enc && c.err == nil && c.off+n <= c.start {
		*p = make([]byte, n)
	}
	if *p != nil {
		c.bytes(*p)
	}
}

// data is a field in the payload: length, allocated length and offset. place orders the payload.
func (c *coder) data(p *[]byte, place int) {
	at := c.off
	b := c.next(8)
	if c.enc {
		c.payload = append(c.payload, payload{at, place, *p})
		return
	}
	n, off := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint32(b[4:])
	if n == 0 || c.err != nil {
		return
	}
	if uint64(off)+uint64(n) > uint64(len(c.buf)) || int(off) < c.off {
		c.fail("data outside of the message")
		return
	}
	*p = c.buf[off : int(off)+n]
	c.start = min(c.start, int(off))
}

// encoded is the message.
func (c *coder) encoded() ([]byte, error) {
	slices.SortStableFunc(c.payload, func(a, b payload) int { return a.place - b.place })
	for _, p := range c.payload {
		if len(p.data) > 0xffff {
			c.fail("data too long")
			break
		}
		b := c.buf[p.at:]
		binary.LittleEndian.PutUint16(b, uint16(len(p.data)))
		binary.LittleEndian.PutUint16(b[2:], uint16(len(p.data)))
		binary.LittleEndian.PutUint32(b[4:], uint32(len(c.buf)))
		c.buf = append(c.buf, p.data...)
	}
	return c.buf, c.err
}
