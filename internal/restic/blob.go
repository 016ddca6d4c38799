package restic

import (
	"context"
	"errors"
)

// HasBlob reports whether a blob is stored and confirmed.
func (r *Repository) HasBlob(ctx context.Context, h BlobHandle) (bool, error) {
	if err := r.LoadIndex(ctx); err != nil {
		return false, err
	}
	return r.index.has(h)
}

// BlobSize returns a blob's length in bytes without reading it.
func (r *Repository) BlobSize(ctx context.Context, h BlobHandle) (int, error) {
	if err := r.LoadIndex(ctx); err != nil {
		return 0, err
	}
	found, err := r.index.lookup(h)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, &MissingBlobError{h}
	}
	return found[0].plainSize(), nil
}

// LoadBlob reads a blob and compares it with its id. Where one copy is damaged it tries the others
// and fails only when there is no good one. The result may use buf's memory.
func (r *Repository) LoadBlob(ctx context.Context, h BlobHandle, buf []byte) ([]byte, error) {
	if err := r.LoadIndex(ctx); err != nil {
		return nil, err
	}
	return r.loadFrom(ctx, &r.index, h, buf)
}

func (r *Repository) loadFrom(ctx context.Context, x *blobIndex, h BlobHandle, buf []byte) ([]byte, error) {
	found, err := x.lookup(h)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, at := range found {
		var plain []byte
		err := twice(func() (err error) {
			plain, err = r.loadCopy(ctx, at, buf)
			return err
		})
		if err == nil {
			return plain, nil
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		return nil, &MissingBlobError{h}
	}
	return nil, errors.Join(failures...)
}

func (r *Repository) loadCopy(ctx context.Context, at location, buf []byte) ([]byte, error) {
	h := Handle{PackFile, at.pack}
	sealed := make([]byte, at.length)
	if err := loadRange(ctx, r.be, h, int64(at.offset), sealed); err != nil {
		return nil, err
	}
	plain, err := r.openBlob(at.packBlob, sealed, buf)
	if err != nil {
		return nil, &DamagedError{File: h.String(), Blob: at.ID, Err: err}
	}
	return plain, nil
}

// openBlob decrypts a blob in place, decompresses it into buf and compares it with its id.
func (r *Repository) openBlob(b packBlob, sealed, buf []byte) ([]byte, error) {
	plain, err := r.key.open(sealed)
	if err != nil {
		return nil, err
	}
	if b.size != 0 {
		if plain, err = r.codec.decompressBlob(buf, plain, int(b.size)); err != nil {
			return nil, err
		}
	}
	if Hash(plain) != b.ID {
		return nil, errors.New("the content doesn't fit the blob's id")
	}
	return plain, nil
}
