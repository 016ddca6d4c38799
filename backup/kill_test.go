package backup

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
)

const (
	// killEnv makes the test binary a process that backs up or restores until it is killed: "backup REPO" or
	// "restore REPO STORE".
	killEnv = "OPENCDO_TEST_KILL"
	// roundsEnv says how often to kill; 10 times when not set.
	roundsEnv = "OPENCDO_KILL_ROUNDS"
)

func rounds(t *testing.T) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(roundsEnv), "10"))
	if err != nil {
		t.Fatalf("%s: %v", roundsEnv, err)
	}
	return n
}

// killSet is small, so that a run takes a second, and makes many packs.
var killSet = mailSet{Messages: 300, Folders: 3, Files: 10, MaxFile: 100_000}

var killConfig = &restic.Config{PackSize: 128 << 10, IndexEvery: time.Nanosecond}

// tellingBackend prints a line before each change, so that the parent can kill at any of them.
type tellingBackend struct{ restic.Backend }

func (b tellingBackend) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	fmt.Println("save")
	return b.Backend.Save(ctx, h, data)
}

func TestKillChild(t *testing.T) {
	args := strings.Fields(os.Getenv(killEnv))
	if len(args) == 0 {
		t.Skip("only as the child of other tests")
	}
	r, err := restic.Open(t.Context(), tellingBackend{restic.NewLocal(args[1])}, secret, killConfig)
	if err != nil {
		t.Fatal(err)
	}
	repo := &Repository{args[1], r}
	tell := func(Progress) { fmt.Println("item") }
	switch args[0] {
	case "backup":
		src := killSet.mailbox(t)
		fmt.Println("begin")
		_, err = Run(t.Context(), src, repo, Options{Mailbox: mailbox, Progress: tell})
	case "restore":
		var dst *localstore.Store
		if dst, err = localstore.Open(t.Context(), args[2]); err != nil {
			t.Fatal(err)
		}
		defer dst.Close()
		_, err = Restore(t.Context(), openSnapshot(t, repo, "latest"), "", dst, RestoreOptions{NoProof: true, Progress: tell})
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("finished")
}

// killAfter runs a child and kills it at its nth line. It tells whether the child finished before.
func killAfter(t *testing.T, n int, args ...string) (finished bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
	cmd.Env = append(os.Environ(), killEnv+"="+strings.Join(args, " "))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := 0; lines.Scan(); i++ {
		switch line := lines.Text(); line {
		case "finished":
			finished = true
		case "begin", "save", "item", "PASS":
		default:
			rest, _ := io.ReadAll(out)
			t.Errorf("the child says %s\n%s", line, rest)
		}
		if i == n {
			cmd.Process.Kill()
		}
	}
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		t.Errorf("the child failed: %v", err)
	}
	return finished
}

// A backup that is killed at any moment leaves a sound repository and no half snapshot, and the next one goes on from what was
// stored.
func TestKilledBackup(t *testing.T) {
	src := killSet.mailbox(t)
	repo := newRepo(t)
	s := newStock(t, repo.place)
	for round := range rounds(t) {
		killAfter(t, rand.IntN(killSet.Messages+150), "backup", repo.place)
		report, err := reopened(t, repo).Verify(t.Context(), VerifyOptions{ReadData: true})
		if err != nil || report.Faults != 0 {
			t.Fatalf("round %d: %v, %+v", round, err, report)
		}
		s.check()
		checkSnapshots(t, src, repo, s)
	}

	killAfter(t, killSet.Messages+50, "backup", repo.place) // lines of items, packs and index files
	resumed := run(t, src, reopened(t, repo))
	whole := run(t, src, newRepo(t))
	if resumed.FileBytes != whole.FileBytes || resumed.Added > whole.Added*3/4 {
		t.Errorf("a backup of %d bytes killed in its second half and resumed stored %d bytes anew, one from the beginning %d",
			whole.FileBytes, resumed.Added, whole.Added)
	}
	if again := run(t, src, reopened(t, repo)); again.Added != 0 {
		t.Errorf("an unchanged mailbox added %d bytes", again.Added)
	}
	s.run("prune")
	s.check("--read-data")
	checkSnapshots(t, src, repo, s)
}

// checkSnapshots checks that each snapshot holds the whole mailbox, then removes it.
func checkSnapshots(t *testing.T, src mapi.Store, repo *Repository, s *stock) {
	t.Helper()
	list, err := reopened(t, repo).Snapshots(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		snap := openSnapshot(t, reopened(t, repo), d.ID)
		same(t, src, snap)
		snap.Close()
		s.run("forget", d.ID, "--prune")
	}
}

// A restore that is killed at any moment leaves a sound store, and one done again completes it: nothing is there twice.
func TestKilledRestore(t *testing.T) {
	src, repo := killSet.mailbox(t), newRepo(t)
	for range 5 { // items that only a digest tells apart, and genuine copies
		write(t, folder(t, src, mapi.RoleDrafts), mapi.Normal, &mapi.Item{Props: mapi.Props{prop(0x0037001F, "draft")}})
	}
	run(t, src, repo)
	path := ""
	fresh := func() {
		path = filepath.Join(t.TempDir(), "mailbox")
		st, err := localstore.Create(t.Context(), path, localstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		st.Close()
	}
	check := func(complete bool) {
		t.Helper()
		st, err := localstore.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if err := st.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		snap := openSnapshot(t, reopened(t, repo), "latest")
		if complete {
			if _, err := Restore(t.Context(), snap, "", st, RestoreOptions{}); err != nil {
				t.Fatal(err)
			}
			same(t, snap, st)
			return
		}
		// All that is there is whole and is there once.
		report, err := compare.Stores(t.Context(), st, snap, compare.Options{Subset: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range report.Differences {
			if d.Item != "" {
				t.Errorf("difference: %+v", d)
			}
		}
	}
	fresh()
	for range rounds(t) {
		finished := killAfter(t, rand.IntN(killSet.Messages), "restore", repo.place, path)
		check(false)
		if finished || rand.IntN(4) == 0 {
			check(true)
			fresh()
		}
	}
	check(true)
}
