package exchange

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Incremental change synchronization ([MS-OXCFXICS] 3.3.5). The changes of several folders are asked for in one request:
// most folders have none, and then one small answer for each says so.

var _ mapi.Synchronizer = (*Store)(nil)

const (
	syncExtra = oxcrops.SyncExtraEid | oxcrops.SyncExtraMessageSize
	// probeBuffer is the first buffer of a folder, beside room for its state: enough to say that nothing changed.
	probeBuffer = 2 << 10
	// probeRoom is what the first buffers of all folders of a request may fill: what fits an answer of 32 KiB.
	probeRoom = 28 << 10
	// requestsPerSession is how many requests make another session worth the calls that open it.
	requestsPerSession = 4
	syncFraming        = 128 // of the requests for a folder, beside its state
	// mostGone bounds the objects that a server may say are gone or read, of which a set names many in few bytes.
	mostGone = 1 << 25
)

// syncing is a folder being synchronized.
type syncing struct {
	*folder
	state *syncState
	fresh uint8 // slot of the context that the batch makes
	from  *download
	err   error
}

// begin adds the requests that begin it to a batch, up to the first buffer.
func (x *syncing) begin(ctx context.Context, s *session, b *batch, conf oxcrops.SynchronizationConfigureRequest, alone bool) error {
	in, err := x.open(ctx, s, b)
	if err != nil {
		return err
	}
	x.fresh = b.out()
	conf.In, conf.Out = in, x.fresh
	b.add(&conf)
	upload := x.state.requests(x.fresh)
	for _, q := range upload {
		b.add(q)
	}
	first := getBuffer(x.fresh)
	if !alone {
		first = &oxcrops.FastTransferSourceGetBufferRequest{In: x.fresh, BufferSize: uint16(x.state.size() + probeBuffer)}
	}
	b.add(first)
	return nil
}

// beginLarge is begin for a state that doesn't fit one request. What is left to be done is put into b.
func (x *syncing) beginLarge(ctx context.Context, s *session, b *batch, conf oxcrops.SynchronizationConfigureRequest) error {
	var made batch
	in, err := x.open(ctx, s, &made)
	if err != nil {
		return err
	}
	conf.In, conf.Out = in, made.out()
	made.add(&conf)
	res, err := s.execute(ctx, &made)
	if err != nil {
		return err
	}
	s.free(res.at(in))
	h := res.at(conf.Out)
	x.from = &download{ctx: ctx, s: s, h: h, made: []handle{h}}
	if err := res.check("synchronize"); err != nil {
		return err
	}
	upload := x.state.requests(0)
	for _, q := range upload {
		var one batch
		one.in(h) // slot 0
		one.add(q)
		if res, err = s.execute(ctx, &one); err != nil {
			return err
		}
		if err := res.check("synchronize"); err != nil {
			return err
		}
	}
	b.add(getBuffer(b.in(h)))
	return nil
}

// startSyncs begins to synchronize folders in one request. It fails only with what concerns all of them.
func startSyncs(ctx context.Context, s *session, list []*syncing, conf oxcrops.SynchronizationConfigureRequest) error {
	var b batch
	ends := make([]int, len(list)) // requests up to the end of each
	for i, x := range list {
		var err error
		if x.state.size() > maxStateData {
			err = x.beginLarge(ctx, s, &b, conf)
		} else {
			err = x.begin(ctx, s, &b, conf, len(list) == 1)
		}
		if x.err = err; err != nil && (s.broken || ctx.Err() != nil) {
			return err
		}
		ends[i] = len(b.reqs)
	}
	if len(b.reqs) == 0 {
		return nil
	}
	res, err := s.execute(ctx, &b)
	if err != nil {
		return err
	}
	answers := slices.DeleteFunc(slices.Clone(res.resps), func(x oxcrops.Response) bool {
		switch x.RopID() {
		case oxcrops.RopNotify, oxcrops.RopPending, oxcrops.RopBackoff:
			return true
		}
		return false
	})
	at := 0
	for i, x := range list {
		mine := answers[min(at, len(answers)):min(ends[i], len(answers))]
		if i == len(list)-1 {
			mine = answers[min(at, len(answers)):] // with packed buffers
		}
		if at = ends[i]; x.err != nil {
			continue
		}
		if x.from == nil {
			x.from = &download{ctx: ctx, s: s, h: res.at(x.fresh), made: []handle{res.at(x.fresh)}}
			s.free(res.at(x.fresh - 1)) // the folder
		}
		part := &result{resps: mine}
		if x.err = part.check("synchronize"); x.err == nil {
			x.err = x.from.take(part)
		}
	}
	return nil
}

// end lets go of what was opened.
func (x *syncing) end() {
	if x.from != nil {
		x.from.close()
	}
}

