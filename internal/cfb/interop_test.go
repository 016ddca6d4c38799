package cfb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/cfb"
)

// olefileScript prints what olefile finds in each file named on standard input, and refuses whatever it is unsure of.
const olefileScript = `
import hashlib, json, sys, olefile
def look(path):
    with olefile.OleFileIO(path, raise_defects=olefile.DEFECT_UNSURE) as ole:
        found = {'/': ole.root.clsid}
        for name in ole.listdir(streams=True, storages=True):
            if ole.get_type(name) == olefile.STGTY_STREAM:
                data = ole.openstream(name).read()
                found['/'.join(name)] = '%d %s' % (len(data), hashlib.sha256(data).hexdigest()[:16])
            else:
                found['/'.join(name) + '/'] = ole.getclsid(name)
        return found, [str(issue[1]) for issue in ole.parsing_issues]
print(json.dumps({path: look(path) for path in sys.stdin.read().splitlines()}))
`

// python is an interpreter that has olefile.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import olefile").Run() == nil {
			return name
		}
	}
	t.Skip("SKIPPED: no python3 with olefile (Debian: python3-olefile)")
	return ""
}

func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: no %s (Debian: %s)", name, debian)
	}
	return path
}

// writtenFiles writes all trees and these samples anew to files, in both versions of the format.
func writtenFiles(t *testing.T, samples ...sample) map[string]map[string]string {
	t.Helper()
	dir := t.TempDir()
	files := make(map[string]map[string]string)
	add := func(name string, root *cfb.Node) {
		for version, plan := range map[string]func(*cfb.Node) (*cfb.Layout, error){"v3": cfb.Plan, "v4": cfb.PlanVersion4} {
			l, err := plan(root)
			if err != nil {
				t.Fatal(err)
			}
			var buf bytes.Buffer
			if _, err := l.WriteTo(&buf); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_")+"."+version)
			if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			all, errs := contents(mustOpen(t, buf.Bytes()).Root)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			files[path] = all
		}
	}
	for name, tree := range trees() {
		add(name, tree)
	}
	for _, s := range samples {
		if f := mustOpen(t, s.content); len(second(contents(f.Root))) == 0 {
			add(s.name, copyOf(t, f.Root))
		}
	}
	return files
}

func TestOlefileReadsWhatIsWritten(t *testing.T) {
	interpreter := python(t)
	files := writtenFiles(t, samples(t)...)
	var names bytes.Buffer
	for path := range files {
		fmt.Fprintln(&names, path)
	}
	cmd := exec.Command(interpreter, "-c", olefileScript)
	cmd.Stdin, cmd.Stderr = &names, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string][2]json.RawMessage
	if err := json.Unmarshal(out, &raw); err != nil {
		t.Fatal(err)
	}
	if len(raw) != len(files) {
		t.Fatalf("%d files read of %d", len(raw), len(files))
	}
	for path, want := range files {
		var got map[string]string
		var issues []string
		if err := json.Unmarshal(raw[path][0], &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw[path][1], &issues); err != nil {
			t.Fatal(err)
		}
		if len(issues) > 0 {
			t.Errorf("%s: %v", filepath.Base(path), issues)
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d storages and streams, want %d", filepath.Base(path), len(got), len(want))
		}
		for name, digest := range got {
			if strings.HasSuffix(name, "/") {
				digest = clsidBytes(digest)
			}
			if want[name] != digest {
				t.Errorf("%s: %q is %q, want %q", filepath.Base(path), name, digest, want[name])
			}
		}
	}
}

// clsidBytes turns a GUID as olefile prints it, empty for none, into the hexadecimal bytes of the file.
func clsidBytes(guid string) string {
	if guid == "" {
		return strings.Repeat("0", 32)
	}
	h := strings.ToLower(strings.ReplaceAll(guid, "-", ""))
	return h[6:8] + h[4:6] + h[2:4] + h[0:2] + h[10:12] + h[8:10] + h[14:16] + h[12:14] + h[16:]
}

func TestGsfListsWhatIsWritten(t *testing.T) {
	gsf := tool(t, "gsf", "libgsf-bin")
	line := regexp.MustCompile(`^([df]) +(\d+) (.*)$`)
	for path, want := range writtenFiles(t) {
		out, err := exec.Command(gsf, "list", path).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", filepath.Base(path), err, out)
			continue
		}
		seen := 0
		for _, l := range strings.Split(string(out), "\n") {
			m := line.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			seen++
			name := strings.TrimPrefix(m[3], "*root*")
			digest, isStream := want[name]
			_, isStorage := want[name+"/"]
			// It takes empty storages for streams.
			if !isStorage && !isStream || isStream && !strings.HasPrefix(digest, m[2]+" ") || isStorage && m[2] != "0" {
				t.Errorf("%s: gsf lists %q, want %q", filepath.Base(path), l, digest)
			}
		}
		if seen != len(want) {
			t.Errorf("%s: gsf lists %d storages and streams, want %d", filepath.Base(path), seen, len(want))
		}
	}
}

func TestSevenZipTestsWhatIsWritten(t *testing.T) {
	sevenZip := tool(t, "7z", "p7zip-full")
	for path, want := range writtenFiles(t) {
		if len(want) == 1 {
			continue // 7z takes no interest in files without contents
		}
		out, err := exec.Command(sevenZip, "t", "-tcompound", path).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("Everything is Ok")) || bytes.Contains(out, []byte("WARNING")) {
			t.Errorf("%s: %v: %s", filepath.Base(path), err, out)
		}
	}
}
