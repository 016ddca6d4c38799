package oxcfxics

import (
	"encoding/binary"
	"math"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// form is how values of a property type stand in a stream ([MS-OXCFXICS] 2.2.4.1.3). Lists are a 32-bit count and the
// values one after the other.
type form struct {
	fixed bool // width bytes; else a 32-bit length and that many bytes
	width int
	term  int // bytes of the terminator that the length counts

	get func(b []byte) mapi.Value             // b without terminator; it isn't kept
	put func(dst []byte, v mapi.Value) []byte // appends v, with terminator
	// getList calls next for each of n values, putList calls each.
	getList func(n int, next func() ([]byte, error)) (mapi.Value, error)
	putList func(v mapi.Value, count func(int) error, each func(func(dst []byte) []byte) error) error
}

// prealloc bounds what is reserved for a list before its values have come.
const prealloc = 64

func newForm[T any](f form, get func([]byte) T, put func([]byte, T) []byte) *form {
	f.get = func(b []byte) mapi.Value { return get(b) }
	f.put = func(dst []byte, v mapi.Value) []byte { return put(dst, v.(T)) }
	f.getList = func(n int, next func() ([]byte, error)) (mapi.Value, error) {
		list := make([]T, 0, min(n, prealloc))
		for range n {
			b, err := next()
			if err != nil {
				return nil, err
			}
			list = append(list, get(b))
		}
		return list, nil
	}
	f.putList = func(v mapi.Value, count func(int) error, each func(func([]byte) []byte) error) error {
		list := v.([]T)
		if err := count(len(list)); err != nil {
			return err
		}
		for _, x := range list {
			if err := each(func(dst []byte) []byte { return put(dst, x) }); err != nil {
				return err
			}
		}
		return nil
	}
	return &f
}

// number is a little-endian integer.
func number[T ~int16 | ~int32 | ~int64 | ~uint32](width int) *form {
	return mapped(width, func(u uint64) T { return T(u) }, func(v T) uint64 { return uint64(v) })
}

// mapped is a value that a little-endian number of some bytes stands for.
func mapped[T any](width int, from func(uint64) T, to func(T) uint64) *form {
	return newForm(form{fixed: true, width: width},
		func(b []byte) T {
			var u uint64
			for i := len(b) - 1; i >= 0; i-- {
				u = u<<8 | uint64(b[i])
			}
			return from(u)
		},
		func(dst []byte, v T) []byte {
			u := to(v)
			for range width {
				dst = append(dst, byte(u))
				u >>= 8
			}
			return dst
		})
}

// raw is a counted value of bytes.
func raw[T ~[]byte]() *form {
	return newForm(form{},
		func(b []byte) T { return append(make(T, 0, len(b)), b...) },
		func(dst []byte, v T) []byte { return append(dst, v...) })
}

var (
	stringForm = newForm(form{term: 2}, mapi.DecodeUTF16,
		func(dst []byte, s string) []byte { return append(mapi.AppendUTF16(dst, s), 0, 0) })
	string8Form = newForm(form{term: 1},
		func(b []byte) mapi.String8 { return mapi.String8(b) },
		func(dst []byte, s mapi.String8) []byte { return append(append(dst, s...), 0) })
	binaryForm = raw[[]byte]()
)

// forms by property type.
var forms = [mapi.TypeBinary + 1]*form{
	mapi.TypeNull: {fixed: true, get: func([]byte) mapi.Value { return nil },
		put: func(dst []byte, _ mapi.Value) []byte { return dst }},
	mapi.TypeInt16:    number[int16](2),
	mapi.TypeInt32:    number[int32](4),
	mapi.TypeInt64:    number[int64](8),
	mapi.TypeCurrency: number[mapi.Currency](8),
	mapi.TypeTime:     number[mapi.FileTime](8),
	mapi.TypeError:    number[mapi.Code](4),
	mapi.TypeFloat32: mapped(4, func(u uint64) float32 { return math.Float32frombits(uint32(u)) },
		func(f float32) uint64 { return uint64(math.Float32bits(f)) }),
	mapi.TypeFloat64: mapped(8, math.Float64frombits, math.Float64bits),
	mapi.TypeAppTime: mapped(8, func(u uint64) mapi.AppTime { return mapi.AppTime(math.Float64frombits(u)) },
		func(f mapi.AppTime) uint64 { return math.Float64bits(float64(f)) }),
	mapi.TypeBool: mapped(2, func(u uint64) bool { return u != 0 }, func(b bool) uint64 { // unlike in ROPs
		if b {
			return 1
		}
		return 0
	}),
	mapi.TypeGUID: newForm(form{fixed: true, width: 16},
		func(b []byte) mapi.GUID { return mapi.GUID(b) },
		func(dst []byte, g mapi.GUID) []byte { return append(dst, g[:]...) }),
	mapi.TypeString:   stringForm,
	mapi.TypeString8:  string8Form,
	mapi.TypeBinary:   binaryForm,
	mapi.TypeObject:   raw[mapi.Object](),
	mapi.TypeServerID: raw[mapi.ServerID](),
}

const (
	codePageFlag  = 0x8000 // in a property type: the rest is a code page ([MS-OXCFXICS] 2.2.4.1.1.1)
	codePageUTF16 = 1200
)

// codePage is the code page of a code page property type.
func codePage(t mapi.Type) (cp uint16, ok bool) {
	return uint16(t &^ codePageFlag), t&codePageFlag != 0
}

// valueType is the property type that the values of a tag really have.
func valueType(t mapi.Tag) mapi.Type {
	if cp, ok := codePage(t.Type()); ok {
		if cp == codePageUTF16 {
			return mapi.TypeString
		}
		return mapi.TypeString8
	}
	if t == pid.MetaTagIdsetGiven {
		return mapi.TypeBinary // whatever its tag says ([MS-OXCFXICS] 2.2.1.1.1)
	}
	return t.Type()
}

// formOf is the form of the values of type t, or of the elements of the lists; nil when no stream carries them.
func formOf(t mapi.Type) *form {
	base := t &^ mapi.MultiValue
	if int(base) >= len(forms) {
		return nil
	}
	f := forms[base]
	if f == nil || t.Multi() && !listable(base) {
		return nil
	}
	return f
}

// listable types have a Multiple form ([MS-OXCDATA] 2.11.1).
func listable(base mapi.Type) bool {
	switch base {
	case mapi.TypeNull, mapi.TypeBool, mapi.TypeError, mapi.TypeObject, mapi.TypeServerID:
		return false
	}
	return true
}

// streamable types may be passed as streams when they are large.
func streamable(t mapi.Type) bool {
	switch t {
	case mapi.TypeString, mapi.TypeString8, mapi.TypeBinary, mapi.TypeObject:
		return true
	}
	return false
}

var le = binary.LittleEndian
