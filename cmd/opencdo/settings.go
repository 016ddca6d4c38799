package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/internal/settings/home"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type settingsCmd struct {
	List   settingsListCmd   `cmd:"" help:"List what is set, or with --known what can be set."`
	Get    settingsGetCmd    `cmd:"" help:"Print a value."`
	Set    settingsSetCmd    `cmd:"" help:"Set a value."`
	Unset  settingsUnsetCmd  `cmd:"" help:"Remove a value."`
	Import settingsImportCmd `cmd:"" help:"Do what a .reg file says."`
	Export settingsExportCmd `cmd:"" help:"Write a .reg file as regedit does."`
}

func (settingsCmd) Help() string {
	return "Settings have the names and keys of the registry values that MAPI/CDO read. On Windows they lie in the registry; elsewhere, and with OPENCDO_HOME set, in the file settings.reg in that folder. docs/settings.md describes each.\n\nExamples:\n  opencdo settings list --known\n  opencdo settings set RpcHttpProxyMap contoso.test=https://mail.contoso.test,basic,none,false\n  opencdo settings set \"Ignore No PF\" 1\n  opencdo settings import exported.reg"
}

// loadSettings reads the settings and says where they lie.
func loadSettings() (*settings.Settings, string, error) {
	folder, err := settings.Home()
	if err != nil {
		return nil, "", err
	}
	s, err := settings.Load(folder)
	return s, folder, err
}

