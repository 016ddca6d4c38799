package spnego

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/opencdo/opencdo/internal/gss"
)

// This file compiles for Windows, but no test has run it there.

var (
	secur32                   = windows.NewLazySystemDLL("secur32.dll")
	acquireCredentialsHandle  = secur32.NewProc("AcquireCredentialsHandleW")
	freeCredentialsHandle     = secur32.NewProc("FreeCredentialsHandle")
	initializeSecurityContext = secur32.NewProc("InitializeSecurityContextW")
	completeAuthToken         = secur32.NewProc("CompleteAuthToken")
	deleteSecurityContext     = secur32.NewProc("DeleteSecurityContext")
	queryContextAttributes    = secur32.NewProc("QueryContextAttributesW")
	freeContextBuffer         = secur32.NewProc("FreeContextBuffer")
	makeSignature             = secur32.NewProc("MakeSignature")
	verifySignature           = secur32.NewProc("VerifySignature")
	encryptMessage            = secur32.NewProc("EncryptMessage")
	decryptMessage            = secur32.NewProc("DecryptMessage")
)

var errSSPI = errors.New("spnego: SSPI")

var _ gss.Context = (*sspi)(nil)

// Values of sspi.h.
const (
	credOutbound = 2

	reqMutual          = 0x2
	reqReplay          = 0x4
	reqSequence        = 0x8
	reqConfidentiality = 0x10
	reqDCE             = 0x200
	reqConnection      = 0x800
	reqIntegrity       = 0x10000

	bufferData            = 1
	bufferToken           = 2
	bufferChannelBindings = 14
	bufferReadOnly        = 0x10000000 // with checksum

	statusContinue         = 0x00090312
	statusComplete         = 0x00090313
	statusCompleteContinue = 0x00090314

	attributeSizes       = 0
	attributeNegotiation = 12

	rpcNTLM = 10 // RPC_C_AUTHN_WINNT

	maxSSPIToken = 64 << 10 // more than MaxTokenSize's limit of 48,000
)

type handle struct{ lower, upper uintptr }

type secBuffer struct {
	size, kind uint32
	data       *byte
}

type secBufferDesc struct {
	version, count uint32
	buffers        *secBuffer
}

func describe(b []secBuffer) *secBufferDesc {
	return &secBufferDesc{count: uint32(len(b)), buffers: unsafe.SliceData(b)}
}

func buffer(kind uint32, data []byte) secBuffer {
	return secBuffer{uint32(len(data)), kind, unsafe.SliceData(data)}
}

// sspi is an initiator whose mechanism the operating system chooses.
type sspi struct {
	cfg           CurrentUser
	service       *uint16
	creds, handle handle
	begun, done   bool
	tokenSize     int
	signatureSize int
	ntlm          bool
}

// NewCurrentUser begins a handshake as whoever runs the program.
func NewCurrentUser(cfg CurrentUser) (gss.Context, error) {
	service, err := windows.UTF16PtrFromString(cfg.Service)
	if err != nil {
		return nil, fmt.Errorf("spnego: service %q: %w", cfg.Service, err)
	}
	name, err := windows.UTF16PtrFromString("Negotiate")
	if err != nil {
		return nil, err
	}
	c := &sspi{cfg: cfg, service: service}
	var expires int64
	if err := check(acquireCredentialsHandle.Call(0, uintptr(unsafe.Pointer(name)), credOutbound, 0, 0, 0, 0,
		uintptr(unsafe.Pointer(&c.creds)), uintptr(unsafe.Pointer(&expires)))); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(c, (*sspi).free)
	return c, nil
}

func (c *sspi) free() {
	if c.begun {
		deleteSecurityContext.Call(uintptr(unsafe.Pointer(&c.handle)))
	}
	freeCredentialsHandle.Call(uintptr(unsafe.Pointer(&c.creds)))
}

// check turns a status into an error.
func check(status, _ uintptr, _ error) error {
	if int32(status) >= 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", errSSPI, syscall.Errno(uint32(status)))
}

func (c *sspi) flags() uintptr {
	f := uintptr(reqMutual | reqReplay | reqSequence | reqConnection | reqIntegrity)
	if c.cfg.Seal {
		f |= reqConfidentiality
	}
	if c.cfg.DCE {
		f |= reqDCE
	}
	return f
}

// Step implements gss.Context.
func (c *sspi) Step(_ context.Context, token []byte) ([]byte, bool, error) {
	if c.done || c.begun == (token == nil) {
		return nil, false, errSequence
	}
	var in []secBuffer
	if token != nil {
		in = append(in, buffer(bufferToken, token))
	}
	if c.cfg.ChannelBinding != nil {
		in = append(in, buffer(bufferChannelBindings, channelBindings(c.cfg.ChannelBinding)))
	}
	out := []secBuffer{buffer(bufferToken, make([]byte, maxSSPIToken))}
	var old, input uintptr
	if c.begun {
		old = uintptr(unsafe.Pointer(&c.handle))
	}
	inDesc, outDesc := describe(in), describe(out)
	if len(in) > 0 {
		input = uintptr(unsafe.Pointer(inDesc))
	}
	var attributes uint32
	var expires int64
	status, r2, err := initializeSecurityContext.Call(uintptr(unsafe.Pointer(&c.creds)), old, uintptr(unsafe.Pointer(c.service)),
		c.flags(), 0, 0, input, 0, uintptr(unsafe.Pointer(&c.handle)), uintptr(unsafe.Pointer(outDesc)),
		uintptr(unsafe.Pointer(&attributes)), uintptr(unsafe.Pointer(&expires)))
	runtime.KeepAlive(in)
	runtime.KeepAlive(inDesc)
	if err := check(status, r2, err); err != nil {
		return nil, false, err
	}
	c.begun = true
	if status == statusComplete || status == statusCompleteContinue {
		if err := check(completeAuthToken.Call(uintptr(unsafe.Pointer(&c.handle)), uintptr(unsafe.Pointer(outDesc)))); err != nil {
			return nil, false, err
		}
	}
	var answer []byte
	if n := out[0].size; n > 0 {
		answer = unsafe.Slice(out[0].data, n)
	}
	if status == statusContinue || status == statusCompleteContinue {
		return answer, false, nil
	}
	if err := c.establish(); err != nil {
		return nil, false, err
	}
	return answer, true, nil
}

