package msgfile_test

import (
	"encoding/json"
	"fmt"
	"mime"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
	"github.com/opencdo/opencdo/mapi/storetest"
	"github.com/opencdo/opencdo/msgfile"
)

// rewritten writes each sample file anew, next to a copy of the original, and gives the names of both. Those that a fuzzer made
// are left out.
func rewritten(t *testing.T) (originals, copies []string) {
	dir := t.TempDir()
	data := filepath.Join(vectors.Data(t), "msg")
	files, err := filepath.Glob(filepath.Join(data, "*", "*.msg"))
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		name, _ := filepath.Rel(data, file)
		if vectors.DamagedMsg[filepath.ToSlash(name)] > 0 {
			continue
		}
		f, err := msgfile.OpenFile(file)
		if err != nil {
			t.Fatal(err)
		}
		originals = append(originals, file)
		copies = append(copies, save(t, filepath.Join(dir, fmt.Sprintf("%03d-%s", i, filepath.Base(file))), &f.Item))
		f.Close()
	}
	return originals, copies
}

// save writes an item to a file, without its sidecar.
func save(t *testing.T, name string, it *mapi.Item) string {
	t.Helper()
	msg, _ := write(t, it)
	if err := os.WriteFile(name, msg, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// savedSamples writes the sample items to files.
func savedSamples(t *testing.T) (samples []storetest.Sample, files []string) {
	dir := t.TempDir()
	for i, s := range storetest.SampleItems() {
		samples = append(samples, s)
		files = append(files, save(t, filepath.Join(dir, fmt.Sprintf("%d.msg", i)), s.Item))
	}
	return samples, files
}

// run gives a tool a list of file names on its standard input and decodes what it prints.
func run(t *testing.T, files []string, into any, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// olefileScript lists the streams of each file, with the ids of named properties left open, and what olefile finds wrong.
const olefileScript = `
import hashlib, json, re, sys, olefile
def look(path):
    with olefile.OleFileIO(path, raise_defects=olefile.DEFECT_UNSURE) as ole:
        found = []
        for name in ole.listdir():
            text = re.sub('__substg1.0_[89A-F]...', '__substg1.0_NAME', '/'.join(name))
            data = ole.openstream(name).read()
            if text.endswith('__properties_version1.0'):
                data = str(len(data)).encode() # the order of the entries is another
            if not text.startswith('__nameid'):
                found.append(text + ' ' + hashlib.sha256(data.rstrip(b'\0')).hexdigest())
        return sorted(found)
print(json.dumps([look(path) for path in sys.stdin.read().splitlines()]))
`

// TestOlefileFindsTheSameStreams compares the streams of each sample file with those of the file written anew.
func TestOlefileFindsTheSameStreams(t *testing.T) {
	python := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import olefile").Run() == nil {
			python = name
		}
	}
	if python == "" {
		t.Skip("SKIPPED: no python3 with olefile (Debian: python3-olefile)")
	}
	originals, copies := rewritten(t)
	var was, is [][]string
	relaxed := strings.Replace(olefileScript, ", raise_defects=olefile.DEFECT_UNSURE", "", 1)
	run(t, originals, &was, python, "-c", relaxed)
	run(t, copies, &is, python, "-c", olefileScript)
	masked := regexp.MustCompile(`__properties_version1.0 `) // the support mask may have been added
	for i := range was {
		missing := difference(was[i], is[i], masked)
		extra := difference(is[i], was[i], masked)
		if len(missing)+len(extra) > 0 {
			t.Errorf("%s: missing %q, not there before %q", filepath.Base(originals[i]), missing, extra)
		}
	}
}

// difference is what a has and b hasn't, without what is to be left out.
func difference(a, b []string, leave *regexp.Regexp) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) && !leave.MatchString(s) {
			out = append(out, s)
		}
	}
	return out
}

