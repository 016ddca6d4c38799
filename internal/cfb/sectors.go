package cfb

import (
	"fmt"
	"sort"
)

// extent says that the bytes of a chain from start on lie in the file from offset on.
type extent struct{ start, offset int64 }

// chain is where the bytes of a stream (or of the directory, the mini FAT, the mini stream) lie in the file.
type chain struct {
	extents []extent
	length  int64  // bytes that can be located
	damage  *fault // why these are fewer than there should be
}

// add appends n bytes at a file offset.
func (c *chain) add(offset, n int64) {
	if k := len(c.extents); k == 0 || c.extents[k-1].offset+c.length-c.extents[k-1].start != offset {
		c.extents = append(c.extents, extent{c.length, offset})
	}
	c.length += n
}

// at returns the file offset of a chain's byte and how many bytes follow there in one piece; pos must be below length.
func (c *chain) at(pos int64) (offset, n int64) {
	i := sort.Search(len(c.extents), func(i int) bool { return c.extents[i].start > pos }) - 1
	end := c.length
	if i+1 < len(c.extents) {
		end = c.extents[i+1].start
	}
	return c.extents[i].offset + pos - c.extents[i].start, end - pos
}

// space is something divided into sectors: the file, or the mini stream.
type space struct {
	name       string
	sectorSize int64
	sectors    uint32
	table      table // next sector of each sector
	claimed    bitmap

	// place returns a sector's offset in the file, and how many of its bytes are there.
	place func(sector uint32) (offset, n int64)
}

// table is a FAT or a mini FAT, in pages of equal length; a page that couldn't be read is nil.
type table struct {
	pages  [][]uint32
	length uint32 // of a page
}

func (t *table) next(sector uint32) (uint32, bool) {
	page := sector / t.length
	if int64(page) >= int64(len(t.pages)) || t.pages[page] == nil {
		return 0, false
	}
	return t.pages[page][sector%t.length], true
}

// bitmap grows as bits are set, so that it is never larger than what was really met in the file.
type bitmap []uint64

// set sets a bit and reports whether it was clear.
func (b *bitmap) set(i uint32) bool {
	word, bit := int(i/64), uint64(1)<<(i%64)
	if word >= len(*b) {
		*b = append(*b, make([]uint64, word+1-len(*b))...)
	}
	if (*b)[word]&bit != 0 {
		return false
	}
	(*b)[word] |= bit
	return true
}

// chain follows a chain for size bytes, or to its end when size is negative. No sector is given to two chains,
// which finds cycles and keeps the work for all chains together below the number of sectors.
func (s *space) chain(first uint32, size int64) (c chain) {
	broken := func(offset int64, format string, args ...any) chain {
		c.damage = &fault{offset, fmt.Sprintf(format, args...)}
		return c
	}
	var last int64 // offset of the latest good sector
	for sector := first; size < 0 || c.length < size; {
		if sector == endOfChain {
			if size < 0 {
				return c
			}
			return broken(last, "the chain of %ss ends after %d of %d bytes", s.name, c.length, size)
		}
		if sector >= s.sectors {
			return broken(last, "%s %#x doesn't exist", s.name, sector)
		}
		offset, n := s.place(sector)
		if !s.claimed.set(sector) {
			return broken(offset, "%s %#x is used twice", s.name, sector)
		}
		want := s.sectorSize
		if size >= 0 {
			want = min(want, size-c.length)
		}
		if n < want {
			if n > 0 {
				c.add(offset, n)
			}
			return broken(offset, "the file is cut off in %s %#x", s.name, sector)
		}
		c.add(offset, want)
		if c.length == size {
			return c
		}
		last = offset
		next, ok := s.table.next(sector)
		if !ok {
			return broken(offset, "what follows %s %#x is lost: that part of its allocation table can't be read", s.name, sector)
		}
		sector = next
	}
	return c
}
