package exchangeserver_test

import (
	"slices"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// create makes a folder.
func (m *mailbox) create(parent uint32, name string) (oxcdata.ID, uint32) {
	m.t.Helper()
	resp, h := one[*oxcrops.CreateFolderResponse](m.rpc, parent, createRequest(name))
	return resp.FolderID, h
}

func createRequest(name string) *oxcrops.CreateFolderRequest {
	return &oxcrops.CreateFolderRequest{Out: 1, FolderType: 1, UseUnicodeStrings: true, DisplayName: name}
}

// folders lists names below a folder.
func (m *mailbox) folders(h uint32, flags uint8) (names []string) {
	m.t.Helper()
	resp, table := one[*oxcrops.GetHierarchyTableResponse](m.rpc, h, &oxcrops.GetHierarchyTableRequest{Out: 1, TableFlags: flags})
	for _, r := range m.rows(table, pid.TagDisplayName, pid.TagDepth, pid.TagFolderId) {
		names = append(names, r.Values[0].(string))
	}
	if int(resp.RowCount) != len(names) {
		m.t.Errorf("%d folders announced, %d listed", resp.RowCount, len(names))
	}
	return names
}

func TestFolders(t *testing.T) {
	m := openMailbox(t)
	id, h := m.create(m.inbox, "Projekte")
	m.fails(mapi.ErrCollision, m.inbox, createRequest("projekte"))
	again := createRequest("PROJEKTE")
	again.OpenExisting = true
	if r, _ := one[*oxcrops.CreateFolderResponse](m.rpc, m.inbox, again); !r.IsExistingFolder || r.FolderID != id {
		t.Errorf("opened %+v, want folder %x", r, id)
	}
	narrow := &oxcrops.CreateFolderRequest{Out: 1, FolderType: 1, DisplayName: "Gr\xfc\xdfe", Comment: "8-bit"}
	_, greetings := one[*oxcrops.CreateFolderResponse](m.rpc, h, narrow)
	m.want(greetings, pid.TagDisplayName, "Grüße")
	m.want(greetings, pid.TagComment, "8-bit")
	m.fails(mapi.ErrInvalidParameter, m.inbox, createRequest(""))
	m.create(greetings, "tief")
	if got := m.folders(m.inbox, 0); !slices.Equal(got, []string{"Projekte"}) {
		t.Errorf("directly below: %q", got)
	}
	if got := m.folders(m.inbox, oxcrops.TableDepth); !slices.Equal(got, []string{"Projekte", "Grüße", "tief"}) {
		t.Errorf("all below: %q", got)
	}
	m.set(h, pid.TagDisplayName, "Vorhaben", pid.TagContainerClass, "IPF.Task")
	m.want(h, pid.TagContainerClass, "IPF.Task")
	if got := m.folders(m.inbox, 0); !slices.Equal(got, []string{"Vorhaben"}) {
		t.Errorf("renamed: %q", got)
	}
	// Deleting: what the flags don't cover stays.
	remove := func(flags uint8) bool {
		r, _ := one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.DeleteFolderRequest{FolderID: id, DeleteFolderFlags: flags})
		return r.PartialCompletion
	}
	if !remove(oxcrops.DelMessages) {
		t.Error("a folder with folders below was deleted without the flag for it")
	}
	if remove(oxcrops.DelMessages|oxcrops.DelFolders|oxcrops.DeleteHardDelete) || len(m.folders(m.inbox, 0)) != 0 {
		t.Error("the folder is still there")
	}
	m.fails(mapi.ErrNotFound, m.store, &oxcrops.OpenFolderRequest{Out: 1, FolderID: id})
	root := m.folder(m.store, m.info.FolderIDs[ipmSubtree])
	m.fails(mapi.ErrNoAccess, root, &oxcrops.DeleteFolderRequest{FolderID: m.info.FolderIDs[inboxFolder], DeleteFolderFlags: 0x15})
	m.fails(mapi.ErrNoSupport, m.inbox, &oxcrops.CreateFolderRequest{Out: 1, FolderType: 2, UseUnicodeStrings: true, DisplayName: "search"})
	m.fails(0x461, m.inbox, &oxcrops.GetSearchCriteriaRequest{})
}

