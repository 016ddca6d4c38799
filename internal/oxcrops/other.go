package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Other ROPs ([MS-OXCROPS] 2.2.15).

// BufferTooSmallResponse is RopBufferTooSmall's response buffer ([MS-OXCROPS] 2.2.15.1.1). It is the last of its output buffer.
type BufferTooSmallResponse struct {
	SizeNeeded     uint16
	RequestBuffers []byte // the requests that were not processed, as they stood in the input buffer
}

// RopID implements Response.
func (*BufferTooSmallResponse) RopID() uint8 { return RopBufferTooSmall }

// Result implements Response.
func (*BufferTooSmallResponse) Result() mapi.Code { return mapi.ErrBufferTooSmall }

func (r *BufferTooSmallResponse) code(c *oxcdata.Coder, _ Request) {
	c.U16(&r.SizeNeeded)
	c.Rest(&r.RequestBuffers)
}

// BackoffRop is how long a ROP is not to be sent ([MS-OXCROPS] 2.2.15.2.1.1).
type BackoffRop struct {
	RopID    uint8
	Duration uint32 // milliseconds
}

// BackoffResponse is RopBackoff's response buffer ([MS-OXCROPS] 2.2.15.2.1).
type BackoffResponse struct {
	LogonID        uint8
	Duration       uint32 // milliseconds for all ROPs of the logon
	BackoffRops    []BackoffRop
	AdditionalData []byte
}

// RopID implements Response.
func (*BackoffResponse) RopID() uint8 { return RopBackoff }

// Result implements Response.
func (*BackoffResponse) Result() mapi.Code { return mapi.ErrServerBusy }

func (r *BackoffResponse) code(c *oxcdata.Coder, _ Request) {
	c.U8(&r.LogonID)
	c.U32(&r.Duration)
	oxcdata.List8(c, &r.BackoffRops, 5, func(c *oxcdata.Coder, p *BackoffRop) {
		c.U8(&p.RopID)
		c.U32(&p.Duration)
	})
	c.Bytes16(&r.AdditionalData)
}

// ReleaseRequest is RopRelease's request buffer ([MS-OXCROPS] 2.2.15.3.1). It has no response.
type ReleaseRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*ReleaseRequest) RopID() uint8 { return RopRelease }

func (r *ReleaseRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }
