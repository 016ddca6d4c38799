package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

type doctorCmd struct {
	JSON  bool   `name:"json" help:"Print facts for programs."`
	Store string `arg:"" help:"Address of a store." placeholder:"STORE"`
}

func (doctorCmd) Help() string {
	return "Settings and profile are read, names looked up, connections made, certificates checked, the server asked what it offers, and the mailbox opened by each transport. Nothing is changed. The exit code is that of the failure.\n\nExamples:\n  opencdo doctor exchange:alice@8d771abc-1ff9-41ce-9e53-fb02535b2470@contoso.test\n  opencdo doctor profile:work --json"
}

// diagnosis is what the doctor found, for programs.
type diagnosis struct {
	Store string     `json:"store"`
	OK    bool       `json:"ok"`
	Code  int        `json:"code"` // exit code
	Error string     `json:"error,omitempty"`
	Do    string     `json:"do,omitempty"` // what to set or do
	Steps []doneStep `json:"steps"`
}

// doneStep is a step on the way.
type doneStep struct {
	What  string   `json:"what"`
	Where string   `json:"where"`
	OK    bool     `json:"ok"`
	Found []string `json:"found"`
	Error string   `json:"error,omitempty"`
	Do    string   `json:"do,omitempty"`
}

// Run examines a store.
func (c doctorCmd) Run(ctx context.Context, a *app) error {
	d := &diagnosis{Store: c.Store, Steps: []doneStep{}}
	told := map[string]bool{} // what to do is told once
	last := ""                // error
	step := func(s opencdo.Step) {
		f := doneStep{What: s.What, Where: s.Where, OK: s.Err == nil, Found: []string{}}
		if s.Note != "" {
			f.Found = strings.Split(s.Note, "\n")
		}
		if s.Err != nil {
			f.Error = strings.TrimSpace(s.Err.Error())
			if next := adviseStep(s); !told[next] {
				f.Do, told[next] = next, true
			}
		}
		d.Steps = append(d.Steps, f)
		if c.JSON {
			return
		}
		if last != "" && strings.Contains(f.Error, last) {
			f.Error = "as above"
		} else if f.Error != "" {
			last = f.Error
		}
		a.printStep(f)
	}
	cfg := a.config()
	cfg.Trace, cfg.Examine = step, true
	st, _, err := a.openWith(ctx, cfg, c.Store, reading)
	if err == nil {
		defer st.Close()
		err = rights(ctx, st, step)
	}
	if d.OK = err == nil; err != nil {
		d.Code, d.Do = advise(err)
		d.Error = strings.TrimSpace(err.Error())
	}
	if c.JSON {
		if err := a.json(d); err != nil {
			return err
		}
	} else if d.OK {
		a.printf("\nThe mailbox can be used.")
	}
	return err
}

// adviseStep says what to set or do after a step that failed.
func adviseStep(s opencdo.Step) string {
	_, next := advise(s.Err)
	if next == "" && s.What == opencdo.StepResolve && errors.Is(s.Err, mapi.ErrNotFound) {
		return "Check the mailbox's name: an alias, an SMTP address or a legacy DN. \"opencdo addresses\" searches the address book, from a mailbox that can be opened."
	}
	return next
}

func (a *app) printStep(f doneStep) {
	mark := "ok   "
	if !f.OK {
		mark = "FAIL "
	}
	line := f.What
	if f.Where != "" {
		line += ": " + f.Where
	}
	a.printf("%s %s", mark, clean(line))
	for _, found := range f.Found {
		a.printf("        %s", clean(found))
	}
	if f.Error != "" {
		a.printf("        %s", clean(f.Error))
	}
	if f.Do != "" {
		a.printf("    >>  %s", clean(f.Do))
	}
}

// bits of PR_ACCESS and PR_RIGHTS ([MS-OXCPRPT] 2.2.1.1, [MS-OXCPERM] 2.2.7).
var accessBits = []struct {
	bit  int32
	name string
}{{0x1, "modify"}, {0x2, "read"}, {0x4, "delete"}, {0x8, "create folders"}, {0x10, "create items"}, {0x20, "create associated items"}}

// rights looks what the user may do with the mailbox: in its inbox, or where there is none in its root.
func rights(ctx context.Context, st mapi.Store, step func(opencdo.Step)) error {
	const what = "look at the user's rights"
	id, err := st.Special(ctx, mapi.RoleInbox)
	if err != nil {
		id, err = st.Special(ctx, mapi.RoleRoot)
	}
	var f mapi.Folder
	if err == nil {
		f, err = st.Folder(ctx, id)
	}
	var props mapi.Props
	if err == nil {
		props, err = f.Props(ctx)
	}
	if err != nil {
		step(opencdo.Step{What: what, Err: err})
		return err
	}
	var may []string
	if access, ok := props.Tag(pid.TagAccess).(int32); ok {
		for _, b := range accessBits {
			if access&b.bit != 0 {
				may = append(may, b.name)
			}
		}
	}
	note := "read"
	if len(may) > 0 {
		note = strings.Join(may, ", ")
	}
	step(opencdo.Step{What: what, Where: "folder " + props.Text(pid.TagDisplayName), Note: fmt.Sprintf("may: %s", note)})
	return nil
}
