package gss

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"testing"
)

// The certificate hash and the hash of its binding are those of Microsoft's article "NTLM and Channel Binding Hash (aka
// Extended Protection for Authentication)".
func TestHash(t *testing.T) {
	cert, err := hex.DecodeString("ea05fefecc6b0bd571dbbc5baa3ed45386d0446835f7b74c85621b9983475f95")
	if err != nil {
		t.Fatal(err)
	}
	b := ChannelBinding(append([]byte(endPointPrefix), cert...))
	if got := fmt.Sprintf("%x", b.Hash()); got != "6586e99d81c2fc984e47172fd4dd0310" {
		t.Errorf("hash of the binding: %s", got)
	}
	if got := ChannelBinding(nil).Hash(); got != ([16]byte{}) {
		t.Errorf("hash of no binding: %x", got)
	}
}

func TestServerEndPoint(t *testing.T) {
	raw := []byte("certificate")
	want := sha256.Sum256(raw)
	for _, a := range []x509.SignatureAlgorithm{x509.SHA1WithRSA, x509.SHA256WithRSA, x509.ECDSAWithSHA256} {
		got := ServerEndPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: a})
		if string(got) != endPointPrefix+string(want[:]) {
			t.Errorf("%v: %q", a, got)
		}
	}
	if got := ServerEndPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: x509.SHA512WithRSA}); len(got) != len(endPointPrefix)+64 {
		t.Errorf("SHA512-RSA: %d bytes", len(got))
	}
	if got := ServerEndPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: x509.PureEd25519}); got != nil {
		t.Errorf("Ed25519 has no hash: %q", got)
	}
}
