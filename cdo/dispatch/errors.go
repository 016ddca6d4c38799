package dispatch

import (
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
)

// Code is an error of a call itself, rather than of the member ([MS-OAUT] 2.2.10, DISP_E).
type Code uint32

// Errors of calls. Scripts see them as 438, 449, 13, 450 and the like.
const (
	MemberNotFound   Code = 0x80020003
	ParamNotFound    Code = 0x80020004
	TypeMismatch     Code = 0x80020005
	UnknownName      Code = 0x80020006
	Overflow         Code = 0x8002000A
	BadParamCount    Code = 0x8002000E
	ParamNotOptional Code = 0x8002000F
	NotACollection   Code = 0x80020011
)

func (c Code) Error() string { return fmt.Sprintf("automation error 0x%08X", uint32(c)) }

// Error is a call that couldn't be made.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (0x%08X)", e.Text, uint32(e.Code)) }

// Is answers for the code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

func errorf(c Code, format string, args ...any) error {
	return &Error{c, fmt.Sprintf(format, args...)}
}

// ExcepInfo is what an automation client is told of an error of [Invoke]: the HRESULT, and of a member's failure Err.Source and
// Err.Description too. Warnings reach clients as the low word plus 1000, as in CDO.
func ExcepInfo(err error) (code uint32, source, description string) {
	var call *Error
	var member *cdo.Error
	switch {
	case errors.As(err, &call):
		return uint32(call.Code), "", ""
	case errors.As(err, &member):
	default:
		member = &cdo.Error{Code: mapi.CodeOf(err), Err: err}
	}
	code = uint32(member.Code)
	if member.Code.Warning() {
		code = code&0xFFFF + 1000
	}
	return code, cdo.ApplicationName, member.Description()
}
