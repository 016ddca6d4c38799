package restic

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// numberedID is an ID that looks random and can be made again.
func numberedID(n int) ID {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return Hash(b[:])
}

// What is added in small and large portions, read from files or written now, is found: in memory, in temporary files, and
// partly here and there.
func TestIndexFindsAll(t *testing.T) {
	for _, limit := range []int{0, 2000, 30_000, 60_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) { testIndexFindsAll(t, limit) })
	}
}

func testIndexFindsAll(t *testing.T, limit int) {
	const total, perPack = 100_000, 7
	key, err := randomKey()
	if err != nil {
		t.Fatal(err)
	}
	x := blobIndex{key: key, limit: limit}
	defer x.close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var loaded []indexPack
	for n := 0; n < total; n += perPack {
		var blobs []packBlob
		for i := range perPack {
			typ := BlobType((n + i) % 2)
			blobs = append(blobs, packBlob{BlobHandle{typ, numberedID(n + i)}, uint32(i * 100), 100, uint32(n + i)})
		}
		switch {
		case n < total/2: // half of it comes from index files, twice
			p := newIndexPack(numberedID(-n-1), blobs)
			loaded = append(loaded, p, p)
			continue
		case len(loaded) > 0:
			rand.Shuffle(len(loaded), func(i, j int) { loaded[i], loaded[j] = loaded[j], loaded[i] })
			must(x.fill(loaded))
			must(x.settle())
			loaded = nil
			seen := 0
			for typ := range x.tables {
				r, at := x.tables[typ].settled(), 0
				for e, err := range r.all() {
					must(err)
					if i, found, err := r.find(e.id); err != nil || i != at || len(found) != 1 || found[0] != e {
						t.Fatalf("entry %d is found at %d: %v, %v", at, i, found, err)
					}
					at++
				}
				seen += at
			}
			if want := n; seen != want {
				t.Fatalf("%d entries are there, want %d", seen, want)
			}
		}
		must(x.add(numberedID(-n-1), blobs))
	}
	for n := range total {
		h := BlobHandle{BlobType(n % 2), numberedID(n)}
		at, err := x.lookup(h)
		if err != nil || len(at) != 1 || int(at[0].size) != n || at[0].pack != numberedID(-(n/perPack*perPack)-1) || int(at[0].offset) != n%perPack*100 {
			t.Fatalf("blob %d lies at %v, %v", n, at, err)
		}
		h.Type = 1 - h.Type
		if there, err := x.has(h); err != nil || there {
			t.Fatalf("blob %d is there with the other type: %v", n, err)
		}
	}
	if n := x.inMemory(); limit > 0 && n > limit {
		t.Errorf("%d entries lie in memory", n)
	}
}

