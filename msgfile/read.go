package msgfile

import (
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

// Options say how to read. The zero value reads a file that has no sidecar, and fails at the first damage.
type Options struct {
	// Report is told what of a damaged file is lost: where, and why. Reading goes on with the rest. Without it, and for files of
	// which nothing can be read, such a loss is the error that reading ends with.
	Report func(*mapi.Error)
	// Sidecar is the sidecar of the file, or nil if it has none.
	Sidecar *io.SectionReader
}

// Read reads a .msg file without sidecar: see [Options.Read].
func Read(r io.ReaderAt, size int64, sink mapi.ItemSink) error { return Options{}.Read(r, size, sink) }

// Read pushes the item of a .msg file of size bytes into a sink. It reads values one by one, those of mapi.LargeValue
// bytes or more while the sink takes them: its memory doesn't depend on their size. The readers that it hands to
// ItemSink.Stream are a [mapi.Blob] too, which is good for as long as r is.
//
// Errors about the file answer errors.Is for mapi.ErrCorruptData and name the stream; errors of the sink are returned as
// they are.
func (o Options) Read(r io.ReaderAt, size int64, sink mapi.ItemSink) error {
	rd := reader{Options: o, sink: sink}
	var rest *delta
	if o.Sidecar != nil {
		var err error
		if rest, err = readSidecar(o.Sidecar, size); err != nil {
			if err := rd.problem(sidecarPlace{}, err); err != nil {
				return err
			}
			rest = nil
		}
	}
	f, err := cfb.Open(r, size)
	if err != nil {
		return damage("", sound(err))
	}
	if rd.names, err = rd.readNames(f.Root); err != nil {
		return err
	}
	return rd.item(f.Root, topHeader, rest, 0)
}

// reader reads one file into one sink.
type reader struct {
	Options
	sink  mapi.ItemSink
	names map[uint16]mapi.PropName
}

// sidecarPlace is where in a file a problem of the sidecar is.
type sidecarPlace struct{}

func (sidecarPlace) Path() string { return "sidecar" }

// problem reports a loss and lets reading go on, or gives the error to end with.
func (r *reader) problem(place interface{ Path() string }, err error) error {
	e := damage(place.Path(), err)
	if e.Code == 0 || r.Report == nil {
		return e
	}
	r.Report(e)
	return nil
}

// item reads an item from its storage, together with what the sidecar has of it.
func (r *reader) item(s *cfb.Storage, headerSize int, rest *delta, depth int) error {
	if rest == nil {
		rest = &delta{}
	}
	entries, err := s.Entries()
	if err != nil {
		if err := r.problem(s, err); err != nil {
			return err
		}
	}
	head, err := r.props(s, entries, headerSize, nil, rest.Props)
	if err != nil {
		return err
	}
	recipients, attachments := children(entries, recipientPrefix), children(entries, attachmentPrefix)
	if head != nil {
		var h header
		decodeFixed(head, &h)
		for _, c := range []struct {
			stated uint32
			found  int
			what   string
		}{{h.RecipientCount, len(recipients), "recipients"}, {h.AttachmentCount, len(attachments), "attachments"}} {
			if int64(c.stated) > int64(c.found) {
				if err := r.problem(s, fmt.Errorf("of %d %s %d are there", c.stated, c.what, c.found)); err != nil {
					return err
				}
			}
		}
	}
	err = r.children(s.Path(), recipients, rest.Recipients, func(s *cfb.Storage, c deltaChild) error { return r.recipient(s, c) })
	if err != nil {
		return err
	}
	return r.children(s.Path(), attachments, rest.Attachments, func(s *cfb.Storage, c deltaChild) error { return r.attachment(s, c, depth) })
}

// children are the storages whose names begin with prefix, in the order of their numbers, which is that of the entries.
func children(entries []cfb.Entry, prefix string) []*cfb.Storage {
	var out []*cfb.Storage
	for _, e := range entries {
		if _, ok := number(e.Name, prefix); ok && e.Storage != nil {
			out = append(out, e.Storage)
		}
	}
	return out
}

// children reads each of the storages with what the sidecar has of it, and then those that only the sidecar has.
func (r *reader) children(where string, storages []*cfb.Storage, rest []deltaChild, read func(*cfb.Storage, deltaChild) error) error {
	for i, st := range storages {
		var c deltaChild
		if len(rest) > 0 && rest[0].Index == uint32(i) {
			c, rest = rest[0], rest[1:]
		}
		if err := read(st, c); err != nil {
			return err
		}
	}
	for i, c := range rest {
		if c.Index != uint32(len(storages)+i) {
			return r.problem(sidecarPlace{}, fmt.Errorf("it speaks of child %d of %q, which has %d", c.Index, where, len(storages)))
		}
		if err := read(nil, c); err != nil {
			return err
		}
	}
	return nil
}

// recipient reads a recipient; without a storage it is all in the sidecar.
func (r *reader) recipient(s *cfb.Storage, rest deltaChild) error {
	if err := r.sink.Recipient(); err != nil {
		return err
	}
	if err := r.childProps(s, nil, rest.Props); err != nil {
		return err
	}
	return r.sink.End()
}

// attachment reads an attachment; without a storage it is all in the sidecar.
func (r *reader) attachment(s *cfb.Storage, rest deltaChild, depth int) error {
	if err := r.sink.Attachment(); err != nil {
		return err
	}
	var embedded *cfb.Storage
	if err := r.childProps(s, &embedded, rest.Props); err != nil {
		return err
	}
	if embedded != nil || rest.Embedded != nil {
		if depth >= mapi.MaxDepth {
			err := fmt.Errorf("items are embedded more than %d deep", mapi.MaxDepth)
			return &mapi.Error{Op: opRead, Code: mapi.ErrTooComplex, Err: err}
		}
		if err := r.sink.Embedded(); err != nil {
			return err
		}
		var err error
		if embedded != nil {
			err = r.item(embedded, embeddedHeader, rest.Embedded, depth+1)
		} else {
			err = r.sidecarItem(rest.Embedded, depth+1)
		}
		if err != nil {
			return err
		}
		if err := r.sink.End(); err != nil {
			return err
		}
	}
	return r.sink.End()
}

// sidecarItem reads an item of which the file has nothing.
func (r *reader) sidecarItem(rest *delta, depth int) error {
	if err := r.childProps(nil, nil, rest.Props); err != nil {
		return err
	}
	err := r.children("", nil, rest.Recipients, func(s *cfb.Storage, c deltaChild) error { return r.recipient(s, c) })
	if err != nil {
		return err
	}
	return r.children("", nil, rest.Attachments, func(s *cfb.Storage, c deltaChild) error { return r.attachment(s, c, depth) })
}

// childProps reads the properties of a recipient or an attachment. embedded is set to the storage of an embedded item.
func (r *reader) childProps(s *cfb.Storage, embedded **cfb.Storage, rest mapi.Props) error {
	if s == nil {
		for _, p := range rest {
			if err := r.push(p); err != nil {
				return err
			}
		}
		return nil
	}
	entries, err := s.Entries()
	if err != nil {
		if err := r.problem(s, err); err != nil {
			return err
		}
	}
	_, err = r.props(s, entries, childHeader, embedded, rest)
	return err
}

// push gives a property to the sink.
func (r *reader) push(p mapi.Prop) error {
	b, ok := p.Value.(mapi.Blob)
	if !ok {
		return r.sink.Prop(p.Key, p.Value)
	}
	content, err := b.Open()
	if err != nil {
		return damage(p.Key.String(), sound(err))
	}
	defer content.Close()
	watched := &blobReader{Blob: b, content: content}
	err = r.sink.Stream(p.Key, b.Size(), watched)
	if watched.err != nil {
		return damage(p.Key.String(), sound(watched.err))
	}
	return err
}

// blobReader is a blob while it is read. It remembers that it failed, so that the sink isn't blamed.
type blobReader struct {
	mapi.Blob
	content io.Reader
	err     error
}

func (b *blobReader) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
