package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
)

// FileName is the encrypted file below the home folder.
const FileName = "secrets.json"

// ErrWrongPassphrase means that the passphrase doesn't open the file, or that the file was changed by somebody without it.
// Errors that carry it answer errors.Is for mapi.ErrLogonFailed, too.
var ErrWrongPassphrase = errors.New("the passphrase doesn't open it, or it was changed without the passphrase")

// Encrypted is a file of secrets: sealed as one with XChaCha20-Poly1305, under a key that Argon2id derives from a passphrase.
// What stands in clear is the version and the parameters of the derivation, and they are authenticated.
type Encrypted struct {
	path       string
	passphrase Passphrase

	mu   sync.Mutex
	salt string      // of aead
	aead cipher.AEAD // kept so that a process derives the key once
}

// NewEncrypted gives the store of a file, which Set makes where it isn't there. The passphrase must not lie beside it.
func NewEncrypted(path string, p Passphrase) *Encrypted { return &Encrypted{path: path, passphrase: p} }

// sealed is the file.
type sealed struct {
	Format     string     `json:"format"`
	Derivation derivation `json:"argon2id"`
	Nonce      []byte     `json:"nonce"`
	Box        []byte     `json:"box"`
}

// derivation are the parameters of Argon2id. Those of new files are the second recommended option of RFC 9106, 4.
type derivation struct {
	Salt    []byte `json:"salt"`
	Time    uint32 `json:"time"`
	Memory  uint32 `json:"memory_kib"`
	Threads uint8  `json:"threads"`
}

const (
	format        = "opencdo secrets 1"
	deriveTime    = 3
	deriveMemory  = 64 << 10 // KiB
	deriveThreads = 4
	saltSize      = 16
	// Bounds of what a file may ask for: more would be an attack on the memory and time of who opens it.
	maxTime   = 64
	maxMemory = 1 << 20 // KiB
	maxSealed = 16 << 20
)

// box is what is sealed.
type box map[Name]string

// Get implements [Store].
func (e *Encrypted) Get(n Name) (string, error) {
	b, _, err := e.open()
	if err != nil {
		return "", err
	}
	s, ok := b[n]
	if !ok {
		return "", notFound("read secret", n)
	}
	return s, nil
}

// Set implements [Store].
func (e *Encrypted) Set(n Name, s string) error {
	return e.change(func(b box) error {
		b[n] = s
		return nil
	})
}

// Remove implements [Store].
func (e *Encrypted) Remove(n Name) error {
	return e.change(func(b box) error {
		if _, ok := b[n]; !ok {
			return notFound("remove secret", n)
		}
		delete(b, n)
		return nil
	})
}

// List implements [Store].
func (e *Encrypted) List() ([]Name, error) {
	b, _, err := e.open()
	return slices.Sorted(maps.Keys(b)), err
}

// Where implements [Store].
func (e *Encrypted) Where() string { return e.path }

func (e *Encrypted) damaged(err error) error {
	return &mapi.Error{Op: "open secrets", Object: e.path, Code: mapi.ErrCorruptData, Err: err}
}

// open reads the file; one that isn't there is an empty one, with a derivation of its own.
func (e *Encrypted) open() (box, derivation, error) {
	fresh := derivation{Time: deriveTime, Memory: deriveMemory, Threads: deriveThreads, Salt: make([]byte, saltSize)}
	rand.Read(fresh.Salt) // never fails
	st, err := os.Stat(e.path)
	if errors.Is(err, fs.ErrNotExist) {
		return box{}, fresh, nil
	}
	if err == nil && st.Size() > maxSealed {
		return nil, fresh, e.damaged(fmt.Errorf("it has %d bytes, more than any file of secrets", st.Size()))
	}
	raw, err := os.ReadFile(e.path)
	if err != nil {
		return nil, fresh, err
	}
	var f sealed
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fresh, e.damaged(err)
	}
	d := f.Derivation
	switch {
	case f.Format != format:
		return nil, d, e.damaged(fmt.Errorf("its format is %q, not %q", f.Format, format))
	case len(f.Nonce) != chacha20poly1305.NonceSizeX, len(d.Salt) < saltSize, d.Time == 0, d.Time > maxTime, d.Threads == 0, d.Memory > maxMemory:
		return nil, d, e.damaged(errors.New("parameters out of bounds"))
	}
	aead, err := e.derive(d)
	if err != nil {
		return nil, d, err
	}
	plain, err := aead.Open(nil, f.Nonce, f.Box, d.authenticated())
	if err != nil {
		return nil, d, &mapi.Error{Op: "open secrets", Object: e.path, Code: mapi.ErrLogonFailed, Err: ErrWrongPassphrase}
	}
	b := box{}
	if err := json.Unmarshal(plain, &b); err != nil {
		return nil, d, e.damaged(err)
	}
	return b, d, nil
}

// authenticated is what is checked beside the sealed box.
func (d derivation) authenticated() []byte {
	return fmt.Appendf(nil, "%s\n%x %d %d %d", format, d.Salt, d.Time, d.Memory, d.Threads)
}

func (e *Encrypted) derive(d derivation) (cipher.AEAD, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := string(d.authenticated())
	if e.salt == id {
		return e.aead, nil
	}
	p, err := e.passphrase.get(filepath.Dir(e.path))
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(argon2.IDKey([]byte(p), d.Salt, d.Time, d.Memory, d.Threads, chacha20poly1305.KeySize))
	if err != nil {
		return nil, err
	}
	e.salt, e.aead = id, aead
	return aead, nil
}

// change opens the file, changes what it holds and seals it again, while no other process does so.
func (e *Encrypted) change(f func(box) error) error {
	l, err := home.WaitLock(e.path + ".lock")
	if err != nil {
		return fmt.Errorf("%s: %w", e.path, err)
	}
	defer l.Unlock()
	b, d, err := e.open()
	if err != nil {
		return err
	}
	if err := f(b); err != nil {
		return err
	}
	plain, err := json.Marshal(b)
	if err != nil {
		return err
	}
	aead, err := e.derive(d)
	if err != nil {
		return err
	}
	out := sealed{Format: format, Derivation: d, Nonce: make([]byte, chacha20poly1305.NonceSizeX)}
	rand.Read(out.Nonce) // 24 random bytes never repeat
	out.Box = aead.Seal(nil, out.Nonce, plain, d.authenticated())
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	return home.Write(e.path, append(raw, '\n'))
}
