package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
)

// Dir is where static profiles lie: one readable file for each, below the home folder. Their names compare without regard to
// case. It may be used by several processes at once.
type Dir struct {
	home    string
	secrets secret.Store
}

// FolderName is the folder of profiles below the home folder.
const FolderName = "profiles"

// extension ends the names of profiles' files.
const extension = ".json"

// Open gives the profiles of a home folder; it need not be there. Without a store of secrets, profiles that have some can be
// read but neither saved nor copied.
func Open(home string, secrets secret.Store) *Dir { return &Dir{home, secrets} }

func (d *Dir) folder() string { return filepath.Join(d.home, FolderName) }

// path is the file of a profile. All but letters, digits and a few signs is written as %XX, so that no name leads elsewhere,
// means a device, or hides.
func (d *Dir) path(name string) string { return filepath.Join(d.folder(), fileName(name)+extension) }

func fileName(name string) string {
	var b strings.Builder
	lower := strings.ToLower(name)
	for i, r := range lower {
		plain := r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 0x80 || i > 0 && strings.ContainsRune(" -_.@()+,", r)
		if i == 0 && deviceNames[strings.SplitN(lower, ".", 2)[0]] {
			plain = false
		}
		if plain {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "%%%02x", r)
		}
	}
	return b.String()
}

// deviceNames are names that Windows has for devices, in every folder.
var deviceNames = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true}

func noProfile(op, name string) error {
	return &mapi.Error{Op: op + " profile", Object: name, Code: mapi.ErrNotFound, Err: errors.New("there is no profile of this name")}
}

// Load reads a profile; one that isn't there is [mapi.ErrNotFound].
func (d *Dir) Load(name string) (*Profile, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return readProfile(d.path(name), name)
}

func readProfile(path, name string) (*Profile, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noProfile("open", name)
	}
	if err != nil {
		return nil, err
	}
	return decode(path, raw)
}

// All gives the profiles in the order of their names. What is wrong with one comes as its error, and the others follow.
func (d *Dir) All() iter.Seq2[*Profile, error] {
	return func(yield func(*Profile, error) bool) {
		list, err := os.ReadDir(d.folder())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(nil, err)
			return
		}
		for _, e := range list {
			if e.IsDir() || !strings.HasSuffix(e.Name(), extension) || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if !yield(readProfile(filepath.Join(d.folder(), e.Name()), e.Name())) {
				return
			}
		}
	}
}

// lock keeps other processes from changing profiles.
func (d *Dir) lock() (*home.Lock, error) {
	l, err := home.WaitLock(filepath.Join(d.folder(), ".lock"))
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	return l, nil
}

func (d *Dir) exists(name string) bool {
	_, err := os.Stat(d.path(name))
	return err == nil
}

// Create saves a new profile; one that is there already is [mapi.ErrCollision].
func (d *Dir) Create(p *Profile) error {
	l, err := d.lock()
	if err != nil {
		return err
	}
	defer l.Unlock()
	return d.create(p)
}

func (d *Dir) create(p *Profile) error {
	if d.exists(p.Name) {
		return &mapi.Error{Op: "create profile", Object: p.Name, Code: mapi.ErrCollision, Err: errors.New("there is a profile of this name")}
	}
	return d.save(p)
}

// Replace saves a profile in place of the one of its name, if there is one.
func (d *Dir) Replace(p *Profile) error {
	l, err := d.lock()
	if err != nil {
		return err
	}
	defer l.Unlock()
	if old, err := d.Load(p.Name); err == nil {
		if err := d.removeSecrets(old, p); err != nil {
			return err
		}
	}
	return d.save(p)
}

// Edit changes a profile, while no other process does so.
func (d *Dir) Edit(name string, change func(*Profile) error) error {
	l, err := d.lock()
	if err != nil {
		return err
	}
	defer l.Unlock()
	p, err := d.Load(name)
	if err != nil {
		return err
	}
	old, err := d.Load(name)
	if err != nil {
		return err
	}
	if err := change(p); err != nil {
		return err
	}
	p.Name = old.Name
	if err := d.removeSecrets(old, p); err != nil {
		return err
	}
	return d.save(p)
}

func (d *Dir) save(p *Profile) error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	return d.saveAs(p, d.path(p.Name))
}

// saveAs keeps the secrets, then the file: a secret that is kept for nothing does less harm than one that is missing.
func (d *Dir) saveAs(p *Profile, path string) error {
	for _, s := range p.Sections {
		for _, t := range s.Secrets() {
			value := s.secrets[t]
			if value == nil {
				continue
			}
			if d.secrets == nil {
				return noStore("save", p.Name)
			}
			if err := d.secrets.Set(p.SecretName(s, t), value()); err != nil {
				return err
			}
			s.secrets[t] = nil
		}
	}
	raw, err := p.encode()
	if err != nil {
		return err
	}
	return home.Write(path, raw)
}

