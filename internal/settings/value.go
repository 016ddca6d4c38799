package settings

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// Type is the type of a registry value.
type Type uint32

// Types of registry values. Others exist and are kept as they are.
const (
	TypeNone           Type = 0
	TypeString         Type = 1 // REG_SZ: UTF-16LE with a terminator
	TypeExpandString   Type = 2 // REG_EXPAND_SZ: the same, with %VARIABLES%
	TypeBinary         Type = 3
	TypeDWord          Type = 4
	TypeDWordBigEndian Type = 5
	TypeLink           Type = 6
	TypeMultiString    Type = 7 // REG_MULTI_SZ: each string with a terminator, and one more
	TypeQWord          Type = 11
)

var typeNames = map[Type]string{TypeNone: "REG_NONE", TypeString: "REG_SZ", TypeExpandString: "REG_EXPAND_SZ",
	TypeBinary: "REG_BINARY", TypeDWord: "REG_DWORD", TypeDWordBigEndian: "REG_DWORD_BIG_ENDIAN", TypeLink: "REG_LINK",
	TypeMultiString: "REG_MULTI_SZ", 8: "REG_RESOURCE_LIST", 9: "REG_FULL_RESOURCE_DESCRIPTOR",
	10: "REG_RESOURCE_REQUIREMENTS_LIST", TypeQWord: "REG_QWORD"}

// String is the name in Windows' headers.
func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("0x%x", uint32(t))
}

// Value is a registry value: its type and its bytes, as the registry keeps them.
type Value struct {
	Type Type
	Data []byte
}

// Equal tells whether two values are the same to the byte.
func (v Value) Equal(o Value) bool { return v.Type == o.Type && bytes.Equal(v.Data, o.Data) }

// TextValue is a REG_SZ value.
func TextValue(s string) Value { return Value{TypeString, terminated(s)} }

// ExpandValue is a REG_EXPAND_SZ value.
func ExpandValue(s string) Value { return Value{TypeExpandString, terminated(s)} }

// NumberValue is a REG_DWORD value.
func NumberValue(n uint32) Value { return Value{TypeDWord, binary.LittleEndian.AppendUint32(nil, n)} }

// LargeNumberValue is a REG_QWORD value.
func LargeNumberValue(n uint64) Value {
	return Value{TypeQWord, binary.LittleEndian.AppendUint64(nil, n)}
}

// StringsValue is a REG_MULTI_SZ value.
func StringsValue(list []string) Value {
	var b []byte
	for _, s := range list {
		b = append(b, terminated(s)...)
	}
	return Value{TypeMultiString, append(b, 0, 0)}
}

func terminated(s string) []byte { return append(mapi.EncodeUTF16(s), 0, 0) }

// Text is the string of a REG_SZ or REG_EXPAND_SZ value, up to its terminator.
func (v Value) Text() (string, bool) {
	if v.Type != TypeString && v.Type != TypeExpandString {
		return "", false
	}
	s, _, _ := strings.Cut(mapi.DecodeUTF16(v.Data), "\x00")
	return s, true
}

// Strings are those of a REG_MULTI_SZ value.
func (v Value) Strings() ([]string, bool) {
	if v.Type != TypeMultiString {
		return nil, false
	}
	list := strings.Split(mapi.DecodeUTF16(v.Data), "\x00")
	for i, s := range list {
		if s == "" { // the end of the list
			return list[:i], true
		}
	}
	return list, true
}

// Number is that of a REG_DWORD, REG_DWORD_BIG_ENDIAN or REG_QWORD value.
func (v Value) Number() (uint64, bool) {
	switch {
	case v.Type == TypeDWord && len(v.Data) == 4:
		return uint64(binary.LittleEndian.Uint32(v.Data)), true
	case v.Type == TypeDWordBigEndian && len(v.Data) == 4:
		return uint64(binary.BigEndian.Uint32(v.Data)), true
	case v.Type == TypeQWord && len(v.Data) == 8:
		return binary.LittleEndian.Uint64(v.Data), true
	}
	return 0, false
}

// plainText is the string of a REG_SZ value that is nothing but text and its terminator.
func (v Value) plainText() (string, bool) {
	s, ok := v.Text()
	return s, ok && v.Type == TypeString && bytes.Equal(v.Data, terminated(s))
}

// String is the value for people.
func (v Value) String() string {
	if s, ok := v.Text(); ok {
		return s
	}
	if n, ok := v.Number(); ok {
		return fmt.Sprintf("%d (0x%x)", n, n)
	}
	if l, ok := v.Strings(); ok {
		return strings.Join(l, "; ")
	}
	return fmt.Sprintf("% x", v.Data)
}
