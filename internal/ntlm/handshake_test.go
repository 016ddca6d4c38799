package ntlm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/gss"
)

// anna is the only user.
func anna(_ context.Context, domain, user string) (Hash, bool, error) {
	if !strings.EqualFold(user, "anna") || !strings.EqualFold(domain, "example") {
		return Hash{}, false, nil
	}
	return NTHash("Grüße, 世界"), true, nil
}

func client() Config {
	return Config{User: "Anna", Domain: "EXAMPLE", Password: "Grüße, 世界", Workstation: "PC", Sign: true, Seal: true}
}

// shake runs a handshake; change may change the tokens on their way.
func shake(ctx context.Context, i *Initiator, a *Acceptor, change func(leg int, token []byte) []byte) error {
	var token []byte
	for leg := 1; ; leg++ {
		var done bool
		var err error
		if leg%2 == 1 {
			token, _, err = i.Step(ctx, token)
		} else {
			token, done, err = a.Step(ctx, token)
		}
		if err != nil || done {
			return err
		}
		if change != nil {
			token = change(leg, token)
		}
	}
}

func TestHandshake(t *testing.T) {
	binding := gss.ChannelBinding("tls-server-end-point:certificate")
	for _, c := range []struct {
		name   string
		client func(*Config)
		server func(*AcceptorConfig)
		change func(leg int, token []byte) []byte
		want   error
	}{
		{name: "good"},
		{name: "without key exchange", client: func(c *Config) { c.NoKeyExchange = true }},
		{name: "case of the user's name", client: func(c *Config) { c.User = "aNNa" }},
		{name: "wrong password", client: func(c *Config) { c.Password = "x" }, want: ErrRefused},
		{name: "unknown user", client: func(c *Config) { c.User = "otto" }, want: ErrRefused},
		{name: "unknown user, hash of zeroes", client: func(c *Config) { c.User, c.Password = "otto", "" }, want: ErrRefused},
		{name: "lookup fails", server: func(c *AcceptorConfig) {
			c.Lookup = func(context.Context, string, string) (Hash, bool, error) {
				return Hash{}, false, context.DeadlineExceeded
			}
		}, want: context.DeadlineExceeded},
		{name: "same binding", client: func(c *Config) { c.ChannelBinding = binding },
			server: func(c *AcceptorConfig) { c.ChannelBinding, c.RequireChannelBinding = binding, true }},
		{name: "other binding", client: func(c *Config) { c.ChannelBinding = append(binding, 'x') },
			server: func(c *AcceptorConfig) { c.ChannelBinding = binding }, want: ErrChannelBinding},
		{name: "no binding, not required", server: func(c *AcceptorConfig) { c.ChannelBinding = binding }},
		{name: "no binding, but required", server: func(c *AcceptorConfig) { c.ChannelBinding, c.RequireChannelBinding = binding, true },
			want: ErrChannelBinding},
		{name: "binding required, none known", server: func(c *AcceptorConfig) { c.RequireChannelBinding = true }, want: ErrChannelBinding},
		{name: "changed offer", change: func(leg int, b []byte) []byte {
			if leg == 1 {
				b = bytes.Clone(b)
				b[12] ^= flagOEM
			}
			return b
		}, want: ErrIntegrity},
		{name: "MIC taken away", change: func(leg int, b []byte) []byte {
			if leg == 3 {
				b = bytes.Clone(b)
				clear(b[micOffset : micOffset+16])
			}
			return b
		}, want: ErrIntegrity},
		{name: "NTLM version 1", change: func(leg int, b []byte) []byte {
			var m authenticate
			if leg != 3 {
				return b
			}
			if err := decode(nameAuthenticate, b, &m); err != nil {
				t.Fatal(err)
			}
			m.NTResponse = m.NTResponse[:24]
			b, err := encode(nameAuthenticate, &m)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}, want: ErrVersion},
		{name: "no extended session security", change: func(leg int, b []byte) []byte {
			if leg == 1 {
				b = bytes.Clone(b)
				b[14] &^= flagExtendedSession >> 16
			}
			return b
		}, want: ErrVersion},
	} {
		t.Run(c.name, func(t *testing.T) {
			cc, sc := client(), AcceptorConfig{Lookup: anna, DNSComputer: "mail.example.com"}
			if c.client != nil {
				c.client(&cc)
			}
			if c.server != nil {
				c.server(&sc)
			}
			i, a := NewInitiator(cc), NewAcceptor(sc)
			err := shake(t.Context(), i, a, c.change)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if err != nil {
				if a.Peer() != "" {
					t.Errorf("refused, yet %q", a.Peer())
				}
				if _, err := a.Sign(nil); err == nil {
					t.Error("refused, yet it signs")
				}
				return
			}
			if want := cc.Domain + `\` + cc.User; a.Peer() != want || i.Peer() != "mail.example.com" {
				t.Errorf("peers %q, %q", a.Peer(), i.Peer())
			}
			talk(t, i, a)
			talk(t, a, i)
		})
	}
}

// talk protects messages from one side to the other.
func talk(t *testing.T, from, to gss.Context) {
	t.Helper()
	for n := range 3 {
		pdu := []byte(fmt.Sprintf("header|body of message %d|trailer", n))
		plain := bytes.Clone(pdu)
		body := pdu[7 : len(pdu)-8]
		token, err := from.Seal(pdu, body)
		if err != nil || len(token) != from.TokenSize() {
			t.Fatal(len(token), err)
		}
		if bytes.Contains(pdu, []byte("message")) || !bytes.HasPrefix(pdu, []byte("header|")) {
			t.Errorf("sealed: %q", pdu)
		}
		if err := to.Unseal(pdu, body, token); err != nil || !bytes.Equal(pdu, plain) {
			t.Fatalf("unsealed: %q, %v", pdu, err)
		}
		token, err = from.Sign(plain)
		if err != nil {
			t.Fatal(err)
		}
		if err := to.Verify(plain, token); err != nil {
			t.Fatal(err)
		}
	}
	token, err := from.Sign([]byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Verify([]byte("massage"), token); !errors.Is(err, ErrIntegrity) {
		t.Errorf("changed message: %v", err)
	}
	if err := to.Verify([]byte("message"), token); !errors.Is(err, ErrIntegrity) {
		t.Errorf("repeated message: %v", err)
	}
}

// A second answer to the same challenge isn't even looked at.
func TestOneGuessPerChallenge(t *testing.T) {
	a := NewAcceptor(AcceptorConfig{Lookup: anna})
	bad := client()
	bad.Password = "x"
	i := NewInitiator(bad)
	good := NewInitiator(client())
	first, _, _ := i.Step(t.Context(), nil)
	good.Step(t.Context(), nil)
	challenge, _, err := a.Step(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	guess, _, _ := i.Step(t.Context(), challenge)
	right, _, _ := good.Step(t.Context(), challenge)
	if _, _, err := a.Step(t.Context(), guess); !errors.Is(err, ErrRefused) {
		t.Fatal(err)
	}
	if _, done, err := a.Step(t.Context(), right); err == nil || done {
		t.Error("second guess accepted")
	}
}

func TestSecretsStayHidden(t *testing.T) {
	cfg := client()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("x", "config", cfg, "hash", NTHash(cfg.Password))
	js, err := json.Marshal(NTHash(cfg.Password))
	fmt.Fprintf(&out, "%v %+v %#v %x %s %s %v", cfg, cfg, cfg, NTHash(cfg.Password), NTHash(cfg.Password), js, err)
	i := NewInitiator(cfg)
	fmt.Fprintf(&out, "%v %+v %#v", i, i, i)
	h := NTHash(cfg.Password)
	raw := [16]byte(h)
	for _, secret := range []string{cfg.Password, fmt.Sprintf("%x", raw), fmt.Sprint(raw)} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q in %q", secret, out.String())
		}
	}
}

func FuzzNegotiate(f *testing.F) {
	b, _, _ := NewInitiator(client()).Step(f.Context(), nil)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		NewAcceptor(AcceptorConfig{Lookup: anna}).Step(t.Context(), b)
		roundTrip(t, nameNegotiate, b, &negotiate{}, &negotiate{})
	})
}

func FuzzChallenge(f *testing.F) {
	f.Add(unhex(f, vectorChallenge))
	f.Fuzz(func(t *testing.T, b []byte) {
		i := NewInitiator(client())
		i.Step(t.Context(), nil)
		i.Step(t.Context(), b)
		roundTrip(t, nameChallenge, b, &challenge{}, &challenge{})
	})
}

func FuzzAuthenticate(f *testing.F) {
	f.Add(unhex(f, vectorAuthenticate))
	i, a := NewInitiator(client()), NewAcceptor(AcceptorConfig{Lookup: anna})
	shake(f.Context(), i, a, func(leg int, b []byte) []byte {
		f.Add(b)
		return b
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		a := NewAcceptor(AcceptorConfig{Lookup: anna})
		first, _, _ := NewInitiator(client()).Step(t.Context(), nil)
		a.Step(t.Context(), first)
		if _, done, _ := a.Step(t.Context(), b); done {
			t.Error("accepted")
		}
		roundTrip(t, nameAuthenticate, b, &authenticate{}, &authenticate{})
	})
}

// roundTrip: what was decoded comes back when encoded and decoded again.
func roundTrip(t *testing.T, name string, b []byte, first, second interface{ code(*coder) }) {
	if decode(name, b, first) != nil {
		return
	}
	again, err := encode(name, first)
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(name, again, second); err != nil || fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("%v, then %v, %v", first, second, err)
	}
}
