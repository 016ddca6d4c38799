// Package secret finds passwords: in a file, on standard input, in the operating system's keyring, or by asking. They are
// never taken from arguments, which everyone on the machine can read, nor written anywhere but the keyring.
package secret

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/zalando/go-keyring"
	"golang.org/x/term"
)

// ErrNone means that no password was given and nobody is there to be asked.
var ErrNone = errors.New("no password given")

// maxSecret bounds what is read from a file.
const maxSecret = 64 << 10

// Source says where to look. The zero value looks in the keyring and then asks.
type Source struct {
	File  string // a file's name; "-" is standard input
	Stdin io.Reader
	// Service and User name the entry of the keyring; an empty Service leaves the keyring out.
	Service, User string
	Prompt        string // what to ask for: "password of alice@contoso.test"
}

// Get gives the secret, without the line end after it.
func (s Source) Get() (string, error) {
	if s.File != "" {
		return s.fromFile()
	}
	if s.Service != "" {
		if p, err := keyring.Get(s.Service, s.User); err == nil {
			return p, nil
		}
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
	b, err := io.ReadAll(io.LimitReader(r, maxSecret))
	if err != nil {
		return "", fmt.Errorf("password file: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("password file %s: %w", s.File, ErrNone)
	}
	return line, nil
}

// Ask asks on the terminal without showing what is typed.
func Ask(prompt string) (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return "", fmt.Errorf("%s: %w: use a password file or the keyring", prompt, ErrNone)
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
