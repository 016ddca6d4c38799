package exchangeserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/mapihttp"
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

// authenticator checks HTTP Basic credentials.
type authenticator struct {
	backend Backend
	baseURL func(*http.Request) string

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

func newAuthenticator(b Backend, baseURL func(*http.Request) string) *authenticator {
	return &authenticator{backend: b, baseURL: baseURL, users: map[string]seen{}, failed: map[failure]*failures{}}
}

var unauthorized = &mapihttp.Unauthorized{Challenges: []string{`Basic realm="Exchange", charset="UTF-8"`}}

// authenticate names the user of a request by alias.
func (a *authenticator) authenticate(r *http.Request) (string, error) {
	login, password, ok := r.BasicAuth()
	if !ok {
		return "", unauthorized
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	who := failing(login, host)
	if !a.locked(who) {
		u, err := a.backend.Authenticate(r.Context(), login, password)
		switch {
		case err == nil:
			a.succeeded(who, seen{u, a.baseURL(r)})
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
		case <-r.Context().Done():
		}
	}
	return "", unauthorized
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

func (a *authenticator) succeeded(who failure, u seen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.failed, who)
	a.users[u.Alias] = u
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

// authenticated lets requests with good credentials through, with the user in their context.
func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		alias, err := s.auth.authenticate(r)
		switch {
		case err == unauthorized:
			for _, c := range unauthorized.Challenges {
				w.Header().Add("WWW-Authenticate", c)
			}
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
		case err != nil:
			http.Error(w, "Authentication isn't available", http.StatusServiceUnavailable)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, alias)))
		}
	})
}
