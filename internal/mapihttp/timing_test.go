package mapihttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// background runs a request beside the test; the channel gives its outcome.
func background(t *testing.T, c *Client, ctx context.Context, requestType, body string) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Do(ctx, requestType, []byte(body))
		done <- err
	}()
	synctest.Wait()
	return done
}

// TestOverlap: one client's sequenced requests queue; two clients that share a
// context's cookies collide; NotificationWait and PING go beside them.
func TestOverlap(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		twin := w.client("alice", "secret")
		twin.jar.cookies = append(twin.jar.cookies, c.jar.cookies...)

		wait := background(t, c, t.Context(), NotificationWait, "block")
		first := background(t, c, t.Context(), Execute, "block")
		second := background(t, c, t.Context(), Execute, "ROPs")
		w.fails(twin, Execute, "ROPs", InvalidSequence) // with a sequence in use
		w.fails(twin, Execute, "ROPs", InvalidSequence) // with the newest, while the context is busy
		w.do(c, PING, "", "")
		third := background(t, c, t.Context(), NotificationWait, "ROPs")
		if err := <-third; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		fourth := background(t, c, ctx, Execute, "ROPs")
		cancel()
		if err := <-fourth; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for its turn: %v", err)
		}
		select {
		case err := <-second:
			t.Errorf("Execute didn't wait for its turn: %v", err)
		default:
		}
		close(w.f.block)
		for _, done := range []chan error{first, second, wait} {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		w.do(c, Execute, "ROPs", "reply to ROPs")
	})
}

// TestParallelCookies: an answer to NotificationWait whose header is older than
// Execute's doesn't take the sequence back.
func TestParallelCookies(t *testing.T) {
	reply := func(r *http.Request, sequence string) *http.Response {
		return &http.Response{StatusCode: 200, Request: r, Body: io.NopCloser(strings.NewReader("PROCESSING\r\nDONE\r\n\r\n")),
			Header: http.Header{"X-Responsecode": {"0"}, "Content-Type": {ContentType}, "Set-Cookie": {"MapiSequence=" + sequence + "; path=/"}}}
	}
	synctest.Test(t, func(t *testing.T) {
		late := make(chan struct{}) // when the header of the NotificationWait's answer arrives
		c, err := NewClient(Config{URL: "https://mail.contoso.test/", HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("X-RequestType") == NotificationWait {
				<-late
				return reply(r, "old"), nil
			}
			return reply(r, "new"), nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		wait := background(t, c, t.Context(), NotificationWait, "")
		if _, err := c.Do(t.Context(), Execute, nil); err != nil {
			t.Fatal(err)
		}
		close(late)
		if err := <-wait; err != nil {
			t.Fatal(err)
		}
		if got := c.jar.header(); got != "MapiSequence=new" {
			t.Errorf("cookies %s", got)
		}
		if _, err := c.Do(t.Context(), NotificationWait, nil); err != nil {
			t.Fatal(err)
		}
		if got := c.jar.header(); got != "MapiSequence=old" {
			t.Errorf("cookies %s: a parallel answer counts when nothing else went on", got)
		}
	})
}

// TestExpiry: a context lives while it is used, while a request runs in it, and
// no longer than the expiration afterwards.
func TestExpiry(t *testing.T) {
	run(t, &Handler{Expiration: 10 * time.Minute}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		for range 3 {
			time.Sleep(9 * time.Minute)
			w.do(c, PING, "", "")
		}
		if r := w.do(c, NotificationWait, "sleep 25m", "reply to sleep 25m"); r.Expires != 10*time.Minute {
			t.Errorf("expires in %v", r.Expires)
		}
		time.Sleep(9 * time.Minute)
		w.do(c, Execute, "ROPs", "reply to ROPs")
		if w.h.Sessions() != 1 {
			t.Error("context ended early")
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if w.h.Sessions() != 0 || w.f.closed != 1 {
			t.Errorf("%d contexts left, %d sessions closed", w.h.Sessions(), w.f.closed)
		}
		if e := w.fails(c, Execute, "ROPs", ContextNotFound); !errors.Is(e, ErrContextNotFound) {
			t.Errorf("%v isn't ErrContextNotFound", e)
		}
		before := c.clientInfo
		r := w.do(c, Connect, "dn", "connected") // with the dead context's cookies
		if !strings.HasSuffix(r.RequestID, ":1") || c.clientInfo == before {
			t.Errorf("request id %s, client info %s: not those of a new context", r.RequestID, c.clientInfo)
		}
		w.do(c, Execute, "ROPs", "reply to ROPs")
	})
}

// TestReconnect: a Connect with the cookies of a living context ends that one,
// and what still ran in it.
func TestReconnect(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		wait := background(t, c, t.Context(), NotificationWait, "block")
		old := c.jar.header()
		w.do(c, Connect, "dn", "connected")
		var code *ResponseCodeError
		if err := <-wait; !errors.As(err, &code) || code.Code != ContextNotFound {
			t.Errorf("NotificationWait of the former context: %v", err)
		}
		if w.f.opened != 2 || w.f.closed != 1 || w.h.Sessions() != 1 || c.jar.header() == old {
			t.Errorf("opened %d, closed %d, contexts %d", w.f.opened, w.f.closed, w.h.Sessions())
		}
		w.do(c, Execute, "ROPs", "reply to ROPs")

		// Another user's cookies end nothing.
		b := w.client("bob", "secret")
		b.jar.cookies = append(b.jar.cookies, c.jar.cookies...)
		w.do(b, Connect, "dn", "connected")
		w.do(c, Execute, "ROPs", "reply to ROPs")
	})
}

