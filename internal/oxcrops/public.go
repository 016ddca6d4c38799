package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Store ROPs for public folders and per-user data ([MS-OXCROPS] 2.2.3, semantics in [MS-OXCSTOR]).

// GetOwningServersRequest is RopGetOwningServers' request buffer ([MS-OXCROPS] 2.2.3.6.1).
type GetOwningServersRequest struct {
	Head
	In       uint8
	FolderID oxcdata.ID
}

// RopID implements Request.
func (*GetOwningServersRequest) RopID() uint8 { return RopGetOwningServers }

func (r *GetOwningServersRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.FolderID)
}

// Servers lists the servers that hold replicas of a public folder.
type Servers struct {
	Cheap uint16 // the first so many cost least: CheapServerCount
	Names []mapi.String8
}

func (s *Servers) code(c *oxcdata.Coder) {
	n := c.Len16(len(s.Names))
	c.U16(&s.Cheap)
	oxcdata.ListN(c, n, &s.Names, 1, (*oxcdata.Coder).SZ)
}

// GetOwningServersResponse is RopGetOwningServers' response buffer ([MS-OXCROPS] 2.2.3.6.2).
type GetOwningServersResponse struct {
	Reply
	OwningServers Servers
}

// RopID implements Response.
func (*GetOwningServersResponse) RopID() uint8 { return RopGetOwningServers }

func (r *GetOwningServersResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		r.OwningServers.code(c)
	}
}

// PublicFolderIsGhostedRequest is RopPublicFolderIsGhosted's request buffer ([MS-OXCROPS] 2.2.3.7.1).
type PublicFolderIsGhostedRequest struct {
	Head
	In       uint8
	FolderID oxcdata.ID
}

// RopID implements Request.
func (*PublicFolderIsGhostedRequest) RopID() uint8 { return RopPublicFolderIsGhosted }

func (r *PublicFolderIsGhostedRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.FolderID)
}

// PublicFolderIsGhostedResponse is RopPublicFolderIsGhosted's response buffer ([MS-OXCROPS] 2.2.3.7.2).
type PublicFolderIsGhostedResponse struct {
	Reply
	IsGhosted bool
	Servers   Servers // when ghosted
}

// RopID implements Response.
func (*PublicFolderIsGhostedResponse) RopID() uint8 { return RopPublicFolderIsGhosted }

func (r *PublicFolderIsGhostedResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		ghosted(c, &r.IsGhosted, &r.Servers)
	}
}

// ghosted walks IsGhosted and the servers that follow when it is set.
func ghosted(c *oxcdata.Coder, is *bool, s *Servers) {
	c.Bool(is)
	if *is {
		s.code(c)
	}
}

// GetPerUserLongTermIdsRequest is RopGetPerUserLongTermIds' request buffer ([MS-OXCROPS] 2.2.3.10.1).
type GetPerUserLongTermIdsRequest struct {
	Head
	In           uint8
	DatabaseGUID mapi.GUID
}

// RopID implements Request.
func (*GetPerUserLongTermIdsRequest) RopID() uint8 { return RopGetPerUserLongTermIds }

func (r *GetPerUserLongTermIdsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.GUID(&r.DatabaseGUID)
}

// GetPerUserLongTermIdsResponse is RopGetPerUserLongTermIds' response buffer ([MS-OXCROPS] 2.2.3.10.2).
type GetPerUserLongTermIdsResponse struct {
	Reply
	LongTermIDs []oxcdata.LongTermID
}

// RopID implements Response.
func (*GetPerUserLongTermIdsResponse) RopID() uint8 { return RopGetPerUserLongTermIds }

func (r *GetPerUserLongTermIdsResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		oxcdata.List16(c, &r.LongTermIDs, 24, (*oxcdata.Coder).LongTermID)
	}
}

// GetPerUserGuidRequest is RopGetPerUserGuid's request buffer ([MS-OXCROPS] 2.2.3.11.1).
type GetPerUserGuidRequest struct {
	Head
	In         uint8
	LongTermID oxcdata.LongTermID
}

// RopID implements Request.
func (*GetPerUserGuidRequest) RopID() uint8 { return RopGetPerUserGuid }

func (r *GetPerUserGuidRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.LongTermID(&r.LongTermID)
}

// GetPerUserGuidResponse is RopGetPerUserGuid's response buffer ([MS-OXCROPS] 2.2.3.11.2).
type GetPerUserGuidResponse struct {
	Reply
	DatabaseGUID mapi.GUID
}

// RopID implements Response.
func (*GetPerUserGuidResponse) RopID() uint8 { return RopGetPerUserGuid }

func (r *GetPerUserGuidResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.GUID(&r.DatabaseGUID)
	}
}

// ReadPerUserInformationRequest is RopReadPerUserInformation's request buffer ([MS-OXCROPS] 2.2.3.12.1).
type ReadPerUserInformationRequest struct {
	Head
	In          uint8
	FolderID    oxcdata.LongTermID
	Reserved    uint8
	DataOffset  uint32
	MaxDataSize uint16
}

// RopID implements Request.
func (*ReadPerUserInformationRequest) RopID() uint8 { return RopReadPerUserInformation }

func (r *ReadPerUserInformationRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.LongTermID(&r.FolderID)
	c.U8(&r.Reserved)
	c.U32(&r.DataOffset)
	c.U16(&r.MaxDataSize)
}

// ReadPerUserInformationResponse is RopReadPerUserInformation's response buffer ([MS-OXCROPS] 2.2.3.12.2).
type ReadPerUserInformationResponse struct {
	Reply
	HasFinished bool
	Data        []byte
}

// RopID implements Response.
func (*ReadPerUserInformationResponse) RopID() uint8 { return RopReadPerUserInformation }

func (r *ReadPerUserInformationResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bool(&r.HasFinished)
		c.Bytes16(&r.Data)
	}
}

// WritePerUserInformationRequest is RopWritePerUserInformation's request buffer ([MS-OXCROPS] 2.2.3.13.1).
type WritePerUserInformationRequest struct {
	Head
	In          uint8
	FolderID    oxcdata.LongTermID
	HasFinished bool
	DataOffset  uint32
	Data        []byte
	ReplGUID    mapi.GUID // only with DataOffset 0 and a private logon

	Public bool // not sent: the logon is one to public folders
}

// RopID implements Request.
func (*WritePerUserInformationRequest) RopID() uint8 { return RopWritePerUserInformation }

func (r *WritePerUserInformationRequest) setPublic(p bool) { r.Public = p }

func (r *WritePerUserInformationRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.LongTermID(&r.FolderID)
	c.Bool(&r.HasFinished)
	c.U32(&r.DataOffset)
	c.Bytes16(&r.Data)
	if r.DataOffset == 0 && !r.Public {
		c.GUID(&r.ReplGUID)
	}
}
