package cdo_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/profile"
)

// members are calls of Session that need a logon.
var members = map[string]func(context.Context, *cdo.Session) error{
	"Name":                    func(_ context.Context, s *cdo.Session) error { _, err := s.Name(); return err },
	"Version":                 func(_ context.Context, s *cdo.Session) error { _, err := s.Version(); return err },
	"Inbox":                   func(ctx context.Context, s *cdo.Session) error { _, err := s.Inbox(ctx); return err },
	"Outbox":                  func(ctx context.Context, s *cdo.Session) error { _, err := s.Outbox(ctx); return err },
	"InfoStores":              func(ctx context.Context, s *cdo.Session) error { _, err := s.InfoStores(ctx); return err },
	"GetInfoStore":            func(ctx context.Context, s *cdo.Session) error { _, err := s.GetInfoStore(ctx, ""); return err },
	"GetFolder":               func(ctx context.Context, s *cdo.Session) error { _, err := s.GetFolder(ctx, "", ""); return err },
	"GetMessage":              func(ctx context.Context, s *cdo.Session) error { _, err := s.GetMessage(ctx, "00", ""); return err },
	"GetArticle":              func(ctx context.Context, s *cdo.Session) error { _, err := s.GetArticle(ctx, 1, "", ""); return err },
	"GetDefaultFolder":        func(ctx context.Context, s *cdo.Session) error { _, err := s.GetDefaultFolder(ctx, 1); return err },
	"GetAddressEntry":         func(ctx context.Context, s *cdo.Session) error { _, err := s.GetAddressEntry(ctx, "00"); return err },
	"AddressLists":            func(ctx context.Context, s *cdo.Session) error { _, err := s.AddressLists(ctx); return err },
	"GetAddressList":          func(ctx context.Context, s *cdo.Session) error { _, err := s.GetAddressList(ctx, 0); return err },
	"CurrentUser":             func(ctx context.Context, s *cdo.Session) error { _, err := s.CurrentUser(ctx); return err },
	"CompareIDs":              func(ctx context.Context, s *cdo.Session) error { _, err := s.CompareIDs(ctx, "00", "00"); return err },
	"CreateConversationIndex": func(_ context.Context, s *cdo.Session) error { _, err := s.CreateConversationIndex(""); return err },
	"OperatingSystem":         func(_ context.Context, s *cdo.Session) error { _, err := s.OperatingSystem(); return err },
	"OutOfOffice":             func(ctx context.Context, s *cdo.Session) error { _, err := s.OutOfOffice(ctx); return err },
	"OutOfOfficeText":         func(ctx context.Context, s *cdo.Session) error { return s.SetOutOfOfficeText(ctx, "x") },
	"DeliverNow":              func(ctx context.Context, s *cdo.Session) error { return s.DeliverNow(ctx) },
	"AddressBook": func(ctx context.Context, s *cdo.Session) error {
		_, err := s.AddressBook(ctx, cdo.AddressBookOptions{})
		return err
	},
	"MAPIOBJECT": func(ctx context.Context, s *cdo.Session) error { _, err := s.MAPIObject(ctx); return err },
	"Logoff":     func(_ context.Context, s *cdo.Session) error { return s.Logoff() },
}

// Reference 0 "Logon first", 4: before Logon and after Logoff every member is CdoE_NOT_INITIALIZED; the same object may log on again.
func TestMembersNeedALogon(t *testing.T) {
	s := cdo.NewSession(cdo.Config{Open: func(context.Context, cdo.Profile) ([]mapi.Store, error) {
		return []mapi.Store{memstore.New(memstore.Config{})}, nil
	}})
	refuse := func(when string) {
		for name, call := range members {
			err := call(t.Context(), s)
			want(t, name+" "+when, err, cdo.CdoE_NOT_INITIALIZED)
			if !strings.HasPrefix(err.Error(), "Session."+name) {
				t.Errorf("the error doesn't name the member: %v", err)
			}
		}
	}
	refuse("before Logon")
	for range 2 {
		if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "srv\nada"}); err != nil {
			t.Fatal(err)
		}
		want(t, "second Logon", s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "srv\nada"}), cdo.CdoE_LOGON_FAILED)
		inbox, err := s.Inbox(t.Context())
		if err != nil || inbox == nil {
			t.Fatal(inbox, err)
		}
		if err := s.Logoff(); err != nil {
			t.Fatal(err)
		}
		refuse("after Logoff")
		_, err = inbox.Messages().GetFirst(t.Context(), "")
		want(t, "a folder after Logoff", err, cdo.CdoE_NOT_INITIALIZED)
	}
}

