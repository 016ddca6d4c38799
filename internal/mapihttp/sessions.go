package mapihttp

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"
)

// contextIDSize is the length of a context cookie before encoding: the cookie
// can't be guessed, although the user is checked besides.
const contextIDSize = 16

// sessionContext is the server's side of a session context ([MS-OXCMAPIHTTP]
// 3.2.1). All but ctx and session are guarded by the handler's lock.
type sessionContext struct {
	h       *Handler
	id      string
	user    string
	session Session // set once, by adopt
	ctx     context.Context
	cancel  context.CancelFunc

	sequence uint64
	busy     bool // a sequenced request is outstanding
	running  int  // requests outstanding
	ended    bool
	hidden   bool        // never came to be: its cookies aren't set
	idle     *time.Timer // runs while no request is outstanding
	used     time.Time   // when the latest request ended
}

func newContextID() string {
	var id [contextIDSize]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func validContextID(id string) bool {
	b, err := base64.RawURLEncoding.DecodeString(id)
	return err == nil && len(b) == contextIDSize
}

// newSessionContext makes a context whose first request, the Connect, is running.
func newSessionContext(h *Handler, user string) *sessionContext {
	c := &sessionContext{h: h, id: newContextID(), user: user, sequence: 1, busy: true, running: 1}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// cookies are those to set in an answer, the context's first.
func (c *sessionContext) cookies() []cookie {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	if c.hidden {
		return nil
	}
	return []cookie{{cookieContext, c.id}, {cookieSequence, strconv.FormatUint(c.sequence, 10)}}
}

// room says whether another context may be made: Success, TooLarge (too many) or
// EndpointShuttingDown.
func (h *Handler) room() ResponseCode {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return EndpointShuttingDown
	case len(h.contexts) >= orDefault(h.MaxContexts, DefaultMaxContexts):
		return TooLarge
	}
	return Success
}

// adopt enters a context with its session in the table.
func (h *Handler) adopt(c *sessionContext, s Session) bool {
	h.mu.Lock()
	closed := h.closed
	if !closed {
		if h.contexts == nil {
			h.contexts = make(map[string]*sessionContext)
		}
		c.session = s
		h.contexts[c.id] = c
		h.open.Add(1)
	}
	h.mu.Unlock()
	if closed {
		s.Close()
		h.discard(c)
	}
	return !closed
}

// discard gives up a context that got no session.
func (h *Handler) discard(c *sessionContext) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.hidden, c.ended = true, true
	c.cancel()
}

// lookup finds the user's context. Another user's doesn't exist ([MS-OXCMAPIHTTP]
// 3.2.5.1).
func (h *Handler) lookup(id, user string) (*sessionContext, ResponseCode) {
	if !validContextID(id) {
		return nil, InvalidContextCookie
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.contexts[id]
	if c == nil || c.user != user {
		return nil, ContextNotFound
	}
	return c, Success
}

// acquire finds the context of a request and begins the request in it. The
// sequence moves on at once: a repeated cookie is stale while its first use is
// still being served, and NotificationWait's early header has the new one.
func (h *Handler) acquire(header http.Header, user string, sequenced bool) (*sessionContext, ResponseCode) {
	id, ok := requestCookie(header, cookieContext)
	if !ok {
		return nil, MissingCookie
	}
	c, code := h.lookup(id, user)
	if code != Success {
		return nil, code
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.ended {
		return nil, ContextNotFound
	}
	if sequenced {
		sequence, ok := requestCookie(header, cookieSequence)
		if !ok {
			return c, MissingCookie
		}
		if c.busy || sequence != strconv.FormatUint(c.sequence, 10) {
			return c, InvalidSequence
		}
		c.busy = true
		c.sequence++
	}
	c.running++
	if c.idle != nil {
		c.idle.Stop()
	}
	return c, Success
}

// release ends a request. The last one of an ended context closes its session;
// otherwise the idle time begins anew.
func (c *sessionContext) release(sequenced bool) {
	c.h.mu.Lock()
	c.running--
	if sequenced {
		c.busy = false
	}
	last := c.ended && c.running == 0 && c.session != nil
	if !c.ended && c.running == 0 {
		c.used = time.Now()
		if c.idle == nil {
			c.idle = time.AfterFunc(c.h.expiration(), c.expire)
		} else {
			c.idle.Reset(c.h.expiration())
		}
	}
	c.h.mu.Unlock()
	if last {
		c.close()
	}
}

// expire ends the context unless a request came in while the timer fired.
func (c *sessionContext) expire() { c.h.end(c, true) }

// end takes the context out of the table and interrupts what runs in it. The
// session is closed here, or by the last request's release. expired asks to end
// the context only if it has been idle for long enough.
func (h *Handler) end(c *sessionContext, expired bool) {
	h.mu.Lock()
	inUse := c.running > 0 || time.Since(c.used) < h.expiration()
	if c.ended || expired && inUse {
		h.mu.Unlock()
		return
	}
	c.ended = true
	delete(h.contexts, c.id)
	if c.idle != nil {
		c.idle.Stop()
	}
	last := c.running == 0
	h.mu.Unlock()
	c.cancel()
	if last {
		c.close()
	}
}

func (c *sessionContext) close() {
	defer c.h.open.Done()
	c.session.Close()
}

// Sessions is the number of session contexts.
func (h *Handler) Sessions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.contexts)
}

// Close ends every session context, waits until each Session is closed, and
// refuses new ones with EndpointShuttingDown.
func (h *Handler) Close() {
	h.mu.Lock()
	h.closed = true
	var all []*sessionContext
	for _, c := range h.contexts {
		all = append(all, c)
	}
	h.mu.Unlock()
	for _, c := range all {
		h.end(c, false)
	}
	h.open.Wait()
}
