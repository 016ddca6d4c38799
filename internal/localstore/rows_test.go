package localstore

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// rowsFolder has items that lack this and that, and some with 8-bit strings.
func rowsFolder(t *testing.T) *Folder {
	f := inbox(t, newStore(t))
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"Alpha", "alpha", "beta", "Éta", "éta", "", "RE: gamma", "Zürich", "10", "9", strings.Repeat("long", 100)}
	text := func(tag mapi.Tag) (mapi.Key, mapi.Value) {
		w := words[r.IntN(len(words))]
		if r.IntN(4) == 0 && len(w) == utf8.RuneCountInString(w) { // package mapi sorts other 8-bit ones by a guess
			return mapi.TagKey(tag).WithType(mapi.TypeString8), narrowed(w)
		}
		return mapi.TagKey(tag), w
	}
	for range 150 {
		it := &mapi.Item{}
		set := func(k mapi.Key, v mapi.Value) {
			if r.IntN(3) > 0 {
				it.Props.Set(k, v)
			}
		}
		for _, tag := range []mapi.Tag{pid.TagMessageClass, pid.TagSubject, pid.TagSenderName, pid.TagSentRepresentingName, pid.TagConversationTopic} {
			set(text(tag))
		}
		if r.IntN(5) == 0 {
			set(text(pid.TagDisplayTo))
		}
		set(mapi.TagKey(pid.TagMessageDeliveryTime), mapi.FileTime(r.IntN(5)))
		set(mapi.TagKey(pid.TagClientSubmitTime), mapi.FileTime(r.IntN(5)))
		set(mapi.TagKey(pid.TagImportance), int32(r.IntN(3)))
		set(mapi.TagKey(pid.TagMessageFlags), int32(r.IntN(16)))
		set(mapi.TagKey(pid.TagSensitivity), int32(r.IntN(3)))
		set(pid.NameKeywords, []string{"red", "green", "blue"}[:r.IntN(4)])
		w := words[r.IntN(len(words))]
		set(mapi.TagKey(pid.TagBody), strings.Repeat(w, 1+r.IntN(40000/(1+len(w)))))
		if r.IntN(3) == 0 {
			it.Attachments = []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachLongFilename), Value: words[r.IntN(len(words))]}}}}
		}
		for range r.IntN(3) {
			it.Recipients = append(it.Recipients, mapi.Props{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1 + r.IntN(3))}, {Key: mapi.TagKey(pid.TagDisplayName), Value: words[r.IntN(len(words))]}})
		}
		add(t, f, it)
	}
	return f
}

// asker makes queries.
type asker struct{ *rand.Rand }

func (a asker) key() mapi.Key {
	keys := []mapi.Key{
		mapi.TagKey(pid.TagMessageClass), mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagSubjectPrefix), mapi.TagKey(pid.TagNormalizedSubject), mapi.TagKey(pid.TagSenderName),
		mapi.TagKey(pid.TagSentRepresentingName), mapi.TagKey(pid.TagConversationTopic), mapi.TagKey(pid.TagDisplayTo), mapi.TagKey(pid.TagDisplayCc),
		mapi.TagKey(pid.TagSubject).WithType(mapi.TypeString8), mapi.TagKey(pid.TagConversationTopic).WithType(mapi.TypeString8),
		mapi.TagKey(pid.TagMessageDeliveryTime), mapi.TagKey(pid.TagClientSubmitTime), mapi.TagKey(pid.TagImportance), mapi.TagKey(pid.TagMessageFlags), mapi.TagKey(pid.TagSensitivity),
		mapi.TagKey(pid.TagHasAttachments), mapi.TagKey(pid.TagMessageSize), mapi.TagKey(pid.TagSearchKey), mapi.TagKey(pid.TagSourceKey), mapi.TagKey(pid.TagEntryId), mapi.TagKey(pid.TagBody),
		pid.NameKeywords, pid.LidFileUnder, mapi.TagKey(pid.TagCreationTime), mapi.TagKey(pid.TagChangeKey), mapi.TagKey(pid.TagPredecessorChangeList),
	}
	return keys[a.IntN(len(keys))]
}

func (a asker) value(t mapi.Type) mapi.Value {
	switch t {
	case mapi.TypeInt32:
		return int32(a.IntN(5))
	case mapi.TypeTime:
		return mapi.FileTime(a.IntN(5))
	case mapi.TypeBool:
		return a.IntN(2) == 0
	case mapi.TypeBinary:
		return []byte{byte(a.IntN(256))}
	case mapi.TypeString8:
		return mapi.String8("alpha")
	}
	return []string{"alpha", "ÉTA", "re: Gamma", "", "red", "b"}[a.IntN(6)]
}

