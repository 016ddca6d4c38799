package exchangeserver_test

import (
	"bytes"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// attach creates an attachment, which isn't saved.
func (m *mailbox) attach(h uint32) (num, attachment uint32) {
	m.t.Helper()
	resp, a := one[*oxcrops.CreateAttachmentResponse](m.rpc, h, &oxcrops.CreateAttachmentRequest{Out: 1})
	return resp.AttachmentID, a
}

// saveAttachment saves an attachment into its message.
func (m *mailbox) saveAttachment(h, a uint32) {
	m.t.Helper()
	resps, _ := m.call([]uint32{h, a}, &oxcrops.SaveChangesAttachmentRequest{ResponseIndex: 0, In: 1, SaveFlags: oxcrops.SaveKeepOpenReadWrite})
	if code := resps[0].Result(); code != 0 {
		m.t.Fatalf("RopSaveChangesAttachment: %v", code)
	}
}

func (m *mailbox) openAttachment(h, num uint32, mode uint8) uint32 {
	m.t.Helper()
	_, a := one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.OpenAttachmentRequest{Out: 1, AttachmentID: num, OpenAttachmentFlags: mode})
	return a
}

// attachments lists numbers, names and sizes.
func (m *mailbox) attachments(h uint32) []oxcdata.PropertyRow {
	m.t.Helper()
	_, table := one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.GetAttachmentTableRequest{Out: 1})
	return m.rows(table, pid.TagAttachNumber, pid.TagAttachLongFilename, pid.TagAttachSize)
}

// rows sets the columns of a table and reads it to its end.
func (m *mailbox) rows(table uint32, columns ...mapi.Tag) (rows []oxcdata.PropertyRow) {
	m.t.Helper()
	one[*oxcrops.StatusResponse](m.rpc, table, &oxcrops.SetColumnsRequest{Tags: columns})
	for {
		resp, _ := one[*oxcrops.QueryRowsResponse](m.rpc, table, &oxcrops.QueryRowsRequest{ForwardRead: true, RowCount: 1000})
		rows = append(rows, resp.Rows...)
		if resp.Origin == oxcrops.BookmarkEnd {
			return rows
		}
	}
}

func TestAttachments(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	m.set(h, pid.TagSubject, "files")
	data := pattern(100_000)
	_, small := m.attach(h)
	m.set(small, pid.TagAttachMethod, int32(1), pid.TagAttachLongFilename, "small.txt", pid.TagAttachDataBinary, []byte("small"))
	_, large := m.attach(h)
	m.set(large, pid.TagAttachMethod, int32(1), pid.TagAttachLongFilename, "large.bin")
	s := m.stream(large, pid.TagAttachDataBinary, oxcrops.StreamCreate)
	for at := 0; at < len(data); at += 25_000 {
		one[*oxcrops.WriteStreamResponse](m.rpc, s, &oxcrops.WriteStreamRequest{Data: data[at : at+25_000]})
	}
	m.call([]uint32{s}, &oxcrops.ReleaseRequest{})
	_, forgotten := m.attach(h)
	m.set(forgotten, pid.TagAttachLongFilename, "never saved")
	if n := len(m.attachments(h)); n != 0 {
		t.Errorf("%d attachments before one was saved", n)
	}
	m.saveAttachment(h, small)
	m.saveAttachment(h, large)
	m.want(h, pid.TagHasAttachments, true)
	id := m.save(h)

	_, h = m.open(id, oxcrops.OpenReadWrite)
	m.want(h, pid.TagHasAttachments, true)
	rows := m.attachments(h)
	if len(rows) != 2 || rows[0].Values[1] != "small.txt" || rows[1].Values[1] != "large.bin" {
		t.Fatalf("attachments %v", rows)
	}
	if n, _ := rows[1].Values[2].(int32); int(n) < len(data) {
		t.Errorf("size %d of an attachment of %d bytes", n, len(data))
	}
	number := func(i int) uint32 { return uint32(rows[i].Values[0].(int32)) }
	a := m.openAttachment(h, number(1), oxcrops.OpenReadOnly)
	if got := m.readAll(a, pid.TagAttachDataBinary); !bytes.Equal(got, data) {
		t.Error("the large attachment reads differently")
	}
	m.fails(mapi.ErrNoAccess, a, &oxcrops.SetPropertiesRequest{Values: []oxcdata.TaggedValue{{Tag: pid.TagAttachFlags, Value: int32(4)}}})
	m.fails(mapi.ErrNotFound, h, &oxcrops.OpenAttachmentRequest{Out: 1, AttachmentID: 99})

	a = m.openAttachment(h, number(0), oxcrops.OpenReadWrite)
	m.set(a, pid.TagAttachLongFilename, "renamed.txt")
	one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.DeleteAttachmentRequest{AttachmentID: number(1)})
	m.fails(mapi.ErrNotFound, h, &oxcrops.DeleteAttachmentRequest{AttachmentID: number(1)})
	m.saveAttachment(h, a)
	m.save(h)
	_, h = m.open(id, oxcrops.OpenReadOnly)
	if rows := m.attachments(h); len(rows) != 1 || rows[0].Values[1] != "renamed.txt" {
		t.Errorf("after changes %v", rows)
	}
	m.fails(mapi.ErrNoAccess, h, &oxcrops.CreateAttachmentRequest{Out: 1})
}

