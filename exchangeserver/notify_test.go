package exchangeserver_test

import (
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/mapihttp"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// fetch gives the events that a session has by now.
func fetch(r *rpc) (list []*oxcrops.NotifyResponse) {
	r.t.Helper()
	resps, _ := r.call(nil)
	for _, x := range resps {
		if n, ok := x.(*oxcrops.NotifyResponse); ok {
			list = append(list, n)
		}
	}
	return list
}

// TestNotifications has one client change a mailbox and another hear of it: of new mail, of objects and of tables.
func TestNotifications(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}, {Alias: "bob"}}})
	alice, bob := open(t, srv, "alice"), open(t, srv, "bob")
	defer alice.Close()
	defer bob.Close()
	r := connect(t, srv, "bob")
	info, logon := r.logon(srv.UserDN(t, "bob"))
	inbox := r.folder(logon, info.FolderIDs[inboxFolder])
	_, mail := one[oxcrops.Response](r, logon, &oxcrops.RegisterNotificationRequest{Out: 1, WantWholeStore: true, NotificationTypes: oxcrops.NotifyNewMail})
	_, objects := one[oxcrops.Response](r, logon, &oxcrops.RegisterNotificationRequest{Out: 1, FolderID: info.FolderIDs[inboxFolder],
		NotificationTypes: oxcrops.NotifyObjectCreated | oxcrops.NotifyObjectModified | oxcrops.NotifyObjectDeleted | oxcrops.NotifyObjectMoved | oxcrops.NotifyObjectCopied})
	_, table := one[*oxcrops.GetContentsTableResponse](r, inbox, &oxcrops.GetContentsTableRequest{Out: 1})
	one[oxcrops.Response](r, table, &oxcrops.SetColumnsRequest{Tags: []mapi.Tag{pid.TagSubject}})
	_, quiet := one[*oxcrops.GetContentsTableResponse](r, inbox, &oxcrops.GetContentsTableRequest{Out: 1, TableFlags: oxcrops.TableNoNotifications})
	one[oxcrops.Response](r, quiet, &oxcrops.SetColumnsRequest{Tags: []mapi.Tag{pid.TagSubject}})
	if early := fetch(r); len(early) != 0 {
		t.Fatalf("%d events before anything happened", len(early))
	}

	// The wait goes beside other calls, and ends with the first event.
	waited := make(chan uint32, 1)
	failed := make(chan error, 1)
	go func() {
		var resp oxcmapihttp.NotificationWaitResponse
		body, err := oxcmapihttp.MarshalRequest(&oxcmapihttp.NotificationWaitRequest{}, oxcmapihttp.Envelope{})
		if err == nil {
			var a *mapihttp.Response
			if a, err = r.http.Do(t.Context(), mapihttp.NotificationWait, body); err == nil {
				_, _, err = oxcmapihttp.UnmarshalResponse(a.Body, &resp)
			}
		}
		if err != nil {
			failed <- err
			return
		}
		waited <- resp.EventPending
	}()
	submit(t, alice, &mapi.Item{Recipients: []mapi.Props{addressed(1, "SMTP", "bob@contoso.test")}, Props: mapi.Props{
		{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}, {Key: mapi.TagKey(pid.TagSubject), Value: "news"}}})
	select {
	case n := <-waited:
		if n != 1 {
			t.Errorf("NotificationWait answers %d", n)
		}
	case err := <-failed:
		t.Fatal(err)
	case <-time.After(time.Minute):
		t.Fatal("NotificationWait doesn't notice new mail")
	}
	got := map[uint32][]*oxcrops.NotifyResponse{}
	for _, n := range fetch(r) {
		got[n.NotificationHandle] = append(got[n.NotificationHandle], n)
	}
	if len(got[mail]) != 1 || got[mail][0].MessageClass != "IPM.Note" || got[mail][0].FolderID != info.FolderIDs[inboxFolder] {
		t.Errorf("new mail: %+v", got[mail])
	}
	if len(got[objects]) != 1 || got[objects][0].NotificationFlags != oxcrops.NotifyObjectCreated|oxcrops.NotifyMessage ||
		got[objects][0].MessageID != got[mail][0].MessageID {
		t.Errorf("objects: %+v", got[objects])
	}
	if len(got[table]) != 1 || got[table][0].TableEventType != oxcrops.TableChanged {
		t.Errorf("table: %+v", got[table])
	}
	if len(got[quiet]) != 0 {
		t.Errorf("a table that wants no notifications: %+v", got[quiet])
	}

	// What happens to an item is told in order, and a table that changes again only once.
	dir := place(t, bob, mapi.RoleInbox)
	var id mapi.EntryID
	for row, err := range dir.Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		id = row.ID
	}
	if err := dir.Update(t.Context(), id, mapi.Props{{Key: mapi.TagKey(pid.TagImportance), Value: int32(2)}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := dir.Delete(t.Context(), []mapi.EntryID{id}, false); err != nil {
		t.Fatal(err)
	}
	var kinds []uint16
	tables := 0
	for _, n := range fetch(r) {
		switch n.NotificationHandle {
		case objects:
			kinds = append(kinds, n.NotificationFlags&0xFFF)
		case table:
			tables++
		}
	}
	if len(kinds) != 2 || kinds[0] != oxcrops.NotifyObjectModified || kinds[1] != oxcrops.NotifyObjectDeleted || tables != 1 {
		t.Errorf("events %#x, table %d times", kinds, tables)
	}

	// A released subscription is silent.
	r.call([]uint32{objects, table}, &oxcrops.ReleaseRequest{In: 0}, &oxcrops.ReleaseRequest{In: 1})
	if _, err := mapi.WriteItem(t.Context(), dir, mapi.Normal, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "unheard"}}}); err != nil {
		t.Fatal(err)
	}
	if late := fetch(r); len(late) != 0 {
		t.Errorf("%d events after the release", len(late))
	}
}
