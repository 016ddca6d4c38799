package cdo

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Subject is PR_SUBJECT.
func (m *Message) Subject(ctx context.Context) (string, error) {
	v, err := m.bag.text(ctx, pid.TagSubject)
	return v, fail("Message.Subject", err)
}

// SetSubject changes the subject, and the prefix and the normalized subject that it consists of ([MS-OXCMSG] 2.2.1.9,
// 2.2.1.10, 2.2.1.46).
func (m *Message) SetSubject(s string) {
	prefix := subjectPrefix(s)
	m.bag.putTag(pid.TagSubject, s)
	m.bag.putTag(pid.TagSubjectPrefix, prefix)
	m.bag.putTag(pid.TagNormalizedSubject, s[len(prefix):])
}

// subjectPrefix is up to three characters that aren't digits before a colon and a space, with these.
func subjectPrefix(s string) string {
	before, _, ok := strings.Cut(s, ": ")
	n := 0
	for _, r := range before {
		if n++; n > 3 || r == ':' || unicode.IsDigit(r) {
			return ""
		}
	}
	if !ok || n == 0 {
		return ""
	}
	return s[:len(before)+2]
}

// Text is the plain text of the message, PR_BODY.
func (m *Message) Text(ctx context.Context) (string, error) {
	v, err := m.bag.text(ctx, pid.TagBody)
	return v, fail("Message.Text", err)
}

// SetText changes the plain text. The message has no other form of it then: what it had as RTF or HTML is removed, because it
// would be shown instead.
func (m *Message) SetText(s string) {
	m.bag.putTag(pid.TagBody, s)
	for _, t := range []mapi.Tag{pid.TagHtml, pid.TagBodyHtml, pid.TagRtfCompressed, pid.TagRtfInSync, pid.TagNativeBody} {
		m.bag.remove(mapi.TagKey(t))
	}
}

// Type is the message class, PR_MESSAGE_CLASS.
func (m *Message) Type(ctx context.Context) (string, error) {
	v, err := m.bag.text(ctx, pid.TagMessageClass)
	return v, fail("Message.Type", err)
}

// SetType changes the message class.
func (m *Message) SetType(class string) { m.bag.putTag(pid.TagMessageClass, class) }

// Importance is PR_IMPORTANCE, CdoNormal when the message has none.
func (m *Message) Importance(ctx context.Context) (Importance, error) {
	v, err := m.bag.number(ctx, pid.TagImportance, int32(CdoNormal))
	return Importance(v), fail("Message.Importance", err)
}

// SetImportance changes the importance, and not the priority.
func (m *Message) SetImportance(i Importance) { m.bag.putTag(pid.TagImportance, int32(i)) }

// Sensitivity is PR_SENSITIVITY, CdoNoSensitivity when the message has none.
func (m *Message) Sensitivity(ctx context.Context) (Sensitivity, error) {
	v, err := m.bag.number(ctx, pid.TagSensitivity, int32(CdoNoSensitivity))
	return Sensitivity(v), fail("Message.Sensitivity", err)
}

// SetSensitivity changes the sensitivity.
func (m *Message) SetSensitivity(s Sensitivity) { m.bag.putTag(pid.TagSensitivity, int32(s)) }

// Size is PR_MESSAGE_SIZE in bytes. Before the message is saved it is CdoE_NOT_FOUND.
func (m *Message) Size(ctx context.Context) (int32, error) {
	n, err := m.size(ctx)
	return n, fail("Message.Size", err)
}

// size asks the folder's table when the item doesn't say.
func (m *Message) size(ctx context.Context) (int32, error) {
	if i := find(m.bag.have, mapi.TagKey(pid.TagMessageSize)); i >= 0 {
		n, _ := m.bag.have[i].Value.(int32)
		return n, nil
	}
	if m.id == "" {
		return 0, mapi.ErrNotFound
	}
	if err := m.usable(); err != nil {
		return 0, err
	}
	dir, err := m.folder.open(ctx)
	if err != nil {
		return 0, err
	}
	k := mapi.TagKey(pid.TagMessageSize)
	for r, err := range dir.Rows(ctx, mapi.Query{Kind: m.kind, Columns: []mapi.Key{k}, Where: byEntryID(m.id), Limit: 1}) {
		if err != nil {
			return 0, err
		}
		if n, ok := r.Values[0].(int32); ok {
			m.bag.have = append(m.bag.have, mapi.Prop{Key: k, Value: n})
			return n, nil
		}
	}
	return 0, mapi.ErrNotFound
}

// flags are PR_MESSAGE_FLAGS.
func (m *Message) flags(ctx context.Context) (int32, error) {
	return m.bag.number(ctx, pid.TagMessageFlags, 0)
}

