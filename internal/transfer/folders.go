package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// maxFolderDepth ends a walk through folders that contain themselves.
const maxFolderDepth = 300

// node is a folder of the source.
type node struct {
	info     mapi.FolderInfo
	path     string
	role     mapi.Role
	children []*node
}

// walk finds the folders to be copied, then makes each in the destination and copies its items.
func (r *run) walk(ctx context.Context) error {
	var err error
	if r.roles, err = r.rolesOf(ctx, r.src); err != nil {
		return err
	}
	roles, err := r.rolesOf(ctx, r.dst)
	if err != nil {
		return err
	}
	r.special = map[mapi.EntryID]bool{}
	for id := range roles {
		r.special[id] = true
	}
	from := r.From
	if from == "" {
		if from, err = r.specialIn(ctx, r.src, mapi.RoleRoot); err != nil {
			return err
		}
	}
	src, err := r.open(ctx, r.src, from)
	if err != nil {
		return err
	}
	top, err := r.top(ctx, src)
	if err != nil {
		return err
	}
	dst, err := r.destination(ctx, src, top)
	if err != nil {
		return err
	}
	r.report.To = dst.ID()
	if len(r.Items) == 0 {
		if err := r.findAll(ctx, top, src); err != nil {
			return err
		}
	}
	if r.Planner != nil {
		if err := r.Planner.Begin(ctx, top.ids(nil)); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.tell("")
	r.mu.Unlock()
	return r.copyFolder(ctx, top, src, dst, false)
}

// What is asked of the stores beside items is asked again when the connection was lost.

func (r *run) specialIn(ctx context.Context, s mapi.Store, role mapi.Role) (mapi.EntryID, error) {
	return retry.Get(ctx, r.policy(), func() (mapi.EntryID, error) { return s.Special(ctx, role) })
}

func (r *run) open(ctx context.Context, s mapi.Store, id mapi.EntryID) (mapi.Folder, error) {
	return retry.Get(ctx, r.policy(), func() (mapi.Folder, error) { return s.Folder(ctx, id) })
}

func (r *run) props(ctx context.Context, f mapi.Folder) (mapi.Props, error) {
	return retry.Get(ctx, r.policy(), func() (mapi.Props, error) { return f.Props(ctx) })
}

// rolesOf finds the special folders of a store. Some stores have one folder for two roles; that of the visible root comes
// first then.
func (r *run) rolesOf(ctx context.Context, s mapi.Store) (map[mapi.EntryID][]mapi.Role, error) {
	find := func(role mapi.Role) (mapi.EntryID, error) { return r.specialIn(ctx, s, role) }
	if l, ok := mapi.As[mapi.RoleLister](s); ok {
		all, err := retry.Get(ctx, r.policy(), func() (map[mapi.Role]mapi.EntryID, error) { return l.SpecialFolders(ctx) })
		if err != nil {
			return nil, err
		}
		find = func(role mapi.Role) (mapi.EntryID, error) {
			if id, ok := all[role]; ok {
				return id, nil
			}
			return "", mapi.ErrNotFound
		}
	}
	m := map[mapi.EntryID][]mapi.Role{}
	for _, role := range mapi.Roles {
		id, err := find(role)
		if errors.Is(err, mapi.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if role == mapi.RoleIPM {
			m[id] = append([]mapi.Role{role}, m[id]...)
		} else {
			m[id] = append(m[id], role)
		}
	}
	return m, nil
}

// role is the first role of a source folder.
func (r *run) role(id mapi.EntryID) mapi.Role {
	for _, role := range r.roles[id] {
		return role
	}
	return ""
}

// top describes the folder that the copy begins with.
func (r *run) top(ctx context.Context, f mapi.Folder) (*node, error) {
	props, err := r.props(ctx, f)
	if err != nil {
		return nil, err
	}
	n := &node{role: r.role(f.ID())}
	n.info = mapi.FolderInfo{ID: f.ID(), Name: props.Text(pid.TagDisplayName)}
	count := func(t mapi.Tag) int { c, _ := props.Tag(t).(int32); return int(c) }
	n.info.Items, n.info.Associated = count(pid.TagContentCount), count(pid.TagAssociatedContentCount)
	n.path = "/"
	if n.role != mapi.RoleRoot && n.role != mapi.RoleIPM {
		n.path = n.info.Name
	}
	r.tally(n)
	return n, nil
}

func (r *run) tally(n *node) {
	r.progress.FoldersTotal++
	if len(r.Items) > 0 {
		r.progress.ItemsTotal = len(r.Items)
		return
	}
	r.progress.ItemsTotal += n.info.Items
	if !r.NoAssociated {
		r.progress.ItemsTotal += n.info.Associated
	}
}

// findAll lists all folders below the first: at once where the source can, else folder by folder.
func (r *run) findAll(ctx context.Context, top *node, f mapi.Folder) error {
	l, ok := mapi.As[mapi.TreeLister](r.src)
	if !ok {
		return r.find(ctx, top, f, 0)
	}
	tree, err := retry.Get(ctx, r.policy(), func() ([]mapi.TreeFolder, error) { return l.Tree(ctx, f.ID()) })
	if err != nil {
		if systemic(err) || ctx.Err() != nil {
			return err
		}
		return r.find(ctx, top, f, 0)
	}
	below := map[mapi.EntryID][]mapi.FolderInfo{}
	for _, x := range tree {
		below[x.Parent] = append(below[x.Parent], x.FolderInfo)
	}
	r.plant(top, below, 0)
	return nil
}

// plant puts the folders below one in their places.
func (r *run) plant(n *node, below map[mapi.EntryID][]mapi.FolderInfo, depth int) {
	if depth > maxFolderDepth {
		r.tooDeep(n)
		return
	}
	for _, info := range below[n.info.ID] {
		n.add(info, r.role(info.ID))
	}
	r.choose(n)
	for _, c := range n.children {
		r.tally(c)
		r.plant(c, below, depth+1)
	}
}

func (r *run) tooDeep(n *node) {
	r.problem(Problem{Folder: n.path, Err: fmt.Errorf("folders are nested more than %d deep", maxFolderDepth)})
}

// add notes a folder below.
func (n *node) add(info mapi.FolderInfo, role mapi.Role) {
	c := &node{info: info, role: role, path: strings.TrimPrefix(n.path+"/"+info.Name, "/")}
	if n.path == "/" {
		c.path = info.Name
	}
	if c.role == mapi.RoleIPM {
		c.path = "/"
	}
	n.children = append(n.children, c)
}

// ids appends the ids of a folder and all below.
func (n *node) ids(list []mapi.EntryID) []mapi.EntryID {
	list = append(list, n.info.ID)
	for _, c := range n.children {
		list = c.ids(list)
	}
	return list
}

// choose leaves out the folders below that aren't to be copied.
func (r *run) choose(n *node) {
	n.children = slices.DeleteFunc(n.children, func(c *node) bool {
		if c.info.Search {
			r.report.SearchFolders++
			r.note(c.path, "", "not copied: search folder")
			return true
		}
		return r.Exclude != nil && r.Exclude(FolderName{c.path, c.role})
	})
}

// find lists the folders below one. A folder whose list cannot be read is a problem, not the end.
func (r *run) find(ctx context.Context, n *node, f mapi.Folder, depth int) error {
	if depth > maxFolderDepth {
		r.tooDeep(n)
		return nil
	}
	fail := func(err error) error {
		if systemic(err) || ctx.Err() != nil {
			return err
		}
		r.problem(Problem{Folder: n.path, Err: err})
		return nil
	}
	err := r.retry(ctx, func(int) error {
		n.children = nil
		for info, err := range f.Folders(ctx) {
			if err != nil {
				return err
			}
			n.add(info, r.role(info.ID))
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	r.choose(n)
	for _, c := range n.children {
		r.tally(c)
		if !c.info.HasChildren {
			continue
		}
		below, err := r.open(ctx, r.src, c.info.ID)
		if err == nil {
			err = r.find(ctx, c, below, depth+1)
		}
		if err != nil {
			if err := fail(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyFolder copies a folder's properties and items, then the folders below.
func (r *run) copyFolder(ctx context.Context, n *node, src, dst mapi.Folder, fresh bool) error {
	fail := func(path string, err error) error {
		if systemic(err) || ctx.Err() != nil {
			return err
		}
		r.problem(Problem{Folder: path, Err: err})
		return nil
	}
	if len(r.Items) == 0 && (r.To == "" || r.To != dst.ID()) {
		if err := r.copyProps(ctx, n, src, dst); err != nil {
			if err := fail(n.path, err); err != nil {
				return err
			}
		}
	}
	r.mu.Lock()
	r.report.Folders = append(r.report.Folders, FolderReport{Path: n.path, Role: n.role, ID: n.info.ID})
	p := &pair{src: src, dst: dst, path: n.path, index: len(r.report.Folders) - 1, fresh: fresh}
	r.tell(n.path)
	r.mu.Unlock()
	if err := r.folder(ctx, p); err != nil {
		return err
	}
	for _, c := range n.children {
		below, err := r.open(ctx, r.src, c.info.ID)
		if err != nil {
			if err := fail(c.path, err); err != nil {
				return err
			}
			continue
		}
		into, isNew, err := r.counterpart(ctx, c, dst)
		if err != nil {
			if err := fail(c.path, err); err != nil {
				return err
			}
			continue
		}
		if err := r.copyFolder(ctx, c, below, into, isNew); err != nil {
			return err
		}
	}
	return nil
}

// destination finds, or makes, where the contents of the first folder go.
func (r *run) destination(ctx context.Context, src mapi.Folder, top *node) (mapi.Folder, error) {
	if r.To != "" {
		return r.open(ctx, r.dst, r.To)
	}
	// Up to a folder with a role, then down again by name.
	var below []*node
	at, n := src, top
	for range maxFolderDepth {
		if n.role != "" {
			f, err := retry.Get(ctx, r.policy(), func() (mapi.Folder, error) { return r.bySpecial(ctx, n) })
			if err == nil && f != nil {
				if err := r.setRoles(ctx, n, f); err != nil {
					return nil, err
				}
				return r.descend(ctx, f, below)
			}
			if err != nil {
				return nil, err
			}
		}
		below = append(below, n)
		up, err := r.open(ctx, r.src, at.Parent())
		if err != nil {
			return nil, err
		}
		props, err := r.props(ctx, up)
		if err != nil {
			return nil, err
		}
		at = up
		n = &node{info: mapi.FolderInfo{ID: up.ID(), Name: props.Text(pid.TagDisplayName)}, role: r.role(up.ID())}
	}
	return nil, &mapi.Error{Op: "copy", Object: top.path, Code: mapi.ErrFolderCycle}
}

func (r *run) descend(ctx context.Context, f mapi.Folder, below []*node) (mapi.Folder, error) {
	for _, n := range slices.Backward(below) {
		var err error
		if f, _, err = r.counterpart(ctx, n, f); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// bySpecial is the destination's folder with a role of n, or nil.
func (r *run) bySpecial(ctx context.Context, n *node) (mapi.Folder, error) {
	for _, role := range r.roles[n.info.ID] {
		id, err := r.dst.Special(ctx, role)
		if errors.Is(err, mapi.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return r.dst.Folder(ctx, id)
	}
	return nil, nil
}

// counterpart finds, or makes, the folder below dst that n is copied to: by role, else by name.
func (r *run) counterpart(ctx context.Context, n *node, dst mapi.Folder) (f mapi.Folder, fresh bool, err error) {
	err = r.retry(ctx, func(int) error {
		f, fresh, err = r.match(ctx, n, dst)
		return err
	})
	return f, fresh, err
}

func (r *run) match(ctx context.Context, n *node, dst mapi.Folder) (mapi.Folder, bool, error) {
	if n.role != "" && r.To == "" {
		if f, err := r.bySpecial(ctx, n); f != nil || err != nil {
			return f, false, err
		}
	}
	names := map[string]mapi.FolderInfo{}
	for info, err := range dst.Folders(ctx) {
		if err != nil {
			return nil, false, err
		}
		names[strings.ToLower(info.Name)] = info
	}
	name := n.info.Name
	if name == "" {
		name = "(unnamed)"
	}
	for i := 2; ; i++ {
		info, taken := names[strings.ToLower(name)]
		if taken && !info.Search && (r.To != "" || !r.special[info.ID]) {
			f, err := r.dst.Folder(ctx, info.ID)
			return f, false, err
		}
		if !taken {
			f, err := dst.CreateFolder(ctx, name, nil)
			if errors.Is(err, mapi.ErrCollision) { // names compare otherwise there
				names[strings.ToLower(name)] = mapi.FolderInfo{Search: true}
				taken = true
			} else {
				if err == nil {
					err = r.setRoles(ctx, n, f)
				}
				if err == nil && name != n.info.Name {
					r.note(n.path, "", fmt.Sprintf("copied to a folder named %q: the destination's folder of its name is another one", name))
				}
				return f, true, err
			}
		}
		name = fmt.Sprintf("%s (%d)", n.info.Name, i)
	}
}

// setRoles tells a destination that takes them the roles of a folder.
func (r *run) setRoles(ctx context.Context, n *node, f mapi.Folder) error {
	s, ok := mapi.As[RoleSetter](r.dst)
	if !ok {
		return nil
	}
	for _, role := range r.roles[n.info.ID] {
		if err := s.SetRole(ctx, f.ID(), role); err != nil {
			return err
		}
		r.special[f.ID()] = true
	}
	return nil
}

// copyProps gives a folder the properties of its original that it doesn't have. What stands there already stays, and so
// does the name.
func (r *run) copyProps(ctx context.Context, n *node, src, dst mapi.Folder) error {
	props, err := r.props(ctx, src)
	if err != nil {
		return err
	}
	has, err := r.props(ctx, dst)
	if err != nil {
		return err
	}
	there := map[mapi.Key]bool{}
	for _, p := range has {
		there[p.Key.WithType(0)] = true
	}
	var set mapi.Props
	for _, p := range props {
		if _, ok := compare.Compared(compare.OfFolder, p.Key, p.Value); !ok || there[p.Key.WithType(0)] ||
			p.Key.WithType(0) == mapi.TagKey(pid.TagDisplayName).WithType(0) {
			continue
		}
		if why, ok := notPortable(p.Key, true); ok {
			r.note(n.path, "", fmt.Sprintf("%s is copied as it is and may not work in another mailbox: %s", name(p.Key), why))
		}
		set = append(set, p)
	}
	if len(set) == 0 {
		return nil
	}
	return r.retry(ctx, func(int) error { return dst.SetProps(ctx, set, nil) })
}
