package connect

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/httpauth"
)

// examineTimeout bounds one look: somebody is waiting for what it says.
const examineTimeout = 15 * time.Second

// examine looks at the layers below HTTP of a host, one by one.
func (s *session) examine(ctx context.Context, at *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	port := at.Port()
	if port == "" {
		port = "443"
		if at.Scheme == "http" {
			port = "80"
		}
	}
	address := net.JoinHostPort(at.Hostname(), port)
	note := ""
	if via, err := http.ProxyFromEnvironment(&http.Request{URL: at}); err == nil && via != nil {
		note = "through the HTTP proxy " + via.Host
	} else if err := s.lookUp(ctx, at.Hostname()); err != nil {
		return err
	}
	conn, err := s.tunnel()(ctx, "tcp", address)
	s.step("connect", address, err, note)
	if err != nil {
		return err
	}
	defer conn.Close()
	if at.Scheme == "http" {
		return nil
	}
	conf := s.tls.Clone()
	if conf.ServerName == "" {
		conf.ServerName = at.Hostname()
	}
	tc := tls.Client(conn, conf)
	err = tc.HandshakeContext(ctx)
	certificates := tc.ConnectionState().PeerCertificates
	var unverified *tls.CertificateVerificationError
	if errors.As(err, &unverified) {
		certificates = unverified.UnverifiedCertificates
	}
	s.step("agree on TLS", address, err, s.describe(tc.ConnectionState(), certificates, err == nil))
	return err
}

// lookUp asks the resolver for a host, unless it is an address.
func (s *session) lookUp(ctx context.Context, host string) error {
	if net.ParseIP(host) != nil || s.Dial != nil {
		return nil
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	s.step("look the name up", host, err, strings.Join(found, ", "))
	return err
}

// tunnel makes network connections to servers of HTTP, through HTTP proxies of the environment where it is ours to choose.
func (s *session) tunnel() func(context.Context, string, string) (net.Conn, error) {
	if s.Dial != nil {
		return s.Dial
	}
	return httpauth.ProxyDialer{}.DialContext
}

// describe tells of certificates in a line each, and why they were accepted.
func (s *session) describe(state tls.ConnectionState, list []*x509.Certificate, accepted bool) string {
	var lines []string
	if state.Version != 0 {
		lines = append(lines, tls.VersionName(state.Version))
	}
	for i, c := range list {
		what := "issuer's certificate: "
		if i == 0 {
			what = "certificate: "
		}
		what += fmt.Sprintf("%s, issued by %s, valid until %s", nameOf(c.Subject.String()), nameOf(c.Issuer.String()), c.NotAfter.Format(time.DateOnly))
		if left := time.Until(c.NotAfter); left < 0 {
			what += " (EXPIRED)"
		} else if days := int(left.Hours() / 24); days < expiresSoon {
			what += fmt.Sprintf(" (in %d days)", days)
		}
		lines = append(lines, what)
	}
	if len(list) > 0 {
		names := slices.Clone(list[0].DNSNames)
		for _, ip := range list[0].IPAddresses {
			names = append(names, ip.String())
		}
		lines = append(lines, "good for: "+strings.Join(names, ", "), fmt.Sprintf("SHA-256: %x", sha256.Sum256(list[0].Raw)))
	}
	switch {
	case !accepted:
	case s.Certificate.Ignore:
		lines = append(lines, "accepted without a check, as "+s.Source+" says")
	case len(s.Certificate.Pins) > 0:
		lines = append(lines, "accepted: it is pinned")
	case len(state.VerifiedChains) > 0:
		chain := state.VerifiedChains[0]
		lines = append(lines, "accepted: trusted by "+nameOf(chain[len(chain)-1].Subject.String()))
	}
	return strings.Join(lines, "\n")
}

// expiresSoon is the number of days within which a certificate's end is worth a remark.
const expiresSoon = 30

func nameOf(s string) string {
	if s == "" {
		return "(no name)"
	}
	return s
}

// offers asks a page without credentials how it wants to be authenticated to, and compares that with what is allowed. Only
// that the two have nothing in common is an error: whatever else goes wrong, the logon will show.
func (s *session) offers(ctx context.Context, at string) error {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	const what = "ask how to authenticate"
	transport := &http.Transport{TLSClientConfig: s.tls, DialContext: s.Dial, Proxy: http.ProxyFromEnvironment}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	var resp *http.Response
	if err == nil {
		resp, err = transport.RoundTrip(req)
	}
	if err != nil {
		s.step(what, at, err, "")
		return nil
	}
	resp.Body.Close()
	offered, allowed := httpauth.Offered(resp.Header.Values("WWW-Authenticate")), s.auth.Usable()
	if resp.StatusCode != http.StatusUnauthorized {
		s.step(what, at, nil, fmt.Sprintf("the page answers HTTP status %d %s instead of asking for credentials", resp.StatusCode, http.StatusText(resp.StatusCode)))
		return nil
	}
	if !slices.ContainsFunc(offered, func(o httpauth.Scheme) bool { return slices.Contains(allowed, o) }) {
		err = httpauth.ErrNoScheme
	}
	s.step(what, at, err, fmt.Sprintf("offered: %s\nallowed here, with credentials for it: %s", join(offered), join(allowed)))
	return err
}

func join(list []httpauth.Scheme) string {
	if len(list) == 0 {
		return "none"
	}
	var names []string
	for _, x := range list {
		names = append(names, x.String())
	}
	return strings.Join(names, ", ")
}
