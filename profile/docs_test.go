package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/settings"
)

// settingRow is the line of a setting in docs/settings.md.
func settingRow(s settings.Setting) string {
	name := "(default value)"
	if s.Name != "" {
		name = "`" + s.Name + "`"
	}
	if s.Tagged {
		name += ", `" + s.Name + "_<tag>`"
	}
	meaning := s.Meaning
	if s.Unused {
		meaning += " Not used."
	}
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s | %s |", name, strings.Join(s.Keys, "`, `"), s.Type, strings.ReplaceAll(meaning, "|", "\\|"), s.Default, s.Evidence)
}

// propertyRow is the line of a property.
func propertyRow(p Property) string {
	note := ""
	if p.Secret {
		note = " A secret."
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |", p.Name, p.Tag, p.Tag.Type(), p.Meaning+note, p.Evidence)
}

// The documentation names every setting, property and flag, with its evidence.
func TestDocumentation(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "docs", "settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	has := func(what, text string) {
		if !strings.Contains(string(raw), text) {
			t.Errorf("docs/settings.md lacks %s: %s", what, text)
		}
	}
	for _, s := range settings.All {
		has("the line of "+s.Name, settingRow(s))
	}
	for _, p := range Properties {
		has("the line of "+p.Name, propertyRow(p))
	}
	for tag, flags := range flagNames {
		for _, f := range flags {
			has(fmt.Sprintf("a flag of %v", tag), fmt.Sprintf("%s 0x%x", f.name, f.bit))
		}
	}
}
