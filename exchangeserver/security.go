package exchangeserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/spnego"
	"github.com/opencdo/opencdo/mapi"
)

// Auth says how users authenticate, in HTTP and in RPC. The zero value takes passwords: by Basic and, where the back end is an
// [NTHasher], by NTLM, alone and inside of Negotiate.
type Auth struct {
	// Schemes are what is offered in HTTP: "basic", "ntlm", "negotiate", "bearer". Empty: all that have what they need.
	Schemes []string
	// Keytab is a file with the keys of the server's Kerberos principals (HTTP/host, exchangeMDB/host, exchangeAB/host); empty:
	// no Kerberos. Principal is one whose keys are used for all; empty: whichever a ticket names.
	Keytab, Principal string
	// Token names the user of an access token, for Bearer; nil: there is no Bearer. Errors that match ErrToken are refusals,
	// others outages.
	Token func(ctx context.Context, token string) (user string, err error)
	// ExtendedProtection is "off", "allow" or "require": what is thought of channel bindings, which tie NTLM and Kerberos to
	// the TLS connection. Empty: off.
	ExtendedProtection string
	// RPCLevel is the authentication level that calls over RPC need at least: "none", "connect", "packet", "integrity",
	// "privacy". Over HTTP, none means that HTTP's authentication is enough. Empty: none over HTTP, connect over TCP.
	RPCLevel string
}

// ErrToken says that an access token isn't accepted.
var ErrToken = httpauth.ErrRefused

// NTHasher is a back end whose users can log on by NTLM. login is the user as clients type it, DOMAIN\USER where they name a
// domain.
type NTHasher interface {
	NTHash(ctx context.Context, login string) (hash [16]byte, known bool, err error)
}

var protections = map[string]httpauth.ExtendedProtection{"": httpauth.ProtectionOff, "off": httpauth.ProtectionOff,
	"allow": httpauth.ProtectionAllow, "require": httpauth.ProtectionRequire}

// security is what the server authenticates with.
type security struct {
	http    *httpauth.Server
	nt      func(ctx context.Context, domain, user string) (ntlm.Hash, bool, error) // nil: no NTLM
	keytab  *kerberos.Keytab                                                        // nil: no Kerberos
	replays kerberos.ReplayCache
	level   dcerpc.Level
}

// secure prepares authentication.
func (s *Server) secure() error {
	a := s.cfg.Auth
	bad := func(err error) error {
		return &mapi.Error{Op: "make server", Object: "authentication", Code: mapi.ErrInvalidParameter, Err: err}
	}
	cfg := httpauth.ServerConfig{Realm: "Exchange", Password: s.auth.password, Token: a.Token, Principal: a.Principal, PlainLoopback: true,
		Logger: s.cfg.Logger, Certificate: func(*tls.ConnectionState) *x509.Certificate { return s.certificate.Load() }}
	short, _, _ := strings.Cut(s.cfg.Domain, ".")
	cfg.DNSDomain, cfg.NetBIOSDomain, cfg.NetBIOSComputer = s.cfg.Domain, strings.ToUpper(short), "OPENCDO"
	for _, name := range a.Schemes {
		scheme, err := httpauth.ParseScheme(name)
		if err != nil {
			return bad(err)
		}
		cfg.Schemes = append(cfg.Schemes, scheme)
	}
	var ok bool
	if cfg.ExtendedProtection, ok = protections[strings.ToLower(a.ExtendedProtection)]; !ok {
		return bad(fmt.Errorf("extended protection is off, allow or require, not %q", a.ExtendedProtection))
	}
	if h, ok := s.cfg.Backend.(NTHasher); ok {
		s.security.nt = func(ctx context.Context, domain, user string) (ntlm.Hash, bool, error) {
			if domain != "" {
				user = domain + `\` + user
			}
			hash, known, err := h.NTHash(ctx, user)
			return ntlm.Hash(hash), known, err
		}
		cfg.NTHash = s.security.nt
	}
	if a.Keytab != "" {
		keytab, err := kerberos.LoadKeytab(a.Keytab)
		if err != nil {
			return bad(err)
		}
		s.security.keytab, cfg.Keytab = keytab, keytab
	}
	s.security.level = dcerpc.LevelNone
	if a.RPCLevel != "" {
		level, err := dcerpc.ParseLevel(a.RPCLevel)
		if err != nil {
			return bad(err)
		}
		s.security.level = level
	}
	var err error
	if s.security.http, err = httpauth.NewServer(cfg); err != nil {
		return bad(err)
	}
	return nil
}

// ConnContext belongs into the http.Server that serves the server, which Serve makes otherwise: without it NTLM and Negotiate,
// which authenticate connections, aren't offered.
func (s *Server) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return s.security.http.ConnContext(ctx, c)
}

// SetCertificate says which certificate clients see, for channel bindings. Serve does it itself.
func (s *Server) SetCertificate(c *x509.Certificate) { s.certificate.Store(c) }

// accept gives the security contexts of RPC.
func (s *Server) accept(t dcerpc.AuthType) (gss.Context, error) {
	byNTLM := func() gss.Context {
		short, _, _ := strings.Cut(s.cfg.Domain, ".")
		return ntlm.NewAcceptor(ntlm.AcceptorConfig{Lookup: s.security.nt, DNSDomain: s.cfg.Domain, NetBIOSDomain: strings.ToUpper(short),
			NetBIOSComputer: "OPENCDO"})
	}
	byKerberos := func() gss.Context {
		return kerberos.NewAcceptor(kerberos.AcceptorConfig{Keytab: s.security.keytab, Principal: s.cfg.Auth.Principal, Replays: &s.security.replays})
	}
	switch {
	case t == dcerpc.AuthNTLM && s.security.nt != nil:
		return byNTLM(), nil
	case t == dcerpc.AuthKerberos && s.security.keytab != nil:
		return byKerberos(), nil
	case t == dcerpc.AuthNegotiate:
		var list []spnego.Mechanism
		if s.security.keytab != nil {
			list = append(list, spnego.Mechanism{ID: spnego.Kerberos, New: func(context.Context) (gss.Context, error) { return byKerberos(), nil }})
		}
		if s.security.nt != nil {
			list = append(list, spnego.Mechanism{ID: spnego.NTLM, New: func(context.Context) (gss.Context, error) { return byNTLM(), nil }})
		}
		if len(list) > 0 {
			return spnego.NewAcceptor(list...), nil
		}
	}
	return nil, nil
}
