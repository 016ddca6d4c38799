package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Stream ROPs ([MS-OXCROPS] 2.2.9, semantics in [MS-OXCPRPT]).

// OpenModeFlags of RopOpenStream.
const (
	StreamReadOnly  = 0
	StreamReadWrite = 1
	StreamCreate    = 2
)

// OpenStreamRequest is RopOpenStream's request buffer ([MS-OXCROPS] 2.2.9.1.1).
type OpenStreamRequest struct {
	Head
	In, Out       uint8
	Tag           mapi.Tag // PropertyTag
	OpenModeFlags uint8
}

// RopID implements Request.
func (*OpenStreamRequest) RopID() uint8 { return RopOpenStream }

func (r *OpenStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.Tag(&r.Tag)
	c.U8(&r.OpenModeFlags)
}

// OpenStreamResponse is RopOpenStream's response buffer ([MS-OXCROPS] 2.2.9.1.2).
type OpenStreamResponse struct {
	Reply
	StreamSize uint32 // bytes
}

// RopID implements Response.
func (*OpenStreamResponse) RopID() uint8 { return RopOpenStream }

func (r *OpenStreamResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.StreamSize)
	}
}

// MaximumSize as ByteCount or BufferSize says that the real size is in the 32-bit field that follows (RopReadStream) or
// that the server chooses (RopFastTransferSourceGetBuffer); both enable packed answers ([MS-OXCRPC] 3.1.4.2.1.2.2).
const MaximumSize = 0xBABE

// ReadStreamRequest is RopReadStream's request buffer ([MS-OXCROPS] 2.2.9.2.1).
type ReadStreamRequest struct {
	Head
	In               uint8
	ByteCount        uint16
	MaximumByteCount uint32 // only with ByteCount MaximumSize
}

// RopID implements Request.
func (*ReadStreamRequest) RopID() uint8 { return RopReadStream }

func (r *ReadStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U16(&r.ByteCount)
	if r.ByteCount == MaximumSize {
		c.U32(&r.MaximumByteCount)
	}
}

// ReadStreamResponse is RopReadStream's response buffer ([MS-OXCROPS] 2.2.9.2.2).
type ReadStreamResponse struct {
	Reply
	Data  []byte // none at the end of the stream
	Short bool   // see Reply.short
}

// RopID implements Response.
func (*ReadStreamResponse) RopID() uint8 { return RopReadStream }

func (r *ReadStreamResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	if !r.short(c, &r.Short, 0) {
		c.Bytes16(&r.Data)
	}
}

// WriteStreamRequest is RopWriteStream's request buffer ([MS-OXCROPS] 2.2.9.3.1).
type WriteStreamRequest struct {
	Head
	In   uint8
	Data []byte
}

// RopID implements Request.
func (*WriteStreamRequest) RopID() uint8 { return RopWriteStream }

func (r *WriteStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.Data)
}

// WriteStreamResponse is the response buffer of RopWriteStream ([MS-OXCROPS] 2.2.9.3.2) and RopWriteAndCommitStream
// (2.2.9.12.2).
type WriteStreamResponse struct {
	ROP uint8 // RopId
	Reply
	WrittenSize uint16
	Short       bool // see Reply.short
}

// RopID implements Response.
func (r *WriteStreamResponse) RopID() uint8 { return r.ROP }

func (r *WriteStreamResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	if !r.short(c, &r.Short, 0) {
		c.U16(&r.WrittenSize)
	}
}

func written(id uint8) func() Response {
	return func() Response { return &WriteStreamResponse{ROP: id} }
}

// WriteStreamExtendedRequest is RopWriteStreamExtended's request buffer ([MS-OXCROPS] 2.2.9.4.1).
type WriteStreamExtendedRequest struct {
	Head
	In   uint8
	Data []byte
}

// RopID implements Request.
func (*WriteStreamExtendedRequest) RopID() uint8 { return RopWriteStreamExtended }

func (r *WriteStreamExtendedRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.Data)
}

// WriteStreamExtendedResponse is RopWriteStreamExtended's response buffer ([MS-OXCROPS] 2.2.9.4.2).
type WriteStreamExtendedResponse struct {
	Reply
	WrittenSize uint32 // of all packed requests
	Short       bool   // see Reply.short
}

// RopID implements Response.
func (*WriteStreamExtendedResponse) RopID() uint8 { return RopWriteStreamExtended }

func (r *WriteStreamExtendedResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	if !r.short(c, &r.Short, 0) {
		c.U32(&r.WrittenSize)
	}
}

// CommitStreamRequest is RopCommitStream's request buffer ([MS-OXCROPS] 2.2.9.5.1).
type CommitStreamRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*CommitStreamRequest) RopID() uint8 { return RopCommitStream }

func (r *CommitStreamRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetStreamSizeRequest is RopGetStreamSize's request buffer ([MS-OXCROPS] 2.2.9.6.1).
type GetStreamSizeRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetStreamSizeRequest) RopID() uint8 { return RopGetStreamSize }

