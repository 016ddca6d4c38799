package rpchttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Info says what a virtual connection is for.
type Info struct {
	User             string // from Handler.User
	Server           string // as in the URL: a host, or a personalised name such as GUID@example.com
	Port             int
	AssociationGroup [16]byte // the same for all connections of one client process
}

// Handler is an RPC proxy with the RPC server behind it in one process: the http.Handler for /rpc/rpcproxy.dll and
// /rpcwithcert/rpcproxy.dll. Only Serve has to be set. Requests take over their HTTP/1.1 connection, so http.Server's
// Shutdown doesn't wait for them: call Close.
type Handler struct {
	// Serve serves one virtual connection, which is closed when it returns. ctx has the values of a channel's request and
	// ends with the connection. Read gives whole PDUs' bytes, io.EOF when the client has hung up; a Write sends one whole
	// RPC PDU, or several.
	Serve func(ctx context.Context, conn net.Conn, info Info)
	// User names the authenticated user of a request from its context, so that both channels of a connection are one
	// user's; nil: nobody has a name.
	User func(ctx context.Context) string

	// ChannelLifetime is the length of OUT channels in bytes; 0: DefaultChannelLifetime.
	ChannelLifetime int64
	// ReceiveWindow is what a client may send ahead of Read, in bytes; 0: DefaultReceiveWindow.
	ReceiveWindow int
	// ConnectionTimeout is the silence after which a connection is lost, unless a client asks for less by
	// MinConnTimeout; 0: DefaultConnectionTimeout.
	ConnectionTimeout time.Duration
	// OpenTimeout is the time a client may take for each step of opening and recycling, and to take what is written;
	// 0: DefaultOpenTimeout.
	OpenTimeout time.Duration
	// MaxConnections is the number of virtual connections at one time; 0: DefaultMaxConnections.
	MaxConnections int

	mu          sync.Mutex
	connections map[cookie]*serverConn
	closed      bool
	running     sync.WaitGroup // calls of Serve
}

// Status codes in "RPC Error: " reasons ([MS-ERREF] 2.2).
const (
	rpcAccessDenied      = 5
	rpcServerUnavailable = 0x6BA
	rpcServerTooBusy     = 0x6BB
	rpcProtocolError     = 0x6C0
)

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := Channel(r.Method)
	info, err := parseTarget(r.URL.RawQuery)
	switch {
	case kind != In && kind != Out:
		w.Header().Set("Allow", string(In)+", "+string(Out))
		http.Error(w, "this is an RPC proxy", http.StatusMethodNotAllowed)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case r.ContentLength < 0:
		http.Error(w, "a channel has a Content-Length", http.StatusLengthRequired)
		return
	case r.ContentLength <= maxEchoLength:
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.Write(echo.with().encode())
		return
	case kind == Out && r.ContentLength > maxOutLength:
		http.Error(w, "too long for an OUT channel", http.StatusRequestEntityTooLarge)
		return
	case r.ProtoMajor != 1:
		http.Error(w, "channels need HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	if h.User != nil {
		info.User = h.User(r.Context())
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "channels need HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	nc.SetDeadline(time.Now().Add(defaulted(h.OpenTimeout, DefaultOpenTimeout)))
	if strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		if _, err := io.WriteString(nc, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			nc.Close()
			return
		}
	}
	p := &patient{Conn: nc}
	// What the HTTP server has read ahead comes first.
	ahead, _ := rw.Reader.Peek(rw.Reader.Buffered())
	body := io.MultiReader(strings.NewReader(string(ahead)), p)
	ch := &serverChannel{kind: kind, nc: p, info: info, ctx: context.WithoutCancel(r.Context()), timeout: minConnTimeout(r)}
	ch.body = &io.LimitedReader{R: newReader(body), N: r.ContentLength}
	h.serve(ch)
}

// parseTarget reads SERVER:PORT.
func parseTarget(query string) (Info, error) {
	const longest = 512
	target, err := url.PathUnescape(query)
	colon := strings.LastIndexByte(target, ':')
	if err != nil || colon <= 0 || len(target) > longest {
		return Info{}, errors.New("want ?SERVER:PORT")
	}
	port, err := strconv.ParseUint(target[colon+1:], 10, 16)
	if err != nil {
		return Info{}, errors.New("want ?SERVER:PORT")
	}
	return Info{Server: target[:colon], Port: int(port)}, nil
}

// minConnTimeout is the timeout that the client asks for ([MS-RPCH] 2.1.2.1.1); 0: none.
func minConnTimeout(r *http.Request) time.Duration {
	for _, v := range r.Header.Values("Pragma") {
		for field := range strings.SplitSeq(v, ",") {
			if s, ok := strings.CutPrefix(strings.TrimSpace(field), "MinConnTimeout="); ok {
				if n, err := strconv.Atoi(s); err == nil && n >= 120 && n <= 14400 {
					return time.Duration(n) * time.Second
				}
			}
		}
	}
	return 0
}

