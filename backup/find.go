package backup

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/restic"
	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
)

// FindOptions say where Find looks. The zero value looks through all snapshots.
type FindOptions struct {
	// Snapshot limits the search to one, named as in OpenSnapshot.
	Snapshot string
	// Deep opens the messages that no catalog lists. What they tell is kept in the cache.
	Deep bool
	// Cache is a directory for what was read of catalogs, encrypted with the repository's key; empty: nothing is kept.
	Cache string
	// Limit is how many hits are reported, the newest first; 0: all.
	Limit int
	// Progress is called now and then with the number of items gone through, by one goroutine. It should return at once.
	Progress func(items int, mailbox string)
}

// Hit is a mailbox, folder or message that was found. One that several snapshots have is reported once, as the newest of
// them has it.
type Hit struct {
	Kind     string `json:"kind"` // mailbox, folder, mail, appointment, ...
	Mailbox  string `json:"mailbox"`
	Database string `json:"database,omitempty"`
	// Snapshot is the newest that has it, Snapshots how many there are of the mailbox.
	Snapshot  string    `json:"snapshot"`
	Taken     time.Time `json:"taken"`
	Snapshots int       `json:"snapshots,omitempty"`
	// Address is its store address, to be shown, copied and restored; empty outside the visible folders.
	Address string `json:"address,omitempty"`
	Folder  string `json:"folder,omitempty"`

	Associated  bool       `json:"associated,omitempty"`
	Deleted     bool       `json:"deleted,omitempty"` // but could be recovered when the snapshot was made
	Subject     string     `json:"subject,omitempty"`
	Class       string     `json:"class,omitempty"`
	Sender      string     `json:"sender,omitempty"`
	Recipients  []Person   `json:"recipients,omitempty"`
	Date        *time.Time `json:"date,omitempty"`
	Size        uint64     `json:"size,omitempty"`
	Items       int        `json:"items,omitempty"` // of a folder
	Unread      bool       `json:"unread,omitempty"`
	Attachments []string   `json:"attachments,omitempty"`
}

// Person is a recipient.
type Person struct {
	Kind    string `json:"kind"` // to, cc, bcc
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

// FindReport is what Find found.
type FindReport struct {
	Hits []Hit `json:"hits"`
	// Found is how many there are, if not all are among the hits.
	Found     int `json:"found"`
	Snapshots int `json:"snapshots"` // looked through
	Items     int `json:"items"`
	Opened    int `json:"opened"` // messages; none unless FindOptions.Deep
	// Unlisted are what the query asked for and the catalogs don't tell: snapshots whose folders and messages aren't listed.
	Unlisted []Unlisted `json:"unlisted,omitempty"`
}

// Unlisted is a mailbox whose catalogs don't tell what was asked for.
type Unlisted struct {
	Mailbox   string `json:"mailbox"`
	Level     Level  `json:"level"`
	Snapshots int    `json:"snapshots"`
}

// Find looks for mailboxes, folders and messages in the catalogs of snapshots. No message is opened, unless o.Deep is set.
func (r *Repository) Find(ctx context.Context, q Query, o FindOptions) (*FindReport, error) {
	report := &FindReport{Hits: []Hit{}}
	fail := func(err error) (*FindReport, error) { return report, fmt.Errorf("find in %s: %w", r, err) }
	boxes := map[string][]*restic.Snapshot{}
	if o.Snapshot != "" {
		s, err := snapshot.Find(ctx, r.repo, o.Snapshot)
		if err != nil {
			return fail(err)
		}
		name, _ := snapshot.DirOf(s)
		boxes[name] = append(boxes[name], s)
	} else {
		for s, err := range r.repo.Snapshots(ctx) {
			if errors.Is(err, ErrDamaged) {
				continue // verify tells of it
			}
			if err != nil {
				return fail(err)
			}
			if name, ok := snapshot.DirOf(s); ok && s.Tree != nil && snapshot.IsMailbox(s) {
				boxes[name] = append(boxes[name], s)
			}
		}
	}
	f := &finder{FindOptions: o, q: q, r: r, report: report, ctx: ctx}
	defer f.unlock()
	f.mailboxes, f.folders, f.messages = q.kinds()
	for name, list := range boxes {
		slices.SortFunc(list, func(a, b *restic.Snapshot) int { return b.Time.Compare(a.Time) })
		if err := f.mailbox(name, list); err != nil {
			return fail(err)
		}
	}
	slices.SortFunc(report.Hits, func(a, b Hit) int {
		when := func(h Hit) int64 {
			if h.Date == nil {
				return 0
			}
			return h.Date.UnixNano()
		}
		return cmp.Or(cmp.Compare(when(b), when(a)), cmp.Compare(a.Mailbox, b.Mailbox), cmp.Compare(a.Folder, b.Folder), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Subject, b.Subject))
	})
	slices.SortFunc(report.Unlisted, func(a, b Unlisted) int { return cmp.Compare(a.Mailbox, b.Mailbox) })
	report.Found = len(report.Hits)
	if o.Limit > 0 && len(report.Hits) > o.Limit {
		report.Hits = report.Hits[:o.Limit]
	}
	return report, nil
}

