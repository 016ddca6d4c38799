package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// PRF is an Outlook profile file (.prf), as the Office Customization Tool and Newprof.exe had it: what the profile is to be,
// its services, their options, and which property each option is.
type PRF struct {
	File     string
	sections []*prfSection
}

type prfSection struct {
	name  string
	line  int
	lines []prfLine
}

type prfLine struct {
	name, value string
	line        int
}

// ReadPRF reads a .prf file.
func ReadPRF(path string) (*PRF, error) {
	text, err := settings.ReadText(path)
	if err != nil {
		return nil, err
	}
	return parsePRF(path, text)
}

// ParsePRF reads the bytes of a .prf file. Errors are [*settings.SyntaxError].
func ParsePRF(file string, data []byte) (*PRF, error) {
	text, err := settings.DecodeText(file, data)
	if err != nil {
		return nil, err
	}
	return parsePRF(file, text)
}

func (f *PRF) fail(line int, format string, args ...any) error {
	return &settings.SyntaxError{File: f.File, Line: line, Problem: fmt.Sprintf(format, args...)}
}

func parsePRF(file, text string) (*PRF, error) {
	f := &PRF{File: file}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == ';':
		case line[0] == '[':
			name, ok := strings.CutSuffix(line[1:], "]")
			if name = strings.TrimSpace(name); !ok || name == "" {
				return nil, f.fail(n, "a section without its name or its closing bracket")
			}
			f.sections = append(f.sections, &prfSection{name: name, line: n})
		default:
			if len(f.sections) == 0 {
				return nil, f.fail(n, "an option before the first section")
			}
			name, value, ok := strings.Cut(line, "=")
			if name = strings.TrimSpace(name); !ok || name == "" {
				return nil, f.fail(n, "name=value expected")
			}
			s := f.sections[len(f.sections)-1]
			s.lines = append(s.lines, prfLine{name, strings.TrimSpace(value), n})
		}
	}
	if f.section("General") == nil {
		return nil, f.fail(1, "no section [General]: this is no profile file")
	}
	return f, nil
}

// section finds the first section of a name, and an option's first line counts: Windows reads such files so.
func (f *PRF) section(name string) *prfSection {
	for _, s := range f.sections {
		if strings.EqualFold(s.name, name) {
			return s
		}
	}
	return nil
}

func (s *prfSection) get(name string) (prfLine, bool) {
	if s != nil {
		for _, l := range s.lines {
			if strings.EqualFold(l.name, name) {
				return l, true
			}
		}
	}
	return prfLine{}, false
}

// Imported is what an import has made.
type Imported struct {
	Profile *Profile
	// Default asks for the profile to be the default one.
	Default bool
	// Overwrite and Append say what is to be done with a profile of that name: take its place, or add to it.
	Overwrite, Append bool
	// Problems name what was not imported, with file and line: [*settings.SyntaxError] each.
	Problems []error
}

// defaultPRFName is the profile's name where a file has none.
const defaultPRFName = "Outlook"

// Profile makes the profile. The environment gives what stands between percent signs: %UserName%. A service whose section has
// faults is left out, and so are they named; the others are made.
func (f *PRF) Profile(environment func(string) (string, bool)) (*Imported, error) {
	general := f.section("General")
	name := defaultPRFName
	if l, ok := general.get("ProfileName"); ok && l.value != "" {
		name = expand(l.value, environment)
		if err := checkName(name); err != nil {
			return nil, f.fail(l.line, "%v", err)
		}
	}
	p, err := New(name)
	if err != nil {
		return nil, err
	}
	in := &Imported{Profile: p, Default: true}
	for _, o := range []struct {
		name string
		set  func(yes bool)
	}{{"DefaultProfile", func(yes bool) { in.Default = yes }}, {"OverwriteProfile", func(yes bool) { in.Overwrite = yes }}} {
		l, ok := general.get(o.name)
		if !ok || l.value == "" {
			continue
		}
		if o.name == "OverwriteProfile" && strings.EqualFold(l.value, "append") {
			in.Append = true
			continue
		}
		yes, err := ParseValue(mapi.TypeBool, l.value)
		if err != nil {
			return nil, f.fail(l.line, "%s: %v", o.name, err)
		}
		o.set(yes.(bool))
	}
	made := map[string]UID{}
	if list := f.section("Service List"); list != nil {
		for _, l := range list.lines {
			u, problems := f.service(p, l, environment)
			in.Problems = append(in.Problems, problems...)
			if len(problems) == 0 {
				made[strings.ToLower(l.name)] = u
			}
		}
	}
	if list := f.section("Internet Account List"); list != nil {
		for _, l := range list.lines {
			a, problems := f.account(l, environment)
			in.Problems = append(in.Problems, problems...)
			if len(problems) == 0 {
				p.Accounts = append(p.Accounts, a)
			}
		}
	}
	if l, ok := general.get("DefaultStore"); ok && l.value != "" {
		if u, ok := made[strings.ToLower(l.value)]; ok {
			p.setDefaultStore(u)
		} else {
			in.Problems = append(in.Problems, f.fail(l.line, "DefaultStore: there is no service %s", l.value))
		}
	}
	return in, nil
}