// serverChannel is a request that is, or is to become, a channel.
type serverChannel struct {
	kind    Channel
	nc      *patient
	body    *io.LimitedReader // the request's, as far as its Content-Length
	info    Info
	ctx     context.Context
	timeout time.Duration // what the client asks for
	cookie  cookie
}

// next reads a PDU of the request. io.EOF: the client hung up.
func (ch *serverChannel) next() ([]byte, *rts, error) {
	if ch.body.N == 0 {
		return nil, nil, &ProtocolError{ch.kind, "the declared Content-Length is used up"}
	}
	b, err := readPDU(ch.body)
	switch {
	case err != nil && ch.body.N == 0:
		return nil, nil, &ProtocolError{ch.kind, "a PDU goes beyond the declared Content-Length"}
	case err == io.EOF:
		return nil, nil, err
	case err != nil:
		return nil, nil, receivedError(ch.kind, err)
	}
	if !isRTS(b) {
		return b, nil, nil
	}
	p, err := decodeRTS(b)
	if err != nil {
		return nil, nil, &ProtocolError{ch.kind, err.Error()}
	}
	return b, p, nil
}

// refuse answers a request that doesn't become a channel ([MS-RPCH] 2.1.2.1.3, which has HTTP/1.0 here).
func (ch *serverChannel) refuse(rpcStatus uint32, retryAfter int) {
	var retry string
	if retryAfter > 0 {
		retry = fmt.Sprintf("Retry-After: %d\r\n", retryAfter)
	}
	fmt.Fprintf(ch.nc, "HTTP/1.0 503 RPC Error: %x\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", rpcStatus, retry)
	// Closing with the request half read would reset the connection before the client has seen the answer.
	if half, ok := ch.nc.Conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		const patience = time.Second
		ch.nc.SetReadDeadline(time.Now().Add(patience))
		io.Copy(io.Discard, ch.body)
	}
	ch.nc.Close()
}

// serve finds out which virtual connection a channel belongs to, and runs it until it ends.
func (h *Handler) serve(ch *serverChannel) {
	_, p, err := ch.next()
	if err != nil || p == nil {
		ch.refuse(rpcProtocolError, 0)
		return
	}
	m := p.commands
	switch {
	case ch.kind == Out && p.is(connA1), ch.kind == In && p.is(connB1):
		ch.cookie = m[2].cookie
		c, rpcStatus := h.join(m[1].cookie, ch)
		if c == nil {
			retry := 0
			if rpcStatus == rpcServerTooBusy {
				retry = 30
			}
			ch.refuse(rpcStatus, retry)
			return
		}
		if ch.kind == Out {
			c.openOut(ch, p)
		} else {
			c.openIn(ch, p)
		}
	case ch.kind == Out && p.is(outA3), ch.kind == In && p.is(inA1):
		ch.cookie = m[3].cookie
		h.mu.Lock()
		c := h.connections[m[1].cookie]
		h.mu.Unlock()
		if c == nil || !c.sameClient(ch) {
			ch.refuse(rpcServerUnavailable, 0)
			return
		}
		if ch.kind == Out {
			c.succeedOut(ch, p)
		} else {
			c.succeedIn(ch, p)
		}
	default:
		ch.refuse(rpcProtocolError, 0)
	}
}

// join gives the virtual connection of a first channel: a new one, or the one that the other channel began.
func (h *Handler) join(vc cookie, ch *serverChannel) (c *serverConn, rpcStatus uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, rpcServerUnavailable
	}
	c = h.connections[vc]
	if c == nil {
		if len(h.connections) >= defaulted(h.MaxConnections, DefaultMaxConnections) {
			return nil, rpcServerTooBusy
		}
		c = newServerConn(h, vc, ch)
		if h.connections == nil {
			h.connections = make(map[cookie]*serverConn)
		}
		h.connections[vc] = c
	}
	if !c.sameClient(ch) {
		return nil, rpcAccessDenied
	}
	if !c.adopt(ch.nc) {
		return nil, rpcServerUnavailable
	}
	return c, 0
}

// start runs Serve on a connection whose channels are both there.
func (h *Handler) start(c *serverConn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return // c has failed, too
	}
	h.running.Add(1)
	go func() {
		defer h.running.Done()
		defer c.Close()
		h.Serve(c.ctx, c, c.info)
	}()
}

// Close ends all virtual connections, refuses new ones, and waits for Serve to return.
func (h *Handler) Close() error {
	h.mu.Lock()
	h.closed = true
	var all []*serverConn
	for _, c := range h.connections {
		all = append(all, c)
	}
	h.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
	h.running.Wait()
	return nil
}
