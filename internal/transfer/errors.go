package transfer

import (
	"context"
	"io/fs"
	"syscall"

	"github.com/opencdo/opencdo/mapi"
)

// Quota codes of Exchange ([MS-OXCDATA] 2.4): no further item will fit either.
const (
	quotaExceeded         mapi.Code = 0x000004D9
	shutoffQuotaExceeded  mapi.Code = 0x000004DD
	endOfSession          mapi.Code = 0x80040200
	mailboxDisabled       mapi.Code = 0x0000096C
	protocolDisabled      mapi.Code = 0x000007D8
	namedPropertyQuotaHit mapi.Code = 0x80040900
)

// systemicErrors end a run.
var systemicErrors = []error{
	context.Canceled, context.DeadlineExceeded,
	syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, fs.ErrClosed,
	mapi.ErrOutOfDisk, mapi.ErrDisk, quotaExceeded, shutoffQuotaExceeded,
	mapi.ErrLogonFailed, mapi.ErrLoginPermission, mapi.ErrWrongServer, mapi.ErrUnknownUser, mailboxDisabled, protocolDisabled,
	endOfSession, namedPropertyQuotaHit,
}
