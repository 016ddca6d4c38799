package nspirpc

import (
	"context"
	"errors"
	"net"
	"reflect"
	"testing"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxnspi"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// filters has a restriction of each type.
var filters = mapi.ResAnd{
	mapi.ResOr{mapi.ResExist{Key: mapi.TagKey(pid.TagAccount)}, mapi.ResOr{}},
	mapi.ResNot{Res: mapi.ResNot{Res: mapi.ResContent{Fuzzy: mapi.FuzzyPrefix, Key: mapi.TagKey(pid.TagDisplayName), Value: "An"}}},
	mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAnr), Value: mapi.String8("anna")},
	mapi.ResProperty{Op: mapi.RelGE, Key: mapi.TagKey(pid.TagAddressBookProxyAddresses), Value: "SMTP:a"},
	mapi.ResCompare{Op: mapi.RelNE, A: mapi.TagKey(pid.TagAccount), B: mapi.TagKey(pid.TagDisplayName)},
	mapi.ResBitMask{NonZero: true, Key: mapi.TagKey(pid.TagDisplayType), Mask: 7},
	mapi.ResSize{Op: mapi.RelLT, Key: mapi.TagKey(pid.TagEntryId), Size: 9},
	mapi.ResSub{Sub: mapi.SubRecipients, Res: mapi.ResExist{Key: mapi.TagKey(pid.TagAccount)}},
}

// values has one of each type that address books know.
var values = []oxcdata.TaggedValue{
	{Tag: 0x60000002, Value: int16(-2)}, {Tag: 0x60010003, Value: int32(-3)}, {Tag: 0x6002000B, Value: true}, {Tag: 0x6003001E, Value: mapi.String8("eight")},
	{Tag: 0x6004001F, Value: "sixteen ü"}, {Tag: 0x60050102, Value: []byte{1, 2, 3}}, {Tag: 0x60060048, Value: mapi.PSMAPI}, {Tag: 0x60070040, Value: mapi.FileTime(1<<40 + 5)},
	{Tag: 0x6008000A, Value: mapi.ErrNotFound}, {Tag: 0x6009000D}, {Tag: 0x600A0001}, {Tag: 0x600B001F}, {Tag: 0x600C1002, Value: []int16{1, 2, 3}}, {Tag: 0x600D1003, Value: []int32{4}},
	{Tag: 0x600E101E, Value: []mapi.String8{"a", "bc"}}, {Tag: 0x600F101F, Value: []string{"d", "", "ef"}}, {Tag: 0x60101102, Value: [][]byte{{6}, {}, {7, 8}}},
	{Tag: 0x60111048, Value: []mapi.GUID{mapi.PSMAPI, mapi.PSPublicStrings}}, {Tag: 0x60121040, Value: []mapi.FileTime{9, 10}}, {Tag: 0x6013101F}, {Tag: 0x60141003, Value: []int32{}},
}

var (
	name    = mapi.String8("/o=Org/cn=template")
	columns = []mapi.Tag{pid.TagDisplayName, pid.TagDisplayType, 0x60000000}
	table   = oxcmapihttp.Rows{Columns: columns, Rows: []oxcdata.PropertyRow{
		{Values: []mapi.Value{"Anna", int32(0), oxcdata.TypedValue{Type: mapi.TypeString, Value: "x"}}},
		{Values: []mapi.Value{mapi.ErrNotFound, int32(1), oxcdata.TypedValue{Type: mapi.TypeInt32, Value: int32(5)}}}}}
	state = &oxnspi.Stat{SortType: 1, ContainerID: 2, CurrentRec: 3, Delta: -4, NumPos: 5, TotalRecs: 6, CodePage: 1252, TemplateLocale: 8, SortLocale: 9}
	three = uint32(3)
)

