package dispatch

import (
	"context"
	"errors"

	"github.com/opencdo/opencdo/cdo"
	"github.com/opencdo/opencdo/mapi"
)

// Adapters are for members whose parameters aren't those of one Go method: alternatives that automation tells apart by the type of an
// argument.

// position is an argument that counts from 1; ok is false for texts.
func (c *call) position(i int) (n int, ok bool) {
	if _, text := c.args[i].(string); text {
		return 0, false
	}
	return int(c.long(i)), true
}

func logon(c *call) (any, error) {
	o := cdo.LogonOptions{ProfileName: c.text(0), ProfilePassword: c.text(1), ShowDialog: c.boolean(2), NewSession: c.boolean(3),
		ParentWindow: int(c.long(4)), NoMail: c.boolean(5), ProfileInfo: c.text(6)}
	if c.err != nil {
		return nil, c.err
	}
	return nil, c.obj.(*cdo.Session).Logon(c.ctx, o)
}

func addressBook(c *call) (any, error) {
	o := cdo.AddressBookOptions{Recipients: object[*cdo.Recipients](c, 0), Title: c.text(1), OneAddress: c.boolean(2), ForceResolution: c.boolean(3),
		RecipLists: int(c.long(4)), ToLabel: c.text(5), CcLabel: c.text(6), BccLabel: c.text(7), ParentWindow: int(c.long(8))}
	if c.err != nil {
		return nil, c.err
	}
	return reach(c.obj.(*cdo.Session).AddressBook(c.ctx, o))
}

// native: interfaces of MAPI exist in Go only.
func native(*call) (any, error) {
	return nil, &cdo.Error{Member: "MAPIOBJECT", Code: cdo.CdoE_INTERFACE_NOT_SUPPORTED, Err: errors.New("there are no interfaces of MAPI here")}
}

func nativePut(c *call) error {
	_, err := native(c)
	return err
}

func infoStoresItem(c *call) (any, error) {
	stores := c.obj.(*cdo.InfoStores)
	if n, ok := c.position(0); ok {
		return reach(stores.Item(n), c.err)
	}
	return reach(stores.ByName(c.ctx, c.text(0)))
}

func addressListsItem(c *call) (any, error) {
	lists := c.obj.(*cdo.AddressLists)
	if n, ok := c.position(0); ok {
		return reach(lists.Item(n), c.err)
	}
	return reach(lists.ByName(c.text(0)))
}

func foldersItem(c *call) (any, error) {
	folders := c.obj.(*cdo.Folders)
	n, ok := c.position(0)
	switch {
	case c.err != nil:
		return nil, c.err
	case ok:
		return reach(folders.Item(c.ctx, n))
	}
	return reach(folders.Find(c.ctx, c.text(0)))
}

func messagesItem(c *call) (any, error) {
	messages := c.obj.(*cdo.Messages)
	n, ok := c.position(0)
	switch {
	case c.err != nil:
		return nil, c.err
	case ok:
		return reach(messages.Item(c.ctx, n))
	}
	return reach(messages.Find(c.ctx, c.text(0)))
}

func addressEntriesItem(c *call) (any, error) {
	entries := c.obj.(*cdo.AddressEntries)
	n, ok := c.position(0)
	switch {
	case c.err != nil:
		return nil, c.err
	case ok:
		return reach(entries.Item(c.ctx, n))
	}
	return reach(entries.Find(c.ctx, c.text(0)))
}

func recipientsItem(c *call) (any, error) {
	n := int(c.long(0))
	if c.err != nil {
		return nil, c.err
	}
	return reach(c.obj.(*cdo.Recipients).Item(c.ctx, n))
}

func attachmentsItem(c *call) (any, error) {
	n := int(c.long(0))
	if c.err != nil {
		return nil, c.err
	}
	return reach(c.obj.(*cdo.Attachments).Item(c.ctx, n))
}

// sorter is a collection that can be sorted.
type sorter interface {
	Sort(order cdo.SortOrder, tag mapi.Tag) error
}

func sorted(c *call, s sorter, byName func(cdo.SortOrder, string) error) (any, error) {
	order := cdo.SortOrder(c.long(0))
	if name, ok := c.args[1].(string); ok && byName != nil {
		return nil, byName(order, name)
	}
	var tag mapi.Tag
	if !c.gone(1) {
		tag = mapi.Tag(uint32(c.long(1)))
	}
	if c.err != nil {
		return nil, c.err
	}
	return nil, s.Sort(order, tag)
}

func foldersSort(c *call) (any, error) { return sorted(c, c.obj.(*cdo.Folders), nil) }

func messagesSort(c *call) (any, error) {
	messages := c.obj.(*cdo.Messages)
	calendar, err := messages.IsCalendar(c.ctx)
	if err != nil {
		return nil, err
	}
	if calendar { // in Go the Get methods say so
		return nil, &cdo.Error{Member: "Messages.Sort", Code: cdo.CdoE_TOO_COMPLEX, Err: errors.New("a calendar is ordered by the begin of the appointments")}
	}
	return sorted(c, messages, messages.SortByName)
}

