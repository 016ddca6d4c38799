package comserver

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"
)

// special are values that are nothing but themselves.
type special uint8

// Values that Go has no word for. Empty is nil.
const (
	Null    special = iota + 1
	Nothing         // an object variable without an object
	Missing         // an optional argument that was left out
)

func (s special) String() string { return [...]string{"Empty", "Null", "Nothing", "Missing"}[s&3] }

// Currency is an amount in ten-thousandths.
type Currency int64

// String is the amount with up to four decimals.
func (c Currency) String() string { return Decimal{*big.NewInt(int64(c)), 4}.String() }

// Decimal is a number of 96 bits with up to 28 decimals ([MS-OAUT] 2.2.26).
type Decimal struct {
	Unscaled big.Int
	Scale    uint8
}

func (d Decimal) rat() *big.Rat {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil)
	return new(big.Rat).SetFrac(&d.Unscaled, ten)
}

// String is the number without trailing zeros.
func (d Decimal) String() string {
	s := d.rat().FloatString(int(d.Scale))
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Float64 is the nearest Double.
func (d Decimal) Float64() float64 {
	f, _ := d.rat().Float64()
	return f
}

// ErrorCode is a Variant that holds an error.
type ErrorCode Code

// Foreign is an object of the client. The server doesn't call it.
type Foreign struct{}

// epoch is the day 0 of Date, at midnight of whatever zone a date is in.
const epochYear, epochMonth, epochDay = 1899, time.December, 30

// Dates reach from the year 100 to the year 9999 ([MS-OAUT] 2.2.25).
const minDate, maxDate = -657434.0, 2958466.0

// fromDate makes a time of a Date: days since 30 December 1899 on the wall clock, with the time of day counted forward even
// where the day is negative. It is rounded to the second, as a Date cannot hold less exactly.
func fromDate(d float64, zone *time.Location) (time.Time, bool) {
	if math.IsNaN(d) || d <= minDate-1 || d >= maxDate {
		return time.Time{}, false
	}
	days, part := math.Modf(d)
	seconds := math.Round(math.Abs(part) * 86400)
	return time.Date(epochYear, epochMonth, epochDay+int(days), 0, 0, int(seconds), 0, zone), true
}

// toDate is the reverse of fromDate.
func toDate(t time.Time, zone *time.Location) (float64, bool) {
	t = t.In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	days := float64((day.Unix() - time.Date(epochYear, epochMonth, epochDay, 0, 0, 0, 0, time.UTC).Unix()) / 86400)
	part := float64(t.Hour()*3600+t.Minute()*60+t.Second()) / 86400
	if days < 0 {
		part = -part
	}
	if d := days + part; d > minDate-1 && d < maxDate {
		return d, true
	}
	return 0, false
}

// integer makes what a result of a whole number becomes: Long where it fits, else Double, as VBScript has nothing longer.
func integer(n int64) any {
	if n == int64(int32(n)) {
		return int32(n)
	}
	return float64(n)
}

// plain brings the values that an object may return to those that a Variant has. ok is false for a value that it hasn't.
func plain(v any) (out any, ok bool) {
	switch v := v.(type) {
	case nil, special, bool, string, float32, float64, Currency, Decimal, int16, int32, uint8, time.Time, []byte, ErrorCode, Object,
		*enumerator, Foreign:
		return v, true
	case int:
		return integer(int64(v)), true
	case int64:
		return integer(v), true
	case int8:
		return int16(v), true
	case uint16:
		return int32(v), true
	case uint32:
		return integer(int64(v)), true
	case uint64:
		if v > math.MaxInt32 {
			return float64(v), true
		}
		return int32(v), true
	case []any:
		return plainList(v)
	case []string:
		return plainList(v)
	case []bool:
		return plainList(v)
	case []int16:
		return plainList(v)
	case []int32:
		return plainList(v)
	case []int64:
		return plainList(v)
	case []float32:
		return plainList(v)
	case []float64:
		return plainList(v)
	case []Currency:
		return plainList(v)
	case []time.Time:
		return plainList(v)
	case [][]byte:
		return plainList(v)
	}
	return nil, false
}

func plainList[T any](list []T) (any, bool) {
	out := make([]any, len(list))
	for i, v := range list {
		p, ok := plain(v)
		if !ok {
			return nil, false
		}
		out[i] = p
	}
	return out, true
}

// typeName is how a message names the type of a value.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "Empty"
	case special:
		return v.String()
	case int16:
		return "Integer"
	case int32:
		return "Long"
	case float64:
		return "Double"
	case time.Time:
		return "Date"
	case Object:
		return v.Class().Name
	case []any, []byte, []string:
		return "array"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "comserver.")
}
