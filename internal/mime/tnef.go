package mime

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxtnef"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// tnef reads the file in which Outlook has put the item itself, winmail.dat ([MS-OXCMAIL] 2.2.3, [MS-OXTNEF]), and takes it out of
// the files. It is nil where there is none, or one that stays a file: because it is of another message, or damaged, so that nothing
// is lost.
func (b *builder) tnef(root *part, l *layout) (*mapi.Item, error) {
	i := slices.IndexFunc(l.files, (*part).isTNEF)
	if i < 0 {
		return nil, nil
	}
	c, d, err := l.files[i].measure()
	if err != nil {
		return nil, err
	}
	it, err := oxtnef.Options{}.Open(c)
	switch {
	case d.damage() != "":
		return nil, nil // which is reported of the file
	case err != nil && mapi.CodeOf(err) != mapi.ErrCallFailed:
		return nil, b.report(mapi.WarnPartial, "%s stays a file: %w", l.files[i].fileName(0), err)
	case err != nil:
		return nil, err
	}
	key, _ := it.Props.Tag(pid.TagTnefCorrelationKey).([]byte)
	if want := root.header.get("X-MS-TNEF-Correlator"); want != "" && len(key) > 0 && string(bytes.TrimRight(key, "\x00")) != want {
		return nil, b.report(mapi.WarnPartial, "%s stays a file: it is of another message", l.files[i].fileName(0))
	}
	l.files = slices.Delete(slices.Clone(l.files), i, i+1)
	return it, nil
}

// isTNEF tells of a part by its type, or by its name where the type says nothing.
func (t *part) isTNEF() bool {
	if t.message != nil {
		return false
	}
	switch t.contentType() {
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return true
	case "application/octet-stream":
		return strings.EqualFold(path.Base(t.fileName(0)), "winmail.dat")
	}
	return false
}

// transport are properties that the header of the message knows better than the sender did ([MS-OXCMAIL] 2.2.3).
var transport = func() map[uint16]bool {
	m := map[uint16]bool{}
	for _, t := range []mapi.Tag{
		pid.TagClientSubmitTime, pid.TagMessageDeliveryTime, pid.TagInternetMessageId, pid.TagTransportMessageHeaders, pid.TagMessageFlags,
		pid.TagDisplayTo, pid.TagDisplayCc, pid.TagDisplayBcc, pid.TagReplyRecipientEntries, pid.TagReplyRecipientNames,
		pid.TagReceivedByEntryId, pid.TagReceivedByName, pid.TagEntryId, pid.TagParentKey, pid.TagSearchKey, pid.TagRecordKey,
		pid.TagTnefCorrelationKey, pid.TagMessageSize, pid.TagHasAttachments,
	} {
		m[t.ID()] = true
	}
	for _, g := range []addressGroup{senderGroup, sentRepresentingGroup} {
		for _, t := range []mapi.Tag{g.name, g.addressType, g.email, g.smtp, g.entryID, g.searchKey} {
			m[t.ID()] = true
		}
	}
	return m
}()

// merge gives an item what its TNEF says. Recipients are those of the header.
func merge(it, tnef *mapi.Item) {
	for _, p := range tnef.Props {
		own := it.Props.Get(p.Key)
		switch {
		case !p.Key.Named() && transport[p.Key.Tag.ID()] && own != nil:
		case !p.Key.Named() && p.Key.Tag.ID() == pid.TagBody.ID() && own != nil: // the same text, in more than an old code page
		default:
			it.Props.Set(p.Key, p.Value)
		}
	}
	if tnef.Props.Tag(pid.TagRtfCompressed) != nil && tnef.Props.Tag(pid.TagHtml) == nil {
		it.Props.Delete(mapi.TagKey(pid.TagHtml))
		set(&it.Props, pid.TagNativeBody, nativeRTF)
	}
	for _, a := range tnef.Attachments {
		set(&a.Props, pid.TagAttachNumber, int32(len(it.Attachments)))
		if name := a.Props.Text(pid.TagAttachLongFilename); name != "" && a.Embedded == nil {
			setFileName(&a.Props, name)
		}
		if size, ok := dataSize(a.Props.Tag(pid.TagAttachDataBinary)); ok && a.Props.Tag(pid.TagAttachSize) == nil {
			set(&a.Props, pid.TagAttachSize, int32(min(size, 1<<31-1)))
		}
		it.Attachments = append(it.Attachments, a)
	}
}

// dataSize is the size of a binary value.
func dataSize(v mapi.Value) (int64, bool) {
	switch v := v.(type) {
	case []byte:
		return int64(len(v)), true
	case mapi.Blob:
		return v.Size(), true
	}
	return 0, false
}
