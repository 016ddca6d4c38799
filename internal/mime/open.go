package mime

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opencdo/opencdo/mapi"
)

// Options say how to read. The zero value reads what has lost nothing that can be told, and fails otherwise.
type Options struct {
	// Damage is told what is wrong with the message, and decides: with nil reading goes on with what is there, an error ends
	// it. Damage by which content of an attachment is lost for certain carries mapi.ErrCorruptData; signs of damage, and
	// small repairs, carry mapi.WarnPartial. Without it, the former end the reading and the latter are passed over.
	Damage func(*mapi.Error) error
	// Domains are those in which addresses of other kinds than SMTP are encapsulated (IMCEAEX-...) and turned back. Of
	// others they are left as they are ([MS-OXCMAIL] 2.2.3.1.2).
	Domains []string
}

// Read pushes the message in a file of size bytes into a sink: see [Options.Read].
func Read(r io.ReaderAt, size int64, sink mapi.ItemSink) error { return Options{}.Read(r, size, sink) }

// Open reads a message from a file of size bytes: see [Options.Open].
func Open(r io.ReaderAt, size int64) (*mapi.Item, error) { return Options{}.Open(r, size) }

// Read pushes the message in a file of size bytes into a sink, attachments of mapi.LargeValue bytes or more as streams
// from the file. The file is read three times: for its structure, for the size and state of its attachments, and then for
// the sink, which gets nothing of a message that cannot be read.
//
// Errors about the message answer errors.Is for mapi.ErrCorruptData or mapi.ErrTooComplex; errors of the sink are
// returned as they are.
func (o Options) Read(r io.ReaderAt, size int64, sink mapi.ItemSink) error {
	it, err := o.Open(r, size)
	if err != nil {
		return err
	}
	return it.WriteTo(sink)
}

// Open reads a message from a file of size bytes. Its large attachments are blobs that are decoded from r when they are
// read; they are good for as long as r is.
func (o Options) Open(r io.ReaderAt, size int64) (*mapi.Item, error) {
	root, err := parse(r, size)
	if err != nil {
		return nil, readError(err)
	}
	b := builder{o: o}
	it, err := b.item(root)
	if err != nil {
		return nil, readError(err)
	}
	return it, nil
}

// readError gives errors without one a code: they come from reading the file.
func readError(err error) error {
	var e *mapi.Error
	if errors.As(err, &e) {
		return err
	}
	return &mapi.Error{Op: "read message", Code: mapi.ErrDisk, Err: err}
}

// File is the item of an open .eml file. Its blobs can be read until Close.
type File struct {
	mapi.Item
	file *os.File
}

// OpenFile opens a .eml file: see [Options.Open].
func (o Options) OpenFile(name string) (*File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return o.FromFile(f)
}

// FromFile makes an item of an open .eml file, which it closes if that fails.
func (o Options) FromFile(f *os.File) (*File, error) {
	it, err := o.fromFile(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return &File{*it, f}, nil
}

func (o Options) fromFile(f *os.File) (*mapi.Item, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return o.Open(f, st.Size())
}

// OpenFile opens a .eml file: see [Options.Open].
func OpenFile(name string) (*File, error) { return Options{}.OpenFile(name) }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// builder makes items of parts.
type builder struct {
	o     Options
	where []int // the attachment that is being read, counted from 1, and those that it is in
}

// report passes damage on.
func (b *builder) report(code mapi.Code, format string, args ...any) error {
	e := &mapi.Error{Op: "read message", Code: code, Err: fmt.Errorf(format, args...)}
	for i, n := range b.where {
		if i > 0 {
			e.Object += ", "
		}
		e.Object += fmt.Sprintf("attachment %d", n)
	}
	if b.o.Damage != nil {
		return b.o.Damage(e)
	}
	if code.Failed() {
		return e
	}
	return nil
}

// set adds a property; long values become blobs.
func set(p *mapi.Props, t mapi.Tag, v mapi.Value) { p.Set(mapi.TagKey(t), compact(v)) }

func compact(v mapi.Value) mapi.Value {
	if mapi.ValueSize(v) < mapi.LargeValue {
		return v
	}
	if b, ok := mapi.ValueBytes(v); ok {
		return mapi.MemBlob(b)
	}
	return v
}

// setText adds a string unless it is empty.
func setText(p *mapi.Props, t mapi.Tag, s string) {
	if s != "" {
		set(p, t, s)
	}
}
