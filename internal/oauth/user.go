package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

func asOptions(parameters map[string]string) (list []oauth2.AuthCodeOption) {
	for k, v := range parameters {
		list = append(list, oauth2.SetAuthURLParam(k, v))
	}
	return list
}

// answerTimeout bounds the request in which a browser brings the code.
const answerTimeout = 10 * time.Second

// browse gets a token by authorization code: the browser is sent to the authorization server, which sends it back to a port
// of this machine.
func (s *Source) browse(ctx context.Context, cfg *oauth2.Config, parameters map[string]string) (*oauth2.Token, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("oauth: waiting for the browser: %w", err)
	}
	// Entra ID lets programs choose the port with this name only.
	cfg.RedirectURL = (&url.URL{Scheme: "http", Host: net.JoinHostPort("localhost", port(l)), Path: "/"}).String()
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	answers := make(chan url.Values, 1)
	srv := &http.Server{ReadTimeout: answerTimeout, WriteTimeout: answerTimeout,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if r.URL.Path != "/" || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(state)) != 1 {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Connection", "close")
			io.WriteString(w, "You may close this window now.\n")
			select {
			case answers <- q:
			default: // the browser asked twice
			}
		})}
	go srv.Serve(l)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
		defer cancel()
		srv.Shutdown(ctx)
	}()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	if s.cfg.LoginHint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", s.cfg.LoginHint))
	}
	if err := s.cfg.Browser(ctx, cfg.AuthCodeURL(state, options...)); err != nil {
		return nil, fmt.Errorf("oauth: browser: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case q := <-answers:
		if code := q.Get("error"); code != "" {
			return nil, refused(code, q.Get("error_description"), 0)
		}
		return cfg.Exchange(ctx, q.Get("code"), append(asOptions(parameters), oauth2.VerifierOption(verifier))...)
	}
}

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// maxInterval bounds the seconds between questions whether the user has entered the code: codes live for some minutes.
const maxInterval = 60

// device gets a token with a code that the user enters elsewhere.
func (s *Source) device(ctx context.Context, cfg *oauth2.Config, parameters map[string]string) (*oauth2.Token, error) {
	options := asOptions(parameters)
	d, err := cfg.DeviceAuth(ctx, options...)
	if err != nil {
		return nil, err
	}
	d.Interval = min(max(d.Interval, 0), maxInterval)
	p := Prompt{UserCode: d.UserCode, URL: d.VerificationURI, Complete: d.VerificationURIComplete, Expires: d.Expiry}
	if err := s.cfg.Prompt(ctx, p); err != nil {
		return nil, fmt.Errorf("oauth: telling the user: %w", err)
	}
	t, err := cfg.DeviceAccessToken(ctx, d, options...)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, ErrExpired
	}
	return t, err
}
