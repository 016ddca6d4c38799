package endtoend

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/rpchttp"

	"crypto/tls"
)

// action is what happens to a connection before the next part of what it carries goes on.
type action int

const (
	pass action = iota
	cut
	stall // nothing goes on any more, and nobody is told
)

// relay stands between clients and a server, in plain HTTP, and passes on what they say part by part: heads and bodies of
// HTTP messages, and where a body is a channel of RPC over HTTP, its PDUs.
type relay struct {
	net.Listener
	mu     sync.Mutex
	target string // where the server is now
	n      int64  // parts so far
	fault  func(n int64) action
	links  map[*link]struct{}

	deciding sync.Mutex
}

// link is a connection through a relay.
type link struct {
	client, server net.Conn
	stalled        chan struct{}
	once           sync.Once
}

func (l *link) close() {
	l.client.Close()
	l.server.Close()
}

func newRelay(t testing.TB, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, target: target, links: map[*link]struct{}{}}
	t.Cleanup(func() {
		l.Close()
		r.cutAll()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
	return r
}

// set begins to count anew, and says what goes wrong; nil: nothing.
func (r *relay) set(fault func(n int64) action) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.fault = 0, fault
}

// cutAll cuts all connections.
func (r *relay) cutAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range r.links {
		l.close()
	}
}

func (r *relay) serve(c net.Conn) {
	r.mu.Lock()
	target := r.target
	r.mu.Unlock()
	s, err := net.Dial("tcp", target)
	if err != nil {
		c.Close()
		return
	}
	l := &link{client: c, server: s, stalled: make(chan struct{})}
	r.mu.Lock()
	r.links[l] = struct{}{}
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pump(l, c, s) })
	both.Go(func() { r.pump(l, s, c) })
	both.Wait()
	r.mu.Lock()
	delete(r.links, l)
	r.mu.Unlock()
}

// pump passes one direction on until it ends, and then ends the other.
func (r *relay) pump(l *link, from, to net.Conn) {
	defer l.close()
	br := bufio.NewReader(from)
	for {
		head, length, pdus, err := readHead(br)
		if err != nil || !r.part(l, to, head) {
			return
		}
		for length != 0 {
			var part []byte
			if pdus {
				part, err = readPDU(br)
			} else {
				part, err = readSome(br, length)
			}
			if length > 0 {
				length -= int64(len(part))
			}
			if err != nil || !r.part(l, to, part) {
				return
			}
		}
	}
}

// part passes a part on, unless something goes wrong just now.
func (r *relay) part(l *link, to net.Conn, b []byte) bool {
	r.mu.Lock()
	r.n++
	n, fault := r.n, r.fault
	r.mu.Unlock()
	if fault != nil {
		r.deciding.Lock() // one fault after the other
		do := fault(n)
		r.deciding.Unlock()
		switch do {
		case cut:
			return false
		case stall:
			l.once.Do(func() { close(l.stalled) })
		}
	}
	select {
	case <-l.stalled:
		return true // it is lost on the way
	default:
	}
	_, err := to.Write(b)
	return err == nil
}

// readHead reads the head of an HTTP message and gives the length of its body, -1 for a chunked one.
func readHead(br *bufio.Reader) (head []byte, length int64, pdus bool, err error) {
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		line, err := br.ReadBytes('\n')
		if err != nil {
			return nil, 0, false, err
		}
		head = append(head, line...)
	}
	first, rest, _ := strings.Cut(string(head), "\r\n")
	h, err := textproto.NewReader(bufio.NewReader(strings.NewReader(rest))).ReadMIMEHeader()
	if err != nil {
		return nil, 0, false, err
	}
	length, _ = strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if h.Get("Transfer-Encoding") == "chunked" {
		length = -1
	}
	const echo = 16 // the longest body of an echo request
	pdus = length > echo && (strings.HasPrefix(first, "RPC_") || h.Get("Content-Type") == "application/rpc")
	return head, length, pdus, nil
}

func readPDU(br *bufio.Reader) ([]byte, error) {
	h, err := br.Peek(16)
	if err != nil {
		return nil, err
	}
	b := make([]byte, binary.LittleEndian.Uint16(h[8:]))
	_, err = io.ReadFull(br, b)
	return b, err
}

