package snapshot

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
)

// syncFile holds how far the mailbox was followed when the snapshot was made, beside the root folder's own files.
const syncFile = ".sync.json"

// Synced is how far a mailbox was followed: what its changes since are asked for with.
type Synced struct {
	Hierarchy []byte                        // state of the changes of folders
	Folders   map[mapi.EntryID]SyncedFolder // by the mailbox's ids
}

// SyncedFolder is how far a folder was followed.
type SyncedFolder struct {
	// At is the folder in the snapshot: of a Builder its own id, of a Store the entry id.
	At    mapi.EntryID
	State []byte // of the changes of its contents; nil: they have to be found by comparison
}

// syncInfo is the content of a syncFile.
type syncInfo struct {
	Format    int            `json:"format"`
	Hierarchy []byte         `json:"hierarchy,omitempty"`
	Folders   []syncedFolder `json:"folders"`
}

type syncedFolder struct {
	Path  string `json:"path"` // below the directory of the mailbox
	ID    []byte `json:"id"`
	State []byte `json:"state,omitempty"`
}

// SetSynced says how far the mailbox was followed.
func (b *Builder) SetSynced(s *Synced) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.synced = s
}

// saveSynced stores it. paths are those of the folders by the Builder's ids.
func (b *Builder) saveSynced(at time.Time, paths map[mapi.EntryID]string) ([]*restic.Node, error) {
	if b.synced == nil {
		return nil, nil
	}
	info := syncInfo{Format: formatVersion, Hierarchy: b.synced.Hierarchy, Folders: []syncedFolder{}}
	for id, f := range b.synced.Folders {
		if p, ok := paths[f.At]; ok {
			info.Folders = append(info.Folders, syncedFolder{Path: p, ID: []byte(id), State: f.State})
		}
	}
	slices.SortFunc(info.Folders, func(a, b syncedFolder) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), slices.Compare(a.ID, b.ID))
	})
	return b.saveJSON(syncFile, info, at)
}

// Synced tells how far the mailbox was followed when the snapshot was made, or mapi.ErrNotFound where it wasn't.
func (s *Store) Synced(ctx context.Context) (*Synced, error) {
	const op = "read synchronization state"
	tree, _, err := s.dir(ctx, s.root)
	if err != nil {
		return nil, err
	}
	n := tree.Find(syncFile)
	if n == nil {
		return nil, fail(op, "", mapi.ErrNotFound)
	}
	var info syncInfo
	if err := s.readJSON(ctx, n, &info); err != nil {
		return nil, err
	}
	if info.Format > formatVersion {
		return nil, &mapi.Error{Op: op, Code: mapi.ErrVersion, Err: errors.New("it is of a later version")}
	}
	got := &Synced{Hierarchy: info.Hierarchy, Folders: map[mapi.EntryID]SyncedFolder{}}
	for _, f := range info.Folders {
		got.Folders[mapi.EntryID(f.ID)] = SyncedFolder{At: mapi.EntryID(path.Join(s.root, f.Path)), State: f.State}
	}
	return got, nil
}
