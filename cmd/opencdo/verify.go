package main

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/backup"
)

type verifyCmd struct {
	Repo     string `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	ReadData bool   `help:"Read every byte, and open every item."`
	JSON     bool   `name:"json" help:"Print the report for programs."`
}

func (verifyCmd) Help() string {
	return "Examples:\n  opencdo verify --repo /srv/mail\n  opencdo verify --repo /srv/mail --read-data"
}

// Run verifies a repository.
func (c verifyCmd) Run(ctx context.Context, a *app) error {
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	r, err := repo.Verify(ctx, backup.VerifyOptions{ReadData: c.ReadData, Progress: func(p backup.VerifyProgress) {
		a.progress.show("verifying", p.Items, 0, p.Bytes)
	}})
	if err != nil {
		return err
	}
	if c.JSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		for _, m := range r.Messages {
			a.printf("damaged: %s", clean(m))
		}
		a.printf("%d snapshots, %d packs (%s), %d blobs, %d items read: %d faults", r.Snapshots, r.Packs, size(r.PackBytes), r.Blobs, r.Items, r.Faults)
	}
	if r.Faults > 0 {
		return fmt.Errorf("%w: %d faults in %s", backup.ErrDamaged, r.Faults, c.Repo)
	}
	return nil
}
