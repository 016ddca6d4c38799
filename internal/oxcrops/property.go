package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Property ROPs ([MS-OXCROPS] 2.2.8, semantics in [MS-OXCPRPT]).

// Flags of RopGetPropertyIdsFromNames.
const (
	NamesGetOnly = 0x00
	NamesCreate  = 0x02
)

// GetPropertyIdsFromNamesRequest is RopGetPropertyIdsFromNames' request buffer ([MS-OXCROPS] 2.2.8.1.1).
type GetPropertyIdsFromNamesRequest struct {
	Head
	In    uint8
	Flags uint8
	Names []mapi.PropName // none asks for all ids
}

// RopID implements Request.
func (*GetPropertyIdsFromNamesRequest) RopID() uint8 { return RopGetPropertyIdsFromNames }

func (r *GetPropertyIdsFromNamesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Flags)
	oxcdata.List16(c, &r.Names, minPropName, (*oxcdata.Coder).PropName)
}

// minPropName is the size of a PropertyName of kind 0xFF at the least.
const minPropName = 1

// GetPropertyIdsFromNamesResponse is RopGetPropertyIdsFromNames' response buffer ([MS-OXCROPS] 2.2.8.1.2).
type GetPropertyIdsFromNamesResponse struct {
	Reply
	IDs []uint16 // 0 where a name is not known, with ReturnValue mapi.WarnErrorsReturned
}

// RopID implements Response.
func (*GetPropertyIdsFromNamesResponse) RopID() uint8 { return RopGetPropertyIdsFromNames }

func (r *GetPropertyIdsFromNamesResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) || r.ReturnValue == mapi.WarnErrorsReturned {
		oxcdata.List16(c, &r.IDs, 2, (*oxcdata.Coder).U16)
	}
}

// GetNamesFromPropertyIdsRequest is RopGetNamesFromPropertyIds' request buffer ([MS-OXCROPS] 2.2.8.2.1).
type GetNamesFromPropertyIdsRequest struct {
	Head
	In  uint8
	IDs []uint16
}

// RopID implements Request.
func (*GetNamesFromPropertyIdsRequest) RopID() uint8 { return RopGetNamesFromPropertyIds }

func (r *GetNamesFromPropertyIdsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	oxcdata.List16(c, &r.IDs, 2, (*oxcdata.Coder).U16)
}

// GetNamesFromPropertyIdsResponse is RopGetNamesFromPropertyIds' response buffer ([MS-OXCROPS] 2.2.8.2.2).
type GetNamesFromPropertyIdsResponse struct {
	Reply
	Names []mapi.PropName // the zero PropName where an id has none
}

// RopID implements Response.
func (*GetNamesFromPropertyIdsResponse) RopID() uint8 { return RopGetNamesFromPropertyIds }

func (r *GetNamesFromPropertyIdsResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		oxcdata.List16(c, &r.Names, minPropName, (*oxcdata.Coder).PropName)
	}
}

// GetPropertiesSpecificRequest is RopGetPropertiesSpecific's request buffer ([MS-OXCROPS] 2.2.8.3.1).
type GetPropertiesSpecificRequest struct {
	Head
	In                uint8
	PropertySizeLimit uint16 // 0: what fits the buffer
	WantUnicode       uint16
	Tags              []mapi.Tag
}

// RopID implements Request.
func (*GetPropertiesSpecificRequest) RopID() uint8 { return RopGetPropertiesSpecific }

func (r *GetPropertiesSpecificRequest) columns() []mapi.Tag { return r.Tags }

func (r *GetPropertiesSpecificRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U16(&r.PropertySizeLimit)
	c.U16(&r.WantUnicode)
	tags(c, &r.Tags)
}

// GetPropertiesSpecificResponse is RopGetPropertiesSpecific's response buffer ([MS-OXCROPS] 2.2.8.3.2).
type GetPropertiesSpecificResponse struct {
	Reply
	Row oxcdata.PropertyRow // RowData, over the request's Tags
}

// RopID implements Response.
func (*GetPropertiesSpecificResponse) RopID() uint8 { return RopGetPropertiesSpecific }

func (r *GetPropertiesSpecificResponse) code(c *oxcdata.Coder, q Request) {
	if r.reply(c) {
		c.PropertyRow(columnsOf(c, q), &r.Row)
	}
}

// GetPropertiesAllRequest is RopGetPropertiesAll's request buffer ([MS-OXCROPS] 2.2.8.4.1).
type GetPropertiesAllRequest struct {
	Head
	In                uint8
	PropertySizeLimit uint16 // 0: what fits the buffer
	WantUnicode       uint16
}

// RopID implements Request.
func (*GetPropertiesAllRequest) RopID() uint8 { return RopGetPropertiesAll }

