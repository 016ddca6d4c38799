package backup

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
)

// Which snapshots to keep, and how they are grouped.
type (
	// Keep is a policy: how many of the newest snapshots to keep, one of each day, week and so on, as stock restic's forget.
	Keep = restic.Policy
	// Age is a length of time by the calendar, such as 1y6m or 14d.
	Age = restic.Age
	// Grouping says which snapshots belong together, so that a policy is applied to each group of its own.
	Grouping = restic.Grouping
)

var (
	// ErrKeepsNothing says that a policy would keep no snapshot of a group.
	ErrKeepsNothing = errors.New("the policy would keep no snapshot of a group; to remove all of them, name them by their ids")
	// ErrNotWhole says that a repository was not pruned because something in it is missing or damaged.
	ErrNotWhole = restic.ErrNotWhole
)

// ForgetOptions say which snapshots to forget: those named, or of those that fit what the policy doesn't keep.
type ForgetOptions struct {
	// IDs are those of snapshots, or their beginnings. They are forgotten, whatever Keep says.
	IDs []string
	// Mailbox, Server and Tags choose the snapshots that Keep is applied to; empty: all of them.
	Mailbox string
	Server  string
	Tags    []string
	Keep    Keep
	// GroupBy is by server and mailbox where it is nil.
	GroupBy *Grouping
	// DryRun only tells what would be done.
	DryRun bool
}

// ForgetReport tells what was kept and removed.
type ForgetReport struct {
	Groups  []ForgetGroup `json:"groups"`
	Kept    int           `json:"kept"`
	Removed int           `json:"removed"`
}

// ForgetGroup are snapshots that belong together, the newest first. What they aren't grouped by is empty.
type ForgetGroup struct {
	Server string         `json:"server,omitempty"`
	Paths  []string       `json:"paths,omitempty"`
	Tags   []string       `json:"tags,omitempty"`
	Keep   []KeptSnapshot `json:"keep"`
	Remove []Snapshot     `json:"remove"`
}

// KeptSnapshot is a snapshot with the reasons of keeping it.
type KeptSnapshot struct {
	Snapshot
	Reasons []string `json:"reasons"`
}

// Forget removes snapshots; their data stay until Prune. A policy is for mailboxes only: records of restores go only where IDs
// names them. A damaged snapshot file keeps it from doing anything, as does somebody else who works on the repository.
func (r *Repository) Forget(ctx context.Context, o ForgetOptions) (*ForgetReport, error) {
	report, err := r.forget(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("forget snapshots of %s: %w", r, err)
	}
	return report, nil
}

func (r *Repository) forget(ctx context.Context, o ForgetOptions) (*ForgetReport, error) {
	if len(o.IDs) == 0 && o.Keep.Empty() {
		return nil, errors.New("neither a policy nor snapshots are named")
	}
	lock, ctx, err := r.repo.Lock(ctx, !o.DryRun)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	report := &ForgetReport{Groups: []ForgetGroup{}}
	remove, err := r.chosen(ctx, o, report)
	if err != nil {
		return nil, err
	}
	report.Removed = len(remove)
	if o.DryRun {
		return report, nil
	}
	if err := r.repo.Forget(ctx, remove); err != nil {
		return nil, err
	}
	return report, lock.Unlock()
}

