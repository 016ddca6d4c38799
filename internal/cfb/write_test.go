package cfb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"github.com/opencdo/opencdo/internal/cfb"
)

// trees are what the writer is tried with: every boundary between kinds of storing, and every shape of sibling tree.
func trees() map[string]*cfb.Node {
	all := map[string]*cfb.Node{
		"empty": {},
		"sizes": {CLSID: [16]byte{1, 2, 3}},
		"deep":  {},
		"names": {Children: []*cfb.Node{
			cfb.Bytes("b", nil), cfb.Bytes("A", nil), cfb.Bytes("aa", nil), cfb.Bytes("Z", nil), cfb.Bytes("_", nil),
			cfb.Bytes("\x05SummaryInformation", []byte("x")), cfb.Bytes(strings.Repeat("n", 31), []byte("y")),
			cfb.Bytes("é", nil), cfb.Bytes("É2", nil), cfb.Bytes("日本", nil), cfb.Bytes("😀", nil), cfb.Bytes("ÿ", nil),
		}},
		"long FAT": {Children: []*cfb.Node{cfb.Bytes("a", pattern(10, 1)), cfb.Bytes("b", pattern(9<<20, 2)), cfb.Bytes("c", pattern(5000, 3))}},
	}
	for i, size := range []int{0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 70_000} {
		all["sizes"].Children = append(all["sizes"].Children, cfb.Bytes(fmt.Sprintf("s%d", i), pattern(size, i)))
	}
	for n, i := all["deep"], 0; i < 100; i++ {
		child := &cfb.Node{Name: fmt.Sprintf("level %d", i), CLSID: [16]byte{15: byte(i)}}
		n.Children = append(n.Children, cfb.Bytes("text", pattern(i*100, i)), child)
		n = child
	}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 100, 2500} {
		wide := &cfb.Node{}
		for i := range n {
			wide.Children = append(wide.Children, cfb.Bytes(fmt.Sprintf("__substg1.0_%08X", i*0x9E3779B1&0xFFFFFFFF), pattern(i%200, i)))
		}
		all[fmt.Sprintf("%d siblings", n)] = wide
	}
	return all
}

// described is what contents must give for a tree.
func described(t *testing.T, root *cfb.Node) map[string]string {
	all := make(map[string]string)
	var walk func(n *cfb.Node, path string)
	walk = func(n *cfb.Node, path string) {
		if n.Open == nil {
			all[path+"/"] = fmt.Sprintf("%x", n.CLSID)
		} else {
			all[path] = digestOf(t, n)
		}
		for _, child := range n.Children {
			walk(child, strings.TrimPrefix(path+"/"+child.Name, "/"))
		}
	}
	walk(root, "")
	return all
}

func digestOf(t *testing.T, n *cfb.Node) string {
	f := mustOpen(t, write(t, &cfb.Node{Children: []*cfb.Node{{Name: "only", Size: n.Size, Open: n.Open}}}))
	all, _ := contents(f.Root)
	return all["only"]
}

func TestWrittenTreesReadBack(t *testing.T) {
	for name, tree := range trees() {
		t.Run(name, func(t *testing.T) {
			content := write(t, tree)
			if !bytes.Equal(content, write(t, tree)) {
				t.Error("a second writing gave other bytes")
			}
			got, errs := contents(mustOpen(t, content).Root)
			for _, err := range errs {
				t.Error(err)
			}
			if want := described(t, tree); !maps.Equal(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
			checkTree(t, content)
			checkLayout(t, tree, content)
		})
	}
}

func TestRewrittenMessagesAreTheSame(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			f := mustOpen(t, s.content)
			want, errs := contents(f.Root)
			if len(errs) > 0 {
				t.Skip("damaged on purpose")
			}
			content := write(t, copyOf(t, f.Root))
			got, errs := contents(mustOpen(t, content).Root)
			if len(errs) > 0 || !maps.Equal(got, want) {
				t.Errorf("written and read again, it differs: %v", errs)
			}
			checkTree(t, content)
		})
	}
}

