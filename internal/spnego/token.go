package spnego

import (
	"encoding/asn1"
	"errors"
	"slices"
)

// Mechanisms.
var (
	Kerberos = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}
	NTLM     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10} // [MS-SPNG] 1.9

	// oldKerberos is Kerberos as Windows 2000 misspelt it; clients list it still ([MS-KILE] 3.1.5.2).
	oldKerberos = asn1.ObjectIdentifier{1, 2, 840, 48018, 1, 2, 2}
	spnego      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
)

// ntlmSignature begins the messages of NTLM, which Windows also sends without negotiation ([MS-NTHT] 4.1).
const ntlmSignature = "NTLMSSP\x00"

var errMalformed = errors.New("spnego: malformed token")

// initToken is a NegTokenInit (RFC 4178, 4.2.1).
type initToken struct {
	MechTypes   []asn1.ObjectIdentifier `asn1:"explicit,tag:0"`
	ReqFlags    asn1.BitString          `asn1:"explicit,optional,tag:1"`
	MechToken   []byte                  `asn1:"explicit,optional,tag:2"`
	MechListMIC []byte                  `asn1:"explicit,optional,tag:3"`
}

// States of a negotiation (RFC 4178, 4.2.2).
const (
	acceptCompleted  = 0
	acceptIncomplete = 1
	reject           = 2
	requestMIC       = 3
	noState          = -1
)

// respToken is a NegTokenResp (RFC 4178, 4.2.2).
type respToken struct {
	NegState      asn1.Enumerated       `asn1:"explicit,optional,tag:0,default:-1"`
	SupportedMech asn1.ObjectIdentifier `asn1:"explicit,optional,tag:1"`
	ResponseToken []byte                `asn1:"explicit,optional,tag:2"`
	MechListMIC   []byte                `asn1:"explicit,optional,tag:3"`
}

// Tags of the choice, and of the frame around the first token (RFC 4178, 4.2; RFC 2743, 3.1).
const (
	tagInit  = "explicit,tag:0"
	tagResp  = "explicit,tag:1"
	tagFrame = "application,tag:0"
)

type frame struct {
	Mechanism asn1.ObjectIdentifier
	Token     asn1.RawValue
}

func encodeInit(t initToken) ([]byte, error) {
	b, err := asn1.MarshalWithParams(t, tagInit)
	if err != nil {
		return nil, err
	}
	return asn1.MarshalWithParams(frame{spnego, asn1.RawValue{FullBytes: b}}, tagFrame)
}

func decodeInit(b []byte) (t initToken, err error) {
	var f frame
	if err := decode(b, &f, tagFrame); err != nil || !f.Mechanism.Equal(spnego) {
		return t, errMalformed
	}
	return t, decode(f.Token.FullBytes, &t, tagInit)
}

func encodeResp(t respToken) ([]byte, error) { return asn1.MarshalWithParams(t, tagResp) }

func decodeResp(b []byte) (t respToken, err error) { return t, decode(b, &t, tagResp) }

func decode(b []byte, v any, params string) error {
	if rest, err := asn1.UnmarshalWithParams(b, v, params); err != nil || len(rest) > 0 {
		return errMalformed
	}
	return nil
}

// mechanismOf is the mechanism of a framed token that isn't negotiated.
func mechanismOf(b []byte) asn1.ObjectIdentifier {
	var f asn1.RawValue
	var id asn1.ObjectIdentifier
	if decode(b, &f, "") != nil || f.Class != asn1.ClassApplication || f.Tag != 0 {
		return nil
	}
	if _, err := asn1.Unmarshal(f.Bytes, &id); err != nil {
		return nil
	}
	return id
}

// Preferred is the mechanism that an initiator's first token is of; nil: of none that is known here.
func Preferred(first []byte) asn1.ObjectIdentifier {
	if id := plainMechanism(first); id != nil {
		return id
	}
	t, err := decodeInit(first)
	switch {
	case err != nil || len(t.MechTypes) == 0:
		return nil
	case isKerberos(t.MechTypes[0]):
		return Kerberos
	}
	return t.MechTypes[0]
}

// mechList is what mechListMICs are made over (RFC 4178, 4.2.1).
func mechList(ids []asn1.ObjectIdentifier) ([]byte, error) { return asn1.Marshal(ids) }

// same mechanisms may have two identifiers.
func same(a, b asn1.ObjectIdentifier) bool {
	return a.Equal(b) || isKerberos(a) && isKerberos(b)
}

func isKerberos(id asn1.ObjectIdentifier) bool { return id.Equal(Kerberos) || id.Equal(oldKerberos) }

func find(list []Mechanism, id asn1.ObjectIdentifier) int {
	return slices.IndexFunc(list, func(m Mechanism) bool { return same(m.ID, id) })
}
