package oxcrops

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Table ROPs for bookmarks and categories ([MS-OXCROPS] 2.2.5, semantics in [MS-OXCTABL]).

// SeekRowBookmarkRequest is RopSeekRowBookmark's request buffer ([MS-OXCROPS] 2.2.5.9.1).
type SeekRowBookmarkRequest struct {
	Head
	In                uint8
	Bookmark          []byte
	RowCount          int32
	WantRowMovedCount bool
}

// RopID implements Request.
func (*SeekRowBookmarkRequest) RopID() uint8 { return RopSeekRowBookmark }

func (r *SeekRowBookmarkRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.Bookmark)
	c.I32(&r.RowCount)
	c.Bool(&r.WantRowMovedCount)
}

// SeekRowBookmarkResponse is RopSeekRowBookmark's response buffer ([MS-OXCROPS] 2.2.5.9.2).
type SeekRowBookmarkResponse struct {
	Reply
	RowNoLongerVisible bool
	HasSoughtLess      bool
	RowsSought         int32
}

// RopID implements Response.
func (*SeekRowBookmarkResponse) RopID() uint8 { return RopSeekRowBookmark }

func (r *SeekRowBookmarkResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bool(&r.RowNoLongerVisible)
		c.Bool(&r.HasSoughtLess)
		c.I32(&r.RowsSought)
	}
}

// SeekRowFractionalRequest is RopSeekRowFractional's request buffer ([MS-OXCROPS] 2.2.5.10.1).
type SeekRowFractionalRequest struct {
	Head
	In          uint8
	Numerator   uint32
	Denominator uint32
}

// RopID implements Request.
func (*SeekRowFractionalRequest) RopID() uint8 { return RopSeekRowFractional }

func (r *SeekRowFractionalRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U32(&r.Numerator)
	c.U32(&r.Denominator)
}

// CreateBookmarkRequest is RopCreateBookmark's request buffer ([MS-OXCROPS] 2.2.5.11.1).
type CreateBookmarkRequest struct {
	Head
	In uint8
}

// RopID implements Request.
func (*CreateBookmarkRequest) RopID() uint8 { return RopCreateBookmark }

func (r *CreateBookmarkRequest) code(c *oxcdata.Coder) { c.U8(&r.In) }

// CreateBookmarkResponse is RopCreateBookmark's response buffer ([MS-OXCROPS] 2.2.5.11.2).
type CreateBookmarkResponse struct {
	Reply
	Bookmark []byte
}

// RopID implements Response.
func (*CreateBookmarkResponse) RopID() uint8 { return RopCreateBookmark }

func (r *CreateBookmarkResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bytes16(&r.Bookmark)
	}
}

// FreeBookmarkRequest is RopFreeBookmark's request buffer ([MS-OXCROPS] 2.2.5.14.1).
type FreeBookmarkRequest struct {
	Head
	In       uint8
	Bookmark []byte
}

// RopID implements Request.
func (*FreeBookmarkRequest) RopID() uint8 { return RopFreeBookmark }

func (r *FreeBookmarkRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.Bookmark)
}

// ExpandRowRequest is RopExpandRow's request buffer ([MS-OXCROPS] 2.2.5.16.1).
type ExpandRowRequest struct {
	Head
	In          uint8
	MaxRowCount uint16
	CategoryID  oxcdata.ID // PidTagInstID of the header row

	Columns []mapi.Tag // not sent: the table's columns
}

// RopID implements Request.
func (*ExpandRowRequest) RopID() uint8 { return RopExpandRow }

func (r *ExpandRowRequest) columns() []mapi.Tag { return r.Columns }

func (r *ExpandRowRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.U16(&r.MaxRowCount)
	c.ID(&r.CategoryID)
}

// ExpandRowResponse is RopExpandRow's response buffer ([MS-OXCROPS] 2.2.5.16.2).
type ExpandRowResponse struct {
	Reply
	ExpandedRowCount uint32
	Rows             []oxcdata.PropertyRow // RowData, over the request's Columns
}

// RopID implements Response.
func (*ExpandRowResponse) RopID() uint8 { return RopExpandRow }

func (r *ExpandRowResponse) code(c *oxcdata.Coder, q Request) {
	if !r.reply(c) {
		return
	}
	c.U32(&r.ExpandedRowCount)
	if n := c.Len16(len(r.Rows)); n > 0 {
		oxcdata.ListN(c, n, &r.Rows, 1, rowOver(columnsOf(c, q)))
	}
}

// CollapseRowRequest is RopCollapseRow's request buffer ([MS-OXCROPS] 2.2.5.17.1).
type CollapseRowRequest struct {
	Head
	In         uint8
	CategoryID oxcdata.ID
}

// RopID implements Request.
func (*CollapseRowRequest) RopID() uint8 { return RopCollapseRow }

func (r *CollapseRowRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.CategoryID)
}

// CollapseRowResponse is RopCollapseRow's response buffer ([MS-OXCROPS] 2.2.5.17.2).
type CollapseRowResponse struct {
	Reply
	CollapsedRowCount uint32
}

// RopID implements Response.
func (*CollapseRowResponse) RopID() uint8 { return RopCollapseRow }

func (r *CollapseRowResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.U32(&r.CollapsedRowCount)
	}
}

// GetCollapseStateRequest is RopGetCollapseState's request buffer ([MS-OXCROPS] 2.2.5.18.1).
type GetCollapseStateRequest struct {
	Head
	In                uint8
	RowID             oxcdata.ID
	RowInstanceNumber uint32
}

// RopID implements Request.
func (*GetCollapseStateRequest) RopID() uint8 { return RopGetCollapseState }

func (r *GetCollapseStateRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.ID(&r.RowID)
	c.U32(&r.RowInstanceNumber)
}

// GetCollapseStateResponse is RopGetCollapseState's response buffer ([MS-OXCROPS] 2.2.5.18.2).
type GetCollapseStateResponse struct {
	Reply
	CollapseState []byte
}

// RopID implements Response.
func (*GetCollapseStateResponse) RopID() uint8 { return RopGetCollapseState }

func (r *GetCollapseStateResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bytes16(&r.CollapseState)
	}
}

// SetCollapseStateRequest is RopSetCollapseState's request buffer ([MS-OXCROPS] 2.2.5.19.1).
type SetCollapseStateRequest struct {
	Head
	In            uint8
	CollapseState []byte
}

// RopID implements Request.
func (*SetCollapseStateRequest) RopID() uint8 { return RopSetCollapseState }

func (r *SetCollapseStateRequest) code(c *oxcdata.Coder) {
	c.U8(&r.In)
	c.Bytes16(&r.CollapseState)
}

// SetCollapseStateResponse is RopSetCollapseState's response buffer ([MS-OXCROPS] 2.2.5.19.2).
type SetCollapseStateResponse struct {
	Reply
	Bookmark []byte
}

// RopID implements Response.
func (*SetCollapseStateResponse) RopID() uint8 { return RopSetCollapseState }

func (r *SetCollapseStateResponse) code(c *oxcdata.Coder, _ Request) {
	if r.reply(c) {
		c.Bytes16(&r.Bookmark)
	}
}
