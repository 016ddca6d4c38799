// Package cfb reads and writes compound files ([MS-CFB]): a tree of storages and streams in one file,
// as used by .msg files.
//
// Reading is lazy and tolerates damage: what can be reached is delivered, and every loss is reported as a
// *FormatError where it is met. Writing is deterministic: the same tree always gives the same bytes.
package cfb

import (
	"encoding/binary"
	"fmt"
	"unicode"
)

// Sector numbers with a meaning of their own ([MS-CFB] 2.1).
const (
	maxRegSect = 0xFFFFFFFA // also the number of sectors a file can have
	difSect    = 0xFFFFFFFC
	fatSect    = 0xFFFFFFFD
	endOfChain = 0xFFFFFFFE
	freeSect   = 0xFFFFFFFF
)

// noStream is the absent sibling or child of a directory entry ([MS-CFB] 2.6.1).
const noStream = 0xFFFFFFFF

// Object types of directory entries ([MS-CFB] 2.6.1).
const (
	objectStorage = 1
	objectStream  = 2
	objectRoot    = 5
)

// Colours of directory entries ([MS-CFB] 2.6.1).
const (
	red   = 0
	black = 1
)

const (
	headerSize       = 512
	dirEntrySize     = 128
	headerDIFAT      = 109  // FAT sectors that the header itself lists
	miniSectorSize   = 64   // the only legal size, so the header's field isn't read
	miniStreamCutoff = 4096 // shorter streams lie in the mini stream; the only legal value, so not read either
)

// maxDepth is how deeply storages may nest. Embedded messages take two storages a level and real files stay
// below a hundred; the limit keeps those who walk the tree recursively from exhausting their stack.
const maxDepth = 1024

var signature = [8]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}

// header is the Compound File Header ([MS-CFB] 2.2).
type header struct {
	Signature            [8]byte
	CLSID                [16]byte
	MinorVersion         uint16
	MajorVersion         uint16
	ByteOrder            uint16
	SectorShift          uint16
	MiniSectorShift      uint16
	Reserved             [6]byte
	DirectorySectors     uint32 // version 4 only
	FATSectors           uint32
	FirstDirectorySector uint32
	TransactionSignature uint32
	MiniStreamCutoff     uint32
	FirstMiniFATSector   uint32
	MiniFATSectors       uint32
	FirstDIFATSector     uint32
	DIFATSectors         uint32
	DIFAT                [headerDIFAT]uint32
}

// dirEntry is a Compound File Directory Entry ([MS-CFB] 2.6.1).
type dirEntry struct {
	Name           [32]uint16
	NameLength     uint16 // in bytes, with the terminating zero
	ObjectType     uint8
	Color          uint8
	Left           uint32
	Right          uint32
	Child          uint32
	CLSID          [16]byte
	StateBits      uint32
	CreationTime   uint64
	ModifiedTime   uint64
	StartingSector uint32
	StreamSize     uint64
}

var order = binary.LittleEndian

// maxNameUnits is the longest name in UTF-16 code units, without its terminating zero.
const maxNameUnits = 31

// sortKey turns a name into a string that compares as siblings do ([MS-CFB] 2.6.4): the shorter name first,
// then by upper-case code units; surrogates have no upper case.
func sortKey(name []uint16) string {
	key := make([]byte, 1, 1+2*len(name))
	key[0] = byte(len(name))
	for _, u := range name {
		if r := unicode.ToUpper(rune(u)); r <= 0xFFFF {
			u = uint16(r)
		}
		key = binary.BigEndian.AppendUint16(key, u)
	}
	return string(key)
}

// FormatError says that a file breaks the rules of [MS-CFB] so that some or all of it can't be read.
type FormatError struct {
	Where  string // the structure, or the path of the stream or storage
	Offset int64  // where in the file the fault was met
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("cfb: %s at offset %d: %s", e.Where, e.Offset, e.Reason)
}

// fault is a FormatError before its place is named: that name may be long, and there may be many faults.
type fault struct {
	offset int64
	reason string
}

func (f fault) in(where fmt.Stringer) *FormatError {
	return &FormatError{where.String(), f.offset, f.reason}
}

// label names a structure of which a file has but one.
type label string

func (l label) String() string { return string(l) }
