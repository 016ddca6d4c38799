package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Folder ROPs that copy, move and search ([MS-OXCROPS] 2.2.4, semantics in [MS-OXCFOLD]).

// SetSearchCriteriaRequest is RopSetSearchCriteria's request buffer ([MS-OXCROPS] 2.2.4.4.1).
type SetSearchCriteriaRequest struct {
	Head
	In              uint8
	RestrictionData mapi.Restriction // nil keeps the one before
	BadRestriction  []byte           // RestrictionData that is malformed
	FolderIDs       []oxcdata.ID     // none keeps those before
	SearchFlags     uint32
}

// SearchFlags of RopSetSearchCriteria ([MS-OXCFOLD] 2.2.1.4.1).
const (
	SearchStop              = 0x00000001
	SearchRestart           = 0x00000002
	SearchRecursive         = 0x00000004
	SearchShallow           = 0x00000008
	SearchContentIndexed    = 0x00010000
	SearchNonContentIndexed = 0x00020000
	SearchStatic            = 0x00040000
)

// RopID implements Request.
func (*SetSearchCriteriaRequest) RopID() uint8 { return RopSetSearchCriteria }

func (r *SetSearchCriteriaRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	restrictionData(c, &r.RestrictionData, &r.BadRestriction)
	ids(c, &r.FolderIDs)
	c.U32(&r.SearchFlags)
}

// restrictionData is a 16-bit size and a restriction, none where the size is 0. Bytes that are no restriction are kept as
// they stand in bad: the size says where the ROP goes on, and it fails alone.
func restrictionData(c *oxcdata.Coder, p *mapi.Restriction, bad *[]byte) {
	if c.Encoding() && *bad == nil {
		c.Sized16(func(c *oxcdata.Coder) {
			if *p != nil {
				c.Restriction(p)
			}
		})
		return
	}
	raw := *bad
	c.Bytes16(&raw)
	if !c.Encoding() && len(raw) > 0 && oxcdata.Decode(oxcdata.ROP, raw, func(c *oxcdata.Coder) { c.Restriction(p) }) != nil {
		*p, *bad = nil, raw
	}
}

// GetSearchCriteriaRequest is RopGetSearchCriteria's request buffer ([MS-OXCROPS] 2.2.4.5.1).
type GetSearchCriteriaRequest struct {
	Head
	In                 uint8
	UseUnicode         bool
	IncludeRestriction bool
	IncludeFolders     bool
}

// RopID implements Request.
func (*GetSearchCriteriaRequest) RopID() uint8 { return RopGetSearchCriteria }

func (r *GetSearchCriteriaRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.UseUnicode)
	c.Bool(&r.IncludeRestriction)
	c.Bool(&r.IncludeFolders)
}

// GetSearchCriteriaResponse is RopGetSearchCriteria's response buffer ([MS-OXCROPS] 2.2.4.5.2).
type GetSearchCriteriaResponse struct {
	Reply
	RestrictionData mapi.Restriction
	BadRestriction  []byte // RestrictionData that is malformed
	LogonID         uint8
	FolderIDs       []oxcdata.ID
	SearchFlags     uint32 // state of the search
}

// SearchFlags of RopGetSearchCriteria ([MS-OXCFOLD] 2.2.1.5.2).
const (
	SearchRunning        = 0x00000001
	SearchRebuild        = 0x00000002
	SearchStateRecursive = 0x00000004
	SearchComplete       = 0x00001000
	SearchPartial        = 0x00002000
	SearchStateStatic    = 0x00010000
	SearchMaybeStatic    = 0x00020000
	SearchCITotally      = 0x01000000
	SearchTWIRTotally    = 0x08000000
)

// RopID implements Response.
func (*GetSearchCriteriaResponse) RopID() uint8 { return RopGetSearchCriteria }

func (r *GetSearchCriteriaResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		restrictionData(c, &r.RestrictionData, &r.BadRestriction)
		c.U8(&r.LogonID)
		ids(c, &r.FolderIDs)
		c.U32(&r.SearchFlags)
	}
}

// MoveCopyMessagesRequest is RopMoveCopyMessages' request buffer ([MS-OXCROPS] 2.2.4.6.1).
type MoveCopyMessagesRequest struct {
	Head
	Src, Dest        uint8
	MessageIDs       []oxcdata.ID
	WantAsynchronous bool
	WantCopy         bool
}

// RopID implements Request.
func (*MoveCopyMessagesRequest) RopID() uint8 { return RopMoveCopyMessages }

func (r *MoveCopyMessagesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Src)
	c.U8(&r.Dest)
	ids(c, &r.MessageIDs)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.WantCopy)
}

// MoveFolderRequest is RopMoveFolder's request buffer ([MS-OXCROPS] 2.2.4.7.1).
type MoveFolderRequest struct {
	Head
	Src, Dest        uint8 // parents
	WantAsynchronous bool
	UseUnicode       bool
	FolderID         oxcdata.ID
	NewFolderName    string // without UseUnicode bytes of the logon's code page
}

// RopID implements Request.
func (*MoveFolderRequest) RopID() uint8 { return RopMoveFolder }

func (r *MoveFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Src)
	c.U8(&r.Dest)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.UseUnicode)
	c.ID(&r.FolderID)
	text(c, r.UseUnicode, &r.NewFolderName)
}

// CopyFolderRequest is RopCopyFolder's request buffer ([MS-OXCROPS] 2.2.4.8.1).
type CopyFolderRequest struct {
	Head
	Src, Dest        uint8 // parents
	WantAsynchronous bool
	WantRecursive    bool
	UseUnicode       bool
	FolderID         oxcdata.ID
	NewFolderName    string // without UseUnicode bytes of the logon's code page
}

// RopID implements Request.
func (*CopyFolderRequest) RopID() uint8 { return RopCopyFolder }

func (r *CopyFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Src)
	c.U8(&r.Dest)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.WantRecursive)
	c.Bool(&r.UseUnicode)
	c.ID(&r.FolderID)
	text(c, r.UseUnicode, &r.NewFolderName)
}

// MoveResponse is the response of RopMoveCopyMessages ([MS-OXCROPS] 2.2.4.6.2), RopMoveFolder (2.2.4.7.2) and
// RopCopyFolder (2.2.4.8.2).
type MoveResponse struct {
	ROP uint8 // RopId
	Reply
	Dest              uint32 // DestHandleIndex, only with ReturnValue mapi.ErrNullDestination
	PartialCompletion bool
}

// RopID implements Response.
func (r *MoveResponse) RopID() uint8 { return r.ROP }

func (r *MoveResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	if r.ReturnValue == mapi.ErrNullDestination {
		c.U32(&r.Dest)
	}
	c.Bool(&r.PartialCompletion)
}

func move(id uint8) func() Response { return func() Response { return &MoveResponse{ROP: id} } }
