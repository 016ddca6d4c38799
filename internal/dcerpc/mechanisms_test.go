package dcerpc

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/spnego"
)

// TestMechanisms has our client and server authenticate by each mechanism, at each level.
func TestMechanisms(t *testing.T) {
	ntlmClient := func(Level) gss.Context {
		return ntlm.NewInitiator(ntlm.Config{User: "anna", Domain: "EXAMPLE", Password: "geheim", Seal: true})
	}
	ntlmServer := func() gss.Context {
		return ntlm.NewAcceptor(ntlm.AcceptorConfig{Lookup: func(_ context.Context, _, user string) (ntlm.Hash, bool, error) {
			return ntlm.NTHash("geheim"), user == "anna", nil
		}})
	}
	authenticated(t, "NTLM", AuthNTLM, `EXAMPLE\anna`, ntlmClient, ntlmServer)
	authenticated(t, "NTLM negotiated", AuthNegotiate, `EXAMPLE\anna`,
		func(l Level) gss.Context { return spnego.NewInitiator(spnego.Fixed(spnego.NTLM, ntlmClient(l))) },
		func() gss.Context { return spnego.NewAcceptor(spnego.Fixed(spnego.NTLM, ntlmServer())) })

	t.Run("Kerberos", func(t *testing.T) {
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
		peer := kdctest.User + "@" + kdctest.Realm
		initiator := func(l Level) gss.Context {
			return client.NewInitiator(kerberos.Target{Service: kdctest.Service, Seal: l == LevelPrivacy, DCE: true})
		}
		replays := new(kerberos.ReplayCache)
		acceptor := func() gss.Context {
			return kerberos.NewAcceptor(kerberos.AcceptorConfig{Keytab: keys, Replays: replays})
		}
		authenticated(t, "itself", AuthKerberos, peer, initiator, acceptor)
		sealing := func(Level) gss.Context { return initiator(LevelPrivacy) }
		authenticated(t, "asking for confidentiality", AuthKerberos, peer, sealing, acceptor)
		authenticated(t, "asking for confidentiality, negotiated", AuthNegotiate, peer,
			func(Level) gss.Context {
				return spnego.NewInitiator(spnego.Fixed(spnego.Kerberos, initiator(LevelPrivacy)))
			},
			func() gss.Context { return spnego.NewAcceptor(spnego.Fixed(spnego.Kerberos, acceptor())) })
		authenticated(t, "negotiated", AuthNegotiate, peer,
			func(l Level) gss.Context { return spnego.NewInitiator(spnego.Fixed(spnego.Kerberos, initiator(l))) },
			func() gss.Context { return spnego.NewAcceptor(spnego.Fixed(spnego.Kerberos, acceptor())) })
	})
}

func authenticated(t *testing.T, name string, typ AuthType, peer string, client func(Level) gss.Context, server func() gss.Context) {
	for level := LevelConnect; level <= LevelPrivacy; level++ {
		t.Run(fmt.Sprint(name, " at level ", level), func(t *testing.T) {
			s := newServer()
			s.Accept = func(AuthType) (gss.Context, error) { return server(), nil }
			c := s.bound(t, Config{Auth: client(level), AuthType: typ, Level: level})
			if out, err := c.Call(t.Context(), opWho, nil); err != nil || string(out) != fmt.Sprintf("%s %d %d <nil>", peer, typ, level) {
				t.Errorf("called by %q, %v", out, err)
			}
			in := bytes.Repeat([]byte("stub"), 10_001)
			if out, err := c.Call(t.Context(), opEcho, in); err != nil || !bytes.Equal(in, out) {
				t.Errorf("%d bytes, %v", len(out), err)
			}
		})
	}
}
