package mapihttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fake is an Endpoint that remembers what it was asked. Bodies name what to do.
type fake struct {
	mu       sync.Mutex
	requests []Request
	overlap  bool // within one session
	opened   int
	closed   int
	// executing counts the sequenced calls in progress in all sessions.
	executing int
	block     chan struct{} // "block" waits for it
}

type fakeSession struct {
	f       *fake
	running int // sequenced calls in progress
	closed  bool
}

func (f *fake) note(r *Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := *r
	k.Body = bytes.Clone(r.Body)
	f.requests = append(f.requests, k)
}

func (f *fake) Connect(ctx context.Context, r *Request) (Session, []byte, error) {
	f.note(r)
	switch string(r.Body) {
	case "no session":
		return nil, []byte("refused"), nil
	case "bad body":
		return nil, nil, &ResponseCodeError{Code: InvalidRequestBody, Text: "truncated"}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &fakeSession{f: f}, []byte("connected"), nil
}

func (s *fakeSession) Serve(ctx context.Context, r *Request) ([]byte, error) {
	s.f.note(r)
	if sequenced(r.Type) {
		s.f.mu.Lock()
		s.running++
		s.f.executing++
		s.f.overlap = s.f.overlap || s.running > 1 || s.closed
		s.f.mu.Unlock()
		defer func() { s.f.mu.Lock(); s.running--; s.f.executing--; s.f.mu.Unlock() }()
	}
	verb, rest, _ := strings.Cut(string(r.Body), " ")
	switch verb {
	case "block":
		select {
		case <-s.f.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "sleep":
		d, _ := time.ParseDuration(rest)
		time.Sleep(d)
	case "large":
		return make([]byte, DefaultMaxResponse+1), nil
	case "code":
		return nil, &ResponseCodeError{Code: InvalidRequestBody, Text: "Execute: <truncated>"}
	case "late":
		time.Sleep(time.Second)
		return nil, &ResponseCodeError{Code: InvalidRequestBody, Text: "Execute: <truncated>"}
	case "failure":
		return nil, errors.New("secret")
	}
	return append([]byte("reply to "), r.Body...), nil
}

func (s *fakeSession) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	if s.closed || s.running > 0 {
		s.f.overlap = true
	}
	s.closed = true
	s.f.closed++
}

// pipes is a network in memory, so that a test's clock runs only while all wait.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// world is a server in memory with a way to make clients for it.
type world struct {
	t       *testing.T
	h       *Handler
	f       *fake
	http    *http.Client
	service Service
}

// run runs a test with its own clock against a server in memory.
func run(t *testing.T, h *Handler, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{block: make(chan struct{})}
		h.Endpoint = f
		h.Authenticate = func(r *http.Request) (string, error) {
			user, password, _ := r.BasicAuth()
			switch {
			case user == "broken":
				return "", errors.New("database is down")
			case user != "" && password != "secret":
				return "", &Unauthorized{[]string{`Basic realm="mail"`, "Negotiate"}}
			}
			return user, nil
		}
		network := &pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: h}
		go server.Serve(network)
		transport := &http.Transport{DialContext: network.dial}
		test(t, &world{t, h, f, &http.Client{Transport: transport}, h.Service})
		transport.CloseIdleConnections()
		server.Close()
		h.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.opened != f.closed || f.overlap {
			t.Errorf("%d sessions opened, %d closed, calls overlapped: %v", f.opened, f.closed, f.overlap)
		}
	})
}

