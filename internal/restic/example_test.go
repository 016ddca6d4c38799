package restic_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "repository")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// A real repository leaves KDF out, to take as long for one guess at the password as restic's.
	repo, err := restic.Create(ctx, restic.NewLocal(dir), "secret", &restic.Config{KDF: restic.KDF{N: 2, R: 1, P: 1}})
	if err != nil {
		log.Fatal(err)
	}
	if err := backup(ctx, repo); err != nil {
		log.Fatal(err)
	}

	repo, err = restic.Open(ctx, restic.NewLocal(dir), "secret", nil)
	if err != nil {
		log.Fatal(err)
	}
	for snapshot, err := range repo.Snapshots(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		tree, err := repo.LoadTree(ctx, *snapshot.Tree)
		if err != nil {
			log.Fatal(err)
		}
		file, err := repo.OpenFile(ctx, tree.Find("letter.txt"))
		if err != nil {
			log.Fatal(err)
		}
		content, err := io.ReadAll(file)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(snapshot.Paths, file.Size(), string(content))
	}
	// Output: [/mailbox] 11 Dear world,
}

func backup(ctx context.Context, repo *restic.Repository) error {
	lock, ctx, err := repo.Lock(ctx, false)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	w, err := repo.NewWriter(ctx)
	if err != nil {
		return err
	}
	defer w.Close()

	now := time.Now()
	node := &restic.Node{Name: "letter.txt", Type: restic.FileNode, Mode: 0o600, ModTime: now, AccessTime: now, ChangeTime: now}
	file := w.NewFile(ctx)
	if _, err := io.WriteString(file, "Dear world,"); err != nil {
		return err
	}
	if err := file.Close(node); err != nil {
		return err
	}
	root, err := w.SaveTree(ctx, &restic.Tree{Nodes: []*restic.Node{node}})
	if err != nil {
		return err
	}
	return w.SaveSnapshot(ctx, &restic.Snapshot{Time: now, Tree: &root, Paths: []string{"/mailbox"}})
}
