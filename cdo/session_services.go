package cdo

import (
	"context"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
)

// Locale is the language and the code page of a session. Zero: those of the system.
type Locale struct {
	LCID     int32
	CodePage int32
}

// SetLocaleIDs sets the locale and the code page of the session to come; what opens the stores is given them. After Logon it is
// CdoE_CALL_FAILED, with a code page that isn't known CdoE_INVALID_PARAMETER.
func (s *Session) SetLocaleIDs(localeID, codePageID int32) error {
	const member = "Session.SetLocaleIDs"
	if s.on != nil {
		return failf(member, CdoE_CALL_FAILED, "the session is logged on")
	}
	if !codepage.Known(int(codePageID)) {
		return failf(member, CdoE_INVALID_PARAMETER, "there is no code page %d", codePageID)
	}
	s.locale = Locale{localeID, codePageID}
	return nil
}

// Location is the zone of the dates that the session hands out.
func (s *Session) Location() *time.Location {
	if s.config.Location == nil {
		return time.Local
	}
	return s.config.Location
}

// OperatingSystem is the name and version of the operating system, on Windows in the form that CDO gives.
func (s *Session) OperatingSystem() (string, error) {
	if _, err := s.active("Session.OperatingSystem"); err != nil {
		return "", err
	}
	if runtime.GOOS == "windows" {
		return "Microsoft\u00AE Windows NT\u2122 10.0", nil // programs made with Go need that version, and later ones call themselves so
	}
	name := strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]
	if version, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		name += " " + strings.TrimSpace(string(version))
	}
	return name, nil
}

// away gives the out-of-office abilities of the default store. A store without is CdoE_NO_SUPPORT.
func (s *Session) away(ctx context.Context, member string) (mapi.OutOfOfficer, error) {
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, err
	}
	o, ok := mapi.As[mapi.OutOfOfficer](l.stores.list[0].store)
	if !ok {
		return nil, failf(member, CdoE_NO_SUPPORT, "the store answers nobody")
	}
	return o, nil
}

func (s *Session) changeAway(ctx context.Context, member string, change func(*mapi.OutOfOffice)) error {
	o, err := s.away(ctx, member)
	if err != nil {
		return err
	}
	state, err := o.OutOfOffice(ctx)
	if err != nil {
		return fail(member, err)
	}
	change(&state)
	return fail(member, o.SetOutOfOffice(ctx, state))
}

// OutOfOffice is true while the mailbox answers that its owner is away. Stores without such a thing are CdoE_NO_SUPPORT.
func (s *Session) OutOfOffice(ctx context.Context) (bool, error) {
	const member = "Session.OutOfOffice"
	o, err := s.away(ctx, member)
	if err != nil {
		return false, err
	}
	state, err := o.OutOfOffice(ctx)
	return state.On, fail(member, err)
}

// SetOutOfOffice begins or ends answering, at once.
func (s *Session) SetOutOfOffice(ctx context.Context, on bool) error {
	return s.changeAway(ctx, "Session.OutOfOffice", func(o *mapi.OutOfOffice) { o.On = on })
}

// OutOfOfficeText is the text of the answer.
func (s *Session) OutOfOfficeText(ctx context.Context) (string, error) {
	const member = "Session.OutOfOfficeText"
	o, err := s.away(ctx, member)
	if err != nil {
		return "", err
	}
	state, err := o.OutOfOffice(ctx)
	return state.Text, fail(member, err)
}

// SetOutOfOfficeText changes the text of the answer, at once.
func (s *Session) SetOutOfOfficeText(ctx context.Context, text string) error {
	return s.changeAway(ctx, "Session.OutOfOfficeText", func(o *mapi.OutOfOffice) { o.Text = text })
}

// DeliverNow has all stores that have queues deliver what waits in them. A store without queues has nothing that waits.
func (s *Session) DeliverNow(ctx context.Context) error {
	const member = "Session.DeliverNow"
	l, err := s.open(ctx, member)
	if err != nil {
		return err
	}
	for _, store := range l.stores.list {
		if q, ok := mapi.As[mapi.QueueFlusher](store.store); ok {
			if err := q.FlushQueues(ctx); err != nil {
				return fail(member, err)
			}
		}
	}
	return nil
}
