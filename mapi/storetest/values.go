package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// set is a property set of nobody's.
var set = mapi.MustGUID("5D3F9A10-52C8-4B7E-9E0B-1C2D3E4F5A6B")

// high is an 8-bit string of all bytes that aren't ASCII.
func high() mapi.String8 {
	b := make([]byte, 128)
	for i := range b {
		b[i] = 0x80 + byte(i)
	}
	return mapi.String8(b)
}

// values are values of every type that items carry, with those that are easily lost.
func values() map[mapi.Type][]mapi.Value {
	m := mapi.MultiValue
	g := mapi.MustGUID("00112233-4455-6677-8899-AABBCCDDEEFF")
	long := strings.Repeat("Ä€𝄞 ", 100)
	return map[mapi.Type][]mapi.Value{
		mapi.TypeInt16:    {int16(0), int16(math.MinInt16), int16(math.MaxInt16)},
		mapi.TypeInt32:    {int32(0), int32(math.MinInt32), int32(math.MaxInt32)},
		mapi.TypeInt64:    {int64(0), int64(math.MinInt64), int64(math.MaxInt64), int64(1<<53 + 1)},
		mapi.TypeFloat32:  {float32(0), float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.SmallestNonzeroFloat32), float32(-1.5)},
		mapi.TypeFloat64:  {0.0, math.Copysign(0, -1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, math.MaxFloat64},
		mapi.TypeCurrency: {mapi.Currency(0), mapi.Currency(-1), mapi.Currency(math.MaxInt64)},
		mapi.TypeAppTime:  {mapi.AppTime(0), mapi.AppTime(45365.625), mapi.AppTime(-1.25)},
		mapi.TypeBool:     {true, false},
		mapi.TypeTime:     {at(12, 0), mapi.FileTime(0), mapi.FileTime(1), mapi.FileTime(math.MaxInt64), mapi.FileTime(0x0CB34557A3DD4000)},
		mapi.TypeGUID:     {g, mapi.GUID{}},
		mapi.TypeString:   {"", "plain", long, "\uFEFFmarked", " spaces \r\n\t", "e\u0301 é", "half \xED\xA0\xBD", "\xED\xB8\x80 half", "\uFFFE\uFFFF"},
		mapi.TypeString8:  {mapi.String8(""), mapi.String8("plain"), high(), mapi.String8(" spaces \r\n")},
		mapi.TypeBinary:   {[]byte{}, []byte{0}, seeded("binary", 256), seeded("binary", 600)},

		m | mapi.TypeInt16:    {[]int16{}, []int16{0}, []int16{1, -1, math.MinInt16, math.MaxInt16}},
		m | mapi.TypeInt32:    {[]int32{}, []int32{0}, []int32{1, -1, math.MinInt32, math.MaxInt32}},
		m | mapi.TypeInt64:    {[]int64{}, []int64{0}, []int64{1, -1, math.MinInt64, math.MaxInt64}},
		m | mapi.TypeFloat32:  {[]float32{}, []float32{0}, []float32{1.5, -2.25}},
		m | mapi.TypeFloat64:  {[]float64{}, []float64{0}, []float64{1.5, -2.25, math.Pi}},
		m | mapi.TypeCurrency: {[]mapi.Currency{}, []mapi.Currency{0}, []mapi.Currency{10000, -1}},
		m | mapi.TypeAppTime:  {[]mapi.AppTime{}, []mapi.AppTime{0}, []mapi.AppTime{1.5, 45365}},
		m | mapi.TypeTime:     {[]mapi.FileTime{}, []mapi.FileTime{0}, []mapi.FileTime{at(1, 2), at(3, 4)}},
		m | mapi.TypeGUID:     {[]mapi.GUID{}, []mapi.GUID{{}}, []mapi.GUID{g, {}, g}},
		m | mapi.TypeString:   {[]string{}, []string{""}, []string{"b", "", "a", "b", long, "half \xED\xA0\xBD"}},
		m | mapi.TypeString8:  {[]mapi.String8{}, []mapi.String8{""}, []mapi.String8{"b", "", high(), "b"}},
		m | mapi.TypeBinary:   {[][]byte{}, [][]byte{{}}, [][]byte{{2}, {}, {1}, seeded("binary", 600), {2}}},
	}
}

