package exchange

import (
	"context"
	"fmt"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// outOfOfficeTemplate is the message class of the associated item of the Inbox whose body is the automatic reply
// ([MS-OXWOOF] 2.2.6). The state is a property of the mailbox.
const outOfOfficeTemplate = "IPM.Note.Rules.OofTemplate.Microsoft"

// OutOfOffice implements mapi.OutOfOfficer.
func (st *Store) OutOfOffice(ctx context.Context) (mapi.OutOfOffice, error) {
	const op = "read the out-of-office state"
	var o mapi.OutOfOffice
	ps, err := st.Props(ctx)
	if err != nil {
		return o, fmt.Errorf("%s: %w", op, err)
	}
	o.On, _ = ps.Tag(pid.TagOutOfOfficeState).(bool)
	inbox, id, err := st.outOfOffice(ctx)
	if err != nil || id == "" {
		return o, wrap(op, err)
	}
	it, err := mapi.ReadItem(ctx, inbox, id)
	if err != nil {
		return o, fmt.Errorf("%s: %w", op, err)
	}
	o.Text = it.Props.Text(pid.TagBody)
	return o, nil
}

func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", op, err)
}

// outOfOffice finds the template; its id is empty where there is none.
func (st *Store) outOfOffice(ctx context.Context) (inbox mapi.Folder, id mapi.EntryID, err error) {
	at, err := st.Special(ctx, mapi.RoleInbox)
	if err != nil {
		return nil, "", err
	}
	if inbox, err = st.Folder(ctx, at); err != nil {
		return nil, "", err
	}
	q := mapi.Query{Kind: mapi.Associated, Where: mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagMessageClass), Value: outOfOfficeTemplate}}
	for r, err := range inbox.Rows(ctx, q) {
		return inbox, r.ID, err
	}
	return inbox, "", nil
}

// SetOutOfOffice implements mapi.OutOfOfficer.
func (st *Store) SetOutOfOffice(ctx context.Context, o mapi.OutOfOffice) error {
	return wrap("set the out-of-office state", st.setOutOfOffice(ctx, o))
}

func (st *Store) setOutOfOffice(ctx context.Context, o mapi.OutOfOffice) error {
	inbox, id, err := st.outOfOffice(ctx)
	if err != nil {
		return err
	}
	text := mapi.Props{{Key: mapi.TagKey(pid.TagBody), Value: o.Text}}
	if id != "" {
		err = inbox.Update(ctx, id, text, nil)
	} else if o.Text != "" {
		_, err = mapi.WriteItem(ctx, inbox, mapi.Associated, &mapi.Item{Props: append(text,
			mapi.Prop{Key: mapi.TagKey(pid.TagMessageClass), Value: outOfOfficeTemplate},
			mapi.Prop{Key: mapi.TagKey(pid.TagSubject), Value: "Out of Office"})})
	}
	if err != nil {
		return err
	}
	return st.with(ctx, func(s *session) error {
		set := mapi.Props{{Key: mapi.TagKey(pid.TagOutOfOfficeState), Value: o.On}}
		return st.setProps(ctx, s, s.logon, set, nil)
	})
}
