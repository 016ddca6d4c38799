package exchangeserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// message creates a message in the Inbox.
func (m *mailbox) message() uint32 {
	m.t.Helper()
	_, h := one[*oxcrops.CreateMessageResponse](m.rpc, m.inbox, &oxcrops.CreateMessageRequest{Out: 1, CodePageID: oxcrops.CodePageLogon, FolderID: m.info.FolderIDs[inboxFolder]})
	return h
}

// set sets properties, which must all be taken.
func (m *mailbox) set(h uint32, tagsAndValues ...any) {
	m.t.Helper()
	q := &oxcrops.SetPropertiesRequest{}
	for i := 0; i < len(tagsAndValues); i += 2 {
		q.Values = append(q.Values, oxcdata.TaggedValue{Tag: tagsAndValues[i].(mapi.Tag), Value: tagsAndValues[i+1]})
	}
	if resp, _ := one[*oxcrops.ProblemsResponse](m.rpc, h, q); len(resp.Problems) > 0 {
		m.t.Errorf("SetProperties: %v", resp.Problems)
	}
}

// get reads properties; those that are missing are mapi.Code.
func (m *mailbox) get(h uint32, tags ...mapi.Tag) []mapi.Value {
	m.t.Helper()
	resp, _ := one[*oxcrops.GetPropertiesSpecificResponse](m.rpc, h, &oxcrops.GetPropertiesSpecificRequest{WantUnicode: 1, Tags: tags})
	return resp.Row.Values
}

func (m *mailbox) want(h uint32, tag mapi.Tag, value mapi.Value) {
	m.t.Helper()
	if got := m.get(h, tag)[0]; mapi.CompareValues(got, value) != 0 || fmt.Sprintf("%T", got) != fmt.Sprintf("%T", value) {
		m.t.Errorf("%s is %T %v, want %T %v", pid.Name(mapi.TagKey(tag)), got, got, value, value)
	}
}

// save saves a message and gives its id. The message stays open for changes.
func (m *mailbox) save(h uint32) oxcdata.ID {
	m.t.Helper()
	resp, _ := one[*oxcrops.SaveChangesMessageResponse](m.rpc, h, &oxcrops.SaveChangesMessageRequest{SaveFlags: oxcrops.SaveKeepOpenReadWrite})
	return resp.MessageID
}

// open opens a message of the Inbox.
func (m *mailbox) open(id oxcdata.ID, mode uint8) (*oxcrops.OpenMessageResponse, uint32) {
	m.t.Helper()
	return one[*oxcrops.OpenMessageResponse](m.rpc, m.store, m.openRequest(id, mode))
}

func (m *mailbox) openRequest(id oxcdata.ID, mode uint8) *oxcrops.OpenMessageRequest {
	return &oxcrops.OpenMessageRequest{Out: 1, CodePageID: oxcrops.CodePageLogon, FolderID: m.info.FolderIDs[inboxFolder], OpenModeFlags: mode, MessageID: id}
}

func (m *mailbox) count(in mapi.Tag) int {
	m.t.Helper()
	n, _ := m.get(m.inbox, in)[0].(int32)
	return int(n)
}

// mail saves a message with a subject.
func (m *mailbox) mail(subject string, more ...any) oxcdata.ID {
	m.t.Helper()
	h := m.message()
	m.set(h, append([]any{pid.TagMessageClass, "IPM.Note", pid.TagSubject, subject}, more...)...)
	id := m.save(h)
	m.call([]uint32{h}, &oxcrops.ReleaseRequest{})
	return id
}

