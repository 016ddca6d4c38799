package exchangeserver_test

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcfxics"
	"github.com/opencdo/opencdo/internal/oxcmapihttp"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
)

// download fetches the stream of a source.
func (m *mailbox) download(source uint32, q *oxcrops.FastTransferSourceGetBufferRequest, flags uint32) []byte {
	m.t.Helper()
	m.flags = flags
	defer func() { m.flags = 0 }()
	var out []byte
	for {
		resps, _ := m.call([]uint32{source}, q)
		for _, x := range resps {
			r := x.(*oxcrops.FastTransferSourceGetBufferResponse)
			if r.ReturnValue != 0 {
				m.t.Fatalf("RopFastTransferSourceGetBuffer: %v", r.ReturnValue)
			}
			out = append(out, r.TransferBuffer...)
			if r.TransferStatus == oxcrops.TransferDone {
				m.call([]uint32{source}, &oxcrops.ReleaseRequest{})
				return out
			}
		}
	}
}

var anySize = &oxcrops.FastTransferSourceGetBufferRequest{BufferSize: oxcrops.MaximumSize, MaximumBufferSize: 0xFFFF}

// source makes a download; its request's In is 0, its Out 1.
func (m *mailbox) source(h uint32, q oxcrops.Request) uint32 {
	m.t.Helper()
	_, s := one[*oxcrops.PlainResponse](m.rpc, h, q)
	return s
}

// upload sends a stream to an object, which its release completes.
func (m *mailbox) upload(h uint32, operation uint8, stream []byte) {
	m.t.Helper()
	_, dest := one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.FastTransferDestinationConfigureRequest{Out: 1, SourceOperation: operation})
	const most = 20_011 // cut anywhere
	for len(stream) > 0 {
		n := min(len(stream), most)
		r, _ := one[*oxcrops.FastTransferDestinationPutBufferResponse](m.rpc, dest, &oxcrops.FastTransferDestinationPutBufferRequest{TransferData: stream[:n]})
		if int(r.BufferUsedSize) != n {
			m.t.Fatalf("%d bytes used of %d", r.BufferUsedSize, n)
		}
		stream = stream[n:]
	}
	m.call([]uint32{dest}, &oxcrops.ReleaseRequest{})
}

// streamOf is an item as a FastTransfer stream.
func streamOf(t testing.TB, it *mapi.Item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := oxcfxics.NewContentWriter(oxcfxics.NewWriter(oxcfxics.Plain(&out), nil))
	if err := it.WriteTo(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func itemOf(t testing.TB, stream []byte) *mapi.Item {
	t.Helper()
	var b mapi.ItemBuilder
	if err := oxcfxics.ReadContent(oxcfxics.NewReader(bytes.NewReader(stream)), &b); err != nil {
		t.Fatal(err)
	}
	return &b.Item
}

// big is an item with an attachment of a size.
func big(size int) *mapi.Item {
	return &mapi.Item{
		Props:      mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}, {Key: mapi.TagKey(pid.TagSubject), Value: "big"}, {Key: mapi.TagKey(pid.TagBody), Value: "text"}},
		Recipients: []mapi.Props{{{Key: mapi.TagKey(pid.TagRowid), Value: int32(0)}, {Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: "Ada"}}},
		Attachments: []*mapi.Attachment{
			{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachNumber), Value: int32(0)}, {Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(1)}, {Key: mapi.TagKey(pid.TagAttachDataBinary), Value: pattern(size)}}},
			{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachNumber), Value: int32(1)}, {Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(5)}}, Embedded: &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagSubject), Value: "inside"}}}},
		},
	}
}

