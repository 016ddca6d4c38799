package main

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
)

type cpCmd struct {
	Src  string `arg:"" help:"A store, or a folder or item in one." placeholder:"SRC"`
	Dst  string `arg:"" help:"A store, or a folder in one." placeholder:"DST"`
	All  bool   `help:"Copy items that the destination has already, too."`
	Jobs int    `help:"How many items to copy at once." default:"2" placeholder:"N"`
	JSON bool   `name:"json" help:"Print the report for programs."`
}

func (cpCmd) Help() string {
	return "A whole store goes into the folders of the same roles and names. A folder's contents go into the folder that DST names. Items that the destination has already are left alone, so a copy that was interrupted is finished by running it again.\n\nExamples:\n  opencdo cp exchange:alice@contoso.test@mail.contoso.test msg:alice\n  opencdo cp local:a.db//Inbox/#3 msg:out\n  opencdo cp snapshot:/backup#latest/alice@contoso.test//Inbox exchange:bob@contoso.test@mail.contoso.test//Restored"
}

// Run copies.
func (c cpCmd) Run(ctx context.Context, a *app) error {
	src, from, err := a.openPlace(ctx, c.Src, reading)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, addr, err := a.open(ctx, c.Dst, writing)
	if err != nil {
		return err
	}
	defer dst.Close()
	to, err := makePath(ctx, dst, addr.Path)
	if err != nil {
		return err
	}
	o := transfer.Options{Workers: c.Jobs, Progress: a.transferProgress}
	if c.All {
		o.Policy = transfer.Append
	}
	switch {
	case from.Item != "":
		o.From, o.To, o.Items = from.Folder.ID(), to.ID(), []mapi.EntryID{from.Item}
	case from.Path != "" || addr.Path != "":
		o.From, o.To = from.Folder.ID(), to.ID()
	}
	r, err := transfer.Run(ctx, src, dst, o)
	if perr := a.printTransfer(r, c.JSON); err == nil {
		err = perr
	}
	return err
}

func (a *app) transferProgress(p transfer.Progress) {
	a.progress.show(p.Folder, p.Items, p.ItemsTotal, p.Bytes)
}

// printTransfer prints a report; the error says that it names problems.
func (a *app) printTransfer(r *transfer.Report, asJSON bool) error {
	if r == nil {
		return nil
	}
	if asJSON {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		a.printProblems(*r)
		a.printf("%d items copied (%s), %d already there, %d failed", r.Copied, size(r.Bytes), r.Skipped, r.Failed)
	}
	if len(r.Problems) > 0 {
		return incomplete{fmt.Sprintf("%d problems; the rest was copied", len(r.Problems))}
	}
	return nil
}
