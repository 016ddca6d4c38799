package restic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// PruneOptions says how far Prune goes.
type PruneOptions struct {
	// MaxUnused is how many percent of what is left may be unused, in packs that are used in part: they aren't written anew for
	// less. 0 takes the default of 5, a negative number allows none.
	MaxUnused float64
	// GatherSmall writes packs anew that have less than a quarter of the usual size, where there are several.
	GatherSmall bool
	// DryRun only tells what would be done.
	DryRun bool
	// Progress, if set, is called now and then, by one goroutine at a time.
	Progress func(PruneProgress)
}

// PruneProgress is how far a Prune has come: through the trees, then the bytes of packs to be written anew, then the files to
// be removed.
type PruneProgress struct {
	Trees                int
	Bytes, TotalBytes    int64
	Removed, TotalRemove int
}

// PruneReport is what Prune did, or would do.
type PruneReport struct {
	Snapshots   int
	Packs       int   // before
	Bytes       int64 // of all packs before
	UsedBytes   int64 // of blobs that snapshots need
	UnusedBytes int64 // of all others, a blob's second copies too
	// Packs written anew: what was used of them is in other packs now.
	RepackedPacks int
	RepackedBytes int64 // that were copied
	// Packs and index files removed, those written anew included.
	RemovedPacks   int
	RemovedBytes   int64
	RemovedIndexes int
	AddedPacks     int
	AddedBytes     int64
	AddedIndexes   int
}

const (
	defaultMaxUnused = 5
	// smallPart of a pack's usual size makes a small pack, manySmall of a type are worth gathering.
	smallPart = 4
	manySmall = 8
	// smallIndex is below how many blobs an index file is small. Each run of a backup writes one, and each costs every other
	// run a request.
	smallIndex = maxIndexBlobs / 10
	// repackRange bounds what is read at a time, repackGap what is read for nothing to save a request.
	repackRange = 16 << 20
	repackGap   = 64 << 10
	// removers is how many files are removed at a time.
	removers = 5
)

// ErrNotWhole says that Prune found a fault in the repository and therefore removed nothing. The faults are in the error's
// text and can be found with errors.As.
var ErrNotWhole = errors.New("restic: the repository isn't whole, so nothing was removed; check it, and repair it or forget the snapshots concerned")

// Prune removes what no snapshot needs: whole packs, and by writing the rest anew parts of packs. Hold an exclusive lock.
//
// What replaces something is written, read back and in the index before anything is removed; then go the old index files,
// and the packs last. So a process may die at any moment: every snapshot stays whole, and the next Prune removes what was
// left over.
func (r *Repository) Prune(ctx context.Context, opts PruneOptions) (*PruneReport, error) {
	p := &pruner{repo: r, opts: opts}
	p.check = &checker{repo: r, sizes: make(map[ID]int64), index: blobIndex{key: r.key, limit: r.index.limit}}
	defer p.check.index.close()
	if opts.Progress != nil {
		p.check.opts.Progress = func(c CheckProgress) { opts.Progress(PruneProgress{Trees: c.Trees}) }
	}
	for _, step := range []func(context.Context) error{p.survey, p.count, p.plan} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	if opts.DryRun {
		return &p.report, nil
	}
	for _, step := range []func(context.Context) error{p.repack, p.rewriteIndexes, p.removeIndexes, p.removePacks} {
		if err := step(ctx); err != nil {
			return &p.report, fmt.Errorf("restic: prune: %w", err)
		}
	}
	r.index.mu.Lock()
	r.index.loaded = false
	r.index.mu.Unlock()
	return &p.report, nil
}

type pruner struct {
	repo   *Repository
	opts   PruneOptions
	check  *checker
	report PruneReport

	keep  [blobTypes]bitset // the copies of used blobs to keep, by their place in the index
	packs []packUse         // by number

	repackList []uint32 // numbers of packs
	gone       []bool   // by number: packs that go, repacked ones too
	replaced   []ID     // index files that go
	removals   []FileInfo

	mu sync.Mutex // of at
	at PruneProgress
}

