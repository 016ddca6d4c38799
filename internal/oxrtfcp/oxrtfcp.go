// Package oxrtfcp compresses and decompresses the value of PidTagRtfCompressed ([MS-OXRTFCP]).
package oxrtfcp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Values of COMPTYPE ([MS-OXRTFCP] 2.1.3.1.1).
const (
	compressed   = 0x75465A4C // "LZFu"
	uncompressed = 0x414C454D // "MELA"
)

// header stands before the contents ([MS-OXRTFCP] 2.1.3.1.1).
type header struct {
	CompSize uint32 // size of what follows this field
	RawSize  uint32 // size of the RTF
	CompType uint32
	CRC      uint32 // of the contents, 0 if they are not compressed
}

const (
	headerSize   = 16
	compSizeBase = headerSize - 4 // what CompSize counts besides the contents
)

// Dictionary references ([MS-OXRTFCP] 2.1.3.1.5) are 12 bits of offset and 4 bits of length less two.
const (
	dictionarySize = 1 << 12
	minMatch       = 2
	maxMatch       = minMatch + 1<<4 - 1
)

// initialDictionary is what the dictionary begins with ([MS-OXRTFCP] 2.1.2.1).
const initialDictionary = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss ` +
	`\fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` +
	"\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`

var order = binary.LittleEndian

// crcTable is for the CRC of [MS-OXRTFCP]: the polynomial of CRC-32, but nothing is complemented.
var crcTable = func() (t [256]uint32) {
	for i := range t {
		t[i] = uint32(i)
		for range 8 {
			t[i] = t[i]>>1 ^ 0xEDB88320&-(t[i]&1)
		}
	}
	return t
}()

func updateCRC(crc uint32, b byte) uint32 { return crcTable[byte(crc)^b] ^ crc>>8 }

// FormatError says that a value breaks the rules of [MS-OXRTFCP] and that its RTF is lost, from there on at least.
type FormatError struct {
	Offset int64 // in the compressed value
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("oxrtfcp: compressed RTF at offset %d: %s", e.Offset, e.Reason)
}

// ErrChecksum says that the RTF could be decompressed in full but the checksum is wrong.
var ErrChecksum = errors.New("oxrtfcp: compressed RTF has a wrong checksum")

// ErrTooLarge says that the RTF is larger than the caller's limit.
var ErrTooLarge = errors.New("oxrtfcp: compressed RTF is larger than allowed")
