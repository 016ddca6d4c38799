package delivery

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// template is the message class of the associated item of the Inbox whose body is the automatic reply ([MS-OXWOOF] 2.2.6).
const template = "IPM.Note.Rules.OofTemplate.Microsoft"

// Told remembers who was told that somebody is away, so that each is told once. It forgets when they are back.
type Told struct {
	mu   sync.Mutex
	list map[string]map[string]bool // by the DN of who is away: DNs
}

// first reports whether to was not told yet that who is away, and notes that it is now.
func (t *Told) first(who, to string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.list == nil {
		t.list = map[string]map[string]bool{}
	}
	if t.list[who] == nil {
		t.list[who] = map[string]bool{}
	}
	had := t.list[who][to]
	t.list[who][to] = true
	return !had
}

func (t *Told) forget(who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.list, who)
}

// answer sends the automatic reply of somebody who is away, into whose mailbox the message was put. Reports and what was sent
// automatically get none: two who are away must not go on answering each other.
func (m *submitted) answer(ctx context.Context, a *addressee, box mapi.Store) error {
	ps, err := box.Props(ctx)
	if err != nil {
		return err
	}
	if on, _ := ps.Tag(pid.TagOutOfOfficeState).(bool); !on {
		m.post.Told().forget(a.DN)
		return nil
	}
	if !a.to && !a.cc || a.DN == m.Owner.DN || m.automatic() || !m.post.Told().first(a.DN, m.Owner.DN) {
		return nil
	}
	text, err := awayText(ctx, box)
	if err != nil {
		return err
	}
	now := mapi.NewFileTime(time.Now())
	it := report("IPM.Note.Rules.OofTemplate.Microsoft", "Automatic reply: ", m.it, now)
	it.Props.Set(mapi.TagKey(pid.TagBody), text)
	it.Props.Set(mapi.TagKey(pid.TagAutoForwarded), true)
	for _, p := range slices.Concat(sender.of(a.Person), representing.of(a.Person), receivedBy.of(m.Owner), receivedFor.of(m.Owner)) {
		it.Props.Set(p.Key, p.Value)
	}
	it.Recipients = []mapi.Props{{
		{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(toRecipient)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: m.Owner.Name},
		{Key: mapi.TagKey(pid.TagAddressType), Value: "EX"}, {Key: mapi.TagKey(pid.TagEmailAddress), Value: m.Owner.DN},
		{Key: mapi.TagKey(pid.TagSmtpAddress), Value: m.Owner.SMTP}, {Key: mapi.TagKey(pid.TagEntryId), Value: m.Owner.entryID()},
	}}
	return deposit(ctx, m.post, m.Owner, it)
}

// automatic tells of messages that nobody wrote.
func (m *submitted) automatic() bool {
	class := strings.ToUpper(m.it.Props.Text(pid.TagMessageClass))
	auto, _ := m.it.Props.Tag(pid.TagAutoForwarded).(bool)
	const suppressed = 0x10 // out-of-office replies ([MS-OXCMSG] 2.2.1.36)
	n, _ := m.it.Props.Tag(pid.TagAutoResponseSuppress).(int32)
	return strings.HasPrefix(class, "REPORT.") || strings.HasPrefix(class, strings.ToUpper(template)) || auto || n&suppressed != 0
}

// awayText is the body of the template in the Inbox, empty where there is none.
func awayText(ctx context.Context, box mapi.Store) (string, error) {
	id, err := box.Special(ctx, mapi.RoleInbox)
	if err != nil {
		return "", err
	}
	inbox, err := box.Folder(ctx, id)
	if err != nil {
		return "", err
	}
	where := mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagMessageClass), Value: template}
	for r, err := range inbox.Rows(ctx, mapi.Query{Kind: mapi.Associated, Where: where}) {
		if err != nil {
			return "", err
		}
		it, err := mapi.ReadItem(ctx, inbox, r.ID)
		if err != nil {
			return "", err
		}
		return it.Props.Text(pid.TagBody), nil
	}
	return "", nil
}
