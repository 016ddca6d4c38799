package oxocal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
)

// recode decodes a value and gives the bytes that it becomes again.
func recode(kind string, b []byte) (value any, again []byte, err error) {
	switch kind {
	case "AppointmentRecurrencePattern":
		p, err := DecodeSeries(b)
		if err != nil {
			return nil, nil, err
		}
		again, err = p.Encode()
		return p, again, err
	case "RecurrencePattern":
		p, rest, err := DecodeRecurrencePattern(b)
		if err != nil {
			return nil, nil, err
		}
		again, err = p.Encode()
		return p, append(again, rest...), err
	case "TimeZoneStruct":
		z, err := DecodeTimeZoneStruct(b)
		if err != nil {
			return nil, nil, err
		}
		again, err = z.Encode()
		return z, again, err
	case "TimeZoneDefinition":
		z, err := DecodeTimeZoneDefinition(b)
		if err != nil {
			return nil, nil, err
		}
		again, err = z.Encode()
		return z, again, err
	case "GlobalObjectId":
		g, err := DecodeGlobalObjectID(b)
		if err != nil {
			return nil, nil, err
		}
		again, err = g.Encode()
		return g, again, err
	}
	return nil, nil, nil
}

// kinds are the names that the vectors have for the structures.
var kinds = map[string]string{
	"mfcmapi-appointmentrecurrencepattern": "AppointmentRecurrencePattern", "mfcmapi-recurrencepattern": "RecurrencePattern",
	"mfcmapi-timezone": "TimeZoneStruct", "mfcmapi-timezonedefinition": "TimeZoneDefinition", "mfcmapi-globalobjectid": "GlobalObjectId",
}

func TestVectors(t *testing.T) {
	n := 0
	for _, file := range []string{"oxocal.json", "oxotask.json"} {
		for _, v := range vectors.Load(t, file) {
			kind := v.Kind
			if k, ok := kinds[kind]; ok {
				kind = k
			}
			value, again, err := recode(kind, v.Bytes(t))
			if value == nil && err == nil {
				continue // another structure
			}
			n++
			t.Run(v.ID, func(t *testing.T) {
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(again, v.Bytes(t)) {
					t.Errorf("it becomes\n%X\nnot\n%s", again, v.Hex)
				}
				var truth map[string]json.RawMessage
				if err := json.Unmarshal(v.Decoded, &truth); err != nil {
					t.Fatal(err)
				}
				for name, got := range fieldsOf(value) {
					if want, ok := find(truth, name); ok && want != got {
						t.Errorf("%s is %s, want %s", name, got, want)
					}
				}
			})
		}
	}
	if n < 16 {
		t.Errorf("only %d vectors", n)
	}
}

// find looks for a number or text by its name, at any depth.
func find(m map[string]json.RawMessage, name string) (string, bool) {
	if raw, ok := m[name]; ok {
		var inner struct{ Value *json.Number }
		if json.Unmarshal(raw, &inner) == nil && inner.Value != nil {
			return inner.Value.String(), true
		}
		var text string
		if json.Unmarshal(raw, &text) == nil {
			return text, true
		}
		return string(raw), true
	}
	for _, raw := range m {
		var inner map[string]json.RawMessage
		if json.Unmarshal(raw, &inner) == nil {
			if v, ok := find(inner, name); ok {
				return v, true
			}
		}
	}
	return "", false
}

