package exchangeserver

import (
	"sync"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// EventKind is what happened to an object.
type EventKind uint8

// Kinds of events.
const (
	EventCreated EventKind = iota
	EventModified
	EventDeleted
	EventMoved
	EventCopied
	EventNewMail // was delivered
)

// Event is a change of an item of a mailbox or, without Item, of a folder. After a move or copy the Old ones are where it was.
type Event struct {
	Kind                          EventKind
	Folder, Item, Parent          ID // Parent is that of a folder
	OldFolder, OldItem, OldParent ID
	Associated                    bool
	Class                         string // of new mail
	Flags                         uint32
}

// Watcher is a mailbox that tells what changes in it, whoever changes it.
type Watcher interface {
	// Watch has f called with each change until stop is called. f returns soon.
	Watch(f func([]Event)) (stop func())
}

// maxNotes bounds the events of a session that its client doesn't fetch. Beyond it object events are lost, as clients have to
// expect ([MS-OXCNOTIF] 3.1.4.2); tables that changed are told all the same.
const maxNotes = 1024

// notes are the events that wait for a session's client.
type notes struct {
	mu      sync.Mutex
	wanted  map[uint32]interest // by handle
	queue   []*oxcrops.NotifyResponse
	changed map[uint32]bool // tables that the queue says have changed
	wake    chan struct{}   // closed with the next event; nil: nobody waits
}

// interest is a subscription or a table that is told of changes.
type interest struct {
	lg    *logon
	types uint16 // 0: a table
	whole bool
	fid   ID
	mid   ID               // 0: the folder, and what is in it
	shows func(Event) bool // of a table: an event changes it
}

func newNotes() *notes {
	return &notes{wanted: map[uint32]interest{}, changed: map[uint32]bool{}}
}

// closed is a channel that needn't be waited for.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// ready is closed when there is an event.
func (n *notes) ready() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) > 0 {
		return closed
	}
	if n.wake == nil {
		n.wake = make(chan struct{})
	}
	return n.wake
}

// want and unwant begin and end an interest.
func (n *notes) want(h uint32, i interest) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted[h] = i
}

func (n *notes) unwant(h uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.wanted, h)
	delete(n.changed, h)
}

// happened takes events of a logon's mailbox.
func (n *notes) happened(lg *logon, events []Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range events {
		for h, i := range n.wanted {
			if i.lg != lg {
				continue
			}
			if i.types == 0 {
				if i.shows(e) && !n.changed[h] {
					n.changed[h] = true
					n.add(&oxcrops.NotifyResponse{NotificationHandle: h, LogonID: lg.id, NotificationFlags: oxcrops.NotifyTableModified,
						TableEventType: oxcrops.TableChanged})
				}
				continue
			}
			if i.meant(e) && len(n.queue) < maxNotes {
				n.add(e.response(h, lg.id))
			}
		}
	}
}

func (n *notes) add(r *oxcrops.NotifyResponse) {
	n.queue = append(n.queue, r)
	if n.wake != nil {
		close(n.wake)
		n.wake = nil
	}
}

// take gives what fits into room bytes, and leaves the rest.
func (n *notes) take(room int) (list []oxcrops.Response, size int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.queue) > 0 {
		r := n.queue[0]
		b, err := oxcrops.EncodeResponses(nil, nil, []oxcrops.Response{r}, nil)
		if err == nil {
			if size+len(b)-sizeField > room {
				break
			}
			size += len(b) - sizeField
			list = append(list, r)
		}
		delete(n.changed, r.NotificationHandle)
		n.queue = n.queue[1:]
	}
	return list, size
}

// eventTypes are the bits of NotificationTypes.
var eventTypes = map[EventKind]uint16{EventCreated: oxcrops.NotifyObjectCreated, EventModified: oxcrops.NotifyObjectModified,
	EventDeleted: oxcrops.NotifyObjectDeleted, EventMoved: oxcrops.NotifyObjectMoved, EventCopied: oxcrops.NotifyObjectCopied,
	EventNewMail: oxcrops.NotifyNewMail}

// meant reports whether a subscription asks for an event.
func (i interest) meant(e Event) bool {
	if i.types&eventTypes[e.Kind] == 0 {
		return false
	}
	if i.whole {
		return true
	}
	if i.mid != 0 {
		return e.Item == i.mid && e.Folder == i.fid || e.OldItem == i.mid && e.OldFolder == i.fid
	}
	return e.Folder == i.fid || e.OldFolder == i.fid || e.Parent == i.fid || e.OldParent == i.fid
}

// response is an event as it is told ([MS-OXCNOTIF] 2.2.1.4.1.2).
func (e Event) response(h uint32, logonID uint8) *oxcrops.NotifyResponse {
	r := &oxcrops.NotifyResponse{NotificationHandle: h, LogonID: logonID, NotificationFlags: eventTypes[e.Kind], FolderID: e.Folder.wire(),
		OldFolderID: e.OldFolder.wire(), MessageFlags: e.Flags, UnicodeFlag: true, MessageClass: e.Class}
	if e.Item != 0 {
		r.NotificationFlags |= oxcrops.NotifyMessage
		r.MessageID, r.OldMessageID = e.Item.wire(), e.OldItem.wire()
	} else {
		r.ParentFolderID, r.OldParentFolderID = e.Parent.wire(), e.OldParent.wire()
	}
	return r
}

// subscription is an object that RopRegisterNotification made.
type subscription struct {
	notes  *notes
	handle uint32
}

func (s *subscription) close() { s.notes.unwant(s.handle) }

// subscribe is RopRegisterNotification ([MS-OXCNOTIF] 3.1.4.1.1).
func (c *call) subscribe(q *oxcrops.RegisterNotificationRequest) (oxcrops.Response, error) {
	lg, err := c.opener(q.In)
	if err != nil {
		return nil, err
	}
	const known = oxcrops.NotifyNewMail | oxcrops.NotifyObjectCreated | oxcrops.NotifyObjectDeleted | oxcrops.NotifyObjectModified |
		oxcrops.NotifyObjectMoved | oxcrops.NotifyObjectCopied | oxcrops.NotifySearchCompleted | oxcrops.NotifyExtended | oxcrops.NotifyTableModified
	if q.NotificationTypes&^known != 0 {
		return nil, errorf(mapi.ErrInvalidParameter, "notification types 0x%04X", q.NotificationTypes)
	}
	s := &subscription{notes: c.s.notes}
	if err := c.put(q.Out, lg, s); err != nil {
		return nil, err
	}
	s.handle = c.handles[q.Out]
	i := interest{lg: lg, types: q.NotificationTypes, whole: q.WantWholeStore, fid: wireID(q.FolderID), mid: wireID(q.MessageID)}
	if i.types != 0 {
		c.s.notes.want(s.handle, i)
	}
	return nil, nil
}

// watch tells a table's client of changes from the moment that it has columns ([MS-OXCNOTIF] 3.1.4.1.2).
func (t *table) watch(c *call, h uint32) {
	if t.shows == nil || t.watched != 0 {
		return
	}
	t.watched, t.notes = h, c.s.notes
	c.s.notes.want(h, interest{lg: t.lg, shows: t.shows})
}

// unwatch ends it.
func (t *table) unwatch() {
	if t.watched != 0 {
		t.notes.unwant(t.watched)
		t.watched = 0
	}
}
