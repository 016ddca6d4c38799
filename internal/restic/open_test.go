package restic

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestOpenErrors(t *testing.T) {
	r, dir := newRepo(t, cheap)
	if _, err := Open(t.Context(), NewLocal(dir), "wrong", nil); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := Create(t.Context(), NewLocal(dir), testPassword, cheap); !errors.Is(err, ErrExists) {
		t.Errorf("create again: %v", err)
	}
	if _, err := Open(t.Context(), NewLocal(t.TempDir()), testPassword, nil); !errors.Is(err, ErrNoRepository) {
		t.Errorf("open nothing: %v", err)
	}
	if _, err := Create(t.Context(), NewLocal(t.TempDir()), "", cheap); err == nil {
		t.Error("create without a password: no error")
	}
	again, err := Open(t.Context(), NewLocal(dir), testPassword, nil)
	if err != nil || again.ID() != r.ID() || again.Version() != 2 {
		t.Errorf("open: %v, id %v, want %v", err, again.ID(), r.ID())
	}
}

// A Create that died before it wrote the config file may be repeated, but not over data whose config is lost.
func TestCreateWithoutConfig(t *testing.T) {
	_, dir := newRepo(t, cheap)
	if err := os.Remove(filepath.Join(dir, "config")); err != nil {
		t.Fatal(err)
	}
	r, err := Create(t.Context(), NewLocal(dir), testPassword, cheap)
	if err != nil {
		t.Fatal(err)
	}
	saveSnapshot(t, reopen(t, dir), map[string][]byte{"a": {'a'}})
	if keys, err := os.ReadDir(filepath.Join(dir, "keys")); err != nil || len(keys) != 1 {
		t.Errorf("%d keys, want the new one only (%v)", len(keys), err)
	}
	if err := r.be.Remove(t.Context(), Handle{Type: ConfigFile}); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), NewLocal(dir), testPassword, cheap); !errors.Is(err, ErrExists) {
		t.Errorf("create over data: %v", err)
	}
}

func TestKeysOfStock(t *testing.T) {
	_, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	second := filepath.Join(t.TempDir(), "second")
	if err := os.WriteFile(second, []byte("another password"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("key", "add", "--new-password-file", second)
	for _, password := range []string{testPassword, "another password"} {
		if _, err := Open(t.Context(), NewLocal(dir), password, nil); err != nil {
			t.Errorf("%s: %v", password, err)
		}
	}

	// A damaged key file doesn't lock out the other password, and is named to whom it does.
	keys, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	if err != nil || len(keys) != 2 {
		t.Fatal(keys, err)
	}
	damage(t, keys[0], 10)
	opened := 0
	for _, password := range []string{testPassword, "another password"} {
		_, err := Open(t.Context(), NewLocal(dir), password, nil)
		if err == nil {
			opened++
		} else if !errors.Is(err, ErrWrongPassword) || !strings.Contains(err.Error(), filepath.Base(keys[0])) {
			t.Errorf("%s: %v", password, err)
		}
	}
	if opened != 1 {
		t.Errorf("%d passwords open the repository, want 1", opened)
	}
}

// The key Create makes by default costs an attacker what stock restic's does.
func TestDefaultKeyCost(t *testing.T) {
	_, dir := newRepo(t, nil)
	keys, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	document, err := os.ReadFile(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseKeyFile(document)
	if err != nil || f.N != 32768 || f.R != 8 || f.P < 1 || len(f.Salt) != 64 {
		t.Errorf("%s: %v", document, err)
	}
	newStock(t, dir).check()
}

func TestLeftTemporaryFiles(t *testing.T) {
	r, dir := newRepo(t, cheap)
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": time.Hour} {
		path := filepath.Join(dir, tempDir, name)
		if err := os.WriteFile(path, []byte("half a pack"), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	lock(t, r, false)
	left, err := os.ReadDir(filepath.Join(dir, tempDir))
	if err != nil || len(left) != 1 || left[0].Name() != "new" {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestFileModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	_, dir := newRepo(t, cheap)
	stockDir := filepath.Join(t.TempDir(), "repo")
	newStock(t, stockDir).run("init")
	modes := func(root string) map[string]fs.FileMode {
		found := make(map[string]fs.FileMode)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			fi, err := d.Info()
			name, _ := filepath.Rel(root, path)
			if filepath.Dir(name) == "keys" {
				name = "keys/key"
			}
			found[name] = fi.Mode()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	ours, theirs := modes(dir), modes(stockDir)
	delete(ours, tempDir)
	if len(ours) != len(theirs) {
		t.Errorf("%d names, stock restic makes %d", len(ours), len(theirs))
	}
	for name, mode := range theirs {
		if ours[name] != mode {
			t.Errorf("%s: mode %v, stock restic's is %v", name, ours[name], mode)
		}
	}

	if err := os.Chmod(filepath.Join(dir, "config"), 0o440); err != nil {
		t.Fatal(err)
	}
	saveSnapshot(t, reopen(t, dir), nil)
	for name, mode := range modes(dir) {
		if filepath.Dir(name) == "snapshots" && mode != 0o440 {
			t.Errorf("%s: mode %v in a repository its group may read", name, mode)
		}
	}
}
