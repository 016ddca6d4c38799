package comserver

import (
	"context"
	"slices"
	"sync"
	"time"
)

// live are the objects that clients hold. Each has a header outside Go's memory, whose address the clients know: it is all
// that COM touches, and the key to the Go value here.
type live struct {
	// alloc makes a header for a value and gives the addresses of its interfaces, the first one being the object's identity;
	// free takes it back.
	alloc func(value any) []uintptr
	free  func(addr uintptr)
	// born and died count apartments, which keep the server running.
	born, died func()
	report     func(err error) // of what no client can be told

	mu   sync.Mutex
	at   map[uintptr]*entry
	apts map[*apartment]struct{}
	made uint64
}

// entry is an object, an enumerator or a class factory that clients have.
type entry struct {
	addrs []uintptr
	refs  int32
	apt   *apartment // nil for class factories
	value any        // nil when its apartment is closed
}

// apartment is everything that was reached from one created object. Its members run one at a time.
type apartment struct {
	live   *live
	number uint64 // the order in which several are locked
	ctx    context.Context
	cancel context.CancelFunc
	closer Closer
	turn   sync.Mutex

	// Guarded by live.mu.
	known   map[Object]*entry
	entries map[*entry]struct{}
	clients map[uint32]struct{} // process ids
	born    time.Time
	closed  bool
}

// closeTime is how long an object may take to end what it holds, such as a session with a server. The process doesn't leave
// before.
const closeTime = 15 * time.Second

// add enters a value with one reference. mu is held.
func (l *live) add(value any, a *apartment) *entry {
	e := &entry{addrs: l.alloc(value), refs: 1, apt: a, value: value}
	if len(e.addrs) == 0 {
		return nil // no memory
	}
	for _, p := range e.addrs {
		l.at[p] = e
	}
	if a != nil {
		a.entries[e] = struct{}{}
	}
	return e
}

// create makes an apartment for an object that a client created. The result is its address, with one reference; 0 without
// memory.
func (l *live) create(o Object) uintptr {
	ctx, cancel := context.WithCancel(context.Background())
	a := &apartment{live: l, ctx: ctx, cancel: cancel, known: map[Object]*entry{}, entries: map[*entry]struct{}{},
		clients: map[uint32]struct{}{}, born: time.Now()}
	a.closer, _ = o.(Closer)
	l.born() // not within the lock: COM has locks of its own
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	a.number = l.made
	l.apts[a] = struct{}{}
	e := l.add(o, a)
	if e == nil {
		l.close(a)
		return 0
	}
	a.known[o] = e
	return e.addrs[0]
}

// permanent enters a class factory, which is never released.
func (l *live) permanent(value any) uintptr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.add(value, nil); e != nil {
		return e.addrs[0]
	}
	return 0
}

// offer gives a client an object or enumerator of the apartment: its address with a new reference, 0 without memory.
func (a *apartment) offer(value any) uintptr {
	l := a.live
	l.mu.Lock()
	defer l.mu.Unlock()
	o, isObject := value.(Object)
	if e := a.known[o]; isObject && e != nil {
		e.refs++
		return e.addrs[0]
	}
	if a.closed {
		return 0
	}
	e := l.add(value, a)
	if e == nil {
		return 0
	}
	if isObject {
		a.known[o] = e
	}
	return e.addrs[0]
}

// find gives the value at an address with its apartment; nil where there is none or not any more.
func (l *live) find(addr uintptr) (value any, a *apartment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.at[addr]; e != nil {
		return e.value, e.apt
	}
	return nil, nil
}

// identity is the first address of what is at an address; 0 where there is nothing.
func (l *live) identity(addr uintptr) uintptr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.at[addr]; e != nil {
		return e.addrs[0]
	}
	return 0
}

func (l *live) addRef(addr uintptr) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.at[addr]
	if e == nil {
		return 0
	}
	e.refs++
	return e.refs
}

