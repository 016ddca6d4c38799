package comserver

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// newLive is a table of objects with headers that are only numbers.
func newLive(t *testing.T) (l *live, headers *atomic.Int32, ended chan struct{}) {
	headers, ended = new(atomic.Int32), make(chan struct{}, 100)
	next := uintptr(0)
	return &live{
		alloc: func(any) []uintptr {
			headers.Add(1)
			next += 16
			return []uintptr{next, next + 8}
		},
		free: func(uintptr) { headers.Add(-1) },
		born: func() {}, died: func() { ended <- struct{}{} },
		report: func(err error) { t.Error(err) },
		at:     map[uintptr]*entry{}, apts: map[*apartment]struct{}{},
	}, headers, ended
}

// thing is an object that tells of its end.
type thing struct {
	closed chan struct{}
	invoke func(ctx context.Context) (any, error)
	each   iter.Seq2[any, error]
}

var thingClass = &Class{Name: "Thing", Collection: true, Members: []Member{
	{Name: "Add", ID: 100, Params: []Param{{"Name", true}, {"Class", true}}}, {Name: "Count", ID: 9, Kind: ReadOnly}}}

func (o *thing) Class() *Class { return thingClass }
func (o *thing) Invoke(ctx context.Context, _ Invocation) (any, error) {
	return o.invoke(ctx)
}
func (o *thing) Each(context.Context) iter.Seq2[any, error] { return o.each }
func (o *thing) Close(context.Context) error                { close(o.closed); return nil }

func newThing() *thing { return &thing{closed: make(chan struct{})} }

func TestObjectsAreTheSameAndEnd(t *testing.T) {
	l, headers, ended := newLive(t)
	root := newThing()
	p := l.create(root)
	_, a := l.find(p)
	child := newThing()
	q := a.offer(child)
	if again := a.offer(child); again != q {
		t.Errorf("the same object is at %d and at %d", q, again)
	}
	if p2 := a.offer(root); p2 != p {
		t.Error("the created object is another one when it is reached again")
	}
	if list := l.apartmentsOf(nil, child); len(list) != 1 || list[0] != a {
		t.Errorf("the child is in %v", list)
	}
	if objects, apartments := l.counts(); objects != 2 || apartments != 1 {
		t.Errorf("%d objects in %d apartments", objects, apartments)
	}
	if id := l.identity(q + 8); id != q {
		t.Errorf("the second interface of %d belongs to %d", q, id)
	}
	l.release(p)
	l.release(p)
	l.release(q + 8)
	select {
	case <-root.closed:
		t.Fatal("closed while a child lives")
	default:
	}
	l.release(q)
	<-root.closed
	<-ended
	if v, _ := l.find(q); v != nil || headers.Load() != 0 {
		t.Errorf("%v, %d headers are left", v, headers.Load())
	}
	if n := l.release(q); n != 0 {
		t.Errorf("released once too often: %d", n)
	}
}

func TestObjectsOfDeadClients(t *testing.T) {
	l, headers, ended := newLive(t)
	dead, shared := newThing(), newThing()
	p, q := l.create(dead), l.create(shared)
	_, a := l.find(p)
	_, b := l.find(q)
	child := a.offer(newThing())
	leaked := a.offer(newThing())
	cancelled := make(chan struct{})
	running := make(chan struct{})
	dead.invoke = func(ctx context.Context) (any, error) {
		close(running)
		<-ctx.Done()
		close(cancelled)
		return nil, ctx.Err()
	}
	if !a.used(1) || a.used(1) || !b.used(1) || !b.used(2) {
		t.Error("who is new")
	}
	go a.run(nil, func(ctx context.Context) { Invoke(ctx, dead, Invocation{ID: 9, How: Get}) })
	<-running
	var disconnected sync.Map
	l.gone(1, func(addr uintptr) {
		disconnected.Store(addr, true)
		if addr != leaked { // of one object COM doesn't give its reference back
			l.release(addr)
		}
	})
	<-cancelled
	<-dead.closed
	<-ended
	if _, ok := disconnected.Load(child); !ok {
		t.Error("the child wasn't disconnected")
	}
	if _, ok := disconnected.Load(q); ok {
		t.Error("an object that another client uses was disconnected")
	}
	if v, a := l.find(leaked); v != nil || a == nil {
		t.Errorf("what COM still holds is %v", v)
	}
	if l.offer(a, newThing()) != 0 {
		t.Error("a closed apartment gives objects out")
	}
	l.release(leaked)
	l.gone(2, func(addr uintptr) { l.release(addr) })
	<-shared.closed
	if headers.Load() != 0 {
		t.Errorf("%d headers are left", headers.Load())
	}
}

