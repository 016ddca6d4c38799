package rpchttp

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/opencdo/opencdo/internal/oxcdata"
)

// Bytes of the common header of connection-oriented RPC PDUs ([C706] 12.6.3.1), which RTS PDUs begin with, too.
const (
	headerSize = 16      // what all PDUs share
	rtsSize    = 20      // an RTS PDU without commands ([MS-RPCH] 2.2.3.6.1)
	maxPDU     = 1 << 16 // frag_length has 16 bits
	typeRTS    = 20      // PTYPE
)

// flags of an RTS PDU ([MS-RPCH] 2.2.3.6.1).
type flags uint16

const (
	flagPing     flags = 0x0001
	flagOther    flags = 0x0002
	flagRecycle  flags = 0x0004
	flagIn       flags = 0x0008
	flagOut      flags = 0x0010
	flagEOF      flags = 0x0020
	flagEcho     flags = 0x0040
	protoVersion       = 1 // of RPC over HTTP v2, the number in Version commands
)

// commandType says what a command holds ([MS-RPCH] 2.2.3.5).
type commandType uint32

const (
	cmdReceiveWindowSize commandType = iota
	cmdFlowControlAck
	cmdConnectionTimeout
	cmdCookie
	cmdChannelLifetime
	cmdClientKeepalive
	cmdVersion
	cmdEmpty
	cmdPadding
	cmdNegativeANCE
	cmdANCE
	cmdClientAddress
	cmdAssociationGroupID
	cmdDestination
	cmdPingTrafficSentNotify
)

// destination is whom a PDU is for; those between pass it on ([MS-RPCH] 2.2.3.3).
type destination uint32

const (
	toClient destination = iota
	toInProxy
	toServer
	toOutProxy
)

// cookie names a virtual connection, a channel instance or an association group.
type cookie [16]byte

func newCookie() cookie {
	var c cookie
	rand.Read(c[:]) // never fails
	return c
}

func (c cookie) String() string { return hex.EncodeToString(c[:]) }

// command is one command of an RTS PDU. Which fields it has depends on its type.
type command struct {
	kind     commandType
	number   uint32 // sizes in bytes, times in milliseconds, the version, the destination
	cookie   cookie // of a FlowControlAck: the channel whose traffic is acknowledged
	received uint32 // FlowControlAck's BytesReceived
	window   uint32 // FlowControlAck's AvailableWindow
	address  netip.Addr
	padding  []byte
}

// code describes all commands ([MS-RPCH] 2.2.3.5.1 to 2.2.3.5.15).
func (m *command) code(c *oxcdata.Coder) {
	c.U32((*uint32)(&m.kind))
	switch m.kind {
	case cmdReceiveWindowSize, cmdConnectionTimeout, cmdChannelLifetime, cmdClientKeepalive, cmdVersion, cmdDestination,
		cmdPingTrafficSentNotify:
		c.U32(&m.number)
	case cmdCookie, cmdAssociationGroupID:
		c.Fixed(m.cookie[:])
	case cmdFlowControlAck:
		c.U32(&m.received)
		c.U32(&m.window)
		c.Fixed(m.cookie[:])
	case cmdPadding:
		c.Bytes32(&m.padding)
	case cmdClientAddress:
		m.codeAddress(c)
	case cmdEmpty, cmdNegativeANCE, cmdANCE:
	default:
		c.Fail(fmt.Sprintf("RTS command type %d", m.kind))
	}
}

// codeAddress is a ClientAddress ([MS-RPCH] 2.2.3.2). An IPv4 address is in the order of its bytes in memory: reversed.
func (m *command) codeAddress(c *oxcdata.Coder) {
	var family uint32
	if m.address.Is6() {
		family = 1
	}
	c.U32(&family)
	switch family {
	case 0:
		b := [4]byte{}
		if m.address.Is4() {
			b = m.address.As4()
		}
		n := binary.BigEndian.Uint32(b[:])
		c.U32(&n)
		binary.BigEndian.PutUint32(b[:], n)
		m.address = netip.AddrFrom4(b)
	case 1:
		b := m.address.As16()
		c.Fixed(b[:])
		m.address = netip.AddrFrom16(b)
	default:
		c.Fail(fmt.Sprintf("client address of type %d", family))
	}
	var unused [12]byte
	c.Fixed(unused[:])
}

// rts is an RTS PDU ([MS-RPCH] 2.2.3.6).
type rts struct {
	flags    flags
	commands []command
}

// code describes a whole RTS PDU. size is frag_length.
func (p *rts) code(c *oxcdata.Coder, size uint16) {
	constant := func(name string, want ...uint8) {
		for _, w := range want {
			b := w
			c.U8(&b)
			if b != w {
				c.Fail(fmt.Sprintf("%s 0x%02x in an RTS PDU", name, b))
			}
		}
	}
	var authLength uint16
	var callID uint32
	constant("version", 5, 0)
	constant("PTYPE", typeRTS)
	constant("pfc_flags", 3)                 // first and last fragment
	constant("data representation", 0x10)    // little-endian, ASCII
	constant("data representation", 0, 0, 0) // IEEE floats
	c.U16(&size)
	c.U16(&authLength)
	c.U32(&callID)
	c.U16((*uint16)(&p.flags))
	oxcdata.List16(c, &p.commands, 4, func(c *oxcdata.Coder, m *command) { m.code(c) })
}

// encode gives the PDU's bytes. Every PDU that this package makes or decodes can be encoded.
func (p *rts) encode() []byte {
	b, _ := oxcdata.Encode(oxcdata.ROP, func(c *oxcdata.Coder) { p.code(c, 0) })
	binary.LittleEndian.PutUint16(b[8:], uint16(len(b)))
	return b
}

// decodeRTS reads an RTS PDU. The commands' padding aliases b.
func decodeRTS(b []byte) (*rts, error) {
	p := new(rts)
	err := oxcdata.Decode(oxcdata.ROP, b, func(c *oxcdata.Coder) {
		c.In("RTS PDU ([MS-RPCH] 2.2.3.6)", func(c *oxcdata.Coder) { p.code(c, 0) })
	})
	if err == nil && fragLength(b) != len(b) {
		err = &oxcdata.FormatError{Struct: "RTS PDU ([MS-RPCH] 2.2.3.6)", Offset: 8, Reason: "frag_length isn't the PDU's length"}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// fragLength is the length of the PDU whose first bytes, headerSize at least, are b.
func fragLength(b []byte) int {
	if b[4]&0xF0 == 0x10 {
		return int(binary.LittleEndian.Uint16(b[8:]))
	}
	return int(binary.BigEndian.Uint16(b[8:]))
}

func isRTS(b []byte) bool { return b[2] == typeRTS }
