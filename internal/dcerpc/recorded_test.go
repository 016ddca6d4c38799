package dcerpc

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/internal/ndr"
	"github.com/opencdo/opencdo/internal/vectors"
)

// conversation is a recorded RPC association between clients and a server of others.
type conversation struct {
	ID        string
	Interface string
	Level     Level  `json:"auth_level"`
	Key       string `json:"ntlm_session_key"`
	In, Out   struct {
		Stream string
		PDUs   [][6]int // at, length, type, flags, call id, authentication length
	}
	Calls []recordedCall
}

type recordedCall struct {
	OpNum        uint16
	Request      *string `json:"request_stub"`
	RequestHash  string  `json:"request_stub_sha256"`
	Response     *string `json:"response_stub"`
	ResponseHash string  `json:"response_stub_sha256"`
	Fault        string
}

var recordedFaults = map[string]uint32{"rpc_x_bad_stub_data": StatusBadStub, "rpc_s_access_denied": StatusAccessDenied}

// same compares a stub with what is recorded of it.
func same(t *testing.T, got []byte, want *string, hash string) {
	t.Helper()
	sum := sha256.Sum256(got)
	if want != nil && hex.EncodeToString(got) != *want || want == nil && hash != "" && hex.EncodeToString(sum[:]) != hash {
		t.Errorf("stub is %.200x", got)
	}
}

func conversations(t *testing.T, f func(*testing.T, *conversation, [][]byte, [][]byte)) {
	vectors.Recorded(t, "rpchttp.jsonl.gz", func(line []byte) {
		var c conversation
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if c.Interface == "" {
			return
		}
		pick := func(stream string, at [][6]int) (pdus [][]byte) {
			b := vectors.Hex(t, stream)
			for _, p := range at {
				if PDUType(p[2]) != RTS && p[0]+p[1] <= len(b) {
					pdus = append(pdus, b[p[0]:p[0]+p[1]])
				}
			}
			return pdus
		}
		t.Run(c.ID, func(t *testing.T) { f(t, &c, pick(c.In.Stream, c.In.PDUs), pick(c.Out.Stream, c.Out.PDUs)) })
	})
}

// recordedNTLM is a security context of a conversation: its tokens have been exchanged long ago, its session key is known.
// Signatures are those of extended session security with key exchange ([MS-NLMP] 3.4.4.2, 3.4.5).
type recordedNTLM struct {
	tokens        [][]byte // what Step gives
	out, in       *rc4.Cipher
	outKey, inKey []byte
	outN, inN     uint32
}

func newRecordedNTLM(t *testing.T, key string, server bool, tokens ...[]byte) *recordedNTLM {
	derive := func(direction, purpose string) []byte {
		sum := md5.Sum(append(vectors.Hex(t, key), "session key to "+direction+" "+purpose+" key magic constant\x00"...))
		return sum[:]
	}
	out, in := "client-to-server", "server-to-client"
	if server {
		out, in = in, out
	}
	c := &recordedNTLM{tokens: tokens, outKey: derive(out, "signing"), inKey: derive(in, "signing")}
	c.out, _ = rc4.NewCipher(derive(out, "sealing"))
	c.in, _ = rc4.NewCipher(derive(in, "sealing"))
	return c
}

func (c *recordedNTLM) Step(context.Context, []byte) ([]byte, bool, error) {
	if len(c.tokens) == 0 {
		return nil, true, nil
	}
	out := c.tokens[0]
	c.tokens = c.tokens[1:]
	return out, false, nil
}

func (c *recordedNTLM) TokenSize() int { return 16 }
func (c *recordedNTLM) Peer() string   { return "recorded" }

func mac(key []byte, n *uint32, message []byte, crypt *rc4.Cipher) []byte {
	h := hmac.New(md5.New, key)
	h.Write(binary.LittleEndian.AppendUint32(nil, *n))
	h.Write(message)
	sum := h.Sum(nil)[:8]
	crypt.XORKeyStream(sum, sum)
	token := binary.LittleEndian.AppendUint32(append([]byte{1, 0, 0, 0}, sum...), *n)
	*n++
	return token
}

func (c *recordedNTLM) Sign(m []byte) ([]byte, error) { return mac(c.outKey, &c.outN, m, c.out), nil }

func (c *recordedNTLM) Verify(m, token []byte) error {
	if !bytes.Equal(mac(c.inKey, &c.inN, m, c.in), token) {
		return errors.New("signature is wrong")
	}
	return nil
}

func (c *recordedNTLM) Seal(m, secret []byte) ([]byte, error) {
	m = bytes.Clone(m)
	c.out.XORKeyStream(secret, secret)
	return c.Sign(m)
}

func (c *recordedNTLM) Unseal(m, secret, token []byte) error {
	c.in.XORKeyStream(secret, secret)
	return c.Verify(m, token)
}

