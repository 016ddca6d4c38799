package snapshot

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// lister makes the line of an item in a catalog while the item passes.
type lister struct {
	columns *columns
	row     catalogRow
	depth   int

	part                    mapi.Tag // what is being read: TagRecipientType or TagAttachNumber
	recipient               int32
	name, long, address     string
	recipients, attachments []string
	size                    [2]int // of these
}

// Prop implements mapi.ItemSink.
func (l *lister) Prop(k mapi.Key, v mapi.Value) error {
	l.row.Size += uint64(mapi.ValueSize(v))
	switch l.depth {
	case 0:
		l.row.note(l.columns, k, v)
	case 1:
		l.notePart(k, v)
	}
	return nil
}

// Stream implements mapi.ItemSink.
func (l *lister) Stream(k mapi.Key, _ int64, r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	l.streamed(k, uint64(n))
	return err
}

func (l *lister) streamed(k mapi.Key, size uint64) {
	l.row.Size += size
	if l.depth == 0 {
		l.row.note(l.columns, k, nil)
	}
}

// Recipient implements mapi.ItemSink.
func (l *lister) Recipient() error { l.begin(pid.TagRecipientType); return nil }

// Attachment implements mapi.ItemSink.
func (l *lister) Attachment() error {
	if l.depth == 0 {
		l.row.Attach = true
	}
	l.begin(pid.TagAttachNumber)
	return nil
}

// Embedded implements mapi.ItemSink.
func (l *lister) Embedded() error { l.depth++; return nil }

// End implements mapi.ItemSink.
func (l *lister) End() error {
	if l.depth--; l.depth == 0 {
		l.endPart()
	}
	return nil
}

// begin goes into a part of the item.
func (l *lister) begin(part mapi.Tag) {
	if l.depth == 0 {
		l.part, l.recipient, l.name, l.long, l.address = part, 0, "", "", ""
	}
	l.depth++
}

func (l *lister) notePart(k mapi.Key, v mapi.Value) {
	if k.Named() {
		return
	}
	switch k.Tag.ID() {
	case pid.TagRecipientType.ID():
		l.recipient, _ = v.(int32)
	case pid.TagDisplayName.ID():
		if l.name == "" {
			l.name = shown(v)
		}
	case pid.TagAttachFilename.ID():
		if l.part == pid.TagAttachNumber {
			l.name = shown(v)
		}
	case pid.TagAttachLongFilename.ID():
		l.long = shown(v)
	case pid.TagSmtpAddress.ID():
		l.address = shown(v)
	case pid.TagEmailAddress.ID():
		if l.address == "" {
			l.address = shown(v)
		}
	}
}

// recipientKinds are the names of PidTagRecipientType's lower bits ([MS-OXCMSG] 2.2.3.9).
var recipientKinds = [...]string{"from", "to", "cc", "bcc"}

// endPart adds what was read of a recipient or an attachment.
func (l *lister) endPart() {
	add := func(list *[]string, size *int, s string) {
		if *size += len(s); *size <= maxListed {
			*list = append(*list, strings.ToValidUTF8(s, string(utf8.RuneError)))
		}
	}
	switch l.part {
	case pid.TagRecipientType:
		add(&l.recipients, &l.size[0], recipientKinds[min(l.recipient&0xF, 3)]+"\t"+l.name+"\t"+l.address)
	case pid.TagAttachNumber:
		if l.long != "" {
			l.name = l.long
		}
		add(&l.attachments, &l.size[1], l.name)
	}
}

// finish completes the line.
func (l *lister) finish() {
	for _, x := range []struct {
		k    mapi.Key
		list []string
	}{{columnRecipients, l.recipients}, {columnAttachments, l.attachments}} {
		if i, ok := l.columns.index[x.k]; ok && len(x.list) > 0 {
			l.row.put(cell{Column: uint16(i), Value: x.list})
		}
	}
}
