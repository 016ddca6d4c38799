package storage_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/restic/storage"
	"github.com/opencdo/opencdo/mapi"
)

// impatient is for servers that fail.
var impatient = storage.Patience{Stall: 500 * time.Millisecond, First: 2 * time.Second, Total: 2 * time.Second, Pause: time.Millisecond}

// The REST protocol over TLS with an authority of one's own, in its first version, which lists names only.
func TestRESTVersion1(t *testing.T) {
	stored := random(1000)
	id := restic.Hash(stored)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/repo/data/":
			w.Header().Set("Content-Type", "application/vnd.x.restic.rest.v1")
			json.NewEncoder(w).Encode([]string{id.String(), "not a name", id.String()[:10]})
		case "/repo/data/" + id.String():
			w.Header().Set("Content-Length", fmt.Sprint(len(stored)))
		case "/repo/index/":
			io.WriteString(w, "null\n")
		case "/repo/keys/":
			io.WriteString(w, `["`+id.String()) // and no more
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	address := "rest:" + srv.URL + "/repo/"
	var untrusted x509.UnknownAuthorityError
	be, err := storage.Open(address, &storage.Config{Patience: impatient, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := be.Stat(t.Context(), restic.Handle{}); !errors.As(err, &untrusted) {
		t.Errorf("without the authority: %v", err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*storage.Config{{CAFile: ca, Getenv: func(string) string { return "" }}, {Getenv: func(name string) string { return map[string]string{"RESTIC_CACERT": ca}[name] }}} {
		c.Patience = impatient
		if be, err = storage.Open(address, c); err != nil {
			t.Fatal(err)
		}
		var list []restic.FileInfo
		for fi, err := range be.List(t.Context(), restic.PackFile) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fi)
		}
		if want := (restic.FileInfo{Handle: restic.Handle{Type: restic.PackFile, ID: id}, Size: 1000}); !slices.Equal(list, []restic.FileInfo{want}) {
			t.Errorf("listed: %+v", list)
		}
		for _, typ := range []restic.FileType{restic.IndexFile, restic.SnapshotFile} { // none, and no such directory
			for fi, err := range be.List(t.Context(), typ) {
				t.Errorf("%+v, %v", fi, err)
			}
		}
		for fi, err := range be.List(t.Context(), restic.KeyFile) {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("a list that is cut off: %+v, %v", fi, err)
			}
		}
	}
	if _, err := storage.Open(address, &storage.Config{CAFile: ca + "x"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with a file that isn't there: %v", err)
	}
}

// What a server answers decides whether it is asked again.
func TestStatuses(t *testing.T) {
	var code, asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(int(code.Load()))
		io.WriteString(w, "no, \x1b[31mreally\n")
	}))
	defer srv.Close()
	be, err := storage.Open("rest:"+srv.URL, &storage.Config{Patience: storage.Patience{First: 100 * time.Millisecond, Total: 100 * time.Millisecond, Pause: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	for status, again := range map[int]bool{400: false, 401: false, 403: false, 404: false, 405: false, 408: true, 416: false, 429: true, 500: true, 501: false, 502: true, 503: true, 504: true,
		507: false} {
		code.Store(int64(status))
		asked.Store(0)
		_, err := be.Load(t.Context(), restic.Handle{Type: restic.KeyFile}, 0, 0)
		if err == nil || strings.ContainsRune(err.Error(), '\x1b') || (asked.Load() > 1) != again {
			t.Errorf("%d: asked %d times: %v", status, asked.Load(), err)
		}
		if errors.Is(err, fs.ErrNotExist) != (status == 404) || errors.Is(err, mapi.ErrLogonFailed) != (status == 401) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// A server that goes silent in the middle of an answer is noticed.
func TestSilentServer(t *testing.T) {
	over := make(chan struct{})
	var asked atomic.Int64
	content := random(100_000)
	h := restic.Handle{Type: restic.IndexFile, ID: restic.Hash(content)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		if asked.Add(1) > 2 {
			w.Write(content)
			return
		}
		w.Write(content[:len(content)/2])
		w.(http.Flusher).Flush()
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(over)
	be, err := storage.Open("rest:"+srv.URL, &storage.Config{Patience: storage.Patience{Stall: 200 * time.Millisecond, First: 10 * time.Second, Pause: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := load(be, t, h, 0, 0); err != nil || len(got) != len(content) || asked.Load() != 3 {
		t.Errorf("%d bytes after %d tries: %v", len(got), asked.Load(), err)
	}
}

// sshServer is an SFTP server in this process that takes a password, as those of storage providers do.
type sshServer struct {
	address string
	hostKey ssh.PublicKey
	mu      sync.Mutex
	conns   []net.Conn
}

func newSSHServer(t *testing.T, dir, password string) *sshServer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	conf := &ssh.ServerConfig{PasswordCallback: func(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if c.User() != "ada" || string(given) != password {
			return nil, errors.New("no")
		}
		return nil, nil
	}}
	conf.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &sshServer{address: "sftp://ada@" + l.Addr().String() + "/repo", hostKey: signer.PublicKey()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			go s.serve(conn, conf, dir)
		}
	}()
	return s
}

func (s *sshServer) serve(conn net.Conn, conf *ssh.ServerConfig, dir string) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				r.Reply(r.Type == "subsystem", nil)
			}
		}()
		srv, err := sftp.NewServer(ch, sftp.WithServerWorkingDirectory(dir))
		if err != nil {
			return
		}
		go srv.Serve()
	}
}

// cut ends all connections.
func (s *sshServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

// A password comes from the store of secrets, paths may be relative, and a connection that was lost is made again.
func TestSFTPWithPassword(t *testing.T) {
	t.Setenv("HOME", t.TempDir()) // without keys
	dir := t.TempDir()
	srv := newSSHServer(t, dir, "sftp secret")
	given := "sftp secret"
	c := &storage.Config{Patience: impatient,
		Getenv: func(name string) string {
			return map[string]string{"OPENCDO_SFTP_HOST_KEY": ssh.FingerprintSHA256(srv.hostKey)}[name]
		},
		Secret: func(_ context.Context, name string) (string, error) {
			if want := strings.TrimSuffix(strings.Replace(srv.address, "sftp://", "sftp:", 1), "/repo"); name != want {
				t.Errorf("asked for %q, want %q", name, want)
			}
			return given, nil
		}}
	be, err := storage.Open(srv.address, c)
	if err != nil {
		t.Fatal(err)
	}
	r, err := restic.Create(t.Context(), be, password, cheap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "repo", "config")); err != nil {
		t.Error(err)
	}
	content := random(300_000)
	s := backUp(t, r, content)
	srv.cut()
	if got, err := fileOf(t.Context(), r, s); err != nil || string(got) != string(content) {
		t.Errorf("after the connection was lost: %d bytes, %v", len(got), err)
	}
	given = "wrong"
	if be, err = storage.Open(srv.address, c); err != nil {
		t.Fatal(err)
	}
	if _, err := be.Stat(t.Context(), restic.Handle{}); !errors.Is(err, storage.ErrLogon) || strings.Contains(err.Error(), given) {
		t.Errorf("with a wrong password: %v", err)
	}
}

// Temporary files that dead processes left are removed when they are old.
func TestSFTPSweep(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	srv := newSSHServer(t, dir, "secret")
	be, err := storage.Open(srv.address, &storage.Config{Patience: impatient,
		Getenv: func(name string) string {
			return map[string]string{"OPENCDO_SFTP_HOST_KEY": ssh.FingerprintSHA256(srv.hostKey)}[name]
		},
		Secret: func(context.Context, string) (string, error) { return "secret", nil }})
	if err != nil {
		t.Fatal(err)
	}
	temp := filepath.Join(dir, "repo", "tmp")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"save-old": 25 * time.Hour, "save-new": time.Hour} {
		path := filepath.Join(temp, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := be.(interface{ Sweep(context.Context) error }).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 1 || left[0].Name() != "save-new" {
		t.Errorf("left: %v, %v", left, err)
	}
}
