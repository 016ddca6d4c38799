package snapshot

import (
	"errors"
	"io"
	"os"
)

// maxSpooled is how many bytes of an item's large values a writer holds in memory: most attachments, so that few items need
// a temporary file.
const maxSpooled = 4 << 20

// spool holds bytes in memory, and all of them in a temporary file when they become many.
type spool struct {
	mem  []byte
	file *os.File
}

// Write appends.
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil {
		if len(s.mem)+len(p) <= maxSpooled {
			s.mem = append(s.mem, p...)
			return len(p), nil
		}
		f, err := os.CreateTemp("", "opencdo-item-*")
		if err != nil {
			return 0, err
		}
		s.file = f
		if _, err := f.Write(s.mem); err != nil {
			return 0, err
		}
		s.mem = nil
	}
	return s.file.Write(p)
}

// ReadAt implements io.ReaderAt.
func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, off)
	}
	if off < 0 || off > int64(len(s.mem)) {
		return 0, io.EOF
	}
	n := copy(p, s.mem[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Close discards all.
func (s *spool) Close() error {
	s.mem = nil
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
