package nspirpc

import (
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Types of restrictions ([MS-OXNSPI] 2.2.5).
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
)

// restriction is a Restriction_r ([MS-OXNSPI] 2.2.5.10) as it is on the wire, where what it leads to comes later.
type restriction struct {
	kind    uint32
	numbers [3]uint32
	value   *oxcdata.TaggedValue
	members []restriction
	one     *restriction
}

// numbersOf is how many numbers the arm of a type begins with.
var numbersOf = map[uint32]int{resAnd: 0, resOr: 0, resNot: 0, resContent: 2, resProperty: 2, resCompare: 3, resBitMask: 3, resSize: 3, resExist: 3, resSub: 1}

func (r *restriction) code(c *ndr.Coder) {
	c.Aggregate(func() {
		c.U32(&r.kind)
		c.Discriminant(r.kind)
		n, ok := numbersOf[r.kind]
		if !ok {
			c.Fail("restriction of type %d", r.kind)
			return
		}
		for i := range n {
			c.U32(&r.numbers[i])
		}
		switch r.kind {
		case resAnd, resOr:
			inRange(c, len(r.members), maxCount)
			ndr.Counted(c, &r.members, 12, func(c *ndr.Coder, m *restriction) { m.code(c) })
		case resNot, resSub:
			ndr.Unique(c, &r.one, func(c *ndr.Coder, m *restriction) { m.code(c) })
		case resContent, resProperty:
			ndr.Unique(c, &r.value, propertyValue)
		}
	})
}

// filter is a unique pointer to a restriction; nil is null.
func filter(c *ndr.Coder, p *mapi.Restriction) {
	var tree *restriction
	if c.Encoding() && *p != nil {
		tree = wire(c, *p)
	}
	ndr.Unique(c, &tree, func(c *ndr.Coder, r *restriction) { r.code(c) })
	if !c.Encoding() && tree != nil && c.Err() == nil {
		*p = tree.meaning(c)
	}
}

// wire is the form of a restriction on the wire.
func wire(c *ndr.Coder, r mapi.Restriction) *restriction {
	members := func(list []mapi.Restriction) []restriction {
		out := make([]restriction, len(list))
		for i, m := range list {
			out[i] = *wire(c, m)
		}
		return out
	}
	comparand := func(k mapi.Key, v mapi.Value) *oxcdata.TaggedValue {
		return &oxcdata.TaggedValue{Tag: k.Tag.WithType(comparandType(k.Type(), v)), Value: v}
	}
	switch r := r.(type) {
	case mapi.ResAnd:
		return &restriction{kind: resAnd, members: members(r)}
	case mapi.ResOr:
		return &restriction{kind: resOr, members: members(r)}
	case mapi.ResNot:
		return &restriction{kind: resNot, one: wire(c, r.Res)}
	case mapi.ResContent:
		return &restriction{kind: resContent, numbers: [3]uint32{r.Fuzzy, uint32(r.Key.Tag)}, value: comparand(r.Key, r.Value)}
	case mapi.ResProperty:
		return &restriction{kind: resProperty, numbers: [3]uint32{uint32(r.Op), uint32(r.Key.Tag)}, value: comparand(r.Key, r.Value)}
	case mapi.ResCompare:
		return &restriction{kind: resCompare, numbers: [3]uint32{uint32(r.Op), uint32(r.A.Tag), uint32(r.B.Tag)}}
	case mapi.ResBitMask:
		n := uint32(0)
		if r.NonZero {
			n = 1
		}
		return &restriction{kind: resBitMask, numbers: [3]uint32{n, uint32(r.Key.Tag), r.Mask}}
	case mapi.ResSize:
		return &restriction{kind: resSize, numbers: [3]uint32{uint32(r.Op), uint32(r.Key.Tag), r.Size}}
	case mapi.ResExist:
		return &restriction{kind: resExist, numbers: [3]uint32{0, uint32(r.Key.Tag), 0}}
	case mapi.ResSub:
		return &restriction{kind: resSub, numbers: [3]uint32{uint32(r.Sub)}, one: wire(c, r.Res)}
	}
	c.Fail("the address book has no restrictions of type %T", r)
	return &restriction{}
}

// meaning is the restriction that was read.
func (r *restriction) meaning(c *ndr.Coder) mapi.Restriction {
	members := func() []mapi.Restriction {
		out := make([]mapi.Restriction, len(r.members))
		for i := range r.members {
			out[i] = r.members[i].meaning(c)
		}
		return out
	}
	one := func() mapi.Restriction {
		if r.one == nil {
			c.Fail("restriction of type %d on nothing", r.kind)
			return nil
		}
		return r.one.meaning(c)
	}
	key := func(i int) mapi.Key { return mapi.TagKey(mapi.Tag(r.numbers[i])) }
	op := func() mapi.RelOp {
		if r.numbers[0] > uint32(mapi.RelMemberOfDL) {
			c.Fail("comparison by operator %d", r.numbers[0])
		}
		return mapi.RelOp(r.numbers[0])
	}
	comparand := func() mapi.Value {
		k := key(1)
		if r.value == nil || r.value.Tag.ID() != k.Tag.ID() || mapi.CheckValue(comparandType(k.Type(), r.value.Value), r.value.Value) != nil {
			c.Fail("property %v compared with %+v", k.Tag, r.value)
			return nil
		}
		return r.value.Value
	}
	switch r.kind {
	case resAnd:
		return mapi.ResAnd(members())
	case resOr:
		return mapi.ResOr(members())
	case resNot:
		return mapi.ResNot{Res: one()}
	case resContent:
		return mapi.ResContent{Fuzzy: r.numbers[0], Key: key(1), Value: comparand()}
	case resProperty:
		return mapi.ResProperty{Op: op(), Key: key(1), Value: comparand()}
	case resCompare:
		return mapi.ResCompare{Op: op(), A: key(1), B: key(2)}
	case resBitMask:
		return mapi.ResBitMask{NonZero: r.numbers[0] != 0, Key: key(1), Mask: r.numbers[2]}
	case resSize:
		return mapi.ResSize{Op: op(), Key: key(1), Size: r.numbers[2]}
	case resExist:
		return mapi.ResExist{Key: key(1)}
	}
	return mapi.ResSub{Sub: mapi.Tag(r.numbers[0]), Res: one()}
}

// comparandType is the type that a value has when it is compared with a property of type t: its own, that of one of its
// values, or the other type of strings.
func comparandType(t mapi.Type, v mapi.Value) mapi.Type {
	text := func(t mapi.Type) bool { return t == mapi.TypeString || t == mapi.TypeString8 }
	for _, try := range [...]mapi.Type{t, t.Base(), mapi.TypeString, mapi.TypeString8} {
		if mapi.CheckValue(try, v) == nil && (try.Base() == t.Base() || text(try) && text(t.Base())) {
			return try
		}
	}
	return t
}
