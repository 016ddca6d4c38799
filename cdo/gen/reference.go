package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/cdo/model"
)

// reference is docs/cdo.md.
func reference() string {
	var b strings.Builder
	objects := model.Objects()
	members := 0
	for _, o := range objects {
		members += len(o.Members)
	}
	fmt.Fprintf(&b, `<!-- Written by cdo/gen from cdo/model; change it there. -->

# CDO 1.2.1: the object model

The %d objects and %d members of CDO 1.2.1 as OpenCDO has them. In Go they are the types of package `+"`cdo`"+`, where what may
block takes a context first, a property `+"`X`"+` is a method `+"`X`"+` with `+"`SetX`"+` to assign it, and errors carry the codes below. Automation
clients reach the same members by the names and numbers given here. Where sources contradict each other,
[cdo-decisions.md](cdo-decisions.md) says what was chosen.

CDO's Nothing is a nil pointer in Go. Collections count from 1. Dates are local time. IDs are entry ids in hexadecimal; two texts may
name the same object, which `+"`Session.CompareIDs`"+` tells.

| object | class | default member | since | what it is |
| --- | --- | --- | --- | --- |
`, len(objects), members)
	for _, o := range objects {
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %s | %s | %s |\n", o.Name, strings.ToLower(o.Name), o.Class, o.Default, o.Since, cell(first(o.Help)))
	}
	fmt.Fprintf(&b, "\nType library: `%s` %s, \"%s\" %d.%d. Class of `%s`: `%s`.\n", model.Library, model.LIBID, model.Title, model.Major, model.Minor, model.ProgID, model.ClassID)
	for _, o := range objects {
		object(&b, &o)
	}
	b.WriteString("\n# Constants\n")
	for _, e := range model.Enums {
		fmt.Fprintf(&b, "\n**%s**: %s\n\n", e.Name, sentence(e.Help))
		var list []string
		for _, v := range e.Values {
			s := fmt.Sprintf("`%s` %s", v.Name, vb(v.Value))
			if v.Help != "" {
				s += " (" + v.Help + ")"
			}
			list = append(list, s)
		}
		b.WriteString(strings.Join(list, ", ") + ".\n")
	}
	e := model.Errors()
	fmt.Fprintf(&b, "\n# Errors\n\n%s\n\n", e.Help)
	var list []string
	for _, v := range e.Values {
		list = append(list, fmt.Sprintf("`%s` &H%08X", v.Name, v.Value))
	}
	b.WriteString(strings.Join(list, ", ") + ".\n")
	t := model.Tags()
	fmt.Fprintf(&b, "\n# Property tags\n\n%s There are %d names here; `cdo.PropTag` knows them all.\n", t.Help, len(t.Values))
	return b.String()
}

func vb(n int64) string {
	if n >= 1<<14 {
		return fmt.Sprintf("&H%X", n)
	}
	return fmt.Sprint(n)
}

func first(s string) string {
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func object(b *strings.Builder, o *model.Object) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\nInterface `%s` %s, class %d", o.Name, o.Help, o.Interface(), o.IID, o.Class)
	if o.Default != "" {
		fmt.Fprintf(b, ", default member %s", o.Default)
	}
	if o.Of != "" {
		fmt.Fprintf(b, ". A collection of %s objects; `For Each` and, in Go, `All` go through it", o.Of)
	}
	b.WriteString(".\n\n| property | dispid | type | access | |\n| --- | --- | --- | --- | --- |\n")
	members := slices.Clone(o.Members)
	slices.SortFunc(members, func(a, c model.Member) int { return strings.Compare(a.Name, c.Name) })
	for _, m := range members {
		if m.Kind != model.Method {
			fmt.Fprintf(b, "| %s%s | %d | %s | %s | %s |\n", m.Name, params(m.Params), m.ID, m.Type, m.Kind, cell(m.Help))
		}
	}
	if !slices.ContainsFunc(members, func(m model.Member) bool { return m.Kind == model.Method }) {
		return
	}
	b.WriteString("\n| method | dispid | result | |\n| --- | --- | --- | --- |\n")
	for _, m := range members {
		if m.Kind == model.Method {
			p := params(m.Params)
			if p == "" {
				p = "()"
			}
			fmt.Fprintf(b, "| %s%s | %d | %s | %s |\n", m.Name, p, m.ID, m.Type, cell(m.Help))
		}
	}
}

func params(list []model.Param) string {
	if len(list) == 0 {
		return ""
	}
	var out []string
	for _, p := range list {
		s := p.Name + " As " + p.Type
		if p.Default != nil {
			s += fmt.Sprintf(" = %#v", p.Default)
		}
		if p.Optional {
			s = "[" + s + "]"
		}
		out = append(out, s)
	}
	return "(" + strings.Join(out, ", ") + ")"
}