// made are properties that servers give to items.
var made = []mapi.Key{mapi.TagKey(pid.TagEntryId), mapi.TagKey(pid.TagParentEntryId), mapi.TagKey(pid.TagRecordKey), mapi.TagKey(pid.TagInstanceKey),
	mapi.TagKey(pid.TagSourceKey), mapi.TagKey(pid.TagChangeKey), mapi.TagKey(pid.TagPredecessorChangeList), mapi.TagKey(pid.TagObjectType),
	mapi.TagKey(pid.TagAccess), mapi.TagKey(pid.TagAccessLevel), mapi.TagKey(pid.TagMessageSize), mapi.TagKey(pid.TagMessageSizeExtended),
	mapi.TagKey(pid.TagHasAttachments), mapi.TagKey(pid.TagMessageFlags), mapi.TagKey(pid.TagCreationTime), mapi.TagKey(pid.TagLastModificationTime),
	mapi.TagKey(pid.TagSearchKey), mapi.TagKey(pid.TagSubjectPrefix), mapi.TagKey(pid.TagNormalizedSubject), mapi.TagKey(pid.TagDisplayTo),
	mapi.TagKey(pid.TagDisplayCc), mapi.TagKey(pid.TagDisplayBcc), mapi.TagKey(pid.TagAttachSize), mapi.TagKey(pid.TagImportance),
	mapi.TagKey(pid.TagSensitivity), mapi.TagKey(pid.TagTrustSender)}

func (m *mailbox) same(what string, got, want *mapi.Item) {
	m.t.Helper()
	if d := storetest.DiffItems(want, got, made...); d != "" {
		m.t.Errorf("%s:\n%s", what, d)
	}
}

// TestTransferMessage uploads messages, small and large, and downloads them in buffers of many sizes.
func TestTransferMessage(t *testing.T) {
	m := openMailbox(t)
	for _, size := range []int{10, 40_000, 2_000_000} {
		want := big(size)
		h := m.message()
		m.upload(h, oxcrops.SourceCopyTo, streamOf(t, want))
		_, h = m.open(m.save(h), oxcrops.OpenReadWrite)
		for _, q := range []*oxcrops.FastTransferSourceGetBufferRequest{anySize, {BufferSize: 700}, {BufferSize: 0x7000}} {
			if size > 100_000 && q.BufferSize == 700 {
				continue
			}
			src := m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode})
			m.same("downloaded", itemOf(t, m.download(src, q, oxcmapihttp.ExecuteChain)), want)
		}
		m.set(h, pid.TagSubject, "changed")
		changed := big(size)
		changed.Props.Set(mapi.TagKey(pid.TagSubject), "changed")
		src := m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode})
		m.same("downloaded with an unsaved change", itemOf(t, m.download(src, anySize, 0)), changed)
		src = m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode, Tags: []mapi.Tag{pid.TagBody, pid.TagMessageAttachments}})
		if it := itemOf(t, m.download(src, anySize, 0)); it.Props.Tag(pid.TagBody) != nil || len(it.Attachments) != 0 || len(it.Recipients) != 1 {
			t.Errorf("with exclusions: body %v, %d attachments, %d recipients", it.Props.Tag(pid.TagBody), len(it.Attachments), len(it.Recipients))
		}
		src = m.source(h, &oxcrops.FastTransferSourceCopyPropertiesRequest{Out: 1, SendOptions: oxcrops.SendUnicode, Tags: []mapi.Tag{pid.TagBody, pid.TagMessageRecipients}})
		if it := itemOf(t, m.download(src, anySize, 0)); len(it.Props) != 1 || len(it.Attachments) != 0 || len(it.Recipients) != 1 {
			t.Errorf("some properties: %v, %d attachments, %d recipients", it.Props, len(it.Attachments), len(it.Recipients))
		}
	}
}

