package restic

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	"github.com/opencdo/opencdo/internal/restic/chunker"
)

// Config adjusts how a repository is created and written. The zero value, or nil, is restic's own choice.
type Config struct {
	// KDF is the cost of the key that Create makes.
	KDF KDF
	// PackSize is the size at which a pack is full; 16 MiB by default, 128 MiB at most.
	PackSize int
	// IndexEvery is how long packs may wait, saved but in no index, before an index file is written
	// so that an interrupted run finds them again; a minute by default.
	IndexEvery time.Duration
	// Workers is how many blobs are compressed and encrypted at a time; one for each processor by default.
	Workers int
}

const (
	defaultPackSize   = 16 << 20
	maxPackSize       = 128 << 20 // stock restic's own bound; packs are held in memory
	defaultIndexEvery = time.Minute
)

func (c *Config) withDefaults() Config {
	var d Config
	if c != nil {
		d = *c
	}
	if d.PackSize <= 0 {
		d.PackSize = defaultPackSize
	}
	d.PackSize = min(d.PackSize, maxPackSize)
	if d.IndexEvery <= 0 {
		d.IndexEvery = defaultIndexEvery
	}
	if d.Workers <= 0 {
		d.Workers = runtime.GOMAXPROCS(0)
	}
	return d
}

const (
	minVersion = 1
	maxVersion = 2
)

// configJSON is the config file.
type configJSON struct {
	Version           uint               `json:"version"`
	ID                ID                 `json:"id"`
	ChunkerPolynomial chunker.Polynomial `json:"chunker_polynomial"`
}

func (c *configJSON) validate() error {
	switch {
	case c.Version < minVersion || c.Version > maxVersion:
		return fmt.Errorf("unknown repository version %d", c.Version)
	case !c.ChunkerPolynomial.Irreducible():
		return fmt.Errorf("chunker polynomial %v isn't irreducible", c.ChunkerPolynomial)
	}
	return nil
}

// Repository is an open repository. It is safe for concurrent use.
type Repository struct {
	be     Backend
	conf   Config
	config configJSON
	key    *masterKey
	codec  *codec
	index  blobIndex
	locks  int // held; guarded by index.mu
}

func newRepository(be Backend, conf *Config) (*Repository, error) {
	r := &Repository{be: be, conf: conf.withDefaults()}
	var err error
	r.codec, err = newCodec(r.conf.Workers)
	return r, err
}

// ID returns the repository's own random id.
func (r *Repository) ID() ID { return r.config.ID }

// Version returns the format's version, 1 or 2.
func (r *Repository) Version() int { return int(r.config.Version) }

// Chunker returns a chunker that cuts where stock restic cuts in this repository.
func (r *Repository) Chunker() *chunker.Chunker { return chunker.New(r.config.ChunkerPolynomial) }

// Create makes a repository of version 2, to be opened with password. It returns ErrExists where
// there is one.
func Create(ctx context.Context, be Backend, password string, conf *Config) (*Repository, error) {
	if password == "" {
		return nil, errors.New("restic: a repository needs a password that isn't empty")
	}
	if err := checkVacant(ctx, be); err != nil {
		return nil, err
	}
	r, err := newRepository(be, conf)
	if err != nil {
		return nil, err
	}
	r.config.Version = maxVersion
	rand.Read(r.config.ID[:])
	if r.config.ChunkerPolynomial, err = chunker.RandomPolynomial(); err != nil {
		return nil, err
	}
	if r.key, err = randomKey(); err != nil {
		return nil, err
	}
	if err := be.Init(ctx); err != nil {
		return nil, fmt.Errorf("restic: create: %w", err)
	}
	if err := saveKey(ctx, be, r.key, password, r.conf.KDF); err != nil {
		return nil, err
	}
	// The config file comes last: where it is, the repository is whole.
	_, err = r.saveJSON(ctx, ConfigFile, r.config)
	return r, err
}

// checkVacant returns nil if a repository may be created, having removed the keys of a Create that was interrupted.
func checkVacant(ctx context.Context, be Backend) error {
	_, err := be.Stat(ctx, Handle{Type: ConfigFile})
	if err == nil {
		return ErrExists
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restic: create: %w", err)
	}
	for _, t := range []FileType{PackFile, IndexFile, SnapshotFile} {
		for fi, err := range be.List(ctx, t) {
			if err != nil {
				return fmt.Errorf("restic: create: %w", err)
			}
			return fmt.Errorf("%w: its config file is missing, but %v is there; bring back the config file from a copy", ErrExists, fi.Handle)
		}
	}
	var keys []Handle
	for fi, err := range be.List(ctx, KeyFile) {
		if err != nil {
			return fmt.Errorf("restic: create: %w", err)
		}
		keys = append(keys, fi.Handle)
	}
	for _, h := range keys {
		if err := be.Remove(ctx, h); err != nil {
			return fmt.Errorf("restic: create: %w", err)
		}
	}
	return nil
}

// Open opens a repository of version 1 or 2. It returns ErrNoRepository or ErrWrongPassword, among others.
func Open(ctx context.Context, be Backend, password string, conf *Config) (*Repository, error) {
	h := Handle{Type: ConfigFile}
	sealed, err := loadFile(ctx, be, h)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoRepository
	}
	if err != nil {
		return nil, err
	}
	r, err := newRepository(be, conf)
	if err != nil {
		return nil, err
	}
	if r.key, err = findKey(ctx, be, password); err != nil {
		return nil, err
	}
	document, err := r.decodeUnpacked(h, sealed)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(document, &r.config)
	if err == nil {
		err = r.config.validate()
	}
	if err != nil {
		return nil, &DamagedError{File: h.String(), Err: err}
	}
	return r, nil
}
