package rpchttp

import (
	"os"
	"sync"
)

// receiver is the receiving end of a virtual channel: RPC PDUs wait in it to be read.
type receiver struct {
	size  int64                                   // ReceiveWindowSize
	ack   func(c cookie, received, window uint32) // sends a FlowControlAck
	ready chan struct{}                           // something to read, or the end
	space chan struct{}                           // something was read
	turn  sync.Mutex                              // of the one Read under way

	mu         sync.Mutex
	queue      [][]byte
	queued     int64
	cookie     cookie // of the instance that is received on
	received   uint32 // BytesReceived on it
	advertised int64  // AvailableWindowAdvertised
	err        error  // the end, once the queue is read
}

func newReceiver(size int64, ack func(cookie, uint32, uint32)) *receiver {
	return &receiver{size: size, ack: ack, advertised: size, ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// begin goes on with another instance; its sender has the whole window to begin with.
func (r *receiver) begin(c cookie) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cookie, r.received, r.advertised = c, 0, r.size
}

// deliver queues a PDU. It blocks where the sender sends more than twice the window, which a correct one doesn't: it may have
// filled one on an instance and another on the successor.
func (r *receiver) deliver(pdu []byte, done <-chan struct{}) {
	for {
		r.mu.Lock()
		if r.queued == 0 || r.queued+int64(len(pdu)) <= 2*r.size {
			r.queue = append(r.queue, pdu)
			r.queued += int64(len(pdu))
			r.received += uint32(len(pdu))
			r.advertised -= int64(len(pdu))
			r.mu.Unlock()
			signal(r.ready)
			return
		}
		r.mu.Unlock()
		select {
		case <-r.space:
		case <-done:
			return
		}
	}
}

// end makes reads fail: at once, or after what is queued.
func (r *receiver) end(err error, atOnce bool) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	if atOnce {
		r.queue = nil
	}
	r.mu.Unlock()
	signal(r.ready)
}

// read gives what is there of the byte stream.
func (r *receiver) read(p []byte, passed <-chan struct{}) (int, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	for {
		select {
		case <-passed:
			return 0, os.ErrDeadlineExceeded
		default:
		}
		r.mu.Lock()
		if len(r.queue) > 0 {
			return r.take(p), nil
		}
		err := r.err
		r.mu.Unlock()
		if err != nil {
			return 0, err
		}
		if len(p) == 0 {
			return 0, nil
		}
		select {
		case <-r.ready:
		case <-passed:
		}
	}
}

// take reads from the queue, unlocks, and acknowledges ([MS-RPCH] 3.2.1.4.1.1): when less than half of the window is known
// to be free to the sender, or less than a large PDU needs, so that a sender never waits for room that there is.
func (r *receiver) take(p []byte) int {
	const largePDU = 16 << 10
	n := 0
	for n < len(p) && len(r.queue) > 0 {
		k := copy(p[n:], r.queue[0])
		n += k
		if r.queue[0] = r.queue[0][k:]; len(r.queue[0]) == 0 {
			r.queue[0] = nil
			r.queue = r.queue[1:]
		}
	}
	r.queued -= int64(n)
	free := max(r.size-r.queued, 0)
	enough := min(max(r.size/2, largePDU), r.size)
	ack := r.advertised < enough && free >= enough
	c, received := r.cookie, r.received
	if ack {
		r.advertised = free
	}
	r.mu.Unlock()
	signal(r.space)
	if ack {
		r.ack(c, received, uint32(free))
	}
	return n
}
