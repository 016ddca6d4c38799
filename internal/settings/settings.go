// Package settings keeps the values that MAPI/CDO read from the Windows registry, under their registry names. They lie in
// one text file in the form of regedit's exports, so that what was exported on Windows can be put in its place.
package settings

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Keys of the values that MAPI/CDO read.
const (
	// Messaging holds RpcHttpProxyMap.
	Messaging = `HKEY_CURRENT_USER\Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem`
	// MessagingMachine is the same for all users; the user's value comes first.
	MessagingMachine = `HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem`
	// CDO holds "Ignore No PF".
	CDO = `HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows Messaging Subsystem\CDO`
)

// Values of those keys.
const (
	RpcHttpProxyMap = "RpcHttpProxyMap"
	IgnoreNoPF      = "Ignore No PF"
)

// Home is the folder where OpenCDO keeps its state: OPENCDO_HOME, or the operating system's place for it.
func Home() (string, error) {
	if h := os.Getenv("OPENCDO_HOME"); h != "" {
		return h, nil
	}
	d, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for settings: set OPENCDO_HOME (%w)", err)
	}
	return filepath.Join(d, "opencdo"), nil
}

// FileName is the settings file below Home.
const FileName = "settings.reg"

// Settings are the values. Keys and names compare without regard to case, as in the registry.
type Settings struct {
	keys map[string]*key
}

type key struct {
	path   string
	values map[string]value
}

type value struct {
	name string
	data string // as it stands in the file: "text", dword:0000000f, hex(7):...
}

// Load reads the settings file of a home folder. A file that isn't there is an empty one.
func Load(home string) (*Settings, error) {
	s := &Settings{keys: map[string]*key{}}
	path := filepath.Join(home, FileName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := s.read(bufio.NewScanner(f)); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

const header = "Windows Registry Editor Version 5.00"

func (s *Settings) read(lines *bufio.Scanner) error {
	var at *key
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\uFEFF"))
		for strings.HasSuffix(line, `\`) && strings.Contains(line, "=hex") && lines.Scan() {
			n++
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines.Text())
		}
		switch {
		case line == "" || line[0] == ';':
		case n == 1:
			if line != header {
				return fmt.Errorf("line 1: %q expected", header)
			}
		case line[0] == '[':
			path, ok := strings.CutSuffix(line[1:], "]")
			if !ok {
				return fmt.Errorf("line %d: a key without its closing bracket", n)
			}
			at = s.key(path)
		case at == nil:
			return fmt.Errorf("line %d: a value before the first key", n)
		default:
			name, data, err := splitValue(line)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			at.values[strings.ToLower(name)] = value{name, data}
		}
	}
	return lines.Err()
}

func splitValue(line string) (name, data string, err error) {
	if rest, ok := strings.CutPrefix(line, "@="); ok {
		return "", rest, nil
	}
	name, rest, ok := unquote(line)
	if !ok || !strings.HasPrefix(rest, "=") {
		return "", "", errors.New(`"name"=data expected`)
	}
	return name, rest[1:], nil
}

// unquote reads a quoted string with \\ and \" and gives what follows it.
func unquote(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func (s *Settings) key(path string) *key {
	k := s.keys[strings.ToLower(path)]
	if k == nil {
		k = &key{path, map[string]value{}}
		s.keys[strings.ToLower(path)] = k
	}
	return k
}

func (s *Settings) find(path, name string) (string, bool) {
	k := s.keys[strings.ToLower(path)]
	if k == nil {
		return "", false
	}
	v, ok := k.values[strings.ToLower(name)]
	return v.data, ok
}

// Text is a REG_SZ value.
func (s *Settings) Text(path, name string) (string, bool) {
	data, ok := s.find(path, name)
	if !ok {
		return "", false
	}
	text, rest, ok := unquote(data)
	return text, ok && rest == ""
}

// Number is a REG_DWORD value.
func (s *Settings) Number(path, name string) (uint32, bool) {
	data, _ := s.find(path, name)
	hex, ok := strings.CutPrefix(strings.ToLower(data), "dword:")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(hex, 16, 32)
	return uint32(n), err == nil
}

// SetText sets a REG_SZ value.
func (s *Settings) SetText(path, name, text string) {
	s.key(path).values[strings.ToLower(name)] = value{name, quote(text)}
}

// SetNumber sets a REG_DWORD value.
func (s *Settings) SetNumber(path, name string, n uint32) {
	s.key(path).values[strings.ToLower(name)] = value{name, fmt.Sprintf("dword:%08x", n)}
}

// Save writes the settings file, whole or not at all.
func (s *Settings) Save(home string) error {
	var b strings.Builder
	b.WriteString(header + "\n")
	for _, k := range slices.Sorted(maps.Keys(s.keys)) {
		b.WriteString("\n[" + s.keys[k].path + "]\n")
		for _, n := range slices.Sorted(maps.Keys(s.keys[k].values)) {
			v := s.keys[k].values[n]
			name := "@"
			if v.name != "" {
				name = quote(v.name)
			}
			b.WriteString(name + "=" + v.data + "\n")
		}
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(home, FileName+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(b.String())
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(home, FileName))
}
