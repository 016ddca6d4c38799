package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
)

// The outcome of a copy, and how far it is.
type (
	// Problem is an item or folder that could not be copied.
	Problem = transfer.Problem
	// Note is a remark about something that was done otherwise than one may expect.
	Note = transfer.Note
	// Progress tells how far a run is.
	Progress = transfer.Progress
	// Copy is what was copied, folder by folder.
	Copy = transfer.Report
	// FolderName is how a folder is known: its path and role.
	FolderName = transfer.FolderName
	// Level is how much a snapshot tells of a mailbox without its messages being opened.
	Level = snapshot.Level
)

// Levels of metadata: each tells what those before it do.
const (
	LevelMailboxes = snapshot.LevelMailboxes // that there is the mailbox
	LevelFolders   = snapshot.LevelFolders   // its folders, too
	LevelMessages  = snapshot.LevelMessages  // and what lists of messages show, with recipients and the names of attachments
)

// Options say what to back up, and how. Only Mailbox is needed.
type Options struct {
	// Mailbox is the address under which the snapshot is found again.
	Mailbox string
	// Server is shown as the snapshot's host.
	Server string
	// Tags are noted with the snapshot: the name of the run, the database.
	Tags []string
	// Full reads the whole mailbox, even where it tells what changed since the last snapshot. What the repository has is not
	// stored again.
	Full bool
	// Metadata is how much the snapshot tells without its messages being opened; LevelMessages when empty.
	Metadata Level
	// Exclude, if set, leaves a folder out with all below it.
	Exclude func(FolderName) bool
	// Jobs is how many items are read at once; 2 when 0.
	Jobs int
	// Retries is how often to try again after a lost connection; 5 when 0, never when negative.
	Retries int
	// Backoff is the wait before the first retry, doubled each time; 1 second when 0.
	Backoff time.Duration
	// Progress is called after each item, by one goroutine at a time. It should return at once.
	Progress func(Progress)
}

func (o *Options) policy() retry.Policy { return retry.Policy{Retries: o.Retries, Backoff: o.Backoff} }

// Report is the outcome of a backup.
type Report struct {
	Copy
	// Snapshot is the finished snapshot. It is empty when the run failed; what was stored by then is found by the next.
	Snapshot Snapshot `json:"snapshot"`
	// Parts tell of each part of the mailbox whether it is in the snapshot.
	Parts []Part `json:"parts,omitempty"`
	// Files and FileBytes are what the snapshot holds, Added what of it was new, Stored how much that took on disk.
	Files     int    `json:"files"`
	FileBytes uint64 `json:"file_bytes"`
	Added     uint64 `json:"added"`
	Stored    uint64 `json:"stored"`
}

// Run backs a mailbox up. The snapshot is there, synced to disk, when Run returns without error; items that could not be read
// are named in the report's Problems. An interrupted run leaves no snapshot, and the next one doesn't store again what it
// stored. The report is never nil.
func Run(ctx context.Context, src mapi.Store, repo *Repository, o Options) (*Report, error) {
	report := &Report{}
	err := report.run(ctx, src, repo.repo, o)
	if err != nil {
		err = fmt.Errorf("back up %s to %s: %w", o.Mailbox, repo, err)
	}
	return report, err
}

func (r *Report) run(ctx context.Context, src mapi.Store, repo *restic.Repository, o Options) (err error) {
	if o.Mailbox == "" {
		return errors.New("no name of the mailbox was given")
	}
	lock, ctx, err := repo.Lock(ctx, false)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		err = errors.Join(err, lock.Unlock())
	}()
	parent, broken := snapshot.Find(ctx, repo, snapshot.Latest+"/"+o.Mailbox)
	if broken != nil && !errors.Is(broken, ErrNotFound) && !errors.Is(broken, ErrDamaged) {
		return broken
	}
	w, err := repo.NewWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	if errors.Is(broken, ErrDamaged) {
		defer func() {
			r.Notes = append(r.Notes, Note{Text: "this backup is not concerned, but: " + broken.Error()})
		}()
	}
	return r.write(ctx, src, repo, w, parent, o)
}

// write backs a mailbox up through a writer. parent is its last snapshot, or nil.
func (r *Report) write(ctx context.Context, src mapi.Store, repo *restic.Repository, w *restic.Writer, parent *restic.Snapshot, o Options) (err error) {
	before := w.Stats()
	b := snapshot.NewBuilder(ctx, w, o.Mailbox)
	defer func() { err = errors.Join(err, b.Close()) }()
	props, err := retry.Get(ctx, o.policy(), func() (mapi.Props, error) { return src.Props(ctx) })
	if err != nil {
		return err
	}
	b.SetProps(props)
	level, err := snapshot.ParseLevel(string(o.Metadata))
	if err != nil {
		return err
	}
	b.SetLevel(level)

	follow, err := newFollower(ctx, src, b, repo, parent, o)
	if err != nil {
		return err
	}
	copied, err := transfer.Run(ctx, &source{src, follow}, b, transfer.Options{Exclude: o.Exclude, Workers: o.Jobs, Retries: o.Retries,
		Backoff: o.Backoff, Progress: o.Progress, Planner: follow})
	r.Copy = *copied
	if err != nil {
		return err
	}
	p := &inventory{src: src, b: b, f: follow, policy: o.policy(), copied: copied}
	if r.Parts, err = p.run(ctx); err != nil {
		return err
	}
	b.SetSynced(follow.synced(copied))
	tree, err := b.Save(ctx)
	if err != nil {
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	built, stored := b.Stats(), w.Stats()
	stored.DataBlobs -= before.DataBlobs
	stored.TreeBlobs -= before.TreeBlobs
	stored.Bytes -= before.Bytes
	stored.Packed -= before.Packed
	stored.PackBytes -= before.PackBytes
	r.Files, r.FileBytes, r.Added, r.Stored = built.Files, built.Bytes, stored.Bytes, stored.PackBytes
	s := &restic.Snapshot{Time: r.Started, Tree: &tree, Paths: []string{"/" + snapshot.DirName(o.Mailbox)}, Hostname: o.Server,
		Tags: o.Tags, ProgramVersion: "opencdo"}
	s.Summary = &restic.SnapshotSummary{
		BackupStart: r.Started, BackupEnd: time.Now(),
		DataBlobs: stored.DataBlobs, TreeBlobs: stored.TreeBlobs, DataAdded: stored.Bytes, DataAddedPacked: stored.Packed,
		TotalFilesProcessed: uint(built.Files), TotalBytesProcessed: built.Bytes,
	}
	if parent != nil {
		id := parent.ID()
		s.Parent = &id
	}
	if err := w.SaveSnapshot(ctx, s); err != nil {
		return err
	}
	r.Snapshot = describe(s)
	return nil
}
