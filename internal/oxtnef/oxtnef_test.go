package oxtnef

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxrtfcp"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func value(t *testing.T, v mapi.Value) []byte {
	t.Helper()
	b, ok := v.(mapi.Blob)
	if !ok {
		data, _ := mapi.ValueBytes(v)
		return data
	}
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil || int64(len(data)) != b.Size() {
		t.Fatalf("a blob of %d bytes says that it has %d, %v", len(data), b.Size(), err)
	}
	return data
}

func TestVectors(t *testing.T) {
	for _, v := range vectors.Load(t, "oxtnef.json") {
		t.Run(v.ID, func(t *testing.T) {
			it, err := Options{}.Open(mapi.MemBlob(v.Bytes(t)))
			if v.Kind == "tnef-invalid" {
				if !errors.Is(err, mapi.ErrCorruptData) {
					t.Errorf("got %v, want %v", err, mapi.ErrCorruptData)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			type prop struct {
				Tag, PropSet, LID, Name string
				Values                  []any
			}
			var want struct {
				AttMsgProps   []prop
				AttRecipTable [][]prop
				Subject       string
				AttDateSent   string
			}
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			check := func(list mapi.Props, p prop) {
				t.Helper()
				for _, got := range list {
					id := fmt.Sprintf("0x%04x", got.Key.Tag.ID())
					set := ""
					if got.Key.Named() {
						set = got.Key.Name.Set.String()
						id = fmt.Sprintf("0x%08x", got.Key.Name.LID)
					}
					if set != p.PropSet || p.PropSet == "" && id != p.Tag[:6] || p.LID != "" && id != p.LID || p.Name != got.Key.Name.Name {
						continue
					}
					g := fmt.Sprint(got.Value)
					if b, ok := got.Value.([]byte); ok {
						g = hex.EncodeToString(b)
					}
					if w := fmt.Sprint(p.Values); w != "["+g+"]" && w != g {
						t.Errorf("%s %s%s: got %s, want %s", p.Tag, p.LID, p.Name, g, w)
					}
					return
				}
				t.Errorf("%+v is missing in %v", p, list)
			}
			for _, p := range want.AttMsgProps {
				check(it.Props, p)
			}
			if len(it.Recipients) != len(want.AttRecipTable) {
				t.Fatalf("%d recipients", len(it.Recipients))
			}
			for i, r := range want.AttRecipTable {
				for _, p := range r {
					check(it.Recipients[i], p)
				}
			}
			if s := it.Props.Text(pid.TagSubject); s != want.Subject && want.Subject != "" {
				t.Errorf("subject %q, want %q", s, want.Subject)
			}
			if d, ok := it.Props.Tag(pid.TagClientSubmitTime).(mapi.FileTime); want.AttDateSent != "" && (!ok || !strings.HasPrefix(want.AttDateSent, d.Time().Format("2006-01-02T15:04:05"))) {
				t.Errorf("sent %v, want %s", d, want.AttDateSent)
			}
		})
	}
}

// truth is what independent tools took out of a file.
type truth struct {
	Tools map[string]struct {
		Files []struct{ Name, Sha256 string }
	}
}

// unnamed are names that the tools give to what has none.
var unnamed = []string{"Untitled Attachment", "Untitled Attachment.1", "tnef-tmp", "OLE Package"}

// Every file that tnef or ytnef take out is there, with its name, and so are the bodies.
func TestFiles(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "tnef", "*", "*.truth.json"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	for _, name := range list {
		name = strings.TrimSuffix(name, ".truth.json")
		short := filepath.Base(filepath.Dir(name)) + "/" + filepath.Base(name)
		t.Run(short, func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			it, err := Options{Damage: func(e *mapi.Error) error { t.Log(e); return nil }}.Open(mapi.MemBlob(b))
			if err != nil {
				t.Fatal(err)
			}
			j, err := os.ReadFile(name + ".truth.json")
			if err != nil {
				t.Fatal(err)
			}
			var tr truth
			if err := json.Unmarshal(j, &tr); err != nil {
				t.Fatal(err)
			}
			found := map[string][]string{}
			collect(t, it, found)
			for tool, files := range tr.Tools {
				for _, f := range files.Files {
					ext := filepath.Ext(f.Name)
					if ext == ".ics" || ext == ".vcf" || tool[0] == 'y' && ext == ".rtf" {
						continue // made by the tool, or with its own line ends
					}
					if short == "horde/tnef_vnote.tnef" && f.Name == unnamed[0] {
						continue // a message, which the tool gives as TNEF
					}
					if !slices.Contains(found[f.Sha256], f.Name) && !slices.Contains(unnamed, f.Name) || found[f.Sha256] == nil {
						t.Errorf("%s: %s is missing; there are %v", tool, f.Name, found)
					}
				}
			}
		})
	}
}

var iidStorage = mapi.MustGUID("0000000B-0000-0000-C000-000000000046")

// collect finds files and bodies with their hashes.
func collect(t *testing.T, it *mapi.Item, found map[string][]string) {
	add := func(name string, b []byte) {
		h := sha256.Sum256(b)
		id := hex.EncodeToString(h[:])
		found[id] = append(found[id], name)
	}
	if v := it.Props.Tag(pid.TagRtfCompressed); v != nil {
		rtf, err := oxrtfcp.Decompress(value(t, v), 1<<24)
		if err != nil {
			t.Error(err)
		}
		add("BODY.rtf", rtf)
	}
	if v := it.Props.Tag(pid.TagHtml); v != nil {
		add("BODY.html", value(t, v))
	}
	if s := it.Props.Text(pid.TagBody); s != "" {
		add("BODY.txt", []byte(s))
	}
	for _, p := range it.Props {
		if p.Key.Tag.ID() == 0x1013 && p.Key.Type() == mapi.TypeString {
			add("BODY.html", []byte(p.Value.(string)))
		}
	}
	for _, a := range it.Attachments {
		if a.Embedded != nil {
			collect(t, a.Embedded, found)
			continue
		}
		name := a.Props.Text(pid.TagAttachLongFilename)
		if v := a.Props.Tag(pid.TagAttachDataBinary); v != nil {
			add(name, value(t, v))
		}
		if v := a.Props.Tag(pid.TagAttachDataObject); v != nil { // the tools leave the id of its interface in front
			add(name, append(iidStorage[:len(iidStorage):len(iidStorage)], value(t, v)...))
		}
	}
}

// attribute is one of a stream.
func attribute(level byte, id uint32, data []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{level}, id)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	var sum uint16
	for _, c := range data {
		sum += uint16(c)
	}
	return binary.LittleEndian.AppendUint16(append(b, data...), sum)
}

