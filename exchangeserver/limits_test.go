package exchangeserver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestHandleRules checks [MS-OXCROPS] 3.2.5.1: handles made within a buffer, and what depends on those that weren't.
func TestHandleRules(t *testing.T) {
	m := openMailbox(t)
	resps, table := m.call([]uint32{m.store, none, none},
		&oxcrops.OpenFolderRequest{In: 0, Out: 1, FolderID: m.info.FolderIDs[inboxFolder]},
		&oxcrops.GetContentsTableRequest{In: 1, Out: 2},
		&oxcrops.OpenFolderRequest{In: 0, Out: 1, FolderID: oxcdata.NewID(1, 0xFFFFFF)},
		&oxcrops.GetPropertiesListRequest{In: 1},
		&oxcrops.SetColumnsRequest{In: 2, Tags: []mapi.Tag{pid.TagSubject}})
	var codes []mapi.Code
	for _, r := range resps {
		codes = append(codes, r.Result())
	}
	if want := []mapi.Code{0, 0, mapi.ErrNotFound, mapi.ErrNullObject, 0}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("results %v, want %v", codes, want)
	}
	if table[0] != m.store || table[1] != none || table[2] == none {
		t.Errorf("handle table %x", table)
	}
	m.fails(mapi.ErrNoSupport, m.store, &oxcrops.SetColumnsRequest{Tags: []mapi.Tag{pid.TagSubject}})
	m.fails(mapi.ErrNullObject, 0x12345, &oxcrops.GetPropertiesListRequest{})
	// An index outside the table cannot be answered.
	p, _ := oxcrops.EncodeRequests(nil, []oxcrops.Request{&oxcrops.OpenFolderRequest{Out: 9, FolderID: m.info.FolderIDs[0]}}, []uint32{m.store})
	if _, code := m.execute(p); code != mapi.ErrRPCFormat {
		t.Errorf("an output index outside the table: %v", code)
	}
	if _, code := m.execute([]byte{4, 0, 0x62, 0}); code != mapi.ErrRPCFormat {
		t.Errorf("a reserved RopId: %v", code)
	}
	if out, code := m.execute([]byte{2, 0}); code != 0 || len(out) != 1 {
		t.Errorf("no operations at all: %v", code)
	}
}

func TestLogonIdentifiers(t *testing.T) {
	m := openMailbox(t)
	table := m.contents()
	_, again := m.logon("") // the same LogonId: the first logon ends with all that was opened from it
	m.fails(mapi.ErrNullObject, m.store, &oxcrops.GetPropertiesListRequest{})
	m.fails(mapi.ErrNullObject, table, &oxcrops.QueryPositionRequest{})
	other := logonRequest("")
	other.LogonID = 7
	_, handles := m.call([]uint32{none}, other)
	m.call([]uint32{again}, &oxcrops.ReleaseRequest{})
	m.fails(mapi.ErrNullObject, again, &oxcrops.GetPropertiesListRequest{})
	one[*oxcrops.GetPropertiesListResponse](m.rpc, handles[0], &oxcrops.GetPropertiesListRequest{})
}

// TestBufferTooSmall lets answers be smaller than what was asked for.
func TestBufferTooSmall(t *testing.T) {
	m := openMailbox(t)
	m.maxOut = 400
	q := &oxcrops.GetPropertiesAllRequest{WantUnicode: 1}
	var reqs []oxcrops.Request
	for range 10 {
		reqs = append(reqs, q)
	}
	resps, _ := m.call([]uint32{m.inbox}, reqs...)
	last, ok := resps[len(resps)-1].(*oxcrops.BufferTooSmallResponse)
	if !ok || len(resps) > 5 {
		t.Fatalf("%d responses, the last is %T", len(resps), resps[len(resps)-1])
	}
	left, _, err := oxcrops.DecodeRequests(append([]byte{byte(len(last.RequestBuffers) + 2), 0}, last.RequestBuffers...))
	if err != nil || len(left) != 10-(len(resps)-1) {
		t.Errorf("%d requests come back after %d answers: %v", len(left), len(resps)-1, err)
	}
	m.maxOut = 10
	p, _ := oxcrops.EncodeRequests(nil, reqs[:1], []uint32{m.inbox})
	if _, code := m.execute(p); code != mapi.ErrBufferTooSmall {
		t.Errorf("no room at all: %v", code)
	}
}

