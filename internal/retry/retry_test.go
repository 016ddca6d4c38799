package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
)

func TestPolicy(t *testing.T) {
	lost := fmt.Errorf("read: %w", &mapi.Error{Op: "ask the server", Code: mapi.ErrNetwork})
	gone := &mapi.Error{Op: "open", Code: mapi.ErrNotFound}
	for _, c := range []struct {
		name   string
		policy retry.Policy
		errs   []error // of each try; none after them
		tries  int
		want   error
	}{
		{"no error", retry.Policy{}, nil, 1, nil},
		{"an error that doesn't pass", retry.Policy{}, []error{gone}, 1, gone},
		{"errors that pass", retry.Policy{}, []error{lost, lost}, 3, nil},
		{"another error then", retry.Policy{}, []error{lost, gone}, 2, gone},
		{"too many", retry.Policy{}, []error{lost, lost, lost, lost, lost, lost}, 6, lost},
		{"as many as allowed", retry.Policy{Retries: 2}, []error{lost, lost}, 3, nil},
		{"never again", retry.Policy{Retries: -1}, []error{lost}, 1, lost},
	} {
		tries := 0
		c.policy.Backoff = time.Microsecond
		n, err := retry.Get(t.Context(), c.policy, func() (int, error) {
			tries++
			if tries > len(c.errs) {
				return tries, nil
			}
			return 0, c.errs[tries-1]
		})
		if !errors.Is(err, c.want) || tries != c.tries || err == nil && n != tries {
			t.Errorf("%s: %d tries, %d, %v; want %d, %v", c.name, tries, n, err, c.tries, c.want)
		}
	}
}

func TestWaitingEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := retry.Policy{Backoff: time.Hour}.Do(ctx, func(int) error {
		time.AfterFunc(time.Millisecond, cancel)
		return mapi.ErrBusy
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// busy is what a server says that wants to be left alone.
type busy time.Duration

func (b busy) Error() string          { return "busy" }
func (b busy) RetryIn() time.Duration { return time.Duration(b) }
func (busy) Is(target error) bool     { return target == mapi.ErrServerBusy }

// TestServersSayWhen has servers ask for a time.
func TestServersSayWhen(t *testing.T) {
	for _, c := range []struct {
		name   string
		asks   time.Duration
		tries  int
		at, to time.Duration // how long it takes
	}{
		{"nothing", 0, 3, 0, time.Second},
		{"a moment", 100 * time.Millisecond, 3, 200 * time.Millisecond, 5 * time.Second},
		{"longer than anybody waits", time.Hour, 1, 0, time.Second},
	} {
		begun, tries := time.Now(), 0
		err := retry.Policy{Retries: 2, Backoff: time.Microsecond}.Do(t.Context(), func(int) error {
			tries++
			return busy(c.asks)
		})
		if took := time.Since(begun); !errors.Is(err, mapi.ErrServerBusy) || tries != c.tries || took < c.at || took > c.to {
			t.Errorf("%s: %d tries in %v, %v", c.name, tries, took, err)
		}
	}
}

// TestOneLevelTries has one policy within another: what was tried enough isn't tried again, what wasn't is.
func TestOneLevelTries(t *testing.T) {
	for _, c := range []struct {
		inner retry.Policy
		tries int
	}{
		{retry.Policy{Retries: 2, Backoff: time.Microsecond}, 3},
		{retry.Policy{Retries: -1}, 4},
	} {
		tries := 0
		err := retry.Policy{Retries: 3, Backoff: time.Microsecond}.Do(t.Context(), func(int) error {
			return fmt.Errorf("outer: %w", c.inner.Do(t.Context(), func(int) error {
				tries++
				return mapi.ErrNetwork
			}))
		})
		if !errors.Is(err, mapi.ErrNetwork) || !retry.Transient(err) || tries != c.tries {
			t.Errorf("%+v: %d tries, %v", c.inner, tries, err)
		}
	}
}
