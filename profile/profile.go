package profile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/secret"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// UID is a MAPIUID: it names a section of a profile.
type UID [16]byte

// UIDs that are the same in all profiles.
var (
	// GlobalSection is pbGlobalProfileSectionGuid of the public headers: the Exchange section of MAPI/CDO and of Outlook
	// before 2010.
	GlobalSection = mustUID("13dbb0c8aa05101a9bb000aa002fc45a")
	// ProfileSection lists the services.
	ProfileSection = mustUID("9207f3e0a3b11019908b08002b2a56c2")
	// OutlookSection holds what Outlook keeps for itself.
	OutlookSection = mustUID("0a0d020000000000c000000000000046")

	// Providers of message stores: values of PR_MDB_PROVIDER and of MDBGUID in .prf files.
	PrimaryStore  = mustUID("5494a1c0297f101ba58708002b2a2517")
	DelegateStore = mustUID("9eb4770074e411ce8c5e00aa004254e2")
	PublicStore   = mustUID("78b2fa70aff711cd9bc800aa002fc45a")
	PSTStore      = mustUID("4e495441f9bfb80100aa0037d96e0000")
)

// ParseUID reads 32 hexadecimal digits.
func ParseUID(s string) (u UID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(u) {
		return u, fmt.Errorf("%q isn't a UID of 32 hexadecimal digits", s)
	}
	copy(u[:], b)
	return u, nil
}

func mustUID(s string) UID {
	u, err := ParseUID(s)
	if err != nil {
		panic(err)
	}
	return u
}

func newUID() (u UID) {
	rand.Read(u[:]) // never fails
	return u
}

// String is 32 hexadecimal digits, the bytes in their order, as registry keys have it.
func (u UID) String() string { return hex.EncodeToString(u[:]) }

// Profile is a static profile: sections of properties, among them one for each service and each provider. It holds what MAPI
// keeps in the registry below Profiles\NAME.
type Profile struct {
	Name     string
	Sections []*Section
	// Accounts are Internet accounts of .prf files. They are kept, and used for nothing: MAPI has no stores for them.
	Accounts []Account
}

// Section is a section of a profile.
type Section struct {
	UID   UID
	Props mapi.Props
	// secrets are properties whose values lie in the store of secrets, or will do after the profile is saved: until then the
	// function gives the value. It is a function so that no way of printing shows it.
	secrets map[mapi.Tag]func() string
}

// Account is an Internet account: its kind (POP3, IMAP, ...) and its settings.
type Account struct {
	Type     string           `json:"type"`
	Settings []AccountSetting `json:"settings"`
}

// AccountSetting is a setting under its name in .prf files.
type AccountSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// maxName is the length of profile names that MAPI allows.
const maxName = 64

// New gives a profile without services. Names have up to 64 characters, and blanks neither at their beginning nor their end.
func New(name string) (*Profile, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return &Profile{Name: name, Sections: []*Section{{UID: ProfileSection}}}, nil
}

