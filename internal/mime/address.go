package mime

import (
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxAddresses is how many recipients a message can have: more than any mail server delivers to at once.
const maxAddresses = 100000

// address is a mailbox ([RFC5322] 3.4). Addr has no "@" when there is only a name to be found in the header; then it is
// empty unless it could be a local mailbox.
type address struct{ Name, Addr string }

// parseAddresses reads a list of addresses, from the unfolded text of a header, as far as there is sense in it: members of
// groups one by one, semicolons as separators, names without quotes.
func parseAddresses(s string, fallback int) (list []address) {
	var a addressReader
	a.comments, a.quotes = paired(s)
	for s != "" && len(list) <= maxAddresses {
		s = a.read(s)
		if m, ok := a.address(fallback); ok {
			list = append(list, m)
		}
		a = addressReader{comments: a.comments, quotes: a.quotes}
	}
	return list
}

// paired tells whether parentheses and quotes come in pairs; where they don't they are like letters.
func paired(s string) (parentheses, quotes bool) {
	open, quote := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			open++
		case ')':
			open--
		case '"':
			quote++
		}
	}
	return open == 0, quote%2 == 0
}

// addressReader collects one address.
type addressReader struct {
	words   []word // outside of angle brackets
	at      bool   // a word without quotes has an "@"
	angle   string // in angle brackets
	angled  bool
	comment string

	comments, quotes bool // there are such: see paired
}

// word is what stands between blanks: raw text, or the content of quotes.
type word struct {
	text   string
	quoted bool
	glued  bool // no blank before it
}

// read reads the first address of s and gives the rest.
func (a *addressReader) read(s string) (rest string) {
	start := -1 // of a word
	blank := true
	end := func(i int) {
		if start >= 0 {
			a.words = append(a.words, word{s[start:i], false, !blank})
			a.at = a.at || strings.Contains(s[start:i], "@")
			blank = false
		}
		start = -1
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			end(i)
			blank = true
			i++
		case c == ',' || c == ';':
			end(i)
			return s[i+1:]
		case c == '"' && a.quotes:
			end(i)
			text, n := quotedString(s[i:])
			a.words = append(a.words, word{text, true, !blank})
			blank = false
			i += n
		case c == '(' && a.comments:
			end(i)
			text, after := comment(s[i:])
			a.comment = text
			i = len(s) - len(after)
		case c == ':':
			if start < 0 && len(a.words) == 0 || !a.angled && !a.at && !strings.Contains(s[max(start, 0):i], "@") { // "group:"
				*a = addressReader{comments: a.comments, quotes: a.quotes}
				start, blank = -1, true
				i++
				continue
			}
			if start < 0 {
				start = i
			}
			i++
		case c == '<':
			if a.angled { // a comma is missing
				end(i)
				return s[i:]
			}
			end(i)
			text, n := angle(s[i:])
			if a.angle, a.angled = text, true; a.comments {
				a.angle = stripComments(text, false)
			}
			i += n
			blank = true
		default:
			if start < 0 {
				if a.angled && c != '>' { // a comma is missing
					return s[i:]
				}
				start = i
			}
			i++
		}
	}
	end(len(s))
	return ""
}

// quotedString reads what is in quotes and how long it is with them. Without the closing quote it goes to the end.
func quotedString(s string) (text string, n int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			return b.String(), i + 1
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), len(s)
}

// angle reads what is in angle brackets and how long it is with them: a route before the address is left out, and so are
// brackets in brackets.
func angle(s string) (addr string, n int) {
	n = strings.IndexByte(s, '>')
	if n < 0 {
		n = len(s)
	}
	addr = strings.TrimSpace(strings.TrimLeft(s[:n], "<"))
	if strings.HasPrefix(addr, "@") {
		if _, after, ok := strings.Cut(addr, ":"); ok {
			addr = after
		}
	}
	for n < len(s) && s[n] == '>' {
		n++
	}
	return strings.TrimPrefix(addr, "mailto:"), n
}

// address puts together what was read.
func (a *addressReader) address(fallback int) (m address, ok bool) {
	if a.angled {
		m.Addr = decodeWords(a.angle, fallback)
		m.Name = a.name(a.words, fallback)
		if m.Name == "" {
			m.Name = decodeWords(a.comment, fallback)
		}
		if !strings.Contains(m.Addr, "@") && strings.Contains(m.Name, "@") && m.Addr == "" {
			m.Addr, m.Name = m.Name, ""
		}
		return m, m.Addr != "" || m.Name != ""
	}
	if len(a.words) == 0 {
		return m, false
	}
	// Words that touch are one: "first"."last"@domain.
	var joined []string
	for i, w := range a.words {
		text := w.text
		if w.quoted && len(a.words) > i+1 && a.words[i+1].glued {
			text = `"` + text + `"`
		}
		if w.glued && i > 0 {
			joined[len(joined)-1] += text
		} else {
			joined = append(joined, text)
		}
	}
	for i, t := range joined {
		if at := strings.IndexByte(t, '@'); at >= 0 {
			if at == 0 && i > 0 { // blanks around the "@"
				t = joined[i-1] + t
			}
			if strings.HasSuffix(t, "@") && i+1 < len(joined) {
				t += joined[i+1]
			}
			m.Addr = strings.Trim(decodeWords(t, fallback), "<>")
			m.Name = decodeWords(a.comment, fallback)
			if name := strings.Join(joined[:i], " "); m.Name == "" && at > 0 {
				m.Name = decodeWords(name, fallback)
			}
			return m, true
		}
	}
	m.Name = a.name(a.words, fallback)
	if at := strings.IndexByte(m.Name, '@'); at > 0 && !strings.Contains(m.Name, " ") { // an address as an encoded word
		return address{Addr: m.Name}, true
	}
	if len(joined) == 1 { // a local mailbox
		m.Addr = m.Name
	}
	return m, true
}

