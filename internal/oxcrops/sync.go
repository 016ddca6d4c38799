package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Incremental change synchronization ROPs ([MS-OXCROPS] 2.2.13, semantics in [MS-OXCFXICS]).

// SynchronizationType of RopSynchronizationConfigure.
const (
	SyncContents  = 1
	SyncHierarchy = 2
)

// SynchronizationFlags of RopSynchronizationConfigure ([MS-OXCFXICS] 2.2.3.2.1.1.1).
const (
	SyncUnicode                 = 0x0001
	SyncNoDeletions             = 0x0002
	SyncIgnoreNoLongerInScope   = 0x0004
	SyncReadState               = 0x0008
	SyncFAI                     = 0x0010
	SyncNormal                  = 0x0020
	SyncOnlySpecifiedProperties = 0x0080
	SyncNoForeignIdentifiers    = 0x0100
	SyncBestBody                = 0x2000
	SyncIgnoreSpecifiedOnFAI    = 0x4000
	SyncProgress                = 0x8000
)

// SynchronizationExtraFlags of RopSynchronizationConfigure.
const (
	SyncExtraEid                 = 0x00000001
	SyncExtraMessageSize         = 0x00000002
	SyncExtraCN                  = 0x00000004
	SyncExtraOrderByDeliveryTime = 0x00000008
)

// SynchronizationConfigureRequest is RopSynchronizationConfigure's request buffer ([MS-OXCROPS] 2.2.13.1.1).
type SynchronizationConfigureRequest struct {
	Head
	In, Out                   uint8
	SynchronizationType       uint8
	SendOptions               uint8
	SynchronizationFlags      uint16
	RestrictionData           mapi.Restriction
	BadRestriction            []byte // RestrictionData that is malformed
	SynchronizationExtraFlags uint32
	Tags                      []mapi.Tag // left out, or with SyncOnlySpecifiedProperties the only ones
}

// RopID implements Request.
func (*SynchronizationConfigureRequest) RopID() uint8 { return RopSynchronizationConfigure }

func (r *SynchronizationConfigureRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.SynchronizationType)
	c.U8(&r.SendOptions)
	c.U16(&r.SynchronizationFlags)
	restrictionData(c, &r.RestrictionData, &r.BadRestriction)
	c.U32(&r.SynchronizationExtraFlags)
	tags(c, &r.Tags)
}

// ImportFlag of RopSynchronizationImportMessageChange.
const (
	ImportAssociated     = 0x10
	ImportFailOnConflict = 0x40
)

// SynchronizationImportMessageChangeRequest is RopSynchronizationImportMessageChange's request buffer ([MS-OXCROPS]
// 2.2.13.2.1).
type SynchronizationImportMessageChangeRequest struct {
	Head
	In, Out    uint8
	ImportFlag uint8
	Values     []oxcdata.TaggedValue
}

// RopID implements Request.
func (*SynchronizationImportMessageChangeRequest) RopID() uint8 {
	return RopSynchronizationImportMessageChange
}

func (r *SynchronizationImportMessageChangeRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.ImportFlag)
	values(c, &r.Values)
}

// SynchronizationImportMessageChangeResponse is RopSynchronizationImportMessageChange's response buffer ([MS-OXCROPS]
// 2.2.13.2.2).
type SynchronizationImportMessageChangeResponse struct {
	Reply
	MessageID oxcdata.ID // 0
}

// RopID implements Response.
func (*SynchronizationImportMessageChangeResponse) RopID() uint8 {
	return RopSynchronizationImportMessageChange
}

func (r *SynchronizationImportMessageChangeResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.ID(&r.MessageID)
	}
}

// MessageReadState is the read state of a message ([MS-OXCROPS] 2.2.13.3.1.1).
type MessageReadState struct {
	MessageID  []byte // XID: the source key
	MarkAsRead bool
}

// SynchronizationImportReadStateChangesRequest is RopSynchronizationImportReadStateChanges' request buffer ([MS-OXCROPS]
// 2.2.13.3.1).
type SynchronizationImportReadStateChangesRequest struct {
	Head
	In                uint8
	MessageReadStates []MessageReadState
}

// RopID implements Request.
func (*SynchronizationImportReadStateChangesRequest) RopID() uint8 {
	return RopSynchronizationImportReadStateChanges
}

func (r *SynchronizationImportReadStateChangesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Sized16(func(c *oxcdata.Coder) {
		for i := 0; c.More(i, len(r.MessageReadStates)); i++ {
			if !c.Encoding() {
				r.MessageReadStates = append(r.MessageReadStates, MessageReadState{})
			}
			s := &r.MessageReadStates[i]
			c.Bytes16(&s.MessageID)
			c.Bool(&s.MarkAsRead)
		}
	})
}

// SynchronizationImportHierarchyChangeRequest is RopSynchronizationImportHierarchyChange's request buffer ([MS-OXCROPS]
// 2.2.13.4.1).
type SynchronizationImportHierarchyChangeRequest struct {
	Head
	In              uint8
	HierarchyValues []oxcdata.TaggedValue
	Values          []oxcdata.TaggedValue
}

// RopID implements Request.
func (*SynchronizationImportHierarchyChangeRequest) RopID() uint8 {
	return RopSynchronizationImportHierarchyChange
}

func (r *SynchronizationImportHierarchyChangeRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	values(c, &r.HierarchyValues)
	values(c, &r.Values)
}

// SynchronizationImportHierarchyChangeResponse is RopSynchronizationImportHierarchyChange's response buffer ([MS-OXCROPS]
// 2.2.13.4.2).
type SynchronizationImportHierarchyChangeResponse struct {
	Reply
	FolderID oxcdata.ID // 0 for private mailboxes
}

// RopID implements Response.
func (*SynchronizationImportHierarchyChangeResponse) RopID() uint8 {
	return RopSynchronizationImportHierarchyChange
}

func (r *SynchronizationImportHierarchyChangeResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.ID(&r.FolderID)
	}
}

// ImportDeleteFlags of RopSynchronizationImportDeletes.
const (
	ImportDeleteHierarchy = 0x01
	ImportDeleteHard      = 0x02
)

// SynchronizationImportDeletesRequest is RopSynchronizationImportDeletes' request buffer ([MS-OXCROPS] 2.2.13.5.1).
type SynchronizationImportDeletesRequest struct {
	Head
	In                uint8
	ImportDeleteFlags uint8
	Values            []oxcdata.TaggedValue
}

// RopID implements Request.
func (*SynchronizationImportDeletesRequest) RopID() uint8 { return RopSynchronizationImportDeletes }

func (r *SynchronizationImportDeletesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.ImportDeleteFlags)
	values(c, &r.Values)
}

// SynchronizationImportMessageMoveRequest is RopSynchronizationImportMessageMove's request buffer ([MS-OXCROPS]
// 2.2.13.6.1).
type SynchronizationImportMessageMoveRequest struct {
	Head
	In                    uint8
	SourceFolderID        []byte
	SourceMessageID       []byte
	PredecessorChangeList []byte
	DestinationMessageID  []byte
	ChangeNumber          []byte
}

// RopID implements Request.
func (*SynchronizationImportMessageMoveRequest) RopID() uint8 {
	return RopSynchronizationImportMessageMove
}

func (r *SynchronizationImportMessageMoveRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes32(&r.SourceFolderID)
	c.Bytes32(&r.SourceMessageID)
	c.Bytes32(&r.PredecessorChangeList)
	c.Bytes32(&r.DestinationMessageID)
	c.Bytes32(&r.ChangeNumber)
}

// SynchronizationImportMessageMoveResponse is RopSynchronizationImportMessageMove's response buffer ([MS-OXCROPS]
// 2.2.13.6.2).
type SynchronizationImportMessageMoveResponse struct {
	Reply
	MessageID oxcdata.ID // 0
}

// RopID implements Response.
func (*SynchronizationImportMessageMoveResponse) RopID() uint8 {
	return RopSynchronizationImportMessageMove
}

func (r *SynchronizationImportMessageMoveResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.ID(&r.MessageID)
	}
}

// SynchronizationOpenCollectorRequest is RopSynchronizationOpenCollector's request buffer ([MS-OXCROPS] 2.2.13.7.1).
type SynchronizationOpenCollectorRequest struct {
	Head
	In, Out             uint8
	IsContentsCollector bool
}

// RopID implements Request.
func (*SynchronizationOpenCollectorRequest) RopID() uint8 { return RopSynchronizationOpenCollector }

func (r *SynchronizationOpenCollectorRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.Bool(&r.IsContentsCollector)
}

// SynchronizationGetTransferStateRequest is RopSynchronizationGetTransferState's request buffer ([MS-OXCROPS] 2.2.13.8.1).
type SynchronizationGetTransferStateRequest struct {
	Head
	In, Out uint8
}

// RopID implements Request.
func (*SynchronizationGetTransferStateRequest) RopID() uint8 {
	return RopSynchronizationGetTransferState
}

func (r *SynchronizationGetTransferStateRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
}

// SynchronizationUploadStateStreamBeginRequest is RopSynchronizationUploadStateStreamBegin's request buffer ([MS-OXCROPS]
// 2.2.13.9.1).
type SynchronizationUploadStateStreamBeginRequest struct {
	Head
	In                 uint8
	StateProperty      mapi.Tag
	TransferBufferSize uint32
}

// RopID implements Request.
func (*SynchronizationUploadStateStreamBeginRequest) RopID() uint8 {
	return RopSynchronizationUploadStateStreamBegin
}

func (r *SynchronizationUploadStateStreamBeginRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Tag(&r.StateProperty)
	c.U32(&r.TransferBufferSize)
}

// SynchronizationUploadStateStreamContinueRequest is RopSynchronizationUploadStateStreamContinue's request buffer
// ([MS-OXCROPS] 2.2.13.10.1).
type SynchronizationUploadStateStreamContinueRequest struct {
	Head
	In         uint8
	StreamData []byte
}

// RopID implements Request.
func (*SynchronizationUploadStateStreamContinueRequest) RopID() uint8 {
	return RopSynchronizationUploadStateStreamContinue
}

func (r *SynchronizationUploadStateStreamContinueRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes32(&r.StreamData)
}

// SynchronizationUploadStateStreamEndRequest is RopSynchronizationUploadStateStreamEnd's request buffer ([MS-OXCROPS]
// 2.2.13.11.1).
type SynchronizationUploadStateStreamEndRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*SynchronizationUploadStateStreamEndRequest) RopID() uint8 {
	return RopSynchronizationUploadStateStreamEnd
}

func (r *SynchronizationUploadStateStreamEndRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// LongTermIDRange is a range of ids, both ends included ([MS-OXCROPS] 2.2.13.12.1.1).
type LongTermIDRange struct{ Min, Max oxcdata.LongTermID }

// SetLocalReplicaMidsetDeletedRequest is RopSetLocalReplicaMidsetDeleted's request buffer ([MS-OXCROPS] 2.2.13.12.1).
type SetLocalReplicaMidsetDeletedRequest struct {
	Head
	In               uint8
	LongTermIDRanges []LongTermIDRange
}

// RopID implements Request.
func (*SetLocalReplicaMidsetDeletedRequest) RopID() uint8 { return RopSetLocalReplicaMidsetDeleted }

func (r *SetLocalReplicaMidsetDeletedRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Sized16(func(c *oxcdata.Coder) {
		oxcdata.List32(c, &r.LongTermIDRanges, 48, func(c *oxcdata.Coder, p *LongTermIDRange) {
			c.LongTermID(&p.Min)
			c.LongTermID(&p.Max)
		})
	})
}

// GetLocalReplicaIdsRequest is RopGetLocalReplicaIds' request buffer ([MS-OXCROPS] 2.2.13.13.1).
type GetLocalReplicaIdsRequest struct {
	Head
	In      uint8
	IDCount uint32
}

// RopID implements Request.
func (*GetLocalReplicaIdsRequest) RopID() uint8 { return RopGetLocalReplicaIds }

func (r *GetLocalReplicaIdsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U32(&r.IDCount)
}

// GetLocalReplicaIdsResponse is RopGetLocalReplicaIds' response buffer ([MS-OXCROPS] 2.2.13.13.2).
type GetLocalReplicaIdsResponse struct {
	Reply
	First oxcdata.GlobalID // ReplGuid and GlobalCount: the first of IDCount reserved ids
}

// RopID implements Response.
func (*GetLocalReplicaIdsResponse) RopID() uint8 { return RopGetLocalReplicaIds }

func (r *GetLocalReplicaIdsResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.GlobalID(&r.First)
	}
}
