package mime

import (
	"encoding/base64"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// envelope is the header of a message ([MS-OXCMAIL] 2.1.3.2), without the fields that describe the content.
func (c *composer) envelope(it *mapi.Item) ([]outField, error) {
	p := &it.Props
	var h outHeader
	from, hasFrom := c.address(p, sentRepresentingGroup)
	sender, hasSender := c.address(p, senderGroup)
	if !hasFrom {
		from, hasFrom = sender, hasSender
	}
	if hasFrom {
		h.set("From", from)
	}
	if hasSender && sender != from {
		h.set("Sender", sender)
	}
	c.recipientFields(&h, it)
	h.set("Reply-To", c.replyTo(p))
	h.set("Subject", encodeText(propText(p, pid.TagSubject)))
	h.date("Date", p, pid.TagClientSubmitTime)
	for _, f := range texts {
		if !strings.HasPrefix(f.field, "X-") {
			h.set(f.field, headerText(propText(p, f.tag)))
		}
	}
	h.set("References", headerText(strings.Join(strings.Fields(propText(p, pid.TagInternetReferences)), " ")))
	if topic := propText(p, pid.TagConversationTopic); topic != "" {
		h.set("Thread-Topic", encodeText(topic))
	}
	if index, ok := p.Tag(pid.TagConversationIndex).([]byte); ok {
		h.set("Thread-Index", base64.StdEncoding.EncodeToString(index))
	}
	c.marks(&h, p)
	for _, k := range []struct {
		field string
		tag   mapi.Tag
	}{{"Reply-By", pid.TagReplyTime}, {"Expires", pid.TagExpiryTime}} {
		h.date(k.field, p, k.tag)
	}
	c.receiptFields(&h, p, from)
	h.set("X-MS-Has-Attach", hasAttach(it))
	if custom, ok := strings.CutPrefix(p.Text(pid.TagMessageClass), classNote+".Custom."); ok && custom != "" {
		h.set("Content-Class", "urn:content-class:custom."+oneLine(custom))
	}
	for class, name := range contentClasses {
		if strings.EqualFold(name, p.Text(pid.TagMessageClass)) {
			h.set("Content-Class", class)
		}
	}
	if !c.o.Sending {
		h.states(p)
	}
	h.named(p)
	h.fields = append(h.fields, outField{"MIME-Version", "1.0"})
	return h.fields, nil
}

// outHeader collects fields, each name once.
type outHeader struct{ fields []outField }

func (h *outHeader) has(name string) bool {
	return slices.ContainsFunc(h.fields, func(f outField) bool { return strings.EqualFold(f.name, name) })
}

// set adds a field unless there is nothing to say, or it is there, or it couldn't be sent: ids and addresses cannot be broken into
// lines.
func (h *outHeader) set(name, value string) {
	long := slices.ContainsFunc(strings.Fields(value), func(word string) bool { return len(word) > maxWordLength })
	if value != "" && !long && !h.has(name) {
		h.fields = append(h.fields, outField{name, value})
	}
}

// maxWordLength is what fits in a line that servers must take ([RFC5321] 4.5.3.1.6: 1000 bytes with its end), after a blank.
const maxWordLength = 990

func (h *outHeader) date(name string, p *mapi.Props, t mapi.Tag) {
	if d, ok := p.Tag(t).(mapi.FileTime); ok && plausible(d) {
		h.set(name, d.Time().Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	}
}

// plausible tells whether a date can be written: a year of four digits.
func plausible(d mapi.FileTime) bool {
	y := d.Time().Year()
	return d > 0 && y >= 1601 && y <= 9999
}

// headerText is a text of ids and addresses, which are ASCII; others are encoded.
func headerText(s string) string {
	s = oneLine(s)
	if isASCII([]byte(s)) {
		return s
	}
	return encodeText(s)
}

func hasAttach(it *mapi.Item) string {
	for _, a := range it.Attachments {
		if hidden, _ := a.Props.Tag(pid.TagAttachmentHidden).(bool); !hidden {
			return "yes"
		}
	}
	return ""
}

// marks are the fields of single numbers ([MS-OXCMAIL] 2.1.3.2.5 and following).
func (c *composer) marks(h *outHeader, p *mapi.Props) {
	number := func(t mapi.Tag) int32 { n, _ := p.Tag(t).(int32); return n }
	if _, ok := p.Tag(pid.TagImportance).(int32); ok {
		switch number(pid.TagImportance) {
		case 0:
			h.set("Importance", "low")
			h.set("X-Priority", "5")
		case 2:
			h.set("Importance", "high")
			h.set("X-Priority", "1")
		}
	}
	if s, ok := map[int32]string{1: "Personal", 2: "Private", 3: "Company-Confidential"}[number(pid.TagSensitivity)]; ok {
		h.set("Sensitivity", s)
	}
	if list, ok := p.Get(pid.NameKeywords).([]string); ok {
		for i, w := range list {
			list = slices.Clone(list)
			list[i] = strings.ReplaceAll(w, ",", " ") // which separates
		}
		h.set("Keywords", encodeText(strings.Join(list, ", ")))
	}
	if s, ok := p.Get(pid.LidFlagRequest).(string); ok && number(pid.TagFlagStatus) == flagged {
		h.set("X-Message-Flag", encodeText(s))
	}
	if mask := number(pid.TagAutoResponseSuppress); mask == -1 {
		h.set("X-Auto-Response-Suppress", "All")
	} else if mask != 0 {
		var words []string
		for _, w := range []struct {
			bit  int32
			word string
		}{{1, "DR"}, {2, "NDR"}, {4, "RN"}, {8, "NRN"}, {0x10, "OOF"}, {0x20, "AutoReply"}} {
			if mask&w.bit != 0 {
				words = append(words, w.word)
			}
		}
		h.set("X-Auto-Response-Suppress", strings.Join(words, ", "))
	}
	class := strings.ToUpper(p.Text(pid.TagMessageClass))
	if auto, _ := p.Tag(pid.TagAutoForwarded).(bool); auto || strings.HasPrefix(class, "IPM.NOTE.RULES.") {
		h.set("Auto-Submitted", "auto-generated")
	}
	if strings.HasPrefix(class, "REPORT.") {
		h.set("Auto-Submitted", "auto-replied")
	}
}

// states are what mailers note in files.
func (h *outHeader) states(p *mapi.Props) {
	flags, ok := p.Tag(pid.TagMessageFlags).(int32)
	if !ok {
		return
	}
	if flags&flagUnsent != 0 {
		h.set("X-Unsent", "1")
	}
	if flags&flagRead == 0 {
		h.set("Status", "O")
	}
}

// named are the properties that are named after header fields ([MS-OXCMAIL] 2.1.3.2.4). A property cannot make a field that says
// what the message is, or where it came from.
func (h *outHeader) named(p *mapi.Props) {
	for _, q := range *p {
		name := q.Key.Name.Name
		s, ok := q.Value.(string)
		if !q.Key.Named() || q.Key.Name.Set != mapi.PSInternetHeaders || !ok || !fieldNameOK(name) {
			continue
		}
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-") || others[lower] {
			h.set(textproto.CanonicalMIMEHeaderKey(name), encodeText(s))
		}
	}
}

func fieldNameOK(s string) bool {
	return s != "" && len(s) <= maxHeaderName && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) < 0
}

