// Package oxcmapihttp holds the request and response bodies of [MS-OXCMAPIHTTP] 2.2.4 and 2.2.5: what travels inside
// the HTTP exchanges that package mapihttp makes.
package oxcmapihttp

import (
	"fmt"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Body is a request or response body. Code walks its own fields; Marshal and Unmarshal add what all bodies have in common.
type Body interface{ Code(*oxcdata.Coder) }

// StatusError is a response whose StatusCode isn't zero: the server could not even read the request
// ([MS-OXCMAPIHTTP] 2.2.2.2.2).
type StatusError struct{ Status uint32 }

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server refused the request body: status 0x%08X", e.Status)
}

// Is answers for the MAPI code that the status is.
func (e *StatusError) Is(target error) bool {
	c, ok := target.(mapi.Code)
	return ok && uint32(c) == e.Status
}

// Envelope is what all bodies have besides their own fields.
type Envelope struct {
	Aux []byte // auxiliary buffer, package oxcrpc; may be empty
	// Presence is the byte written before parts that are there. Zero stands for 0xFF, which servers write; some clients
	// write 1.
	Presence uint8
	// Trailing are bytes after the auxiliary buffer: some clients count their names wrong and send more than they say.
	Trailing []byte
}

// MarshalRequest encodes a request body.
func MarshalRequest(b Body, e Envelope) ([]byte, error) {
	return oxcdata.Encode(oxcdata.AddressBook, func(c *oxcdata.Coder) {
		c.Presence = e.Presence
		request(c, b, &e)
	})
}

// UnmarshalRequest decodes a request body.
func UnmarshalRequest(data []byte, b Body) (e Envelope, err error) {
	err = oxcdata.Decode(oxcdata.AddressBook, data, func(c *oxcdata.Coder) { request(c, b, &e) })
	return e, err
}

func request(c *oxcdata.Coder, b Body, e *Envelope) {
	c.In(fmt.Sprintf("%T", b), b.Code)
	c.Bytes32(&e.Aux)
	c.Rest(&e.Trailing)
	e.Presence = c.Presence
}

// MarshalResponse encodes a response: status 0, the operation's error code and the body.
func MarshalResponse(code mapi.Code, b Body, e Envelope) ([]byte, error) {
	return oxcdata.Encode(oxcdata.AddressBook, func(c *oxcdata.Coder) {
		var status uint32
		c.Presence = e.Presence
		response(c, &status, &code, b, &e)
	})
}

// MarshalFailure encodes the short response of a request that could not be read. status isn't 0.
func MarshalFailure(status uint32) []byte {
	b, _ := oxcdata.Encode(oxcdata.AddressBook, func(c *oxcdata.Coder) { response(c, &status, nil, nil, &Envelope{}) })
	return b
}

// UnmarshalResponse decodes a response. code is the operation's result; the body is there whatever it says. A failed
// StatusCode is a *StatusError.
func UnmarshalResponse(data []byte, b Body) (code mapi.Code, e Envelope, err error) {
	var status uint32
	err = oxcdata.Decode(oxcdata.AddressBook, data, func(c *oxcdata.Coder) { response(c, &status, &code, b, &e) })
	if status != 0 {
		return 0, e, &StatusError{status}
	}
	return code, e, err
}

func response(c *oxcdata.Coder, status *uint32, code *mapi.Code, b Body, e *Envelope) {
	c.U32(status)
	if *status == 0 && c.Err() == nil {
		c.Code(code)
		c.In(fmt.Sprintf("%T", b), b.Code)
	}
	c.Bytes32(&e.Aux)
	c.Rest(&e.Trailing)
	e.Presence = c.Presence
}

// optional is a presence byte and, when it isn't zero, the part.
func optional(c *oxcdata.Coder, has bool, part func()) bool {
	if c.Present(&c.Presence, has) {
		part()
		return true
	}
	return false
}
