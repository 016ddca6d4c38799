package transfer

import (
	"cmp"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// name is a property's name for people.
func name(k mapi.Key) string { return cmp.Or(pid.Name(k), pid.MAPIName(k.Tag), k.String()) }

// own are properties that name an item in its own store. They mean nothing elsewhere and aren't copied; the source key and
// the change keys are, since they say which item of which mailbox it was.
var own = idSet(
	pid.TagEntryId, pid.TagParentEntryId, pid.TagStoreEntryId, pid.TagStoreRecordKey, pid.TagRecordKey, pid.TagInstanceKey,
	pid.TagMappingSignature, pid.TagParentSourceKey, pid.TagMid, pid.TagFolderId, pid.TagParentFolderId, pid.TagInstID,
	pid.TagInstanceNum, pid.TagAccess, pid.TagAccessLevel, pid.TagChangeNumber, pid.TagStoreSupportMask,
)

func idSet(tags ...mapi.Tag) map[uint16]bool {
	m := map[uint16]bool{}
	for _, t := range tags {
		m[t.ID()] = true
	}
	return m
}

// Embedded is a property whose value names folders or items of its own store.
type Embedded struct {
	Tag    mapi.Tag
	Folder bool // of folders; else of items
	Names  string
}

// EmbeddedIDs is what is reported as not portable when it is met. The ids of special folders aren't among them: they are
// computed by every store.
var EmbeddedIDs = []Embedded{
	{pid.TagDefaultViewEntryId, true, "the folder's default view"},
	{pid.TagSentMailEntryId, false, "where the sent message is to go"},
	{pid.TagWlinkEntryId, false, "the folder of a navigation shortcut"},
	{pid.TagWlinkStoreEntryId, false, "the store of a navigation shortcut"},
	{pid.TagWlinkAddressBookEID, false, "the address book entry of a navigation shortcut"},
	{pid.TagRuleFolderEntryId, false, "the folder of a rule"},
	{pid.TagExtendedRuleMessageActions, false, "the folders and templates in a rule's actions"},
	{pid.TagDamOriginalEntryId, false, "the message that a deferred action is about"},
	{pid.TagSearchFolderDefinition, false, "the folders that a search folder looks in"},
}

var embeddedIDs = func() map[Embedded]string {
	m := map[Embedded]string{}
	for _, e := range EmbeddedIDs {
		m[Embedded{Tag: mapi.Tag(e.Tag.ID()), Folder: e.Folder}] = e.Names
	}
	return m
}()

// notPortable tells what of its own store a property names.
func notPortable(k mapi.Key, folder bool) (what string, yes bool) {
	if k.Named() {
		return "", false
	}
	what, yes = embeddedIDs[Embedded{Tag: mapi.Tag(k.Tag.ID()), Folder: folder}]
	return "it names " + what, yes
}
