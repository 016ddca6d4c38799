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
	// Where restores only items that it lets through.
	Where mapi.Restriction
	// Exclude, if set, leaves a folder out with all below it.
	Exclude func(FolderName) bool
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

// RestoreReport is the outcome of a restore.
type RestoreReport struct {
	Copy
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
	report := &RestoreReport{}
	fail := func(err error) (*RestoreReport, error) {
		return report, fmt.Errorf("restore %s: %w", cmpPath(path), err)
	}
	from, err := FindFolder(ctx, src, path)
	if err != nil {
		return fail(err)
	}
	var to mapi.EntryID
	copied, err := transfer.Run(ctx, src, dst, transfer.Options{From: from, To: o.Into, Items: o.Items, Where: o.Where,
		Exclude: o.Exclude, Workers: o.Jobs, Retries: o.Retries, Backoff: o.Backoff, Progress: o.Progress})
	report.Copy = *copied
	to = copied.To
	if err != nil {
		return fail(err)
	}
	if o.NoProof || len(o.Items) > 0 || o.Where != nil || o.Exclude != nil {
		return report, nil
	}
	proof, err := compare.Stores(ctx, src, dst, compare.Options{A: from, B: to, Subset: true, ByName: o.Into != "", Workers: o.Jobs,
		Retry: retry.Policy{Retries: o.Retries, Backoff: o.Backoff},
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
