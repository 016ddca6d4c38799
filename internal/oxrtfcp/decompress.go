package oxrtfcp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxExpansion is how much larger than its input RTF can become: a run of 17 bytes holds at most eight references.
const maxExpansion = 8 * maxMatch / 17

// Decompress returns the RTF of a value, of which it never makes more than limit bytes: a larger one is ErrTooLarge.
// With ErrChecksum it returns all, and with a *FormatError what comes before the damage.
func Decompress(value []byte, limit int) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(value))
	if err != nil {
		return nil, err
	}
	if r.Size() > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, r.Size(), limit)
	}
	rtf := bytes.NewBuffer(make([]byte, 0, min(r.Size(), int64(len(value))*maxExpansion)+bytes.MinRead))
	_, err = rtf.ReadFrom(r)
	return rtf.Bytes(), err
}

// Reader decompresses while reading, in constant memory.
type Reader struct {
	src  *bufio.Reader
	hdr  header
	read int64 // bytes taken from src

	dictionary [dictionarySize]byte
	write      int // position in the dictionary
	crc        uint32
	produced   int64

	buf     [8 * maxMatch]byte // as much as a run can give
	pending []byte             // produced and not yet asked for
	err     error              // what comes after pending
}

// NewReader reads the header of a value and returns a reader of its RTF. At its end that reader gives io.EOF,
// ErrChecksum or a *FormatError. It may read more of r than the value.
func NewReader(r io.Reader) (*Reader, error) {
	d := &Reader{src: bufio.NewReader(r)}
	buf := make([]byte, headerSize)
	if n, err := io.ReadFull(d.src, buf); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = &FormatError{int64(n), "the header is cut off"}
		}
		return nil, err
	}
	if _, err := binary.Decode(buf, order, &d.hdr); err != nil {
		return nil, err
	}
	d.read = headerSize
	switch h := d.hdr; {
	case h.CompType != compressed && h.CompType != uncompressed:
		return nil, &FormatError{8, fmt.Sprintf("unknown compression type %#08x", h.CompType)}
	case h.CompSize < compSizeBase:
		return nil, &FormatError{0, fmt.Sprintf("the stated size %d is less than the header's", h.CompSize)}
	}
	d.write = copy(d.dictionary[:], initialDictionary)
	return d, nil
}

// Size is the size of the RTF that the header states.
func (d *Reader) Size() int64 { return int64(d.hdr.RawSize) }

// Read implements io.Reader.
func (d *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.pending) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.pending = d.buf[:0]
		if d.hdr.CompType == compressed {
			d.err = d.run()
		} else {
			d.err = d.stored()
		}
	}
	n := copy(p, d.pending)
	d.pending = d.pending[n:]
	return n, nil
}

// errEnd is the end of the contents as the header states them.
var errEnd = errors.New("end of contents")

// end is where the value ends according to the header.
func (d *Reader) end() int64 { return int64(d.hdr.CompSize) + headerSize - compSizeBase }

func (d *Reader) cutOff() error { return d.fault("the value ends %d bytes early", d.end()-d.read) }

// next returns the next byte of compressed contents.
func (d *Reader) next() (byte, error) {
	if d.read == d.end() {
		return 0, errEnd
	}
	b, err := d.src.ReadByte()
	if err == io.EOF {
		return 0, d.cutOff()
	}
	if err != nil {
		return 0, err
	}
	d.read++
	d.crc = updateCRC(d.crc, b)
	return b, nil
}

func (d *Reader) fault(format string, args ...any) error {
	return &FormatError{d.read, fmt.Sprintf(format, args...)}
}

// stored takes contents that are not compressed ([MS-OXRTFCP] 2.1.3.1.1). They are RawSize bytes; but some writers count the header
// into RawSize, and some don't count it into CompSize. So only what neither of these sizes explains is damage.
func (d *Reader) stored() error {
	for range d.buf {
		if d.produced == d.Size() {
			return io.EOF
		}
		b, err := d.src.ReadByte()
		if err == io.EOF && d.read < d.end() {
			return d.cutOff()
		}
		if err != nil {
			return err
		}
		d.read++
		d.emit(b)
	}
	return nil
}

// run takes a control byte and its tokens ([MS-OXRTFCP] 2.1.3.1.1).
func (d *Reader) run() error {
	control, err := d.next()
	for token := 0; token < 8 && err == nil; token++ {
		if control>>token&1 == 0 {
			err = d.literal()
		} else {
			err = d.reference()
		}
	}
	if err == errEnd {
		err = d.verdict()
	}
	return err
}

func (d *Reader) literal() error {
	b, err := d.next()
	if err == nil {
		d.emit(b)
	}
	return err
}

func (d *Reader) reference() error {
	high, err := d.next()
	if err != nil {
		return err
	}
	low, err := d.next()
	if err != nil {
		return err
	}
	offset, length := int(high)<<4|int(low)>>4, int(low)&0xF+minMatch
	if offset == d.write { // the end mark; what may follow is padding, which the checksum covers
		for err == nil {
			_, err = d.next()
		}
		return err
	}
	for range length { // may run into what it writes
		d.emit(d.dictionary[offset])
		offset = (offset + 1) % dictionarySize
	}
	return nil
}

// verdict judges compressed contents that were read to their end.
func (d *Reader) verdict() error {
	switch {
	case d.crc != d.hdr.CRC:
		return fmt.Errorf("%w: %#08x instead of %#08x", ErrChecksum, d.crc, d.hdr.CRC)
	case d.produced < d.Size():
		return d.fault("the contents end after %d of %d bytes of RTF", d.produced, d.Size())
	}
	return io.EOF
}

// emit adds a byte to the dictionary and, unless the RTF is complete, to the output.
func (d *Reader) emit(b byte) {
	d.dictionary[d.write] = b
	d.write = (d.write + 1) % dictionarySize
	if d.produced < d.Size() {
		d.pending = append(d.pending, b)
		d.produced++
	}
}
