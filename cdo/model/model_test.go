package model

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// reference is the collected description of CDO 1.2.1 that the model was made from: OPENCDO_REFERENCE, or shared/reference beside the
// repository. Without it the test is skipped.
func reference(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("OPENCDO_REFERENCE")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "reference")
	}
	b, err := os.ReadFile(filepath.Join(dir, "cdo-object-model.md"))
	if err != nil {
		t.Skipf("SKIPPED: the reference of the object model is not here (%v); set OPENCDO_REFERENCE to its folder", err)
	}
	return string(b)
}

func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, text, ok := strings.Cut(text, from)
	if !ok {
		t.Fatalf("the reference has no %q", from)
	}
	text, _, _ = strings.Cut(text, to)
	return text
}

// The dispids are those of the type library, and every one of them belongs to a member.
func TestDispidsAreThoseOfTheTypeLibrary(t *testing.T) {
	text := between(t, reference(t), "**Dispid map", "Gaps in the numbering")
	want := map[string]int{}
	for _, m := range regexp.MustCompile(`\| (\d+) \| (\w+) `).FindAllStringSubmatch(text, -1) {
		want[m[2]], _ = strconv.Atoi(m[1])
	}
	if len(want) < 140 {
		t.Fatalf("only %d in the reference", len(want))
	}
	used := map[string]int{}
	for _, o := range Objects() {
		for _, m := range o.Members {
			used[m.Name] = m.ID
			if m.ID == 0 {
				t.Errorf("%s.%s has no dispid", o.Name, m.Name)
			}
		}
	}
	for name, id := range want {
		if used[name] != id {
			t.Errorf("%s is %d, want %d", name, used[name], id)
		}
	}
	for name := range used {
		if want[name] == 0 {
			t.Errorf("the type library has no %s", name)
		}
	}
}

// Classes, default members and interfaces.
func TestObjectsAreThoseOfTheTypeLibrary(t *testing.T) {
	text := reference(t)
	rows := regexp.MustCompile(`(?m)^\| (\w+) \| (\d+) \| (Cdo\w+) \| ([\w.]+) \| ([^|]+) \|`).FindAllStringSubmatch(between(t, text, "### 1.0 Object list", "### 1.1"), -1)
	if len(rows) != 23 || len(Objects()) != 23 {
		t.Fatalf("%d objects in the reference, %d here", len(rows), len(Objects()))
	}
	iids := map[string]string{}
	for _, m := range regexp.MustCompile(`\| (\w+) \| (\{[-0-9A-F]{36}\}) \|`).FindAllStringSubmatch(between(t, text, "| Dispinterface | IID |", "**Dispid map"), -1) {
		iids[m[1]] = m[2]
	}
	for _, row := range rows {
		i := slices.IndexFunc(Objects(), func(o Object) bool { return o.Name == row[1] })
		if i < 0 {
			t.Errorf("there is no %s", row[1])
			continue
		}
		o := Objects()[i]
		def := row[5]
		if strings.HasPrefix(def, "(") {
			def = ""
		}
		if fmt.Sprint(o.Class) != row[2] || o.Default != def || o.Since != row[4] || iids[o.Interface()] != o.IID {
			t.Errorf("%s is class %d since %s with default %q and %s, want %v and %s", o.Name, o.Class, o.Since, o.Default, o.IID, row[2:], iids[o.Interface()])
		}
		if _, ok := o.Member(o.Default); o.Default != "" && !ok {
			t.Errorf("%s has no member %s", o.Name, o.Default)
		}
	}
}

