package cdo

import (
	"math"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Days since 1899-12-30 as OLE automation counts them: before it the fraction is still the time of day, so that -1.25 is six in the
// morning of the 29th.
func TestOLEDate(t *testing.T) {
	for text, want := range map[string]mapi.AppTime{
		"1899-12-30 00:00:00": 0, "1899-12-30 06:00:00": 0.25, "1899-12-31 12:00:00": 1.5, "1900-01-01 00:00:00": 2,
		"1899-12-29 06:00:00": -1.25, "1899-12-28 18:00:00": -2.75, "2000-01-01 00:00:00": 36526, "4001-01-01 00:00:00": 767377,
		"0100-01-01 00:00:00": -657434, "9999-12-31 00:00:00": 2958465,
	} {
		at, err := time.ParseInLocation(time.DateTime, text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if got := oleDate(at); math.Abs(float64(got-want)) > 1e-9 {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
		if back := oleDate(at).Time(time.UTC); !back.Equal(at) {
			t.Errorf("%s comes back as %v", text, back)
		}
	}
}

// What a field takes it shows again, for every type that fields have.
func TestPropValueAndBack(t *testing.T) {
	when := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, c := range []struct {
		kind mapi.Type
		in   any
	}{
		{mapi.TypeInt16, int16(1)}, {mapi.TypeInt32, int32(1)}, {mapi.TypeInt64, int64(1) << 60}, {mapi.TypeFloat32, float32(1.5)}, {mapi.TypeFloat64, 1.5},
		{mapi.TypeCurrency, mapi.Currency(1)}, {mapi.TypeBool, true}, {mapi.TypeString, "ä"}, {mapi.TypeString8, "ä"}, {mapi.TypeTime, when},
		{mapi.TypeAppTime, when}, {mapi.TypeBinary, "00FF"},
		{mapi.TypeInt16 | mapi.MultiValue, []int16{1}}, {mapi.TypeInt64 | mapi.MultiValue, []int64{1}}, {mapi.TypeFloat32 | mapi.MultiValue, []float32{1}},
		{mapi.TypeFloat64 | mapi.MultiValue, []float64{1}}, {mapi.TypeCurrency | mapi.MultiValue, []mapi.Currency{1}},
		{mapi.TypeTime | mapi.MultiValue, []time.Time{when}}, {mapi.TypeAppTime | mapi.MultiValue, []time.Time{when}},
		{mapi.TypeBinary | mapi.MultiValue, []string{"00FF"}}, {mapi.TypeString | mapi.MultiValue, []string{"ä"}},
	} {
		v, err := propValue(c.kind, c.in, time.UTC)
		if err != nil {
			t.Errorf("%v: %v", c.kind, err)
			continue
		}
		k := mapi.TagKey(mapi.NewTag(0x6001, unicodeType(c.kind)))
		if err := mapi.CheckValue(k.Type(), v); err != nil {
			t.Error(err)
		}
		var b bag
		back, err := b.fieldValue(t.Context(), mapi.Prop{Key: k, Value: v}, time.UTC)
		if err != nil {
			t.Errorf("%v: %v", c.kind, err)
			continue
		}
		switch want := c.in.(type) {
		case time.Time:
			if !want.Equal(back.(time.Time)) {
				t.Errorf("%v: %v", c.kind, back)
			}
		case []time.Time:
			if !want[0].Equal(back.([]time.Time)[0]) {
				t.Errorf("%v: %v", c.kind, back)
			}
		default:
			if kind, ok := typeOf(back); c.kind != mapi.TypeString8 && c.kind.Base() != mapi.TypeBinary && (!ok || kind != c.kind) {
				t.Errorf("%v came back as %T", c.kind, back)
			}
		}
	}
	for _, kind := range []mapi.Type{mapi.TypeObject, mapi.TypeGUID, mapi.TypeServerID, mapi.TypeNull, mapi.TypeGUID | mapi.MultiValue} {
		if v, err := propValue(kind, "x", time.UTC); err == nil {
			t.Errorf("%v took %v", kind, v)
		}
	}
	var b bag
	for _, v := range []mapi.Value{mapi.GUID{1}, mapi.Object("x"), mapi.Opaque("x"), []mapi.GUID{{}}, mapi.Code(5)} {
		if got, err := b.fieldValue(t.Context(), mapi.Prop{Value: v}, time.UTC); mapi.CodeOf(err) != CdoE_NO_SUPPORT {
			t.Errorf("a %T is shown as %v, %v", v, got, err)
		}
	}
}
