package msgfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/opencdo/opencdo/mapi"
)

// Open reads an item from a .msg file without sidecar: see [Options.Open].
func Open(r io.ReaderAt, size int64) (*mapi.Item, error) { return Options{}.Open(r, size) }

// Open reads an item from a .msg file of size bytes: small values into memory, large ones as blobs that read from r.
func (o Options) Open(r io.ReaderAt, size int64) (*mapi.Item, error) {
	b := mapi.ItemBuilder{Spool: func(_ mapi.Key, _ int64, r io.Reader) (mapi.Blob, error) {
		return r.(*blobReader).Blob, nil
	}}
	if err := o.Read(r, size, &b); err != nil {
		return nil, err
	}
	return &b.Item, nil
}

// File is the item of an open .msg file. Its blobs can be read until Close.
type File struct {
	mapi.Item
	files []*os.File
}

// OpenFile opens a .msg file, with the sidecar that has its name followed by [SidecarExt] if there is one and o names none.
func (o Options) OpenFile(name string) (*File, error) {
	f := &File{}
	if err := f.open(name, o); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) open(name string, o Options) error {
	msg, err := f.section(name)
	if err != nil {
		return err
	}
	if o.Sidecar == nil {
		if o.Sidecar, err = f.section(name + SidecarExt); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	it, err := o.Open(msg, msg.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	f.Item = *it
	return nil
}

// section opens a file; it is nil if that fails.
func (f *File) section(name string) (*io.SectionReader, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f.files = append(f.files, file)
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(file, 0, st.Size()), nil
}

// Close closes the file.
func (f *File) Close() error {
	var errs []error
	for _, file := range f.files {
		errs = append(errs, file.Close())
	}
	f.files = nil
	return errors.Join(errs...)
}

// OpenFile opens a .msg file, with its sidecar if there is one: see [Options.OpenFile].
func OpenFile(name string) (*File, error) { return Options{}.OpenFile(name) }
