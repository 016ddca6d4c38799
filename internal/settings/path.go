package settings

import "strings"

// Roots of the registry.
const (
	CurrentUser  = "HKEY_CURRENT_USER"
	LocalMachine = "HKEY_LOCAL_MACHINE"
)

var roots = map[string]string{"HKCU": CurrentUser, "HKLM": LocalMachine, "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_USERS",
	"HKCC": "HKEY_CURRENT_CONFIG"}

// FullPath is a key path with its root's full name: HKCU\Software is HKEY_CURRENT_USER\Software. Backslashes at the end go.
func FullPath(path string) string {
	path = strings.TrimRight(path, `\`)
	root, rest, below := strings.Cut(path, `\`)
	if full, ok := roots[strings.ToUpper(root)]; ok {
		root = full
	}
	if below {
		return root + `\` + rest
	}
	return root
}

// CheckPath tells what is wrong with a key path that someone typed; "" is nothing.
func CheckPath(path string) string {
	root, _, below := strings.Cut(FullPath(path), `\`)
	known := false
	for _, r := range roots {
		known = known || strings.EqualFold(root, r)
	}
	switch {
	case !known:
		return "it must begin with HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE or another root (HKCU and HKLM are short for them)"
	case !below:
		return "the root alone has no values"
	case strings.ContainsFunc(path, func(r rune) bool { return r < ' ' }):
		return "it holds a control character"
	case strings.Contains(path, `\\`):
		return `it has a "\" too many`
	}
	return ""
}

const (
	software = `\SOFTWARE\`
	wow6432  = `\SOFTWARE\Wow6432Node\`
)

// wow is the path of a machine key in the 32-bit view of 64-bit Windows, which is what MAPI/CDO reads there: the package is
// 32-bit only. The user's keys have one view.
func wow(path string) string {
	rest, ok := strings.CutPrefix(path, LocalMachine+software)
	if !ok {
		return path
	}
	return LocalMachine + wow6432 + rest
}

// key32 are the paths under which a machine key is looked for: the 32-bit view, then the native one.
func key32(path string) []string { return []string{wow(path), path} }
