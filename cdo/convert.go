package cdo

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// fieldTypes is how CDO's types of fields and MAPI's types belong together; the first of a field type is what a new field of
// it gets.
var fieldTypes = []struct {
	field FieldType
	prop  mapi.Type
}{
	{CdoNull, mapi.TypeNull}, {CdoInteger, mapi.TypeInt16}, {CdoLong, mapi.TypeInt32}, {CdoSingle, mapi.TypeFloat32},
	{CdoDouble, mapi.TypeFloat64}, {CdoCurrency, mapi.TypeCurrency}, {CdoDate, mapi.TypeTime}, {CdoDate, mapi.TypeAppTime},
	{CdoString, mapi.TypeString}, {CdoString, mapi.TypeString8}, {CdoBoolean, mapi.TypeBool},
	{CdoDataObject, mapi.TypeObject}, {CdoBlob, mapi.TypeBinary},
}

// FieldTypeOf is the type of the field that a property of a type of package mapi is; CdoEmpty for types that CDO has no name for.
func FieldTypeOf(t mapi.Type) FieldType {
	for _, f := range fieldTypes {
		if f.prop == t.Base() {
			if t.Multi() {
				return f.field | CdoArray
			}
			return f.field
		}
	}
	return CdoEmpty
}

// propType is the type of a property for a new field. Types that fields cannot have are CdoE_NO_SUPPORT.
func propType(f FieldType) (mapi.Type, bool) {
	switch f &^ CdoArray {
	case CdoNull, CdoDataObject:
		return 0, false
	}
	for _, t := range fieldTypes {
		if t.field == f&^CdoArray {
			if f&CdoArray != 0 && f != CdoArray|CdoBoolean {
				return t.prop | mapi.MultiValue, true
			}
			return t.prop, f&CdoArray == 0
		}
	}
	return 0, false
}

// typeOf derives the type of a new field from its value.
func typeOf(v any) (mapi.Type, bool) {
	switch v.(type) {
	case int16:
		return mapi.TypeInt16, true
	case int32, int:
		return mapi.TypeInt32, true
	case int64:
		return mapi.TypeInt64, true
	case float32:
		return mapi.TypeFloat32, true
	case float64:
		return mapi.TypeFloat64, true
	case mapi.Currency:
		return mapi.TypeCurrency, true
	case time.Time:
		return mapi.TypeTime, true
	case string:
		return mapi.TypeString, true
	case bool:
		return mapi.TypeBool, true
	case []byte:
		return mapi.TypeBinary, true
	case []int16:
		return mapi.TypeInt16 | mapi.MultiValue, true
	case []int32:
		return mapi.TypeInt32 | mapi.MultiValue, true
	case []int64:
		return mapi.TypeInt64 | mapi.MultiValue, true
	case []float32:
		return mapi.TypeFloat32 | mapi.MultiValue, true
	case []float64:
		return mapi.TypeFloat64 | mapi.MultiValue, true
	case []mapi.Currency:
		return mapi.TypeCurrency | mapi.MultiValue, true
	case []time.Time:
		return mapi.TypeTime | mapi.MultiValue, true
	case []string:
		return mapi.TypeString | mapi.MultiValue, true
	case [][]byte:
		return mapi.TypeBinary | mapi.MultiValue, true
	}
	return 0, false
}

