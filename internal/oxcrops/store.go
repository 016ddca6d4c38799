package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Logon and store ROPs ([MS-OXCROPS] 2.2.3, semantics in [MS-OXCSTOR]).

// LogonFlags of RopLogon.
const (
	LogonPrivate    = 0x01
	LogonUndercover = 0x02
	LogonGhosted    = 0x04
	LogonSpooler    = 0x08
)

// OpenFlags of RopLogon.
const (
	OpenUseAdminPrivilege      = 0x00000001
	OpenPublic                 = 0x00000002
	OpenHomeLogon              = 0x00000004
	OpenTakeOwnership          = 0x00000008
	OpenAlternateServer        = 0x00000100
	OpenIgnoreHomeMDB          = 0x00000200
	OpenNoMail                 = 0x00000400
	OpenUsePerMDBReplidMapping = 0x01000000
	OpenSupportProgress        = 0x20000000
)

// ResponseFlags of RopLogon.
const (
	ResponseReserved    = 0x01 // always set
	ResponseOwnerRight  = 0x02
	ResponseSendAsRight = 0x04
	ResponseOOF         = 0x10
)

// LogonRequest is RopLogon's request buffer ([MS-OXCROPS] 2.2.3.1.1).
type LogonRequest struct {
	Head
	Out        uint8
	LogonFlags uint8
	OpenFlags  uint32
	StoreState uint32
	Essdn      mapi.String8 // legacy DN of the mailbox; empty for public folders
}

// RopID implements Request.
func (*LogonRequest) RopID() uint8 { return RopLogon }

func (r *LogonRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Out)
	c.U8(&r.LogonFlags)
	c.U32(&r.OpenFlags)
	c.U32(&r.StoreState)
	// The size counts the terminator; without a DN there is none.
	c.Sized16(func(c *oxcdata.Coder) {
		if c.Encoding() && r.Essdn != "" || !c.Encoding() && c.Left() > 0 {
			c.SZ(&r.Essdn)
		}
	})
}

// LogonTime is the server's time at logon, UTC ([MS-OXCROPS] 2.2.3.1.2.1).
type LogonTime struct {
	Seconds, Minutes, Hour uint8
	DayOfWeek              uint8 // 0 is Sunday
	Day, Month             uint8
	Year                   uint16
}

func (t *LogonTime) code(c *oxcdata.Coder) {
	c.U8(&t.Seconds)
	c.U8(&t.Minutes)
	c.U8(&t.Hour)
	c.U8(&t.DayOfWeek)
	c.U8(&t.Day)
	c.U8(&t.Month)
	c.U16(&t.Year)
}

// LogonResponse is RopLogon's response buffer: for private mailboxes ([MS-OXCROPS] 2.2.3.1.2), for public folders
// (2.2.3.1.3), or redirecting to another server (2.2.3.1.4) with ReturnValue mapi.ErrWrongServer.
type LogonResponse struct {
	Reply
	LogonFlags uint8 // LogonPrivate decides on the layout
	FolderIDs  [13]oxcdata.ID
	ReplID     uint16
	ReplGUID   mapi.GUID

	ResponseFlags uint8 // private from here
	MailboxGUID   mapi.GUID
	LogonTime     LogonTime
	GwartTime     mapi.FileTime
	StoreState    uint32

	PerUserGUID mapi.GUID // public

	ServerName mapi.String8 // redirect: legacy DN of the server to connect to
}

// RopID implements Response.
func (*LogonResponse) RopID() uint8 { return RopLogon }

func (r *LogonResponse) code(c *oxcdata.Coder, _ Request) {
	ok := r.reply(c)
	if r.ReturnValue == mapi.ErrWrongServer {
		c.U8(&r.LogonFlags)
		r.redirect(c)
		return
	}
	if !ok {
		return
	}
	c.U8(&r.LogonFlags)
	for i := range r.FolderIDs {
		c.ID(&r.FolderIDs[i])
	}
	if r.LogonFlags&LogonPrivate == 0 {
		c.U16(&r.ReplID)
		c.GUID(&r.ReplGUID)
		c.GUID(&r.PerUserGUID)
		return
	}
	c.U8(&r.ResponseFlags)
	c.GUID(&r.MailboxGUID)
	c.U16(&r.ReplID)
	c.GUID(&r.ReplGUID)
	r.LogonTime.code(c)
	c.I64((*int64)(&r.GwartTime))
	c.U32(&r.StoreState)
}

func (r *LogonResponse) redirect(c *oxcdata.Coder) {
	name := append([]byte(r.ServerName), 0)
	oxcdata.List8(c, &name, 1, (*oxcdata.Coder).U8)
	if n := len(name); n > 0 && name[n-1] == 0 {
		name = name[:n-1]
	}
	r.ServerName = mapi.String8(name)
}

// GetReceiveFolderRequest is RopGetReceiveFolder's request buffer ([MS-OXCROPS] 2.2.3.2.1).
type GetReceiveFolderRequest struct {
	Head
	In           uint8
	MessageClass mapi.String8
}

