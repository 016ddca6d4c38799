package dcerpc

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/mapi"
)

var (
	echoID  = Syntax{UUID: mapi.MustGUID("11111111-2222-3333-4444-555555555555"), Major: 1}
	otherID = Syntax{UUID: mapi.MustGUID("99999999-2222-3333-4444-555555555555"), Major: 2, Minor: 3}
)

// Operations of the echo interface.
const (
	opEcho = iota
	opWait // until it is cancelled, or opRelease comes
	opRelease
	opWho
	opFail
	opMalformed
	opOpen
	opGet
	opClose
)

// testServer is an echo server with all sorts of behaviour.
type testServer struct {
	Server
	released, waiting, cancelled chan struct{}
	handles                      Handles[string]
	rundown                      chan string
}

func newServer() *testServer {
	s := &testServer{released: make(chan struct{}), waiting: make(chan struct{}, 100), cancelled: make(chan struct{}, 100), rundown: make(chan string, 10)}
	s.handles.Rundown = func(v string) { s.rundown <- v }
	s.Interfaces = []*Interface{{Syntax: echoID, Handlers: map[uint16]Handler{
		opEcho: func(_ context.Context, c *Call, in []byte) ([]byte, error) { return in, nil },
		opWait: func(ctx context.Context, c *Call, in []byte) ([]byte, error) {
			s.waiting <- struct{}{}
			select {
			case <-s.released:
				return in, nil
			case <-ctx.Done():
				s.cancelled <- struct{}{}
				return nil, ctx.Err()
			}
		},
		opRelease: func(context.Context, *Call, []byte) ([]byte, error) { close(s.released); return nil, nil },
		opWho: func(_ context.Context, c *Call, in []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%s %d %d %v", c.Peer, c.AuthType, c.Level, c.Object), nil
		},
		opFail: func(context.Context, *Call, []byte) ([]byte, error) { return nil, &Fault{Status: 0x1234} },
		opMalformed: func(_ context.Context, _ *Call, in []byte) ([]byte, error) {
			return nil, ndr.Unmarshal(in, &handleBody{})
		},
		opOpen: func(_ context.Context, c *Call, in []byte) ([]byte, error) {
			return ndr.Marshal(&handleBody{s.handles.Open(c, string(in))})
		},
		opGet: func(_ context.Context, c *Call, in []byte) ([]byte, error) {
			var b handleBody
			if err := ndr.Unmarshal(in, &b); err != nil {
				return nil, err
			}
			v, err := s.handles.Get(c, b.h)
			return []byte(v), err
		},
		opClose: func(_ context.Context, c *Call, in []byte) ([]byte, error) {
			var b handleBody
			if err := ndr.Unmarshal(in, &b); err != nil {
				return nil, err
			}
			v, err := s.handles.Close(c, b.h)
			return []byte(v), err
		},
	}}, {Syntax: otherID, Handlers: map[uint16]Handler{0: func(context.Context, *Call, []byte) ([]byte, error) { return []byte("other"), nil }}}}
	return s
}

type handleBody struct{ h ndr.ContextHandle }

func (b *handleBody) NDR(c *ndr.Coder) { c.ContextHandle(&b.h) }

// strictConn checks that each Write is one PDU.
type strictConn struct {
	net.Conn
	t testing.TB
}

func (c strictConn) Write(b []byte) (int, error) {
	if h, pdu, err := ReadPDU(bytes.NewReader(b)); err != nil || len(pdu) != len(b) || int(h.FragLength) != len(b) {
		c.t.Errorf("a Write of %d bytes isn't one PDU: %v", len(b), err)
	}
	return c.Conn.Write(b)
}

// connect gives a client that isn't bound yet.
func (s *testServer) connect(t testing.TB, cfg Config) *Client {
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- s.ServeConn(context.Background(), strictConn{far, t}, ConnInfo{Endpoint: "6001", User: "carried"})
	}()
	c := NewClient(strictConn{near, t}, cfg)
	t.Cleanup(func() {
		c.Close()
		<-served
	})
	return c
}

func (s *testServer) bound(t testing.TB, cfg Config) *Client {
	t.Helper()
	c := s.connect(t, cfg)
	if err := c.Bind(t.Context(), echoID); err != nil {
		t.Fatal(err)
	}
	return c
}

