// Package transfer is the one copy engine: it copies folders and items from any message store to any other. Backing up,
// recovering, exporting and migrating are all this copy.
//
// Folders are matched by role first, then by name, and never a special folder by its name alone. Items that the destination
// has already are left alone ([Skip]): they are known by their source key, else by their search key, else by a digest of all
// that they hold, each compared as a multiset, so that two genuine copies stay two and a copy made twice changes nothing.
//
// An item that cannot be copied is named in the report and the run goes on. What concerns the run as a whole, such as a
// full disk or a connection that doesn't come back, ends it.
package transfer

import (
	"context"
	"errors"
	"time"

	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
)

// Policy says what to do about items that the destination has already.
type Policy uint8

const (
	// Skip leaves them as they are.
	Skip Policy = iota
	// Append copies everything and asks nothing.
	Append
	// Replace gives them the content of the source where it is another one.
	Replace
	// Beside leaves them as they are and, where their content is another one, puts that of the source beside it.
	Beside
)

// Options says what to copy and how. The zero value copies a whole store.
type Options struct {
	// From is the folder to begin with; empty: the whole store.
	From mapi.EntryID
	// To is the folder that From's contents go into. All below it is matched by name then. Empty: where From's contents
	// belong in the destination, by role and name.
	To mapi.EntryID
	// Items copies only these items of From (normal or associated), and no folders.
	Items []mapi.EntryID
	// Where copies only items that it lets through.
	Where mapi.Restriction
	// Exclude, if set, leaves a folder out with all below it.
	Exclude func(FolderName) bool
	// NoAssociated leaves out folder-associated items.
	NoAssociated bool

	Policy Policy
	// DryRun changes nothing and reports what would be done. Only items that both stores have, and of which it isn't known
	// whether they are the same, are read; the bytes that would be copied aren't known.
	DryRun bool
	// Workers is how many items are copied at once; 2 when 0.
	Workers int
	// Batch is how many items a worker asks for at once; 64 when 0.
	Batch int
	// Retries is how often something is tried again after the connection was lost or the server was busy; 5 when 0, never
	// when negative.
	Retries int
	// Backoff is the wait before the first retry; each further one waits twice as long. 1 second when 0.
	Backoff time.Duration
	// Planner, if set, knows better than a list what is to be copied of each folder.
	Planner Planner
	// Progress is called after each folder and item, by one goroutine at a time. It should return at once.
	Progress func(Progress)
}

const (
	defaultWorkers = 2
	defaultBatch   = 64 // some MB of mail; a lost connection costs this much at most
)

// FolderName is how a folder is known: its path in the source, names separated by slashes, and its role if it has one.
type FolderName struct {
	Path string
	Role mapi.Role
}

// Progress tells how far a run is.
type Progress struct {
	Started      time.Time
	Folders      int
	FoldersTotal int
	Items        int // copied, skipped and failed
	ItemsTotal   int // as the folders' counts say
	Bytes        int64
	Folder       string // worked on
}

// Run copies from src to dst. The report is there even when the run ended early with an error.
func Run(ctx context.Context, src, dst mapi.Store, o Options) (*Report, error) {
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.Batch <= 0 {
		o.Batch = defaultBatch
	}
	if o.DryRun {
		dst = Dry(dst)
	}
	r := &run{Options: o, src: src, dst: dst, report: &Report{Started: time.Now()}}
	r.progress.Started = r.report.Started
	err := r.all(ctx)
	r.report.Ended = time.Now()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return r.report, err
}

// Finisher is a folder of a destination that wants to know that nothing more will be written to it.
type Finisher interface {
	Finish(ctx context.Context) error
}

// Planner decides what is to be copied. It is called by one goroutine.
type Planner interface {
	// Begin tells which folders of the source will be copied. An error ends the run.
	Begin(ctx context.Context, folders []mapi.EntryID) error
	// Plan is asked about each folder before its items are copied. An error ends the run.
	Plan(ctx context.Context, src, dst mapi.Folder) (*Plan, error)
}

// Plan is what is to be copied of a folder.
type Plan struct {
	Way, Why string // for the report
	// List asks for the folder to be listed, as without a plan.
	List bool
	// Items are those to be copied else, normal and associated ones.
	Items [2][]PlannedItem
	// Kept is how many the destination has been given otherwise; they count as skipped.
	Kept int
}

// PlannedItem is an item to be copied.
type PlannedItem struct {
	ID             mapi.EntryID
	SourceKey      []byte
	Subject, Class string // for the report
}

// Identifier is an item writer that wants to know the source key of what it is given, even if the item doesn't bring it.
type Identifier interface{ Identify(sourceKey []byte) }

// RoleSetter is a destination whose folders take their roles from the source, as those of a snapshot do.
type RoleSetter interface {
	SetRole(ctx context.Context, folder mapi.EntryID, r mapi.Role) error
}

// Systemic is implemented by errors that concern the whole run, not one item: it ends.
type Systemic interface{ Systemic() bool }

// systemic tells whether an error concerns the whole run.
func systemic(err error) bool {
	var s Systemic
	if errors.As(err, &s) && s.Systemic() {
		return true
	}
	for _, e := range systemicErrors {
		if errors.Is(err, e) {
			return true
		}
	}
	return retry.Transient(err) // after all retries
}
