package oxvcard

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/samplebox"
	"github.com/opencdo/opencdo/internal/vobject"
	"github.com/opencdo/opencdo/mapi"
	"github.com/opencdo/opencdo/mapi/pid"
)

func TestWrite(t *testing.T) {
	contacts, photos := 0, 0
	for s, err := range samplebox.Items(samplebox.Options{Items: samplebox.Block, Seed: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		card, ok := Write(s.Item)
		if is := strings.HasPrefix(s.Name, "contact"); is != ok {
			t.Errorf("%s: %v", s.Name, ok)
		}
		if !ok {
			continue
		}
		contacts++
		for line := range strings.Lines(card) {
			if len(line) > 77 || !strings.HasSuffix(line, "\r\n") {
				t.Errorf("a line of %d bytes: %q", len(line), line)
			}
		}
		cards := vobject.Parse(card)
		if len(cards) != 1 {
			t.Fatalf("%d cards", len(cards))
		}
		c, p := cards[0], &s.Item.Props
		work := p.Get(pid.LidWorkAddressStreet).(string)
		for _, f := range []struct{ name, got, want string }{
			{"FN", c.Text("FN"), p.Text(pid.TagDisplayName)}, {"N", c.Value("N"), vobject.Escape(p.Text(pid.TagSurname)) + ";" + vobject.Escape(p.Text(pid.TagGivenName)) + ";;;"},
			{"TEL", c.Value("TEL"), p.Text(pid.TagBusinessTelephoneNumber)}, {"ADR", vobject.Text(vobject.Split(c.Value("ADR"), ';')[2]), work},
			{"NOTE", c.Text("NOTE"), p.Text(pid.TagBody)}, {"TITLE", c.Text("TITLE"), p.Text(pid.TagTitle)},
		} {
			if f.got != f.want {
				t.Errorf("%s: got %q, want %q", f.name, f.got, f.want)
			}
		}
		if is, _ := p.Get(pid.LidHasPicture).(bool); is {
			photos++
			b, err := base64.StdEncoding.DecodeString(c.Value("PHOTO"))
			if want := s.Item.Attachments[0].Props.Tag(pid.TagAttachDataBinary).([]byte); err != nil || !bytes.Equal(b, want) {
				t.Errorf("the picture is another one: %v", err)
			}
		}
	}
	if contacts == 0 || photos == 0 {
		t.Errorf("%d contacts, %d photos", contacts, photos)
	}
	if _, ok := Write(&mapi.Item{}); ok {
		t.Error("what has no class is a contact")
	}
}
