package samplebox

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

var streets = []string{"Harbour Road", "Mühlgasse", "Λεωφόρος Θαλάσσης", "ул. Берёзовая", "רחוב הזית", "شارع النخيل", "梧桐路", "銀杏通り", "은행나무길", "ถนนดอกไม้"}

// contact is a person's entry ([MS-OXOCNTC] 2.2.1). Languages come by turns.
func contact(m *maker) Sample {
	l := languages[m.nth%len(languages)]
	p := m.anybody(l)
	created := moment(m.r)
	it := m.base("IPM.Contact", "", p.display, flagRead, created)
	fileAs := p.family + ", " + p.given
	if l.familyFirst {
		fileAs = p.display
	}
	street := pick(m.r, streets)
	city, code := "Würzburg", fmt.Sprintf("970%02d", m.r.IntN(100))
	set(&it.Props,
		pid.TagDisplayName, p.display, pid.TagGivenName, p.given, pid.TagSurname, p.family, pid.TagCompanyName, p.company,
		pid.TagTitle, pick(m.r, l.job), pid.TagDepartmentName, pick(m.r, l.projects), pid.LidFileUnder, fileAs, pid.LidFileUnderId, int32(0x8017),
		pid.LidFileUnderList, []int32{0x8017, 0x8037, 0x3A16}, pid.LidEmail1DisplayName, p.display+" ("+p.address+")", pid.LidEmail1OriginalDisplayName, p.display,
		pid.LidEmail1AddressType, p.addressType(), pid.LidEmail1EmailAddress, p.email(), pid.LidEmail1OriginalEntryId, m.entryID(p),
		pid.LidAddressBookProviderEmailList, []int32{0}, pid.LidAddressBookProviderArrayType, int32(1),
		pid.TagBusinessTelephoneNumber, m.phone(), pid.TagMobileTelephoneNumber, m.phone(),
		pid.LidWorkAddressStreet, street, pid.LidWorkAddressCity, city, pid.LidWorkAddressPostalCode, code, pid.LidWorkAddressCountry, "Germany",
		pid.LidWorkAddress, street+"\r\n"+code+" "+city, pid.TagPostalAddress, street+"\r\n"+code+" "+city, pid.LidPostalAddressId, int32(2),
		pid.TagStreetAddress, street, pid.TagLocality, city, pid.TagPostalCode, code, pid.TagCountry, "Germany", pid.LidHasPicture, false,
		pid.TagIconIndex, int32(0x200), pid.LidSideEffects, int32(0x110), pid.TagMessageLocaleId, l.locale)
	if chance(m.r, 2) {
		birthday := time.Date(1950+m.r.IntN(50), time.Month(1+m.r.IntN(12)), 1+m.r.IntN(28), 0, 0, 0, 0, time.UTC)
		set(&it.Props, pid.TagBirthday, ft(birthday), pid.LidBirthdayLocal, ft(birthday), pid.TagHobbies, "chess", pid.TagChildrensNames, []string{"Ida", "Ömer"})
	}
	if m.nth%3 == 1 {
		second := person{display: p.display, address: "private." + p.address, company: p.company, lang: l}
		set(&it.Props, pid.LidEmail2DisplayName, p.display, pid.LidEmail2OriginalDisplayName, second.address, pid.LidEmail2AddressType, "SMTP",
			pid.LidEmail2EmailAddress, second.address, pid.LidEmail2OriginalEntryId, m.entryID(second),
			pid.LidAddressBookProviderEmailList, []int32{0, 1}, pid.LidAddressBookProviderArrayType, int32(3))
	}
	if chance(m.r, 3) {
		fax := m.phone()
		set(&it.Props, pid.TagBusinessFaxNumber, fax, pid.LidFax2AddressType, "FAX", pid.LidFax2EmailAddress, p.display+"@"+fax, pid.LidFax2OriginalDisplayName, p.display)
	}
	if chance(m.r, 3) {
		set(&it.Props, pid.NameKeywords, m.categories())
	}
	if l.code == "ja" {
		set(&it.Props, pid.LidYomiFirstName, "さくら", pid.LidYomiLastName, "たかなし")
	}
	set(&it.Props, pid.TagBody, l.prose(m.r, 2, pick(m.r, l.projects), p.display, created)[0]+"\r\n", pid.TagNativeBody, nativePlain)
	s := Sample{Role: mapi.RoleContacts, Item: it}
	if p.dn == "" && chance(m.r, 2) {
		s.Path = []string{"Suppliers"}
	}
	return s
}

// contactWithPhoto has a picture ([MS-OXOCNTC] 2.2.1.8.2).
func contactWithPhoto(m *maker) Sample {
	m.nth = len(languages) - 1 // the one that the other contacts of a block leave out
	s := contact(m)
	img := image.NewGray(image.Rect(0, 0, 96, 96))
	for y := range 96 {
		for x := range 96 {
			shade := 220 - y
			if dx, dy := x-48, y-40; dx*dx+dy*dy < 700 || y > 70 && dx*dx < 900 {
				shade = 90 + m.r.IntN(30)
			}
			img.SetGray(x, y, color.Gray{uint8(shade)})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil && m.err == nil {
		m.err = err
	}
	a := file("ContactPicture.jpg", "image/jpeg", b.Bytes(), moment(m.r))
	set(&a.Props, pid.TagAttachmentContactPhoto, true)
	s.Item.Attachments = append(s.Item.Attachments, a)
	set(&s.Item.Props, pid.LidHasPicture, true)
	return s
}

// wrapped is the provider of entry ids that wrap those of list members ([MS-OXOCNTC] 2.2.2.2.4.1.1).
var wrapped = mapi.MustGUID("d3ad91c0-9d51-11cf-a4a9-00aa0047faa4")

// member is the entry id of a person in a list: of those of the company their entry in the address book, wrapped.
func (m *maker) member(p person) []byte {
	if p.dn == "" {
		return m.oneOff(p)
	}
	inner := m.entryID(p)
	return m.encode(func(c *oxcdata.Coder) {
		flags, kind := uint32(0), uint8(0xB5) // a user of the address book
		provider := wrapped
		c.U32(&flags)
		c.GUID(&provider)
		c.U8(&kind)
		c.Rest(&inner)
	})
}

// distributionList is a personal distribution list ([MS-OXOCNTC] 2.2.2).
func distributionList(m *maker) Sample {
	name := pick(m.r, []string{"Fire wardens", "Messe-Team", "Приёмка", "品質会議", "Everybody on floor 3", "Αγορές"}) + fmt.Sprintf(" %d", 1+m.r.IntN(9))
	it := m.base("IPM.DistList", "", name, flagRead, moment(m.r))
	var members, oneOffs [][]byte
	for _, p := range m.crowd(3 + m.r.IntN(12)) {
		members = append(members, m.member(p))
		oneOffs = append(oneOffs, m.oneOff(p))
	}
	set(&it.Props, pid.TagDisplayName, name, pid.LidDistributionListName, name, pid.LidFileUnder, name, pid.LidDistributionListMembers, members,
		pid.LidDistributionListOneOffMembers, oneOffs, pid.TagIconIndex, int32(0x202), pid.LidSideEffects, int32(0x110),
		pid.TagBody, "", pid.LidAgingDontAgeMe, true)
	return Sample{Role: mapi.RoleContacts, Item: it}
}
