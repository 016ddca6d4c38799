package oxcrops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// number reads what the recordings write as 0x...
type number uint32

func (n *number) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := strconv.ParseUint(s, 0, 32)
	*n = number(v)
	return err
}

type recordedROP struct {
	ID          number
	At, Len     int
	Index       int     `json:"idx"`
	ReturnValue *number `json:"rv"`
	Columns     []number
	Form        string
}

type recordedBuffer struct {
	At, Size int
	Payload  string
	Handles  []string
	ROPs     []recordedROP
	NotSplit string `json:"not_split"`
}

type recordedExecute struct {
	ID                string
	Session           int
	Request, Response struct{ Body string }
	Execute           struct{ Request, Response []recordedBuffer }
}

// payloads unpacks the extended buffers of one direction.
func payloads(t *testing.T, body string, list []recordedBuffer) [][]byte {
	if len(list) == 0 {
		return nil
	}
	if body == "" { // left out of the recording, which has the payloads
		var p [][]byte
		for _, b := range list {
			p = append(p, vectors.Hex(t, b.Payload))
		}
		return p
	}
	const header = 8
	last := list[len(list)-1]
	p, err := oxcrpc.Unpack(vectors.Hex(t, body)[list[0].At : last.At+header+last.Size])
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tagsOf(list []number) []mapi.Tag {
	tags := make([]mapi.Tag, len(list))
	for i, n := range list {
		tags[i] = mapi.Tag(n)
	}
	return tags
}

// session is what a client remembers to read answers: the recipient columns of open messages, by handle.
type session map[uint32][]mapi.Tag

// recorder tests recorded exchanges and counts what it saw.
type recorder struct {
	records, requests, responses       int
	malformed, booleans, short, packed int
	seen                               map[uint8]bool
	sessions                           map[int]session
}

func newRecorder() *recorder {
	return &recorder{seen: map[uint8]bool{}, sessions: map[int]session{}}
}

func (c *recorder) log(t *testing.T) {
	t.Logf("%d records: %d requests and %d responses of %d ROPs; %d requests malformed on purpose, %d with Booleans other than 0 "+
		"and 1, %d responses cut short after a failure, %d packed answers", c.records, c.requests, c.responses, len(c.seen),
		c.malformed, c.booleans, c.short, c.packed)
	if c.records == 0 {
		t.Error("nothing was tested")
	}
}

// TestVectorsRecorded decodes the requests and responses of every recorded Execute, compares them with where the recording
// locates each ROP, and encodes them again to the same bytes.
func TestVectorsRecorded(t *testing.T) {
	c := newRecorder()
	vectors.Recorded(t, "execute.jsonl.gz", func(line []byte) {
		var r recordedExecute
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		t.Run(r.ID, func(t *testing.T) { c.execute(t, &r) })
	})
	c.log(t)
}

// TestVectorsRecordedRPC does the same for the calls of EcDoRpcExt2 that were recorded with their stubs.
func TestVectorsRecordedRPC(t *testing.T) {
	c := newRecorder()
	n := 0
	vectors.Recorded(t, "rpchttp.jsonl.gz", func(line []byte) {
		n++
		var r struct {
			ID    string
			Calls []struct {
				Execute  struct{ Request, Response []recordedBuffer }
				Request  string `json:"request_stub"`
				Response string `json:"response_stub"`
				Opnum    int
			}
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		for i, call := range r.Calls {
			if call.Opnum != 11 || call.Request == "" {
				continue
			}
			e := recordedExecute{Session: n, Execute: call.Execute}
			e.Request.Body, e.Response.Body = call.Request, call.Response
			t.Run(fmt.Sprintf("%s-%d", r.ID, i), func(t *testing.T) { c.execute(t, &e) })
		}
	})
	c.log(t)
}

func (c *recorder) execute(t *testing.T, r *recordedExecute) {
	c.records++
	s := c.sessions[r.Session]
	if s == nil {
		s = session{}
		c.sessions[r.Session] = s
	}
	var all []Request
	var handles []uint32
	for i, p := range payloads(t, r.Request.Body, r.Execute.Request) {
		b := r.Execute.Request[i]
		public := map[uint8]bool{}
		for _, rop := range b.ROPs {
			// ClientData follows only with a public logon.
			if rop.ID == number(RopSetMessageReadFlag) && rop.Len > 5 {
				public[p[rop.At+1]] = true
			}
		}
		reqs, h, err := Logons{Public: func(id uint8) bool { return public[id] }}.DecodeRequests(p)
		if b.NotSplit != "" {
			c.malformed++
			if !errors.Is(err, mapi.ErrRPCFormat) {
				t.Errorf("a request that is malformed on purpose gives %v", err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%v\n%x", err, p)
		}
		checkRequests(t, p, reqs, h, b)
		c.requests += len(reqs)
		for _, q := range reqs {
			c.seen[q.RopID()] = true
		}
		if again, _ := EncodeRequests(nil, reqs, h); !bytes.Equal(again, p) {
			c.booleans++
		}
		all, handles = append(all, reqs...), h
	}
	s.requested(all, handles)
	for i, p := range payloads(t, r.Response.Body, r.Execute.Response) {
		b, reqs := r.Execute.Response[i], all
		if i > 0 { // as if the last ROP had been sent again
			c.packed++
			reqs = all[len(all)-1:]
		}
		c.short += checkResponses(t, p, reqs, handles, b, s)
		c.responses += len(b.ROPs)
	}
}

func checkRequests(t *testing.T, p []byte, reqs []Request, handles []uint32, b recordedBuffer) {
	if len(reqs) != len(b.ROPs) || len(handles) != len(b.Handles) {
		t.Fatalf("%d requests and %d handles, want %d and %d", len(reqs), len(handles), len(b.ROPs), len(b.Handles))
	}
	for i, q := range reqs {
		one, err := EncodeRequests(nil, reqs[i:i+1], nil)
		if want := p[b.ROPs[i].At : b.ROPs[i].At+b.ROPs[i].Len]; err != nil || !same(one[sizeOfRopSize:], want) {
			t.Errorf("%s request %x\ncame back as        %x, %v", Name(q.RopID()), want, one[min(len(one), 2):], err)
		}
	}
	again, err := EncodeRequests([]byte("x"), reqs, handles)
	if err != nil || !same(again[1:], p) {
		t.Errorf("%x\ncame back as %x, %v", p, again, err)
	}
}

// same compares, but for Booleans that were sent as another number than 1: those come back as 1.
func same(got, want []byte) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] && (got[i] != 1 || want[i] == 0) {
			return false
		}
	}
	return true
}

// prepare gives requests the columns that their responses are read with.
func prepare(reqs []Request, handles []uint32, b recordedBuffer, s session) {
	i := 0
	for _, q := range reqs {
		if q.RopID() == RopRelease {
			continue
		}
		for i < len(b.ROPs) && b.ROPs[i].ReturnValue == nil {
			i++
		}
		if i == len(b.ROPs) {
			return
		}
		columns := tagsOf(b.ROPs[i].Columns)
		switch q := q.(type) {
		case *QueryRowsRequest:
			q.Columns = columns
		case *FindRowRequest:
			q.Columns = columns
		case *ExpandRowRequest:
			q.Columns = columns
		case *ReadRecipientsRequest:
			q.Columns = s[handles[q.In]]
		}
		i++
	}
}

func checkResponses(t *testing.T, p []byte, reqs []Request, handles []uint32, b recordedBuffer, s session) (short int) {
	prepare(reqs, handles, b, s)
	resps, h, err := DecodeResponses(p, reqs)
	if err != nil {
		t.Fatalf("%v\n%x", err, p)
	}
	if len(resps) != len(b.ROPs) || len(h) != len(b.Handles) {
		t.Fatalf("%d responses and %d handles, want %d and %d", len(resps), len(h), len(b.ROPs), len(b.Handles))
	}
	m := matcher{reqs: reqs}
	for i, r := range resps {
		want := b.ROPs[i]
		q, _ := m.request(r.RopID())
		one, err := EncodeResponses(nil, []Request{q}, []Response{r}, nil)
		if raw := p[want.At : want.At+want.Len]; err != nil || !bytes.Equal(one[sizeOfRopSize:], raw) {
			t.Errorf("%s response %x\ncame back as         %x, %v", Name(r.RopID()), raw, one[min(len(one), 2):], err)
		}
		if r.RopID() != uint8(want.ID) || want.ReturnValue != nil && r.Result() != mapi.Code(*want.ReturnValue) {
			t.Errorf("response %d is %s, %v, want %s, 0x%x", i, Name(r.RopID()), r.Result(), Name(uint8(want.ID)), want.ReturnValue)
		}
		if want.Form == "short" {
			short++
		}
		s.remember(r, h)
		if n, ok := r.(*NotifyResponse); ok && n.TableRowData != nil {
			if _, err := n.Row(tagsOf(want.Columns)); err != nil {
				t.Errorf("row of a notification: %v", err)
			}
		}
	}
	again, err := EncodeResponses(nil, reqs, resps, h)
	if err != nil || !bytes.Equal(again, p) {
		t.Errorf("%x\ncame back as %x, %v", p, again, err)
	}
	return short
}

// requested keeps the recipient columns that a client wrote recipients with.
func (s session) requested(reqs []Request, handles []uint32) {
	for _, q := range reqs {
		if q, ok := q.(*ModifyRecipientsRequest); ok {
			s[handles[q.In]] = q.Columns
		}
	}
}

// remember keeps the recipient columns of a message that was opened.
func (s session) remember(r Response, handles []uint32) {
	switch r := r.(type) {
	case *OpenMessageResponse:
		if r.ReturnValue == 0 {
			s[handles[r.Index]] = r.Columns
		}
	case *OpenEmbeddedMessageResponse:
		if r.ReturnValue == 0 {
			s[handles[r.Index]] = r.Columns
		}
	}
}
