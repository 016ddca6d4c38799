package oxcfxics

import (
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// PartWriter writes a stream of many objects: the reverse of [Parts].
type PartWriter struct {
	w       *Writer
	root    Root
	at      position
	content *ContentWriter // of the message under way
	close   Marker         // ends it
	began   bool           // the folder of a RootFolder
}

// NewPartWriter writes to w.
func NewPartWriter(w *Writer, root Root) *PartWriter {
	return &PartWriter{w: w, root: root, at: newPosition(root)}
}

// Message begins a message. Its content goes to the sink that is returned, until the next call of any method here.
func (p *PartWriter) Message(m *Message) (*ContentWriter, error) {
	if err := p.finish(); err != nil {
		return nil, err
	}
	p.close = 0
	var err error
	switch {
	case p.root != RootContents:
		p.close = EndMessage
		start := StartMessage
		if m.Associated {
			start = StartFAIMsg
		}
		err = p.marker(start)
	case m.Partial:
		if err = p.prop(mapi.TagKey(pid.MetaTagIncrSyncGroupId), m.Mapping); err == nil {
			err = p.list(IncrSyncChgPartial, m.Header)
		}
	default:
		if err = p.list(IncrSyncChg, m.Header); err == nil {
			err = p.marker(IncrSyncMessage)
		}
	}
	if err != nil {
		return nil, err
	}
	p.w.Step()
	p.content = newContentWriter(p.w, &p.at)
	if p.root == RootContents {
		p.content.clear = !m.Partial // a whole change replaces all recipients and attachments
	}
	return p.content, nil
}

// EndMessage ends the message under way, as beginning the next part would.
func (p *PartWriter) EndMessage() error { return p.finish() }

// finish ends the message under way.
func (p *PartWriter) finish() error {
	if p.w.err != nil || p.content == nil {
		return p.w.err
	}
	err := p.content.Close()
	p.content = nil
	if err == nil && p.close != 0 {
		err = p.marker(p.close)
	}
	return err
}

// Write writes any part but a message.
func (p *PartWriter) Write(part Part) error {
	if err := p.finish(); err != nil {
		return err
	}
	switch part := part.(type) {
	case *Folder:
		if p.root == RootFolder && !p.began {
			p.began = true
			return p.list(0, part.Props)
		}
		if part.Sub {
			return p.list(StartSubFld, part.Props)
		}
		return p.list(StartTopFld, part.Props)
	case FolderEnd:
		if p.root == RootFolder && len(p.at.stack) == 1 {
			return nil
		}
		return p.marker(EndFolder)
	case *FolderChange:
		return p.list(IncrSyncChg, part.Props)
	case record:
		return p.record(part)
	}
	return p.misplaced(fmt.Sprintf("a %T isn't written so", part))
}

func (p *PartWriter) record(r record) error {
	if m := r.marker(); m != 0 {
		if err := p.marker(m); err != nil {
			return err
		}
	}
	for _, f := range r.fields() {
		v, err := f.get()
		if err != nil {
			return p.w.keep(err)
		}
		if v == nil {
			continue
		}
		if err := p.prop(mapi.TagKey(f.tag), v); err != nil {
			return err
		}
	}
	if r.marker() == IncrSyncStateBegin {
		return p.marker(IncrSyncStateEnd)
	}
	return nil
}

// list writes a marker, if there is one, and a list of properties.
func (p *PartWriter) list(m Marker, props mapi.Props) error {
	if m != 0 {
		if err := p.marker(m); err != nil {
			return err
		}
	}
	for _, x := range props {
		if err := p.prop(x.Key, x.Value); err != nil {
			return err
		}
	}
	return nil
}

func (p *PartWriter) marker(m Marker) error {
	if _, problem := p.at.marker(m); problem != "" {
		return p.misplaced(problem)
	}
	return p.w.Marker(m)
}

func (p *PartWriter) prop(k mapi.Key, v mapi.Value) error {
	if problem := p.at.prop(k.Tag); problem != "" {
		return p.misplaced(problem)
	}
	return p.w.Prop(k, v)
}

func (p *PartWriter) misplaced(problem string) error {
	return p.w.keep(&mapi.Error{Op: "write stream", Code: mapi.ErrInvalidParameter, Err: errors.New(problem)})
}

// Close completes the stream.
func (p *PartWriter) Close() error {
	if err := p.finish(); err != nil {
		return err
	}
	if p.at.stack[len(p.at.stack)-1].state == afterState {
		if err := p.marker(IncrSyncEnd); err != nil {
			return err
		}
	}
	if problem := p.at.end(); problem != "" {
		return p.misplaced(problem)
	}
	return nil
}
