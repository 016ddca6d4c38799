package cfb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
)

// smallFiles hold every kind of sector in few bytes.
func smallFiles(t testing.TB) map[string][]byte {
	root := &cfb.Node{Children: []*cfb.Node{
		cfb.Bytes("mini", pattern(150, 1)),
		cfb.Bytes("large", pattern(4500, 2)),
		{Name: "storage", Children: []*cfb.Node{cfb.Bytes("inner", pattern(64, 3)), cfb.Bytes("empty", nil), {Name: "bare"}}},
		cfb.Bytes("last", pattern(4200, 4)),
	}}
	l, err := cfb.PlanVersion4(root)
	if err != nil {
		t.Fatal(err)
	}
	var v4 bytes.Buffer
	if _, err := l.WriteTo(&v4); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"version 3": write(t, root), "version 4": v4.Bytes()}
}

// look opens a file and reads all it holds. It fails the test on anything but results and FormatErrors, and when more bytes
// come out than the file has.
func look(t testing.TB, content []byte) (all map[string]string, errs []error) {
	t.Helper()
	f, err := open(content)
	if err != nil {
		errs = []error{err}
	} else {
		all, errs = contents(f.Root)
		if n := total(all); n > len(content) {
			t.Errorf("%d bytes came out of a file of %d", n, len(content))
		}
	}
	for _, err := range errs {
		if fe := (*cfb.FormatError)(nil); !errors.As(err, &fe) {
			t.Errorf("%v is no FormatError", err)
		}
	}
	return all, errs
}

// total is how many bytes all streams gave before damage or end.
func total(all map[string]string) (sum int) {
	for path, digest := range all {
		if !strings.HasSuffix(path, "/") {
			var n int
			fmt.Sscan(digest, &n)
			sum += n
		}
	}
	return sum
}

func TestTruncatedFilesAreNoticed(t *testing.T) {
	for name, content := range smallFiles(t) {
		t.Run(name, func(t *testing.T) {
			want, errs := look(t, content)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			step := 1
			if name == "version 4" {
				step = 7
			}
			for size := 0; size < len(content); size += step {
				got, errs := look(t, content[:size])
				if len(errs) == 0 && !maps.Equal(got, want) {
					t.Errorf("cut to %d of %d bytes: data is missing without an error", size, len(content))
				}
			}
		})
	}
}

func TestTruncationKeepsWhatIsLeft(t *testing.T) {
	content := smallFiles(t)["version 3"]
	got, errs := look(t, content[:len(content)-600])
	want, _ := look(t, content)
	if len(errs) != 1 {
		t.Errorf("got errors %v, want one about the last stream", errs)
	}
	for path, digest := range want {
		if path != "last" && got[path] != digest {
			t.Errorf("%q is lost too", path)
		}
	}
}

func TestAnyDamagedByteIsSurvived(t *testing.T) {
	for name, content := range smallFiles(t) {
		t.Run(name, func(t *testing.T) {
			tables := content[:bytes.Index(content, pattern(4500, 2))] // and the mini stream
			step := 1
			if name == "version 4" {
				step = 7 // its sectors are mostly padding
			}
			for at := 0; at < len(tables); at += step {
				good := tables[at]
				for _, bad := range []byte{good ^ 1, ^good, 0, 3} {
					tables[at] = bad
					look(t, content)
				}
				tables[at] = good
			}
		})
	}
}

// Offsets in the header, in directory entries, and of the first of these in files that this package writes.
const (
	headerFirstDIFAT = 68
	headerDIFATCount = 72
	entryLeft        = 68
	entryRight       = 72
	entryChild       = 76
	entryStart       = 116
	entrySize        = 120
	firstEntry       = 512
)

