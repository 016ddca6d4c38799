package evidence

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// elements reads a stream element by element and writes it again; it counts where that gives the same bytes.
func elements(stream []byte, in map[string]bool) bool {
	var out bytes.Buffer
	seen := map[string]bool{}
	r, w := oxcfxics.NewReader(bytes.NewReader(stream)), oxcfxics.NewWriter(oxcfxics.Plain(&out), nil)
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return false
		}
		if e.Marker != 0 {
			seen["marker "+e.Marker.String()] = true
		} else {
			if name := pid.Name(mapi.TagKey(e.Tag)); name != "" {
				seen[name] = true
			}
			ty := e.Key().Type()
			if e.Value != nil { // MetaTagIdsetGiven isn't what its type says
				ty = typeOf(e.Value)
			}
			seen[valueName(ty, fastTransfer)] = true
			if e.Key().Named() {
				seen["mapi.PropName"] = true
			}
		}
		if err := w.Element(e); err != nil {
			return false
		}
	}
	if !bytes.Equal(out.Bytes(), stream) {
		return false
	}
	for name := range seen {
		in[name] = true
	}
	return true
}

// streams reads the recorded streams: their elements and, where they hold more than one item, the parts they are made of.
func streams(t *testing.T, found func(record string, structures map[string]bool)) {
	vectors.Recorded(t, "fasttransfer.jsonl.gz", func(line []byte) {
		var r struct {
			ID, Rop, Stream string
			Config          struct {
				SyncType int `json:"sync_type"`
			}
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		stream, in := vectors.Hex(t, r.Stream), map[string]bool{}
		elements(stream, in)
		roots := map[string]oxcfxics.Root{"FastTransferSourceCopyMessages": oxcfxics.RootMessageList,
			"FastTransferSourceCopyFolder": oxcfxics.RootTopFolder, "SynchronizationGetTransferState": oxcfxics.RootState,
			"SynchronizationConfigure": oxcfxics.RootHierarchy}
		if root, ok := roots[r.Rop]; ok {
			if r.Rop == "SynchronizationConfigure" && r.Config.SyncType == 1 {
				root = oxcfxics.RootContents
			}
			parts(t, r.ID, stream, root, in)
		}
		found(r.ID, in)
	})
}

// parts reads a stream as a whole. That what it means is written again the same is tested in package oxcfxics.
func parts(t *testing.T, record string, stream []byte, root oxcfxics.Root, in map[string]bool) {
	for part, err := range oxcfxics.Parts(oxcfxics.NewReader(bytes.NewReader(stream)), root) {
		if err != nil {
			t.Errorf("%s: %v", record, err)
			return
		}
		if _, message := part.(*oxcfxics.Message); message {
			in["oxcfxics.Message"] = true
			continue
		}
		reach(reflect.ValueOf(part), fastTransfer, in)
	}
}

func streamVectors(t *testing.T, found func(id string, structures map[string]bool)) {
	for _, v := range vectors.Load(t, "oxcfxics.json") {
		in := map[string]bool{}
		if (v.Kind == "fasttransfer" || v.Kind == "fasttransfer-special") && !elements(v.Bytes(t), in) {
			t.Errorf("%s: does not come back as it was", v.ID)
		}
		found(v.ID, in)
	}
}
