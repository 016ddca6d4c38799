package cfb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opencdo/opencdo/internal/cfb"
)

func TestReadsWhatOlefileReads(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			f := mustOpen(t, s.content)
			got, errs := contents(f.Root)
			damaged := slices.Contains(s.truth.Issues, "double reference for OLE stream/storage")
			if damaged != (len(errs) > 0) {
				t.Errorf("damaged: %t, but got errors %v", damaged, errs)
			}
			for _, err := range errs {
				if fe := (*cfb.FormatError)(nil); !errors.As(err, &fe) {
					t.Errorf("%v is no FormatError", err)
				}
			}
			if s.truth.RootCLSID != "" && guid(f.Root.CLSID) != s.truth.RootCLSID {
				t.Errorf("CLSID of the root is %s, want %s", guid(f.Root.CLSID), s.truth.RootCLSID)
			}
			for _, want := range s.truth.Streams {
				path, wanted := want[0].(string), fmt.Sprintf("%.0f %s", want[1], want[2])
				if got[path] != wanted {
					t.Errorf("stream %q: got %q, want %q", path, got[path], wanted)
				}
			}
			for _, path := range s.truth.Storages {
				if _, ok := got[path+"/"]; !ok {
					t.Errorf("storage %q is missing", path)
				}
			}
			streams := 0
			for path := range got {
				if !strings.HasSuffix(path, "/") {
					streams++
				}
			}
			if total := max(len(s.truth.Streams), s.truth.StreamsTotal); streams != total {
				t.Errorf("%d streams, want %d", streams, total)
			}
		})
	}
}

// guid writes a GUID in its usual form.
func guid(b [16]byte) string {
	return fmt.Sprintf("%02X%02X%02X%02X-%02X%02X-%02X%02X-%X-%X", b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:])
}

func TestFindsNamesInAnyCase(t *testing.T) {
	root := mustOpen(t, write(t, &cfb.Node{Children: []*cfb.Node{
		{Name: "Größe", Children: []*cfb.Node{cfb.Bytes("a", []byte("x"))}},
		cfb.Bytes("Größen", []byte("yy")),
	}})).Root
	inner, err := root.Storage("GRÖßE")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Stream("A"); err != nil {
		t.Error(err)
	}
	if s, err := root.Stream("größen"); err != nil || s.Size != 2 {
		t.Errorf("got %v, %v", s, err)
	}
	for name, err := range map[string]error{
		"no such stream":              second(root.Stream("Größ")),
		"a storage is not a stream":   second(root.Stream("Größe")),
		"a stream is not a storage":   second(root.Storage("Größen")),
		"names are not looked for in": second(root.Stream("a")),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

func TestReaderSeeksAndReadsAt(t *testing.T) {
	for _, size := range []int{0, 1, 63, 64, 65, 4095, 4096, 4097, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			content := pattern(size, 7)
			f := mustOpen(t, write(t, &cfb.Node{Children: []*cfb.Node{
				cfb.Bytes("before", pattern(100, 1)), cfb.Bytes("it", content), cfb.Bytes("after", pattern(5000, 2)),
			}}))
			s, err := f.Root.Stream("it")
			if err != nil {
				t.Fatal(err)
			}
			if err := iotest.TestReader(s.Open(), content); err != nil {
				t.Error(err)
			}
			if got, err := s.Bytes(); err != nil || !bytes.Equal(got, content) {
				t.Errorf("Bytes gave %d bytes, %v", len(got), err)
			}
		})
	}
}

// pattern is test content that differs from position to position and seed to seed.
func pattern(size, seed int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i + i>>8*31 + seed*101)
	}
	return b
}

func TestReportsTheErrorsOfTheFile(t *testing.T) {
	content := write(t, &cfb.Node{Children: []*cfb.Node{cfb.Bytes("big", pattern(10_000, 1))}})
	broken := errors.New("disk on fire")
	for at := 0; at < len(content); at += 512 {
		f, err := cfb.Open(failingAt{bytes.NewReader(content), int64(at), broken}, int64(len(content)))
		if err == nil {
			_, errs := contents(f.Root)
			err = errors.Join(errs...)
		}
		if !errors.Is(err, broken) {
			t.Errorf("sector at %d unreadable: got %v", at, err)
		}
	}
}

type failingAt struct {
	r   io.ReaderAt
	at  int64
	err error
}

func (f failingAt) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		return 0, f.err
	}
	return f.r.ReadAt(p, off)
}
