package kerberos

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/gss/gsstest"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
)

const hostService = "HTTP@localhost"

var (
	protect = []string{"integrity", "confidentiality", "mutual_authentication", "replay_detection", "out_of_sequence_detection"}
	binding = gss.ChannelBinding("tls-server-end-point:certificate")
)

func password(t testing.TB, kdc *kdctest.KDC) *Client {
	t.Helper()
	return newClient(t, ClientConfig{User: kdctest.User, Realm: kdctest.Realm, Password: kdctest.Password, ConfigFile: kdc.Config})
}

func newClient(t testing.TB, cfg ClientConfig) *Client {
	t.Helper()
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func keytabOf(t testing.TB, name string) *Keytab {
	t.Helper()
	k, err := LoadKeytab(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Both sides against MIT's, in both forms, with all kinds of AES.
func TestAgainstMIT(t *testing.T) {
	for _, enctypes := range []string{"aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha384-192",
		"aes128-cts-hmac-sha256-128"} {
		t.Run(enctypes, func(t *testing.T) {
			kdc := kdctest.Start(t, enctypes+":normal")
			cache := "KRB5CCNAME=FILE:" + kdc.CredentialCache(t)
			for _, dce := range []bool{false, true} {
				flags := protect
				if dce {
					flags = append([]string{"dce_style"}, protect...)
				}
				t.Run(fmt.Sprintf("initiator, DCE %v", dce), func(t *testing.T) {
					i := password(t, kdc).NewInitiator(Target{Service: kdctest.Service, ChannelBinding: binding, Seal: true, DCE: dce})
					peer := gsstest.New(t, gsstest.Config{Accept: true, Mech: gsstest.Kerberos, Binding: binding, Env: kdc.Env()})
					if err := gsstest.Shake(t.Context(), i, peer); err != nil {
						t.Fatal(err)
					}
					if want := kdctest.User + "@" + kdctest.Realm; peer.Initiator != want {
						t.Errorf("MIT's library sees %q", peer.Initiator)
					}
					gsstest.Talk(t, i, peer)
					gsstest.Talk(t, peer, i)
				})
				t.Run(fmt.Sprintf("acceptor, DCE %v", dce), func(t *testing.T) {
					a := NewAcceptor(AcceptorConfig{Keytab: keytabOf(t, kdc.Keytab), ChannelBinding: binding, RequireChannelBinding: true,
						Replays: new(ReplayCache)})
					peer := gsstest.New(t, gsstest.Config{Mech: gsstest.Kerberos, Name: hostService, Binding: binding, Flags: flags,
						Env: append(kdc.Env(), cache)})
					if err := gsstest.Shake(t.Context(), peer, a); err != nil {
						t.Fatal(err)
					}
					if want := kdctest.User + "@" + kdctest.Realm; a.Peer() != want {
						t.Errorf("peer %q", a.Peer())
					}
					gsstest.Talk(t, peer, a)
					gsstest.Talk(t, a, peer)
				})
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	kdc := kdctest.Start(t, "")
	keys := keytabOf(t, kdc.Keytab)
	cache := kdc.CredentialCache(t)
	for _, c := range []struct {
		name   string
		client ClientConfig
		target Target
		server AcceptorConfig
		want   error
	}{
		{name: "password", client: ClientConfig{User: kdctest.User, Password: kdctest.Password}},
		{name: "user without preauthentication", client: ClientConfig{User: "nopreauth", Password: kdctest.Password}},
		{name: "keytab", client: ClientConfig{User: kdctest.User, Keytab: keytabOf(t, kdc.UserKeytab)}},
		{name: "credential cache", client: ClientConfig{CredentialCache: cache}},
		{name: "DCE", client: ClientConfig{CredentialCache: cache}, target: Target{DCE: true, Seal: true}},
		{name: "service by another name", client: ClientConfig{CredentialCache: cache}, server: AcceptorConfig{Principal: kdctest.Service}},
		{name: "not the service's key", client: ClientConfig{CredentialCache: cache},
			server: AcceptorConfig{Keytab: keytabOf(t, kdc.UserKeytab)}, want: ErrRefused},
		{name: "wrong password", client: ClientConfig{User: kdctest.User, Password: "x"}, want: ErrRefused},
		{name: "unknown user", client: ClientConfig{User: "otto", Password: "x"}, want: ErrRefused},
		{name: "binding", client: ClientConfig{CredentialCache: cache}, target: Target{ChannelBinding: binding},
			server: AcceptorConfig{ChannelBinding: binding, RequireChannelBinding: true}},
		{name: "other binding", client: ClientConfig{CredentialCache: cache}, target: Target{ChannelBinding: append(binding, 'x')},
			server: AcceptorConfig{ChannelBinding: binding}, want: ErrChannelBinding},
		{name: "no binding, not required", client: ClientConfig{CredentialCache: cache}, server: AcceptorConfig{ChannelBinding: binding}},
		{name: "no binding, but required", client: ClientConfig{CredentialCache: cache},
			server: AcceptorConfig{ChannelBinding: binding, RequireChannelBinding: true}, want: ErrChannelBinding},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.client.ConfigFile, c.target.Service, c.server.Replays = kdc.Config, kdctest.Service, new(ReplayCache)
			if c.server.Keytab == nil {
				c.server.Keytab = keys
			}
			i, a := newClient(t, c.client).NewInitiator(c.target), NewAcceptor(c.server)
			err := gsstest.Shake(t.Context(), i, a)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err != nil {
				if a.Peer() != "" {
					t.Errorf("refused, yet %q", a.Peer())
				}
				if c.client.Password != "" && strings.Contains(err.Error(), kdctest.Password) {
					t.Error(err)
				}
				return
			}
			gsstest.TalkSigned(t, i, a)
			if c.target.Seal {
				gsstest.Talk(t, i, a)
				gsstest.Talk(t, a, i)
			}
		})
	}
}

func TestReplay(t *testing.T) {
	kdc := kdctest.Start(t, "")
	cfg := AcceptorConfig{Keytab: keytabOf(t, kdc.Keytab), Replays: new(ReplayCache)}
	token, _, err := password(t, kdc).NewInitiator(Target{Service: kdctest.Service}).Step(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := NewAcceptor(cfg).Step(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, _, err := NewAcceptor(cfg).Step(t.Context(), token); !errors.Is(err, ErrReplay) {
		t.Errorf("second time: %v", err)
	}
}

func TestReplayCacheForgets(t *testing.T) {
	var c ReplayCache
	now := time.Now()
	for n := range maxReplays {
		if err := c.seen([]byte{byte(n), byte(n >> 8), byte(n >> 16)}, now); err != nil {
			t.Fatal(n, err)
		}
	}
	if err := c.seen([]byte("one more"), now); !errors.Is(err, errTooMany) {
		t.Errorf("full cache: %v", err)
	}
	if err := c.seen([]byte("one more"), now.Add(2*maxSkew)); err != nil || len(c.until) != 1 {
		t.Errorf("later: %v, %d remembered", err, len(c.until))
	}
}

// Every byte of the first token counts, and none of them makes the acceptor panic.
func TestDamagedRequest(t *testing.T) {
	kdc := kdctest.Start(t, "")
	cfg := AcceptorConfig{Keytab: keytabOf(t, kdc.Keytab)}
	token, _, err := password(t, kdc).NewInitiator(Target{Service: kdctest.Service}).Step(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range token {
		cfg.Replays = new(ReplayCache)
		if _, done, err := NewAcceptor(cfg).Step(t.Context(), token[:n]); err == nil || done {
			t.Fatalf("accepted %d of %d bytes", n, len(token))
		}
		bad := bytes.Clone(token)
		bad[n] ^= 0x15
		NewAcceptor(cfg).Step(t.Context(), bad)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	cfg := ClientConfig{User: "anna", Realm: "EXAMPLE.TEST", Password: "geheim"}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", cfg)
	fmt.Fprintf(&out, "%v %+v %#v %x", cfg, cfg, cfg, cfg)
	if strings.Contains(out.String(), "geheim") || strings.Contains(out.String(), fmt.Sprintf("%x", "geheim")) {
		t.Errorf("password in %s", &out)
	}
	i := new(Initiator)
	i.key = newKey(encryptionTypes[0])
	before := out.Len()
	fmt.Fprintf(&out, "%v %+v %#v", i, i, i)
	if got := out.String()[before:]; strings.Contains(got, "KeyValue") || strings.Contains(got, fmt.Sprint(i.key.KeyValue)) {
		t.Errorf("key in %s", got)
	}
	name := filepath.Join(t.TempDir(), "keytab")
	if err := os.WriteFile(name, []byte("\x05\x02\x00\x00\x00\xffvery secret key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKeytab(name); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("damaged keytab: %v", err)
	}
}

func FuzzAcceptor(f *testing.F) {
	b, err := frame(tokenRequest, []byte("\x6e\x03\x30\x01\x00"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	name := filepath.Join(f.TempDir(), "keytab")
	if err := os.WriteFile(name, []byte("\x05\x02\x00\x00\x00\x00"), 0o600); err != nil {
		f.Fatal(err)
	}
	keys := keytabOf(f, name)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, done, _ := NewAcceptor(AcceptorConfig{Keytab: keys, Replays: new(ReplayCache)}).Step(t.Context(), b); done {
			t.Error("accepted")
		}
	})
}

// What a peer sends as a per-message token is only ever refused.
func FuzzUnseal(f *testing.F) {
	key := newKey(encryptionTypes[0])
	f.Add([]byte("message"), make([]byte, 92))
	f.Fuzz(func(t *testing.T, message, token []byte) {
		s := session{flags: flagDCE | flagConf}
		if err := s.establish(key); err != nil {
			t.Fatal(err)
		}
		if s.Unseal(message, message, token) == nil || s.Verify(message, token) == nil {
			t.Error("accepted")
		}
		if _, err := decodeReply(token, key); err == nil {
			t.Error("AP-REP accepted")
		}
	})
}
