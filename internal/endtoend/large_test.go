package endtoend

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

const (
	largeSize  = 300 << 20
	mostMemory = 150 << 20 // that client or server may use
)

// noise is the content of the large attachment: bytes that cannot be compressed, the same each time.
func noise() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), largeSize) }

// TestLargeAttachment takes an attachment of 300 MB through the server, a backup, a restore and a comparison. Neither the
// client nor the server may hold it. Each is a process of its own.
func TestLargeAttachment(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute and 2 GB of disk")
	}
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: HOW MUCH MEMORY A LARGE ATTACHMENT TAKES is known on Linux only")
	}
	t.Parallel()
	server := start(t, task{Do: "serve"})
	line, ok := server.line()
	c := task{Do: "large", Repo: filepath.Join(t.TempDir(), "repo")}
	if _, err := backup.Init(t.Context(), c.Repo, backup.FixedPassword(secret)); err != nil { // its password takes memory to try
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(line), &c.Box); !ok || err != nil {
		t.Fatalf("the server says %q: %v", line, err)
	}
	client := start(t, c)
	client.end()
	server.stdin.Close()
	server.end()
	said := client.said.String() + server.said.String()
	n := 0
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "memory ") {
			continue
		}
		var used int64
		var after string
		if _, err := fmt.Sscanf(line, "memory %d %q", &used, &after); err != nil {
			t.Fatal(err)
		}
		n++
		t.Logf("%s: at most %d MiB resident", after, used>>20)
		if used > mostMemory {
			t.Errorf("%s: %d MiB were resident, want %d at most", after, used>>20, mostMemory>>20)
		}
	}
	if n != 5 {
		t.Errorf("client and server said:\n%s", said)
	}
}

// copyLarge is the client's side.
func copyLarge(t *testing.T, c task) {
	ctx := t.Context()
	alice, bob, repo := c.Box["alice"].open(t), c.Box["bob"].open(t), openRepo(t, c.Repo)
	if err := writeLarge(t, folder(t, alice, mapi.RoleInbox)); err != nil {
		t.Fatal(err)
	}
	tellMemory(t, "write")
	report, err := backup.Run(ctx, alice, repo, backup.Options{Mailbox: "mailbox"})
	if err != nil || report.Copied != 1 || report.Failed > 0 {
		t.Fatal(report.Copied, report.Problems, err)
	}
	tellMemory(t, "backup")
	restored, err := backup.Restore(ctx, openSnapshot(t, repo, "latest"), "", bob, backup.RestoreOptions{})
	if err != nil || restored.Copied != 1 || restored.DifferenceCount > 0 || restored.Compared != 1 {
		t.Fatal(restored, err)
	}
	tellMemory(t, "restore and compare")
	inbox := folder(t, bob, mapi.RoleInbox)
	for row, err := range inbox.Rows(ctx, mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		want, got := sha256.New(), &largeHash{Hash: sha256.New()}
		io.Copy(want, noise())
		if err := inbox.Read(ctx, row.ID, got); err != nil {
			t.Fatal(err)
		}
		if string(got.Sum(nil)) != string(want.Sum(nil)) || got.size != largeSize {
			t.Errorf("the attachment has %d bytes, want %d, or others", got.size, largeSize)
		}
	}
	tellMemory(t, "read")
}

// writeLarge writes the item with the large attachment.
func writeLarge(t *testing.T, f mapi.Folder) error {
	w, err := f.Create(t.Context(), mapi.Normal)
	if err != nil {
		return err
	}
	defer w.Close()
	it := mail("large")
	for _, p := range it.Props {
		if err := w.Prop(p.Key, p.Value); err != nil {
			return err
		}
	}
	if err := w.Attachment(); err != nil {
		return err
	}
	for _, p := range []mapi.Prop{prop(pid.TagAttachMethod, int32(1)), prop(pid.TagAttachLongFilename, "noise.bin")} {
		if err := w.Prop(p.Key, p.Value); err != nil {
			return err
		}
	}
	if err := w.Stream(mapi.TagKey(pid.TagAttachDataBinary), largeSize, noise()); err != nil {
		return err
	}
	if err := w.End(); err != nil {
		return err
	}
	_, err = w.Commit(t.Context())
	return err
}

// largeHash is a sink that hashes the content of an attachment.
type largeHash struct {
	compare.Fingerprint
	hash.Hash
	size int64
}

func (h *largeHash) Stream(k mapi.Key, size int64, r io.Reader) error {
	if k != mapi.TagKey(pid.TagAttachDataBinary) {
		return h.Fingerprint.Stream(k, size, r)
	}
	n, err := io.Copy(h.Hash, r)
	h.size = n
	return err
}
