package rpchttp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// rpcPDU is an RPC request PDU of n bytes.
func rpcPDU(n int, fill byte) []byte {
	b := bytes.Repeat([]byte{fill}, n)
	copy(b, []byte{5, 0, 0, 3, 0x10, 0, 0, 0})
	binary.LittleEndian.PutUint16(b[8:], uint16(n))
	return b
}

// peer is one HTTP connection at the side that a test plays itself.
type peer struct {
	t    *testing.T
	c    net.Conn
	br   *bufio.Reader
	body io.Reader
	head http.Header
	size int64 // Content-Length
}

func newPeer(t *testing.T, c net.Conn) *peer {
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	return &peer{t: t, c: c, br: bufio.NewReader(c)}
}

func (p *peer) send(pdus ...[]byte) {
	p.t.Helper()
	if _, err := p.c.Write(bytes.Join(pdus, nil)); err != nil {
		p.t.Fatal(err)
	}
}

// rts reads an RTS PDU of the form wanted, passing over Pings.
func (p *peer) rts(want *form) *rts {
	p.t.Helper()
	for {
		b, err := readPDU(p.body)
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", want.name, err)
		}
		r, err := decodeRTS(b)
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", want.name, err)
		}
		if r.is(ping) && want != ping {
			continue
		}
		if !r.is(want) {
			p.t.Fatalf("%v, want %s", r, want.name)
		}
		return r
	}
}

// rpc reads an RPC PDU, which has to be the one wanted.
func (p *peer) rpc(want []byte) {
	p.t.Helper()
	if b, err := readPDU(p.body); err != nil || !bytes.Equal(b, want) {
		p.t.Fatalf("%.40x, %v, want %.40x", b, err, want)
	}
}

// ended checks that the other side has closed the connection.
func (p *peer) ended(what string) {
	p.t.Helper()
	if _, err := io.Copy(io.Discard, p.c); errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "timeout") {
		p.t.Errorf("%s: not closed: %v", what, err)
	}
}

// proxy is a server that a test plays itself.
type proxy struct {
	net.Listener
	t *testing.T
}

func newProxy(t *testing.T) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	return &proxy{l, t}
}

// accept takes a request of the method.
func (x *proxy) accept(kind Channel) *peer {
	x.t.Helper()
	c, err := x.Accept()
	if err != nil {
		x.t.Fatal(err)
	}
	p := newPeer(x.t, c)
	r, err := http.ReadRequest(p.br)
	if err != nil || r.Method != string(kind) {
		x.t.Fatalf("%+v, %v, want %s", r, err, kind)
	}
	p.body, p.head, p.size = r.Body, r.Header, r.ContentLength
	return p
}

// both takes the requests of a virtual connection, which come in any order.
func (x *proxy) both() (in, out *peer) {
	x.t.Helper()
	for range 2 {
		c, err := x.Accept()
		if err != nil {
			x.t.Fatal(err)
		}
		p := newPeer(x.t, c)
		r, err := http.ReadRequest(p.br)
		if err != nil {
			x.t.Fatal(err)
		}
		p.body, p.head, p.size = r.Body, r.Header, r.ContentLength
		if r.Method == string(In) {
			in = p
		} else {
			out = p
		}
	}
	return in, out
}

const okHeader = "HTTP/1.1 200 Success\r\nContent-Type: application/rpc\r\nContent-Length: 1073741824\r\n\r\n"

func get(t *testing.T, c net.Conn, want ...[]byte) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	all := bytes.Join(want, nil)
	b := make([]byte, len(all))
	if n, err := io.ReadFull(c, b); err != nil || !bytes.Equal(b, all) {
		t.Fatalf("Read: %.60x (%d bytes), %v, want %.60x (%d bytes)", b, n, err, all, len(all))
	}
}

