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

const (
	// memoryEntries is how many entries an index holds in memory, some 50 MB. What is more lies in temporary files.
	memoryEntries = 1 << 20
	// runParts is which part of that index files fill before it is sorted.
	runParts = 4
	// recentParts is which part of that a map holds of new entries, before they become a run. It takes twice the room.
	recentParts = 16
	// maxRuns is how many runs a table has before they are merged.
	maxRuns = 8
)

// table holds one type's entries: sorted runs, of which there is one at most after settle, and the newest in a map.
type table struct {
	runs    []*run
	recent  map[ID]entry
	filling []entry // by fill
}

// find returns all copies of a blob.
func (t *table) find(id ID) ([]entry, error) {
	var found []entry
	for _, r := range t.runs {
		_, some, err := r.find(id)
		if err != nil {
			return nil, err
		}
		if found == nil {
			found = some
		} else {
			found = append(found, some...)
		}
	}
	if e, ok := t.recent[id]; ok {
		found = append(found, e)
	}
	return found, nil
}

// settled is the only run of a table just settled.
func (t *table) settled() *run {
	if len(t.runs) == 0 {
		return &run{}
	}
	return t.runs[0]
}

// blobIndex knows where each blob lies. A million entries lie in memory, 48 bytes each; where there are more they lie in
// temporary files, with a byte and a half of memory each. A pack takes some 90 bytes.
type blobIndex struct {
	mu      sync.RWMutex
	key     *masterKey
	loaded  bool // as of now; what is in it stays in use until it was read again
	limit   int  // of entries in memory; 0: memoryEntries
	packs   []ID
	numbers map[ID]uint32
	tables  [blobTypes]table
}

// inMemory is how many entries of runs lie in memory.
func (x *blobIndex) inMemory() int {
	n := 0
	for i := range x.tables {
		for _, r := range x.tables[i].runs {
			n += len(r.mem)
		}
	}
	return n
}

func (x *blobIndex) memory() int { return cmp.Or(x.limit, memoryEntries) }

func (x *blobIndex) fits(more int) bool { return x.inMemory()+more <= x.memory() }

// addRun adds sorted entries to a table as a run of its own. It keeps the slice if they stay in memory.
func (x *blobIndex) addRun(t *table, entries []entry) (kept bool, err error) {
	r := &run{n: len(entries), mem: entries}
	if !x.fits(len(entries)) {
		if r, err = writeRun(x.key, len(entries), r.all()); err != nil {
			return false, err
		}
	}
	t.runs = append(t.runs, r)
	return r.mem != nil, nil
}

// merge makes one run of a table's runs from the given one on.
func (x *blobIndex) merge(t *table, from int) error {
	runs := t.runs[from:]
	if len(runs) <= 1 {
		return nil
	}
	n, own := 0, 0
	for _, r := range runs {
		n += r.n
		own += len(r.mem)
	}
	all := &run{}
	if x.fits(n - own) {
		all.mem = make([]entry, 0, n)
		for e, err := range merged(runs) {
			if err != nil {
				return err
			}
			all.mem = append(all.mem, e)
		}
		all.n = len(all.mem)
	} else {
		var err error
		if all, err = writeRun(x.key, n, merged(runs)); err != nil {
			return err
		}
	}
	for _, r := range runs {
		r.close()
	}
	t.runs = append(t.runs[:from:from], all)
	return nil
}

// close gives up the runs' files.
func (x *blobIndex) close() {
	for i := range x.tables {
		for _, r := range x.tables[i].runs {
			r.close()
		}
	}
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
func (x *blobIndex) add(id ID, blobs []packBlob) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, _ := x.pack(id)
	for _, b := range blobs {
		t := &x.tables[b.Type]
		if _, ok := t.recent[b.ID]; ok {
			continue // a second copy of a blob written just now: one is enough
		}
		if t.recent == nil {
			t.recent = make(map[ID]entry)
		}
		t.recent[b.ID] = entry{b.ID, n, b.offset, b.length, b.size}
		if len(t.recent) > x.memory()/recentParts {
			if err := x.sortIn(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// sortIn makes a run of a table's recent entries.
func (x *blobIndex) sortIn(t *table) error {
	recent := make([]entry, 0, len(t.recent))
	for _, e := range t.recent {
		recent = append(recent, e)
	}
	slices.SortFunc(recent, compareEntries)
	if _, err := x.addRun(t, recent); err != nil {
		return err
	}
	clear(t.recent)
	if len(t.runs) <= maxRuns {
		return nil
	}
	added := 0
	for _, r := range t.runs[1:] {
		added += r.n
	}
	if added < t.runs[0].n { // the large one isn't copied each time
		return x.merge(t, 1)
	}
	return x.merge(t, 0)
}

// fill adds what an index file says. Nothing of it is found before settle is called.
func (x *blobIndex) fill(packs []indexPack) error {
	for _, p := range packs {
		n, _ := x.pack(p.ID)
		for _, b := range p.Blobs {
			t := &x.tables[b.Type]
			t.filling = append(t.filling, entry{b.ID, n, b.Offset, b.Length, b.Size})
			if len(t.filling) > x.memory()/runParts {
				if err := x.sortFilling(t); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (x *blobIndex) sortFilling(t *table) error {
	slices.SortFunc(t.filling, compareEntries)
	kept, err := x.addRun(t, slices.Compact(t.filling)) // several index files may tell the same
	if kept {
		t.filling = nil
	}
	t.filling = t.filling[:0]
	return err
}

// settle ends filling.
func (x *blobIndex) settle() error {
	for i := range x.tables {
		t := &x.tables[i]
		if len(t.filling) > 0 {
			if err := x.sortFilling(t); err != nil {
				return err
			}
		}
		t.filling = nil
		if err := x.merge(t, 0); err != nil {
			return err
		}
	}
	x.loaded = true
	return nil
}

// location is a copy of a blob and the pack it lies in.
type location struct {
	pack ID
	packBlob
}

// has reports whether a blob is there.
func (x *blobIndex) has(h BlobHandle) (bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if _, ok := x.tables[h.Type].recent[h.ID]; ok {
		return true, nil
	}
	found, err := x.tables[h.Type].find(h.ID)
	return len(found) > 0, err
}

// lookup returns all copies of a blob.
func (x *blobIndex) lookup(h BlobHandle) ([]location, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	entries, err := x.tables[h.Type].find(h.ID)
	if err != nil {
		return nil, err
	}
	found := make([]location, len(entries))
	for i, e := range entries {
		found[i] = x.locate(h.Type, e)
	}
	return found, nil
}

// holds reports whether a blob lies in a pack as b says.
func (x *blobIndex) holds(pack uint32, b packBlob) (bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	found, err := x.tables[b.Type].find(b.ID)
	return slices.Contains(found, entry{b.ID, pack, b.offset, b.length, b.size}), err
}

func (x *blobIndex) locate(t BlobType, e entry) location {
	return location{x.packs[e.pack], packBlob{BlobHandle{t, e.id}, e.offset, e.length, e.size}}
}
