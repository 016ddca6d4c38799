package backup

import (
	"fmt"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/snapshot"
	"github.com/opencdo/opencdo/mapi"
)

// Kinds of what Find finds, beside those of messages.
const (
	KindMailbox = "mailbox"
	KindFolder  = "folder"
)

// classKinds are names for message classes; a class begins with what stands here. The longer ones come first.
var classKinds = []struct{ kind, class string }{
	{"meeting", "ipm.schedule.meeting"}, {"mail", "ipm.note"}, {"appointment", "ipm.appointment"}, {"contact", "ipm.contact"},
	{"contact", "ipm.distlist"}, {"task", "ipm.task"}, {"note", "ipm.stickynote"}, {"journal", "ipm.activity"}, {"post", "ipm.post"},
	{"report", "report."},
}

// kindOf is the kind of a message class: one of the names above, or the class itself.
func kindOf(class string) string {
	lower := strings.ToLower(class)
	for _, k := range classKinds {
		if strings.HasPrefix(lower, k.class) {
			return k.kind
		}
	}
	return lower
}

// Query says what is looked for. All of its terms must fit.
type Query struct {
	terms []term
}

// term is one condition.
type term struct {
	field string // "" for text
	text  string // in lower case
	date  mapi.FileTime
	not   bool
}

// queryFields are what may stand before a colon, and what it means.
var queryFields = map[string]string{"sender": "sender", "from": "sender", "to": "to", "cc": "to", "recipient": "to", "subject": "subject", "before": "before",
	"after": "after", "folder": "folder", "kind": "kind", "has": "has", "is": "is", "mailbox": "mailbox", "attachment": "attachment", "database": "database"}

// ParseQuery reads a query. Words, or several in quotation marks, are looked for in subject, sender, recipients, names of
// attachments, and in the names of folders and mailboxes, letter case aside. FIELD:TEXT looks in one place: sender:, to:, subject:, attachment:,
// folder:, mailbox:, database:. before:DATE and after:DATE take 2024, 2024-03 or 2024-03-05, in UTC; after includes the date, before doesn't. kind: takes mail,
// meeting, appointment, contact, task, note, journal, post, report, folder, mailbox or the beginning of a message class;
// has:attachment, is:unread and is:read say what they say. A - before a term turns it around.
func ParseQuery(text string) (Query, error) {
	var q Query
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		var t term
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ' ' {
			t.not, rest = true, rest[1:]
		}
		if i := strings.IndexAny(rest, ": \""); i > 0 && rest[i] == ':' {
			field, known := queryFields[strings.ToLower(rest[:i])]
			if known {
				t.field, rest = field, rest[i+1:]
			}
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			var closed bool
			if value, rest, closed = strings.Cut(rest[1:], `"`); !closed {
				return q, fmt.Errorf("query: the quotation mark before %q has no other after it", value)
			}
		} else if i := strings.IndexAny(rest, " \t"); i >= 0 {
			value, rest = rest[:i], rest[i:]
		} else {
			value, rest = rest, ""
		}
		t.text = strings.ToLower(value)
		if err := t.check(); err != nil {
			return q, err
		}
		q.terms = append(q.terms, t)
	}
	return q, nil
}

func (t *term) check() error {
	switch t.field {
	case "before", "after":
		at, err := parseDate(t.text)
		if err != nil {
			return err
		}
		t.date = mapi.NewFileTime(at)
	case "has":
		if t.text != "attachment" && t.text != "attachments" {
			return fmt.Errorf("query: has:%s: only has:attachment is known", t.text)
		}
	case "is":
		if t.text != "read" && t.text != "unread" {
			return fmt.Errorf("query: is:%s: only is:read and is:unread are known", t.text)
		}
	}
	if t.text == "" && t.field != "" {
		return fmt.Errorf("query: %s: has nothing after it", t.field)
	}
	return nil
}

func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("query: %q is no date: 2024, 2024-03 or 2024-03-05 is", s)
}