// Reference 1.3 "Logon details", 4.
func TestLogon(t *testing.T) {
	choose := func(_ context.Context, window int) (string, error) {
		switch window {
		case 7:
			return "", cdo.CdoE_INVALID_PARAMETER
		case 8:
			return "", cdo.CdoE_USER_CANCEL
		}
		return "chosen", nil
	}
	for name, c := range map[string]struct {
		o    cdo.LogonOptions
		none bool // no dialog
		code mapi.Code
		want cdo.Profile
	}{
		"static profile":            {o: cdo.LogonOptions{ProfileName: "Outlook"}, want: cdo.Profile{Name: "Outlook"}},
		"unknown profile":           {o: cdo.LogonOptions{ProfileName: "missing"}, code: cdo.CdoE_LOGON_FAILED},
		"refused version":           {o: cdo.LogonOptions{ProfileName: "old"}, code: cdo.CdoE_FAILONEPROVIDER},
		"unattended without any":    {code: cdo.CdoE_LOGON_FAILED},
		"dialog":                    {o: cdo.LogonOptions{ShowDialog: true}, want: cdo.Profile{Name: "chosen"}},
		"dialog, active window":     {o: cdo.LogonOptions{ShowDialog: true, ParentWindow: -1}, want: cdo.Profile{Name: "chosen"}},
		"no dialog to show":         {o: cdo.LogonOptions{ShowDialog: true}, none: true, code: cdo.CdoE_LOGON_FAILED},
		"cancel":                    {o: cdo.LogonOptions{ShowDialog: true, ParentWindow: 8}, code: cdo.CdoE_USER_CANCEL},
		"no such window":            {o: cdo.LogonOptions{ShowDialog: true, ParentWindow: 7}, code: cdo.CdoE_INVALID_PARAMETER},
		"negative window":           {o: cdo.LogonOptions{ShowDialog: true, ParentWindow: -2}, code: cdo.CdoE_INVALID_PARAMETER},
		"window without dialog":     {o: cdo.LogonOptions{ProfileName: "Outlook", ParentWindow: -2}, want: cdo.Profile{Name: "Outlook"}},
		"password and flags":        {o: cdo.LogonOptions{ProfileName: "Outlook", ProfilePassword: "x", NewSession: true, NoMail: true}, want: cdo.Profile{Name: "Outlook"}},
		"dynamic":                   {o: cdo.LogonOptions{ProfileInfo: "srv\nada"}, want: cdo.Profile{Info: profile.Info{Server: "srv", Mailbox: "ada"}}},
		"dynamic wins":              {o: cdo.LogonOptions{ProfileName: "Outlook", ShowDialog: true, ProfileInfo: "srv\nada"}, want: cdo.Profile{Info: profile.Info{Server: "srv", Mailbox: "ada"}}},
		"dynamic without mailbox":   {o: cdo.LogonOptions{ProfileInfo: "srv"}, code: cdo.CdoE_INVALID_PARAMETER},
		"dynamic with vbCrLf":       {o: cdo.LogonOptions{ProfileInfo: "srv\r\nada"}, code: cdo.CdoE_INVALID_PARAMETER},
		"anonymous":                 {o: cdo.LogonOptions{ProfileInfo: "/o=Ent/ou=Site/cn=Configuration/cn=Servers/cn=Server\n\nanon"}, want: cdo.Profile{Info: profile.Info{Server: "/o=Ent/ou=Site/cn=Configuration/cn=Servers/cn=Server", Anonymous: true}}},
		"anonymous with anything":   {o: cdo.LogonOptions{ProfileInfo: "/cn=Server\nwho cares\nanon"}, want: cdo.Profile{Info: profile.Info{Server: "/cn=Server", Anonymous: true}}},
		"anonymous without /cn=":    {o: cdo.LogonOptions{ProfileInfo: "Server\n\nanon"}, code: cdo.CdoE_INVALID_PARAMETER},
		"anonymous with other word": {o: cdo.LogonOptions{ProfileInfo: "/cn=Server\n\nguest"}, code: cdo.CdoE_INVALID_PARAMETER},
	} {
		t.Run(name, func(t *testing.T) {
			var got cdo.Profile
			cfg := cdo.Config{ChooseProfile: choose, Open: func(_ context.Context, p cdo.Profile) ([]mapi.Store, error) {
				got = p
				if p.Name == "missing" {
					return nil, &mapi.Error{Op: "open profile", Object: p.Name, Code: mapi.ErrNotFound}
				}
				if p.Name == "old" {
					return nil, &mapi.Error{Op: "log on", Code: mapi.ErrFailOneProvider}
				}
				return []mapi.Store{memstore.New(memstore.Config{})}, nil
			}}
			if c.none {
				cfg.ChooseProfile = nil
			}
			s := cdo.NewSession(cfg)
			err := s.Logon(t.Context(), c.o)
			if c.code != 0 {
				want(t, "Logon", err, c.code)
				if s.LoggedOn() {
					t.Error("it is logged on all the same")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.InfoStores(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("the stores of %+v were opened", got)
			}
			if n, _ := s.Name(); c.want.Name != "" && n != c.want.Name || n == "" {
				t.Errorf("Name is %q", n)
			}
		})
	}
}

// Reference 1.3 "Temporary profile", 4: the names in ProfileInfo are not verified. The first access to a store fails, and it may
// be tried again.
func TestWrongNamesFailAtTheFirstAccess(t *testing.T) {
	down := true
	s := cdo.NewSession(cdo.Config{Open: func(_ context.Context, p cdo.Profile) ([]mapi.Store, error) {
		if down {
			return nil, &mapi.Error{Op: "log on", Object: p.Info.Mailbox, Code: mapi.ErrUnknownUser}
		}
		return []mapi.Store{memstore.New(memstore.Config{Name: "Mailbox"})}, nil
	}})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "wrong\nnobody"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Inbox(t.Context())
	want(t, "Inbox", err, cdo.CdoE_FAILONEPROVIDER)
	if !errors.Is(err, mapi.ErrUnknownUser) {
		t.Errorf("the cause is lost: %v", err)
	}
	user, err := s.CurrentUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := user.Name(t.Context()); n != "Unknown" { // reference 1.3, CurrentUser
		t.Errorf("CurrentUser is %q", n)
	}
	down = false
	if inbox, err := s.Inbox(t.Context()); err != nil || inbox == nil {
		t.Errorf("Inbox: %v, %v", inbox, err)
	}
}

// A context that ends is no failure of the provider.
func TestCancelledAccess(t *testing.T) {
	s := cdo.NewSession(cdo.Config{Open: func(ctx context.Context, _ cdo.Profile) ([]mapi.Store, error) { return nil, ctx.Err() }})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "srv\nada"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Inbox(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, cdo.CdoE_FAILONEPROVIDER) {
		t.Errorf("got %v", err)
	}
}

func TestAnonymousUser(t *testing.T) {
	s := cdo.NewSession(cdo.Config{Open: open(memstore.New(memstore.Config{}))})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileInfo: "/cn=Server\n\nanon"}); err != nil {
		t.Fatal(err)
	}
	user, err := s.CurrentUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := user.Name(t.Context()); n != "Unknown default" {
		t.Errorf("CurrentUser is %q", n)
	}
}

