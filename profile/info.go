// Package profile holds what MAPI keeps in profiles: how a session finds its mailbox and the way there.
//
// A dynamic profile is one string, the ProfileInfo argument of CDO's Session.Logon: a server and a mailbox with a line feed
// between them ([ParseInfo]). It says nothing about the way to the server; the registry value RpcHttpProxyMap does
// ([ParseProxyMap]). While its session lives it is a [TemporaryProfile].
//
// A static profile has services and sections of properties ([Profile]); [Open] gives those that are kept. They can be made of
// .prf files ([ReadPRF]) and of what regedit exported ([ImportRegistry]).
//
// What either kind and the settings come to is a [Connection].
package profile

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
)

// Info is a dynamic profile.
type Info struct {
	// Server is a personalised server name (guid@domain, Exchange 2013 and later), a host name, a URL, or for anonymous
	// access the DN of a server.
	Server string
	// Mailbox is an alias, an SMTP address or a legacy DN. It is empty for anonymous access.
	Mailbox string
	// Anonymous is access to public folders only, without credentials.
	Anonymous bool
}

// ParseInfo reads a ProfileInfo string: "server LF mailbox", or "server-dn LF LF anon". Nothing is trimmed and nothing is
// quoted; a carriage return is an error. All errors are mapi.ErrInvalidParameter.
func ParseInfo(s string) (Info, error) {
	if i := strings.IndexByte(s, '\r'); i >= 0 {
		return Info{}, badInfo("a carriage return at %d: the separator is one line feed, Chr(10)", i)
	}
	parts := strings.Split(s, "\n")
	switch {
	case parts[0] == "":
		return Info{}, badInfo("the server is missing before the line feed")
	case len(parts) == 2 && parts[1] != "":
		return Info{Server: parts[0], Mailbox: parts[1]}, nil
	case len(parts) == 3 && parts[1] == "" && parts[2] == "anon":
		return Info{Server: parts[0], Anonymous: true}, nil
	case len(parts) == 1 || len(parts) == 2:
		return Info{}, badInfo("the mailbox is missing after the line feed")
	}
	return Info{}, badInfo("%d lines where server and mailbox are expected", len(parts))
}

func badInfo(format string, args ...any) error {
	return &mapi.Error{Op: "read ProfileInfo", Code: mapi.ErrInvalidParameter, Err: fmt.Errorf(format, args...)}
}

// String is the ProfileInfo argument.
func (i Info) String() string {
	if i.Anonymous {
		return i.Server + "\n\nanon"
	}
	return i.Server + "\n" + i.Mailbox
}

// Personalised splits a personalised server name into the mailbox GUID and the domain; ok is false for other names.
func Personalised(server string) (mailbox mapi.GUID, domain string, ok bool) {
	name, domain, found := strings.Cut(server, "@")
	if !found || domain == "" {
		return mapi.GUID{}, "", false
	}
	g, err := mapi.ParseGUID(name)
	if err != nil || strings.HasPrefix(name, "{") {
		return mapi.GUID{}, "", false
	}
	return g, domain, true
}
