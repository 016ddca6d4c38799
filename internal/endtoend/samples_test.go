package endtoend

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/compare"
	"github.com/opencdo/opencdo/internal/mailimport"
	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

// sampleMail is a mailbox into which all sample .msg files were imported, a folder for each collection, and the sample items
// of the special folders. files tells which file an item came from. Several may be the same item, with 8-bit strings in one
// file and Unicode in the other.
func sampleMail(t *testing.T) (content mapi.Store, files map[digest][]vectors.MsgFile) {
	content, files = newLocal(), map[digest][]vectors.MsgFile{}
	dir := t.TempDir()
	for _, file := range vectors.MsgFiles(t) {
		m, err := msgfile.Options{Report: func(*mapi.Error) {}}.OpenFile(file.Path)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		d := digestOf(t, m.Item.WriteTo)
		files[d] = append(files[d], file)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		// Templates are .msg files of another name.
		name := filepath.Join(dir, strings.TrimSuffix(filepath.FromSlash(file.Name), ".oft"))
		if filepath.Ext(name) != ".msg" {
			name += ".msg"
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file.Path, name); err != nil {
			t.Fatal(err)
		}
	}
	// Of damaged files all that can be read is imported; msgfile's tests know what must be.
	r, err := mailimport.Import(t.Context(), content, []string{dir}, mailimport.Options{KeepDamaged: true})
	if err != nil || r.Imported != len(vectors.MsgFiles(t)) || len(r.Failed) > 0 {
		t.Fatalf("import: %d files, failed: %v, %v", r.Imported, r.Failed, err)
	}
	for _, s := range storetest.SampleItems() {
		write(t, folder(t, content, s.Role), s.Kind, s.Item)
	}
	return content, files
}

// digest knows an item among others.
type digest [sha256.Size]byte

func digestOf(t *testing.T, read func(mapi.ItemSink) error) digest {
	t.Helper()
	var fp compare.Fingerprint
	if err := read(&fp); err != nil {
		t.Fatal(err)
	}
	return fp.Node().Core()
}

// otherwise are the samples of which a tool says something else than the item, at most two of a hundred, with what that is.
// Both tools are asked of each file; no file has both exceptions.
var (
	otherwise = map[string]*regexp.Regexp{
		// It is in Big5; msgreader reads 8-bit strings as Windows-1252, whatever the message says.
		"poi/chinese-traditional.msg": regexp.MustCompile(`^(subject|sender|name of recipient 0) is ".*[格張].*"|^body is`),
	}
	// unread are those that msgreader cannot read.
	unread = map[string]bool{
		"poi/clusterfuzz-testcase-minimized-POIHSMFFuzzer-5336473854148608.msg": true, // made by a fuzzer
	}
)

// TestSampleMail takes the samples through the whole way: import, server, MAPI over HTTP, backup, restore into the empty
// mailbox of another user. What arrives there is what the mailbox had, what was imported, and what independent tools find in
// the files.
func TestSampleMail(t *testing.T) {
	t.Parallel()
	content, files := sampleMail(t)
	n := len(vectors.MsgFiles(t)) + len(storetest.SampleItems())
	srv := serve(t, content)
	alice, bob, repo := open(t, srv, "alice"), open(t, srv, "bob"), newRepo(t)
	if r := backUp(t, alice, repo); r.Copied != n || r.Failed != 0 {
		t.Errorf("backup: %d items copied, %d failed, want %d and none", r.Copied, r.Failed, n)
	}
	if r := restore(t, repo, bob); r.Copied != n || !r.Proved || r.Compared != n {
		t.Errorf("restore: %d items copied, %d compared, want %d", r.Copied, r.Compared, n)
	}
	if got := same(t, alice, bob); got != n {
		t.Errorf("%d items are the same in the two mailboxes, want %d", got, n)
	}
	if got := same(t, content, bob); got != n {
		t.Errorf("%d items are the same as were imported, want %d", got, n)
	}

	for it := range items(t, bob, folder(t, bob, mapi.RoleIPM)) {
		d := digestOf(t, it.WriteTo)
		if len(files[d]) == 0 {
			continue // a sample item, or one that differs
		}
		file := files[d][0]
		files[d] = files[d][1:]
		t.Run(file.Name, func(t *testing.T) { agree(t, file, it) })
	}
	for _, left := range files {
		for _, file := range left {
			t.Errorf("%s didn't arrive", file.Name)
		}
	}
	t.Logf("%d files and %d other items went through the server, a backup and a restore", len(vectors.MsgFiles(t)), len(storetest.SampleItems()))
}

// agree compares an item with what tools find in the file that it came from.
func agree(t *testing.T, file vectors.MsgFile, it *mapi.Item) {
	truth := file.Truth(t)
	for _, d := range truth.Streams(t, it) {
		t.Errorf("olefile: %s", d)
	}
	reading := truth.Tools.Msgreader
	if read := reading.Status == "ok"; read == unread[file.Name] {
		t.Errorf("msgreader can read it: %v", read)
	} else if !read {
		return
	}
	differences := reading.Differences(t, it)
	for _, d := range differences {
		if r := otherwise[file.Name]; r == nil || !r.MatchString(d) {
			t.Errorf("msgreader: %s", d)
		}
	}
	if len(differences) == 0 && otherwise[file.Name] != nil {
		t.Error("there are no differences: the exception isn't needed")
	}
}
