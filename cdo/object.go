package cdo

import (
	"encoding/hex"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/mapi"
)

// Object is what all objects of the model have in common.
type Object interface {
	Class() ObjectClass
	// Session is the session that the object comes from; of a session itself.
	Session() *Session
	// Parent is the object that this one was reached from; nil for a session.
	Parent() Object
	// Application is ApplicationName.
	Application() string
}

// node is the place of an object in the model.
type node struct {
	logon  *logon
	parent Object
}

// Session is the session that the object comes from.
func (n *node) Session() *Session { return n.logon.session }

// Parent is the object that this one was reached from.
func (n *node) Parent() Object { return n.parent }

// Application is ApplicationName.
func (n *node) Application() string { return ApplicationName }

// below is the node of an object that is reached from o.
func (n *node) below(o Object) node { return node{n.logon, o} }

// hexID is the text of an entry id: two upper-case digits for each byte.
func hexID(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

// parseID is the reverse of hexID, for either case.
func parseID(member, id string) (mapi.EntryID, error) {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) == 0 {
		return "", failf(member, CdoE_INVALID_ENTRYID, "%.80q isn't a hexadecimal id", id)
	}
	return mapi.EntryID(b), nil
}

// sameID compares entry ids. DNs of the address book compare without regard to case ([MS-OXOABK] 2.2.1.1).
func sameID(a, b []byte) bool {
	if string(a) == string(b) {
		return true
	}
	x, ok := bookID(a)
	if !ok {
		return false
	}
	y, ok := bookID(b)
	return ok && strings.EqualFold(string(x.DN), string(y.DN))
}

// bookID is an entry id of the address book.
func bookID(id []byte) (e oxcdata.AddressBookEntryID, ok bool) {
	err := oxcdata.Decode(oxcdata.ROP, id, func(c *oxcdata.Coder) { c.AddressBookEntryID(&e) })
	return e, err == nil && e.Provider == oxcdata.ProviderAddressBook
}
