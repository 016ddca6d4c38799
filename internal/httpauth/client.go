package httpauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/spnego"
)

// Errors that callers tell apart.
var (
	// ErrRefused means that the peer doesn't accept the credentials.
	ErrRefused = errors.New("httpauth: user, password or token not accepted")
	// ErrNoScheme means that server and configuration have no scheme in common, or that it may not be used here.
	ErrNoScheme = errors.New("httpauth: no way to authenticate that both sides allow")
	// ErrServer means that the server couldn't prove that it is the one for which the ticket was made.
	ErrServer = errors.New("httpauth: the server didn't prove its identity")
)

// TokenSource gives access tokens for Bearer.
type TokenSource interface {
	// Token gives a token that is valid now. refused, where it isn't empty, is one that the server didn't accept.
	Token(ctx context.Context, refused string) (string, error)
}

// Config is what a client authenticates with.
type Config struct {
	// Schemes are those that may be used; empty: all for which there are credentials.
	Schemes []Scheme
	// User is a name, a principal name (anna@example.com) or DOMAIN\name where Domain is empty. It serves Basic, NTLM, and
	// Negotiate with NTLM inside.
	User, Domain, Password string
	Workstation            string
	// Kerberos gets tickets for Negotiate; nil: none.
	Kerberos *kerberos.Client
	// CurrentUser is whoever runs the program, for Negotiate; on Windows only.
	CurrentUser bool
	// Service is the principal name of the service on a host, for Negotiate; nil: HTTP/ and the host.
	Service func(host string) string
	Tokens  TokenSource
	// Certificate is shown in TLS; nil: none.
	Certificate *tls.Certificate
	// Memory is what hosts took before; nil: each conversation finds out for itself.
	Memory *Memory
	// PlainLoopback allows Basic and Bearer over plain HTTP on the loopback interface. Elsewhere they never are.
	PlainLoopback bool
}

// String leaves the secrets out.
func (c Config) String() string {
	return fmt.Sprintf("httpauth: user %s, schemes %v", c.login(), c.Usable())
}

// GoString leaves the secrets out.
func (c Config) GoString() string { return c.String() }

