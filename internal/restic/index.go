package restic

import (
	"cmp"
	"slices"
	"sync"
)

// entry is one copy of a blob in the index: 48 bytes, without pointers, so that the garbage collector
// doesn't look at them.
type entry struct {
	id     ID
	pack   uint32 // number in blobIndex.packs
	offset uint32
	length uint32
	size   uint32
}

func compareEntries(a, b entry) int {
	return cmp.Or(a.id.Compare(b.id), cmp.Compare(a.pack, b.pack), cmp.Compare(a.offset, b.offset))
}

// minRecent is how many new entries are worth sorting in.
const minRecent = 1 << 14

// table holds one type's entries: most in one sorted array, the newest in a map until they are many
// enough to be merged.
type table struct {
	sorted []entry
	recent map[ID]entry
}

func (t *table) add(e entry) {
	if _, ok := t.recent[e.id]; ok {
		return // a second copy of a blob written just now: one is enough
	}
	if t.recent == nil {
		t.recent = make(map[ID]entry)
	}
	t.recent[e.id] = e
	if len(t.recent) >= minRecent+len(t.sorted)/16 {
		t.merge()
	}
}

// merge sorts the recent entries into the array, from its end so that no second array is needed.
func (t *table) merge() {
	recent := make([]entry, 0, len(t.recent))
	for _, e := range t.recent {
		recent = append(recent, e)
	}
	slices.SortFunc(recent, compareEntries)
	i, j := len(t.sorted)-1, len(recent)-1
	t.sorted = append(t.sorted, recent...)
	for k := len(t.sorted) - 1; j >= 0; k-- {
		if i >= 0 && compareEntries(t.sorted[i], recent[j]) > 0 {
			t.sorted[k] = t.sorted[i]
			i--
		} else {
			t.sorted[k] = recent[j]
			j--
		}
	}
	clear(t.recent)
}

// find returns where the first entry of id is in the array, and how many there are.
func (t *table) find(id ID) (first, n int) {
	first, _ = slices.BinarySearchFunc(t.sorted, id, func(e entry, id ID) int { return e.id.Compare(id) })
	for first+n < len(t.sorted) && t.sorted[first+n].id == id {
		n++
	}
	return first, n
}

// blobIndex knows where each blob lies. It takes 48 bytes for each copy of a blob and some 90 for each
// pack: a repository of 10 million blobs needs half a gigabyte.
type blobIndex struct {
	mu      sync.RWMutex
	loaded  bool // as of now; what is in it stays in use until it was read again
	packs   []ID
	numbers map[ID]uint32
	tables  [blobTypes]table
}

// pack returns the number of a pack, giving it one where it is new.
func (x *blobIndex) pack(id ID) (number uint32, isNew bool) {
	if n, ok := x.numbers[id]; ok {
		return n, false
	}
	if x.numbers == nil {
		x.numbers = make(map[ID]uint32)
	}
	n := uint32(len(x.packs))
	x.packs = append(x.packs, id)
	x.numbers[id] = n
	return n, true
}

// add makes a new pack's blobs known.
func (x *blobIndex) add(id ID, blobs []packBlob) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, _ := x.pack(id)
	for _, b := range blobs {
		x.tables[b.Type].add(entry{b.ID, n, b.offset, b.length, b.size})
	}
}

// fill adds what an index file says. The tables aren't sorted before settle is called.
func (x *blobIndex) fill(packs []indexPack) {
	for _, p := range packs {
		n, _ := x.pack(p.ID)
		for _, b := range p.Blobs {
			t := &x.tables[b.Type]
			t.sorted = append(t.sorted, entry{b.ID, n, b.Offset, b.Length, b.Size})
		}
	}
}

// settle sorts what fill added; several index files may have told the same.
func (x *blobIndex) settle() {
	for i := range x.tables {
		t := &x.tables[i]
		slices.SortFunc(t.sorted, compareEntries)
		t.sorted = slices.Compact(t.sorted)
	}
	x.loaded = true
}

// location is a copy of a blob and the pack it lies in.
type location struct {
	pack ID
	packBlob
}

// has reports whether a blob is there.
func (x *blobIndex) has(h BlobHandle) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := &x.tables[h.Type]
	if _, ok := t.recent[h.ID]; ok {
		return true
	}
	_, n := t.find(h.ID)
	return n > 0
}

// lookup returns all copies of a blob.
func (x *blobIndex) lookup(h BlobHandle) []location {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := &x.tables[h.Type]
	first, n := t.find(h.ID)
	found := make([]location, 0, n+1)
	for _, e := range t.sorted[first : first+n] {
		found = append(found, x.locate(h.Type, e))
	}
	if e, ok := t.recent[h.ID]; ok {
		found = append(found, x.locate(h.Type, e))
	}
	return found
}

// holds reports whether a blob lies in a pack as b says.
func (x *blobIndex) holds(pack uint32, b packBlob) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	t := &x.tables[b.Type]
	first, n := t.find(b.ID)
	return slices.Contains(t.sorted[first:first+n], entry{b.ID, pack, b.offset, b.length, b.size})
}

func (x *blobIndex) locate(t BlobType, e entry) location {
	return location{x.packs[e.pack], packBlob{BlobHandle{t, e.id}, e.offset, e.length, e.size}}
}
