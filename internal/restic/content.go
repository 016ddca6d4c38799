package restic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"github.com/opencdo/opencdo/internal/restic/chunker"
)

// cachedBlobs is how many of a file's blobs a FileReader keeps: two, so that reading back and forth
// over a boundary is cheap, and with restic's chunks 16 MiB at most.
const cachedBlobs = 2

// FileReader reads a file's content; only a few of its blobs are held in memory. ReadAt may be called
// from several goroutines.
type FileReader struct {
	ctx     context.Context
	repo    *Repository
	content []ID
	starts  []int64 // where each blob starts, and the end
	pos     int64

	mu    sync.Mutex
	cache []cachedBlob // the latest used last
}

type cachedBlob struct {
	number int
	data   []byte
}

// OpenFile returns a reader of a file node's content. It fails where a blob is missing; reading may
// fail with a [*DamagedError]. ctx serves all reading.
func (r *Repository) OpenFile(ctx context.Context, n *Node) (*FileReader, error) {
	if n.Type != FileNode {
		return nil, fmt.Errorf("restic: %q is a %s, not a file", n.Name, n.Type)
	}
	f := &FileReader{ctx: ctx, repo: r, content: n.Content, starts: make([]int64, len(n.Content)+1)}
	for i, id := range n.Content {
		size, err := r.BlobSize(ctx, BlobHandle{DataBlob, id})
		if err != nil {
			return nil, fmt.Errorf("restic: file %q: %w", n.Name, err)
		}
		f.starts[i+1] = f.starts[i] + int64(size)
	}
	return f, nil
}

// Size is the content's length in bytes.
func (f *FileReader) Size() int64 { return f.starts[len(f.content)] }

// Read implements io.Reader.
func (f *FileReader) Read(p []byte) (int, error) {
	n, err := f.readSome(p, f.pos)
	f.pos += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (f *FileReader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("restic: read before the file's start")
	}
	for n < len(p) && err == nil {
		var m int
		m, err = f.readSome(p[n:], off+int64(n))
		n += m
	}
	return n, err
}

// Seek implements io.Seeker.
func (f *FileReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.Size()
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, errors.New("restic: seek before the file's start, or from nowhere")
	}
	f.pos = offset
	return offset, nil
}

// readSome reads from one blob.
func (f *FileReader) readSome(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if off >= f.Size() {
		return 0, io.EOF
	}
	i := sort.Search(len(f.content), func(i int) bool { return f.starts[i+1] > off })
	data, err := f.blob(i)
	if err != nil {
		return 0, err
	}
	if int64(len(data)) != f.starts[i+1]-f.starts[i] {
		return 0, fmt.Errorf("restic: blob %v has %d bytes, its index says %d", f.content[i], len(data), f.starts[i+1]-f.starts[i])
	}
	return copy(p, data[off-f.starts[i]:]), nil
}

func (f *FileReader) blob(i int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, c := range f.cache {
		if c.number == i {
			f.cache = append(append(f.cache[:k:k], f.cache[k+1:]...), c)
			return c.data, nil
		}
	}
	data, err := f.repo.LoadBlob(f.ctx, BlobHandle{DataBlob, f.content[i]}, nil)
	if err != nil {
		return nil, err
	}
	if len(f.cache) >= cachedBlobs {
		f.cache = f.cache[1:]
	}
	f.cache = append(f.cache, cachedBlob{i, data})
	return data, nil
}

// FileWriter stores a file's content piece by piece. What is written between two calls of Cut becomes
// one blob if it has 8 MiB or less, however it is written; more is cut by content.
type FileWriter struct {
	ctx     context.Context
	w       *Writer
	chunker *chunker.Chunker // of a piece above chunker.MaxSize
	buf     []byte
	content []ID
	size    uint64
	err     error
}

// NewFile starts a file's content.
func (w *Writer) NewFile(ctx context.Context) *FileWriter {
	return &FileWriter{ctx: ctx, w: w, content: []ID{}}
}

// Write implements io.Writer.
func (f *FileWriter) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) && f.err == nil {
		n := min(len(p)-written, chunker.MaxSize-len(f.buf))
		if f.chunker != nil {
			var cut bool
			if n, cut = f.chunker.Next(p[written:]); cut {
				f.buf = append(f.buf, p[written:written+n]...)
				written += n
				f.emit(f.buf)
				f.buf = f.buf[:0]
				continue
			}
		} else if n == 0 {
			f.cutBuffer()
			continue
		}
		f.buf = append(f.buf, p[written:written+n]...)
		written += n
	}
	f.size += uint64(written)
	return written, f.err
}

// cutBuffer begins cutting by content, with what is buffered.
func (f *FileWriter) cutBuffer() {
	f.chunker = f.w.repo.Chunker()
	rest := f.buf
	for {
		n, cut := f.chunker.Next(rest)
		if !cut {
			break
		}
		f.emit(rest[:n])
		rest = rest[n:]
	}
	f.buf = f.buf[:copy(f.buf, rest)]
}

func (f *FileWriter) emit(data []byte) {
	if f.err != nil || len(data) == 0 {
		return
	}
	var id ID
	if id, _, f.err = f.w.SaveBlob(f.ctx, DataBlob, data); f.err == nil {
		f.content = append(f.content, id)
	}
}

// Cut ends the blob being written: what follows begins a new one. So something stored at several
// places, as an attachment, becomes the same blobs everywhere.
func (f *FileWriter) Cut() error {
	f.emit(f.buf)
	f.buf = f.buf[:0]
	f.chunker = nil
	return f.err
}

// Close ends the file and sets n's Content and Size. The writer is ready for another file then, whose
// pieces use the same memory.
func (f *FileWriter) Close(n *Node) error {
	if err := f.Cut(); err != nil {
		return err
	}
	n.Content, n.Size = f.content, f.size
	f.content, f.size = []ID{}, 0
	return nil
}
