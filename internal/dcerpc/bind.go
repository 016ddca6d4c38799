package dcerpc

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/internal/ndr"
)

// Bind opens the association for interfaces and authenticates; it is called once. It fails with a *[Refusal], a
// *[NotAccepted], a *[Fault], or what the security context says. Calls of the first interface are made by Client.Call, those
// of others by their proxies.
func (c *Client) Bind(ctx context.Context, interfaces ...Syntax) error {
	return c.negotiate(ctx, Bind, interfaces)
}

// AlterContext opens more interfaces on an association that is bound.
func (c *Client) AlterContext(ctx context.Context, interfaces ...Syntax) error {
	return c.negotiate(ctx, AlterContext, interfaces)
}

// negotiate is stopped by ending the association: half a negotiation is of no use.
func (c *Client) negotiate(ctx context.Context, kind PDUType, interfaces []Syntax) (err error) {
	defer context.AfterFunc(ctx, func() { c.end(ctx.Err()) })()
	body := bindBody{MaxXmit: c.cfg.MaxFragment, MaxRecv: c.cfg.MaxFragment, Group: c.cfg.Group}
	c.mu.Lock()
	first := len(c.proxies)
	c.mu.Unlock()
	for i, s := range interfaces {
		body.Contexts = append(body.Contexts, contextElement{ID: uint16(first + i), Abstract: s, Transfer: []Syntax{NDR20}})
	}
	if kind == Bind && len(interfaces) > 0 {
		body.Contexts = append(body.Contexts, contextElement{ID: uint16(first + len(interfaces)), Abstract: interfaces[0], Transfer: []Syntax{featureSyntax(featureKeep)}})
	}
	var token []byte
	if c.sec != nil && kind == Bind {
		var done bool
		if token, done, err = c.step(ctx, nil); err != nil {
			return err
		}
		c.sec.finish(done)
	}
	ack, h, token, err := c.ask(ctx, kind, &body, token)
	if err != nil {
		return err
	}
	if err := c.accepted(kind, h, ack, interfaces); err != nil {
		return err
	}
	if kind == Bind && c.sec != nil {
		c.sec.header = h.Flags&SupportsHeaderSigning != 0
		body.Contexts = body.Contexts[:len(interfaces)]
		return c.authenticate(ctx, &body, token)
	}
	return nil
}

func (c *Client) step(ctx context.Context, token []byte) ([]byte, bool, error) {
	out, done, err := c.sec.ctx.Step(ctx, token)
	if err != nil {
		return nil, false, fmt.Errorf("authenticate the DCE/RPC association: %w", err)
	}
	return out, done, nil
}

// authenticate goes on after the first answer: with alter_context while both sides have something to say, with an auth3, which
// isn't answered, where the client has the last word ([MS-RPCE] 3.3.1.5.2).
func (c *Client) authenticate(ctx context.Context, body *bindBody, token []byte) error {
	for !c.sec.done {
		out, done, err := c.step(ctx, token)
		if err != nil {
			return err
		}
		c.sec.finish(done)
		switch {
		case out == nil && !done:
			return fmt.Errorf("authenticate the DCE/RPC association: %w", protocolError("the server stopped before the end"))
		case out == nil:
			return nil
		case done:
			return c.sendAuth3(ctx, out)
		}
		if _, _, token, err = c.ask(ctx, AlterContext, body, out); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) sendAuth3(ctx context.Context, token []byte) error {
	c.mu.Lock()
	id := c.lastID // that of the bind
	c.mu.Unlock()
	pdu, err := encode(Header{Type: Auth3, Flags: whole, CallID: id}, &auth3Body{}, &c.sec.trailer, token)
	if err != nil {
		return err
	}
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	return c.write(pdu)
}

// ask sends a bind or alter_context and waits for the answer.
func (c *Client) ask(ctx context.Context, kind PDUType, body *bindBody, token []byte) (ack *ackBody, h Header, out []byte, err error) {
	id, call, err := c.begin()
	if err != nil {
		return nil, h, nil, err
	}
	defer c.forget(id)
	var t *trailer
	h = Header{Type: kind, Flags: whole | Concurrent, CallID: id}
	if token != nil {
		t = &c.sec.trailer
		h.Flags |= SupportsHeaderSigning
	}
	pdu, err := encode(h, body, t, token)
	if err != nil {
		return nil, h, nil, err
	}
	if err := c.lock(ctx); err != nil {
		return nil, h, nil, err
	}
	err = c.write(pdu)
	c.unlock()
	if err != nil {
		return nil, h, nil, err
	}
	a := <-call.answer
	if a.err != nil {
		return nil, h, nil, a.err
	}
	_, _, end, out, err := split(a.header, a.pdu)
	if err != nil {
		return nil, h, nil, err
	}
	if a.header.Type == BindNak {
		var nak nakBody
		if err := ndr.Unmarshal(a.pdu[:min(end, headerSize+2)], within(&nak)); err != nil { // some leave out the versions
			return nil, h, nil, fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		return nil, h, nil, &Refusal{nak.Reason}
	}
	if want := map[PDUType]PDUType{Bind: BindAck, AlterContext: AlterResp}[kind]; a.header.Type != want {
		return nil, h, nil, protocolError("PDU of type %d answered by type %d", kind, a.header.Type)
	}
	ack = &ackBody{}
	if err := ndr.Unmarshal(a.pdu[:end], within(ack)); err != nil {
		return nil, h, nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return ack, a.header, out, nil
}

// accepted looks at the results for interfaces, and takes down what was agreed.
func (c *Client) accepted(kind PDUType, h Header, ack *ackBody, interfaces []Syntax) error {
	if len(ack.Results) < len(interfaces) {
		return protocolError("%d results for %d interfaces", len(ack.Results), len(interfaces))
	}
	for i, s := range interfaces {
		if r := ack.Results[i]; r.Result != acceptance {
			return &NotAccepted{s, r.Result, r.Reason}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range interfaces {
		c.proxies = append(c.proxies, &Proxy{Interface: s, client: c, id: uint16(len(c.proxies))})
	}
	if kind == Bind {
		c.maxXmit = max(min(c.maxXmit, ack.MaxRecv), minFragment)
		c.group = ack.Group
		if h.Flags&Concurrent == 0 {
			c.serial = make(chan struct{}, 1)
			c.serial <- struct{}{}
		}
	}
	return nil
}
