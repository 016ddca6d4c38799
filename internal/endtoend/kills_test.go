package endtoend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
)

// killsEnv says how often to kill each kind of process; 10 times when not set, twice in short tests.
const killsEnv = "OPENCDO_KILLS"

func kills(t *testing.T) int {
	n, usual := os.Getenv(killsEnv), "10"
	if testing.Short() {
		usual = "2"
	}
	rounds, err := strconv.Atoi(cmp.Or(n, usual))
	if err != nil {
		t.Fatalf("%s: %v", killsEnv, err)
	}
	return rounds
}

// mailboxToKill takes a second to copy. For many kills its attachments fill a pack and a part of another.
func mailboxToKill(t *testing.T) (content mapi.Store, n int) {
	content, n = smallMailbox(t)
	files := 4
	if kills(t) > 10 {
		files = 20
	}
	for i := range files {
		it := mail(fmt.Sprint("with a file ", i))
		it.Attachments = []*mapi.Attachment{file(random(fmt.Sprint("file ", i), 1_000_000))}
		write(t, folder(t, content, mapi.RoleSent), mapi.Normal, it)
		n++
	}
	return content, n
}

// stock runs stock restic.
func stock(t *testing.T, repo *backup.Repository, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(cmp.Or(os.Getenv("OPENCDO_RESTIC"), "restic"))
	if err != nil {
		t.Skip("SKIPPED: NO STOCK RESTIC TO CHECK WHAT KILLED PROCESSES LEAVE; install it or name it in OPENCDO_RESTIC: ", err)
	}
	cmd := exec.Command(path, append([]string{"--no-cache", "-r", repo.String()}, args...)...)
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD="+secret)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("restic %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// checkWithStock removes the locks that a killed process left and has stock restic check the repository.
func checkWithStock(t *testing.T, repo *backup.Repository) {
	t.Helper()
	stock(t, repo, "unlock")
	if out := stock(t, repo, "check"); !strings.Contains(out, "no errors were found") {
		t.Fatalf("restic check: %s", out)
	}
}

// duration tells how long a child takes for its task from the moment when it begins.
func duration(t *testing.T, c task) time.Duration {
	t.Helper()
	p := start(t, c)
	p.begun()
	at := time.Now()
	p.end()
	return time.Since(at)
}

// begun waits until a child has what it needs.
func (p *child) begun() {
	p.t.Helper()
	for {
		switch line, more := p.line(); {
		case line == "begin":
			return
		case !more:
			p.t.Fatalf("a child ended before it began: %v\n%s", p.Wait(), p.said.String())
		}
	}
}

// killed starts a child and kills it after some time. It tells whether the child had finished, and what it had done.
func killed(t *testing.T, c task, after time.Duration) (done bool, items int) {
	t.Helper()
	p := start(t, c)
	p.begun()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	context.AfterFunc(ctx, func() { p.Process.Kill() })
	for line, more := p.line(); more; line, more = p.line() {
		switch line {
		case "item":
			items++
		case finished:
			done = true
		}
	}
	var exit *exec.ExitError
	if err := p.Wait(); err != nil && (!errors.As(err, &exit) || exit.Exited()) {
		t.Fatalf("a child failed: %v\n%s", err, p.said.String())
	}
	return done, items
}

// moment is a random time of a process. Not all take equally long: now and then it is behind the end.
func moment(whole time.Duration) time.Duration { return time.Duration(rand.Float64() * float64(whole)) }

// TestKilledBackups kills processes that back a mailbox up, at random moments. Each leaves a sound repository, and the next
// one completes and has everything.
func TestKilledBackups(t *testing.T) {
	t.Parallel()
	content, n := mailboxToKill(t)
	srv := serve(t, content)
	boxes := map[string]box{"alice": boxOf(t, srv, "alice")}
	whole := duration(t, task{Do: "backup", Repo: newRepo(t).String(), Box: boxes})
	repo, rounds, ended := newRepo(t), kills(t), 0
	c := task{Do: "backup", Repo: repo.String(), Box: boxes}
	for round := range rounds {
		done, items := killed(t, c, moment(whole))
		checkWithStock(t, repo)
		start(t, c).end()
		list, err := repo.Snapshots(t.Context(), "")
		if err != nil || len(list) == 0 || len(list) > 2 {
			t.Fatalf("round %d: snapshots %v, %v", round, list, err)
		}
		if len(list) == 2 { // the killed one had saved it
			ended++
		} else if done {
			t.Errorf("round %d: a backup that finished left no snapshot", round)
		}
		for _, s := range list {
			snap := openSnapshot(t, repo, s.ID)
			if got := same(t, content, snap); got != n {
				t.Errorf("round %d, killed after %d items: %d items are the same, want %d", round, items, got, n)
			}
			snap.Close()
			stock(t, repo, "forget", s.ID)
		}
		if round%3 == 2 {
			stock(t, repo, "prune") // the next one begins from nothing
		}
	}
	checkWithStock(t, repo)
	t.Logf("%d backups were killed in the first %v, %d of them when their snapshot was saved", rounds, whole.Round(time.Millisecond), ended)
}

// TestKilledRestores kills processes that restore a mailbox, at random moments. The next one completes what they began, and
// nothing is there twice.
func TestKilledRestores(t *testing.T) {
	t.Parallel()
	content, n := mailboxToKill(t)
	rounds := kills(t)
	srv := exchangetest.New(t, exchangetest.Options{Users: many(rounds + 1)})
	repo := newRepo(t)
	backUp(t, content, repo)
	order := func(user int) task {
		return task{Do: "restore", Repo: repo.String(), Box: map[string]box{"bob": boxOf(t, srv, fmt.Sprint("user", user))}}
	}
	whole := duration(t, order(rounds))
	complete, begun := 0, 0
	for round := range rounds {
		c := order(round)
		done, _ := killed(t, c, moment(whole))
		checkWithStock(t, repo)
		if done {
			complete++
		} else if found := count(t, folder(t, open(t, srv, fmt.Sprint("user", round)), mapi.RoleSent)); found > 0 {
			begun++
		}
		start(t, c).end()
		if got := same(t, content, open(t, srv, fmt.Sprint("user", round))); got != n {
			t.Errorf("round %d: %d items are the same, want %d", round, got, n)
		}
	}
	t.Logf("%d restores were killed in the first %v, %d with a part of the mail there, %d after their end", rounds, whole.Round(time.Millisecond), begun, complete)
}

// TestKilledPrunes kills processes that forget and prune, at random moments. What is kept stays whole, for us and for stock
// restic, and the next process completes the work.
func TestKilledPrunes(t *testing.T) {
	t.Parallel()
	template := newRepo(t)
	var contents []mapi.Store
	for i := range 5 { // each has some mail of its own, and some that the next one has too
		content := newLocal()
		for k := range 6 {
			it := mail(fmt.Sprint("number ", i*3+k))
			it.Attachments = []*mapi.Attachment{file(random(fmt.Sprint("file ", i*3+k), 700_000))}
			write(t, folder(t, content, mapi.RoleSent), mapi.Normal, it)
		}
		backUp(t, content, template)
		contents = append(contents, content)
	}
	list, err := template.Snapshots(t.Context(), "")
	if err != nil || len(list) != len(contents) {
		t.Fatal(list, err)
	}
	fresh := func() string {
		dir := filepath.Join(t.TempDir(), "repo")
		if err := os.CopyFS(dir, os.DirFS(template.String())); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	whole := duration(t, task{Do: "prune", Repo: fresh()})
	rounds, complete := kills(t), 0
	for round := range rounds {
		dir := fresh()
		done, _ := killed(t, task{Do: "prune", Repo: dir}, moment(whole))
		if done {
			complete++
		}
		repo := openRepo(t, dir)
		checkWithStock(t, repo)
		for i, s := range list[3:] {
			snap := openSnapshot(t, repo, s.ID)
			if n := same(t, contents[3+i], snap); n != 6 {
				t.Errorf("round %d: %d items of a snapshot that is kept are the same", round, n)
			}
			snap.Close()
		}
		start(t, task{Do: "prune", Repo: dir}).end()
		if out := stock(t, repo, "check", "--read-data"); !strings.Contains(out, "no errors were found") {
			t.Fatalf("round %d: restic check: %s", round, out)
		}
		if left, err := repo.Snapshots(t.Context(), ""); err != nil || len(left) != 2 {
			t.Errorf("round %d: %v, %v", round, left, err)
		}
		if out := stock(t, repo, "prune", "--max-unused", "0", "--dry-run"); !strings.Contains(out, "total prune:           0 blobs") {
			t.Errorf("round %d: stock restic would remove more: %s", round, out)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d prunes were killed in the first %v, %d of them after their end", rounds, whole.Round(time.Millisecond), complete)
}