// recipientFields are To, Cc and Bcc. Of a delivery report they are not those whom it is about.
func (c *composer) recipientFields(h *outHeader, it *mapi.Item) {
	const kind = 0x0F // the other bits are of the server ([MS-OXOMSG] 2.2.3.1)
	lists := map[int32][]string{}
	report := isDeliveryReport(it)
	for _, r := range it.Recipients {
		typ, _ := r.Tag(pid.TagRecipientType).(int32)
		if a, ok := c.address(&r, recipientGroup); ok && !(report && reportedAbout(&r)) {
			lists[typ&kind] = append(lists[typ&kind], a)
		}
	}
	if report && len(lists) == 0 {
		if a, ok := c.address(&it.Props, receivedForGroup); ok && propText(&it.Props, receivedForGroup.smtp) != "" {
			lists[recipientTo] = []string{a}
		} else if a, ok := c.address(&it.Props, originalSenderGroup); ok {
			lists[recipientTo] = []string{a}
		}
	}
	h.set("To", strings.Join(lists[recipientTo], ", "))
	h.set("Cc", strings.Join(lists[recipientCc], ", "))
	if !c.o.Sending {
		h.set("Bcc", strings.Join(lists[recipientBcc], ", "))
	}
}

// Who got a report, and who sent the message that it is about: mostly the same.
var (
	receivedForGroup = addressGroup{name: pid.TagReceivedRepresentingName, addressType: pid.TagReceivedRepresentingAddressType,
		email: pid.TagReceivedRepresentingEmailAddress, smtp: pid.TagReceivedRepresentingSmtpAddress}
	originalSenderGroup = addressGroup{name: pid.TagOriginalSenderName, addressType: pid.TagOriginalSenderAddressType, email: pid.TagOriginalSenderEmailAddress}
)

// address is a mailbox as it stands in a header, if the group holds one.
func (c *composer) address(p *mapi.Props, g addressGroup) (string, bool) {
	a, ok := c.person(p, g)
	if !ok {
		return "", false
	}
	return mailbox(a.Name, a.Addr), true
}

