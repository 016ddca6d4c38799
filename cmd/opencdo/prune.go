package main

import (
	"context"

	"github.com/opencdo/opencdo/backup"
)

type pruneCmd struct {
	Repo   string `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	DryRun bool   `short:"n" help:"Only tell what would be done."`
	JSON   bool   `name:"json" help:"Print the report for programs."`

	pruneFlags `group:"prune"`
}

func (pruneCmd) Help() string {
	return "Nobody else can use the repository meanwhile. Prune may be interrupted at any moment; no snapshot loses anything.\n\nExamples:\n  opencdo prune --repo /srv/mail --dry-run\n  opencdo prune --repo s3:https://s3.example.com/mail --max-unused 10%"
}

// Run prunes.
func (c pruneCmd) Run(ctx context.Context, a *app) error {
	o, err := c.options(a, c.DryRun)
	if err != nil {
		return err
	}
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	r, err := repo.Prune(ctx, o)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			*backup.PruneReport
			DryRun bool `json:"dry_run"`
		}{r, c.DryRun})
	}
	a.printPruned(r, c.DryRun)
	return nil
}

func (a *app) printPruned(r *backup.PruneReport, dryRun bool) {
	a.printf("%s in %d packs: %s used by %d snapshots, %s unused", size(r.Bytes), r.Packs, size(r.UsedBytes), r.Snapshots, size(r.UnusedBytes))
	if dryRun {
		a.printf("%d packs (%s) would be removed, %d of them after %s was written anew", r.RemovedPacks, size(r.RemovedBytes), r.RepackedPacks, size(r.RepackedBytes))
		return
	}
	a.printf("%d packs (%s) were removed, %d of them after %s was written anew; %s freed", r.RemovedPacks, size(r.RemovedBytes), r.RepackedPacks, size(r.RepackedBytes),
		size(max(r.RemovedBytes-r.AddedBytes, 0)))
}

type unlockCmd struct {
	Repo string `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	All  bool   `name:"remove-all" help:"Remove all locks, even of processes that may be at work. Be sure that there are none."`
	JSON bool   `name:"json" help:"Print facts for programs."`
}

func (unlockCmd) Help() string {
	return "Locks are removed whose process on this machine is gone, and those that nobody has renewed for half an hour. Other commands do that, too.\n\nExamples:\n  opencdo unlock --repo /srv/mail\n  opencdo unlock --repo sftp:backup@nas:/mail --remove-all"
}

// Run removes locks.
func (c unlockCmd) Run(ctx context.Context, a *app) error {
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	n, err := repo.Unlock(ctx, c.All)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			Removed int `json:"removed"`
		}{n})
	}
	a.printf("%d locks removed", n)
	return nil
}
