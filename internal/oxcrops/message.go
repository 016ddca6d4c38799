package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Message ROPs ([MS-OXCROPS] 2.2.6, semantics in [MS-OXCMSG]).

// CodePageLogon as CodePageID stands for the code page of the logon.
const CodePageLogon = 0x0FFF

// OpenModeFlags of RopOpenMessage, RopOpenEmbeddedMessage and RopOpenAttachment.
const (
	OpenReadOnly    = 0x00
	OpenReadWrite   = 0x01
	OpenCreate      = 0x02 // RopOpenEmbeddedMessage
	OpenBestAccess  = 0x03
	OpenSoftDeleted = 0x04 // also RopOpenFolder
)

// OpenMessageRequest is RopOpenMessage's request buffer ([MS-OXCROPS] 2.2.6.1.1).
type OpenMessageRequest struct {
	Head
	In, Out       uint8
	CodePageID    uint16
	FolderID      oxcdata.ID
	OpenModeFlags uint8
	MessageID     oxcdata.ID
}

// RopID implements Request.
func (*OpenMessageRequest) RopID() uint8 { return RopOpenMessage }

func (r *OpenMessageRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U16(&r.CodePageID)
	c.ID(&r.FolderID)
	c.U8(&r.OpenModeFlags)
	c.ID(&r.MessageID)
}

// OpenedMessage is what the responses tell that open a message.
type OpenedMessage struct {
	HasNamedProperties bool
	SubjectPrefix      oxcdata.TypedString
	NormalizedSubject  oxcdata.TypedString
	RecipientCount     uint16 // of the message; Recipients may be fewer, RopReadRecipients gives the rest
	Columns            []mapi.Tag
	Recipients         []OpenRecipientRow
}

func (m *OpenedMessage) code(c *oxcdata.Coder) {
	c.Bool(&m.HasNamedProperties)
	c.TypedString(&m.SubjectPrefix)
	c.TypedString(&m.NormalizedSubject)
	c.U16(&m.RecipientCount)
	tags(c, &m.Columns)
	oxcdata.List8(c, &m.Recipients, 7, func(c *oxcdata.Coder, r *OpenRecipientRow) { r.code(c, m.Columns) })
}

// OpenRecipientRow is a recipient of a message that is being opened ([MS-OXCROPS] 2.2.6.1.2.1).
type OpenRecipientRow struct {
	RecipientType uint8
	CodePageID    uint16
	Reserved      uint16
	Row           oxcdata.RecipientRow
}

func (r *OpenRecipientRow) code(c *oxcdata.Coder, columns []mapi.Tag) {
	c.U8(&r.RecipientType)
	c.U16(&r.CodePageID)
	c.U16(&r.Reserved)
	c.Sized16(func(c *oxcdata.Coder) { c.RecipientRow(columns, &r.Row) })
}

// OpenMessageResponse is RopOpenMessage's response buffer ([MS-OXCROPS] 2.2.6.1.2).
type OpenMessageResponse struct {
	Reply
	OpenedMessage
}

// RopID implements Response.
func (*OpenMessageResponse) RopID() uint8 { return RopOpenMessage }

func (r *OpenMessageResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		r.OpenedMessage.code(c)
	}
}

func (r *OpenMessageResponse) opens() (uint8, []mapi.Tag) { return r.Index, r.Columns }

// CreateMessageRequest is RopCreateMessage's request buffer ([MS-OXCROPS] 2.2.6.2.1).
type CreateMessageRequest struct {
	Head
	In, Out        uint8
	CodePageID     uint16
	FolderID       oxcdata.ID
	AssociatedFlag bool
}

// RopID implements Request.
func (*CreateMessageRequest) RopID() uint8 { return RopCreateMessage }

func (r *CreateMessageRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U16(&r.CodePageID)
	c.ID(&r.FolderID)
	c.Bool(&r.AssociatedFlag)
}

// CreateMessageResponse is RopCreateMessage's response buffer ([MS-OXCROPS] 2.2.6.2.2).
type CreateMessageResponse struct {
	Reply
	HasMessageID bool
	MessageID    oxcdata.ID
}

// RopID implements Response.
func (*CreateMessageResponse) RopID() uint8 { return RopCreateMessage }

func (r *CreateMessageResponse) code(c *oxcdata.Coder, _ Request) {
	if !r.reply(c) {
		return
	}
	c.Bool(&r.HasMessageID)
	if r.HasMessageID {
		c.ID(&r.MessageID)
	}
}

// SaveFlags of RopSaveChangesMessage and RopSaveChangesAttachment.
const (
	SaveKeepOpenReadOnly  = 0x01
	SaveKeepOpenReadWrite = 0x02
	SaveForce             = 0x04
)

// SaveChangesMessageRequest is RopSaveChangesMessage's request buffer ([MS-OXCROPS] 2.2.6.3.1).
type SaveChangesMessageRequest struct {
	Head
	ResponseIndex uint8
	In            uint8 // the message
	SaveFlags     uint8
}

// RopID implements Request.
func (*SaveChangesMessageRequest) RopID() uint8 { return RopSaveChangesMessage }

func (r *SaveChangesMessageRequest) code(c *oxcdata.Coder) {
	c.U8(&r.ResponseIndex)
	c.U8(&r.In)
	c.U8(&r.SaveFlags)
}

// SaveChangesMessageResponse is RopSaveChangesMessage's response buffer ([MS-OXCROPS] 2.2.6.3.2). Index is the request's
// ResponseIndex.
type SaveChangesMessageResponse struct {
	Reply
	In        uint8
	MessageID oxcdata.ID
}

