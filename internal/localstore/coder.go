package localstore

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/opencdo/opencdo/mapi"
)

// coder encodes or decodes the records of the file (props.go). Numbers are variable-length as in encoding/binary, signed
// ones zigzag; fixed ones little-endian. The first error sticks: later calls do nothing and leave decoded fields zero.
type coder struct {
	buf  []byte
	off  int
	enc  bool
	skip bool // decoded bytes are not wanted, only what follows them
	err  error
}

func (c *coder) left() int { return len(c.buf) - c.off }

func (c *coder) fail(reason string) {
	if c.err == nil {
		c.err = &mapi.Error{Op: "decode record", Object: fmt.Sprintf("at byte %d", c.off), Code: mapi.ErrCorruptData, Err: fmt.Errorf("%s", reason)}
	}
}

// fixed is n bytes in place: to fill on encode, to read on decode; nil after an error.
func (c *coder) fixed(n int) []byte {
	if c.err != nil {
		return nil
	}
	if c.enc {
		c.buf = append(c.buf, make([]byte, n)...)
		return c.buf[len(c.buf)-n:]
	}
	if n > c.left() {
		c.fail("cut short")
		return nil
	}
	c.off += n
	return c.buf[c.off-n : c.off]
}

func (c *coder) uint(p *uint64) {
	switch {
	case c.err != nil:
	case c.enc:
		c.buf = binary.AppendUvarint(c.buf, *p)
	default:
		v, n := binary.Uvarint(c.buf[c.off:])
		if n <= 0 {
			c.fail("bad number")
			return
		}
		c.off += n
		*p = v
	}
}

func (c *coder) int(p *int64) {
	u := uint64(*p)<<1 ^ uint64(*p>>63)
	c.uint(&u)
	if !c.enc {
		*p = int64(u>>1) ^ -int64(u&1)
	}
}

func (c *coder) u8(p *uint8) {
	if b := c.fixed(1); b == nil {
		return
	} else if c.enc {
		b[0] = *p
	} else {
		*p = b[0]
	}
}

func (c *coder) u32(p *uint32) {
	if b := c.fixed(4); b == nil {
		return
	} else if c.enc {
		binary.LittleEndian.PutUint32(b, *p)
	} else {
		*p = binary.LittleEndian.Uint32(b)
	}
}

func (c *coder) u64(p *uint64) {
	if b := c.fixed(8); b == nil {
		return
	} else if c.enc {
		binary.LittleEndian.PutUint64(b, *p)
	} else {
		*p = binary.LittleEndian.Uint64(b)
	}
}

func (c *coder) guid(p *mapi.GUID) {
	if b := c.fixed(len(p)); b == nil {
		return
	} else if c.enc {
		copy(b, p[:])
	} else {
		copy(p[:], b)
	}
}

// count is the length of a list whose members take at least min bytes each.
func (c *coder) count(n, min int) int {
	u := uint64(n)
	c.uint(&u)
	if c.enc || c.err != nil {
		return n
	}
	if u > uint64(c.left()/min) {
		c.fail("count beyond the end")
		return 0
	}
	return int(u)
}

// raw is bytes with their count; decoded ones are a copy.
func raw[T ~[]byte | ~string](c *coder, p *T) {
	n := c.count(len(*p), 1)
	if b := c.fixed(n); b == nil {
		return
	} else if c.enc {
		copy(b, *p)
	} else if !c.skip {
		*p = T(append([]byte{}, b...))
	}
}

func integer[T ~int16 | ~int32 | ~int64](c *coder, p *T) {
	v := int64(*p)
	c.int(&v)
	if *p = T(v); int64(*p) != v {
		c.fail("number out of range")
	}
}

func f32(c *coder, p *float32) {
	v := math.Float32bits(*p)
	c.u32(&v)
	*p = math.Float32frombits(v)
}

func f64[T ~float64](c *coder, p *T) {
	v := math.Float64bits(float64(*p))
	c.u64(&v)
	*p = T(math.Float64frombits(v))
}

func fileTime(c *coder, p *mapi.FileTime) {
	v := uint64(*p)
	c.u64(&v)
	*p = mapi.FileTime(v)
}

func boolean(c *coder, p *bool) {
	var v uint8
	if *p {
		v = 1
	}
	c.u8(&v)
	*p = v != 0
}

func code(c *coder, p *mapi.Code) { c.u32((*uint32)(p)) }

func guid(c *coder, p *mapi.GUID) { c.guid(p) }
