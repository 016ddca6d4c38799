package epm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/dcerpc"
	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/kerberos"
	"github.com/opencdo/opencdo/internal/kerberos/kdctest"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/ntlm"
	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/spnego"
	"github.com/opencdo/opencdo/mapi"
)

var served = dcerpc.Syntax{UUID: mapi.MustGUID("a4f1db00-ca47-1067-b31f-00dd010662da"), Minor: 81}

const user, password, domain = "anna", "Sesam, öffne dich", "CONTOSO"

// server echoes, and tells who called.
func server() *dcerpc.Server {
	return &dcerpc.Server{
		Interfaces: []*dcerpc.Interface{{Syntax: served, Handlers: map[uint16]dcerpc.Handler{
			0: func(_ context.Context, _ *dcerpc.Call, in []byte) ([]byte, error) { return in, nil },
			1: func(_ context.Context, c *dcerpc.Call, _ []byte) ([]byte, error) {
				return fmt.Appendf(nil, "%s %d", c.Peer, c.Level), nil
			},
		}}},
		Accept: func(t dcerpc.AuthType) (gss.Context, error) {
			if t != dcerpc.AuthNTLM {
				return nil, nil
			}
			return ntlm.NewAcceptor(ntlm.AcceptorConfig{Lookup: func(_ context.Context, _, u string) (ntlm.Hash, bool, error) {
				return ntlm.NTHash(password), u == user, nil
			}}), nil
		},
	}
}

// host serves until the test is over; the port is the mapper's.
func host(t *testing.T, s *dcerpc.Server) string {
	h := &Host{Services: []Service{{s, "127.0.0.1:0"}}, Mapper: "127.0.0.1:0", Others: []Endpoint{{Interface: served, Protocol: HTTP, Port: 6001}}}
	if err := h.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- h.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return strconv.Itoa(int(h.Ports()[1]))
}

func TestHost(t *testing.T) {
	mapper := "127.0.0.1:" + host(t, server())
	dial := (&net.Dialer{}).DialContext
	port, err := Resolve(t.Context(), dial, mapper, served)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dial(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	c := dcerpc.NewClient(conn, dcerpc.Config{AuthType: dcerpc.AuthNTLM, Auth: ntlm.NewInitiator(ntlm.Config{User: user, Domain: domain, Password: password, Seal: true})})
	defer c.Close()
	if err := c.Bind(t.Context(), served); err != nil {
		t.Fatal(err)
	}
	if who, err := c.Call(t.Context(), 1, nil); err != nil || !strings.HasSuffix(string(who), " 6") || !strings.Contains(string(who), user) {
		t.Errorf("called by %q, %v", who, err)
	}
	if _, err := Resolve(t.Context(), dial, mapper, dcerpc.NDR20); !errors.Is(err, ErrNotRegistered) {
		t.Errorf("an interface that isn't there: %v", err)
	}
}

// The tower of EMSMDB on port 1025 of 192.0.2.1, written out by [C706] appendices I and L.
const towerHex = "0500" + "1300" + "0d" + "00dbf1a447ca6710b31f00dd010662da" + "0000" + "0200" + "5100" +
	"1300" + "0d" + "045d888aeb1cc9119fe808002b104860" + "0200" + "0200" + "0000" +
	"0100" + "0b" + "0200" + "0000" + "0100" + "07" + "0200" + "0401" + "0100" + "09" + "0400" + "c0000201"

func TestTower(t *testing.T) {
	want := Endpoint{Interface: served, Transfer: dcerpc.NDR20, Protocol: TCP, Port: 1025, Addr: netip.MustParseAddr("192.0.2.1")}
	b, err := want.MarshalBinary()
	if err != nil || hex.EncodeToString(b) != towerHex {
		t.Errorf("%x, %v", b, err)
	}
	var got Endpoint
	if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for n := range b {
		if err := got.UnmarshalBinary(b[:n]); !errors.Is(err, oxcdata.ErrFormat) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func FuzzTower(f *testing.F) {
	b, _ := hex.DecodeString(towerHex)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var e, again Endpoint
		if e.UnmarshalBinary(b) != nil {
			return
		}
		b, err := e.MarshalBinary()
		if err != nil || again.UnmarshalBinary(b) != nil || again.Interface != e.Interface || again.Port != e.Port {
			t.Errorf("%v comes back as %v, %v", e, again, err)
		}
	})
}

func FuzzMap(f *testing.F) {
	b, _ := hex.DecodeString(towerHex)
	req, _ := ndr.Marshal(&mapRequest{Object: &mapi.GUID{}, Tower: &b, MaxTowers: 4})
	resp, _ := ndr.Marshal(&mapResponse{Towers: []*[]byte{&b, &b, nil}, MaxTowers: 4})
	f.Add(req, false)
	f.Add(resp, true)
	f.Fuzz(func(t *testing.T, b []byte, isResponse bool) {
		var body ndr.Body = &mapRequest{}
		if isResponse {
			body = &mapResponse{}
		}
		if ndr.Unmarshal(b, body) == nil {
			if r, ok := body.(*mapResponse); ok {
				r.MaxTowers = uint32(len(r.Towers))
			}
			if _, err := ndr.Marshal(body); err != nil {
				t.Error(err)
			}
		}
	})
}

// python runs one that has impacket.
func python(t *testing.T, args ...string) *exec.Cmd {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import impacket").Run() == nil {
			return exec.CommandContext(t.Context(), name, args...)
		}
	}
	t.Skip("SKIPPED: impacket isn't here (python3 -c 'import impacket' fails); install python3-impacket")
	return nil
}