func TestNewMessage(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	// What [MS-OXCMSG] 3.2.5.2 gives new messages.
	m.want(h, pid.TagImportance, int32(1))
	m.want(h, pid.TagMessageClass, "IPM.Note")
	m.want(h, pid.TagMessageFlags, int32(9))
	m.want(h, pid.TagHasAttachments, false)
	m.want(h, pid.TagDisplayTo, "")
	if key, ok := m.get(h, pid.TagSearchKey)[0].([]byte); !ok || len(key) != 16 {
		t.Errorf("search key %x", key)
	}
	if n := m.count(pid.TagContentCount); n != 0 {
		t.Errorf("%d messages before the first was saved", n)
	}
	m.set(h, pid.TagSubject, "RE: Grüße", pid.TagImportance, int32(2))
	m.want(h, pid.TagSubjectPrefix, "RE: ")
	m.want(h, pid.TagNormalizedSubject, "Grüße")
	m.set(h, pid.TagSubjectPrefix, "AW: ")
	m.want(h, pid.TagSubject, "AW: Grüße")
	id := m.save(h)
	if n := m.count(pid.TagContentCount); n != 1 {
		t.Errorf("%d messages after one was saved", n)
	}
	opened, again := m.open(id, oxcrops.OpenReadOnly)
	if opened.SubjectPrefix.Text != "AW: " || opened.NormalizedSubject.Text != "Grüße" || opened.RecipientCount != 0 {
		t.Errorf("opened as %+v", opened.OpenedMessage)
	}
	m.want(again, pid.TagImportance, int32(2))
	m.want(again, pid.TagSubject, "AW: Grüße")
	m.fails(mapi.ErrNoAccess, again, &oxcrops.SetPropertiesRequest{Values: []oxcdata.TaggedValue{{Tag: pid.TagImportance, Value: int32(0)}}})
	m.fails(mapi.ErrNoAccess, again, &oxcrops.SaveChangesMessageRequest{})
	m.fails(mapi.ErrNotFound, m.store, m.openRequest(oxcdata.NewID(1, 0xABCDEF), oxcrops.OpenReadOnly))
	m.fails(mapi.ErrInvalidParameter, m.store, m.openRequest(id, 0x40))
}

func TestDiscardedMessage(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	m.set(h, pid.TagSubject, "never saved")
	m.call([]uint32{h}, &oxcrops.ReleaseRequest{})
	if n := m.count(pid.TagContentCount); n != 0 {
		t.Errorf("%d messages", n)
	}
	m.fails(mapi.ErrNullObject, h, &oxcrops.GetPropertiesListRequest{})
}

// TestConflict saves two changes of one message.
func TestConflict(t *testing.T) {
	m := openMailbox(t)
	id := m.mail("contested")
	_, first := m.open(id, oxcrops.OpenReadWrite)
	_, second := m.open(id, oxcrops.OpenReadWrite)
	m.set(first, pid.TagSubject, "first")
	m.set(second, pid.TagSubject, "second")
	m.save(first)
	m.fails(mapi.ErrObjectChanged, second, &oxcrops.SaveChangesMessageRequest{SaveFlags: oxcrops.SaveKeepOpenReadWrite})
	_, h := m.open(id, oxcrops.OpenReadOnly)
	m.want(h, pid.TagSubject, "first")
	one[*oxcrops.SaveChangesMessageResponse](m.rpc, second, &oxcrops.SaveChangesMessageRequest{SaveFlags: oxcrops.SaveForce})
	_, h = m.open(id, oxcrops.OpenReadOnly)
	m.want(h, pid.TagSubject, "second")

	m.set(first, pid.TagSubject, "gone")
	one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.HardDeleteMessagesRequest{MessageIDs: []oxcdata.ID{id}})
	m.fails(mapi.ErrObjectDeleted, first, &oxcrops.SaveChangesMessageRequest{})
}

