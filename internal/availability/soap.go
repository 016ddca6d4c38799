package availability

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
)

// Namespaces of Exchange Web Services.
const (
	soapSpace     = "http://schemas.xmlsoap.org/soap/envelope/"
	typesSpace    = "http://schemas.microsoft.com/exchange/services/2006/types"
	messagesSpace = "http://schemas.microsoft.com/exchange/services/2006/messages"
)

// maxDocument bounds requests and answers: some thousand appointments of some hundred people.
const maxDocument = 8 << 20

// clockTime is how times are written: without a zone, on the clock of the request's.
const clockTime = "2006-01-02T15:04:05"

// request is GetUserAvailabilityRequest ([MS-OXWAVLS] 3.1.4.1.2.1), as it is read.
type request struct {
	Zone      zone     `xml:"TimeZone"`
	Mailboxes []string `xml:"MailboxDataArray>MailboxData>Email>Address"`
	Start     string   `xml:"FreeBusyViewOptions>TimeWindow>StartTime"`
	End       string   `xml:"FreeBusyViewOptions>TimeWindow>EndTime"`
	Interval  int      `xml:"FreeBusyViewOptions>MergedFreeBusyIntervalInMinutes"`
	View      string   `xml:"FreeBusyViewOptions>RequestedView"`
}

// zone is a time zone ([MS-OXWAVLS] 2.2.4.17).
type zone struct {
	Bias     int32  `xml:"Bias"` // minutes from local time to UTC
	Standard change `xml:"StandardTime"`
	Daylight change `xml:"DaylightTime"`
}

// change is when a clock changes, and its bias then besides that of the zone.
type change struct {
	Bias      int32  `xml:"Bias"`
	Time      string `xml:"Time"`
	DayOrder  uint16 `xml:"DayOrder"` // 5: the last of the month
	Month     uint16 `xml:"Month"`
	DayOfWeek string `xml:"DayOfWeek"`
	Year      string `xml:"Year"`
}

// clock converts between the zone's clock and UTC.
func (z zone) clock() oxocal.Zone {
	rule := oxocal.Rule{Bias: z.Bias, StandardBias: z.Standard.Bias, DaylightBias: z.Daylight.Bias}
	if z.Standard.Bias != z.Daylight.Bias {
		rule.Standard, rule.Daylight = z.Standard.begin(), z.Daylight.begin()
	}
	return (&oxocal.TimeZoneStruct{Rule: rule}).Zone()
}

func (c change) begin() oxocal.SystemTime {
	t := oxocal.SystemTime{Month: c.Month, Day: c.DayOrder}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String(), c.DayOfWeek) {
			t.DayOfWeek = uint16(d)
		}
	}
	fmt.Sscanf(c.Time, "%d:%d:%d", &t.Hour, &t.Minute, &t.Second) // midnight where it says nothing readable
	return t
}

// response is GetUserAvailabilityResponse ([MS-OXWAVLS] 3.1.4.1.2.2).
type response struct {
	List []answer `xml:"FreeBusyResponseArray>FreeBusyResponse"`
}

type answer struct {
	Message struct {
		Class string `xml:"ResponseClass,attr"`
		Text  string `xml:"MessageText"`
		Code  string `xml:"ResponseCode"`
	} `xml:"ResponseMessage"`
	View struct {
		Type   string  `xml:"FreeBusyViewType"`
		Merged string  `xml:"MergedFreeBusy"`
		Events []event `xml:"CalendarEventArray>CalendarEvent"`
	} `xml:"FreeBusyView"`
}

type event struct {
	Start string `xml:"StartTime"`
	End   string `xml:"EndTime"`
	Type  string `xml:"BusyType"`
}

// busyTypes are the values of BusyType, in the order of PidLidBusyStatus ([MS-OXWAVLS] 2.2.4.2).
var busyTypes = []string{"Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"}

func statusOf(name string) int32 {
	for i, n := range busyTypes {
		if strings.EqualFold(n, name) {
			return int32(i)
		}
	}
	return free // NoData
}

// Fault is a SOAP fault: the request as a whole was refused.
type Fault struct {
	Code   string `xml:"faultcode"`
	Text   string `xml:"faultstring"`
	Detail string `xml:"detail>ResponseCode"`
}

func (f *Fault) Error() string {
	return fmt.Sprintf("the server refuses to tell when people are free: %s %s", f.Detail, f.Text)
}

