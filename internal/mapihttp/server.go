package mapihttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Defaults of a Handler's zero values.
const (
	// DefaultExpiration and DefaultPending are what Exchange announces.
	DefaultExpiration = 15 * time.Minute
	DefaultPending    = 30 * time.Second
	// DefaultMaxRequest leaves room for the largest ROP input, an extended
	// buffer's 64 KiB times the few that may be chained, and for address book
	// properties.
	DefaultMaxRequest = 1 << 20
	// DefaultMaxContexts bounds the memory that idle clients can hold.
	DefaultMaxContexts = 10000
	// DefaultServerApplication matches Exchange/15.dd.dddd.ddd, the one form
	// that clients parse ([MS-OXCMAPIHTTP] 2.2.3.3.8).
	DefaultServerApplication = "Exchange/15.20.0001.000"
)

// grace is how long an answer may take before PROCESSING is sent ahead of it:
// short enough to count as immediate, long enough for most requests to be
// answered in one piece, failures in the HTTP header.
const grace = 50 * time.Millisecond

// busyRetryAfter is the Retry-After of a 503, in seconds.
const busyRetryAfter = "30"

// Endpoint is what a Handler serves: it makes sessions.
type Endpoint interface {
	// Connect answers a Connect or Bind. With a nil Session, no session context
	// is made and reply says why in its StatusCode or ErrorCode.
	Connect(ctx context.Context, r *Request) (s Session, reply []byte, err error)
}

// Session is the state behind one session context. Its calls come one at a
// time, except that NotificationWait runs beside the others. An error that isn't
// a *ResponseCodeError is answered with UnknownFailure, without its text.
type Session interface {
	// Serve answers one request. ctx ends with the session context; for
	// NotificationWait also when the client hangs up, otherwise not, so that a
	// request once begun is carried through. reply may be memory that the next
	// sequenced Serve uses again.
	Serve(ctx context.Context, r *Request) (reply []byte, err error)
	// Close is called once, when no Serve is running: after Disconnect or Unbind,
	// on expiry, when the client connects anew, and by Handler.Close.
	Close()
}

// Request is a request that passed every check of the transport.
type Request struct {
	Type              string // in the documents' spelling
	User              string // as authenticated
	MailboxID         string // MailboxId of the query, guid@domain; may be empty
	ClientApplication string
	ClientInfo        string
	RemoteAddr        string
	Body              []byte // valid until the call returns
}

// Unauthorized is what Handler.Authenticate returns to refuse a request.
type Unauthorized struct {
	Challenges []string // values of WWW-Authenticate
}

func (*Unauthorized) Error() string { return "mapihttp: not authenticated" }

// Handler serves one endpoint, /mapi/emsmdb/ or /mapi/nspi/. Its fields aren't to
// be changed once it serves. Close it at the end. The http.Server around it needs
// a WriteTimeout of 0: an answer to NotificationWait takes minutes.
type Handler struct {
	Service  Service
	Endpoint Endpoint
	// Authenticate names the user of a request; required. An *Unauthorized error becomes
	// HTTP 401 with its challenges, any other 503. A request without credentials
	// that it lets through with an empty name gets AnonymousNotAllowed.
	Authenticate func(*http.Request) (user string, err error)

	ServerApplication string
	Expiration        time.Duration // idle time after which a session context ends
	Pending           time.Duration // time between two keep-alives
	MaxRequest        int           // bytes of a request body
	MaxContexts       int

	mu       sync.Mutex
	contexts map[string]*sessionContext
	closed   bool
	open     sync.WaitGroup // session contexts whose Close hasn't returned
}

var requestBodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (h *Handler) expiration() time.Duration { return orDefault(h.Expiration, DefaultExpiration) }
func (h *Handler) pending() time.Duration    { return orDefault(h.Pending, DefaultPending) }

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, err := h.Authenticate(r)
	if err != nil {
		var unauthorized *Unauthorized
		if errors.As(err, &unauthorized) {
			for _, challenge := range unauthorized.Challenges {
				w.Header().Add("WWW-Authenticate", challenge)
			}
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Retry-After", busyRetryAfter)
		http.Error(w, "Authentication isn't available", http.StatusServiceUnavailable)
		return
	}
	a := &answer{h: h, w: w, r: r, start: time.Now()}
	name, failure := h.validate(user, r)
	if failure != nil {
		a.refuse(user, failure)
		return
	}
	body := requestBodies.Get().(*bytes.Buffer)
	defer requestBodies.Put(body)
	body.Reset()
	limit := orDefault(h.MaxRequest, DefaultMaxRequest)
	if n, err := io.Copy(body, io.LimitReader(r.Body, int64(limit)+1)); err != nil {
		http.Error(w, "The request's body can't be read", http.StatusBadRequest)
		return
	} else if n > int64(limit) {
		a.refuse(user, &ResponseCodeError{Code: TooLarge})
		return
	}
	req := &Request{
		Type:              name,
		User:              user,
		MailboxID:         r.URL.Query().Get("MailboxId"),
		ClientApplication: r.Header.Get(headerClientApplication),
		ClientInfo:        r.Header.Get(headerClientInfo),
		RemoteAddr:        r.RemoteAddr,
		Body:              body.Bytes(),
	}
	if creates(name) {
		h.connect(a, req)
	} else {
		h.serve(a, req)
	}
}

// validate checks what can be checked without a session context and returns the
// request type in the documents' spelling.
func (h *Handler) validate(user string, r *http.Request) (string, *ResponseCodeError) {
	if user == "" {
		return "", &ResponseCodeError{Code: AnonymousNotAllowed}
	}
	if r.Method != http.MethodPost {
		return "", &ResponseCodeError{Code: InvalidVerb}
	}
	if t, _, _ := mime.ParseMediaType(r.Header.Get(headerContentType)); t != ContentType {
		return "", &ResponseCodeError{Code: InvalidHeader, Text: "Content-Type must be " + ContentType}
	}
	for _, name := range []string{headerRequestType, headerRequestID, headerClientInfo} {
		if r.Header.Get(name) == "" {
			return "", &ResponseCodeError{Code: MissingHeader, Text: "missing header " + name}
		}
	}
	name, ok := h.Service.Canonical(r.Header.Get(headerRequestType))
	if !ok {
		return "", &ResponseCodeError{Code: InvalidRequestType}
	}
	return name, nil
}

// connect makes a session context. One that the client still had ends first; its
// sequence doesn't matter ([MS-OXCMAPIHTTP] 3.2.5.7).
func (h *Handler) connect(a *answer, req *Request) {
	if id, ok := requestCookie(a.r.Header, cookieContext); ok {
		if old, code := h.lookup(id, req.User); code == Success {
			h.end(old, false)
		}
	}
	switch h.room() {
	case EndpointShuttingDown:
		a.fail(&ResponseCodeError{Code: EndpointShuttingDown})
		return
	case TooLarge:
		a.w.Header().Set("Retry-After", busyRetryAfter)
		http.Error(a.w, "Too many session contexts", http.StatusServiceUnavailable)
		return
	}
	c := newSessionContext(h, req.User)
	a.context = c
	defer c.release(true)
	a.run(func() ([]byte, error) {
		s, reply, err := h.Endpoint.Connect(c.ctx, req)
		if s == nil || err != nil {
			if s != nil {
				s.Close()
			}
			h.discard(c)
			return reply, err
		}
		if !h.adopt(c, s) {
			return nil, &ResponseCodeError{Code: EndpointShuttingDown}
		}
		return reply, nil
	})
}

// serve answers a request within a session context.
func (h *Handler) serve(a *answer, req *Request) {
	_, hasContext := requestCookie(a.r.Header, cookieContext)
	if req.Type == PING && !hasContext {
		// PING also asks whether the endpoint is there at all (2.2.6).
		a.run(func() ([]byte, error) { return nil, nil })
		return
	}
	c, code := h.acquire(a.r.Header, req.User, sequenced(req.Type))
	a.context = c
	if code != Success {
		a.fail(&ResponseCodeError{Code: code})
		return
	}
	defer c.release(sequenced(req.Type))
	a.run(func() ([]byte, error) {
		if req.Type == PING {
			return nil, nil
		}
		ctx := c.ctx
		if req.Type == NotificationWait {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(a.r.Context())
			defer cancel()
			defer context.AfterFunc(c.ctx, cancel)()
		}
		reply, err := c.session.Serve(ctx, req)
		if destroys(req.Type) && err == nil {
			h.end(c, false)
		}
		if err != nil && c.ctx.Err() != nil {
			err = &ResponseCodeError{Code: ContextNotFound}
		}
		return reply, err
	})
}

