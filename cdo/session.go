package cdo

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Version is the version of the object model.
const Version = "1.2.1"

// Session is a session with a messaging system, the one object that programs create (MAPI.Session). Until Logon has succeeded
// and after Logoff every member is CdoE_NOT_INITIALIZED.
type Session struct {
	config Config
	locale Locale
	on     *logon // nil when not logged on
}

// NewSession makes a session that isn't logged on yet.
func NewSession(c Config) *Session { return &Session{config: c} }

// Class is CdoSession.
func (s *Session) Class() ObjectClass { return CdoSession }

// Session is the session itself.
func (s *Session) Session() *Session { return s }

// Parent is nil.
func (s *Session) Parent() Object { return nil }

// Application is ApplicationName.
func (s *Session) Application() string { return ApplicationName }

// LoggedOn reports whether the session is between Logon and Logoff.
func (s *Session) LoggedOn() bool { return s.on != nil }

func (s *Session) active(member string) (*logon, error) {
	if s.on == nil {
		return nil, &Error{Member: member, Code: CdoE_NOT_INITIALIZED, Err: errors.New("not logged on")}
	}
	return s.on, nil
}

// open gives the logon with its stores open.
func (s *Session) open(ctx context.Context, member string) (*logon, error) {
	l, err := s.active(member)
	if err == nil {
		err = l.open(ctx)
	}
	return l, fail(member, err)
}

// Name is the name of the profile, not of the user.
func (s *Session) Name() (string, error) {
	l, err := s.active("Session.Name")
	if err != nil {
		return "", err
	}
	return l.name, nil
}

// Version is the version of the object model.
func (s *Session) Version() (string, error) {
	_, err := s.active("Session.Version")
	if err != nil {
		return "", err
	}
	return Version, nil
}

// InfoStores are the stores of the profile, the default store first.
func (s *Session) InfoStores(ctx context.Context) (*InfoStores, error) {
	l, err := s.open(ctx, "Session.InfoStores")
	if err != nil {
		return nil, err
	}
	return l.stores, nil
}

// GetInfoStore finds a store by its ID; nil when there is none of that ID. An empty ID is the default store.
func (s *Session) GetInfoStore(ctx context.Context, storeID string) (*InfoStore, error) {
	const member = "Session.GetInfoStore"
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, err
	}
	store, err := l.store(ctx, member, storeID)
	if missing(err) {
		return nil, nil
	}
	return store, fail(member, err)
}

// store finds a store by its ID; an empty one is the default store.
func (l *logon) store(ctx context.Context, member, storeID string) (*InfoStore, error) {
	if storeID == "" {
		return l.stores.list[0], nil
	}
	id, err := parseID(member, storeID)
	if err != nil {
		return nil, err
	}
	for _, s := range l.stores.list {
		own, err := s.entryID(ctx)
		if err != nil {
			return nil, err
		}
		if sameID(own, []byte(id)) {
			return s, nil
		}
	}
	return nil, failf(member, CdoE_NOT_FOUND, "no store has this id")
}

// special is a folder of the default store by its purpose, nil when there is none.
func (s *Session) special(ctx context.Context, member string, r mapi.Role) (*Folder, error) {
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, err
	}
	f, err := l.stores.list[0].special(ctx, s, r)
	if missing(err) {
		return nil, nil
	}
	return f, fail(member, err)
}

// Inbox is the Inbox of the default store, nil when there is none.
func (s *Session) Inbox(ctx context.Context) (*Folder, error) {
	return s.special(ctx, "Session.Inbox", mapi.RoleInbox)
}

// Outbox is the Outbox of the default store, nil when there is none.
func (s *Session) Outbox(ctx context.Context) (*Folder, error) {
	return s.special(ctx, "Session.Outbox", mapi.RoleOutbox)
}

var defaultRoles = map[DefaultFolder]mapi.Role{
	CdoDefaultFolderCalendar: mapi.RoleCalendar, CdoDefaultFolderInbox: mapi.RoleInbox, CdoDefaultFolderOutbox: mapi.RoleOutbox,
	CdoDefaultFolderSentItems: mapi.RoleSent, CdoDefaultFolderDeletedItems: mapi.RoleDeleted,
	CdoDefaultFolderContacts: mapi.RoleContacts, CdoDefaultFolderJournal: mapi.RoleJournal,
	CdoDefaultFolderNotes: mapi.RoleNotes, CdoDefaultFolderTasks: mapi.RoleTasks,
}

// outlookFolders are the folders that mailboxes begin without, by the names that new ones get.
var outlookFolders = map[mapi.Role]string{
	mapi.RoleCalendar: "Calendar", mapi.RoleContacts: "Contacts", mapi.RoleJournal: "Journal", mapi.RoleNotes: "Notes", mapi.RoleTasks: "Tasks",
}

