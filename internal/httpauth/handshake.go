package httpauth

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/spnego"
)

// handshake goes on with a connection's handshake, or begins one.
func (s *Server) handshake(r *http.Request, conn *connection, scheme Scheme, token []byte) (user User, challenge string, err error) {
	if conn.context == nil || conn.scheme != scheme || begins(token) {
		conn.scheme, conn.context, conn.login = scheme, s.acceptor(r, conn, scheme), ""
	}
	ctx := withRemoteHost(r)
	out, done, err := conn.context.Step(ctx, token)
	if err != nil {
		conn.context = nil
		if unavailable := new(outage); errors.As(err, unavailable) {
			return User{}, "", *unavailable
		}
		if conn.login != "" {
			s.failed(ctx, scheme, conn.login)
		}
		return User{}, "", errors.Join(ErrRefused, err)
	}
	if out != nil {
		challenge = header(scheme, out)
	}
	if !done {
		return User{}, challenge, errContinue
	}
	user = User{conn.context.Peer(), scheme}
	conn.context, conn.user = nil, &user
	return user, challenge, nil
}

// begins: a NEGOTIATE_MESSAGE, or the frame of a first token.
func begins(token []byte) bool {
	return bytes.HasPrefix(token, []byte("NTLMSSP\x00\x01")) || token[0] == 0x60
}

func (s *Server) acceptor(r *http.Request, conn *connection, scheme Scheme) gss.Context {
	var binding gss.ChannelBinding
	if r.TLS != nil && s.cfg.ExtendedProtection != ProtectionOff {
		if cert := s.cfg.Certificate(r.TLS); cert != nil {
			binding = gss.ServerEndPoint(cert)
		}
	}
	require := s.cfg.ExtendedProtection == ProtectionRequire
	newNTLM := func(context.Context) (gss.Context, error) {
		return ntlm.NewAcceptor(ntlm.AcceptorConfig{ChannelBinding: binding, RequireChannelBinding: require,
			NetBIOSDomain: s.cfg.NetBIOSDomain, NetBIOSComputer: s.cfg.NetBIOSComputer,
			DNSDomain: s.cfg.DNSDomain, DNSComputer: s.cfg.DNSComputer,
			Lookup: func(ctx context.Context, domain, user string) (ntlm.Hash, bool, error) {
				if conn.login = user; domain != "" {
					conn.login = domain + `\` + user
				}
				h, known, err := s.cfg.NTHash(ctx, domain, user)
				return h, known, failure(err)
			}}), nil
	}
	if scheme == NTLM {
		c, _ := newNTLM(r.Context())
		return c
	}
	var mechs []spnego.Mechanism
	if s.cfg.Keytab != nil {
		mechs = append(mechs, spnego.Mechanism{ID: spnego.Kerberos, New: func(context.Context) (gss.Context, error) {
			return kerberos.NewAcceptor(kerberos.AcceptorConfig{Keytab: s.cfg.Keytab, Principal: s.cfg.Principal,
				ChannelBinding: binding, RequireChannelBinding: require, Replays: &s.replays}), nil
		}})
	}
	if s.cfg.NTHash != nil {
		mechs = append(mechs, spnego.Mechanism{ID: spnego.NTLM, New: newNTLM})
	}
	return spnego.NewAcceptor(mechs...)
}
