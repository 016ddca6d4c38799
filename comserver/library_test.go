package comserver

import (
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIDsOfNames(t *testing.T) {
	for _, c := range []struct {
		names []string
		ids   []int32
		ok    bool
	}{
		{[]string{"ADD"}, []int32{100}, true},
		{[]string{"add", "CLASS", "name"}, []int32{100, 1, 0}, true},
		{[]string{"Add", "Nonsense", "Class"}, []int32{100, -1, 1}, false},
		{[]string{"Nonsense", "Class"}, []int32{-1, -1}, false},
		{[]string{"_newenum"}, []int32{-4}, true},
	} {
		if ids, ok := thingClass.IDsOfNames(c.names); !slices.Equal(ids, c.ids) || ok != c.ok {
			t.Errorf("%v: %v %v", c.names, ids, ok)
		}
	}
}

func TestDescriptionsThatCannotBe(t *testing.T) {
	for _, members := range [][]Member{
		{{Name: "A", ID: 1}, {Name: "a", ID: 2}},
		{{Name: "A", ID: 1}, {Name: "B", ID: 1}},
		{{Name: "A", ID: 0}},
	} {
		if err := (&Library{Classes: []*Class{{Name: "C", Members: members}}}).check(); err == nil {
			t.Errorf("%v was taken", members)
		}
	}
}

func TestGUID(t *testing.T) {
	const text = "{3FA7DEB3-6438-101B-ACC1-00AA00423326}"
	g := MustGUID(strings.ToLower(text))
	if g.Data1 != 0x3FA7DEB3 || g.Data3 != 0x101B || g.Data4[1] != 0xC1 || g.String() != text {
		t.Error(g)
	}
	for _, bad := range []string{"", "{}", text[1:20], "3FA7DEB36438101BACC100AA00423326", strings.Replace(text, "A", "X", 1)} {
		if _, err := ParseGUID(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestDates has the examples of [MS-OAUT] 2.2.25 and of VARIANT dates in Windows' documentation.
func TestDates(t *testing.T) {
	for _, c := range []struct {
		date float64
		text string
	}{
		{0, "1899-12-30 00:00:00"}, {1, "1899-12-31 00:00:00"}, {2, "1900-01-01 00:00:00"}, {5.25, "1900-01-04 06:00:00"},
		{5.875, "1900-01-04 21:00:00"}, {-1.25, "1899-12-29 06:00:00"}, {2958465, "9999-12-31 00:00:00"}, {-657434, "0100-01-01 00:00:00"},
		{35431, "1997-01-01 00:00:00"},
	} {
		got, ok := fromDate(c.date, time.UTC)
		if !ok || got.Format("2006-01-02 15:04:05") != c.text {
			t.Errorf("%v is %v", c.date, got)
		}
		if back, ok := toDate(got, time.UTC); !ok || back != c.date {
			t.Errorf("%s is %v, not %v", c.text, back, c.date)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 2958466, -657435} {
		if got, ok := fromDate(bad, time.UTC); ok {
			t.Errorf("%v is %v", bad, got)
		}
	}
	// The wall clock counts, not the time that has passed: noon is noon on the day that has 23 hours too.
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	if d, _ := toDate(time.Date(2024, 3, 31, 12, 0, 0, 0, zone), zone); d != 45382.5 {
		t.Errorf("noon of a short day is %v", d)
	}
	if got, _ := fromDate(45382.5, zone); got.Hour() != 12 {
		t.Errorf("noon of a short day is %v", got)
	}
}

func TestPlainValues(t *testing.T) {
	for _, c := range []struct{ in, want any }{
		{7, int32(7)}, {int64(1) << 40, float64(1 << 40)}, {uint32(0x80000000), float64(0x80000000)}, {uint16(65535), int32(65535)},
		{int8(-1), int16(-1)}, {uint64(math.MaxUint64), float64(math.MaxUint64)}, {[]string{"a"}, []any{"a"}}, {[]int64{1}, []any{int32(1)}},
		{[]any{1, []string{"x"}}, []any{int32(1), []any{"x"}}}, {[]byte{1}, []byte{1}}, {[][]byte{{1}}, []any{[]byte{1}}},
	} {
		if got, ok := plain(c.in); !ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %#v", c.in, got)
		}
	}
	for _, bad := range []any{struct{}{}, map[string]int{}, []any{1, struct{}{}}, make(chan int)} {
		if v, ok := plain(bad); ok {
			t.Errorf("%T is %v", bad, v)
		}
	}
}

func TestDecimals(t *testing.T) {
	for want, d := range map[string]Decimal{
		"-1.5": {*big.NewInt(-150), 2}, "0": {}, "0.0001": {*big.NewInt(1), 4}, "700": {*big.NewInt(700), 0},
	} {
		if d.String() != want {
			t.Errorf("%s, not %s", d, want)
		}
	}
	if s := Currency(-123456).String(); s != "-12.3456" {
		t.Error(s)
	}
}

func TestRegistrationPlan(t *testing.T) {
	values := map[string]string{}
	for _, tree := range registration(toyConfig, `C:\Program Files\Toy\toy.exe`, `C:\Program Files\Toy\Toy.tlb`) {
		for _, k := range tree.keys {
			for _, v := range k.values {
				values[strings.TrimSuffix(tree.root+`\`+k.path, `\`)+"@"+v[0]] = v[1]
			}
		}
		if tree.perView != (strings.HasPrefix(tree.root, `CLSID\`) || strings.HasPrefix(tree.root, `Interface\`)) {
			t.Errorf("%s in both views: %v", tree.root, tree.perView)
		}
	}
	clsid, iid := toyConfig.Classes[1].CLSID.String(), toyClass.IID.String()
	for key, want := range map[string]string{
		`Toy.Original\CLSID@`: clsid, `Toy.Original\CurVer@`: "Toy.Original.1", `Toy.Original.1\CLSID@`: clsid,
		`CLSID\` + clsid + `\LocalServer32@`:                          `"C:\Program Files\Toy\toy.exe"`,
		`CLSID\` + clsid + `\LocalServer32@ServerExecutable`:          `C:\Program Files\Toy\toy.exe`,
		`CLSID\` + clsid + `\VersionIndependentProgID@`:               "Toy.Original",
		`TypeLib\` + toyConfig.Library.ID.String() + `\1.15\0\win32@`: `C:\Program Files\Toy\Toy.tlb`, // 1.21, as its hexadecimal
		`TypeLib\` + toyConfig.Library.ID.String() + `\1.15\HELPDIR@`: `C:\Program Files\Toy\`,
		`Interface\` + iid + `\ProxyStubClsid32@`:                     "{00020420-0000-0000-C000-000000000046}",
		`Interface\` + iid + `\TypeLib@Version`:                       "1.15",
		`AppID\toy.exe@AppID`:                                         toyConfig.AppID.String(),
	} {
		if values[key] != want {
			t.Errorf("%s is %q, not %q", key, values[key], want)
		}
	}
}
