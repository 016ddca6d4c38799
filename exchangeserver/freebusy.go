package exchangeserver

import (
	"context"
	"time"

	"github.com/opencdo/opencdo/internal/availability"
	"github.com/opencdo/opencdo/mapi"
)

// servicesPath is that of Exchange Web Services, of which there is the operation GetUserAvailability.
const servicesPath = "/ews/exchange.asmx"

// freeBusy lists when a user isn't free, from the calendar. Every user may know that of every other, as by Exchange's default
// permissions.
func (s *Server) freeBusy(ctx context.Context, address string, from, to time.Time) ([]mapi.Busy, error) {
	u, err := s.findUser(ctx, address)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, mapi.ErrNotFound
	}
	box, err := s.cfg.Backend.OpenMailbox(ctx, u.Mailbox)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	id, err := box.Special(ctx, mapi.RoleCalendar)
	if err != nil {
		return nil, err
	}
	calendar, err := box.Folder(ctx, id)
	if err != nil {
		return nil, err
	}
	return availability.InCalendar(ctx, calendar, from, to)
}
