// Package connect logs on to mailboxes: it finds the way to the server that a profile describes, authenticates, resolves the
// mailbox in the address book and opens it, as MAPI's Exchange service did.
package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/profile"
)

// Config is what a logon needs.
type Config struct {
	*profile.Connection
	Credentials Credentials
	Admin       bool
	Sessions    int
	// Home is where the settings lie, for error texts.
	Home   string
	Warn   func(string)
	Logger *slog.Logger
	// Trace is told each step; nil: nobody is.
	Trace func(Step)
	// Examine has each layer looked at by itself, and all transports tried though the first would do. What is found goes to
	// Trace; how the logon ends is the same.
	Examine bool
	// Dial makes network connections; nil: directly, or as the environment's settings for HTTP proxies say.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MapperPort is the endpoint mapper's port for RPC over TCP, 0: 135.
	MapperPort int
}

// Step is something that was done on the way, for people who look for what is wrong.
type Step struct {
	What  string // "resolve the mailbox"
	Where string // the host or URL
	Err   error  // nil: it worked
	Note  string // what was found, in lines
}

// StepResolve is the step that finds a name in the address book.
const StepResolve = "resolve the mailbox"

// session is a logon under way.
type session struct {
	Config
	server string // as the profile names it
	user   string
	auth   httpauth.Config
	tls    *tls.Config
	http   *http.Client
	base   *url.URL // scheme and host of the proxy, or of the server itself

	found *autodiscover.Result // nil: it wasn't asked
}