// packUse is how much of a pack is used.
type packUse struct {
	used, unused int64 // bytes of blobs with their entries in the header
	blobs        [blobTypes]uint32
	usedBlobs    uint32
}

func (p *pruner) tell(change func(*PruneProgress)) {
	if p.opts.Progress == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.at)
	p.opts.Progress(p.at)
}

// survey finds all blobs that are used, and any fault.
func (p *pruner) survey(ctx context.Context) error {
	c := p.check
	for _, step := range []func(context.Context) error{c.snapshots, c.indexes, c.packs, c.trees} {
		if err := step(ctx); err != nil {
			return err
		}
		if c.report.Faults > 0 {
			return fmt.Errorf("%w: %d faults: %w", ErrNotWhole, c.report.Faults, errors.Join(c.report.Errors[:min(len(c.report.Errors), 10)]...))
		}
	}
	p.report.Snapshots, p.report.Packs, p.report.Bytes = c.report.Snapshots, c.report.Packs, c.report.PackBytes
	p.at.Trees = c.report.Trees
	return nil
}

// copies calls f for each blob of the index: whether it is used, the place of its first copy and all copies.
func (p *pruner) copies(t BlobType, f func(used bool, first int, copies []entry)) error {
	r := p.check.index.tables[t].settled()
	var copies []entry
	i := 0
	flush := func() {
		if len(copies) > 0 {
			first := i - len(copies)
			f(p.check.seen[t].has(first), first, copies)
			copies = copies[:0]
		}
	}
	for e, err := range r.all() {
		if err != nil {
			return err
		}
		if len(copies) > 0 && copies[0].id != e.id {
			flush()
		}
		copies = append(copies, e)
		i++
	}
	flush()
	return nil
}

