// Package oxcrops holds the remote operations of [MS-OXCROPS]: the request and response buffer of every ROP, the table of
// RopIds, and the ROP buffer that carries them with its server object handle table.
//
// Types have the specification's names without "Rop", fields too, with these exceptions: In, Out, Src, Dest and
// ResponseIndex are the request's handle indexes, Index is the response's; Tags, Values, Names, IDs, Problems, Row and
// Rows stand for the lists whose counts the codec derives. Fields marked "not sent" complete a request for the decoder of
// its response.
package oxcrops

import (
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Request is the request buffer of a ROP.
type Request interface {
	RopID() uint8
	head() *Head
	code(*oxcdata.Coder)
}

// Response is the response buffer of a ROP.
type Response interface {
	RopID() uint8
	// Result is the ReturnValue, or 0 for responses that have none.
	Result() mapi.Code
	code(*oxcdata.Coder, Request)
}

// Head begins every request.
type Head struct {
	LogonID uint8 // names the logon within the session; the client chose it with RopLogon
}

func (h *Head) head() *Head { return h }

// Reply begins all responses but those of RopNotify, RopPending, RopBackoff and RopBufferTooSmall.
type Reply struct {
	Index       uint8 // a handle index of the request: which one differs from ROP to ROP
	ReturnValue mapi.Code
}

// Result implements Response.
func (r *Reply) Result() mapi.Code { return r.ReturnValue }

// reply walks a Reply and reports whether it is one of success, so that more follows.
func (r *Reply) reply(c *oxcdata.Coder) bool {
	c.U8(&r.Index)
	c.Code(&r.ReturnValue)
	return r.ReturnValue == 0 && c.Err() == nil
}

// short reports whether a failed response ends after ReturnValue. For some ROPs the specification lets what follows
// follow always, but there are servers that leave it out after a failure. No RopId of a response is as low as most, the
// highest first byte that the field can have then, which tells the two apart.
func (r *Reply) short(c *oxcdata.Coder, short *bool, most uint8) bool {
	if !c.Encoding() {
		*short = c.Err() == nil && r.ReturnValue.Failed() && (c.Left() == 0 || c.Peek() > most)
	}
	return *short
}

// PlainResponse is the response of every ROP that answers with nothing but success or failure.
type PlainResponse struct {
	ROP uint8 // RopId
	Reply
}

// RopID implements Response.
func (r *PlainResponse) RopID() uint8 { return r.ROP }

func (r *PlainResponse) code(c *oxcdata.Coder, _ Request) { r.reply(c) }

// ROP describes a remote operation.
type ROP struct {
	ID      uint8
	Name    string // the specification's: "RopOpenFolder"
	Section string // of [MS-OXCROPS]

	request  func() Request  // nil: response only
	response func() Response // nil: no response
}

// NewRequest is an empty request, or nil when the ROP exists as a response only.
func (r *ROP) NewRequest() Request {
	if r.request == nil {
		return nil
	}
	return r.request()
}

// NewResponse is an empty response, or nil for RopRelease.
func (r *ROP) NewResponse() Response {
	if r.response == nil {
		return nil
	}
	return r.response()
}

// Lookup finds a ROP; nil when the RopId is reserved.
func Lookup(id uint8) *ROP { return byID[id] }

// Name is the name of a ROP, or its number when it is reserved.
func Name(id uint8) string {
	if r := byID[id]; r != nil {
		return r.Name
	}
	return fmt.Sprintf("RopId 0x%02X", id)
}

// byID is the table by RopId.
var byID = func() (t [256]*ROP) {
	for i := range table {
		t[table[i].ID] = &table[i]
	}
	return t
}()

// req and resp make constructors for the table.
func req[T any, P interface {
	*T
	Request
}]() Request {
	return P(new(T))
}

func resp[T any, P interface {
	*T
	Response
}]() Response {
	return P(new(T))
}

func plain(id uint8) func() Response { return func() Response { return &PlainResponse{ROP: id} } }
