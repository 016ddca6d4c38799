package backup

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
)

// VerifyOptions say how far Verify goes.
type VerifyOptions struct {
	// ReadData reads every byte of the repository, and every item of every snapshot.
	ReadData bool
	// Sample is how many percent of the packs to read every byte of, chosen at random, instead of all of them; 0: as ReadData
	// says. Items aren't opened.
	Sample float64
	// Progress is called now and then, by one goroutine at a time. It should return at once.
	Progress func(VerifyProgress)
}

// VerifyProgress tells how far a verification is: through directories first, then bytes of packs, then items.
type VerifyProgress struct {
	Directories int
	Bytes       int64
	TotalBytes  int64
	Items       int
}

// VerifyReport is what Verify found.
type VerifyReport struct {
	Snapshots int      `json:"snapshots"`
	Packs     int      `json:"packs"`
	PackBytes int64    `json:"pack_bytes"`
	Blobs     int      `json:"blobs"`
	ReadPacks int      `json:"read_packs"` // every byte of them
	ReadBytes int64    `json:"read_bytes"`
	Items     int      `json:"items"` // opened, each once even if several snapshots hold it
	Faults    int      `json:"faults"`
	Errors    []error  `json:"-"` // the first thousand of the faults
	Messages  []string `json:"errors,omitempty"`
}

func (r *VerifyReport) fault(err error) {
	r.Faults++
	if len(r.Errors) < maxFaults {
		r.Errors = append(r.Errors, err)
		r.Messages = append(r.Messages, err.Error())
	}
}

const maxFaults = 1000

// Verify checks that the repository is sound, as stock restic's check does, and with ReadData that every item of every
// snapshot can be read. What it finds wrong is in the report; an error means that it could not go on.
func (r *Repository) Verify(ctx context.Context, o VerifyOptions) (*VerifyReport, error) {
	report, err := r.verify(ctx, o)
	if err != nil {
		err = fmt.Errorf("verify %s: %w", r, err)
	}
	return report, err
}

func (r *Repository) verify(ctx context.Context, o VerifyOptions) (*VerifyReport, error) {
	report := &VerifyReport{}
	lock, ctx, err := r.repo.Lock(ctx, true)
	if err != nil {
		return report, err
	}
	defer lock.Unlock()
	check := restic.CheckOptions{ReadData: o.ReadData || o.Sample > 0, Sample: o.Sample}
	var at VerifyProgress
	if o.Progress != nil {
		check.Progress = func(p restic.CheckProgress) {
			at = VerifyProgress{Directories: p.Trees, Bytes: p.Bytes, TotalBytes: p.TotalBytes}
			o.Progress(at)
		}
	}
	found, err := r.repo.Check(ctx, check)
	if err != nil {
		return report, err
	}
	report.Snapshots, report.Packs, report.PackBytes, report.Blobs = found.Snapshots, found.Packs, found.PackBytes, found.DataBlobs+found.Trees
	report.ReadPacks, report.ReadBytes = found.ReadPacks, found.ReadBytes
	for _, err := range found.Errors {
		report.fault(err)
	}
	report.Faults = found.Faults
	if !o.ReadData || o.Sample > 0 {
		return report, nil
	}
	seen := map[restic.ID]bool{} // directories, so that what snapshots share is read once
	for s, err := range r.repo.Snapshots(ctx) {
		if err != nil {
			continue // Check told of it
		}
		if !snapshot.IsMailbox(s) {
			if _, err := r.proof(ctx, s); err != nil {
				report.fault(fmt.Errorf("proof %s: %w", s.ID(), err))
			}
			continue
		}
		tell := func() {
			if at.Items = report.Items; o.Progress != nil {
				o.Progress(at)
			}
		}
		if err := r.items(ctx, s, seen, report, tell); err != nil {
			return report, err
		}
	}
	return report, nil
}

// items opens every item of a snapshot.
func (r *Repository) items(ctx context.Context, s *restic.Snapshot, seen map[restic.ID]bool, report *VerifyReport, tell func()) error {
	store, err := snapshot.Open(ctx, r.repo, s)
	if err != nil {
		report.fault(fmt.Errorf("snapshot %s: %w", s.ID(), err))
		return ctx.Err()
	}
	defer store.Close()
	return store.Each(ctx, seen, func(path string, read func(mapi.ItemSink) error, err error) error {
		var fp compare.Fingerprint
		if err == nil {
			err = read(&fp)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		report.Items++
		if err != nil {
			report.fault(fmt.Errorf("snapshot %s: %s: %w", s.ID(), path, err))
		}
		tell()
		return nil
	})
}
