package backup

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencdo/opencdo/internal/transfer"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// pairing notes which folders a restore copies to which. It is a planner that leaves everything as it would be without one.
type pairing struct{ to map[mapi.EntryID]mapi.EntryID }

// Begin implements transfer.Planner.
func (*pairing) Begin(context.Context, []mapi.EntryID) error { return nil }

// Plan implements transfer.Planner.
func (p *pairing) Plan(_ context.Context, src, dst mapi.Folder) (*transfer.Plan, error) {
	p.to[src.ID()] = dst.ID()
	return &transfer.Plan{List: true}, nil
}

// restoreTables gives the destination's folders the permissions and rules of those that were restored, as far as o asks for it.
func restoreTables(ctx context.Context, src, dst mapi.Store, folders map[mapi.EntryID]mapi.EntryID, o RestoreOptions) ([]Part, error) {
	permissions, rules := Part{Name: PartPermissions, State: StateAbsent}, Part{Name: PartRules, State: StateAbsent}
	from, ok := mapi.As[mapi.FolderTabler](src)
	if !ok {
		return nil, nil
	}
	to, takes := mapi.As[mapi.FolderTabler](dst)
	apply := func(x *Part, rows []mapi.Props, add func() error) {
		if len(rows) == 0 {
			return
		}
		err := error(&mapi.Error{Op: "restore " + x.Name, Code: mapi.ErrNoSupport, Err: fmt.Errorf("this kind of store has none")})
		if takes {
			err = o.policy().Do(ctx, func(int) error { return add() })
		}
		if err != nil {
			x.refuse(err)
			return
		}
		x.Count += len(rows)
		if x.State == StateAbsent {
			x.State = StateIncluded
		}
	}
	ids := make([]mapi.EntryID, 0, len(folders))
	for id := range folders {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for t, err := range from.FolderTables(ctx, ids) {
		if err != nil {
			return nil, err
		}
		at := folders[t.Folder]
		if o.Permissions {
			apply(&permissions, t.Permissions, func() error { return to.AddPermissions(ctx, at, t.Permissions) })
		}
		if o.Rules {
			apply(&rules, t.Rules, func() error {
				missing, err := missingRules(ctx, to, at, t.Rules)
				if err != nil || len(missing) == 0 {
					return err
				}
				return to.AddRules(ctx, at, missing)
			})
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	var parts []Part
	if o.Permissions {
		parts = append(parts, permissions)
	}
	if o.Rules {
		rules.Note = "folders and messages that rules name are those of the old mailbox"
		parts = append(parts, rules)
	}
	return parts, nil
}

// missingRules are those of which the folder has none of the same name, provider and sequence.
func missingRules(ctx context.Context, to mapi.FolderTabler, at mapi.EntryID, rules []mapi.Props) ([]mapi.Props, error) {
	key := func(r mapi.Props) string {
		return fmt.Sprintf("%q %q %v", r.Text(pid.TagRuleName), r.Text(pid.TagRuleProvider), r.Tag(pid.TagRuleSequence))
	}
	there := map[string]bool{}
	for t, err := range to.FolderTables(ctx, []mapi.EntryID{at}) {
		if err != nil {
			return nil, err
		}
		if t.RulesErr != nil {
			return nil, t.RulesErr
		}
		for _, r := range t.Rules {
			there[key(r)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(rules), func(r mapi.Props) bool { return there[key(r)] }), nil
}
