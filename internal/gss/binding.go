package gss

import (
	"crypto"
	"crypto/md5"
	_ "crypto/sha256" // the hashes of RFC 5929
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/binary"
)

// endPointPrefix begins the bindings to a server's certificate (RFC 5929, 4).
const endPointPrefix = "tls-server-end-point:"

// ServerEndPoint binds to the certificate that a TLS server has shown (RFC 5929, 4.1). nil for a signature algorithm that
// has no hash of its own: no binding is defined for it.
func ServerEndPoint(cert *x509.Certificate) ChannelBinding {
	h := endPointHash(cert.SignatureAlgorithm)
	if h == 0 {
		return nil
	}
	d := h.New()
	d.Write(cert.Raw)
	return d.Sum([]byte(endPointPrefix))
}

func endPointHash(a x509.SignatureAlgorithm) crypto.Hash {
	switch a {
	// MD5 and SHA-1 are raised to SHA-256.
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.DSAWithSHA256, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS:
		return crypto.SHA256
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return crypto.SHA512
	}
	return 0
}

// Hash is what NTLM and Kerberos carry of a binding: the MD5 of the structure gss_channel_bindings_struct without addresses
// (RFC 4121, 4.1.1.2; [MS-NLMP] 2.2.2.1). All zero for no binding.
func (b ChannelBinding) Hash() (sum [md5.Size]byte) {
	if b == nil {
		return sum
	}
	s := make([]byte, 16, 20+len(b)) // types and lengths of both addresses
	s = binary.LittleEndian.AppendUint32(s, uint32(len(b)))
	return md5.Sum(append(s, b...))
}
