package rpchttp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/rpchttp"
)

// pdu is an RPC request PDU of n bytes.
func pdu(n int, fill byte) []byte {
	b := bytes.Repeat([]byte{fill}, n)
	copy(b, []byte{5, 0, 0, 3, 0x10, 0, 0, 0})
	binary.LittleEndian.PutUint16(b[8:], uint16(n))
	return b
}

// server is a Handler behind an HTTP server that counts what it is asked.
type server struct {
	*httptest.Server
	handler  *rpchttp.Handler
	requests map[string]*atomic.Int32 // by method
}

// start serves h by TLS or without. before sees each request before it does, and may answer it.
func start(t *testing.T, h *rpchttp.Handler, secure bool, before ...func(http.ResponseWriter, *http.Request) *http.Request) *server {
	t.Helper()
	s := &server{handler: h, requests: map[string]*atomic.Int32{"RPC_IN_DATA": {}, "RPC_OUT_DATA": {}}}
	mux := http.NewServeMux()
	mux.HandleFunc("/rpc/rpcproxy.dll", func(w http.ResponseWriter, r *http.Request) {
		if n := s.requests[r.Method]; n != nil {
			n.Add(1)
		}
		for _, f := range before {
			if r = f(w, r); r == nil {
				return
			}
		}
		h.ServeHTTP(w, r)
	})
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that a closing client leaves half-way
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, new(connection))
	}
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		h.Close()
		s.Close()
	})
	return s
}

type connectionKey struct{}

// connection is what a test's authentication remembers of one, from one request to the next.
type connection struct {
	legs []string
	user string
}

// config is that of a client of the server.
func (s *server) config() rpchttp.Config {
	cfg := rpchttp.Config{URL: s.URL + "/rpc/rpcproxy.dll?mail.example.com:6001", OpenTimeout: 10 * time.Second}
	if s.TLS != nil {
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		cfg.TLS = &tls.Config{RootCAs: roots}
	}
	return cfg
}

func dial(t *testing.T, cfg rpchttp.Config) net.Conn {
	t.Helper()
	c, err := rpchttp.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// echo gives back what it receives.
func echo(_ context.Context, c net.Conn, _ rpchttp.Info) {
	buf := make([]byte, 1<<16)
	for {
		if _, err := io.ReadFull(c, buf[:16]); err != nil {
			return
		}
		n := int(binary.LittleEndian.Uint16(buf[8:]))
		if _, err := io.ReadFull(c, buf[16:n]); err != nil {
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

// pour writes PDUs of all sizes up to some KiB, total bytes and a rest in all, into c and a hash.
func pour(c net.Conn, total int, seed uint64) ([]byte, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	h := sha256.New()
	for total > 0 {
		b := pdu(16+random.IntN(5824), byte(random.Uint32()))
		total -= len(b)
		h.Write(b)
		if _, err := c.Write(b); err != nil {
			return nil, err
		}
	}
	_, err := c.Write(last)
	h.Write(last)
	return h.Sum(nil), err
}

// last is the PDU after which nothing comes.
var last = pdu(17, 0xEE)

// drain hashes what comes until the last PDU, reading pieces of all sizes.
func drain(c net.Conn, seed uint64) ([]byte, error) {
	random := rand.New(rand.NewPCG(seed, 1))
	h := sha256.New()
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(c, head); err != nil {
			return nil, err
		}
		h.Write(head)
		body := make([]byte, int(binary.LittleEndian.Uint16(head[8:]))-16)
		for at := 0; at < len(body); {
			n, err := c.Read(body[at:min(len(body), at+1+random.IntN(8192))])
			if err != nil {
				return nil, err
			}
			at += n
		}
		h.Write(body)
		if bytes.Equal(body, last[16:]) {
			return h.Sum(nil), nil
		}
	}
}

// TestRecycling sends some MB both ways at once through channels that are recycled all the time.
func TestRecycling(t *testing.T) {
	const total = 6 << 20
	for _, test := range []struct {
		name          string
		secure        bool
		in, out       int64 // lifetimes
		window        int
		inMin, outMin int32 // channels that it takes
	}{
		{"both", false, 64 << 10, 96 << 10, 32 << 10, 90, 60},
		{"TLS", true, 128 << 10, 128 << 10, 256 << 10, 48, 48},
		{"narrow", false, 64 << 10, 64 << 10, 8 << 10, 90, 90},
		{"IN", false, 40 << 10, 1 << 30, 64 << 10, 150, 1},
		{"OUT", false, 1 << 30, 40 << 10, 64 << 10, 1, 150},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			type result struct {
				sent, got []byte
				err       error
			}
			both := func(c net.Conn, seed uint64) (r result) {
				var wg sync.WaitGroup
				var e1, e2 error
				wg.Go(func() { r.sent, e1 = pour(c, total, seed) })
				wg.Go(func() { r.got, e2 = drain(c, seed) })
				wg.Wait()
				r.err = errors.Join(e1, e2)
				return r
			}
			served := make(chan result, 1)
			s := start(t, &rpchttp.Handler{ChannelLifetime: test.out, ReceiveWindow: test.window, OpenTimeout: 20 * time.Second,
				Serve: func(_ context.Context, c net.Conn, _ rpchttp.Info) {
					served <- both(c, 7)
					io.Copy(io.Discard, c) // until the client closes
				}}, test.secure)
			cfg := s.config()
			cfg.ChannelLifetime, cfg.ReceiveWindow = test.in, test.window
			c := dial(t, cfg)
			mine := both(c, 8)
			if mine.err != nil {
				t.Fatal(mine.err, (<-served).err)
			}
			theirs := <-served
			if theirs.err != nil {
				t.Fatal(theirs.err)
			}
			if !bytes.Equal(mine.sent, theirs.got) || !bytes.Equal(theirs.sent, mine.got) {
				t.Error("what arrived isn't what was sent")
			}
			in, out := s.requests["RPC_IN_DATA"].Load(), s.requests["RPC_OUT_DATA"].Load()
			if in < test.inMin || out < test.outMin {
				t.Errorf("only %d IN channels and %d OUT channels were used", in, out)
			}
			t.Logf("%d IN channels, %d OUT channels", in, out)
		})
	}
}
