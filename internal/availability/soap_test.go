package availability

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// A client in another zone asks on its own clock, also across the change to daylight saving time, and is answered on it.
func TestClockOfTheClient(t *testing.T) {
	const body = `<m:GetUserAvailabilityRequest xmlns:m="m" xmlns:t="t"><t:TimeZone><t:Bias>480</t:Bias>
		<t:StandardTime><t:Bias>0</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>1</t:DayOrder><t:Month>11</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>
		<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>2</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>
		<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>bob@contoso.test</t:Address></t:Email></t:MailboxData></m:MailboxDataArray>
		<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-03-07T00:00:00</t:StartTime><t:EndTime>2026-03-10T00:00:00</t:EndTime></t:TimeWindow></t:FreeBusyViewOptions>
		</m:GetUserAvailabilityRequest>`
	winter := time.Date(2026, 3, 7, 17, 0, 0, 0, time.UTC) // 9 in Seattle
	summer := time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC) // 9 in Seattle
	h := &Handler{Lookup: func(_ context.Context, address string, from, to time.Time) ([]mapi.Busy, error) {
		if address != "bob@contoso.test" || !from.Equal(time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC)) || !to.Equal(time.Date(2026, 3, 10, 7, 0, 0, 0, time.UTC)) {
			t.Errorf("asked for %s from %v to %v", address, from, to)
		}
		return []mapi.Busy{{Start: winter, End: winter.Add(time.Hour), Status: 2}, {Start: summer, End: summer.Add(time.Hour), Status: 1}}, nil
	}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/EWS/Exchange.asmx", bytes.NewReader(envelope(body))))
	for _, want := range []string{"<t:StartTime>2026-03-07T09:00:00</t:StartTime>", "<t:StartTime>2026-03-09T09:00:00</t:StartTime>", "<t:BusyType>Tentative<"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
}

func TestRefusals(t *testing.T) {
	h := &Handler{Lookup: func(context.Context, string, time.Time, time.Time) ([]mapi.Busy, error) { return nil, mapi.ErrNotFound }}
	srv := httptest.NewServer(h)
	defer srv.Close()
	now := time.Now()
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"not XML":        {[]byte("hello"), "ErrorInvalidRequest"},
		"no envelope":    {[]byte("<a/>"), "ErrorInvalidRequest"},
		"other":          {envelope(`<m:FindItem/>`), "ErrorInvalidRequest"},
		"backwards":      {encodeRequest("a@b", now, now.Add(-time.Hour)), "ErrorInvalidTimeInterval"},
		"too long":       {encodeRequest("a@b", now, now.AddDate(1, 0, 0)), "ErrorTimeIntervalTooBig"},
		"nobody":         {encodeRequest("a@b", now, now.Add(time.Hour)), "ErrorMailRecipientNotFound"},
		"unclosed":       {envelope("")[:200], "ErrorInvalidRequest"},
		"doctype entity": {[]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`), "ErrorInvalidRequest"},
	} {
		res, err := http.Post(srv.URL, "text/xml", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		b.ReadFrom(res.Body)
		res.Body.Close()
		if !strings.Contains(b.String(), c.want) {
			t.Errorf("%s: %s, want %s", name, &b, c.want)
		}
	}
	_, err := (&Client{URL: srv.URL, HTTP: srv.Client()}).FreeBusy(t.Context(), "nobody@contoso.test", now, now.Add(time.Hour))
	if !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// Of people whose appointments a server doesn't know it gives digits.
func TestMergedView(t *testing.T) {
	from := time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC)
	var a answer
	a.Message.Class, a.View.Merged = "Success", "0022103"
	got, err := a.periods(from)
	at := func(n int) time.Time { return from.Add(time.Duration(n) * mergedMinutes * time.Minute) }
	want := []mapi.Busy{{Start: at(2), End: at(4), Status: 2}, {Start: at(4), End: at(5), Status: 1}, {Start: at(6), End: at(7), Status: 3}}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %v", got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encodeRequest("a@b.test", time.Now(), time.Now().Add(time.Hour)))
	f.Add(envelope(`<soap:Fault><faultcode>x</faultcode></soap:Fault>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var q request
		if decode(bytes.NewReader(b), "GetUserAvailabilityRequest", &q) == nil {
			q.window()
		}
		var r response
		if decode(bytes.NewReader(b), "GetUserAvailabilityResponse", &r) == nil {
			for _, a := range r.List {
				a.periods(time.Now())
			}
		}
	})
}
