// Package nspirpc is the address book protocol [MS-OXNSPI] over RPC: its calls in NDR, client and server.
//
// Requests and responses are the bodies of MAPI over HTTP (package oxcmapihttp), and the kind of a call is its request type
// there, so that whoever asks or answers needn't know which way it goes. What only MAPI over HTTP has is left out: code pages
// of answers, and the kinds that say where servers are (package oxabref has those).
package nspirpc

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/mapi"
)

// Interface is NSPI ([MS-OXNSPI] 1.9).
var Interface = dcerpc.Syntax{UUID: mapi.MustGUID("f5cc5a18-4264-101a-8c59-08002b2f8426"), Major: 56}

// bindRequest is NspiBind's ([MS-OXNSPI] 3.1.4.1.1). GUID: the client wants to know the server's.
type bindRequest struct {
	oxcmapihttp.BindRequest
	GUID *mapi.GUID
}

// NDR implements ndr.Body.
func (r *bindRequest) NDR(c *ndr.Coder) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	ndr.Unique(c, &r.GUID, (*ndr.Coder).GUID)
}

type bindResponse struct {
	GUID   *mapi.GUID
	Handle ndr.ContextHandle
	Result mapi.Code
}

// NDR implements ndr.Body.
func (r *bindResponse) NDR(c *ndr.Coder) {
	ndr.Unique(c, &r.GUID, (*ndr.Coder).GUID)
	c.ContextHandle(&r.Handle)
	c.Code(&r.Result)
}

// request is that of all other calls: the context handle, then the body.
type request struct {
	op     *operation
	handle ndr.ContextHandle
	body   oxcmapihttp.Body
}

// NDR implements ndr.Body.
func (r *request) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.handle)
	r.op.walk(c, r.op.request, r.body)
}

// response is the body and the result; that of Unbind begins with the context handle, which is zero now.
type response struct {
	op     *operation
	handle ndr.ContextHandle
	body   oxcmapihttp.Body
	result mapi.Code
}

// NDR implements ndr.Body.
func (r *response) NDR(c *ndr.Coder) {
	if r.op.opnum == opUnbind {
		c.ContextHandle(&r.handle)
	}
	r.op.walk(c, r.op.response, r.body)
	c.Code(&r.result)
}

func (op *operation) walk(c *ndr.Coder, f func(*ndr.Coder, oxcmapihttp.Body) bool, b oxcmapihttp.Body) {
	c.In(fmt.Sprintf("%s, %T", op.kind, b), func(c *ndr.Coder) {
		if !f(c, b) {
			c.Fail("the body is of another call")
		}
	})
}

// Call makes a call on the session that a context handle stands for; Bind opens one, and Unbind closes it. The code is the
// operation's result: of Unbind, 1 is success. The response is there whatever it says.
func Call(ctx context.Context, c dcerpc.Caller, handle *ndr.ContextHandle, kind string, req, resp oxcmapihttp.Body) (mapi.Code, error) {
	if kind == "Bind" {
		return bind(ctx, c, handle, req, resp)
	}
	var op *operation
	for i := range operations {
		if operations[i].kind == kind {
			op = &operations[i]
		}
	}
	if op == nil {
		return 0, fmt.Errorf("the address book has no call %s over RPC", kind)
	}
	out := response{op: op, body: resp}
	if err := dcerpc.Invoke(ctx, c, op.opnum, &request{op, *handle, req}, &out); err != nil {
		return 0, fmt.Errorf("%s: %w", kind, err)
	}
	if op.opnum == opUnbind {
		*handle = out.handle
	}
	return out.result, nil
}

