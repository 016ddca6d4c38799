package restic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	lockRefresh = 5 * time.Minute
	lockStale   = 30 * time.Minute
	// lockLost is when a lock that couldn't be refreshed is given up: early enough that whoever takes it
	// for stale finds us stopped.
	lockLost = lockStale - 2*lockRefresh
	// lockWait is how long after creating a lock to look again for others created at the same moment.
	lockWait = 200 * time.Millisecond
	// unlockTimeout bounds the removal of the lock after the caller's context has ended: long enough for storage to be found
	// silent, and asked once more.
	unlockTimeout = 2 * time.Minute
)

var errUnlockTimeout = fmt.Errorf("the storage doesn't answer within %v", unlockTimeout)

// processStart tells our own locks from those of an earlier process with our id: in a container that
// is started again they are often the same.
var processStart = time.Now()

// lockJSON is a file in locks/.
type lockJSON struct {
	Time      time.Time `json:"time"`
	Exclusive bool      `json:"exclusive"`
	Hostname  string    `json:"hostname"`
	Username  string    `json:"username"`
	PID       int       `json:"pid"`
	UID       uint32    `json:"uid,omitempty"`
	GID       uint32    `json:"gid,omitempty"`
}

func parseLock(document []byte) (*lockJSON, error) {
	l := new(lockJSON)
	if err := json.Unmarshal(document, l); err != nil {
		return nil, err
	}
	return l, nil
}

func newLock(exclusive bool) lockJSON {
	l := lockJSON{Time: time.Now(), Exclusive: exclusive, PID: os.Getpid()}
	l.Hostname, l.Username = whoAmI()
	if runtime.GOOS != "windows" { // which has none, and says -1
		l.UID, l.GID = uint32(os.Getuid()), uint32(os.Getgid())
	}
	return l
}

// stale reports whether the lock's process is gone, by the rules of the format's description.
func (l *lockJSON) stale(now time.Time) bool {
	if now.Sub(l.Time) > lockStale {
		return true
	}
	host, err := os.Hostname()
	if err != nil || host != l.Hostname {
		return false
	}
	if l.PID == os.Getpid() {
		return l.Time.Before(processStart)
	}
	return !processExists(l.PID)
}

