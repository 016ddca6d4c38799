package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/opencdo/opencdo"
	"github.com/opencdo/opencdo/backup"
	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/directory"
	"github.com/opencdo/opencdo/internal/localstore"
	"github.com/opencdo/opencdo/internal/samplebox"
	"github.com/opencdo/opencdo/internal/settings"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/profile"
)

type demoCmd struct {
	Items int    `help:"How many items the mailbox holds." default:"240" placeholder:"N"`
	Keep  string `help:"Leave the server's data, the repository (repo) and its password (repo-password) in this directory." placeholder:"DIR"`
	JSON  bool   `name:"json" help:"Print the outcome for programs."`
}

func (demoCmd) Help() string {
	return "Starts the embedded server with a mailbox full of mail, logs on with a CDO dynamic profile, browses, backs the mailbox up, loses a good part of it, recovers it, and proves property by property that everything is back. All of it goes over the protocols that Exchange speaks; nothing outside of this machine is touched.\n\nExamples:\n  opencdo demo\n  opencdo demo --items 5000 --keep /tmp/demo"
}

// demoMinimum is what it takes to have every kind of item.
const demoMinimum = 200

const demoDomain = "contoso.test"

// demo is one run of the demonstration.
type demo struct {
	*app
	quietly  bool
	dir      string
	user     directory.User
	password string
	listen   string
	cfg      *opencdo.Config

	started time.Time
	facts   demoFacts
}

// demoFacts are the outcome in JSON.
type demoFacts struct {
	Items       int      `json:"items"`
	Lost        int      `json:"lost"`
	Recovered   int      `json:"recovered"`
	Differences int      `json:"differences"`
	Seconds     float64  `json:"seconds"`
	Directory   string   `json:"directory,omitempty"`
	Steps       []string `json:"steps"`
}

// Run shows the main job.
func (c demoCmd) Run(ctx context.Context, a *app) error {
	if c.Items < demoMinimum {
		return usage("the demo takes at least %d items, to have some of every kind", demoMinimum)
	}
	d := &demo{app: a, quietly: c.JSON, dir: c.Keep, started: time.Now()}
	if d.dir == "" {
		var err error
		if d.dir, err = os.MkdirTemp("", "opencdo-demo-"); err != nil {
			return err
		}
		defer os.RemoveAll(d.dir)
	} else {
		if err := os.MkdirAll(d.dir, 0o700); err != nil {
			return err
		}
		if list, err := os.ReadDir(d.dir); err != nil || len(list) > 0 {
			return errors.Join(err, usage("%s must be an empty directory", d.dir))
		}
		d.facts.Directory = d.dir
	}
	if err := d.run(ctx, c.Items); err != nil {
		return err
	}
	d.facts.Seconds = time.Since(d.started).Seconds()
	if c.JSON {
		if err := a.json(d.facts); err != nil {
			return err
		}
	} else {
		a.printf("recovered %d of %d items, %d differences", d.facts.Recovered, d.facts.Items, d.facts.Differences)
	}
	if d.facts.Differences > 0 || d.facts.Recovered != d.facts.Items {
		return incomplete{"not everything came back"}
	}
	return nil
}

// step tells what is being done.
func (d *demo) step(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.facts.Steps = append(d.facts.Steps, text)
	if !d.quietly {
		d.printf("[%5.1f s] %s", time.Since(d.started).Seconds(), text)
	}
}

func (d *demo) detail(format string, args ...any) {
	if !d.quietly {
		d.printf("            "+format, args...)
	}
}

func (d *demo) run(ctx context.Context, items int) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := d.prepare(ctx, items); err != nil {
		return err
	}
	served, err := d.serve(ctx)
	if err != nil {
		return err
	}
	defer func() {
		stop()
		if serr := <-served; err == nil && !errors.Is(serr, context.Canceled) {
			err = serr
		}
	}()
	info := profile.Info{Server: d.user.Mailbox.String() + "@" + demoDomain, Mailbox: d.user.Alias}
	if err := d.browse(ctx, info); err != nil {
		return err
	}
	mailbox, err := opencdo.OpenProfile(ctx, info, d.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mailbox.Close()) }()
	snapshot, err := d.backUp(ctx, mailbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	if err := d.lose(ctx, mailbox); err != nil {
		return err
	}
	return d.recover(ctx, snapshot, mailbox)
}

