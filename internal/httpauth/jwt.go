package httpauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// JWT verifies access tokens that are JSON Web Tokens (RFC 7519, RFC 9068), signed with RS256 or ES256 (RFC 7518, 3.3 and 3.4).
type JWT struct {
	// Keys is the name of a JSON Web Key Set file (RFC 7517, 5). It is read again when a token has an unknown key's
	// identifier, but not more than once a minute.
	Keys string
	// Issuer and Audience are what the claims iss and aud have to say; both are required.
	Issuer, Audience string
	// Claims are those that may name the user; the first that is there counts. Empty: upn, preferred_username, email.
	Claims []string

	mu     sync.Mutex
	loaded time.Time
	keys   map[string]crypto.PublicKey
	now    func() time.Time
}

// Limits of JWT.
const (
	maxKeys     = 1 << 20     // a key set has a few KiB
	keysAge     = time.Minute // tokens with invented identifiers don't make the file be read all the time
	clockLeeway = time.Minute // between this machine and the issuer's
	minRSABits  = 2048
	maxSeconds  = 1 << 40 // times in tokens; some 35,000 years
)

var defaultClaims = []string{"upn", "preferred_username", "email"}

// errToken is a refusal with its reason; the token isn't quoted.
func errToken(reason string) error { return fmt.Errorf("%w: token: %s", ErrRefused, reason) }

// Verify names the user of a token. It fits ServerConfig.Token.
func (v *JWT) Verify(_ context.Context, token string) (user string, err error) {
	if v.Issuer == "" || v.Audience == "" {
		return "", errors.New("httpauth: tokens can't be verified without issuer and audience")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errToken("no JSON Web Token")
	}
	var head struct {
		Alg, Kid string
		Crit     []string // what a verifier has to understand (RFC 7515, 4.1.11)
	}
	var claims map[string]json.RawMessage
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decodePart(parts[0], &head) || !decodePart(parts[1], &claims) {
		return "", errToken("malformed")
	}
	if len(head.Crit) > 0 {
		return "", errToken("has unknown extensions")
	}
	key, err := v.key(head.Kid)
	if err != nil {
		return "", err
	}
	if !verifySignature(key, head.Alg, parts[0]+"."+parts[1], signature) {
		return "", errToken("wrong signature")
	}
	return v.check(claims)
}

func decodePart(s string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	return err == nil && json.Unmarshal(b, v) == nil
}

// verifySignature: the key decides which algorithm it is; the token only has to say the same.
func verifySignature(key crypto.PublicKey, alg, signed string, signature []byte) bool {
	sum := sha256.Sum256([]byte(signed))
	switch k := key.(type) {
	case *rsa.PublicKey:
		return alg == "RS256" && rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	case *ecdsa.PublicKey:
		return alg == "ES256" && len(signature) == 64 &&
			ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	return false
}

func (v *JWT) check(claims map[string]json.RawMessage) (user string, err error) {
	now := time.Now()
	if v.now != nil {
		now = v.now()
	}
	at := func(name string) (t time.Time, ok bool) {
		var seconds float64
		if json.Unmarshal(claims[name], &seconds) != nil || seconds < 0 || seconds > maxSeconds {
			return t, false
		}
		return time.Unix(int64(seconds), 0), true
	}
	text := func(name string) (s string) {
		if json.Unmarshal(claims[name], &s) != nil {
			return ""
		}
		return s
	}
	if t, ok := at("exp"); !ok || now.After(t.Add(clockLeeway)) {
		return "", errToken("expired")
	}
	if _, there := claims["nbf"]; there {
		if t, ok := at("nbf"); !ok || now.Before(t.Add(-clockLeeway)) {
			return "", errToken("not valid yet")
		}
	}
	if text("iss") != v.Issuer {
		return "", errToken("another issuer's")
	}
	var audiences []string
	if one := text("aud"); one != "" {
		audiences = []string{one}
	} else if json.Unmarshal(claims["aud"], &audiences) != nil {
		audiences = nil
	}
	if !slices.Contains(audiences, v.Audience) {
		return "", errToken("for another audience")
	}
	names := v.Claims
	if len(names) == 0 {
		names = defaultClaims
	}
	for _, n := range names {
		if user = text(n); user != "" {
			return user, nil
		}
	}
	return "", errToken("names no user")
}

// key finds a key by its identifier, in the file where it isn't known yet.
func (v *JWT) key(id string) (crypto.PublicKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k, ok := v.keys[id]; ok {
		return k, nil
	}
	if v.keys == nil || time.Since(v.loaded) > keysAge {
		keys, err := loadKeys(v.Keys)
		if err != nil {
			return nil, err
		}
		v.keys, v.loaded = keys, time.Now()
	}
	if k, ok := v.keys[id]; ok {
		return k, nil
	}
	return nil, errToken("signed with an unknown key")
}

// jwk is a JSON Web Key (RFC 7517, 4; RFC 7518, 6).
type jwk struct{ Kty, Use, Kid, N, E, Crv, X, Y string }

func loadKeys(name string) (map[string]crypto.PublicKey, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("httpauth: key set: %w", err)
	}
	if info.Size() > maxKeys {
		return nil, fmt.Errorf("httpauth: key set %s: more than %d bytes", name, maxKeys)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("httpauth: key set: %w", err)
	}
	var set struct{ Keys []jwk }
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("httpauth: key set %s: %w", name, err)
	}
	keys := map[string]crypto.PublicKey{}
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		if pub := k.public(); pub != nil {
			keys[k.Kid] = pub
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("httpauth: key set %s has no key for RS256 or ES256", name)
	}
	return keys, nil
}

// public is nil for keys that aren't for RS256 or ES256.
func (k jwk) public() crypto.PublicKey {
	number := func(s string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			return new(big.Int)
		}
		return new(big.Int).SetBytes(b)
	}
	switch {
	case k.Kty == "RSA":
		n, e := number(k.N), number(k.E)
		if n.BitLen() < minRSABits || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}
	case k.Kty == "EC" && k.Crv == "P-256":
		x, y := number(k.X), number(k.Y)
		point := make([]byte, 65)
		if x.BitLen() > 256 || y.BitLen() > 256 {
			return nil
		}
		point[0] = 4
		x.FillBytes(point[1:33])
		y.FillBytes(point[33:])
		pub, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil
		}
		return pub
	}
	return nil
}
