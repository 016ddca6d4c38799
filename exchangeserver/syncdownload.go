package exchangeserver

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// syncDownload is a download of changes ([MS-OXCFXICS] 3.2.5.9.1).
type syncDownload struct {
	*syncContext
	conf  oxcrops.SynchronizationConfigureRequest
	where mapi.Restriction
	sel   *selection
	all   *selection                     // of FAI messages, for which the selection may not hold
	out   *source                        // nil until the first buffer is asked for
	after atomic.Pointer[oxcfxics.State] // set at the end of the stream
}

func (d *syncDownload) close() {
	if d.out != nil {
		d.out.close()
	}
}

// configureSync is RopSynchronizationConfigure ([MS-OXCFXICS] 3.2.5.9.1.1).
func (c *call) configureSync(q *oxcrops.SynchronizationConfigureRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	unicode := q.SynchronizationFlags&oxcrops.SyncUnicode != 0
	switch {
	case q.SynchronizationType != oxcrops.SyncContents && q.SynchronizationType != oxcrops.SyncHierarchy:
		return nil, errorf(mapi.ErrInvalidParameter, "synchronization type %d", q.SynchronizationType)
	case unicode != (q.SendOptions&oxcrops.SendUnicode != 0): // [MS-OXCFXICS] 2.2.3.2.1.1.1
		return nil, errorf(mapi.ErrInvalidParameter, "strings of one kind in the flags and of another in the options")
	case len(q.BadRestriction) > 0 || q.RestrictionData != nil && q.SynchronizationType == oxcrops.SyncHierarchy:
		return nil, errorf(mapi.ErrInvalidParameter, "restriction")
	}
	x, err := newSyncContext(f)
	if err != nil {
		return nil, err
	}
	d := &syncDownload{syncContext: x, conf: *q, all: &selection{}}
	if d.sel, err = f.lg.selection(c, q.Tags, q.SynchronizationFlags&oxcrops.SyncOnlySpecifiedProperties != 0, 0); err != nil {
		return nil, err
	}
	if q.RestrictionData != nil {
		if d.where, err = f.lg.restriction(c, q.RestrictionData); err != nil {
			return nil, err
		}
	}
	return nil, c.put(q.Out, f.lg, d)
}

func (d *syncDownload) flag(f uint16) bool  { return d.conf.SynchronizationFlags&f != 0 }
func (d *syncDownload) extra(f uint32) bool { return d.conf.SynchronizationExtraFlags&f != 0 }

// begin starts the stream, unless it has begun.
func (d *syncDownload) begin(c *call) (*source, error) {
	if d.property != 0 {
		return nil, errorf(mapi.ErrCallFailed, "the upload of the state has no end")
	}
	if d.out != nil {
		return d.out, nil
	}
	write := d.contents
	if d.conf.SynchronizationType == oxcrops.SyncHierarchy {
		write = d.hierarchy
	}
	d.out = c.newSource(d.folder.lg, d.conf.SendOptions, pages{}, func(ctx context.Context, w *oxcfxics.Writer, form textForm) error {
		return write(ctx, c.s, w, form)
	})
	return d.out, nil
}

// finish writes the new state and the end of the stream.
func (d *syncDownload) finish(p *oxcfxics.PartWriter, after *oxcfxics.State) error {
	if err := p.Write(after); err != nil {
		return err
	}
	err := p.Close()
	if err == nil {
		d.after.Store(after)
	}
	return err
}

// seen are the change numbers that a client has seen after the download, of those it had: all up to last.
func (d *syncDownload) seen(had *oxcfxics.GUIDSet, last ID) *oxcfxics.GUIDSet {
	s := &oxcfxics.GUIDSet{}
	s.AddAll(had)
	if g, ok := d.folder.lg.global(last); ok && last.Counter() > 0 {
		s.Add(g.Replica, oxcfxics.RangeSet{{Low: 1, High: last.Counter()}})
	}
	return s
}

// listing is what a download of contents found.
type listing struct {
	changed      []ItemState
	there, scope oxcfxics.GUIDSet // items of the folder, and those that the client asked for
	read, unread oxcfxics.GUIDSet
	after        oxcfxics.State
}