// prepare makes the server's data: users, and a mailbox full of mail.
func (d *demo) prepare(ctx context.Context, items int) error {
	dir, err := directory.Create(ctx, filepath.Join(d.dir, "server"), demoDomain)
	if err != nil {
		return err
	}
	defer dir.Close()
	d.password = rand.Text()
	if d.user, err = dir.Add(ctx, directory.NewUser{Alias: "admin", DisplayName: "Administrator", Password: d.password, Admin: true}); err != nil {
		return err
	}
	for alias, name := range map[string]string{"alice": "Alice Adams", "bob": "Bob Brown"} {
		if _, err := dir.Add(ctx, directory.NewUser{Alias: alias, DisplayName: name, Password: rand.Text()}); err != nil {
			return err
		}
	}
	st, err := localstore.Open(ctx, dir.MailboxPath(d.user.Mailbox))
	if err != nil {
		return err
	}
	defer st.Close()
	d.progress.begin()
	if _, err = samplebox.Fill(ctx, st, samplebox.Options{Items: items,
		Owner: samplebox.Owner{Name: d.user.DisplayName, SMTP: d.user.SMTPAddress, LegacyDN: d.user.LegacyDN}, Progress: func(done, total int) { d.progress.show("making mail", done, total, 0) }}); err != nil {
		return err
	}
	d.facts.Items = items
	d.step("made a mailbox of %d items for %s", items, d.user.SMTPAddress)
	return nil
}

// serve starts the embedded server on a free port and points the settings of MAPI/CDO at it.
func (d *demo) serve(ctx context.Context) (<-chan error, error) {
	backend, err := exchangeserver.OpenLocal(ctx, filepath.Join(d.dir, "server"))
	if err != nil {
		return nil, err
	}
	server, err := exchangeserver.New(exchangeserver.Config{Backend: backend, Domain: backend.Domain()})
	if err != nil {
		return nil, errors.Join(err, backend.Close())
	}
	cert, err := backend.Directory().Certificate(ctx)
	if err != nil {
		return nil, errors.Join(err, server.Close(), backend.Close())
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, server.Close(), backend.Close())
	}
	d.listen = l.Addr().String()
	served := make(chan error, 1)
	go func() {
		err := server.Serve(ctx, l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
		served <- errors.Join(err, server.Close(), backend.Close())
	}()
	home := filepath.Join(d.dir, "home")
	set, err := settings.Load(home)
	if err != nil {
		return nil, err
	}
	entry := fmt.Sprintf("%s=https://%s,basic,none,false", demoDomain, d.listen)
	set.SetText(settings.Messaging, settings.RpcHttpProxyMap, entry)
	set.SetNumber(settings.CDO, settings.IgnoreNoPF, 1)
	if err := set.Save(home); err != nil {
		return nil, err
	}
	d.cfg = &opencdo.Config{Home: home, CAFile: backend.Directory().CAPath(), Warn: func(m string) { fmt.Fprintln(d.stderr, "warning:", m) },
		Password: func(context.Context, string, string) (string, error) { return d.password, nil }}
	d.step("the embedded server listens on https://%s", d.listen)
	d.detail("%s = %s", settings.RpcHttpProxyMap, entry)
	return served, nil
}

// browse logs on as a script of 1998 would, and looks around.
func (d *demo) browse(ctx context.Context, info profile.Info) error {
	s := cdo.NewSession(cdo.Config{Open: func(ctx context.Context, p cdo.Profile) ([]mapi.Store, error) {
		st, err := opencdo.OpenProfile(ctx, p.Info, d.cfg)
		return []mapi.Store{st}, err
	}})
	if err := s.Logon(ctx, cdo.LogonOptions{NewSession: true, NoMail: true, ProfileInfo: info.String()}); err != nil {
		return err
	}
	defer s.Logoff()
	inbox, err := s.Inbox(ctx)
	if err != nil {
		return err
	}
	messages := inbox.Messages()
	count, err := messages.Count(ctx)
	if err != nil {
		return err
	}
	d.step("logged on with the dynamic profile %q", info.String())
	d.detail("MAPI.Session.Inbox holds %d messages, among them:", count)
	shown := 0
	for m, err := range messages.All(ctx) {
		if err != nil {
			return err
		}
		subject, err := m.Subject(ctx)
		if err != nil {
			return err
		}
		d.detail("  %s", clean(cut(subject, 72)))
		if shown++; shown == demoShown {
			break
		}
	}
	return nil
}

// demoShown is how many messages the demo lists.
const demoShown = 5