// LogValue leaves the secrets out.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// login is the user as Basic has it.
func (c *Config) login() string {
	if c.Domain != "" {
		return c.Domain + `\` + c.User
	}
	return c.User
}

func (c *Config) user() (domain, user string) {
	if c.Domain == "" {
		if d, u, ok := strings.Cut(c.User, `\`); ok {
			return d, u
		}
	}
	return c.Domain, c.User
}

// Usable are the schemes that are allowed and have credentials, the strongest first.
func (c *Config) Usable() (list []Scheme) {
	password := c.User != "" && c.Password != ""
	for _, s := range strongest {
		has := password
		switch s {
		case Bearer:
			has = c.Tokens != nil
		case Negotiate:
			has = password || c.Kerberos != nil || c.CurrentUser
		}
		if has && (len(c.Schemes) == 0 || slices.Contains(c.Schemes, s)) {
			list = append(list, s)
		}
	}
	return list
}

// certificates are those for TLS.
func (c *Config) certificates() []tls.Certificate {
	if c.Certificate == nil || len(c.Schemes) > 0 && !slices.Contains(c.Schemes, Certificate) {
		return nil
	}
	return []tls.Certificate{*c.Certificate}
}

func (c *Config) service(host string) string {
	if c.Service != nil {
		return c.Service(host)
	}
	return "HTTP/" + strings.ToLower(host)
}

// Memory remembers which scheme a host took, so that later connections begin with it. Several goroutines may use it; the zero
// value is ready.
type Memory struct {
	mu    sync.Mutex
	known map[string]Scheme // by scheme and host of the URL
}

func (m *Memory) get(key string) Scheme {
	if m == nil {
		return None
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[key]
}

// set notes what a host took; None forgets it.
func (m *Memory) set(key string, s Scheme) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]Scheme{}
	}
	if m.known[key] = s; s == None {
		delete(m.known, key)
	}
}

// Suppose says that a host will take what another took: one of the same organization.
func (m *Memory) Suppose(host, as *url.URL) {
	if m.get(originOf(host)) == None {
		m.set(originOf(host), m.get(originOf(as)))
	}
}

func originOf(u *url.URL) string { return u.Scheme + "://" + strings.ToLower(u.Host) }

// States of a conversation.
const (
	fresh       = iota
	probing     // a request went without credentials, to see what the server offers
	negotiating // credentials went, and weren't accepted yet
	established
)

// Conversation authenticates the requests on one connection. It serves one goroutine at a time.
type Conversation struct {
	cfg     *Config
	host    string
	plain   bool // and so neither Basic nor Bearer
	binding gss.ChannelBinding
	state   int
	scheme  Scheme
	key     string // of the host, in the memory
	refused []Scheme
	token   string // the Bearer token that went last
	legs    int    // tokens of context that went

	context  gss.Context
	done     bool // the context is established
	kerberos bool // without NTLM inside
}

// NewConversation is for a connection to the host of u. state is that of TLS; nil: plain HTTP.
func (c *Config) NewConversation(u *url.URL, state *tls.ConnectionState) *Conversation {
	v := &Conversation{cfg: c, host: u.Hostname(), key: originOf(u)}
	if state != nil && len(state.PeerCertificates) > 0 {
		v.binding = gss.ServerEndPoint(state.PeerCertificates[0])
	}
	v.plain = u.Scheme != "https" && !(c.PlainLoopback && isLoopback(v.host))
	return v
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// Authorize gives the Authorization value for the next request, empty for none. challenges are the WWW-Authenticate values of
// the 401 that came just before, nil at first and after a success. ready: as far as is known, the server will serve the
// request; until then, requests should be ones that can be repeated.
func (v *Conversation) Authorize(ctx context.Context, challenges []string) (authorization string, ready bool, err error) {
	return v.next(ctx, challenges)
}

// String leaves the secrets out.
func (v *Conversation) String() string { return "httpauth: conversation with " + v.host }

// GoString leaves the secrets out.
func (v *Conversation) GoString() string { return v.String() }

// next is Authorize for requests that can be repeated: last says that no further leg is expected.
func (v *Conversation) next(ctx context.Context, challenges []string) (authorization string, last bool, err error) {
	if challenges == nil {
		if v.state == fresh {
			v.refused = nil
			list := v.cfg.Usable()
			if known := v.cfg.Memory.get(v.key); slices.Contains(list, known) {
				list = []Scheme{known}
			}
			if len(list) == 1 {
				return v.begin(ctx, list)
			}
			v.state = probing
			return "", false, nil
		}
		if v.state == negotiating {
			v.cfg.Memory.set(v.key, v.scheme)
		}
		v.state = established
		return v.again(ctx)
	}
	list := parseChallenges(challenges)
	if v.state == negotiating && v.context != nil && !v.done {
		if token := tokenFor(list, v.scheme); token != nil {
			return v.step(ctx, token)
		}
	}
	if v.state == negotiating {
		v.cfg.Memory.set(v.key, None)
		if !v.fallsBack() {
			return "", false, ErrRefused
		}
	}
	if v.state == established {
		v.refused = nil
	}
	var common []Scheme
	for _, s := range v.cfg.Usable() {
		if offers(list, s) && !slices.Contains(v.refused, s) {
			common = append(common, s)
		}
	}
	if len(common) == 0 && v.state == negotiating {
		return "", false, ErrRefused
	}
	return v.begin(ctx, common)
}

// fallsBack says whether another try makes sense after a refusal: with a new token, with a password after a ticket, or by Basic
// after NTLM, which servers may offer and not be set up for, or not for the user's name in this form. More often the same
// password isn't sent: it may lock the user out.
func (v *Conversation) fallsBack() bool {
	switch {
	case v.scheme == Bearer && !slices.Contains(v.refused, None):
		v.refused = append(v.refused, None) // one new token
		return true
	case v.scheme == Bearer || v.kerberos || v.context != nil && v.legs == 1: // the last: it isn't offered at all
		v.refused = append(v.refused, v.scheme)
		return true
	case v.scheme.boundToConnection() && !v.plain && slices.Contains(v.cfg.Usable(), Basic):
		v.refused = append(v.refused, NTLM, Negotiate)
		return true
	}
	return false
}

// begin tries schemes until one has something to say.
func (v *Conversation) begin(ctx context.Context, schemes []Scheme) (string, bool, error) {
	errs := []error{ErrNoScheme}
	for _, s := range schemes {
		v.scheme, v.context, v.done, v.kerberos, v.legs = s, nil, false, false, 0
		h, last, err := v.first(ctx, s)
		if err == nil {
			v.state = negotiating
			return h, last, nil
		}
		if ctx.Err() != nil {
			return "", false, ctx.Err()
		}
		errs = append(errs, err)
	}
	v.scheme = None
	return "", false, errors.Join(errs...)
}

func (v *Conversation) first(ctx context.Context, s Scheme) (string, bool, error) {
	switch s {
	case Basic, Bearer:
		h, err := v.simple(ctx)
		return h, true, err
	case NTLM:
		v.context = v.ntlm()
	case Negotiate:
		var mechs []spnego.Mechanism
		if v.cfg.CurrentUser {
			c, err := spnego.NewCurrentUser(spnego.CurrentUser{Service: v.cfg.service(v.host), ChannelBinding: v.binding})
			if err != nil {
				return "", false, err
			}
			v.context = c
			break
		}
		if v.cfg.Kerberos != nil {
			mechs = append(mechs, spnego.Fixed(spnego.Kerberos,
				v.cfg.Kerberos.NewInitiator(kerberos.Target{Service: v.cfg.service(v.host), ChannelBinding: v.binding})))
		}
		if v.cfg.User != "" && v.cfg.Password != "" {
			mechs = append(mechs, spnego.Fixed(spnego.NTLM, v.ntlm()))
		}
		v.context = spnego.NewInitiator(mechs...)
	}
	return v.step(ctx, nil)
}

func (v *Conversation) ntlm() gss.Context {
	domain, user := v.cfg.user()
	return ntlm.NewInitiator(ntlm.Config{User: user, Domain: domain, Password: v.cfg.Password, Workstation: v.cfg.Workstation,
		TargetName: v.cfg.service(v.host), ChannelBinding: v.binding})
}

func (v *Conversation) step(ctx context.Context, token []byte) (string, bool, error) {
	out, done, err := v.context.Step(ctx, token)
	if err != nil {
		return "", false, err
	}
	v.done = done
	v.legs++
	v.kerberos = token == nil && spnego.Preferred(out).Equal(spnego.Kerberos) // a second leg is NTLM's
	// A ticket is one leg, NTLM's second is its last.
	return header(v.scheme, out), token != nil || v.kerberos, nil
}

// simple is the header of Basic and Bearer.
func (v *Conversation) simple(ctx context.Context) (string, error) {
	if v.plain {
		return "", fmt.Errorf("httpauth: %s isn't sent over plain HTTP; use https", v.scheme)
	}
	if v.scheme == Basic {
		return header(Basic, []byte(v.cfg.login()+":"+v.cfg.Password)), nil
	}
	refused := ""
	if v.state == negotiating {
		refused = v.token
	}
	token, err := v.cfg.Tokens.Token(ctx, refused)
	if err != nil {
		return "", fmt.Errorf("httpauth: access token: %w", err)
	}
	if token == refused {
		return "", ErrRefused
	}
	v.token = token
	return "Bearer " + token, nil
}

// again is the header of a request after a successful one: connections are authenticated, but tickets are shown each time,
// as some servers want it.
func (v *Conversation) again(ctx context.Context) (string, bool, error) {
	switch {
	case v.scheme == Basic || v.scheme == Bearer:
		h, err := v.simple(ctx)
		return h, true, err
	case v.kerberos:
		h, last, err := v.first(ctx, Negotiate)
		return h, last, err
	}
	return "", true, nil
}

// succeeded checks what the server says of itself with its answer.
func (v *Conversation) succeeded(ctx context.Context, challenges []string) error {
	if v.context != nil && !v.done {
		if token := tokenFor(parseChallenges(challenges), v.scheme); token != nil {
			if _, _, err := v.context.Step(ctx, token); err != nil {
				return fmt.Errorf("%w: %w", ErrServer, err)
			}
		}
		v.done = true
	}
	v.state = established
	return nil
}
