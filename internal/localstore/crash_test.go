package localstore

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// Environment of the processes that tests start.
const (
	envChild = "OPENCDO_LOCALSTORE_CHILD" // what to do
	envPath  = "OPENCDO_LOCALSTORE_PATH"
	envSeed  = "OPENCDO_LOCALSTORE_SEED"
)

func TestMain(m *testing.M) {
	switch os.Getenv(envChild) {
	case "":
		os.Exit(m.Run())
	case "write":
		childWrites()
	case "stream":
		childStreams()
	case "add":
		childAdds()
	}
}

func child(what, path string, seed int) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), envChild+"="+what, envPath+"="+path, envSeed+"="+strconv.Itoa(seed))
	c.Stderr = os.Stderr
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(3)
	}
	return v
}

// crashItem is an item of a number of which everything can be told: the subject has the number, each value follows from it.
func crashItem(n int) *mapi.Item {
	it := mail(strconv.Itoa(n), pid.TagHtml, pattern(1+n*7919%400000))
	for i := range n % 4 {
		it.Recipients = append(it.Recipients, mapi.Props{{Key: mapi.TagKey(pid.TagRecipientType), Value: int32(1)}, {Key: mapi.TagKey(pid.TagDisplayName), Value: fmt.Sprint(n, i)}})
		it.Attachments = append(it.Attachments, &mapi.Attachment{Props: mapi.Props{{Key: mapi.TagKey(pid.TagAttachDataBinary), Value: pattern(1 + n*31%200000 + i)}}})
	}
	return it
}

// whole tells whether an item is what crashItem made, whose importance may have been changed since.
func whole(it *mapi.Item) error {
	n, err := strconv.Atoi(it.Props.Text(pid.TagSubject))
	if err != nil {
		return err
	}
	want := crashItem(n)
	html, _ := it.Props.Tag(pid.TagHtml).([]byte)
	if string(html) != string(want.Props.Tag(pid.TagHtml).([]byte)) || len(it.Recipients) != len(want.Recipients) || len(it.Attachments) != len(want.Attachments) {
		return fmt.Errorf("item %d has %d bytes, %d recipients, %d attachments", n, len(html), len(it.Recipients), len(it.Attachments))
	}
	for i, a := range it.Attachments {
		if string(a.Props.Tag(pid.TagAttachDataBinary).([]byte)) != string(want.Attachments[i].Props.Tag(pid.TagAttachDataBinary).([]byte)) {
			return fmt.Errorf("attachment %d of item %d is not whole", i, n)
		}
	}
	return nil
}

// childWrites changes the store until it is killed, and says what was confirmed: an operation, the id, the number.
func childWrites() {
	ctx := context.Background()
	s := must(Open(ctx, os.Getenv(envPath)))
	seed := must(strconv.Atoi(os.Getenv(envSeed)))
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	f := must(s.FolderByID(ctx, must(s.SpecialID(ctx, mapi.RoleInbox))))
	var ids []mapi.EntryID
	for row, err := range f.Rows(ctx, mapi.Query{}) {
		must(0, err)
		ids = append(ids, row.ID)
	}
	say := func(op string, id mapi.EntryID, n int) { fmt.Printf("%s %x %d\n", op, string(id), n) }
	say("start", "", 0)
	for n := seed * 1000; ; n++ {
		at := 0
		if len(ids) > 0 {
			at = r.IntN(len(ids))
		}
		switch op := r.IntN(10); {
		case op < 5 || len(ids) < 5:
			id := must(mapi.WriteItem(ctx, f, mapi.Normal, crashItem(n)))
			say("add", id, n)
			ids = append(ids, id)
		case op < 6:
			must(0, f.Update(ctx, ids[at], mapi.Props{{Key: mapi.TagKey(pid.TagImportance), Value: int32(2)}}, nil))
		case op < 7:
			w := must(f.Replace(ctx, ids[at]))
			must(0, crashItem(n).WriteTo(w))
			must(w.Commit(ctx))
			say("add", ids[at], n)
		case op < 8:
			moved := must(f.Move(ctx, ids[at:at+1], f))
			say("move "+hex.EncodeToString([]byte(ids[at])), moved[0], 0)
			ids[at] = moved[0]
		default:
			say("deleting", ids[at], 0)
			must(0, f.Delete(ctx, ids[at:at+1], true))
			say("delete", ids[at], 0)
			ids = append(ids[:at], ids[at+1:]...)
		}
	}
}

