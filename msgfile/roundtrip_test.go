package msgfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

// write lays an item out and writes it.
func write(t testing.TB, it *mapi.Item) (msg, sidecar []byte) {
	t.Helper()
	m, err := msgfile.Plan(it)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, m)
}

func written(t testing.TB, m *msgfile.Message) (msg, sidecar []byte) {
	t.Helper()
	var a, b bytes.Buffer
	n, err := m.WriteTo(&a)
	if err != nil {
		t.Fatal(err)
	}
	if n != m.Size() || int64(a.Len()) != n {
		t.Errorf("planned %d bytes, wrote %d, said %d", m.Size(), a.Len(), n)
	}
	if _, err := m.WriteSidecar(&b); err != nil {
		t.Fatal(err)
	}
	if m.NeedsSidecar() != (b.Len() > 0) {
		t.Errorf("the sidecar has %d bytes, needed: %v", b.Len(), m.NeedsSidecar())
	}
	return a.Bytes(), b.Bytes()
}

// read opens what write gave, which has no damage.
func read(t testing.TB, msg, sidecar []byte) *mapi.Item {
	t.Helper()
	it, err := options(sidecar).Open(bytes.NewReader(msg), int64(len(msg)))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func options(sidecar []byte) (o msgfile.Options) {
	if len(sidecar) > 0 {
		o.Sidecar = io.NewSectionReader(bytes.NewReader(sidecar), 0, int64(len(sidecar)))
	}
	return o
}

// roundTrip writes an item, reads it and writes what was read. It gives the sidecar.
func roundTrip(t *testing.T, it *mapi.Item) []byte {
	t.Helper()
	msg, sidecar := write(t, it)
	got := read(t, msg, sidecar)
	if d := storetest.DiffItems(it, got); d != "" {
		t.Errorf("it came back different:\n%s", d)
	}
	again, sidecar2 := write(t, got)
	if !bytes.Equal(again, msg) || !bytes.Equal(sidecar2, sidecar) {
		t.Error("what was read is written as other bytes")
	}
	streamed, sidecar3 := stream(t, shuffled(it))
	if !bytes.Equal(streamed, msg) || !bytes.Equal(sidecar3, sidecar) {
		t.Error("the same item in another order of properties, as a stream, is written as other bytes")
	}
	return sidecar
}

// stream writes an item through a Writer.
func stream(t testing.TB, it *mapi.Item) (msg, sidecar []byte) {
	t.Helper()
	w := msgfile.NewWriter(msgfile.Config{})
	defer w.Close()
	if err := it.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	m, err := w.Message()
	if err != nil {
		t.Fatal(err)
	}
	return written(t, m)
}

// shuffled is an item with the properties of each object the other way round.
func shuffled(it *mapi.Item) *mapi.Item {
	turn := func(ps mapi.Props) mapi.Props {
		ps = slices.Clone(ps)
		slices.Reverse(ps)
		return ps
	}
	out := &mapi.Item{Props: turn(it.Props)}
	for _, r := range it.Recipients {
		out.Recipients = append(out.Recipients, turn(r))
	}
	for _, a := range it.Attachments {
		b := &mapi.Attachment{Props: turn(a.Props)}
		if a.Embedded != nil {
			b.Embedded = shuffled(a.Embedded)
		}
		out.Attachments = append(out.Attachments, b)
	}
	return out
}

func TestSampleItems(t *testing.T) {
	for _, s := range storetest.SampleItems() {
		t.Run(s.Name, func(t *testing.T) {
			// The object among the samples is no compound file.
			if sidecar := roundTrip(t, s.Item); len(sidecar) > 0 && s.Name != "ole object" {
				t.Errorf("a sidecar of %d bytes", len(sidecar))
			}
		})
	}
}

// propSet is a property set of nobody's.
var propSet = mapi.MustGUID("5D3F9A10-52C8-4B7E-9E0B-1C2D3E4F5A6B")

// mail is an item with a subject and these properties, given as tags or keys and values in turn.
func mail(subject string, pairs ...any) *mapi.Item {
	return &mapi.Item{Props: props(append([]any{pid.TagMessageClass, "IPM.Note", pid.TagSubject, subject}, pairs...)...)}
}

func props(pairs ...any) (ps mapi.Props) {
	for i := 0; i < len(pairs); i += 2 {
		k, ok := pairs[i].(mapi.Key)
		if !ok {
			k = mapi.TagKey(pairs[i].(mapi.Tag))
		}
		ps = append(ps, mapi.Prop{Key: k, Value: pairs[i+1]})
	}
	return ps
}

// everyType are values of every type that .msg files carry.
var everyType = []mapi.Value{
	int16(math.MinInt16), int32(math.MaxInt32), int64(math.MinInt64), float32(-1.5), math.Inf(-1), mapi.Currency(-1),
	mapi.AppTime(45365.625), true, false, mapi.FileTime(math.MaxInt64), propSet, "", "half \xED\xA0\xBD", "nul\x00s\x00", "\x00",
	mapi.String8(""), mapi.String8("\x80\xFF\x00"), []byte{}, []byte{0}, bytes.Repeat([]byte("mini"), 200), bytes.Repeat([]byte("big"), 2000),
	strings.Repeat("Ä𝄞", 50_000), mapi.String8(strings.Repeat("8-bit ", 10_000)), bytes.Repeat([]byte{0}, 100_000),
	[]int16{1, -1}, []int32{}, []int32{1, -1}, []int64{1}, []float32{1.5}, []float64{math.NaN()}, []mapi.Currency{1}, []mapi.AppTime{1},
	[]mapi.FileTime{1, 2}, []mapi.GUID{propSet, {}}, []string{}, []string{"b", "", "a\x00", "half \xED\xA0\xBD"},
	[]mapi.String8{"b", "", "\xFF\x00"}, [][]byte{}, [][]byte{{2}, {}, bytes.Repeat([]byte("x"), 5000)},
}

func typeOf(t testing.TB, v mapi.Value) mapi.Type {
	t.Helper()
	for _, m := range []mapi.Type{0, mapi.MultiValue} {
		for typ := mapi.Type(0); typ <= mapi.TypeBinary; typ++ {
			if mapi.CheckValue(typ|m, v) == nil {
				return typ | m
			}
		}
	}
	t.Fatalf("no type for %T", v)
	return 0
}

// allValues are properties with those values, by tag, by number and by string.
func allValues(t testing.TB, values ...mapi.Value) (ps mapi.Props) {
	for i, v := range values {
		typ := typeOf(t, v)
		ps.Set(mapi.TagKey(mapi.NewTag(0x6A00+uint16(i), typ)), v)
		ps.Set(mapi.NamedKey(mapi.PropName{Set: propSet, LID: uint32(0x9000 + i)}, typ), v)
		ps.Set(mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: fmt.Sprint("value ", i)}, typ), v)
	}
	return ps
}

