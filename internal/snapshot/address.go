package snapshot

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/restic"
)

// Latest is what stands for an id where the newest snapshot is meant.
const Latest = "latest"

// ParseAddress splits the part of a store address after "snapshot:": the repository, and which snapshot of it. That is an
// id or its beginning, or "latest", or "latest/MAILBOX"; "latest" when nothing is said.
func ParseAddress(address string) (repository, which string) {
	i := strings.LastIndexByte(address, '#')
	if i < 0 {
		return address, Latest
	}
	if address[i+1:] == "" {
		return address[:i], Latest
	}
	return address[:i], address[i+1:]
}

// Find finds a snapshot by what ParseAddress gives. It returns restic.ErrNotFound or restic.ErrAmbiguous.
func Find(ctx context.Context, repo *restic.Repository, which string) (*restic.Snapshot, error) {
	latest, mailbox, _ := strings.Cut(which, "/")
	if latest != Latest {
		return repo.FindSnapshot(ctx, which)
	}
	var found *restic.Snapshot
	for s, err := range repo.Snapshots(ctx) {
		if err != nil {
			return nil, err
		}
		if IsMailbox(s) && (mailbox == "" || IsOf(s, mailbox)) && (found == nil || s.Time.After(found.Time)) {
			found = s
		}
	}
	if found == nil {
		if mailbox == "" {
			return nil, fmt.Errorf("%w: the repository holds no snapshot yet; make a backup first", restic.ErrNotFound)
		}
		return nil, fmt.Errorf("%w: the repository holds no snapshot of %q; list its snapshots to see which mailboxes it has",
			restic.ErrNotFound, mailbox)
	}
	return found, nil
}

// TagProof marks snapshots that hold no mailbox but the proof of a restore.
const TagProof = "proof"

// IsMailbox tells whether a snapshot is one of a mailbox, as far as its own file tells.
func IsMailbox(s *restic.Snapshot) bool { return !slices.Contains(s.Tags, TagProof) }

// DirOf is the name of the mailbox's directory in a snapshot, [DirName] of its address.
func DirOf(s *restic.Snapshot) (name string, ok bool) {
	if len(s.Paths) != 1 {
		return "", false
	}
	return path.Base(s.Paths[0]), true
}

// IsOf tells whether a snapshot is one of a mailbox. Addresses compare without regard to case.
func IsOf(s *restic.Snapshot, mailbox string) bool {
	for _, p := range s.Paths {
		if name := path.Base(p); strings.EqualFold(name, DirName(mailbox)) || strings.EqualFold(name, mailbox) {
			return true
		}
	}
	return false
}
