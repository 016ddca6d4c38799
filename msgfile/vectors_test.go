package msgfile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

func TestVectors(t *testing.T) {
	for _, v := range vectors.Load(t, "oxmsg.json") {
		t.Run(v.ID, func(t *testing.T) {
			check, ok := map[string]func(*testing.T, vectors.Vector){
				"msg-mv": checkSizes, "msg-nameid": checkNames, "msg-properties": checkProperties,
			}[v.Kind]
			if !ok {
				t.Fatalf("nothing checks %q", v.Kind)
			}
			check(t, v)
		})
	}
}

func decoded(t *testing.T, v vectors.Vector, into any) {
	t.Helper()
	if err := json.Unmarshal(v.Decoded, into); err != nil {
		t.Fatal(err)
	}
}

// checkSizes encodes a list of strings.
func checkSizes(t *testing.T, v vectors.Vector) {
	var d struct{ Values []string }
	decoded(t, v, &d)
	p := planner{}
	_, nodes := p.encode(fileProp{Prop: mapi.Prop{Key: mapi.TagKey(0x6A00101F), Value: d.Values}})
	if got := bytesOf(t, nodes[0]); !bytes.Equal(got, v.Bytes(t)) {
		t.Errorf("the sizes of %q are %x, want %s", d.Values, got, v.Hex)
	}
}

func bytesOf(t *testing.T, n *cfb.Node) []byte {
	t.Helper()
	r, err := n.Open()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkProperties decodes a property stream and encodes it again.
func checkProperties(t *testing.T, v vectors.Vector) {
	var d struct {
		NextRecipientID, NextAttachmentID, RecipientCount, AttachmentCount uint32
		Entries                                                            []struct {
			Tag            string
			Flags          uint32
			Size, Reserved *uint32
			Value          *uint32
			ValueHex       string `json:"value_hex"`
		}
	}
	decoded(t, v, &d)
	r := reader{}
	list, head, err := r.propertyStream(streamOf(t, v.Bytes(t)), topHeader)
	if err != nil {
		t.Fatal(err)
	}
	var h header
	decodeFixed(head, &h)
	if h != (header{NextRecipient: d.NextRecipientID, NextAttachment: d.NextAttachmentID, RecipientCount: d.RecipientCount, AttachmentCount: d.AttachmentCount}) {
		t.Errorf("header %+v, want %+v", h, d)
	}
	again := head
	if len(list) != len(d.Entries) {
		t.Fatalf("%d entries, want %d", len(list), len(d.Entries))
	}
	for i, e := range list {
		want := d.Entries[i]
		tag, err := strconv.ParseUint(want.Tag, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		ok := uint64(e.Tag) == tag && e.Flags == want.Flags
		switch {
		case want.ValueHex != "":
			ok = ok && bytes.Equal(e.Value[:], vectors.Hex(t, want.ValueHex))
		case want.Value != nil:
			ok = ok && e.size() == *want.Value
		default:
			ok = ok && e.size() == *want.Size && e.reserved() == *want.Reserved
		}
		if !ok {
			t.Errorf("entry %d is %+v, want %+v", i, e, want)
		}
		again = appendFixed(again, e)
	}
	if !bytes.Equal(again, v.Bytes(t)) {
		t.Error("it is encoded otherwise")
	}
}

// streamOf makes bytes a stream of a compound file.
func streamOf(t *testing.T, b []byte) *cfb.Stream {
	t.Helper()
	st, err := storageWith(t, cfb.Bytes("stream", b)).Stream("stream")
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// storageWith writes a compound file and gives its root.
func storageWith(t *testing.T, nodes ...*cfb.Node) *cfb.Storage {
	t.Helper()
	var b bytes.Buffer
	if err := cfb.Write(&b, &cfb.Node{Children: nodes}); err != nil {
		t.Fatal(err)
	}
	f, err := cfb.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f.Root
}

// checkNames decodes a named property mapping and encodes it again.
func checkNames(t *testing.T, v vectors.Vector) {
	var d struct {
		GUIDs   string `json:"guid_stream_hex"`
		Strings string `json:"string_stream_hex"`
		Entries []struct {
			ID   string `json:"property_id"`
			GUID string
			LID  string
			Name string
		}
	}
	decoded(t, v, &d)
	r := reader{}
	names, err := r.readNames(storageWith(t, &cfb.Node{Name: nameidName, Children: []*cfb.Node{
		cfb.Bytes(valueName(guidStream), vectors.Hex(t, d.GUIDs)),
		cfb.Bytes(valueName(entryStream), v.Bytes(t)),
		cfb.Bytes(valueName(stringStream), vectors.Hex(t, d.Strings)),
	}}))
	if err != nil {
		t.Fatal(err)
	}
	var list []mapi.PropName
	for _, e := range d.Entries {
		id, err := strconv.ParseUint(e.ID, 0, 16)
		if err != nil {
			t.Fatal(err)
		}
		want := mapi.PropName{Set: mapi.PSPublicStrings, Name: e.Name}
		if e.GUID != "PS_PUBLIC_STRINGS" {
			want.Set = mapi.MustGUID(e.GUID)
		}
		if e.LID != "" {
			lid, err := strconv.ParseUint(e.LID, 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			want.LID = uint32(lid)
		}
		if got := names[uint16(id)]; got != want {
			t.Errorf("%s is %v, want %v", e.ID, got, want)
		}
		list = append(list, want)
	}
	if got := bytesOf(t, nameidStorage(list).Children[1]); !bytes.Equal(got, v.Bytes(t)) {
		t.Errorf("encoded as %x, want %s", got, v.Hex)
	}
}

// TestNameStorageOfSamples encodes the names of each sample file anew: entries, strings and hash streams must be byte for byte
// those that Outlook wrote.
func TestNameStorageOfSamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Data(t), "msg", "*", "*.msg"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := cfb.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		r := reader{}
		names, err := r.readNames(f.Root)
		s, missing := f.Root.Storage(nameidName)
		if err != nil || missing != nil {
			continue // a fuzzer's file, or one without names
		}
		compared++
		var list []mapi.PropName
		for i := range len(names) {
			list = append(list, names[uint16(firstName+i)])
		}
		for _, n := range nameidStorage(list).Children {
			st, err := s.Stream(n.Name)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			want, err := st.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(file) == "MapiTask.msg" {
				want = bytes.TrimSuffix(want, make([]byte, 4)) // Aspose pads the last string too
			}
			if got := bytesOf(t, n); !bytes.Equal(got, want) {
				t.Errorf("%s: %s is %x, want %x", filepath.Base(file), n.Name, got, want)
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d files were compared", compared)
	}
}
