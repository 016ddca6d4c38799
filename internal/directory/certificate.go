package directory

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// Lives of certificates: that of the authority is long, because people add it to their trusted roots by hand; that of the
// server is as long as clients accept (825 days), and it is made again a month before its end.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 800 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// CAPath is the file with the certificate that clients are to trust.
func (d *Directory) CAPath() string { return filepath.Join(d.path, "ca.pem") }

// names are those that the server's certificate is good for.
func (d *Directory) names() ([]string, []net.IP) {
	return []string{"localhost", d.domain, "mail." + d.domain, "autodiscover." + d.domain}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
}

// Certificate is the server's certificate. It is made at the first call, with an authority of its own, and again when it is
// about to expire. Who brings a certificate puts it in server.pem and server-key.pem.
func (d *Directory) Certificate(ctx context.Context) (tls.Certificate, error) {
	const op = "make certificate"
	// The directory's write lock keeps two processes from making different ones at once.
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return tls.Certificate{}, fail(op, d.path, err)
	}
	defer tx.Rollback()
	certFile, keyFile := filepath.Join(d.path, "server.pem"), filepath.Join(d.path, "server-key.pem")
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err == nil && time.Until(cert.Leaf.NotAfter) > renewBefore {
		return cert, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return tls.Certificate{}, fail("read certificate", certFile, err)
	}
	ca, err := d.authority()
	if err != nil {
		return tls.Certificate{}, fail(op, d.path, err)
	}
	if err == nil && cert.Leaf != nil && cert.Leaf.CheckSignatureFrom(ca.Leaf) != nil {
		return cert, nil // not of our making: its owner renews it
	}
	dns, ips := d.names()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "mail." + d.domain}, DNSNames: dns, IPAddresses: ips,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if err := issue(template, ca, serverLife, certFile, keyFile); err != nil {
		return tls.Certificate{}, fail(op, d.path, err)
	}
	cert, err = tls.LoadX509KeyPair(certFile, keyFile)
	return cert, fail(op, d.path, err)
}

// authority reads or makes the certificate authority.
func (d *Directory) authority() (*tls.Certificate, error) {
	keyFile := filepath.Join(d.path, "ca-key.pem")
	ca, err := tls.LoadX509KeyPair(d.CAPath(), keyFile)
	if err == nil {
		return &ca, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "OpenCDO server of " + d.domain}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	if err := issue(template, nil, authorityLife, d.CAPath(), keyFile); err != nil {
		return nil, err
	}
	ca, err = tls.LoadX509KeyPair(d.CAPath(), keyFile)
	return &ca, err
}

// issue makes a key and its certificate, signed by ca or by itself.
func issue(template *x509.Certificate, ca *tls.Certificate, life time.Duration, certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour) // clocks differ
	template.NotAfter = template.NotBefore.Add(life)
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := replaceFile(keyFile, "PRIVATE KEY", keyDER, 0o600); err != nil {
		return err
	}
	return replaceFile(certFile, "CERTIFICATE", der, 0o644)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path, kind string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = errors.Join(pem.Encode(f, &pem.Block{Type: kind, Bytes: data}), f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return &mapi.Error{Op: "write file", Object: path, Err: err}
	}
	return nil
}
