package ntlm

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
)

// Negotiate flags ([MS-NLMP] 2.2.2.5).
const (
	flagUnicode         = 0x00000001
	flagOEM             = 0x00000002
	flagRequestTarget   = 0x00000004
	flagSign            = 0x00000010
	flagSeal            = 0x00000020
	flagDatagram        = 0x00000040
	flagNTLM            = 0x00000200
	flagAnonymous       = 0x00000800
	flagAlwaysSign      = 0x00008000
	flagTypeDomain      = 0x00010000
	flagTypeServer      = 0x00020000
	flagExtendedSession = 0x00080000
	flagTargetInfo      = 0x00800000
	flagVersion         = 0x02000000
	flag128             = 0x20000000
	flagKeyExchange     = 0x40000000
	flag56              = 0x80000000
)

// version is sent with flagVersion ([MS-NLMP] 2.2.2.10); peers show it in logs only. 15 is NTLMSSP_REVISION_W2K3.
var version = [8]byte{10, 0, 0, 0, 0, 0, 0, 15}

// negotiate is a NEGOTIATE_MESSAGE ([MS-NLMP] 2.2.1.1). Its names are in the OEM character set and known before they matter.
type negotiate struct {
	Flags               uint32
	Domain, Workstation []byte
	Version             []byte // 8 bytes or nil
}

func (m *negotiate) code(c *coder) {
	c.header(1)
	c.u32(&m.Flags)
	c.data(&m.Domain, 0)
	c.data(&m.Workstation, 1)
	c.optional(&m.Version, 8)
}

// challenge is a CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2).
type challenge struct {
	TargetName      []byte // in the negotiated character set
	Flags           uint32
	ServerChallenge [8]byte
	TargetInfo      []byte // AV_PAIRs
	Version         []byte // 8 bytes or nil
}

func (m *challenge) code(c *coder) {
	var reserved [8]byte
	c.header(2)
	c.data(&m.TargetName, 0)
	c.u32(&m.Flags)
	c.bytes(m.ServerChallenge[:])
	c.bytes(reserved[:])
	c.data(&m.TargetInfo, 1)
	c.optional(&m.Version, 8)
}

// authenticate is an AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3). The payload is in Windows's order, which differs from the head's.
type authenticate struct {
	LMResponse, NTResponse    []byte
	Domain, User, Workstation []byte // in the negotiated character set
	EncryptedSessionKey       []byte
	Flags                     uint32
	Version                   []byte // 8 bytes or nil
	// MIC is nil or 16 bytes; it counts only if the NT response says that it is there.
	MIC []byte
}

// micOffset is where the MIC lies in an AUTHENTICATE_MESSAGE.
const micOffset = 72

func (m *authenticate) code(c *coder) {
	c.header(3)
	c.data(&m.LMResponse, 3)
	c.data(&m.NTResponse, 4)
	c.data(&m.Domain, 0)
	c.data(&m.User, 1)
	c.data(&m.Workstation, 2)
	c.data(&m.EncryptedSessionKey, 5)
	c.u32(&m.Flags)
	c.optional(&m.Version, len(version))
	c.optional(&m.MIC, 16)
}

const (
	nameNegotiate    = "NEGOTIATE_MESSAGE (2.2.1.1)"
	nameChallenge    = "CHALLENGE_MESSAGE (2.2.1.2)"
	nameAuthenticate = "AUTHENTICATE_MESSAGE (2.2.1.3)"
	nameResponse     = "NTLMv2_CLIENT_CHALLENGE (2.2.2.7)"
	nameTargetInfo   = "AV_PAIR (2.2.2.1)"
)

func encode(name string, m interface{ code(*coder) }) ([]byte, error) {
	c := &coder{name: name, enc: true}
	m.code(c)
	return c.encoded()
}

func decode(name string, b []byte, m interface{ code(*coder) }) error {
	c := decoder(name, b)
	m.code(c)
	return c.err
}

// clientChallenge is an NTLMv2_CLIENT_CHALLENGE ([MS-NLMP] 2.2.2.7), which follows the proof in an NTLMv2 response.
type clientChallenge struct {
	Time       uint64 // FILETIME
	Challenge  [8]byte
	TargetInfo []byte // AV_PAIRs, to the end
}

