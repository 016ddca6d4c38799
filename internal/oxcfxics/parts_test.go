package oxcfxics_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// copyParts reads a stream object by object and writes it again.
func copyParts(stream []byte, root oxcfxics.Root, opt *oxcfxics.Options) ([]byte, error) {
	var out bytes.Buffer
	w := oxcfxics.NewPartWriter(oxcfxics.NewWriter(oxcfxics.Plain(&out), opt), root)
	for part, err := range oxcfxics.Parts(oxcfxics.NewReader(bytes.NewReader(stream)), root) {
		if err != nil {
			return nil, err
		}
		m, ok := part.(*oxcfxics.Message)
		if !ok {
			if err := w.Write(part); err != nil {
				return nil, err
			}
			continue
		}
		c, err := w.Message(m)
		if err != nil {
			return nil, err
		}
		if err := m.Content(c); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

// guidSets and replSets are properties that hold sets of ids: the same set has many forms.
var (
	guidSets = map[mapi.Tag]bool{pid.MetaTagIdsetGiven: true, pid.MetaTagCnsetSeen: true, pid.MetaTagCnsetSeenFAI: true, pid.MetaTagCnsetRead: true}
	replSets = map[mapi.Tag]bool{pid.MetaTagIdsetDeleted: true, pid.MetaTagIdsetNoLongerInScope: true, pid.MetaTagIdsetExpired: true,
		pid.MetaTagIdsetRead: true, pid.MetaTagIdsetUnread: true}
)

// compareStreams demands the same elements in both, and the same ids in sets of them.
func compareStreams(t *testing.T, got, want []byte) {
	t.Helper()
	g, w := oxcfxics.NewReader(bytes.NewReader(got)), oxcfxics.NewReader(bytes.NewReader(want))
	for {
		a, errA := g.Next()
		b, errB := w.Next()
		if errA == io.EOF && errB == io.EOF {
			return
		}
		if errA != nil || errB != nil {
			t.Fatalf("written: %v; recorded: %v", errA, errB)
		}
		switch {
		case a.Marker != b.Marker || a.Tag != b.Tag || a.Name != b.Name:
			t.Fatalf("at 0x%x written %v %v %v, recorded %v %v %v", b.Offset, a.Marker, a.Tag, a.Name, b.Marker, b.Tag, b.Name)
		case fmt.Sprintf("%#v", a.Value) == fmt.Sprintf("%#v", b.Value): // not DeepEqual: NaN is a value too
		case guidSets[a.Tag]:
			x, err1 := oxcfxics.DecodeGUIDSet(a.Value.([]byte))
			y, err2 := oxcfxics.DecodeGUIDSet(b.Value.([]byte))
			if err1 != nil || err2 != nil || !x.Equal(y) {
				t.Errorf("%v: written %x (%v), recorded %x (%v)", a.Tag, a.Value, err1, b.Value, err2)
			}
		case replSets[a.Tag]:
			x, err1 := oxcfxics.DecodeReplIDSet(a.Value.([]byte))
			y, err2 := oxcfxics.DecodeReplIDSet(b.Value.([]byte))
			if err1 != nil || err2 != nil || !x.Equal(y) {
				t.Errorf("%v: written %x (%v), recorded %x (%v)", a.Tag, a.Value, err1, b.Value, err2)
			}
		default:
			t.Errorf("%v: written %v, recorded %v", a.Tag, a.Value, b.Value)
		}
	}
}

func TestVectorsParts(t *testing.T) {
	for _, r := range recordings(t) {
		root := oxcfxics.RootMessage
		if r.ID != "fasttransfer-0094" && r.ID != "fasttransfer-0002" { // uploads of garbage
			root = r.root(t)
		}
		if root == oxcfxics.RootMessage || root == oxcfxics.RootAttachment {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			got, err := copyParts(r.data, root, r.options(t))
			if err != nil {
				t.Fatal(err)
			}
			compareStreams(t, got, r.data)
		})
	}
}

// The constructed vectors are pieces of a synchronization; what a whole one needs is put around them.
func TestVectorsChanges(t *testing.T) {
	end := vectors.Hex(t, "03003a40 03003b40 03001440") // an empty state, IncrSyncEnd
	for _, v := range vectors.Load(t, "oxcfxics.json") {
		root := oxcfxics.RootHierarchy
		tail := end
		switch v.ID {
		case "constructed-fts-folderchange", "fts-openspec-blog":
		case "constructed-fts-messagechangefull":
			root = oxcfxics.RootContents
		case "constructed-fts-state-idsetgiven-int32":
			root, tail = oxcfxics.RootState, nil
		default:
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			stream := append(v.Bytes(t), tail...)
			got, err := copyParts(stream, root, nil)
			if err != nil {
				t.Fatal(err)
			}
			compareStreams(t, got, stream)
		})
	}
}
