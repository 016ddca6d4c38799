package backup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
)

// Difference is something that is not in the destination as it is in the source.
type Difference = compare.Difference

// RestoreOptions say what to restore, and how. The zero value restores with all below it, to where it was.
type RestoreOptions struct {
	// Into is a folder of the destination to which the contents go; empty: where they belong, by role and name.
	Into mapi.EntryID
	// Items restores only these items of the folder, and no folders.
	Items []mapi.EntryID
	// Deleted says that Items are soft-deleted ones. They become messages like others.
	Deleted bool
	// Where restores only items that it lets through.
	Where mapi.Restriction
	// Exclude, if set, leaves a folder out with all below it.
	Exclude func(FolderName) bool
	// OnExisting says what to do about items that the destination has; KeepExisting when empty.
	OnExisting OnExisting
	// DryRun changes nothing; the report tells what would be done. Bytes aren't known then, and there is no proof.
	DryRun bool
	// Permissions gives the folders the permissions that they had, beside those that there are, and Rules the rules. Neither is
	// done unasked: permissions let people in.
	Permissions, Rules bool
	// NoProof leaves out the comparison of what was restored with the snapshot.
	NoProof bool
	// Jobs is how many items are written at once; 2 when 0.
	Jobs int
	// Retries is how often to try again after a lost connection; 5 when 0, never when negative.
	Retries int
	// Backoff is the wait before the first retry, doubled each time; 1 second when 0.
	Backoff time.Duration
	// Progress is called after each item, by one goroutine at a time. It should return at once.
	Progress func(Progress)
	// ProofProgress is the same for the comparison, in folders and items.
	ProofProgress func(folders, items int, folder string)
}

// OnExisting says what a restore does about items that the destination has: those of the same source key, where it is the mailbox
// of the snapshot, else of the same search key. Items that are equal to the last property are left alone always, so that a
// restore done twice changes nothing.
type OnExisting string

const (
	// KeepExisting leaves them as they are, even if they were changed since.
	KeepExisting OnExisting = "skip"
	// ReplaceExisting gives those that differ the content that the snapshot has.
	ReplaceExisting OnExisting = "replace"
	// CopyBesideExisting leaves them as they are and puts the snapshot's version beside those that differ.
	CopyBesideExisting OnExisting = "copy"
)

func (o *RestoreOptions) policy() retry.Policy {
	return retry.Policy{Retries: o.Retries, Backoff: o.Backoff}
}

func (p OnExisting) policy() (transfer.Policy, error) {
	switch p {
	case "", KeepExisting:
		return transfer.Skip, nil
	case ReplaceExisting:
		return transfer.Replace, nil
	case CopyBesideExisting:
		return transfer.Beside, nil
	}
	return 0, fmt.Errorf("%q is none of skip, replace and copy", string(p))
}

// WithoutChanges is a store for a dry run: folders seem to be made in it, and nothing is changed.
func WithoutChanges(s mapi.Store) mapi.Store { return transfer.Dry(s) }

// RestoreReport is the outcome of a restore.
type RestoreReport struct {
	Copy
	OnExisting OnExisting `json:"on_existing"`
	DryRun     bool       `json:"dry_run,omitempty"`
	// Tables tells what became of permissions and rules, where they were asked for.
	Tables []Part `json:"tables,omitempty"`
	// Proved tells that the comparison was made, of Compared items. Differences are what isn't in the destination as it is
	// in the snapshot, the first thousand of DifferenceCount. What the destination has besides is no difference.
	Proved          bool         `json:"proved"`
	Compared        int          `json:"compared"`
	DifferenceCount int          `json:"difference_count"`
	Differences     []Difference `json:"differences,omitempty"`
}

// Restore copies a folder of a snapshot (or of any other store) with all below it, and proves it by comparing. path is the
// folder's, names or roles separated by slashes, from the visible root on; "" or "/" is the whole mailbox. Items that the
// destination has already are left as they are, so that a restore done twice changes nothing. The report is never nil.
func Restore(ctx context.Context, src mapi.Store, path string, dst mapi.Store, o RestoreOptions) (*RestoreReport, error) {
	report := &RestoreReport{OnExisting: o.OnExisting, DryRun: o.DryRun}
	if o.OnExisting == "" {
		report.OnExisting = KeepExisting
	}
	fail := func(err error) (*RestoreReport, error) {
		return report, fmt.Errorf("restore %s: %w", cmpPath(path), err)
	}
	policy, err := o.OnExisting.policy()
	if err != nil {
		return fail(err)
	}
	if o.Deleted {
		src = deletedStore{src}
	}
	from, err := FindFolder(ctx, src, path)
	if err != nil {
		return fail(err)
	}
	var to mapi.EntryID
	pairs := &pairing{to: map[mapi.EntryID]mapi.EntryID{}}
	copied, err := transfer.Run(ctx, src, dst, transfer.Options{From: from, To: o.Into, Items: o.Items, Where: o.Where,
		Exclude: o.Exclude, Policy: policy, DryRun: o.DryRun, Planner: pairs, Workers: o.Jobs, Retries: o.Retries, Backoff: o.Backoff, Progress: o.Progress})
	report.Copy = *copied
	to = copied.To
	if err != nil {
		return fail(err)
	}
	if (o.Permissions || o.Rules) && !o.DryRun {
		if report.Tables, err = restoreTables(ctx, src, dst, pairs.to, o); err != nil {
			return fail(fmt.Errorf("all was copied, but no permissions and rules: %w", err))
		}
	}
	switch {
	case o.NoProof || o.DryRun || o.Where != nil || o.Exclude != nil:
		return report, nil
	case len(o.Items) > 0:
		if err := proveItems(ctx, src, dst, from, to, o, report); err != nil {
			return fail(fmt.Errorf("all was copied, but the comparison failed: %w", err))
		}
		return report, nil
	}
	proof, err := compare.Stores(ctx, src, dst, compare.Options{A: from, B: to, Subset: true, ByName: o.Into != "", Workers: o.Jobs,
		Retry: o.policy(),
		Progress: func(p compare.Progress) {
			if o.ProofProgress != nil {
				o.ProofProgress(p.Folders, p.Items, p.Folder)
			}
		}})
	if err != nil {
		return fail(fmt.Errorf("all was copied, but the comparison failed: %w", err))
	}
	report.Proved, report.Compared = true, proof.Items
	report.DifferenceCount, report.Differences = proof.Count, proof.Differences
	return report, nil
}

func cmpPath(p string) string {
	if strings.Trim(p, "/") == "" {
		return "the mailbox"
	}
	return p
}

// FindFolder finds a folder by its path: names separated by slashes, compared without regard to case, from the visible root
// on. The first may be a role instead, such as inbox. A slash in a name is written %2F, a percent sign %25. "" or "/" is
// the root of the whole store.
func FindFolder(ctx context.Context, s mapi.Store, path string) (mapi.EntryID, error) {
	path = strings.Trim(path, "/")
	if path == "" {
		return s.Special(ctx, mapi.RoleRoot)
	}
	at, err := s.Special(ctx, mapi.RoleIPM)
	if err != nil {
		return "", err
	}
	for i, part := range strings.Split(path, "/") {
		name := strings.NewReplacer("%2F", "/", "%2f", "/", "%25", "%").Replace(part)
		next, err := child(ctx, s, at, name)
		if err != nil {
			return "", err
		}
		if next == "" && i == 0 {
			next, _ = s.Special(ctx, mapi.Role(strings.ToLower(name)))
		}
		if next == "" {
			return "", &mapi.Error{Op: "find folder", Object: path, Code: mapi.ErrNotFound,
				Err: fmt.Errorf("there is no folder %q", name)}
		}
		at = next
	}
	return at, nil
}

// child is the folder of a name below another, or empty.
func child(ctx context.Context, s mapi.Store, parent mapi.EntryID, name string) (mapi.EntryID, error) {
	f, err := s.Folder(ctx, parent)
	if err != nil {
		return "", err
	}
	for info, err := range f.Folders(ctx) {
		if err != nil {
			return "", err
		}
		if strings.EqualFold(info.Name, name) {
			return info.ID, nil
		}
	}
	return "", nil
}
