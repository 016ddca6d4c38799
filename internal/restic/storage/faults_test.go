package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/restic/storage"
)

// memory keeps files in memory. A copy of it is a copy of the repository.
type memory struct {
	mu    sync.Mutex
	files map[restic.Handle][]byte
}

func (m *memory) clone() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{files: maps.Clone(m.files)}
}

func (m *memory) Init(context.Context) error { return nil }

func (m *memory) Save(_ context.Context, h restic.Handle, data *io.SectionReader) error {
	b, err := io.ReadAll(data)
	if err == nil {
		m.put(h, b)
	}
	return err
}

func (m *memory) put(h restic.Handle, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[h] = b
}

func (m *memory) get(h restic.Handle) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[h]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return b, nil
}

func (m *memory) Load(_ context.Context, h restic.Handle, offset int64, length int) (io.ReadCloser, error) {
	b, err := m.get(h)
	if err != nil {
		return nil, err
	}
	b = b[min(offset, int64(len(b))):]
	if length > 0 {
		b = b[:min(length, len(b))]
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m *memory) Stat(_ context.Context, h restic.Handle) (restic.FileInfo, error) {
	b, err := m.get(h)
	return restic.FileInfo{Handle: h, Size: int64(len(b))}, err
}

func (m *memory) List(_ context.Context, t restic.FileType) iter.Seq2[restic.FileInfo, error] {
	return func(yield func(restic.FileInfo, error) bool) {
		for h, b := range m.clone().files {
			if h.Type == t && !yield(restic.FileInfo{Handle: h, Size: int64(len(b))}, nil) {
				return
			}
		}
	}
}

func (m *memory) Remove(_ context.Context, h restic.Handle) error {
	if _, err := m.get(h); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, h)
	return nil
}

// fault is a way to fail.
type fault struct {
	name   string
	lasts  bool // from the call on, not that one only
	before func(ctx context.Context, f *faulty) error
	after  error                     // though it was done
	save   func(b []byte) []byte     // is stored instead, without an error
	load   func(b []byte) io.Reader  // is read instead
	only   func(restic.Handle) bool  // calls about other files go well
	want   func(err error) (ok bool) // what the operation says; nil: it succeeds
}

var (
	errBusy = &storage.StatusError{Code: 503, Text: "busy"}
	errLost = errors.New("connection reset by test")
)

// stall waits until the call is given up.
func stall(ctx context.Context, _ *faulty) error {
	<-ctx.Done()
	return ctx.Err()
}

// hang doesn't even notice that.
func hang(_ context.Context, f *faulty) error {
	<-f.over
	return errLost
}

