package oxcfxics

import (
	"errors"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Part is one piece of a stream that holds more than one item: *[Message], *[Folder], [FolderEnd], *[FolderChange],
// *[Deletions], *[ReadStates], *[State], *[ProgressInformation], *[MessageProgress], *[PropertyGroupInfo],
// *[FolderReplicaInfo], *[ExtendedErrorInfo], *[Warning] or *[DelProp].
type Part interface{ part() }

func (*Message) part()      {}
func (*Folder) part()       {}
func (FolderEnd) part()     {}
func (*FolderChange) part() {}

// record is a part that is a marker, or none, and known properties. They are described once for both directions.
type record interface {
	Part
	marker() Marker
	fields() []field
}

// field is a property of a record.
type field struct {
	tag mapi.Tag
	get func() (mapi.Value, error) // nil: the property is absent
	set func(mapi.Value) error     // the value has the type of the tag
}

// Message is a message of a list, of a folder, or one that changed.
type Message struct {
	Associated bool // of a list or folder; a changed one says it in PidTagAssociated of its header

	// Header is set for a change ([MS-OXCFXICS] 2.2.4.3.11): PidTagSourceKey, PidTagLastModificationTime,
	// PidTagChangeKey, PidTagPredecessorChangeList, PidTagAssociated and what else was asked for.
	Header mapi.Props
	// Partial tells that only groups of properties follow; the sink must be a [PartialSink]. Mapping is the group mapping
	// that they use ([MS-OXCFXICS] 2.2.4.3.15).
	Partial bool
	Mapping int32

	p     *parser // nil when there is no more to read
	level int
}

// Content pushes the message's content into sink. It works once, until the loop goes on.
func (m *Message) Content(sink mapi.ItemSink) error {
	if m.p == nil {
		return &mapi.Error{Op: "read message", Code: mapi.ErrInvalidParameter, Err: errors.New("it was read, or passed by")}
	}
	err := m.p.content(sink, m.level)
	if err == nil {
		m.p = nil
	}
	return err
}

// Folder begins a folder: what follows up to its FolderEnd lies in it. The folder that a RootFolder stream consists of
// begins and ends like others.
type Folder struct {
	Sub   bool // not the outermost
	Props mapi.Props
}

// FolderEnd ends the innermost folder.
type FolderEnd struct{}

// FolderChange is a folder that is new or was changed ([MS-OXCFXICS] 2.2.4.3.5). Parents come before their children;
// PidTagParentSourceKey is empty for those directly below the folder that is synchronized.
type FolderChange struct{ Props mapi.Props }

// Deletions are objects that are gone ([MS-OXCFXICS] 2.2.4.3.3). Sets that the stream lacks are nil.
type Deletions struct {
	Deleted         *ReplIDSet
	NoLongerInScope *ReplIDSet // of the restriction; they still exist
	Expired         *ReplIDSet // in public folders
}

func (*Deletions) part()          {}
func (*Deletions) marker() Marker { return IncrSyncDel }
func (d *Deletions) fields() []field {
	return []field{
		setField(pid.MetaTagIdsetDeleted, &d.Deleted, DecodeReplIDSet),
		setField(pid.MetaTagIdsetNoLongerInScope, &d.NoLongerInScope, DecodeReplIDSet),
		setField(pid.MetaTagIdsetExpired, &d.Expired, DecodeReplIDSet),
	}
}

// ReadStates are messages of which nothing else changed ([MS-OXCFXICS] 2.2.4.3.22).
type ReadStates struct{ Read, Unread *ReplIDSet }

func (*ReadStates) part()          {}
func (*ReadStates) marker() Marker { return IncrSyncRead }
func (s *ReadStates) fields() []field {
	return []field{
		setField(pid.MetaTagIdsetRead, &s.Read, DecodeReplIDSet),
		setField(pid.MetaTagIdsetUnread, &s.Unread, DecodeReplIDSet),
	}
}

// State is how far synchronization has come ([MS-OXCFXICS] 2.2.1.1). It is to be kept when all that came before it in the
// stream is done, and the stream is at its end. Sets that the stream lacks are nil.
type State struct {
	IdsetGiven   *GUIDSet // objects that the receiver has
	CnsetSeen    *GUIDSet // changes of folders or normal messages that it has
	CnsetSeenFAI *GUIDSet // changes of folder-associated ones
	CnsetRead    *GUIDSet // changes of read states
}

func (*State) part()          {}
func (*State) marker() Marker { return IncrSyncStateBegin }
func (s *State) fields() []field {
	return []field{
		setField(pid.MetaTagIdsetGiven, &s.IdsetGiven, DecodeGUIDSet),
		setField(pid.MetaTagCnsetSeen, &s.CnsetSeen, DecodeGUIDSet),
		setField(pid.MetaTagCnsetSeenFAI, &s.CnsetSeenFAI, DecodeGUIDSet),
		setField(pid.MetaTagCnsetRead, &s.CnsetRead, DecodeGUIDSet),
	}
}

// Set is the set that a state property holds, for the uploads of state; nil for other properties.
func (s *State) Set(t mapi.Tag) **GUIDSet {
	switch t {
	case pid.MetaTagIdsetGiven, pid.MetaTagIdsetGiven.WithType(mapi.TypeBinary):
		return &s.IdsetGiven
	case pid.MetaTagCnsetSeen:
		return &s.CnsetSeen
	case pid.MetaTagCnsetSeenFAI:
		return &s.CnsetSeenFAI
	case pid.MetaTagCnsetRead:
		return &s.CnsetRead
	}
	return nil
}

// MessageProgress announces the message that follows ([MS-OXCFXICS] 2.2.4.3.17).
type MessageProgress struct {
	Size int32
	FAI  bool
}

// The properties of progress and group parts have no name, only a type.
const (
	namelessInt32  = mapi.Tag(mapi.TypeInt32)
	namelessBool   = mapi.Tag(mapi.TypeBool)
	namelessBinary = mapi.Tag(mapi.TypeBinary)
)

func (*MessageProgress) part()          {}
func (*MessageProgress) marker() Marker { return IncrSyncProgressPerMsg }
func (p *MessageProgress) fields() []field {
	return []field{valueField(namelessInt32, &p.Size), valueField(namelessBool, &p.FAI)}
}

func (*ProgressInformation) part()             {}
func (*ProgressInformation) marker() Marker    { return IncrSyncProgressMode }
func (p *ProgressInformation) fields() []field { return []field{infoField(namelessBinary, p)} }

func (*PropertyGroupInfo) part()             {}
func (*PropertyGroupInfo) marker() Marker    { return IncrSyncGroupInfo }
func (p *PropertyGroupInfo) fields() []field { return []field{infoField(namelessBinary, p)} }

func (*ExtendedErrorInfo) part()             {}
func (*ExtendedErrorInfo) marker() Marker    { return FXErrorInfo }
func (p *ExtendedErrorInfo) fields() []field { return []field{infoField(namelessBinary, p)} }

func (*FolderReplicaInfo) part()             {}
func (*FolderReplicaInfo) marker() Marker    { return 0 }
func (p *FolderReplicaInfo) fields() []field { return []field{infoField(pid.MetaTagNewFXFolder, p)} }

// Warning is MetaTagEcWarning: something of the next object couldn't be sent.
type Warning struct{ Code mapi.Code }

func (*Warning) part()             {}
func (*Warning) marker() Marker    { return 0 }
func (w *Warning) fields() []field { return []field{int32Field(pid.MetaTagEcWarning, &w.Code)} }

// DelProp is MetaTagFXDelProp between the objects of a folder: the receiver is to remove the sub-objects that Tag names,
// the messages (PidTagContainerContents, PidTagFolderAssociatedContents) or folders (PidTagContainerHierarchy) it has.
type DelProp struct{ Tag mapi.Tag }

func (*DelProp) part()             {}
func (*DelProp) marker() Marker    { return 0 }
func (d *DelProp) fields() []field { return []field{int32Field(pid.MetaTagFXDelProp, &d.Tag)} }

func valueField[T any](t mapi.Tag, p *T) field {
	return field{t,
		func() (mapi.Value, error) { return *p, nil },
		func(v mapi.Value) error { *p = v.(T); return nil }}
}

func int32Field[T ~uint32](t mapi.Tag, p *T) field {
	return field{t,
		func() (mapi.Value, error) { return int32(*p), nil },
		func(v mapi.Value) error { *p = T(v.(int32)); return nil }}
}

func setField[R Replica](t mapi.Tag, p **IDSet[R], decode func([]byte) (*IDSet[R], error)) field {
	return field{t,
		func() (mapi.Value, error) {
			if *p == nil {
				return nil, nil
			}
			return append([]byte{}, (*p).Bytes()...), nil
		},
		func(v mapi.Value) (err error) { *p, err = decode(v.([]byte)); return err }}
}

// structure is what stands in a binary property of a stream.
type structure interface{ code(*oxcdata.Coder) }

func infoField(t mapi.Tag, s structure) field {
	return field{t,
		func() (mapi.Value, error) { return oxcdata.Encode(oxcdata.Wide, s.code) },
		func(v mapi.Value) error { return oxcdata.Decode(oxcdata.Wide, v.([]byte), s.code) }}
}