// fieldsOf are values by the names that the vectors have for them.
func fieldsOf(v any) map[string]string {
	out := map[string]string{}
	pattern := func(p *RecurrencePattern) {
		for name, n := range map[string]uint32{"ReaderVersion": uint32(p.ReaderVersion), "WriterVersion": uint32(p.WriterVersion), "RecurFrequency": uint32(p.Frequency),
			"PatternType": uint32(p.Type), "CalendarType": uint32(p.Calendar), "FirstDateTime": p.FirstDateTime, "Period": p.Period, "SlidingFlag": p.Sliding,
			"EndType": p.EndType, "OccurrenceCount": p.Count, "DeletedInstanceCount": uint32(len(p.Deleted)), "ModifiedInstanceCount": uint32(len(p.Modified))} {
			out[name] = fmt.Sprint(n)
		}
	}
	switch v := v.(type) {
	case *RecurrencePattern:
		pattern(v)
	case *AppointmentRecurrencePattern:
		pattern(&v.RecurrencePattern)
		for name, n := range map[string]uint32{"ReaderVersion2": v.ReaderVersion2, "WriterVersion2": v.WriterVersion2, "StartTimeOffset": uint32(v.StartOffset),
			"EndTimeOffset": uint32(v.EndOffset), "ExceptionCount": uint32(len(v.Exceptions))} {
			out[name] = fmt.Sprint(n)
		}
	case *TimeZoneStruct:
		out["lBias"], out["lStandardBias"], out["lDaylightBias"] = fmt.Sprint(v.Bias), fmt.Sprint(v.StandardBias), fmt.Sprint(v.DaylightBias)
	case *TimeZoneDefinition:
		out["KeyName"], out["cRules"] = v.KeyName, fmt.Sprint(len(v.Rules))
	case *GlobalObjectID:
		out["Size"] = fmt.Sprint(len(v.Data))
		out["CreationTimeFiletime"] = fmt.Sprintf("0x%016x", uint64(v.Created))
	}
	return out
}

// The exceptions of the worked example, and when it takes place ([MS-OXOCAL] 4.1.1.2).
func TestSpecificationVectors(t *testing.T) {
	for _, v := range vectors.Load(t, "oxocal.json") {
		if v.ID != "oxocal-4.1.1.2-weekly-exc" {
			continue
		}
		p, err := DecodeSeries(v.Bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		var days []string
		for o := range p.Occurrences(0, NoEnd) {
			days = append(days, o.Start.Clock().Format("01-02T15:04"))
			if o.Exception != nil && (o.Exception.WideSubject != "Simple Recurrence with exceptions" || o.Exception.WideLocation != "34/4141") {
				t.Errorf("the exception is %+v", o.Exception)
			}
		}
		want := "03-26T10:00 03-29T10:00 03-30T10:00 04-02T10:00 04-05T10:00 04-06T10:00 04-09T10:00 04-12T10:00 04-13T10:00 04-16T11:00 04-19T10:00 04-20T10:00"
		if got := strings.Join(days, " "); got != want {
			t.Errorf("it takes place on\n%s\nnot\n%s", got, want)
		}
	}
}

// What MFCMAPI's SmartView reads in a value stands in its text.
func TestSmartViewVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(vectors.Data(t), "smartview", "mfcmapi", "*.in.txt"))
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`(?m)^\s*([A-Za-z0-9]+)(?::| =) (?:0x([0-9A-Fa-f]+)|(\d+))`)
	n := 0
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), "-")
		kind := kinds["mfcmapi-"+strings.ToLower(name)]
		if kind == "" {
			continue
		}
		n++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".in.txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := vectors.Hex(t, string(text))
			value, again, err := recode(kind, b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again, b) {
				t.Errorf("it becomes\n%X\nnot\n%X", again, b)
			}
			reading, err := os.ReadFile(strings.TrimSuffix(file, ".in.txt") + ".out.txt")
			if err != nil {
				t.Fatal(err)
			}
			got, seen := fieldsOf(value), 0
			for _, m := range number.FindAllStringSubmatch(string(reading), -1) {
				want, known := got[m[1]]
				if !known {
					continue
				}
				seen++
				var read uint64
				if m[2] != "" {
					fmt.Sscanf(m[2], "%x", &read)
				} else {
					fmt.Sscanf(m[3], "%d", &read)
				}
				if s := fmt.Sprint(read); s != want && fmt.Sprint(int32(read)) != want {
					t.Errorf("%s is %s, want %s", m[1], want, s)
				}
			}
			if seen == 0 {
				t.Errorf("nothing could be compared:\n%s", reading)
			}
		})
	}
	if n == 0 {
		t.Error("there are no values of these structures")
	}
}
