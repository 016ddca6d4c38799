package comserver

import (
	"context"
	"iter"
)

// enumerator is one For Each: what IEnumVARIANT goes through. A client may stop anywhere, so close ends the sequence.
type enumerator struct {
	source Enumerable
	next   func() (any, error, bool)
	stop   func()
	at     int // members given so far
	done   bool
}

// take gives the next member; ok is false at the end.
func (e *enumerator) take(ctx context.Context) (v any, ok bool, err error) {
	defer catch(&err, e.source.Class().Name+" For Each")
	if e.done {
		return nil, false, nil
	}
	if e.next == nil {
		e.next, e.stop = iter.Pull2(e.source.Each(ctx))
	}
	v, err, ok = e.next()
	if !ok || err != nil { // an error ends the sequence, so that a script that goes on after it comes to an end
		e.close()
		e.done = true
		return nil, false, err
	}
	e.at++
	p, known := plain(v)
	if !known {
		return nil, false, &Error{Code: eFail, Description: "internal error: " + e.source.Class().Name + " has a " + typeName(v)}
	}
	return p, true, nil
}

// skip leaves members out and tells whether there were so many.
func (e *enumerator) skip(ctx context.Context, n int) (bool, error) {
	for range n {
		if _, ok, err := e.take(ctx); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// reset begins again.
func (e *enumerator) reset() {
	e.close()
	e.at, e.done = 0, false
}

// clone is another enumerator at the same place.
func (e *enumerator) clone(ctx context.Context) (*enumerator, error) {
	c := &enumerator{source: e.source}
	_, err := c.skip(ctx, e.at)
	c.done = c.done || e.done
	return c, err
}

func (e *enumerator) close() {
	if e.stop != nil {
		e.stop()
	}
	e.next, e.stop = nil, nil
}
