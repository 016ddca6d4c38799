package oxcfxics_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// write gives the stream that a function writes.
func write(t testing.TB, opt *oxcfxics.Options, f func(w *oxcfxics.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := f(oxcfxics.NewWriter(oxcfxics.Plain(&out), opt)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// first reads the only element of a stream.
func first(t testing.TB, stream []byte) *oxcfxics.Element {
	t.Helper()
	e, err := oxcfxics.NewReader(bytes.NewReader(stream)).Next()
	if err != nil {
		t.Fatalf("% x: %v", stream, err)
	}
	return e
}

// Values as [MS-OXCFXICS] 2.2.4.1.3 and [MS-OXCDATA] 2.11.1 lay them out.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		tag   mapi.Tag
		value mapi.Value
		want  string // after the tag
	}{
		{0x66660001, nil, ""},
		{0x66660002, int16(-2), "feff"},
		{0x66660003, int32(1), "01000000"},
		{0x66660004, float32(1), "0000803f"},
		{0x66660005, float64(1), "000000000000f03f"},
		{0x66660006, mapi.Currency(10000), "1027000000000000"},
		{0x66660007, mapi.AppTime(1), "000000000000f03f"},
		{0x6666000A, mapi.ErrNotFound, "0f010480"},
		{0x6666000B, true, "0100"},
		{0x6666000B, false, "0000"},
		{0x6666000D, mapi.Object("ole"), "03000000 6f6c65"},
		{0x66660014, int64(-1), "ffffffffffffffff"},
		{0x6666001E, mapi.String8("a\x00b"), "04000000 61006200"},
		{0x6666001F, "ä", "04000000 e4000000"},
		{0x6666001F, "", "02000000 0000"},
		{0x66660040, mapi.FileTime(1), "0100000000000000"},
		{0x66660048, mapi.PSMAPI, "2803020000000000c000000000000046"},
		{0x666600FB, mapi.ServerID{1, 2}, "02000000 0102"},
		{0x66660102, []byte{}, "00000000"},
		{0x66661002, []int16{1, 2}, "02000000 0100 0200"},
		{0x66661003, []int32{}, "00000000"},
		{0x66661014, []int64{3}, "01000000 0300000000000000"},
		{0x66661048, []mapi.GUID{mapi.PSMAPI}, "01000000 2803020000000000c000000000000046"},
		{0x6666101E, []mapi.String8{"a", ""}, "02000000 02000000 6100 01000000 00"},
		{0x6666101F, []string{"a"}, "01000000 04000000 61000000"},
		{0x66661102, [][]byte{{7}, {}}, "02000000 01000000 07 00000000"},
		{pid.MetaTagIdsetGiven, []byte{9}, "01000000 09"},
	} {
		got := write(t, nil, func(w *oxcfxics.Writer) error { return w.Prop(mapi.TagKey(c.tag), c.value) })
		want := append([]byte{byte(c.tag), byte(c.tag >> 8), byte(c.tag >> 16), byte(c.tag >> 24)}, vectors.Hex(t, c.want)...)
		if !bytes.Equal(got, want) {
			t.Errorf("%v %v is % x, want % x", c.tag, c.value, got, want)
		}
		if e := first(t, want); e.Tag != c.tag || !reflect.DeepEqual(e.Value, c.value) {
			t.Errorf("% x is %v %#v, want %#v", want, e.Tag, e.Value, c.value)
		}
	}
	for _, tag := range []mapi.Tag{0x66660000, 0x666600FD, 0x6666100B, 0x66662003, 0x66660103} {
		if _, err := oxcfxics.NewReader(bytes.NewReader([]byte{byte(tag), byte(tag >> 8), 0x66, 0x66, 0, 0, 0, 0})).Next(); !errors.Is(err, mapi.ErrFormat) {
			t.Errorf("type 0x%04x gives %v", uint16(tag), err)
		}
	}
}

// TestTerminators reads strings whose terminator is there, is lacking, and that hold NULs, short and as streams.
func TestTerminators(t *testing.T) {
	long := strings.Repeat("x", mapi.LargeValue)
	for _, c := range []struct{ content, tail, want string }{
		{"", "", ""}, {"", "\x00", ""}, {"abc", "\x00", "abc"}, {"abc", "", "abc"}, {"a\x00b", "\x00", "a\x00b"}, {"abc\x00", "\x00", "abc\x00"},
		{long, "\x00", long}, {long, "", long}, {long + "\x00", "\x00", long + "\x00"},
	} {
		for _, unicode := range []bool{false, true} {
			tag, content, tail := mapi.Tag(0x6666001E), []byte(c.content), []byte(c.tail)
			if unicode {
				tag, content, tail = 0x6666001F, mapi.EncodeUTF16(c.content), mapi.EncodeUTF16(c.tail)
			}
			value := append(content, tail...)
			n := len(value)
			stream := append([]byte{byte(tag), 0, 0x66, 0x66, byte(n), byte(n >> 8), byte(n >> 16), 0}, value...)
			var b mapi.ItemBuilder
			if err := oxcfxics.ReadContent(oxcfxics.NewReader(iotest.OneByteReader(bytes.NewReader(stream))), &b); err != nil {
				t.Fatal(err)
			}
			if got := b.Item.Props.Text(tag); got != c.want {
				t.Errorf("%d bytes: read %.20q of %d, want %.20q of %d", n, got, len(got), c.want, len(c.want))
			}
			back, err := copyElements(stream)
			if n >= mapi.LargeValue && (err != nil || !bytes.Equal(back, stream)) {
				t.Errorf("a stream of %d bytes came back different: %v", n, err)
			}
		}
	}
	if _, err := oxcfxics.NewReader(bytes.NewReader(vectors.Hex(t, "1f006666 03000000 610000"))).Next(); !errors.Is(err, mapi.ErrFormat) {
		t.Errorf("a Unicode string of 3 bytes gives %v", err)
	}
}

// countingSpool tells how many spools are open.
type countingSpool struct {
	*os.File
	open *int
}

func (s countingSpool) Close() error { *s.open--; return s.File.Close() }

// TestUnknownSize writes values whose length isn't known before their end: small, at the limit of what is held in memory,
// and spooled.
func TestUnknownSize(t *testing.T) {
	open, used := 0, 0
	opt := &oxcfxics.Options{Spool: func() (oxcfxics.Spool, error) {
		open++
		used++
		f, err := os.CreateTemp(t.TempDir(), "")
		return countingSpool{f, &open}, err
	}}
	for _, n := range []int{0, 10, 256<<10 - 1, 256 << 10, 1 << 20} {
		for _, key := range []mapi.Key{mapi.TagKey(0x6666001F), mapi.TagKey(0x66660102)} {
			content := bytes.Repeat([]byte("x\x00"), n/2)
			for _, o := range []*oxcfxics.Options{opt, nil} {
				known := write(t, nil, func(w *oxcfxics.Writer) error { return w.Stream(key, int64(len(content)), bytes.NewReader(content)) })
				unknown := write(t, o, func(w *oxcfxics.Writer) error { return w.Stream(key, -1, iotest.HalfReader(bytes.NewReader(content))) })
				if !bytes.Equal(known, unknown) {
					t.Errorf("%d bytes of %v came out different", n, key)
				}
			}
		}
	}
	if open != 0 || used == 0 {
		t.Errorf("%d of %d spools left open", open, used)
	}
}

// TestWrongSize writes streams that aren't as long as announced.
func TestWrongSize(t *testing.T) {
	for _, key := range []mapi.Key{mapi.TagKey(0x6666001F), mapi.TagKey(0x66660102)} {
		for _, n := range []int64{2, 6} {
			w := oxcfxics.NewWriter(oxcfxics.Plain(io.Discard), nil)
			if err := w.Stream(key, 4, bytes.NewReader(make([]byte, n))); !errors.Is(err, mapi.ErrStreamSize) {
				t.Errorf("%v: %d bytes instead of 4 give %v", key, n, err)
			}
			if w.Marker(oxcfxics.EndMessage) == nil {
				t.Error("the broken stream goes on")
			}
		}
	}
}

func TestStringForms(t *testing.T) {
	long := strings.Repeat("ä", mapi.LargeValue)
	for _, c := range []struct {
		send  oxcfxics.SendOptions
		value mapi.Value
		want  string // tag and value; for lists the count too
	}{
		{0, "ä€𝄞", "1e006666 04000000 e4801a00"},
		{0, mapi.String8("\xe4"), "1e006666 02000000 e400"},
		{0, []string{"ä"}, "1e106666 01000000 02000000 e400"},
		{oxcfxics.SendUnicode, "ä", "1f006666 04000000 e4000000"},
		{oxcfxics.SendUnicode, mapi.String8("\xe4"), "1e006666 02000000 e400"},
		{oxcfxics.SendForUpload, "ä", "b0846666 04000000 e4000000"},
		{oxcfxics.SendForUpload, mapi.String8("\xe4"), "e4846666 02000000 e400"},
		{oxcfxics.SendForUpload, []mapi.String8{"\xe4"}, "1e106666 01000000 02000000 e400"},
		{oxcfxics.SendUnicode | oxcfxics.SendForceUnicode, mapi.String8("\xe4"), "1f006666 04000000 e4000000"},
		{oxcfxics.SendUnicode | oxcfxics.SendForceUnicode, []mapi.String8{"\xe4"}, "1f106666 01000000 04000000 e4000000"},
	} {
		opt := &oxcfxics.Options{Strings: c.send.Strings(), CodePage: 1252, Encoding: charmap.Windows1252}
		ty := mapi.TypeString
		switch c.value.(type) {
		case mapi.String8:
			ty = mapi.TypeString8
		case []string:
			ty = mapi.TypeString | mapi.MultiValue
		case []mapi.String8:
			ty = mapi.TypeString8 | mapi.MultiValue
		}
		got := write(t, opt, func(w *oxcfxics.Writer) error { return w.Prop(mapi.TagKey(mapi.NewTag(0x6666, ty)), c.value) })
		if !bytes.Equal(got, vectors.Hex(t, c.want)) {
			t.Errorf("options 0x%02x: %q is % x, want %s", c.send, c.value, got, c.want)
		}
		if ty.Multi() {
			continue
		}
		if raw, _ := mapi.ValueBytes(c.value); len(raw) > 0 {
			stream := write(t, opt, func(w *oxcfxics.Writer) error {
				return w.Stream(mapi.TagKey(mapi.NewTag(0x6666, ty)), int64(len(raw)), bytes.NewReader(raw))
			})
			if !bytes.Equal(stream, got) {
				t.Errorf("options 0x%02x: %q as a stream is % x", c.send, c.value, stream)
			}
		}
	}
	opt := &oxcfxics.Options{Strings: oxcfxics.EightBit, Encoding: charmap.Windows1252}
	got := write(t, opt, func(w *oxcfxics.Writer) error {
		return w.Stream(mapi.TagKey(0x6666001F), -1, bytes.NewReader(mapi.EncodeUTF16(long)))
	})
	if want := write(t, nil, func(w *oxcfxics.Writer) error {
		return w.Prop(mapi.TagKey(0x6666001E), mapi.String8(strings.Repeat("\xe4", mapi.LargeValue)))
	}); !bytes.Equal(got, want) {
		t.Error("a long string was converted wrong")
	}

	r := oxcfxics.NewReader(bytes.NewReader(vectors.Hex(t, "e4846666 02000000 e400 b0846666 04000000 e4000000 1e006666 02000000 e400")))
	for _, want := range []struct {
		key   mapi.Key
		value mapi.Value
		cp    uint16
		last  uint16
	}{{mapi.TagKey(0x6666001E), mapi.String8("\xe4"), 1252, 1252}, {mapi.TagKey(0x6666001F), "ä", 1200, 1252},
		{mapi.TagKey(0x6666001E), mapi.String8("\xe4"), 0, 0}} {
		e, err := r.Next()
		if err != nil || e.Key() != want.key || e.Value != want.value || e.CodePage() != want.cp || r.CodePage != want.last {
			t.Errorf("read %v %q of code page %d (%d), %v", e.Key(), e.Value, e.CodePage(), r.CodePage, err)
		}
	}
}
