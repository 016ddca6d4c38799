// Package exchange is the message store of a mailbox on an Exchange-compatible server.
//
// [Open] takes what discovery found: the URLs of the endpoints and the DNs of user and mailbox. Programs that know a mail
// address or a dynamic profile open their mailbox with package opencdo instead, which finds the rest.
package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
)

// Config says how to reach a mailbox. UserDN is required, and MailboxURL or RPC.
type Config struct {
	MailboxURL     string // MAPI/HTTP mailbox endpoint, with its MailboxId
	AddressBookURL string // MAPI/HTTP address book endpoint; empty: no address book
	ServicesURL    string // Exchange Web Services, for when people are free; empty: nobody tells
	RPC            *RPC   // reaches mailbox and address book in place of the URLs
	UserDN         string // legacy DN of the user who logs on
	MailboxDN      string // legacy DN of the mailbox; empty: the user's own
	Admin          bool   // ask for administrator rights, for mailboxes of others
	IgnoreNoPF     bool   // send CONNECT_IGNORE_NO_PF, as the value "Ignore No PF" asks for

	HTTP          *http.Client              // nil: system roots, HTTP/1.1
	Authorize     func(*http.Request) error // adds the credentials to every request
	ClientVersion string                    // X-ClientApplication; empty: the default of the transport
	// Sessions is how many session contexts may be open at once. One context does one call at a time, so this is how many
	// items are read or written in parallel; writers have as many of their own, and who opens more writers than that at once
	// waits for one to be closed. 0: DefaultSessions.
	Sessions int
	// Retries is how often an operation is done again that failed because a connection broke or the server was busy: one that
	// only reads, or one of which the server hasn't begun anything. 5 when 0, never when negative. Backoff is the wait before
	// the first time, a second when 0; each further one is twice as long, and as long as the server asks for.
	Retries int
	Backoff time.Duration
	Logger  *slog.Logger // nil: nothing is logged
	// Trace is told of the two halves of each logon, "connect" and "log on", and how they ended; nil: nobody is.
	Trace func(half string, err error)
}

// DefaultSessions is a compromise: servers limit sessions per user (Exchange: 32 by default), and a client with several
// rarely gains beyond a few.
const DefaultSessions = 4

// Store is a mailbox. It implements mapi.Store, and mapi.AddressBook when an address book endpoint is known.
type Store struct {
	cfg Config
	// One token for each session in use. Writers of items have places of their own: a copy within one mailbox reads in one
	// session while it writes in another, and the two must not wait for each other.
	slots, writing chan struct{}

	mu     sync.Mutex
	idle   []*session
	closed bool
	info   *oxcrops.LogonResponse
	ids    idMap
	names  nameMap
	book   *AddressBook
}

// Open connects and logs on. Errors answer errors.Is for mapi.ErrLogonFailed, mapi.ErrUnknownUser, mapi.ErrLoginPermission,
// mapi.ErrNetwork and what package net/http and crypto/x509 say.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.MailboxURL == "" && cfg.RPC == nil || cfg.UserDN == "" {
		return nil, &mapi.Error{Op: "open mailbox", Code: mapi.ErrInvalidParameter, Err: errors.New("an endpoint and a user DN are needed")}
	}
	if cfg.MailboxDN == "" {
		cfg.MailboxDN = cfg.UserDN
	}
	if cfg.Sessions <= 0 {
		cfg.Sessions = DefaultSessions
	}
	st := &Store{cfg: cfg, slots: make(chan struct{}, cfg.Sessions), writing: make(chan struct{}, cfg.Sessions)}
	if cfg.AddressBookURL != "" || cfg.RPC != nil {
		book, err := NewAddressBook(cfg)
		if err != nil {
			return nil, err
		}
		st.book = book
	}
	var s *session
	err := st.cfg.policy().While(ctx, isBusy, func(int) (err error) { // who can't be reached at all is told at once
		s, err = st.acquire(ctx, st.slots)
		return err
	})
	if err != nil {
		return nil, err
	}
	st.info = s.info
	st.ids.own(s.info)
	st.release(s)
	return st, nil
}

// acquire gives a session for the sole use of the caller.
func (st *Store) acquire(ctx context.Context, places chan struct{}) (*session, error) {
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	st.mu.Lock()
	closed := st.closed
	var s *session
	if n := len(st.idle); n > 0 {
		s, st.idle = st.idle[n-1], st.idle[:n-1]
	}
	st.mu.Unlock()
	if closed {
		<-places
		return nil, &mapi.Error{Op: "use the mailbox", Code: mapi.ErrInvalidObject, Err: errors.New("the store is closed")}
	}
	if s == nil {
		var err error
		if s, err = st.connect(ctx); err != nil {
			<-places
			return nil, err
		}
	}
	s.place, s.calls = places, 0
	return s, nil
}

