package backup

import (
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

func part(t testing.TB, r *Report, name string) Part {
	t.Helper()
	i := slices.IndexFunc(r.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no %s in %+v", name, r.Parts)
	}
	return r.Parts[i]
}

// TestPartsOfTheMailbox: of each part of a mailbox the report says whether it is there, also when only changes are read.
func TestPartsOfTheMailbox(t *testing.T) {
	ctx := t.Context()
	srv := exchangetest.New(t, exchangetest.Options{})
	repo := newRepo(t)
	box := served(t, srv, "alice")
	inbox := folder(t, box, mapi.RoleInbox)
	at := time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC)
	var ids []mapi.EntryID
	for _, subject := range []string{"kept", "deleted but recoverable", "deleted later"} {
		ids = append(ids, letter(t, inbox, subject, "Anna", "anna@contoso.test", at, "IPM.Note", "figures.xlsx"))
	}
	views := folder(t, box, mapi.RoleCommonViews)
	for _, class := range []string{"IPM.Microsoft.FolderDesign.NamedView", "IPM.Microsoft.WunderBar.SFInfo", "IPM.Configuration.Test"} {
		if _, err := mapi.WriteItem(ctx, views, mapi.Associated, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: class}}}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(id mapi.EntryID) {
		t.Helper()
		if err := inbox.Delete(ctx, []mapi.EntryID{id}, false); err != nil {
			t.Fatal(err)
		}
	}
	remove(ids[1])
	for round, recoverable := range []int{1, 2, 2} {
		if round == 1 {
			remove(ids[2])
		}
		r, err := Run(ctx, box, repo, Options{Mailbox: mailbox, Server: server})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []Part{
			{Name: PartMessages, State: StateIncluded, Count: 3 - recoverable}, {Name: PartAssociated, State: StateIncluded, Count: 3},
			{Name: PartViews, State: StateIncluded, Count: 1}, {Name: PartSearchFolders, State: StateIncluded, Count: 1},
			{Name: PartRecoverable, State: StateIncluded, Count: recoverable}, {Name: PartRules, State: StateAbsent},
			{Name: PartArchive, State: StateNotIncluded}, {Name: PartPublicFolders, State: StateNotIncluded},
		} {
			if got := part(t, r, want.Name); got.State != want.State || got.Count != want.Count || got.Error != "" {
				t.Errorf("round %d: %+v, want %+v", round, got, want)
			}
		}
		for _, name := range []string{PartPermissions, PartFolderProperties} {
			if p := part(t, r, name); p.State != StateIncluded || p.Count == 0 {
				t.Errorf("round %d: %+v", round, p)
			}
		}
	}

	snap := openSnapshot(t, repo, "latest/"+mailbox)
	kept := folder(t, snap, mapi.RoleInbox)
	var found []string
	for row, err := range kept.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted, Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, row.Values[0].(string))
		var b mapi.ItemBuilder
		if err := kept.Read(ctx, row.ID, &b); err != nil || len(b.Item.Attachments) != 1 {
			t.Errorf("%v: %+v, %v", row.Values, b.Item, err)
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, []string{"deleted but recoverable", "deleted later"}) || !slices.Equal(subjects(t, kept), []string{"kept"}) {
		t.Errorf("soft-deleted %q, others %q", found, subjects(t, kept))
	}
	if r := find(t, repo, "recoverable kind:mail", FindOptions{}); len(r.Hits) != 1 || !r.Hits[0].Deleted {
		t.Errorf("found: %+v", r.Hits)
	}
	tabler, _ := mapi.As[mapi.FolderTabler](snap)
	for table, err := range tabler.FolderTables(ctx, []mapi.EntryID{kept.ID()}) {
		if err != nil || len(table.Permissions) != 2 || table.Recoverable != 2 || table.Permissions[1].Text(pid.TagMemberName) != "Anonymous" || table.Permissions[1].Tag(pid.TagMemberId) != int64(-1) {
			t.Errorf("tables: %+v, %v", table, err)
		}
	}

	// What was deleted comes back as a message.
	var rows []mapi.EntryID
	for row, err := range kept.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted}) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row.ID)
	}
	to := memstore.New(memstore.Config{})
	drafts := folder(t, to, mapi.RoleDrafts)
	r, err := Restore(ctx, snap, "Inbox", to, RestoreOptions{Items: rows, Into: drafts.ID(), Deleted: true})
	if err != nil || r.Copied != 2 || r.Compared != 2 || r.DifferenceCount != 0 || !slices.Equal(subjects(t, drafts), found) {
		t.Errorf("recovered: %+v, %v; %q", r, err, subjects(t, drafts))
	}

	if r := run(t, letters(t), newRepo(t)); part(t, r, PartPermissions).State != StateAbsent || part(t, r, PartRecoverable).State != StateAbsent {
		t.Errorf("of a store that has none: %+v", r.Parts)
	}
}

// TestPermissionsAreRefusedAloud: the embedded server keeps no permissions, and the restore says so.
func TestPermissionsAreRefusedAloud(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	repo := newRepo(t)
	run(t, served(t, srv, "alice"), repo)
	snap := openSnapshot(t, repo, "latest/"+mailbox)
	r, err := Restore(t.Context(), snap, "Inbox", served(t, srv, "alice"), RestoreOptions{Permissions: true, Rules: true})
	if err != nil || len(r.Tables) != 2 || r.Tables[0].State != StateIncluded || r.Tables[1].State != StateAbsent {
		t.Errorf("what is there already: %+v, %v", r.Tables, err)
	}
	r, err = Restore(t.Context(), snap, "Inbox", memstore.New(memstore.Config{}), RestoreOptions{Permissions: true})
	if err != nil || len(r.Tables) != 1 || r.Tables[0].State != StateRefused || r.Tables[0].Error == "" {
		t.Errorf("to a store that has none: %+v, %v", r.Tables, err)
	}
}
