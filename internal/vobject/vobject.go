// Package vobject reads and writes the text that iCalendar ([RFC5545] 3.1) and vCard ([RFC6350] 3.2, and versions 2.1 and 3.0) are
// made of: components of properties with parameters, a property a line.
//
// It reads what can be read: lines that end in anything, that are folded wrongly, components that aren't closed, parameters of vCard
// 2.1 without names, quoted-printable. Libraries that were tried refuse whole calendars for one wrong line, or for what stands outside
// of a VCALENDAR (github.com/emersion/go-ical, which also panics on some samples).
package vobject

import (
	"io"
	"mime/quotedprintable"
	"strings"
)

// Component is what stands between BEGIN and END.
type Component struct {
	Name     string // in upper case
	Props    []Property
	Children []*Component
}

// Property is a line.
type Property struct {
	Name   string // in upper case, without a group
	Params []Param
	Value  string // as it stands: see Text and Split
}

// Param is a parameter of a property, its name in upper case.
type Param struct {
	Name   string
	Values []string
}

const (
	// maxDepth is how deep components may lie in each other; calendars need three levels.
	maxDepth = 16
	// lineLength is where lines are folded, in bytes ([RFC5545] 3.1: 75 without the line break).
	lineLength = 75
)

// Parse reads components, from UTF-8. Lines outside of them are passed over.
func Parse(text string) []*Component {
	root := &Component{}
	stack := []*Component{root}
	for line := range unfolded(strings.TrimPrefix(text, "\uFEFF")) {
		p, ok := parseLine(line)
		if !ok {
			continue
		}
		top := stack[len(stack)-1]
		switch p.Name {
		case "BEGIN":
			c := &Component{Name: strings.ToUpper(strings.TrimSpace(p.Value))}
			if len(stack) <= maxDepth {
				top.Children = append(top.Children, c)
			}
			if len(stack) <= maxDepth+1 {
				stack = append(stack, c)
			}
		case "END":
			name := strings.ToUpper(strings.TrimSpace(p.Value))
			for i := len(stack) - 1; i > 0; i-- { // what wasn't closed ends too
				if stack[i].Name == name {
					stack = stack[:i]
					break
				}
			}
		default:
			if top != root {
				top.Props = append(top.Props, p)
			}
		}
	}
	return root.Children
}

// unfolded gives the lines: those that begin with a blank go on the one before ([RFC5545] 3.1), and so do those after a soft line
// break of quoted-printable.
func unfolded(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var line strings.Builder
		open, soft := false, false
		for l := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n") {
			switch {
			case open && soft:
				line.WriteString("\n" + l)
			case open && l != "" && (l[0] == ' ' || l[0] == '\t'):
				line.WriteString(l[1:])
			default:
				if open && !yield(line.String()) {
					return
				}
				line.Reset()
				line.WriteString(l)
				open = true
			}
			head, _, _ := strings.Cut(line.String()[:min(line.Len(), 200)], ":")
			soft = strings.HasSuffix(l, "=") && strings.Contains(strings.ToUpper(head), "QUOTED-PRINTABLE")
		}
		if open {
			yield(line.String())
		}
	}
}

// parseLine reads a content line.
func parseLine(line string) (p Property, ok bool) {
	colon := -1
	quoted := false
	var cuts []int // semicolons
	for i := 0; i < len(line) && colon < 0; i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			cuts = append(cuts, i)
		case c == ':' && !quoted:
			colon = i
		}
	}
	if colon < 0 {
		if colon = strings.IndexByte(line, ':'); colon < 0 { // an odd quote
			return p, false
		}
	}
	head := line[:colon]
	p.Value = line[colon+1:]
	start := 0
	for i := 0; i <= len(cuts); i++ {
		end := len(head)
		if i < len(cuts) && cuts[i] < colon {
			end = cuts[i]
		}
		if part := head[min(start, end):end]; start == 0 && p.Name == "" {
			p.Name = strings.ToUpper(strings.TrimSpace(part))
			if dot := strings.LastIndexByte(p.Name, '.'); dot >= 0 { // a group
				p.Name = p.Name[dot+1:]
			}
		} else if part != "" {
			p.Params = append(p.Params, parseParam(part))
		}
		start = end + 1
	}
	if strings.EqualFold(p.Param("ENCODING"), "QUOTED-PRINTABLE") {
		if b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(p.Value))); err == nil || len(b) > 0 {
			p.Value = string(b)
		}
	}
	return p, p.Name != ""
}