// offer is for tests that say which table they mean.
func (l *live) offer(a *apartment, v any) uintptr { return a.offer(v) }

func TestClientsThatNeverCalled(t *testing.T) {
	l, _, _ := newLive(t)
	silent, used := newThing(), newThing()
	p := l.create(silent)
	_, a := l.find(l.create(used))
	a.used(7)
	l.forgotten(time.Hour, func(uintptr) { t.Error("nobody has been silent for an hour") })
	l.forgotten(0, func(addr uintptr) { l.release(addr) })
	<-silent.closed
	if v, _ := l.find(p); v != nil {
		t.Error("the object of the silent client is left")
	}
	select {
	case <-used.closed:
		t.Error("the other client's too")
	default:
	}
}

func TestApartmentsTakeTurns(t *testing.T) {
	l, _, _ := newLive(t)
	_, a := l.find(l.create(newThing()))
	_, b := l.find(l.create(newThing()))
	var inA, inB int // unguarded: the race detector and the sums tell
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			switch i % 4 {
			case 0:
				a.run(nil, func(context.Context) { inA++ })
			case 1:
				b.run(nil, func(context.Context) { inB++ })
			case 2:
				a.run([]*apartment{b, a, b}, func(context.Context) { inA++; inB++ })
			case 3:
				b.run([]*apartment{a}, func(context.Context) { inA++; inB++ })
			}
		})
	}
	wg.Wait()
	if inA != 75 || inB != 75 {
		t.Errorf("%d and %d", inA, inB)
	}
}

func TestPanics(t *testing.T) {
	o := newThing()
	o.invoke = func(context.Context) (any, error) { panic("wrong") }
	_, err := Invoke(context.Background(), o, Invocation{ID: 9, How: Get})
	e, inCall := asError(err, "source")
	if want := "internal error in Thing member 9: wrong"; e.Description != want || e.Code != eFail || e.Source != "source" || inCall {
		t.Errorf("%+v", e)
	}
	o.each = func(func(any, error) bool) { panic("wrong too") }
	v, err := Invoke(context.Background(), o, Invocation{ID: idNewEnum, How: Get})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.(*enumerator).take(context.Background()); err == nil || !strings.Contains(err.Error(), "wrong too") {
		t.Error(err)
	}
}

func TestEnumerator(t *testing.T) {
	ctx := context.Background()
	stopped := 0
	o := newThing()
	o.each = func(yield func(any, error) bool) {
		defer func() { stopped++ }()
		for i := range 4 {
			if i == 3 {
				yield(nil, &Error{Code: 0x8004010F, Description: "gone"})
				return
			}
			if !yield(i, nil) {
				return
			}
		}
	}
	e := &enumerator{source: o}
	take := func(e *enumerator, want int32) {
		t.Helper()
		if v, ok, err := e.take(ctx); v != want || !ok || err != nil {
			t.Errorf("%v %v %v, not %d", v, ok, err, want)
		}
	}
	take(e, 0)
	c, err := e.clone(ctx)
	if err != nil {
		t.Fatal(err)
	}
	take(e, 1)
	take(c, 1)
	e.reset()
	take(e, 0)
	if ok, err := e.skip(ctx, 1); !ok || err != nil {
		t.Error(ok, err)
	}
	take(e, 2)
	if _, ok, err := e.take(ctx); ok || err == nil {
		t.Error("no error from the sequence")
	}
	if _, ok, err := e.take(ctx); ok || err != nil {
		t.Errorf("after the error: %v %v", ok, err)
	}
	c.close()
	if stopped != 3 {
		t.Errorf("%d of 3 sequences were ended", stopped)
	}
}

func TestErrorsOfClients(t *testing.T) {
	for _, c := range []struct {
		err    error
		want   Error
		inCall bool
	}{
		{errors.New("plain"), Error{Code: eFail, Source: "S", Description: "plain"}, false},
		{MemberNotFound, Error{Code: MemberNotFound}, true},
		{&Error{Code: TypeMismatch, Description: "why"}, Error{Code: TypeMismatch, Description: "why"}, true},
		{&Error{Code: 0x8004010F, Source: "own"}, Error{Code: 0x8004010F, Source: "own", Description: " (0x8004010f)"}, false},
		{&Error{Code: 0x8004010F, Err: errors.New("cause")}, Error{Code: 0x8004010F, Source: "S", Description: "cause"}, false},
		{&Error{Description: "no code"}, Error{Code: eFail, Source: "S", Description: "no code"}, false},
	} {
		got, inCall := asError(c.err, "S")
		got.Err = nil
		if got != c.want || inCall != c.inCall {
			t.Errorf("%v: %+v %v", c.err, got, inCall)
		}
	}
}
