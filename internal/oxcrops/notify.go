package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Notification ROPs ([MS-OXCROPS] 2.2.14, semantics in [MS-OXCNOTIF]).

// NotificationTypes of RopRegisterNotification, and the low 12 bits of NotificationFlags in RopNotify.
const (
	NotifyNewMail         = 0x0002
	NotifyObjectCreated   = 0x0004
	NotifyObjectDeleted   = 0x0008
	NotifyObjectModified  = 0x0010
	NotifyObjectMoved     = 0x0020
	NotifyObjectCopied    = 0x0040
	NotifySearchCompleted = 0x0080
	NotifyTableModified   = 0x0100 // only in RopNotify
	NotifyExtended        = 0x0400
)

// The high bits of NotificationFlags in RopNotify.
const (
	NotifyTotal   = 0x1000 // T: TotalMessageCount follows
	NotifyUnread  = 0x2000 // U: UnreadMessageCount follows
	NotifySearch  = 0x4000 // S: a message in a search folder
	NotifyMessage = 0x8000 // M: a message

	notifyTypeMask = 0x0FFF
)

// RegisterNotificationRequest is RopRegisterNotification's request buffer ([MS-OXCROPS] 2.2.14.1.1).
type RegisterNotificationRequest struct {
	Head
	In, Out           uint8
	NotificationTypes uint16
	Reserved          uint8 // only with NotifyExtended
	WantWholeStore    bool
	FolderID          oxcdata.ID // unless WantWholeStore
	MessageID         oxcdata.ID
}

// RopID implements Request.
func (*RegisterNotificationRequest) RopID() uint8 { return RopRegisterNotification }

func (r *RegisterNotificationRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U16(&r.NotificationTypes)
	if r.NotificationTypes&NotifyExtended != 0 {
		c.U8(&r.Reserved)
	}
	c.Bool(&r.WantWholeStore)
	if !r.WantWholeStore {
		c.ID(&r.FolderID)
		c.ID(&r.MessageID)
	}
}

// TableEventType of a NotifyTableModified.
const (
	TableChanged            = 1 // query again
	TableRowAdded           = 3
	TableRowDeleted         = 4
	TableRowModified        = 5
	TableRestrictionChanged = 7
)

// NotifyResponse is RopNotify's response buffer ([MS-OXCROPS] 2.2.14.2.1). NotificationFlags, and for table events
// TableEventType, decide which of the fields below them there are.
type NotifyResponse struct {
	NotificationHandle uint32 // the subscription or table, a handle and not an index
	LogonID            uint8
	NotificationFlags  uint16

	TableEventType              uint16
	TableRowFolderID            oxcdata.ID
	TableRowMessageID           oxcdata.ID
	TableRowInstance            uint32
	InsertAfterTableRowFolderID oxcdata.ID // 0: the row is the first
	InsertAfterTableRowID       oxcdata.ID
	InsertAfterTableRowInstance uint32
	TableRowData                []byte // a PropertyRow over the table's columns, see Row

	FolderID           oxcdata.ID
	MessageID          oxcdata.ID
	ParentFolderID     oxcdata.ID
	OldFolderID        oxcdata.ID
	OldMessageID       oxcdata.ID
	OldParentFolderID  oxcdata.ID
	TagCount           uint16 // 0xFFFF: no tags, as with 0
	Tags               []mapi.Tag
	TotalMessageCount  uint32
	UnreadMessageCount uint32
	MessageFlags       uint32
	UnicodeFlag        bool
	MessageClass       string
}

// RopID implements Response.
func (*NotifyResponse) RopID() uint8 { return RopNotify }

// Result implements Response.
func (*NotifyResponse) Result() mapi.Code { return 0 }

// Row is the row that was added or modified, over the columns of the table.
func (r *NotifyResponse) Row(columns []mapi.Tag) (row oxcdata.PropertyRow, err error) {
	err = oxcdata.Decode(oxcdata.ROP, r.TableRowData, func(c *oxcdata.Coder) { c.PropertyRow(columns, &row) })
	return row, err
}

// code follows the conditions of [MS-OXCNOTIF] 2.2.1.4.1.2, field by field.
func (r *NotifyResponse) code(c *oxcdata.Coder, _ Request) {
	c.U32(&r.NotificationHandle)
	c.U8(&r.LogonID)
	c.U16(&r.NotificationFlags)
	if r.is(NotifyTableModified) {
		r.tableEvent(c)
	} else if !r.is(NotifyExtended) {
		r.objectEvent(c)
	}
	if r.NotificationFlags&NotifyTotal != 0 {
		c.U32(&r.TotalMessageCount)
	}
	if r.NotificationFlags&NotifyUnread != 0 {
		c.U32(&r.UnreadMessageCount)
	}
	if r.is(NotifyNewMail) {
		c.U32(&r.MessageFlags)
		c.Bool(&r.UnicodeFlag)
		text(c, r.UnicodeFlag, &r.MessageClass)
	}
}

// is tells whether the type of the event is among types.
func (r *NotifyResponse) is(types uint16) bool { return r.NotificationFlags&notifyTypeMask&types != 0 }

func (r *NotifyResponse) tableEvent(c *oxcdata.Coder) {
	message := r.NotificationFlags&NotifyMessage != 0
	c.U16(&r.TableEventType)
	switch r.TableEventType {
	case TableRowAdded, TableRowDeleted, TableRowModified:
	default:
		return
	}
	c.ID(&r.TableRowFolderID)
	if message {
		c.ID(&r.TableRowMessageID)
		c.U32(&r.TableRowInstance)
	}
	if r.TableEventType == TableRowDeleted {
		return
	}
	c.ID(&r.InsertAfterTableRowFolderID)
	if message {
		c.ID(&r.InsertAfterTableRowID)
		c.U32(&r.InsertAfterTableRowInstance)
	}
	c.Bytes16(&r.TableRowData)
}

func (r *NotifyResponse) objectEvent(c *oxcdata.Coder) {
	const moved = NotifyObjectMoved | NotifyObjectCopied
	message := r.NotificationFlags&NotifyMessage != 0
	search := r.NotificationFlags&NotifySearch != 0
	c.ID(&r.FolderID)
	if message {
		c.ID(&r.MessageID)
	}
	if r.is(NotifyObjectCreated|NotifyObjectDeleted|moved) && message == search {
		c.ID(&r.ParentFolderID)
	}
	if r.is(moved) {
		c.ID(&r.OldFolderID)
		if message {
			c.ID(&r.OldMessageID)
		} else {
			c.ID(&r.OldParentFolderID)
		}
	}
	if r.is(NotifyObjectCreated | NotifyObjectModified) {
		r.tags(c)
	}
}

func (r *NotifyResponse) tags(c *oxcdata.Coder) {
	const none = 0xFFFF
	if c.Encoding() && (len(r.Tags) > 0 || r.TagCount != none) {
		r.TagCount = uint16(c.Fit16(len(r.Tags)))
	}
	c.U16(&r.TagCount)
	if r.TagCount != none {
		c.Tags(int(r.TagCount), &r.Tags)
	}
}

// PendingResponse is RopPending's response buffer ([MS-OXCROPS] 2.2.14.3.1): another session has notifications.
type PendingResponse struct{ SessionIndex uint16 }

// RopID implements Response.
func (*PendingResponse) RopID() uint8 { return RopPending }

// Result implements Response.
func (*PendingResponse) Result() mapi.Code { return 0 }

func (r *PendingResponse) code(c *oxcdata.Coder, _ Request) { c.U16(&r.SessionIndex) }
