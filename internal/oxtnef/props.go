package oxtnef

import (
	"bytes"
	"math"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// minProp is the size of the smallest property: its type and id, and two bytes with their padding.
const minProp = 8

// props reads a MsgPropertyList ([MS-OXTNEF] 2.1.3.4).
func (d *decoder) props() (list mapi.Props) {
	for range d.count(minProp) {
		k, v := d.prop()
		if d.err != nil {
			break
		}
		if v != nil {
			list.Set(k, v)
		}
	}
	return list
}

// count reads how many things follow, each of min bytes at least.
func (d *decoder) count(min int64) int {
	n := int64(d.u32())
	if n > d.left/min {
		d.fail("%d elements in %d bytes", n, d.left)
		return 0
	}
	return int(n)
}

// prop reads a MsgPropertyValue ([MS-OXTNEF] 2.1.3.4.1). v is nil for one that says nothing.
func (d *decoder) prop() (k mapi.Key, v mapi.Value) {
	t := mapi.Type(d.u16())
	id := d.u16()
	if id >= firstNamed {
		name := d.name()
		k = mapi.NamedKey(name, t)
	} else {
		k = mapi.TagKey(mapi.Tag(uint32(id)<<16 | uint32(t)))
	}
	if d.err != nil {
		return k, nil
	}
	if t.Multi() {
		v = d.multi(t.Base())
	} else {
		v = d.single(t)
	}
	if u := unicode(t); u != t {
		if k.Named() {
			k = mapi.NamedKey(k.Name, u)
		} else {
			k = mapi.TagKey(mapi.Tag(uint32(id)<<16 | uint32(u)))
		}
	}
	return k, v
}

// firstNamed is the first id of named properties.
const firstNamed = 0x8000

// unicode is the type that a string has after its conversion.
func unicode(t mapi.Type) mapi.Type {
	if t.Base() == mapi.TypeString8 {
		return mapi.TypeString | t&mapi.MultiValue
	}
	return t
}

// name reads a PropMapID or PropMapString ([MS-OXTNEF] 2.1.3.4.1).
func (d *decoder) name() (n mapi.PropName) {
	copy(n.Set[:], d.take(int64(len(n.Set))))
	if d.u32() == 0 {
		n.LID = d.u32()
		return n
	}
	n.Name = mapi.DecodeUTF16(trimZeros(d.sized(maxName), 2))
	return n
}

// maxName is how long the name of a property may be in bytes ([MS-OXCPRPT] 2.2.12.1), with much room.
const maxName = 1 << 10

// sized reads a length and that many bytes, which are padded to four.
func (d *decoder) sized(max int64) []byte {
	n := int64(d.u32())
	if n > max {
		d.fail("%d bytes where %d are the most", n, max)
		return nil
	}
	b := d.take(n)
	d.pad(n)
	return b
}

// pad skips the padding after n bytes.
func (d *decoder) pad(n int64) { d.skip(min(-n&3, d.left)) }

// trimZeros cuts the terminator off, in characters of size bytes.
func trimZeros(b []byte, size int) []byte {
	for i := 0; i+size <= len(b); i += size {
		if len(bytes.Trim(b[i:i+size], "\x00")) == 0 {
			return b[:i]
		}
	}
	return b[:len(b)/size*size]
}

// fixed are the types of a fixed size and how they are read.
var fixed = map[mapi.Type]func(*decoder) mapi.Value{
	mapi.TypeInt16:    func(d *decoder) mapi.Value { return int16(d.u32()) },
	mapi.TypeInt32:    func(d *decoder) mapi.Value { return int32(d.u32()) },
	mapi.TypeFloat32:  func(d *decoder) mapi.Value { return math.Float32frombits(d.u32()) },
	mapi.TypeFloat64:  func(d *decoder) mapi.Value { return math.Float64frombits(d.u64()) },
	mapi.TypeCurrency: func(d *decoder) mapi.Value { return mapi.Currency(d.u64()) },
	mapi.TypeAppTime:  func(d *decoder) mapi.Value { return mapi.AppTime(math.Float64frombits(d.u64())) },
	mapi.TypeError:    func(d *decoder) mapi.Value { return mapi.Code(d.u32()) },
	mapi.TypeBool:     func(d *decoder) mapi.Value { return d.u32()&0xFFFF != 0 },
	mapi.TypeInt64:    func(d *decoder) mapi.Value { return int64(d.u64()) },
	mapi.TypeTime:     func(d *decoder) mapi.Value { return mapi.FileTime(d.u64()) },
	mapi.TypeGUID: func(d *decoder) mapi.Value {
		var g mapi.GUID
		copy(g[:], d.take(int64(len(g))))
		return g
	},
}

// single reads the value of a property that has one.
func (d *decoder) single(t mapi.Type) mapi.Value {
	if f := fixed[t]; f != nil {
		return f(d)
	}
	switch t {
	case mapi.TypeNull, mapi.TypeUnspecified:
		d.skip(4)
		return nil
	case mapi.TypeString8, mapi.TypeString, mapi.TypeBinary, mapi.TypeObject:
		n := d.count(4)
		var v mapi.Value
		for i := range n {
			if e := d.variable(t); i == 0 {
				v = e
			}
		}
		return v
	}
	d.fail("a property of type %v", t)
	return nil
}

// variable reads a value with its length.
func (d *decoder) variable(t mapi.Type) mapi.Value {
	n := int64(d.u32())
	defer d.pad(n)
	switch t {
	case mapi.TypeString8:
		if n > maxText {
			d.skip(n)
			d.fail("text of %d bytes in an 8-bit code page", n)
			return nil
		}
		return d.text(d.take(n))
	case mapi.TypeString:
		return d.wide(n)
	}
	return d.bytes(t, n)
}

// text converts a string of the code page.
func (d *decoder) text(b []byte) string {
	s, err := codepage.Decode(d.page, trimZeros(b, 1))
	if err != nil {
		s, _ = codepage.Decode(codepage.Windows1252, trimZeros(b, 1))
	}
	return s
}

// wide reads a string of UTF-16 with its terminator.
func (d *decoder) wide(n int64) mapi.Value {
	const end = 2
	if n < mapi.LargeValue+end {
		return mapi.DecodeUTF16(trimZeros(d.take(n), 2))
	}
	b := d.blob(n - end)
	d.skip(end)
	return b
}

// bytes reads a binary value, or an object after the id of its interface.
func (d *decoder) bytes(t mapi.Type, n int64) mapi.Value {
	if t == mapi.TypeObject {
		const interfaceID = 16
		var g mapi.GUID
		copy(g[:], d.take(interfaceID))
		d.iid = g
		n -= interfaceID
	}
	b := d.blob(max(n, 0))
	if m, ok := b.(mapi.MemBlob); ok && (len(m) < mapi.LargeValue) {
		v, _ := mapi.BytesValue(t, m)
		return v
	}
	return b
}

// multi reads the values of a property that has several.
func (d *decoder) multi(t mapi.Type) mapi.Value {
	switch t {
	case mapi.TypeInt16:
		return list[int16](d, t)
	case mapi.TypeInt32:
		return list[int32](d, t)
	case mapi.TypeFloat32:
		return list[float32](d, t)
	case mapi.TypeFloat64:
		return list[float64](d, t)
	case mapi.TypeCurrency:
		return list[mapi.Currency](d, t)
	case mapi.TypeAppTime:
		return list[mapi.AppTime](d, t)
	case mapi.TypeInt64:
		return list[int64](d, t)
	case mapi.TypeTime:
		return list[mapi.FileTime](d, t)
	case mapi.TypeGUID:
		return list[mapi.GUID](d, t)
	case mapi.TypeString, mapi.TypeString8:
		return list[string](d, t)
	case mapi.TypeBinary:
		return list[[]byte](d, t)
	}
	d.fail("a property of several values of type %v", t)
	return nil
}

func list[T any](d *decoder, t mapi.Type) mapi.Value {
	out := []T{}
	for range d.count(4) {
		var v mapi.Value
		switch f := fixed[t]; {
		case f != nil:
			v = f(d)
		case t == mapi.TypeString8:
			v = d.text(d.sized(maxText))
		case t == mapi.TypeString:
			v = mapi.DecodeUTF16(trimZeros(d.sized(maxText), 2))
		default:
			v = d.sized(maxText)
		}
		if d.err != nil {
			return nil
		}
		out = append(out, v.(T))
	}
	return out
}

// iidMessage is the id of the interface of embedded messages ([MS-OXTNEF] 2.1.3.4.1).
var iidMessage = mapi.MustGUID("00020307-0000-0000-C000-000000000046")

// object gives an attachment what its object is: an embedded message, which is TNEF itself, or a storage.
func (d *decoder) object(a *mapi.Attachment) {
	k := mapi.TagKey(pid.TagAttachDataObject)
	v := a.Props.Get(k)
	if v == nil || d.iid != iidMessage || d.err != nil {
		return
	}
	b, ok := v.(mapi.Blob)
	if !ok {
		data, _ := mapi.ValueBytes(v)
		b = mapi.MemBlob(data)
	}
	if a.Embedded, d.err = d.o.open(b, d.depth+1); d.err == nil {
		a.Props.Delete(k)
		a.Props.Set(mapi.TagKey(pid.TagAttachMethod), attachEmbedded)
	}
}
