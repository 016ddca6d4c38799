package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/opencdo/opencdo/internal/delivery"
	"github.com/opencdo/opencdo/internal/mime"
	"github.com/opencdo/opencdo/mapi"
)

// Security is how a connection to a smarthost is protected.
type Security uint8

// Kinds of security.
const (
	IfOffered Security = iota // STARTTLS where the other side offers it
	StartTLS                  // STARTTLS, or nothing is sent
	TLS                       // from the begin ([RFC8314] 3.3)
)

// schemes are those of the URLs of smarthosts, with the usual ports ([RFC5321] 4.5.4.2, [RFC6409], [RFC8314]).
var schemes = map[string]struct {
	security Security
	port     string
}{"smtp": {IfOffered, "25"}, "smtp+starttls": {StartTLS, "587"}, "smtps": {TLS, "465"}}

// Smarthost is a server that sends messages on.
type Smarthost struct {
	Address  string // HOST:PORT
	Security Security
	// User and Password authenticate, where User isn't empty. They are sent over TLS or loopback only.
	User     string
	Password func(context.Context) (string, error)
	TLS      *tls.Config // nil: the system's certificates are trusted
	// Domain is that of the messages, and the name under which the relay greets.
	Domain string
	// Timeout is for connecting, and for each answer; 0: five minutes ([RFC5321] 4.5.3.2).
	Timeout time.Duration
}

// ParseSmarthost reads a URL: smtp://HOST[:25], smtp+starttls://[USER@]HOST[:587], smtps://[USER@]HOST[:465].
func ParseSmarthost(s string) (*Smarthost, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, invalid("", errors.New("it isn't a URL")) // which would repeat a password
	}
	scheme, ok := schemes[u.Scheme]
	_, secret := u.User.Password()
	switch {
	case !ok:
		return nil, invalid(u.Redacted(), errors.New("it begins with smtp://, smtp+starttls:// or smtps://"))
	case secret:
		return nil, invalid(u.Redacted(), errors.New("a password doesn't belong into a URL"))
	case u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, invalid(u.Redacted(), errors.New("nothing comes after the host and its port"))
	}
	port := u.Port()
	if port == "" {
		port = scheme.port
	}
	return &Smarthost{Address: net.JoinHostPort(u.Hostname(), port), Security: scheme.security, User: u.User.Username()}, nil
}

func invalid(object string, err error) error {
	return &mapi.Error{Op: "read smarthost", Object: object, Code: mapi.ErrInvalidParameter, Err: err}
}