func (r *GetPropertiesAllRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U16(&r.PropertySizeLimit)
	c.U16(&r.WantUnicode)
}

// GetPropertiesAllResponse is RopGetPropertiesAll's response buffer ([MS-OXCROPS] 2.2.8.4.2).
type GetPropertiesAllResponse struct {
	Reply
	Values []oxcdata.TaggedValue // of type ErrorCode, mapi.ErrNoMemory, where a value is too large
}

// RopID implements Response.
func (*GetPropertiesAllResponse) RopID() uint8 { return RopGetPropertiesAll }

func (r *GetPropertiesAllResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		values(c, &r.Values)
	}
}

// values is a 16-bit count and tagged values.
func values(c *oxcdata.Coder, p *[]oxcdata.TaggedValue) {
	oxcdata.List16(c, p, 4, (*oxcdata.Coder).TaggedValue)
}

// GetPropertiesListRequest is RopGetPropertiesList's request buffer ([MS-OXCROPS] 2.2.8.5.1).
type GetPropertiesListRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetPropertiesListRequest) RopID() uint8 { return RopGetPropertiesList }

func (r *GetPropertiesListRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetPropertiesListResponse is RopGetPropertiesList's response buffer ([MS-OXCROPS] 2.2.8.5.2).
type GetPropertiesListResponse struct {
	Reply
	Tags []mapi.Tag
}

// RopID implements Response.
func (*GetPropertiesListResponse) RopID() uint8 { return RopGetPropertiesList }

func (r *GetPropertiesListResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		tags(c, &r.Tags)
	}
}

// SetPropertiesRequest is RopSetProperties' request buffer ([MS-OXCROPS] 2.2.8.6.1).
type SetPropertiesRequest struct {
	Head
	In     uint8
	Values []oxcdata.TaggedValue
}

// RopID implements Request.
func (*SetPropertiesRequest) RopID() uint8 { return RopSetProperties }

func (r *SetPropertiesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	sizedValues(c, &r.Values)
}

// sizedValues is PropertyValueSize, which counts all that follows, PropertyValueCount and the values.
func sizedValues(c *oxcdata.Coder, p *[]oxcdata.TaggedValue) {
	c.Sized16(func(c *oxcdata.Coder) { values(c, p) })
}

// PropertyProblem is a property that could not be set or deleted ([MS-OXCDATA] 2.7).
type PropertyProblem struct {
	Index     uint16 // in the request
	Tag       mapi.Tag
	ErrorCode mapi.Code
}

func problem(c *oxcdata.Coder, p *PropertyProblem) {
	c.U16(&p.Index)
	c.Tag(&p.Tag)
	c.Code(&p.ErrorCode)
}

// ProblemsResponse is the response of RopSetProperties ([MS-OXCROPS] 2.2.8.6.2), RopSetPropertiesNoReplicate (2.2.8.7.2),
// RopDeleteProperties (2.2.8.8.2), RopDeletePropertiesNoReplicate (2.2.8.9.2), RopCopyProperties (2.2.8.11.2) and RopCopyTo
// (2.2.8.12.2).
type ProblemsResponse struct {
	ROP uint8 // RopId
	Reply
	Problems []PropertyProblem
	Dest     uint32 // DestHandleIndex, only of the copying ROPs with ReturnValue mapi.ErrNullDestination
}

// RopID implements Response.
func (r *ProblemsResponse) RopID() uint8 { return r.ROP }

func (r *ProblemsResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		oxcdata.List16(c, &r.Problems, 10, problem)
		return
	}
	if r.ReturnValue == mapi.ErrNullDestination && (r.ROP == RopCopyTo || r.ROP == RopCopyProperties) {
		c.U32(&r.Dest)
	}
}

func problems(id uint8) func() Response { return func() Response { return &ProblemsResponse{ROP: id} } }

// SetPropertiesNoReplicateRequest is RopSetPropertiesNoReplicate's request buffer ([MS-OXCROPS] 2.2.8.7.1).
type SetPropertiesNoReplicateRequest struct {
	Head
	In     uint8
	Values []oxcdata.TaggedValue
}

// RopID implements Request.
func (*SetPropertiesNoReplicateRequest) RopID() uint8 { return RopSetPropertiesNoReplicate }

func (r *SetPropertiesNoReplicateRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	sizedValues(c, &r.Values)
}

// DeletePropertiesRequest is RopDeleteProperties' request buffer ([MS-OXCROPS] 2.2.8.8.1).
type DeletePropertiesRequest struct {
	Head
	In   uint8
	Tags []mapi.Tag
}

// RopID implements Request.
func (*DeletePropertiesRequest) RopID() uint8 { return RopDeleteProperties }

