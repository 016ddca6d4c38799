package restic

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func lock(t testing.TB, r *Repository, exclusive bool) (*Lock, context.Context) {
	t.Helper()
	l, ctx, err := r.Lock(t.Context(), exclusive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Unlock() })
	return l, ctx
}

func lockFiles(t testing.TB, r *Repository) map[ID]lockJSON {
	t.Helper()
	found := make(map[ID]lockJSON)
	for fi, err := range r.be.List(t.Context(), LockFile) {
		if err != nil {
			t.Fatal(err)
		}
		l, err := r.loadLock(t.Context(), fi.Handle)
		if err != nil {
			t.Fatal(err)
		}
		found[fi.ID] = *l
	}
	return found
}

func TestLocksExclude(t *testing.T) {
	r, dir := newRepo(t, cheap)
	other := reopen(t, dir)
	shared, ctx := lock(t, r, false)
	also, _ := lock(t, other, false)
	var locked *LockedError
	if _, _, err := other.Lock(t.Context(), true); !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.PID != os.Getpid() || locked.Exclusive {
		t.Errorf("exclusive lock beside a shared one: %v", err)
	}
	if err := errors.Join(shared.Unlock(), also.Unlock(), shared.Unlock()); err != nil {
		t.Error(err)
	}
	if ctx.Err() == nil {
		t.Error("the lock's context outlives it")
	}
	exclusive, _ := lock(t, r, true)
	if _, _, err := other.Lock(t.Context(), false); !errors.As(err, &locked) || !locked.Exclusive {
		t.Errorf("shared lock beside an exclusive one: %v", err)
	}
	if err := exclusive.Unlock(); err != nil {
		t.Error(err)
	}
	if left := lockFiles(t, r); len(left) != 0 {
		t.Errorf("locks left: %v", left)
	}
}

func TestStockRespectsOurLock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	l, _ := lock(t, r, false)
	out, err := s.command("prune").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "already locked") {
		t.Errorf("restic prune beside our lock: %v, %s", err, out)
	}
	s.run("unlock") // removes stale locks only
	if len(lockFiles(t, r)) != 1 {
		t.Error("restic unlock took our lock for stale")
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
	s.run("prune")
}

// stockBackup is a stock restic that holds its lock, waiting for something to back up.
type stockBackup struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

func startStockBackup(t *testing.T, s *stock, r *Repository) stockBackup {
	t.Helper()
	cmd := s.command("backup", "--stdin", "--verbose")
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if strings.Contains(lines.Text(), "start backup") && len(lockFiles(t, r)) == 1 {
			go io.Copy(io.Discard, output)
			return stockBackup{cmd, input}
		}
	}
	t.Fatal("stock restic took no lock")
	return stockBackup{}
}

func TestWeRespectStocksLock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	running := startStockBackup(t, s, r)
	var locked *LockedError
	if _, _, err := r.Lock(t.Context(), true); !errors.As(err, &locked) || locked.PID != running.cmd.Process.Pid {
		t.Errorf("exclusive lock beside process %d: %v", running.cmd.Process.Pid, err)
	}
	// Both may add at the same time.
	l, _ := lock(t, r, false)
	saveSnapshot(t, r, map[string][]byte{"ours": pseudoRandom(1, 1<<20)})
	io.WriteString(running.input, "from stdin")
	running.input.Close()
	if err := running.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
	s.check("--read-data")

	// The lock of one that was killed is removed.
	running = startStockBackup(t, s, r)
	running.cmd.Process.Kill()
	running.cmd.Wait()
	if len(lockFiles(t, r)) != 1 {
		t.Fatal("a killed restic left no lock")
	}
	exclusive, _ := lock(t, r, true)
	if err := exclusive.Unlock(); err != nil {
		t.Error(err)
	}
	if left := lockFiles(t, r); len(left) != 0 {
		t.Errorf("locks left: %v", left)
	}
}

func TestStaleLocks(t *testing.T) {
	gone := exec.Command(os.Args[0], "-test.run=^$")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	host, _ := whoAmI()
	now := time.Now()
	for name, test := range map[string]struct {
		lock  lockJSON
		stale bool
	}{
		"other host, fresh":              {lockJSON{Time: now, Hostname: "elsewhere", PID: gone.Process.Pid}, false},
		"other host, 29 minutes":         {lockJSON{Time: now.Add(-29 * time.Minute), Hostname: "elsewhere"}, false},
		"other host, 31 minutes":         {lockJSON{Time: now.Add(-31 * time.Minute), Hostname: "elsewhere"}, true},
		"other host, clock ahead":        {lockJSON{Time: now.Add(time.Hour), Hostname: "elsewhere"}, false},
		"this host, dead process":        {lockJSON{Time: now, Hostname: host, PID: gone.Process.Pid}, true},
		"this host, running process":     {lockJSON{Time: now, Hostname: host, PID: os.Getppid()}, false},
		"this host, no process":          {lockJSON{Time: now, Hostname: host}, false},
		"this process":                   {lockJSON{Time: now, Hostname: host, PID: os.Getpid()}, false},
		"our process id, before we were": {lockJSON{Time: processStart.Add(-time.Second), Hostname: host, PID: os.Getpid()}, true},
	} {
		if got := test.lock.stale(now); got != test.stale {
			t.Errorf("%s: stale is %v, want %v", name, got, test.stale)
		}
	}
}

// fullBackend fails all saving while it is full.
type fullBackend struct {
	Backend
	full atomic.Bool
}

func (b *fullBackend) Save(ctx context.Context, h Handle, data *io.SectionReader) error {
	if b.full.Load() {
		return syscall.ENOSPC
	}
	return b.Backend.Save(ctx, h, data)
}

func TestLockIsRefreshed(t *testing.T) {
	r, _ := newRepo(t, cheap)
	disk := &fullBackend{Backend: r.be}
	r.be = disk
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l, ctx, err := r.Lock(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		files := lockFiles(t, r)
		for _, l := range files {
			if l.Time.Sub(start) < 55*time.Minute || !l.Exclusive {
				t.Errorf("after an hour the lock is of %v", l.Time.Sub(start))
			}
		}
		if len(files) != 1 || ctx.Err() != nil {
			t.Errorf("%d locks, context %v", len(files), ctx.Err())
		}

		// A full disk for a quarter of an hour does no harm, but the lock is given up before it is stale.
		disk.full.Store(true)
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Errorf("given up early: %v", context.Cause(ctx))
		}
		time.Sleep(14 * time.Minute)
		synctest.Wait()
		if context.Cause(ctx) != ErrLockLost {
			t.Errorf("a lock that wasn't refreshed for 29 minutes: %v", context.Cause(ctx))
		}
	})
}

func TestLockThatSomeoneRemoved(t *testing.T) {
	r, _ := newRepo(t, cheap)
	synctest.Test(t, func(t *testing.T) {
		l, ctx, err := r.Lock(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Unlock()
		for id := range lockFiles(t, r) {
			r.removeLock(t.Context(), id)
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if context.Cause(ctx) != ErrLockLost {
			t.Errorf("someone removed the lock: %v", context.Cause(ctx))
		}
	})
}

func TestOldLockIsRemoved(t *testing.T) {
	r, dir := newRepo(t, cheap)
	old := lockJSON{Time: time.Now().Add(-time.Hour), Exclusive: true, Hostname: "elsewhere", Username: "someone", PID: 1}
	if _, err := r.saveJSON(t.Context(), LockFile, old); err != nil {
		t.Fatal(err)
	}
	l, _ := lock(t, r, true)
	if err := l.Unlock(); err != nil {
		t.Error(err)
	}
	newStock(t, dir).check()
}
