package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/opencdo/opencdo/mapi"
)

// passphraseFile writes one in a folder of its own.
func passphraseFile(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStores(t *testing.T) {
	keyring.MockInit()
	dir := t.TempDir()
	for name, open := range map[string]func() Store{
		"keyring": func() Store { return Keyring{"opencdo test", filepath.Join(dir, "lock")} },
		"encrypted": func() Store {
			return NewEncrypted(filepath.Join(dir, FileName), Passphrase{File: passphraseFile(t, "horse")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			alice, bob, token := PasswordName("alice", "mail.contoso.test"), PasswordName("bob", "mail.contoso.test"), TokenName("alice", "mail.contoso.test")
			s := open()
			if list, err := s.List(); err != nil || len(list) != 0 {
				t.Errorf("a new store: %v, %v", list, err)
			}
			if _, err := s.Get(alice); !errors.Is(err, mapi.ErrNotFound) {
				t.Errorf("nothing kept: %v", err)
			}
			for n, v := range map[Name]string{bob: "b", alice: "first", token: "t\n{}"} {
				if err := s.Set(n, v); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Set(alice, "secönd"); err != nil {
				t.Fatal(err)
			}
			s = open()
			for n, v := range map[Name]string{bob: "b", alice: "secönd", token: "t\n{}"} {
				if got, err := s.Get(n); err != nil || got != v {
					t.Errorf("%s: %q, %v", n, got, err)
				}
			}
			if list, err := s.List(); err != nil || !slices.Equal(list, []Name{alice, bob, token}) {
				t.Errorf("list: %v, %v", list, err)
			}
			if err := s.Remove(bob); err != nil {
				t.Fatal(err)
			}
			if err := s.Remove(bob); !errors.Is(err, mapi.ErrNotFound) {
				t.Errorf("removed twice: %v", err)
			}
			if list, err := s.List(); err != nil || !slices.Equal(list, []Name{alice, token}) {
				t.Errorf("list: %v, %v", list, err)
			}
		})
	}
}

func TestEncryptedFileTellsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	s := NewEncrypted(path, Passphrase{File: passphraseFile(t, "horse")})
	if err := s.Set("alice@contoso", "correct battery"); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"battery", "horse", "alice"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%q stands in the file", secret)
		}
	}
	if st, _ := os.Stat(path); runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if _, err := NewEncrypted(path, Passphrase{File: passphraseFile(t, "donkey")}).Get("alice@contoso"); !errors.Is(err, ErrWrongPassphrase) || !errors.Is(err, mapi.ErrLogonFailed) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if err := NewEncrypted(path, Passphrase{File: passphraseFile(t, "donkey")}).Set("x", "y"); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("wrong passphrase, writing: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(raw, after) {
		t.Error("a wrong passphrase changed the file")
	}
}

// Whatever is changed in the file is noticed, and nothing makes it take all memory.
func TestEncryptedFileChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	pass := Passphrase{File: passphraseFile(t, "horse")}
	if err := NewEncrypted(path, pass).Set("a", "b"); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*sealed)
		want   error
	}{
		"box":         {func(f *sealed) { f.Box[3] ^= 1 }, ErrWrongPassphrase},
		"box cut":     {func(f *sealed) { f.Box = f.Box[:3] }, ErrWrongPassphrase},
		"nonce":       {func(f *sealed) { f.Nonce[0] ^= 1 }, ErrWrongPassphrase},
		"short nonce": {func(f *sealed) { f.Nonce = f.Nonce[1:] }, mapi.ErrCorruptData},
		"salt":        {func(f *sealed) { f.Derivation.Salt[0] ^= 1 }, ErrWrongPassphrase},
		"time":        {func(f *sealed) { f.Derivation.Time = 1 }, ErrWrongPassphrase},
		"memory":      {func(f *sealed) { f.Derivation.Memory = 1 << 31 }, mapi.ErrCorruptData},
		"no threads":  {func(f *sealed) { f.Derivation.Threads = 0 }, mapi.ErrCorruptData},
		"format":      {func(f *sealed) { f.Format = "2" }, mapi.ErrCorruptData},
	} {
		var f sealed
		if err := json.Unmarshal(raw, &f); err != nil {
			t.Fatal(err)
		}
		c.change(&f)
		changed, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := NewEncrypted(path, pass).Get("a"); !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, s, err)
		}
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewEncrypted(path, pass).Get("a"); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("no JSON: %v", err)
	}
}