// setDefaultStore makes a service that with the default store.
func (p *Profile) setDefaultStore(u UID) {
	mark := func(s *Section, bit int32, on bool) {
		flags, had := s.Number(tagResourceFlags)
		flags &^= bit
		if on {
			flags |= bit
		}
		if had || on {
			s.Set(tagResourceFlags, flags)
		}
	}
	for _, svc := range p.Services() {
		mark(svc.Section, serviceDefaultStore, svc.Section.UID == u)
		for _, pr := range svc.Providers {
			if pr.Kind == "store" {
				mark(pr.Section, statusDefaultStore, svc.Section.UID == u)
			}
		}
	}
}

// prfOptions are those of a service's section that are no properties.
var prfOptions = []string{"UniqueService", "OverwriteExistingService", "DefaultAccount", "BackupProfile"}

// prfProperty is an option's property and its value in the file.
type prfProperty struct {
	option prfLine
	tag    mapi.Tag
	value  mapi.Value
	text   string
}

// properties reads the options of a service ([Service1]) by the mapping of its type ([Microsoft Exchange Server]).
func (f *PRF) properties(l prfLine, environment func(string) (string, bool)) (t *prfSection, list []prfProperty, problems []error) {
	bad := func(line int, format string, args ...any) {
		problems = append(problems, f.fail(line, format, args...))
	}
	t = f.section(l.value)
	if t == nil {
		bad(l.line, "no section [%s] says what the options of %s are", l.value, l.name)
		return nil, nil, problems
	}
	own := f.section(l.name)
	if own == nil {
		return t, nil, nil
	}
	for i, o := range own.lines {
		if slices.ContainsFunc(prfOptions, func(s string) bool { return strings.EqualFold(s, o.name) }) {
			continue
		}
		if first, _ := own.get(o.name); first.line != own.lines[i].line {
			continue
		}
		m, ok := t.get(o.name)
		if !ok {
			bad(o.line, "[%s] doesn't say which property the option %s is", t.name, o.name)
			continue
		}
		tag, err := prfTag(m.value)
		if err != nil {
			bad(m.line, "%s: %v", m.name, err)
			continue
		}
		text := expand(o.value, environment)
		v, err := ParseValue(tag.Type(), text)
		if err != nil {
			if text == "" { // as the tools leave what nobody filled in
				continue
			}
			bad(o.line, "%s: %v", o.name, err)
			continue
		}
		list = append(list, prfProperty{o, tag, v, text})
	}
	return t, list, problems
}

var prfTypes = map[string]mapi.Type{"PT_STRING8": mapi.TypeString8, "PT_UNICODE": mapi.TypeString, "PT_TSTRING": mapi.TypeString,
	"PT_LONG": mapi.TypeInt32, "PT_I4": mapi.TypeInt32, "PT_SHORT": mapi.TypeInt16, "PT_I2": mapi.TypeInt16, "PT_BOOLEAN": mapi.TypeBool,
	"PT_BINARY": mapi.TypeBinary, "PT_I8": mapi.TypeInt64, "PT_LONGLONG": mapi.TypeInt64, "PT_SYSTIME": mapi.TypeTime, "PT_CLSID": mapi.TypeGUID,
	"PT_MV_STRING8": mapi.TypeString8 | mapi.MultiValue, "PT_MV_UNICODE": mapi.TypeString | mapi.MultiValue,
	"PT_MV_TSTRING": mapi.TypeString | mapi.MultiValue, "PT_MV_LONG": mapi.TypeInt32 | mapi.MultiValue, "PT_MV_BINARY": mapi.TypeBinary | mapi.MultiValue}

