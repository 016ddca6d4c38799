package restic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sort"
)

// run is a part of an index: entries in order, in memory or in a temporary file. There they lie in blocks, each sealed with
// the repository's key. A run on disk keeps some 10 bits for each blob in memory.
type run struct {
	n   int
	mem []entry // all, or nil for a run on disk

	file   *os.File
	key    *masterKey
	starts []uint64 // how each block's first id begins
	filter filter
}

const (
	entrySize = len(ID{}) + 4*4
	// blockEntries makes a sealed block a little less than a page of memory.
	blockEntries = 84
	blockSize    = blockEntries*entrySize + overhead
)

// numbers are what follows an entry's id in a block.
func (e *entry) numbers() [4]*uint32 { return [...]*uint32{&e.pack, &e.offset, &e.length, &e.size} }

func (e *entry) append(b []byte) []byte {
	b = append(b, e.id[:]...)
	for _, n := range e.numbers() {
		b = binary.LittleEndian.AppendUint32(b, *n)
	}
	return b
}

func (e *entry) decode(b []byte) {
	b = b[copy(e.id[:], b):]
	for i, n := range e.numbers() {
		*n = binary.LittleEndian.Uint32(b[4*i:])
	}
}

// beginning is a number that is in the same order as the ids.
func (id ID) beginning() uint64 { return binary.BigEndian.Uint64(id[:]) }

// filter is a Bloom filter: it tells for sure that an id isn't there, and with one in a hundred that it may be though it
// isn't.
type filter []uint64

const (
	filterBits   = 10 // for each id
	filterHashes = 7
)

// bits yields the numbers of an id's bits. Ids are hashes, so parts of them do for the filter's.
func (f filter) bits(id ID) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		h, step := binary.LittleEndian.Uint64(id[8:]), binary.LittleEndian.Uint64(id[16:])|1
		for range filterHashes {
			if !yield(h % (uint64(len(f)) * 64)) {
				return
			}
			h += step
		}
	}
}

func (f filter) add(id ID) {
	for i := range f.bits(id) {
		f[i/64] |= 1 << (i % 64)
	}
}

func (f filter) mayHave(id ID) bool {
	for i := range f.bits(id) {
		if f[i/64]&(1<<(i%64)) == 0 {
			return false
		}
	}
	return true
}

// writeRun stores at most n entries, which come in order, in a temporary file.
func writeRun(key *masterKey, n int, entries iter.Seq2[entry, error]) (*run, error) {
	f, err := createTemp("opencdo-index-*")
	if err != nil {
		return nil, err
	}
	r := &run{file: f, key: key, starts: make([]uint64, 0, n/blockEntries+1), filter: make(filter, n*filterBits/64+1)}
	const gathered = 64 // blocks in one write
	out := make([]byte, 0, gathered*blockSize)
	block := make([]byte, nonceSize, blockSize)
	flush := func(least int) error {
		if len(block) > nonceSize {
			out = append(out, key.sealInPlace(block, 0)...)
			block = block[:nonceSize]
		}
		if len(out) < least {
			return nil
		}
		_, err := f.Write(out)
		out = out[:0]
		return err
	}
	for e, err := range entries {
		if err != nil {
			f.Close()
			return nil, err
		}
		if r.n%blockEntries == 0 {
			if err := flush(gathered * blockSize); err != nil {
				f.Close()
				return nil, fmt.Errorf("restic: keep the index in a temporary file: %w", err)
			}
			r.starts = append(r.starts, e.id.beginning())
		}
		block = e.append(block)
		r.filter.add(e.id)
		r.n++
	}
	if err := flush(0); err != nil {
		f.Close()
		return nil, fmt.Errorf("restic: keep the index in a temporary file: %w", err)
	}
	return r, nil
}

// block reads a block's entries, still encoded, into buf.
func (r *run) block(i int, buf []byte) ([]byte, error) {
	n := min(blockEntries, r.n-i*blockEntries)*entrySize + overhead
	buf = slices.Grow(buf[:0], n)[:n]
	if _, err := r.file.ReadAt(buf, int64(i)*int64(blockSize)); err != nil && err != io.EOF {
		return nil, fmt.Errorf("restic: read the index from its temporary file: %w", err)
	}
	plain, err := r.key.open(buf)
	if err != nil {
		return nil, fmt.Errorf("restic: read the index from its temporary file: %w", err)
	}
	return plain, nil
}

// find returns an id's entries and the place of the first of them.
func (r *run) find(id ID) (first int, found []entry, err error) {
	if r.mem != nil {
		first, _ = slices.BinarySearchFunc(r.mem, id, func(e entry, id ID) int { return e.id.Compare(id) })
		last := first
		for last < len(r.mem) && r.mem[last].id == id {
			last++
		}
		return first, r.mem[first:last:last], nil
	}
	if r.n == 0 || !r.filter.mayHave(id) {
		return 0, nil, nil
	}
	// A block that begins like the id may begin with it, and others of it may come before.
	i := max(sort.Search(len(r.starts), func(i int) bool { return r.starts[i] >= id.beginning() })-1, 0)
	var room [blockSize]byte
	for ; i < len(r.starts) && r.starts[i] <= id.beginning(); i++ {
		b, err := r.block(i, room[:])
		if err != nil {
			return 0, nil, err
		}
		n := len(b) / entrySize
		at := func(k int) []byte { return b[k*entrySize:] }
		k := sort.Search(n, func(k int) bool { return ID(at(k)[:len(id)]).Compare(id) >= 0 })
		for ; k < n && ID(at(k)[:len(id)]) == id; k++ {
			if len(found) == 0 {
				first = i*blockEntries + k
			}
			var e entry
			e.decode(at(k))
			found = append(found, e)
		}
		if k < n {
			break
		}
	}
	return first, found, nil
}

// all yields the entries in order.
func (r *run) all() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, e := range r.mem {
			if !yield(e, nil) {
				return
			}
		}
		var buf []byte
		for i := range r.starts {
			b, err := r.block(i, buf)
			if err != nil {
				yield(entry{}, err)
				return
			}
			for k := 0; k < len(b); k += entrySize {
				var e entry
				e.decode(b[k:])
				if !yield(e, nil) {
					return
				}
			}
			buf = b[:0]
		}
	}
}

// close gives up a run's file.
func (r *run) close() {
	if r.file != nil {
		r.file.Close()
	}
}

// merged yields the entries of several runs in order, those that several have once.
func merged(runs []*run) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		type cursor struct {
			entry
			next func() (entry, error, bool)
		}
		var cursors []cursor
		var failure error
		advance := func(i int) bool {
			e, err, ok := cursors[i].next()
			failure = errors.Join(failure, err)
			cursors[i].entry = e
			return ok && err == nil
		}
		for _, r := range runs {
			next, stop := iter.Pull2(r.all())
			defer stop()
			cursors = append(cursors, cursor{next: next})
			if !advance(len(cursors) - 1) {
				cursors = cursors[:len(cursors)-1]
			}
		}
		var last entry
		for begun := false; len(cursors) > 0 && failure == nil; begun = true {
			least := 0
			for i := range cursors[1:] {
				if compareEntries(cursors[i+1].entry, cursors[least].entry) < 0 {
					least = i + 1
				}
			}
			if e := cursors[least].entry; !begun || e != last {
				if !yield(e, nil) {
					return
				}
				last = e
			}
			if !advance(least) {
				cursors = slices.Delete(cursors, least, least+1)
			}
		}
		if failure != nil {
			yield(entry{}, failure)
		}
	}
}
