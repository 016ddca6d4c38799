package storage

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
)

// Patience says how long to wait for storage. Zero fields take the defaults.
type Patience struct {
	// Stall is how long a call may make no progress; a minute by default.
	Stall time.Duration
	// First is how long to repeat calls while none has succeeded yet, so that a wrong address is told soon; 10 seconds by
	// default.
	First time.Duration
	// Total is how long to repeat a call later on; 15 minutes by default, as stock restic has it. A lock that couldn't be
	// refreshed is still ours then.
	Total time.Duration
	// Pause is the one before the first repetition; half a second by default. Each is half as long again as the one before
	// and half a minute at most.
	Pause time.Duration
}

const maxPause = 30 * time.Second

func (p Patience) withDefaults() Patience {
	for _, f := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&p.Stall, time.Minute}, {&p.First, 10 * time.Second}, {&p.Total, 15 * time.Minute}, {&p.Pause, 500 * time.Millisecond}} {
		if *f.value <= 0 {
			*f.value = f.usual
		}
	}
	return p
}

// ErrStalled says that a call to storage made no progress.
var ErrStalled = errors.New("the storage doesn't answer")

// maxLoad bounds what a Load without a length may return.
const maxLoad = 1 << 30

// steady repeats the calls of a backend that fail for reasons that may pass, and ends those that stall.
type steady struct {
	be       restic.Backend
	patience Patience
	slots    chan struct{}
	reached  atomic.Bool // a call has succeeded
}

// Steady wraps a backend as described at [Patience], and lets at most connections calls run at once. What it loads it holds
// in memory until its reader is closed; what it lists, too.
func Steady(be restic.Backend, connections int, p Patience) restic.Backend {
	return &steady{be: be, patience: p.withDefaults(), slots: make(chan struct{}, connections)}
}

// String is the address.
func (s *steady) String() string { return fmt.Sprint(s.be) }

// repeat calls try until it succeeds, fails for good, or patience ends. try is told how often it was called before.
func repeat[T any](ctx context.Context, s *steady, op string, try func(ctx context.Context, alive func(), before int) (T, error)) (T, error) {
	var none T
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	start, pause := time.Now(), s.patience.Pause
	var before error // why the last try failed
	ended := func() error {
		if before == nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w, after %w", op, context.Cause(ctx), before)
	}
	for n := 0; ; n++ {
		v, err := once(ctx, s, func(ctx context.Context, alive func()) (T, error) { return try(ctx, alive, n) })
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			s.reached.Store(true)
			return v, err
		}
		if ctx.Err() != nil {
			return none, ended()
		}
		before = err
		if permanent(err) {
			return none, err
		}
		limit := s.patience.First
		if s.reached.Load() {
			limit = s.patience.Total
		}
		wait := pause/2 + rand.N(pause) // so that not all come again at the same moment
		if spent := time.Since(start); spent+wait > limit {
			return none, fmt.Errorf("%w: %s: given up after %d tries in %v: %w", restic.ErrUnreachable, op, n+1, spent.Round(time.Millisecond), err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return none, ended()
		}
		pause = min(pause*3/2, maxPause)
	}
}

// abandonAfter is how long a call whose context has ended may take to return. One that doesn't is left behind.
const abandonAfter = 5 * time.Second

// once makes one call and ends it when alive isn't called for too long.
func once[T any](ctx context.Context, s *steady, call func(ctx context.Context, alive func()) (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(s.patience.Stall, func() { cancel(ErrStalled) })
	defer stall.Stop()
	alive := func() {
		if ctx.Err() == nil {
			stall.Reset(s.patience.Stall)
		}
	}
	done := make(chan result, 1)
	go func() {
		v, err := call(ctx, alive)
		done <- result{v, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		select {
		case r = <-done:
		case <-time.After(min(abandonAfter, s.patience.Stall)):
			r.err = context.Cause(ctx)
		}
	}
	if r.err != nil && ctx.Err() != nil {
		r.err = context.Cause(ctx)
	}
	return r.v, r.err
}

// nothing is the result of calls that only succeed or fail.
type nothing = struct{}

// permanent tells errors that repeating a call won't make go away.
func permanent(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return !status.Temporary()
	}
	for _, e := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, syscall.ENOSPC, mapi.ErrLogonFailed, mapi.ErrNoAccess} {
		if errors.Is(err, e) {
			return true
		}
	}
	var hostKey *HostKeyError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	return errors.As(err, &hostKey) || errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &name)
}