// TestPacking checks that answers are compressed and obfuscated as the request allows.
func TestPacking(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	m.set(h, pid.TagBody, strings.Repeat("compressible ", 500))
	for _, c := range []struct{ flags, want uint32 }{
		{0, uint32(oxcrpc.Compressed)},
		{oxcmapihttp.ExecuteNoCompression, uint32(oxcrpc.XorMagic)},
		{oxcmapihttp.ExecuteNoCompression | oxcmapihttp.ExecuteNoXorMagic, 0},
		{oxcmapihttp.ExecuteNoXorMagic, uint32(oxcrpc.Compressed)},
	} {
		p, _ := oxcrops.EncodeRequests(nil, []oxcrops.Request{&oxcrops.GetPropertiesAllRequest{WantUnicode: 1}}, []uint32{h})
		packed, _ := oxcrpc.Pack(nil, oxcrpc.Compressed|oxcrpc.XorMagic, p)
		var resp oxcmapihttp.ExecuteResponse
		if code, err := ask(m.http, t, mapihttp.Execute, &oxcmapihttp.ExecuteRequest{Flags: c.flags, ROPBuffer: packed, MaxROPOut: 0x10008}, &resp); code != 0 || err != nil {
			t.Fatal(code, err)
		}
		if got := uint32(resp.ROPBuffer[2]) & uint32(oxcrpc.Compressed|oxcrpc.XorMagic); got != c.want {
			t.Errorf("request flags %d: answer with flags %d, want %d", c.flags, got, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Config: func(c *exchangeserver.Config) {
		c.MaxObjects, c.MaxSpool, c.MaxSessions = 10, 100_000, 3
	}})
	m := &mailbox{rpc: connect(t, srv, "alice")}
	m.info, m.store = m.logon(srv.UserDN(t, "alice"))
	m.inbox = m.folder(m.store, m.info.FolderIDs[inboxFolder])
	h := m.message()
	s := m.stream(h, 0x6A000102, oxcrops.StreamCreate)
	for range 4 {
		one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: make([]byte, 25_000)})
	}
	m.fails(mapi.ErrStreamSize, s, &oxcrops.WriteStreamRequest{Data: []byte("x")})
	m.call([]uint32{s, h}, &oxcrops.ReleaseRequest{In: 0}, &oxcrops.ReleaseRequest{In: 1})
	h = m.message() // there is room again
	s = m.stream(h, 0x6A000102, oxcrops.StreamCreate)
	one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: make([]byte, 25_000)})
	open := &oxcrops.OpenFolderRequest{Out: 1, FolderID: m.info.FolderIDs[inboxFolder]}
	for range 6 {
		one[*oxcrops.OpenFolderResponse](m.rpc, m.store, open)
	}
	m.fails(mapi.ErrNoMemory, m.store, open)
	connect(t, srv, "alice")
	connect(t, srv, "bob")
	c := dial(t, srv, srv.MailboxURL(t, "alice"), "alice")
	if _, err := (&rpc{t: t, http: c}).connect(srv.UserDN(t, "alice"), 0); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("one session too many: %v", err)
	}
}

// TestNotificationWait ends with the session.
func TestNotificationWait(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{PendingPeriod: 20 * time.Millisecond})
	m := connect(t, srv, "alice")
	done := make(chan error, 1)
	go func() {
		_, err := m.http.Do(t.Context(), mapihttp.NotificationWait, make([]byte, 8))
		done <- err
	}()
	if code, err := ask(m.http, t, mapihttp.Disconnect, &oxcmapihttp.Empty{}, &oxcmapihttp.Empty{}); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	<-done
	if n := srv.Server.Sessions(); n != 0 {
		t.Errorf("%d sessions left", n)
	}
}