// toy is a security mechanism for tests: legs messages, then HMACs over numbered messages.
type toy struct {
	legs, seen int // messages of both sides together
	name       string
	out, in    uint32
	bad        bool
}

func (c *toy) Step(_ context.Context, token []byte) ([]byte, bool, error) {
	if len(token) > 0 {
		if string(token) != fmt.Sprint("leg", c.seen) {
			return nil, false, fmt.Errorf("token %q at %d", token, c.seen)
		}
		c.seen++
	}
	if c.bad && c.seen >= 2 {
		return nil, false, errors.New("wrong password")
	}
	if c.seen == c.legs {
		return nil, true, nil
	}
	out := fmt.Appendf(nil, "leg%d", c.seen)
	c.seen++
	return out, c.seen == c.legs, nil
}

const toyToken = 20

func (c *toy) TokenSize() int { return toyToken }
func (c *toy) Peer() string   { return c.name }

func (c *toy) mac(n uint32, message []byte) []byte {
	h := hmac.New(sha256.New, []byte("key"))
	h.Write(binary.LittleEndian.AppendUint32(nil, n))
	h.Write(message)
	return h.Sum(nil)[:toyToken]
}

func (c *toy) Sign(message []byte) ([]byte, error) {
	c.out++
	return c.mac(c.out, message), nil
}

func (c *toy) Verify(message, token []byte) error {
	c.in++
	if !hmac.Equal(c.mac(c.in, message), token) {
		return errors.New("signature is wrong")
	}
	return nil
}

func flip(b []byte) {
	for i := range b {
		b[i] ^= 0x55
	}
}

func (c *toy) Seal(message, secret []byte) ([]byte, error) {
	token, err := c.Sign(message)
	flip(secret)
	return token, err
}

func (c *toy) Unseal(message, secret, token []byte) error {
	flip(secret)
	return c.Verify(message, token)
}

// secured is a server that takes toy authentication of so many messages, and the configuration of its client.
func secured(legs int, level Level) (*testServer, Config) {
	s := newServer()
	s.Accept = func(AuthType) (gss.Context, error) { return &toy{legs: legs, name: "anna"}, nil }
	return s, Config{Auth: &toy{legs: legs}, AuthType: AuthKerberos, Level: level}
}

func TestEcho(t *testing.T) {
	for legs := 2; legs <= 5; legs++ {
		for level := LevelConnect; level <= LevelPrivacy; level++ {
			for _, size := range []int{0, 1, 5000, 100_000} {
				s, cfg := secured(legs, level)
				c := s.bound(t, cfg)
				in := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
				if out, err := c.Call(t.Context(), opEcho, in); err != nil || !bytes.Equal(in, out) {
					t.Fatalf("%d legs, level %d, %d bytes: got %d bytes, %v", legs, level, size, len(out), err)
				}
				out, err := c.Call(t.Context(), opWho, nil)
				if want := fmt.Sprintf("anna 16 %d <nil>", level); err != nil || string(out) != want {
					t.Fatalf("%d legs: called by %q, %v", legs, out, err)
				}
			}
		}
	}
}

