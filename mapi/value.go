package mapi

import (
	"fmt"
	"io"
	"math"
	"time"
)

// Value is a property value. Its dynamic type follows from the property type:
//
//	Null, Unspecified   nil            Currency     Currency     String8      String8
//	Integer16           int16          FloatingTime AppTime      String       string (UTF-8)
//	Integer32           int32          ErrorCode    Code         Guid         GUID
//	Integer64           int64          Boolean      bool         ServerId     ServerID
//	Floating32          float32        Time         FileTime     Object       Object
//	Floating64          float64        Binary       []byte       Restriction, RuleAction: Opaque
//
// Multiple types are slices of these ([]int32, []string, [][]byte, ...). Large strings, binaries and objects may come
// as a [Blob] instead. Values are not to be modified by those who receive them.
type Value = any

type (
	// String8 is a string in an 8-bit code page, byte for byte. The code page is the item's (PidTagMessageCodepage,
	// PidTagInternetCodepage) or the store's.
	String8 string
	// Currency counts 1/10000 of a unit.
	Currency int64
	// AppTime counts days since 1899-12-30, as OLE automation does.
	AppTime float64
	// ServerID is the content of a PtypServerId value ([MS-OXCDATA] 2.11.1.4).
	ServerID []byte
	// Object is the content of a PtypObject value that is not an embedded message: an OLE storage, for example.
	Object []byte
	// Opaque is a PtypRestriction or PtypRuleAction value as it stood on the wire.
	Opaque []byte
)

// Blob is a large value that is not held in memory. Size is its length in bytes: of the UTF-16LE form for a String, of
// the raw bytes for other types, both without terminator. Open may be called several times.
type Blob interface {
	Size() int64
	Open() (io.ReadCloser, error)
}

// FileTime counts 100 nanoseconds since 1601-01-01 UTC ([MS-DTYP] 2.3.3). It keeps values that no calendar has.
type FileTime int64

// fileTimeEpoch is 1601-01-01 in Unix seconds.
const fileTimeEpoch = -11644473600

// NewFileTime converts t, cutting it to 100 nanoseconds.
func NewFileTime(t time.Time) FileTime {
	return FileTime((t.Unix()-fileTimeEpoch)*1e7 + int64(t.Nanosecond()/100))
}

// Time is the moment in UTC.
func (f FileTime) Time() time.Time {
	s, n := int64(f)/1e7, int64(f)%1e7
	return time.Unix(s+fileTimeEpoch, n*100).UTC()
}

func (f FileTime) String() string { return f.Time().Format("2006-01-02T15:04:05.9999999Z") }

// Time is the moment as local wall-clock time in loc; OLE dates carry no zone.
func (a AppTime) Time(loc *time.Location) time.Time {
	days, frac := math.Modf(float64(a))
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, loc).AddDate(0, 0, int(days))
	return base.Add(time.Duration(math.Round(math.Abs(frac)*86400e3)) * time.Millisecond)
}

// Prop is a property: its key and value.
type Prop struct {
	Key   Key
	Value Value
}

// Props is a list of properties, in order.
type Props []Prop

// Get is the value of key, which must match in type too, or nil.
func (p Props) Get(key Key) Value {
	for i := range p {
		if p[i].Key == key {
			return p[i].Value
		}
	}
	return nil
}

// Tag is the value of an unnamed property, or nil.
func (p Props) Tag(t Tag) Value { return p.Get(TagKey(t)) }

// Text is the string of an unnamed property, whatever string type it has; 8-bit strings are returned as ASCII with
// replacement characters where they are not. Use package codepage functions where the code page matters.
func (p Props) Text(t Tag) string {
	for i := range p {
		k := p[i].Key
		if k.Named() || k.Tag.ID() != t.ID() {
			continue
		}
		switch v := p[i].Value.(type) {
		case string:
			return v
		case String8:
			return asciiText(string(v))
		}
	}
	return ""
}

// Set replaces the value of key or appends it.
func (p *Props) Set(key Key, v Value) {
	for i := range *p {
		if (*p)[i].Key == key {
			(*p)[i].Value = v
			return
		}
	}
	*p = append(*p, Prop{key, v})
}

// Delete removes key.
func (p *Props) Delete(key Key) {
	for i := range *p {
		if (*p)[i].Key == key {
			*p = append((*p)[:i:i], (*p)[i+1:]...)
			return
		}
	}
}

func asciiText(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			r := make([]rune, 0, len(s))
			for _, b := range []byte(s) {
				if b >= 0x80 {
					r = append(r, '\uFFFD')
				} else {
					r = append(r, rune(b))
				}
			}
			return string(r)
		}
	}
	return s
}

// CheckValue tells whether v has the dynamic type that t demands.
func CheckValue(t Type, v Value) error {
	if _, ok := v.(Blob); ok {
		switch t {
		case TypeString, TypeString8, TypeBinary, TypeObject:
			return nil
		}
	}
	ok := false
	switch t &^ MultiInstance {
	case TypeNull, TypeUnspecified:
		ok = v == nil
	case TypeInt16:
		_, ok = v.(int16)
	case TypeInt32:
		_, ok = v.(int32)
	case TypeInt64:
		_, ok = v.(int64)
	case TypeFloat32:
		_, ok = v.(float32)
	case TypeFloat64:
		_, ok = v.(float64)
	case TypeCurrency:
		_, ok = v.(Currency)
	case TypeAppTime:
		_, ok = v.(AppTime)
	case TypeError:
		_, ok = v.(Code)
	case TypeBool:
		_, ok = v.(bool)
	case TypeTime:
		_, ok = v.(FileTime)
	case TypeGUID:
		_, ok = v.(GUID)
	case TypeString:
		_, ok = v.(string)
	case TypeString8:
		_, ok = v.(String8)
	case TypeBinary:
		_, ok = v.([]byte)
	case TypeServerID:
		_, ok = v.(ServerID)
	case TypeObject:
		_, ok = v.(Object)
	case TypeRestriction, TypeRuleAction:
		_, ok = v.(Opaque)
	case TypeInt16 | MultiValue:
		_, ok = v.([]int16)
	case TypeInt32 | MultiValue:
		_, ok = v.([]int32)
	case TypeInt64 | MultiValue:
		_, ok = v.([]int64)
	case TypeFloat32 | MultiValue:
		_, ok = v.([]float32)
	case TypeFloat64 | MultiValue:
		_, ok = v.([]float64)
	case TypeCurrency | MultiValue:
		_, ok = v.([]Currency)
	case TypeAppTime | MultiValue:
		_, ok = v.([]AppTime)
	case TypeTime | MultiValue:
		_, ok = v.([]FileTime)
	case TypeGUID | MultiValue:
		_, ok = v.([]GUID)
	case TypeString | MultiValue:
		_, ok = v.([]string)
	case TypeString8 | MultiValue:
		_, ok = v.([]String8)
	case TypeBinary | MultiValue:
		_, ok = v.([][]byte)
	}
	if !ok {
		return fmt.Errorf("mapi: a %T cannot be the value of a %v property", v, t)
	}
	return nil
}
