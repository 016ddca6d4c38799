package rpchttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// serverConn is a virtual connection at the server's end: inbound proxy, outbound proxy and server in one, so that what
// [MS-RPCH] has them say to each other is left out.
type serverConn struct {
	conn
	h       *Handler
	vc      cookie
	info    Info
	ctx     context.Context
	timeout time.Duration // ConnectionTimeout
	open    time.Duration // OpenTimeout
	pairing *time.Timer   // ends a connection whose other channel doesn't come

	outSwitched chan struct{} // recycling the OUT channel is done

	// Guarded by conn.mu:
	keepalive time.Duration // the client's
	in, out   *serverChannel
	inNext    *serverChannel // a successor that waits for the predecessor's last PDU
	inTurn    chan struct{}  // closed when that has come
	outAsked  bool           // OUT_R2/A2 is sent
	outNext   *instance      // a successor that waits for OUT_R2/A7
}

func newServerConn(h *Handler, vc cookie, ch *serverChannel) *serverConn {
	c := &serverConn{h: h, vc: vc, info: ch.info, outSwitched: make(chan struct{}, 1),
		timeout: defaulted(h.ConnectionTimeout, DefaultConnectionTimeout), open: defaulted(h.OpenTimeout, DefaultOpenTimeout)}
	if ch.timeout > 0 {
		c.timeout = min(c.timeout, ch.timeout)
	}
	c.conn.init()
	c.local, c.remote = ch.nc.LocalAddr(), ch.nc.RemoteAddr()
	var cancel context.CancelFunc
	c.ctx, cancel = context.WithCancel(ch.ctx)
	c.onEnd = func() {
		cancel()
		c.pairing.Stop()
		go c.forget()
	}
	window := min(max(defaulted(h.ReceiveWindow, DefaultReceiveWindow), minReceiveWindow), maxReceiveWindow)
	c.recv = newReceiver(int64(window), func(ch cookie, received, window uint32) {
		c.send.sendAck(flowControlAck.with(ackOf(ch, received, window)))
	})
	c.send = newSender(Out, c.open, c.fail)
	c.send.recycle = c.recycleOut
	c.mu.Lock() // fail waits until there is a timer to stop
	defer c.mu.Unlock()
	c.pairing = time.AfterFunc(c.open, func() { c.fail(&LostError{Out, errors.New("only one channel came")}) })
	return c
}

// forget takes the connection off the handler's list.
func (c *serverConn) forget() {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	delete(c.h.connections, c.vc)
}

// sameClient tells whether a channel may belong to the connection.
func (c *serverConn) sameClient(ch *serverChannel) bool {
	return c.info.User == ch.info.User && c.info.Server == ch.info.Server && c.info.Port == ch.info.Port
}

// openOut begins the OUT channel ([MS-RPCH] 3.2.4.5.3).
func (c *serverConn) openOut(ch *serverChannel, a1 *rts) {
	window := int64(a1.commands[3].number)
	c.mu.Lock()
	fits := c.out == nil && window >= minReceiveWindow
	if fits {
		c.out = ch
	}
	c.mu.Unlock()
	if !fits {
		c.fail(&ProtocolError{Out, "second channel, or too small a receive window"})
		return
	}
	c.send.change(func() {
		c.send.cur = c.outInstance(ch, window)
		c.send.peerWindow = window
		c.send.control = append(c.send.control, connA3.with(millis(c.timeout)).encode())
	})
	go c.send.run(c.done)
	c.paired()
	c.watchOut(ch)
}

