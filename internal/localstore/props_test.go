package localstore

import (
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// samples has a record of every kind and a value of every type.
func samples() []record {
	values := []struct {
		t mapi.Type
		v mapi.Value
	}{
		{mapi.TypeNull, nil},
		{mapi.TypeInt16, int16(-2)}, {mapi.TypeInt32, int32(1 << 30)}, {mapi.TypeInt64, int64(-1 << 62)},
		{mapi.TypeFloat32, float32(1.5)}, {mapi.TypeFloat64, -0.1}, {mapi.TypeCurrency, mapi.Currency(-12345)}, {mapi.TypeAppTime, mapi.AppTime(40000.25)},
		{mapi.TypeError, mapi.ErrNotFound}, {mapi.TypeBool, true}, {mapi.TypeTime, mapi.FileTime(-1)}, {mapi.TypeGUID, mapi.PSMAPI},
		{mapi.TypeString8, mapi.String8("gr\xfc\xdfe\x00")}, {mapi.TypeString, "grüße\x00\xed\xa0\x80"}, {mapi.TypeBinary, []byte{}},
		{mapi.TypeServerID, mapi.ServerID{1, 2}}, {mapi.TypeObject, mapi.Object("ole")}, {mapi.TypeRestriction, mapi.Opaque{0}}, {mapi.TypeRuleAction, mapi.Opaque{1, 0}},
		{mapi.TypeInt16 | mapi.MultiValue, []int16{1, -1}}, {mapi.TypeInt32 | mapi.MultiValue, []int32{}}, {mapi.TypeInt64 | mapi.MultiValue, []int64{1 << 40}},
		{mapi.TypeFloat32 | mapi.MultiValue, []float32{0, 1}}, {mapi.TypeFloat64 | mapi.MultiValue, []float64{2}}, {mapi.TypeCurrency | mapi.MultiValue, []mapi.Currency{3}},
		{mapi.TypeAppTime | mapi.MultiValue, []mapi.AppTime{4}}, {mapi.TypeTime | mapi.MultiValue, []mapi.FileTime{5}}, {mapi.TypeGUID | mapi.MultiValue, []mapi.GUID{mapi.PSMAPI}},
		{mapi.TypeString8 | mapi.MultiValue, []mapi.String8{"", "x"}}, {mapi.TypeString | mapi.MultiValue, []string{"", "ä"}}, {mapi.TypeBinary | mapi.MultiValue, [][]byte{{}, {9}}},
	}
	recs := []record{{op: opRecipient}, {op: opEnd}, {op: opAttachment}, {op: opEmbedded}}
	for i, v := range values {
		recs = append(recs, record{op: opProp, tag: mapi.NewTag(uint16(i+1), v.t), val: v.v})
	}
	return append(recs,
		record{op: opProp, tag: mapi.NewTag(0x8001, mapi.TypeBool), val: false},
		record{op: opProp, tag: mapi.NewTag(0, mapi.TypeBool), name: mapi.PropName{Set: mapi.PSPublicStrings, Name: "Keywords"}, val: false},
		record{op: opProp, tag: mapi.NewTag(0, mapi.TypeBool), name: mapi.PropName{Set: mapi.PSETIDCommon, LID: 0x8501}, val: false},
		record{op: opBlob, tag: pid.TagBody, val: blobRef{ID: 300, Size: 1 << 40, Head: []byte("H\x00e\x00")}})
}

func TestRecordsComeBack(t *testing.T) {
	want := samples()
	b, err := encode(nil, want...)
	if err != nil {
		t.Fatal(err)
	}
	var got []record
	if err := decode(b, func(r record) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for _, r := range want {
		if r.op != opProp && r.op != opBlob {
			continue
		}
		if got, ok, err := find(b, r.tag, r.name); !ok || err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("find %v: %v %v %v", r, got, ok, err)
		}
	}
}

// The encoding is a file format: what it makes of a value may not change.
func TestEncodingStays(t *testing.T) {
	for _, c := range []struct {
		r    record
		want string
	}{
		{record{op: opProp, tag: pid.TagImportance, val: int32(-1)}, "010300170001"},
		{record{op: opProp, tag: pid.TagSubject, val: "hé"}, "011f0037000368c3a9"},
		{record{op: opProp, tag: pid.TagClientSubmitTime, val: mapi.FileTime(0x0102030405060708)}, "01400039000807060504030201"},
		{record{op: opProp, tag: mapi.NewTag(0, mapi.TypeBool), name: mapi.PropName{Set: mapi.PSETIDCommon, LID: 0x8501}, val: true}, "010b00000008200600000000 00c000000000000046818a020001"},
		{record{op: opProp, tag: mapi.NewTag(0x8000, mapi.TypeString|mapi.MultiValue), val: []string{"a", ""}}, "011f10008002016100"},
		{record{op: opBlob, tag: pid.TagBody, val: blobRef{ID: 1, Size: 300, Head: []byte{65, 0}}}, "021f00001001ac02024100"},
		{record{op: opEnd}, "06"},
	} {
		b, err := encode(nil, c.r)
		var want []byte
		for _, x := range c.want {
			if x != ' ' {
				want = append(want, byte(x))
			}
		}
		if err != nil || hex.EncodeToString(b) != string(want) {
			t.Errorf("%v: %x (%v), want %s", c.r, b, err, want)
		}
	}
}

func TestEncodingRefuses(t *testing.T) {
	for _, r := range []record{
		{op: opProp, tag: pid.TagImportance, val: "text"},
		{op: opProp, tag: mapi.NewTag(1, 0x77), val: nil},
		{op: 77},
	} {
		if b, err := encode(nil, r); err == nil {
			t.Errorf("%v became %x", r, b)
		}
	}
}

// FuzzRecords demands that damaged records are told, and that whatever is read is written so that it reads the same.
func FuzzRecords(f *testing.F) {
	all, _ := encode(nil, samples()...)
	f.Add(all)
	for _, r := range samples() {
		b, _ := encode(nil, r)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var recs []record
		if decode(b, func(r record) error { recs = append(recs, r); return nil }) != nil {
			return
		}
		again, err := encode(nil, recs...)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		twice, err := encode(nil, recs...)
		if err != nil || string(twice) != string(again) {
			t.Fatal("encoding is not the same each time")
		}
		var back []record
		if err := decode(again, func(r record) error { back = append(back, r); return nil }); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		third, err := encode(nil, back...)
		if err != nil || string(third) != string(again) {
			t.Errorf("%x became %x", again, third)
		}
	})
}
