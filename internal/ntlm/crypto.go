package ntlm

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"strings"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 NTLM knows no other hash

	"github.com/opencdo/opencdo/mapi"
)

// Hash is a user's NT hash: what a password is to NTLM, and as secret. It doesn't print itself.
type Hash [16]byte

// NTHash is the hash of a password ([MS-NLMP] 3.3.1, NTOWFv1).
func NTHash(password string) (h Hash) {
	d := md4.New()
	d.Write(mapi.EncodeUTF16(password))
	d.Sum(h[:0])
	return h
}

func hmacMD5(key []byte, data ...[]byte) []byte {
	m := hmac.New(md5.New, key)
	for _, d := range data {
		m.Write(d)
	}
	return m.Sum(nil)
}

// responseKey is NTOWFv2 ([MS-NLMP] 3.3.2): the user's name is in upper case, the domain's as given.
func responseKey(h Hash, user, domain string) []byte {
	return hmacMD5(h[:], mapi.EncodeUTF16(strings.ToUpper(user)+domain))
}

// proof is NTProofStr, the beginning of the NT response; blob is the rest of it ([MS-NLMP] 3.3.2).
func proof(key []byte, serverChallenge [8]byte, blob []byte) []byte {
	return hmacMD5(key, serverChallenge[:], blob)
}

// lmResponse is an LMv2 response ([MS-NLMP] 3.3.2).
func lmResponse(key []byte, serverChallenge, clientChallenge [8]byte) []byte {
	return append(hmacMD5(key, serverChallenge[:], clientChallenge[:]), clientChallenge[:]...)
}

func rc4Once(key, data []byte) []byte {
	out := make([]byte, len(data))
	newRC4(key).XORKeyStream(out, data)
	return out
}

// newRC4 is for keys made here, whose length is right.
func newRC4(key []byte) *rc4.Cipher {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err)
	}
	return c
}

// Magic constants of SIGNKEY and SEALKEY ([MS-NLMP] 3.4.5.2, 3.4.5.3).
const (
	clientSign = "session key to client-to-server signing key magic constant\x00"
	serverSign = "session key to server-to-client signing key magic constant\x00"
	clientSeal = "session key to client-to-server sealing key magic constant\x00"
	serverSeal = "session key to server-to-client sealing key magic constant\x00"
)

func deriveKey(key []byte, magic string) []byte {
	sum := md5.Sum(append(key[:len(key):len(key)], magic...))
	return sum[:]
}

// direction signs and seals the messages of one side.
type direction struct {
	signKey, sealKey []byte
	cipher           *rc4.Cipher
	seq              uint32
	keyExchange      bool // the checksum is encrypted, too
}

func newDirection(signKey, sealKey []byte, keyExchange bool) *direction {
	return &direction{signKey: signKey, sealKey: sealKey, cipher: newRC4(sealKey), keyExchange: keyExchange}
}

// resetCipher begins the key stream again; the numbers of messages go on.
func (d *direction) resetCipher() { d.cipher = newRC4(d.sealKey) }

// signatureSize is the length of NTLMSSP_MESSAGE_SIGNATURE.
const signatureSize = 16

// sign gives an NTLMSSP_MESSAGE_SIGNATURE for extended session security ([MS-NLMP] 2.2.2.9.2, 3.4.4.2) of the next message.
func (d *direction) sign(message []byte) []byte {
	return d.signed(d.checksum(message))
}

func (d *direction) checksum(message []byte) []byte {
	return hmacMD5(d.signKey, binary.LittleEndian.AppendUint32(nil, d.seq), message)[:8]
}

func (d *direction) signed(checksum []byte) []byte {
	if d.keyExchange {
		d.cipher.XORKeyStream(checksum, checksum)
	}
	sig := binary.LittleEndian.AppendUint32(make([]byte, 0, signatureSize), 1)
	sig = binary.LittleEndian.AppendUint32(append(sig, checksum...), d.seq)
	d.seq++
	return sig
}

// seal encrypts secret, a part of message, and signs all of it ([MS-NLMP] 3.4.3): the key stream goes to the message first.
func (d *direction) seal(message, secret []byte) []byte {
	sum := d.checksum(message)
	d.cipher.XORKeyStream(secret, secret)
	return d.signed(sum)
}

func (d *direction) verify(message, token []byte) error {
	if !hmac.Equal(d.sign(message), token) {
		return ErrIntegrity
	}
	return nil
}

func (d *direction) unseal(message, secret, token []byte) error {
	d.cipher.XORKeyStream(secret, secret)
	return d.verify(message, token)
}
