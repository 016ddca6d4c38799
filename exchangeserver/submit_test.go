package exchangeserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// place opens a special folder.
func place(t *testing.T, st mapi.Store, r mapi.Role) mapi.Folder {
	t.Helper()
	id, err := st.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := st.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// items reads all of a folder, by subject.
func items(t *testing.T, f mapi.Folder) map[string]*mapi.Item {
	t.Helper()
	m := map[string]*mapi.Item{}
	for r, err := range f.Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		it, err := mapi.ReadItem(t.Context(), f, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		m[it.Props.Text(pid.TagSubject)] = it
	}
	return m
}

func addressed(kind int32, addressType, address string) mapi.Props {
	return mapi.Props{
		{Key: mapi.TagKey(pid.TagRecipientType), Value: kind}, {Key: mapi.TagKey(pid.TagDisplayName), Value: address},
		{Key: mapi.TagKey(pid.TagAddressType), Value: addressType}, {Key: mapi.TagKey(pid.TagEmailAddress), Value: address},
	}
}

// submit sends an item by way of the Outbox.
func submit(t *testing.T, st mapi.Store, it *mapi.Item) {
	t.Helper()
	outbox := place(t, st, mapi.RoleOutbox)
	id, err := mapi.WriteItem(t.Context(), outbox, mapi.Normal, it)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.(*exchange.Store).Submit(t.Context(), outbox.ID(), id); err != nil {
		t.Fatal(err)
	}
	if left := items(t, outbox); len(left) != 0 {
		t.Errorf("the Outbox still holds %d items", len(left))
	}
}

func TestSubmit(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}, {Alias: "bob"}, {Alias: "carol"}}})
	alice, bob, carol := open(t, srv, "alice"), open(t, srv, "bob"), open(t, srv, "carol")
	defer alice.Close()
	defer bob.Close()
	defer carol.Close()
	var sample *mapi.Item // HTML, attachments, an embedded message, named properties
	for _, s := range storetest.SampleItems() {
		if len(s.Item.Attachments) > 1 && s.Kind == mapi.Normal && (sample == nil || len(s.Item.Attachments) > len(sample.Attachments)) {
			sample = s.Item
		}
	}
	it := &mapi.Item{Props: slices.Clone(sample.Props), Attachments: sample.Attachments}
	it.Props.Set(mapi.TagKey(pid.TagSubject), "to all of you")
	for _, tag := range []mapi.Tag{pid.TagSentRepresentingEmailAddress, pid.TagSubjectPrefix, pid.TagNormalizedSubject} {
		it.Props.Delete(mapi.TagKey(tag))
	}
	it.Recipients = []mapi.Props{
		addressed(1, "SMTP", "bob@contoso.test"), addressed(2, "EX", srv.UserDN(t, "bob")),
		addressed(3, "SMTP", "CAROL@contoso.test"),
		addressed(1, "SMTP", "nobody@contoso.test"), addressed(1, "SMTP", "somebody@fabrikam.test"),
	}
	submit(t, alice, it)

	got := items(t, place(t, bob, mapi.RoleInbox))
	if len(got) != 1 {
		t.Fatalf("bob got %d messages", len(got))
	}
	mail := got["to all of you"]
	if mail == nil {
		t.Fatalf("bob got %v", got)
	}
	for tag, want := range map[mapi.Tag]any{
		pid.TagSenderSmtpAddress: "alice@contoso.test", pid.TagSentRepresentingSmtpAddress: "alice@contoso.test",
		pid.TagReceivedBySmtpAddress: "bob@contoso.test", pid.TagMessageToMe: true, pid.TagMessageCcMe: true,
	} {
		if v := mail.Props.Tag(tag); v != want {
			t.Errorf("%v is %v, want %v", tag, v, want)
		}
	}
	if flags, _ := mail.Props.Tag(pid.TagMessageFlags).(int32); flags&(1|8) != 0 {
		t.Errorf("it arrives with flags %#x: read or unsent", flags)
	}
	for _, r := range mail.Recipients {
		if strings.EqualFold(r.Text(pid.TagEmailAddress), "carol@contoso.test") {
			t.Error("bob sees the blind copy")
		}
	}
	var a, b compare.Fingerprint
	for f, x := range map[*compare.Fingerprint]*mapi.Item{&a: {Attachments: it.Attachments}, &b: {Attachments: mail.Attachments}} {
		if err := x.WriteTo(f); err != nil {
			t.Fatal(err)
		}
	}
	if a.Node().Digest() != b.Node().Digest() {
		t.Error("the attachments arrive changed")
	}
	if blind := items(t, place(t, carol, mapi.RoleInbox))["to all of you"]; blind == nil {
		t.Error("the blind copy didn't arrive")
	}
	sent := items(t, place(t, alice, mapi.RoleSent))["to all of you"]
	if sent == nil {
		t.Fatal("there is no copy in Sent Items")
	}
	if flags, _ := sent.Props.Tag(pid.TagMessageFlags).(int32); flags&1 == 0 || flags&8 != 0 {
		t.Errorf("the sent copy has flags %#x", flags)
	}
	if len(sent.Recipients) != len(it.Recipients) {
		t.Errorf("the sent copy has %d recipients", len(sent.Recipients))
	}
	report := items(t, place(t, alice, mapi.RoleInbox))["Undeliverable: to all of you"]
	if report == nil {
		t.Fatal("nothing tells alice what wasn't delivered")
	}
	var failed []string
	for _, r := range report.Recipients {
		failed = append(failed, r.Text(pid.TagEmailAddress))
	}
	slices.Sort(failed)
	if want := []string{"nobody@contoso.test", "somebody@fabrikam.test"}; !slices.Equal(failed, want) {
		t.Errorf("the report names %q, want %q", failed, want)
	}
	if class := fmt.Sprint(report.Props.Text(pid.TagMessageClass)); class != "REPORT.IPM.Note.NDR" {
		t.Errorf("the report is a %s", class)
	}
}