// everywhere is an item with properties at every place where properties can be.
func everywhere(ps mapi.Props) *mapi.Item {
	inner := mail("inner")
	inner.Props = append(inner.Props, ps...)
	it := mail("outer")
	it.Props = append(it.Props, ps...)
	it.Recipients = []mapi.Props{ps, nil, ps}
	it.Attachments = []*mapi.Attachment{{Props: ps}, {}, {Props: ps, Embedded: inner}, {Embedded: &mapi.Item{}}}
	return it
}

func TestEveryType(t *testing.T) {
	if sidecar := roundTrip(t, everywhere(allValues(t, everyType...))); len(sidecar) > 0 {
		t.Errorf("a sidecar of %d bytes", len(sidecar))
	}
}

// TestNarrowItems writes items that have no Unicode string, and items that have both kinds.
func TestNarrowItems(t *testing.T) {
	narrow := mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass.WithType(mapi.TypeString8)), Value: mapi.String8("IPM.Note")},
		{Key: mapi.TagKey(pid.TagSubject.WithType(mapi.TypeString8)), Value: mapi.String8("Gr\xFC\xDFe")}}
	mask := mapi.TagKey(pid.TagStoreSupportMask)
	for _, c := range []struct {
		name    string
		item    *mapi.Item
		unicode bool // what the file must say
		masked  bool // whether it says anything
		sidecar bool
	}{
		{"8-bit only", &mapi.Item{Props: narrow}, false, false, false},
		{"both", &mapi.Item{Props: narrow, Recipients: []mapi.Props{props(pid.TagDisplayName, "Ä")}}, true, true, false},
		{"Unicode", mail("x"), true, true, false},
		{"no strings", &mapi.Item{Props: props(pid.TagImportance, int32(1))}, false, false, false},
		{"no strings, Unicode", &mapi.Item{Props: props(pid.TagStoreSupportMask, int32(0x40000))}, true, true, false},
		{"Unicode and says so", mail("x", mask, int32(0x40E79)), true, true, false},
		{"Unicode and says just so", mail("x", mask, int32(0x40000)), true, true, false},
		{"Unicode and says not", mail("x", mask, int32(0xE79)), true, true, true},
		{"8-bit and says so", &mapi.Item{Props: append(props(mask, int32(0xE79)), narrow...)}, false, true, false},
		{"8-bit and says Unicode", &mapi.Item{Props: append(props(mask, int32(0x40E79)), narrow...)}, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if sidecar := roundTrip(t, c.item); (len(sidecar) > 0) != c.sidecar {
				t.Errorf("a sidecar of %d bytes", len(sidecar))
			}
			msg, _ := write(t, c.item)
			e, ok := rawEntries(t, msg)[uint32(pid.TagStoreSupportMask)]
			if ok != c.masked || (e[8+2]&4 != 0) != c.unicode {
				t.Errorf("PidTagStoreSupportMask is there: %v, %x", ok, e)
			}
		})
	}
}