// TestHangUp: a client that goes away ends its NotificationWait, but not an
// Execute; the next Connect is answered although that still runs.
func TestHangUp(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		ctx, cancel := context.WithCancel(t.Context())
		wait := background(t, c, ctx, NotificationWait, "block")
		execute := background(t, c, ctx, Execute, "block")
		cancel()
		for _, done := range []chan error{wait, execute} {
			var network *NetworkError
			if err := <-done; !errors.As(err, &network) || !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		synctest.Wait()
		if w.f.executing != 1 {
			t.Error("Execute was interrupted")
		}
		w.fails(c, Execute, "ROPs", InvalidSequence)
		w.do(c, Connect, "dn", "connected")
		w.do(c, Execute, "ROPs", "reply to ROPs")
	})
}

// TestShutDown: Close interrupts what runs and refuses new contexts.
func TestShutDown(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		wait := background(t, c, t.Context(), NotificationWait, "block")
		w.h.Close()
		if w.f.closed != 1 {
			t.Error("Close returned before the session was closed")
		}
		if err := <-wait; !errors.Is(err, ErrContextNotFound) {
			t.Error(err)
		}
		w.fails(w.client("alice", "secret"), Connect, "dn", EndpointShuttingDown)
	})
}

// recorder is a ResponseWriter that notes when what is written.
type recorder struct {
	header http.Header
	writes []string
	times  []time.Duration
	start  time.Time
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
func (r *recorder) Flush()              {}
func (r *recorder) Write(b []byte) (int, error) {
	r.writes = append(r.writes, string(b))
	r.times = append(r.times, time.Since(r.start).Round(time.Second))
	return len(b), nil
}

// TestKeepAlive: PROCESSING at once, PENDING each period, DONE at the end.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Handler{Endpoint: &fake{}, Pending: 15 * time.Second,
			Authenticate: func(*http.Request) (string, error) { return "alice", nil }}
		defer h.Close()
		send := func(requestType, body, cookies string) *recorder {
			w := &recorder{header: make(http.Header), start: time.Now()}
			r, _ := http.NewRequest("POST", "/mapi/emsmdb/", strings.NewReader(body))
			for name, value := range map[string]string{"Content-Type": ContentType, "X-RequestType": requestType, "X-RequestId": "1", "X-ClientInfo": "1", "Cookie": cookies} {
				r.Header.Set(name, value)
			}
			h.ServeHTTP(w, r)
			return w
		}
		var j jar
		j.store(send(Connect, "dn", "").header)
		w := send(NotificationWait, "sleep 40s", j.header())
		head := "DONE\r\nX-ElapsedTime: 40000\r\nX-StartTime: " + w.start.UTC().Format(http.TimeFormat) + "\r\n\r\n"
		want := []string{"PROCESSING\r\n", "PENDING\r\n", "PENDING\r\n", head, "reply to sleep 40s"}
		if strings.Join(w.writes, "|") != strings.Join(want, "|") {
			t.Errorf("written %q, want %q", w.writes, want)
		}
		for i, want := range []time.Duration{0, 15 * time.Second, 30 * time.Second, 40 * time.Second, 40 * time.Second} {
			if w.times[i] != want {
				t.Errorf("write %d after %v, want %v", i, w.times[i], want)
			}
		}
		if w.header.Get("X-PendingPeriod") != "15000" || w.header.Get("X-ResponseCode") != "0" || len(w.header["Set-Cookie"]) != 2 {
			t.Errorf("header %v", w.header)
		}
		if cookie := w.header["Set-Cookie"][0]; !regexp.MustCompile(`^MapiContext=[\w-]{22}; path=/mapi/emsmdb; HttpOnly$`).MatchString(cookie) {
			t.Errorf("cookie %s", cookie)
		}
	})
}

// TestKeepAliveThroughClient: however long a request takes, keep-alives keep the
// client waiting; silence doesn't.
func TestKeepAliveThroughClient(t *testing.T) {
	run(t, &Handler{}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		w.do(c, NotificationWait, "sleep 1h", "reply to sleep 1h")
		w.do(c, Execute, "sleep 1h", "reply to sleep 1h")
	})
	run(t, &Handler{Pending: time.Hour}, func(t *testing.T, w *world) {
		c := w.connected("alice")
		start := time.Now()
		_, err := c.Do(t.Context(), NotificationWait, []byte("sleep 59m"))
		if !errors.Is(err, ErrSilent) || time.Since(start).Round(time.Second) != DefaultSilence {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(time.Hour)
	})
}
