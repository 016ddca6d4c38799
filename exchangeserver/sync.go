package exchangeserver

import (
	"context"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// syncContext is what downloads and uploads of changes have in common: a folder, and the client's state ([MS-OXCFXICS]
// 3.2.1).
type syncContext struct {
	folder *folder
	box    Synchronized
	state  oxcfxics.State

	property mapi.Tag // of which a stream is being uploaded; 0: none
	stream   []byte
}

func (x *syncContext) close() {}

func (x *syncContext) context() *syncContext { return x }

// synced is an object that has a syncContext.
type synced interface{ context() *syncContext }

func newSyncContext(f *folder) (*syncContext, error) {
	box, ok := f.lg.box.(Synchronized)
	if !ok {
		return nil, mapi.ErrNoSupport
	}
	x := &syncContext{folder: f, box: box}
	x.state = oxcfxics.State{IdsetGiven: &oxcfxics.GUIDSet{}, CnsetSeen: &oxcfxics.GUIDSet{}, CnsetSeenFAI: &oxcfxics.GUIDSet{}, CnsetRead: &oxcfxics.GUIDSet{}}
	return x, nil
}

// maxStateStream bounds a property of the state: ids with gaps between them take two or three bytes each.
const maxStateStream = 8 << 20

// stateBegin is RopSynchronizationUploadStateStreamBegin ([MS-OXCFXICS] 3.2.5.9.2.1).
func (c *call) stateBegin(q *oxcrops.SynchronizationUploadStateStreamBeginRequest) (oxcrops.Response, error) {
	o, err := get[synced](c, q.In)
	if err != nil {
		return nil, err
	}
	x := o.context()
	if d, ok := o.(*syncDownload); ok && d.out != nil || x.property != 0 {
		return nil, errorf(mapi.ErrCallFailed, "no state can be uploaded now")
	}
	if x.state.Set(q.StateProperty) == nil || q.TransferBufferSize > maxStateStream {
		return nil, errorf(mapi.ErrInvalidParameter, "a state of %v, %d bytes", q.StateProperty, q.TransferBufferSize)
	}
	x.property, x.stream = q.StateProperty, nil
	return nil, nil
}

// stateContinue is RopSynchronizationUploadStateStreamContinue ([MS-OXCFXICS] 3.2.5.9.2.2).
func (c *call) stateContinue(q *oxcrops.SynchronizationUploadStateStreamContinueRequest) (oxcrops.Response, error) {
	o, err := get[synced](c, q.In)
	if err != nil {
		return nil, err
	}
	x := o.context()
	if x.property == 0 {
		return nil, errorf(mapi.ErrCallFailed, "no state is being uploaded")
	}
	if len(x.stream)+len(q.StreamData) > maxStateStream {
		return nil, mapi.ErrNoMemory
	}
	x.stream = append(x.stream, q.StreamData...)
	return nil, nil
}

// stateEnd is RopSynchronizationUploadStateStreamEnd ([MS-OXCFXICS] 3.2.5.9.2.3).
func (c *call) stateEnd(q *oxcrops.SynchronizationUploadStateStreamEndRequest) (oxcrops.Response, error) {
	o, err := get[synced](c, q.In)
	if err != nil {
		return nil, err
	}
	x := o.context()
	if x.property == 0 {
		return nil, errorf(mapi.ErrCallFailed, "no state is being uploaded")
	}
	set, err := oxcfxics.DecodeGUIDSet(x.stream)
	if err == nil {
		*x.state.Set(x.property) = set
	}
	x.property, x.stream = 0, nil
	return nil, err
}

// transferState is RopSynchronizationGetTransferState ([MS-OXCFXICS] 3.2.5.9.3.1): of an upload the state with what was
// imported, of a download the one that it began with or, when all of it was fetched, ended with.
func (c *call) transferState(q *oxcrops.SynchronizationGetTransferStateRequest) (oxcrops.Response, error) {
	o, err := get[synced](c, q.In)
	if err != nil {
		return nil, err
	}
	x := o.context()
	state := x.state
	if d, ok := o.(*syncDownload); ok {
		if after := d.after.Load(); after != nil {
			state = *after
		}
	}
	// Sets are bytes now: what is imported later changes them.
	sets := oxcfxics.State{}
	for _, t := range []mapi.Tag{pid.MetaTagIdsetGiven, pid.MetaTagCnsetSeen, pid.MetaTagCnsetSeenFAI, pid.MetaTagCnsetRead} {
		if set := *state.Set(t); set != nil {
			*sets.Set(t) = &oxcfxics.GUIDSet{}
			(*sets.Set(t)).AddAll(set)
		}
	}
	src := c.newSource(x.folder.lg, 0, pages{}, func(_ context.Context, w *oxcfxics.Writer, _ textForm) error {
		p := oxcfxics.NewPartWriter(w, oxcfxics.RootState)
		if err := p.Write(&sets); err != nil {
			return err
		}
		return p.Close()
	})
	return nil, c.put(q.Out, x.folder.lg, src)
}

// global is an id in its lasting form; ok is false for one of a replica that the mailbox doesn't know.
func (lg *logon) global(id ID) (g oxcdata.GlobalID, ok bool) {
	g.Counter = id.Counter()
	g.Replica, ok = lg.box.ReplicaGUID(id.Replica())
	return g, ok
}

// insert puts an id into a set of lasting ones.
func (lg *logon) insert(s *oxcfxics.GUIDSet, id ID) {
	if g, ok := lg.global(id); ok {
		s.Insert(g.Replica, g.Counter)
	}
}

func (lg *logon) contains(s *oxcfxics.GUIDSet, id ID) bool {
	g, ok := lg.global(id)
	return ok && s.Contains(g.Replica, g.Counter)
}

// local is a set of lasting ids in the form for deletions, nil when it is empty.
func (lg *logon) local(ctx context.Context, s *oxcfxics.GUIDSet) *oxcfxics.ReplIDSet {
	if s.IsEmpty() {
		return nil
	}
	out := &oxcfxics.ReplIDSet{}
	for g, ids := range s.All() {
		if replica, err := lg.box.ReplicaID(ctx, g, false); err == nil {
			out.Add(replica, ids)
		}
	}
	return out
}
