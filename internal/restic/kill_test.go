package restic

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// killRepoEnv makes the test binary a process that writes snapshots into a repository until it is killed.
const killRepoEnv = "OPENCDO_TEST_KILL_REPO"

// tellingBackend prints a line before each change, so that the parent can kill at any of them.
type tellingBackend struct{ Backend }

func (b tellingBackend) Save(ctx context.Context, h Handle, data *io.SectionReader) error {
	fmt.Println("save")
	return b.Backend.Save(ctx, h, data)
}

func (b tellingBackend) Remove(ctx context.Context, h Handle) error {
	fmt.Println("remove")
	return b.Backend.Remove(ctx, h)
}

// killFiles are what a run stores: some files that every run has, some of its own.
func killFiles(run uint64) map[string][]byte {
	return map[string][]byte{
		"common/a":                   pseudoRandom(1, 700<<10),
		"common/b":                   pseudoRandom(2, 300<<10),
		fmt.Sprintf("run/%d/c", run): pseudoRandom(run, 900<<10),
		fmt.Sprintf("run/%d/d", run): pseudoRandom(run+1000, 10<<10),
	}
}

func TestKillChild(t *testing.T) {
	dir := os.Getenv(killRepoEnv)
	if dir == "" {
		t.Skip("only as the child of TestKilledAnyMoment")
	}
	conf := &Config{PackSize: 128 << 10, IndexEvery: time.Nanosecond}
	r, err := Open(t.Context(), tellingBackend{NewLocal(dir)}, testPassword, conf)
	if err != nil {
		t.Fatal(err)
	}
	for {
		l, _ := lock(t, r, false)
		for range 3 {
			run := uint64(rand.IntN(1 << 16))
			s := saveSnapshot(t, r, killFiles(run))
			fmt.Println("saved", s.ID(), run)
		}
		l.Unlock()
		l, ctx := lock(t, r, true)
		var list []*Snapshot
		for s, err := range r.Snapshots(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		var forget []*Snapshot
		for _, v := range (&Policy{Last: 2}).Apply(list) {
			if !v.Keep {
				forget = append(forget, v.Snapshot)
				fmt.Println("forgets", v.Snapshot.ID())
			}
		}
		if err := r.Forget(ctx, forget); err != nil {
			t.Fatal(err)
		}
		fmt.Println("prunes")
		if _, err := r.Prune(ctx, PruneOptions{MaxUnused: -1, GatherSmall: rand.IntN(2) == 0}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("pruned")
		l.Unlock()
	}
}

// killsEnv says how often to kill; 10 times when not set.
const killsEnv = "OPENCDO_KILLS"

// Whenever a process dies that backs up, forgets and prunes, what it called saved is there unless it was forgetting it, and
// stock restic finds no errors.
func TestKilledAnyMoment(t *testing.T) {
	r, dir := newRepo(t, cheap)
	stock := newStock(t, dir)
	rounds, err := strconv.Atoi(cmp.Or(os.Getenv(killsEnv), "10"))
	if err != nil {
		t.Fatalf("%s: %v", killsEnv, err)
	}
	saved := make(map[string]uint64)
	at := map[string]int{}
	for round := range rounds {
		at[killAfter(t, dir, rand.IntN(200), saved)]++
		if round%2 == 0 {
			l, _ := lock(t, r, true) // removes the dead process's lock
			report, err := reopen(t, dir).Check(t.Context(), CheckOptions{ReadData: true})
			if err != nil || len(report.Errors) != 0 {
				t.Errorf("round %d: %v, %+v", round, err, report)
			}
			if err := l.Unlock(); err != nil {
				t.Error(err)
			}
		} else {
			stock.run("unlock")
			stock.check("--read-data")
		}
		again := reopen(t, dir)
		for id, run := range saved {
			s, err := again.FindSnapshot(t.Context(), id)
			if err != nil {
				t.Errorf("round %d: snapshot %s: %v", round, id, err)
				continue
			}
			checkFiles(t, again, s, killFiles(run))
		}
	}
	t.Logf("%d processes were killed, by what they did: %v; %d snapshots are left", rounds, at, len(saved))
	stock.run("unlock")
	stock.run("prune")
	stock.check("--read-data")
}

// killAfter runs a child and kills it at its nth change. It keeps the list of snapshots that must be there, and tells what the
// child was doing.
func killAfter(t *testing.T, dir string, n int, saved map[string]uint64) (doing string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	cmd.Env = append(os.Environ(), killRepoEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	changes := 0
	doing = "backup"
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var id string
		var run uint64
		line := lines.Text()
		if _, err := fmt.Sscanf(line, "saved %s %d", &id, &run); err == nil {
			saved[id] = run
		} else if _, err := fmt.Sscanf(line, "forgets %s", &id); err == nil {
			delete(saved, id)
			doing = "forget"
		} else if line == "prunes" {
			doing = "prune"
		} else if line == "pruned" {
			doing = "backup"
		} else if line != "save" && line != "remove" {
			rest, _ := io.ReadAll(out)
			t.Errorf("the child says %s\n%s", line, rest)
		} else if changes++; changes == n+1 {
			cmd.Process.Kill() // what it has printed by then is still read
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the child ended by itself: %v", err)
	}
	return doing
}

// stoppingBackend fails after some packs, as a broken line does.
type stoppingBackend struct {
	Backend
	left atomic.Int32 // packs are saved in parallel
}

func (b *stoppingBackend) Save(ctx context.Context, h Handle, data *io.SectionReader) error {
	if h.Type == PackFile {
		if b.left.Add(-1) < 0 {
			return io.ErrClosedPipe
		}
	}
	return b.Backend.Save(ctx, h, data)
}

func TestInterruptedRunResumes(t *testing.T) {
	r, dir := newRepo(t, &Config{KDF: cheap.KDF, PackSize: 1 << 20, IndexEvery: time.Nanosecond, Workers: 1})
	stock := newStock(t, dir)
	files := map[string][]byte{"big": pseudoRandom(1, 30<<20)}
	stopping := &stoppingBackend{Backend: r.be}
	stopping.left.Store(10)
	r.be = stopping
	w, err := r.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = saveFiles(t.Context(), w, files)
	if err == nil {
		err = w.Flush(t.Context())
	}
	if err == nil {
		t.Fatal("the interruption went unnoticed")
	}
	w.Close()
	before := w.Stats()
	stock.check()

	again := reopen(t, dir)
	w, err = again.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := saveFiles(t.Context(), w, files); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := w.Stats()
	if before.PackBytes < 8<<20 || after.PackBytes+before.PackBytes > 31<<20 {
		t.Errorf("the first run confirmed %d bytes, the second %d", before.PackBytes, after.PackBytes)
	}
}

// Stock restic may forget and prune at will: what stays is whole, and nothing is stored twice.
func TestStockForgetsAndPrunes(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	shared := pseudoRandom(1, 3<<20)
	first := map[string][]byte{"shared": shared, "first/only": pseudoRandom(2, 3<<20)}
	second := map[string][]byte{"shared": shared, "second/only": pseudoRandom(3, 3<<20)}
	src := t.TempDir()
	writeFiles(t, src, map[string][]byte{"stock": pseudoRandom(4, 3<<20)})
	forgotten := saveSnapshot(t, r, first)
	kept := saveSnapshot(t, r, second)
	s.run("backup", src)
	s.run("forget", forgotten.ID().String(), "--prune", "--max-unused", "0")
	s.check("--read-data")

	again := reopen(t, dir)
	got := make(map[string][]byte)
	readFiles(t, again, *kept.Tree, "", got)
	for name, content := range second {
		if !bytes.Equal(got[name], content) {
			t.Errorf("%s differs after the prune", name)
		}
	}
	if ok, err := again.HasBlob(t.Context(), BlobHandle{TreeBlob, *forgotten.Tree}); ok || err != nil {
		t.Errorf("the forgotten tree is there: %v, %v", ok, err)
	}
	w, err := again.NewWriter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := saveFiles(t.Context(), w, second); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil || w.Stats().Packs != 0 {
		t.Errorf("storing the same again: %v, %+v", err, w.Stats())
	}
	saveSnapshot(t, again, first)
	s.check("--read-data")
}