// release takes a reference away. The last one of an apartment closes it.
func (l *live) release(addr uintptr) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.at[addr]
	if e == nil {
		return 0
	}
	if e.refs--; e.refs > 0 || e.apt == nil {
		return e.refs
	}
	for _, p := range e.addrs {
		delete(l.at, p)
	}
	l.free(e.addrs[0])
	a := e.apt
	delete(a.entries, e)
	switch v := e.value.(type) {
	case Object:
		delete(a.known, v)
	case *enumerator:
		go a.finish(v)
	}
	if len(a.entries) == 0 {
		l.close(a)
	}
	return 0
}

// finish ends an enumerator in the turn of its apartment, as its sequence is code of the model.
func (a *apartment) finish(e *enumerator) {
	a.turn.Lock()
	defer a.turn.Unlock()
	var err error
	defer func() {
		if err != nil {
			a.live.report(err)
		}
	}()
	defer catch(&err, "the end of a For Each")
	e.close()
}

// close ends an apartment: what runs in it is cancelled, and its first object is closed. mu is held.
func (l *live) close(a *apartment) {
	if a.closed {
		return
	}
	a.closed = true
	delete(l.apts, a)
	a.cancel()
	go func() {
		defer l.died()
		a.turn.Lock()
		defer a.turn.Unlock()
		if a.closer == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		err := func() (err error) {
			defer catch(&err, "closing")
			return a.closer.Close(ctx)
		}()
		if err != nil {
			l.report(err)
		}
	}()
}

// run executes a function when it is the apartment's turn, and that of other apartments whose objects take part. The goroutine
// is a new one: those of calls are bound to their threads, where sequences (iter.Pull) couldn't be continued by another call.
func (a *apartment) run(others []*apartment, f func(ctx context.Context)) {
	all := slices.SortedFunc(slices.Values(append(others, a)), func(x, y *apartment) int { return int(int64(x.number - y.number)) })
	all = slices.Compact(all)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, x := range all {
			x.turn.Lock()
			defer x.turn.Unlock()
		}
		f(a.ctx)
	}()
	<-done
}

// used notes a process that called an object of the apartment, and tells whether it is the first time.
func (a *apartment) used(pid uint32) bool {
	a.live.mu.Lock()
	defer a.live.mu.Unlock()
	if _, ok := a.clients[pid]; ok || a.closed {
		return false
	}
	a.clients[pid] = struct{}{}
	return true
}

// gone forgets a process that has ended. disconnect is called for each object of the apartments that no other process used, to
// make COM give its references back; whatever is left then is closed.
func (l *live) gone(pid uint32, disconnect func(addr uintptr)) {
	l.drop(func(a *apartment) bool {
		_, its := a.clients[pid]
		delete(a.clients, pid)
		return its && len(a.clients) == 0
	}, disconnect)
}

// forgotten does the same with apartments that nobody called for so long after they were created: their client ended before
// its first call told who it is.
func (l *live) forgotten(age time.Duration, disconnect func(addr uintptr)) {
	l.drop(func(a *apartment) bool { return len(a.clients) == 0 && time.Since(a.born) > age }, disconnect)
}

func (l *live) drop(which func(*apartment) bool, disconnect func(addr uintptr)) {
	l.mu.Lock()
	var apts []*apartment
	var addrs []uintptr
	for a := range l.apts {
		if !which(a) {
			continue
		}
		apts = append(apts, a)
		a.cancel()
		for e := range a.entries {
			e.refs++ // until it is disconnected
			addrs = append(addrs, e.addrs[0])
		}
	}
	l.mu.Unlock()
	for _, p := range addrs {
		disconnect(p)
		l.release(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range apts {
		for e := range a.entries { // COM still counts on these: they stay addressable, and answer that they are gone
			if v, ok := e.value.(*enumerator); ok {
				go a.finish(v)
			}
			e.value = nil
		}
		l.close(a)
	}
}

// counts are how many objects and apartments there are.
func (l *live) counts() (objects, apartments int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := range l.apts {
		objects += len(a.entries)
	}
	return objects, len(l.apts)
}

// apartmentsOf adds the apartments that an object belongs to.
func (l *live) apartmentsOf(list []*apartment, o Object) []*apartment {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := range l.apts {
		if a.known[o] != nil {
			list = append(list, a)
		}
	}
	return list
}
