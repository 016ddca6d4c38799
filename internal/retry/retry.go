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
)

// Do does something, and again while its error may pass. It gives the last error, or ctx's if that ended meanwhile.
func (p Policy) Do(ctx context.Context, do func(try int) error) error {
	if p.Retries == 0 {
		p.Retries = defaultRetries
	}
	wait := p.Backoff
	if wait <= 0 {
		wait = defaultBackoff
	}
	for try := 0; ; try++ {
		err := do(try)
		if err == nil || !Transient(err) || try >= p.Retries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, maxBackoff)
	}
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
