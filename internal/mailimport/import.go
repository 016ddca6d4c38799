// Package mailimport puts .msg and .eml files, and trees of directories with such files, into a message store.
//
// A file that is named goes into the target folder, and so do the files in a directory that is named; directories in it
// become folders. Items that have folders of their own (appointments, contacts, tasks, notes, journal entries) go there
// instead, under the same names of folders below: what lies in friends/ of an import into the inbox goes into the folder
// friends of the contacts if it is a contact. Settings, views and rules become associated items of the target folder.
//
// Every file that is named, and every .msg and .eml file in the directories that are, is either imported or listed with the
// reason why not. Other files in directories, symbolic links to directories, and names that begin with a dot are left alone.
//
// Imported items are new ones: what names an item in the store that it was exported from is left out. Nothing else is
// changed; 8-bit strings stay as they are. Importing twice makes two.
package mailimport

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
)

// Options say where to import to and how. The zero value imports into the inbox what is whole.
type Options struct {
	// Folder is the target folder; empty: the one with the role.
	Folder mapi.EntryID
	// Role is that of the target folder if Folder is empty; empty: mapi.RoleInbox, or mapi.RoleIPM in a store without one.
	Role mapi.Role
	// KeepDamaged imports what is left of damaged items, and lists the damage as warnings. Without it they are failures.
	KeepDamaged bool
	// Progress is called after each file.
	Progress func(Progress)
}

// Progress tells how far an import is.
type Progress struct {
	Done, Total int // files
	File        string
}

// Result is what an import has done.
type Result struct {
	Imported int       `json:"imported"`
	Failed   []Failure `json:"failed"`
	// Warnings are about items that were imported although something is strange about them.
	Warnings []Failure `json:"warnings,omitempty"`
}

// Failure is a file or directory that was not imported, or not without doubts.
type Failure struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
	Lost   bool   `json:"lost,omitempty"` // of a warning: a part of the item is missing
}

// Import imports files and directories. What concerns a single file is in the result; an error means that the import ended
// early: ctx was cancelled, the target folder cannot be opened, or the store is full or gone. The result counts what was
// imported until then.
func Import(ctx context.Context, dst mapi.Store, paths []string, o Options) (Result, error) {
	r := Result{Failed: []Failure{}}
	target, err := openTarget(ctx, dst, o)
	if err != nil {
		return r, fmt.Errorf("open the folder to import into: %w", err)
	}
	files := find(paths, func(file string, err error) { r.fail(file, err) })
	places := &places{dst: dst, target: target, open: map[place]mapi.Folder{}}
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		err := importFile(ctx, places, f, o, &r)
		switch {
		case err == nil:
			r.Imported++
		case ctx.Err() != nil:
			return r, ctx.Err()
		case systemic(err):
			return r, fmt.Errorf("%s: %w", f.path, err)
		default:
			r.fail(f.path, err)
		}
		if o.Progress != nil {
			o.Progress(Progress{i + 1, len(files), f.path})
		}
	}
	return r, nil
}

func (r *Result) fail(file string, err error) {
	r.Failed = append(r.Failed, Failure{File: file, Reason: err.Error()})
}

func openTarget(ctx context.Context, dst mapi.Store, o Options) (mapi.Folder, error) {
	id := o.Folder
	if id == "" {
		role := o.Role
		if role == "" {
			role = mapi.RoleInbox
		}
		var err error
		id, err = dst.Special(ctx, role)
		if errors.Is(err, mapi.ErrNotFound) && o.Role == "" {
			id, err = dst.Special(ctx, mapi.RoleIPM)
		}
		if err != nil {
			return nil, err
		}
	}
	return dst.Folder(ctx, id)
}

// systemic tells whether an error would meet all further files too.
func systemic(err error) bool {
	var s *storeError
	if !errors.As(err, &s) {
		return false
	}
	for _, c := range []mapi.Code{mapi.ErrOutOfDisk, mapi.ErrNetwork, mapi.ErrLogonFailed, mapi.ErrNoSupport} {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}
