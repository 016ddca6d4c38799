package restic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// CheckOptions says how far Check goes.
type CheckOptions struct {
	// ReadData reads every pack that an index names and verifies every blob.
	ReadData bool
	// Sample is how many percent of the packs ReadData reads, chosen at random; 0: all. At least one is read.
	Sample float64
	// Progress, if set, is called after each tree and after each pack read, by one goroutine at a time.
	Progress func(CheckProgress)
}

// CheckProgress is how far a Check has come: first through the trees, then through the packs' bytes.
type CheckProgress struct {
	Trees      int
	Bytes      int64
	TotalBytes int64 // to be read
}

// CheckReport is what Check found.
type CheckReport struct {
	Snapshots    int
	Trees        int // reachable
	DataBlobs    int // reachable
	Packs        int
	Unreferenced int   // packs in no index, as an interrupted run leaves them; harmless, stock restic's prune removes them
	PackBytes    int64 // of all packs
	ReadPacks    int   // by ReadData
	ReadBytes    int64
	Faults       int // things found wrong
	// Errors tell of the first thousand faults: [*DamagedError], [*MissingBlobError] and others that
	// name the file or tree concerned.
	Errors []error
}

const maxCheckErrors = 1000

// Check verifies that the index files are sound, that the packs they name are there, that all
// snapshots' trees are whole and, with ReadData, every byte. What it finds wrong is in the report; an
// error means that it could not go on. After a fault in an index file it goes no further, since all
// that the file tells would seem to be missing. Have an exclusive lock if others may write meanwhile.
func (r *Repository) Check(ctx context.Context, opts CheckOptions) (*CheckReport, error) {
	c := &checker{repo: r, opts: opts, sizes: make(map[ID]int64), index: blobIndex{key: r.key, limit: r.index.limit}}
	defer c.index.close()
	for _, step := range []func(context.Context) error{c.snapshots, c.indexes, c.packs, c.trees, c.data} {
		if err := step(ctx); err != nil {
			return nil, err
		}
		if c.badIndex {
			break
		}
	}
	return &c.report, nil
}

type checker struct {
	repo   *Repository
	opts   CheckOptions
	report CheckReport
	index  blobIndex // read afresh
	roots  []ID
	sizes  map[ID]int64 // packs that are there and in the index
	strays []FileInfo   // packs in no index
	files  []indexFacts
	want   []int64 // packs' sizes by the index, by their number
	seen   [blobTypes]bitset

	badIndex bool // an index file couldn't be read

	mu sync.Mutex // of report.Errors and at, while packs are read
	at CheckProgress
}

func (c *checker) progress(trees int, bytes int64) {
	if c.opts.Progress == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at.Trees += trees
	c.at.Bytes += bytes
	c.opts.Progress(c.at)
}

func (c *checker) fault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.report.Faults++; c.report.Faults <= maxCheckErrors {
		c.report.Errors = append(c.report.Errors, err)
	}
}

// snapshots comes first: what is listed now is whole by the time the index is read.
func (c *checker) snapshots(ctx context.Context) error {
	for s, err := range c.repo.Snapshots(ctx) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrUnreachable) {
			return err
		}
		if err != nil {
			c.fault(err)
			continue
		}
		c.report.Snapshots++
		c.roots = append(c.roots, *s.Tree)
	}
	return nil
}

func (c *checker) indexes(ctx context.Context) error {
	for f, err := range c.repo.indexFiles(ctx) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrUnreachable) {
			return err
		}
		if err != nil {
			c.fault(err)
			c.badIndex = true
			continue
		}
		if err := c.index.fill(f.Packs); err != nil {
			return err
		}
		c.files = append(c.files, c.facts(f))
	}
	if err := c.index.settle(); err != nil {
		return err
	}
	c.want = make([]int64, len(c.index.packs))
	for i := range c.want {
		c.want[i] = packSize(nil)
	}
	for t := range c.index.tables {
		entries := c.index.tables[t].settled()
		c.seen[t] = make(bitset, entries.n/64+1)
		for e, err := range entries.all() {
			if err != nil {
				return err
			}
			at := c.index.locate(BlobType(t), e)
			c.want[e.pack] += int64(e.length) + int64(at.headerSize())
		}
	}
	return nil
}

// indexFacts is what an index file tells of, in short.
type indexFacts struct {
	id    ID
	packs []uint32 // by number
	blobs int
}

func (c *checker) facts(f *indexJSON) indexFacts {
	facts := indexFacts{id: f.id, packs: make([]uint32, len(f.Packs))}
	for i, p := range f.Packs {
		facts.packs[i] = c.index.numbers[p.ID]
		facts.blobs += len(p.Blobs)
	}
	return facts
}

// packs compares the packs that are there with those the index names.
func (c *checker) packs(ctx context.Context) error {
	for fi, err := range c.repo.be.List(ctx, PackFile) {
		if err != nil {
			return fmt.Errorf("restic: list the packs: %w", err)
		}
		c.report.Packs++
		c.report.PackBytes += fi.Size
		n, ok := c.index.numbers[fi.ID]
		switch {
		case !ok:
			c.report.Unreferenced++
			c.strays = append(c.strays, fi)
			continue
		case fi.Size != c.want[n]:
			c.fault(&DamagedError{File: fi.String(), Err: fmt.Errorf("it has %d bytes, the index says %d", fi.Size, c.want[n])})
		}
		c.sizes[fi.ID] = fi.Size
	}
	for _, id := range c.index.packs {
		if _, ok := c.sizes[id]; !ok {
			c.fault(&DamagedError{File: Handle{PackFile, id}.String(), Err: errors.New("it is missing")})
		}
	}
	return nil
}

