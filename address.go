package opencdo

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// Scheme is the kind of a store address.
type Scheme string

// Schemes of store addresses.
const (
	SchemeExchange Scheme = "exchange" // a mailbox by dynamic profile: exchange:MAILBOX@SERVER
	SchemeProfile  Scheme = "profile"  // the default store of a static profile: profile:NAME
	SchemePST      Scheme = "pst"      // a PST or OST file: pst:PATH
	SchemeMsg      Scheme = "msg"      // a folder tree of .msg files: msg:DIR
	SchemeEml      Scheme = "eml"      // a folder tree of .eml files: eml:DIR
	SchemeLocal    Scheme = "local"    // an embedded store file: local:PATH
	SchemeSnapshot Scheme = "snapshot" // a mailbox in a backup repository: snapshot:REPO#ID or snapshot:REPO#latest/MAILBOX
)

// Address names a store, and a place in it.
type Address struct {
	Scheme Scheme
	Name   string       // what follows the scheme, without the path
	Info   profile.Info // of SchemeExchange
	Path   string       // the folder or item inside the store, without the leading "//"; empty: the whole store
}

// ParseAddress reads a store address. Errors are mapi.ErrInvalidParameter.
func ParseAddress(s string) (Address, error) {
	bad := func(format string, args ...any) (Address, error) {
		return Address{}, &mapi.Error{Op: "read store address", Object: s, Code: mapi.ErrInvalidParameter, Err: fmt.Errorf(format, args...)}
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok {
		return bad("it must begin with a kind of store: exchange:, local:, msg:, eml:, pst:, profile: or snapshot:")
	}
	a := Address{Scheme: Scheme(strings.ToLower(scheme))}
	repo := "" // its own "//" is none of ours: sftp://host//srv/mail#latest//Inbox
	if i := strings.IndexByte(rest, '#'); i >= 0 && a.Scheme == SchemeSnapshot {
		repo, rest = rest[:i], rest[i:]
	}
	a.Name, a.Path = cutPath(rest)
	a.Name = repo + a.Name
	switch a.Scheme {
	case SchemeExchange:
		mailbox, server, ok := cutServer(a.Name)
		if !ok || mailbox == "" || server == "" {
			return bad("MAILBOX@SERVER expected")
		}
		a.Info = profile.Info{Server: server, Mailbox: mailbox}
	case SchemeProfile, SchemePST, SchemeMsg, SchemeEml, SchemeLocal:
	case SchemeSnapshot:
		if i := strings.LastIndexByte(a.Name, '#'); i <= 0 || i == len(a.Name)-1 {
			return bad("REPO#ID or REPO#latest/MAILBOX expected")
		}
	default:
		return bad("%q is no kind of store", scheme)
	}
	if a.Name == "" {
		return bad("nothing after %q", scheme+":")
	}
	return a, nil
}

// cutPath splits at the first "//" that isn't part of a URL.
func cutPath(s string) (name, path string) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '/' || s[i+1] != '/' {
			continue
		}
		if before := strings.ToLower(s[:i]); strings.HasSuffix(before, "https:") || strings.HasSuffix(before, "http:") {
			i++
			continue
		}
		return s[:i], strings.Trim(s[i+2:], "/")
	}
	return s, ""
}

// cutServer splits MAILBOX@SERVER at the last "@" that isn't inside a personalised server name.
func cutServer(s string) (mailbox, server string, ok bool) {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return "", "", false
	}
	if j := strings.LastIndexByte(s[:i], '@'); j >= 0 {
		if _, _, personalised := profile.Personalised(s[j+1:]); personalised {
			i = j
		}
	} else if _, _, personalised := profile.Personalised(s); personalised {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// String is the address in the form that ParseAddress reads.
func (a Address) String() string {
	s := string(a.Scheme) + ":" + a.Name
	if a.Path != "" {
		s += "//" + a.Path
	}
	return s
}
