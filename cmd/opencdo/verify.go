package main

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/backup"
)

type verifyCmd struct {
	Repo     string  `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	ReadData bool    `help:"Read every byte, and open every item." xor:"read"`
	Sample   float64 `help:"Read every byte of this many percent of the repository, chosen at random." placeholder:"PERCENT" xor:"read"`
	JSON     bool    `name:"json" help:"Print the report for programs."`
}

func (verifyCmd) Help() string {
	return "Examples:\n  opencdo verify --repo /srv/mail\n  opencdo verify --repo /srv/mail --read-data\n  opencdo verify --repo /srv/mail --sample 5"
}

// Run verifies a repository.
func (c verifyCmd) Run(ctx context.Context, a *app) error {
	if c.Sample < 0 || c.Sample > 100 {
		return usage("--sample is a percentage")
	}
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	r, err := repo.Verify(ctx, backup.VerifyOptions{ReadData: c.ReadData, Sample: c.Sample, Progress: func(p backup.VerifyProgress) {
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
		a.printf("%d snapshots, %d packs (%s), %d blobs; %d packs (%s) and %d items read: %d faults", r.Snapshots, r.Packs, size(r.PackBytes), r.Blobs,
			r.ReadPacks, size(r.ReadBytes), r.Items, r.Faults)
	}
	if r.Faults > 0 {
		return fmt.Errorf("%w: %d faults in %s", backup.ErrDamaged, r.Faults, c.Repo)
	}
	return nil
}