func (st *Store) connect(ctx context.Context) (*session, error) {
	t, err := newTransport(&st.cfg)
	if err != nil {
		return nil, err
	}
	s := &session{t: t, trace: st.cfg.Trace}
	if err := s.open(ctx, st.cfg.MailboxDN, st.cfg.Admin); err != nil {
		s.end()
		return nil, logonError(st.cfg.MailboxDN, err)
	}
	st.log("session opened", "mailbox", shortDN(st.cfg.MailboxDN))
	return s, nil
}

// logonError gives the failures of a logon the code that MAPI programs know them by.
func logonError(dn string, err error) error {
	if errors.Is(err, mapihttp.ErrUnauthorized) {
		return &mapi.Error{Op: "log on to", Object: shortDN(dn), Code: mapi.ErrLogonFailed, Err: err}
	}
	return err
}

func (st *Store) log(msg string, args ...any) {
	if st.cfg.Logger != nil {
		st.cfg.Logger.Debug(msg, args...)
	}
}

// release gives a session back, or throws it away when it is broken.
func (st *Store) release(s *session) {
	place := s.place // s is another's as soon as it is idle
	st.mu.Lock()
	drop := s.broken || st.closed
	if !drop {
		st.idle = append(st.idle, s)
	}
	st.mu.Unlock()
	if drop {
		s.end()
	}
	<-place
}

// with runs an operation that may change something. When nothing has been done yet because the session context is lost or the
// server is busy, it is tried again. Later it isn't: what was asked for may have happened.
func (st *Store) with(ctx context.Context, f func(*session) error) error {
	return st.again(ctx, func() bool { return false }, f)
}

// reading runs an operation that only reads, and again while what keeps it from succeeding may pass.
func (st *Store) reading(ctx context.Context, f func(*session) error) error {
	return st.again(ctx, func() bool { return true }, f)
}

// again runs an operation, and again while its error may pass and another try cannot do anything twice: because nothing was
// begun, or as far as repeatable says.
func (st *Store) again(ctx context.Context, repeatable func() bool, f func(*session) error) error {
	harmless := true
	return st.cfg.policy().While(ctx, func(err error) bool { return harmless && retry.Transient(err) }, func(try int) error {
		for stale := 0; ; stale++ {
			harmless = true
			s, err := st.acquire(ctx, st.slots)
			if err != nil {
				return err
			}
			err = f(s)
			begun := s.calls > 0 || !lost(err) && !isBusy(err)
			st.release(s)
			if err == nil || begun || isBusy(err) || stale > cap(st.slots) {
				harmless = !begun || repeatable()
				return err
			}
			st.log("session context lost, connecting again", "error", err) // at once: a session that lay idle was stale
		}
	})
}

// isBusy reports whether the server is too busy at the moment.
func isBusy(err error) bool { return errors.Is(err, mapi.ErrServerBusy) }

func (c *Config) policy() retry.Policy { return retry.Policy{Retries: c.Retries, Backoff: c.Backoff} }

// lend runs the body of a caller's loop while a session waits for it. The body may need a session itself, so the place in
// the limit is given up meanwhile: nested loops must not wait for each other.
func (st *Store) lend(body func()) {
	<-st.slots
	defer func() { st.slots <- struct{}{} }()
	body()
}

// Close disconnects all sessions.
func (st *Store) Close() error {
	st.mu.Lock()
	st.closed = true
	idle := st.idle
	st.idle = nil
	st.mu.Unlock()
	var errs []error
	for _, s := range idle {
		if err := s.end(); err != nil && !lost(err) && !errors.Is(err, mapihttp.ErrSequence) {
			errs = append(errs, err)
		}
	}
	if st.book != nil {
		errs = append(errs, st.book.Close())
	}
	return errors.Join(errs...)
}

// Props are the properties of the mailbox itself.
func (st *Store) Props(ctx context.Context) (mapi.Props, error) {
	var ps mapi.Props
	err := st.reading(ctx, func(s *session) (err error) {
		ps, err = st.allProps(ctx, s, s.logon)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("properties of the mailbox: %w", err)
	}
	return ps, nil
}
