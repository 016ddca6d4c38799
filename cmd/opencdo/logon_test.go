package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/settings"
)

// authority is an authorization server for one program. Tokens name their user; each refresh makes the one before invalid.
type authority struct {
	*httptest.Server
	mu     sync.Mutex
	grants []string
	valid  string
}

func newAuthority(t *testing.T) *authority {
	a := &authority{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /device", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": a.URL + "/enter", "expires_in": 900, "interval": 1})
	})
	mux.HandleFunc("GET /authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"state": {q.Get("state")}, "code": {"c"}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("POST /token", a.token)
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *authority) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	grant := r.PostFormValue("grant_type")
	a.grants = append(a.grants, grant)
	w.Header().Set("Content-Type", "application/json")
	if grant == "client_credentials" && r.PostFormValue("client_secret") != "program's secret" {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":"invalid_client"}`)
		return
	}
	a.valid = "anna " + strings.Repeat("I", len(a.grants))
	json.NewEncoder(w).Encode(map[string]any{"access_token": a.valid, "token_type": "Bearer", "expires_in": 3600, "refresh_token": "again"})
}

// verify takes the last token only.
func (a *authority) verify(_ context.Context, token string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if token != a.valid {
		return "", exchangeserver.ErrToken
	}
	user, _, _ := strings.Cut(token, " ")
	return user, nil
}

// revoke makes the token that clients have invalid.
func (a *authority) revoke() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.valid = ""
}

// browser opens the page that the command prints.
type browser struct {
	bytes.Buffer
	page *regexp.Regexp
}

func (b *browser) Write(p []byte) (int, error) {
	if u := b.page.Find(p); u != nil {
		go func() {
			if resp, err := http.Get(string(u)); err == nil {
				resp.Body.Close()
			}
		}()
	}
	return b.Buffer.Write(p)
}

// TestTokens logs on to a server that takes nothing but tokens, after each kind of login, and when the token was revoked.
func TestTokens(t *testing.T) {
	for _, flow := range []string{"device", "browser", "client"} {
		t.Run(flow, func(t *testing.T) {
			b := newBench(t).withPassphrase()
			t.Setenv("BROWSER", "false")
			login := newAuthority(t)
			address := b.serveWith(func(c *exchangeserver.Config) { c.Auth.Schemes, c.Auth.Token = []string{"bearer"}, login.verify })
			ca := []string{"--ca", filepath.Join(b.dir, "ca.pem")}
			host := strings.TrimPrefix(b.server.URL, "https://")
			args := []string{"secret", "login", "anna@contoso.test@" + host, "--flow", flow, "--client-id", "client", "--scope", "mail", "--scope", "offline_access",
				"--token-url", login.URL + "/token", "--device-url", login.URL + "/device", "--authorize-url", login.URL + "/authorize"}
			if flow == "client" {
				b.fails(exitUsage, "secret", args...)
				b.fails(exitLogon, "invalid_client", append(args, "--client-secret-file", b.file("wrong", "wrong\n"))...)
				args = append(args, "--client-secret-file", b.file("secret", "program's secret\n"))
			}
			stderr := &browser{page: regexp.MustCompile(`http://\S+/authorize\?\S+`)}
			var stdout bytes.Buffer
			if code := run(t.Context(), args, strings.NewReader(""), &stdout, stderr); code != exitOK {
				t.Fatalf("login: exit code %d\n%s", code, stderr)
			}
			if flow == "device" && !strings.Contains(stderr.String(), "ABCD-EFGH") {
				t.Errorf("the user isn't told the code: %s", stderr)
			}
			b.ok(append(ca, "whoami", address)...)
			asked := len(login.grants)
			b.ok(append(ca, "whoami", address)...)
			if len(login.grants) != asked {
				t.Errorf("the token isn't kept: %v", login.grants)
			}
			login.revoke()
			b.ok(append(ca, "whoami", address)...)
			if len(login.grants) != asked+1 {
				t.Errorf("the token isn't renewed once: %v", login.grants)
			}
			if out := b.ok("secret", "list"); !strings.Contains(out, "oauth:anna@contoso.test@"+host) || strings.Contains(out, "anna I") {
				t.Errorf("list: %s", out)
			}
			b.fails(exitLogon, "log on", b.online("whoami", address)...) // a password was given
			b.ok(append(ca, "whoami", address, "--token-file", b.file("token", login.valid+"\n"))...)
			b.fails(exitLogon, "log on", append(ca, "whoami", address, "--token-file", b.file("token", "bob I\n"))...)
		})
	}
}

