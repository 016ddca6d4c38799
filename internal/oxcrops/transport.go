package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Transport ROPs ([MS-OXCROPS] 2.2.7, semantics in [MS-OXOMSG]).

// SubmitFlags of RopSubmitMessage.
const (
	SubmitNone         = 0x00
	SubmitPreprocess   = 0x01
	SubmitNeedsSpooler = 0x02
)

// SubmitMessageRequest is RopSubmitMessage's request buffer ([MS-OXCROPS] 2.2.7.1.1).
type SubmitMessageRequest struct {
	Head
	In          uint8
	SubmitFlags uint8
}

// RopID implements Request.
func (*SubmitMessageRequest) RopID() uint8 { return RopSubmitMessage }

func (r *SubmitMessageRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.SubmitFlags)
}

// AbortSubmitRequest is RopAbortSubmit's request buffer ([MS-OXCROPS] 2.2.7.2.1).
type AbortSubmitRequest struct {
	Head
	In        uint8
	FolderID  oxcdata.ID
	MessageID oxcdata.ID
}

// RopID implements Request.
func (*AbortSubmitRequest) RopID() uint8 { return RopAbortSubmit }

func (r *AbortSubmitRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.FolderID)
	c.ID(&r.MessageID)
}

// GetAddressTypesRequest is RopGetAddressTypes' request buffer ([MS-OXCROPS] 2.2.7.3.1).
type GetAddressTypesRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetAddressTypesRequest) RopID() uint8 { return RopGetAddressTypes }

func (r *GetAddressTypesRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetAddressTypesResponse is RopGetAddressTypes' response buffer ([MS-OXCROPS] 2.2.7.3.2).
type GetAddressTypesResponse struct {
	Reply
	AddressTypes []mapi.String8
}

// RopID implements Response.
func (*GetAddressTypesResponse) RopID() uint8 { return RopGetAddressTypes }

func (r *GetAddressTypesResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		n := c.Len16(len(r.AddressTypes))
		c.Sized16(func(c *oxcdata.Coder) { oxcdata.ListN(c, n, &r.AddressTypes, 1, (*oxcdata.Coder).SZ) })
	}
}

// SetSpoolerRequest is RopSetSpooler's request buffer ([MS-OXCROPS] 2.2.7.4.1).
type SetSpoolerRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*SetSpoolerRequest) RopID() uint8 { return RopSetSpooler }

func (r *SetSpoolerRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// SpoolerLockMessageRequest is RopSpoolerLockMessage's request buffer ([MS-OXCROPS] 2.2.7.5.1).
type SpoolerLockMessageRequest struct {
	Head
	In        uint8
	MessageID oxcdata.ID
	LockState uint8 // 0 lock, 1 unlock, 2 finished
}

// RopID implements Request.
func (*SpoolerLockMessageRequest) RopID() uint8 { return RopSpoolerLockMessage }

func (r *SpoolerLockMessageRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.MessageID)
	c.U8(&r.LockState)
}

// TransportSendRequest is RopTransportSend's request buffer ([MS-OXCROPS] 2.2.7.6.1).
type TransportSendRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*TransportSendRequest) RopID() uint8 { return RopTransportSend }

func (r *TransportSendRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// TransportSendResponse is RopTransportSend's response buffer ([MS-OXCROPS] 2.2.7.6.2).
type TransportSendResponse struct {
	Reply
	NoPropertiesReturned bool
	Values               []oxcdata.TaggedValue // unless NoPropertiesReturned
}

// RopID implements Response.
func (*TransportSendResponse) RopID() uint8 { return RopTransportSend }

func (r *TransportSendResponse) code(c *oxcdata.Coder, _ Request) {
	if !r.reply(c) {
		return
	}
	c.Bool(&r.NoPropertiesReturned)
	if !r.NoPropertiesReturned {
		values(c, &r.Values)
	}
}

// TransportNewMailRequest is RopTransportNewMail's request buffer ([MS-OXCROPS] 2.2.7.7.1).
type TransportNewMailRequest struct {
	Head
	In           uint8
	MessageID    oxcdata.ID
	FolderID     oxcdata.ID
	MessageClass mapi.String8
	MessageFlags uint32
}

// RopID implements Request.
func (*TransportNewMailRequest) RopID() uint8 { return RopTransportNewMail }

func (r *TransportNewMailRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.MessageID)
	c.ID(&r.FolderID)
	c.SZ(&r.MessageClass)
	c.U32(&r.MessageFlags)
}

// GetTransportFolderRequest is RopGetTransportFolder's request buffer ([MS-OXCROPS] 2.2.7.8.1).
type GetTransportFolderRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetTransportFolderRequest) RopID() uint8 { return RopGetTransportFolder }

func (r *GetTransportFolderRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetTransportFolderResponse is RopGetTransportFolder's response buffer ([MS-OXCROPS] 2.2.7.8.2).
type GetTransportFolderResponse struct {
	Reply
	FolderID oxcdata.ID
}

// RopID implements Response.
func (*GetTransportFolderResponse) RopID() uint8 { return RopGetTransportFolder }

func (r *GetTransportFolderResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.ID(&r.FolderID)
	}
}

// OptionsDataRequest is RopOptionsData's request buffer ([MS-OXCROPS] 2.2.7.9.1).
type OptionsDataRequest struct {
	Head
	In          uint8
	AddressType mapi.String8
	WantWin32   bool
}

// RopID implements Request.
func (*OptionsDataRequest) RopID() uint8 { return RopOptionsData }

func (r *OptionsDataRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.SZ(&r.AddressType)
	c.Bool(&r.WantWin32)
}

// OptionsDataResponse is RopOptionsData's response buffer ([MS-OXCROPS] 2.2.7.9.2).
type OptionsDataResponse struct {
	Reply
	Reserved     uint8
	OptionsInfo  []byte
	HelpFile     []byte
	HelpFileName mapi.String8 // only with a HelpFile
}

// RopID implements Response.
func (*OptionsDataResponse) RopID() uint8 { return RopOptionsData }

func (r *OptionsDataResponse) code(c *oxcdata.Coder, _ Request) {
	if !r.reply(c) {
		return
	}
	c.U8(&r.Reserved)
	c.Bytes16(&r.OptionsInfo)
	c.Bytes16(&r.HelpFile)
	if len(r.HelpFile) > 0 {
		c.SZ(&r.HelpFileName)
	}
}