// TestEmbeddedMessage makes a message in an attachment of a message in an attachment.
func TestEmbeddedMessage(t *testing.T) {
	m := openMailbox(t)
	outer := m.message()
	m.set(outer, pid.TagSubject, "outer")
	_, a := m.attach(outer)
	m.fails(mapi.ErrNotFound, a, &oxcrops.OpenEmbeddedMessageRequest{Out: 1, OpenModeFlags: oxcrops.OpenReadOnly})
	embed := func(a uint32, mode uint8) (*oxcrops.OpenEmbeddedMessageResponse, uint32) {
		return one[*oxcrops.OpenEmbeddedMessageResponse](m.rpc, a, &oxcrops.OpenEmbeddedMessageRequest{Out: 1, CodePageID: oxcrops.CodePageLogon, OpenModeFlags: mode})
	}
	_, inner := embed(a, oxcrops.OpenCreate)
	m.set(inner, pid.TagSubject, "inner")
	one[*oxcrops.PlainResponse](m.rpc, inner, &oxcrops.ModifyRecipientsRequest{Recipients: []oxcrops.ModifyRecipientRow{recipient(0, 1, smtp("I", "i@example.org"))}})
	_, deep := m.attach(inner)
	_, innermost := embed(deep, oxcrops.OpenCreate)
	m.set(innermost, pid.TagSubject, "innermost")
	m.save(innermost)
	m.saveAttachment(inner, deep)
	m.save(inner)
	m.set(inner, pid.TagSubject, "changed and not saved")
	m.saveAttachment(outer, a)
	id := m.save(outer)

	_, outer = m.open(id, oxcrops.OpenReadOnly)
	m.want(outer, pid.TagSubject, "outer")
	a = m.openAttachment(outer, 0, oxcrops.OpenReadOnly)
	m.want(a, pid.TagAttachMethod, int32(5))
	opened, inner := embed(a, oxcrops.OpenReadOnly)
	if opened.NormalizedSubject.Text != "inner" || opened.RecipientCount != 1 || opened.Recipients[0].Row.Email != "i@example.org" {
		t.Errorf("inner message %+v", opened.OpenedMessage)
	}
	a = m.openAttachment(inner, 0, oxcrops.OpenReadOnly)
	if opened, _ := embed(a, oxcrops.OpenReadOnly); opened.NormalizedSubject.Text != "innermost" {
		t.Errorf("innermost message %+v", opened.OpenedMessage)
	}
	m.fails(mapi.ErrNoAccess, a, &oxcrops.OpenEmbeddedMessageRequest{Out: 1, OpenModeFlags: oxcrops.OpenReadWrite})
}
