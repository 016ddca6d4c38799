package cdo

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/opencdo/opencdo/mapi"
)

// writeValue writes the bytes of a binary or object to a file.
func writeValue(p mapi.Prop, fileName string) error {
	r, err := openValue(p)
	if err != nil {
		return err
	}
	defer r.Close()
	return writeFile(fileName, r)
}

// openValue reads the bytes of a value of a streamable type.
func openValue(p mapi.Prop) (io.ReadCloser, error) {
	if b, ok := p.Value.(mapi.Blob); ok {
		return b.Open()
	}
	b, ok := mapi.ValueBytes(p.Value)
	if !ok {
		return nil, &mapi.Error{Op: "read", Object: p.Key.String(), Code: CdoE_NO_SUPPORT}
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// keepFile takes the content of a file as a value.
func (l *logon) keepFile(k mapi.Key, fileName string) (mapi.Value, error) {
	file, err := openFile(fileName)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return l.keep(k, file)
}

func openFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	return f, fileError("open", name, err)
}

func writeFile(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return fileError("create", name, err)
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// fileError gives what went wrong with a file the code that CDO has for it.
func fileError(op, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return &mapi.Error{Op: op, Object: name, Code: CdoE_NOT_FOUND, Err: err}
	case errors.Is(err, os.ErrPermission):
		return &mapi.Error{Op: op, Object: name, Code: CdoE_NO_ACCESS, Err: err}
	}
	return &mapi.Error{Op: op, Object: name, Code: CdoE_CALL_FAILED, Err: err}
}