// TestOtherProxy plays a proxy whose channels are recycled by the sequences IN_R1 and OUT_R1, which end at another one, and
// checks what the client says to it word for word.
func TestOtherProxy(t *testing.T) {
	x := newProxy(t)
	dialed := make(chan net.Conn, 1)
	go func() {
		c, err := Dial(t.Context(), Config{URL: "http://" + x.Addr().String() + "/rpc/rpcproxy.dll?guid@example.com:6001",
			ChannelLifetime: 32 << 10, ReceiveWindow: 64 << 10, Keepalive: time.Minute})
		if err != nil {
			t.Error(err)
		}
		dialed <- c
	}()
	in, out := x.both()
	a1, b1 := out.rts(connA1), in.rts(connB1)
	if out.size != 76 || in.size != 32<<10 || in.head.Get("Accept") != "application/rpc" || in.head.Get("User-Agent") != "MSRPC" ||
		in.head.Get("Pragma") != "No-cache" || in.head.Get("Cache-Control") != "no-cache" {
		t.Errorf("IN %d %v, OUT %d", in.size, in.head, out.size)
	}
	vc := a1.commands[1].cookie
	if b1.commands[1].cookie != vc || a1.commands[3].number != 64<<10 || b1.commands[3].number != 32<<10 || b1.commands[4].number != 60000 {
		t.Errorf("%+v %+v", a1, b1)
	}
	out.send([]byte(okHeader), connA3.with(millis(2*time.Minute)).encode())
	out.send(connC2.with(size(16<<10), millis(2*time.Minute)).encode())
	c := <-dialed
	defer c.Close()

	// OUT_R1, the successor's answer in chunks, as some firewalls make them.
	outCookie := a1.commands[2].cookie
	out.send(rpcPDU(100, 1), outA2.with().encode())
	next := x.accept(Out)
	a3 := next.rts(outA3)
	if m := a3.commands; m[1].cookie != vc || m[2].cookie != outCookie || m[4].number != 64<<10 || next.size != 120 {
		t.Errorf("%+v, %d", a3, next.size)
	}
	outCookie = a3.commands[3].cookie
	out.send(outR1A6.with(millis(2 * time.Minute)).encode())
	if a7 := in.rts(outR1A7); a7.commands[0].number != uint32(toServer) || a7.commands[1].cookie != outCookie {
		t.Errorf("%+v", a7)
	}
	out.send(rpcPDU(200, 2), outR1A10.with().encode(), []byte("garbage"))
	next.rts(outR1A10)
	out.ended("predecessor")
	out = next
	chunk := func(b []byte) []byte { return fmt.Appendf(nil, "%x\r\n%s\r\n", len(b), b) }
	big := rpcPDU(5000, 3)
	out.send([]byte("HTTP/1.1 200 Success\r\nTransfer-Encoding: chunked\r\n\r\n"), chunk(big[:7]), chunk(big[7:]))
	get(t, c, rpcPDU(100, 1), rpcPDU(200, 2), big)

	// Acknowledgements are of the successor alone.
	for range 8 {
		out.send(chunk(big))
		get(t, c, big)
	}
	if ack := in.rts(flowControlAckTo).commands; ack[0].number != uint32(toOutProxy) || ack[1].cookie != outCookie ||
		ack[1].received != 35000 || ack[1].window != 64<<10 {
		t.Errorf("%+v", ack)
	}

	// IN_R1: the successor has another window.
	sent := 0
	write := func(n int, fill byte) {
		t.Helper()
		c.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write(rpcPDU(n, fill)); err != nil {
			t.Fatal(err)
		}
		sent += n
	}
	inCookie := b1.commands[2].cookie
	for i := range 7 { // 28000 bytes, acknowledged as far as needed
		write(4000, byte(i))
		in.rpc(rpcPDU(4000, byte(i)))
		out.send(chunk(flowControlAck.with(ackOf(inCookie, uint32(sent), 16<<10)).encode()))
	}
	following := x.accept(In)
	a1 = following.rts(inA1)
	if m := a1.commands; m[1].cookie != vc || m[2].cookie != inCookie || following.size != 32<<10 {
		t.Errorf("%+v, %d", a1, following.size)
	}
	inCookie = a1.commands[3].cookie
	out.send(chunk(inR1A4.with(size(8<<10), millis(2*time.Minute)).encode()))
	if a5 := in.rts(inA5); a5.commands[0].cookie != inCookie {
		t.Errorf("%+v", a5)
	}
	in.c.Close()
	in = following
	for i := range 2 {
		write(4000, byte(10+i))
		in.rpc(rpcPDU(4000, byte(10+i)))
	}
	c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Write(rpcPDU(4000, 12)); err == nil {
		t.Error("the successor's window isn't heeded")
	}
	out.send(chunk(flowControlAck.with(ackOf(cookie{1}, 8000, 8<<10)).encode())) // another channel's
	c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Write(rpcPDU(4000, 12)); err == nil {
		t.Error("another channel's acknowledgement is taken for this one's")
	}
	asGromox := flowControlAckTo.with(ackOf(inCookie, 8000, 8<<10))
	asGromox.commands[0].number = uint32(toClient)
	out.send(chunk(asGromox.encode()))
	write(4000, 12)
	in.rpc(rpcPDU(4000, 12))

	c.Close()
	in.ended("IN")
	out.ended("OUT")
}

