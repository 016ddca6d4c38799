package httpauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ntlm"
)

const (
	user     = "anna"
	domain   = "EXAMPLE"
	password = "geheim: 1" // curl's NTLM takes ASCII only
	token    = "a.good.token"
)

// everything is a server that takes all schemes.
func everything() ServerConfig {
	return ServerConfig{
		Realm: `Exchange "test"`,
		Password: func(_ context.Context, login, pw string) (string, error) {
			if login != domain+`\`+user || pw != password {
				return "", ErrRefused
			}
			return user, nil
		},
		NTHash: func(_ context.Context, d, u string) (ntlm.Hash, bool, error) {
			return ntlm.NTHash(password), strings.EqualFold(d, domain) && u == user, nil
		},
		Token: func(_ context.Context, got string) (string, error) {
			switch got {
			case token:
				return user, nil
			case "outage":
				return "", fmt.Errorf("no answer")
			}
			return "", ErrRefused
		},
		DNSComputer: "localhost",
	}
}

// recorder counts what comes to a server.
type recorder struct {
	*httptest.Server
	requests, bodies int
}

// serve echoes who was authenticated, how, and the request's body.
func serve(t testing.TB, cfg ServerConfig, plain bool) *recorder {
	t.Helper()
	rec := new(recorder)
	rec.Server = httptest.NewUnstartedServer(nil)
	if cfg.ExtendedProtection != ProtectionOff {
		cfg.Certificate = func(*tls.ConnectionState) *x509.Certificate { return rec.Server.Certificate() }
	}
	s, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	guarded := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, ok := UserFrom(r.Context())
		body, err := io.ReadAll(r.Body)
		if !ok || err != nil {
			t.Errorf("user %v, body %v", ok, err)
		}
		if len(body) > 0 {
			rec.bodies++
		}
		fmt.Fprintf(w, "%s by %s: %s", u.Name, u.Scheme, body)
	}))
	rec.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.requests++
		guarded.ServeHTTP(w, r)
	})
	rec.Config.ConnContext = s.ConnContext
	if plain {
		rec.Start()
	} else {
		rec.StartTLS()
	}
	t.Cleanup(rec.Close)
	return rec
}

// localhost is the server's URL with the name that its tickets have.
func (r *recorder) localhost() string { return strings.Replace(r.URL, "127.0.0.1", "localhost", 1) }

// curl asks a server; environment is added to ours.
func curl(t *testing.T, feature string, environment []string, args ...string) string {
	t.Helper()
	v, err := exec.Command("curl", "--version").Output()
	if err != nil || !strings.Contains(string(v), feature) {
		t.Skipf("NOT TESTED AGAINST CURL: there is none with %s", feature)
	}
	cmd := exec.CommandContext(t.Context(), "curl", append([]string{"-sS", "-k", "--max-time", "30"}, args...)...)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("curl: %v: %s", err, out)
	}
	return string(out)
}

func TestServerAgainstCurl(t *testing.T) {
	srv := serve(t, everything(), false)
	login := domain + `\` + user + ":" + password
	for _, c := range []struct {
		name, feature string
		args          []string
		want          string
	}{
		{"Basic", "SSL", []string{"--basic", "-u", login}, "anna by Basic: "},
		{"Basic with a body", "SSL", []string{"--basic", "-u", login, "-d", "body"}, "anna by Basic: body"},
		{"NTLM", "NTLM", []string{"--ntlm", "-u", login}, `EXAMPLE\anna by NTLM: `},
		{"NTLM with a body", "NTLM", []string{"--ntlm", "-u", login, "-d", "body"}, `EXAMPLE\anna by NTLM: body`},
		{"NTLM, twice on a connection", "NTLM", []string{"--ntlm", "-u", login, srv.URL + "/first"},
			`EXAMPLE\anna by NTLM: EXAMPLE\anna by NTLM: `},
		{"Bearer", "SSL", []string{"--oauth2-bearer", token}, "anna by Bearer: "},
		{"wrong password of Basic", "SSL", []string{"--basic", "-u", "anna:x", "-o", "/dev/null", "-w", "%{http_code}"}, "401"},
		{"wrong password of NTLM", "NTLM", []string{"--ntlm", "-u", `EXAMPLE\anna:x`, "-o", "/dev/null", "-w", "%{http_code}"}, "401"},
		{"wrong token", "SSL", []string{"--oauth2-bearer", "x", "-o", "/dev/null", "-w", "%{http_code}"}, "401"},
		{"outage", "SSL", []string{"--oauth2-bearer", "outage", "-o", "/dev/null", "-w", "%{http_code}"}, "503"},
		{"nothing", "SSL", []string{"-o", "/dev/null", "-w", "%{http_code}"}, "401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append(c.args, "--http1.1", srv.URL)
			if c.feature == "SSL" {
				args = append(c.args, srv.URL)
			}
			if got := curl(t, c.feature, nil, args...); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	t.Run("any", func(t *testing.T) {
		cfg := everything()
		cfg.Schemes = []Scheme{Basic, NTLM}
		srv := serve(t, cfg, false)
		if got := curl(t, "NTLM", nil, "--anyauth", "-u", login, srv.URL); got != `EXAMPLE\anna by NTLM: ` {
			t.Error(got)
		}
	})
	t.Run("plain HTTP takes no password", func(t *testing.T) {
		plain := serve(t, everything(), true)
		got := curl(t, "SSL", nil, "-i", "--basic", "-u", login, plain.URL)
		if !strings.HasPrefix(got, "HTTP/1.1 401") || strings.Contains(got, "Basic") || strings.Contains(got, "Bearer") || !strings.Contains(got, "NTLM") {
			t.Error(got)
		}
	})
	t.Run("extended protection", func(t *testing.T) {
		cfg := everything()
		cfg.ExtendedProtection = ProtectionRequire
		srv := serve(t, cfg, false)
		if got := curl(t, "NTLM", nil, "--ntlm", "-u", login, "-o", "/dev/null", "-w", "%{http_code}", srv.URL); got != "401" {
			t.Errorf("client without channel binding: %s", got)
		}
	})
}

// realm has a server with a key, and the environment for MIT's programs with a ticket.
func realm(t testing.TB, cfg ServerConfig) (*recorder, *kdctest.KDC, []string) {
	t.Helper()
	kdc := kdctest.Start(t, "")
	keys, err := kerberos.LoadKeytab(kdc.Keytab)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keytab = keys
	return serve(t, cfg, false), kdc, append(kdc.Env(), "KRB5CCNAME=FILE:"+kdc.CredentialCache(t))
}

func TestServerAgainstCurlWithKerberos(t *testing.T) {
	srv, _, env := realm(t, everything())
	const want = "anna@EXAMPLE.TEST by Negotiate: "
	if got := curl(t, "SPNEGO", env, "--negotiate", "-u", ":", srv.localhost()); got != want {
		t.Error(got)
	}
	if got := curl(t, "SPNEGO", env, "--negotiate", "-u", ":", "-d", "body", srv.localhost()); got != want+"body" {
		t.Error(got)
	}
	if got := curl(t, "SPNEGO", env, "--negotiate", "-u", ":", srv.localhost(), srv.localhost()+"/second"); got != want+want {
		t.Error(got)
	}
}

// Guesses are told, with who and from where.
func TestFailed(t *testing.T) {
	cfg := everything()
	var failed []string
	cfg.Failed = func(ctx context.Context, s Scheme, login string) {
		failed = append(failed, fmt.Sprintf("%s as %s from %s", s, login, RemoteHost(ctx)))
	}
	srv := serve(t, cfg, false)
	for _, s := range []Scheme{Basic, NTLM, Negotiate} {
		auth := account()
		auth.Password, auth.Schemes = "guess", []Scheme{s}
		if got, err := ask(t, transport(t, srv, auth), srv.URL, nil); err != nil || got != "401 Unauthorized" {
			t.Errorf("%v: %q, %v", s, got, err)
		}
	}
	want := `[Basic as EXAMPLE\anna from 127.0.0.1 NTLM as EXAMPLE\anna from 127.0.0.1 Negotiate as EXAMPLE\anna from 127.0.0.1]`
	if got := fmt.Sprint(failed); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What comes through a proxy may be several clients' on one connection: the second doesn't become the first.
func TestConnectionIsNotShared(t *testing.T) {
	srv := serve(t, everything(), false)
	login := domain + `\` + user + ":" + password
	got := curl(t, "NTLM", nil, "-i", "--ntlm", "-u", login, "-H", "Via: 1.1 proxy", srv.URL)
	if !strings.Contains(got, "401 Unauthorized") || strings.Contains(strings.ToUpper(got), "AUTHENTICATE: NTLM") {
		t.Error(got)
	}
}
