package cfb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// File is an open compound file. It holds the tables, never the contents, and may be used by several goroutines.
type File struct {
	Root       *Storage
	Version    int // 3 or 4
	SectorSize int // 512 or 4096

	r    io.ReaderAt
	size int64
}

// Open reads the tables of a compound file of size bytes. Its memory is bounded by size.
//
// It fails with a *FormatError when the header or the root of the directory can't be read. Any other damage is reported
// where it hurts: by Storage.Entries, and when reading a stream.
func Open(r io.ReaderAt, size int64) (*File, error) {
	o := opener{file: &File{r: r, size: size}, mini: space{name: "mini sector"}}
	if err := o.header(); err != nil {
		return nil, err
	}
	if err := o.fat(); err != nil {
		return nil, err
	}
	if err := o.directory(); err != nil {
		return nil, err
	}
	if err := o.miniStream(); err != nil {
		return nil, err
	}
	if err := o.tree(); err != nil {
		return nil, err
	}
	return o.file, nil
}

// opener is what is known while a file is being opened, and not needed afterwards.
type opener struct {
	file *File
	hdr  header
	big  space // the file
	mini space // the mini stream
	dir  chain
	root dirEntry

	sector   []byte // read last by words
	window   []byte // read last by entry
	windowAt int64
}

// windowSize is how much of the directory is read at once. Entries that are neighbours in the tree mostly are neighbours in
// the file; where they aren't, little is read in vain.
const windowSize = 4096

// read reads exactly len(p) bytes; a file that ends early is a *FormatError.
func (f *File) read(where fmt.Stringer, p []byte, offset int64) error {
	n, err := f.r.ReadAt(p, offset)
	switch {
	case n == len(p):
		return nil
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault{offset, "the file ends here"}.in(where)
	}
	return fmt.Errorf("cfb: reading %s at offset %d: %w", where, offset, err)
}

func (o *opener) header() error {
	const where label = "header"
	f := o.file
	if f.size < headerSize {
		return fault{0, fmt.Sprintf("%d bytes are too few for a compound file", f.size)}.in(where)
	}
	buf := make([]byte, headerSize)
	if err := f.read(where, buf, 0); err != nil {
		return err
	}
	if _, err := binary.Decode(buf, order, &o.hdr); err != nil {
		return err
	}
	h := &o.hdr
	if h.Signature != signature {
		return fault{0, "this is not a compound file"}.in(where)
	}
	if h.MajorVersion != 3 && h.MajorVersion != 4 {
		return fault{26, fmt.Sprintf("unknown version %d", h.MajorVersion)}.in(where)
	}
	if h.SectorShift != 9 && h.SectorShift != 12 {
		return fault{30, fmt.Sprintf("unknown sector shift %d", h.SectorShift)}.in(where)
	}
	f.Version, f.SectorSize = int(h.MajorVersion), 1<<h.SectorShift

	size := int64(f.SectorSize)
	sectors := (f.size - 1) / size // the header takes the place of one
	if f.size <= size {
		return fault{f.size, "nothing follows the header"}.in(where)
	}
	o.big = space{
		name:       "sector",
		sectorSize: size,
		sectors:    uint32(min(sectors, maxRegSect)),
		place: func(sector uint32) (int64, int64) {
			offset := (int64(sector) + 1) * size
			return offset, min(size, f.size-offset)
		},
	}
	return nil
}

// words reads a sector of 32-bit words into p. Words beyond the end of a truncated file become FREESECT, which no chain
// follows.
func (o *opener) words(where label, p []uint32, sector uint32) error {
	offset, n := o.big.place(sector)
	if o.sector == nil {
		o.sector = make([]byte, o.file.SectorSize)
	}
	if err := o.file.read(where, o.sector[:n], offset); err != nil {
		return err
	}
	for i := range p {
		p[i] = freeSect
		if int64(4*i+4) <= n {
			p[i] = order.Uint32(o.sector[4*i:])
		}
	}
	return nil
}