// conversations has each call with its parts filled.
var conversations = []struct {
	kind      string
	req, resp oxcmapihttp.Body
}{
	{"UpdateStat", &oxcmapihttp.UpdateStatRequest{State: state, DeltaRequested: true}, &oxcmapihttp.UpdateStatResponse{State: state, Delta: new(int32)}},
	{"UpdateStat", &oxcmapihttp.UpdateStatRequest{State: state}, &oxcmapihttp.UpdateStatResponse{State: state}},
	{"QueryRows", &oxcmapihttp.QueryRowsRequest{Flags: 1, State: state, Explicit: []uint32{16, 17}, RowCount: 2, Columns: columns}, &oxcmapihttp.RowsResponse{State: state, Rows: table}},
	{"QueryRows", &oxcmapihttp.QueryRowsRequest{State: state}, &oxcmapihttp.RowsResponse{State: state, Rows: oxcmapihttp.Rows{Columns: []mapi.Tag{}}}},
	{"SeekEntries", &oxcmapihttp.SeekEntriesRequest{State: state, Target: &oxcdata.TaggedValue{Tag: pid.TagDisplayName, Value: "M"}, Explicit: []uint32{16}, Columns: columns}, &oxcmapihttp.RowsResponse{State: state}},
	{"GetMatches", &oxcmapihttp.GetMatchesRequest{Reserved: 1, State: state, Flags: 2, Filter: filters, RowCount: 50, Columns: columns},
		&oxcmapihttp.GetMatchesResponse{State: state, MinIDs: []uint32{16}, Rows: table}},
	{"GetMatches", &oxcmapihttp.GetMatchesRequest{State: state, PropertyName: &oxcmapihttp.AddressBookPropertyName{GUID: mapi.PSMAPI, ID: 7}}, &oxcmapihttp.GetMatchesResponse{State: state}},
	{"ResortRestriction", &oxcmapihttp.ResortRestrictionRequest{State: state, MinIDs: []uint32{17, 16}}, &oxcmapihttp.ResortRestrictionResponse{State: state, MinIDs: []uint32{16, 17}}},
	{"DNToMId", &oxcmapihttp.DNToMinIDRequest{Names: []mapi.String8{"/o=a", "/o=b"}}, &oxcmapihttp.MinIDsResponse{MinIDs: []uint32{16, 0}}},
	{"GetPropList", &oxcmapihttp.GetPropListRequest{Flags: 1, MinID: 16, CodePage: 1252}, &oxcmapihttp.TagsResponse{Tags: columns}},
	{"GetProps", &oxcmapihttp.GetPropsRequest{Flags: 2, State: state, Tags: columns}, &oxcmapihttp.ValuesResponse{Values: values}},
	{"CompareMIds", &oxcmapihttp.CompareMinIDsRequest{State: state, A: 16, B: 17}, &oxcmapihttp.CompareMinIDsResponse{Result: -1}},
	{"ModProps", &oxcmapihttp.ModPropsRequest{State: state, Tags: columns, Values: values}, &oxcmapihttp.Empty{}},
	{"GetSpecialTable", &oxcmapihttp.GetSpecialTableRequest{Flags: 4, State: state, Version: &three},
		&oxcmapihttp.GetSpecialTableResponse{Version: &three, Rows: [][]oxcdata.TaggedValue{values[:2], values[:1]}}},
	{"GetTemplateInfo", &oxcmapihttp.GetTemplateInfoRequest{Flags: 1, DisplayType: 2, DN: &name, CodePage: 1252, LocaleID: 9}, &oxcmapihttp.ValuesResponse{Values: values[:1]}},
	{"ModLinkAtt", &oxcmapihttp.ModLinkAttRequest{Flags: 1, Tag: pid.TagAddressBookMember, MinID: 16, EntryIDs: [][]byte{{1}, {2, 3}}}, &oxcmapihttp.Empty{}},
	{"QueryColumns", &oxcmapihttp.QueryColumnsRequest{Flags: 0x80000000}, &oxcmapihttp.TagsResponse{Tags: columns}},
	{"ResolveNames", &oxcmapihttp.ResolveNamesRequest{State: state, Tags: columns, Names: []string{"anna", "böb"}}, &oxcmapihttp.ResolveNamesResponse{MinIDs: []uint32{2, 0}, Rows: table}},
}

// book answers with what a conversation says, and checks what it is asked.
type book struct {
	t       *testing.T
	next    int
	code    mapi.Code
	refuses bool
	closed  chan string
}

func (b *book) Bind(_ context.Context, call *dcerpc.Call, req *oxcmapihttp.BindRequest, resp *oxcmapihttp.BindResponse) (Session, mapi.Code, error) {
	if b.refuses {
		return nil, mapi.ErrBadCodePage, nil
	}
	if !reflect.DeepEqual(req, &oxcmapihttp.BindRequest{Flags: 0x20, State: state}) {
		b.t.Errorf("Bind %+v", req)
	}
	resp.ServerGUID = server
	return b, 0, nil
}

func (b *book) Serve(_ context.Context, kind string, req, resp oxcmapihttp.Body) (mapi.Code, error) {
	if kind == "Unbind" {
		return 1, nil
	}
	c := conversations[b.next]
	if kind != c.kind || !reflect.DeepEqual(req, c.req) {
		b.t.Errorf("asked %s %+v\nwant %s %+v", kind, req, c.kind, c.req)
	}
	if b.code != 0 {
		if p := position(req); p != nil {
			**p = oxnspi.Stat{CurrentRec: 99}
			if r := position(resp); r != nil {
				*r = *p
			}
		}
		return b.code, nil
	}
	reflect.ValueOf(resp).Elem().Set(reflect.ValueOf(c.resp).Elem())
	return mapi.WarnErrorsReturned, nil
}

func (b *book) Close() { b.closed <- "closed" }

