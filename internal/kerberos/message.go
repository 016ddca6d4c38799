package kerberos

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"unsafe"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/common"
	"github.com/jcmturner/gokrb5/v8/crypto/etype"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Sizes and flags of per-message tokens (RFC 4121, 4.2).
const (
	headerSize     = 16
	confounderSize = 16 // AES's block

	flagSentByAcceptor = 1
	flagSealed         = 2
	flagAcceptorSubkey = 4

	tokenMIC  = 0x0404
	tokenWrap = 0x0504
)

// session is what both sides have in common once the context is established.
type session struct {
	done           bool
	peer           string
	initiator      bool
	flags          uint32 // of the checksum
	key            types.EncryptionKey
	etype          etype.EType
	acceptorSubkey bool
	// Numbers of the next messages.
	sending, receiving uint64
}

func (s *session) establish(key types.EncryptionKey) error {
	if !usable(key.KeyType) {
		return errEncryption
	}
	et, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return err
	}
	if len(key.KeyValue) != keySize(key.KeyType) {
		return errMalformed
	}
	s.key, s.etype, s.done = key, et, true
	return nil
}

// keySize is the length of a key. gokrb5 has that of derived keys.
func keySize(etype int32) int {
	switch etype {
	case etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128:
		return 16
	}
	return 32
}

func (s *session) checksumSize() int { return s.etype.GetHMACBitLength() / 8 }

// filler is the length of what a sealed message ends with: DCE/RPC has a block of it, as Windows wants it.
func (s *session) filler() int {
	if s.flags&flagDCE != 0 {
		return confounderSize
	}
	return 0
}

// TokenSize implements gss.Context. It is the length of what Seal gives where confidentiality was asked for, otherwise of
// what Sign gives; with Kerberos they differ.
func (s *session) TokenSize() int {
	switch {
	case !s.done:
		return 0
	case s.flags&flagConf == 0:
		return s.SignSize()
	}
	return headerSize + s.filler() + headerSize + s.checksumSize() + confounderSize
}

// SignSize is the length of what Sign gives, whether confidentiality was asked for or not: clients may ask for it and sign only.
func (s *session) SignSize() int {
	if !s.done {
		return 0
	}
	return headerSize + s.checksumSize()
}

// String leaves the keys out.
func (s *session) String() string { return "kerberos: context with " + s.peer }

// GoString leaves the keys out.
func (s *session) GoString() string { return s.String() }

// Peer implements gss.Context.
func (s *session) Peer() string { return s.peer }

// usage is a key usage number for messages of one side (RFC 4121, 2).
func usage(byInitiator, seal bool) uint32 {
	switch {
	case byInitiator && seal:
		return keyusage.GSSAPI_INITIATOR_SEAL
	case byInitiator:
		return keyusage.GSSAPI_INITIATOR_SIGN
	case seal:
		return keyusage.GSSAPI_ACCEPTOR_SEAL
	}
	return keyusage.GSSAPI_ACCEPTOR_SIGN
}

// header begins a token (RFC 4121, 4.2.6).
func (s *session) header(id uint16, byInitiator bool, seq uint64) []byte {
	h := make([]byte, headerSize)
	binary.BigEndian.PutUint16(h, id)
	if !byInitiator {
		h[2] |= flagSentByAcceptor
	}
	if s.acceptorSubkey {
		h[2] |= flagAcceptorSubkey
	}
	h[3] = 0xff
	if id == tokenMIC {
		copy(h[4:], "\xff\xff\xff\xff")
	} else {
		h[2] |= flagSealed
		binary.BigEndian.PutUint16(h[4:], uint16(s.filler()))
	}
	binary.BigEndian.PutUint64(h[8:], seq)
	return h
}

// Sign implements gss.Context with a MIC token (RFC 4121, 4.2.6.1).
func (s *session) Sign(message []byte) ([]byte, error) {
	if !s.done {
		return nil, errNoContext
	}
	token, err := s.mic(message, s.initiator, s.sending)
	s.sending++
	return token, err
}

// Verify implements gss.Context.
func (s *session) Verify(message, token []byte) error {
	if !s.done {
		return errNoContext
	}
	want, err := s.mic(message, !s.initiator, s.receiving)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, token) {
		return ErrIntegrity
	}
	s.receiving++
	return nil
}

func (s *session) mic(message []byte, byInitiator bool, seq uint64) ([]byte, error) {
	h := s.header(tokenMIC, byInitiator, seq)
	sum, err := common.GetChecksumHash(append(bytes.Clone(message), h...), s.key.KeyValue, usage(byInitiator, false), s.etype)
	return append(h, sum...), err
}

