package restic

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"

	//lint:ignore SA1019 the format prescribes Poly1305-AES; a fresh one-time key is made for each message
	"golang.org/x/crypto/poly1305"
)

const (
	encryptKeySize = 32
	macKeySize     = 16
	nonceSize      = aes.BlockSize
	// overhead is what encryption adds: IV || CIPHERTEXT || MAC.
	overhead = nonceSize + poly1305.TagSize
)

// errUnauthentic is why a file or blob didn't decrypt: it was changed, or sealed with another key.
var errUnauthentic = errors.New("the message authentication code doesn't fit")

// masterKey seals everything in a repository ("Keys, Encryption and MAC" in the format's description).
type masterKey struct {
	secret  keySecret
	encrypt cipher.Block // AES-256, in counter mode
	nonce   cipher.Block // AES-128, makes Poly1305's one-time key from the IV
}

// keySecret is the JSON document that a key file keeps sealed.
type keySecret struct {
	MAC struct {
		K []byte `json:"k"`
		R []byte `json:"r"`
	} `json:"mac"`
	Encrypt []byte `json:"encrypt"`
}

func newKey(secret keySecret) (*masterKey, error) {
	if len(secret.Encrypt) != encryptKeySize || len(secret.MAC.K) != macKeySize || len(secret.MAC.R) != macKeySize {
		return nil, errors.New("restic: a key has the wrong length")
	}
	k := &masterKey{secret: secret}
	var err error
	if k.encrypt, err = aes.NewCipher(secret.Encrypt); err != nil {
		return nil, err
	}
	if k.nonce, err = aes.NewCipher(secret.MAC.K); err != nil {
		return nil, err
	}
	return k, nil
}

// keyFromBytes splits the 64 bytes that scrypt derives, or that are random for a master key.
func keyFromBytes(b []byte) (*masterKey, error) {
	if len(b) != encryptKeySize+2*macKeySize {
		return nil, errors.New("restic: a key has the wrong length")
	}
	var s keySecret
	s.Encrypt, s.MAC.K, s.MAC.R = b[:encryptKeySize], b[encryptKeySize:encryptKeySize+macKeySize], b[encryptKeySize+macKeySize:]
	return newKey(s)
}

func randomKey() (*masterKey, error) {
	b := make([]byte, encryptKeySize+2*macKeySize)
	rand.Read(b)
	return keyFromBytes(b)
}

func parseKey(document []byte) (*masterKey, error) {
	var s keySecret
	if err := json.Unmarshal(document, &s); err != nil {
		return nil, fmt.Errorf("restic: master key: %w", err)
	}
	return newKey(s)
}

func (k *masterKey) mac(nonce, ciphertext []byte) (tag [poly1305.TagSize]byte) {
	var once [32]byte
	copy(once[:], k.secret.MAC.R)
	k.nonce.Encrypt(once[macKeySize:], nonce)
	poly1305.Sum(&tag, ciphertext, &once)
	return tag
}

// seal appends IV || CIPHERTEXT || MAC to dst, which must not overlap plaintext.
func (k *masterKey) seal(dst, plaintext []byte) []byte {
	start := len(dst)
	return k.sealInPlace(append(appendNonceRoom(dst), plaintext...), start)
}

// appendNonceRoom appends what sealInPlace wants in front of a plaintext.
func appendNonceRoom(dst []byte) []byte { return append(dst, make([]byte, nonceSize)...) }

// sealInPlace encrypts the plaintext that follows room for the nonce at start, and appends its MAC.
func (k *masterKey) sealInPlace(buf []byte, start int) []byte {
	nonce, ciphertext := buf[start:start+nonceSize], buf[start+nonceSize:]
	rand.Read(nonce)
	cipher.NewCTR(k.encrypt, nonce).XORKeyStream(ciphertext, ciphertext)
	tag := k.mac(nonce, ciphertext)
	return append(buf, tag[:]...)
}

// open decrypts in place and returns the plaintext's part of sealed.
func (k *masterKey) open(sealed []byte) ([]byte, error) {
	if len(sealed) < overhead {
		return nil, fmt.Errorf("%d bytes are too few for anything encrypted", len(sealed))
	}
	nonce, ciphertext, tag := sealed[:nonceSize], sealed[nonceSize:len(sealed)-poly1305.TagSize], sealed[len(sealed)-poly1305.TagSize:]
	want := k.mac(nonce, ciphertext)
	if subtle.ConstantTimeCompare(want[:], tag) != 1 {
		return nil, errUnauthentic
	}
	cipher.NewCTR(k.encrypt, nonce).XORKeyStream(ciphertext, ciphertext)
	return ciphertext, nil
}
