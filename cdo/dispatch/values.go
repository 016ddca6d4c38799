package dispatch

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
)

// refuse notes that an argument has the wrong type.
func (c *call) refuse(i int, what string) {
	if c.err == nil {
		c.err = errorf(TypeMismatch, "argument %d is a %T, not %s", i+1, c.args[i], what)
	}
}

// text is an argument as a string. Null and a missing one are "", numbers are written out.
func (c *call) text(i int) string {
	switch v := c.args[i].(type) {
	case nil, null, missing:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	if f, ok := number64(c.args[i]); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	c.refuse(i, "a string")
	return ""
}

// long is an argument as a Long. Fractions are rounded to even, as automation does.
func (c *call) long(i int) int32 {
	f, ok := toNumber(c.args[i])
	switch {
	case !ok:
		c.refuse(i, "a number")
	case math.Abs(f) > math.MaxUint32: // tags and codes may come without their sign
		if c.err == nil {
			c.err = errorf(Overflow, "argument %d is no Long", i+1)
		}
	default:
		return int32(int64(math.RoundToEven(f)))
	}
	return 0
}

// boolean is an argument as a Boolean: any number but 0 is true.
func (c *call) boolean(i int) bool {
	switch v := c.args[i].(type) {
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
			return b
		}
	}
	f, ok := toNumber(c.args[i])
	if !ok {
		c.refuse(i, "a boolean")
	}
	return f != 0
}

// date is an argument as a date. A number is one of OLE, in the session's local time.
func (c *call) date(i int) time.Time {
	t, ok := toDate(c.args[i], c.obj.Session().Location())
	if !ok {
		c.refuse(i, "a date")
	}
	return t
}

// variant is an argument as it is; Null, Empty and a missing one are nil.
func (c *call) variant(i int) any {
	switch v := c.args[i].(type) {
	case null, missing:
		return nil
	default:
		return v
	}
}

// texts is an argument as an array of strings.
func (c *call) texts(i int) []string {
	switch v := c.args[i].(type) {
	case nil, null, missing:
		return nil
	case []string:
		return v
	case string:
		return []string{v}
	case []any:
		out := make([]string, len(v))
		for j, e := range v {
			s, ok := e.(string)
			if !ok {
				c.refuse(i, "an array of strings")
				return nil
			}
			out[j] = s
		}
		return out
	}
	c.refuse(i, "an array of strings")
	return nil
}

// gone tells whether an argument was left out.
func (c *call) gone(i int) bool { return c.args[i] == Missing }

// object is an argument as an object of a class; nil for Nothing and objects of other classes. Appointments and meeting items are
// messages too.
func object[T comparable](c *call, i int) T {
	var zero T
	switch v := c.args[i].(type) {
	case T:
		return v
	case *cdo.AppointmentItem:
		if m, ok := any(v.Message).(T); ok {
			return m
		}
	case *cdo.MeetingItem:
		if m, ok := any(v.Message).(T); ok {
			return m
		}
	}
	return zero
}

// number64 is a number.
func number64(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int8:
		return float64(v), true
	case int16:
		return float64(v), true
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint8:
		return float64(v), true
	case uint16:
		return float64(v), true
	case uint32:
		return float64(v), true
	case float32:
		return float64(v), true
	case float64:
		return v, !math.IsNaN(v)
	case mapi.Currency:
		return float64(v) / 1e4, true
	}
	return 0, false
}

// toNumber is what automation takes for a number: booleans (True is -1) and texts too.
func toNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, true
	case bool:
		if v {
			return -1, true
		}
		return 0, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return number64(v)
}

// give is a result that is no object.
func give[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// number is a result of a type that automation has as a Long.
func number[T ~int | ~int32 | ~uint32](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return int32(v), nil
}

// reach is an object, Nothing when it is nil. A message is the object of its class.
func reach[T interface {
	comparable
	cdo.Object
}](o T, err error) (any, error) {
	var zero T
	if err != nil || o == zero {
		return nil, err
	}
	return typed(o), nil
}

func reachAny(o cdo.Object, err error) (any, error) {
	if err != nil || o == nil || reflect.ValueOf(o).IsNil() {
		return nil, err
	}
	return typed(o), nil
}

func typed(o cdo.Object) cdo.Object {
	if m, ok := o.(*cdo.Message); ok {
		return m.Object()
	}
	return o
}
