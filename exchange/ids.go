package exchange

import (
	"context"
	"sync"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
)

// Entry ids are the ones that Exchange programs know ([MS-OXCDATA] 2.2.4): they carry replica GUIDs, which last, where the
// ids on the wire carry 16-bit aliases of them. idMap translates, asking the server about replicas it hasn't met.
type idMap struct {
	mu      sync.Mutex
	mailbox mapi.GUID
	guids   map[uint16]mapi.GUID
	aliases map[mapi.GUID]uint16
}

func (m *idMap) own(info *oxcrops.LogonResponse) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mailbox = info.MailboxGUID
	m.guids = map[uint16]mapi.GUID{info.ReplID: info.ReplGUID}
	m.aliases = map[mapi.GUID]uint16{info.ReplGUID: info.ReplID}
}

func (m *idMap) learn(alias uint16, g mapi.GUID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.guids[alias], m.aliases[g] = g, alias
}

// known gives the wire id of a lasting one whose replica was met before.
func (m *idMap) known(l oxcdata.LongTermID) (oxcdata.ID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	alias, ok := m.aliases[l.Replica]
	return oxcdata.NewID(alias, l.Counter), ok
}

// longTerm gives the lasting form of a wire id.
func (st *Store) longTerm(ctx context.Context, s *session, id oxcdata.ID) (oxcdata.LongTermID, error) {
	st.ids.mu.Lock()
	g, ok := st.ids.guids[id.Replica()]
	st.ids.mu.Unlock()
	if !ok {
		var b batch
		b.add(&oxcrops.LongTermIdFromIdRequest{In: b.in(s.logon), ObjectID: id})
		res, err := s.execute(ctx, &b)
		if err != nil {
			return oxcdata.LongTermID{}, err
		}
		if err := res.check("find the replica of an id"); err != nil {
			return oxcdata.LongTermID{}, err
		}
		r, err := answer[*oxcrops.LongTermIdFromIdResponse](res)
		if err != nil {
			return oxcdata.LongTermID{}, err
		}
		g = r.LongTermID.Replica
		st.ids.learn(id.Replica(), g)
	}
	return oxcdata.LongTermID{GlobalID: oxcdata.GlobalID{Replica: g, Counter: id.Counter()}}, nil
}

// wireID is the reverse of longTerm.
func (st *Store) wireID(ctx context.Context, s *session, l oxcdata.LongTermID) (oxcdata.ID, error) {
	if id, ok := st.ids.known(l); ok {
		return id, nil
	}
	var b batch
	b.add(&oxcrops.IdFromLongTermIdRequest{In: b.in(s.logon), LongTermID: l})
	res, err := s.execute(ctx, &b)
	if err != nil {
		return 0, err
	}
	if err := res.check("find the id of an entry id"); err != nil {
		// A replica that the server has never heard of: the entry id is of another store.
		return 0, &mapi.Error{Op: "open", Code: mapi.ErrInvalidEntryID, Err: err}
	}
	r, err := answer[*oxcrops.IdFromLongTermIdResponse](res)
	if err != nil {
		return 0, err
	}
	st.ids.learn(r.ObjectID.Replica(), l.Replica)
	return r.ObjectID, nil
}

// sourceKey is the source key of what came from nowhere else: its id ([MS-OXCFXICS] 2.2.1.2.5). gromox leaves it out of
// lists of items. It is nil for an id whose replica isn't known.
func (st *Store) sourceKey(id oxcdata.ID) mapi.Value {
	st.ids.mu.Lock()
	g, ok := st.ids.guids[id.Replica()]
	st.ids.mu.Unlock()
	if !ok {
		return nil
	}
	return oxcfxics.NewXID(oxcdata.GlobalID{Replica: g, Counter: id.Counter()}).Bytes()
}

// Entry id types of private mailboxes.
const (
	privateFolder  = 1
	privateMessage = 7
)

// folderEntry is the entry id of a folder.
func (st *Store) folderEntry(ctx context.Context, s *session, id oxcdata.ID) (mapi.EntryID, error) {
	l, err := st.longTerm(ctx, s, id)
	if err != nil {
		return "", err
	}
	return st.folderEntryOf(l), nil
}

func (st *Store) folderEntryOf(l oxcdata.LongTermID) mapi.EntryID {
	e := oxcdata.FolderEntryID{Provider: st.ids.mailbox, Type: privateFolder, Folder: l}
	return encodeID((*oxcdata.Coder).FolderEntryID, &e)
}

// messageEntry is the entry id of a message in a folder.
func (st *Store) messageEntry(ctx context.Context, s *session, folder oxcdata.LongTermID, id oxcdata.ID) (mapi.EntryID, error) {
	l, err := st.longTerm(ctx, s, id)
	if err != nil {
		return "", err
	}
	e := oxcdata.MessageEntryID{Provider: st.ids.mailbox, Type: privateMessage, Folder: folder, Message: l}
	return encodeID((*oxcdata.Coder).MessageEntryID, &e), nil
}

func encodeID[T any](code func(*oxcdata.Coder, *T), e *T) mapi.EntryID {
	b, _ := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { code(c, e) }) // fixed fields only: cannot fail
	return mapi.EntryID(b)
}

// parseFolder reads a folder's entry id.
func parseFolder(id mapi.EntryID) (oxcdata.LongTermID, error) {
	var e oxcdata.FolderEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(id), func(c *oxcdata.Coder) { c.FolderEntryID(&e) }); err != nil {
		return oxcdata.LongTermID{}, badEntry("folder", err)
	}
	e.Folder.Pad = 0
	return e.Folder, nil
}

// parseMessage reads a message's entry id.
func parseMessage(id mapi.EntryID) (folder, message oxcdata.LongTermID, err error) {
	var e oxcdata.MessageEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(id), func(c *oxcdata.Coder) { c.MessageEntryID(&e) }); err != nil {
		return folder, message, badEntry("message", err)
	}
	e.Folder.Pad, e.Message.Pad = 0, 0
	return e.Folder, e.Message, nil
}

func badEntry(what string, err error) error {
	return &mapi.Error{Op: "read entry id of a " + what, Code: mapi.ErrInvalidEntryID, Err: err}
}
