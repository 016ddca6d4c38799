// Package exchangeserver is an Exchange-compatible server: MAPI over HTTP for mailboxes and address book, and Autodiscover,
// on top of a small back end.
//
//	backend, err := exchangeserver.OpenLocal(ctx, "/var/lib/opencdo")
//	server := exchangeserver.New(exchangeserver.Config{Backend: backend, Domain: backend.Domain()})
//	err = server.ListenAndServe(ctx, "127.0.0.1:8443", tlsConfig)
//
// The mailbox endpoint speaks the remote operations of [MS-OXCROPS]; the table in rops.go says which of them. What it does
// not do it answers with the error that the specification of the operation names.
package exchangeserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencdo/opencdo/internal/availability"
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/delivery"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/nspirpc"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/mapi"
)

// Config says what to serve. Backend and Domain are required.
type Config struct {
	Backend Backend
	Domain  string // mail domain: of personalised server names, GUID@DOMAIN
	// URL is where clients reach the server, such as https://mail.example.org; empty: wherever the request came to.
	URL string

	SessionExpiry time.Duration // idle time after which a session ends; 0: 15 minutes
	PendingPeriod time.Duration // time between keep-alives of a long answer; 0: 30 seconds
	ServerVersion string        // "Exchange/15.dd.dddd.ddd"; empty: DefaultServerVersion
	Logger        *slog.Logger  // nil: nothing is logged

	Auth         Auth
	Autodiscover Offer // the ways to mailboxes that Autodiscover names

	Relay Relay // sends what is for others; nil: nothing leaves the server

	// ChannelLifetime is how many bytes an OUT channel of RPC over HTTP carries before another takes over; 0: 1 GiB.
	ChannelLifetime int64
	// ConnectionTimeout is the silence after which a connection of RPC over HTTP is lost; 0: 15 minutes.
	ConnectionTimeout time.Duration

	MaxSessions int    // session contexts in all, 0: DefaultMaxSessions
	MaxObjects  int    // open objects of a session, 0: DefaultMaxObjects
	MaxSpool    int64  // bytes of unsaved values of a session, 0: DefaultMaxSpool
	SpoolDir    string // where they lie; empty: the system's directory for temporary files
}

// Defaults of Config.
const (
	DefaultServerVersion = mapihttp.DefaultServerApplication
	// DefaultMaxSessions is what some hundred clients with a few contexts each need.
	DefaultMaxSessions = 1000
	// DefaultMaxObjects is more than Exchange allows of any kind (500 of most).
	DefaultMaxObjects = 4096
	// DefaultMaxSpool holds some of the largest messages that Exchange can be told to accept (2 GiB less overhead).
	DefaultMaxSpool = 8 << 30
)

// Server is the server: an http.Handler.
type Server struct {
	cfg       Config
	mux       http.Handler
	mailboxes *mapihttp.Handler
	book      *mapihttp.Handler
	rpc       *dcerpc.Server   // its interfaces
	proxy     *rpchttp.Handler // to them
	auth      *authenticator
	security  security

	certificate atomic.Pointer[x509.Certificate] // that clients see
	guid        mapi.GUID                        // of the address book
	spoolDir    string
	told        delivery.Told

	openMu sync.Mutex
	open   map[mapi.GUID]map[*logon]struct{} // logons by mailbox

	rpcSessions atomic.Int64  // open ones
	rpcNumber   atomic.Uint32 // of the last
}

// serverVersion is the form of X-ServerApplication ([MS-OXCMAPIHTTP] 2.2.3.3.8).
var serverVersion = regexp.MustCompile(`^Exchange/15\.\d\d\.\d{4}\.\d{3}$`)

// New makes a server. Close it at the end.
func New(cfg Config) (*Server, error) {
	if cfg.Backend == nil || cfg.Domain == "" {
		return nil, &mapi.Error{Op: "make server", Code: mapi.ErrInvalidParameter, Err: errors.New("a back end and a domain are needed")}
	}
	if cfg.ServerVersion == "" {
		cfg.ServerVersion = DefaultServerVersion
	}
	if !serverVersion.MatchString(cfg.ServerVersion) {
		return nil, &mapi.Error{Op: "make server", Object: cfg.ServerVersion, Code: mapi.ErrInvalidParameter, Err: errors.New("a server version has the form Exchange/15.20.0001.000")}
	}
	if err := cfg.Autodiscover.validate(); err != nil {
		return nil, err
	}
	if cfg.MaxSessions <= 0 {
		cfg.MaxSessions = DefaultMaxSessions
	}
	if cfg.MaxObjects <= 0 {
		cfg.MaxObjects = DefaultMaxObjects
	}
	if cfg.MaxSpool <= 0 {
		cfg.MaxSpool = DefaultMaxSpool
	}
	s := &Server{cfg: cfg, guid: newGUID()}
	s.auth = newAuthenticator(cfg.Backend)
	if err := s.secure(); err != nil {
		return nil, err
	}
	var err error
	if s.spoolDir, err = os.MkdirTemp(cfg.SpoolDir, "exchangeserver-*"); err != nil {
		return nil, &mapi.Error{Op: "make server", Code: mapi.ErrDisk, Err: err}
	}
	endpoint := func(service mapihttp.Service, e mapihttp.Endpoint) *mapihttp.Handler {
		return &mapihttp.Handler{Service: service, Endpoint: e, Authenticate: func(r *http.Request) (string, error) { return aliasOf(r.Context()), nil }, ServerApplication: cfg.ServerVersion,
			Expiration: cfg.SessionExpiry, Pending: cfg.PendingPeriod, MaxContexts: cfg.MaxSessions, MaxRequest: maxRequest}
	}
	s.mailboxes = endpoint(mapihttp.Mailbox, mailboxEndpoint{s})
	s.book = endpoint(mapihttp.AddressBook, bookEndpoint{s})
	s.rpc = &dcerpc.Server{Interfaces: append(newMailboxRPC(s).interfaces(), nspirpc.Serve(bookRPC{s})), Accept: s.accept,
		RequireLevel: s.security.level, Log: cfg.Logger}
	s.proxy = &rpchttp.Handler{Serve: s.serveRPC, User: aliasOf, ChannelLifetime: cfg.ChannelLifetime, ConnectionTimeout: cfg.ConnectionTimeout}
	s.mux = s.routes()
	return s, nil
}

