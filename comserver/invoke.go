package comserver

import (
	"context"
	"fmt"
	"iter"
	"runtime/debug"
)

// Object is an object of the model. Objects are compared with ==: the same one is the same object to clients too.
type Object interface {
	// Class describes the object. It is one of those of the library.
	Class() *Class
	// Invoke executes a member. Which arguments it takes, what they are converted to, and what a default member stands for, is
	// the model's affair. Errors of the call itself have the codes [MemberNotFound], [TypeMismatch] and so on; scripts see them as
	// their own run-time errors. ctx ends when all clients that used the object are gone.
	Invoke(ctx context.Context, call Invocation) (any, error)
}

// Enumerable is an object whose class is a collection.
type Enumerable interface {
	Object
	// Each gives the members for one For Each.
	Each(ctx context.Context) iter.Seq2[any, error]
}

// Closer is an object that ends something when no client has it any more. Only the object that a client created is asked,
// after all that was reached from it.
type Closer interface {
	Close(ctx context.Context) error
}

// How tells in which way a member is invoked ([MS-OAUT] 3.1.4.4). Clients that cannot tell methods from properties combine
// Call and Get.
type How uint16

// Ways to invoke a member.
const (
	Call How = 1 << iota
	Get
	Put
	PutRef // with an object, by Set
)

// Invocation is a call of a member as it comes from a client.
type Invocation struct {
	ID  int32 // a dispid of the class, or 0 for the default member
	How How
	// Args are the arguments in the order of the text of the program. Those left out in between are [Missing]. The value of a
	// Put or PutRef is the last one.
	Args  []any
	Named []NamedArg
	LCID  uint32 // the language of the client
}

// NamedArg is an argument that goes by the position of its parameter, as [Class.IDsOfNames] gives it.
type NamedArg struct {
	Param int32
	Value any
}

// Invoke calls a member and answers for For Each. A panic is an error that says where it was, so that the other clients of the
// process don't notice it. Results are brought to the types that a Variant has.
func Invoke(ctx context.Context, o Object, call Invocation) (v any, err error) {
	class := o.Class()
	defer catch(&err, fmt.Sprintf("%s member %d", class.Name, call.ID))
	if call.ID == idNewEnum {
		e, ok := o.(Enumerable)
		if !class.Collection || !ok || call.How&(Get|Call) == 0 {
			return nil, &Error{Code: MemberNotFound, Description: class.Name + " isn't a collection"}
		}
		return &enumerator{source: e}, nil
	}
	if v, err = o.Invoke(ctx, call); err != nil {
		return nil, err
	}
	p, ok := plain(v)
	if !ok {
		return nil, &Error{Code: eFail, Description: fmt.Sprintf("internal error: %s member %d returned a %T", class.Name, call.ID, v)}
	}
	return p, nil
}

// catch makes an error of a panic.
func catch(err *error, where string) {
	if p := recover(); p != nil {
		*err = &panicked{fmt.Sprintf("internal error in %s: %v", where, p), debug.Stack()}
	}
}

// panicked is a panic with where it happened, which goes to the log.
type panicked struct {
	what  string
	stack []byte
}

func (p *panicked) Error() string { return p.what }
