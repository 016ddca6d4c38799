package kerberos

import (
	"encoding/asn1"
	"encoding/binary"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/opencdo/opencdo/internal/gss"
)

// mechanism is Kerberos's object identifier (RFC 4121, 1).
var mechanism = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}

// Token identifiers of the handshake (RFC 4121, 4.1).
const (
	tokenRequest = 0x0100
	tokenReply   = 0x0200
	tokenError   = 0x0300
)

// frame is the form of initial tokens (RFC 2743, 3.1). DCE/RPC goes without it.
func frame(id uint16, message []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.Tag(0).Constructed()|classApplication, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(mechanism)
		b.AddUint16(id)
		b.AddBytes(message)
	})
	return b.Bytes()
}

// classApplication marks ASN.1 tags of the application class.
const classApplication = 0x40

func unframe(token []byte) (id uint16, message []byte, err error) {
	s := cryptobyte.String(token)
	var body cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1(&body, cbasn1.Tag(0).Constructed()|classApplication) || !body.ReadASN1ObjectIdentifier(&oid) ||
		!oid.Equal(mechanism) || !body.ReadUint16(&id) {
		return 0, nil, errMalformed
	}
	return id, body, nil
}

// Flags in the authenticator's checksum (RFC 4121, 4.1.1.1; [MS-KILE] 2.2.1).
const (
	flagMutual   = 0x2
	flagReplay   = 0x4
	flagSequence = 0x8
	flagConf     = 0x10
	flagInteg    = 0x20
	flagDCE      = 0x1000
)

// checksumType is that of RFC 4121, 4.1.1.
const checksumType = 0x8003

// checksum is the authenticator's checksum field without delegation.
func checksum(b gss.ChannelBinding, flags uint32) []byte {
	sum := b.Hash()
	out := binary.LittleEndian.AppendUint32(nil, uint32(len(sum)))
	return binary.LittleEndian.AppendUint32(append(out, sum[:]...), flags)
}

func parseChecksum(c types.Checksum) (binding [16]byte, flags uint32, err error) {
	b := c.Checksum
	if c.CksumType != checksumType || len(b) < 24 || binary.LittleEndian.Uint32(b) != 16 {
		return binding, 0, errMalformed
	}
	return [16]byte(b[4:]), binary.LittleEndian.Uint32(b[20:]), nil
}

// reply is an AP-REP (RFC 4120, 5.5.2).
type reply struct {
	Version     int                 `asn1:"explicit,tag:0"`
	MessageType int                 `asn1:"explicit,tag:1"`
	Encrypted   types.EncryptedData `asn1:"explicit,tag:2"`
}

// replyPart is its encrypted part.
type replyPart struct {
	Time           time.Time           `asn1:"generalized,explicit,tag:0"`
	Microseconds   int                 `asn1:"explicit,tag:1"`
	Subkey         types.EncryptionKey `asn1:"optional,explicit,tag:2"`
	SequenceNumber int64               `asn1:"optional,explicit,tag:3"`
}

// version is the protocol's.
const version = 5

func encodeReply(p replyPart, key types.EncryptionKey) ([]byte, error) {
	plain, err := asn1.MarshalWithParams(p, applicationTag(asnAppTag.EncAPRepPart))
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(plain, key, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		return nil, err
	}
	return asn1.MarshalWithParams(reply{version, msgtype.KRB_AP_REP, sealed}, applicationTag(asnAppTag.APREP))
}

func decodeReply(b []byte, key types.EncryptionKey) (p replyPart, err error) {
	var r reply
	if rest, err := asn1.UnmarshalWithParams(b, &r, applicationTag(asnAppTag.APREP)); err != nil || len(rest) > 0 {
		return p, errMalformed
	}
	if r.MessageType != msgtype.KRB_AP_REP {
		return p, errMalformed
	}
	var plain []byte
	if err := guard(func() (err error) {
		plain, err = crypto.DecryptEncPart(r.Encrypted, key, keyusage.AP_REP_ENCPART)
		return err
	}); err != nil {
		return p, ErrIntegrity
	}
	if _, err := asn1.UnmarshalWithParams(plain, &p, applicationTag(asnAppTag.EncAPRepPart)); err != nil {
		return p, errMalformed
	}
	return p, nil
}

func applicationTag(tag int) string {
	if tag == asnAppTag.APREP {
		return "application,explicit,tag:15"
	}
	return "application,explicit,tag:27"
}
