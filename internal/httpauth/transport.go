package httpauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of Transport.
const (
	// maxLegs bounds the requests for one: a negotiation takes three, and a second scheme may follow.
	maxLegs = 8
	// maxIdle is how many connections to a server are kept: as many as a busy client has requests at a time.
	maxIdle = 16
	// maxDrain is how much of a refusal is read to keep its connection.
	maxDrain = 256 << 10
	// idleTimeout is that of http.DefaultTransport.
	idleTimeout = 90 * time.Second
	// handshakeTimeout bounds making a connection.
	handshakeTimeout = 30 * time.Second
	// maxConnections is how often a request that can be repeated gets a new connection, when one was closed meanwhile.
	maxConnections = 3
)

// TransportConfig is for NewTransport.
type TransportConfig struct {
	Auth Config
	// TLS may have roots and versions; nil: defaults.
	TLS *tls.Config
	// Proxy is as in http.Transport; nil: the environment's settings. Proxies are HTTP proxies, authenticated with what their
	// URL has of user and password.
	Proxy func(*http.Request) (*url.URL, error)
	// Dial makes network connections; nil: net.Dialer's DialContext.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ResponseHeaderTimeout is as in http.Transport.
	ResponseHeaderTimeout time.Duration
	// HTTP1 leaves HTTP/2 out, which MAPI over HTTP doesn't speak ([MS-OXCMAPIHTTP] 2.1).
	HTTP1 bool
	// Trust says whether credentials may go to another host that the first one redirects to; nil: no.
	Trust func(*url.URL) bool
}

// Transport is an http.RoundTripper that authenticates requests. NTLM and Negotiate belong to a connection; so each of its
// connections has a conversation of its own and one request at a time. An answer of 401 means that the credentials weren't
// accepted.
type Transport struct {
	cfg    TransportConfig
	shared *http.Transport // for schemes that don't belong to a connection, and for hosts that get no credentials

	mu   sync.Mutex
	idle map[string][]*lane // by scheme and host
}

// NewTransport makes a transport.
func NewTransport(cfg TransportConfig) *Transport {
	if cfg.Proxy == nil {
		cfg.Proxy = http.ProxyFromEnvironment
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: handshakeTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{}
	}
	cfg.TLS = cfg.TLS.Clone()
	if c := cfg.Auth.certificates(); c != nil {
		cfg.TLS.Certificates = c
	}
	if cfg.Auth.Memory == nil {
		cfg.Auth.Memory = &Memory{}
	}
	return &Transport{cfg: cfg, idle: map[string][]*lane{}, shared: &http.Transport{
		Proxy: cfg.Proxy, DialContext: cfg.Dial, TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: !cfg.HTTP1, MaxIdleConnsPerHost: maxIdle,
		IdleConnTimeout: idleTimeout, TLSHandshakeTimeout: handshakeTimeout, ResponseHeaderTimeout: cfg.ResponseHeaderTimeout,
	}}
}

// String leaves the secrets out.
func (t *Transport) String() string { return t.cfg.Auth.String() }

// GoString leaves the secrets out.
func (t *Transport) GoString() string { return t.String() }

// CloseIdleConnections closes connections that have no request.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	idle := t.idle
	t.idle = map[string][]*lane{}
	t.mu.Unlock()
	for _, list := range idle {
		for _, l := range list {
			l.close()
		}
	}
	t.shared.CloseIdleConnections()
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := &replay{req: req}
	defer body.close()
	key := originOf(req.URL)
	if !t.trusted(req) {
		return t.shared.RoundTrip(body.request(true, ""))
	}
	if t.simple(key) {
		v := t.cfg.Auth.NewConversation(req.URL, nil)
		resp, err := body.converse(req.Context(), t.shared, v)
		t.remember(key, v, resp)
		return resp, err
	}
	for n := 1; ; n++ {
		l, err := t.lane(req, key, body.repeatable())
		if err != nil {
			return nil, err
		}
		resp, err := body.converse(req.Context(), l.transport, l.conversation)
		t.remember(key, l.conversation, resp)
		if err != nil {
			l.close()
			if errors.Is(err, errClosed) && n < maxConnections && body.rewind() {
				continue
			}
			return nil, err
		}
		resp.Body = &returning{ReadCloser: resp.Body, give: func() { t.put(key, l) }}
		return resp, nil
	}
}

