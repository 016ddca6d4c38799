package oxcmapihttp

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Flags of ConnectRequest.
const (
	ConnectAdmin      = 0x0001 // administrator privilege is wanted
	ConnectIgnoreNoPF = 0x8000 // the client copes without public folders
)

// ConnectRequest opens a session context ([MS-OXCMAPIHTTP] 2.2.4.1.1).
type ConnectRequest struct {
	UserDN          mapi.String8
	Flags           uint32
	DefaultCodePage uint32
	LcidSort        uint32
	LcidString      uint32
}

// Code walks the body.
func (r *ConnectRequest) Code(c *oxcdata.Coder) {
	c.SZ(&r.UserDN)
	c.U32(&r.Flags)
	c.U32(&r.DefaultCodePage)
	c.U32(&r.LcidSort)
	c.U32(&r.LcidString)
}

// ConnectResponse answers it (2.2.4.1.2). Times are milliseconds.
type ConnectResponse struct {
	PollsMax    uint32
	RetryCount  uint32
	RetryDelay  uint32
	DNPrefix    mapi.String8
	DisplayName string
}

// Code walks the body.
func (r *ConnectResponse) Code(c *oxcdata.Coder) {
	c.U32(&r.PollsMax)
	c.U32(&r.RetryCount)
	c.U32(&r.RetryDelay)
	c.SZ(&r.DNPrefix)
	c.WSZ(&r.DisplayName)
}

// Flags of ExecuteRequest.
const (
	ExecuteNoCompression = 0x1
	ExecuteNoXorMagic    = 0x2
	ExecuteChain         = 0x4
)

// ExecuteRequest carries ROPs (2.2.4.2.1).
type ExecuteRequest struct {
	Flags     uint32
	ROPBuffer []byte // extended buffers, package oxcrpc
	MaxROPOut uint32
}

// Code walks the body.
func (r *ExecuteRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	c.Bytes32(&r.ROPBuffer)
	c.U32(&r.MaxROPOut)
}

// ExecuteResponse answers it (2.2.4.2.2).
type ExecuteResponse struct {
	Flags     uint32 // 0
	ROPBuffer []byte
}

// Code walks the body.
func (r *ExecuteResponse) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	c.Bytes32(&r.ROPBuffer)
}

// Empty is the body of Disconnect both ways, of Unbind's response, and of others without fields of their own.
type Empty struct{}

// Code walks nothing.
func (*Empty) Code(*oxcdata.Coder) {}

// NotificationWaitRequest waits for an event (2.2.4.4.1).
type NotificationWaitRequest struct{ Flags uint32 }

// Code walks the body.
func (r *NotificationWaitRequest) Code(c *oxcdata.Coder) { c.U32(&r.Flags) }

// NotificationWaitResponse says whether one is there (2.2.4.4.2).
type NotificationWaitResponse struct{ EventPending uint32 }

// Code walks the body.
func (r *NotificationWaitResponse) Code(c *oxcdata.Coder) { c.U32(&r.EventPending) }
