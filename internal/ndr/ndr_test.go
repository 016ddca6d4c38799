package ndr

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// everything has one of each kind of thing.
type everything struct {
	Byte    uint8
	Short   int16
	Hyper   uint64
	Handle  ContextHandle
	Name    mapi.String8
	Wide    string
	Inline  []byte
	Window  []byte
	Tags    []mapi.Tag
	Pair    pair
	One     *uint32
	A, B    *uint32 // full pointers
	Twice   **mapi.String8
	Binary  []byte
	Strings []string
	Tree    node
	Code    mapi.Code
}

type pair struct {
	First  *string
	Number uint16
	Second *mapi.String8
}

// node is a tree: a list of trees behind a pointer, as restrictions are.
type node struct {
	Value uint8
	Next  []node
}

func (n *node) walk(c *Coder) {
	c.Aggregate(func() {
		c.U8(&n.Value)
		Counted(c, &n.Next, 8, func(c *Coder, n *node) { n.walk(c) })
	})
}

func (e *everything) NDR(c *Coder) {
	c.U8(&e.Byte)
	c.I16(&e.Short)
	c.U64(&e.Hyper)
	c.ContextHandle(&e.Handle)
	c.String8(&e.Name)
	c.String(&e.Wide)
	c.Bytes32(&e.Inline)
	c.VaryingBytes(&e.Window)
	ConformantVarying(c, &e.Tags, 4, (*Coder).Tag)
	c.Aggregate(func() {
		Unique(c, &e.Pair.First, (*Coder).String)
		c.U16(&e.Pair.Number)
		Unique(c, &e.Pair.Second, (*Coder).String8)
	})
	Unique(c, &e.One, (*Coder).U32)
	Full(c, &e.A, (*Coder).U32)
	Full(c, &e.B, (*Coder).U32)
	Unique(c, &e.Twice, func(c *Coder, p **mapi.String8) { Unique(c, p, (*Coder).String8) })
	c.Aggregate(func() {
		c.Binary(&e.Binary)
		CountedElsewhere(c, uint32(len(e.Strings)), &e.Strings, 4, func(c *Coder, p *string) { c.Pointer(true, func() { c.String(p) }) })
	})
	e.Tree.walk(c)
	c.Code(&e.Code)
}

func sample() *everything {
	n := uint32(77)
	s, w := mapi.String8("second"), "first"
	p := &s
	return &everything{Byte: 1, Short: -2, Hyper: 3, Handle: ContextHandle{1, mapi.MustGUID("00112233-4455-6677-8899-aabbccddeeff")}, Name: "n", Wide: "wide ü",
		Inline: []byte{1, 2, 3}, Window: []byte{4}, Tags: []mapi.Tag{5, 6}, Pair: pair{&w, 9, &s}, One: &n, A: &n, B: &n, Twice: &p, Binary: []byte{},
		Tree: node{1, []node{{2, []node{{3, nil}}}, {4, []node{}}}}, Code: mapi.ErrNotFound}
}

