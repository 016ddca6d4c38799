// Package oxabref is the referral to address book servers, [MS-OXABREF]: which address book server is a client's, and what a
// mailbox server's host is called.
package oxabref

import (
	"context"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

// Interface is RFRI ([MS-OXABREF] 1.9).
var Interface = dcerpc.Syntax{UUID: mapi.MustGUID("1544f5e0-613c-11d1-93df-00c04fd7bd09"), Major: 1}

// Operations ([MS-OXABREF] 3.1.4).
const (
	opRfrGetNewDSA           = 0
	opRfrGetFQDNFromServerDN = 1
)

// Lengths of a server's DN with its terminator ([MS-OXABREF] 3.1.4.2).
const (
	minServerDN = 10
	maxServerDN = 1024
)

// RfrGetNewDSARequest asks for an address book server ([MS-OXABREF] 3.1.4.1). A client has Server point to a null pointer or
// an empty string, which the answer replaces.
type RfrGetNewDSARequest struct {
	Flags  uint32 // 0
	UserDN mapi.String8
	Unused **mapi.String8
	Server **mapi.String8
}

// NDR implements ndr.Body.
func (r *RfrGetNewDSARequest) NDR(c *ndr.Coder) {
	c.U32(&r.Flags)
	c.String8(&r.UserDN)
	text(c, &r.Unused)
	text(c, &r.Server)
}

// text is a pointer to a pointer to a string; either may be null.
func text(c *ndr.Coder, p ***mapi.String8) {
	ndr.Unique(c, p, func(c *ndr.Coder, p **mapi.String8) { ndr.Unique(c, p, (*ndr.Coder).String8) })
}

// RfrGetNewDSAResponse is the server's host name ([MS-OXABREF] 3.1.4.1).
type RfrGetNewDSAResponse struct {
	Unused **mapi.String8
	Server **mapi.String8
	Result mapi.Code
}

// NDR implements ndr.Body.
func (r *RfrGetNewDSAResponse) NDR(c *ndr.Coder) {
	text(c, &r.Unused)
	text(c, &r.Server)
	c.Code(&r.Result)
}

// RfrGetFQDNFromServerDNRequest asks for a mailbox server's host by its DN ([MS-OXABREF] 3.1.4.2).
type RfrGetFQDNFromServerDNRequest struct {
	Flags    uint32 // 0
	ServerDN mapi.String8
}

// NDR implements ndr.Body.
func (r *RfrGetFQDNFromServerDNRequest) NDR(c *ndr.Coder) {
	c.U32(&r.Flags)
	n := uint32(len(r.ServerDN) + 1)
	c.U32(&n)
	if n < minServerDN || n > maxServerDN {
		c.Fail("DN of %d bytes", n)
	}
	c.String8(&r.ServerDN)
}

// RfrGetFQDNFromServerDNResponse is that host ([MS-OXABREF] 3.1.4.2).
type RfrGetFQDNFromServerDNResponse struct {
	Server *mapi.String8
	Result mapi.Code
}

// NDR implements ndr.Body.
func (r *RfrGetFQDNFromServerDNResponse) NDR(c *ndr.Coder) {
	ndr.Unique(c, &r.Server, (*ndr.Coder).String8)
	c.Code(&r.Result)
}

// GetNewDSA asks for the host of the address book server of a user, whose DN may be empty. Errors of the server are
// *[mapi.Error].
func GetNewDSA(ctx context.Context, c dcerpc.Caller, userDN string) (string, error) {
	var none *mapi.String8
	var resp RfrGetNewDSAResponse
	if err := dcerpc.Invoke(ctx, c, opRfrGetNewDSA, &RfrGetNewDSARequest{UserDN: mapi.String8(userDN), Server: &none}, &resp); err != nil {
		return "", err
	}
	var server *mapi.String8
	if resp.Server != nil {
		server = *resp.Server
	}
	return host("RfrGetNewDSA", server, resp.Result)
}

// GetFQDNFromServerDN asks for the host of a mailbox server. Errors of the server are *[mapi.Error].
func GetFQDNFromServerDN(ctx context.Context, c dcerpc.Caller, serverDN string) (string, error) {
	var resp RfrGetFQDNFromServerDNResponse
	if err := dcerpc.Invoke(ctx, c, opRfrGetFQDNFromServerDN, &RfrGetFQDNFromServerDNRequest{ServerDN: mapi.String8(serverDN)}, &resp); err != nil {
		return "", err
	}
	return host("RfrGetFQDNFromServerDN", resp.Server, resp.Result)
}

func host(op string, s *mapi.String8, code mapi.Code) (string, error) {
	switch {
	case code.Failed():
		return "", &mapi.Error{Op: op, Code: code}
	case s == nil || *s == "":
		return "", &mapi.Error{Op: op, Code: mapi.ErrNotFound}
	}
	return string(*s), nil
}

// Server knows the servers. Errors are answered with their codes (mapi.CodeOf).
type Server interface {
	// NewDSA is the host of the address book server for a user, whose DN may be empty.
	NewDSA(ctx context.Context, call *dcerpc.Call, userDN string) (string, error)
	// FQDNFromServerDN is the host of the mailbox server with a DN.
	FQDNFromServerDN(ctx context.Context, call *dcerpc.Call, serverDN string) (string, error)
}

// Serve makes the interface of a server.
func Serve(s Server) *dcerpc.Interface {
	return &dcerpc.Interface{Syntax: Interface, Handlers: map[uint16]dcerpc.Handler{
		opRfrGetNewDSA: func(ctx context.Context, call *dcerpc.Call, in []byte) ([]byte, error) {
			var req RfrGetNewDSARequest
			if err := ndr.Unmarshal(in, &req); err != nil {
				return nil, err
			}
			name, err := s.NewDSA(ctx, call, string(req.UserDN))
			resp := RfrGetNewDSAResponse{Result: mapi.CodeOf(err)}
			if server := mapi.String8(name); err == nil && req.Server != nil {
				p := &server
				resp.Server = &p
			}
			return ndr.Marshal(&resp)
		},
		opRfrGetFQDNFromServerDN: func(ctx context.Context, call *dcerpc.Call, in []byte) ([]byte, error) {
			var req RfrGetFQDNFromServerDNRequest
			if err := ndr.Unmarshal(in, &req); err != nil {
				return nil, err
			}
			name, err := s.FQDNFromServerDN(ctx, call, string(req.ServerDN))
			resp := RfrGetFQDNFromServerDNResponse{Result: mapi.CodeOf(err)}
			if server := mapi.String8(name); err == nil {
				resp.Server = &server
			}
			return ndr.Marshal(&resp)
		},
	}}
}
