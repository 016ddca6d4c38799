package rpchttp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/rpchttp"
)

// legs is an Authenticator that answers challenges as NTLM does, in three legs, and writes down what it is asked.
type legs struct {
	wait  bool // for an echo's success, before a request with a channel
	asked *[]string
	mu    *sync.Mutex
	last  string
}

func (l *legs) Authorize(_ context.Context, challenges []string) (string, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.asked = append(*l.asked, strings.Join(challenges, "|"))
	ready := false
	switch {
	case challenges == nil && l.last == "":
		l.last = "-"
		return "", false, nil
	case challenges == nil && l.last == "Test 3":
		return "", true, nil
	case slices.Contains(challenges, "Test"):
		l.last = "Test 1"
	case slices.Contains(challenges, "Test 2"):
		l.last, ready = "Test 3", !l.wait
	default:
		return "", false, errors.New("what is this?")
	}
	return l.last, ready, nil
}

// fed is an Authenticator that has nothing to say to challenges.
type fed struct{}

var errFedUp = errors.New("fed up")

func (fed) Authorize(context.Context, []string) (string, bool, error) { return "", false, errFedUp }

// threeLegs wants the legs one after the other on a connection, which is then authenticated.
func threeLegs(w http.ResponseWriter, r *http.Request) *http.Request {
	c := r.Context().Value(connectionKey{}).(*connection)
	got := r.Header.Get("Authorization")
	c.legs = append(c.legs, got)
	switch got {
	case "Test 3":
		if len(c.legs) >= 2 && c.legs[len(c.legs)-2] == "Test 1" {
			c.user = "anna"
		}
	case "Test 1":
		w.Header().Set("WWW-Authenticate", "Test 2")
	case "":
		w.Header().Add("WWW-Authenticate", "Other realm=x")
		w.Header().Add("WWW-Authenticate", "Test")
	}
	if c.user == "" {
		if r.ContentLength > 16 {
			http.Error(w, "a channel before authentication", http.StatusBadRequest)
		} else {
			http.Error(w, "go on", http.StatusUnauthorized)
		}
		return nil
	}
	return r
}

// TestAuthentication has each connection go through legs whose requests carry no channel, also those of recycled channels.
func TestAuthentication(t *testing.T) {
	for _, wait := range []bool{false, true} {
		users := make(chan string, 1)
		h := &rpchttp.Handler{ChannelLifetime: 40 << 10,
			User:  func(ctx context.Context) string { return ctx.Value(connectionKey{}).(*connection).user },
			Serve: func(ctx context.Context, c net.Conn, i rpchttp.Info) { users <- i.User; echo(ctx, c, i) }}
		s := start(t, h, true, threeLegs)
		cfg := s.config()
		cfg.ChannelLifetime = 40 << 10
		var asked []string
		var mu sync.Mutex
		connections := 0
		cfg.Authenticator = func(state *tls.ConnectionState) rpchttp.Authenticator {
			mu.Lock()
			defer mu.Unlock()
			connections++
			if state == nil || len(state.PeerCertificates) == 0 {
				t.Error("no TLS state")
			}
			return &legs{wait: wait, asked: &asked, mu: &mu}
		}
		c := dial(t, cfg)
		if err := exchange(c, 100); err != nil {
			t.Fatal(err)
		}
		if user := <-users; user != "anna" {
			t.Errorf("user %q", user)
		}
		c.Close()
		h.Close()
		mu.Lock()
		defer mu.Unlock()
		if connections < 8 {
			t.Errorf("%d connections", connections)
		}
		want := map[string]int{"": connections, "Other realm=x|Test": connections, "Test 2": connections}
		if wait {
			want[""] *= 2
		}
		got := map[string]int{}
		for _, a := range asked {
			got[a]++
		}
		for challenge, n := range want {
			if got[challenge] > n || got[challenge] < n-2 { // a channel may be on the way when the client closes
				t.Errorf("wait %v: asked %d times about %q, want %d", wait, got[challenge], challenge, n)
			}
		}
		if err := rpchttp.Echo(t.Context(), rpchttp.Config{URL: cfg.URL, TLS: cfg.TLS,
			Authenticator: func(*tls.ConnectionState) rpchttp.Authenticator {
				return &legs{wait: wait, asked: &asked, mu: new(sync.Mutex)}
			}}); err != nil {
			t.Errorf("Echo: %v", err)
		}
		cfg.Authenticator = func(*tls.ConnectionState) rpchttp.Authenticator { return &reluctant{Authenticator: fed{}} }
		if _, err := rpchttp.Dial(t.Context(), cfg); !errors.Is(err, errFedUp) || !errors.Is(err, rpchttp.ErrUnauthorized) {
			t.Errorf("no more legs: %v", err)
		}
	}
}

