package localstore

import (
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// An item is stored as its canonical stream: a sequence of records, cut into segments at record boundaries. Segment 0 holds
// the item's own properties and nothing else; recipients, attachments and what is embedded follow in later ones. A folder's
// properties are one such sequence without streams.
//
//	record     = opProp key value
//	           | opBlob key id(uint) size(uint) head(bytes)      value in chunk rows; head is its beginning
//	           | opRecipient | opAttachment | opEmbedded | opEnd
//	key        = tag(u32) [ name ]                               id 0x8000..0xFFFE: index into table names; id 0: name follows
//	name       = set(16 bytes) lid(uint) string(bytes)
//	bytes      = count(uint) that many bytes; strings are UTF-8 (WTF-8 as in package mapi)
//
// Records are read only together with the names table of their store.
const (
	opProp       = 1
	opBlob       = 2
	opRecipient  = 3
	opAttachment = 4
	opEmbedded   = 5
	opEnd        = 6
)

// record is one of them.
type record struct {
	op   uint8
	tag  mapi.Tag      // as stored: id of the names table for named properties
	name mapi.PropName // only of properties named in place
	val  mapi.Value    // opProp: the value; opBlob: a blobRef
}

// blobRef is a value in chunk rows. Values of types that have no stream are there in their encoded form.
type blobRef struct {
	ID   uint64
	Size int64 // of what lies in the chunks
	Head []byte
}

// headSize is how much of a large value is kept beside the reference, for tables: 255 UTF-16 characters.
const headSize = 510

func (r *record) code(c *coder) {
	c.u8(&r.op)
	switch r.op {
	case opProp:
		r.key(c)
		value(c, r.tag.Type(), &r.val)
	case opBlob:
		r.key(c)
		ref, _ := r.val.(blobRef)
		size := uint64(ref.Size)
		c.uint(&ref.ID)
		c.uint(&size)
		raw(c, &ref.Head)
		if ref.Size = int64(size); ref.Size < 0 {
			c.fail("size out of range")
		}
		r.val = ref
	case opRecipient, opAttachment, opEmbedded, opEnd:
	default:
		c.fail(fmt.Sprintf("unknown record %d", r.op))
	}
}

func (r *record) key(c *coder) {
	c.u32((*uint32)(&r.tag))
	if r.tag.ID() != 0 {
		return
	}
	lid := uint64(r.name.LID)
	c.guid(&r.name.Set)
	c.uint(&lid)
	raw(c, &r.name.Name)
	if r.name.LID = uint32(lid); uint64(r.name.LID) != lid {
		c.fail("name out of range")
	}
}

// value walks a value of type t.
func value(c *coder, t mapi.Type, v *mapi.Value) {
	if c.err != nil {
		return
	}
	if c.enc {
		if err := mapi.CheckValue(t, *v); err != nil {
			c.err = err
			return
		}
	}
	switch t {
	case mapi.TypeNull, mapi.TypeUnspecified:
		*v = nil
	case mapi.TypeInt16:
		one(c, v, integer[int16])
	case mapi.TypeInt32:
		one(c, v, integer[int32])
	case mapi.TypeInt64:
		one(c, v, integer[int64])
	case mapi.TypeFloat32:
		one(c, v, f32)
	case mapi.TypeFloat64:
		one(c, v, f64[float64])
	case mapi.TypeCurrency:
		one(c, v, integer[mapi.Currency])
	case mapi.TypeAppTime:
		one(c, v, f64[mapi.AppTime])
	case mapi.TypeError:
		one(c, v, code)
	case mapi.TypeBool:
		one(c, v, boolean)
	case mapi.TypeTime:
		one(c, v, fileTime)
	case mapi.TypeGUID:
		one(c, v, guid)
	case mapi.TypeString8:
		one(c, v, raw[mapi.String8])
	case mapi.TypeString:
		one(c, v, raw[string])
	case mapi.TypeBinary:
		one(c, v, raw[[]byte])
	case mapi.TypeServerID:
		one(c, v, raw[mapi.ServerID])
	case mapi.TypeObject:
		one(c, v, raw[mapi.Object])
	case mapi.TypeRestriction, mapi.TypeRuleAction:
		one(c, v, raw[mapi.Opaque])
	case mapi.TypeInt16 | mapi.MultiValue:
		many(c, v, 1, integer[int16])
	case mapi.TypeInt32 | mapi.MultiValue:
		many(c, v, 1, integer[int32])
	case mapi.TypeInt64 | mapi.MultiValue:
		many(c, v, 1, integer[int64])
	case mapi.TypeFloat32 | mapi.MultiValue:
		many(c, v, 4, f32)
	case mapi.TypeFloat64 | mapi.MultiValue:
		many(c, v, 8, f64[float64])
	case mapi.TypeCurrency | mapi.MultiValue:
		many(c, v, 1, integer[mapi.Currency])
	case mapi.TypeAppTime | mapi.MultiValue:
		many(c, v, 8, f64[mapi.AppTime])
	case mapi.TypeTime | mapi.MultiValue:
		many(c, v, 8, fileTime)
	case mapi.TypeGUID | mapi.MultiValue:
		many(c, v, 16, guid)
	case mapi.TypeString8 | mapi.MultiValue:
		many(c, v, 1, raw[mapi.String8])
	case mapi.TypeString | mapi.MultiValue:
		many(c, v, 1, raw[string])
	case mapi.TypeBinary | mapi.MultiValue:
		many(c, v, 1, raw[[]byte])
	default:
		c.fail(fmt.Sprintf("no property has type %v", t))
	}
}

func one[T any](c *coder, v *mapi.Value, f func(*coder, *T)) {
	var x T
	if c.enc {
		x = (*v).(T)
	}
	f(c, &x)
	*v = x
}

func many[T any](c *coder, v *mapi.Value, min int, f func(*coder, *T)) {
	var s []T
	if c.enc {
		s = (*v).([]T)
	}
	n := c.count(len(s), min)
	if !c.enc {
		s = make([]T, 0, n)
	}
	for i := 0; i < n && c.err == nil; i++ {
		if c.enc {
			f(c, &s[i])
			continue
		}
		var x T
		f(c, &x)
		s = append(s, x)
	}
	*v = s
}

// valueSize is about what a value takes in memory and in a record, for PidTagMessageSize and for limits.
func valueSize(v mapi.Value) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case mapi.String8:
		return int64(len(v))
	case []byte:
		return int64(len(v))
	case mapi.Object:
		return int64(len(v))
	case mapi.Opaque:
		return int64(len(v))
	case mapi.ServerID:
		return int64(len(v))
	case []string:
		return sizes(v)
	case []mapi.String8:
		return sizes(v)
	case [][]byte:
		return sizes(v)
	case []int16:
		return int64(len(v)) * 2
	case []int32:
		return int64(len(v)) * 4
	case []float32:
		return int64(len(v)) * 4
	case []int64:
		return int64(len(v)) * 8
	case []float64:
		return int64(len(v)) * 8
	case []mapi.Currency:
		return int64(len(v)) * 8
	case []mapi.AppTime:
		return int64(len(v)) * 8
	case []mapi.FileTime:
		return int64(len(v)) * 8
	case []mapi.GUID:
		return int64(len(v)) * 16
	case blobRef:
		return v.Size
	case mapi.Blob:
		return v.Size()
	}
	return 8
}

func sizes[T ~string | ~[]byte](s []T) (n int64) {
	for _, x := range s {
		n += int64(len(x)) + 4
	}
	return n
}

// encode appends records.
func encode(buf []byte, recs ...record) ([]byte, error) {
	c := coder{buf: buf, enc: true}
	for i := range recs {
		recs[i].code(&c)
	}
	return c.buf, c.err
}

// decode reads records one after the other until f fails.
func decode(b []byte, f func(record) error) error {
	c := coder{buf: b}
	for c.left() > 0 {
		var r record
		r.code(&c)
		if c.err != nil {
			return c.err
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// find decodes the property with a tag, by name too when the tag has id 0. ok is false when it isn't there.
func find(b []byte, tag mapi.Tag, name mapi.PropName) (r record, ok bool, err error) {
	c := coder{buf: b}
	for c.left() > 0 {
		begin := c.off
		r = record{}
		c.skip = true
		r.code(&c)
		if r.tag == tag && c.err == nil {
			c.off, c.skip = begin, false
			r.code(&c)
			if r.name == name {
				return r, true, c.err
			}
		}
		if c.err != nil {
			return record{}, false, c.err
		}
	}
	return record{}, false, nil
}

var errStop = errors.New("stop")
