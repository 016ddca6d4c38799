package connect

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/opencdo/opencdo/internal/autodiscover"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/rpchttp"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// NoProxyError means that nothing says how a server is reached: no entry of RpcHttpProxyMap matches it. It answers
// errors.Is for mapi.ErrNetwork, as MAPI/CDO said then.
type NoProxyError struct {
	Server   string
	Searched []profile.MapValue // none: there is no such value
	Home     string             // where the settings lie
}

func (e *NoProxyError) Error() string {
	s := fmt.Sprintf("no way to the server %s is known: ", e.Server)
	if len(e.Searched) == 0 {
		s += "there is no value " + settings.RpcHttpProxyMap
	} else {
		var list []string
		for _, v := range e.Searched {
			list = append(list, v.Value)
		}
		s += fmt.Sprintf("no entry of %s (%s) matches it", settings.RpcHttpProxyMap, strings.Join(list, "; "))
	}
	return s + fmt.Sprintf("; set it under [%s] in %s, for example to %q", settings.Messaging, e.Home+string(os.PathSeparator)+settings.FileName, e.Entry())
}

// Entry is an entry for RpcHttpProxyMap that may be right: what Exchange's host is called isn't known.
func (e *NoProxyError) Entry() string {
	return domainOf(e.Server) + "=https://mail." + domainOf(e.Server) + ",ntlm,ntlm,false"
}

// Is implements errors.Is.
func (e *NoProxyError) Is(target error) bool { return target == mapi.ErrNetwork }

func domainOf(server string) string {
	if _, domain, ok := profile.Personalised(server); ok {
		return domain
	}
	return server
}

// VersionRefusedError means that the server doesn't want clients of this version: one before 12.0 where there are no public
// folders, most often. It answers errors.Is for mapi.ErrFailOneProvider, as MAPI/CDO said then.
type VersionRefusedError struct {
	Server     string
	Profile    string // the static profile; empty: a dynamic one
	Version    profile.Version
	IgnoreNoPF bool // it was sent
	Err        error
}

func (e *VersionRefusedError) Error() string {
	s := fmt.Sprintf("the server %s refuses client version %v", e.Server, e.Version)
	switch {
	case !e.WantsPublicFolders():
	case e.Profile != "":
		return s + ": it has no public folders, which such clients need unless they say otherwise; set CONNECT_IGNORE_NO_PF in PR_PROFILE_CONNECT_FLAGS of the profile " + e.Profile
	default:
		return s + fmt.Sprintf(": it has no public folders, which such clients need unless they say otherwise; set %q to 1 under [%s]", settings.IgnoreNoPF, settings.CDO)
	}
	return s
}

// WantsPublicFolders tells that the version is refused, as far as can be known, because it has to say that it copes without
// public folders, and didn't ([MS-OXCRPC] 3.1.4.1).
func (e *VersionRefusedError) WantsPublicFolders() bool { return e.Version[0] < 12 && !e.IgnoreNoPF }

// Unwrap gives the server's answer.
func (e *VersionRefusedError) Unwrap() error { return e.Err }

// Is implements errors.Is.
func (e *VersionRefusedError) Is(target error) bool { return target == mapi.ErrFailOneProvider }

// logonError makes refusals what MAPI programs know them as.
func (s *session) logonError(err error) error {
	var (
		network     *net.OpError // DNS errors come as one, too
		certificate *tls.CertificateVerificationError
		document    *autodiscover.DocumentError
		answer      *autodiscover.HTTPError
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mapi.ErrClientVersion):
		return &VersionRefusedError{Server: s.server, Profile: s.Profile, Version: s.ClientVersion, IgnoreNoPF: s.IgnoreNoPF, Err: err}
	case errors.Is(err, autodiscover.ErrUnauthorized), errors.Is(err, mapihttp.ErrUnauthorized), errors.Is(err, rpchttp.ErrUnauthorized),
		errors.Is(err, httpauth.ErrRefused), errors.Is(err, httpauth.ErrNoScheme):
		if errors.Is(err, mapi.ErrLogonFailed) {
			return err
		}
		return &mapi.Error{Op: "log on", Object: s.user, Code: mapi.ErrLogonFailed, Err: err}
	case errors.Is(err, mapihttp.ErrUntrustedCertificate), errors.Is(err, autodiscover.ErrUntrustedCertificate), errors.Is(err, rpchttp.ErrUntrustedCertificate),
		errors.As(err, &certificate):
		return err
	case errors.Is(err, &autodiscover.Error{ErrorCode: autodiscover.ErrorNoMailbox}):
		return &mapi.Error{Op: "log on", Object: s.user, Code: mapi.ErrUnknownUser, Err: err}
	case errors.Is(err, mapi.ErrNetwork):
		return err
	case errors.As(err, &answer) && (answer.Status == http.StatusServiceUnavailable || answer.Status == http.StatusTooManyRequests):
		return &mapi.Error{Op: "log on", Object: s.user, Code: mapi.ErrServerBusy, Err: err}
	case errors.As(err, &document):
		return &mapi.Error{Op: "log on", Object: s.user, Code: mapi.ErrCorruptData, Err: err}
	case errors.Is(err, autodiscover.ErrUnreachable), errors.Is(err, rpchttp.ErrUnreachable), errors.As(err, &network):
		return &mapi.Error{Op: "log on", Object: s.user, Code: mapi.ErrNetwork, Err: err}
	}
	return err
}
