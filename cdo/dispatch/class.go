// Package dispatch calls the members of CDO's objects by the numbers that automation clients use. The classes are generated from
// cdo/model: every member is an ordinary call of the Go method that stands for it.
//
// Values are those of Go: nil for Empty and Nothing, [Null], bool, int16, int32, float32, float64, string, [time.Time], mapi.Currency,
// slices for arrays, and the objects of package cdo. An argument that the caller left out is [Missing].
package dispatch

import (
	"slices"
	"strings"
)

// Class is a dispinterface.
type Class struct {
	Name    string
	IID     string
	Default *Member  // what the object is where a value is wanted; nil for objects without
	Members []Member // in the order of their numbers

	names map[string]*Member
	ids   map[int]*Member
}

// Member is a property or method.
type Member struct {
	ID     int
	Name   string
	Method bool
	Params []Param

	get func(*call) (any, error) // reads the property or calls the method
	put func(*call) error        // nil: it cannot be assigned
}

// Readable tells whether the member can be read or called.
func (m *Member) Readable() bool { return m.get != nil }

// Writable tells whether the member can be assigned.
func (m *Member) Writable() bool { return m.put != nil }

// Param is a parameter of a member. An optional one that is left out is its default.
type Param struct {
	Name     string
	Optional bool
	Default  any // nil: the member is told that it is Missing
}

func newClass(name, iid, def string, members []Member) *Class {
	c := &Class{Name: name, IID: iid, Members: members, names: map[string]*Member{}, ids: map[int]*Member{}}
	slices.SortFunc(c.Members, func(a, b Member) int { return a.ID - b.ID })
	for i := range c.Members {
		m := &c.Members[i]
		c.names[strings.ToLower(m.Name)] = m
		c.ids[m.ID] = m
	}
	if c.Default = c.names[strings.ToLower(def)]; c.Default != nil {
		c.ids[DefaultMember] = c.Default
	}
	return c
}

// Numbers that every object answers ([MS-OAUT] 2.2.32).
const (
	DefaultMember = 0  // DISPID_VALUE
	NewEnum       = -4 // DISPID_NEWENUM, of collections
)

// Lookup finds the number of a member and those of some of its parameters, names compared without regard to case. Unknown names are
// [UnknownName].
func (c *Class) Lookup(name string, params ...string) (id int, numbers []int, err error) {
	if strings.EqualFold(name, "_NewEnum") {
		return NewEnum, nil, nil
	}
	m := c.names[strings.ToLower(name)]
	if m == nil {
		return 0, nil, errorf(UnknownName, "%s has no member %q", c.Name, name)
	}
	for _, p := range params {
		i := slices.IndexFunc(m.Params, func(o Param) bool { return strings.EqualFold(o.Name, p) })
		if i < 0 {
			return 0, nil, errorf(UnknownName, "%s.%s has no parameter %q", c.Name, m.Name, p)
		}
		numbers = append(numbers, i)
	}
	return m.ID, numbers, nil
}

// Member finds a member by its number.
func (c *Class) Member(id int) (*Member, bool) {
	m, ok := c.ids[id]
	return m, ok
}
