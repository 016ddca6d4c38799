package msgfile

import (
	"bytes"
	"errors"
	"io"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

// maxStorageDepth is how deep storages of an OLE object may nest: far more than documents in documents do, far less than
// compound files can.
const maxStorageDepth = 256

var errDepth = errors.New("storages nest too deep")

// node copies a storage for writing. Streams are read when they are written.
func node(s *cfb.Storage, depth int) (*cfb.Node, error) {
	if depth > maxStorageDepth {
		return nil, errDepth
	}
	entries, err := s.Entries()
	if err != nil {
		return nil, err
	}
	n := &cfb.Node{Name: s.Name, CLSID: s.CLSID}
	for _, e := range entries {
		child := &cfb.Node{Name: e.Name}
		if e.Storage != nil {
			if child, err = node(e.Storage, depth+1); err != nil {
				return nil, err
			}
		} else {
			if err := whole(e.Stream); err != nil {
				return nil, err
			}
			child.Size = e.Stream.Size
			child.Open = func() (io.Reader, error) { return e.Stream.Open(), nil }
		}
		n.Children = append(n.Children, child)
	}
	return n, nil
}

// whole tells whether all of a stream can be found, without reading it.
func whole(s *cfb.Stream) error {
	if s.Size == 0 {
		return nil
	}
	var last [1]byte
	_, err := s.Open().ReadAt(last[:], s.Size-1)
	return sound(err)
}

// load reads a stream.
func load(s *cfb.Stream) ([]byte, error) {
	b, err := s.Bytes()
	return b, sound(err)
}

// storageBlob is a storage as a compound file of its own: the value of an OLE object.
func storageBlob(s *cfb.Storage) (mapi.Blob, error) {
	n, err := node(s, 0)
	if err != nil {
		return nil, err
	}
	l, err := cfb.Plan(n)
	if err != nil {
		return nil, err
	}
	return storageContent{l, n}, nil
}

// storageContent is a storage laid out as a compound file.
type storageContent struct {
	layout *cfb.Layout
	root   *cfb.Node
}

// Size implements mapi.Blob.
func (b storageContent) Size() int64 { return b.layout.Size }

// Open implements mapi.Blob.
func (b storageContent) Open() (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		_, err := b.layout.WriteTo(w)
		w.CloseWithError(err)
	}()
	return r, nil
}

// storageOf makes the value of an object a storage. The storage is nil if the value is no compound file; same tells whether
// storageBlob makes the very same bytes of it again.
func storageOf(v mapi.Value) (root *cfb.Node, same bool, err error) {
	if s, ok := v.(storageContent); ok {
		copied := *s.root
		return &copied, true, nil
	}
	r, size, err := readerAt(v)
	if err != nil {
		return nil, false, err
	}
	f, err := cfb.Open(r, size)
	if err != nil {
		return nil, false, unlessDamage(err)
	}
	if root, err = node(f.Root, 0); err != nil {
		return nil, false, unlessDamage(err)
	}
	l, err := cfb.Plan(root)
	if err != nil {
		return nil, false, nil // it may be read but not written: two names are alike, for example
	}
	if l.Size != size {
		return root, false, nil
	}
	c := comparer{with: r}
	if _, err := l.WriteTo(&c); err != nil && !c.differs {
		return nil, false, unlessDamage(err)
	}
	return root, !c.differs, nil
}

// readerAt gives random access to an object. One that comes as a blob without it is read into memory.
func readerAt(v mapi.Value) (io.ReaderAt, int64, error) {
	switch v := v.(type) {
	case mapi.Object:
		return bytes.NewReader(v), int64(len(v)), nil
	case interface {
		mapi.Blob
		io.ReaderAt
	}:
		return v, v.Size(), nil
	case mapi.Blob:
		r, err := v.Open()
		if err != nil {
			return nil, 0, err
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		return bytes.NewReader(b), int64(len(b)), err
	}
	return bytes.NewReader(nil), 0, nil
}

// unlessDamage is nil for an error that says that bytes aren't a sound compound file.
func unlessDamage(err error) error {
	var format *cfb.FormatError
	if errors.As(err, &format) || errors.Is(err, errDepth) {
		return nil
	}
	return err
}

// comparer is written to until something else is written than what with holds.
type comparer struct {
	with    io.ReaderAt
	at      int64
	buf     []byte
	differs bool
}

var errDiffers = errors.New("other bytes")

func (c *comparer) Write(p []byte) (int, error) {
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	n, err := c.with.ReadAt(c.buf[:len(p)], c.at)
	if n < len(p) {
		return 0, err
	}
	if !bytes.Equal(c.buf[:n], p) {
		c.differs = true
		return 0, errDiffers
	}
	c.at += int64(n)
	return n, nil
}
