package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/internal/restic"
)

// keepFlags are a policy, as stock restic's forget has them.
type keepFlags struct {
	Last          int        `name:"keep-last" help:"The newest N." placeholder:"N"`
	Hourly        int        `name:"keep-hourly" help:"The newest of each of the last N hours that have any." placeholder:"N"`
	Daily         int        `name:"keep-daily" help:"The same of days." placeholder:"N"`
	Weekly        int        `name:"keep-weekly" help:"The same of weeks." placeholder:"N"`
	Monthly       int        `name:"keep-monthly" help:"The same of months." placeholder:"N"`
	Yearly        int        `name:"keep-yearly" help:"The same of years." placeholder:"N"`
	Within        backup.Age `name:"keep-within" help:"All that are not older than that before the newest: 1y6m, 14d, 36h." placeholder:"AGE"`
	WithinHourly  backup.Age `name:"keep-within-hourly" help:"The newest of each hour within that time." placeholder:"AGE"`
	WithinDaily   backup.Age `name:"keep-within-daily" help:"The same of days." placeholder:"AGE"`
	WithinWeekly  backup.Age `name:"keep-within-weekly" help:"The same of weeks." placeholder:"AGE"`
	WithinMonthly backup.Age `name:"keep-within-monthly" help:"The same of months." placeholder:"AGE"`
	WithinYearly  backup.Age `name:"keep-within-yearly" help:"The same of years." placeholder:"AGE"`
	Tags          []string   `name:"keep-tag" sep:"none" help:"All that have these tags: one, or several with commas between them. May be given several times." placeholder:"TAGS"`
}

func (k keepFlags) policy() backup.Keep {
	p := backup.Keep{Last: k.Last, Hourly: k.Hourly, Daily: k.Daily, Weekly: k.Weekly, Monthly: k.Monthly, Yearly: k.Yearly, Within: k.Within,
		WithinHourly: k.WithinHourly, WithinDaily: k.WithinDaily, WithinWeekly: k.WithinWeekly, WithinMonthly: k.WithinMonthly, WithinYearly: k.WithinYearly}
	for _, tags := range k.Tags {
		p.Tags = append(p.Tags, strings.Split(tags, ","))
	}
	return p
}

// pruneFlags say how far to prune.
type pruneFlags struct {
	MaxUnused   string `help:"How much may stay unused in packs that are used in part: a percentage, or unlimited." default:"5%" placeholder:"PERCENT"`
	RepackSmall bool   `help:"Gather small packs in larger ones."`
}

func (f pruneFlags) options(a *app, dryRun bool) (backup.PruneOptions, error) {
	o := backup.PruneOptions{GatherSmall: f.RepackSmall, DryRun: dryRun, Progress: func(p backup.PruneProgress) {
		switch {
		case p.TotalRemove > 0:
			a.progress.show("removing files", p.Removed, p.TotalRemove, 0)
		case p.TotalBytes > 0:
			a.progress.show("writing packs anew", 0, 0, p.Bytes)
		default:
			a.progress.show("finding what is used", p.Trees, 0, 0)
		}
	}}
	if f.MaxUnused == "unlimited" {
		o.MaxUnused = 100
		return o, nil
	}
	if _, err := fmt.Sscanf(strings.TrimSuffix(f.MaxUnused, "%")+"%", "%g%%", &o.MaxUnused); err != nil || o.MaxUnused < 0 || o.MaxUnused > 100 {
		return o, usage("--max-unused is a percentage or unlimited")
	}
	if o.MaxUnused == 0 {
		o.MaxUnused = -1
	}
	return o, nil
}

type forgetCmd struct {
	IDs  []string `arg:"" optional:"" name:"snapshot" help:"Forget these, whatever is to be kept." placeholder:"SNAPSHOT"`
	Repo string   `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`

	keepFlags `group:"keep"`

	Of      string   `help:"Only snapshots of this mailbox." placeholder:"MAILBOX"`
	Host    string   `help:"Only snapshots of this server." placeholder:"SERVER"`
	Tag     []string `help:"Only snapshots with all these tags." placeholder:"TAG"`
	GroupBy string   `help:"What makes snapshots belong together: host, paths (the mailbox), tags. What is to be kept is kept of each group." default:"host,paths" placeholder:"LIST"`
	DryRun  bool     `short:"n" help:"Only tell what would be done."`
	Prune   bool     `help:"Prune afterwards, if any were forgotten."`
	JSON    bool     `name:"json" help:"Print the report for programs."`

	pruneFlags `group:"prune"`
}

func (forgetCmd) Help() string {
	return "A snapshot is kept if any of the --keep flags wants it; they choose as those of restic forget do. What forgotten snapshots held stays in the repository until prune.\n\nExamples:\n  opencdo forget --repo /srv/mail --keep-daily 14 --keep-weekly 8 --keep-monthly 24 --dry-run\n  opencdo forget --repo sftp:backup@nas:/mail --of alice@contoso.test --keep-last 1 --prune\n  opencdo forget --repo /srv/mail 1f0c3a9b"
}

// forgetJSON is what --json prints.
type forgetJSON struct {
	*backup.ForgetReport
	DryRun bool                `json:"dry_run"`
	Prune  *backup.PruneReport `json:"prune,omitempty"`
}

// Run forgets.
func (c forgetCmd) Run(ctx context.Context, a *app) error {
	policy := c.policy()
	if policy.Empty() == (len(c.IDs) == 0) {
		return usage("either name snapshots, or say with --keep flags what to keep")
	}
	by, err := restic.ParseGrouping(c.GroupBy)
	if err != nil {
		return usage("%v", err)
	}
	prune, err := c.options(a, c.DryRun)
	if err != nil {
		return err
	}
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	r, err := repo.Forget(ctx, backup.ForgetOptions{IDs: c.IDs, Mailbox: c.Of, Server: c.Host, Tags: c.Tag, Keep: policy, GroupBy: &by, DryRun: c.DryRun})
	if err != nil {
		return err
	}
	out := forgetJSON{ForgetReport: r, DryRun: c.DryRun}
	if !c.JSON {
		a.printForgotten(r, c.DryRun)
	}
	if c.Prune && r.Removed > 0 && !c.DryRun {
		if out.Prune, err = repo.Prune(ctx, prune); err != nil {
			return err
		}
		if !c.JSON {
			a.printPruned(out.Prune, false)
		}
	}
	if c.JSON {
		return a.json(out)
	}
	return nil
}

func (a *app) printForgotten(r *backup.ForgetReport, dryRun bool) {
	line := func(mark string, s backup.Snapshot, why string) {
		a.printf("%s %s  %s  %-32s %s", mark, s.Short, s.Time.Local().Format("2006-01-02 15:04:05"), clean(s.Mailbox), clean(why))
	}
	for _, g := range r.Groups {
		for _, s := range g.Keep {
			line("keep  ", s.Snapshot, strings.Join(s.Reasons, ", "))
		}
		for _, s := range g.Remove {
			line("remove", s, "")
		}
	}
	done := "were removed"
	if dryRun {
		done = "would be removed"
	}
	a.printf("%d snapshots are kept, %d %s", r.Kept, r.Removed, done)
}
