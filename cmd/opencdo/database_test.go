package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// organisation starts a server with mailboxes in two databases and an administrator.
func (b *bench) organisation() {
	users := []exchangetest.User{{Alias: "admin", Name: "Administrator", Admin: true}}
	seeds := map[string]func(context.Context, mapi.Store) error{}
	for _, u := range []exchangetest.User{{Alias: "ada", Name: "Ada Example", Database: "DB01"}, {Alias: "bob", Name: "Bob Builder", Database: "DB01"},
		{Alias: "carl", Name: "Carl Third", Database: "DB02"}} {
		users = append(users, u)
		seeds[u.Alias] = func(_ context.Context, box mapi.Store) error { fill(b.T, box); return nil }
	}
	b.start(exchangetest.Options{Users: users, Seed: seeds})
}

// asAdmin are the flags of a command that works on the organisation.
func (b *bench) asAdmin(args ...string) []string {
	return b.online(append([]string{"--server", b.server.Mailbox(b, "admin").String() + "@" + b.server.Domain, "--user", "admin@" + b.server.Domain}, args...)...)
}

func decode[T any](b *bench, out string) (v T) {
	b.Helper()
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		b.Fatalf("%v in %s", err, out)
	}
	return v
}

func TestMailboxesOfDatabases(t *testing.T) {
	b := newBench(t)
	b.organisation()
	type entry struct{ Address, Database, Server string }
	all := decode[[]entry](b, b.ok(b.asAdmin("mailboxes", "--json")...))
	if len(all) != 4 || all[0].Address != "ada@contoso.test" || all[0].Database != "DB01" || !strings.HasSuffix(all[0].Server, "@contoso.test") {
		t.Errorf("mailboxes: %+v", all)
	}
	for _, c := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--database", "db01"}, []string{"ada@contoso.test", "bob@contoso.test"}},
		{[]string{"--database", "/o=First Organization/cn=Servers/cn=x/cn=DB02"}, []string{"carl@contoso.test"}},
		{[]string{"--filter", "*c*"}, []string{"ada@contoso.test", "admin@contoso.test", "bob@contoso.test", "carl@contoso.test"}},
		{[]string{"--filter", "carl", "--filter", "Ada *"}, []string{"ada@contoso.test", "carl@contoso.test"}},
		{[]string{"--database", "DB03"}, nil},
	} {
		var got []string
		for _, e := range decode[[]entry](b, b.ok(b.asAdmin(append([]string{"mailboxes", "--json"}, c.flags...)...)...)) {
			got = append(got, e.Address)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.flags, got, c.want)
		}
	}
}

type manyFacts struct {
	Run                             string
	Done, Incomplete, Failed, Items int
	Mailboxes                       []struct{ Mailbox, Database, Outcome, Error string }
}

