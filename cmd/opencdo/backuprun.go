package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/mapi"
)

type backupCmd struct {
	Store    string   `arg:"" optional:"" help:"The mailbox to back up. Without it --database, --all or --list name many." placeholder:"STORE"`
	Repo     string   `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH; it is made if it isn't there." placeholder:"REPO"`
	Name     string   `help:"Address under which the snapshot is found again. Default: the mailbox's name in STORE." placeholder:"MAILBOX"`
	Database string   `help:"Back up all mailboxes of this database of --server: the last part of its DN, or all of it." placeholder:"NAME"`
	All      bool     `help:"Back up all mailboxes of --server."`
	List     string   `help:"Back up the mailboxes of --server that stand in this file, one address or alias a line; - is standard input." placeholder:"FILE"`
	Filter   []string `help:"Of these, only mailboxes whose address, alias or name fits, with * and ? for what may stand there." placeholder:"PATTERN"`
	Metadata string   `help:"What the snapshot lists, so that it can be browsed and searched without opening messages: mailboxes, folders (too) or messages (too). Default: mailboxes of many, messages of one." enum:",mailboxes,folders,messages" default:"" placeholder:"LEVEL"`
	Tag      []string `help:"Note this with the snapshot." placeholder:"TAG"`
	Jobs     int      `help:"How many items to read at once; of many mailboxes, how many mailboxes." default:"4" placeholder:"N"`
	Full     bool     `help:"Read the whole mailbox, even where it tells what changed since the last snapshot."`
	JSON     bool     `name:"json" help:"Print the report for programs."`
}

func (backupCmd) Help() string {
	return "Everything that was read is stored encrypted, each attachment once. A mailbox on a server tells what changed since its last snapshot, and only that is read; where it cannot tell, all is read and compared, and the report says why. Items that cannot be read are named and the run goes on; the exit code is 3 then. A run that was interrupted leaves no snapshot, but the next one does not store again what it stored.\n\nThe mailboxes of a whole database are found in the server's address book and opened with administrator rights by the user that --user names, --jobs of them at a time. --sessions is how many sessions of that user the server sees in all, 16 if nothing is said: servers allow some 32. A mailbox that cannot be opened is named, the others are backed up, and the exit code is 3.\n\nExamples:\n  opencdo backup exchange:alice@contoso.test@mail.contoso.test --repo /srv/mail\n  opencdo backup local:alice.db --repo /srv/mail --name alice@contoso.test --repo-password-file /etc/opencdo/repo\n  opencdo backup --server https://mail.contoso.test --user admin@contoso.test --database DB01 --repo /srv/db01\n  opencdo backup --server https://mail.contoso.test --user admin@contoso.test --all --filter \"*@sales.contoso.test\" --repo /srv/sales --jobs 8 --metadata messages\n  opencdo backup --server https://mail.contoso.test --user admin@contoso.test --list mailboxes.txt --repo /srv/mail --json"
}

// Run backs up.
func (c backupCmd) Run(ctx context.Context, a *app) error {
	chosen := 0
	for _, yes := range []bool{c.Store != "", c.Database != "", c.All, c.List != ""} {
		if yes {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return usage("backup takes one of STORE, --database, --all and --list")
	case c.Store != "" && len(c.Filter) > 0:
		return usage("--filter goes with --database, --all or --list")
	case c.Store != "":
		return c.one(ctx, a)
	case c.Name != "":
		return usage("--name goes with a STORE; of many mailboxes each is found under its own address")
	case a.Server == "":
		return usage("--server names the server of the mailboxes")
	case a.User == "":
		return usage("--user names the administrator who opens the mailboxes")
	}
	return c.many(ctx, a)
}

func (c backupCmd) options() backup.Options {
	return backup.Options{Tags: c.Tag, Full: c.Full, Metadata: backup.Level(c.Metadata)}
}

// one backs one mailbox up.
func (c backupCmd) one(ctx context.Context, a *app) error {
	st, addr, err := a.open(ctx, c.Store, reading)
	if err != nil {
		return err
	}
	defer st.Close()
	if addr.Path != "" {
		return usage("backup takes a whole store; \"opencdo cp\" copies a folder")
	}
	repo, err := a.openRepo(ctx, c.Repo, true)
	if err != nil {
		return err
	}
	o := c.options()
	o.Mailbox, o.Server = a.mailboxName(addr)
	if c.Name != "" {
		o.Mailbox = c.Name
	}
	o.Jobs, o.Progress = c.Jobs, a.transferProgress
	a.progress.begin()
	r, err := backup.Run(ctx, st, repo, o)
	if err != nil {
		a.printProblems(r.Copy)
		return err
	}
	if c.JSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.printBackup(o.Mailbox, r)
	}
	if len(r.Problems) > 0 {
		return incomplete{fmt.Sprintf("%d items or folders could not be read; the rest is backed up", len(r.Problems))}
	}
	if names := refused(r.Parts); len(names) > 0 {
		return incomplete{"not given by the mailbox: " + strings.Join(names, ", ") + "; the rest is backed up"}
	}
	return nil
}

