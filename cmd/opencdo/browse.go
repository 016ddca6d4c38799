package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

type whoamiCmd struct {
	Store string `arg:"" help:"Address of the store." placeholder:"STORE"`
	JSON  bool   `name:"json" help:"Print facts for programs."`
}

func (whoamiCmd) Help() string {
	return "Examples:\n  opencdo whoami exchange:alice@contoso.test@mail.contoso.test\n  opencdo whoami local:alice.db --json"
}

// Run logs on and prints whose store it is.
func (c whoamiCmd) Run(ctx context.Context, a *app) error {
	st, _, err := a.open(ctx, c.Store, reading)
	if err != nil {
		return err
	}
	defer st.Close()
	ps, err := st.Props(ctx)
	if err != nil {
		return err
	}
	facts := struct {
		Store   string `json:"store"`
		Name    string `json:"name"`
		Owner   string `json:"owner"`
		Folders int    `json:"folders"`
		Items   int    `json:"items"`
		Unread  int    `json:"unread"`
	}{Store: c.Store, Name: ps.Text(pid.TagDisplayName), Owner: ps.Text(pid.TagMailboxOwnerName)}
	p, err := opencdo.Find(ctx, st, "")
	if err != nil {
		return err
	}
	err = walk(ctx, st, p.Folder, "", 0, func(x node) error {
		facts.Folders++
		facts.Items += x.Items
		facts.Unread += x.Unread
		return nil
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(facts)
	}
	a.printf("%s", c.Store)
	if facts.Owner != "" {
		a.printf("  mailbox of %s", facts.Owner)
	}
	if facts.Name != "" {
		a.printf("  %s", facts.Name)
	}
	a.printf("  %d folders, %d items, %d unread", facts.Folders, facts.Items, facts.Unread)
	return nil
}

// node is a folder found by walk.
type node struct {
	mapi.FolderInfo
	path  string
	depth int
}

// walk visits all folders below f, parents before children. Search folders are visited but not counted: what they show lies
// in other folders.
func walk(ctx context.Context, st mapi.Store, f mapi.Folder, path string, depth int, visit func(node) error) error {
	list := func(at mapi.Folder) iter.Seq2[mapi.FolderInfo, error] { return at.Folders(ctx) }
	open := func(id mapi.EntryID) (mapi.Folder, error) { return st.Folder(ctx, id) }
	if l, ok := mapi.As[mapi.TreeLister](st); ok {
		if tree, err := l.Tree(ctx, f.ID()); err == nil {
			below := map[mapi.EntryID][]mapi.FolderInfo{}
			for _, x := range tree {
				below[x.Parent] = append(below[x.Parent], x.FolderInfo)
			}
			return walkBelow(below[f.ID()], path, depth, listed, func(id mapi.EntryID) ([]mapi.FolderInfo, error) { return below[id], nil }, visit)
		}
	}
	return walkBelow(f, path, depth, list, open, visit)
}

// listed is a list of folders that is there already.
func listed(folders []mapi.FolderInfo) iter.Seq2[mapi.FolderInfo, error] {
	return func(yield func(mapi.FolderInfo, error) bool) {
		for _, x := range folders {
			if !yield(x, nil) {
				return
			}
		}
	}
}

func walkBelow[F any](f F, path string, depth int, list func(F) iter.Seq2[mapi.FolderInfo, error], open func(mapi.EntryID) (F, error), visit func(node) error) error {
	for x, err := range list(f) {
		if err != nil {
			return err
		}
		p := opencdo.JoinPath(x.Name)
		if path != "" {
			p = path + "/" + p
		}
		if x.Search {
			x.Items, x.Unread = 0, 0
		}
		if err := visit(node{x, p, depth}); err != nil {
			return err
		}
		if !x.HasChildren {
			continue
		}
		child, err := open(x.ID)
		if err != nil {
			return err
		}
		if err := walkBelow(child, p, depth+1, list, open, visit); err != nil {
			return err
		}
	}
	return nil
}

type treeCmd struct {
	Store string `arg:"" help:"Address of the store, or of a folder in it." placeholder:"STORE[//PATH]"`
	JSON  bool   `name:"json" help:"Print facts for programs."`
}

func (treeCmd) Help() string {
	return "Examples:\n  opencdo tree exchange:alice@contoso.test@mail.contoso.test\n  opencdo tree snapshot:/backup#latest/alice@contoso.test//Inbox"
}

// folderFact is a folder in JSON.
type folderFact struct {
	Path       string `json:"path"`
	Class      string `json:"class"`
	Items      int    `json:"items"`
	Unread     int    `json:"unread"`
	Associated int    `json:"associated"`
	Search     bool   `json:"search,omitempty"`
	Hidden     bool   `json:"hidden,omitempty"`
}

// Run prints the hierarchy.
func (c treeCmd) Run(ctx context.Context, a *app) error {
	st, p, err := a.openPlace(ctx, c.Store, reading)
	if err != nil {
		return err
	}
	defer st.Close()
	facts := []folderFact{}
	err = walk(ctx, st, p.Folder, p.Path, 0, func(x node) error {
		if c.JSON {
			facts = append(facts, folderFact{x.path, x.Class, x.Items, x.Unread, x.Associated, x.Search, x.Hidden})
			return nil
		}
		note := ""
		switch {
		case x.Search:
			note = "  (search folder)"
		case x.Unread > 0:
			note = fmt.Sprintf("  %d items, %d unread", x.Items, x.Unread)
		case x.Items > 0:
			note = fmt.Sprintf("  %d items", x.Items)
		}
		a.printf("%s%s%s", strings.Repeat("  ", x.depth), clean(x.Name), note)
		return nil
	})
	if err == nil && c.JSON {
		return a.json(facts)
	}
	return err
}

type lsCmd struct {
	Store      string `arg:"" help:"Address of a folder." placeholder:"STORE//PATH"`
	Associated bool   `help:"List the associated items: views, settings, rules."`
	Deleted    bool   `help:"List what was deleted but can still be recovered."`
	Limit      int    `help:"No more than N items." placeholder:"N"`
	JSON       bool   `name:"json" help:"Print facts for programs."`
}

func (lsCmd) Help() string {
	return "Examples:\n  opencdo ls exchange:alice@contoso.test@mail.contoso.test//Inbox\n  opencdo ls local:alice.db//Inbox --limit 20 --json\n\nThe number before an item names it in other commands: opencdo show local:alice.db//Inbox/#3"
}

var listColumns = []mapi.Key{
	mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagMessageDeliveryTime), mapi.TagKey(pid.TagSenderName),
	mapi.TagKey(pid.TagMessageSize), mapi.TagKey(pid.TagMessageClass), mapi.TagKey(pid.TagMessageFlags),
	mapi.TagKey(pid.TagLastModificationTime), mapi.TagKey(pid.TagHasAttachments),
}