func TestBothWays(t *testing.T) {
	in := sample()
	b, err := Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out everything
	if err := Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, &out) {
		t.Errorf("got %+v", out)
	}
	if out.A != out.B {
		t.Error("two full pointers to one thing came back as two things")
	}
	for n := range b {
		if err := Unmarshal(b[:n], &everything{}); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

// Layouts written out by the rules of [C706] chapter 14.
func TestLayout(t *testing.T) {
	number, name := uint32(0x55), mapi.String8("ab")
	for _, tt := range []struct {
		what string
		walk func(*Coder)
		want string
	}{
		{"alignment", func(c *Coder) {
			b, s, l, h := uint8(1), uint16(2), uint32(3), uint64(4)
			c.U8(&b)
			c.U16(&s)
			c.U8(&b)
			c.U32(&l)
			c.U64(&h)
		}, "01 00 0200 01 000000 03000000 00000000 0400000000000000"},
		{"pointers among parameters are followed at once", func(c *Coder) {
			p, q, none := &number, &name, (*uint32)(nil)
			Unique(c, &p, (*Coder).U32)
			Unique(c, &none, (*Coder).U32)
			Unique(c, &q, (*Coder).String8)
		}, "00000200 55000000 00000000 04000200 03000000 00000000 03000000 616200"},
		{"pointers in a structure are followed after its end, depth first", func(c *Coder) {
			tree := node{1, []node{{2, []node{{3, nil}}}, {4, []node{{5, nil}}}}}
			tree.walk(c)
		}, "01000000 02000000 00000200" +
			"02000000 02000000 01000000 04000200 04000000 01000000 08000200" +
			"01000000 03000000 00000000 00000000" + "01000000 05000000 00000000 00000000"},
		{"a full pointer's referent is there once", func(c *Coder) {
			p, q := &number, &number
			Full(c, &p, (*Coder).U32)
			Full(c, &q, (*Coder).U32)
		}, "00000200 55000000 00000200"},
		{"a UTF-16 string counts characters", func(c *Coder) {
			s := "ä"
			c.String(&s)
		}, "02000000 00000000 02000000 e4000000"},
	} {
		c := NewEncoder(nil)
		tt.walk(c)
		if got := hex.EncodeToString(c.Bytes()); c.Err() != nil || got != strings.ReplaceAll(tt.want, " ", "") {
			t.Errorf("%s: %s, %v", tt.what, got, c.Err())
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, tt := range []struct {
		what, stub string
		walk       func(*Coder)
	}{
		{"more elements than bytes", "ffffff7f 00000000", func(c *Coder) { c.Bytes32(new([]byte)) }},
		{"more than the maximum", "01000000 00000000 02000000 6100", func(c *Coder) { c.String8(new(mapi.String8)) }},
		{"an array that doesn't begin", "02000000 01000000 01000000 00", func(c *Coder) { c.String8(new(mapi.String8)) }},
		{"no terminator", "01000000 00000000 01000000 61", func(c *Coder) { c.String8(new(mapi.String8)) }},
		{"two counts", "01000000 00000200 02000000 0000", func(c *Coder) { c.Binary(new([]byte)) }},
		{"an arm that isn't the field's", "02000000", func(c *Coder) { c.Discriminant(3) }},
		{"one referent of two types", "00000200 01000000 00000200", func(c *Coder) {
			Full(c, new(*uint32), (*Coder).U32)
			Full(c, new(*uint16), (*Coder).U16)
		}},
		{"endless depth", strings.Repeat("00000000 01000000 00000200 01000000 ", maxDepth+2), func(c *Coder) { new(node).walk(c) }},
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(tt.stub, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		c := NewDecoder(b)
		tt.walk(c)
		if !errors.Is(c.Err(), ErrFormat) {
			t.Errorf("%s: %v", tt.what, c.Err())
		}
	}
	s := mapi.String8("a\x00b")
	c := NewEncoder(nil)
	if c.String8(&s); !errors.Is(c.Err(), ErrFormat) {
		t.Errorf("a string with NUL: %v", c.Err())
	}
}

func TestNormalize(t *testing.T) {
	want, err := Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	odd := bytes.Clone(want)
	odd[1] = 0xBF // padding
	for i := 0; i < len(odd); i += 4 {
		if bytes.HasPrefix(odd[i:], []byte{0, 0, 2, 0}) {
			copy(odd[i:], []byte{0xDE, 0xAD, 0xBE, 0xEF}) // the first referent
		}
	}
	got, err := Normalize(odd, &everything{})
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v", got, err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	b, err := Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second everything
		if Unmarshal(b, &first) != nil {
			return
		}
		again, err := Marshal(&first)
		if err != nil {
			t.Fatalf("what was decoded isn't encoded: %v", err)
		}
		if err := Unmarshal(again, &second); err != nil || !reflect.DeepEqual(first, second) {
			t.Fatalf("%+v comes back as %+v, %v", first, second, err)
		}
	})
}
