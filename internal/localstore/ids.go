package localstore

import (
	"context"
	"errors"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// ID is the id of a folder (FID) or message (MID), or a change number (CN): the replica id in the upper 16 bits, the
// 48-bit counter below, so that later ones compare greater. On the wire it stands as [ID.Wire].
type ID uint64

const counterMask = 1<<48 - 1

// NewID joins a replica id and a counter.
func NewID(replica uint16, counter uint64) ID { return ID(replica)<<48 | ID(counter&counterMask) }

// WireID is the reverse of Wire.
func WireID(w oxcdata.ID) ID { return NewID(w.Replica(), w.Counter()) }

// Replica is the replica id ([Store.ReplicaGUID] has its GUID).
func (id ID) Replica() uint16 { return uint16(id >> 48) }

// Counter is the global counter.
func (id ID) Counter() uint64 { return uint64(id) & counterMask }

// Wire is the id in the byte order of [MS-OXCDATA] 2.2.1.
func (id ID) Wire() oxcdata.ID { return oxcdata.NewID(id.Replica(), id.Counter()) }

// value is the id as a PtypInteger64.
func (id ID) value() int64 { return int64(id.Wire()) }

// Types of entry ids ([MS-OXCDATA] 2.2.4).
const (
	privateFolder  = 1
	privateMessage = 7
)

// globalID is the long form of an id.
func (s *Store) globalID(id ID) oxcdata.GlobalID {
	return oxcdata.GlobalID{Replica: s.replicaGUID(id.Replica()), Counter: id.Counter()}
}

// gid is the 22-byte form of an id: a source key or change key ([MS-OXCFXICS] 2.2.1.2.5).
func (s *Store) gid(id ID) []byte {
	g := s.globalID(id)
	b, _ := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.GlobalID(&g) })
	return b
}

// FolderEntryID is the entry id of a folder ([MS-OXCDATA] 2.2.4.1).
func (s *Store) FolderEntryID(fid ID) mapi.EntryID {
	e := oxcdata.FolderEntryID{Provider: s.mailbox, Type: privateFolder, Folder: oxcdata.LongTermID{GlobalID: s.globalID(fid)}}
	b, _ := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.FolderEntryID(&e) })
	return mapi.EntryID(b)
}

// MessageEntryID is the entry id of a message in a folder ([MS-OXCDATA] 2.2.4.2).
func (s *Store) MessageEntryID(fid, mid ID) mapi.EntryID {
	e := oxcdata.MessageEntryID{Provider: s.mailbox, Type: privateMessage, Folder: oxcdata.LongTermID{GlobalID: s.globalID(fid)}, Message: oxcdata.LongTermID{GlobalID: s.globalID(mid)}}
	b, _ := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { c.MessageEntryID(&e) })
	return mapi.EntryID(b)
}

// EntryID is the entry id of the store itself, as a provider's own: its mailbox GUID behind the flags.
func (s *Store) EntryID() []byte { return append(make([]byte, 4), s.mailbox[:]...) }

// FolderID is the FID in an entry id of a folder. It does not look whether the folder exists. An entry id that is not one
// of this store's is ErrNotFound and ErrInvalidEntryID.
func (s *Store) FolderID(e mapi.EntryID) (ID, error) {
	var x oxcdata.FolderEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(e), func(c *oxcdata.Coder) { c.FolderEntryID(&x) }); err != nil {
		return 0, invalidEntryID("folder", err)
	}
	if x.Provider != s.mailbox || x.Type != privateFolder {
		return 0, invalidEntryID("folder", errors.New("of another store"))
	}
	return s.localID(x.Folder.GlobalID, "folder")
}

// MessageID is the FID and MID in an entry id of a message; otherwise as FolderID.
func (s *Store) MessageID(e mapi.EntryID) (fid, mid ID, err error) {
	var x oxcdata.MessageEntryID
	if err := oxcdata.Decode(oxcdata.ROP, []byte(e), func(c *oxcdata.Coder) { c.MessageEntryID(&x) }); err != nil {
		return 0, 0, invalidEntryID("message", err)
	}
	if x.Provider != s.mailbox || x.Type != privateMessage {
		return 0, 0, invalidEntryID("message", errors.New("of another store"))
	}
	if fid, err = s.localID(x.Folder.GlobalID, "message"); err != nil {
		return 0, 0, err
	}
	mid, err = s.localID(x.Message.GlobalID, "message")
	return fid, mid, err
}

// localID finds the replica id of a GUID that this store knows.
func (s *Store) localID(g oxcdata.GlobalID, what string) (ID, error) {
	replica, ok := s.replicaID(g.Replica)
	if !ok && s.alive() == nil { // another opener may have added it
		if err := s.loadReplicas(context.Background(), s.read); err != nil {
			return 0, s.fail("find "+what, err)
		}
		replica, ok = s.replicaID(g.Replica)
	}
	if !ok || g.Counter == 0 {
		return 0, invalidEntryID(what, errors.New("of a replica that this store does not know"))
	}
	return NewID(replica, g.Counter), nil
}

func invalidEntryID(what string, cause error) error {
	return &mapi.Error{Op: "find " + what, Object: "by entry id", Code: mapi.ErrNotFound, Err: errors.Join(mapi.ErrInvalidEntryID, cause)}
}
