package dcerpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/ndr"
)

// bindTimeout is how long a connection may wait before its bind: nobody is known until then.
const bindTimeout = time.Minute

// association is the server's side of a connection.
type association struct {
	srv  *Server
	conn net.Conn
	info ConnInfo

	// What only the reader touches.
	group       *group
	contexts    map[uint16]*Interface
	security    map[uint32]*security
	first       *security // what requests without signature are made under
	multiplexed bool
	partial     map[uint32]*serverCall
	buffered    int // bytes of partial
	maxXmit     uint16

	writing sync.Mutex

	mu      sync.Mutex
	calls   map[uint32]*serverCall // under way
	running sync.WaitGroup
}

// serverCall is a call: coming in, then under way.
type serverCall struct {
	body   callBody
	stub   []byte
	sec    *security
	cancel context.CancelFunc
	quiet  bool // nobody waits for the answer
}

// errRefused ends an association after its client was told why.
var errRefused = errors.New("refused")

// ServeConn serves one connection until it ends, and closes it. Calls that are under way then are cancelled, and waited for.
// The error is nil where the client closed the connection, or ctx ended.
func (s *Server) ServeConn(ctx context.Context, conn net.Conn, info ConnInfo) error {
	ctx, cancel := context.WithCancel(ctx)
	a := &association{srv: s, conn: conn, info: info, contexts: map[uint16]*Interface{}, security: map[uint32]*security{},
		partial: map[uint32]*serverCall{}, calls: map[uint32]*serverCall{}, maxXmit: minFragment}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(bindTimeout))
	err := a.serve(ctx)
	stopped := ctx.Err() != nil
	stop()
	cancel()
	conn.Close()
	a.running.Wait()
	if a.group != nil {
		s.leave(a.group)
	}
	if err == io.EOF || stopped {
		return nil
	}
	s.log(ctx, info, "DCE/RPC association ended", err)
	return err
}

func (a *association) serve(ctx context.Context) error {
	for {
		h, pdu, err := ReadPDU(a.conn)
		if err != nil {
			return err
		}
		if err := a.take(ctx, h, pdu); err != nil {
			return err
		}
	}
}

func (a *association) take(ctx context.Context, h Header, pdu []byte) error {
	if a.group == nil && h.Type != Bind {
		return protocolError("PDU of type %d before a bind", h.Type)
	}
	switch h.Type {
	case Bind:
		if a.group != nil {
			return protocolError("a second bind")
		}
		return a.bind(ctx, h, pdu)
	case AlterContext:
		return a.alter(ctx, h, pdu)
	case Auth3:
		return a.auth3(ctx, h, pdu)
	case Request:
		return a.request(ctx, h, pdu)
	case Cancel:
		a.cancel(h.CallID, false)
		return nil
	case Orphaned:
		a.cancel(h.CallID, true)
		return nil
	}
	return protocolError("a server got a PDU of type %d", h.Type)
}

// cancel stops a call. An orphaned one isn't answered, one that was cancelled is.
func (a *association) cancel(id uint32, quiet bool) {
	if p := a.partial[id]; p != nil && quiet {
		a.drop(id, p)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.calls[id]; c != nil {
		c.quiet = c.quiet || quiet
		c.cancel()
	}
}

func (a *association) drop(id uint32, p *serverCall) {
	delete(a.partial, id)
	a.buffered -= len(p.stub)
}

// request takes a fragment of a request; after the last one the call begins.
func (a *association) request(ctx context.Context, h Header, pdu []byte) error {
	t, trailerAt, end, token, err := split(h, pdu)
	if err != nil {
		return err
	}
	c := ndr.NewDecoder(pdu[:end])
	var body callBody
	(&Header{}).NDR(c)
	body.code(c, h.Flags)
	if err := c.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	sec, err := a.protected(t)
	if err == nil && t != nil && sec.Level.signs() {
		err = sec.open(pdu, c.Offset(), trailerAt, t, token)
	}
	if err != nil {
		a.fault(h.CallID, body.Context, StatusAccessDenied, DidNotExecute)
		return err
	}
	p := a.partial[h.CallID]
	switch {
	case h.Flags&FirstFragment != 0:
		if p != nil || a.underWay(h.CallID) {
			a.fault(h.CallID, body.Context, StatusProtocol, DidNotExecute)
			return protocolError("call %d begins twice", h.CallID)
		}
		p = &serverCall{body: body, sec: sec}
		a.partial[h.CallID] = p
	case p == nil:
		return nil // the rest of a call that was given up
	case sec != p.sec:
		return protocolError("fragments of call %d in different security contexts", h.CallID)
	}
	stub := pdu[c.Offset():end]
	limit := a.srv.MaxStub
	if limit == 0 {
		limit = DefaultStub
	}
	if a.buffered+len(stub) > limit || len(a.partial) > a.srv.maxCalls() {
		a.drop(h.CallID, p)
		return a.fault(h.CallID, body.Context, StatusBadStub, DidNotExecute)
	}
	p.stub = append(p.stub, stub...)
	a.buffered += len(stub)
	if h.Flags&LastFragment == 0 {
		return nil
	}
	a.drop(h.CallID, p)
	return a.start(ctx, h.CallID, p)
}

func (s *Server) maxCalls() int {
	if s.MaxCalls == 0 {
		return DefaultCalls
	}
	return s.MaxCalls
}

// protected is the security context of a request: that which its trailer names, or, where it has none, the only one if that
// doesn't sign.
func (a *association) protected(t *trailer) (*security, error) {
	sec := a.first
	if t != nil {
		sec = a.security[t.ContextID]
		if sec == nil {
			return nil, protocolError("no security context %d", t.ContextID)
		}
	}
	switch {
	case sec == nil:
		return nil, nil
	case !sec.done:
		return nil, protocolError("a request before the authentication has come to its end")
	case t == nil && sec.Level.signs():
		return nil, protocolError("a request without signature")
	}
	return sec, nil
}

func (a *association) underWay(id uint32) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[id] != nil
}

