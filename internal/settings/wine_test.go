//go:build !windows

package settings

import (
	"os"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/comserver/winetest"
)

// TestWine has the registry's own programs read what is written here, and writes into a registry.
func TestWine(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a Windows takes a while to make")
	}
	w := winetest.New(t)
	t.Run("regedit", func(t *testing.T) { wineRegedit(t, w) })
	t.Run("registry", func(t *testing.T) {
		program := w.Build(t, "amd64", "settings.test.exe", "test", "-c", ".")
		if out := w.Run(t, program, "-test.run", "^TestRegistry$", "-test.v"); !strings.Contains(out, "--- PASS: TestRegistry") {
			t.Errorf("%s", out)
		}
	})
}

// wineRegedit imports a file of ours with regedit, exports the key again, and reads that.
func wineRegedit(t *testing.T, w *winetest.Prefix) {
	const key = `HKEY_CURRENT_USER\Software\OpenCDO [test]`
	s := New()
	for name, v := range map[string]Value{"": TextValue("default"), "sz": TextValue(`ä \ "quoted" €`), "empty": TextValue(""), "expand": ExpandValue(`%SystemRoot%\a\long\path\that\is\wrapped`),
		"number": NumberValue(7), "large": LargeNumberValue(1 << 40), "multi": StringsValue([]string{"a", "b"}), "binary": {TypeBinary, make([]byte, 100)},
		"none": {TypeNone, []byte{1}}, "big-endian": {TypeDWordBigEndian, []byte{0, 0, 0, 1}}, `na\me "x"`: NumberValue(0)} {
		s.Set(key, name, v)
		s.Set(key+`\Sub`, name, v)
	}
	s.Set(key+`\Empty`, "gone", NumberValue(1))
	s.Unset(key+`\Empty`, "gone")
	ours := s.Document("")
	if err := os.WriteFile(w.Path(`C:\ours.reg`), ours.UTF16(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run(t, "regedit", "/S", `C:\ours.reg`)
	w.Run(t, "regedit", "/E", `C:\theirs.reg`, key)
	theirs, err := ReadDocument(w.Path(`C:\theirs.reg`))
	if err != nil {
		t.Fatal(err)
	}
	again := New()
	again.Apply(theirs)
	if a, b := meaning(ours), meaning(again.Document("")); a != b {
		t.Errorf("written\n%s\nregedit has\n%s", a, b)
	}
	for _, line := range strings.Split(theirs.text("\r\n"), "\r\n") { // the same lines, broken in the same places
		if !strings.Contains(string(ours.text("\r\n")), line) {
			t.Errorf("regedit writes %q", line)
		}
	}
	raw, err := os.ReadFile(w.Path(`C:\theirs.reg`))
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != string(theirs.UTF16())+"\r\x00\n\x00" { // it ends with an empty line
		t.Errorf("regedit's file isn't written as it is: %d bytes, %d", len(raw), len(theirs.UTF16()))
	}
	// Regedit removes what a file of ours says is to be removed.
	removal := &Document{Keys: []DocumentKey{{Path: key, Values: []DocumentValue{{Name: "sz", Delete: true}, {Delete: true}}}, {Path: key + `\Sub`, Delete: true}}}
	if err := os.WriteFile(w.Path(`C:\ours.reg`), removal.UTF16(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Run(t, "regedit", "/S", `C:\ours.reg`)
	w.Run(t, "regedit", "/E", `C:\theirs.reg`, key)
	if theirs, err = ReadDocument(w.Path(`C:\theirs.reg`)); err != nil {
		t.Fatal(err)
	}
	s.Apply(removal)
	again = New()
	again.Apply(theirs)
	if a, b := meaning(s.Document("")), meaning(again.Document("")); a != b {
		t.Errorf("expected\n%s\nregedit has\n%s", a, b)
	}
}