func TestUnauthenticated(t *testing.T) {
	s := newServer()
	c := s.bound(t, Config{})
	p := c.Proxy(echoID)
	p.Object = &mapi.PSMAPI
	out, err := p.Call(t.Context(), opWho, nil)
	if want := fmt.Sprintf("carried 0 1 %v", mapi.PSMAPI); err != nil || string(out) != want {
		t.Errorf("called by %q, %v", out, err)
	}
	if c.Proxy(otherID) != nil {
		t.Error("there is a proxy of what wasn't bound")
	}
	older := otherID
	older.Minor = 1
	if err := c.AlterContext(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	if out, err := c.Proxy(older).Call(t.Context(), 0, nil); err != nil || string(out) != "other" {
		t.Errorf("the other interface answers %q, %v", out, err)
	}
	newer := otherID
	newer.Minor++
	var no *NotAccepted
	if err := c.AlterContext(t.Context(), newer); !errors.As(err, &no) || no.Reason != reasonAbstractSyntax {
		t.Errorf("a later minor version: %v", err)
	}
}

func TestFaults(t *testing.T) {
	s := newServer()
	s.MaxStub = 10_000
	c := s.bound(t, Config{})
	for _, tt := range []struct {
		op   uint16
		in   []byte
		want Fault
	}{
		{opFail, nil, Fault{0x1234, true}},
		{opMalformed, []byte{1}, Fault{StatusBadStub, true}},
		{77, nil, Fault{StatusOpRange, false}},
		{opEcho, make([]byte, 10_001), Fault{StatusBadStub, false}},
		{opGet, make([]byte, 20), Fault{StatusContextMismatch, true}},
	} {
		_, err := c.Call(t.Context(), tt.op, tt.in)
		if f := (*Fault)(nil); !errors.As(err, &f) || *f != tt.want {
			t.Errorf("operation %d: %v", tt.op, err)
		}
	}
	if out, err := c.Call(t.Context(), opEcho, []byte("still here")); err != nil || string(out) != "still here" {
		t.Errorf("after faults: %q, %v", out, err)
	}
}

func TestLevels(t *testing.T) {
	for _, tt := range []struct {
		server, iface, client Level
		ok                    bool
	}{
		{LevelPrivacy, 0, LevelIntegrity, false},
		{LevelPrivacy, 0, LevelPrivacy, true},
		{0, LevelIntegrity, LevelConnect, false},
		{0, LevelIntegrity, LevelNone, false},
		{0, LevelIntegrity, LevelIntegrity, true},
	} {
		s, cfg := secured(3, tt.client)
		s.RequireLevel, s.Interfaces[0].RequireLevel = tt.server, tt.iface
		if tt.client == LevelNone {
			cfg = Config{}
		}
		_, err := s.bound(t, cfg).Call(t.Context(), opEcho, nil)
		if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, &Fault{Status: StatusAccessDenied}) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestRefusedAuthentication(t *testing.T) {
	for legs := 3; legs <= 4; legs++ { // auth3, alter_context
		s, cfg := secured(legs, LevelPrivacy)
		s.Accept = func(AuthType) (gss.Context, error) { return &toy{legs: legs, bad: true}, nil }
		c := s.connect(t, cfg)
		err := c.Bind(t.Context(), echoID)
		if err == nil {
			_, err = c.Call(t.Context(), opEcho, nil)
		}
		if !errors.Is(err, &Fault{Status: StatusAccessDenied}) {
			t.Errorf("%d legs: %v", legs, err)
		}
	}
	s, cfg := secured(3, LevelPrivacy)
	s.Accept = nil
	var r *Refusal
	if err := s.connect(t, cfg).Bind(t.Context(), echoID); !errors.As(err, &r) || r.Reason != RefusedAuthType {
		t.Errorf("a server without authentication: %v", err)
	}
	var no *NotAccepted
	if err := newServer().connect(t, Config{}).Bind(t.Context(), NDR20); !errors.As(err, &no) {
		t.Errorf("an interface that isn't there: %v", err)
	}
}

func TestConcurrentCalls(t *testing.T) {
	s, cfg := secured(3, LevelPrivacy)
	c := s.bound(t, cfg)
	var wg sync.WaitGroup
	wg.Go(func() {
		if out, err := c.Call(t.Context(), opWait, []byte("later")); err != nil || string(out) != "later" {
			t.Errorf("the call that waited: %q, %v", out, err)
		}
	})
	<-s.waiting
	for i := range 20 {
		wg.Go(func() {
			in := bytes.Repeat([]byte{byte(i)}, 20_000)
			if out, err := c.Call(t.Context(), opEcho, in); err != nil || !bytes.Equal(in, out) {
				t.Errorf("a call beside others: %d bytes, %v", len(out), err)
			}
		})
	}
	if _, err := c.Call(t.Context(), opRelease, nil); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestCancel(t *testing.T) {
	s, cfg := secured(3, LevelIntegrity)
	c := s.bound(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.waiting
		cancel()
	}()
	if _, err := c.Call(ctx, opWait, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled call: %v", err)
	}
	<-s.cancelled
	if out, err := c.Call(t.Context(), opEcho, []byte("on")); err != nil || string(out) != "on" {
		t.Errorf("the next call: %q, %v", out, err)
	}
	// The end of the connection cancels too, and fails what waits.
	done := make(chan error)
	go func() {
		_, err := c.Call(context.Background(), opWait, nil)
		done <- err
	}()
	<-s.waiting
	c.Close()
	<-s.cancelled
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("the call when the client was closed: %v", err)
	}
}

func TestTooManyCalls(t *testing.T) {
	s := newServer()
	s.MaxCalls = 1
	c := s.bound(t, Config{})
	done := make(chan error)
	go func() {
		_, err := c.Call(t.Context(), opWait, nil)
		done <- err
	}()
	<-s.waiting
	if _, err := c.Call(t.Context(), opEcho, nil); !errors.Is(err, &Fault{Status: StatusServerTooBusy}) {
		t.Errorf("a call too many: %v", err)
	}
	close(s.released)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestContextHandles(t *testing.T) {
	s := newServer()
	first := s.bound(t, Config{})
	second := s.bound(t, Config{Group: first.Group()})
	if first.Group() != second.Group() || first.Group() == 0 {
		t.Fatalf("groups %d and %d", first.Group(), second.Group())
	}
	open := func(c *Client, name string) []byte {
		h, err := c.Call(t.Context(), opOpen, []byte(name))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	kept, closed := open(first, "kept"), open(first, "closed")
	if v, err := first.Call(t.Context(), opClose, closed); err != nil || string(v) != "closed" {
		t.Errorf("closing: %q, %v", v, err)
	}
	if _, err := first.Call(t.Context(), opGet, closed); !errors.Is(err, &Fault{Status: StatusContextMismatch}) {
		t.Errorf("a closed handle: %v", err)
	}
	first.Close()
	if v, err := second.Call(t.Context(), opGet, kept); err != nil || string(v) != "kept" {
		t.Errorf("a handle of the group: %q, %v", v, err)
	}
	second.Close()
	if v := <-s.rundown; v != "kept" {
		t.Errorf("rundown of %q", v)
	}
	var r *Refusal
	if err := s.connect(t, Config{Group: 12345}).Bind(t.Context(), echoID); !errors.As(err, &r) {
		t.Errorf("a group that isn't there: %v", err)
	}
}

// TestFeatures has a bind as Windows sends it: NDR, NDR64 and feature negotiation.
func TestFeatures(t *testing.T) {
	near, far := net.Pipe()
	s := newServer()
	go s.ServeConn(t.Context(), far, ConnInfo{Endpoint: "135"})
	ndr64 := Syntax{UUID: mapi.MustGUID("71710533-beba-4937-8319-b5dbef9ccc36"), Major: 1}
	bind := &bindBody{MaxXmit: 5840, MaxRecv: 5840, Contexts: []contextElement{
		{0, echoID, []Syntax{NDR20}}, {1, echoID, []Syntax{ndr64}}, {2, echoID, []Syntax{featureSyntax(0x1B)}}, {3, NDR20, []Syntax{NDR20}}}}
	pdu, err := encode(Header{Type: Bind, Flags: whole | Concurrent, CallID: 5}, bind, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := near.Write(pdu); err != nil {
		t.Fatal(err)
	}
	h, pdu, err := ReadPDU(near)
	if err != nil {
		t.Fatal(err)
	}
	var ack ackBody
	if err := ndr.Unmarshal(pdu, within(&ack)); err != nil {
		t.Fatal(err)
	}
	near.Close()
	want := []contextResult{{0, 0, NDR20}, {2, 2, Syntax{}}, {3, 3, Syntax{}}, {2, 1, Syntax{}}}
	if h.Type != BindAck || h.CallID != 5 || h.Flags != whole|Concurrent || string(ack.Address) != "135\x00" || fmt.Sprint(ack.Results) != fmt.Sprint(want) {
		t.Errorf("%+v %+v", h, ack)
	}
}

// TestHeaderSigning changes a header that is signed where both sides said so, and by NTLM always.
func TestHeaderSigning(t *testing.T) {
	for _, tt := range []struct {
		negotiated, covered bool
		typ                 AuthType
	}{{true, true, AuthKerberos}, {false, false, AuthKerberos}, {false, true, AuthNTLM}} {
		side := func() *security {
			return &security{ctx: &toy{}, header: tt.negotiated, trailer: trailer{Type: tt.typ, Level: LevelPrivacy, ContextID: 1}}
		}
		pdu, err := encodeCall(Header{Type: Request, Flags: whole, CallID: 7}, &callBody{}, []byte("stub"), side())
		if err != nil {
			t.Fatal(err)
		}
		pdu[headerSize-1] = 1 // of the call id
		h := Header{AuthLength: toyToken}
		tr, trailerAt, end, token, err := split(h, pdu)
		if err != nil {
			t.Fatal(err)
		}
		err = side().open(pdu, responseSize, trailerAt, tr, token)
		if tt.covered == (err == nil) || string(pdu[responseSize:end]) != "stub" {
			t.Errorf("%+v: %v, %q", tt, err, pdu[responseSize:end])
		}
	}
}

// oneWay is a connection that has been read before; what is written goes nowhere.
type oneWay struct {
	net.Conn
	r *bytes.Reader
}

func (c oneWay) Read(b []byte) (int, error)  { return c.r.Read(b) }
func (c oneWay) Write(b []byte) (int, error) { return len(b), nil }

func FuzzServer(f *testing.F) {
	bind, _ := encode(Header{Type: Bind, Flags: whole, CallID: 1}, &bindBody{MaxXmit: 5840, MaxRecv: 5840,
		Contexts: []contextElement{{0, echoID, []Syntax{NDR20}}, {1, echoID, []Syntax{featureSyntax(3)}}}}, &trailer{Type: AuthKerberos, Level: LevelPrivacy, ContextID: 1}, []byte("leg0"))
	alter, _ := encode(Header{Type: AlterContext, Flags: whole, CallID: 1}, &bindBody{}, &trailer{Type: AuthKerberos, Level: LevelPrivacy, ContextID: 1}, []byte("leg2"))
	auth3, _ := encode(Header{Type: Auth3, Flags: whole, CallID: 1}, &auth3Body{}, &trailer{Type: AuthKerberos, Level: LevelPrivacy, ContextID: 1}, []byte("leg2"))
	request, _ := encodeCall(Header{Type: Request, Flags: whole | HasObject, CallID: 2}, &callBody{Detail: opEcho, Object: &mapi.GUID{}}, []byte("stub"),
		&security{ctx: &toy{}, trailer: trailer{Type: AuthKerberos, Level: LevelPrivacy, ContextID: 1}})
	orphaned, _ := encode(Header{Type: Orphaned, Flags: whole, CallID: 2}, noBody{}, nil, nil)
	f.Add(bytes.Join([][]byte{bind, auth3, request, orphaned, alter}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, _ := secured(3, LevelPrivacy)
		near, far := net.Pipe()
		defer near.Close()
		s.ServeConn(context.Background(), oneWay{far, bytes.NewReader(b)}, ConnInfo{})
	})
}

func FuzzClient(f *testing.F) {
	ack, _ := encode(Header{Type: BindAck, Flags: whole, CallID: 1}, &ackBody{MaxXmit: 5840, MaxRecv: 5840, Group: 1, Results: []contextResult{{0, 0, NDR20}, {3, 2, Syntax{}}}},
		&trailer{Type: AuthKerberos, Level: LevelPrivacy, ContextID: 1}, []byte("leg1"))
	nak, _ := encode(Header{Type: BindNak, Flags: whole, CallID: 1}, &nakBody{Versions: [][2]uint8{{5, 0}}}, nil, nil)
	fault, _ := encode(Header{Type: FaultPDU, Flags: whole, CallID: 2}, &faultBody{Status: 5}, nil, nil)
	response, _ := encodeCall(Header{Type: Response, Flags: whole, CallID: 2}, &callBody{}, []byte("stub"),
		&security{ctx: &toy{}, trailer: trailer{Type: AuthKerberos, Level: LevelPrivacy, ContextID: 1}})
	f.Add(bytes.Join([][]byte{ack, response}, nil))
	f.Add(bytes.Join([][]byte{ack, fault}, nil))
	f.Add(nak)
	f.Fuzz(func(t *testing.T, b []byte) {
		near, far := net.Pipe()
		defer far.Close()
		c := NewClient(oneWay{near, bytes.NewReader(b)}, Config{Auth: &toy{legs: 2}, AuthType: AuthKerberos})
		defer c.Close()
		if c.Bind(context.Background(), echoID) == nil {
			c.Call(context.Background(), opEcho, []byte("stub"))
		}
	})
}
