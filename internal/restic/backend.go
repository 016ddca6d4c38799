package restic

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
)

// FileType is the kind of a file in the repository.
type FileType uint8

const (
	ConfigFile FileType = iota
	KeyFile
	LockFile
	SnapshotFile
	IndexFile
	PackFile
)

// fileTypeDirs are the default layout's directories, indexed by FileType.
var fileTypeDirs = [...]string{"config", "keys", "locks", "snapshots", "index", "data"}

// fileTypeNames are for people.
var fileTypeNames = [...]string{"config file", "key", "lock", "snapshot", "index file", "pack"}

func (t FileType) String() string {
	if int(t) < len(fileTypeNames) {
		return fileTypeNames[t]
	}
	return fmt.Sprintf("FileType(%d)", uint8(t))
}

// Handle names one file. ID is zero for the config file, of which there is one.
type Handle struct {
	Type FileType
	ID   ID
}

// String returns the file's path in the default layout.
func (h Handle) String() string {
	switch {
	case h.Type == ConfigFile:
		return "config"
	case h.Type == PackFile:
		name := h.ID.String()
		return "data/" + name[:2] + "/" + name
	case int(h.Type) < len(fileTypeDirs):
		return fileTypeDirs[h.Type] + "/" + h.ID.String()
	}
	return fmt.Sprintf("%v/%v", h.Type, h.ID)
}

// FileInfo is what List and Stat tell of a file.
type FileInfo struct {
	Handle
	Size int64
}

// Backend keeps the repository's files. Files are written once and never changed. Implementations
// are safe for concurrent use, and errors about a missing file answer to fs.ErrNotExist. One that may
// leave temporary files behind has a method Sweep(context.Context) error besides, which
// [Repository.Lock] calls.
type Backend interface {
	// Init prepares an empty place for a new repository.
	Init(ctx context.Context) error
	// Save stores a file. When it returns nil the file is durable; when it fails, or the process
	// dies meanwhile, nothing of it is visible.
	Save(ctx context.Context, h Handle, data *io.SectionReader) error
	// Load reads length bytes from offset on, or all that follow where length is 0.
	Load(ctx context.Context, h Handle, offset int64, length int) (io.ReadCloser, error)
	// Stat returns a file's size.
	Stat(ctx context.Context, h Handle) (FileInfo, error)
	// List yields the files of one type, in no particular order. It ends after the first error.
	List(ctx context.Context, t FileType) iter.Seq2[FileInfo, error]
	// Remove deletes a file.
	Remove(ctx context.Context, h Handle) error
}

// inMemory is the content of a file that is small enough to be held.
func inMemory(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}
