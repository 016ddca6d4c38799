package cdo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxSlots bounds the answer of GetFreeBusy: a slot a minute for two years.
const maxSlots = 1 << 20

// GetFreeBusy says when the user or room is free: a digit for each interval of so many minutes between two times, of BusyStatus, the
// highest where several are. An interval under a minute is CdoE_INVALID_PARAMETER. Stores that cannot tell are CdoE_NO_SUPPORT, but
// for the owner of the default store, whose calendar is asked.
func (e *AddressEntry) GetFreeBusy(ctx context.Context, start, end time.Time, interval int32) (string, error) {
	return freeBusy(ctx, "AddressEntry.GetFreeBusy", []*AddressEntry{e}, start, end, interval)
}

// GetFreeBusy is that of the recipient's address entry. A recipient that cannot be resolved is CdoE_AMBIGUOUS_RECIP.
func (r *Recipient) GetFreeBusy(ctx context.Context, start, end time.Time, interval int32) (string, error) {
	const member = "Recipient.GetFreeBusy"
	e, err := r.AddressEntry(ctx)
	if err != nil {
		return "", rename(err, member)
	}
	return freeBusy(ctx, member, []*AddressEntry{e}, start, end, interval)
}

// GetFreeBusy is that of all recipients together: a time is free when all are.
func (c *Recipients) GetFreeBusy(ctx context.Context, start, end time.Time, interval int32) (string, error) {
	const member = "Recipients.GetFreeBusy"
	var list []*AddressEntry
	for r, err := range c.All(ctx) {
		if err != nil {
			return "", rename(err, member)
		}
		e, err := r.AddressEntry(ctx)
		if err != nil {
			return "", rename(err, member)
		}
		list = append(list, e)
	}
	return freeBusy(ctx, member, list, start, end, interval)
}

func freeBusy(ctx context.Context, member string, of []*AddressEntry, start, end time.Time, interval int32) (string, error) {
	step := time.Duration(interval) * time.Minute
	switch {
	case interval < 1:
		return "", failf(member, CdoE_INVALID_PARAMETER, "an interval of %d minutes", interval)
	case end.Before(start):
		return "", failf(member, CdoE_INVALID_PARAMETER, "the end is before the start")
	case end.Sub(start)/step >= maxSlots:
		return "", failf(member, CdoE_TOO_BIG, "more than %d intervals", maxSlots)
	}
	slots := make([]byte, (end.Sub(start)+step-1)/step)
	for i := range slots {
		slots[i] = '0'
	}
	for _, e := range of {
		busy, err := e.busy(ctx, start, end)
		if err != nil {
			return "", fail(member, err)
		}
		for _, b := range busy {
			if !b.Start.Before(end) || !b.End.After(start) {
				continue
			}
			digit := '0' + byte(min(max(b.Status, 0), int32(CdoOutOfOffice)))
			from := max(b.Start.Sub(start), 0) / step
			to := (min(b.End.Sub(start), end.Sub(start)) + step - 1) / step
			for i := from; i < to; i++ {
				slots[i] = max(slots[i], digit)
			}
		}
	}
	return string(slots), nil
}

// busy asks the store that knows, else for the user the calendar.
func (e *AddressEntry) busy(ctx context.Context, start, end time.Time) ([]mapi.Busy, error) {
	if err := e.logon.open(ctx); err != nil {
		return nil, err
	}
	for _, s := range e.logon.stores.list {
		reader, ok := mapi.As[mapi.FreeBusyReader](s.store)
		if !ok {
			continue
		}
		var who mapi.Props
		for _, t := range []mapi.Tag{pid.TagSmtpAddress, pid.TagAddressType, pid.TagEmailAddress, pid.TagEntryId, pid.TagDisplayName} {
			p, ok, err := e.bag.get(ctx, mapi.TagKey(t))
			if err != nil {
				return nil, err
			}
			if ok {
				who = append(who, p)
			}
		}
		return reader.FreeBusy(ctx, who, start, end)
	}
	user, err := e.logon.currentUser(ctx)
	if err != nil && !missing(err) {
		return nil, err
	}
	if user == nil || !e.means(ctx, user) {
		return nil, &mapi.Error{Op: "read free/busy", Code: mapi.ErrNoSupport, Err: errors.New("no store of the profile knows when others are free")}
	}
	return e.logon.ownBusy(ctx, start, end)
}

// means tells whether two entries stand for the same person, as far as their ids or addresses tell.
func (e *AddressEntry) means(ctx context.Context, o *AddressEntry) bool {
	if len(e.entryID()) > 0 && len(o.entryID()) > 0 && sameID(e.entryID(), o.entryID()) {
		return true
	}
	tags := []mapi.Tag{pid.TagSmtpAddress, pid.TagEmailAddress}
	if len(e.entryID()) == 0 && len(o.entryID()) == 0 {
		tags = append(tags, pid.TagDisplayName) // the owner of a store that knows no address book
	}
	for _, t := range tags {
		a, errA := e.bag.text(ctx, t)
		b, errB := o.bag.text(ctx, t)
		if errA == nil && errB == nil && a != "" && strings.EqualFold(a, b) {
			return true
		}
	}
	return false
}

// ownBusy is what the calendar of the default store says.
func (l *logon) ownBusy(ctx context.Context, start, end time.Time) ([]mapi.Busy, error) {
	calendar, err := l.stores.list[0].special(ctx, l.session, mapi.RoleCalendar)
	if err != nil {
		return nil, err
	}
	list := calendar.Messages()
	list.SetPeriod(start, end)
	var busy []mapi.Busy
	for m, err := range list.All(ctx) {
		if err != nil {
			return nil, err
		}
		a, ok := m.Appointment()
		if !ok {
			continue
		}
		status, err := a.BusyStatus(ctx)
		if err != nil {
			return nil, err
		}
		from, to, err := a.times(ctx)
		if err != nil {
			return nil, err
		}
		if status != CdoFree {
			busy = append(busy, mapi.Busy{Start: from, End: to, Status: int32(status)})
		}
	}
	return busy, nil
}
