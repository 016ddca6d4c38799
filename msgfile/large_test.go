package msgfile_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// pattern is content of any size that costs little.
type pattern struct{ size, pos int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.pos >= p.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.size-p.pos)]
	for i := range b {
		at := p.pos + int64(i)
		b[i] = byte(at ^ at>>8 ^ at>>16)
	}
	p.pos += int64(len(b))
	return len(b), nil
}

// hashing is a sink that hashes what comes as streams.
type hashing struct {
	counter
	sums map[mapi.Key][]byte
}

func (h *hashing) Stream(k mapi.Key, _ int64, r io.Reader) error {
	s := sha256.New()
	if _, err := io.Copy(s, r); err != nil {
		return err
	}
	h.sums[k] = s.Sum(nil)
	return nil
}

// TestLargeAttachment writes and reads 300 MB, which must never be in memory, not even piece by piece without reuse.
func TestLargeAttachment(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 900 MB")
	}
	const size = 300 << 20
	const allowed = 24 << 20 // tables, mostly: 4 bytes for each 512
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	w := msgfile.NewWriter(msgfile.Config{})
	defer w.Close()
	data, object := mapi.TagKey(pid.TagAttachDataBinary), mapi.TagKey(pid.TagAttachDataObject)
	steps := []error{
		w.Prop(mapi.TagKey(pid.TagSubject), "large"),
		w.Attachment(), w.Prop(mapi.TagKey(pid.TagAttachMethod), int32(1)), w.Stream(data, -1, &pattern{size: size}), w.End(),
		w.Attachment(), w.Prop(mapi.TagKey(pid.TagAttachMethod), int32(6)), w.Stream(object, 10<<20, &pattern{size: 10 << 20}), w.End(),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	m, err := w.Message()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "large.msg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := m.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	rest, err := os.Create(f.Name() + msgfile.SidecarExt)
	if err != nil {
		t.Fatal(err)
	}
	defer rest.Close()
	n, err := m.WriteSidecar(rest)
	if err != nil {
		t.Fatal(err)
	}
	extents := m.Extents()
	if len(extents) != 1 || extents[0].Size != size {
		t.Fatalf("extents %v", extents)
	}
	h := hashing{sums: map[mapi.Key][]byte{}}
	o := msgfile.Options{Sidecar: io.NewSectionReader(rest, 0, n)}
	if err := o.Read(f, m.Size(), &h); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > allowed {
		t.Errorf("%d MB of memory were used", used>>20)
	}
	check := func(what string, got []byte, size int64) {
		t.Helper()
		if !bytes.Equal(got, sumOf(t, sha256.New(), &pattern{size: size})) {
			t.Errorf("%s is not what was written", what)
		}
	}
	check("the attachment", h.sums[data], size)
	check("the object", h.sums[object], 10<<20)
	check("the extent", sumOf(t, sha256.New(), io.NewSectionReader(f, extents[0].Offset, size)), size)
}

func sumOf(t *testing.T, h hash.Hash, r io.Reader) []byte {
	t.Helper()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)
}

// TestExtents finds the content of each attachment of 4 KiB or more in the file, and nothing else.
func TestExtents(t *testing.T) {
	attachment := func(content []byte) *mapi.Attachment {
		return &mapi.Attachment{Props: props(pid.TagAttachMethod, int32(1), pid.TagAttachDataBinary, content)}
	}
	content := func(c string, n int) []byte { return bytes.Repeat([]byte(c), n) }
	ole := compoundFile(t, "abcdef")
	inner := mail("inner", pid.TagBody, strings.Repeat("a long body ", 1000))
	inner.Attachments = []*mapi.Attachment{attachment(content("i", 4096)), attachment(content("s", 4095))}
	it := mail("outer", pid.TagHtml, content("h", 10_000))
	it.Attachments = []*mapi.Attachment{
		attachment(content("x", 4095)), attachment(content("y", 4096)), {Embedded: inner}, attachment(content("z", 100_000)), attachment(nil),
		{Props: props(pid.TagAttachMethod, int32(6), pid.TagAttachDataObject, mapi.Object(ole))},
	}
	m, err := msgfile.Plan(it)
	if err != nil {
		t.Fatal(err)
	}
	msg, _ := written(t, m)
	want := map[string]bool{}
	for _, c := range [][]byte{content("y", 4096), content("i", 4096), content("z", 100_000), content("abcdef", 2000)} {
		want[string(c)] = true
	}
	end := int64(0)
	for _, e := range m.Extents() {
		if e.Offset < end || e.Offset+e.Size > int64(len(msg)) {
			t.Fatalf("extent %v after %d in a file of %d bytes", e, end, len(msg))
		}
		end = e.Offset + e.Size
		got := string(msg[e.Offset:end])
		if !want[got] {
			t.Errorf("extent %v is no attachment: %.20q", e, got)
		}
		delete(want, got)
	}
	if len(want) > 0 {
		t.Errorf("%d attachments have no extent", len(want))
	}
}

