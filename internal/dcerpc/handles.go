package dcerpc

import (
	"crypto/rand"
	"sync"

	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

// Handles keeps what an interface's context handles stand for. The zero value is ready. A handle can't be guessed; it is good
// for calls of whoever opened it, on whatever association, until it is closed or the last association of its group ends.
type Handles[T any] struct {
	// Rundown is called with what stands behind handles whose associations have ended; nil: nothing is to be done.
	Rundown func(T)

	mu   sync.Mutex
	open map[mapi.GUID]opened[T]
}

type opened[T any] struct {
	value T
	peer  string
	srv   *Server
	group *group
}

// Open makes a handle for v.
func (h *Handles[T]) Open(call *Call, v T) ndr.ContextHandle {
	var id mapi.GUID
	rand.Read(id[:])
	h.mu.Lock()
	if h.open == nil {
		h.open = map[mapi.GUID]opened[T]{}
	}
	h.open[id] = opened[T]{value: v, peer: call.Peer, srv: call.srv, group: call.group}
	h.mu.Unlock()
	call.srv.mu.Lock()
	call.group.rundown[id] = func() {
		if v, ok := h.remove(id); ok && h.Rundown != nil {
			h.Rundown(v.value)
		}
	}
	call.srv.mu.Unlock()
	return ndr.ContextHandle{ID: id}
}

func (h *Handles[T]) remove(id mapi.GUID) (opened[T], bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok := h.open[id]
	delete(h.open, id)
	return v, ok
}

// Get is what a handle stands for, or a *[Fault] of StatusContextMismatch.
func (h *Handles[T]) Get(call *Call, id ndr.ContextHandle) (v T, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, ok := h.open[id.ID]
	if !ok || o.peer != call.Peer {
		return v, &Fault{Status: StatusContextMismatch, Executed: true}
	}
	return o.value, nil
}

// Close forgets a handle and gives what it stood for; Rundown isn't called.
func (h *Handles[T]) Close(call *Call, id ndr.ContextHandle) (v T, err error) {
	if v, err = h.Get(call, id); err != nil {
		return v, err
	}
	o, ok := h.remove(id.ID)
	if !ok {
		return v, &Fault{Status: StatusContextMismatch, Executed: true}
	}
	o.srv.mu.Lock()
	delete(o.group.rundown, id.ID)
	o.srv.mu.Unlock()
	return o.value, nil
}
