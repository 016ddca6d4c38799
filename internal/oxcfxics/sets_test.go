package oxcfxics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

func TestVectorsSets(t *testing.T) {
	for _, v := range vectors.Load(t, "oxcfxics.json") {
		if v.Kind != "idset" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			var want struct {
				Form string
				Sets []struct {
					Repl   string
					Ranges [][2]string
				}
			}
			if err := json.Unmarshal(v.Decoded, &want); err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, s := range want.Sets {
				for _, r := range s.Ranges {
					lines = append(lines, s.Repl+" "+r[0]+"-"+r[1])
				}
			}
			text, bytes, err := decodeSet(v.Bytes(t), want.Form == "REPLGUID")
			if err != nil || text != strings.Join(lines, "\n") {
				t.Fatalf("%v\n%s\nwant\n%s", err, text, strings.Join(lines, "\n"))
			}
			if len(bytes) > len(v.Bytes(t)) {
				t.Errorf("serialized to %x, longer than %x", bytes, v.Bytes(t))
			}
			again, _, err := decodeSet(bytes, want.Form == "REPLGUID")
			if err != nil || again != text {
				t.Errorf("%x is %v\n%s", bytes, err, again)
			}
		})
	}
}

// decodeSet gives a set as text, a line for each range, and in its own serialization.
func decodeSet(b []byte, guids bool) (string, []byte, error) {
	var lines []string
	add := func(replica string, ids oxcfxics.RangeSet) {
		for _, r := range ids {
			lines = append(lines, fmt.Sprintf("%s %012x-%012x", replica, r.Low, r.High))
		}
	}
	if guids {
		s, err := oxcfxics.DecodeGUIDSet(b)
		if err != nil {
			return "", nil, err
		}
		for g, ids := range s.All() {
			add(fmt.Sprintf("%x", g[:]), ids)
		}
		return strings.Join(lines, "\n"), s.Bytes(), nil
	}
	s, err := oxcfxics.DecodeReplIDSet(b)
	if err != nil {
		return "", nil, err
	}
	for r, ids := range s.All() {
		add(fmt.Sprintf("%04x", r), ids)
	}
	return strings.Join(lines, "\n"), s.Bytes(), nil
}

