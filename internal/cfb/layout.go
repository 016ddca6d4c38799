package cfb

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Node describes a storage or stream to be written. It is a stream if Open is set, else a storage. The root is a storage
// and its name doesn't matter.
type Node struct {
	Name     string // at most 31 UTF-16 code units, without / \ : !
	CLSID    [16]byte
	Children []*Node

	// Size is the length of the stream in bytes; Open must return a reader of exactly so many.
	// It is called once for each writing, and the reader is closed if it is an io.Closer.
	Size int64
	Open func() (io.Reader, error)
}

// Extent is a range of bytes in a file.
type Extent struct{ Offset, Size int64 }

// Placement is where a stream lies in the file.
type Placement struct {
	Node *Node
	Path string // names separated by slashes

	// Extents is one, with two exceptions: none for an empty stream, and two for a stream that lies
	// around the range lock sector ([MS-CFB] 2.8) of a file over 2 GiB.
	Extents []Extent

	entry uint32
	unit  region // mini sectors, counted within the mini stream, or sectors
}

// Layout is where everything of a tree will lie in the file: header, directory, DIFAT, FAT, mini FAT, mini stream and
// then, in the order of the tree, each stream of 4096 bytes or more.
type Layout struct {
	Size       int64 // of the file
	SectorSize int   // 512, or 4096 for a file that would exceed 2 GiB otherwise
	Streams    []Placement

	entries     []dirEntry
	miniSectors int64

	// Regions of sectors, counted without the range lock sector.
	directory, difat, fat, miniFAT, mini, big region
}

// region is a run of sectors of one purpose.
type region struct{ start, count int64 }

func (p *Placement) isMini() bool { return p.Node.Size < miniStreamCutoff }

// rangeLock is where a file of 4096-byte sectors has a sector that holds nothing ([MS-CFB] 2.8).
const (
	rangeLockOffset = 0x7FFFF000
	rangeLockSector = rangeLockOffset/4096 - 1
)

// maxVersion3 is the greatest size of a file with 512-byte sectors: it must end before 2 GiB, and the last sector before
// would be the range lock's.
const maxVersion3 = 1<<31 - 512

// NodeError says what is wrong with a node of a tree to be written.
type NodeError struct {
	Path string
	Err  error
}