// rawEntries are the entries of the top property stream.
func rawEntries(t testing.TB, msg []byte) map[uint32][16]byte {
	t.Helper()
	f, err := cfb.Open(bytes.NewReader(msg), int64(len(msg)))
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Root.Stream("__properties_version1.0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := st.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	out := map[uint32][16]byte{}
	for b = b[32:]; len(b) > 0; b = b[16:] {
		out[uint32(b[0])|uint32(b[1])<<8|uint32(b[2])<<16|uint32(b[3])<<24] = [16]byte(b)
	}
	return out
}

func TestDeepEmbedding(t *testing.T) {
	nest := func(depth int) *mapi.Item {
		it := mail("innermost", pid.TagBody, "text")
		for i := range depth {
			it = &mapi.Item{Props: props(pid.TagSubject, fmt.Sprint("level ", i)), Attachments: []*mapi.Attachment{
				{Props: props(pid.TagAttachMethod, int32(1), pid.TagAttachDataBinary, bytes.Repeat([]byte{byte(i)}, 5000))},
				{Props: props(pid.TagAttachMethod, int32(5)), Embedded: it},
			}}
		}
		return it
	}
	roundTrip(t, nest(10))
	roundTrip(t, nest(mapi.MaxDepth))
	if _, err := msgfile.Plan(nest(mapi.MaxDepth + 1)); !errors.Is(err, mapi.ErrTooComplex) {
		t.Errorf("one deeper: %v", err)
	}
}

// TestRefusesWrongValues checks that what isn't an item isn't written as something else.
func TestRefusesWrongValues(t *testing.T) {
	w := msgfile.NewWriter(msgfile.Config{})
	defer w.Close()
	if err := w.Prop(mapi.TagKey(pid.TagSubject), int32(1)); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("a number as subject: %v", err)
	}
	if err := w.Stream(mapi.TagKey(pid.TagImportance), 4, strings.NewReader("1234")); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("a stream as number: %v", err)
	}
	if err := w.Stream(mapi.TagKey(pid.TagHtml), 5, strings.NewReader("1234")); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("a stream of another size: %v", err)
	}
	if err := w.Attachment(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Message(); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("an attachment without end: %v", err)
	}
	if _, err := msgfile.Plan(&mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: 1}}}); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("an int as subject: %v", err)
	}
}

// TestOddStrings reads strings whose UTF-16 has half a character at its end back as they are.
func TestOddStrings(t *testing.T) {
	for _, size := range []int{1, 5, mapi.LargeValue + 1} {
		data := bytes.Repeat([]byte("x"), size)
		msg, sidecar := write(t, &mapi.Item{Props: props(pid.TagBody, mapi.MemBlob(data))})
		got, ok := read(t, msg, sidecar).Props.Tag(pid.TagBody).(mapi.Blob)
		if !ok || got.Size() != int64(size) {
			t.Errorf("%d bytes came back as %v", size, got)
		}
	}
}