// TestVectorsRecordedRequests has our server take what recorded clients sent: negotiation, fragments, signatures, encryption.
// It answers what the recorded server did, which a client with the same key must be able to read.
func TestVectorsRecordedRequests(t *testing.T) {
	conversations(t, func(t *testing.T, c *conversation, in, out [][]byte) {
		calls := c.Calls
		handler := func(_ context.Context, call *Call, stub []byte) ([]byte, error) {
			if len(calls) == 0 {
				t.Error("more calls than recorded")
				return nil, nil
			}
			r := calls[0]
			calls = calls[1:]
			if call.OpNum != r.OpNum {
				t.Errorf("operation %d, want %d", call.OpNum, r.OpNum)
			}
			same(t, stub, r.Request, r.RequestHash)
			if r.Fault != "" {
				return nil, &Fault{Status: recordedFaults[r.Fault]}
			}
			if r.Response == nil {
				return []byte("not recorded"), nil
			}
			return vectors.Hex(t, *r.Response), nil
		}
		var bind bindBody
		h, _, err := ReadPDU(bytes.NewReader(in[0]))
		if err != nil || ndr.Unmarshal(in[0], within(&bind)) != nil || h.Type != Bind {
			t.Fatal(h, err)
		}
		i := &Interface{Syntax: bind.Contexts[0].Abstract, Handlers: map[uint16]Handler{}}
		for op := range uint16(100) {
			i.Handlers[op] = handler
		}
		s := &Server{Interfaces: []*Interface{i}, Accept: func(AuthType) (gss.Context, error) {
			return newRecordedNTLM(t, c.Key, true, []byte("challenge")), nil
		}}
		near, far := net.Pipe()
		defer near.Close()
		go s.ServeConn(t.Context(), far, ConnInfo{Endpoint: "6001"})
		var sec *security
		if c.Key != "" {
			sec = &security{ctx: newRecordedNTLM(t, c.Key, false), trailer: trailer{Type: AuthNTLM, Level: c.Level}}
		}
		for _, pdu := range in {
			h, _, _ := ReadPDU(bytes.NewReader(pdu))
			if _, err := near.Write(pdu); err != nil {
				t.Fatal(err)
			}
			if h.Type == Auth3 || h.Flags&LastFragment == 0 {
				continue
			}
			r := recordedCall{}
			if h.Type == Request {
				r = c.Calls[0]
				c.Calls = c.Calls[1:]
			}
			readAnswer(t, near, h, r, sec)
		}
	})
}

// readAnswer reads the answer to a recorded PDU.
func readAnswer(t *testing.T, r io.Reader, asked Header, want recordedCall, sec *security) {
	t.Helper()
	var stub []byte
	for {
		h, pdu, err := ReadPDU(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.CallID != asked.CallID {
			t.Errorf("answer to call %d, want %d", h.CallID, asked.CallID)
		}
		if asked.Type == Bind {
			if h.Type != BindAck {
				t.Fatalf("bind answered by %d", h.Type)
			}
			return
		}
		if h.Type == FaultPDU {
			var b faultBody
			if err := ndr.Unmarshal(pdu, within(&b)); err != nil || want.Fault == "" || b.Status != recordedFaults[want.Fault] {
				t.Errorf("fault %x instead of %q, %v", b.Status, want.Fault, err)
			}
			return
		}
		tr, trailerAt, end, token, err := split(h, pdu)
		if err == nil && tr != nil {
			err = sec.open(pdu, responseSize, trailerAt, tr, token)
		}
		if err != nil {
			t.Fatal(err)
		}
		stub = append(stub, pdu[responseSize:end]...)
		if h.Flags&LastFragment != 0 {
			break
		}
	}
	if want.Response != nil {
		same(t, stub, want.Response, "")
	}
}

// replayed is a connection whose other side says what is recorded, one answer for each PDU that wants one.
type replayed struct {
	net.Conn
	t       *testing.T
	answers chan []byte
	rest    []byte
	out     [][]byte
	signed  bool
}

func (c *replayed) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		var ok bool
		if c.rest, ok = <-c.answers; !ok {
			return 0, io.EOF
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *replayed) Write(b []byte) (int, error) {
	h, _, err := ReadPDU(bytes.NewReader(b))
	if err != nil {
		c.t.Error(err)
	}
	if h.Type == Auth3 || h.Flags&LastFragment == 0 {
		return len(b), nil
	}
	for len(c.out) > 0 {
		pdu := c.out[0]
		c.out = c.out[1:]
		if !c.signed {
			binary.LittleEndian.PutUint32(pdu[12:], h.CallID) // they began with 1 again after the bind
		}
		c.answers <- pdu
		if pdu[3]&LastFragment != 0 {
			break
		}
	}
	return len(b), nil
}

func (c *replayed) Close() error { return nil }

// TestVectorsRecordedResponses has our client ask as recorded clients did, and read what the recorded server said.
func TestVectorsRecordedResponses(t *testing.T) {
	conversations(t, func(t *testing.T, c *conversation, in, out [][]byte) {
		var bind bindBody
		if err := ndr.Unmarshal(in[0], within(&bind)); err != nil {
			t.Fatal(err)
		}
		cfg := Config{AuthType: AuthNTLM, Level: c.Level}
		if c.Key != "" {
			cfg.Auth = &lastWord{*newRecordedNTLM(t, c.Key, false, []byte("negotiate"), []byte("authenticate"))}
		}
		conn := &replayed{t: t, answers: make(chan []byte, len(out)), out: out, signed: c.Key != ""}
		client := NewClient(conn, cfg)
		defer close(conn.answers)
		if err := client.Bind(t.Context(), bind.Contexts[0].Abstract); err != nil {
			t.Fatal(err)
		}
		for i, r := range c.Calls {
			var stub []byte
			if r.Request != nil {
				stub = vectors.Hex(t, *r.Request)
			}
			got, err := client.Call(t.Context(), r.OpNum, stub)
			switch {
			case r.Fault != "":
				if !errors.Is(err, &Fault{Status: recordedFaults[r.Fault]}) {
					t.Errorf("call %d: %v, want %s", i, err, r.Fault)
				}
			case err != nil:
				t.Fatalf("call %d: %v", i, err)
			default:
				same(t, got, r.Response, r.ResponseHash)
			}
		}
	})
}

// lastWord is done when it has sent its last token, as an initiator of NTLM.
type lastWord struct{ recordedNTLM }

func (c *lastWord) Step(ctx context.Context, token []byte) ([]byte, bool, error) {
	out, _, err := c.recordedNTLM.Step(ctx, token)
	return out, len(c.tokens) == 0, err
}
