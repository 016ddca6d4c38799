package backup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
)

// repoFiles lists the files of one of the repository's directories.
func repoFiles(t *testing.T, r *Repository, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(filepath.Join(r.place, dir), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// flip changes a byte in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// manyPacks is a repository that keeps its data in small packs, so that damage meets few items.
func manyPacks(t *testing.T) *Repository {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	r, err := restic.Create(t.Context(), restic.NewLocal(dir), secret, &restic.Config{KDF: cheap.KDF, PackSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return &Repository{dir, r}
}

// damagedPack backs a mailbox up and damages a pack of data that belongs to some of its items.
func damagedPack(t *testing.T, damage func(path string)) (repo *Repository, src mapi.Store) {
	t.Helper()
	repo, src = manyPacks(t), mailSet{Messages: 200, Folders: 2, Files: 20, MaxFile: 50_000}.mailbox(t)
	run(t, src, repo)
	for _, path := range repoFiles(t, repo, "data") {
		if info, err := os.Stat(path); err == nil && info.Size() > 64<<10 { // full: not the last one, of catalogs and the like
			damage(path)
			return repo, src
		}
	}
	t.Fatal("there is no full pack")
	return nil, nil
}

// What damage spares comes back, what it meets is named, and a new backup makes it whole again where the blobs are known to
// be missing.
func TestDamagedPack(t *testing.T) {
	for name, damage := range map[string]func(*testing.T, string){
		"changed": flip,
		"missing": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo, _ := damagedPack(t, func(path string) { damage(t, path) })
			report, err := reopened(t, repo).Verify(t.Context(), VerifyOptions{ReadData: true})
			if err != nil || report.Faults == 0 || len(report.Errors) == 0 {
				t.Errorf("verify: %+v, %v", report, err)
			}
			dst := memstore.New(memstore.Config{})
			r, err := Restore(t.Context(), openSnapshot(t, reopened(t, repo), "latest"), "", dst, RestoreOptions{NoProof: true})
			if err != nil {
				t.Fatal(err)
			}
			if r.Failed == 0 || r.Copied < 100 || r.Copied+r.Failed != 200 || len(r.Problems) != r.Failed {
				t.Errorf("%d restored, %d failed, %d problems", r.Copied, r.Failed, len(r.Problems))
			}
			for _, p := range r.Problems {
				var damaged *DamagedError
				if p.Item == "" || !(errors.Is(p.Err, ErrDamaged) && errors.As(p.Err, &damaged) || errors.Is(p.Err, fs.ErrNotExist)) {
					t.Errorf("problem: %v (%T)", p, p.Err)
				}
			}
		})
	}
}

func TestDamagedIndex(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	run(t, src, repo)
	flip(t, repoFiles(t, repo, "index")[0])
	if _, err := reopened(t, repo).OpenSnapshot(t.Context(), "latest"); !errors.Is(err, ErrDamaged) {
		t.Errorf("open a snapshot: %v", err)
	}
	if _, err := Run(t.Context(), src, reopened(t, repo), Options{Mailbox: mailbox}); !errors.Is(err, ErrDamaged) {
		t.Errorf("back up: %v", err)
	}
	if report, err := reopened(t, repo).Verify(t.Context(), VerifyOptions{}); err != nil || report.Faults == 0 || !errors.Is(report.Errors[0], ErrDamaged) {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

func TestDamagedSnapshot(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	run(t, src, repo)
	flip(t, repoFiles(t, repo, "snapshots")[0])
	report := run(t, src, reopened(t, repo)) // the damaged one isn't needed
	if len(report.Notes) != 1 {
		t.Errorf("notes: %v", report.Notes)
	}
	list, err := reopened(t, repo).Snapshots(t.Context(), "")
	if len(list) != 1 || !errors.Is(err, ErrDamaged) {
		t.Errorf("list: %+v, %v", list, err)
	}
	same(t, src, openSnapshot(t, reopened(t, repo), report.Snapshot.Short))
	// Which is the latest cannot be told.
	if _, err := reopened(t, repo).OpenSnapshot(t.Context(), "latest"); !errors.Is(err, ErrDamaged) {
		t.Errorf("open the latest: %v", err)
	}
}

func TestVerify(t *testing.T) {
	repo, src := newRepo(t), filled(t)
	run(t, src, repo)
	run(t, src, repo)
	var last VerifyProgress
	report, err := repo.Verify(t.Context(), VerifyOptions{ReadData: true, Progress: func(p VerifyProgress) { last = p }})
	if err != nil || report.Faults != 0 || report.Snapshots != 2 || report.Items < 22 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	if last.Items != report.Items || last.Bytes != last.TotalBytes || last.Bytes == 0 || last.Directories == 0 {
		t.Errorf("the last progress is %+v", last)
	}
}
