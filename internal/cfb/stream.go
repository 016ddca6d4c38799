package cfb

import (
	"fmt"
	"io"
)

// Stream is a stream object: a named sequence of bytes.
type Stream struct {
	Name string
	Size int64 // never more than the size of the file

	parent *Storage
	file   *File
	data   chain
}

// Path is the stream's name with those of the storages around it, separated by slashes.
func (s *Stream) Path() string { return join(s.parent, s.Name) }

// String names the stream in error messages.
func (s *Stream) String() string { return fmt.Sprintf("stream %q", s.Path()) }

// Bytes reads the whole stream. On error it returns what comes before the damage.
func (s *Stream) Bytes() ([]byte, error) {
	buf := make([]byte, min(s.Size, s.data.length))
	n, err := s.Open().ReadAt(buf, 0)
	if err == nil && int64(n) < s.Size {
		err = s.data.damage.in(s)
	}
	return buf[:n], err
}

// Open returns a reader at the stream's beginning.
func (s *Stream) Open() *Reader { return &Reader{stream: s} }

// Reader reads a stream. It implements io.ReadSeeker and io.ReaderAt; reading past damage is a *FormatError.
type Reader struct {
	stream *Stream
	pos    int64
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.ReadAt(p, r.pos)
	r.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, pos int64) (n int, err error) {
	s := r.stream
	if pos < 0 {
		return 0, fmt.Errorf("cfb: %v: read at negative position %d", s, pos)
	}
	if pos >= s.Size && len(p) > 0 {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), max(s.Size-pos, 0))]
	for n < len(want) {
		if pos+int64(n) >= s.data.length {
			return n, s.data.damage.in(s)
		}
		offset, piece := s.data.at(pos + int64(n))
		to := want[n:]
		if piece < int64(len(to)) {
			to = to[:piece]
		}
		if err := s.file.read(s, to, offset); err != nil {
			return n, err
		}
		n += len(to)
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// Seek implements io.Seeker.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.stream.Size
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return r.pos, fmt.Errorf("cfb: %v: seek to %d (whence %d)", r.stream, offset, whence)
	}
	r.pos = offset
	return offset, nil
}
