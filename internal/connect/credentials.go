package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/spnego"
	"github.com/opencdo/opencdo/profile"
)

// ErrNoTickets means that there is nothing to get Kerberos tickets with.
var ErrNoTickets = errors.New("no Kerberos tickets")

// Credentials are what a user can prove to be themselves with. What isn't there is left out.
type Credentials struct {
	// Schemes restrict HTTP authentication besides the profile; empty: all.
	Schemes []httpauth.Scheme
	// Password is asked once, unless other credentials make it unnecessary; nil: there is none.
	Password func(ctx context.Context, user, server string) (string, error)
	Kerberos *kerberos.Client
	Tokens   httpauth.TokenSource
	// TokensFor gives what Tokens would be for a user on a server, nil where there are none; nil: there are none for anyone.
	TokensFor   func(ctx context.Context, user, server string) (httpauth.TokenSource, error)
	Certificate *tls.Certificate
	CurrentUser bool
	// RPC is authentication in RPC, in place of what map or profile say; nil: as they say.
	RPC *profile.RPCAuth
	// Level is RPC's authentication level; 0: privacy, or integrity where the profile wants no encryption.
	Level dcerpc.Level
}

// schemesOf are the ways of a profile to authenticate in HTTP. NTLM and Negotiate stand for each other, as Windows's
// authentication does: servers offer the one, the other or both. A token is taken where there is one: maps and profiles
// are older than tokens.
func schemesOf(list []profile.HTTPAuth, token bool) ([]httpauth.Scheme, error) {
	var out []httpauth.Scheme
	for _, a := range list {
		switch a {
		case profile.HTTPBasic:
			out = append(out, httpauth.Basic)
		case profile.HTTPNTLM, profile.HTTPNegotiate:
			out = append(out, httpauth.Negotiate, httpauth.NTLM)
		case profile.HTTPCertificate:
			out = append(out, httpauth.Certificate)
		default:
			return nil, fmt.Errorf("%s authentication isn't supported by any current server", a)
		}
	}
	if token && len(out) > 0 {
		out = append(out, httpauth.Bearer)
	}
	return out, nil
}

// HTTP makes the credentials for HTTP. by are the ways that a profile allows; none: all.
func (c *Credentials) HTTP(ctx context.Context, user, host string, by []profile.HTTPAuth) (httpauth.Config, error) {
	if c.Tokens == nil && c.TokensFor != nil && (len(c.Schemes) == 0 || slices.Contains(c.Schemes, httpauth.Bearer)) {
		var err error
		if c.Tokens, err = c.TokensFor(ctx, user, host); err != nil {
			return httpauth.Config{}, err
		}
	}
	schemes, err := schemesOf(by, c.Tokens != nil)
	if err != nil {
		return httpauth.Config{}, err
	}
	if len(c.Schemes) > 0 {
		schemes = c.Schemes
	}
	cfg := httpauth.Config{Memory: &httpauth.Memory{}, Schemes: schemes, User: user, Kerberos: c.Kerberos, Tokens: c.Tokens, Certificate: c.Certificate,
		CurrentUser: c.CurrentUser, PlainLoopback: true}
	if c.Kerberos != nil || c.Tokens != nil || c.Certificate != nil || c.CurrentUser {
		return cfg, nil
	}
	if c.Password == nil {
		return cfg, errors.New("no password was given")
	}
	cfg.Password, err = c.Password(ctx, user, host)
	return cfg, err
}

// credentialsNote says what credentials there are, none of which is part of it.
func credentialsNote(c *httpauth.Config) string {
	var list []string
	for _, x := range []struct {
		there bool
		name  string
	}{{c.Password != "", "a password"}, {c.Kerberos != nil, "Kerberos tickets"}, {c.Tokens != nil, "access tokens"}, {c.Certificate != nil, "a client certificate"},
		{c.CurrentUser, "the logon of whoever runs the program"}} {
		if x.there {
			list = append(list, x.name)
		}
	}
	return strings.Join(list, ", ")
}

// rpc makes the credentials for an association. Over HTTP, whose proxy has authenticated the user and encrypts, RPC can do
// without where there is nothing to authenticate with: a token, for example.
func (c *Credentials) rpc(by profile.RPCAuth, user, service string, encrypt bool, http httpauth.Config) (dcerpc.Config, error) {
	if c.RPC != nil {
		by = *c.RPC
	}
	level := c.Level
	switch {
	case level != 0:
	case encrypt:
		level = dcerpc.LevelPrivacy
	default:
		level = dcerpc.LevelIntegrity
	}
	domain, name := "", user
	if d, u, ok := strings.Cut(user, `\`); ok {
		domain, name = d, u
	}
	byNTLM := func() gss.Context {
		return ntlm.NewInitiator(ntlm.Config{User: name, Domain: domain, Password: http.Password, TargetName: service, Sign: true, Seal: level == dcerpc.LevelPrivacy})
	}
	byKerberos := func() gss.Context {
		return c.Kerberos.NewInitiator(kerberos.Target{Service: service, Seal: level == dcerpc.LevelPrivacy, DCE: true})
	}
	cfg := dcerpc.Config{Level: level}
	switch by {
	case profile.RPCNone:
	case profile.RPCWinNT, profile.RPCDefault:
		if http.Password != "" {
			cfg.Auth, cfg.AuthType = byNTLM(), dcerpc.AuthNTLM
		} else if c.Kerberos != nil {
			cfg.Auth, cfg.AuthType = byKerberos(), dcerpc.AuthKerberos
		}
	case profile.RPCKerberos:
		if c.Kerberos == nil {
			return cfg, fmt.Errorf("%w: authentication by Kerberos in RPC needs a keytab, a credential cache or a password to get them with", ErrNoTickets)
		}
		cfg.Auth, cfg.AuthType = byKerberos(), dcerpc.AuthKerberos
	case profile.RPCNegotiate:
		var mechanisms []spnego.Mechanism
		if c.Kerberos != nil {
			mechanisms = append(mechanisms, spnego.Fixed(spnego.Kerberos, byKerberos()))
		}
		if http.Password != "" {
			mechanisms = append(mechanisms, spnego.Fixed(spnego.NTLM, byNTLM()))
		}
		if len(mechanisms) > 0 {
			cfg.Auth, cfg.AuthType = spnego.NewInitiator(mechanisms...), dcerpc.AuthNegotiate
		}
	default:
		return cfg, fmt.Errorf("authentication %v in RPC isn't supported", by)
	}
	if cfg.Auth == nil {
		cfg.Level = dcerpc.LevelNone
	}
	return cfg, nil
}
