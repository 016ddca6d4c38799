package profile

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// Keys that hold profiles: that of MAPI/CDO and of Outlook up to 2010, and those of Outlook from 2013 on.
const (
	profilesOfMAPI    = `\windows messaging subsystem\profiles`
	profilesOfOutlook = `\outlook\profiles`
	officeKey         = `\microsoft\office\`
	defaultProfile    = "DefaultProfile"
)

// profilesKey tells whether a key is one that holds profiles, or is below one, and gives what comes after it.
func profilesKey(path string) (below string, ok bool) {
	lower := strings.ToLower(path)
	for _, end := range []string{profilesOfMAPI, profilesOfOutlook} {
		i := strings.Index(lower+`\`, end+`\`)
		if i < 0 || end == profilesOfOutlook && !strings.Contains(lower[:i+1], officeKey) {
			continue
		}
		return strings.TrimPrefix(path[i+len(end):], `\`), true
	}
	return "", false
}

// ImportRegistry reads the profiles of a .reg file: what regedit exports from Windows Messaging Subsystem\Profiles or
// Office\<version>\Outlook\Profiles. Each section of a profile is a key whose name is its UID, and each property a value whose
// name is its type and id as eight hexadecimal digits. What else lies there is named in the problems, and so are passwords:
// they are encrypted for the machine that they come from.
func ImportRegistry(doc *settings.Document) (list []*Imported, problems []error) {
	r := &regImport{doc: doc, profiles: map[string]*Imported{}}
	for _, k := range doc.Keys {
		if below, ok := profilesKey(k.Path); ok && !k.Delete {
			r.key(k, below)
		} else if lower := strings.ToLower(k.Path); strings.Contains(lower, officeKey) && strings.HasSuffix(lower, `\outlook`) {
			r.key(k, "") // Outlook 2013 and later name the default profile there
		}
	}
	for _, name := range r.order {
		in := r.profiles[name]
		in.Default = strings.EqualFold(in.Profile.Name, r.defaultName)
		list = append(list, in)
	}
	if len(list) == 0 && len(r.problems) == 0 {
		r.fail(1, "there is no profile in it: export the key Windows Messaging Subsystem\\Profiles, or Office\\VERSION\\Outlook\\Profiles")
	}
	return list, r.problems
}

type regImport struct {
	doc         *settings.Document
	profiles    map[string]*Imported
	order       []string
	defaultName string
	problems    []error
}

func (r *regImport) fail(line int, format string, args ...any) {
	r.problems = append(r.problems, &settings.SyntaxError{File: r.doc.File, Line: line, Problem: fmt.Sprintf(format, args...)})
}

func (r *regImport) key(k settings.DocumentKey, below string) {
	name, section, _ := strings.Cut(below, `\`)
	if name == "" {
		for _, v := range k.Values {
			if t, ok := v.Value.Text(); ok && strings.EqualFold(v.Name, defaultProfile) {
				r.defaultName = t
			}
		}
		return
	}
	in := r.profiles[strings.ToLower(name)]
	if in == nil {
		if err := checkName(name); err != nil {
			r.fail(k.Line, "%v", err)
			return
		}
		in = &Imported{Profile: &Profile{Name: name}}
		r.profiles[strings.ToLower(name)] = in
		r.order = append(r.order, strings.ToLower(name))
	}
	if section == "" {
		if len(k.Values) > 0 {
			in.problem(r, k.Line, "%d values of the profile's own key", len(k.Values))
		}
		return
	}
	u, err := ParseUID(section)
	if err != nil || strings.EqualFold(section, accountManager) {
		if len(k.Values) > 0 {
			in.problem(r, k.Line, "%d values of %s, which is no section of properties", len(k.Values), section)
		}
		return
	}
	s := in.Profile.section(u)
	for _, v := range k.Values {
		if v.Delete {
			continue
		}
		if err := s.importValue(v); err != nil {
			in.problem(r, v.Line, "section %s, value %q: %v", u, v.Name, err)
		}
	}
}

// accountManager is the key in which Outlook keeps accounts of all kinds, under names of its own.
const accountManager = "9375CFF0413111d3B88A00104B2A6676"

func (in *Imported) problem(r *regImport, line int, format string, args ...any) {
	in.Problems = append(in.Problems, &settings.SyntaxError{File: r.doc.File, Line: line, Problem: "not imported: " + fmt.Sprintf(format, args...)})
}

// importValue takes a value of a section's key. Its registry type is REG_BINARY, or REG_SZ and REG_DWORD where a program wrote
// it with the registry's own functions.
func (s *Section) importValue(v settings.DocumentValue) error {
	b, err := hex.DecodeString(v.Name)
	if err != nil || len(b) != 4 {
		return fmt.Errorf("its name isn't a property type and id")
	}
	tag := mapi.NewTag(uint16(b[2])<<8|uint16(b[3]), mapi.Type(b[0])<<8|mapi.Type(b[1]))
	if IsSecret(tag) {
		return fmt.Errorf("it is encrypted for the machine it comes from: give the password with \"opencdo profile edit --set-password\"")
	}
	var value mapi.Value
	text, isText := v.Value.Text()
	switch {
	case isText && tag.Type() == mapi.TypeString:
		value = text
	case isText && tag.Type() == mapi.TypeString8:
		value, err = string8(text)
	case v.Value.Type == settings.TypeBinary || v.Value.Type == settings.TypeDWord:
		value, err = registryValue(tag.Type(), slices.Clone(v.Value.Data))
	default:
		return fmt.Errorf("a value of type %v cannot be a property of type %v", v.Value.Type, tag.Type())
	}
	if err != nil {
		return err
	}
	s.Props.Set(mapi.TagKey(tag), value)
	return nil
}

// Add adds the services and sections of another profile: what OverwriteProfile=Append in .prf files asks for. Properties of
// sections that both have are those of the other. Secrets of a profile that was saved stay where they are.
func (p *Profile) Add(other *Profile) {
	for _, s := range other.Sections {
		at := p.section(s.UID)
		if s.UID == ProfileSection {
			for _, t := range []mapi.Tag{tagServices, tagStoreProviders, tagAddressBooks, tagTransports} {
				if list := s.uids(t); len(list) > 0 {
					at.setUIDs(t, append(at.uids(t), list...))
				}
			}
			continue
		}
		for _, x := range s.Props {
			at.Set(x.Key.Tag, x.Value)
		}
		for t, value := range s.secrets {
			if value != nil {
				at.SetSecret(t, value())
			}
		}
	}
	p.Accounts = append(p.Accounts, other.Accounts...)
}
