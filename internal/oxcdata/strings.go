package oxcdata

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// SZ is an 8-bit string with terminator.
func (c *Coder) SZ(p *mapi.String8) {
	if c.enc {
		c.noNUL(string(*p))
		c.buf = append(append(c.buf, *p...), 0)
		return
	}
	if c.err != nil {
		return
	}
	n := bytes.IndexByte(c.buf[c.off:], 0)
	if n < 0 {
		c.Fail("8-bit string without terminator")
		return
	}
	*p = mapi.String8(c.buf[c.off : c.off+n])
	c.off += n + 1
}

// WSZ is a UTF-16LE string with terminator.
func (c *Coder) WSZ(p *string) {
	if c.enc {
		c.noNUL(*p)
		c.buf = append(mapi.AppendUTF16(c.buf, *p), 0, 0)
		return
	}
	if c.err != nil {
		return
	}
	b := c.buf[c.off:]
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			*p = mapi.DecodeUTF16(b[:i])
			c.off += i + 2
			return
		}
	}
	c.Fail("UTF-16 string without terminator")
}

// noNUL refuses strings that their own terminator would cut: silently losing the rest is worse than an error.
func (c *Coder) noNUL(s string) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		c.Fail(fmt.Sprintf("string holds NUL at %d", i))
	}
}

// TypedString is a string that says its own form ([MS-OXCDATA] 2.11.7). Form 1 is an empty string, 0 no string at all.
type TypedString struct {
	Form uint8 // 0 absent, 1 empty, 2 8-bit, 3 reduced Unicode, 4 Unicode
	Text string
}

// NewTypedString chooses the form for s: empty, reduced where every character fits 8 bits, or Unicode.
func NewTypedString(s string) TypedString {
	if s == "" {
		return TypedString{Form: 1}
	}
	for _, r := range s {
		if r > 0xFF {
			return TypedString{Form: 4, Text: s}
		}
	}
	return TypedString{Form: 3, Text: s}
}

// TypedString walks one.
func (c *Coder) TypedString(p *TypedString) {
	c.U8(&p.Form)
	switch p.Form {
	case 0, 1:
	case 2:
		s := mapi.String8(p.Text)
		c.SZ(&s)
		p.Text = string(s)
	case 3: // low bytes of UTF-16 units
		var s mapi.String8
		if c.enc {
			s = c.reduced(p.Text)
		}
		c.SZ(&s)
		if !c.enc {
			r := make([]rune, len(s))
			for i := range r {
				r[i] = rune(s[i])
			}
			p.Text = string(r)
		}
	case 4:
		c.WSZ(&p.Text)
	default:
		c.Fail(fmt.Sprintf("typed string of form %d", p.Form))
	}
}

// reduced is the low bytes of the characters of s, which have no others.
func (c *Coder) reduced(s string) mapi.String8 {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xFF {
			c.Fail(fmt.Sprintf("reduced string with %q", r))
		}
		b = append(b, byte(r))
	}
	return mapi.String8(b)
}

// Kinds of a property name.
const (
	kindLID    = 0x00
	kindString = 0x01
	kindNone   = 0xFF
)

// PropName is a property name ([MS-OXCDATA] 2.6.1). Kind 0xFF, no name, is the zero PropName.
func (c *Coder) PropName(p *mapi.PropName) {
	kind := uint8(kindLID)
	switch {
	case c.enc && p.IsZero():
		kind = kindNone
	case p.Name != "":
		kind = kindString
	}
	c.U8(&kind)
	if kind == kindNone && c.noSet() {
		return
	}
	c.GUID(&p.Set)
	switch kind {
	case kindLID:
		c.U32(&p.LID)
	case kindString:
		c.nameString(p)
	case kindNone:
		p.Set = mapi.GUID{}
	default:
		c.Fail(fmt.Sprintf("property name of kind 0x%02x", kind))
	}
}

// noSet reports whether the property set of a name of kind 0xFF was left out. The specification has it, and the servers
// seen fill it with zeros; its example texts can be read otherwise. Where other bytes follow that begin the next name, it
// isn't there.
func (c *Coder) noSet() bool {
	if c.enc {
		return false
	}
	if c.Left() < len(mapi.GUID{}) {
		return true
	}
	next := c.buf[c.off : c.off+len(mapi.GUID{})]
	return (next[0] == kindLID || next[0] == kindString || next[0] == kindNone) && mapi.GUID(next) != mapi.GUID{}
}

// nameString is NameSize in bytes with the terminator, then the UTF-16 name.
func (c *Coder) nameString(p *mapi.PropName) {
	if c.enc {
		b := append(mapi.EncodeUTF16(p.Name), 0, 0)
		if len(b) > 0xFF {
			c.Fail(fmt.Sprintf("property name of %d bytes", len(b)))
			return
		}
		c.buf = append(append(c.buf, byte(len(b))), b...)
		return
	}
	var n uint8
	c.U8(&n)
	b := c.take(int(n))
	if len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b = b[:len(b)-2]
	}
	p.Name = mapi.DecodeUTF16(b)
}
