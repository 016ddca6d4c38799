package oxcfxics_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// recording is a recorded FastTransfer or synchronization stream.
type recording struct {
	ID        string
	Direction string
	Rop       string
	Complete  bool
	Parts     []int
	Stream    string
	Config    struct {
		SendOptions     oxcfxics.SendOptions `json:"send_options"`
		SyncType        int                  `json:"sync_type"`
		SourceOperation int                  `json:"source_operation"`
	}

	data []byte
}

func recordings(t testing.TB) []*recording {
	var list []*recording
	vectors.Recorded(t, "fasttransfer.jsonl.gz", func(line []byte) {
		var r recording
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		r.data = vectors.Hex(t, r.Stream)
		list = append(list, &r)
	})
	return list
}

// copyElements reads all elements and writes them again.
func copyElements(stream []byte) ([]byte, error) {
	var out bytes.Buffer
	r := oxcfxics.NewReader(bytes.NewReader(stream))
	w := oxcfxics.NewWriter(oxcfxics.Plain(&out), nil)
	for {
		e, err := r.Next()
		if err == io.EOF {
			return out.Bytes(), nil
		}
		if err != nil {
			return out.Bytes(), err
		}
		if err := w.Element(e); err != nil {
			return out.Bytes(), err
		}
	}
}

func TestVectorsElements(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.ID, func(t *testing.T) {
			got, err := copyElements(r.data)
			if r.ID == "fasttransfer-0094" { // garbage on purpose
				if mapi.CodeOf(err) != mapi.ErrFormat {
					t.Errorf("garbage gives %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, r.data) {
				t.Errorf("came back different\n got %x\nwant %x", got, r.data)
			}
		})
	}
	for _, v := range vectors.Load(t, "oxcfxics.json") {
		if v.Kind != "fasttransfer" && v.Kind != "fasttransfer-special" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			got, err := copyElements(v.Bytes(t))
			if err != nil || !bytes.Equal(got, v.Bytes(t)) {
				t.Errorf("%v\n got %x\nwant %x", err, got, v.Bytes(t))
			}
		})
	}
}
