package samplebox

import (
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// inbox makes a received mail without body.
func (m *maker) inbox(class string) (Sample, *mapi.Item, text) {
	c := m.conversation(m.thread)
	msg := m.message(c, m.depth)
	if msg.author.address == m.owner.address {
		msg.author, msg.reader = msg.reader, msg.author
	}
	t := m.text(msg)
	flags := int32(flagRead | flagEverRead)
	if chance(m.r, 4) && baseDate.Sub(msg.at) < 120*24*time.Hour || chance(m.r, 25) {
		flags = 0
	}
	if msg.author.dn == "" {
		flags |= flagInternet
	}
	it := m.mail(class, t, flags)
	sender := msg.author
	if chance(m.r, 8) && sender.dn != "" {
		sender = pick(m.r, m.people) // a delegate
	}
	m.from(it, sender, msg.author)
	m.received(it)
	readers, kinds := m.readers(msg)
	m.address(it, readers, kinds...)
	set(&it.Props, pid.TagMessageDeliveryTime, ft(msg.at.Add(time.Duration(1+m.r.IntN(40))*time.Second)),
		pid.TagMessageToMe, kinds[0] == to, pid.TagMessageCcMe, kinds[0] == cc, pid.TagMessageRecipientMe, true)
	set(&it.Props, pid.TagTransportMessageHeaders, m.headers(it, t))
	m.handled(it, msg.at)
	s := Sample{Role: mapi.RoleInbox, Item: it}
	s.Path = m.filed(msg)
	return s, it, t
}

// readers are the recipients of a received mail, the owner first among them.
func (m *maker) readers(msg message) ([]person, []int32) {
	list, kinds := []person{m.owner}, []int32{to}
	if chance(m.r, 6) {
		kinds[0] = cc
	}
	seen := map[string]bool{m.owner.address: true, msg.author.address: true}
	for i, p := range msg.members {
		if !seen[p.address] {
			seen[p.address] = true
			list, kinds = append(list, p), append(kinds, to+int32(i%2))
		}
	}
	return list, kinds
}

// sent makes a mail of the owner without body.
func (m *maker) sent() (Sample, *mapi.Item, text) {
	c := m.conversation(m.thread)
	msg := m.message(c, m.depth)
	if msg.author.address != m.owner.address {
		msg.author, msg.reader = m.owner, msg.author
	}
	t := m.text(msg)
	it := m.mail("IPM.Note", t, flagRead|flagEverRead|flagFromMe)
	m.from(it, m.owner, m.owner)
	list := c.members
	switch m.nth { // one mail with blind copies, one that goes outside
	case 0:
		list = append(slices.Clone(list), m.people[:4]...)
	case 1:
		list = append(slices.Clone(m.others[:3]), list...)
	}
	list = distinct(list)
	var kinds []int32
	for i := range list {
		kinds = append(kinds, []int32{to, to, cc, bcc}[min(i, 3)])
	}
	m.address(it, list, kinds...)
	set(&it.Props, pid.TagMessageDeliveryTime, ft(msg.at), pid.TagReadReceiptRequested, chance(m.r, 10),
		pid.TagOriginatorDeliveryReportRequested, chance(m.r, 15), pid.TagDeleteAfterSubmit, false)
	return Sample{Role: mapi.RoleSent, Item: it}, it, t
}

// mail is what received, sent and unsent mail has.
func (m *maker) mail(class string, t text, flags int32) *mapi.Item {
	prefix := ""
	if t.depth > 0 {
		prefix = t.lang.reply
		if chance(m.r, 5) {
			prefix = t.lang.forward
		}
	}
	it := m.base(class, prefix, t.topic, flags, t.at)
	set(&it.Props, pid.TagClientSubmitTime, ft(t.at), pid.TagConversationTopic, t.topic, pid.TagConversationIndex, m.threadIndex(t.conversation, t.depth),
		pid.TagConversationIndexTracking, true, pid.TagInternetMessageId, t.id(), pid.TagMessageLocaleId, t.lang.locale,
		pid.TagMessageCodepage, int32(codepage.UTF8), pid.TagAlternateRecipientAllowed, true, pid.TagOriginatorDeliveryReportRequested, false,
		pid.TagReadReceiptRequested, false)
	if t.depth > 0 {
		var refs []string
		for d := range t.depth {
			q := message{conversation: t.conversation, depth: d}
			refs = append(refs, q.id())
		}
		set(&it.Props, pid.TagInReplyToId, refs[t.depth-1], pid.TagInternetReferences, strings.Join(refs, " "))
	}
	switch {
	case m.turn%9 == 4:
		set(&it.Props, pid.TagImportance, int32(2), pid.TagPriority, int32(1))
	case m.turn%30 == 7:
		set(&it.Props, pid.TagImportance, int32(0), pid.TagPriority, int32(-1))
	}
	if m.turn%25 == 3 {
		set(&it.Props, pid.TagSensitivity, int32(1+m.r.IntN(3)))
	}
	if m.turn%5 == 1 {
		set(&it.Props, pid.NameKeywords, m.categories())
	}
	if m.file >= 0 {
		m.attachFile(it, m.file)
	}
	return it
}

func (m *maker) categories() []string {
	all := []string{"Red category", "Customers", "Büro", "Срочно", "重要", "Trade fair 🏷️", "Fabrikam"}
	n := 1 + m.r.IntN(3)
	m.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

// filed is the folder below the Inbox that a mail was put into, if any.
func (m *maker) filed(msg message) []string {
	if baseDate.Sub(msg.at) > 500*24*time.Hour && !chance(m.r, 5) {
		return []string{"Archive", fmt.Sprint(msg.at.Year())}
	}
	switch m.r.IntN(5) {
	case 0, 1:
		return []string{"Projects", msg.project}
	case 2:
		if msg.author.dn == "" {
			return []string{"Projects", msg.author.company}
		}
	}
	return nil
}

// handled marks a received mail as answered or forwarded ([MS-OXOMSG] 2.2.1.30).
func (m *maker) handled(it *mapi.Item, at time.Time) {
	verb, icon := int32(102), int32(0x105)
	switch m.turn % 8 {
	case 0, 3:
	case 5:
		verb = 103
	case 6:
		verb, icon = 104, 0x106
	default:
		return
	}
	set(&it.Props, pid.TagLastVerbExecuted, verb, pid.TagLastVerbExecutionTime, ft(at.Add(time.Duration(m.r.IntN(90))*time.Minute)), pid.TagIconIndex, icon)
}

// headers are the lines that a mail came with.
func (m *maker) headers(it *mapi.Item, t text) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	host := t.author.address[strings.IndexByte(t.author.address, '@')+1:]
	date := t.at.Format(time.RFC1123Z)
	line("Received", fmt.Sprintf("from mx%d.%s (192.0.2.%d) by mail.%s\r\n (198.51.100.7) with Microsoft SMTP Server (TLS) id 15.2.1544.9; %s", 1+m.r.IntN(3), host, 1+m.r.IntN(254), domain, date))
	line("Received", fmt.Sprintf("from desk-%04x.%s ([10.2.%d.%d]) by mx1.%s with ESMTPSA; %s", m.r.IntN(1<<16), host, m.r.IntN(256), m.r.IntN(256), host, date))
	line("From", mime.QEncoding.Encode("utf-8", t.author.display)+" <"+t.author.address+">")
	var tos, ccs []string
	for _, p := range it.Recipients {
		a := mime.BEncoding.Encode("utf-8", p.Text(pid.TagDisplayName)) + " <" + p.Text(pid.TagSmtpAddress) + ">"
		switch p.Tag(pid.TagRecipientType) {
		case to:
			tos = append(tos, a)
		case cc:
			ccs = append(ccs, a)
		}
	}
	line("To", strings.Join(tos, ",\r\n\t"))
	line("CC", strings.Join(ccs, ",\r\n\t"))
	line("Subject", mime.BEncoding.Encode("utf-8", it.Props.Text(pid.TagSubject)))
	line("Thread-Topic", mime.BEncoding.Encode("utf-8", t.topic))
	line("Date", date)
	line("Message-ID", it.Props.Text(pid.TagInternetMessageId))
	line("In-Reply-To", it.Props.Text(pid.TagInReplyToId))
	line("References", strings.ReplaceAll(it.Props.Text(pid.TagInternetReferences), " ", "\r\n\t"))
	line("Content-Language", t.lang.code)
	line("X-Originating-IP", fmt.Sprintf("[203.0.113.%d]", m.r.IntN(255)))
	line("MIME-Version", "1.0")
	b.WriteString("\r\n")
	return b.String()
}

func plainMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setPlain(it, t)
	return s
}

func htmlMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setHTML(it, t)
	return s
}

func picturesMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	var ids []string
	for i := range 1 + m.r.IntN(3) {
		data, err := chart(m.r)
		if err != nil && m.err == nil {
			m.err = err
		}
		name := fmt.Sprintf("image%03d.png", i+1)
		id := fmt.Sprintf("%s@%x", name, m.r.Uint32())
		ids = append(ids, id)
		a := file(name, "image/png", data, t.at)
		set(&a.Props, pid.TagAttachContentId, id, pid.TagAttachFlags, int32(4), pid.TagAttachmentHidden, true)
		it.Attachments = append(it.Attachments, a)
	}
	m.setHTML(it, t, ids...)
	return s
}

func bothBodiesMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setPlain(it, t)
	m.setHTML(it, t)
	return s
}

func rtfMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setRTF(it, t.rtf())
	return s
}

func htmlInRTFMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setRTF(it, encapsulate(t.html("utf-8", nil)))
	return s
}

func mailToMany(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	it.Recipients = nil
	list := append([]person{m.owner}, m.crowd(59)...)
	kinds := make([]int32, len(list))
	for i := range kinds {
		kinds[i] = to
		if i >= 20 {
			kinds[i] = cc
		}
	}
	m.address(it, list, kinds...)
	set(&it.Props, pid.TagTransportMessageHeaders, m.headers(it, t))
	if m.nth == 0 { // long minutes
		t.paragraphs = t.lang.prose(m.r, 1000, t.project, t.author.display, t.at)
	}
	m.setPlain(it, t)
	return s
}

