package oxcfxics

import (
	"fmt"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Root is the element that a whole stream is made of. It follows from the operation that made the stream
// ([MS-OXCFXICS] 2.2.4.4).
type Root uint8

// Roots. The zero Root is a message.
const (
	RootMessage     Root = iota // messageContent: CopyTo, CopyProperties of a message
	RootAttachment              // attachmentContent: the same of an attachment
	RootFolder                  // folderContent: the same of a folder
	RootTopFolder               // topFolder: CopyFolder
	RootMessageList             // messageList: CopyMessages
	RootContents                // contentsSync: SynchronizationConfigure for contents
	RootHierarchy               // hierarchySync: SynchronizationConfigure for the hierarchy
	RootState                   // state: SynchronizationGetTransferState
)

// state is how far the content of an object has come.
type state uint8

const (
	inProps      state = iota + 1 // a list of properties and nothing else
	inMessage                     // messageContent before its first recipient or attachment
	inRecipients                  // after the first recipient
	inAttachments
	inAttachment
	afterEmbedded
	inFolder
	inFolderMessages
	inSubFolders
	inTopFolder
	inMessageList
	inContents
	inHeader // messageChangeHeader
	inHierarchy
	afterDeletions
	afterReadStates // or after the deletions of a hierarchy
	inState
	afterState
	atEnd
	states
)

var stateNames = [states]string{"nothing", "a property list", "a message", "the recipients", "the attachments",
	"an attachment", "an attachment after its embedded message", "a folder", "the messages of a folder", "subfolders",
	"topFolder", "messageList", "contentsSync", "messageChangeHeader", "hierarchySync", "what follows the deletions",
	"what follows the changes", "state", "what follows the state", "a finished stream"}

// properties that a state takes.
type properties uint8

const (
	noProps  properties = iota
	metaOnly            // of the stream itself: MetaTagFXDelProp, MetaTagEcWarning, ...
	allProps
)

// move is what a marker does in a state.
type move struct {
	open  state  // content that the marker begins, or 0
	close Marker // ends that content; 0: whatever the level above takes does, or the end of the stream
	then  state  // state of the level that the marker stands in, afterwards
}

// rule is what a state takes.
type rule struct {
	props properties
	ends  bool // the content may end here
	on    map[Marker]move
}

// The grammar of [MS-OXCFXICS] 2.2.4.2 to 2.2.4.4.
var grammar = [states]rule{
	inProps: {props: allProps, ends: true},
	inMessage: {props: allProps, ends: true, on: map[Marker]move{
		StartRecip: {inProps, EndToRecip, inRecipients},
		NewAttach:  {inAttachment, EndAttach, inAttachments},
	}},
	inRecipients: {props: metaOnly, ends: true, on: map[Marker]move{
		StartRecip: {inProps, EndToRecip, inRecipients},
		NewAttach:  {inAttachment, EndAttach, inAttachments},
	}},
	inAttachments: {props: metaOnly, ends: true, on: map[Marker]move{
		NewAttach: {inAttachment, EndAttach, inAttachments},
	}},
	inAttachment: {props: allProps, ends: true, on: map[Marker]move{
		StartEmbed: {inMessage, EndEmbed, afterEmbedded},
	}},
	afterEmbedded: {ends: true},

	inMessageList: {props: metaOnly, ends: true, on: map[Marker]move{
		StartMessage: {inMessage, EndMessage, inMessageList},
		StartFAIMsg:  {inMessage, EndMessage, inMessageList},
		FXErrorInfo:  {inProps, 0, inMessageList},
	}},
	inTopFolder: {on: map[Marker]move{
		StartTopFld: {inFolder, EndFolder, atEnd},
	}},
	inFolder: {props: allProps, ends: true, on: map[Marker]move{
		StartMessage: {inMessage, EndMessage, inFolderMessages},
		StartFAIMsg:  {inMessage, EndMessage, inFolderMessages},
		FXErrorInfo:  {inProps, 0, inFolderMessages},
		StartSubFld:  {inFolder, EndFolder, inSubFolders},
	}},
	inFolderMessages: {props: metaOnly, ends: true, on: map[Marker]move{
		StartMessage: {inMessage, EndMessage, inFolderMessages},
		StartFAIMsg:  {inMessage, EndMessage, inFolderMessages},
		FXErrorInfo:  {inProps, 0, inFolderMessages},
		StartSubFld:  {inFolder, EndFolder, inSubFolders},
	}},
	inSubFolders: {props: metaOnly, ends: true, on: map[Marker]move{
		StartSubFld: {inFolder, EndFolder, inSubFolders},
	}},

	inContents: {props: metaOnly, on: map[Marker]move{
		IncrSyncProgressMode:   {inProps, 0, inContents},
		IncrSyncProgressPerMsg: {inProps, 0, inContents},
		IncrSyncGroupInfo:      {inProps, 0, inContents},
		IncrSyncChg:            {inHeader, 0, inContents},
		IncrSyncChgPartial:     {inMessage, 0, inContents},
		FXErrorInfo:            {inProps, 0, inContents},
		IncrSyncDel:            {inProps, 0, afterDeletions},
		IncrSyncRead:           {inProps, 0, afterReadStates},
		IncrSyncStateBegin:     {inProps, IncrSyncStateEnd, afterState},
	}},
	inHeader: {props: allProps, on: map[Marker]move{
		IncrSyncMessage: {then: inMessage},
	}},
	afterDeletions: {on: map[Marker]move{
		IncrSyncRead:       {inProps, 0, afterReadStates},
		IncrSyncStateBegin: {inProps, IncrSyncStateEnd, afterState},
	}},
	afterReadStates: {on: map[Marker]move{
		IncrSyncStateBegin: {inProps, IncrSyncStateEnd, afterState},
	}},
	inHierarchy: {on: map[Marker]move{
		IncrSyncChg:        {inProps, 0, inHierarchy},
		IncrSyncDel:        {inProps, 0, afterReadStates},
		IncrSyncStateBegin: {inProps, IncrSyncStateEnd, afterState},
	}},
	inState: {on: map[Marker]move{
		IncrSyncStateBegin: {inProps, IncrSyncStateEnd, atEnd},
	}},
	afterState: {on: map[Marker]move{
		IncrSyncEnd: {then: atEnd},
	}},
	atEnd: {ends: true},
}

var roots = [...]state{
	RootMessage: inMessage, RootAttachment: inAttachment, RootFolder: inFolder, RootTopFolder: inTopFolder,
	RootMessageList: inMessageList, RootContents: inContents, RootHierarchy: inHierarchy, RootState: inState,
}

// metaProps are the properties that speak of the stream and not of the object they stand in ([MS-OXCFXICS] 2.2.4.1.5).
func metaProp(t mapi.Tag) bool {
	switch t {
	case pid.MetaTagFXDelProp, pid.MetaTagEcWarning, pid.MetaTagNewFXFolder, pid.MetaTagIncrementalSyncMessagePartial,
		pid.MetaTagIncrSyncGroupId, pid.MetaTagDnPrefix:
		return true
	}
	return false
}

// level is an object whose content is under way.
type level struct {
	state state
	close Marker
}

// position is a place in the grammar: the objects that are open, outermost first.
type position struct {
	stack []level
	deep  int // embedded messages among them
}

func newPosition(r Root) position {
	return position{stack: []level{{state: roots[r]}}}
}

// maxLevels bounds open objects. Exchange allows folders 300 deep; an embedded message takes two levels.
const maxLevels = 300 + 2*mapi.MaxDepth

// marker moves on over m. It gives the least number of levels that were open on the way: what was begun above that is
// finished.
func (p *position) marker(m Marker) (low int, problem string) {
	low = len(p.stack)
	for {
		n := len(p.stack)
		top := &p.stack[n-1]
		r := &grammar[top.state]
		if mv, ok := r.on[m]; ok {
			top.state = mv.then
			if mv.open != 0 {
				problem = p.push(level{mv.open, mv.close})
			}
			return low, problem
		}
		closes := m == top.close && top.close != 0
		if !r.ends || n == 1 || !closes && top.close != 0 {
			return low, fmt.Sprintf("%v cannot stand in %s", m, stateNames[top.state])
		}
		if top.close == EndEmbed {
			p.deep--
		}
		p.stack = p.stack[:n-1]
		low = n - 1
		if closes {
			return low, ""
		}
	}
}

func (p *position) push(l level) string {
	if l.close == EndEmbed {
		if p.deep++; p.deep > mapi.MaxDepth {
			return fmt.Sprintf("embedded more than %d deep", mapi.MaxDepth)
		}
	}
	if len(p.stack) == maxLevels {
		return "nested too deep"
	}
	p.stack = append(p.stack, l)
	return ""
}

// prop checks that a property may stand here.
func (p *position) prop(t mapi.Tag) (problem string) {
	s := p.stack[len(p.stack)-1].state
	switch k := grammar[s].props; {
	case k == allProps, k == metaOnly && metaProp(t):
		return ""
	}
	return fmt.Sprintf("property %v cannot stand in %s", t, stateNames[s])
}

// end checks that the stream may end here.
func (p *position) end() (problem string) {
	for _, l := range p.stack {
		if l.close != 0 {
			return fmt.Sprintf("the stream ends where %v is due", l.close)
		}
	}
	// What stands above the innermost object has had its say when that was begun, unless it needs an end of its own.
	for i := len(p.stack) - 1; i >= 0; i-- {
		if !grammar[p.stack[i].state].ends {
			return fmt.Sprintf("the stream ends in %s", stateNames[p.stack[i].state])
		}
	}
	return ""
}
