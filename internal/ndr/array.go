package ndr

import (
	"bytes"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// Count is a 32-bit count of what takes at least min bytes each, which bounds it when decoding; n is written.
func (c *Coder) Count(n, min int) int {
	u := uint32(n)
	c.U32(&u)
	if c.err != nil {
		return 0
	}
	if !c.enc && int64(u)*int64(max(min, 1)) > int64(c.Left()) {
		c.Fail("%d elements in %d bytes", u, c.Left())
		return 0
	}
	return int(u)
}

// Max is the maximum count of a conformant array, where it doesn't stand right before the array: ahead of the structure
// whose last member the array is ([C706] 14.3.7.1). It isn't bounded: nothing is to be made so large.
func (c *Coder) Max(n int) uint32 {
	u := uint32(n)
	c.U32(&u)
	return u
}

// Range is the offset and actual count of a varying array of n elements of at least min bytes, at most the maximum count.
func (c *Coder) Range(n int, most uint32, min int) int {
	var offset uint32
	c.U32(&offset)
	if offset != 0 {
		c.Fail("array begins at element %d", offset)
	}
	n = c.Count(n, min)
	if uint32(n) > most {
		c.Fail("%d elements where %d fit", n, most)
		return 0
	}
	return n
}

// Elements are n elements, whose count went before. A decoded list isn't nil.
func Elements[T any](c *Coder, n int, s *[]T, f func(*Coder, *T)) {
	if c.err != nil {
		return
	}
	if c.enc && n != len(*s) {
		c.Fail("%d elements of %d", len(*s), n)
		return
	}
	if !c.enc {
		*s = make([]T, n)
	}
	c.Aggregate(func() {
		for i := range *s {
			f(c, &(*s)[i])
			if c.err != nil {
				return
			}
		}
	})
}

// Conformant is a conformant array: a count and the elements, each of at least min bytes.
func Conformant[T any](c *Coder, s *[]T, min int, f func(*Coder, *T)) {
	Elements(c, c.Count(len(*s), min), s, f)
}

// ConformantVarying is a conformant varying array: maximum, offset and actual count, then the elements.
func ConformantVarying[T any](c *Coder, s *[]T, min int, f func(*Coder, *T)) {
	most := c.Max(len(*s))
	Elements(c, c.Range(len(*s), most, min), s, f)
}

// Counted is a count and a unique pointer to a conformant array of so many elements; nil is a null pointer.
func Counted[T any](c *Coder, s *[]T, min int, f func(*Coder, *T)) {
	n := uint32(len(*s))
	c.U32(&n)
	CountedElsewhere(c, n, s, min, f)
}

// CountedElsewhere is Counted where other fields may stand between count and pointer.
func CountedElsewhere[T any](c *Coder, n uint32, s *[]T, min int, f func(*Coder, *T)) {
	c.Pointer(*s != nil, func() {
		most := c.Count(len(*s), min)
		if uint32(most) != n {
			c.Fail("array of %d elements where the count is %d", most, n)
			return
		}
		Elements(c, most, s, f)
	})
}

// Bytes32 is a conformant array of bytes.
func (c *Coder) Bytes32(p *[]byte) { c.raw(c.Count(len(*p), 1), p) }

// VaryingBytes is a conformant varying array of bytes.
func (c *Coder) VaryingBytes(p *[]byte) {
	most := c.Max(len(*p))
	c.raw(c.Range(len(*p), most, 1), p)
}

// Binary is a Binary_r: a count and a pointer to so many bytes; nil is a null pointer.
func (c *Coder) Binary(p *[]byte) {
	n := uint32(len(*p))
	c.U32(&n)
	c.Pointer(*p != nil, func() {
		most := c.Count(len(*p), 1)
		if uint32(most) != n {
			c.Fail("%d bytes where the count is %d", most, n)
			return
		}
		c.raw(most, p)
	})
}

func (c *Coder) raw(n int, p *[]byte) {
	if c.enc {
		c.buf = append(c.buf, *p...)
		return
	}
	if b := c.take(n); b != nil {
		*p = b[:len(b):len(b)]
	}
}

// String8 is a conformant varying string of 8-bit characters with terminator. What follows a first NUL doesn't count.
func (c *Coder) String8(p *mapi.String8) {
	if c.enc {
		c.noNUL(string(*p))
		n := len(*p) + 1
		c.Range(n, c.Max(n), 1)
		c.buf = append(append(c.buf, *p...), 0)
		return
	}
	b := c.take(c.Range(0, c.Max(0), 1))
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		c.unterminated(len(b))
		return
	}
	*p = mapi.String8(b[:n])
}

// String is a conformant varying string of UTF-16 characters with terminator.
func (c *Coder) String(p *string) {
	if c.enc {
		c.noNUL(*p)
		s := append(mapi.EncodeUTF16(*p), 0, 0)
		c.Range(len(s)/2, c.Max(len(s)/2), 2)
		c.buf = append(c.buf, s...)
		return
	}
	b := c.take(2 * c.Range(0, c.Max(0), 2))
	for i := 0; i < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			*p = mapi.DecodeUTF16(b[:i])
			return
		}
	}
	c.unterminated(len(b))
}

// unterminated refuses a string without terminator, but for one of no characters at all, as some write an empty one.
func (c *Coder) unterminated(n int) {
	if n > 0 {
		c.Fail("string without terminator")
	}
}

// noNUL refuses strings that their own terminator would cut.
func (c *Coder) noNUL(s string) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		c.Fail("string holds NUL at %d", i)
	}
}
