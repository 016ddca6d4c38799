package mime

import (
	"bytes"
	"cmp"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// item makes the item of a message.
func (b *builder) item(root *part) (*mapi.Item, error) {
	it := &mapi.Item{}
	l := layOut(root)
	class := b.class(root)
	content := root
	switch class {
	case classClearSigned: // the body is that of what is signed, the only attachment is all of it ([MS-OXOSMIME] 2.1.1)
		content = root.children[0]
		l = layOut(content)
	case classOpaque:
		l = &layout{files: []*part{root}}
	}
	page := l.page()
	if err := b.envelope(it, root, class, page); err != nil {
		return nil, err
	}
	html, err := b.body(&it.Props, l)
	if err != nil {
		return nil, err
	}
	if root.unclosed() {
		if err := b.report(mapi.WarnPartial, "the file ends without a closing delimiter: it may have been cut short"); err != nil {
			return nil, err
		}
	}
	if class == classClearSigned {
		return it, b.signed(it, root)
	}
	if strings.HasPrefix(class, "REPORT.") {
		if err := b.deliveryStatus(it, root); err != nil {
			return nil, err
		}
	}
	if err := b.attachments(it, l.files, html, page); err != nil {
		return nil, err
	}
	flagAttachments(it)
	return it, nil
}

// flagAttachments notes in PidTagMessageFlags that there are attachments to be seen.
func flagAttachments(it *mapi.Item) {
	for _, a := range it.Attachments {
		if hidden, _ := a.Props.Tag(pid.TagAttachmentHidden).(bool); !hidden {
			flags, _ := it.Props.Tag(pid.TagMessageFlags).(int32)
			set(&it.Props, pid.TagMessageFlags, flags|flagHasAttach)
		}
	}
}

// unclosed tells whether the file ended before a closing delimiter of a message.
func (t *part) unclosed() bool { return t.open || slices.ContainsFunc(t.children, (*part).unclosed) }

// Message classes that decide what is done.
const (
	classNote        = "IPM.Note"
	classClearSigned = "IPM.Note.SMIME.MultipartSigned"
	classOpaque      = "IPM.Note.SMIME"
)

// class is the message class that the structure of a message stands for ([MS-OXCMAIL] 2.2.3.1.1), or else the one that
// Content-Class names (2.2.3.2.15).
func (b *builder) class(root *part) string {
	switch typ := root.contentType(); typ {
	case "multipart/signed":
		if p := strings.ToLower(root.param("protocol")); len(root.children) > 0 && strings.HasSuffix(p, "pkcs7-signature") {
			return classClearSigned
		}
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return classOpaque
	case "application/octet-stream":
		if strings.EqualFold(path.Ext(root.fileName(0)), ".p7m") {
			return classOpaque
		}
	case "multipart/report":
		if c := reportClass(root); c != "" {
			return c
		}
	}
	class := strings.ToLower(root.header.get("Content-Class"))
	if c, ok := contentClasses[class]; ok {
		return c
	}
	if name, ok := strings.CutPrefix(class, "urn:content-class:custom."); ok && name != "" {
		return classNote + ".Custom." + root.header.get("Content-Class")[len(class)-len(name):]
	}
	return classNote
}

var contentClasses = map[string]string{
	"fax": "IPM.Note.Microsoft.Fax", "fax-ca": "IPM.Note.Microsoft.Fax.CA", "missedcall": "IPM.Note.Microsoft.Missed.Voice",
	"voice-uc": "IPM.Note.Microsoft.Conversation.Voice", "voice-ca": "IPM.Note.Microsoft.Voicemail.UM.CA",
	"voice": "IPM.Note.Microsoft.Voicemail.UM",
}

// signed attaches a clear-signed message: its content with the header fields that describe it, byte for byte, because the
// signature is over them.
func (b *builder) signed(it *mapi.Item, root *part) error {
	b.where = append(b.where, 1)
	defer func() { b.where = b.where[:len(b.where)-1] }()
	if root.unclosed() {
		if err := b.report(mapi.ErrCorruptData, "the file ends in the signed message: the rest is missing"); err != nil {
			return err
		}
	}
	var head bytes.Buffer
	for _, f := range root.header {
		if strings.HasPrefix(strings.ToLower(f.name), "content-") {
			head.WriteString(f.name + ":")
			head.Write(bytes.TrimRight(f.raw, "\r\n"))
			head.WriteString("\r\n")
		}
	}
	head.WriteString("\r\n")
	a := &mapi.Attachment{}
	p := &a.Props
	c := &entity{head.Bytes(), root.body}
	set(p, pid.TagAttachNumber, int32(0))
	set(p, pid.TagRenderingPosition, notInText)
	set(p, pid.TagAttachMethod, attachByValue)
	set(p, pid.TagAttachSize, int32(min(c.Size(), 1<<31-1)))
	set(p, pid.TagAttachMimeTag, "multipart/signed")
	setFileName(p, "SMIME.p7m")
	set(p, pid.TagDisplayName, "SMIME.p7m")
	it.Attachments = []*mapi.Attachment{a}
	flagAttachments(it)
	return setContent(p, c)
}

// entity is a part as it stands in the file. It is a mapi.Blob.
type entity struct {
	head []byte
	body section
}

// Size implements mapi.Blob.
func (e *entity) Size() int64 { return int64(len(e.head)) + e.body.size() }

// Open implements mapi.Blob.
func (e *entity) Open() (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(e.head), e.body.open())), nil
}

