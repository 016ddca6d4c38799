package smtp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/opencdo/opencdo/exchange"
	"github.com/opencdo/opencdo/exchangeserver"
	"github.com/opencdo/opencdo/exchangetest"
	"github.com/opencdo/opencdo/internal/delivery"
	"github.com/opencdo/opencdo/internal/samplebox"
	"github.com/opencdo/opencdo/internal/smtp"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

// ours is a property that programs set, and one that travels in the header of a message.
var (
	ours   = mapi.NamedKey(mapi.PropName{Set: mapi.PSPublicStrings, Name: "Cost centre"}, mapi.TypeString)
	header = mapi.NamedKey(mapi.PropName{Set: mapi.PSInternetHeaders, Name: "x-project"}, mapi.TypeString)
)

const (
	subject = "Παραγγελία 注文 заказ 🚚"
	plain   = "Καλημέρα,\r\n\r\nこんにちは。Привет! שלום\r\n"
	html    = "<html><body><p>Καλημέρα, <b>こんにちは</b></p></body></html>\r\n"
)

// rich is a message with what messages can have.
func rich(to ...mapi.Props) *mapi.Item {
	tag := func(t mapi.Tag, v mapi.Value) mapi.Prop { return mapi.Prop{Key: mapi.TagKey(t), Value: v} }
	file := func(n int32, name, typ string, data []byte) *mapi.Attachment {
		return &mapi.Attachment{Props: mapi.Props{tag(pid.TagAttachNumber, n), tag(pid.TagAttachMethod, int32(1)), tag(pid.TagRenderingPosition, int32(-1)),
			tag(pid.TagAttachLongFilename, name), tag(pid.TagAttachFilename, "FILE"), tag(pid.TagAttachMimeTag, typ), tag(pid.TagAttachDataBinary, data)}}
	}
	binary := make([]byte, 300_000)
	for i := range binary {
		binary[i] = byte(i * i >> 7)
	}
	return &mapi.Item{
		Props: mapi.Props{tag(pid.TagMessageClass, "IPM.Note"), tag(pid.TagSubject, subject), tag(pid.TagBody, plain), tag(pid.TagHtml, []byte(html)),
			tag(pid.TagInternetCodepage, int32(65001)), tag(pid.TagNativeBody, int32(3)), tag(pid.TagImportance, int32(2)),
			tag(pid.TagMessageFlags, int32(8)), {Key: ours, Value: "4711 – Прага"}, {Key: header, Value: "Käse"}},
		Recipients: to,
		Attachments: []*mapi.Attachment{
			file(0, "Übersicht 概要.bin", "application/octet-stream", binary), file(1, "notes.txt", "text/plain", []byte("a\nb\r\n\x80")),
			{Props: mapi.Props{tag(pid.TagAttachNumber, int32(2)), tag(pid.TagAttachMethod, int32(5)), tag(pid.TagRenderingPosition, int32(-1)), tag(pid.TagDisplayName, "Внутри")},
				Embedded: &mapi.Item{Props: mapi.Props{tag(pid.TagMessageClass, "IPM.Note"), tag(pid.TagSubject, "Внутри"), tag(pid.TagBody, "вложенное\r\n"), tag(pid.TagNativeBody, int32(1))}}},
		},
	}
}

func to(kind int32, address string) mapi.Props {
	return mapi.Props{{Key: mapi.TagKey(pid.TagRecipientType), Value: kind}, {Key: mapi.TagKey(pid.TagDisplayName), Value: address},
		{Key: mapi.TagKey(pid.TagAddressType), Value: "SMTP"}, {Key: mapi.TagKey(pid.TagEmailAddress), Value: address}}
}