// Seal implements gss.Context with a Wrap token (RFC 4121, 4.2.6.2) whose encrypted message stays where it is. The token has
// the rest, in the order that a rotation by all of it gives ([MS-KILE] 3.4.5.4.1): filler, header, checksum, confounder.
func (s *session) Seal(message, secret []byte) ([]byte, error) {
	if !s.done {
		return nil, errNoContext
	}
	at, ok := offset(message, secret)
	if !ok {
		return nil, errMalformed
	}
	h := s.header(tokenWrap, s.initiator, s.sending)
	confounder := make([]byte, confounderSize)
	rand.Read(confounder)
	tail := append(bytes.Repeat([]byte{0xff}, s.filler()), h...)
	plain := concat(confounder, secret, tail)
	use := usage(s.initiator, true)
	sealed, err := s.crypt(plain, use, s.etype.EncryptData)
	if err != nil {
		return nil, err
	}
	sum, err := s.integrity(plain, sealed, message, at, len(secret), use)
	if err != nil {
		return nil, err
	}
	s.sending++
	copy(secret, sealed[confounderSize:])
	binary.BigEndian.PutUint16(h[6:], uint16(headerSize+len(sum))) // RRC; Windows adds the filler to it
	return concat(h, sealed[confounderSize+len(secret):], sum, sealed[:confounderSize]), nil
}

// Unseal implements gss.Context.
func (s *session) Unseal(message, secret, token []byte) error {
	if !s.done {
		return errNoContext
	}
	at, ok := offset(message, secret)
	if !ok {
		return errMalformed
	}
	h := s.header(tokenWrap, !s.initiator, s.receiving)
	if len(token) < headerSize || !hmac.Equal(h[:4], token[:4]) || !hmac.Equal(h[8:], token[8:headerSize]) {
		return ErrIntegrity
	}
	// The filler's length is the peer's choice, but has to be there.
	copy(h[4:6], token[4:6])
	filler, sumSize := int(binary.BigEndian.Uint16(h[4:])), s.checksumSize()
	if len(token) != headerSize+filler+headerSize+sumSize+confounderSize {
		return ErrIntegrity
	}
	rest := token[headerSize:]
	tail, sum, confounder := rest[:filler+headerSize], rest[filler+headerSize:][:sumSize], rest[filler+headerSize+sumSize:]
	sealed := concat(confounder, secret, tail)
	use := usage(!s.initiator, true)
	plain, err := s.crypt(sealed, use, func(key, data []byte) ([]byte, []byte, error) {
		out, err := s.etype.DecryptData(key, data)
		return nil, out, err
	})
	if err != nil {
		return err
	}
	if !hmac.Equal(plain[len(plain)-headerSize:], h) {
		return ErrIntegrity
	}
	old := bytes.Clone(secret)
	copy(secret, plain[confounderSize:])
	want, err := s.integrity(plain, sealed, message, at, len(secret), use)
	if err != nil || !hmac.Equal(want, sum) {
		copy(secret, old)
		return ErrIntegrity
	}
	s.receiving++
	return nil
}

func (s *session) crypt(data []byte, use uint32, f func(key, data []byte) ([]byte, []byte, error)) ([]byte, error) {
	key, err := s.etype.DeriveKey(s.key.KeyValue, common.GetUsageKe(use))
	if err != nil {
		return nil, err
	}
	_, out, err := f(key, data)
	return out, err
}

// integrity is the checksum over all of a message, of which secret's n bytes at at were encrypted, with confounder and tail
// around: over the plain text (RFC 3962), or an initial vector of zeroes and the encrypted text (RFC 8009).
func (s *session) integrity(plain, sealed, message []byte, at, n int, use uint32) ([]byte, error) {
	before, after := message[:at], message[at+n:]
	covered := plain
	var iv []byte
	switch s.key.KeyType {
	case etypeID.AES128_CTS_HMAC_SHA256_128, etypeID.AES256_CTS_HMAC_SHA384_192:
		covered, iv = sealed, make([]byte, confounderSize)
	}
	data := concat(iv, covered[:confounderSize], before, covered[confounderSize:confounderSize+n], after, covered[confounderSize+n:])
	return common.GetIntegrityHash(data, s.key.KeyValue, use, s.etype)
}

// offset is where part lies in whole.
func offset(whole, part []byte) (int, bool) {
	if len(part) == 0 {
		return 0, true
	}
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(whole)))
	if at > uintptr(len(whole)) || int(at)+len(part) > len(whole) {
		return 0, false
	}
	return int(at), true
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