// Init implements [restic.Backend].
func (s *steady) Init(ctx context.Context) error {
	_, err := repeat(ctx, s, "prepare the storage", func(ctx context.Context, _ func(), _ int) (nothing, error) { return nothing{}, s.be.Init(ctx) })
	return err
}

// Save implements [restic.Backend].
func (s *steady) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	_, err := repeat(ctx, s, "save "+h.String(), func(ctx context.Context, alive func(), _ int) (nothing, error) {
		g := &guard{data: data, alive: alive}
		// The caller uses the memory again as soon as the call is over, or was left behind.
		stop := context.AfterFunc(ctx, g.close)
		defer stop()
		return nothing{}, s.be.Save(ctx, h, io.NewSectionReader(g, 0, data.Size()))
	})
	return err
}

// guard hands out data until it is closed.
type guard struct {
	data  io.ReaderAt
	alive func()

	mu     sync.RWMutex
	closed bool
}

// ReadAt implements io.ReaderAt.
func (g *guard) ReadAt(p []byte, off int64) (int, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return 0, fs.ErrClosed
	}
	g.alive()
	return g.data.ReadAt(p, off)
}

func (g *guard) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// Load implements [restic.Backend].
func (s *steady) Load(ctx context.Context, h restic.Handle, offset int64, length int) (io.ReadCloser, error) {
	b, err := repeat(ctx, s, "load "+h.String(), func(ctx context.Context, alive func(), _ int) ([]byte, error) {
		return s.load(ctx, h, offset, length, alive)
	})
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (s *steady) load(ctx context.Context, h restic.Handle, offset int64, length int, alive func()) ([]byte, error) {
	rd, err := s.be.Load(ctx, h, offset, length)
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	rd = &telling{rd, alive}
	if length == 0 {
		return io.ReadAll(io.LimitReader(rd, maxLoad+1))
	}
	b := make([]byte, length)
	n, err := io.ReadFull(rd, b)
	if err == nil || err != io.ErrUnexpectedEOF && err != io.EOF {
		return b, err
	}
	// Either the line was cut or the file ends here.
	fi, serr := s.be.Stat(ctx, h)
	if serr != nil {
		return nil, serr
	}
	if fi.Size < offset+int64(length) {
		return b[:n], nil // for the caller to call damaged
	}
	return nil, io.ErrUnexpectedEOF
}

// telling tells of progress.
type telling struct {
	io.ReadCloser
	alive func()
}

// Read implements io.Reader.
func (t *telling) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.alive()
	return n, err
}

// Stat implements [restic.Backend].
func (s *steady) Stat(ctx context.Context, h restic.Handle) (restic.FileInfo, error) {
	return repeat(ctx, s, "look at "+h.String(), func(ctx context.Context, _ func(), _ int) (restic.FileInfo, error) { return s.be.Stat(ctx, h) })
}

// List implements [restic.Backend].
func (s *steady) List(ctx context.Context, t restic.FileType) iter.Seq2[restic.FileInfo, error] {
	return func(yield func(restic.FileInfo, error) bool) {
		list, err := repeat(ctx, s, "list the "+t.String()+"s", func(ctx context.Context, alive func(), _ int) (list []restic.FileInfo, err error) {
			for fi, err := range s.be.List(ctx, t) {
				if err != nil {
					return nil, err
				}
				alive()
				list = append(list, fi)
			}
			return list, nil
		})
		if err != nil {
			yield(restic.FileInfo{}, err)
			return
		}
		for _, fi := range list {
			if !yield(fi, nil) {
				return
			}
		}
	}
}

// Remove implements [restic.Backend].
func (s *steady) Remove(ctx context.Context, h restic.Handle) error {
	_, err := repeat(ctx, s, "remove "+h.String(), func(ctx context.Context, _ func(), before int) (nothing, error) {
		err := s.be.Remove(ctx, h)
		if before > 0 && errors.Is(err, fs.ErrNotExist) {
			err = nil // the answer to the call before was lost
		}
		return nothing{}, err
	})
	return err
}

// Sweep removes temporary files, where the backend may leave any.
func (s *steady) Sweep(ctx context.Context) error {
	sweeper, ok := s.be.(interface{ Sweep(context.Context) error })
	if !ok {
		return nil
	}
	_, err := once(ctx, s, func(ctx context.Context, _ func()) (nothing, error) { return nothing{}, sweeper.Sweep(ctx) })
	return err
}
