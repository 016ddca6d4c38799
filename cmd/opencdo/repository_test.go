package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/restic/storage/storagetest"
)

// Snapshots come and go, and what is left is whole.
func TestForgetAndPrune(t *testing.T) {
	b := newBench(t)
	repo, box := filepath.Join(b.dir, "repo"), b.mailbox("a.db", true)
	for _, name := range []string{"ada@contoso.test", "ada@contoso.test", "bob@contoso.test"} {
		b.ok("backup", box, "--repo", repo, "--name", name)
	}
	if out := b.ok("forget", "--repo", repo, "--keep-last", "1", "--dry-run"); !strings.Contains(out, "2 snapshots are kept, 1 would be removed") {
		t.Error(out)
	}
	var report struct {
		Kept, Removed int
		Groups        []struct {
			Paths  []string
			Remove []struct{ Mailbox string }
		}
	}
	out := b.ok("forget", "--repo", repo, "--keep-last", "1", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || report.Kept != 2 || report.Removed != 1 || len(report.Groups) != 2 ||
		len(report.Groups[0].Remove) != 1 || report.Groups[0].Remove[0].Mailbox != "ada@contoso.test" {
		t.Errorf("%v\n%s", err, out)
	}
	var list []struct {
		Short string `json:"short_id"`
	}
	if err := json.Unmarshal([]byte(b.ok("snapshots", "--repo", repo, "--of", "bob@contoso.test", "--json")), &list); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if out := b.ok("forget", "--repo", repo, list[0].Short, "--prune"); !strings.Contains(out, "1 were removed") || !strings.Contains(out, "freed") {
		t.Error(out)
	}
	b.fails(exitFailure, "would keep no snapshot", "forget", "--repo", repo, "--keep-tag", "none")
	b.fails(exitNotFound, "not found", "forget", "--repo", repo, "00000000")
	b.fails(exitUsage, "--keep", "forget", "--repo", repo)
	b.fails(exitUsage, "--max-unused", "prune", "--repo", repo, "--max-unused", "much")
	b.fails(exitUsage, "percentage", "verify", "--repo", repo, "--sample", "101")
	if out := b.ok("prune", "--repo", repo, "--max-unused", "0"); !strings.Contains(out, "1 snapshots") {
		t.Error(out)
	}
	if out := b.ok("unlock", "--repo", repo); !strings.Contains(out, "0 locks removed") {
		t.Error(out)
	}
	if out := b.ok("verify", "--repo", repo, "--sample", "50"); !strings.Contains(out, "0 faults") {
		t.Error(out)
	}
	if code, out, _ := b.run("diff", box, "snapshot:"+repo+"#latest/ada@contoso.test"); code != exitOK {
		t.Error(out)
	}
}

// A repository may be on any kind of server.
func TestRepositoriesOnServers(t *testing.T) {
	for kind, start := range storagetest.Servers {
		t.Run(kind, func(t *testing.T) {
			p := start(t)
			for k, v := range p.Env {
				t.Setenv(k, v)
			}
			b := newBench(t)
			box, back := b.mailbox("a.db", true), b.mailbox("b.db", false)
			b.fails(exitNotFound, "no repository", "snapshots", "--repo", p.Address)
			b.ok("backup", box, "--repo", p.Address, "--name", "ada@contoso.test")
			b.ok("backup", box, "--repo", p.Address, "--name", "ada@contoso.test")
			b.ok("restore", "latest/ada@contoso.test", "--repo", p.Address, "--to", back)
			b.ok("diff", back, "snapshot:"+p.Address+"#latest/ada@contoso.test")
			if out := b.ok("ls", "snapshot:"+p.Address+"#latest/ada@contoso.test//Inbox"); !strings.Contains(out, "1 ") {
				t.Error(out)
			}
			b.ok("forget", "--repo", p.Address, "--keep-last", "1", "--prune")
			if out := b.ok("verify", "--repo", p.Address, "--read-data"); !strings.Contains(out, "0 faults") || !strings.HasPrefix(out, "2 snapshots") { // of the mailbox, and the proof of the restore
				t.Error(out)
			}
		})
	}
}
