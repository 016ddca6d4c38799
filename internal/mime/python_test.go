package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencdo/opencdo/internal/samplebox"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// script reads messages with Python's email package and prints what is in them, one JSON text a line.
const script = `
import sys, json, hashlib, email, email.policy, email.utils
names = {"windows-874": "cp874"}  # it is registered, but Python doesn't know it
for name in sys.stdin.read().split("\n"):
    if not name: continue
    raw = open(name, "rb").read()
    m = email.message_from_bytes(raw, policy=email.policy.default)
    out = {"Subject": str(m["subject"] or ""), "Defects": [], "Texts": [], "Files": [], "LongLine": max(len(l) for l in raw.split(b"\r\n")), "Bare": raw.replace(b"\r\n", b"").count(b"\n")}
    for f in ("From", "To", "Cc", "Bcc"):
        out[f] = [[a.display_name, a.addr_spec] for a in m[f].addresses] if m[f] else []
    out["Date"] = m["date"].datetime.astimezone(__import__("datetime").timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if m["date"] else ""
    out["MessageID"] = str(m["message-id"] or "")
    def walk(p):
        out["Defects"] += [str(d) for d in p.defects]
        t = p.get_content_type()
        if t == "message/rfc822":
            out["Files"].append(["message", str(p.get_payload(0)["subject"] or ""), ""]); return
        if p.is_multipart():
            for c in p.iter_parts() if t.startswith("multipart/") else p.get_payload(): walk(c)
            return
        data = p.get_payload(decode=True)
        if p.get_content_disposition() is None and t in ("text/plain", "text/html"):
            out["Texts"].append([t, data.decode(names.get(p.get_content_charset(), p.get_content_charset() or "ascii"))])
        elif t not in ("message/delivery-status", "message/disposition-notification", "text/calendar", "text/vcard"):
            out["Files"].append([t, p.get_filename() or "", hashlib.sha256(data).hexdigest()])
    walk(m)
    print(json.dumps(out))
`

// reading is what Python found in a message.
type reading struct {
	Subject, Date, MessageID string
	From, To, Cc, Bcc        [][2]string
	Texts                    [][2]string
	Files                    [][3]string
	Defects                  []string
	LongLine, Bare           int
}

// python reads messages with Python's email package.
func python(t *testing.T, messages [][]byte) (list []reading) {
	t.Helper()
	exe, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: python3 is needed to read what was written")
	}
	dir := t.TempDir()
	var names bytes.Buffer
	for i, m := range messages {
		name := filepath.Join(dir, fmt.Sprintf("%d.eml", i))
		if err := os.WriteFile(name, m, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&names, name)
	}
	c := exec.CommandContext(t.Context(), exe, "-c", script)
	c.Stdin = &names
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for range messages {
		var r reading
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// An independent reader sees in the messages what the items hold.
func TestPythonReadsWhatIsWritten(t *testing.T) {
	var items []samplebox.Sample
	var messages [][]byte
	for s, err := range samplebox.Items(samplebox.Options{Items: samplebox.Block, Seed: 3}) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind != mapi.Normal {
			continue
		}
		var b bytes.Buffer
		if err := Write(&b, s.Item); err != nil {
			t.Fatal(err)
		}
		items, messages = append(items, s), append(messages, b.Bytes())
	}
	for i, r := range python(t, messages) {
		t.Run(items[i].Name, func(t *testing.T) {
			r.compare(t, items[i].Item)
			if t.Failed() {
				t.Logf("%.1500s", messages[i])
			}
		})
	}
}

func (r *reading) compare(t *testing.T, it *mapi.Item) {
	p := it.Props
	class := p.Text(pid.TagMessageClass)
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %.400q, want %.400q", what, got, want)
		}
	}
	if len(r.Defects) > 0 || r.LongLine > 998 || r.Bare > 0 {
		t.Errorf("defects %q, a line of %d characters, %d bare line feeds", r.Defects, r.LongLine, r.Bare)
	}
	check("subject", r.Subject, p.Text(pid.TagSubject))
	if d, ok := p.Tag(pid.TagClientSubmitTime).(mapi.FileTime); ok {
		check("date", r.Date, d.Time().Truncate(time.Second).Format(time.RFC3339))
	}
	check("message id", r.MessageID, p.Text(pid.TagInternetMessageId))
	lists := map[int32][][2]string{recipientTo: r.To, recipientCc: r.Cc, recipientBcc: r.Bcc}
	for typ, got := range lists {
		if isDeliveryReport(it) {
			break // of those whom it is about
		}
		var want [][2]string
		for _, rec := range it.Recipients {
			if rec.Tag(pid.TagRecipientType) == typ {
				want = append(want, who(rec.Text(pid.TagDisplayName), rec.Text(pid.TagSmtpAddress)))
			}
		}
		check("recipients", fmt.Sprint(got), fmt.Sprint(want))
	}
	if want := p.Text(pid.TagSentRepresentingSmtpAddress); want != "" {
		check("from", fmt.Sprint(r.From), fmt.Sprint([][2]string{who(p.Text(pid.TagSentRepresentingName), want)}))
	}
	if strings.Contains(class, "SMIME") || strings.HasPrefix(class, "REPORT.") {
		return
	}
	if n, _ := p.Tag(pid.TagNativeBody).(int32); n == nativeHTML || n == nativePlain {
		html, page, err := bodyHTML(&p)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range r.Texts {
			want := decodePage(page, html)
			if text[0] == "text/plain" {
				want = lineBreaks(propText(&p, pid.TagBody))
			}
			check(text[0], strings.TrimRight(text[1], "\r\n"), strings.TrimRight(want, "\r\n"))
		}
		if n == nativeHTML && !slices.ContainsFunc(r.Texts, func(t [2]string) bool { return t[0] == "text/html" }) {
			t.Error("the HTML is missing")
		}
	}
	var got, want []string
	for _, f := range r.Files {
		got = append(got, f[1]+" "+f[2])
	}
	for _, a := range it.Attachments {
		switch {
		case exception(&a.Props):
		case a.Embedded != nil:
			want = append(want, a.Embedded.Props.Text(pid.TagSubject)+" ")
		default:
			h := sha256.Sum256(value(t, a.Props.Tag(pid.TagAttachDataBinary)))
			want = append(want, a.Props.Text(pid.TagAttachLongFilename)+" "+hex.EncodeToString(h[:]))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	check("attachments", strings.Join(got, "\n"), strings.Join(want, "\n"))
}

// who is a name and an address; Python gives no name for one that is the address.
func who(name, addr string) [2]string {
	if name == addr {
		name = ""
	}
	return [2]string{name, addr}
}
