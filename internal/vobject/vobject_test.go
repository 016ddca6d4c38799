package vobject

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/opencdo/opencdo/internal/codepage"
	"github.com/opencdo/opencdo/internal/vectors"
)

// Calendars of other projects have the components that independent programs count in them, Python's icalendar and ical.js; where the
// two don't agree, one of them.
func TestComponents(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "ics", "*", "*.ics"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	compared := 0
	for _, name := range list {
		j, err := os.ReadFile(name + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		var truth struct {
			Tools map[string]struct {
				Status     string
				Components map[string]int
			}
		}
		if json.Unmarshal(j, &truth) != nil {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		count(Parse(string(b)), got)
		agreed, tools := false, 0
		for _, tool := range truth.Tools {
			if tool.Status == "ok" && len(tool.Components) > 0 {
				tools++
				agreed = agreed || same(got, tool.Components)
			}
		}
		if tools == 0 {
			continue
		}
		if compared++; !agreed {
			t.Errorf("%s/%s: got %v, want %+v", filepath.Base(filepath.Dir(name)), filepath.Base(name), got, truth.Tools)
		}
	}
	if compared < 150 {
		t.Errorf("%d calendars were compared", compared)
	}
}

func count(list []*Component, into map[string]int) {
	for _, c := range list {
		into[c.Name]++
		count(c.Children, into)
	}
}

func same(a, b map[string]int) bool {
	x, _ := json.Marshal(a)
	upper := map[string]int{}
	for k, n := range b {
		upper[strings.ToUpper(k)] += n
	}
	y, _ := json.Marshal(upper)
	return string(x) == string(y)
}

// Cards of other projects have the names that Python's vobject reads.
func TestCards(t *testing.T) {
	list, err := filepath.Glob(filepath.Join(vectors.Data(t), "vcf", "*", "*.vcf"))
	if err != nil || len(list) == 0 {
		t.Fatal("no samples", err)
	}
	for _, name := range list {
		j, err := os.ReadFile(name + ".truth.json")
		if err != nil {
			t.Fatal(err)
		}
		var truth struct {
			Tools map[string]struct {
				Status string
				Items  []struct {
					FN    string
					Email []string
				}
			}
		}
		if json.Unmarshal(j, &truth) != nil {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if strings.HasPrefix(text, "\xFE\xFF") {
			text, _ = codepage.Decode(1201, b[2:])
		}
		if !utf8.ValidString(text) {
			text, _ = codepage.Decode(codepage.Windows1252, b)
		}
		cards := Parse(text)
		for i, want := range truth.Tools["vobject (Python)"].Items {
			if i >= len(cards) {
				t.Errorf("%s: card %d is missing", filepath.Base(name), i)
				continue
			}
			if got := strings.TrimSpace(cards[i].Text("FN")); got != strings.TrimSpace(want.FN) && !strings.HasPrefix(got, want.FN+",") { // where Python ends
				t.Errorf("%s: FN: got %q, want %q", filepath.Base(name), got, want.FN)
			}
			for k, e := range cards[i].All("EMAIL") {
				if got := Text(e.Value); k < len(want.Email) && got != want.Email[k] {
					t.Errorf("%s: EMAIL: got %q, want %q", filepath.Base(name), got, want.Email[k])
				}
			}
		}
	}
}

// Examples of [RFC5545] 3.1 and 3.2, [RFC6868] 3.2 and vCard 2.1.
func TestLines(t *testing.T) {
	for in, want := range map[string]Property{
		"DESCRIPTION:This is a lo\r\n ng description":              {Name: "DESCRIPTION", Value: "This is a long description"},
		"ATTENDEE;CN=\"Smith: A; B\";X=1,2:mailto:a":               {Name: "ATTENDEE", Params: []Param{{"CN", []string{"Smith: A; B"}}, {"X", []string{"1", "2"}}}, Value: "mailto:a"},
		"item1.tel;home;type=\"voice,pref\":1":                     {Name: "TEL", Params: []Param{{"TYPE", []string{"home"}}, {"TYPE", []string{"voice,pref"}}}, Value: "1"},
		"NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nb=C3=A4=0D=0A=\r\nc": {Name: "NOTE", Params: []Param{{"ENCODING", []string{"QUOTED-PRINTABLE"}}}, Value: "abä\r\nc"},
		"X;A=b^'c^^n^n:v": {Name: "X", Params: []Param{{"A", []string{"b\"c^n\n"}}}, Value: "v"},
	} {
		list := Parse("BEGIN:X\r\n" + in + "\r\nEND:X\r\n")
		if len(list) != 1 || len(list[0].Props) != 1 {
			t.Errorf("%q: got %+v", in, list)
			continue
		}
		g, _ := json.Marshal(list[0].Props[0])
		if w, _ := json.Marshal(want); string(g) != string(w) {
			t.Errorf("%q: got %s, want %s", in, g, w)
		}
	}
}

// What is written is read as it was.
func TestWritten(t *testing.T) {
	c := New("X")
	text := "Zeile, eins;\r\n\\zwei " + strings.Repeat("Ж語😀", 60)
	c.AddText("NOTE", text, "CN", "A: \"b\"; c, ^d", "EMPTY", "")
	c.Children = append(c.Children, New("Y"))
	for line := range strings.Lines(c.String()) {
		if len(line) > lineLength+2 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	got := Parse(c.String())
	if len(got) != 1 || got[0].Text("NOTE") != text || got[0].Props[0].Param("CN") != "A: \"b\"; c, ^d" || len(got[0].Children) != 1 {
		t.Errorf("got %+v from\n%s", got, c)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("BEGIN:A\nBEGIN:B\nX;Y=\"1\";Z:a\n b\nEND:A")
	f.Add("BEGIN:A\nN;QUOTED-PRINTABLE:=\n=41=\nEND:A")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range Parse(text) {
			if n := len(c.String()); n > 16*len(text)+100 {
				t.Errorf("%d bytes are written of %d", n, len(text))
			}
		}
	})
}
