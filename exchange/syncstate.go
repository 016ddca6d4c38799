package exchange

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// syncState is the state of a folder, with what the client has to remember itself.
type syncState struct {
	mailbox mapi.GUID
	folder  oxcdata.GlobalID
	kind    uint8          // SyncContents or SyncHierarchy
	sets    oxcfxics.State // as the server gave them
	// foreign are the source keys of objects whose keys aren't made of their ids: they came from elsewhere. Deletions name ids
	// only.
	foreign map[oxcdata.GlobalID][]byte
}

type foreignKey struct {
	id  oxcdata.GlobalID
	key []byte
}

// syncMagic begins a state and says its version.
const syncMagic = "OCDOICS1"

// stateTags are the properties of a state that is uploaded, in the order of [MS-OXCFXICS] 2.2.1.1.
var stateTags = [...]mapi.Tag{pid.MetaTagIdsetGiven, pid.MetaTagCnsetSeen, pid.MetaTagCnsetSeenFAI, pid.MetaTagCnsetRead}

func (x *syncState) code(c *oxcdata.Coder) {
	c.In("synchronization state", func(c *oxcdata.Coder) {
		magic := []byte(syncMagic)
		c.Fixed(magic)
		if string(magic) != syncMagic {
			c.Fail("this is no state, or of a later version")
			return
		}
		c.GUID(&x.mailbox)
		c.GlobalID(&x.folder)
		c.U8(&x.kind)
		for _, t := range stateTags {
			var b []byte
			set := x.sets.Set(t)
			if c.Encoding() && *set != nil {
				b = (*set).Bytes()
			}
			c.Bytes32(&b)
			if c.Encoding() || c.Err() != nil || len(b) == 0 {
				continue
			}
			got, err := oxcfxics.DecodeGUIDSet(b)
			if err != nil {
				c.Fail(err.Error())
				return
			}
			*set = got
		}
		list := x.sorted()
		oxcdata.List32(c, &list, 24, func(c *oxcdata.Coder, f *foreignKey) {
			c.GlobalID(&f.id)
			c.Bytes16(&f.key)
		})
		if !c.Encoding() {
			for _, f := range list {
				x.foreign[f.id] = f.key
			}
		}
	})
}

// newState is the state of a client that has nothing of a folder.
func (f *folder) newState(kind uint8) *syncState {
	return &syncState{mailbox: f.st.ids.mailbox, folder: f.lid.GlobalID, kind: kind, foreign: map[oxcdata.GlobalID][]byte{}}
}

// readState reads a state that must be one of the folder.
func (f *folder) readState(kind uint8, b []byte) (*syncState, error) {
	want := f.newState(kind)
	if len(b) == 0 {
		return want, nil
	}
	x := syncState{foreign: map[oxcdata.GlobalID][]byte{}}
	err := oxcdata.Decode(oxcdata.Wide, b, x.code)
	if err != nil || x.mailbox != want.mailbox || x.folder != want.folder || x.kind != kind {
		return nil, &mapi.Error{Op: "synchronize", Code: mapi.ErrInvalidParameter, Err: mapi.ErrSyncState}
	}
	return &x, nil
}

func (x *syncState) bytes() ([]byte, error) { return oxcdata.Encode(oxcdata.Wide, x.code) }

// doubt takes the changes out of a state that the server cannot have made yet: gromox says of a folder in which nothing was
// marked as read that all such changes were seen, the future ones too, and would never tell of one.
func (x *syncState) doubt() {
	for _, t := range stateTags {
		set := *x.sets.Set(t)
		if set == nil {
			continue
		}
		sound := &oxcfxics.GUIDSet{}
		for replica, ids := range set.All() {
			sound.Add(replica, slices.DeleteFunc(slices.Clone(ids), func(r oxcfxics.Range) bool { return r.High == lastCounter }))
		}
		*x.sets.Set(t) = sound
	}
}

// lastCounter is what a replica would give out last.
const lastCounter = 1<<48 - 1

// given counts the objects that the client has.
func (x *syncState) given() (n uint64) {
	if x.sets.IdsetGiven != nil {
		for _, ids := range x.sets.IdsetGiven.All() {
			n += ids.Count()
		}
	}
	return n
}

// sorted are the foreign keys by id, so that equal states are equal bytes.
func (x *syncState) sorted() []foreignKey {
	list := make([]foreignKey, 0, len(x.foreign))
	for id, key := range x.foreign {
		list = append(list, foreignKey{id, key})
	}
	slices.SortFunc(list, func(a, b foreignKey) int {
		return cmp.Or(bytes.Compare(a.id.Replica[:], b.id.Replica[:]), cmp.Compare(a.id.Counter, b.id.Counter))
	})
	return list
}

// sourceKey is the source key of an object that the client has.
func (x *syncState) sourceKey(id oxcdata.GlobalID) []byte {
	if key, ok := x.foreign[id]; ok {
		return key
	}
	return oxcfxics.NewXID(id).Bytes()
}

// learn notes the source key of an object.
func (x *syncState) learn(id oxcdata.GlobalID, key []byte) {
	if len(key) == 0 || bytes.Equal(key, oxcfxics.NewXID(id).Bytes()) {
		delete(x.foreign, id)
	} else {
		x.foreign[id] = key
	}
}

// forget drops the source keys of objects that the client no longer has.
func (x *syncState) forget() {
	for id := range x.foreign {
		if x.sets.IdsetGiven == nil || !x.sets.IdsetGiven.Contains(id.Replica, id.Counter) {
			delete(x.foreign, id)
		}
	}
}

// maxStateData is how much of a state goes into one request, with what belongs to it. Tests have less.
var maxStateData = 24 << 10

// requests are the uploads of a state to a context in a slot. A set that is too large for one request comes in several
// of them.
func (x *syncState) requests(slot uint8) (list []oxcrops.Request) {
	for _, t := range stateTags {
		set := *x.sets.Set(t)
		if set == nil || set.IsEmpty() {
			continue
		}
		b := set.Bytes()
		list = append(list, &oxcrops.SynchronizationUploadStateStreamBeginRequest{In: slot, StateProperty: t, TransferBufferSize: uint32(len(b))})
		for len(b) > 0 {
			n := min(len(b), maxStateData)
			list = append(list, &oxcrops.SynchronizationUploadStateStreamContinueRequest{In: slot, StreamData: b[:n]})
			b = b[n:]
		}
		list = append(list, &oxcrops.SynchronizationUploadStateStreamEndRequest{In: slot})
	}
	return list
}

// size is what they take.
func (x *syncState) size() (n int) {
	const framing = 3*4 + 8 + 4
	for _, t := range stateTags {
		if set := *x.sets.Set(t); set != nil && !set.IsEmpty() {
			n += framing + len(set.Bytes())
		}
	}
	return n
}