// TestMixedUpload edits messages before and after an upload.
func TestMixedUpload(t *testing.T) {
	m := openMailbox(t)
	for _, size := range []int{10, 1_000_000} {
		want := big(size)
		want.Props.Set(mapi.TagKey(pid.TagComment), "before")
		h := m.message()
		m.set(h, pid.TagComment, "before")
		m.upload(h, oxcrops.SourceCopyTo, streamOf(t, big(size)))
		m.set(h, pid.TagSubject, "after")
		want.Props.Set(mapi.TagKey(pid.TagSubject), "after")
		_, a := m.attach(h)
		m.set(a, pid.TagAttachMethod, int32(1), pid.TagAttachDataBinary, []byte("one more"))
		m.saveAttachment(h, a)
		want.Attachments = append(want.Attachments, &mapi.Attachment{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachNumber), Value: int32(2)},
			{Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(1)}, {Key: mapi.TagKey(pid.TagAttachDataBinary), Value: []byte("one more")}}})
		_, h = m.open(m.save(h), oxcrops.OpenReadOnly)
		src := m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode})
		m.same("edited before and after", itemOf(t, m.download(src, anySize, 0)), want)
	}
	// After a large upload to an untouched message properties can be set and read; what would need the rest of it can't be
	// done before it is saved.
	h := m.message()
	m.upload(h, oxcrops.SourceCopyTo, streamOf(t, big(1_000_000)))
	m.want(h, pid.TagSubject, "big")
	m.set(h, pid.TagSubject, "set at the end")
	m.fails(mapi.ErrNoSupport, h, &oxcrops.RemoveAllRecipientsRequest{})
	id := m.save(h)
	m.want(h, pid.TagSubject, "set at the end")
	if n := len(m.attachments(h)); n != 2 {
		t.Errorf("%d attachments", n)
	}
	// An upload replaces what an emptied message had.
	_, h = m.open(id, oxcrops.OpenReadWrite)
	list, _ := one[*oxcrops.GetPropertiesListResponse](m.rpc, h, &oxcrops.GetPropertiesListRequest{})
	one[*oxcrops.ProblemsResponse](m.rpc, h, &oxcrops.DeletePropertiesRequest{Tags: list.Tags})
	one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.RemoveAllRecipientsRequest{})
	for _, n := range []uint32{0, 1} {
		one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.DeleteAttachmentRequest{AttachmentID: n})
	}
	want := big(900_000)
	m.upload(h, oxcrops.SourceCopyTo, streamOf(t, want))
	if got := m.save(h); got != id {
		t.Errorf("the replaced message has id %x, was %x", got, id)
	}
	src := m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode})
	m.same("replaced", itemOf(t, m.download(src, anySize, 0)), want)
}

// TestBrokenUpload sends what isn't a message, and half of one.
func TestBrokenUpload(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	_, dest := one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.FastTransferDestinationConfigureRequest{Out: 1, SourceOperation: oxcrops.SourceCopyTo})
	r, _, code := try[*oxcrops.FastTransferDestinationPutBufferResponse](m.rpc, dest, &oxcrops.FastTransferDestinationPutBufferRequest{TransferData: bytes.Repeat([]byte{0xFF}, 100)})
	if code != mapi.ErrFormat || r.BufferUsedSize != 0 {
		t.Errorf("garbage: %v, %d bytes used", code, r.BufferUsedSize)
	}
	m.fails(mapi.ErrFormat, h, &oxcrops.SaveChangesMessageRequest{})
	for _, size := range []int{1000, 1_000_000} {
		h = m.message()
		stream := streamOf(t, big(size))
		m.upload(h, oxcrops.SourceCopyTo, stream[:len(stream)-50])
		m.fails(mapi.ErrFormat, h, &oxcrops.SaveChangesMessageRequest{})
	}
	if n := m.count(pid.TagContentCount); n != 0 {
		t.Errorf("%d messages of broken uploads", n)
	}
	m.fails(mapi.ErrInvalidParameter, h, &oxcrops.FastTransferDestinationConfigureRequest{Out: 1, SourceOperation: oxcrops.SourceCopyFolder})
	m.fails(mapi.ErrNoSupport, m.store, &oxcrops.FastTransferDestinationConfigureRequest{Out: 1, SourceOperation: oxcrops.SourceCopyTo})
}

