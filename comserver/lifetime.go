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
//
// COM has locks of its own, which it also holds when it calls us: none of ours may be held when it is called.
type lifetime struct {
	addRef  func()
	release func() uint32 // 0 when COM sends no further clients here
	linger  time.Duration
	quit    chan struct{} // closed when the process should leave
	leave   sync.Once

	mu    sync.Mutex
	idle  *sync.Cond // signalled when count becomes 0
	count int
	timer *time.Timer
	over  bool // the waiting was ended
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
	l.addRef()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.timer.Stop()
}

// died is the reverse of born.
func (l *lifetime) died() {
	l.mu.Lock()
	l.count--
	if l.count == 0 {
		l.idle.Broadcast()
		if !l.over {
			l.timer.Reset(l.linger)
		}
	}
	l.mu.Unlock()
	l.giveBack()
}

// expire ends the waiting. A client that came in at the same moment holds a count of its own, whose end is the end.
func (l *lifetime) expire() {
	l.mu.Lock()
	stay := l.count > 0 || l.over
	l.over = l.over || !stay
	l.mu.Unlock()
	if !stay {
		l.giveBack()
	}
}

func (l *lifetime) giveBack() {
	if l.release() == 0 {
		l.leave.Do(func() { close(l.quit) })
	}
}

// drain waits for clients that came in at the last moment.
func (l *lifetime) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.count > 0 {
		l.idle.Wait()
	}
}
