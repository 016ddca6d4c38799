package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/mapi"
)

type restoreCmd struct {
	Snapshot    string `arg:"" help:"What to recover: an id of a snapshot or latest/MAILBOX, with --repo, or a whole snapshot: address; a path in it may follow." placeholder:"SNAPSHOT[//PATH]"`
	To          string `required:"" help:"The store to recover to, or a folder in it." placeholder:"STORE[//PATH]"`
	Repo        string `help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	Jobs        int    `help:"How many items to write at once." default:"4" placeholder:"N"`
	OnExisting  string `help:"What to do about items that the destination has but otherwise: skip leaves them, replace gives them the content of the snapshot, copy puts that beside them." enum:"skip,replace,copy" default:"skip" placeholder:"POLICY"`
	Permissions bool   `help:"Give folders the permissions that they had, beside those that they have."`
	Rules       bool   `help:"Add the rules that folders had and have no more."`
	DryRun      bool   `help:"Change nothing, tell what would be done."`
	NoProof     bool   `help:"Don't compare what was restored with the snapshot afterwards."`
	JSON        bool   `name:"json" help:"Print the report for programs."`
}

func (restoreCmd) Help() string {
	return "Items that the destination has are known by source key, in the mailbox that the snapshot is of, else by search key. Those that are equal are left alone, whatever --on-existing says: a restore that was interrupted is finished by running it again, and restoring twice changes nothing. Afterwards what was restored is compared with the snapshot, property by property; the result is printed and kept in the repository (\"opencdo proofs\"). With skip, items that were changed since the snapshot stay so and are named as differences; the exit code is 3 then.\n\nExamples:\n  opencdo restore latest/alice@contoso.test --repo /srv/mail --to exchange:alice@contoso.test@mail.contoso.test\n  opencdo restore 1f0c3a9b//Inbox/2019 --repo /srv/mail --to msg:rescued\n  opencdo restore 1f0c3a9b//Inbox --repo /srv/mail --to eml:rescued\n  opencdo restore \"latest/alice@contoso.test//Inbox/#12\" --repo /srv/mail --to exchange:bob@contoso.test@mail.contoso.test//Inbox\n  opencdo restore latest/alice@contoso.test --repo /srv/mail --to exchange:alice@contoso.test@mail.contoso.test --on-existing replace --dry-run"
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
	if c.DryRun {
		dst = backup.WithoutChanges(dst)
	}
	o := backup.RestoreOptions{Jobs: c.Jobs, OnExisting: backup.OnExisting(c.OnExisting), DryRun: c.DryRun, NoProof: c.NoProof, Permissions: c.Permissions, Rules: c.Rules, Deleted: from.Kind == mapi.SoftDeleted, Progress: a.transferProgress,
		ProofProgress: func(_, items int, folder string) { a.progress.show("comparing "+folder, items, 0, 0) }}
	if addr.Scheme == opencdo.SchemeEml && !c.NoProof {
		o.NoProof = true
		a.note("files of this kind hold of a message what MIME can: nothing is compared afterwards, and associated messages stay behind")
	}
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
	kept, err := c.keepProof(ctx, a, address, from.Path, r)
	if err != nil {
		a.printRestored(r)
		return err
	}
	if c.JSON {
		err = a.json(struct {
			*backup.RestoreReport
			Proof string `json:"proof,omitempty"`
		}{r, kept})
		if err != nil {
			return err
		}
	} else {
		a.printRestored(r)
		if kept != "" {
			a.printf("the proof is kept in snapshot %s", kept)
		}
	}
	for _, p := range r.Tables {
		if p.State == backup.StateRefused {
			return incomplete{fmt.Sprintf("%s were not restored: %s", p.Name, p.Error)}
		}
	}
	if len(r.Problems) > 0 || r.DifferenceCount > 0 {
		return incomplete{fmt.Sprintf("%d problems, %d differences", len(r.Problems), r.DifferenceCount)}
	}
	return nil
}

// keepProof stores the outcome of the comparison, where there was one, and gives the id of the snapshot that holds it.
func (c restoreCmd) keepProof(ctx context.Context, a *app, address, path string, r *backup.RestoreReport) (string, error) {
	if !r.Proved {
		return "", nil
	}
	addr, err := opencdo.ParseAddress(address)
	if err != nil {
		return "", err
	}
	i := strings.LastIndexByte(addr.Name, '#')
	repo, err := a.openRepo(ctx, addr.Name[:i], false)
	if err != nil {
		return "", err
	}
	p, err := repo.SaveProof(ctx, addr.Name[i+1:], path, c.To, r)
	if err != nil {
		return "", err
	}
	return p.ID[:shortID], nil
}

// shortID is how many digits are shown of an id.
const shortID = 8

func (a *app) printRestored(r *backup.RestoreReport) {
	a.printProblems(r.Copy)
	if r.DryRun {
		a.printf("dry run: %d items would be restored, %d of them in place of another version; %d are there already, %d cannot be read", r.Copied, r.Replaced, r.Skipped, r.Failed)
		return
	}
	a.printf("%d items restored (%s), %d of them in place of another version; %d were there already, %d failed", r.Copied, size(r.Bytes), r.Replaced, r.Skipped, r.Failed)
	a.printParts(r.Tables)
	if !r.Proved {
		return
	}
	for _, d := range r.Differences {
		a.printDifference(d)
	}
	a.printf("compared %d items with the snapshot: %d differences", r.Compared, r.DifferenceCount)
}

type proofsCmd struct {
	Repo string `required:"" help:"The repository: a directory, sftp:USER@HOST:PATH, s3:https://HOST/BUCKET/PREFIX or rest:https://HOST/PATH." placeholder:"REPO"`
	Of   string `help:"Only restores of this mailbox's snapshots." placeholder:"MAILBOX"`
	JSON bool   `name:"json" help:"Print facts for programs: the whole records."`
}

func (proofsCmd) Help() string {
	return "Examples:\n  opencdo proofs --repo /srv/mail\n  opencdo proofs --repo /srv/mail --of alice@contoso.test --json"
}

// Run lists the records of restores.
func (c proofsCmd) Run(ctx context.Context, a *app) error {
	repo, err := a.openRepo(ctx, c.Repo, false)
	if err != nil {
		return err
	}
	all, err := repo.Proofs(ctx)
	list := []backup.Proof{}
	for _, p := range all {
		if c.Of == "" || strings.EqualFold(p.Mailbox, c.Of) {
			list = append(list, p)
		}
	}
	if c.JSON {
		if jerr := a.json(list); err == nil {
			err = jerr
		}
		return err
	}
	for _, p := range list {
		what := p.Mailbox
		if p.Path != "" {
			what += "//" + p.Path
		}
		a.printf("%s  %s  %s of snapshot %s to %s: %d restored, %d compared, %d differences, %d problems", p.ID[:shortID], p.Time.Local().Format("2006-01-02 15:04:05"),
			clean(what), p.Snapshot[:min(shortID, len(p.Snapshot))], clean(p.To), p.Copied, p.Compared, p.DifferenceCount, len(p.Problems))
	}
	if err == nil && len(list) == 0 {
		a.printf("no proofs")
	}
	return err
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
