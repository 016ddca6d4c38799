package oxcical

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// foreign begins the data of a global object id that holds a UID of another program ([MS-OXCICAL] 2.1.3.1.1.20.26).
const foreign = "vCal-Uid"

// foreignVersion follows it.
const foreignVersion uint32 = 1

// maxUID is how long a UID may be to be kept.
const maxUID = 4 << 10

// identity sets the ids of the meeting, from UID and RECURRENCE-ID.
func (r *reader) identity(m *Meeting, e *vobject.Component, t times) bool {
	uid := vobject.Text(e.Value("UID"))
	if len(uid) > maxUID {
		return false
	}
	g := objectID(uid)
	clean, err := g.Clean().Encode()
	if err != nil {
		return false
	}
	own := clean
	m.set(pid.LidIsException, false)
	if id := e.Get("RECURRENCE-ID"); id != nil {
		at, day, ok := r.moment(id, id.Value)
		if !ok {
			return false
		}
		if own, err = g.On(dayOf(at, day, t.start.zone)).Encode(); err != nil {
			return false
		}
		m.set(pid.LidIsException, true)
		m.setTime(pid.LidExceptionReplaceTime, at.utc)
	}
	m.set(pid.LidGlobalObjectId, own)
	m.set(pid.LidCleanGlobalObjectId, clean)
	if n, err := strconv.ParseInt(e.Value("X-MICROSOFT-CDO-OWNERAPPTID"), 10, 64); err == nil {
		m.setTag(pid.TagOwnerAppointmentId, int32(n))
	}
	return true
}

// objectID is the global object id that a UID stands for: Exchange's in hexadecimal, or one that holds it.
func objectID(uid string) *oxocal.GlobalObjectID {
	g := oxocal.NewGlobalObjectID(time.Time{})
	if b, err := hex.DecodeString(uid); err == nil && bytes.HasPrefix(b, g.ByteArrayID[:]) {
		if own, err := oxocal.DecodeGlobalObjectID(b); err == nil {
			return own
		}
	}
	g.Created = 0
	g.Data = append(binary.LittleEndian.AppendUint32([]byte(foreign), foreignVersion), uid+"\x00"...)
	return g
}

