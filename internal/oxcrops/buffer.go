package oxcrops

import (
	"encoding/binary"
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Logons tells what the layout of a few ROPs depends on and their bytes don't show. Its zero value stands for logons to
// private mailboxes.
type Logons struct {
	// Public reports whether a logon is to public folders.
	Public func(logonID uint8) bool
}

// EncodeRequests appends a ROP input buffer ([MS-OXCROPS] 2.2.1) to dst: the requests and the handle table.
func EncodeRequests(dst []byte, reqs []Request, handles []uint32) ([]byte, error) {
	return encode(dst, handles, func(c *oxcdata.Coder) {
		for _, r := range reqs {
			Logons{}.request(c, &r)
		}
	})
}

// DecodeRequests reads a ROP input buffer. An error says which ROP is malformed or unknown and is a
// mapi.ErrRPCFormat, with which a server fails the whole call; the requests before it are returned. Byte fields of the
// requests alias payload.
func DecodeRequests(payload []byte) ([]Request, []uint32, error) {
	return Logons{}.DecodeRequests(payload)
}

// DecodeRequests is the same for a session with logons to public folders.
func (l Logons) DecodeRequests(payload []byte) (reqs []Request, handles []uint32, err error) {
	handles, err = decode(payload, func(c *oxcdata.Coder) {
		for c.Left() > 0 {
			var r Request
			l.request(c, &r)
			if c.Err() != nil {
				return
			}
			reqs = append(reqs, r)
		}
	})
	return reqs, handles, err
}

// publicLogon is implemented by requests whose layout depends on the kind of logon.
type publicLogon interface{ setPublic(bool) }

// request walks RopId, LogonId and the rest of a request.
func (l Logons) request(c *oxcdata.Coder, p *Request) {
	id := uint8(0)
	if c.Encoding() {
		id = (*p).RopID()
	}
	c.U8(&id)
	if c.Err() != nil {
		return
	}
	rop := byID[id]
	if rop == nil || rop.request == nil {
		c.Fail(fmt.Sprintf("unknown RopId 0x%02X", id))
		return
	}
	if !c.Encoding() {
		*p = rop.request()
	}
	r := *p
	c.In(requestNames[id], func(c *oxcdata.Coder) {
		c.U8(&r.head().LogonID)
		if pl, ok := r.(publicLogon); ok && !c.Encoding() {
			pl.setPublic(l.Public != nil && l.Public(r.head().LogonID))
		}
		r.code(c)
	})
}

// EncodeResponses appends a ROP output buffer to dst. resps answer reqs in order, none for RopRelease, as
// [DecodeResponses] describes; reqs may be nil when no response's layout depends on its request.
func EncodeResponses(dst []byte, reqs []Request, resps []Response, handles []uint32) ([]byte, error) {
	m := matcher{reqs: reqs}
	return encode(dst, handles, func(c *oxcdata.Coder) {
		for _, r := range resps {
			m.response(c, &r)
			if c.Err() != nil {
				return
			}
		}
	})
}

// DecodeResponses reads a ROP output buffer, which answers reqs in order: RopRelease has no response, RopProgress may stand
// in for that of any request, RopBackoff, RopNotify and RopPending come between or after and answer none. After
// RopBufferTooSmall, which is then the last response, the requests that were not processed have none. Without reqs all
// responses are decoded whose layout doesn't depend on the request.
//
// An error says which ROP is malformed; the responses before it are returned. Byte fields of the responses alias payload.
func DecodeResponses(payload []byte, reqs []Request) (resps []Response, handles []uint32, err error) {
	m := matcher{reqs: reqs}
	handles, err = decode(payload, func(c *oxcdata.Coder) {
		for c.Left() > 0 {
			var r Response
			m.response(c, &r)
			if c.Err() != nil {
				return
			}
			resps = append(resps, r)
		}
	})
	return resps, handles, err
}

// matcher pairs responses with their requests.
type matcher struct {
	reqs   []Request
	next   int
	opened map[uint8][]mapi.Tag // recipient columns of messages that this buffer opens, by handle index
}

// response walks RopId and the rest of a response.
func (m *matcher) response(c *oxcdata.Coder, p *Response) {
	id := uint8(0)
	if c.Encoding() {
		id = (*p).RopID()
	}
	c.U8(&id)
	if c.Err() != nil {
		return
	}
	rop := byID[id]
	if rop == nil || rop.response == nil {
		c.Fail(fmt.Sprintf("response with unknown RopId 0x%02X", id))
		return
	}
	q, err := m.request(id)
	if err != "" {
		c.Fail(err)
		return
	}
	if !c.Encoding() {
		*p = rop.response()
	}
	r := *p
	if q, ok := q.(*ReadRecipientsRequest); ok && q.Columns == nil {
		q.Columns = m.opened[q.In]
	}
	c.In(responseNames[id], func(c *oxcdata.Coder) { r.code(c, q) })
	if o, ok := r.(opener); ok && c.Err() == nil && r.Result() == 0 {
		if m.opened == nil {
			m.opened = map[uint8][]mapi.Tag{}
		}
		index, columns := o.opens()
		m.opened[index] = columns
	}
}

// opener is implemented by responses that tell the recipient columns of a message.
type opener interface {
	opens() (index uint8, columns []mapi.Tag)
}

// request is the request that a response with a RopId answers, nil where it answers none.
func (m *matcher) request(id uint8) (Request, string) {
	switch id {
	case RopNotify, RopPending, RopBackoff, RopBufferTooSmall:
		return nil, ""
	}
	if len(m.reqs) == 0 {
		return nil, ""
	}
	for m.next < len(m.reqs) && m.reqs[m.next].RopID() == RopRelease {
		m.next++
	}
	if m.next == len(m.reqs) {
		return nil, fmt.Sprintf("response of %s to no request", Name(id))
	}
	q := m.reqs[m.next]
	m.next++
	want := q.RopID()
	if want == RopGetMessageStatus {
		want = RopSetMessageStatus // [MS-OXCROPS] 2.2.6.9.2
	}
	// The last answer to RopProgress is that of the operation in progress.
	if id != want && id != RopProgress && want != RopProgress {
		return nil, fmt.Sprintf("response of %s to %s", Name(id), Name(q.RopID()))
	}
	return q, ""
}

// sizeOfRopSize is the field before the ROP list, which counts itself.
const sizeOfRopSize = 2

func encode(dst []byte, handles []uint32, ropsList func(*oxcdata.Coder)) ([]byte, error) {
	start := len(dst)
	c := oxcdata.NewEncoder(append(dst, 0, 0))
	ropsList(c)
	size := len(c.Bytes()) - start
	if size > 0xFFFF {
		c.Fail(fmt.Sprintf("ROPs of %d bytes don't fit a buffer", size))
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	binary.LittleEndian.PutUint16(c.Bytes()[start:], uint16(size))
	for i := range handles {
		c.U32(&handles[i])
	}
	return c.Bytes(), c.Err()
}

func decode(payload []byte, ropsList func(*oxcdata.Coder)) ([]uint32, error) {
	const name = "ROP buffer ([MS-OXCROPS] 2.2.1)"
	if len(payload) < sizeOfRopSize {
		return nil, &oxcdata.FormatError{Struct: name, Offset: 0, Reason: "no RopSize"}
	}
	size := int(binary.LittleEndian.Uint16(payload))
	if size < sizeOfRopSize || size > len(payload) {
		return nil, &oxcdata.FormatError{Struct: name, Offset: 0, Reason: fmt.Sprintf("RopSize %d in a buffer of %d bytes", size, len(payload))}
	}
	table := payload[size:]
	if len(table)%4 != 0 {
		return nil, &oxcdata.FormatError{Struct: name, Offset: size, Reason: fmt.Sprintf("handle table of %d bytes", len(table))}
	}
	c := oxcdata.NewDecoder(payload[:size:size])
	var again uint16
	c.U16(&again)
	ropsList(c)
	var handles []uint32
	for ; len(table) > 0; table = table[4:] {
		handles = append(handles, binary.LittleEndian.Uint32(table))
	}
	return handles, c.Err()
}

// requestNames and responseNames are what errors call the structures.
var requestNames, responseNames = func() (q, r [256]string) {
	for i := range table {
		t := &table[i]
		q[t.ID] = t.Name + " request ([MS-OXCROPS] " + t.Section + ")"
		r[t.ID] = t.Name + " response ([MS-OXCROPS] " + t.Section + ")"
	}
	return q, r
}()