// TestRefusals has HTTP servers answer something else than a channel, each on one channel while the other's answer is still
// to come.
func TestRefusals(t *testing.T) {
	type fault struct {
		channel string
		answer  func(http.ResponseWriter)
	}
	var failure atomic.Pointer[fault]
	s := start(t, &rpchttp.Handler{Serve: echo}, false, func(w http.ResponseWriter, r *http.Request) *http.Request {
		if f := failure.Load(); r.Method == f.channel {
			f.answer(w)
			return nil
		}
		return r
	})
	for _, channel := range []rpchttp.Channel{rpchttp.In, rpchttp.Out} {
		for _, test := range []struct {
			name   string
			answer func(http.ResponseWriter)
			check  func(e *rpchttp.HTTPError) bool
			is     error
		}{
			{"401", func(w http.ResponseWriter) {
				w.Header().Add("WWW-Authenticate", "Negotiate")
				w.Header().Add("WWW-Authenticate", "NTLM")
				http.Error(w, "who are you?", http.StatusUnauthorized)
			}, func(e *rpchttp.HTTPError) bool {
				return slices.Equal(e.Challenges, []string{"Negotiate", "NTLM"}) && e.Text == "who are you?"
			}, rpchttp.ErrUnauthorized},
			{"503", func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "17")
				w.WriteHeader(http.StatusServiceUnavailable)
			}, func(e *rpchttp.HTTPError) bool { return e.RetryAfter == 17*time.Second }, nil},
			{"302", func(w http.ResponseWriter) {
				w.Header().Set("Location", "https://elsewhere.example.com/")
				w.WriteHeader(http.StatusFound)
			}, func(e *rpchttp.HTTPError) bool { return e.Location == "https://elsewhere.example.com/" }, nil},
			{"RPC error", func(w http.ResponseWriter) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(c, "HTTP/1.0 503 RPC Error: 6ba, EEInfo: AAAA\r\nContent-Length: 0\r\n\r\n")
				c.(interface{ CloseWrite() error }).CloseWrite()
				io.Copy(io.Discard, c)
				c.Close()
			}, func(e *rpchttp.HTTPError) bool { return e.RPCStatus == 0x6BA && e.Status == 503 }, nil},
		} {
			failure.Store(&fault{string(channel), test.answer})
			_, err := rpchttp.Dial(t.Context(), s.config())
			var e *rpchttp.HTTPError
			if !errors.As(err, &e) || e.Channel != channel || !test.check(e) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%s on %s: %v", test.name, channel, err)
			}
			if errors.Is(err, rpchttp.ErrLost) {
				t.Errorf("%s on %s: %v is a lost connection", test.name, channel, err)
			}
		}
	}
}

