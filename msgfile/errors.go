package msgfile

import (
	"errors"
	"io"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

const (
	opRead  = "read .msg file"
	opWrite = "write .msg file"
)

// failure is an error of writing; one without a code blames the item.
func failure(object string, err error) error {
	code := mapi.ErrInvalidParameter
	var e *mapi.Error
	if errors.As(err, &e) {
		code = e.Code
	}
	return &mapi.Error{Op: opWrite, Object: object, Code: code, Err: err}
}

// damage is an error that says what of a file is not as it should be. Failures to read the file at all have no code.
func damage(where string, err error) *mapi.Error {
	e := &mapi.Error{Op: opRead, Object: where, Code: mapi.ErrCorruptData, Err: err}
	var format *cfb.FormatError
	if errors.As(err, &format) {
		return e
	}
	var failed ioError
	if errors.As(err, &failed) {
		e.Code, e.Err = 0, failed.error
	}
	return e
}

// ioError marks an error of the file itself, as opposed to what is in it.
type ioError struct{ error }

func (e ioError) Unwrap() error { return e.error }

// asIO tells the end of a file, which reason explains, from a failure to read it.
func asIO(err error, reason string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New(reason)
	}
	return ioError{err}
}

// sound tells damage of a compound file, as it is, from a failure to read it.
func sound(err error) error {
	var format *cfb.FormatError
	if err == nil || errors.As(err, &format) {
		return err
	}
	return ioError{err}
}
