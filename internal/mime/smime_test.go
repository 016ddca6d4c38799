package mime

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/mapi/pid"
)

// Messages that OpenSSL signed and encrypted are still good after they were items: it verifies the signature and decrypts.
func TestOpenSSL(t *testing.T) {
	exe, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("SKIPPED: openssl is needed to sign and encrypt")
	}
	dir := t.TempDir()
	openssl := func(args ...string) []byte {
		t.Helper()
		c := exec.CommandContext(t.Context(), exe, args...)
		c.Dir = dir
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("openssl %v: %v: %s", args, err, stderr.Bytes())
		}
		return out
	}
	openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=Eva/emailAddress=eva@a.example", "-days", "2")
	text := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße, \r\nmit Leerzeichen am Ende \r\nFrom hier\r\n.\r\n"
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	head := []string{"-in", "text", "-from", "eva@a.example", "-to", "b@b.example", "-subject", "geheim"}
	for name, c := range map[string]struct {
		class       string
		make, check []string
	}{
		"clear-signed": {classClearSigned, append([]string{"cms", "-sign", "-signer", "cert.pem", "-inkey", "key.pem"}, head...), []string{"cms", "-verify", "-CAfile", "cert.pem", "-in", "message"}},
		"signed":       {classOpaque, append([]string{"cms", "-sign", "-nodetach", "-signer", "cert.pem", "-inkey", "key.pem"}, head...), []string{"cms", "-verify", "-CAfile", "cert.pem", "-in", "message"}},
		"encrypted":    {classOpaque, append(append([]string{"cms", "-encrypt", "-aes256"}, head...), "cert.pem"), []string{"cms", "-decrypt", "-recip", "cert.pem", "-inkey", "key.pem", "-in", "message"}},
	} {
		t.Run(name, func(t *testing.T) {
			msg := openssl(c.make...)
			it, err := Open(bytes.NewReader(msg), int64(len(msg)))
			if err != nil {
				t.Fatal(err)
			}
			if class := it.Props.Text(pid.TagMessageClass); class != c.class || len(it.Attachments) != 1 {
				t.Fatalf("got %s with %d attachments", class, len(it.Attachments))
			}
			var b bytes.Buffer
			if err := (WriteOptions{Sending: true}).Write(&b, it); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "message"), b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := openssl(c.check...); !bytes.Equal(bytes.TrimRight(got, "\r\n"), bytes.TrimRight([]byte(text), "\r\n")) {
				t.Errorf("got %q, want %q", got, text)
			}
		})
	}
}
