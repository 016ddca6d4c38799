package oxcmapihttp

import (
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/mapi"
)

// Parts that several address book bodies share ([MS-OXCMAPIHTTP] 2.2.1, 2.2.5). A nil slice or pointer is an absent part.

func stat(c *oxcdata.Coder, p **oxnspi.Stat) {
	if optional(c, *p != nil, func() {
		if !c.Encoding() {
			*p = &oxnspi.Stat{}
		}
		(*p).Code(c)
	}) {
		return
	}
	*p = nil
}

func optionalList[T any](c *oxcdata.Coder, s *[]T, min int, f func(*oxcdata.Coder, *T)) {
	optional(c, *s != nil, func() {
		oxcdata.List32(c, s, min, f)
		if *s == nil {
			*s = []T{}
		}
	})
}

func minIDs(c *oxcdata.Coder, s *[]uint32) { optionalList(c, s, 4, (*oxcdata.Coder).U32) }
func tags(c *oxcdata.Coder, s *[]mapi.Tag) { optionalList(c, s, 4, (*oxcdata.Coder).Tag) }

// values is an AddressBookPropertyValueList.
func values(c *oxcdata.Coder, s *[]oxcdata.TaggedValue) {
	optionalList(c, s, 4, (*oxcdata.Coder).TaggedValue)
}

// Rows is a list of rows over columns; Columns is nil when there are none.
type Rows struct {
	Columns []mapi.Tag
	Rows    []oxcdata.PropertyRow
}

func (r *Rows) code(c *oxcdata.Coder) {
	optional(c, r.Columns != nil, func() {
		oxcdata.List32(c, &r.Columns, 4, (*oxcdata.Coder).Tag)
		if r.Columns == nil {
			r.Columns = []mapi.Tag{}
		}
		oxcdata.List32(c, &r.Rows, 1, func(c *oxcdata.Coder, p *oxcdata.PropertyRow) { c.PropertyRow(r.Columns, p) })
	})
}

// BindRequest opens an address book session (2.2.5.1.1).
type BindRequest struct {
	Flags uint32
	State *oxnspi.Stat
}

// Code walks the body.
func (r *BindRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	stat(c, &r.State)
}

// BindResponse gives the server's GUID, which ephemeral entry ids carry (2.2.5.1.2).
type BindResponse struct{ ServerGUID mapi.GUID }

// Code walks the body.
func (r *BindResponse) Code(c *oxcdata.Coder) { c.GUID(&r.ServerGUID) }

// UnbindRequest ends it (2.2.5.2.1). The answer's error code is 1 on success.
type UnbindRequest struct{ Reserved uint32 }

// Code walks the body.
func (r *UnbindRequest) Code(c *oxcdata.Coder) { c.U32(&r.Reserved) }

// CompareMinIDsRequest compares the positions of two objects (2.2.5.3.1).
type CompareMinIDsRequest struct {
	Reserved uint32
	State    *oxnspi.Stat
	A, B     uint32
}

// Code walks the body.
func (r *CompareMinIDsRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	c.U32(&r.A)
	c.U32(&r.B)
}

// CompareMinIDsResponse is negative, zero or positive (2.2.5.3.2).
type CompareMinIDsResponse struct{ Result int32 }

// Code walks the body.
func (r *CompareMinIDsResponse) Code(c *oxcdata.Coder) { c.I32(&r.Result) }

// DNToMinIDRequest asks for the ids of DNs (2.2.5.4.1).
type DNToMinIDRequest struct {
	Reserved uint32
	Names    []mapi.String8
}

// Code walks the body.
func (r *DNToMinIDRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	optionalList(c, &r.Names, 1, (*oxcdata.Coder).SZ)
}

// MinIDsResponse is a list of minimal ids: the answer to DNToMId (2.2.5.4.2).
type MinIDsResponse struct{ MinIDs []uint32 }

// Code walks the body.
func (r *MinIDsResponse) Code(c *oxcdata.Coder) { minIDs(c, &r.MinIDs) }

// GetMatchesRequest searches (2.2.5.5.1).
type GetMatchesRequest struct {
	Reserved     uint32
	State        *oxnspi.Stat
	MinIDs       []uint32
	Flags        uint32
	Filter       mapi.Restriction
	PropertyName *AddressBookPropertyName
	RowCount     uint32
	Columns      []mapi.Tag
}

// AddressBookPropertyName names a property in GetMatches.
type AddressBookPropertyName struct {
	GUID mapi.GUID
	ID   uint32
}

