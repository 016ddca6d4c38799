package restic

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const testPassword = "correct horse"

// cheap keeps the tests from spending their time in scrypt, and makes many packs of few bytes.
var cheap = &Config{KDF: KDF{N: 2, R: 1, P: 1}, PackSize: 1 << 20}

// stock is the stock restic these tests take for truth.
type stock struct {
	t    testing.TB
	path string
	repo string
}

func stockPath() (string, error) {
	return exec.LookPath(cmp.Or(os.Getenv("OPENCDO_RESTIC"), "restic"))
}

func newStock(t testing.TB, repo string) *stock {
	t.Helper()
	path, err := stockPath()
	if err != nil {
		t.Skip("SKIPPED: no stock restic to compare with; install it or name it in OPENCDO_RESTIC: ", err)
	}
	return &stock{t, path, repo}
}

func (s *stock) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.path, append([]string{"--no-cache", "-r", s.repo}, args...)...)
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD="+testPassword)
	return cmd
}

// run returns what restic prints, and fails the test where restic fails.
func (s *stock) run(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		s.t.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// check runs restic's check, which must find nothing.
func (s *stock) check(args ...string) {
	s.t.Helper()
	out := s.run(append([]string{"check"}, args...)...)
	if !strings.Contains(out, "no errors were found") {
		s.t.Fatalf("restic check: %s", out)
	}
}

func newRepo(t testing.TB, conf *Config) (*Repository, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	r, err := Create(t.Context(), NewLocal(dir), testPassword, conf)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

func reopen(t testing.TB, dir string) *Repository {
	t.Helper()
	r, err := Open(t.Context(), NewLocal(dir), testPassword, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pseudoRandom returns bytes that don't compress, the same for the same seed.
func pseudoRandom(seed uint64, size int) []byte {
	b := make([]byte, size)
	c := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	c.Read(b)
	return b
}

// sampleFiles are contents that matter to a chunker and to names.
func sampleFiles() map[string][]byte {
	text := bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog.\n"), 100_000)
	files := map[string][]byte{
		"empty":                     {},
		"one":                       {'x'},
		"text":                      text,
		"zeros":                     make([]byte, 20<<20),
		"random":                    pseudoRandom(1, 25<<20),
		"small":                     pseudoRandom(2, 600<<10),
		"copy of random":            append([]byte("shifted"), pseudoRandom(1, 25<<20)...),
		`q"uo\te <&> ü`:             []byte("quoting"),
		"bad\xff\nname":             []byte("not UTF-8"),
		"deep/er/est/file.txt":      []byte("deep"),
		"deep/er/other.txt":         []byte("deeper"),
		"deep/\u2028separator":      []byte("line separator"),
		"z\x01\x7f\u00ad\U0001F600": []byte("unprintable and beyond the basic plane"),
	}
	if runtime.GOOS == "windows" { // where not all of these can be names
		maps.DeleteFunc(files, func(name string, _ []byte) bool {
			return strings.ContainsAny(name, "<>:\"\\|?*\n\x01") || !utf8.ValidString(name)
		})
	}
	return files
}

func writeFiles(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compareFiles(t testing.TB, dir string, want map[string][]byte) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		name, _ := filepath.Rel(dir, path)
		got, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if w, ok := want[name]; !ok || !bytes.Equal(got, w) {
			t.Errorf("%q: restored %d bytes, want %d (known: %v)", name, len(got), len(w), ok)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found != len(want) {
		t.Errorf("restored %d files, want %d", found, len(want))
	}
}

// saveFiles stores files as a tree and returns its id.
func saveFiles(ctx context.Context, w *Writer, files map[string][]byte) (ID, error) {
	tree := new(Tree)
	subs := make(map[string]map[string][]byte)
	when := time.Date(2020, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600))
	for name, content := range files {
		if dir, rest, ok := strings.Cut(name, "/"); ok {
			if subs[dir] == nil {
				subs[dir] = make(map[string][]byte)
			}
			subs[dir][rest] = content
			continue
		}
		n := &Node{Name: name, Type: FileNode, Mode: 0o644, ModTime: when, AccessTime: when, ChangeTime: when}
		f := w.NewFile(ctx)
		if _, err := io.Copy(f, bytes.NewReader(content)); err != nil {
			return ID{}, err
		}
		if err := f.Close(n); err != nil {
			return ID{}, err
		}
		tree.Nodes = append(tree.Nodes, n)
	}
	for dir, sub := range subs {
		id, err := saveFiles(ctx, w, sub)
		if err != nil {
			return ID{}, err
		}
		tree.Nodes = append(tree.Nodes, &Node{Name: dir, Type: DirNode, Mode: fs.ModeDir | 0o755, ModTime: when, AccessTime: when, ChangeTime: when, Subtree: &id})
	}
	slices.SortFunc(tree.Nodes, func(a, b *Node) int { return strings.Compare(a.Name, b.Name) })
	return w.SaveTree(ctx, tree)
}

func saveSnapshot(t testing.TB, r *Repository, files map[string][]byte) *Snapshot {
	t.Helper()
	w, err := r.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	root, err := saveFiles(t.Context(), w, files)
	if err != nil {
		t.Fatal(err)
	}
	s := &Snapshot{Time: time.Now(), Tree: &root, Paths: []string{"/user@example.org"}, Hostname: "mail.example.org", Tags: []string{"run=1"}}
	if err := w.SaveSnapshot(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// readFiles loads all files below a tree.
func readFiles(t testing.TB, r *Repository, root ID, prefix string, into map[string][]byte) {
	t.Helper()
	tree, err := r.LoadTree(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range tree.Nodes {
		switch n.Type {
		case DirNode:
			readFiles(t, r, *n.Subtree, prefix+n.Name+"/", into)
		case FileNode:
			f, err := r.OpenFile(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			if int64(len(content)) != f.Size() || uint64(len(content)) != n.Size {
				t.Errorf("%q: %d bytes, size %d and %d", n.Name, len(content), f.Size(), n.Size)
			}
			into[prefix+n.Name] = content
		}
	}
}

func TestStockReadsOurs(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	files := sampleFiles()
	snapshot := saveSnapshot(t, r, files)
	s.check("--read-data")
	out := t.TempDir()
	s.run("restore", snapshot.ID().String(), "--target", out)
	compareFiles(t, out, files)
	if got := strings.TrimSpace(s.run("list", "snapshots")); got != snapshot.ID().String() {
		t.Errorf("restic lists snapshots %q", got)
	}

	// A stock restic that tags changes the id; we still know the snapshot.
	s.run("tag", "--add", "kept")
	for tagged, err := range reopen(t, dir).Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if tagged.Key() != snapshot.ID() || tagged.ID() == snapshot.ID() || !slices.Equal(tagged.Tags, []string{"run=1", "kept"}) {
			t.Errorf("tagged snapshot: key %v, id %v, tags %v", tagged.Key(), tagged.ID(), tagged.Tags)
		}
	}
}

func TestWeReadStock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	src := t.TempDir()
	files := sampleFiles()
	writeFiles(t, src, files)
	s.run("backup", src)
	count := 0
	for snapshot, err := range r.Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		got := make(map[string][]byte)
		readFiles(t, r, *snapshot.Tree, "", got)
		if len(got) != len(files) {
			t.Errorf("read %d files, want %d", len(got), len(files))
		}
		for name, content := range files {
			if !bytes.Equal(got[strings.TrimPrefix(filepath.Join(src, name), "/")], content) {
				t.Errorf("%q differs", name)
			}
		}
	}
	if count != 1 {
		t.Errorf("%d snapshots, want 1", count)
	}
	report, err := r.Check(t.Context(), CheckOptions{ReadData: true})
	if err != nil || len(report.Errors) != 0 {
		t.Errorf("check: %v, %+v", err, report)
	}
}
