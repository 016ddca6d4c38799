package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
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
