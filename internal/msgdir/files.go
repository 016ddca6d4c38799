package msgdir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

type writer = io.Writer

// temporary writes a file with a name that nobody looks at, to the disk.
func (s *Store) temporary(dir string, write func(writer) error) (name string, err error) {
	name = path.Join(dir, ".tmp-"+rand.Text())
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", failed("write", name, err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err != nil {
		s.root.Remove(name)
		return "", err
	}
	return name, nil
}

// replaceFile writes a file so that it is there as it was or as it will be, whatever happens.
func (s *Store) replaceFile(name string, write func(writer) error) error {
	tmp, err := s.temporary(path.Dir(name), write)
	if err != nil {
		return err
	}
	if err := s.root.Rename(tmp, name); err != nil {
		s.root.Remove(tmp)
		return failed("write", name, err)
	}
	return s.syncDir(path.Dir(name))
}

// syncDir makes names in a directory last. Windows does that itself and cannot be asked to.
func (s *Store) syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := s.root.Open(dir)
	if err != nil {
		return failed("write", dir, err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return failed("write", dir, err)
	}
	return nil
}

// reserve makes an empty file with a name that nothing has, which is no item yet.
func (s *Store) reserve(dir, name, ext string) (string, error) {
	for n := 1; ; n++ {
		full := path.Join(dir, numbered(name, n, ext))
		f, err := s.root.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", failed("write", full, err)
		}
		return full, f.Close()
	}
}

// staged are the files of an item that isn't visible yet.
type staged struct {
	s            *Store
	msg, sidecar string // sidecar is "" if there is none
}

// stage writes the files of an item.
func (s *Store) stage(dir string, m *msgfile.Message) (*staged, error) {
	st := &staged{s: s}
	var err error
	st.msg, err = s.temporary(dir, func(w writer) error { _, err := m.WriteTo(w); return err })
	if err == nil && m.NeedsSidecar() {
		st.sidecar, err = s.temporary(dir, func(w writer) error { _, err := m.WriteSidecar(w); return err })
	}
	if err != nil {
		st.discard()
		return nil, err
	}
	return st, nil
}

// place gives the files their names: the .msg file after its sidecar, so that the item is whole when it is seen. A sidecar
// that is left of another content goes after it, so that a failure between loses nothing. The lock is held.
func (st *staged) place(name string) error {
	stale := st.sidecar == ""
	var err error
	if !stale {
		err = st.s.root.Rename(st.sidecar, name+msgfile.SidecarExt)
	}
	if err == nil {
		err = st.s.root.Rename(st.msg, name)
	}
	if err == nil && stale {
		err = st.s.removeSidecar(name)
	}
	if err != nil {
		return failed("save item", name, err)
	}
	st.msg, st.sidecar = "", ""
	return st.s.syncDir(path.Dir(name))
}

// removeSidecar removes the sidecar of a .msg file, if it has one.
func (s *Store) removeSidecar(name string) error {
	if err := s.root.Remove(name + msgfile.SidecarExt); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (st *staged) discard() {
	for _, name := range []string{st.msg, st.sidecar} {
		if name != "" {
			st.s.root.Remove(name)
		}
	}
	st.msg, st.sidecar = "", ""
}

// file is a file that is opened anew for each reading after it was closed: tables hold it longer than systems like an
// open file.
type file struct {
	s    *Store
	name string
	f    *os.File
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if f.f != nil {
		return f.f.ReadAt(p, off)
	}
	again, err := f.s.root.Open(f.name)
	if err != nil {
		return 0, err
	}
	defer again.Close()
	return again.ReadAt(p, off)
}

// open opens a file and gives its size.
func (f *file) open() (int64, error) {
	st, err := f.s.root.Lstat(f.name)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%w: no regular file", fs.ErrNotExist)
	}
	if err == nil {
		f.f, err = f.s.root.Open(f.name)
	}
	if err != nil {
		return 0, err
	}
	if st, err = f.f.Stat(); err != nil {
		f.close()
		return 0, err
	}
	return st.Size(), nil
}

func (f *file) close() {
	if f.f != nil {
		f.f.Close()
		f.f = nil
	}
}

// openFiles opens a .msg file and its sidecar. The lock is held, so that they belong together.
func (s *Store) openFiles(op, name string) (msg *file, size int64, sidecar *io.SectionReader, done func(), err error) {
	msg, rest := &file{s: s, name: name}, &file{s: s, name: name + msgfile.SidecarExt}
	if size, err = msg.open(); err == nil && size == 0 {
		msg.close()
		err = fs.ErrNotExist // only its name is reserved
	}
	if err != nil {
		return nil, 0, nil, nil, failed(op, name, err)
	}
	restSize, err := rest.open()
	switch {
	case err == nil:
		sidecar = io.NewSectionReader(rest, 0, restSize)
	case !errors.Is(err, fs.ErrNotExist):
		msg.close()
		return nil, 0, nil, nil, failed(op, rest.name, err)
	}
	return msg, size, sidecar, func() { msg.close(); rest.close() }, nil
}

// openItem reads an item; its large values are read from the file when they are wanted. The lock is held.
func (s *Store) openItem(name string, o msgfile.Options) (*mapi.Item, int64, error) {
	const op = "open item"
	msg, size, sidecar, done, err := s.openFiles(op, name)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	o.Sidecar = sidecar
	it, err := o.Open(msg, size)
	if err != nil {
		return nil, 0, &mapi.Error{Op: op, Object: name, Code: mapi.CodeOf(err), Err: err}
	}
	return it, size, nil
}