// removeSecrets forgets what a profile keeps and another doesn't, which takes its place.
func (d *Dir) removeSecrets(p, next *Profile) error {
	for _, s := range p.Sections {
		for _, t := range s.Secrets() {
			if next != nil {
				if n, ok := next.Section(s.UID); ok && slices.Contains(n.Secrets(), t) && next.Name == p.Name {
					continue
				}
			}
			if d.secrets == nil {
				return noStore("change", p.Name)
			}
			if err := d.secrets.Remove(p.SecretName(s, t)); err != nil && !errors.Is(err, mapi.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// Remove removes a profile with its secrets. The default profile that is removed is none any more.
func (d *Dir) Remove(name string) error {
	l, err := d.lock()
	if err != nil {
		return err
	}
	defer l.Unlock()
	p, err := d.Load(name)
	if err != nil {
		return err
	}
	if err := d.remove(p); err != nil {
		return err
	}
	return d.changeDefault(p.Name, "")
}

func (d *Dir) remove(p *Profile) error {
	if err := os.Remove(d.path(p.Name)); err != nil {
		return err
	}
	return d.removeSecrets(p, nil)
}

// Copy copies a profile with its secrets.
func (d *Dir) Copy(from, to string) error {
	l, err := d.lock()
	if err != nil {
		return err
	}
	defer l.Unlock()
	p, err := d.whole(from)
	if err != nil {
		return err
	}
	p.Name = to
	return d.create(p)
}

// whole loads a profile with its secrets, so that it can be saved under another name.
func (d *Dir) whole(name string) (*Profile, error) {
	p, err := d.Load(name)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Sections {
		for _, t := range s.Secrets() {
			if d.secrets == nil {
				return nil, noStore("copy", name)
			}
			value, err := d.secrets.Get(p.SecretName(s, t))
			if err != nil {
				return nil, fmt.Errorf("copy profile %s: %w", name, err)
			}
			s.secrets[t] = func() string { return value }
		}
	}
	return p, nil
}

func noStore(op, name string) error {
	return &mapi.Error{Op: op + " profile", Object: name, Code: mapi.ErrNoSupport, Err: errors.New("it has a password, and there is no store of secrets")}
}

// Rename renames a profile. The default profile stays that.
func (d *Dir) Rename(from, to string) error {
	l, err := d.lock()
	if err != nil {
		return err
	}
	defer l.Unlock()
	p, err := d.whole(from)
	if err != nil {
		return err
	}
	old, err := d.Load(from)
	if err != nil || old.Name == to {
		return err
	}
	p.Name = to
	if strings.EqualFold(old.Name, to) { // another case: the file is the same
		if err = d.save(p); err == nil {
			err = d.removeSecrets(old, nil)
		}
	} else if err = d.create(p); err == nil {
		err = d.remove(old)
	}
	if err != nil {
		return err
	}
	return d.changeDefault(old.Name, to)
}

// Default is the name of the default profile, or "".
func (d *Dir) Default() (string, error) {
	set, err := settings.Load(d.home)
	if err != nil {
		return "", err
	}
	return set.TextOf(settings.DefaultProfile), nil
}

// SetDefault makes a profile the default one; "" makes none.
func (d *Dir) SetDefault(name string) error {
	if name != "" {
		p, err := d.Load(name)
		if err != nil {
			return err
		}
		name = p.Name
	}
	set, err := settings.Load(d.home)
	if err != nil {
		return err
	}
	if name == "" {
		set.Unset(settings.Own, settings.DefaultProfile)
	} else {
		set.SetText(settings.Own, settings.DefaultProfile, name)
	}
	return set.Save(d.home)
}

// changeDefault follows a profile that is renamed or removed.
func (d *Dir) changeDefault(from, to string) error {
	name, err := d.Default()
	if err != nil || !strings.EqualFold(name, from) {
		return err
	}
	return d.SetDefault(to)
}

// Password gives the password that a profile keeps for its Exchange account; one without is [mapi.ErrNotFound].
func (d *Dir) Password(p *Profile) (string, error) {
	s, ok := p.Exchange()
	if !ok || d.secrets == nil || !slices.Contains(s.Secrets(), TagAuthPassword) {
		return "", &mapi.Error{Op: "password of profile", Object: p.Name, Code: mapi.ErrNotFound}
	}
	return d.secrets.Get(p.SecretName(s, TagAuthPassword))
}
