package exchangeserver_test

import (
	"testing"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
)

// none stands in a handle table where an object is yet to be made.
const none = 0xFFFFFFFF

// rpc is a session that sends remote operations as they are.
type rpc struct {
	t       testing.TB
	http    *mapihttp.Client
	flags   uint32 // of Execute
	maxOut  uint32
	columns map[uint32][]mapi.Tag // of tables and messages, by handle
	sizes   []int                 // of the payloads of the last answer
}

// dial makes a client for an endpoint.
func dial(t testing.TB, srv *exchangetest.Server, url, alias string) *mapihttp.Client {
	t.Helper()
	c, err := mapihttp.NewClient(mapihttp.Config{URL: url, HTTP: srv.Client(), Authorize: srv.Authorize(alias)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// connect opens a session of a user.
func connect(t testing.TB, srv *exchangetest.Server, alias string) *rpc {
	t.Helper()
	r := &rpc{t: t, http: dial(t, srv, srv.MailboxURL(t, alias), alias), maxOut: 0x10008, columns: map[uint32][]mapi.Tag{}}
	if code, err := r.connect(srv.UserDN(t, alias), 0); code != 0 || err != nil {
		t.Fatalf("Connect: %v, %v", code, err)
	}
	return r
}

func (r *rpc) connect(dn string, flags uint32) (mapi.Code, error) {
	req := &oxcmapihttp.ConnectRequest{UserDN: mapi.String8(dn), Flags: flags, DefaultCodePage: 1252, LcidSort: 0x409, LcidString: 0x409}
	return ask(r.http, r.t, mapihttp.Connect, req, &oxcmapihttp.ConnectResponse{})
}

// ask does one exchange. err is a failure below the body.
func ask(c *mapihttp.Client, t testing.TB, kind string, req, resp oxcmapihttp.Body) (mapi.Code, error) {
	t.Helper()
	body, err := oxcmapihttp.MarshalRequest(req, oxcmapihttp.Envelope{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(t.Context(), kind, body)
	if err != nil {
		return 0, err
	}
	code, _, err := oxcmapihttp.UnmarshalResponse(answer.Body, resp)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return code, nil
}

// execute sends payloads and gives those of the answer.
func (r *rpc) execute(payloads ...[]byte) ([][]byte, mapi.Code) {
	r.t.Helper()
	packed, err := oxcrpc.Pack(nil, 0, payloads...)
	if err != nil {
		r.t.Fatal(err)
	}
	var resp oxcmapihttp.ExecuteResponse
	code, err := ask(r.http, r.t, mapihttp.Execute, &oxcmapihttp.ExecuteRequest{Flags: r.flags, ROPBuffer: packed, MaxROPOut: r.maxOut}, &resp)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(resp.ROPBuffer) > int(r.maxOut) {
		r.t.Errorf("an answer of %d bytes to a request that allows %d", len(resp.ROPBuffer), r.maxOut)
	}
	out, err := oxcrpc.Unpack(resp.ROPBuffer)
	if err != nil {
		r.t.Fatal(err)
	}
	r.sizes = nil
	for _, p := range out {
		r.sizes = append(r.sizes, len(p))
	}
	return out, code
}

// call runs operations and gives their responses, those of packed buffers last, and the handle table.
func (r *rpc) call(handles []uint32, reqs ...oxcrops.Request) ([]oxcrops.Response, []uint32) {
	r.t.Helper()
	payload, err := oxcrops.EncodeRequests(nil, reqs, handles)
	if err != nil {
		r.t.Fatal(err)
	}
	out, code := r.execute(payload)
	if code != 0 || len(out) == 0 {
		r.t.Fatalf("Execute: %v, %d buffers", code, len(out))
	}
	return r.decode(out, reqs, handles)
}

func (r *rpc) decode(out [][]byte, reqs []oxcrops.Request, handles []uint32) ([]oxcrops.Response, []uint32) {
	r.t.Helper()
	r.prepare(reqs, handles)
	resps, table, err := oxcrops.DecodeResponses(out[0], reqs)
	if err != nil {
		r.t.Fatalf("response: %v\n%x", err, out[0])
	}
	for _, p := range out[1:] {
		more, _, err := oxcrops.DecodeResponses(p, reqs[len(reqs)-1:])
		if err != nil {
			r.t.Fatalf("packed response: %v", err)
		}
		resps = append(resps, more...)
	}
	r.remember(reqs, resps, table)
	return resps, table
}

// prepare gives requests the columns that their responses are read with, where an earlier call or one before in the same
// buffer set them.
func (r *rpc) prepare(reqs []oxcrops.Request, handles []uint32) {
	here := map[uint8][]mapi.Tag{}
	at := func(i uint8) []mapi.Tag {
		if c, ok := here[i]; ok {
			return c
		}
		if int(i) < len(handles) {
			return r.columns[handles[i]]
		}
		return nil
	}
	for _, q := range reqs {
		switch q := q.(type) {
		case *oxcrops.SetColumnsRequest:
			here[q.In] = q.Tags
		case *oxcrops.QueryRowsRequest:
			q.Columns = at(q.In)
		case *oxcrops.FindRowRequest:
			q.Columns = at(q.In)
		case *oxcrops.ReadRecipientsRequest:
			q.Columns = at(q.In)
		}
	}
}

func (r *rpc) remember(reqs []oxcrops.Request, resps []oxcrops.Response, table []uint32) {
	handle := func(i uint8) uint32 {
		if int(i) < len(table) {
			return table[i]
		}
		return none
	}
	for _, q := range reqs {
		if q, ok := q.(*oxcrops.SetColumnsRequest); ok {
			r.columns[handle(q.In)] = q.Tags
		}
	}
	for _, x := range resps {
		switch x := x.(type) {
		case *oxcrops.OpenMessageResponse:
			r.columns[handle(x.Index)] = x.Columns
		case *oxcrops.OpenEmbeddedMessageResponse:
			r.columns[handle(x.Index)] = x.Columns
		case *oxcrops.ReloadCachedInformationResponse:
			r.columns[handle(x.Index)] = x.Columns
		}
	}
}

// one runs an operation, which must succeed, and gives its response. Its object is h; a new one comes back.
func one[R oxcrops.Response](r *rpc, h uint32, q oxcrops.Request) (R, uint32) {
	r.t.Helper()
	resp, made, code := try[R](r, h, q)
	if code.Failed() {
		r.t.Fatalf("%s: %v", oxcrops.Name(q.RopID()), code)
	}
	return resp, made
}

// try is one for an operation that may fail. The request's In is 0, its Out 1.
func try[R oxcrops.Response](r *rpc, h uint32, q oxcrops.Request) (R, uint32, mapi.Code) {
	r.t.Helper()
	resps, table := r.call([]uint32{h, none}, q)
	var zero R
	if len(resps) == 0 {
		return zero, none, 0
	}
	resp, ok := resps[0].(R)
	if !ok {
		r.t.Fatalf("%s answered with %T", oxcrops.Name(q.RopID()), resps[0])
	}
	made := uint32(none)
	if len(table) > 1 {
		made = table[1]
	}
	return resp, made, resp.Result()
}

// fails runs an operation that must fail with a code.
func (r *rpc) fails(code mapi.Code, h uint32, q oxcrops.Request) {
	r.t.Helper()
	if _, _, got := try[oxcrops.Response](r, h, q); got != code {
		r.t.Errorf("%s: %v, want %v", oxcrops.Name(q.RopID()), got, code)
	}
}

// logon opens the session user's mailbox.
func (r *rpc) logon(dn string) (*oxcrops.LogonResponse, uint32) {
	r.t.Helper()
	resps, table := r.call([]uint32{none}, logonRequest(dn))
	resp := resps[0].(*oxcrops.LogonResponse)
	if resp.ReturnValue != 0 {
		r.t.Fatalf("RopLogon: %v", resp.ReturnValue)
	}
	return resp, table[0]
}

func logonRequest(dn string) *oxcrops.LogonRequest {
	return &oxcrops.LogonRequest{LogonFlags: oxcrops.LogonPrivate, OpenFlags: oxcrops.OpenHomeLogon | oxcrops.OpenTakeOwnership, Essdn: mapi.String8(dn)}
}

// folder opens a folder.
func (r *rpc) folder(logon uint32, id oxcdata.ID) uint32 {
	r.t.Helper()
	_, h := one[*oxcrops.OpenFolderResponse](r, logon, &oxcrops.OpenFolderRequest{Out: 1, FolderID: id})
	return h
}

// mailbox is a logon with its Inbox open.
type mailbox struct {
	*rpc
	store, inbox uint32
	info         *oxcrops.LogonResponse
}

// Positions in RopLogon's answer.
const (
	rootFolder  = 0
	ipmSubtree  = 3
	inboxFolder = 4
)

func openMailbox(t testing.TB) *mailbox {
	t.Helper()
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice", Name: "Alice Example"}}})
	m := &mailbox{rpc: connect(t, srv, "alice")}
	m.info, m.store = m.logon(srv.UserDN(t, "alice"))
	m.inbox = m.folder(m.store, m.info.FolderIDs[inboxFolder])
	return m
}