// chosen are the snapshots to be removed.
func (r *Repository) chosen(ctx context.Context, o ForgetOptions, report *ForgetReport) ([]*restic.Snapshot, error) {
	if len(o.IDs) > 0 {
		var remove []*restic.Snapshot
		group := ForgetGroup{Keep: []KeptSnapshot{}}
		for _, id := range o.IDs {
			s, err := snapshot.Find(ctx, r.repo, id)
			if err != nil {
				return nil, err
			}
			remove, group.Remove = append(remove, s), append(group.Remove, describe(s))
		}
		report.Groups = append(report.Groups, group)
		return remove, nil
	}
	var list, remove []*restic.Snapshot
	for s, err := range r.repo.Snapshots(ctx) {
		if err != nil {
			return nil, err
		}
		if snapshot.IsMailbox(s) && (o.Mailbox == "" || snapshot.IsOf(s, o.Mailbox)) && (o.Server == "" || s.Hostname == o.Server) && (len(o.Tags) == 0 || s.HasTags(o.Tags)) {
			list = append(list, s)
		}
	}
	by := restic.DefaultGrouping
	if o.GroupBy != nil {
		by = *o.GroupBy
	}
	for _, g := range by.Split(list) {
		group := ForgetGroup{Server: g.Host, Paths: g.Paths, Tags: g.Tags, Keep: []KeptSnapshot{}, Remove: []Snapshot{}}
		for _, v := range o.Keep.Apply(g.Snapshots) {
			if d := describe(v.Snapshot); v.Keep {
				group.Keep = append(group.Keep, KeptSnapshot{d, v.Reasons})
			} else {
				group.Remove = append(group.Remove, d)
				remove = append(remove, v.Snapshot)
			}
		}
		if len(group.Keep) == 0 {
			return nil, fmt.Errorf("%w: %s %v", ErrKeepsNothing, g.Host, g.Paths)
		}
		report.Kept += len(group.Keep)
		report.Groups = append(report.Groups, group)
	}
	return remove, nil
}

// PruneOptions say how far Prune goes.
type PruneOptions struct {
	// MaxUnused is how many percent may stay unused, in packs that are used in part; 0: 5, negative: none, 100: any.
	MaxUnused float64
	// GatherSmall writes small packs anew where there are many.
	GatherSmall bool
	// DryRun only tells what would be done.
	DryRun bool
	// Progress is called now and then, by one goroutine at a time. It should return at once.
	Progress func(PruneProgress)
}

// PruneProgress tells how far a prune is: through directories first, then bytes to be written anew, then files to be removed.
type PruneProgress = restic.PruneProgress

// PruneReport tells what was removed. Sizes are in bytes.
type PruneReport struct {
	Snapshots      int   `json:"snapshots"`
	Packs          int   `json:"packs"` // before
	Bytes          int64 `json:"bytes"` // before
	UsedBytes      int64 `json:"used_bytes"`
	UnusedBytes    int64 `json:"unused_bytes"`
	RepackedPacks  int   `json:"repacked_packs"` // whose used parts were written anew
	RepackedBytes  int64 `json:"repacked_bytes"`
	RemovedPacks   int   `json:"removed_packs"` // those written anew included
	RemovedBytes   int64 `json:"removed_bytes"`
	RemovedIndexes int   `json:"removed_indexes"`
	AddedPacks     int   `json:"added_packs"`
	AddedBytes     int64 `json:"added_bytes"`
	AddedIndexes   int   `json:"added_indexes"`
}

// Prune removes what no snapshot needs. It may be interrupted at any moment: no snapshot loses anything, and the next Prune
// goes on. It fails with ErrNotWhole, and removes nothing, where it finds that something is missing or damaged.
func (r *Repository) Prune(ctx context.Context, o PruneOptions) (*PruneReport, error) {
	fail := func(err error) (*PruneReport, error) { return nil, fmt.Errorf("prune %s: %w", r, err) }
	lock, ctx, err := r.repo.Lock(ctx, true)
	if err != nil {
		return fail(err)
	}
	defer lock.Unlock()
	found, err := r.repo.Prune(ctx, restic.PruneOptions(o))
	if err != nil {
		return fail(err)
	}
	if err := lock.Unlock(); err != nil {
		return fail(err)
	}
	return (*PruneReport)(found), nil
}

// Unlock removes the locks that processes left which are gone, or with all every lock, and returns how many. Removing the
// lock of a process that is at work may damage the repository.
func (r *Repository) Unlock(ctx context.Context, all bool) (int, error) {
	n, err := r.repo.RemoveLocks(ctx, all)
	if err != nil {
		return n, fmt.Errorf("unlock %s: %w", r, err)
	}
	return n, nil
}
