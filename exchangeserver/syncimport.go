package exchangeserver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// collector is an upload of changes to a folder ([MS-OXCFXICS] 3.2.5.9.4). Its state grows with what is imported, so that the
// client isn't told of its own changes.
type collector struct {
	*syncContext
	contents bool
}

// openCollector is RopSynchronizationOpenCollector ([MS-OXCFXICS] 3.2.5.9.4.1).
func (c *call) openCollector(q *oxcrops.SynchronizationOpenCollectorRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	x, err := newSyncContext(f)
	if err != nil {
		return nil, err
	}
	return nil, c.put(q.Out, f.lg, &collector{x, q.IsContentsCollector})
}

// collector finds one for changes of contents, or of the hierarchy.
func (c *call) collector(i uint8, contents bool) (*collector, error) {
	x, err := get[*collector](c, i)
	if err == nil && x.contents != contents {
		err = errorf(mapi.ErrNoSupport, "the upload is one of the other kind")
	}
	return x, err
}

// change is what every imported change brings.
type change struct {
	sourceKey []byte
	modified  mapi.FileTime
	key       oxcfxics.XID
	pcl       oxcfxics.PCL
}

// readChange reads the values that an import must bring.
func readChange(values []oxcdata.TaggedValue) (ch change, err error) {
	var key, pcl []byte
	for _, v := range values {
		switch v.Tag {
		case pid.TagSourceKey:
			ch.sourceKey, _ = v.Value.([]byte)
		case pid.TagLastModificationTime:
			ch.modified, _ = v.Value.(mapi.FileTime)
		case pid.TagChangeKey:
			key, _ = v.Value.([]byte)
		case pid.TagPredecessorChangeList:
			pcl, _ = v.Value.([]byte)
		}
	}
	if len(ch.sourceKey) == 0 {
		return ch, errorf(mapi.ErrInvalidParameter, "a change without source key")
	}
	return ch, ch.decode(key, pcl)
}

func (ch *change) decode(key, pcl []byte) (err error) {
	if ch.key, err = oxcfxics.DecodeXID(key); err == nil {
		ch.pcl, err = oxcfxics.DecodePCL(pcl)
	}
	if err != nil {
		return &mapi.Error{Op: "import change", Code: mapi.ErrInvalidParameter, Err: err}
	}
	ch.pcl.Add(ch.key)
	return nil
}

// Outcomes of comparing a change with what is there ([MS-OXCFXICS] 3.1.5.6.1).
type relation uint8

const (
	newer    relation = iota // it was made on what is there
	known                    // what is there was made on it
	conflict                 // both were made apart
)

// compare compares a change with the version that is there, whose list gets what the change knows.
func (ch *change) compare(pcl []byte) (relation, error) {
	have, err := oxcfxics.DecodePCL(pcl)
	if err != nil {
		return 0, &mapi.Error{Op: "import change", Code: mapi.ErrCorruptData, Err: err}
	}
	switch {
	case have.Knows(ch.key):
		return known, nil
	case ch.pcl.Includes(have):
		return newer, nil
	}
	ch.pcl.Merge(have)
	return conflict, nil
}

// wins tells whether the change is the last of two in conflict ([MS-OXCFXICS] 3.1.5.6.2.2).
func (ch *change) wins(modified mapi.FileTime, key []byte) bool {
	c := cmp.Compare(ch.modified, modified)
	if c == 0 {
		c = bytes.Compare(ch.key.Bytes(), key)
	}
	return c > 0
}

// version is the change for the mailbox, as one of an object that has an id already, or of a new one.
func (ch *change) version(lg *logon, isNew bool) (v Version, err error) {
	v.ChangeKey, v.Modified = ch.key.Bytes(), ch.modified
	if v.PCL, err = ch.pcl.Bytes(); err != nil || !isNew {
		return v, err
	}
	return v, ch.identify(lg, &v)
}

// identify gives a new object its id, where the client took that from those that the mailbox reserved for it, or else its
// source key.
func (ch *change) identify(lg *logon, v *Version) error {
	x, err := oxcfxics.DecodeXID(ch.sourceKey)
	if err != nil {
		return &mapi.Error{Op: "import change", Code: mapi.ErrInvalidParameter, Err: err}
	}
	if id, ok := x.GlobalID(); ok && id.Replica == lg.ident.ReplicaGUID {
		v.ID = newID(lg.ident.Replica, id.Counter)
	} else {
		v.SourceKey = ch.sourceKey
	}
	return nil
}

// importedItem is a message that is being imported.
type importedItem struct {
	to      *collector
	fid     ID
	mid     ID // that is to be replaced; 0: it is new
	version Version
	apart   bool // it lost a conflict and goes elsewhere
}

