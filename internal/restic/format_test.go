package restic

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// chunkIDs cuts content with our own chunker.
func chunkIDs(r *Repository, content []byte) []ID {
	ids := []ID{}
	for c := r.Chunker(); len(content) > 0; {
		n, _ := c.Next(content)
		ids = append(ids, Hash(content[:n]))
		content = content[n:]
	}
	return ids
}

func TestChunkerCutsLikeStock(t *testing.T) {
	for range 3 { // each with its own polynomial
		r, dir := newRepo(t, cheap)
		s := newStock(t, dir)
		src := t.TempDir()
		files := sampleFiles()
		files["mixed"] = slices.Concat(pseudoRandom(3, 5<<20), make([]byte, 9<<20), files["text"])
		writeFiles(t, src, files)
		s.run("backup", src)
		compared := 0
		eachNode(t, r, func(path string, n *Node) {
			if n.Type != FileNode {
				return
			}
			compared++
			want := chunkIDs(r, files[strings.TrimPrefix(path, src+"/")])
			if !slices.Equal(n.Content, want) {
				t.Errorf("%q: stock restic cuts %d blobs %v, we cut %d %v", path, len(n.Content), n.Content, len(want), want)
			}
		})
		if compared != len(files) {
			t.Errorf("compared %d files, want %d", compared, len(files))
		}
	}
}

// eachNode calls f with all nodes of all snapshots.
func eachNode(t testing.TB, r *Repository, f func(path string, n *Node)) {
	t.Helper()
	var walk func(id ID, prefix string)
	walk = func(id ID, prefix string) {
		tree, err := r.LoadTree(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range tree.Nodes {
			f(prefix+n.Name, n)
			if n.Subtree != nil {
				walk(*n.Subtree, prefix+n.Name+"/")
			}
		}
	}
	for s, err := range r.Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		walk(*s.Tree, "/")
	}
}