// errDocument is what malformed documents are.
var errDocument = errors.New("malformed document")

// decode reads what is in the body of an envelope: into v where the element has a name, or a fault.
func decode(r io.Reader, name string, v any) error {
	limited := &io.LimitedReader{R: r, N: maxDocument + 1}
	d := xml.NewDecoder(limited)
	inBody := false
	for {
		t, err := d.Token()
		if limited.N <= 0 {
			return fmt.Errorf("%w: longer than %d bytes", errDocument, maxDocument)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errDocument, err)
		}
		e, ok := t.(xml.StartElement)
		switch {
		case !ok:
		case e.Name.Local == "Body":
			inBody = true
		case !inBody && e.Name.Local == "Header":
			if err := d.Skip(); err != nil {
				return fmt.Errorf("%w: %w", errDocument, err)
			}
		case inBody && e.Name.Local == "Fault":
			f := &Fault{}
			if err := d.DecodeElement(f, &e); err != nil {
				return fmt.Errorf("%w: %w", errDocument, err)
			}
			return f
		case inBody && e.Name.Local == name:
			if err := d.DecodeElement(v, &e); err != nil {
				return fmt.Errorf("%w: %w", errDocument, err)
			}
			return nil
		case inBody:
			return fmt.Errorf("%w: %s in place of %s", errDocument, e.Name.Local, name)
		}
	}
}

// envelope wraps a body.
func envelope(body string) []byte {
	return []byte(xml.Header + `<soap:Envelope xmlns:soap="` + soapSpace + `" xmlns:t="` + typesSpace + `" xmlns:m="` + messagesSpace + `">` +
		`<soap:Header><t:RequestServerVersion Version="Exchange2007_SP1"/></soap:Header><soap:Body>` + body + `</soap:Body></soap:Envelope>`)
}

func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}

// encodeRequest asks when somebody is free, on the clock of UTC.
func encodeRequest(address string, from, to time.Time) []byte {
	const utc = `<t:TimeZone><t:Bias>0</t:Bias>` +
		`<t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
		`<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>1</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`
	return envelope(`<m:GetUserAvailabilityRequest>` + utc + `<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>` + escape(address) +
		`</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData></m:MailboxDataArray>` +
		`<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>` + from.UTC().Format(clockTime) + `</t:StartTime><t:EndTime>` + to.UTC().Format(clockTime) +
		`</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>` + fmt.Sprint(mergedMinutes) +
		`</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>FreeBusy</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`)
}

// mergedMinutes is the interval of a merged view, which servers give of people whose appointments they don't know.
const mergedMinutes = 5

// periods are the busy times of an answer.
func (a *answer) periods(from time.Time) ([]mapi.Busy, error) {
	if !strings.EqualFold(a.Message.Class, "Success") {
		code := mapi.ErrCallFailed
		switch a.Message.Code {
		case "ErrorMailRecipientNotFound", "ErrorMailboxConfiguration", "ErrorFreeBusyDLLimitReached", "ErrorNonExistentMailbox", "ErrorNoFreeBusyAccess":
			code = mapi.ErrNotFound
		}
		return nil, &mapi.Error{Op: "read free/busy", Code: code, Err: fmt.Errorf("%s %s", a.Message.Code, a.Message.Text)}
	}
	var list []mapi.Busy
	for _, e := range a.View.Events {
		start, err := readTime(e.Start)
		if err != nil {
			return nil, err
		}
		end, err := readTime(e.End)
		if err != nil {
			return nil, err
		}
		if s := statusOf(e.Type); s != free {
			list = append(list, mapi.Busy{Start: start, End: end, Status: s})
		}
	}
	if len(a.View.Events) > 0 {
		return list, nil
	}
	for i, c := range []byte(a.View.Merged) {
		if c < '1' || c > '3' {
			continue
		}
		start := from.Add(time.Duration(i) * mergedMinutes * time.Minute)
		if n := len(list); n > 0 && list[n-1].End.Equal(start) && list[n-1].Status == int32(c-'0') {
			list[n-1].End = start.Add(mergedMinutes * time.Minute)
			continue
		}
		list = append(list, mapi.Busy{Start: start, End: start.Add(mergedMinutes * time.Minute), Status: int32(c - '0')})
	}
	return list, nil
}

func readTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(clockTime, s)
	if err != nil {
		return t, fmt.Errorf("%w: time %q", errDocument, s)
	}
	return t, nil
}
