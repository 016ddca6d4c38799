package comserver

import (
	"errors"
	"fmt"
)

// Code is an HRESULT.
type Code uint32

func (c Code) Error() string { return fmt.Sprintf("%#08x", uint32(c)) }

// Failed tells failures from successes.
func (c Code) Failed() bool { return int32(c) < 0 }

// Errors of a call itself, rather than of the member ([MS-OAUT] 2.2.10). Clients see them as run-time errors of their own
// language: 438, 13, 450, 449.
const (
	MemberNotFound   Code = 0x80020003
	ParamNotFound    Code = 0x80020004
	TypeMismatch     Code = 0x80020005
	UnknownName      Code = 0x80020006
	Overflow         Code = 0x8002000A
	BadParamCount    Code = 0x8002000E
	ParamNotOptional Code = 0x8002000F
)

// Codes that the server itself answers with (winerror.h).
const (
	sOK               Code = 0
	sFalse            Code = 1
	eNotImpl          Code = 0x80004001
	eNoInterface      Code = 0x80004002
	ePointer          Code = 0x80004003
	eFail             Code = 0x80004005
	eOutOfMemory      Code = 0x8007000E
	eInvalidArg       Code = 0x80070057
	dispException     Code = 0x80020009
	dispBadIndex      Code = 0x8002000B
	dispFacility      Code = 0x80020000
	classNoAggregate  Code = 0x80040110
	objectGone        Code = 0x80010108 // RPC_E_DISCONNECTED
	facilityOfTheCode Code = 0xFFFF0000
	facilityControl   Code = 0x800A0000
)

// Error is a failure as automation clients see it: Err.Number, Err.Source and Err.Description. An Object's Invoke returns
// it, or an error that has one in its tree; other errors are E_FAIL with their text.
type Error struct {
	Code        Code
	Source      string // empty for the library's
	Description string // empty for the text of Err
	Err         error  // the cause, or nil
}

func (e *Error) Error() string {
	if e.Description == "" && e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s (%#08x)", e.Description, uint32(e.Code))
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// asError makes what a client sees of an error. A code of the DISP_E family is the answer to the call itself and has no text;
// anything else travels in an EXCEPINFO.
func asError(err error, source string) (e Error, inCall bool) {
	e.Code = eFail
	var own *Error
	var code Code
	switch {
	case errors.As(err, &own):
		e = *own
	case errors.As(err, &code):
		e.Code = code
	}
	if e.Code == 0 { // it would look like success
		e.Code = eFail
	}
	if e.Code&facilityOfTheCode == dispFacility {
		return e, true
	}
	if e.Source == "" {
		e.Source = source
	}
	if e.Description == "" {
		e.Description = err.Error()
	}
	return e, false
}
