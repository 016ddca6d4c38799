// Package oauth gets access tokens (RFC 6749): for a program itself, for a user in a browser on this machine, and for a user
// with a browser elsewhere.
package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Flow is how a token is got when there is none that could be refreshed.
type Flow uint8

// Flows.
const (
	// ClientCredentials is for the program itself, with ClientSecret or Assertion (RFC 6749, 4.4).
	ClientCredentials Flow = iota
	// AuthorizationCode is for a user with a browser on this machine (RFC 8252, RFC 7636).
	AuthorizationCode
	// DeviceCode is for a user with a browser anywhere (RFC 8628).
	DeviceCode
)

// Errors that callers tell apart.
var (
	// ErrDenied means that the user or the authorization server said no.
	ErrDenied = errors.New("oauth: access denied")
	// ErrExpired means that the user didn't answer in time.
	ErrExpired = errors.New("oauth: the request expired before it was answered; try again")
)

// Endpoint is where an authorization server is. All URLs are https, or on the loopback interface.
type Endpoint struct{ Authorize, Token, Device string }

// Microsoft is Entra ID's endpoint of a tenant: its name, its identifier, or "organizations".
func Microsoft(tenant string) Endpoint {
	base := "https://login.microsoftonline.com/" + url.PathEscape(tenant) + "/oauth2/v2.0/"
	return Endpoint{base + "authorize", base + "token", base + "devicecode"}
}

// Store keeps tokens between runs. What it gets is secret.
type Store interface {
	// Load gives what was saved under a key; nil: nothing was.
	Load(ctx context.Context, key string) ([]byte, error)
	// Save replaces it; nil deletes it.
	Save(ctx context.Context, key string, secret []byte) error
}

// Config says which tokens are wanted, and how to get them.
type Config struct {
	Endpoint Endpoint
	Flow     Flow
	ClientID string
	Scopes   []string
	// ClientSecret or Assertion authenticates the program. Assertion gives a signed JSON Web Token (RFC 7523, 2.2).
	ClientSecret string
	Assertion    func(context.Context) (string, error)
	// LoginHint is the user's address, for AuthorizationCode; it may be empty.
	LoginHint string
	// Browser shows a page to the user, for AuthorizationCode; required there.
	Browser func(ctx context.Context, url string) error
	// Prompt tells the user which code to enter where, for DeviceCode; required there.
	Prompt func(ctx context.Context, p Prompt) error
	Store  Store        // nil: tokens are forgotten with the Source
	HTTP   *http.Client // nil: one with requestTimeout
}

// Prompt is what a user needs to log on with another device.
type Prompt struct {
	UserCode, URL string
	// Complete is a URL with the code in it, for a QR code; it may be empty.
	Complete string
	Expires  time.Time
}

// requestTimeout bounds a request to the authorization server.
const requestTimeout = 30 * time.Second

// String leaves the secrets out.
func (c Config) String() string { return "oauth: client " + c.ClientID + " at " + c.Endpoint.Token }

// GoString leaves the secrets out.
func (c Config) GoString() string { return c.String() }

// LogValue leaves the secrets out.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// key is the entry of the store: tokens of other users, programs or scopes are others.
func (c *Config) key() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{c.Endpoint.Token, c.ClientID, c.LoginHint}, c.Scopes...), "\x00")))
	return "oauth-" + hex.EncodeToString(sum[:16])
}

// Source gives tokens; any number of goroutines may use it. One of them asks, the others wait for the answer.
type Source struct {
	cfg    Config
	turn   chan struct{}
	token  *oauth2.Token
	loaded bool
}

// NewSource checks the configuration. Nothing is sent before the first token is needed.
func NewSource(cfg Config) (*Source, error) {
	urls := []string{cfg.Endpoint.Token}
	switch {
	case cfg.Flow == ClientCredentials && cfg.ClientSecret == "" && cfg.Assertion == nil:
		return nil, errors.New("oauth: the program has neither secret nor assertion")
	case cfg.Flow == AuthorizationCode:
		if cfg.Browser == nil {
			return nil, errors.New("oauth: no browser to show the user")
		}
		urls = append(urls, cfg.Endpoint.Authorize)
	case cfg.Flow == DeviceCode:
		if cfg.Prompt == nil {
			return nil, errors.New("oauth: no way to tell the user the code")
		}
		urls = append(urls, cfg.Endpoint.Device)
	}
	for _, s := range urls {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
			return nil, fmt.Errorf("oauth: endpoint %q isn't an https URL", s)
		}
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: requestTimeout}
	}
	c := *cfg.HTTP
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // secrets go nowhere else
	cfg.HTTP = &c
	return &Source{cfg: cfg, turn: make(chan struct{}, 1)}, nil
}

// String leaves the secrets out.
func (s *Source) String() string { return s.cfg.String() }

// GoString leaves the secrets out.
func (s *Source) GoString() string { return s.String() }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost"
}

