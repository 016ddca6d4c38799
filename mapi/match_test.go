package mapi

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

const (
	subject    Tag = 0x0037001F
	importance Tag = 0x00170003
	size       Tag = 0x0E080003
	submitted  Tag = 0x00390040
	searchKey  Tag = 0x300B0102
	body       Tag = 0x1000001F
	recType    Tag = 0x0C150003
	display    Tag = 0x3001001F
	fileName   Tag = 0x3707001F
)

var (
	keywords = NamedKey(PropName{Set: PSPublicStrings, Name: "Keywords"}, TypeString|MultiValue)
	numbers  = NamedKey(PropName{Set: PSPublicStrings, Name: "Numbers"}, TypeInt32|MultiValue)
)

func sample() *Item {
	return &Item{
		Props: Props{
			{TagKey(subject), "Grüße aus Zürich"},
			{TagKey(importance), int32(2)},
			{TagKey(size), int32(4096)},
			{TagKey(submitted), FileTime(132223104000000000)},
			{TagKey(searchKey), []byte{1, 2, 3, 4}},
			{TagKey(0x0E1D001E), String8("Gr\xFC\xDFe")},
			{TagKey(body), MemBlob(EncodeUTF16(strings.Repeat("ä", 20000) + " needle"))},
			{keywords, []string{"Red", "green", "Blau"}},
			{numbers, []int32{1, 5, 9}},
		},
		Recipients: []Props{
			{{TagKey(display), "Ann"}, {TagKey(recType), int32(1)}},
			{{TagKey(display), "Bob"}, {TagKey(recType), int32(2)}},
		},
		Attachments: []*Attachment{{Props: Props{{TagKey(fileName), "report.PDF"}}}},
	}
}

