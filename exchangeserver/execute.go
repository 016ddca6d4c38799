package exchangeserver

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/internal/oxcrpc"
	"github.com/opencdo/opencdo/mapi"
)

// Sizes of ROP buffers ([MS-OXCRPC] 3.1.4.2).
const (
	// maxPayload is the response data of one extended buffer.
	maxPayload = 32 << 10
	// extHeader is RPC_HEADER_EXT, sizeField RopSize.
	extHeader = 8
	sizeField = 2
	// maxOutput is the most that a client may ask for, maxBuffers the most packed answers.
	maxOutput  = 256 << 10
	maxBuffers = 96
	// packRoom must be left for another packed answer; packRowsRoom for one of RopQueryRows.
	packRoom     = 8 << 10
	packRowsRoom = 32 << 10
	// maxPacked bounds packed requests.
	maxPacked = 96
	// tooSmallHead is RopBufferTooSmall without its requests.
	tooSmallHead = 3
)

// execute runs the ROPs of a request ([MS-OXCROPS] 3.2.5.1). A code fails the whole call.
func (s *session) execute(ctx context.Context, req *oxcmapihttp.ExecuteRequest) ([]byte, mapi.Code) {
	payloads, err := oxcrpc.Unpack(req.ROPBuffer)
	if err != nil || len(payloads) == 0 || len(payloads) > maxPacked {
		return nil, mapi.ErrRPCFormat
	}
	reqs, handles, part, err := joinRequests(payloads)
	if err != nil {
		s.srv.log("malformed request", "user", s.user.Alias, "error", err)
		return nil, mapi.ErrRPCFormat
	}
	limit := int(min(req.MaxROPOut, maxOutput)) - extHeader - sizeField - 4*len(handles)
	if limit < 0 {
		return nil, mapi.ErrBufferTooSmall
	}
	b := &buffer{s: s, ctx: ctx, reqs: reqs, handles: handles, part: part, limit: min(limit, maxPayload)}
	first, code := b.run()
	if code != 0 {
		return nil, code
	}
	out := [][]byte{first}
	if req.Flags&oxcmapihttp.ExecuteChain != 0 {
		out = b.pack(out, int(min(req.MaxROPOut, maxOutput)))
	}
	var flags oxcrpc.Flags
	switch {
	case req.Flags&oxcmapihttp.ExecuteNoCompression == 0:
		flags = oxcrpc.Compressed
	case req.Flags&oxcmapihttp.ExecuteNoXorMagic == 0:
		flags = oxcrpc.XorMagic
	}
	packed, err := oxcrpc.Pack(nil, flags, out...)
	if err != nil {
		return nil, mapi.ErrCallFailed
	}
	return packed, 0
}

// joinRequests decodes the ROPs. Packed requests, several buffers with one uploading ROP each, become one request with the
// data of all ([MS-OXCRPC] 3.1.4.2.1.2.1); part is the size of the last one's then.
func joinRequests(payloads [][]byte) (reqs []oxcrops.Request, handles []uint32, part int, err error) {
	reqs, handles, err = oxcrops.DecodeRequests(payloads[0])
	if err != nil || len(payloads) == 1 {
		return reqs, handles, 0, err
	}
	for _, p := range payloads[1:] {
		more, table, err := oxcrops.DecodeRequests(p)
		if err != nil {
			return nil, nil, 0, err
		}
		ok := len(reqs) == 1 && len(more) == 1
		if ok {
			part, ok = join(reqs[0], more[0], handles, table)
		}
		if !ok {
			return nil, nil, 0, errPacked
		}
	}
	return reqs, handles, part, nil
}

var errPacked = &mapi.Error{Op: "read packed requests", Code: mapi.ErrRPCFormat, Err: errors.New("they aren't uploads to one object")}

// join appends the data of b to a when both upload to the same object, and gives its size.
func join(a, b oxcrops.Request, tableA, tableB []uint32) (part int, ok bool) {
	same := func(i, j uint8) bool {
		return int(i) < len(tableA) && int(j) < len(tableB) && tableA[i] == tableB[j]
	}
	switch a := a.(type) {
	case *oxcrops.FastTransferDestinationPutBufferRequest:
		if b, ok := b.(*oxcrops.FastTransferDestinationPutBufferRequest); ok && same(a.In, b.In) {
			return appendTo(&a.TransferData, b.TransferData), true
		}
	case *oxcrops.FastTransferDestinationPutBufferExtendedRequest:
		if b, ok := b.(*oxcrops.FastTransferDestinationPutBufferExtendedRequest); ok && same(a.In, b.In) {
			return appendTo(&a.TransferData, b.TransferData), true
		}
	case *oxcrops.WriteStreamExtendedRequest:
		if b, ok := b.(*oxcrops.WriteStreamExtendedRequest); ok && same(a.In, b.In) {
			return appendTo(&a.Data, b.Data), true
		}
	}
	return 0, false
}

// appendTo appends src to dst, which may be a part of the request buffer, and gives the size of src.
func appendTo(dst *[]byte, src []byte) int {
	*dst = append((*dst)[:len(*dst):len(*dst)], src...)
	return len(src)
}

