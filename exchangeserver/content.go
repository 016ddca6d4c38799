package exchangeserver

import (
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// content is the working copy of a message: what it will be when it is saved.
type content struct {
	mapi.Item
	spool *spool
	set   map[mapi.Key]bool // own properties changed since it was loaded
	del   map[mapi.Key]bool
	// whole is set when more than own properties changed: the message is written anew. recipients is set when those did.
	whole, recipients bool
	nextRow, nextNum  int32 // above all numbers of recipients and attachments
}

func newContent(it mapi.Item, sp *spool) *content {
	w := &content{Item: it, spool: sp}
	w.saved()
	for _, r := range it.Recipients {
		w.nextRow = max(w.nextRow, rowID(r)+1)
	}
	for _, a := range it.Attachments {
		w.nextNum = max(w.nextNum, attachNumber(a)+1)
	}
	return w
}

// saved forgets which changes there were.
func (w *content) saved() {
	w.set, w.del = map[mapi.Key]bool{}, map[mapi.Key]bool{}
	w.whole, w.recipients = false, false
}

func (w *content) changed() bool { return w.whole || len(w.set) > 0 || len(w.del) > 0 }

func rowID(r mapi.Props) int32 {
	n, _ := r.Tag(pid.TagRowid).(int32)
	return n
}

func attachNumber(a *mapi.Attachment) int32 {
	n, _ := a.Props.Tag(pid.TagAttachNumber).(int32)
	return n
}

// change applies changes of own properties. A string replaces one of the other string type, and a new subject the parts of
// the old one.
func (w *content) change(set mapi.Props, del []mapi.Key) {
	for _, k := range del {
		w.remove(k)
	}
	for _, p := range set {
		if o, ok := otherString(p.Key); ok {
			w.remove(o)
		}
		if isSubjectPart(p.Key) {
			w.splitSubject()
		}
		for _, t := range staleSubjects(p.Key) {
			w.remove(mapi.TagKey(t))
			w.remove(mapi.TagKey(t).WithType(mapi.TypeString8))
		}
		w.put(p.Key, p.Value)
	}
}

func (w *content) put(k mapi.Key, v mapi.Value) {
	w.Props.Set(k, v)
	w.set[k] = true
	delete(w.del, k)
}

func (w *content) remove(k mapi.Key) {
	if w.Props.Get(k) == nil {
		return
	}
	w.Props.Delete(k)
	w.del[k] = true
	delete(w.set, k)
}

// staleSubjects are the members of the subject's trinity that a new one makes stale ([MS-OXCMSG] 3.2.1.2).
func staleSubjects(k mapi.Key) []mapi.Tag {
	if k.Named() {
		return nil
	}
	switch k.Tag.ID() {
	case pid.TagSubject.ID():
		return []mapi.Tag{pid.TagSubjectPrefix, pid.TagNormalizedSubject}
	case pid.TagSubjectPrefix.ID(), pid.TagNormalizedSubject.ID():
		return []mapi.Tag{pid.TagSubject}
	}
	return nil
}

func isSubjectPart(k mapi.Key) bool {
	return !k.Named() && (k.Tag.ID() == pid.TagSubjectPrefix.ID() || k.Tag.ID() == pid.TagNormalizedSubject.ID())
}

// splitSubject keeps the parts of a subject before the whole is dropped.
func (w *content) splitSubject() {
	if !w.hasSubject() {
		return
	}
	prefix, normalized := w.subject(w.spool.s)
	for t, v := range map[mapi.Tag]string{pid.TagSubjectPrefix: prefix, pid.TagNormalizedSubject: normalized} {
		k := mapi.TagKey(t)
		if w.Props.Get(k) == nil && w.Props.Get(k.WithType(mapi.TypeString8)) == nil {
			w.put(k, v)
		}
	}
}

// subject gives prefix and normalized subject, made of the whole one where they are missing.
func (w *content) subject(s *session) (prefix, normalized string) {
	page := itemPage(w.Props)
	text := func(t mapi.Tag) (string, bool) {
		switch v := w.Props.Tag(t).(type) {
		case string:
			return v, true
		}
		v, ok := w.Props.Get(mapi.TagKey(t).WithType(mapi.TypeString8)).(mapi.String8)
		return s.decode8(v, page), ok
	}
	whole, hasWhole := text(pid.TagSubject)
	prefix, hasPrefix := text(pid.TagSubjectPrefix)
	normalized, hasNormalized := text(pid.TagNormalizedSubject)
	switch {
	case !hasWhole:
		return prefix, normalized
	case hasPrefix && !hasNormalized:
		return prefix, strings.TrimPrefix(whole, prefix)
	case hasNormalized && !hasPrefix && strings.HasSuffix(whole, normalized):
		return strings.TrimSuffix(whole, normalized), normalized
	case hasNormalized:
		return prefix, normalized
	}
	prefix = subjectPrefix(whole)
	return prefix, whole[len(prefix):]
}

// subjectPrefix is up to three characters other than digits before a colon and a space ([MS-OXCMSG] 3.2.1.2).
func subjectPrefix(s string) string {
	n := 0
	for i, r := range s {
		if r == ':' {
			if n > 0 && strings.HasPrefix(s[i:], ": ") {
				return s[:i+2]
			}
			return ""
		}
		if n++; n > 3 || unicode.IsDigit(r) {
			return ""
		}
	}
	return ""
}

// recipientAt and attachmentAt find parts by their numbers; -1 where there is none.
func (w *content) recipientAt(row int32) int {
	return slices.IndexFunc(w.Recipients, func(r mapi.Props) bool { return rowID(r) == row })
}

func (w *content) attachmentAt(num int32) int {
	return slices.IndexFunc(w.Attachments, func(a *mapi.Attachment) bool { return attachNumber(a) == num })
}

// computed are properties of a message that follow from its working copy, in place of those it had when it was loaded.
func (w *content) computed(s *session) mapi.Props {
	out := mapi.Props{{Key: mapi.TagKey(pid.TagHasAttachments), Value: len(w.Attachments) > 0}}
	for i, t := range []mapi.Tag{pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc} {
		k := mapi.TagKey(t)
		if w.recipients || w.Props.Get(k) == nil && w.Props.Get(k.WithType(mapi.TypeString8)) == nil {
			out = append(out, mapi.Prop{Key: k, Value: w.displayNames(int32(i + 1))})
		}
	}
	prefix, normalized := w.subject(s)
	for _, p := range []struct {
		t mapi.Tag
		v string
	}{{pid.TagSubject, prefix + normalized}, {pid.TagSubjectPrefix, prefix}, {pid.TagNormalizedSubject, normalized}} {
		k := mapi.TagKey(p.t)
		if w.Props.Get(k) == nil && w.Props.Get(k.WithType(mapi.TypeString8)) == nil && w.hasSubject() {
			out = append(out, mapi.Prop{Key: k, Value: p.v})
		}
	}
	return out
}

func (w *content) hasSubject() bool {
	for _, p := range w.Props {
		if !p.Key.Named() && (p.Key.Tag.ID() == pid.TagSubject.ID() || p.Key.Tag.ID() == pid.TagNormalizedSubject.ID()) {
			return true
		}
	}
	return false
}

// displayNames joins the names of the recipients of a type ([MS-OXCMSG] 3.2.5.2).
func (w *content) displayNames(kind int32) string {
	var names []string
	for _, r := range w.Recipients {
		if t, _ := r.Tag(pid.TagRecipientType).(int32); t&recipientTypeMask == kind {
			names = append(names, r.Text(pid.TagDisplayName))
		}
	}
	return strings.Join(names, "; ")
}

// all are the properties with the computed ones brought up to date.
func (w *content) all(s *session) mapi.Props {
	out := slices.Clone(w.Props)
	for _, p := range w.computed(s) {
		out.Set(p.Key, p.Value)
	}
	return out
}

// write pushes the working copy into a writer, without what the store is to compute anew.
func (w *content) write(sink mapi.ItemSink) error {
	it := w.Item
	it.Props = slices.DeleteFunc(slices.Clone(it.Props), func(p mapi.Prop) bool {
		if p.Key.Named() {
			return false
		}
		switch p.Key.Tag {
		case pid.TagLastModificationTime:
			return !w.set[p.Key]
		case pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc:
			return w.recipients
		}
		return isReadOnly(p.Key)
	})
	return it.WriteTo(sink)
}

// cloneItem is a copy that can be changed; values are shared.
func cloneItem(it *mapi.Item) *mapi.Item {
	c := &mapi.Item{Props: slices.Clone(it.Props)}
	for _, r := range it.Recipients {
		c.Recipients = append(c.Recipients, slices.Clone(r))
	}
	for _, a := range it.Attachments {
		c.Attachments = append(c.Attachments, cloneAttachment(a))
	}
	return c
}

func cloneAttachment(a *mapi.Attachment) *mapi.Attachment {
	c := &mapi.Attachment{Props: slices.Clone(a.Props)}
	if a.Embedded != nil {
		c.Embedded = cloneItem(a.Embedded)
	}
	return c
}

// builder is the sink that puts an item into a working copy: large values are spooled. With an upload the new properties
// replace old ones, and recipients and attachments are added.
type builder struct {
	mapi.ItemBuilder
	w *content
}

func (w *content) builder() *builder {
	b := &builder{w: w}
	b.Spool = func(k mapi.Key, _ int64, r io.Reader) (mapi.Blob, error) {
		v := w.spool.value()
		return v, v.fill(r)
	}
	return b
}

// Clear implements oxcfxics.Clearer.
func (b *builder) Clear(t mapi.Tag) error {
	switch t {
	case pid.TagMessageRecipients:
		b.w.clearRecipients()
	case pid.TagMessageAttachments:
		b.w.clearAttachments()
	}
	return nil
}

func (w *content) clearRecipients() {
	if len(w.Recipients) > 0 {
		w.Recipients, w.whole, w.recipients = nil, true, true
	}
}

func (w *content) clearAttachments() {
	if len(w.Attachments) > 0 {
		w.Attachments, w.whole = nil, true
	}
}

// finish merges what was uploaded into the working copy.
func (b *builder) finish() {
	w := b.w
	for _, p := range b.Item.Props {
		if o, ok := otherString(p.Key); ok {
			w.remove(o)
		}
		w.put(p.Key, p.Value)
	}
	for _, r := range b.Item.Recipients {
		if row := rowID(r); r.Tag(pid.TagRowid) == nil || w.recipientAt(row) >= 0 {
			r.Set(mapi.TagKey(pid.TagRowid), w.nextRow)
		}
		w.nextRow = max(w.nextRow, rowID(r)+1)
		w.Recipients = append(w.Recipients, r)
		w.whole, w.recipients = true, true
	}
	for _, a := range b.Item.Attachments {
		if num := attachNumber(a); a.Props.Tag(pid.TagAttachNumber) == nil || w.attachmentAt(num) >= 0 {
			a.Props.Set(mapi.TagKey(pid.TagAttachNumber), w.nextNum)
		}
		w.nextNum = max(w.nextNum, attachNumber(a)+1)
		w.Attachments = append(w.Attachments, a)
		w.whole = true
	}
}