func (a *app) printBackup(name string, r *backup.Report) {
	a.printProblems(r.Copy)
	a.printWays(r.Copy)
	a.printParts(r.Parts)
	a.printf("snapshot %s of %s: %d items (%s) in %v; %s new, %s stored", r.Snapshot.Short, clean(name), r.Copied+r.Skipped,
		size(r.Bytes), r.Ended.Sub(r.Started).Round(100*time.Millisecond), size(int64(r.Added)), size(int64(r.Stored)))
}

// printParts tells of each part of a mailbox what became of it.
func (a *app) printParts(parts []backup.Part) {
	for _, p := range parts {
		line := fmt.Sprintf("%-26s %s", p.Name+":", p.State)
		if p.Count > 0 {
			line += fmt.Sprintf(" (%d)", p.Count)
		}
		for _, more := range []string{p.Error, p.Note} {
			if more != "" {
				line += "; " + clean(more)
			}
		}
		a.printf("%s", line)
	}
}

// refused tells whether a part of a mailbox was refused that isn't among the problems.
func refused(parts []backup.Part) (names []string) {
	for _, p := range parts {
		if p.State == backup.StateRefused {
			names = append(names, p.Name)
		}
	}
	return names
}

// sessionBudget is how many sessions a run over many mailboxes uses at most if nothing is said: Exchange refuses a user the
// 33rd, and people may be logged on as the same user meanwhile.
const sessionBudget = 16

// many backs many mailboxes up.
func (c backupCmd) many(ctx context.Context, a *app) error {
	boxes, err := c.mailboxes(ctx, a)
	if err != nil {
		return err
	}
	if len(boxes) == 0 {
		return &mapi.Error{Op: "find mailboxes", Object: a.Server, Code: mapi.ErrNotFound, Err: fmt.Errorf("no mailbox of the address book fits; \"opencdo mailboxes\" lists them with their databases")}
	}
	repo, err := a.openRepo(ctx, c.Repo, true)
	if err != nil {
		return err
	}
	budget := a.Sessions
	if budget <= 0 {
		budget = sessionBudget
	}
	parallel := max(min(c.Jobs, len(boxes), budget), 1)
	each := max(budget/parallel, 1)
	cfg := a.config()
	cfg.Admin, cfg.ReadOnly, cfg.Sessions = true, true, each
	list := make([]backup.Mailbox, len(boxes))
	for i, b := range boxes {
		list[i] = backup.Mailbox{Address: b.entry.Address, Name: b.entry.Name, Server: a.Server, Database: b.entry.Database,
			Open: func(ctx context.Context) (mapi.Store, error) {
				if b.err != nil {
					return nil, b.err
				}
				return opencdo.OpenMailbox(ctx, a.Server, b.entry, cfg)
			}}
	}
	o := backup.ManyOptions{Options: c.options(), Parallel: parallel, ProgressOfAll: func(p backup.ManyProgress) {
		a.progress.show(fmt.Sprintf("%d of %d mailboxes  %s", p.Mailboxes, p.MailboxesTotal, clean(p.Mailbox)), p.Items, p.ItemsTotal, p.Bytes)
	}}
	o.Jobs = each
	if c.Metadata == "" {
		o.Metadata = backup.LevelMailboxes
	}
	a.progress.begin()
	r, err := backup.RunMany(ctx, list, repo, o)
	if c.JSON {
		if jerr := a.json(r); err == nil {
			err = jerr
		}
	} else {
		a.printMany(r)
	}
	if err != nil {
		return err
	}
	if r.Incomplete+r.Failed > 0 {
		return incomplete{fmt.Sprintf("%d mailboxes could not be backed up, %d not wholly; %d are", r.Failed, r.Incomplete, r.Done)}
	}
	return nil
}

// chosenMailbox is a mailbox to be backed up, or why it isn't known.
type chosenMailbox struct {
	entry opencdo.MailboxEntry
	err   error
}

