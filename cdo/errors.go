package cdo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// Error is a failed member of the object model.
type Error struct {
	Member string    // "Session.Logon"
	Code   mapi.Code // one of the CdoE constants, or a code of the server that CDO has no name for
	Err    error     // the cause, or nil
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Member + ": " + e.Code.String()
	}
	cause := e.Err.Error()
	if strings.Contains(cause, e.Code.String()) {
		return e.Member + ": " + cause
	}
	return e.Member + ": " + e.Code.String() + ": " + cause
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is answers for the code.
func (e *Error) Is(target error) bool {
	c, ok := target.(mapi.Code)
	return ok && c == e.Code
}

// Description is the text that CDO gives to automation clients as Err.Description; scripts match it.
func (e *Error) Description() string {
	name, _, named := strings.Cut(e.Code.String(), " (")
	switch {
	case e.Code == CdoE_CALL_FAILED:
		name = "E_FAIL"
	case !named:
		name = ""
	}
	return fmt.Sprintf("[%s - [%s(%08X)]]", ApplicationName, name, uint32(e.Code))
}

// ApplicationName is the value of every object's Application property and of Err.Source.
const ApplicationName = "Collaboration Data Objects"

// fail makes an error of a member. An error that names its member already stays as it is.
func fail(member string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok {
		return e
	}
	if c, ok := err.(mapi.Code); ok {
		return &Error{Member: member, Code: c}
	}
	code := mapi.CodeOf(err)
	if errors.Is(err, context.DeadlineExceeded) {
		code = CdoE_TIMEOUT
	}
	return &Error{Member: member, Code: code, Err: err}
}

// failf makes an error of a member with a code and its reason.
func failf(member string, code mapi.Code, format string, args ...any) error {
	return &Error{Member: member, Code: code, Err: fmt.Errorf(format, args...)}
}

// missing tells whether an error says that something isn't there.
func missing(err error) bool { return errors.Is(err, mapi.ErrNotFound) }