// A blob may have more copies than a block has entries.
func TestIndexManyCopies(t *testing.T) {
	key, err := randomKey()
	if err != nil {
		t.Fatal(err)
	}
	x := blobIndex{key: key, limit: 10}
	defer x.close()
	const copies = 3*blockEntries + 5
	for i := range copies {
		p := newIndexPack(numberedID(-i-1), []packBlob{{BlobHandle{DataBlob, numberedID(0)}, uint32(i), 100, 0}, {BlobHandle{DataBlob, numberedID(i + 1)}, 0, 100, 0}})
		if err := x.fill([]indexPack{p}); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.settle(); err != nil {
		t.Fatal(err)
	}
	for i := range copies + 1 {
		want := 1
		if i == 0 {
			want = copies
		}
		if found, err := x.lookup(BlobHandle{DataBlob, numberedID(i)}); err != nil || len(found) != want {
			t.Errorf("blob %d has %d copies, want %d: %v", i, len(found), want, err)
		}
	}
}

// indexBlobsEnv says of how many blobs TestIndexMemory makes an index.
const indexBlobsEnv = "OPENCDO_INDEX_BLOBS"

// TestIndexMemory reads the index of a large repository in a process of its own, and looks all up.
func TestIndexMemory(t *testing.T) {
	blobs, err := strconv.Atoi(cmp.Or(os.Getenv(indexBlobsEnv), "300000"))
	if err != nil {
		t.Fatalf("%s: %v", indexBlobsEnv, err)
	}
	if dir := os.Getenv("OPENCDO_INDEX_REPO"); dir != "" { // the child
		r := reopen(t, dir)
		r.index.limit = min(memoryEntries, blobs/5)
		start := time.Now()
		if err := r.LoadIndex(t.Context()); err != nil {
			t.Fatal(err)
		}
		read := time.Since(start)
		start = time.Now()
		const looked = 200_000
		for i := range looked {
			n := i * (blobs / looked)
			known, err := r.HasBlob(t.Context(), BlobHandle{DataBlob, numberedID(n)})
			unknown, err2 := r.HasBlob(t.Context(), BlobHandle{DataBlob, numberedID(-1 - n)})
			if !known || unknown || err != nil || err2 != nil {
				t.Fatal(n, known, unknown, err, err2)
			}
		}
		each := time.Since(start) / (2 * looked)
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		runtime.KeepAlive(r)
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Skip(err)
		}
		peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
		kb, _ := strconv.Atoi(string(peak[1]))
		t.Logf("%d blobs: read in %v, %v a look, %d MB at most, %d MB on the heap now", blobs, read.Round(time.Millisecond), each, kb>>10, m.HeapAlloc>>20)
		if kb > 250<<10 {
			t.Errorf("the process took %d MB", kb>>10)
		}
		return
	}
	r, dir := newRepo(t, cheap)
	fillIndex(t, r, blobs)
	cmd := exec.Command(os.Args[0], "-test.run=^TestIndexMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "OPENCDO_INDEX_REPO="+dir)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// fillIndex writes index files of about so many blobs, a thousand in each pack.
func fillIndex(t testing.TB, r *Repository, blobs int) {
	for f := 0; f < blobs; f += maxIndexBlobs {
		var packs []indexPack
		for p := f; p < min(f+maxIndexBlobs, blobs); p += 1000 {
			list := make([]packBlob, 1000)
			for i := range list {
				list[i] = packBlob{BlobHandle{DataBlob, numberedID(p + i)}, uint32(i * 1000), 1000, 2000}
			}
			packs = append(packs, newIndexPack(numberedID(-1-p), list))
		}
		if _, err := r.saveJSON(t.Context(), IndexFile, indexJSON{Packs: packs}); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkLoadIndex(b *testing.B) {
	const blobs = 1_000_000
	r, dir := newRepo(b, cheap)
	fillIndex(b, r, blobs)
	for _, limit := range []int{memoryEntries, blobs / 5} {
		b.Run(fmt.Sprint(limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := reopen(b, dir)
				r.index.limit = limit
				if err := r.LoadIndex(b.Context()); err != nil {
					b.Fatal(err)
				}
				r.index.close()
			}
			b.ReportMetric(float64(blobs*b.N)/b.Elapsed().Seconds(), "blobs/s")
		})
	}
}

func BenchmarkIndexHas(b *testing.B) {
	key, err := randomKey()
	if err != nil {
		b.Fatal(err)
	}
	list := make([]packBlob, 1_000_000)
	for i := range list {
		list[i] = packBlob{BlobHandle{DataBlob, numberedID(i)}, 0, 1000, 2000}
	}
	absent := make([]ID, 1000)
	for i := range absent {
		absent[i] = numberedID(-1 - i)
	}
	for name, limit := range map[string]int{"memory": memoryEntries, "file": memoryEntries / 10} {
		x := blobIndex{key: key, limit: limit}
		defer x.close()
		if err := errors.Join(x.fill([]indexPack{newIndexPack(ID{}, list)}), x.settle()); err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/known", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if there, err := x.has(list[i%len(list)].BlobHandle); !there || err != nil {
					b.Fatal(i, err)
				}
			}
		})
		b.Run(name+"/unknown", func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if there, err := x.has(BlobHandle{DataBlob, absent[i%len(absent)]}); there || err != nil {
					b.Fatal(i, err)
				}
			}
		})
	}
}