// list compares the folder with the client's state ([MS-OXCFXICS] 3.2.5.3).
func (d *syncDownload) list(ctx context.Context) (*listing, error) {
	lg := d.folder.lg
	last, err := d.box.LastChange(ctx) // before the list: what changes meanwhile isn't seen
	if err != nil {
		return nil, err
	}
	matching, err := d.matching(ctx)
	if err != nil {
		return nil, err
	}
	l := &listing{}
	if d.flag(oxcrops.SyncNormal) {
		l.after.CnsetSeen = d.seen(d.state.CnsetSeen, last)
	}
	if d.flag(oxcrops.SyncFAI) {
		l.after.CnsetSeenFAI = d.seen(d.state.CnsetSeenFAI, last)
	}
	if d.flag(oxcrops.SyncReadState) {
		l.after.CnsetRead = d.seen(d.state.CnsetRead, last)
	}
	given := d.state.IdsetGiven
	for x, err := range d.box.ItemChanges(ctx, d.folder.fid) {
		if err != nil {
			return nil, err
		}
		lg.insert(&l.there, x.ID)
		had, after := d.state.CnsetSeen, l.after.CnsetSeen
		if x.Kind == mapi.Associated {
			had, after = d.state.CnsetSeenFAI, l.after.CnsetSeenFAI
		}
		if after == nil || matching != nil && !matching[x.ID] {
			continue
		}
		lg.insert(&l.scope, x.ID)
		lg.insert(after, x.CN)
		if l.after.CnsetRead != nil {
			lg.insert(l.after.CnsetRead, x.ReadCN)
		}
		switch {
		case !lg.contains(had, x.CN) || !given.IsEmpty() && !lg.contains(given, x.ID):
			l.changed = append(l.changed, x)
		case x.Kind == mapi.Associated || lg.contains(d.state.CnsetRead, x.ReadCN):
		case x.Read:
			lg.insert(&l.read, x.ID)
		default:
			lg.insert(&l.unread, x.ID)
		}
	}
	l.after.IdsetGiven = &l.scope
	if d.extra(oxcrops.SyncExtraOrderByDeliveryTime) {
		return l, d.byDelivery(ctx, l)
	}
	return l, nil
}

// matching are the items that the client's restriction lets through, nil without one.
func (d *syncDownload) matching(ctx context.Context) (map[ID]bool, error) {
	if d.where == nil {
		return nil, nil
	}
	m := map[ID]bool{}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		for r, err := range d.folder.dir.Rows(ctx, mapi.Query{Kind: k, Where: d.where}) {
			if err != nil {
				return nil, err
			}
			_, mid, err := d.folder.lg.box.MessageID(r.ID)
			if err != nil {
				return nil, err
			}
			m[mid] = true
		}
	}
	return m, nil
}

// byDelivery puts the newest mail first.
func (d *syncDownload) byDelivery(ctx context.Context, l *listing) error {
	place := map[ID]int{}
	q := mapi.Query{Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Descending: true}}}
	for r, err := range d.folder.dir.Rows(ctx, q) {
		if err != nil {
			return err
		}
		if _, mid, err := d.folder.lg.box.MessageID(r.ID); err == nil {
			place[mid] = len(place) + 1
		}
	}
	slices.SortStableFunc(l.changed, func(a, b ItemState) int { return cmp.Compare(place[a.ID], place[b.ID]) })
	return nil
}

// contents writes contentsSync ([MS-OXCFXICS] 2.2.4.3.4).
func (d *syncDownload) contents(ctx context.Context, s *session, w *oxcfxics.Writer, form textForm) error {
	lg := d.folder.lg
	l, err := d.list(ctx)
	if err != nil {
		return err
	}
	w.Total(len(l.changed))
	p := oxcfxics.NewPartWriter(w, oxcfxics.RootContents)
	if d.flag(oxcrops.SyncProgress) {
		var total oxcfxics.ProgressInformation
		for _, x := range l.changed {
			if x.Kind == mapi.Associated {
				total.FAIMessageCount++
				total.FAIMessageTotalSize += uint64(x.Size)
			} else {
				total.NormalMessageCount++
				total.NormalMessageTotalSize += uint64(x.Size)
			}
		}
		if err := p.Write(&total); err != nil {
			return err
		}
	}
	for _, x := range l.changed {
		there, err := d.message(ctx, s, p, form, x)
		if err != nil {
			return err
		}
		if g, ok := lg.global(x.ID); ok && !there {
			l.scope.Remove(g.Replica, g.Counter)
			l.there.Remove(g.Replica, g.Counter)
		}
	}
	if !d.flag(oxcrops.SyncNoDeletions) {
		gone := &oxcfxics.Deletions{Deleted: lg.local(ctx, without(d.state.IdsetGiven, &l.there))}
		if !d.flag(oxcrops.SyncIgnoreNoLongerInScope) {
			gone.NoLongerInScope = lg.local(ctx, without(common(d.state.IdsetGiven, &l.there), &l.scope))
		}
		if gone.Deleted != nil || gone.NoLongerInScope != nil {
			if err := p.Write(gone); err != nil {
				return err
			}
		}
	}
	if d.flag(oxcrops.SyncReadState) && !(l.read.IsEmpty() && l.unread.IsEmpty()) {
		if err := p.Write(&oxcfxics.ReadStates{Read: lg.local(ctx, &l.read), Unread: lg.local(ctx, &l.unread)}); err != nil {
			return err
		}
	}
	return d.finish(p, &l.after)
}

