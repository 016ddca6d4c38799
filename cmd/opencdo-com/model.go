package main

import (
	"context"
	"errors"
	"iter"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/cdo/dispatch"
	"github.com/opencdo/opencdo/cdo/model"
	"github.com/opencdo/opencdo/comserver"
	"github.com/opencdo/opencdo/mapi"
)

// Ids of our own. The others are CDO's.
var (
	appID      = comserver.MustGUID("{B1B6E7B0-5B8C-4E35-9C1F-6D0A2F2C7E11}")
	ownClassID = comserver.MustGUID("{B1B6E7B1-5B8C-4E35-9C1F-6D0A2F2C7E11}")
)

// classes are the classes of the library by their names in the model; objects tells which members, by class and number, give
// objects: what is Nothing of them, is Empty of others.
var (
	classes = map[string]*comserver.Class{}
	objects = map[string]map[int]bool{}
)

// library describes the object model to COM.
func library() *comserver.Library {
	all := map[string]bool{"Object": true, model.Unknown: true}
	for _, o := range model.Objects() {
		all[o.Name] = true
	}
	l := &comserver.Library{ID: comserver.MustGUID(model.LIBID), Major: model.Major, Minor: model.Minor, Name: model.Library, Help: model.Title,
		Source: model.AppName}
	for _, o := range model.Objects() {
		c := &comserver.Class{Name: o.Interface(), Help: o.Help, IID: comserver.MustGUID(o.IID), Collection: o.Of != ""}
		objects[o.Name] = map[int]bool{}
		for _, m := range o.Members {
			objects[o.Name][m.ID] = all[m.Type]
			if m.Name == o.Default {
				objects[o.Name][model.DefValue] = all[m.Type]
			}
			kind := map[model.Kind]comserver.MemberKind{model.Method: comserver.Method, model.ReadOnly: comserver.ReadOnly, model.ReadWrite: comserver.ReadWrite}[m.Kind]
			member := comserver.Member{Name: m.Name, ID: int32(m.ID), Kind: kind, Help: m.Help}
			for _, p := range m.Params {
				member.Params = append(member.Params, comserver.Param{Name: p.Name, Optional: p.Optional})
			}
			c.Members = append(c.Members, member)
		}
		classes[o.Name] = c
		l.Classes = append(l.Classes, c)
	}
	for _, e := range append(model.Enums, model.Errors(), model.Tags()) {
		enum := comserver.Enum{Name: e.Name}
		for _, v := range e.Values {
			enum.Values = append(enum.Values, comserver.EnumValue{Name: v.Name, Value: int32(v.Value)})
		}
		l.Enums = append(l.Enums, enum)
	}
	return l
}

// server is the COM server of the object model. open opens the stores of profiles.
func server(open func(context.Context, cdo.Profile) ([]mapi.Store, error)) comserver.Config {
	c := comserver.Config{Name: "OpenCDO", AppID: appID, Library: library()}
	session := func() (comserver.Object, error) {
		return object{cdo.NewSession(cdo.Config{Open: open})}, nil
	}
	c.Classes = []comserver.CoClass{
		{Name: "OpenCDOSession", CLSID: ownClassID, ProgID: "OpenCDO.Session", Text: "OpenCDO Session", Class: classes["Session"], New: session},
		{Name: "Session", CLSID: comserver.MustGUID(model.ClassID), ProgID: model.ProgID, Text: "MAPI Session (OpenCDO)", Class: classes["Session"],
			Replaces: true, New: session},
	}
	return c
}

// object is an object of CDO for COM.
type object struct{ cdo.Object }

func (o object) Class() *comserver.Class { return classes[dispatch.ClassOf(o.Object).Name] }

func (o object) Invoke(ctx context.Context, in comserver.Invocation) (any, error) {
	args := dispatch.Args{List: make([]any, len(in.Args))}
	for i, v := range in.Args {
		args.List[i] = fromCOM(v)
	}
	for _, n := range in.Named {
		args.Named = append(args.Named, dispatch.NamedArg{Param: int(n.Param), Value: fromCOM(n.Value)})
	}
	v, err := dispatch.Invoke(ctx, o.Object, int(in.ID), dispatch.Flags(in.How), args)
	if v == nil && objects[dispatch.ClassOf(o.Object).Name][int(in.ID)] {
		return comserver.Nothing, toCOMError(err)
	}
	return toCOM(v), toCOMError(err)
}

func (o object) Each(ctx context.Context) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		all, err := dispatch.Each(ctx, o.Object)
		if err != nil {
			yield(nil, toCOMError(err))
			return
		}
		for v, err := range all {
			if !yield(toCOM(v), toCOMError(err)) {
				return
			}
		}
	}
}

// Close ends the session of a client that is gone or forgot to log off.
func (o object) Close(context.Context) error {
	if s, ok := o.Object.(*cdo.Session); ok && s.LoggedOn() {
		return s.Logoff()
	}
	return nil
}

// fromCOM makes a value of the object model of one of COM.
func fromCOM(v any) any {
	switch v := v.(type) {
	case object:
		return v.Object
	case comserver.Currency:
		return mapi.Currency(v)
	case []comserver.Currency:
		list := make([]mapi.Currency, len(v))
		for i, c := range v {
			list[i] = mapi.Currency(c)
		}
		return list
	case comserver.Decimal:
		return v.Float64()
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = fromCOM(e)
		}
		return list
	}
	switch v {
	case comserver.Missing:
		return dispatch.Missing
	case comserver.Null:
		return dispatch.Null
	case comserver.Nothing:
		return nil
	}
	return v
}

// toCOM is the reverse of fromCOM.
func toCOM(v any) any {
	switch v := v.(type) {
	case cdo.Object:
		return object{v}
	case mapi.Currency:
		return comserver.Currency(v)
	case []mapi.Currency:
		list := make([]comserver.Currency, len(v))
		for i, c := range v {
			list[i] = comserver.Currency(c)
		}
		return list
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = toCOM(e)
		}
		return list
	}
	switch v {
	case dispatch.Missing:
		return comserver.Missing
	case dispatch.Null:
		return comserver.Null
	}
	return v
}

func toCOMError(err error) error {
	if err == nil {
		return nil
	}
	var e *comserver.Error
	if errors.As(err, &e) {
		return err
	}
	code, source, description := dispatch.ExcepInfo(err)
	return &comserver.Error{Code: comserver.Code(code), Source: source, Description: description, Err: err}
}
