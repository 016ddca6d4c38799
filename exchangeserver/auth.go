package exchangeserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/mapi"
)

// Limits on wrong passwords. A failure is answered late, later the more there were; after maxFailures, passwords of that
// user from that address aren't even tried until the first failure is failureWindow old.
const (
	maxFailures   = 10
	failureWindow = time.Minute
	firstDelay    = 100 * time.Millisecond
	maxDelay      = 3 * time.Second
	// maxFailing bounds the answers that wait, and the memory for those who failed.
	maxFailing = 1000
)

// authenticator checks passwords, and knows who has authenticated.
type authenticator struct {
	backend Backend

	mu      sync.Mutex
	users   map[string]seen // who authenticated, by alias
	failed  map[failure]*failures
	waiting int
}

// seen is a user who authenticated, and the URL that the last request went to.
type seen struct {
	User
	base string
}

// failure tells who fails: a wrong password of one client locks out nobody else.
type failure struct{ name, host string }

// failing is the one who fails with a login, whichever of its forms the login has.
func failing(login, host string) failure {
	if _, name, ok := strings.Cut(login, `\`); ok {
		login = name
	}
	name, _, _ := strings.Cut(login, "@")
	return failure{strings.ToLower(name), host}
}

type failures struct {
	count int
	first time.Time
}

func newAuthenticator(b Backend) *authenticator {
	return &authenticator{backend: b, users: map[string]seen{}, failed: map[failure]*failures{}}
}

// remoteKey is the context's key for the host that a request comes from.
type remoteKey struct{}

// password checks a password for HTTP Basic and names the user by alias. It implements httpauth.ServerConfig.Password.
func (a *authenticator) password(ctx context.Context, login, password string) (string, error) {
	host, _ := ctx.Value(remoteKey{}).(string)
	who := failing(login, host)
	if !a.locked(who) {
		u, err := a.backend.Authenticate(ctx, login, password)
		switch {
		case err == nil:
			a.succeeded(who)
			return u.Alias, nil
		case !errors.Is(err, mapi.ErrLogonFailed):
			return "", err
		}
	}
	if delay := a.fails(who); delay > 0 {
		defer a.waited()
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
	return "", httpauth.ErrRefused
}

func (a *authenticator) locked(who failure) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failed[who]
	if f == nil {
		return false
	}
	if time.Since(f.first) > failureWindow {
		delete(a.failed, who)
		return false
	}
	return f.count >= maxFailures
}

func (a *authenticator) succeeded(who failure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failed, who)
}

// note remembers an authenticated user, and the URL that their last request went to.
func (a *authenticator) note(u User, base string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[u.Alias] = seen{u, base}
}

// fails counts a failure and says how long its answer waits. Where too many wait already it doesn't.
func (a *authenticator) fails(who failure) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.failed[who]
	if f == nil {
		if len(a.failed) >= maxFailing {
			for k, old := range a.failed {
				if time.Since(old.first) > failureWindow {
					delete(a.failed, k)
				}
			}
		}
		f = &failures{first: time.Now()}
		if len(a.failed) < maxFailing {
			a.failed[who] = f
		}
	}
	f.count++
	if a.waiting >= maxFailing {
		return 0
	}
	a.waiting++
	return min(firstDelay<<min(f.count-1, maxFailures), maxDelay)
}

func (a *authenticator) waited() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting--
}

// user is the one who authenticated as an alias.
func (a *authenticator) user(alias string) User {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.users[alias].User
}

// base is the URL under which a user reaches the server.
func (a *authenticator) base(alias string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.users[alias].base
}

// userKey is the context's key for the alias of the user of an authenticated request.
type userKey struct{}

func aliasOf(ctx context.Context) string {
	alias, _ := ctx.Value(userKey{}).(string)
	return alias
}

// authenticated lets requests with good credentials through, with the user in their context.
func (s *Server) authenticated(next http.Handler) http.Handler {
	inner := s.security.http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ := httpauth.UserFrom(r.Context())
		u, err := s.account(r.Context(), who.Name)
		switch {
		case err != nil:
			http.Error(w, "Authentication isn't available", http.StatusServiceUnavailable)
		case u == nil:
			http.Error(w, "There is no mailbox for this user", http.StatusForbidden)
		default:
			s.auth.note(*u, s.baseURL(r))
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, u.Alias)))
		}
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			host = r.RemoteAddr
		}
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), remoteKey{}, host)))
	})
}

// account is the user of an authenticated name: an alias, alias@DOMAIN or REALM, DOMAIN\alias. It is nil where there is none.
func (s *Server) account(ctx context.Context, name string) (*User, error) {
	if _, user, ok := strings.Cut(name, `\`); ok {
		name = user
	}
	alias, _, _ := strings.Cut(name, "@")
	users, err := s.cfg.Backend.Users(ctx)
	if err != nil {
		return nil, err
	}
	for i := range users {
		if strings.EqualFold(users[i].Alias, alias) {
			return &users[i], nil
		}
	}
	return nil, nil
}
