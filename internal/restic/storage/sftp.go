package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/opencdo/opencdo/internal/restic"
)

// sftpStore keeps files in a directory of an SFTP server, in restic's default layout. A file is written to a temporary one,
// synced where the server can (OpenSSH's can), and moved into place.
type sftpStore struct {
	addr Address
	conf Config

	mu   sync.Mutex
	conn *sftpConn // nil before the first call and after the connection was lost
}

type sftpConn struct {
	ssh    *ssh.Client
	sftp   *sftp.Client
	closed chan struct{}
}

const (
	// sftpTemp holds files being written, as in a local repository.
	sftpTemp = "tmp"
	// sftpTempAge is when such a file is taken for one that a dead process left.
	sftpTempAge = 24 * time.Hour

	extFsync       = "fsync@openssh.com"
	extPosixRename = "posix-rename@openssh.com"
)

func newSFTP(a Address, c Config) *sftpStore { return &sftpStore{addr: a, conf: c} }

// String is the address.
func (s *sftpStore) String() string { return s.addr.String() }

func (s *sftpStore) path(name string) string { return path.Join(s.addr.Path, name) }

// connect gives the connection, making one where there is none.
func (s *sftpStore) connect(ctx context.Context) (*sftpConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		select {
		case <-s.conn.closed:
		default:
			return s.conn, nil
		}
	}
	client, err := dialSSH(ctx, s.addr, s.conf)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	c, err := sftp.NewClient(client, sftp.UseConcurrentReads(true), sftp.UseConcurrentWrites(true))
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("begin SFTP: %w", err)
	}
	s.conn = &sftpConn{client, c, make(chan struct{})}
	go func(conn *sftpConn) {
		conn.ssh.Wait()
		close(conn.closed)
	}(s.conn)
	return s.conn, nil
}

// use calls f with a connection, which is cut when ctx ends: SFTP has no other way to end a call.
func (s *sftpStore) use(ctx context.Context, f func(c *sftp.Client) error) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.ssh.Close() })
	defer stop()
	err = f(conn.sftp)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Init implements [restic.Backend].
func (s *sftpStore) Init(ctx context.Context) error {
	return s.use(ctx, func(c *sftp.Client) error {
		for _, t := range []restic.FileType{restic.KeyFile, restic.LockFile, restic.SnapshotFile, restic.IndexFile} {
			if err := c.MkdirAll(s.path(path.Dir(restic.Handle{Type: t}.String()))); err != nil {
				return fmt.Errorf("make directories: %w", err)
			}
		}
		for i := range 256 {
			if err := c.MkdirAll(s.path(path.Dir(restic.Handle{Type: restic.PackFile, ID: restic.ID{byte(i)}}.String()))); err != nil {
				return fmt.Errorf("make directories: %w", err)
			}
		}
		return nil
	})
}