// flaggedMail is marked for follow-up ([MS-OXOFLAG] 2.2.1).
func flaggedMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setHTML(it, t)
	due := day(t.at).AddDate(0, 0, 1+m.r.IntN(20))
	set(&it.Props, pid.NameKeywords, m.categories(), pid.LidFlagRequest, pick(m.r, []string{"Follow up", "Bitte antworten", "要返信", "Прочитать"}),
		pid.LidTaskStartDate, ft(day(t.at)), pid.LidTaskDueDate, ft(due), pid.LidCommonStart, ft(day(t.at)), pid.LidCommonEnd, ft(due),
		pid.LidToDoTitle, t.topic, pid.LidToDoOrdinalDate, ft(t.at), pid.LidToDoSubOrdinal, "5555555", pid.TagToDoItemFlags, int32(1),
		pid.LidPercentComplete, 0.0, pid.LidTaskStatus, int32(0), pid.LidTaskComplete, false)
	if m.nth%2 == 0 {
		set(&it.Props, pid.TagFlagStatus, int32(2), pid.TagFollowupIcon, int32(6), pid.LidReminderSet, true,
			pid.LidReminderTime, ft(due.Add(8*time.Hour)), pid.LidReminderSignalTime, ft(due.Add(8*time.Hour)), pid.TagReplyTime, ft(due.Add(16*time.Hour)))
	} else {
		set(&it.Props, pid.TagFlagStatus, int32(1), pid.TagFlagCompleteTime, ft(due), pid.LidTaskComplete, true, pid.LidTaskStatus, int32(2),
			pid.LidPercentComplete, 1.0, pid.LidTaskDateCompleted, ft(due), pid.LidReminderSet, false)
	}
	return s
}

// forwardedMail holds another mail, which may hold another: up to three deep.
func forwardedMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	m.setPlain(it, t)
	outer := it
	for level := range 1 + m.nth%3 {
		inner := m.earlier(m.thread+100+level, level)
		embed(outer, inner)
		outer = inner
	}
	return s
}

// earlier is a mail of another conversation, to be embedded.
func (m *maker) earlier(thread, level int) *mapi.Item {
	c := m.conversation(thread)
	msg := m.message(c, 0)
	t := m.text(msg)
	carried := m.file
	m.file = -1
	it := m.mail("IPM.Note", t, flagRead)
	m.file = carried
	m.from(it, msg.author, msg.author)
	m.address(it, []person{m.owner})
	set(&it.Props, pid.TagMessageDeliveryTime, ft(msg.at.Add(5*time.Second)))
	switch level % 3 {
	case 0:
		m.setHTML(it, t)
		m.attachFile(it, m.r.IntN(poolSize/2))
	case 1:
		m.setPlain(it, t)
	default:
		m.setRTF(it, t.rtf())
	}
	return it
}

func sentPlain(m *maker) Sample {
	s, it, t := m.sent()
	m.setPlain(it, t)
	return s
}

func sentHTML(m *maker) Sample {
	s, it, t := m.sent()
	m.setHTML(it, t)
	return s
}

func sentRTF(m *maker) Sample {
	s, it, t := m.sent()
	m.setRTF(it, t.rtf())
	return s
}

// draft isn't sent: no times of submission and delivery, and sometimes neither subject nor recipients.
func draft(m *maker) Sample {
	s, it, t := m.sent()
	s.Role = mapi.RoleDrafts
	for _, tag := range []mapi.Tag{pid.TagClientSubmitTime, pid.TagMessageDeliveryTime, pid.TagInternetMessageId} {
		it.Props.Delete(mapi.TagKey(tag))
	}
	set(&it.Props, pid.TagMessageFlags, int32(flagRead|flagUnsent))
	if m.nth%3 == 2 {
		it.Recipients = nil
		set(&it.Props, pid.TagDisplayTo, "", pid.TagDisplayCc, "", pid.TagDisplayBcc, "")
	}
	m.setHTML(it, t)
	return s
}

func deletedMail(m *maker) Sample {
	s, it, t := m.inbox("IPM.Note")
	s.Role, s.Path = mapi.RoleDeleted, nil
	m.setPlain(it, t)
	return s
}
