package restic

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// numberedID is an ID that looks random and can be made again.
func numberedID(n int) ID {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	return Hash(b[:])
}

// What is added in small and large portions, read from files or written now, is found.
func TestIndexFindsAll(t *testing.T) {
	const total, perPack = 100_000, 7
	var x blobIndex
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
			x.fill(loaded)
			x.settle()
			loaded = nil
		}
		x.add(numberedID(-n-1), blobs)
	}
	for n := range total {
		h := BlobHandle{BlobType(n % 2), numberedID(n)}
		at := x.lookup(h)
		if len(at) != 1 || int(at[0].size) != n || at[0].pack != numberedID(-(n/perPack*perPack)-1) || int(at[0].offset) != n%perPack*100 {
			t.Fatalf("blob %d lies at %v", n, at)
		}
		if h.Type = 1 - h.Type; x.has(h) {
			t.Fatalf("blob %d is there with the other type", n)
		}
	}
	if n := len(x.tables[DataBlob].sorted); n < total/4 {
		t.Errorf("only %d entries were merged", n)
	}
}

func BenchmarkLoadIndex(b *testing.B) {
	const files, blobs = 20, 50_000
	r, dir := newRepo(b, cheap)
	for f := range files {
		var packs []indexPack
		for p := range 50 {
			list := make([]packBlob, blobs/50)
			for i := range list {
				list[i] = packBlob{BlobHandle{DataBlob, numberedID((f*50+p)*len(list) + i)}, uint32(i * 1000), 1000, 2000}
			}
			packs = append(packs, newIndexPack(numberedID(-1-f*50-p), list))
		}
		if _, err := r.saveJSON(b.Context(), IndexFile, indexJSON{Packs: packs}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := reopen(b, dir).LoadIndex(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(files*blobs*b.N)/b.Elapsed().Seconds(), "blobs/s")
}

func BenchmarkIndexHas(b *testing.B) {
	var x blobIndex
	list := make([]packBlob, 1_000_000)
	for i := range list {
		list[i] = packBlob{BlobHandle{DataBlob, numberedID(i)}, 0, 1000, 2000}
	}
	x.fill([]indexPack{newIndexPack(ID{}, list)})
	x.settle()
	for i := 0; b.Loop(); i++ {
		if !x.has(list[i%len(list)].BlobHandle) {
			b.Fatal(i)
		}
	}
}
