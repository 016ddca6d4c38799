// Package vectors finds the test vectors and sample files that live outside the repository.
package vectors

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Dir is the folder of specification vectors and recorded conversations: OPENCDO_VECTORS, or shared/vectors beside the
// repository. Without it the test is skipped.
func Dir(t testing.TB) string { return dir(t, "OPENCDO_VECTORS", "vectors") }

// Data is the folder of sample files: OPENCDO_DATA, or shared/data beside the repository.
func Data(t testing.TB) string { return dir(t, "OPENCDO_DATA", "data") }

func dir(t testing.TB, env, name string) string {
	t.Helper()
	d := os.Getenv(env)
	if d == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(wd, "go.mod")); err == nil {
				break
			}
			up := filepath.Dir(wd)
			if up == wd {
				t.Fatal("no go.mod above the test")
			}
			wd = up
		}
		d = filepath.Join(filepath.Dir(wd), "shared", name)
	}
	if _, err := os.Stat(d); err != nil {
		t.Skipf("SKIPPED: the outside test data is not here (%v); set %s to its folder", err, env)
	}
	return d
}

// Vector is one worked example of a specification.
type Vector struct {
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	What        string          `json:"what"`
	Kind        string          `json:"kind"`
	Hex         string          `json:"hex"`
	Constructed bool            `json:"constructed"`
	Partial     bool            `json:"partial"`
	Doubtful    json.RawMessage `json:"doubtful"`
	Decoded     json.RawMessage `json:"decoded"`
}

// Bytes are the vector's bytes.
func (v *Vector) Bytes(t testing.TB) []byte { return Hex(t, v.Hex) }

// Hex decodes hexadecimal text with blanks.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Load reads a file of vectors.
func Load(t testing.TB, file string) []Vector {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(Dir(t), file))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []Vector
	if err := json.Unmarshal(b, &list); err != nil {
		var wrapped struct{ Vectors []Vector }
		if err2 := json.Unmarshal(b, &wrapped); err2 != nil {
			t.Fatal(err, err2)
		}
		list = wrapped.Vectors
	}
	return list
}

// Recorded calls f for each line of a file of recorded conversations.
func Recorded(t testing.TB, file string, f func(line []byte)) {
	t.Helper()
	fd, err := os.Open(filepath.Join(Dir(t), "recorded", file))
	if os.IsNotExist(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	z, err := gzip.NewReader(fd)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		f(s.Bytes())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
}
