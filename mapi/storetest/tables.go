package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// testQuery asks a folder of few items for rows in many ways. What it asks for survives MIME too, but for restrictions
// on properties that mail doesn't carry.
func (f *fixture) testQuery() {
	dir := f.folder()
	type line struct {
		subject    string
		importance int32
		hour       int
		words      []string
		to         person
		file       string
	}
	for _, l := range []line{
		{"banana", 1, 5, []string{"yellow", "Sweet"}, ada, ""},
		{"Apple", 2, 4, []string{"red"}, bjorn, "apple.pdf"},
		{"cherry", 0, 3, nil, ada, "cherry.txt"},
		{"apple pie", 1, 2, []string{"sweet"}, chiyoko, ""},
		{"Zürich", 1, 1, nil, bjorn, ""},
		{"date", 0, 6, nil, chiyoko, "date.PDF"},
	} {
		it := mail(l.subject, pid.TagImportance, l.importance, pid.TagMessageDeliveryTime, at(l.hour, 0), pid.TagClientSubmitTime, at(l.hour, 0))
		if l.words != nil {
			it.Props.Set(pid.NameKeywords, l.words)
		}
		if l.importance == 2 {
			it.Props.Set(pid.LidFlagRequest, "Follow up")
		}
		it.Recipients = []mapi.Props{l.to.recipient(0, to)}
		if l.file != "" {
			it.Attachments = []*mapi.Attachment{file(0, l.file, "application/octet-stream", []byte("x"))}
		}
		f.write(dir, mapi.Normal, it)
	}

	subject, importance, delivered := mapi.TagKey(pid.TagSubject), mapi.TagKey(pid.TagImportance), mapi.TagKey(pid.TagMessageDeliveryTime)
	bySubject := []mapi.Sort{{Key: subject}}
	content := func(fuzzy uint32, k mapi.Key, v mapi.Value) mapi.Restriction {
		return mapi.ResContent{Fuzzy: fuzzy, Key: k, Value: v}
	}
	prop := func(op mapi.RelOp, k mapi.Key, v mapi.Value) mapi.Restriction {
		return mapi.ResProperty{Op: op, Key: k, Value: v}
	}
	for _, c := range []struct {
		name  string
		exact bool // needs properties that a lossy store may not have
		q     mapi.Query
		want  string
	}{
		{"by subject", false, mapi.Query{Sort: bySubject}, "Apple, apple pie, banana, cherry, date, Zürich"},
		{"by subject, descending", false, mapi.Query{Sort: []mapi.Sort{{Key: subject, Descending: true}}}, "Zürich, date, cherry, banana, apple pie, Apple"},
		{"by time", false, mapi.Query{Sort: []mapi.Sort{{Key: delivered}}}, "Zürich, apple pie, cherry, Apple, banana, date"},
		{"by two columns", false, mapi.Query{Sort: []mapi.Sort{{Key: importance, Descending: true}, {Key: delivered}}}, "Apple, Zürich, apple pie, banana, cherry, date"},
		{"window", false, mapi.Query{Sort: bySubject, Offset: 1, Limit: 3}, "apple pie, banana, cherry"},
		{"last window", false, mapi.Query{Sort: bySubject, Offset: 4, Limit: 10}, "date, Zürich"},
		{"past the end", false, mapi.Query{Sort: bySubject, Offset: 6}, ""},
		{"equal", false, mapi.Query{Sort: bySubject, Where: prop(mapi.RelEQ, subject, "banana")}, "banana"},
		{"number", false, mapi.Query{Sort: bySubject, Where: prop(mapi.RelGE, importance, int32(1))}, "Apple, apple pie, banana, Zürich"},
		{"not equal", false, mapi.Query{Sort: bySubject, Where: prop(mapi.RelNE, importance, int32(1))}, "Apple, cherry, date"},
		{"before", false, mapi.Query{Sort: bySubject, Where: prop(mapi.RelLT, delivered, at(3, 0))}, "apple pie, Zürich"},
		{"between", false, mapi.Query{Sort: bySubject, Where: mapi.ResAnd{prop(mapi.RelGT, delivered, at(2, 0)), prop(mapi.RelLE, delivered, at(4, 0))}}, "Apple, cherry"},
		{"or", false, mapi.Query{Sort: bySubject, Where: mapi.ResOr{prop(mapi.RelEQ, subject, "date"), prop(mapi.RelEQ, importance, int32(2))}}, "Apple, date"},
		{"not", false, mapi.Query{Sort: bySubject, Where: mapi.ResNot{Res: content(mapi.FuzzySubstring|mapi.FuzzyIgnoreCase, subject, "a")}}, "cherry, Zürich"},
		{"part", false, mapi.Query{Sort: bySubject, Where: content(mapi.FuzzySubstring|mapi.FuzzyIgnoreCase, subject, "APP")}, "Apple, apple pie"},
		{"prefix", false, mapi.Query{Sort: bySubject, Where: content(mapi.FuzzyPrefix|mapi.FuzzyIgnoreCase, subject, "BAN")}, "banana"},
		{"letters beyond ASCII", false, mapi.Query{Sort: bySubject, Where: content(mapi.FuzzyPrefix|mapi.FuzzyIgnoreCase, subject, "zÜ")}, "Zürich"},
		{"whole", false, mapi.Query{Sort: bySubject, Where: content(mapi.FuzzyFullString|mapi.FuzzyIgnoreCase, subject, "apple")}, "Apple"},
		{"where in window", false, mapi.Query{Sort: bySubject, Where: prop(mapi.RelEQ, importance, int32(1)), Offset: 1, Limit: 1}, "banana"},
		{"word", true, mapi.Query{Sort: bySubject, Where: prop(mapi.RelEQ, pid.NameKeywords, "red")}, "Apple"},
		{"part of a word", true, mapi.Query{Sort: bySubject, Where: content(mapi.FuzzySubstring|mapi.FuzzyIgnoreCase, pid.NameKeywords, "WEE")}, "apple pie, banana"},
		{"missing first", true, mapi.Query{Sort: []mapi.Sort{{Key: pid.LidFlagRequest}, {Key: subject}}}, "apple pie, banana, cherry, date, Zürich, Apple"},
		{"has words", true, mapi.Query{Sort: bySubject, Where: mapi.ResExist{Key: pid.NameKeywords}}, "Apple, apple pie, banana"},
		{"named by number", true, mapi.Query{Sort: bySubject, Where: prop(mapi.RelEQ, pid.LidFlagRequest, "Follow up")}, "Apple"},
		{"bits", true, mapi.Query{Sort: bySubject, Where: mapi.ResBitMask{NonZero: true, Key: importance, Mask: 2}}, "Apple"},
		{"bits unset", true, mapi.Query{Sort: bySubject, Where: mapi.ResBitMask{Key: importance, Mask: 3}}, "cherry, date"},
		{"recipient", true, mapi.Query{Sort: bySubject, Where: mapi.ResSub{Sub: mapi.SubRecipients, Res: prop(mapi.RelEQ, mapi.TagKey(pid.TagEmailAddress), ada.address)}}, "banana, cherry"},
		{"attachment", true, mapi.Query{Sort: bySubject, Where: mapi.ResSub{Sub: mapi.SubAttachments, Res: content(mapi.FuzzySubstring|mapi.FuzzyIgnoreCase, mapi.TagKey(pid.TagAttachLongFilename), ".pdf")}}, "Apple, date"},
		{"missing property", true, mapi.Query{Where: prop(mapi.RelNE, mapi.TagKey(0x6A000003), int32(1))}, ""},
	} {
		if c.exact && f.o.Lossy {
			continue
		}
		f.check(c.name, func(f *fixture) {
			if got := strings.Join(f.subjects(dir, c.q), ", "); got != c.want {
				f.Errorf("got %s, want %s", got, c.want)
			}
		})
	}

	columns := []mapi.Key{importance, mapi.TagKey(0x6A000003), subject, delivered}
	if !f.o.Lossy {
		columns = append(columns, pid.NameKeywords)
	}
	row := f.rows(dir, mapi.Query{Columns: columns, Sort: bySubject, Limit: 1})[0]
	want := []mapi.Value{int32(2), nil, "Apple", at(4, 0), []string{"red"}}[:len(columns)]
	if f.o.Lossy {
		row.Values[3], want[3] = nil, nil // MIME keeps whole seconds
	}
	if !slices.EqualFunc(row.Values, want, equal) {
		f.Errorf("columns: got %v, want %v", row.Values, want)
	}
	f.read(dir, row.ID)
	if rows := f.rows(dir, mapi.Query{}); len(rows) != 6 {
		f.Errorf("%d rows without columns, want 6", len(rows))
	}
}

