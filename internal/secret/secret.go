// Package secret keeps passwords and tokens, and finds them: in a file, on standard input, in a store, or by asking. They are
// never taken from arguments, which everyone on the machine can read.
//
// A [Store] is the operating system's keyring or an encrypted file ([Open] chooses). Secrets have names ([PasswordName],
// [TokenName], [ProfileName]); names are not secret.
package secret

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/opencdo/opencdo/mapi"
)

// ErrNone means that no password was given and nobody is there to be asked.
var ErrNone = errors.New("no password given")

// Name names a secret.
type Name string

// PasswordName names the password of a user on a server: user@server.
func PasswordName(user, server string) Name { return Name(user + "@" + server) }

// TokenName names an OAuth token of a user for a server or resource: oauth:user@server.
func TokenName(user, server string) Name { return Name("oauth:" + user + "@" + server) }

// profilePrefix begins the names of what profiles keep.
const profilePrefix = "profile:"

// ProfileName names a secret property of a static profile: profile:NAME/SECTION/TAG. Names of profiles hold no slash that
// isn't part of them: the last two are ours.
func ProfileName(profile, section, tag string) Name {
	return Name(profilePrefix + profile + "/" + section + "/" + tag)
}

// Store keeps secrets. It may be used by several goroutines and processes at once.
type Store interface {
	// Get gives a secret; one that isn't there is [mapi.ErrNotFound].
	Get(Name) (string, error)
	// Set keeps a secret in place of the one of that name.
	Set(Name, string) error
	// Remove forgets a secret; one that isn't there is [mapi.ErrNotFound].
	Remove(Name) error
	// List gives the names, in order.
	List() ([]Name, error)
	// Where says where the secrets lie, for people.
	Where() string
}

func notFound(op string, n Name) error {
	return &mapi.Error{Op: op, Object: string(n), Code: mapi.ErrNotFound}
}

// maxSecret bounds what is read from a file.
const maxSecret = 64 << 10

// Source says where to look for a password. The zero value asks.
type Source struct {
	File  string // a file's name; "-" is standard input
	Stdin io.Reader
	// Store is asked for Name.
	Store Store
	Name  Name
	// Service and User name an entry of the store that [OpenDefault] gives, where there is no Store. An empty Service leaves
	// it out.
	Service, User string
	Prompt        string // what to ask for: "password of alice@contoso.test"
}

// Get gives the secret, without the line end after it.
func (s Source) Get() (string, error) {
	if s.File != "" {
		return s.fromFile()
	}
	if s.Store == nil && s.Service != "" {
		store, err := OpenDefault()
		if err != nil {
			return "", err
		}
		s.Store, s.Name = store, Name(s.User)
	}
	if s.Store == nil {
		return Ask(s.Prompt)
	}
	p, err := s.Store.Get(s.Name)
	if err == nil {
		return p, nil
	}
	if !errors.Is(err, mapi.ErrNotFound) && !errors.Is(err, errNoKeyring) {
		return "", err // a wrong passphrase, for example: asking would hide it
	}
	return Ask(s.Prompt)
}

func (s Source) fromFile() (string, error) {
	var r io.Reader = os.Stdin
	if s.Stdin != nil {
		r = s.Stdin
	}
	if s.File != "-" {
		f, err := os.Open(s.File)
		if err != nil {
			return "", fmt.Errorf("password file: %w", err)
		}
		defer f.Close()
		r = f
	}
	return firstLine(r, "password file "+s.File)
}

func firstLine(r io.Reader, what string) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSecret))
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("%s: %w", what, ErrNone)
	}
	return line, nil
}

// Ask asks on the terminal without showing what is typed.
func Ask(prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", fmt.Errorf("%s: %w: use a password file or \"opencdo secret set\"", prompt, ErrNone)
	}
	fmt.Fprintf(os.Stderr, "%s: ", prompt)
	b, err := term.ReadPassword(fd)
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", err
	}
	if len(b) == 0 {
		return "", fmt.Errorf("%s: %w", prompt, ErrNone)
	}
	return string(b), nil
}
