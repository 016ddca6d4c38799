package rpchttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Config says how to reach a server. Only URL has to be given.
type Config struct {
	// URL is https://PROXY/rpc/rpcproxy.dll?SERVER:PORT; see [URL].
	URL string
	// TLS configures the connections to the proxy; nil: Go's defaults.
	TLS *tls.Config
	// Dial makes network connections; nil: net.Dialer's DialContext. An HTTP proxy on the way is its affair.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Authenticator is called for each HTTP connection, two for a virtual connection and one each time a channel is
	// recycled; nil: requests carry no Authorization. state is nil without TLS.
	Authenticator func(state *tls.ConnectionState) Authenticator

	// ChannelLifetime is the length of IN channels in bytes; 0: DefaultChannelLifetime.
	ChannelLifetime int64
	// ReceiveWindow is what the server may send ahead of Read, in bytes; 0: DefaultReceiveWindow.
	ReceiveWindow int
	// Keepalive is how long a working connection may be silent: each side sends a Ping after half of it, or of the server's
	// connection timeout if that is shorter. Windows wants a minute at least; 0: DefaultKeepalive.
	Keepalive time.Duration
	// OpenTimeout is the time that opening the connection may take, and each recycling, and each write to the network;
	// 0: DefaultOpenTimeout.
	OpenTimeout time.Duration
}

// URL is that of the RPC proxy on a host (such as mail.example.com or mail.example.com:8443) for a server's port.
func URL(proxy, server string, port int) string {
	return "https://" + proxy + "/rpc/rpcproxy.dll?" + server + ":" + strconv.Itoa(port)
}

// client is a virtual connection at the client's end.
type client struct {
	conn
	cfg    Config
	url    *url.URL
	vc     cookie
	ctx    context.Context // ends with the connection
	opened chan struct{}

	careful    bool                 // as in channel, at the opening
	tried      map[Channel]*channel // the first ones
	inSwitched chan struct{}        // recycling the IN channel is done

	// Of the OUT channel's reader alone:
	outState outState
	silence  time.Duration // after which the connection is lost

	// Guarded by conn.mu:
	in       *channel
	inNext   *channel // successors whose requests are sent
	inGrant  *rts     // IN_R1/A4 or IN_R2/A4
	outNext  *channel
	outGrant *rts // OUT_R1/A6 or OUT_R2/A6
}

// outState is the state of the virtual OUT channel ([MS-RPCH] 3.2.2.1).
type outState int

const (
	waitA3 outState = iota
	waitC2
	outOpened
	waitA6
	waitA10 // OUT_R1
	waitB3  // OUT_R2
)

// Dial opens a virtual connection. ctx bounds the opening only. Errors are *HTTPError, *NetworkError, *ProtocolError,
// *LostError, those of the Authenticator, and complaints about cfg.
//
// A Write to the connection sends one whole RPC PDU, or several; Read gives the stream of the server's. When the connection
// fails, Read gives what had come until then, then an error that matches [ErrLost].
func Dial(ctx context.Context, cfg Config) (net.Conn, error) {
	const tries = 3 // a token may expire just when another has been accepted
	for try := 1; ; try++ {
		c, err := newClient(cfg)
		if err != nil {
			return nil, err
		}
		c.careful = try > 1
		if err = c.open(ctx); err == nil {
			return c, nil
		}
		if try == tries || !c.knowsBetter(ctx, err) {
			return nil, err
		}
	}
}

func (c *client) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.OpenTimeout)
	defer cancel()
	err := c.dial(ctx)
	if err != nil {
		c.fail(err)
	}
	return err
}

// knowsBetter reports whether the opening failed because credentials weren't accepted, and the authenticator has others: a new
// token for one that has expired, or a password in place of a ticket.
func (c *client) knowsBetter(ctx context.Context, err error) bool {
	var refused *HTTPError
	if !errors.As(err, &refused) || len(refused.Challenges) == 0 {
		return false
	}
	ch := c.tried[refused.Channel]
	if ch == nil || ch.auth == nil {
		return false
	}
	_, _, err = ch.auth.Authorize(ctx, refused.Challenges)
	return err == nil
}

// Echo asks the proxy for an echo ([MS-RPCH] 2.1.2.1.5): without error, it is there and accepts the credentials.
func Echo(ctx context.Context, cfg Config) error {
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.OpenTimeout)
	defer cancel()
	ch := c.channel(In)
	authorization, err := ch.authorize(ctx)
	if ch.nc != nil {
		defer ch.nc.Close()
	}
	if err != nil {
		return err
	}
	a, err := ch.echo(ctx, authorization)
	if err == nil && a.Status != http.StatusOK {
		err = &a.HTTPError
	}
	return err
}