// testEarlyBreak leaves loops before their end; nothing must stay locked.
func (f *fixture) testEarlyBreak() {
	dir := f.folder()
	for i := range 30 {
		f.write(dir, mapi.Normal, mail(fmt.Sprintf("%02d", i)))
		if i < 3 {
			_, err := dir.CreateFolder(f.ctx, fmt.Sprint(i), nil)
			f.must(err)
		}
	}
	for range 20 {
		for _, err := range dir.Rows(f.ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
			f.must(err)
			break
		}
		for _, err := range dir.Rows(f.ctx, mapi.Query{Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSubject)}}}) {
			f.must(err)
			break
		}
		for _, err := range dir.Folders(f.ctx) {
			f.must(err)
			break
		}
	}
	f.write(dir, mapi.Normal, mail("last"))
	if n := f.count(dir, mapi.Normal); n != 31 {
		f.Errorf("%d items, want 31", n)
	}
}

// testChangeInLoop reads, changes and deletes items while it lists them.
func (f *fixture) testChangeInLoop() {
	dir := f.folder()
	const n = 40
	for i := range n {
		f.write(dir, mapi.Normal, mail(fmt.Sprintf("%02d", i)))
	}
	seen := 0
	for r, err := range dir.Rows(f.ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
		f.must(err)
		seen++
		f.read(dir, r.ID)
		if seen%2 == 0 {
			f.must(dir.Delete(f.ctx, []mapi.EntryID{r.ID}, true))
			continue
		}
		f.must(dir.Update(f.ctx, r.ID, props(pid.TagImportance, int32(2)), nil))
	}
	// Which of the changes a running list shows is the store's choice; afterwards all must be there.
	rows := f.rows(dir, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagImportance)}})
	if want := n - seen/2; len(rows) != want || seen > n {
		f.Errorf("%d items after deleting every second of %d, want %d", len(rows), seen, want)
	}
	for info, err := range f.special(mapi.RoleIPM).Folders(f.ctx) {
		f.must(err)
		f.infos(f.open(info.ID))
	}
}

