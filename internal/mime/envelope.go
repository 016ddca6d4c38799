package mime

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Values of PidTagRecipientType and of PidTagMessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	recipientTo   int32 = 1
	recipientCc   int32 = 2
	recipientBcc  int32 = 3
	flagRead      int32 = 0x01
	flagUnsent    int32 = 0x08
	flagHasAttach int32 = 0x10
)

const (
	mailUser        int32 = 6 // PidTagObjectType
	noRTF                 = false
	flagged         int32 = 2        // PidTagFlagStatus
	minIndex              = 22       // bytes of a PidTagConversationIndex ([MS-OXOMSG] 2.2.1.3)
	maxReferences         = 64 << 10 // of PidTagInternetReferences, in bytes
	maxNamedHeaders       = 256      // properties of a message in PS_INTERNET_HEADERS: names are scarce in a mailbox
	maxHeaderName         = 127      // characters of such a name
)

// envelope sets what the header says ([MS-OXCMAIL] 2.2.3.2).
func (b *builder) envelope(it *mapi.Item, root *part, class string, page int) error {
	p, h := &it.Props, root.header
	set(p, pid.TagMessageClass, class)
	set(p, pid.TagMessageFlags, messageFlags(h))
	subject(p, h, class, page)
	b.senders(p, h, page)
	if err := b.recipients(it, h, page); err != nil {
		return err
	}
	dates(p, h)
	set(p, pid.TagImportance, importance(h))
	set(p, pid.TagSensitivity, sensitivity(h.get("Sensitivity")))
	b.receipts(p, h, page)
	for _, f := range texts {
		setText(p, f.tag, decodeWords(h.get(f.field), page))
	}
	if s := h.get("References"); s != "" {
		s = decodeRaw(s, page)
		if len(s) > maxReferences { // the newest are at the end
			s = s[len(s)-maxReferences:]
			s = s[max(strings.IndexByte(s, '<'), 0):]
		}
		set(p, pid.TagInternetReferences, strings.ToValidUTF8(s, ""))
	}
	keywords(p, h, page)
	if s := decodeWords(h.get("X-Message-Flag"), page); s != "" {
		p.Set(pid.LidFlagRequest, s)
		set(p, pid.TagFlagStatus, flagged)
	}
	if s := h.get("X-Auto-Response-Suppress"); s != "" {
		set(p, pid.TagAutoResponseSuppress, suppress(s))
	} else if s := h.get("Auto-Submitted"); s != "" && !strings.EqualFold(s, "no") {
		set(p, pid.TagAutoResponseSuppress, suppress("OOF, AutoReply")) // two machines should not go on answering each other
	}
	namedHeaders(p, h, page)
	return b.transportHeaders(p, root, page)
}

// tagInternetPrecedence is PR_INTERNET_PRECEDENCE, which has no canonical name.
const tagInternetPrecedence mapi.Tag = 0x1041001F

// texts are the fields that are copied as text.
var texts = []struct {
	field string
	tag   mapi.Tag
}{
	{"Message-ID", pid.TagInternetMessageId}, {"In-Reply-To", pid.TagInReplyToId},
	{"Precedence", tagInternetPrecedence}, {"List-Help", pid.TagListHelp}, {"X-List-Help", pid.TagListHelp},
	{"List-Subscribe", pid.TagListSubscribe}, {"X-List-Subscribe", pid.TagListSubscribe},
	{"List-Unsubscribe", pid.TagListUnsubscribe}, {"X-List-Unsubscribe", pid.TagListUnsubscribe},
}

// messageFlags: what is imported has been read, unless a mailer noted that it hasn't: in Status (mbox files: "R" read) or
// X-Mozilla-Status (bit 1 read). X-Unsent marks drafts.
func messageFlags(h header) (flags int32) {
	flags = flagRead
	if s := h.get("Status"); s != "" && len(s) <= 3 && !strings.ContainsAny(s, "Rr") {
		flags = 0
	}
	if s := h.get("X-Mozilla-Status"); s != "" {
		if v, err := strconv.ParseUint(s, 16, 16); err == nil && v&1 == 0 {
			flags = 0
		}
	}
	if h.get("X-Unsent") == "1" {
		flags |= flagUnsent
	}
	return flags
}