// count finds out how much of each pack is used. Of a blob with several copies the one in the pack that is used most is kept.
func (p *pruner) count(context.Context) error {
	p.packs = make([]packUse, len(p.check.index.packs))
	size := func(t BlobType, e entry) int64 {
		return int64(e.length) + int64(p.check.index.locate(t, e).headerSize())
	}
	for t := range blobTypes {
		p.keep[t] = make(bitset, len(p.check.seen[t]))
		err := p.copies(t, func(used bool, first int, copies []entry) {
			for _, e := range copies {
				pack := &p.packs[e.pack]
				pack.blobs[t]++
				if used && len(copies) == 1 {
					p.keep[t].set(first)
					pack.used += size(t, e)
					pack.usedBlobs++
				} else {
					pack.unused += size(t, e)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	for t := range blobTypes {
		err := p.copies(t, func(used bool, first int, copies []entry) {
			if !used || len(copies) == 1 {
				return
			}
			best := 0
			for i, e := range copies {
				if p.packs[e.pack].used > p.packs[copies[best].pack].used {
					best = i
				}
			}
			pack, n := &p.packs[copies[best].pack], size(t, copies[best])
			p.keep[t].set(first + best)
			pack.used += n
			pack.unused -= n
			pack.usedBlobs++
		})
		if err != nil {
			return err
		}
	}
	for _, pack := range p.packs {
		p.report.UsedBytes += pack.used
		p.report.UnusedBytes += pack.unused
	}
	for _, fi := range p.check.strays {
		p.report.UnusedBytes += fi.Size
	}
	return nil
}

// plan decides what becomes of each pack.
func (p *pruner) plan(context.Context) error {
	p.gone = make([]bool, len(p.packs))
	var partly []uint32
	var small [blobTypes][]uint32
	left := int64(0) // unused bytes that stay
	for i, pack := range p.packs {
		switch n := uint32(i); {
		case pack.usedBlobs == 0:
			p.gone[i] = true
		case pack.unused > 0:
			partly = append(partly, n)
			left += pack.unused
		case pack.used < int64(p.repo.conf.PackSize)/smallPart:
			t := DataBlob
			if pack.blobs[DataBlob] == 0 {
				t = TreeBlob
			}
			small[t] = append(small[t], n)
		}
	}
	// The packs with the largest unused part come first: they gain most for what has to be copied.
	slices.SortFunc(partly, func(a, b uint32) int {
		share := func(n uint32) float64 { return float64(p.packs[n].unused) / float64(p.packs[n].used+p.packs[n].unused) }
		return cmp.Compare(share(b), share(a))
	})
	allowed := p.opts.allowed(p.report.UsedBytes)
	for _, n := range partly {
		if left <= allowed {
			break
		}
		left -= p.packs[n].unused
		p.repackList = append(p.repackList, n)
	}
	for _, list := range small {
		if p.opts.GatherSmall && len(list) >= manySmall {
			p.repackList = append(p.repackList, list...)
		}
	}
	for _, n := range p.repackList {
		p.gone[n] = true
		p.report.RepackedPacks++
		p.report.RepackedBytes += p.packs[n].used
	}
	for i, gone := range p.gone {
		if id := p.check.index.packs[i]; gone {
			p.removals = append(p.removals, FileInfo{Handle{PackFile, id}, p.check.sizes[id]})
		}
	}
	p.removals = append(p.removals, p.check.strays...)
	for _, fi := range p.removals {
		p.report.RemovedPacks++
		p.report.RemovedBytes += fi.Size
	}
	return nil
}

// allowed is how many unused bytes may stay.
func (o *PruneOptions) allowed(used int64) int64 {
	percent := o.MaxUnused
	switch {
	case percent == 0:
		percent = defaultMaxUnused
	case percent < 0:
		return 0
	case percent >= 100:
		return math.MaxInt64
	}
	return int64(float64(used) * percent / (100 - percent))
}

// repack copies what is used of packs into new ones, as it is encrypted there. It returns when all is in the index.
func (p *pruner) repack(ctx context.Context) error {
	if len(p.repackList) == 0 {
		return nil
	}
	r := p.repo
	// The writer gets an index of its own: that of the repository would tell it that all is there already.
	to := &Repository{be: r.be, conf: r.conf, config: r.config, key: r.key, codec: r.codec}
	to.index = blobIndex{key: r.key, limit: r.index.limit, loaded: true}
	defer to.index.close()
	w, err := to.NewWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	p.tell(func(at *PruneProgress) { at.TotalBytes = p.report.RepackedBytes })
	err = eachAtOnce(ctx, r.conf.Workers, p.repackList, func(ctx context.Context, n uint32) error {
		err := p.repackOne(ctx, w, n)
		p.tell(func(at *PruneProgress) { at.Bytes += p.packs[n].used })
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	s := w.Stats()
	p.report.AddedPacks, p.report.AddedBytes = s.Packs, int64(s.PackBytes)
	p.report.AddedIndexes += s.IndexFiles
	return nil
}

// repackOne copies what is used of one pack.
func (p *pruner) repackOne(ctx context.Context, w *Writer, number uint32) error {
	id := p.check.index.packs[number]
	h := Handle{PackFile, id}
	blobs, err := p.repo.loadHeader(ctx, h, p.check.sizes[id])
	if err != nil {
		return err
	}
	var used []packBlob
	for _, b := range blobs {
		first, copies, err := p.check.index.tables[b.Type].settled().find(b.ID)
		if err != nil {
			return err
		}
		at := slices.Index(copies, entry{b.ID, number, b.offset, b.length, b.size})
		if at >= 0 && p.keep[b.Type].has(first+at) {
			used = append(used, b)
		}
	}
	if len(used) != int(p.packs[number].usedBlobs) {
		return &DamagedError{File: h.String(), Err: fmt.Errorf("its header has %d used blobs, the index %d", len(used), p.packs[number].usedBlobs)}
	}
	for len(used) > 0 {
		n, end := 1, used[0].offset+used[0].length
		for n < len(used) && used[n].offset <= end+repackGap && used[n].offset+used[n].length-used[0].offset <= repackRange {
			end = used[n].offset + used[n].length
			n++
		}
		data := make([]byte, end-used[0].offset)
		sealed := func(b packBlob) []byte {
			at := b.offset - used[0].offset
			return data[at : at+b.length : at+b.length]
		}
		err := twice(func() error {
			if err := loadRange(ctx, p.repo.be, h, int64(used[0].offset), data); err != nil {
				return err
			}
			for _, b := range used[:n] {
				if _, err := p.repo.openBlob(b, slices.Clone(sealed(b)), nil); err != nil {
					return &DamagedError{File: h.String(), Blob: b.ID, Err: err}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, b := range used[:n] {
			if err := w.copyBlob(ctx, b, sealed(b)); err != nil {
				return err
			}
		}
		used = used[n:]
	}
	return nil
}

// rewriteIndexes writes what is left of index files that name packs which go, and of small ones.
func (p *pruner) rewriteIndexes(ctx context.Context) error {
	written := make([]bool, len(p.packs))
	var rest []indexPack
	blobs := 0
	flush := func(least int) error {
		if blobs < least || len(rest) == 0 {
			return nil
		}
		_, err := p.repo.saveJSON(ctx, IndexFile, indexJSON{Packs: rest})
		p.report.AddedIndexes++
		rest, blobs = nil, 0
		return err
	}
	for _, id := range p.obsolete() {
		f, err := p.repo.loadIndexFile(ctx, Handle{IndexFile, id})
		if err != nil {
			return err
		}
		for _, pack := range f.Packs {
			if n := p.check.index.numbers[pack.ID]; !p.gone[n] && !written[n] {
				written[n] = true
				rest = append(rest, pack)
				blobs += len(pack.Blobs)
			}
			if err := flush(maxIndexBlobs); err != nil {
				return err
			}
		}
		p.replaced = append(p.replaced, id)
	}
	return flush(1)
}

// obsolete are the index files to be replaced: those that name packs which go, and small ones if there are many or others are
// replaced anyway.
func (p *pruner) obsolete() []ID {
	var list, small []ID
	for _, f := range p.check.files {
		switch {
		case slices.ContainsFunc(f.packs, func(n uint32) bool { return p.gone[n] }):
			list = append(list, f.id)
		case f.blobs < smallIndex:
			small = append(small, f.id)
		}
	}
	if len(list) > 0 || len(small) >= manySmall {
		list = append(list, small...)
	}
	return list
}

// removeIndexes removes index files that were replaced.
func (p *pruner) removeIndexes(ctx context.Context) error {
	files := make([]Handle, len(p.replaced))
	for i, id := range p.replaced {
		files[i] = Handle{IndexFile, id}
	}
	p.tell(func(at *PruneProgress) { at.TotalRemove = len(files) + len(p.removals) })
	p.report.RemovedIndexes = len(files)
	return p.remove(ctx, files)
}

// removePacks comes last: no index file names them any more.
func (p *pruner) removePacks(ctx context.Context) error {
	files := make([]Handle, len(p.removals))
	for i, fi := range p.removals {
		files[i] = fi.Handle
	}
	return p.remove(ctx, files)
}

func (p *pruner) remove(ctx context.Context, files []Handle) error {
	return eachAtOnce(ctx, removers, files, func(ctx context.Context, h Handle) error {
		if err := p.repo.removeFile(ctx, h); err != nil {
			return err
		}
		p.tell(func(at *PruneProgress) { at.Removed++ })
		return nil
	})
}

// eachAtOnce calls f for each element, several at a time, until one fails.
func eachAtOnce[T any](ctx context.Context, workers int, list []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan T)
	var running sync.WaitGroup
	for range min(workers, len(list)) {
		running.Go(func() {
			for e := range queue {
				if ctx.Err() != nil {
					continue
				}
				if err := f(ctx, e); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, e := range list {
		queue <- e
	}
	close(queue)
	running.Wait()
	return context.Cause(ctx)
}
