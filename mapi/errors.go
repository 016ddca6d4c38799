package mapi

import (
	"errors"
	"fmt"
)

// Code is an error or warning code of MAPI: an HRESULT or one of Exchange's own small numbers ([MS-OXCDATA] 2.4).
// It is an error itself, so errors.Is(err, mapi.ErrNotFound) works on every error that carries it.
type Code uint32

// Codes that programs test for. The full list of names is in the table below.
const (
	ErrCallFailed       Code = 0x80004005
	ErrNoMemory         Code = 0x8007000E
	ErrInvalidParameter Code = 0x80070057
	ErrNoAccess         Code = 0x80070005
	ErrNoSupport        Code = 0x80040102
	ErrInvalidEntryID   Code = 0x80040107
	ErrInvalidObject    Code = 0x80040108
	ErrObjectChanged    Code = 0x80040109
	ErrObjectDeleted    Code = 0x8004010A
	ErrBusy             Code = 0x8004010B
	ErrOutOfDisk        Code = 0x8004010D
	ErrNotFound         Code = 0x8004010F
	ErrVersion          Code = 0x80040110
	ErrLogonFailed      Code = 0x80040111
	ErrUserCancel       Code = 0x80040113
	ErrUnableToAbort    Code = 0x80040114
	ErrNetwork          Code = 0x80040115
	ErrDisk             Code = 0x80040116
	ErrTooComplex       Code = 0x80040117
	ErrComputed         Code = 0x8004011A
	ErrCorruptData      Code = 0x8004011B
	ErrFailOneProvider  Code = 0x8004011D
	ErrBadCodePage      Code = 0x8004011E
	ErrTableTooBig      Code = 0x80040403
	ErrInvalidBookmark  Code = 0x80040405
	ErrTimeout          Code = 0x80040401
	ErrCollision        Code = 0x80040604
	ErrNotInitialized   Code = 0x80040605
	ErrNoRecipients     Code = 0x80040607
	ErrHasFolders       Code = 0x80040609
	ErrHasMessages      Code = 0x8004060A
	ErrFolderCycle      Code = 0x8004060B
	ErrAmbiguous        Code = 0x80040700
	ErrSyncDeleted      Code = 0x80040800
	ErrSyncIgnore       Code = 0x80040801
	ErrSyncConflict     Code = 0x80040802
	ErrSyncNoParent     Code = 0x80040803
	ErrNotImplemented   Code = 0x80040FFF
	ErrStreamSeek       Code = 0x80030019
	ErrStreamSize       Code = 0x80030070
	ErrUnknownUser      Code = 0x000003EB
	ErrLoginPermission  Code = 0x000003F2
	ErrWrongServer      Code = 0x00000478
	ErrBufferTooSmall   Code = 0x0000047D
	ErrServerBusy       Code = 0x00000480
	ErrRPCFormat        Code = 0x000004B6
	ErrClientVersion    Code = 0x000004DF
	ErrNullObject       Code = 0x000004B9
	ErrFormat           Code = 0x000004ED
	ErrNullDestination  Code = 0x00000503

	WarnErrorsReturned  Code = 0x00040380
	WarnPartial         Code = 0x00040680
	WarnPositionChanged Code = 0x00040481
	WarnNewerChange     Code = 0x00040821
)

// Error makes a Code an error.
func (c Code) Error() string { return c.String() }

// Warning reports whether the code says that the operation was done, if not quite as asked: HRESULTs of facility ITF
// without the error bit. Zero is neither error nor warning.
func (c Code) Warning() bool { return c&0xFFFF0000 == 0x00040000 }

// Failed reports whether the code is an error.
func (c Code) Failed() bool { return c != 0 && !c.Warning() }

// String is the MAPI name and number, for example "MAPI_E_NOT_FOUND (0x8004010F)".
func (c Code) String() string {
	if n, ok := codeNames[c]; ok {
		return fmt.Sprintf("%s (0x%08X)", n, uint32(c))
	}
	return fmt.Sprintf("MAPI error 0x%08X", uint32(c))
}

// Error is a failed operation: what was done, to what, and the code.
type Error struct {
	Op     string // what was tried, for example "open folder"
	Object string // what it was tried on, for a person: a path, an address, a property; may be empty
	Code   Code   // 0 when the failure has no MAPI code
	Err    error  // the cause, or nil
}

