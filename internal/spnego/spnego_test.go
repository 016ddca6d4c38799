package spnego

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/gss/gsstest"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ntlm"
)

func lookup(_ context.Context, domain, user string) (ntlm.Hash, bool, error) {
	return ntlm.NTHash("geheim"), domain == "EXAMPLE" && user == "anna", nil
}

func ntlmClient() Mechanism {
	return Fixed(NTLM, ntlm.NewInitiator(ntlm.Config{User: "anna", Domain: "EXAMPLE", Password: "geheim", Sign: true, Seal: true}))
}

func ntlmServer() Mechanism {
	return Fixed(NTLM, ntlm.NewAcceptor(ntlm.AcceptorConfig{Lookup: lookup}))
}

var broken = Mechanism{Kerberos, func(context.Context) (gss.Context, error) { return nil, errors.New("no ticket") }}

// never is a mechanism that is offered and not taken.
type never struct{ gss.Context }

func (never) Step(context.Context, []byte) ([]byte, bool, error) {
	return []byte("optimistic"), false, nil
}

func TestNTLMInside(t *testing.T) {
	for _, c := range []struct {
		name           string
		client, server []Mechanism
		want           error
	}{
		{name: "only one", client: []Mechanism{ntlmClient()}, server: []Mechanism{ntlmServer()}},
		{name: "client has no ticket", client: []Mechanism{broken, ntlmClient()}, server: []Mechanism{ntlmServer()}},
		{name: "server changes", client: []Mechanism{Fixed(Kerberos, never{}), ntlmClient()}, server: []Mechanism{ntlmServer()}},
		{name: "nothing in common", client: []Mechanism{Fixed(Kerberos, never{})}, server: []Mechanism{ntlmServer()}, want: ErrNoMechanism},
		{name: "nothing works", client: []Mechanism{broken}, server: []Mechanism{ntlmServer()}, want: ErrNoMechanism},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, a := NewInitiator(c.client...), NewAcceptor(c.server...)
			if err := gsstest.Shake(t.Context(), i, a); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if c.want != nil {
				return
			}
			if !i.Mechanism().Equal(NTLM) || a.Peer() != `EXAMPLE\anna` || !a.SignsHeader() {
				t.Errorf("mechanism %v, peer %q", i.Mechanism(), a.Peer())
			}
			gsstest.Talk(t, i, a)
			gsstest.Talk(t, a, i)
		})
	}
}

func TestPlainNTLM(t *testing.T) {
	i := ntlm.NewInitiator(ntlm.Config{User: "anna", Domain: "EXAMPLE", Password: "geheim", Seal: true})
	a := NewAcceptor(ntlmServer())
	if err := gsstest.Shake(t.Context(), i, a); err != nil {
		t.Fatal(err)
	}
	gsstest.Talk(t, i, a)
}

