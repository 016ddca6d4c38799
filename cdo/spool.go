package cdo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/opencdo/opencdo/mapi"
)

// spool keeps the large values of an item in a temporary file, which goes when nothing refers to it any more, and with the
// session's folder at the latest.
type spool struct {
	path string
	size int64
}

// newSpool makes an empty file.
func (l *logon) newSpool() (*spool, error) {
	if l.temp == "" {
		dir, err := os.MkdirTemp(l.tempParent, "opencdo-")
		if err != nil {
			return nil, fmt.Errorf("store large values: %w", err)
		}
		l.temp = dir
	}
	f, err := os.CreateTemp(l.temp, "item-")
	if err != nil {
		return nil, fmt.Errorf("store large values: %w", err)
	}
	s := &spool{path: f.Name()}
	runtime.AddCleanup(s, func(path string) { os.Remove(path) }, s.path)
	return s, f.Close()
}

// add appends a value.
func (s *spool) add(r io.Reader) (mapi.Blob, error) {
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store large values: %w", err)
	}
	n, err := io.Copy(f, r)
	b := &spooled{s, s.size, n}
	s.size += n
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("store large values: %w", err)
	}
	return b, nil
}

// spooled is a value in a spool.
type spooled struct {
	in        *spool
	off, size int64
}

// Size implements mapi.Blob.
func (b *spooled) Size() int64 { return b.size }

// Open implements mapi.Blob.
func (b *spooled) Open() (io.ReadCloser, error) {
	f, err := os.Open(b.in.path)
	if err != nil {
		return nil, err
	}
	return &section{io.NewSectionReader(f, b.off, b.size), f, b.in}, nil
}

type section struct {
	io.Reader
	io.Closer
	keep *spool // the file stays while it is read
}

// openItem is a folder that reads an item with its large values left where they are.
type openItem interface {
	OpenItem(ctx context.Context, id mapi.EntryID) (*mapi.Item, error)
}

// readItem reads an item once, its large values as Blobs: the store's own where it has such, else spooled.
func (l *logon) readItem(ctx context.Context, f mapi.Folder, id mapi.EntryID) (*mapi.Item, error) {
	if o, ok := f.(openItem); ok {
		// The values are read long after this call, with the context that is given here.
		return o.OpenItem(context.WithoutCancel(ctx), id)
	}
	b := l.builder()
	if err := f.Read(ctx, id, b); err != nil {
		return nil, err
	}
	return &b.Item, nil
}

// builder makes an item of what is written to it, its large values in one spool.
func (l *logon) builder() *mapi.ItemBuilder {
	var large *spool
	return &mapi.ItemBuilder{Spool: func(_ mapi.Key, _ int64, r io.Reader) (_ mapi.Blob, err error) {
		if large == nil {
			if large, err = l.newSpool(); err != nil {
				return nil, err
			}
		}
		return large.add(r)
	}}
}

// keep takes the content of a file or stream as a value of its own: small ones in memory.
func (l *logon) keep(k mapi.Key, r io.Reader) (mapi.Value, error) {
	head, err := io.ReadAll(io.LimitReader(r, mapi.LargeValue))
	if err != nil {
		return nil, err
	}
	if len(head) < mapi.LargeValue {
		return mapi.BytesValue(k.Type(), head)
	}
	s, err := l.newSpool()
	if err != nil {
		return nil, err
	}
	return s.add(io.MultiReader(bytes.NewReader(head), r))
}
