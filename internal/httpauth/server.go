package httpauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/ntlm"
)

// ExtendedProtection says what a server thinks of channel bindings.
type ExtendedProtection uint8

// Values of ExtendedProtection, as of IIS's setting tokenChecking.
const (
	ProtectionOff     ExtendedProtection = iota // bindings aren't looked at
	ProtectionAllow                             // a client that names one has to name the right one
	ProtectionRequire                           // each client has to; plain HTTP has none
)

// User is who was authenticated.
type User struct {
	// Name is as the scheme has it: what the functions of ServerConfig gave, DOMAIN\name for NTLM, name@REALM for Kerberos.
	Name   string
	Scheme Scheme
}

type userKey struct{}

// UserFrom is the user of an authenticated request.
func UserFrom(ctx context.Context) (User, bool) {
	u, ok := ctx.Value(userKey{}).(User)
	return u, ok
}

type hostKey struct{}

// RemoteHost is the address, without port, of the client whose credentials a function of ServerConfig is to check.
func RemoteHost(ctx context.Context) string {
	host, _ := ctx.Value(hostKey{}).(string)
	return host
}

func withRemoteHost(r *http.Request) context.Context {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return context.WithValue(r.Context(), hostKey{}, host)
}

// ServerConfig is what a server authenticates requests with. The functions return errors that match ErrRefused for wrong
// credentials; any other error is an outage and becomes status 503. RemoteHost works on their contexts.
type ServerConfig struct {
	// Schemes are offered in this order, those without what they need left out; empty: all that have it.
	Schemes []Scheme
	Realm   string // of Basic and Bearer
	// Password checks Basic's password and names the user.
	Password func(ctx context.Context, login, password string) (user string, err error)
	// Token checks Bearer's token and names the user; see JWT.
	Token func(ctx context.Context, token string) (user string, err error)
	// BearerParameters are added to Bearer's challenge, such as `authorization_uri="https://login.example.com/authorize"`.
	BearerParameters string
	// NTHash gives the NT hash of a user, for NTLM.
	NTHash func(ctx context.Context, domain, user string) (h ntlm.Hash, known bool, err error)
	// Names of the server and its domain, as NTLM tells them.
	NetBIOSDomain, NetBIOSComputer, DNSDomain, DNSComputer string
	// Keytab is for Kerberos in Negotiate; Principal is as in kerberos.AcceptorConfig.
	Keytab    *kerberos.Keytab
	Principal string
	// ExtendedProtection is for NTLM and Kerberos. It needs Certificate, the one that clients see on a connection.
	ExtendedProtection ExtendedProtection
	Certificate        func(*tls.ConnectionState) *x509.Certificate
	// PlainLoopback allows Basic and Bearer over plain HTTP on the loopback interface. Elsewhere they never are.
	PlainLoopback bool
	// Failed is told of refused passwords before the client is, and may keep it waiting; together with what Password and
	// NTHash refuse to look at, it is the place to slow down guessing. login is as the client typed it; nil: nobody is told.
	Failed func(ctx context.Context, scheme Scheme, login string)
	Logger *slog.Logger // nil: nothing is logged
}

// Server authenticates requests.
type Server struct {
	cfg     ServerConfig
	schemes []Scheme
	replays kerberos.ReplayCache
}

// NewServer checks the configuration.
func NewServer(cfg ServerConfig) (*Server, error) {
	s := &Server{cfg: cfg}
	has := map[Scheme]bool{Basic: cfg.Password != nil, Bearer: cfg.Token != nil, NTLM: cfg.NTHash != nil,
		Negotiate: cfg.NTHash != nil || cfg.Keytab != nil}
	order := cfg.Schemes
	if len(order) == 0 {
		order = strongest
	}
	for _, sc := range order {
		if has[sc] {
			s.schemes = append(s.schemes, sc)
		}
	}
	switch {
	case len(s.schemes) == 0:
		return nil, errors.New("httpauth: no scheme has what it needs to authenticate users")
	case cfg.ExtendedProtection != ProtectionOff && cfg.Certificate == nil:
		return nil, errors.New("httpauth: extended protection needs the server's certificate")
	}
	return s, nil
}

// connection is what is known of a connection's client.
type connection struct {
	mu      sync.Mutex
	scheme  Scheme
	context gss.Context // of a handshake that goes on
	login   string      // whom the handshake wants to log on, if it is NTLM's
	user    *User
}

type connectionKey struct{}

// ConnContext goes into http.Server.ConnContext. Without it, NTLM and Negotiate aren't offered.
func (*Server) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(connection))
}

