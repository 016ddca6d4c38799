package oxcfxics

import (
	"fmt"
	"io"
	"iter"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Parts takes a stream of many objects apart. The sequence ends after an error; without one the stream was complete. A
// message whose content isn't wanted is skipped. Property lists of folders and headers are built in memory.
func Parts(r *Reader, root Root) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		p := &partReader{parser: newParser(r, root), root: root}
		for {
			part, err := p.part()
			if err == io.EOF {
				return
			}
			if !yield(part, err) || err != nil {
				return
			}
			if m, ok := part.(*Message); ok && m.p != nil {
				err := m.p.content(discard{}, m.level)
				m.p = nil
				if err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

type partReader struct {
	*parser
	root    Root
	inside  bool  // the folder of a RootFolder has begun
	mapping int32 // MetaTagIncrSyncGroupId
}

func (p *partReader) part() (Part, error) {
	if p.root == RootFolder && !p.inside {
		p.inside = true
		props, err := p.props()
		return &Folder{Props: props}, err
	}
	for {
		e, err := p.next()
		if err == io.EOF && p.inside {
			p.inside = false
			p.root = RootTopFolder // which has an end of its own
			return FolderEnd{}, nil
		}
		if err != nil {
			return nil, err
		}
		switch e.Marker {
		case 0:
			if part, err := p.single(e); part != nil || err != nil {
				return part, err
			}
		case StartTopFld, StartSubFld:
			f := &Folder{Sub: e.Marker == StartSubFld}
			f.Props, err = p.props()
			return f, err
		case EndFolder:
			return FolderEnd{}, nil
		case StartMessage, StartFAIMsg:
			return &Message{Associated: e.Marker == StartFAIMsg, p: p.parser, level: len(p.at.stack)}, nil
		case IncrSyncChg:
			return p.change()
		case IncrSyncChgPartial:
			m := &Message{Partial: true, Mapping: p.mapping, p: p.parser, level: len(p.at.stack)}
			m.Header, err = p.props()
			return m, err
		case IncrSyncEnd, IncrSyncStateEnd:
		default:
			return p.record(e)
		}
	}
}

// single is a part that is a property alone; nil for properties that are none.
func (p *partReader) single(e *Element) (Part, error) {
	var r record
	switch e.Tag {
	case pid.MetaTagFXDelProp:
		r = &DelProp{}
	case pid.MetaTagEcWarning:
		r = &Warning{}
	case pid.MetaTagNewFXFolder:
		r = &FolderReplicaInfo{}
	case pid.MetaTagIncrSyncGroupId:
		p.mapping = e.Value.(int32)
		return nil, nil
	case pid.MetaTagDnPrefix: // to be ignored, [MS-OXCFXICS] 2.2.4.1.5.2
		return nil, nil
	default:
		return nil, &FormatError{Offset: e.Offset, Reason: fmt.Sprintf("property %v between the objects", e.Tag)}
	}
	if err := e.load(); err != nil {
		return nil, err
	}
	return r, setFields(r, mapi.Props{{Key: e.Key(), Value: e.Value}})
}

// change is what IncrSyncChg begins.
func (p *partReader) change() (Part, error) {
	props, err := p.props()
	if err != nil {
		return nil, err
	}
	if p.root == RootHierarchy {
		return &FolderChange{Props: props}, nil
	}
	e, err := p.next()
	if err != nil {
		return nil, err
	}
	if e.Marker != IncrSyncMessage {
		return nil, &FormatError{Offset: e.Offset, Reason: fmt.Sprintf("property %v in the header of a change", e.Tag)}
	}
	return &Message{Header: props, p: p.parser, level: len(p.at.stack)}, nil
}

// records by marker.
var records = map[Marker]func() record{
	IncrSyncDel:            func() record { return &Deletions{} },
	IncrSyncRead:           func() record { return &ReadStates{} },
	IncrSyncStateBegin:     func() record { return &State{} },
	IncrSyncProgressMode:   func() record { return &ProgressInformation{} },
	IncrSyncProgressPerMsg: func() record { return &MessageProgress{} },
	IncrSyncGroupInfo:      func() record { return &PropertyGroupInfo{} },
	FXErrorInfo:            func() record { return &ExtendedErrorInfo{} },
}

func (p *partReader) record(e *Element) (Part, error) {
	create, offset := records[e.Marker], e.Offset
	if create == nil {
		return nil, &FormatError{Offset: offset, Reason: fmt.Sprintf("%v out of place", e.Marker)}
	}
	props, err := p.props()
	if err != nil {
		return nil, err
	}
	r := create()
	return r, setFields(r, props)
}

// setFields gives a record the properties that the stream had. Unknown ones are left.
func setFields(r record, props mapi.Props) error {
	fields := r.fields()
	for _, p := range props {
		tag := p.Key.Tag
		if tag == pid.MetaTagIdsetGiven.WithType(mapi.TypeBinary) {
			tag = pid.MetaTagIdsetGiven // some give it the type that its value has
		}
		for _, f := range fields {
			if f.tag != tag {
				continue
			}
			if err := f.set(p.Value); err != nil {
				return &mapi.Error{Op: "read stream", Object: tag.String(), Code: mapi.ErrFormat, Err: err}
			}
		}
	}
	return nil
}

// discard is a sink that takes everything and keeps nothing.
type discard struct{}

func (discard) Prop(mapi.Key, mapi.Value) error         { return nil }
func (discard) Stream(mapi.Key, int64, io.Reader) error { return nil } // the Reader skips what is left
func (discard) Recipient() error                        { return nil }
func (discard) Attachment() error                       { return nil }
func (discard) Embedded() error                         { return nil }
func (discard) End() error                              { return nil }
func (discard) Group(int32) error                       { return nil }
