package restic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// savers is how many packs are written at a time, so that one is filled while another is synced.
	savers = 2
	// maxIndexBlobs keeps an index file well below the 8 MiB that restic aims at.
	maxIndexBlobs = 50_000
	// lastIndexTimeout bounds what Close does for the next run's sake.
	lastIndexTimeout = 30 * time.Second
)

// Stats counts what a Writer did.
type Stats struct {
	DataBlobs  int    // new data blobs
	TreeBlobs  int    // new tree blobs
	KnownBlobs int    // blobs that were there already
	Bytes      uint64 // of the new blobs, before compression
	Packed     uint64 // of the new blobs, compressed and encrypted
	Packs      int    // confirmed packs
	PackBytes  uint64 // confirmed, headers included
	IndexFiles int
}

// Writer adds blobs and snapshots to a repository. Blobs are compressed, encrypted, gathered in packs
// and saved in the background. Its methods may be called from several goroutines. Have a lock before
// NewWriter, as LoadIndex says.
type Writer struct {
	repo   *Repository
	ctx    context.Context
	cancel context.CancelCauseFunc

	gate    sync.RWMutex   // SaveBlob holds it shared, Flush and Close alone: then no new blob comes in
	queued  sync.WaitGroup // blobs between SaveBlob and a pack
	filled  sync.WaitGroup // packs between full and confirmed
	running sync.WaitGroup // goroutines
	jobs    chan job
	packs   chan *pack
	buffers sync.Pool // of *[]byte, for blobs under way
	closed  bool

	indexing  sync.Mutex // one index file at a time
	mu        sync.Mutex // of all below
	pending   map[BlobHandle]struct{}
	filling   [blobTypes]*pack
	free      []*pack // saved ones, whose memory is used again
	unindexed []indexPack
	waiting   int       // blobs in unindexed
	since     time.Time // of the oldest in unindexed
	stats     Stats
}

type job struct {
	handle BlobHandle
	plain  *[]byte
}

var errWriterClosed = errors.New("restic: the writer is closed")

// NewWriter starts a writer, which works until Close or until ctx ends.
func (r *Repository) NewWriter(ctx context.Context) (*Writer, error) {
	if err := r.LoadIndex(ctx); err != nil {
		return nil, err
	}
	w := &Writer{
		repo:    r,
		jobs:    make(chan job),
		packs:   make(chan *pack),
		pending: make(map[BlobHandle]struct{}),
	}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	for range r.conf.Workers {
		w.running.Go(w.packBlobs)
	}
	for range savers {
		w.running.Go(w.savePacks)
	}
	return w, nil
}

// SaveBlob stores data unless the repository has it, and returns its id. It takes a copy of data. The
// blob is confirmed once Flush has returned nil; until then a failure may come back from any later call.
func (w *Writer) SaveBlob(ctx context.Context, t BlobType, data []byte) (id ID, isNew bool, err error) {
	if len(data) > maxBlobSize {
		return ID{}, false, fmt.Errorf("restic: a blob of %d bytes is too large", len(data))
	}
	h := BlobHandle{t, Hash(data)}
	w.gate.RLock()
	defer w.gate.RUnlock()
	if err := w.failure(); err != nil {
		return ID{}, false, err
	}
	if isNew, err := w.claim(h, len(data)); err != nil || !isNew {
		return h.ID, false, err
	}
	buf, _ := w.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = append((*buf)[:0], data...)
	w.queued.Add(1)
	select {
	case w.jobs <- job{h, buf}:
		return h.ID, true, nil
	case <-w.ctx.Done():
		err = context.Cause(w.ctx)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	w.queued.Done()
	w.mu.Lock()
	delete(w.pending, h)
	w.mu.Unlock()
	return ID{}, false, err
}

// copyBlob stores a blob that is encrypted already, even if the repository has it. As with SaveBlob it is confirmed once
// Flush has returned nil.
func (w *Writer) copyBlob(ctx context.Context, b packBlob, sealed []byte) error {
	w.gate.RLock()
	defer w.gate.RUnlock()
	if err := errors.Join(w.failure(), context.Cause(ctx)); err != nil {
		return err
	}
	full, err := w.addToPack(b.BlobHandle, sealed, int(b.size))
	if err == nil && full != nil {
		w.packs <- full
	}
	return err
}

// claim reports whether a blob is neither stored nor on its way; if so it is now.
func (w *Writer) claim(h BlobHandle, size int) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.pending[h]
	if !known {
		var err error
		if known, err = w.repo.index.has(h); err != nil {
			return false, err
		}
	}
	if known {
		w.stats.KnownBlobs++
		return false, nil
	}
	w.pending[h] = struct{}{}
	w.stats.Bytes += uint64(size)
	if h.Type == TreeBlob {
		w.stats.TreeBlobs++
	} else {
		w.stats.DataBlobs++
	}
	return true, nil
}