// makeFolders makes all of outlookFolders that are missing when one of them is asked for, where the store can.
func (s *Session) makeFolders(ctx context.Context, asked mapi.Role) error {
	store := s.on.stores.list[0].store
	maker, ok := mapi.As[mapi.SpecialCreator](store)
	if !ok || outlookFolders[asked] == "" {
		return nil
	}
	for role, name := range outlookFolders {
		_, err := store.Special(ctx, role)
		if missing(err) {
			_, err = maker.CreateSpecial(ctx, role, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// GetDefaultFolder is a folder of the default store by its purpose. Where one of Outlook's folders is missing all of them are made;
// one that the store cannot have is CdoE_NOT_FOUND.
func (s *Session) GetDefaultFolder(ctx context.Context, t DefaultFolder) (*Folder, error) {
	const member = "Session.GetDefaultFolder"
	if _, err := s.active(member); err != nil {
		return nil, err
	}
	r, ok := defaultRoles[t]
	if !ok {
		return nil, failf(member, CdoE_INVALID_PARAMETER, "there is no default folder %d", t)
	}
	f, err := s.special(ctx, member, r)
	if f == nil && err == nil {
		if err = s.makeFolders(ctx, r); err == nil {
			f, err = s.special(ctx, member, r)
		}
	}
	if f == nil && err == nil {
		err = failf(member, CdoE_NOT_FOUND, "the store has no %s folder", r)
	}
	return f, fail(member, err)
}

// GetFolder opens a folder by its ID. An empty storeID is the default store; an empty folderID is the root folder of the store.
func (s *Session) GetFolder(ctx context.Context, folderID, storeID string) (*Folder, error) {
	const member = "Session.GetFolder"
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, err
	}
	store, err := l.store(ctx, member, storeID)
	if err != nil {
		return nil, fail(member, err)
	}
	if folderID == "" {
		f, err := store.special(ctx, s, mapi.RoleRoot)
		return f, fail(member, err)
	}
	id, err := parseID(member, folderID)
	if err != nil {
		return nil, err
	}
	f, err := store.folder(ctx, s, id)
	return f, fail(member, err)
}

// GetMessage opens a message by its ID. An empty storeID is the default store. Where the ID doesn't tell the folder, as those of
// Exchange do, all folders of the store are asked for it.
func (s *Session) GetMessage(ctx context.Context, messageID, storeID string) (*Message, error) {
	const member = "Session.GetMessage"
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, err
	}
	store, err := l.store(ctx, member, storeID)
	if err != nil {
		return nil, fail(member, err)
	}
	id, err := parseID(member, messageID)
	if err != nil {
		return nil, err
	}
	m, err := store.message(ctx, s, id)
	return m, fail(member, err)
}

// GetArticle opens a message of a folder by its PR_INTERNET_ARTICLE_NUMBER. An empty storeID is the default store. Hidden
// messages are not found.
func (s *Session) GetArticle(ctx context.Context, articleID int32, folderID, storeID string) (*Message, error) {
	const member = "Session.GetArticle"
	f, err := s.GetFolder(ctx, folderID, storeID)
	if err != nil {
		return nil, rename(err, member)
	}
	list := f.Messages()
	list.SetRestriction(mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagInternetArticleNumber), Value: articleID})
	m, err := list.GetFirst(ctx, "")
	if err == nil && m == nil {
		err = failf(member, CdoE_NOT_FOUND, "no message has the article number %d", articleID)
	}
	return m, rename(err, member)
}

// CompareIDs reports whether two IDs name the same object.
func (s *Session) CompareIDs(ctx context.Context, id1, id2 string) (bool, error) {
	const member = "Session.CompareIDs"
	if _, err := s.active(member); err != nil {
		return false, err
	}
	a, err := parseID(member, id1)
	if err != nil {
		return false, err
	}
	b, err := parseID(member, id2)
	if err != nil {
		return false, err
	}
	return s.on.sameEntry(ctx, []byte(a), []byte(b)), nil
}

// sameEntry compares entry ids, asking the stores that have a say in it.
func (l *logon) sameEntry(ctx context.Context, a, b []byte) bool {
	if sameID(a, b) || l.stores == nil {
		return sameID(a, b)
	}
	for _, s := range l.stores.list {
		if c, ok := mapi.As[mapi.EntryIDComparer](s.store); ok {
			if same, err := c.SameEntryID(ctx, mapi.EntryID(a), mapi.EntryID(b)); same && err == nil {
				return true
			}
		}
	}
	return false
}

// CreateConversationIndex makes a value for Message.ConversationIndex: the first of a thread, or with a parent's index the one
// of a reply to it ([MS-OXOMSG] 2.2.1.3).
func (s *Session) CreateConversationIndex(parent string) (string, error) {
	const member = "Session.CreateConversationIndex"
	if _, err := s.active(member); err != nil {
		return "", err
	}
	if parent == "" {
		return hexID(newConversation(time.Now())), nil
	}
	old, err := hexValue(parent)
	if err != nil {
		return "", fail(member, err)
	}
	index, err := replyConversation(old, time.Now())
	return hexID(index), fail(member, err)
}

// CurrentUser is the owner of the mailbox. Of a ProfileInfo that cannot be resolved it is named "Unknown", of an anonymous one
// "Unknown default".
func (s *Session) CurrentUser(ctx context.Context) (*AddressEntry, error) {
	const member = "Session.CurrentUser"
	l, err := s.active(member)
	if err != nil {
		return nil, err
	}
	if l.dynamic() && l.profile.Info.Anonymous {
		return l.namedEntry(s, "Unknown default"), nil
	}
	e, err := l.currentUser(ctx)
	if l.dynamic() && slices.ContainsFunc(unresolved, func(c mapi.Code) bool { return errors.Is(err, c) }) {
		return l.namedEntry(s, "Unknown"), nil
	}
	return e, fail(member, err)
}

// unresolved are the errors of a dynamic profile whose names mean nothing to the server.
var unresolved = []mapi.Code{mapi.ErrNotFound, mapi.ErrAmbiguous, mapi.ErrUnknownUser}

// rename makes an error one of another member.
func rename(err error, member string) error {
	var e *Error
	if errors.As(err, &e) {
		return &Error{Member: member, Code: e.Code, Err: e.Err}
	}
	return fail(member, err)
}