// TestUnreachable checks the errors below HTTP.
func TestUnreachable(t *testing.T) {
	s := start(t, &rpchttp.Handler{Serve: echo}, true)
	cfg := s.config()
	cfg.TLS = nil
	if _, err := rpchttp.Dial(t.Context(), cfg); !errors.Is(err, rpchttp.ErrUntrustedCertificate) || errors.Is(err, rpchttp.ErrUnreachable) {
		t.Errorf("unknown authority: %v", err)
	}
	cfg = s.config()
	cfg.URL = strings.Replace(cfg.URL, "127.0.0.1", "localhost", 1)
	if _, err := rpchttp.Dial(t.Context(), cfg); !errors.Is(err, rpchttp.ErrUntrustedCertificate) {
		t.Errorf("another host's certificate: %v", err)
	}
	refused := errors.New("refused")
	cfg.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	if _, err := rpchttp.Dial(t.Context(), cfg); !errors.Is(err, rpchttp.ErrUnreachable) || !errors.Is(err, refused) {
		t.Errorf("nobody there: %v", err)
	}
	for _, u := range []string{"", "mail.example.com", "ftp://x/?a:1", "https://x/rpc/rpcproxy.dll", "https://%zz/", "https:///rpc?a:1"} {
		if _, err := rpchttp.Dial(t.Context(), rpchttp.Config{URL: u}); err == nil {
			t.Errorf("URL %q accepted", u)
		}
	}
	if u, err := url.Parse(rpchttp.URL("mail.example.com", "guid@example.com", rpchttp.PortAddressBook)); err != nil ||
		u.Host != "mail.example.com" || u.RequestURI() != "/rpc/rpcproxy.dll?guid@example.com:6004" {
		t.Errorf("URL %v, %v", u, err)
	}
}

// TestDialEnds gives up in every stage of opening, when the context ends and when time is over.
func TestDialEnds(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, never says anything
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	half := start(t, &rpchttp.Handler{Serve: echo}, false, func(w http.ResponseWriter, r *http.Request) *http.Request {
		if r.Method == "RPC_OUT_DATA" {
			return r // CONN/A3 comes, C2 doesn't
		}
		io.Copy(io.Discard, r.Body) // until the client gives up
		return nil
	})
	never := func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
	slow := func(*tls.ConnectionState) rpchttp.Authenticator {
		return &legs{asked: new([]string), mu: new(sync.Mutex)}
	}
	const target = "/rpc/rpcproxy.dll?mail:6001"
	for name, cfg := range map[string]rpchttp.Config{
		"dial":      {URL: "http://mail.example.com" + target, Dial: never},
		"handshake": {URL: "https://" + silent.Addr().String() + target},
		"echo":      {URL: "http://" + silent.Addr().String() + target, Authenticator: slow},
		"answer":    {URL: "http://" + silent.Addr().String() + target},
		"C2":        {URL: half.URL + target},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reason := errors.New("changed my mind")
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
			begin := time.Now()
			var network *rpchttp.NetworkError
			if _, err := rpchttp.Dial(ctx, cfg); !errors.Is(err, reason) || !errors.As(err, &network) {
				t.Errorf("canceled: %v", err)
			}
			cfg.OpenTimeout = 100 * time.Millisecond
			if _, err := rpchttp.Dial(context.Background(), cfg); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("too slow: %v", err)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestHangUp has each side close the connection, after which the other has what was sent, and the end.
func TestHangUp(t *testing.T) {
	ended := make(chan error, 1)
	s := start(t, &rpchttp.Handler{Serve: func(ctx context.Context, c net.Conn, i rpchttp.Info) {
		b := make([]byte, 100)
		if _, err := io.ReadFull(c, b); err != nil {
			ended <- err
			return
		}
		if _, err := c.Write(pdu(200, 1)); err != nil {
			ended <- err
			return
		}
		if b[20] == 1 {
			ended <- nil
			return // closes
		}
		_, err := c.Read(b)
		<-ctx.Done()
		ended <- err
	}}, true)

	c := dial(t, s.config())
	c.Write(pdu(100, 1))
	b := make([]byte, 200)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(b); !errors.Is(err, rpchttp.ErrLost) {
		t.Errorf("the server closed: %v", err)
	}
	if _, err := c.Write(pdu(100, 1)); !errors.Is(err, rpchttp.ErrLost) {
		t.Errorf("the server closed: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}

	c = dial(t, s.config())
	c.Write(pdu(100, 2))
	if _, err := io.ReadFull(c, b); err != nil {
		t.Error(err)
	}
	c.Close()
	if err := <-ended; err != io.EOF {
		t.Errorf("the client closed: %v", err)
	}
}