// TestImpacketCalls has impacket find our server by our endpoint mapper, and call it at each level. At packet level it sends no
// verifier, so that level can't be had with it.
func TestImpacketCalls(t *testing.T) {
	port := host(t, server())
	for _, level := range []dcerpc.Level{dcerpc.LevelNone, dcerpc.LevelConnect, dcerpc.LevelIntegrity, dcerpc.LevelPrivacy} {
		t.Run(fmt.Sprint("level ", level), func(t *testing.T) {
			who := ""
			if level > dcerpc.LevelNone {
				who = domain + `\` + user
			}
			cmd := python(t, "testdata/client.py", port, served.UUID.String(), "0.81", strconv.Itoa(int(level)), user, password, domain)
			impacketCalls(t, cmd, fmt.Sprintf("%s %d", who, level))
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		out, err := python(t, "testdata/client.py", port, served.UUID.String(), "0.81", "6", user, "wrong", domain).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "rpc_s_access_denied") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func impacketCalls(t *testing.T, cmd *exec.Cmd, who string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if want := "ncacn_http:127.0.0.1[6001]\n16c9a0d6\n0 True\n7 True\n50000 True\n" + who + "\nnca_s_op_rng_error\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestImpacketKerberos is the same with Kerberos, which impacket negotiates without header signing. Its signing alone, integrity
// level, ends in a TypeError of its own.
func TestImpacketKerberos(t *testing.T) {
	kdc := kdctest.Start(t, "")
	cache := kdc.CredentialCache(t)
	kvno := exec.Command("kvno", "-c", "FILE:"+cache, kdctest.Service)
	kvno.Env = append(os.Environ(), kdc.Env()...)
	if out, err := kvno.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	keys, err := kerberos.LoadKeytab(kdc.Keytab)
	if err != nil {
		t.Fatal(err)
	}
	replays := new(kerberos.ReplayCache)
	s := server()
	s.Accept = func(dcerpc.AuthType) (gss.Context, error) {
		return spnego.NewAcceptor(spnego.Fixed(spnego.Kerberos, bare{kerberos.NewAcceptor(kerberos.AcceptorConfig{Keytab: keys, Replays: replays})})), nil
	}
	port := host(t, s)
	for _, level := range []dcerpc.Level{dcerpc.LevelConnect, dcerpc.LevelPrivacy} {
		t.Run(fmt.Sprint("level ", level), func(t *testing.T) {
			cmd := python(t, "testdata/client.py", port, served.UUID.String(), "0.81", strconv.Itoa(int(level)), kdctest.User, "", kdctest.Realm, kdctest.Service+"@"+kdctest.Realm)
			cmd.Env = append(os.Environ(), "KRB5CCNAME="+cache)
			impacketCalls(t, cmd, fmt.Sprintf("%s@%s %d", kdctest.User, kdctest.Realm, level))
		})
	}
}

// TestImpacketAnswers calls impacket's server, which knows no authentication and gets the lengths of several fragments wrong.
func TestImpacketAnswers(t *testing.T) {
	cmd := python(t, "testdata/server.py", served.UUID.String(), "0.81")
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
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+strings.TrimSpace(port))
	if err != nil {
		t.Fatal(err)
	}
	c := dcerpc.NewClient(conn, dcerpc.Config{})
	defer c.Close()
	if err := c.Bind(t.Context(), served); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 7, 4000} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i % 251)
		}
		got, err := c.Call(t.Context(), 0, binary.LittleEndian.AppendUint32(nil, uint32(size)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
	if _, err := c.Call(t.Context(), 5, nil); !errors.Is(err, &dcerpc.Fault{Status: 0x6E4}) {
		t.Errorf("an operation that isn't there: %v", err)
	}
}

// bare takes the frame off a first token (RFC 4121, 4.1). impacket puts it on though it makes the three legs of DCE/RPC, which
// have none ([MS-KILE] 3.4.5.1), and our acceptor is strict.
type bare struct{ gss.Context }

func (b bare) Step(ctx context.Context, token []byte) ([]byte, bool, error) {
	if at := bytes.Index(token, []byte{1, 0, 0x6E}); at >= 0 && at < 32 && token[0] == 0x60 {
		token = token[at+2:]
	}
	return b.Context.Step(ctx, token)
}
