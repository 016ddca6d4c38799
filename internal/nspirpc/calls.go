package nspirpc

import (
	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/mapi"
)

// operation is a call: its bodies are those of MAPI over HTTP, described in NDR.
type operation struct {
	kind   string
	opnum  uint16
	bodies func() (req, resp oxcmapihttp.Body)
	// request and response walk what stands between the context handle and the result; ok is false for bodies that are those
	// of other calls.
	request, response func(*ndr.Coder, oxcmapihttp.Body) (ok bool)
}

// bodyOf is a body that is a pointer to a structure.
type bodyOf[T any] interface {
	*T
	oxcmapihttp.Body
}

func describe[Q, R any, PQ bodyOf[Q], PR bodyOf[R]](kind string, opnum uint16, request func(*ndr.Coder, PQ), response func(*ndr.Coder, PR)) operation {
	return operation{kind: kind, opnum: opnum,
		bodies:   func() (req, resp oxcmapihttp.Body) { return PQ(new(Q)), PR(new(R)) },
		request:  erase(request),
		response: erase(response),
	}
}

func erase[P oxcmapihttp.Body](f func(*ndr.Coder, P)) func(*ndr.Coder, oxcmapihttp.Body) bool {
	return func(c *ndr.Coder, b oxcmapihttp.Body) bool {
		p, ok := b.(P)
		if ok {
			f(c, p)
		}
		return ok
	}
}

// Operation numbers that the package treats in a way of their own ([MS-OXNSPI] 3.1.4.1). ResolveNames has two: names in the
// code page of the position, and in UTF-16.
const (
	opBind         = 0
	opUnbind       = 1
	opResolveNames = 19
)

// operations are all calls but Bind ([MS-OXNSPI] 3.1.4.1). GetNamesFromIDs and GetIDsFromNames (17 and 18) are [MS-NSPI]'s,
// not Exchange's. Where a kind has two, the client uses the last.
var operations = []operation{
	describe("Unbind", opUnbind, unbindRequest, empty),
	describe("UpdateStat", 2, updateStatRequest, updateStatResponse),
	describe("QueryRows", 3, queryRowsRequest, rowsResponse),
	describe("SeekEntries", 4, seekEntriesRequest, rowsResponse),
	describe("GetMatches", 5, getMatchesRequest, getMatchesResponse),
	describe("ResortRestriction", 6, resortRestrictionRequest, resortRestrictionResponse),
	describe("DNToMId", 7, dnToMIdRequest, minIDsResponse),
	describe("GetPropList", 8, getPropListRequest, tagsResponse),
	describe("GetProps", 9, getPropsRequest, valuesResponse),
	describe("CompareMIds", 10, compareMIdsRequest, compareMIdsResponse),
	describe("ModProps", 11, modPropsRequest, empty),
	describe("GetSpecialTable", 12, getSpecialTableRequest, getSpecialTableResponse),
	describe("GetTemplateInfo", 13, getTemplateInfoRequest, valuesResponse),
	describe("ModLinkAtt", 14, modLinkAttRequest, empty),
	describe("QueryColumns", 16, queryColumnsRequest, tagsResponse),
	describe("ResolveNames", opResolveNames, resolveNamesRequest, resolveNamesResponse),
	describe("ResolveNames", 20, resolveNamesWRequest, resolveNamesResponse),
}

func empty(*ndr.Coder, *oxcmapihttp.Empty) {}

func unbindRequest(c *ndr.Coder, r *oxcmapihttp.UnbindRequest) { c.U32(&r.Reserved) }

func updateStatRequest(c *ndr.Coder, r *oxcmapihttp.UpdateStatRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	has := c.Pointer(r.DeltaRequested, func() { c.I32(new(int32)) })
	if !c.Encoding() {
		r.DeltaRequested = has
	}
}

func updateStatResponse(c *ndr.Coder, r *oxcmapihttp.UpdateStatResponse) {
	stat(c, &r.State)
	ndr.Unique(c, &r.Delta, (*ndr.Coder).I32)
}

func queryRowsRequest(c *ndr.Coder, r *oxcmapihttp.QueryRowsRequest) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	inRange(c, len(r.Explicit), maxCount)
	ndr.Counted(c, &r.Explicit, 4, (*ndr.Coder).U32)
	c.U32(&r.RowCount)
	tags(c, &r.Columns)
}

func rowsResponse(c *ndr.Coder, r *oxcmapihttp.RowsResponse) {
	stat(c, &r.State)
	rows(c, &r.Rows)
}

func seekEntriesRequest(c *ndr.Coder, r *oxcmapihttp.SeekEntriesRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	switch {
	case !c.Encoding():
		r.Target = &oxcdata.TaggedValue{}
	case r.Target == nil:
		c.Fail("no target")
		return
	}
	propertyValue(c, r.Target)
	tags(c, &r.Explicit)
	tags(c, &r.Columns)
}

func getMatchesRequest(c *ndr.Coder, r *oxcmapihttp.GetMatchesRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tags(c, &r.MinIDs)
	c.U32(&r.Flags)
	filter(c, &r.Filter)
	ndr.Unique(c, &r.PropertyName, propertyName)
	c.U32(&r.RowCount)
	tags(c, &r.Columns)
}

// propertyName is a PropertyName_r ([MS-OXNSPI] 2.2.2.8).
func propertyName(c *ndr.Coder, p *oxcmapihttp.AddressBookPropertyName) {
	c.Aggregate(func() {
		var reserved uint32
		c.Pointer(true, func() { c.GUID(&p.GUID) })
		c.U32(&reserved)
		c.U32(&p.ID)
	})
}

