package main

import (
	"bufio"
	"context"
	"io"
	"net/smtp"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
)

// TestServeMail sends mail to a mailbox of a running server.
func TestServeMail(t *testing.T) {
	b := newBench(t)
	data := filepath.Join(b.dir, "data")
	b.ok("serve", "user", "add", "alice", "--data", data, "--name", "Alice", "--password-file", b.file("pw", "Pass-word1\n"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, printed := io.Pipe()
	done := make(chan int)
	go func() {
		code := run(ctx, []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--lmtp", "127.0.0.1:0", "--relay", "smtp://127.0.0.1:1"}, strings.NewReader(""), printed, printed)
		printed.Close()
		done <- code
	}()
	lines := bufio.NewScanner(out)
	address := ""
	for lines.Scan() {
		if a, ok := strings.CutPrefix(lines.Text(), "taking mail at smtp://"); ok {
			address = a
		}
		if strings.HasPrefix(lines.Text(), "clients trust it") {
			break
		}
	}
	go io.Copy(io.Discard, out)
	c, err := smtp.Dial(address) // without TLS, which Go's client would begin
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{c.Mail("x@adatum.test"), c.Rcpt("alice@contoso.test")} {
		if step != nil {
			t.Fatal(step)
		}
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "Subject: from outside\r\n\r\ntext\r\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	c.Quit()
	cancel()
	if code := <-done; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	boxes, err := filepath.Glob(filepath.Join(data, "mailboxes", "*.db"))
	if err != nil || len(boxes) != 1 {
		t.Fatal(boxes, err)
	}
	if list := b.ok("ls", "local:"+boxes[0]+"//Inbox"); !strings.Contains(list, "from outside") {
		t.Errorf("the Inbox holds %q", list)
	}
	for flag, value := range map[string]string{"--smtp": "0.0.0.0:0", "--relay": "http://x"} {
		code, _, errs := b.run("serve", "--data", data, "--listen", "127.0.0.1:0", flag, value)
		if code == exitOK || !strings.Contains(errs, "loopback") && !strings.Contains(errs, mapi.ErrInvalidParameter.String()) {
			t.Errorf("%s %s: exit code %d, %s", flag, value, code, errs)
		}
	}
}