// backUp backs the mailbox up and compares the snapshot with it.
func (d *demo) backUp(ctx context.Context, mailbox mapi.Store) (mapi.Store, error) {
	password := rand.Text()
	if err := os.WriteFile(filepath.Join(d.dir, "repo-password"), []byte(password+"\n"), 0o600); err != nil {
		return nil, err
	}
	repo, err := backup.Init(ctx, filepath.Join(d.dir, "repo"), backup.FixedPassword(password))
	if err != nil {
		return nil, err
	}
	d.progress.begin()
	r, err := backup.Run(ctx, mailbox, repo, backup.Options{Mailbox: d.user.SMTPAddress, Server: d.listen, Progress: d.transferProgress})
	if err != nil {
		return nil, err
	}
	if len(r.Problems) > 0 {
		d.printProblems(r.Copy)
		return nil, incomplete{"not everything could be backed up"}
	}
	d.step("backed up: %d items (%s), %s in the repository, snapshot %s", r.Copied, size(r.Bytes), size(int64(r.Stored)), r.Snapshot.Short)
	snapshot, err := repo.OpenSnapshot(ctx, r.Snapshot.ID)
	if err != nil {
		return nil, err
	}
	diff, err := compare.Stores(ctx, mailbox, snapshot, compare.Options{Progress: d.compareProgress})
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	if diff.Count > 0 {
		d.printDifferences(diff)
		return nil, errors.Join(incomplete{"the snapshot differs from the mailbox"}, snapshot.Close())
	}
	d.step("compared the snapshot with the mailbox: %d items, %d differences", diff.Items, diff.Count)
	return snapshot, nil
}

func (d *demo) compareProgress(p compare.Progress) {
	d.progress.show("comparing "+p.Folder, p.Items, d.facts.Items, 0)
}

// lose deletes every second item of the Inbox, all contacts and a whole folder, for good.
func (d *demo) lose(ctx context.Context, mailbox mapi.Store) error {
	before, err := countItems(ctx, mailbox)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		role mapi.Role
		step int
	}{{mapi.RoleInbox, 2}, {mapi.RoleContacts, 1}, {mapi.RoleCalendar, 3}} {
		id, err := mailbox.Special(ctx, x.role)
		if err != nil {
			return err
		}
		f, err := mailbox.Folder(ctx, id)
		if err != nil {
			return err
		}
		var ids []mapi.EntryID
		n := 0
		for r, err := range f.Rows(ctx, mapi.Query{}) {
			if err != nil {
				return err
			}
			if n++; n%x.step == 0 {
				ids = append(ids, r.ID)
			}
		}
		if err := f.Delete(ctx, ids, true); err != nil {
			return err
		}
		if x.role != mapi.RoleInbox {
			continue
		}
		for sub, err := range f.Folders(ctx) {
			if err != nil {
				return err
			}
			if err := f.DeleteFolder(ctx, sub.ID); err != nil {
				return err
			}
			d.detail("the folder %q is gone with all that was in it", sub.Name)
			break
		}
	}
	after, err := countItems(ctx, mailbox)
	if err != nil {
		return err
	}
	d.facts.Lost = before - after
	if d.facts.Lost == 0 {
		return errors.New("nothing was lost: there is nothing to show")
	}
	d.step("lost mail: %d of %d items deleted for good", d.facts.Lost, before)
	return nil
}

// countItems counts normal and associated items of all folders.
func countItems(ctx context.Context, st mapi.Store) (int, error) {
	id, err := st.Special(ctx, mapi.RoleRoot)
	if err != nil {
		return 0, err
	}
	root, err := st.Folder(ctx, id)
	if err != nil {
		return 0, err
	}
	n := 0
	err = walk(ctx, st, root, "", 0, func(x node) error {
		n += x.Items + x.Associated
		return nil
	})
	return n, err
}

// recover restores the snapshot and proves that the mailbox is what it was.
func (d *demo) recover(ctx context.Context, snapshot, mailbox mapi.Store) error {
	d.progress.begin()
	r, err := backup.Restore(ctx, snapshot, "", mailbox, backup.RestoreOptions{NoProof: true, Progress: d.transferProgress})
	if err != nil {
		return err
	}
	d.step("restored: %d items came back, %d were still there", r.Copied, r.Skipped)
	if len(r.Problems) > 0 {
		d.printProblems(r.Copy)
	}
	diff, err := compare.Stores(ctx, snapshot, mailbox, compare.Options{Progress: d.compareProgress})
	if err != nil {
		return err
	}
	if diff.Count > 0 {
		d.printDifferences(diff)
	}
	d.step("compared the mailbox with the snapshot, item by item and property by property")
	d.facts.Recovered, d.facts.Differences = diff.Equal, diff.Count
	return nil
}
