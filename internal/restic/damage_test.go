package restic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// damage changes a byte of a file.
func damage(t testing.TB, path string, offset int64) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b[:], offset); err != nil {
		t.Fatal(err)
	}
}

// checkErrors returns what Check finds, which stock restic must not call free of errors either.
// withStock is false where stock restic spends a minute on trying again.
func checkErrors(t *testing.T, dir string, readData, withStock bool) []error {
	t.Helper()
	report, err := reopen(t, dir).Check(t.Context(), CheckOptions{ReadData: readData})
	if err != nil {
		t.Fatal(err)
	}
	if path, err := stockPath(); err == nil && withStock {
		args := []string{"check"}
		if readData {
			args = append(args, "--read-data")
		}
		s := &stock{t, path, dir}
		if out, err := s.command(args...).CombinedOutput(); (err != nil) != (report.Faults > 0) {
			t.Errorf("we find %v, restic check says %v: %s", report.Errors, err, out)
		}
	}
	return report.Errors
}

// names reports whether one of the errors is a DamagedError about a file.
func names(failures []error, file string) bool {
	for _, err := range failures {
		var d *DamagedError
		if errors.As(err, &d) && d.File == file && errors.Is(err, ErrDamaged) {
			return true
		}
	}
	return false
}

func packOf(t testing.TB, r *Repository, h BlobHandle) location {
	t.Helper()
	if err := r.LoadIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	at, err := r.index.lookup(h)
	if err != nil || len(at) != 1 {
		t.Fatalf("%v lies at %v, %v", h, at, err)
	}
	return at[0]
}

func TestDamage(t *testing.T) {
	content := pseudoRandom(7, 100_000)
	blob := BlobHandle{DataBlob, Hash(content)}
	for _, test := range []struct {
		name     string
		file     func(t *testing.T, r *Repository) Handle
		change   func(t *testing.T, path string, at location)
		readData bool // only reading the data shows it
		index    bool // the index can't be loaded
		gone     bool // something isn't there
	}{
		{
			name: "blob",
			change: func(t *testing.T, path string, at location) {
				damage(t, path, int64(at.offset)+int64(at.length)/2)
			},
			readData: true,
		},
		{
			name: "pack cut off",
			change: func(t *testing.T, path string, at location) {
				if err := os.Truncate(path, int64(at.offset)+int64(at.length)/2); err != nil {
					t.Fatal(err)
				}
			},
			gone: true,
		},
		{
			name: "pack missing",
			change: func(t *testing.T, path string, at location) {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			},
			gone: true,
		},
		{
			name:   "index",
			file:   func(t *testing.T, r *Repository) Handle { return onlyFile(t, r, IndexFile) },
			change: func(t *testing.T, path string, at location) { damage(t, path, 20) },
			index:  true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, dir := newRepo(t, cheap)
			snapshot := saveSnapshot(t, r, map[string][]byte{"file": content})
			at := packOf(t, r, blob)
			h := Handle{PackFile, at.pack}
			if test.file != nil {
				h = test.file(t, r)
			}
			path := filepath.Join(dir, filepath.FromSlash(h.String()))
			os.Chmod(path, 0o600)
			test.change(t, path, at)

			_, err := reopen(t, dir).LoadBlob(t.Context(), blob, nil)
			if !names([]error{err}, h.String()) {
				t.Errorf("load the blob: %v, want an error that names %v", err, h)
			}
			tree, err := reopen(t, dir).LoadTree(t.Context(), *snapshot.Tree)
			if test.index != (err != nil) {
				t.Errorf("load the tree: %v", err)
			}
			if err == nil {
				f, err := reopen(t, dir).OpenFile(t.Context(), tree.Nodes[0])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadAll(f); !errors.Is(err, ErrDamaged) {
					t.Errorf("read the file: %v", err)
				}
			}
			if found := checkErrors(t, dir, true, !test.gone); !names(found, h.String()) {
				t.Errorf("check that reads data: %v, want one that names %v", found, h)
			}
			if found := checkErrors(t, dir, false, !test.gone); names(found, h.String()) == test.readData {
				t.Errorf("check: %v, names %v: %v", found, h, test.readData)
			}
		})
	}
}

func onlyFile(t *testing.T, r *Repository, typ FileType) (h Handle) {
	t.Helper()
	for fi, err := range r.be.List(t.Context(), typ) {
		if err != nil || !h.ID.IsZero() {
			t.Fatal(err, h)
		}
		h = fi.Handle
	}
	return h
}