func TestMoveAndCopy(t *testing.T) {
	m := openMailbox(t)
	a, b := m.mail("a"), m.mail("b")
	id, dest := m.create(m.inbox, "dest")
	move := func(q oxcrops.Request, table ...uint32) *oxcrops.MoveResponse {
		resps, _ := m.call(table, q)
		return resps[0].(*oxcrops.MoveResponse)
	}
	in := func(folder uint32) []string {
		_, table := one[*oxcrops.GetContentsTableResponse](m.rpc, folder, &oxcrops.GetContentsTableRequest{Out: 1})
		return subjects(m.rows(table, pid.TagSubject))
	}
	if r := move(&oxcrops.MoveCopyMessagesRequest{Src: 0, Dest: 1, MessageIDs: []oxcdata.ID{a}, WantCopy: true}, m.inbox, dest); r.ReturnValue != 0 || r.PartialCompletion {
		t.Errorf("copy: %+v", r)
	}
	if r := move(&oxcrops.MoveCopyMessagesRequest{Src: 0, Dest: 1, MessageIDs: []oxcdata.ID{b, oxcdata.NewID(1, 0xFFFFFF)}}, m.inbox, dest); !r.PartialCompletion {
		t.Errorf("move of a message and of none: %+v", r)
	}
	m.shows("source", in(m.inbox), "a")
	m.shows("target", in(dest), "a", "b")
	if r := move(&oxcrops.MoveCopyMessagesRequest{Src: 0, Dest: 1, MessageIDs: []oxcdata.ID{a}}, m.inbox, none); r.ReturnValue != mapi.ErrNullDestination || r.Dest != 1 {
		t.Errorf("no target: %+v", r)
	}
	if r := move(&oxcrops.CopyFolderRequest{Src: 0, Dest: 1, WantRecursive: true, UseUnicode: true, FolderID: id, NewFolderName: "copy"}, m.inbox, m.inbox); r.ReturnValue != 0 {
		t.Errorf("copy folder: %+v", r)
	}
	m.shows("folders", m.folders(m.inbox, 0), "copy", "dest")
	if r := move(&oxcrops.CopyFolderRequest{Src: 0, Dest: 1, UseUnicode: true, FolderID: id, NewFolderName: "x"}, m.inbox, dest); r.ReturnValue != mapi.ErrFolderCycle {
		t.Errorf("copy folder into itself: %+v", r)
	}
	root := m.folder(m.store, m.info.FolderIDs[ipmSubtree])
	if r := move(&oxcrops.MoveFolderRequest{Src: 0, Dest: 1, UseUnicode: true, FolderID: id, NewFolderName: "moved"}, m.inbox, root); r.ReturnValue != 0 {
		t.Errorf("move folder: %+v", r)
	}
	m.shows("folders", m.folders(m.inbox, 0), "copy")
	if !slices.Contains(m.folders(root, 0), "moved") {
		t.Error("the moved folder isn't where it should be")
	}
	one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.EmptyFolderRequest{})
	m.shows("emptied", in(m.inbox))
	m.shows("emptied", m.folders(m.inbox, 0))
}