// person is the name and SMTP address that a group holds; others are encapsulated.
func (c *composer) person(p *mapi.Props, g addressGroup) (a address, ok bool) {
	a = address{Name: propText(p, g.name), Addr: propText(p, g.smtp)}
	if a.Addr != "" {
		return a, true
	}
	typ := propText(p, g.addressType)
	a.Addr = propText(p, g.email)
	switch {
	case a.Addr == "" && a.Name == "":
		return a, false
	case a.Addr == "":
		a.Addr = c.encapsulate(invalidType, a.Name)
	case strings.EqualFold(typ, "SMTP") || typ == "" && strings.Contains(a.Addr, "@"):
	default:
		a.Addr = c.encapsulate(typ, a.Addr)
	}
	return a, true
}

// mailbox is a name-addr of [RFC5322] 3.4, or an addr-spec when the name says nothing more.
func mailbox(name, addr string) string {
	addr = addrSpec(addr)
	if name == "" || name == addr {
		return "<" + addr + ">"
	}
	return encodePhrase(name) + " <" + addr + ">"
}

// addrSpec is an address as a header can hold it: a local part of other characters than atoms have is quoted.
func addrSpec(addr string) string {
	addr = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == '<' || r == '>' {
			return -1
		}
		return r
	}, addr)
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return strings.ReplaceAll(addr, " ", "")
	}
	local, domain := addr[:at], strings.ReplaceAll(addr[at:], " ", "")
	if strings.ContainsAny(local, " ()[]:;@\\,\"") && !(len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"') {
		local = quote(local)
	}
	return local + domain
}

// addrOf is the address of a mailbox that was written.
func addrOf(mailbox string) string { return mailbox[strings.LastIndexByte(mailbox, '<')+1:] }

// encapsulate makes an SMTP address of another one ([MS-OXCMAIL] 2.1.3.1.8).
func (c *composer) encapsulate(typ, email string) string {
	var b strings.Builder
	for i := 0; i < len(email); i++ {
		switch ch := email[i]; {
		case ch >= '0' && ch <= '9', ch >= 'A' && ch <= 'Z', ch >= 'a' && ch <= 'z', ch == '-', ch == '=':
			b.WriteByte(ch)
		case ch == '/':
			b.WriteByte('_')
		default:
			fmt.Fprintf(&b, "+%02X", ch)
		}
	}
	word := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(typ))
	return "IMCEA" + word + "-" + b.String() + "@" + c.domain()
}

// replyTo reads PidTagReplyRecipientEntries, a FlatEntryList ([MS-OXCDATA] 2.3.3).
func (c *composer) replyTo(p *mapi.Props) string {
	data, _ := p.Tag(pid.TagReplyRecipientEntries).([]byte)
	d := oxcdata.NewDecoder(data)
	var n uint32
	var body []byte
	d.U32(&n)
	d.Bytes32(&body)
	if d.Err() != nil {
		return ""
	}
	names := strings.Split(propText(p, pid.TagReplyRecipientNames), ";")
	var list []string
	d = oxcdata.NewDecoder(body)
	for i := range min(int(n), maxAddresses) {
		var id []byte
		d.Bytes32(&id)
		var pad []byte
		d.Raw(min(-len(id)&3, d.Left()), &pad)
		if d.Err() != nil {
			break
		}
		name := ""
		if i < len(names) {
			name = names[i]
		}
		if a := c.entry(id, name); a != "" {
			list = append(list, a)
		}
	}
	return strings.Join(list, ", ")
}

// entry is the mailbox that an entry id names.
func (c *composer) entry(id []byte, name string) string {
	var one oxcdata.OneOffEntryID
	if oxcdata.Decode(oxcdata.ROP, id, func(c *oxcdata.Coder) { c.OneOffEntryID(&one) }) == nil && one.Provider == oxcdata.ProviderOneOff {
		if strings.EqualFold(one.AddressType, "SMTP") {
			return mailbox(one.DisplayName, one.Email)
		}
		return mailbox(one.DisplayName, c.encapsulate(one.AddressType, one.Email))
	}
	var ab oxcdata.AddressBookEntryID
	if oxcdata.Decode(oxcdata.ROP, id, func(c *oxcdata.Coder) { c.AddressBookEntryID(&ab) }) == nil && ab.Provider == oxcdata.ProviderAddressBook {
		return mailbox(name, c.encapsulate("EX", string(ab.DN)))
	}
	return ""
}

// receiptFields ask for receipts.
func (c *composer) receiptFields(h *outHeader, p *mapi.Props, from string) {
	if on, _ := p.Tag(pid.TagReadReceiptRequested).(bool); on {
		a, ok := c.address(p, readReceiptGroup)
		if !ok {
			a = from
		}
		h.set("Disposition-Notification-To", a)
	}
	if on, _ := p.Tag(pid.TagOriginatorDeliveryReportRequested).(bool); on {
		h.set("Return-Receipt-To", from)
	}
}

// statusDate is a date in a report.
func statusDate(d mapi.FileTime) string { return d.Time().Format(time.RFC1123Z) }
