package smtp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/delivery"
	"github.com/opencdo/opencdo/internal/mime"
	"github.com/opencdo/opencdo/internal/smtp"
	"github.com/opencdo/opencdo/mapi"
)

// post is a post office where nobody lives.
type post struct{ *smtp.Smarthost }

func (post) Find(context.Context, string, string) (p delivery.Person, ok bool, err error) {
	return p, false, nil
}
func (post) Open(context.Context, delivery.Person) (mapi.Store, error) { return nil, mapi.ErrNotFound }
func (post) Domain() string                                            { return "contoso.test" }
func (post) Told() *delivery.Told                                      { return nil }
func (post) Log(string, delivery.Person, error)                        {}

func (post) Delivered(context.Context, delivery.Person, mapi.Store, mapi.EntryID, string) {
}

// Who reads a message from outside that asks for a receipt sends one there.
func TestReceipt(t *testing.T) {
	c, address := smarthost(t, nil, false)
	msg := "From: Joe <joe@adatum.test>\r\nTo: alice@contoso.test\r\nSubject: urgent\r\nMessage-ID: <1@adatum.test>\r\nDisposition-Notification-To: <receipts@adatum.test>\r\n\r\nread this\r\n"
	it, err := mime.Open(strings.NewReader(msg), int64(len(msg)))
	if err != nil {
		t.Fatal(err)
	}
	alice := delivery.Person{Name: "Alice", SMTP: "alice@contoso.test", DN: "/o=x/cn=alice"}
	if err := delivery.Read(t.Context(), post{&smtp.Smarthost{Address: address, Domain: "contoso.test"}}, alice, it); err != nil {
		t.Fatal(err)
	}
	check(t, "envelope", c.from+fmt.Sprint(c.to), "alice@contoso.test[receipts@adatum.test]")
	for _, want := range []string{"report-type=disposition-notification", "displayed\r\n", "Original-Message-ID: <1@adatum.test>\r\n", "Final-Recipient: rfc822; alice@contoso.test\r\n", "Subject: Read: urgent\r\n"} {
		if len(c.messages) != 1 || !strings.Contains(string(c.messages[0]), want) {
			t.Fatalf("%q is missing in %q", want, c.messages)
		}
	}
}
