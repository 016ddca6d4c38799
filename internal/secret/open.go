package secret

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
)

// Service is the name of our entries in keyrings.
const Service = "opencdo"

// Kinds of stores.
const (
	KindAuto    = "auto" // the encrypted file where a passphrase is at hand, else the keyring
	KindKeyring = "keyring"
	KindFile    = "file"
)

// Open gives the store of a home folder. An empty kind is KindAuto.
func Open(folder, kind string) (Store, error) {
	p, found := FindPassphrase()
	switch kind = strings.ToLower(kind); {
	case kind == KindFile, found && (kind == "" || kind == KindAuto):
		return NewEncrypted(filepath.Join(folder, FileName), p), nil
	case kind == "", kind == KindAuto, kind == KindKeyring:
		return Keyring{Service, filepath.Join(folder, "keyring.lock")}, nil
	}
	return nil, &mapi.Error{Op: "open secrets", Object: kind, Code: mapi.ErrInvalidParameter,
		Err: fmt.Errorf("a store of secrets is %s, %s or %s", KindAuto, KindKeyring, KindFile)}
}

// OpenDefault gives the store of the usual home folder.
func OpenDefault() (Store, error) {
	folder, err := home.Dir()
	if err != nil {
		return nil, err
	}
	return Open(folder, KindAuto)
}
