package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/mapi/storetest"
)

func TestRestoreDryAndProven(t *testing.T) {
	b := newBench(t)
	source := b.mailbox("ada.db", true)
	target := b.mailbox("bob.db", false)
	repo := filepath.Join(b.dir, "repo")
	b.ok("backup", source, "--repo", repo, "--name", "ada@contoso.test")
	all := len(storetest.SampleItems())

	type facts struct {
		Copied, Skipped, Replaced int
		DryRun                    bool `json:"dry_run"`
		Proved                    bool
		Proof                     string
	}
	restore := append([]string{"restore", "latest/ada@contoso.test", "--repo", repo, "--json", "--to"}, target)
	if f := decode[facts](b, b.ok(append(restore, "--dry-run")...)); f.Copied != all || !f.DryRun || f.Proved || f.Proof != "" {
		t.Errorf("dry run: %+v", f)
	}
	if out := b.ok("find", "kind:mailbox", "--repo", repo, "--no-cache"); !strings.Contains(out, "1 found") {
		t.Errorf("find: %s", out)
	}
	b.fails(exitIncomplete, "differ", "diff", source, target)
	out := filepath.Join(b.dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	b.ok("restore", "latest/ada@contoso.test//Inbox", "--repo", repo, "--to", "msg:"+out+"//Rescued/Mail", "--dry-run")
	if list, err := os.ReadDir(out); err != nil || len(list) > 0 {
		t.Errorf("a dry run made %v, %v", list, err)
	}

	f := decode[facts](b, b.ok(append(restore, "--on-existing", "replace")...))
	if f.Copied != all || !f.Proved || f.Proof == "" {
		t.Errorf("restored: %+v", f)
	}
	b.ok("diff", source, target)
	if f := decode[facts](b, b.ok(append(restore, "--on-existing", "copy")...)); f.Copied != 0 || f.Skipped != all {
		t.Errorf("once more: %+v", f)
	}
	proofs := decode[[]backup.Proof](b, b.ok("proofs", "--repo", repo, "--json", "--of", "ada@contoso.test"))
	if len(proofs) != 2 || proofs[0].ID[:8] != f.Proof || proofs[0].To != target || proofs[0].Copied != all || proofs[0].DifferenceCount != 0 {
		t.Errorf("proofs: %+v", proofs)
	}
	if out := b.ok("proofs", "--repo", repo); strings.Count(out, "0 differences") != 2 {
		t.Errorf("proofs:\n%s", out)
	}
	if snaps := decode[[]backup.Snapshot](b, b.ok("snapshots", "--repo", repo, "--json")); len(snaps) != 1 {
		t.Errorf("snapshots: %+v", snaps)
	}
	eml := filepath.Join(b.dir, "eml")
	count := func() int {
		list, err := filepath.Glob(filepath.Join(eml, "Inbox", "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	var first int
	for range 2 {
		code, out, errs := b.run("restore", "latest/ada@contoso.test//Inbox", "--repo", repo, "--to", "eml:"+eml)
		if code != exitOK && code != exitIncomplete || !strings.Contains(errs, "MIME") {
			t.Errorf("to files: exit code %d\n%s%s", code, out, errs)
		}
		if first == 0 {
			first = count()
		}
		if n := count(); n == 0 || n != first {
			t.Errorf("%d files, %d the first time", n, first)
		}
	}
	b.ok("verify", "--repo", repo, "--read-data")
	b.fails(exitUsage, "on-existing", append(restore, "--on-existing", "overwrite")...)
}