// parseParam reads a parameter. vCard 2.1 has values without names, of which only these are no types.
func parseParam(s string) Param {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		name, value = "TYPE", s
		switch strings.ToUpper(s) {
		case "QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT":
			name = "ENCODING"
		}
	}
	p := Param{Name: strings.ToUpper(strings.TrimSpace(name))}
	quoted := false
	start := 0
	for i := 0; i <= len(value); i++ {
		if i < len(value) && value[i] == '"' {
			quoted = !quoted
		}
		if i == len(value) || value[i] == ',' && !quoted {
			p.Values = append(p.Values, caret.Replace(strings.Trim(strings.TrimSpace(value[start:i]), `"`)))
			start = i + 1
		}
	}
	return p
}

// caret undoes the encoding of [RFC6868].
var caret = strings.NewReplacer("^n", "\n", "^'", `"`, "^^", "^")

// Param is the first value of a parameter, "" when there is none.
func (p *Property) Param(name string) string {
	for _, q := range p.Params {
		if q.Name == name && len(q.Values) > 0 {
			return q.Values[0]
		}
	}
	return ""
}

// Is tells whether a parameter has a value, in any case: TYPE=work,voice.
func (p *Property) Is(name, value string) bool {
	for _, q := range p.Params {
		for _, v := range q.Values {
			if q.Name == name && strings.EqualFold(v, value) {
				return true
			}
		}
	}
	return false
}

// Get is the first property of a name, nil when there is none.
func (c *Component) Get(name string) *Property {
	for i := range c.Props {
		if c.Props[i].Name == name {
			return &c.Props[i]
		}
	}
	return nil
}

// All are the properties of a name.
func (c *Component) All(name string) (list []*Property) {
	for i := range c.Props {
		if c.Props[i].Name == name {
			list = append(list, &c.Props[i])
		}
	}
	return list
}

// Value is the value of the first property of a name as it stands, "" when there is none.
func (c *Component) Value(name string) string {
	if p := c.Get(name); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// Text is the text of the first property of a name.
func (c *Component) Text(name string) string {
	if p := c.Get(name); p != nil {
		return Text(p.Value)
	}
	return ""
}

// Text undoes the escapes of a value ([RFC5545] 3.3.11); lines end in CR LF.
func Text(s string) string {
	if !strings.ContainsAny(s, "\\\n") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n':
			if i == 0 || s[i-1] != '\r' {
				b.WriteByte('\r')
			}
			b.WriteByte('\n')
		case c == '\\' && i+1 < len(s):
			i++
			if s[i] == 'n' || s[i] == 'N' {
				b.WriteString("\r\n")
			} else {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Split cuts a value at separators without a backslash; the pieces are as they stand.
func Split(s string, sep byte) (list []string) {
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case sep:
			list = append(list, s[start:i])
			start = i + 1
		}
	}
	return append(list, s[start:])
}

// Escape is the reverse of Text.
func Escape(s string) string { return escape.Replace(s) }

var escape = strings.NewReplacer("\\", "\\\\", ";", "\\;", ",", "\\,", "\r\n", "\\n", "\n", "\\n", "\r", "\\n")

// New makes a component.
func New(name string) *Component { return &Component{Name: name} }

// Add adds a property with a value as it is to stand, and parameters: names and values in turn; those without a value are left out.
func (c *Component) Add(name, value string, params ...string) {
	p := Property{Name: name, Value: value}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			p.Params = append(p.Params, Param{params[i], []string{params[i+1]}})
		}
	}
	c.Props = append(c.Props, p)
}

// AddText adds a property of text, unless it is empty.
func (c *Component) AddText(name, text string, params ...string) {
	if text != "" {
		c.Add(name, Escape(text), params...)
	}
}

// String writes the component.
func (c *Component) String() string {
	var b strings.Builder
	c.write(&b)
	return b.String()
}

func (c *Component) write(b *strings.Builder) {
	fold(b, "BEGIN:"+c.Name)
	for _, p := range c.Props {
		line := p.Name
		for _, q := range p.Params {
			line += ";" + q.Name + "="
			for i, v := range q.Values {
				if i > 0 {
					line += ","
				}
				line += quoteParam(v)
			}
		}
		fold(b, line+":"+p.Value)
	}
	for _, d := range c.Children {
		d.write(b)
	}
	fold(b, "END:"+c.Name)
}

// quoteParam writes the value of a parameter ([RFC5545] 3.2, [RFC6868]).
func quoteParam(v string) string {
	v = strings.NewReplacer("^", "^^", "\r\n", "^n", "\n", "^n", "\r", "^n", `"`, "^'").Replace(v)
	if strings.ContainsAny(v, ":;,") {
		return `"` + v + `"`
	}
	return v
}

// fold writes a line, broken between characters where it is long.
func fold(b *strings.Builder, line string) {
	line = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' {
			return ' '
		}
		return r
	}, line)
	for limit := lineLength; len(line) > limit; limit = lineLength - 1 {
		n := limit
		for n > 1 && line[n]&0xC0 == 0x80 {
			n--
		}
		b.WriteString(line[:n] + "\r\n ")
		line = line[n:]
	}
	b.WriteString(line + "\r\n")
}
