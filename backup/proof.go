package backup

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// proveItems looks in the destination's folder for each of the items that were restored to it.
func proveItems(ctx context.Context, src, dst mapi.Store, from, to mapi.EntryID, o RestoreOptions, report *RestoreReport) error {
	again := o.policy()
	type item struct {
		sum   [32]byte
		title string
		list  string
		key   []byte
	}
	columns := []mapi.Key{mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageClass), mapi.TagKey(pid.TagSearchKey)}
	title := func(r mapi.Row) string { return fmt.Sprintf("%q (%v)", cmp.Or(text(r, 0), ""), text(r, 1)) }
	open := func(s mapi.Store, id mapi.EntryID) (mapi.Folder, error) {
		return retry.Get(ctx, again, func() (mapi.Folder, error) { return s.Folder(ctx, id) })
	}
	digest := func(f mapi.Folder, id mapi.EntryID) ([32]byte, error) {
		return retry.Get(ctx, again, func() ([32]byte, error) {
			var fp compare.Fingerprint
			if err := f.Read(ctx, id, &fp); err != nil {
				return [32]byte{}, err
			}
			return fp.Node().Core(), nil
		})
	}
	a, err := open(src, from)
	if err != nil {
		return err
	}
	b, err := open(dst, to)
	if err != nil {
		return err
	}
	report.Proved = true
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		var wanted []item
		for row, err := range a.Rows(ctx, mapi.Query{Kind: k, Columns: columns}) {
			if err != nil {
				return err
			}
			if !slices.Contains(o.Items, row.ID) {
				continue
			}
			key, _ := row.Values[2].([]byte)
			it := item{title: title(row), key: key}
			if k == mapi.Associated {
				it.list = k.String()
			}
			if it.sum, err = digest(a, row.ID); err != nil {
				return err
			}
			wanted = append(wanted, it)
		}
		if len(wanted) == 0 {
			continue
		}
		there := map[[32]byte]int{}
		for row, err := range b.Rows(ctx, mapi.Query{Kind: k, Columns: columns}) {
			if err != nil {
				return err
			}
			key, _ := row.Values[2].([]byte)
			t := title(row)
			if slices.ContainsFunc(wanted, func(w item) bool { return w.title == t || len(w.key) > 0 && bytes.Equal(w.key, key) }) {
				sum, err := digest(b, row.ID)
				if err != nil {
					return err
				}
				there[sum]++
			}
		}
		for _, w := range wanted {
			report.Compared++
			if there[w.sum]--; there[w.sum] < 0 {
				report.DifferenceCount++
				report.Differences = append(report.Differences, Difference{Item: w.title, List: w.list, Reason: compare.OnlyA})
			}
		}
	}
	return nil
}

func text(r mapi.Row, i int) string {
	s, _ := r.Values[i].(string)
	return s
}

// Proof is the record of a restore: what was recovered, to where, and what the comparison said.
type Proof struct {
	ID       string    `json:"id,omitempty"` // of the snapshot that holds it
	Time     time.Time `json:"time"`
	Snapshot string    `json:"snapshot"` // that was restored from
	Taken    time.Time `json:"taken"`
	Mailbox  string    `json:"mailbox"`
	Path     string    `json:"path,omitempty"` // of what was restored; empty: all
	To       string    `json:"to"`
	RestoreReport
}

const (
	proofDir  = "proof"
	proofFile = "proof.json"
	// maxProof bounds a proof that is read: a thousand differences with their properties.
	maxProof = 64 << 20
)

// SaveProof keeps the record of a restore in the repository, in a snapshot of its own that is tagged "proof". which is the
// snapshot that was restored from, as OpenSnapshot takes it.
func (r *Repository) SaveProof(ctx context.Context, which, path, to string, report *RestoreReport) (*Proof, error) {
	p := &Proof{Time: time.Now().UTC(), Path: path, To: to, RestoreReport: *report}
	if err := r.saveProof(ctx, which, p); err != nil {
		return nil, fmt.Errorf("keep the proof in %s: %w", r, err)
	}
	return p, nil
}

func (r *Repository) saveProof(ctx context.Context, which string, p *Proof) (err error) {
	lock, ctx, err := r.repo.Lock(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	of, err := snapshot.Find(ctx, r.repo, which)
	if err != nil {
		return err
	}
	d := describe(of)
	p.Snapshot, p.Taken, p.Mailbox = d.ID, d.Time, d.Mailbox
	w, err := r.repo.NewWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	document, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	f := w.NewFile(ctx)
	if _, err := f.Write(append(document, '\n')); err != nil {
		return err
	}
	stamp := func(n *restic.Node) *restic.Node {
		n.ModTime, n.AccessTime, n.ChangeTime = p.Time, p.Time, p.Time
		return n
	}
	file := stamp(&restic.Node{Name: proofFile, Type: restic.FileNode, Mode: 0o600})
	if err := f.Close(file); err != nil {
		return err
	}
	dir, err := w.SaveTree(ctx, &restic.Tree{Nodes: []*restic.Node{file}})
	if err != nil {
		return err
	}
	top, err := w.SaveTree(ctx, &restic.Tree{Nodes: []*restic.Node{stamp(&restic.Node{Name: proofDir, Type: restic.DirNode, Mode: os.ModeDir | 0o700, Subtree: &dir})}})
	if err != nil {
		return err
	}
	s := &restic.Snapshot{Time: p.Time, Tree: &top, Paths: []string{"/" + proofDir}, Hostname: of.Hostname, Tags: []string{snapshot.TagProof}, ProgramVersion: "opencdo"}
	if err := w.SaveSnapshot(ctx, s); err != nil {
		return err
	}
	p.ID = s.ID().String()
	return nil
}

// Proofs lists the records of restores, the oldest first. One that is damaged doesn't keep the others from being listed: the list
// comes together with the error.
func (r *Repository) Proofs(ctx context.Context) ([]Proof, error) {
	var list []Proof
	var errs []error
	for s, err := range r.repo.Snapshots(ctx) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if snapshot.IsMailbox(s) {
			continue
		}
		p, err := r.proof(ctx, s)
		if err != nil {
			errs = append(errs, fmt.Errorf("proof %s: %w", s.ID(), err))
			continue
		}
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b Proof) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	return list, errors.Join(errs...)
}

func (r *Repository) proof(ctx context.Context, s *restic.Snapshot) (*Proof, error) {
	if s.Tree == nil {
		return nil, ErrNotFound
	}
	tree, err := r.repo.LoadTree(ctx, *s.Tree)
	for _, name := range []string{proofDir, proofFile} {
		if err != nil {
			return nil, err
		}
		n := tree.Find(name)
		switch {
		case n == nil:
			return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
		case n.Subtree != nil:
			tree, err = r.repo.LoadTree(ctx, *n.Subtree)
		case n.Size > maxProof:
			return nil, &mapi.Error{Op: "read proof", Code: mapi.ErrCorruptData, Err: fmt.Errorf("it has %d bytes", n.Size)}
		default:
			f, err := r.repo.OpenFile(ctx, n)
			if err != nil {
				return nil, err
			}
			document, err := io.ReadAll(f)
			if err != nil {
				return nil, err
			}
			p := &Proof{}
			if err := json.Unmarshal(document, p); err != nil {
				return nil, &mapi.Error{Op: "read proof", Code: mapi.ErrCorruptData, Err: err}
			}
			p.ID = s.ID().String()
			return p, nil
		}
	}
	return nil, ErrNotFound
}
