package epm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

// Interface is that of the endpoint mapper.
var Interface = dcerpc.Syntax{UUID: mapi.MustGUID("e1af8308-5d1f-11c9-91a4-08002b14a0fa"), Major: 3}

const opMap = 3 // ept_map

// Port is the endpoint mapper's over TCP, which only root may listen on.
const Port = 135

// Limits.
const (
	// maxTowers is how many endpoints of an interface are told, or asked for.
	maxTowers = 16
	// notRegistered is what an unknown interface is answered with ([C706] appendix E, ept_s_not_registered).
	notRegistered = 0x16C9A0D6
)

// mapRequest is that of ept_map ([C706] appendix O).
type mapRequest struct {
	Object    *mapi.GUID
	Tower     *[]byte
	Entry     ndr.ContextHandle
	MaxTowers uint32
}

// NDR implements ndr.Body.
func (r *mapRequest) NDR(c *ndr.Coder) {
	ndr.Full(c, &r.Object, (*ndr.Coder).GUID)
	ndr.Full(c, &r.Tower, tower)
	c.ContextHandle(&r.Entry)
	c.U32(&r.MaxTowers)
}

type mapResponse struct {
	Entry     ndr.ContextHandle
	Towers    []*[]byte
	MaxTowers uint32 // of the request
	Status    uint32
}

// NDR implements ndr.Body.
func (r *mapResponse) NDR(c *ndr.Coder) {
	c.ContextHandle(&r.Entry)
	n := uint32(len(r.Towers))
	c.U32(&n)
	most := c.Max(int(r.MaxTowers))
	actual := c.Range(len(r.Towers), most, 4)
	ndr.Elements(c, actual, &r.Towers, func(c *ndr.Coder, p **[]byte) { ndr.Full(c, p, tower) })
	c.U32(&r.Status)
}

// ErrNotRegistered is what Map gives for an interface that the mapper doesn't know.
var ErrNotRegistered = errors.New("the endpoint mapper doesn't know the interface")

// Map asks an endpoint mapper, whose Interface the caller was bound to, where an interface is served over a protocol.
func Map(ctx context.Context, c dcerpc.Caller, interfaceID dcerpc.Syntax, protocol uint8) ([]Endpoint, error) {
	octets, err := Endpoint{Interface: interfaceID, Protocol: protocol}.MarshalBinary()
	if err != nil {
		return nil, err
	}
	var resp mapResponse
	if err := dcerpc.Invoke(ctx, c, opMap, &mapRequest{Object: &mapi.GUID{}, Tower: &octets, MaxTowers: maxTowers}, &resp); err != nil {
		return nil, fmt.Errorf("ask the endpoint mapper: %w", err)
	}
	var list []Endpoint
	for _, t := range resp.Towers {
		var e Endpoint
		if t != nil && e.UnmarshalBinary(*t) == nil && e.Protocol == protocol && e.Port != 0 {
			list = append(list, e)
		}
	}
	switch {
	case resp.Status == notRegistered || resp.Status == 0 && len(list) == 0:
		return nil, fmt.Errorf("%w %v", ErrNotRegistered, interfaceID)
	case resp.Status != 0:
		return nil, fmt.Errorf("ask the endpoint mapper for %v: status 0x%08X", interfaceID, resp.Status)
	}
	return list, nil
}

// Resolve asks the endpoint mapper at a TCP address for the TCP port of an interface.
func Resolve(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), address string, interfaceID dcerpc.Syntax) (uint16, error) {
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	c := dcerpc.NewClient(conn, dcerpc.Config{})
	defer c.Close()
	if err := c.Bind(ctx, Interface); err != nil {
		return 0, err
	}
	list, err := Map(ctx, c, interfaceID, TCP)
	if err != nil {
		return 0, err
	}
	return list[0].Port, nil
}

// Mapper answers for a list of endpoints.
func Mapper(endpoints []Endpoint) *dcerpc.Interface {
	return &dcerpc.Interface{Syntax: Interface, Handlers: map[uint16]dcerpc.Handler{
		opMap: func(_ context.Context, call *dcerpc.Call, in []byte) ([]byte, error) {
			var req mapRequest
			if err := ndr.Unmarshal(in, &req); err != nil {
				return nil, err
			}
			resp := mapResponse{MaxTowers: min(req.MaxTowers, maxTowers), Status: notRegistered}
			if req.Tower == nil {
				return ndr.Marshal(&resp)
			}
			var want Endpoint
			if err := want.UnmarshalBinary(*req.Tower); err != nil {
				return nil, &dcerpc.Fault{Status: dcerpc.StatusBadStub, Executed: true}
			}
			for _, e := range endpoints {
				if !e.serves(want) || len(resp.Towers) >= int(resp.MaxTowers) {
					continue
				}
				if !e.Addr.IsValid() {
					e.Addr = here(call.Conn.Local)
				}
				octets, err := e.MarshalBinary()
				if err != nil {
					return nil, err
				}
				resp.Towers = append(resp.Towers, &octets)
				resp.Status = 0
			}
			return ndr.Marshal(&resp)
		},
	}}
}

func (e Endpoint) serves(want Endpoint) bool {
	return e.Interface.UUID == want.Interface.UUID && e.Interface.Major == want.Interface.Major && e.Interface.Minor >= want.Interface.Minor &&
		e.Protocol == want.Protocol && want.Transfer == dcerpc.NDR20
}

// here is the IPv4 address that a client has found the mapper at.
func here(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
