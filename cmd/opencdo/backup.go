package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/mapi"
)

// openRepo opens a repository, or makes it where make is set and there is none.
func (a *app) openRepo(ctx context.Context, place string, make bool) (*backup.Repository, error) {
	password := func(ctx context.Context) (string, error) { return a.repositoryPassword(ctx, place) }
	cfg := a.config()
	storage := backup.Storage{Secrets: cfg.Secrets, CAFile: cfg.CAFile}
	repo, err := storage.Open(ctx, place, password)
	if make && errors.Is(err, backup.ErrNoRepository) {
		return storage.Init(ctx, place, password)
	}
	return repo, err
}

// mailboxName is the name that a snapshot of a store is found under, and the server that the store is on.
func (a *app) mailboxName(addr opencdo.Address) (name, server string) {
	switch addr.Scheme {
	case opencdo.SchemeExchange:
		return addr.Info.Mailbox, addr.Info.Server
	case opencdo.SchemeProfile:
		if way, err := a.connection(addr.Name); err == nil && !strings.HasPrefix(way.Mailbox, "/") {
			return way.Mailbox, way.Server
		} else if err == nil && way.SMTP != "" {
			return way.SMTP, way.Server
		}
	}
	name = strings.NewReplacer(`\`, "/").Replace(addr.Name)
	return name[strings.LastIndexByte(name, '/')+1:], string(addr.Scheme)
}

// printWays tells how folders were backed up, and why: those read whole by their reasons.
func (a *app) printWays(r backup.Copy) {
	followed := 0
	reasons := map[string][]string{}
	var order []string
	for _, f := range r.Folders {
		switch f.Way {
		case backup.WayChanges:
			followed++
		case backup.WayFull:
			if reasons[f.Why] == nil {
				order = append(order, f.Why)
			}
			reasons[f.Why] = append(reasons[f.Why], f.Path)
		}
	}
	if followed > 0 {
		a.printf("%d folders: only what changed was read", followed)
	}
	for _, why := range order {
		names := reasons[why]
		if len(names) == len(r.Folders) {
			a.printf("all folders were read whole: %s", clean(why))
			continue
		}
		more := ""
		if len(names) > 1 {
			more = fmt.Sprintf(" and %d more", len(names)-1)
		}
		a.printf("%s%s: read whole: %s", clean(names[0]), more, clean(why))
	}
}

// printProblems names what was not copied, and what was copied otherwise than one may expect.
func (a *app) printProblems(r backup.Copy) {
	alike := map[string]int{}
	for _, n := range r.Notes {
		alike[n.Text]++
	}
	for _, n := range r.Notes {
		count, first := alike[n.Text]
		if !first {
			continue
		}
		delete(alike, n.Text)
		more := ""
		if count > 1 {
			more = fmt.Sprintf(" (and %d more like it)", count-1)
		}
		a.printf("note: %s%s", clean(n.String()), more)
	}
	for _, p := range r.Problems {
		a.printf("failed: %s", clean(p.String()))
	}
}

type snapshotsCmd struct {
	Repo string `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	Of   string `help:"Only snapshots of this mailbox." placeholder:"MAILBOX"`
	JSON bool   `name:"json" help:"Print facts for programs."`
}

func (snapshotsCmd) Help() string {
	return "Examples:\n  opencdo snapshots --repo /srv/mail\n  opencdo snapshots --repo /srv/mail --of alice@contoso.test --json"
}

// Run lists snapshots.
func (c snapshotsCmd) Run(ctx context.Context, a *app) error {
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	list, err := repo.Snapshots(ctx, c.Of)
	if c.JSON {
		if list == nil {
			list = []backup.Snapshot{}
		}
		if jerr := a.json(list); err == nil {
			err = jerr
		}
		return err
	}
	for _, s := range list {
		a.printf("%s  %s  %-32s %9s  %s", s.Short, s.Time.Local().Format("2006-01-02 15:04:05"), clean(s.Mailbox), size(int64(s.Bytes)), clean(s.Server))
	}
	if err == nil && len(list) == 0 {
		a.printf("no snapshots")
	}
	return err
}

type restoreCmd struct {
	Snapshot string `arg:"" help:"What to recover: an id of a snapshot or latest/MAILBOX, with --repo, or a whole snapshot: address; a path in it may follow." placeholder:"SNAPSHOT[//PATH]"`
	To       string `required:"" help:"The store to recover to, or a folder in it." placeholder:"STORE[//PATH]"`
	Repo     string `help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	Jobs     int    `help:"How many items to write at once." default:"4" placeholder:"N"`
	NoProof  bool   `help:"Don't compare what was restored with the snapshot afterwards."`
	JSON     bool   `name:"json" help:"Print the report for programs."`
}

func (restoreCmd) Help() string {
	return "Items that the destination has already are left as they are: a restore that was interrupted is finished by running it again, and restoring twice changes nothing. Afterwards what was restored is compared with the snapshot, property by property.\n\nExamples:\n  opencdo restore latest/alice@contoso.test --repo /srv/mail --to exchange:alice@contoso.test@mail.contoso.test\n  opencdo restore 1f0c3a9b//Inbox/2019 --repo /srv/mail --to msg:rescued\n  opencdo restore \"latest/alice@contoso.test//Inbox/#12\" --repo /srv/mail --to exchange:bob@contoso.test@mail.contoso.test//Inbox"
}

// Run restores.
func (c restoreCmd) Run(ctx context.Context, a *app) error {
	address := c.Snapshot
	if !strings.HasPrefix(strings.ToLower(address), string(opencdo.SchemeSnapshot)+":") {
		if c.Repo == "" {
			return usage("--repo names the repository of the snapshot")
		}
		address = string(opencdo.SchemeSnapshot) + ":" + c.Repo + "#" + c.Snapshot
	}
	src, from, err := a.openPlace(ctx, address, reading)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, addr, err := a.open(ctx, c.To, writing)
	if err != nil {
		return err
	}
	defer dst.Close()
	o := backup.RestoreOptions{Jobs: c.Jobs, NoProof: c.NoProof, Progress: a.transferProgress,
		ProofProgress: func(_, items int, folder string) { a.progress.show("comparing "+folder, items, 0, 0) }}
	if addr.Path != "" {
		to, err := makePath(ctx, dst, addr.Path)
		if err != nil {
			return err
		}
		o.Into = to.ID()
	}
	if from.Item != "" {
		o.Items = []mapi.EntryID{from.Item}
		if o.Into == "" {
			to, err := makePath(ctx, dst, from.Path)
			if err != nil {
				return err
			}
			o.Into = to.ID()
		}
	}
	a.progress.begin()
	r, err := backup.Restore(ctx, src, slashPath(from.Path), dst, o)
	if err != nil {
		a.printProblems(r.Copy)
		return err
	}
	if c.JSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.printRestored(r)
	}
	if len(r.Problems) > 0 || r.DifferenceCount > 0 {
		return incomplete{fmt.Sprintf("%d problems, %d differences", len(r.Problems), r.DifferenceCount)}
	}
	return nil
}

func (a *app) printRestored(r *backup.RestoreReport) {
	a.printProblems(r.Copy)
	a.printf("%d items restored (%s), %d were there already, %d failed", r.Copied, size(r.Bytes), r.Skipped, r.Failed)
	if !r.Proved {
		return
	}
	for _, d := range r.Differences {
		a.printDifference(d)
	}
	a.printf("compared %d items with the snapshot: %d differences", r.Compared, r.DifferenceCount)
}

// slashPath is a path as package backup reads it.
func slashPath(path string) string {
	names := opencdo.SplitPath(path)
	for i, n := range names {
		names[i] = strings.NewReplacer("%", "%25", "/", "%2F").Replace(n)
	}
	return strings.Join(names, "/")
}

// makePath finds a folder and makes those that are missing on the way.
func makePath(ctx context.Context, st mapi.Store, path string) (mapi.Folder, error) {
	p, err := opencdo.Find(ctx, st, "")
	if err != nil {
		return nil, err
	}
	f := p.Folder
	for _, name := range opencdo.SplitPath(path) {
		next, err := childOf(ctx, st, f, name)
		if err != nil {
			return nil, err
		}
		if next == nil {
			if next, err = f.CreateFolder(ctx, name, nil); err != nil {
				return nil, err
			}
		}
		f = next
	}
	return f, nil
}

func childOf(ctx context.Context, st mapi.Store, f mapi.Folder, name string) (mapi.Folder, error) {
	for x, err := range f.Folders(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(x.Name, name) {
			return st.Folder(ctx, x.ID)
		}
	}
	return nil, nil
}
