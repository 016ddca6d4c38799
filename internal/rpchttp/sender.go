package rpchttp

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// instance is one HTTP request or answer that carries a part of a virtual channel, at its sending end.
type instance struct {
	conn     net.Conn
	cookie   cookie
	left     int64  // bytes that its body may still carry
	reserve  int64  // of these, what is kept for RTS PDUs: without them the channel could not be recycled
	early    int64  // recycling begins when so little is left above the reserve
	preamble []byte // HTTP header to be sent before anything else
	plugged  bool   // nothing may be sent yet ([MS-RPCH] 3.2.1.1.4, PlugState)
	sent     uint32 // BytesSent: RPC PDUs only
	window   int64  // Sender AvailableWindow
	end      func() // called once it has carried its last PDU
}

// newInstance has a body of the given length.
func newInstance(conn net.Conn, c cookie, length, reserve, window int64, end func()) *instance {
	// Recycling takes some round trips. What is sent meanwhile should fit, so that the transfer doesn't pause.
	const lead = 256 << 10
	return &instance{conn: conn, cookie: c, left: length, reserve: reserve, early: min(length/8, lead), window: window, end: end}
}

// lastPDU is room for the one PDU that ends an instance, an IN_R1/A5 or OUT_R2/B3.
const lastPDU = 64

// request is a Write that waits for its PDU to be sent.
type request struct {
	pdu  []byte
	done chan error
}

// sender is the sending end of a virtual channel: it decides what goes out next, and is the only one to write.
type sender struct {
	channel Channel
	timeout time.Duration   // that one write to the network may take
	recycle func(*instance) // begins recycling; called once for an instance, on a goroutine of its own
	fail    func(error)
	wake    chan struct{}
	slot    chan struct{} // held by the one Write under way

	mu         sync.Mutex
	cur        *instance // nil until the channel is there
	peerWindow int64     // the receiver's ReceiveWindowSize; 0: not known yet
	pingEvery  time.Duration
	control    [][]byte // RTS PDUs
	ack        []byte   // FlowControlAck; a newer one replaces it
	data       *request
	succ       *instance // to go on with
	last       []byte    // after this PDU on cur, its last
	recycling  bool
}

func newSender(ch Channel, timeout time.Duration, fail func(error)) *sender {
	return &sender{channel: ch, timeout: timeout, fail: fail,
		wake: make(chan struct{}, 1), slot: make(chan struct{}, 1)}
}

func (s *sender) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// change runs f under the lock and lets the sender look at what came of it.
func (s *sender) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.wakeUp()
}

// rts sends an RTS PDU soon; these aren't subject to flow control.
func (s *sender) rts(p *rts) {
	b := p.encode()
	s.change(func() { s.control = append(s.control, b) })
}

// sendAck sends a FlowControlAck soon.
func (s *sender) sendAck(p *rts) {
	b := p.encode()
	s.change(func() { s.ack = b })
}

func (s *sender) isRecycling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recycling && s.succ == nil
}

// acknowledged takes a FlowControlAck ([MS-RPCH] 3.2.1.4.1). One for an instance no longer in use is ignored.
func (s *sender) acknowledged(m *command) {
	s.change(func() {
		if s.cur == nil || m.cookie != s.cur.cookie {
			return
		}
		// The numbers wrap at 32 bits. More than the window is what gromox grants after recycling, where it goes on counting.
		underway := int64(int32(s.cur.sent - m.received))
		s.cur.window = min(max(int64(m.window)-underway, 0), s.peerWindow)
	})
}

// out is something to be written.
type out struct {
	to      *instance
	b       []byte
	req     *request
	retires bool // it is the instance's last
}

// next decides what is to be sent now; nothing if there is no b.
func (s *sender) next() out {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.cur
	if i == nil || i.plugged {
		return out{}
	}
	if b := i.preamble; b != nil {
		i.preamble = nil
		return out{to: i, b: b}
	}
	take := func(b *[]byte) out {
		o := out{to: i, b: *b}
		*b = nil
		i.left -= int64(len(o.b))
		return o
	}
	if n := int64(len(s.ack)); n > 0 && n+lastPDU <= i.left {
		return take(&s.ack)
	}
	if len(s.control) > 0 && int64(len(s.control[0]))+lastPDU <= i.left {
		o := take(&s.control[0])
		s.control = s.control[1:]
		return o
	}
	if s.succ != nil {
		o := take(&s.last)
		o.retires = true
		s.cur, s.succ, s.recycling = s.succ, nil, false
		return o
	}
	if !s.recycling && s.peerWindow > 0 && i.left <= i.reserve+i.early {
		s.recycling = true
		go s.recycle(i)
	}
	if s.data == nil {
		return out{}
	}
	n := int64(len(s.data.pdu))
	if n > i.left-i.reserve {
		if i.sent == 0 { // nor would it fit any other
			s.data.done <- fmt.Errorf("rpchttp: a PDU of %d bytes doesn't fit the channel lifetime", n)
			s.data = nil
		} else if !s.recycling {
			s.recycling = true
			go s.recycle(i)
		}
		return out{}
	}
	if n > i.window {
		return out{}
	}
	o := out{to: i, b: s.data.pdu, req: s.data}
	s.data = nil
	i.left -= n
	i.sent += uint32(n)
	i.window -= n
	return o
}

// run writes until done is closed or a write fails.
func (s *sender) run(done <-chan struct{}) {
	const idle = time.Hour
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		o := s.next()
		if o.b != nil {
			o.to.conn.SetWriteDeadline(time.Now().Add(s.timeout))
			_, err := o.to.conn.Write(o.b)
			if err != nil {
				err = &LostError{s.channel, err}
			}
			if o.req != nil {
				o.req.done <- err
			}
			if err != nil {
				s.fail(err)
				return
			}
			if o.retires {
				o.to.end()
			}
		}
		s.mu.Lock()
		wait := s.pingEvery
		s.mu.Unlock()
		if wait == 0 {
			wait = idle
		}
		timer.Reset(wait)
		if o.b != nil {
			continue
		}
		select {
		case <-s.wake:
		case <-timer.C:
			s.mu.Lock()
			if len(s.control) == 0 {
				s.control = append(s.control, ping.with().encode())
			}
			s.mu.Unlock()
		case <-done:
			return
		}
	}
}

// write sends one RPC PDU and returns when it is on its way.
func (s *sender) write(pdu []byte, passed <-chan struct{}, done <-chan struct{}, failure func() error) error {
	select {
	case s.slot <- struct{}{}:
		defer func() { <-s.slot }()
	case <-passed:
		return os.ErrDeadlineExceeded
	case <-done:
		return failure()
	}
	r := &request{pdu: pdu, done: make(chan error, 1)}
	var tooLong error
	s.change(func() {
		if room := s.peerWindow; room > 0 && int64(len(pdu)) > room {
			tooLong = fmt.Errorf("rpchttp: a PDU of %d bytes doesn't fit the peer's receive window of %d", len(pdu), room)
			return
		}
		s.data = r
	})
	if tooLong != nil {
		return tooLong
	}
	takeBack := func() (ok bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.data == r {
			s.data, ok = nil, true
		}
		return ok
	}
	select {
	case err := <-r.done:
		return err
	case <-passed:
		if !takeBack() {
			// A part of it may be out. What follows would be garbage.
			s.fail(&LostError{s.channel, os.ErrDeadlineExceeded})
			<-r.done
		}
		return os.ErrDeadlineExceeded
	case <-done:
		if !takeBack() && <-r.done == nil {
			return nil // all of it is out: whether it arrived, the peer's silence will tell
		}
		return failure()
	}
}
