package compare

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/internal/retry"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Options says what to compare.
type Options struct {
	// A and B are where to begin: folders of each store. Empty: the whole stores, special folders matched by role.
	A, B mapi.EntryID
	// Subset asks whether the second store has all of the first. What it has besides is no difference.
	Subset bool
	// ByName matches all folders by name, for a copy of special folders that isn't in their place. The properties of the
	// first folders are not compared then.
	ByName bool
	// Workers is how many items are read at once from each store; 0: 2.
	Workers int
	// Retry says how often to try again after the connection was lost or the server was busy.
	Retry retry.Policy
	// MaxDifferences bounds how many differences are kept; all are counted. 0: 1000.
	MaxDifferences int
	// Progress is called now and then.
	Progress func(Progress)
}

// Progress counts what was compared so far.
type Progress struct {
	Folders, Items int
	Folder         string
}

// Difference is something that one store has and the other has not, or has otherwise.
type Difference struct {
	Folder string  `json:"folder"`
	Item   string  `json:"item,omitempty"` // subject and class; empty: the folder itself
	List   string  `json:"list,omitempty"` // "associated" for what isn't among the normal items
	Reason string  `json:"reason"`         // "only in the first store", "only in the second store", "differs", "unreadable"
	Deltas []Delta `json:"deltas,omitempty"`
}

// Reasons of a Difference.
const (
	OnlyA      = "only in the first store"
	OnlyB      = "only in the second store"
	Differs    = "differs"
	Unreadable = "unreadable"
)

// Report is the outcome.
type Report struct {
	Folders     int          `json:"folders"`
	Items       int          `json:"items"` // compared and equal, or different; those on one side only are differences
	Equal       int          `json:"equal"`
	Count       int          `json:"differences"` // items and folders that differ
	Differences []Difference `json:"list"`        // the first Options.MaxDifferences of them
}

// Stores compares two stores. Folders are matched by role, then by name; items within a folder as a multiset: two genuine
// copies of a message must be two in the other store too. Items that are equal to the last compared property are found by a
// digest; those left over are paired by search key, else by subject and class, and their differences listed.
func Stores(ctx context.Context, a, b mapi.Store, opt Options) (*Report, error) {
	if opt.Workers <= 0 {
		opt.Workers = 2
	}
	if opt.MaxDifferences <= 0 {
		opt.MaxDifferences = 1000
	}
	c := &comparison{opt: opt, a: a, b: b}
	var err error
	if c.rolesA, err = c.roles(ctx, a); err != nil {
		return nil, err
	}
	if c.rolesB, err = c.roles(ctx, b); err != nil {
		return nil, err
	}
	// Whole stores are compared from their roots, unless one of them has nothing but what people see.
	top := mapi.RoleRoot
	for _, s := range []mapi.Store{a, b} {
		root, err := c.special(ctx, s, mapi.RoleRoot)
		if err != nil {
			return nil, err
		}
		if ipm, err := c.special(ctx, s, mapi.RoleIPM); err != nil || ipm == root {
			top = mapi.RoleIPM
		}
	}
	start := func(s mapi.Store, id mapi.EntryID) (mapi.Folder, error) {
		if id == "" {
			var err error
			if id, err = c.special(ctx, s, top); err != nil {
				return nil, err
			}
		}
		return c.open(ctx, s, id)
	}
	fa, err := start(a, opt.A)
	if err != nil {
		return nil, err
	}
	fb, err := start(b, opt.B)
	if err != nil {
		return nil, err
	}
	return &c.report, c.folder(ctx, "", fa, fb)
}

type comparison struct {
	opt            Options
	a, b           mapi.Store
	rolesA, rolesB map[mapi.EntryID]mapi.Role

	mu     sync.Mutex
	report Report
}

func (c *comparison) special(ctx context.Context, s mapi.Store, r mapi.Role) (mapi.EntryID, error) {
	return retry.Get(ctx, c.opt.Retry, func() (mapi.EntryID, error) { return s.Special(ctx, r) })
}

func (c *comparison) open(ctx context.Context, s mapi.Store, id mapi.EntryID) (mapi.Folder, error) {
	return retry.Get(ctx, c.opt.Retry, func() (mapi.Folder, error) { return s.Folder(ctx, id) })
}

