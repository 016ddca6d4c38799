package cdo

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// option is a calendar option of GetOption and SetOption.
type option struct {
	name string
	typ  mapi.Type
	def  any              // as it is kept
	ok   func(v any) bool // whether a value can be kept; nil: any
	time bool             // kept as minutes after midnight
}

// Calendar options of a mailbox.
var options = []option{
	{name: "BusinessDayStartTime", typ: mapi.TypeInt32, def: int32(9 * 60), time: true},
	{name: "BusinessDayEndTime", typ: mapi.TypeInt32, def: int32(17 * 60), time: true},
	{name: "CalendarStore", typ: mapi.TypeString, def: "Outlook", ok: func(v any) bool { return v == "Outlook" || v == "SchedulePlus" }},
	{name: "FirstDayOfWeek", typ: mapi.TypeInt32, def: int32(7), ok: between(1, 7)},
	{name: "Is24HourClock", typ: mapi.TypeBool, def: false},
	{name: "TimeZone", typ: mapi.TypeInt32, ok: func(v any) bool { return TimeZone(v.(int32)).known() }},
	{name: "WorkingDays", typ: mapi.TypeInt32, def: int32(CdoMonday | CdoTuesday | CdoWednesday | CdoThursday | CdoFriday), ok: between(1, 127)},
	{name: "FreeBusyMonths", typ: mapi.TypeInt32, def: int32(3), ok: between(2, 1<<15)},
}

func between(low, high int32) func(any) bool {
	return func(v any) bool { n := v.(int32); return n >= low && n <= high }
}

// optionsClass is the class of the hidden message of the Inbox that keeps the options: CDO's own form of it was never published.
const optionsClass = "IPM.OpenCDO.Options"

func (o *option) key() mapi.Key {
	return mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "OpenCDO." + o.name}, o.typ)
}

func findOption(member, name string) (*option, error) {
	i := slices.IndexFunc(options, func(o option) bool { return strings.EqualFold(o.name, name) })
	if i < 0 {
		return nil, failf(member, CdoE_INVALID_PARAMETER, "there is no option %q", name)
	}
	return &options[i], nil
}

// kept is the message that keeps the options, nil when there is none yet.
func (l *logon) kept(ctx context.Context) (*Messages, *Message, error) {
	inbox, err := l.stores.list[0].special(ctx, l.session, mapi.RoleInbox)
	if err != nil {
		return nil, nil, err
	}
	hidden := inbox.HiddenMessages()
	m, err := hidden.GetFirst(ctx, optionsClass)
	return hidden, m, err
}

// option is the value of an option as it is kept.
func (l *logon) option(ctx context.Context, o *option) (any, error) {
	_, m, err := l.kept(ctx)
	if err != nil && !missing(err) {
		return nil, err
	}
	if m != nil {
		p, ok, err := m.bag.get(ctx, o.key())
		if err != nil {
			return nil, err
		}
		if ok && (o.ok == nil || o.ok(p.Value)) {
			return p.Value, nil
		}
	}
	if o.name == "TimeZone" {
		return int32(zoneOf(l.loc)), nil
	}
	return o.def, nil
}

// clock is the value of an option that is a time of day.
func (l *logon) clock(ctx context.Context, name string) (time.Duration, error) {
	o, err := findOption("Session.GetOption", name)
	if err != nil {
		return 0, err
	}
	v, err := l.option(ctx, o)
	n, _ := v.(int32)
	return time.Duration(n) * time.Minute, err
}

// GetOption is a calendar option of the mailbox: BusinessDayStartTime and BusinessDayEndTime (time.Time, the time of day counts),
// CalendarStore (string), FirstDayOfWeek (int32, 1 is Monday), Is24HourClock (bool), TimeZone (int32, of TimeZone), WorkingDays
// (int32, of DaysOfWeek), FreeBusyMonths (int32). Without a logon it is CdoE_CALL_FAILED, with another name CdoE_INVALID_PARAMETER.
func (s *Session) GetOption(ctx context.Context, optType string) (any, error) {
	const member = "Session.GetOption"
	l, o, err := s.optionOf(ctx, member, optType)
	if err != nil {
		return nil, err
	}
	v, err := l.option(ctx, o)
	if n, ok := v.(int32); ok && o.time {
		v = time.Date(1899, 12, 30, int(n)/60, int(n)%60, 0, 0, l.loc) // a VT_DATE without a day
	}
	return v, fail(member, err)
}

func (s *Session) optionOf(ctx context.Context, member, name string) (*logon, *option, error) {
	if s.on == nil {
		return nil, nil, failf(member, CdoE_CALL_FAILED, "not logged on")
	}
	l, err := s.open(ctx, member)
	if err != nil {
		return nil, nil, err
	}
	o, err := findOption(member, name)
	return l, o, err
}

// SetOption keeps a calendar option in the mailbox. A value that the option cannot have is CdoE_INVALID_PARAMETER.
func (s *Session) SetOption(ctx context.Context, optType string, value any) error {
	const member = "Session.SetOption"
	l, o, err := s.optionOf(ctx, member, optType)
	if err != nil {
		return err
	}
	if t, ok := value.(time.Time); ok && o.time {
		t = t.In(l.loc)
		value = int32(t.Hour()*60 + t.Minute())
	}
	v, err := propValue(o.typ, value, l.loc)
	if err != nil || o.ok != nil && !o.ok(v) {
		return failf(member, CdoE_INVALID_PARAMETER, "%v is no value of %s", value, o.name)
	}
	hidden, m, err := l.kept(ctx)
	if err != nil {
		return fail(member, err)
	}
	if m == nil {
		m = hidden.Add(optionsClass, "", optionsClass)
		m.bag.remove(mapi.TagKey(pid.TagBody))
	}
	m.bag.put(o.key(), v)
	return rename(m.Update(ctx, true, false), member)
}
