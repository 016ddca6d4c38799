package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/zalando/go-keyring"

	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
)

// errNoKeyring means that the operating system has no keyring that answers.
var errNoKeyring = errors.New("no keyring")

// Keyring is the operating system's: the Credential Manager, the Keychain, or the Secret Service of the desktop.
type Keyring struct {
	Service string // the name that our entries have in common
	// Lock is a file that keeps processes from changing the list of names at once; empty: there is one process only.
	Lock string
}

// index is the account whose secret is the list of the others: keyrings cannot be listed.
const index = "names of opencdo"

// Get implements [Store].
func (k Keyring) Get(n Name) (string, error) {
	s, err := keyring.Get(k.Service, string(n))
	return s, k.explain("read secret", n, err)
}

func (k Keyring) explain(op string, n Name, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return notFound(op, n)
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return &mapi.Error{Op: op, Object: string(n), Err: err}
	}
	return &mapi.Error{Op: op, Object: string(n), Err: fmt.Errorf("%w (%w): give a passphrase file, so that an encrypted file is used (%s)",
		errNoKeyring, err, PassphraseVariable)}
}

// Set implements [Store].
func (k Keyring) Set(n Name, s string) error {
	if err := k.explain("keep secret", n, keyring.Set(k.Service, string(n), s)); err != nil {
		return err
	}
	return k.change(func(list []Name) []Name {
		if i, found := slices.BinarySearch(list, n); !found {
			list = slices.Insert(list, i, n)
		}
		return list
	})
}

// Remove implements [Store].
func (k Keyring) Remove(n Name) error {
	if err := k.explain("remove secret", n, keyring.Delete(k.Service, string(n))); err != nil {
		return err
	}
	return k.change(func(list []Name) []Name {
		return slices.DeleteFunc(list, func(x Name) bool { return x == n })
	})
}

// List implements [Store]: it gives what Set has kept.
func (k Keyring) List() ([]Name, error) {
	s, err := keyring.Get(k.Service, index)
	if errors.Is(err, keyring.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, k.explain("list secrets", "", err)
	}
	var list []Name
	if err := json.Unmarshal([]byte(s), &list); err != nil {
		return nil, &mapi.Error{Op: "list secrets", Code: mapi.ErrCorruptData, Err: err}
	}
	slices.Sort(list)
	return list, nil
}

func (k Keyring) change(f func([]Name) []Name) error {
	if k.Lock != "" {
		l, err := home.WaitLock(k.Lock)
		if err != nil {
			return fmt.Errorf("%s: %w", k.Lock, err)
		}
		defer l.Unlock()
	}
	list, err := k.List()
	if err != nil {
		return err
	}
	b, err := json.Marshal(f(list))
	if err != nil {
		return err
	}
	return k.explain("list secrets", "", keyring.Set(k.Service, index, string(b)))
}

// Where implements [Store].
func (k Keyring) Where() string { return "the keyring of the operating system" }
