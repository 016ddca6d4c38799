package exchangeserver

import (
	"bytes"
	"io"
	"os"
	"sync"

	"github.com/opencdo/opencdo/mapi"
)

// quota is what a session may still spool, in bytes.
type quota struct {
	mu   sync.Mutex
	left int64
}

func (q *quota) take(n int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n > q.left {
		return errorf(mapi.ErrStreamSize, "the session has too much unsaved data")
	}
	q.left -= n
	return nil
}

func (q *quota) give(n int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.left += n
}

// spool keeps the unsaved large values of a message, its attachments and embedded messages, until the last object of it is
// released.
type spool struct {
	s     *session
	users int
	all   []*spooled
}

func (s *session) newSpool() *spool { return &spool{s: s, users: 1} }

func (p *spool) retain() *spool {
	p.users++
	return p
}

func (p *spool) release() {
	if p.users--; p.users > 0 {
		return
	}
	for _, v := range p.all {
		v.discard()
	}
	p.all = nil
}

// value makes an empty value.
func (p *spool) value() *spooled {
	v := &spooled{q: p.s.spool, dir: p.s.srv.spoolDir}
	p.all = append(p.all, v)
	return v
}

// memoryValue is how much of a value is held in memory before it goes to a file: less than what providers call large, so
// that what needs a file is passed as a stream anyway.
const memoryValue = mapi.LargeValue

// spooled is an unsaved value: bytes in memory, or in a file from memoryValue on. It is a mapi.Blob, an io.ReaderAt and an
// io.WriterAt.
type spooled struct {
	q    *quota
	dir  string
	size int64
	mem  []byte
	path string
	file *os.File // open while somebody writes
}

// Size implements mapi.Blob.
func (v *spooled) Size() int64 { return v.size }

// Open implements mapi.Blob.
func (v *spooled) Open() (io.ReadCloser, error) {
	if v.path == "" {
		return io.NopCloser(bytes.NewReader(v.mem)), nil
	}
	f, err := os.Open(v.path)
	if err != nil {
		return nil, &mapi.Error{Op: "read unsaved value", Code: mapi.ErrDisk, Err: err}
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, 0, v.size), f}, nil
}

// ReadAt implements io.ReaderAt.
func (v *spooled) ReadAt(p []byte, off int64) (int, error) {
	if off >= v.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), v.size-off)]
	if v.path == "" {
		return copy(p, v.mem[off:]), nil
	}
	if err := v.openFile(); err != nil {
		return 0, err
	}
	n, err := v.file.ReadAt(p, off)
	return n, diskError(err)
}

// WriteAt implements io.WriterAt. A gap before off is filled with zeros.
func (v *spooled) WriteAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := v.grow(off + int64(len(p))); err != nil {
		return 0, err
	}
	if v.path == "" {
		return copy(v.mem[off:], p), nil
	}
	if err := v.openFile(); err != nil {
		return 0, err
	}
	n, err := v.file.WriteAt(p, off)
	return n, diskError(err)
}

// grow makes the value at least n bytes long.
func (v *spooled) grow(n int64) error {
	if n > v.size {
		return v.truncate(n)
	}
	return nil
}

// truncate makes it n bytes long; what is new is zero.
func (v *spooled) truncate(n int64) error {
	if err := v.q.take(n - v.size); err != nil {
		return err
	}
	if v.path == "" && n <= memoryValue {
		if n <= v.size {
			clear(v.mem[n:])
			v.mem = v.mem[:n]
		} else {
			v.mem = append(v.mem, make([]byte, n-v.size)...)
		}
		v.size = n
		return nil
	}
	err := v.openFile()
	if err == nil {
		err = diskError(v.file.Truncate(n))
	}
	if err != nil {
		v.q.give(n - v.size)
		return err
	}
	v.size = n
	return nil
}

// openFile opens the file, making it of what is in memory.
func (v *spooled) openFile() (err error) {
	switch {
	case v.file != nil:
		return nil
	case v.path != "":
		v.file, err = os.OpenFile(v.path, os.O_RDWR, 0)
		return diskError(err)
	}
	f, err := os.CreateTemp(v.dir, "value-*")
	if err != nil {
		return diskError(err)
	}
	if _, err := f.Write(v.mem); err != nil {
		f.Close()
		os.Remove(f.Name())
		return diskError(err)
	}
	v.file, v.path, v.mem = f, f.Name(), nil
	return nil
}

// rest closes the file until it is needed again: there may be many values.
func (v *spooled) rest() {
	if v.file != nil {
		v.file.Close()
		v.file = nil
	}
}

func (v *spooled) discard() {
	v.rest()
	if v.path != "" {
		os.Remove(v.path)
	}
	v.q.give(v.size)
	v.size, v.mem, v.path = 0, nil, ""
}

// fill appends what r has.
func (v *spooled) fill(r io.Reader) error {
	defer v.rest()
	_, err := io.Copy(io.NewOffsetWriter(v, v.size), r)
	return err
}

func diskError(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &mapi.Error{Op: "keep unsaved value", Code: mapi.ErrDisk, Err: err}
}

// asValue is the value for a property: itself when it is large, else the value in memory.
func (v *spooled) asValue(t mapi.Type) (mapi.Value, error) {
	if v.path != "" || v.size >= mapi.LargeValue {
		return v, nil
	}
	return mapi.BytesValue(t, bytes.Clone(v.mem))
}