func (r *DeletePropertiesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	tags(c, &r.Tags)
}

// DeletePropertiesNoReplicateRequest is RopDeletePropertiesNoReplicate's request buffer ([MS-OXCROPS] 2.2.8.9.1).
type DeletePropertiesNoReplicateRequest struct {
	Head
	In   uint8
	Tags []mapi.Tag
}

// RopID implements Request.
func (*DeletePropertiesNoReplicateRequest) RopID() uint8 { return RopDeletePropertiesNoReplicate }

func (r *DeletePropertiesNoReplicateRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	tags(c, &r.Tags)
}

// QueryNamedPropertiesRequest is RopQueryNamedProperties' request buffer ([MS-OXCROPS] 2.2.8.10.1).
type QueryNamedPropertiesRequest struct {
	Head
	In           uint8
	QueryFlags   uint8 // 1 no strings, 2 no ids
	HasGUID      bool
	PropertyGUID mapi.GUID // with HasGUID
}

// RopID implements Request.
func (*QueryNamedPropertiesRequest) RopID() uint8 { return RopQueryNamedProperties }

func (r *QueryNamedPropertiesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.QueryFlags)
	c.Bool(&r.HasGUID)
	if r.HasGUID {
		c.GUID(&r.PropertyGUID)
	}
}

// QueryNamedPropertiesResponse is RopQueryNamedProperties' response buffer ([MS-OXCROPS] 2.2.8.10.2).
type QueryNamedPropertiesResponse struct {
	Reply
	IDs   []uint16
	Names []mapi.PropName // as many as IDs
}

// RopID implements Response.
func (*QueryNamedPropertiesResponse) RopID() uint8 { return RopQueryNamedProperties }

func (r *QueryNamedPropertiesResponse) code(c *oxcdata.Coder, _ Request) {
	if !r.reply(c) {
		return
	}
	if c.Encoding() && len(r.Names) != len(r.IDs) {
		c.Fail("as many names as ids are needed")
		return
	}
	n := c.Len16(len(r.IDs))
	oxcdata.ListN(c, n, &r.IDs, 2, (*oxcdata.Coder).U16)
	oxcdata.ListN(c, n, &r.Names, minPropName, (*oxcdata.Coder).PropName)
}

// CopyFlags of RopCopyProperties and RopCopyTo.
const (
	CopyMove        = 0x01
	CopyNoOverwrite = 0x02
)

// CopyPropertiesRequest is RopCopyProperties' request buffer ([MS-OXCROPS] 2.2.8.11.1).
type CopyPropertiesRequest struct {
	Head
	Src, Dest        uint8
	WantAsynchronous bool
	CopyFlags        uint8
	Tags             []mapi.Tag
}

// RopID implements Request.
func (*CopyPropertiesRequest) RopID() uint8 { return RopCopyProperties }

func (r *CopyPropertiesRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Src)
	c.U8(&r.Dest)
	c.Bool(&r.WantAsynchronous)
	c.U8(&r.CopyFlags)
	tags(c, &r.Tags)
}

// CopyToRequest is RopCopyTo's request buffer ([MS-OXCROPS] 2.2.8.12.1).
type CopyToRequest struct {
	Head
	Src, Dest        uint8
	WantAsynchronous bool
	WantSubObjects   bool
	CopyFlags        uint8
	ExcludedTags     []mapi.Tag
}

// RopID implements Request.
func (*CopyToRequest) RopID() uint8 { return RopCopyTo }

func (r *CopyToRequest) code(c *oxcdata.Coder) {
	c.U8(&r.Src)
	c.U8(&r.Dest)
	c.Bool(&r.WantAsynchronous)
	c.Bool(&r.WantSubObjects)
	c.U8(&r.CopyFlags)
	tags(c, &r.ExcludedTags)
}

// ProgressRequest is RopProgress' request buffer ([MS-OXCROPS] 2.2.8.13.1).
type ProgressRequest struct {
	Head
	In         uint8
	WantCancel bool
}

// RopID implements Request.
func (*ProgressRequest) RopID() uint8 { return RopProgress }

func (r *ProgressRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bool(&r.WantCancel)
}

// ProgressResponse is RopProgress' response buffer ([MS-OXCROPS] 2.2.8.13.2). It also answers a ROP that goes on
// asynchronously.
type ProgressResponse struct {
	Reply
	LogonID            uint8
	CompletedTaskCount uint32
	TotalTaskCount     uint32
}

// RopID implements Response.
func (*ProgressResponse) RopID() uint8 { return RopProgress }

func (r *ProgressResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U8(&r.LogonID)
		c.U32(&r.CompletedTaskCount)
		c.U32(&r.TotalTaskCount)
	}
}
