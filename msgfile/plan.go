package msgfile

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

// Message is an item laid out as a .msg file. It may be written several times, as long as the item's blobs can be read.
type Message struct {
	layout  *cfb.Layout
	sidecar *delta
	extents []Extent
}

// Extent is a range of bytes of a .msg file.
type Extent struct{ Offset, Size int64 }

// MinExtent is the size from which values of attachments are listed by [Message.Extents]: smaller ones share sectors.
const MinExtent = 4096

// Plan lays out an item. Of its blobs it reads those that are objects, and those that are strings to their end. Blobs that are an
// io.ReaderAt too it reads in parts; other objects are read into memory.
//
// It fails with mapi.ErrInvalidParameter if a value doesn't have the type of its key, and with mapi.ErrTooComplex if items
// are embedded more than mapi.MaxDepth deep.
func Plan(it *mapi.Item) (*Message, error) {
	p := planner{names: nameIDs{}, marked: map[*cfb.Node]bool{}}
	top, err := p.item(it, 0, true)
	if err != nil {
		return nil, err
	}
	p.mask(top)
	names := p.names.assign()
	root := &cfb.Node{CLSID: classID}
	root.Children = append(root.Children, nameidStorage(names))
	p.encodeItem(root, top, topHeader)

	m := &Message{sidecar: top.delta()}
	if m.layout, err = cfb.Plan(root); err != nil {
		return nil, failure("", err)
	}
	for _, s := range m.layout.Streams {
		if p.marked[s.Node] && s.Node.Size >= MinExtent {
			for _, e := range s.Extents {
				m.extents = append(m.extents, Extent(e))
			}
		}
	}
	slices.SortFunc(m.extents, func(a, b Extent) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	return m, nil
}

// Size is the size of the .msg file.
func (m *Message) Size() int64 { return m.layout.Size }

// Extents are the places of the values of attachments, those of embedded items and the streams of OLE objects too, that
// have MinExtent bytes or more; in the order of the file. A value has more than one extent only around offset 2 GiB.
func (m *Message) Extents() []Extent { return m.extents }

// WriteTo writes the .msg file.
func (m *Message) WriteTo(w io.Writer) (int64, error) { return m.layout.WriteTo(w) }

// NeedsSidecar tells whether the .msg file alone isn't the whole item.
func (m *Message) NeedsSidecar() bool { return m.sidecar != nil }

// WriteSidecar writes the sidecar; of a message that needs none, nothing.
func (m *Message) WriteSidecar(w io.Writer) (int64, error) {
	if m.sidecar == nil {
		return 0, nil
	}
	return m.sidecar.writeTo(w, m.Size())
}

// planner collects what is known of the whole file.
type planner struct {
	names   nameIDs
	unicode bool               // there is a Unicode string
	narrow  bool               // there is an 8-bit string
	marked  map[*cfb.Node]bool // streams of attachments
}

// object is an item, a recipient or an attachment, divided between file and sidecar.
type object struct {
	props       []fileProp // for the file, in order
	rest        mapi.Props // for the sidecar, in order
	recipients  []*object
	attachments []*object
	embedded    *object
	carried     bool // the file has it, if not all of it
	attachment  bool
	addMask     bool // the file needs a PidTagStoreSupportMask that the item lacks
}

// fileProp is a property that the file carries.
type fileProp struct {
	mapi.Prop
	storage *cfb.Node // of an object
	zero    bool      // a string that ends in zero, and is stored with a terminator therefore
}

// item divides an item. Of one that isn't carried, because it is below an attachment that the file has no place for, the
// file has nothing.
func (p *planner) item(it *mapi.Item, depth int, carried bool) (*object, error) {
	if depth > mapi.MaxDepth {
		return nil, &mapi.Error{Op: opWrite, Code: mapi.ErrTooComplex, Err: errors.New("items are embedded too deep")}
	}
	o, err := p.divide(it.Props, &object{carried: carried})
	if err != nil {
		return nil, err
	}
	for i, props := range it.Recipients {
		r, err := p.divide(props, &object{carried: carried && i < maxChildren})
		if err != nil {
			return nil, err
		}
		o.recipients = append(o.recipients, r)
	}
	for i, att := range it.Attachments {
		a := &object{carried: carried && i < maxChildren, attachment: true}
		if att.Embedded != nil {
			if a.embedded, err = p.item(att.Embedded, depth+1, a.carried); err != nil {
				return nil, err
			}
		}
		if _, err := p.divide(att.Props, a); err != nil {
			return nil, err
		}
		o.attachments = append(o.attachments, a)
	}
	return o, nil
}

// divide gives each property to the file if that can carry it, else to the sidecar.
func (p *planner) divide(props mapi.Props, o *object) (*object, error) {
	props = slices.Clone(props)
	slices.SortStableFunc(props, func(a, b mapi.Prop) int { return a.Key.Compare(b.Key) })
	for i, prop := range props {
		if err := mapi.CheckValue(prop.Key.Type(), prop.Value); err != nil {
			return nil, failure(prop.Key.String(), err)
		}
		again := i > 0 && prop.Key == props[i-1].Key
		if again || !o.carried || !p.carries(o, prop) {
			o.rest = append(o.rest, prop)
			continue
		}
		f := fileProp{Prop: prop}
		var err error
		switch t := prop.Key.Type(); t.Base() {
		case mapi.TypeObject:
			var same bool
			f.storage, same, err = storageOf(prop.Value)
			// The sidecar's objects of a key replace the file's, so it must have all of them or none.
			if !same || i+1 < len(props) && props[i+1].Key == prop.Key {
				o.rest = append(o.rest, prop)
			}
			if f.storage == nil && err == nil {
				continue
			}
		case mapi.TypeString:
			p.unicode = true
			f.zero, err = endsInZero(t, prop.Value)
		case mapi.TypeString8:
			p.narrow = true
			f.zero, err = endsInZero(t, prop.Value)
		}
		if err != nil {
			return nil, failure(prop.Key.String(), err)
		}
		if n := prop.Key.Name; !n.IsZero() {
			p.names[n] = 0
		}
		o.props = append(o.props, f)
	}
	return o, nil
}

// carries tells whether the file can hold a property so that reading gives it back.
func (p *planner) carries(o *object, prop mapi.Prop) bool {
	k := prop.Key
	if !carried(k.Type()) || valueSize(prop.Value) > math.MaxUint32-2 {
		return false
	}
	if k.Named() {
		if _, known := p.names[k.Name]; k.Tag.ID() != 0 || !carriedName(k.Name) || !known && len(p.names) == maxNames {
			return false
		}
	} else if k.Tag.ID() >= firstName {
		return false
	}
	switch v := prop.Value.(type) {
	case string:
		return exact(v)
	case []string:
		return !slices.ContainsFunc(v, func(s string) bool { return !exact(s) })
	}
	return !(o.embedded != nil && k.Tag == tagAttachObject && !k.Named())
}

// valueSize is how many bytes a value has at the most.
func valueSize(v mapi.Value) int64 {
	switch v := v.(type) {
	case mapi.Blob:
		return v.Size()
	case []byte:
		return int64(len(v))
	case mapi.Object:
		return int64(len(v))
	case mapi.String8:
		return int64(len(v))
	case string:
		return 2 * int64(len(v))
	}
	return 0
}

// mask sees to it that PidTagStoreSupportMask says what strings there are.
func (p *planner) mask(top *object) {
	i := slices.IndexFunc(top.props, func(f fileProp) bool { return f.Key == mapi.TagKey(tagStoreSupportMask) })
	if i < 0 {
		top.addMask = p.unicode
		return
	}
	stated := top.props[i].Value.(int32)&storeUnicodeOK != 0
	if stated == p.unicode || !p.unicode && !p.narrow {
		return
	}
	top.addMask = p.unicode
	top.rest = append(top.rest, top.props[i].Prop)
	slices.SortStableFunc(top.rest, func(a, b mapi.Prop) int { return a.Key.Compare(b.Key) })
	top.props = slices.Delete(top.props, i, i+1)
}

// endsInZero tells whether a string ends in a character of value zero.
func endsInZero(t mapi.Type, v mapi.Value) (bool, error) {
	switch v := v.(type) {
	case string:
		return strings.HasSuffix(v, "\x00"), nil
	case mapi.String8:
		return strings.HasSuffix(string(v), "\x00"), nil
	case mapi.Blob:
		if r, ok := v.(io.ReaderAt); ok || terminator(t) == 0 {
			return endsInTerminator(t, r, v.Size())
		}
		r, err := v.Open()
		if err != nil {
			return false, err
		}
		defer r.Close()
		n := int64(terminator(t))
		if _, err := io.CopyN(io.Discard, r, max(v.Size()-n, 0)); err != nil {
			return false, err
		}
		end, err := io.ReadAll(io.LimitReader(r, n))
		return v.Size()%n == 0 && terminated(t, end), err
	}
	return false, nil
}