func TestBackUpDatabase(t *testing.T) {
	b := newBench(t)
	b.organisation()
	repo := b.dir + "/repo"
	first := decode[manyFacts](b, b.ok(b.asAdmin("backup", "--database", "DB01", "--repo", repo, "--json")...))
	if first.Done != 2 || first.Failed != 0 || first.Items != 2*len(storetest.SampleItems()) || len(first.Mailboxes) != 2 || first.Mailboxes[1].Mailbox != "bob@contoso.test" {
		t.Errorf("DB01: %+v", first)
	}
	snaps := decode[[]backup.Snapshot](b, b.ok("snapshots", "--repo", repo, "--json"))
	if len(snaps) != 2 || !slices.Contains(snaps[0].Tags, "database:DB01") || !slices.Contains(snaps[0].Tags, "run:"+first.Run) {
		t.Errorf("snapshots: %+v", snaps)
	}
	for _, alias := range []string{"ada", "bob"} {
		box := "exchange:" + alias + "@" + b.server.Mailbox(b, alias).String() + "@" + b.server.Domain
		b.ok(b.online("diff", box, "snapshot:"+repo+"#latest/"+alias+"@contoso.test")...)
	}

	// One that can't be opened and one that nobody knows keep no other from being backed up.
	bob := b.server.Directory().MailboxPath(b.server.Mailbox(b, "bob"))
	if err := os.Rename(bob, bob+".gone"); err != nil {
		t.Fatal(err)
	}
	list := b.file("list", "# who matters\nada@contoso.test\r\nbob\nnobody@contoso.test\ncarl # and his\n")
	code, out, errs := b.run(b.asAdmin("backup", "--list", list, "--repo", repo, "--jobs", "3", "--json")...)
	second := decode[manyFacts](b, out)
	if code != exitIncomplete || second.Done != 2 || second.Failed != 2 || !strings.Contains(errs, "2 mailboxes could not be backed up") {
		t.Errorf("list: exit code %d\n%+v\n%s", code, second, errs)
	}
	want := []string{"ada@contoso.test done", "bob@contoso.test failed", "nobody@contoso.test failed", "carl@contoso.test done"}
	for i, m := range second.Mailboxes {
		if got := m.Mailbox + " " + m.Outcome; got != want[i] || m.Outcome == "failed" && m.Error == "" {
			t.Errorf("mailbox %d: %s (%s), want %s", i, got, m.Error, want[i])
		}
	}
	code, out, _ = b.run(b.asAdmin("backup", "--list", list, "--repo", repo)...)
	if code != exitIncomplete || !strings.Contains(out, "failed      nobody@contoso.test") || !strings.Contains(out, "done        ada@contoso.test") {
		t.Errorf("list, for people: exit code %d\n%s", code, out)
	}

	b.fails(exitNotFound, "no mailbox", b.asAdmin("backup", "--database", "DB09", "--repo", repo)...)
	b.fails(exitUsage, "one of", "backup", "--repo", repo)
	b.fails(exitUsage, "one of", b.asAdmin("backup", "--all", "--database", "x", "--repo", repo)...)
	b.fails(exitUsage, "--server", "backup", "--all", "--repo", repo)
	b.fails(exitUsage, "--user", "backup", "--all", "--server", "x", "--repo", repo)
	b.fails(exitUsage, "--filter", "backup", "local:x", "--filter", "*", "--repo", repo)
	b.fails(exitNotFound, "", b.asAdmin("backup", "--list", b.dir+"/none", "--repo", repo)...)
	if code, _, _ := b.run(b.online("--server", b.server.Mailbox(b, "ada").String()+"@"+b.server.Domain, "--user", "ada@contoso.test", "backup", "--database", "DB02", "--repo", repo)...); code != exitIncomplete {
		t.Errorf("somebody who is no administrator: exit code %d", code)
	}
}

func TestFindAndMetadata(t *testing.T) {
	b := newBench(t)
	t.Setenv("XDG_CACHE_HOME", b.dir+"/cache")
	b.organisation()
	repo := b.dir + "/repo"
	source := b.mailbox("zoe.db", true)
	b.ok(b.asAdmin("backup", "--database", "DB02", "--repo", repo)...)
	b.ok("backup", source, "--repo", repo, "--name", "zoe@contoso.test")
	type facts struct {
		Hits     []struct{ Kind, Mailbox, Subject, Address, Folder string }
		Unlisted []struct{ Mailbox, Level string }
	}
	boxes := decode[facts](b, b.ok("find", "kind:mailbox", "--repo", repo, "--json"))
	if len(boxes.Hits) != 2 {
		t.Errorf("mailboxes: %+v", boxes)
	}
	// A database's mailboxes are listed as such, if nothing else is asked for; a single one's messages too.
	code, out, errs := b.run("find", "kind:mail after:1990", "--repo", repo, "--json")
	found := decode[facts](b, out)
	if code != exitIncomplete || len(found.Hits) == 0 || len(found.Unlisted) != 1 || found.Unlisted[0].Mailbox != "carl@contoso.test" || !strings.Contains(errs, "--deep") {
		t.Errorf("exit code %d, %+v\n%s", code, found, errs)
	}
	for _, h := range found.Hits {
		if h.Mailbox != "zoe@contoso.test" {
			t.Errorf("found %+v", h)
		}
	}
	b.ok(b.asAdmin("backup", "--database", "DB02", "--repo", repo, "--metadata", "messages")...)
	found = decode[facts](b, b.ok("find", "kind:mail mailbox:carl after:1990", "--repo", repo, "--json", "--snapshot", "latest/carl@contoso.test"))
	if len(found.Hits) == 0 {
		t.Fatalf("%+v", found)
	}
	// What is found is shown and recovered under the address that it is found with.
	if out := b.ok("show", found.Hits[0].Address); !strings.Contains(out, "Class:") {
		t.Errorf("shown:\n%s", out)
	}
	b.ok("restore", found.Hits[0].Address, "--to", "msg:"+b.dir+"/rescued")
	if out := b.ok("find", "mailbox:zoe kind:folder inbox", "--repo", repo); !strings.Contains(out, "folder       zoe@contoso.test  Inbox") {
		t.Errorf("folders:\n%s", out)
	}
	b.fails(exitUsage, "no date", "find", "before:soon", "--repo", repo)
	b.fails(exitUsage, "metadata", "backup", source, "--repo", repo, "--metadata", "everything")
}