// Code walks the body.
func (r *GetMatchesRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	minIDs(c, &r.MinIDs)
	c.U32(&r.Flags)
	optional(c, r.Filter != nil, func() { c.Restriction(&r.Filter) })
	optional(c, r.PropertyName != nil, func() {
		if !c.Encoding() {
			r.PropertyName = &AddressBookPropertyName{}
		}
		c.GUID(&r.PropertyName.GUID)
		c.U32(&r.PropertyName.ID)
	})
	c.U32(&r.RowCount)
	tags(c, &r.Columns)
}

// GetMatchesResponse gives what was found (2.2.5.5.2).
type GetMatchesResponse struct {
	State  *oxnspi.Stat
	MinIDs []uint32
	Rows   Rows
}

// Code walks the body.
func (r *GetMatchesResponse) Code(c *oxcdata.Coder) {
	stat(c, &r.State)
	minIDs(c, &r.MinIDs)
	r.Rows.code(c)
}

// GetPropListRequest asks which properties an object has (2.2.5.6.1).
type GetPropListRequest struct {
	Flags    uint32
	MinID    uint32
	CodePage uint32
}

// Code walks the body.
func (r *GetPropListRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	c.U32(&r.MinID)
	c.U32(&r.CodePage)
}

// TagsResponse is a list of tags: the answer to GetPropList and QueryColumns (2.2.5.6.2, 2.2.5.13.2).
type TagsResponse struct{ Tags []mapi.Tag }

// Code walks the body.
func (r *TagsResponse) Code(c *oxcdata.Coder) { tags(c, &r.Tags) }

// GetPropsRequest reads properties of the object at the position (2.2.5.7.1).
type GetPropsRequest struct {
	Flags uint32
	State *oxnspi.Stat
	Tags  []mapi.Tag
}

// Code walks the body.
func (r *GetPropsRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	tags(c, &r.Tags)
}

// ValuesResponse is a list of property values: the answer to GetProps and GetTemplateInfo (2.2.5.7.2, 2.2.5.9.2).
type ValuesResponse struct {
	CodePage uint32
	Values   []oxcdata.TaggedValue
}

// Code walks the body.
func (r *ValuesResponse) Code(c *oxcdata.Coder) {
	c.U32(&r.CodePage)
	values(c, &r.Values)
}

// Flags of GetSpecialTableRequest.
const (
	SpecialCreationTemplates = 0x2
	SpecialUnicode           = 0x4
)

// GetSpecialTableRequest asks for the hierarchy of address lists, or the creation templates (2.2.5.8.1).
type GetSpecialTableRequest struct {
	Flags   uint32
	State   *oxnspi.Stat
	Version *uint32
}

// Code walks the body.
func (r *GetSpecialTableRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	version(c, &r.Version)
}

func version(c *oxcdata.Coder, p **uint32) {
	optional(c, *p != nil, func() {
		if !c.Encoding() {
			*p = new(uint32)
		}
		c.U32(*p)
	})
}

// GetSpecialTableResponse is that table (2.2.5.8.2).
type GetSpecialTableResponse struct {
	CodePage uint32
	Version  *uint32
	Rows     [][]oxcdata.TaggedValue
}

// Code walks the body.
func (r *GetSpecialTableResponse) Code(c *oxcdata.Coder) {
	c.U32(&r.CodePage)
	version(c, &r.Version)
	optionalList(c, &r.Rows, 4, func(c *oxcdata.Coder, p *[]oxcdata.TaggedValue) {
		oxcdata.List32(c, p, 4, (*oxcdata.Coder).TaggedValue)
	})
}

// GetTemplateInfoRequest asks for a display template (2.2.5.9.1).
type GetTemplateInfoRequest struct {
	Flags       uint32
	DisplayType uint32
	DN          *mapi.String8
	CodePage    uint32
	LocaleID    uint32
}

// Code walks the body.
func (r *GetTemplateInfoRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	c.U32(&r.DisplayType)
	optional(c, r.DN != nil, func() {
		if !c.Encoding() {
			r.DN = new(mapi.String8)
		}
		c.SZ(r.DN)
	})
	c.U32(&r.CodePage)
	c.U32(&r.LocaleID)
}

// ModLinkAttRequest changes a list of objects, such as a distribution list's members (2.2.5.10.1).
type ModLinkAttRequest struct {
	Flags    uint32
	Tag      mapi.Tag
	MinID    uint32
	EntryIDs [][]byte
}

// Code walks the body.
func (r *ModLinkAttRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	c.Tag(&r.Tag)
	c.U32(&r.MinID)
	optionalList(c, &r.EntryIDs, 4, (*oxcdata.Coder).Bytes32)
}

// ModPropsRequest changes properties (2.2.5.11.1).
type ModPropsRequest struct {
	Reserved uint32
	State    *oxnspi.Stat
	Tags     []mapi.Tag
	Values   []oxcdata.TaggedValue
}