// msgreaderScript prints what msgreader finds in each file.
const msgreaderScript = `
const { default: MsgReader } = require(process.env.OPENCDO_MSGREADER + '/@kenjiuno/msgreader');
const fs = require('fs'), crypto = require('crypto');
const digest = b => crypto.createHash('sha256').update(b).digest('hex');
function clean(reader, data) {
  const out = {};
  for (const [key, value] of Object.entries(data)) {
    if (['dataId', 'folderId', 'rawProps', 'propIdToName'].includes(key)) continue;
    if (value instanceof Uint8Array) out[key] = digest(value);
    else if (key === 'recipients') out[key] = value.map(r => clean(reader, r));
    else if (key === 'attachments') out[key] = value.map(a => {
      const c = clean(reader, a);
      if (a.contentLength !== undefined) { const content = reader.getAttachment(a).content; if (content) c.sha256 = digest(content); }
      return c;
    });
    else if (key === 'innerMsgContentFields') out[key] = clean(reader, value);
    else out[key] = value;
  }
  return out;
}
const look = path => { const r = new MsgReader(fs.readFileSync(path)); return clean(r, r.getFileData()); };
console.log(JSON.stringify(fs.readFileSync(0, 'utf8').split('\n').map(look)));
`

func msgreader(t *testing.T, files []string) (found []map[string]any) {
	t.Helper()
	dir := os.Getenv("OPENCDO_MSGREADER")
	if dir == "" {
		t.Skip("SKIPPED: set OPENCDO_MSGREADER to the node_modules folder that has @kenjiuno/msgreader")
	}
	if _, err := os.Stat(filepath.Join(dir, "@kenjiuno", "msgreader")); err != nil {
		t.Skipf("SKIPPED: %v: OPENCDO_MSGREADER must name a node_modules folder that has @kenjiuno/msgreader", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED: no node (Debian: nodejs)")
	}
	run(t, files, &found, node, "-e", msgreaderScript)
	return found
}

// TestMsgreaderFindsTheSame compares all that msgreader finds in each sample file with what it finds in the file written anew.
func TestMsgreaderFindsTheSame(t *testing.T) {
	originals, copies := rewritten(t)
	was, is := msgreader(t, originals), msgreader(t, copies)
	for i := range was {
		for _, d := range different("", was[i], is[i]) {
			t.Errorf("%s: %s", filepath.Base(originals[i]), d)
		}
	}
}

// different compares two JSON values.
func different(path string, a, b any) (out []string) {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if ok && ok2 {
		for k := range x {
			out = append(out, different(path+"/"+k, x[k], y[k])...)
		}
		for k := range y {
			if _, ok := x[k]; !ok {
				out = append(out, path+"/"+k+" came from nowhere")
			}
		}
		return out
	}
	u, ok := a.([]any)
	v, ok2 := b.([]any)
	if ok && ok2 && len(u) == len(v) {
		for i := range u {
			out = append(out, different(fmt.Sprint(path, "/", i), u[i], v[i])...)
		}
		return out
	}
	if p, q := fmt.Sprint(a), fmt.Sprint(b); strings.TrimRight(p, "\x00") != strings.TrimRight(q, "\x00") {
		out = append(out, fmt.Sprintf("%s was %.100q, is %.100q", path, p, q))
	}
	return out
}

// TestMsgreaderReadsSampleItems compares what msgreader finds in items of ours with the items.
func TestMsgreaderReadsSampleItems(t *testing.T) {
	samples, files := savedSamples(t)
	for i, got := range msgreader(t, files) {
		for _, key := range []string{"body", "rtf", "compressedRtf"} {
			delete(got, key) // of other types than in the truth files
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var m vectors.MsgReading
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		for _, d := range compareSample(t, samples[i].Item, &m) {
			t.Errorf("%s: %s", samples[i].Name, d)
		}
	}
}

func compareSample(t *testing.T, it *mapi.Item, m *vectors.MsgReading) (out []string) {
	differ := func(what, got, want string) {
		if got != want {
			out = append(out, fmt.Sprintf("%s is %q, want %q", what, got, want))
		}
	}
	wide := it.Props.Tag(pid.TagMessageClass) != nil // 8-bit strings are read as Windows-1252 there
	if wide {
		differ("subject", m.Subject, vectors.MsgText(t, 0, it.Props, pid.TagSubject))
		differ("sender", m.SenderName, vectors.MsgText(t, 0, it.Props, pid.TagSenderName))
	}
	differ("number of recipients", fmt.Sprint(len(m.Recipients)), fmt.Sprint(len(it.Recipients)))
	for i := range min(len(it.Recipients), len(m.Recipients)) {
		if wide {
			differ("recipient", m.Recipients[i].Name, vectors.MsgText(t, 0, it.Recipients[i], pid.TagDisplayName))
		}
		differ("address", m.Recipients[i].Email, vectors.MsgText(t, 0, it.Recipients[i], pid.TagEmailAddress))
	}
	differ("number of attachments", fmt.Sprint(len(m.Attachments)), fmt.Sprint(len(it.Attachments)))
	for i := range min(len(it.Attachments), len(m.Attachments)) {
		a := it.Attachments[i]
		differ("attachment", m.Attachments[i].FileName, vectors.MsgText(t, 0, a.Props, pid.TagAttachLongFilename))
		if b, ok := vectors.Raw(t, a.Props.Tag(pid.TagAttachDataBinary)); ok {
			differ("content", m.Attachments[i].SHA256, vectors.SHA256(b))
		}
	}
	return out
}

// TestMsgconvertFindsTheSame compares the mail that msgconvert makes of some sample files with that of the files written anew.
func TestMsgconvertFindsTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a second a file")
	}
	originals, copies := rewritten(t)
	for i := 0; i < len(originals); i += 4 {
		was, is := msgconvert(t, originals[i]), msgconvert(t, copies[i])
		if was != is {
			t.Errorf("%s: %s", filepath.Base(originals[i]), firstLine(was, is))
		}
	}
}

