package ntlm

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/gss/gsstest"
)

// users is a file of users as gss-ntlmssp reads it.
func users(t *testing.T) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte("EXAMPLE:anna:geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"NTLM_USER_FILE=" + name}
}

func lookupPlain(_ context.Context, domain, user string) (Hash, bool, error) {
	return NTHash("geheim"), domain == "EXAMPLE" && user == "anna", nil
}

// talkWrapped is for a mechanism without wrap_iov: token and message come in one piece.
func talkWrapped(t *testing.T, peer *gsstest.Peer, c gss.Context) {
	t.Helper()
	for _, m := range []string{"x", "a longer message to be kept secret"} {
		b := []byte(m)
		token, err := c.Seal(b, b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := peer.Unwrap(append(token, b...)); err != nil || string(got) != m {
			t.Fatalf("to the peer: %q, %v", got, err)
		}
		w, err := peer.Wrap([]byte(m))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Unseal(w[16:], w[16:], w[:16]); err != nil || string(w[16:]) != m {
			t.Fatalf("from the peer: %q, %v", w[16:], err)
		}
	}
}

var (
	protect = []string{"integrity", "confidentiality", "mutual_authentication"}
	binding = []byte("tls-server-end-point:certificate")
)

func TestAgainstGSSNTLMSSPAsClient(t *testing.T) {
	for _, bound := range [][]byte{nil, binding} {
		peer := gsstest.New(t, gsstest.Config{Mech: gsstest.NTLM, Name: "HTTP@mail.example.com", User: `EXAMPLE\anna`, Flags: protect,
			Binding: bound, Env: users(t)})
		a := NewAcceptor(AcceptorConfig{Lookup: lookupPlain, ChannelBinding: bound, RequireChannelBinding: bound != nil})
		if err := gsstest.Shake(t.Context(), peer, a); err != nil {
			t.Fatal(err)
		}
		if a.Peer() != `EXAMPLE\anna` {
			t.Errorf("peer %q", a.Peer())
		}
		gsstest.TalkSigned(t, peer, a)
		gsstest.TalkSigned(t, a, peer)
		talkWrapped(t, peer, a)
	}
}

func TestAgainstGSSNTLMSSPAsServer(t *testing.T) {
	for _, cfg := range []Config{
		{Sign: true, Seal: true},
		{Sign: true, Seal: true, NoKeyExchange: true},
		{Sign: true, Seal: true, ChannelBinding: binding},
	} {
		peer := gsstest.New(t, gsstest.Config{Accept: true, Mech: gsstest.NTLM, Binding: cfg.ChannelBinding, Env: users(t)})
		cfg.User, cfg.Domain, cfg.Password, cfg.TargetName = "anna", "EXAMPLE", "geheim", "HTTP/mail.example.com"
		i := NewInitiator(cfg)
		if err := gsstest.Shake(t.Context(), i, peer); err != nil {
			t.Fatalf("%+v: %v", cfg, err)
		}
		gsstest.TalkSigned(t, peer, i)
		gsstest.TalkSigned(t, i, peer)
		talkWrapped(t, peer, i)
	}
	peer := gsstest.New(t, gsstest.Config{Accept: true, Mech: gsstest.NTLM, Env: users(t)})
	i := NewInitiator(Config{User: "anna", Domain: "EXAMPLE", Password: "falsch"})
	if err := gsstest.Shake(t.Context(), i, peer); err == nil {
		t.Error("wrong password accepted")
	}
}