// buffer is a ROP input buffer being processed.
type buffer struct {
	s       *session
	ctx     context.Context
	reqs    []oxcrops.Request
	handles []uint32
	part    int // size of the last of packed requests, 0: they aren't packed
	limit   int // bytes of responses

	last oxcrops.Response // to the last request, when all were processed
}

// run processes all requests and gives the output payload.
func (b *buffer) run() ([]byte, mapi.Code) {
	rest, code := b.restSizes()
	if code != 0 {
		return nil, code
	}
	var resps []oxcrops.Response
	used := 0
	for i, q := range b.reqs {
		room := b.limit - used
		if rest[i+1] > 0 { // RopBufferTooSmall must fit with the requests that are left
			room -= rest[i+1] + tooSmallHead
		}
		resp, size, code := b.one(q, room)
		if code != 0 {
			return nil, code
		}
		if size > room {
			small, code := b.tooSmall(b.reqs[i:], size, b.limit-used)
			if code != 0 {
				return nil, code
			}
			resps = append(resps, small)
			b.last = nil
			break
		}
		used += size
		if resp != nil {
			resps = append(resps, resp)
		}
		b.last = resp
	}
	events, _ := b.s.notes.take(b.limit - used)
	out, err := oxcrops.EncodeResponses(nil, b.reqs, append(resps, events...), b.handles)
	if err != nil {
		b.s.srv.log("response not encoded", "error", err)
		return nil, mapi.ErrRPCFormat
	}
	return out, 0
}

// restSizes are the sizes of the requests from each on, in front of 0; only 0 where there is one request.
func (b *buffer) restSizes() ([]int, mapi.Code) {
	sizes := make([]int, len(b.reqs)+1)
	if len(b.reqs) == 1 {
		return sizes, 0
	}
	var scratch []byte
	for i := len(b.reqs) - 1; i >= 0; i-- {
		var err error
		if scratch, err = oxcrops.EncodeRequests(scratch[:0], b.reqs[i:i+1], nil); err != nil {
			return nil, mapi.ErrRPCFormat
		}
		sizes[i] = sizes[i+1] + len(scratch) - sizeField
	}
	return sizes, 0
}

// tooSmall is the response that gives requests back ([MS-OXCROPS] 2.2.15.1). Where not even that fits, the call fails.
func (b *buffer) tooSmall(reqs []oxcrops.Request, needed, room int) (oxcrops.Response, mapi.Code) {
	raw, err := oxcrops.EncodeRequests(nil, reqs, nil)
	if err != nil {
		return nil, mapi.ErrRPCFormat
	}
	if len(raw)-sizeField+tooSmallHead > room {
		return nil, mapi.ErrBufferTooSmall
	}
	return &oxcrops.BufferTooSmallResponse{SizeNeeded: uint16(min(needed, 0xFFFF)), RequestBuffers: raw[sizeField:]}, 0
}

// one processes a request and gives its response, nil for RopRelease, with its size. The response fills at most room bytes
// if it is one that can be cut; where not even a small one fits, nothing is done.
func (b *buffer) one(q oxcrops.Request, room int) (oxcrops.Response, int, mapi.Code) {
	op := rops[q.RopID()]
	if op.need > room {
		return nil, op.need, 0
	}
	slots, ok := slotsOf(q)
	if !ok || slots.out >= 0 && slots.out >= len(b.handles) {
		return nil, 0, mapi.ErrRPCFormat
	}
	c := &call{Context: b.ctx, s: b.s, handles: b.handles, room: room, logonID: logonIDOf(q), part: b.part}
	var resp oxcrops.Response
	err := error(mapi.ErrNoSupport)
	if op.do != nil {
		resp, err = op.do(c, q)
	}
	if c.fatal != 0 {
		return nil, 0, c.fatal
	}
	if q.RopID() == oxcrops.RopRelease {
		return nil, 0, 0
	}
	resp = complete(q, resp, slots, err)
	if err != nil {
		if slots.out >= 0 && slots.out != slots.in {
			b.handles[slots.out] = noHandle // what depends on it fails too
		}
		b.s.srv.log("ROP failed", "rop", oxcrops.Name(q.RopID()), "error", err)
	}
	size, err := responseSize(q, resp)
	if err != nil {
		b.s.srv.log("response not encoded", "rop", oxcrops.Name(q.RopID()), "error", err)
		resp = complete(q, nil, slots, mapi.ErrCallFailed)
		if size, err = responseSize(q, resp); err != nil {
			return nil, 0, mapi.ErrRPCFormat
		}
	}
	return resp, size, 0
}

func responseSize(q oxcrops.Request, r oxcrops.Response) (int, error) {
	out, err := oxcrops.EncodeResponses(nil, []oxcrops.Request{q}, []oxcrops.Response{r}, nil)
	return len(out) - sizeField, err
}