// Reference 1.3: GetDefaultFolder, GetFolder, GetMessage, GetInfoStore, Inbox and Outbox, and what they do with IDs that name nothing.
func TestSessionFinds(t *testing.T) {
	eachStore(t, func(w *world) {
		for kind, class := range map[cdo.DefaultFolder]string{cdo.CdoDefaultFolderCalendar: "IPF.Appointment", cdo.CdoDefaultFolderInbox: "IPF.Note",
			cdo.CdoDefaultFolderOutbox: "IPF.Note", cdo.CdoDefaultFolderSentItems: "IPF.Note", cdo.CdoDefaultFolderDeletedItems: "IPF.Note",
			cdo.CdoDefaultFolderContacts: "IPF.Contact", cdo.CdoDefaultFolderJournal: "IPF.Journal", cdo.CdoDefaultFolderNotes: "IPF.StickyNote",
			cdo.CdoDefaultFolderTasks: "IPF.Task"} {
			f := get(w.session.GetDefaultFolder(w.ctx, kind))(w)
			if v := w.field(f.Fields(), cdo.CdoPR_CONTAINER_CLASS); v != class {
				w.Errorf("default folder %d is of class %v", kind, v)
			}
		}
		for _, kind := range []cdo.DefaultFolder{-1, cdo.CdoDefaultFolderTotal} {
			_, err := w.session.GetDefaultFolder(w.ctx, kind)
			want(w.T, "GetDefaultFolder", err, cdo.CdoE_INVALID_PARAMETER)
		}

		inbox := w.inbox()
		storeID := get(inbox.StoreID(w.ctx))(w)
		for _, id := range []string{inbox.ID(), strings.ToLower(inbox.ID())} {
			for _, store := range []string{"", storeID} {
				f := get(w.session.GetFolder(w.ctx, id, store))(w)
				if !get(f.IsSameAs(w.ctx, inbox))(w) || f == inbox {
					w.Error("GetFolder gives another folder, or the same object")
				}
			}
		}
		root := get(w.session.GetFolder(w.ctx, "", storeID))(w)
		top := get(get(w.session.GetInfoStore(w.ctx, storeID))(w).RootFolder(w.ctx))(w)
		if id := get(top.FolderID(w.ctx))(w); id != root.ID() {
			w.Error("the root isn't the parent of the visible root")
		}

		m := get(inbox.Messages().GetFirst(w.ctx, ""))(w)
		again := get(w.session.GetMessage(w.ctx, m.ID(), ""))(w)
		if !get(m.IsSameAs(w.ctx, again))(w) || again.FolderID() != inbox.ID() || get(again.Subject(w.ctx))(w) != get(m.Subject(w.ctx))(w) {
			w.Error("GetMessage gives another message")
		}
		hidden := get(inbox.HiddenMessages().GetFirst(w.ctx, ""))(w)
		if again := get(w.session.GetMessage(w.ctx, hidden.ID(), storeID))(w); get(again.Type(w.ctx))(w) != get(hidden.Type(w.ctx))(w) {
			w.Error("GetMessage gives another hidden message")
		}

		w.must(m.Delete(w.ctx, false))
		_, err := w.session.GetMessage(w.ctx, m.ID(), "")
		want(w.T, "a message that is gone", err, cdo.CdoE_NOT_FOUND)
		_, err = w.session.GetMessage(w.ctx, "xyz", "")
		want(w.T, "no ID", err, cdo.CdoE_INVALID_ENTRYID)
		_, err = w.session.GetFolder(w.ctx, "ABCDEF", "")
		wantUnknownID(w.T, "another folder ID", err)
		_, err = w.session.GetFolder(w.ctx, inbox.ID(), "ABCDEF")
		want(w.T, "another store ID", err, cdo.CdoE_NOT_FOUND)
		if s, err := w.session.GetInfoStore(w.ctx, "ABCDEF"); s != nil || err != nil {
			w.Errorf("GetInfoStore of an unknown ID: %v, %v", s, err)
		}
	})
}