func (w *world) client(user, password string) *Client {
	path := "/mapi/emsmdb/"
	if w.service == AddressBook {
		path = "/mapi/nspi/"
	}
	c, err := NewClient(Config{
		URL:       "http://mail.contoso.test" + path + "?MailboxId=guid@contoso.test",
		HTTP:      w.http,
		Authorize: func(r *http.Request) error { r.SetBasicAuth(user, password); return nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) connected(user string) *Client {
	w.t.Helper()
	c := w.client(user, "secret")
	w.do(c, Connect, "dn", "connected")
	return c
}

func (w *world) do(c *Client, requestType, body, want string) *Response {
	w.t.Helper()
	r, err := c.Do(w.t.Context(), requestType, []byte(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if string(r.Body) != want {
		w.t.Fatalf("%s: %q, want %q", requestType, r.Body, want)
	}
	return r
}

func (w *world) fails(c *Client, requestType, body string, want ResponseCode) *ResponseCodeError {
	w.t.Helper()
	_, err := c.Do(w.t.Context(), requestType, []byte(body))
	var code *ResponseCodeError
	if !errors.As(err, &code) || code.Code != want {
		w.t.Fatalf("%s: error %v, want %v", requestType, err, want)
	}
	return code
}

func TestConversation(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.client("alice", "secret")
		if c.Connected() {
			t.Error("connected before Connect")
		}
		r := w.do(c, Connect, "dn", "connected")
		if !regexp.MustCompile(`^Exchange/15\.\d{2}\.\d{4}\.\d{3}$`).MatchString(r.ServerApplication) ||
			r.Expires != DefaultExpiration || r.PendingPeriod != DefaultPending || r.Start.IsZero() ||
			!regexp.MustCompile(`^\{[0-9a-f-]{36}\}:1$`).MatchString(r.RequestID) {
			t.Errorf("response %+v", r)
		}
		session := r.RequestID[:39]
		for i := range 3 {
			r := w.do(c, Execute, fmt.Sprint("ROPs ", i), fmt.Sprint("reply to ROPs ", i))
			if r.RequestID != fmt.Sprint(session, i+2) {
				t.Errorf("request id %s", r.RequestID)
			}
			r.Release()
		}
		w.do(c, "ping", "", "")
		w.do(c, Disconnect, "", "reply to ")
		if c.Connected() || w.h.Sessions() != 0 {
			t.Error("still connected")
		}
		w.fails(c, Execute, "ROPs", MissingCookie)

		want := Request{Type: Execute, User: "alice", MailboxID: "guid@contoso.test", ClientApplication: DefaultClientApplication}
		got := w.f.requests[1]
		if got.Type != want.Type || got.User != want.User || got.MailboxID != want.MailboxID || got.ClientApplication != want.ClientApplication {
			t.Errorf("request %+v", got)
		}
		if tr := c.Traffic(); tr.Requests != 7 || tr.Sent != int64(len("dn")+3*len("ROPs 0")+len("ROPs")) || tr.Received == 0 {
			t.Errorf("traffic %+v", tr)
		}
	})
}

func TestAddressBookConversation(t *testing.T) {
	run(t, &Handler{Service: AddressBook}, func(t *testing.T, w *world) {
		c := w.client("alice", "secret")
		w.do(c, Bind, "", "connected")
		for _, name := range []string{"CompareMinIds", "comparemids", "DNToMinId", QueryColumn, QueryColumns} {
			w.do(c, name, "x", "reply to x")
		}
		w.fails(c, Execute, "x", InvalidRequestType)
		w.do(c, Unbind, "", "reply to ")
		var types []string
		for _, r := range w.f.requests {
			types = append(types, r.Type)
		}
		want := []string{Bind, CompareMIds, CompareMIds, DNToMId, QueryColumns, QueryColumns, Unbind}
		if !slices.Equal(types, want) {
			t.Errorf("request types %v, want %v", types, want)
		}
	})
}

func TestFailures(t *testing.T) {
	run(t, &Handler{MaxRequest: 100, MaxContexts: 2}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		if e := w.fails(c, Execute, "code", InvalidRequestBody); e.Text != "Execute: <truncated>" || errors.Is(e, ErrContextNotFound) {
			t.Errorf("early: %v", e)
		}
		if e := w.fails(c, Execute, "late", InvalidRequestBody); e.Text != "Execute: <truncated>" {
			t.Errorf("late: %v", e)
		}
		if e := w.fails(c, Execute, "failure", UnknownFailure); strings.Contains(e.Error(), "secret") {
			t.Errorf("internal text in %v", e)
		}
		w.fails(c, "Bogus", "", InvalidRequestType)
		w.fails(c, Bind, "", InvalidRequestType)
		w.fails(c, Execute, strings.Repeat("x", 101), TooLarge)
		w.do(c, Execute, strings.Repeat("x", 100), "reply to "+strings.Repeat("x", 100)) // the context survived all that

		_, err := c.Do(t.Context(), Execute, []byte("large"))
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("large answer: %v", err)
		}

		var status *HTTPError
		_, err = w.client("alice", "wrong").Do(t.Context(), Connect, nil)
		if !errors.Is(err, ErrUnauthorized) || !errors.As(err, &status) || !slices.Equal(status.Challenges, []string{`Basic realm="mail"`, "Negotiate"}) {
			t.Errorf("wrong password: %v", err)
		}
		_, err = w.client("broken", "secret").Do(t.Context(), Connect, nil)
		if !errors.As(err, &status) || status.Status != 503 || status.RetryAfter != 30*time.Second || strings.Contains(err.Error(), "database") {
			t.Errorf("broken authentication: %v", err)
		}
		w.fails(w.client("", ""), Connect, "dn", AnonymousNotAllowed)
		w.fails(w.client("alice", "secret"), Connect, "bad body", InvalidRequestBody)

		b := w.client("bob", "secret")
		w.do(b, Connect, "no session", "refused")
		if b.Connected() {
			t.Error("a refused Connect set cookies")
		}
		w.connected("bob")
		_, err = b.Do(t.Context(), Connect, []byte("dn"))
		if !errors.As(err, &status) || status.Status != 503 {
			t.Errorf("too many contexts: %v", err)
		}
	})
}

// raw sends a request as written, with the header's changes, and returns the answer's code.
func (w *world) raw(method string, change func(http.Header)) (code string, header http.Header) {
	w.t.Helper()
	r, err := http.NewRequest(method, "http://mail.contoso.test/mapi/emsmdb/", strings.NewReader("ROPs"))
	if err != nil {
		w.t.Fatal(err)
	}
	r.SetBasicAuth("alice", "secret")
	r.Header.Set("Content-Type", ContentType)
	r.Header.Set("X-RequestType", Execute)
	r.Header.Set("X-RequestId", "{e3007a3f-5249-4937-80c0-bb97af3ee283}:1")
	r.Header.Set("X-ClientInfo", "{1e5fe0fa-16f0-46d1-b6e5-8865f39b7d5f}:1")
	change(r.Header)
	res, err := w.http.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		w.t.Errorf("status %d", res.StatusCode)
	}
	return res.Header.Get("X-ResponseCode"), res.Header
}

