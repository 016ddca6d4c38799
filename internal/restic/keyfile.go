package restic

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/user"
	"time"

	"golang.org/x/crypto/scrypt"
)

// KDF is the cost of deriving a key from a password with scrypt. The zero value takes restic's
// defaults, N 32768 and r 8, with p chosen so that one guess takes about half a second here.
type KDF struct {
	N int // work and memory, a power of two
	R int // block size
	P int // repetitions
}

const (
	kdfName    = "scrypt"
	kdfN       = 1 << 15
	kdfR       = 8
	kdfTime    = 500 * time.Millisecond
	kdfMaxP    = 16
	saltSize   = 64
	derivedLen = encryptKeySize + 2*macKeySize
	// kdfMaxMemory bounds what a key file may make us allocate; stock restic asks for 60 MiB at most.
	kdfMaxMemory = 1 << 30
	// kdfMaxWork bounds N·r·p, the time a key file may cost us: some 128 times restic's usual.
	kdfMaxWork = 1 << 27
)

// keyFileJSON is a file in keys/. Unlike all other files it isn't encrypted.
type keyFileJSON struct {
	Created  time.Time `json:"created"`
	Username string    `json:"username"`
	Hostname string    `json:"hostname"`
	KDF      string    `json:"kdf"`
	N        int       `json:"N"`
	R        int       `json:"r"`
	P        int       `json:"p"`
	Salt     []byte    `json:"salt"`
	Data     []byte    `json:"data"`
}

func parseKeyFile(document []byte) (*keyFileJSON, error) {
	f := new(keyFileJSON)
	if err := json.Unmarshal(document, f); err != nil {
		return nil, err
	}
	if f.KDF != kdfName {
		return nil, fmt.Errorf("unknown key derivation %q", f.KDF)
	}
	if f.N < 2 || f.N&(f.N-1) != 0 || f.R < 1 || f.P < 1 ||
		f.N > kdfMaxMemory/128 || f.R > kdfMaxMemory/128/f.N || f.P > kdfMaxWork/(f.N*f.R) {
		return nil, fmt.Errorf("scrypt parameters N=%d r=%d p=%d are out of bounds", f.N, f.R, f.P)
	}
	return f, nil
}

// open returns the master key, or ErrWrongPassword.
func (f *keyFileJSON) open(password string) (*masterKey, error) {
	k, err := deriveKey(password, f.Salt, KDF{f.N, f.R, f.P})
	if err != nil {
		return nil, err
	}
	document, err := k.open(f.Data)
	if errors.Is(err, errUnauthentic) {
		return nil, ErrWrongPassword
	}
	if err != nil {
		return nil, err
	}
	return parseKey(document)
}

func deriveKey(password string, salt []byte, kdf KDF) (*masterKey, error) {
	b, err := scrypt.Key([]byte(password), salt, kdf.N, kdf.R, kdf.P, derivedLen)
	if err != nil {
		return nil, err
	}
	return keyFromBytes(b)
}

// calibrate measures this machine the way restic does, so that p follows its speed.
func calibrate() (KDF, error) {
	kdf := KDF{N: kdfN, R: kdfR, P: 1}
	start := time.Now()
	if _, err := deriveKey("", make([]byte, saltSize), kdf); err != nil {
		return KDF{}, err
	}
	kdf.P = min(max(int(math.Round(float64(kdfTime)/float64(time.Since(start)))), 1), kdfMaxP)
	return kdf, nil
}

// saveKey stores the master key sealed by the password.
func saveKey(ctx context.Context, be Backend, k *masterKey, password string, kdf KDF) error {
	if kdf == (KDF{}) {
		var err error
		if kdf, err = calibrate(); err != nil {
			return err
		}
	}
	f := keyFileJSON{Created: time.Now(), KDF: kdfName, N: kdf.N, R: kdf.R, P: kdf.P, Salt: make([]byte, saltSize)}
	f.Hostname, f.Username = whoAmI()
	rand.Read(f.Salt)
	passwordKey, err := deriveKey(password, f.Salt, kdf)
	if err != nil {
		return err
	}
	document, err := json.Marshal(k.secret)
	if err != nil {
		return err
	}
	f.Data = passwordKey.seal(nil, document)
	file, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return be.Save(ctx, Handle{KeyFile, Hash(file)}, inMemory(file))
}

// findKey returns the master key of the first key file that the password opens.
func findKey(ctx context.Context, be Backend, password string) (*masterKey, error) {
	failure := ErrWrongPassword
	for fi, err := range be.List(ctx, KeyFile) {
		if err != nil {
			return nil, fmt.Errorf("restic: list the keys: %w", err)
		}
		k, err := openKeyFile(ctx, be, fi.Handle, password)
		if err == nil {
			return k, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if !errors.Is(err, ErrWrongPassword) { // one damaged key file mustn't lock out the others
			failure = fmt.Errorf("%w; %w", failure, err)
		}
	}
	return nil, failure
}

func openKeyFile(ctx context.Context, be Backend, h Handle, password string) (*masterKey, error) {
	document, err := loadFile(ctx, be, h)
	if err != nil {
		return nil, err
	}
	f, err := parseKeyFile(document)
	if err != nil {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	k, err := f.open(password)
	if err != nil && !errors.Is(err, ErrWrongPassword) {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	return k, err
}

func whoAmI() (host, name string) {
	host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return host, name
}
