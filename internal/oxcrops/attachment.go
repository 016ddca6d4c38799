package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Message ROPs for recipients and attachments ([MS-OXCROPS] 2.2.6, semantics in [MS-OXCMSG]).

// RemoveAllRecipientsRequest is RopRemoveAllRecipients' request buffer ([MS-OXCROPS] 2.2.6.4.1).
type RemoveAllRecipientsRequest struct {
	Head
	In       uint8
	Reserved uint32
}

// RopID implements Request.
func (*RemoveAllRecipientsRequest) RopID() uint8 { return RopRemoveAllRecipients }

func (r *RemoveAllRecipientsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U32(&r.Reserved)
}

// ModifyRecipientsRequest is RopModifyRecipients' request buffer ([MS-OXCROPS] 2.2.6.5.1).
type ModifyRecipientsRequest struct {
	Head
	In         uint8
	Columns    []mapi.Tag // RecipientColumns, which the rows are written with
	Recipients []ModifyRecipientRow
}

// RopID implements Request.
func (*ModifyRecipientsRequest) RopID() uint8 { return RopModifyRecipients }

func (r *ModifyRecipientsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	tags(c, &r.Columns)
	oxcdata.List16(c, &r.Recipients, 7, func(c *oxcdata.Coder, m *ModifyRecipientRow) { m.code(c, r.Columns) })
}

// ModifyRecipientRow adds, replaces or deletes a recipient ([MS-OXCROPS] 2.2.6.5.1.1).
type ModifyRecipientRow struct {
	RowID         uint32
	RecipientType uint8
	Row           *oxcdata.RecipientRow // nil deletes
}

func (m *ModifyRecipientRow) code(c *oxcdata.Coder, columns []mapi.Tag) {
	c.U32(&m.RowID)
	c.U8(&m.RecipientType)
	c.Sized16(func(c *oxcdata.Coder) {
		if !c.Encoding() && c.Left() > 0 {
			m.Row = new(oxcdata.RecipientRow)
		}
		if m.Row != nil {
			c.RecipientRow(columns, m.Row)
		}
	})
}

// ReadRecipientsRequest is RopReadRecipients' request buffer ([MS-OXCROPS] 2.2.6.6.1).
type ReadRecipientsRequest struct {
	Head
	In       uint8
	RowID    uint32 // the first wanted
	Reserved uint16

	Columns []mapi.Tag // not sent: those of the response that opened the message; set when that is in the same buffer
}

// RopID implements Request.
func (*ReadRecipientsRequest) RopID() uint8 { return RopReadRecipients }

func (r *ReadRecipientsRequest) columns() []mapi.Tag { return r.Columns }

func (r *ReadRecipientsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U32(&r.RowID)
	c.U16(&r.Reserved)
}

// ReadRecipientsResponse is RopReadRecipients' response buffer ([MS-OXCROPS] 2.2.6.6.2).
type ReadRecipientsResponse struct {
	Reply
	Recipients []ReadRecipientRow // over the request's Columns
}

// ReadRecipientRow is a recipient with its id ([MS-OXCROPS] 2.2.6.6.2.1).
type ReadRecipientRow struct {
	RowID uint32
	OpenRecipientRow
}

// RopID implements Response.
func (*ReadRecipientsResponse) RopID() uint8 { return RopReadRecipients }

func (r *ReadRecipientsResponse) code(c *oxcdata.Coder, q Request) {
	if !r.reply(c) {
		return
	}
	columns := columnsOf(c, q)
	oxcdata.List8(c, &r.Recipients, 11, func(c *oxcdata.Coder, m *ReadRecipientRow) {
		c.U32(&m.RowID)
		m.OpenRecipientRow.code(c, columns)
	})
}

// OpenAttachmentRequest is RopOpenAttachment's request buffer ([MS-OXCROPS] 2.2.6.12.1).
type OpenAttachmentRequest struct {
	Head
	In, Out             uint8
	OpenAttachmentFlags uint8
	AttachmentID        uint32
}

// RopID implements Request.
func (*OpenAttachmentRequest) RopID() uint8 { return RopOpenAttachment }

func (r *OpenAttachmentRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.OpenAttachmentFlags)
	c.U32(&r.AttachmentID)
}

