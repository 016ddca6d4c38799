package settings

import (
	"os"
	"slices"
	"testing"

	"github.com/opencdo/opencdo/internal/settings/home"
)

// TestRegistry changes keys of its own in the registry of this machine and reads them back.
func TestRegistry(t *testing.T) {
	const root = CurrentUser + `\Software\OpenCDO test of settings`
	t.Setenv(home.Variable, "")
	os.Unsetenv(home.Variable)
	folder, err := home.Dir()
	if err != nil {
		t.Fatal(err)
	}
	load := func() *Settings {
		s, err := Load(folder)
		if err != nil {
			t.Fatal(err)
		}
		if s.system == nil {
			t.Fatal("the registry isn't used")
		}
		for _, k := range []string{root, root + `\sub`, root + `\sub\Sub`} {
			if err := s.Include(k); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	save := func(s *Settings) {
		if err := s.Save(folder); err != nil {
			t.Fatal(err)
		}
	}
	s := load()
	s.UnsetKey(root)
	save(s)
	values := map[string]Value{"": TextValue("default"), "sz": TextValue("ä \\ \""), "empty": TextValue(""), "expand": ExpandValue("%A%"), "number": NumberValue(7),
		"large": LargeNumberValue(1 << 40), "multi": StringsValue([]string{"a", "b"}), "binary": {TypeBinary, []byte{0, 255}}, "none": {TypeNone, []byte{1}},
		"no bytes": {TypeBinary, nil}, "half a string": {TypeString, []byte{'a', 0, 'b'}}}
	s = load()
	for name, v := range values {
		s.Set(root, name, v)
		s.Set(root+`\sub\Sub`, name, v)
	}
	save(s)
	s = load()
	for name, v := range values {
		if got, _, ok := s.Value(root, name); !ok || !got.Equal(v) {
			t.Errorf("%q: %v, %v, want %v", name, got, ok, v)
		}
	}
	if got := s.Names(root); len(got) != len(values) || !slices.Contains(got, "half a string") {
		t.Errorf("names %q", got)
	}
	s.Unset(root, "SZ")
	s.UnsetKey(root + `\sub`)
	save(s)
	s = load()
	if _, _, ok := s.Value(root, "sz"); ok || s.HasKey(root+`\sub\sub`) || !s.HasKey(root) {
		t.Error("what was removed is there")
	}
	s.UnsetKey(root)
	save(s)
	if load().HasKey(root) {
		t.Error("the key is there still")
	}
}