func TestSubmitWithoutCopy(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}, {Alias: "bob"}}})
	alice, bob := open(t, srv, "alice"), open(t, srv, "bob")
	defer alice.Close()
	defer bob.Close()
	it := &mapi.Item{Recipients: []mapi.Props{addressed(1, "SMTP", "bob@contoso.test")}, Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}, {Key: mapi.TagKey(pid.TagSubject), Value: "no copy"},
		{Key: mapi.TagKey(pid.TagDeleteAfterSubmit), Value: true}, {Key: mapi.TagKey(pid.TagReadReceiptRequested), Value: true},
	}}
	submit(t, alice, it)
	if n := len(items(t, place(t, alice, mapi.RoleSent))); n != 0 {
		t.Errorf("%d items in Sent Items", n)
	}
	if items(t, place(t, bob, mapi.RoleInbox))["no copy"] == nil {
		t.Error("it didn't arrive")
	}
	// Marking all as read sends the receipt, once.
	reader := connect(t, srv, "bob")
	info, logon := reader.logon(srv.UserDN(t, "bob"))
	inbox := reader.folder(logon, info.FolderIDs[inboxFolder])
	for range 2 {
		one[*oxcrops.PartialResponse](reader, inbox, &oxcrops.SetReadFlagsRequest{})
	}
	receipts := items(t, place(t, alice, mapi.RoleInbox))
	if len(receipts) != 1 || receipts["Read: no copy"] == nil || receipts["Read: no copy"].Props.Text(pid.TagMessageClass) != "REPORT.IPM.Note.IPNRN" {
		t.Errorf("alice has %d items in place of one receipt", len(receipts))
	}
	noOne := &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}}}
	outbox := place(t, alice, mapi.RoleOutbox)
	id, err := mapi.WriteItem(t.Context(), outbox, mapi.Normal, noOne)
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.(*exchange.Store).Submit(t.Context(), outbox.ID(), id); mapi.CodeOf(err) != mapi.ErrNoRecipients {
		t.Errorf("submit to nobody: %v", err)
	}
}

// TestOutOfOffice lets somebody be away: who writes to them is told so, once.
func TestOutOfOffice(t *testing.T) {
	ctx := t.Context()
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}, {Alias: "bob"}}})
	alice, bob := open(t, srv, "alice"), open(t, srv, "bob")
	defer alice.Close()
	defer bob.Close()
	away, ok := mapi.As[mapi.OutOfOfficer](bob)
	if !ok {
		t.Fatal("the mailbox can't be out of office")
	}
	for _, want := range []mapi.OutOfOffice{{}, {On: true, Text: "back on Monday"}, {On: true, Text: "back on Tuesday"}} {
		if want.On {
			if err := away.SetOutOfOffice(ctx, want); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := away.OutOfOffice(ctx); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	mail := func(subject string) *mapi.Item {
		return &mapi.Item{Recipients: []mapi.Props{addressed(1, "SMTP", "bob@contoso.test")}, Props: mapi.Props{
			{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}, {Key: mapi.TagKey(pid.TagSubject), Value: subject}}}
	}
	submit(t, alice, mail("first"))
	submit(t, alice, mail("second"))
	got := items(t, place(t, alice, mapi.RoleInbox))
	reply := got["Automatic reply: first"]
	if len(got) != 1 || reply == nil {
		t.Fatalf("alice got %d answers", len(got))
	}
	if body := reply.Props.Text(pid.TagBody); body != "back on Tuesday" {
		t.Errorf("the answer says %q", body)
	}
	if err := away.SetOutOfOffice(ctx, mapi.OutOfOffice{Text: "back on Tuesday"}); err != nil {
		t.Fatal(err)
	}
	if got, err := away.OutOfOffice(ctx); err != nil || got.On || got.Text != "back on Tuesday" {
		t.Errorf("switched off: %+v, %v", got, err)
	}
}
