package oxcdata

import (
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// Restriction types ([MS-OXCDATA] 2.12).
const (
	resAnd = iota
	resOr
	resNot
	resContent
	resProperty
	resCompare
	resBitMask
	resSize
	resExist
	resSub
	resComment
	resCount
	resNone = 0xFF
)

// Restriction walks a restriction. Its keys carry the tags of the wire, ids of named properties unresolved.
//
// In the address book dialect a presence byte stands before the TaggedValue of Property and Content restrictions, which
// the documents omit; every implementation writes it.
func (c *Coder) Restriction(p *mapi.Restriction) {
	c.Nest(func() { c.restriction(p) })
}

func (c *Coder) restriction(p *mapi.Restriction) {
	kind := uint8(resNone)
	if c.enc {
		kind = restrictionType(*p)
	}
	c.U8(&kind)
	if c.err != nil {
		return
	}
	switch kind {
	case resAnd:
		r := asRes[mapi.ResAnd](c, *p)
		c.members((*[]mapi.Restriction)(&r))
		*p = r
	case resOr:
		r := asRes[mapi.ResOr](c, *p)
		c.members((*[]mapi.Restriction)(&r))
		*p = r
	case resNot:
		r := asRes[mapi.ResNot](c, *p)
		c.Restriction(&r.Res)
		*p = r
	case resContent:
		r := asRes[mapi.ResContent](c, *p)
		c.U32(&r.Fuzzy)
		c.key(&r.Key)
		c.comparand(r.Key, &r.Value)
		*p = r
	case resProperty:
		r := asRes[mapi.ResProperty](c, *p)
		c.U8((*uint8)(&r.Op))
		c.key(&r.Key)
		c.comparand(r.Key, &r.Value)
		*p = r
	case resCompare:
		r := asRes[mapi.ResCompare](c, *p)
		c.U8((*uint8)(&r.Op))
		c.key(&r.A)
		c.key(&r.B)
		*p = r
	case resBitMask:
		r := asRes[mapi.ResBitMask](c, *p)
		c.Bool(&r.NonZero)
		c.key(&r.Key)
		c.U32(&r.Mask)
		*p = r
	case resSize:
		r := asRes[mapi.ResSize](c, *p)
		c.U8((*uint8)(&r.Op))
		c.key(&r.Key)
		c.U32(&r.Size)
		*p = r
	case resExist:
		r := asRes[mapi.ResExist](c, *p)
		c.key(&r.Key)
		*p = r
	case resSub:
		r := asRes[mapi.ResSub](c, *p)
		c.Tag(&r.Sub)
		c.Restriction(&r.Res)
		*p = r
	case resComment:
		r := asRes[mapi.ResComment](c, *p)
		List8(c, (*[]mapi.Prop)(&r.Props), 4, (*Coder).prop)
		has := r.Res != nil
		c.Bool(&has)
		if has {
			c.Restriction(&r.Res)
		}
		*p = r
	case resCount:
		r := asRes[mapi.ResCount](c, *p)
		c.U32(&r.Count)
		c.Restriction(&r.Res)
		*p = r
	default:
		c.Fail(fmt.Sprintf("restriction of type 0x%02x", kind))
	}
}

func restrictionType(r mapi.Restriction) uint8 {
	switch r.(type) {
	case mapi.ResAnd:
		return resAnd
	case mapi.ResOr:
		return resOr
	case mapi.ResNot:
		return resNot
	case mapi.ResContent:
		return resContent
	case mapi.ResProperty:
		return resProperty
	case mapi.ResCompare:
		return resCompare
	case mapi.ResBitMask:
		return resBitMask
	case mapi.ResSize:
		return resSize
	case mapi.ResExist:
		return resExist
	case mapi.ResSub:
		return resSub
	case mapi.ResComment:
		return resComment
	case mapi.ResCount:
		return resCount
	}
	return resNone
}

// asRes is the restriction being encoded, or an empty one to decode into.
func asRes[T mapi.Restriction](c *Coder, r mapi.Restriction) T {
	if c.enc {
		return r.(T)
	}
	var zero T
	return zero
}

func (c *Coder) members(s *[]mapi.Restriction) {
	n := 0
	if c.Dialect == ROP {
		n = c.Len16(len(*s))
	} else {
		n = c.Len32(len(*s))
	}
	listN(c, n, s, 1, (*Coder).Restriction)
}

// key walks a tag. The id of a named property is the store's: the caller has resolved it.
func (c *Coder) key(k *mapi.Key) {
	if c.enc && k.Named() && k.Tag.ID() == 0 {
		c.Fail(fmt.Sprintf("property %v without its id in a restriction", k))
		return
	}
	c.Tag(&k.Tag)
}

func (c *Coder) prop(p *mapi.Prop) {
	tv := TaggedValue{p.Key.Tag, p.Value}
	c.TaggedValue(&tv)
	p.Key.Tag, p.Value = tv.Tag, tv.Value
}

// comparand is the TaggedValue of a restriction. Its tag repeats the property; a multi-value column is compared with a
// single value, so the type may lack the multi-value bit, and either kind of string stands for the other.
func (c *Coder) comparand(k mapi.Key, v *mapi.Value) {
	if c.Dialect == AddressBook && !c.comparandPresent(*v) {
		return
	}
	tv := TaggedValue{Tag: k.Tag, Value: *v}
	if c.enc {
		tv.Tag = k.Tag.WithType(comparandType(k.Type(), *v))
	}
	c.TaggedValue(&tv)
	*v = tv.Value
	if !c.enc && c.err == nil && (tv.Tag.ID() != k.Tag.ID() || mapi.CheckValue(comparandType(k.Type(), *v), *v) != nil) {
		c.Fail(fmt.Sprintf("value of %v compared with property %v", tv.Tag, k.Tag))
	}
}

// comparandType is the type that a value has when it is compared with a property of type t, or t where it has none.
func comparandType(t mapi.Type, v mapi.Value) mapi.Type {
	for _, try := range [...]mapi.Type{t, t.Base(), mapi.TypeString, mapi.TypeString8} {
		if mapi.CheckValue(try, v) == nil && (try.Base() == t.Base() || isText(try) && isText(t.Base())) {
			return try
		}
	}
	return t
}

func isText(t mapi.Type) bool { return t == mapi.TypeString || t == mapi.TypeString8 }

// comparandPresent walks the presence byte. Some clients leave it out: the low byte of a string type tag (1E, 1F, 02)
// stands there then, which tells the two apart from 0xFF and 0x00.
func (c *Coder) comparandPresent(v mapi.Value) bool {
	if !c.enc {
		if c.Left() > 0 && c.buf[c.off] != 0xFF && c.buf[c.off] != 0 {
			return true
		}
	}
	var mark uint8
	return c.Present(&mark, v != nil)
}

// Sort is a SortOrder ([MS-OXCDATA] 2.13.1); Order is 0 ascending, 1 descending, 4 maximum of a category.
type Sort struct {
	Tag   mapi.Tag
	Order uint8
}

// Sort walks a SortOrder.
func (c *Coder) Sort(p *Sort) {
	c.Tag(&p.Tag)
	c.U8(&p.Order)
}
