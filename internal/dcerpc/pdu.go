// Package dcerpc is connection-oriented DCE/RPC, version 5: client and server ([C706] chapters 9 and 12, [MS-RPCE]), over any
// net.Conn. What travels is NDR 2.0, little-endian; see package ndr.
//
// Each Write of the connection is one whole fragment, as RPC over HTTP needs it ([MS-RPCH] 2.1.2.1.8).
package dcerpc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

// PDUType is the type of a PDU ([C706] 12.6.4).
type PDUType uint8

// Types of PDUs. RTS ones belong to RPC over HTTP and never come here.
const (
	Request      PDUType = 0
	Response     PDUType = 2
	FaultPDU     PDUType = 3
	Bind         PDUType = 11
	BindAck      PDUType = 12
	BindNak      PDUType = 13
	AlterContext PDUType = 14
	AlterResp    PDUType = 15
	Auth3        PDUType = 16
	Shutdown     PDUType = 17
	Cancel       PDUType = 18
	Orphaned     PDUType = 19
	RTS          PDUType = 20
)

// Flags of a PDU ([C706] 12.6.3.1, [MS-RPCE] 2.2.2.3).
const (
	FirstFragment = 0x01
	LastFragment  = 0x02
	// SupportsHeaderSigning is meant so at bind time. In requests the bit says that a cancel is pending.
	SupportsHeaderSigning = 0x04
	Concurrent            = 0x10 // several calls at once
	DidNotExecute         = 0x20
	HasObject             = 0x80

	whole = FirstFragment | LastFragment
)

// Sizes.
const (
	headerSize   = 16
	trailerSize  = 8  // without the token
	responseSize = 24 // header and fixed fields of requests and responses
	objectSize   = 16

	// DefaultFragment is the fragment size that Windows proposes.
	DefaultFragment = 5840
	// minFragment is what everybody must take ([C706] 12.6.3.2, MustRecvFragSize).
	minFragment = 1432
	// DefaultStub bounds the stub of one call, which fragments add up to: address book rows are the largest, some MiB.
	DefaultStub = 16 << 20
)

// ErrProtocol is what breaches of the protocol are. The connection is of no use after one.
var ErrProtocol = errors.New("DCE/RPC protocol error")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// Header is the beginning of every PDU ([C706] 12.6.3.1). Version is 5.0, the data representation little-endian, ASCII and
// IEEE: no Exchange client or server uses another.
type Header struct {
	Type       PDUType
	Flags      uint8
	FragLength uint16
	AuthLength uint16
	CallID     uint32
}

// version is 5.0 in both bytes; minor version 1 differs in nothing that matters here.
var (
	version        = [2]uint8{5, 0}
	representation = [4]uint8{0x10, 0, 0, 0}
)

// NDR walks the header.
func (h *Header) NDR(c *ndr.Coder) {
	v, r := version, representation
	c.Fixed(v[:])
	c.U8((*uint8)(&h.Type))
	c.U8(&h.Flags)
	c.Fixed(r[:])
	c.U16(&h.FragLength)
	c.U16(&h.AuthLength)
	c.U32(&h.CallID)
	switch {
	case v[0] != version[0] || v[1] > 1:
		c.Fail("version %d.%d", v[0], v[1])
	case r[0] != representation[0] || r[1] != representation[1]:
		c.Fail("data representation %x", r)
	}
}