func (e *NodeError) Error() string { return fmt.Sprintf("cfb: writing %q: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

// Reasons of a NodeError.
var (
	ErrName      = errors.New("not a legal name")
	ErrDuplicate = errors.New("the storage has another child of this name")
	ErrNode      = errors.New("neither a storage nor a stream: streams have no children, storages no size")
	ErrDepth     = fmt.Errorf("nested more than %d storages deep", maxDepth)
	ErrTooLarge  = errors.New("the file would exceed 16 TiB")
	ErrLonger    = errors.New("the stream is longer than announced")
)

// Plan lays out a tree without opening any stream. Errors are of type *NodeError.
func Plan(root *Node) (*Layout, error) {
	l := &Layout{}
	l.entries = append(l.entries, dirEntry{
		ObjectType: objectRoot, Color: black, Left: noStream, Right: noStream,
		CLSID: root.CLSID, StartingSector: endOfChain,
	})
	l.entries[0].setName(utf16.Encode([]rune("Root Entry")))
	if root.Open != nil || root.Size != 0 {
		return nil, &NodeError{root.Name, ErrNode}
	}
	if err := l.children(0, root, "", 0); err != nil {
		return nil, err
	}
	if l.arrange(512) > maxVersion3 {
		if l.arrange(4096) > maxRegSect*4096 {
			return nil, &NodeError{root.Name, ErrTooLarge}
		}
	}
	l.place()
	return l, nil
}

// children adds a storage's children and theirs, in the order given, and links them as a search tree.
func (l *Layout) children(id uint32, parent *Node, path string, depth int) error {
	if depth > maxDepth {
		return &NodeError{path, ErrDepth}
	}
	var siblings []sibling
	for _, n := range parent.Children {
		child, childPath := uint32(len(l.entries)), strings.TrimPrefix(path+"/"+n.Name, "/")
		fail := func(err error) error { return &NodeError{childPath, err} }
		units := utf16.Encode([]rune(n.Name))
		switch {
		case len(units) == 0, len(units) > maxNameUnits, strings.ContainsAny(n.Name, "/\\:!\x00"), !utf8.ValidString(n.Name):
			return fail(ErrName)
		case n.Size < 0, n.Open == nil && n.Size > 0, n.Open != nil && len(n.Children) > 0:
			return fail(ErrNode)
		case n.Size > maxRegSect*4096, int64(len(l.entries)) >= maxRegSect:
			return fail(ErrTooLarge)
		}
		e := dirEntry{ObjectType: objectStorage, Color: black, Child: noStream, CLSID: n.CLSID}
		if n.Open != nil {
			e = dirEntry{ObjectType: objectStream, Color: black, Child: noStream, StartingSector: endOfChain, StreamSize: uint64(n.Size)}
			l.Streams = append(l.Streams, Placement{Node: n, Path: childPath, entry: child})
		}
		e.setName(units)
		l.entries = append(l.entries, e)
		siblings = append(siblings, sibling{child, sortKey(units), childPath})
		if n.Open == nil {
			if err := l.children(child, n, childPath, depth+1); err != nil {
				return err
			}
		}
	}
	sort.Slice(siblings, func(i, j int) bool { return siblings[i].key < siblings[j].key })
	for i := 1; i < len(siblings); i++ {
		if siblings[i-1].key == siblings[i].key {
			return &NodeError{siblings[i].path, ErrDuplicate}
		}
	}
	l.entries[id].Child = l.link(siblings, bits.Len(uint(len(siblings)))-1, 0)
	return nil
}

// sibling is a child while its place among the others is sought.
type sibling struct {
	entry     uint32
	key, path string
}

// link makes sorted siblings a red-black tree ([MS-CFB] 2.6.4) and returns its top. Split in the middle at every step, the
// tree is full but for its lowest level, so all paths have equally many black nodes when that level, and no other, is red.
func (l *Layout) link(siblings []sibling, lowest, level int) uint32 {
	if len(siblings) == 0 {
		return noStream
	}
	mid := len(siblings) / 2
	top := siblings[mid].entry
	e := &l.entries[top]
	if level == lowest && level > 0 {
		e.Color = red
	}
	e.Left = l.link(siblings[:mid], lowest, level+1)
	e.Right = l.link(siblings[mid+1:], lowest, level+1)
	return top
}

func (e *dirEntry) setName(units []uint16) {
	copy(e.Name[:], units)
	e.NameLength = uint16(2*len(units) + 2)
}

// arrange gives everything its sectors and returns the size of the file.
func (l *Layout) arrange(sectorSize int) int64 {
	l.SectorSize = sectorSize
	size := int64(sectorSize)
	sectors := func(bytes int64) int64 { return (bytes + size - 1) / size }

	l.miniSectors, l.big.count = 0, 0
	for i := range l.Streams {
		p := &l.Streams[i]
		if p.isMini() {
			p.unit = region{l.miniSectors, (p.Node.Size + miniSectorSize - 1) / miniSectorSize}
			l.miniSectors += p.unit.count
		} else {
			p.unit = region{l.big.count, sectors(p.Node.Size)} // start is made absolute below
			l.big.count += p.unit.count
		}
		if l.big.count > maxRegSect {
			return math.MaxInt64
		}
	}
	l.directory.count = sectors(int64(len(l.entries)) * dirEntrySize)
	l.miniFAT.count = sectors(l.miniSectors * 4)
	l.mini.count = sectors(l.miniSectors * miniSectorSize)

	// The FAT covers itself and the DIFAT, so their sizes are found by trying.
	var total int64
	l.fat.count, l.difat.count = 0, 0
	for {
		last := l.directory.count + l.difat.count + l.fat.count + l.miniFAT.count + l.mini.count + l.big.count - 1
		total = l.physical(last) + 1
		fat := sectors(total * 4)
		difat := (max(fat-headerDIFAT, 0) + size/4 - 2) / (size/4 - 1)
		if fat == l.fat.count && difat == l.difat.count {
			break
		}
		l.fat.count, l.difat.count = fat, difat
	}
	var next int64
	for _, r := range []*region{&l.directory, &l.difat, &l.fat, &l.miniFAT, &l.mini, &l.big} {
		r.start = next
		next += r.count
	}
	for i := range l.Streams {
		p := &l.Streams[i]
		if !p.isMini() {
			p.unit.start += l.big.start
		}
	}
	l.Size = (total + 1) * size
	return l.Size
}

// physical turns the number of a sector, counted without the range lock sector, into the real one.
func (l *Layout) physical(sector int64) int64 {
	if l.SectorSize == 4096 && sector >= rangeLockSector {
		sector++
	}
	return sector
}

// place enters the sectors into the directory and the extents into Streams.
func (l *Layout) place() {
	if l.miniSectors > 0 {
		l.entries[0].StartingSector = uint32(l.physical(l.mini.start))
		l.entries[0].StreamSize = uint64(l.miniSectors * miniSectorSize)
	}
	for i := range l.Streams {
		p := &l.Streams[i]
		if p.Node.Size == 0 {
			continue
		}
		start := (1 + p.unit.start) * int64(l.SectorSize)
		sector := l.physical(p.unit.start)
		if p.isMini() {
			start = (1+l.mini.start)*int64(l.SectorSize) + p.unit.start*miniSectorSize
			sector = p.unit.start
		}
		l.entries[p.entry].StartingSector = uint32(sector)
		p.Extents = l.extents(start, p.Node.Size)
	}
}

// extents turns a range of bytes of a file without the range lock sector into ranges of the real one.
func (l *Layout) extents(start, size int64) []Extent {
	switch {
	case l.SectorSize != 4096 || start+size <= rangeLockOffset:
		return []Extent{{start, size}}
	case start >= rangeLockOffset:
		return []Extent{{start + 4096, size}}
	}
	before := rangeLockOffset - start
	return []Extent{{start, before}, {rangeLockOffset + 4096, size - before}}
}
