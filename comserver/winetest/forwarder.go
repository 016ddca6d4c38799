package winetest

import (
	"bytes"
	"encoding/binary"
)

// forwarder is a DLL without code: its one export is that of another DLL, which the loader finds by the text. For 64-bit
// programs it is PE32+, else PE32 (Microsoft's "PE Format").
func forwarder(name, export, target string, wide bool) []byte {
	const page, file = 0x1000, 0x200 // alignments in memory and in the file
	var section bytes.Buffer
	le := binary.LittleEndian
	put := func(v any) { binary.Write(&section, le, v) }
	// The export directory with its three tables of one entry, and the strings. A function whose address lies within the
	// directory's range is a forwarder.
	const tables, texts = 40, 40 + 4 + 4 + 4
	nameAt := page + texts
	exportAt := nameAt + len(name) + 1
	targetAt := exportAt + len(export) + 1
	put([]uint32{0, 0, 0, uint32(nameAt), 1, 1, 1, page + tables, page + tables + 4, page + tables + 8})
	put([]uint32{uint32(targetAt), uint32(exportAt)})
	put([]uint16{0, 0})
	section.WriteString(name + "\x00" + export + "\x00" + target + "\x00")
	size := section.Len()

	machine, magic, optional := uint16(0x14C), uint16(0x10B), uint16(224)
	if wide {
		machine, magic, optional = 0x8664, 0x20B, 240
	}
	var b bytes.Buffer
	out := func(v any) { binary.Write(&b, le, v) }
	b.WriteString("MZ")
	b.Write(make([]byte, 58))
	out(uint32(64)) // where the PE header is
	b.WriteString("PE\x00\x00")
	out([]uint16{machine, 1})
	out([]uint32{0, 0, 0})
	out([]uint16{optional, 0x2022}) // executable, large addresses, DLL
	out([]uint16{magic, 0})
	out([]uint32{0, file, 0, 0, page}) // sizes, entry point, base of code
	if wide {
		out(uint64(0x180000000))
	} else {
		out([]uint32{page, 0x10000000})
	}
	out([]uint32{page, file})
	out([]uint16{6, 0, 0, 0, 6, 0})
	out([]uint32{0, 2 * page, file, 0}) // sizes of image and headers
	out([]uint16{3, 0x100})             // console, no execution of data
	for range 4 {                       // stack and heap
		if wide {
			out(uint64(page))
		} else {
			out(uint32(page))
		}
	}
	out([]uint32{0, 16, page, uint32(size)}) // the first directory is the exports
	b.Write(make([]byte, 15*8))
	b.WriteString(".edata\x00\x00")
	out([]uint32{uint32(size), page, file, file, 0, 0, 0, 0x40000040})
	b.Write(make([]byte, file-b.Len()))
	b.Write(section.Bytes())
	b.Write(make([]byte, 2*file-b.Len()))
	return b.Bytes()
}