func (e *Error) Error() string {
	s := e.Op
	if e.Object != "" {
		s += " " + e.Object
	}
	if e.Code != 0 {
		s += ": " + e.Code.String()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is answers for the code.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.Code
}

// CodeOf is the MAPI code that err carries, or ErrCallFailed when it carries none; 0 for nil.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	var e *Error
	if errors.As(err, &e) && e.Code != 0 {
		return e.Code
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	return ErrCallFailed
}

var codeNames = map[Code]string{
	0: "S_OK", ErrCallFailed: "MAPI_E_CALL_FAILED", ErrNoMemory: "MAPI_E_NOT_ENOUGH_MEMORY",
	ErrInvalidParameter: "MAPI_E_INVALID_PARAMETER", ErrNoAccess: "MAPI_E_NO_ACCESS", ErrNoSupport: "MAPI_E_NO_SUPPORT",
	0x80040103: "MAPI_E_BAD_CHARWIDTH", 0x80040105: "MAPI_E_STRING_TOO_LONG", 0x80040106: "MAPI_E_UNKNOWN_FLAGS",
	ErrInvalidEntryID: "MAPI_E_INVALID_ENTRYID", ErrInvalidObject: "MAPI_E_INVALID_OBJECT",
	ErrObjectChanged: "MAPI_E_OBJECT_CHANGED", ErrObjectDeleted: "MAPI_E_OBJECT_DELETED", ErrBusy: "MAPI_E_BUSY",
	ErrOutOfDisk: "MAPI_E_NOT_ENOUGH_DISK", 0x8004010E: "MAPI_E_NOT_ENOUGH_RESOURCES", ErrNotFound: "MAPI_E_NOT_FOUND",
	ErrVersion: "MAPI_E_VERSION", ErrLogonFailed: "MAPI_E_LOGON_FAILED", 0x80040112: "MAPI_E_SESSION_LIMIT",
	ErrUserCancel: "MAPI_E_USER_CANCEL", ErrUnableToAbort: "MAPI_E_UNABLE_TO_ABORT", ErrNetwork: "MAPI_E_NETWORK_ERROR",
	ErrDisk: "MAPI_E_DISK_ERROR", ErrTooComplex: "MAPI_E_TOO_COMPLEX", 0x80040118: "MAPI_E_BAD_COLUMN",
	ErrComputed: "MAPI_E_COMPUTED", ErrCorruptData: "MAPI_E_CORRUPT_DATA", ErrBadCodePage: "MAPI_E_UNKNOWN_CPID",
	ErrFailOneProvider: "MAPI_E_FAILONEPROVIDER", ErrClientVersion: "ecClientVerDisallowed",
	0x8004011F: "MAPI_E_UNKNOWN_LCID", 0x80040200: "MAPI_E_END_OF_SESSION", 0x80040201: "MAPI_E_UNKNOWN_ENTRYID",
	0x80040400: "MAPI_E_UNABLE_TO_COMPLETE", ErrTimeout: "MAPI_E_TIMEOUT", 0x80040402: "MAPI_E_TABLE_EMPTY",
	ErrTableTooBig: "MAPI_E_TABLE_TOO_BIG", ErrInvalidBookmark: "MAPI_E_INVALID_BOOKMARK", 0x80040500: "MAPI_E_WAIT",
	0x80040501: "MAPI_E_CANCEL", 0x80040602: "MAPI_E_NO_SUPPRESS", ErrCollision: "MAPI_E_COLLISION",
	ErrNotInitialized: "MAPI_E_NOT_INITIALIZED", ErrNoRecipients: "MAPI_E_NO_RECIPIENTS", 0x80040608: "MAPI_E_SUBMITTED",
	ErrHasFolders: "MAPI_E_HAS_FOLDERS", ErrHasMessages: "MAPI_E_HAS_MESSAGES", ErrFolderCycle: "MAPI_E_FOLDER_CYCLE",
	0x8004060D: "MAPI_E_LOCKID_LIMIT", ErrAmbiguous: "MAPI_E_AMBIGUOUS_RECIP", 0x80040800: "SYNC_E_OBJECT_DELETED",
	0x80040801: "SYNC_E_IGNORE", ErrSyncConflict: "SYNC_E_CONFLICT", 0x80040803: "SYNC_E_NO_PARENT",
	0x80040804: "SYNC_E_CYCLE", 0x80040805: "SYNC_E_UNSYNCHRONIZED", 0x80040900: "MAPI_E_NAMED_PROP_QUOTA_EXCEEDED",
	ErrNotImplemented: "MAPI_E_NOT_IMPLEMENTED", ErrStreamSeek: "STG_E_SEEKERROR", ErrStreamSize: "STG_E_MEDIUMFULL",
	0x80030001: "STG_E_INVALIDFUNCTION", 0x80030005: "STG_E_ACCESSDENIED", 0x8003001E: "STG_E_READFAULT",
	0x80030021: "STG_E_LOCKVIOLATION", 0x80030057: "STG_E_INVALIDPARAMETER",
	WarnErrorsReturned: "MAPI_W_ERRORS_RETURNED", WarnPositionChanged: "MAPI_W_POSITION_CHANGED",
	0x00040482: "MAPI_W_APPROX_COUNT", WarnPartial: "MAPI_W_PARTIAL_COMPLETION", 0x00040821: "SYNC_W_CLIENT_CHANGE_NEWER",
	ErrUnknownUser: "ecUnknownUser", ErrLoginPermission: "ecLoginPerm", 0x460: "ecSearchFolder",
	0x461: "ecNotSearchFolder", 0x467: "ecInvalidRecips", 0x468: "ecNoReplicaHere", 0x469: "ecNoReplicaAvailable",
	ErrWrongServer: "ecWrongServer", ErrBufferTooSmall: "ecBufferTooSmall", 0x47F: "ecServerPaused",
	ErrServerBusy: "ecServerBusy", 0x490: "ecSearchFolderScopeViolation", ErrRPCFormat: "ecRpcFormat",
	ErrNullObject: "ecNullObject", 0x4D9: "ecQuotaExceeded", 0x4DA: "ecMaxSubmissionExceeded",
	0x4DB: "ecMaxAttachmentExceeded", 0x4DC: "ecSendAsDenied", 0x4DD: "ecShutoffQuotaExceeded",
	0x4E3: "ecFolderNotCleanedUp", ErrFormat: "ecFmtError", 0x4FF: "ecNoCreateRight", ErrNullDestination: "ecDstNullObject",
	0x579: "ecDuplicateObject", 0x57A: "ecObjectNotFound", 0x648: "ecWrongMailbox", 0x7D8: "ecProtocolDisabled",
	0x96C: "ecMailboxDisabled",
}
