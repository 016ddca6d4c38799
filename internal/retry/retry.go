// Package retry does again what failed because a connection was lost or a server was busy.
package retry

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Policy says how often to try again, and how long to wait. The zero value is the usual one.
type Policy struct {
	// Retries is how often something is done again; 5 when 0, never when negative.
	Retries int
	// Backoff is the wait before the first retry; each further one waits twice as long, up to a minute. 1 second when 0.
	Backoff time.Duration
}

const (
	defaultRetries = 5 // with the default backoff about half a minute
	defaultBackoff = time.Second
	maxBackoff     = time.Minute
	// maxWait is how long a server may ask to be left alone: longer, and people should rather be told.
	maxWait = 5 * time.Minute
	// maxTime ends the tries even where each takes long to fail: with a server that accepts connections and falls silent.
	maxTime = 10 * time.Minute
)

// Do does something, and again while its error may pass. It gives the last error, or ctx's if that ended meanwhile. What was
// tried enough further down isn't tried again.
func (p Policy) Do(ctx context.Context, do func(try int) error) error {
	return p.While(ctx, Transient, do)
}

// While is Do with another opinion of which errors are worth another try.
func (p Policy) While(ctx context.Context, worth func(error) bool, do func(try int) error) error {
	if p.Retries == 0 {
		p.Retries = defaultRetries
	}
	backoff := p.Backoff
	if backoff <= 0 {
		backoff = defaultBackoff
	}
	begun := time.Now()
	for try := 0; ; try++ {
		err := do(try)
		var tried *exhausted
		if err == nil || errors.As(err, &tried) || !worth(err) || ctx.Err() != nil || p.Retries < 0 {
			return err
		}
		asked := askedFor(err)
		wait := max(backoff, asked)
		if try >= p.Retries || asked > maxWait || time.Since(begun) > maxTime {
			return &exhausted{err}
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// exhausted is an error that was there after all tries.
type exhausted struct{ error }

func (e *exhausted) Unwrap() error { return e.error }

// askedFor is how long the server that gave an error wants to be left alone, as HTTP's Retry-After says it.
func askedFor(err error) time.Duration {
	var asks interface{ RetryIn() time.Duration }
	if errors.As(err, &asks) {
		return asks.RetryIn()
	}
	return 0
}

// Get is Policy.Do for what gives a value.
func Get[T any](ctx context.Context, p Policy, get func() (T, error)) (v T, err error) {
	err = p.Do(ctx, func(int) (err error) {
		v, err = get()
		return err
	})
	return v, err
}

const (
	ropServerPaused    mapi.Code = 0x0000047F // [MS-OXCDATA] 2.4
	notEnoughResources mapi.Code = 0x8004010E
)

var transient = []error{
	mapi.ErrNetwork, mapi.ErrTimeout, mapi.ErrServerBusy, mapi.ErrBusy, ropServerPaused, notEnoughResources,
	syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EPIPE, syscall.ETIMEDOUT, net.ErrClosed,
}

// Transient tells whether an error may be gone after a while.
func Transient(err error) bool {
	for _, e := range transient {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
