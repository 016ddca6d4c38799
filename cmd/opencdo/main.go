// Command opencdo browses, backs up and recovers mailboxes, and serves them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands are all commands with their flags. Every command has a Run method; what several share is in [app].
type commands struct {
	Demo      demoCmd      `cmd:"" help:"Show the main job end to end on an embedded server."`
	Serve     serveCmd     `cmd:"" help:"Run the embedded Exchange-compatible server, and manage its users and mailboxes."`
	Whoami    whoamiCmd    `cmd:"" help:"Log on and tell whose store it is."`
	Tree      treeCmd      `cmd:"" help:"Show the folders of a store."`
	Ls        lsCmd        `cmd:"" help:"List the items of a folder."`
	Show      showCmd      `cmd:"" help:"Show an item, or a folder's properties."`
	Discover  discoverCmd  `cmd:"" name:"autodiscover" help:"Find the endpoints and names of a mailbox, and tell the way."`
	Addresses addressesCmd `cmd:"" help:"List or search the address book of a server."`
	Mailboxes mailboxesCmd `cmd:"" help:"List the mailboxes of a server with the databases they lie in."`
	Cp        cpCmd        `cmd:"" help:"Copy a store, a folder or an item."`
	Backup    backupCmd    `cmd:"" help:"Back a mailbox, or all of a database, up into a repository."`
	Snapshots snapshotsCmd `cmd:"" help:"List the snapshots of a repository."`
	Find      findCmd      `cmd:"" help:"Find messages, folders and mailboxes in the snapshots of a repository."`
	Restore   restoreCmd   `cmd:"" help:"Recover items, folders or a whole mailbox from a snapshot."`
	Proofs    proofsCmd    `cmd:"" help:"List the restores that were proven, with what the comparisons said."`
	Forget    forgetCmd    `cmd:"" help:"Remove snapshots that a policy doesn't keep."`
	Prune     pruneCmd     `cmd:"" help:"Remove from a repository what no snapshot needs."`
	Verify    verifyCmd    `cmd:"" help:"Check that a repository is whole."`
	Unlock    unlockCmd    `cmd:"" help:"Remove locks that dead processes left in a repository."`
	Diff      diffCmd      `cmd:"" help:"Compare two stores item by item and property by property."`
	Profile   profileCmd   `cmd:"" help:"Manage static profiles: how mailboxes are reached."`
	Settings  settingsCmd  `cmd:"" help:"Manage the settings that MAPI/CDO read from the registry."`
	Secret    secretCmd    `cmd:"" help:"Manage passwords, in the keyring or an encrypted file."`
	Doctor    doctorCmd    `cmd:"" help:"Go the whole way to a mailbox, and say at each step what was found and what to do."`
	Version   versionCmd   `cmd:"" help:"Print the version."`

	globals
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	exited := -1
	p, err := kong.New(&c,
		kong.Name("opencdo"),
		kong.Description("Mailboxes without Outlook: browse, back up and recover Exchange mailboxes and everything else that holds mail.\n\nStores are named by addresses: exchange:MAILBOX@SERVER, profile:NAME, local:FILE, msg:DIR, snapshot:REPO#ID. A path inside a store follows after \"//\"."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(),
		kong.ExplicitGroups([]kong.Group{{Key: "connect", Title: "Reaching servers:"}, {Key: "auth", Title: "Authentication:"},
			{Key: "keep", Title: "Snapshots to keep:"}, {Key: "prune", Title: "Pruning:"}}),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "opencdo:", err)
		return exitFailure
	}
	k, err := p.Parse(args)
	if exited >= 0 { // --help was shown
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "opencdo: %v\nRun \"opencdo --help\" for the commands, \"opencdo COMMAND --help\" for one of them.\n", err)
		return exitUsage
	}
	a := newApp(&c.globals, stdin, stdout, stderr)
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(a)
	err = k.Run()
	a.progress.done()
	if err == nil {
		return exitOK
	}
	code, text := explain(err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		code, text = exitInterrupted, "interrupted"
	}
	if text != "" {
		fmt.Fprintln(stderr, "opencdo:", text)
	}
	return code
}
