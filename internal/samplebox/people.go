package samplebox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

const (
	domain  = "contoso.test"
	company = "Contoso Instruments"
	// recipientsDN is where the company's people are in its directory.
	recipientsDN = "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn="
)

// partners are the companies that the company deals with.
var partners = []struct{ name, domain string }{
	{"Fabrikam Machines", "fabrikam.test"}, {"Northwind Logistics", "northwind.test"}, {"A. Datum Laboratories", "adatum.test"}, {"Tailspin Valves", "tailspin.test"},
}

// person is somebody with an address. Those of the company have a DN.
type person struct {
	display, given, family string
	company                string
	address                string
	dn                     string
	lang                   *language
}

// employ invents the people.
func (b *box) employ() {
	r := b.random("people", 0)
	for _, l := range languages {
		n := len(l.given)
		shift := r.IntN(n)
		for i := range 2 * n {
			g, f := l.given[i%n], l.family[(i+shift+i/n)%n]
			p := person{given: g.native, family: f.native, lang: l, company: company, display: g.native + " " + f.native}
			if l.familyFirst {
				p.display = f.native + " " + g.native
				if l.code != "ja" {
					p.display = f.native + g.native
				}
			}
			alias := g.latin + "." + f.latin
			if i < n {
				p.address, p.dn = alias+"@"+domain, recipientsDN+alias
				b.people = append(b.people, p)
				continue
			}
			with := partners[i%len(partners)]
			p.company, p.address = with.name, alias+"@"+with.domain
			b.others = append(b.others, p)
		}
	}
	b.owner = person{display: "Robin Ashgrove", given: "Robin", family: "Ashgrove", company: company, address: "robin.ashgrove@" + domain,
		dn: recipientsDN + "robin.ashgrove", lang: &english}
	if o := b.Owner; o != (Owner{}) {
		b.owner.display, b.owner.address, b.owner.dn = o.Name, o.SMTP, o.LegacyDN
		b.owner.given, b.owner.family, _ = strings.Cut(o.Name, " ")
	}
}

func (p person) addressType() string {
	if p.dn != "" {
		return "EX"
	}
	return "SMTP"
}

func (p person) email() string {
	if p.dn != "" {
		return p.dn
	}
	return p.address
}

// searchKey is the type and address in upper case ([MS-OXCDATA] 2.8.3.2).
func (p person) searchKey() []byte {
	return append([]byte(strings.ToUpper(p.addressType()+":"+p.email())), 0)
}

func (m *maker) entryID(p person) []byte {
	if p.dn == "" {
		return m.oneOff(p)
	}
	id := oxcdata.AddressBookEntryID{Provider: oxcdata.ProviderAddressBook, Version: 1, DN: mapi.String8(p.dn)}
	return m.encode(func(c *oxcdata.Coder) { c.AddressBookEntryID(&id) })
}

func (m *maker) oneOff(p person) []byte {
	id := oxcdata.OneOffEntryID{Provider: oxcdata.ProviderOneOff, Options: oxcdata.OneOffUnicode | oxcdata.OneOffNoRich,
		DisplayName: p.display, AddressType: "SMTP", Email: p.address}
	return m.encode(func(c *oxcdata.Coder) { c.OneOffEntryID(&id) })
}

// encode runs a walk. An error is the item's.
func (m *maker) encode(f func(*oxcdata.Coder)) []byte {
	b, err := oxcdata.Encode(oxcdata.ROP, f)
	if err != nil && m.err == nil {
		m.err = err
	}
	return b
}

// Recipient types ([MS-OXOMSG] 2.2.3.1).
const (
	to  int32 = 1
	cc  int32 = 2
	bcc int32 = 3
)

func (m *maker) recipient(p person, kind int32) mapi.Props {
	ps := props(pid.TagRecipientType, kind, pid.TagDisplayName, p.display, pid.TagAddressType, p.addressType(),
		pid.TagEmailAddress, p.email(), pid.TagSmtpAddress, p.address, pid.TagEntryId, m.entryID(p), pid.TagSearchKey, p.searchKey(),
		pid.TagObjectType, int32(6), pid.TagDisplayType, int32(0), pid.TagRecipientDisplayName, p.display,
		pid.TagRecipientEntryId, m.entryID(p), pid.TagSendRichInfo, p.dn != "", pid.TagResponsibility, true)
	if p.dn != "" {
		alias := p.dn[strings.LastIndexByte(p.dn, '=')+1:]
		set(&ps, pid.TagAccount, alias, pid.Tag7BitDisplayName, alias)
	}
	return ps
}

// address addresses an item and sets the lists of names.
func (m *maker) address(it *mapi.Item, list []person, kinds ...int32) {
	var names [4][]string
	for i, p := range list {
		k := to
		if i < len(kinds) {
			k = kinds[i]
		}
		it.Recipients = append(it.Recipients, m.recipient(p, k))
		names[k] = append(names[k], p.display)
	}
	set(&it.Props, pid.TagDisplayTo, strings.Join(names[to], "; "), pid.TagDisplayCc, strings.Join(names[cc], "; "),
		pid.TagDisplayBcc, strings.Join(names[bcc], "; "))
}

// from sets the sender, and for whom it was sent.
func (m *maker) from(it *mapi.Item, sender, representing person) {
	set(&it.Props,
		pid.TagSenderName, sender.display, pid.TagSenderAddressType, sender.addressType(), pid.TagSenderEmailAddress, sender.email(),
		pid.TagSenderSmtpAddress, sender.address, pid.TagSenderEntryId, m.entryID(sender), pid.TagSenderSearchKey, sender.searchKey(),
		pid.TagSentRepresentingName, representing.display, pid.TagSentRepresentingAddressType, representing.addressType(),
		pid.TagSentRepresentingEmailAddress, representing.email(), pid.TagSentRepresentingSmtpAddress, representing.address,
		pid.TagSentRepresentingEntryId, m.entryID(representing), pid.TagSentRepresentingSearchKey, representing.searchKey())
}

// received sets for whom an item was received.
func (m *maker) received(it *mapi.Item) {
	p := m.owner
	set(&it.Props,
		pid.TagReceivedByName, p.display, pid.TagReceivedByAddressType, p.addressType(), pid.TagReceivedByEmailAddress, p.email(),
		pid.TagReceivedByEntryId, m.entryID(p), pid.TagReceivedBySearchKey, p.searchKey(),
		pid.TagReceivedRepresentingName, p.display, pid.TagReceivedRepresentingAddressType, p.addressType(),
		pid.TagReceivedRepresentingEmailAddress, p.email(), pid.TagReceivedRepresentingEntryId, m.entryID(p),
		pid.TagReceivedRepresentingSearchKey, p.searchKey())
}

// anybody is somebody who speaks a language, from outside in one of three cases.
func (m *maker) anybody(l *language) person {
	list := m.people
	if chance(m.r, 3) {
		list = m.others
	}
	start := m.r.IntN(len(list))
	for i := range list {
		if p := list[(start+i)%len(list)]; p.lang == l {
			return p
		}
	}
	return list[start]
}

// crowd is n different people of the company and, at the end, from outside.
func (m *maker) crowd(n int) []person {
	all := append(append([]person(nil), m.people...), m.others...)
	m.r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

// distinct leaves out those who were named before.
func distinct(list []person) []person {
	var out []person
	for _, p := range list {
		if !slices.ContainsFunc(out, func(q person) bool { return q.address == p.address }) {
			out = append(out, p)
		}
	}
	return out
}

func (m *maker) phone() string {
	return fmt.Sprintf("+49 931 555 %04d", m.r.IntN(10000))
}
