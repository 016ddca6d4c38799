package oxcfxics

import (
	"io"
	"os"

	"golang.org/x/text/encoding"

	"github.com/opencdo/opencdo/mapi"
)

// SendOptions are what the receiver of a download asked for ([MS-OXCFXICS] 2.2.3.1.1.1.2).
type SendOptions uint8

// Send options.
const (
	SendUnicode      SendOptions = 0x01
	SendUseCpid      SendOptions = 0x02
	SendForUpload    SendOptions = SendUnicode | SendUseCpid
	SendRecoverMode  SendOptions = 0x04
	SendForceUnicode SendOptions = 0x08
	SendPartialItem  SendOptions = 0x10
)

// Strings is the form in which strings go out.
type Strings uint8

// Forms of strings.
const (
	AsStored  Strings = iota // as the item holds them
	Unicode                  // all as String
	CodePages                // as stored, under code page property types
	EightBit                 // all as String8
)

// Strings is the form of strings that the options ask for.
func (o SendOptions) Strings() Strings {
	switch {
	case o&SendForceUnicode != 0:
		return Unicode
	case o&SendUseCpid != 0:
		return CodePages
	case o&SendUnicode != 0:
		return AsStored
	}
	return EightBit
}

// Options say how a stream is written. The zero value writes what it is given as it is given.
type Options struct {
	Strings Strings
	// CodePage is the code page of the items' 8-bit strings, 0 when unknown.
	CodePage uint16
	// Encoding converts between that code page and Unicode. Without it no string changes its form.
	Encoding encoding.Encoding
	// PropID gives the property id of a named property, 0x8000 or above. Without it ids are given out in order; they mean
	// nothing beyond the stream.
	PropID func(mapi.PropName) (uint16, error)
	// DelProps puts MetaTagFXDelProp before the recipients and the attachments of each message: the receiver is to remove
	// what it has. Synchronization demands it and has it without being told.
	DelProps bool
	// Spool holds a large value of unknown length until its end; by default a temporary file.
	Spool func() (Spool, error)
}

// Spool is room for one value: it is written, rewound, read and closed. Close gives the room back.
type Spool interface {
	io.ReadWriteSeeker
	io.Closer
}

func (o *Options) spool() (Spool, error) {
	if o.Spool != nil {
		return o.Spool()
	}
	f, err := os.CreateTemp("", "fxvalue-*")
	if err != nil {
		return nil, err
	}
	return tempFile{f}, nil
}

type tempFile struct{ *os.File }

func (f tempFile) Close() error {
	err := f.File.Close()
	if e := os.Remove(f.Name()); err == nil {
		err = e
	}
	return err
}
