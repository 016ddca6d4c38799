package settings

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

func systemRegistry() systemKeys { return systemKeys{} }

// systemKeys is the registry of this machine, in its 64-bit view: there both views are, one below Wow6432Node. A 32-bit
// Windows has one view only and doesn't mind the flag.
type systemKeys struct{}

const view = registry.WOW64_64KEY

func (systemKeys) open(path string, access uint32) (registry.Key, error) {
	root, sub, err := split(path)
	if err != nil {
		return 0, err
	}
	return registry.OpenKey(root, sub, access|view)
}

func split(path string) (registry.Key, string, error) {
	name, sub, _ := strings.Cut(path, `\`)
	for full, root := range map[string]registry.Key{CurrentUser: registry.CURRENT_USER, LocalMachine: registry.LOCAL_MACHINE,
		"HKEY_CLASSES_ROOT": registry.CLASSES_ROOT, "HKEY_USERS": registry.USERS, "HKEY_CURRENT_CONFIG": registry.CURRENT_CONFIG} {
		if strings.EqualFold(full, name) {
			return root, sub, nil
		}
	}
	return 0, "", fmt.Errorf("%s is no root of the registry", name)
}

func (k systemKeys) values(path string) (list []DocumentValue, found bool, err error) {
	key, err := k.open(path, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer key.Close()
	names, err := key.ReadValueNames(0)
	if err != nil {
		return nil, true, err
	}
	for _, name := range names {
		size, kind, err := key.GetValue(name, nil)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, true, err
		}
		data := make([]byte, size)
		if size, _, err = key.GetValue(name, data); err != nil {
			return nil, true, err
		}
		list = append(list, DocumentValue{Name: name, Value: Value{Type(kind), data[:size]}})
	}
	return list, true, nil
}

func (k systemKeys) apply(changes []DocumentKey) error {
	for _, c := range changes {
		root, sub, err := split(c.Path)
		if err != nil {
			return err
		}
		if c.Delete {
			if err := remove(root, sub); err != nil {
				return fmt.Errorf("registry key %s: %w", c.Path, err)
			}
			continue
		}
		key, _, err := registry.CreateKey(root, sub, registry.SET_VALUE|view)
		if err != nil {
			return fmt.Errorf("registry key %s: %w", c.Path, err)
		}
		for _, v := range c.Values {
			if v.Delete {
				err = key.DeleteValue(v.Name)
				if errors.Is(err, registry.ErrNotExist) {
					err = nil
				}
			} else {
				err = setValue(key, v)
			}
			if err != nil {
				key.Close()
				return fmt.Errorf("registry key %s, value %q: %w", c.Path, v.Name, err)
			}
		}
		if err := key.Close(); err != nil {
			return err
		}
	}
	return nil
}

var regSetValueEx = windows.NewLazySystemDLL("advapi32.dll").NewProc("RegSetValueExW")

// setValue writes the bytes of a value of any type; the package has functions for some types only.
func setValue(key registry.Key, v DocumentValue) error {
	name, err := syscall.UTF16PtrFromString(v.Name)
	if err != nil {
		return err
	}
	var data *byte
	if len(v.Value.Data) > 0 {
		data = &v.Value.Data[0]
	}
	if r, _, _ := regSetValueEx.Call(uintptr(key), uintptr(unsafe.Pointer(name)), 0, uintptr(v.Value.Type),
		uintptr(unsafe.Pointer(data)), uintptr(len(v.Value.Data))); r != 0 {
		return syscall.Errno(r)
	}
	return nil
}

// remove removes a key with all below it.
func remove(root registry.Key, path string) error {
	key, err := registry.OpenKey(root, path, registry.ENUMERATE_SUB_KEYS|view)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	names, err := key.ReadSubKeyNames(0)
	key.Close()
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := remove(root, path+`\`+n); err != nil {
			return err
		}
	}
	parent, name := path, ""
	if i := strings.LastIndexByte(path, '\\'); i >= 0 {
		parent, name = path[:i], path[i+1:]
	} else {
		parent, name = "", path
	}
	at, err := registry.OpenKey(root, parent, registry.WRITE|view)
	if err != nil {
		return err
	}
	defer at.Close()
	return registry.DeleteKey(at, name)
}
