package samplebox

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/oxcdata"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

// TestVectorsWalks decodes worked examples and encodes them again.
func TestVectorsWalks(t *testing.T) {
	// What mfcmapi adds after the structure, or cuts short, to try readers.
	damaged := []string{"mfcmapi-appointmentrecurrencepattern-2", "mfcmapi-timezonedefinition-3"}
	walks := map[string]func() func(*oxcdata.Coder){
		"AppointmentRecurrencePattern":         func() func(*oxcdata.Coder) { return new(series).code },
		"mfcmapi-appointmentrecurrencepattern": func() func(*oxcdata.Coder) { return new(series).code },
		"RecurrencePattern":                    func() func(*oxcdata.Coder) { return new(recurrence).code },
		"mfcmapi-recurrencepattern":            func() func(*oxcdata.Coder) { return new(recurrence).code },
		"TimeZoneDefinition":                   func() func(*oxcdata.Coder) { return new(zoneDefinition).code },
		"mfcmapi-timezonedefinition":           func() func(*oxcdata.Coder) { return new(zoneDefinition).code },
		"TimeZoneStruct":                       func() func(*oxcdata.Coder) { r := new(zoneRule); return func(c *oxcdata.Coder) { r.code(c, true) } },
		"mfcmapi-timezone":                     func() func(*oxcdata.Coder) { r := new(zoneRule); return func(c *oxcdata.Coder) { r.code(c, true) } },
		"mfcmapi-reporttag":                    func() func(*oxcdata.Coder) { return new(reportTag).code },
	}
	done := 0
	for _, file := range []string{"oxocal.json", "oxotask.json", "oxomsg.json"} {
		for _, v := range vectors.Load(t, file) {
			walk, ok := walks[v.Kind]
			if !ok || slices.Contains(damaged, v.ID) {
				continue
			}
			done++
			t.Run(v.ID, func(t *testing.T) {
				want := v.Bytes(t)
				f := walk()
				if err := oxcdata.Decode(oxcdata.ROP, want, f); err != nil {
					t.Fatal(err)
				}
				got, err := oxcdata.Encode(oxcdata.ROP, f)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("encoded again:\n%x, %v\n%x is right", got, err, want)
				}
			})
		}
	}
	if done < 8 {
		t.Errorf("only %d vectors", done)
	}
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// TestVectorsRecurrence makes patterns from their rules.
func TestVectorsRecurrence(t *testing.T) {
	for id, x := range map[string]struct {
		file  string
		rule  recurrence
		start time.Time
		count int
		lost  []time.Time
	}{
		"oxocal-4.1.1.1-weekly": {"oxocal.json", recurrence{frequency: weekly, pattern: byWeek, period: 1, days: 0x32}, date(2007, 3, 26), 12, nil},
		"oxocal-4.1.1.3-daily-exc": {"oxocal.json", recurrence{frequency: daily, pattern: byDay, period: 3 * 24 * 60, end: endDate}, date(2011, 4, 7), 10,
			[]time.Time{date(2011, 4, 19), date(2011, 4, 22)}},
		"constructed-oxotask-monthly-end": {"oxotask.json", recurrence{frequency: monthly, pattern: byMonth, period: 1, day: 31, end: endDate}, date(2024, 1, 31), 12, nil},
	} {
		t.Run(id, func(t *testing.T) {
			x.rule.recurs(x.start, x.count)
			for _, d := range x.lost {
				x.rule.deleted = append(x.rule.deleted, minutes(d))
			}
			got, err := oxcdata.Encode(oxcdata.ROP, x.rule.code)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vectors.Load(t, x.file) {
				if v.ID == id && !bytes.HasPrefix(v.Bytes(t), got) {
					t.Errorf("%x\n%x is right", got, v.Bytes(t))
				}
			}
		})
	}
}

// TestVectorsConversationIndex makes indexes from their times.
func TestVectorsConversationIndex(t *testing.T) {
	for _, v := range vectors.Load(t, "oxomsg.json") {
		if v.Kind != "mfcmapi-conversationindex" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			want := v.Bytes(t)
			start := mapi.FileTime(binary.BigEndian.Uint64(append(want[:6:6], 0, 0))).Time()
			got := conversationIndex(start, mapi.GUID(want[6:22]))
			for level := want[22:]; len(level) >= 5; level = level[5:] {
				code := binary.BigEndian.Uint32(level)
				if code>>31 != 0 {
					t.Skip("a reply after minutes in the unit for years: readable, but not what the rule makes")
				}
				got = appendReply(got, time.Duration(code)<<18*100, level[4])
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%x\n%x is right", got, want)
			}
		})
	}
}

func TestVectorsGlobalObjectID(t *testing.T) {
	for id, instance := range map[string]time.Time{"oxocal-goid-clean": {}, "oxocal-goid-instance": date(2008, 5, 28)} {
		t.Run(id, func(t *testing.T) {
			for _, v := range vectors.Load(t, "oxocal.json") {
				if v.ID != id {
					continue
				}
				want := v.Bytes(t)
				created := mapi.FileTime(binary.LittleEndian.Uint64(want[20:])).Time()
				e := event{}
				got := e.globalObjectID(created, instance)
				if len(got) != len(want) || !bytes.Equal(got[:40], want[:40]) {
					t.Errorf("%x\n%x is right, but for the last 16 bytes", got, want)
				}
			}
		})
	}
}

// TestLocalTime has the moments of change of western Europe.
func TestLocalTime(t *testing.T) {
	for local, want := range map[string]string{
		"2025-01-15 09:00": "2025-01-15 08:00", "2025-07-15 09:00": "2025-07-15 07:00",
		"2025-03-30 01:59": "2025-03-30 00:59", "2025-03-30 03:00": "2025-03-30 01:00",
		"2025-10-26 01:59": "2025-10-25 23:59", "2025-10-26 03:00": "2025-10-26 02:00",
	} {
		at, err := time.Parse("2006-01-02 15:04", local)
		if err != nil {
			t.Fatal(err)
		}
		if got := utc(at).Format("2006-01-02 15:04"); got != want {
			t.Errorf("%s is %s in UTC, not %s", local, got, want)
		}
	}
}

func FuzzSeries(f *testing.F) {
	f.Add([]byte{4, 0x30, 4, 0x30})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s series
		if oxcdata.Decode(oxcdata.ROP, b, s.code) != nil {
			return
		}
		again, err := oxcdata.Encode(oxcdata.ROP, s.code)
		if err != nil {
			t.Fatal(err)
		}
		var other series
		if err := oxcdata.Decode(oxcdata.ROP, again, other.code); err != nil {
			t.Fatal(err)
		}
	})
}
