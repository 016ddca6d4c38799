// Package home is the folder where OpenCDO keeps its state: settings, profiles, secrets. What lies there is written whole or
// not at all, is readable by its owner only, and can be locked against other processes.
package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Variable is the environment variable that names the folder.
const Variable = "OPENCDO_HOME"

// Dir is the folder: OPENCDO_HOME, or the operating system's place for it ([SystemDir]).
func Dir() (string, error) {
	if h := os.Getenv(Variable); h != "" {
		return h, nil
	}
	return SystemDir()
}

// SystemDir is the folder where OPENCDO_HOME isn't set.
func SystemDir() (string, error) {
	d, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for settings: set %s (%w)", Variable, err)
	}
	return filepath.Join(d, "opencdo"), nil
}

// Write replaces a file, making its folder where that isn't there. Whoever reads at the same time sees the old or the new
// content; after a crash it is one of the two.
func Write(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// ErrLocked means that another process, or another part of this one, holds the lock.
var ErrLocked = errors.New("in use by another process")

// Lock is a lock on a file. It ends with the process that holds it, however that ends.
type Lock struct {
	f    *os.File
	path string
}

// TryLock takes the lock, making the file where it isn't there, or gives ErrLocked.
func TryLock(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); err != nil {
			f.Close()
			return nil, err
		}
		// Between opening and locking, the one before may have removed the file: a lock on it would keep nobody out.
		mine, err := f.Stat()
		if err == nil {
			var there fs.FileInfo
			if there, err = os.Stat(path); err == nil && os.SameFile(mine, there) {
				return &Lock{f, path}, nil
			}
		}
		f.Close()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

// Times of WaitLock: what is done under these locks takes milliseconds, but for the derivation of a key.
const (
	lockPause   = 20 * time.Millisecond
	lockTimeout = 10 * time.Second
)

// WaitLock takes the lock as soon as it is free. After ten seconds it gives up with ErrLocked.
func WaitLock(path string) (*Lock, error) {
	for end := time.Now().Add(lockTimeout); ; time.Sleep(lockPause) {
		l, err := TryLock(path)
		if err == nil || !errors.Is(err, ErrLocked) || time.Now().After(end) {
			return l, err
		}
	}
}

// Unlock frees the lock; the file stays.
func (l *Lock) Unlock() error { return l.f.Close() }

// Remove removes the file and frees the lock.
func (l *Lock) Remove() error {
	if err := os.Remove(l.path); err != nil { // Windows doesn't remove open files
		return errors.Join(l.f.Close(), ignoreMissing(os.Remove(l.path)))
	}
	return l.f.Close()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
