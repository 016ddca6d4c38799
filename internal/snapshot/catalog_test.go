package snapshot

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func encoded(t testing.TB, c *catalog) []byte {
	t.Helper()
	b, err := oxcdata.Encode(oxcdata.Wide, c.code)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded(b []byte) (*catalog, error) {
	c := &catalog{}
	return c, oxcdata.Decode(oxcdata.Wide, b, c.code)
}

func sampleCatalog() *catalog {
	var a, b catalogRow
	a.Name, a.Size, a.Attach = "a.msg", 1<<40, true
	for _, p := range []mapi.Prop{
		{Key: mapi.TagKey(pid.TagSubject), Value: "half a character \xED\xA0\xBD, a zero \x00"},
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: mapi.FileTime(1)},
		{Key: mapi.TagKey(pid.TagSearchKey), Value: []byte{1, 2, 3}},
		{Key: mapi.TagKey(pid.TagDisplayTo), Value: strings.Repeat("x", 300)}, // too large
		{Key: pid.NameKeywords, Value: []string{"red", "", "仕事"}},
		{Key: mapi.TagKey(pid.TagBody), Value: "has no column"},
	} {
		a.note(listColumns, p.Key, p.Value)
	}
	b.Name = "b.msg"
	b.note(listColumns, mapi.TagKey(pid.TagSubject).WithType(mapi.TypeString8), mapi.String8("Gr\xFC\xDFe"))
	b.note(listColumns, pid.NameKeywords.WithType(mapi.TypeString8|mapi.MultiValue), []mapi.String8{"\xFC"})
	b.note(listColumns, mapi.TagKey(pid.TagRead), true)
	return &catalog{Keys: listColumns.keys, Rows: []catalogRow{a, b}}
}

func TestCatalog(t *testing.T) {
	want := sampleCatalog()
	c, err := decoded(encoded(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.Keys, want.Keys) || !reflect.DeepEqual(c.Rows, want.Rows) {
		t.Errorf("got %+v, want %+v", c.Rows, want.Rows)
	}
	subject := mapi.TagKey(pid.TagSubject)
	for _, q := range []struct {
		row   string
		key   mapi.Key
		want  mapi.Value
		known bool
	}{
		{"a.msg", subject, "half a character \xED\xA0\xBD, a zero \x00", true},
		{"a.msg", subject.WithType(mapi.TypeString8), nil, true},
		{"a.msg", mapi.TagKey(pid.TagDisplayTo), nil, false},
		{"a.msg", mapi.TagKey(pid.TagBody), nil, false},
		{"a.msg", mapi.TagKey(pid.TagDisplayCc), nil, true},
		{"a.msg", pid.NameKeywords, []string{"red", "", "仕事"}, true},
		{"b.msg", subject, nil, true},
		{"b.msg", subject.WithType(mapi.TypeString8), mapi.String8("Gr\xFC\xDFe"), true},
	} {
		got, known := c.get(c.find(q.row), q.key)
		if !reflect.DeepEqual(got, q.want) || known != q.known {
			t.Errorf("%s of %s is %v, %v; want %v, %v", q.key, q.row, got, known, q.want, q.known)
		}
	}
	if c.find("c.msg") != nil {
		t.Error("a line for a file that isn't there")
	}
}

func FuzzCatalog(f *testing.F) {
	f.Add(encoded(f, sampleCatalog()))
	f.Add([]byte(catalogMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decoded(b)
		if err != nil {
			return
		}
		again, err := decoded(encoded(t, c))
		if err != nil || len(again.Rows) != len(c.Rows) || !bytes.Equal(encoded(t, again), encoded(t, c)) {
			t.Errorf("read, written and read again: %v", err)
		}
	})
}
