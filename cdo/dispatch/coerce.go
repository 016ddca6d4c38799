package dispatch

import (
	"math"
	"strings"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
)

// fit makes a value that a client assigns to a field one of the field's type, as automation converts Variants: numbers of any size,
// texts that say a number or a date, arrays of Variant whose elements are of one type. What doesn't fit stays as it is, for the
// field to refuse.
func fit(v any, t cdo.FieldType, loc *time.Location) any {
	if t&cdo.CdoArray != 0 {
		if list, ok := v.([]any); ok {
			return fitList(list, t&^cdo.CdoArray, loc)
		}
		return v
	}
	c := &call{args: []any{v}}
	var out any
	switch t {
	case cdo.CdoString:
		out = c.text(0)
	case cdo.CdoInteger, cdo.CdoLong:
		out = c.long(0)
	case cdo.CdoSingle, cdo.CdoDouble:
		f, ok := toNumber(v)
		if !ok {
			return v
		}
		out = f
	case cdo.CdoCurrency:
		f, ok := number64(v)
		if !ok {
			return v
		}
		out = mapi.Currency(math.Round(f * 1e4))
	case cdo.CdoBoolean:
		out = c.boolean(0)
	case cdo.CdoDate:
		d, ok := toDate(v, loc)
		if !ok {
			return v
		}
		out = d
	default:
		return v
	}
	if c.err != nil || v == nil {
		return v
	}
	return out
}

// fitList makes an array of one type of an array of Variant.
func fitList(list []any, t cdo.FieldType, loc *time.Location) any {
	switch t {
	case cdo.CdoString, cdo.CdoBlob:
		return slice[string](list, cdo.CdoString, loc)
	case cdo.CdoInteger:
		out := make([]int16, len(list))
		for i, v := range list {
			n, ok := toNumber(v)
			if !ok || math.Abs(n) > math.MaxInt16 {
				return list
			}
			out[i] = int16(n)
		}
		return out
	case cdo.CdoLong:
		return slice[int32](list, t, loc)
	case cdo.CdoDouble:
		return slice[float64](list, t, loc)
	case cdo.CdoDate:
		return slice[time.Time](list, t, loc)
	}
	return list
}

func slice[T any](list []any, t cdo.FieldType, loc *time.Location) any {
	out := make([]T, len(list))
	for i, v := range list {
		e, ok := fit(v, t, loc).(T)
		if !ok {
			return list
		}
		out[i] = e
	}
	return out
}

// dateLayouts are the forms of dates in texts that cannot be mistaken, and the American one, which scripts mostly have.
var dateLayouts = []string{time.DateTime, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04", "1/2/2006 3:04:05 PM", "1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006"}

// toDate is what automation takes for a date: numbers of OLE and texts too.
func toDate(v any, loc *time.Location) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		for _, layout := range dateLayouts {
			if t, err := time.ParseInLocation(layout, strings.TrimSpace(v), loc); err == nil {
				return t, true
			}
		}
		return time.Time{}, false
	}
	f, ok := number64(v)
	return mapi.AppTime(f).Time(loc), ok
}
