package msgdir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// formatVersion is that of folderFile.
const formatVersion = 1

// folderInfo is the content of a folderFile.
type folderInfo struct {
	Format    int         `json:"format"`
	Name      string      `json:"name"`
	Directory string      `json:"directory,omitempty"` // the name of the directory when Name was set
	Kind      string      `json:"kind,omitempty"`      // set in snapshots only
	Roles     []mapi.Role `json:"roles,omitempty"`
}

// maxInfo is how large a folderFile can be; it has a name and some roles.
const maxInfo = 1 << 20

// info reads the folderFile of a folder; without a good one it is what the directory says. The lock is held.
func (s *Store) info(name string) folderInfo {
	dir := path.Base(name)
	if name == "." {
		dir = path.Base(s.dir)
	}
	var info folderInfo
	if st, err := s.root.Lstat(path.Join(name, folderFile)); err == nil && st.Size() <= maxInfo {
		if b, err := s.root.ReadFile(path.Join(name, folderFile)); err == nil {
			if json.Unmarshal(b, &info) != nil {
				info = folderInfo{}
			}
		}
	}
	if info.Name == "" || info.Directory != "" && info.Directory != dir && name != "." {
		info.Name = dir
	}
	return info
}

// setInfo writes the folderFile of a folder. The lock is held.
func (s *Store) setInfo(name string, info folderInfo) error {
	info.Format, info.Directory = formatVersion, path.Base(name)
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	return s.replaceFile(path.Join(name, folderFile), func(w writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// props reads the properties of a folder, without its name and without what is computed. The lock is held.
func (s *Store) props(name string) (mapi.Props, error) {
	it, _, err := s.openItem(path.Join(name, folderProps), msgfile.Options{})
	if errors.Is(err, mapi.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return own(it.Props), nil
}

// own is props without those that the store makes itself.
func own(props mapi.Props) mapi.Props {
	for _, p := range computed(mapi.FolderInfo{}) {
		props.Delete(p.Key)
	}
	props.Delete(mapi.TagKey(pid.TagDisplayName.WithType(mapi.TypeString8)))
	return props
}

// setProps writes the properties of a folder. The lock is held.
func (s *Store) setProps(name string, props mapi.Props) error {
	file := path.Join(name, folderProps)
	m, err := msgfile.Plan(&mapi.Item{Props: props})
	if err != nil {
		return err
	}
	var msg, sidecar bytes.Buffer // large values stay in the old file until this is done
	if _, err := m.WriteTo(&msg); err != nil {
		return err
	}
	if _, err := m.WriteSidecar(&sidecar); err != nil {
		return err
	}
	if m.NeedsSidecar() {
		err = s.replaceFile(file+msgfile.SidecarExt, func(w writer) error { _, err := sidecar.WriteTo(w); return err })
	} else if err = s.root.Remove(file + msgfile.SidecarExt); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return failed("write folder", name, err)
	}
	return s.replaceFile(file, func(w writer) error { _, err := msg.WriteTo(w); return err })
}
