package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/opencdo/opencdo/mapi"
)

// Where the passphrase of the encrypted file comes from.
const (
	// PassphraseVariable is the environment variable that names the file with the passphrase.
	PassphraseVariable = "OPENCDO_PASSPHRASE_FILE"
	// CredentialsVariable is set by systemd: the folder of the service's credentials (LoadCredential=, SetCredentialEncrypted=).
	CredentialsVariable = "CREDENTIALS_DIRECTORY"
	// Credential is the credential that holds the passphrase.
	Credential = "opencdo-passphrase"
)

// Passphrase opens the encrypted file. The zero value asks for it.
type Passphrase struct {
	File string // its first line is the passphrase
	// Credential tells that systemd has put the file there, for the service alone.
	Credential bool
}

// FindPassphrase gives what the environment names: OPENCDO_PASSPHRASE_FILE, or the systemd credential opencdo-passphrase.
func FindPassphrase() (Passphrase, bool) {
	if f := os.Getenv(PassphraseVariable); f != "" {
		return Passphrase{File: f}, true
	}
	if dir := os.Getenv(CredentialsVariable); dir != "" {
		f := filepath.Join(dir, Credential)
		if _, err := os.Stat(f); err == nil {
			return Passphrase{File: f, Credential: true}, true
		}
	}
	return Passphrase{}, false
}

// InsecureFileError means that a passphrase file isn't used, because others can read it or it lies beside what it opens. It
// answers errors.Is for mapi.ErrNoAccess.
type InsecureFileError struct{ File, Problem, Remedy string }

func (e *InsecureFileError) Error() string {
	return fmt.Sprintf("passphrase file %s: %s: %s", e.File, e.Problem, e.Remedy)
}

// Is implements errors.Is.
func (e *InsecureFileError) Is(target error) bool { return target == mapi.ErrNoAccess }

const (
	othersMode = 0o007 // what anybody may do
	groupMode  = 0o070
)

// get reads the passphrase of a file in a folder.
func (p Passphrase) get(folder string) (string, error) {
	if p.File == "" {
		return Ask("Passphrase of the secrets in " + folder)
	}
	f, err := os.Open(p.File)
	if err != nil {
		return "", fmt.Errorf("passphrase file: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("passphrase file: %w", err)
	}
	if err := p.check(st, folder); err != nil {
		return "", err
	}
	return firstLine(f, "passphrase file "+p.File)
}

func (p Passphrase) check(st fs.FileInfo, folder string) error {
	if !st.Mode().IsRegular() {
		return &InsecureFileError{p.File, "it is no ordinary file", "give one"}
	}
	forbidden := fs.FileMode(othersMode | groupMode)
	if p.Credential {
		forbidden = othersMode // systemd gives the service its right by an access list, which shows as the group's
	}
	if mode := st.Mode().Perm(); runtime.GOOS != "windows" && mode&forbidden != 0 {
		return &InsecureFileError{p.File, fmt.Sprintf("others may read or write it (mode %04o)", mode), "chmod 600 it, and change the passphrase if it was read"}
	}
	beside, err := sameFolder(filepath.Dir(p.File), folder)
	if err != nil {
		return fmt.Errorf("passphrase file: %w", err)
	}
	if beside {
		return &InsecureFileError{p.File, "it lies beside the secrets that it opens", "keep it elsewhere: who copies the folder must not get both"}
	}
	return nil
}

func sameFolder(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(x, y), err
}
