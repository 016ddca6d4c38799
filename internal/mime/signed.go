package mime

import (
	"bytes"
	"io"
	"strings"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

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
