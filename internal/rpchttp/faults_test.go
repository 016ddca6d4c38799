package rpchttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/rpchttp"
)

// exchange sends n PDUs and reads them back from an echo server.
func exchange(c net.Conn, n int) error {
	for i := range n {
		b := pdu(16+i*37%5000, byte(i))
		if _, err := c.Write(b); err != nil {
			return err
		}
		got := make([]byte, len(b))
		if _, err := io.ReadFull(c, got); err != nil {
			return err
		}
		if !bytes.Equal(got, b) {
			return fmt.Errorf("PDU %d came back as another", i)
		}
	}
	return nil
}

// faulty is a network connection that fails at a certain one of all reads and writes of a client.
type faulty struct {
	net.Conn
	left  *atomic.Int64
	fault func(c *faulty) // what happens then
	stuck atomic.Bool     // nothing comes or goes any more
}

func (f *faulty) step() {
	if f.left.Add(-1) == 0 {
		f.fault(f)
	}
}

func (f *faulty) Read(b []byte) (int, error) {
	f.step()
	for {
		n, err := f.Conn.Read(b)
		if !f.stuck.Load() || err != nil {
			return n, err
		}
	}
}

func (f *faulty) Write(b []byte) (int, error) {
	f.step()
	if f.stuck.Load() {
		return len(b), nil
	}
	return f.Conn.Write(b)
}

// network makes connections that share one countdown to a fault.
func network(steps int64, fault func(*faulty)) (dial func(context.Context, string, string) (net.Conn, error), left *atomic.Int64) {
	left = new(atomic.Int64)
	left.Store(steps)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return &faulty{Conn: c, left: left, fault: fault}, err
	}, left
}

// TestFaults cuts, or stalls, a network connection at every read and write of a client whose channels are being recycled. Both
// sides have to notice, soon.
func TestFaults(t *testing.T) {
	const pdus = 60 // some 150 KB, which takes several channels each way
	before := runtime.NumGoroutine()
	for _, test := range []struct {
		name  string
		fault func(*faulty)
		every int64
		limit time.Duration
	}{
		{"cut", func(f *faulty) { f.Conn.Close() }, 1, 3 * time.Second},
		{"stalled", func(f *faulty) { f.stuck.Store(true) }, 7, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			var serving sync.WaitGroup
			s := start(t, &rpchttp.Handler{ChannelLifetime: 40 << 10, ConnectionTimeout: 400 * time.Millisecond, OpenTimeout: time.Second,
				Serve: func(ctx context.Context, c net.Conn, i rpchttp.Info) {
					serving.Add(1)
					defer serving.Done()
					echo(ctx, c, i)
				}}, false)
			run := func(steps int64) (left int64, err error) {
				cfg := s.config()
				cfg.ChannelLifetime, cfg.Keepalive, cfg.OpenTimeout = 40<<10, 400*time.Millisecond, time.Second
				dial, counter := network(steps, test.fault)
				cfg.Dial = dial
				begin := time.Now()
				c, err := rpchttp.Dial(t.Context(), cfg)
				if err == nil {
					defer c.Close()
					c.SetDeadline(begin.Add(test.limit))
					err = exchange(c, pdus)
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("step %d: not noticed in %v", steps, time.Since(begin))
				}
				return counter.Load(), err
			}
			left, err := run(1 << 30)
			if err != nil {
				t.Fatal(err)
			}
			steps := 1<<30 - left
			failures := 0
			limit := make(chan struct{}, 16)
			var mu sync.Mutex
			var all sync.WaitGroup
			for at := int64(1); at <= steps; at += test.every {
				limit <- struct{}{}
				all.Go(func() {
					defer func() { <-limit }()
					_, err := run(at)
					if err == nil {
						return // the fault was in the last reads, or what comes after them
					}
					var network *rpchttp.NetworkError
					if !errors.Is(err, rpchttp.ErrLost) && !errors.As(err, &network) {
						t.Errorf("step %d: %v", at, err)
					}
					mu.Lock()
					failures++
					mu.Unlock()
				})
			}
			all.Wait()
			t.Logf("%d steps, %d failures", steps, failures)
			if int64(failures) < steps/test.every*3/4 {
				t.Errorf("%d failures in %d steps", failures, steps)
			}
			serving.Wait() // the server has noticed, too
		})
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

// TestDeadlines checks what a net.Conn has to do when the other side is slow.
func TestDeadlines(t *testing.T) {
	hold := make(chan struct{})
	s := start(t, &rpchttp.Handler{ReceiveWindow: 16 << 10, Serve: func(_ context.Context, c net.Conn, _ rpchttp.Info) {
		<-hold
		io.Copy(io.Discard, c)
	}}, false)
	c := dial(t, s.config())

	c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Read again: %v", err)
	}

	// The server's window is filled; then nothing more is sent, until it reads.
	c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	sent := 0
	var err error
	for ; err == nil; sent += 4096 {
		_, err = c.Write(pdu(4096, 1))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || sent-4096 != 16<<10 {
		t.Errorf("Write after %d bytes: %v", sent-4096, err)
	}
	c.SetDeadline(time.Time{})
	done := make(chan error)
	go func() {
		_, err := c.Write(pdu(4096, 2))
		done <- err
	}()
	close(hold)
	if err := <-done; err != nil {
		t.Errorf("Write: %v", err)
	}

	// Closing frees who waits.
	go func() {
		_, err := c.Read(make([]byte, 1))
		done <- err
	}()
	c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read during Close: %v", err)
	}
	if _, err := c.Write(pdu(16, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
}

// TestWholePDUs refuses to write what isn't a whole RPC PDU, or can't ever be sent.
func TestWholePDUs(t *testing.T) {
	s := start(t, &rpchttp.Handler{ReceiveWindow: 8 << 10, Serve: echo}, false)
	c := dial(t, s.config())
	rts := pdu(20, 0)
	rts[2] = 20
	for what, b := range map[string][]byte{
		"half a header": pdu(16, 0)[:8], "half a PDU": pdu(100, 0)[:99], "more": append(pdu(100, 0), 5), "no length": make([]byte, 16),
		"an RTS PDU": rts, "more than the window": pdu(8<<10+1, 0),
	} {
		if n, err := c.Write(b); err == nil || what == "more" && n != 100 || what != "more" && n != 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	io.ReadFull(c, make([]byte, 100))
	if err := exchange(c, 5); err != nil {
		t.Error(err)
	}
	if n, err := c.Write(append(pdu(100, 1), pdu(200, 2)...)); n != 300 || err != nil {
		t.Errorf("two PDUs: %d, %v", n, err)
	}
	got := make([]byte, 300)
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, append(pdu(100, 1), pdu(200, 2)...)) {
		t.Errorf("two PDUs came back as %x, %v", got, err)
	}
}

// TestPings has an idle connection outlive its timeout many times over.
func TestPings(t *testing.T) {
	t.Parallel()
	s := start(t, &rpchttp.Handler{ConnectionTimeout: 200 * time.Millisecond, Serve: echo}, false)
	cfg := s.config()
	cfg.Keepalive = 200 * time.Millisecond
	c := dial(t, cfg)
	c.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Time{})
	if err := exchange(c, 3); err != nil {
		t.Error(err)
	}
}
