package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
)

// Mailbox is one of several that are backed up in a run.
type Mailbox struct {
	// Address is what its snapshots are found under, Name what people call it.
	Address string `json:"mailbox"`
	Name    string `json:"name,omitempty"`
	// Server is shown as the snapshots' host, Database noted as a tag.
	Server   string `json:"server,omitempty"`
	Database string `json:"database,omitempty"`
	// Open opens it for the time of its backup. An error that may pass is tried again.
	Open func(ctx context.Context) (mapi.Store, error) `json:"-"`
}

// ManyOptions say how several mailboxes are backed up.
type ManyOptions struct {
	// Options are those of each mailbox; Mailbox, Server and Progress of them aren't used.
	Options
	// Parallel is how many mailboxes are worked on at once; 2 when 0. The server sees so many times Options.Jobs sessions.
	Parallel int
	// Run is noted with all snapshots as the tag "run:" and this; empty: the time at which the run began.
	Run string
	// ProgressOfAll is called now and then, by one goroutine at a time. It should return at once.
	ProgressOfAll func(ManyProgress)
}

// ManyProgress tells how far a run over several mailboxes is. The totals grow as mailboxes are begun.
type ManyProgress struct {
	Mailboxes, MailboxesTotal int
	Items, ItemsTotal         int
	Bytes                     int64
	Mailbox                   string // worked on
}

// Outcomes of the backup of a mailbox.
const (
	OutcomeDone       = "done"
	OutcomeIncomplete = "incomplete" // there is a snapshot, but not everything could be read
	OutcomeFailed     = "failed"     // there is no new snapshot
	OutcomeNotBegun   = "not begun"  // the run ended before
)

// MailboxReport is the outcome of one mailbox.
type MailboxReport struct {
	Mailbox
	Outcome string `json:"outcome"`
	// Err is why there is no snapshot.
	Err    error   `json:"-"`
	Error  string  `json:"error,omitempty"`
	Report *Report `json:"report,omitempty"`
}

// ManyReport is the outcome of a run over several mailboxes, in the order in which they were given.
type ManyReport struct {
	Run        string          `json:"run"`
	Started    time.Time       `json:"started"`
	Ended      time.Time       `json:"ended"`
	Done       int             `json:"done"`
	Incomplete int             `json:"incomplete"`
	Failed     int             `json:"failed"`
	NotBegun   int             `json:"not_begun"`
	Items      int             `json:"items"`
	Bytes      int64           `json:"bytes"`
	Added      uint64          `json:"added"`
	Stored     uint64          `json:"stored"`
	Mailboxes  []MailboxReport `json:"mailboxes"`
}

// Tags that are noted with the snapshots of a run.
const (
	tagRun      = "run:"
	tagDatabase = "database:"
)

const (
	defaultParallel = 2
	runFormat       = "20060102T150405Z"
)

// RunMany backs several mailboxes up, many at once, into one repository. A mailbox that cannot be backed up doesn't keep the
// others from it: it is named in the report. An error means that the run could not go on, because of the repository or because ctx
// ended; the snapshots that were made by then stay. What a mailbox's own report says was added and stored may be another's of the
// same time; the sums of the whole are right. The report is never nil.
func RunMany(ctx context.Context, boxes []Mailbox, repo *Repository, o ManyOptions) (*ManyReport, error) {
	r := &ManyReport{Run: o.Run, Started: time.Now().UTC(), Mailboxes: make([]MailboxReport, len(boxes))}
	if r.Run == "" {
		r.Run = r.Started.Format(runFormat)
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	for i, b := range boxes {
		r.Mailboxes[i] = MailboxReport{Mailbox: b, Outcome: OutcomeNotBegun}
	}
	m := &many{ManyOptions: o, report: r, boxes: make([]Progress, len(boxes))}
	m.all.MailboxesTotal = len(boxes)
	err := m.run(ctx, repo.repo)
	r.Ended = time.Now().UTC()
	for _, x := range r.Mailboxes {
		switch x.Outcome {
		case OutcomeDone:
			r.Done++
		case OutcomeIncomplete:
			r.Incomplete++
		case OutcomeFailed:
			r.Failed++
		default:
			r.NotBegun++
		}
		if x.Report != nil {
			r.Items += x.Report.Copied + x.Report.Skipped
			r.Bytes += x.Report.Bytes
		}
	}
	if err != nil {
		err = fmt.Errorf("back up %d mailboxes to %s: %w", len(boxes), repo, err)
	}
	return r, err
}

// many is a run over several mailboxes.
type many struct {
	ManyOptions
	report *ManyReport
	last   map[string]*restic.Snapshot // by the name of the mailbox's directory

	mu    sync.Mutex
	boxes []Progress
	all   ManyProgress
}

func (m *many) run(ctx context.Context, repo *restic.Repository) (err error) {
	lock, ctx, err := repo.Lock(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if m.last, err = lastSnapshots(ctx, repo); err != nil {
		return err
	}
	// One writer for all: an attachment that two mailboxes have is stored once even if both are read at the same time.
	w, err := repo.NewWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(m.Parallel, len(m.boxes)) {
		workers.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					continue // not begun
				}
				if err := m.box(ctx, repo, w, i); err != nil {
					stop(err)
				}
			}
		})
	}
	for i := range m.boxes {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	stats := w.Stats()
	m.report.Added, m.report.Stored = stats.Bytes, stats.PackBytes
	return context.Cause(ctx)
}