// TestCopyTo copies properties, recipients and attachments between objects.
func TestCopyTo(t *testing.T) {
	m := openMailbox(t)
	src := m.message()
	m.set(src, pid.TagSubject, "source", pid.TagImportance, int32(2), pid.TagBody, "text")
	one[*oxcrops.PlainResponse](m.rpc, src, &oxcrops.ModifyRecipientsRequest{Recipients: []oxcrops.ModifyRecipientRow{recipient(0, 1, smtp("I", "i@example.org"))}})
	_, a := m.attach(src)
	m.set(a, pid.TagAttachDataBinary, []byte("data"))
	m.saveAttachment(src, a)
	copyInto := func(dest uint32, q oxcrops.Request) *oxcrops.ProblemsResponse {
		resps, _ := m.call([]uint32{src, dest}, q)
		return resps[0].(*oxcrops.ProblemsResponse)
	}
	whole, some := m.message(), m.message()
	if r := copyInto(whole, &oxcrops.CopyToRequest{Src: 0, Dest: 1, WantSubObjects: true, ExcludedTags: []mapi.Tag{pid.TagImportance}}); r.ReturnValue != 0 || len(r.Problems) > 0 {
		t.Errorf("CopyTo: %+v", r)
	}
	m.set(some, pid.TagSubject, "kept")
	if r := copyInto(some, &oxcrops.CopyPropertiesRequest{Src: 0, Dest: 1, CopyFlags: oxcrops.CopyNoOverwrite, Tags: []mapi.Tag{pid.TagSubject, pid.TagBody}}); r.ReturnValue != 0 {
		t.Errorf("CopyProperties: %+v", r)
	}
	opened, h := m.open(m.save(whole), oxcrops.OpenReadOnly)
	if opened.RecipientCount != 1 || len(m.attachments(h)) != 1 {
		t.Errorf("%d recipients and %d attachments in the copy", opened.RecipientCount, len(m.attachments(h)))
	}
	m.want(h, pid.TagSubject, "source")
	m.want(h, pid.TagImportance, int32(1))
	_, h = m.open(m.save(some), oxcrops.OpenReadOnly)
	m.want(h, pid.TagSubject, "kept")
	m.want(h, pid.TagBody, "text")
	if r := copyInto(none, &oxcrops.CopyToRequest{Src: 0, Dest: 1}); r.ReturnValue != mapi.ErrNullDestination || r.Dest != 1 {
		t.Errorf("no target: %+v", r)
	}
	if r := copyInto(m.inbox, &oxcrops.CopyToRequest{Src: 0, Dest: 1}); r.ReturnValue != mapi.ErrNoSupport {
		t.Errorf("to a folder: %+v", r)
	}
}