func newClient(cfg Config) (*client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("rpchttp: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery == "" {
		return nil, fmt.Errorf("rpchttp: URL %q: want https://PROXY/rpc/rpcproxy.dll?SERVER:PORT", u.Redacted())
	}
	cfg.ChannelLifetime = defaulted(cfg.ChannelLifetime, DefaultChannelLifetime)
	cfg.ReceiveWindow = min(max(defaulted(cfg.ReceiveWindow, DefaultReceiveWindow), minReceiveWindow), maxReceiveWindow)
	cfg.Keepalive = defaulted(cfg.Keepalive, DefaultKeepalive)
	cfg.OpenTimeout = defaulted(cfg.OpenTimeout, DefaultOpenTimeout)
	c := &client{cfg: cfg, url: u, vc: newCookie(), opened: make(chan struct{}), inSwitched: make(chan struct{}, 1)}
	c.conn.init()
	var cancel context.CancelFunc
	c.ctx, cancel = context.WithCancel(context.Background())
	c.onEnd = cancel
	c.recv = newReceiver(int64(cfg.ReceiveWindow), func(ch cookie, received, window uint32) {
		c.send.sendAck(flowControlAckTo.with(ackOf(ch, received, window)))
	})
	c.send = newSender(In, cfg.OpenTimeout, c.inFailed)
	c.send.recycle = c.recycleIn
	return c, nil
}

// inInstance is the sending end of an IN channel whose first PDU is sent with its request.
func (c *client) inInstance(ch *channel, first *rts, window int64) *instance {
	left := c.cfg.ChannelLifetime - int64(len(first.encode()))
	return newInstance(ch.nc, ch.cookie, left, inReserve, window, func() {
		const patience = 5 * time.Second // the proxy has to read the last PDU before the connection is closed; it may close it
		ch.nc.SetReadDeadline(time.Now().Add(patience))
	})
}

func (c *client) channel(kind Channel) *channel {
	return &channel{cfg: &c.cfg, kind: kind, url: c.url, cookie: newCookie()}
}

// dial opens both channels and waits for CONN/C2 ([MS-RPCH] 3.2.2.4.1.2).
func (c *client) dial(ctx context.Context) error {
	in, out := c.channel(In), c.channel(Out)
	in.careful, out.careful = c.careful, c.careful
	c.tried = map[Channel]*channel{In: in, Out: out}
	failed := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		err := out.request(ctx, firstOutLength, connA1.with(id(c.vc), id(out.cookie), size(c.cfg.ReceiveWindow)))
		if err != nil {
			cancel()
		}
		failed <- err
	}()
	first := connB1.with(id(c.vc), id(in.cookie), size(c.cfg.ChannelLifetime), millis(c.cfg.Keepalive), id(newCookie()))
	err := in.request(ctx, c.cfg.ChannelLifetime, first)
	if err != nil {
		cancel()
	}
	outErr := <-failed
	adopted := (err != nil || c.adopt(in.nc)) && (outErr != nil || c.adopt(out.nc))
	if err == nil || outErr != nil && errors.Is(err, context.Canceled) {
		err = outErr // what came first
	}
	if err != nil || !adopted {
		return err
	}
	c.local, c.remote = in.nc.LocalAddr(), in.nc.RemoteAddr()
	c.recv.begin(out.cookie)
	c.in = in
	c.send.cur = c.inInstance(in, first, 0)
	go c.watchIn(in)
	go c.readOut(out)
	go c.send.run(c.done)
	select {
	case <-c.opened:
		return nil
	case <-c.done:
		return c.failure()
	case <-ctx.Done():
		return &NetworkError{Out, "opening", context.Cause(ctx)}
	}
}

// inFailed is called when the IN channel has ended or can't be written to. The other channel may still have something to tell:
// why, in the proxy's answer, or what the server sent before it hung up, whose end may be overtaken by this one's.
func (c *client) inFailed(err error) {
	const grace = time.Second
	select {
	case <-c.done:
	case <-time.After(grace):
		c.fail(err)
	}
}

// watchIn reads the answer to an IN channel's request: there is one only if something is wrong, or after its last PDU.
func (c *client) watchIn(ch *channel) {
	resp, err := ch.response()
	switch {
	case ch.retired.Load():
	case err != nil:
		select {
		case <-c.opened:
			c.inFailed(receivedError(In, err))
		default:
			c.fail(receivedError(In, err))
		}
	default:
		const patience = 2 * time.Second
		ch.nc.SetReadDeadline(time.Now().Add(patience))
		c.ended(In, ch.httpError(resp))
	}
	c.release(ch.nc)
}