func (i *importedItem) writer(ctx context.Context, k mapi.Kind) (w mapi.ItemWriter, err error) {
	if i.mid != 0 {
		w, err = i.to.box.ReplaceItem(ctx, i.fid, i.mid, i.version)
	} else {
		w, err = i.to.box.CreateItem(ctx, i.fid, k, i.version)
	}
	if err != nil {
		return nil, err
	}
	if err := w.Prop(mapi.TagKey(pid.TagLastModificationTime), i.version.Modified); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// saved notes in the state that the client has the change.
func (i *importedItem) saved(ctx context.Context, m *message) error {
	if i.apart {
		return nil
	}
	v, err := i.to.box.Version(ctx, i.fid, m.mid)
	if err != nil {
		return err
	}
	i.to.has(m.mid, v, m.kind)
	return nil
}

// has notes in the state that the client has a version of an item.
func (x *collector) has(mid ID, v Version, k mapi.Kind) {
	lg := x.folder.lg
	lg.insert(x.state.IdsetGiven, mid)
	if k == mapi.Associated {
		lg.insert(x.state.CnsetSeenFAI, v.CN)
		return
	}
	lg.insert(x.state.CnsetSeen, v.CN)
	lg.insert(x.state.CnsetRead, v.ReadCN)
}

// item finds an item of the collector's folder by source key: mapi.ErrNotFound where there was none, mapi.ErrSyncDeleted
// where there is none any longer.
func (x *collector) item(ctx context.Context, sourceKey []byte) (mid ID, v Version, err error) {
	fid, mid, err := x.box.FindItem(ctx, sourceKey)
	if errors.Is(err, mapi.ErrNotFound) {
		if was, e := x.box.WasDeleted(ctx, sourceKey); e != nil || was {
			return 0, v, cmp.Or(e, error(mapi.ErrSyncDeleted))
		}
	}
	if err != nil {
		return 0, v, err
	}
	if v, err = x.box.Version(ctx, fid, mid); err == nil && (v.Deleted || fid != x.folder.fid) {
		err = mapi.ErrSyncDeleted
	}
	return mid, v, err
}

// importMessage is RopSynchronizationImportMessageChange ([MS-OXCFXICS] 3.2.5.9.4.2).
func (c *call) importMessage(q *oxcrops.SynchronizationImportMessageChangeRequest) (oxcrops.Response, error) {
	x, err := c.collector(q.In, true)
	if err != nil {
		return nil, err
	}
	ch, err := readChange(q.Values)
	if err != nil {
		return nil, err
	}
	lg := x.folder.lg
	mid, have, err := x.item(c, ch.sourceKey)
	isNew := errors.Is(err, mapi.ErrNotFound)
	if err != nil && !isNew {
		return nil, err
	}
	in := &importedItem{to: x, fid: x.folder.fid, mid: mid}
	kind := mapi.Normal
	if q.ImportFlag&oxcrops.ImportAssociated != 0 {
		kind = mapi.Associated
	}
	if !isNew {
		how, err := ch.compare(have.PCL)
		switch {
		case err != nil:
			return nil, err
		case how == known:
			return nil, mapi.ErrSyncIgnore
		case how == conflict && q.ImportFlag&oxcrops.ImportFailOnConflict != 0:
			return nil, mapi.ErrSyncConflict
		case how == conflict:
			if err := c.resolve(x, in, &ch, have); err != nil {
				return nil, err
			}
		}
	}
	if in.apart {
		in.version = Version{Modified: ch.modified}
	} else if in.version, err = ch.version(lg, isNew); err != nil {
		return nil, err
	}
	m := &message{lg: lg, fid: in.fid, kind: kind, writable: true, spool: c.s.newSpool(), imported: in}
	if m.dir, err = lg.box.Folder(c, lg.box.FolderEntryID(in.fid)); err != nil {
		m.close()
		return nil, err
	}
	return &oxcrops.SynchronizationImportMessageChangeResponse{}, c.put(q.Out, lg, m)
}

// resolve settles a conflict: the last change counts, and the other version goes to the folder for conflicts, where there is
// one, so that nothing is lost ([MS-OXCFXICS] 3.1.5.6.2).
func (c *call) resolve(x *collector, in *importedItem, ch *change, have Version) error {
	lg := x.folder.lg
	aside, err := lg.box.Special(c, mapi.RoleConflicts)
	if errors.Is(err, mapi.ErrNotFound) {
		aside, err = x.folder.dir.ID(), nil
	}
	if err != nil {
		return err
	}
	if ch.wins(have.Modified, have.ChangeKey) {
		mover, ok := x.folder.dir.(Mover)
		if !ok {
			return mapi.ErrSyncConflict
		}
		_, err := mover.Copy(c, []mapi.EntryID{lg.box.MessageEntryID(in.fid, in.mid)}, aside)
		return err
	}
	in.apart, in.mid = true, 0
	in.fid, err = lg.box.FolderID(aside)
	return err
}

// importFolder is RopSynchronizationImportHierarchyChange ([MS-OXCFXICS] 3.2.5.9.4.3). Of two changes in conflict the last
// counts.
func (c *call) importFolder(q *oxcrops.SynchronizationImportHierarchyChangeRequest) (oxcrops.Response, error) {
	x, err := c.collector(q.In, false)
	if err != nil {
		return nil, err
	}
	ch, err := readChange(q.HierarchyValues)
	if err != nil {
		return nil, err
	}
	var above []byte
	name := ""
	for _, v := range q.HierarchyValues {
		switch v.Tag {
		case pid.TagParentSourceKey:
			above, _ = v.Value.([]byte)
		case pid.TagDisplayName:
			name, _ = v.Value.(string)
		}
	}
	if name == "" {
		return nil, errorf(mapi.ErrInvalidParameter, "a folder without name")
	}
	lg, parent := x.folder.lg, x.folder.fid
	if len(above) > 0 {
		if parent, err = x.box.FindFolder(c, above); errors.Is(err, mapi.ErrNotFound) {
			return nil, mapi.ErrSyncNoParent
		} else if err != nil {
			return nil, err
		}
	}
	set, err := c.folderProps(lg, q.Values)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.SynchronizationImportHierarchyChangeResponse{} // FolderID 0: the client knows which it is
	fid, err := x.box.FindFolder(c, ch.sourceKey)
	if errors.Is(err, mapi.ErrNotFound) {
		if was, err := x.box.WasDeleted(c, ch.sourceKey); err != nil || was {
			return nil, cmp.Or(err, error(mapi.ErrSyncDeleted))
		}
		v, err := ch.version(lg, true)
		if err != nil {
			return nil, err
		}
		fid, err := x.box.CreateFolder(c, parent, name, set, v)
		if err != nil {
			return nil, err
		}
		return resp, x.hasFolder(c, fid)
	}
	if err != nil {
		return nil, err
	}
	dir, err := lg.box.Folder(c, lg.box.FolderEntryID(fid))
	if err != nil {
		return nil, err
	}
	props, err := dir.Props(c)
	if err != nil {
		return nil, err
	}
	pcl, _ := props.Tag(pid.TagPredecessorChangeList).([]byte)
	key, _ := props.Tag(pid.TagChangeKey).([]byte)
	modified, _ := props.Tag(pid.TagLastModificationTime).(mapi.FileTime)
	how, err := ch.compare(pcl)
	if err != nil {
		return nil, err
	}
	if how == known || how == conflict && !ch.wins(modified, key) {
		return nil, mapi.ErrSyncIgnore
	}
	v, err := ch.version(lg, false)
	if err != nil {
		return nil, err
	}
	if err := x.box.ChangeFolder(c, fid, parent, name, set, v); err != nil {
		return nil, err
	}
	return resp, x.hasFolder(c, fid)
}

// folderProps are the properties of a folder that a client may set.
func (c *call) folderProps(lg *logon, values []oxcdata.TaggedValue) (set mapi.Props, err error) {
	tags := make([]mapi.Tag, len(values))
	for i, v := range values {
		tags[i] = v.Tag
	}
	keys, err := lg.keys(c, tags)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		switch k.Type() {
		case mapi.TypeError, mapi.TypeNull, mapi.TypeUnspecified:
			continue
		}
		if k != noKey {
			set.Set(c.s.given(k, values[i].Value, 0))
		}
	}
	return ownProps(set), nil
}