// start begins a call that has come in.
func (a *association) start(ctx context.Context, id uint32, p *serverCall) error {
	i := a.contexts[p.body.Context]
	if i == nil {
		return a.fault(id, p.body.Context, StatusUnknownIf, DidNotExecute)
	}
	call := &Call{Conn: a.info, OpNum: p.body.Detail, Object: p.body.Object, Level: LevelNone, Peer: a.info.User, srv: a.srv, group: a.group}
	if p.sec != nil {
		call.AuthType, call.Level, call.Peer = p.sec.Type, p.sec.Level, p.sec.peer
	}
	handler := i.Handlers[call.OpNum]
	switch {
	case call.Level < max(a.srv.RequireLevel, i.RequireLevel):
		return a.fault(id, p.body.Context, StatusAccessDenied, DidNotExecute)
	case handler == nil:
		return a.fault(id, p.body.Context, StatusOpRange, DidNotExecute)
	}
	a.mu.Lock()
	full := len(a.calls) >= a.srv.maxCalls()
	if !full {
		ctx, p.cancel = context.WithCancel(ctx)
		a.calls[id] = p
	}
	a.mu.Unlock()
	if full {
		return a.fault(id, p.body.Context, StatusServerTooBusy, DidNotExecute)
	}
	a.running.Add(1)
	go func() {
		defer a.running.Done()
		out, err := handler(ctx, call, p.stub)
		a.mu.Lock()
		delete(a.calls, id)
		quiet := p.quiet
		a.mu.Unlock()
		p.cancel()
		switch {
		case quiet:
		case err != nil:
			a.srv.log(ctx, a.info, "DCE/RPC call failed", err)
			a.fault(id, p.body.Context, statusOf(err), 0)
		default:
			a.respond(id, p, out)
		}
	}()
	return nil
}

// respond sends an answer; its fragments stay together.
func (a *association) respond(id uint32, p *serverCall, stub []byte) {
	a.writing.Lock()
	defer a.writing.Unlock()
	h := Header{Type: Response, Flags: FirstFragment, CallID: id}
	body := callBody{Context: p.body.Context}
	most := room(a.maxXmit, responseSize, p.sec.tokenSize())
	if most <= 0 {
		a.conn.Close()
		return
	}
	for {
		n := min(most, len(stub))
		if n == len(stub) {
			h.Flags |= LastFragment
		}
		body.AllocHint = uint32(len(stub))
		pdu, err := encodeCall(h, &body, stub[:n], p.sec)
		if err == nil {
			_, err = a.conn.Write(pdu)
		}
		if err != nil {
			a.conn.Close() // the reader ends the association
			return
		}
		if h.Flags&LastFragment != 0 {
			return
		}
		h.Flags &^= FirstFragment
		stub = stub[n:]
	}
}

// fault answers a call with an error. Faults aren't signed: clients take them as they are.
func (a *association) fault(id uint32, presentation uint16, status uint32, flags uint8) error {
	return a.send(Header{Type: FaultPDU, Flags: whole | flags, CallID: id},
		&faultBody{callBody: callBody{AllocHint: 0, Context: presentation}, Status: status}, nil, nil)
}

func (a *association) send(h Header, body ndr.Body, t *trailer, token []byte) error {
	pdu, err := encode(h, body, t, token)
	if err != nil {
		return err
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	_, err = a.conn.Write(pdu)
	return err
}
