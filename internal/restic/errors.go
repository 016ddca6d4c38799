package restic

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNoRepository says that the backend holds no repository: its config file is missing.
	ErrNoRepository = errors.New("restic: there is no repository here; create one first")
	// ErrExists says that Create found a repository already in place.
	ErrExists = errors.New("restic: a repository exists here already; open it instead")
	// ErrWrongPassword says that the password opens none of the repository's keys.
	ErrWrongPassword = errors.New("restic: the password opens none of the repository's keys")
	// ErrNotFound says that no snapshot, node or blob answers to the name given.
	ErrNotFound = errors.New("restic: not found")
	// ErrAmbiguous says that a shortened snapshot id fits several snapshots.
	ErrAmbiguous = errors.New("restic: several snapshots begin like this; give more digits")
	// ErrDamaged is what every [*DamagedError] answers to in errors.Is.
	ErrDamaged = errors.New("restic: damaged")
	// ErrLocked is what every [*LockedError] answers to in errors.Is.
	ErrLocked = errors.New("restic: locked by another process")
	// ErrUnreachable says that the storage failed for so long that it was given up. What goes on after other errors ends with it.
	ErrUnreachable = errors.New("restic: the storage can't be reached")
	// ErrLockLost is the cause of the context that Lock returns once the lock could not be kept.
	ErrLockLost = errors.New("restic: the lock could not be refreshed in time; start the operation again")
)

// DamagedError says that a file in the repository isn't what was once written there.
type DamagedError struct {
	File string // path below the repository, as data/5b/5b02…
	Blob ID     // the blob concerned, or zero for the whole file
	Err  error
}

func (e *DamagedError) Error() string {
	blob := ""
	if !e.Blob.IsZero() {
		blob = " (blob " + e.Blob.String() + ")"
	}
	return fmt.Sprintf("restic: %s%s is damaged: %v; run a check that reads the data, then restore the file from a copy of the repository", e.File, blob, e.Err)
}

func (e *DamagedError) Unwrap() error        { return e.Err }
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// MissingBlobError says that no index file knows a blob; errors.Is(err, ErrNotFound) holds.
type MissingBlobError struct{ Blob BlobHandle }

func (e *MissingBlobError) Error() string {
	return fmt.Sprintf("restic: %v is in no index; check the repository", e.Blob)
}

func (e *MissingBlobError) Is(target error) bool { return target == ErrNotFound }

// LockedError names the process whose lock stands in the way.
type LockedError struct {
	Hostname  string
	Username  string
	PID       int
	Since     time.Time
	Exclusive bool
}

func (e *LockedError) Error() string {
	kind := "in use"
	if e.Exclusive {
		kind = "locked exclusively"
	}
	return fmt.Sprintf("restic: the repository is %s by process %d of %s on %s since %s; wait for it to end, or remove the lock with unlock if that process is gone",
		kind, e.PID, e.Username, e.Hostname, e.Since.Format(time.DateTime))
}

func (e *LockedError) Is(target error) bool { return target == ErrLocked }
