package dcerpc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

// ErrClosed is what calls on a client give after its Close.
var ErrClosed = errors.New("DCE/RPC association is closed")

// ErrNotSent matches the error of a call that the server cannot have carried out: the association ended before all of it was
// sent.
var ErrNotSent = errors.New("the call wasn't sent")

// notSent is an error that matches ErrNotSent.
type notSent struct{ error }

func (e notSent) Unwrap() error        { return e.error }
func (e notSent) Is(target error) bool { return target == ErrNotSent }

// Config says how a [Client] works. The zero value is unauthenticated.
type Config struct {
	Auth     gss.Context // of the initiator, new; nil: no authentication
	AuthType AuthType    // of Auth
	Level    Level       // with Auth; LevelDefault: privacy

	MaxFragment uint16 // 0: DefaultFragment
	MaxStub     int    // of an answer, in bytes; 0: DefaultStub
	// Group is the association group to join, as Client.Group of another client gave it; 0: a new one.
	Group uint32
}

// authContextID numbers the only security context that a client has.
const authContextID = 1

// Client is one association with a server. Its methods may be called by several goroutines.
type Client struct {
	conn net.Conn
	cfg  Config
	sec  *security // nil: none

	writing chan struct{} // holds one token: who takes it may write
	serial  chan struct{} // the same for calls, where the server takes one at a time; else nil

	mu      sync.Mutex
	calls   map[uint32]*pending
	lastID  uint32
	proxies []*Proxy
	maxXmit uint16
	group   uint32
	err     error // set once the association has ended
}

// pending waits for an answer.
type pending struct {
	answer chan answer
	stub   []byte // so far
	sent   bool   // something of the request; for who may write
}

type answer struct {
	header Header
	pdu    []byte // of bind-time answers
	stub   []byte
	err    error
}

// NewClient takes over a connection; Bind comes next.
func NewClient(conn net.Conn, cfg Config) *Client {
	if cfg.MaxFragment < minFragment {
		cfg.MaxFragment = DefaultFragment
	}
	if cfg.MaxStub == 0 {
		cfg.MaxStub = DefaultStub
	}
	c := &Client{conn: conn, cfg: cfg, calls: map[uint32]*pending{}, maxXmit: cfg.MaxFragment, writing: make(chan struct{}, 1)}
	c.writing <- struct{}{}
	if cfg.Auth != nil {
		if cfg.Level == LevelDefault {
			cfg.Level = LevelPrivacy
		}
		c.sec = &security{ctx: cfg.Auth, trailer: trailer{Type: cfg.AuthType, Level: cfg.Level, ContextID: authContextID}}
	}
	go c.read()
	return c
}

// Close ends the association. Calls that are under way fail.
func (c *Client) Close() error {
	c.end(ErrClosed)
	return nil
}

// Group is the association group that the server gave, for other connections to it.
func (c *Client) Group() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.group
}

// end closes the connection and fails what waits.
func (c *Client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	c.conn.Close()
	for id, p := range c.calls {
		p.answer <- answer{err: err}
		delete(c.calls, id)
	}
}

// begin gets a number for a call.
func (c *Client) begin() (uint32, *pending, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.err
	}
	c.lastID++
	p := &pending{answer: make(chan answer, 1)}
	c.calls[c.lastID] = p
	return c.lastID, p, nil
}

// forget drops a call; it is false where its answer came before.
func (c *Client) forget(id uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.calls[id]
	delete(c.calls, id)
	return ok
}

// read takes what the server sends until the association ends.
func (c *Client) read() {
	for {
		h, pdu, err := ReadPDU(c.conn)
		if err == nil {
			err = c.take(h, pdu)
		}
		if err != nil {
			c.end(ended(err))
			return
		}
	}
}

