package exchange_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
)

// recordFile holds a conversation of this client with gromox: a line of JSON for the endpoints, then one for each exchange.
// TestInteropRecord writes it; docs/interop.md tells how.
const recordFile = "gromox.jsonl.gz"

// endpoints are what Autodiscover said.
type endpoints struct{ MailboxURL, AddressBookURL, UserDN string }

// exchanged is a request and its response. Of the headers only those are kept that the protocol needs, and none that holds a
// credential.
type exchanged struct {
	Type     string // X-RequestType
	URL      string
	Request  []byte
	Status   int
	Header   map[string]string
	Cookies  []string // their names
	Response []byte
}

// keptHeaders are the response headers of MAPI over HTTP ([MS-OXCMAPIHTTP] 2.2.3.3) that clients look at.
var keptHeaders = []string{"Content-Type", "X-RequestType", "X-ResponseCode", "X-ExpirationInfo", "X-PendingPeriod", "X-ServerApplication"}

// recorder sends requests on and notes what was said.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	said []exchanged
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	out.Body = io.NopCloser(bytes.NewReader(sent))
	resp, err := r.next.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	x := exchanged{Type: req.Header.Get("X-RequestType"), URL: req.URL.String(), Request: sent, Status: resp.StatusCode,
		Header: map[string]string{}, Response: got}
	for _, h := range keptHeaders {
		if v := resp.Header.Get(h); v != "" {
			x.Header[h] = v
		}
	}
	for _, c := range resp.Cookies() {
		x.Cookies = append(x.Cookies, c.Name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, x)
	return resp, nil
}

// TestInteropRecord holds the conversation with the server that the environment names and, when OPENCDO_RECORD names a
// folder, records it there.
func TestInteropRecord(t *testing.T) {
	clearLeftovers(t, conversationFolder)
	r := &recorder{}
	var at endpoints
	st := exchange.OpenPeer(t, "", func(c *exchange.Config) {
		r.next = c.HTTP.Transport
		c.HTTP, c.Sessions = &http.Client{Transport: r}, 1
		at = endpoints{c.MailboxURL, c.AddressBookURL, c.UserDN}
	})
	conversation(t, st)
	dir := os.Getenv("OPENCDO_RECORD")
	if dir == "" || t.Failed() {
		return
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	e := json.NewEncoder(z)
	for _, v := range append([]any{at}, slices.Collect(func(yield func(any) bool) {
		for _, x := range r.said {
			if !yield(x) {
				return
			}
		}
	})...) {
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, recordFile), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d exchanges recorded, %d bytes", len(r.said), b.Len())
}

func recording(t *testing.T) (at endpoints, said []exchanged) {
	f, err := os.Open(filepath.Join("testdata", recordFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bufio.NewReader(z))
	if err := d.Decode(&at); err != nil {
		t.Fatal(err)
	}
	for {
		var x exchanged
		err := d.Decode(&x)
		if errors.Is(err, io.EOF) {
			return at, said
		}
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, x)
	}
}

// replayer answers as the recorded server did, as long as it is asked the same.
type replayer struct {
	t    *testing.T
	mu   sync.Mutex
	left []exchanged
}

func (r *replayer) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.left) == 0 {
		return nil, errors.New("more requests than were recorded")
	}
	x := r.left[0]
	asked, recorded := gist(r.t, req.Header.Get("X-RequestType"), sent), gist(r.t, x.Type, x.Request)
	if asked != recorded || req.URL.String() != x.URL {
		return nil, fmt.Errorf("the client asks for\n%s\nat %s, recorded is\n%s\nat %s: if that is meant, record anew as docs/interop.md says",
			asked, req.URL, recorded, x.URL)
	}
	r.left = r.left[1:]
	resp := &http.Response{StatusCode: x.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		ContentLength: int64(len(x.Response)), Body: io.NopCloser(bytes.NewReader(x.Response))}
	for k, v := range x.Header {
		resp.Header.Set(k, v)
	}
	for _, k := range []string{"X-RequestId", "X-ClientInfo"} {
		resp.Header.Set(k, req.Header.Get(k))
	}
	for _, c := range x.Cookies {
		resp.Header.Add("Set-Cookie", c+"=recorded; Path=/mapi")
	}
	return resp, nil
}