// RopID implements Response.
func (*SaveChangesMessageResponse) RopID() uint8 { return RopSaveChangesMessage }

func (r *SaveChangesMessageResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U8(&r.In)
		c.ID(&r.MessageID)
	}
}

// ReloadCachedInformationRequest is RopReloadCachedInformation's request buffer ([MS-OXCROPS] 2.2.6.7.1).
type ReloadCachedInformationRequest struct {
	Head
	In       uint8
	Reserved uint16
}

// RopID implements Request.
func (*ReloadCachedInformationRequest) RopID() uint8 { return RopReloadCachedInformation }

func (r *ReloadCachedInformationRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U16(&r.Reserved)
}

// ReloadCachedInformationResponse is RopReloadCachedInformation's response buffer ([MS-OXCROPS] 2.2.6.7.2).
type ReloadCachedInformationResponse struct {
	Reply
	OpenedMessage
}

// RopID implements Response.
func (*ReloadCachedInformationResponse) RopID() uint8 { return RopReloadCachedInformation }

func (r *ReloadCachedInformationResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		r.OpenedMessage.code(c)
	}
}

func (r *ReloadCachedInformationResponse) opens() (uint8, []mapi.Tag) { return r.Index, r.Columns }

// SetMessageStatusRequest is RopSetMessageStatus' request buffer ([MS-OXCROPS] 2.2.6.8.1).
type SetMessageStatusRequest struct {
	Head
	In                 uint8
	MessageID          oxcdata.ID
	MessageStatusFlags uint32
	MessageStatusMask  uint32
}

// RopID implements Request.
func (*SetMessageStatusRequest) RopID() uint8 { return RopSetMessageStatus }

func (r *SetMessageStatusRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.MessageID)
	c.U32(&r.MessageStatusFlags)
	c.U32(&r.MessageStatusMask)
}

// SetMessageStatusResponse is the response buffer of RopSetMessageStatus ([MS-OXCROPS] 2.2.6.8.2) and, with the same
// RopId, of RopGetMessageStatus (2.2.6.9.2).
type SetMessageStatusResponse struct {
	Reply
	MessageStatusFlags uint32 // before the change
}

// RopID implements Response.
func (*SetMessageStatusResponse) RopID() uint8 { return RopSetMessageStatus }

func (r *SetMessageStatusResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.MessageStatusFlags)
	}
}

// GetMessageStatusRequest is RopGetMessageStatus' request buffer ([MS-OXCROPS] 2.2.6.9.1).
type GetMessageStatusRequest struct {
	Head
	In        uint8
	MessageID oxcdata.ID
}

// RopID implements Request.
func (*GetMessageStatusRequest) RopID() uint8 { return RopGetMessageStatus }

func (r *GetMessageStatusRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.MessageID)
}

// ReadFlags of RopSetReadFlags and RopSetMessageReadFlag ([MS-OXCMSG] 2.2.3.10.1).
const (
	ReadDefault           = 0x00
	ReadSuppressReceipt   = 0x01
	ReadClear             = 0x04
	ReadGenerateReceipt   = 0x10
	ReadClearNotifyRead   = 0x20
	ReadClearNotifyUnread = 0x40
)

// SetReadFlagsRequest is RopSetReadFlags' request buffer ([MS-OXCROPS] 2.2.6.10.1).
type SetReadFlagsRequest struct {
	Head
	In               uint8
	WantAsynchronous bool
	ReadFlags        uint8
	MessageIDs       []oxcdata.ID
}

// RopID implements Request.
func (*SetReadFlagsRequest) RopID() uint8 { return RopSetReadFlags }

func (r *SetReadFlagsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.WantAsynchronous)
	c.U8(&r.ReadFlags)
	ids(c, &r.MessageIDs)
}

// SetMessageReadFlagRequest is RopSetMessageReadFlag's request buffer ([MS-OXCROPS] 2.2.6.11.1).
type SetMessageReadFlagRequest struct {
	Head
	ResponseIndex uint8
	In            uint8
	ReadFlags     uint8
	ClientData    [24]byte // only with a public logon

	Public bool // not sent: the logon is one to public folders
}

// RopID implements Request.
func (*SetMessageReadFlagRequest) RopID() uint8 { return RopSetMessageReadFlag }

func (r *SetMessageReadFlagRequest) setPublic(p bool) { r.Public = p }

func (r *SetMessageReadFlagRequest) code(c *oxcdata.Coder) {
	c.U8(&r.ResponseIndex)
	c.U8(&r.In)
	c.U8(&r.ReadFlags)
	if r.Public {
		c.Fixed(r.ClientData[:])
	}
}

// SetMessageReadFlagResponse is RopSetMessageReadFlag's response buffer ([MS-OXCROPS] 2.2.6.11.2). Index is the request's
// ResponseIndex.
type SetMessageReadFlagResponse struct {
	Reply
	ReadStatusChanged bool     // only with public logons
	LogonID           uint8    // from here when ReadStatusChanged
	ClientData        [24]byte //
}

// RopID implements Response.
func (*SetMessageReadFlagResponse) RopID() uint8 { return RopSetMessageReadFlag }

func (r *SetMessageReadFlagResponse) code(c *oxcdata.Coder, _ Request) {
	if !r.reply(c) {
		return
	}
	c.Bool(&r.ReadStatusChanged)
	if r.ReadStatusChanged {
		c.U8(&r.LogonID)
		c.Fixed(r.ClientData[:])
	}
}
