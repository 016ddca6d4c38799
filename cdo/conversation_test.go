package cdo

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// Each level of the recorded indexes is made again from what stands before it and the time that it tells.
func TestConversationIndexVectors(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(vectors.Dir(t), "oxomsg.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		ID, Kind, Hex string
		Decoded       struct {
			Index map[string]json.RawMessage `json:"Conversation_Index"`
		}
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, v := range list {
		if v.Kind != "mfcmapi-conversationindex" {
			continue
		}
		count++
		t.Run(v.ID, func(t *testing.T) {
			index, err := hex.DecodeString(v.Hex)
			if err != nil {
				t.Fatal(err)
			}
			// The tool shows the low word of the time without its place.
			var header struct{ LowDateTime, HighDateTime int64 }
			if err := json.Unmarshal(v.Decoded.Index["Current_FILETIME"], &header); err != nil {
				t.Fatal(err)
			}
			began := mapi.FileTime(header.HighDateTime<<32 | header.LowDateTime<<16)
			for i := 0; conversationHeader+i*conversationLevel < len(index); i++ {
				var level struct {
					DeltaCode int
					Time      struct{ TimeDelta int64 }
				}
				if err := json.Unmarshal(v.Decoded.Index[fmt.Sprintf("ResponseLevel[%d]", i)], &level); err != nil {
					t.Fatal(err)
				}
				parent := index[:conversationHeader+i*conversationLevel]
				const half = 1 << 17 // of a step
				got, err := replyConversation(parent, (began + mapi.FileTime(level.Time.TimeDelta<<18+half)).Time())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasPrefix(got, parent) || len(got) != len(parent)+conversationLevel || got[len(got)-1]&0xF != 0 {
					t.Fatalf("a reply to %x is %x", parent, got)
				}
				if level.DeltaCode == 1 { // made by hand for the decoder: far too early for the long step
					continue
				}
				if want := index[len(parent) : len(parent)+4]; !bytes.Equal(got[len(parent):len(parent)+4], want) {
					t.Errorf("level %d is %x, want %x", i, got[len(parent):], want)
				}
			}
		})
	}
	if count < 3 {
		t.Errorf("%d recorded indexes", count)
	}
}

// [MS-OXOMSG] 2.2.1.3: the header says when the thread began; from 1.7 years on the steps are longer.
func TestConversationIndex(t *testing.T) {
	began := time.Date(2024, 3, 14, 9, 26, 53, 0, time.UTC)
	first := newConversation(began)
	if len(first) != 22 || first[0] != 1 || bytes.Equal(first[6:], newConversation(began)[6:]) {
		t.Fatalf("a new index is %x", first)
	}
	for after, long := range map[time.Duration]bool{0: false, -time.Hour: false, 600 * 24 * time.Hour: false, 700 * 24 * time.Hour: true} {
		reply, err := replyConversation(first, began.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		if got := reply[22]&0x80 != 0; got != long {
			t.Errorf("after %v: %x", after, reply[22:])
		}
	}
	for _, bad := range [][]byte{nil, first[:21], append(bytes.Clone(first), 1), append(bytes.Clone(first), make([]byte, 5*255)...)} {
		if _, err := replyConversation(bad, began); err == nil {
			t.Errorf("%d bytes are taken for an index", len(bad))
		}
	}
}

func TestSubjectPrefix(t *testing.T) {
	for s, want := range map[string]string{
		"RE: x": "RE: ", "Antw: x": "", "FW: RE: x": "FW: ", "x": "", ": x": "", "1: x": "", "RE:x": "", "a:b: x": "", "Réf: x": "Réf: ", "": "", "AW: ": "AW: ",
	} {
		if got := subjectPrefix(s); got != want {
			t.Errorf("the prefix of %q is %q, want %q", s, got, want)
		}
	}
}

func FuzzFieldName(f *testing.F) {
	for _, s := range []string{"Name", "{0220060000000000C000000000000046}0x8208", "0x0037001E", "{", "0x"} {
		f.Add(s, "")
	}
	f.Add("0x8208", "0220060000000000C000000000000046")
	f.Fuzz(func(t *testing.T, name, propset string) {
		n, err := parseFieldName(name, propset, [16]byte{1})
		var coded interface{ Is(error) bool }
		switch {
		case err != nil && !errors.As(err, &coded):
			t.Errorf("%v has no code", err)
		case err == nil && n.name.IsZero() == (n.tag == 0):
			t.Errorf("%q, %q is %+v", name, propset, n)
		}
	})
}

func FuzzReplyConversation(f *testing.F) {
	f.Add(newConversation(time.Unix(1e9, 0)), int64(1.1e9))
	f.Fuzz(func(t *testing.T, parent []byte, now int64) {
		if b, err := replyConversation(parent, time.Unix(now%1e11, 0)); err == nil && (len(b) != len(parent)+5 || !bytes.HasPrefix(b, parent)) {
			t.Errorf("a reply to %x is %x", parent, b)
		}
	})
}

func FuzzProfileInfo(f *testing.F) {
	f.Add("server\nada")
	f.Add("/cn=Server\nx\nanon")
	f.Fuzz(func(t *testing.T, s string) {
		if info, err := parseProfileInfo(s); err == nil && info.Server == "" {
			t.Errorf("%q has no server", s)
		}
	})
}
