package mime

import (
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcical"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// item makes the item of a message.
func (b *builder) item(root *part) (*mapi.Item, error) {
	it := &mapi.Item{}
	l := layOut(root)
	class := b.class(root)
	switch class {
	case classClearSigned: // the body is that of what is signed, the only attachment is all of it ([MS-OXOSMIME] 2.1.1)
		l = layOut(root.children[0])
	case classOpaque:
		l = &layout{files: []*part{root}}
	}
	var meeting *oxcical.Meeting
	if class == classNote {
		var err error
		if meeting, err = b.meeting(l); err != nil {
			return nil, err
		}
		if meeting != nil {
			class = meeting.Class
		}
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
	tnef, err := b.tnef(root, l)
	if err != nil {
		return nil, err
	}
	if err := b.attachments(it, l.files, html, page); err != nil {
		return nil, err
	}
	if meeting != nil {
		meet(it, meeting)
	}
	if tnef != nil {
		merge(it, tnef)
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
