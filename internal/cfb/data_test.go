package cfb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
)

// dataDir is the folder of sample files.
func dataDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("OPENCDO_DATA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
	dir = filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: no sample files: set OPENCDO_DATA to their folder (%v)", err)
	}
	return dir
}

// sample is a compound file among the samples and what olefile found in it.
type sample struct {
	name    string // below the folder of samples
	content []byte
	truth   olefileTruth
}

type olefileTruth struct {
	RootCLSID    string   `json:"root_clsid"`
	Streams      [][3]any `json:"streams"` // path, size, start of the SHA-256
	StreamsTotal int      `json:"streams_total"`
	Storages     []string `json:"storages"`
	Issues       []string `json:"parsing_issues"`
}

func samples(t testing.TB) []sample {
	t.Helper()
	dir := filepath.Join(dataDir(t), "msg")
	truths, err := filepath.Glob(filepath.Join(dir, "*", "*.truth.json"))
	if err != nil || len(truths) == 0 {
		t.Fatalf("no samples in %s: %v", dir, err)
	}
	var all []sample
	for _, path := range truths {
		var truth struct {
			Tools struct{ Olefile olefileTruth }
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &truth); err != nil {
			t.Fatal(err)
		}
		file := strings.TrimSuffix(path, ".truth.json")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(dir, file)
		all = append(all, sample{filepath.ToSlash(name), content, truth.Tools.Olefile})
	}
	return all
}

func open(content []byte) (*cfb.File, error) {
	return cfb.Open(bytes.NewReader(content), int64(len(content)))
}

func mustOpen(t testing.TB, content []byte) *cfb.File {
	t.Helper()
	f, err := open(content)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// contents is what a file holds: the digest of each stream and the CLSID of each storage by path, storages with a slash
// at the end, and the errors met.
func contents(root *cfb.Storage) (all map[string]string, errs []error) {
	all = make(map[string]string)
	var walk func(s *cfb.Storage)
	walk = func(s *cfb.Storage) {
		all[s.Path()+"/"] = fmt.Sprintf("%x", s.CLSID)
		entries, err := s.Entries()
		if err != nil {
			errs = append(errs, err)
		}
		for _, e := range entries {
			if e.Storage != nil {
				walk(e.Storage)
				continue
			}
			h := sha256.New()
			n, err := io.Copy(h, e.Stream.Open())
			if err == nil && n != e.Stream.Size {
				err = fmt.Errorf("%v: %d of %d bytes came without error", e.Stream, n, e.Stream.Size)
			}
			if err != nil {
				errs = append(errs, err)
			}
			all[e.Stream.Path()] = digest(n, h.Sum(nil))
		}
	}
	walk(root)
	return all, errs
}

// digest is size and start of the SHA-256, as the truth files have it.
func digest(size int64, sum []byte) string { return fmt.Sprintf("%d %x", size, sum[:8]) }

// copyOf describes what a storage holds, to be written again.
func copyOf(t testing.TB, s *cfb.Storage) *cfb.Node {
	t.Helper()
	n := &cfb.Node{Name: s.Name, CLSID: s.CLSID}
	entries, err := s.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Storage != nil {
			n.Children = append(n.Children, copyOf(t, e.Storage))
			continue
		}
		n.Children = append(n.Children, &cfb.Node{
			Name: e.Name, Size: e.Stream.Size,
			Open: func() (io.Reader, error) { return e.Stream.Open(), nil },
		})
	}
	return n
}

func write(t testing.TB, root *cfb.Node) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := cfb.Write(&buf, root); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
