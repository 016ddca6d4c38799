package main

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/cdo/model"
)

// tables are the classes of package dispatch, a file for each, and the list of them.
func tables(m *methods) map[string]string {
	files := map[string]string{}
	var list strings.Builder
	list.WriteString(notice + "package dispatch\n\nimport \"github.com/opencdo/opencdo/cdo\"\n\n" +
		"// ClassOf is the class of an object.\nfunc ClassOf(o cdo.Object) *Class {\nswitch o.(type) {\n")
	var all []string
	for _, o := range model.Objects() {
		name := "class" + o.Name
		fmt.Fprintf(&list, "case *cdo.%s:\nreturn %s\n", o.Name, name)
		all = append(all, name)
		files["class_"+strings.ToLower(o.Name)+"_gen.go"] = table(m, &o, name)
	}
	fmt.Fprintf(&list, "}\nreturn nil\n}\n\n// Classes are all classes.\nvar Classes = []*Class{%s}\n", strings.Join(all, ", "))
	files["classes_gen.go"] = list.String()
	return files
}

func table(m *methods, o *model.Object, name string) string {
	var b strings.Builder
	b.WriteString(notice + "package dispatch\n\nimport \"github.com/opencdo/opencdo/cdo\"\n\n")
	fmt.Fprintf(&b, "var %s = newClass(%q, %q, %q, []Member{\n", name, o.Name, o.IID, o.Default)
	for _, member := range o.Members {
		fmt.Fprintf(&b, "{ID: %d, Name: %q", member.ID, member.Name)
		if member.Kind == model.Method {
			b.WriteString(", Method: true")
		}
		if len(member.Params) > 0 {
			b.WriteString(", Params: []Param{")
			for _, p := range member.Params {
				fmt.Fprintf(&b, "{Name: %q", p.Name)
				if p.Optional {
					b.WriteString(", Optional: true")
				}
				if p.Default != nil {
					fmt.Fprintf(&b, ", Default: %#v", p.Default)
				}
				b.WriteString("}, ")
			}
			b.WriteString("}")
		}
		if g := getter(m, o, &member); g != "" {
			b.WriteString(",\n get: " + g)
		}
		if p := putter(m, o, &member); p != "" {
			b.WriteString(",\n put: " + p)
		}
		b.WriteString("},\n")
	}
	return b.String() + "})\n"
}

func goName(m *model.Member) string {
	if m.Go != "" {
		return m.Go
	}
	return m.Name
}

// getter is the function that reads a property or calls a method; empty when package cdo hasn't it.
func getter(ms *methods, o *model.Object, m *model.Member) string {
	if m.Adapter != "" {
		return m.Adapter
	}
	f, ok := ms.find(o.Name, goName(m))
	if !ok || len(f.params) != len(m.Params) || len(f.results) > 1 {
		return ""
	}
	call, prepared := invocation(f, o.Name, goName(m), 0)
	switch {
	case len(f.results) == 0 && f.err:
		return fmt.Sprintf("func(c *call) (any, error) {\n%sreturn nil, %s\n}", prepared, call)
	case len(f.results) == 0:
		return fmt.Sprintf("func(c *call) (any, error) {\n%s%s\nreturn nil, nil\n}", prepared, call)
	}
	if !f.err {
		call += ", nil"
	}
	return fmt.Sprintf("func(c *call) (any, error) {\n%sreturn %s(%s)\n}", prepared, giver(f.results[0]), call)
}

// putter is the function that assigns a property.
func putter(ms *methods, o *model.Object, m *model.Member) string {
	switch {
	case m.Kind != model.ReadWrite:
		return ""
	case m.Adapter != "":
		return m.Adapter + "Put"
	}
	f, ok := ms.find(o.Name, "Set"+goName(m))
	if !ok || len(f.params) != 1 || len(f.results) != 0 {
		return ""
	}
	call, prepared := invocation(f, o.Name, "Set"+goName(m), len(m.Params))
	prepared = strings.ReplaceAll(prepared, "return nil, c.err", "return c.err")
	if f.err {
		return fmt.Sprintf("func(c *call) error {\n%sreturn %s\n}", prepared, call)
	}
	return fmt.Sprintf("func(c *call) error {\n%s%s\nreturn nil\n}", prepared, call)
}

// invocation is the call of a method, whose arguments begin at one of those of the automation call, and what goes before it.
func invocation(f method, typ, name string, first int) (call, prepared string) {
	var args []string
	if f.ctx {
		args = append(args, "c.ctx")
	}
	for i, t := range f.params {
		v := fmt.Sprintf("a%d", i)
		prepared += fmt.Sprintf("%s := %s\n", v, argument(t, first+i))
		if strings.HasPrefix(t, "...") {
			v += "..."
		}
		args = append(args, v)
	}
	if prepared != "" {
		prepared += "if c.err != nil {\nreturn nil, c.err\n}\n"
	}
	return fmt.Sprintf("c.obj.(*cdo.%s).%s(%s)", typ, name, strings.Join(args, ", ")), prepared
}

// argument takes an argument as a Go type.
func argument(t string, i int) string {
	switch t {
	case "string":
		return fmt.Sprintf("c.text(%d)", i)
	case "bool":
		return fmt.Sprintf("c.boolean(%d)", i)
	case "int32":
		return fmt.Sprintf("c.long(%d)", i)
	case "int":
		return fmt.Sprintf("int(c.long(%d))", i)
	case "time.Time":
		return fmt.Sprintf("c.date(%d)", i)
	case "any":
		return fmt.Sprintf("c.variant(%d)", i)
	case "...string", "[]string":
		return fmt.Sprintf("c.texts(%d)", i)
	}
	if class, ok := strings.CutPrefix(t, "*"); ok {
		return fmt.Sprintf("object[*cdo.%s](c, %d)", class, i)
	}
	return fmt.Sprintf("cdo.%s(c.long(%d))", t, i)
}

// giver is the function that gives a result of a Go type to automation.
func giver(t string) string {
	switch t {
	case "string", "bool", "int32", "time.Time", "any", "[]string":
		return "give"
	case "Object":
		return "reachAny"
	}
	if strings.HasPrefix(t, "*") {
		return "reach"
	}
	return "number"
}
