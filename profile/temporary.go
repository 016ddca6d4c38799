package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
)

// connectIgnoreNoPF is CONNECT_IGNORE_NO_PF.
const connectIgnoreNoPF = 0x8000

// NewDynamic makes the profile that CDO makes of a ProfileInfo argument: a random name, the Exchange service, the two names
// that are still to be resolved, and CONNECT_IGNORE_NO_PF where the setting "Ignore No PF" asks for it.
func NewDynamic(info Info, set *settings.Settings) (*Profile, error) {
	u := newUID()
	p, err := New("opencdo-" + u.String())
	if err != nil {
		return nil, err
	}
	if _, err := p.AddService(MSEMS); err != nil {
		return nil, err
	}
	s := p.section(GlobalSection)
	s.Set(TagUnresolvedServer, info.Server)
	var flags uint32
	if info.Anonymous {
		flags |= connectAnonymous
	} else {
		s.Set(TagUnresolvedName, info.Mailbox)
	}
	if set.On(settings.IgnoreNoPF) {
		flags |= connectIgnoreNoPF
	}
	if flags != 0 {
		s.Set(TagConnectFlags, int32(flags))
	}
	return p, nil
}

// temporaryFolder holds dynamic profiles below the folder of profiles: each has a file and a lock.
const temporaryFolder = "temporary"

// TemporaryProfile is a profile that lives as long as its session.
type TemporaryProfile struct {
	*Profile
	dir  *Dir
	path string
	lock *home.Lock
}

// Temporary saves a dynamic profile, which others don't see, until it is closed. Profiles of sessions that ended without that
// are removed: their locks, which end with a process, tell.
func Temporary(homeFolder string, p *Profile, secrets secret.Store) (*TemporaryProfile, error) {
	d := Open(homeFolder, secrets)
	if err := d.removeStale(); err != nil {
		return nil, err
	}
	path := filepath.Join(d.folder(), temporaryFolder, fileName(p.Name)+extension)
	l, err := home.TryLock(path + lockExtension)
	if errors.Is(err, home.ErrLocked) {
		return nil, &mapi.Error{Op: "create profile", Object: p.Name, Code: mapi.ErrCollision, Err: errors.New("a session uses this name")}
	}
	if err != nil {
		return nil, err
	}
	t := &TemporaryProfile{p, d, path, l}
	if err := t.Save(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

const lockExtension = ".lock"

// Save saves what was changed in the profile: names that were resolved, for example.
func (t *TemporaryProfile) Save() error { return t.dir.saveAs(t.Profile, t.path) }

// Close removes the profile with its secrets.
func (t *TemporaryProfile) Close() error {
	if t.lock == nil {
		return nil
	}
	err := errors.Join(t.dir.removeSecrets(t.Profile, nil), ignoreMissing(os.Remove(t.path)), t.lock.Remove())
	t.lock = nil
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeStale removes temporary profiles that no living session holds.
func (d *Dir) removeStale() error {
	folder := filepath.Join(d.folder(), temporaryFolder)
	list, err := os.ReadDir(folder)
	if err != nil {
		return ignoreMissing(err)
	}
	var errs []error
	for _, e := range list {
		name, ok := strings.CutSuffix(e.Name(), lockExtension)
		if !ok || e.IsDir() { // files have their locks before they are there, and keep them longer
			continue
		}
		path := filepath.Join(folder, name)
		l, err := home.TryLock(path + lockExtension)
		if errors.Is(err, home.ErrLocked) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if p, err := readProfile(path, name); err == nil && d.secrets != nil {
			errs = append(errs, d.removeSecrets(p, nil))
		}
		errs = append(errs, ignoreMissing(os.Remove(path)), l.Remove())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove profiles of ended sessions: %w", err)
	}
	return nil
}