func (c *comparison) roles(ctx context.Context, s mapi.Store) (map[mapi.EntryID]mapi.Role, error) {
	m := map[mapi.EntryID]mapi.Role{}
	for _, r := range mapi.Roles {
		id, err := c.special(ctx, s, r)
		if mapi.CodeOf(err) == mapi.ErrNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		m[id] = r
	}
	return m, nil
}

func (c *comparison) add(d Difference) {
	if c.opt.Subset && d.Reason == OnlyB {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Count++
	if len(c.report.Differences) < c.opt.MaxDifferences {
		c.report.Differences = append(c.report.Differences, d)
	}
}

func (c *comparison) folder(ctx context.Context, path string, a, b mapi.Folder) error {
	c.report.Folders++
	if path != "" || !c.opt.ByName {
		if err := c.folderProps(ctx, path, a, b); err != nil {
			return err
		}
	}
	for _, k := range []mapi.Kind{mapi.Normal, mapi.Associated} {
		if err := c.items(ctx, path, k, a, b); err != nil {
			return fmt.Errorf("compare %s: %w", shown(path), err)
		}
	}
	listA, err := c.children(ctx, a, c.rolesA)
	if err != nil {
		return err
	}
	listB, err := c.children(ctx, b, c.rolesB)
	if err != nil {
		return err
	}
	for _, x := range listA {
		p := path + "/" + x.Name
		y, found := c.counterpart(x, &listB)
		if !found && x.own() {
			continue
		}
		if !found {
			c.add(Difference{Folder: p, Reason: OnlyA})
			continue
		}
		if x.Search || y.Search {
			continue // what a search folder shows are items of other folders
		}
		fa, err := c.open(ctx, c.a, x.ID)
		if err != nil {
			return err
		}
		fb, err := c.open(ctx, c.b, y.ID)
		if err != nil {
			return err
		}
		if err := c.folder(ctx, p, fa, fb); err != nil {
			return err
		}
	}
	for _, y := range listB {
		if _, elsewhere := withRole(c.rolesA, y.role); elsewhere || y.own() {
			continue // compared from the first store's place, or nothing to compare
		}
		c.add(Difference{Folder: path + "/" + y.Name, Reason: OnlyB})
	}
	return nil
}

func shown(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

type child struct {
	mapi.FolderInfo
	role mapi.Role // empty too when all are matched by name
}

// own tells that a folder is the store's own: a search folder with a role, such as the queue of the spooler, which every
// mailbox makes itself and shows items of other folders.
func (x *child) own() bool { return x.Search && x.role != "" }

func (c *comparison) children(ctx context.Context, f mapi.Folder, roles map[mapi.EntryID]mapi.Role) ([]child, error) {
	return retry.Get(ctx, c.opt.Retry, func() ([]child, error) {
		var list []child
		for x, err := range f.Folders(ctx) {
			if err != nil {
				return nil, err
			}
			e := child{FolderInfo: x}
			if !c.opt.ByName {
				e.role = roles[x.ID]
			}
			list = append(list, e)
		}
		return list, nil
	})
}

// counterpart finds a folder's in the second store, and takes it from the list: the one with its role, wherever that is; if
// none has that role, as for a folder without, the one of its name without a role.
func (c *comparison) counterpart(x child, list *[]child) (child, bool) {
	id, special := withRole(c.rolesB, x.role)
	i := slices.IndexFunc(*list, func(y child) bool {
		if special {
			return y.ID == id
		}
		return y.role == "" && strings.EqualFold(y.Name, x.Name)
	})
	if i < 0 {
		return child{FolderInfo: mapi.FolderInfo{ID: id}, role: x.role}, special
	}
	y := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return y, true
}

func withRole(roles map[mapi.EntryID]mapi.Role, r mapi.Role) (mapi.EntryID, bool) {
	if r == "" {
		return "", false
	}
	for id, has := range roles {
		if has == r {
			return id, true
		}
	}
	return "", false
}

// folderProps compares the properties of folders. The names of special folders are the store's language, not content.
func (c *comparison) folderProps(ctx context.Context, path string, a, b mapi.Folder) error {
	print := func(f mapi.Folder, special bool) (*Node, error) {
		ps, err := retry.Get(ctx, c.opt.Retry, func() (mapi.Props, error) { return f.Props(ctx) })
		if err != nil {
			return nil, err
		}
		var fp Fingerprint
		fp.top().Of = OfFolder
		for _, p := range ps {
			if special && p.Key == mapi.TagKey(pid.TagDisplayName) {
				continue
			}
			if err := fp.Prop(p.Key, p.Value); err != nil {
				return nil, err
			}
		}
		return fp.Node(), nil
	}
	_, special := c.rolesA[a.ID()]
	na, err := print(a, special)
	if err != nil {
		return err
	}
	nb, err := print(b, special)
	if err != nil {
		return err
	}
	d := Deltas(na, nb)
	if c.opt.Subset {
		d = slices.DeleteFunc(d, func(d Delta) bool { return d.A == "" })
	}
	if len(d) > 0 {
		c.add(Difference{Folder: shown(path), Reason: Differs, Deltas: d})
	}
	return nil
}

// entry is an item of one side.
type entry struct {
	id     mapi.EntryID
	title  string
	key    string // search key, else title
	hasKey bool   // it has a search key
	digest [sha256.Size]byte
	noKey  [sha256.Size]byte // without the search key
	core   [sha256.Size]byte // without all that servers add
	err    error
}

func (c *comparison) items(ctx context.Context, path string, k mapi.Kind, a, b mapi.Folder) error {
	var listA, listB []entry
	var errA, errB error
	var wg sync.WaitGroup
	wg.Go(func() { listA, errA = c.digests(ctx, a, k) })
	wg.Go(func() { listB, errB = c.digests(ctx, b, k) })
	wg.Wait()
	if errA != nil {
		return errA
	}
	if errB != nil {
		return errB
	}
	list := ""
	if k != mapi.Normal {
		list = k.String()
	}
	leftA, leftB := c.equal(listA, listB, func(e entry) [sha256.Size]byte { return e.digest }, func(entry) bool { return true })
	leftA, leftB = c.equal(leftA, leftB, func(e entry) [sha256.Size]byte { return e.noKey }, func(e entry) bool { return !e.hasKey })
	pairs, leftA, leftB := pair(leftA, leftB)
	for _, p := range pairs {
		x, y := p[0], p[1]
		c.report.Items++
		d := Difference{Folder: shown(path), Item: x.title, List: list, Reason: Differs}
		if err := firstErr(x.err, y.err); err != nil {
			d.Reason = Unreadable
			d.Deltas = []Delta{{What: err.Error()}}
		} else {
			var err error
			if d.Deltas, err = c.itemDeltas(ctx, a, b, x.id, y.id); err != nil {
				return err
			}
			if len(d.Deltas) == 0 { // one side has what the other's server added
				c.report.Equal++
				continue
			}
		}
		c.add(d)
	}
	for _, x := range leftA {
		c.add(Difference{Folder: shown(path), Item: x.title, List: list, Reason: OnlyA})
	}
	for _, y := range leftB {
		c.add(Difference{Folder: shown(path), Item: y.title, List: list, Reason: OnlyB})
	}
	if c.opt.Progress != nil {
		c.opt.Progress(Progress{c.report.Folders, c.report.Items, shown(path)})
	}
	return nil
}

// likeness says by what two items that differ are taken for the same one, the surest first. Twins are alike in all but what a
// server gave them, so that alone doesn't tell them apart.
var likeness = []func(entry) (by string, ok bool){
	func(e entry) (string, bool) { return string(e.core[:]) + e.key, e.err == nil },
	func(e entry) (string, bool) { return string(e.core[:]), e.err == nil },
	func(e entry) (string, bool) { return e.key, true },
	func(e entry) (string, bool) { return e.title, true },
}

// pair finds the items of two lists that are the same ones, and what is on one side only.
func pair(listA, listB []entry) (pairs [][2]entry, leftA, leftB []entry) {
	for _, like := range likeness {
		waiting := map[string][]int{}
		for i, y := range listB {
			if by, ok := like(y); ok {
				waiting[by] = append(waiting[by], i)
			}
		}
		taken := make([]bool, len(listB))
		leftA = nil
		for _, x := range listA {
			by, ok := like(x)
			if !ok || len(waiting[by]) == 0 {
				leftA = append(leftA, x)
				continue
			}
			i := waiting[by][0]
			waiting[by] = waiting[by][1:]
			taken[i] = true
			pairs = append(pairs, [2]entry{x, listB[i]})
		}
		leftB = nil
		for i, y := range listB {
			if !taken[i] {
				leftB = append(leftB, y)
			}
		}
		listA, listB = leftA, leftB
	}
	return pairs, leftA, leftB
}

// equal takes out of both lists what is equal by a digest, as multisets. Items of the first list take part if may says so.
func (c *comparison) equal(listA, listB []entry, digest func(entry) [sha256.Size]byte, may func(entry) bool) (leftA, leftB []entry) {
	byDigest := map[[sha256.Size]byte][]int{}
	for i, y := range listB {
		if y.err == nil {
			byDigest[digest(y)] = append(byDigest[digest(y)], i)
		}
	}
	used := make([]bool, len(listB))
	for _, x := range listA {
		same := byDigest[digest(x)]
		if x.err != nil || !may(x) || len(same) == 0 {
			leftA = append(leftA, x)
			continue
		}
		used[same[0]] = true
		byDigest[digest(x)] = same[1:]
		c.report.Items++
		c.report.Equal++
	}
	for i, y := range listB {
		if !used[i] {
			leftB = append(leftB, y)
		}
	}
	return leftA, leftB
}

func firstErr(errs ...error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}

// read takes the fingerprint of an item.
func (c *comparison) read(ctx context.Context, f mapi.Folder, id mapi.EntryID) (*Node, error) {
	return retry.Get(ctx, c.opt.Retry, func() (*Node, error) {
		var fp Fingerprint
		if err := f.Read(ctx, id, &fp); err != nil {
			return nil, err
		}
		return fp.Node(), nil
	})
}

func (c *comparison) itemDeltas(ctx context.Context, a, b mapi.Folder, idA, idB mapi.EntryID) ([]Delta, error) {
	na, err := c.read(ctx, a, idA)
	if err != nil {
		return nil, err
	}
	nb, err := c.read(ctx, b, idB)
	if err != nil {
		return nil, err
	}
	return Deltas(na, nb), nil
}

var titleColumns = []mapi.Key{
	mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageClass), mapi.TagKey(pid.TagSearchKey),
}

// digests lists the items of a folder and reads them all. An item that cannot be read is noted; a lost connection that doesn't
// come back ends the comparison.
func (c *comparison) digests(ctx context.Context, f mapi.Folder, k mapi.Kind) ([]entry, error) {
	list, err := retry.Get(ctx, c.opt.Retry, func() ([]entry, error) { return entries(ctx, f, k) })
	if err != nil {
		return nil, err
	}
	at := make(map[mapi.EntryID]int, len(list))
	ids := make([]mapi.EntryID, len(list))
	for i, e := range list {
		at[e.id], ids[i] = i, e.id
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	share := (len(ids) + c.opt.Workers - 1) / c.opt.Workers
	for len(ids) > 0 {
		n := min(share, len(ids))
		mine := ids[:n]
		ids = ids[n:]
		wg.Go(func() {
			for id, read := range mapi.ReadAll(ctx, f, mine) {
				var fp Fingerprint
				var n *Node
				e := &list[at[id]]
				if e.err = read(&fp); e.err == nil {
					n = fp.Node()
				} else if ctx.Err() == nil { // a bulk reading breaks with the first bad item
					n, e.err = c.read(ctx, f, id)
				}
				if e.err == nil {
					e.digest, e.noKey, e.core = n.Digest(), n.keyless(), n.Core()
				} else if retry.Transient(e.err) {
					cancel(e.err)
					return
				}
			}
		})
	}
	wg.Wait()
	return list, context.Cause(ctx)
}

func entries(ctx context.Context, f mapi.Folder, k mapi.Kind) (list []entry, err error) {
	for r, err := range f.Rows(ctx, mapi.Query{Kind: k, Columns: titleColumns}) {
		if err != nil {
			return nil, err
		}
		subject, _ := r.Values[0].(string)
		class, _ := r.Values[1].(string)
		search, _ := r.Values[2].([]byte)
		e := entry{id: r.ID, title: fmt.Sprintf("%q (%s)", subject, class)}
		e.key = e.title
		if e.hasKey = len(search) > 0; e.hasKey {
			e.key = "key " + string(search)
		}
		list = append(list, e)
	}
	return list, nil
}
