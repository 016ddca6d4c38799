package msgfile_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

// counter is a sink that counts what comes.
type counter struct{ props, bytes int64 }

func (c *counter) Prop(_ mapi.Key, v mapi.Value) error {
	c.props++
	c.bytes += mapi.ValueSize(v)
	return nil
}

func (c *counter) Stream(_ mapi.Key, size int64, r io.Reader) error {
	c.props++
	n, err := io.Copy(io.Discard, r)
	c.bytes += n
	return err
}

func (c *counter) Recipient() error  { return nil }
func (c *counter) Attachment() error { return nil }
func (c *counter) Embedded() error   { return nil }
func (c *counter) End() error        { return nil }

// tolerant reads a file whatever its damage. It fails the test if more comes out than can be in it, if an error has no type, or if
// the strict reading doesn't fail exactly when something is reported.
func tolerant(t testing.TB, msg, sidecar []byte) (c counter, reported []*mapi.Error, err error) {
	t.Helper()
	o := options(sidecar)
	o.Report = func(e *mapi.Error) { reported = append(reported, e) }
	err = o.Read(bytes.NewReader(msg), int64(len(msg)), &c)
	o.Report = nil
	strict := o.Read(bytes.NewReader(msg), int64(len(msg)), &counter{})
	if (strict != nil) != (err != nil || len(reported) > 0) {
		t.Errorf("the strict reading says %v, the tolerant one %v and reports %v", strict, err, reported)
	}
	for _, e := range []error{err, strict} {
		if e != nil && !errors.Is(e, mapi.ErrCorruptData) && !errors.Is(e, mapi.ErrTooComplex) {
			t.Errorf("an error without type: %v", e)
		}
	}
	// Objects come with tables of their own, strings as UTF-8 with three bytes for two.
	if limit := 4*int64(len(msg)+len(sidecar)) + 16384; c.bytes > limit {
		t.Errorf("%d bytes came out of a file of %d", c.bytes, len(msg))
	}
	return c, reported, err
}

// specimen is a small file that has everything.
func specimen(t testing.TB) (msg, sidecar []byte) {
	it := mail("specimen", pid.NameKeywords, []string{"one", "two"}, mapi.NamedKey(mapi.PropName{Set: propSet, LID: 1}, mapi.TypeBinary), []byte("named"),
		pid.TagBody, strings.Repeat("text ", 1000), mapi.Tag(0x6A0000FD), mapi.Opaque("restriction"))
	it.Recipients = []mapi.Props{props(pid.TagDisplayName, "Ada", pid.TagRecipientType, int32(1)), props(pid.TagDisplayName, "Björn")}
	it.Attachments = []*mapi.Attachment{
		{Props: props(pid.TagAttachMethod, int32(1), pid.TagAttachDataBinary, bytes.Repeat([]byte("data"), 2000))},
		{Props: props(pid.TagAttachMethod, int32(5)), Embedded: mail("inner", pid.TagBody, "inner text")},
		{Props: props(pid.TagAttachMethod, int32(6), pid.TagAttachDataObject, mapi.Object(canonical(t, compoundFile(t, "x"))))},
	}
	return write(t, it)
}

func TestTruncatedFilesAreNoticed(t *testing.T) {
	msg, sidecar := specimen(t)
	if _, reported, err := tolerant(t, msg, sidecar); err != nil || len(reported) > 0 {
		t.Fatal(err, reported)
	}
	for n := 0; n < len(msg); n += 37 {
		_, reported, err := tolerant(t, msg[:n], nil)
		// Only the padding of the last sector isn't missed.
		if err == nil && len(reported) == 0 && n < len(msg)-512 {
			t.Errorf("cut to %d of %d bytes: nothing is reported", n, len(msg))
		}
	}
}

func TestDamagedBytes(t *testing.T) {
	msg, sidecar := specimen(t)
	step := 3
	if testing.Short() {
		step = 17
	}
	for i := 0; i < len(msg); i += step {
		bad := bytes.Clone(msg)
		bad[i] ^= 0xFF
		tolerant(t, bad, nil)
	}
	for i := range sidecar {
		bad := bytes.Clone(sidecar)
		bad[i] ^= 0xFF
		tolerant(t, msg, bad)
	}
}

// TestOneLossLeavesTheRest takes streams out of a file and reads the rest.
func TestOneLossLeavesTheRest(t *testing.T) {
	it := mail("subject", pid.TagBody, "body", pid.NameKeywords, []string{"one", "two"})
	it.Recipients = []mapi.Props{props(pid.TagDisplayName, "Ada", pid.TagEmailAddress, "ada@example.com"), props(pid.TagDisplayName, "Björn")}
	it.Attachments = []*mapi.Attachment{{Props: props(pid.TagAttachLongFilename, "file", pid.TagAttachDataBinary, []byte("data"))}}
	msg, _ := write(t, it)
	for _, c := range []struct {
		take  string
		where string
		left  func(*mapi.Item) // what must be missing then
	}{
		{"__substg1.0_1000001F", "__substg1.0_1000001F", func(it *mapi.Item) { it.Props.Delete(mapi.TagKey(pid.TagBody)) }},
		{"__substg1.0_8000101F-00000001", "__substg1.0_8000101F", func(it *mapi.Item) { it.Props.Delete(pid.NameKeywords) }},
		{"__nameid_version1.0", "__substg1.0_8000101F", func(it *mapi.Item) { it.Props.Delete(pid.NameKeywords) }},
		{"__recip_version1.0_#00000001", "", func(it *mapi.Item) { it.Recipients = it.Recipients[:1] }},
		{"__attach_version1.0_#00000000/__substg1.0_37010102", "__attach_version1.0_#00000000/__substg1.0_37010102",
			func(it *mapi.Item) { it.Attachments[0].Props.Delete(mapi.TagKey(pid.TagAttachDataBinary)) }},
		{"__recip_version1.0_#00000000/__properties_version1.0", "__recip_version1.0_#00000000", func(*mapi.Item) {}},
	} {
		t.Run(c.take, func(t *testing.T) {
			damaged := without(t, msg, c.take)
			if _, err := msgfile.Open(bytes.NewReader(damaged), int64(len(damaged))); !errors.Is(err, mapi.ErrCorruptData) {
				t.Errorf("the strict reading says %v", err)
			}
			var reported []*mapi.Error
			o := msgfile.Options{Report: func(e *mapi.Error) { reported = append(reported, e) }}
			got, err := o.Open(bytes.NewReader(damaged), int64(len(damaged)))
			if err != nil || len(reported) == 0 || reported[0].Object != c.where {
				t.Fatalf("%v, reported %v, want something about %q", err, reported, c.where)
			}
			want := read(t, msg, nil)
			c.left(want)
			if d := storetest.DiffItems(want, got); d != "" {
				t.Errorf("what is left differs:\n%s", d)
			}
		})
	}
}