// TestUnexpected has a proxy say what it mustn't. The connection ends with an error that says so.
func TestUnexpected(t *testing.T) {
	ack := flowControlAck.with(ackOf(cookie{1}, 0, 0)).encode()
	for _, test := range []struct {
		name   string
		opened bool
		send   []byte
		want   string
	}{
		{"C2 before A3", false, connC2.with(size(64<<10), millis(time.Minute)).encode(), "unexpected CONN/C1 or CONN/C2"},
		{"ack before C2", false, ack, "unexpected FlowControlAck"},
		{"RPC before C2", false, rpcPDU(100, 1), "RPC PDU before"},
		{"second A3", true, connA3.with(millis(time.Minute)).encode(), "unexpected CONN/A3"},
		{"A6 without A2", true, outR2A6.with().encode(), "unexpected OUT_R2/A5 or OUT_R2/A6"},
		{"B3 without A6", true, outR2B3.with().encode(), "unexpected OUT_R2/B3"},
		{"A4 without A1", true, inR2A4.with().encode(), "unexpected IN_R2/A3"},
		{"for another", true, (&rts{flags: flagRecycle, commands: []command{{kind: cmdDestination, number: 2}}}).encode(), "unexpected OUT_R1/A1"},
		{"unknown", true, (&rts{flags: 0x77, commands: []command{{kind: cmdEmpty}}}).encode(), "unexpected RTS PDU with flags 0x77 and commands [7]"},
		{"malformed", true, []byte{5, 0, 20, 3, 16, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0}, "malformed"},
		{"no PDU", true, []byte("HTTP/1.0 503 RPC Error: 6ba\r\n\r\n"), "isn't an RPC PDU"},
		{"end", true, nil, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			x := newProxy(t)
			failed := make(chan error, 1)
			go func() {
				c, err := Dial(t.Context(), Config{URL: "http://" + x.Addr().String() + "/rpc/rpcproxy.dll?mail:6001", OpenTimeout: 10 * time.Second})
				if err == nil {
					_, err = c.Read(make([]byte, 1))
				}
				failed <- err
			}()
			in, out := x.both()
			out.send([]byte(okHeader))
			if test.opened {
				out.send(connA3.with(millis(2*time.Minute)).encode(), connC2.with(size(64<<10), millis(2*time.Minute)).encode())
			}
			out.send(test.send)
			if test.send == nil {
				out.c.Close()
			}
			if err := <-failed; !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want ...%s...", err, test.want)
			}
			in.ended("IN")
		})
	}
}

// channelTo opens a channel to a Handler by hand.
func channelTo(t *testing.T, s *httptest.Server, kind Channel, length int, header string, first []byte) *peer {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := newPeer(t, c)
	p.send(fmt.Appendf(nil, "%s /rpc/rpcproxy.dll?mail:6001 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n", kind, length, header), first)
	return p
}

// answer reads the head of the answer and checks its status line.
func (p *peer) answer(want string) *peer {
	p.t.Helper()
	r, err := http.ReadResponse(p.br, nil)
	if err != nil || r.Status != want {
		p.t.Fatalf("%+v, %v, want %s", r, err, want)
	}
	p.body, p.head = r.Body, r.Header
	return p
}

type userKey struct{}

// handled serves a Handler whose user is in a header.
func handled(t *testing.T, h *Handler) *httptest.Server {
	h.User = func(ctx context.Context) string { return ctx.Value(userKey{}).(string) }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, r.Header.Get("User"))))
	}))
	t.Cleanup(func() {
		h.Close()
		s.Close()
	})
	return s
}

// halves opens both channels of a connection by hand.
func halves(t *testing.T, s *httptest.Server, inLength int) (in, out *peer, vc, inCookie, outCookie cookie) {
	vc, inCookie, outCookie = newCookie(), newCookie(), newCookie()
	in = channelTo(t, s, In, inLength, "", connB1.with(id(vc), id(inCookie), size(inLength), millis(time.Minute), id(newCookie())).encode())
	out = channelTo(t, s, Out, 76, "", connA1.with(id(vc), id(outCookie), size(64<<10)).encode())
	out.answer("200 Success").rts(connA3)
	out.rts(connC2)
	return in, out, vc, inCookie, outCookie
}