// testValues writes items with values of one type, as properties by tag and by name, of the item, of a recipient, of an
// attachment and of an embedded item.
func (f *fixture) testValues() {
	dir := f.folder()
	for typ, list := range values() {
		ps := mail("values of type " + typ.String()).Props
		for i, v := range list {
			ps.Set(mapi.TagKey(mapi.NewTag(0x6A00+uint16(i), typ)), v) // in the range of message classes' own
			ps.Set(mapi.NamedKey(mapi.PropName{Set: set, LID: uint32(0x9000 + i)}, typ), v)
			ps.Set(mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: fmt.Sprintf("storetest %d", i)}, typ), v)
		}
		it := &mapi.Item{Props: ps}
		it.Recipients = []mapi.Props{append(ada.recipient(0, to), ps[3:]...)}
		a := file(0, "with values", "text/plain", []byte("x"))
		a.Props = append(a.Props, ps[3:]...)
		it.Attachments = []*mapi.Attachment{a, embedded(1, &mapi.Item{Props: ps})}
		f.roundTrip(dir, mapi.Normal, "values of type "+typ.String(), it)
	}
}

// testNamed writes properties with names that are hard to tell apart.
func (f *fixture) testNamed() {
	other := mapi.MustGUID("5D3F9A10-52C8-4B7E-9E0B-1C2D3E4F5A6C")
	it := mail("named")
	for i, n := range []mapi.PropName{
		{Set: set, LID: 1}, {Set: set, LID: 0x8005}, {Set: set, LID: 0xFFFF}, {Set: set, LID: 0x10000}, {Set: set, LID: math.MaxUint32},
		{Set: other, LID: 1}, {Set: set}, {Set: set, Name: "1"}, {Set: other, Name: "1"}, {Set: mapi.PSPublicStrings, Name: "1"},
		{Set: set, Name: "Name"}, {Set: set, Name: "ñame – 名前 🏷"}, {Set: set, Name: "with/slash:and colon"},
		{Set: set, Name: strings.Repeat("n", 126)}, // the longest that a length in one byte allows ([MS-OXCDATA] 2.6.1)
		{Set: mapi.PSInternetHeaders, Name: "x-storetest"}, {Set: mapi.PSETIDCommon, LID: 0x8005}, {Set: mapi.PSETIDAddress, LID: 0x8005},
	} {
		it.Props.Set(mapi.NamedKey(n, mapi.TypeString), fmt.Sprint("value ", i))
	}
	f.roundTrip(f.folder(), mapi.Normal, "named properties", it)
}

// dribble gives a reader's bytes in odd pieces.
type dribble struct {
	r io.Reader
	n int
}

func (d *dribble) Read(p []byte) (int, error) {
	d.n = (d.n*5 + 3) % 8191
	return d.r.Read(p[:min(len(p), 1+d.n)])
}

// streamSink reads an item and notes what comes as a stream.
type streamSink struct {
	mapi.ItemBuilder
	f *fixture
}

func (s *streamSink) Prop(k mapi.Key, v mapi.Value) error {
	if n := mapi.ValueSize(v); n >= mapi.LargeValue && k.Type() != mapi.TypeServerID && k.Type()&mapi.MultiValue == 0 {
		s.f.Errorf("%s of %d bytes came in memory", keyName(k), n)
	}
	return s.ItemBuilder.Prop(k, v)
}

func (s *streamSink) Stream(k mapi.Key, size int64, r io.Reader) error {
	data, err := io.ReadAll(&dribble{r: r})
	if err != nil {
		return err
	}
	if size >= 0 && size != int64(len(data)) {
		s.f.Errorf("%s was announced with %d bytes and has %d", keyName(k), size, len(data))
	}
	return s.ItemBuilder.Stream(k, size, bytes.NewReader(data))
}

