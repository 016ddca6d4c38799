package exchangeserver

import (
	"context"
	"encoding/binary"
	"iter"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// contentsRows are the items of a folder.
type contentsRows struct{ f *folder }

func (r contentsRows) sortable() {}

func (r contentsRows) list(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return r.f.dir.Rows(ctx, q)
}

func (r contentsRows) columns() []mapi.Tag { return contentsColumns }

var contentsColumns = []mapi.Tag{pid.TagFolderId, pid.TagMid, pid.TagInstID, pid.TagInstanceNum, pid.TagRowType, pid.TagEntryId, pid.TagParentEntryId,
	pid.TagInstanceKey, pid.TagRecordKey, pid.TagSearchKey, pid.TagSourceKey, pid.TagParentSourceKey, pid.TagChangeKey,
	pid.TagPredecessorChangeList, pid.TagChangeNumber, pid.TagMessageClass, pid.TagMessageFlags, pid.TagMessageSize,
	pid.TagMessageStatus, pid.TagHasAttachments, pid.TagImportance, pid.TagSensitivity, pid.TagPriority, pid.TagSubject,
	pid.TagSubjectPrefix, pid.TagNormalizedSubject, pid.TagSenderName, pid.TagSentRepresentingName, pid.TagDisplayTo,
	pid.TagDisplayCc, pid.TagDisplayBcc, pid.TagMessageDeliveryTime, pid.TagClientSubmitTime, pid.TagCreationTime,
	pid.TagLastModificationTime, pid.TagAccess, pid.TagAccessLevel, pid.TagObjectType, pid.TagInternetMessageId}

// getContentsTable is RopGetContentsTable ([MS-OXCFOLD] 3.2.5.14).
func (c *call) getContentsTable(q *oxcrops.GetContentsTableRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	const known = oxcrops.TableAssociated | oxcrops.TableDeferredErrors | oxcrops.TableNoNotifications | oxcrops.TableSoftDeletes |
		oxcrops.TableUseUnicode | oxcrops.TableConversationMembers
	if q.TableFlags&^known != 0 {
		return nil, errorf(mapi.ErrInvalidParameter, "table flags 0x%02X", q.TableFlags)
	}
	if q.TableFlags&oxcrops.TableConversationMembers != 0 {
		return nil, mapi.ErrNoSupport
	}
	t := &table{lg: f.lg, source: contentsRows{f}}
	props, err := f.dir.Props(c)
	if err != nil {
		return nil, err
	}
	n, _ := props.Tag(pid.TagContentCount).(int32)
	switch {
	case q.TableFlags&oxcrops.TableSoftDeletes != 0:
		t.kind = mapi.SoftDeleted
		count, err := t.count(c)
		if err != nil {
			return nil, err
		}
		n = int32(count)
	case q.TableFlags&oxcrops.TableAssociated != 0:
		t.kind = mapi.Associated
		n, _ = props.Tag(pid.TagAssociatedContentCount).(int32)
	}
	if q.TableFlags&oxcrops.TableNoNotifications == 0 {
		t.shows = func(e Event) bool { return e.Item != 0 && (e.Folder == f.fid || e.OldFolder == f.fid) }
	}
	return &oxcrops.GetContentsTableResponse{RowCount: uint32(n)}, c.put(q.Out, f.lg, t)
}

// hierarchyRows are the folders below a folder, on all levels if deep.
type hierarchyRows struct {
	f    *folder
	deep bool
}

func (r hierarchyRows) sortable() {}

func (r hierarchyRows) columns() []mapi.Tag { return hierarchyColumns }

var hierarchyColumns = []mapi.Tag{pid.TagFolderId, pid.TagParentFolderId, pid.TagEntryId, pid.TagParentEntryId, pid.TagInstanceKey, pid.TagRecordKey,
	pid.TagSourceKey, pid.TagParentSourceKey, pid.TagChangeKey, pid.TagPredecessorChangeList, pid.TagDisplayName, pid.TagComment,
	pid.TagContainerClass, pid.TagContentCount, pid.TagContentUnreadCount, pid.TagAssociatedContentCount, pid.TagSubfolders,
	pid.TagFolderType, pid.TagDepth, pid.TagAccess, pid.TagRights, pid.TagObjectType, pid.TagAttributeHidden,
	pid.TagCreationTime, pid.TagLastModificationTime, pid.TagHierarchyChangeNumber, pid.TagLocalCommitTimeMax,
	pid.TagDeletedCountTotal, pid.TagMessageSize, pid.TagMessageSizeExtended}

func (r hierarchyRows) list(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return mapi.Select(q, func(yield func(mapi.Record, error) bool) { r.below(ctx, r.f.dir, 1, yield) }, nil)
}

// below yields the folders below one, each before those below it.
func (r hierarchyRows) below(ctx context.Context, dir mapi.Folder, depth int, yield func(mapi.Record, error) bool) bool {
	if depth > maxFolderDepth {
		return yield(mapi.Record{}, mapi.ErrTooComplex)
	}
	for info, err := range dir.Folders(ctx) {
		if err != nil {
			return yield(mapi.Record{}, err)
		}
		row := &hierarchyRow{ctx: ctx, box: r.f.lg.box, parent: dir.ID(), info: info, depth: depth}
		if !yield(mapi.Record{ID: info.ID, Get: row.get}, row.err) || row.err != nil {
			return false
		}
		if !r.deep || !info.HasChildren {
			continue
		}
		sub, err := r.f.lg.box.Folder(ctx, info.ID)
		if err != nil {
			return yield(mapi.Record{}, err)
		}
		if !r.below(ctx, sub, depth+1, yield) {
			return false
		}
	}
	return true
}

// hierarchyRow is a folder in a table. Its own properties are read when a column needs them.
type hierarchyRow struct {
	ctx    context.Context
	box    Mailbox
	parent mapi.EntryID
	info   mapi.FolderInfo
	depth  int
	props  mapi.Props
	loaded bool
	err    error
}

func (r *hierarchyRow) get(k mapi.Key) mapi.Value {
	if !k.Named() {
		switch k.Tag {
		case pid.TagDisplayName:
			return r.info.Name
		case pid.TagEntryId:
			return []byte(r.info.ID)
		case pid.TagParentEntryId:
			return []byte(r.parent)
		case pid.TagFolderId:
			return r.id(r.info.ID)
		case pid.TagParentFolderId:
			return r.id(r.parent)
		case pid.TagContentCount:
			return int32(r.info.Items)
		case pid.TagContentUnreadCount:
			return int32(r.info.Unread)
		case pid.TagAssociatedContentCount:
			return int32(r.info.Associated)
		case pid.TagSubfolders:
			return r.info.HasChildren
		case pid.TagDepth:
			return int32(r.depth)
		case pid.TagContainerClass:
			if r.info.Class != "" {
				return r.info.Class
			}
		}
	}
	if !r.loaded {
		r.loaded = true
		dir, err := r.box.Folder(r.ctx, r.info.ID)
		if err == nil {
			r.props, err = dir.Props(r.ctx)
		}
		r.err = err
	}
	return r.props.Get(k)
}

func (r *hierarchyRow) id(e mapi.EntryID) mapi.Value {
	fid, err := r.box.FolderID(e)
	if err != nil {
		r.err = err
		return nil
	}
	return int64(fid.wire())
}

// getHierarchyTable is RopGetHierarchyTable ([MS-OXCFOLD] 3.2.5.13).
func (c *call) getHierarchyTable(q *oxcrops.GetHierarchyTableRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	const known = oxcrops.TableDepth | oxcrops.TableDeferredErrors | oxcrops.TableNoNotifications | oxcrops.TableSoftDeletes |
		oxcrops.TableUseUnicode | oxcrops.TableSuppressesNotifications
	if q.TableFlags&^known != 0 {
		return nil, errorf(mapi.ErrInvalidParameter, "table flags 0x%02X", q.TableFlags)
	}
	t := &table{lg: f.lg, source: hierarchyRows{f: f, deep: q.TableFlags&oxcrops.TableDepth != 0}}
	if q.TableFlags&oxcrops.TableSoftDeletes != 0 {
		t.source = noRows(hierarchyColumns) // deleted folders are gone
	}
	if q.TableFlags&(oxcrops.TableNoNotifications|oxcrops.TableSuppressesNotifications) == 0 {
		deep := q.TableFlags&oxcrops.TableDepth != 0
		t.shows = func(e Event) bool { return e.Item == 0 && (deep || e.Parent == f.fid || e.OldParent == f.fid) }
	}
	n, err := t.count(c)
	if err != nil {
		return nil, err
	}
	return &oxcrops.GetHierarchyTableResponse{RowCount: uint32(n)}, c.put(q.Out, f.lg, t)
}

// noRows are those of a table that is always empty, and its columns.
type noRows []mapi.Tag

func (noRows) sortable() {}

func (r noRows) columns() []mapi.Tag { return r }

func (noRows) list(context.Context, mapi.Query) iter.Seq2[mapi.Row, error] {
	return func(func(mapi.Row, error) bool) {}
}

// getRulesTable is RopGetRulesTable ([MS-OXORULE] 3.2.5.1). No folder has rules.
func (c *call) getRulesTable(q *oxcrops.GetRulesTableRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	return nil, c.put(q.Out, f.lg, &table{lg: f.lg, source: noRows{pid.TagRuleId, pid.TagRuleSequence, pid.TagRuleState, pid.TagRuleName, pid.TagRuleProvider, pid.TagRuleLevel}})
}

// permissionRows are what others may do in a folder: nothing, unless they are administrators.
type permissionRows struct{}

func (permissionRows) columns() []mapi.Tag {
	return []mapi.Tag{pid.TagEntryId, pid.TagMemberId, pid.TagMemberName, pid.TagMemberRights}
}

// everyFolder are the members that every folder has ([MS-OXCPERM] 2.2.5).
var everyFolder = []struct {
	id   int64
	name string
}{{0, ""}, {-1, "Anonymous"}}

func (permissionRows) list(_ context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return mapi.Select(q, func(yield func(mapi.Record, error) bool) {
		for _, m := range everyFolder {
			row := mapi.Props{{Key: mapi.TagKey(pid.TagEntryId), Value: []byte{}}, {Key: mapi.TagKey(pid.TagMemberId), Value: m.id},
				{Key: mapi.TagKey(pid.TagMemberName), Value: m.name}, {Key: mapi.TagKey(pid.TagMemberRights), Value: int32(0)}}
			if !yield(mapi.Record{ID: mapi.EntryID(m.name), Get: row.Get}, nil) {
				return
			}
		}
	}, nil)
}

// getPermissionsTable is RopGetPermissionsTable ([MS-OXCPERM] 3.2.5.1).
func (c *call) getPermissionsTable(q *oxcrops.GetPermissionsTableRequest) (oxcrops.Response, error) {
	f, err := get[*folder](c, q.In)
	if err != nil {
		return nil, err
	}
	return nil, c.put(q.Out, f.lg, &table{lg: f.lg, source: permissionRows{}})
}

// attachmentRows are the attachments of a message's working copy.
type attachmentRows struct {
	m *message
	s *session
}

func (r attachmentRows) columns() []mapi.Tag { return attachmentColumns }

var attachmentColumns = []mapi.Tag{pid.TagAttachNumber, pid.TagAttachSize, pid.TagAttachMethod, pid.TagAttachFilename, pid.TagAttachLongFilename,
	pid.TagDisplayName, pid.TagAttachExtension, pid.TagAttachMimeTag, pid.TagAttachContentId, pid.TagAttachFlags,
	pid.TagAttachmentHidden, pid.TagRenderingPosition, pid.TagCreationTime, pid.TagLastModificationTime, pid.TagObjectType}

func (r attachmentRows) list(ctx context.Context, q mapi.Query) iter.Seq2[mapi.Row, error] {
	return mapi.Select(q, func(yield func(mapi.Record, error) bool) {
		w, err := r.m.content(&call{Context: ctx, s: r.s})
		if err != nil {
			yield(mapi.Record{}, err)
			return
		}
		for _, a := range w.Attachments {
			num := attachNumber(a)
			id := mapi.EntryID(binary.LittleEndian.AppendUint32(nil, uint32(num)))
			get := func(k mapi.Key) mapi.Value {
				v := a.Props.Get(k)
				if v == nil && !k.Named() {
					switch k.Tag {
					case pid.TagAttachSize:
						return attachSize(a)
					case pid.TagObjectType:
						return objectAttachment
					}
				}
				return v
			}
			if !yield(mapi.Record{ID: id, Get: get}, nil) {
				return
			}
		}
	}, nil)
}

// getAttachmentTable is RopGetAttachmentTable ([MS-OXCMSG] 3.2.5.17).
func (c *call) getAttachmentTable(q *oxcrops.GetAttachmentTableRequest) (oxcrops.Response, error) {
	m, err := get[*message](c, q.In)
	if err != nil {
		return nil, err
	}
	if _, err := m.content(c); err != nil {
		return nil, err
	}
	return nil, c.put(q.Out, m.lg, &table{lg: m.lg, source: attachmentRows{m, c.s}})
}