func open(t *testing.T, srv *exchangetest.Server, alias string) *exchange.Store {
	t.Helper()
	st, err := exchange.Open(t.Context(), exchange.Config{MailboxURL: srv.MailboxURL(t, alias), UserDN: srv.UserDN(t, alias), HTTP: srv.Client(),
		Authorize: srv.Authorize(alias)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func place(t *testing.T, st mapi.Store, r mapi.Role) mapi.Folder {
	t.Helper()
	id, err := st.Special(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := st.Folder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func items(t *testing.T, f mapi.Folder) (list []*mapi.Item) {
	t.Helper()
	for r, err := range f.Rows(t.Context(), mapi.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		it, err := mapi.ReadItem(t.Context(), f, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, it)
	}
	return list
}

func submit(t *testing.T, st *exchange.Store, it *mapi.Item) {
	t.Helper()
	outbox := place(t, st, mapi.RoleOutbox)
	id, err := mapi.WriteItem(t.Context(), outbox, mapi.Normal, it)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Submit(t.Context(), outbox.ID(), id); err != nil {
		t.Fatal(err)
	}
}

// listen serves the mailboxes of a server until the test ends.
func listen(t *testing.T, srv *exchangetest.Server, lmtp bool) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- smtp.Serve(ctx, l, smtp.Config{Receiver: srv.Server, Domain: srv.Domain, LMTP: lmtp, SpoolDir: t.TempDir()})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// sending is a server of contoso.test whose mail for others goes to a smarthost.
func sending(t *testing.T, h *smtp.Smarthost) *exchangetest.Server {
	return exchangetest.New(t, exchangetest.Options{Config: func(c *exchangeserver.Config) { c.Relay = h }})
}

func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %.300q, want %.300q", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}

// arrived compares what came with what was sent.
func arrived(t *testing.T, list []*mapi.Item, want *mapi.Item) *mapi.Item {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d messages", len(list))
	}
	it := list[0]
	for _, tag := range []mapi.Tag{pid.TagSubject, pid.TagBody, pid.TagImportance} {
		check(t, pid.Name(mapi.TagKey(tag)), it.Props.Tag(tag), want.Props.Tag(tag))
	}
	check(t, "HTML", string(it.Props.Tag(pid.TagHtml).([]byte)), html)
	check(t, "header", it.Props.Get(header), "Käse")
	if len(it.Attachments) != 3 {
		t.Fatalf("%d attachments", len(it.Attachments))
	}
	for i, a := range want.Attachments[:2] {
		check(t, "name", it.Attachments[i].Props.Text(pid.TagAttachLongFilename), a.Props.Text(pid.TagAttachLongFilename))
		if got, _ := it.Attachments[i].Props.Tag(pid.TagAttachDataBinary).([]byte); !bytes.Equal(got, a.Props.Tag(pid.TagAttachDataBinary).([]byte)) {
			t.Errorf("attachment %d: %d bytes, others than were sent", i, len(got))
		}
	}
	inner := it.Attachments[2].Embedded
	if inner == nil {
		t.Fatal("the embedded message is missing")
	}
	check(t, "inner subject", inner.Props.Text(pid.TagSubject), "Внутри")
	check(t, "inner text", inner.Props.Text(pid.TagBody), "вложенное\r\n")
	return it
}

// Between mailboxes of one server all properties arrive; between servers those that messages carry.
func TestDelivery(t *testing.T) {
	far := exchangetest.New(t, exchangetest.Options{Domain: "fabrikam.test"})
	near := sending(t, &smtp.Smarthost{Address: listen(t, far, false), Domain: "contoso.test"})
	alice := open(t, near, "alice")
	it := rich(to(1, "bob@contoso.test"), to(1, "bob@fabrikam.test"), to(2, "elsewhere@adatum.test"), to(3, "alice@fabrikam.test"))
	submit(t, alice, it)

	local := arrived(t, items(t, place(t, open(t, near, "bob"), mapi.RoleInbox)), it)
	check(t, "named property", local.Props.Get(ours), "4711 – Прага")

	remote := arrived(t, items(t, place(t, open(t, far, "bob"), mapi.RoleInbox)), it)
	check(t, "sender", remote.Props.Text(pid.TagSenderEmailAddress), "alice@contoso.test")
	check(t, "message id", remote.Props.Text(pid.TagInternetMessageId), local.Props.Text(pid.TagInternetMessageId))
	check(t, "to", remote.Props.Text(pid.TagDisplayTo), "bob@contoso.test; bob@fabrikam.test")
	check(t, "unread", remote.Props.Tag(pid.TagMessageFlags).(int32)&1, 0)
	check(t, "to me", remote.Props.Tag(pid.TagMessageToMe), true)
	for _, r := range remote.Recipients {
		if r.Tag(pid.TagRecipientType) == int32(3) {
			t.Errorf("%s is a blind copy, and to be seen", r.Text(pid.TagEmailAddress))
		}
	}
	arrived(t, items(t, place(t, open(t, far, "alice"), mapi.RoleInbox)), it) // the blind copy

	// One address was refused: the sender is told, of that alone.
	reports := items(t, place(t, alice, mapi.RoleInbox))
	if len(reports) != 1 || reports[0].Props.Text(pid.TagMessageClass) != "REPORT.IPM.Note.NDR" || len(reports[0].Recipients) != 1 {
		t.Fatalf("reports: %v", reports)
	}
	check(t, "refused", reports[0].Recipients[0].Text(pid.TagEmailAddress), "elsewhere@adatum.test")
	check(t, "why", reports[0].Recipients[0].Tag(pid.TagNonDeliveryReportStatusCode), 511)
}

// A meeting request is one in the other calendar too, and the answer comes back as one.
func TestMeeting(t *testing.T) {
	far := exchangetest.New(t, exchangetest.Options{Domain: "fabrikam.test"})
	near := sending(t, &smtp.Smarthost{Address: listen(t, far, false), Domain: "contoso.test"})
	var request *mapi.Item
	for s, err := range samplebox.Items(samplebox.Options{Items: samplebox.Block, Seed: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if s.Name == "meeting request" {
			request = s.Item
		}
	}
	it := &mapi.Item{Props: slices.DeleteFunc(slices.Clone(request.Props), func(p mapi.Prop) bool {
		return !p.Key.Named() && slices.Contains([]mapi.Tag{pid.TagSentRepresentingEmailAddress, pid.TagSentRepresentingSmtpAddress, pid.TagSentRepresentingName,
			pid.TagSentRepresentingAddressType, pid.TagInternetMessageId}, p.Key.Tag)
	}), Recipients: []mapi.Props{to(1, "bob@fabrikam.test")}}
	submit(t, open(t, near, "alice"), it)
	list := items(t, place(t, open(t, far, "bob"), mapi.RoleInbox))
	if len(list) != 1 {
		t.Fatalf("%d messages", len(list))
	}
	got := list[0].Props
	check(t, "class", got.Text(pid.TagMessageClass), "IPM.Schedule.Meeting.Request")
	for _, k := range []mapi.Key{pid.LidAppointmentStartWhole, pid.LidAppointmentEndWhole, pid.LidLocation, pid.LidGlobalObjectId, pid.LidIntendedBusyStatus} {
		check(t, pid.Name(k), got.Get(k), it.Props.Get(k))
	}
	check(t, "invited", got.Get(pid.LidToAttendeesString), "bob@fabrikam.test")
	if len(list[0].Attachments) != 0 {
		t.Errorf("%d attachments", len(list[0].Attachments))
	}
}

// What was taken for several and didn't reach all is reported to the sender, in a form that programs understand.
func TestBounce(t *testing.T) {
	c, address := smarthost(t, nil, false)
	srv := sending(t, &smtp.Smarthost{Address: address, Domain: "contoso.test"})
	failed := map[string]error{"bob@contoso.test": errors.New("the disk is full")}
	if err := srv.Server.Bounce(t.Context(), "joe@adatum.test", rich(to(1, "bob@contoso.test")), failed); err != nil {
		t.Fatal(err)
	}
	check(t, "envelope", c.from+fmt.Sprint(c.to), "[joe@adatum.test]")
	for _, want := range []string{"To: joe@adatum.test\r\n", "From: Mail system <postmaster@contoso.test>\r\n", "report-type=delivery-status", "Final-Recipient: rfc822; bob@contoso.test\r\n", "Action: failed\r\n",
		"the disk is full", "Content-Type: message/rfc822\r\n"} {
		if !strings.Contains(strings.ReplaceAll(string(c.messages[0]), "<joe@adatum.test>", "joe@adatum.test"), want) {
			t.Errorf("%q is missing in\n%.3000s", want, c.messages[0])
		}
	}
}

// capture is a smarthost that keeps what it gets.
type capture struct {
	mu       sync.Mutex
	messages [][]byte
	from     string
	to       []string
	user     string
}

func (c *capture) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return captureSession{c}, nil }

type captureSession struct{ *capture }

func (captureSession) Reset()        {}
func (captureSession) Logout() error { return nil }
func (c captureSession) Mail(from string, _ *gosmtp.MailOptions) error {
	c.from = from
	c.capture.from = from
	return nil
}
func (c captureSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	c.capture.to = append(c.capture.to, to)
	return nil
}
func (c captureSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.capture.messages = append(c.capture.messages, b)
	return err
}
func (captureSession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (c captureSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "right" {
			return errors.New("wrong password")
		}
		c.capture.user = user
		return nil
	}), nil
}

// smarthost starts one.
func smarthost(t *testing.T, conf *tls.Config, fromTheBegin bool) (*capture, string) {
	t.Helper()
	c := &capture{}
	s := gosmtp.NewServer(c)
	s.Domain, s.TLSConfig = "relay.test", conf
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if fromTheBegin {
		l = tls.NewListener(l, conf)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return c, address
}

// seen prints what Python's email package finds in a message.
const seen = `
import sys, json, hashlib, email, email.policy
m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
files, texts, defects = [], {}, []
def walk(p):
    global defects
    defects += [str(d) for d in p.defects]
    if p.get_content_type() == "message/rfc822":
        i = p.get_payload(0)
        files.append(["message", str(i["subject"]), i.get_content()])
    elif p.is_multipart():
        for c in p.iter_parts(): walk(c)
    elif p.get_content_disposition() == "attachment":
        files.append([p.get_content_type(), p.get_filename(), hashlib.sha256(p.get_payload(decode=True)).hexdigest()])
    else:
        texts[p.get_content_type()] = p.get_payload(decode=True).decode(p.get_content_charset())
walk(m)
print(json.dumps({"Subject": str(m["subject"]), "From": str(m["from"]), "To": str(m["to"]), "Bcc": str(m["bcc"]), "Project": str(m["x-project"]),
    "Importance": str(m["importance"]), "Files": files, "Texts": texts, "Defects": defects}))
`

// An independent program sees in what was sent over SMTP what the message holds.
func TestIndependentReader(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: python3 is needed to read what was sent")
	}
	c, address := smarthost(t, nil, false)
	srv := sending(t, &smtp.Smarthost{Address: address, Domain: "contoso.test"})
	it := rich(to(1, "eve@adatum.test"), to(3, "secret@adatum.test"))
	submit(t, open(t, srv, "alice"), it)
	if len(c.messages) != 1 {
		t.Fatalf("%d messages", len(c.messages))
	}
	check(t, "envelope", c.from, "alice@contoso.test")
	check(t, "envelope", c.to, "[eve@adatum.test secret@adatum.test]")
	cmd := exec.CommandContext(t.Context(), python, "-c", seen)
	cmd.Stdin = bytes.NewReader(c.messages[0])
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Subject, From, To, Bcc, Project, Importance string
		Files                                       [][3]string
		Texts                                       map[string]string
		Defects                                     []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	check(t, "defects", got.Defects, "[]")
	check(t, "subject", got.Subject, subject)
	check(t, "from", got.From, "Alice Example <alice@contoso.test>")
	check(t, "to", got.To, "eve@adatum.test")
	check(t, "bcc", got.Bcc, "None")
	check(t, "header", got.Project, "Käse")
	check(t, "importance", got.Importance, "high")
	check(t, "plain text", got.Texts["text/plain"], plain)
	check(t, "HTML", got.Texts["text/html"], html)
	var want [][3]string
	for _, a := range it.Attachments[:2] {
		h := sha256.Sum256(a.Props.Tag(pid.TagAttachDataBinary).([]byte))
		want = append(want, [3]string{a.Props.Text(pid.TagAttachMimeTag), a.Props.Text(pid.TagAttachLongFilename), hex.EncodeToString(h[:])})
	}
	want = append(want, [3]string{"message", "Внутри", "вложенное\r\n"})
	for i := range got.Files {
		got.Files[i][2] = strings.ReplaceAll(strings.ReplaceAll(got.Files[i][2], "\r\n", "\n"), "\n", "\r\n")
	}
	check(t, "files", got.Files, want)
}

// Another program, Python's smtplib, delivers into mailboxes; nothing is relayed.
func TestListener(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	address := listen(t, srv, false)
	send := func(from string, to []string, msg string) error {
		c, err := gosmtp.Dial(address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.SendMail(from, to, strings.NewReader(msg))
	}
	if err := send("x@adatum.test", []string{"nobody@contoso.test"}, "Subject: x\r\n\r\n"); err == nil || !strings.Contains(err.Error(), "nobody here has this address") {
		t.Errorf("an unknown address: %v", err)
	}
	if err := send("x@adatum.test", []string{"y@elsewhere.test"}, "Subject: x\r\n\r\n"); err == nil {
		t.Error("a message for others was taken")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("SKIPPED: python3 is needed to send by another program")
	}
	host, port, _ := net.SplitHostPort(address)
	script := `
import smtplib, sys
from email.message import EmailMessage
m = EmailMessage()
m["From"], m["To"], m["Cc"], m["Subject"] = "Jörg <joerg@adatum.test>", "alice@contoso.test", "bob@contoso.test", "Grüße ☕"
m.set_content("Zeile\n.\n..zwei\nФ\n")
m.add_attachment(bytes(range(256)) * 50, maintype="application", subtype="x-thing", filename="дата.bin")
with smtplib.SMTP(sys.argv[1], int(sys.argv[2])) as s:
    s.send_message(m)
`
	if out, err := exec.CommandContext(t.Context(), python, "-c", script, host, port).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, alias := range []string{"alice", "bob"} {
		list := items(t, place(t, open(t, srv, alias), mapi.RoleInbox))
		if len(list) != 1 {
			t.Fatalf("%s has %d messages", alias, len(list))
		}
		p := list[0].Props
		check(t, "subject", p.Text(pid.TagSubject), "Grüße ☕")
		check(t, "text", p.Text(pid.TagBody), "Zeile\r\n.\r\n..zwei\r\nФ\r\n")
		check(t, "sender", p.Text(pid.TagSenderName)+p.Text(pid.TagSenderEmailAddress), "Jörgjoerg@adatum.test")
		check(t, "to me", p.Tag(pid.TagMessageToMe), alias == "alice")
		check(t, "copy to me", p.Tag(pid.TagMessageCcMe), alias == "bob")
		check(t, "file", list[0].Attachments[0].Props.Text(pid.TagAttachLongFilename), "дата.bin")
		check(t, "size", len(list[0].Attachments[0].Props.Tag(pid.TagAttachDataBinary).([]byte)), 12800)
		if h := p.Text(pid.TagTransportMessageHeaders); !strings.HasPrefix(h, "Received: from ") {
			t.Errorf("no trace: %.100q", h)
		}
	}
}

// LMTP acknowledges each recipient.
func TestLMTP(t *testing.T) {
	srv := exchangetest.New(t, exchangetest.Options{})
	conn, err := net.Dial("tcp", listen(t, srv, true))
	if err != nil {
		t.Fatal(err)
	}
	c := gosmtp.NewClientLMTP(conn)
	defer c.Close()
	if err := c.Mail("x@adatum.test", nil); err != nil {
		t.Fatal(err)
	}
	for _, a := range []string{"alice@contoso.test", "bob@contoso.test"} {
		if err := c.Rcpt(a, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Rcpt("nobody@contoso.test", nil); err == nil {
		t.Error("an unknown address was taken")
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "From: x@adatum.test\r\nSubject: each\r\n\r\ntext\r\n")
	answers, err := w.CloseWithLMTPResponse()
	if err != nil || len(answers) != 2 {
		t.Errorf("answers %v, %v", answers, err)
	}
	for _, alias := range []string{"alice", "bob"} {
		if n := len(items(t, place(t, open(t, srv, alias), mapi.RoleInbox))); n != 1 {
			t.Errorf("%s has %d messages", alias, n)
		}
	}
}

// certificate is that of a server at 127.0.0.1.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	srv := exchangetest.New(t, exchangetest.Options{})
	cert, err := srv.Directory().Certificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: caPool(t, srv.Directory().CAPath())}
}

func TestSecurity(t *testing.T) {
	conf, trusting := certificate(t)
	password := func(p string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return p, nil }
	}
	for name, c := range map[string]struct {
		server       *tls.Config
		fromTheBegin bool
		host         smtp.Smarthost
		user         string
		fails        error
	}{
		"no TLS":                      {},
		"STARTTLS if offered":         {server: conf, host: smtp.Smarthost{TLS: trusting}},
		"STARTTLS":                    {server: conf, host: smtp.Smarthost{Security: smtp.StartTLS, TLS: trusting}},
		"STARTTLS isn't offered":      {host: smtp.Smarthost{Security: smtp.StartTLS, TLS: trusting}, fails: mapi.ErrNetwork},
		"a certificate nobody trusts": {server: conf, host: smtp.Smarthost{TLS: &tls.Config{}}, fails: mapi.ErrNetwork},
		"TLS":                         {server: conf, fromTheBegin: true, host: smtp.Smarthost{Security: smtp.TLS, TLS: trusting}},
		"password":                    {server: conf, host: smtp.Smarthost{TLS: trusting, User: "eve", Password: password("right")}, user: "eve"},
		"wrong password":              {server: conf, host: smtp.Smarthost{TLS: trusting, User: "eve", Password: password("wrong")}, fails: mapi.ErrLogonFailed},
	} {
		t.Run(name, func(t *testing.T) {
			got, address := smarthost(t, c.server, c.fromTheBegin)
			c.host.Address, c.host.Timeout = address, 10*time.Second
			err := c.host.Relay(t.Context(), "a@contoso.test", []string{"b@adatum.test"}, rich(to(1, "b@adatum.test")))
			if !errors.Is(err, c.fails) || c.fails == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.fails)
			}
			got.mu.Lock()
			defer got.mu.Unlock()
			if n := len(got.messages); (n == 1) != (c.fails == nil) || got.user != c.user {
				t.Errorf("%d messages, of user %q", n, got.user)
			}
		})
	}
}

func TestSmarthosts(t *testing.T) {
	for in, want := range map[string]string{
		"smtp://relay.test": "relay.test:25 0 ", "smtp+starttls://me@relay.test": "relay.test:587 1 me", "smtps://me%40x.test@[::1]": "[::1]:465 2 me@x.test",
		"smtp://127.0.0.1:2525": "127.0.0.1:2525 0 ", "http://relay.test": "", "smtp://a:secret@relay.test": "", "relay.test": "", "smtp://relay.test/path": "", "smtp://%zz:secret@x": "",
	} {
		h, err := smtp.ParseSmarthost(in)
		got := ""
		if err == nil {
			got = fmt.Sprintf("%s %d %s", h.Address, h.Security, h.User)
		} else if !errors.Is(err, mapi.ErrInvalidParameter) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", in, err)
		}
		check(t, in, got, want)
	}
}

// A relay that nobody answers at ends with its context, and what was refused is told apart.
func TestRelayErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := (&smtp.Smarthost{Address: l.Addr().String()}).Relay(ctx, "a@b.test", []string{"c@d.test"}, rich()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
	srv := exchangetest.New(t, exchangetest.Options{})
	err = (&smtp.Smarthost{Address: listen(t, srv, false)}).Relay(t.Context(), "a@b.test", []string{"alice@contoso.test", "x@y.test"}, rich())
	var refused delivery.Refused
	if !errors.As(err, &refused) || !slices.Equal(keys(refused), []string{"x@y.test"}) {
		t.Errorf("one refused: %v", err)
	}
}

func keys(m map[string]error) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}
