package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	// encodingZstd is the version byte before compressed JSON ("Unpacked Data Format").
	encodingZstd = 2
	// maxFileSize bounds files that are held whole: index files, the largest, are kept below 8 MiB by restic.
	maxFileSize = 1 << 30
)

// twice calls read again where it finds damage: it may have come about on the way.
func twice(read func() error) error {
	err := read()
	if errors.Is(err, ErrDamaged) {
		err = read()
	}
	return err
}

// loadFile reads a whole file as it is stored and compares it with its name.
func loadFile(ctx context.Context, be Backend, h Handle) (data []byte, err error) {
	err = twice(func() error {
		data, err = loadFileOnce(ctx, be, h)
		return err
	})
	return data, err
}

func loadFileOnce(ctx context.Context, be Backend, h Handle) ([]byte, error) {
	rd, err := be.Load(ctx, h, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("restic: load %v: %w", h, err)
	}
	defer rd.Close()
	data, err := io.ReadAll(io.LimitReader(rd, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("restic: load %v: %w", h, err)
	}
	if len(data) > maxFileSize {
		return nil, &DamagedError{File: h.String(), Err: fmt.Errorf("larger than %d bytes", maxFileSize)}
	}
	if h.Type != ConfigFile && Hash(data) != h.ID {
		return nil, &DamagedError{File: h.String(), Err: errors.New("its content doesn't fit its name")}
	}
	return data, nil
}

// loadRange reads exactly length bytes.
func loadRange(ctx context.Context, be Backend, h Handle, offset int64, buf []byte) error {
	rd, err := be.Load(ctx, h, offset, len(buf))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &DamagedError{File: h.String(), Err: err}
		}
		return fmt.Errorf("restic: load %v: %w", h, err)
	}
	defer rd.Close()
	_, err = io.ReadFull(rd, buf)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &DamagedError{File: h.String(), Err: errors.New("shorter than its index says")}
	}
	if err != nil {
		return fmt.Errorf("restic: load %v: %w", h, err)
	}
	return nil
}

// decodeUnpacked decrypts a file and undoes its compression.
func (r *Repository) decodeUnpacked(h Handle, sealed []byte) ([]byte, error) {
	plain, err := r.key.open(sealed)
	if err == nil {
		plain, err = r.codec.decodeUnpacked(plain)
	}
	if err != nil {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	return plain, nil
}

// loadUnpacked reads a file that isn't a pack and returns its JSON document.
func (r *Repository) loadUnpacked(ctx context.Context, h Handle) ([]byte, error) {
	sealed, err := loadFile(ctx, r.be, h)
	if err != nil {
		return nil, err
	}
	return r.decodeUnpacked(h, sealed)
}

// saveJSON stores v as an encrypted JSON document and, unless it is a lock, reads it back. The
// document is compressed except for the config file and in repositories of version 1.
func (r *Repository) saveJSON(ctx context.Context, t FileType, v any) (ID, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return ID{}, fmt.Errorf("restic: %w", err)
	}
	if t != ConfigFile && r.config.Version > 1 {
		plain = r.codec.compress([]byte{encodingZstd}, plain)
	}
	sealed := r.key.seal(make([]byte, 0, len(plain)+overhead), plain)
	h := Handle{Type: t}
	if t != ConfigFile {
		h.ID = Hash(sealed)
	}
	if err := r.be.Save(ctx, h, inMemory(sealed)); err != nil {
		return h.ID, err
	}
	if t == LockFile {
		return h.ID, nil
	}
	return h.ID, r.proveSaved(ctx, h, sealed)
}

// proveSaved reads a file back that was just saved. One that isn't what it should be is removed: it would be in everybody's
// way.
func (r *Repository) proveSaved(ctx context.Context, h Handle, want []byte) error {
	got, err := loadFile(ctx, r.be, h)
	if err == nil && !bytes.Equal(got, want) {
		err = &DamagedError{File: h.String(), Err: errors.New("what was just written reads back differently")}
	}
	if errors.Is(err, ErrDamaged) {
		err = errors.Join(err, r.removeFile(ctx, h))
	}
	return err
}

// removeFile removes a file. One that is gone already is as good.
func (r *Repository) removeFile(ctx context.Context, h Handle) error {
	err := r.be.Remove(ctx, h)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restic: remove %v: %w", h, err)
	}
	return nil
}