// name is the display name that words make.
func (a *addressReader) name(words []word, fallback int) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 && !w.glued {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return strings.Trim(decodeWords(b.String(), fallback), " \t\"")
}

// addressGroup is the properties that hold one address ([MS-OXCMAIL] 2.6).
type addressGroup struct{ name, addressType, email, smtp, entryID, searchKey mapi.Tag }

var (
	senderGroup = addressGroup{pid.TagSenderName, pid.TagSenderAddressType, pid.TagSenderEmailAddress,
		pid.TagSenderSmtpAddress, pid.TagSenderEntryId, pid.TagSenderSearchKey}
	sentRepresentingGroup = addressGroup{pid.TagSentRepresentingName, pid.TagSentRepresentingAddressType,
		pid.TagSentRepresentingEmailAddress, pid.TagSentRepresentingSmtpAddress, pid.TagSentRepresentingEntryId,
		pid.TagSentRepresentingSearchKey}
	readReceiptGroup = addressGroup{pid.TagReadReceiptName, pid.TagReadReceiptAddressType, pid.TagReadReceiptEmailAddress,
		pid.TagReadReceiptSmtpAddress, pid.TagReadReceiptEntryId, pid.TagReadReceiptSearchKey}
	recipientGroup = addressGroup{pid.TagDisplayName, pid.TagAddressType, pid.TagEmailAddress,
		pid.TagSmtpAddress, pid.TagEntryId, pid.TagSearchKey}
)

// put sets the group's properties. A name without address has no more than that.
func (g addressGroup) put(p *mapi.Props, a address, o Options) {
	name := a.Name
	if name == "" {
		name = a.Addr
	}
	set(p, g.name, name)
	if a.Addr == "" {
		return
	}
	typ, email := o.nativeAddress(a.Addr)
	if typ == invalidType { // there was none, and only the name was written
		return
	}
	set(p, g.addressType, typ)
	set(p, g.email, email)
	if typ == "SMTP" {
		set(p, g.smtp, email)
	}
	set(p, g.entryID, oneOff(name, typ, email))
	set(p, g.searchKey, append([]byte(strings.ToUpper(typ+":"+email)), 0))
}

// oneOff is the entry id of an address that is in no address book ([MS-OXCDATA] 2.2.5.1).
func oneOff(name, typ, email string) []byte {
	c := oxcdata.NewEncoder(nil)
	c.OneOffEntryID(&oxcdata.OneOffEntryID{Provider: oxcdata.ProviderOneOff,
		Options:     oxcdata.OneOffUnicode | oxcdata.OneOffNoLookup | oxcdata.OneOffNoRich,
		DisplayName: name, AddressType: typ, Email: email})
	return c.Bytes()
}

// flatEntries is a list of one-off entry ids, each padded to four bytes ([MS-OXCDATA] 2.3.3).
func flatEntries(list []address) []byte {
	body := oxcdata.NewEncoder(nil)
	for _, a := range list {
		id := oneOff(a.Name, "SMTP", a.Addr)
		body.Bytes32(&id)
		pad := make([]byte, -len(id)&3)
		body.Fixed(pad)
	}
	c := oxcdata.NewEncoder(nil)
	n := uint32(len(list))
	c.U32(&n)
	b := body.Bytes()
	c.Bytes32(&b)
	return c.Bytes()
}

const (
	// noDomain is the domain of encapsulated addresses where the organization has none ([RFC2606] 2): nobody else can have it.
	noDomain = "invalid"
	// invalidType is the type of an encapsulated address that is but a name.
	invalidType = "INVALID"
)

// nativeAddress turns the encapsulated form of an address that isn't SMTP back, if it is of one of the own domains
// ([MS-OXCMAIL] 2.2.3.1.2).
func (o Options) nativeAddress(addr string) (typ, email string) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return "SMTP", addr
	}
	for _, d := range append([]string{noDomain}, o.Domains...) {
		if strings.EqualFold(d, addr[at+1:]) {
			if typ, email, ok := decapsulate(addr[:at]); ok {
				return typ, email
			}
		}
	}
	return "SMTP", addr
}

// decapsulate reads IMCEA<type>-<address> ([MS-OXCMAIL] 2.1.3.1.8).
func decapsulate(local string) (typ, email string, ok bool) {
	const prefix = "IMCEA"
	if len(local) < len(prefix) || !strings.EqualFold(local[:len(prefix)], prefix) {
		return "", "", false
	}
	typ, text, ok := strings.Cut(local[len(prefix):], "-")
	if !ok || typ == "" {
		return "", "", false
	}
	var b []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '_':
			b = append(b, '/')
		case c == '+' && i+2 < len(text):
			x, ok := hexByte(text[i+1], text[i+2])
			if !ok {
				return "", "", false
			}
			b = append(b, x)
			i += 2
		default:
			b = append(b, c)
		}
	}
	return strings.ToUpper(typ), decodeRaw(string(b), 0), true
}
