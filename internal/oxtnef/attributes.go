package oxtnef

import (
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Attributes ([MS-OXTNEF] 2.1.3.2). The upper word of their ids is the type of the data, which not all writers fill in.
const (
	attOwner            = 0x0000
	attSentFor          = 0x0001
	attDelegate         = 0x0002
	attDateStart        = 0x0006
	attDateEnd          = 0x0007
	attAidOwner         = 0x0008
	attRequestRes       = 0x0009
	attFrom             = 0x8000
	attSubject          = 0x8004
	attDateSent         = 0x8005
	attDateRecd         = 0x8006
	attMessageStatus    = 0x8007
	attMessageClass     = 0x8008
	attMessageID        = 0x8009
	attParentID         = 0x800A
	attConversationID   = 0x800B
	attBody             = 0x800C
	attPriority         = 0x800D
	attAttachData       = 0x800F
	attAttachTitle      = 0x8010
	attAttachMetaFile   = 0x8011
	attAttachCreateDate = 0x8012
	attAttachModifyDate = 0x8013
	attDateModified     = 0x8020
	attAttachTransport  = 0x9001
	attAttachRendData   = 0x9002
	attMsgProps         = 0x9003
	attRecipTable       = 0x9004
	attAttachment       = 0x9005
	attOemCodepage      = 0x9007
	attOriginalClass    = 0x0600
)

// Levels of attributes.
const (
	ofMessage    = 1
	ofAttachment = 2
)

// Values of PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9).
const (
	attachByValue  int32 = 1
	attachEmbedded int32 = 5
	attachOLE      int32 = 6
)

// decoder makes an item of a stream.
type decoder struct {
	reader
	o     Options
	depth int
	item  *mapi.Item
	att   *mapi.Attachment // the one that is being read
	page  int              // of strings
	iid   mapi.GUID        // of the object that was read last
}

// maxAttachments bounds the attachments of a message.
const maxAttachments = 10000

// stream reads the attributes ([MS-OXTNEF] 2.1.3).
func (d *decoder) stream() error {
	d.page = codepage.Windows1252
	if d.u32() != Signature {
		d.fail("no TNEF: the signature is missing")
	}
	d.u16() // LegacyKey
	for d.err == nil && d.off < d.src.Size() {
		d.left = d.src.Size() - d.off
		start := d.off
		level := d.u8()
		if d.err == nil && level != ofMessage && level != ofAttachment {
			return d.o.report(fail(mapi.WarnPartial, start, "what follows the last attribute was skipped"))
		}
		id, size := d.u32(), int64(d.u32())
		if d.err == nil && size > d.src.Size()-d.off {
			return d.o.report(fail(mapi.ErrCorruptData, start, "attribute 0x%08X of %d bytes: the stream ends in it", id, size))
		}
		if err := d.attribute(level, id, size); err != nil {
			return err
		}
	}
	return d.err
}

// attribute reads one, with its checksum.
func (d *decoder) attribute(level uint8, id uint32, size int64) error {
	if d.err != nil {
		return d.err
	}
	start := d.off
	d.left, d.sum = size, 0
	if level == ofMessage {
		d.message(id)
	} else {
		d.attachment(id)
	}
	bad, err := d.damaged()
	if err != nil {
		return err
	}
	d.skip(d.left)
	sum := d.sum
	const checksum = 2
	d.left = checksum
	stored := d.u16()
	if late, err := d.damaged(); err != nil {
		return err
	} else if bad == nil {
		bad = late
	}
	if bad == nil && stored != sum {
		bad = fail(mapi.ErrCorruptData, start, "attribute 0x%08X: the checksum is 0x%04X, not 0x%04X as is said", id, sum, stored)
	}
	if bad != nil {
		return d.o.report(bad)
	}
	return nil
}

// damaged takes an error back if it is about the stream: reading goes on behind the attribute.
func (d *decoder) damaged() (bad *mapi.Error, err error) {
	if errors.As(d.err, &bad) && bad.Code == mapi.ErrCorruptData {
		d.err = nil
		return bad, nil
	}
	return nil, d.err
}

func (d *decoder) set(t mapi.Tag, v mapi.Value) {
	if d.err == nil {
		d.item.Props.Set(mapi.TagKey(t), v)
	}
}

// message reads an attribute of the message ([MS-OXTNEF] 2.1.3.3). What it says in the form of properties wins, and comes
// later.
func (d *decoder) message(id uint32) {
	switch uint16(id) {
	case attOemCodepage:
		if cp := int(d.u32()); codepage.Known(cp) {
			d.page = cp
		}
	case attMessageClass:
		d.set(pid.TagMessageClass, className(d.text(d.take(d.short()))))
	case attOriginalClass:
		d.set(pid.TagOriginalMessageClass, className(d.text(d.take(d.short()))))
	case attSubject:
		d.set(pid.TagSubject, d.text(d.take(d.short())))
	case attBody:
		if d.left <= maxText {
			d.set(pid.TagBody, d.text(d.take(d.left)))
		}
	case attFrom:
		d.from()
	case attOwner, attSentFor, attDelegate:
		d.deputy(uint16(id))
	case attDateSent:
		d.date(pid.TagClientSubmitTime, d.set)
	case attDateRecd:
		d.date(pid.TagMessageDeliveryTime, d.set)
	case attDateModified:
		d.date(pid.TagLastModificationTime, d.set)
	case attDateStart:
		d.date(pid.TagStartDate, d.set)
	case attDateEnd:
		d.date(pid.TagEndDate, d.set)
	case attAidOwner:
		d.set(pid.TagOwnerAppointmentId, int32(d.u32()))
	case attRequestRes:
		d.set(pid.TagResponseRequested, d.u16() != 0)
	case attPriority:
		if v, ok := map[uint16]int32{1: 2, 2: 1, 3: 0}[d.u16()]; ok {
			d.set(pid.TagImportance, v)
		}
	case attMessageStatus:
		d.set(pid.TagMessageFlags, messageFlags(d.u8()))
	case attMessageID:
		d.hex(pid.TagSearchKey)
	case attParentID:
		d.hex(pid.TagParentKey)
	case attConversationID:
		d.hex(pid.TagConversationIndex)
	case attMsgProps:
		for _, p := range d.props() {
			d.item.Props.Set(p.Key, p.Value)
		}
	case attRecipTable:
		const minRow = 4
		for range d.count(minRow) {
			if r := d.props(); d.err == nil {
				d.item.Recipients = append(d.item.Recipients, r)
			}
		}
	}
}

// short is how long a string is that is read whole.
func (d *decoder) short() int64 { return min(d.left, 1<<16) }

// messageFlags makes PidTagMessageFlags of the status ([MS-OXTNEF] 2.1.3.3.9).
func messageFlags(b uint8) (flags int32) {
	for _, m := range []struct {
		status uint8
		flag   int32
	}{{0x20, 0x01}, {0x04, 0x04}, {0x02, 0x08}, {0x80, 0x10}} { // read, submitted, local: not sent, attachments
		if b&m.status != 0 {
			flags |= m.flag
		}
	}
	return flags
}

// date reads a date ([MS-OXTNEF] 2.1.3.3.1): it has no time zone and is taken to be UTC.
func (d *decoder) date(t mapi.Tag, set func(mapi.Tag, mapi.Value)) {
	var n [6]int
	for i := range n {
		n[i] = int(d.u16())
	}
	at := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC)
	if d.err == nil && n[0] >= 1601 && n[0] <= 9999 && at.Day() == n[2] {
		set(t, mapi.NewFileTime(at))
	}
}

