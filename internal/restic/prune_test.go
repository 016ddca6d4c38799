package restic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func mustPrune(t *testing.T, r *Repository, opts PruneOptions) *PruneReport {
	t.Helper()
	l, ctx := lock(t, r, true)
	defer l.Unlock()
	report, err := r.Prune(ctx, opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// checkFiles has a snapshot's files be as they were.
func checkFiles(t *testing.T, r *Repository, s *Snapshot, want map[string][]byte) {
	t.Helper()
	got := make(map[string][]byte)
	readFiles(t, r, *s.Tree, "", got)
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("snapshot %v: %d files aren't the %d that were stored", s.ID(), len(got), len(want))
	}
}

// dataBytes is the size of all packs.
func dataBytes(t *testing.T, r *Repository) (size int64) {
	t.Helper()
	for fi, err := range r.be.List(t.Context(), PackFile) {
		if err != nil {
			t.Fatal(err)
		}
		size += fi.Size
	}
	return size
}

// We forget and prune what we and stock restic stored, and stock restic finds all whole; then the other way round.
func TestPruneWithStock(t *testing.T) {
	for _, opts := range []PruneOptions{{}, {MaxUnused: -1}, {MaxUnused: 100}, {MaxUnused: -1, GatherSmall: true}} {
		t.Run(fmt.Sprintf("%+v", opts), func(t *testing.T) {
			r, dir := newRepo(t, cheap)
			s := newStock(t, dir)
			var kept, gone []*Snapshot
			content := map[*Snapshot]map[string][]byte{}
			shared := pseudoRandom(1, 300<<10)
			for i := range 24 {
				files := map[string][]byte{"shared": shared}
				for k := range 6 { // so that packs are used in part
					files[fmt.Sprintf("own/%d", k)] = pseudoRandom(uint64(100+i/2*10+k*(i%2)), 90<<10)
				}
				snap := saveSnapshot(t, r, files)
				content[snap] = files
				if i%3 == 0 {
					kept = append(kept, snap)
				} else {
					gone = append(gone, snap)
				}
			}
			src := t.TempDir()
			writeFiles(t, src, map[string][]byte{"stock": pseudoRandom(4, 3<<20)})
			s.run("backup", src)
			if report := mustPrune(t, r, opts); report.RemovedPacks > report.RepackedPacks || report.UnusedBytes != 0 {
				t.Errorf("all is used, but: %+v", report)
			}
			l, ctx := lock(t, r, true)
			if err := r.Forget(ctx, gone); err != nil {
				t.Fatal(err)
			}
			l.Unlock()
			before := dataBytes(t, r)
			dry := opts
			dry.DryRun = true
			planned := mustPrune(t, r, dry)
			if after := dataBytes(t, r); after != before {
				t.Errorf("a dry run changed %d bytes to %d", before, after)
			}
			done := mustPrune(t, r, opts)
			if planned.RemovedPacks != done.RemovedPacks || planned.RepackedBytes != done.RepackedBytes || done.UnusedBytes == 0 || done.RemovedPacks == 0 {
				t.Errorf("planned %+v, done %+v", planned, done)
			}
			after := dataBytes(t, r)
			if want := before - done.RemovedBytes + done.AddedBytes; after != want {
				t.Errorf("%d bytes are left, want %d: %+v", after, want, done)
			}
			if opts.MaxUnused < 0 && after > done.UsedBytes+done.UsedBytes/100+10<<10 {
				t.Errorf("%d bytes are left of %d used", after, done.UsedBytes)
			}
			s.check("--read-data")
			for _, r := range []*Repository{r, reopen(t, dir)} {
				for _, snap := range kept {
					checkFiles(t, r, snap, content[snap])
				}
			}
			if again := mustPrune(t, r, opts); again.RepackedPacks != 0 || again.RemovedPacks != 0 {
				t.Errorf("there is more to do: %+v", again)
			}

			s.run("forget", kept[0].ID().String(), "--prune", "--max-unused", "0")
			r = reopen(t, dir)
			for _, snap := range kept[1:] {
				checkFiles(t, r, snap, content[snap])
			}
			report, err := r.Check(t.Context(), CheckOptions{ReadData: true})
			if err != nil || report.Faults != 0 || report.Snapshots != len(kept) {
				t.Errorf("after stock restic's prune: %+v, %v", report, err)
			}
			if report := mustPrune(t, r, opts); report.RemovedPacks > report.RepackedPacks {
				t.Errorf("after stock restic's prune there is more to remove: %+v", report)
			}
			s.check("--read-data")
		})
	}
}

// Packs that no index names, and second copies of blobs, are what interrupted runs leave.
func TestPruneLeftovers(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	files := map[string][]byte{"a": pseudoRandom(1, 500<<10), "b": pseudoRandom(2, 700<<10)}
	snap := saveSnapshot(t, r, files)
	indexes := map[string][]byte{}
	list, err := filepath.Glob(filepath.Join(dir, "index", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list { // hidden, so that all is stored once more
		if indexes[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	second := saveSnapshot(t, reopen(t, dir), files)
	if report := mustPrune(t, reopen(t, dir), PruneOptions{}); report.RemovedPacks != 2 || report.RepackedPacks != 0 {
		t.Errorf("packs in no index: %+v", report)
	}
	s.check("--read-data")
	third := saveSnapshot(t, reopen(t, dir), map[string][]byte{"c": pseudoRandom(3, 100<<10)})
	for name, b := range indexes {
		h := Handle{IndexFile, must(ParseID(filepath.Base(name)))}
		if err := r.be.Save(t.Context(), h, inMemory(b)); err != nil {
			t.Fatal(err)
		}
	}
	// The index names packs that are gone: that is no state to prune in.
	l, ctx := lock(t, r, true)
	before := dataBytes(t, r)
	if _, err := r.Prune(ctx, PruneOptions{}); !errors.Is(err, ErrNotWhole) || !errors.Is(err, ErrDamaged) {
		t.Errorf("prune of a repository that isn't whole: %v", err)
	}
	if after := dataBytes(t, r); after != before {
		t.Error("it removed something")
	}
	l.Unlock()
	for name := range indexes {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for _, snap := range []*Snapshot{snap, second} {
		checkFiles(t, reopen(t, dir), snap, files)
	}
	checkFiles(t, reopen(t, dir), third, map[string][]byte{"c": pseudoRandom(3, 100<<10)})
}

// Blobs with copies in several packs are kept once.
func TestPruneCopies(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	files := map[string][]byte{"a": pseudoRandom(1, 500<<10), "b": pseudoRandom(2, 700<<10)}
	snap := saveSnapshot(t, r, files)
	blind := reopen(t, dir)
	blind.index.loaded = true // it knows of nothing, so it stores all again
	saveSnapshot(t, blind, map[string][]byte{"a": files["a"], "c": pseudoRandom(3, 600<<10)})
	if report := mustPrune(t, reopen(t, dir), PruneOptions{MaxUnused: -1}); report.UnusedBytes < 500<<10 {
		t.Errorf("%+v", report)
	}
	if n := dataBytes(t, r); n > 1900<<10 {
		t.Errorf("%d bytes are left", n)
	}
	s.check("--read-data")
	checkFiles(t, reopen(t, dir), snap, files)
}

// Where another works on the repository nothing is pruned or forgotten, and stock restic's lock counts as well.
func TestPruneNeedsTheLock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	saveSnapshot(t, r, map[string][]byte{"a": pseudoRandom(1, 500<<10)})
	l, _ := lock(t, r, false)
	if _, _, err := reopen(t, dir).Lock(t.Context(), true); !errors.Is(err, ErrLocked) {
		t.Errorf("locked while a backup runs: %v", err)
	}
	if out, err := s.command("prune").CombinedOutput(); err == nil {
		t.Errorf("stock restic prunes under our lock: %s", out)
	}
	l.Unlock()
	l, _ = lock(t, r, true)
	if out, err := s.command("backup", dir).CombinedOutput(); err == nil {
		t.Errorf("stock restic backs up under our exclusive lock: %s", out)
	}
	if n, err := reopen(t, dir).RemoveLocks(t.Context(), false); n != 0 || err != nil {
		t.Errorf("%d locks in use were removed: %v", n, err)
	}
	if n, err := reopen(t, dir).RemoveLocks(t.Context(), true); n != 1 || err != nil {
		t.Errorf("%d locks were removed: %v", n, err)
	}
	l.Unlock()
}

// A sample reads as much as it says.
func TestSample(t *testing.T) {
	r, dir := newRepo(t, &Config{KDF: cheap.KDF, PackSize: 50 << 10})
	var files = map[string][]byte{}
	for i := range 40 {
		files[fmt.Sprint(i)] = pseudoRandom(uint64(i), 60<<10)
	}
	saveSnapshot(t, r, files)
	var packs []string
	for fi, err := range r.be.List(t.Context(), PackFile) {
		if err != nil {
			t.Fatal(err)
		}
		packs = append(packs, fi.String())
	}
	for percent, want := range map[float64]int{0: len(packs), 100: len(packs), 50: (len(packs) + 1) / 2, 0.1: 1} {
		report, err := r.Check(t.Context(), CheckOptions{ReadData: true, Sample: percent})
		if err != nil || report.Faults != 0 || report.ReadPacks != want || report.ReadBytes <= 0 {
			t.Errorf("%v %%: %+v, %v", percent, report, err)
		}
	}
	for _, name := range packs { // half of all packs are damaged: some of those read are
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[100] ^= 1
		os.Chmod(path, 0o600)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report, err := r.Check(t.Context(), CheckOptions{ReadData: true, Sample: 20})
	if err != nil || report.Faults < report.ReadPacks || report.ReadPacks != (len(packs)+4)/5 {
		t.Errorf("with damage: %+v, %v", report, err)
	}
}

// A cancelled prune removes nothing that is needed.
func TestPruneCancelled(t *testing.T) {
	r, dir := newRepo(t, cheap)
	snaps := []*Snapshot{}
	files := map[string][]byte{"b": pseudoRandom(2, 300<<10)}
	for i := range 4 {
		files["a"] = pseudoRandom(uint64(10+i), 200<<10)
		snaps = append(snaps, saveSnapshot(t, r, maps.Clone(files)))
	}
	l, ctx := lock(t, r, true)
	if err := r.Forget(ctx, snaps[:2]); err != nil {
		t.Fatal(err)
	}
	for stop := range 30 {
		ctx, cancel := context.WithCancel(ctx)
		n := 0
		_, err := r.Prune(ctx, PruneOptions{MaxUnused: -1, Progress: func(PruneProgress) {
			if n++; n > stop {
				cancel()
			}
		}})
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v", stop, err)
		}
		report, err := reopen(t, dir).Check(t.Context(), CheckOptions{ReadData: true})
		if err != nil || report.Faults != 0 {
			t.Fatalf("%d: %+v, %v", stop, report, err)
		}
	}
	l.Unlock()
	files["a"] = pseudoRandom(13, 200<<10)
	checkFiles(t, reopen(t, dir), snaps[3], files)
	if report := mustPrune(t, r, PruneOptions{MaxUnused: -1}); report.UnusedBytes != 0 || report.Bytes > 1<<20 {
		t.Errorf("more is left than is used: %+v", report)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