// outInstance is the sending end of an OUT channel.
func (c *serverConn) outInstance(ch *serverChannel, window int64) *instance {
	lifetime := defaulted(c.h.ChannelLifetime, DefaultChannelLifetime)
	i := newInstance(ch.nc, ch.cookie, lifetime, outReserve, window, func() { c.release(ch.nc) })
	i.preamble = fmt.Appendf(nil, "HTTP/1.1 200 Success\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, lifetime)
	return i
}

// openIn begins the IN channel ([MS-RPCH] 3.2.3.5.3).
func (c *serverConn) openIn(ch *serverChannel, b1 *rts) {
	m := b1.commands
	c.mu.Lock()
	fits := c.in == nil
	if fits {
		c.in = ch
		c.keepalive = defaulted(m[4].time(), DefaultKeepalive)
		c.info.AssociationGroup = m[5].cookie
	}
	c.mu.Unlock()
	if !fits {
		c.fail(&ProtocolError{In, "second channel"})
		return
	}
	c.recv.begin(ch.cookie)
	c.paired()
	c.readIn(ch)
}

// paired opens the connection once both channels are there.
func (c *serverConn) paired() {
	c.mu.Lock()
	both := c.in != nil && c.out != nil
	keepalive := c.keepalive
	c.mu.Unlock()
	if !both || !c.pairing.Stop() {
		return // Stop is true once: the two channels' goroutines can both get here
	}
	c.send.change(func() {
		c.send.pingEvery = pingInterval(keepalive, c.timeout)
		c.send.control = append(c.send.control, connC2.with(size(c.recv.size), millis(c.timeout)).encode())
	})
	c.h.start(c)
}

// readIn receives on an IN channel.
func (c *serverConn) readIn(ch *serverChannel) {
	ch.nc.setWait(c.timeout)
	for {
		pdu, p, err := ch.next()
		if err != nil {
			c.fail(err)
			break
		}
		if p == nil {
			c.recv.deliver(pdu, c.done)
			continue
		}
		ended, err := c.handle(ch, p)
		if err != nil {
			c.fail(err)
		}
		if ended || err != nil {
			break
		}
	}
	c.release(ch.nc)
}

// handle does what an RTS PDU from the client asks for ([MS-RPCH] 3.2.3.5 and 3.2.5.5). ended: the channel's successor is to
// go on.
func (c *serverConn) handle(ch *serverChannel, p *rts) (ended bool, err error) {
	m := p.commands
	unexpected := &ProtocolError{In, "unexpected " + p.String()}
	switch {
	case p.is(ping):
	case p.is(keepAlive):
		interval := defaulted(m[0].time(), DefaultKeepalive)
		c.send.change(func() { c.send.pingEvery = pingInterval(interval, c.timeout) })
	case p.is(flowControlAckTo) && destination(m[0].number) == toOutProxy:
		c.send.acknowledged(&m[1])
	case p.is(flowControlAck):
		c.send.acknowledged(&m[0])
	case p.is(inA5):
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.inNext == nil || c.inNext.cookie != m[0].cookie {
			return false, unexpected
		}
		c.in, c.inNext = c.inNext, nil
		c.recv.begin(c.in.cookie)
		close(c.inTurn)
		return true, nil
	case (p.is(outR2A7) || p.is(outR1A7)) && destination(m[0].number) == toServer:
		c.mu.Lock()
		next := c.outNext
		c.outNext, c.outAsked = nil, false
		c.mu.Unlock()
		if next == nil || next.cookie != m[1].cookie {
			return false, unexpected
		}
		c.send.change(func() {
			c.send.peerWindow = next.window
			c.send.succ, c.send.last = next, outR2B3.with().encode()
		})
		c.outSwitched <- struct{}{}
	default:
		return false, unexpected
	}
	return false, nil
}

// succeedIn begins the successor of the IN channel: protocol sequence IN_R2 ([MS-RPCH] 3.2.3.5.5.1).
func (c *serverConn) succeedIn(ch *serverChannel, a1 *rts) {
	if !c.adopt(ch.nc) {
		return
	}
	late := time.NewTimer(c.open)
	defer late.Stop()
	wait := func(turn <-chan struct{}) bool {
		select {
		case <-turn:
			return true
		case <-late.C:
			c.fail(&LostError{In, errors.New("the predecessor of a channel didn't end in time")})
		case <-c.done:
		}
		return false
	}
	predecessor := a1.commands[2].cookie
	turn := make(chan struct{})
	c.mu.Lock()
	if c.inNext != nil && c.inNext.cookie == predecessor {
		// The predecessor's turn is announced on another network connection than this, and may be on its way.
		before := c.inTurn
		c.mu.Unlock()
		if !wait(before) {
			return
		}
		c.mu.Lock()
	}
	fits := c.in != nil && c.in.cookie == predecessor && c.inNext == nil
	if fits {
		c.inNext, c.inTurn = ch, turn
	}
	c.mu.Unlock()
	if !fits {
		c.fail(&ProtocolError{In, "a successor of another channel"})
		return
	}
	c.send.rts(inR2A4.with())
	if wait(turn) {
		c.readIn(ch)
	}
}

// recycleOut asks the client for a successor of the OUT channel: protocol sequence OUT_R2 ([MS-RPCH] 3.2.1.5.3.5).
func (c *serverConn) recycleOut(*instance) {
	c.mu.Lock()
	c.outAsked = true
	c.mu.Unlock()
	c.send.rts(outA2.with())
	timeout := time.NewTimer(c.open)
	defer timeout.Stop()
	select {
	case <-c.outSwitched:
	case <-timeout.C:
		c.fail(&LostError{Out, errors.New("the client didn't recycle the channel in time")})
	case <-c.done:
	}
}

// succeedOut begins the successor of the OUT channel ([MS-RPCH] 3.2.4.5.6.1).
func (c *serverConn) succeedOut(ch *serverChannel, a3 *rts) {
	if !c.adopt(ch.nc) {
		return
	}
	m := a3.commands
	next := c.outInstance(ch, int64(m[4].number))
	next.plugged = true // until OUT_R2/C1
	c.mu.Lock()
	fits := c.outAsked && c.out.cookie == m[2].cookie && c.outNext == nil && next.window >= minReceiveWindow
	if fits {
		c.outNext, c.out = next, ch
	}
	c.mu.Unlock()
	if !fits {
		c.fail(&ProtocolError{Out, "a successor of another channel"})
		return
	}
	c.send.rts(outR2A6.with())
	if _, p, err := ch.next(); err != nil || p == nil || !p.is(outR2C1) && !p.is(outR2C1Padded) && !p.is(outR1A10) {
		if err == nil || err == io.EOF {
			err = &ProtocolError{Out, "no OUT_R2/C1"}
		}
		c.fail(err)
		return
	}
	c.send.change(func() { next.plugged = false })
	c.watchOut(ch)
}

// watchOut waits until the client closes an OUT channel, which it does when it wants no more of the connection.
func (c *serverConn) watchOut(ch *serverChannel) {
	ch.nc.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, ch.nc)
	c.mu.Lock()
	current := c.out == ch
	c.mu.Unlock()
	if current {
		c.fail(io.EOF)
	}
}