func TestProperties(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	names, _ := one[*oxcrops.GetPropertyIdsFromNamesResponse](m.rpc, m.store, &oxcrops.GetPropertyIdsFromNamesRequest{Flags: oxcrops.NamesCreate,
		Names: []mapi.PropName{{Set: mapi.PSPublicStrings, Name: "Keywords"}, {Set: mapi.PSETIDTask, LID: 0x8101}, {Set: mapi.PSMAPI, LID: 0x1035}}})
	if names.IDs[0] < 0x8000 || names.IDs[1] < 0x8000 || names.IDs[2] != 0x1035 {
		t.Errorf("ids %x", names.IDs)
	}
	unknown, _ := one[*oxcrops.GetPropertyIdsFromNamesResponse](m.rpc, h, &oxcrops.GetPropertyIdsFromNamesRequest{
		Names: []mapi.PropName{{Set: mapi.PSPublicStrings, Name: "never heard of"}}})
	if unknown.IDs[0] != 0 || unknown.ReturnValue != mapi.WarnErrorsReturned {
		t.Errorf("an unknown name: %x, %v", unknown.IDs, unknown.ReturnValue)
	}
	back, _ := one[*oxcrops.GetNamesFromPropertyIdsResponse](m.rpc, h, &oxcrops.GetNamesFromPropertyIdsRequest{IDs: []uint16{names.IDs[0], names.IDs[1], 0x37, 0xFFFE}})
	want := []mapi.PropName{{Set: mapi.PSPublicStrings, Name: "Keywords"}, {Set: mapi.PSETIDTask, LID: 0x8101}, {Set: mapi.PSMAPI, LID: 0x37}, {}}
	if !slices.Equal(back.Names, want) {
		t.Errorf("names %v, want %v", back.Names, want)
	}
	keywords := mapi.NewTag(names.IDs[0], mapi.TypeString|mapi.MultiValue)
	values := []any{keywords, []string{"one", "två"}, mapi.NewTag(names.IDs[1], mapi.TypeInt32), int32(7),
		mapi.Tag(0x6A000014), int64(-1), mapi.Tag(0x6A01000B), true, mapi.Tag(0x6A020040), mapi.FileTime(1 << 57), mapi.Tag(0x6A030102), []byte{0, 1},
		mapi.Tag(0x6A040005), 1.5, mapi.Tag(0x6A050048), mapi.PSMAPI, mapi.Tag(0x6A061102), [][]byte{{1}, {}}}
	m.set(h, values...)
	problems, _ := one[*oxcrops.ProblemsResponse](m.rpc, h, &oxcrops.SetPropertiesRequest{Values: []oxcdata.TaggedValue{
		{Tag: pid.TagSubject, Value: "x"}, {Tag: pid.TagMessageSize, Value: int32(1)}}})
	if len(problems.Problems) != 1 || problems.Problems[0] != (oxcrops.PropertyProblem{Index: 1, Tag: pid.TagMessageSize, ErrorCode: mapi.ErrComputed}) {
		t.Errorf("problems %v", problems.Problems)
	}
	m.set(h, mapi.Tag(0x6A10001E), mapi.String8("Gr\xfc\xdfe"))
	_, h = m.open(m.save(h), oxcrops.OpenReadWrite)
	for i := 0; i < len(values); i += 2 {
		m.want(h, values[i].(mapi.Tag), values[i+1])
	}
	m.want(h, mapi.Tag(0x6A10001F), "Grüße")
	m.want(h, mapi.Tag(0x6A10001E), mapi.String8("Gr\xfc\xdfe"))
	if v, ok := m.get(h, keywords.WithType(0))[0].(oxcdata.TypedValue); !ok || v.Type != mapi.TypeString|mapi.MultiValue {
		t.Errorf("a property of unspecified type came as %v", v)
	}
	list, _ := one[*oxcrops.GetPropertiesListResponse](m.rpc, h, &oxcrops.GetPropertiesListRequest{})
	all, _ := one[*oxcrops.GetPropertiesAllResponse](m.rpc, h, &oxcrops.GetPropertiesAllRequest{WantUnicode: 1})
	if len(list.Tags) != len(all.Values) || !slices.Contains(list.Tags, keywords) {
		t.Errorf("%d tags, %d values", len(list.Tags), len(all.Values))
	}
	named, _ := one[*oxcrops.QueryNamedPropertiesResponse](m.rpc, h, &oxcrops.QueryNamedPropertiesRequest{})
	if !slices.Equal(named.IDs, names.IDs[:2]) {
		t.Errorf("named properties of the message %x, want %x", named.IDs, names.IDs[:2])
	}
	everything, _ := one[*oxcrops.QueryNamedPropertiesResponse](m.rpc, m.store, &oxcrops.QueryNamedPropertiesRequest{HasGUID: true, PropertyGUID: mapi.PSETIDTask})
	if len(everything.IDs) == 0 || everything.Names[0].Set != mapi.PSETIDTask {
		t.Errorf("named properties of a set: %v", everything.Names)
	}
	one[*oxcrops.ProblemsResponse](m.rpc, h, &oxcrops.DeletePropertiesRequest{Tags: []mapi.Tag{keywords, pid.TagSubject}})
	m.want(h, keywords, mapi.ErrNotFound)
	_, h = m.open(m.save(h), oxcrops.OpenReadOnly)
	m.want(h, keywords, mapi.ErrNotFound)
	m.want(h, pid.TagSubject, mapi.ErrNotFound)
	m.want(h, mapi.Tag(0x6A01000B), true)
}

