package msgfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

// uncarried are values of the types that .msg files have no place for, and of those that they have, values that don't fit.
var uncarried = []mapi.Value{
	nil, mapi.Code(0x8004010F), mapi.ServerID("\x01server"), mapi.Opaque("\x00\x01restriction"), mapi.ServerID(strings.Repeat("long", 1000)),
	"no UTF-8 \xFF\xFE", "a pair of halves \xED\xA0\xBD\xED\xB8\x80", strings.Repeat("\xFF", 50_000), []string{"good", "bad \xFF"},
	mapi.Object("no compound file"), mapi.Object(""), mapi.Object(strings.Repeat("no compound file ", 10_000)),
}

func TestUncarriedValues(t *testing.T) {
	it := everywhere(allValues(t, uncarried...))
	it.Props = append(it.Props, allValues(t, everyType...)[:60]...)
	seen := map[mapi.Key]bool{}
	it.Props = deleteFunc(it.Props, func(p mapi.Prop) bool { again := seen[p.Key]; seen[p.Key] = true; return again })
	if sidecar := roundTrip(t, it); len(sidecar) == 0 {
		t.Error("no sidecar")
	}
}

func deleteFunc(ps mapi.Props, drop func(mapi.Prop) bool) (out mapi.Props) {
	for _, p := range ps {
		if !drop(p) {
			out = append(out, p)
		}
	}
	return out
}

func TestUncarriedKeys(t *testing.T) {
	both := mapi.PropName{Set: propSet, LID: 5, Name: "five"}
	for name, k := range map[string]mapi.Key{
		"nameless id":          mapi.TagKey(0x8005001F),
		"last id":              mapi.TagKey(0xFFFF001F),
		"name and id":          {Tag: 0x8005001F, Name: mapi.PropName{Set: propSet, LID: 5}},
		"name and number":      mapi.NamedKey(both, mapi.TypeString),
		"broken name":          mapi.NamedKey(mapi.PropName{Set: propSet, Name: "\xFF"}, mapi.TypeString),
		"name with zero":       mapi.NamedKey(mapi.PropName{Set: propSet, Name: "zero\x00"}, mapi.TypeString),
		"one row per value":    mapi.TagKey(0x6A00001F | mapi.Tag(mapi.MultiValue|mapi.MultiInstance)),
		"unspecified instance": mapi.TagKey(0x6A00001F | mapi.Tag(mapi.MultiInstance)),
	} {
		t.Run(name, func(t *testing.T) {
			var v mapi.Value = "value"
			if k.Type()&mapi.MultiValue != 0 {
				v = []string{"value"}
			}
			if sidecar := roundTrip(t, everywhere(props(k, v))); len(sidecar) == 0 {
				t.Error("no sidecar")
			}
		})
	}
}

func TestNamesThatFit(t *testing.T) {
	it := mail("names")
	for _, n := range []mapi.PropName{
		{Set: propSet}, {LID: 1}, {Name: "no set"}, {Set: mapi.PSMAPI, LID: 0x37}, {Set: mapi.PSMAPI, Name: "x"}, {Set: propSet, Name: strings.Repeat("n", 1000)},
		{Set: propSet, Name: "half \xED\xA0\xBD"}, {Set: propSet, Name: "in\x00side"}, {Set: propSet, Name: "case"}, {Set: propSet, Name: "Case"},
	} {
		it.Props.Set(mapi.NamedKey(n, mapi.TypeString), n.String())
		it.Props.Set(mapi.NamedKey(n, mapi.TypeInt32), int32(1))
	}
	if sidecar := roundTrip(t, it); len(sidecar) > 0 {
		t.Errorf("a sidecar of %d bytes", len(sidecar))
	}
}

// TestMoreNamesThanFit has more names than there are ids.
func TestMoreNamesThanFit(t *testing.T) {
	it := mail("names")
	for i := range uint32(33_000) {
		it.Props = append(it.Props, mapi.Prop{Key: mapi.NamedKey(mapi.PropName{Set: propSet, LID: i}, mapi.TypeInt32), Value: int32(i)})
	}
	if sidecar := roundTrip(t, it); len(sidecar) == 0 {
		t.Error("no sidecar")
	}
}

