package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// FastTransfer ROPs ([MS-OXCROPS] 2.2.12, semantics in [MS-OXCFXICS]).

// SourceOperation of RopFastTransferDestinationConfigure.
const (
	SourceCopyTo         = 1
	SourceCopyProperties = 2
	SourceCopyMessages   = 3
	SourceCopyFolder     = 4
)

// SendOptions of downloads ([MS-OXCFXICS] 2.2.3.1.1.1.2).
const (
	SendUnicode      = 0x01
	SendUseCpid      = 0x02
	SendForUpload    = 0x03
	SendRecoverMode  = 0x04
	SendForceUnicode = 0x08
	SendPartialItem  = 0x10
)

// FastTransferDestinationConfigureRequest is RopFastTransferDestinationConfigure's request buffer ([MS-OXCROPS] 2.2.12.1.1).
type FastTransferDestinationConfigureRequest struct {
	Head
	In, Out         uint8
	SourceOperation uint8
	CopyFlags       uint8
}

// RopID implements Request.
func (*FastTransferDestinationConfigureRequest) RopID() uint8 {
	return RopFastTransferDestinationConfigure
}

func (r *FastTransferDestinationConfigureRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.SourceOperation)
	c.U8(&r.CopyFlags)
}

// FastTransferDestinationPutBufferRequest is RopFastTransferDestinationPutBuffer's request buffer ([MS-OXCROPS] 2.2.12.2.1).
type FastTransferDestinationPutBufferRequest struct {
	Head
	In           uint8
	TransferData []byte
}

// RopID implements Request.
func (*FastTransferDestinationPutBufferRequest) RopID() uint8 {
	return RopFastTransferDestinationPutBuffer
}

func (r *FastTransferDestinationPutBufferRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.TransferData)
}

// FastTransferDestinationPutBufferResponse is RopFastTransferDestinationPutBuffer's response buffer ([MS-OXCROPS]
// 2.2.12.2.2).
type FastTransferDestinationPutBufferResponse struct {
	Reply
	TransferStatus  uint16
	InProgressCount uint16
	TotalStepCount  uint16
	Reserved        uint8
	BufferUsedSize  uint16
}

// RopID implements Response.
func (*FastTransferDestinationPutBufferResponse) RopID() uint8 {
	return RopFastTransferDestinationPutBuffer
}

func (r *FastTransferDestinationPutBufferResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	c.U16(&r.TransferStatus)
	c.U16(&r.InProgressCount)
	c.U16(&r.TotalStepCount)
	c.U8(&r.Reserved)
	c.U16(&r.BufferUsedSize)
}

// FastTransferDestinationPutBufferExtendedRequest is RopFastTransferDestinationPutBufferExtended's request buffer
// ([MS-OXCROPS] 2.2.12.3.1).
type FastTransferDestinationPutBufferExtendedRequest struct {
	Head
	In           uint8
	TransferData []byte
}

// RopID implements Request.
func (*FastTransferDestinationPutBufferExtendedRequest) RopID() uint8 {
	return RopFastTransferDestinationPutBufferExtended
}

func (r *FastTransferDestinationPutBufferExtendedRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.TransferData)
}

// FastTransferDestinationPutBufferExtendedResponse is RopFastTransferDestinationPutBufferExtended's response buffer
// ([MS-OXCROPS] 2.2.12.3.2).
type FastTransferDestinationPutBufferExtendedResponse struct {
	Reply
	TransferStatus  uint16
	InProgressCount uint32
	TotalStepCount  uint32
	Reserved        uint8
	BufferUsedSize  uint16
}

// RopID implements Response.
func (*FastTransferDestinationPutBufferExtendedResponse) RopID() uint8 {
	return RopFastTransferDestinationPutBufferExtended
}

func (r *FastTransferDestinationPutBufferExtendedResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	c.U16(&r.TransferStatus)
	c.U32(&r.InProgressCount)
	c.U32(&r.TotalStepCount)
	c.U8(&r.Reserved)
	c.U16(&r.BufferUsedSize)
}

// FastTransferSourceGetBufferRequest is RopFastTransferSourceGetBuffer's request buffer ([MS-OXCROPS] 2.2.12.4.1).
type FastTransferSourceGetBufferRequest struct {
	Head
	In                uint8
	BufferSize        uint16
	MaximumBufferSize uint16 // only with BufferSize MaximumSize
}

// RopID implements Request.
func (*FastTransferSourceGetBufferRequest) RopID() uint8 { return RopFastTransferSourceGetBuffer }

func (r *FastTransferSourceGetBufferRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U16(&r.BufferSize)
	if r.BufferSize == MaximumSize {
		c.U16(&r.MaximumBufferSize)
	}
}

// TransferStatus of RopFastTransferSourceGetBuffer and RopFastTransferDestinationPutBuffer.
const (
	TransferError   = 0
	TransferPartial = 1
	TransferNoRoom  = 2
	TransferDone    = 3
)

// FastTransferSourceGetBufferResponse is RopFastTransferSourceGetBuffer's response buffer ([MS-OXCROPS] 2.2.12.4.2).
type FastTransferSourceGetBufferResponse struct {
	Reply
	TransferStatus  uint16
	InProgressCount uint16
	TotalStepCount  uint16
	Reserved        uint8
	TransferBuffer  []byte
	BackoffTime     uint32 // milliseconds, only with ReturnValue mapi.ErrServerBusy
}

// RopID implements Response.
func (*FastTransferSourceGetBufferResponse) RopID() uint8 { return RopFastTransferSourceGetBuffer }

func (r *FastTransferSourceGetBufferResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	c.U16(&r.TransferStatus)
	c.U16(&r.InProgressCount)
	c.U16(&r.TotalStepCount)
	c.U8(&r.Reserved)
	c.Bytes16(&r.TransferBuffer)
	if r.ReturnValue == mapi.ErrServerBusy {
		c.U32(&r.BackoffTime)
	}
}

// FastTransferSourceCopyFolderRequest is RopFastTransferSourceCopyFolder's request buffer ([MS-OXCROPS] 2.2.12.5.1).
type FastTransferSourceCopyFolderRequest struct {
	Head
	In, Out     uint8
	CopyFlags   uint8
	SendOptions uint8
}

// RopID implements Request.
func (*FastTransferSourceCopyFolderRequest) RopID() uint8 { return RopFastTransferSourceCopyFolder }

func (r *FastTransferSourceCopyFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.CopyFlags)
	c.U8(&r.SendOptions)
}

// FastTransferSourceCopyMessagesRequest is RopFastTransferSourceCopyMessages' request buffer ([MS-OXCROPS] 2.2.12.6.1).
type FastTransferSourceCopyMessagesRequest struct {
	Head
	In, Out     uint8
	MessageIDs  []oxcdata.ID
	CopyFlags   uint8
	SendOptions uint8
}

// RopID implements Request.
func (*FastTransferSourceCopyMessagesRequest) RopID() uint8 {
	return RopFastTransferSourceCopyMessages
}

func (r *FastTransferSourceCopyMessagesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	ids(c, &r.MessageIDs)
	c.U8(&r.CopyFlags)
	c.U8(&r.SendOptions)
}

// FastTransferSourceCopyToRequest is RopFastTransferSourceCopyTo's request buffer ([MS-OXCROPS] 2.2.12.7.1).
type FastTransferSourceCopyToRequest struct {
	Head
	In, Out     uint8
	Level       uint8 // 0 with sub-objects
	CopyFlags   uint32
	SendOptions uint8
	Tags        []mapi.Tag // left out
}

// RopID implements Request.
func (*FastTransferSourceCopyToRequest) RopID() uint8 { return RopFastTransferSourceCopyTo }

func (r *FastTransferSourceCopyToRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.Level)
	c.U32(&r.CopyFlags)
	c.U8(&r.SendOptions)
	tags(c, &r.Tags)
}

// FastTransferSourceCopyPropertiesRequest is RopFastTransferSourceCopyProperties' request buffer ([MS-OXCROPS] 2.2.12.8.1).
type FastTransferSourceCopyPropertiesRequest struct {
	Head
	In, Out     uint8
	Level       uint8 // 0 with sub-objects
	CopyFlags   uint8
	SendOptions uint8
	Tags        []mapi.Tag // copied
}

// RopID implements Request.
func (*FastTransferSourceCopyPropertiesRequest) RopID() uint8 {
	return RopFastTransferSourceCopyProperties
}

func (r *FastTransferSourceCopyPropertiesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.Level)
	c.U8(&r.CopyFlags)
	c.U8(&r.SendOptions)
	tags(c, &r.Tags)
}

// TellVersionRequest is RopTellVersion's request buffer ([MS-OXCROPS] 2.2.12.9.1).
type TellVersionRequest struct {
	Head
	In      uint8
	Version [3]uint16 // of the other server
}

// RopID implements Request.
func (*TellVersionRequest) RopID() uint8 { return RopTellVersion }

func (r *TellVersionRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	for i := range r.Version {
		c.U16(&r.Version[i])
	}
}
