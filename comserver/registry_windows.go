package comserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// Registration says how a server is made known.
type Registration struct {
	User     bool // for the current user only, which needs no rights
	TakeOver bool // classes that another product has registered too; what it registered is kept for Unregister
}

const (
	classesKey = `Software\Classes`
	marker     = "Registered by" // the value that tells our trees from those of others
)

var (
	advapi32      = windows.NewLazySystemDLL("advapi32.dll")
	regCopyTree   = advapi32.NewProc("RegCopyTreeW")
	regDeleteTree = advapi32.NewProc("RegDeleteTreeW")
)

// registrar writes for one scope.
type registrar struct {
	config Config
	hive   registry.Key
	user   bool
	views  []uint32 // of the trees that exist once for 64-bit and once for 32-bit programs
}

func newRegistrar(c Config, user bool) *registrar {
	r := &registrar{config: c, hive: registry.LOCAL_MACHINE, user: user, views: []uint32{registry.WOW64_64KEY, registry.WOW64_32KEY}}
	if user {
		r.hive = registry.CURRENT_USER
	}
	var wow bool
	if runtime.GOARCH == "386" && (windows.IsWow64Process(windows.CurrentProcess(), &wow) != nil || !wow) {
		r.views = []uint32{0} // Windows for 32 bits
	}
	return r
}

// Register makes the classes known to COM and writes the type library. It gives the names of the classes that were left to the
// products that have them.
func Register(c Config, o Registration) (left []string, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := newRegistrar(c, o.User)
	library, err := r.typeLibraryPath(exe)
	if err != nil {
		return nil, err
	}
	if err := windows.CoInitializeEx(0, windows.COINIT_MULTITHREADED); err == nil {
		defer windows.CoUninitialize()
	}
	if err := os.MkdirAll(filepath.Dir(library), 0o755); err != nil {
		return nil, err
	}
	if err := WriteTypeLibrary(library, c); err != nil {
		return nil, err
	}
	trees := registration(c, exe, library)
	if left, err = r.taken(trees, o.TakeOver); err != nil {
		return nil, err
	}
	for _, t := range trees {
		if slices.Contains(left, t.group) {
			continue
		}
		for _, view := range r.viewsOf(t) {
			if err := r.write(t, view, o.TakeOver); err != nil {
				return left, rights(err, o.User)
			}
		}
	}
	return left, nil
}

// Unregister removes what Register wrote, and puts back what stood there before.
func Unregister(c Config, user bool) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	r := newRegistrar(c, user)
	library, err := r.typeLibraryPath(exe)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range registration(c, exe, library) {
		for _, view := range r.viewsOf(t) {
			errs = append(errs, r.remove(t, view))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return rights(err, user)
	}
	r.deleteTree("Software", r.views[0], c.Name+" COM")
	if err := os.Remove(library); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func rights(err error, user bool) error {
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) && !user {
		return fmt.Errorf("%w: registering for the machine takes an administrator; /user registers for yourself only", err)
	}
	return err
}

// typeLibraryPath is beside the program, and for a user in his own folder, as the program's may be read-only.
func (r *registrar) typeLibraryPath(exe string) (string, error) {
	if !r.user {
		return filepath.Join(filepath.Dir(exe), r.config.Name+".tlb"), nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, r.config.Name, r.config.Name+".tlb"), err
}

func (r *registrar) viewsOf(t regTree) []uint32 {
	if t.perView {
		return r.views
	}
	return r.views[:1]
}

// taken finds the groups that another product has registered.
func (r *registrar) taken(trees []regTree, takeOver bool) (left []string, err error) {
	for _, t := range trees {
		if t.group == "" || slices.Contains(left, t.group) {
			continue
		}
		for _, view := range r.viewsOf(t) {
			if r.user && r.foreign(registry.LOCAL_MACHINE, t.root, view) {
				if takeOver {
					return nil, fmt.Errorf("%s is registered for the machine, which a registration for a user cannot hide reliably: take it over with /machine", t.group)
				}
				left = append(left, t.group)
				break
			}
			if !takeOver && r.foreign(r.hive, t.root, view) {
				left = append(left, t.group)
				break
			}
		}
	}
	return left, nil
}

