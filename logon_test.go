package opencdo_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// peer is a server, and the settings of a user who wants to reach it.
type peer struct {
	*exchangetest.Server
	host, ca, home string
	guid           string
}

func newPeer(t *testing.T, change ...func(*exchangeserver.Config)) *peer {
	t.Helper()
	p := &peer{Server: exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{
		{Alias: "admin", Name: "Administrator", Admin: true}, {Alias: "anna", Name: "Anna Schmidt"}, {Alias: "annabel", Name: "Annabel Jones"},
	}, Config: func(c *exchangeserver.Config) {
		for _, f := range change {
			f(c)
		}
	}}), home: t.TempDir()}
	p.host = strings.TrimPrefix(p.URL, "https://")
	c, err := tls.Dial("tcp", p.host, &tls.Config{InsecureSkipVerify: true}) // only to get the certificate that is to be trusted
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p.ca = filepath.Join(p.home, "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ConnectionState().PeerCertificates[0].Raw})
	if err := os.WriteFile(p.ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	p.guid = p.Mailbox(t, "admin").String()
	p.route(t, p.Domain+"=https://"+p.host+",basic,none,false")
	return p
}

// route sets RpcHttpProxyMap.
func (p *peer) route(t *testing.T, value string) {
	t.Helper()
	s, err := settings.Load(p.home)
	if err != nil {
		t.Fatal(err)
	}
	s.SetText(settings.Messaging, settings.RpcHttpProxyMap, value)
	s.SetNumber(settings.CDO, settings.IgnoreNoPF, 1)
	if err := s.Save(p.home); err != nil {
		t.Fatal(err)
	}
}

func (p *peer) config() *opencdo.Config {
	return &opencdo.Config{Home: p.home, CAFile: p.ca,
		Password: func(context.Context, string, string) (string, error) { return exchangetest.Password, nil }}
}

func TestLogonByDynamicProfile(t *testing.T) {
	p := newPeer(t)
	st, err := opencdo.Open(t.Context(), "exchange:admin@"+p.guid+"@"+p.Domain, p.config())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := st.Special(t.Context(), mapi.RoleInbox); err != nil {
		t.Error(err)
	}
}

func TestLogonByAutodiscover(t *testing.T) {
	p := newPeer(t)
	for _, address := range []string{"exchange:anna@" + p.Domain + "@" + p.URL, "exchange:anna@" + p.URL} {
		cfg := p.config()
		cfg.User = "anna@" + p.Domain
		st, err := opencdo.Open(t.Context(), address, cfg)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		st.Close()
	}
}

func TestAdministratorOpensAnotherMailbox(t *testing.T) {
	p := newPeer(t)
	address := "exchange:annabel@" + p.guid + "@" + p.Domain
	cfg := p.config()
	cfg.User, cfg.Admin = "admin@"+p.Domain, true
	st, err := opencdo.Open(t.Context(), address, cfg)
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	cfg.User, cfg.Admin = "anna@"+p.Domain, false
	if st, err := opencdo.Open(t.Context(), address, cfg); err == nil {
		st.Close()
		t.Error("a user without rights opened the mailbox of another")
	}
}

// TestLogonFailures has each failure named so that a person can mend it.
func TestLogonFailures(t *testing.T) {
	p := newPeer(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := closed.Addr().String()
	closed.Close()
	own := "exchange:admin@" + p.guid + "@" + p.Domain
	for _, c := range []struct {
		name, address string
		change        func(*opencdo.Config)
		want          error
	}{
		{"wrong password", own, func(c *opencdo.Config) {
			c.Password = func(context.Context, string, string) (string, error) { return "wrong", nil }
		}, mapi.ErrLogonFailed},
		{"no password", own, func(c *opencdo.Config) { c.Password = nil }, mapi.ErrLogonFailed},
		{"unknown mailbox", "exchange:nobody@" + p.guid + "@" + p.Domain, func(c *opencdo.Config) { c.User = "admin@" + p.Domain }, mapi.ErrNotFound},
		{"ambiguous alias", "exchange:ann@" + p.guid + "@" + p.Domain, func(c *opencdo.Config) { c.User = "admin@" + p.Domain }, mapi.ErrAmbiguous},
		{"no map entry", "exchange:admin@" + p.guid + "@elsewhere.test", nil, mapi.ErrNetwork},
		{"no server", "exchange:admin@https://" + unused, func(c *opencdo.Config) { c.User = "admin@" + p.Domain }, mapi.ErrNetwork},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := p.config()
			if c.change != nil {
				c.change(cfg)
			}
			st, err := opencdo.Open(t.Context(), c.address, cfg)
			if err == nil {
				st.Close()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), exchangetest.Password) {
				t.Errorf("the password stands in %q", err)
			}
		})
	}
	t.Run("server behind the map is gone", func(t *testing.T) {
		p.route(t, p.Domain+"=https://"+unused+",basic,none,false")
		defer p.route(t, p.Domain+"=https://"+p.host+",basic,none,false")
		_, err := opencdo.Open(t.Context(), own, p.config())
		if !errors.Is(err, mapi.ErrNetwork) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no map entry says what to set", func(t *testing.T) {
		_, err := opencdo.Open(t.Context(), "exchange:admin@"+p.guid+"@elsewhere.test", p.config())
		var missing *opencdo.NoProxyError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), "RpcHttpProxyMap") || !strings.Contains(err.Error(), settings.FileName) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCertificateRule(t *testing.T) {
	p := newPeer(t)
	own := "exchange:admin@" + p.guid + "@" + p.Domain
	cfg := p.config()
	cfg.CAFile = ""
	var unknown x509.UnknownAuthorityError
	if _, err := opencdo.Open(t.Context(), own, cfg); !errors.As(err, &unknown) {
		t.Fatalf("a certificate that isn't trusted: %v", err)
	}
	p.route(t, p.Domain+"=https://"+p.host+",basic,none,true")
	warned := ""
	cfg.Warn = func(m string) { warned += m }
	st, err := opencdo.Open(t.Context(), own, cfg)
	if err != nil {
		t.Fatalf("the map says that the certificate doesn't matter: %v", err)
	}
	st.Close()
	if !strings.Contains(warned, "certificate") {
		t.Errorf("warning: %q", warned)
	}
}
