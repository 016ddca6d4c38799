package mapihttp

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

// vectorsDir is the folder of test vectors, or the test is skipped.
func vectorsDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("OPENCDO_VECTORS")
	if dir == "" {
		root, err := filepath.Abs(".")
		for err == nil {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			if filepath.Dir(root) == root {
				t.Fatal("no go.mod above the test's folder")
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "vectors")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NO TEST VECTORS: set OPENCDO_VECTORS to their folder (%v)", err)
	}
	return dir
}

type pair [2]string

// exchange is one recorded request with its response.
type exchange struct {
	ID      string
	Request struct {
		Method, Target, Type string
		Headers              []pair
		Body                 hexBytes
	}
	Response struct {
		Status  int
		Code    *ResponseCode `json:"x_response_code"`
		Headers []pair
		Chunks  [][2]int
		Body    hexBytes
		BodyAt  *int `json:"body_at"`
	}
}

type hexBytes []byte

func (b *hexBytes) UnmarshalText(s []byte) (err error) {
	*b, err = hex.AppendDecode(nil, s)
	return err
}

func recorded(t *testing.T, files ...string) []exchange {
	t.Helper()
	var all []exchange
	for _, file := range files {
		f, err := os.Open(filepath.Join(vectorsDir(t), "recorded", file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for d := json.NewDecoder(z); ; {
			var x exchange
			if err := d.Decode(&x); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
	}
	return all
}

func httpHeader(pairs []pair) http.Header {
	h := make(http.Header)
	for _, p := range pairs {
		h.Add(p[0], p[1])
	}
	return h
}

// chunks is a reader that gives the body in the pieces in which it was recorded.
func (x *exchange) chunks() io.Reader {
	var pieces []io.Reader
	body := []byte(x.Response.Body)
	for _, c := range x.Response.Chunks {
		pieces = append(pieces, bytes.NewReader(body[:c[1]]))
		body = body[c[1]:]
	}
	return io.MultiReader(append(pieces, bytes.NewReader(body))...)
}

func TestEntityVectors(t *testing.T) {
	for _, x := range recorded(t, "mapihttp.jsonl.gz", "execute.jsonl.gz") {
		if x.Response.BodyAt == nil {
			continue
		}
		t.Run(x.ID, func(t *testing.T) {
			want := x.Response.Body[*x.Response.BodyAt:]
			for name, r := range map[string]io.Reader{
				"whole":      bytes.NewReader(x.Response.Body),
				"chunks":     x.chunks(),
				"byte-wise":  iotest.OneByteReader(bytes.NewReader(x.Response.Body)),
				"with error": iotest.DataErrReader(bytes.NewReader(x.Response.Body)),
			} {
				e := entityReader{r: bufio.NewReaderSize(r, maxEntityLine)}
				head, body, err := e.read(nil, DefaultMaxResponse)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !bytes.Equal(body, want) {
					t.Errorf("%s: body %x, want %x", name, body, want)
				}
				if head.HasCode || head.Start.Year() != 2026 {
					t.Errorf("%s: headers %+v", name, head)
				}
				encoded := string(head.appendTo(nil))
				if !strings.HasSuffix(string(x.Response.Body[:*x.Response.BodyAt]), encoded) {
					t.Errorf("%s: encoded again %q", name, encoded)
				}
			}
		})
	}
}

func TestConstructedEntityVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(vectorsDir(t), "oxcmapihttp.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID, Kind string
		Hex      hexBytes
		Decoded  json.RawMessage
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		if v.Kind != "mapihttp-entity" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			var want struct {
				Headers map[string]string
				Body    hexBytes `json:"body_hex"`
			}
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			e := entityReader{r: bufio.NewReader(bytes.NewReader(v.Hex))}
			head, body, err := e.read(nil, DefaultMaxResponse)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{
				"X-ElapsedTime":  strconv.FormatInt(head.Elapsed.Milliseconds(), 10),
				"X-StartTime":    head.Start.Format(http.TimeFormat),
				"X-ResponseCode": strconv.Itoa(int(head.Code)),
			}
			for name, value := range want.Headers {
				if got[name] != value {
					t.Errorf("%s: %q, want %q", name, got[name], value)
				}
			}
			if !bytes.Equal(body, want.Body) {
				t.Errorf("body %x, want %x", body, want.Body)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestClientVectors lets the client have the recorded conversations: it must ask
// with the same headers and take the recorded answers.
func TestClientVectors(t *testing.T) {
	for _, x := range recorded(t, "mapihttp.jsonl.gz", "execute.jsonl.gz") {
		if x.Request.Type == "" || len(x.Request.Headers) == 0 {
			continue
		}
		t.Run(x.ID, func(t *testing.T) {
			asked := httpHeader(x.Request.Headers)
			var sent *http.Request
			var body []byte
			c, err := NewClient(Config{
				URL: "https://mail.contoso.test" + x.Request.Target,
				HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					sent = r
					body, _ = io.ReadAll(r.Body)
					return &http.Response{StatusCode: x.Response.Status, Header: httpHeader(x.Response.Headers),
						Body: io.NopCloser(x.chunks()), ContentLength: -1, Request: r}, nil
				})},
				Authorize:         func(r *http.Request) error { r.Header.Set("Authorization", "Basic"); return nil },
				ClientApplication: asked.Get(headerClientApplication),
			})
			if err != nil {
				t.Fatal(err)
			}
			for pair := range strings.SplitSeq(asked.Get("Cookie"), ";") {
				if k, ok := parseCookie(pair); ok {
					c.jar.set(k)
				}
			}
			resp, err := c.Do(t.Context(), x.Request.Type, x.Request.Body)

			if !bytes.Equal(body, x.Request.Body) {
				t.Errorf("sent body %x, want %x", body, x.Request.Body)
			}
			if got, want := sent.URL.RequestURI(), x.Request.Target; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
			for name, want := range asked {
				var got string
				for k, v := range sent.Header {
					if strings.EqualFold(k, name) && len(v) > 0 {
						got = v[0]
					}
				}
				switch name {
				case "Content-Length":
					got = strconv.FormatInt(sent.ContentLength, 10)
				case "X-Requestid", "X-Clientinfo": // made up anew: same shape
					if !regexp.MustCompile(`^\{[0-9a-fA-F-]{36}\}:\d+$`).MatchString(got) {
						t.Errorf("%s: %q", name, got)
					}
					continue
				}
				if got != want[0] {
					t.Errorf("%s: %q, want %q", name, got, want[0])
				}
			}
			checkRecordedAnswer(t, &x, c, resp, err)
		})
	}
}

func checkRecordedAnswer(t *testing.T, x *exchange, c *Client, resp *Response, err error) {
	t.Helper()
	switch {
	case x.Response.Code == nil:
		var status *HTTPError
		if !errors.As(err, &status) || status.Status != x.Response.Status {
			t.Fatalf("error %v, want HTTP status %d", err, x.Response.Status)
		}
	case *x.Response.Code != 0:
		var code *ResponseCodeError
		if !errors.As(err, &code) || code.Code != *x.Response.Code || !strings.HasSuffix(code.Text, ".") {
			t.Fatalf("error %v, want code %d", err, *x.Response.Code)
		}
		lost := code.Code == 2 || code.Code == 6 // gromox: no such session, no cookie
		if errors.Is(err, ErrContextNotFound) != lost {
			t.Errorf("%v: ErrContextNotFound isn't %v", err, lost)
		}
	default:
		if err != nil {
			t.Fatal(err)
		}
		if want := x.Response.Body[*x.Response.BodyAt:]; !bytes.Equal(resp.Body, want) {
			t.Errorf("body %x, want %x", resp.Body, want)
		}
		if resp.ServerApplication != "Exchange/15.00.0847.4040" || resp.Expires.Minutes() != 15 || resp.PendingPeriod.Seconds() != 30 {
			t.Errorf("response %+v", resp)
		}
		if !destroys(x.Request.Type) {
			for _, line := range httpHeader(x.Response.Headers)["Set-Cookie"] {
				k, _ := parseCookie(line)
				if !slices.Contains(c.jar.cookies, k) {
					t.Errorf("cookie %v not kept: %v", k, c.jar.cookies)
				}
			}
		}
		resp.Release()
	}
}

// script is an Endpoint and Session that gives a fixed answer.
type script struct{ reply []byte }

func (s *script) Connect(context.Context, *Request) (Session, []byte, error) { return s, s.reply, nil }
func (s *script) Serve(context.Context, *Request) ([]byte, error)            { return s.reply, nil }
func (s *script) Close()                                                     {}

// documented is the specification's number for what gromox numbers its own way.
var documented = map[ResponseCode]ResponseCode{2: ContextNotFound, 3: MissingHeader, 6: MissingCookie, 8: InvalidRequestType}

// TestServerVectors sends the recorded requests to the Handler, which must frame
// the recorded answers with the recorded headers and shape.
func TestServerVectors(t *testing.T) {
	number := regexp.MustCompile(`\d+`)
	for _, x := range recorded(t, "mapihttp.jsonl.gz", "execute.jsonl.gz") {
		if x.Response.Code == nil || len(x.Request.Headers) == 0 || strings.HasPrefix(x.Request.Type, QueryColumn) {
			continue // gromox refuses QueryColumns
		}
		t.Run(x.ID, func(t *testing.T) {
			end := &script{}
			h := &Handler{Endpoint: end, Authenticate: func(*http.Request) (string, error) { return "interop1", nil }}
			first := Connect
			if strings.HasPrefix(x.Request.Target, "/mapi/nspi/") {
				h.Service, first = AddressBook, Bind
			}
			defer h.Close()
			send := func(name string, header http.Header) *http.Response {
				r := httptest.NewRequest(x.Request.Method, x.Request.Target, bytes.NewReader(x.Request.Body))
				r.Header = header
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Result()
			}
			header := httpHeader(x.Request.Headers)
			if header.Get("Cookie") != "" {
				opening := header.Clone()
				opening.Del("Cookie")
				opening.Set(headerRequestType, first)
				var j jar
				j.store(send(first, opening).Header)
				if *x.Response.Code == 2 {
					j.cookies[0].value = newContextID()
				}
				header.Set("Cookie", j.header())
			}
			if x.Response.BodyAt != nil {
				end.reply = x.Response.Body[*x.Response.BodyAt:]
			}
			got := send(x.Request.Type, header)
			code := got.Header.Get(headerResponseCode)
			if *x.Response.Code != 0 {
				if want := documented[*x.Response.Code]; code != strconv.Itoa(int(want)) || got.Header.Get(headerContentType) != "text/html" {
					t.Fatalf("code %s (%s), want %d", code, got.Header.Get(headerContentType), want)
				}
				return
			}
			for name, v := range httpHeader(x.Response.Headers) {
				switch v2 := got.Header.Values(name); name {
				case "Set-Cookie", headerServerApplication, "X-Serverapplication":
					if len(v2) == 0 {
						t.Errorf("no %s", name)
					}
				case "Content-Length", "Transfer-Encoding": // gromox sends a PING's answer unchunked
				default:
					if len(v2) != 1 || !strings.EqualFold(v2[0], v[0]) {
						t.Errorf("%s: %q, want %q", name, v2, v[0])
					}
				}
			}
			body, _ := io.ReadAll(got.Body)
			head, rest, _ := strings.Cut(string(body), crlf+crlf)
			if rest != string(end.reply) {
				t.Errorf("body %x, want %x", rest, end.reply)
			}
			wantHead, _, _ := strings.Cut(string(x.Response.Body), crlf+crlf)
			wantHead = wantHead[strings.LastIndex(wantHead, tagProcessing):] // NotificationWait repeats it
			shape := func(s string) string { return number.ReplaceAllString(dayMonth.ReplaceAllString(s, "D"), "N") }
			if shape(head) != shape(wantHead) {
				t.Errorf("meta-tags %q, want the shape of %q", head, wantHead)
			}
		})
	}
}

var dayMonth = regexp.MustCompile(`[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2}`)