// Reference 1.3: GetArticle finds normal messages by PR_INTERNET_ARTICLE_NUMBER.
func TestGetArticle(t *testing.T) {
	w := newWorld(t)
	m := w.message("Notes on the engine")
	get(m.Fields().Add(cdo.CdoPR_INTERNET_ARTICLE_NUMBER, 42))(w)
	w.must(m.Update(w.ctx, true, false))
	found := get(w.session.GetArticle(w.ctx, 42, w.inbox().ID(), ""))(w)
	if !get(found.IsSameAs(w.ctx, m))(w) {
		t.Error("another message")
	}
	_, err := w.session.GetArticle(w.ctx, 43, w.inbox().ID(), "")
	want(t, "another number", err, cdo.CdoE_NOT_FOUND)
}

// One store that has no Inbox: Nothing, not an error (reference 0 "Nothing vs error").
type noSpecial struct{ mapi.Store }

func (s noSpecial) Special(ctx context.Context, r mapi.Role) (mapi.EntryID, error) {
	if r == mapi.RoleInbox || r == mapi.RoleOutbox || r == mapi.RoleTasks {
		return "", &mapi.Error{Op: "find", Object: string(r), Code: mapi.ErrNotFound}
	}
	return s.Store.Special(ctx, r)
}

func TestMissingSpecialFolders(t *testing.T) {
	s := cdo.NewSession(cdo.Config{Open: open(noSpecial{memstore.New(memstore.Config{})})})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileName: "p"}); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Inbox(t.Context()); f != nil || err != nil {
		t.Errorf("Inbox: %v, %v", f, err)
	}
	if f, err := s.Outbox(t.Context()); f != nil || err != nil {
		t.Errorf("Outbox: %v, %v", f, err)
	}
	_, err := s.GetDefaultFolder(t.Context(), cdo.CdoDefaultFolderTasks)
	want(t, "GetDefaultFolder", err, cdo.CdoE_NOT_FOUND)
}

