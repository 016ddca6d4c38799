package rpchttp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/rpchttp"
)

// impacketClient binds to an interface through impacket's RPC over HTTP and calls it. Arguments: URL, user, password. It
// prints the SHA-256 of each answer.
const impacketClient = `
import hashlib, sys
from impacket import uuid
from impacket.dcerpc.v5 import transport
url, user, password = sys.argv[1:]
t = transport.DCERPCTransportFactory('ncacn_http:mail.example.com[6001]')
t.set_rpc_proxy_url(url)
t.set_credentials(user, password)
t.set_auth_type('Basic')
dce = t.get_dce_rpc()
dce.connect()
dce.bind(uuid.uuidtup_to_bin(('a4f1db00-ca47-1067-b31f-00dd010662da', '0.81')))
for n in (1, 70000, 200000):
    dce.call(n % 7, bytes(range(251)) * (n // 251 + 1))
    print(hashlib.sha256(dce.recv()).hexdigest())
dce.disconnect()
`

// amplifier answers binds, and requests with their stub ten times over.
func amplifier(_ context.Context, c net.Conn, _ rpchttp.Info) {
	const fragment = 4280
	var stub []byte
	answer := func(kind, flags byte, call uint32, body []byte) error {
		b := u32([]byte{5, 0, kind, flags, 0x10, 0, 0, 0}, uint32(16+len(body)), call)
		_, err := c.Write(append(b, body...))
		return err
	}
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint16(head[8:])-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		call := binary.LittleEndian.Uint32(head[12:])
		if head[2] == 11 {
			b := u32(nil, fragment<<16|fragment, 1, 5)  // an empty secondary address, padded; one result
			b = append(u32(b[:10], 0)[:12], 1, 0, 0, 0) // n_results
			b = append(u32(b, 0), body[36:56]...)       // acceptance; the transfer syntax asked for
			if answer(12, 3, call, b) != nil {
				return
			}
			continue
		}
		if head[3]&1 != 0 {
			stub = nil
		}
		if stub = append(stub, body[8:]...); head[3]&2 == 0 {
			continue
		}
		all := bytes.Repeat(stub, 10)
		for at := 0; at < len(all); at += fragment - 24 {
			part := all[at:min(len(all), at+fragment-24)]
			var flags byte
			if at == 0 {
				flags |= 1
			}
			if at+len(part) == len(all) {
				flags |= 2
			}
			if answer(2, flags, call, append(u32(nil, uint32(len(all)-at), 0), part...)) != nil {
				return
			}
		}
	}
}

// TestImpacket has impacket's client talk to the server: it asks for 100 Continue, doesn't heed the server's receive window,
// and acknowledges what it gets.
func TestImpacket(t *testing.T) {
	python := "python3"
	if exec.Command(python, "-c", "import impacket").Run() != nil {
		python = "/usr/bin/python3" // a distribution's package isn't seen by another python in the path
	}
	if err := exec.Command(python, "-c", "import impacket").Run(); err != nil {
		t.Skipf("SKIPPED: no python3 with impacket (Debian: python3-impacket): %v", err)
	}
	type key struct{}
	h := &rpchttp.Handler{ReceiveWindow: 16 << 10, User: func(ctx context.Context) string { return ctx.Value(key{}).(string) }}
	var info rpchttp.Info
	h.Serve = func(ctx context.Context, c net.Conn, i rpchttp.Info) {
		info = i
		amplifier(ctx, c, i)
	}
	s := start(t, h, true, func(w http.ResponseWriter, r *http.Request) *http.Request {
		user, password, ok := r.BasicAuth()
		if !ok || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return nil
		}
		return r.WithContext(context.WithValue(r.Context(), key{}, user))
	})
	url := s.URL + "/rpc/rpcproxy.dll?mail.example.com:6001"
	client := func(password string) (out string, err error) {
		var stdout, stderr strings.Builder
		c := exec.CommandContext(t.Context(), python, "-c", impacketClient, url, "anna", password)
		c.Stdout, c.Stderr = &stdout, &stderr
		if err = c.Run(); err != nil {
			err = fmt.Errorf("%w: %s", err, &stderr)
		}
		return stdout.String(), err
	}
	out, err := client("secret")
	if err != nil {
		t.Fatal(err)
	}
	var pattern []byte
	for i := range 251 {
		pattern = append(pattern, byte(i))
	}
	var want []string
	for _, n := range []int{1, 70000, 200000} {
		sum := sha256.Sum256(bytes.Repeat(pattern, (n/251+1)*10))
		want = append(want, hex.EncodeToString(sum[:]))
	}
	if got := strings.Fields(out); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
	if h.Close(); info.User != "anna" || info.Server != "mail.example.com" || info.Port != 6001 || info.AssociationGroup == [16]byte{} {
		t.Errorf("%+v", info)
	}
	if _, err := client("wrong"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("wrong password: %v", err)
	}
}
