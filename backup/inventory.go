package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// State says what became of a part of a mailbox.
type State string

// States of a part.
const (
	StateIncluded    State = "included"
	StateAbsent      State = "absent"       // the mailbox has none
	StateRefused     State = "refused"      // the mailbox has it, or may have, and didn't give it all; Error says why
	StateNotIncluded State = "not included" // this version doesn't back it up; Note says what can be done instead
)

// Part is a part of a mailbox, and what became of it in a backup.
type Part struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Count int    `json:"count"`
	Error string `json:"error,omitempty"`
	Note  string `json:"note,omitempty"`
}

// Names of parts, in the order of reports.
const (
	PartMessages         = "messages"
	PartAssociated       = "associated messages"
	PartFolderProperties = "folder properties"
	PartPermissions      = "permissions"
	PartRules            = "rules"
	PartViews            = "views"
	PartSearchFolders    = "search folder definitions"
	PartRecoverable      = "recoverable items"
	PartArchive          = "archive mailbox"
	PartPublicFolders    = "public folders"
)

// inventory finds out what there is beside items and folders, stores it, and tells of each part what became of it.
type inventory struct {
	src    mapi.Store
	b      *snapshot.Builder
	f      *follower
	policy retry.Policy
	copied *transfer.Report

	permissions Part
	rules       Part
	recoverable Part
}

// run returns an error only where the backup cannot go on.
func (p *inventory) run(ctx context.Context) ([]Part, error) {
	p.permissions, p.rules = Part{Name: PartPermissions, State: StateAbsent}, Part{Name: PartRules, State: StateAbsent}
	p.recoverable = Part{Name: PartRecoverable, State: StateAbsent}
	if err := p.tables(ctx); err != nil {
		return nil, err
	}
	views, searches := p.definitions()
	normal, associated := p.b.Counts()
	of := func(name string, n int, kind mapi.Kind) Part {
		x := Part{Name: name, State: StateAbsent, Count: n}
		if n > 0 {
			x.State = StateIncluded
		}
		missing := 0
		for _, pr := range p.copied.Problems {
			if pr.Kind == kind && (pr.Item != "" || pr.Count > 0) {
				missing += max(pr.Count, 1)
				x.State, x.Error = StateRefused, pr.Err.Error()
			}
		}
		if missing > 0 {
			x.Note = fmt.Sprintf("%d could not be read; they are among the problems", missing)
		}
		return x
	}
	folders := Part{Name: PartFolderProperties, State: StateIncluded, Count: len(p.copied.Folders)}
	for _, pr := range p.copied.Problems {
		if pr.Item == "" && pr.Count == 0 {
			folders.State, folders.Error = StateRefused, pr.String()
		}
	}
	if n := p.copied.SearchFolders; n > 0 {
		searches.Note = fmt.Sprintf("of %d search folders what Outlook keeps to make them anew; not the criteria that the server has, nor what they find, which are messages of other folders", n)
		if searches.Count == 0 {
			searches.State = StateNotIncluded
		}
	}
	return []Part{of(PartMessages, normal, mapi.Normal), of(PartAssociated, associated, mapi.Associated), folders, p.permissions, p.rules, views, searches, p.recoverable,
		{Name: PartArchive, State: StateNotIncluded, Note: "nobody looks for one; it is a mailbox of its own and can be backed up under its own name (GUID@domain)"},
		{Name: PartPublicFolders, State: StateNotIncluded, Note: "this version opens no public folder stores"}}, nil
}

// refuse notes why something is missing.
func (x *Part) refuse(err error) {
	x.State = StateRefused
	if x.Error == "" {
		x.Error = err.Error()
	}
}

