package dcerpc

import (
	"fmt"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/ndr"
)

// AuthType is a security provider ([MS-RPCE] 2.2.1.1.7).
type AuthType uint8

// Security providers.
const (
	AuthNone      AuthType = 0
	AuthNegotiate AuthType = 9
	AuthNTLM      AuthType = 10
	AuthKerberos  AuthType = 16
)

// Level is an authentication level: what is done to each fragment ([MS-RPCE] 2.2.1.1.8).
type Level uint8

// Levels. Call and packet mean the same over connections: fragments are signed, as with integrity.
const (
	LevelDefault   Level = 0 // connect
	LevelNone      Level = 1
	LevelConnect   Level = 2
	LevelCall      Level = 3
	LevelPacket    Level = 4
	LevelIntegrity Level = 5
	LevelPrivacy   Level = 6
)

var levelNames = map[string]Level{"none": LevelNone, "connect": LevelConnect, "call": LevelCall, "packet": LevelPacket,
	"integrity": LevelIntegrity, "privacy": LevelPrivacy}

// ParseLevel reads a level's name.
func ParseLevel(name string) (Level, error) {
	l, ok := levelNames[strings.ToLower(name)]
	if !ok {
		return 0, fmt.Errorf("%q is no authentication level: none, connect, call, packet, integrity or privacy", name)
	}
	return l, nil
}

// String is the name.
func (l Level) String() string {
	for name, level := range levelNames {
		if level == l {
			return name
		}
	}
	return "default"
}

// signs reports whether fragments carry a token.
func (l Level) signs() bool { return l >= LevelCall }

// onWire is the level without the difference between call and packet.
func (l Level) onWire() Level {
	if l == LevelCall {
		return LevelPacket
	}
	return l
}

// trailer is a sec_trailer ([MS-RPCE] 2.2.2.11).
type trailer struct {
	Type      AuthType
	Level     Level
	PadLength uint8
	Reserved  uint8
	ContextID uint32
}

func (t *trailer) NDR(c *ndr.Coder) {
	c.U8((*uint8)(&t.Type))
	c.U8((*uint8)(&t.Level))
	c.U8(&t.PadLength)
	c.U8(&t.Reserved)
	c.U32(&t.ContextID)
}

// Padding.
const (
	bindAlign = 4
	// stubAlign is more than the 4 that the trailer needs, for ciphers that work on blocks; Windows and Samba do so too.
	stubAlign = 16
)

// security is a security context of an association.
type security struct {
	trailer

	mu     sync.Mutex // gss contexts serve one at a time
	ctx    gss.Context
	header bool // header signing was negotiated
	done   bool
	peer   string
}

// HeaderSigner is implemented by security contexts whose signature covers a PDU's header whether that was negotiated or not,
// or that find out during negotiation which mechanism they become. NTLM with extended session security always does, Kerberos
// only where both sides said so ([MS-RPCE] 3.3.1.5.2.2).
type HeaderSigner interface{ SignsHeader() bool }

// SignSizer is implemented by security contexts whose Sign gives tokens of another length than Seal, as Kerberos's does: the
// length stands in the header, so it has to be known before the header is signed.
type SignSizer interface{ SignSize() int }

// message is the part of a PDU that is signed, from the end of the header or from its beginning.
func (s *security) message(pdu []byte, stubAt int) []byte {
	if s.covers() {
		return pdu
	}
	return pdu[stubAt : len(pdu)-trailerSize]
}

// covers reports whether the header is signed.
func (s *security) covers() bool {
	if h, ok := s.ctx.(HeaderSigner); ok && h.SignsHeader() {
		return true
	}
	return s.header || s.Type == AuthNTLM
}

// step goes on with the negotiation, and notes when it has come to its end.
func (s *security) finish(done bool) {
	if s.done = done; done {
		s.peer = s.ctx.Peer()
	}
}

// tokenSize is the length of the tokens of fragments, 0 where they have none.
func (s *security) tokenSize() int {
	if s == nil || !s.Level.signs() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size()
}

func (s *security) size() int {
	if z, ok := s.ctx.(SignSizer); ok && s.Level != LevelPrivacy {
		return z.SignSize()
	}
	return s.ctx.TokenSize()
}