// uidOf is the reverse of objectID.
func uidOf(g *oxocal.GlobalObjectID) string {
	if rest, ok := bytes.CutPrefix(g.Data, []byte(foreign)); ok && len(rest) > 4 {
		return string(bytes.TrimRight(rest[4:], "\x00"))
	}
	b, err := g.Clean().Encode()
	if err != nil {
		return ""
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// person reads ORGANIZER or ATTENDEE.
func person(p *vobject.Property) Person {
	addr := strings.TrimSpace(p.Value)
	if len(addr) >= 7 && strings.EqualFold(addr[:7], "mailto:") {
		addr = addr[7:]
	} else if e := p.Param("EMAIL"); e != "" {
		addr = e
	}
	name := p.Param("CN")
	if name == "" {
		name = addr
	}
	return Person{Name: name, Address: addr}
}

// people sets who is invited.
func (r *reader) people(m *Meeting, e *vobject.Component) {
	if o := e.Get("ORGANIZER"); o != nil {
		m.Organizer = person(o)
	}
	var all, required, optional []string
	asked := false
	for _, p := range e.All("ATTENDEE") {
		a := Attendee{Person: person(p), Type: 1, Answer: strings.ToUpper(p.Param("PARTSTAT"))}
		switch {
		case p.Is("CUTYPE", "RESOURCE"), p.Is("CUTYPE", "ROOM"):
			a.Type = 3
		case p.Is("ROLE", "OPT-PARTICIPANT"), p.Is("ROLE", "NON-PARTICIPANT"):
			a.Type = 2
			optional = append(optional, a.Name)
		default:
			required = append(required, a.Name)
		}
		all = append(all, a.Name)
		asked = asked || p.Is("RSVP", "TRUE")
		m.Attendees = append(m.Attendees, a)
	}
	switch m.Class {
	case Request:
		m.setTag(pid.TagResponseRequested, asked)
		m.setTag(pid.TagReplyRequested, asked)
		fallthrough
	case Canceled:
		m.set(pid.LidAllAttendeesString, strings.Join(all, "; "))
		m.set(pid.LidToAttendeesString, strings.Join(required, "; "))
		m.set(pid.LidCcAttendeesString, strings.Join(optional, "; "))
	default:
		if len(m.Attendees) == 1 {
			m.set(pid.LidAppointmentReplyName, m.Attendees[0].Name)
		}
	}
}

// states are what a message of a class says of the meeting, and its icon ([MS-OXOCAL] 2.2.6, [MS-OXOMSG] 2.2.1.10).
var states = map[string]struct{ state, response, icon int32 }{
	Request:   {stateMeeting | stateReceived, respNotResponded, 0x404},
	Canceled:  {stateMeeting | stateReceived | stateCanceled, respNone, 0x408},
	Accepted:  {stateMeeting | stateReceived, respAccepted, 0x405},
	Tentative: {stateMeeting | stateReceived, respTentative, 0x407},
	Declined:  {stateMeeting | stateReceived, respDeclined, 0x406},
}

// sideEffects are those of messages about meetings ([MS-OXCMSG] 2.2.1.16).
const sideEffects int32 = 0x1C61

// status sets what else is said of the meeting ([MS-OXCICAL] 2.1.3.1.1.20).
func (r *reader) status(m *Meeting, e *vobject.Component) {
	s := states[m.Class]
	m.set(pid.LidAppointmentStateFlags, s.state)
	m.set(pid.LidResponseStatus, s.response)
	m.setTag(pid.TagIconIndex, s.icon)
	m.set(pid.LidSideEffects, sideEffects)
	m.set(pid.LidLocation, e.Text("LOCATION"))
	m.set(pid.LidWhere, e.Text("LOCATION"))
	if n, err := strconv.ParseInt(e.Value("SEQUENCE"), 10, 32); err == nil {
		m.set(pid.LidAppointmentSequence, int32(n))
	} else {
		m.set(pid.LidAppointmentSequence, int32(0))
	}
	intended := busy(e, busyBusy)
	switch m.Class {
	case Request:
		m.set(pid.LidMeetingType, int32(1)) // mtgRequest ([MS-OXOCAL] 2.2.6.5)
		m.set(pid.LidIntendedBusyStatus, intended)
		m.set(pid.LidBusyStatus, min(busyTentative, intended))
		m.set(pid.LidFInvited, true)
		m.set(pid.LidAppointmentMessageClass, Appointment)
	case Canceled:
		m.set(pid.LidIntendedBusyStatus, intended)
		m.set(pid.LidBusyStatus, busyFree)
	default:
		m.set(pid.LidBusyStatus, intended)
	}
	if stamp, _, ok := parseTime(e.Value("DTSTAMP")); ok {
		if m.Class == Request || m.Class == Canceled {
			m.setTime(pid.LidOwnerCriticalChange, stamp)
		} else {
			m.setTime(pid.LidAttendeeCriticalChange, stamp)
			m.setTime(pid.LidAppointmentReplyTime, stamp)
		}
	}
	sensitivity := map[string]int32{"PRIVATE": 2, "CONFIDENTIAL": 3}[strings.ToUpper(e.Value("CLASS"))]
	m.set(pid.LidPrivate, sensitivity == 2)
	if sensitivity != 0 {
		m.setTag(pid.TagSensitivity, sensitivity)
	}
	var words []string
	for _, p := range e.All("CATEGORIES") {
		for _, w := range vobject.Split(p.Value, ',') {
			if w = strings.TrimSpace(vobject.Text(w)); w != "" {
				words = append(words, w)
			}
		}
	}
	if words != nil {
		m.set(pid.NameKeywords, words)
	}
	if strings.EqualFold(e.Value("X-MICROSOFT-DISALLOW-COUNTER"), "TRUE") {
		m.set(pid.LidAppointmentNotAllowPropose, true)
	}
	m.reminder(e)
}

// busyNames are the values of X-MICROSOFT-CDO-BUSYSTATUS.
var busyNames = map[string]int32{"FREE": busyFree, "TENTATIVE": busyTentative, "BUSY": busyBusy, "OOF": busyAway, "WORKINGELSEWHERE": busyElsewhere}

// busy is the busy state that the meeting is to have.
func busy(e *vobject.Component, other int32) int32 {
	for _, name := range []string{"X-MICROSOFT-CDO-INTENDEDSTATUS", "X-MICROSOFT-CDO-BUSYSTATUS"} {
		if b, ok := busyNames[strings.ToUpper(e.Value(name))]; ok {
			return b
		}
	}
	switch {
	case strings.EqualFold(e.Value("TRANSP"), "TRANSPARENT"):
		return busyFree
	case strings.EqualFold(e.Value("STATUS"), "TENTATIVE"):
		return busyTentative
	}
	return other
}

// reminder reads the first alarm that is so long before the begin.
func (m *Meeting) reminder(e *vobject.Component) {
	for _, c := range e.Children {
		if c.Name != "VALARM" {
			continue
		}
		p := c.Get("TRIGGER")
		if p == nil || p.Is("RELATED", "END") {
			continue
		}
		if d, ok := duration(p.Value); ok && d <= 0 {
			m.set(pid.LidReminderSet, true)
			m.set(pid.LidReminderDelta, int32(min(-d/time.Minute, 1<<30)))
			if start, ok := m.Props.Get(pid.LidAppointmentStartWhole).(mapi.FileTime); ok {
				m.set(pid.LidReminderTime, start)
				m.setTime(pid.LidReminderSignalTime, start.Time().Add(d))
			}
			return
		}
	}
	m.set(pid.LidReminderSet, false)
}

// narrow is text for readers of old, in Windows' code page.
func narrow(s string) mapi.String8 {
	b, err := codepage.Encode(codepage.Windows1252, s)
	if err != nil {
		return ""
	}
	return mapi.String8(b)
}