// kinds tells which of mailboxes, folders and messages can fit at all.
func (q Query) kinds() (mailboxes, folders, messages bool) {
	mailboxes, folders, messages = true, true, true
	for _, t := range q.terms {
		switch t.field {
		case "", "mailbox", "database":
		case "folder":
			mailboxes = false
		case "kind":
			is := [3]bool{t.text == KindMailbox, t.text == KindFolder, false}
			is[2] = !is[0] && !is[1]
			if t.not {
				is = [3]bool{!is[0], !is[1], true}
			}
			mailboxes, folders, messages = mailboxes && is[0], folders && is[1], messages && is[2]
		default:
			mailboxes, folders = false, false
		}
	}
	return mailboxes, folders, messages
}

// ofMailbox tells whether the terms that concern the mailbox alone fit.
func (q Query) ofMailbox(name, database string) bool {
	for _, t := range q.terms {
		switch t.field {
		case "mailbox":
			if containsFold(name, t.text) == t.not {
				return false
			}
		case "database":
			if containsFold(database, t.text) == t.not {
				return false
			}
		}
	}
	return true
}

// fitsName tells whether the terms fit a mailbox or a folder of a name.
func (q Query) fitsName(name string) bool {
	for _, t := range q.terms {
		if (t.field == "" || t.field == "folder") && containsFold(name, t.text) == t.not {
			return false
		}
	}
	return true
}

// ofFolder tells whether messages of a folder can fit.
func (q Query) ofFolder(path string) bool {
	for _, t := range q.terms {
		if t.field == "folder" && containsFold(path, t.text) == t.not {
			return false
		}
	}
	return true
}

// fits tells whether the terms fit a message.
func (q Query) fits(it *snapshot.ListedItem) bool {
	for i := range q.terms {
		t := &q.terms[i]
		if t.fits(it) == t.not {
			return false
		}
	}
	return true
}

func (t *term) fits(it *snapshot.ListedItem) bool {
	any := func(list []string) bool {
		for _, s := range list {
			if containsFold(s, t.text) {
				return true
			}
		}
		return false
	}
	switch t.field {
	case "mailbox", "database", "folder":
		return !t.not // looked at before
	case "sender":
		return containsFold(it.SenderName, t.text) || containsFold(it.SenderAddress, t.text)
	case "to":
		return any(it.Recipients)
	case "subject":
		return containsFold(it.Subject, t.text)
	case "attachment":
		return any(it.Attachments)
	case "before":
		return it.Date > 0 && it.Date < t.date
	case "after":
		return it.Date >= t.date
	case "has":
		return it.HasAttachments
	case "is":
		return it.Unread == (t.text == "unread")
	case "kind":
		return kindOf(it.Class) == t.text || strings.HasPrefix(strings.ToLower(it.Class), t.text)
	}
	return containsFold(it.Subject, t.text) || containsFold(it.SenderName, t.text) || containsFold(it.SenderAddress, t.text) ||
		any(it.Recipients) || any(it.Attachments)
}

// containsFold tells whether s contains lower, which is in lower case, letter case aside.
func containsFold(s, lower string) bool {
	if lower == "" {
		return true
	}
	first := lower[0]
	for i := 0; i+len(lower) <= len(s); i++ {
		if c := s[i]; c >= 0x80 || first >= 0x80 {
			return strings.Contains(strings.ToLower(s[i:]), lower)
		} else if asciiLower(c) != first {
			continue
		}
		n := 1
		for n < len(lower) && asciiLower(s[i+n]) == lower[n] && s[i+n] < 0x80 {
			n++
		}
		if n == len(lower) {
			return true
		}
		if s[i+n] >= 0x80 || lower[n] >= 0x80 {
			return strings.Contains(strings.ToLower(s[i:]), lower)
		}
	}
	// What is longer in lower case than it is written is found here.
	return len(s) < len(lower) && strings.Contains(strings.ToLower(s), lower)
}

func asciiLower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
