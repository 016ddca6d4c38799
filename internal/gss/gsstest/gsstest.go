// Package gsstest gives tests a peer that others have written: a security context of MIT's GSS-API library, with NTLM by
// its plugin gss-ntlmssp, driven through Python's gssapi module.
package gsstest

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"github.com/opencdo/opencdo/internal/gss"
)

//go:embed peer.py
var script string

// Mechanisms.
var (
	Kerberos = []int{1, 2, 840, 113554, 1, 2, 2}
	NTLM     = []int{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}
	SPNEGO   = []int{1, 3, 6, 1, 5, 5, 2}
)

// Config is the side that the peer takes.
type Config struct {
	Accept bool  `json:"accept"`
	Mech   []int `json:"mech"`
	// Name is the service, in the form service@host.
	Name string `json:"name,omitempty"`
	// User is the initiator; empty: that of the credential cache.
	User    string   `json:"user,omitempty"`
	Binding []byte   `json:"binding,omitempty"`
	Flags   []string `json:"flags"` // names as in gssapi.RequirementFlag
	// Env is added to the environment.
	Env []string `json:"-"`
}

// Peer is a context in another process.
type Peer struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Scanner
	// Initiator is the user, as the peer knows it.
	Initiator string
}

var _ gss.Context = (*Peer)(nil)

// python is Debian's, for which Debian's packages are.
const python = "/usr/bin/python3"

// New starts a peer, or skips the test where the machine hasn't got it.
func New(t testing.TB, cfg Config) *Peer {
	t.Helper()
	if out, err := exec.Command(python, "-c", "import gssapi").CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED AGAINST MIT'S GSS-API: Debian's package python3-gssapi is missing: %v %s", err, out)
	}
	if _, err := os.Stat("/etc/gss/mech.d"); err != nil && len(cfg.Mech) == len(NTLM) {
		t.Skip("NOT TESTED AGAINST ANOTHER NTLM: Debian's package gss-ntlmssp is missing")
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Env = append(os.Environ(), cfg.Env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	p := &Peer{t: t, in: in, out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<20)
	if _, err := p.ask(cfg); err != nil {
		t.Fatal(err)
	}
	return p
}

type answer struct {
	Token, Message   []byte
	Done             bool
	Error, Initiator string
}

func (p *Peer) ask(request any) (a answer, err error) {
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		return a, err
	}
	if !p.out.Scan() {
		return a, errors.New("the peer has ended")
	}
	if err := json.Unmarshal(p.out.Bytes(), &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

type request map[string]any

// Step implements gss.Context.
func (p *Peer) Step(_ context.Context, token []byte) ([]byte, bool, error) {
	a, err := p.ask(request{"op": "step", "token": token})
	if err == nil && a.Done {
		var names answer
		names, err = p.ask(request{"op": "names"})
		p.Initiator = names.Initiator
	}
	return a.Token, a.Done, err
}

// TokenSize implements gss.Context; it isn't known.
func (p *Peer) TokenSize() int { return 0 }

// Peer implements gss.Context.
func (p *Peer) Peer() string { return p.Initiator }

// Sign implements gss.Context.
func (p *Peer) Sign(message []byte) ([]byte, error) {
	a, err := p.ask(request{"op": "sign", "message": message})
	return a.Token, err
}

// Verify implements gss.Context.
func (p *Peer) Verify(message, token []byte) error {
	_, err := p.ask(request{"op": "verify", "message": message, "token": token})
	return err
}

// Seal implements gss.Context.
func (p *Peer) Seal(message, secret []byte) ([]byte, error) {
	before, after := around(message, secret)
	a, err := p.ask(request{"op": "seal", "before": before, "secret": secret, "after": after})
	copy(secret, a.Message)
	return a.Token, err
}

// Unseal implements gss.Context.
func (p *Peer) Unseal(message, secret, token []byte) error {
	before, after := around(message, secret)
	a, err := p.ask(request{"op": "unseal", "before": before, "secret": secret, "after": after, "token": token})
	copy(secret, a.Message)
	return err
}

// Wrap gives a message as the mechanism wraps it: token and encrypted message in one.
func (p *Peer) Wrap(message []byte) ([]byte, error) {
	a, err := p.ask(request{"op": "wrap", "message": message})
	return a.Token, err
}

// Unwrap is the reverse of Wrap; it fails for what wasn't encrypted.
func (p *Peer) Unwrap(token []byte) ([]byte, error) {
	a, err := p.ask(request{"op": "unwrap", "token": token})
	if err == nil && !a.Done {
		err = errors.New("not encrypted")
	}
	return a.Message, err
}

func around(message, secret []byte) (before, after []byte) {
	at := int(uintptr(unsafe.Pointer(unsafe.SliceData(secret))) - uintptr(unsafe.Pointer(unsafe.SliceData(message))))
	return message[:at], message[at+len(secret):]
}

// Shake runs a handshake until both sides are done.
func Shake(ctx context.Context, i, a gss.Context) error {
	var token []byte
	sides, done := []gss.Context{i, a}, [2]bool{}
	for leg := 0; ; leg++ {
		side := leg % 2
		if done[side] {
			if token == nil && done[1-side] {
				return nil
			}
			return errors.New("handshake doesn't end on both sides")
		}
		var err error
		token, done[side], err = sides[side].Step(ctx, token)
		if err != nil {
			return err
		}
		if done[side] && token == nil && done[1-side] {
			return nil
		}
	}
}

// Messages that are to be protected.
var messages = []string{"x", "a message of thirty-two bytes ok", "Grüße aus der Ferne, ganz geheim, und länger als ein Block"}

// Talk protects messages from one side to the other, as parts of PDUs, and has changed ones refused.
func Talk(t testing.TB, from, to gss.Context) {
	t.Helper()
	for _, m := range messages {
		const head, tail = "header--", "trailer-"
		pdu := []byte(head + m + tail)
		body := pdu[len(head) : len(head)+len(m)]
		token, err := from.Seal(pdu, body)
		if err != nil {
			t.Fatalf("sealing: %v", err)
		}
		if n := from.TokenSize(); n != 0 && n != len(token) {
			t.Errorf("token of %d bytes, expected %d", len(token), n)
		}
		if len(m) > 8 && string(body) == m { // a byte may well be sealed as itself
			t.Error("sealed, yet as before")
		}
		if err := to.Unseal(pdu, body, token); err != nil || string(pdu) != head+m+tail {
			t.Fatalf("unsealing: %q, %v", pdu, err)
		}
	}
	TalkSigned(t, from, to)
	pdu := []byte("header--" + messages[2])
	token, err := from.Seal(pdu, pdu[8:])
	if err != nil {
		t.Fatal(err)
	}
	pdu[0]++
	if err := to.Unseal(pdu, pdu[8:], token); err == nil {
		t.Error("changed header not noticed")
	}
}

// TalkSigned signs messages of one side for the other.
func TalkSigned(t testing.TB, from, to gss.Context) {
	t.Helper()
	for _, m := range messages {
		token, err := from.Sign([]byte(m))
		if err != nil {
			t.Fatalf("signing: %v", err)
		}
		if err := to.Verify([]byte(m), token); err != nil {
			t.Fatalf("verifying: %v", err)
		}
	}
}
