package rpchttp

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// conn is a virtual connection at the client's or the server's end: a net.Conn.
type conn struct {
	send          *sender
	recv          *receiver
	local, remote net.Addr
	rd, wd        *deadline
	done          chan struct{} // closed when the connection has failed or is closed
	onEnd         func()        // called once then

	mu   sync.Mutex
	err  error
	open map[net.Conn]struct{} // network connections to be closed with it
}

func (c *conn) init() {
	c.rd, c.wd = newDeadline(), newDeadline()
	c.done = make(chan struct{})
	c.open = make(map[net.Conn]struct{})
}

// adopt makes nc close with the connection; false if it has ended already: then nc is closed.
func (c *conn) adopt(nc net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		nc.Close()
		return false
	}
	c.open[nc] = struct{}{}
	return true
}

// release closes nc before the connection ends.
func (c *conn) release(nc net.Conn) {
	c.mu.Lock()
	delete(c.open, nc)
	c.mu.Unlock()
	nc.Close()
}

// fail ends the connection; the first reason counts.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	open := c.open
	c.open = nil
	c.mu.Unlock()
	close(c.done)
	c.recv.end(err, errors.Is(err, net.ErrClosed))
	for nc := range open {
		go nc.Close() // TLS may take its time to say goodbye
	}
	if c.onEnd != nil {
		c.onEnd()
	}
}

// failure is why the connection has ended, for writers.
func (c *conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == io.EOF {
		return &LostError{c.send.channel, io.ErrClosedPipe}
	}
	return c.err
}

// Read implements net.Conn. RTS PDUs aren't part of the stream.
func (c *conn) Read(p []byte) (int, error) { return c.recv.read(p, c.rd.passed()) }

// Write implements net.Conn. b is one whole PDU, or several.
func (c *conn) Write(b []byte) (n int, err error) {
	for n < len(b) {
		rest := b[n:]
		if len(rest) < headerSize || fragLength(rest) < headerSize || fragLength(rest) > len(rest) || isRTS(rest) {
			return n, errors.New("rpchttp: what is written isn't a whole RPC PDU")
		}
		pdu := rest[:fragLength(rest)]
		if err := c.send.write(pdu, c.wd.passed(), c.done, c.failure); err != nil {
			return n, err
		}
		n += len(pdu)
	}
	return n, nil
}

// Close implements net.Conn. It doesn't wait for anything.
func (c *conn) Close() error {
	c.fail(net.ErrClosed)
	return nil
}

// LocalAddr implements net.Conn: the address of the first IN channel's network connection.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn, likewise.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	c.rd.set(t)
	c.wd.set(t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { c.rd.set(t); return nil }

// SetWriteDeadline implements net.Conn. A Write that it cuts off ends the connection, if a part of the PDU was sent.
func (c *conn) SetWriteDeadline(t time.Time) error { c.wd.set(t); return nil }

// readPDU reads one PDU. io.EOF: the stream ended before it; an end within is io.ErrUnexpectedEOF.
func readPDU(r io.Reader) ([]byte, error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	n := fragLength(h[:])
	if h[0] != 5 || n < headerSize {
		return nil, errNotPDU
	}
	b := make([]byte, n)
	copy(b, h[:])
	if _, err := io.ReadFull(r, b[headerSize:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

var errNotPDU = errors.New("what came isn't an RPC PDU")

// receivedError is what err of reading from ch means for the virtual connection.
func receivedError(ch Channel, err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, errNotPDU):
		return &ProtocolError{ch, err.Error()}
	case errors.As(err, &timeout) && timeout.Timeout():
		err = errSilent
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return &LostError{ch, err}
}

// patient reads from a network connection and gives up when nothing comes for some time.
type patient struct {
	net.Conn
	mu   sync.Mutex
	wait time.Duration // 0: for ever
}

func (p *patient) Read(b []byte) (int, error) {
	p.mu.Lock()
	wait := p.wait
	p.mu.Unlock()
	if wait > 0 {
		p.Conn.SetReadDeadline(time.Now().Add(wait))
	}
	return p.Conn.Read(b)
}

// setWait changes the patience, for the next Read; zero leaves deadlines alone.
func (p *patient) setWait(d time.Duration) {
	p.mu.Lock()
	p.wait = d
	p.mu.Unlock()
}

// pduBuffer is large enough for the PDUs that Exchange's clients and servers send, 5840 bytes at most.
const pduBuffer = 8 << 10

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, pduBuffer) }
