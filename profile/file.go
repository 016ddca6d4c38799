package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
)

// fileFormat begins every file of a profile.
const fileFormat = "opencdo profile 1"

// file is a profile as it is kept. Kinds and names are for people: UIDs and tags count.
type file struct {
	Format   string        `json:"format"`
	Name     string        `json:"name"`
	Sections []fileSection `json:"sections"`
	Accounts []Account     `json:"accounts,omitempty"`
}

type fileSection struct {
	UID        string         `json:"uid"`
	Kind       Place          `json:"kind,omitempty"`
	Name       string         `json:"name,omitempty"`
	Properties []fileProperty `json:"properties"`
}

type fileProperty struct {
	Name   string          `json:"name,omitempty"`
	Tag    string          `json:"tag"`
	Value  json.RawMessage `json:"value,omitempty"`
	Secret bool            `json:"secret,omitempty"` // the value lies in the store of secrets
}

// encode gives the file's content. Secrets aren't in it.
func (p *Profile) encode() ([]byte, error) {
	f := file{Format: fileFormat, Name: p.Name, Sections: []fileSection{}, Accounts: p.Accounts}
	for _, s := range p.Sections {
		place := p.PlaceOf(s)
		fs := fileSection{UID: s.UID.String(), Kind: place, Name: s.Text(tagDisplayName), Properties: []fileProperty{}}
		for _, x := range s.Props {
			t := x.Key.Tag
			v, err := PlainValue(t.Type(), x.Value)
			if err != nil {
				return nil, &mapi.Error{Op: "save profile", Object: p.Name, Code: mapi.ErrInvalidParameter, Err: fmt.Errorf("%s of section %s: %w", t, s.UID, err)}
			}
			raw, err := json.Marshal(v)
			if err != nil {
				return nil, err
			}
			fs.Properties = append(fs.Properties, fileProperty{Name: NameOf(place, t), Tag: t.String(), Value: raw})
		}
		for _, t := range s.Secrets() {
			fs.Properties = append(fs.Properties, fileProperty{Name: NameOf(place, t), Tag: t.String(), Secret: true})
		}
		f.Sections = append(f.Sections, fs)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(f)
	return b.Bytes(), err
}

// decode reads a file's content. Errors are [*settings.SyntaxError].
func decode(path string, raw []byte) (*Profile, error) {
	bad := func(offset int64, format string, args ...any) error {
		return &settings.SyntaxError{File: path, Line: 1 + bytes.Count(raw[:min(max(offset, 0), int64(len(raw)))], []byte("\n")), Problem: fmt.Sprintf(format, args...)}
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, bad(syntax.Offset, "%v", err)
		case errors.As(err, &kind):
			return nil, bad(kind.Offset, "%v", err)
		}
		return nil, bad(0, "%v", err)
	}
	if f.Format != fileFormat {
		return nil, bad(0, "its format is %q, not %q", f.Format, fileFormat)
	}
	if err := checkName(f.Name); err != nil {
		return nil, bad(0, "%v", err)
	}
	p := &Profile{Name: f.Name, Accounts: f.Accounts}
	// Where in the file a section stands is found by its UID, which is in it once or twice.
	at := func(s fileSection, tag string) int64 {
		i := max(bytes.Index(raw, []byte(`"`+s.UID+`"`)), 0)
		return int64(i + max(bytes.Index(raw[i:], []byte(`"`+tag+`"`)), 0))
	}
	for _, fs := range f.Sections {
		u, err := ParseUID(fs.UID)
		if err != nil {
			return nil, bad(at(fs, ""), "section: %v", err)
		}
		if _, twice := p.Section(u); twice {
			return nil, bad(at(fs, ""), "section %s is there twice", u)
		}
		s := p.section(u)
		for _, x := range fs.Properties {
			t, ok := parseTag(x.Tag)
			if !ok {
				return nil, bad(at(fs, x.Tag), "%q isn't a property tag", x.Tag)
			}
			if x.Secret {
				s.SetSecret(t, "")
				s.secrets[t] = nil // in the store
				continue
			}
			v, err := valueOfJSON(t.Type(), x.Value)
			if err != nil {
				return nil, bad(at(fs, x.Tag), "%s: %v", x.Tag, err)
			}
			s.Props.Set(mapi.TagKey(t), v)
		}
	}
	return p, nil
}