func addressEntriesSort(c *call) (any, error) { return sorted(c, c.obj.(*cdo.AddressEntries), nil) }

// messagesAdd: the defaults are filled in already, so what matters is whether anything else was given.
func messagesAdd(c *call) (any, error) {
	messages := c.obj.(*cdo.Messages)
	subject, text, class, importance := c.text(0), c.text(1), c.text(2), cdo.Importance(c.long(3))
	if c.err != nil {
		return nil, c.err
	}
	calendar, err := messages.IsCalendar(c.ctx)
	if err != nil {
		return nil, err
	}
	if calendar {
		if subject != "" || text != "" || class != "IPM.Note" || importance != cdo.CdoNormal {
			return nil, &cdo.Error{Member: "Messages.Add", Code: cdo.CdoE_INVALID_PARAMETER, Err: errors.New("in a calendar it takes no arguments")}
		}
		return reach(messages.AddAppointment(c.ctx))
	}
	m := messages.Add(subject, text, class)
	m.SetImportance(importance)
	return reach(m, nil)
}

func send(c *call) (any, error) {
	saveCopy, show, window := c.boolean(0), c.boolean(1), int(c.long(2))
	if c.err != nil {
		return nil, c.err
	}
	o := c.obj.(interface {
		Send(context.Context, bool) error
		SendShown(context.Context, bool, int) error
	})
	if show {
		return nil, o.SendShown(c.ctx, saveCopy, window)
	}
	return nil, o.Send(c.ctx, saveCopy)
}

func recipientsAdd(c *call) (any, error) {
	recipients := c.obj.(*cdo.Recipients)
	name, address, kind, id := c.text(0), c.text(1), cdo.RecipientType(c.long(2)), c.text(3)
	switch {
	case c.err != nil:
		return nil, c.err
	case id != "":
		return reach(recipients.AddEntry(c.ctx, id, kind))
	}
	return reach(recipients.Add(c.ctx, name, address, kind))
}

func attachmentsAdd(c *call) (any, error) {
	name, position, kind, source := c.text(0), c.long(1), cdo.AttachmentType(c.long(2)), ""
	if m := object[*cdo.Message](c, 3); m != nil {
		source = m.ID()
	} else {
		source = c.text(3)
	}
	if c.err != nil {
		return nil, c.err
	}
	return reach(c.obj.(*cdo.Attachments).Add(c.ctx, name, position, kind, source))
}

func attachmentSource(c *call) (any, error) {
	a := c.obj.(*cdo.Attachment)
	if m, err := a.Message(c.ctx); m != nil || err != nil {
		return reach(m, err)
	}
	return give(a.Source(c.ctx))
}

func attachmentSourcePut(c *call) error {
	source := ""
	if m := object[*cdo.Message](c, 0); m != nil {
		source = m.ID()
	} else {
		source = c.text(0)
	}
	if c.err != nil {
		return c.err
	}
	return c.obj.(*cdo.Attachment).SetSource(c.ctx, source)
}

// firstTag is the least number that Fields.Item takes for a property tag.
const firstTag = 0x10000

func fieldsItem(c *call) (any, error) {
	fields := c.obj.(*cdo.Fields)
	if name, ok := c.args[0].(string); ok {
		return reach(fields.ByName(c.ctx, name, c.text(1)))
	}
	n := uint32(c.long(0))
	switch {
	case c.err != nil:
		return nil, c.err
	case n >= firstTag:
		return reach(fields.ByTag(c.ctx, mapi.Tag(n)))
	}
	return reach(fields.Item(c.ctx, int(n)))
}

// fieldsAdd has two forms: (PropTag, Value) and (Name, Class, [Value], [PropsetID]). A tag may be given with a class as well.
func fieldsAdd(c *call) (any, error) {
	fields := c.obj.(*cdo.Fields)
	if name, ok := c.args[0].(string); ok {
		class := cdo.CdoEmpty
		if !c.gone(1) {
			class = cdo.FieldType(c.long(1))
		}
		value, set := c.variant(2), c.text(3)
		if c.err != nil {
			return nil, c.err
		}
		return reach(fields.AddNamed(name, class, fit(value, class, fields.Session().Location()), set))
	}
	tag, value := mapi.Tag(uint32(c.long(0))), c.variant(1)
	if !c.gone(2) {
		value = c.variant(2)
	}
	if c.err != nil {
		return nil, c.err
	}
	return reach(fields.Add(tag, fit(value, cdo.FieldTypeOf(tag.Type()), fields.Session().Location())))
}

// fieldValuePut assigns to a field.
func fieldValuePut(c *call) error {
	f := c.obj.(*cdo.Field)
	return f.SetValue(fit(c.variant(0), f.Type(), f.Session().Location()))
}

func fieldValue(c *call) (any, error) { return c.obj.(*cdo.Field).Value(c.ctx) }