// Every tree that stock restic wrote must come out of decoding and encoding as the same bytes.
func TestTreesAreByteForByteStock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	src := t.TempDir()
	files := sampleFiles()
	writeFiles(t, src, files)
	if err := os.Mkdir(filepath.Join(src, "raw"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dangling <target>", "U+FFFD \ufffd target", "\u2029 and \x01", "raw/\xfe"} {
		if err := os.Symlink("nowhere/"+name, filepath.Join(src, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(src, "one"), filepath.Join(src, "hard link")); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("mkfifo", filepath.Join(src, "fifo")).Run(); err != nil {
		t.Log("without a named pipe: ", err)
	}
	if err := os.Mkdir(filepath.Join(src, "no files"), 0o711|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(src, "one"), 0o755|fs.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	for name, when := range map[string]time.Time{
		"small": time.Date(1901, 12, 14, 0, 0, 0, 0, time.UTC),
		"text":  time.Date(2001, 2, 3, 4, 5, 6, 700_000_000, time.UTC),
		"zeros": time.Date(2200, 2, 3, 4, 5, 6, 1, time.UTC),
	} {
		if err := os.Chtimes(filepath.Join(src, name), when, when); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{src, "/dev/null", "/usr/share/zoneinfo", "/etc"} // whatever of these is here
	paths = slices.DeleteFunc(paths, func(p string) bool { _, err := os.Stat(p); return err != nil })
	_ = s.command(append([]string{"backup"}, paths...)...).Run() // unreadable files are no matter here
	for _, zone := range []string{"America/St_Johns", "Asia/Kathmandu"} {
		cmd := s.command("backup", src)
		cmd.Env = append(cmd.Env, "TZ="+zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}

	if err := r.LoadIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	trees := r.index.tables[TreeBlob].settled().mem
	for _, e := range trees {
		document, err := r.LoadBlob(t.Context(), BlobHandle{TreeBlob, e.id}, nil)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parseTree(document)
		if err != nil {
			t.Fatalf("%s: %v", document, err)
		}
		if bytes.Contains(document, []byte(`\ufffd`)) && !bytes.Contains(document, []byte(`linktarget_raw`)) {
			continue // a target that isn't UTF-8, which restic before 0.17 lost
		}
		again, err := tree.encode()
		if err != nil {
			t.Errorf("%s: %v", document, err)
		}
		if !bytes.Equal(again, document) {
			t.Errorf("stock restic wrote\n%s\nwe write\n%s", document, again)
		}
	}
	if len(trees) < 10 {
		t.Errorf("only %d trees to compare", len(trees))
	}
	t.Logf("compared %d trees", len(trees))
}

// Documents of versions newer than the one at hand, as their description has them.
func TestTreeFieldsOfNewerVersions(t *testing.T) {
	documents := []string{
		`{"nodes":[]}` + "\n",
		`{"nodes":[{"name":"l","type":"symlink","mode":134218239,"mtime":"2024-01-02T03:04:05.000000006+05:45","atime":"2024-01-02T03:04:05Z","ctime":"0001-01-01T00:00:00Z","uid":0,"gid":0,"links":1,"linktarget":"a\ufffdb","linktarget_raw":"Yf9i","content":null}]}` + "\n",
		`{"nodes":[{"name":"f","type":"file","mtime":"2024-01-02T03:04:05Z","atime":"2024-01-02T03:04:05Z","ctime":"2024-01-02T03:04:05Z","uid":4294967295,"gid":1,"extended_attributes":[{"name":"user.x","value":"AAH/"},{"name":"user.y","value":null}],"generic_attributes":{"windows.creation_time":"AMpvoEv/2QE=","windows.file_attributes":32},"content":[],"error":"x \u003c y"}]}` + "\n",
		`{"nodes":[{"name":"dev","type":"chardev","mode":69206454,"mtime":"2024-01-02T03:04:05Z","atime":"2024-01-02T03:04:05Z","ctime":"2024-01-02T03:04:05Z","uid":0,"gid":0,"device":259,"content":null}]}` + "\n",
	}
	for _, d := range documents {
		tree, err := parseTree([]byte(d))
		if err != nil {
			t.Errorf("%s: %v", d, err)
			continue
		}
		if again, err := tree.encode(); err != nil || string(again) != d {
			t.Errorf("%s\nbecame %s (%v)", d, again, err)
		}
	}
}

func TestTreesWeRefuse(t *testing.T) {
	file := func(name string) *Node { return &Node{Name: name, Type: FileNode} }
	var zero ID
	for name, nodes := range map[string][]*Node{
		"unsorted":            {file("b"), file("a")},
		"the same name twice": {file("a"), file("a")},
		"sorted as text only": {file("a"), file("B")},
		"no name":             {file("")},
		"parent":              {file("..")},
		"slash":               {file("a/b")},
		"no type":             {{Name: "a"}},
		"no subtree":          {{Name: "a", Type: DirNode}},
		"zero subtree":        {{Name: "a", Type: DirNode, Subtree: &zero}},
		"file with subtree":   {{Name: "a", Type: FileNode, Subtree: &zero}},
		"nil":                 {nil},
	} {
		if document, err := (&Tree{Nodes: nodes}).encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, document)
		}
	}
	document, err := (&Tree{Nodes: []*Node{{Name: "a", Type: FileNode, ModTime: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}}}).encode()
	if err != nil || !bytes.Contains(document, []byte(`"content":[]`)) || !bytes.Contains(document, []byte(`"mtime":"9999-`)) {
		t.Errorf("a file without content became %s (%v)", document, err)
	}
}

// Snapshots and locks must come out as stock restic writes them, too.
func TestSnapshotIsByteForByteStock(t *testing.T) {
	r, dir := newRepo(t, cheap)
	s := newStock(t, dir)
	src := t.TempDir()
	writeFiles(t, src, map[string][]byte{"a": {'a'}})
	s.run("backup", src, "--tag", "x,y", "--exclude", "*.tmp", "--host", "h", "--time", "2021-02-03 04:05:06")
	s.run("backup", src, "--tag", "x,y", "--host", "h")
	s.run("tag", "--add", "z")
	count := 0
	for fi, err := range r.be.List(t.Context(), SnapshotFile) {
		if err != nil {
			t.Fatal(err)
		}
		count++
		want, err := r.loadUnpacked(t.Context(), fi.Handle)
		if err != nil {
			t.Fatal(err)
		}
		snapshot, err := r.LoadSnapshot(t.Context(), fi.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(snapshot); err != nil || !bytes.Equal(got, bytes.TrimSpace(want)) {
			t.Errorf("stock restic wrote\n%s\nwe write\n%s", want, got)
		}
		if found, err := r.FindSnapshot(t.Context(), fi.ID.String()[:9]); err != nil || found.ID() != fi.ID {
			t.Errorf("find %v: %v, %v", fi.ID, found, err)
		}
	}
	if count != 2 {
		t.Errorf("%d snapshots", count)
	}
	if _, err := r.FindSnapshot(t.Context(), ""); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("find any of two: %v", err)
	}
	if _, err := r.FindSnapshot(t.Context(), "latest"); !errors.Is(err, ErrNotFound) {
		t.Errorf("find none: %v", err)
	}
}

// A repository of version 1 has no compression; what we add to it must have none either.
func TestVersion1(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repo")
	s := newStock(t, dir)
	s.run("init", "--repository-version", "1")
	src := t.TempDir()
	files := sampleFiles()
	writeFiles(t, src, files)
	s.run("backup", src)
	r := reopen(t, dir)
	if r.Version() != 1 {
		t.Fatalf("version %d", r.Version())
	}
	got := make(map[string][]byte)
	for snapshot, err := range r.Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		readFiles(t, r, *snapshot.Tree, "", got)
	}
	if len(got) != len(files) {
		t.Errorf("%d files, want %d", len(got), len(files))
	}
	snapshot := saveSnapshot(t, r, map[string][]byte{"new": pseudoRandom(9, 3<<20), "text": files["text"]})
	s.check("--read-data")
	if out := s.run("dump", snapshot.ID().String(), "/new"); out != string(pseudoRandom(9, 3<<20)) {
		t.Error("stock restic dumps something else than we stored")
	}
}
