// Package oxtnef reads TNEF, the form in which Outlook puts the properties of an item into a file "winmail.dat"
// ([MS-OXTNEF]).
package oxtnef

import (
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/mapi"
)

// Signature begins every TNEF stream ([MS-OXTNEF] 2.1.3.1).
const Signature uint32 = 0x223E9F78

// Options say how to read.
type Options struct {
	// Damage is told what is wrong, and decides: an error ends the reading. What is lost for certain carries
	// mapi.ErrCorruptData, other signs of damage mapi.WarnPartial. Without it, the former end the reading and the latter are
	// passed over.
	Damage func(*mapi.Error) error
}

const (
	// maxSize is how large a stream is read; what is kept in memory of it is less, but grows with it. Mail servers let much
	// less pass.
	maxSize = 256 << 20
	// sections is into how many pieces a stream is cut at most that are read again when they are wanted, each time from the
	// begin of the stream on. Smaller values are held in memory.
	sections = 256
	// maxText is how large a string of an 8-bit code page may be, which is converted in memory.
	maxText = 32 << 20
)

// Open reads an item. Its large values are blobs that read src again. Strings of 8-bit code pages are converted.
//
// Errors about the stream answer errors.Is for mapi.ErrCorruptData or mapi.ErrTooComplex; those of reading src are returned as
// they are.
func (o Options) Open(src mapi.Blob) (*mapi.Item, error) { return o.open(src, 0) }

func (o Options) open(src mapi.Blob, depth int) (*mapi.Item, error) {
	if src.Size() > maxSize || depth > mapi.MaxDepth {
		return nil, fail(mapi.ErrTooComplex, 0, "%d bytes, %d levels of messages in messages", src.Size(), depth)
	}
	f, err := src.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := &decoder{reader: newReader(src, f), o: o, depth: depth, item: &mapi.Item{}}
	if err := d.stream(); err != nil {
		return nil, err
	}
	return d.item, nil
}

func fail(code mapi.Code, off int64, format string, args ...any) *mapi.Error {
	return &mapi.Error{Op: "read TNEF", Object: fmt.Sprintf("offset %d", off), Code: code, Err: fmt.Errorf(format, args...)}
}

// report passes damage on.
func (o Options) report(e *mapi.Error) error {
	if o.Damage != nil {
		return o.Damage(e)
	}
	if e.Code.Failed() {
		return e
	}
	return nil
}

// section is a part of a stream. It is a mapi.Blob.
type section struct {
	src       mapi.Blob
	off, size int64
}

// Size implements mapi.Blob.
func (s *section) Size() int64 { return s.size }

// Open implements mapi.Blob.
func (s *section) Open() (io.ReadCloser, error) {
	f, err := s.src.Open()
	if err != nil {
		return nil, err
	}
	if k, ok := f.(io.Seeker); ok {
		_, err = k.Seek(s.off, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, f, s.off)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &limited{io.LimitReader(f, s.size), f}, nil
}

type limited struct {
	io.Reader
	io.Closer
}

// reader reads a stream; the bytes of an attribute count in its checksum.
type reader struct {
	src  mapi.Blob
	r    io.Reader
	off  int64
	left int64 // of the attribute
	sum  uint16
	err  error
}

func newReader(src mapi.Blob, r io.Reader) reader { return reader{src: src, r: r, left: src.Size()} }

// fail sets the error, unless there is one.
func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fail(mapi.ErrCorruptData, r.off, format, args...)
	}
}

// take reads n bytes, nil after an error.
func (r *reader) take(n int64) []byte {
	if r.err != nil || !r.has(n) {
		return nil
	}
	b := make([]byte, n)
	r.read(b)
	if r.err != nil {
		return nil
	}
	return b
}

// has tells whether there are n bytes more.
func (r *reader) has(n int64) bool {
	left := min(r.left, r.src.Size()-r.off)
	if n < 0 || n > left {
		r.fail("%d bytes wanted, %d left", n, left)
		return false
	}
	return true
}

// read fills b.
func (r *reader) read(b []byte) {
	n, err := io.ReadFull(r.r, b)
	r.off += int64(n)
	r.left -= int64(n)
	for _, c := range b[:n] {
		r.sum += uint16(c)
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		r.fail("the stream ends in the middle")
	case err != nil:
		r.err = err
	}
}

// skip passes over n bytes.
func (r *reader) skip(n int64) {
	if r.err != nil || !r.has(n) {
		return
	}
	buf := make([]byte, min(n, 32<<10))
	for n > 0 && r.err == nil {
		piece := buf[:min(n, int64(len(buf)))]
		r.read(piece)
		n -= int64(len(piece))
	}
}

// blob is the next n bytes, held in memory if they are few.
func (r *reader) blob(n int64) mapi.Blob {
	if n < mapi.LargeValue || n < r.src.Size()/sections {
		return mapi.MemBlob(r.take(n))
	}
	s := &section{r.src, r.off, n}
	r.skip(n)
	return s
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 { return uint16(r.number(2)) }
func (r *reader) u32() uint32 { return uint32(r.number(4)) }
func (r *reader) u64() uint64 { return r.number(8) }

func (r *reader) number(n int64) (v uint64) {
	for i, c := range r.take(n) {
		v |= uint64(c) << (8 * i)
	}
	return v
}