func fails(err error) func(context.Context, *faulty) error {
	return func(context.Context, *faulty) error { return err }
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func silent(err error) bool { return strings.Contains(err.Error(), "the storage doesn't answer") }

// cut reads half of it, then err.
func cut(err error) func(b []byte) io.Reader {
	return func(b []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(b[:len(b)/2]), readerFunc(func([]byte) (int, error) { return 0, err }))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func notLock(h restic.Handle) bool { return h.Type != restic.LockFile }

var faults = []fault{
	{name: "503 once", before: fails(errBusy)},
	{name: "lost once", before: fails(errLost)},
	{name: "answer lost once", after: errLost},
	{name: "stalled once", before: stall},
	{name: "hanging once", before: hang},
	{name: "cut once", load: cut(io.ErrUnexpectedEOF)},
	{name: "cut once unnoticed", load: cut(io.EOF)},
	{name: "changed once", load: func(b []byte) io.Reader {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		return bytes.NewReader(b)
	}},
	{name: "503", lasts: true, before: fails(errBusy), want: is(errBusy)},
	{name: "400", lasts: true, before: fails(&storage.StatusError{Code: 400}), want: func(err error) bool { return strings.Contains(err.Error(), "400") }},
	{name: "lost", lasts: true, before: fails(errLost), want: is(errLost)},
	{name: "answers lost", lasts: true, after: errLost, want: is(errLost)},
	{name: "stalled", lasts: true, before: stall, want: silent},
	{name: "hanging", lasts: true, before: hang, want: silent},
	{name: "full", lasts: true, before: fails(syscall.ENOSPC), want: is(syscall.ENOSPC)},
	{name: "stores half", lasts: true, save: func(b []byte) []byte { return b[:len(b)/2] }, only: notLock, want: is(restic.ErrDamaged)},
	{name: "stores half once", save: func(b []byte) []byte { return b[:len(b)/2] }, only: notLock, want: is(restic.ErrDamaged)},
}

// faulty fails at a certain call.
type faulty struct {
	*memory
	fault
	at    int64 // 0: never
	calls atomic.Int64
	hit   atomic.Bool
	over  chan struct{} // ends those that hang
}

// now tells whether the next call is to fail.
func (f *faulty) now(h restic.Handle) bool {
	if f.only != nil && !f.only(h) {
		return false
	}
	n := f.calls.Add(1)
	yes := f.at > 0 && (n == f.at || f.lasts && n > f.at)
	return yes
}

// call makes a call, with the fault where it is its turn.
func (f *faulty) call(ctx context.Context, h restic.Handle, do func(faulted bool) error) error {
	if !f.now(h) {
		return do(false)
	}
	if f.before != nil {
		f.hit.Store(true)
		return f.before(ctx, f)
	}
	err := do(true)
	if f.after != nil && err == nil {
		f.hit.Store(true)
		return f.after
	}
	return err
}

func (f *faulty) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	return f.call(ctx, h, func(faulted bool) error {
		if !faulted || f.save == nil {
			return f.memory.Save(ctx, h, data)
		}
		f.hit.Store(true)
		b, err := io.ReadAll(data)
		f.put(h, f.save(b))
		return err
	})
}

func (f *faulty) Load(ctx context.Context, h restic.Handle, offset int64, length int) (rd io.ReadCloser, err error) {
	err = f.call(ctx, h, func(faulted bool) error {
		if rd, err = f.memory.Load(ctx, h, offset, length); err == nil && faulted && f.load != nil {
			f.hit.Store(true)
			b, _ := io.ReadAll(rd)
			rd = io.NopCloser(f.load(b))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return rd, nil
}

func (f *faulty) Stat(ctx context.Context, h restic.Handle) (fi restic.FileInfo, err error) {
	err = f.call(ctx, h, func(bool) error {
		fi, err = f.memory.Stat(ctx, h)
		return err
	})
	return fi, err
}

func (f *faulty) List(ctx context.Context, t restic.FileType) iter.Seq2[restic.FileInfo, error] {
	return func(yield func(restic.FileInfo, error) bool) {
		var list []restic.FileInfo
		err := f.call(ctx, restic.Handle{Type: t}, func(bool) error {
			for fi, err := range f.memory.List(ctx, t) {
				if err != nil {
					return err
				}
				list = append(list, fi)
			}
			return nil
		})
		if err != nil {
			list = list[:len(list)/2] // some came before
		}
		for _, fi := range list {
			if !yield(fi, nil) {
				return
			}
		}
		if err != nil {
			yield(restic.FileInfo{}, err)
		}
	}
}

func (f *faulty) Remove(ctx context.Context, h restic.Handle) error {
	return f.call(ctx, h, func(bool) error { return f.memory.Remove(ctx, h) })
}

// faultConfig makes small packs, and index files often.
var faultConfig = &restic.Config{KDF: cheap.KDF, PackSize: 40 << 10, IndexEvery: time.Nanosecond, Workers: 2}

// contents are those of the snapshots that are there before, and of the one that is added.
func contents() [][]byte {
	shared := random(60 << 10)
	var all [][]byte
	for range 4 {
		all = append(all, bytes.Join([][]byte{shared, random(50 << 10)}, nil))
	}
	return all
}

// store saves a snapshot of a file that is cut into pieces.
func store(ctx context.Context, r *restic.Repository, content []byte) (*restic.Snapshot, error) {
	lock, ctx, err := r.Lock(ctx, false)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	w, err := r.NewWriter(ctx)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	f, n := w.NewFile(ctx), &restic.Node{Name: "file", Type: restic.FileNode}
	for i := 0; i < len(content); i += 10 << 10 {
		if _, err := f.Write(content[i:min(i+10<<10, len(content))]); err != nil {
			return nil, err
		}
		if err := f.Cut(); err != nil {
			return nil, err
		}
	}
	if err := f.Close(n); err != nil {
		return nil, err
	}
	tree, err := w.SaveTree(ctx, &restic.Tree{Nodes: []*restic.Node{n}})
	if err != nil {
		return nil, err
	}
	s := &restic.Snapshot{Time: time.Now(), Tree: &tree, Paths: []string{"/file"}}
	return s, w.SaveSnapshot(ctx, s)
}

func fileOf(ctx context.Context, r *restic.Repository, s *restic.Snapshot) ([]byte, error) {
	tree, err := r.LoadTree(ctx, *s.Tree)
	if err != nil {
		return nil, err
	}
	f, err := r.OpenFile(ctx, tree.Nodes[0])
	if err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

// Storage fails in every way at every call of a backup, a forget and a prune. Faults that pass aren't noticed, others are
// told in time, and no snapshot that was said to be there loses anything.
func TestFaultsAtEachCall(t *testing.T) {
	ctx := t.Context()
	all := contents()
	start := &memory{files: map[restic.Handle][]byte{}}
	r, err := restic.Create(ctx, start, password, faultConfig)
	if err != nil {
		t.Fatal(err)
	}
	var snaps []*restic.Snapshot
	for _, content := range all[:3] {
		s, err := store(ctx, r, content)
		if err != nil {
			t.Fatal(err)
		}
		snaps = append(snaps, s)
	}
	forgotten := start.clone()
	if err := forgotten.Remove(ctx, restic.Handle{Type: restic.SnapshotFile, ID: snaps[0].ID()}); err != nil {
		t.Fatal(err)
	}
	// What waits for signals belongs to no single run.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	exclusively := func(ctx context.Context, r *restic.Repository, do func(ctx context.Context) error) error {
		lock, ctx, err := r.Lock(ctx, true)
		if err != nil {
			return err
		}
		return errors.Join(do(ctx), lock.Unlock())
	}
	for _, op := range []struct {
		name  string
		from  *memory
		do    func(ctx context.Context, r *restic.Repository) error
		gone  restic.ID // that must not, when it succeeded
		added bool      // one more is there when it succeeded
	}{
		{"backup", start, func(ctx context.Context, r *restic.Repository) error {
			_, err := store(ctx, r, all[3])
			return err
		}, restic.ID{}, true},
		{"forget", start, func(ctx context.Context, r *restic.Repository) error {
			return exclusively(ctx, r, func(ctx context.Context) error { return r.Forget(ctx, snaps[:1]) })
		}, snaps[0].ID(), false},
		{"prune", forgotten, func(ctx context.Context, r *restic.Repository) error {
			return exclusively(ctx, r, func(ctx context.Context) error {
				_, err := r.Prune(ctx, restic.PruneOptions{MaxUnused: -1})
				return err
			})
		}, snaps[0].ID(), false},
	} {
		for _, fault := range faults {
			t.Run(op.name+"/"+fault.name, func(t *testing.T) {
				t.Parallel()
				var longest time.Duration
				ended := false // the fault's turn didn't come any more
				for at := int64(1); !ended && at < 500; at++ {
					synctest.Test(t, func(t *testing.T) { // so that waiting takes no time
						f := &faulty{memory: op.from.clone(), fault: fault, over: make(chan struct{})}
						defer close(f.over)
						ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
						defer cancel()
						r, err := restic.Open(ctx, storage.Steady(f, 5, storage.Patience{}), password, faultConfig)
						if err != nil {
							t.Fatal(err)
						}
						f.calls.Store(0)
						f.at = at
						begun := time.Now()
						err = op.do(ctx, r)
						switch {
						case ctx.Err() != nil:
							t.Errorf("call %d: it hangs", at)
						case f.calls.Load() < at:
							ended = true
							if err != nil {
								t.Errorf("without a fault: %v", err)
							}
						case err == nil:
							if fault.want != nil && f.hit.Load() && fault.save != nil {
								t.Errorf("call %d: it wasn't noticed", at)
							}
						case fault.want == nil || !fault.want(err):
							t.Errorf("call %d: %v", at, err)
						}
						longest = max(longest, time.Since(begun))
						if longest > 25*time.Minute {
							t.Errorf("call %d: told after %v", at, longest)
						}
						f.check(t, fmt.Sprintf("call %d", at), err == nil, snaps, all, op.gone, op.added)
					})
				}
				t.Logf("%v at most", longest.Round(time.Second))
			})
		}
	}
}

// check has the snapshots be whole.
func (f *faulty) check(t *testing.T, when string, done bool, snaps []*restic.Snapshot, all [][]byte, gone restic.ID, added bool) {
	ctx := t.Context()
	r, err := restic.Open(ctx, f.memory.clone(), password, faultConfig)
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	report, err := r.Check(ctx, restic.CheckOptions{ReadData: true})
	if err != nil || report.Faults > 0 {
		t.Errorf("%s: check says %+v, %v", when, report, err)
		return
	}
	there := map[restic.ID]bool{}
	for s, err := range r.Snapshots(ctx) {
		if err != nil {
			t.Errorf("%s: %v", when, err)
			return
		}
		there[s.ID()] = true
		content, err := fileOf(ctx, r, s)
		want := all[3]
		for i, old := range snaps {
			if old.ID() == s.ID() {
				want = all[i]
			}
		}
		if err != nil || !bytes.Equal(content, want) {
			t.Errorf("%s: snapshot %v has %d bytes, %v", when, s.ID(), len(content), err)
		}
	}
	for _, s := range snaps {
		if !there[s.ID()] && s.ID() != gone {
			t.Errorf("%s: snapshot %v is gone", when, s.ID())
		}
	}
	if done && there[gone] {
		t.Errorf("%s: it succeeded, but the snapshot is there", when)
	}
	if n := len(there); done && added && n != len(snaps)+1 {
		t.Errorf("%s: it succeeded, but there are %d snapshots", when, n)
	}
}