// ReadPDU reads one PDU, whose header says how long it is.
func ReadPDU(r io.Reader) (Header, []byte, error) {
	var h Header
	raw := make([]byte, headerSize, minFragment)
	if _, err := io.ReadFull(r, raw); err != nil {
		return h, nil, err
	}
	if err := ndr.Unmarshal(raw, &h); err != nil {
		return h, nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if h.FragLength < headerSize || h.AuthLength > 0 && int(h.FragLength) < headerSize+trailerSize+int(h.AuthLength) {
		return h, nil, protocolError("fragment of %d bytes with %d of authentication", h.FragLength, h.AuthLength)
	}
	raw = append(raw, make([]byte, int(h.FragLength)-headerSize)...)
	if _, err := io.ReadFull(r, raw[headerSize:]); err != nil {
		return h, nil, noEOF(err)
	}
	return h, raw, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Syntax is an interface or a transfer syntax with its version ([C706] 12.6.3.1, p_syntax_id_t).
type Syntax struct {
	UUID         mapi.GUID
	Major, Minor uint16
}

func (s Syntax) String() string { return fmt.Sprintf("%s v%d.%d", s.UUID, s.Major, s.Minor) }

func (s *Syntax) code(c *ndr.Coder) {
	c.GUID(&s.UUID)
	c.U16(&s.Major)
	c.U16(&s.Minor)
}

// NDR20 is the transfer syntax.
var NDR20 = Syntax{UUID: mapi.MustGUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), Major: 2}

// Features of bind-time feature negotiation ([MS-RPCE] 2.2.2.14).
const (
	featureMultiplexing = 0x1 // several security contexts on a connection
	featureKeep         = 0x2 // the connection outlives an orphaned call

	supportedFeatures = featureMultiplexing | featureKeep
)

// featurePrefix begins the transfer syntax whose other 8 bytes are a mask of features.
var featurePrefix = [8]byte(func() []byte { g := mapi.MustGUID("6cb71c2c-9812-4540-0000-000000000000"); return g[:8] }())

func featureSyntax(features uint64) (s Syntax) {
	s.Major = 1
	copy(s.UUID[:], featurePrefix[:])
	binary.LittleEndian.PutUint64(s.UUID[8:], features)
	return s
}

// features are those that a transfer syntax asks for.
func (s Syntax) features() (uint64, bool) {
	return binary.LittleEndian.Uint64(s.UUID[8:]), [8]byte(s.UUID[:8]) == featurePrefix && s.Major == 1
}

// bindBody is that of bind and alter_context ([C706] 12.6.4.3).
type bindBody struct {
	MaxXmit, MaxRecv uint16
	Group            uint32
	Contexts         []contextElement
}

// contextElement proposes a presentation context.
type contextElement struct {
	ID       uint16
	Abstract Syntax
	Transfer []Syntax
}

func (b *bindBody) NDR(c *ndr.Coder) {
	c.U16(&b.MaxXmit)
	c.U16(&b.MaxRecv)
	c.U32(&b.Group)
	list8(c, &b.Contexts, func(c *ndr.Coder, e *contextElement) {
		c.U16(&e.ID)
		list8Packed(c, &e.Transfer, func() { e.Abstract.code(c) }, func(c *ndr.Coder, s *Syntax) { s.code(c) })
	})
}

// list8 is an 8-bit count, three reserved bytes and the elements.
func list8[T any](c *ndr.Coder, s *[]T, f func(*ndr.Coder, *T)) {
	c.Align(4)
	list8Packed(c, s, func() { c.Align(4) }, f)
}

// list8Packed is an 8-bit count, something between, and the elements.
func list8Packed[T any](c *ndr.Coder, s *[]T, between func(), f func(*ndr.Coder, *T)) {
	n := uint8(len(*s))
	if int(n) != len(*s) {
		c.Fail("%d elements", len(*s))
		return
	}
	c.U8(&n)
	between()
	ndr.Elements(c, int(n), s, f)
}

// Results of a proposed context, and reasons ([C706] 12.6.3.1, [MS-RPCE] 2.2.2.4).
const (
	acceptance        = 0
	providerRejection = 2
	negotiateAck      = 3

	reasonAbstractSyntax = 1
	reasonTransferSyntax = 2
)

type contextResult struct {
	Result, Reason uint16
	Transfer       Syntax
}

// ackBody is that of bind_ack and alter_context_resp ([C706] 12.6.4.4).
type ackBody struct {
	MaxXmit, MaxRecv uint16
	Group            uint32
	Address          []byte // with its terminator
	Results          []contextResult
}

func (b *ackBody) NDR(c *ndr.Coder) {
	c.U16(&b.MaxXmit)
	c.U16(&b.MaxRecv)
	c.U32(&b.Group)
	n := uint16(len(b.Address))
	c.U16(&n)
	if !c.Encoding() {
		if int(n) > c.Left() {
			c.Fail("address of %d bytes", n)
			return
		}
		b.Address = make([]byte, n)
	}
	c.Fixed(b.Address)
	list8(c, &b.Results, func(c *ndr.Coder, r *contextResult) {
		c.U16(&r.Result)
		c.U16(&r.Reason)
		r.Transfer.code(c)
	})
}

// nakBody is that of bind_nak ([C706] 12.6.4.5). Versions are the server's; what follows them is left out.
type nakBody struct {
	Reason   uint16
	Versions [][2]uint8
}

func (b *nakBody) NDR(c *ndr.Coder) {
	c.U16(&b.Reason)
	if !c.Encoding() && c.Left() == 0 {
		return
	}
	list8Packed(c, &b.Versions, func() {}, func(c *ndr.Coder, v *[2]uint8) { c.Fixed(v[:]) })
}

// callBody begins requests and responses ([C706] 12.6.4.9, 12.6.4.10): Detail is the operation number of a request, and of a
// response the count of cancels.
type callBody struct {
	AllocHint uint32
	Context   uint16
	Detail    uint16
	Object    *mapi.GUID // of requests with HasObject
}

func (b *callBody) code(c *ndr.Coder, flags uint8) {
	c.U32(&b.AllocHint)
	c.U16(&b.Context)
	c.U16(&b.Detail)
	if flags&HasObject != 0 {
		if !c.Encoding() {
			b.Object = &mapi.GUID{}
		}
		c.GUID(b.Object)
	}
}

// faultBody is that of a fault ([C706] 12.6.4.7).
type faultBody struct {
	callBody
	Status   uint32
	Reserved uint32
}

func (b *faultBody) NDR(c *ndr.Coder) {
	b.callBody.code(c, 0)
	c.U32(&b.Status)
	if c.Encoding() || c.Left() >= 4 {
		c.U32(&b.Reserved)
	}
}

// noBody is that of cancels, orphaned and shutdown; auth3 has four bytes of padding.
type noBody struct{}

func (noBody) NDR(*ndr.Coder) {}

type auth3Body struct{ Pad uint32 }

func (b *auth3Body) NDR(c *ndr.Coder) { c.U32(&b.Pad) }
