package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Folder ROPs ([MS-OXCROPS] 2.2.4, semantics in [MS-OXCFOLD]).

// OpenFolderRequest is RopOpenFolder's request buffer ([MS-OXCROPS] 2.2.4.1.1).
type OpenFolderRequest struct {
	Head
	In, Out       uint8
	FolderID      oxcdata.ID
	OpenModeFlags uint8 // 4 opens soft-deleted folders
}

// RopID implements Request.
func (*OpenFolderRequest) RopID() uint8 { return RopOpenFolder }

func (r *OpenFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.ID(&r.FolderID)
	c.U8(&r.OpenModeFlags)
}

// OpenFolderResponse is RopOpenFolder's response buffer ([MS-OXCROPS] 2.2.4.1.2).
type OpenFolderResponse struct {
	Reply
	HasRules  bool
	IsGhosted bool
	Servers   Servers // when ghosted
}

// RopID implements Response.
func (*OpenFolderResponse) RopID() uint8 { return RopOpenFolder }

func (r *OpenFolderResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bool(&r.HasRules)
		ghosted(c, &r.IsGhosted, &r.Servers)
	}
}

// CreateFolderRequest is RopCreateFolder's request buffer ([MS-OXCROPS] 2.2.4.2.1).
type CreateFolderRequest struct {
	Head
	In, Out           uint8
	FolderType        uint8 // 1 generic, 2 search
	UseUnicodeStrings bool
	OpenExisting      bool
	Reserved          uint8
	DisplayName       string // without UseUnicodeStrings bytes of the logon's code page
	Comment           string
}

// RopID implements Request.
func (*CreateFolderRequest) RopID() uint8 { return RopCreateFolder }

func (r *CreateFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.FolderType)
	c.Bool(&r.UseUnicodeStrings)
	c.Bool(&r.OpenExisting)
	c.U8(&r.Reserved)
	text(c, r.UseUnicodeStrings, &r.DisplayName)
	text(c, r.UseUnicodeStrings, &r.Comment)
}

// text is a terminated string whose width another field gives.
func text(c *oxcdata.Coder, unicode bool, p *string) {
	if unicode {
		c.WSZ(p)
		return
	}
	s := mapi.String8(*p)
	c.SZ(&s)
	*p = string(s)
}

// CreateFolderResponse is RopCreateFolder's response buffer ([MS-OXCROPS] 2.2.4.2.2).
type CreateFolderResponse struct {
	Reply
	FolderID         oxcdata.ID
	IsExistingFolder bool
	HasRules         bool    // from here when the folder existed
	IsGhosted        bool    //
	Servers          Servers // when ghosted
}

// RopID implements Response.
func (*CreateFolderResponse) RopID() uint8 { return RopCreateFolder }

func (r *CreateFolderResponse) code(c *oxcdata.Coder, _ Request) {
	if !r.reply(c) {
		return
	}
	c.ID(&r.FolderID)
	c.Bool(&r.IsExistingFolder)
	if r.IsExistingFolder {
		c.Bool(&r.HasRules)
		ghosted(c, &r.IsGhosted, &r.Servers)
	}
}

// DeleteFolderFlags of RopDeleteFolder.
const (
	DelMessages      = 0x01
	DelFolders       = 0x04
	DeleteHardDelete = 0x10
)

// DeleteFolderRequest is RopDeleteFolder's request buffer ([MS-OXCROPS] 2.2.4.3.1).
type DeleteFolderRequest struct {
	Head
	In                uint8 // the parent
	DeleteFolderFlags uint8
	FolderID          oxcdata.ID
}

// RopID implements Request.
func (*DeleteFolderRequest) RopID() uint8 { return RopDeleteFolder }

func (r *DeleteFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.DeleteFolderFlags)
	c.ID(&r.FolderID)
}

// PartialResponse is the response of the ROPs that delete, empty and mark: RopDeleteFolder ([MS-OXCROPS] 2.2.4.3.2),
// RopEmptyFolder (2.2.4.9.2), RopHardDeleteMessagesAndSubfolders (2.2.4.10.2), RopDeleteMessages (2.2.4.11.2),
// RopHardDeleteMessages (2.2.4.12.2) and RopSetReadFlags (2.2.6.10.2).
type PartialResponse struct {
	ROP uint8 // RopId
	Reply
	PartialCompletion bool
	Short             bool // see Reply.short
}

// RopID implements Response.
func (r *PartialResponse) RopID() uint8 { return r.ROP }

func (r *PartialResponse) code(c *oxcdata.Coder, _ Request) {
	r.reply(c)
	if !r.short(c, &r.Short, 1) {
		c.Bool(&r.PartialCompletion)
	}
}