func TestServerRefuses(t *testing.T) {
	h := &Handler{MaxConnections: 1, OpenTimeout: 5 * time.Second, ConnectionTimeout: 10 * time.Minute,
		Serve: func(_ context.Context, c net.Conn, _ Info) { io.Copy(io.Discard, c) }}
	s := handled(t, h)
	vc := newCookie()
	a1 := connA1.with(id(vc), id(newCookie()), size(64<<10)).encode()
	b1 := connB1.with(id(vc), id(newCookie()), size(1<<20), millis(time.Minute), id(newCookie())).encode()
	other := connA1.with(id(newCookie()), id(newCookie()), size(64<<10)).encode()

	channelTo(t, s, In, 76, "", other).answer("503 RPC Error: 6c0") // an IN channel begins with CONN/B1
	channelTo(t, s, Out, 76, "", rpcPDU(76, 0)).answer("503 RPC Error: 6c0")
	channelTo(t, s, Out, 80, "", []byte(strings.Repeat("x", 80))).answer("503 RPC Error: 6c0")
	channelTo(t, s, Out, 75, "", a1[:75]).answer("503 RPC Error: 6c0")
	channelTo(t, s, Out, 120, "", outA3.with(id(vc), id(vc), id(vc), size(64<<10)).encode()).answer("503 RPC Error: 6ba")
	channelTo(t, s, In, 1<<20, "", inA1.with(id(vc), id(vc), id(vc)).encode()).answer("503 RPC Error: 6ba")
	channelTo(t, s, Out, 1<<20, "", nil).answer("413 Request Entity Too Large")

	out := channelTo(t, s, Out, 76, "User: anna\r\nPragma: No-cache, MinConnTimeout=120, x=1\r\n", a1).answer("200 Success")
	if m := out.rts(connA3).commands; m[0].time() != 2*time.Minute {
		t.Errorf("connection timeout %v", m[0].time())
	}
	busy := channelTo(t, s, Out, 76, "", other).answer("503 RPC Error: 6bb")
	if busy.head.Get("Retry-After") != "30" {
		t.Errorf("%v", busy.head)
	}
	channelTo(t, s, In, 1<<20, "User: bob\r\n", b1).answer("503 RPC Error: 5")
	channelTo(t, s, In, 1<<20, "User: anna\r\n", b1)
	out.rts(connC2)
	channelTo(t, s, Out, 76, "User: anna\r\n", a1)
	out.ended("after a second OUT channel")
}

func TestServerHTTP(t *testing.T) {
	s := handled(t, &Handler{})
	do := func(method, target string, body io.Reader) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequest(method, s.URL+target, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp, string(b)
	}
	const target = "/rpc/rpcproxy.dll?mail:6001"
	for _, method := range []string{"RPC_IN_DATA", "RPC_OUT_DATA"} {
		for _, body := range []string{"", "\xF8\xE8\x18\x08", "0123456789abcdef"} {
			resp, got := do(method, target, strings.NewReader(body))
			if resp.StatusCode != 200 || resp.ContentLength != 20 || resp.Header.Get("Content-Type") != "application/rpc" ||
				got != "\x05\x00\x14\x03\x10\x00\x00\x00\x14\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00" {
				t.Errorf("echo of %q: %v %x", body, resp, got)
			}
		}
	}
	for _, test := range []struct {
		method, target string
		body           io.Reader
		want           int
	}{
		{"GET", target, nil, http.StatusMethodNotAllowed},
		{"RPC_IN_DATA", "/rpc/rpcproxy.dll", nil, http.StatusBadRequest},
		{"RPC_IN_DATA", "/rpc/rpcproxy.dll?mail", nil, http.StatusBadRequest},
		{"RPC_IN_DATA", "/rpc/rpcproxy.dll?:6001", nil, http.StatusBadRequest},
		{"RPC_IN_DATA", "/rpc/rpcproxy.dll?mail:66001", nil, http.StatusBadRequest},
		{"RPC_IN_DATA", "/rpc/rpcproxy.dll?%zz:6001", nil, http.StatusBadRequest},
		{"RPC_IN_DATA", target, io.MultiReader(strings.NewReader("length unknown")), http.StatusLengthRequired},
	} {
		if resp, _ := do(test.method, test.target, test.body); resp.StatusCode != test.want {
			t.Errorf("%s %s: %s, want %d", test.method, test.target, resp.Status, test.want)
		}
	}
}