// mark reports whether a blob is known, and whether it is marked for the first time.
func (c *checker) mark(h BlobHandle) (known, first bool, err error) {
	i, found, err := c.index.tables[h.Type].settled().find(h.ID)
	if err != nil || len(found) == 0 {
		return false, false, err
	}
	return true, c.seen[h.Type].set(i), nil
}

// trees walks all snapshots, each tree once.
func (c *checker) trees(ctx context.Context) error {
	missing := make(map[BlobHandle]bool)
	var failure error // of the index's temporary files
	visit := func(h BlobHandle, from func() string) bool {
		known, first, err := c.mark(h)
		if err != nil {
			failure = err
		} else if !known && !missing[h] {
			missing[h] = true
			c.fault(fmt.Errorf("%s: %w", from(), &MissingBlobError{h}))
		}
		return first
	}
	var trees []ID
	for _, id := range c.roots {
		if visit(BlobHandle{TreeBlob, id}, func() string { return "a snapshot" }) {
			trees = append(trees, id)
		}
	}
	for len(trees) > 0 {
		id := trees[len(trees)-1]
		trees = trees[:len(trees)-1]
		c.report.Trees++
		c.progress(1, 0)
		if failure != nil {
			return failure
		}
		t, err := c.loadTree(ctx, id)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrUnreachable) {
			return err
		}
		if err != nil {
			c.fault(err)
			continue
		}
		for _, n := range t.Nodes {
			from := func() string { return fmt.Sprintf("tree %v: node %q", id, n.Name) }
			if err := n.validate(); err != nil {
				c.fault(fmt.Errorf("%s: %w", from(), err))
				continue
			}
			if n.Type == FileNode && n.Content == nil {
				c.fault(fmt.Errorf("%s: its content is null", from()))
			}
			for _, blob := range n.Content {
				if visit(BlobHandle{DataBlob, blob}, from) {
					c.report.DataBlobs++
				}
			}
			if n.Subtree != nil && visit(BlobHandle{TreeBlob, *n.Subtree}, from) {
				trees = append(trees, *n.Subtree)
			}
		}
	}
	return failure
}

func (c *checker) loadTree(ctx context.Context, id ID) (*Tree, error) {
	document, err := c.repo.loadFrom(ctx, &c.index, BlobHandle{TreeBlob, id}, nil)
	if err != nil {
		return nil, err
	}
	t, err := parseTree(document)
	if err != nil {
		return nil, malformedTree(id, err)
	}
	return t, nil
}

// data reads all packs.
func (c *checker) data(ctx context.Context) error {
	if !c.opts.ReadData {
		return nil
	}
	packs := c.sample()
	for _, id := range packs {
		c.at.TotalBytes += c.sizes[id]
	}
	c.report.ReadPacks, c.report.ReadBytes = len(packs), c.at.TotalBytes
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	return eachAtOnce(ctx, c.repo.conf.Workers, packs, func(ctx context.Context, id ID) error {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		err := c.readPack(ctx, id, buf)
		c.progress(0, c.sizes[id])
		return err
	})
}

// sample chooses the packs to be read.
func (c *checker) sample() []ID {
	packs := slices.Collect(maps.Keys(c.sizes))
	if c.opts.Sample <= 0 || c.opts.Sample >= 100 {
		return packs
	}
	rand.Shuffle(len(packs), func(i, j int) { packs[i], packs[j] = packs[j], packs[i] })
	return packs[:int(math.Ceil(float64(len(packs))*c.opts.Sample/100))]
}

// readPack verifies a pack's hash, its header against the index, and each blob. It uses and grows
// room. Its error means that it cannot go on.
func (c *checker) readPack(ctx context.Context, id ID, room *[]byte) error {
	h := Handle{PackFile, id}
	size := c.sizes[id]
	if size > maxFileSize {
		c.fault(&DamagedError{File: h.String(), Err: fmt.Errorf("larger than %d bytes", maxFileSize)})
		return nil
	}
	if int64(cap(*room)) < size {
		*room = make([]byte, size)
	}
	buf := (*room)[:size]
	err := twice(func() error {
		rd, err := c.repo.be.Load(ctx, h, 0, 0)
		if err != nil {
			return fmt.Errorf("restic: load %v: %w", h, err)
		}
		defer rd.Close()
		if _, err := io.ReadFull(rd, buf); err != nil {
			return fmt.Errorf("restic: load %v: %w", h, err)
		}
		if Hash(buf) != id {
			return &DamagedError{File: h.String(), Err: errors.New("its content doesn't fit its name")}
		}
		return nil
	})
	if errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		return err
	}
	if err != nil {
		c.fault(err)
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		return nil
	}
	blobs, err := c.repo.key.openHeader(buf)
	if err != nil {
		c.fault(&DamagedError{File: h.String(), Err: err})
		return nil
	}
	if packSize(blobs) != size {
		c.fault(&DamagedError{File: h.String(), Err: fmt.Errorf("its header tells of %d bytes, it has %d", packSize(blobs), size)})
		return nil
	}
	number := c.index.numbers[id]
	for _, b := range blobs {
		if held, err := c.index.holds(number, b); err != nil {
			c.fault(err)
		} else if !held {
			c.fault(&DamagedError{File: h.String(), Blob: b.ID, Err: errors.New("the index doesn't tell of this blob as the pack's header does")})
		}
		if _, err := c.repo.openBlob(b, buf[b.offset:b.offset+b.length], nil); err != nil {
			c.fault(&DamagedError{File: h.String(), Blob: b.ID, Err: err})
		}
	}
	return nil
}

// bitset has a bit for each entry of a table.
type bitset []uint64

func (s bitset) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// set reports whether bit i was clear before.
func (s bitset) set(i int) bool {
	word, bit := &s[i/64], uint64(1)<<(i%64)
	was := *word
	*word |= bit
	return was&bit == 0
}