func partial(id uint8) func() Response { return func() Response { return &PartialResponse{ROP: id} } }

// EmptyFolderRequest is RopEmptyFolder's request buffer ([MS-OXCROPS] 2.2.4.9.1).
type EmptyFolderRequest struct {
	Head
	In                   uint8
	WantAsynchronous     bool
	WantDeleteAssociated bool
}

// RopID implements Request.
func (*EmptyFolderRequest) RopID() uint8 { return RopEmptyFolder }

func (r *EmptyFolderRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.WantDeleteAssociated)
}

// HardDeleteMessagesAndSubfoldersRequest is RopHardDeleteMessagesAndSubfolders' request buffer ([MS-OXCROPS] 2.2.4.10.1).
type HardDeleteMessagesAndSubfoldersRequest struct {
	Head
	In                   uint8
	WantAsynchronous     bool
	WantDeleteAssociated bool
}

// RopID implements Request.
func (*HardDeleteMessagesAndSubfoldersRequest) RopID() uint8 {
	return RopHardDeleteMessagesAndSubfolders
}

func (r *HardDeleteMessagesAndSubfoldersRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.WantDeleteAssociated)
}

// DeleteMessagesRequest is RopDeleteMessages' request buffer ([MS-OXCROPS] 2.2.4.11.1).
type DeleteMessagesRequest struct {
	Head
	In               uint8
	WantAsynchronous bool
	NotifyNonRead    bool
	MessageIDs       []oxcdata.ID
}

// RopID implements Request.
func (*DeleteMessagesRequest) RopID() uint8 { return RopDeleteMessages }

func (r *DeleteMessagesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.NotifyNonRead)
	ids(c, &r.MessageIDs)
}

// ids is a 16-bit count and folder or message ids.
func ids(c *oxcdata.Coder, p *[]oxcdata.ID) { oxcdata.List16(c, p, 8, (*oxcdata.Coder).ID) }

// HardDeleteMessagesRequest is RopHardDeleteMessages' request buffer ([MS-OXCROPS] 2.2.4.12.1).
type HardDeleteMessagesRequest struct {
	Head
	In               uint8
	WantAsynchronous bool
	NotifyNonRead    bool
	MessageIDs       []oxcdata.ID
}

// RopID implements Request.
func (*HardDeleteMessagesRequest) RopID() uint8 { return RopHardDeleteMessages }

func (r *HardDeleteMessagesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.NotifyNonRead)
	ids(c, &r.MessageIDs)
}

// GetHierarchyTableRequest is RopGetHierarchyTable's request buffer ([MS-OXCROPS] 2.2.4.13.1).
type GetHierarchyTableRequest struct {
	Head
	In, Out    uint8
	TableFlags uint8
}

// RopID implements Request.
func (*GetHierarchyTableRequest) RopID() uint8 { return RopGetHierarchyTable }

func (r *GetHierarchyTableRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.TableFlags)
}

// GetHierarchyTableResponse is RopGetHierarchyTable's response buffer ([MS-OXCROPS] 2.2.4.13.2).
type GetHierarchyTableResponse struct {
	Reply
	RowCount uint32
}

// RopID implements Response.
func (*GetHierarchyTableResponse) RopID() uint8 { return RopGetHierarchyTable }

func (r *GetHierarchyTableResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.RowCount)
	}
}

// TableFlags of hierarchy, contents, attachment, permissions and rules tables ([MS-OXCFOLD] 2.2.1.13.1, 2.2.1.14.1).
const (
	TableAssociated              = 0x02 // contents: FAI messages
	TableDepth                   = 0x04 // hierarchy: all levels
	TableDeferredErrors          = 0x08
	TableNoNotifications         = 0x10
	TableSoftDeletes             = 0x20
	TableUseUnicode              = 0x40
	TableConversationMembers     = 0x80 // contents
	TableSuppressesNotifications = 0x80 // hierarchy
)

// GetContentsTableRequest is RopGetContentsTable's request buffer ([MS-OXCROPS] 2.2.4.14.1).
type GetContentsTableRequest struct {
	Head
	In, Out    uint8
	TableFlags uint8
}

// RopID implements Request.
func (*GetContentsTableRequest) RopID() uint8 { return RopGetContentsTable }

func (r *GetContentsTableRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Out)
	c.U8(&r.TableFlags)
}

// GetContentsTableResponse is RopGetContentsTable's response buffer ([MS-OXCROPS] 2.2.4.14.2).
type GetContentsTableResponse struct {
	Reply
	RowCount uint32
}

// RopID implements Response.
func (*GetContentsTableResponse) RopID() uint8 { return RopGetContentsTable }

func (r *GetContentsTableResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.RowCount)
	}
}