// complete gives a response its head: the handle index that belongs there and the result. With an error and no response of
// its own it makes the one that all ROPs have for failure.
func complete(q oxcrops.Request, resp oxcrops.Response, slots ropSlots, err error) oxcrops.Response {
	if resp == nil || reflect.ValueOf(resp).IsNil() {
		resp = oxcrops.Lookup(q.RopID()).NewResponse()
	}
	if f := reflect.ValueOf(resp).Elem().FieldByName("Reply"); f.IsValid() {
		r := f.Addr().Interface().(*oxcrops.Reply)
		r.Index = slots.reply
		if err != nil {
			r.ReturnValue = mapi.CodeOf(err)
		}
	}
	if slots.dest >= 0 && mapi.CodeOf(err) == mapi.ErrNullDestination {
		if f := reflect.ValueOf(resp).Elem().FieldByName("Dest"); f.IsValid() {
			f.SetUint(uint64(slots.dest))
		}
	}
	return resp
}

// ropSlots are the handle indexes of a request, -1 where it has none.
type ropSlots struct {
	in, out, dest int
	reply         uint8 // of the response
}

// slotsOf finds them by the names of the fields ([MS-OXCROPS] gives every ROP the same).
func slotsOf(q oxcrops.Request) (ropSlots, bool) {
	v := reflect.ValueOf(q).Elem()
	s := ropSlots{in: -1, out: -1, dest: -1}
	found := false
	for _, name := range []string{"Out", "ResponseIndex", "Src", "In"} {
		f := v.FieldByName(name)
		if !f.IsValid() {
			continue
		}
		switch name {
		case "Out":
			s.out = int(f.Uint())
		case "In", "Src":
			s.in = int(f.Uint())
		}
		if !found {
			s.reply, found = uint8(f.Uint()), true
		}
	}
	if f := v.FieldByName("Dest"); f.IsValid() {
		s.dest = int(f.Uint())
	}
	return s, found
}

func logonIDOf(q oxcrops.Request) uint8 {
	return uint8(reflect.ValueOf(q).Elem().FieldByName("LogonID").Uint())
}

// pack appends further answers to the last request, as if it had been repeated ([MS-OXCRPC] 3.1.4.2.1.2.2).
func (b *buffer) pack(out [][]byte, maxOut int) [][]byte {
	if b.last == nil || b.last.Result().Failed() {
		return out
	}
	q := b.reqs[len(b.reqs)-1]
	used := extHeader + len(out[0])
	for len(out) < maxBuffers {
		q = nextPacked(q, b.last)
		if q == nil {
			break
		}
		left := maxOut - used
		if left < packRoom || q.RopID() == oxcrops.RopQueryRows && left < packRowsRoom+extHeader {
			break
		}
		limit := min(left-extHeader-sizeField-4*len(b.handles), maxPayload)
		resp, size, code := b.one(q, limit)
		if code != 0 || resp == nil || size > limit || resp.Result().Failed() {
			break
		}
		payload, err := oxcrops.EncodeResponses(nil, []oxcrops.Request{q}, []oxcrops.Response{resp}, b.handles)
		if err != nil {
			break
		}
		out = append(out, payload)
		used += extHeader + len(payload)
		b.last = resp
	}
	return out
}

// nextPacked is the request that asks for what an answer left, or nil.
func nextPacked(q oxcrops.Request, r oxcrops.Response) oxcrops.Request {
	switch q := q.(type) {
	case *oxcrops.QueryRowsRequest:
		r, ok := r.(*oxcrops.QueryRowsResponse)
		if !ok || q.QueryRowsFlags&oxcrops.QueryRowsEnablePackedBuffers == 0 || q.QueryRowsFlags&oxcrops.QueryRowsNoAdvance != 0 ||
			len(r.Rows) == 0 || len(r.Rows) >= int(q.RowCount) || r.Origin == oxcrops.BookmarkEnd || r.Origin == oxcrops.BookmarkBeginning {
			return nil
		}
		next := *q
		next.RowCount -= uint16(len(r.Rows))
		return &next
	case *oxcrops.ReadStreamRequest:
		r, ok := r.(*oxcrops.ReadStreamResponse)
		if !ok || q.ByteCount != oxcrops.MaximumSize || len(r.Data) == 0 || uint32(len(r.Data)) >= q.MaximumByteCount {
			return nil
		}
		next := *q
		next.MaximumByteCount -= uint32(len(r.Data))
		return &next
	case *oxcrops.FastTransferSourceGetBufferRequest:
		r, ok := r.(*oxcrops.FastTransferSourceGetBufferResponse)
		if !ok || q.BufferSize != oxcrops.MaximumSize || r.TransferStatus != oxcrops.TransferPartial {
			return nil
		}
		return q
	}
	return nil
}

// errorf is an error with a code, for the log.
func errorf(code mapi.Code, format string, args ...any) error {
	return &mapi.Error{Op: "execute", Code: code, Err: fmt.Errorf(format, args...)}
}

// encodedSize is the size of what f walks.
func encodedSize(f func(*oxcdata.Coder)) (int, error) {
	b, err := oxcdata.Encode(oxcdata.ROP, f)
	return len(b), err
}
