package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/backup"
)

type findCmd struct {
	Query    []string `arg:"" help:"What to look for." placeholder:"QUERY"`
	Repo     string   `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	Snapshot string   `help:"Look in this snapshot only: an id or latest/MAILBOX." placeholder:"SNAPSHOT"`
	Limit    int      `help:"No more than N, the newest first; 0: all." default:"100" placeholder:"N"`
	Deep     bool     `help:"Open the messages that no catalog lists. That takes as long as reading the mailbox from the repository, once."`
	NoCache  bool     `help:"Keep nothing of the catalogs on this machine."`
	JSON     bool     `name:"json" help:"Print facts for programs."`
}

func (findCmd) Help() string {
	return "Looks in the catalogs of the snapshots; what is found in several is shown as the newest of them has it. Words are looked for in subject, sender, recipients, names of attachments, folders and mailboxes; \"several words\" stand together. sender:, to:, subject:, attachment:, folder:, mailbox: and database: look in one place. before: and after: take 2024, 2024-03 or 2024-03-05. kind: is mail, meeting, appointment, contact, task, note, journal, post, report, folder, mailbox or the beginning of a message class. has:attachment, is:unread, is:read. A - before a term turns it around. Texts of messages are in no catalog.\n\nWhat catalogs tell depends on --metadata of the backup. Where they don't tell what was asked for, the mailboxes are named and the exit code is 3; --deep opens their messages.\n\nExamples:\n  opencdo find budget --repo /srv/mail\n  opencdo find 'sender:anna has:attachment after:2024-03 before:2024-05' --repo /srv/mail --json\n  opencdo find 'kind:appointment folder:calendar \"weekly meeting\"' --repo /srv/mail\n  opencdo find 'kind:mailbox database:DB01' --repo /srv/mail"
}

// cacheDir is where what was read of repositories is kept, sealed.
func cacheDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return "" // nothing is kept then
	}
	return filepath.Join(base, "opencdo", "find")
}

// Run finds.
func (c findCmd) Run(ctx context.Context, a *app) error {
	q, err := backup.ParseQuery(strings.Join(c.Query, " "))
	if err != nil {
		return usage("%v", err)
	}
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	o := backup.FindOptions{Snapshot: c.Snapshot, Deep: c.Deep, Limit: c.Limit, Progress: func(items int, mailbox string) { a.progress.show(clean(mailbox), items, 0, 0) }}
	if !c.NoCache {
		o.Cache = cacheDir()
	}
	r, err := repo.Find(ctx, q, o)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.printFound(r)
	}
	if len(r.Unlisted) > 0 {
		return incomplete{fmt.Sprintf("the catalogs of %d mailboxes don't list all that was asked for; --deep opens their messages", len(r.Unlisted))}
	}
	return nil
}

func (a *app) printFound(r *backup.FindReport) {
	for _, h := range r.Hits {
		switch h.Kind {
		case backup.KindMailbox:
			a.printf("mailbox      %s  %d snapshots, the last of %s", clean(h.Mailbox), h.Snapshots, h.Taken.Local().Format("2006-01-02 15:04"))
		case backup.KindFolder:
			a.printf("folder       %s  %s (%d items)", clean(h.Mailbox), clean(h.Folder), h.Items)
		default:
			date := ""
			if h.Date != nil {
				date = h.Date.Local().Format("2006-01-02 15:04")
			}
			a.printf("%-12s %-16s %-24s %s  [%s  %s]", cut(clean(h.Kind), 12), date, cut(clean(h.Sender), 24), clean(h.Subject), clean(h.Mailbox), clean(h.Folder))
		}
		if h.Address != "" {
			a.printf("    %s", clean(h.Address))
		}
	}
	for _, u := range r.Unlisted {
		a.printf("not looked through: %d snapshots of %s list %s only", u.Snapshots, clean(u.Mailbox), u.Level)
	}
	if more := r.Found - len(r.Hits); more > 0 {
		a.printf("… and %d more: --limit shows them", more)
	}
	a.printf("%d found in %d snapshots", r.Found, r.Snapshots)
}
