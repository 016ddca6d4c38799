package comserver

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// registryConfig is the toy under names that nobody else uses.
func registryConfig() Config {
	c := toyConfig
	l := *c.Library
	c.Name, c.Library = "ComServerRegistryTest", &l
	l.ID.Data1++
	c.AppID.Data4[0]++
	c.Classes = slices.Clone(c.Classes)
	for i := range c.Classes {
		c.Classes[i].CLSID.Data2 += 7
		c.Classes[i].ProgID = "RegistryTest" + c.Classes[i].ProgID
	}
	l.Classes = slices.Clone(l.Classes)
	for i, class := range l.Classes {
		other := *class
		other.IID.Data2 += 7
		l.Classes[i] = &other
	}
	for i := range c.Classes {
		c.Classes[i].Class = l.Classes[0]
	}
	return c
}

func read(hive registry.Key, path, value string, view uint32) string {
	k, err := registry.OpenKey(hive, `Software\Classes\`+path, registry.QUERY_VALUE|view)
	if err != nil {
		return "no key"
	}
	defer k.Close()
	s, _, err := k.GetStringValue(value)
	if err != nil {
		return "no value"
	}
	return s
}

func plant(t *testing.T, path, text string, view uint32) {
	t.Helper()
	k, _, err := registry.CreateKey(registry.LOCAL_MACHINE, `Software\Classes\`+path, registry.ALL_ACCESS|view)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.SetStringValue("", text); err != nil {
		t.Fatal(err)
	}
	if err := k.SetDWordValue("Number", 7); err != nil {
		t.Fatal(err)
	}
}

// TestRegistration registers beside another product, takes over from it and gives back.
func TestRegistration(t *testing.T) {
	c := registryConfig()
	hive := registry.Key(registry.LOCAL_MACHINE)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	original, own := c.Classes[1].CLSID.String(), c.Classes[0].CLSID.String()
	progID := c.Classes[1].ProgID
	views := newRegistrar(c, false).views
	if left, err := Register(c, Registration{}); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	if got := read(hive, progID+`\CLSID`, "", views[0]); got != original {
		t.Errorf("where nobody else is, %s is %s", progID, got)
	}
	for _, view := range views {
		if got := read(hive, `CLSID\`+original+`\LocalServer32`, "", view); got != `"`+exe+`"` {
			t.Errorf("the server is %s", got)
		}
	}
	if err := Unregister(c, false); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{progID, `CLSID\` + original, `CLSID\` + own, `TypeLib\` + c.Library.ID.String(), `AppID\` + c.AppID.String(),
		`Interface\` + c.Library.Classes[0].IID.String()} {
		for _, view := range views {
			if got := read(hive, path, "", view); got != "no key" {
				t.Errorf("%s is left: %s", path, got)
			}
		}
	}

	plant(t, progID+`\CLSID`, "theirs", views[0])
	for _, view := range views {
		plant(t, `CLSID\`+original+`\InprocServer32`, `C:\theirs.dll`, view)
	}
	t.Cleanup(func() {
		r := newRegistrar(c, false)
		r.delete(progID, views[0])
		for _, view := range views {
			r.delete(`CLSID\`+original, view)
		}
	})
	theirs := func(when string) {
		t.Helper()
		for _, view := range views {
			if got := read(hive, `CLSID\`+original+`\InprocServer32`, "", view); got != `C:\theirs.dll` {
				t.Errorf("%s: their DLL is %s", when, got)
			}
			if got := read(hive, `CLSID\`+original+`\LocalServer32`, "", view); got != "no key" {
				t.Errorf("%s: our server is in their key: %s", when, got)
			}
		}
		if got := read(hive, progID+`\CLSID`, "", views[0]); got != "theirs" {
			t.Errorf("%s: %s is %s", when, progID, got)
		}
	}
	left, err := Register(c, Registration{})
	if err != nil || !slices.Equal(left, []string{progID}) {
		t.Fatal(left, err)
	}
	theirs("not asked for")
	if got := read(hive, c.Classes[0].ProgID+`\CLSID`, "", views[0]); got != own {
		t.Errorf("our own class is %s", got)
	}
	if _, err := Register(c, Registration{User: true, TakeOver: true}); err == nil {
		t.Error("a user took over what is the machine's")
	}
	for range 2 { // the second time, what stands there is ours, and not kept in place of theirs
		if left, err := Register(c, Registration{TakeOver: true}); err != nil || len(left) > 0 {
			t.Fatal(left, err)
		}
	}
	for _, view := range views {
		if got := read(hive, `CLSID\`+original+`\InprocServer32`, "", view); got != "no key" {
			t.Errorf("their DLL would still be preferred: %s", got)
		}
	}
	if err := Unregister(c, false); err != nil {
		t.Fatal(err)
	}
	theirs("given back")
	k, err := registry.OpenKey(hive, `Software\Classes\CLSID\`+original+`\InprocServer32`, registry.QUERY_VALUE|views[0])
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if n, kind, err := k.GetIntegerValue("Number"); n != 7 || kind != registry.DWORD || err != nil {
		t.Errorf("their number is %d of type %d: %v", n, kind, err)
	}
	if k, err := registry.OpenKey(hive, `Software\`+c.Name+" COM", registry.QUERY_VALUE|views[0]); err == nil {
		k.Close()
		t.Error("what was kept is left")
	}
	if err := Unregister(c, false); err != nil {
		t.Errorf("unregistering again: %v", err)
	}
	theirs("unregistered again")
}

func TestRegistrationOfUser(t *testing.T) {
	c := registryConfig()
	if left, err := Register(c, Registration{User: true}); err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	r := newRegistrar(c, true)
	library, err := r.typeLibraryPath("")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(registry.CURRENT_USER, `TypeLib\`+c.Library.ID.String()+`\1.15\0\win32`, "", r.views[0]); got != library || filepath.Ext(got) != ".tlb" {
		t.Errorf("the type library is %s, not %s", got, library)
	}
	if got := read(registry.LOCAL_MACHINE, c.Classes[0].ProgID, "", r.views[0]); got != "no key" {
		t.Errorf("the machine has %s", got)
	}
	if err := Unregister(c, true); err != nil {
		t.Fatal(err)
	}
	if got := read(registry.CURRENT_USER, `TypeLib\`+c.Library.ID.String(), "", r.views[0]); got != "no key" {
		t.Errorf("the type library is left: %s", got)
	}
	if _, err := os.Stat(library); err == nil {
		t.Error("the file is left")
	}
}
