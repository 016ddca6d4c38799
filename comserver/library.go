package comserver

import (
	"fmt"
	"slices"
	"strings"
)

// Library describes an object model: what its type library says and what its objects answer to.
type Library struct {
	ID           GUID   // LIBID
	Major, Minor uint16 // its version
	Name         string // "MAPI"
	Help         string // "Microsoft CDO 1.21 Library"
	Source       string // Err.Source of errors that name no other
	Classes      []*Class
	Enums        []Enum
}

// Class describes the objects of one dispinterface.
type Class struct {
	Name    string
	Help    string
	IID     GUID // of the dispinterface, which early-bound clients ask for
	Members []Member
	// Collection tells that objects of the class are [Enumerable].
	Collection bool
}

// MemberKind tells methods from properties.
type MemberKind uint8

// The kinds of members.
const (
	Method    MemberKind = iota
	ReadOnly             // a property
	ReadWrite            // a property that can be assigned
)

// Member describes a method or a property. Arguments and results are Variants all over.
type Member struct {
	Name   string
	ID     int32
	Kind   MemberKind
	Params []Param // of a property: its index arguments, without the value that is put
	Help   string  // for object browsers
}

// Param describes a parameter.
type Param struct {
	Name     string
	Optional bool
}

// Enum describes an enumeration of the type library.
type Enum struct {
	Name   string
	Values []EnumValue
}

// EnumValue is one constant.
type EnumValue struct {
	Name  string
	Value int32
}

// CoClass is a class that clients can create.
type CoClass struct {
	Name   string // in the type library
	CLSID  GUID
	ProgID string // version-independent: "MAPI.Session"; ".1" is added for the other
	Text   string // what the class is, for people
	Class  *Class
	// Replaces tells that CLSID and ProgID are those of another product, whose registration is kept unless asked for otherwise.
	Replaces bool
	New      func() (Object, error)
}

// Dispids with a meaning of their own ([MS-OAUT] 2.2.32).
const (
	idUnknown     = -1
	idPropertyPut = -3
	idNewEnum     = -4
)

// check finds descriptions that clients could not tell apart.
func (l *Library) check() error {
	for _, c := range l.Classes {
		names, ids := map[string]bool{}, map[int32]bool{}
		for _, m := range c.Members {
			name := strings.ToLower(m.Name)
			if names[name] || ids[m.ID] {
				return fmt.Errorf("comserver: %s.%s (%d) is described twice", c.Name, m.Name, m.ID)
			}
			if m.ID <= 0 {
				return fmt.Errorf("comserver: %s.%s has the reserved dispid %d", c.Name, m.Name, m.ID)
			}
			names[name], ids[m.ID] = true, true
		}
	}
	return nil
}

// IDsOfNames gives the dispid of a member, and for further names the positions of its parameters
// (IDispatch::GetIDsOfNames). Names that aren't there are -1, and ok is false.
func (c *Class) IDsOfNames(names []string) (ids []int32, ok bool) {
	ids = make([]int32, len(names))
	for i := range ids {
		ids[i] = idUnknown
	}
	if len(names) == 0 {
		return ids, true
	}
	if strings.EqualFold(names[0], "_NewEnum") && c.Collection {
		ids[0] = idNewEnum
		return ids, len(names) == 1
	}
	at := slices.IndexFunc(c.Members, func(m Member) bool { return strings.EqualFold(m.Name, names[0]) })
	if at < 0 {
		return ids, false
	}
	m := &c.Members[at]
	ids[0], ok = m.ID, true
	for i, name := range names[1:] {
		ids[i+1] = int32(slices.IndexFunc(m.Params, func(p Param) bool { return strings.EqualFold(p.Name, name) }))
		ok = ok && ids[i+1] >= 0
	}
	return ids, ok
}
