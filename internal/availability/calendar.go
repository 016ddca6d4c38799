// Package availability tells when people are free: from their calendars ([MS-OXOCAL]), and between client and server by the
// operation GetUserAvailability of Exchange Web Services ([MS-OXWAVLS]).
package availability

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// free is PidLidBusyStatus of appointments that take no time ([MS-OXOCAL] 2.2.1.2).
const free = 0

// maxPattern bounds the pattern of a series: thousands of exceptions with texts.
const maxPattern = 4 << 20

// maxPeriods bounds what a calendar can say of a time.
const maxPeriods = 50_000

var columns = []mapi.Key{pid.LidBusyStatus, pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole, pid.LidRecurring}

// InCalendar lists the times between two moments at which a calendar's owner isn't free. Appointments of series are counted
// one by one; a series that cannot be read counts as the appointment that its other properties tell of.
func InCalendar(ctx context.Context, calendar mapi.Folder, from, to time.Time) ([]mapi.Busy, error) {
	var list []mapi.Busy
	add := func(start, end time.Time, status int32) {
		if status != free && start.Before(to) && end.After(from) {
			list = append(list, mapi.Busy{Start: start, End: end, Status: status})
		}
	}
	for row, err := range calendar.Rows(ctx, mapi.Query{Columns: columns, Where: overlapping(from, to)}) {
		if err != nil {
			return nil, fmt.Errorf("read the calendar: %w", err)
		}
		status, _ := row.Values[0].(int32)
		if recurring, _ := row.Values[3].(bool); recurring {
			it, err := mapi.ReadItem(ctx, calendar, row.ID)
			if err != nil {
				return nil, fmt.Errorf("read a series: %w", err)
			}
			if series, ok := decodeSeries(it.Props); ok {
				zone := zoneOf(it.Props)
				for o := range series.Occurrences(clock(zone, from.Add(-time.Hour)), clock(zone, to.Add(time.Hour))) {
					own := status
					if o.Exception != nil && o.Exception.Flags&oxocal.OwnBusyStatus != 0 {
						own = int32(o.Exception.BusyStatus)
					}
					add(zone.UTC(o.Start), zone.UTC(o.End), own)
					if len(list) >= maxPeriods {
						return list, nil
					}
				}
				continue
			}
		}
		start, ok1 := row.Values[1].(mapi.FileTime)
		end, ok2 := row.Values[2].(mapi.FileTime)
		if ok1 && ok2 {
			add(start.Time(), end.Time(), status)
		}
	}
	return list, nil
}

// overlapping are appointments between two moments, and all series.
func overlapping(from, to time.Time) mapi.Restriction {
	return mapi.ResOr{
		mapi.ResProperty{Op: mapi.RelEQ, Key: pid.LidRecurring, Value: true},
		mapi.ResAnd{
			mapi.ResProperty{Op: mapi.RelLT, Key: pid.LidAppointmentStartWhole, Value: mapi.NewFileTime(to)},
			mapi.ResProperty{Op: mapi.RelGT, Key: pid.LidAppointmentEndWhole, Value: mapi.NewFileTime(from)},
		},
	}
}

func decodeSeries(ps mapi.Props) (*oxocal.AppointmentRecurrencePattern, bool) {
	b, ok := binary(ps, pid.LidAppointmentRecur)
	if !ok {
		return nil, false
	}
	p, err := oxocal.DecodeSeries(b)
	return p, err == nil && p.Gregorian()
}

// binary is a binary value, also a large one.
func binary(ps mapi.Props, k mapi.Key) ([]byte, bool) {
	switch v := ps.Get(k).(type) {
	case []byte:
		return v, true
	case mapi.Blob:
		r, err := v.Open()
		if err != nil {
			return nil, false
		}
		defer r.Close()
		b, err := io.ReadAll(io.LimitReader(r, maxPattern))
		return b, err == nil
	}
	return nil, false
}

// zoneOf is the time zone that a series is in; UTC where it says nothing.
func zoneOf(ps mapi.Props) oxocal.Zone {
	for _, k := range []mapi.Key{pid.LidAppointmentTimeZoneDefinitionRecur, pid.LidTimeZoneStruct, pid.LidAppointmentTimeZoneDefinitionStartDisplay} {
		b, ok := binary(ps, k)
		if !ok {
			continue
		}
		if k == pid.LidTimeZoneStruct {
			if z, err := oxocal.DecodeTimeZoneStruct(b); err == nil {
				return z.Zone()
			}
		} else if z, err := oxocal.DecodeTimeZoneDefinition(b); err == nil {
			return z.Zone()
		}
	}
	return oxocal.Zone{}
}

// earliest is the first moment that a series' clock can tell ([MS-DTYP] 2.3.3).
var earliest = time.Date(1601, 1, 2, 0, 0, 0, 0, time.UTC)

func clock(z oxocal.Zone, t time.Time) oxocal.Minutes {
	if t.Before(earliest) {
		return 0
	}
	return z.Clock(t)
}