// simple reports whether a host's requests needn't keep to their connections, as far as is known.
func (t *Transport) simple(key string) bool {
	if known := t.cfg.Auth.Memory.get(key); known != None {
		return !known.boundToConnection()
	}
	return !slices.ContainsFunc(t.cfg.Auth.Usable(), Scheme.boundToConnection)
}

func (t *Transport) remember(key string, v *Conversation, resp *http.Response) {
	if resp == nil || resp.StatusCode == http.StatusUnauthorized {
		t.cfg.Auth.Memory.set(key, None)
	} else {
		t.cfg.Auth.Memory.set(key, v.scheme)
	}
}

// trusted says whether a request may carry credentials: one that http.Client makes because of a redirection has the answer
// that caused it.
func (t *Transport) trusted(req *http.Request) bool {
	first := req
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	if strings.EqualFold(first.URL.Host, req.URL.Host) && (first.URL.Scheme == req.URL.Scheme || req.URL.Scheme == "https") {
		return true
	}
	return t.cfg.Trust != nil && t.cfg.Trust(req.URL)
}

// lane is a connection and its conversation.
type lane struct {
	conversation *Conversation
	transport    *http.Transport
	mu           sync.Mutex
	conn         net.Conn // until the transport takes it
}

// errClosed means that a lane's connection has ended; its next one would be somebody else to the server.
var errClosed = errors.New("httpauth: the server closed the connection")

// take gives the connection away.
func (l *lane) take() net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.conn
	l.conn = nil
	return c
}

// dial is for the transport, which thinks that it makes a connection.
func (l *lane) dial(context.Context, string, string) (net.Conn, error) {
	if c := l.take(); c != nil {
		return c, nil
	}
	return nil, errClosed
}

func (l *lane) close() {
	if c := l.take(); c != nil {
		c.Close()
	}
	l.transport.CloseIdleConnections()
}

// lane takes an idle one or makes one. An idle one may turn out to be closed, so it is for requests that can be repeated.
func (t *Transport) lane(req *http.Request, key string, repeatable bool) (*lane, error) {
	t.mu.Lock()
	if list := t.idle[key]; len(list) > 0 && repeatable {
		l := list[len(list)-1]
		t.idle[key] = list[:len(list)-1]
		t.mu.Unlock()
		return l, nil
	}
	t.mu.Unlock()
	return t.connect(req)
}

func (t *Transport) put(key string, l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle[key]) >= maxIdle {
		go l.close()
		return
	}
	t.idle[key] = append(t.idle[key], l)
}