// fat reads the FAT, as far as it speaks of sectors that the file has ([MS-CFB] 2.3, 2.5). FAT sectors that are missing
// cost only those chains that need them.
func (o *opener) fat() error {
	perPage := uint32(o.file.SectorSize / 4)
	t := &o.big.table
	t.length = perPage

	locations := o.hdr.DIFAT[:]
	next, difat := o.hdr.FirstDIFATSector, make([]uint32, perPage)
	for int64(len(t.pages))*int64(perPage) < int64(o.big.sectors) {
		if len(locations) == 0 {
			if next >= o.big.sectors || !o.big.claimed.set(next) {
				return nil
			}
			if err := o.words("DIFAT", difat, next); err != nil {
				return err
			}
			locations, next = difat[:perPage-1], difat[perPage-1]
		}
		at := locations[0]
		locations = locations[1:]
		t.pages = append(t.pages, nil)
		if at >= o.big.sectors || !o.big.claimed.set(at) {
			continue
		}
		page := make([]uint32, perPage)
		if err := o.words("FAT", page, at); err != nil {
			return err
		}
		t.pages[len(t.pages)-1] = page
	}
	return nil
}

const directory label = "directory"

// directory locates the directory and reads its first entry, the root ([MS-CFB] 2.6).
func (o *opener) directory() error {
	o.dir = o.big.chain(o.hdr.FirstDirectorySector, -1)
	if o.dir.length < dirEntrySize {
		if o.dir.damage != nil {
			return o.dir.damage.in(directory)
		}
		return fault{48, "there is no directory"}.in(label("header"))
	}
	offset, _ := o.dir.at(0)
	if err := o.entry(0, &o.root); err != nil {
		return err
	}
	if o.root.ObjectType != objectRoot {
		return fault{offset, fmt.Sprintf("the first entry is no root storage but has object type %d", o.root.ObjectType)}.in(directory)
	}
	return nil
}

// entry reads a directory entry; there must be one of that number.
func (o *opener) entry(id uint32, e *dirEntry) error {
	offset, n := o.dir.at(int64(id) * dirEntrySize)
	if offset < o.windowAt || offset+dirEntrySize > o.windowAt+int64(len(o.window)) {
		if o.window == nil {
			o.window = make([]byte, windowSize)
		}
		o.window, o.windowAt = o.window[:min(n, windowSize)], offset
		if err := o.file.read(directory, o.window, offset); err != nil {
			return err
		}
	}
	_, err := binary.Decode(o.window[offset-o.windowAt:], order, e)
	return err
}

// miniStream locates the mini stream and reads the mini FAT ([MS-CFB] 2.4, 2.6.2).
func (o *opener) miniStream() error {
	if o.size(&o.root) == 0 {
		return nil
	}
	// To its end, not for its size: a root entry that gives too small a size costs nothing then.
	stream := o.big.chain(o.root.StartingSector, -1)
	fat := o.big.chain(o.hdr.FirstMiniFATSector, -1)

	perPage := o.file.SectorSize / 4
	o.mini = space{
		name:       "mini sector",
		sectorSize: miniSectorSize,
		sectors:    uint32(min(fat.length/4, maxRegSect)),
		table:      table{length: uint32(perPage)},
		place: func(sector uint32) (int64, int64) {
			pos := int64(sector) * miniSectorSize
			if pos >= stream.length {
				return 0, 0
			}
			offset, n := stream.at(pos)
			return offset, min(n, miniSectorSize)
		},
	}
	for pos := int64(0); pos < fat.length; pos += o.big.sectorSize {
		offset, _ := fat.at(pos)
		page := make([]uint32, perPage)
		if err := o.words("mini FAT", page, uint32(offset/o.big.sectorSize-1)); err != nil {
			return err
		}
		o.mini.table.pages = append(o.mini.table.pages, page)
	}
	return nil
}

// size is the size of an entry's stream. In version 3 the upper half is not to be trusted ([MS-CFB] 2.6.1).
func (o *opener) size(e *dirEntry) uint64 {
	if o.file.Version == 3 {
		return e.StreamSize & 0xFFFFFFFF
	}
	return e.StreamSize
}

// content locates a stream's bytes. A size that the file can't hold is cut to the file's, which still is more than can
// be read: whoever reads to the end meets the damage.
func (o *opener) content(e *dirEntry) (size int64, c chain) {
	stated := o.size(e)
	size = int64(min(stated, uint64(o.file.size)))
	if stated < miniStreamCutoff {
		return size, o.mini.chain(e.StartingSector, size)
	}
	return size, o.big.chain(e.StartingSector, size)
}
