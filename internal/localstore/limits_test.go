package localstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	kept := add(t, f, mail("kept"))
	limit := func(pages int) {
		var n int
		if err := s.write.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if err := s.stage.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", pages)).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // no more than there are
	full := func(what string, it *mapi.Item) {
		t.Helper()
		if _, err := mapi.WriteItem(ctx, f, mapi.Normal, it); !errors.Is(err, mapi.ErrOutOfDisk) || !strings.Contains(err.Error(), s.Path()) {
			t.Errorf("%s: %v", what, err)
		}
	}
	full("a large value", mail("x", pid.TagHtml, pattern(1<<20)))
	var err error
	for range 200 {
		if _, err = mapi.WriteItem(ctx, f, mapi.Normal, mail("x", pid.TagHtml, pattern(20000))); err != nil {
			break
		}
	}
	if !errors.Is(err, mapi.ErrOutOfDisk) {
		t.Errorf("many items: %v", err)
	}
	if got := read(t, f, kept).Props.Text(pid.TagSubject); got != "kept" {
		t.Errorf("read %q from a full store", got)
	}
	limit(1 << 30)
	add(t, f, mail("room again", pid.TagHtml, pattern(1<<20)))
	check(t, s)
}

func TestDamagedFiles(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "box.db")
	s, err := Create(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := inbox(t, s)
	for i := range 50 {
		add(t, f, mail(fmt.Sprint(i), pid.TagHtml, pattern(20000)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	use := func(path string) error { // what a reader does
		s, err := Open(ctx, path)
		if err != nil {
			return err
		}
		defer s.Close()
		inbox, err := s.Special(ctx, mapi.RoleInbox)
		if err != nil {
			return err
		}
		f, err := s.Folder(ctx, inbox)
		if err != nil {
			return err
		}
		for row, err := range f.Rows(ctx, mapi.Query{}) {
			if err != nil {
				return err
			}
			if err := f.Read(ctx, row.ID, drain{}); err != nil {
				return err
			}
		}
		return s.Check(ctx)
	}
	damaged := func(change func([]byte) []byte) string {
		p := filepath.Join(dir, "damaged.db")
		os.Remove(p + "-wal")
		os.Remove(p + "-shm")
		if err := os.WriteFile(p, change(bytes.Clone(good)), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if err := use(damaged(func(b []byte) []byte { return b })); err != nil {
		t.Errorf("the undamaged file: %v", err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"empty":        func([]byte) []byte { return nil },
		"text":         func([]byte) []byte { return []byte(strings.Repeat("not a database\n", 1000)) },
		"half":         func(b []byte) []byte { return b[:len(b)/2] },
		"no header":    func(b []byte) []byte { copy(b, make([]byte, 100)); return b },
		"zeros inside": func(b []byte) []byte { clear(b[16384:]); return b },
		"noise inside": func(b []byte) []byte { copy(b[8192:], pattern(len(b)/2)); return b },
	} {
		p := damaged(change)
		if err := use(p); !errors.Is(err, mapi.ErrCorruptData) || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every page in turn: whatever is hit, the outcome is an error or the truth, never a panic.
	for at := 0; at < len(good); at += 8192 {
		err := use(damaged(func(b []byte) []byte { copy(b[at:at+8192], pattern(512)); return b }))
		if err != nil && mapi.CodeOf(err) != mapi.ErrCorruptData {
			t.Errorf("page at %d: %v", at, err)
		}
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"with space.db", "a?b#c%20d&mode=ro.db", "füße;'\".db"} {
		path := filepath.Join(t.TempDir(), name)
		s, err := Create(context.Background(), path, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s.Close()
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		open(t, path)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	if _, err := Create(ctx, s.Path(), Options{}); !errors.Is(err, mapi.ErrCollision) {
		t.Errorf("creating what exists: %v", err)
	}
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "none.db")); !errors.Is(err, mapi.ErrNotFound) {
		t.Errorf("opening what doesn't exist: %v", err)
	}
	if _, err := s.write.Exec("PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, s.Path()); !errors.Is(err, mapi.ErrVersion) {
		t.Errorf("a file of the future: %v", err)
	}
	if _, err := s.write.Exec("PRAGMA application_id = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, s.Path()); !errors.Is(err, mapi.ErrCorruptData) {
		t.Errorf("another program's file: %v", err)
	}
}

// The next version of the format: a file of this one is brought to it when it is opened, with all that is in it.
func TestMigration(t *testing.T) {
	s := newStore(t)
	id := add(t, inbox(t, s), mail("from before"))
	defer func(old []string) { migrations = old }(migrations)
	migrations = append(migrations[:len(migrations):len(migrations)], "CREATE TABLE later (x); INSERT INTO later SELECT subject FROM items; ALTER TABLE folders ADD COLUMN y INTEGER")
	next := open(t, s.Path())
	var subject string
	var version int
	if err := next.read.QueryRow("SELECT x FROM later").Scan(&subject); err != nil || subject != "from before" {
		t.Errorf("migrated: %q %v", subject, err)
	}
	if err := next.read.QueryRow("PRAGMA user_version").Scan(&version); err != nil || version != len(migrations) {
		t.Errorf("version %d %v", version, err)
	}
	if got := read(t, inbox(t, next), id).Props.Text(pid.TagSubject); got != "from before" {
		t.Errorf("read %q", got)
	}
	open(t, s.Path()) // nothing is left to do

	migrations = append(migrations[:len(migrations):len(migrations)], "CREATE TABLE half (x); THIS IS NOT SQL")
	if _, err := Open(context.Background(), s.Path()); err == nil {
		t.Error("a migration that fails was not told")
	}
	migrations = migrations[:version]
	if n := count(t, open(t, s.Path()), "sqlite_schema WHERE name = 'half'"); n != 0 {
		t.Error("half a migration stays in the file")
	}
}

// gate is a stream that stops in the middle until it is let go.
type gate struct {
	left    int
	reached chan<- struct{}
	open    <-chan struct{}
}

func (g *gate) Read(p []byte) (int, error) {
	if g.left == 0 {
		return 0, io.EOF
	}
	if g.reached != nil && g.left < 1<<20 {
		close(g.reached)
		g.reached = nil
		<-g.open
	}
	n := min(len(p), g.left)
	g.left -= n
	return n, nil
}

// While one item comes in slowly others are written, through the same Store and another, the file is opened and collected,
// and nothing of the slow one is seen.
func TestSlowWriterBlocksNobody(t *testing.T) {
	ctx := context.Background()
	s := newStore(t)
	f := inbox(t, s)
	reached, letGo := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		w, err := f.Create(ctx, mapi.Normal)
		if err == nil {
			defer w.Close()
			err = w.Stream(mapi.TagKey(pid.TagHtml), 4<<20, &gate{4 << 20, reached, letGo})
		}
		if err == nil {
			_, err = w.Commit(ctx)
		}
		done <- err
	}()
	<-reached
	add(t, f, mail("quick", pid.TagHtml, pattern(100000)))
	other := open(t, s.Path())
	add(t, inbox(t, other), mail("other"))
	if subjects, _ := list(t, f, mapi.Query{}); strings.Join(subjects, " ") != "quick other" {
		t.Errorf("seen: %q", subjects)
	}
	check(t, s)
	close(letGo)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if subjects, _ := list(t, f, mapi.Query{}); len(subjects) != 3 {
		t.Errorf("seen after commit: %q", subjects)
	}
	check(t, s)
}

func TestAbandonedWriters(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "box.db")
	s, err := Create(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	begin := func() mapi.ItemWriter {
		w, err := inbox(t, s).Create(ctx, mapi.Normal)
		if err == nil {
			err = w.Prop(mapi.TagKey(pid.TagHtml), pattern(1<<20))
		}
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := begin()
	if err := w.Close(); err != nil || count(t, s, "chunks") != 0 {
		t.Errorf("closed: %v, %d chunks", err, count(t, s, "chunks"))
	}
	if _, err := w.Commit(ctx); !errors.Is(err, mapi.ErrInvalidObject) {
		t.Errorf("commit after close: %v", err)
	}
	begin() // the store is closed under it
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, open(t, path), "chunks"); n != 0 {
		t.Errorf("%d chunks after the store was closed", n)
	}
	if _, err := s.Special(ctx, mapi.RoleInbox); !errors.Is(err, mapi.ErrInvalidObject) {
		t.Errorf("use after close: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	s := newStore(t)
	f := inbox(t, s)
	fill(t, f, 2000)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	var last error
	for _, err := range f.Rows(ctx, mapi.Query{}) {
		if last = err; err == nil {
			if n++; n == 10 {
				cancel()
			}
		}
	}
	if !errors.Is(last, context.Canceled) || n == 2000 {
		t.Errorf("%d rows, then %v", n, last)
	}
	if _, err := mapi.WriteItem(ctx, f, mapi.Normal, mail("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("write: %v", err)
	}
	w, err := f.Create(context.Background(), mapi.Normal)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if count(t, s, "items") != 2000 {
		t.Error("a cancelled write was done")
	}
	check(t, s)
}

// 3,000 recipients, 3,000 attachments, and items in items.
func TestManyParts(t *testing.T) {
	s := newStore(t)
	f := inbox(t, s)
	it := mail("many")
	for i := range 3000 {
		it.Recipients = append(it.Recipients, mapi.Props{
			{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1 + i%3)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: fmt.Sprint("Person ", i)}, {Key: mapi.TagKey(pid.TagRowid), Value: int32(2 * i)}})
		it.Attachments = append(it.Attachments, &mapi.Attachment{Props: mapi.Props{
			{Key: mapi.TagKey(pid.TagAttachLongFilename), Value: fmt.Sprint(i, ".bin")}, {Key: mapi.TagKey(pid.TagAttachDataBinary), Value: pattern(100 + i*20)}}})
	}
	inner := mail("bottom")
	for i := range 10 {
		outer := mail(fmt.Sprint("level ", i))
		outer.Attachments = []*mapi.Attachment{{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachMethod), Value: int32(5)}}, Embedded: inner}}
		inner = outer
	}
	it.Attachments = append(it.Attachments, &mapi.Attachment{Embedded: inner})
	got := read(t, f, add(t, f, it))
	if len(got.Recipients) != 3000 || len(got.Attachments) != 3001 {
		t.Fatalf("%d recipients, %d attachments", len(got.Recipients), len(got.Attachments))
	}
	for i, r := range got.Recipients {
		if r.Tag(pid.TagRowid) != int32(2*i) || r.Text(pid.TagDisplayName) != fmt.Sprint("Person ", i) {
			t.Fatalf("recipient %d: %v", i, r)
		}
	}
	for i, a := range got.Attachments[:3000] {
		if a.Props.Tag(pid.TagAttachNumber) != int32(i) || !bytes.Equal(a.Props.Tag(pid.TagAttachDataBinary).([]byte), pattern(100+i*20)) {
			t.Fatalf("attachment %d: %v", i, a.Props.Tag(pid.TagAttachNumber))
		}
		if size := a.Props.Tag(pid.TagAttachSize).(int32); size < int32(100+i*20) || size > int32(200+i*20) {
			t.Fatalf("attachment %d: size %d", i, size)
		}
	}
	in := got.Attachments[3000].Embedded
	for i := 9; i >= 0; i-- {
		if in.Props.Text(pid.TagSubject) != fmt.Sprint("level ", i) {
			t.Fatalf("level %d is %q", i, in.Props.Text(pid.TagSubject))
		}
		in = in.Attachments[0].Embedded
	}
	if in.Props.Text(pid.TagSubject) != "bottom" {
		t.Errorf("bottom is %q", in.Props.Text(pid.TagSubject))
	}
	check(t, s)
}

// Small values, but so many that they may not all stay in memory.
func TestManyProperties(t *testing.T) {
	s := newStore(t)
	f := inbox(t, s)
	w, err := f.Create(context.Background(), mapi.Normal)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const n = 500
	key := func(i int) mapi.Key { return mapi.TagKey(mapi.NewTag(uint16(0x6000+i), mapi.TypeBinary)) }
	for i := range n {
		if err := w.Prop(key(i), pattern(10000)); err != nil {
			t.Fatal(err)
		}
	}
	if held := w.(*writer).topBytes; held > 2*topLimit {
		t.Errorf("%d bytes are held", held)
	}
	id, err := w.Commit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	it := read(t, f, id)
	for i := range n {
		if b, ok := it.Props.Get(key(i)).([]byte); !ok || !bytes.Equal(b, pattern(10000)) {
			t.Fatalf("value %d is %T of %d bytes", i, it.Props.Get(key(i)), len(b))
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	f := inbox(t, newStore(t))
	w, err := f.Create(context.Background(), mapi.Normal)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for depth := 0; ; depth++ {
		if err = w.Attachment(); err == nil {
			err = w.Embedded()
		}
		if err != nil {
			if !errors.Is(err, mapi.ErrTooComplex) || depth != mapi.MaxDepth {
				t.Errorf("at depth %d: %v", depth, err)
			}
			break
		}
	}
	if _, err := w.Commit(context.Background()); err == nil {
		t.Error("an item that failed was committed")
	}
}