func TestMissingBlob(t *testing.T) {
	r, dir := newRepo(t, cheap)
	w, err := r.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	lost := Hash([]byte("never stored"))
	node := &Node{Name: "file", Type: FileNode, Content: []ID{lost}}
	root, err := w.SaveTree(t.Context(), &Tree{Nodes: []*Node{node}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SaveSnapshot(t.Context(), &Snapshot{Tree: &root}); err != nil {
		t.Fatal(err)
	}
	var missing *MissingBlobError
	if _, err := r.OpenFile(t.Context(), node); !errors.As(err, &missing) || missing.Blob.ID != lost || !errors.Is(err, ErrNotFound) {
		t.Errorf("open the file: %v", err)
	}
	if _, err := r.LoadBlob(t.Context(), BlobHandle{TreeBlob, lost}, nil); !errors.As(err, &missing) {
		t.Errorf("load the blob: %v", err)
	}
	found := checkErrors(t, dir, false, true)
	if len(found) != 1 || !errors.As(found[0], &missing) || missing.Blob != (BlobHandle{DataBlob, lost}) || !strings.Contains(found[0].Error(), `"file"`) {
		t.Errorf("check: %v", found)
	}
	if err := w.SaveSnapshot(t.Context(), &Snapshot{Tree: &lost}); !errors.As(err, &missing) {
		t.Errorf("save a snapshot of a tree that isn't there: %v", err)
	}
}

// What is right is counted, and progress reaches its end.
func TestCheckCounts(t *testing.T) {
	r, dir := newRepo(t, cheap)
	files := map[string][]byte{"a": []byte("a"), "dir/also a": []byte("a"), "dir/b": []byte("b")}
	saveSnapshot(t, r, files)
	saveSnapshot(t, r, files)
	w := newWriter(t, r)
	if _, _, err := w.SaveBlob(t.Context(), DataBlob, []byte("nobody refers to this")); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stray := []byte("a pack that no index names, and none at all")
	if err := r.be.Save(t.Context(), Handle{PackFile, Hash(stray)}, inMemory(stray)); err != nil {
		t.Fatal(err)
	}
	var last CheckProgress
	report, err := reopen(t, dir).Check(t.Context(), CheckOptions{Progress: func(p CheckProgress) { last = p }})
	if err != nil {
		t.Fatal(err)
	}
	want := CheckReport{Snapshots: 2, Trees: 2, DataBlobs: 2, Packs: 4, Unreferenced: 1, PackBytes: report.PackBytes}
	if !reflect.DeepEqual(*report, want) || last != (CheckProgress{Trees: 2}) {
		t.Errorf("%+v, last progress %+v, want %+v", *report, last, want)
	}
	wholeBytes := report.PackBytes - int64(len(stray))
	report, err = reopen(t, dir).Check(t.Context(), CheckOptions{ReadData: true, Progress: func(p CheckProgress) { last = p }})
	if err != nil || report.Faults != 0 || last != (CheckProgress{Trees: 2, Bytes: wholeBytes, TotalBytes: wholeBytes}) {
		t.Errorf("%v, last progress %+v of %d", err, last, report.PackBytes)
	}
}

// Of a blob stored twice one good copy is enough.
func TestSecondCopy(t *testing.T) {
	r, dir := newRepo(t, cheap)
	other := reopen(t, dir)
	if err := other.LoadIndex(t.Context()); err != nil { // before the first copy is there
		t.Fatal(err)
	}
	content := pseudoRandom(7, 100_000)
	blob := BlobHandle{DataBlob, Hash(content)}
	saveSnapshot(t, r, map[string][]byte{"file": content})
	saveSnapshot(t, other, map[string][]byte{"file": content})
	for _, repo := range []*Repository{r, other} {
		at := packOf(t, repo, blob)
		damage(t, filepath.Join(dir, filepath.FromSlash(Handle{PackFile, at.pack}.String())), int64(at.offset)+99)
		got, err := reopen(t, dir).LoadBlob(t.Context(), blob, nil)
		if repo == r && (err != nil || !bytes.Equal(got, content)) {
			t.Errorf("with one good copy: %v", err)
		}
		if repo == other && !errors.Is(err, ErrDamaged) {
			t.Errorf("with no good copy: %v", err)
		}
	}
}

// A disk that is full, a real one, gives ENOSPC and nothing half-written; once there is room the run goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if runtime.GOOS != "linux" || exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", dir).Run() != nil {
		t.Skip("SKIPPED: mounting a small file system needs Linux and its superuser")
	}
	defer exec.Command("umount", "-l", dir).Run()
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	repoDir := filepath.Join(dir, "repo")
	r, err := Create(t.Context(), NewLocal(repoDir), testPassword, cheap)
	if err != nil {
		t.Fatal(err)
	}
	s := newStock(t, repoDir)
	first := saveSnapshot(t, r, map[string][]byte{"a": []byte("a")})
	w, err := r.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"big": pseudoRandom(1, 5<<20)}
	_, err = saveFiles(t.Context(), w, files)
	if err = errors.Join(err, w.Flush(t.Context())); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk gives %v", err)
	}
	if _, _, err := w.SaveBlob(t.Context(), DataBlob, []byte("more")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the writer goes on: %v", err)
	}
	w.Close()
	if left, err := os.ReadDir(filepath.Join(repoDir, tempDir)); err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.check("--read-data")
	second := saveSnapshot(t, reopen(t, repoDir), files)
	s.check("--read-data")
	if out := s.run("dump", second.ID().String(), "big"); out != string(files["big"]) {
		t.Error("the second run's file differs")
	}
	if out := s.run("dump", first.ID().String(), "a"); out != "a" {
		t.Error("the first run's file differs")
	}
}

// cancelBackend ends the context while a pack is saved.
type cancelBackend struct {
	Backend
	cancel context.CancelFunc
}

func (b *cancelBackend) Save(ctx context.Context, h Handle, data *io.SectionReader) error {
	if h.Type == PackFile {
		b.cancel()
	}
	return b.Backend.Save(ctx, h, data)
}

func TestWriterEndsWithItsContext(t *testing.T) {
	r, dir := newRepo(t, cheap)
	ctx, cancel := context.WithCancel(t.Context())
	r.be = &cancelBackend{r.be, cancel}
	w, err := r.NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, err = saveFiles(t.Context(), w, map[string][]byte{"big": pseudoRandom(1, 20<<20)})
	if !errors.Is(errors.Join(err, w.Flush(t.Context())), context.Canceled) {
		t.Errorf("after the context ended: %v", err)
	}
	w.Close()
	w.Close()
	if _, _, err := w.SaveBlob(t.Context(), DataBlob, []byte("x")); err == nil {
		t.Error("a closed writer takes blobs")
	}
	newStock(t, dir).check()
}