func checkName(name string) error {
	problem := ""
	switch {
	case name == "":
		problem = "it is empty"
	case utf8.RuneCountInString(name) > maxName:
		problem = fmt.Sprintf("it has more than %d characters", maxName)
	case strings.TrimSpace(name) != name:
		problem = "it begins or ends with a blank"
	case strings.ContainsFunc(name, unicode.IsControl), strings.Contains(name, `\`), !utf8.ValidString(name):
		problem = "it holds a backslash or a control character"
	}
	if problem == "" {
		return nil
	}
	return &mapi.Error{Op: "name profile", Object: fmt.Sprintf("%q", name), Code: mapi.ErrInvalidParameter, Err: errors.New(problem)}
}

// Section finds a section.
func (p *Profile) Section(u UID) (*Section, bool) {
	for _, s := range p.Sections {
		if s.UID == u {
			return s, true
		}
	}
	return nil, false
}

// section finds or makes a section.
func (p *Profile) section(u UID) *Section {
	s, ok := p.Section(u)
	if !ok {
		s = &Section{UID: u}
		p.Sections = append(p.Sections, s)
	}
	return s
}

// Set sets a property. Any other type of the same id goes.
func (s *Section) Set(t mapi.Tag, v mapi.Value) {
	s.Unset(t)
	s.Props.Set(mapi.TagKey(t), v)
}

// Unset removes a property, whatever its type, and tells whether it was there.
func (s *Section) Unset(t mapi.Tag) bool {
	before := len(s.Props) + len(s.secrets)
	s.Props = slices.DeleteFunc(s.Props, func(p mapi.Prop) bool { return p.Key.Tag.ID() == t.ID() })
	for old := range s.secrets {
		if old.ID() == t.ID() {
			delete(s.secrets, old)
		}
	}
	return len(s.Props)+len(s.secrets) < before
}

// SetSecret sets a property whose value is kept in the store of secrets when the profile is saved.
func (s *Section) SetSecret(t mapi.Tag, value string) {
	s.Unset(t)
	if s.secrets == nil {
		s.secrets = map[mapi.Tag]func() string{}
	}
	s.secrets[t] = func() string { return value }
}

// Secrets are the tags of properties whose values lie in the store of secrets.
func (s *Section) Secrets() []mapi.Tag {
	var list []mapi.Tag
	for t := range s.secrets {
		list = append(list, t)
	}
	slices.Sort(list)
	return list
}

// Text is a string property of either type, or "".
func (s *Section) Text(t mapi.Tag) string {
	for _, p := range s.Props {
		if p.Key.Tag.ID() != t.ID() {
			continue
		}
		switch v := p.Value.(type) {
		case string:
			return v
		case mapi.String8:
			return text8(v)
		}
	}
	return ""
}

// text8 reads an 8-bit string in Windows' western code page: profiles don't tell theirs.
func text8(s mapi.String8) string { return settings.DecodeANSI(string(s)) }

// string8 is the reverse of text8.
func string8(s string) (mapi.String8, error) {
	t, err := settings.EncodeANSI(s)
	return mapi.String8(t), err
}

// Number is a 32-bit property, or 0 and false.
func (s *Section) Number(t mapi.Tag) (int32, bool) {
	n, ok := s.Props.Tag(t).(int32)
	return n, ok
}

// uids reads a property that is a list of UIDs without anything between them.
func (s *Section) uids(t mapi.Tag) []UID {
	b, _ := s.Props.Tag(t).([]byte)
	var list []UID
	for ; len(b) >= len(UID{}); b = b[len(UID{}):] {
		list = append(list, UID(b[:len(UID{})]))
	}
	return list
}

func (s *Section) setUIDs(t mapi.Tag, list []UID) {
	var b []byte
	for _, u := range list {
		b = append(b, u[:]...)
	}
	s.Set(t, b)
}

// Service is a message service of a profile.
type Service struct {
	Section   *Section
	Name      string // in mapisvc.inf: "MSEMS", "MSUPST MS", "CONTAB"
	Display   string
	Default   bool // it has the default store
	Providers []Provider
}

// Provider is what a service consists of.
type Provider struct {
	Section *Section
	Kind    string // "store", "address book", "transport"
	Display string
	Type    UID // of a store: PrimaryStore, PublicStore, ...
}

// serviceDefaultStore is SERVICE_DEFAULT_STORE in PR_RESOURCE_FLAGS of a service.
const serviceDefaultStore = 0x1

// statusDefaultStore is STATUS_DEFAULT_STORE in PR_RESOURCE_FLAGS of a store.
const statusDefaultStore = 0x2

// Services are the message services, in order.
func (p *Profile) Services() []Service {
	own, ok := p.Section(ProfileSection)
	if !ok {
		return nil
	}
	var list []Service
	for _, u := range own.uids(tagServices) {
		s, ok := p.Section(u)
		if !ok {
			continue
		}
		flags, _ := s.Number(tagResourceFlags)
		svc := Service{Section: s, Name: s.Text(tagServiceName), Display: s.Text(tagDisplayName), Default: flags&serviceDefaultStore != 0}
		for _, k := range providerKinds {
			for _, u := range s.uids(k.tag) {
				x, ok := p.Section(u)
				if !ok {
					continue
				}
				pr := Provider{Section: x, Kind: k.name, Display: x.Text(tagDisplayName)}
				if b, _ := x.Props.Tag(tagStoreProviderUID).([]byte); len(b) == len(pr.Type) {
					pr.Type = UID(b)
				}
				flags, _ := x.Number(tagResourceFlags)
				svc.Default = svc.Default || k.tag == tagStoreProviders && flags&statusDefaultStore != 0
				svc.Providers = append(svc.Providers, pr)
			}
		}
		list = append(list, svc)
	}
	return list
}

var providerKinds = []struct {
	tag  mapi.Tag
	name string
	kind int32 // PR_RESOURCE_TYPE
}{{tagStoreProviders, "store", 0x21}, {tagAddressBooks, "address book", 0x23}, {tagTransports, "transport", 0x24}}

// MSEMS is the name of the Exchange service.
const MSEMS = "MSEMS"

// exchangeSection is the section of an Exchange service: its own (Outlook 2010 and later), or the global one.
func (p *Profile) exchangeSection(svc Service) *Section {
	for _, u := range svc.Section.uids(TagEMSMDBSectionUID) {
		if s, ok := p.Section(u); ok {
			return s
		}
	}
	s, _ := p.Section(GlobalSection)
	return s
}

// Exchange is the Exchange section of the profile: that of the Exchange service with the default store, else of the account
// that is marked as PR_EMSMDB_LEGACY, else of the first.
func (p *Profile) Exchange() (*Section, bool) {
	var best *Section
	rank := 0
	for _, svc := range p.Services() {
		if !strings.EqualFold(svc.Name, MSEMS) {
			continue
		}
		s, r := p.exchangeSection(svc), 1
		if legacy, _ := svc.Section.Props.Tag(TagEMSMDBLegacy).(bool); legacy {
			r = 2
		}
		if svc.Default {
			r = 3
		}
		if s != nil && r > rank {
			best, rank = s, r
		}
	}
	if best == nil { // a profile that names no service, as .prf files make where the service's own settings are wrong
		if s, ok := p.Section(GlobalSection); ok && len(s.Props) > 0 {
			return s, true
		}
	}
	return best, best != nil
}

// PlaceOf is the kind of a section.
func (p *Profile) PlaceOf(s *Section) Place {
	switch s.UID {
	case GlobalSection:
		return PlaceExchange
	case ProfileSection:
		return PlaceProfile
	case OutlookSection:
		return PlaceOutlook
	}
	for _, svc := range p.Services() {
		if svc.Section == s {
			return PlaceService
		}
		if slices.Contains(svc.Section.uids(TagEMSMDBSectionUID), s.UID) {
			return PlaceExchange
		}
		for _, pr := range svc.Providers {
			if pr.Section == s {
				return PlaceProvider
			}
		}
	}
	return ""
}

// SecretName names a secret property of a section in the store of secrets.
func (p *Profile) SecretName(s *Section, t mapi.Tag) secret.Name {
	return secret.ProfileName(p.Name, s.UID.String(), fmt.Sprintf("%08x", uint32(t)))
}
