package mapihttp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestEntityErrors(t *testing.T) {
	long := strings.Repeat("x", maxEntityLine)
	for _, test := range []struct {
		name, entity string
		offset       int64 // of a *StreamError; -1: cut short
	}{
		{"cut in a tag", "PROCESS", -1},
		{"cut after a tag", "PROCESSING\r\n", -1},
		{"cut among the headers", "PROCESSING\r\nDONE\r\nX-ElapsedTime: 1", -1},
		{"cut before the empty line", "PROCESSING\r\nDONE\r\nX-ElapsedTime: 1\r\n", -1},
		{"unknown tag", "PROCESSING\r\nPROMISED\r\n", 12},
		{"body without tags", "\x00\x00\x00\x00", 0},
		{"web page", "<html>", 0},
		{"header without colon", "DONE\r\nX-ElapsedTime\r\n\r\n", 21},
		{"code not a number", "DONE\r\nX-ResponseCode: ten\r\n\r\n", 27},
		{"endless header", "DONE\r\nX: " + long + "\r\n\r\n", 6 + maxEntityLine},
		{"endless headers", "DONE\r\n" + strings.Repeat("X: 1\r\n", 1000), 6 + maxEntityHeaders*6},
	} {
		e := entityReader{r: bufio.NewReaderSize(strings.NewReader(test.entity), maxEntityLine)}
		_, _, err := e.read(nil, DefaultMaxResponse)
		var stream *StreamError
		switch {
		case test.offset < 0:
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: %v", test.name, err)
			}
		case !errors.As(err, &stream) || stream.Offset != test.offset:
			t.Errorf("%s: %v, want byte %d", test.name, err, test.offset)
		}
	}
}

func TestEntityTolerance(t *testing.T) {
	for _, entity := range []string{
		"PROCESSING\r\nDONE\r\n\r\nbody",
		"PROCESSING\nDONE\n\nbody",
		"PROCESSINGPENDINGPENDINGPROCESSING\r\nPENDING\r\nDONE\r\nx-responsecode:0\r\nX-StartTime: yesterday\r\nX-New: thing\r\n\r\nbody",
		"DONE\r\n\r\nbody",
	} {
		e := entityReader{r: bufio.NewReader(strings.NewReader(entity))}
		head, body, err := e.read([]byte{}, 4)
		if err != nil || string(body) != "body" || head.Code != 0 {
			t.Errorf("%q: %+v, %q, %v", entity, head, body, err)
		}
		e = entityReader{r: bufio.NewReader(strings.NewReader(entity))}
		if _, _, err := e.read([]byte{}, 3); err != ErrTooLarge {
			t.Errorf("%q above the limit: %v", entity, err)
		}
	}
}

func FuzzEntity(f *testing.F) {
	for _, s := range []string{
		"PROCESSING\r\nDONE\r\nX-ElapsedTime: 12\r\nX-StartTime: Mon, 01 Jan 2024 00:00:00 GMT\r\nX-ResponseCode: 0\r\n\r\n\x00\x00\x00\x00",
		"PROCESSING\r\nPENDINGPENDINGPROCESSING\r\nDONE\r\n\r\nbody",
		"DONE\nX-ResponseCode: 10\nContent-Type: text/html\n\n<html>", "PRO", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, entity []byte) {
		const limit = 64
		read := func(r io.Reader) (entityHeaders, []byte, error) {
			e := entityReader{r: bufio.NewReaderSize(r, maxEntityLine)}
			return e.read(nil, limit)
		}
		head, body, err := read(bytes.NewReader(entity))
		head2, body2, err2 := read(iotest.OneByteReader(bytes.NewReader(entity)))
		if (err == nil) != (err2 == nil) || head != head2 || !bytes.Equal(body, body2) || len(body) > limit {
			t.Fatalf("depends on how it arrives: %+v %q %v, %+v %q %v", head, body, err, head2, body2, err2)
		}
		if err != nil || head.Start.IsZero() || strings.ContainsAny(head.ContentType, "\r\n") {
			return
		}
		head3, body3, err := read(bytes.NewReader(append(head.appendTo(nil), body...)))
		if head3 != head || !bytes.Equal(body3, body) || err != nil {
			t.Fatalf("%+v became %+v (%v)", head, head3, err)
		}
	})
}