// hasFolder notes in the state that the client has a folder as it is.
func (x *collector) hasFolder(ctx context.Context, fid ID) error {
	lg := x.folder.lg
	dir, err := lg.box.Folder(ctx, lg.box.FolderEntryID(fid))
	if err != nil {
		return err
	}
	props, err := dir.Props(ctx)
	if err != nil {
		return err
	}
	lg.insert(x.state.IdsetGiven, fid)
	if cn, ok := props.Tag(pid.TagChangeNumber).(int64); ok {
		lg.insert(x.state.CnsetSeen, wireID(oxcdata.ID(uint64(cn))))
	}
	return nil
}

// importMove is RopSynchronizationImportMessageMove ([MS-OXCFXICS] 3.2.5.9.4.4). The collector is of the folder that the
// message goes to.
func (c *call) importMove(q *oxcrops.SynchronizationImportMessageMoveRequest) (oxcrops.Response, error) {
	x, err := c.collector(q.In, true)
	if err != nil {
		return nil, err
	}
	lg := x.folder.lg
	from, err := x.box.FindFolder(c, q.SourceFolderID)
	if err != nil {
		return nil, err
	}
	fid, mid, err := x.box.FindItem(c, q.SourceMessageID)
	if err != nil {
		return nil, err
	}
	have, err := x.box.Version(c, fid, mid)
	if err != nil {
		return nil, err
	}
	if fid != from || have.Deleted {
		return nil, mapi.ErrNotFound
	}
	ch := change{sourceKey: q.DestinationMessageID, modified: have.Modified}
	if err := ch.decode(q.ChangeNumber, q.PredecessorChangeList); err != nil {
		return nil, err
	}
	how, err := ch.compare(have.PCL)
	if err != nil {
		return nil, err
	}
	v := Version{}
	if how == newer {
		v, err = ch.version(lg, true)
	} else { // what is there is newer than what the client moved: it moves, and the client is told to fetch it
		err = ch.identify(lg, &v)
	}
	if err != nil {
		return nil, err
	}
	moved, err := x.box.MoveItem(c, fid, mid, x.folder.fid, v)
	if err != nil {
		return nil, err
	}
	resp := &oxcrops.SynchronizationImportMessageMoveResponse{}
	now, err := x.box.Version(c, x.folder.fid, moved)
	if err != nil {
		return nil, err
	}
	if how != newer {
		lg.insert(x.state.IdsetGiven, moved)
		return resp, mapi.WarnNewerChange
	}
	x.has(moved, now, mapi.Normal)
	return resp, nil
}