// TestPackedUpload sends several buffers at once, as AUX_SERVER_CAPABILITIES allows.
func TestPackedUpload(t *testing.T) {
	m := openMailbox(t)
	want := big(150_000)
	stream := streamOf(t, want)
	h := m.message()
	_, dest := one[*oxcrops.PlainResponse](m.rpc, h, &oxcrops.FastTransferDestinationConfigureRequest{Out: 1, SourceOperation: oxcrops.SourceCopyTo})
	var payloads [][]byte
	for part := range slices.Chunk(stream, 30_000) {
		p, err := oxcrops.EncodeRequests(nil, []oxcrops.Request{&oxcrops.FastTransferDestinationPutBufferExtendedRequest{TransferData: part}}, []uint32{dest})
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, p)
	}
	out, code := m.execute(payloads...)
	if code != 0 {
		t.Fatal(code)
	}
	resps, _ := m.decode(out, []oxcrops.Request{&oxcrops.FastTransferDestinationPutBufferExtendedRequest{}}, []uint32{dest})
	if r := resps[0].(*oxcrops.FastTransferDestinationPutBufferExtendedResponse); r.ReturnValue != 0 || int(r.BufferUsedSize) != len(stream)%30_000 {
		t.Errorf("%v, %d bytes used of the last buffer's %d", r.ReturnValue, r.BufferUsedSize, len(stream)%30_000)
	}
	m.call([]uint32{dest}, &oxcrops.ReleaseRequest{})
	_, h = m.open(m.save(h), oxcrops.OpenReadOnly)
	src := m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode})
	m.same("uploaded in packed buffers", itemOf(t, m.download(src, anySize, 0)), want)
}

// TestTransferAttachment moves the content of an attachment, an embedded message included.
func TestTransferAttachment(t *testing.T) {
	m := openMailbox(t)
	h := m.message()
	m.upload(h, oxcrops.SourceCopyTo, streamOf(t, big(100_000)))
	m.save(h)
	other := m.message()
	for n := range uint32(2) {
		src := m.source(m.openAttachment(h, n, oxcrops.OpenReadOnly), &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode})
		stream := m.download(src, anySize, 0)
		_, a := m.attach(other)
		m.upload(a, oxcrops.SourceCopyTo, stream)
		m.saveAttachment(other, a)
	}
	_, other = m.open(m.save(other), oxcrops.OpenReadOnly)
	if got := m.readAll(m.openAttachment(other, 0, oxcrops.OpenReadOnly), pid.TagAttachDataBinary); !bytes.Equal(got, pattern(100_000)) {
		t.Error("the copied attachment reads differently")
	}
	opened, _ := one[*oxcrops.OpenEmbeddedMessageResponse](m.rpc, m.openAttachment(other, 1, oxcrops.OpenReadOnly), &oxcrops.OpenEmbeddedMessageRequest{Out: 1})
	if opened.NormalizedSubject.Text != "inside" {
		t.Errorf("embedded message %+v", opened.OpenedMessage)
	}
}

// TestTransferMessages moves lists of messages and whole folders.
func TestTransferMessages(t *testing.T) {
	m := openMailbox(t)
	ids := []oxcdata.ID{m.mail("a"), m.mail("b"), oxcdata.NewID(1, 0xFFFFFF)}
	_, assoc := one[*oxcrops.CreateMessageResponse](m.rpc, m.store, &oxcrops.CreateMessageRequest{Out: 1, FolderID: m.info.FolderIDs[inboxFolder], AssociatedFlag: true})
	m.set(assoc, pid.TagSubject, "settings")
	ids = append(ids, m.save(assoc))
	_, sub := m.create(m.inbox, "below")
	m.upload(sub, oxcrops.SourceCopyMessages, m.download(m.source(m.inbox, &oxcrops.FastTransferSourceCopyMessagesRequest{Out: 1, MessageIDs: ids, SendOptions: oxcrops.SendUnicode}), anySize, 0))
	if normal, associated := m.get(sub, pid.TagContentCount, pid.TagAssociatedContentCount)[0], m.get(sub, pid.TagAssociatedContentCount)[0]; normal != int32(2) || associated != int32(1) {
		t.Errorf("%v messages and %v associated ones came", normal, associated)
	}
	stream := m.download(m.source(m.inbox, &oxcrops.FastTransferSourceCopyMessagesRequest{Out: 1, MessageIDs: ids[:1], CopyFlags: 0x20, SendOptions: oxcrops.SendUnicode}), anySize, 0)
	for part, err := range oxcfxics.Parts(oxcfxics.NewReader(bytes.NewReader(stream)), oxcfxics.RootMessageList) {
		if err != nil {
			t.Fatal(err)
		}
		var b mapi.ItemBuilder
		if err := part.(*oxcfxics.Message).Content(&b); err != nil {
			t.Fatal(err)
		}
		if b.Item.Props.Tag(pid.TagEntryId) == nil {
			t.Error("the entry id that was asked for isn't there")
		}
	}
	_, copied := m.create(m.inbox, "copied")
	m.upload(copied, oxcrops.SourceCopyFolder, m.download(m.source(sub, &oxcrops.FastTransferSourceCopyFolderRequest{Out: 1, CopyFlags: 0x10, SendOptions: oxcrops.SendUnicode}), anySize, 0))
	m.shows("copied folder", m.folders(copied, 0), "below")
	_, content := m.create(m.inbox, "content")
	m.upload(content, oxcrops.SourceCopyTo, m.download(m.source(copied, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: oxcrops.SendUnicode}), anySize, 0))
	m.shows("content of a folder", m.folders(content, oxcrops.TableDepth), "below")
	_, table := one[*oxcrops.GetHierarchyTableResponse](m.rpc, content, &oxcrops.GetHierarchyTableRequest{Out: 1})
	row := m.rows(table, pid.TagFolderId, pid.TagContentCount)[0]
	if row.Values[1] != int32(2) {
		t.Errorf("%v messages came with the folder", row.Values[1])
	}
}

