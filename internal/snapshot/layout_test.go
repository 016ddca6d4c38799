package snapshot

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/opencdo/opencdo/mapi"
)

// hard are texts that make bad file names.
var hard = []string{"", ".", "..", "...", " ", "a ", "a.", " a", ".folder.json", "con", "NUL.txt", "Com1", "lpt9.x.y", "a/b", `a\b`, "a:b",
	"a\x00b", "tab\there", "2024-03", "undated", "half \xED\xA0\xBD", "\xFF", strings.Repeat("x", 300), strings.Repeat("ü", 200),
	strings.Repeat("名", 100), "👩‍👩‍👧‍👦 family", "e\u0301", "RE: <none> | \"quoted\"?*", "\u202Etxt.exe", "~", "a~12345678", " con.x",
	".aux.y"}

// checkName demands what Windows and stock restic do of a name.
func checkName(t *testing.T, name string) {
	t.Helper()
	switch {
	case name == "" || len(name) > maxName || !utf8.ValidString(name):
		t.Errorf("%q is empty, too long (%d bytes) or not UTF-8", name, len(name))
	case strings.ContainsAny(name, "<>:\"/\\|?*\x00\t\r\n"):
		t.Errorf("%q has characters that Windows doesn't allow", name)
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, "."):
		t.Errorf("%q begins or ends badly", name)
	case reserved.MatchString(name):
		t.Errorf("%q is a device on Windows", name)
	}
}

func TestDirNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range append(hard, "Inbox", "Posteingang", "受信トレイ", "A & B (old), 2019 [x] #1") {
		dir := dirName(name)
		checkName(t, dir)
		if isItemDir(dir) {
			t.Errorf("folder %q lies in %q, which would hold items", name, dir)
		}
		if other, ok := seen[strings.ToLower(dir)]; ok {
			t.Errorf("folders %q and %q both lie in %q", other, name, dir)
		}
		seen[strings.ToLower(dir)] = name
		if strings.ContainsRune(dir, '~') != (dir != name || name == "a~12345678" || name == "~") {
			t.Errorf("folder %q lies in %q", name, dir)
		}
	}
	if got := dirName("Inbox"); got != "Inbox" {
		t.Errorf("the inbox lies in %q", got)
	}
}

func TestItemNames(t *testing.T) {
	const id = "0123456789ab"
	for _, subject := range hard {
		name := itemName(subject, id)
		for _, n := range []int{1, 2, 9_999_999} {
			checkName(t, numbered(name, n)+".sidecar")
		}
		if digits(name, 3) != "012" {
			t.Errorf("the id in %q isn't at its end", name)
		}
	}
	if got := numbered(itemName("RE: Figures", id), 1); got != "RE_ Figures 0123456789ab.msg" {
		t.Errorf("got %q", got)
	}
}

func TestMonths(t *testing.T) {
	at := func(y int, m time.Month) mapi.FileTime {
		return mapi.NewFileTime(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC))
	}
	for _, c := range []struct {
		delivered, created mapi.FileTime
		want               string
	}{
		{at(2024, 3), at(2023, 1), "2024-03"},
		{0, at(2023, 1), "2023-01"},
		{0, 0, "undated"},
		{-5, 0, "undated"},
		{0x0CB34557A3DD4000, at(2023, 1), "4501-01"}, // "none" of some properties ([MS-OXOCAL] 2.2.1.29)
		{1 << 62, at(2023, 1), "2023-01"},            // the year 16214
	} {
		if got := month(c.delivered, c.created); got != c.want || !isItemDir(got) {
			t.Errorf("month(%v, %v) is %s, want %s", c.delivered, c.created, got, c.want)
		}
	}
}

func TestCache(t *testing.T) {
	c := cache[int, string]{size: 2}
	c.put(1, "a")
	c.put(2, "b")
	c.get(1)
	c.put(3, "c")
	if _, ok := c.get(2); ok {
		t.Error("what was used least is still there")
	}
	for k, want := range map[int]string{1: "a", 3: "c"} {
		if got, ok := c.get(k); !ok || got != want {
			t.Errorf("%d is %q, %v", k, got, ok)
		}
	}
}