// connectionOf is nil where a connection may carry the requests of several clients: HTTP/2, and what proxies send.
func connectionOf(r *http.Request) *connection {
	for _, h := range []string{"Via", "Forwarded", "X-Forwarded-For"} {
		if r.Header.Get(h) != "" {
			return nil
		}
	}
	if r.ProtoMajor != 1 {
		return nil
	}
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// outage is an error that isn't the client's fault.
type outage struct{ error }

func (o outage) Unwrap() error { return o.error }

// failure marks what is neither success nor refusal.
func failure(err error) error {
	if err == nil || errors.Is(err, ErrRefused) {
		return err
	}
	return outage{err}
}

// errContinue asks for the next leg of a handshake.
var errContinue = errors.New("httpauth: the handshake goes on")

// Handler lets authenticated requests through, with the user in their context.
func (s *Server) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, challenge, err := s.Authenticate(r)
		if challenge != "" {
			w.Header().Add("WWW-Authenticate", challenge)
		}
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
			return
		case errors.As(err, new(outage)):
			s.log(r, "authentication isn't available", err)
			http.Error(w, "Authentication isn't available", http.StatusServiceUnavailable)
			return
		case !errors.Is(err, errContinue):
			for _, c := range s.challenges(r, err) {
				w.Header().Add("WWW-Authenticate", c)
			}
			if r.Header.Get("Authorization") != "" {
				s.log(r, "authentication failed", err)
			}
		}
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
	})
}

func (s *Server) log(r *http.Request, message string, err error) {
	if s.cfg.Logger != nil {
		s.cfg.Logger.WarnContext(r.Context(), message, "remote", r.RemoteAddr, "error", err)
	}
}

// Authenticate names the user of a request. challenge, where it isn't empty, goes into WWW-Authenticate of the answer,
// whatever it is. An error that matches no outage wants 401.
func (s *Server) Authenticate(r *http.Request) (user User, challenge string, err error) {
	conn := connectionOf(r)
	if conn != nil {
		conn.mu.Lock()
		defer conn.mu.Unlock()
	}
	values := r.Header.Values("Authorization")
	if len(values) == 0 && conn != nil && conn.user != nil {
		return *conn.user, "", nil
	}
	if conn != nil {
		conn.user = nil // new credentials, good or bad, end the old ones
	}
	if len(values) != 1 {
		return User{}, "", ErrRefused
	}
	name, rest, _ := strings.Cut(values[0], " ")
	scheme, err := ParseScheme(name)
	if err != nil || !slices.Contains(s.offered(r), scheme) {
		return User{}, "", ErrNoScheme
	}
	rest = strings.TrimSpace(rest)
	switch scheme {
	case Basic:
		login, password, ok := r.BasicAuth()
		if !ok {
			return User{}, "", ErrRefused
		}
		ctx := withRemoteHost(r)
		name, err := s.cfg.Password(ctx, login, password)
		if errors.Is(err, ErrRefused) {
			s.failed(ctx, Basic, login)
		}
		return User{name, Basic}, "", failure(err)
	case Bearer:
		if rest == "" { // clients ask for the challenge's parameters like this
			return User{}, "", ErrRefused
		}
		name, err := s.cfg.Token(withRemoteHost(r), rest)
		return User{name, Bearer}, "", failure(err)
	}
	if len(rest) > maxToken {
		return User{}, "", ErrRefused
	}
	token, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || len(token) == 0 {
		return User{}, "", ErrRefused
	}
	return s.handshake(r, conn, scheme, token)
}

func (s *Server) failed(ctx context.Context, scheme Scheme, login string) {
	if s.cfg.Failed != nil {
		s.cfg.Failed(ctx, scheme, login)
	}
}

// offered are the schemes that may be used on a request's connection.
func (s *Server) offered(r *http.Request) (list []Scheme) {
	bound := connectionOf(r) != nil
	protected := r.TLS != nil || s.cfg.PlainLoopback && isLocal(r)
	for _, sc := range s.schemes {
		if sc.boundToConnection() && bound || !sc.boundToConnection() && protected {
			list = append(list, sc)
		}
	}
	return list
}

// isLocal: client and server are on this machine.
func isLocal(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	return err == nil && isLoopback(host)
}

func (s *Server) challenges(r *http.Request, err error) (list []string) {
	for _, sc := range s.offered(r) {
		c := sc.String()
		switch sc {
		case Basic:
			c += ` realm=` + quote(s.cfg.Realm) + `, charset="UTF-8"`
		case Bearer:
			c += ` realm=` + quote(s.cfg.Realm)
			if s.cfg.BearerParameters != "" {
				c += ", " + s.cfg.BearerParameters
			}
			if a := r.Header.Get("Authorization"); errors.Is(err, ErrRefused) && len(a) > len("Bearer ") && strings.EqualFold(a[:7], "Bearer ") {
				c += `, error="invalid_token"`
			}
		}
		list = append(list, c)
	}
	return list
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
