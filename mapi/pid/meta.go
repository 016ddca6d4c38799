package pid

import "github.com/opencdo/opencdo/mapi"

// Meta-properties of FastTransfer streams and of synchronization state ([MS-OXCFXICS] 2.2.1.1, 2.2.4.1.5). They describe
// the transfer, not the object, and are never stored.
const (
	MetaTagDnPrefix                      mapi.Tag = 0x4008001E
	MetaTagEcWarning                     mapi.Tag = 0x400F0003
	MetaTagNewFXFolder                   mapi.Tag = 0x40110102
	MetaTagFXDelProp                     mapi.Tag = 0x40160003
	MetaTagIdsetGiven                    mapi.Tag = 0x40170003 // its value is a Binary in spite of the type
	MetaTagIdsetNoLongerInScope          mapi.Tag = 0x40210102
	MetaTagIdsetRead                     mapi.Tag = 0x402D0102
	MetaTagIdsetUnread                   mapi.Tag = 0x402E0102
	MetaTagIncrementalSyncMessagePartial mapi.Tag = 0x407A0003
	MetaTagIncrSyncGroupId               mapi.Tag = 0x407C0003
	MetaTagIdsetExpired                  mapi.Tag = 0x67930102
	MetaTagCnsetSeen                     mapi.Tag = 0x67960102
	MetaTagCnsetRead                     mapi.Tag = 0x67D20102
	MetaTagCnsetSeenFAI                  mapi.Tag = 0x67DA0102
	MetaTagIdsetDeleted                  mapi.Tag = 0x67E50102
)

// Tag7BitDisplayName is what PidTagAddressBookDisplayNamePrintable is called outside the address book
// ([MS-OXPROPS] 2).
const Tag7BitDisplayName mapi.Tag = 0x39FF001F

// byHand continues names.txt with what the list lacks.
const byHand = `
39FF001F PidTagAddressBookDisplayNamePrintable PidTag7BitDisplayName
4008001E MetaTagDnPrefix
400F0003 MetaTagEcWarning
40110102 MetaTagNewFXFolder
40160003 MetaTagFXDelProp
40170003 MetaTagIdsetGiven
40210102 MetaTagIdsetNoLongerInScope
402D0102 MetaTagIdsetRead
402E0102 MetaTagIdsetUnread
407A0003 MetaTagIncrementalSyncMessagePartial
407C0003 MetaTagIncrSyncGroupId
67930102 MetaTagIdsetExpired
67960102 MetaTagCnsetSeen
67D20102 MetaTagCnsetRead
67DA0102 MetaTagCnsetSeenFAI
67E50102 MetaTagIdsetDeleted
`