// without is what is in a set and not in another.
func without(s, o *oxcfxics.GUIDSet) *oxcfxics.GUIDSet {
	rest := &oxcfxics.GUIDSet{}
	for g, ids := range s.All() {
		ids = slices.Clone(ids)
		for _, r := range o.Ranges(g) {
			ids.Remove(r)
		}
		rest.Add(g, ids)
	}
	return rest
}

// common is what is in both sets.
func common(s, o *oxcfxics.GUIDSet) *oxcfxics.GUIDSet {
	both := &oxcfxics.GUIDSet{}
	for g, ids := range s.All() {
		both.Add(g, ids.Intersect(o.Ranges(g)))
	}
	return both
}

// header are properties that stand in the header of a change and not in its content, or mean nothing to the client.
var header = map[mapi.Tag]bool{
	pid.TagSourceKey: true, pid.TagChangeKey: true, pid.TagPredecessorChangeList: true, pid.TagLastModificationTime: true,
	pid.TagAssociated: true, pid.TagMid: true, pid.TagMessageSize: true, pid.TagChangeNumber: true, pid.TagFolderId: true,
	pid.TagEntryId: true, pid.TagParentEntryId: true, pid.TagParentSourceKey: true, pid.TagRecordKey: true, pid.TagInstanceKey: true,
	pid.TagStoreEntryId: true, pid.TagStoreRecordKey: true, pid.TagMappingSignature: true,
}