// valueFacts is a value for programs.
type valueFacts struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`
	Where string `json:"where,omitempty"`
}

func factsOf(key, name string, v settings.Value, where string) valueFacts {
	f := valueFacts{Key: key, Name: name, Type: v.Type.String(), Where: where}
	if s, ok := v.Text(); ok {
		f.Value = s
	} else if n, ok := v.Number(); ok {
		f.Value = n
	} else if l, ok := v.Strings(); ok {
		f.Value = append([]string{}, l...)
	} else {
		f.Value = hex.EncodeToString(v.Data)
	}
	return f
}

// shown is the name of a value for people: the default value of a key has none.
func shown(name string) string {
	if name == "" {
		return "@"
	}
	return name
}

type settingsListCmd struct {
	Known bool   `help:"List the settings that are known, with what they mean."`
	Key   string `help:"Only this key and those below it." placeholder:"KEY"`
	JSON  bool   `name:"json" help:"Print facts for programs."`
}

func (settingsListCmd) Help() string {
	return "Examples:\n  opencdo settings list\n  opencdo settings list --known\n  opencdo settings list --key HKCU\\\\Software\\\\OpenCDO --json"
}

// Run lists settings.
func (c settingsListCmd) Run(a *app) error {
	s, folder, err := loadSettings()
	if err != nil {
		return err
	}
	if c.Known {
		return c.known(a, s)
	}
	if c.Key != "" {
		if err := s.Include(c.Key); err != nil {
			return err
		}
	}
	facts := []valueFacts{}
	for _, k := range s.Document(c.Key).Keys {
		if !c.JSON && len(k.Values) > 0 {
			a.printf("[%s]", k.Path)
		}
		for _, v := range k.Values {
			facts = append(facts, factsOf(k.Path, v.Name, v.Value, ""))
			if !c.JSON {
				a.printf("  %s = %s (%s)", clean(shown(v.Name)), clean(v.Value.String()), v.Value.Type)
			}
		}
	}
	if c.JSON {
		return a.json(facts)
	}
	if len(facts) == 0 {
		a.printf("nothing is set in %s", s.Where(folder))
	}
	return nil
}

func (c settingsListCmd) known(a *app, s *settings.Settings) error {
	type knownFacts struct {
		Name     string   `json:"name"`
		Keys     []string `json:"keys"`
		Type     string   `json:"type"`
		Tagged   bool     `json:"tagged"`
		Meaning  string   `json:"meaning"`
		Default  string   `json:"default"`
		Evidence string   `json:"evidence"`
		Used     bool     `json:"used"`
		Value    any      `json:"value,omitempty"`
	}
	var facts []knownFacts
	for _, k := range settings.All {
		f := knownFacts{k.Name, k.Keys, k.Type.String(), k.Tagged, k.Meaning, k.Default, k.Evidence, !k.Unused, nil}
		now := ""
		for _, key := range k.Keys {
			if v, _, ok := s.Value(key, k.Name); ok {
				f.Value = factsOf(key, k.Name, v, "").Value
				now = v.String()
				break
			}
		}
		facts = append(facts, f)
		if c.JSON {
			continue
		}
		name := shown(k.Name)
		if k.Tagged {
			name += ", " + k.Name + "_<tag>"
		}
		a.printf("%s (%s)", name, k.Type)
		a.printf("    %s", k.Meaning)
		for _, key := range k.Keys {
			a.printf("    key       %s", key)
		}
		if k.Default != "" {
			a.printf("    default   %s", k.Default)
		}
		a.printf("    evidence  %s", k.Evidence)
		if now != "" {
			a.printf("    now       %s", clean(now))
		}
	}
	if c.JSON {
		return a.json(facts)
	}
	return nil
}

// nameFlag names a value: a known one by its name alone, any other with its key.
type nameFlag struct {
	Name string `arg:"" help:"Name of the value; @ is the default value of a key." placeholder:"NAME"`
	Key  string `help:"Its key. Known settings have theirs." placeholder:"KEY"`
}

// place gives key and name; for a known setting without --key, the first of its keys.
func (n nameFlag) place() (key, name string, known *settings.Setting, err error) {
	name = n.Name
	if name == "@" {
		name = ""
	}
	known, _ = settings.Lookup(name)
	if name == "" {
		known = nil
	}
	switch {
	case n.Key != "":
		if problem := settings.CheckPath(n.Key); problem != "" {
			return "", "", nil, usage("the key %s: %s", n.Key, problem)
		}
		return settings.FullPath(n.Key), name, known, nil
	case known != nil:
		return known.Keys[0], name, known, nil
	}
	return "", "", nil, usage("%s isn't a known setting: give its key with --key (\"opencdo settings list --known\" shows the known ones)", n.Name)
}

func noValue(key, name string) error {
	return &mapi.Error{Op: "setting", Object: key + `\` + shown(name), Code: mapi.ErrNotFound, Err: fmt.Errorf("it isn't set")}
}

type settingsGetCmd struct {
	nameFlag
	JSON bool `name:"json" help:"Print facts for programs."`
}

func (settingsGetCmd) Help() string {
	return "Without --key, a known setting is looked for under all of its keys, in the order in which they count.\n\nExamples:\n  opencdo settings get RpcHttpProxyMap\n  opencdo settings get \"Ignore No PF\" --json"
}

// Run prints a value.
func (c settingsGetCmd) Run(a *app) error {
	key, name, known, err := c.place()
	if err != nil {
		return err
	}
	s, folder, err := loadSettings()
	if err != nil {
		return err
	}
	if err := s.Include(key); err != nil {
		return err
	}
	v, origin, ok := s.Value(key, name)
	if c.Key == "" && known != nil {
		var f settings.Found
		if f, ok = s.Find(name); ok {
			key, v, origin = f.Key, f.Value, f.Origin
		}
	}
	if !ok {
		return noValue(key, name)
	}
	where := s.Where(folder)
	if origin.File != "" {
		where = origin.String()
	}
	if c.JSON {
		return a.json(factsOf(key, name, v, where))
	}
	a.printf("%s", clean(v.String()))
	return nil
}

type settingsSetCmd struct {
	nameFlag
	Value string `arg:"" help:"The value: text, a number (decimal or 0x), bytes in hexadecimal, or for multi strings with ; between them." placeholder:"VALUE"`
	Type  string `help:"Type of the value: sz, expand, dword, qword, multi, binary. Default: that of the known setting, else sz." placeholder:"TYPE"`
}

func (settingsSetCmd) Help() string {
	return "Without --key, a known setting is set where it is set already, else under the first of its keys.\n\nExamples:\n  opencdo settings set RpcHttpProxyMap contoso.test=https://mail.contoso.test,negotiate,negotiate,false\n  opencdo settings set \"Ignore No PF\" 1\n  opencdo settings set Blob 0102ff --key HKCU\\\\Software\\\\Example --type binary"
}

var typeFlags = map[string]settings.Type{"sz": settings.TypeString, "expand": settings.TypeExpandString, "dword": settings.TypeDWord,
	"qword": settings.TypeQWord, "multi": settings.TypeMultiString, "binary": settings.TypeBinary}

// Run sets a value.
func (c settingsSetCmd) Run(a *app) error {
	key, name, known, err := c.place()
	if err != nil {
		return err
	}
	kind := settings.TypeString
	if known != nil {
		kind = known.Type
	}
	if c.Type != "" {
		k, ok := typeFlags[strings.ToLower(c.Type)]
		if !ok {
			return usage("--type is sz, expand, dword, qword, multi or binary, not %q", c.Type)
		}
		kind = k
	}
	v, err := settingValue(kind, c.Value)
	if err != nil {
		return usage("%s: %v", c.Name, err)
	}
	s, folder, err := loadSettings()
	if err != nil {
		return err
	}
	if c.Key == "" {
		key = s.KeyToSet(known, name)
	}
	if err := s.Include(key); err != nil {
		return err
	}
	s.Set(key, name, v)
	if known != nil { // what cannot be used is refused before it is kept
		if problem := checkKnown(known.Name, name, v); problem != nil {
			return usage("%s: %v", c.Name, problem)
		}
	}
	return s.Save(folder)
}

func settingValue(kind settings.Type, s string) (settings.Value, error) {
	switch kind {
	case settings.TypeExpandString:
		return settings.ExpandValue(s), nil
	case settings.TypeDWord:
		n, err := strconv.ParseUint(s, 0, 32)
		if err != nil {
			return settings.Value{}, fmt.Errorf("%q isn't a number of 32 bits", s)
		}
		return settings.NumberValue(uint32(n)), nil
	case settings.TypeQWord:
		n, err := strconv.ParseUint(s, 0, 64)
		if err != nil {
			return settings.Value{}, fmt.Errorf("%q isn't a number of 64 bits", s)
		}
		return settings.LargeNumberValue(n), nil
	case settings.TypeMultiString:
		return settings.StringsValue(strings.FieldsFunc(s, func(r rune) bool { return r == ';' })), nil
	case settings.TypeBinary:
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			return settings.Value{}, fmt.Errorf("%q isn't bytes in hexadecimal", s)
		}
		return settings.Value{Type: kind, Data: b}, nil
	}
	return settings.TextValue(s), nil
}

// checkKnown tries what a connection would do with a value of a known setting.
func checkKnown(known, name string, v settings.Value) error {
	if text, ok := v.Text(); ok && known == settings.RpcHttpProxyMap {
		_, err := profile.ParseProxyMap(text)
		return err
	}
	s := settings.New()
	k, _ := settings.Lookup(known)
	s.Set(k.Keys[0], name, v)
	_, err := profile.Info{Server: "server", Mailbox: "mailbox"}.Connection(s)
	return err
}

type settingsUnsetCmd struct {
	nameFlag
}

func (settingsUnsetCmd) Help() string {
	return "Without --key, a known setting is removed from the first of its keys that has it.\n\nExamples:\n  opencdo settings unset RpcHttpProxyMap\n  opencdo settings unset Blob --key HKCU\\\\Software\\\\Example"
}

// Run removes a value.
func (c settingsUnsetCmd) Run(a *app) error {
	key, name, known, err := c.place()
	if err != nil {
		return err
	}
	s, folder, err := loadSettings()
	if err != nil {
		return err
	}
	if c.Key == "" && known != nil {
		if f, ok := s.Find(name); ok {
			key = f.Key
		}
	}
	if err := s.Include(key); err != nil {
		return err
	}
	if !s.Unset(key, name) {
		return noValue(key, name)
	}
	return s.Save(folder)
}

type settingsImportCmd struct {
	File string `arg:"" help:"A file that regedit exported." placeholder:"FILE.reg"`
	JSON bool   `name:"json" help:"Print facts for programs."`
}

func (settingsImportCmd) Help() string {
	return "Keys and values of the file are set, and those that it marks so ([-KEY], \"NAME\"=-) are removed. Nothing is changed when the file has a fault. Profiles in the file are imported with \"opencdo profile import\".\n\nExamples:\n  opencdo settings import exported.reg"
}

// Run does what a .reg file says.
func (c settingsImportCmd) Run(a *app) error {
	d, err := settings.ReadDocument(c.File)
	if err != nil {
		return fileError(c.File, err)
	}
	s, folder, err := loadSettings()
	if err != nil {
		return err
	}
	facts := struct {
		Keys    int `json:"keys"`
		Values  int `json:"values"`
		Removed int `json:"removed"`
	}{}
	for _, k := range d.Keys {
		if problem := settings.CheckPath(k.Path); problem != "" {
			return &settings.SyntaxError{File: c.File, Line: k.Line, Problem: "the key " + k.Path + ": " + problem}
		}
		facts.Keys++
		if k.Delete {
			facts.Removed++
		}
		for _, v := range k.Values {
			facts.Values++
			if v.Delete {
				facts.Removed++
			}
		}
	}
	s.Apply(d)
	if err := s.Save(folder); err != nil {
		return err
	}
	if c.JSON {
		return a.json(facts)
	}
	a.printf("%d keys and %d values of %s, of which %d were to be removed, are in %s now", facts.Keys, facts.Values, c.File, facts.Removed, s.Where(folder))
	return nil
}

// fileError makes a file that isn't there what the exit codes know.
func fileError(name string, err error) error {
	if os.IsNotExist(err) {
		return &mapi.Error{Op: "read", Object: name, Code: mapi.ErrNotFound, Err: err}
	}
	return err
}

type settingsExportCmd struct {
	File  string `arg:"" help:"The file to write; - is standard output." placeholder:"FILE.reg"`
	Key   string `help:"Only this key and those below it." placeholder:"KEY"`
	UTF8  bool   `name:"utf8" help:"UTF-8 instead of regedit's UTF-16."`
	Force bool   `help:"Write over a file that is there."`
	JSON  bool   `name:"json" help:"Print facts for programs."`
}

func (settingsExportCmd) Help() string {
	return "Examples:\n  opencdo settings export all.reg\n  opencdo settings export - --utf8 --key HKCU\\\\Software\\\\OpenCDO"
}

// Run writes a .reg file.
func (c settingsExportCmd) Run(a *app) error {
	s, _, err := loadSettings()
	if err != nil {
		return err
	}
	if c.Key != "" {
		if err := s.Include(c.Key); err != nil {
			return err
		}
	}
	d := s.Document(c.Key)
	raw := d.UTF16()
	if c.UTF8 {
		raw = d.UTF8()
	}
	if c.File == "-" {
		_, err := a.stdout.Write(raw)
		return err
	}
	if _, err := os.Stat(c.File); err == nil && !c.Force {
		return &mapi.Error{Op: "export to", Object: c.File, Code: mapi.ErrCollision, Err: fmt.Errorf("the file is there; --force writes over it")}
	}
	if err := home.Write(c.File, raw); err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			File string `json:"file"`
			Keys int    `json:"keys"`
		}{c.File, len(d.Keys)})
	}
	a.printf("%d keys written to %s", len(d.Keys), c.File)
	return nil
}