// finder is one search.
type finder struct {
	FindOptions
	q                            Query
	r                            *Repository
	report                       *FindReport
	mailboxes, folders, messages bool

	ctx   context.Context // ends when the lock is lost, once there is one
	lock  *restic.Lock
	cache *findCache
	store *snapshot.Store // of the snapshot being looked through; opened when it is needed
	snap  *restic.Snapshot
	box   string
	base  Hit
	seen  map[string]bool // directories by path and tree, and hits
}

// database is what the tags of a snapshot say.
func database(s *restic.Snapshot) string {
	for _, t := range s.Tags {
		if name, ok := strings.CutPrefix(t, tagDatabase); ok {
			return name
		}
	}
	return ""
}

// mailbox looks through the snapshots of a mailbox, the newest first.
func (f *finder) mailbox(name string, list []*restic.Snapshot) error {
	if !f.q.ofMailbox(name, database(list[0])) {
		return nil
	}
	f.box, f.seen = name, map[string]bool{}
	if f.mailboxes && f.q.fitsName(name) {
		h := f.hit(list[0])
		h.Kind, h.Snapshots, h.Address = KindMailbox, len(list), f.address(list[0], "")
		f.report.Hits = append(f.report.Hits, h)
	}
	f.report.Snapshots += len(list)
	if !f.folders && !f.messages {
		return nil
	}
	f.cache = openFindCache(f.r.repo, f.Cache, name)
	for _, s := range list {
		f.snap, f.base = s, f.hit(s)
		if err := f.snapshot(); err != nil {
			return err
		}
	}
	return f.cache.save(f.Snapshot == "")
}

func (f *finder) hit(s *restic.Snapshot) Hit {
	return Hit{Mailbox: f.box, Database: database(s), Snapshot: s.ID().String()[:shortID], Taken: s.Time}
}

// address is that of a place in a snapshot.
func (f *finder) address(s *restic.Snapshot, path string) string {
	a := "snapshot:" + f.r.place + "#" + s.ID().String()[:shortID]
	if path != "" {
		a += "//" + path
	}
	return a
}

// open opens the snapshot when something has to be read that the cache hasn't. Only then is the repository locked, which takes a
// moment.
func (f *finder) open() (*snapshot.Store, error) {
	if f.store != nil {
		return f.store, nil
	}
	if f.lock == nil {
		lock, ctx, err := f.r.repo.Lock(f.ctx, false)
		if err != nil {
			return nil, err
		}
		f.lock, f.ctx = lock, ctx
	}
	var err error
	f.store, err = snapshot.Open(f.ctx, f.r.repo, f.snap)
	return f.store, err
}

func (f *finder) unlock() {
	if f.lock != nil {
		f.lock.Unlock()
	}
}

func (f *finder) snapshot() error {
	f.store = nil
	defer func() {
		if f.store != nil {
			f.report.Opened += int(f.store.Opened())
			f.store.Close()
		}
	}()
	top, err := f.cache.top(*f.snap.Tree, func() (*findTop, error) {
		s, err := f.open()
		if err != nil {
			return nil, err
		}
		at, err := s.Top(f.ctx)
		return &findTop{Root: at.Dir, Tree: at.Tree, Level: s.Level()}, err
	})
	if errors.Is(err, ErrNoMailbox) {
		return nil
	}
	if err != nil {
		return err
	}
	if !f.Deep && (f.messages && !top.Level.Has(LevelMessages) || f.folders && !top.Level.Has(LevelFolders)) {
		f.unlisted(top.Level)
		if !f.folders || !top.Level.Has(LevelFolders) {
			return nil
		}
	}
	return f.folder(top, top.Root, top.Tree, "", false, 0)
}