// foreign tells whether a tree is there that we didn't write.
func (r *registrar) foreign(hive registry.Key, root string, view uint32) bool {
	k, err := registry.OpenKey(hive, classesKey+`\`+root, registry.QUERY_VALUE|view)
	if err != nil {
		return false
	}
	defer k.Close()
	s, _, err := k.GetStringValue(marker)
	return err != nil || s != r.config.Name
}

// saved is where a tree of another product is kept.
func (r *registrar) saved(t regTree, view uint32) string {
	name := map[uint32]string{registry.WOW64_32KEY: "32-bit"}[view]
	if name == "" {
		name = "Classes"
	}
	return `Software\` + r.config.Name + ` COM\Replaced\` + name + `\` + t.root
}

// write puts a tree in place. One of another product is saved before, or left.
func (r *registrar) write(t regTree, view uint32, takeOver bool) error {
	if r.foreign(r.hive, t.root, view) {
		if !takeOver && t.replaces {
			return nil
		}
		if t.replaces {
			if err := r.copyTree(classesKey+`\`+t.root, view, r.saved(t, view), r.views[0]); err != nil {
				return fmt.Errorf("keeping %s: %w", t.root, err)
			}
		}
	}
	if err := r.delete(t.root, view); err != nil {
		return err
	}
	for _, k := range t.keys {
		path := strings.TrimSuffix(classesKey+`\`+t.root+`\`+k.path, `\`)
		h, _, err := registry.CreateKey(r.hive, path, registry.SET_VALUE|view)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		values := k.values
		if k.path == "" {
			values = append(slices.Clip(values), [2]string{marker, r.config.Name})
		}
		for _, v := range values {
			if err = h.SetStringValue(v[0], v[1]); err != nil {
				break
			}
		}
		h.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// remove takes a tree of ours away and puts the one back that it replaced.
func (r *registrar) remove(t regTree, view uint32) error {
	path := classesKey + `\` + t.root
	if k, err := registry.OpenKey(r.hive, path, registry.QUERY_VALUE|view); err != nil || r.foreign(r.hive, t.root, view) {
		if err == nil {
			k.Close()
		}
		return nil // not there, or another product's by now
	} else {
		k.Close()
	}
	if err := r.delete(t.root, view); err != nil {
		return err
	}
	saved := r.saved(t, view)
	k, err := registry.OpenKey(r.hive, saved, registry.QUERY_VALUE|r.views[0])
	if err != nil {
		return nil
	}
	k.Close()
	if err := r.copyTree(saved, r.views[0], path, view); err != nil {
		return fmt.Errorf("putting %s back: %w", t.root, err)
	}
	return nil
}

// delete removes a tree below Software\Classes, and the key of a type library when no other version is left.
func (r *registrar) delete(root string, view uint32) error {
	parent, name := classesKey, root
	if i := strings.LastIndexByte(root, '\\'); i >= 0 {
		parent, name = classesKey+`\`+root[:i], root[i+1:]
	}
	if err := r.deleteTree(parent, view, name); err != nil {
		return fmt.Errorf("%s: %w", root, err)
	}
	if strings.HasPrefix(root, `TypeLib\`) {
		registry.DeleteKey(r.hive, parent) // fails where it isn't empty
	}
	return nil
}

func (r *registrar) deleteTree(parent string, view uint32, name string) error {
	k, err := registry.OpenKey(r.hive, parent, registry.ALL_ACCESS|view)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		// Without the right to change it there may still be nothing to delete.
		if probe, e := registry.OpenKey(r.hive, parent+`\`+name, registry.QUERY_VALUE|view); e == nil {
			probe.Close()
			return err
		}
		return nil
	}
	defer k.Close()
	s, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	c, _, _ := regDeleteTree.Call(uintptr(k), uintptr(unsafe.Pointer(s)))
	if err := windows.Errno(c); err != 0 && err != windows.ERROR_FILE_NOT_FOUND {
		return err
	}
	return nil
}

// copyTree replaces one key by a copy of another.
func (r *registrar) copyTree(from string, fromView uint32, to string, toView uint32) error {
	source, err := registry.OpenKey(r.hive, from, registry.READ|fromView)
	if err != nil {
		return err
	}
	defer source.Close()
	target, _, err := registry.CreateKey(r.hive, to, registry.ALL_ACCESS|toView)
	if err != nil {
		return err
	}
	defer target.Close()
	if c, _, _ := regCopyTree.Call(uintptr(source), 0, uintptr(target)); c != 0 {
		return windows.Errno(c)
	}
	return nil
}
