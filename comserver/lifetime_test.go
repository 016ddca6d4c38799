package comserver

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refs atomic.Int32
		start := time.Now()
		l := newLifetime(func() { refs.Add(1) }, func() uint32 { return uint32(refs.Add(-1)) }, 20*time.Second, 3*time.Second)
		time.Sleep(10 * time.Second)
		l.born()
		time.Sleep(time.Minute)
		l.died()
		time.Sleep(2 * time.Second)
		l.born() // a client in time
		time.Sleep(5 * time.Second)
		l.died()
		<-l.quit
		if took := time.Since(start); took != 80*time.Second {
			t.Errorf("left after %v", took)
		}
		// One that had got hold of the class before is still served.
		l.born()
		time.AfterFunc(time.Minute, l.died)
		l.drain()
		if took := time.Since(start); took != 140*time.Second {
			t.Errorf("the last one was served until %v", took)
		}
	})
}

func TestLifetimeWithoutClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refs atomic.Int32
		start := time.Now()
		l := newLifetime(func() { refs.Add(1) }, func() uint32 { return uint32(refs.Add(-1)) }, 20*time.Second, 3*time.Second)
		<-l.quit
		l.drain()
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("left after %v", took)
		}
	})
}

// TestLifetimeTakesNoLockToCOM: COM holds its lock when it releases an object of ours, and takes it when we count.
func TestLifetimeTakesNoLockToCOM(t *testing.T) {
	var com sync.Mutex
	var refs int32
	count := func(n int32) uint32 {
		com.Lock()
		defer com.Unlock()
		refs += n
		return uint32(refs)
	}
	life := newLifetime(func() { count(1) }, func() uint32 { return count(-1) }, time.Millisecond, 0)
	l, _, _ := newLive(t)
	l.born, l.died = life.born, life.died
	factory := l.permanent(&CoClass{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				l.release(l.create(newThing()))
			}
		})
		wg.Go(func() {
			for range 1000 {
				com.Lock()
				l.addRef(factory)
				l.release(factory)
				com.Unlock()
			}
		})
	}
	wg.Wait()
	<-life.quit
	life.drain()
}
