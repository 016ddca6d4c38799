package mapi

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func source(items ...*Item) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for i, it := range items {
			if !yield(it.Record(EntryID(fmt.Sprint(i))), nil) {
				return
			}
		}
	}
}

func line(subj string, imp int32, words ...string) *Item {
	it := &Item{}
	if subj != "" {
		it.Props.Set(TagKey(subject), subj)
	}
	it.Props.Set(TagKey(importance), imp)
	if words != nil {
		it.Props.Set(keywords, words)
	}
	return it
}

var lines = []*Item{
	0: line("banana", 1, "yellow", "sweet"),
	1: line("Apple", 2, "red"),
	2: line("", 0),
	3: line("apple", 1, "green", "red"),
	4: line("Cherry", 0, []string{}...),
	5: line("apple", 0),
}

func TestSelect(t *testing.T) {
	bySubject := Sort{Key: TagKey(subject)}
	byImportance := Sort{Key: TagKey(importance)}
	instance := keywords.WithType(TypeString | MultiValue | MultiInstance)
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"all":             {Query{}, "0 1 2 3 4 5"},
		"window":          {Query{Offset: 1, Limit: 2}, "1 2"},
		"past the end":    {Query{Offset: 9}, ""},
		"where":           {Query{Where: ResProperty{RelEQ, TagKey(subject), "APPLE"}}, "1 3 5"},
		"where in window": {Query{Where: ResProperty{RelEQ, TagKey(subject), "APPLE"}, Offset: 1, Limit: 1}, "3"},
		"sorted":          {Query{Sort: []Sort{bySubject}}, "2 1 3 5 0 4"},
		"descending":      {Query{Sort: []Sort{{bySubject.Key, true}}}, "4 0 1 3 5 2"},
		"two keys":        {Query{Sort: []Sort{bySubject, byImportance}}, "2 5 3 1 0 4"},
		"mixed keys":      {Query{Sort: []Sort{bySubject, {byImportance.Key, true}}}, "2 1 3 5 0 4"},
		"sorted window":   {Query{Sort: []Sort{bySubject, byImportance}, Offset: 1, Limit: 3}, "5 3 1"},
		"sorted past end": {Query{Sort: []Sort{bySubject}, Offset: 5, Limit: 9}, "4"},
		"columns":         {Query{Columns: []Key{TagKey(subject), TagKey(importance)}, Limit: 3}, "0(banana,1) 1(Apple,2) 2(<nil>,0)"},
		"sorted columns":  {Query{Columns: []Key{TagKey(importance)}, Sort: []Sort{bySubject}, Limit: 2}, "2(0) 1(2)"},
		"list column":     {Query{Columns: []Key{keywords}, Limit: 1}, "0([yellow sweet])"},
		"row per value":   {Query{Columns: []Key{instance, TagKey(subject)}, Where: ResExist{keywords}}, "0(yellow,banana) 0(sweet,banana) 1(red,Apple) 3(green,apple) 3(red,apple) 4(<nil>,Cherry)"},
		"sorted by value": {Query{Columns: []Key{instance}, Sort: []Sort{{Key: instance}}, Offset: 2}, "5(<nil>) 3(green) 1(red) 3(red) 0(sweet) 0(yellow)"},
		"other string":    {Query{Columns: []Key{TagKey(subject.WithType(TypeString8))}, Limit: 1}, "0(banana)"},
	} {
		for _, reopen := range []func(EntryID) (Record, error){nil, func(id EntryID) (Record, error) {
			return lines[id[0]-'0'].Record(id), nil
		}} {
			var got []string
			for row, err := range Select(c.q, source(lines...), reopen) {
				if err != nil {
					t.Fatal(name, err)
				}
				s := string(row.ID)
				if len(row.Values) > 0 {
					s += strings.ReplaceAll(strings.Trim(fmt.Sprintf("%v", join(row.Values)), " "), ", ", ",")
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s (reopen %v):\ngot  %s\nwant %s", name, reopen != nil, s, c.want)
			}
		}
	}
}

func join(values []Value) string {
	var s []string
	for _, v := range values {
		s = append(s, fmt.Sprint(v))
	}
	return "(" + strings.Join(s, ",") + ")"
}