// TestLargeValues reads properties that don't fit an answer: they come as errors, and by stream.
func TestLargeValues(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	for i := range 3 {
		m.set(h, mapi.NewTag(uint16(0x6A00+i), mapi.TypeString), strings.Repeat("x", 5000*(i+1)))
	}
	tags := []mapi.Tag{0x6A00001F, 0x6A01001F, 0x6A02001F, pid.TagImportance}
	row := m.get(h, tags...)
	if len(row[0].(string)) != 5000 || row[2] != mapi.ErrNoMemory || row[3] != int32(1) {
		t.Errorf("what doesn't fit has to be left to streams, largest first: %.20v", row)
	}
	limited, _ := one[*oxcrops.GetPropertiesAllResponse](m.rpc, h, &oxcrops.GetPropertiesAllRequest{PropertySizeLimit: 1000, WantUnicode: 1})
	for _, v := range limited.Values {
		if v.Tag.ID() >= 0x6A00 && v.Tag.ID() <= 0x6A02 && (v.Tag.Type() != mapi.TypeError || v.Value != mapi.ErrNoMemory) {
			t.Errorf("%v came in spite of the size limit", v.Tag)
		}
	}
	if got := m.readAll(h, 0x6A02001F); len(got) != 30000 {
		t.Errorf("%d bytes by stream", len(got))
	}
}

func recipient(row uint32, kind uint8, r oxcdata.RecipientRow) oxcrops.ModifyRecipientRow {
	return oxcrops.ModifyRecipientRow{RowID: row, RecipientType: kind, Row: &r}
}

func smtp(name, address string) oxcdata.RecipientRow {
	return oxcdata.RecipientRow{Flags: oxcdata.RecipientSMTP | oxcdata.RecipientUnicode | oxcdata.RecipientEmail | oxcdata.RecipientDisplay, Email: address, Display: name}
}

