package backup

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// served is a mailbox on the embedded server.
func served(t testing.TB, srv *exchangetest.Server, alias string) mapi.Store {
	t.Helper()
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, alias), UserDN: srv.UserDN(t, alias), HTTP: srv.Client(), Authorize: srv.Authorize(alias)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func subjects(t testing.TB, f mapi.Folder) []string {
	t.Helper()
	var list []string
	for row, err := range f.Rows(t.Context(), mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, row.Values[0].(string))
	}
	slices.Sort(list)
	return list
}

// TestRestorePolicies restores to a mailbox where a third of the items are as they were, a third were edited and a third
// deleted, with each policy, to the same mailbox and to another one that once had a copy.
func TestRestorePolicies(t *testing.T) {
	const n = 9
	at := time.Date(2024, 3, 1, 8, 0, 0, 0, time.UTC)
	for _, policy := range []OnExisting{KeepExisting, ReplaceExisting, CopyBesideExisting} {
		for _, other := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, another mailbox %v", policy, other), func(t *testing.T) {
				ctx := t.Context()
				srv := exchangetest.New(t, exchangetest.Options{})
				repo := newRepo(t)
				source := served(t, srv, "alice")
				inbox := folder(t, source, mapi.RoleInbox)
				for i := range n {
					letter(t, inbox, fmt.Sprintf("letter %d", i), "Anna Schmidt", "anna@contoso.test", at.Add(time.Duration(i)*time.Hour), "IPM.Note", "figures.xlsx")
				}
				saveAs(t, repo, source, mailbox, "")
				snap := openSnapshot(t, repo, "latest/"+mailbox)
				box := source
				if other {
					box = served(t, srv, "bob")
					if r, err := Restore(ctx, snap, "", box, RestoreOptions{}); err != nil || r.Copied != n || r.DifferenceCount != 0 {
						t.Fatalf("to another mailbox: %+v, %v", r, err)
					}
					inbox = folder(t, box, mapi.RoleInbox)
				}
				var gone []mapi.EntryID
				i := 0
				for row, err := range inbox.Rows(ctx, mapi.Query{Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagMessageDeliveryTime)}}}) {
					if err != nil {
						t.Fatal(err)
					}
					switch i % 3 {
					case 1:
						if err := inbox.Update(ctx, row.ID, mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: fmt.Sprintf("edited %d", i)}}, nil); err != nil {
							t.Fatal(err)
						}
					case 2:
						gone = append(gone, row.ID)
					}
					i++
				}
				if err := inbox.Delete(ctx, gone, true); err != nil {
					t.Fatal(err)
				}
				before := subjects(t, inbox)

				copied, replaced, left, different := 3, 0, 6, 3
				want := []string{"edited 1", "edited 4", "edited 7", "letter 0", "letter 2", "letter 3", "letter 5", "letter 6", "letter 8"}
				switch policy {
				case ReplaceExisting:
					copied, replaced, left, different = 6, 3, 3, 0
					want = []string{"letter 0", "letter 1", "letter 2", "letter 3", "letter 4", "letter 5", "letter 6", "letter 7", "letter 8"}
				case CopyBesideExisting:
					copied, left, different = 6, 3, 0
					want = append(want[:3:3], "letter 0", "letter 1", "letter 2", "letter 3", "letter 4", "letter 5", "letter 6", "letter 7", "letter 8")
				}
				dry, err := Restore(ctx, snap, "", WithoutChanges(box), RestoreOptions{OnExisting: policy, DryRun: true})
				if err != nil || dry.Copied != copied || dry.Replaced != replaced || dry.Skipped != left || dry.Proved || !slices.Equal(subjects(t, inbox), before) {
					t.Errorf("dry run: %+v, %v; %q", dry.Copy, err, subjects(t, inbox))
				}
				r, err := Restore(ctx, snap, "", box, RestoreOptions{OnExisting: policy})
				if err != nil || r.Copied != copied || r.Replaced != replaced || r.Skipped != left || r.DifferenceCount != different || !r.Proved {
					t.Errorf("copied %d, replaced %d, left %d, %d differences %+v, %v", r.Copied, r.Replaced, r.Skipped, r.DifferenceCount, r.Differences, err)
				}
				if got := subjects(t, inbox); !slices.Equal(got, want) {
					t.Errorf("then there are %q, want %q", got, want)
				}
				again, err := Restore(ctx, snap, "", box, RestoreOptions{OnExisting: policy})
				if err != nil || again.Copied != 0 || again.Skipped != n || !slices.Equal(subjects(t, inbox), want) {
					t.Errorf("once more: %+v, %v; %q", again.Copy, err, subjects(t, inbox))
				}
				if policy == ReplaceExisting {
					if d, err := compare.Stores(ctx, snap, box, compare.Options{}); err != nil || d.Count != 0 {
						t.Errorf("compared with the snapshot: %+v, %v", d, err)
					}
				}
			})
		}
	}
}