// testStreams writes and reads large values, of known and of unknown size.
func (f *fixture) testStreams() {
	if f.o.Lossy {
		f.Skip("this store doesn't hold items property for property")
	}
	dir := f.folder()
	text := strings.Repeat("0123456789abcde\U0001D11E ", f.o.Stream/36+1) // its surrogates fall on every kind of boundary
	data := seeded("stream", f.o.Stream+1)
	type stream struct {
		key  mapi.Key
		data []byte
	}
	named := mapi.NamedKey(mapi.PropName{Set: set, Name: "large"}, mapi.TypeBinary)
	tops := []stream{
		{mapi.TagKey(pid.TagBody), mapi.EncodeUTF16(text)},
		{mapi.TagKey(pid.TagHtml), data},
		{mapi.TagKey(pid.TagTransportMessageHeaders.WithType(mapi.TypeString8)), []byte(strings.Repeat("X-Long: 8-bit \xE4\r\n", f.o.Stream/16))},
		{named, data[:mapi.LargeValue]},
		{mapi.TagKey(0x6A000102), nil},            // empty
		{mapi.TagKey(0x6A01001F), []byte{'x', 0}}, // small
	}
	atts := []stream{
		{mapi.TagKey(pid.TagAttachDataBinary), data},
		{mapi.TagKey(pid.TagAttachDataObject), append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), data[:f.o.Stream/4]...)},
	}
	for _, known := range []bool{true, false} {
		what := fmt.Sprintf("streams (size known: %v)", known)
		want := mail(what)
		w, err := dir.Create(f.ctx, mapi.Normal)
		f.must(err)
		put := func(ps *mapi.Props, s stream) {
			size := int64(-1)
			if known {
				size = int64(len(s.data))
			}
			f.must(w.Stream(s.key, size, &dribble{r: bytes.NewReader(s.data)}))
			v, err := mapi.BytesValue(s.key.Type(), s.data)
			f.must(err)
			ps.Set(s.key, v)
		}
		f.must(want.WriteTo(w))
		for _, s := range tops {
			put(&want.Props, s)
		}
		for i, s := range atts {
			f.must(w.Attachment())
			a := &mapi.Attachment{Props: props(pid.TagAttachNumber, int32(i), pid.TagAttachMethod, []int32{1, 6}[i])}
			for _, p := range a.Props {
				f.must(w.Prop(p.Key, p.Value))
			}
			put(&a.Props, s)
			f.must(w.End())
			want.Attachments = append(want.Attachments, a)
		}
		id, err := w.Commit(f.ctx)
		f.must(err)
		f.must(w.Close())
		got := &streamSink{f: f}
		f.must(dir.Read(f.ctx, id, got))
		f.same(what, want, &got.Item)
	}
}

// testBrokenStream checks that the error of a stream's reader comes back and the item isn't there.
func (f *fixture) testBrokenStream() {
	dir := f.folder()
	broken := errors.New("broken")
	for _, size := range []int64{-1, 1 << 20} {
		w, err := dir.Create(f.ctx, mapi.Normal)
		f.must(err)
		f.must(mail("broken").WriteTo(w))
		r := io.MultiReader(bytes.NewReader(seeded("broken", 100_000)), &failing{broken})
		if err := w.Stream(mapi.TagKey(pid.TagHtml), size, r); !errors.Is(err, broken) {
			f.Errorf("a stream whose reader fails: %v, want the reader's error", err)
		}
		f.must(w.Close())
	}
	if got := f.subjects(dir, mapi.Query{}); !slices.Equal(got, nil) {
		f.Errorf("items after broken writing: %q", got)
	}
	f.write(dir, mapi.Normal, mail("next"))
}

type failing struct{ err error }

func (r *failing) Read([]byte) (int, error) { return 0, r.err }