// TestServerEnds has a client break the rules of an open connection, or leave it.
func TestServerEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		send []byte
		want string // of the error that Serve's Read gives
	}{
		{"Content-Length used up", rpcPDU(896, 1), "Content-Length is used up"},
		{"PDU beyond Content-Length", rpcPDU(897, 1), "goes beyond the declared Content-Length"},
		{"unexpected", connA3.with(millis(time.Minute)).encode(), "unexpected CONN/A3"},
		{"A5 without A1", inA5.with(id(cookie{1})).encode(), "unexpected IN_R1/A5"},
		{"A7 without A2", outR2A7.with(id(cookie{1})).encode(), "unexpected OUT_R2/A7"},
		{"not a PDU", []byte("GET / HTTP/1.1\r\n\r\n"), "isn't an RPC PDU"},
		{"hangs up", nil, "EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			failed := make(chan error, 1)
			h := &Handler{Serve: func(ctx context.Context, c net.Conn, _ Info) {
				_, err := io.Copy(io.Discard, c)
				if err == nil {
					err = io.EOF
				}
				<-ctx.Done()
				failed <- err
			}}
			s := handled(t, h)
			in, out, _, _, _ := halves(t, s, 1000)
			if test.send != nil {
				in.send(test.send)
			} else {
				in.c.Close()
			}
			if err := <-failed; !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want ...%s...", err, test.want)
			}
			out.ended("OUT")
		})
	}
}

// TestServerTimers checks what the server does by itself as time passes.
func TestServerTimers(t *testing.T) {
	t.Run("only one channel", func(t *testing.T) {
		t.Parallel()
		s := handled(t, &Handler{OpenTimeout: 100 * time.Millisecond})
		out := channelTo(t, s, Out, 76, "", connA1.with(id(newCookie()), id(newCookie()), size(64<<10)).encode())
		out.answer("200 Success").rts(connA3)
		out.ended("OUT")
		in := channelTo(t, s, In, 1<<20, "", connB1.with(id(newCookie()), id(newCookie()), size(1<<20), millis(time.Minute), id(newCookie())).encode())
		in.ended("IN")
	})
	t.Run("no PDU", func(t *testing.T) {
		t.Parallel()
		s := handled(t, &Handler{OpenTimeout: 100 * time.Millisecond})
		channelTo(t, s, Out, 76, "", nil).ended("OUT")
	})
	t.Run("silent client", func(t *testing.T) {
		t.Parallel()
		s := handled(t, &Handler{ConnectionTimeout: 200 * time.Millisecond, Serve: func(_ context.Context, c net.Conn, _ Info) {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrLost) || !errors.Is(err, errSilent) {
				t.Errorf("Read: %v", err)
			}
		}})
		_, out, _, _, _ := halves(t, s, 1<<20)
		out.rts(ping)
		out.ended("OUT")
	})
	t.Run("client that doesn't recycle", func(t *testing.T) {
		t.Parallel()
		s := handled(t, &Handler{ChannelLifetime: 32 << 10, OpenTimeout: 200 * time.Millisecond, Serve: func(_ context.Context, c net.Conn, _ Info) {
			for {
				if _, err := c.Write(rpcPDU(4000, 1)); err != nil {
					if !errors.Is(err, ErrLost) {
						t.Errorf("Write: %v", err)
					}
					return
				}
			}
		}})
		_, out, _, _, _ := halves(t, s, 1<<20)
		n, _ := io.Copy(io.Discard, out.body)
		if most := int64(32 << 10); n > most {
			t.Errorf("%d bytes, of %d that were declared", n, most)
		}
	})
	t.Run("Keep-Alive", func(t *testing.T) {
		t.Parallel()
		s := handled(t, &Handler{Serve: func(_ context.Context, c net.Conn, _ Info) { io.Copy(io.Discard, c) }})
		in, out, _, _, _ := halves(t, s, 1<<20)
		in.send(keepAlive.with(millis(100 * time.Millisecond)).encode())
		for range 3 {
			out.rts(ping)
		}
	})
	t.Run("Close", func(t *testing.T) {
		t.Parallel()
		h := &Handler{Serve: func(ctx context.Context, c net.Conn, _ Info) { <-ctx.Done() }}
		s := handled(t, h)
		_, out, _, _, _ := halves(t, s, 1<<20)
		h.Close()
		out.ended("OUT")
		channelTo(t, s, Out, 76, "", connA1.with(id(newCookie()), id(newCookie()), size(64<<10)).encode()).answer("503 RPC Error: 6ba")
	})
}