func bind(ctx context.Context, c dcerpc.Caller, handle *ndr.ContextHandle, req, resp oxcmapihttp.Body) (mapi.Code, error) {
	in, ok := req.(*oxcmapihttp.BindRequest)
	answer, ok2 := resp.(*oxcmapihttp.BindResponse)
	if !ok || !ok2 {
		return 0, fmt.Errorf("bind with bodies %T and %T", req, resp)
	}
	var out bindResponse
	if err := dcerpc.Invoke(ctx, c, opBind, &bindRequest{*in, &mapi.GUID{}}, &out); err != nil {
		return 0, fmt.Errorf("bind: %w", err)
	}
	*handle = out.Handle
	if out.GUID != nil {
		answer.ServerGUID = *out.GUID
	}
	return out.Result, nil
}

// Book is an address book. Bind opens a session, or says by a code why not; an error is answered by a fault.
type Book interface {
	Bind(ctx context.Context, call *dcerpc.Call, req *oxcmapihttp.BindRequest, resp *oxcmapihttp.BindResponse) (Session, mapi.Code, error)
}

// Session answers calls, one at a time: it fills the response, whose type follows from the kind. What it puts into the response
// of a call that fails is of no interest. Close is called at the end, once.
type Session interface {
	Serve(ctx context.Context, kind string, req, resp oxcmapihttp.Body) (mapi.Code, error)
	Close()
}

// session keeps calls in order: clients may send several at once.
type session struct {
	Session
	mu     sync.Mutex
	closed bool
}

func (s *session) end() {
	s.closed = true
	s.Close()
}

// Serve makes the interface of an address book.
func Serve(b Book) *dcerpc.Interface {
	handles := &dcerpc.Handles[*session]{Rundown: func(s *session) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.end()
	}}
	i := &dcerpc.Interface{Syntax: Interface, Handlers: map[uint16]dcerpc.Handler{opBind: binder(b, handles)}}
	for n := range operations {
		op := &operations[n]
		i.Handlers[op.opnum] = func(ctx context.Context, call *dcerpc.Call, in []byte) ([]byte, error) {
			return op.serve(ctx, call, in, handles)
		}
	}
	return i
}

func binder(b Book, handles *dcerpc.Handles[*session]) dcerpc.Handler {
	return func(ctx context.Context, call *dcerpc.Call, in []byte) ([]byte, error) {
		var req bindRequest
		if err := ndr.Unmarshal(in, &req); err != nil {
			return nil, err
		}
		var resp oxcmapihttp.BindResponse
		s, code, err := b.Bind(ctx, call, &req.BindRequest, &resp)
		if err != nil {
			return nil, err
		}
		out := bindResponse{Result: code}
		if s != nil {
			out.Handle = handles.Open(call, &session{Session: s})
			if req.GUID != nil {
				out.GUID = &resp.ServerGUID
			}
		}
		return ndr.Marshal(&out)
	}
}

func (op *operation) serve(ctx context.Context, call *dcerpc.Call, in []byte, handles *dcerpc.Handles[*session]) ([]byte, error) {
	body, resp := op.bodies()
	req := request{op: op, body: body}
	if err := ndr.Unmarshal(in, &req); err != nil {
		return nil, err
	}
	s, err := handles.Get(call, req.handle)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, &dcerpc.Fault{Status: dcerpc.StatusContextMismatch, Executed: true}
	}
	var before *oxnspi.Stat // a failing call leaves the position as it was
	if p := position(body); p != nil && *p != nil {
		copied := **p
		before = &copied
	}
	code, err := s.Serve(ctx, op.kind, body, resp)
	if err != nil {
		return nil, err
	}
	if op.opnum == opUnbind {
		if _, err := handles.Close(call, req.handle); err != nil {
			return nil, err
		}
		s.end()
	} else if code.Failed() {
		_, resp = op.bodies()
	}
	if p := position(resp); p != nil && *p == nil {
		*p = before
	}
	return ndr.Marshal(&response{op: op, body: resp, result: code})
}

// position is the State of a body, nil where it has none.
func position(b oxcmapihttp.Body) **oxnspi.Stat {
	f := reflect.ValueOf(b).Elem().FieldByName("State")
	if !f.IsValid() {
		return nil
	}
	p, _ := f.Addr().Interface().(**oxnspi.Stat)
	return p
}
