package oxcical

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/samplebox"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// recurring is what ical.js finds of a series.
type recurring struct {
	UID, DTStart, TZID string
	First              []string
}

// Series of other projects' calendars take place when an independent program, ical.js, says; or they are left alone.
func TestSeries(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "ics", "*", "*.ics"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	converted := 0
	for _, name := range list {
		var truth struct {
			Tools map[string]struct{ Recurring []recurring }
		}
		j, err := os.ReadFile(name + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(j, &truth); err != nil {
			continue // of a form without tools
		}
		want := truth.Tools["ical.js"].Recurring
		if len(want) == 0 {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			for _, w := range want {
				got, ok := expand(string(b), w)
				if !ok {
					t.Logf("%s is left alone", w.UID)
					continue
				}
				converted++
				if strings.Join(got, " ") != strings.Join(w.First, " ") {
					t.Errorf("%s:\ngot  %v\nwant %v", w.UID, got, w.First)
				}
			}
		})
	}
	if converted < 30 {
		t.Errorf("%d series were converted", converted)
	}
}

// expand converts the series of a calendar that has a UID and begin, and gives its first occurrences.
func expand(text string, want recurring) (out []string, ok bool) {
	for _, c := range vobject.Parse(text) {
		r := &reader{calendar: c, zones: map[string]*zone{}}
		for _, d := range c.Children {
			if z := readZone(d); d.Name == "VTIMEZONE" && z != nil {
				r.zones[z.name] = z
			}
		}
		var master *vobject.Component
		var exceptions []*vobject.Component
		for _, e := range c.Children {
			if e.Name != "VEVENT" || e.Value("UID") != want.UID {
				continue
			}
			if e.Get("RECURRENCE-ID") != nil {
				exceptions = append(exceptions, e)
			} else if at, _, ok := parseTime(e.Value("DTSTART")); ok && strings.HasPrefix(want.DTStart, at.Format("2006-01-02")) && master == nil {
				master = e
			}
		}
		if master == nil {
			continue
		}
		at, ok := r.times(master)
		m := &Meeting{}
		if !ok || !r.series(m, master, exceptions, at) {
			return nil, false
		}
		s, err := oxocal.DecodeSeries(m.Props.Get(pid.LidAppointmentRecur).([]byte))
		if err != nil {
			return nil, false
		}
		form := "2006-01-02T15:04:05"
		if at.allDay && !strings.Contains(want.DTStart, "T") {
			form = "2006-01-02"
		}
		if strings.HasSuffix(want.DTStart, "Z") {
			form += "Z"
		}
		deleted := map[oxocal.Minutes]bool{}
		for _, d := range s.Deleted {
			deleted[d] = s.Exception(d) == nil
		}
		for d := range s.Dates(s.Start, s.Last()) {
			if !deleted[d] {
				out = append(out, (d + s.StartOffset).Clock().Format(form))
			}
			if len(out) == len(want.First) {
				break
			}
		}
		return out, true
	}
	return nil, false
}

