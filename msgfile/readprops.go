package msgfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

// props reads the properties of an object in the order of its property stream, each of the sidecar's before the first that
// comes after it. It gives the header, nil if there is none. embedded, if not nil, is set to the storage of an embedded item.
func (r *reader) props(s *cfb.Storage, entries []cfb.Entry, headerSize int, embedded **cfb.Storage, rest mapi.Props) (head []byte, err error) {
	list, head, err := r.entries(s, entries, headerSize)
	if err != nil {
		return nil, err
	}
	replaced := map[mapi.Key]bool{}
	for _, p := range rest {
		if p.Key.Type() == mapi.TypeObject {
			replaced[p.Key] = true // the file has it in other bytes
		}
	}
	o := objectReader{reader: r, storage: s, embedded: embedded, entries: list, seen: map[mapi.Key]bool{}}
	for _, e := range list {
		p, ok, err := o.prop(e)
		if err != nil {
			return nil, err
		}
		if !ok || replaced[p.Key] {
			continue
		}
		for len(rest) > 0 && rest[0].Key.Compare(p.Key) < 0 {
			if err := r.push(rest[0]); err != nil {
				return nil, err
			}
			rest = rest[1:]
		}
		if err := r.push(p); err != nil {
			return nil, err
		}
	}
	for _, p := range rest {
		if err := r.push(p); err != nil {
			return nil, err
		}
	}
	return head, nil
}

// entries reads a property stream. Values that the stream doesn't mention are added at the end, and reported.
func (r *reader) entries(s *cfb.Storage, entries []cfb.Entry, headerSize int) (list []entry, head []byte, err error) {
	st, err := s.Stream(propertiesName)
	if err != nil {
		err = r.problem(s, errors.New("there is no property stream"))
	} else {
		list, head, err = r.propertyStream(st, headerSize)
	}
	if err != nil {
		return nil, nil, err
	}
	known := map[uint32]bool{}
	for _, e := range list {
		known[e.Tag] = true
	}
	for _, e := range entries {
		tag, ok := number(e.Name, valuePrefix)
		if !ok || known[tag] || inline(mapi.Tag(tag).Type()) {
			continue
		}
		if err := r.problem(place(s, e.Name), errors.New("the property stream has no entry for it")); err != nil {
			return nil, nil, err
		}
		list = append(list, sized(mapi.Tag(tag), objectSize, 0))
	}
	return list, head, nil
}

func (r *reader) propertyStream(st *cfb.Stream, headerSize int) (list []entry, head []byte, err error) {
	b, err := load(st)
	if err != nil {
		if err := r.problem(st, err); err != nil {
			return nil, nil, err
		}
	}
	if len(b) < headerSize {
		return nil, nil, r.problem(st, fmt.Errorf("its %d bytes are fewer than its header has", len(b)))
	}
	head, b = b[:headerSize], b[headerSize:]
	list = make([]entry, len(b)/entrySize)
	if end := b[len(list)*entrySize:]; len(bytes.Trim(end, "\x00")) > 0 { // some writers fill up with zeros
		if err := r.problem(st, fmt.Errorf("%d bytes at its end are no entry", len(end))); err != nil {
			return nil, nil, err
		}
	}
	decodeFixed(b, list)
	return list, head, nil
}

// place is something in a storage.
func place(s *cfb.Storage, name string) path {
	if p := s.Path(); p != "" {
		name = p + "/" + name
	}
	return path(name)
}

type path string

func (p path) Path() string { return string(p) }

// objectReader reads the properties of one object.
type objectReader struct {
	*reader
	storage  *cfb.Storage
	embedded **cfb.Storage
	entries  []entry
	seen     map[mapi.Key]bool
}

// prop reads the property of an entry; ok is false if there is none to push.
func (o *objectReader) prop(e entry) (p mapi.Prop, ok bool, err error) {
	tag := mapi.Tag(e.Tag)
	if tag == tagStoreSupportMask && e.Flags == addedMask {
		return p, false, nil
	}
	p.Key = mapi.TagKey(tag)
	report := func(err error) error { return o.problem(place(o.storage, valueName(tag)), err) }
	if tag.ID() >= firstName {
		name, ok := o.names[tag.ID()]
		if !ok {
			return p, false, report(errors.New("its id stands for no name"))
		}
		p.Key = mapi.NamedKey(name, tag.Type())
	}
	if o.seen[p.Key] {
		return p, false, report(fmt.Errorf("%v is there twice", p.Key))
	}
	o.seen[p.Key] = true
	p.Value, ok, err = o.value(tag, e)
	if err != nil {
		return p, false, report(err)
	}
	return p, ok, nil
}