// clientChallengeSize is the length up to the AV_PAIRs.
const clientChallengeSize = 28

func (m *clientChallenge) code(c *coder) {
	versions, reserved := [8]byte{1, 1}, [4]byte{}
	var t [8]byte
	binary.LittleEndian.PutUint64(t[:], m.Time)
	c.bytes(versions[:])
	if versions[0] != 1 {
		c.fail("response version isn't 1")
	}
	c.bytes(t[:])
	c.bytes(m.Challenge[:])
	c.bytes(reserved[:])
	m.Time = binary.LittleEndian.Uint64(t[:])
	if c.enc {
		c.buf = append(c.buf, m.TargetInfo...)
	} else if c.err == nil {
		m.TargetInfo = c.buf[c.off:]
	}
}

// AvIds ([MS-NLMP] 2.2.2.1).
const (
	avEOL             = 0
	avNbComputerName  = 1
	avNbDomainName    = 2
	avDNSComputerName = 3
	avDNSDomainName   = 4
	avFlags           = 6
	avTimestamp       = 7
	avTargetName      = 9
	avChannelBindings = 10
)

// avFlagMIC in MsvAvFlags says that the AUTHENTICATE_MESSAGE has a MIC.
const avFlagMIC = 2

// avPair is an AV_PAIR ([MS-NLMP] 2.2.2.1).
type avPair struct {
	id    uint16
	value []byte
}

type avPairs []avPair

// parsePairs reads pairs up to the end mark; what follows it is padding. Their number is bounded by the message's length.
func parsePairs(b []byte) (list avPairs, err error) {
	for off := 0; ; {
		if len(b)-off < 4 {
			return nil, &FormatError{nameTargetInfo, off, "no end of the list"}
		}
		id, n := binary.LittleEndian.Uint16(b[off:]), int(binary.LittleEndian.Uint16(b[off+2:]))
		off += 4
		if id == avEOL {
			return list, nil
		}
		if n > len(b)-off {
			return nil, &FormatError{nameTargetInfo, off, "value outside of the message"}
		}
		list = append(list, avPair{id, b[off : off+n]})
		off += n
	}
}

func (l avPairs) bytes() (b []byte) {
	for _, p := range append(l[:len(l):len(l)], avPair{id: avEOL}) {
		b = binary.LittleEndian.AppendUint16(b, p.id)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(p.value)))
		b = append(b, p.value...)
	}
	return b
}

// get is the first pair's value; nil: there is none.
func (l avPairs) get(id uint16) []byte {
	for _, p := range l {
		if p.id == id {
			return p.value
		}
	}
	return nil
}

// set replaces a pair or adds it at the end.
func (l avPairs) set(id uint16, value []byte) avPairs {
	for i, p := range l {
		if p.id == id {
			l[i].value = value
			return l
		}
	}
	return append(l, avPair{id, value})
}

// flags is MsvAvFlags.
func (l avPairs) flags() uint32 {
	if b := l.get(avFlags); len(b) == 4 {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (l avPairs) withFlags(add uint32) avPairs {
	return l.set(avFlags, binary.LittleEndian.AppendUint32(nil, l.flags()|add))
}

// timestamp is MsvAvTimestamp.
func (l avPairs) timestamp() (uint64, bool) {
	if b := l.get(avTimestamp); len(b) == 8 {
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

// text encodes a name in the negotiated character set.
func text(s string, flags uint32) []byte {
	if flags&flagUnicode != 0 {
		return mapi.EncodeUTF16(s)
	}
	return []byte(s)
}

// parseText decodes a name. The OEM character set isn't said by any message; programs that still send it (curl) send what
// was typed, which is UTF-8.
func parseText(b []byte, flags uint32) (string, error) {
	if flags&flagUnicode != 0 {
		if len(b)%2 != 0 {
			return "", &FormatError{nameAuthenticate, 0, "odd length of a Unicode name"}
		}
		return mapi.DecodeUTF16(b), nil
	}
	if !utf8.Valid(b) {
		return "", &FormatError{nameAuthenticate, 0, "name in an unknown character set"}
	}
	return string(b), nil
}