// hex reads a binary value that is written as text.
func (d *decoder) hex(t mapi.Tag) {
	if b, err := hex.DecodeString(string(trimZeros(d.take(d.short()), 1))); err == nil && len(b) > 0 {
		d.set(t, b)
	}
}

// from reads a triple ([MS-OXTNEF] 2.1.3.3.3): type, size, and the sizes of name and address, then these.
func (d *decoder) from() {
	d.u16()
	d.u16()
	name, address := int64(d.u16()), int64(d.u16())
	n := d.text(d.take(name))
	typ, email, ok := strings.Cut(d.text(d.take(address)), ":")
	d.set(pid.TagSenderName, n)
	if ok {
		d.set(pid.TagSenderAddressType, typ)
		d.set(pid.TagSenderEmailAddress, email)
	}
}

// deputy reads a name and an address ([MS-OXTNEF] 2.1.3.3.16, 2.1.3.3.17): whose meeting it is. In a request the owner is who
// sends it, in an answer who gets it.
func (d *decoder) deputy(id uint16) {
	name := d.text(d.take(int64(d.u16())))
	typ, email, ok := strings.Cut(d.text(d.take(int64(d.u16()))), ":")
	class := strings.ToUpper(d.item.Props.Text(pid.TagMessageClass))
	received := id == attDelegate || id == attOwner && strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.RESP")
	tags := [3]mapi.Tag{pid.TagSentRepresentingName, pid.TagSentRepresentingAddressType, pid.TagSentRepresentingEmailAddress}
	if received {
		tags = [3]mapi.Tag{pid.TagReceivedRepresentingName, pid.TagReceivedRepresentingAddressType, pid.TagReceivedRepresentingEmailAddress}
	}
	d.set(tags[0], name)
	if ok {
		d.set(tags[1], typ)
		d.set(tags[2], email)
	}
}

