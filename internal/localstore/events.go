package localstore

// EventKind is what happened.
type EventKind uint8

// Kinds of events.
const (
	Created EventKind = iota
	Modified
	Deleted // for good, or to be recovered
	Moved
	Copied
)

// Event is a change of an item or, without Item, of a folder. After a move or copy the Old ones are where it was.
type Event struct {
	Kind             EventKind
	Folder, Item     ID
	Parent           ID // of a folder
	OldFolder        ID
	OldItem          ID
	OldParent        ID // of a folder
	Associated, Read bool
}

// note remembers an event until the transaction is confirmed.
func (t *tx) note(e Event) { t.events = append(t.events, e) }

func (t *tx) noteItem(k EventKind, it *item) {
	t.note(Event{Kind: k, Folder: it.folder, Item: it.mid, Associated: it.list&listAssociated != 0, Read: it.flags&flagRead != 0})
}

// Watch has f called with what each change of the store was, once it is confirmed, until stop is called. Changes by other Stores
// of the same file aren't told. f must return soon, and not change the store.
func (s *Store) Watch(f func([]Event)) (stop func()) {
	s.watching.Lock()
	defer s.watching.Unlock()
	if s.watchers == nil {
		s.watchers = map[*func([]Event)]struct{}{}
	}
	s.watchers[&f] = struct{}{}
	return func() {
		s.watching.Lock()
		defer s.watching.Unlock()
		delete(s.watchers, &f)
	}
}

// tell passes confirmed events on, in the order of the changes.
func (s *Store) tell(events []Event) {
	if len(events) == 0 {
		return
	}
	s.watching.Lock()
	defer s.watching.Unlock()
	for f := range s.watchers {
		(*f)(events)
	}
}
