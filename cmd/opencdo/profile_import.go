package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type profileImportCmd struct {
	File      string `arg:"" help:"A .prf file, or a .reg file with a key of profiles." placeholder:"FILE"`
	Name      string `help:"Name of the profile, if not that in the file." placeholder:"NAME"`
	Overwrite bool   `help:"Take the place of a profile of the same name, whatever the file says."`
	Default   bool   `help:"Make it the default profile, whatever the file says."`
	JSON      bool   `name:"json" help:"Print facts for programs."`
}

func (profileImportCmd) Help() string {
	return "Of .reg files, the keys Windows Messaging Subsystem\\\\Profiles and Office\\\\VERSION\\\\Outlook\\\\Profiles are read. What isn't imported is named, with its line; the command ends with exit code 3 then. Passwords that Windows encrypted cannot be imported: give them with \"opencdo profile edit NAME --set-password\". The default profile of a .reg file becomes that here where there is none yet.\n\nExamples:\n  opencdo profile import outlook.prf\n  opencdo profile import profiles.reg --json\n  opencdo profile import outlook.prf --name work --overwrite"
}

// importedFacts are what became of a profile in the file.
type importedFacts struct {
	Name     string   `json:"name"`
	Default  bool     `json:"default"`
	Sections int      `json:"sections"`
	Services []string `json:"services"`
	Problems []string `json:"problems"`
}

// Run imports a file.
func (c profileImportCmd) Run(a *app) error {
	d, _, err := a.profiles()
	if err != nil {
		return err
	}
	list, err := c.read()
	if err != nil {
		return fileError(c.File, err)
	}
	if c.Name != "" && len(list) > 1 {
		return usage("%s has %d profiles: --name is for one", c.File, len(list))
	}
	standard, err := d.Default()
	if err != nil {
		return err
	}
	facts, problems := []importedFacts{}, 0
	for _, in := range list {
		if c.Name != "" {
			in.Profile.Name = c.Name
		}
		if err := c.save(d, in); err != nil {
			return err
		}
		if isReg(c.File) && standard != "" { // what was the default elsewhere doesn't replace the one here
			in.Default = false
		}
		f := importedFacts{Name: in.Profile.Name, Default: in.Default || c.Default, Sections: len(in.Profile.Sections), Services: []string{}, Problems: []string{}}
		for _, s := range in.Profile.Services() {
			f.Services = append(f.Services, s.Name)
		}
		for _, p := range in.Problems {
			f.Problems = append(f.Problems, p.Error())
			if !c.JSON {
				fmt.Fprintln(a.stderr, "opencdo:", p)
			}
		}
		problems += len(in.Problems)
		if f.Default {
			if err := d.SetDefault(f.Name); err != nil {
				return err
			}
		}
		facts = append(facts, f)
		if !c.JSON {
			a.printf("%s: %d sections, services: %s", clean(f.Name), f.Sections, clean(strings.Join(f.Services, ", ")))
		}
	}
	if c.JSON {
		if err := a.json(facts); err != nil {
			return err
		}
	}
	if problems > 0 {
		return incomplete{fmt.Sprintf("%d things were not imported", problems)}
	}
	return nil
}

func (c profileImportCmd) read() ([]*profile.Imported, error) {
	if isReg(c.File) {
		doc, err := settings.ReadDocument(c.File)
		if err != nil {
			return nil, err
		}
		list, problems := profile.ImportRegistry(doc)
		if len(list) == 0 {
			return nil, errors.Join(problems...)
		}
		list[0].Problems = append(problems, list[0].Problems...)
		return list, nil
	}
	f, err := profile.ReadPRF(c.File)
	if err != nil {
		return nil, err
	}
	in, err := f.Profile(environment)
	if err != nil {
		return nil, err
	}
	return []*profile.Imported{in}, nil
}

func isReg(file string) bool { return strings.EqualFold(filepath.Ext(file), ".reg") }

// environment gives environment variables, and %UserName% on every system.
func environment(name string) (string, bool) {
	if v, ok := os.LookupEnv(name); ok {
		return v, true
	}
	if strings.EqualFold(name, "UserName") {
		if u, err := user.Current(); err == nil {
			return u.Username[strings.LastIndexByte(u.Username, '\\')+1:], true
		}
	}
	return "", false
}

// save puts the profile in its place, as the file or the flags ask for.
func (c profileImportCmd) save(d *profile.Dir, in *profile.Imported) error {
	switch {
	case c.Overwrite || in.Overwrite:
		return d.Replace(in.Profile)
	case in.Append:
		err := d.Edit(in.Profile.Name, func(p *profile.Profile) error {
			p.Add(in.Profile)
			return nil
		})
		if err == nil || !errors.Is(err, mapi.ErrNotFound) {
			return err
		}
	}
	err := d.Create(in.Profile)
	if errors.Is(err, mapi.ErrCollision) {
		return fmt.Errorf("%w: --overwrite takes its place, --name gives another name", err)
	}
	return err
}