// itemFact is an item of a list in JSON.
type itemFact struct {
	Index       int        `json:"index"`
	ID          string     `json:"id"`
	Subject     string     `json:"subject"`
	Class       string     `json:"class"`
	Sender      string     `json:"sender,omitempty"`
	Received    *time.Time `json:"received,omitempty"`
	Modified    *time.Time `json:"modified,omitempty"`
	Size        int        `json:"size"`
	Unread      bool       `json:"unread"`
	Attachments bool       `json:"attachments"`
}

const messageRead = 0x01 // PidTagMessageFlags

func factOf(n int, r mapi.Row) itemFact {
	text := func(i int) string {
		s, _ := r.Values[i].(string)
		return s
	}
	when := func(i int) *time.Time {
		if t, ok := r.Values[i].(mapi.FileTime); ok {
			u := t.Time()
			return &u
		}
		return nil
	}
	f := itemFact{Index: n, ID: fmt.Sprintf("%X", string(r.ID)), Subject: text(0), Class: text(4), Sender: text(2), Received: when(1), Modified: when(6)}
	if n, ok := r.Values[3].(int32); ok {
		f.Size = int(n)
	}
	if n, ok := r.Values[5].(int32); ok {
		f.Unread = n&messageRead == 0
	}
	f.Attachments, _ = r.Values[7].(bool)
	return f
}

