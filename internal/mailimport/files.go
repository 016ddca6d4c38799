package mailimport

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencdo/opencdo/internal/mime"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/msgfile"
)

// file is a file to import.
type file struct {
	path   string
	folder string // below the target, names separated by slashes; "" for the target itself
}

// maxDepth bounds how deep directories are followed.
const maxDepth = 200

var errKind = errors.New("neither a .msg nor a .eml file")

// find lists the files that paths stand for, in the order of paths and names. failed is told of what cannot be.
func find(paths []string, failed func(string, error)) (list []file) {
	for _, p := range paths {
		st, err := os.Stat(p)
		switch {
		case err != nil:
			failed(p, err)
		case st.IsDir():
			list = findIn(list, p, "", 0, failed)
		case opener(p) == nil:
			failed(p, errKind)
		default:
			list = append(list, file{p, ""})
		}
	}
	return list
}

func findIn(list []file, dir, folder string, depth int, failed func(string, error)) []file {
	if depth > maxDepth {
		failed(dir, &mapi.Error{Op: "list directory", Code: mapi.ErrTooComplex})
		return list
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		failed(dir, err)
	}
	for _, e := range entries {
		name := e.Name()
		path := filepath.Join(dir, name)
		switch {
		case strings.HasPrefix(name, "."):
		case e.IsDir():
			list = findIn(list, path, strings.TrimPrefix(folder+"/"+name, "/"), depth+1, failed)
		case opener(name) != nil && (e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0):
			list = append(list, file{path, folder})
		}
	}
	return list
}

// item is an open file.
type item interface {
	content() *mapi.Item
	Close() error
}

type msg struct{ *msgfile.File }

func (m msg) content() *mapi.Item { return &m.Item }

type eml struct{ *mime.File }

func (m eml) content() *mapi.Item { return &m.Item }

// damage is told what is wrong with a file, and decides whether it is read in spite of that.
type damage func(*mapi.Error) error

// opener opens the files that a name is one of; nil for names that are of no mail.
func opener(name string) func(path string, d damage) (item, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".msg":
		return func(path string, d damage) (item, error) {
			var stop error
			f, err := msgfile.Options{Report: func(e *mapi.Error) {
				if stop == nil {
					stop = d(e)
				}
			}}.OpenFile(path)
			if err == nil && stop != nil {
				f.Close()
				err = stop
			}
			if err != nil {
				return nil, err
			}
			return msg{f}, nil
		}
	case ".eml":
		return func(path string, d damage) (item, error) {
			f, err := mime.Options{Damage: d}.OpenFile(path)
			if err != nil {
				return nil, err
			}
			return eml{f}, nil
		}
	}
	return nil
}
