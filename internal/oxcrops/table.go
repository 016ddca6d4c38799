package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Table ROPs ([MS-OXCROPS] 2.2.5, semantics in [MS-OXCTABL]).

// Origins of RopQueryRows, RopSeekRow and RopFindRow ([MS-OXCTABL] 2.2.2.1.1).
const (
	BookmarkBeginning = 0
	BookmarkCurrent   = 1
	BookmarkEnd       = 2
	BookmarkCustom    = 3
)

// rowOver walks a row over columns.
func rowOver(columns []mapi.Tag) func(*oxcdata.Coder, *oxcdata.PropertyRow) {
	return func(c *oxcdata.Coder, r *oxcdata.PropertyRow) { c.PropertyRow(columns, r) }
}

// columnsOf is what a request gives to read rows: its Columns.
func columnsOf(c *oxcdata.Coder, q Request) []mapi.Tag {
	if r, ok := q.(interface{ columns() []mapi.Tag }); ok {
		return r.columns()
	}
	c.Fail("rows without the request that tells their columns")
	return nil
}

// tags is a 16-bit count and property tags.
func tags(c *oxcdata.Coder, p *[]mapi.Tag) { c.Tags(c.Len16(len(*p)), p) }

// SetColumnsRequest is RopSetColumns' request buffer ([MS-OXCROPS] 2.2.5.1.1).
type SetColumnsRequest struct {
	Head
	In              uint8
	SetColumnsFlags uint8 // 1 asynchronous
	Tags            []mapi.Tag
}

// RopID implements Request.
func (*SetColumnsRequest) RopID() uint8 { return RopSetColumns }

func (r *SetColumnsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.SetColumnsFlags)
	tags(c, &r.Tags)
}

// TableStatus of a table ([MS-OXCTABL] 2.2.2.1.3).
const (
	TableComplete         = 0x00
	TableSorting          = 0x09
	TableSortError        = 0x0A
	TableSettingColumns   = 0x0B
	TableSetColumnsError  = 0x0D
	TableRestricting      = 0x0E
	TableRestrictionError = 0x0F
)

// StatusResponse is the response of RopSetColumns ([MS-OXCROPS] 2.2.5.1.2), RopSortTable (2.2.5.2.2), RopRestrict
// (2.2.5.3.2), RopAbort (2.2.5.5.2) and RopGetStatus (2.2.5.6.2).
type StatusResponse struct {
	ROP uint8 // RopId
	Reply
	TableStatus uint8
}

// RopID implements Response.
func (r *StatusResponse) RopID() uint8 { return r.ROP }

func (r *StatusResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U8(&r.TableStatus)
	}
}

func status(id uint8) func() Response { return func() Response { return &StatusResponse{ROP: id} } }

// SortTableRequest is RopSortTable's request buffer ([MS-OXCROPS] 2.2.5.2.1).
type SortTableRequest struct {
	Head
	In             uint8
	SortTableFlags uint8 // 1 asynchronous
	CategoryCount  uint16
	ExpandedCount  uint16
	SortOrders     []oxcdata.Sort
}

// RopID implements Request.
func (*SortTableRequest) RopID() uint8 { return RopSortTable }

func (r *SortTableRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.SortTableFlags)
	n := c.Len16(len(r.SortOrders))
	c.U16(&r.CategoryCount)
	c.U16(&r.ExpandedCount)
	oxcdata.ListN(c, n, &r.SortOrders, 5, (*oxcdata.Coder).Sort)
}

// RestrictRequest is RopRestrict's request buffer ([MS-OXCROPS] 2.2.5.3.1).
type RestrictRequest struct {
	Head
	In              uint8
	RestrictFlags   uint8            // 1 asynchronous
	RestrictionData mapi.Restriction // nil takes the restriction away
	BadRestriction  []byte           // RestrictionData that is malformed
}

// RopID implements Request.
func (*RestrictRequest) RopID() uint8 { return RopRestrict }

func (r *RestrictRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.RestrictFlags)
	restrictionData(c, &r.RestrictionData, &r.BadRestriction)
}

// QueryRowsFlags of RopQueryRows.
const (
	QueryRowsNoAdvance           = 0x01
	QueryRowsEnablePackedBuffers = 0x02
)

// QueryRowsRequest is RopQueryRows' request buffer ([MS-OXCROPS] 2.2.5.4.1).
type QueryRowsRequest struct {
	Head
	In             uint8
	QueryRowsFlags uint8
	ForwardRead    bool
	RowCount       uint16

	Columns []mapi.Tag // not sent: the table's columns
}

// RopID implements Request.
func (*QueryRowsRequest) RopID() uint8 { return RopQueryRows }

func (r *QueryRowsRequest) columns() []mapi.Tag { return r.Columns }

func (r *QueryRowsRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.QueryRowsFlags)
	c.Bool(&r.ForwardRead)
	c.U16(&r.RowCount)
}

// QueryRowsResponse is RopQueryRows' response buffer ([MS-OXCROPS] 2.2.5.4.2).
type QueryRowsResponse struct {
	Reply
	Origin uint8
	Rows   []oxcdata.PropertyRow // RowData, over the request's Columns
}