// Relay sends a message to addresses: it implements exchangeserver.Relay. The error is a delivery.Refused when some addresses were
// taken and others not; it answers errors.Is for mapi.ErrNetwork when the smarthost cannot be reached, and for mapi.ErrLogonFailed
// when it doesn't take the password. Attachments are read while they are sent.
func (h *Smarthost) Relay(ctx context.Context, from string, to []string, it *mapi.Item) error {
	c, conn, err := h.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	err = h.send(c, from, to, it)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (h *Smarthost) fail(op string, err error) error {
	e := &mapi.Error{Op: op, Object: h.Address, Err: err}
	var answer *smtp.SMTPError
	if !errors.As(err, &answer) {
		e.Code = mapi.ErrNetwork
	}
	return e
}

// connect dials, greets, and authenticates. Where STARTTLS is offered a new connection begins with it.
func (h *Smarthost) connect(ctx context.Context) (*smtp.Client, net.Conn, error) {
	c, conn, err := h.dial(ctx, h.Security)
	if err == nil && h.Security == IfOffered {
		if offered, _ := c.Extension("STARTTLS"); offered {
			c.Close()
			c, conn, err = h.dial(ctx, StartTLS)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if err := h.authenticate(ctx, c, conn); err != nil {
		c.Close()
		return nil, nil, err
	}
	return c, conn, nil
}

func (h *Smarthost) dial(ctx context.Context, security Security) (*smtp.Client, net.Conn, error) {
	wait := h.Timeout
	if wait <= 0 {
		wait = timeout
	}
	conn, err := (&net.Dialer{Timeout: wait}).DialContext(ctx, "tcp", h.Address)
	if err != nil {
		return nil, nil, h.fail("connect to smarthost", err)
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetDeadline(time.Now().Add(wait)) // the client sets its own later
	c, err := h.greet(conn, security)
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, nil, err
	}
	c.CommandTimeout, c.SubmissionTimeout = wait, 2*wait
	return c, conn, nil
}

// greet makes the connection as safe as it is to be, and says who calls.
func (h *Smarthost) greet(conn net.Conn, security Security) (c *smtp.Client, err error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if h.TLS != nil {
		conf = h.TLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName, _, _ = net.SplitHostPort(h.Address)
	}
	switch security {
	case TLS:
		c = smtp.NewClient(tls.Client(conn, conf))
	case StartTLS:
		if c, err = smtp.NewClientStartTLS(conn, conf); err != nil {
			return nil, h.fail("begin TLS with smarthost", err)
		}
	default:
		c = smtp.NewClient(conn)
	}
	return c, h.hello(c)
}

func (h *Smarthost) hello(c *smtp.Client) error {
	if err := c.Hello(h.domain()); err != nil {
		return h.fail("greet smarthost", err)
	}
	return nil
}

func (h *Smarthost) domain() string {
	if h.Domain == "" {
		return "localhost"
	}
	return h.Domain
}

// authenticate sends the password, where there is a user.
func (h *Smarthost) authenticate(ctx context.Context, c *smtp.Client, conn net.Conn) error {
	if h.User == "" {
		return nil
	}
	if _, secure := c.TLSConnectionState(); !secure && !loopback(conn) {
		return &mapi.Error{Op: "log on to smarthost", Object: h.Address, Code: mapi.ErrLogonFailed, Err: errors.New("it offers no TLS: the password isn't sent")}
	}
	password, err := h.Password(ctx)
	if err != nil {
		return err
	}
	var client sasl.Client = sasl.NewPlainClient("", h.User, password)
	if !c.SupportsAuth(sasl.Plain) && c.SupportsAuth(sasl.Login) {
		client = sasl.NewLoginClient(h.User, password)
	}
	if err := c.Auth(client); err != nil {
		return &mapi.Error{Op: "log on to smarthost", Object: h.Address, Code: mapi.ErrLogonFailed, Err: err}
	}
	return nil
}

func loopback(conn net.Conn) bool {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// send is one transaction ([RFC5321] 3.3).
func (h *Smarthost) send(c *smtp.Client, from string, to []string, it *mapi.Item) error {
	o := &smtp.MailOptions{UTF8: !ascii(from)}
	for _, a := range to {
		o.UTF8 = o.UTF8 || !ascii(a)
	}
	if err := c.Mail(from, o); err != nil {
		return h.fail("send message", refusal(err))
	}
	refused := delivery.Refused{}
	for _, a := range to {
		if err := c.Rcpt(a, nil); err != nil {
			var answer *smtp.SMTPError
			if !errors.As(err, &answer) {
				return h.fail("send message", err)
			}
			refused[a] = refusal(err)
		}
	}
	if len(refused) == len(to) {
		c.Quit()
		return refused
	}
	w, err := c.Data()
	if err != nil {
		return h.fail("send message", refusal(err))
	}
	if err := (mime.WriteOptions{Sending: true, Domain: h.Domain}).Write(w, it); err != nil {
		return h.fail("send message", err) // and the connection is closed before the end: nothing arrives
	}
	if err := w.Close(); err != nil {
		return h.fail("send message", refusal(err))
	}
	c.Quit() // the message is sent, whatever comes now
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// refusal makes the answer of a server an error that knows the number for reports.
func refusal(err error) error {
	var answer *smtp.SMTPError
	if !errors.As(err, &answer) {
		return err
	}
	return &refusalError{answer}
}

type refusalError struct{ *smtp.SMTPError }

func (e *refusalError) Error() string {
	c := e.EnhancedCode
	if c[0] <= 0 {
		return fmt.Sprintf("%d %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%d %d.%d.%d %s", e.Code, c[0], c[1], c[2], e.Message)
}

// Unwrap gives the answer.
func (e *refusalError) Unwrap() error { return e.SMTPError }

// StatusCode is the status without its dots, as reports have it ([MS-OXOMSG] 2.2.2.34).
func (e *refusalError) StatusCode() int32 {
	c := e.EnhancedCode
	if c[0] <= 0 || c[1] < 0 || c[1] > 9 || c[2] < 0 || c[2] > 9 {
		return int32(e.Code / 100 * 100)
	}
	return int32(c[0]*100 + c[1]*10 + c[2])
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