// checkLayout holds the announced places of streams against the file.
func checkLayout(t *testing.T, root *cfb.Node, content []byte) {
	t.Helper()
	l, err := cfb.Plan(root)
	if err != nil {
		t.Fatal(err)
	}
	if l.Size != int64(len(content)) {
		t.Errorf("size is %d, announced were %d", len(content), l.Size)
	}
	end := int64(0)
	for _, p := range l.Streams {
		r, _ := p.Node.Open()
		want, _ := io.ReadAll(r)
		var got []byte
		for _, e := range p.Extents {
			got = append(got, content[e.Offset:e.Offset+e.Size]...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s isn't where it was announced: %v", p.Path, p.Extents)
		}
		if p.Node.Size >= 4096 {
			if len(p.Extents) != 1 || p.Extents[0].Offset < end {
				t.Errorf("%s isn't in one piece after its predecessor: %v", p.Path, p.Extents)
			}
			end = p.Extents[0].Offset + p.Extents[0].Size
		}
	}
}

// rawEntry is a directory entry as it stands in the file, read here without the package under test.
type rawEntry struct {
	name               []uint16
	kind, color        byte
	left, right, child uint32
}

const none = 0xFFFFFFFF

// rawDirectory reads the directory of a file by this package's writer: it comes first and is contiguous.
func rawDirectory(content []byte) (all []rawEntry) {
	le := binary.LittleEndian
	sector := 1 << le.Uint16(content[30:])
	for at := (int(le.Uint32(content[48:])) + 1) * sector; at+128 <= len(content); at += 128 {
		b := content[at : at+128]
		if b[66] > 5 || (b[66] == 5) != (len(all) == 0) {
			break // the sectors that follow
		}
		e := rawEntry{kind: b[66], color: b[67], left: le.Uint32(b[68:]), right: le.Uint32(b[72:]), child: le.Uint32(b[76:])}
		if n := int(le.Uint16(b[64:])); n >= 2 && n <= 64 {
			for i := 0; i < n-2; i += 2 {
				e.name = append(e.name, le.Uint16(b[i:]))
			}
		}
		all = append(all, e)
	}
	return all
}

// checkTree holds the sibling trees against [MS-CFB] 2.6.4: search order, no two reds in a row, and the red-black tree's
// balance that makes the colours mean something.
func checkTree(t *testing.T, content []byte) {
	t.Helper()
	dir := rawDirectory(content)
	less := func(a, b []uint16) bool {
		if len(a) != len(b) {
			return len(a) < len(b)
		}
		for i := range a {
			if x, y := unicode.ToUpper(rune(a[i])), unicode.ToUpper(rune(b[i])); x != y {
				return x < y
			}
		}
		return false
	}
	var last []uint16
	var walk func(id uint32, parentRed bool) (blacks int)
	walk = func(id uint32, parentRed bool) int {
		if id == none {
			return 1
		}
		e := dir[id]
		if parentRed && e.color == 0 {
			t.Errorf("%q and its parent are red", string(utf16.Decode(e.name)))
		}
		left := walk(e.left, e.color == 0)
		if last != nil && !less(last, e.name) {
			t.Errorf("%q doesn't come before %q", string(utf16.Decode(last)), string(utf16.Decode(e.name)))
		}
		last = e.name
		if right := walk(e.right, e.color == 0); left != right {
			t.Errorf("%q has %d black nodes at its left and %d at its right", string(utf16.Decode(e.name)), left, right)
		}
		return left + int(e.color)
	}
	for _, e := range dir {
		if (e.kind == 1 || e.kind == 5) && e.child != none {
			if dir[e.child].color != 1 {
				t.Error("the top of a sibling tree is red")
			}
			last = nil
			walk(e.child, false)
		}
	}
}

func TestRefusesWhatCannotBeWritten(t *testing.T) {
	stream := func(size int64, r io.Reader) *cfb.Node {
		return &cfb.Node{Name: "s", Size: size, Open: func() (io.Reader, error) { return r, nil }}
	}
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		child *cfb.Node
		want  error
	}{
		"no name":                {cfb.Bytes("", nil), cfb.ErrName},
		"long name":              {cfb.Bytes(strings.Repeat("x", 32), nil), cfb.ErrName},
		"long name in UTF-16":    {cfb.Bytes(strings.Repeat("😀", 16), nil), cfb.ErrName},
		"slash":                  {cfb.Bytes("a/b", nil), cfb.ErrName},
		"not UTF-8":              {cfb.Bytes("a\xff", nil), cfb.ErrName},
		"same name":              {&cfb.Node{Name: "d", Children: []*cfb.Node{cfb.Bytes("ä", nil), cfb.Bytes("Ä", nil)}}, cfb.ErrDuplicate},
		"storage with a size":    {&cfb.Node{Name: "d", Size: 1}, cfb.ErrNode},
		"stream with children":   {&cfb.Node{Name: "d", Open: stream(0, nil).Open, Children: []*cfb.Node{{}}}, cfb.ErrNode},
		"too large":              {stream(1<<44, nil), cfb.ErrTooLarge},
		"short stream":           {stream(5, strings.NewReader("1234")), io.ErrUnexpectedEOF},
		"long stream":            {stream(3, strings.NewReader("1234")), cfb.ErrLonger},
		"empty stream too long":  {stream(0, strings.NewReader("1234")), cfb.ErrLonger},
		"stream that can't open": {&cfb.Node{Name: "s", Open: func() (io.Reader, error) { return nil, broken }}, broken},
	} {
		err := cfb.Write(io.Discard, &cfb.Node{Children: []*cfb.Node{c.child}})
		if ne := (*cfb.NodeError)(nil); !errors.Is(err, c.want) || !errors.As(err, &ne) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	deep := &cfb.Node{}
	for range 1100 {
		deep = &cfb.Node{Name: "x", Children: []*cfb.Node{deep}}
	}
	if err := cfb.Write(io.Discard, deep); !errors.Is(err, cfb.ErrDepth) {
		t.Errorf("nested too deep: got %v", err)
	}
	full := errors.New("disk full")
	if err := cfb.Write(fullDisk{full}, trees()["sizes"]); err != full {
		t.Errorf("disk full: got %v", err)
	}
}

type fullDisk struct{ err error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.err }

func TestStreamsAreClosed(t *testing.T) {
	closed := 0
	node := &cfb.Node{Name: "s", Size: 3, Open: func() (io.Reader, error) {
		return closer{strings.NewReader("abc"), &closed}, nil
	}}
	write(t, &cfb.Node{Children: []*cfb.Node{node}})
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
}

type closer struct {
	io.Reader
	closed *int
}

func (c closer) Close() error { *c.closed++; return nil }
