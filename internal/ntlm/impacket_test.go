package ntlm

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"testing"
)

// impacketClient is impacket's NTLM as DCE/RPC uses it: a handshake, then a sealed message.
const impacketClient = `
import base64, json, sys
from impacket import ntlm
from Cryptodome.Cipher import ARC4
say = lambda **kw: print(json.dumps({k: base64.b64encode(v).decode() for k, v in kw.items()}), flush=True)
first = ntlm.getNTLMSSPType1('', '', signingRequired=True, use_ntlmv2=True)
say(token=first.getData())
third, key = ntlm.getNTLMSSPType3(first, base64.b64decode(sys.stdin.readline()), 'anna', 'geheim', 'EXAMPLE', use_ntlmv2=True)
flags = third['flags']
sign, seal = ntlm.SIGNKEY(flags, key), ntlm.SEALKEY(flags, key)
handle = ARC4.new(seal)
say(token=third.getData())
for n in range(2):
    sealed, signature = ntlm.SEAL(flags, sign, seal, b'header|body', b'body', n, handle.encrypt)
    say(message=sealed, token=signature.getData())
`

func TestAgainstImpacketAsClient(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's
	if err := exec.Command(python, "-c", "import impacket.ntlm").Run(); err != nil {
		t.Skip("NOT TESTED AGAINST IMPACKET: Debian's package python3-impacket is missing")
	}
	cmd := exec.CommandContext(t.Context(), python, "-W", "ignore", "-c", impacketClient)
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
	defer cmd.Wait()
	defer in.Close()
	lines := bufio.NewScanner(out)
	hear := func() (m struct{ Token, Message []byte }) {
		if !lines.Scan() {
			t.Fatal("impacket has ended")
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	a := NewAcceptor(AcceptorConfig{Lookup: lookupPlain})
	challenge, _, err := a.Step(t.Context(), hear().Token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte(base64.StdEncoding.EncodeToString(challenge) + "\n")); err != nil {
		t.Fatal(err)
	}
	if _, done, err := a.Step(t.Context(), hear().Token); err != nil || !done || a.Peer() != `EXAMPLE\anna` {
		t.Fatalf("done %v, peer %q, %v", done, a.Peer(), err)
	}
	for range 2 {
		m := hear()
		pdu := append([]byte("header|"), m.Message...)
		if err := a.Unseal(pdu, pdu[len("header|"):], m.Token); err != nil || string(pdu) != "header|body" {
			t.Errorf("%q, %v", pdu, err)
		}
	}
}
