// Package storagetest runs servers that repositories can be kept on, for tests: rclone for S3 and restic's REST protocol,
// OpenSSH's sshd for SFTP. A test whose program is missing is skipped.
package storagetest

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opencdo/opencdo/internal/restic/storage"
)

// Place is where a repository can be made.
type Place struct {
	Address string
	Dir     string            // in which the server keeps the files
	Env     map[string]string // credentials, for us and for stock restic
	Config  storage.Config    // takes credentials from Env
	// Stock is the address for stock restic, whose older versions take a password only there. Options are its besides, such
	// as how to call ssh.
	Stock   string
	Options []string
}

func (p *Place) init() *Place {
	p.Config.Patience = storage.Patience{Stall: 20 * time.Second, First: 5 * time.Second, Total: 5 * time.Second} // tests are not to wait
	p.Stock = cmp.Or(p.Stock, p.Address)
	p.Config.Getenv = func(name string) string { return p.Env[name] }
	return p
}

// Environ is the environment of a process that opens the place.
func (p *Place) Environ() []string {
	env := os.Environ()
	for k, v := range p.Env {
		env = append(env, k+"="+v)
	}
	return env
}

// Servers are all kinds of places that have a server, by the names of their kinds.
var Servers = map[string]func(testing.TB) *Place{"rest": REST, "s3": S3, "sftp": SFTP}

// rclone finds rclone, which OPENCDO_RCLONE may name.
func rclone(t testing.TB) string {
	path, err := exec.LookPath(cmp.Or(os.Getenv("OPENCDO_RCLONE"), "rclone"))
	if err != nil {
		t.Skip("SKIPPED: NO RCLONE TO SERVE S3 AND REST; build github.com/rclone/rclone@v1.71.0 and name it in OPENCDO_RCLONE: ", err)
	}
	return path
}

// startTimeout bounds the start of a server.
const startTimeout = 30 * time.Second

// serve starts a server and waits for a line that it prints when it listens. It gives the line's first group.
func serve(t testing.TB, listens *regexp.Regexp, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG=") // none: that of who runs the test is no affair of ours
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	cmd.WaitDelay = time.Second // sshd's children live as long as their connections
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		cmd.Wait()
		in.Close()
		close(over)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-over
	})
	found := make(chan string, 1)
	var said bytes.Buffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := listens.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				break
			}
			fmt.Fprintln(&said, lines.Text())
		}
		if lines.Err() == nil {
			io.Copy(io.Discard, out)
		}
	}()
	select {
	case s := <-found:
		return s
	case <-ended:
		t.Fatalf("%s ended:\n%s", name, said.String())
	case <-time.After(startTimeout):
		t.Fatalf("%s doesn't start", name)
	}
	return ""
}

// REST serves restic's REST protocol. A user and a password are asked for.
func REST(t testing.TB) *Place {
	dir := t.TempDir()
	url := serve(t, regexp.MustCompile(`Serving restic REST API on \[?http://([^/ ]+)/`), rclone(t),
		"serve", "restic", "--addr", "127.0.0.1:0", "--user", "ada", "--pass", "rest-secret", dir)
	return (&Place{Address: "rest:http://ada@" + url + "/some/repo", Stock: "rest:http://ada:rest-secret@" + url + "/some/repo", Dir: filepath.Join(dir, "some", "repo"),
		Env: map[string]string{"RESTIC_REST_USERNAME": "ada", "RESTIC_REST_PASSWORD": "rest-secret"}}).init()
}

// S3 serves the S3 protocol.
func S3(t testing.TB) *Place {
	dir := t.TempDir()
	url := serve(t, regexp.MustCompile(`Starting s3 server on \[?http://([^/ ]+)/`), rclone(t),
		"serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", "KEYID,s3-secret-key", "--vfs-cache-mode", "off", dir)
	return (&Place{Address: "s3:http://" + url + "/mail/some/repo", Dir: filepath.Join(dir, "mail", "some", "repo"),
		Env: map[string]string{"AWS_ACCESS_KEY_ID": "KEYID", "AWS_SECRET_ACCESS_KEY": "s3-secret-key", "AWS_DEFAULT_REGION": "us-east-1"}}).init()
}

// sshdDirs are where sshd lies, which must be called by its whole path.
const sshdDirs = "/usr/sbin:/usr/local/sbin"

// SFTP serves a directory with OpenSSH.
func SFTP(t testing.TB) *Place {
	sshd := ""
	for _, dir := range append(filepath.SplitList(sshdDirs), filepath.SplitList(os.Getenv("PATH"))...) {
		if p, err := exec.LookPath(filepath.Join(dir, "sshd")); err == nil {
			sshd = p
			break
		}
	}
	if sshd == "" {
		t.Skip("SKIPPED: NO OPENSSH SERVER (sshd) TO SERVE SFTP; install openssh-server")
	}
	if os.Getuid() == 0 { // sshd wants its usual directory then
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	hostKey, hostLine := newKey(t, filepath.Join(dir, "host_key"))
	userKey, userLine := newKey(t, filepath.Join(dir, "user_key"))
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	authorized := write("authorized_keys", userLine)
	l, err := net.Listen("tcp", "127.0.0.1:0") // sshd can't choose a port itself
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	conf := write("sshd_config", strings.Join([]string{"ListenAddress 127.0.0.1:" + port, "HostKey " + hostKey, "AuthorizedKeysFile " + authorized,
		"PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "Subsystem sftp internal-sftp", "LogLevel INFO", "MaxStartups 100"}, "\n")+"\n")
	known := write("known_hosts", "[127.0.0.1]:"+port+" "+hostLine)
	serve(t, regexp.MustCompile(`Server listening on 127.0.0.1 port (\d+)`), sshd, "-D", "-e", "-f", conf)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	repo := filepath.Join(dir, "repo")
	return (&Place{Address: "sftp://" + me.Username + "@127.0.0.1:" + port + "/" + repo, Dir: repo,
		Env: map[string]string{"OPENCDO_SFTP_KEY_FILE": userKey, "OPENCDO_SFTP_KNOWN_HOSTS": known},
		Options: []string{"-o", "sftp.command=ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=" + known + " -i " + userKey + " -p " + port + " " +
			me.Username + "@127.0.0.1 -s sftp"}}).init()
}

// newKey makes a key pair; line is the public key as files have it.
func newKey(t testing.TB, path string) (file, line string) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(ssh.MarshalAuthorizedKey(key))
}