func TestRefusals(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		cookies := c.jar.header()
		context, sequence, _ := strings.Cut(cookies, "; ")
		other := w.connected("bob")
		var latest []string
		set := func(name, value string) func(http.Header) {
			return func(h http.Header) {
				h.Set("Cookie", cookies)
				h.Set(name, value)
			}
		}
		del := func(name string) func(http.Header) {
			return func(h http.Header) { h.Set("Cookie", cookies); h.Del(name) }
		}
		for _, test := range []struct {
			name, method string
			change       func(http.Header)
			want         string
			context      bool // cookies are set
		}{
			{"verb", "GET", set("X-RequestType", Execute), "2", true},
			{"content type", "POST", set("Content-Type", "text/xml"), "4", true},
			{"no content type", "POST", del("Content-Type"), "4", true},
			{"unknown request type", "POST", set("X-RequestType", "Bogus"), "5", true},
			{"no request type", "POST", del("X-RequestType"), "7", true},
			{"no request id", "POST", del("X-RequestId"), "7", true},
			{"no client info", "POST", del("X-ClientInfo"), "7", true},
			{"garbage cookies", "POST", set("Cookie", "MapiContext=Invalid cookie; MapiSequence=Invalid cookie"), "6", false},
			{"no cookies", "POST", del("Cookie"), "13", false},
			{"foreign cookies only", "POST", set("Cookie", "a=b; c=d"), "13", false},
			{"no sequence", "POST", set("Cookie", context), "13", true},
			{"unknown context", "POST", set("Cookie", "MapiContext="+newContextID()+"; "+sequence), "10", false},
			{"another user's context", "POST", set("Cookie", other.jar.header()), "10", false},
			{"good", "POST", set("Cookie", cookies), "0", true},
			{"sequence used twice", "POST", set("Cookie", cookies), "15", true},
		} {
			code, header := w.raw(test.method, test.change)
			if test.name == "sequence used twice" {
				latest = header["Set-Cookie"]
			}
			if code != test.want {
				t.Errorf("%s: code %s, want %s", test.name, code, test.want)
			}
			if got := len(header["Set-Cookie"]); got != map[bool]int{true: 2}[test.context] {
				t.Errorf("%s: %d cookies set", test.name, got)
			}
			if (header.Get("Content-Type") == ContentType) != (code == "0") || header.Get("X-ServerApplication") == "" {
				t.Errorf("%s: header %v", test.name, header)
			}
		}
		// The refusal brought the sequence that goes on; cookies may come in two lines.
		code, _ := w.raw("POST", func(h http.Header) { h["Cookie"] = append(latest, "routing=x") })
		if code != "0" {
			t.Errorf("latest cookies: code %s", code)
		}
	})
}
