package exchangeserver_test

import (
	"testing"
	"time"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// TestFreeBusy asks when a colleague has no time: single appointments and series, with an exception and across a change of
// the clock.
func TestFreeBusy(t *testing.T) {
	ctx := t.Context()
	srv := exchangetest.New(t, exchangetest.Options{Users: []exchangetest.User{{Alias: "alice"}, {Alias: "bob"}}})
	bob := open(t, srv, "bob")
	defer bob.Close()
	calendar := place(t, bob, mapi.RoleCalendar)
	add := func(start, end time.Time, status int32, more ...mapi.Prop) {
		t.Helper()
		it := &mapi.Item{Props: append(mapi.Props{{Key: mapi.TagKey(pid.TagMessageClass), Value: "IPM.Appointment"},
			{Key: pid.LidAppointmentStartWhole, Value: mapi.NewFileTime(start)}, {Key: pid.LidAppointmentEndWhole, Value: mapi.NewFileTime(end)},
			{Key: pid.LidBusyStatus, Value: status}}, more...)}
		if _, err := mapi.WriteItem(ctx, calendar, mapi.Normal, it); err != nil {
			t.Fatal(err)
		}
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	add(at(24, 9), at(24, 10), 2)
	add(at(24, 12), at(24, 13), 0) // free: a reminder only
	add(at(25, 0), at(27, 0), 3)
	add(at(1, 9), at(1, 10), 2) // before
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	series := oxocal.NewSeries()
	first := time.Date(2026, 3, 23, 0, 0, 0, 0, time.UTC)
	series.Frequency, series.Type, series.Period = oxocal.Daily, 0, uint32(oxocal.Day)
	series.Start, series.End = oxocal.MinutesOf(first), oxocal.MinutesOf(first.AddDate(0, 0, 9))
	series.EndType, series.Count = 0x2022, 10
	series.SetFirst()
	series.StartOffset, series.EndOffset = 8*60, 8*60+30
	blob, err := series.Encode()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := (&oxocal.TimeZoneStruct{Rule: oxocal.RuleOf(berlin, 2026)}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	add(time.Date(2026, 3, 23, 8, 0, 0, 0, berlin), time.Date(2026, 3, 23, 8, 30, 0, 0, berlin), 1, mapi.Prop{Key: pid.LidRecurring, Value: true},
		mapi.Prop{Key: pid.LidAppointmentRecur, Value: blob}, mapi.Prop{Key: pid.LidTimeZoneStruct, Value: zone})

	alice, err := exchange.Open(ctx, exchange.Config{MailboxURL: srv.MailboxURL(t, "alice"), AddressBookURL: srv.AddressBookURL(t, "alice"),
		UserDN: srv.UserDN(t, "alice"), HTTP: srv.Client(), Authorize: srv.Authorize("alice"), ServicesURL: srv.URL + "/EWS/Exchange.asmx"})
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	found, err := alice.Resolve(ctx, "bob", []mapi.Key{mapi.TagKey(pid.TagEntryId)})
	if err != nil {
		t.Fatal(err)
	}
	busy, err := alice.FreeBusy(ctx, found[0], at(24, 0), at(31, 0))
	if err != nil {
		t.Fatal(err)
	}
	got := map[time.Time]mapi.Busy{}
	for _, b := range busy {
		got[b.Start] = b
	}
	want := []mapi.Busy{{Start: at(24, 9), End: at(24, 10), Status: 2}, {Start: at(25, 0), End: at(27, 0), Status: 3}}
	for day := 24; day <= 30; day++ { // at eight in Berlin: the clocks change on the 29th
		start := time.Date(2026, 3, day, 8, 0, 0, 0, berlin).UTC()
		want = append(want, mapi.Busy{Start: start, End: start.Add(30 * time.Minute), Status: 1})
	}
	for _, w := range want {
		if g := got[w.Start]; !g.End.Equal(w.End) || g.Status != w.Status {
			t.Errorf("at %v: %+v, want %+v", w.Start, g, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d times, want %d: %v", len(got), len(want), busy)
	}
	_, err = alice.FreeBusy(ctx, mapi.Props{{Key: mapi.TagKey(pid.TagSmtpAddress), Value: "nobody@contoso.test"}}, at(24, 0), at(31, 0))
	if mapi.CodeOf(err) != mapi.ErrNotFound {
		t.Errorf("nobody: %v", err)
	}
}
