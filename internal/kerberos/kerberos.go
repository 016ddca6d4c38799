// Package kerberos has both sides of Kerberos security contexts: the GSS-API mechanism of RFC 4121 with AES, in its usual
// form and in the one of DCE/RPC ([MS-KILE] 3.4.5.1). Tickets are gokrb5's business.
package kerberos

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// Errors that callers tell apart.
var (
	// ErrRefused means that the KDC doesn't accept the user or the password, or an acceptor a client's ticket.
	ErrRefused = errors.New("kerberos: not accepted")
	// ErrReplay means that the same authenticator came before.
	ErrReplay = errors.New("kerberos: the client's message came before")
	// ErrChannelBinding means that a client came over another TLS connection than the server's, or didn't say over which.
	ErrChannelBinding = errors.New("kerberos: the channel binding is missing or another connection's")
	// ErrIntegrity means that a message was changed, repeated or lost.
	ErrIntegrity = errors.New("kerberos: message integrity violated")

	errSequence   = errors.New("kerberos: token outside of the handshake")
	errNoContext  = errors.New("kerberos: the context isn't established")
	errEncryption = errors.New("kerberos: the peer wants an encryption type other than AES")
	errMalformed  = errors.New("kerberos: malformed message")
)

// encryptionTypes are those that are used, the best first.
var encryptionTypes = []int32{etypeID.AES256_CTS_HMAC_SHA384_192, etypeID.AES128_CTS_HMAC_SHA256_128,
	etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96}

func usable(etype int32) bool {
	for _, t := range encryptionTypes {
		if t == etype {
			return true
		}
	}
	return false
}

// guard calls f, which hands bytes of a peer to gokrb5; that indexes some of them without looking.
func guard(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errMalformed
		}
	}()
	return f()
}

// Keytab has a service's or a user's keys. It doesn't print them.
type Keytab struct {
	name string
	keys *keytab.Keytab
}

// LoadKeytab reads a keytab file.
func LoadKeytab(name string) (*Keytab, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("kerberos: keytab: %w", err)
	}
	k := &Keytab{name, new(keytab.Keytab)}
	// gokrb5's error would show the keys.
	if guard(func() error { return k.keys.Unmarshal(b) }) != nil {
		return nil, fmt.Errorf("kerberos: %s isn't a keytab", name)
	}
	return k, nil
}

// String names the file.
func (k *Keytab) String() string { return "keytab " + k.name }

// GoString names the file.
func (k *Keytab) GoString() string { return k.String() }

// principalName escapes what separates the parts of a principal's name, as in MIT's krb5_unparse_name.
func principalName(parts []string, realm string) string {
	escape := strings.NewReplacer(`\`, `\\`, `/`, `\/`, `@`, `\@`)
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(escape.Replace(p))
	}
	b.WriteByte('@')
	b.WriteString(escape.Replace(realm))
	return b.String()
}
