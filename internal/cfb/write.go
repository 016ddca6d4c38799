package cfb

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// Write writes a tree as a compound file. Two-pass: sectors are assigned from the sizes that the tree states, then everything is
// written in order, each stream read once and passed on in pieces. The same tree always gives the same bytes.
func Write(w io.Writer, root *Node) error {
	l, err := Plan(root)
	if err != nil {
		return err
	}
	_, err = l.WriteTo(w)
	return err
}

// Bytes is a stream that holds b.
func Bytes(name string, b []byte) *Node {
	return &Node{Name: name, Size: int64(len(b)), Open: func() (io.Reader, error) { return bytes.NewReader(b), nil }}
}

// WriteTo writes the file and returns its size. A stream that can't be opened or read, or whose length is not what was
// stated, is a *NodeError; one that is too short wraps io.ErrUnexpectedEOF, one that is too long ErrLonger.
func (l *Layout) WriteTo(w io.Writer) (int64, error) {
	out := newSectorWriter(w, l.SectorSize)
	if err := l.writeTables(out); err != nil {
		return out.written, err
	}
	for _, mini := range []bool{true, false} {
		for i := range l.Streams {
			p := &l.Streams[i]
			if p.isMini() != mini {
				continue
			}
			if err := out.stream(p.Node); err != nil {
				if out.err == nil { // the stream's fault, not the file's
					err = &NodeError{p.Path, err}
				}
				return out.written, err
			}
			if mini {
				out.pad(miniSectorSize, 0)
			} else {
				out.pad(l.SectorSize, 0)
			}
		}
		out.pad(l.SectorSize, 0)
	}
	return out.written, out.flush()
}

// writeTables writes what comes before the contents.
func (l *Layout) writeTables(out *sectorWriter) error {
	h := l.header()
	out.value(&h)
	out.pad(l.SectorSize, 0)

	for i := range l.entries {
		out.value(&l.entries[i])
	}
	unused := dirEntry{Left: noStream, Right: noStream, Child: noStream}
	for out.unaligned(l.SectorSize) {
		out.value(&unused)
	}

	perSector := int64(l.SectorSize / 4)
	for i := range l.difat.count {
		for k := range perSector - 1 {
			out.word(l.fatSector(headerDIFAT + i*(perSector-1) + k))
		}
		if i+1 < l.difat.count {
			out.word(uint32(l.physical(l.difat.start + i + 1)))
		} else {
			out.word(endOfChain)
		}
	}
	l.writeFAT(out)
	for i := range l.Streams {
		if p := &l.Streams[i]; p.isMini() {
			for k := range p.unit.count {
				if k+1 < p.unit.count {
					out.word(uint32(p.unit.start + k + 1))
				} else {
					out.word(endOfChain)
				}
			}
		}
	}
	out.pad(l.SectorSize, 0xFF) // FREESECT
	return out.err
}

func (l *Layout) header() header {
	h := header{
		Signature:            signature,
		MinorVersion:         0x3E,
		MajorVersion:         3,
		ByteOrder:            0xFFFE,
		SectorShift:          9,
		MiniSectorShift:      6,
		FATSectors:           uint32(l.fat.count),
		FirstDirectorySector: uint32(l.physical(l.directory.start)),
		MiniStreamCutoff:     miniStreamCutoff,
		FirstMiniFATSector:   endOfChain,
		MiniFATSectors:       uint32(l.miniFAT.count),
		FirstDIFATSector:     endOfChain,
		DIFATSectors:         uint32(l.difat.count),
	}
	if l.SectorSize == 4096 {
		h.MajorVersion, h.SectorShift, h.DirectorySectors = 4, 12, uint32(l.directory.count)
	}
	if l.miniFAT.count > 0 {
		h.FirstMiniFATSector = uint32(l.physical(l.miniFAT.start))
	}
	if l.difat.count > 0 {
		h.FirstDIFATSector = uint32(l.physical(l.difat.start))
	}
	for i := range h.DIFAT {
		h.DIFAT[i] = l.fatSector(int64(i))
	}
	return h
}

// fatSector is the DIFAT's i-th entry.
func (l *Layout) fatSector(i int64) uint32 {
	if i >= l.fat.count {
		return freeSect
	}
	return uint32(l.physical(l.fat.start + i))
}

// writeFAT writes the FAT, region after region as they lie in the file.
func (l *Layout) writeFAT(out *sectorWriter) {
	entry := func(sector int64, value uint32) {
		if l.SectorSize == 4096 && sector == rangeLockSector {
			out.word(endOfChain) // the range lock sector's own ([MS-CFB] 2.8)
		}
		out.word(value)
	}
	marked := func(r region, mark uint32) {
		for i := range r.count {
			entry(r.start+i, mark)
		}
	}
	chained := func(r region) {
		for i := range r.count {
			next := uint32(endOfChain)
			if i+1 < r.count {
				next = uint32(l.physical(r.start + i + 1))
			}
			entry(r.start+i, next)
		}
	}
	chained(l.directory)
	marked(l.difat, difSect)
	marked(l.fat, fatSect)
	chained(l.miniFAT)
	chained(l.mini)
	for i := range l.Streams {
		if p := &l.Streams[i]; !p.isMini() {
			chained(p.unit)
		}
	}
	out.pad(l.SectorSize, 0xFF) // FREESECT
}

// sectorWriter writes the file's bytes in order and inserts the range lock sector where it belongs.
type sectorWriter struct {
	w       *bufio.Writer
	written int64
	lock    int64 // offset of the range lock sector, as long as it lies ahead
	err     error // the first; nothing is written after it
	scratch []byte
}

// copySize is how much of a stream is held at once.
const copySize = 64 << 10

func newSectorWriter(w io.Writer, sectorSize int) *sectorWriter {
	s := &sectorWriter{w: bufio.NewWriterSize(w, copySize), lock: math.MaxInt64}
	if sectorSize == 4096 {
		s.lock = rangeLockOffset
	}
	return s
}

// Write implements io.Writer.
func (s *sectorWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 && s.err == nil {
		if s.written == s.lock {
			s.lock = math.MaxInt64
			s.put(make([]byte, 4096))
			continue
		}
		n := min(int64(len(p)), s.lock-s.written)
		s.put(p[:n])
		p = p[n:]
	}
	return total - len(p), s.err
}

func (s *sectorWriter) put(p []byte) {
	n, err := s.w.Write(p)
	s.written += int64(n)
	s.err = err
}

func (s *sectorWriter) value(v any) {
	s.scratch, _ = binary.Append(s.scratch[:0], order, v) // fails for types without a fixed size only
	s.Write(s.scratch)
}

func (s *sectorWriter) word(v uint32) {
	s.scratch = order.AppendUint32(s.scratch[:0], v)
	s.Write(s.scratch)
}

func (s *sectorWriter) unaligned(unit int) bool { return s.err == nil && s.written%int64(unit) != 0 }

// pad fills up to a multiple of unit.
func (s *sectorWriter) pad(unit int, filler byte) {
	if s.unaligned(unit) {
		s.Write(bytes.Repeat([]byte{filler}, unit-int(s.written%int64(unit))))
	}
}

// stream copies a stream's contents.
func (s *sectorWriter) stream(n *Node) error {
	r, err := n.Open()
	if err != nil {
		return err
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	if _, err := io.CopyN(s, r, n.Size); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if extra, _ := r.Read(make([]byte, 1)); extra > 0 {
		return ErrLonger
	}
	return nil
}

func (s *sectorWriter) flush() error {
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}