// Token gives a token that is valid now. refused, where it isn't empty, is one that wasn't accepted: it isn't given again.
func (s *Source) Token(ctx context.Context, refused string) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := s.load(ctx); err != nil {
		return "", err
	}
	if s.token.Valid() && s.token.AccessToken != refused {
		return s.token.AccessToken, nil
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.cfg.HTTP)
	t, err := s.renew(ctx)
	if err != nil {
		return "", failed(err)
	}
	if t.RefreshToken == "" && s.token != nil {
		t.RefreshToken = s.token.RefreshToken
	}
	s.token = t
	return t.AccessToken, s.save(ctx)
}

// Forget deletes the tokens, from the store, too.
func (s *Source) Forget(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	s.token, s.loaded = nil, true
	if s.cfg.Store == nil {
		return nil
	}
	return s.cfg.Store.Save(ctx, s.cfg.key(), nil)
}

// renew refreshes the token, or gets a new one where that isn't possible.
func (s *Source) renew(ctx context.Context) (*oauth2.Token, error) {
	cfg, options, err := s.config(ctx)
	if err != nil {
		return nil, err
	}
	if s.token != nil && s.token.RefreshToken != "" {
		// x/oauth2 has no options for refreshing, so an assertion can't go with it; such programs are asked anew.
		if s.cfg.Assertion == nil {
			t, err := cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: s.token.RefreshToken}).Token()
			var refusal *oauth2.RetrieveError
			if err == nil || !errors.As(err, &refusal) || refusal.ErrorCode != "invalid_grant" {
				return t, err
			}
		}
		s.token = nil
	}
	switch s.cfg.Flow {
	case AuthorizationCode:
		return s.browse(ctx, cfg, options)
	case DeviceCode:
		return s.device(ctx, cfg, options)
	}
	cc := clientcredentials.Config{ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, TokenURL: cfg.Endpoint.TokenURL,
		Scopes: cfg.Scopes, AuthStyle: oauth2.AuthStyleInParams, EndpointParams: url.Values{}}
	for k, v := range options {
		cc.EndpointParams.Set(k, v)
	}
	return cc.Token(ctx)
}

// config is the configuration of x/oauth2, and the parameters that an assertion adds.
func (s *Source) config(ctx context.Context) (*oauth2.Config, map[string]string, error) {
	e := s.cfg.Endpoint
	cfg := &oauth2.Config{ClientID: s.cfg.ClientID, ClientSecret: s.cfg.ClientSecret, Scopes: s.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: e.Authorize, TokenURL: e.Token, DeviceAuthURL: e.Device, AuthStyle: oauth2.AuthStyleInParams}}
	if s.cfg.Assertion == nil {
		return cfg, nil, nil
	}
	a, err := s.cfg.Assertion(ctx)
	return cfg, map[string]string{
		"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": a,
	}, err
}

// stored is a token in a Store.
type stored struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token,omitempty"`
	Expires time.Time `json:"expires"`
}

func (s *Source) load(ctx context.Context) error {
	if s.loaded || s.cfg.Store == nil {
		return nil
	}
	b, err := s.cfg.Store.Load(ctx, s.cfg.key())
	if err != nil {
		return fmt.Errorf("oauth: stored token: %w", err)
	}
	s.loaded = true
	var t stored
	if b == nil || json.Unmarshal(b, &t) != nil { // a damaged entry is as none
		return nil
	}
	s.token = &oauth2.Token{AccessToken: t.Access, RefreshToken: t.Refresh, Expiry: t.Expires}
	return nil
}

func (s *Source) save(ctx context.Context) error {
	if s.cfg.Store == nil {
		return nil
	}
	b, err := json.Marshal(stored{s.token.AccessToken, s.token.RefreshToken, s.token.Expiry})
	if err == nil {
		err = s.cfg.Store.Save(ctx, s.cfg.key(), b)
	}
	if err != nil {
		return fmt.Errorf("oauth: keeping the token: %w", err)
	}
	return nil
}

// maxDescription bounds what is quoted of an authorization server's explanation.
const maxDescription = 500

// failed makes an error of x/oauth2's, which quotes whole answers, tell only what the answer says of the error.
func failed(err error) error {
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) {
		var u *url.Error
		if errors.As(err, &u) {
			return fmt.Errorf("oauth: %w", u.Err)
		}
		return err
	}
	status := 0
	if refusal.Response != nil {
		status = refusal.Response.StatusCode
	}
	return refused(refusal.ErrorCode, refusal.ErrorDescription, status)
}

func refused(code, description string, status int) error {
	if len(description) > maxDescription {
		description = description[:maxDescription]
	}
	switch code {
	case "":
		return fmt.Errorf("oauth: the authorization server answers with status %d", status)
	case "expired_token":
		return ErrExpired
	case "access_denied", "authorization_declined", "invalid_client", "unauthorized_client", "invalid_grant":
		return fmt.Errorf("%w: %s: %q", ErrDenied, code, description)
	}
	return fmt.Errorf("oauth: the authorization server says %s: %q", code, description)
}
