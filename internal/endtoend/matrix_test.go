package endtoend

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// way is a transport and how the user authenticates on it.
type way struct {
	transport  string
	http       string // scheme in HTTP, empty where there is none
	rpc, level string // in RPC
	kerberos   string // "password", "keytab", "cache": where tickets come from
	bearer     bool
}

func (w way) String() string {
	return strings.Join(strings.Fields(strings.Join([]string{w.transport, w.http, "rpc", w.rpc, w.level, w.kerberos}, " ")), "-")
}

// ways are all that there are.
func ways() (list []way) {
	for _, t := range []string{"mapihttp", "rpchttp"} {
		list = append(list, way{transport: t, http: "basic", rpc: "none"}, way{transport: t, http: "ntlm", rpc: "none"},
			way{transport: t, http: "negotiate", rpc: "none"}, way{transport: t, http: "bearer", rpc: "none", bearer: true})
		for _, from := range []string{"password", "keytab", "cache"} {
			list = append(list, way{transport: t, http: "negotiate", rpc: "none", kerberos: from})
		}
	}
	for _, t := range []string{"rpchttp", "rpctcp"} {
		for _, level := range []string{"connect", "packet", "integrity", "privacy"} {
			w := way{transport: t, http: "basic", rpc: "ntlm", level: level}
			if t == "rpctcp" {
				w.http = ""
			}
			list = append(list, w)
			w.rpc = "negotiate"
			list = append(list, w)
			w.kerberos, w.rpc = "keytab", "kerberos"
			if t == "rpchttp" {
				w.http = "negotiate"
			}
			list = append(list, w)
			w.rpc = "negotiate"
			list = append(list, w)
		}
	}
	return list
}

// TestEveryWay backs a mailbox up and restores it into another, and asks the address book, over each transport with each
// way to authenticate that it has.
func TestEveryWay(t *testing.T) {
	t.Parallel()
	kdc := kdctest.Start(t, "")
	issuer := newIssuer(t)
	content := newLocal()
	for _, s := range storetest.SampleItems() {
		write(t, folder(t, content, s.Role), s.Kind, s.Item)
	}
	srv := exchangetest.New(t, exchangetest.Options{
		Users: []exchangetest.User{{Alias: kdctest.User, Name: "Anna Schmidt", Password: kdctest.Password, Admin: true}, {Alias: "copy"}},
		Seed:  map[string]seed{kdctest.User: copyOf(content)},
		Config: func(c *exchangeserver.Config) {
			c.Auth.Keytab, c.Auth.Token, c.Auth.ExtendedProtection = kdc.Keytab, issuer.verify, "require"
		},
	})
	rpc, err := srv.Server.ListenRPC(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- rpc.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	_, mapper := rpc.Ports()
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	host := "localhost:" + u.Port() // the name that tickets are for
	for _, w := range ways() {
		t.Run(w.String(), func(t *testing.T) {
			home := t.TempDir()
			set, err := settings.Load(home)
			if err != nil {
				t.Fatal(err)
			}
			set.SetText(settings.Messaging, settings.RpcHttpProxyMap, srv.Domain+"=https://"+host+",ntlm,ntlm,true")
			if err := set.Save(home); err != nil {
				t.Fatal(err)
			}
			cfg := &opencdo.Config{Home: home, Admin: true, Transports: []string{w.transport}, MapperPort: mapper, User: kdctest.User,
				Auth: opencdo.Auth{RPC: w.rpc, RPCLevel: w.level}}
			if w.http != "" {
				cfg.Auth.Schemes = []string{w.http}
			}
			switch {
			case w.bearer:
				cfg.Auth.Token = func(context.Context, string) (string, error) {
					return issuer.token(kdctest.User + "@" + srv.Domain), nil
				}
			case w.kerberos != "":
				cfg.Auth.Kerberos = &opencdo.Kerberos{ConfigFile: kdc.Config, Realm: kdctest.Realm}
				switch w.kerberos {
				case "keytab":
					cfg.Auth.Kerberos.KeytabFile = kdc.UserKeytab
				case "cache":
					cfg.Auth.Kerberos.CredentialCache = kdc.CredentialCache(t)
				case "password":
					cfg.Auth.Kerberos.Password = true
				}
			}
			if !w.bearer {
				cfg.Password = func(context.Context, string, string) (string, error) { return kdctest.Password, nil }
			}
			open := func(alias string) mapi.Store {
				address := "exchange:" + alias + "@" + srv.Mailbox(t, alias).String() + "@" + srv.Domain
				if w.transport == "rpctcp" {
					address = "exchange:" + alias + "@localhost"
				}
				st, err := opencdo.Open(t.Context(), address, cfg)
				if err != nil {
					t.Fatalf("log on to %s: %v", alias, err)
				}
				t.Cleanup(func() { st.Close() })
				return st
			}
			src, dst := open(kdctest.User), open("copy")
			book, ok := mapi.As[mapi.AddressBook](src)
			if !ok {
				t.Fatal("there is no address book")
			}
			found, err := book.Resolve(t.Context(), "schmidt", []mapi.Key{mapi.TagKey(pid.TagSmtpAddress)})
			if err != nil || len(found) != 1 || found[0].Text(pid.TagSmtpAddress) != kdctest.User+"@"+srv.Domain {
				t.Errorf("the address book knows %v, %v", found, err)
			}
			repo := newRepo(t)
			backUp(t, src, repo)
			restore(t, repo, dst)
			if n := same(t, src, dst); n < len(storetest.SampleItems()) {
				t.Errorf("only %d items compared", n)
			}
			empty(t, dst)
		})
	}
}

// empty removes what was restored, for the next one.
func empty(t *testing.T, st mapi.Store) {
	t.Helper()
	for _, s := range storetest.SampleItems() {
		f := folder(t, st, s.Role)
		for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
			var ids []mapi.EntryID
			for r, err := range f.Rows(t.Context(), mapi.Query{Kind: k}) {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, r.ID)
			}
			if len(ids) > 0 {
				if err := f.Delete(t.Context(), ids, true); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// issuer makes access tokens.
type issuer struct{ key *ecdsa.PrivateKey }

func newIssuer(t *testing.T) *issuer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{key}
}

// token is a signed name.
func (i *issuer) token(user string) string {
	body, _ := json.Marshal(map[string]any{"upn": user, "exp": time.Now().Add(time.Hour).Unix()})
	text := base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	sig, _ := ecdsa.SignASN1(rand.Reader, i.key, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func (i *issuer) verify(_ context.Context, token string) (string, error) {
	text, sig, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(sig)
	sum := sha256.Sum256([]byte(text))
	if err != nil || !ecdsa.VerifyASN1(&i.key.PublicKey, sum[:], b) {
		return "", fmt.Errorf("%w: signature", exchangeserver.ErrToken)
	}
	var claims struct {
		UPN string
		Exp int64
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(body, &claims) != nil || claims.Exp < time.Now().Unix() {
		return "", fmt.Errorf("%w: expired", exchangeserver.ErrToken)
	}
	return claims.UPN, nil
}
