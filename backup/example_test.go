package backup_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// A mailbox is backed up, and its inbox restored to another one.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "backup")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	mailbox := memstore.New(memstore.Config{}) // any mapi.Store
	inbox, _ := mailbox.Special(ctx, mapi.RoleInbox)
	f, _ := mailbox.Folder(ctx, inbox)
	mapi.WriteItem(ctx, f, mapi.Normal, &mapi.Item{Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagSubject), Value: "Notes on the engine"},
	}})

	repo, err := backup.Init(ctx, filepath.Join(dir, "repository"), backup.FixedPassword("correct horse"))
	if err != nil {
		log.Fatal(err)
	}
	saved, err := backup.Run(ctx, mailbox, repo, backup.Options{Mailbox: "ada@example.com", Server: "mail.example.com"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(saved.Copied, "item,", len(saved.Problems), "problems")

	snap, err := repo.OpenSnapshot(ctx, "latest/ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	defer snap.Close()
	other := memstore.New(memstore.Config{})
	for range 2 { // the second time all is there already
		restored, err := backup.Restore(ctx, snap, "Inbox", other, backup.RestoreOptions{})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(restored.Copied, "restored,", restored.DifferenceCount, "differences")
	}
	// Output:
	// 1 item, 0 problems
	// 1 restored, 0 differences
	// 0 restored, 0 differences
}
