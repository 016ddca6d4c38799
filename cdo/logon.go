package cdo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

// Config is what a session needs from outside.
type Config struct {
	// Open opens the message stores of a profile, the default store first. A static profile is opened by Logon, a dynamic
	// one when a store is first needed. Logoff closes the stores. It is not called for malformed profiles.
	Open func(ctx context.Context, p Profile) ([]mapi.Store, error)
	// ChooseProfile is the dialog that Logon shows when it is given no profile and may show one: it returns the name of a
	// static profile, or an error that is CdoE_USER_CANCEL, or CdoE_INVALID_PARAMETER for a window that isn't there.
	// Without it such a Logon fails.
	ChooseProfile func(ctx context.Context, parentWindow int) (string, error)
	// Dialogs are what else members can show.
	Dialogs Dialogs
	// Location is the zone of the dates that are handed out; time.Local when nil.
	Location *time.Location
	// TempDir is where large values are kept while their items are used; the system's folder for temporary files when empty.
	TempDir string
}

// Profile is what a session logs on with.
type Profile struct {
	Name string       // of a static profile; empty: a dynamic one
	Info profile.Info // the dynamic profile
	Locale
}

// LogonOptions are the arguments of [Session.Logon]. Automation clients that leave ShowDialog out mean true; the zero value
// here is the unattended logon.
type LogonOptions struct {
	// ProfileName is a static profile. It is ignored when ProfileInfo is given.
	ProfileName string
	// ProfilePassword is ignored, as on every Win32 platform.
	ProfilePassword string
	// ShowDialog allows a dialog when there is no profile.
	ShowDialog bool
	// NewSession asks for a session of one's own. There are no shared sessions to join here, and for that case CDO ignores
	// the argument: every session is a new one.
	NewSession bool
	// ParentWindow is the dialog's owner: 0 for none, -1 for the active window. It is ignored without ShowDialog.
	ParentWindow int
	// NoMail keeps the session away from the mail spooler. There is none.
	NoMail bool
	// ProfileInfo is a dynamic profile: server and mailbox with a line feed between them, or for anonymous access to public
	// folders the DN of a server, a line feed, anything, a line feed and "anon". The names are not verified: the first
	// access to a store fails when they are wrong.
	ProfileInfo string
}

// logon is the time from a Logon to its Logoff.
type logon struct {
	session  *Session
	profile  Profile
	name     string
	loc      *time.Location
	zoneName string      // of loc in calendar items; empty until it is needed
	stores   *InfoStores // nil until they are opened
	names    names
	over     bool
	given    bool // the stores were not opened by the logon: Logoff leaves them open

	tempParent, temp string
}

// Logon begins the session. A session that is logged on already, a profile that isn't known, and no profile at all without a
// dialog are CdoE_LOGON_FAILED; the user's refusal is CdoE_USER_CANCEL; a malformed ProfileInfo is CdoE_INVALID_PARAMETER.
func (s *Session) Logon(ctx context.Context, o LogonOptions) error {
	const member = "Session.Logon"
	if s.on != nil {
		return failf(member, CdoE_LOGON_FAILED, "the session is logged on already")
	}
	if s.config.Open == nil {
		return failf(member, CdoE_LOGON_FAILED, "the session has no way to open a store")
	}
	l := &logon{session: s, loc: s.config.Location, tempParent: s.config.TempDir}
	l.profile.Locale = s.locale
	if l.loc == nil {
		l.loc = time.Local
	}
	if o.ProfileInfo != "" {
		info, err := parseProfileInfo(o.ProfileInfo)
		if err != nil {
			return fail(member, err)
		}
		l.profile.Info = info
		// CDO makes a randomly named profile for the session.
		l.name = fmt.Sprintf("opencdo-%x", time.Now().UnixNano())
		s.on = l
		return nil
	}
	name, err := s.profileName(ctx, o)
	if err != nil {
		return fail(member, err)
	}
	l.profile.Name, l.name = name, name
	if err := l.open(ctx); err != nil {
		if ctx.Err() != nil {
			return fail(member, err)
		}
		code := CdoE_LOGON_FAILED
		if errors.Is(err, mapi.ErrFailOneProvider) { // the server refuses such a client, whoever uses it
			code = CdoE_FAILONEPROVIDER
		}
		return &Error{Member: member, Code: code, Err: err}
	}
	s.on = l
	return nil
}

func (s *Session) profileName(ctx context.Context, o LogonOptions) (string, error) {
	switch {
	case o.ProfileName != "":
		return o.ProfileName, nil
	case !o.ShowDialog:
		return "", &mapi.Error{Op: "choose profile", Code: CdoE_LOGON_FAILED, Err: errors.New("no profile is named and no dialog is allowed")}
	case o.ParentWindow < -1:
		return "", &mapi.Error{Op: "choose profile", Code: CdoE_INVALID_PARAMETER, Err: errors.New("no such window")}
	case s.config.ChooseProfile == nil:
		return "", &mapi.Error{Op: "choose profile", Code: CdoE_LOGON_FAILED, Err: errors.New("no profile is named and there is no dialog to show")}
	}
	return s.config.ChooseProfile(ctx, o.ParentWindow)
}

// parseProfileInfo reads the ProfileInfo argument with CDO's rules for the anonymous form: the second line is anything, and
// the DN has a common name at least.
func parseProfileInfo(s string) (profile.Info, error) {
	if parts := strings.Split(s, "\n"); len(parts) == 3 && parts[2] == "anon" {
		s = parts[0] + "\n\nanon"
	}
	info, err := profile.ParseInfo(s)
	if err == nil && info.Anonymous && !strings.Contains(strings.ToLower(info.Server), "/cn=") {
		return info, &mapi.Error{Op: "read ProfileInfo", Code: CdoE_INVALID_PARAMETER, Err: errors.New("the server's DN has no /cn=")}
	}
	return info, err
}

func (l *logon) dynamic() bool { return l.profile.Name == "" }

// alive tells whether objects of the logon can still be used.
func (l *logon) alive() error {
	if l.over {
		return mapi.ErrNotInitialized
	}
	return nil
}

// open opens the stores when they aren't yet.
func (l *logon) open(ctx context.Context) error {
	if err := l.alive(); err != nil || l.stores != nil {
		return err
	}
	list, err := l.session.config.Open(ctx, l.profile)
	if err == nil && len(list) == 0 {
		err = &mapi.Error{Op: "open profile", Object: l.name, Code: mapi.ErrNotFound, Err: errors.New("it has no message store")}
	}
	if err != nil {
		if ctx.Err() != nil || !l.dynamic() {
			return err
		}
		return &mapi.Error{Op: "open the message store of", Object: l.profile.Info.Server, Code: CdoE_FAILONEPROVIDER, Err: err}
	}
	l.take(list)
	return nil
}

// take makes stores those of the session.
func (l *logon) take(list []mapi.Store) {
	l.stores = &InfoStores{node: node{l, l.session}}
	for i, s := range list {
		l.stores.list = append(l.stores.list, newInfoStore(l.stores, s, i+1))
	}
}

// Logoff ends the session and closes its stores. What came from it can no longer be used; the session may log on again.
func (s *Session) Logoff() error {
	const member = "Session.Logoff"
	l, err := s.active(member)
	if err != nil {
		return err
	}
	s.on = nil
	l.over = true
	var errs []error
	if l.stores != nil && !l.given {
		for _, store := range l.stores.list {
			errs = append(errs, store.store.Close())
		}
	}
	if l.temp != "" {
		errs = append(errs, os.RemoveAll(l.temp))
	}
	return fail(member, errors.Join(errs...))
}