func TestSelectCutsLargeValues(t *testing.T) {
	it := &Item{Props: Props{{TagKey(body), MemBlob(EncodeUTF16(strings.Repeat("ä", 100000)))}}}
	for row, err := range Select(Query{Columns: []Key{TagKey(body)}}, source(it), nil) {
		if got := row.Values[0]; err != nil || got != strings.Repeat("ä", 255) {
			t.Errorf("%q %v", got, err)
		}
	}
}

func TestSelectTypesOfStrings(t *testing.T) {
	it := &Item{Props: Props{{TagKey(subject), "a\u00FC"}, {TagKey(display.WithType(TypeString8)), String8("b\xFC")}}}
	q := Query{Columns: []Key{TagKey(subject.WithType(TypeString8)), TagKey(display)}}
	for row, err := range Select(q, source(it), nil) {
		if err != nil || row.Values[0] != String8("a?") || row.Values[1] != "b\uFFFD" {
			t.Errorf("%q %v", row.Values, err)
		}
	}
}

func TestSelectStops(t *testing.T) {
	broken := errors.New("broken")
	failing := func(yield func(Record, error) bool) {
		if yield(lines[0].Record("0"), nil) {
			yield(Record{}, broken)
		}
	}
	for _, q := range []Query{{}, {Sort: []Sort{{Key: TagKey(subject)}}}} {
		var last error
		n := 0
		for _, err := range Select(q, failing, nil) {
			last = err
			n++
		}
		if last != broken || n > 2 {
			t.Errorf("%v after %d", last, n)
		}
		for range Select(q, source(lines...), nil) {
			break
		}
	}
	q := Query{Columns: []Key{keywords.WithType(TypeString | MultiValue | MultiInstance), numbers.WithType(TypeInt32 | MultiValue | MultiInstance)}}
	for _, err := range Select(q, source(lines...), nil) {
		if !errors.Is(err, ErrTooComplex) {
			t.Error(err)
		}
	}
}

func TestSelectLeavesOutWhatIsGone(t *testing.T) {
	q := Query{Sort: []Sort{{Key: TagKey(subject)}}, Columns: []Key{TagKey(subject)}}
	n := 0
	for _, err := range Select(q, source(lines...), func(id EntryID) (Record, error) {
		if id == "3" {
			return Record{}, ErrNotFound
		}
		return lines[id[0]-'0'].Record(id), nil
	}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != len(lines)-1 {
		t.Errorf("%d rows", n)
	}
}

// A window over a sorted table holds a part of it only; it must be the same part.
func TestSelectWindowIsPartOfWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var items []*Item
	for range 500 {
		items = append(items, line(fmt.Sprint(r.IntN(40)), r.Int32N(3)))
	}
	ids := func(q Query) (out []EntryID) {
		q.Sort = []Sort{{Key: TagKey(subject)}, {Key: TagKey(importance), Descending: true}}
		for row, err := range Select(q, source(items...), nil) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, row.ID)
		}
		return out
	}
	whole := ids(Query{})
	for _, w := range [][2]int{{0, 1}, {0, 500}, {17, 40}, {499, 5}, {100, 1000}} {
		want := whole[w[0]:min(w[0]+w[1], len(whole))]
		if got := ids(Query{Offset: w[0], Limit: w[1]}); !slices.Equal(got, want) {
			t.Errorf("window %v differs", w)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	items := make([]*Item, 100_000)
	for i := range items {
		items[i] = line(fmt.Sprintf("Subject of message %d", r.IntN(1e6)), r.Int32N(3))
		items[i].Props.Set(TagKey(submitted), FileTime(r.Int64()))
	}
	columns := []Key{TagKey(subject), TagKey(importance), TagKey(submitted)}
	byTime := []Sort{{Key: TagKey(submitted), Descending: true}}
	where := ResAnd{ResProperty{RelGE, TagKey(importance), int32(1)}, ResContent{FuzzySubstring | FuzzyIgnoreCase, TagKey(subject), "MESSAGE 12"}}
	for name, q := range map[string]Query{
		"plain":         {Columns: columns},
		"where":         {Columns: columns, Where: where},
		"sorted":        {Columns: columns, Sort: byTime},
		"sorted window": {Columns: columns, Sort: byTime, Limit: 50},
		"by subject":    {Columns: columns, Sort: []Sort{{Key: TagKey(subject)}}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range Select(q, source(items...), nil) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