func TestDamageIsNamed(t *testing.T) {
	// Directory entries: 0 root, 1 mini, 2 large, 3 storage, 4 inner, 5 empty, 6 bare, 7 last.
	entry := func(id, field int) int { return firstEntry + 128*id + field }
	original := smallFiles(t)["version 3"]
	le := binary.LittleEndian
	fat := 512 + 512*int(le.Uint32(original[76:]))
	start := func(id int) uint32 { return le.Uint32(original[entry(id, entryStart):]) }

	for name, c := range map[string]struct {
		at    int
		value uint32
		where string // of the only error expected
		lost  []string
	}{
		"chain that loops":          {fat + 4*int(start(7)+2), start(7), `stream "last"`, []string{"last"}},
		"chain that joins another":  {fat + 4*int(start(7)+2), start(2), `stream "last"`, []string{"last"}},
		"chain out of the file":     {fat + 4*int(start(7)+2), 0x1234567, `stream "last"`, []string{"last"}},
		"chain that ends early":     {fat + 4*int(start(7)+2), 0xFFFFFFFE, `stream "last"`, []string{"last"}},
		"start out of the file":     {entry(7, entryStart), 0x1234567, `stream "last"`, []string{"last"}},
		"start in the directory":    {entry(7, entryStart), 0, `stream "last"`, []string{"last"}},
		"mini chain out of file":    {entry(4, entryStart), 0x1234567, `stream "storage/inner"`, []string{"storage/inner"}},
		"size beyond the chain":     {entry(7, entrySize), 5000, `stream "last"`, []string{"last"}},
		"size beyond the file":      {entry(7, entrySize), 0x7FFFFFFF, `stream "last"`, []string{"last"}},
		"sibling that isn't":        {entry(6, entryLeft), 0x100000, `storage "storage"`, nil},
		"sibling that is the root":  {entry(6, entryLeft), 0, `storage "storage"`, nil},
		"sibling that is the same":  {entry(6, entryRight), 6, `storage "storage"`, nil},
		"child of another storage":  {entry(6, entryChild), 1, "", nil}, // whose it is, nobody can tell
		"child that is its parent":  {entry(6, entryChild), 3, `storage "storage/bare"`, nil},
		"child that doesn't exist":  {entry(6, entryChild), 99, `storage "storage/bare"`, nil},
		"DIFAT that isn't needed":   {headerFirstDIFAT, 5, "-", nil},
		"DIFAT count that is wrong": {headerDIFATCount, 0xFFFFFFFF, "-", nil},
	} {
		t.Run(name, func(t *testing.T) {
			content := bytes.Clone(original)
			le.PutUint32(content[c.at:], c.value)
			want, _ := look(t, original)
			got, errs := look(t, content)
			if c.where == "-" {
				if len(errs) > 0 || !maps.Equal(got, want) {
					t.Errorf("this shouldn't matter, but: %v", errs)
				}
				return
			}
			if len(errs) == 0 {
				t.Fatal("no error")
			}
			var fe *cfb.FormatError
			if errors.As(errs[0], &fe); c.where != "" && (len(errs) != 1 || fe.Where != c.where) {
				t.Errorf("got %v, want one in %s", errs, c.where)
			}
			if c.where == "" {
				return
			}
			for _, path := range c.lost {
				delete(want, path)
				delete(got, path)
			}
			if !maps.Equal(got, want) {
				t.Errorf("more is lost than must be: got %v, want %v", got, want)
			}
		})
	}
}

func TestNoCompoundFileIsAFormatError(t *testing.T) {
	for _, content := range [][]byte{nil, []byte("From: me\r\n"), make([]byte, 5000), smallFiles(t)["version 3"][:512]} {
		if _, errs := look(t, content); len(errs) != 1 {
			t.Errorf("%d bytes: got %v", len(content), errs)
		}
	}
}

// TestMemoryIsBounded opens files whose tables promise far more than there is.
func TestMemoryIsBounded(t *testing.T) {
	content := smallFiles(t)["version 3"]
	le := binary.LittleEndian
	for name, size := range map[string]int64{"true size": int64(len(content)), "a terabyte of nothing behind": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Clone(content)
			for _, at := range []int{40, 44, 64, 72} { // counts in the header
				le.PutUint32(bad[at:], 0xFFFFFFFF)
			}
			le.PutUint32(bad[firstEntry+7*128+entrySize:], 0xFFFFFFFF)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := cfb.Open(bytes.NewReader(bad), size)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.Root.Stream("last")
			if err != nil {
				t.Fatal(err)
			}
			if b, err := s.Bytes(); err == nil || len(b) > len(bad) {
				t.Errorf("got %d bytes, %v", len(b), err)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("%d bytes were allocated for a file of %d", used, len(bad))
			}
		})
	}
}

func TestDegenerateTreesCostNoStack(t *testing.T) {
	// A directory of 100,000 entries in which each is the right sibling, or the child, of the one before.
	const n = 100_000
	root := &cfb.Node{}
	for i := range n {
		root.Children = append(root.Children, &cfb.Node{Name: fmt.Sprintf("%06d", i)})
	}
	content := write(t, root)
	le := binary.LittleEndian
	for field, wantErr := range map[int]bool{entryRight: false, entryChild: true} {
		bad := bytes.Clone(content)
		le.PutUint32(bad[firstEntry+entryChild:], 1)
		for i := 1; i <= n; i++ {
			e := bad[firstEntry+128*i:]
			for _, f := range []int{entryLeft, entryRight, entryChild} {
				le.PutUint32(e[f:], none)
			}
			if i < n {
				le.PutUint32(e[field:], uint32(i+1))
			}
		}
		all, errs := look(t, bad)
		if wantErr != (len(errs) > 0) || !wantErr && len(all) != n+1 {
			t.Errorf("%d storages, errors %v", len(all), errs)
		}
	}
}
