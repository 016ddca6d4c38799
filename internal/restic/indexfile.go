package restic

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// indexJSON is an index file ("Indexing"). Files that it supersedes are gone, or say the same.
type indexJSON struct {
	Supersedes []ID        `json:"supersedes,omitempty"`
	Packs      []indexPack `json:"packs"`

	id ID // of the file
}

type indexPack struct {
	ID    ID          `json:"id"`
	Blobs []indexBlob `json:"blobs"`
}

type indexBlob struct {
	ID     ID       `json:"id"`
	Type   BlobType `json:"type"`
	Offset uint32   `json:"offset"`
	Length uint32   `json:"length"`
	Size   uint32   `json:"uncompressed_length,omitempty"` // of compressed blobs only
}

func (b indexBlob) packBlob() packBlob {
	return packBlob{BlobHandle{b.Type, b.ID}, b.Offset, b.Length, b.Size}
}

func newIndexPack(id ID, blobs []packBlob) indexPack {
	p := indexPack{ID: id, Blobs: make([]indexBlob, len(blobs))}
	for i, b := range blobs {
		p.Blobs[i] = indexBlob{b.ID, b.Type, b.offset, b.length, b.size}
	}
	return p
}

func parseIndex(document []byte) (*indexJSON, error) {
	x := new(indexJSON)
	if err := json.Unmarshal(document, x); err != nil {
		return nil, err
	}
	for _, p := range x.Packs {
		for _, b := range p.Blobs {
			if err := b.packBlob().validate(); err != nil {
				return nil, fmt.Errorf("pack %v: %w", p.ID, err)
			}
		}
	}
	return x, nil
}

// LoadIndex reads the index files, unless they have been read. Whatever needs the index calls it; call
// it earlier to say when. Hold a lock by then, or stock restic may prune what the index has promised
// (what was read before Lock is read again), and have the snapshots you mean to read listed before
// ("Read and Write Ordering"). What other processes add later stays unknown; open the repository anew
// to see it.
func (r *Repository) LoadIndex(ctx context.Context) error {
	x := &r.index
	x.mu.RLock()
	loaded := x.loaded
	x.mu.RUnlock()
	if loaded {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.loaded {
		return nil
	}
	fresh := blobIndex{key: r.key, limit: x.limit}
	for f, err := range r.indexFiles(ctx) {
		if err == nil {
			err = fresh.fill(f.Packs)
		}
		if err != nil {
			fresh.close()
			return err
		}
	}
	if err := fresh.settle(); err != nil {
		fresh.close()
		return err
	}
	x.close()
	x.key = r.key
	x.packs, x.numbers, x.tables, x.loaded = fresh.packs, fresh.numbers, fresh.tables, true
	return nil
}

// indexFiles yields the index files' contents, decoded by several processors. After an error that
// concerns one file it goes on with the next.
func (r *Repository) indexFiles(ctx context.Context) func(yield func(*indexJSON, error) bool) {
	type result struct {
		file *indexJSON
		err  error
	}
	return func(yield func(*indexJSON, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		handles := make(chan Handle)
		results := make(chan result)
		send := func(res result) {
			select {
			case results <- res:
			case <-ctx.Done():
			}
		}
		var running sync.WaitGroup
		running.Go(func() {
			defer close(handles)
			for fi, err := range r.be.List(ctx, IndexFile) {
				if err != nil {
					send(result{err: fmt.Errorf("restic: list the index files: %w", err)})
					return
				}
				select {
				case handles <- fi.Handle:
				case <-ctx.Done():
					return
				}
			}
		})
		for range r.conf.Workers {
			running.Go(func() {
				for h := range handles {
					f, err := r.loadIndexFile(ctx, h)
					send(result{f, err})
				}
			})
		}
		go func() {
			running.Wait()
			close(results)
		}()
		defer func() {
			cancel()
			for range results {
			}
		}()
		for res := range results {
			if !yield(res.file, res.err) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil { // results may have been dropped
			yield(nil, err)
		}
	}
}

func (r *Repository) loadIndexFile(ctx context.Context, h Handle) (*indexJSON, error) {
	plain, err := r.loadUnpacked(ctx, h)
	if err != nil {
		return nil, err
	}
	f, err := parseIndex(plain)
	if err != nil {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	f.id = h.ID
	return f, nil
}
