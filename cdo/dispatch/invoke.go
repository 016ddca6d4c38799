package dispatch

import (
	"context"
	"slices"

	"github.com/opencdo/opencdo/cdo"
)

// Flags say what a client wants of a member. Clients that cannot tell a method from a property ask for both.
type Flags uint16

// What a client wants ([MS-OAUT] 3.1.4.4).
const (
	Method         Flags = 1
	PropertyGet    Flags = 2
	PropertyPut    Flags = 4
	PropertyPutRef Flags = 8
)

type missing struct{}
type null struct{}

// Values that Go hasn't.
var (
	Missing any = missing{} // an argument that the caller left out
	Null    any = null{}    // VT_NULL
)

// Args are the arguments of a call. To assign a property, the value is the last of List.
type Args struct {
	List  []any
	Named []NamedArg
}

// NamedArg is an argument that goes by the number of its parameter, as [Class.Lookup] gives it.
type NamedArg struct {
	Param int
	Value any
}

// Invoke reads or assigns a property or calls a method. An object without the member is [MemberNotFound].
//
// A member that takes no arguments and is given some stands for the default member of what it gives: Messages(1) is
// Messages.Item(1). In the same way the value that is assigned to a property that cannot be is for the object behind it: Fields(tag)
// = "x" assigns to Fields.Item(tag).Value.
func Invoke(ctx context.Context, obj cdo.Object, id int, flags Flags, args Args) (any, error) {
	class := ClassOf(obj)
	if class == nil {
		return nil, errorf(MemberNotFound, "a %T is no object of CDO", obj)
	}
	m, ok := class.Member(id)
	if !ok || m.get == nil {
		return nil, errorf(MemberNotFound, "%s has no member %d", class.Name, id)
	}
	if flags&(PropertyPut|PropertyPutRef) != 0 {
		return nil, assign(ctx, obj, class, m, args)
	}
	if m.Method && flags&Method == 0 && flags&PropertyGet == 0 {
		return nil, errorf(MemberNotFound, "%s.%s is a method", class.Name, m.Name)
	}
	if !m.Method && len(m.Params) == 0 && len(args.List)+len(args.Named) > 0 {
		v, err := m.get(&call{ctx: ctx, obj: obj})
		if err != nil {
			return nil, err
		}
		behind, ok := v.(cdo.Object)
		if !ok {
			return nil, errorf(BadParamCount, "%s.%s takes no arguments", class.Name, m.Name)
		}
		return Invoke(ctx, behind, DefaultMember, flags, args)
	}
	c, err := newCall(ctx, obj, class, m, args)
	if err != nil {
		return nil, err
	}
	return m.get(c)
}

// assign sets a property, or what is behind it.
func assign(ctx context.Context, obj cdo.Object, class *Class, m *Member, args Args) error {
	if m.Method || len(args.List) == 0 {
		return errorf(MemberNotFound, "%s.%s cannot be assigned", class.Name, m.Name)
	}
	value, rest := args.List[len(args.List)-1], args.List[:len(args.List)-1]
	if m.put != nil && len(rest) <= len(m.Params) {
		c, err := newCall(ctx, obj, class, m, Args{rest, args.Named})
		if err != nil {
			return err
		}
		c.args = append(c.args, value)
		return m.put(c)
	}
	own := min(len(rest), len(m.Params))
	c, err := newCall(ctx, obj, class, m, Args{rest[:own], args.Named})
	if err != nil {
		return err
	}
	v, err := m.get(c)
	if err != nil {
		return err
	}
	behind, ok := v.(cdo.Object)
	if !ok {
		return errorf(MemberNotFound, "%s.%s cannot be assigned", class.Name, m.Name)
	}
	_, err = Invoke(ctx, behind, DefaultMember, PropertyPut, Args{List: append(slices.Clone(rest[own:]), value)})
	return err
}

// call is a call of a member, with a value for every parameter.
type call struct {
	ctx  context.Context
	obj  cdo.Object
	args []any
	err  error // of the first argument that has the wrong type
}

func newCall(ctx context.Context, obj cdo.Object, class *Class, m *Member, args Args) (*call, error) {
	if len(args.List) > len(m.Params) {
		return nil, errorf(BadParamCount, "%s.%s takes %d arguments, not %d", class.Name, m.Name, len(m.Params), len(args.List))
	}
	c := &call{ctx: ctx, obj: obj, args: make([]any, len(m.Params))}
	for i := range c.args {
		c.args[i] = Missing
	}
	copy(c.args, args.List)
	for _, n := range args.Named {
		if n.Param < 0 || n.Param >= len(m.Params) || n.Param < len(args.List) {
			return nil, errorf(ParamNotFound, "%s.%s has no further parameter %d", class.Name, m.Name, n.Param)
		}
		c.args[n.Param] = n.Value
	}
	for i, p := range m.Params {
		switch {
		case c.args[i] != Missing:
		case !p.Optional:
			return nil, errorf(ParamNotOptional, "%s.%s: %s cannot be left out", class.Name, m.Name, p.Name)
		case p.Default != nil:
			c.args[i] = p.Default
		}
	}
	return c, nil
}