// setFlags changes some of PR_MESSAGE_FLAGS.
func (m *Message) setFlags(ctx context.Context, member string, mask int32, on bool) error {
	v, err := m.flags(ctx)
	if err != nil {
		return fail(member, err)
	}
	if v &^= mask; on {
		v |= mask
	}
	m.bag.putTag(pid.TagMessageFlags, v)
	return nil
}

// Unread is true while the message wasn't read.
func (m *Message) Unread(ctx context.Context) (bool, error) {
	v, err := m.flags(ctx)
	return v&flagRead == 0, fail("Message.Unread", err)
}

// readMarker is a folder that has its own way to mark items read.
type readMarker interface {
	SetRead(ctx context.Context, ids []mapi.EntryID, read bool) error
}

// SetUnread marks a saved message as unread or read at once, without Update.
func (m *Message) SetUnread(ctx context.Context, unread bool) error {
	const member = "Message.Unread"
	if m.id == "" {
		return m.setFlags(ctx, member, flagRead, !unread)
	}
	if err := m.usable(); err != nil {
		return fail(member, err)
	}
	v, err := m.flags(ctx)
	if err != nil {
		return fail(member, err)
	}
	if v |= flagRead; unread {
		v &^= flagRead
	}
	dir, err := m.folder.open(ctx)
	if err != nil {
		return fail(member, err)
	}
	p := mapi.Prop{Key: mapi.TagKey(pid.TagMessageFlags), Value: v}
	if r, ok := dir.(readMarker); ok {
		err = r.SetRead(ctx, []mapi.EntryID{m.id}, !unread)
	} else {
		err = dir.Update(ctx, m.id, mapi.Props{p}, nil)
	}
	if err != nil {
		return fail(member, err)
	}
	for _, ps := range []mapi.Props{m.bag.have, m.bag.set} {
		if i := find(ps, p.Key); i >= 0 {
			ps[i] = p
		}
	}
	m.stale()
	return nil
}

// Sent is true when the message is no draft: PR_MESSAGE_FLAGS without MSGFLAG_UNSENT.
func (m *Message) Sent(ctx context.Context) (bool, error) {
	v, err := m.flags(ctx)
	return v&flagUnsent == 0, fail("Message.Sent", err)
}

// SetSent changes the flag; it sends nothing. Programs that post set it.
func (m *Message) SetSent(ctx context.Context, sent bool) error {
	return m.setFlags(ctx, "Message.Sent", flagUnsent, !sent)
}

// Submitted is true while the message waits to be sent.
func (m *Message) Submitted(ctx context.Context) (bool, error) {
	v, err := m.flags(ctx)
	return v&flagSubmitted != 0, fail("Message.Submitted", err)
}

// SetSubmitted changes the flag; it submits nothing.
func (m *Message) SetSubmitted(ctx context.Context, submitted bool) error {
	return m.setFlags(ctx, "Message.Submitted", flagSubmitted, submitted)
}

// Bits of PR_SECURITY.
const (
	securitySigned    = 1
	securityEncrypted = 2
)

func (m *Message) security(ctx context.Context, member string, bit int32) (bool, error) {
	v, err := m.bag.number(ctx, CdoPR_SECURITY, 0)
	return v&bit != 0, fail(member, err)
}

func (m *Message) setSecurity(ctx context.Context, member string, bit int32, on bool) error {
	v, err := m.bag.number(ctx, CdoPR_SECURITY, 0)
	if err != nil {
		return fail(member, err)
	}
	if v &^= bit; on {
		v |= bit
	}
	m.bag.putTag(CdoPR_SECURITY, v)
	return nil
}

// Encrypted is true when the message was asked to be encrypted; nothing here encrypts.
func (m *Message) Encrypted(ctx context.Context) (bool, error) {
	return m.security(ctx, "Message.Encrypted", securityEncrypted)
}

// SetEncrypted asks for encryption.
func (m *Message) SetEncrypted(ctx context.Context, on bool) error {
	return m.setSecurity(ctx, "Message.Encrypted", securityEncrypted, on)
}

// Signed is true when the message was asked to be signed; nothing here signs.
func (m *Message) Signed(ctx context.Context) (bool, error) {
	return m.security(ctx, "Message.Signed", securitySigned)
}

// SetSigned asks for a signature.
func (m *Message) SetSigned(ctx context.Context, on bool) error {
	return m.setSecurity(ctx, "Message.Signed", securitySigned, on)
}

// DeliveryReceipt is true when the sender wants to know of the delivery.
func (m *Message) DeliveryReceipt(ctx context.Context) (bool, error) {
	v, err := m.bag.flag(ctx, pid.TagOriginatorDeliveryReportRequested)
	return v, fail("Message.DeliveryReceipt", err)
}

// SetDeliveryReceipt asks for a delivery report.
func (m *Message) SetDeliveryReceipt(on bool) {
	m.bag.putTag(pid.TagOriginatorDeliveryReportRequested, on)
}

