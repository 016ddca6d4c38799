package rpchttp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/opencdo/opencdo/internal/rpchttp"
)

// gromox is a real server to test against, named by OPENCDO_GROMOX_URL (such as https://127.0.0.1:18443),
// OPENCDO_GROMOX_USER (an SMTP address), OPENCDO_GROMOX_PASSWORD_FILE and OPENCDO_GROMOX_CA. OPENCDO_GROMOX_SLOW=1 adds
// tests that take minutes.
func gromox(t *testing.T, port int) rpchttp.Config {
	t.Helper()
	url, user := os.Getenv("OPENCDO_GROMOX_URL"), os.Getenv("OPENCDO_GROMOX_USER")
	file, ca := os.Getenv("OPENCDO_GROMOX_PASSWORD_FILE"), os.Getenv("OPENCDO_GROMOX_CA")
	if url == "" || user == "" || file == "" || ca == "" {
		t.Skip("NO SERVER TO TEST AGAINST: set OPENCDO_GROMOX_URL, OPENCDO_GROMOX_USER, OPENCDO_GROMOX_PASSWORD_FILE, OPENCDO_GROMOX_CA")
	}
	password, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("no certificate in %s", ca)
	}
	return rpchttp.Config{
		URL:           rpchttp.URL(strings.TrimPrefix(url, "https://"), "mail.contoso.test", port),
		TLS:           &tls.Config{RootCAs: roots},
		Authenticator: basic(user, strings.TrimSpace(string(password))),
	}
}

// header is an Authenticator that says one thing.
type header string

func (h header) Authorize(context.Context, []string) (string, bool, error) {
	return string(h), true, nil
}

