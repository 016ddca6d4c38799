package msgfile

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
)

// fixedType is how values of fixed length are encoded, alone and in lists.
type fixedType struct {
	size   int
	decode func(b []byte) mapi.Value // b has at least size bytes
	list   func(b []byte) mapi.Value // any number of values
}

func fixed[T any](size int) fixedType {
	return fixedType{
		size: size,
		decode: func(b []byte) mapi.Value {
			var v T
			decodeFixed(b, &v)
			return v
		},
		list: func(b []byte) mapi.Value {
			v := make([]T, len(b)/size)
			decodeFixed(b, v)
			return v
		},
	}
}

// fixedTypes are the types of fixed length; GUIDs are values of fixed length only in lists ([MS-OXMSG] 2.1.4.1, 2.1.4.3).
var fixedTypes = map[mapi.Type]fixedType{
	mapi.TypeInt16:    fixed[int16](2),
	mapi.TypeInt32:    fixed[int32](4),
	mapi.TypeInt64:    fixed[int64](8),
	mapi.TypeFloat32:  fixed[float32](4),
	mapi.TypeFloat64:  fixed[float64](8),
	mapi.TypeCurrency: fixed[mapi.Currency](8),
	mapi.TypeAppTime:  fixed[mapi.AppTime](8),
	mapi.TypeTime:     fixed[mapi.FileTime](8),
	mapi.TypeBool:     fixed[bool](1),
	mapi.TypeError:    fixed[mapi.Code](4),
	mapi.TypeGUID:     fixed[mapi.GUID](16),
}

// appendFixed encodes a value of fixed length or a list of them.
func appendFixed(b []byte, v mapi.Value) []byte {
	b, _ = binary.Append(b, order, v) // fails for other types only
	return b
}

// decodeFixed is the reverse; b must be long enough for what v points to.
func decodeFixed(b []byte, v any) { binary.Decode(b, order, v) }

// carried tells whether a .msg file has a place for values of a type.
func carried(t mapi.Type) bool {
	switch t {
	case mapi.TypeInt16, mapi.TypeInt32, mapi.TypeInt64, mapi.TypeFloat32, mapi.TypeFloat64, mapi.TypeCurrency,
		mapi.TypeAppTime, mapi.TypeTime, mapi.TypeBool, mapi.TypeGUID, mapi.TypeString8, mapi.TypeString,
		mapi.TypeBinary, mapi.TypeObject:
		return true
	}
	switch t &^ mapi.MultiValue {
	case mapi.TypeBool, mapi.TypeObject:
		return false
	}
	return t&mapi.MultiValue != 0 && carried(t&^mapi.MultiValue)
}

// inline tells whether a value stands in the property stream itself.
func inline(t mapi.Type) bool {
	f, ok := fixedTypes[t]
	return ok && f.size <= 8
}

// terminator is how many bytes of zero the sizes of strings count, and some writers store.
func terminator(t mapi.Type) int {
	switch t.Base() {
	case mapi.TypeString:
		return 2
	case mapi.TypeString8:
		return 1
	}
	return 0
}

// terminated tells whether a stored string ends in a terminator. One is never part of the value: Outlook stores some
// strings with it and most without, and says the same of their sizes. A string that ends in zero itself is stored with one more.
func terminated(t mapi.Type, b []byte) bool {
	n := terminator(t)
	return n > 0 && len(b) >= n && len(b)%n == 0 && bytes.Count(b[len(b)-n:], []byte{0}) == n
}

// withoutTerminator is a string as it is without the way in which it is stored.
func withoutTerminator(t mapi.Type, b []byte) []byte {
	if terminated(t, b) {
		return b[:len(b)-terminator(t)]
	}
	return b
}

// endsInTerminator is terminated for a string of which only the end is read.
func endsInTerminator(t mapi.Type, r io.ReaderAt, size int64) (bool, error) {
	n := int64(terminator(t))
	if n == 0 || size < n || size%n != 0 {
		return false, nil
	}
	end := make([]byte, n)
	if m, err := r.ReadAt(end, size-n); m < len(end) {
		return false, err
	}
	return terminated(t, end), nil
}

// exact tells whether a string survives its encoding as UTF-16.
func exact(s string) bool {
	return utf8.ValidString(s) || mapi.DecodeUTF16(mapi.EncodeUTF16(s)) == s
}

// elements are the values of a list of variable length, as bytes.
func elements(v mapi.Value) [][]byte {
	var out [][]byte
	switch v := v.(type) {
	case []string:
		for _, s := range v {
			out = append(out, mapi.EncodeUTF16(s))
		}
	case []mapi.String8:
		for _, s := range v {
			out = append(out, []byte(s))
		}
	case [][]byte:
		out = v
	}
	return out
}

// list is the reverse of elements.
func list(t mapi.Type, elements [][]byte) mapi.Value {
	switch t.Base() {
	case mapi.TypeString:
		out := make([]string, len(elements))
		for i, b := range elements {
			out[i] = mapi.DecodeUTF16(b)
		}
		return out
	case mapi.TypeString8:
		out := make([]mapi.String8, len(elements))
		for i, b := range elements {
			out[i] = mapi.String8(b)
		}
		return out
	}
	return elements
}