// TestStoredPassword logs on with what "secret set" keeps, and finds its mailbox by each kind of address.
func TestStoredPassword(t *testing.T) {
	b := newBench(t).withPassphrase()
	address := b.serve()
	host := strings.TrimPrefix(b.server.URL, "https://")
	ca := filepath.Join(b.dir, "ca.pem")
	b.fails(exitLogon, "opencdo secret set", "whoami", address, "--ca", ca)
	b.ok("secret", "set", "anna@contoso.test@"+host, "--password-file", filepath.Join(b.dir, "password"))
	b.ok("whoami", address, "--ca", ca)
	b.fails(exitLogon, "kinit", "whoami", address, "--ca", ca, "--auth", "ntlm", "--transport", "rpchttp", "--rpc-auth", "kerberos")
	b.fails(exitUsage, "dance", "whoami", address, "--ca", ca, "--auth", "dance")

	b.ok("settings", "unset", settings.RpcHttpProxyMap)
	b.ok("profile", "create", "work", "--server", b.server.Mailbox(t, "anna").String()+"@contoso.test", "--mailbox", "anna", "--proxy", host, "--http-auth", "ntlm",
		"--rpc-auth", "ntlm", "--default", "--user", "anna@contoso.test", "--set-password", "--password-file", filepath.Join(b.dir, "password"))
	b.ok("settings", "set", "CA File", ca)
	repo := filepath.Join(b.dir, "repo")
	for _, args := range [][]string{
		{"whoami", "profile:work"}, {"whoami", "profile:"}, {"whoami", "profile:", "--profile", "work"}, {"tree", "profile:work"}, {"ls", "profile://Inbox"},
		{"ls", "profile:work//Inbox"}, {"show", "profile:work//Inbox"}, {"addresses", "profile:work"}, {"cp", "profile:work", b.mailbox("copy.db", false)},
		{"backup", "profile:work", "--repo", repo}, {"diff", "profile:work", "snapshot:" + repo + "#latest/anna"},
		{"restore", "latest/anna", "--repo", repo, "--to", "profile:work"}, {"doctor", "profile:work"},
		{"whoami", "profile:work", "--transport", "rpchttp", "--rpc-level", "integrity"},
		{"autodiscover", "anna@contoso.test", "--endpoint", b.server.URL, "--ca", ca, "--auth", "ntlm", "--password-file", filepath.Join(b.dir, "password")},
	} {
		b.ok(args...)
	}
	b.fails(exitNotFound, "other", "whoami", "profile:other")
	b.ok("profile", "default", "--none")
	b.fails(exitUsage, "--profile", "whoami", "profile:")
}

// TestServe has the options of "serve" reach the server.
func TestServe(t *testing.T) {
	b := newBench(t)
	data := filepath.Join(b.dir, "data")
	b.ok("serve", "user", "add", "anna", "--data", data, "--password-file", b.file("password", exchangetest.Password))
	for _, c := range []struct {
		says string
		args []string
	}{
		{"--issuer", []string{"--jwks", "keys.json"}},
		{"--jwks", []string{"--auth", "bearer"}},
		{"--rpc", []string{"--rpc-mapper", "127.0.0.1:0"}},
		{"--offer", []string{"--offer", "pigeons"}},
		{"extended-protection", []string{"--extended-protection", "perhaps"}},
	} {
		b.fails(exitUsage, c.says, append([]string{"serve", "--data", data}, c.args...)...)
	}

	at := b.serving(data, "--rpc", "127.0.0.1:0", "--rpc-mapper", "127.0.0.1:0", "--rpc-level", "privacy", "--auth", "ntlm", "--extended-protection", "require",
		"--offer", "rpchttp,rpctcp", "--proxy-auth", "ntlm")
	common := []string{"--ca", at.ca, "--password-file", filepath.Join(b.dir, "password"), "--mapper-port", at.mapper}
	b.ok(append(common, "whoami", "exchange:anna@127.0.0.1", "--transport", "rpctcp")...)
	b.fails(exitLogon, "", append(common, "whoami", "exchange:anna@127.0.0.1", "--transport", "rpctcp", "--rpc-level", "integrity")...)
	b.ok(append(common, "whoami", "exchange:anna@contoso.test@"+at.host, "--transport", "rpchttp")...)
	found := b.ok(append(common, "autodiscover", "anna@contoso.test", "--endpoint", at.host)...)
	if !strings.Contains(found, "not offered") || !strings.Contains(found, "RPC proxy (EXPR) AuthPackage     ntlm") {
		t.Errorf("Autodiscover: %s", found)
	}
}

// served is where a server of the command is.
type served struct{ host, port, mapper, ca string }

