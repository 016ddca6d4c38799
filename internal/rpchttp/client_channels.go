package rpchttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// recycleIn opens the successor of an IN channel ([MS-RPCH] 3.2.2.5.12).
func (c *client) recycleIn(old *instance) {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.OpenTimeout)
	defer cancel()
	next := c.channel(In)
	if err := next.request(ctx, c.cfg.ChannelLifetime, c.inSuccession(old.cookie, next)); err != nil {
		c.fail(&LostError{In, fmt.Errorf("opening a successor: %w", err)})
		return
	}
	if !c.adopt(next.nc) {
		return
	}
	go c.watchIn(next)
	c.switchIn(func() { c.inNext = next })
	select {
	case <-c.inSwitched:
	case <-ctx.Done():
		c.fail(&LostError{In, errors.New("the successor wasn't accepted in time")})
	}
}

func (c *client) inSuccession(old cookie, next *channel) *rts {
	return inA1.with(id(c.vc), id(old), id(next.cookie))
}

// switchIn goes on with the successor once its request is sent and the server has accepted it, whichever is known first.
func (c *client) switchIn(known func()) {
	c.mu.Lock()
	known()
	old, next, grant := c.in, c.inNext, c.inGrant
	if next == nil || grant == nil {
		c.mu.Unlock()
		return
	}
	c.in, c.inNext, c.inGrant = next, nil, nil
	c.mu.Unlock()
	old.retired.Store(true)
	c.send.change(func() {
		if grant.is(inR1A4) { // another proxy, with values of its own
			c.send.peerWindow = int64(grant.commands[2].number)
			c.send.pingEvery = pingInterval(grant.commands[3].time(), c.cfg.Keepalive)
		}
		// What the successor carries follows IN_R1/A5 or IN_R2/A5 on the predecessor, which is all there is to plugged mode.
		c.send.succ = c.inInstance(next, c.inSuccession(old.cookie, next), c.send.peerWindow)
		c.send.last = inA5.with(id(next.cookie)).encode()
	})
	c.inSwitched <- struct{}{}
}

// ended fails the connection, once it is open as a lost one whatever the reason.
func (c *client) ended(kind Channel, err error) {
	select {
	case <-c.opened:
		if !errors.Is(err, ErrLost) {
			err = &LostError{kind, err}
		}
	default:
	}
	c.fail(err)
}

// readOut reads the OUT channel and its successors.
func (c *client) readOut(ch *channel) {
	for {
		next, err := c.readChannel(ch)
		if err != nil {
			c.ended(Out, err)
			return
		}
		c.release(ch.nc) // whatever comes on it now is to be ignored
		ch = next
	}
}

