package opencdo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// set sets values of the settings.
func (p *peer) set(t *testing.T, change func(*settings.Settings)) {
	t.Helper()
	s, err := settings.Load(p.home)
	if err != nil {
		t.Fatal(err)
	}
	change(s)
	if err := s.Save(p.home); err != nil {
		t.Fatal(err)
	}
}

// info is the ProfileInfo of the administrator's mailbox, as CDO programs write it.
func (p *peer) info(t *testing.T) profile.Info {
	t.Helper()
	info, err := profile.ParseInfo(p.guid + "@" + p.Domain + "\nadmin")
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// logsOn logs on and opens the inbox, or gives the error of the logon.
func logsOn(t *testing.T, info profile.Info, cfg *opencdo.Config) error {
	t.Helper()
	st, err := opencdo.OpenProfile(t.Context(), info, cfg)
	if err != nil {
		return err
	}
	defer st.Close()
	if _, err := st.Special(t.Context(), mapi.RoleInbox); err != nil {
		t.Error(err)
	}
	return nil
}

// TestOldClientByDynamicProfile is the logon of a CDO 1.2.1 program on Exchange 2013: a personalised server name in a dynamic
// profile, NTLM, RPC over HTTP, client version 6.5, and nothing set but RpcHttpProxyMap and "Ignore No PF".
func TestOldClientByDynamicProfile(t *testing.T) {
	p := newPeer(t)
	entry := p.Domain + "=https://" + p.host + ",ntlm,ntlm,false"
	p.set(t, func(s *settings.Settings) {
		s.SetText(settings.Messaging, settings.RpcHttpProxyMap, entry)
		s.SetText(settings.Own, settings.ClientVersion, "6.5")
	})
	cfg := p.config()
	cfg.Transports = []string{"rpchttp"}
	if err := logsOn(t, p.info(t), cfg); err != nil {
		t.Fatal(err)
	}

	p.set(t, func(s *settings.Settings) { s.Unset(settings.CDO, settings.IgnoreNoPF) })
	err := logsOn(t, p.info(t), cfg)
	var refused *opencdo.VersionRefusedError
	if !errors.Is(err, mapi.ErrFailOneProvider) || !errors.As(err, &refused) || !strings.Contains(err.Error(), settings.IgnoreNoPF) {
		t.Errorf("without %s: %v", settings.IgnoreNoPF, err)
	}

	p.set(t, func(s *settings.Settings) { s.Unset(settings.Messaging, settings.RpcHttpProxyMap) })
	var missing *opencdo.NoProxyError
	if err := logsOn(t, p.info(t), cfg); !errors.As(err, &missing) || missing.Entry() != p.Domain+"=https://mail."+p.Domain+",ntlm,ntlm,false" {
		t.Errorf("without %s: %v", settings.RpcHttpProxyMap, err)
	}
}

// TestSchemes logs on to servers that offer one way to authenticate, and no other.
func TestSchemes(t *testing.T) {
	token := func(context.Context, string) (string, error) { return "token of admin", nil }
	for _, c := range []struct {
		offered, mapped string
		change          func(*opencdo.Config)
		want            error
	}{
		{"basic", "basic", nil, nil},
		{"basic", "ntlm", nil, mapi.ErrLogonFailed}, // Basic sends the password: the map has to allow it
		{"ntlm", "ntlm", nil, nil},
		{"negotiate", "negotiate", nil, nil},
		{"ntlm", "basic", nil, mapi.ErrLogonFailed},
		{"ntlm", "basic", func(c *opencdo.Config) { c.Auth.Schemes = []string{"ntlm"} }, nil},
		{"bearer", "ntlm", func(c *opencdo.Config) { c.Auth.Token = token }, nil},
		{"bearer", "ntlm", nil, mapi.ErrLogonFailed},
		{"bearer", "ntlm", func(c *opencdo.Config) {
			c.Auth.Token = func(context.Context, string) (string, error) { return "another", nil }
		}, mapi.ErrLogonFailed},
		{"bearer", "ntlm", func(c *opencdo.Config) {
			c.Auth.TokenFor = func(_ context.Context, user, server string) (func(context.Context, string) (string, error), error) {
				if user != "admin@contoso.test" || !strings.HasPrefix(server, "127.0.0.1:") {
					t.Errorf("asked for the token of %s on %s", user, server)
				}
				return token, nil
			}
		}, nil},
	} {
		t.Run(c.offered+" where the map says "+c.mapped, func(t *testing.T) {
			p := newPeer(t, func(s *exchangeserver.Config) {
				s.Auth.Schemes = []string{c.offered}
				s.Auth.Token = func(_ context.Context, token string) (string, error) {
					if token != "token of admin" {
						return "", exchangeserver.ErrToken
					}
					return "admin", nil
				}
			})
			p.route(t, p.Domain+"=https://"+p.host+","+c.mapped+",ntlm,false")
			for _, transport := range []string{"mapihttp", "rpchttp"} {
				cfg := p.config()
				cfg.Transports = []string{transport}
				if c.change != nil {
					c.change(cfg)
				}
				if err := logsOn(t, p.info(t), cfg); !errors.Is(err, c.want) {
					t.Errorf("%s: got %v, want %v", transport, err, c.want)
				}
			}
		})
	}
}

// TestStaticProfile logs on by the properties of Exchange's global section, with the password among the secrets.
func TestStaticProfile(t *testing.T) {
	p := newPeer(t)
	p.set(t, func(s *settings.Settings) {
		s.Unset(settings.Messaging, settings.RpcHttpProxyMap)
		s.SetText(settings.Own, settings.ClientVersion, "6.5")
	})
	passphrase := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(passphrase, []byte("horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	store := secret.NewEncrypted(filepath.Join(p.home, "secrets.json"), secret.Passphrase{File: passphrase})
	prof, err := profile.New("work")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prof.AddService(profile.MSEMS); err != nil {
		t.Fatal(err)
	}
	s, _ := prof.Exchange()
	s.Set(profile.TagUnresolvedServer, p.guid+"@"+p.Domain)
	s.Set(profile.TagUnresolvedName, "admin")
	s.Set(profile.TagROHProxyServer, p.host)
	s.Set(profile.TagROHFlags, int32(profile.ROHUseROH|profile.ROHSSLOnly))
	s.Set(profile.TagROHAuthScheme, int32(1)) // Basic
	s.Set(profile.TagAuthPackage, int32(profile.RPCNone))
	s.Set(profile.TagAuthUser, "admin@"+p.Domain)
	s.SetSecret(profile.TagAuthPassword, "Pass-word1")
	s.Set(profile.TagConnectFlags, int32(profile.ConnectIgnoreNoPF))
	dir := profile.Open(p.home, store)
	if err := dir.Create(prof); err != nil {
		t.Fatal(err)
	}
	cfg := p.config()
	cfg.Password, cfg.Secrets, cfg.Transports = nil, store, []string{"rpchttp"}
	st, err := opencdo.Open(t.Context(), "profile:work", cfg)
	if err != nil {
		t.Fatal(err)
	}
	st.Close()

	if err := dir.Edit("work", func(p *profile.Profile) error {
		s, _ := p.Exchange()
		s.Set(profile.TagConnectFlags, int32(0))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := opencdo.Open(t.Context(), "profile:work", cfg); !errors.Is(err, mapi.ErrFailOneProvider) || !strings.Contains(err.Error(), "CONNECT_IGNORE_NO_PF") {
		t.Errorf("without CONNECT_IGNORE_NO_PF: %v", err)
	}
	if _, err := opencdo.Open(t.Context(), "profile:other", cfg); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("no such profile: %v", err)
	}
}

// TestPinnedCertificate has a certificate that nobody vouches for accepted because it is the right one, and refused, though it
// is trusted, because it isn't.
func TestPinnedCertificate(t *testing.T) {
	p := newPeer(t)
	raw, err := os.ReadFile(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	sum := sha256.Sum256(block.Bytes)
	p.set(t, func(s *settings.Settings) {
		s.SetText(settings.Own, settings.CertificatePins, hex.EncodeToString(sum[:]))
	})
	cfg := p.config()
	cfg.CAFile = ""
	if err := logsOn(t, p.info(t), cfg); err != nil {
		t.Fatal(err)
	}
	p.set(t, func(s *settings.Settings) {
		s.SetText(settings.Own, settings.CertificatePins, strings.Repeat("00", 32))
	})
	var refused *tls.CertificateVerificationError
	if err := logsOn(t, p.info(t), p.config()); !errors.As(err, &refused) || !strings.Contains(err.Error(), "pinned") {
		t.Errorf("another certificate: %v", err)
	}
}

// TestExtendedProtection has a server that wants channel bindings refuse a client without one, as a man in the middle would be.
func TestExtendedProtection(t *testing.T) {
	p := newPeer(t, func(s *exchangeserver.Config) { s.Auth.ExtendedProtection = "require" })
	p.route(t, p.Domain+"=https://"+p.host+",ntlm,none,false")
	for _, transport := range []string{"mapihttp", "rpchttp"} {
		cfg := p.config()
		cfg.Transports = []string{transport}
		cfg.Auth.Schemes = []string{"ntlm"}
		if err := logsOn(t, p.info(t), cfg); err != nil {
			t.Errorf("%s: %v", transport, err)
		}
	}
	raw, err := os.ReadFile(p.ca)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(cert.Raw)
	other[len(other)-1] ^= 1
	for _, c := range []struct {
		name    string
		binding gss.ChannelBinding
		want    int
	}{
		{"the right binding", gss.ServerEndPoint(cert), http.StatusOK},
		{"none", nil, http.StatusUnauthorized},
		{"another's", gss.ServerEndPoint(&x509.Certificate{Raw: other, SignatureAlgorithm: cert.SignatureAlgorithm}), http.StatusUnauthorized},
	} {
		if got := ntlmStatus(t, p, c.binding); got != c.want {
			t.Errorf("with %s: status %d, want %d", c.name, got, c.want)
		}
	}
}

// ntlmStatus authenticates by NTLM over net/http alone and gives the status of the last answer.
func ntlmStatus(t *testing.T, p *peer, binding gss.ChannelBinding) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.CA}, MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	initiator := ntlm.NewInitiator(ntlm.Config{User: "admin", Password: "Pass-word1", TargetName: "HTTP/127.0.0.1", ChannelBinding: binding})
	var token []byte
	for range 2 {
		out, _, err := initiator.Step(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.MailboxURL(t, "admin"), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "NTLM "+base64.StdEncoding.EncodeToString(out))
		req.Header.Set("X-RequestType", "PING")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		text, ok := strings.CutPrefix(resp.Header.Get("WWW-Authenticate"), "NTLM ")
		if resp.StatusCode != http.StatusUnauthorized || !ok {
			return resp.StatusCode
		}
		if token, err = base64.StdEncoding.DecodeString(text); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the handshake has no end")
	return 0
}

// TestTrace has every secret stay out of what a logon tells.
func TestTrace(t *testing.T) {
	p := newPeer(t)
	cfg := p.config()
	var told strings.Builder
	cfg.Trace = func(s opencdo.Step) { fmt.Fprintln(&told, s.What, s.Where, s.Note, s.Err) }
	cfg.Examine = true
	if err := logsOn(t, p.info(t), cfg); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"read the settings", "RpcHttpProxyMap = ", "read the profile", "agree on TLS", "offered: Negotiate, NTLM, Basic", "log on by mapihttp", "for an echo", "log on by rpchttp"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("%q isn't in\n%s", want, told.String())
		}
	}
	if strings.Contains(told.String(), "Pass-word1") {
		t.Errorf("the password is in\n%s", told.String())
	}
}