// without is a file without one of its streams or storages.
func without(t *testing.T, msg []byte, path string) []byte {
	t.Helper()
	f, err := cfb.Open(bytes.NewReader(msg), int64(len(msg)))
	if err != nil {
		t.Fatal(err)
	}
	var copied func(s *cfb.Storage, at string) *cfb.Node
	copied = func(s *cfb.Storage, at string) *cfb.Node {
		n := &cfb.Node{Name: s.Name, CLSID: s.CLSID}
		entries, err := s.Entries()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			switch {
			case at+e.Name == path:
			case e.Storage != nil:
				n.Children = append(n.Children, copied(e.Storage, at+e.Name+"/"))
			default:
				b, err := e.Stream.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				n.Children = append(n.Children, cfb.Bytes(e.Name, b))
			}
		}
		return n
	}
	var b bytes.Buffer
	if err := cfb.Write(&b, copied(f.Root, "")); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// brokenDisk fails to read from an offset on.
type brokenDisk struct {
	io.ReaderAt
	from int64
}

var errDisk = errors.New("the disk is broken")

func (b brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, off)
}

// TestBrokenDisk tells a disk that fails from a file that is damaged: it isn't tolerated, and it isn't the file's fault.
func TestBrokenDisk(t *testing.T) {
	msg, _ := specimen(t)
	for from := int64(0); from < int64(len(msg)); from += 512 {
		o := msgfile.Options{Report: func(e *mapi.Error) { t.Errorf("reported: %v", e) }}
		err := o.Read(brokenDisk{bytes.NewReader(msg), from}, int64(len(msg)), &counter{})
		if !errors.Is(err, errDisk) || errors.Is(err, mapi.ErrCorruptData) {
			t.Errorf("broken from %d on: %v", from, err)
		}
	}
}

// TestHostileFiles are small and claim much.
func TestHostileFiles(t *testing.T) {
	entry := func(tag uint32, value ...byte) []byte {
		b := make([]byte, 16)
		b[0], b[1], b[2], b[3] = byte(tag), byte(tag>>8), byte(tag>>16), byte(tag>>24)
		copy(b[8:], value)
		return b
	}
	big := bytes.Repeat([]byte("x"), 1<<20)
	for name, root := range map[string]*cfb.Node{
		"one stream in many entries": {Children: []*cfb.Node{
			cfb.Bytes("__properties_version1.0", append(make([]byte, 32), bytes.Repeat(entry(0x1000001E), 100_000)...)),
			cfb.Bytes("__substg1.0_1000001E", big),
		}},
		"sizes without values": {Children: []*cfb.Node{
			cfb.Bytes("__properties_version1.0", append(make([]byte, 32), entry(0x6A00101F)...)),
			cfb.Bytes("__substg1.0_6A00101F", make([]byte, 1<<20)),
		}},
		"counts without children": {Children: []*cfb.Node{
			cfb.Bytes("__properties_version1.0", bytes.Repeat([]byte{0xFF}, 32)),
		}},
		"many ids with one name": {Children: []*cfb.Node{
			cfb.Bytes("__properties_version1.0", append(make([]byte, 32), append(entry(0x80000102), entry(0x80010102)...)...)),
			cfb.Bytes("__substg1.0_80000102", big), cfb.Bytes("__substg1.0_80010102", big),
			{Name: "__nameid_version1.0", Children: []*cfb.Node{
				cfb.Bytes("__substg1.0_00020102", make([]byte, 16)), cfb.Bytes("__substg1.0_00040102", nil),
				cfb.Bytes("__substg1.0_00030102", []byte("\x01\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x06\x00\x01\x00")),
			}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := cfb.Write(&b, root); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			tolerant(t, b.Bytes(), nil)
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 400<<20 || time.Since(start) > 20*time.Second {
				t.Errorf("%d MB were used in %v", used>>20, time.Since(start))
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	msg, sidecar := specimen(f)
	f.Add(msg, sidecar)
	f.Add(msg, []byte(nil))
	files, _ := filepath.Glob(filepath.Join(vectors.Data(f), "msg", "poi", "*.msg"))
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil && len(b) < 20<<10 {
			f.Add(b, []byte(nil))
		}
	}
	f.Fuzz(func(t *testing.T, msg, sidecar []byte) { tolerant(t, msg, sidecar) })
}