// readChannel reads the answer that is an OUT channel, until a successor takes over.
func (c *client) readChannel(ch *channel) (next *channel, err error) {
	resp, err := ch.response()
	if err != nil {
		return nil, receivedError(Out, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, ch.httpError(resp)
	}
	for {
		pdu, err := readPDU(resp.Body)
		if err != nil {
			return nil, receivedError(Out, err)
		}
		if !isRTS(pdu) {
			if c.outState < outOpened {
				return nil, &ProtocolError{Out, "RPC PDU before the connection is open"}
			}
			c.recv.deliver(pdu, c.done)
			continue
		}
		p, err := decodeRTS(pdu)
		if err != nil {
			return nil, &ProtocolError{Out, err.Error()}
		}
		next, err := c.handle(ch, p)
		if next != nil || err != nil {
			return next, err
		}
	}
}

// handle does what an RTS PDU from the server asks for ([MS-RPCH] 3.2.2.5).
func (c *client) handle(ch *channel, p *rts) (next *channel, err error) {
	m := p.commands
	unexpected := &ProtocolError{Out, "unexpected " + p.String()}
	if len(m) > 0 && m[0].kind == cmdDestination && destination(m[0].number) != toClient {
		return nil, unexpected
	}
	switch state := c.outState; {
	case p.is(ping):
	case p.is(connA3) && state == waitA3:
		c.outState = waitC2
		c.silence = max(m[0].time(), c.cfg.Keepalive)
	case p.is(connC2) && state == waitC2:
		window := int64(m[1].number)
		if window < minReceiveWindow {
			return nil, &ProtocolError{Out, fmt.Sprintf("receive window of %d bytes", window)}
		}
		c.send.change(func() {
			c.send.peerWindow = window
			c.send.cur.window = window
			c.send.pingEvery = pingInterval(m[2].time(), c.cfg.Keepalive)
		})
		c.outState = outOpened
		ch.nc.setWait(c.silence)
		close(c.opened)
	case state < outOpened:
		return nil, unexpected

	case p.is(flowControlAck):
		c.send.acknowledged(&m[0])
	case p.is(flowControlAckTo):
		c.send.acknowledged(&m[1])

	case p.is(inR1A4), p.is(inR2A4):
		if !c.send.isRecycling() || p.is(inR1A4) && m[2].number < minReceiveWindow {
			return nil, unexpected
		}
		c.switchIn(func() { c.inGrant = p })

	case p.is(outA2) && state == outOpened:
		c.outState = waitA6
		go c.recycleOut(ch.cookie)
	case p.is(outR1A6) && state == waitA6:
		c.outState = waitA10
		c.silence = max(m[2].time(), c.cfg.Keepalive)
		c.switchOut(func() { c.outGrant = p })
	case p.is(outR2A6) && state == waitA6:
		c.outState = waitB3
		c.switchOut(func() { c.outGrant = p })
	case p.is(outR1A10) && state == waitA10, p.is(outR2B3) && state == waitB3:
		return c.nextOut(state)
	default:
		return nil, unexpected
	}
	return nil, nil
}

// recycleOut opens the successor of an OUT channel ([MS-RPCH] 3.2.2.5.6).
func (c *client) recycleOut(old cookie) {
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.OpenTimeout)
	defer cancel()
	next := c.channel(Out)
	first := outA3.with(id(c.vc), id(old), id(next.cookie), size(c.cfg.ReceiveWindow))
	if err := next.request(ctx, laterOutLength, first); err != nil {
		c.fail(&LostError{Out, fmt.Errorf("opening a successor: %w", err)})
		return
	}
	if c.adopt(next.nc) {
		c.switchOut(func() { c.outNext = next })
	}
}

// switchOut lets the server go on with the successor once its request is sent and the server has seen it, whichever is
// known first ([MS-RPCH] 3.2.2.5.7 and 3.2.2.5.9).
func (c *client) switchOut(known func()) {
	c.mu.Lock()
	known()
	next, grant := c.outNext, c.outGrant
	if next == nil || grant == nil {
		c.mu.Unlock()
		return
	}
	c.outGrant = nil
	c.mu.Unlock()
	if grant.is(outR1A6) {
		c.send.rts(outR1A7.with(id(next.cookie)))
		return
	}
	c.finish(next, outR2C1)
	c.send.rts(outR2A7.with(id(next.cookie)))
}

// finish sends the last PDU of an OUT channel's request.
func (c *client) finish(ch *channel, f *form) {
	ch.nc.SetWriteDeadline(time.Now().Add(c.cfg.OpenTimeout))
	if _, err := ch.nc.Write(f.with().encode()); err != nil {
		c.fail(&LostError{Out, err})
	}
}

// nextOut is the channel to be read on ([MS-RPCH] 3.2.2.5.8 and 3.2.2.5.10).
func (c *client) nextOut(state outState) (*channel, error) {
	c.mu.Lock()
	next, asked := c.outNext, c.outGrant == nil
	c.outNext = nil
	c.mu.Unlock()
	if next == nil || !asked {
		return nil, &ProtocolError{Out, "the channel ended before its successor was accepted"}
	}
	if state == waitA10 {
		c.finish(next, outR1A10)
	}
	c.outState = outOpened
	c.recv.begin(next.cookie)
	next.nc.setWait(c.silence)
	return next, nil
}
