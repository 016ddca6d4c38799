package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// Names of fixed meaning in the tree. What users name never begins with a dot.
const (
	storeFile       = ".store.json"      // beside the root folder's own files
	storeProps      = ".store.msg"       // properties of the store
	folderFile      = ".folder.json"     // what kind of folder a directory is
	folderProps     = ".folder.msg"      // its properties
	associatedDir   = ".associated"      // its associated items
	recoverableDir  = ".recoverable"     // its soft-deleted items
	permissionsFile = ".permissions.msg" // who may do what in it
	rulesFile       = ".rules.msg"       // what is done with what arrives in it
	catalogFile     = ".catalog"         // columns of the items of a directory
	itemExt         = ".msg"
)

const (
	// formatVersion is that of the layout. Readers refuse later ones.
	formatVersion = 1
	// maxName is the longest name of a file or directory, in bytes: with a long path before it, it still suits Windows.
	maxName = 120
	// maxSubject is how much of a subject goes into a name: the id, "-2" of a copy, ".msg" and ".sidecar" must fit, too.
	maxSubject = maxName - 1 - idDigits - 8 - len(itemExt) - len(msgfile.SidecarExt)
	// idDigits is how many hexadecimal digits of an item's identity stand in its name. They only have to tell apart items
	// of equal subject in one directory; equal names are numbered.
	idDigits = 12
	// maxItems is how many items a directory holds before it is split by the first digits of their ids: about a megabyte of
	// tree that a change rewrites.
	maxItems = 2000
)

// undated is the directory of items that have neither a delivery nor a creation time.
const undated = "undated"

// month is the directory of an item, from its delivery time, else its creation time.
func month(times ...mapi.FileTime) string {
	for _, t := range times {
		if t <= 0 {
			continue
		}
		if at := t.Time(); at.Year() <= 9999 {
			return at.Format("2006-01")
		}
	}
	return undated
}

var itemDirectory = regexp.MustCompile(`^(\d{4}-\d{2}|` + undated + `)$`)

// isItemDir tells whether a directory directly below a folder holds items.
func isItemDir(name string) bool { return itemDirectory.MatchString(name) }

// reserved are names that Windows gives to devices, with any extension.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$`)

// clean makes a text the beginning of a legal name, of at most size bytes. Nothing may be left of it.
func clean(text string, size int) string {
	var b strings.Builder
	text = strings.TrimLeft(text, ". \t\r\n")
	if reserved.MatchString(text) {
		b.WriteByte('_')
	}
	for _, r := range text {
		if r == utf8.RuneError || strings.ContainsRune(`<>:"/\|?*`, r) || !unicode.IsPrint(r) {
			r = '_'
		}
		if b.Len()+utf8.RuneLen(r) > size {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), ". ")
}

// dirName is the name of a folder's directory. One that isn't the folder's name letter for letter has a hash of that in it,
// so that it depends on no other folder.
func dirName(name string) string {
	const tail = 1 + 8
	c := clean(name, maxName-tail)
	if c == name && c != "" && !isItemDir(c) {
		return c
	}
	sum := sha256.Sum256([]byte(name))
	return c + "~" + hex.EncodeToString(sum[:4])
}

// itemName is the name of an item's file without extension.
func itemName(subject, id string) string {
	s := clean(subject, maxSubject)
	if s == "" {
		s = "no subject"
	}
	return s + " " + id
}

// numbered tells equal names apart.
func numbered(name string, n int) string {
	if n > 1 {
		name += fmt.Sprintf("-%d", n)
	}
	return name + itemExt
}

// digits are the first n digits of the id at the end of an item's name.
func digits(name string, n int) string {
	id := name[len(name)-idDigits:]
	return id[:n]
}

// times of an item that decide where it lies and how old it looks.
type times struct{ delivered, created, modified mapi.FileTime }

func (t *times) note(k mapi.Key, v mapi.Value) {
	at, ok := v.(mapi.FileTime)
	if !ok || k.Named() {
		return
	}
	switch k.Tag {
	case pid.TagMessageDeliveryTime:
		t.delivered = at
	case pid.TagCreationTime:
		t.created = at
	case pid.TagLastModificationTime:
		t.modified = at
	}
}

// fileTime is the modification time of an item's file: it must be the same in each backup of an unchanged item.
func (t *times) fileTime() time.Time {
	for _, at := range []mapi.FileTime{t.modified, t.delivered, t.created} {
		if at > 0 && at.Time().Year() <= 9999 {
			return at.Time()
		}
	}
	return time.Unix(0, 0).UTC()
}

// storeInfo is the content of a storeFile.
type storeInfo struct {
	Format  int    `json:"format"`
	Mailbox string `json:"mailbox"`
	// Metadata says what catalogs list.
	Metadata Level `json:"metadata,omitempty"`
	// Roles are paths of special folders below the directory of the mailbox, "" for that itself.
	Roles map[mapi.Role]string `json:"roles"`
}

// folderInfo is the content of a folderFile.
type folderInfo struct {
	Format     int         `json:"format"`
	Name       string      `json:"name"`
	Kind       string      `json:"kind"` // "normal"
	Roles      []mapi.Role `json:"roles,omitempty"`
	Class      string      `json:"class,omitempty"`
	Items      int         `json:"items"`
	Unread     int         `json:"unread"`
	Associated int         `json:"associated"`
	// Classes counts the associated items by message class.
	Classes map[string]int `json:"classes,omitempty"`
	// Recoverable is how many soft-deleted items there are.
	Recoverable int  `json:"recoverable,omitempty"`
	Hidden      bool `json:"hidden,omitempty"`
}

const kindNormal = "normal"