// processExists is true in doubt.
func processExists(pid int) bool {
	if pid <= 0 {
		return true
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer p.Release()
	if runtime.GOOS == "windows" { // FindProcess has opened it, so it exists
		return true
	}
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

func (l *lockJSON) conflicts(exclusive bool) error {
	if !exclusive && !l.Exclusive {
		return nil
	}
	return &LockedError{Hostname: l.Hostname, Username: l.Username, PID: l.PID, Since: l.Time, Exclusive: l.Exclusive}
}

// Lock is a lock held on a repository.
type Lock struct {
	repo      *Repository
	exclusive bool
	cancel    context.CancelCauseFunc
	hangups   chan os.Signal
	stop      context.CancelFunc // of refreshing
	stopped   chan struct{}
	once      sync.Once
	err       error

	id ID // of the lock file; the refresher's alone until stopped is closed
}

// Lock locks the repository: exclusively, or together with others that don't lock exclusively. It
// removes stale locks, so those that dead processes left, and returns a [*LockedError] where another
// stands in the way. The lock is refreshed until Unlock. Work under the context returned: it ends
// with the cause ErrLockLost when the lock can't be kept. Until Unlock the process doesn't die of a
// hangup, as a process that holds a restic lock mustn't.
func (r *Repository) Lock(ctx context.Context, exclusive bool) (*Lock, context.Context, error) {
	if s, ok := r.be.(interface{ Sweep(context.Context) error }); ok {
		_ = s.Sweep(ctx) // leftovers are harmless, so failing to remove them is too
	}
	if err := r.checkLocks(ctx, exclusive, ID{}); err != nil {
		return nil, nil, err
	}
	l := &Lock{repo: r, exclusive: exclusive, hangups: make(chan os.Signal, 1), stopped: make(chan struct{})}
	// Stock restic sends SIGHUP to see whether a lock's process is alive, and relies on its living on.
	signal.Notify(l.hangups, syscall.SIGHUP)
	if err := l.take(ctx); err != nil {
		signal.Stop(l.hangups)
		return nil, nil, err
	}
	r.index.mu.Lock()
	if r.locks++; r.locks == 1 {
		r.index.loaded = false // a prune may have gone before us
	}
	r.index.mu.Unlock()
	ctx, l.cancel = context.WithCancelCause(ctx)
	var refreshing context.Context
	refreshing, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	go l.refresh(refreshing)
	return l, ctx, nil
}

// take writes the lock file and makes sure that no other came in between.
func (l *Lock) take(ctx context.Context) error {
	var err error
	if l.id, err = l.repo.saveJSON(ctx, LockFile, newLock(l.exclusive)); err != nil {
		return errors.Join(err, l.repo.removeLock(ctx, l.id)) // it may be there all the same
	}
	select {
	case <-time.After(lockWait):
		err = l.repo.checkLocks(ctx, l.exclusive, l.id)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		return errors.Join(err, l.repo.removeLock(ctx, l.id))
	}
	return nil
}

// checkLocks removes stale locks and returns an error if one of the others, own excepted, forbids ours.
func (r *Repository) checkLocks(ctx context.Context, exclusive bool, own ID) error {
	now := time.Now()
	for fi, err := range r.be.List(ctx, LockFile) {
		if err != nil {
			return fmt.Errorf("restic: list the locks: %w", err)
		}
		if fi.ID == own {
			continue
		}
		l, err := r.loadLock(ctx, fi.Handle)
		switch {
		case errors.Is(err, fs.ErrNotExist): // released or refreshed meanwhile
			continue
		case err != nil:
			return err
		case !l.stale(now):
			err = l.conflicts(exclusive)
		default:
			err = r.removeLock(ctx, fi.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Repository) loadLock(ctx context.Context, h Handle) (*lockJSON, error) {
	plain, err := r.loadUnpacked(ctx, h)
	if err != nil {
		return nil, err
	}
	l, err := parseLock(plain)
	if err != nil {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	return l, nil
}

// RemoveLocks removes the locks that processes left which are gone, or all of them, and returns how many. Removing a lock
// that is in use may damage the repository.
func (r *Repository) RemoveLocks(ctx context.Context, all bool) (int, error) {
	n := 0
	now := time.Now()
	for fi, err := range r.be.List(ctx, LockFile) {
		if err != nil {
			return n, fmt.Errorf("restic: list the locks: %w", err)
		}
		l, err := r.loadLock(ctx, fi.Handle)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil && !(all && errors.Is(err, ErrDamaged)):
			return n, err
		case !all && !l.stale(now):
			continue
		}
		if err := r.removeLock(ctx, fi.ID); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (r *Repository) removeLock(ctx context.Context, id ID) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), unlockTimeout, errUnlockTimeout)
	defer cancel()
	err := r.be.Remove(ctx, Handle{LockFile, id})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restic: remove a lock: %w", err)
	}
	return nil
}

// refresh writes the lock anew from time to time.
func (l *Lock) refresh(ctx context.Context) {
	defer close(l.stopped)
	refreshed := time.Now()
	tick := time.NewTicker(lockRefresh)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l.renew(ctx) == nil {
			refreshed = time.Now()
		} else if time.Since(refreshed) > lockLost {
			l.cancel(ErrLockLost)
			return
		}
	}
}

// renew replaces the lock file. That it is gone means that someone took it for stale, as after the
// machine slept: then the lock is lost.
func (l *Lock) renew(ctx context.Context) error {
	if _, err := l.repo.be.Stat(ctx, Handle{LockFile, l.id}); errors.Is(err, fs.ErrNotExist) {
		l.cancel(ErrLockLost)
		return err
	}
	id, err := l.repo.saveJSON(ctx, LockFile, newLock(l.exclusive))
	if err != nil {
		return errors.Join(err, l.repo.removeLock(ctx, id)) // it may be there all the same
	}
	old := l.id
	l.id = id
	return l.repo.removeLock(ctx, old)
}

// Unlock ends the context that Lock returned and removes the lock. Further calls do nothing.
func (l *Lock) Unlock() error {
	l.once.Do(func() {
		l.stop()
		<-l.stopped
		l.cancel(context.Canceled)
		l.err = l.repo.removeLock(context.Background(), l.id)
		signal.Stop(l.hangups)
		l.repo.index.mu.Lock()
		l.repo.locks--
		l.repo.index.mu.Unlock()
	})
	return l.err
}