// importDeletes is RopSynchronizationImportDeletes ([MS-OXCFXICS] 3.2.5.9.4.5). What isn't there needn't be deleted.
func (c *call) importDeletes(q *oxcrops.SynchronizationImportDeletesRequest) (oxcrops.Response, error) {
	folders := q.ImportDeleteFlags&oxcrops.ImportDeleteHierarchy != 0
	x, err := c.collector(q.In, !folders)
	if err != nil {
		return nil, err
	}
	lg := x.folder.lg
	if len(q.Values) != 1 {
		return nil, errorf(mapi.ErrInvalidParameter, "%d properties for deletions", len(q.Values))
	}
	keys, ok := q.Values[0].Value.([][]byte)
	if !ok {
		return nil, errorf(mapi.ErrInvalidParameter, "deletions as %v", q.Values[0].Tag)
	}
	forget := func(id ID) {
		if g, ok := lg.global(id); ok {
			x.state.IdsetGiven.Remove(g.Replica, g.Counter)
		}
	}
	var items []mapi.EntryID
	for _, key := range keys {
		if folders {
			fid, err := x.deleteFolder(c, key)
			if errors.Is(err, mapi.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			forget(fid)
			continue
		}
		mid, _, err := x.item(c, key)
		if errors.Is(err, mapi.ErrNotFound) || errors.Is(err, mapi.ErrSyncDeleted) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if id := lg.box.MessageEntryID(x.folder.fid, mid); !slices.Contains(items, id) {
			items = append(items, id)
		}
		forget(mid)
	}
	if len(items) == 0 {
		return nil, nil
	}
	return nil, x.folder.dir.Delete(c, items, q.ImportDeleteFlags&oxcrops.ImportDeleteHard != 0)
}

// deleteFolder deletes a folder by source key.
func (x *collector) deleteFolder(ctx context.Context, key []byte) (ID, error) {
	lg := x.folder.lg
	fid, err := x.box.FindFolder(ctx, key)
	if err != nil {
		return 0, err
	}
	id := lg.box.FolderEntryID(fid)
	dir, err := lg.box.Folder(ctx, id)
	if err != nil {
		return 0, err
	}
	parent, err := lg.box.Folder(ctx, dir.Parent())
	if err != nil {
		return 0, err
	}
	return fid, parent.DeleteFolder(ctx, id)
}

// importReadStates is RopSynchronizationImportReadStateChanges ([MS-OXCFXICS] 3.2.5.9.4.6).
func (c *call) importReadStates(q *oxcrops.SynchronizationImportReadStateChangesRequest) (oxcrops.Response, error) {
	x, err := c.collector(q.In, true)
	if err != nil {
		return nil, err
	}
	marker, ok := x.folder.dir.(ReadMarker)
	if !ok {
		return nil, mapi.ErrNoSupport
	}
	for _, s := range q.MessageReadStates {
		mid, _, err := x.item(c, s.MessageID)
		if errors.Is(err, mapi.ErrNotFound) || errors.Is(err, mapi.ErrSyncDeleted) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := marker.SetRead(c, []mapi.EntryID{x.folder.lg.box.MessageEntryID(x.folder.fid, mid)}, s.MarkAsRead); err != nil {
			return nil, err
		}
		now, err := x.box.Version(c, x.folder.fid, mid)
		if err != nil {
			return nil, err
		}
		x.folder.lg.insert(x.state.CnsetRead, now.ReadCN)
	}
	return nil, nil
}