// request is a calendar as Outlook and others send it.
func request(method string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nMETHOD:" + method + "\r\nBEGIN:VTIMEZONE\r\nTZID:Berlin\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n" +
		"BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n" +
		"UID:040000008200E00074C5B7101A82E00800000000B0D1E2A3C4F5D6010000000000000000100000000102030405060708090A0B0C0D0E0F10\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func TestRequest(t *testing.T) {
	m, ok := Read(request("REQUEST", "SUMMARY:Plan\\, gründlich", "DTSTART;TZID=Berlin:20240702T100000", "DTEND;TZID=Berlin:20240702T113000",
		"LOCATION:Raum 3", "ORGANIZER;CN=\"Chef, Der\":mailto:chef@a.example", "ATTENDEE;CN=A;RSVP=TRUE:mailto:a@a.example",
		"ATTENDEE;ROLE=OPT-PARTICIPANT;CN=B:MAILTO:b@a.example", "ATTENDEE;CUTYPE=ROOM:mailto:raum3@a.example", "SEQUENCE:2", "DTSTAMP:20240601T080000Z",
		"X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", "X-MICROSOFT-CDO-INTENDEDSTATUS:OOF", "CLASS:PRIVATE", "CATEGORIES:eins,zwei\\, drei",
		"BEGIN:VALARM", "TRIGGER:-PT15M", "END:VALARM"))
	if !ok {
		t.Fatal("no meeting")
	}
	if m.Class != Request || m.Subject != "Plan, gründlich" || m.Organizer != (Person{"Chef, Der", "chef@a.example"}) || len(m.Attendees) != 3 {
		t.Errorf("got %+v", m)
	}
	for i, want := range []int32{1, 2, 3} {
		if m.Attendees[i].Type != want {
			t.Errorf("attendee %d: %+v", i, m.Attendees[i])
		}
	}
	at := func(s string) mapi.FileTime {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return mapi.NewFileTime(d)
	}
	for _, c := range []struct {
		key  mapi.Key
		want any
	}{
		{pid.LidAppointmentStartWhole, at("2024-07-02T08:00:00Z")}, {pid.LidAppointmentEndWhole, at("2024-07-02T09:30:00Z")},
		{pid.LidAppointmentDuration, int32(90)}, {pid.LidLocation, "Raum 3"}, {pid.LidAppointmentSequence, int32(2)},
		{pid.LidIntendedBusyStatus, busyAway}, {pid.LidBusyStatus, busyTentative}, {pid.LidPrivate, true}, {pid.LidReminderDelta, int32(15)},
		{pid.LidReminderSignalTime, at("2024-07-02T07:45:00Z")}, {pid.LidOwnerCriticalChange, at("2024-06-01T08:00:00Z")},
		{pid.LidAppointmentStateFlags, int32(3)}, {pid.LidResponseStatus, respNotResponded}, {pid.LidToAttendeesString, "A"},
		{mapi.TagKey(pid.TagResponseRequested), true}, {pid.LidRecurring, false}, {pid.LidAppointmentSubType, false},
	} {
		if got := m.Props.Get(c.key); got != c.want {
			t.Errorf("%s: got %v, want %v", pid.Name(c.key), got, c.want)
		}
	}
	if w := m.Props.Get(pid.NameKeywords).([]string); strings.Join(w, "|") != "eins|zwei, drei" {
		t.Errorf("categories %q", w)
	}
	g, err := oxocal.DecodeGlobalObjectID(m.Props.Get(pid.LidGlobalObjectId).([]byte))
	if err != nil || len(g.Data) != 16 || g.Data[15] != 16 {
		t.Errorf("identity %+v, %v", g, err)
	}
}

func TestAnswers(t *testing.T) {
	for answer, class := range map[string]string{"ACCEPTED": Accepted, "TENTATIVE": Tentative, "DECLINED": Declined, "DELEGATED": ""} {
		m, ok := Read(request("REPLY", "DTSTART:20240702T080000Z", "DTEND:20240702T090000Z", "ATTENDEE;CN=Eva;PARTSTAT="+answer+":mailto:eva@a.example"))
		if ok != (class != "") || ok && (m.Class != class || m.Props.Get(pid.LidAppointmentReplyName) != "Eva") {
			t.Errorf("%s: %v %+v", answer, ok, m)
		}
	}
	for name, text := range map[string]string{
		"no method": strings.Replace(request("X", "DTSTART:20240702T080000Z"), "METHOD:X\r\n", "", 1), "published": request("PUBLISH", "DTSTART:20240702T080000Z"),
		"no time": request("REQUEST", "SUMMARY:x"), "an unknown zone": request("REQUEST", "DTSTART;TZID=Nowhere:20240702T080000"),
		"a rule of hours": request("REQUEST", "DTSTART:20240702T080000Z", "RRULE:FREQ=HOURLY"), "no calendar": "x", "": "",
		"the end before the begin": request("REQUEST", "DTSTART:20240702T080000Z", "DTEND:20240701T080000Z"),
	} {
		if _, ok := Read(text); ok {
			t.Errorf("%s: is read as a meeting", name)
		}
	}
}

