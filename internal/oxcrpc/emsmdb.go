package oxcrpc

import (
	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

// The interfaces of a mailbox over RPC ([MS-OXCRPC] 1.9).
var (
	EMSMDB      = dcerpc.Syntax{UUID: mapi.MustGUID("a4f1db00-ca47-1067-b31f-00dd010662da"), Minor: 81}
	AsyncEMSMDB = dcerpc.Syntax{UUID: mapi.MustGUID("5261574a-4572-206e-b268-6b199213b4e4"), Minor: 1}
)

// Operations of EMSMDB ([MS-OXCRPC] 3.1.4).
const (
	OpEcDoDisconnect              = 1
	OpEcRRegisterPushNotification = 4
	OpEcDummyRpc                  = 6
	OpEcDoConnectEx               = 10
	OpEcDoRpcExt2                 = 11
	OpEcDoAsyncConnectEx          = 14
)

// OpEcDoAsyncWaitEx is the operation of AsyncEMSMDB ([MS-OXCRPC] 3.3.4.1).
const OpEcDoAsyncWaitEx = 0

// Sizes of buffers ([MS-OXCRPC] 2.2.2, BIG_RANGE_ULONG and SMALL_RANGE_ULONG). More is bad stub data.
const (
	MaxROPBuffer = 0x40000
	MaxAuxBuffer = 0x1008
)

// NoLink as LinkedSession is a connection by itself.
const NoLink = 0xFFFFFFFF

// buffer is a conformant array of bytes and its size, which follows it.
func buffer(c *ndr.Coder, p *[]byte, most uint32) {
	c.Bytes32(p)
	n := uint32(len(*p))
	c.U32(&n)
	sized(c, n, *p, most)
}

// filled is a buffer that the server fills: of varying length.
func filled(c *ndr.Coder, p *[]byte) {
	c.VaryingBytes(p)
	n := uint32(len(*p))
	c.U32(&n)
	sized(c, n, *p, n)
}

func sized(c *ndr.Coder, n uint32, b []byte, most uint32) {
	if c.Err() == nil && (int(n) != len(b) || n > most) {
		c.Fail("buffer of %d bytes whose size is %d, of at most %d", len(b), n, most)
	}
}

// wanted is the size that an answer may have.
func wanted(c *ndr.Coder, p *uint32, most uint32) {
	if c.U32(p); *p > most {
		c.Fail("buffer of %d bytes wanted, of at most %d", *p, most)
	}
}

func words(c *ndr.Coder, p *[3]uint16) {
	for i := range p {
		c.U16(&p[i])
	}
}

// allocated is a string that the server allocates, which isn't there where it has failed.
func allocated(c *ndr.Coder, p **mapi.String8) { ndr.Unique(c, p, (*ndr.Coder).String8) }

// EcDoConnectExRequest opens a session ([MS-OXCRPC] 3.1.4.1).
type EcDoConnectExRequest struct {
	UserDN        mapi.String8
	Flags         uint32 // as ConnectRequest of MAPI over HTTP has them
	ConMod        uint32 // a hash of UserDN
	Limit         uint32 // 0
	CodePage      uint32
	LcidString    uint32
	LcidSort      uint32
	LinkedSession uint32 // Session of an earlier connection, or NoLink
	CanConvert    uint16 // 1
	ClientVersion [3]uint16
	TimeStamp     uint32 // of LinkedSession
	AuxIn         []byte // extended buffer
	AuxOutSize    uint32
}

// NDR implements ndr.Body.
func (r *EcDoConnectExRequest) NDR(c *ndr.Coder) {
	c.String8(&r.UserDN)
	for _, p := range []*uint32{&r.Flags, &r.ConMod, &r.Limit, &r.CodePage, &r.LcidString, &r.LcidSort, &r.LinkedSession} {
		c.U32(p)
	}
	c.U16(&r.CanConvert)
	words(c, &r.ClientVersion)
	c.U32(&r.TimeStamp)
	buffer(c, &r.AuxIn, MaxAuxBuffer)
	wanted(c, &r.AuxOutSize, MaxAuxBuffer)
}

// EcDoConnectExResponse answers it ([MS-OXCRPC] 3.1.4.1). Times are milliseconds.
type EcDoConnectExResponse struct {
	Context       ndr.ContextHandle // CXH; zero where it failed
	PollsMax      uint32
	RetryCount    uint32
	RetryDelay    uint32
	Session       uint16
	DNPrefix      *mapi.String8
	DisplayName   *mapi.String8
	ServerVersion [3]uint16
	BestVersion   [3]uint16
	TimeStamp     uint32
	AuxOut        []byte
	Result        mapi.Code
}

// NDR implements ndr.Body.
func (r *EcDoConnectExResponse) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.U32(&r.PollsMax)
	c.U32(&r.RetryCount)
	c.U32(&r.RetryDelay)
	c.U16(&r.Session)
	allocated(c, &r.DNPrefix)
	allocated(c, &r.DisplayName)
	words(c, &r.ServerVersion)
	words(c, &r.BestVersion)
	c.U32(&r.TimeStamp)
	filled(c, &r.AuxOut)
	c.Code(&r.Result)
}

