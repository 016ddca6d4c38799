package connect

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/opencdo/opencdo/profile"
)

// ErrPin says that a server's certificate is none of those that were pinned.
var ErrPin = errors.New("the certificate is none of those that are pinned")

// TLS is a configuration with the certificates that a rule accepts.
func TLS(rule profile.CertificateRule) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: rule.Ignore, ServerName: rule.Name}
	if len(rule.Pins) > 0 && !rule.Ignore {
		// In place of the usual verification: a pinned certificate need not be trusted otherwise.
		conf.InsecureSkipVerify = true
		conf.VerifyConnection = func(s tls.ConnectionState) error {
			if slices.Contains(rule.Pins, sha256.Sum256(s.PeerCertificates[0].Raw)) {
				return nil
			}
			return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: ErrPin}
		}
	}
	if rule.CAFile == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(rule.CAFile)
	if err != nil {
		return nil, fmt.Errorf("certificates to trust: %w", err)
	}
	if conf.RootCAs, err = x509.SystemCertPool(); err != nil {
		conf.RootCAs = x509.NewCertPool()
	}
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificates to trust: %s holds none", rule.CAFile)
	}
	return conf, nil
}
