package main

import (
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/cdo/model"
)

// constants are the enumerations.
func constants() string {
	var b strings.Builder
	b.WriteString(notice + "package cdo\n")
	for _, e := range model.Enums {
		typ := ""
		if e.Go != "" {
			typ = e.Go
			fmt.Fprintf(&b, "\n// %s (%s): %s\ntype %s int32\n", e.Go, e.Name, sentence(e.Help), e.Go)
			fmt.Fprintf(&b, "\n// Values of %s.\nconst (\n", e.Go)
		} else {
			fmt.Fprintf(&b, "\n// %s: %s\nconst (\n", e.Name, sentence(e.Help))
		}
		for _, v := range e.Values {
			number := fmt.Sprint(v.Value)
			if v.Value > 1<<14-1 {
				number = fmt.Sprintf("0x%X", v.Value)
			}
			fmt.Fprintf(&b, "%s %s = %s%s\n", v.Name, typ, number, remark(v.Help))
		}
		b.WriteString(")\n")
	}
	return b.String()
}

func remark(s string) string {
	if s == "" {
		return ""
	}
	return " // " + s
}

const importMapi = "import \"github.com/opencdo/opencdo/mapi\"\n\n"

// errorCodes are the codes of errors.
func errorCodes() string {
	var b strings.Builder
	e := model.Errors()
	fmt.Fprintf(&b, notice+"package cdo\n\n"+importMapi+"// %s (%s)\nconst (\n", e.Help, e.Name)
	for _, v := range e.Values {
		fmt.Fprintf(&b, "%s mapi.Code = 0x%08X\n", v.Name, v.Value)
	}
	return b.String() + ")\n"
}

// tags are the property tags.
func tags() string {
	var b strings.Builder
	b.WriteString(notice + "package cdo\n\n" + importMapi + `// Property tags (CdoPropTags). Tags of strings are those of the 8-bit form, as in CDO; both forms of a string are one property
// to every member of this package. [PropTag] knows the other names: ActMsgPR, and the endings _A and _W.
const (
`)
	for _, v := range model.Tags().Values {
		fmt.Fprintf(&b, "%s mapi.Tag = 0x%08X\n", v.Name, v.Value)
	}
	return b.String() + ")\n"
}