func firstLine(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("was %q, is %q", x[i], y[i])
		}
	}
	return fmt.Sprintf("had %d lines, has %d", len(x), len(y))
}

// boundary is what msgconvert makes up anew each time.
var boundary = regexp.MustCompile(`\d{10,}\.[0-9A-Za-z]+\.\d+`)

func msgconvert(t *testing.T, file string) string {
	t.Helper()
	tool, err := exec.LookPath("msgconvert")
	if err != nil {
		t.Skip("SKIPPED: no msgconvert (Debian: libemail-outlook-message-perl)")
	}
	cmd := exec.Command(tool, "--outfile", "-", file)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("msgconvert %s: %v", filepath.Base(file), err)
	}
	return boundary.ReplaceAllString(string(out), "BOUNDARY")
}

// TestMsgconvertReadsSampleItems looks for the subject, the addresses and the attachments of items of ours in the mail that
// msgconvert makes of them.
func TestMsgconvertReadsSampleItems(t *testing.T) {
	samples, files := savedSamples(t)
	for i, file := range files {
		it := samples[i].Item
		if it.Props.Text(pid.TagMessageClass) != "IPM.Note" || it.Props.Tag(pid.TagSubject) == nil {
			continue
		}
		mail := decodeHeaders(msgconvert(t, file))
		for _, want := range []string{vectors.MsgText(t, 0, it.Props, pid.TagSubject), vectors.MsgText(t, 0, it.Props, pid.TagSenderEmailAddress)} {
			if !strings.Contains(mail, want) {
				t.Errorf("%s: %q isn't there", samples[i].Name, want)
			}
		}
		listed := it.Props.Text(pid.TagDisplayTo) + it.Props.Text(pid.TagDisplayCc) // it takes no others
		for _, r := range it.Recipients {
			want := vectors.MsgText(t, 0, r, pid.TagEmailAddress)
			if strings.Contains(listed, vectors.MsgText(t, 0, r, pid.TagDisplayName)) && !strings.Contains(mail, want) {
				t.Errorf("%s: recipient %q isn't there", samples[i].Name, want)
			}
		}
		for _, a := range it.Attachments {
			want := vectors.MsgText(t, 0, a.Props, pid.TagAttachLongFilename)
			if ascii(want) && !strings.Contains(mail, want) { // others are encoded in several ways
				t.Errorf("%s: attachment %q isn't there", samples[i].Name, want)
			}
		}
	}
}

// decodeHeaders makes encoded words readable and folded lines one.
func decodeHeaders(mail string) string {
	head, body, _ := strings.Cut(strings.ReplaceAll(mail, "\r\n", "\n"), "\n\n")
	head = strings.ReplaceAll(head, "\n ", " ")
	if s, err := wordDecoder.DecodeHeader(head); err == nil {
		head = s
	}
	return head + "\n\n" + body
}

var wordDecoder mime.WordDecoder

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