// subject sets the subject in its three forms and the conversation ([MS-OXCMAIL] 2.2.3.2.6, 2.2.3.2.7).
func subject(p *mapi.Props, h header, class string, page int) {
	s := strings.Map(func(r rune) rune {
		if r < ' ' { // a folded line may go on with a tab
			return ' '
		}
		return r
	}, decodeWords(h.get("Subject"), page))
	prefix, rest := splitSubject(s)
	thread := decodeWords(h.get("Thread-Topic"), page)
	if before, ok := strings.CutSuffix(s, thread); ok && strings.HasSuffix(before, ": ") && hasLongPrefix(class) {
		prefix, rest = before, thread
	}
	set(p, pid.TagSubject, prefix+rest)
	set(p, pid.TagSubjectPrefix, prefix)
	set(p, pid.TagNormalizedSubject, rest)
	topic := rest
	if thread != "" {
		topic = thread
	}
	set(p, pid.TagConversationTopic, topic)
	if index := decodeBase64(h.get("Thread-Index")); len(index) >= minIndex {
		set(p, pid.TagConversationIndex, index)
	}
}

// hasLongPrefix tells of classes whose subjects begin with words ([MS-OXOMSG] 2.2.2.1, [MS-OXOCAL] 2.2.4.1): "Undeliverable: ",
// "Accepted: ", in any language.
func hasLongPrefix(class string) bool {
	return strings.HasPrefix(class, "REPORT.") || strings.HasPrefix(class, "IPM.Schedule.Meeting.")
}

// splitSubject cuts a prefix of one to three characters, a colon and blanks off ([MS-OXCMAIL] 2.2.3.2.6.1). Without blanks
// it is none, so that prefix and rest make the subject as it was.
func splitSubject(s string) (prefix, rest string) {
	head, rest, ok := strings.Cut(s, ": ")
	if n := utf8.RuneCountInString(head); !ok || n < 1 || n > 3 || strings.ContainsAny(head, ": 0123456789") {
		return "", s
	}
	trimmed := strings.TrimLeft(rest, " ")
	return s[:len(s)-len(trimmed)], trimmed
}

// senders sets who wrote and who sent: where only one of From and Sender is there, it stands for both ([MS-OXCMAIL]
// 2.2.3.1).
func (b *builder) senders(p *mapi.Props, h header, page int) {
	from, hasFrom := firstAddress(h, "From", page)
	sender, hasSender := firstAddress(h, "Sender", page)
	if !hasFrom {
		from = sender
	}
	if !hasSender {
		sender = from
	}
	if hasFrom || hasSender {
		sentRepresentingGroup.put(p, from, b.o)
		senderGroup.put(p, sender, b.o)
	}
	if list := addresses(h, "Reply-To", page); len(list) > 0 {
		var names []string
		for i, a := range list {
			if a.Name == "" {
				list[i].Name = a.Addr
			}
			names = append(names, list[i].Name)
		}
		set(p, pid.TagReplyRecipientEntries, flatEntries(list))
		set(p, pid.TagReplyRecipientNames, strings.Join(names, ";"))
	}
}

// addresses are those of all fields of a name.
func addresses(h header, name string, page int) (list []address) {
	for _, f := range h {
		if strings.EqualFold(f.name, name) {
			if list = append(list, parseAddresses(f.unfolded(), page)...); len(list) > maxAddresses {
				break
			}
		}
	}
	return list
}

func firstAddress(h header, name string, page int) (a address, ok bool) {
	if list := addresses(h, name, page); len(list) > 0 {
		return list[0], true
	}
	return a, false
}

func (b *builder) recipients(it *mapi.Item, h header, page int) error {
	for _, f := range []struct {
		name    string
		typ     int32
		display mapi.Tag
	}{
		{"To", recipientTo, pid.TagDisplayTo}, {"Cc", recipientCc, pid.TagDisplayCc}, {"Bcc", recipientBcc, pid.TagDisplayBcc},
	} {
		var names []string
		for _, a := range addresses(h, f.name, page) {
			p := b.recipient(it, a, f.typ)
			names = append(names, p.Text(pid.TagDisplayName))
		}
		if len(it.Recipients) > maxAddresses {
			return &mapi.Error{Op: "read message", Code: mapi.ErrTooComplex, Err: fmt.Errorf("more than %d recipients", maxAddresses)}
		}
		set(&it.Props, f.display, strings.Join(names, "; "))
	}
	return nil
}

// recipient adds a recipient and gives its properties, which are good until the next is added.
func (b *builder) recipient(it *mapi.Item, a address, typ int32) *mapi.Props {
	var p mapi.Props
	set(&p, pid.TagRowid, int32(len(it.Recipients)))
	set(&p, pid.TagRecipientType, typ)
	recipientGroup.put(&p, a, b.o)
	set(&p, pid.TagTransmittableDisplayName, p.Text(pid.TagDisplayName))
	set(&p, pid.TagObjectType, mailUser)
	set(&p, pid.TagDisplayType, int32(0))
	set(&p, pid.TagSendRichInfo, noRTF)
	it.Recipients = append(it.Recipients, p)
	return &it.Recipients[len(it.Recipients)-1]
}

