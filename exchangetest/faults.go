package exchangetest

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Faults are what a test makes go wrong, from the next request on. The zero value is none.
type Faults struct {
	mu      sync.Mutex
	lose    int
	busy    int
	hangUp  int
	delay   time.Duration
	pending chan struct{}
}

// LoseSessions lets the next n requests within sessions find their session gone, as after a restart of the server.
func (f *Faults) LoseSessions(n int) { f.set(func() { f.lose = n }) }

// Busy answers the next n requests with HTTP 503 and Retry-After: 1.
func (f *Faults) Busy(n int) { f.set(func() { f.busy = n }) }

// HangUp cuts the connection of the next n requests without an answer, before the server sees them.
func (f *Faults) HangUp(n int) { f.set(func() { f.hangUp = n }) }

// Delay lets every request wait, until it is set to 0 again.
func (f *Faults) Delay(d time.Duration) { f.set(func() { f.delay = d }) }

// Hold lets requests wait from now on until the function it returns is called. The server sends keep-alives meanwhile only
// for what it has begun; these it hasn't seen yet.
func (f *Faults) Hold() (release func()) {
	ch := make(chan struct{})
	f.set(func() { f.pending = ch })
	return sync.OnceFunc(func() {
		f.set(func() { f.pending = nil })
		close(ch)
	})
}

func (f *Faults) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// take uses up one of a number of faults.
func take(n *int) bool {
	if *n == 0 {
		return false
	}
	*n--
	return true
}

// gone is a context cookie of the right form that no session has.
const gone = "MapiContext=AAAAAAAAAAAAAAAAAAAAAA"

func (f *Faults) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		inSession := strings.Contains(r.Header.Get("Cookie"), "MapiContext=")
		lose := inSession && take(&f.lose)
		busy := !lose && take(&f.busy)
		hangUp := !lose && !busy && take(&f.hangUp)
		delay, pending := f.delay, f.pending
		f.mu.Unlock()
		if pending != nil {
			select {
			case <-pending:
			case <-r.Context().Done():
			}
		}
		if delay > 0 {
			t := time.NewTimer(delay)
			defer t.Stop()
			select {
			case <-t.C:
			case <-r.Context().Done():
			}
		}
		switch {
		case lose:
			r.Header.Set("Cookie", gone)
		case busy:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		case hangUp:
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}