// TestSameKeyTwice keeps both properties, in the order in which they came.
func TestSameKeyTwice(t *testing.T) {
	ole := mapi.Object(compoundFile(t, "one"))
	for _, values := range [][]mapi.Value{{"first", "second", "third"}, {ole, mapi.Object("second")}, {mapi.Object("first"), ole}, {ole, ole}} {
		var ps mapi.Props
		for _, v := range values {
			ps = append(ps, mapi.Prop{Key: mapi.TagKey(mapi.NewTag(0x6A00, typeOf(t, v))), Value: v})
		}
		msg, sidecar := write(t, &mapi.Item{Props: ps})
		got := read(t, msg, sidecar).Props
		if len(got) != len(ps) {
			t.Fatalf("%d properties came back as %d", len(ps), len(got))
		}
		for i := range ps {
			if d := storetest.DiffItems(&mapi.Item{Props: ps[i : i+1]}, &mapi.Item{Props: got[i : i+1]}); d != "" {
				t.Errorf("property %d of %d came back different: %s", i, len(ps), d)
			}
		}
	}
}

// compoundFile is an OLE object as cfb writes it.
func compoundFile(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	root := &cfb.Node{CLSID: propSet, Children: []*cfb.Node{
		cfb.Bytes("\x01Ole", []byte(content)), cfb.Bytes("CONTENTS", bytes.Repeat([]byte(content), 2000)),
		{Name: "ObjectPool", Children: []*cfb.Node{cfb.Bytes("__properties_version1.0", []byte("not of an item"))}},
		cfb.Bytes("__properties_version1.0", make([]byte, 24)),
	}}
	if err := cfb.Write(&b, root); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestObjects(t *testing.T) {
	sorted := canonical(t, compoundFile(t, "ole"))
	foreign := bytes.Clone(sorted)
	foreign[24] = 0x3B // another minor version
	for _, c := range []struct {
		name    string
		value   mapi.Value
		sidecar bool
		storage bool
	}{
		{"as it will be read", mapi.Object(sorted), false, true},
		{"as a blob", mapi.MemBlob(sorted), false, true},
		{"large", mapi.Object(canonical(t, compoundFile(t, strings.Repeat("large", 10)))), false, true},
		{"of another writer", mapi.Object(foreign), true, true},
		{"cut off", mapi.Object(sorted[:len(sorted)-2000]), true, false},
	} {
		for _, method := range []int32{1, 5, 6} {
			t.Run(fmt.Sprint(c.name, " ", method), func(t *testing.T) {
				a := &mapi.Attachment{Props: props(pid.TagAttachMethod, method, pid.TagAttachDataObject, c.value)}
				it := &mapi.Item{Attachments: []*mapi.Attachment{a}}
				if sidecar := roundTrip(t, it); (len(sidecar) > 0) != c.sidecar {
					t.Errorf("a sidecar of %d bytes", len(sidecar))
				}
				msg, _ := write(t, it)
				f, err := cfb.Open(bytes.NewReader(msg), int64(len(msg)))
				if err != nil {
					t.Fatal(err)
				}
				s, err := f.Root.Storage("__attach_version1.0_#00000000")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Storage("__substg1.0_3701000D"); (err == nil) != c.storage {
					t.Errorf("the object's storage: %v", err)
				}
			})
		}
	}
	t.Run("beside an embedded item", func(t *testing.T) {
		a := &mapi.Attachment{Props: props(pid.TagAttachMethod, int32(5), pid.TagAttachDataObject, mapi.Object(sorted)), Embedded: mail("inner")}
		roundTrip(t, &mapi.Item{Attachments: []*mapi.Attachment{a}})
	})
	t.Run("of an item", func(t *testing.T) {
		roundTrip(t, mail("x", mapi.TagKey(0x6A00000D), mapi.Object(sorted), mapi.NamedKey(mapi.PropName{Set: propSet, LID: 1}, mapi.TypeObject), mapi.Object(sorted)))
	})
}

// canonical is a compound file as it comes back from a .msg file.
func canonical(t testing.TB, b []byte) []byte {
	t.Helper()
	msg, _ := write(t, &mapi.Item{Props: props(mapi.Tag(0x6A00000D), mapi.Object(b))})
	it, err := msgfile.Open(bytes.NewReader(msg), int64(len(msg)))
	if err != nil {
		t.Fatal(err)
	}
	v := it.Props.Tag(0x6A00000D)
	if blob, ok := v.(mapi.Blob); ok {
		r, err := blob.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return v.(mapi.Object)
}

func crowd(recipients, attachments int) *mapi.Item {
	it := mail("crowd")
	for i := range recipients {
		it.Recipients = append(it.Recipients, props(pid.TagRowid, int32(i), pid.TagDisplayName, fmt.Sprint("Recipient ", i),
			pid.TagEmailAddress, fmt.Sprintf("r%d@example.com", i), mapi.NamedKey(mapi.PropName{Set: propSet, LID: 7}, mapi.TypeInt32), int32(i)))
	}
	for i := range attachments {
		a := &mapi.Attachment{Props: props(pid.TagAttachNumber, int32(i), pid.TagAttachLongFilename, fmt.Sprintf("%d.txt", i),
			pid.TagAttachDataBinary, bytes.Repeat([]byte{byte(i)}, i%5000))}
		switch i % 500 {
		case 17:
			a.Props.Delete(mapi.TagKey(pid.TagAttachDataBinary))
			a.Embedded = mail("inner")
			a.Embedded.Recipients = it.Recipients[:min(2, recipients)]
			a.Embedded.Attachments = []*mapi.Attachment{{Embedded: mail("innermost")}, {Props: props(pid.TagAttachDataBinary, []byte("x"))}}
		case 18:
			a.Embedded = &mapi.Item{}
		case 19:
			a.Props = nil
		}
		it.Attachments = append(it.Attachments, a)
	}
	return it
}

func TestCrowds(t *testing.T) {
	for _, n := range []struct {
		recipients, attachments int
		sidecar                 bool
	}{{2048, 2048, false}, {2049, 0, true}, {0, 2049, true}, {3000, 3000, true}} {
		t.Run(fmt.Sprint(n.recipients, " and ", n.attachments), func(t *testing.T) {
			if sidecar := roundTrip(t, crowd(n.recipients, n.attachments)); (len(sidecar) > 0) != n.sidecar {
				t.Errorf("a sidecar of %d bytes", len(sidecar))
			}
		})
	}
	bare := &mapi.Item{Recipients: []mapi.Props{nil, props(pid.TagRowid, int32(1)), nil}, Attachments: []*mapi.Attachment{{}, {Embedded: &mapi.Item{}}, {}}}
	it := &mapi.Item{Attachments: make([]*mapi.Attachment, 2050)}
	for i := range it.Attachments {
		it.Attachments[i] = &mapi.Attachment{}
	}
	it.Attachments[1].Embedded, it.Attachments[2049].Embedded = bare, bare
	roundTrip(t, it)

	inner := crowd(2050, 2050)
	inner.Props = append(inner.Props, allValues(t, uncarried...)...)
	roundTrip(t, &mapi.Item{Attachments: []*mapi.Attachment{{}, {Embedded: inner}}})
}

// TestCrowdWithoutSidecar still reads the first 2,048.
func TestCrowdWithoutSidecar(t *testing.T) {
	msg, _ := write(t, crowd(3000, 3000))
	it := read(t, msg, nil)
	if len(it.Recipients) != 2048 || len(it.Attachments) != 2048 {
		t.Errorf("%d recipients and %d attachments", len(it.Recipients), len(it.Attachments))
	}
}

func TestWrongSidecar(t *testing.T) {
	full := everywhere(allValues(t, uncarried...))
	full.Recipients = crowd(2050, 0).Recipients
	msg, sidecar := write(t, full)
	other, _ := write(t, mail("other"))
	check := func(what string, msg, sidecar []byte) {
		t.Helper()
		o := options(sidecar)
		if _, err := o.Open(bytes.NewReader(msg), int64(len(msg))); !errors.Is(err, mapi.ErrCorruptData) {
			t.Errorf("%s: %v", what, err)
		}
		reported := 0
		o.Report = func(*mapi.Error) { reported++ }
		it, err := o.Open(bytes.NewReader(msg), int64(len(msg)))
		if err != nil || reported == 0 || it.Props.Text(pid.TagMessageClass) != "IPM.Note" {
			t.Errorf("%s, with a report: %v, %d reported", what, err, reported)
		}
	}
	check("another file's sidecar", other, sidecar)
	check("a later version", msg, append([]byte("OCDOMSGX\x02"), sidecar[9:]...))
	check("no sidecar", msg, bytes.Repeat([]byte("x"), 100))
	for n := 1; n < len(sidecar); n += 1 + n/3 {
		check(fmt.Sprintf("cut to %d of %d bytes", n, len(sidecar)), msg, sidecar[:n])
	}
	check("more at the end", msg, append(bytes.Clone(sidecar), 0))
}