// nested is a message in a message, n deep.
func nested(n int) []byte {
	b := []byte("\x78\x9f\x3e\x22\x01\x00")
	b = append(b, attribute(ofMessage, attSubject, fmt.Appendf(nil, "level %d\x00", n))...)
	if n == 0 {
		return b
	}
	inner := append(append([]byte{}, iidMessage[:]...), nested(n-1)...)
	p := binary.LittleEndian.AppendUint32([]byte{1, 0, 0, 0, 0x0D, 0, 0x01, 0x37, 1, 0, 0, 0}, uint32(len(inner)))
	p = append(append(p, inner...), make([]byte, -len(inner)&3)...)
	b = append(b, attribute(ofAttachment, attAttachRendData, make([]byte, 14))...)
	return append(b, attribute(ofAttachment, attAttachment, p)...)
}

func TestMessagesInMessages(t *testing.T) {
	it, err := Options{}.Open(mapi.MemBlob(nested(3)))
	if err != nil {
		t.Fatal(err)
	}
	for n := 3; ; n-- {
		if s := it.Props.Text(pid.TagSubject); s != fmt.Sprintf("level %d", n) {
			t.Errorf("got %q at level %d", s, n)
		}
		if n == 0 {
			break
		}
		it = it.Attachments[0].Embedded
	}
	if _, err := (Options{}).Open(mapi.MemBlob(nested(mapi.MaxDepth + 2))); !errors.Is(err, mapi.ErrTooComplex) {
		t.Errorf("too deep: %v", err)
	}
}

// A cut stream is never taken for a whole one, unless the cut is between attributes.
func TestCutShort(t *testing.T) {
	whole := nested(2)
	for n := range whole {
		it, err := Options{}.Open(mapi.MemBlob(whole[:n]))
		if err == nil && len(it.Attachments) > 0 && it.Attachments[0].Embedded != nil {
			t.Errorf("cut at %d of %d: %v", n, len(whole), it)
		}
		if err != nil && !errors.Is(err, mapi.ErrCorruptData) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// streamed is a stream that is made while it is read.
type streamed struct {
	head []byte
	size int64
	tail []byte
}

func (s streamed) Size() int64 { return int64(len(s.head)) + s.size + int64(len(s.tail)) }

func (s streamed) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(s.head), io.LimitReader(zeros{}, s.size), bytes.NewReader(s.tail))), nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Large attachments aren't held in memory.
func TestLargeAttachment(t *testing.T) {
	const size = 40 << 20
	head := append([]byte("\x78\x9f\x3e\x22\x01\x00"), attribute(ofAttachment, attAttachRendData, make([]byte, 14))...)
	data := attribute(ofAttachment, attAttachData, make([]byte, 0))
	binary.LittleEndian.PutUint32(data[5:], size)
	s := streamed{append(head, data[:9]...), size, data[9:]}
	allocated := testing.AllocsPerRun(1, func() {
		it, err := Options{}.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		if b := it.Attachments[0].Props.Tag(pid.TagAttachDataBinary).(mapi.Blob); b.Size() != size {
			t.Errorf("%d bytes", b.Size())
		}
	})
	if allocated > 10000 {
		t.Errorf("%v allocations", allocated)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(nested(2))
	for _, v := range vectors.Load(f, "oxtnef.json") {
		b, err := hex.DecodeString(v.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := Options{Damage: func(*mapi.Error) error { return nil }}.Open(mapi.MemBlob(b))
		if err != nil {
			return
		}
		for _, p := range it.Props {
			if err := mapi.CheckValue(p.Key.Type(), p.Value); err != nil {
				t.Error(err)
			}
		}
	})
}
