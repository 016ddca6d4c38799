package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/mapi"
)

// Exit codes; docs/cli.md documents them.
const (
	exitOK          = 0
	exitFailure     = 1 // anything without a code of its own
	exitUsage       = 2
	exitIncomplete  = 3 // done, but some items could not be read, copied or recovered; or stores differ
	exitNotFound    = 4 // no such mailbox, folder, item, snapshot or file
	exitLogon       = 5 // user name or password not accepted, or not given
	exitNetwork     = 6 // server not reachable, or no way to it known
	exitCertificate = 7 // the server's certificate isn't trusted
	exitAmbiguous   = 8 // a name that fits several mailboxes or items
	exitRepoSecret  = 9 // wrong password of a repository
	exitDamaged     = 10
	exitDiskFull    = 11
	exitLocked      = 12 // somebody else is using the repository
	exitInterrupted = 130
)

// incomplete is the error of a command that did what it could; what was wrong has been printed.
type incomplete struct{ what string }

func (e incomplete) Error() string { return e.what }

// explain gives the exit code of an error and a text for people that says what to do next.
func explain(err error) (int, string) {
	text := strings.TrimSpace(err.Error())
	hint := func(code int, next string) (int, string) {
		if next != "" {
			text += "\n  " + next
		}
		return code, text
	}
	var partial incomplete
	var wrongUse usageError
	var untrusted x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var noProxy *opencdo.NoProxyError
	switch {
	case errors.As(err, &wrongUse):
		return hint(exitUsage, "")
	case errors.As(err, &partial):
		return hint(exitIncomplete, "")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, mapi.ErrOutOfDisk):
		return hint(exitDiskFull, "The disk is full. Make room and run the command again: what was stored so far is kept.")
	case errors.Is(err, backup.ErrWrongPassword):
		return hint(exitRepoSecret, "Check --repo-password-file or RESTIC_PASSWORD_FILE.")
	case errors.Is(err, backup.ErrLocked):
		return hint(exitLocked, "Wait for the other process, or if there is none, run \"restic unlock\".")
	case errors.Is(err, backup.ErrDamaged):
		return hint(exitDamaged, "Run \"opencdo verify --read-data\" to see all that is damaged.")
	case errors.Is(err, backup.ErrNoRepository):
		return hint(exitNotFound, "There is no repository in that place; \"opencdo backup\" makes one.")
	case errors.As(err, &untrusted), errors.As(err, &wrongHost), errors.As(err, &invalid), errors.As(err, &verify):
		return hint(exitCertificate, "If the server is the right one, give the certificate of its authority with --ca FILE.")
	case errors.As(err, &noProxy):
		return hint(exitNetwork, "")
	case errors.Is(err, secret.ErrNone):
		return hint(exitLogon, "")
	case errors.Is(err, mapi.ErrLogonFailed), errors.Is(err, mapi.ErrLoginPermission), errors.Is(err, mapi.ErrNoAccess):
		return hint(exitLogon, "Check user (--user) and password (--password-file).")
	case errors.Is(err, mapi.ErrAmbiguous):
		return hint(exitAmbiguous, "")
	case errors.Is(err, mapi.ErrNotFound), errors.Is(err, mapi.ErrUnknownUser), errors.Is(err, backup.ErrNotFound):
		return hint(exitNotFound, "")
	case errors.Is(err, mapi.ErrCorruptData):
		return hint(exitDamaged, "")
	case errors.Is(err, mapi.ErrNetwork), errors.Is(err, mapi.ErrTimeout), isNetwork(err):
		return hint(exitNetwork, "Check the server's name and whether it is running.")
	}
	return hint(exitFailure, "")
}

// isNetwork tells whether an error comes from the network below all protocols.
func isNetwork(err error) bool {
	var n interface{ Timeout() bool } // net.Error
	return errors.As(err, &n)
}

// usageError is a wrong use that only shows when the command runs.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }
