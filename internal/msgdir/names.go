package msgdir

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// Names of fixed meaning.
const (
	folderFile    = ".folder.json"
	folderProps   = ".folder.msg"
	associatedDir = ".associated"
	itemExt       = ".msg"
)

// maxName is the longest name of a file or directory, in bytes: with a long path before it, it still suits Windows.
const maxName = 120

// reserved are names that Windows gives to devices, with any extension.
var reserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$`)

// clean makes a text a legal name of at most size bytes; empty texts become other.
func clean(text, other string, size int) string {
	var b strings.Builder
	for _, r := range strings.TrimLeft(text, ". ") {
		if r == utf8.RuneError || strings.ContainsRune(`<>:"/\|?*`, r) || !unicode.IsPrint(r) {
			r = '_'
		}
		if b.Len()+utf8.RuneLen(r) > size {
			break
		}
		b.WriteRune(r)
	}
	name := strings.TrimRight(b.String(), ". ")
	switch {
	case name == "":
		return other
	case reserved.MatchString(name):
		return "_" + name
	}
	return name
}

// numbered makes the n-th name of equals, of which the first has no number.
func numbered(name string, n int, ext string) string {
	if n > 1 {
		name += fmt.Sprintf(" (%d)", n)
	}
	return name + ext
}

// numberSize is room for the number of numbered, counted generously.
const numberSize = len(" (1000000)")

// dirName is the name of a folder's directory.
func dirName(name string) string { return clean(name, "unnamed", maxName-numberSize-1) }

// label is what of an item goes into the name of its file.
type label struct {
	subject mapi.Value
	page    int32
	times   [4]mapi.FileTime // the earliest that is set counts
}

func (l *label) note(k mapi.Key, v mapi.Value) {
	switch {
	case k.Named():
	case k.Tag.ID() == pid.TagSubject.ID():
		l.subject = v
	case k.Tag == pid.TagMessageCodepage, k.Tag == pid.TagInternetCodepage && l.page == 0:
		l.page, _ = v.(int32)
	default:
		for i, t := range []mapi.Tag{pid.TagMessageDeliveryTime, pid.TagClientSubmitTime, pid.TagCreationTime, pid.TagLastModificationTime} {
			if k.Tag == t {
				l.times[i], _ = v.(mapi.FileTime)
			}
		}
	}
}

// fileName is the name of an item's file, without number and extension.
func (l *label) fileName() string {
	subject, _ := l.subject.(string)
	if s, ok := l.subject.(mapi.String8); ok {
		if !codepage.Known(int(l.page)) {
			l.page = codepage.Windows1252
		}
		subject, _ = codepage.Decode(int(l.page), []byte(s)) // the page is known
	}
	stamp := ""
	for _, t := range l.times {
		if at := t.Time(); t > 0 && at.Year() <= 9999 {
			stamp = at.Format("2006-01-02 1504 ")
			break
		}
	}
	size := maxName - len(stamp) - numberSize - len(itemExt) - len(msgfile.SidecarExt) - 1
	return stamp + clean(subject, "no subject", size)
}