// serving runs "opencdo serve" until the test ends.
func (b *bench) serving(data string, flags ...string) served {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		done <- run(ctx, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, flags...), strings.NewReader(""), in, &errs)
		in.Close()
	}()
	b.Cleanup(func() {
		stop()
		if code := <-done; code != exitOK {
			b.Errorf("serve: exit code %d: %s", code, errs.String())
		}
	})
	said := ""
	ready := regexp.MustCompile(`(?s)^(?:.*mapper on port (\d+))?.*https://(127\.0\.0\.1:(\d+))\n.*--ca (\S+)\n`)
	for buf := make([]byte, 4096); !ready.MatchString(said); {
		n, err := out.Read(buf)
		if said += string(buf[:n]); err != nil {
			b.Fatalf("serve: %s%s", said, errs.String())
		}
	}
	go io.Copy(io.Discard, out)
	m := ready.FindStringSubmatch(said)
	return served{host: m[2], port: m[3], mapper: m[1], ca: m[4]}
}

// TestServeTickets logs on by Kerberos, from a key distribution center that isn't ours, with tickets from everywhere.
func TestServeTickets(t *testing.T) {
	kdc := kdctest.Start(t, "")
	b := newBench(t)
	data := filepath.Join(b.dir, "data")
	password := b.file("password", kdctest.Password)
	b.ok("serve", "user", "add", kdctest.User, "--data", data, "--password-file", password)
	at := b.serving(data, "--auth", "negotiate", "--keytab", kdc.Keytab, "--extended-protection", "require", "--rpc", "127.0.0.1:0", "--rpc-mapper", "127.0.0.1:0")
	common := []string{"whoami", "--ca", at.ca, "--krb5-conf", kdc.Config, "--user", kdctest.User + "@contoso.test", "--realm", kdctest.Realm, "--mapper-port", at.mapper}
	cache := kdc.CredentialCache(t)
	t.Setenv("KRB5CCNAME", "FILE:"+cache)
	for _, from := range [][]string{{"--keytab", kdc.UserKeytab}, {"--ccache", cache}, {"--kerberos"}, {"--kerberos", "--password-file", password}} {
		args := append(common, from...)
		b.ok(append(args, "exchange:"+kdctest.User+"@localhost:"+at.port)...)
		b.ok(append(args, "exchange:"+kdctest.User+"@localhost", "--transport", "rpctcp", "--rpc-auth", "kerberos")...)
	}
	t.Setenv("KRB5CCNAME", filepath.Join(b.dir, "none"))
	b.fails(exitNotFound, "can't be found", append(common, "--keytab", kdc.UserKeytab, "--user", kdctest.User, "exchange:"+kdctest.User+"@localhost:"+at.port)...)
	b.fails(exitLogon, "kinit", append(common, "--kerberos", "exchange:"+kdctest.User+"@localhost:"+at.port)...)
	b.fails(exitLogon, "klist", append(common, "--kerberos", "--password-file", b.file("wrong", "wrong"), "exchange:"+kdctest.User+"@localhost:"+at.port)...)
}

// TestServeTokens logs on by a signed token, and not by one of another issuer or for another audience.
func TestServeTokens(t *testing.T) {
	b := newBench(t)
	data := filepath.Join(b.dir, "data")
	b.ok("serve", "user", "add", "anna", "--data", data, "--password-file", b.file("password", exchangetest.Password))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	keys := b.file("keys.json", fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":%q,"y":%q}]}`, text(point[1:33]), text(point[33:])))
	at := b.serving(data, "--auth", "bearer", "--jwks", keys, "--issuer", "https://login.contoso.test", "--audience", "https://mail.contoso.test")
	token := func(issuer, audience string) string {
		claims := fmt.Sprintf(`{"iss":%q,"aud":%q,"upn":"anna@contoso.test","exp":%d}`, issuer, audience, time.Now().Add(time.Hour).Unix())
		signed := text([]byte(`{"alg":"ES256","kid":"1"}`)) + "." + text([]byte(claims))
		sum := sha256.Sum256([]byte(signed))
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return b.file("token", signed+"."+text(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)))
	}
	address := "exchange:anna@contoso.test@" + at.host
	b.ok("whoami", address, "--ca", at.ca, "--token-file", token("https://login.contoso.test", "https://mail.contoso.test"))
	for _, wrong := range [][2]string{{"https://login.fabrikam.test", "https://mail.contoso.test"}, {"https://login.contoso.test", "https://mail.fabrikam.test"}} {
		b.fails(exitLogon, "log on", "whoami", address, "--ca", at.ca, "--token-file", token(wrong[0], wrong[1]))
	}
}