// CreateAttachmentRequest is RopCreateAttachment's request buffer ([MS-OXCROPS] 2.2.6.13.1).
type CreateAttachmentRequest struct {
	Head
	In, Out uint8
}

// RopID implements Request.
func (*CreateAttachmentRequest) RopID() uint8 { return RopCreateAttachment }

func (r *CreateAttachmentRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
}

// CreateAttachmentResponse is RopCreateAttachment's response buffer ([MS-OXCROPS] 2.2.6.13.2).
type CreateAttachmentResponse struct {
	Reply
	AttachmentID uint32
}

// RopID implements Response.
func (*CreateAttachmentResponse) RopID() uint8 { return RopCreateAttachment }

func (r *CreateAttachmentResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.AttachmentID)
	}
}

// DeleteAttachmentRequest is RopDeleteAttachment's request buffer ([MS-OXCROPS] 2.2.6.14.1).
type DeleteAttachmentRequest struct {
	Head
	In           uint8
	AttachmentID uint32
}

// RopID implements Request.
func (*DeleteAttachmentRequest) RopID() uint8 { return RopDeleteAttachment }

func (r *DeleteAttachmentRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U32(&r.AttachmentID)
}

// SaveChangesAttachmentRequest is RopSaveChangesAttachment's request buffer ([MS-OXCROPS] 2.2.6.15.1).
type SaveChangesAttachmentRequest struct {
	Head
	ResponseIndex uint8 // the message
	In            uint8 // the attachment
	SaveFlags     uint8
}

// RopID implements Request.
func (*SaveChangesAttachmentRequest) RopID() uint8 { return RopSaveChangesAttachment }

func (r *SaveChangesAttachmentRequest) code(c *oxcdata.Coder) {
	c.U8(&r.ResponseIndex)
	c.U8(&r.In)
	c.U8(&r.SaveFlags)
}

// OpenEmbeddedMessageRequest is RopOpenEmbeddedMessage's request buffer ([MS-OXCROPS] 2.2.6.16.1).
type OpenEmbeddedMessageRequest struct {
	Head
	In, Out       uint8
	CodePageID    uint16
	OpenModeFlags uint8
}

// RopID implements Request.
func (*OpenEmbeddedMessageRequest) RopID() uint8 { return RopOpenEmbeddedMessage }

func (r *OpenEmbeddedMessageRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U16(&r.CodePageID)
	c.U8(&r.OpenModeFlags)
}

// OpenEmbeddedMessageResponse is RopOpenEmbeddedMessage's response buffer ([MS-OXCROPS] 2.2.6.16.2).
type OpenEmbeddedMessageResponse struct {
	Reply
	Reserved  uint8
	MessageID oxcdata.ID
	OpenedMessage
}

// RopID implements Response.
func (*OpenEmbeddedMessageResponse) RopID() uint8 { return RopOpenEmbeddedMessage }

func (r *OpenEmbeddedMessageResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U8(&r.Reserved)
		c.ID(&r.MessageID)
		r.OpenedMessage.code(c)
	}
}

func (r *OpenEmbeddedMessageResponse) opens() (uint8, []mapi.Tag) { return r.Index, r.Columns }

// GetAttachmentTableRequest is RopGetAttachmentTable's request buffer ([MS-OXCROPS] 2.2.6.17.1).
type GetAttachmentTableRequest struct {
	Head
	In, Out    uint8
	TableFlags uint8
}

// RopID implements Request.
func (*GetAttachmentTableRequest) RopID() uint8 { return RopGetAttachmentTable }

func (r *GetAttachmentTableRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.TableFlags)
}

// GetValidAttachmentsRequest is RopGetValidAttachments' request buffer ([MS-OXCROPS] 2.2.6.18.1).
type GetValidAttachmentsRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetValidAttachmentsRequest) RopID() uint8 { return RopGetValidAttachments }

func (r *GetValidAttachmentsRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetValidAttachmentsResponse is RopGetValidAttachments' response buffer ([MS-OXCROPS] 2.2.6.18.2).
type GetValidAttachmentsResponse struct {
	Reply
	AttachmentIDs []uint32
}

// RopID implements Response.
func (*GetValidAttachmentsResponse) RopID() uint8 { return RopGetValidAttachments }

func (r *GetValidAttachmentsResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		oxcdata.List16(c, &r.AttachmentIDs, 4, (*oxcdata.Coder).U32)
	}
}