// Someone on the way takes Kerberos from the list, so that NTLM remains.
func TestTamperedList(t *testing.T) {
	i, a := NewInitiator(Fixed(Kerberos, never{}), ntlmClient()), NewAcceptor(Fixed(Kerberos, never{}), ntlmServer())
	first, _, err := i.Step(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	offer, err := decodeInit(first)
	if err != nil {
		t.Fatal(err)
	}
	offer.MechTypes, offer.MechToken = offer.MechTypes[1:], nil
	token, err := encodeInit(offer)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; err == nil && n < 8; n++ {
		var done bool
		if n%2 == 1 {
			token, done, err = a.Step(t.Context(), token)
		} else {
			token, done, err = i.Step(t.Context(), token)
		}
		if done {
			t.Fatalf("side %d is content", n%2)
		}
	}
	if !errors.Is(err, ErrTampered) {
		t.Errorf("error %v", err)
	}
}

// MIT's SPNEGO with gss-ntlmssp inside. It has no wrap_iov; signatures prove the keys and their state.
func TestNTLMAgainstMIT(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(name, []byte("EXAMPLE:anna:geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Without credentials of Kerberos NTLM remains.
	env := []string{"NTLM_USER_FILE=" + name, "KRB5_CONFIG=/dev/null", "KRB5CCNAME=FILE:" + name + ".none", "KRB5_KTNAME=" + name + ".none"}
	t.Run("client", func(t *testing.T) {
		peer := gsstest.New(t, gsstest.Config{Mech: gsstest.SPNEGO, Name: "HTTP@localhost", User: `EXAMPLE\anna`,
			Flags: []string{"integrity", "confidentiality", "mutual_authentication"}, Env: env})
		a := NewAcceptor(ntlmServer())
		if err := gsstest.Shake(t.Context(), peer, a); err != nil {
			t.Fatal(err)
		}
		gsstest.TalkSigned(t, peer, a)
		gsstest.TalkSigned(t, a, peer)
	})
	t.Run("server", func(t *testing.T) {
		peer := gsstest.New(t, gsstest.Config{Accept: true, Mech: gsstest.SPNEGO, Env: env})
		i := NewInitiator(ntlmClient())
		if err := gsstest.Shake(t.Context(), i, peer); err != nil {
			t.Fatal(err)
		}
		gsstest.TalkSigned(t, peer, i)
		gsstest.TalkSigned(t, i, peer)
	})
}

func TestKerberosAgainstMIT(t *testing.T) {
	kdc := kdctest.Start(t, "")
	keys, err := kerberos.LoadKeytab(kdc.Keytab)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kerberos.NewClient(kerberos.ClientConfig{User: kdctest.User, Password: kdctest.Password, ConfigFile: kdc.Config})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	server := func() Mechanism {
		return Fixed(Kerberos, kerberos.NewAcceptor(kerberos.AcceptorConfig{Keytab: keys, Replays: new(kerberos.ReplayCache)}))
	}
	flags := []string{"integrity", "confidentiality", "mutual_authentication"}
	for _, dce := range []bool{false, true} {
		kind := "plain"
		if dce {
			kind, flags = "DCE", append(flags, "dce_style")
		}
		t.Run(kind+" client", func(t *testing.T) {
			peer := gsstest.New(t, gsstest.Config{Mech: gsstest.SPNEGO, Name: "HTTP@localhost", Flags: flags,
				Env: append(kdc.Env(), "KRB5CCNAME=FILE:"+kdc.CredentialCache(t))})
			a := NewAcceptor(server(), ntlmServer())
			if err := gsstest.Shake(t.Context(), peer, a); err != nil {
				t.Fatal(err)
			}
			if want := kdctest.User + "@" + kdctest.Realm; a.Peer() != want {
				t.Errorf("peer %q", a.Peer())
			}
			gsstest.Talk(t, peer, a)
			gsstest.Talk(t, a, peer)
		})
		t.Run(kind+" server", func(t *testing.T) {
			peer := gsstest.New(t, gsstest.Config{Accept: true, Mech: gsstest.SPNEGO, Env: kdc.Env()})
			i := NewInitiator(Fixed(Kerberos, client.NewInitiator(kerberos.Target{Service: kdctest.Service, Seal: true, DCE: dce})), ntlmClient())
			if err := gsstest.Shake(t.Context(), i, peer); err != nil {
				t.Fatal(err)
			}
			gsstest.Talk(t, peer, i)
			gsstest.Talk(t, i, peer)
		})
	}
	t.Run("plain token", func(t *testing.T) {
		a := NewAcceptor(server())
		if err := gsstest.Shake(t.Context(), client.NewInitiator(kerberos.Target{Service: kdctest.Service}), a); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzAcceptor(f *testing.F) {
	first, _, err := NewInitiator(ntlmClient()).Step(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	resp, err := encodeResp(respToken{NegState: acceptIncomplete, SupportedMech: NTLM, ResponseToken: []byte("x"), MechListMIC: []byte("y")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(first, resp)
	f.Add([]byte("0"), resp)
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a := NewAcceptor(ntlmServer())
		for _, token := range [][]byte{first, second} {
			if _, done, _ := a.Step(t.Context(), token); done {
				t.Error("accepted")
			}
		}
		i := NewInitiator(ntlmClient())
		i.Step(t.Context(), nil)
		if _, done, _ := i.Step(t.Context(), second); done {
			t.Error("content")
		}
	})
}
