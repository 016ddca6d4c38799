package comserver

import (
	"fmt"
	"strings"
)

// regTree is a key below Software\Classes with all that is below it. It is written and removed as a whole.
type regTree struct {
	root     string // "CLSID\{...}"
	perView  bool   // 32-bit programs have a registry of their own for it
	replaces bool   // other products have it too
	group    string // of what is registered together or not at all; empty for what stands alone
	keys     []regKey
}

// regKey is a key of a tree with its values, which are strings. The name of the default value is empty.
type regKey struct {
	path   string // below the root, empty for the root itself
	values [][2]string
}

func key(path string, value string, more ...[2]string) regKey {
	k := regKey{path: path, values: more}
	if value != "" {
		k.values = append([][2]string{{"", value}}, more...)
	}
	return k
}

// registryVersion is how the registry writes the version of a library: hexadecimal, so that 1.21 is "1.15".
func (l *Library) registryVersion() string { return fmt.Sprintf("%x.%x", l.Major, l.Minor) }

// registration is what a server writes into the registry, for its program and type library at the given paths.
func registration(c Config, exe, typeLibrary string) []regTree {
	l, version := c.Library, c.Library.registryVersion()
	program := exe[strings.LastIndexByte(exe, '\\')+1:]
	trees := []regTree{
		{root: `AppID\` + c.AppID.String(), keys: []regKey{key("", c.Name)}},
		{root: `AppID\` + program, keys: []regKey{key("", "", [2]string{"AppID", c.AppID.String()})}},
	}
	for _, co := range c.Classes {
		clsid, current := co.CLSID.String(), co.ProgID+".1"
		group := ""
		if co.Replaces {
			group = co.ProgID
		}
		trees = append(trees,
			regTree{root: co.ProgID, replaces: co.Replaces, group: group, keys: []regKey{
				key("", co.Text), key("CLSID", clsid), key("CurVer", current)}},
			regTree{root: current, replaces: co.Replaces, group: group, keys: []regKey{
				key("", co.Text), key("CLSID", clsid)}},
			regTree{root: `CLSID\` + clsid, perView: true, replaces: co.Replaces, group: group, keys: []regKey{
				key("", co.Text, [2]string{"AppID", c.AppID.String()}),
				key("LocalServer32", `"`+exe+`"`, [2]string{"ServerExecutable", exe}),
				key("ProgID", current), key("VersionIndependentProgID", co.ProgID), key("Programmable", ""),
				key("TypeLib", l.ID.String()), key("Version", version)}})
	}
	trees = append(trees, regTree{root: `TypeLib\` + l.ID.String() + `\` + version, replaces: true, keys: []regKey{
		key("", l.Help), key(`0\win32`, typeLibrary), key(`0\win64`, typeLibrary), key("FLAGS", "0"),
		key("HELPDIR", typeLibrary[:strings.LastIndexByte(typeLibrary, '\\')+1])}})
	for _, class := range l.Classes {
		// Calls from other processes travel as those of IDispatch do; without this, asking for the interface by its own id
		// fails there.
		trees = append(trees, regTree{root: `Interface\` + class.IID.String(), perView: true, replaces: true, keys: []regKey{
			key("", class.Name), key("ProxyStubClsid", clsidDispatchProxy.String()), key("ProxyStubClsid32", clsidDispatchProxy.String()),
			key("TypeLib", l.ID.String(), [2]string{"Version", version})}})
	}
	return trees
}

// clsidDispatchProxy is PSDispatch of oleaut32, which carries calls of IDispatch between processes.
var clsidDispatchProxy = MustGUID("{00020420-0000-0000-C000-000000000046}")