func TestMalformedSets(t *testing.T) {
	for name, s := range map[string]string{
		"replica cut short":         "01",
		"no end":                    "0100 06 000000000001",
		"empty globset without end": "0100",
		"push beyond six bytes":     "0100 04 00000000 03 000000 00",
		"push cut short":            "0100 04 0000",
		"pop from nothing":          "0100 50 00",
		"end inside a push":         "0100 01 00 00",
		"bitmask too shallow":       "0100 04 00000000 42 01 01 50 00",
		"bitmask beyond the byte":   "0100 05 0000000000 42 ff 01 50 00",
		"range downwards":           "0100 05 0000000000 52 02 01 50 00",
		"range cut short":           "0100 52 000000000001 0000",
		"unknown command":           "0100 43 00",
	} {
		_, err := oxcfxics.DecodeReplIDSet(vectors.Hex(t, s))
		var fe *oxcfxics.FormatError
		if !errors.As(err, &fe) || !errors.Is(err, mapi.ErrFormat) || !errors.Is(err, oxcdata.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRangeSet checks the operations against a table of booleans.
func TestRangeSet(t *testing.T) {
	const size = 64
	rnd := rand.New(rand.NewPCG(1, 2))
	var last oxcfxics.RangeSet
	for range 200 {
		var set oxcfxics.RangeSet
		var want [size]bool
		for range 30 {
			low := rnd.Uint64N(size)
			r := oxcfxics.Range{Low: low, High: min(low+rnd.Uint64N(6), size-1)}
			in := rnd.IntN(3) > 0
			if in {
				set.Insert(r)
			} else {
				set.Remove(r)
			}
			for c := r.Low; c <= r.High; c++ {
				want[c] = in
			}
			count := uint64(0)
			for c, in := range want {
				if set.Contains(uint64(c)) != in {
					t.Fatalf("after %v: %d in %v: want %v", r, c, set, in)
				}
				if in {
					count++
				}
			}
			if set.Count() != count || !set.Equal(oxcfxics.NewRangeSet(append([]oxcfxics.Range{}, set...)...)) {
				t.Fatalf("%v has %d counters, or ranges that touch; want %d", set, set.Count(), count)
			}
		}
		both := set.Intersect(last)
		for c := range uint64(size) {
			if both.Contains(c) != (set.Contains(c) && last.Contains(c)) {
				t.Fatalf("%d in %v, of %v and %v", c, both, set, last)
			}
		}
		last = set
	}
}

// TestSetsStaySmall serializes sets as mailboxes have them.
func TestSetsStaySmall(t *testing.T) {
	replica := mapi.PSMAPI
	for _, c := range []struct {
		name string
		fill func(s *oxcfxics.GUIDSet)
		most int
	}{
		{"all changes so far", func(s *oxcfxics.GUIDSet) { s.Add(replica, oxcfxics.RangeSet{{Low: 1, High: 0x12345}}) }, 29},
		{"one id", func(s *oxcfxics.GUIDSet) { s.Insert(replica, 0x123456) }, 24},
		{"every second of 256 in one byte", func(s *oxcfxics.GUIDSet) {
			for i := uint64(0); i < 256; i += 2 {
				s.Insert(replica, 0x100+i)
			}
		}, 102},
		{"a thousand with gaps", func(s *oxcfxics.GUIDSet) {
			for i := uint64(0); i < 5000; i += 5 {
				s.Insert(replica, 0x10000+i)
			}
		}, 1600},
	} {
		var s oxcfxics.GUIDSet
		c.fill(&s)
		b := s.Bytes()
		back, err := oxcfxics.DecodeGUIDSet(b)
		if err != nil || !back.Equal(&s) {
			t.Errorf("%s: %v", c.name, err)
		}
		if len(b) > c.most {
			t.Errorf("%s: %d bytes, want at most %d", c.name, len(b), c.most)
		}
	}
}

func FuzzIDSet(f *testing.F) {
	for _, s := range []string{"", "01000600000000001000", "01000500000000014201eb5000", "0200030000000200015201054220815050" + "00"} {
		f.Add(vectors.Hex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := oxcfxics.DecodeReplIDSet(b)
		if err != nil {
			return
		}
		back, err := oxcfxics.DecodeReplIDSet(s.Bytes())
		if err != nil || !back.Equal(s) {
			t.Errorf("%x became %x: %v", b, s.Bytes(), err)
		}
	})
}

func TestVectorsChangeLists(t *testing.T) {
	for _, v := range vectors.Load(t, "oxcfxics.json") {
		switch v.Kind {
		case "mfcmapi-xid":
			t.Run(v.ID, func(t *testing.T) {
				var want struct{ XID vectorXID }
				if err := json.Unmarshal(v.Decoded, &want); err != nil {
					t.Fatal(err)
				}
				x, err := oxcfxics.DecodeXID(v.Bytes(t))
				if err != nil || !want.XID.is(x) || !bytes.Equal(x.Bytes(), v.Bytes(t)) {
					t.Errorf("%v, %v", x, err)
				}
			})
		case "mfcmapi-pcl":
			t.Run(v.ID, func(t *testing.T) {
				var want struct {
					List map[string]json.RawMessage `json:"Predecessor_Change_List"`
				}
				if err := json.Unmarshal(v.Decoded, &want); err != nil {
					t.Fatal(err)
				}
				list, err := oxcfxics.DecodePCL(v.Bytes(t))
				if err != nil || len(list) != len(want.List)-1 {
					t.Fatalf("%v, %v", list, err)
				}
				for i, x := range list {
					var one vectorXID
					if err := json.Unmarshal(want.List[fmt.Sprintf("XID[%d]", i)], &one); err != nil || !one.is(x) {
						t.Errorf("%d is %v, want %v (%v)", i, x, one, err)
					}
				}
				if b, err := list.Bytes(); err != nil || !bytes.Equal(b, v.Bytes(t)) {
					t.Errorf("serialized to %x, %v", b, err)
				}
			})
		}
	}
}

type vectorXID struct {
	NamespaceGuid mapi.GUID
	LocalId       struct{ Hex string }
}

func (v vectorXID) is(x oxcfxics.XID) bool {
	return x.Namespace == v.NamespaceGuid && fmt.Sprintf("%x", x.Local) == v.LocalId.Hex
}

// TestConflicts follows [MS-OXCFXICS] 3.1.5.6: versions that know each other's changes are no conflict.
func TestConflicts(t *testing.T) {
	a, b := mapi.PSMAPI, mapi.PSPublicStrings
	change := func(ns mapi.GUID, n byte) oxcfxics.XID { return oxcfxics.XID{Namespace: ns, Local: []byte{0, n}} }
	var base oxcfxics.PCL
	base.Add(change(a, 1))
	left, right := append(oxcfxics.PCL{}, base...), append(oxcfxics.PCL{}, base...)
	left.Add(change(a, 2))
	right.Add(change(b, 9))
	if !left.Includes(base) || !right.Includes(base) || base.Includes(left) {
		t.Error("a change doesn't come after what it was made on")
	}
	if left.Includes(right) || right.Includes(left) {
		t.Error("changes made apart are no conflict")
	}
	left.Merge(right)
	left.Add(change(a, 1)) // an old change is no news
	if !left.Includes(right) || !left.Knows(change(a, 2)) || left.Knows(change(a, 3)) {
		t.Errorf("merged to %v", left)
	}
	if c := (oxcfxics.XID{Local: []byte{1, 0}}).Compare(oxcfxics.XID{Local: []byte{0, 0, 0xFF}}); c <= 0 {
		t.Error("local ids of different lengths don't compare as numbers")
	}
}

func FuzzPCL(f *testing.F) {
	f.Add(vectors.Hex(f, "14f247869d7436e64fa4cc56f8b480928000000006"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := oxcfxics.DecodePCL(b)
		if err != nil {
			return
		}
		out, err := p.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		q, err := oxcfxics.DecodePCL(out)
		if err != nil || !p.Includes(q) || !q.Includes(p) {
			t.Errorf("%x became %x: %v", b, out, err)
		}
	})
}
