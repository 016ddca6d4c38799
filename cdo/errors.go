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

// Error codes (CdoErrorType). The W codes are warnings. All are those of package mapi under CDO's names.
const (
	CdoE_CALL_FAILED                 mapi.Code = 0x80004005
	CdoE_INTERFACE_NOT_SUPPORTED     mapi.Code = 0x80004002
	CdoE_NO_ACCESS                   mapi.Code = 0x80070005
	CdoE_NOT_ENOUGH_MEMORY           mapi.Code = 0x8007000E
	CdoE_INVALID_PARAMETER           mapi.Code = 0x80070057
	CdoE_NO_SUPPORT                  mapi.Code = 0x80040102
	CdoE_BAD_CHARWIDTH               mapi.Code = 0x80040103
	CdoE_STRING_TOO_LONG             mapi.Code = 0x80040105
	CdoE_UNKNOWN_FLAGS               mapi.Code = 0x80040106
	CdoE_INVALID_ENTRYID             mapi.Code = 0x80040107
	CdoE_INVALID_OBJECT              mapi.Code = 0x80040108
	CdoE_OBJECT_CHANGED              mapi.Code = 0x80040109
	CdoE_OBJECT_DELETED              mapi.Code = 0x8004010A
	CdoE_BUSY                        mapi.Code = 0x8004010B
	CdoE_NOT_ENOUGH_DISK             mapi.Code = 0x8004010D
	CdoE_NOT_ENOUGH_RESOURCES        mapi.Code = 0x8004010E
	CdoE_NOT_FOUND                   mapi.Code = 0x8004010F
	CdoE_VERSION                     mapi.Code = 0x80040110
	CdoE_LOGON_FAILED                mapi.Code = 0x80040111
	CdoE_SESSION_LIMIT               mapi.Code = 0x80040112
	CdoE_USER_CANCEL                 mapi.Code = 0x80040113
	CdoE_UNABLE_TO_ABORT             mapi.Code = 0x80040114
	CdoE_NETWORK_ERROR               mapi.Code = 0x80040115
	CdoE_DISK_ERROR                  mapi.Code = 0x80040116
	CdoE_TOO_COMPLEX                 mapi.Code = 0x80040117
	CdoE_BAD_COLUMN                  mapi.Code = 0x80040118
	CdoE_EXTENDED_ERROR              mapi.Code = 0x80040119
	CdoE_COMPUTED                    mapi.Code = 0x8004011A
	CdoE_CORRUPT_DATA                mapi.Code = 0x8004011B
	CdoE_UNCONFIGURED                mapi.Code = 0x8004011C
	CdoE_FAILONEPROVIDER             mapi.Code = 0x8004011D
	CdoE_UNKNOWN_CPID                mapi.Code = 0x8004011E
	CdoE_UNKNOWN_LCID                mapi.Code = 0x8004011F
	CdoE_PASSWORD_CHANGE_REQUIRED    mapi.Code = 0x80040120
	CdoE_PASSWORD_EXPIRED            mapi.Code = 0x80040121
	CdoE_INVALID_WORKSTATION_ACCOUNT mapi.Code = 0x80040122
	CdoE_INVALID_ACCESS_TIME         mapi.Code = 0x80040123
	CdoE_ACCOUNT_DISABLED            mapi.Code = 0x80040124
	CdoE_END_OF_SESSION              mapi.Code = 0x80040200
	CdoE_UNKNOWN_ENTRYID             mapi.Code = 0x80040201
	CdoE_MISSING_REQUIRED_COLUMN     mapi.Code = 0x80040202
	CdoW_NO_SERVICE                  mapi.Code = 0x00040203
	CdoE_BAD_VALUE                   mapi.Code = 0x80040301
	CdoE_INVALID_TYPE                mapi.Code = 0x80040302
	CdoE_TYPE_NO_SUPPORT             mapi.Code = 0x80040303
	CdoE_UNEXPECTED_TYPE             mapi.Code = 0x80040304
	CdoE_TOO_BIG                     mapi.Code = 0x80040305
	CdoE_DECLINE_COPY                mapi.Code = 0x80040306
	CdoE_UNEXPECTED_ID               mapi.Code = 0x80040307
	CdoW_ERRORS_RETURNED             mapi.Code = 0x00040380
	CdoE_UNABLE_TO_COMPLETE          mapi.Code = 0x80040400
	CdoE_TIMEOUT                     mapi.Code = 0x80040401
	CdoE_TABLE_EMPTY                 mapi.Code = 0x80040402
	CdoE_TABLE_TOO_BIG               mapi.Code = 0x80040403
	CdoE_INVALID_BOOKMARK            mapi.Code = 0x80040405
	CdoW_POSITION_CHANGED            mapi.Code = 0x00040481
	CdoW_APPROX_COUNT                mapi.Code = 0x00040482
	CdoE_WAIT                        mapi.Code = 0x80040500
	CdoE_CANCEL                      mapi.Code = 0x80040501
	CdoE_NOT_ME                      mapi.Code = 0x80040502
	CdoW_CANCEL_MESSAGE              mapi.Code = 0x00040580
	CdoE_CORRUPT_STORE               mapi.Code = 0x80040600
	CdoE_NOT_IN_QUEUE                mapi.Code = 0x80040601
	CdoE_NO_SUPPRESS                 mapi.Code = 0x80040602
	CdoE_COLLISION                   mapi.Code = 0x80040604
	CdoE_NOT_INITIALIZED             mapi.Code = 0x80040605
	CdoE_NON_STANDARD                mapi.Code = 0x80040606
	CdoE_NO_RECIPIENTS               mapi.Code = 0x80040607
	CdoE_SUBMITTED                   mapi.Code = 0x80040608
	CdoE_HAS_FOLDERS                 mapi.Code = 0x80040609
	CdoE_HAS_MESSAGES                mapi.Code = 0x8004060A
	CdoE_FOLDER_CYCLE                mapi.Code = 0x8004060B
	CdoW_PARTIAL_COMPLETION          mapi.Code = 0x00040680
	CdoE_AMBIGUOUS_RECIP             mapi.Code = 0x80040700
)
