// Package compare tells whether two stores hold the same: item by item and property by property, apart from what stores
// make themselves.
package compare

import (
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Object is a kind of thing that has properties.
type Object string

// Kinds of objects. An embedded item is an OfItem.
const (
	OfItem       Object = "item"
	OfFolder     Object = "folder"
	OfRecipient  Object = "recipient"
	OfAttachment Object = "attachment"
)

// Computed is a property that a store makes itself, so that it says nothing about what the user had, and may differ between
// a mailbox and its copy.
type Computed struct {
	Tag     mapi.Tag
	Of      Object
	Mask    uint32 // of an Integer32: only these bits are computed, the others are compared; 0: all of it
	Stores  string // which kinds of store
	Reason  string
	Section string // where a specification says so
}

// Table is all that stores compute. Times of submission and delivery, sender, bodies and recipients aren't on it, and of the
// message flags only the bits that repeat something else.
var Table = []Computed{
	{pid.TagEntryId, OfItem, 0, all, "names the item in its store", "[MS-OXCDATA] 2.2.4.2"},
	{pid.TagParentEntryId, OfItem, 0, all, "names the folder in its store", "[MS-OXCDATA] 2.2.4.1"},
	{pid.TagStoreEntryId, OfItem, 0, all, "names the store", "[MS-OXCDATA] 2.2.4.3"},
	{pid.TagStoreRecordKey, OfItem, 0, all, "names the store", "[MS-OXPROPS] 2"},
	{pid.TagRecordKey, OfItem, 0, all, "names the item in its store", "[MS-OXCPRPT] 2.2.1.8"},
	{pid.TagInstanceKey, OfItem, 0, all, "names a row of a table", "[MS-OXCTABL] 2.2.1"},
	{pid.TagMappingSignature, OfItem, 0, all, "names the store's ids of named properties", "[MS-OXCPRPT] 3.1.4.1"},
	{pid.TagSourceKey, OfItem, 0, all, "made of the item's id", "[MS-OXCFXICS] 2.2.1.2.5"},
	{pid.TagParentSourceKey, OfItem, 0, all, "made of the folder's id", "[MS-OXCFXICS] 2.2.1.2.6"},
	{pid.TagChangeKey, OfItem, 0, all, "made of the change number", "[MS-OXCFXICS] 2.2.1.2.7"},
	{pid.TagPredecessorChangeList, OfItem, 0, all, "made of the change keys", "[MS-OXCFXICS] 2.2.1.2.8"},
	{pid.TagChangeNumber, OfItem, 0, all, "counts changes in its store", "[MS-OXCFXICS] 2.2.1.2.3"},
	{pid.TagMid, OfItem, 0, all, "names the item in its store", "[MS-OXCFXICS] 2.2.1.2.1"},
	{pid.TagFolderId, OfItem, 0, all, "names the folder in its store", "[MS-OXCFXICS] 2.2.1.2.2"},
	{pid.TagParentFolderId, OfItem, 0, all, "names the folder in its store", "[MS-OXCFXICS] 2.2.1.2.4"},
	{pid.TagInstID, OfItem, 0, all, "names a row of a table", "[MS-OXCTABL] 2.2.1.1"},
	{pid.TagInstanceNum, OfItem, 0, all, "names a row of a table", "[MS-OXCTABL] 2.2.1.2"},
	{pid.TagObjectType, OfItem, 0, all, "the same for all items", "[MS-OXCPRPT] 2.2.1.7"},
	{pid.TagAccess, OfItem, 0, all, "what the user may do there", "[MS-OXCPRPT] 2.2.1.1"},
	{pid.TagAccessLevel, OfItem, 0, all, "what the user may do there", "[MS-OXCPRPT] 2.2.1.2"},
	{pid.TagMessageSize, OfItem, 0, all, "depends on how the store keeps values", "[MS-OXCMSG] 2.2.1.7"},
	{pid.TagMessageSizeExtended, OfItem, 0, all, "depends on how the store keeps values", "[MS-OXCMSG] 2.2.1.7"},
	{pid.TagHasAttachments, OfItem, 0, all, "follows from the attachments, which are compared", "[MS-OXCMSG] 2.2.1.2"},
	{pid.TagHasNamedProperties, OfItem, 0, all, "follows from the properties, which are compared", "[MS-OXCMSG] 2.2.1.39"},
	{pid.TagMessageFlags, OfItem, flagUnmodified | flagHasAttach | flagAssociated | flagNotifyRead | flagNotifyUnread | flagEverRead, all,
		"the bits repeat attachments, list, read state and the receipts asked for", "[MS-OXCMSG] 2.2.1.6"},
	{pid.TagRead, OfItem, 0, all, "a bit of the message flags, which are compared", "[MS-OXCMSG] 2.2.1.53"},
	{pid.TagAssociated, OfItem, 0, all, "which list the item is in, which is compared", "[MS-OXCFXICS] 2.2.1.5"},
	{pid.TagConversationId, OfItem, 0, all, "made of conversation index and topic, which are compared", "[MS-OXOMSG] 2.2.1.2"},
	{pid.TagSubject, OfItem, 0, all, "prefix and normalized subject, which are compared", "[MS-OXCMSG] 2.2.1.46"},
	{pid.TagDisplayTo, OfItem, 0, all, "names of the recipients, which are compared", "[MS-OXOMSG] 2.2.1.7"},
	{pid.TagDisplayCc, OfItem, 0, all, "names of the recipients, which are compared", "[MS-OXOMSG] 2.2.1.8"},
	{pid.TagDisplayBcc, OfItem, 0, all, "names of the recipients, which are compared", "[MS-OXOMSG] 2.2.1.9"},
	{pid.TagLastModificationTime, OfItem, 0, exchangeKind, "time of the last change in its store", "[MS-OXCPRPT] 2.2.1.6"},
	{pid.TagCreationTime, OfItem, 0, exchangeKind, "time of creation in its store", "[MS-OXCPRPT] 2.2.1.4"},
	{pid.TagLocalCommitTime, OfItem, 0, exchangeKind, "time of the last change in its store", "[MS-OXCMSG] 2.2.1.49"},
	{pid.TagLastModifierName, OfItem, 0, exchangeKind, "who changed it last in its store", "[MS-OXCPRPT] 2.2.1.5"},
	{pid.TagLastModifierEntryId, OfItem, 0, exchangeKind, "who changed it last in its store", "[MS-OXCMSG] 2.2.1.32"},
	{pid.TagCreatorName, OfItem, 0, exchangeKind, "who created it in its store", "[MS-OXCMSG] 2.2.1.51"},
	{pid.TagCreatorEntryId, OfItem, 0, exchangeKind, "who created it in its store", "[MS-OXCMSG] 2.2.1.31"},
	{pid.TagInternetArticleNumber, OfItem, 0, exchangeKind, "counts the items of the folder for news and IMAP clients", "[MS-OXPROPS] 2.748"},
	{pid.TagNativeBody, OfItem, 0, exchangeKind, "which of the bodies, which are compared, is the best", "[MS-OXBBODY] 2.1"},
	{pid.TagRtfInSync, OfItem, 0, exchangeKind, "whether the bodies, which are compared, say the same", "[MS-OXCMSG] 2.2.1.48.5"},
	{pid.TagMessageStatus, OfItem, 0, exchangeKind, "state of the item in a table", "[MS-OXCMSG] 2.2.1.8"},
	{pid.TagDeletedOn, OfItem, 0, all, "when it was deleted from the folder's list", "[MS-OXCFOLD] 2.2.2.2.1.3"},
	{pid.TagStoreSupportMask, OfItem, 0, all, "what the store can do", "[MS-OXMSG] 2.1.1"},

	{pid.TagRowid, OfRecipient, 0, all, "counts the recipients, whose order is compared", "[MS-OXCFXICS] 2.2.4.3.21"},
	{pid.TagInstanceKey, OfRecipient, 0, all, "names a row of a table", "[MS-OXCTABL] 2.2.1"},
	{pid.TagObjectType, OfRecipient, 0, all, "the same for all recipients", "[MS-OXCPRPT] 2.2.1.7"},

	{pid.TagAttachNumber, OfAttachment, 0, all, "counts the attachments, whose order is compared", "[MS-OXCMSG] 2.2.2.6"},
	{pid.TagAttachSize, OfAttachment, 0, all, "depends on how the store keeps values", "[MS-OXCMSG] 2.2.2.5"},
	{pid.TagRecordKey, OfAttachment, 0, all, "names the attachment in its store", "[MS-OXCPRPT] 2.2.1.8"},
	{pid.TagInstanceKey, OfAttachment, 0, all, "names a row of a table", "[MS-OXCTABL] 2.2.1"},
	{pid.TagMappingSignature, OfAttachment, 0, all, "names the store's ids of named properties", "[MS-OXCPRPT] 3.1.4.1"},
	{pid.TagStoreRecordKey, OfAttachment, 0, all, "names the store", "[MS-OXPROPS] 2"},
	{pid.TagStoreEntryId, OfAttachment, 0, all, "names the store", "[MS-OXCDATA] 2.2.4.3"},
	{pid.TagStoreSupportMask, OfAttachment, 0, all, "what the store can do", "[MS-OXMSG] 2.1.1"},
	{pid.TagObjectType, OfAttachment, 0, all, "the same for all attachments", "[MS-OXCPRPT] 2.2.1.7"},
	{pid.TagAccess, OfAttachment, 0, all, "what the user may do there", "[MS-OXCPRPT] 2.2.1.1"},
	{pid.TagAccessLevel, OfAttachment, 0, all, "what the user may do there", "[MS-OXCPRPT] 2.2.1.2"},
	{pid.TagCreationTime, OfAttachment, 0, exchangeKind, "time of creation in its store", "[MS-OXCPRPT] 2.2.1.4"},
	{pid.TagLastModificationTime, OfAttachment, 0, exchangeKind, "time of the last change in its store", "[MS-OXCPRPT] 2.2.1.6"},
	{pid.TagHasNamedProperties, OfAttachment, 0, all, "follows from the properties, which are compared", "[MS-OXCMSG] 2.2.1.39"},

	{0x3DD10048, OfFolder, 0, "gromox", "names the folder in its store", ""},
	{0x66380003, OfFolder, 0, exchangeKind, "counts the folders below, which are compared", ""},             // PR_FOLDER_CHILD_COUNT
	{0x66B30014, OfFolder, 0, exchangeKind, "depends on how the store keeps values", ""},                    // PR_NORMAL_MESSAGE_SIZE_EXTENDED
	{0x66B40003, OfFolder, 0, exchangeKind, "depends on how the store keeps values", ""},                    // PR_ASSOC_MESSAGE_SIZE
	{0x66B40014, OfFolder, 0, exchangeKind, "depends on how the store keeps values", ""},                    // PR_ASSOC_MESSAGE_SIZE_EXTENDED
	{0x67510003, OfFolder, 0, exchangeKind, "counts the items of the folder for news and IMAP clients", ""}, // the next PidTagInternetArticleNumber
	{pid.TagEntryId, OfFolder, 0, all, "names the folder in its store", "[MS-OXCDATA] 2.2.4.1"},
	{pid.TagParentEntryId, OfFolder, 0, all, "names the folder in its store", "[MS-OXCFOLD] 2.2.2.2.1.7"},
	{pid.TagStoreEntryId, OfFolder, 0, all, "names the store", "[MS-OXCDATA] 2.2.4.3"},
	{pid.TagStoreRecordKey, OfFolder, 0, all, "names the store", "[MS-OXPROPS] 2"},
	{pid.TagRecordKey, OfFolder, 0, all, "names the folder in its store", "[MS-OXCPRPT] 2.2.1.8"},
	{pid.TagInstanceKey, OfFolder, 0, all, "names a row of a table", "[MS-OXCTABL] 2.2.1"},
	{pid.TagMappingSignature, OfFolder, 0, all, "names the store's ids of named properties", "[MS-OXCPRPT] 3.1.4.1"},
	{pid.TagStoreSupportMask, OfFolder, 0, all, "what the store can do", "[MS-OXCSTOR] 2.2.2.1"},
	{pid.TagSourceKey, OfFolder, 0, all, "made of the folder's id", "[MS-OXCFXICS] 2.2.1.2.5"},
	{pid.TagParentSourceKey, OfFolder, 0, all, "made of the folder's id", "[MS-OXCFXICS] 2.2.1.2.6"},
	{pid.TagChangeKey, OfFolder, 0, all, "made of the change number", "[MS-OXCFXICS] 2.2.1.2.7"},
	{pid.TagPredecessorChangeList, OfFolder, 0, all, "made of the change keys", "[MS-OXCFXICS] 2.2.1.2.8"},
	{pid.TagChangeNumber, OfFolder, 0, all, "counts changes in its store", "[MS-OXCFXICS] 2.2.1.2.3"},
	{pid.TagFolderId, OfFolder, 0, all, "names the folder in its store", "[MS-OXCFOLD] 2.2.2.2.1.6"},
	{pid.TagParentFolderId, OfFolder, 0, all, "names the folder in its store", "[MS-OXCFXICS] 2.2.1.2.4"},
	{pid.TagObjectType, OfFolder, 0, all, "the same for all folders", "[MS-OXCPRPT] 2.2.1.7"},
	{pid.TagDisplayType, OfFolder, 0, exchangeKind, "the same for all folders", "[MS-OXPROPS] 2"},
	{pid.TagAccess, OfFolder, 0, all, "what the user may do there", "[MS-OXCPRPT] 2.2.1.1"},
	{pid.TagAccessLevel, OfFolder, 0, all, "what the user may do there", "[MS-OXCPRPT] 2.2.1.2"},
	{pid.TagRights, OfFolder, 0, all, "what the user may do there", "[MS-OXCFOLD] 2.2.2.2.2.8"},
	{pid.TagFolderType, OfFolder, 0, all, "root, generic or search folder", "[MS-OXCFOLD] 2.2.2.2.2.2"},
	{pid.TagFolderFlags, OfFolder, 0, exchangeKind, "kind and place of the folder", "[MS-OXCFOLD] 2.2.2.2.1.5"},
	{pid.TagContentCount, OfFolder, 0, all, "counts items, which are compared", "[MS-OXCFOLD] 2.2.2.2.1.1"},
	{pid.TagContentUnreadCount, OfFolder, 0, all, "counts items, which are compared", "[MS-OXCFOLD] 2.2.2.2.1.2"},
	{pid.TagAssociatedContentCount, OfFolder, 0, all, "counts items, which are compared", "[MS-OXCFOLD] 2.2.2.2.1"},
	{pid.TagDeletedCountTotal, OfFolder, 0, all, "counts deletions", "[MS-OXCFOLD] 2.2.2.2.1.15"},
	{pid.TagSubfolders, OfFolder, 0, all, "whether there are folders below, which are compared", "[MS-OXCFOLD] 2.2.2.2.1.12"},
	{pid.TagMessageSize, OfFolder, 0, all, "depends on how the store keeps values", "[MS-OXCFOLD] 2.2.2.2.1.10"},
	{pid.TagMessageSizeExtended, OfFolder, 0, all, "depends on how the store keeps values", "[MS-OXCFOLD] 2.2.2.2.1.11"},
	{pid.TagNormalMessageSize, OfFolder, 0, exchangeKind, "depends on how the store keeps values", "[MS-OXCFOLD] 2.2.2.2.1.10"},
	{pid.TagHierarchyChangeNumber, OfFolder, 0, all, "counts changes of the folders below", "[MS-OXCFOLD] 2.2.2.2.1.8"},
	{pid.TagHierRev, OfFolder, 0, exchangeKind, "time of the last change of the folder in its store", "[MS-OXCFOLD] 2.2.2.2.1.9"},
	{pid.TagLocalCommitTime, OfFolder, 0, exchangeKind, "time of the last change in its store", "[MS-OXCFOLD] 2.2.2.2.1.13"},
	{pid.TagLocalCommitTimeMax, OfFolder, 0, all, "time of the last change in its store", "[MS-OXCFOLD] 2.2.2.2.1.14"},
	{pid.TagLastModificationTime, OfFolder, 0, all, "time of the last change of the folder in its store", "[MS-OXCPRPT] 2.2.1.6"},
	{pid.TagCreationTime, OfFolder, 0, all, "time of creation in its store", "[MS-OXCPRPT] 2.2.1.4"},
	{pid.TagHasRules, OfFolder, 0, exchangeKind, "follows from the rules", "[MS-OXCFOLD] 2.2.2.2.1.16"},
	{pid.TagIpmAppointmentEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagIpmContactEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagIpmJournalEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagIpmNoteEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagIpmTaskEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagIpmDraftsEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagRemindersOnlineEntryId, OfFolder, 0, all, "names a special folder of its store", "[MS-OXOSFLD] 2.2.3"},
	{pid.TagAdditionalRenEntryIds, OfFolder, 0, all, "names special folders of its store", "[MS-OXOSFLD] 2.2.4"},
	{pid.TagAdditionalRenEntryIdsEx, OfFolder, 0, all, "names special folders of its store", "[MS-OXOSFLD] 2.2.5"},
	{pid.TagFreeBusyEntryIds, OfFolder, 0, all, "names special folders of its store", "[MS-OXOSFLD] 2.2.6"},
}

// Added are properties that some servers give to items that lack them. That one side has none is no difference; two
// different values are.
var Added = []Computed{
	{pid.TagConversationTopic, OfItem, 0, exchangeKind, "made of the normalized subject where it is missing", "[MS-OXOMSG] 2.2.1.5"},
	{pid.TagConversationIndex, OfItem, 0, exchangeKind, "made where it is missing", "[MS-OXOMSG] 2.2.1.3"},
	{pid.TagConversationIndexTracking, OfItem, 0, exchangeKind, "made where it is missing", "[MS-OXOMSG] 2.2.1.4"},
	{pid.TagSearchKey, OfItem, 0, all, "made where it is missing", "[MS-OXCPRPT] 2.2.1.9"},
	{pid.TagBodyContentId, OfItem, 0, exchangeKind, "made where it is missing", "[MS-OXCMSG] 2.2.1.48.7"},
}

const (
	all          = "all"
	exchangeKind = "Exchange"
)

// Bits of PidTagMessageFlags.
const (
	flagUnmodified   = 0x0002
	flagHasAttach    = 0x0010
	flagAssociated   = 0x0040
	flagNotifyRead   = 0x0100
	flagNotifyUnread = 0x0200
	flagEverRead     = 0x0400
)

type computedKey struct {
	id uint16
	of Object
}

var computed = func() map[computedKey]Computed {
	m := make(map[computedKey]Computed, len(Table))
	for _, c := range Table {
		m[computedKey{c.Tag.ID(), c.Of}] = c
	}
	return m
}()

var added = func() map[computedKey]bool {
	m := make(map[computedKey]bool, len(Added))
	for _, c := range Added {
		m[computedKey{c.Tag.ID(), c.Of}] = true
	}
	return m
}()

// Compared gives the part of a property's value that says something about what the user had; ok is false when none of it
// does.
func Compared(of Object, k mapi.Key, v mapi.Value) (part mapi.Value, ok bool) {
	if k.Named() {
		return v, true
	}
	c, found := computed[computedKey{k.Tag.ID(), of}]
	if !found {
		return v, true
	}
	if n, isInt := v.(int32); isInt && c.Mask != 0 {
		return n &^ int32(c.Mask), true
	}
	return nil, false
}