// readSome reads what there is of a body; of a chunked one also what follows it, which does no harm: nobody pipelines.
func readSome(br *bufio.Reader, length int64) ([]byte, error) {
	if _, err := br.Peek(1); err != nil {
		return nil, err
	}
	n := int64(br.Buffered())
	if length > 0 {
		n = min(n, length)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(br, b)
	return b, err
}

// plainServer is a server of the same mailboxes without TLS, which can be restarted.
type plainServer struct {
	*exchangetest.Server
	t       testing.TB
	change  func(*exchangeserver.Config)
	wrap    func(http.Handler) http.Handler
	relay   *relay
	mu      sync.Mutex
	current func() // ends it
}

// behindRelay serves an exchangetest server's mailboxes behind a relay. change, if set, changes the configuration, wrap what
// serves requests.
func behindRelay(t testing.TB, srv *exchangetest.Server, change func(*exchangeserver.Config), wrap func(http.Handler) http.Handler) *plainServer {
	t.Helper()
	p := &plainServer{Server: srv, t: t, change: change, wrap: wrap}
	p.relay = newRelay(t, "")
	p.start()
	t.Cleanup(func() {
		p.mu.Lock() // a restart may be under way
		defer p.mu.Unlock()
		p.current()
	})
	return p
}

func (p *plainServer) start() {
	backend := exchangeserver.NewLocal(p.Directory())
	cfg := exchangeserver.Config{Backend: backend, Domain: p.Domain, SpoolDir: p.t.TempDir()}
	if p.change != nil {
		p.change(&cfg)
	}
	s, err := exchangeserver.New(cfg)
	if err != nil {
		p.t.Error(err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Error(err)
		return
	}
	h := &http.Server{Handler: s, ConnContext: s.ConnContext}
	if p.wrap != nil {
		h.Handler = p.wrap(s)
	}
	go h.Serve(l)
	p.relay.mu.Lock()
	p.relay.target = l.Addr().String()
	p.relay.mu.Unlock()
	p.current = func() {
		h.Close()
		if err := s.Close(); err != nil {
			p.t.Error(err)
		}
	}
}

// restart ends the server, with all that it knows of its clients, and starts another one.
func (p *plainServer) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.relay.cutAll()
	p.current()
	p.start()
}

// rpcLimits make RPC over HTTP notice soon what goes wrong.
type rpcLimits struct {
	lifetime int64         // of IN channels
	timeout  time.Duration // of calls, and of opening
	auth     *httpauth.Config
}

// overRPC reaches a user's mailbox by RPC over HTTP, through the relay.
func (p *plainServer) overRPC(alias string, limits rpcLimits) exchange.Config {
	r, _ := http.NewRequest("", "http://server/", nil)
	if err := p.Authorize(alias)(r); err != nil {
		p.t.Fatal(err)
	}
	address := "http://" + p.relay.Addr().String() + "/rpc/rpcproxy.dll?server@" + p.Domain + ":6001"
	cfg := rpchttp.Config{URL: address, ChannelLifetime: limits.lifetime, OpenTimeout: limits.timeout,
		Authenticator: func(*tls.ConnectionState) rpchttp.Authenticator { return fixed(r.Header.Get("Authorization")) }}
	if limits.auth != nil {
		u := &url.URL{Scheme: "http", Host: p.relay.Addr().String()}
		cfg.Authenticator = func(*tls.ConnectionState) rpchttp.Authenticator { return limits.auth.NewConversation(u, nil) }
	}
	return exchange.Config{UserDN: p.UserDN(p.t, alias), Retries: -1, RPC: &exchange.RPC{Version: oxcrpc.Version{16, 0, 4266, 1001}.Words(), Timeout: limits.timeout,
		Dial: func(ctx context.Context, interfaces ...dcerpc.Syntax) (*dcerpc.Client, error) {
			conn, err := rpchttp.Dial(ctx, cfg)
			if err != nil {
				return nil, err
			}
			c := dcerpc.NewClient(conn, dcerpc.Config{})
			if err := c.Bind(ctx, interfaces...); err != nil {
				c.Close()
				return nil, err
			}
			return c, nil
		}}}
}

// overMAPIHTTP reaches it by MAPI over HTTP.
func (p *plainServer) overMAPIHTTP(alias string, auth *httpauth.Config) exchange.Config {
	base := "http://" + p.relay.Addr().String()
	through := func(address string) string { return base + strings.TrimPrefix(address, p.URL) }
	c := exchange.Config{UserDN: p.UserDN(p.t, alias), MailboxURL: through(p.MailboxURL(p.t, alias)), AddressBookURL: through(p.AddressBookURL(p.t, alias)),
		Authorize: p.Authorize(alias), Retries: -1}
	if auth != nil {
		c.Authorize, c.HTTP = nil, &http.Client{Transport: httpauth.NewTransport(httpauth.TransportConfig{Auth: *auth, HTTP1: true})}
	}
	return c
}

// fixed is an authenticator that has one answer.
type fixed string

func (f fixed) Authorize(_ context.Context, challenges []string) (string, bool, error) {
	if challenges != nil {
		return "", false, errors.New("that was all")
	}
	return string(f), true, nil
}