// TestStringForms downloads strings in the forms that SendOptions ask for.
func TestStringForms(t *testing.T) {
	m := openMailbox(t)
	cyrillic := mapi.String8("\xcf\xf0\xe8\xe2\xe5\xf2") // in code page 1251
	it := &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageCodepage), Value: int32(1251)}, {Key: mapi.TagKey(pid.TagBody).WithType(mapi.TypeString8), Value: cyrillic},
		{Key: mapi.TagKey(pid.TagComment), Value: "Привет"}}}
	h := m.message()
	m.upload(h, oxcrops.SourceCopyTo, streamOf(t, it))
	id := m.save(h)
	_, h = m.open(id, oxcrops.OpenReadOnly)
	m.want(h, pid.TagBody, "Привет")
	tag := func(source uint32, id uint16) (mapi.Tag, mapi.Value) {
		r := oxcfxics.NewReader(bytes.NewReader(m.download(source, anySize, 0)))
		for {
			e, err := r.Next()
			if err == io.EOF {
				t.Fatal("the property isn't there")
			}
			if err != nil {
				t.Fatal(err)
			}
			if e.Tag.ID() == id {
				return e.Tag, e.Value
			}
		}
	}
	for _, c := range []struct {
		options uint8
		body    mapi.Tag
		value   mapi.Value
	}{
		{oxcrops.SendForceUnicode | oxcrops.SendUnicode, pid.TagBody, "Привет"},
		{oxcrops.SendForUpload, pid.TagBody.WithType(0x8000 | 1251), cyrillic},
		{oxcrops.SendUnicode, pid.TagBody.WithType(mapi.TypeString8), cyrillic},
	} {
		got, v := tag(m.source(h, &oxcrops.FastTransferSourceCopyToRequest{Out: 1, SendOptions: c.options}), pid.TagBody.ID())
		if got != c.body || v != c.value {
			t.Errorf("options 0x%x: %v %q, want %v %q", c.options, got, v, c.body, c.value)
		}
	}
	// In a list with messages in other code pages each has its own, or is Unicode where the type cannot say so.
	for options, want := range map[uint8]mapi.Prop{
		oxcrops.SendForUpload: {Key: mapi.TagKey(pid.TagBody.WithType(0x8000 | 1251)), Value: cyrillic},
		oxcrops.SendUnicode:   {Key: mapi.TagKey(pid.TagBody), Value: "Привет"},
	} {
		got, v := tag(m.source(m.inbox, &oxcrops.FastTransferSourceCopyMessagesRequest{Out: 1, MessageIDs: []oxcdata.ID{id}, SendOptions: options}), pid.TagBody.ID())
		if got != want.Key.Tag || v != want.Value {
			t.Errorf("in a list with options 0x%x: %v %q, want %v %q", options, got, v, want.Key, want.Value)
		}
	}
}
