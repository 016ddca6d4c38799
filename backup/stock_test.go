package backup

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

// stock is the stock restic that the repository must suit.
type stock struct {
	t          testing.TB
	path, repo string
}

func newStock(t testing.TB, repo string) *stock {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("OPENCDO_RESTIC"), "restic"))
	if err != nil {
		t.Skip("SKIPPED: no stock restic to compare with; install it or name it in OPENCDO_RESTIC: ", err)
	}
	return &stock{t, path, repo}
}

// run returns what restic prints, and fails the test where restic fails.
func (s *stock) run(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(s.path, append([]string{"--no-cache", "-r", s.repo}, args...)...)
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD="+secret)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		s.t.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (s *stock) check(args ...string) {
	s.t.Helper()
	if out := s.run(append([]string{"check"}, args...)...); !strings.Contains(out, "no errors were found") {
		s.t.Fatalf("restic check: %s", out)
	}
}

func TestStockResticTakesTheRepository(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	s := newStock(t, repo.place)
	first := run(t, src, repo).Snapshot
	write(t, folder(t, src, mapi.RoleInbox), mapi.Normal, mailSet{}.message(1))
	second := run(t, src, repo).Snapshot
	s.check("--read-data")
	for _, want := range []string{first.Short, second.Short, server, "/" + mailbox, "test"} {
		if out := s.run("snapshots"); !strings.Contains(out, want) {
			t.Errorf("restic snapshots doesn't show %q:\n%s", want, out)
		}
	}
	if out := s.run("diff", first.ID, second.ID); !strings.Contains(out, "1 new") {
		t.Errorf("restic diff: %s", out)
	}

	// What stock restic restores are .msg files that msgfile reads.
	dir := t.TempDir()
	s.run("restore", second.ID, "--target", dir)
	found := 0
	err := filepath.WalkDir(filepath.Join(dir, mailbox), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".msg" {
			return err
		}
		f, err := msgfile.OpenFile(path)
		if err != nil {
			return err
		}
		if d.Name()[0] != '.' {
			found++
		}
		return f.Close()
	})
	if n := len(storetest.SampleItems()) + 1; err != nil || found != n {
		t.Errorf("restic restored %d items, want %d: %v", found, n, err)
	}

	// A restored mailbox that stock restic backs up again is still a mailbox, and so is a snapshot that it tagged.
	s.run("tag", "--add", "kept", second.ID)
	s.run("forget", first.ID, "--prune")
	s.check("--read-data")
	again := reopened(t, repo)
	snap := openSnapshot(t, again, "latest/"+mailbox)
	same(t, src, snap)
	list, err := again.Snapshots(t.Context(), "ADA@example.com")
	if err != nil || len(list) != 1 || list[0].ID == second.ID || strings.Join(list[0].Tags, " ") != "test kept" {
		t.Errorf("snapshots: %+v, %v", list, err)
	}
	s.run("backup", filepath.Join(dir, mailbox), "--tag", "of files")
	list, err = reopened(t, repo).Snapshots(t.Context(), "")
	if err != nil || len(list) != 2 {
		t.Fatalf("snapshots: %+v, %v", list, err)
	}
	same(t, src, openSnapshot(t, reopened(t, repo), list[1].ID))
}

// A repository of restic's own takes a mailbox beside its files.
func TestStockRepositoryTakesAMailbox(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repo")
	s := newStock(t, dir)
	s.run("init")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("backup", file)
	repo, err := Open(t.Context(), dir, FixedPassword(secret))
	if err != nil {
		t.Fatal(err)
	}
	src, dst := filled(t), memstore.New(memstore.Config{})
	run(t, src, repo)
	s.check("--read-data")
	if _, err := Restore(t.Context(), openSnapshot(t, repo, "latest/"+mailbox), "", dst, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	same(t, src, dst)
	list, err := repo.Snapshots(t.Context(), "")
	if err != nil || len(list) != 2 {
		t.Fatalf("snapshots: %+v, %v", list, err)
	}
	if _, err := repo.OpenSnapshot(t.Context(), list[0].ID); !errors.Is(err, ErrNoMailbox) {
		t.Errorf("open a snapshot of files: %v", err)
	}
}
