// Package model describes the object model of CDO 1.2.1: its 23 objects with their members, and its constants. It is the single
// source of the constants of package cdo, of the table in package cdo/dispatch that automation calls go through, and of the
// reference docs/cdo.md; the command in cdo/gen writes them.
//
// Names, dispids, interface ids and parameter names are those of the type library of CDO 1.21, spelling included.
package model

import "slices"

// Object is a dispinterface of the type library.
type Object struct {
	Name    string // as CDO's documentation has it, and the type in package cdo
	IID     string // of the dispinterface
	Class   int    // its Class property
	Since   string // the version that brought it
	Default string // the member that stands for the object where a value is wanted, or empty
	Of      string // what a collection holds; empty for other objects
	Help    string
	Members []Member
}

// Interface is the name of the dispinterface in the type library.
func (o *Object) Interface() string {
	if o.Name == "Session" {
		return "_Session"
	}
	return o.Name
}

// Member finds a member by its name.
func (o *Object) Member(name string) (Member, bool) {
	i := slices.IndexFunc(o.Members, func(m Member) bool { return m.Name == name })
	if i < 0 {
		return Member{}, false
	}
	return o.Members[i], true
}

// Kind tells what a member is.
type Kind uint8

// Kinds of members.
const (
	ReadOnly  Kind = iota // a property
	ReadWrite             // a property that can be assigned
	Method
)

func (k Kind) String() string {
	return [...]string{"read-only", "read/write", "method"}[min(k, Method)]
}

// Member is a property or method.
type Member struct {
	Name    string
	ID      int // dispid
	Kind    Kind
	Type    string // of the value or result: String, Long, Boolean, Date, Variant, IUnknown, an object, an enumeration; empty for none
	Params  []Param
	Help    string
	Go      string // the method of the type in package cdo, where it has another name
	Adapter string // the function of package cdo/dispatch that calls it, where its parameters aren't those of the Go method
}

// Param is a parameter. The default of an optional one is what the call means without it; nil where leaving it out is a case of
// its own.
type Param struct {
	Name     string
	Type     string
	Optional bool
	Default  any
}

// Enum is an enumeration of the type library.
type Enum struct {
	Name   string
	Go     string // the type in package cdo; empty: constants without type
	Help   string
	Values []Value
}

// Value is a constant.
type Value struct {
	Name  string
	Value int64
	Help  string
}

// The library.
const (
	LIBID    = "{3FA7DEA7-6438-101B-ACC1-00AA00423326}"
	Library  = "MAPI"
	Title    = "Microsoft CDO 1.21 Library"
	Major    = 1
	Minor    = 21
	ProgID   = "MAPI.Session"
	ClassID  = "{3FA7DEB3-6438-101B-ACC1-00AA00423326}" // of the one creatable class, Session
	AppName  = "Collaboration Data Objects"             // every object's Application property, and Err.Source
	Unknown  = "IUnknown"                               // the type of members for programs in C and C++
	NewEnum  = -4                                       // DISPID_NEWENUM, which collections answer though the type library hasn't it
	DefValue = 0                                        // DISPID_VALUE, the default member
)

// Objects are all objects, parents before those that are reached from them.
func Objects() []Object {
	return slices.Concat(sessionObjects, folderObjects, messageObjects, calendarObjects, partObjects, addressObjects, fieldObjects)
}

func ro(name, typ, help string) Member {
	return Member{Name: name, ID: dispids[name], Kind: ReadOnly, Type: typ, Help: help}
}

func rw(name, typ, help string) Member {
	return Member{Name: name, ID: dispids[name], Kind: ReadWrite, Type: typ, Help: help}
}

func fn(name, typ, help string, params ...Param) Member {
	return Member{Name: name, ID: dispids[name], Kind: Method, Type: typ, Help: help, Params: params}
}

// item is the Item property of a collection. In the type library it is a property with a parameter.
func item(of, help string, more ...Param) Member {
	m := ro("Item", of, help)
	m.Params = append([]Param{req("Index", "Variant")}, more...)
	return m
}

func (m Member) via(adapter string) Member {
	m.Adapter = adapter
	return m
}

func (m Member) goName(name string) Member {
	m.Go = name
	return m
}

func req(name, typ string) Param { return Param{Name: name, Type: typ} }
func opt(name, typ string, def any) Param {
	return Param{Name: name, Type: typ, Optional: true, Default: def}
}

// common are the members of every object.
func common(parent string, members ...Member) []Member {
	return append([]Member{
		ro("Application", "String", "Always `"+AppName+"`."),
		ro("Class", "CdoObjectClass", "Which kind of object this is."),
		ro("Parent", parent, "The object that this one was reached from."),
		ro("Session", "Session", "The session that the object comes from."),
	}, members...)
}

// native is the MAPIOBJECT property.
func native(what string) Member {
	return rw("MAPIOBJECT", Unknown, "What the object stands for in package mapi: "+what+". It is for programs in Go; automation clients get CdoE_INTERFACE_NOT_SUPPORTED, as interfaces of MAPI itself don't exist here.").goName("MAPIObject").via("native")
}

func rawTable(what string) Member {
	return rw("RawTable", Unknown, "The table of "+what+", for programs in Go; automation clients get CdoE_INTERFACE_NOT_SUPPORTED.").via("native")
}

func isSameAs() Member {
	return fn("IsSameAs", "Boolean", "Whether another variable stands for the same object. Objects of other classes never do.", req("Object", "Object"))
}

func update(saves string) Member {
	return fn("Update", "", "Saves "+saves+" when MakePermanent is true; reads everything again when RefreshObject is. With both false the changes stay where they are.",
		opt("MakePermanent", "Boolean", true), opt("RefreshObject", "Boolean", false))
}

// cursor are the members of large collections that move through them.
func cursor(of string) []Member {
	return []Member{
		fn("GetFirst", of, "The first member, Nothing when there is none."),
		fn("GetLast", of, "The last member, Nothing when there is none."),
		fn("GetNext", of, "The member after the one that was given last, Nothing at the end."),
		fn("GetPrevious", of, "The member before the one that was given last, Nothing at the beginning."),
	}
}

func sortBy(name, def string) Member {
	return fn("Sort", "", "Orders the collection and goes back to its beginning. PropID is a property tag or the name of a custom property; without it the property of the previous Sort counts, "+def+" when there was none. An order that the store doesn't have is CdoE_TOO_COMPLEX.",
		opt("SortOrder", "CdoSortOrder", 1), opt("PropID", "Variant", nil)).via(name)
}

func count(help string) Member { return ro("Count", "Long", help) }

func index(of string) Member {
	return ro("Index", "Long", "The position among the "+of+". It changes when one before it is removed.")
}

func fields(of string) Member {
	return ro("Fields", "Fields", "All properties of the "+of+", with and without names.")
}