// ReadReceipt is true when the sender wants to know of the reading.
func (m *Message) ReadReceipt(ctx context.Context) (bool, error) {
	v, err := m.bag.flag(ctx, pid.TagReadReceiptRequested)
	return v, fail("Message.ReadReceipt", err)
}

// SetReadReceipt asks for a read receipt.
func (m *Message) SetReadReceipt(on bool) { m.bag.putTag(pid.TagReadReceiptRequested, on) }

// Conversation is PR_CONVERSATION_KEY in hexadecimal, an obsolete form of ConversationTopic and ConversationIndex.
func (m *Message) Conversation(ctx context.Context) (string, error) {
	v, err := m.bag.binary(ctx, CdoPR_CONVERSATION_KEY)
	return hexID(v), fail("Message.Conversation", err)
}

// SetConversation changes the key.
func (m *Message) SetConversation(key string) error {
	b, err := hexValue(key)
	if err != nil {
		return fail("Message.Conversation", err)
	}
	m.bag.putTag(CdoPR_CONVERSATION_KEY, b)
	return nil
}

// ConversationTopic is PR_CONVERSATION_TOPIC.
func (m *Message) ConversationTopic(ctx context.Context) (string, error) {
	v, err := m.bag.text(ctx, pid.TagConversationTopic)
	return v, fail("Message.ConversationTopic", err)
}

// SetConversationTopic changes the topic.
func (m *Message) SetConversationTopic(s string) { m.bag.putTag(pid.TagConversationTopic, s) }

// ConversationIndex is PR_CONVERSATION_INDEX in hexadecimal.
func (m *Message) ConversationIndex(ctx context.Context) (string, error) {
	v, err := m.bag.binary(ctx, pid.TagConversationIndex)
	return hexID(v), fail("Message.ConversationIndex", err)
}

// SetConversationIndex takes what Session.CreateConversationIndex makes.
func (m *Message) SetConversationIndex(index string) error {
	b, err := hexValue(index)
	if err != nil {
		return fail("Message.ConversationIndex", err)
	}
	m.bag.putTag(pid.TagConversationIndex, b)
	return nil
}

// Categories are the keywords of the message.
func (m *Message) Categories(ctx context.Context) ([]string, error) {
	p, ok, err := m.bag.get(ctx, pid.NameKeywords)
	if !ok || err != nil {
		return nil, fail("Message.Categories", err)
	}
	v, err := m.bag.fieldValue(ctx, p, m.logon.loc)
	list, _ := v.([]string)
	return list, fail("Message.Categories", err)
}

// SetCategories changes the keywords.
func (m *Message) SetCategories(list ...string) {
	m.bag.put(pid.NameKeywords, append([]string{}, list...))
}

func (m *Message) date(ctx context.Context, member string, t mapi.Tag) (time.Time, error) {
	v, err := m.bag.date(ctx, t, m.logon.loc)
	return v, fail(member, err)
}

func (m *Message) setDate(t mapi.Tag, d time.Time) { m.bag.putTag(t, mapi.NewFileTime(d)) }

// TimeReceived is PR_MESSAGE_DELIVERY_TIME; CdoE_NOT_FOUND when the message has none, as with all dates.
func (m *Message) TimeReceived(ctx context.Context) (time.Time, error) {
	return m.date(ctx, "Message.TimeReceived", pid.TagMessageDeliveryTime)
}

// SetTimeReceived changes the time of delivery. Programs that post set it.
func (m *Message) SetTimeReceived(t time.Time) { m.setDate(pid.TagMessageDeliveryTime, t) }

// TimeSent is PR_CLIENT_SUBMIT_TIME.
func (m *Message) TimeSent(ctx context.Context) (time.Time, error) {
	return m.date(ctx, "Message.TimeSent", pid.TagClientSubmitTime)
}

// SetTimeSent changes the time of submission. Programs that post set it.
func (m *Message) SetTimeSent(t time.Time) { m.setDate(pid.TagClientSubmitTime, t) }

// TimeCreated is PR_CREATION_TIME.
func (m *Message) TimeCreated(ctx context.Context) (time.Time, error) {
	return m.date(ctx, "Message.TimeCreated", pid.TagCreationTime)
}

// TimeLastModified is PR_LAST_MODIFICATION_TIME.
func (m *Message) TimeLastModified(ctx context.Context) (time.Time, error) {
	return m.date(ctx, "Message.TimeLastModified", pid.TagLastModificationTime)
}

// TimeExpired is PR_EXPIRY_TIME.
func (m *Message) TimeExpired(ctx context.Context) (time.Time, error) {
	return m.date(ctx, "Message.TimeExpired", pid.TagExpiryTime)
}

// SetTimeExpired changes the time from which the message is out of date.
func (m *Message) SetTimeExpired(t time.Time) { m.setDate(pid.TagExpiryTime, t) }