func TestFilter(t *testing.T) {
	prop := func(op RelOp, tag Tag, v Value) Restriction { return ResProperty{op, TagKey(tag), v} }
	content := func(fuzzy uint32, tag Tag, v Value) Restriction { return ResContent{fuzzy, TagKey(tag), v} }
	yes, no := ResExist{TagKey(subject)}, ResExist{TagKey(0x1234001F)}
	for name, c := range map[string]struct {
		res  Restriction
		want bool
	}{
		"nothing asked":                       {nil, true},
		"empty and":                           {ResAnd{}, true},
		"empty or":                            {ResOr{}, false},
		"and":                                 {ResAnd{yes, no}, false},
		"or":                                  {ResOr{no, yes}, true},
		"not":                                 {ResNot{no}, true},
		"exist whatever string type":          {ResExist{TagKey(subject.WithType(TypeString8))}, true},
		"exist of another type":               {ResExist{TagKey(subject.WithType(TypeInt32))}, false},
		"equal":                               {prop(RelEQ, importance, int32(2)), true},
		"less":                                {prop(RelLT, importance, int32(2)), false},
		"less or equal":                       {prop(RelLE, importance, int32(2)), true},
		"greater":                             {prop(RelGT, importance, int32(1)), true},
		"greater or equal":                    {prop(RelGE, importance, int32(3)), false},
		"not equal":                           {prop(RelNE, importance, int32(2)), false},
		"missing is not equal to anything":    {prop(RelNE, 0x12340003, int32(2)), false},
		"not around missing":                  {ResNot{prop(RelEQ, 0x12340003, int32(2))}, true},
		"time":                                {prop(RelGE, submitted, FileTime(132223104000000000)), true},
		"strings equal whatever case":         {prop(RelEQ, subject, "GRÜSSE AUS ZÜRICH"), false}, // ß has no simple upper case
		"strings equal whatever case, simple": {prop(RelEQ, subject, "GRÜßE AUS ZÜRICH"), true},
		"8-bit property against string":       {prop(RelEQ, 0x0E1D001F, "Grüße"), true},
		"binary":                              {prop(RelEQ, searchKey, []byte{1, 2, 3, 4}), true},
		"a value of several":                  {ResProperty{RelEQ, keywords, "GREEN"}, true},
		"no value of several":                 {ResProperty{RelEQ, keywords, "yellow"}, false},
		"one greater of several":              {ResProperty{RelGT, numbers, int32(8)}, true},
		"none greater of several":             {ResProperty{RelGT, numbers, int32(9)}, false},
		"instance tag":                        {ResProperty{RelEQ, keywords.WithType(TypeString | MultiValue | MultiInstance), "red"}, true},
		"list with list":                      {ResProperty{RelEQ, numbers, []int32{1, 5, 9}}, true},
		"list with other list":                {ResProperty{RelEQ, numbers, []int32{1, 5}}, false},
		"full string":                         {content(FuzzyFullString, subject, "Grüße aus Zürich"), true},
		"full string minds case":              {content(FuzzyFullString, subject, "grüße aus zürich"), false},
		"full string ignoring case":           {content(FuzzyFullString|FuzzyIgnoreCase, subject, "GRÜßE AUS ZÜRICH"), true},
		"part":                                {content(FuzzySubstring, subject, "aus"), true},
		"part minds case":                     {content(FuzzySubstring, subject, "AUS"), false},
		"part ignoring case":                  {content(FuzzySubstring|FuzzyIgnoreCase, subject, "ZÜR"), true},
		"part ignoring accents":               {content(FuzzySubstring|FuzzyIgnoreNonSpace, subject, "Zurich"), true},
		"accents matter":                      {content(FuzzySubstring|FuzzyIgnoreCase, subject, "Zurich"), false},
		"loose":                               {content(FuzzySubstring|FuzzyLoose, subject, "zurich"), true},
		"prefix":                              {content(FuzzyPrefix|FuzzyIgnoreCase, subject, "gr"), true},
		"no prefix":                           {content(FuzzyPrefix, subject, "aus"), false},
		"part of one of several":              {ResContent{FuzzySubstring, keywords, "ree"}, true},
		"part of a binary":                    {content(FuzzySubstring, searchKey, []byte{2, 3}), true},
		"prefix of a binary":                  {content(FuzzyPrefix, searchKey, []byte{2, 3}), false},
		"part of a large value":               {content(FuzzySubstring, body, "needle"), true},
		"bits, some set":                      {ResBitMask{true, TagKey(importance), 3}, true},
		"bits, none set":                      {ResBitMask{false, TagKey(importance), 1}, true},
		"bits of a missing one":               {ResBitMask{false, TagKey(0x12340003), 1}, false},
		"size":                                {ResSize{RelEQ, TagKey(searchKey), 4}, true},
		"size of a string":                    {ResSize{RelEQ, TagKey(subject), 32}, true},
		"size of a large value":               {ResSize{RelGT, TagKey(body), 40000}, true},
		"size of a missing one":               {ResSize{RelLT, TagKey(0x12340003), 9}, false},
		"compare":                             {ResCompare{RelLT, TagKey(importance), TagKey(size)}, true},
		"compare with missing":                {ResCompare{RelNE, TagKey(importance), TagKey(0x12340003)}, false},
		"recipient":                           {ResSub{SubRecipients, ResAnd{prop(RelEQ, recType, int32(2)), prop(RelEQ, display, "bob")}}, true},
		"no one recipient is both":            {ResSub{SubRecipients, ResAnd{prop(RelEQ, recType, int32(1)), prop(RelEQ, display, "bob")}}, false},
		"attachment":                          {ResSub{SubAttachments, content(FuzzySubstring|FuzzyIgnoreCase, fileName, ".pdf")}, true},
		"comment":                             {ResComment{Res: no}, false},
		"comment alone":                       {ResComment{}, true},
	} {
		f, err := NewFilter(c.res)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := f.Match(sample().Record("")); got != c.want || err != nil {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}

func TestFilterCounts(t *testing.T) {
	f, err := NewFilter(ResCount{2, ResExist{TagKey(subject)}})
	if err != nil {
		t.Fatal(err)
	}
	var got []bool
	for range 4 {
		ok, _ := f.Match(sample().Record(""))
		got = append(got, ok)
	}
	if !slices.Equal(got, []bool{true, true, false, false}) {
		t.Error(got)
	}
}

func TestFilterRefuses(t *testing.T) {
	deep := Restriction(ResExist{TagKey(subject)})
	for range 300 {
		deep = ResNot{deep}
	}
	for name, c := range map[string]struct {
		res  Restriction
		code Code
	}{
		"too deep":       {deep, ErrTooComplex},
		"member of list": {ResProperty{RelMemberOfDL, TagKey(subject), []byte{1}}, ErrNoSupport},
		"operator":       {ResProperty{9, TagKey(subject), "x"}, ErrInvalidParameter},
		"size operator":  {ResSize{9, TagKey(subject), 1}, ErrInvalidParameter},
		"fuzzy level":    {ResContent{3, TagKey(subject), "x"}, ErrInvalidParameter},
		"search number":  {ResContent{1, TagKey(subject), int32(1)}, ErrInvalidParameter},
		"not nothing":    {ResNot{}, ErrInvalidParameter},
		"and nothing":    {ResAnd{nil}, ErrInvalidParameter},
	} {
		if _, err := NewFilter(c.res); !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %v", name, err, c.code)
		}
	}
}

// Values in the order of a table; each must sort before all that follow, in both directions.
func TestCompareValues(t *testing.T) {
	for name, ordered := range map[string][]Value{
		"numbers":              {nil, int16(-3), int32(2), float64(2.5), int64(3), float32(4), int64(math.MaxInt64)},
		"booleans":             {nil, false, true},
		"strings":              {nil, "", "_", "Apple", "apple", "apples", "Banana", "Äpfel", "äpfel", String8("\xF6l")},
		"times":                {FileTime(math.MinInt64), FileTime(0), FileTime(1)},
		"binaries":             {[]byte{}, []byte{0}, []byte{0, 1}, []byte{1}, []byte{255}},
		"lists":                {[]string{}, []string{"A"}, []string{"a"}, []string{"a", "b"}, []string{"b"}},
		"guids":                {GUID{1}, GUID{2}},
		"halves of characters": {"\xED\xA0\xBD", "\xED\xA0\xBDx", "\xED\xB8\x80"},
	} {
		for i, a := range ordered {
			for j, b := range ordered {
				want := i - j
				got := CompareValues(a, b)
				if got < 0 != (want < 0) || got > 0 != (want > 0) {
					t.Errorf("%s: CompareValues(%v, %v) = %d", name, a, b, got)
				}
			}
		}
	}
}