// room is how much of a stub fits a fragment: a multiple of the padding, so that only the last has some.
func room(fragment uint16, fixed, tokenSize int) int {
	n := int(fragment) - fixed
	if tokenSize > 0 {
		n -= trailerSize + tokenSize
	}
	return n &^ (stubAlign - 1)
}

// encode makes a PDU with an optional token of the negotiation.
func encode(h Header, body ndr.Body, t *trailer, token []byte) ([]byte, error) {
	c := ndr.NewEncoder(nil)
	h.NDR(c)
	body.NDR(c)
	if t != nil {
		start := c.Offset()
		c.Align(bindAlign)
		padded := *t
		padded.PadLength = uint8(c.Offset() - start)
		padded.NDR(c)
		c.Fixed(token)
	}
	return seal(c, h, len(token))
}

// seal writes the lengths that are known at the end.
func seal(c *ndr.Coder, h Header, token int) ([]byte, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	pdu := c.Bytes()
	if len(pdu) > 0xFFFF {
		return nil, fmt.Errorf("PDU of %d bytes", len(pdu))
	}
	h.FragLength, h.AuthLength = uint16(len(pdu)), uint16(token)
	h.NDR(ndr.NewEncoder(pdu[:0]))
	return pdu, nil
}

// encodeCall makes a fragment of a request or response, protected as its security context wants it.
func encodeCall(h Header, body *callBody, stub []byte, s *security) ([]byte, error) {
	c := ndr.NewEncoder(make([]byte, 0, minFragment))
	h.NDR(c)
	body.code(c, h.Flags&HasObject)
	stubAt := c.Offset()
	c.Fixed(stub)
	if s == nil || !s.Level.signs() {
		return seal(c, h, 0)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.trailer
	pad := -len(stub) & (stubAlign - 1)
	c.Fixed(make([]byte, pad))
	t.PadLength = uint8(pad)
	trailerAt := c.Offset()
	t.NDR(c)
	end := c.Offset()
	size := s.size()
	c.Fixed(make([]byte, size))
	pdu, err := seal(c, h, size)
	if err != nil {
		return nil, err
	}
	var token []byte
	message := s.message(pdu[:end], stubAt)
	if s.Level == LevelPrivacy {
		token, err = s.ctx.Seal(message, pdu[stubAt:trailerAt])
	} else {
		token, err = s.ctx.Sign(message)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case len(token) == size:
		copy(pdu[end:], token)
		return pdu, nil
	case s.covers():
		return nil, fmt.Errorf("token of %d bytes instead of %d", len(token), size)
	}
	c = ndr.NewEncoder(pdu[:end]) // the header may still change
	c.Fixed(token)
	return seal(c, h, len(token))
}

// split finds the trailer of a PDU: where the body ends, padding left out, and the token. Without a token t is nil.
func split(h Header, pdu []byte) (t *trailer, trailerAt, bodyEnd int, token []byte, err error) {
	if h.AuthLength == 0 {
		return nil, len(pdu), len(pdu), nil, nil
	}
	tokenAt := len(pdu) - int(h.AuthLength)
	trailerAt = tokenAt - trailerSize
	t = &trailer{}
	if trailerAt < headerSize {
		return nil, 0, 0, nil, protocolError("no room for authentication of %d bytes", h.AuthLength)
	}
	t.NDR(ndr.NewDecoder(pdu[trailerAt:tokenAt]))
	bodyEnd = trailerAt - int(t.PadLength)
	if bodyEnd < headerSize {
		return nil, 0, 0, nil, protocolError("authentication padding of %d bytes", t.PadLength)
	}
	return t, trailerAt, bodyEnd, pdu[tokenAt:], nil
}

// open checks and decrypts a fragment with its token.
func (s *security) open(pdu []byte, stubAt, trailerAt int, t *trailer, token []byte) error {
	if t.Type != s.Type || t.Level.onWire() != s.Level.onWire() {
		return protocolError("fragment of authentication %d at level %d, where %d at level %d was agreed", t.Type, t.Level, s.Type, s.Level)
	}
	if stubAt > trailerAt {
		return protocolError("fragment of %d bytes", len(pdu))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	message := s.message(pdu[:trailerAt+trailerSize], stubAt)
	if s.Level == LevelPrivacy {
		return s.ctx.Unseal(message, pdu[stubAt:trailerAt], token)
	}
	return s.ctx.Verify(message, token)
}