func open(t *testing.T, b *book) (*dcerpc.Client, *ndr.ContextHandle) {
	near, far := net.Pipe()
	b.t, b.closed = t, make(chan string, 1)
	go (&dcerpc.Server{Interfaces: []*dcerpc.Interface{Serve(b)}}).ServeConn(t.Context(), far, dcerpc.ConnInfo{})
	c := dcerpc.NewClient(near, dcerpc.Config{})
	t.Cleanup(func() { c.Close() })
	if err := c.Bind(t.Context(), Interface); err != nil {
		t.Fatal(err)
	}
	h := &ndr.ContextHandle{}
	resp := &oxcmapihttp.BindResponse{}
	code, err := Call(t.Context(), c, h, "Bind", &oxcmapihttp.BindRequest{Flags: 0x20, State: state}, resp)
	if b.refuses {
		if err != nil || code != mapi.ErrBadCodePage || !h.IsZero() {
			t.Errorf("refused with %v, %v", code, err)
		}
	} else if err != nil || code != 0 || resp.ServerGUID != server || h.IsZero() {
		t.Fatalf("Bind: %v, %v, %+v", code, err, resp)
	}
	return c, h
}

func TestSession(t *testing.T) {
	b := &book{}
	c, h := open(t, b)
	for i, tt := range conversations {
		b.next = i
		_, resp := operationOf(tt.kind).bodies()
		code, err := Call(t.Context(), c, h, tt.kind, tt.req, resp)
		if err != nil || code != mapi.WarnErrorsReturned || !reflect.DeepEqual(resp, tt.resp) {
			t.Errorf("%s: %v, %v\ngot  %+v\nwant %+v", tt.kind, code, err, resp, tt.resp)
		}
	}
	if code, err := Call(t.Context(), c, h, "Unbind", &oxcmapihttp.UnbindRequest{}, &oxcmapihttp.Empty{}); err != nil || code != 1 || !h.IsZero() {
		t.Errorf("Unbind: %v, %v, %+v", code, err, h)
	}
	<-b.closed
	if _, err := Call(t.Context(), c, h, "GetPropList", &oxcmapihttp.GetPropListRequest{}, &oxcmapihttp.TagsResponse{}); !errors.Is(err, &dcerpc.Fault{Status: dcerpc.StatusContextMismatch}) {
		t.Errorf("after Unbind: %v", err)
	}
}

func operationOf(kind string) *operation {
	for i := range operations {
		if operations[i].kind == kind {
			return &operations[i]
		}
	}
	return nil
}

// TestFailures: a call that fails has no data, and leaves the position as it was.
func TestFailures(t *testing.T) {
	b := &book{code: mapi.ErrInvalidBookmark, next: 2}
	c, h := open(t, b)
	var resp oxcmapihttp.RowsResponse
	code, err := Call(t.Context(), c, h, "QueryRows", conversations[2].req, &resp)
	if err != nil || code != b.code || !reflect.DeepEqual(resp, oxcmapihttp.RowsResponse{State: state}) {
		t.Errorf("%v, %v, %+v", code, err, resp)
	}
	if _, err := Call(t.Context(), c, h, "GetMailboxUrl", &oxcmapihttp.URLRequest{}, &oxcmapihttp.URLResponse{}); err == nil {
		t.Error("there is a call that RPC hasn't")
	}
	if _, err := Call(t.Context(), c, h, "QueryRows", &oxcmapihttp.UnbindRequest{}, &resp); !errors.Is(err, ndr.ErrFormat) {
		t.Errorf("the body of another call: %v", err)
	}
	if _, err := Call(t.Context(), c, h, "GetMatches", &oxcmapihttp.GetMatchesRequest{State: state, Filter: mapi.ResCount{}}, &oxcmapihttp.GetMatchesResponse{}); !errors.Is(err, ndr.ErrFormat) {
		t.Errorf("a restriction that address books haven't: %v", err)
	}
	c.Close()
	<-b.closed // rundown
	open(t, &book{refuses: true})
}

// TestResolveNames8 has the names of opnum 19 in the position's code page.
func TestResolveNames8(t *testing.T) {
	op := &operations[15]
	in := &oxcmapihttp.ResolveNamesRequest{State: &oxnspi.Stat{CodePage: 1251}, Names: []string{"Анна"}}
	b, err := ndr.Marshal(&request{op: op, body: in})
	if err != nil || op.opnum != opResolveNames {
		t.Fatal(op.opnum, err)
	}
	out := &oxcmapihttp.ResolveNamesRequest{}
	if err := ndr.Unmarshal(b, &request{op: op, body: out}); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%+v, %v", out, err)
	}
}

func FuzzCalls(f *testing.F) {
	for _, c := range conversations {
		op := operationOf(c.kind)
		for _, body := range []ndr.Body{&request{op: op, body: c.req}, &response{op: op, body: c.resp}} {
			b, err := ndr.Marshal(body)
			if err != nil {
				f.Fatal(err)
			}
			_, isResponse := body.(*response)
			f.Add(b, op.opnum, isResponse)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, opnum uint16, isResponse bool) {
		body, again := empties(opnum%21, isResponse), empties(opnum%21, isResponse)
		if body == nil || ndr.Unmarshal(b, body) != nil {
			return
		}
		b, err := ndr.Marshal(body)
		if err != nil {
			return // a name that its code page hasn't
		}
		if err := ndr.Unmarshal(b, again); err != nil {
			t.Errorf("%+v isn't read again: %v", body, err)
		}
	})
}
