package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
)

// letters are messages to be found, in a mailbox with folders.
func letters(t testing.TB) mapi.Store {
	ctx := t.Context()
	box := memstore.New(memstore.Config{})
	inbox := special(t, box, mapi.RoleInbox)
	project, err := inbox.CreateFolder(ctx, "Project X/Y", nil)
	if err != nil {
		t.Fatal(err)
	}
	letter(t, inbox, "Budget for March", "Anna Schmidt", "anna@contoso.test", time.Date(2024, 3, 5, 9, 0, 0, 0, time.UTC), "IPM.Note", "figures.xlsx")
	letter(t, inbox, "Re: Überstunden", "Bob Builder", "bob@contoso.test", time.Date(2024, 4, 1, 9, 0, 0, 0, time.UTC), "IPM.Note", "")
	letter(t, project, "Weekly meeting", "Anna Schmidt", "anna@contoso.test", time.Date(2023, 4, 1, 9, 0, 0, 0, time.UTC), "IPM.Schedule.Meeting.Request", "")
	return box
}

func special(t testing.TB, s mapi.Store, r mapi.Role) mapi.Folder {
	t.Helper()
	id, err := s.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func letter(t testing.TB, f mapi.Folder, subject, sender, address string, at time.Time, class, attachment string) mapi.EntryID {
	t.Helper()
	key := func(t mapi.Tag) mapi.Key { return mapi.TagKey(t) }
	it := &mapi.Item{Props: mapi.Props{{Key: key(pid.TagSubject), Value: subject}, {Key: key(pid.TagSenderName), Value: sender},
		{Key: key(pid.TagSenderSmtpAddress), Value: address}, {Key: key(pid.TagMessageDeliveryTime), Value: mapi.NewFileTime(at)},
		{Key: key(pid.TagMessageClass), Value: class}, {Key: key(pid.TagBody), Value: "the word xylophone is in the text only"}},
		Recipients: []mapi.Props{{{Key: key(pid.TagRecipientType), Value: int32(1)}, {Key: key(pid.TagDisplayName), Value: "Carl Third"}, {Key: key(pid.TagSmtpAddress), Value: "carl@contoso.test"}}}}
	if attachment != "" {
		it.Attachments = append(it.Attachments, &mapi.Attachment{Props: mapi.Props{{Key: key(pid.TagAttachLongFilename), Value: attachment},
			{Key: key(pid.TagAttachMethod), Value: int32(1)}, {Key: key(pid.TagAttachDataBinary), Value: []byte(strings.Repeat(subject, 1000))}}})
	}
	id, err := mapi.WriteItem(t.Context(), f, mapi.Normal, it)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func saveAs(t testing.TB, repo *Repository, box mapi.Store, name string, l Level) {
	t.Helper()
	if _, err := Run(t.Context(), box, repo, Options{Mailbox: name, Server: "mail.contoso.test", Tags: []string{"database:DB01"}, Metadata: l}); err != nil {
		t.Fatal(err)
	}
}

func find(t testing.TB, repo *Repository, query string, o FindOptions) *FindReport {
	t.Helper()
	q, err := ParseQuery(query)
	if err != nil {
		t.Fatal(query, err)
	}
	r, err := repo.Find(t.Context(), q, o)
	if err != nil {
		t.Fatal(query, err)
	}
	return r
}

func names(hits []Hit) []string {
	var list []string
	for _, h := range hits {
		switch h.Kind {
		case KindMailbox:
			list = append(list, "mailbox "+h.Mailbox)
		case KindFolder:
			list = append(list, "folder "+h.Folder)
		default:
			list = append(list, h.Subject)
		}
	}
	slices.Sort(list)
	return list
}

// TestMetadataLevels is the table of docs/backup.md: what can, and what cannot, be done at each level without opening messages.
func TestMetadataLevels(t *testing.T) {
	repo := newRepo(t)
	box := letters(t)
	const messages = 3
	for _, l := range []Level{LevelMailboxes, LevelFolders, LevelMessages} {
		name := string(l) + "@contoso.test"
		saveAs(t, repo, box, name, l)
		t.Run(string(l), func(t *testing.T) {
			ctx := t.Context()
			folders, all := l != LevelMailboxes, l == LevelMessages
			only := " mailbox:" + name

			if r := find(t, repo, "kind:mailbox"+only, FindOptions{}); len(r.Hits) != 1 || len(r.Unlisted) != 0 || r.Hits[0].Database != "DB01" {
				t.Errorf("the mailbox: %+v", r)
			}
			r := find(t, repo, "kind:folder project"+only, FindOptions{})
			if got := len(r.Hits) == 1 && len(r.Unlisted) == 0; got != folders || r.Opened != 0 {
				t.Errorf("a folder is found: %v, want %v: %+v", got, folders, r)
			}
			if !folders && (len(r.Unlisted) != 1 || r.Unlisted[0].Level != l) {
				t.Errorf("folders aren't listed, and nobody says so: %+v", r)
			}
			r = find(t, repo, "subject:budget"+only, FindOptions{})
			if got := len(r.Hits) == 1 && len(r.Unlisted) == 0; got != all || r.Opened != 0 {
				t.Errorf("a message is found: %v, want %v: %+v", got, all, r)
			}
			if !all && len(r.Unlisted) != 1 {
				t.Errorf("messages aren't listed, and nobody says so: %+v", r)
			}
			r = find(t, repo, "subject:budget"+only, FindOptions{Deep: true})
			if len(r.Hits) != 1 || len(r.Unlisted) != 0 || (r.Opened == 0) != all || r.Opened > messages {
				t.Errorf("a message is found by opening all: %+v", r)
			}
			if r := find(t, repo, "xylophone"+only, FindOptions{Deep: true}); len(r.Hits) != 0 {
				t.Errorf("texts are in no catalog, but: %+v", r)
			}

			snap, err := repo.OpenSnapshot(ctx, "latest/"+name)
			if err != nil {
				t.Fatal(err)
			}
			defer snap.Close()
			opened := func() int64 {
				o, _ := mapi.As[interface{ Opened() int64 }](snap)
				return o.Opened()
			}
			root, _ := snap.Special(ctx, mapi.RoleRoot)
			lister, _ := mapi.As[mapi.TreeLister](snap)
			if tree, err := lister.Tree(ctx, root); (err == nil) != folders || folders && len(tree) == 0 {
				t.Errorf("all folders at once: %d, %v", len(tree), err)
			}
			at, err := FindFolder(ctx, snap, "Inbox/Project X%2FY")
			if err != nil || opened() != 0 {
				t.Errorf("a folder is reached: %v, %d messages opened", err, opened())
			}
			inbox := special(t, snap, mapi.RoleInbox)
			count := 0
			for row, err := range inbox.Rows(ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagSenderName)}}) {
				if err != nil || row.Values[0] == nil || row.Values[1] == nil {
					t.Errorf("listed: %+v, %v", row, err)
				}
				count++
			}
			if got := opened() == 0; got != all || count != 2 {
				t.Errorf("%d messages are listed without opening any: %v, want %v", count, got, all)
			}
			to := memstore.New(memstore.Config{})
			if r, err := Restore(ctx, snap, "Inbox/Project X%2FY", to, RestoreOptions{}); err != nil || r.Copied != 1 || r.DifferenceCount != 0 {
				t.Errorf("a folder is recovered: %+v, %v", r, err)
			}
			if r, err := Restore(ctx, snap, "", memstore.New(memstore.Config{}), RestoreOptions{}); err != nil || r.Copied != messages || r.DifferenceCount != 0 {
				t.Errorf("the mailbox is recovered: %+v, %v", r, err)
			}
			_ = at
		})
	}
}

