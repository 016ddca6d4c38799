package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/internal/connect"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/oauth"
	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/internal/spnego"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
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
	code, next := advise(err)
	text := strings.TrimSpace(err.Error())
	if next != "" {
		text += "\n  " + next
	}
	return code, text
}

// advise gives the exit code of an error and what to do next; "" where the error itself says it or nobody knows.
func advise(err error) (code int, next string) {
	var partial incomplete
	var wrongUse usageError
	var hostKey *backup.HostKeyError
	switch {
	case errors.As(err, &wrongUse):
		return exitUsage, ""
	case errors.As(err, &partial):
		return exitIncomplete, ""
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, mapi.ErrOutOfDisk):
		return exitDiskFull, "The disk is full. Make room and run the command again: what was stored so far is kept."
	case errors.Is(err, backup.ErrWrongPassword):
		return exitRepoSecret, "Check --repo-password-file or RESTIC_PASSWORD_FILE."
	case errors.Is(err, backup.ErrLocked):
		return exitLocked, "Wait for the other process, or if there is none, run \"opencdo unlock\"."
	case errors.Is(err, backup.ErrStorageLogon):
		return exitLogon, "Check the credentials of the storage; docs/repository.md tells where they come from."
	case errors.As(err, &hostKey):
		return exitCertificate, ""
	case errors.Is(err, backup.ErrDamaged), errors.Is(err, backup.ErrNotWhole):
		return exitDamaged, "Run \"opencdo verify --read-data\" to see all that is damaged."
	case errors.Is(err, backup.ErrNoRepository):
		return exitNotFound, "There is no repository in that place; \"opencdo backup\" makes one."
	}
	if code, next, ok := adviseLogon(err); ok {
		return code, next
	}
	switch {
	case errors.Is(err, mapi.ErrAmbiguous):
		return exitAmbiguous, ""
	case errors.Is(err, mapi.ErrNotFound), errors.Is(err, mapi.ErrUnknownUser), errors.Is(err, backup.ErrNotFound),
		errors.Is(err, fs.ErrNotExist):
		return exitNotFound, ""
	case errors.Is(err, mapi.ErrCorruptData):
		return exitDamaged, ""
	case errors.Is(err, mapi.ErrNetwork), errors.Is(err, mapi.ErrTimeout), isNetwork(err):
		return exitNetwork, "Check the server's name and whether it is running."
	}
	return exitFailure, ""
}

// adviseLogon is advise for what goes wrong on the way to a mailbox.
func adviseLogon(err error) (code int, next string, ok bool) {
	var (
		noProxy   *opencdo.NoProxyError
		refused   *opencdo.VersionRefusedError
		value     *profile.ValueError
		untrusted x509.UnknownAuthorityError
		wrongHost x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		dns       *net.DNSError
		failed    *mapi.Error
	)
	switch {
	case errors.As(err, &noProxy):
		return exitNetwork, fmt.Sprintf("Name the host that serves this server (Exchange's Client Access, or its RPC proxy): opencdo settings set RpcHttpProxyMap %q", noProxy.Entry()), true
	case errors.As(err, &refused):
		switch {
		case !refused.WantsPublicFolders():
			next = "Set the version that servers are told: opencdo settings set \"Client Version\" " + settings.CurrentClientVersion
		case refused.Profile != "":
			next = fmt.Sprintf("Run: opencdo profile edit %q --ignore-no-pf", refused.Profile)
		default:
			next = fmt.Sprintf("Run: opencdo settings set %q 1", settings.IgnoreNoPF)
		}
		return exitLogon, next, true
	case errors.As(err, &value):
		return exitFailure, "Correct the value: \"opencdo settings list\" and \"opencdo profile show\" show all.", true
	case errors.Is(err, connect.ErrPin):
		return exitCertificate, fmt.Sprintf("If the server has a new certificate, set %q to its SHA-256 digest, which \"opencdo doctor\" shows.", settings.CertificatePins), true
	case errors.As(err, &wrongHost):
		return exitCertificate, "The certificate is for another name: use a name that it is good for as the proxy's, or in the address.", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return exitCertificate, "The certificate has to be renewed on the server, or this computer's clock to be set.", true
	case errors.As(err, &untrusted), errors.As(err, &invalid), errors.As(err, &verify):
		return exitCertificate, "If the server is the right one, give the certificate of its authority with --ca FILE.", true
	case errors.Is(err, secret.ErrNone):
		return exitLogon, "", true
	case errors.Is(err, httpauth.ErrNoScheme):
		return exitLogon, "The server offers no way to authenticate that map or profile and --auth allow and that there are credentials for; \"opencdo doctor\" shows what it offers. Name it in RpcHttpProxyMap or the profile, or with --auth. For Bearer there has to be a token: --token-file, or \"opencdo secret login\".", true
	case errors.Is(err, httpauth.ErrServer):
		return exitLogon, "Check the host's name: the ticket was for another service, or somebody stands between.", true
	case errors.Is(err, oauth.ErrDenied), errors.Is(err, oauth.ErrExpired):
		return exitLogon, "Run \"opencdo secret login\" again.", true
	case errors.Is(err, opencdo.ErrNoTickets):
		return exitLogon, "Get tickets with kinit, or give --keytab, or --kerberos with --password-file.", true
	case errors.Is(err, kerberos.ErrRefused):
		return exitLogon, "Check user, --realm and --krb5-conf, the keytab (--keytab) or password, and that the tickets haven't expired (klist).", true
	case errors.Is(err, spnego.ErrNoCurrentUser):
		return exitLogon, "", true
	case errors.Is(err, mapi.ErrFailOneProvider):
		return exitLogon, "The server doesn't open the mailbox for this client; \"opencdo doctor\" shows more.", true
	case errors.Is(err, mapi.ErrLogonFailed):
		return exitLogon, "Check user (--user) and password (--password-file).", true
	case errors.Is(err, mapi.ErrLoginPermission), errors.Is(err, mapi.ErrNoAccess):
		return exitLogon, "The user has no right to this: log on as the owner, have the right to the mailbox granted (FullAccess, or Receive-As with --admin).", true
	case errors.As(err, &failed) && failed.Op == "log on" && failed.Code == mapi.ErrInvalidParameter: // what flags say of credentials
		return exitUsage, "", true
	case errors.As(err, &dns):
		return exitNetwork, "Check the name of the server or proxy, and the DNS.", true
	}
	return 0, "", false
}

// isNetwork tells whether an error comes from the network below all protocols.
func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n)
}

// usageError is a wrong use that only shows when the command runs.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }
