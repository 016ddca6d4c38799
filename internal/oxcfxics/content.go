package oxcfxics

import (
	"errors"
	"io"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Clearer is a sink that wants MetaTagFXDelProp ([MS-OXCFXICS] 2.2.4.1.5.1): the receiver is to remove the sub-objects
// that t names (PidTagMessageRecipients, PidTagMessageAttachments) before it takes those of the stream.
type Clearer interface{ Clear(t mapi.Tag) error }

// PartialSink is a sink that takes partial items: the properties that follow belong to a group of the mapping that the
// stream gave, and replace that group ([MS-OXCFXICS] 2.2.4.3.14). Group -1 is all properties of no group.
type PartialSink interface{ Group(id int32) error }

// ReadContent pushes the message that the stream consists of into sink (messageContent, [MS-OXCFXICS] 2.2.4.3.12).
// Properties come as they stand: identity and other properties that the sender's store computes are included.
func ReadContent(r *Reader, sink mapi.ItemSink) error { return readAll(r, RootMessage, sink) }

// ReadAttachment pushes the attachment that the stream consists of into sink, which has begun it: its properties, and the
// embedded item between Embedded and End (attachmentContent, [MS-OXCFXICS] 2.2.4.3.2).
func ReadAttachment(r *Reader, sink mapi.ItemSink) error { return readAll(r, RootAttachment, sink) }

func readAll(r *Reader, root Root, sink mapi.ItemSink) error {
	p := newParser(r, root)
	return p.content(sink, 1)
}

// parser walks the elements of a stream along the grammar.
type parser struct {
	r    *Reader
	at   position
	held *Element // read, but not used yet
	err  error
	low  int // least number of open levels on the way to the last element
}

func newParser(r *Reader, root Root) *parser { return &parser{r: r, at: newPosition(root)} }

// next gives the next element, checked to be in its place, or io.EOF at a place where the stream may end.
func (p *parser) next() (*Element, error) {
	if e := p.held; e != nil {
		p.held = nil
		return e, nil
	}
	e, err := p.advance()
	if p.err == nil {
		p.err = err
	}
	return e, p.err
}

func (p *parser) advance() (*Element, error) {
	if p.err != nil {
		return nil, p.err
	}
	e, err := p.r.Next()
	problem := ""
	switch {
	case err == io.EOF:
		if problem = p.at.end(); problem == "" {
			return nil, io.EOF
		}
		return nil, &FormatError{Offset: p.r.Offset(), Reason: problem}
	case err != nil:
		return nil, err
	case e.Marker != 0:
		p.low, problem = p.at.marker(e.Marker)
	default:
		p.low = len(p.at.stack)
		problem = p.at.prop(e.Tag)
	}
	if problem != "" {
		return nil, &FormatError{Offset: e.Offset, Reason: problem}
	}
	return e, nil
}

// content pushes what is left of the object at a level into sink.
func (p *parser) content(sink mapi.ItemSink, level int) error {
	for {
		e, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if p.low < level {
			if e.Marker != EndMessage {
				p.held = e // it begins what comes after the message
			}
			return nil
		}
		switch e.Marker {
		case 0:
			err = p.prop(sink, e)
		case StartRecip:
			err = sink.Recipient()
		case NewAttach:
			err = sink.Attachment()
		case StartEmbed:
			err = sink.Embedded()
		case EndToRecip, EndAttach, EndEmbed:
			err = sink.End()
		}
		if err != nil {
			return err
		}
	}
}

func (p *parser) prop(sink mapi.ItemSink, e *Element) error {
	switch e.Tag {
	case pid.MetaTagFXDelProp:
		if c, ok := sink.(Clearer); ok {
			return c.Clear(mapi.Tag(e.Value.(int32)))
		}
		return nil
	case pid.MetaTagIncrementalSyncMessagePartial:
		s, ok := sink.(PartialSink)
		if !ok {
			return &mapi.Error{Op: "read item", Code: mapi.ErrNoSupport, Err: errors.New("the item is partial")}
		}
		return s.Group(e.Value.(int32))
	case pid.MetaTagDnPrefix, pid.MetaTagEcWarning, pid.MetaTagNewFXFolder, pid.MetaTagIncrSyncGroupId:
		return nil // they say nothing of an item
	}
	if e.nameless() {
		return nil
	}
	if e.Stream != nil {
		return sink.Stream(e.Key(), e.streamSize(), e.Stream)
	}
	return sink.Prop(e.Key(), e.Value)
}

// props collects a property list, large values in memory. It ends at a marker or a property of the stream itself.
func (p *parser) props() (mapi.Props, error) {
	var list mapi.Props
	for {
		e, err := p.next()
		switch {
		case err == io.EOF:
			return list, nil
		case err != nil:
			return nil, err
		case e.Marker != 0 || metaProp(e.Tag):
			p.held = e
			return list, nil
		case e.nameless():
			continue
		}
		if err := e.load(); err != nil {
			return nil, err
		}
		list = append(list, mapi.Prop{Key: e.Key(), Value: e.Value})
	}
}
