package comserver

import (
	"sync"
	"time"
)

// lifetime decides when the server process has nothing more to do.
//
// It waits a while after the last client: clients come in rows, and one that has just found the running server would be refused
// by its end. COM's own count of the process (CoAddRefServerProcess) is held by the waiting too, so that giving it back is the
// moment from which COM starts another process for the next client.
type lifetime struct {
	addRef  func()
	release func() uint32 // 0 when COM sends no further clients here
	linger  time.Duration

	mu    sync.Mutex
	idle  *sync.Cond // signalled when objects becomes 0
	count int
	timer *time.Timer
	quit  chan struct{} // closed when the process should leave
	over  bool
}

func newLifetime(addRef func(), release func() uint32, first, linger time.Duration) *lifetime {
	l := &lifetime{addRef: addRef, release: release, linger: linger, quit: make(chan struct{})}
	l.idle = sync.NewCond(&l.mu)
	addRef()
	l.timer = time.AfterFunc(first, l.expire)
	return l
}

// born counts something that keeps the process running.
func (l *lifetime) born() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.timer.Stop()
	l.addRef()
}

// died is the reverse of born.
func (l *lifetime) died() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
	l.release()
	if l.count > 0 {
		return
	}
	l.idle.Broadcast()
	if !l.over {
		l.timer.Reset(l.linger)
	}
}

// expire ends the waiting.
func (l *lifetime) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count > 0 || l.over {
		return
	}
	l.over = true
	l.release()
	close(l.quit)
}

// drain waits for clients that came in at the last moment.
func (l *lifetime) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.count > 0 {
		l.idle.Wait()
	}
}
