package directory

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/mapi"
)

// Parameters of Argon2id (RFC 9106): the second of the sets that OWASP recommends, which suits small machines.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	saltSize     = 16
	keySize      = 32
)

// hashing bounds how many passwords are hashed at once, and so the memory that it takes.
var hashing = make(chan struct{}, 2)

func derive(password string, salt []byte) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, keySize)
}

// hashPassword gives the form $argon2id$v=19$m=...,t=...,p=...$salt$key that other programs read too.
func hashPassword(password string) (string, error) {
	if password == "" {
		return "", &mapi.Error{Op: "set password", Code: mapi.ErrInvalidParameter, Err: errors.New("the password is empty")}
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(derive(password, salt))), nil
}

func checkPassword(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	return err1 == nil && err2 == nil && subtle.ConstantTimeCompare(derive(password, salt), want) == 1
}

// verification remembers that a password fitted a hash, so that not every request of a session is hashed: a keyed digest of
// both, good in this process only.
type verification [sha256.Size]byte

var verificationKey = func() []byte {
	k := make([]byte, sha256.Size)
	rand.Read(k)
	return k
}()

func verificationOf(hash, password string) (v verification) {
	m := hmac.New(sha256.New, verificationKey)
	fmt.Fprintf(m, "%d:%s%s", len(hash), hash, password)
	m.Sum(v[:0])
	return v
}

// nobody is compared with where there is no such user, so that the answer takes as long.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Authenticate checks a password. login is an alias, ALIAS@DOMAIN or DOMAIN\ALIAS with the domain or its first part. A
// wrong name or password is ErrLogonFailed, which doesn't say which of them it was.
func (d *Directory) Authenticate(ctx context.Context, login, password string) (User, error) {
	const op = "authenticate"
	alias, known := d.aliasOf(login)
	hash := nobody
	u, err := d.scan(d.db.QueryRowContext(ctx, "SELECT "+userColumns+", password FROM users WHERE alias = ?", alias), &hash)
	if err = userError(op, login, err); err != nil && !errors.Is(err, mapi.ErrUnknownUser) {
		return User{}, err
	}
	known = known && err == nil
	v := verificationOf(hash, password)
	d.mu.Lock()
	before, ok := d.verified[u.Alias]
	d.mu.Unlock()
	if known && ok && subtle.ConstantTimeCompare(before[:], v[:]) == 1 {
		return u, nil
	}
	if !checkPassword(hash, password) || !known {
		return User{}, &mapi.Error{Op: op, Object: login, Code: mapi.ErrLogonFailed, Err: errors.New("user name or password is wrong")}
	}
	d.mu.Lock()
	d.verified[u.Alias] = v
	d.mu.Unlock()
	return u, nil
}

// ntHash is what NTLM knows a password by. It is as good as the password for whoever reads it, so the file is its owner's only.
func ntHash(password string) []byte {
	h := ntlm.NTHash(password)
	return h[:]
}

// NTHash gives the NT hash of a user, whose login is that of Authenticate. known is false for users that there aren't, and for
// those whose password was set before there were hashes.
func (d *Directory) NTHash(ctx context.Context, login string) (h ntlm.Hash, known bool, err error) {
	alias, known := d.aliasOf(login)
	if !known {
		return h, false, nil
	}
	var b []byte
	err = d.db.QueryRowContext(ctx, "SELECT nthash FROM users WHERE alias = ?", alias).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(b) != len(h) {
		return h, false, nil
	}
	if err != nil {
		return h, false, fail("authenticate", login, err)
	}
	return ntlm.Hash(b), true, nil
}

// aliasOf takes the domain off a login name.
func (d *Directory) aliasOf(login string) (alias string, known bool) {
	short, _, _ := strings.Cut(d.domain, ".")
	if domain, alias, ok := strings.Cut(login, `\`); ok {
		return alias, strings.EqualFold(domain, d.domain) || strings.EqualFold(domain, short)
	}
	if i := strings.LastIndexByte(login, '@'); i >= 0 {
		return login[:i], strings.EqualFold(login[i+1:], d.domain)
	}
	return login, true
}