// SaveTree stores a directory and returns its id.
func (w *Writer) SaveTree(ctx context.Context, t *Tree) (ID, error) {
	document, err := t.encode()
	if err != nil {
		return ID{}, err
	}
	id, _, err := w.SaveBlob(ctx, TreeBlob, document)
	return id, err
}

// SaveSnapshot flushes, then stores a snapshot and sets its ID.
func (w *Writer) SaveSnapshot(ctx context.Context, s *Snapshot) error {
	if err := w.Flush(ctx); err != nil {
		return err
	}
	if err := w.repo.checkSnapshot(ctx, s); err != nil {
		return err
	}
	id, err := w.repo.saveJSON(ctx, SnapshotFile, s)
	if err != nil {
		return err
	}
	s.id = id
	return nil
}

// Stats returns the counts so far.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// Flush waits until all blobs taken so far are confirmed: packs and index files are saved and synced.
// It returns the first failure since NewWriter.
func (w *Writer) Flush(ctx context.Context) error {
	w.gate.Lock()
	defer w.gate.Unlock()
	if err := w.failure(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { w.cancel(context.Cause(ctx)) })
	defer stop()
	w.queued.Wait()
	w.mu.Lock()
	rest := w.filling
	w.filling = [blobTypes]*pack{}
	w.mu.Unlock()
	for _, p := range rest {
		if p != nil {
			w.filled.Add(1)
			w.packs <- p
		}
	}
	w.filled.Wait()
	if err := w.failure(); err != nil {
		return err
	}
	return w.saveIndex(w.ctx, true)
}

// Close stops the writer. Blobs that weren't flushed may be lost; all that is stored stays usable, and what packs hold is
// in the index even after a failure, if that can be written: the next run needn't store it again.
func (w *Writer) Close() {
	w.cancel(errWriterClosed)
	w.gate.Lock()
	defer w.gate.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	close(w.jobs)
	w.queued.Wait()
	close(w.packs)
	w.running.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), lastIndexTimeout)
	defer cancel()
	w.saveIndex(ctx, true) // after a failure the reason is known already
	for _, p := range append(w.free, w.filling[:]...) {
		p.close()
	}
}

func (w *Writer) failure() error { return context.Cause(w.ctx) }

// packBlobs compresses and encrypts blobs and adds them to the pack being filled.
func (w *Writer) packBlobs() {
	var sealed []byte
	for j := range w.jobs {
		if w.ctx.Err() == nil {
			plain, size := *j.plain, 0
			sealed = appendNonceRoom(sealed[:0])
			// A size of 0 marks blobs that aren't compressed, so an empty one can't be.
			if w.repo.config.Version > 1 && len(plain) > 0 {
				size = len(plain)
				sealed = w.repo.codec.compress(sealed, plain)
			} else {
				sealed = append(sealed, plain...)
			}
			sealed = w.repo.key.sealInPlace(sealed, 0)
			full, err := w.addToPack(j.handle, sealed, size)
			if err != nil {
				w.cancel(fmt.Errorf("restic: gather a pack: %w", err))
			}
			if full != nil {
				w.packs <- full
			}
		}
		w.buffers.Put(j.plain)
		w.queued.Done()
	}
}

