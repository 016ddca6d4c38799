package httpauth

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ntlm"
)

func transport(t testing.TB, srv *recorder, auth Config) *Transport {
	t.Helper()
	cfg := TransportConfig{Auth: auth}
	if srv.TLS != nil {
		cfg.TLS = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		cfg.TLS.ServerName = "example.com" // as httptest's certificate says
	}
	tr := NewTransport(cfg)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func account() Config { return Config{User: user, Domain: domain, Password: password} }

// ask posts a body and gives the answer.
func ask(t testing.TB, rt http.RoundTripper, url string, body io.Reader) (string, error) {
	t.Helper()
	return send(t, rt, http.MethodPost, url, body)
}

func send(t testing.TB, rt http.RoundTripper, method, url string, body io.Reader) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return resp.Status, err
	}
	return string(b), err
}

// stream is a body that can be read once.
type stream struct{ io.Reader }

// tokens is a TokenSource whose first token isn't accepted.
type tokens struct{ fresh bool }

func (s *tokens) Token(_ context.Context, refused string) (string, error) {
	if s.fresh = s.fresh || refused == "stale"; s.fresh {
		return token, nil
	}
	return "stale", nil
}

func TestTransport(t *testing.T) {
	with := func(schemes ...Scheme) Config {
		c := account()
		c.Schemes, c.Tokens = schemes, new(tokens)
		return c
	}
	for _, c := range []struct {
		name   string
		auth   Config
		server []Scheme
		want   string
	}{
		{"Basic", with(Basic), nil, "anna by Basic: "},
		{"NTLM", with(NTLM), nil, `EXAMPLE\anna by NTLM: `},
		{"Negotiate", with(Negotiate), nil, `EXAMPLE\anna by Negotiate: `},
		{"Bearer", with(Bearer), nil, "anna by Bearer: "},
		{"the strongest", with(), nil, `EXAMPLE\anna by Negotiate: `},
		{"the strongest that the server has", with(), []Scheme{Basic, NTLM}, `EXAMPLE\anna by NTLM: `},
		{"the only one that the server has", with(), []Scheme{Basic}, "anna by Basic: "},
		{"user with domain", Config{User: domain + `\` + user, Password: password, Schemes: []Scheme{NTLM}}, nil, `EXAMPLE\anna by NTLM: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := everything()
			cfg.Schemes = c.server
			cfg.ExtendedProtection = ProtectionRequire
			srv := serve(t, cfg, false)
			tr := transport(t, srv, c.auth)
			for n := range 3 {
				body := fmt.Sprintf("body %d", n)
				if got, err := ask(t, tr, srv.URL, strings.NewReader(body)); err != nil || got != c.want+body {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := ask(t, tr, srv.URL, stream{strings.NewReader(body)}); err != nil || got != c.want+body {
					t.Errorf("streamed: %q, %v", got, err)
				}
			}
			if srv.bodies != 6 {
				t.Errorf("the server read %d bodies, not 6", srv.bodies)
			}
			before := srv.requests
			if got, err := ask(t, tr, srv.URL, nil); err != nil || got != c.want {
				t.Errorf("without body: %q, %v", got, err)
			}
			if n := srv.requests - before; n > 1 {
				t.Errorf("%d requests for one on an authenticated connection", n)
			}
		})
	}
}

func TestTransportRefusals(t *testing.T) {
	plain, secure := serve(t, everything(), true), serve(t, everything(), false)
	wrong := account()
	wrong.Password = "wrong secret"
	for _, s := range []Scheme{Basic, NTLM, Negotiate} {
		wrong.Schemes = []Scheme{s}
		if got, err := ask(t, transport(t, secure, wrong), secure.URL, strings.NewReader("body")); err != nil || got != "401 Unauthorized" {
			t.Errorf("%v: %q, %v", s, got, err)
		}
	}
	wrong.Schemes = nil
	before := secure.requests
	if got, err := ask(t, transport(t, secure, wrong), secure.URL, strings.NewReader("body")); err != nil || got != "401 Unauthorized" {
		t.Errorf("%q, %v", got, err)
	}
	if n := secure.requests - before; n > 4 { // two to find out and negotiate, one with the proof, one by Basic
		t.Errorf("the wrong password went in more than two schemes: %d requests", n)
	}
	// A server may offer Negotiate and not be set up for it.
	broken := everything()
	broken.NTHash = func(context.Context, string, string) (h ntlm.Hash, known bool, err error) { return h, false, nil }
	broken.Schemes = []Scheme{Negotiate, NTLM, Basic}
	half := serve(t, broken, false)
	tr := transport(t, half, account())
	for n, most := range []int{4, 1, 1} {
		before := half.requests
		if got, err := ask(t, tr, half.URL, strings.NewReader("body")); err != nil || !strings.HasSuffix(got, "body") {
			t.Errorf("Basic after Negotiate: %q, %v", got, err)
		}
		if took := half.requests - before; took > most {
			t.Errorf("request %d took %d: what the server takes isn't remembered", n+1, took)
		}
	}
	for _, s := range []Scheme{Basic, Bearer} {
		auth := account()
		auth.Schemes, auth.Tokens = []Scheme{s}, new(tokens)
		_, err := ask(t, transport(t, plain, auth), plain.URL, strings.NewReader("body"))
		if !errors.Is(err, ErrNoScheme) || !strings.Contains(err.Error(), "https") || strings.Contains(err.Error(), password) {
			t.Errorf("%v over plain HTTP: %v", s, err)
		}
	}
	auth := account()
	if got, err := ask(t, transport(t, plain, auth), plain.URL, strings.NewReader("body")); err != nil || got != `EXAMPLE\anna by Negotiate: body` {
		t.Errorf("NTLM over plain HTTP: %q, %v", got, err)
	}
	cfg := everything()
	cfg.PlainLoopback = true
	loopback := serve(t, cfg, true)
	auth.Schemes, auth.PlainLoopback = []Scheme{Basic}, true
	if got, err := ask(t, transport(t, loopback, auth), loopback.URL, strings.NewReader("body")); err != nil || got != "anna by Basic: body" {
		t.Errorf("Basic on the loopback interface: %q, %v", got, err)
	}
	// A connection that goes through someone else's TLS has another certificate.
	protected := everything()
	protected.ExtendedProtection = ProtectionAllow
	srv := serve(t, protected, false)
	auth = account()
	auth.Schemes = []Scheme{NTLM}
	tr = transport(t, srv, auth)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	conv := tr.cfg.Auth.NewConversation(u, nil)
	conv.binding = []byte("tls-server-end-point:of someone else")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	resp, err := (&replay{req: req}).converse(t.Context(), srv.Client().Transport, conv)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("relayed: %v, %v", resp, err)
	}
}