// maxRequest holds the largest ROP input that packed requests make, 256 KiB ([MS-OXCRPC] 3.1.4.2), and framing.
const maxRequest = 512 << 10

func (s *Server) routes() http.Handler {
	discovery := (&discovery{s, s.cfg.Autodiscover}).handler() // authenticates what needs it
	mailboxes, book, proxy := s.authenticated(s.mailboxes), s.authenticated(s.book), s.authenticated(s.proxy)
	services := s.authenticated(&availability.Handler{Lookup: s.freeBusy})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.ToLower(r.URL.Path); path {
		case "/mapi/emsmdb/", "/mapi/emsmdb":
			mailboxes.ServeHTTP(w, r)
		case "/mapi/nspi/", "/mapi/nspi":
			book.ServeHTTP(w, r)
		case "/rpc/rpcproxy.dll", "/rpcwithcert/rpcproxy.dll":
			proxy.ServeHTTP(w, r)
		case servicesPath:
			services.ServeHTTP(w, r)
		default:
			if strings.HasPrefix(path, discoveryFolder) {
				discovery.ServeHTTP(w, r)
				return
			}
			http.NotFound(w, r)
		}
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Sessions is the number of session contexts, of all endpoints.
func (s *Server) Sessions() int {
	return s.mailboxes.Sessions() + s.book.Sessions() + int(s.rpcSessions.Load())
}

// Close ends all sessions and removes what they spooled. It doesn't close the back end.
func (s *Server) Close() error {
	s.mailboxes.Close()
	s.book.Close()
	s.proxy.Close()
	return os.RemoveAll(s.spoolDir)
}

// Timeouts of connections: clients keep them open between requests, and answers may take as long as they need.
const (
	readHeaderTimeout = 30 * time.Second
	idleTimeout       = 10 * time.Minute
	shutdownTimeout   = 10 * time.Second
)

// ListenAndServe serves on an address until ctx ends. Without TLS only loopback addresses are served: passwords travel in
// the requests.
func (s *Server) ListenAndServe(ctx context.Context, addr string, tlsConfig *tls.Config) error {
	const op = "serve"
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return &mapi.Error{Op: op, Object: addr, Code: mapi.ErrNetwork, Err: err}
	}
	if tlsConfig == nil {
		if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
			l.Close()
			return &mapi.Error{Op: op, Object: addr, Code: mapi.ErrNoAccess, Err: errors.New("without TLS only loopback addresses are served")}
		}
	}
	return s.Serve(ctx, l, tlsConfig)
}

// Serve is ListenAndServe on a listener, which it closes. tlsConfig may be nil.
func (s *Server) Serve(ctx context.Context, l net.Listener, tlsConfig *tls.Config) error {
	h := &http.Server{Handler: s, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, ConnContext: s.ConnContext}
	if s.cfg.Logger != nil {
		h.ErrorLog = slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug)
	}
	if tlsConfig != nil {
		// Session contexts and parallel calls are made for HTTP/1.1; clients of these protocols speak nothing else.
		c := tlsConfig.Clone()
		if len(c.Certificates) > 0 {
			if leaf, err := x509.ParseCertificate(c.Certificates[0].Certificate[0]); err == nil {
				s.SetCertificate(leaf)
			}
		}
		c.NextProtos = []string{"http/1.1"}
		l = tls.NewListener(l, c)
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		down, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if h.Shutdown(down) != nil {
			h.Close()
		}
	})
	err := h.Serve(l)
	if !stop() {
		<-stopped
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

func (s *Server) log(msg string, args ...any) {
	if s.cfg.Logger != nil {
		s.cfg.Logger.Debug(msg, args...)
	}
}
