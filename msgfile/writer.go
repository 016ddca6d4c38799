package msgfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opencdo/opencdo/mapi"
)

// Spool holds large values between their arrival and the writing of the file. What is written to it is appended.
type Spool interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// Config says how a [Writer] works. The zero value is good.
type Config struct {
	// NewSpool makes the place for large values, when there are any. Without it that is a temporary file in the
	// system's folder for those.
	NewSpool func() (Spool, error)
}

// maxHeld is how many bytes of streams a Writer holds in memory before it spools small ones too.
const maxHeld = 4 << 20

// Writer takes an item as a stream and lays it out as a .msg file. It is a mapi.ItemSink: end it with [Writer.Message],
// use what that gives, then Close. Values in memory are kept; streams of mapi.LargeValue bytes or more are spooled.
type Writer struct {
	items mapi.ItemBuilder
	depth int
	held  int64

	newSpool func() (Spool, error)
	spool    Spool
	spooled  int64
}

// NewWriter starts an item.
func NewWriter(c Config) *Writer {
	w := &Writer{newSpool: c.NewSpool}
	if w.newSpool == nil {
		w.newSpool = temporarySpool
	}
	w.items.Spool = w.keep
	return w
}

// Prop implements mapi.ItemSink. It refuses values that don't have the type of their key, with mapi.ErrInvalidParameter.
func (w *Writer) Prop(k mapi.Key, v mapi.Value) error {
	if err := mapi.CheckValue(k.Type(), v); err != nil {
		return failure(k.String(), err)
	}
	return w.items.Prop(k, v)
}

// Stream implements mapi.ItemSink.
func (w *Writer) Stream(k mapi.Key, size int64, r io.Reader) error {
	if _, err := mapi.BytesValue(k.Type(), nil); err != nil {
		return failure(k.String(), err)
	}
	return w.items.Stream(k, size, r)
}

// Recipient implements mapi.ItemSink.
func (w *Writer) Recipient() error { return w.step(w.items.Recipient(), 1) }

// Attachment implements mapi.ItemSink.
func (w *Writer) Attachment() error { return w.step(w.items.Attachment(), 1) }

// Embedded implements mapi.ItemSink.
func (w *Writer) Embedded() error { return w.step(w.items.Embedded(), 1) }

// End implements mapi.ItemSink.
func (w *Writer) End() error { return w.step(w.items.End(), -1) }

func (w *Writer) step(err error, deeper int) error {
	if err == nil {
		w.depth += deeper
	}
	return err
}

// Message lays the item out, once all of it has been given. The message can be used until the Writer is closed.
func (w *Writer) Message() (*Message, error) {
	if w.depth != 0 {
		return nil, failure("", errors.New("a recipient, attachment or embedded item has no end"))
	}
	return Plan(&w.items.Item)
}

// Close discards what was spooled.
func (w *Writer) Close() error {
	if w.spool == nil {
		return nil
	}
	err := w.spool.Close()
	w.spool = nil
	return err
}

// keep holds the content of a stream.
func (w *Writer) keep(k mapi.Key, size int64, r io.Reader) (mapi.Blob, error) {
	limit := min(mapi.LargeValue-1, maxHeld-w.held)
	small, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	blob := mapi.Blob(mapi.MemBlob(small))
	if int64(len(small)) > limit {
		if w.spool == nil {
			if w.spool, err = w.newSpool(); err != nil {
				return nil, &mapi.Error{Op: opWrite, Err: fmt.Errorf("no place for large values: %w", err)}
			}
		}
		n, err := io.Copy(w.spool, io.MultiReader(bytes.NewReader(small), r))
		start := w.spooled
		w.spooled += n
		if err != nil {
			return nil, err
		}
		blob = section{io.NewSectionReader(w.spool, start, n)}
	} else {
		w.held += int64(len(small))
	}
	if size >= 0 && blob.Size() != size {
		return nil, failure(k.String(), fmt.Errorf("%d bytes came where %d were promised", blob.Size(), size))
	}
	return blob, nil
}

// section is a blob that is part of something larger.
type section struct{ *io.SectionReader }

// Open implements mapi.Blob.
func (s section) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(s.SectionReader, 0, s.Size())), nil
}

// temporaryFile is a file that is removed when it is closed.
type temporaryFile struct{ *os.File }

func temporarySpool() (Spool, error) {
	f, err := os.CreateTemp("", "opencdo-msg-*")
	if err != nil {
		return nil, err
	}
	return temporaryFile{f}, nil
}

func (f temporaryFile) Close() error {
	err := f.File.Close()
	return errors.Join(err, os.Remove(f.Name()))
}