// addToPack returns the pack if that made it full.
func (w *Writer) addToPack(h BlobHandle, sealed []byte, size int) (*pack, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.filling[h.Type]
	if p == nil {
		if n := len(w.free); n > 0 {
			p, w.free = w.free[n-1], w.free[:n-1]
		} else {
			p = new(pack)
		}
		w.filling[h.Type] = p
	}
	if err := p.add(h, sealed, size); err != nil {
		return nil, err
	}
	w.stats.Packed += uint64(len(sealed))
	if p.size < int64(w.repo.conf.PackSize) && len(p.blobs) < maxHeaderSize/compressedEntrySize-1 {
		return nil, nil
	}
	w.filling[h.Type] = nil
	w.filled.Add(1)
	return p, nil
}

// savePacks stores full packs.
func (w *Writer) savePacks() {
	for p := range w.packs {
		if w.ctx.Err() == nil {
			if err := w.savePack(p); err != nil {
				w.cancel(err)
			}
		}
		w.mu.Lock()
		p.reset()
		w.free = append(w.free, p)
		w.mu.Unlock()
		w.filled.Done()
	}
}

// savePack stores a pack, reads its header back and makes its blobs known.
func (w *Writer) savePack(p *pack) error {
	id, err := p.finish(w.repo.key)
	if err != nil {
		return err
	}
	h := Handle{PackFile, id}
	if err := w.repo.be.Save(w.ctx, h, p.content()); err != nil {
		return err
	}
	info, err := w.repo.be.Stat(w.ctx, h)
	if err != nil {
		return fmt.Errorf("restic: look at %v just saved: %w", h, err)
	}
	stored, err := w.repo.loadHeader(w.ctx, h, info.Size)
	if err != nil {
		return err
	}
	if info.Size != p.size || !slices.Equal(stored, p.blobs) {
		return &DamagedError{File: h.String(), Err: errors.New("what was just written reads back differently")}
	}
	if err := w.confirm(id, p); err != nil {
		return err
	}
	return w.saveIndex(w.ctx, false)
}

func (w *Writer) confirm(id ID, p *pack) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.repo.index.add(id, p.blobs); err != nil {
		return err
	}
	for _, b := range p.blobs {
		delete(w.pending, b.BlobHandle)
	}
	if len(w.unindexed) == 0 {
		w.since = time.Now()
	}
	w.unindexed = append(w.unindexed, newIndexPack(id, p.blobs))
	w.waiting += len(p.blobs)
	w.stats.Packs++
	w.stats.PackBytes += uint64(p.size)
	return nil
}

// saveIndex writes an index file about the packs that are in none, if they are many, have waited long, or all is set.
func (w *Writer) saveIndex(ctx context.Context, all bool) error {
	w.indexing.Lock()
	defer w.indexing.Unlock()
	for {
		w.mu.Lock()
		due := all || w.waiting >= maxIndexBlobs || time.Since(w.since) >= w.repo.conf.IndexEvery
		var packs []indexPack
		if due {
			packs = w.takeUnindexed()
		}
		w.mu.Unlock()
		if len(packs) == 0 {
			return nil
		}
		if _, err := w.repo.saveJSON(ctx, IndexFile, indexJSON{Packs: packs}); err != nil {
			w.cancel(err)
			w.mu.Lock()
			w.unindexed = append(packs, w.unindexed...)
			for _, p := range packs {
				w.waiting += len(p.Blobs)
			}
			w.mu.Unlock()
			return err
		}
		w.mu.Lock()
		w.stats.IndexFiles++
		w.mu.Unlock()
	}
}

// takeUnindexed returns as many packs as one index file should hold.
func (w *Writer) takeUnindexed() []indexPack {
	n, blobs := 0, 0
	for n < len(w.unindexed) && (n == 0 || blobs+len(w.unindexed[n].Blobs) <= maxIndexBlobs) {
		blobs += len(w.unindexed[n].Blobs)
		n++
	}
	packs := w.unindexed[:n:n]
	w.unindexed = w.unindexed[n:]
	w.waiting -= blobs
	return packs
}
