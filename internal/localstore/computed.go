package localstore

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Object is a kind of thing that has properties.
type Object string

// Kinds of objects.
const (
	OfStore      Object = "store"
	OfFolder     Object = "folder"
	OfItem       Object = "item"
	OfRecipient  Object = "recipient"
	OfAttachment Object = "attachment"
)

// ComputedProp is a property that the store makes itself, so that a copy may differ in it.
type ComputedProp struct {
	Tag     mapi.Tag
	Of      Object
	Kept    bool // a value that is given is stored; only a missing one is made
	RowOnly bool // given out as a column of lists, not among all properties
	Reason  string
	Section string
}

// Computed lists all of them. It says nothing of embedded items: their own properties are stored as given.
var Computed = []ComputedProp{
	{Tag: pid.TagEntryId, Of: OfItem, Reason: "names the item in this store", Section: "[MS-OXCDATA] 2.2.4.2"},
	{Tag: pid.TagParentEntryId, Of: OfItem, Reason: "names the folder in this store", Section: "[MS-OXCDATA] 2.2.4.1"},
	{Tag: pid.TagRecordKey, Of: OfItem, Reason: "names the item in this store", Section: "[MS-OXCPRPT] 2.2.1.8"},
	{Tag: pid.TagInstanceKey, Of: OfItem, Reason: "names a row of a table", Section: "[MS-OXCTABL] 2.2.1"},
	{Tag: pid.TagSourceKey, Of: OfItem, Reason: "made of the item's id", Section: "[MS-OXCFXICS] 2.2.1.2.5"},
	{Tag: pid.TagChangeKey, Of: OfItem, Reason: "made of the change number", Section: "[MS-OXCFXICS] 2.2.1.2.7"},
	{Tag: pid.TagPredecessorChangeList, Of: OfItem, Reason: "made of the change keys", Section: "[MS-OXCFXICS] 2.2.1.2.8"},
	{Tag: pid.TagObjectType, Of: OfItem, Reason: "the same for all items", Section: "[MS-OXCPRPT] 2.2.1.7"},
	{Tag: pid.TagAccess, Of: OfItem, Reason: "what the user may do here", Section: "[MS-OXCPRPT] 2.2.1.1"},
	{Tag: pid.TagAccessLevel, Of: OfItem, Reason: "what the user may do here", Section: "[MS-OXCPRPT] 2.2.1.2"},
	{Tag: pid.TagMessageSize, Of: OfItem, Reason: "depends on how the store keeps values", Section: "[MS-OXCMSG] 2.2.1.7"},
	{Tag: pid.TagMessageSizeExtended, Of: OfItem, Reason: "depends on how the store keeps values", Section: "[MS-OXCMSG] 2.2.1.7"},
	{Tag: pid.TagHasAttachments, Of: OfItem, Reason: "follows from the attachments", Section: "[MS-OXCMSG] 2.2.1.2"},
	{Tag: pid.TagMessageFlags, Of: OfItem, Kept: true, Reason: "the bits mfHasAttach and mfFAI are computed, the others kept", Section: "[MS-OXCMSG] 2.2.1.6"},
	{Tag: pid.TagCreationTime, Of: OfItem, Kept: true, Reason: "time of the copy when it has none", Section: "[MS-OXCPRPT] 2.2.1.4"},
	{Tag: pid.TagLastModificationTime, Of: OfItem, Kept: true, Reason: "kept on creation, set by changes", Section: "[MS-OXCPRPT] 2.2.1.6"},
	{Tag: pid.TagSearchKey, Of: OfItem, Kept: true, Reason: "made when missing", Section: "[MS-OXCPRPT] 2.2.1.9"},
	{Tag: pid.TagSubject, Of: OfItem, Kept: true, Reason: "prefix and normalized subject", Section: "[MS-OXCMSG] 2.2.1.46"},
	{Tag: pid.TagSubjectPrefix, Of: OfItem, Kept: true, Reason: "beginning of the subject", Section: "[MS-OXCMSG] 2.2.1.9"},
	{Tag: pid.TagNormalizedSubject, Of: OfItem, Kept: true, Reason: "subject without prefix", Section: "[MS-OXCMSG] 2.2.1.10"},
	{Tag: pid.TagDisplayTo, Of: OfItem, Kept: true, Reason: "names of the recipients", Section: "[MS-OXCMSG] 3.2.5.2"},
	{Tag: pid.TagDisplayCc, Of: OfItem, Kept: true, Reason: "names of the recipients", Section: "[MS-OXCMSG] 3.2.5.2"},
	{Tag: pid.TagDisplayBcc, Of: OfItem, Kept: true, Reason: "names of the recipients", Section: "[MS-OXCMSG] 3.2.5.2"},
	{Tag: pid.TagRead, Of: OfItem, RowOnly: true, Reason: "a bit of PidTagMessageFlags", Section: "[MS-OXCMSG] 2.2.1.53"},
	{Tag: pid.TagMid, Of: OfItem, RowOnly: true, Reason: "names the item in this store", Section: "[MS-OXCFXICS] 2.2.1.2.1"},
	{Tag: pid.TagInstID, Of: OfItem, RowOnly: true, Reason: "names a row of a table", Section: "[MS-OXCTABL] 2.2.1.1"},
	{Tag: pid.TagInstanceNum, Of: OfItem, RowOnly: true, Reason: "names a row of a table", Section: "[MS-OXCTABL] 2.2.1.2"},
	{Tag: pid.TagFolderId, Of: OfItem, RowOnly: true, Reason: "names the folder in this store", Section: "[MS-OXCFXICS] 2.2.1.2.2"},
	{Tag: pid.TagParentSourceKey, Of: OfItem, RowOnly: true, Reason: "made of the folder's id", Section: "[MS-OXCFXICS] 2.2.1.2.6"},
	{Tag: pid.TagChangeNumber, Of: OfItem, RowOnly: true, Reason: "counts changes in this store", Section: "[MS-OXCFXICS] 2.2.1.2.3"},
	{Tag: pid.TagAssociated, Of: OfItem, RowOnly: true, Reason: "which list the item is in", Section: "[MS-OXCFXICS] 2.2.1.5"},
	{Tag: pid.TagStoreEntryId, Of: OfItem, RowOnly: true, Reason: "names the store", Section: "[MS-OXCDATA] 2.2.4.3"},
	{Tag: pid.TagStoreRecordKey, Of: OfItem, RowOnly: true, Reason: "names the store", Section: "[MS-OXPROPS] 2"},
	{Tag: pid.TagMappingSignature, Of: OfItem, RowOnly: true, Reason: "names the store's ids of named properties", Section: "[MS-OXCPRPT] 3.1.4.1"},
	{Tag: pid.TagDeletedOn, Of: OfItem, RowOnly: true, Reason: "when it was soft-deleted", Section: "[MS-OXCFOLD] 2.2.2.2.1.3"},

	{Tag: pid.TagRowid, Of: OfRecipient, Kept: true, Reason: "counts the recipients, unless given in rising order", Section: "[MS-OXCFXICS] 2.2.4.3.21"},
	{Tag: pid.TagAttachNumber, Of: OfAttachment, Kept: true, Reason: "counts the attachments, unless given in rising order", Section: "[MS-OXCMSG] 2.2.2.6"},
	{Tag: pid.TagAttachSize, Of: OfAttachment, Kept: true, Reason: "made when missing", Section: "[MS-OXCMSG] 2.2.2.5"},
	{Tag: pid.TagRecordKey, Of: OfAttachment, Reason: "names the attachment in this store", Section: "[MS-OXCPRPT] 2.2.1.8"},

	{Tag: pid.TagEntryId, Of: OfFolder, Reason: "names the folder in this store", Section: "[MS-OXCDATA] 2.2.4.1"},
	{Tag: pid.TagParentEntryId, Of: OfFolder, Reason: "names the folder in this store", Section: "[MS-OXCFOLD] 2.2.2.2.1.7"},
	{Tag: pid.TagRecordKey, Of: OfFolder, Reason: "names the folder in this store", Section: "[MS-OXCPRPT] 2.2.1.8"},
	{Tag: pid.TagInstanceKey, Of: OfFolder, Reason: "names a row of a table", Section: "[MS-OXCTABL] 2.2.1"},
	{Tag: pid.TagSourceKey, Of: OfFolder, Reason: "made of the folder's id", Section: "[MS-OXCFXICS] 2.2.1.2.5"},
	{Tag: pid.TagParentSourceKey, Of: OfFolder, Reason: "made of the folder's id", Section: "[MS-OXCFXICS] 2.2.1.2.6"},
	{Tag: pid.TagChangeKey, Of: OfFolder, Reason: "made of the change number", Section: "[MS-OXCFXICS] 2.2.1.2.7"},
	{Tag: pid.TagPredecessorChangeList, Of: OfFolder, Reason: "made of the change keys", Section: "[MS-OXCFXICS] 2.2.1.2.8"},
	{Tag: pid.TagChangeNumber, Of: OfFolder, Reason: "counts changes in this store", Section: "[MS-OXCFXICS] 2.2.1.2.3"},
	{Tag: pid.TagFolderId, Of: OfFolder, Reason: "names the folder in this store", Section: "[MS-OXCFOLD] 2.2.2.2.1.6"},
	{Tag: pid.TagParentFolderId, Of: OfFolder, Reason: "names the folder in this store", Section: "[MS-OXCFXICS] 2.2.1.2.4"},
	{Tag: pid.TagObjectType, Of: OfFolder, Reason: "the same for all folders", Section: "[MS-OXCPRPT] 2.2.1.7"},
	{Tag: pid.TagAccess, Of: OfFolder, Reason: "what the user may do here", Section: "[MS-OXCPRPT] 2.2.1.1"},
	{Tag: pid.TagRights, Of: OfFolder, Reason: "what the user may do here", Section: "[MS-OXCFOLD] 2.2.2.2.2.8"},
	{Tag: pid.TagFolderType, Of: OfFolder, Reason: "root, generic or search folder", Section: "[MS-OXCFOLD] 2.2.2.2.2.2"},
	{Tag: pid.TagContentCount, Of: OfFolder, Reason: "counts items", Section: "[MS-OXCFOLD] 2.2.2.2.1.1"},
	{Tag: pid.TagContentUnreadCount, Of: OfFolder, Reason: "counts items", Section: "[MS-OXCFOLD] 2.2.2.2.1.2"},
	{Tag: pid.TagAssociatedContentCount, Of: OfFolder, Reason: "counts items", Section: "[MS-OXCFOLD] 2.2.2.2.1"},
	{Tag: pid.TagDeletedCountTotal, Of: OfFolder, Reason: "counts deletions", Section: "[MS-OXCFOLD] 2.2.2.2.1.15"},
	{Tag: pid.TagSubfolders, Of: OfFolder, Reason: "whether there are folders below", Section: "[MS-OXCFOLD] 2.2.2.2.1.12"},
	{Tag: pid.TagMessageSize, Of: OfFolder, Reason: "depends on how the store keeps values", Section: "[MS-OXCFOLD] 2.2.2.2.1.10"},
	{Tag: pid.TagMessageSizeExtended, Of: OfFolder, Reason: "depends on how the store keeps values", Section: "[MS-OXCFOLD] 2.2.2.2.1.11"},
	{Tag: pid.TagHierarchyChangeNumber, Of: OfFolder, Reason: "counts changes of the folders below", Section: "[MS-OXCFOLD] 2.2.2.2.1.8"},
	{Tag: pid.TagLocalCommitTimeMax, Of: OfFolder, Reason: "time of the last change in this store", Section: "[MS-OXCFOLD] 2.2.2.2.1.14"},
	{Tag: pid.TagLastModificationTime, Of: OfFolder, Reason: "time of the last change of the folder in this store", Section: "[MS-OXCPRPT] 2.2.1.6"},
	{Tag: pid.TagCreationTime, Of: OfFolder, Kept: true, Reason: "time of the copy when it has none", Section: "[MS-OXCPRPT] 2.2.1.4"},
	{Tag: pid.TagIpmAppointmentEntryId, Of: OfFolder, Kept: true, Reason: "names a special folder of this store", Section: "[MS-OXOSFLD] 2.2.3"},
	{Tag: pid.TagIpmContactEntryId, Of: OfFolder, Kept: true, Reason: "names a special folder of this store", Section: "[MS-OXOSFLD] 2.2.3"},
	{Tag: pid.TagIpmJournalEntryId, Of: OfFolder, Kept: true, Reason: "names a special folder of this store", Section: "[MS-OXOSFLD] 2.2.3"},
	{Tag: pid.TagIpmNoteEntryId, Of: OfFolder, Kept: true, Reason: "names a special folder of this store", Section: "[MS-OXOSFLD] 2.2.3"},
	{Tag: pid.TagIpmTaskEntryId, Of: OfFolder, Kept: true, Reason: "names a special folder of this store", Section: "[MS-OXOSFLD] 2.2.3"},
	{Tag: pid.TagIpmDraftsEntryId, Of: OfFolder, Kept: true, Reason: "names a special folder of this store", Section: "[MS-OXOSFLD] 2.2.3"},
	{Tag: pid.TagAdditionalRenEntryIds, Of: OfFolder, Kept: true, Reason: "names special folders of this store", Section: "[MS-OXOSFLD] 2.2.4"},

	{Tag: pid.TagObjectType, Of: OfStore, Reason: "the same for all stores", Section: "[MS-OXCPRPT] 2.2.1.7"},
	{Tag: pid.TagRecordKey, Of: OfStore, Reason: "names the store", Section: "[MS-OXCPRPT] 2.2.1.8"},
	{Tag: pid.TagMappingSignature, Of: OfStore, Reason: "names the store's ids of named properties", Section: "[MS-OXCPRPT] 3.1.4.1"},
	{Tag: pid.TagMessageSizeExtended, Of: OfStore, Reason: "depends on how the store keeps values", Section: "[MS-OXCSTOR] 2.2.2.1.1"},
	{Tag: pid.TagDisplayName, Of: OfStore, Kept: true, Reason: "made of the owner's name", Section: "[MS-OXCSTOR] 2.2.2.1.2"},
	{Tag: pid.TagMailboxOwnerName, Of: OfStore, Reason: "the owner's name", Section: "[MS-OXCSTOR] 2.2.2.1.1"},
	{Tag: pid.TagMailboxOwnerEntryId, Of: OfStore, Reason: "the owner's entry in the address book", Section: "[MS-OXCSTOR] 2.2.2.1.1"},
}