func (r *GetStreamSizeRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetStreamSizeResponse is RopGetStreamSize's response buffer ([MS-OXCROPS] 2.2.9.6.2).
type GetStreamSizeResponse struct {
	Reply
	StreamSize uint32
}

// RopID implements Response.
func (*GetStreamSizeResponse) RopID() uint8 { return RopGetStreamSize }

func (r *GetStreamSizeResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.StreamSize)
	}
}

// SetStreamSizeRequest is RopSetStreamSize's request buffer ([MS-OXCROPS] 2.2.9.7.1).
type SetStreamSizeRequest struct {
	Head
	In         uint8
	StreamSize uint64
}

// RopID implements Request.
func (*SetStreamSizeRequest) RopID() uint8 { return RopSetStreamSize }

func (r *SetStreamSizeRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U64(&r.StreamSize)
}

// SeekStreamRequest is RopSeekStream's request buffer ([MS-OXCROPS] 2.2.9.8.1).
type SeekStreamRequest struct {
	Head
	In     uint8
	Origin uint8 // 0 beginning, 1 current position, 2 end
	Offset int64
}

// RopID implements Request.
func (*SeekStreamRequest) RopID() uint8 { return RopSeekStream }

func (r *SeekStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Origin)
	c.I64(&r.Offset)
}

// SeekStreamResponse is RopSeekStream's response buffer ([MS-OXCROPS] 2.2.9.8.2).
type SeekStreamResponse struct {
	Reply
	NewPosition uint64
}

// RopID implements Response.
func (*SeekStreamResponse) RopID() uint8 { return RopSeekStream }

func (r *SeekStreamResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U64(&r.NewPosition)
	}
}

// CopyToStreamRequest is RopCopyToStream's request buffer ([MS-OXCROPS] 2.2.9.9.1).
type CopyToStreamRequest struct {
	Head
	Src, Dest uint8
	ByteCount uint64
}

// RopID implements Request.
func (*CopyToStreamRequest) RopID() uint8 { return RopCopyToStream }

func (r *CopyToStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Src)
	c.U8(&r.Dest)
	c.U64(&r.ByteCount)
}

// CopyToStreamResponse is RopCopyToStream's response buffer ([MS-OXCROPS] 2.2.9.9.2).
type CopyToStreamResponse struct {
	Reply
	Dest             uint32 // DestHandleIndex, only with ReturnValue mapi.ErrNullDestination
	ReadByteCount    uint64
	WrittenByteCount uint64
	Short            bool // see Reply.short
}

// RopID implements Response.
func (*CopyToStreamResponse) RopID() uint8 { return RopCopyToStream }

func (r *CopyToStreamResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	if r.ReturnValue == mapi.ErrNullDestination {
		c.U32(&r.Dest)
	}
	if !r.short(c, &r.Short, 0) {
		c.U64(&r.ReadByteCount)
		c.U64(&r.WrittenByteCount)
	}
}

// Region is a part of a stream.
type Region struct {
	RegionOffset uint64
	RegionSize   uint64
	LockFlags    uint32 // 1 exclusive, else read-only
}

func (r *Region) code(c *oxcdata.Coder) {
	c.U64(&r.RegionOffset)
	c.U64(&r.RegionSize)
	c.U32(&r.LockFlags)
}

// LockRegionStreamRequest is RopLockRegionStream's request buffer ([MS-OXCROPS] 2.2.9.10.1).
type LockRegionStreamRequest struct {
	Head
	In uint8
	Region
}

// RopID implements Request.
func (*LockRegionStreamRequest) RopID() uint8 { return RopLockRegionStream }

func (r *LockRegionStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	r.Region.code(c)
}

// UnlockRegionStreamRequest is RopUnlockRegionStream's request buffer ([MS-OXCROPS] 2.2.9.11.1).
type UnlockRegionStreamRequest struct {
	Head
	In uint8
	Region
}

// RopID implements Request.
func (*UnlockRegionStreamRequest) RopID() uint8 { return RopUnlockRegionStream }

func (r *UnlockRegionStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	r.Region.code(c)
}

// WriteAndCommitStreamRequest is RopWriteAndCommitStream's request buffer ([MS-OXCROPS] 2.2.9.12.1).
type WriteAndCommitStreamRequest struct {
	Head
	In   uint8
	Data []byte
}

// RopID implements Request.
func (*WriteAndCommitStreamRequest) RopID() uint8 { return RopWriteAndCommitStream }

func (r *WriteAndCommitStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.Data)
}

// CloneStreamRequest is RopCloneStream's request buffer ([MS-OXCROPS] 2.2.9.13.1).
type CloneStreamRequest struct {
	Head
	In, Out uint8
}

// RopID implements Request.
func (*CloneStreamRequest) RopID() uint8 { return RopCloneStream }

func (r *CloneStreamRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
}
