package msgfile

import (
	"bytes"
	"io"

	"github.com/opencdo/opencdo/internal/cfb"
	"github.com/opencdo/opencdo/mapi"
)

// encodeItem adds an item to its storage. headerSize tells the top level from an embedded item.
func (p *planner) encodeItem(s *cfb.Node, o *object, headerSize int) {
	recipients := o.recipients[:min(len(o.recipients), maxChildren)]
	attachments := o.attachments[:min(len(o.attachments), maxChildren)]
	h := appendFixed(nil, header{
		NextRecipient:   uint32(len(recipients)),
		NextAttachment:  uint32(len(attachments)),
		RecipientCount:  uint32(len(recipients)),
		AttachmentCount: uint32(len(attachments)),
	})
	p.encodeProps(s, o, append(h, make([]byte, headerSize-len(h))...))
	for i, r := range recipients {
		child := &cfb.Node{Name: childName(recipientPrefix, i)}
		p.encodeProps(child, r, make([]byte, childHeader))
		s.Children = append(s.Children, child)
	}
	for i, a := range attachments {
		child := &cfb.Node{Name: childName(attachmentPrefix, i)}
		p.encodeProps(child, a, make([]byte, childHeader))
		if a.embedded != nil {
			content := &cfb.Node{Name: valueName(tagAttachObject)}
			p.encodeItem(content, a.embedded, embeddedHeader)
			child.Children = append(child.Children, content)
		}
		s.Children = append(s.Children, child)
	}
}

// encodeProps adds the property stream, which begins with head, and the values that have streams of their own.
func (p *planner) encodeProps(s *cfb.Node, o *object, head []byte) {
	stream := &cfb.Node{} // takes its place before the values, and its content when they are done
	s.Children = append(s.Children, stream)
	embedded := o.embedded != nil
	mask := o.addMask
	for i := 0; ; i++ {
		var next mapi.Key
		if i < len(o.props) {
			next = o.props[i].Key
		}
		// What the item doesn't have itself comes where it would be.
		if embedded && (i == len(o.props) || next.Compare(mapi.TagKey(tagAttachObject)) > 0) {
			head = appendFixed(head, sized(tagAttachObject, objectSize, reservedMessage))
			embedded = false
		}
		if mask && (i == len(o.props) || next.Compare(mapi.TagKey(tagStoreSupportMask)) > 0) {
			e := sized(tagStoreSupportMask, storeUnicodeOK, 0)
			e.Flags = addedMask
			head = appendFixed(head, e)
			mask = false
		}
		if i == len(o.props) {
			break
		}
		e, nodes := p.encode(o.props[i])
		head = appendFixed(head, e)
		s.Children = append(s.Children, nodes...)
		if o.attachment {
			p.mark(nodes)
		}
	}
	*stream = *cfb.Bytes(propertiesName, head)
}

func (p *planner) mark(nodes []*cfb.Node) {
	for _, n := range nodes {
		if n.Open != nil {
			p.marked[n] = true
		}
		p.mark(n.Children)
	}
}

// encode gives a property's entry and the streams and storages of its value.
func (p *planner) encode(f fileProp) (entry, []*cfb.Node) {
	tag := f.Key.Tag
	if f.Key.Named() {
		tag = mapi.NewTag(p.names[f.Key.Name], f.Key.Type())
	}
	t, name := tag.Type(), valueName(tag)
	switch {
	case f.storage != nil:
		f.storage.Name = name
		return sized(tag, objectSize, reservedStorage), []*cfb.Node{f.storage}
	case inline(t):
		e := sized(tag, 0, 0)
		copy(e.Value[:], appendFixed(nil, f.Value))
		return e, nil
	case t.Multi() && fixedTypes[t.Base()].size == 0:
		var sizes []byte
		nodes := []*cfb.Node{nil}
		for i, b := range elements(f.Value) {
			n := terminator(t)
			sizes = order.AppendUint32(sizes, uint32(len(b)+n))
			if n == 0 {
				sizes = order.AppendUint32(sizes, 0)
			}
			nodes = append(nodes, cfb.Bytes(elementName(tag, i), append(b[:len(b):len(b)], make([]byte, n)...)))
		}
		nodes[0] = cfb.Bytes(name, sizes)
		return sized(tag, uint32(len(sizes)), 0), nodes
	}
	n := content(f.Value)
	size := sized(tag, uint32(n.Size)+uint32(terminator(t)), 0)
	n.Name = name
	if f.zero {
		terminate(n, make([]byte, terminator(t)))
	}
	return size, []*cfb.Node{n}
}

// content is the stream of a value that isn't a list of variable length.
func content(v mapi.Value) *cfb.Node {
	if b, ok := v.(mapi.Blob); ok {
		return &cfb.Node{Size: b.Size(), Open: func() (io.Reader, error) { return b.Open() }}
	}
	if s, ok := v.(string); ok && len(s) >= mapi.LargeValue {
		return &cfb.Node{Size: int64(len(mapi.EncodeUTF16(s))), Open: func() (io.Reader, error) { return bytes.NewReader(mapi.EncodeUTF16(s)), nil }}
	}
	if b, ok := mapi.ValueBytes(v); ok {
		return cfb.Bytes("", b)
	}
	return cfb.Bytes("", appendFixed(nil, v))
}

// terminate adds a terminator to a stream.
func terminate(n *cfb.Node, zero []byte) {
	open := n.Open
	n.Size += int64(len(zero))
	n.Open = func() (io.Reader, error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		both := struct {
			io.Reader
			io.Closer
		}{io.MultiReader(r, bytes.NewReader(zero)), io.NopCloser(nil)}
		if c, ok := r.(io.Closer); ok {
			both.Closer = c
		}
		return both, nil
	}
}