// computedItem and computedFolder are those whose given values are dropped.
var computedItem, computedFolder, computedStore = alwaysOf(OfItem), alwaysOf(OfFolder), alwaysOf(OfStore)

func alwaysOf(o Object) map[mapi.Tag]bool {
	m := map[mapi.Tag]bool{}
	for _, c := range Computed {
		if c.Of == o && !c.Kept {
			m[c.Tag] = true
		}
	}
	return m
}

// Values of PidTagObjectType ([MS-OXCPRPT] 2.2.1.7) and PidTagAccess (2.2.1.1).
const (
	objectStore   int32 = 1
	objectFolder  int32 = 3
	objectMessage int32 = 5

	accessItem   int32 = 0x01 | 0x02 | 0x04                      // modify, read, delete
	accessRead   int32 = 0x02                                    // read
	accessFolder int32 = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20 // and create folders, items, associated items
	ownerRights  int32 = 0x5FB                                   // all but contact and free/busy bits ([MS-OXCPERM] 2.2.7)
	levelModify  int32 = 1

	folderRoot    = 0 // PidTagFolderType ([MS-OXCFOLD] 2.2.2.2.2.2)
	folderGeneric = 1
	folderSearch  = 2
)

// prop computes a property of an item; nil when it has none.
func (it *item) prop(s *Store, t mapi.Tag) mapi.Value {
	switch t {
	case pid.TagEntryId:
		return []byte(s.MessageEntryID(it.folder, it.mid))
	case pid.TagParentEntryId:
		return []byte(s.FolderEntryID(it.folder))
	case pid.TagRecordKey:
		return s.gid(it.mid)
	case pid.TagInstanceKey:
		b := binary.LittleEndian.AppendUint64(nil, uint64(it.folder.Wire()))
		b = binary.LittleEndian.AppendUint64(b, uint64(it.mid.Wire()))
		return append(b, 0, 0, 0, 0)
	case pid.TagSourceKey:
		if it.sourceKey != nil {
			return it.sourceKey
		}
		return s.gid(it.mid)
	case pid.TagParentSourceKey:
		return s.gid(it.folder)
	case pid.TagChangeKey:
		if it.changeKey != nil {
			return it.changeKey
		}
		return s.gid(it.cn)
	case pid.TagPredecessorChangeList:
		return s.itemPCL(it)
	case pid.TagChangeNumber:
		return it.cn.value()
	case pid.TagMid, pid.TagInstID:
		return it.mid.value()
	case pid.TagInstanceNum:
		return int32(0)
	case pid.TagFolderId:
		return it.folder.value()
	case pid.TagObjectType:
		return objectMessage
	case pid.TagAccess:
		if it.list >= listSoftDeleted {
			return accessRead
		}
		return accessItem
	case pid.TagAccessLevel:
		if it.list >= listSoftDeleted {
			return int32(0)
		}
		return levelModify
	case pid.TagMessageSize:
		return int32(min(it.size, math.MaxInt32))
	case pid.TagMessageSizeExtended:
		return it.size
	case pid.TagHasAttachments:
		return it.flags&flagHasAttach != 0
	case pid.TagMessageFlags:
		return it.flags
	case pid.TagRead:
		return it.flags&flagRead != 0
	case pid.TagAssociated:
		return it.list&listAssociated != 0
	case pid.TagCreationTime:
		return mapi.FileTime(it.created)
	case pid.TagLastModificationTime:
		return mapi.FileTime(it.modified)
	case pid.TagSearchKey:
		return it.searchKey
	case pid.TagDisplayTo:
		return text(it.display[0])
	case pid.TagDisplayCc:
		return text(it.display[1])
	case pid.TagDisplayBcc:
		return text(it.display[2])
	case pid.TagSubject, pid.TagSubjectPrefix, pid.TagNormalizedSubject:
		if sub := subjectOf(it.top); sub.known {
			v, _ := sub.of(t)
			if sub.narrow {
				return narrowed(v)
			}
			return v
		}
	case pid.TagStoreEntryId:
		return s.EntryID()
	case pid.TagStoreRecordKey, pid.TagMappingSignature:
		return bytes.Clone(s.mailbox[:])
	case pid.TagDeletedOn:
		if it.deleted.Valid {
			return mapi.FileTime(it.deleted.Int64)
		}
	}
	return nil
}

// itemPCL is the predecessor change list of an item.
func (s *Store) itemPCL(it *item) []byte {
	if it.pcl != nil {
		return it.pcl
	}
	return s.mergePCL(nil, it.cn)
}

// mergePCL puts a change into a predecessor change list: XIDs with their sizes, one for each name space, ordered by it
// ([MS-OXCFXICS] 2.2.2.3).
func (s *Store) mergePCL(pcl []byte, cn ID) []byte {
	xid := s.gid(cn)
	entry := append([]byte{byte(len(xid))}, xid...)
	var out []byte
	for placed := false; ; {
		if len(pcl) == 0 || int(pcl[0]) < 17 || len(pcl) <= int(pcl[0]) { // the end, or not a list
			if !placed {
				out = append(out, entry...)
			}
			return out
		}
		next := pcl[:1+int(pcl[0])]
		pcl = pcl[len(next):]
		c := bytes.Compare(next[1:17], xid[:16])
		if c >= 0 && !placed {
			out = append(out, entry...)
			placed = true
		}
		if c != 0 {
			out = append(out, next...)
		}
	}
}