func TestRecipients(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	columns := []mapi.Tag{pid.TagSmtpAddress, pid.TagObjectType}
	with := func(r oxcdata.RecipientRow, values ...mapi.Value) oxcdata.RecipientRow {
		r.Row.Values = values
		return r
	}
	exchange := oxcdata.RecipientRow{Flags: oxcdata.RecipientX500 | oxcdata.RecipientDisplay | oxcdata.RecipientSameName, X500DN: "/o=x/cn=bob", Display: "Bob\xe9"}
	other := oxcdata.RecipientRow{Flags: oxcdata.RecipientOtherAddress | oxcdata.RecipientUnicode | oxcdata.RecipientEmail | oxcdata.RecipientDisplay | oxcdata.RecipientNonRich, AddressType: "FAX", Email: "+49 1", Display: "Fax"}
	one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.ModifyRecipientsRequest{Columns: columns, Recipients: []oxcrops.ModifyRecipientRow{
		recipient(0, 1, with(smtp("Zoë", "zoe@example.org"), "zoe@example.org", int32(6))), recipient(1, 2, with(exchange, "bob@example.org")), recipient(5, 3, other)}})
	m.want(h, pid.TagDisplayTo, "Zoë")
	m.want(h, pid.TagDisplayCc, "Bobé")
	read, _ := one[*oxcrops.ReadRecipientsResponse](m.rpc, h, m.columned(h, &oxcrops.ReadRecipientsRequest{RowID: 1}))
	if len(read.Recipients) != 2 || read.Recipients[0].RowID != 1 || read.Recipients[1].RowID != 5 {
		t.Fatalf("recipients from 1 on: %+v", read.Recipients)
	}
	m.fails(mapi.ErrNotFound, h, m.columned(h, &oxcrops.ReadRecipientsRequest{RowID: 6}))
	id := m.save(h)

	opened, h := m.open(id, oxcrops.OpenReadWrite)
	if opened.RecipientCount != 3 || len(opened.Recipients) != 3 {
		t.Fatalf("%d recipients, %d rows", opened.RecipientCount, len(opened.Recipients))
	}
	r := opened.Recipients
	if x := r[0].Row; r[0].RecipientType != 1 || x.Email != "zoe@example.org" || x.Display != "Zoë" || x.Flags&oxcdata.RecipientTypeMask != oxcdata.RecipientSMTP {
		t.Errorf("first recipient %+v", r[0])
	}
	if i := slices.Index(opened.Columns, pid.TagObjectType); i < 0 || r[0].Row.Row.Values[i] != int32(6) || r[1].Row.Row.Values[i] != mapi.Value(mapi.ErrNotFound) {
		t.Errorf("object types in columns %v", opened.Columns)
	}
	if x := r[1].Row; x.X500DN != "/o=x/cn=bob" || x.Display != "Bobé" || x.Flags&oxcdata.RecipientSameName == 0 {
		t.Errorf("second recipient %+v", x)
	}
	if x := r[2].Row; x.AddressType != "FAX" || x.Email != "+49 1" || x.Flags&oxcdata.RecipientNonRich == 0 {
		t.Errorf("third recipient %+v", x)
	}
	one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.ModifyRecipientsRequest{Recipients: []oxcrops.ModifyRecipientRow{{RowID: 1}, recipient(0, 2, smtp("Other", "o@example.org"))}})
	reloaded, _ := one[*oxcrops.ReloadCachedInformationResponse](m.rpc, h, &oxcrops.ReloadCachedInformationRequest{})
	if reloaded.RecipientCount != 2 || reloaded.Recipients[0].Row.Display != "Other" {
		t.Errorf("after changes %+v", reloaded.Recipients)
	}
	m.save(h)
	one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.RemoveAllRecipientsRequest{})
	m.save(h)
	if opened, h := m.open(id, oxcrops.OpenReadOnly); opened.RecipientCount != 0 {
		t.Errorf("%d recipients after their removal", opened.RecipientCount)
	} else {
		m.want(h, pid.TagDisplayTo, "")
	}
}

// columned gives a request for recipients the columns that the server makes of them here: all but the fixed ones.
func (m *mailbox) columned(h uint32, q *oxcrops.ReadRecipientsRequest) *oxcrops.ReadRecipientsRequest {
	resp, _ := one[*oxcrops.ReloadCachedInformationResponse](m.rpc, h, &oxcrops.ReloadCachedInformationRequest{})
	m.columns[h] = resp.Columns
	return q
}

// TestManyRecipients opens a message with more recipients than an answer holds.
func TestManyRecipients(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	const all = 1000
	for at := 0; at < all; at += 100 {
		q := &oxcrops.ModifyRecipientsRequest{}
		for i := at; i < at+100; i++ {
			q.Recipients = append(q.Recipients, recipient(uint32(i), 1, smtp(fmt.Sprintf("Recipient %d", i), fmt.Sprintf("r%d@example.org", i))))
		}
		one[*oxcrops.PlainResponse](m.rpc, h, q)
	}
	opened, h := m.open(m.save(h), oxcrops.OpenReadOnly)
	if opened.RecipientCount != all || len(opened.Recipients) == 0 || len(opened.Recipients) == all {
		t.Fatalf("%d recipients, %d rows", opened.RecipientCount, len(opened.Recipients))
	}
	seen := len(opened.Recipients)
	for next := uint32(seen); ; {
		resp, _, code := try[*oxcrops.ReadRecipientsResponse](m.rpc, h, &oxcrops.ReadRecipientsRequest{RowID: next})
		if code == mapi.ErrNotFound {
			break
		}
		for _, r := range resp.Recipients {
			if want := fmt.Sprintf("r%d@example.org", seen); r.Row.Email != want {
				t.Fatalf("recipient %d is %s", seen, r.Row.Email)
			}
			seen++
			next = r.RowID + 1
		}
	}
	if seen != all {
		t.Errorf("%d recipients read of %d", seen, all)
	}
}