// settle makes the new state of what the server gave.
func (x *syncing) settle(got *oxcfxics.State) ([]byte, error) {
	if got == nil {
		return nil, &mapi.Error{Op: "synchronize", Code: mapi.ErrCorruptData, Err: errors.New("the changes end without a state")}
	}
	x.state.sets = *got
	x.state.doubt()
	x.state.forget()
	return x.state.bytes()
}

// global is the lasting form of an id on the wire.
func (x *syncing) global(ctx context.Context, id oxcdata.ID) (oxcdata.GlobalID, error) {
	l, err := x.st.longTerm(ctx, x.from.s, id)
	return l.GlobalID, err
}

// each runs do for all objects of a set that the client has.
func (x *syncing) each(ctx context.Context, set *oxcfxics.ReplIDSet, do func(oxcdata.GlobalID)) error {
	have := x.state.sets.IdsetGiven
	if set == nil || have == nil {
		return nil
	}
	for replica, ids := range set.All() {
		if len(ids) == 0 {
			continue
		}
		first, err := x.global(ctx, oxcdata.NewID(replica, ids[0].Low))
		if err != nil {
			return err
		}
		ids = ids.Intersect(have.Ranges(first.Replica))
		if ids.Count() > mostGone {
			return &mapi.Error{Op: "synchronize", Code: mapi.ErrTooComplex, Err: fmt.Errorf("%d objects at once", ids.Count())}
		}
		for _, r := range ids {
			for c := r.Low; c <= r.High; c++ {
				do(oxcdata.GlobalID{Replica: first.Replica, Counter: c})
			}
		}
	}
	return nil
}