// TestRestoreKeepsWhatMatters: times, flags, read state, sender and conversation come back as they were.
func TestRestoreKeepsWhatMatters(t *testing.T) {
	ctx := t.Context()
	srv := exchangetest.New(t, exchangetest.Options{})
	repo := newRepo(t)
	source := served(t, srv, "alice")
	at := func(day int) mapi.FileTime { return mapi.NewFileTime(time.Date(2019, 5, day, 12, 0, 0, 0, time.UTC)) }
	want := mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageDeliveryTime), Value: at(2)}, {Key: mapi.TagKey(pid.TagClientSubmitTime), Value: at(1)},
		{Key: mapi.TagKey(pid.TagSenderName), Value: "Somebody Else"}, {Key: mapi.TagKey(pid.TagSenderEmailAddress), Value: "else@fabrikam.test"},
		{Key: mapi.TagKey(pid.TagSenderAddressType), Value: "SMTP"}, {Key: mapi.TagKey(pid.TagSentRepresentingName), Value: "The Boss"},
		{Key: mapi.TagKey(pid.TagConversationIndex), Value: []byte("\x01\xD5\x00\x00\x00\x00conversation index..")}, {Key: mapi.TagKey(pid.TagConversationTopic), Value: "Plans"},
		{Key: mapi.TagKey(pid.TagFlagStatus), Value: int32(2)}, {Key: mapi.TagKey(pid.TagInternetMessageId), Value: "<1@fabrikam.test>"},
		{Key: mapi.TagKey(pid.TagInReplyToId), Value: "<0@fabrikam.test>"}, {Key: mapi.TagKey(pid.TagSubject), Value: "Re: Plans"},
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"},
	}
	for i, flags := range []int32{1, 0} { // read, unread
		props := append(slices.Clone(want), mapi.Prop{Key: mapi.TagKey(pid.TagMessageFlags), Value: flags}, mapi.Prop{Key: mapi.TagKey(pid.TagImportance), Value: int32(i)})
		if _, err := mapi.WriteItem(ctx, folder(t, source, mapi.RoleInbox), mapi.Normal, &mapi.Item{Props: props}); err != nil {
			t.Fatal(err)
		}
	}
	saveAs(t, repo, source, mailbox, "")
	box := served(t, srv, "bob")
	if r, err := Restore(ctx, openSnapshot(t, repo, "latest/"+mailbox), "", box, RestoreOptions{}); err != nil || r.Copied != 2 || r.DifferenceCount != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	inbox := folder(t, box, mapi.RoleInbox)
	count := 0
	for row, err := range inbox.Rows(ctx, mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		var b mapi.ItemBuilder
		if err := inbox.Read(ctx, row.ID, &b); err != nil {
			t.Fatal(err)
		}
		for _, p := range want {
			if got := b.Item.Props.Get(p.Key); fmt.Sprint(got) != fmt.Sprint(p.Value) {
				t.Errorf("%v is %v, was %v", p.Key, got, p.Value)
			}
		}
		flags, _ := b.Item.Props.Tag(pid.TagMessageFlags).(int32)
		if read := b.Item.Props.Tag(pid.TagImportance) == int32(0); flags&1 != 0 != read || flags&8 != 0 {
			t.Errorf("flags %#x of the letter that is read: %v", flags, read)
		}
		count++
	}
	if count != 2 {
		t.Errorf("%d letters", count)
	}
}

func TestProofs(t *testing.T) {
	ctx := t.Context()
	repo := newRepo(t)
	box := letters(t)
	saveAs(t, repo, box, mailbox, "")
	snap := openSnapshot(t, repo, "latest/"+mailbox)
	inbox := folder(t, snap, mapi.RoleInbox)
	var one []mapi.EntryID
	for row, err := range inbox.Rows(ctx, mapi.Query{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		one = append(one, row.ID)
	}
	to := letters(t)
	target := folder(t, to, mapi.RoleDrafts)
	r, err := Restore(ctx, snap, "Inbox", to, RestoreOptions{Items: one, Into: target.ID()})
	if err != nil || !r.Proved || r.Compared != 1 || r.DifferenceCount != 0 || r.Copied != 1 {
		t.Fatalf("one item: %+v, %v", r, err)
	}
	if _, err := repo.SaveProof(ctx, "latest/"+mailbox, "Inbox", "local:x.db//Drafts", r); err != nil {
		t.Fatal(err)
	}
	r.DifferenceCount, r.Problems = 1, []Problem{{Folder: "Inbox", Item: "x", Err: context.DeadlineExceeded}}
	if _, err := repo.SaveProof(ctx, "latest", "", "local:x.db", r); err != nil {
		t.Fatal(err)
	}
	list, err := repo.Proofs(ctx)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if p := list[0]; p.Mailbox != mailbox || p.Path != "Inbox" || p.To != "local:x.db//Drafts" || p.Compared != 1 || !p.Proved || p.Copied != 1 || p.Snapshot == "" || p.ID == "" {
		t.Errorf("first: %+v", p)
	}
	if p := list[1]; p.Mailbox != mailbox || p.DifferenceCount != 1 || len(p.Problems) != 1 || p.Problems[0].Err.Error() != "context deadline exceeded" {
		t.Errorf("second, of the latest snapshot of a mailbox: %+v", p)
	}
	if snaps, err := repo.Snapshots(ctx, ""); err != nil || len(snaps) != 1 {
		t.Errorf("proofs are no mailboxes: %+v, %v", snaps, err)
	}
	if err := snap.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err := repo.Verify(ctx, VerifyOptions{ReadData: true}); err != nil || v.Faults != 0 || v.Snapshots != 3 {
		t.Errorf("verified: %+v, %v", v, err)
	}
}