func TestReadFlags(t *testing.T) {
	m := openMailbox(t)
	a, b := m.mail("a", pid.TagMessageFlags, int32(0)), m.mail("b", pid.TagMessageFlags, int32(0))
	if n := m.count(pid.TagContentUnreadCount); n != 2 {
		t.Fatalf("%d unread", n)
	}
	resp, _ := one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.SetReadFlagsRequest{MessageIDs: []oxcdata.ID{a, oxcdata.NewID(1, 0xFFFFFF)}})
	if !resp.PartialCompletion || m.count(pid.TagContentUnreadCount) != 1 {
		t.Errorf("one marked and one missing: partial %v, %d unread", resp.PartialCompletion, m.count(pid.TagContentUnreadCount))
	}
	one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.SetReadFlagsRequest{ReadFlags: oxcrops.ReadSuppressReceipt})
	if n := m.count(pid.TagContentUnreadCount); n != 0 {
		t.Errorf("%d unread after all were marked", n)
	}
	_, h := m.open(b, oxcrops.OpenReadOnly)
	changed, _ := one[*oxcrops.SetMessageReadFlagResponse](m.rpc, h, &oxcrops.SetMessageReadFlagRequest{ReadFlags: oxcrops.ReadClear})
	if !changed.ReadStatusChanged || m.count(pid.TagContentUnreadCount) != 1 {
		t.Errorf("changed %v, %d unread", changed.ReadStatusChanged, m.count(pid.TagContentUnreadCount))
	}
	changed, _ = one[*oxcrops.SetMessageReadFlagResponse](m.rpc, h, &oxcrops.SetMessageReadFlagRequest{ReadFlags: oxcrops.ReadClear})
	if changed.ReadStatusChanged {
		t.Error("marking it again changed something")
	}
	m.fails(mapi.ErrInvalidParameter, m.inbox, &oxcrops.SetReadFlagsRequest{ReadFlags: oxcrops.ReadSuppressReceipt | oxcrops.ReadGenerateReceipt})
}

func TestMessageStatus(t *testing.T) {
	m := openMailbox(t)
	id := m.mail("status")
	before, _ := one[*oxcrops.SetMessageStatusResponse](m.rpc, m.inbox, &oxcrops.SetMessageStatusRequest{MessageID: id, MessageStatusFlags: 0x3000, MessageStatusMask: 0x1000})
	after, _ := one[*oxcrops.SetMessageStatusResponse](m.rpc, m.inbox, &oxcrops.GetMessageStatusRequest{MessageID: id})
	if before.MessageStatusFlags != 0 || after.MessageStatusFlags != 0x1000 {
		t.Errorf("status 0x%x, then 0x%x", before.MessageStatusFlags, after.MessageStatusFlags)
	}
	m.fails(mapi.ErrNotFound, m.inbox, &oxcrops.GetMessageStatusRequest{MessageID: oxcdata.NewID(1, 0xFFFFFF)})
}

func TestSoftDeletedMessage(t *testing.T) {
	m := openMailbox(t)
	id := m.mail("deleted")
	resp, _ := one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.DeleteMessagesRequest{MessageIDs: []oxcdata.ID{id}})
	if resp.PartialCompletion {
		t.Error("partial completion")
	}
	m.fails(mapi.ErrNotFound, m.store, m.openRequest(id, oxcrops.OpenReadOnly))
	_, h := m.open(id, oxcrops.OpenReadOnly|oxcrops.OpenSoftDeleted)
	m.want(h, pid.TagSubject, "deleted")
	m.fails(mapi.ErrNoAccess, m.store, m.openRequest(id, oxcrops.OpenReadWrite|oxcrops.OpenSoftDeleted))
	table, _ := one[*oxcrops.GetContentsTableResponse](m.rpc, m.inbox, &oxcrops.GetContentsTableRequest{Out: 1, TableFlags: oxcrops.TableSoftDeletes})
	if table.RowCount != 1 {
		t.Errorf("%d soft-deleted messages", table.RowCount)
	}
	one[*oxcrops.PartialResponse](m.rpc, m.inbox, &oxcrops.HardDeleteMessagesRequest{MessageIDs: []oxcdata.ID{id}})
	m.fails(mapi.ErrNotFound, m.store, m.openRequest(id, oxcrops.OpenReadOnly|oxcrops.OpenSoftDeleted))
}
