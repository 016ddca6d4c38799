package cdo

// Version is the version of the object model.
const Version = "1.2.1"

// ObjectClass is the kind of an object (CdoObjectClass), its Class property.
type ObjectClass int32

// Classes of objects. Those that CDO reserves without having such objects are left out.
const (
	CdoUnknown           ObjectClass = -1
	CdoSession           ObjectClass = 0
	CdoInfoStore         ObjectClass = 1
	CdoFolder            ObjectClass = 2
	CdoMsg               ObjectClass = 3
	CdoRecipient         ObjectClass = 4
	CdoAttachment        ObjectClass = 5
	CdoField             ObjectClass = 6
	CdoAddressList       ObjectClass = 7
	CdoAddressEntry      ObjectClass = 8
	CdoAddressFilter     ObjectClass = 9
	CdoMessageFilter     ObjectClass = 10
	CdoInfoStores        ObjectClass = 14
	CdoFolders           ObjectClass = 15
	CdoMessages          ObjectClass = 16
	CdoRecipients        ObjectClass = 17
	CdoAttachments       ObjectClass = 18
	CdoFields            ObjectClass = 19
	CdoAddressLists      ObjectClass = 20
	CdoAddressEntries    ObjectClass = 21
	CdoGroupHeader       ObjectClass = 25
	CdoAppointment       ObjectClass = 26
	CdoMeetingItem       ObjectClass = 27
	CdoRecurrencePattern ObjectClass = 28
)

// FieldType is the type of a field (CdoFieldType). Types of lists are CdoArray plus the type of one value.
type FieldType int32

// Types of fields.
const (
	CdoEmpty      FieldType = 0
	CdoNull       FieldType = 1
	CdoInteger    FieldType = 2 // 16 bits
	CdoLong       FieldType = 3 // 32 bits
	CdoSingle     FieldType = 4
	CdoDouble     FieldType = 5
	CdoCurrency   FieldType = 6
	CdoDate       FieldType = 7
	CdoString     FieldType = 8
	CdoBoolean    FieldType = 11
	CdoDataObject FieldType = 13
	CdoBlob       FieldType = 65
	CdoArray      FieldType = 8192
)

// Importance of a message (CdoImportance).
type Importance int32

// Importance of messages.
const (
	CdoLow    Importance = 0
	CdoNormal Importance = 1
	CdoHigh   Importance = 2
)

// Sensitivity of a message (CdoSensitivity).
type Sensitivity int32

// Sensitivity of messages.
const (
	CdoNoSensitivity Sensitivity = 0
	CdoPersonal      Sensitivity = 1
	CdoPrivate       Sensitivity = 2
	CdoConfidential  Sensitivity = 3
)

// SortOrder is the direction of a sort (CdoSortOrder).
type SortOrder int32

// Sort orders. CdoNone is the order of the store.
const (
	CdoNone       SortOrder = 0
	CdoAscending  SortOrder = 1
	CdoDescending SortOrder = 2
)

// RecipientType is what a recipient gets (CdoRecipientType).
type RecipientType int32

// Types of recipients.
const (
	CdoTo  RecipientType = 1
	CdoCc  RecipientType = 2
	CdoBcc RecipientType = 3
)

// AttachmentType is the kind of an attachment (CdoAttachmentType).
type AttachmentType int32

// Types of attachments.
const (
	CdoFileData        AttachmentType = 1
	CdoFileLink        AttachmentType = 2
	CdoOle             AttachmentType = 3
	CdoEmbeddedMessage AttachmentType = 4
)

// DisplayType is the kind of an address entry (CdoDisplayType).
type DisplayType int32

// Kinds of address entries.
const (
	CdoUser            DisplayType = 0
	CdoDistList        DisplayType = 1
	CdoForum           DisplayType = 2
	CdoAgent           DisplayType = 3
	CdoOrganization    DisplayType = 4
	CdoPrivateDistList DisplayType = 5
	CdoRemoteUser      DisplayType = 6
)

// DefaultFolder names a folder by its purpose (CdoDefaultFolderTypes).
type DefaultFolder int32

// Default folders.
const (
	CdoDefaultFolderCalendar     DefaultFolder = 0
	CdoDefaultFolderInbox        DefaultFolder = 1
	CdoDefaultFolderOutbox       DefaultFolder = 2
	CdoDefaultFolderSentItems    DefaultFolder = 3
	CdoDefaultFolderDeletedItems DefaultFolder = 4
	CdoDefaultFolderContacts     DefaultFolder = 5
	CdoDefaultFolderJournal      DefaultFolder = 6
	CdoDefaultFolderNotes        DefaultFolder = 7
	CdoDefaultFolderTasks        DefaultFolder = 8
	CdoDefaultFolderTotal        DefaultFolder = 9 // how many there are
)

// AddressListType names an address list by its purpose (CdoAddressListTypes).
type AddressListType int32

// Address lists.
const (
	CdoAddressListGAL   AddressListType = 0 // the global address list
	CdoAddressListPAB   AddressListType = 1 // the personal address book
	CdoAddressListTotal AddressListType = 2 // how many there are
)

// ResponseStatus is an attendee's answer (CdoResponseStatus).
type ResponseStatus int32

// Answers of attendees.
const (
	CdoResponseNone         ResponseStatus = 0
	CdoResponseOrganized    ResponseStatus = 1
	CdoResponseTentative    ResponseStatus = 2
	CdoResponseAccepted     ResponseStatus = 3
	CdoResponseDeclined     ResponseStatus = 4
	CdoResponseNotResponded ResponseStatus = 5
)

// CdoMaxCount is the Count of a collection whose provider cannot tell: walk it until there is nothing more.
const CdoMaxCount = 0x7FFFFFFF
