package restic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// Snapshot is a file in snapshots/. The fields' order is that of the JSON document.
type Snapshot struct {
	Time           time.Time        `json:"time"`
	Parent         *ID              `json:"parent,omitempty"`
	Tree           *ID              `json:"tree"`
	Paths          []string         `json:"paths"`
	Hostname       string           `json:"hostname,omitempty"`
	Username       string           `json:"username,omitempty"`
	UID            uint32           `json:"uid,omitempty"`
	GID            uint32           `json:"gid,omitempty"`
	Excludes       []string         `json:"excludes,omitempty"`
	Tags           []string         `json:"tags,omitempty"`
	Original       *ID              `json:"original,omitempty"`
	ProgramVersion string           `json:"program_version,omitempty"`
	Summary        *SnapshotSummary `json:"summary,omitempty"`

	id ID
}

// SnapshotSummary is what newer versions of restic note about the run.
type SnapshotSummary struct {
	BackupStart         time.Time `json:"backup_start"`
	BackupEnd           time.Time `json:"backup_end"`
	FilesNew            uint      `json:"files_new"`
	FilesChanged        uint      `json:"files_changed"`
	FilesUnmodified     uint      `json:"files_unmodified"`
	DirsNew             uint      `json:"dirs_new"`
	DirsChanged         uint      `json:"dirs_changed"`
	DirsUnmodified      uint      `json:"dirs_unmodified"`
	DataBlobs           int       `json:"data_blobs"`
	TreeBlobs           int       `json:"tree_blobs"`
	DataAdded           uint64    `json:"data_added"`
	DataAddedPacked     uint64    `json:"data_added_packed"`
	TotalFilesProcessed uint      `json:"total_files_processed"`
	TotalBytesProcessed uint64    `json:"total_bytes_processed"`
}

// ID is the snapshot's file name, zero before it is saved. Stock restic's tag command changes it.
func (s *Snapshot) ID() ID { return s.id }

// Key stays the same when stock restic rewrites the snapshot: the ID it had at first.
func (s *Snapshot) Key() ID {
	if s.Original != nil && !s.Original.IsZero() {
		return *s.Original
	}
	return s.id
}

func (r *Repository) checkSnapshot(ctx context.Context, s *Snapshot) error {
	if s.Tree == nil {
		return errors.New("restic: the snapshot has no tree")
	}
	ok, err := r.HasBlob(ctx, BlobHandle{TreeBlob, *s.Tree})
	if err == nil && !ok {
		err = &MissingBlobError{BlobHandle{TreeBlob, *s.Tree}}
	}
	return err
}

// LoadSnapshot reads one snapshot.
func (r *Repository) LoadSnapshot(ctx context.Context, id ID) (*Snapshot, error) {
	s := &Snapshot{id: id}
	h := Handle{SnapshotFile, id}
	plain, err := r.loadUnpacked(ctx, h)
	if err != nil {
		return nil, err
	}
	if err = json.Unmarshal(plain, s); err == nil && s.Tree == nil {
		err = errors.New("the snapshot has no tree")
	}
	if err != nil {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	return s, nil
}

// Snapshots yields all snapshots, in no particular order. After an error that concerns one of them it
// goes on with the next.
func (r *Repository) Snapshots(ctx context.Context) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		for fi, err := range r.be.List(ctx, SnapshotFile) {
			if err != nil {
				yield(nil, fmt.Errorf("restic: list the snapshots: %w", err))
				return
			}
			if !yield(r.LoadSnapshot(ctx, fi.ID)) {
				return
			}
		}
	}
}

// FindSnapshot reads the snapshot whose ID begins with prefix. It returns ErrNotFound or ErrAmbiguous.
func (r *Repository) FindSnapshot(ctx context.Context, prefix string) (*Snapshot, error) {
	var found []ID
	for fi, err := range r.be.List(ctx, SnapshotFile) {
		if err != nil {
			return nil, fmt.Errorf("restic: list the snapshots: %w", err)
		}
		if strings.HasPrefix(fi.ID.String(), strings.ToLower(prefix)) {
			found = append(found, fi.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: snapshot %s", ErrNotFound, prefix)
	case 1:
		return r.LoadSnapshot(ctx, found[0])
	}
	return nil, fmt.Errorf("%w: %s", ErrAmbiguous, prefix)
}

// Forget removes snapshots; what only they need is removed by Prune. Hold an exclusive lock.
func (r *Repository) Forget(ctx context.Context, snapshots []*Snapshot) error {
	return eachAtOnce(ctx, removers, snapshots, func(ctx context.Context, s *Snapshot) error {
		return r.removeFile(ctx, Handle{SnapshotFile, s.id})
	})
}