func each[A, B any](list []A, f func(A) (B, error)) ([]B, error) {
	out := make([]B, len(list))
	for i, v := range list {
		var err error
		if out[i], err = f(v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fieldValue is a property value as fields show it.
func (b *bag) fieldValue(ctx context.Context, p mapi.Prop, loc *time.Location) (any, error) {
	v, err := inMemory(p.Key, p.Value)
	if err != nil {
		return nil, err
	}
	moment := func(t mapi.FileTime) (time.Time, error) { return t.Time().In(loc), nil }
	ole := func(t mapi.AppTime) (time.Time, error) { return t.Time(loc), nil }
	decode := func(s mapi.String8) (string, error) { return b.decode(ctx, s) }
	switch v := v.(type) {
	case nil, int16, int32, int64, float32, float64, mapi.Currency, bool, string,
		[]int16, []int32, []int64, []float32, []float64, []mapi.Currency, []string:
		return v, nil
	case mapi.FileTime:
		return moment(v)
	case []mapi.FileTime:
		return each(v, moment)
	case mapi.AppTime:
		return ole(v)
	case []mapi.AppTime:
		return each(v, ole)
	case mapi.String8:
		return decode(v)
	case []mapi.String8:
		return each(v, decode)
	case []byte:
		return hexID(v), nil
	case mapi.ServerID:
		return hexID(v), nil
	case [][]byte:
		return each(v, func(b []byte) (string, error) { return hexID(b), nil })
	}
	// PT_OBJECT and PT_CLSID are not accessible through fields, nor is what has no automation type.
	return nil, &mapi.Error{Op: "show", Object: p.Key.String(), Code: CdoE_NO_SUPPORT, Err: fmt.Errorf("a %v has no value that a field can show", p.Key.Type())}
}

// propValue is the reverse of fieldValue: what a program assigns to a field of a type. Numbers may come in any Go type that
// they fit in; binaries as hexadecimal strings or as bytes; lists as slices of exactly the type of one value.
func propValue(t mapi.Type, v any, loc *time.Location) (mapi.Value, error) {
	if t.Multi() {
		return listValue(t.Base(), v, loc)
	}
	switch t {
	case mapi.TypeInt16:
		n, ok := whole(v, math.MinInt16, math.MaxInt16)
		return int16(n), typed(t, v, ok)
	case mapi.TypeInt32:
		n, ok := whole(v, math.MinInt32, math.MaxInt32)
		return int32(n), typed(t, v, ok)
	case mapi.TypeInt64:
		n, ok := whole(v, math.MinInt64, math.MaxInt64)
		return n, typed(t, v, ok)
	case mapi.TypeFloat32:
		f, ok := real(v)
		return float32(f), typed(t, v, ok)
	case mapi.TypeFloat64:
		f, ok := real(v)
		return f, typed(t, v, ok)
	case mapi.TypeCurrency:
		c, ok := v.(mapi.Currency)
		return c, typed(t, v, ok)
	case mapi.TypeBool:
		b, ok := v.(bool)
		return b, typed(t, v, ok)
	case mapi.TypeString, mapi.TypeString8:
		s, ok := v.(string)
		return s, typed(t, v, ok)
	case mapi.TypeTime:
		d, ok := v.(time.Time)
		return mapi.NewFileTime(d), typed(t, v, ok)
	case mapi.TypeAppTime:
		d, ok := v.(time.Time)
		return oleDate(d.In(loc)), typed(t, v, ok)
	case mapi.TypeBinary:
		return binaryValue(v)
	}
	return nil, &mapi.Error{Op: "set a value", Code: CdoE_NO_SUPPORT, Err: fmt.Errorf("fields of type %v cannot be set", t)}
}

func listValue(base mapi.Type, v any, loc *time.Location) (mapi.Value, error) {
	ok := false
	switch base {
	case mapi.TypeInt16:
		_, ok = v.([]int16)
	case mapi.TypeInt32:
		_, ok = v.([]int32)
	case mapi.TypeInt64:
		_, ok = v.([]int64)
	case mapi.TypeFloat32:
		_, ok = v.([]float32)
	case mapi.TypeFloat64:
		_, ok = v.([]float64)
	case mapi.TypeCurrency:
		_, ok = v.([]mapi.Currency)
	case mapi.TypeString, mapi.TypeString8:
		_, ok = v.([]string)
	case mapi.TypeTime:
		if list, ok := v.([]time.Time); ok {
			return each(list, func(d time.Time) (mapi.FileTime, error) { return mapi.NewFileTime(d), nil })
		}
	case mapi.TypeAppTime:
		if list, ok := v.([]time.Time); ok {
			return each(list, func(d time.Time) (mapi.AppTime, error) { return oleDate(d.In(loc)), nil })
		}
	case mapi.TypeBinary:
		if list, ok := v.([]string); ok {
			return each(list, func(s string) ([]byte, error) { return hexValue(s) })
		}
		_, ok = v.([][]byte)
	}
	return v, typed(base|mapi.MultiValue, v, ok)
}

func typed(t mapi.Type, v any, ok bool) error {
	if ok {
		return nil
	}
	return &mapi.Error{Op: "set a value", Code: CdoE_INVALID_TYPE, Err: fmt.Errorf("a %T cannot be the value of a %v field", v, t)}
}

func whole(v any, least, most int64) (n int64, ok bool) {
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int16:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case Importance:
		n = int64(v)
	case Sensitivity:
		n = int64(v)
	default:
		return 0, false
	}
	return n, least <= n && n <= most
}

func real(v any) (float64, bool) {
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	n, ok := whole(v, -1<<53, 1<<53)
	return float64(n), ok
}

func binaryValue(v any) (mapi.Value, error) {
	switch v := v.(type) {
	case []byte:
		return v, nil
	case string:
		return hexValue(v)
	}
	return nil, typed(mapi.TypeBinary, v, false)
}

func hexValue(s string) ([]byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, &mapi.Error{Op: "set a value", Code: CdoE_BAD_VALUE, Err: fmt.Errorf("%.40q isn't hexadecimal", s)}
	}
	return b, nil
}

// oleDate counts days since 1899-12-30; the fraction is the time of day on either side of it.
func oleDate(t time.Time) mapi.AppTime {
	const perDay = 24 * 60 * 60
	days := float64((time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() - oleEpoch) / perDay)
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	part := float64(clock) / float64(24*time.Hour)
	if days < 0 {
		part = -part
	}
	return mapi.AppTime(days + part)
}

// oleEpoch is 1899-12-30 in Unix seconds.
const oleEpoch = -2209161600