// RopID implements Response.
func (*QueryRowsResponse) RopID() uint8 { return RopQueryRows }

func (r *QueryRowsResponse) code(c *oxcdata.Coder, q Request) {
	if !r.reply(c) {
		return
	}
	c.U8(&r.Origin)
	if n := c.Len16(len(r.Rows)); n > 0 {
		oxcdata.ListN(c, n, &r.Rows, 1, rowOver(columnsOf(c, q)))
	}
}

// AbortRequest is RopAbort's request buffer ([MS-OXCROPS] 2.2.5.5.1).
type AbortRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*AbortRequest) RopID() uint8 { return RopAbort }

func (r *AbortRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// GetStatusRequest is RopGetStatus' request buffer ([MS-OXCROPS] 2.2.5.6.1).
type GetStatusRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*GetStatusRequest) RopID() uint8 { return RopGetStatus }

func (r *GetStatusRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// QueryPositionRequest is RopQueryPosition's request buffer ([MS-OXCROPS] 2.2.5.7.1).
type QueryPositionRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*QueryPositionRequest) RopID() uint8 { return RopQueryPosition }

func (r *QueryPositionRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// QueryPositionResponse is RopQueryPosition's response buffer ([MS-OXCROPS] 2.2.5.7.2).
type QueryPositionResponse struct {
	Reply
	Numerator   uint32 // row of the cursor
	Denominator uint32 // rows of the table
}

// RopID implements Response.
func (*QueryPositionResponse) RopID() uint8 { return RopQueryPosition }

func (r *QueryPositionResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.Numerator)
		c.U32(&r.Denominator)
	}
}

// SeekRowRequest is RopSeekRow's request buffer ([MS-OXCROPS] 2.2.5.8.1).
type SeekRowRequest struct {
	Head
	In                uint8
	Origin            uint8
	RowCount          int32
	WantRowMovedCount bool
}

// RopID implements Request.
func (*SeekRowRequest) RopID() uint8 { return RopSeekRow }

func (r *SeekRowRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.Origin)
	c.I32(&r.RowCount)
	c.Bool(&r.WantRowMovedCount)
}

// SeekRowResponse is RopSeekRow's response buffer ([MS-OXCROPS] 2.2.5.8.2).
type SeekRowResponse struct {
	Reply
	HasSoughtLess bool
	RowsSought    int32
}

// RopID implements Response.
func (*SeekRowResponse) RopID() uint8 { return RopSeekRow }

func (r *SeekRowResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bool(&r.HasSoughtLess)
		c.I32(&r.RowsSought)
	}
}

// FindRowRequest is RopFindRow's request buffer ([MS-OXCROPS] 2.2.5.13.1).
type FindRowRequest struct {
	Head
	In              uint8
	FindRowFlags    uint8 // 1 backwards
	RestrictionData mapi.Restriction
	BadRestriction  []byte // RestrictionData that is malformed
	Origin          uint8
	Bookmark        []byte

	Columns []mapi.Tag // not sent: the table's columns
}

// RopID implements Request.
func (*FindRowRequest) RopID() uint8 { return RopFindRow }

func (r *FindRowRequest) columns() []mapi.Tag { return r.Columns }

func (r *FindRowRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U8(&r.FindRowFlags)
	restrictionData(c, &r.RestrictionData, &r.BadRestriction)
	c.U8(&r.Origin)
	c.Bytes16(&r.Bookmark)
}

// FindRowResponse is RopFindRow's response buffer ([MS-OXCROPS] 2.2.5.13.2).
type FindRowResponse struct {
	Reply
	RowNoLongerVisible bool
	HasRowData         bool
	Row                oxcdata.PropertyRow // RowData, over the request's Columns
}

// RopID implements Response.
func (*FindRowResponse) RopID() uint8 { return RopFindRow }

func (r *FindRowResponse) code(c *oxcdata.Coder, q Request) {
	if !r.reply(c) {
		return
	}
	c.Bool(&r.RowNoLongerVisible)
	c.Bool(&r.HasRowData)
	if r.HasRowData && c.Err() == nil {
		c.PropertyRow(columnsOf(c, q), &r.Row)
	}
}

// QueryColumnsAllRequest is RopQueryColumnsAll's request buffer ([MS-OXCROPS] 2.2.5.12.1).
type QueryColumnsAllRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*QueryColumnsAllRequest) RopID() uint8 { return RopQueryColumnsAll }

func (r *QueryColumnsAllRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// QueryColumnsAllResponse is RopQueryColumnsAll's response buffer ([MS-OXCROPS] 2.2.5.12.2).
type QueryColumnsAllResponse struct {
	Reply
	Tags []mapi.Tag
}

// RopID implements Response.
func (*QueryColumnsAllResponse) RopID() uint8 { return RopQueryColumnsAll }

func (r *QueryColumnsAllResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		tags(c, &r.Tags)
	}
}

// ResetTableRequest is RopResetTable's request buffer ([MS-OXCROPS] 2.2.5.15.1).
type ResetTableRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*ResetTableRequest) RopID() uint8 { return RopResetTable }

func (r *ResetTableRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }
