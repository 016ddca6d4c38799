package dcerpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/internal/ndr"
)

// Fault is an error that the other side sent for a call, or one that a handler wants to be sent. errors.Is compares the
// Status only.
type Fault struct {
	Status uint32
	// Executed is false where the server says that it didn't begin with the call.
	Executed bool
}

// Statuses of faults ([C706] appendix E, [MS-RPCE] 3.1.1.5.5, [MS-ERREF] 2.2).
const (
	StatusAccessDenied    = 0x00000005
	StatusTooBusy         = 0x000006BB // RPC_S_SERVER_TOO_BUSY
	StatusBadStub         = 0x000006F7 // RPC_X_BAD_STUB_DATA
	StatusSecurityPackage = 0x00000721 // RPC_S_SEC_PKG_ERROR
	StatusCancelled       = 0x1C00000D // nca_s_fault_cancel
	StatusUnspecified     = 0x1C000012 // nca_s_fault_unspec
	StatusContextMismatch = 0x1C00001A // nca_s_fault_context_mismatch
	StatusOpRange         = 0x1C010002 // nca_s_op_rng_error
	StatusUnknownIf       = 0x1C010003 // nca_s_unk_if
	StatusProtocol        = 0x1C01000B // nca_s_proto_error
	StatusServerTooBusy   = 0x1C010014 // nca_s_server_too_busy
)

var statusNames = map[uint32]string{
	StatusAccessDenied: "access denied", StatusTooBusy: "the server is too busy", StatusBadStub: "bad stub data",
	StatusSecurityPackage: "security package error", StatusCancelled: "cancelled", StatusUnspecified: "unspecified fault",
	StatusContextMismatch: "unknown context handle", StatusOpRange: "no such operation", StatusUnknownIf: "no such interface",
	StatusProtocol: "protocol error", StatusServerTooBusy: "the server is too busy",
}

func (f *Fault) Error() string {
	name := statusNames[f.Status]
	if name == "" {
		name = "unknown status"
	}
	return fmt.Sprintf("DCE/RPC fault 0x%08X: %s", f.Status, name)
}

// Is implements errors.Is.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Status == f.Status
}

// statusOf is the status that tells a client of a handler's error.
func statusOf(err error) uint32 {
	var f *Fault
	switch {
	case errors.As(err, &f):
		return f.Status
	case errors.Is(err, ndr.ErrFormat):
		return StatusBadStub
	case errors.Is(err, context.Canceled):
		return StatusCancelled
	}
	return StatusUnspecified
}

// Refusal is a bind that the server refused as a whole ([C706] 12.6.4.5).
type Refusal struct{ Reason uint16 }

// Reasons of refusals ([C706] 12.6.3.1, [MS-RPCE] 2.2.2.5).
const (
	RefusedUnspecified = 0
	RefusedCongestion  = 1
	RefusedLimit       = 2
	RefusedVersion     = 4
	RefusedAuthType    = 8
	RefusedChecksum    = 9
)

func (e *Refusal) Error() string {
	reason, ok := map[uint16]string{RefusedUnspecified: "no reason given", RefusedCongestion: "temporary congestion", RefusedLimit: "local limit exceeded",
		RefusedVersion: "protocol version not supported", RefusedAuthType: "authentication type not recognized", RefusedChecksum: "invalid checksum"}[e.Reason]
	if !ok {
		reason = fmt.Sprintf("reason %d", e.Reason)
	}
	return "the server refused the bind: " + reason
}

// NotAccepted is an interface that the server has not, or not in NDR.
type NotAccepted struct {
	Interface      Syntax
	Result, Reason uint16
}

func (e *NotAccepted) Error() string {
	switch e.Reason {
	case reasonAbstractSyntax:
		return fmt.Sprintf("the server has no interface %v", e.Interface)
	case reasonTransferSyntax:
		return fmt.Sprintf("the server doesn't speak NDR 2.0 on interface %v", e.Interface)
	}
	return fmt.Sprintf("the server rejected interface %v: result %d, reason %d", e.Interface, e.Result, e.Reason)
}