func TestFind(t *testing.T) {
	repo := newRepo(t)
	box := letters(t)
	saveAs(t, repo, box, "ada@contoso.test", "")
	inbox := special(t, box, mapi.RoleInbox)
	letter(t, inbox, "A new one", "Zoë", "zoe@contoso.test", time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), "IPM.Note", "")
	saveAs(t, repo, box, "ada@contoso.test", "")
	saveAs(t, repo, memstore.New(memstore.Config{}), "empty@contoso.test", "")
	cache := t.TempDir()
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"budget", []string{"Budget for March"}},
		{"BUDGET march", []string{"Budget for March"}},
		{`"for march"`, []string{"Budget for March"}},
		{`"march budget"`, nil},
		{"überstunden", []string{"Re: Überstunden"}},
		{"ÜBERSTUNDEN", []string{"Re: Überstunden"}},
		{"zoë", []string{"A new one"}},
		{"sender:anna", []string{"Budget for March", "Weekly meeting"}},
		{"from:anna@contoso.test subject:week", []string{"Weekly meeting"}},
		{"to:carl before:2024", []string{"Weekly meeting"}},
		{"after:2024-03-05 before:2024-04", []string{"Budget for March"}},
		{"after:2024-03-06 before:2025", []string{"Re: Überstunden"}},
		{"kind:meeting", []string{"Weekly meeting"}},
		{"kind:ipm.note after:2025", []string{"A new one"}},
		{"kind:mail -has:attachment", []string{"A new one", "Re: Überstunden"}},
		{"has:attachment", []string{"Budget for March"}},
		{"attachment:figures", []string{"Budget for March"}},
		{`folder:"project x" sender:anna`, []string{"Weekly meeting"}},
		{"kind:folder project", []string{`folder Inbox/Project X\/Y`}},
		{"project", []string{`folder Inbox/Project X\/Y`}},
		{"kind:mailbox", []string{"mailbox ada@contoso.test", "mailbox empty@contoso.test"}},
		{"mailbox:empty kind:mail", nil},
		{"database:db01 kind:mailbox ada", []string{"mailbox ada@contoso.test"}},
		{"database:db02", nil},
		{"nothing like it", nil},
	} {
		for _, o := range []FindOptions{{}, {Cache: cache}, {Cache: cache}} {
			if got := names(find(t, repo, c.query, o).Hits); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.query, got, c.want)
			}
		}
	}

	r := find(t, repo, "sender:anna budget", FindOptions{Cache: cache})
	h := r.Hits[0]
	if h.Sender != "Anna Schmidt <anna@contoso.test>" || len(h.Recipients) != 1 || h.Recipients[0] != (Person{Kind: "to", Name: "Carl Third", Address: "carl@contoso.test"}) ||
		!slices.Equal(h.Attachments, []string{"figures.xlsx"}) || h.Folder != "Inbox" || h.Date.Format("2006-01-02") != "2024-03-05" || h.Size == 0 {
		t.Errorf("a message is described: %+v", h)
	}
	if r := find(t, repo, "after:2000", FindOptions{Limit: 2}); len(r.Hits) != 2 || r.Found != 4 || r.Hits[0].Subject != "A new one" {
		t.Errorf("the two newest: %+v", r)
	}

	// What was deleted since is found in the snapshot that has it.
	for row, err := range inbox.Rows(t.Context(), mapi.Query{Where: mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagSubject), Value: "Budget for March"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := inbox.Delete(t.Context(), []mapi.EntryID{row.ID}, true); err != nil {
			t.Fatal(err)
		}
	}
	saveAs(t, repo, box, "ada@contoso.test", "")
	snaps, err := repo.Snapshots(t.Context(), "ada@contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	r = find(t, repo, "budget", FindOptions{Cache: cache})
	if len(r.Hits) != 1 || r.Hits[0].Snapshot != snaps[len(snaps)-2].Short {
		t.Errorf("deleted since: %+v", r.Hits)
	}
	if r := find(t, repo, "budget", FindOptions{Snapshot: "latest/ada@contoso.test"}); len(r.Hits) != 0 {
		t.Errorf("in the last snapshot: %+v", r.Hits)
	}

	for _, bad := range []string{`"open`, "before:soon", "has:wings", "is:late", "sender:"} {
		if _, err := ParseQuery(bad); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

// TestFindCache: nothing readable lies in the cache, and a damaged one does no harm.
func TestFindCache(t *testing.T) {
	repo := newRepo(t)
	saveAs(t, repo, letters(t), "ada@contoso.test", "")
	cache := t.TempDir()
	find(t, repo, "budget", FindOptions{Cache: cache})
	var files []string
	err := filepath.WalkDir(cache, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Budget", "anna", "Inbox", "ada@contoso", "2024-03"} {
		if strings.Contains(string(data), secret) || strings.Contains(files[0][len(cache):], secret) {
			t.Errorf("%s can be read in the cache", secret)
		}
	}
	for i := 0; i < len(data); i += 97 {
		broken := slices.Clone(data)
		broken[i] ^= 0x55
		if i%2 == 0 {
			broken = broken[:i]
		}
		if err := os.WriteFile(files[0], broken, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := find(t, repo, "budget", FindOptions{Cache: cache}); len(r.Hits) != 1 {
			t.Fatalf("with a cache damaged at %d: %+v", i, r)
		}
	}
}

// BenchmarkFind looks through a mailbox of 50,000 messages whose catalog is in the cache.
func BenchmarkFind(b *testing.B) {
	repo := newRepo(b)
	box := memstore.New(memstore.Config{})
	inbox := special(b, box, mapi.RoleInbox)
	at := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 50_000 {
		letter(b, inbox, fmt.Sprintf("Status of order %d and what is to be done about it", i), "Anna Schmidt", "anna@contoso.test", at.Add(time.Duration(i)*90*time.Minute), "IPM.Note", "")
	}
	saveAs(b, repo, box, "ada@contoso.test", "")
	cache := b.TempDir()
	find(b, repo, "31415", FindOptions{Cache: cache})
	for b.Loop() {
		if r := find(b, repo, "order 31415", FindOptions{Cache: cache}); len(r.Hits) != 1 {
			b.Fatal(r)
		}
	}
}