func (f *finder) unlisted(l Level) {
	for i := range f.report.Unlisted {
		if u := &f.report.Unlisted[i]; u.Mailbox == f.box && u.Level == l {
			u.Snapshots++
			return
		}
	}
	f.report.Unlisted = append(f.report.Unlisted, Unlisted{f.box, l, 1})
}

// maxFindDepth ends a walk through a damaged repository.
const maxFindDepth = 300

// folder looks through a folder and those below. dir is its directory in the snapshot, name its path for people; visible tells
// whether it is below the visible root.
func (f *finder) folder(top *findTop, dir string, tree restic.ID, name string, visible bool, depth int) error {
	if f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	mark := dir + "\x00" + string(tree[:])
	if depth > maxFindDepth || !f.first(mark) {
		return nil
	}
	o, err := f.cache.outline(tree, func() (*snapshot.Outline, error) {
		s, err := f.open()
		if err != nil {
			return nil, err
		}
		return s.Outline(f.ctx, tree)
	})
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(o.Roles, mapi.RoleIPM):
		name, visible = "", true
	case depth > 0:
		name = joinNames(name, o.Name)
	}
	if f.folders && name != "" && f.q.fitsName(name) && f.first("folder\x00"+dir) {
		h := f.base
		h.Kind, h.Folder, h.Class, h.Items = KindFolder, name, o.Class, o.Items
		if visible {
			h.Address = f.address(f.snap, name)
		}
		f.report.Hits = append(f.report.Hits, h)
	}
	if f.messages && (f.Deep || top.Level.Has(LevelMessages)) && f.q.ofFolder(name) {
		for _, l := range o.Lists {
			if err := f.list(dir, l, name, visible); err != nil {
				return err
			}
		}
	}
	for _, c := range o.Folders {
		if err := f.folder(top, path.Join(dir, c.Dir), c.Tree, name, visible, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// first tells whether something is met for the first time.
func (f *finder) first(what string) bool {
	if f.seen[what] {
		return false
	}
	f.seen[what] = true
	return true
}

// joinNames adds a folder's name to a path, as addresses have it.
func joinNames(at, name string) string {
	name = strings.NewReplacer(`\`, `\\`, `/`, `\/`).Replace(name)
	if at == "" {
		return name
	}
	return at + "/" + name
}

// list looks through a directory of items.
func (f *finder) list(dir string, l snapshot.OutlineList, name string, visible bool) error {
	at := path.Join(dir, l.Dir)
	if !f.first(at + "\x00" + string(l.Tree[:])) {
		return nil
	}
	found, err := f.cache.list(l.Tree, f.Deep, func() (*foundList, error) {
		s, err := f.open()
		if err != nil {
			return nil, err
		}
		items, listed, err := s.List(f.ctx, l.Tree, f.Deep)
		return &foundList{items, listed}, err
	})
	if err != nil {
		return err
	}
	items := found.items
	f.report.Items += len(items)
	if f.Progress != nil {
		f.Progress(f.report.Items, f.box)
	}
	for i := range items {
		it := &items[i]
		if !f.q.fits(it) || !f.first(dir+"\x00"+it.File) {
			continue
		}
		h := f.base
		h.Kind, h.Folder, h.Associated = kindOf(it.Class), name, l.Kind == mapi.Associated
		h.Deleted = l.Kind == mapi.SoftDeleted
		h.Subject, h.Class, h.Sender, h.Size, h.Unread, h.Attachments = it.Subject, it.Class, it.SenderName, it.Size, it.Unread, it.Attachments
		if it.SenderAddress != "" && it.SenderAddress != it.SenderName {
			h.Sender = strings.TrimSpace(h.Sender + " <" + it.SenderAddress + ">")
		}
		for _, r := range it.Recipients {
			kind, rest, _ := strings.Cut(r, "\t")
			who, address, _ := strings.Cut(rest, "\t")
			h.Recipients = append(h.Recipients, Person{kind, who, address})
		}
		if it.Date > 0 {
			at := it.Date.Time()
			h.Date = &at
		}
		if visible {
			where := name
			if l.Kind != mapi.Normal {
				where = strings.TrimPrefix(where+"/"+l.Kind.String(), "/")
			}
			h.Address = f.address(f.snap, strings.TrimPrefix(where+"/id:"+hex.EncodeToString([]byte(path.Join(at, it.File))), "/"))
		}
		f.report.Hits = append(f.report.Hits, h)
	}
	return nil
}