// mailboxes finds those that the flags name.
func (c backupCmd) mailboxes(ctx context.Context, a *app) ([]chosenMailbox, error) {
	names, err := c.listed(a)
	if err != nil || c.List != "" && len(names) == 0 {
		return nil, err
	}
	var boxes []chosenMailbox
	seen := map[string]bool{}
	for e, err := range opencdo.Mailboxes(ctx, a.Server, a.config(), names...) {
		if err != nil && e.Address == "" {
			return nil, err
		}
		key := strings.ToLower(e.Address)
		if err == nil && (c.Database != "" && !inDatabase(e, c.Database) || !fits(e, c.Filter)) || seen[key] {
			continue
		}
		seen[key] = true
		boxes = append(boxes, chosenMailbox{e, err})
		a.progress.show("found", len(boxes), 0, 0)
	}
	return boxes, ctx.Err()
}

// listed reads the file of addresses.
func (c backupCmd) listed(a *app) (names []string, err error) {
	if c.List == "" {
		return nil, nil
	}
	in := a.stdin
	if c.List != "-" {
		f, err := os.Open(c.List)
		if err != nil {
			return nil, fileError(c.List, err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(strings.TrimPrefix(line, "\uFEFF")); line != "" {
			names = append(names, line)
		}
	}
	return names, lines.Err()
}

// inDatabase tells whether a mailbox lies in a database, which its name or its DN names.
func inDatabase(e opencdo.MailboxEntry, name string) bool {
	return strings.EqualFold(e.Database, name) || strings.EqualFold("cn="+e.Database, name[strings.LastIndexByte(name, '/')+1:])
}

// fits tells whether a mailbox fits one of the patterns, or there are none.
func fits(e opencdo.MailboxEntry, patterns []string) bool {
	for _, p := range patterns {
		for _, s := range []string{e.Address, e.Alias, e.Name} {
			if ok, err := path.Match(strings.ToLower(p), strings.ToLower(s)); ok && err == nil {
				return true
			}
		}
	}
	return len(patterns) == 0
}

func (a *app) printMany(r *backup.ManyReport) {
	for _, b := range r.Mailboxes {
		name := clean(b.Address)
		if b.Report != nil && b.Outcome != backup.OutcomeDone {
			a.printProblems(b.Report.Copy)
			a.printParts(b.Report.Parts)
		}
		switch {
		case b.Err != nil:
			a.printf("%-11s %s: %s", b.Outcome, name, clean(b.Error))
		case b.Report == nil:
			a.printf("%-11s %s", b.Outcome, name)
		default:
			a.printf("%-11s %s: snapshot %s, %d items (%s), %d problems", b.Outcome, name, b.Report.Snapshot.Short,
				b.Report.Copied+b.Report.Skipped, size(b.Report.Bytes), len(b.Report.Problems))
		}
	}
	a.printf("%d mailboxes backed up, %d not wholly, %d failed, %d not begun: %d items (%s) in %v; %s new, %s stored", r.Done, r.Incomplete,
		r.Failed, r.NotBegun, r.Items, size(r.Bytes), r.Ended.Sub(r.Started).Round(100*time.Millisecond), size(int64(r.Added)), size(int64(r.Stored)))
}

type mailboxesCmd struct {
	Database string   `help:"Only those of this database." placeholder:"NAME"`
	Filter   []string `help:"Only mailboxes whose address, alias or name fits, with * and ? for what may stand there." placeholder:"PATTERN"`
	JSON     bool     `name:"json" help:"Print facts for programs."`
}

func (mailboxesCmd) Help() string {
	return "Examples:\n  opencdo mailboxes --server https://mail.contoso.test --user admin@contoso.test\n  opencdo mailboxes --server https://mail.contoso.test --user admin@contoso.test --database DB01 --json"
}

// Run lists the mailboxes of a server with their databases.
func (c mailboxesCmd) Run(ctx context.Context, a *app) error {
	if a.Server == "" || a.User == "" {
		return usage("--server names the server, --user who logs on")
	}
	list := []opencdo.MailboxEntry{}
	for e, err := range opencdo.Mailboxes(ctx, a.Server, a.config()) {
		if err != nil {
			return err
		}
		if c.Database != "" && !inDatabase(e, c.Database) || !fits(e, c.Filter) {
			continue
		}
		list = append(list, e)
		if !c.JSON {
			a.printf("%-24s %-32s %s", clean(e.Database), clean(e.Address), clean(e.Name))
		}
	}
	if c.JSON {
		return a.json(list)
	}
	return nil
}