// Reference 1.4: InfoStores by position and name; the stores of a profile are told apart.
func TestInfoStores(t *testing.T) {
	mailbox, public := memstore.New(memstore.Config{Name: "Mailbox - Ada"}), memstore.New(memstore.Config{Name: "Public Folders"})
	s := cdo.NewSession(cdo.Config{Open: open(mailbox, public)})
	if err := s.Logon(t.Context(), cdo.LogonOptions{ProfileName: "p"}); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, ctx: t.Context(), session: s}
	stores := get(s.InfoStores(w.ctx))(w)
	if stores.Count() != 2 || stores.Item(0) != nil || stores.Item(3) != nil || stores.Item(2).Index() != 2 {
		t.Error("the collection doesn't count from 1 to 2")
	}
	pf := get(stores.ByName(w.ctx, "Public Folders"))(w)
	if pf != stores.Item(2) {
		t.Error("ByName finds another store")
	}
	_, err := stores.ByName(w.ctx, "public folders!")
	want(t, "another name", err, cdo.CdoE_NOT_FOUND)
	id := get(pf.ID(w.ctx))(w)
	if same := get(get(s.GetInfoStore(w.ctx, id))(w).IsSameAs(w.ctx, pf))(w); !same {
		t.Error("GetInfoStore finds another store")
	}
	if same := get(pf.IsSameAs(w.ctx, stores.Item(1)))(w); same {
		t.Error("both stores are the same")
	}
	if f := get(s.GetFolder(w.ctx, "", id))(w); get(f.StoreID(w.ctx))(w) != id {
		t.Error("the root is of another store")
	}
	want(t, "changing a store's field", get(pf.Fields().ByTag(w.ctx, cdo.CdoPR_DISPLAY_NAME))(w).SetValue("x"), cdo.CdoE_NO_SUPPORT)
	n := 0
	for range stores.All() {
		n++
	}
	if n != 2 {
		t.Errorf("All gave %d", n)
	}
}

// Reference 0 "IDs are not comparable by text".
func TestCompareIDs(t *testing.T) {
	w := newWorld(t)
	// Two entry ids of the address book that differ in the case of the DN ([MS-OXCDATA] 2.2.5.2).
	const head = "00000000DCA740C8C042101AB4B908002B2FE1820100000000000000"
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"00AB", "00ab", true}, {"00AB", "00AC", false},
		{head + "2F6F3D4100", head + "2F4F3D6100", true}, {head + "2F6F3D4100", head + "2F6F3D4200", false},
	} {
		if got := get(w.session.CompareIDs(w.ctx, c.a, c.b))(w); got != c.want {
			t.Errorf("CompareIDs(%s, %s) = %v", c.a, c.b, got)
		}
	}
	_, err := w.session.CompareIDs(w.ctx, "0", "00")
	want(t, "half a byte", err, cdo.CdoE_INVALID_ENTRYID)
}

// The folder for large values goes with the session.
func TestLogoffRemovesTemporaryFiles(t *testing.T) {
	temp := t.TempDir()
	s := cdo.NewSession(cdo.Config{Open: open(memstore.New(memstore.Config{})), TempDir: temp})
	w := &world{T: t, ctx: t.Context(), session: s}
	w.must(s.Logon(w.ctx, cdo.LogonOptions{ProfileName: "p"}))
	m := w.inbox().Messages().Add("large", "", "")
	a := get(get(m.Attachments(w.ctx))(w).Add(w.ctx, "large.bin", -1, cdo.CdoFileData, ""))(w)
	w.must(a.SetData(w.ctx, strings.NewReader(strings.Repeat("large ", 100_000))))
	w.must(m.Update(w.ctx, true, true))
	if list, _ := os.ReadDir(temp); len(list) != 1 {
		t.Errorf("%d entries in the folder for temporary files", len(list))
	}
	w.must(s.Logoff())
	if list, _ := os.ReadDir(temp); len(list) != 0 {
		t.Errorf("%d entries are left in the folder for temporary files", len(list))
	}
}

// Reference 4 "Form".
func TestErrorDescription(t *testing.T) {
	for code, text := range map[mapi.Code]string{
		cdo.CdoE_NOT_FOUND:     "[Collaboration Data Objects - [MAPI_E_NOT_FOUND(8004010F)]]",
		cdo.CdoE_UNKNOWN_FLAGS: "[Collaboration Data Objects - [MAPI_E_UNKNOWN_FLAGS(80040106)]]",
		cdo.CdoE_CALL_FAILED:   "[Collaboration Data Objects - [E_FAIL(80004005)]]",
	} {
		if got := (&cdo.Error{Code: code}).Description(); got != text {
			t.Errorf("%v: %s", code, got)
		}
	}
}