// RopID implements Request.
func (*GetReceiveFolderRequest) RopID() uint8 { return RopGetReceiveFolder }

func (r *GetReceiveFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.SZ(&r.MessageClass)
}

// GetReceiveFolderResponse is RopGetReceiveFolder's response buffer ([MS-OXCROPS] 2.2.3.2.2).
type GetReceiveFolderResponse struct {
	Reply
	FolderID             oxcdata.ID
	ExplicitMessageClass mapi.String8
}

// RopID implements Response.
func (*GetReceiveFolderResponse) RopID() uint8 { return RopGetReceiveFolder }

func (r *GetReceiveFolderResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.ID(&r.FolderID)
		c.SZ(&r.ExplicitMessageClass)
	}
}

// SetReceiveFolderRequest is RopSetReceiveFolder's request buffer ([MS-OXCROPS] 2.2.3.3.1).
type SetReceiveFolderRequest struct {
	Head
	In           uint8
	FolderID     oxcdata.ID // 0 removes the entry
	MessageClass mapi.String8
}

// RopID implements Request.
func (*SetReceiveFolderRequest) RopID() uint8 { return RopSetReceiveFolder }

func (r *SetReceiveFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.FolderID)
	c.SZ(&r.MessageClass)
}

// GetReceiveFolderTableRequest is RopGetReceiveFolderTable's request buffer ([MS-OXCROPS] 2.2.3.4.1).
type GetReceiveFolderTableRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetReceiveFolderTableRequest) RopID() uint8 { return RopGetReceiveFolderTable }

func (r *GetReceiveFolderTableRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetReceiveFolderTableResponse is RopGetReceiveFolderTable's response buffer ([MS-OXCROPS] 2.2.3.4.2).
type GetReceiveFolderTableResponse struct {
	Reply
	Rows []oxcdata.PropertyRow // over ReceiveFolderColumns
}

// ReceiveFolderColumns are PidTagFolderId, PidTagMessageClass (8-bit) and PidTagLastModificationTime ([MS-OXCSTOR]
// 2.2.1.4.2).
var ReceiveFolderColumns = []mapi.Tag{0x67480014, 0x001A001E, 0x30080040}

// RopID implements Response.
func (*GetReceiveFolderTableResponse) RopID() uint8 { return RopGetReceiveFolderTable }

func (r *GetReceiveFolderTableResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		oxcdata.List32(c, &r.Rows, 1, rowOver(ReceiveFolderColumns))
	}
}

// GetStoreStateRequest is RopGetStoreState's request buffer ([MS-OXCROPS] 2.2.3.5.1).
type GetStoreStateRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetStoreStateRequest) RopID() uint8 { return RopGetStoreState }

func (r *GetStoreStateRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetStoreStateResponse is RopGetStoreState's response buffer ([MS-OXCROPS] 2.2.3.5.2).
type GetStoreStateResponse struct {
	Reply
	StoreState uint32
}

// RopID implements Response.
func (*GetStoreStateResponse) RopID() uint8 { return RopGetStoreState }

func (r *GetStoreStateResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.StoreState)
	}
}

// LongTermIdFromIdRequest is RopLongTermIdFromId's request buffer ([MS-OXCROPS] 2.2.3.8.1).
type LongTermIdFromIdRequest struct {
	Head
	In       uint8
	ObjectID oxcdata.ID
}

// RopID implements Request.
func (*LongTermIdFromIdRequest) RopID() uint8 { return RopLongTermIdFromId }

func (r *LongTermIdFromIdRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.ObjectID)
}

// LongTermIdFromIdResponse is RopLongTermIdFromId's response buffer ([MS-OXCROPS] 2.2.3.8.2).
type LongTermIdFromIdResponse struct {
	Reply
	LongTermID oxcdata.LongTermID
}

// RopID implements Response.
func (*LongTermIdFromIdResponse) RopID() uint8 { return RopLongTermIdFromId }

func (r *LongTermIdFromIdResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.LongTermID(&r.LongTermID)
	}
}

// IdFromLongTermIdRequest is RopIdFromLongTermId's request buffer ([MS-OXCROPS] 2.2.3.9.1).
type IdFromLongTermIdRequest struct {
	Head
	In         uint8
	LongTermID oxcdata.LongTermID
}

// RopID implements Request.
func (*IdFromLongTermIdRequest) RopID() uint8 { return RopIdFromLongTermId }

func (r *IdFromLongTermIdRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.LongTermID(&r.LongTermID)
}

// IdFromLongTermIdResponse is RopIdFromLongTermId's response buffer ([MS-OXCROPS] 2.2.3.9.2).
type IdFromLongTermIdResponse struct {
	Reply
	ObjectID oxcdata.ID
}

// RopID implements Response.
func (*IdFromLongTermIdResponse) RopID() uint8 { return RopIdFromLongTermId }

func (r *IdFromLongTermIdResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.ID(&r.ObjectID)
	}
}