// EcDoRpcExt2Request carries ROPs ([MS-OXCRPC] 3.1.4.2).
type EcDoRpcExt2Request struct {
	Context    ndr.ContextHandle
	Flags      uint32 // as ExecuteRequest of MAPI over HTTP has them
	In         []byte // extended buffers
	OutSize    uint32
	AuxIn      []byte
	AuxOutSize uint32
}

// NDR implements ndr.Body.
func (r *EcDoRpcExt2Request) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.U32(&r.Flags)
	buffer(c, &r.In, MaxROPBuffer)
	wanted(c, &r.OutSize, MaxROPBuffer)
	buffer(c, &r.AuxIn, MaxAuxBuffer)
	wanted(c, &r.AuxOutSize, MaxAuxBuffer)
}

// EcDoRpcExt2Response answers it ([MS-OXCRPC] 3.1.4.2).
type EcDoRpcExt2Response struct {
	Context   ndr.ContextHandle // zero where the session is gone
	Flags     uint32            // 0
	Out       []byte
	AuxOut    []byte
	TransTime uint32 // milliseconds that the server took
	Result    mapi.Code
}

// NDR implements ndr.Body.
func (r *EcDoRpcExt2Response) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.U32(&r.Flags)
	filled(c, &r.Out)
	filled(c, &r.AuxOut)
	c.U32(&r.TransTime)
	c.Code(&r.Result)
}

// ContextRequest is the request of what takes nothing but a session: EcDoDisconnect ([MS-OXCRPC] 3.1.4.3) and
// EcDoAsyncConnectEx (3.1.4.4).
type ContextRequest struct{ Context ndr.ContextHandle }

// NDR implements ndr.Body.
func (r *ContextRequest) NDR(c *ndr.Coder) { c.ContextHandle(&r.Context) }

// ContextResponse is their answer: the CXH that is zero now ([MS-OXCRPC] 3.1.4.3), or the ACXH to wait with (3.1.4.4).
type ContextResponse struct {
	Context ndr.ContextHandle
	Result  mapi.Code
}

// NDR implements ndr.Body.
func (r *ContextResponse) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.Code(&r.Result)
}

// EcRRegisterPushNotificationRequest asks for datagrams when there is something to fetch ([MS-OXCRPC] 3.1.4.5).
type EcRRegisterPushNotificationRequest struct {
	Context         ndr.ContextHandle
	RPC             uint32 // 0
	Opaque          []byte // what the datagrams hold
	AdviseBits      uint32 // 0xFFFFFFFF
	CallbackAddress []byte // SOCKADDR
}

// NDR implements ndr.Body.
func (r *EcRRegisterPushNotificationRequest) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.U32(&r.RPC)
	buffer16(c, &r.Opaque)
	c.U32(&r.AdviseBits)
	buffer16(c, &r.CallbackAddress)
}

// buffer16 is a buffer whose size is of 16 bits.
func buffer16(c *ndr.Coder, p *[]byte) {
	c.Bytes32(p)
	n := uint16(len(*p))
	c.U16(&n)
	sized(c, uint32(n), *p, 0xFFFF)
}

// EcRRegisterPushNotificationResponse answers it ([MS-OXCRPC] 3.1.4.5).
type EcRRegisterPushNotificationResponse struct {
	Context      ndr.ContextHandle
	Notification uint32
	Result       mapi.Code
}

// NDR implements ndr.Body.
func (r *EcRRegisterPushNotificationResponse) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.U32(&r.Notification)
	c.Code(&r.Result)
}

// EcDummyRpcRequest has nothing in it: whether the server is there is all it asks ([MS-OXCRPC] 3.1.4.6).
type EcDummyRpcRequest struct{}

// NDR implements ndr.Body.
func (*EcDummyRpcRequest) NDR(*ndr.Coder) {}

// EcDummyRpcResponse answers it ([MS-OXCRPC] 3.1.4.6).
type EcDummyRpcResponse struct{ Result mapi.Code }

// NDR implements ndr.Body.
func (r *EcDummyRpcResponse) NDR(c *ndr.Coder) { c.Code(&r.Result) }

// NotificationPending is the flag of EcDoAsyncWaitExResponse: there is something to fetch.
const NotificationPending = 0x1

// EcDoAsyncWaitExRequest waits for an event ([MS-OXCRPC] 3.3.4.1).
type EcDoAsyncWaitExRequest struct {
	Context ndr.ContextHandle // ACXH
	Flags   uint32            // 0
}

// NDR implements ndr.Body.
func (r *EcDoAsyncWaitExRequest) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Context)
	c.U32(&r.Flags)
}

// EcDoAsyncWaitExResponse answers it when there is one, or after some minutes ([MS-OXCRPC] 3.3.4.1).
type EcDoAsyncWaitExResponse struct {
	Flags  uint32
	Result mapi.Code
}

// NDR implements ndr.Body.
func (r *EcDoAsyncWaitExResponse) NDR(c *ndr.Coder) {
	c.U32(&r.Flags)
	c.Code(&r.Result)
}
