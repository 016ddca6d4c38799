// Package epm is the endpoint mapper, which tells clients on which port an interface is served ([C706] appendices I, L and O,
// [MS-RPCE] 2.2.1.2), and a host that serves interfaces on TCP ports.
package epm

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/oxcdata"
)

// Protocol identifiers of floors ([C706] appendix I, [MS-RPCE] 2.2.1.2).
const (
	floorUUID       = 0x0D
	floorConnection = 0x0B // DCE/RPC, connection-oriented
	floorIP         = 0x09

	TCP  = 0x07 // ncacn_ip_tcp
	HTTP = 0x1F // ncacn_http
)

// Endpoint is where an interface is served: what a protocol tower says ([C706] appendix L).
type Endpoint struct {
	Interface dcerpc.Syntax
	Transfer  dcerpc.Syntax // zero when encoding: NDR 2.0
	Protocol  uint8         // TCP or HTTP
	Port      uint16        // 0 in questions
	Addr      netip.Addr    // IPv4; the zero Addr stands for 0.0.0.0: wherever the mapper is
}

func (e Endpoint) String() string {
	name := map[uint8]string{TCP: "ncacn_ip_tcp", HTTP: "ncacn_http"}[e.Protocol]
	return fmt.Sprintf("%v at %s:%v[%d]", e.Interface, name, e.Addr, e.Port)
}

// floor is one layer of a tower: who it is, and its address.
type floor struct{ lhs, rhs []byte }

func (f *floor) code(c *oxcdata.Coder) {
	c.Bytes16(&f.lhs)
	c.Bytes16(&f.rhs)
}

func uuidFloor(s dcerpc.Syntax) floor {
	lhs := append([]byte{floorUUID}, s.UUID[:]...)
	return floor{binary.LittleEndian.AppendUint16(lhs, s.Major), binary.LittleEndian.AppendUint16(nil, s.Minor)}
}

func (f floor) syntax() (s dcerpc.Syntax, ok bool) {
	if len(f.lhs) != 1+16+2 || f.lhs[0] != floorUUID || len(f.rhs) != 2 {
		return s, false
	}
	copy(s.UUID[:], f.lhs[1:])
	s.Major, s.Minor = binary.LittleEndian.Uint16(f.lhs[17:]), binary.LittleEndian.Uint16(f.rhs)
	return s, true
}

// MarshalBinary is the tower's octet string. Ports and addresses in it are big-endian, all else isn't.
func (e Endpoint) MarshalBinary() ([]byte, error) {
	if e.Transfer == (dcerpc.Syntax{}) {
		e.Transfer = dcerpc.NDR20
	}
	ip := e.Addr
	if !ip.Is4() {
		ip = netip.IPv4Unspecified()
	}
	floors := []floor{uuidFloor(e.Interface), uuidFloor(e.Transfer), {[]byte{floorConnection}, []byte{0, 0}},
		{[]byte{e.Protocol}, binary.BigEndian.AppendUint16(nil, e.Port)}, {[]byte{floorIP}, ip.AsSlice()}}
	return oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { oxcdata.List16(c, &floors, 4, func(c *oxcdata.Coder, f *floor) { f.code(c) }) })
}

// UnmarshalBinary reads a tower. It must be one of an interface over DCE/RPC; of protocols other than TCP and HTTP the port is
// 0.
func (e *Endpoint) UnmarshalBinary(b []byte) error {
	var floors []floor
	err := oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) {
		oxcdata.List16(c, &floors, 4, func(c *oxcdata.Coder, f *floor) { f.code(c) })
	})
	if err != nil {
		return fmt.Errorf("protocol tower: %w", err)
	}
	*e = Endpoint{}
	ok := len(floors) >= 4
	if ok {
		e.Interface, ok = floors[0].syntax()
	}
	if ok {
		e.Transfer, ok = floors[1].syntax()
	}
	if !ok || len(floors[3].lhs) != 1 {
		return fmt.Errorf("protocol tower of %d floors isn't that of an interface: %w", len(floors), oxcdata.ErrFormat)
	}
	e.Protocol = floors[3].lhs[0]
	if p := floors[3].rhs; (e.Protocol == TCP || e.Protocol == HTTP) && len(p) == 2 {
		e.Port = binary.BigEndian.Uint16(p)
	}
	if len(floors) > 4 && len(floors[4].lhs) == 1 && floors[4].lhs[0] == floorIP && len(floors[4].rhs) == 4 {
		e.Addr = netip.AddrFrom4([4]byte(floors[4].rhs))
	}
	return nil
}

// tower is a twr_t ([C706] appendix L): its length goes twice, as the array's maximum count ahead of the structure.
func tower(c *ndr.Coder, octets *[]byte) {
	c.Aggregate(func() {
		n := c.Max(len(*octets))
		if again := c.Max(len(*octets)); again != n {
			c.Fail("tower of %d bytes and of %d", n, again)
			return
		}
		if !c.Encoding() {
			if int64(n) > int64(c.Left()) {
				c.Fail("tower of %d bytes in %d", n, c.Left())
				return
			}
			*octets = make([]byte, n)
		}
		c.Fixed(*octets)
	})
}
