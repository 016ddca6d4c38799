package restic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	// tempDir holds files being written. The format's layout reserves the name, so stock restic leaves it alone.
	tempDir = "tmp"
	// tempAge is when a temporary file is taken for one that a dead process left: none lives longer than a pack takes to write.
	tempAge = 24 * time.Hour
)

// Local is a repository in a directory, in restic's default layout. Directories are readable by the
// owner only and files read-only, unless the config file is readable by its group: then all are.
type Local struct {
	root     string
	dirMode  fs.FileMode
	fileMode fs.FileMode
}

// NewLocal returns a backend for the directory dir, which need not exist before Create.
func NewLocal(dir string) *Local {
	l := &Local{root: dir, dirMode: 0o700, fileMode: 0o400}
	if fi, err := os.Stat(l.path(Handle{})); err == nil && fi.Mode()&0o040 != 0 {
		l.dirMode, l.fileMode = 0o750, 0o440
	}
	return l
}

// String returns the directory.
func (l *Local) String() string { return l.root }

func (l *Local) path(h Handle) string { return filepath.Join(l.root, filepath.FromSlash(h.String())) }

// Init creates the directories.
func (l *Local) Init(context.Context) error {
	for _, dir := range append(fileTypeDirs[1:], "") {
		if err := os.MkdirAll(filepath.Join(l.root, dir), l.dirMode); err != nil {
			return err
		}
	}
	data := filepath.Join(l.root, fileTypeDirs[PackFile])
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(data, fmt.Sprintf("%02x", i)), l.dirMode); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(data), syncDir(l.root), syncDir(filepath.Dir(l.root)))
}

// Save writes to a temporary file, syncs it, moves it into place and syncs the directory.
func (l *Local) Save(ctx context.Context, h Handle, data *io.SectionReader) (err error) {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	f, err := l.createTemp()
	if err != nil {
		return fmt.Errorf("restic: save %v: %w", h, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("restic: save %v: %w", h, err)
		}
	}()
	if _, err := io.Copy(f, data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	// On Windows the mode is the read-only attribute, which would stop Remove; restic leaves it, too.
	// Some network file systems refuse modes.
	if runtime.GOOS != "windows" {
		if err := f.Chmod(l.fileMode); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	path := l.path(h)
	err = os.Rename(f.Name(), path)
	if errors.Is(err, fs.ErrNotExist) {
		err = l.renameIntoNewDir(f.Name(), path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func (l *Local) createTemp() (*os.File, error) {
	dir := filepath.Join(l.root, tempDir)
	f, err := os.CreateTemp(dir, "save-*")
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.Mkdir(dir, l.dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.CreateTemp(dir, "save-*")
}

func (l *Local) renameIntoNewDir(temp, path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, l.dirMode); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// syncDir makes the names in a directory durable, where the system can: Windows has no such call and
// journals names itself, and some network file systems refuse it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

type limitedFile struct {
	io.Reader
	io.Closer
}

// Load opens the file at offset.
func (l *Local) Load(ctx context.Context, h Handle, offset int64, length int) (io.ReadCloser, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	f, err := os.Open(l.path(h))
	if err != nil {
		return nil, err
	}
	if offset != 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			f.Close()
			return nil, err
		}
	}
	if length == 0 {
		return f, nil
	}
	return limitedFile{io.LimitReader(f, int64(length)), f}, nil
}

// Stat returns the file's size.
func (l *Local) Stat(ctx context.Context, h Handle) (FileInfo, error) {
	if err := context.Cause(ctx); err != nil {
		return FileInfo{}, err
	}
	fi, err := os.Stat(l.path(h))
	if err != nil {
		return FileInfo{}, err
	}
	return FileInfo{Handle: h, Size: fi.Size()}, nil
}

// List yields the files of a type; what isn't named by an ID is passed over.
func (l *Local) List(ctx context.Context, t FileType) iter.Seq2[FileInfo, error] {
	return func(yield func(FileInfo, error) bool) {
		dir := filepath.Join(l.root, fileTypeDirs[t])
		if t != PackFile {
			listDir(ctx, dir, t, yield)
			return
		}
		subdirs, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(FileInfo{}, err)
			return
		}
		for _, sub := range subdirs {
			if sub.IsDir() && !listDir(ctx, filepath.Join(dir, sub.Name()), t, yield) {
				return
			}
		}
	}
}

func listDir(ctx context.Context, dir string, t FileType, yield func(FileInfo, error) bool) bool {
	entries, err := os.ReadDir(dir)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		yield(FileInfo{}, err)
		return false
	}
	for _, e := range entries {
		id, err := ParseID(e.Name())
		if err != nil {
			continue
		}
		fi, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile, as locks are
			continue
		}
		if err != nil {
			yield(FileInfo{}, err)
			return false
		}
		if !yield(FileInfo{Handle: Handle{t, id}, Size: fi.Size()}, nil) {
			return false
		}
	}
	return true
}

// Remove deletes the file.
func (l *Local) Remove(ctx context.Context, h Handle) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return os.Remove(l.path(h))
}

// Sweep removes temporary files that processes left which died while writing.
func (l *Local) Sweep(context.Context) error {
	dir := filepath.Join(l.root, tempDir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > tempAge {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	return err
}