// attachment reads an attribute of an attachment ([MS-OXTNEF] 2.1.3.3.19 and following).
func (d *decoder) attachment(id uint32) {
	if uint16(id) == attAttachRendData || d.att == nil {
		if len(d.item.Attachments) >= maxAttachments {
			d.err = fail(mapi.ErrTooComplex, d.off, "more than %d attachments", maxAttachments)
			return
		}
		d.att = &mapi.Attachment{Props: mapi.Props{
			{Key: mapi.TagKey(pid.TagAttachNumber), Value: int32(len(d.item.Attachments))},
			{Key: mapi.TagKey(pid.TagAttachMethod), Value: attachByValue},
		}}
		d.item.Attachments = append(d.item.Attachments, d.att)
	}
	set := func(t mapi.Tag, v mapi.Value) {
		if d.err == nil {
			d.att.Props.Set(mapi.TagKey(t), v)
		}
	}
	switch uint16(id) {
	case attAttachRendData:
		d.rendering(set)
	case attAttachTitle:
		name := d.text(d.take(d.short()))
		set(pid.TagAttachFilename, name)
		if d.att.Props.Tag(pid.TagAttachLongFilename) == nil {
			set(pid.TagAttachLongFilename, name)
		}
	case attAttachData:
		set(pid.TagAttachDataBinary, d.bytes(mapi.TypeBinary, d.left))
	case attAttachMetaFile:
		set(pid.TagAttachRendering, d.bytes(mapi.TypeBinary, d.left))
	case attAttachCreateDate:
		d.date(pid.TagCreationTime, set)
	case attAttachModifyDate:
		d.date(pid.TagLastModificationTime, set)
	case attAttachTransport:
		set(pid.TagAttachTransportName, d.text(d.take(d.short())))
	case attAttachment:
		for _, p := range d.props() {
			d.att.Props.Set(p.Key, p.Value)
		}
		d.object(d.att)
	}
}

// rendering reads an AttachRendData ([MS-OXTNEF] 2.1.3.3.15).
func (d *decoder) rendering(set func(mapi.Tag, mapi.Value)) {
	const ole, macBinary = 2, 1
	if d.left == 0 { // some programs only mark where an attachment begins
		return
	}
	if d.u16() == ole {
		set(pid.TagAttachMethod, attachOLE)
	}
	set(pid.TagRenderingPosition, int32(d.u32()))
	d.u32() // the size of the icon
	if d.left >= 4 && d.u32()&macBinary != 0 {
		set(pid.TagAttachEncoding, []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x14, 0x03, 0x0B, 0x01})
	}
}

// classes are the names that Microsoft Mail had for message classes ([MS-OXTNEF] 2.1.3.3.2).
var classes = map[string]string{
	"IPM.Microsoft Mail.Note": "IPM.Note", "IPM.Microsoft Mail.Read Receipt": "REPORT.IPM.Note.IPNRN",
	"IPM.Microsoft Mail.Non-Delivery": "REPORT.IPM.Note.NDR", "IPM.Microsoft Schedule.MtgReq": "IPM.Schedule.Meeting.Request",
	"IPM.Microsoft Schedule.MtgRespP": "IPM.Schedule.Meeting.Resp.Pos", "IPM.Microsoft Schedule.MtgRespN": "IPM.Schedule.Meeting.Resp.Neg",
	"IPM.Microsoft Schedule.MtgRespA": "IPM.Schedule.Meeting.Resp.Tent", "IPM.Microsoft Schedule.MtgCncl": "IPM.Schedule.Meeting.Canceled",
}

func className(s string) string {
	if c, ok := classes[s]; ok {
		return c
	}
	return s
}
