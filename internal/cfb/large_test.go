package cfb_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
)

// stamped is content of any size that costs nothing: zeros, but in each 64 KiB the position and a seed.
type stamped struct {
	seed, size, pos int64
}

func (s *stamped) Read(p []byte) (int, error) {
	const block = 64 << 10
	if s.pos >= s.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), s.size-s.pos)]
	clear(p)
	for at := s.pos / block * block; at < s.pos+int64(len(p)); at += block {
		stamp := binary.LittleEndian.AppendUint64(nil, uint64(at^s.seed<<56|0xA5))
		if at >= s.pos {
			copy(p[at-s.pos:], stamp)
		} else if s.pos-at < int64(len(stamp)) {
			copy(p, stamp[s.pos-at:])
		}
	}
	s.pos += int64(len(p))
	return len(p), nil
}

// sparseWriter leaves holes where zeros are written.
type sparseWriter struct{ f *os.File }

var zeros [4096]byte

func (w sparseWriter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		piece := p[done:min(done+len(zeros), len(p))]
		if bytes.Equal(piece, zeros[:len(piece)]) {
			if _, err := w.f.Seek(int64(len(piece)), io.SeekCurrent); err != nil {
				return done, err
			}
		} else if _, err := w.f.Write(piece); err != nil {
			return done, err
		}
		done += len(piece)
	}
	return len(p), nil
}

func TestFilesOver2GiB(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short: this reads and writes gigabytes")
	}
	sizes := map[string]int64{"a": 1<<31 - 10_000_000, "across the range lock": 300_000_001, "c": 5000, "d": 12}
	root := &cfb.Node{}
	for i, name := range []string{"a", "across the range lock", "c", "d"} {
		root.Children = append(root.Children, &cfb.Node{Name: name, Size: sizes[name], Open: func() (io.Reader, error) {
			return &stamped{seed: int64(i), size: sizes[name]}, nil
		}})
	}
	l, err := cfb.Plan(root)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n, err := l.WriteTo(sparseWriter{file})
	if err != nil || n != l.Size {
		t.Fatalf("%d bytes written, announced %d: %v", n, l.Size, err)
	}
	if err := file.Truncate(n); err != nil {
		t.Fatal(err)
	}
	f, err := cfb.Open(file, n)
	if err != nil {
		t.Fatal(err)
	}
	if f.Version != 4 || f.SectorSize != 4096 {
		t.Errorf("version %d with sectors of %d bytes", f.Version, f.SectorSize)
	}
	for i, p := range l.Streams {
		s, err := f.Root.Stream(p.Path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, p.Path+" as read", s.Open(), &stamped{seed: int64(i), size: s.Size})
		if i == 0 {
			continue // once through two gigabytes is enough
		}
		var pieces []io.Reader
		for _, e := range p.Extents {
			pieces = append(pieces, io.NewSectionReader(file, e.Offset, e.Size))
			if e.Offset < 0x80000000 && e.Offset+e.Size > 0x7FFFF000 {
				t.Errorf("%s lies in the range lock sector: %v", p.Path, p.Extents)
			}
		}
		same(t, p.Path+" where announced", io.MultiReader(pieces...), &stamped{seed: int64(i), size: s.Size})
	}
	if n := len(l.Streams[1].Extents); n != 2 {
		t.Errorf("the stream across the range lock sector is in %d pieces", n)
	}

	sevenZip := tool(t, "7z", "p7zip-full")
	for i, name := range []string{"across the range lock", "c", "d"} {
		cmd := exec.Command(sevenZip, "x", "-so", "-tcompound", path, name)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		same(t, name+" as read by 7z", out, &stamped{seed: int64(i + 1), size: sizes[name]})
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// same compares two sequences of bytes.
func same(t *testing.T, what string, got, want io.Reader) {
	t.Helper()
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for pos := 0; ; pos += len(a) {
		n, errA := io.ReadFull(got, a)
		m, errB := io.ReadFull(want, b)
		if !bytes.Equal(a[:n], b[:m]) || errA != errB {
			t.Errorf("%s: differs within the MiB at %d (%v, %v)", what, pos, errA, errB)
			return
		}
		if errA != nil {
			return
		}
	}
}

func TestVersion3UpTo2GiB(t *testing.T) {
	for size, want := range map[int64]int{1 << 20: 512, 1<<31 - 40<<20: 512, 1<<31 - 10<<20: 4096, 1 << 40: 4096} {
		l, err := cfb.Plan(&cfb.Node{Children: []*cfb.Node{{Name: "s", Size: size, Open: func() (io.Reader, error) { return nil, nil }}}})
		if err != nil || l.SectorSize != want {
			t.Errorf("%d bytes: sectors of %d bytes, want %d; %v", size, l.SectorSize, want, err)
		}
	}
}