// gist is what a request asks for: its type, and of an Execute the remote operations.
func gist(t *testing.T, kind string, body []byte) string {
	if !strings.EqualFold(kind, "Execute") {
		return kind
	}
	var req oxcmapihttp.ExecuteRequest
	if _, err := oxcmapihttp.UnmarshalRequest(body, &req); err != nil {
		t.Fatal(err)
	}
	payloads, err := oxcrpc.Unpack(req.ROPBuffer)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		reqs, _, err := oxcrops.DecodeRequests(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range reqs {
			kind += " " + oxcrops.Name(q.RopID())
		}
	}
	return kind
}

// TestRecorded holds a conversation again that was held with gromox 3.10: the client must ask the same and understand the
// answers.
func TestRecorded(t *testing.T) {
	at, said := recording(t)
	r := &replayer{t: t, left: said}
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: at.MailboxURL, AddressBookURL: at.AddressBookURL, UserDN: at.UserDN,
		HTTP: &http.Client{Transport: r}, Sessions: 1})
	if err != nil {
		t.Fatal(err)
	}
	conversation(t, st)
	if len(r.left) > 0 {
		t.Errorf("%d recorded exchanges were left out, the next is %s", len(r.left), gist(t, r.left[0].Type, r.left[0].Request))
	}
}

// recordedBodies are the request types of the recording.
var recordedBodies = map[string]func() (request, response oxcmapihttp.Body){
	"connect":    func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.ConnectRequest{}, &oxcmapihttp.ConnectResponse{} },
	"execute":    func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.ExecuteRequest{}, &oxcmapihttp.ExecuteResponse{} },
	"disconnect": func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.Empty{}, &oxcmapihttp.Empty{} },
	"bind":       func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.BindRequest{}, &oxcmapihttp.BindResponse{} },
	"unbind":     func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.UnbindRequest{}, &oxcmapihttp.Empty{} },
	"getspecialtable": func() (_, _ oxcmapihttp.Body) {
		return &oxcmapihttp.GetSpecialTableRequest{}, &oxcmapihttp.GetSpecialTableResponse{}
	},
	"resolvenames": func() (_, _ oxcmapihttp.Body) {
		return &oxcmapihttp.ResolveNamesRequest{}, &oxcmapihttp.ResolveNamesResponse{}
	},
	"dntomid":  func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.DNToMinIDRequest{}, &oxcmapihttp.MinIDsResponse{} },
	"getprops": func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.GetPropsRequest{}, &oxcmapihttp.ValuesResponse{} },
	"getmatches": func() (_, _ oxcmapihttp.Body) {
		return &oxcmapihttp.GetMatchesRequest{}, &oxcmapihttp.GetMatchesResponse{}
	},
	"queryrows": func() (_, _ oxcmapihttp.Body) { return &oxcmapihttp.QueryRowsRequest{}, &oxcmapihttp.RowsResponse{} },
}

