package endtoend

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
)

// taskEnv makes the test binary another process: it says what to do, as JSON.
const taskEnv = "OPENCDO_TEST_TASK"

// task is what a child does.
type task struct {
	Do   string // a key of tasks
	Repo string
	Box  map[string]box // mailboxes by alias
}

// box is how a child reaches a mailbox.
type box struct {
	URL, DN, Alias string
	CA             []byte // PEM
}

func boxOf(t testing.TB, srv *exchangetest.Server, alias string) box {
	c := srv.Client().Transport.(*http.Transport).TLSClientConfig
	conn, err := tls.Dial("tcp", strings.TrimPrefix(srv.URL, "https://"), c)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw})
	return box{URL: srv.MailboxURL(t, alias), DN: srv.UserDN(t, alias), Alias: alias, CA: cert}
}

func (b box) open(t *testing.T) mapi.Store {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b.CA)
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: b.URL, UserDN: b.DN,
		HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
		Authorize: func(r *http.Request) error {
			r.SetBasicAuth(b.Alias, exchangetest.Password)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// tasks are what children can do. What they print is what their parent reads.
var tasks = map[string]func(*testing.T, task){
	"serve":   serveUntilTold,
	"large":   copyLarge,
	"backup":  func(t *testing.T, c task) { backUpTelling(t, c) },
	"prune":   forgetAndPrune,
	"restore": func(t *testing.T, c task) { restoreTelling(t, c) },
}

// TestTask is what a child runs.
func TestTask(t *testing.T) {
	text := os.Getenv(taskEnv)
	if text == "" {
		t.Skip("only as the child of other tests")
	}
	var c task
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	tasks[c.Do](t, c)
	if !t.Failed() {
		fmt.Println(finished)
	}
}

// finished is the last line of a child that did its task.
const finished = "finished"

// child is a process with a task.
type child struct {
	*exec.Cmd
	t     testing.TB
	lines *bufio.Scanner
	stdin io.WriteCloser
	said  strings.Builder // all that it printed
}

func start(t testing.TB, c task) *child {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &child{Cmd: exec.Command(os.Args[0], "-test.run=^TestTask$", "-test.timeout=20m"), t: t}
	p.Env = append(os.Environ(), taskEnv+"="+string(text), "GOMAXPROCS=2") // memory depends on it
	p.Stderr = os.Stderr
	if p.stdin, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(out)
	p.lines.Buffer(nil, 1<<20)
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	return p
}

// line is the next line that the child prints; false at the end.
func (p *child) line() (string, bool) {
	if !p.lines.Scan() {
		return "", false
	}
	fmt.Fprintln(&p.said, p.lines.Text())
	return p.lines.Text(), true
}

// end waits for a child that does its task to the end.
func (p *child) end() {
	p.t.Helper()
	done := false
	for line, more := p.line(); more; line, more = p.line() {
		done = done || line == finished
	}
	if err := p.Wait(); err != nil || !done {
		p.t.Fatalf("a child failed: %v\n%s", err, p.said.String())
	}
}

// backUpTelling backs alice's mailbox up and prints a line for each item.
func backUpTelling(t *testing.T, c task) {
	src, repo := c.Box["alice"].open(t), openRepo(t, c.Repo)
	fmt.Println("begin")
	r, err := backup.Run(t.Context(), src, repo, backup.Options{Mailbox: "mailbox", Progress: func(backup.Progress) { fmt.Println("item") }})
	if err != nil || r.Failed > 0 {
		t.Fatal(r.Problems, err)
	}
}

// forgetAndPrune keeps the two newest snapshots of each mailbox. It prints a line whenever it has done something.
func forgetAndPrune(t *testing.T, c task) {
	repo := openRepo(t, c.Repo)
	fmt.Println("begin")
	if _, err := repo.Forget(t.Context(), backup.ForgetOptions{Keep: backup.Keep{Last: 2}}); err != nil {
		t.Fatal(err)
	}
	fmt.Println("item")
	if _, err := repo.Prune(t.Context(), backup.PruneOptions{MaxUnused: -1, Progress: func(backup.PruneProgress) { fmt.Println("item") }}); err != nil {
		t.Fatal(err)
	}
}

// restoreTelling restores the newest snapshot to bob's mailbox and prints a line for each item.
func restoreTelling(t *testing.T, c task) {
	dst, snap := c.Box["bob"].open(t), openSnapshot(t, openRepo(t, c.Repo), "latest")
	fmt.Println("begin")
	tell := func() { fmt.Println("item") }
	r, err := backup.Restore(t.Context(), snap, "", dst, backup.RestoreOptions{Progress: func(backup.Progress) { tell() },
		ProofProgress: func(int, int, string) { tell() }})
	if err != nil || r.Failed > 0 || r.DifferenceCount > 0 {
		t.Fatal(r.Problems, r.Differences, err)
	}
}

// serveUntilTold serves empty mailboxes until its input ends. It prints how to reach them, and at the end its memory.
func serveUntilTold(t *testing.T, _ task) {
	srv := exchangetest.New(t, exchangetest.Options{})
	boxes := map[string]box{"alice": boxOf(t, srv, "alice"), "bob": boxOf(t, srv, "bob")}
	text, err := json.Marshal(boxes)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(text))
	io.Copy(io.Discard, os.Stdin)
	tellMemory(t, "server")
}

// peakMemory is the most resident memory that this process had so far, in bytes.
func peakMemory(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("the system doesn't tell how much memory was used")
	return 0
}

func tellMemory(t *testing.T, after string) { fmt.Printf("memory %d %q\n", peakMemory(t), after) }