// SyncHierarchy implements mapi.Synchronizer.
func (st *Store) SyncHierarchy(ctx context.Context, below mapi.EntryID, state []byte) (*mapi.HierarchyChanges, error) {
	lid, err := parseFolder(below)
	if err != nil {
		return nil, err
	}
	f := &folder{st: st, id: below, lid: lid}
	var changes *mapi.HierarchyChanges
	err = st.reading(ctx, func(s *session) (err error) {
		changes, err = f.hierarchy(ctx, s, state)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("synchronize the folders: %w", err)
	}
	return changes, nil
}

func (f *folder) hierarchy(ctx context.Context, s *session, old []byte) (*mapi.HierarchyChanges, error) {
	state, err := f.readState(oxcrops.SyncHierarchy, old)
	if err != nil {
		return nil, err
	}
	x := &syncing{folder: f, state: state}
	conf := oxcrops.SynchronizationConfigureRequest{SynchronizationType: oxcrops.SyncHierarchy, SendOptions: sendForUpload,
		SynchronizationFlags: oxcrops.SyncUnicode, SynchronizationExtraFlags: syncExtra}
	if err := startSyncs(ctx, s, []*syncing{x}, conf); err != nil {
		return nil, err
	}
	defer x.end()
	if x.err != nil {
		return nil, x.err
	}
	changes := &mapi.HierarchyChanges{}
	var got *oxcfxics.State
	gone := func(id oxcdata.GlobalID) { changes.Deleted = append(changes.Deleted, x.state.sourceKey(id)) }
	for part, err := range oxcfxics.Parts(oxcfxics.NewReader(x.from), oxcfxics.RootHierarchy) {
		if err != nil {
			return nil, err
		}
		switch p := part.(type) {
		case *oxcfxics.FolderChange:
			c, err := x.folderChange(ctx, p.Props)
			if err != nil {
				return nil, err
			}
			changes.Folders = append(changes.Folders, c)
		case *oxcfxics.Deletions:
			if err := x.each(ctx, p.Deleted, gone); err != nil {
				return nil, err
			}
		case *oxcfxics.State:
			got = p
		}
	}
	changes.State, err = x.settle(got)
	return changes, err
}

func (x *syncing) folderChange(ctx context.Context, props mapi.Props) (c mapi.FolderChange, err error) {
	fid, ok := idOf(props.Tag(pid.TagFolderId))
	if !ok {
		return c, &mapi.Error{Op: "synchronize", Code: mapi.ErrCorruptData, Err: errors.New("a folder without its id")}
	}
	id, err := x.global(ctx, fid)
	if err != nil {
		return c, err
	}
	c = mapi.FolderChange{ID: x.st.folderEntryOf(oxcdata.LongTermID{GlobalID: id}), Parent: x.id, Name: props.Text(pid.TagDisplayName), Props: props}
	c.SourceKey, _ = props.Tag(pid.TagSourceKey).([]byte)
	c.ChangeKey, _ = props.Tag(pid.TagChangeKey).([]byte)
	if up, ok := idOf(props.Tag(pid.TagParentFolderId)); ok && up.Counter() != 0 {
		parent, err := x.global(ctx, up)
		if err != nil {
			return c, err
		}
		c.Parent = x.st.folderEntryOf(oxcdata.LongTermID{GlobalID: parent})
	}
	x.state.learn(id, c.SourceKey)
	return c, nil
}

// SyncContents implements mapi.Synchronizer.
func (st *Store) SyncContents(ctx context.Context, folders []mapi.SyncFolder) iter.Seq2[*mapi.ContentChanges, error] {
	return func(yield func(*mapi.ContentChanges, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		groups, results := make(chan []mapi.SyncFolder), make(chan syncResult)
		divided := syncGroups(folders)
		var workers sync.WaitGroup
		for range min(cap(st.slots), 1+len(divided)/requestsPerSession) {
			workers.Go(func() {
				for g := range groups {
					st.syncGroup(ctx, g, func(r syncResult) {
						select {
						case results <- r:
						case <-ctx.Done():
						}
					})
				}
			})
		}
		go func() {
			defer close(groups)
			for _, g := range divided {
				select {
				case groups <- g:
				case <-ctx.Done():
					return
				}
			}
		}()
		go func() {
			workers.Wait()
			close(results)
		}()
		defer func() {
			cancel()
			for range results {
			}
		}()
		left := len(folders)
		for r := range results {
			if !yield(r.changes, r.err) || r.err != nil {
				return
			}
			left--
		}
		if left > 0 && ctx.Err() != nil {
			yield(nil, ctx.Err())
		}
	}
}

type syncResult struct {
	changes *mapi.ContentChanges
	err     error
}

// syncGroups divides folders into requests.
func syncGroups(folders []mapi.SyncFolder) (groups [][]mapi.SyncFolder) {
	up, down := 0, 0 // bytes
	for _, q := range folders {
		cost, answer := len(q.State)+syncFraming, len(q.State)+probeBuffer
		n := len(groups)
		if n == 0 || up+cost > maxStateData || down+answer > probeRoom || (groups[n-1][0].Content == nil) != (q.Content == nil) {
			groups = append(groups, nil)
			n, up, down = n+1, 0, 0
		}
		groups[n-1] = append(groups[n-1], q)
		up, down = up+cost, down+answer
	}
	return groups
}

// syncGroup synchronizes some folders and gives the changes of each.
func (st *Store) syncGroup(ctx context.Context, group []mapi.SyncFolder, give func(syncResult)) {
	done := 0 // of group
	err := st.with(ctx, func(s *session) error {
		var list []*syncing
		for _, q := range group {
			x := &syncing{}
			lid, err := parseFolder(q.Folder)
			if err == nil {
				x.folder = &folder{st: st, id: q.Folder, lid: lid}
				x.state, err = x.readState(oxcrops.SyncContents, q.State)
			}
			if err != nil {
				x.err = err
			}
			list = append(list, x)
		}
		usable := slices.DeleteFunc(slices.Clone(list), func(x *syncing) bool { return x.err != nil })
		if err := startSyncs(ctx, s, usable, contentsRequest(group[0].Content != nil)); err != nil {
			return err
		}
		defer func() {
			for _, x := range usable {
				x.end()
			}
		}()
		for i, x := range list {
			if x.err != nil && x.state != nil && len(usable) > 1 && !s.broken { // the small buffer may be to blame
				x.end()
				x.from, x.err = nil, nil
				if err := startSyncs(ctx, s, []*syncing{x}, contentsRequest(group[0].Content != nil)); err != nil {
					return err
				}
			}
			c := &mapi.ContentChanges{Folder: group[i].Folder, Err: x.err}
			if c.Err == nil {
				c.Err = x.contents(ctx, group[i], c)
			}
			if c.Err != nil && (s.broken || ctx.Err() != nil) {
				return c.Err
			}
			if c.Err != nil {
				*c = mapi.ContentChanges{Folder: c.Folder, Err: fmt.Errorf("synchronize the items: %w", c.Err)}
			}
			done++
			give(syncResult{changes: c})
		}
		return nil
	})
	if err != nil {
		give(syncResult{err: fmt.Errorf("synchronize the items of %d folders: %w", len(group)-done, err)})
	}
}

// contentsRequest asks for the changes of a folder's items: of whole ones, or only which they are.
func contentsRequest(whole bool) oxcrops.SynchronizationConfigureRequest {
	q := oxcrops.SynchronizationConfigureRequest{SynchronizationType: oxcrops.SyncContents, SendOptions: sendForUpload,
		SynchronizationFlags:      oxcrops.SyncUnicode | oxcrops.SyncReadState | oxcrops.SyncFAI | oxcrops.SyncNormal,
		SynchronizationExtraFlags: syncExtra}
	if !whole {
		q.SynchronizationFlags |= oxcrops.SyncOnlySpecifiedProperties
		q.Tags = []mapi.Tag{pid.TagSearchKey, pid.TagMessageClass, pid.TagSubject, pid.TagSubjectPrefix, pid.TagNormalizedSubject}
	}
	return q
}

// contents reads the changes of a folder.
func (x *syncing) contents(ctx context.Context, q mapi.SyncFolder, c *mapi.ContentChanges) error {
	var got *oxcfxics.State
	r := oxcfxics.NewReader(x.from)
	for part, err := range oxcfxics.Parts(r, oxcfxics.RootContents) {
		if err != nil {
			return err
		}
		switch p := part.(type) {
		case *oxcfxics.Message:
			err = x.message(ctx, q, p, r, c)
		case *oxcfxics.Deletions:
			for _, set := range []*oxcfxics.ReplIDSet{p.Deleted, p.NoLongerInScope, p.Expired} {
				err = errors.Join(err, x.each(ctx, set, func(id oxcdata.GlobalID) {
					if !q.StateOnly {
						c.Deleted = append(c.Deleted, x.state.sourceKey(id))
					}
				}))
			}
		case *oxcfxics.ReadStates:
			if !q.StateOnly {
				err = errors.Join(x.each(ctx, p.Read, func(id oxcdata.GlobalID) { c.Read = append(c.Read, x.ref(id)) }),
					x.each(ctx, p.Unread, func(id oxcdata.GlobalID) { c.Unread = append(c.Unread, x.ref(id)) }))
			}
		case *oxcfxics.State:
			got = p
		}
		if err != nil {
			return err
		}
	}
	var err error
	c.State, err = x.settle(got)
	c.Given = x.state.given()
	return err
}

func (x *syncing) ref(id oxcdata.GlobalID) mapi.ItemRef {
	return mapi.ItemRef{ID: x.messageEntryOf(id), SourceKey: x.state.sourceKey(id)}
}

func (f *folder) messageEntryOf(id oxcdata.GlobalID) mapi.EntryID {
	e := oxcdata.MessageEntryID{Provider: f.st.ids.mailbox, Type: privateMessage, Folder: f.lid, Message: oxcdata.LongTermID{GlobalID: id}}
	return encodeID((*oxcdata.Coder).MessageEntryID, &e)
}

// message takes an item that changed. Of a partial one, which wasn't asked for, it only tells that it changed.
func (x *syncing) message(ctx context.Context, q mapi.SyncFolder, m *oxcfxics.Message, r *oxcfxics.Reader, c *mapi.ContentChanges) error {
	mid, ok := idOf(m.Header.Tag(pid.TagMid))
	if !ok {
		return &mapi.Error{Op: "synchronize", Code: mapi.ErrCorruptData, Err: errors.New("an item without its id")}
	}
	id, err := x.global(ctx, mid)
	if err != nil {
		return err
	}
	change := mapi.ItemChange{ItemRef: mapi.ItemRef{ID: x.messageEntryOf(id)}}
	change.SourceKey, _ = m.Header.Tag(pid.TagSourceKey).([]byte)
	x.state.learn(id, change.SourceKey)
	if q.StateOnly {
		return nil
	}
	change.SourceKey = x.state.sourceKey(id)
	change.Associated, _ = m.Header.Tag(pid.TagAssociated).(bool)
	change.ChangeKey, _ = m.Header.Tag(pid.TagChangeKey).([]byte)
	change.PredecessorChanges, _ = m.Header.Tag(pid.TagPredecessorChangeList).([]byte)
	change.LastModificationTime, _ = m.Header.Tag(pid.TagLastModificationTime).(mapi.FileTime)
	if n, ok := m.Header.Tag(pid.TagMessageSize).(int32); ok {
		change.Size = int64(n)
	}
	if q.Content != nil && !m.Partial {
		return x.whole(q, m, r, c, change)
	}
	if !m.Partial {
		var b mapi.ItemBuilder
		if err := m.Content(&b); err != nil {
			return err
		}
		props := b.Item.Props
		change.SearchKey, _ = props.Tag(pid.TagSearchKey).([]byte)
		change.Class = props.Text(pid.TagMessageClass)
		if change.Subject = props.Text(pid.TagSubject); change.Subject == "" {
			change.Subject = props.Text(pid.TagSubjectPrefix) + props.Text(pid.TagNormalizedSubject)
		}
	}
	c.Items = append(c.Items, change)
	return nil
}

// whole gives an item to the client's sink.
func (x *syncing) whole(q mapi.SyncFolder, m *oxcfxics.Message, r *oxcfxics.Reader, c *mapi.ContentChanges, change mapi.ItemChange) error {
	c.Items = append(c.Items, change)
	sink, err := q.Content(change)
	if sink == nil || err != nil {
		return err
	}
	t := newTextSink(sink, r)
	if err := m.Content(t); err != nil {
		return err
	}
	return t.release()
}