func basic(user, password string) func(*tls.ConnectionState) rpchttp.Authenticator {
	h := header("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	return func(*tls.ConnectionState) rpchttp.Authenticator { return h }
}

// u32 appends numbers.
func u32(b []byte, numbers ...uint32) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

// rpc makes calls on a connection, as little of DCE/RPC as it takes: no authentication, fragments joined.
type rpc struct {
	t    *testing.T
	c    net.Conn
	call uint32
}

// send makes a PDU and sends it.
func (r *rpc) send(kind byte, body []byte) {
	r.t.Helper()
	r.call++
	b := u32([]byte{5, 0, kind, 3, 0x10, 0, 0, 0}, uint32(16+len(body)), r.call)
	if _, err := r.c.Write(append(b, body...)); err != nil {
		r.t.Fatal(err)
	}
}

// receive reads a PDU and gives what follows its common header.
func (r *rpc) receive(kind byte) (body []byte, last bool) {
	r.t.Helper()
	r.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	head := make([]byte, 16)
	if _, err := io.ReadFull(r.c, head); err != nil {
		r.t.Fatal(err)
	}
	body = make([]byte, binary.LittleEndian.Uint16(head[8:])-16)
	if _, err := io.ReadFull(r.c, body); err != nil {
		r.t.Fatal(err)
	}
	if head[2] != kind || binary.LittleEndian.Uint32(head[12:]) != r.call {
		r.t.Fatalf("PDU %x %x, want type %d of call %d", head, body, kind, r.call)
	}
	return body, head[3]&2 != 0
}

// bindNSPI binds to NSPI without authentication, NDR 2.0.
func bindNSPI(t *testing.T, c net.Conn) *rpc {
	t.Helper()
	r := &rpc{t: t, c: c}
	const fragment = 5840
	b := u32(nil, fragment<<16|fragment, 0, 1, 1<<16)
	b = append(b, 0x18, 0x5A, 0xCC, 0xF5, 0x64, 0x42, 0x1A, 0x10, 0x8C, 0x59, 0x08, 0x00, 0x2B, 0x2F, 0x84, 0x26)
	b = u32(b, 56)
	b = append(b, 0x04, 0x5D, 0x88, 0x8A, 0xEB, 0x1C, 0xC9, 0x11, 0x9F, 0xE8, 0x08, 0x00, 0x2B, 0x10, 0x48, 0x60)
	r.send(11, u32(b, 2))
	if _, last := r.receive(12); !last {
		t.Fatal("bind_ack in fragments")
	}
	return r
}

// do makes a call and gives its response stub.
func (r *rpc) do(opnum uint16, stub []byte) []byte {
	r.t.Helper()
	const room = 5840 - 24
	r.call++
	for at := 0; at == 0 || at < len(stub); at += room {
		part := stub[at:min(len(stub), at+room)]
		flags := byte(0)
		if at == 0 {
			flags |= 1
		}
		if at+room >= len(stub) {
			flags |= 2
		}
		b := u32([]byte{5, 0, 0, flags, 0x10, 0, 0, 0}, uint32(24+len(part)), r.call, uint32(len(stub)), uint32(opnum)<<16)
		if _, err := r.c.Write(append(b, part...)); err != nil {
			r.t.Fatal(err)
		}
	}
	var all []byte
	for {
		body, last := r.receive(2)
		all = append(all, body[8:]...)
		if last {
			return all
		}
	}
}

// stat is a STAT at the beginning of the global address list ([MS-OXNSPI] 2.2.8).
func stat() []byte { return u32(nil, 0, 0, 0, 0, 0, 0, 1252, 1033, 1033) }

// bindNspi opens the address book and gives its handle.
func (r *rpc) nspiBind() []byte {
	r.t.Helper()
	answer := r.do(0, u32(append(u32(nil, 0), stat()...), 0))
	if len(answer) != 28 || binary.LittleEndian.Uint32(answer[24:]) != 0 {
		r.t.Fatalf("NspiBind: %x", answer)
	}
	return answer[4:24]
}

// resolve asks NspiResolveNamesW for the user n times over, an answer that is much longer than the question.
func (r *rpc) resolve(handle []byte, user string, n int) []byte {
	name := utf16.Encode([]rune(user + "\x00"))
	b := u32(bytes.Clone(handle), 0)
	b = append(b, stat()...)
	b = u32(b, 0, uint32(n), uint32(n)) // no property tags; the conformance and the count of the names
	for i := range n {
		b = u32(b, uint32(0x20000+4*i))
	}
	for range n {
		b = u32(b, uint32(len(name)), 0, uint32(len(name)))
		for _, u := range name {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		b = append(b, make([]byte, -len(b)&3)...)
	}
	answer := r.do(20, b)
	if code := answer[len(answer)-4:]; !bytes.Equal(code, make([]byte, 4)) {
		r.t.Fatalf("NspiResolveNamesW: %x", code)
	}
	return answer
}

func TestGromox(t *testing.T) {
	user := os.Getenv("OPENCDO_GROMOX_USER")
	t.Run("echo", func(t *testing.T) {
		if err := rpchttp.Echo(t.Context(), gromox(t, rpchttp.PortMailbox)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("address book", func(t *testing.T) {
		cfg := gromox(t, rpchttp.PortAddressBook)
		cfg.ReceiveWindow = 8 << 10 // so that gromox has to wait for acknowledgements all the time
		r := bindNSPI(t, dial(t, cfg))
		handle := r.nspiBind()
		small := r.resolve(handle, user, 1)
		var n int
		for n < 2<<20 {
			answer := r.resolve(handle, user, 200)
			if len(answer) < 100*len(small) {
				t.Fatalf("%d bytes for 200 names, %d for one", len(answer), len(small))
			}
			n += len(answer)
		}
		t.Logf("%d bytes received", n)
	})
	t.Run("wrong password", func(t *testing.T) {
		cfg := gromox(t, rpchttp.PortAddressBook)
		cfg.Authenticator = basic(user, "wrong")
		_, err := rpchttp.Dial(t.Context(), cfg)
		var refused *rpchttp.HTTPError
		if !errors.Is(err, rpchttp.ErrUnauthorized) || !errors.As(err, &refused) || len(refused.Challenges) == 0 {
			t.Errorf("Dial: %v, %+v", err, refused)
		}
		if err := rpchttp.Echo(t.Context(), cfg); !errors.Is(err, rpchttp.ErrUnauthorized) {
			t.Errorf("Echo: %v", err)
		}
	})
	t.Run("untrusted certificate", func(t *testing.T) {
		cfg := gromox(t, rpchttp.PortAddressBook)
		cfg.TLS = nil
		if _, err := rpchttp.Dial(t.Context(), cfg); !errors.Is(err, rpchttp.ErrUntrustedCertificate) {
			t.Errorf("Dial: %v", err)
		}
	})
	t.Run("challenged first", func(t *testing.T) { // gromox closes the connection with its first 401
		cfg := gromox(t, rpchttp.PortAddressBook)
		patientHeader := cfg.Authenticator(nil)
		cfg.Authenticator = func(*tls.ConnectionState) rpchttp.Authenticator { return &reluctant{Authenticator: patientHeader} }
		bindNSPI(t, dial(t, cfg)).nspiBind()
	})
}

// reluctant says nothing before it is asked to.
type reluctant struct {
	rpchttp.Authenticator
	challenges []string
}

func (r *reluctant) Authorize(ctx context.Context, challenges []string) (string, bool, error) {
	if challenges == nil && r.challenges == nil {
		return "", false, nil
	}
	r.challenges = append(r.challenges, challenges...)
	return r.Authenticator.Authorize(ctx, challenges)
}

// TestGromoxSlow takes minutes: the silence after which gromox sends a Ping, and the 960 MiB after which it recycles its OUT
// channel.
func TestGromoxSlow(t *testing.T) {
	if os.Getenv("OPENCDO_GROMOX_SLOW") == "" {
		t.Skip("SKIPPED: set OPENCDO_GROMOX_SLOW=1, and the others, to let this take minutes")
	}
	user := os.Getenv("OPENCDO_GROMOX_USER")
	t.Run("silence", func(t *testing.T) {
		t.Parallel()
		cfg := gromox(t, rpchttp.PortAddressBook)
		cfg.Keepalive = time.Minute
		c := dial(t, cfg)
		r := bindNSPI(t, c)
		handle := r.nspiBind()
		c.SetReadDeadline(time.Now().Add(4 * time.Minute))
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Read: %d, %v", n, err)
		}
		r.resolve(handle, user, 1)
	})
	t.Run("recycling", func(t *testing.T) {
		t.Parallel()
		var channels int
		cfg := gromox(t, rpchttp.PortAddressBook)
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			channels++
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		r := bindNSPI(t, dial(t, cfg))
		handle := r.nspiBind()
		n := 0
		for channels = 0; n < 2000<<20; {
			n += len(r.resolve(handle, user, 400))
		}
		if channels == 0 {
			t.Errorf("%d bytes without a further channel", n)
		}
		t.Logf("%d bytes, %d further channels", n, channels)
	})
}