// connect makes a lane. Its transport gets the connection from here, because what a client says first may depend on the
// certificate that it has seen.
func (t *Transport) connect(req *http.Request) (*lane, error) {
	ctx, cancel := context.WithTimeout(req.Context(), handshakeTimeout)
	defer cancel()
	proxy, err := t.cfg.Proxy(req)
	if err != nil {
		return nil, errProxy
	}
	l := &lane{transport: &http.Transport{MaxConnsPerHost: 1, IdleConnTimeout: idleTimeout,
		ResponseHeaderTimeout: t.cfg.ResponseHeaderTimeout, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
	l.transport.DialContext, l.transport.DialTLSContext = l.dial, l.dial
	if req.URL.Scheme != "https" {
		address := hostPort(req.URL)
		if proxy != nil {
			l.transport.Proxy = http.ProxyURL(proxy)
			if address, err = proxyAddress(proxy); err != nil {
				return nil, err
			}
		}
		if l.conn, err = t.cfg.Dial(ctx, "tcp", address); err != nil {
			return nil, err
		}
		l.conversation = t.cfg.Auth.NewConversation(req.URL, nil)
		return l, nil
	}
	conn, err := dialThrough(ctx, t.cfg.Dial, proxy, hostPort(req.URL))
	if err != nil {
		return nil, err
	}
	cfg := t.cfg.TLS.Clone()
	cfg.NextProtos = []string{"http/1.1"} // NTLM and Negotiate need connections that are theirs
	if cfg.ServerName == "" {
		cfg.ServerName = req.URL.Hostname()
	}
	tc := tls.Client(conn, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	state := tc.ConnectionState()
	l.conn, l.conversation = tc, t.cfg.Auth.NewConversation(req.URL, &state)
	return l, nil
}

// replay gives a request's body more than once, if that is possible.
type replay struct {
	req  *http.Request
	used bool // the body that came with the request
}

func (b *replay) empty() bool { return b.req.Body == nil || b.req.Body == http.NoBody }

// repeatable says whether the request can be sent with its body twice.
func (b *replay) repeatable() bool { return b.empty() || b.req.GetBody != nil }

// rewind says whether it can be sent with its body now.
func (b *replay) rewind() bool { return !b.used || b.repeatable() }

func (b *replay) close() {
	if !b.used && b.req.Body != nil {
		b.req.Body.Close()
	}
}

// request is a copy of the request, with its body or an empty one.
func (b *replay) request(whole bool, authorization string) *http.Request {
	r := b.req.Clone(b.req.Context())
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if b.empty() {
		return r
	}
	switch {
	case !whole:
		r.Body, r.GetBody, r.ContentLength, r.TransferEncoding = http.NoBody, nil, 0, nil
	case b.used:
		body, err := b.req.GetBody()
		if err != nil {
			body = failing{err}
		}
		r.Body = body
	default:
		b.used = true
	}
	return r
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (failing) Close() error               { return nil }

// converse sends a request as often as the conversation wants it. Where a request isn't expected to be the last, it has an
// empty body; but the one that only looks what the server offers has the real one, if that can be sent again, for it may
// turn out to be the last.
func (b *replay) converse(ctx context.Context, rt http.RoundTripper, v *Conversation) (resp *http.Response, err error) {
	var challenges []string
	if v.state == negotiating { // left by a request that failed
		v.state = fresh
	}
	for range maxLegs {
		authorization, last, err := v.next(ctx, challenges)
		whole := last || b.empty() || v.state == probing && b.repeatable()
		switch {
		case resp != nil && (errors.Is(err, ErrRefused) || err == nil && whole && !b.rewind()):
			v.state = fresh
			return resp, nil
		case resp != nil:
			drain(resp)
		}
		if err != nil {
			v.state = fresh
			return nil, err
		}
		if resp, err = rt.RoundTrip(b.request(whole, authorization)); err != nil {
			return nil, err
		}
		if challenges = nil; resp.StatusCode == http.StatusUnauthorized {
			challenges = resp.Header.Values("WWW-Authenticate")
		}
		if challenges != nil {
			continue
		}
		if err := v.succeeded(ctx, resp.Header.Values("WWW-Authenticate")); err != nil {
			drain(resp)
			return nil, err
		}
		if whole {
			return resp, nil
		}
	}
	if resp == nil || resp.StatusCode != http.StatusUnauthorized {
		return nil, fmt.Errorf("httpauth: no end of the negotiation after %d requests", maxLegs)
	}
	return resp, nil
}

func drain(resp *http.Response) {
	io.CopyN(io.Discard, resp.Body, maxDrain)
	resp.Body.Close()
}

// returning gives a lane back when its answer has been read.
type returning struct {
	io.ReadCloser
	once sync.Once
	give func()
}

func (r *returning) Close() error {
	err := r.ReadCloser.Close()
	r.once.Do(r.give)
	return err
}
