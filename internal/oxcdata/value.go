package oxcdata

import (
	"fmt"
	"math"

	"github.com/opencdo/opencdo/mapi"
)

// TaggedValue is a property with its value as it stands on the wire, ids of named properties unresolved
// ([MS-OXCDATA] 2.11.4).
type TaggedValue struct {
	Tag   mapi.Tag
	Value mapi.Value
}

// TaggedValue walks a TaggedPropertyValue.
func (c *Coder) TaggedValue(p *TaggedValue) {
	c.Tag(&p.Tag)
	c.Value(p.Tag.Type(), &p.Value)
}

// TypedValue is a cell whose column left the type open ([MS-OXCDATA] 2.11.3).
type TypedValue struct {
	Type  mapi.Type
	Value mapi.Value
}

// TypedValue walks a TypedPropertyValue.
func (c *Coder) TypedValue(p *TypedValue) {
	c.U16((*uint16)(&p.Type))
	c.Value(p.Type, &p.Value)
}

// Value walks a PropertyValue of type t ([MS-OXCDATA] 2.11.2.1). In the address book dialect an absent value is nil.
func (c *Coder) Value(t mapi.Type, v *mapi.Value) {
	if c.err != nil {
		return
	}
	if t&mapi.MultiInstance != 0 {
		t = t.Base() // a row of one value per instance
	}
	if c.Dialect == AddressBook && (t.Multi() || t == mapi.TypeString || t == mapi.TypeString8 || t == mapi.TypeBinary) {
		if !c.present(v) {
			return
		}
	}
	if c.enc {
		if err := mapi.CheckValue(t, *v); err != nil && !(t == mapi.TypeObject && *v == nil) {
			c.Fail(err.Error())
			return
		}
	}
	if t.Multi() {
		c.multi(t.Base(), v)
		return
	}
	c.single(t, v)
}

// present is the HasValue byte of [MS-OXCMAPIHTTP] 2.2.1.1.
func (c *Coder) present(v *mapi.Value) bool {
	var mark uint8
	return c.Present(&mark, *v != nil)
}

func (c *Coder) single(t mapi.Type, v *mapi.Value) {
	switch t {
	case mapi.TypeNull, mapi.TypeUnspecified:
		*v = nil
	case mapi.TypeInt16:
		scalar(c, v, (*Coder).i16)
	case mapi.TypeInt32:
		scalar(c, v, (*Coder).I32)
	case mapi.TypeInt64:
		scalar(c, v, (*Coder).I64)
	case mapi.TypeFloat32:
		scalar(c, v, (*Coder).f32)
	case mapi.TypeFloat64:
		scalar(c, v, (*Coder).f64)
	case mapi.TypeCurrency:
		scalar(c, v, func(c *Coder, p *mapi.Currency) { c.I64((*int64)(p)) })
	case mapi.TypeAppTime:
		scalar(c, v, func(c *Coder, p *mapi.AppTime) { c.f64((*float64)(p)) })
	case mapi.TypeTime:
		scalar(c, v, func(c *Coder, p *mapi.FileTime) { c.I64((*int64)(p)) })
	case mapi.TypeError:
		scalar(c, v, (*Coder).Code)
	case mapi.TypeBool:
		scalar(c, v, (*Coder).Bool)
	case mapi.TypeGUID:
		scalar(c, v, (*Coder).GUID)
	case mapi.TypeString8:
		scalar(c, v, (*Coder).SZ)
	case mapi.TypeString:
		scalar(c, v, (*Coder).WSZ)
	case mapi.TypeBinary:
		scalar(c, v, (*Coder).binary)
	case mapi.TypeServerID:
		scalar(c, v, func(c *Coder, p *mapi.ServerID) { c.binary((*[]byte)(p)) })
	case mapi.TypeRestriction:
		c.opaque(v, func() {
			var r mapi.Restriction
			c.Restriction(&r)
		})
	case mapi.TypeRuleAction:
		c.opaque(v, c.skipRuleActions)
	case mapi.TypeObject:
		if c.Dialect == AddressBook {
			*v = nil // PtypObject values carry no bytes there
			return
		}
		c.Fail("an object property cannot travel by value")
	default:
		c.Fail(fmt.Sprintf("no value codec for property type %v", t))
	}
}