// Code walks the body.
func (r *ModPropsRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tags(c, &r.Tags)
	values(c, &r.Values)
}

// QueryRowsRequest reads rows from the position, or of an explicit list (2.2.5.12.1).
type QueryRowsRequest struct {
	Flags    uint32
	State    *oxnspi.Stat
	Explicit []uint32
	RowCount uint32
	Columns  []mapi.Tag
}

// Code walks the body.
func (r *QueryRowsRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	oxcdata.List32(c, &r.Explicit, 4, (*oxcdata.Coder).U32)
	c.U32(&r.RowCount)
	tags(c, &r.Columns)
}

// RowsResponse is the answer to QueryRows and SeekEntries (2.2.5.12.2, 2.2.5.16.2).
type RowsResponse struct {
	State *oxnspi.Stat
	Rows  Rows
}

// Code walks the body.
func (r *RowsResponse) Code(c *oxcdata.Coder) {
	stat(c, &r.State)
	r.Rows.code(c)
}

// QueryColumnsRequest asks which columns there are (2.2.5.13.1).
type QueryColumnsRequest struct {
	Reserved uint32
	Flags    uint32
}

// Code walks the body.
func (r *QueryColumnsRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	c.U32(&r.Flags)
}

// ResolveNamesRequest resolves ambiguous names (2.2.5.14.1).
type ResolveNamesRequest struct {
	Reserved uint32
	State    *oxnspi.Stat
	Tags     []mapi.Tag
	Names    []string
}

// Code walks the body.
func (r *ResolveNamesRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tags(c, &r.Tags)
	optionalList(c, &r.Names, 2, (*oxcdata.Coder).WSZ)
}

// ResolveNamesResponse has a result for each name in MinIDs and a row for each that was resolved (2.2.5.14.2).
type ResolveNamesResponse struct {
	CodePage uint32
	MinIDs   []uint32
	Rows     Rows
}

// Code walks the body.
func (r *ResolveNamesResponse) Code(c *oxcdata.Coder) {
	c.U32(&r.CodePage)
	minIDs(c, &r.MinIDs)
	r.Rows.code(c)
}

// ResortRestrictionRequest sorts a list of ids anew (2.2.5.15.1).
type ResortRestrictionRequest struct {
	Reserved uint32
	State    *oxnspi.Stat
	MinIDs   []uint32
}

// Code walks the body.
func (r *ResortRestrictionRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	minIDs(c, &r.MinIDs)
}

// ResortRestrictionResponse is the sorted list (2.2.5.15.2).
type ResortRestrictionResponse struct {
	State  *oxnspi.Stat
	MinIDs []uint32
}

// Code walks the body.
func (r *ResortRestrictionResponse) Code(c *oxcdata.Coder) {
	stat(c, &r.State)
	minIDs(c, &r.MinIDs)
}

// SeekEntriesRequest looks for the first row not below a value (2.2.5.16.1).
type SeekEntriesRequest struct {
	Reserved uint32
	State    *oxnspi.Stat
	Target   *oxcdata.TaggedValue
	Explicit []uint32
	Columns  []mapi.Tag
}

// Code walks the body.
func (r *SeekEntriesRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	optional(c, r.Target != nil, func() {
		if !c.Encoding() {
			r.Target = &oxcdata.TaggedValue{}
		}
		c.TaggedValue(r.Target)
	})
	minIDs(c, &r.Explicit)
	tags(c, &r.Columns)
}

// UpdateStatRequest moves the position (2.2.5.17.1).
type UpdateStatRequest struct {
	Reserved       uint32
	State          *oxnspi.Stat
	DeltaRequested bool
}

// Code walks the body.
func (r *UpdateStatRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	c.Bool(&r.DeltaRequested)
}

// UpdateStatResponse gives the new position (2.2.5.17.2).
type UpdateStatResponse struct {
	State *oxnspi.Stat
	Delta *int32
}

// Code walks the body.
func (r *UpdateStatResponse) Code(c *oxcdata.Coder) {
	stat(c, &r.State)
	optional(c, r.Delta != nil, func() {
		if !c.Encoding() {
			r.Delta = new(int32)
		}
		c.I32(r.Delta)
	})
}

// URLRequest asks for the URL of a server or of the address book (2.2.5.18.1, 2.2.5.19.1).
type URLRequest struct {
	Flags uint32
	DN    string
}

// Code walks the body.
func (r *URLRequest) Code(c *oxcdata.Coder) {
	c.U32(&r.Flags)
	c.WSZ(&r.DN)
}

// URLResponse is that URL (2.2.5.18.2, 2.2.5.19.2).
type URLResponse struct{ ServerURL string }

// Code walks the body.
func (r *URLResponse) Code(c *oxcdata.Coder) { c.WSZ(&r.ServerURL) }