// lastSnapshots finds the newest snapshot of each mailbox. One that is damaged makes the next backup of its mailbox a longer one.
func lastSnapshots(ctx context.Context, repo *restic.Repository) (map[string]*restic.Snapshot, error) {
	last := map[string]*restic.Snapshot{}
	for s, err := range repo.Snapshots(ctx) {
		if errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if name, ok := snapshot.DirOf(s); ok && (last[name] == nil || s.Time.After(last[name].Time)) {
			last[name] = s
		}
	}
	return last, nil
}

// box backs one mailbox up. It fails only with what ends the run.
func (m *many) box(ctx context.Context, repo *restic.Repository, w *restic.Writer, i int) error {
	x := &m.report.Mailboxes[i]
	m.tell(i, x.Address, Progress{})
	o := m.Options
	o.Mailbox, o.Server = x.Address, x.Server
	o.Tags = append(append([]string{}, o.Tags...), tagRun+m.report.Run)
	if x.Database != "" {
		o.Tags = append(o.Tags, tagDatabase+x.Database)
	}
	o.Progress = func(p Progress) { m.tell(i, x.Address, p) }
	st, err := retry.Get(ctx, o.policy(), func() (mapi.Store, error) { return x.Open(ctx) })
	if err == nil {
		x.Report = &Report{}
		err = x.Report.write(ctx, st, repo, w, m.last[snapshot.DirName(x.Address)], o)
		st.Close() // all that was wanted of it has been read
	}
	switch {
	case err == nil && len(x.Report.Problems) == 0 && !slices.ContainsFunc(x.Report.Parts, func(p Part) bool { return p.State == StateRefused }):
		x.Outcome = OutcomeDone
	case err == nil || x.Report != nil && x.Report.Snapshot.ID != "":
		x.Outcome = OutcomeIncomplete
	default:
		x.Outcome = OutcomeFailed
	}
	if err != nil {
		x.Err, x.Error = err, err.Error()
	}
	m.finished(i, x.Address)
	var broken *snapshot.RepositoryError
	if errors.As(err, &broken) {
		return err
	}
	return nil
}

// tell reports progress over all.
func (m *many) tell(i int, mailbox string, p Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all.Items += p.Items - m.boxes[i].Items
	m.all.ItemsTotal += p.ItemsTotal - m.boxes[i].ItemsTotal
	m.all.Bytes += p.Bytes - m.boxes[i].Bytes
	m.all.Mailbox = mailbox
	m.boxes[i] = p
	if m.ProgressOfAll != nil {
		m.ProgressOfAll(m.all)
	}
}

// finished notes that a mailbox is done: what its folders promised and didn't hold isn't waited for any longer.
func (m *many) finished(i int, mailbox string) {
	m.mu.Lock()
	m.all.Mailboxes++
	p := m.boxes[i]
	m.mu.Unlock()
	p.ItemsTotal = p.Items
	m.tell(i, mailbox, p)
}
