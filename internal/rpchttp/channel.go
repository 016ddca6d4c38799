package rpchttp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Authenticator authenticates the requests on one HTTP connection.
type Authenticator interface {
	// Authorize is asked before each request. challenges are the WWW-Authenticate values of the 401 that came just before,
	// nil at first and after a success. It gives the Authorization header's value, empty for none.
	//
	// ready: the header is complete, as far as is known, so that the request that opens a channel may carry it. While it
	// isn't, the header goes with an echo request, which can be repeated: NTLM's first leg, or none at all to learn what
	// the server offers. After an echo request that succeeded, the connection itself may be authenticated; Authorize is
	// asked once more.
	Authorize(ctx context.Context, challenges []string) (authorization string, ready bool, err error)
}

// maxLegs bounds the requests that authentication may take: a negotiation takes three or four.
const maxLegs = 8

// channel is an HTTP connection of a client that is, or is to become, a channel.
type channel struct {
	cfg     *Config
	kind    Channel
	url     *url.URL
	nc      *patient
	br      *bufio.Reader
	cookie  cookie
	retired atomic.Bool   // an IN channel after its last PDU
	auth    Authenticator // of the connection
	careful bool          // credentials go with an echo request before they go with the channel's
}

// connect makes the network connection. It is closed, or its deadline is past, when ctx ends.
func (ch *channel) connect(ctx context.Context) (state *tls.ConnectionState, err error) {
	host := ch.url.Host
	if ch.url.Port() == "" {
		host = net.JoinHostPort(ch.url.Hostname(), map[string]string{"http": "80", "https": "443"}[ch.url.Scheme])
	}
	dial := ch.cfg.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", host)
	if err != nil {
		return nil, ch.failed(ctx, "dial", err)
	}
	if ch.url.Scheme == "https" {
		conf := ch.cfg.TLS.Clone()
		if conf == nil {
			conf = new(tls.Config)
		}
		conf.ServerName = defaulted(conf.ServerName, ch.url.Hostname())
		conf.NextProtos = nil // HTTP/1.1 only
		tc := tls.Client(nc, conf)
		if err := tc.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, ch.failed(ctx, "TLS handshake", err)
		}
		s := tc.ConnectionState()
		nc, state = tc, &s
	}
	ch.nc = &patient{Conn: nc}
	ch.br = newReader(ch.nc)
	return state, nil
}

// failed says what went wrong below HTTP.
func (ch *channel) failed(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return &NetworkError{ch.kind, op, err}
}

// guard makes reads and writes fail when ctx ends, until the function it gives is called.
func (ch *channel) guard(ctx context.Context) (stop func() bool) {
	nc := ch.nc
	return context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
}

// authorize makes the connection and gives the Authorization value for its next request.
func (ch *channel) authorize(ctx context.Context) (string, error) {
	state, err := ch.connect(ctx)
	if err != nil || ch.cfg.Authenticator == nil {
		return "", err
	}
	ch.auth = ch.cfg.Authenticator(state)
	var challenges []string
	accepted := false
	var last error // the answer to the last request
	for range maxLegs {
		authorization, ready, err := ch.auth.Authorize(ctx, challenges)
		if err != nil && challenges != nil {
			err = fmt.Errorf("%w: %w", err, ErrUnauthorized)
		}
		if err != nil {
			return "", fmt.Errorf("rpchttp: %s: authentication: %w", ch.kind, err)
		}
		if ready && (accepted || !ch.careful) {
			return authorization, nil
		}
		resp, err := ch.echo(ctx, authorization)
		if err != nil {
			return "", err
		}
		switch resp.Status {
		case http.StatusOK:
			challenges, accepted = nil, true
		case http.StatusUnauthorized:
			last, challenges = &resp.HTTPError, resp.Challenges
			if len(challenges) == 0 {
				return "", &resp.HTTPError
			}
		default:
			return "", &resp.HTTPError
		}
		if resp.closed { // the authenticator's conversation goes on, as far as it can, on another connection
			ch.nc.Close()
			if _, err := ch.connect(ctx); err != nil {
				return "", err
			}
		}
	}
	return "", fmt.Errorf("rpchttp: %s: authentication: not done after %d requests: %w", ch.kind, maxLegs, last)
}

// header is a request's head ([MS-RPCH] 2.1.2.1.1, 2.1.2.1.2 and 2.1.2.1.5).
func (ch *channel) header(authorization string, length int64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nCache-Control: no-cache\r\nConnection: Keep-Alive\r\nPragma: No-cache\r\n"+
		"Accept: application/rpc\r\nUser-Agent: MSRPC\r\nContent-Length: %d\r\nHost: %s\r\n",
		ch.kind, ch.url.RequestURI(), length, ch.url.Host)
	if authorization != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", authorization)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// answer is an HTTPError that may be a success, and whether the server closes the connection after it.
type answer struct {
	HTTPError
	closed bool
}

// echo sends an echo request and reads the answer.
func (ch *channel) echo(ctx context.Context, authorization string) (*answer, error) {
	stop := ch.guard(ctx)
	defer stop()
	if _, err := ch.nc.Write(append(ch.header(authorization, int64(len(echoBody))), echoBody...)); err != nil {
		return nil, ch.failed(ctx, "echo request", err)
	}
	resp, err := ch.response()
	if err != nil {
		return nil, ch.failed(ctx, "echo answer", err)
	}
	return &answer{*ch.httpError(resp), resp.Close}, nil
}

// request sends the head of the request that becomes the channel, and its first PDU.
func (ch *channel) request(ctx context.Context, length int64, first *rts) error {
	authorization, err := ch.authorize(ctx)
	if err == nil {
		stop := ch.guard(ctx)
		if _, err = ch.nc.Write(append(ch.header(authorization, length), first.encode()...)); err != nil {
			err = ch.failed(ctx, "request", err)
		}
		if !stop() && err == nil {
			err = ch.failed(ctx, "request", context.Cause(ctx))
		}
	}
	if err != nil && ch.nc != nil {
		ch.nc.Close()
	}
	return err
}

// response reads the head of an answer.
func (ch *channel) response() (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(ch.br, &http.Request{Method: string(ch.kind)})
		if err != nil || resp.StatusCode >= 200 {
			return resp, err
		}
	}
}

// httpError reads the rest of an answer that isn't a channel.
func (ch *channel) httpError(resp *http.Response) *HTTPError {
	const most = 64 << 10 // read on, so that the connection can be used again
	body, _ := io.ReadAll(io.LimitReader(resp.Body, most))
	e := &HTTPError{
		Channel:    ch.kind,
		Status:     resp.StatusCode,
		Location:   resp.Header.Get("Location"),
		Challenges: resp.Header.Values("WWW-Authenticate"),
	}
	_, e.Reason, _ = strings.Cut(resp.Status, " ")
	if _, code, ok := strings.Cut(e.Reason, "RPC Error: "); ok {
		code, _, _ = strings.Cut(code, ",")
		n, _ := strconv.ParseUint(strings.TrimSpace(code), 16, 32)
		e.RPCStatus = uint32(n)
	}
	if t := resp.Header.Get("Retry-After"); t != "" {
		if seconds, err := strconv.Atoi(t); err == nil {
			e.RetryAfter = time.Duration(max(seconds, 0)) * time.Second
		} else if at, err := http.ParseTime(t); err == nil {
			e.RetryAfter = max(time.Until(at), 0)
		}
	}
	if resp.StatusCode != http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		const shown = 200
		e.Text = strings.ToValidUTF8(strings.TrimSpace(string(body[:min(len(body), shown)])), "?")
	}
	return e
}
