package httpauth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/rpchttp"
)

const headerSize = 16

// RPC over HTTP, whose connections aren't net/http's and carry one long request each.
func TestRPCOverHTTP(t *testing.T) {
	kdc := kdctest.Start(t, "")
	keys, err := kerberos.LoadKeytab(kdc.Keytab)
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := kerberos.NewClient(kerberos.ClientConfig{User: kdctest.User, Password: kdctest.Password, ConfigFile: kdc.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tickets.Close)
	h := &rpchttp.Handler{
		User: func(ctx context.Context) string {
			u, _ := httpauth.UserFrom(ctx)
			return u.Name
		},
		Serve: func(_ context.Context, c net.Conn, i rpchttp.Info) {
			// A PDU's header ([C706] 12.6.3.1), with the user's name behind it.
			pdu := append([]byte{5, 0, 2, 3, 0x10, 0, 0, 0, byte(headerSize + len(i.User)), 0, 0, 0, 1, 0, 0, 0}, i.User...)
			if _, err := c.Write(pdu); err != nil {
				t.Error(err)
			}
			io.Copy(io.Discard, c) // until the client hangs up
		},
	}
	t.Cleanup(func() { h.Close() })
	web := httptest.NewUnstartedServer(nil)
	auth, err := httpauth.NewServer(httpauth.ServerConfig{
		Password: func(_ context.Context, login, password string) (string, error) {
			if login != `EXAMPLE\anna` || password != "geheim" {
				return "", httpauth.ErrRefused
			}
			return "anna", nil
		},
		NTHash: func(_ context.Context, domain, user string) (ntlm.Hash, bool, error) {
			return ntlm.NTHash("geheim"), domain == "EXAMPLE" && user == "anna", nil
		},
		Token: func(_ context.Context, token string) (string, error) {
			if token != "fresh" {
				return "", httpauth.ErrRefused
			}
			return "anna@example.test", nil
		},
		Keytab: keys, ExtendedProtection: httpauth.ProtectionRequire,
		Certificate: func(*tls.ConnectionState) *x509.Certificate { return web.Certificate() },
	})
	if err != nil {
		t.Fatal(err)
	}
	web.Config.Handler, web.Config.ConnContext = auth.Handler(h), auth.ConnContext
	web.StartTLS()
	t.Cleanup(web.Close)
	_, port, err := net.SplitHostPort(web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	address := rpchttp.URL("localhost:"+port, "server", 6001)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := kerberos.NewClient(kerberos.ClientConfig{User: kdctest.User, Password: "wrong", ConfigFile: kdc.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wrong.Close)
	for _, c := range []struct {
		name string
		auth httpauth.Config
		want string // empty: refused
	}{
		{"Bearer", httpauth.Config{Tokens: &renewing{token: "fresh"}, Schemes: []httpauth.Scheme{httpauth.Bearer}}, "anna@example.test"},
		{"an expired token", httpauth.Config{Tokens: &renewing{token: "expired", next: "fresh"}, Schemes: []httpauth.Scheme{httpauth.Bearer}}, "anna@example.test"},
		{"tokens that nobody takes", httpauth.Config{Tokens: &renewing{token: "expired", next: "expired, too"}, Schemes: []httpauth.Scheme{httpauth.Bearer}}, ""},
		{"no ticket, but a password", httpauth.Config{Kerberos: wrong}, `EXAMPLE\anna`},
		{"Basic", httpauth.Config{Schemes: []httpauth.Scheme{httpauth.Basic}}, "anna"},
		{"NTLM", httpauth.Config{Schemes: []httpauth.Scheme{httpauth.NTLM}}, `EXAMPLE\anna`},
		{"NTLM in Negotiate", httpauth.Config{Schemes: []httpauth.Scheme{httpauth.Negotiate}}, `EXAMPLE\anna`},
		{"what there is", httpauth.Config{}, `EXAMPLE\anna`},
		{"Kerberos", httpauth.Config{Kerberos: tickets}, "anna@EXAMPLE.TEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.auth.User, c.auth.Domain, c.auth.Password = "anna", "EXAMPLE", "geheim"
			conn, err := rpchttp.Dial(t.Context(), rpchttp.Config{
				URL: address,
				TLS: &tls.Config{InsecureSkipVerify: true},
				Authenticator: func(state *tls.ConnectionState) rpchttp.Authenticator {
					return c.auth.NewConversation(u, state)
				},
			})
			if c.want == "" && errors.Is(err, rpchttp.ErrUnauthorized) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			b := make([]byte, headerSize+len(c.want))
			if _, err := io.ReadFull(conn, b); err != nil || string(b[headerSize:]) != c.want {
				t.Errorf("%q, %v, want %q", b, err, c.want)
			}
		})
	}
}

// renewing gives a token until it is refused, and then another.
type renewing struct {
	mu          sync.Mutex
	token, next string
}

func (r *renewing) Token(_ context.Context, refused string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if refused == r.token && r.next != "" {
		r.token = r.next
	}
	return r.token, nil
}