func (c *Coder) multi(base mapi.Type, v *mapi.Value) {
	switch base {
	case mapi.TypeInt16:
		list(c, v, 2, (*Coder).i16)
	case mapi.TypeInt32:
		list(c, v, 4, (*Coder).I32)
	case mapi.TypeInt64:
		list(c, v, 8, (*Coder).I64)
	case mapi.TypeFloat32:
		list(c, v, 4, (*Coder).f32)
	case mapi.TypeFloat64:
		list(c, v, 8, (*Coder).f64)
	case mapi.TypeCurrency:
		list(c, v, 8, func(c *Coder, p *mapi.Currency) { c.I64((*int64)(p)) })
	case mapi.TypeAppTime:
		list(c, v, 8, func(c *Coder, p *mapi.AppTime) { c.f64((*float64)(p)) })
	case mapi.TypeTime:
		list(c, v, 8, func(c *Coder, p *mapi.FileTime) { c.I64((*int64)(p)) })
	case mapi.TypeGUID:
		list(c, v, 16, (*Coder).GUID)
	case mapi.TypeString8:
		list(c, v, 1, element((*Coder).SZ))
	case mapi.TypeString:
		list(c, v, 1, element((*Coder).WSZ))
	case mapi.TypeBinary:
		list(c, v, 1, element((*Coder).binary))
	default:
		c.Fail(fmt.Sprintf("no value codec for property type %v", base|mapi.MultiValue))
	}
}

// element puts the HasValue byte before each variable element of a list in the address book dialect.
func element[T any](f func(*Coder, *T)) func(*Coder, *T) {
	return func(c *Coder, p *T) {
		if c.Dialect == AddressBook {
			has := uint8(0xFF)
			c.U8(&has)
			if has == 0 {
				return
			}
		}
		f(c, p)
	}
}

func scalar[T any](c *Coder, v *mapi.Value, f func(*Coder, *T)) {
	if c.enc {
		x := (*v).(T)
		f(c, &x)
		return
	}
	var x T
	f(c, &x)
	*v = x
}

func list[T any](c *Coder, v *mapi.Value, min int, f func(*Coder, *T)) {
	var s []T
	if c.enc {
		s = (*v).([]T)
	}
	List32(c, &s, min, f)
	if !c.enc {
		if s == nil {
			s = []T{}
		}
		*v = s
	}
}

func (c *Coder) i16(p *int16) {
	u := uint16(*p)
	c.U16(&u)
	if !c.enc {
		*p = int16(u)
	}
}

func (c *Coder) f32(p *float32) {
	u := math.Float32bits(*p)
	c.U32(&u)
	if !c.enc {
		*p = math.Float32frombits(u)
	}
}

func (c *Coder) f64(p *float64) {
	u := math.Float64bits(*p)
	c.U64(&u)
	if !c.enc {
		*p = math.Float64frombits(u)
	}
}

// binary is a byte count and a copy of the bytes.
func (c *Coder) binary(p *[]byte) {
	var b []byte
	if c.enc {
		b = *p
	}
	if c.Dialect == ROP {
		c.Bytes16(&b)
	} else {
		c.Bytes32(&b)
	}
	if !c.enc {
		*p = append(make([]byte, 0, len(b)), b...)
	}
}

// opaque is a value kept as it stands, which skip walks to find its end.
func (c *Coder) opaque(v *mapi.Value, skip func()) {
	if c.enc {
		c.buf = append(c.buf, (*v).(mapi.Opaque)...)
		return
	}
	start := c.off
	skip()
	if c.err == nil {
		*v = mapi.Opaque(append([]byte{}, c.buf[start:c.off]...))
	}
}

// skipRuleActions passes over a RuleAction: a count of blocks, each with its length ([MS-OXORULE] 2.2.5).
func (c *Coder) skipRuleActions() {
	var blocks [][]byte
	if c.Dialect == ROP {
		List16(c, &blocks, 2, (*Coder).Bytes16)
	} else {
		List32(c, &blocks, 4, (*Coder).Bytes32)
	}
}
