package storage_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/restic/storage"
	"github.com/opencdo/opencdo/internal/restic/storage/storagetest"
	"github.com/opencdo/opencdo/mapi"
)

// eachServer runs a test on each kind of place that has a server.
func eachServer(t *testing.T, test func(t *testing.T, p *storagetest.Place)) {
	for kind, start := range storagetest.Servers {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func open(t *testing.T, p *storagetest.Place) restic.Backend {
	t.Helper()
	be, err := storage.Open(p.Address, &p.Config)
	if err != nil {
		t.Fatal(err)
	}
	return be
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func load(be restic.Backend, t *testing.T, h restic.Handle, offset int64, length int) ([]byte, error) {
	rd, err := be.Load(t.Context(), h, offset, length)
	if err != nil {
		return nil, err
	}
	defer rd.Close()
	return io.ReadAll(rd)
}

// Every kind of place keeps what it promises to restic.
func TestBackend(t *testing.T) {
	eachServer(t, func(t *testing.T, p *storagetest.Place) {
		ctx, be := t.Context(), open(t, p)
		missing := restic.Handle{Type: restic.PackFile, ID: restic.Hash([]byte("missing"))}
		if _, err := be.Stat(ctx, restic.Handle{Type: restic.ConfigFile}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the config file of no repository: %v", err)
		}
		for typ := range restic.PackFile {
			for fi, err := range be.List(ctx, typ+1) {
				t.Errorf("an empty place has %v, %v", fi, err)
			}
		}
		for range 2 { // once more does no harm
			if err := be.Init(ctx); err != nil {
				t.Fatal(err)
			}
		}
		files := map[restic.Handle][]byte{}
		for i, size := range []int{1, 1000, 17 << 20, 200_000, 200_001, 50} {
			b := random(size)
			h := restic.Handle{Type: restic.PackFile - restic.FileType(i%5), ID: restic.Hash(b)}
			files[h] = b
		}
		for i := range 30 {
			b := random(i + 1)
			files[restic.Handle{Type: restic.PackFile, ID: restic.Hash(b)}] = b
		}
		config := restic.Handle{Type: restic.ConfigFile}
		files[config] = random(100)
		for h, b := range files {
			if err := be.Save(ctx, h, section(b)); err != nil {
				t.Fatalf("%v: %v", h, err)
			}
		}
		for h, b := range files {
			if fi, err := be.Stat(ctx, h); err != nil || fi.Size != int64(len(b)) || fi.Handle != h {
				t.Errorf("%v: %+v, %v; want %d bytes", h, fi, err, len(b))
			}
			if got, err := load(be, t, h, 0, 0); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%v: %d bytes, %v; want %d", h, len(got), err, len(b))
			}
			if n := len(b); n > 10 {
				for _, part := range [][2]int{{1, n - 1}, {n / 2, 5}, {n - 4, 4}, {3, 0}, {0, 7}} {
					want := b[part[0]:]
					if part[1] > 0 {
						want = want[:part[1]]
					}
					if got, err := load(be, t, h, int64(part[0]), part[1]); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%v %v: %d bytes, %v", h, part, len(got), err)
					}
				}
				if got, err := load(be, t, h, int64(n-4), 10); err != nil || !bytes.Equal(got, b[n-4:]) {
					t.Errorf("%v beyond its end: %d bytes, %v", h, len(got), err)
				}
			}
		}
		for typ := restic.KeyFile; typ <= restic.PackFile; typ++ {
			n := 0
			for fi, err := range be.List(ctx, typ) {
				if b, ok := files[fi.Handle]; err != nil || !ok || fi.Size != int64(len(b)) {
					t.Errorf("listed: %+v, %v", fi, err)
				}
				n++
			}
			want := 0
			for h := range files {
				if h.Type == typ {
					want++
				}
			}
			if n != want {
				t.Errorf("%d %vs are listed, want %d", n, typ, want)
			}
		}
		if _, err := be.Stat(ctx, missing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of a missing file: %v", err)
		}
		if _, err := load(be, t, missing, 0, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("load of a missing file: %v", err)
		}
		if err := be.Remove(ctx, missing); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("remove of a missing file: %v", err)
		}
		for h, b := range files {
			if h != config {
				if err := be.Save(ctx, h, section(b)); err != nil { // as after a lost answer
					t.Errorf("%v once more: %v", h, err)
				}
			}
			if err := be.Remove(ctx, h); err != nil {
				t.Errorf("remove %v: %v", h, err)
			}
			if _, err := be.Stat(ctx, h); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v after it was removed: %v", h, err)
			}
		}
	})
}

