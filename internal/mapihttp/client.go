package mapihttp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Defaults of a Config's zero values.
const (
	// DefaultMaxResponse is four times the largest ROP output that a client may
	// ask for (MaxRopOut, 0x40000 bytes): room for the auxiliary buffer and for
	// address book rows, which have no such limit of their own.
	DefaultMaxResponse = 1 << 20
	// DefaultSilence is ten missed keep-alives of the usual 30 seconds. Some
	// servers send none while a long ROP runs, so this is generous.
	DefaultSilence = 5 * time.Minute
	// DefaultClientApplication has the form that the documents ask for; servers
	// read capabilities from the version.
	DefaultClientApplication = "Outlook/15.20.0001.0000"
)

// maxDiagnostic limits what is read of an answer that is an error text.
const maxDiagnostic = 16 << 10

// Config is what a Client needs; only URL is required.
type Config struct {
	// URL of the endpoint as Autodiscover gives it, query string included.
	URL string
	// HTTP sends the requests. Redirects aren't followed and cookies are the
	// Client's own, whatever it says. nil: HTTP/1.1 with kept-alive connections.
	HTTP *http.Client
	// Authorize adds the credentials to each request. nil: none.
	Authorize func(*http.Request) error
	// ClientApplication is sent as X-ClientApplication.
	ClientApplication string
	// ClientInstance is the GUID of X-ClientInfo, one for each running program;
	// zero: one made up for this Client.
	ClientInstance uuid.UUID
	// MaxResponse limits the body of an answer, in bytes.
	MaxResponse int
	// Silence is how long the server may send nothing at all before a request is
	// given up with ErrSilent.
	Silence time.Duration
}

// Client holds one session context at a time. Connect (or Bind) begins it and
// Disconnect (or Unbind) ends it; another Connect replaces it, which is also the
// way to go on after an error. A Client may be used by several goroutines: its
// sequenced requests go one after the other, NotificationWait and PING beside
// them.
type Client struct {
	cfg  Config
	url  *url.URL
	http http.Client
	turn chan struct{} // holds a token while a sequenced request is outstanding

	mu         sync.Mutex
	jar        jar
	session    string // GUID part of X-RequestId
	clientInfo string
	contexts   int    // counter part of X-ClientInfo
	requests   uint64 // counter part of X-RequestId

	traffic struct{ requests, sent, received atomic.Int64 }
}

// Response is a successful answer at the HTTP and X-ResponseCode levels.
type Response struct {
	// Body is the request type's response body, from StatusCode on. It is valid
	// until Release.
	Body []byte

	RequestID         string
	ServerApplication string        // e.g. Exchange/15.20.0001.000
	Expires           time.Duration // X-ExpirationInfo: idle time left to the session context
	PendingPeriod     time.Duration // X-PendingPeriod: time between two keep-alives
	Start             time.Time     // X-StartTime, to the second; zero if absent
	Elapsed           time.Duration // X-ElapsedTime, to the millisecond

	buf *[]byte
}

// Release gives Body's memory back for the next answer. It is optional.
func (r *Response) Release() {
	if r.buf != nil {
		*r.buf = r.Body[:0]
		bodies.Put(r.buf)
		r.buf, r.Body = nil, nil
	}
}

// Traffic counts what a Client has sent and received: requests, and bytes of
// request and response entities without HTTP's own headers and chunk marks.
type Traffic struct{ Requests, Sent, Received int64 }

// initialBody is the usual answer to an Execute, 32 KiB of ROP buffer, in whole.
const initialBody = 40 << 10

var (
	bodies  = sync.Pool{New: func() any { b := make([]byte, 0, initialBody); return &b }}
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxEntityLine) }}
)

// NewClient prepares a client; nothing is sent before the first Do.
func NewClient(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("mapihttp: endpoint: %w", err)
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("mapihttp: endpoint %q isn't an http or https URL", cfg.URL)
	}
	if cfg.ClientApplication == "" {
		cfg.ClientApplication = DefaultClientApplication
	}
	if cfg.ClientInstance == uuid.Nil {
		cfg.ClientInstance = uuid.New()
	}
	if cfg.MaxResponse <= 0 {
		cfg.MaxResponse = DefaultMaxResponse
	}
	if cfg.Silence <= 0 {
		cfg.Silence = DefaultSilence
	}
	c := &Client{cfg: cfg, url: u, turn: make(chan struct{}, 1)}
	if cfg.HTTP != nil {
		c.http = *cfg.HTTP
	}
	if c.http.Transport == nil {
		c.http.Transport = DefaultTransport
	}
	c.http.Jar = nil
	c.http.Timeout = 0 // would cut a NotificationWait; Silence and the context limit a request
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.newContext()
	return c, nil
}

