// Package settings keeps the values that MAPI/CDO read from the Windows registry, under their registry names.
//
// On Windows that is the registry itself. Elsewhere, and wherever a folder for OpenCDO's state is named (OPENCDO_HOME), they
// lie in one text file in the form of regedit's exports, so that what was exported on Windows can be put in its place.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/settings/home"
)

// Home is the folder where OpenCDO keeps its state: OPENCDO_HOME, or the operating system's place for it.
func Home() (string, error) { return home.Dir() }

// FileName is the settings file below Home.
const FileName = "settings.reg"

// Settings are the values. Keys and names compare without regard to case, as in the registry.
type Settings struct {
	keys    map[string]*key
	system  keyStore // nil: the file is all there is
	changes []DocumentKey
}

// keyStore is the registry of Windows. Paths are those of its 64-bit view, in which the 32-bit one is below Wow6432Node.
type keyStore interface {
	// values gives those of a key; a key that isn't there has none and no error.
	values(path string) (list []DocumentValue, found bool, err error)
	// apply makes changes, in order.
	apply([]DocumentKey) error
}

type key struct {
	path   string
	values map[string]value
}

type value struct {
	name string
	Value
	origin Origin
}

// Origin says where a value stands: in which file and line, or with neither in the registry or in memory.
type Origin struct {
	File string
	Line int
}

func (o Origin) String() string {
	if o.File == "" {
		return "the registry"
	}
	return fmt.Sprintf("%s, line %d", o.File, o.Line)
}

// New gives settings without values that belong to no file.
func New() *Settings { return &Settings{keys: map[string]*key{}} }

// Load reads the settings of a home folder. A file that isn't there is an empty one. On Windows, the folder that is used when
// OPENCDO_HOME isn't set stands for the registry.
func Load(folder string) (*Settings, error) {
	s := New()
	if usual, err := home.SystemDir(); err == nil && folder == usual {
		s.system = systemRegistry()
	}
	if s.system != nil {
		for _, path := range knownKeys() {
			if err := s.Include(path); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
	d, err := ReadDocument(filepath.Join(folder, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.apply(d)
	return s, nil
}

// Include reads one more key of the registry: only those of known settings are read by Load. In a file all are there.
func (s *Settings) Include(path string) error {
	if s.system == nil || s.keys[fold(FullPath(path))] != nil {
		return nil
	}
	list, found, err := s.system.values(FullPath(path))
	if err != nil {
		return fmt.Errorf("registry key %s: %w", path, err)
	}
	if found {
		k := s.key(FullPath(path))
		for _, v := range list {
			k.values[fold(v.Name)] = value{name: v.Name, Value: v.Value}
		}
	}
	return nil
}

// Apply does what a .reg file says.
func (s *Settings) Apply(d *Document) {
	s.apply(d)
	s.changes = append(s.changes, d.Keys...)
}

func (s *Settings) apply(d *Document) {
	for _, k := range d.Keys {
		if k.Delete {
			s.removeKey(k.Path)
			continue
		}
		at := s.key(k.Path)
		for _, v := range k.Values {
			if v.Delete {
				delete(at.values, fold(v.Name))
			} else {
				at.values[fold(v.Name)] = value{v.Name, v.Value, Origin{d.File, v.Line}}
			}
		}
	}
}

// fold makes names equal that the registry takes for one.
func fold(s string) string { return strings.ToLower(s) }

func (s *Settings) removeKey(path string) {
	path = fold(path)
	maps.DeleteFunc(s.keys, func(p string, _ *key) bool { return p == path || strings.HasPrefix(p, path+`\`) })
}

func (s *Settings) key(path string) *key {
	k := s.keys[fold(path)]
	if k == nil {
		k = &key{path, map[string]value{}}
		s.keys[fold(path)] = k
	}
	return k
}

// Value is a value of a key, and where it stands.
func (s *Settings) Value(path, name string) (Value, Origin, bool) {
	k := s.keys[fold(FullPath(path))]
	if k == nil {
		return Value{}, Origin{}, false
	}
	v, ok := k.values[fold(name)]
	return v.Value, v.origin, ok
}

// Text is a REG_SZ or REG_EXPAND_SZ value; it isn't expanded.
func (s *Settings) Text(path, name string) (string, bool) {
	v, _, _ := s.Value(path, name)
	return v.Text()
}

// Number is a REG_DWORD value.
func (s *Settings) Number(path, name string) (uint32, bool) {
	v, _, _ := s.Value(path, name)
	n, ok := v.Number()
	return uint32(n), ok && v.Type == TypeDWord
}

// Names are those of a key's values, in order.
func (s *Settings) Names(path string) []string {
	k := s.keys[fold(FullPath(path))]
	if k == nil {
		return nil
	}
	var list []string
	for _, n := range slices.Sorted(maps.Keys(k.values)) {
		list = append(list, k.values[n].name)
	}
	return list
}

// HasKey tells whether there is a key.
func (s *Settings) HasKey(path string) bool { return s.keys[fold(FullPath(path))] != nil }

// Set sets a value, making its key where that isn't there.
func (s *Settings) Set(path, name string, v Value) {
	s.Apply(&Document{Keys: []DocumentKey{{Path: FullPath(path), Values: []DocumentValue{{Name: name, Value: v}}}}})
}

// SetText sets a REG_SZ value.
func (s *Settings) SetText(path, name, text string) { s.Set(path, name, TextValue(text)) }

// SetNumber sets a REG_DWORD value.
func (s *Settings) SetNumber(path, name string, n uint32) { s.Set(path, name, NumberValue(n)) }

// Unset removes a value and tells whether it was there.
func (s *Settings) Unset(path, name string) bool {
	if _, _, ok := s.Value(path, name); !ok {
		return false
	}
	s.Apply(&Document{Keys: []DocumentKey{{Path: FullPath(path), Values: []DocumentValue{{Name: name, Delete: true}}}}})
	return true
}

// UnsetKey removes a key with all below it and tells whether there was any of it.
func (s *Settings) UnsetKey(path string) bool {
	path = FullPath(path)
	before := len(s.keys)
	s.Apply(&Document{Keys: []DocumentKey{{Path: path, Delete: true}}})
	return len(s.keys) < before
}

// Document is all of the settings, sorted by key and name, or all below a key.
func (s *Settings) Document(below string) *Document {
	d := &Document{}
	below = fold(FullPath(below))
	for _, p := range slices.Sorted(maps.Keys(s.keys)) {
		if below != "" && p != below && !strings.HasPrefix(p, below+`\`) {
			continue
		}
		k := DocumentKey{Path: s.keys[p].path}
		for _, n := range slices.Sorted(maps.Keys(s.keys[p].values)) {
			v := s.keys[p].values[n]
			k.Values = append(k.Values, DocumentValue{Name: v.name, Value: v.Value, Line: v.origin.Line})
		}
		d.Keys = append(d.Keys, k)
	}
	return d
}

// Save writes the settings file of a home folder, whole or not at all; what came from the registry goes there, value by
// value.
func (s *Settings) Save(folder string) error {
	if s.system != nil {
		err := s.system.apply(s.changes)
		s.changes = nil
		return err
	}
	return home.Write(filepath.Join(folder, FileName), s.Document("").UTF8())
}

// Where says where the settings of a home folder lie, for people.
func (s *Settings) Where(folder string) string {
	if s.system != nil {
		return "the registry"
	}
	return filepath.Join(folder, FileName)
}