// A process that writes is killed, many times over. What it confirmed is there, what is there is whole, and no id that it
// showed is given to anything else.
func TestKilledWriters(t *testing.T) {
	kills := 25
	if testing.Short() {
		kills = 4
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "box.db")
	s, err := Create(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	there := map[string]int{}  // confirmed items: the number in each
	used := map[string]bool{}  // ids ever seen
	maybe := map[string]bool{} // being deleted or moved when the process died
	for kill := range kills {
		c := child("write", path, kill+1)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		left := 1 + r.IntN(60)
		for lines.Scan() {
			f := strings.Fields(lines.Text())
			switch f[0] {
			case "add":
				if _, again := there[f[1]]; used[f[1]] && !again {
					t.Fatalf("id %s was used before", f[1])
				}
				used[f[1]] = true
				there[f[1]], _ = strconv.Atoi(f[2])
			case "move":
				if used[f[2]] {
					t.Fatalf("id %s was used before", f[2])
				}
				used[f[2]] = true
				there[f[2]] = there[f[1]]
				delete(there, f[1])
			case "deleting":
				maybe[f[1]] = true
			case "delete":
				delete(there, f[1])
			}
			if left--; left == 0 {
				c.Process.Kill() // the child goes on for as long as that takes
			}
		}
		c.Wait()
		if left > 0 {
			t.Fatal("the child ended by itself")
		}

		s, err := Open(ctx, path)
		if err != nil {
			t.Fatalf("after kill %d: %v", kill, err)
		}
		check(t, s)
		if n := count(t, s, "contents WHERE staged IS NOT NULL"); n != 0 {
			t.Errorf("after kill %d: %d contents of the dead", kill, n)
		}
		f := inbox(t, s)
		now := map[string]bool{}
		for row, err := range f.Rows(ctx, mapi.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if err := whole(read(t, f, row.ID)); err != nil {
				t.Errorf("after kill %d: %v", kill, err)
			}
			now[hex.EncodeToString([]byte(row.ID))] = true
		}
		lost := 0
		for id, n := range there {
			if now[id] {
				continue
			}
			delete(there, id)
			if !maybe[id] {
				lost++ // the last operation may have been a move whose end was not heard
				if lost > 1 {
					t.Errorf("after kill %d: item %d was confirmed and is gone", kill, n)
				}
			}
		}
		for id := range now {
			used[id] = true
			if _, ok := there[id]; !ok {
				b, _ := hex.DecodeString(id)
				there[id], _ = strconv.Atoi(read(t, f, mapi.EntryID(b)).Props.Text(pid.TagSubject))
			}
		}
		maybe = map[string]bool{}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(used) < kills {
		t.Errorf("only %d items were ever written", len(used))
	}
	t.Logf("%d kills, %d ids, %d items at the end", kills, len(used), len(there))
}

// childAdds writes a number of items.
func childAdds() {
	ctx := context.Background()
	s := must(Open(ctx, os.Getenv(envPath)))
	f := must(s.FolderByID(ctx, must(s.SpecialID(ctx, mapi.RoleInbox))))
	seed := must(strconv.Atoi(os.Getenv(envSeed)))
	for n := range 40 {
		must(mapi.WriteItem(ctx, f, mapi.Normal, crashItem(seed*1000+n)))
	}
	must(0, s.Close())
}

// Several processes write into one file; each waits for the others.
func TestProcessesShareAFile(t *testing.T) {
	s := newStore(t)
	f := inbox(t, s)
	var all []*exec.Cmd
	for seed := range 3 {
		c := child("add", s.Path(), seed+1)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for n := range 40 {
		add(t, f, crashItem(n))
	}
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	subjects, ids := list(t, f, mapi.Query{})
	seen := map[string]bool{}
	for i, id := range ids {
		seen[subjects[i]] = true
		if err := whole(read(t, f, id)); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 160 || len(seen) != 160 {
		t.Errorf("%d items with %d numbers", len(ids), len(seen))
	}
	last := ID(0)
	for c, err := range f.Changes(context.Background()) {
		if err != nil || c.CN <= last {
			t.Errorf("change number %v after %v, %v", c.CN, last, err)
		}
		last = c.CN
	}
	check(t, s)
}

// endless is a stream of a length, all of it different.
type endless struct{ at, size int64 }

func (e *endless) Read(p []byte) (int, error) {
	n := int(min(int64(len(p)), e.size-e.at))
	if n == 0 {
		return 0, io.EOF
	}
	for i := range n {
		p[i] = byte((e.at + int64(i)) * 2654435761 >> 12)
	}
	e.at += int64(n)
	return n, nil
}

// same compares a stream with endless.
type same struct {
	drain
	seen int64
}

func (s *same) Stream(k mapi.Key, size int64, r io.Reader) error {
	buf, want := make([]byte, 32<<10), make([]byte, 32<<10)
	e := &endless{size: size}
	for {
		n, err := io.ReadFull(r, buf)
		m, _ := io.ReadFull(e, want)
		if string(buf[:n]) != string(want[:m]) {
			return errors.New("the bytes are not the same")
		}
		s.seen += int64(n)
		if err != nil {
			return nil
		}
	}
}

const streamed = 300 << 20

// childStreams writes and reads an item of 300 MB and says how much memory it took at most, in KiB.
func childStreams() {
	ctx := context.Background()
	s := must(Open(ctx, os.Getenv(envPath)))
	f := must(s.FolderByID(ctx, must(s.SpecialID(ctx, mapi.RoleInbox))))
	w := must(f.Create(ctx, mapi.Normal))
	must(0, w.Attachment())
	must(0, w.Stream(mapi.TagKey(pid.TagAttachDataBinary), -1, &endless{size: streamed}))
	must(0, w.End())
	id := must(w.Commit(ctx))
	var got same
	must(0, f.Read(ctx, id, &got))
	copied := must(f.Copy(ctx, []mapi.EntryID{id}, f))
	must(0, f.Read(ctx, copied[0], &got))
	must(0, f.Delete(ctx, []mapi.EntryID{id}, true))
	must(0, s.Close())
	peak := 0
	for line := range strings.Lines(string(must(os.ReadFile("/proc/self/status")))) {
		fmt.Sscanf(line, "VmHWM: %d kB", &peak)
	}
	fmt.Println(got.seen, peak)
}

func TestLargeStreamsInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 600 MB")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc to read the peak of memory from")
	}
	path := filepath.Join(t.TempDir(), "box.db")
	s, err := Create(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	out, err := child("stream", path, 0).Output()
	if err != nil {
		t.Fatal(err)
	}
	var seen, peak int
	if _, err := fmt.Sscan(string(out), &seen, &peak); err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	t.Logf("%d MiB at the peak", peak>>10)
	if seen != 2*streamed {
		t.Errorf("read %d bytes", seen)
	}
	if peak > 80<<10 { // 40 is usual: the program, a reader and two writers with their caches of 2 MiB, some chunks
		t.Errorf("%d MiB of memory at the peak", peak>>10)
	}
}