// DefaultTransport speaks HTTP/1.1 only ([MS-OXCMAPIHTTP] 2.1) and keeps a
// connection each for the sequenced requests, NotificationWait and PING.
var DefaultTransport http.RoundTripper = func() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	t.TLSClientConfig = nil // Clone's asks for HTTP/2
	t.MaxIdleConnsPerHost = 4
	t.DisableCompression = true
	return t
}()

// newContext begins the numbering of a new session context.
func (c *Client) newContext() {
	c.session = "{" + uuid.NewString() + "}:"
	c.requests = 0
	c.contexts++
	c.clientInfo = "{" + c.cfg.ClientInstance.String() + "}:" + strconv.Itoa(c.contexts)
}

// Connected reports whether there is a session context, as far as the client
// knows: the server may have forgotten it.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.jar.cookies) > 0
}

// Traffic returns the counts so far.
func (c *Client) Traffic() Traffic {
	return Traffic{c.traffic.requests.Load(), c.traffic.sent.Load(), c.traffic.received.Load()}
}

// Do sends one request and returns its answer when the server is done with it.
//
// Errors: *HTTPError, *ResponseCodeError, *NetworkError (which holds
// *StreamError, ErrSilent, ErrTooLarge or what the network said), and ctx's own
// while waiting for the turn. After any error of a sequenced request but a
// *ResponseCodeError that isn't ErrContextNotFound, the state of the session
// context is unknown; Connect again.
func (c *Client) Do(ctx context.Context, requestType string, body []byte) (*Response, error) {
	name := requestType
	if t, ok := requestTypes[strings.ToLower(requestType)]; ok {
		name = t.name
	}
	if sequenced(name) {
		select {
		case c.turn <- struct{}{}:
			defer func() { <-c.turn }()
		case <-ctx.Done():
			return nil, &NetworkError{requestType, ctx.Err()}
		}
	}
	resp, err := c.do(ctx, name, requestType, body)
	var code *ResponseCodeError
	if creates(name) && errors.As(err, &code) && errors.Is(err, ErrContextNotFound) && c.forget() {
		// The cookies of the old context were sent along so that the server can
		// end it ([MS-OXCMAPIHTTP] 3.1.5.6); this server minds that it's gone.
		resp, err = c.do(ctx, name, requestType, body)
	}
	return resp, err
}

// forget drops the cookies and reports whether there were any.
func (c *Client) forget() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := len(c.jar.cookies) > 0
	c.jar.cookies = nil
	return had
}

func (c *Client) do(ctx context.Context, name, requestType string, body []byte) (*Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(c.cfg.Silence, func() { cancel(ErrSilent) })
	defer silence.Stop()

	req, epoch, err := c.request(ctx, name, requestType, body)
	if err != nil {
		return nil, err
	}
	c.traffic.requests.Add(1)
	c.traffic.sent.Add(int64(len(body)))
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &NetworkError{requestType, causeOf(ctx, err)}
	}
	defer res.Body.Close()
	c.store(name, epoch, res.Header)
	res.Body = &watchedBody{ReadCloser: res.Body, silence: silence, limit: c.cfg.Silence, received: &c.traffic.received}

	resp, err := c.read(requestType, res)
	var network *NetworkError
	if errors.As(err, &network) {
		network.Err = causeOf(ctx, network.Err)
	}
	if err == nil && destroys(name) {
		c.forget()
	}
	return resp, err
}

// causeOf names ErrSilent where net/http only says that the request was cancelled.
func causeOf(ctx context.Context, err error) error {
	if context.Cause(ctx) == ErrSilent {
		return ErrSilent
	}
	return err
}

