package exchangeserver

import (
	"context"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// noHandle stands in the handle table where there is no object ([MS-OXCROPS] 2.2.1).
const noHandle = 0xFFFFFFFF

// object is a server object that a handle names. close lets it go.
type object interface{ close() }

// slot is an entry of the session's table of objects.
type slot struct {
	obj object
	lg  *logon
}

// call is a ROP being processed.
type call struct {
	context.Context
	s       *session
	handles []uint32
	room    int // bytes that the response may fill
	logonID uint8
	part    int       // size of the last of packed requests, 0: they aren't packed
	fatal   mapi.Code // fails the whole call
}

// at finds the object in a place of the handle table. An empty place, as one that a failed ROP was to fill, is
// mapi.ErrNullObject.
func (c *call) at(i uint8) (*slot, error) {
	if int(i) >= len(c.handles) {
		return nil, mapi.ErrNullObject
	}
	if s := c.s.objects[c.handles[i]]; s != nil {
		return s, nil
	}
	return nil, mapi.ErrNullObject
}

// get is at for an object of a type; others are mapi.ErrNoSupport.
func get[T any](c *call, i uint8) (T, error) {
	var zero T
	s, err := c.at(i)
	if err != nil {
		return zero, err
	}
	t, ok := s.obj.(T)
	if !ok {
		return zero, mapi.ErrNoSupport
	}
	return t, nil
}

// put enters an object and puts its handle in the table.
func (c *call) put(i uint8, lg *logon, obj object) error {
	if len(c.s.objects) >= c.s.srv.cfg.MaxObjects {
		obj.close()
		return errorf(mapi.ErrNoMemory, "more than %d open objects", c.s.srv.cfg.MaxObjects)
	}
	c.handles[i] = c.s.enter(lg, obj)
	return nil
}

func (s *session) enter(lg *logon, obj object) uint32 {
	for {
		s.next++
		if _, taken := s.objects[s.next]; !taken && s.next != 0 && s.next != noHandle {
			break
		}
	}
	s.objects[s.next] = &slot{obj, lg}
	return s.next
}

// release is RopRelease ([MS-OXCROPS] 2.2.15.3), which cannot fail.
func (c *call) release(q *oxcrops.ReleaseRequest) (oxcrops.Response, error) {
	if int(q.In) >= len(c.handles) {
		return nil, nil
	}
	h := c.handles[q.In]
	if s := c.s.objects[h]; s != nil {
		if lg, ok := s.obj.(*logon); ok {
			c.s.logoff(lg.id)
		} else {
			delete(c.s.objects, h)
			s.obj.close()
		}
	}
	return nil, nil
}

// logoff releases a logon and all that was opened from it ([MS-OXCSTOR] 3.2.5.1).
func (s *session) logoff(id uint8) {
	lg := s.logons[id]
	if lg == nil {
		return
	}
	delete(s.logons, id)
	for h, o := range s.objects {
		if o.lg == lg && o.obj != object(lg) {
			delete(s.objects, h)
			o.obj.close()
		}
	}
	delete(s.objects, lg.handle)
	lg.close()
}