// TestRecordedBodies decodes every recorded body and encodes it again, to the byte.
func TestRecordedBodies(t *testing.T) {
	_, said := recording(t)
	live := &liveObjects{columns: map[uint32][]mapi.Tag{}, open: map[uint32]bool{}}
	for i, x := range said {
		empty, ok := recordedBodies[strings.ToLower(x.Type)]
		if !ok {
			t.Fatalf("exchange %d is a %s, which this test doesn't know", i, x.Type)
		}
		req, resp := empty()
		env, err := oxcmapihttp.UnmarshalRequest(x.Request, req)
		if err != nil {
			t.Errorf("exchange %d, %s request: %v", i, x.Type, err)
			continue
		}
		same(t, i, x.Type+" request", x.Request, func() ([]byte, error) { return oxcmapihttp.MarshalRequest(req, env) })
		_, body, ok := bytes.Cut(x.Response, []byte("\r\n\r\n"))
		if !ok {
			t.Errorf("exchange %d: a response without its headers", i)
			continue
		}
		code, env, err := oxcmapihttp.UnmarshalResponse(body, resp)
		if err != nil {
			t.Errorf("exchange %d, %s response: %v", i, x.Type, err)
			continue
		}
		same(t, i, x.Type+" response", body, func() ([]byte, error) { return oxcmapihttp.MarshalResponse(code, resp, env) })
		if q, ok := req.(*oxcmapihttp.ExecuteRequest); ok {
			live.execute(t, i, q.ROPBuffer, resp.(*oxcmapihttp.ExecuteResponse).ROPBuffer)
		}
	}
	// The client must let go of what it opened: there are two sessions, and what was freed last waits for the next call.
	if live.most > 6 {
		t.Errorf("up to %d objects were open at once", live.most)
	}
}

func same(t *testing.T, i int, what string, want []byte, again func() ([]byte, error)) {
	t.Helper()
	got, err := again()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("exchange %d, %s: encoded again it differs (%v)\nwas %x\nis  %x", i, what, err, head(want), head(got))
	}
}

func head(b []byte) []byte { return b[:min(len(b), 200)] }

// liveObjects follows the objects of the sessions. Handles are good in their session only; gromox gives each session numbers
// of its own, so that they may be told apart by them here well enough.
type liveObjects struct {
	columns map[uint32][]mapi.Tag // of tables
	open    map[uint32]bool
	most    int
}

// execute decodes the remote operations of a call and their answers, and encodes them again.
func (l *liveObjects) execute(t *testing.T, i int, request, response []byte) {
	t.Helper()
	asked, err := oxcrpc.Unpack(request)
	if err != nil || len(asked) != 1 {
		t.Errorf("exchange %d: %d request buffers, %v", i, len(asked), err)
		return
	}
	reqs, slots, err := oxcrops.DecodeRequests(asked[0])
	if err != nil {
		t.Errorf("exchange %d: %v", i, err)
		return
	}
	same(t, i, "remote operations", asked[0], func() ([]byte, error) { return oxcrops.EncodeRequests(nil, reqs, slots) })
	answers, err := oxcrpc.Unpack(response)
	if err != nil {
		t.Errorf("exchange %d: %v", i, err)
		return
	}
	setColumns, released := map[uint8][]mapi.Tag{}, map[uint8]bool{}
	for _, q := range reqs {
		switch q := q.(type) {
		case *oxcrops.SetColumnsRequest:
			setColumns[q.In] = q.Tags
		case *oxcrops.QueryRowsRequest:
			if q.Columns = setColumns[q.In]; q.Columns == nil {
				q.Columns = l.columns[slots[q.In]]
			}
		case *oxcrops.ReleaseRequest:
			delete(l.open, slots[q.In])
			released[q.In] = true
		}
	}
	for k, p := range answers {
		of := reqs
		if k > 0 { // a packed answer: as if its ROP had been sent again
			of = reqs[len(reqs)-1:]
		}
		resps, handles, err := oxcrops.DecodeResponses(p, of)
		if err != nil {
			t.Errorf("exchange %d, answer %d: %v", i, k, err)
			return
		}
		same(t, i, fmt.Sprint("answer ", k), p, func() ([]byte, error) { return oxcrops.EncodeResponses(nil, of, resps, handles) })
		for slot, tags := range setColumns {
			if int(slot) < len(handles) {
				l.columns[handles[slot]] = tags
			}
		}
		for slot, h := range handles {
			const none = 0xFFFFFFFF
			if slot < len(slots) && slots[slot] == none && h != none && !released[uint8(slot)] {
				l.open[h] = true
			}
		}
	}
	l.most = max(l.most, len(l.open))
}