// request builds one POST ([MS-OXCMAPIHTTP] 2.2.2.1) and notes the cookie jar's
// epoch before it is sent.
func (c *Client) request(ctx context.Context, name, requestType string, body []byte) (*http.Request, uint64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(body))
	if err != nil {
		return nil, 0, &NetworkError{requestType, err}
	}
	req.URL, req.Host = c.url, c.url.Host

	c.mu.Lock()
	if creates(name) && c.requests > 0 {
		c.newContext()
	}
	c.requests++
	if sequenced(name) {
		c.jar.epoch++
	}
	epoch, cookies := c.jar.epoch, c.jar.header()
	id, info := c.session+strconv.FormatUint(c.requests, 10), c.clientInfo
	c.mu.Unlock()

	h := req.Header
	h.Set(headerContentType, ContentType)
	h.Set(headerRequestType, requestType)
	h.Set(headerRequestID, id)
	h.Set(headerClientInfo, info)
	h.Set(headerClientApplication, c.cfg.ClientApplication)
	h.Set("Accept-Encoding", "identity") // keep-alives would sit in a compressor
	// An empty value isn't sent; it lets net/http repeat the request when a kept
	// connection turns out closed. The sequence cookie makes that safe: a request
	// that did arrive isn't served twice.
	h["Idempotency-Key"] = []string{}
	if cookies != "" {
		h.Set("Cookie", cookies)
	}
	if c.cfg.Authorize != nil {
		if err := c.cfg.Authorize(req); err != nil {
			return nil, 0, fmt.Errorf("mapihttp: %s: credentials: %w", requestType, err)
		}
	}
	return req, epoch, nil
}

// store takes the cookies of an answer as soon as its headers are there.
func (c *Client) store(name string, epoch uint64, h http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case creates(name):
		// A new context: never mix its cookies with the old one's.
		if len(h["Set-Cookie"]) > 0 {
			c.jar.cookies = nil
		}
	case !sequenced(name) && epoch != c.jar.epoch:
		return
	}
	if sequenced(name) {
		c.jar.epoch++
	}
	c.jar.store(h)
}

// read turns an HTTP response into an answer or an error.
func (c *Client) read(requestType string, res *http.Response) (*Response, error) {
	code, err := strconv.ParseUint(res.Header.Get(headerResponseCode), 10, 32)
	if res.StatusCode != http.StatusOK || err != nil {
		e := &HTTPError{
			RequestType: requestType,
			Status:      res.StatusCode,
			RetryAfter:  retryAfter(res.Header),
			Location:    res.Header.Get("Location"),
			Challenges:  res.Header["Www-Authenticate"],
			Text:        diagnostic(res.Body),
		}
		if res.StatusCode == http.StatusOK {
			e.Text = "no MAPI/HTTP endpoint answers here: " + e.Text
		}
		return nil, e
	}
	if code != 0 {
		return nil, &ResponseCodeError{requestType, ResponseCode(code), diagnostic(res.Body)}
	}
	if t, _, _ := mime.ParseMediaType(res.Header.Get(headerContentType)); t != ContentType {
		return nil, &HTTPError{RequestType: requestType, Status: res.StatusCode,
			Text: "unexpected Content-Type " + strconv.Quote(res.Header.Get(headerContentType))}
	}
	return c.readEntity(requestType, res)
}

func (c *Client) readEntity(requestType string, res *http.Response) (*Response, error) {
	br := readers.Get().(*bufio.Reader)
	br.Reset(res.Body)
	defer func() { br.Reset(nil); readers.Put(br) }()
	resp := &Response{
		RequestID:         res.Header.Get(headerRequestID),
		ServerApplication: res.Header.Get(headerServerApplication),
		Expires:           milliseconds(res.Header.Get(headerExpirationInfo)),
		PendingPeriod:     milliseconds(res.Header.Get(headerPendingPeriod)),
		buf:               bodies.Get().(*[]byte),
	}
	entity := entityReader{r: br}
	head, body, err := entity.read((*resp.buf)[:0], c.cfg.MaxResponse)
	resp.Body, resp.Start, resp.Elapsed = body, head.Start, head.Elapsed
	if err != nil {
		resp.Release()
		return nil, &NetworkError{requestType, err}
	}
	if head.HasCode && head.Code != Success {
		e := &ResponseCodeError{requestType, head.Code, diagnostic(bytes.NewReader(body))}
		resp.Release()
		return nil, e
	}
	return resp, nil
}

func milliseconds(s string) time.Duration {
	n, _ := strconv.ParseUint(s, 10, 32)
	return time.Duration(n) * time.Millisecond
}

// retryAfter reads both forms of the header (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t).Round(time.Second))
	}
	return 0
}

// watchedBody counts what arrives, and each arrival puts off the end for silence.
type watchedBody struct {
	io.ReadCloser
	silence  *time.Timer
	limit    time.Duration
	received *atomic.Int64
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.silence.Reset(b.limit)
		b.received.Add(int64(n))
	}
	return n, err
}