func (a asker) where(depth int) mapi.Restriction {
	k := a.key()
	switch n := a.IntN(12); {
	case n < 1 && depth < 3:
		return mapi.ResNot{Res: a.where(depth + 1)}
	case n < 3 && depth < 3:
		return mapi.ResAnd{a.where(depth + 1), a.where(depth + 1)}
	case n < 4 && depth < 3:
		return mapi.ResOr{a.where(depth + 1), a.where(depth + 1), a.where(depth + 1)}
	case n < 5:
		return mapi.ResExist{Key: k}
	case n < 6:
		return mapi.ResBitMask{Key: mapi.TagKey(pid.TagMessageFlags), Mask: uint32(a.IntN(16)), NonZero: a.IntN(2) == 0}
	case n < 7:
		return mapi.ResSub{Sub: mapi.SubRecipients, Res: mapi.ResProperty{Op: mapi.RelEQ, Key: mapi.TagKey(pid.TagDisplayName), Value: "ALPHA"}}
	case n < 8:
		return mapi.ResContent{Fuzzy: mapi.FuzzySubstring | mapi.FuzzyIgnoreCase, Key: mapi.TagKey(pid.TagBody), Value: "ALPHA"}
	case n < 9 && depth == 1:
		return mapi.ResCount{Count: uint32(a.IntN(20)), Res: a.where(3)}
	case n < 10:
		return mapi.ResSize{Op: mapi.RelGT, Key: mapi.TagKey(pid.TagBody), Size: 500}
	}
	return mapi.ResProperty{Op: mapi.RelOp(a.IntN(6)), Key: k, Value: a.value(k.Type().Base())}
}

// Whatever is asked, the rows are those that package mapi makes of the items as they are read, whether SQL did it or not.
func TestRowsAsRead(t *testing.T) {
	ctx := context.Background()
	f := rowsFolder(t)
	var records []mapi.Record
	for row, err := range f.Rows(ctx, mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, read(t, f, row.ID).Record(row.ID))
	}
	if len(records) != 150 {
		t.Fatalf("%d items", len(records))
	}
	all := func(yield func(mapi.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
	collect := func(rows iter.Seq2[mapi.Row, error]) (out []string) {
		for row, err := range rows {
			if err != nil {
				return append(out, err.Error())
			}
			s := fmt.Sprintf("%x", string(row.ID[64:]))
			for _, v := range row.Values {
				s += fmt.Sprintf(" %T:%.200v", v, v) // large ones are cut
			}
			out = append(out, s)
		}
		return out
	}
	a := asker{rand.New(rand.NewPCG(3, 4))}
	found := 0
	for range 500 {
		q := mapi.Query{}
		for range a.IntN(4) {
			q.Columns = append(q.Columns, a.key())
		}
		if a.IntN(4) > 0 {
			q.Where = a.where(0)
		}
		for range a.IntN(3) {
			k := a.key()
			if k.Tag == pid.TagBody { // sorted by its beginning only
				continue
			}
			if k.Type() == mapi.TypeString8 { // package mapi sorts what isn't ASCII as question marks
				k = k.WithType(mapi.TypeString)
			}
			q.Sort = append(q.Sort, mapi.Sort{Key: k, Descending: a.IntN(2) == 0})
		}
		if a.IntN(3) == 0 {
			q.Offset, q.Limit = a.IntN(10), a.IntN(10)
		}
		if a.IntN(10) == 0 {
			q.Columns = append(q.Columns, pid.NameKeywords.WithType(pid.NameKeywords.Type()|mapi.MultiInstance))
		}
		got, want := collect(f.Rows(ctx, q)), collect(mapi.Select(q, all, nil))
		found += len(want)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("query %+v:\ngot  %q\nwant %q", q, got, want)
		}
	}
	t.Logf("%d rows", found)
}

// What is beyond the limit for rows in memory is read again when the order is known.
func TestRowsReadAgain(t *testing.T) {
	f := rowsFolder(t)
	q := mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject), pid.NameKeywords}, Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSensitivity)}}}
	want := rowsOf(t, f, q)
	if _, err := f.s.write.Exec("UPDATE folders SET items = ? WHERE fid = ?", maxKept+1, int64(f.fid)); err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(t, f, q); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func rowsOf(t *testing.T, f *Folder, q mapi.Query) (rows []mapi.Row) {
	for row, err := range f.Rows(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}