// Parameters have the names of the type library, which programs use for named arguments.
func TestParametersAreThoseOfTheTypeLibrary(t *testing.T) {
	text := between(t, reference(t), "Parameter names (for named arguments), as in the type library:", "Which parameters are optional")
	text = strings.NewReplacer("Fields: Item(", "Fields.Item(", "Messages.GetFirst/GetLast(", "Messages.GetLast(").Replace(strings.Join(strings.Fields(text), " "))
	n := 0
	for _, m := range regexp.MustCompile(`(?:(\w+)\.)?(\w+)\(([\w, ]*)\)`).FindAllStringSubmatch(text, -1) {
		object, name, params := m[1], m[2], m[3]
		found := false
		for _, o := range Objects() {
			member, ok := o.Member(name)
			if !ok || object != "" && object != o.Name {
				continue
			}
			switch { // forms that the list says of some objects only
			case object == "" && (name == "Item" && o.Name == "Fields" || name == "CopyTo" && o.Name == "Folder" || name == "Delete" && len(member.Params) == 0):
				continue
			}
			var have []string
			for _, p := range member.Params {
				have = append(have, p.Name)
			}
			found = true
			if got := strings.Join(have, ", "); got != params {
				t.Errorf("%s.%s takes (%s), want (%s)", o.Name, name, got, params)
			}
		}
		if n++; !found {
			t.Errorf("nothing has a member %s.%s", object, name)
		}
	}
	if n < 35 {
		t.Errorf("only %d members", n)
	}
}

func TestConstantsAreThoseOfTheTypeLibrary(t *testing.T) {
	text := between(t, reference(t), "## 3. Enumerations", "3.21 CdoPropTags")
	all := map[string]int64{}
	for _, e := range append(slices.Clone(Enums), Errors()) {
		for _, v := range e.Values {
			if _, twice := all[v.Name]; twice {
				t.Errorf("%s is there twice", v.Name)
			}
			all[v.Name] = v.Value
		}
	}
	n := 0
	for _, m := range regexp.MustCompile(`\b(Cdo\w+)(?: \||) (?:&H([0-9A-F]+)|(-?\d+))\b`).FindAllStringSubmatch(text, -1) {
		want, err := strconv.ParseInt(m[2]+m[3], 10, 64)
		if m[2] != "" {
			want, err = strconv.ParseInt(m[2], 16, 64)
		}
		if err != nil || strings.HasSuffix(m[1], "Enum") {
			continue
		}
		got, ok := all[m[1]]
		if !ok {
			t.Logf("not compared: %s", m[0])
			continue
		}
		if n++; got != want {
			t.Errorf("%s is %d, want %d", m[1], got, want)
		}
	}
	if n < 150 {
		t.Errorf("only %d constants could be compared", n)
	}
}

func TestTagsAreThoseOfTheTypeLibrary(t *testing.T) {
	text := between(t, reference(t), "3.21 CdoPropTags", "\nSources:")
	have := map[string]int64{}
	for _, v := range Tags().Values {
		have[v.Name] = v.Value
	}
	n := 0
	for _, m := range regexp.MustCompile(`\b([0-9A-F]{8}) ([A-Z0-9_]+(?: = [A-Z0-9_]+)*)`).FindAllStringSubmatch(text, -1) {
		want, _ := strconv.ParseInt(m[1], 16, 64)
		for name := range strings.SplitSeq(m[2], " = ") {
			if n++; have["CdoPR_"+name] != want {
				t.Errorf("CdoPR_%s is %08X, want %08X", name, have["CdoPR_"+name], want)
			}
		}
	}
	if n != len(have) {
		t.Errorf("%d tags in the reference, %d here", n, len(have))
	}
}

// The help says something of every member, and of what it says every sentence is whole.
func TestHelp(t *testing.T) {
	for _, o := range Objects() {
		seen := map[string]bool{}
		for _, m := range o.Members {
			if m.Help == "" || !strings.HasSuffix(m.Help, ".") {
				t.Errorf("%s.%s: %q", o.Name, m.Name, m.Help)
			}
			if seen[m.Name] {
				t.Errorf("%s.%s is there twice", o.Name, m.Name)
			}
			seen[m.Name] = true
		}
	}
}