// memorySpool is a spool that can fail.
type memorySpool struct {
	data   []byte
	closed bool
	err    error
}

func (m *memorySpool) Write(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	m.data = append(m.data, p...)
	return len(p), nil
}

func (m *memorySpool) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, off)
}
func (m *memorySpool) Close() error { m.closed = true; return nil }

func TestSpool(t *testing.T) {
	it := mail("spooled", pid.TagHtml, mapi.MemBlob(make([]byte, 100_000)), pid.TagTransportMessageHeaders, mapi.MemBlob("h\x00"))
	for i := range 300 {
		it.Attachments = append(it.Attachments, &mapi.Attachment{Props: props(pid.TagAttachDataBinary, mapi.MemBlob(bytes.Repeat([]byte{byte(i)}, 30_000)))})
	}
	spool := &memorySpool{}
	w := msgfile.NewWriter(msgfile.Config{NewSpool: func() (msgfile.Spool, error) { return spool, nil }})
	if err := it.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	m, err := w.Message()
	if err != nil {
		t.Fatal(err)
	}
	got, _ := written(t, m)
	want, _ := write(t, it)
	if !bytes.Equal(got, want) {
		t.Error("a spooled item is written as other bytes")
	}
	// The large value is there, and so are the small ones from some point on: many small ones are large too.
	if len(spool.data) < 4_000_000 || len(spool.data) > 6_000_000 {
		t.Errorf("%d bytes were spooled", len(spool.data))
	}
	if err := w.Close(); err != nil || !spool.closed {
		t.Errorf("close: %v, the spool is closed: %v", err, spool.closed)
	}

	full := &memorySpool{err: errors.New("no space left")}
	w = msgfile.NewWriter(msgfile.Config{NewSpool: func() (msgfile.Spool, error) { return full, nil }})
	if err := it.WriteTo(w); !errors.Is(err, full.err) {
		t.Errorf("a full spool: %v", err)
	}
	w = msgfile.NewWriter(msgfile.Config{NewSpool: func() (msgfile.Spool, error) { return nil, full.err }})
	if err := it.WriteTo(w); !errors.Is(err, full.err) {
		t.Errorf("no spool: %v", err)
	}
}

// TestTemporaryFilesGo leaves nothing in the folder for temporary files.
func TestTemporaryFilesGo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	it := &mapi.Item{Props: props(pid.TagHtml, mapi.MemBlob(make([]byte, mapi.LargeValue)))}
	w := msgfile.NewWriter(msgfile.Config{})
	if err := it.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	names := func() (out []string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	if len(names()) != 1 {
		t.Errorf("while writing there are %q", names())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names(), nil) {
		t.Errorf("left over: %q", names())
	}
}

func BenchmarkSmall(b *testing.B) {
	it := crowd(3, 0)
	it.Props = append(it.Props, allValues(b, everyType[:20]...)...)
	it.Attachments = []*mapi.Attachment{{Props: props(pid.TagAttachDataBinary, make([]byte, 20_000))}, {Embedded: mail("inner")}}
	benchmark(b, it)
}

func BenchmarkLarge(b *testing.B) {
	it := mail("large")
	it.Attachments = []*mapi.Attachment{{Props: props(pid.TagAttachDataBinary, make([]byte, 64<<20))}}
	benchmark(b, it)
}

func benchmark(b *testing.B, it *mapi.Item) {
	msg, _ := write(b, it)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			m, err := msgfile.Plan(it)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.WriteTo(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(msg)))
		b.ReportAllocs()
		for b.Loop() {
			if err := msgfile.Read(bytes.NewReader(msg), int64(len(msg)), &counter{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSamples reads and writes the sample files, one after the other.
func BenchmarkSamples(b *testing.B) {
	files := sampleFiles(b)
	var items []*mapi.Item
	var size int64
	for _, f := range files {
		it, err := msgfile.Options{Report: func(*mapi.Error) {}}.Open(bytes.NewReader(f), int64(len(f)))
		if err != nil {
			b.Fatal(err)
		}
		items = append(items, it)
		size += int64(len(f))
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			for _, f := range files {
				if err := (msgfile.Options{Report: func(*mapi.Error) {}}).Read(bytes.NewReader(f), int64(len(f)), &counter{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(files)), "ms/file")
	})
	b.Run("write", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			for _, it := range items {
				m, err := msgfile.Plan(it)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*len(files)), "ms/file")
	})
}