// channelBindings is a SEC_CHANNEL_BINDINGS without addresses.
func channelBindings(b gss.ChannelBinding) []byte {
	const size = 32
	out := make([]byte, size, size+len(b))
	binary.LittleEndian.PutUint32(out[24:], uint32(len(b)))
	binary.LittleEndian.PutUint32(out[28:], size)
	return append(out, b...)
}

// establish asks for sizes and mechanism.
func (c *sspi) establish() error {
	var sizes struct{ maxToken, maxSignature, blockSize, securityTrailer uint32 }
	if err := c.query(attributeSizes, unsafe.Pointer(&sizes)); err != nil {
		return err
	}
	c.signatureSize, c.tokenSize = int(sizes.maxSignature), int(sizes.maxSignature)
	if c.cfg.Seal {
		c.tokenSize = int(sizes.securityTrailer)
	}
	var info struct {
		pkg *struct {
			capabilities   uint32
			version, rpcID uint16
		}
		state uint32
	}
	if err := c.query(attributeNegotiation, unsafe.Pointer(&info)); err != nil {
		return err
	}
	if info.pkg != nil {
		c.ntlm = info.pkg.rpcID == rpcNTLM
		freeContextBuffer.Call(uintptr(unsafe.Pointer(info.pkg)))
	}
	c.done = true
	return nil
}

func (c *sspi) query(attribute uintptr, p unsafe.Pointer) error {
	return check(queryContextAttributes.Call(uintptr(unsafe.Pointer(&c.handle)), attribute, uintptr(p)))
}

// TokenSize implements gss.Context.
func (c *sspi) TokenSize() int { return c.tokenSize }

// SignSize tells DCE/RPC the length of what Sign gives.
func (c *sspi) SignSize() int { return c.signatureSize }

// SignsHeader tells DCE/RPC whether the headers of PDUs are signed whatever was negotiated.
func (c *sspi) SignsHeader() bool { return c.ntlm }

// Peer implements gss.Context.
func (c *sspi) Peer() string {
	if !c.done {
		return ""
	}
	return c.cfg.Service
}

// Sign implements gss.Context.
func (c *sspi) Sign(message []byte) ([]byte, error) {
	return c.protect(makeSignature, []secBuffer{buffer(bufferData, message)}, c.signatureSize)
}

// Seal implements gss.Context.
func (c *sspi) Seal(message, secret []byte) ([]byte, error) {
	parts, err := split(message, secret)
	if err != nil {
		return nil, err
	}
	return c.protect(encryptMessage, parts, c.tokenSize)
}

func (c *sspi) protect(call *windows.LazyProc, parts []secBuffer, size int) ([]byte, error) {
	if !c.done {
		return nil, errNoContext
	}
	parts = append(parts, buffer(bufferToken, make([]byte, size)))
	desc := describe(parts)
	err := check(call.Call(uintptr(unsafe.Pointer(&c.handle)), 0, uintptr(unsafe.Pointer(desc)), 0))
	token := parts[len(parts)-1]
	return unsafe.Slice(token.data, token.size), err
}

// Verify implements gss.Context.
func (c *sspi) Verify(message, token []byte) error {
	return c.inspect(verifySignature, []secBuffer{buffer(bufferData, message), buffer(bufferToken, token)})
}

// Unseal implements gss.Context.
func (c *sspi) Unseal(message, secret, token []byte) error {
	parts, err := split(message, secret)
	if err != nil {
		return err
	}
	return c.inspect(decryptMessage, append(parts, buffer(bufferToken, token)))
}

func (c *sspi) inspect(call *windows.LazyProc, parts []secBuffer) error {
	if !c.done {
		return errNoContext
	}
	desc := describe(parts)
	err := check(call.Call(uintptr(unsafe.Pointer(&c.handle)), uintptr(unsafe.Pointer(desc)), 0, 0))
	runtime.KeepAlive(parts)
	return err
}

// split is a message whose middle is encrypted and whose other parts are signed only.
func split(message, secret []byte) ([]secBuffer, error) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(secret))) - uintptr(unsafe.Pointer(unsafe.SliceData(message)))
	if len(secret) == 0 {
		at = 0
	}
	if at > uintptr(len(message)) || int(at)+len(secret) > len(message) {
		return nil, errMalformed
	}
	return []secBuffer{buffer(bufferData|bufferReadOnly, message[:at]), buffer(bufferData, secret),
		buffer(bufferData|bufferReadOnly, message[int(at)+len(secret):])}, nil
}
