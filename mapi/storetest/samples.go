package storetest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Sample is an item of the kind that real mailboxes hold.
type Sample struct {
	Name string
	Role mapi.Role // the folder that it belongs in
	Kind mapi.Kind
	Item *mapi.Item
}

// SampleItems makes a varied set of items, the same each time: mail in several forms and languages, reports, meetings,
// contacts, tasks, notes, journal entries, settings.
func SampleItems() []Sample {
	return []Sample{
		{"plain mail", mapi.RoleInbox, mapi.Normal, plainMail()},
		{"html mail with files", mapi.RoleInbox, mapi.Normal, htmlMail()},
		{"mail in many scripts", mapi.RoleInbox, mapi.Normal, scriptsMail()},
		{"8-bit mail", mapi.RoleInbox, mapi.Normal, string8Mail()},
		{"rtf mail", mapi.RoleSent, mapi.Normal, rtfMail()},
		{"forwarded mail", mapi.RoleSent, mapi.Normal, forwardedMail()},
		{"mail to many", mapi.RoleSent, mapi.Normal, mailToMany(60)},
		{"draft", mapi.RoleDrafts, mapi.Normal, draft()},
		{"undeliverable", mapi.RoleInbox, mapi.Normal, undeliverable()},
		{"signed mail", mapi.RoleInbox, mapi.Normal, signedMail()},
		{"flagged with categories", mapi.RoleInbox, mapi.Normal, flaggedMail()},
		{"ole object", mapi.RoleInbox, mapi.Normal, oleMail()},
		{"meeting request", mapi.RoleInbox, mapi.Normal, meetingRequest()},
		{"appointment", mapi.RoleCalendar, mapi.Normal, appointment()},
		{"recurring appointment", mapi.RoleCalendar, mapi.Normal, recurringAppointment()},
		{"contact", mapi.RoleContacts, mapi.Normal, contact()},
		{"distribution list", mapi.RoleContacts, mapi.Normal, distributionList()},
		{"task", mapi.RoleTasks, mapi.Normal, task()},
		{"note", mapi.RoleNotes, mapi.Normal, note()},
		{"journal entry", mapi.RoleJournal, mapi.Normal, journal()},
		{"settings", mapi.RoleInbox, mapi.Associated, settings()},
		{"nearly nothing", mapi.RoleInbox, mapi.Normal, &mapi.Item{Props: mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Note"}}}},
	}
}

// at is a moment of the day on which the samples play.
func at(hour, minute int) mapi.FileTime {
	return mapi.NewFileTime(time.Date(2024, time.March, 14, hour, minute, 26, 535_897_900, time.UTC))
}

// props makes a property list from keys (mapi.Tag or mapi.Key) and values in turn.
func props(pairs ...any) mapi.Props { return with(make(mapi.Props, 0, len(pairs)/2), pairs...) }

// with sets properties in ps.
func with(ps mapi.Props, pairs ...any) mapi.Props {
	for i := 0; i+1 < len(pairs); i += 2 {
		k, ok := pairs[i].(mapi.Key)
		if !ok {
			k = mapi.TagKey(pairs[i].(mapi.Tag))
		}
		ps.Set(k, pairs[i+1])
	}
	return ps
}

// person is a name and address as senders and recipients have them.
type person struct{ name, address string }

var (
	ada     = person{"Ada Lovelace", "ada@example.com"}
	bjorn   = person{"Björn Ångström", "bjorn@example.com"}
	chiyoko = person{"千代子", "chiyoko@example.jp"}
)

// oneOff is a one-off EntryID ([MS-OXCDATA] 2.2.5.1) with Unicode strings.
func (p person) oneOff() []byte {
	b := []byte("\x00\x00\x00\x00\x81\x2B\x1F\xA4\xBE\xA3\x10\x19\x9D\x6E\x00\xDD\x01\x0F\x54\x02\x00\x00\x01\x80")
	for _, s := range []string{p.name, "SMTP", p.address} {
		b = append(b, mapi.EncodeUTF16(s+"\x00")...)
	}
	return b
}

func (p person) searchKey() []byte { return []byte("SMTP:" + strings.ToUpper(p.address) + "\x00") }

const (
	to  int32 = 1
	cc  int32 = 2
	bcc int32 = 3
)

func (p person) recipient(row int, kind int32) mapi.Props {
	return props(pid.TagRowid, int32(row), pid.TagRecipientType, kind, pid.TagDisplayName, p.name,
		pid.TagAddressType, "SMTP", pid.TagEmailAddress, p.address, pid.TagSmtpAddress, p.address,
		pid.TagObjectType, int32(6), pid.TagDisplayType, int32(0), pid.TagEntryId, p.oneOff(),
		pid.TagSearchKey, p.searchKey(), pid.TagSendRichInfo, false, pid.TagRecipientDisplayName, p.name,
		pid.TagRecipientFlags, int32(1), pid.TagRecipientTrackStatus, int32(0))
}

func (p person) sender() mapi.Props {
	return props(pid.TagSenderName, p.name, pid.TagSenderAddressType, "SMTP", pid.TagSenderEmailAddress, p.address,
		pid.TagSenderEntryId, p.oneOff(), pid.TagSenderSearchKey, p.searchKey(),
		pid.TagSentRepresentingName, p.name, pid.TagSentRepresentingAddressType, "SMTP",
		pid.TagSentRepresentingEmailAddress, p.address, pid.TagSentRepresentingEntryId, p.oneOff(),
		pid.TagSentRepresentingSearchKey, p.searchKey())
}

// message is what all sent items have. prefix and subject make up PidTagSubject.
func message(class, prefix, subject string, from person, more ...any) *mapi.Item {
	it := &mapi.Item{Props: props(pid.TagMessageClass, class, pid.TagSubject, prefix+subject,
		pid.TagSubjectPrefix, prefix, pid.TagNormalizedSubject, subject, pid.TagConversationTopic, subject,
		pid.TagConversationIndex, append([]byte{1}, seeded(subject, 21)...),
		pid.TagImportance, int32(1), pid.TagPriority, int32(0), pid.TagSensitivity, int32(0),
		pid.TagMessageFlags, int32(1), pid.TagClientSubmitTime, at(9, 26), pid.TagMessageDeliveryTime, at(9, 27),
		pid.TagCreationTime, at(9, 27), pid.TagLastModificationTime, at(9, 30), pid.TagSearchKey, seeded(class+subject, 16),
		pid.TagInternetMessageId, fmt.Sprintf("<%x@example.com>", seeded(subject, 8)),
		pid.TagMessageCodepage, int32(65001), pid.TagInternetCodepage, int32(65001), pid.TagMessageLocaleId, int32(0x409))}
	it.Props = with(append(it.Props, from.sender()...), more...)
	return it
}

// file is an attachment by value.
func file(number int, name, mime string, data []byte, more ...any) *mapi.Attachment {
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		ext = name[i:]
	}
	ps := props(pid.TagAttachNumber, int32(number), pid.TagAttachMethod, int32(1), pid.TagAttachLongFilename, name,
		pid.TagAttachExtension, ext, pid.TagAttachMimeTag, mime, pid.TagRenderingPosition, int32(-1),
		pid.TagAttachFlags, int32(0), pid.TagAttachmentHidden, false, pid.TagCreationTime, at(8, 0),
		pid.TagLastModificationTime, at(8, 1))
	return &mapi.Attachment{Props: with(with(ps, more...), pid.TagAttachDataBinary, data)}
}

// embedded is an attachment that is an item.
func embedded(number int, it *mapi.Item) *mapi.Attachment {
	return &mapi.Attachment{
		Props: props(pid.TagAttachNumber, int32(number), pid.TagAttachMethod, int32(5), pid.TagDisplayName, it.Props.Text(pid.TagSubject),
			pid.TagRenderingPosition, int32(-1), pid.TagAttachFlags, int32(0), pid.TagAttachmentHidden, false),
		Embedded: it,
	}
}

// seeded makes n bytes without pattern that depend on seed only.
func seeded(seed string, n int) []byte {
	h := uint64(14695981039346656037)
	for _, c := range []byte(seed) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	b := make([]byte, 0, n+8)
	for len(b) < n {
		h ^= h << 13
		h ^= h >> 7
		h ^= h << 17
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	return b[:n]
}