// Run lists items.
func (c lsCmd) Run(ctx context.Context, a *app) error {
	st, p, err := a.openPlace(ctx, c.Store, reading)
	if err != nil {
		return err
	}
	defer st.Close()
	if p.Item != "" {
		return usage("%s is an item: use \"opencdo show\"", c.Store)
	}
	q := mapi.Query{Columns: listColumns, Limit: c.Limit}
	switch {
	case c.Associated:
		q.Kind = mapi.Associated
	case c.Deleted:
		q.Kind = mapi.SoftDeleted
	}
	facts := []itemFact{}
	n := 0
	for r, err := range p.Folder.Rows(ctx, q) {
		if err != nil {
			return err
		}
		n++
		f := factOf(n, r)
		if c.JSON {
			facts = append(facts, f)
			continue
		}
		mark, date := " ", ""
		if f.Unread {
			mark = "*"
		}
		if t := f.Received; t != nil {
			date = t.Local().Format("2006-01-02 15:04")
		} else if t := f.Modified; t != nil {
			date = t.Local().Format("2006-01-02 15:04")
		}
		a.printf("%5s %s %-16s %9s  %-24s %s", fmt.Sprintf("#%d", n), mark, date, size(int64(f.Size)), cut(clean(f.Sender), 24), clean(orClass(f)))
	}
	if c.JSON {
		return a.json(facts)
	}
	if n == 0 {
		a.printf("no items")
	}
	return nil
}

func orClass(f itemFact) string {
	if f.Subject == "" {
		return "(" + f.Class + ")"
	}
	return f.Subject
}

// clean takes control characters out of what is printed on a terminal: mail is not to be trusted.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7F && r < 0xA0 || r == '\u2028' || r == '\u2029' || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

type addressesCmd struct {
	Store string `arg:"" help:"Address of a mailbox on the server." placeholder:"STORE"`
	Query string `arg:"" optional:"" help:"Part of a name, an alias or an address. Without it all entries are listed." placeholder:"NAME"`
	Limit int    `help:"No more than N entries." default:"100" placeholder:"N"`
	JSON  bool   `name:"json" help:"Print facts for programs."`
}

func (addressesCmd) Help() string {
	return "Examples:\n  opencdo addresses exchange:alice@contoso.test@mail.contoso.test\n  opencdo addresses exchange:alice@contoso.test@mail.contoso.test bob"
}

// Run lists or searches the global address list.
func (c addressesCmd) Run(ctx context.Context, a *app) error {
	st, _, err := a.open(ctx, c.Store, reading)
	if err != nil {
		return err
	}
	defer st.Close()
	book, ok := mapi.As[mapi.AddressBook](st)
	if !ok {
		return &mapi.Error{Op: "open address book", Object: c.Store, Code: mapi.ErrNoSupport}
	}
	q := mapi.Query{Limit: c.Limit, Columns: []mapi.Key{mapi.TagKey(pid.TagDisplayName), mapi.TagKey(pid.TagSmtpAddress), mapi.TagKey(pid.TagEmailAddress)}}
	if c.Query != "" {
		q.Where = mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagAnr), Value: c.Query}
	}
	type fact struct {
		Name string `json:"name"`
		SMTP string `json:"smtp"`
		DN   string `json:"dn"`
	}
	facts := []fact{}
	for r, err := range book.Entries(ctx, "", q) {
		if err != nil {
			return err
		}
		var f fact
		f.Name, _ = r.Values[0].(string)
		f.SMTP, _ = r.Values[1].(string)
		f.DN, _ = r.Values[2].(string)
		if c.JSON {
			facts = append(facts, f)
			continue
		}
		a.printf("%-32s %s", clean(f.Name), clean(f.SMTP))
	}
	if c.JSON {
		return a.json(facts)
	}
	return nil
}
