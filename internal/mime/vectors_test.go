package mime

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/opencdo/opencdo/internal/vectors"
	"github.com/opencdo/opencdo/mapi"
)

func TestVectors(t *testing.T) {
	for _, v := range vectors.Load(t, "oxcmail.json") {
		t.Run(v.ID, func(t *testing.T) {
			switch v.Kind {
			case "mime-headers":
				headerVector(t, v)
			case "imcea":
				var want struct {
					AddressType string `json:"address_type"`
					Email       string `json:"email_address"`
					Domain      string
				}
				if err := json.Unmarshal(v.Decoded, &want); err != nil {
					t.Fatal(err)
				}
				addr := string(v.Bytes(t))
				typ, email := Options{Domains: []string{strings.ToUpper(want.Domain)}}.nativeAddress(addr)
				if typ != want.AddressType || email != want.Email {
					t.Errorf("got %s %q, want %s %q", typ, email, want.AddressType, want.Email)
				}
				if typ, email := (Options{Domains: []string{"elsewhere.example"}}).nativeAddress(addr); typ != "SMTP" || email != addr {
					t.Errorf("of another domain: got %s %q", typ, email)
				}
			default:
				t.Skipf("SKIPPED: kind %s is about something else", v.Kind)
			}
		})
	}
}

func headerVector(t *testing.T, v vectors.Vector) {
	var want struct{ Properties map[string]any }
	if err := json.Unmarshal(v.Decoded, &want); err != nil {
		t.Fatal(err)
	}
	b := append(v.Bytes(t), "\r\nText\r\n"...)
	it, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range want.Properties {
		tag, err := strconv.ParseUint(name, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		got := it.Props.Tag(mapi.Tag(tag))
		switch g := got.(type) {
		case int32:
			got = float64(g)
		case []byte:
			got = hex.EncodeToString(g)
		}
		if got != value {
			t.Errorf("%s: got %v, want %v", name, got, value)
		}
	}
}