func TestPassphraseFiles(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, FileName)
	write := func(file string, mode os.FileMode) string {
		if err := os.WriteFile(file, []byte("horse\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	var insecure *InsecureFileError
	set := func(p Passphrase) error { return NewEncrypted(path, p).Set("a", "b") }
	if err := set(Passphrase{File: write(filepath.Join(home, "key"), 0o600)}); !errors.As(err, &insecure) || !errors.Is(err, mapi.ErrNoAccess) {
		t.Errorf("the passphrase beside the file: %v", err)
	}
	if err := set(Passphrase{File: filepath.Join(home, "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if err := set(Passphrase{File: t.TempDir()}); !errors.As(err, &insecure) {
		t.Errorf("a folder: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	other := t.TempDir()
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o644: false, 0o602: false} {
		err := set(Passphrase{File: write(filepath.Join(other, "key"), mode)})
		if ok != (err == nil) || !ok && !errors.As(err, &insecure) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	t.Setenv(PassphraseVariable, "")
	t.Setenv(CredentialsVariable, other)
	if _, found := FindPassphrase(); found {
		t.Error("a credential that isn't there")
	}
	write(filepath.Join(other, Credential), 0o440) // as systemd shows it
	p, found := FindPassphrase()
	if err := set(p); !found || err != nil {
		t.Errorf("systemd credential: %v, %v", found, err)
	}
	write(filepath.Join(other, Credential), 0o444)
	if err := set(p); !errors.As(err, &insecure) {
		t.Errorf("world-readable credential: %v", err)
	}
}

func TestOpenChooses(t *testing.T) {
	t.Setenv(CredentialsVariable, "")
	for _, c := range []struct {
		kind, file string
		encrypted  bool
	}{{"", "", false}, {"auto", "", false}, {"AUTO", "f", true}, {"", "f", true}, {"keyring", "f", false}, {"file", "", true}} {
		t.Setenv(PassphraseVariable, c.file)
		s, err := Open("home", c.kind)
		if _, ok := s.(*Encrypted); err != nil || ok != c.encrypted {
			t.Errorf("%+v: %T, %v", c, s, err)
		}
	}
	if _, err := Open("home", "drawer"); !errors.Is(err, mapi.ErrInvalidParameter) {
		t.Errorf("got %v", err)
	}
}

func TestSource(t *testing.T) {
	keyring.MockInit()
	home := t.TempDir()
	t.Setenv("OPENCDO_HOME", home)
	t.Setenv(CredentialsVariable, "")
	t.Setenv(PassphraseVariable, passphraseFile(t, "horse"))
	s, err := OpenDefault()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(PasswordName("alice", "host"), "kept"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source Source
		want   string
		err    error
	}{
		"store":          {Source{Store: s, Name: "alice@host"}, "kept", nil},
		"usual store":    {Source{Service: Service, User: "alice@host"}, "kept", nil},
		"file":           {Source{File: passphraseFile(t, "from file"), Service: Service, User: "alice@host"}, "from file", nil},
		"standard input": {Source{File: "-", Stdin: strings.NewReader("typed\r\nrest")}, "typed", nil},
		"empty file":     {Source{File: passphraseFile(t, "")}, "", ErrNone},
		"nobody to ask":  {Source{Store: s, Name: "bob@host", Prompt: "Password of bob"}, "", ErrNone},
	} {
		if got, err := c.source.Get(); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	// A store that doesn't open isn't passed over in silence.
	t.Setenv(PassphraseVariable, passphraseFile(t, "donkey"))
	if got, err := (Source{Service: Service, User: "alice@host"}).Get(); !errors.Is(err, ErrWrongPassphrase) {
		t.Errorf("wrong passphrase: %q, %v", got, err)
	}
}

func TestNoKeyring(t *testing.T) {
	keyring.MockInitWithError(errors.New("no bus"))
	defer keyring.MockInit()
	k := Keyring{Service: "opencdo test"}
	if err := k.Set("a", "b"); err == nil || !strings.Contains(err.Error(), PassphraseVariable) {
		t.Errorf("it doesn't say what to do: %v", err)
	}
	if _, err := (Source{Store: k, Name: "a", Prompt: "x"}).Get(); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}
