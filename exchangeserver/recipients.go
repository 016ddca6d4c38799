package exchangeserver

import (
	"cmp"
	"slices"
	"strings"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/oxcrops"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// recipientTypeMask takes the flags for sending again off PidTagRecipientType ([MS-OXCMSG] 2.2.3.1.2).
const recipientTypeMask = 0x0F

// addressTypes are those that a RecipientRow has numbers for ([MS-OXCDATA] 2.8.3.1).
var addressTypes = map[uint16]string{1: "EX", 2: "MS", 3: "SMTP", 4: "FAX", 5: "PROFS", 6: "MAPIPDL", 7: "MAPIPDL"}

// fixedRecipientTags are properties that stand in the fixed part of a RecipientRow, or that the server makes: they are no
// recipient columns ([MS-OXCMSG] 2.2.3.1.2).
var fixedRecipientTags = tagSet(pid.TagDisplayName, pid.TagAddressType, pid.TagEmailAddress, pid.TagRowid, pid.TagRecipientType,
	pid.TagInstanceKey, pid.TagSendRichInfo, pid.TagTransmittableDisplayName, pid.TagAddressBookDisplayNamePrintable)

// recipientColumns are the columns that rows over some recipients need.
func (lg *logon) recipientColumns(c *call, list []mapi.Props) ([]mapi.Tag, []mapi.Key, error) {
	seen := map[mapi.Key]bool{}
	var keys []mapi.Key
	for _, r := range list {
		for _, p := range r {
			if !seen[p.Key] && (p.Key.Named() || !fixedRecipientTags[p.Key.Tag.ID()]) && p.Key.Type() != mapi.TypeObject {
				seen[p.Key] = true
				keys = append(keys, p.Key)
			}
		}
	}
	slices.SortFunc(keys, mapi.Key.Compare)
	tags, err := lg.tags(c, keys)
	if err != nil {
		return nil, nil, err
	}
	for i := len(tags) - 1; i >= 0; i-- {
		if tags[i] == 0 {
			tags, keys = slices.Delete(tags, i, i+1), slices.Delete(keys, i, i+1)
		}
	}
	return tags, keys, nil
}

// openRow is a recipient as the responses give it.
func (s *session) openRow(r mapi.Props, p pages, keys []mapi.Key) oxcrops.OpenRecipientRow {
	kind, _ := r.Tag(pid.TagRecipientType).(int32)
	text := func(t mapi.Tag) string { // without NUL: it would end the string
		v, ok := r.Tag(t).(string)
		if !ok {
			v8, _ := r.Get(mapi.TagKey(t).WithType(mapi.TypeString8)).(mapi.String8)
			v = s.decode8(v8, p.stored)
		}
		return strings.ReplaceAll(v, "\x00", "")
	}
	row := oxcdata.RecipientRow{Flags: oxcdata.RecipientUnicode, Display: text(pid.TagDisplayName), Email: text(pid.TagEmailAddress),
		Simple: text(pid.TagAddressBookDisplayNamePrintable), Transmittable: text(pid.TagTransmittableDisplayName)}
	if rich, ok := r.Tag(pid.TagSendRichInfo).(bool); ok && !rich {
		row.Flags |= oxcdata.RecipientNonRich
	}
	switch at := text(pid.TagAddressType); strings.ToUpper(at) {
	case "":
	case "EX":
		row.Flags |= oxcdata.RecipientX500
		display, _ := r.Tag(pid.TagDisplayType).(int32)
		row.DisplayType = uint8(display)
		row.X500DN, row.Email = mapi.String8(row.Email), ""
	case "SMTP":
		row.Flags |= oxcdata.RecipientSMTP
	default:
		row.Flags |= oxcdata.RecipientOtherAddress
		row.AddressType = mapi.String8(at)
	}
	for _, f := range []struct {
		v   string
		bit uint16
	}{{row.Email, oxcdata.RecipientEmail}, {row.Display, oxcdata.RecipientDisplay}, {row.Simple, oxcdata.RecipientSimple}} {
		if f.v != "" {
			row.Flags |= f.bit
		}
	}
	switch row.Transmittable {
	case "":
	case row.Display:
		row.Flags |= oxcdata.RecipientSameName
	default:
		row.Flags |= oxcdata.RecipientTransmit
	}
	for _, k := range keys {
		v := r.Get(k)
		if v == nil {
			v = mapi.ErrNotFound
		}
		v = s.recode8(v, p)
		row.Row.Values = append(row.Row.Values, sendable(k.Type(), v))
	}
	return oxcrops.OpenRecipientRow{RecipientType: uint8(kind), CodePageID: uint16(s.codePage(p.wanted)), Row: row}
}

// recipientProps is a recipient as ModifyRecipients gives it.
func (c *call) recipientProps(m *oxcrops.ModifyRecipientRow, page int, columns []mapi.Tag, keys []mapi.Key) mapi.Props {
	row := m.Row
	r := mapi.Props{{Key: mapi.TagKey(pid.TagRowid), Value: int32(m.RowID)}, {Key: mapi.TagKey(pid.TagRecipientType), Value: int32(m.RecipientType)}}
	set := func(t mapi.Tag, v mapi.Value) { r.Set(mapi.TagKey(t), v) }
	text := func(v string) string {
		if row.Flags&oxcdata.RecipientUnicode != 0 {
			return v
		}
		return c.s.decode8(mapi.String8(v), page)
	}
	for i, k := range keys[:min(len(keys), len(row.Row.Values))] {
		v := row.Row.Values[i]
		if _, failed := v.(mapi.Code); failed && k.Type() != mapi.TypeError || v == nil || k == noKey {
			continue
		}
		r.Set(c.s.given(k, v, page))
	}
	if row.Flags&oxcdata.RecipientDisplay != 0 {
		set(pid.TagDisplayName, text(row.Display))
	}
	if row.Flags&oxcdata.RecipientEmail != 0 {
		set(pid.TagEmailAddress, text(row.Email))
	}
	if row.Flags&oxcdata.RecipientSimple != 0 {
		set(pid.TagAddressBookDisplayNamePrintable, text(row.Simple))
	}
	switch {
	case row.Flags&oxcdata.RecipientTransmit != 0:
		set(pid.TagTransmittableDisplayName, text(row.Transmittable))
	case row.Flags&oxcdata.RecipientSameName != 0:
		set(pid.TagTransmittableDisplayName, text(row.Display))
	}
	set(pid.TagSendRichInfo, row.Flags&oxcdata.RecipientNonRich == 0)
	kind := row.Flags & oxcdata.RecipientTypeMask
	if at := addressTypes[kind]; at != "" {
		set(pid.TagAddressType, at)
	}
	switch kind {
	case oxcdata.RecipientX500:
		set(pid.TagEmailAddress, string(row.X500DN)) // Connect gives no DN prefix
		set(pid.TagDisplayType, int32(row.DisplayType))
		if r.Tag(pid.TagEntryId) == nil {
			set(pid.TagEntryId, addressBookEntryID(string(row.X500DN)))
		}
	case oxcdata.RecipientPDL1, oxcdata.RecipientPDL2:
		set(pid.TagEntryId, slices.Clone(row.EntryID))
		set(pid.TagSearchKey, slices.Clone(row.SearchKey))
	case oxcdata.RecipientNone:
		if row.Flags&oxcdata.RecipientOtherAddress != 0 {
			set(pid.TagAddressType, string(row.AddressType))
		}
	}
	if r.Tag(pid.TagEntryId) == nil {
		set(pid.TagEntryId, oneOff(r))
	}
	if at, email := r.Text(pid.TagAddressType), r.Text(pid.TagEmailAddress); at != "" && r.Tag(pid.TagSearchKey) == nil {
		set(pid.TagSearchKey, append([]byte(strings.ToUpper(at+":"+email)), 0))
	}
	return r
}

// oneOff is the entry id of a recipient who stands in no address book.
func oneOff(r mapi.Props) []byte {
	e := oxcdata.OneOffEntryID{Provider: oxcdata.ProviderOneOff, Options: oxcdata.OneOffUnicode, DisplayName: r.Text(pid.TagDisplayName),
		AddressType: r.Text(pid.TagAddressType), Email: r.Text(pid.TagEmailAddress)}
	return entryID(func(c *oxcdata.Coder) { c.OneOffEntryID(&e) })
}

// modifyRecipients is RopModifyRecipients ([MS-OXCMSG] 3.2.5.4).
func (c *call) modifyRecipients(q *oxcrops.ModifyRecipientsRequest) (oxcrops.Response, error) {
	m, w, err := c.editable(q.In)
	if err != nil {
		return nil, err
	}
	keys, err := m.lg.keys(c, q.Columns)
	if err != nil {
		return nil, err
	}
	for i := range q.Recipients {
		row := &q.Recipients[i]
		at := w.recipientAt(int32(row.RowID))
		switch {
		case row.Row == nil && at >= 0:
			w.Recipients = slices.Delete(w.Recipients, at, at+1)
		case row.Row == nil:
		case at >= 0:
			w.Recipients[at] = c.recipientProps(row, m.cp, q.Columns, keys)
		default:
			w.Recipients = append(w.Recipients, c.recipientProps(row, m.cp, q.Columns, keys))
		}
		w.nextRow = max(w.nextRow, int32(row.RowID)+1)
	}
	slices.SortStableFunc(w.Recipients, func(a, b mapi.Props) int { return cmp.Compare(rowID(a), rowID(b)) })
	w.whole, w.recipients = true, true
	return nil, nil
}

// removeRecipients is RopRemoveAllRecipients ([MS-OXCMSG] 3.2.5.5).
func (c *call) removeRecipients(q *oxcrops.RemoveAllRecipientsRequest) (oxcrops.Response, error) {
	_, w, err := c.editable(q.In)
	if err != nil {
		return nil, err
	}
	w.clearRecipients()
	return nil, nil
}

// maxRowsAnswered is what an 8-bit count of rows can say.
const maxRowsAnswered = 0xFF

// readRecipients is RopReadRecipients ([MS-OXCMSG] 3.2.5.6).
func (c *call) readRecipients(q *oxcrops.ReadRecipientsRequest) (oxcrops.Response, error) {
	m, err := get[*message](c, q.In)
	if err != nil {
		return nil, err
	}
	w, err := m.content(c)
	if err != nil {
		return nil, err
	}
	if m.columns == nil {
		if m.columns, m.columnKeys, err = m.lg.recipientColumns(c, w.Recipients); err != nil {
			return nil, err
		}
	}
	q.Columns = m.columns
	resp := &oxcrops.ReadRecipientsResponse{}
	const rowHead = 4 + 7 // RowId; type, code page, reserved, size
	left := c.room - replySize - 1
	for _, r := range w.Recipients {
		if uint32(rowID(r)) < q.RowID {
			continue
		}
		row := c.s.openRow(r, m.pages(), m.columnKeys)
		n, err := encodedSize(func(cd *oxcdata.Coder) { cd.RecipientRow(m.columns, &row.Row) })
		if err != nil {
			return nil, err
		}
		if left -= n + rowHead; left < 0 || len(resp.Recipients) == maxRowsAnswered {
			break
		}
		resp.Recipients = append(resp.Recipients, oxcrops.ReadRecipientRow{RowID: uint32(rowID(r)), OpenRecipientRow: row})
	}
	if len(resp.Recipients) == 0 {
		return nil, mapi.ErrNotFound
	}
	return resp, nil
}

// opened is what the responses say that open a message: its subject and as many recipients as fit ([MS-OXCMSG] 2.2.3.1.2).
func (c *call) opened(m *message, w *content, out *oxcrops.OpenedMessage, room int) error {
	prefix, normalized := w.subject(c.s)
	out.SubjectPrefix = typedString(prefix, room)
	out.NormalizedSubject = typedString(normalized, room)
	for _, p := range w.Props {
		out.HasNamedProperties = out.HasNamedProperties || p.Key.Named()
	}
	tags, keys, err := m.lg.recipientColumns(c, w.Recipients)
	if err != nil {
		return err
	}
	m.columns, m.columnKeys = tags, keys
	out.RecipientCount = uint16(min(len(w.Recipients), 0xFFFF))
	out.Columns = tags
	const head, rowHead = 1 + 2 + 2 + 2 + 1, 7
	left := room - head - 4*len(tags) - 2*len(prefix) - 2*len(normalized) - 6
	for _, r := range w.Recipients {
		row := c.s.openRow(r, pages{itemPage(w.Props), m.cp}, keys)
		n, err := encodedSize(func(cd *oxcdata.Coder) { cd.RecipientRow(tags, &row.Row) })
		if err != nil {
			return err
		}
		if left -= n + rowHead; left < 0 || len(out.Recipients) == maxRowsAnswered {
			break
		}
		out.Recipients = append(out.Recipients, row)
	}
	return nil
}

// typedString is a subject for a response, cut where it is longer than a subject can be.
func typedString(s string, room int) oxcdata.TypedString {
	const most = 2 << 10 // more than the 255 characters of Outlook
	s = strings.ReplaceAll(s, "\x00", "")
	if limit := min(most, room/8); len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "")
	}
	return oxcdata.NewTypedString(s)
}
