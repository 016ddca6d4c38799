package transfer

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
)

// run is the state of one copy.
type run struct {
	Options
	src, dst mapi.Store
	roles    map[mapi.EntryID][]mapi.Role // of the source
	special  map[mapi.EntryID]bool        // folders with a role in the destination
	batches  chan batch

	mu       sync.Mutex
	report   *Report
	progress Progress
}

// pair is a folder and where its contents go.
type pair struct {
	src, dst mapi.Folder
	path     string
	index    int  // among Report.Folders
	fresh    bool // the destination's was made by this run

	lists   []*list
	pending atomic.Int32 // batches not yet done, and one while there may be more
}

// list is the items of one kind of a pair.
type list struct {
	*pair
	kind    mapi.Kind
	known   *known
	refused atomic.Pointer[refusal] // the destination takes no items of this kind
}

type refusal struct {
	err   error
	count atomic.Int32
}

// batch is some items for one worker.
type batch struct {
	*list
	ids    []mapi.EntryID
	titles map[mapi.EntryID]string
	keys   map[mapi.EntryID][]byte // source keys
	check  map[mapi.EntryID]bool   // to be skipped if the destination has the same
	who    map[mapi.EntryID]identity
}

// all walks the source and has workers copy what it finds.
func (r *run) all(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	r.batches = make(chan batch)
	var workers sync.WaitGroup
	for range r.Workers {
		workers.Go(func() {
			for b := range r.batches {
				if ctx.Err() == nil {
					if err := r.copyBatch(ctx, b); err != nil {
						cancel(err)
					}
				}
				if err := r.release(ctx, b.pair); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := r.walk(ctx)
	if err != nil {
		cancel(err)
	}
	close(r.batches)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// release notes that a batch of a folder is done.
func (r *run) release(ctx context.Context, p *pair) error {
	if p.pending.Add(-1) > 0 || ctx.Err() != nil {
		return nil
	}
	for _, l := range p.lists {
		if no := l.refused.Load(); no != nil {
			r.problem(Problem{Folder: p.path, Kind: l.kind, Count: int(no.count.Load()), Err: no.err})
		}
	}
	if f, ok := p.dst.(Finisher); ok {
		if err := f.Finish(ctx); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Folders++
	r.tell(p.path)
	return nil
}

// folder copies the items of a folder.
func (r *run) folder(ctx context.Context, p *pair) error {
	p.pending.Add(1)
	kinds := []mapi.Kind{mapi.Normal, mapi.Associated}
	if r.NoAssociated {
		kinds = kinds[:1]
	}
	plan := &Plan{List: true}
	if r.Planner != nil {
		var err error
		if plan, err = r.Planner.Plan(ctx, p.src, p.dst); err != nil {
			return err
		}
		r.planned(p, plan)
	}
	for _, k := range kinds {
		if !plan.List {
			r.some(ctx, p, k, plan.Items[k])
			continue
		}
		if err := r.items(ctx, p, k); err != nil {
			if systemic(err) || ctx.Err() != nil {
				return err
			}
			r.problem(Problem{Folder: p.path, Kind: k, Err: err})
			r.incomplete(p)
		}
	}
	return r.release(ctx, p)
}

// some hands items of a plan to the workers.
func (r *run) some(ctx context.Context, p *pair, k mapi.Kind, items []PlannedItem) {
	l := &list{pair: p, kind: k, known: &known{all: true, took: kin{}}}
	p.lists = append(p.lists, l)
	for chunk := range slices.Chunk(items, r.Batch) {
		b := batch{list: l, titles: map[mapi.EntryID]string{}, keys: map[mapi.EntryID][]byte{}}
		for _, x := range chunk {
			b.ids = append(b.ids, x.ID)
			b.titles[x.ID] = titleOf(x.Subject, x.Class)
			b.keys[x.ID] = x.SourceKey
		}
		r.send(ctx, b)
	}
}

// send gives a batch to a worker.
func (r *run) send(ctx context.Context, b batch) {
	b.pending.Add(1)
	select {
	case r.batches <- b:
	case <-ctx.Done():
		b.pending.Add(-1)
	}
}

// items lists items of a folder and hands them to the workers.
func (r *run) items(ctx context.Context, p *pair, k mapi.Kind) error {
	l := &list{pair: p, kind: k}
	p.lists = append(p.lists, l)
	var err error
	if l.known, err = r.know(ctx, l); err != nil {
		return err
	}
	b := batch{list: l}
	send := func() {
		r.send(ctx, b)
		b = batch{list: l}
	}
	seen := map[key]bool{} // so that a list read again doesn't give an item twice
	err = r.retry(ctx, func(try int) error {
		for row, err := range r.rows(ctx, p.src, k) {
			if err != nil {
				return err
			}
			id := keyOf([]byte(row.ID))
			if try > 0 && seen[id] {
				continue
			}
			seen[id] = true
			d := l.known.decide(row)
			if d == leave {
				r.count(p, skipped, 0)
				continue
			}
			if b.titles == nil {
				b.titles, b.check, b.keys = map[mapi.EntryID]string{}, map[mapi.EntryID]bool{}, map[mapi.EntryID][]byte{}
				b.who = map[mapi.EntryID]identity{}
			}
			b.ids = append(b.ids, row.ID)
			b.titles[row.ID] = title(row)
			b.keys[row.ID], _ = row.Values[2].([]byte)
			if b.check[row.ID] = d == look; d == look {
				b.who[row.ID] = identify(row)
			}
			if len(b.ids) >= r.Batch {
				send()
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
	if len(b.ids) > 0 {
		send()
	}
	return err
}

// rows lists what is to be copied of a folder of the source.
func (r *run) rows(ctx context.Context, f mapi.Folder, k mapi.Kind) iter.Seq2[mapi.Row, error] {
	all := f.Rows(ctx, mapi.Query{Kind: k, Columns: r.columns(), Where: r.Where})
	if len(r.Items) == 0 {
		return all
	}
	return func(yield func(mapi.Row, error) bool) {
		for row, err := range all {
			if (err != nil || slices.Contains(r.Items, row.ID)) && !yield(row, err) {
				return
			}
		}
	}
}

// retry does something again while its error may pass.
func (r *run) retry(ctx context.Context, do func(try int) error) error {
	return r.policy().Do(ctx, do)
}

func (r *run) policy() retry.Policy { return retry.Policy{Retries: r.Retries, Backoff: r.Backoff} }