// Open logs on. Errors answer errors.Is for the codes of package mapi, among them ErrLogonFailed, ErrUnknownUser, ErrNotFound,
// ErrAmbiguous and ErrNetwork, and for what crypto/x509 says of certificates; a server that nobody tells the way to is a
// *NoProxyError.
func Open(ctx context.Context, cfg Config) (*exchange.Store, error) {
	s, err := begin(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.find(ctx); err != nil {
		return nil, err
	}
	return byTransports(ctx, s, s.openBy)
}

// OpenBook reaches the address book of a server without a mailbox. Errors are those of Open.
func OpenBook(ctx context.Context, cfg Config) (*exchange.AddressBook, error) {
	s, err := begin(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.find(ctx); err != nil {
		return nil, err
	}
	return byTransports(ctx, s, func(ctx context.Context, t profile.Transport) (*exchange.AddressBook, error) {
		c, err := s.reach(ctx, t)
		if err != nil {
			return nil, err
		}
		book, err := exchange.NewAddressBook(*c)
		if err != nil {
			return nil, err
		}
		if _, err := book.Lists(ctx); err != nil {
			book.Close()
			return nil, err
		}
		return book, nil
	})
}

// find asks Autodiscover for the way where nothing else tells it.
func (s *session) find(ctx context.Context) error {
	if s.Examine && s.server != "" && !s.onlyTCP() {
		if err := s.examine(ctx, s.base); err != nil && !s.maybeTCP() {
			return s.logonError(err)
		}
	}
	if s.Proxy == nil && !s.onlyTCP() {
		// An old server may have no Autodiscover and be reached all the same.
		if err := s.discover(ctx); err != nil && !(errors.Is(err, autodiscover.ErrUnreachable) && s.maybeTCP()) {
			return s.logonError(err)
		}
	}
	return nil
}

// byTransports tries transports in their order. The first that the server has decides; with Examine, others follow.
func byTransports[T io.Closer](ctx context.Context, s *session, open func(context.Context, profile.Transport) (T, error)) (st T, err error) {
	decided := false
	var failed []error
	for _, t := range s.transports() {
		opened, problem := open(ctx, t)
		s.step("log on by "+string(t), s.base.Host, s.logonError(problem), "")
		switch {
		case problem != nil && notOffered(problem):
			failed = append(failed, fmt.Errorf("%s: %w", t, problem))
			continue
		case !decided:
			st, err, decided = opened, s.logonError(problem), true
		case problem == nil:
			opened.Close()
		}
		// What isn't about the transport is the same on others; and the same credentials sent again may lock the user out.
		if !s.Examine || err != nil && !errors.Is(err, mapi.ErrNetwork) {
			return st, err
		}
	}
	if decided {
		return st, err
	}
	if len(failed) == 0 {
		failed = append(failed, errors.New("no transport is left that profile, settings and Autodiscover allow"))
	}
	return st, s.logonError(&mapi.Error{Op: "log on to", Object: s.server, Code: mapi.ErrNoSupport, Err: errors.Join(failed...)})
}

func (s *session) step(what, where string, err error, note string) {
	if s.Trace != nil {
		s.Trace(Step{what, where, err, note})
	}
	if s.Logger != nil {
		s.Logger.Debug(what, "where", where, "error", err, "note", note)
	}
}

func (s *session) warn(format string, args ...any) {
	if s.Warn != nil {
		s.Warn(fmt.Sprintf(format, args...))
	}
}

// begin finds the host to talk to and makes ready to talk.
func begin(ctx context.Context, cfg Config) (*session, error) {
	if cfg.Anonymous {
		return nil, &mapi.Error{Op: "log on", Object: cfg.Server, Code: mapi.ErrNoSupport, Err: errors.New("anonymous access to public folders isn't available")}
	}
	for _, w := range cfg.Warnings {
		if cfg.Warn != nil {
			cfg.Warn(w)
		}
	}
	s := &session{Config: cfg, server: cfg.Server}
	if err := s.host(); err != nil {
		return nil, err
	}
	s.user = s.userName()
	var err error
	if s.tls, err = TLS(cfg.Certificate); err != nil {
		s.step("read the certificates to trust", cfg.Certificate.CAFile, err, "")
		return nil, err
	}
	if s.Certificate.Ignore {
		s.warn("the certificate of %s is not checked, as %s says", s.base.Host, s.Source)
	}
	s.auth, err = cfg.Credentials.HTTP(ctx, s.user, s.base.Host, cfg.HTTPAuth)
	s.step("get the credentials", s.user+" on "+s.base.Host, err, credentialsNote(&s.auth))
	if err != nil {
		return nil, &mapi.Error{Op: "log on", Object: s.user, Code: mapi.ErrLogonFailed, Err: err}
	}
	s.http = &http.Client{Transport: httpauth.NewTransport(httpauth.TransportConfig{Auth: s.auth, TLS: s.tls, Dial: cfg.Dial, HTTP1: true})}
	return s, nil
}

// host is the proxy that map or profile name, or else the server itself, or the domain of an address. A personalised name
// without a proxy leads nowhere: it isn't in the DNS.
func (s *session) host() (err error) {
	if s.Proxy != nil {
		s.base = &url.URL{Scheme: s.Proxy.Scheme, Host: s.Proxy.Host}
		s.step("find the way to the server", s.base.Host, nil, s.Source)
		return nil
	}
	if _, _, personalised := profile.Personalised(s.server); personalised && !s.Resolved {
		err := &NoProxyError{Server: s.server, Searched: s.Searched, Home: s.Home}
		s.step("find the way to the server", s.server, err, "")
		return err
	}
	where := s.server
	if where == "" || strings.HasPrefix(where, "/") {
		_, where, _ = strings.Cut(s.SMTP, "@")
	} else if _, domain, personalised := profile.Personalised(where); personalised {
		where = domain
	}
	if !strings.Contains(where, "://") {
		where = "https://" + where
	}
	if s.base, err = url.Parse(where); err != nil || s.base.Host == "" {
		return &mapi.Error{Op: "log on to", Object: s.server, Code: mapi.ErrInvalidParameter, Err: errors.New("the server is neither a name nor a URL")}
	}
	s.step("find the way to the server", s.base.Host, nil, "the server itself")
	return nil
}

// userName is who logs on: whom the profile or the caller names, or else the owner of the mailbox.
func (s *session) userName() string {
	switch {
	case s.User != "":
		return s.User
	case strings.Contains(s.Mailbox, "@"), strings.HasPrefix(s.Mailbox, "/"):
		if s.SMTP != "" {
			return s.SMTP
		}
		return s.Mailbox
	}
	return s.ownerName()
}

// ownerName is the account that the mailbox name suggests.
func (s *session) ownerName() string {
	if _, domain, ok := profile.Personalised(s.server); ok && !strings.Contains(s.Mailbox, "@") {
		return s.Mailbox + "@" + domain
	}
	return s.Mailbox
}

// transports are those to be tried, in order: what the profile allows and Autodiscover, if it was asked, offers.
func (s *session) transports() []profile.Transport {
	return slices.DeleteFunc(slices.Clone(s.Transports), func(t profile.Transport) bool {
		if s.found == nil { // with a proxy the server itself isn't to be reached, without one nothing else is
			return (t == profile.RPCTCP) == (s.Proxy != nil)
		}
		web, proxy, server := s.found.MailStore.ExternalURL != "" || s.found.MailStore.InternalURL != "", s.found.Proxy() != nil, s.found.EXCH
		switch t {
		case profile.MAPIHTTP:
			return !web
		case profile.RPCHTTP:
			return !proxy
		}
		// Who gives personalised names to servers doesn't take RPC over TCP; but somebody may who names no other way.
		return server == nil || strings.Contains(server.Server, "@") && (web || proxy)
	})
}

// onlyTCP reports whether the server is to be reached by RPC over TCP and nothing else.
func (s *session) onlyTCP() bool {
	return len(s.Transports) == 1 && s.Transports[0] == profile.RPCTCP
}

// maybeTCP reports whether it may be.
func (s *session) maybeTCP() bool {
	return slices.Contains(s.Transports, profile.RPCTCP) && s.server != "" && !strings.Contains(s.server, "://") && !strings.Contains(s.server, "@")
}

// reach finds the endpoints of one transport.
func (s *session) reach(ctx context.Context, t profile.Transport) (c *exchange.Config, err error) {
	c = &exchange.Config{HTTP: s.http, Trace: s.half, Admin: s.Admin || s.ConnectFlags&profile.ConnectUseAdminPrivilege != 0, Sessions: s.Sessions,
		Logger: s.Logger, IgnoreNoPF: s.IgnoreNoPF, ClientVersion: "Outlook/" + s.ClientVersion.String(), ServicesURL: s.services()}
	switch t {
	case profile.MAPIHTTP:
		err = s.overMAPIHTTP(ctx, c)
	case profile.RPCHTTP:
		err = s.overRPCHTTP(ctx, c)
	case profile.RPCTCP:
		s.overRPCTCP(ctx, c)
	}
	return c, err
}

// openBy logs on by one transport.
func (s *session) openBy(ctx context.Context, t profile.Transport) (*exchange.Store, error) {
	c, err := s.reach(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := s.resolve(ctx, c); err != nil {
		return nil, err
	}
	return exchange.Open(ctx, *c)
}

// half is told of the halves of a logon to a mailbox.
func (s *session) half(what string, err error) {
	where := map[string]string{"connect": "the mailbox service (EMSMDB)", "log on": "the mailbox of " + s.Mailbox}[what]
	note := ""
	if what == "connect" {
		note = fmt.Sprintf("client version %v", s.ClientVersion)
		if s.IgnoreNoPF {
			note += ", CONNECT_IGNORE_NO_PF"
		}
	}
	if err != nil {
		err = s.logonError(err)
	}
	s.step(what, where, err, note)
}

// resolve finds the DNs of user and mailbox: from Autodiscover as far as it told, else in the address book.
func (s *session) resolve(ctx context.Context, c *exchange.Config) error {
	owner := s.isOwner()
	if s.found != nil {
		c.UserDN = s.found.LegacyDN
		if c.UserDN != "" && (owner || s.isFound(s.Mailbox)) {
			return nil
		}
	}
	mailbox, err := s.resolveName(ctx, s.Mailbox, c)
	if err != nil {
		return err
	}
	c.MailboxDN = mailbox
	switch {
	case c.UserDN != "":
	case owner:
		c.UserDN = mailbox
	default:
		if c.UserDN, err = s.resolveName(ctx, s.loginName(), c); err != nil {
			return err
		}
	}
	return nil
}

// loginName is the user as the address book may know them.
func (s *session) loginName() string {
	if _, name, ok := strings.Cut(s.user, `\`); ok {
		return name
	}
	return s.user
}

// isOwner reports whether the user's own mailbox is to be opened.
func (s *session) isOwner() bool {
	name := s.loginName()
	return strings.EqualFold(name, s.Mailbox) || strings.EqualFold(name, s.SMTP) || strings.EqualFold(name, s.ownerName()) ||
		s.User == "" && name == s.userName()
}

// isFound reports whether a name is that of the mailbox that Autodiscover told of.
func (s *session) isFound(name string) bool {
	return strings.EqualFold(name, s.found.SMTP) || strings.EqualFold(name, s.found.LegacyDN) ||
		strings.EqualFold(name, strings.SplitN(s.found.SMTP, "@", 2)[0])
}

// resolveName finds the DN of a mailbox, as the address book provider of MAPI did.
func (s *session) resolveName(ctx context.Context, name string, c *exchange.Config) (dn string, err error) {
	defer func() { s.step(StepResolve, name, err, dn) }()
	book, err := exchange.NewAddressBook(*c)
	if err != nil {
		return "", err
	}
	defer book.Close()
	found, err := book.Resolve(ctx, name, []mapi.Key{mapi.TagKey(pid.TagEmailAddress), mapi.TagKey(pid.TagDisplayName)})
	if errors.Is(err, mapi.ErrAmbiguous) {
		var names []string
		for _, ps := range found {
			names = append(names, ps.Text(pid.TagDisplayName))
		}
		return "", &mapi.Error{Op: "log on to the mailbox", Object: name, Code: mapi.ErrAmbiguous,
			Err: fmt.Errorf("the name fits %s: give an SMTP address", strings.Join(names, ", "))}
	}
	if err != nil {
		return "", fmt.Errorf("log on to the mailbox: %w", err)
	}
	if dn = found[0].Text(pid.TagEmailAddress); dn == "" {
		return "", &mapi.Error{Op: "log on to the mailbox", Object: name, Code: mapi.ErrNotFound, Err: errors.New("its address book entry has no DN")}
	}
	return dn, nil
}
