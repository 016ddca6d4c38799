package exchangeserver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/mapi"
)

// oneUser is a backend that knows anna's password, whichever form her login has.
type oneUser struct {
	Backend
	tried int
	err   error
}

func (b *oneUser) Authenticate(_ context.Context, _, password string) (User, error) {
	b.tried++
	switch {
	case b.err != nil:
		return User{}, b.err
	case password != "right":
		return User{}, mapi.ErrLogonFailed
	}
	return User{Alias: "anna"}, nil
}

func TestAuthenticator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &oneUser{}
		a := newAuthenticator(b)
		login := func(host, login, password string) (time.Duration, error) {
			start := time.Now()
			_, err := a.password(context.WithValue(t.Context(), remoteKey{}, host), login, password)
			return time.Since(start), err
		}
		refused := func(err error) bool { return errors.Is(err, httpauth.ErrRefused) }

		if d, err := login("192.0.2.1", "anna", "right"); err != nil || d != 0 {
			t.Fatalf("the right password took %v: %v", d, err)
		}

		// Each failure is answered later than the one before, up to a limit, and the form of the login is no way round.
		last := time.Duration(0)
		for i, form := range []string{"anna", "Anna", "anna@example.org", `EXAMPLE\anna`, `X\ANNA`, "anna", "anna", "anna", "anna", "anna"} {
			d, err := login("192.0.2.1", form, "wrong")
			if !refused(err) || d < last || d < firstDelay || d > maxDelay || i < 4 && d == last {
				t.Errorf("failure %d as %s took %v after %v: %v", i+1, form, d, last, err)
			}
			last = d
		}
		tried := b.tried
		if _, err := login("192.0.2.1", "anna", "right"); !refused(err) || b.tried != tried {
			t.Errorf("after %d failures a password is still tried: %v", maxFailures, err)
		}
		if d, err := login("192.0.2.2", "anna", "right"); err != nil || d != 0 {
			t.Errorf("anna is locked out elsewhere: %v", err)
		}
		time.Sleep(failureWindow)
		if _, err := login("192.0.2.1", "anna", "right"); err != nil {
			t.Errorf("anna stays locked out: %v", err)
		}

		// Success forgets failures; a client that goes away isn't waited for.
		for range 3 {
			login("192.0.2.1", "anna", "wrong")
			if _, err := login("192.0.2.1", "anna", "right"); err != nil {
				t.Errorf("anna after one failure: %v", err)
			}
			if d, _ := login("192.0.2.1", "anna", "wrong"); d != firstDelay {
				t.Errorf("the first failure after a success took %v", d)
			}
			login("192.0.2.1", "anna", "right")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if _, err := a.password(ctx, "anna", "wrong"); !refused(err) || time.Since(start) != 0 {
			t.Errorf("a client that went away was waited for %v: %v", time.Since(start), err)
		}

		// A directory that doesn't answer is no failure of the client.
		b.err = mapi.ErrNetwork
		if d, err := login("192.0.2.3", "anna", "right"); !errors.Is(err, mapi.ErrNetwork) || d != 0 {
			t.Errorf("without a directory: %v after %v", err, d)
		}

		// Many names fill neither memory nor the waiting answers for good.
		b.err = nil
		for i := range 2 * maxFailing {
			who := failing("nobody", time.Duration(i).String())
			if a.fails(who) > 0 {
				a.waited()
			}
		}
		if len(a.failed) > maxFailing || a.waiting != 0 {
			t.Errorf("%d failures are kept, %d answers wait", len(a.failed), a.waiting)
		}
	})
}
