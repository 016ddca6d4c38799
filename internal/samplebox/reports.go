package samplebox

import (
	"fmt"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

var mailSystem = person{display: "Microsoft Outlook", address: "postmaster@" + domain, company: company, lang: &english}

// reportTag is a PidTagReportTag ([MS-OXOMSG] 2.2.2.22): it leads back to what is reported about.
type reportTag struct {
	store, folder, message, searchFolder, searchKey []byte
	text                                            []byte
}

func (t *reportTag) code(c *oxcdata.Coder) {
	cookie, version := []byte("PCDFEB09\x00"), uint32(0x00020001)
	c.Fixed(cookie)
	c.U32(&version)
	for _, p := range []*[]byte{&t.store, &t.folder, &t.message, &t.searchFolder, &t.searchKey, &t.text} {
		c.Bytes32(p)
	}
}

// report makes a message about a mail that the owner sent in another conversation.
func (m *maker) report(suffix, prefix string, from person) (Sample, *mapi.Item, text) {
	c := m.conversation(m.index)
	msg := m.message(c, 1)
	t := m.text(msg)
	at := msg.at.Add(time.Duration(1+m.r.IntN(600)) * time.Second)
	it := m.base("REPORT.IPM.Note."+suffix, prefix, c.topic, flagRead, at)
	tag := reportTag{searchKey: randomBytes(m.r, 16), text: []byte{0}}
	set(&it.Props, pid.TagClientSubmitTime, ft(at), pid.TagMessageDeliveryTime, ft(at.Add(time.Second)), pid.TagConversationTopic, c.topic,
		pid.TagConversationIndex, m.threadIndex(c, 2), pid.TagOriginalSubject, c.topic, pid.TagOriginalMessageClass, "IPM.Note", pid.TagOriginalSubmitTime, ft(msg.at),
		pid.TagOriginalDeliveryTime, ft(msg.at.Add(time.Second)), pid.TagOriginalMessageId, msg.id(), pid.TagReportTag, m.encode(tag.code), pid.TagReportTime, ft(at),
		pid.TagOriginalSenderName, m.owner.display, pid.TagOriginalSenderAddressType, m.owner.addressType(), pid.TagOriginalSenderEmailAddress, m.owner.email(),
		pid.TagOriginalSenderEntryId, m.entryID(m.owner), pid.TagInternetMessageId, fmt.Sprintf("<%016x@%s>", m.r.Uint64(), domain),
		pid.TagMessageLocaleId, int32(0x409), pid.TagOriginalSearchKey, randomBytes(m.r, 16))
	m.from(it, from, from)
	m.received(it)
	return Sample{Role: mapi.RoleInbox, Item: it}, it, t
}

// undeliverable is a non-delivery report with the mail that was returned.
func undeliverable(m *maker) Sample {
	s, it, t := m.report("NDR", "Undeliverable: ", mailSystem)
	failed := person{display: "purchasing@fabrikam.test", address: "purchasing@fabrikam.test", lang: &english}
	r := m.recipient(failed, to)
	set(&r, pid.TagNonDeliveryReportReasonCode, int32(1), pid.TagNonDeliveryReportDiagCode, int32(1), pid.TagNonDeliveryReportStatusCode, int32(511),
		pid.TagSupplementaryInfo, "<mail.fabrikam.test #5.1.1 smtp;550 5.1.1 User unknown>", pid.TagReportText, "The e-mail address you entered couldn't be found.",
		pid.TagReportTime, it.Props.Tag(pid.TagReportTime))
	it.Recipients = []mapi.Props{r}
	set(&it.Props, pid.TagDisplayTo, failed.display, pid.TagReportText, "Your message did not reach some or all of the intended recipients.", pid.TagOriginalDisplayTo, failed.display,
		pid.TagRemoteMessageTransferAgent, "mail.fabrikam.test")
	returned := m.mail("IPM.Note", t, flagRead|flagFromMe)
	m.from(returned, m.owner, m.owner)
	m.address(returned, []person{failed})
	m.setPlain(returned, t)
	embed(it, returned)
	return s
}

// deliveryReport says that a mail arrived.
func deliveryReport(m *maker) Sample {
	s, it, t := m.report("DR", "Delivered: ", mailSystem)
	r := m.recipient(t.reader, to)
	set(&r, pid.TagDeliverTime, it.Props.Tag(pid.TagReportTime), pid.TagReportTime, it.Props.Tag(pid.TagReportTime))
	it.Recipients = []mapi.Props{r}
	set(&it.Props, pid.TagDisplayTo, t.reader.display)
	return s
}

// readReceipt says that a mail was read.
func readReceipt(m *maker) Sample { return m.receipt("IPNRN", "Read: ", "was read on") }

// notReadReceipt says that a mail was deleted unread.
func notReadReceipt(m *maker) Sample {
	return m.receipt("IPNNRN", "Not read: ", "was deleted without being read on")
}

func (m *maker) receipt(suffix, prefix, what string) Sample {
	from := m.anybody(&english)
	s, it, t := m.report(suffix, prefix, from)
	at := it.Props.Tag(pid.TagReportTime).(mapi.FileTime)
	m.address(it, []person{m.owner})
	set(&it.Props, pid.TagReceiptTime, at, pid.TagOriginalDisplayTo, from.display,
		pid.TagReportText, fmt.Sprintf("Your message\r\n\r\nTo: %s\r\nSubject: %s\r\n\r\n%s %s.\r\n", from.display, t.topic, what, at.Time().Format("2 January 2006 15:04")))
	return s
}