// testConcurrent lets several write, list and read at once. Readers must never see half an item.
func (f *fixture) testConcurrent() {
	const writers, each, recipients = 4, 15, 5
	dir := f.folder()
	var wg sync.WaitGroup
	done := make(chan struct{})
	errs := make(chan error, 100)
	report := func(err error) {
		select {
		case errs <- err:
		default: // enough of them
		}
	}
	for n := range writers {
		wg.Go(func() {
			for i := range each {
				it := mailToMany(recipients)
				it.Props = with(it.Props, pid.TagSubject, fmt.Sprintf("%d/%02d", n, i), pid.TagNormalizedSubject, fmt.Sprintf("%d/%02d", n, i))
				id, err := mapi.WriteItem(f.ctx, dir, mapi.Normal, it)
				if err == nil && i%3 == 0 {
					err = dir.Update(f.ctx, id, props(pid.TagImportance, int32(2)), nil)
				}
				if err == nil && i%5 == 0 {
					err = dir.Delete(f.ctx, []mapi.EntryID{id}, true)
				}
				if err != nil {
					report(fmt.Errorf("writer %d: %w", n, err))
				}
			}
		})
	}
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for stop := false; !stop; {
				select {
				case <-done:
					stop = true // one more time, with all that was written
				default:
				}
				if err := f.readAll(dir, recipients); err != nil {
					report(fmt.Errorf("reader: %w", err))
					return
				}
			}
		})
	}
	wg.Wait()
	close(done)
	readers.Wait()
	close(errs)
	for err := range errs {
		f.Error(err)
	}
	got := f.subjects(dir, mapi.Query{Sort: []mapi.Sort{{Key: mapi.TagKey(pid.TagSubject)}}})
	if want := writers * each * 4 / 5; len(got) != want || len(slices.Compact(got)) != want {
		f.Errorf("%d items, want %d different ones", len(got), want)
	}
}

// readAll lists a folder and reads every item that is still there; each must be complete.
func (f *fixture) readAll(dir mapi.Folder, recipients int) error {
	for r, err := range dir.Rows(f.ctx, mapi.Query{Columns: []mapi.Key{mapi.TagKey(pid.TagSubject)}}) {
		if err != nil {
			return err
		}
		it, err := mapi.ReadItem(f.ctx, dir, r.ID)
		if errors.Is(err, mapi.ErrNotFound) || errors.Is(err, mapi.ErrObjectDeleted) {
			continue // deleted since
		}
		if err != nil {
			return err
		}
		if !f.o.Lossy && len(it.Recipients) != recipients {
			return fmt.Errorf("an item has %d recipients, want %d", len(it.Recipients), recipients)
		}
	}
	return nil
}
