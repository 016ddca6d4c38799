// Package oxcrpc holds the structures of [MS-OXCRPC] that MAPI over HTTP uses too: extended buffers with their header,
// obfuscation and compression, and the blocks of auxiliary buffers.
package oxcrpc

import (
	"encoding/binary"
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcdata"
)

// Flags of an RPC_HEADER_EXT ([MS-OXCRPC] 2.2.2.1).
type Flags uint16

// Flags.
const (
	Compressed Flags = 0x0001 // DIRECT2
	XorMagic   Flags = 0x0002 // every payload byte is XORed with 0xA5
	Last       Flags = 0x0004 // no extended buffer follows
)

const (
	headerSize = 8
	magic      = 0xA5

	// maxSize is what the header's 16-bit sizes can say.
	maxSize = 0xFFFF
	// maxExpanded bounds what a small input can expand to: several times the 96 packed answers of 32 KiB that
	// [MS-OXCRPC] 3.1.4.2.1.2.2 allows.
	maxExpanded = 16 << 20
	// compressFrom is the payload size from which compression pays: clients have always used it.
	compressFrom = 1025
)

const extended = "extended buffer ([MS-OXCRPC] 2.2.2.1)"

func malformed(structure string, offset int, format string, args ...any) error {
	return &oxcdata.FormatError{Struct: structure, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// Unpack reads the extended buffers of a ROP or auxiliary buffer, one after the other up to the one with the flag Last,
// and gives their payloads readable and expanded. Payloads that were neither obfuscated nor compressed alias b. An empty b
// has none. Errors are oxcdata.ErrFormat.
func Unpack(b []byte) ([][]byte, error) {
	var payloads [][]byte
	expanded := 0
	for off := 0; off < len(b); {
		if len(b)-off < headerSize {
			return nil, malformed(extended, off, "header of %d bytes", len(b)-off)
		}
		h := b[off:]
		version, flags := binary.LittleEndian.Uint16(h), Flags(binary.LittleEndian.Uint16(h[2:]))
		size, actual := int(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
		if version != 0 {
			return nil, malformed(extended, off, "version %d", version)
		}
		if size > len(h)-headerSize {
			return nil, malformed(extended, off+4, "payload of %d bytes, %d left", size, len(h)-headerSize)
		}
		if expanded += actual; expanded > maxExpanded {
			return nil, malformed(extended, off+6, "more than %d bytes in all", maxExpanded)
		}
		p, err := unpack(h[headerSize:headerSize+size:headerSize+size], flags, actual)
		if err != nil {
			return nil, fmt.Errorf("extended buffer at offset 0x%x: %w", off, err)
		}
		payloads = append(payloads, p)
		off += headerSize + size
		if flags&Last != 0 {
			if off != len(b) {
				return nil, malformed(extended, off, "%d bytes after the last buffer", len(b)-off)
			}
			return payloads, nil
		}
	}
	if len(payloads) > 0 {
		return nil, malformed(extended, len(b), "no last buffer")
	}
	return nil, nil
}

func unpack(p []byte, flags Flags, actual int) ([]byte, error) {
	if flags&XorMagic != 0 {
		p = obfuscate(make([]byte, 0, len(p)), p)
	}
	if flags&Compressed != 0 {
		return Decompress(make([]byte, 0, actual), p, actual)
	}
	if len(p) != actual {
		return nil, malformed(extended, 6, "SizeActual %d of %d bytes", actual, len(p))
	}
	return p, nil
}

// Pack appends payloads to dst as extended buffers, the last one flagged so. With Compressed among flags payloads are
// compressed where that makes them smaller, with XorMagic they are obfuscated. A payload has at most 65535 bytes.
func Pack(dst []byte, flags Flags, payloads ...[]byte) ([]byte, error) {
	for i, p := range payloads {
		if len(p) > maxSize {
			return nil, malformed(extended, 0, "payload of %d bytes", len(p))
		}
		f := flags &^ (Last | Compressed)
		if i == len(payloads)-1 {
			f |= Last
		}
		start := len(dst)
		dst = append(dst, make([]byte, headerSize)...)
		dst = appendSmaller(dst, p, flags, &f)
		body := dst[start+headerSize:]
		if f&XorMagic != 0 {
			obfuscate(body[:0], body)
		}
		h := dst[start:]
		binary.LittleEndian.PutUint16(h[2:], uint16(f))
		binary.LittleEndian.PutUint16(h[4:], uint16(len(body)))
		binary.LittleEndian.PutUint16(h[6:], uint16(len(p)))
	}
	return dst, nil
}

// appendSmaller appends p, compressed where that is asked for and helps.
func appendSmaller(dst, p []byte, flags Flags, f *Flags) []byte {
	if flags&Compressed != 0 && len(p) >= compressFrom {
		if z := Compress(dst, p); len(z)-len(dst) < len(p) {
			*f |= Compressed
			return z
		}
	}
	return append(dst, p...)
}

// obfuscate appends p with every byte XORed; dst may be p[:0].
func obfuscate(dst, p []byte) []byte {
	for len(p) >= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, binary.LittleEndian.Uint64(p)^(magic*0x0101010101010101))
		p = p[8:]
	}
	for _, b := range p {
		dst = append(dst, b^magic)
	}
	return dst
}