// The server forgets its clients, by closing connections or by asking again.
func TestTransportAuthenticatesAgain(t *testing.T) {
	for _, s := range []Scheme{NTLM, Negotiate} {
		srv := serve(t, everything(), false)
		auth := account()
		auth.Schemes = []Scheme{s}
		tr := transport(t, srv, auth)
		want := `EXAMPLE\anna by ` + s.String() + ": body"
		for range 3 {
			// Only what does no harm twice is sent again.
			if got, err := send(t, tr, http.MethodGet, srv.URL, nil); err != nil || got+"body" != want {
				t.Fatalf("%v: %q, %v", s, got, err)
			}
			srv.CloseClientConnections()
		}
		tr.CloseIdleConnections()
		inner := srv.Config.Handler
		forget := true
		srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if forget {
				forget = false
				connectionOf(r).user = nil
			}
			inner.ServeHTTP(w, r)
		})
		if got, err := ask(t, tr, srv.URL, strings.NewReader("body")); err != nil || got != want {
			t.Errorf("%v: %q, %v", s, got, err)
		}
		forget = true
		if got, err := ask(t, tr, srv.URL, strings.NewReader("body")); err != nil || got != want {
			t.Errorf("%v: %q, %v", s, got, err)
		}
	}
}

func TestTransportConcurrently(t *testing.T) {
	srv := serve(t, everything(), false)
	srv.Config.Handler = http.HandlerFunc(func(h http.Handler) http.HandlerFunc {
		var mu sync.Mutex // the recorder counts without a lock
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			h.ServeHTTP(w, r)
		}
	}(srv.Config.Handler))
	auth := account()
	auth.Schemes = []Scheme{NTLM}
	tr := transport(t, srv, auth)
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			for m := range 5 {
				body := fmt.Sprintf("%d %d", n, m)
				if got, err := ask(t, tr, srv.URL, strings.NewReader(body)); err != nil || got != `EXAMPLE\anna by NTLM: `+body {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

// Another host doesn't get the credentials because the first one says so.
func TestTransportRedirection(t *testing.T) {
	other := serve(t, everything(), false)
	first := httptest.NewTLSServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(first.Close)
	for _, trust := range []bool{false, true} {
		auth := account()
		auth.Schemes = []Scheme{Basic}
		tr := NewTransport(TransportConfig{Auth: auth, TLS: &tls.Config{InsecureSkipVerify: true},
			Trust: func(u *url.URL) bool { return trust }})
		t.Cleanup(tr.CloseIdleConnections)
		resp, err := (&http.Client{Transport: tr}).Get(first.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if (resp.StatusCode == http.StatusOK) != trust {
			t.Errorf("trust %v: status %s", trust, resp.Status)
		}
	}
}

func TestTransportWithKerberos(t *testing.T) {
	cfg := everything()
	cfg.ExtendedProtection = ProtectionRequire
	srv, kdc, _ := realm(t, cfg)
	tickets, err := kerberos.NewClient(kerberos.ClientConfig{User: kdctest.User, Password: kdctest.Password, ConfigFile: kdc.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tickets.Close)
	tr := transport(t, srv, Config{Kerberos: tickets})
	for range 3 {
		if got, err := ask(t, tr, srv.localhost(), strings.NewReader("body")); err != nil || got != "anna@EXAMPLE.TEST by Negotiate: body" {
			t.Errorf("%q, %v", got, err)
		}
	}
	// No ticket for this name: NTLM is next.
	auth := account()
	auth.Kerberos = tickets
	if got, err := ask(t, transport(t, srv, auth), srv.URL, strings.NewReader("body")); err != nil || got != `EXAMPLE\anna by Negotiate: body` {
		t.Errorf("without ticket: %q, %v", got, err)
	}
}

// proxy is an HTTP proxy that wants a password.
func proxy(t testing.TB) (address string, seen *[]string) {
	t.Helper()
	seen = new([]string)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.Method+" "+r.RequestURI)
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != header(Basic, []byte("me:secret")) {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			defer there.Close()
			io.Copy(there, buf)
		}()
		go func() {
			defer here.Close()
			io.Copy(here, there)
		}()
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), seen
}

func TestTransportThroughProxy(t *testing.T) {
	srv := serve(t, everything(), false)
	at, seen := proxy(t)
	for _, s := range []Scheme{NTLM, Basic} {
		auth := account()
		auth.Schemes = []Scheme{s}
		tr := transport(t, srv, auth)
		tr.cfg.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://me:secret@" + at) }
		tr.shared.Proxy = tr.cfg.Proxy
		if got, err := ask(t, tr, srv.URL, strings.NewReader("body")); err != nil || !strings.HasSuffix(got, ": body") {
			t.Errorf("%v: %q, %v", s, got, err)
		}
	}
	if want := "CONNECT " + srv.Listener.Addr().String(); len(*seen) != 2 || (*seen)[0] != want || (*seen)[1] != want {
		t.Errorf("the proxy saw %q", *seen)
	}
	d := ProxyDialer{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://me:wrong@" + at) }}
	if _, err := d.DialContext(t.Context(), "tcp", srv.Listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "407") ||
		strings.Contains(err.Error(), "wrong") {
		t.Errorf("wrong password: %v", err)
	}
}

// The form for connections that aren't net/http's: each leg is an echo request, then the long one goes.
func TestAuthorize(t *testing.T) {
	srv, kdc, _ := realm(t, everything())
	tickets, err := kerberos.NewClient(kerberos.ClientConfig{User: kdctest.User, Password: kdctest.Password, ConfigFile: kdc.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tickets.Close)
	for _, auth := range []Config{
		{User: user, Domain: domain, Password: password, Schemes: []Scheme{Basic}},
		{User: user, Domain: domain, Password: password, Schemes: []Scheme{NTLM}},
		{User: user, Domain: domain, Password: password, Schemes: []Scheme{Negotiate}},
		{User: user, Domain: domain, Password: password},
		{Kerberos: tickets},
	} {
		u, err := url.Parse(srv.localhost())
		if err != nil {
			t.Fatal(err)
		}
		tr := srv.Client().Transport.(*http.Transport).Clone()
		tr.TLSClientConfig.ServerName, tr.MaxConnsPerHost = "example.com", 1
		client := &http.Client{Transport: tr}
		conv := auth.NewConversation(u, nil)
		send := func(authorization string, body string) (int, []string) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.localhost(), strings.NewReader(body))
			if authorization != "" {
				req.Header.Set("Authorization", authorization)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			io.Copy(io.Discard, resp.Body)
			return resp.StatusCode, resp.Header.Values("WWW-Authenticate")
		}
		var challenges []string
		for n := 0; ; n++ {
			h, ready, err := conv.Authorize(t.Context(), challenges)
			if err != nil || n > maxLegs {
				t.Fatalf("%v: leg %d: %v", auth, n, err)
			}
			if ready {
				if status, _ := send(h, "the long request"); status != http.StatusOK {
					t.Errorf("%v: status %d", auth, status)
				}
				break
			}
			status := 0
			if status, challenges = send(h, ""); status == http.StatusOK {
				challenges = nil
			}
		}
		tr.CloseIdleConnections()
	}
}

func TestParseChallenges(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   string
	}{
		{[]string{"Negotiate"}, "[{Negotiate []}]"},
		{[]string{"NTLM TlRM"}, "[{NTLM [78 84 76]}]"},
		{[]string{"negotiate AQ=="}, "[{Negotiate [1]}]"},
		{[]string{"Negotiate", "NTLM", `Basic realm="x"`}, "[{Negotiate []} {NTLM []} {Basic []}]"},
		{[]string{`Basic realm="a, NTLM b\"", charset=UTF-8, NTLM, Negotiate`}, "[{Basic []} {NTLM []} {Negotiate []}]"},
		{[]string{`Digest realm=x, nonce="=", Negotiate AQ==, NTLM`}, "[{None []} {Negotiate [1]} {NTLM []}]"},
		{[]string{`Bearer client_id="1", trusted_issuers="2@*", authorization_uri="https://x/y"`}, "[{Bearer []}]"},
		{[]string{"", ",,", `Basic realm="unterminated`}, "[{Basic []}]"},
	} {
		got := []string{}
		for _, c := range parseChallenges(c.values) {
			got = append(got, fmt.Sprintf("{%v %v}", c.scheme, c.token))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%q: %s, want %s", c.values, got, c.want)
		}
	}
}

func FuzzParseChallenges(f *testing.F) {
	f.Add(`Basic realm="a, NTLM b\"", charset=UTF-8, NTLM TlRM, Negotiate AQ==`)
	f.Fuzz(func(t *testing.T, value string) {
		if list := parseChallenges([]string{value}); len(list) > len(value) {
			t.Errorf("%d challenges in %d bytes", len(list), len(value))
		}
	})
}

func TestSecretsStayHidden(t *testing.T) {
	cfg := account()
	cfg.Password = "top secret"
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", cfg)
	fmt.Fprintf(&out, "%v %+v %#v %+v", cfg, &cfg, cfg, TransportConfig{Auth: cfg})
	tr, conv := NewTransport(TransportConfig{Auth: cfg}), cfg.NewConversation(&url.URL{Scheme: "https", Host: "mail.example.com"}, nil)
	conv.token = cfg.Password
	fmt.Fprintf(&out, "%v %+v %#v %v %+v %#v", tr, tr, tr, conv, conv, conv)
	if strings.Contains(out.String(), cfg.Password) {
		t.Error(out.String())
	}
}
