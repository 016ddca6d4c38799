package restic

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/opencdo/opencdo/internal/restic/chunker"
)

// storeFile writes pieces with cuts between them, in bites of random size.
func storeFile(t testing.TB, w *Writer, pieces ...[]byte) *Node {
	t.Helper()
	f := w.NewFile(t.Context())
	for i, p := range pieces {
		if i > 0 {
			if err := f.Cut(); err != nil {
				t.Fatal(err)
			}
		}
		for len(p) > 0 {
			n := min(1+rand.IntN(3<<20), len(p))
			if _, err := f.Write(p[:n]); err != nil {
				t.Fatal(err)
			}
			p = p[n:]
		}
	}
	node := &Node{Name: "file", Type: FileNode}
	if err := f.Close(node); err != nil {
		t.Fatal(err)
	}
	return node
}

func newWriter(t testing.TB, r *Repository) *Writer {
	t.Helper()
	w, err := r.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestFileWriterCuts(t *testing.T) {
	r, _ := newRepo(t, cheap)
	w := newWriter(t, r)
	small, large, huge := pseudoRandom(1, 5000), pseudoRandom(2, chunker.MaxSize), pseudoRandom(3, chunker.MaxSize+1)
	for name, test := range map[string]struct {
		pieces [][]byte
		want   []ID
	}{
		"nothing":               {nil, []ID{}},
		"one":                   {[][]byte{small}, []ID{Hash(small)}},
		"cuts with nothing":     {[][]byte{nil, small, nil, nil}, []ID{Hash(small)}},
		"the largest whole one": {[][]byte{small, large, small}, []ID{Hash(small), Hash(large), Hash(small)}},
		"cut by content":        {[][]byte{huge}, chunkIDs(r, huge)},
		"each cut anew":         {[][]byte{huge, small, huge}, slices.Concat(chunkIDs(r, huge), []ID{Hash(small)}, chunkIDs(r, huge))},
	} {
		n := storeFile(t, w, test.pieces...)
		if !slices.Equal(n.Content, test.want) || n.Content == nil || n.Size != uint64(len(slices.Concat(test.pieces...))) {
			t.Errorf("%s: size %d, content %v, want %v", name, n.Size, n.Content, test.want)
		}
	}
	if s := w.Stats(); s.DataBlobs != 2+len(chunkIDs(r, huge)) {
		t.Errorf("%d blobs stored, some twice", s.DataBlobs)
	}
}

func TestFileReader(t *testing.T) {
	r, _ := newRepo(t, cheap)
	w := newWriter(t, r)
	pieces := [][]byte{pseudoRandom(1, 10), pseudoRandom(2, 4096), bytes.Repeat([]byte("z"), 70_000), pseudoRandom(1, 10), pseudoRandom(4, 1)}
	whole := slices.Concat(pieces...)
	n := storeFile(t, w, pieces...)
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	open := func() *FileReader {
		f, err := r.OpenFile(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := iotest.TestReader(open(), whole); err != nil {
		t.Error(err)
	}
	f := open()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				from := rand.IntN(len(whole))
				to := from + rand.IntN(len(whole)-from)
				got := make([]byte, to-from)
				if _, err := f.ReadAt(got, int64(from)); err != nil || !bytes.Equal(got, whole[from:to]) {
					t.Errorf("read %d to %d: %v", from, to, err)
				}
			}
		})
	}
	all.Wait()
	if len(f.cache) > cachedBlobs {
		t.Errorf("%d blobs in memory", len(f.cache))
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("no error before the start")
	}
	if n, err := f.ReadAt(make([]byte, 10), f.Size()-1); n != 1 || err != io.EOF {
		t.Errorf("read over the end: %d, %v", n, err)
	}
	if _, err := r.OpenFile(t.Context(), &Node{Name: "d", Type: DirNode}); err == nil {
		t.Error("a directory opens as a file")
	}
}

func TestEmptyAndHugeBlobs(t *testing.T) {
	r, dir := newRepo(t, cheap)
	w := newWriter(t, r)
	id, isNew, err := w.SaveBlob(t.Context(), DataBlob, nil)
	if err != nil || !isNew {
		t.Fatal(isNew, err)
	}
	huge := make([]byte, 40<<20) // a tree of a directory with very many files may be
	hugeID, _, err := w.SaveBlob(t.Context(), DataBlob, huge)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, dir)
	if got, err := again.LoadBlob(t.Context(), BlobHandle{DataBlob, id}, nil); err != nil || len(got) != 0 {
		t.Errorf("empty blob: %d bytes, %v", len(got), err)
	}
	if got, err := again.LoadBlob(t.Context(), BlobHandle{DataBlob, hugeID}, nil); err != nil || !bytes.Equal(got, huge) {
		t.Errorf("huge blob: %d bytes, %v", len(got), err)
	}
	if _, err := again.LoadBlob(t.Context(), BlobHandle{TreeBlob, id}, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("the data blob is found as a tree: %v", err)
	}
	newStock(t, dir).check("--read-data")
}

// Many goroutines may use one writer, and a blob they all store is stored once.
func TestWriterConcurrently(t *testing.T) {
	r, dir := newRepo(t, &Config{KDF: cheap.KDF, PackSize: 100 << 10})
	w := newWriter(t, r)
	var all sync.WaitGroup
	for g := range uint64(8) {
		all.Go(func() {
			for i := range uint64(100) {
				if _, _, err := w.SaveBlob(t.Context(), DataBlob, pseudoRandom(i, 5000)); err != nil {
					t.Error(err)
				}
				if g == i%8 {
					if err := w.Flush(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.DataBlobs != 100 || s.KnownBlobs != 700 {
		t.Errorf("%+v", s)
	}
	s := newStock(t, dir)
	s.check("--read-data")
	again := reopen(t, dir)
	for i := range uint64(100) {
		content := pseudoRandom(i, 5000)
		if got, err := again.LoadBlob(t.Context(), BlobHandle{DataBlob, Hash(content)}, nil); err != nil || !bytes.Equal(got, content) {
			t.Errorf("blob %d: %v", i, err)
		}
	}
}

func BenchmarkSaveBlob(b *testing.B) {
	text := bytes.Repeat([]byte("A letter to the world, of the kind that compresses well enough. "), 1<<14)
	for name, data := range map[string][]byte{"random 1 MiB": pseudoRandom(1, 1<<20), "text 1 MiB": text, "random 16 KiB": pseudoRandom(1, 16<<10)} {
		b.Run(name, func(b *testing.B) {
			r, err := Create(b.Context(), NewLocal(b.TempDir()), testPassword, &Config{KDF: cheap.KDF})
			if err != nil {
				b.Fatal(err)
			}
			w := newWriter(b, r)
			b.SetBytes(int64(len(data)))
			for i := 0; b.Loop(); i++ {
				data[0], data[1], data[2] = byte(i), byte(i>>8), byte(i>>16)
				if _, _, err := w.SaveBlob(b.Context(), DataBlob, data); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