func getMatchesResponse(c *ndr.Coder, r *oxcmapihttp.GetMatchesResponse) {
	stat(c, &r.State)
	tags(c, &r.MinIDs)
	rows(c, &r.Rows)
}

func resortRestrictionRequest(c *ndr.Coder, r *oxcmapihttp.ResortRestrictionRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tagArray(c, &r.MinIDs)
	var out []uint32 // goes both ways, but has a meaning only in the answer
	tags(c, &out)
}

func resortRestrictionResponse(c *ndr.Coder, r *oxcmapihttp.ResortRestrictionResponse) {
	stat(c, &r.State)
	tags(c, &r.MinIDs)
}

func dnToMIdRequest(c *ndr.Coder, r *oxcmapihttp.DNToMinIDRequest) {
	c.U32(&r.Reserved)
	stringsArray(c, &r.Names, (*ndr.Coder).String8)
}

func minIDsResponse(c *ndr.Coder, r *oxcmapihttp.MinIDsResponse) { tags(c, &r.MinIDs) }

func getPropListRequest(c *ndr.Coder, r *oxcmapihttp.GetPropListRequest) {
	c.U32(&r.Flags)
	c.U32(&r.MinID)
	c.U32(&r.CodePage)
}

func tagsResponse(c *ndr.Coder, r *oxcmapihttp.TagsResponse) { tags(c, &r.Tags) }

func getPropsRequest(c *ndr.Coder, r *oxcmapihttp.GetPropsRequest) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	tags(c, &r.Tags)
}

// valuesResponse leaves out the code page, as the next ones do: over RPC it is the request's.
func valuesResponse(c *ndr.Coder, r *oxcmapihttp.ValuesResponse) { rowPointer(c, &r.Values) }

func compareMIdsRequest(c *ndr.Coder, r *oxcmapihttp.CompareMinIDsRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	c.U32(&r.A)
	c.U32(&r.B)
}

func compareMIdsResponse(c *ndr.Coder, r *oxcmapihttp.CompareMinIDsResponse) { c.I32(&r.Result) }

func modPropsRequest(c *ndr.Coder, r *oxcmapihttp.ModPropsRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tags(c, &r.Tags)
	propertyRow(c, &r.Values)
}

func getSpecialTableRequest(c *ndr.Coder, r *oxcmapihttp.GetSpecialTableRequest) {
	c.U32(&r.Flags)
	stat(c, &r.State)
	version(c, &r.Version)
}

// version is always there; nil is encoded as 0.
func version(c *ndr.Coder, p **uint32) {
	v := *p
	if v == nil {
		v = new(uint32)
		if !c.Encoding() {
			*p = v
		}
	}
	c.U32(v)
}

func getSpecialTableResponse(c *ndr.Coder, r *oxcmapihttp.GetSpecialTableResponse) {
	version(c, &r.Version)
	rowSet(c, &r.Rows)
}

func getTemplateInfoRequest(c *ndr.Coder, r *oxcmapihttp.GetTemplateInfoRequest) {
	c.U32(&r.Flags)
	c.U32(&r.DisplayType)
	ndr.Unique(c, &r.DN, (*ndr.Coder).String8)
	c.U32(&r.CodePage)
	c.U32(&r.LocaleID)
}

func modLinkAttRequest(c *ndr.Coder, r *oxcmapihttp.ModLinkAttRequest) {
	c.U32(&r.Flags)
	c.Tag(&r.Tag)
	c.U32(&r.MinID)
	inRange(c, len(r.EntryIDs), maxCount)
	c.Aggregate(func() { ndr.Counted(c, &r.EntryIDs, 8, binary) })
}

func queryColumnsRequest(c *ndr.Coder, r *oxcmapihttp.QueryColumnsRequest) {
	c.U32(&r.Reserved)
	c.U32(&r.Flags)
}

func resolveNamesRequest(c *ndr.Coder, r *oxcmapihttp.ResolveNamesRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tags(c, &r.Tags)
	page := codepage.Windows1252
	if r.State != nil && r.State.CodePage != codepage.UTF16 && codepage.Known(int(r.State.CodePage)) {
		page = int(r.State.CodePage)
	}
	var names []mapi.String8
	if c.Encoding() {
		for _, n := range r.Names {
			b, err := codepage.Encode(page, n)
			if err != nil {
				c.Fail("name %q in code page %d: %v", n, page, err)
			}
			names = append(names, mapi.String8(b))
		}
	}
	stringsArray(c, &names, (*ndr.Coder).String8)
	if c.Encoding() {
		return
	}
	r.Names = make([]string, len(names))
	for i, n := range names {
		text, err := codepage.Decode(page, []byte(n))
		if err != nil {
			c.Fail("name in code page %d: %v", page, err)
		}
		r.Names[i] = text
	}
}

func resolveNamesWRequest(c *ndr.Coder, r *oxcmapihttp.ResolveNamesRequest) {
	c.U32(&r.Reserved)
	stat(c, &r.State)
	tags(c, &r.Tags)
	stringsArray(c, &r.Names, (*ndr.Coder).String)
}

func resolveNamesResponse(c *ndr.Coder, r *oxcmapihttp.ResolveNamesResponse) {
	tags(c, &r.MinIDs)
	rows(c, &r.Rows)
}
