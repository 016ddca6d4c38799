package mapi

import (
	"fmt"
	"strings"
)

// Type is a property type ([MS-OXCDATA] 2.11.1).
type Type uint16

// Property types. The Go type that carries a value of each is given at [Value].
const (
	TypeUnspecified Type = 0x0000 // only as a wanted type in a request
	TypeNull        Type = 0x0001
	TypeInt16       Type = 0x0002
	TypeInt32       Type = 0x0003
	TypeFloat32     Type = 0x0004
	TypeFloat64     Type = 0x0005
	TypeCurrency    Type = 0x0006
	TypeAppTime     Type = 0x0007 // PtypFloatingTime
	TypeError       Type = 0x000A
	TypeBool        Type = 0x000B
	TypeObject      Type = 0x000D // also PtypEmbeddedTable
	TypeInt64       Type = 0x0014
	TypeString8     Type = 0x001E
	TypeString      Type = 0x001F
	TypeTime        Type = 0x0040
	TypeGUID        Type = 0x0048
	TypeServerID    Type = 0x00FB
	TypeRestriction Type = 0x00FD
	TypeRuleAction  Type = 0x00FE
	TypeBinary      Type = 0x0102

	// MultiValue marks a list of the base type; MultiInstance asks a table for one row per value.
	MultiValue    Type = 0x1000
	MultiInstance Type = 0x2000
)

var typeNames = map[Type]string{
	TypeUnspecified: "Unspecified", TypeNull: "Null", TypeInt16: "Integer16", TypeInt32: "Integer32",
	TypeFloat32: "Floating32", TypeFloat64: "Floating64", TypeCurrency: "Currency", TypeAppTime: "FloatingTime",
	TypeError: "ErrorCode", TypeBool: "Boolean", TypeObject: "Object", TypeInt64: "Integer64", TypeString8: "String8",
	TypeString: "String", TypeTime: "Time", TypeGUID: "Guid", TypeServerID: "ServerId",
	TypeRestriction: "Restriction", TypeRuleAction: "RuleAction", TypeBinary: "Binary",
}

// Base is the type of one value: the type without MultiValue and MultiInstance.
func (t Type) Base() Type { return t &^ (MultiValue | MultiInstance) }

// Multi reports whether values of the type are lists.
func (t Type) Multi() bool { return t&MultiValue != 0 && t&MultiInstance == 0 }

// String is the specification's name of the type without "Ptyp".
func (t Type) String() string {
	name, ok := typeNames[t.Base()]
	if !ok {
		return fmt.Sprintf("0x%04X", uint16(t))
	}
	if t&MultiValue != 0 {
		name = "Multiple" + name
	}
	if t&MultiInstance != 0 {
		name += "Instance"
	}
	return name
}

// Tag is a property tag: property id in the high, property type in the low 16 bits ([MS-OXCDATA] 2.9).
type Tag uint32

// NewTag builds a tag from its two halves.
func NewTag(id uint16, t Type) Tag { return Tag(id)<<16 | Tag(t) }

// ID is the property id.
func (t Tag) ID() uint16 { return uint16(t >> 16) }

// Type is the property type.
func (t Tag) Type() Type { return Type(t) }

// WithType is the tag of the same property with another type.
func (t Tag) WithType(ty Type) Tag { return t&^0xFFFF | Tag(ty) }

// Named reports whether the id belongs to the range that a store maps to names; such an id means nothing elsewhere.
func (t Tag) Named() bool { return t>>16 >= 0x8000 && t>>16 != 0xFFFF }

func (t Tag) String() string { return fmt.Sprintf("0x%08X", uint32(t)) }

// PropName is the name of a named property ([MS-OXCDATA] 2.6.1): a property set and either a number (LID) or a string.
// A zero Set means that there is no name.
type PropName struct {
	Set  GUID
	LID  uint32
	Name string // when not empty the property is named by string and LID is 0
}

// IsZero reports whether n names nothing.
func (n PropName) IsZero() bool { return n.Set == GUID{} && n.Name == "" && n.LID == 0 }

// String is SET/0xLID or SET/name with the set's well-known name where it has one.
func (n PropName) String() string {
	set := n.Set.String()
	if s, ok := setNames[n.Set]; ok {
		set = s
	}
	if n.Name != "" {
		return set + "/" + n.Name
	}
	return fmt.Sprintf("%s/0x%04X", set, n.LID)
}

// Key identifies a property in every store: by tag, or for named properties by name and type. A named key has property
// id 0 in its Tag, because ids from 0x8000 on differ from store to store. Keys are comparable.
type Key struct {
	Tag  Tag
	Name PropName
}

// TagKey is the key of a property without a name.
func TagKey(t Tag) Key { return Key{Tag: t} }

// NamedKey is the key of a named property.
func NamedKey(n PropName, t Type) Key { return Key{Tag: Tag(t), Name: n} }

// Type is the property type.
func (k Key) Type() Type { return k.Tag.Type() }

// Named reports whether the key is one of a named property.
func (k Key) Named() bool { return !k.Name.IsZero() }

// WithType is the key of the same property with another type.
func (k Key) WithType(t Type) Key { k.Tag = k.Tag.WithType(t); return k }

// Compare orders keys: tags first by id and type, then named keys by set, number, string and type.
func (k Key) Compare(o Key) int {
	switch {
	case k.Named() != o.Named():
		if o.Named() {
			return -1
		}
		return 1
	case !k.Named():
		return cmpUint(uint64(k.Tag), uint64(o.Tag))
	}
	if c := strings.Compare(string(k.Name.Set[:]), string(o.Name.Set[:])); c != 0 {
		return c
	}
	if c := cmpUint(uint64(k.Name.LID), uint64(o.Name.LID)); c != 0 {
		return c
	}
	if c := strings.Compare(k.Name.Name, o.Name.Name); c != 0 {
		return c
	}
	return cmpUint(uint64(k.Tag), uint64(o.Tag))
}

// String is the tag in hexadecimal, or the name and type of a named property.
func (k Key) String() string {
	if k.Named() {
		return k.Name.String() + ":" + k.Type().String()
	}
	return k.Tag.String()
}

func cmpUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