// Save implements [restic.Backend].
func (s *sftpStore) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	err := s.use(ctx, func(c *sftp.Client) error {
		temp := s.path(path.Join(sftpTemp, "save-"+rand.Text()))
		if err := s.write(c, temp, data); err != nil {
			c.Remove(temp)
			return err
		}
		to := s.path(h.String())
		err := s.move(c, temp, to)
		if err != nil {
			if derr := c.MkdirAll(path.Dir(to)); derr == nil {
				err = s.move(c, temp, to)
			}
		}
		if err != nil {
			c.Remove(temp)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("save %v: %w", h, err)
	}
	return nil
}

func (s *sftpStore) write(c *sftp.Client, name string, data *io.SectionReader) error {
	f, err := c.Create(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := c.MkdirAll(path.Dir(name)); err != nil {
			return err
		}
		f, err = c.Create(name)
	}
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(data)
	if err == nil {
		if _, ok := c.HasExtension(extFsync); ok {
			err = f.Sync()
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	fi, err := c.Stat(name)
	if err == nil && fi.Size() != data.Size() {
		err = fmt.Errorf("the server has %d bytes of %d", fi.Size(), data.Size())
	}
	return err
}

func (s *sftpStore) move(c *sftp.Client, from, to string) error {
	if _, ok := c.HasExtension(extPosixRename); ok {
		return c.PosixRename(from, to)
	}
	// The protocol's own doesn't replace a file. One that is there was written by a try whose answer was lost.
	if _, err := c.Stat(to); err == nil {
		if err := c.Remove(to); err != nil {
			return err
		}
	}
	return c.Rename(from, to)
}

// sftpReader reads a part of a file.
type sftpReader struct {
	*io.SectionReader
	file *sftp.File
	stop func() bool
}

// Close implements io.Closer.
func (r *sftpReader) Close() error {
	r.stop()
	return r.file.Close()
}

// Load implements [restic.Backend].
func (s *sftpStore) Load(ctx context.Context, h restic.Handle, offset int64, length int) (io.ReadCloser, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.ssh.Close() }) // until all is read
	f, err := conn.sftp.Open(s.path(h.String()))
	if err != nil {
		stop()
		return nil, fmt.Errorf("load %v: %w", h, err)
	}
	size := int64(length)
	if length == 0 {
		fi, err := f.Stat()
		if err != nil {
			stop()
			f.Close()
			return nil, fmt.Errorf("load %v: %w", h, err)
		}
		size = max(fi.Size()-offset, 0)
	}
	return &sftpReader{io.NewSectionReader(f, offset, size), f, stop}, nil
}

// Stat implements [restic.Backend].
func (s *sftpStore) Stat(ctx context.Context, h restic.Handle) (restic.FileInfo, error) {
	found := restic.FileInfo{Handle: h}
	err := s.use(ctx, func(c *sftp.Client) error {
		fi, err := c.Stat(s.path(h.String()))
		if err == nil {
			found.Size = fi.Size()
		}
		return err
	})
	if err != nil {
		return restic.FileInfo{}, fmt.Errorf("look at %v: %w", h, err)
	}
	return found, nil
}

// List implements [restic.Backend].
func (s *sftpStore) List(ctx context.Context, t restic.FileType) iter.Seq2[restic.FileInfo, error] {
	return func(yield func(restic.FileInfo, error) bool) {
		err := s.use(ctx, func(c *sftp.Client) error {
			dir := s.path(path.Dir(restic.Handle{Type: t}.String()))
			if t != restic.PackFile {
				_, err := listSFTP(ctx, c, dir, t, yield)
				return err
			}
			dir = path.Dir(dir) // packs are in subdirectories
			subs, err := c.ReadDirContext(ctx, dir)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			for _, sub := range subs {
				if !sub.IsDir() {
					continue
				}
				if more, err := listSFTP(ctx, c, path.Join(dir, sub.Name()), t, yield); err != nil || !more {
					return err
				}
			}
			return nil
		})
		if err != nil {
			yield(restic.FileInfo{}, err)
		}
	}
}

func listSFTP(ctx context.Context, c *sftp.Client, dir string, t restic.FileType, yield func(restic.FileInfo, error) bool) (more bool, err error) {
	entries, err := c.ReadDirContext(ctx, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("list %s: %w", dir, err)
	}
	for _, e := range entries {
		id, err := restic.ParseID(e.Name())
		if err == nil && !yield(restic.FileInfo{Handle: restic.Handle{Type: t, ID: id}, Size: e.Size()}, nil) {
			return false, nil
		}
	}
	return true, nil
}

// Remove implements [restic.Backend].
func (s *sftpStore) Remove(ctx context.Context, h restic.Handle) error {
	err := s.use(ctx, func(c *sftp.Client) error { return c.Remove(s.path(h.String())) })
	if err != nil {
		return fmt.Errorf("remove %v: %w", h, err)
	}
	return nil
}

// Sweep removes temporary files that processes left which died while writing.
func (s *sftpStore) Sweep(ctx context.Context) error {
	return s.use(ctx, func(c *sftp.Client) error {
		entries, err := c.ReadDirContext(ctx, s.path(sftpTemp))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, e := range entries {
			if time.Since(e.ModTime()) > sftpTempAge {
				c.Remove(s.path(path.Join(sftpTemp, e.Name())))
			}
		}
		return err
	})
}
