package httpauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keySet writes a key set file.
func keySet(t testing.TB, keys string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(name, []byte(`{"keys":[`+keys+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// RFC 7515, appendices A.2 and A.3.
func TestVectorsJWS(t *testing.T) {
	const payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	for _, c := range []struct{ alg, key, signed, signature string }{
		{"RS256", `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPM` +
			`EzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ` +
			`OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PA` +
			`cDTW9gb54h4FRWyuXpoQ"}`,
			"eyJhbGciOiJSUzI1NiJ9." + payload,
			"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQ" +
				"jbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHW" +
				"EsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"},
		{"ES256", `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
			"eyJhbGciOiJFUzI1NiJ9." + payload,
			"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
	} {
		t.Run(c.alg, func(t *testing.T) {
			keys, err := loadKeys(keySet(t, c.key))
			if err != nil {
				t.Fatal(err)
			}
			signature, err := base64.RawURLEncoding.DecodeString(c.signature)
			if err != nil {
				t.Fatal(err)
			}
			if !verifySignature(keys[""], c.alg, c.signed, signature) {
				t.Error("not verified")
			}
			for _, alg := range []string{"none", "HS256", "RS512", ""} {
				if verifySignature(keys[""], alg, c.signed, signature) {
					t.Errorf("verified as %q", alg)
				}
			}
			if verifySignature(keys[""], c.alg, c.signed+"x", signature) || verifySignature(keys[""], c.alg, c.signed, nil) {
				t.Error("another text verified")
			}
		})
	}
}

// sign makes a token.
func sign(t testing.TB, key crypto.Signer, head, claims any) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(head) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	var signature []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		signature, err = k.Sign(rand.Reader, sum[:], crypto.SHA256)
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, k, sum[:]); err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestJWT(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	now := time.Unix(1_800_000_000, 0)
	v := &JWT{Issuer: "https://login.example.com/", Audience: "https://mail.example.com", now: func() time.Time { return now },
		Keys: keySet(t, fmt.Sprintf(`{"kty":"EC","crv":"P-256","kid":"1","use":"sig","x":%q,"y":%q}, {"kty":"oct","k":"AAAA"}`,
			b64(point[1:33]), b64(point[33:])))}
	type claims map[string]any
	good := func(change ...any) claims {
		c := claims{"iss": v.Issuer, "aud": v.Audience, "exp": now.Unix() + 600, "nbf": now.Unix(), "upn": "anna@example.com", "sub": "1"}
		for n := 0; n < len(change); n += 2 {
			if c[change[n].(string)] = change[n+1]; change[n+1] == nil {
				delete(c, change[n].(string))
			}
		}
		return c
	}
	head := map[string]any{"alg": "ES256", "kid": "1", "typ": "at+jwt"}
	for _, c := range []struct {
		name  string
		token string
		want  string // empty: refused
	}{
		{"good", sign(t, key, head, good()), "anna@example.com"},
		{"several audiences", sign(t, key, head, good("aud", []string{"x", v.Audience})), "anna@example.com"},
		{"another claim", sign(t, key, head, good("upn", nil, "preferred_username", "otto")), "otto"},
		{"no user", sign(t, key, head, good("upn", nil)), ""},
		{"expired", sign(t, key, head, good("exp", now.Unix()-61)), ""},
		{"never expires", sign(t, key, head, good("exp", nil)), ""},
		{"a clock that is late", sign(t, key, head, good("exp", now.Unix()-30)), "anna@example.com"},
		{"not yet", sign(t, key, head, good("nbf", now.Unix()+61)), ""},
		{"another issuer", sign(t, key, head, good("iss", "https://evil.example.com/")), ""},
		{"another audience", sign(t, key, head, good("aud", "https://other.example.com")), ""},
		{"no audience", sign(t, key, head, good("aud", nil)), ""},
		{"another key", sign(t, other, map[string]any{"alg": "RS256", "kid": "1"}, good()), ""},
		{"unknown key", sign(t, key, map[string]any{"alg": "ES256", "kid": "2"}, good()), ""},
		{"not signed", strings.Join([]string{b64([]byte(`{"alg":"none","kid":"1"}`)), b64([]byte(`{"iss":"x"}`)), ""}, "."), ""},
		{"critical extension", sign(t, key, map[string]any{"alg": "ES256", "kid": "1", "crit": []string{"b64"}}, good()), ""},
		{"no token", "x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := v.Verify(t.Context(), c.token)
			if got != c.want || (c.want == "") != errors.Is(err, ErrRefused) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	t.Run("key set is exchanged", func(t *testing.T) {
		if err := os.WriteFile(v.Keys, fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"2","n":%q,"e":"AQAB"}]}`, b64(other.N.Bytes())), 0o600); err != nil {
			t.Fatal(err)
		}
		token := sign(t, other, map[string]any{"alg": "RS256", "kid": "2"}, good())
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrRefused) {
			t.Errorf("read again at once: %v", err)
		}
		v.loaded = v.loaded.Add(-keysAge)
		if got, err := v.Verify(t.Context(), token); err != nil || got != "anna@example.com" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("curl", func(t *testing.T) {
		cfg := everything()
		cfg.Token, v.now = v.Verify, nil
		srv := serve(t, cfg, false)
		c := good("exp", time.Now().Add(time.Hour).Unix(), "nbf", nil)
		if got := curl(t, "SSL", nil, "--oauth2-bearer", sign(t, other, map[string]any{"alg": "RS256", "kid": "2"}, c), srv.URL); got != "anna@example.com by Bearer: " {
			t.Error(got)
		}
		c["exp"] = 1
		got := curl(t, "SSL", nil, "-i", "--http1.1", "--oauth2-bearer", sign(t, other, map[string]any{"alg": "RS256", "kid": "2"}, c), srv.URL)
		if !strings.Contains(got, http.StatusText(http.StatusUnauthorized)) || !strings.Contains(got, `error="invalid_token"`) {
			t.Error(got)
		}
	})
}

func FuzzJWT(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sign(f, key, map[string]any{"alg": "ES256", "kid": ""}, map[string]any{"exp": 1e300, "aud": []int{1}}))
	v := &JWT{Issuer: "x", Audience: "y", keys: map[string]crypto.PublicKey{"": &key.PublicKey}, loaded: time.Now()}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(t.Context(), token); err == nil {
			t.Error("accepted")
		}
	})
}