// prfTag reads "PT_STRING8,0x6607"; the number may have the type before the id, as names of registry values have it.
func prfTag(s string) (mapi.Tag, error) {
	name, number, ok := strings.Cut(s, ",")
	name = strings.ToUpper(strings.TrimSpace(name))
	t, known := prfTypes[name]
	if !ok || !known {
		return 0, fmt.Errorf("%q isn't a type and a property id (PT_UNICODE,0x6622)", s)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(number), 0, 32)
	if err != nil || n == 0 || n > 0xFFFF && mapi.Type(n>>16) != t {
		return 0, fmt.Errorf("%q isn't a property id", strings.TrimSpace(number))
	}
	return mapi.NewTag(uint16(n), t), nil
}

// service makes a service, or the section that a type of its own stands for.
func (f *PRF) service(p *Profile, l prfLine, environment func(string) (string, bool)) (UID, []error) {
	t, list, problems := f.properties(l, environment)
	if len(problems) > 0 {
		return UID{}, problems
	}
	if g, ok := t.get("SectionGUID"); ok {
		u, err := ParseUID(g.value)
		if err != nil {
			return u, []error{f.fail(g.line, "SectionGUID: %v", err)}
		}
		s := p.section(u)
		s.take(list)
		if _, ok := s.Number(tagProfileVersion); u == GlobalSection && !ok {
			s.Set(tagProfileVersion, profileVersion)
		}
		return u, nil
	}
	n, ok := t.get("ServiceName")
	if !ok {
		return UID{}, []error{f.fail(t.line, "[%s] has neither ServiceName nor SectionGUID", t.name)}
	}
	var store UID
	if g, ok := t.get("MDBGUID"); ok {
		var err error
		if store, err = ParseUID(g.value); err != nil {
			return store, []error{f.fail(g.line, "MDBGUID: %v", err)}
		}
	}
	svc, err := p.AddService(n.value)
	if err != nil {
		return UID{}, []error{f.fail(n.line, "%v", err)}
	}
	// The service takes the properties: Exchange in its profile section, others in their provider's.
	at := svc.Section
	for _, pr := range svc.Providers {
		if pr.Kind == "store" && store != (UID{}) {
			pr.Section.Set(tagStoreProviderUID, store[:])
		}
	}
	switch {
	case strings.EqualFold(n.value, MSEMS):
		at = p.exchangeSection(svc)
	case len(svc.Providers) > 0:
		at = svc.Providers[0].Section
	}
	at.take(list)
	if name := at.Text(tagDisplayName); name != "" {
		svc.Section.Set(tagDisplayName, name)
	}
	return svc.Section.UID, nil
}

// take sets the properties of a file; passwords go where secrets are kept.
func (s *Section) take(list []prfProperty) {
	for _, x := range list {
		if IsSecret(x.tag) {
			if x.text != "" {
				s.SetSecret(x.tag, x.text)
			}
			continue
		}
		if x.text == "" {
			continue
		}
		s.Set(x.tag, x.value)
	}
}

// IsSecret tells whether a property is a password, by its id: files give them other types.
func IsSecret(t mapi.Tag) bool {
	return slices.ContainsFunc(Properties, func(p Property) bool { return p.Secret && p.Tag.ID() == t.ID() })
}

// account reads an Internet account.
func (f *PRF) account(l prfLine, environment func(string) (string, bool)) (Account, []error) {
	t, list, problems := f.properties(l, environment)
	if len(problems) > 0 {
		return Account{}, problems
	}
	kind, ok := t.get("AccountType")
	if !ok {
		return Account{}, []error{f.fail(t.line, "[%s] has no AccountType", t.name)}
	}
	a := Account{Type: kind.value, Settings: []AccountSetting{}}
	for _, x := range list {
		if x.text != "" && !strings.Contains(strings.ToLower(x.option.name), "password") {
			a.Settings = append(a.Settings, AccountSetting{x.option.name, x.text})
		}
	}
	return a, nil
}

// expand replaces %NAME%; what the environment doesn't have stays.
func expand(s string, environment func(string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "%")
		name, after, closed := strings.Cut(rest, "%")
		b.WriteString(before)
		if !ok || !closed {
			if ok {
				b.WriteString("%" + rest)
			}
			return b.String()
		}
		if v, found := environment(name); found {
			b.WriteString(v)
			s = after
			continue
		}
		b.WriteString("%" + name)
		s = "%" + after
	}
}
