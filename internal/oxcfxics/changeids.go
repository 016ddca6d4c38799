package oxcfxics

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// XID identifies an object or a change of one, across stores ([MS-OXCFXICS] 2.2.2.2). It is the value of PidTagSourceKey
// and PidTagChangeKey.
type XID struct {
	Namespace mapi.GUID
	Local     []byte // 1 byte or more; 6 where the namespace is a replica and this its counter
}

// NewXID is the XID that a replica's counter makes: a GID.
func NewXID(id oxcdata.GlobalID) XID {
	return XID{Namespace: id.Replica, Local: appendCounter(nil, id.Counter, 0)}
}

// GlobalID gives back what NewXID was made of; ok is false for foreign ids.
func (x XID) GlobalID() (id oxcdata.GlobalID, ok bool) {
	if len(x.Local) != globBytes {
		return id, false
	}
	return oxcdata.GlobalID{Replica: x.Namespace, Counter: counterOf(x.Local, nil)}, true
}

// code walks an XID of n bytes.
func (x *XID) code(c *oxcdata.Coder, n int) {
	c.In("XID ([MS-OXCFXICS] 2.2.2.2)", func(c *oxcdata.Coder) {
		c.GUID(&x.Namespace)
		c.Raw(n-len(x.Namespace), &x.Local)
		if len(x.Local) == 0 {
			c.Fail("no local id")
		}
	})
}

// DecodeXID reads an XID, which takes all of b.
func DecodeXID(b []byte) (x XID, err error) {
	err = oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) { x.code(c, len(b)) })
	return x, err
}

// Bytes serializes the XID.
func (x XID) Bytes() []byte {
	return append(x.Namespace[:len(x.Namespace):len(x.Namespace)], x.Local...)
}

// Compare orders the changes of one namespace: local ids are big-endian numbers.
func (x XID) Compare(o XID) int {
	a, b := bytes.TrimLeft(x.Local, "\x00"), bytes.TrimLeft(o.Local, "\x00")
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return bytes.Compare(a, b)
}

// PCL is a predecessor change list: the last change that a version knows of each namespace ([MS-OXCFXICS] 2.2.2.3),
// ordered by namespace. It is the value of PidTagPredecessorChangeList.
type PCL []XID

// DecodePCL reads a predecessor change list, which takes all of b. Lists out of order are put in order.
func DecodePCL(b []byte) (PCL, error) {
	var list []XID
	err := oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) {
		for c.Left() > 0 && c.Err() == nil {
			list = append(list, XID{})
			list[len(list)-1].sized(c)
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b XID) int {
		return cmp.Or(bytes.Compare(a.Namespace[:], b.Namespace[:]), b.Compare(a))
	})
	return slices.CompactFunc(list, func(a, b XID) bool { return a.Namespace == b.Namespace }), nil
}

// sized walks a SizedXid.
func (x *XID) sized(c *oxcdata.Coder) {
	n := uint8(len(x.Namespace) + len(x.Local))
	if c.Encoding() && len(x.Local) > maxLocal {
		c.Fail("local id too long")
	}
	c.U8(&n)
	if int(n) <= len(x.Namespace) {
		c.Fail("SizedXid without local id")
		return
	}
	x.code(c, int(n))
}

// maxLocal is what the size of a SizedXid has room for.
const maxLocal = 0xFF - 16

// Bytes serializes the list.
func (p PCL) Bytes() ([]byte, error) {
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) {
		for i := range p {
			p[i].sized(c)
		}
	})
}

// find gives the place of a namespace.
func (p PCL) find(ns mapi.GUID) (int, bool) {
	return slices.BinarySearchFunc(p, ns, func(x XID, ns mapi.GUID) int { return bytes.Compare(x.Namespace[:], ns[:]) })
}

// Knows reports whether a version with this list has seen change x.
func (p PCL) Knows(x XID) bool {
	i, ok := p.find(x.Namespace)
	return ok && p[i].Compare(x) >= 0
}

// Includes reports whether a version with list p has seen all that one with list o has. If neither includes the other, the
// versions are in conflict ([MS-OXCFXICS] 3.1.5.6.1).
func (p PCL) Includes(o PCL) bool {
	for _, x := range o {
		if !p.Knows(x) {
			return false
		}
	}
	return true
}

// Add notes change x.
func (p *PCL) Add(x XID) {
	i, ok := p.find(x.Namespace)
	switch {
	case !ok:
		*p = slices.Insert(*p, i, x)
	case (*p)[i].Compare(x) < 0:
		(*p)[i] = x
	}
}

// Merge notes all changes of another list, as the result of a resolved conflict does.
func (p *PCL) Merge(o PCL) {
	for _, x := range o {
		p.Add(x)
	}
}
