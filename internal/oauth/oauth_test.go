package oauth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// authority is an authorization server that checks requests as the RFCs demand it.
type authority struct {
	*httptest.Server
	t testing.TB

	mu        sync.Mutex
	issued    int
	refresh   string // the refresh token that is good; empty: none
	challenge string // of PKCE
	redirect  string
	pending   int // device requests that are answered with authorization_pending
	deny      string
	requests  []string // grant types
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", a.authorize)
	mux.HandleFunc("POST /token", a.token)
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"device_code": "device secret", "user_code": "ABCD-EFGH", "verification_uri": a.URL + "/enter",
			"expires_in": 900, "interval": 1})
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *authority) endpoint() Endpoint {
	return Endpoint{a.URL + "/authorize", a.URL + "/token", a.URL + "/device"}
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// authorize is the page in the browser, with a user who agrees unless deny says otherwise.
func (a *authority) authorize(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Hostname() != "localhost" || q.Get("response_type") != "code" || q.Get("client_id") != "client" ||
		q.Get("code_challenge_method") != "S256" || q.Get("scope") != "mail offline_access" || q.Get("login_hint") != "anna@example.com" {
		a.t.Errorf("authorization request %v", q)
	}
	a.challenge, a.redirect = q.Get("code_challenge"), q.Get("redirect_uri")
	answer := url.Values{"state": {q.Get("state")}}
	if a.deny != "" {
		answer.Set("error", a.deny)
	} else {
		answer.Set("code", "the code")
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (a *authority) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.ParseForm()
	f := r.PostForm
	grant := f.Get("grant_type")
	a.requests = append(a.requests, strings.TrimPrefix(grant, "urn:ietf:params:oauth:grant-type:"))
	problem := ""
	switch grant {
	case "client_credentials":
		if f.Get("client_secret") != "client secret" && f.Get("client_assertion") != "a.signed.assertion" || f.Get("scope") != "mail offline_access" {
			problem = "invalid_client"
		}
	case "authorization_code":
		sum := sha256.Sum256([]byte(f.Get("code_verifier")))
		if f.Get("code") != "the code" || base64.RawURLEncoding.EncodeToString(sum[:]) != a.challenge || f.Get("redirect_uri") != a.redirect {
			problem = "invalid_grant"
		}
	case "refresh_token":
		if a.refresh == "" || f.Get("refresh_token") != a.refresh {
			problem = "invalid_grant"
		}
	case "urn:ietf:params:oauth:grant-type:device_code":
		if a.pending > 0 {
			a.pending--
			problem = "authorization_pending"
		} else if f.Get("device_code") != "device secret" {
			problem = "invalid_grant"
		} else {
			problem = a.deny
		}
	default:
		problem = "unsupported_grant_type"
	}
	if problem != "" {
		reply(w, 400, map[string]any{"error": problem, "error_description": "explained", "echo": f.Encode()})
		return
	}
	a.issued++
	t := map[string]any{"access_token": fmt.Sprintf("access %d", a.issued), "token_type": "Bearer", "expires_in": 3600}
	if grant != "client_credentials" {
		a.refresh = fmt.Sprintf("refresh %d", a.issued)
		t["refresh_token"] = a.refresh
	}
	reply(w, 200, t)
}

// memory is a Store.
type memory map[string][]byte

func (m memory) Load(_ context.Context, key string) ([]byte, error) { return m[key], nil }

func (m memory) Save(_ context.Context, key string, secret []byte) error {
	if m[key] = secret; secret == nil {
		delete(m, key)
	}
	return nil
}

// browser follows the redirection to the program.
func browser(_ context.Context, page string) error {
	resp, err := http.Get(page)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func (a *authority) config(flow Flow) Config {
	return Config{Endpoint: a.endpoint(), Flow: flow, ClientID: "client", Scopes: []string{"mail", "offline_access"},
		LoginHint: "anna@example.com", Browser: browser, Prompt: func(context.Context, Prompt) error { return nil }}
}

func source(t testing.TB, cfg Config) *Source {
	t.Helper()
	s, err := NewSource(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expect asks for a token.
func expect(t testing.TB, s *Source, refused, want string) {
	t.Helper()
	if got, err := s.Token(t.Context(), refused); err != nil || got != want {
		t.Errorf("token %q, %v, want %q", got, err, want)
	}
}

func TestClientCredentials(t *testing.T) {
	a := newAuthority(t)
	cfg := a.config(ClientCredentials)
	cfg.ClientSecret = "client secret"
	s := source(t, cfg)
	expect(t, s, "", "access 1")
	expect(t, s, "", "access 1")
	expect(t, s, "access 1", "access 2")
	cfg.ClientSecret, cfg.Assertion = "", func(context.Context) (string, error) { return "a.signed.assertion", nil }
	expect(t, source(t, cfg), "", "access 3")
	cfg.ClientSecret, cfg.Assertion = "wrong secret", nil
	_, err := source(t, cfg).Token(t.Context(), "")
	if !errors.Is(err, ErrDenied) || strings.Contains(err.Error(), "wrong secret") || !strings.Contains(err.Error(), "explained") {
		t.Errorf("wrong secret: %v", err)
	}
}

func TestAuthorizationCode(t *testing.T) {
	a := newAuthority(t)
	store := memory{}
	cfg := a.config(AuthorizationCode)
	cfg.Store = store
	s := source(t, cfg)
	expect(t, s, "", "access 1")
	expect(t, s, "access 1", "access 2") // refreshed
	// The next run of the program has the tokens of this one.
	again := source(t, cfg)
	expect(t, again, "", "access 2")
	expect(t, again, "access 2", "access 3")
	// A refresh token that is no longer good makes it ask the user.
	a.refresh = "revoked"
	expect(t, again, "access 3", "access 4")
	want := "[authorization_code refresh_token refresh_token refresh_token authorization_code]"
	if got := fmt.Sprint(a.requests); got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
	if err := again.Forget(t.Context()); err != nil || len(store) != 0 {
		t.Errorf("%d entries left, %v", len(store), err)
	}
	a.deny = "access_denied"
	if _, err := again.Token(t.Context(), ""); !errors.Is(err, ErrDenied) {
		t.Errorf("user says no: %v", err)
	}
}

// Another page of the user's browser can't bring a code.
func TestForeignAnswer(t *testing.T) {
	a := newAuthority(t)
	cfg := a.config(AuthorizationCode)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Browser = func(_ context.Context, page string) error {
		u, err := url.Parse(page)
		if err != nil {
			return err
		}
		defer cancel()
		resp, err := http.Get(u.Query().Get("redirect_uri") + "?code=foreign&state=guessed")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("status %d", resp.StatusCode)
		}
		return nil
	}
	if _, err := source(t, cfg).Token(ctx, ""); !errors.Is(err, context.Canceled) || a.issued > 0 {
		t.Errorf("%v, %d tokens", err, a.issued)
	}
}

func TestDeviceCode(t *testing.T) {
	a := newAuthority(t)
	a.pending = 1
	cfg := a.config(DeviceCode)
	var told Prompt
	cfg.Prompt = func(_ context.Context, p Prompt) error {
		told = p
		return nil
	}
	s := source(t, cfg)
	expect(t, s, "", "access 1")
	if told.UserCode != "ABCD-EFGH" || told.URL != a.URL+"/enter" || told.Expires.IsZero() {
		t.Errorf("told the user %+v", told)
	}
	expect(t, s, "access 1", "access 2")
	a.deny = "expired_token"
	if _, err := source(t, cfg).Token(t.Context(), ""); !errors.Is(err, ErrExpired) {
		t.Errorf("too late: %v", err)
	}
}

func TestConcurrently(t *testing.T) {
	a := newAuthority(t)
	cfg := a.config(ClientCredentials)
	cfg.ClientSecret = "client secret"
	s := source(t, cfg)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { expect(t, s, "", "access 1") })
	}
	wg.Wait()
	if a.issued != 1 {
		t.Errorf("%d tokens asked for", a.issued)
	}
}

func TestConfiguration(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no secret":  {Endpoint: Microsoft("contoso.com"), ClientID: "client"},
		"plain HTTP": {Endpoint: Endpoint{Token: "http://login.example.com/token"}, ClientSecret: "x"},
		"no URL":     {Endpoint: Endpoint{Token: "token"}, ClientSecret: "x"},
		"no browser": {Endpoint: Microsoft("contoso.com"), Flow: AuthorizationCode},
		"no prompt":  {Endpoint: Microsoft("contoso.com"), Flow: DeviceCode},
	} {
		if _, err := NewSource(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSecretsStayHidden(t *testing.T) {
	cfg := Config{Endpoint: Microsoft("contoso.com"), ClientID: "client", ClientSecret: "top secret"}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", cfg)
	fmt.Fprintf(&out, "%v %+v %#v", cfg, &cfg, cfg)
	s := source(t, cfg)
	fmt.Fprintf(&out, "%v %+v %#v", s, s, s)
	if strings.Contains(out.String(), cfg.ClientSecret) {
		t.Error(out.String())
	}
}