// reportClass is the class of a report, from its machine-readable part ([MS-OXCMAIL] 2.2.3.7.1.1, 2.2.3.7.2); "" when
// there is none that is understood.
func reportClass(root *part) string {
	for _, c := range root.children {
		switch c.contentType() {
		case "message/delivery-status":
			if worst := worstAction(statusFields(c)); worst != "" {
				return "REPORT." + classNote + actions[worst].class
			}
		case "message/disposition-notification":
			for _, h := range statusFields(c) {
				_, kind, _ := strings.Cut(strings.ToLower(h.get("Disposition")), ";")
				kind, _, _ = strings.Cut(strings.TrimSpace(kind), "/")
				switch kind {
				case "displayed", "dispatched", "processed":
					return "REPORT." + classNote + ".IPNRN"
				case "deleted", "denied", "failed":
					return "REPORT." + classNote + ".IPNNRN"
				}
			}
		}
	}
	return ""
}

// actions are the values of Action in a delivery status ([RFC3464] 2.3.3), by severity.
var actions = map[string]struct {
	class    string
	severity int
}{
	"failed": {".NDR", 5}, "delayed": {".Delayed.DR", 4}, "relayed": {".Relayed.DR", 3}, "expanded": {".Expanded.DR", 2},
	"delivered": {".DR", 1},
}

func worstAction(blocks []header) (worst string) {
	for _, h := range blocks {
		if a := action(h); actions[a].severity > actions[worst].severity {
			worst = a
		}
	}
	return worst
}

func action(h header) string {
	word, _, _ := strings.Cut(strings.ToLower(h.get("Action")), " ")
	return word
}

// maxStatus bounds a machine-readable report, which is held in memory.
const maxStatus = 4 << 20

// statusFields reads the blocks of fields of a delivery status or disposition notification.
func statusFields(t *part) (blocks []header) {
	text, err := io.ReadAll(io.LimitReader(t.decoder(), maxStatus))
	if err != nil {
		return nil
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	for _, b := range bytes.Split(text, []byte("\n\n")) {
		if h := parseHeader(bytes.TrimLeft(b, "\n")); h != nil {
			blocks = append(blocks, h)
		}
	}
	return blocks
}

// deliveryStatus sets what a report says of its recipients ([MS-OXCMAIL] 2.2.3.7.1).
func (b *builder) deliveryStatus(it *mapi.Item, root *part) error {
	for _, c := range root.children {
		if t := c.contentType(); t != "message/delivery-status" && t != "message/disposition-notification" {
			continue
		}
		blocks := statusFields(c)
		worst := worstAction(blocks)
		for _, h := range blocks {
			setText(&it.Props, pid.TagReportingMessageTransferAgent, afterType(h.get("Reporting-MTA")))
			setText(&it.Props, pid.TagOriginalMessageId, h.get("Original-Message-ID"))
			addr := cmp.Or(h.get("Final-Recipient"), h.get("Original-Recipient"))
			if addr == "" || worst == "" || action(h) != worst {
				continue
			}
			a := address{Name: decodeWords(h.get("X-Display-Name"), 0), Addr: afterType(addr)}
			p := b.recipient(it, a, recipientTo)
			setText(p, pid.TagRemoteMessageTransferAgent, afterType(h.get("Remote-MTA")))
			setText(p, pid.TagSupplementaryInfo, supplementaryInfo(h))
			if n := statusNumber(h.get("Status")); n != 0 {
				set(p, pid.TagNonDeliveryReportStatusCode, n)
			}
		}
	}
	return nil
}

// afterType cuts "dns;" or "rfc822;" off.
func afterType(s string) string {
	if _, v, ok := strings.Cut(s, ";"); ok {
		s = v
	}
	return strings.Trim(strings.TrimSpace(s), "<>")
}

// supplementaryInfo is the text about a recipient ([MS-OXCMAIL] 2.2.3.7.1).
func supplementaryInfo(h header) string {
	if s := h.get("X-Supplementary-Info"); s != "" {
		return decodeWords(s, 0)
	}
	var parts []string
	if mta := afterType(h.get("Remote-MTA")); mta != "" {
		parts = append(parts, mta)
	}
	status, _, _ := strings.Cut(h.get("Status"), " ")
	parts = append(parts, "#"+status)
	if d := h.get("Diagnostic-Code"); d != "" {
		parts = append(parts, decodeWords(d, 0))
	}
	if status == "" {
		return ""
	}
	return "<" + strings.Join(parts, " ") + ">"
}

// statusNumber is the three parts of a status as decimal digits: 5.1.1 is 511.
func statusNumber(s string) int32 {
	s, _, _ = strings.Cut(s, " ")
	var n int32
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9' && n < 1e7:
			n = n*10 + c - '0'
		case c != '.':
			return 0
		}
	}
	return n
}
