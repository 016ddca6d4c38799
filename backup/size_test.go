package backup

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// fullSetEnv makes the size test use the whole standard set of mail instead of a part of it.
const fullSetEnv = "OPENCDO_FULL_MAIL_SET"

// size is the bytes of all files of a directory.
func size(t testing.TB, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Mail whose attachments repeat takes a fifth, at most, of what stock restic makes of the same .msg files.
func TestRepositoryIsSmall(t *testing.T) {
	part := 20
	switch {
	case os.Getenv(fullSetEnv) != "":
		part = 1
	case testing.Short():
		part = 80
	}
	if part > 1 {
		t.Logf("1/%d of the standard set of mail; set %s for all of it", part, fullSetEnv)
	}
	repo := newRepo(t)
	s := newStock(t, repo.place)
	src := standardSet(part).mailbox(t)

	start := time.Now()
	report := run(t, src, repo)
	took := time.Since(start)
	start = time.Now()
	if again := run(t, src, repo); again.Added != 0 {
		t.Errorf("an unchanged mailbox added %d bytes", again.Added)
	}
	tookAgain := time.Since(start)

	files := t.TempDir()
	s.run("restore", report.Snapshot.ID, "--target", files)
	other := newStock(t, filepath.Join(t.TempDir(), "repo"))
	other.run("init")
	other.run("backup", files)
	ours, stocks, raw := size(t, repo.place), size(t, other.repo), size(t, files)
	t.Logf("%d items, %.1f MB of .msg files: %.1f MB here (%.1f times smaller), %.1f MB with stock restic; %v, again %v",
		report.Copied, mb(raw), mb(ours), float64(stocks)/float64(ours), mb(stocks), took.Round(time.Millisecond), tookAgain.Round(time.Millisecond))
	if stocks < 5*ours {
		t.Errorf("stock restic's repository of the same files is only %.1f times larger", float64(stocks)/float64(ours))
	}
}

func mb(n int64) float64 { return float64(n) / 1e6 }

func BenchmarkBackup(b *testing.B) {
	src := standardSet(20).mailbox(b)
	for b.Loop() {
		report := run(b, src, newRepo(b))
		b.SetBytes(report.Bytes)
		b.ReportMetric(float64(report.Copied)/report.Ended.Sub(report.Started).Seconds(), "items/s")
	}
}

func BenchmarkList(b *testing.B) {
	repo := newRepo(b)
	run(b, mailSet{Messages: 5000, Folders: 1}.mailbox(b), repo)
	snap := openSnapshot(b, repo, "latest")
	id, err := FindFolder(b.Context(), snap, "Folder 00")
	if err != nil {
		b.Fatal(err)
	}
	f, err := snap.Folder(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	q := mapi.Query{Columns: []mapi.Key{mapi.TagKey(0x0037001F), mapi.TagKey(0x0E060040)}, Sort: []mapi.Sort{{Key: mapi.TagKey(0x0E060040)}}}
	for b.Loop() {
		for _, err := range f.Rows(b.Context(), q) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