// message writes an item that changed; it reports whether it was there still.
func (d *syncDownload) message(ctx context.Context, s *session, p *oxcfxics.PartWriter, form textForm, x ItemState) (bool, error) {
	v, err := d.box.Version(ctx, d.folder.fid, x.ID)
	if errors.Is(err, mapi.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	fai := x.Kind == mapi.Associated
	props := mapi.Props{}
	add := func(t mapi.Tag, v mapi.Value) { props = append(props, mapi.Prop{Key: mapi.TagKey(t), Value: v}) }
	add(pid.TagSourceKey, v.SourceKey)
	add(pid.TagLastModificationTime, v.Modified)
	add(pid.TagChangeKey, v.ChangeKey)
	add(pid.TagPredecessorChangeList, v.PCL)
	add(pid.TagAssociated, fai)
	if d.extra(oxcrops.SyncExtraEid) {
		add(pid.TagMid, int64(x.ID.wire()))
	}
	size := int32(min(v.Size, 1<<31-1))
	if d.extra(oxcrops.SyncExtraMessageSize) {
		add(pid.TagMessageSize, size)
	}
	if d.extra(oxcrops.SyncExtraCN) {
		add(pid.TagChangeNumber, int64(v.CN.wire()))
	}
	sink := &lateMessage{p: p, message: &oxcfxics.Message{Header: props}}
	if d.flag(oxcrops.SyncProgress) {
		sink.progress = &oxcfxics.MessageProgress{Size: size, FAI: fai}
	}
	sel := d.sel
	if fai && d.flag(oxcrops.SyncIgnoreSpecifiedOnFAI) {
		sel = d.all
	}
	to := &filter{ItemSink: sink, skip: func(k mapi.Key) bool { return !k.Named() && header[k.Tag] || !sel.has(k) },
		noRecips: !sel.part(pid.TagMessageRecipients), noAttach: !sel.part(pid.TagMessageAttachments)}
	id := d.folder.lg.box.MessageEntryID(d.folder.fid, x.ID)
	read := func(ctx context.Context, to mapi.ItemSink) error { return d.folder.dir.Read(ctx, id, to) }
	err = s.inForm(form, read)(ctx, to)
	if errors.Is(err, mapi.ErrNotFound) && sink.ItemSink == nil {
		return false, nil
	}
	if err == nil {
		err = sink.begin() // if none of its properties was wanted
	}
	return true, err
}

// hierarchy writes hierarchySync ([MS-OXCFXICS] 2.2.4.3.10).
func (d *syncDownload) hierarchy(ctx context.Context, _ *session, w *oxcfxics.Writer, _ textForm) error {
	lg := d.folder.lg
	last, err := d.box.LastChange(ctx)
	if err != nil {
		return err
	}
	there := &oxcfxics.GUIDSet{}
	after := &oxcfxics.State{IdsetGiven: there, CnsetSeen: d.seen(d.state.CnsetSeen, last)}
	var changed []FolderState
	for x, err := range d.box.FolderChanges(ctx, d.folder.fid) {
		if err != nil {
			return err
		}
		lg.insert(there, x.ID)
		lg.insert(after.CnsetSeen, x.CN)
		if !lg.contains(d.state.CnsetSeen, x.CN) || !d.state.IdsetGiven.IsEmpty() && !lg.contains(d.state.IdsetGiven, x.ID) {
			changed = append(changed, x)
		}
	}
	p := oxcfxics.NewPartWriter(w, oxcfxics.RootHierarchy)
	keys := map[ID][]byte{d.folder.fid: {}} // of those directly below it is empty, [MS-OXCFXICS] 2.2.4.3.5
	for _, x := range changed {
		found, err := d.folderChange(ctx, p, x, keys)
		if err != nil {
			return err
		}
		if g, ok := lg.global(x.ID); ok && !found {
			there.Remove(g.Replica, g.Counter)
		}
	}
	if gone := lg.local(ctx, without(d.state.IdsetGiven, there)); gone != nil && !d.flag(oxcrops.SyncNoDeletions) {
		if err := p.Write(&oxcfxics.Deletions{Deleted: gone}); err != nil {
			return err
		}
	}
	return d.finish(p, after)
}

func sourceKeyOf(ctx context.Context, lg *logon, fid ID) ([]byte, error) {
	dir, err := lg.box.Folder(ctx, lg.box.FolderEntryID(fid))
	if err != nil {
		return nil, err
	}
	props, err := dir.Props(ctx)
	key, _ := props.Tag(pid.TagSourceKey).([]byte)
	return key, err
}

// folderChange writes a folder that changed; it reports whether it was there still. keys are source keys of folders above.
func (d *syncDownload) folderChange(ctx context.Context, p *oxcfxics.PartWriter, x FolderState, keys map[ID][]byte) (bool, error) {
	lg := d.folder.lg
	dir, err := lg.box.Folder(ctx, lg.box.FolderEntryID(x.ID))
	if errors.Is(err, mapi.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	props, err := dir.Props(ctx)
	if err != nil {
		return false, err
	}
	if _, known := keys[x.Parent]; !known {
		keys[x.Parent], err = sourceKeyOf(ctx, lg, x.Parent)
		if err != nil {
			return false, err
		}
	}
	out := mapi.Props{{Key: mapi.TagKey(pid.TagParentSourceKey), Value: keys[x.Parent]}}
	for _, t := range []mapi.Tag{pid.TagSourceKey, pid.TagLastModificationTime, pid.TagChangeKey, pid.TagPredecessorChangeList, pid.TagDisplayName} {
		out = append(out, mapi.Prop{Key: mapi.TagKey(t), Value: props.Tag(t)})
	}
	if d.extra(oxcrops.SyncExtraEid) {
		out = append(out, mapi.Prop{Key: mapi.TagKey(pid.TagFolderId), Value: int64(x.ID.wire())},
			mapi.Prop{Key: mapi.TagKey(pid.TagParentFolderId), Value: int64(x.Parent.wire())})
	}
	for _, p := range props {
		if out.Get(p.Key) == nil && !isReadOnly(p.Key) && d.sel.has(p.Key) {
			out = append(out, p)
		}
	}
	return true, p.Write(&oxcfxics.FolderChange{Props: out})
}