// tables stores permissions, rules and soft-deleted items of all folders.
func (p *inventory) tables(ctx context.Context) error {
	var ids []mapi.EntryID
	for _, f := range p.copied.Folders {
		if p.f.made[f.ID] != "" {
			ids = append(ids, f.ID)
		}
	}
	tabler, ok := mapi.As[mapi.FolderTabler](p.src)
	if !ok {
		p.permissions.Note = "this kind of store has none"
		p.rules.Note = p.permissions.Note
		return p.recoverableOf(ctx, ids)
	}
	var deleted []mapi.EntryID
	waiting := map[mapi.EntryID]bool{}
	for _, id := range ids {
		waiting[id] = true
	}
	err := p.policy.Do(ctx, func(int) error {
		var left []mapi.EntryID
		for _, id := range ids {
			if waiting[id] {
				left = append(left, id)
			}
		}
		for t, err := range tabler.FolderTables(ctx, left) {
			if err != nil {
				return err
			}
			delete(waiting, t.Folder)
			if err := p.folder(t); err != nil {
				return err
			}
			if t.Recoverable > 0 {
				deleted = append(deleted, t.Folder)
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		for _, x := range []*Part{&p.permissions, &p.rules, &p.recoverable} {
			x.refuse(err)
		}
		return nil
	}
	return p.recoverableOf(ctx, deleted)
}

// folder stores the tables of a folder.
func (p *inventory) folder(t mapi.FolderTables) error {
	for _, x := range []struct {
		part *Part
		rows []mapi.Props
		err  error
	}{{&p.permissions, t.Permissions, t.PermissionsErr}, {&p.rules, t.Rules, t.RulesErr}} {
		switch {
		case x.err != nil:
			x.part.refuse(x.err)
		case len(x.rows) > 0:
			x.part.Count += len(x.rows)
			if x.part.State == StateAbsent {
				x.part.State = StateIncluded
			}
		}
	}
	if t.RecoverableErr != nil {
		p.recoverable.refuse(t.RecoverableErr)
	}
	return p.b.SetTables(p.f.made[t.Folder], t.Permissions, t.Rules)
}

// recoverableOf stores the soft-deleted items of folders.
func (p *inventory) recoverableOf(ctx context.Context, folders []mapi.EntryID) error {
	for _, id := range folders {
		err := p.recoverableIn(ctx, id)
		var broken *snapshot.RepositoryError
		switch {
		case ctx.Err() != nil || errors.As(err, &broken):
			return err
		case errors.Is(err, mapi.ErrNoSupport):
			p.recoverable.Note = "this kind of store keeps none"
			return nil
		case err != nil:
			p.recoverable.refuse(err)
		}
	}
	return nil
}

// versionColumns tell which version of which item one is.
var versionColumns = []mapi.Key{mapi.TagKey(pid.TagSourceKey), mapi.TagKey(pid.TagChangeKey)}

func versionOf(r mapi.Row) (source, version string) {
	s, _ := r.Values[0].([]byte)
	c, _ := r.Values[1].([]byte)
	return string(s), string(c)
}

// recoverableIn stores the soft-deleted items of a folder; those that the last snapshot has are taken from it.
func (p *inventory) recoverableIn(ctx context.Context, id mapi.EntryID) error {
	src, err := retry.Get(ctx, p.policy, func() (mapi.Folder, error) { return p.src.Folder(ctx, id) })
	if err != nil {
		return err
	}
	at := p.f.made[id]
	var rows []mapi.Row
	err = p.policy.Do(ctx, func(int) error {
		rows = nil
		for r, err := range src.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted, Columns: versionColumns}) {
			if err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	taken, err := p.inherited(ctx, id, at, rows)
	if err != nil {
		return err
	}
	dst, err := p.b.Folder(ctx, at)
	if err != nil {
		return err
	}
	for _, r := range rows {
		source, _ := versionOf(r)
		if taken[source] {
			p.recoverable.found()
			continue
		}
		err := p.policy.Do(ctx, func(int) error { return p.save(ctx, src, dst, r, []byte(source)) })
		var broken *snapshot.RepositoryError
		switch {
		case ctx.Err() != nil || errors.As(err, &broken):
			return err
		case err != nil:
			p.recoverable.refuse(err)
		default:
			p.recoverable.found()
		}
	}
	return nil
}

func (x *Part) found() {
	x.Count++
	if x.State == StateAbsent {
		x.State = StateIncluded
	}
}

// inherited takes what the last snapshot has in the same version.
func (p *inventory) inherited(ctx context.Context, id, at mapi.EntryID, rows []mapi.Row) (map[string]bool, error) {
	if p.f.old == nil || p.f.saved == nil || p.f.saved.Folders[id].At == "" {
		return nil, nil
	}
	from := p.f.saved.Folders[id].At
	old, err := p.f.old.Folder(ctx, from)
	if err != nil {
		return nil, nil // all is read then
	}
	had := map[string]string{}
	for r, err := range old.Rows(ctx, mapi.Query{Kind: mapi.SoftDeleted, Columns: versionColumns}) {
		if err != nil {
			return nil, nil
		}
		source, version := versionOf(r)
		had[source] = version
	}
	only := map[string]bool{}
	for _, r := range rows {
		if source, version := versionOf(r); source != "" && version != "" && had[source] == version {
			only[source] = true
		}
	}
	if len(only) == 0 {
		return nil, nil
	}
	taken, err := p.b.InheritRecoverable(ctx, at, p.f.old, from, only)
	if err != nil && ctx.Err() == nil {
		return nil, nil
	}
	return taken, err
}

func (p *inventory) save(ctx context.Context, src, dst mapi.Folder, r mapi.Row, source []byte) error {
	w, err := dst.Create(ctx, mapi.SoftDeleted)
	if err != nil {
		return err
	}
	defer w.Close()
	if i, ok := w.(transfer.Identifier); ok && len(source) > 0 {
		i.Identify(source)
	}
	if err := src.Read(ctx, r.ID, w); err != nil {
		return err
	}
	_, err = w.Commit(ctx)
	return err
}

// Message classes of definitions ([MS-OXOCFG] 2.2.6, [MS-OXOSRCH] 2.2.1.2.1).
const (
	classView         = "ipm.microsoft.folderdesign.namedview"
	classSearchFolder = "ipm.microsoft.wunderbar.sfinfo"
)

// definitions counts the associated messages that define views and search folders, which are backed up as all others are.
func (p *inventory) definitions() (views, searches Part) {
	views, searches = Part{Name: PartViews, State: StateAbsent}, Part{Name: PartSearchFolders, State: StateAbsent}
	for class, n := range p.b.AssociatedClasses() {
		x := &views
		switch class = strings.ToLower(class); {
		case strings.HasPrefix(class, classSearchFolder):
			x = &searches
		case !strings.HasPrefix(class, classView):
			continue
		}
		x.Count, x.State, x.Note = x.Count+n, StateIncluded, "among the associated messages"
	}
	return views, searches
}
