package main

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/comserver"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

// session is a created object that is logged on.
func session(t *testing.T) comserver.Object {
	t.Helper()
	c := server(func(context.Context, cdo.Profile) ([]mapi.Store, error) {
		return []mapi.Store{memstore.New(memstore.Config{Name: "Mailbox - Ada Lovelace"})}, nil
	})
	s, err := c.Classes[1].New()
	if err != nil {
		t.Fatal(err)
	}
	call(t, s, "Logon", comserver.Call, comserver.Missing, comserver.Missing, false, true, comserver.Missing, true, "server\nada")
	return s
}

// call calls a member by its name, as a script does.
func call(t *testing.T, o any, name string, how comserver.How, args ...any) any {
	t.Helper()
	obj, ok := o.(comserver.Object)
	if !ok {
		t.Fatalf("%s of %v", name, o)
	}
	ids, ok := obj.Class().IDsOfNames([]string{name})
	if !ok {
		t.Fatalf("%s has no %s", obj.Class().Name, name)
	}
	v, err := comserver.Invoke(t.Context(), obj, comserver.Invocation{ID: ids[0], How: how, Args: args})
	if err != nil {
		t.Fatalf("%s.%s: %v", obj.Class().Name, name, err)
	}
	return v
}

func TestValuesThroughFields(t *testing.T) {
	s := session(t)
	messages := call(t, call(t, s, "Inbox", comserver.Get), "Messages", comserver.Get)
	m := call(t, messages, "Add", comserver.Call, "Subject")
	fields := call(t, m, "Fields", comserver.Get)
	for name, v := range map[string]any{"text": "x", "long": int32(7), "currency": comserver.Currency(12345), "double": 1.5, "yes": true,
		"words": []string{"a", "b"}} {
		call(t, fields, "Add", comserver.Call, name, comserver.Missing, v)
		got := call(t, call(t, fields, "Item", comserver.Get, name), "Value", comserver.Get)
		want := v
		if name == "words" {
			want = []any{"a", "b"}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v came back as %#v", name, v, got)
		}
	}
}

// TestNothing tells an object that isn't there from a value that is Empty: scripts ask "Is Nothing".
func TestNothing(t *testing.T) {
	s := session(t)
	messages := call(t, call(t, s, "Inbox", comserver.Get), "Messages", comserver.Get)
	for name, v := range map[string]any{
		"GetFirst": call(t, messages, "GetFirst", comserver.Call),
		"Item":     call(t, messages, "Item", comserver.Get, int16(9)),
		"Parent":   call(t, s, "Parent", comserver.Get),
	} {
		if v != comserver.Nothing {
			t.Errorf("%s is %v", name, v)
		}
	}
	if v := call(t, s, "Logoff", comserver.Call); v != nil {
		t.Errorf("Logoff gives %v", v)
	}
}

func TestErrorNumbers(t *testing.T) {
	s := session(t)
	_, err := comserver.Invoke(t.Context(), s, comserver.Invocation{ID: 116, How: comserver.Call, Args: []any{"00"}})
	var e *comserver.Error
	if !errors.As(err, &e) || !e.Code.Failed() || e.Source != "Collaboration Data Objects" || e.Description == "" {
		t.Errorf("%+v", e)
	}
	_, err = comserver.Invoke(t.Context(), s, comserver.Invocation{ID: 9999, How: comserver.Call})
	if !errors.As(err, &e) || e.Code != comserver.MemberNotFound {
		t.Errorf("%+v", e)
	}
}