// TestForeignAnswers: what isn't MAPI/HTTP at all becomes an HTTPError that says so.
func TestForeignAnswers(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   HTTPError
		unread bool
	}{
		{"sign-in page", 200, http.Header{"Content-Type": {"text/html"}}, "<html><head><title>x</title></head><BODY><p>Sign&nbsp;in</p></body>",
			HTTPError{Status: 200, Text: "no MAPI/HTTP endpoint answers here: Sign in"}, false},
		{"code 0 but a page", 200, http.Header{"Content-Type": {"text/html"}, "X-Responsecode": {"0"}}, "<p>Hello",
			HTTPError{Status: 200, Text: `unexpected Content-Type "text/html"`}, false},
		{"redirect", 302, http.Header{"Location": {"https://elsewhere.test/"}}, "", HTTPError{Status: 302, Location: "https://elsewhere.test/"}, false},
		{"busy", 503, http.Header{"Retry-After": {"120"}}, "Service <b>Unavailable</b>", HTTPError{Status: 503, RetryAfter: 2 * time.Minute, Text: "Service Unavailable"}, false},
		{"busy until", 503, http.Header{"Retry-After": {"Fri, 01 Jan 1999 00:00:00 GMT"}}, "", HTTPError{Status: 503}, false},
		{"endless page", 500, nil, strings.Repeat("é", 1<<20), HTTPError{Status: 500, Text: strings.Repeat("é", 150)}, false},
	} {
		c, err := NewClient(Config{URL: "https://mail.contoso.test/mapi/emsmdb/", HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: test.status, Header: test.header, Body: io.NopCloser(strings.NewReader(test.body)), Request: r}, nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), Execute, nil)
		var got *HTTPError
		if !errors.As(err, &got) {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		test.want.RequestType = Execute
		if got.Error() != test.want.Error() || got.Location != test.want.Location || got.RetryAfter != test.want.RetryAfter {
			t.Errorf("%s: %v, want %v", test.name, got, &test.want)
		}
	}
	for _, bad := range []string{"", "mail.contoso.test", "ftp://mail.contoso.test/", "https:///mapi", "://"} {
		if _, err := NewClient(Config{URL: bad}); err == nil {
			t.Errorf("URL %q accepted", bad)
		}
	}
	var e *url.Error
	c, _ := NewClient(Config{URL: "https://127.0.0.1:1/"})
	if _, err := c.Do(t.Context(), PING, nil); !errors.As(err, &e) {
		t.Errorf("nobody there: %v", err)
	}
}

// TestWire looks at the bytes between a real client and server: HTTP/1.1, chunked.
func TestWire(t *testing.T) {
	h := &Handler{Endpoint: &fake{}, Authenticate: func(*http.Request) (string, error) { return "alice", nil }}
	defer h.Close()
	server := httptest.NewTLSServer(h)
	defer server.Close()
	var seen *http.Response
	transport := server.Client().Transport
	c, err := NewClient(Config{URL: server.URL + "/mapi/emsmdb/?MailboxId=x", HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		res, err := transport.RoundTrip(r)
		seen = res
		return res, err
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), Connect, []byte("dn")); err != nil {
		t.Fatal(err)
	}
	if seen.Proto != "HTTP/1.1" || len(seen.TransferEncoding) != 1 || seen.ContentLength != -1 || !strings.HasSuffix(seen.Header.Get("Set-Cookie"), "; secure") {
		t.Errorf("%s %v %d %v", seen.Proto, seen.TransferEncoding, seen.ContentLength, seen.Header)
	}
}

func BenchmarkExecute(b *testing.B) {
	h := &Handler{Endpoint: &script{make([]byte, 32<<10)}, Authenticate: func(*http.Request) (string, error) { return "alice", nil }}
	defer h.Close()
	server := httptest.NewServer(h)
	defer server.Close()
	c, err := NewClient(Config{URL: server.URL + "/mapi/emsmdb/"})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.Do(b.Context(), Connect, nil); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 1024)
	b.ReportAllocs()
	b.SetBytes(32 << 10)
	for b.Loop() {
		r, err := c.Do(b.Context(), Execute, body)
		if err != nil {
			b.Fatal(err)
		}
		r.Release()
	}
}