func (c *Client) take(h Header, pdu []byte) error {
	switch h.Type {
	case BindAck, BindNak, AlterResp:
		c.deliver(h.CallID, answer{header: h, pdu: pdu})
		return nil
	case Shutdown:
		return nil // a wish: whoever uses the client decides when it has no more use for it
	case Response, FaultPDU:
	default:
		return protocolError("a client got a PDU of type %d", h.Type)
	}
	t, trailerAt, end, token, err := split(h, pdu)
	if err != nil {
		return err
	}
	stubAt := responseSize
	switch {
	case t != nil && c.sec != nil && c.sec.Level.signs():
		if err := c.sec.open(pdu, stubAt, trailerAt, t, token); err != nil {
			return err
		}
	case h.Type == Response && c.sec != nil && c.sec.Level.signs():
		return protocolError("an answer without signature")
	}
	if h.Type == FaultPDU {
		var b faultBody
		if err := ndr.Unmarshal(pdu[:end], within(&b)); err != nil {
			return fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		c.deliver(h.CallID, answer{header: h, err: &Fault{Status: b.Status, Executed: h.Flags&DidNotExecute == 0}})
		return nil
	}
	if end < stubAt {
		return protocolError("response of %d bytes", end)
	}
	c.mu.Lock()
	p := c.calls[h.CallID]
	var stub []byte
	if p != nil {
		if len(p.stub)+end-stubAt > c.cfg.MaxStub {
			c.mu.Unlock()
			return protocolError("an answer of more than %d bytes", c.cfg.MaxStub)
		}
		p.stub = append(p.stub, pdu[stubAt:end]...)
		stub = p.stub
	}
	c.mu.Unlock()
	if h.Flags&LastFragment != 0 {
		c.deliver(h.CallID, answer{header: h, stub: stub})
	}
	return nil
}

// afterHeader walks a body in a whole PDU.
type afterHeader struct{ body ndr.Body }

func within(b ndr.Body) ndr.Body { return afterHeader{b} }

func (a afterHeader) NDR(c *ndr.Coder) {
	var h Header
	h.NDR(c)
	a.body.NDR(c)
}

// deliver gives a call its answer. Those of calls that were given up go nowhere.
func (c *Client) deliver(id uint32, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.calls[id]; p != nil {
		delete(c.calls, id)
		p.answer <- a
	}
}

// lock gets the right to write.
func (c *Client) lock(ctx context.Context) error {
	select {
	case <-c.writing:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) unlock() { c.writing <- struct{}{} }

// write sends one fragment; who calls it holds the lock. A failure ends the association: nobody knows how much was sent.
func (c *Client) write(pdu []byte) error {
	if _, err := c.conn.Write(pdu); err != nil {
		err = ended(err)
		c.end(err)
		return err
	}
	return nil
}

func ended(err error) error { return fmt.Errorf("DCE/RPC association ended: %w", err) }

// Proxy calls the operations of one interface.
type Proxy struct {
	Interface Syntax
	// Object is the object that calls are for; nil, as nearly always: none.
	Object *mapi.GUID

	client *Client
	id     uint16 // of the presentation context
}

// Proxy is the proxy of an interface that was bound, nil for others.
func (c *Client) Proxy(id Syntax) *Proxy {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.proxies {
		if p.Interface == id {
			copied := *p
			return &copied
		}
	}
	return nil
}

// Call calls an operation of the interface that was bound first.
func (c *Client) Call(ctx context.Context, opnum uint16, stub []byte) ([]byte, error) {
	c.mu.Lock()
	var first *Proxy
	if len(c.proxies) > 0 {
		first = c.proxies[0]
	}
	c.mu.Unlock()
	if first == nil {
		return nil, errors.New("DCE/RPC call before Bind")
	}
	return first.Call(ctx, opnum, stub)
}

// Caller calls operations: a [Client] or a [Proxy].
type Caller interface {
	Call(ctx context.Context, opnum uint16, stub []byte) ([]byte, error)
}

// Invoke calls an operation with structures.
func Invoke(ctx context.Context, c Caller, opnum uint16, req, resp ndr.Body) error {
	in, err := ndr.Marshal(req)
	if err != nil {
		return err
	}
	out, err := c.Call(ctx, opnum, in)
	if err != nil {
		return err
	}
	return ndr.Unmarshal(out, resp)
}

// Call calls an operation: in is the stub with its parameters, the result that of the answer. An error of the server is a
// *[Fault]. Where ctx ends, the server is told that nobody waits any more.
func (p *Proxy) Call(ctx context.Context, opnum uint16, in []byte) ([]byte, error) {
	c := p.client
	if c.serial != nil {
		select {
		case <-c.serial:
			defer func() { c.serial <- struct{}{} }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id, call, err := c.begin()
	if err != nil {
		return nil, notSent{err}
	}
	go p.send(ctx, id, call, opnum, in)
	select {
	case a := <-call.answer:
		return a.stub, a.err
	case <-ctx.Done():
	}
	if c.forget(id) {
		go c.orphan(id, call)
		return nil, ctx.Err()
	}
	a := <-call.answer // it came at the same time
	return a.stub, a.err
}

// send writes a request, in fragments. They stay together, and stop where nobody waits any more.
func (p *Proxy) send(ctx context.Context, id uint32, call *pending, opnum uint16, stub []byte) {
	c := p.client
	if err := c.lock(ctx); err != nil {
		return // Call sees the same
	}
	defer c.unlock()
	h := Header{Type: Request, Flags: FirstFragment, CallID: id}
	body := callBody{AllocHint: uint32(len(stub)), Context: p.id, Detail: opnum, Object: p.Object}
	fixed := responseSize
	if p.Object != nil {
		h.Flags |= HasObject
		fixed += objectSize
	}
	c.mu.Lock()
	fragment := c.maxXmit
	c.mu.Unlock()
	most := room(fragment, fixed, c.sec.tokenSize())
	if most <= 0 {
		c.deliver(id, answer{err: fmt.Errorf("no room for a stub in fragments of %d bytes", fragment)})
		return
	}
	for ctx.Err() == nil {
		n := min(most, len(stub))
		if n == len(stub) {
			h.Flags |= LastFragment
		}
		pdu, err := encodeCall(h, &body, stub[:n], c.sec)
		if err != nil {
			c.deliver(id, answer{err: err})
			return
		}
		call.sent = true
		if _, err := c.conn.Write(pdu); err != nil {
			err = ended(err)
			c.deliver(id, answer{err: notSent{err}})
			c.end(err)
			return
		}
		if h.Flags&LastFragment != 0 {
			return
		}
		h.Flags &^= FirstFragment
		stub = stub[n:]
		body.AllocHint = uint32(len(stub))
	}
}

// orphan tells the server that nobody waits for a call ([C706] 12.6.4.8). It comes after what was sent of the request.
func (c *Client) orphan(id uint32, call *pending) {
	<-c.writing
	defer c.unlock()
	if !call.sent {
		return
	}
	if pdu, err := encode(Header{Type: Orphaned, Flags: whole, CallID: id}, noBody{}, nil, nil); err == nil {
		c.write(pdu)
	}
}