// dates sets when a message was sent, delivered (the newest Received field, which is the first that has a date, or else when
// it was sent), and is to be answered and forgotten.
func dates(p *mapi.Props, h header) {
	sent, ok := parseDate(h.get("Date"))
	if ok {
		set(p, pid.TagClientSubmitTime, sent)
	}
	for _, f := range h {
		if strings.EqualFold(f.name, "Received") {
			r := f.unfolded()
			if received, found := parseDate(r[strings.LastIndexByte(r, ';')+1:]); found {
				sent, ok = received, true
				break
			}
		}
	}
	if ok {
		set(p, pid.TagMessageDeliveryTime, sent)
	}
	for _, f := range []struct {
		field string
		tag   mapi.Tag
	}{{"Reply-By", pid.TagReplyTime}, {"Expiry-Date", pid.TagExpiryTime}, {"Expires", pid.TagExpiryTime}} {
		if d, ok := parseDate(h.get(f.field)); ok {
			set(p, f.tag, d)
		}
	}
}

// importance: 0 low, 1 normal, 2 high ([MS-OXCMAIL] 2.2.3.2.5). Importance wins over the others.
func importance(h header) int32 {
	for _, f := range []struct {
		field  string
		values map[string]int32
	}{
		{"Importance", map[string]int32{"low": 0, "normal": 1, "high": 2}},
		{"X-Priority", map[string]int32{"5": 0, "4": 0, "3": 1, "2": 2, "1": 2}},
		{"X-MSMail-Priority", map[string]int32{"low": 0, "normal": 1, "high": 2}},
		{"Priority", map[string]int32{"non-urgent": 0, "normal": 1, "urgent": 2}},
	} {
		word, _, _ := strings.Cut(strings.ToLower(h.get(f.field)), " ")
		word, _, _ = strings.Cut(word, "(")
		if v, ok := f.values[word]; ok {
			return v
		}
	}
	return 1
}

func sensitivity(s string) int32 {
	return map[string]int32{"personal": 1, "private": 2, "company-confidential": 3}[strings.ToLower(s)]
}

// receipts sets which receipts are asked for, and by whom.
func (b *builder) receipts(p *mapi.Props, h header, page int) {
	if a, ok := firstAddress(h, "Disposition-Notification-To", page); ok {
		set(p, pid.TagReadReceiptRequested, true)
		set(p, pid.TagNonReceiptNotificationRequested, true)
		readReceiptGroup.put(p, a, b.o)
	}
	if h.get("Return-Receipt-To") != "" {
		set(p, pid.TagOriginatorDeliveryReportRequested, true)
	}
}

func keywords(p *mapi.Props, h header, page int) {
	var list []string
	for _, f := range h {
		if !strings.EqualFold(f.name, "Keywords") {
			continue
		}
		for w := range strings.SplitSeq(decodeWords(f.unfolded(), page), ",") {
			if w = strings.Trim(w, " \t\""); w != "" {
				list = append(list, w)
			}
		}
	}
	if list != nil {
		p.Set(pid.NameKeywords, list)
	}
}

// suppress reads X-Auto-Response-Suppress ([MS-OXCMAIL] 2.2.3.2).
func suppress(s string) (mask int32) {
	bits := map[string]int32{"dr": 1, "ndr": 2, "rn": 4, "nrn": 8, "oof": 0x10, "autoreply": 0x20, "all": -1}
	for w := range strings.SplitSeq(strings.ToLower(s), ",") {
		mask |= bits[strings.TrimSpace(w)]
	}
	return mask
}

// others are the fields besides X- that are kept as they are.
var others = map[string]bool{"accept-language": true, "content-class": true, "content-language": true, "user-agent": true,
	"auto-submitted": true, "organization": true, "list-id": true}

// namedHeaders sets fields without a meaning here as properties named after them, in lower case ([MS-OXCMAIL] 2.2.3.2).
// All others are in PidTagTransportMessageHeaders. Of fields that are repeated the first is the newest.
func namedHeaders(p *mapi.Props, h header, page int) {
	seen := map[string]bool{}
	for _, f := range h {
		name := strings.ToLower(f.name)
		if !others[name] && !strings.HasPrefix(name, "x-") || seen[name] || len(name) > maxHeaderName {
			continue
		}
		if seen[name] = true; len(seen) > maxNamedHeaders {
			return
		}
		k := mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: name}, mapi.TypeString)
		p.Set(k, compact(decodeWords(f.unfolded(), page)))
	}
}

// transportHeaders keeps the header as it stands, with lines that end in CR LF.
func (b *builder) transportHeaders(p *mapi.Props, root *part, page int) error {
	raw, err := root.head.bytes()
	if err != nil || len(raw) == 0 {
		return err
	}
	set(p, pid.TagTransportMessageHeaders, lineBreaks(decodeRaw(string(raw), page)))
	return nil
}