func TestStore(t *testing.T) {
	m := openMailbox(t)
	long, _ := one[*oxcrops.LongTermIdFromIdResponse](m.rpc, m.store, &oxcrops.LongTermIdFromIdRequest{ObjectID: m.info.FolderIDs[inboxFolder]})
	if long.LongTermID.Replica != m.info.ReplGUID {
		t.Errorf("replica %v, want %v", long.LongTermID.Replica, m.info.ReplGUID)
	}
	short, _ := one[*oxcrops.IdFromLongTermIdResponse](m.rpc, m.store, &oxcrops.IdFromLongTermIdRequest{LongTermID: long.LongTermID})
	if short.ObjectID != m.info.FolderIDs[inboxFolder] {
		t.Errorf("id %x, want %x", short.ObjectID, m.info.FolderIDs[inboxFolder])
	}
	foreign := oxcdata.LongTermID{GlobalID: oxcdata.GlobalID{Replica: mapi.PSETIDTask, Counter: 5}}
	met, _ := one[*oxcrops.IdFromLongTermIdResponse](m.rpc, m.store, &oxcrops.IdFromLongTermIdRequest{LongTermID: foreign})
	back, _ := one[*oxcrops.LongTermIdFromIdResponse](m.rpc, m.store, &oxcrops.LongTermIdFromIdRequest{ObjectID: met.ObjectID})
	if met.ObjectID.Replica() == m.info.ReplID || back.LongTermID != foreign {
		t.Errorf("an id of a foreign replica: %x, back %+v", met.ObjectID, back.LongTermID)
	}
	m.fails(mapi.ErrNotFound, m.store, &oxcrops.LongTermIdFromIdRequest{ObjectID: oxcdata.NewID(999, 5)})
	m.fails(mapi.ErrInvalidParameter, m.store, &oxcrops.IdFromLongTermIdRequest{})
	first, _ := one[*oxcrops.GetLocalReplicaIdsResponse](m.rpc, m.store, &oxcrops.GetLocalReplicaIdsRequest{IDCount: 100})
	second, _ := one[*oxcrops.GetLocalReplicaIdsResponse](m.rpc, m.store, &oxcrops.GetLocalReplicaIdsRequest{IDCount: 1})
	if first.First.Replica != m.info.ReplGUID || second.First.Counter < first.First.Counter+100 {
		t.Errorf("reserved %+v, then %+v", first.First, second.First)
	}
	if got := m.get(m.store, pid.TagMailboxOwnerName)[0]; got != "Alice Example" {
		t.Errorf("owner %v", got)
	}
	m.set(m.store, pid.TagComment, "mine")
	m.want(m.store, pid.TagComment, "mine")

	receive := func(class mapi.String8) (oxcdata.ID, mapi.String8) {
		r, _ := one[*oxcrops.GetReceiveFolderResponse](m.rpc, m.store, &oxcrops.GetReceiveFolderRequest{MessageClass: class})
		return r.FolderID, r.ExplicitMessageClass
	}
	if id, class := receive("IPM.Note.Custom"); id != m.info.FolderIDs[inboxFolder] || class != "IPM" {
		t.Errorf("IPM.Note.Custom goes to %x by %q", id, class)
	}
	other, _ := m.create(m.inbox, "other")
	one[*oxcrops.PlainResponse](m.rpc, m.store, &oxcrops.SetReceiveFolderRequest{FolderID: other, MessageClass: "IPM.Other"})
	if id, class := receive("ipm.OTHER.thing"); id != other || class != "IPM.Other" {
		t.Errorf("IPM.Other.thing goes to %x by %q", id, class)
	}
	table, _ := one[*oxcrops.GetReceiveFolderTableResponse](m.rpc, m.store, &oxcrops.GetReceiveFolderTableRequest{})
	if len(table.Rows) != 5 {
		t.Errorf("%d receive folders", len(table.Rows))
	}
	one[*oxcrops.PlainResponse](m.rpc, m.store, &oxcrops.SetReceiveFolderRequest{MessageClass: "IPM.Other"})
	if _, class := receive("IPM.Other"); class != "IPM" {
		t.Errorf("after removal IPM.Other goes by %q", class)
	}
	m.fails(mapi.ErrNoAccess, m.store, &oxcrops.SetReceiveFolderRequest{FolderID: other, MessageClass: "IPM"})
	m.fails(mapi.ErrCallFailed, m.store, &oxcrops.SetReceiveFolderRequest{})
	m.fails(mapi.ErrInvalidParameter, m.store, &oxcrops.GetReceiveFolderRequest{MessageClass: "IPM..x"})
	if r, _ := one[*oxcrops.GetTransportFolderResponse](m.rpc, m.store, &oxcrops.GetTransportFolderRequest{}); r.FolderID != m.info.FolderIDs[5] {
		t.Errorf("transport folder %x", r.FolderID)
	}
	if r, _ := one[*oxcrops.GetAddressTypesResponse](m.rpc, m.store, &oxcrops.GetAddressTypesRequest{}); len(r.AddressTypes) != 2 {
		t.Errorf("address types %q", r.AddressTypes)
	}
	one[*oxcrops.PlainResponse](m.rpc, m.store, &oxcrops.SetSpoolerRequest{})
	one[*oxcrops.PlainResponse](m.rpc, m.store, &oxcrops.RegisterNotificationRequest{Out: 1, NotificationTypes: oxcrops.NotifyNewMail, WantWholeStore: true})
	m.fails(mapi.ErrNoSupport, m.store, &oxcrops.GetOwningServersRequest{})
	m.fails(mapi.ErrInvalidParameter, m.inbox, &oxcrops.SynchronizationConfigureRequest{Out: 1})
	m.fails(mapi.ErrNotImplemented, m.store, &oxcrops.GetStoreStateRequest{})
}