// An S3 service gives lists in pages of a thousand.
func TestLongList(t *testing.T) {
	eachServer(t, func(t *testing.T, p *storagetest.Place) {
		be := open(t, p)
		if err := be.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		const n = 2500
		for i := range n { // past the server, which would take long
			b := fmt.Append(nil, i)
			id := restic.Hash(b).String()
			dir := filepath.Join(p.Dir, "data", id[:2])
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, id), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[restic.ID]bool{}
		for fi, err := range be.List(t.Context(), restic.PackFile) {
			if err != nil {
				t.Fatal(err)
			}
			seen[fi.ID] = true
		}
		if len(seen) != n {
			t.Errorf("%d files are listed, want %d", len(seen), n)
		}
	})
}

const password = "correct horse"

var cheap = &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}, PackSize: 1 << 20}

// stock runs stock restic on a place.
func stock(t *testing.T, p *storagetest.Place, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("OPENCDO_RESTIC"), "restic"))
	if err != nil {
		t.Skip("SKIPPED: no stock restic to compare with; install it or name it in OPENCDO_RESTIC: ", err)
	}
	cmd := exec.Command(path, slices.Concat([]string{"--no-cache", "-r", p.Stock}, p.Options, args)...)
	cmd.Env = append(p.Environ(), "RESTIC_PASSWORD="+password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Stock restic and we work on the same repository in turn, wherever it is.
func TestStockOnServers(t *testing.T) {
	eachServer(t, func(t *testing.T, p *storagetest.Place) {
		ctx := t.Context()
		r, err := restic.Create(ctx, open(t, p), password, cheap)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := restic.Create(ctx, open(t, p), password, cheap); !errors.Is(err, restic.ErrExists) {
			t.Errorf("a second repository in the same place: %v", err)
		}
		content := random(5 << 20)
		ours := backUp(t, r, content)
		if out := stock(t, p, "check", "--read-data"); !strings.Contains(out, "no errors were found") {
			t.Errorf("restic check: %s", out)
		}
		if got := stock(t, p, "dump", ours.ID().String(), "/file"); got != string(content) {
			t.Errorf("restic dump gives %d bytes", len(got))
		}
		file := filepath.Join(t.TempDir(), "theirs")
		theirs := random(3 << 20)
		if err := os.WriteFile(file, theirs, 0o600); err != nil {
			t.Fatal(err)
		}
		stock(t, p, "backup", file)
		if r, err = restic.Open(ctx, open(t, p), password, cheap); err != nil {
			t.Fatal(err)
		}
		report, err := r.Check(ctx, restic.CheckOptions{ReadData: true})
		if err != nil || report.Faults != 0 || report.Snapshots != 2 {
			t.Errorf("check: %+v, %v", report, err)
		}
		if _, err := restic.Open(ctx, open(t, p), "wrong", cheap); !errors.Is(err, restic.ErrWrongPassword) {
			t.Errorf("with a wrong password: %v", err)
		}
	})
}

// backUp makes a snapshot of one file.
func backUp(t *testing.T, r *restic.Repository, content []byte) *restic.Snapshot {
	t.Helper()
	lock, ctx, err := r.Lock(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	w, err := r.NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, n := w.NewFile(ctx), &restic.Node{Name: "file", Type: restic.FileNode}
	f.Write(content)
	if err := f.Close(n); err != nil {
		t.Fatal(err)
	}
	tree, err := w.SaveTree(ctx, &restic.Tree{Nodes: []*restic.Node{n}})
	if err != nil {
		t.Fatal(err)
	}
	s := &restic.Snapshot{Time: time.Now(), Tree: &tree, Paths: []string{"/file"}, Hostname: "host"}
	if err := w.SaveSnapshot(ctx, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Credentials that aren't right are told at once, and never with the secret.
func TestWrongCredentials(t *testing.T) {
	for kind, wrong := range map[string]map[string]string{
		"rest": {"RESTIC_REST_PASSWORD": "WR0NG"},
		"s3":   {"AWS_SECRET_ACCESS_KEY": "WR0NG"},
		"sftp": {"OPENCDO_SFTP_KEY_FILE": ""},
	} {
		t.Run(kind, func(t *testing.T) {
			p := storagetest.Servers[kind](t)
			for k, v := range wrong {
				p.Env[k] = v
			}
			t.Setenv("HOME", t.TempDir()) // no usual keys
			p.Config.Patience = storage.Patience{First: time.Minute}
			start := time.Now()
			_, err := open(t, p).Stat(t.Context(), restic.Handle{})
			if !errors.Is(err, mapi.ErrLogonFailed) && !errors.Is(err, fs.ErrPermission) || strings.Contains(fmt.Sprint(err), "WR0NG") {
				t.Errorf("%v", err)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("told after %v", d)
			}
		})
	}
}

// Passwords come from the store of secrets, too, by the name that the address gives.
func TestSecrets(t *testing.T) {
	for kind, name := range map[string]string{"rest": "RESTIC_REST_PASSWORD", "s3": "AWS_SECRET_ACCESS_KEY"} {
		t.Run(kind, func(t *testing.T) {
			p := storagetest.Servers[kind](t)
			kept := p.Env[name]
			delete(p.Env, name)
			asked := ""
			p.Config.Secret = func(_ context.Context, name string) (string, error) {
				asked = name
				return kept, nil
			}
			if err := open(t, p).Init(t.Context()); err != nil {
				t.Fatal(err)
			}
			a, err := storage.Parse(p.Address)
			if err != nil {
				t.Fatal(err)
			}
			if want := kind + ":" + map[string]string{"rest": "ada", "s3": "KEYID"}[kind] + "@" + a.Host; asked != want {
				t.Errorf("asked for %q, want %q", asked, want)
			}
		})
	}
}

// Only the SSH server that is known is talked to.
func TestHostKeys(t *testing.T) {
	p := storagetest.SFTP(t)
	stat := func() error {
		_, err := open(t, p).Stat(t.Context(), restic.Handle{})
		return err
	}
	if err := stat(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the known server: %v", err)
	}
	known, err := os.ReadFile(p.Env["OPENCDO_SFTP_KNOWN_HOSTS"])
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(known), " ")
	other := storagetest.SFTP(t)
	for name, c := range map[string]struct {
		known, pin string
		ok         bool
	}{
		"unknown":            {"", "", false},
		"another key":        {strings.Fields(string(known))[0] + " " + strings.SplitN(mustRead(t, other.Env["OPENCDO_SFTP_KNOWN_HOSTS"]), " ", 2)[1], "", false},
		"pinned":             {"", line, true},
		"pinned another key": {string(known), strings.SplitN(mustRead(t, other.Env["OPENCDO_SFTP_KNOWN_HOSTS"]), " ", 2)[1], false},
		"no key at all":      {string(known), "SHA256:nonsense", false},
	} {
		file := filepath.Join(t.TempDir(), "known")
		if err := os.WriteFile(file, []byte(c.known), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Env["OPENCDO_SFTP_KNOWN_HOSTS"], p.Env["OPENCDO_SFTP_HOST_KEY"] = file, c.pin
		var untrusted *storage.HostKeyError
		if err := stat(); c.ok && !errors.Is(err, fs.ErrNotExist) || !c.ok && !errors.As(err, &untrusted) {
			t.Errorf("%s: %v", name, err)
		} else if untrusted != nil && strings.HasPrefix(untrusted.Fingerprint, "SHA256:") {
			p.Env["OPENCDO_SFTP_HOST_KEY"] = untrusted.Fingerprint // what the error advises
			if err := stat(); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, with the fingerprint: %v", name, err)
			}
		}
	}
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