// What items say of meetings is the same after it was a calendar.
func TestRoundTrip(t *testing.T) {
	keys := []mapi.Key{pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole, pid.LidAppointmentSubType, pid.LidLocation, pid.LidAppointmentSequence,
		pid.LidCleanGlobalObjectId, pid.LidGlobalObjectId, mapi.TagKey(pid.TagOwnerAppointmentId), pid.LidPrivate, pid.NameKeywords, pid.LidAppointmentDuration,
		pid.LidRecurring, pid.LidRecurrenceType, pid.LidClipEnd}
	done := map[string]int{}
	for s, err := range samplebox.Items(samplebox.Options{Items: 3 * samplebox.Block, Seed: 11}) {
		if err != nil {
			t.Fatal(err)
		}
		class := s.Item.Props.Text(pid.TagMessageClass)
		text, method, ok := Write(s.Item, People{Organizer: Person{"Chef", "chef@a.example"}, Attendees: []Attendee{{Person: Person{"Eva", "eva@a.example"}, Type: 1}}}, "text")
		if !ok {
			if strings.HasPrefix(class, "IPM.Schedule") || class == Appointment {
				t.Errorf("%s cannot be written", s.Name)
			}
			continue
		}
		done[s.Name]++
		t.Run(s.Name, func(t *testing.T) {
			m, ok := Read(strings.Replace(text, "METHOD:PUBLISH", "METHOD:REQUEST", 1)) // appointments aren't read, but as requests they are
			if !ok {
				t.Fatalf("cannot be read:\n%s", text)
			}
			if method != "PUBLISH" && m.Class != class || m.Text != "text" || m.Subject != s.Item.Props.Text(pid.TagSubject) {
				t.Errorf("got %s %q %q, want %s", m.Class, m.Subject, m.Text, class)
			}
			for _, k := range keys {
				want := s.Item.Props.Get(k)
				if want == nil {
					continue
				}
				if got := m.Props.Get(k); !same(got, want) {
					t.Errorf("%s: got %v, want %v\n%s", pid.Name(k), got, want, text)
				}
			}
			sameSeries(t, m.Props, s.Item.Props, text)
		})
	}
	for _, name := range []string{"meeting request", "meeting response", "meeting cancellation", "recurring event", "all-day event"} {
		if done[name] == 0 {
			t.Errorf("no %s was written", name)
		}
	}
}

func same(a, b mapi.Value) bool {
	x, ok := a.(mapi.FileTime)
	y, ok2 := b.(mapi.FileTime)
	if ok && ok2 {
		return x.Time().Truncate(time.Second).Equal(y.Time().Truncate(time.Second))
	}
	j, _ := json.Marshal(a)
	k, _ := json.Marshal(b)
	return string(j) == string(k)
}

// sameSeries compares when two series take place, exceptions included.
func sameSeries(t *testing.T, got, want mapi.Props, text string) {
	t.Helper()
	describe := func(p mapi.Props) string {
		b, ok := p.Get(pid.LidAppointmentRecur).([]byte)
		if !ok {
			return ""
		}
		s, err := oxocal.DecodeSeries(b)
		if err != nil {
			t.Fatal(err)
		}
		type exception struct {
			Start, End, Original oxocal.Minutes
			Subject, Location    string
		}
		var list []exception
		for _, x := range s.Exceptions {
			place := x.WideLocation
			if x.Flags&oxocal.OwnLocation == 0 {
				place, _ = p.Get(pid.LidLocation).(string)
			}
			list = append(list, exception{x.Start, x.End, x.Original, x.WideSubject, place})
		}
		j, err := json.Marshal([]any{s.Type, s.Period, s.Days, s.DayOfMonth, s.Nth, s.EndType, s.Start, s.Deleted, s.Modified, s.StartOffset, s.EndOffset, list})
		if err != nil {
			t.Fatal(err)
		}
		return string(j)
	}
	if g, w := describe(got), describe(want); g != w {
		t.Errorf("series: got  %s\nwant %s\n%s", g, w, text)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(request("REQUEST", "DTSTART;TZID=Berlin:20240702T100000", "DURATION:P1DT2H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=5", "EXDATE;TZID=Berlin:20240830T100000"))
	f.Add(request("CANCEL", "DTSTART;VALUE=DATE:20240702", "RECURRENCE-ID;VALUE=DATE:20240702"))
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := Read(text)
		if !ok {
			return
		}
		for _, p := range m.Props {
			if err := mapi.CheckValue(p.Key.Type(), p.Value); err != nil {
				t.Error(err)
			}
		}
	})
}
