package evidence

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// tags are property tags as the vectors and recordings write them.
type tags []mapi.Tag

func (p *tags) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	for _, s := range list {
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			return err
		}
		*p = append(*p, mapi.Tag(n))
	}
	return nil
}

// recordedBuffer is an extended buffer of a recorded Execute.
type recordedBuffer struct {
	At, Size, Flags int
	Payload         string
	ROPs            []struct {
		ReturnValue *string `json:"rv"`
		Columns     tags
	}
	NotSplit string `json:"not_split"`
}

// handles are what a client remembers of the objects of a session to read answers: the recipient columns of open messages.
type handles map[uint32][]mapi.Tag

// executes reads the recorded remote operations. A whole buffer has to come back byte for byte; then it counts for every
// structure in it. A response counts for its ROP where it has a body, which few have that report a failure.
func executes(t *testing.T, found func(record string, structures map[string]bool)) {
	sessions := map[int]handles{}
	vectors.Recorded(t, "execute.jsonl.gz", func(line []byte) {
		var r struct {
			ID                string
			Session           int
			Request, Response struct{ Body string }
			Execute           struct{ Request, Response []recordedBuffer }
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		if sessions[r.Session] == nil {
			sessions[r.Session] = handles{}
		}
		s := sessions[r.Session]
		in := map[string]bool{}
		var reqs []oxcrops.Request
		var slots []uint32
		for i, p := range payloads(t, r.Request.Body, r.Execute.Request, in) {
			if r.Execute.Request[i].NotSplit != "" {
				return // malformed on purpose
			}
			// How RopSetMessageReadFlag looks depends on the logon: in public folders it is longer.
			got, h, err := oxcrops.DecodeRequests(p)
			if err != nil {
				got, h, err = oxcrops.Logons{Public: func(uint8) bool { return true }}.DecodeRequests(p)
			}
			if err != nil {
				t.Errorf("%s: %v", r.ID, err)
				return
			}
			if again, err := oxcrops.EncodeRequests(nil, got, h); err == nil && same(again, p) {
				requestsIn(got, in)
			}
			reqs, slots = append(reqs, got...), h
		}
		for _, q := range reqs {
			if q, ok := q.(*oxcrops.ModifyRecipientsRequest); ok {
				s[slots[q.In]] = q.Columns
			}
		}
		for i, p := range payloads(t, r.Response.Body, r.Execute.Response, in) {
			asked := reqs
			if i > 0 { // a packed answer: as if its ROP had been sent again
				asked = reqs[len(reqs)-1:]
			}
			giveColumns(asked, slots, r.Execute.Response[i], s)
			resps, h, err := oxcrops.DecodeResponses(p, asked)
			if err != nil {
				t.Errorf("%s: %v", r.ID, err)
				return
			}
			if again, err := oxcrops.EncodeResponses(nil, asked, resps, h); err == nil && bytes.Equal(again, p) {
				responsesIn(asked, resps, in)
			}
			for _, x := range resps {
				switch x := x.(type) {
				case *oxcrops.OpenMessageResponse:
					s[h[x.Index]] = x.Columns
				case *oxcrops.OpenEmbeddedMessageResponse:
					s[h[x.Index]] = x.Columns
				}
			}
		}
		found(r.ID, in)
	})
}

// giveColumns gives requests the columns that their responses are read with.
func giveColumns(reqs []oxcrops.Request, slots []uint32, b recordedBuffer, s handles) {
	rops := b.ROPs
	for _, q := range reqs {
		if q.RopID() == oxcrops.RopRelease {
			continue
		}
		for len(rops) > 0 && rops[0].ReturnValue == nil { // a notification
			rops = rops[1:]
		}
		if len(rops) == 0 {
			return
		}
		setColumns(q, rops[0].Columns)
		if q, ok := q.(*oxcrops.ReadRecipientsRequest); ok {
			q.Columns = s[slots[q.In]]
		}
		rops = rops[1:]
	}
}

func setColumns(q oxcrops.Request, columns []mapi.Tag) {
	switch q := q.(type) {
	case *oxcrops.QueryRowsRequest:
		q.Columns = columns
	case *oxcrops.FindRowRequest:
		q.Columns = columns
	case *oxcrops.ExpandRowRequest:
		q.Columns = columns
	case *oxcrops.GetPropertiesSpecificRequest:
		if q.Tags == nil {
			q.Tags = columns
		}
	}
}

// payloads unpacks the extended buffers of one direction.
func payloads(t *testing.T, body string, list []recordedBuffer, in map[string]bool) (p [][]byte) {
	if len(list) == 0 {
		return nil
	}
	if body == "" { // left out of the recording, which has the payloads
		for _, b := range list {
			p = append(p, vectors.Hex(t, b.Payload))
		}
		return p
	}
	const header = 8
	last := list[len(list)-1]
	packed := vectors.Hex(t, body)[list[0].At : last.At+header+last.Size]
	p, err := oxcrpc.Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range list {
		if b.Payload != "" && !bytes.Equal(p[i], vectors.Hex(t, b.Payload)) {
			t.Errorf("an extended buffer holds %x, recorded is %s", p[i], b.Payload)
			continue
		}
		if oxcrpc.Flags(b.Flags)&oxcrpc.Compressed != 0 {
			in[direct2] = true
			continue
		}
		again, err := oxcrpc.Pack(nil, oxcrpc.Flags(b.Flags), p[i])
		binary.LittleEndian.PutUint16(again[2:], uint16(b.Flags)) // one of several isn't flagged as the last
		if err == nil && bytes.Equal(again, packed[b.At-list[0].At:b.At-list[0].At+header+b.Size]) {
			in[extendedBuffer] = true
		}
	}
	return p
}

func requestsIn(reqs []oxcrops.Request, in map[string]bool) {
	for _, q := range reqs {
		in[oxcrops.Name(q.RopID())+" request"] = true
		reach(reflect.ValueOf(q), ropBuffers, in)
	}
}

func responsesIn(reqs []oxcrops.Request, resps []oxcrops.Response, in map[string]bool) {
	for _, x := range resps {
		_, plain := x.(*oxcrops.PlainResponse)
		if plain || !x.Result().Failed() || oxcrops.Lookup(x.RopID()).NewRequest() == nil {
			in[oxcrops.Name(x.RopID())+" response"] = true
		}
		if x.RopID() == oxcrops.RopSetMessageStatus && !x.Result().Failed() {
			for _, q := range reqs {
				if q.RopID() == oxcrops.RopGetMessageStatus { // is answered so ([MS-OXCROPS] 2.2.6.9.2)
					in[oxcrops.Name(q.RopID())+" response"] = true
				}
			}
		}
		reach(reflect.ValueOf(x), ropBuffers, in)
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

// ropVectors reads the remote operations among the vectors; what each means, field by field, is compared in package oxcrops.
func ropVectors(t *testing.T, found func(id string, structures map[string]bool)) {
	files, err := filepath.Glob(filepath.Join(vectors.Dir(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		columns := vectorColumns(t, f)
		for _, v := range vectors.Load(t, filepath.Base(f)) {
			in := map[string]bool{}
			buffer := v.Bytes(t)
			if v.Kind == "rop-request" || v.Kind == "rop-response" {
				buffer = append(binary.LittleEndian.AppendUint16(nil, uint16(len(buffer)+2)), buffer...)
			}
			switch v.Kind {
			case "rop-request", "rop-input-buffer":
				reqs, h, err := oxcrops.DecodeRequests(buffer)
				if err != nil {
					t.Errorf("%s: %v", v.ID, err)
					continue
				}
				if again, err := oxcrops.EncodeRequests(nil, reqs, h); err == nil && bytes.Equal(again, buffer) {
					requestsIn(reqs, in)
				}
			case "rop-response":
				var reqs []oxcrops.Request
				if q := oxcrops.Lookup(buffer[2]).NewRequest(); q != nil {
					setColumns(q, columns[v.ID])
					reqs = append(reqs, q)
				}
				resps, h, err := oxcrops.DecodeResponses(buffer, reqs)
				if err != nil {
					continue // its columns stand in a note
				}
				if again, err := oxcrops.EncodeResponses(nil, reqs, resps, h); err == nil && bytes.Equal(again, buffer) {
					responsesIn(reqs, resps, in)
				}
			}
			found(v.ID, in)
		}
	}
}

// vectorColumns are the columns over which a file's vectors have rows.
func vectorColumns(t *testing.T, file string) map[string][]mapi.Tag {
	m := map[string][]mapi.Tag{}
	if !strings.HasSuffix(file, ".json") {
		return m
	}
	var list []struct {
		ID      string
		Columns tags
	}
	if err := json.Unmarshal(read(t, file), &list); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		m[v.ID] = v.Columns
	}
	return m
}
