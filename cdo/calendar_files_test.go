package cdo_test

import (
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/oxocal"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/memstore"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/msgfile"
)

// Series that Outlook saved: what its exceptions keep of themselves, in UTC and whole, agrees with what follows from the pattern, which
// is in the series' zone and abridged; and the first occurrence is when the item says.
func TestOutlookSeriesVectors(t *testing.T) {
	series, exceptions := 0, 0
	for _, f := range vectors.MsgFiles(t) {
		file, err := msgfile.Options{Report: func(*mapi.Error) {}}.OpenFile(f.Path)
		if err != nil {
			continue
		}
		t.Cleanup(func() { file.Close() })
		if recurs, _ := file.Props.Get(pid.LidRecurring).(bool); !recurs || file.Props.Get(pid.LidAppointmentRecur) == nil {
			continue
		}
		series++
		t.Run(f.Name, func(t *testing.T) {
			recur, _ := file.Props.Get(pid.LidAppointmentRecur).([]byte)
			p := get(oxocal.DecodeSeries(recur))(&world{T: t})
			w := logOnTo(t, memstore.New(memstore.Config{}))
			id := get(w.store.Special(w.ctx, mapi.RoleCalendar))(w)
			it := file.Item
			it.Props.Set(mapi.TagKey(pid.TagMessageClass), "IPM.Appointment") // a meeting item tells of a series as well
			it.Props.Delete(mapi.TagKey(pid.TagMessageClass.WithType(mapi.TypeString8)))
			get(mapi.WriteItem(w.ctx, get(w.store.Folder(w.ctx, id))(w), mapi.Normal, &it))(w)
			first, _ := it.Props.Get(pid.LidAppointmentStartWhole).(mapi.FileTime)
			list := w.calendar().Messages()
			list.SetPeriod(first.Time().AddDate(-1, 0, 0), first.Time().AddDate(5, 0, 0))
			bySubject := map[time.Time]string{}
			n := 0
			for m, err := range list.All(w.ctx) {
				w.must(err)
				a := mustAppointment(w, m)
				start := get(a.StartTime(w.ctx))(w).UTC()
				if n++; n == 1 && len(p.Exceptions) == 0 && !start.Equal(first.Time()) {
					t.Errorf("the first occurrence is at %v, want %v", start, first.Time())
				}
				bySubject[start] = get(a.Subject(w.ctx))(w)
			}
			if want := int(p.Count) - (len(p.Deleted) - len(p.Modified)); !p.Endless() && n != want {
				t.Errorf("%d occurrences, want %d", n, want)
			}
			for _, a := range it.Attachments {
				if a.Embedded == nil {
					continue
				}
				at, ok := a.Embedded.Props.Get(pid.LidAppointmentStartWhole).(mapi.FileTime)
				if !ok {
					continue
				}
				exceptions++
				subject, there := bySubject[at.Time()]
				if !there || subject != a.Embedded.Props.Text(pid.TagSubject) {
					t.Errorf("at %v is %q, want the exception %q", at, subject, a.Embedded.Props.Text(pid.TagSubject))
				}
			}
		})
	}
	t.Logf("%d series with %d exceptions", series, exceptions)
	if series < 4 || exceptions == 0 {
		t.Errorf("%d series with %d exceptions", series, exceptions)
	}
}