// value reads a value; ok is false for the storage of an embedded item.
func (o *objectReader) value(tag mapi.Tag, e entry) (v mapi.Value, ok bool, err error) {
	t := tag.Type()
	f, isFixed := fixedTypes[t.Base()]
	switch {
	case inline(t):
		return f.decode(e.Value[:]), true, nil
	case t == mapi.TypeNull:
		return nil, true, nil
	case t == mapi.TypeObject:
		return o.object(tag, e)
	case !carried(t):
		return nil, false, fmt.Errorf("type %v has no place in .msg files", t)
	}
	st, err := o.storage.Stream(valueName(tag))
	if errors.Is(err, fs.ErrNotExist) {
		if int64(e.size()) <= int64(terminator(t)) && t != mapi.TypeGUID {
			return empty(t), true, nil // some writers leave empty values out
		}
		return nil, false, fmt.Errorf("its value of %d bytes is missing", e.size())
	}
	if err := whole(st); err != nil {
		return nil, false, err
	}
	if t.Multi() && !isFixed {
		v, err := o.elements(tag, st)
		return v, err == nil, err
	}
	if _, streams := mapi.BytesValue(t, nil); streams == nil {
		if st.Size >= mapi.LargeValue || t == mapi.TypeString && st.Size%2 != 0 {
			ends, err := endsInTerminator(t, st.Open(), st.Size)
			if err != nil {
				return nil, false, sound(err)
			}
			size := st.Size
			if ends {
				size -= int64(terminator(t))
			}
			if size >= mapi.LargeValue || t == mapi.TypeString && size%2 != 0 {
				return streamBlob{st, size}, true, nil
			}
		}
	}
	b, err := load(st)
	if err != nil {
		return nil, false, err
	}
	switch {
	case isFixed && len(b)%f.size != 0, t == mapi.TypeGUID && len(b) != f.size:
		return nil, false, fmt.Errorf("%d bytes are no value of type %v", len(b), t)
	case t == mapi.TypeGUID:
		return f.decode(b), true, nil
	case isFixed:
		return f.list(b), true, nil
	}
	v, err = mapi.BytesValue(t, withoutTerminator(t, b))
	return v, err == nil, err
}

// empty is a value with nothing in it; there is none of fixed length that is no list.
func empty(t mapi.Type) mapi.Value {
	if f, ok := fixedTypes[t.Base()]; ok {
		return f.list(nil)
	}
	if t.Multi() {
		return list(t, [][]byte{})
	}
	v, _ := mapi.BytesValue(t, []byte{})
	return v
}

// elements reads a list of values of variable length; st has their sizes ([MS-OXMSG] 2.1.4.4).
func (o *objectReader) elements(tag mapi.Tag, st *cfb.Stream) (mapi.Value, error) {
	sizes, err := load(st)
	if err != nil {
		return nil, err
	}
	t, width := tag.Type(), 4
	if terminator(t) == 0 {
		width = 8
	}
	if len(sizes)%width != 0 {
		return nil, fmt.Errorf("%d bytes are no list of sizes", len(sizes))
	}
	out := make([][]byte, 0, len(sizes)/width)
	for i := 0; len(sizes) > 0; i++ {
		size := order.Uint32(sizes)
		sizes = sizes[width:]
		el, err := o.storage.Stream(elementName(tag, i))
		if err != nil {
			if int64(size) > int64(terminator(t)) {
				return nil, fmt.Errorf("value %d of %d bytes is missing", i, size)
			}
			out = append(out, []byte{})
			continue
		}
		b, err := load(el)
		if err != nil {
			return nil, err
		}
		out = append(out, withoutTerminator(t, b))
	}
	return list(t, out), nil
}

// object finds an OLE object, or the embedded item of an attachment ([MS-OXMSG] 2.4.2.2). The entry's reserved number
// decides; where it says neither, the attachment's method and the storage itself.
func (o *objectReader) object(tag mapi.Tag, e entry) (mapi.Value, bool, error) {
	s, err := o.storage.Storage(valueName(tag))
	if err != nil {
		if st, err := o.storage.Stream(valueName(tag)); err == nil {
			if err := whole(st); err != nil {
				return nil, false, err
			}
			return small(streamBlob{st, st.Size})
		}
		return nil, false, errors.New("its storage is missing")
	}
	if o.embedded != nil && tag == tagAttachObject && o.isItem(s, e) {
		*o.embedded = s
		return nil, false, nil
	}
	b, err := storageBlob(s)
	if err != nil {
		return nil, false, err
	}
	return small(b)
}

func (o *objectReader) isItem(s *cfb.Storage, e entry) bool {
	switch e.reserved() {
	case reservedMessage:
		return true
	case reservedStorage:
		return false
	}
	for _, other := range o.entries {
		if mapi.Tag(other.Tag) == tagAttachMethod {
			switch other.size() {
			case methodEmbedded:
				return true
			case methodOLE:
				return false
			}
		}
	}
	_, err := s.Stream(propertiesName)
	return err == nil
}

// small holds an object in memory unless it is large.
func small(b mapi.Blob) (mapi.Value, bool, error) {
	if b.Size() >= mapi.LargeValue {
		return b, true, nil
	}
	r, err := b.Open()
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	object, err := io.ReadAll(r)
	if err != nil {
		return nil, false, sound(err)
	}
	return mapi.Object(object), true, nil
}

// streamBlob is the first bytes of a stream, mostly all.
type streamBlob struct {
	stream *cfb.Stream
	size   int64
}

func (b streamBlob) Size() int64 { return b.size }

func (b streamBlob) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(b.stream.Open(), 0, b.size)), nil
}
