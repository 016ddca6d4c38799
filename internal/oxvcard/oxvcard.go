// Package oxvcard writes contacts as vCards of version 3.0 ([RFC2426], [MS-OXVCARD] 2.1.3).
package oxvcard

import (
	"encoding/base64"
	"strings"

	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Write makes the card of a contact. ok is false for other items.
func Write(it *mapi.Item) (card string, ok bool) {
	if class := it.Props.Text(pid.TagMessageClass); !strings.EqualFold(class, "IPM.Contact") && !strings.HasPrefix(strings.ToUpper(class), "IPM.CONTACT.") {
		return "", false
	}
	p := &it.Props
	c := vobject.New("VCARD")
	c.Add("VERSION", "3.0")
	name := first(p.Text(pid.TagDisplayName), p.Text(pid.TagSubject))
	c.Add("FN", vobject.Escape(name))
	structured(c, p, "N", pid.TagSurname, pid.TagGivenName, pid.TagMiddleName, pid.TagDisplayNamePrefix, pid.TagGeneration)
	c.AddText("NICKNAME", p.Text(pid.TagNickname))
	structured(c, p, "ORG", pid.TagCompanyName, pid.TagDepartmentName)
	c.AddText("TITLE", p.Text(pid.TagTitle))
	c.AddText("ROLE", p.Text(pid.TagProfession))
	text := func(k mapi.Key) string { s, _ := p.Get(k).(string); return s }
	for _, e := range [][2]mapi.Key{{pid.LidEmail1EmailAddress, pid.LidEmail1OriginalDisplayName}, {pid.LidEmail2EmailAddress, pid.LidEmail2OriginalDisplayName},
		{pid.LidEmail3EmailAddress, pid.LidEmail3OriginalDisplayName}} {
		for _, k := range e { // of an entry of the address book the SMTP address is the second
			if s := text(k); strings.Contains(s, "@") {
				c.AddText("EMAIL", s, "TYPE", "INTERNET")
				break
			}
		}
	}
	for _, t := range phones {
		c.AddText("TEL", p.Text(t.tag), "TYPE", t.types)
	}
	address(c, "WORK", text(pid.LidWorkAddressPostOfficeBox), text(pid.LidWorkAddressStreet), text(pid.LidWorkAddressCity), text(pid.LidWorkAddressState),
		text(pid.LidWorkAddressPostalCode), text(pid.LidWorkAddressCountry))
	address(c, "HOME", p.Text(pid.TagHomeAddressPostOfficeBox), p.Text(pid.TagHomeAddressStreet), p.Text(pid.TagHomeAddressCity),
		p.Text(pid.TagHomeAddressStateOrProvince), p.Text(pid.TagHomeAddressPostalCode), p.Text(pid.TagHomeAddressCountry))
	address(c, "POSTAL", p.Text(pid.TagOtherAddressPostOfficeBox), p.Text(pid.TagOtherAddressStreet), p.Text(pid.TagOtherAddressCity),
		p.Text(pid.TagOtherAddressStateOrProvince), p.Text(pid.TagOtherAddressPostalCode), p.Text(pid.TagOtherAddressCountry))
	if d, ok := p.Tag(pid.TagBirthday).(mapi.FileTime); ok {
		c.Add("BDAY", d.Time().Format("2006-01-02"), "VALUE", "date")
	}
	for _, t := range []struct {
		tag  mapi.Tag
		kind string
	}{{pid.TagBusinessHomePage, "WORK"}, {pid.TagPersonalHomePage, "HOME"}} {
		if s := p.Text(t.tag); s != "" {
			c.Add("URL", vobject.Escape(s), "TYPE", t.kind)
		}
	}
	if words, ok := p.Get(pid.NameKeywords).([]string); ok && len(words) > 0 {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = vobject.Escape(w)
		}
		c.Add("CATEGORIES", strings.Join(list, ","))
	}
	c.AddText("NOTE", p.Text(pid.TagBody))
	photo(c, it)
	return c.String(), true
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// structured adds a value of several texts, unless all are empty. A name has to be there ([RFC2426] 3.1.2).
func structured(c *vobject.Component, p *mapi.Props, name string, tags ...mapi.Tag) {
	var list []string
	any := name == "N"
	for _, t := range tags {
		s := p.Text(t)
		any = any || s != ""
		list = append(list, vobject.Escape(s))
	}
	if any {
		c.Add(name, strings.Join(list, ";"))
	}
}

// address adds an address ([RFC2426] 3.2.1).
func address(c *vobject.Component, kind, box, street, city, state, code, country string) {
	if box+street+city+state+code+country == "" {
		return
	}
	list := []string{box, "", street, city, state, code, country}
	for i := range list {
		list[i] = vobject.Escape(list[i])
	}
	c.Add("ADR", strings.Join(list, ";"), "TYPE", kind)
}

// phones are telephone numbers and the types that they have ([MS-OXVCARD] 2.1.3.2).
var phones = []struct {
	tag   mapi.Tag
	types string
}{
	{pid.TagBusinessTelephoneNumber, "WORK"}, {pid.TagHomeTelephoneNumber, "HOME"}, {pid.TagMobileTelephoneNumber, "CELL"},
	{pid.TagPagerTelephoneNumber, "PAGER"}, {pid.TagCarTelephoneNumber, "CAR"}, {pid.TagPrimaryTelephoneNumber, "PREF"},
	{pid.TagIsdnNumber, "ISDN"}, {pid.TagOtherTelephoneNumber, "VOICE"}, {pid.TagBusinessFaxNumber, "FAX"}, {pid.TagHomeFaxNumber, "FAX"},
}

// maxPhoto is how large a picture may be that stands in a card.
const maxPhoto = 1 << 20

// photo adds the picture of the contact, which is an attachment ([MS-OXOCNTC] 2.2.1.8.3).
func photo(c *vobject.Component, it *mapi.Item) {
	for _, a := range it.Attachments {
		is, _ := a.Props.Tag(pid.TagAttachmentContactPhoto).(bool)
		if data, ok := a.Props.Tag(pid.TagAttachDataBinary).([]byte); is && ok && len(data) <= maxPhoto {
			c.Add("PHOTO", base64.StdEncoding.EncodeToString(data), "ENCODING", "b", "TYPE", "JPEG")
			return
		}
	}
}