// answer writes the response to one request.
type answer struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	context *sessionContext // whose cookies to set; may be nil
	start   time.Time

	mu      sync.Mutex // held while writing
	began   bool       // the HTTP header and PROCESSING are out
	done    bool
	pending *time.Timer
}

// run serves the request and answers it. Work that takes longer than grace is
// announced by PROCESSING and kept alive by PENDING.
func (a *answer) run(serve func() ([]byte, error)) {
	a.mu.Lock()
	a.pending = time.AfterFunc(grace, a.keepAlive)
	a.mu.Unlock()
	defer a.stop() // if serve panics
	reply, err := serve()
	a.stop()
	if err != nil {
		var failure *ResponseCodeError
		if !errors.As(err, &failure) {
			failure = &ResponseCodeError{Code: UnknownFailure}
		}
		a.fail(failure)
		return
	}
	a.finish(entityHeaders{}, reply)
}

func (a *answer) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = true
	a.pending.Stop()
}

func (a *answer) keepAlive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return
	}
	tag := tagPending + crlf
	if !a.began {
		tag = a.begin()
	}
	io.WriteString(a.w, tag)
	http.NewResponseController(a.w).Flush()
	a.pending.Reset(a.h.pending())
}

// begin sets the header of a successful answer and returns its first meta-tag.
func (a *answer) begin() string {
	a.began = true
	a.header(Success, ContentType)
	if a.r.ProtoMajor == 1 && a.r.ProtoMinor == 1 {
		a.w.Header().Set("Transfer-Encoding", "chunked")
	}
	return tagProcessing + crlf
}

// refuse fails a request that didn't get as far as its session context. The
// context's cookies are set all the same.
func (a *answer) refuse(user string, e *ResponseCodeError) {
	if id, ok := requestCookie(a.r.Header, cookieContext); ok && user != "" {
		a.context, _ = a.h.lookup(id, user)
	}
	a.fail(e)
}

// fail answers with a response code: in the HTTP header, or after DONE when the
// header is out already.
func (a *answer) fail(e *ResponseCodeError) {
	page := diagnosticPage(e)
	if a.began {
		a.finish(entityHeaders{Code: e.Code, HasCode: true, ContentType: "text/html"}, []byte(page))
		return
	}
	a.header(e.Code, "text/html")
	a.w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	io.WriteString(a.w, page)
}

func (a *answer) finish(head entityHeaders, body []byte) {
	b := make([]byte, 0, 256)
	if !a.began {
		b = append(b, a.begin()...)
	}
	head.Start, head.Elapsed = a.start, time.Since(a.start)
	a.w.Write(head.appendTo(b))
	if len(body) > 0 {
		a.w.Write(body)
	}
}

// header sets the HTTP header that every answer has ([MS-OXCMAPIHTTP] 2.2.2.2,
// 3.2.5.2), with all cookies of the session context.
func (a *answer) header(code ResponseCode, contentType string) {
	h := a.w.Header()
	h.Set("Cache-Control", "private")
	h.Set(headerContentType, contentType)
	h.Set(headerResponseCode, strconv.FormatUint(uint64(code), 10))
	for _, name := range []string{headerRequestType, headerRequestID, headerClientInfo} {
		if v := a.r.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	application := a.h.ServerApplication
	if application == "" {
		application = DefaultServerApplication
	}
	h.Set(headerServerApplication, application)
	h.Set(headerPendingPeriod, formatMilliseconds(a.h.pending()))
	h.Set(headerExpirationInfo, formatMilliseconds(a.h.expiration()))
	if a.context != nil {
		attributes := "; path=" + strings.TrimSuffix(a.r.URL.EscapedPath(), "/") + "; HttpOnly"
		if a.r.TLS != nil {
			attributes += "; secure"
		}
		for _, c := range a.context.cookies() {
			h.Add("Set-Cookie", c.name+"="+c.value+attributes)
		}
	}
}

func formatMilliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
