package autodiscover

import (
	"encoding/json"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func FuzzResponse(f *testing.F) {
	f.Add(`<Autodiscover xmlns="` + nsEnvelope + `"><Response xmlns="` + ResponseSchema + `"><User><LegacyDN>/o=x</LegacyDN></User><Account><Action>settings</Action><Protocol Type="mapiHttp" Version="1"><MailStore><ExternalUrl>https://x/?MailboxId=a@b</ExternalUrl></MailStore></Protocol><Protocol><Type>EXCH</Type><EcpUrl-photo>x</EcpUrl-photo></Protocol></Account></Response></Autodiscover>`)
	f.Add(`<Autodiscover xmlns="` + nsEnvelope + `"><Response><Error Time="07:21:58" Id="1"><ErrorCode>600</ErrorCode><Message>x</Message><DebugData/></Error></Response></Autodiscover>`)
	f.Fuzz(func(t *testing.T, doc string) {
		r, err := DecodeResponse(strings.NewReader(doc))
		if err != nil {
			return
		}
		b, err := EncodeResponse(r)
		if err != nil {
			return // names that XML can't hold
		}
		if r.Account != nil && r.Error == nil {
			Explain(user, newResult(r), nil).Found.WriteTo(io.Discard)
			toSettings(r, settingNames())
		}
		if _, err := DecodeResponse(strings.NewReader(string(b))); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
	})
}

func FuzzRequest(f *testing.F) {
	b, _ := EncodeRequest(&Request{EMailAddress: user, AcceptableResponseSchema: ResponseSchema})
	f.Add(string(b))
	f.Fuzz(func(t *testing.T, doc string) {
		r, err := DecodeRequest(strings.NewReader(doc))
		if err != nil {
			return
		}
		b, err := EncodeRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeRequest(strings.NewReader(string(b)))
		if err != nil || *again != *r {
			t.Fatalf("%+v became %+v (%v)", r, again, err)
		}
	})
}

func FuzzUserSettingsResponse(f *testing.F) {
	f.Add(published)
	f.Add(busyAnswer)
	f.Fuzz(func(t *testing.T, doc string) {
		r, err := DecodeUserSettingsResponse(strings.NewReader(doc))
		if err != nil {
			return
		}
		for _, u := range r.Users {
			newResult(fromSettings(u.Settings))
		}
		b, err := EncodeUserSettingsResponse(r, ServerVersion{})
		if err != nil {
			return // names that XML can't hold
		}
		if _, err := DecodeUserSettingsResponse(strings.NewReader(string(b))); err != nil {
			t.Fatalf("%v in %s", err, b)
		}
	})
}

func FuzzUserSettingsRequest(f *testing.F) {
	b, _ := EncodeUserSettingsRequest(&UserSettingsRequest{Mailboxes: []UserSettingsMailbox{{user}}, Settings: settingNames()}, "https://mail.contoso.test/autodiscover/autodiscover.svc")
	f.Add(string(b))
	f.Fuzz(func(t *testing.T, doc string) {
		r, err := DecodeUserSettingsRequest(strings.NewReader(doc))
		if err != nil {
			return
		}
		b, err := EncodeUserSettingsRequest(r, "")
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeUserSettingsRequest(strings.NewReader(string(b)))
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%+v became %+v (%v)", r, again, err)
		}
	})
}

func FuzzV2(f *testing.F) {
	f.Add(`{"Protocol":"Ews","Url":"https://mail.contoso.test/EWS/Exchange.asmx"}`)
	f.Add(`{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"x"}`)
	f.Fuzz(func(t *testing.T, doc string) {
		v, err := DecodeV2(strings.NewReader(doc))
		if err != nil {
			return
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeV2(strings.NewReader(string(b))); err != nil || *again != *v {
			t.Fatalf("%+v became %+v (%v)", v, again, err)
		}
	})
}

func FuzzArrange(f *testing.F) {
	f.Add(pointerGUID+"\nDomain=contoso.test", "LDAP://dc", urlGUID+"\nSite=Paris", "https://mail/", "contoso.test", "Paris")
	f.Fuzz(func(t *testing.T, k1, b1, k2, b2, domain, site string) {
		points := []point{{strings.Split(k1, "\n"), strings.Split(b1, "\n")}, {strings.Split(k2, "\n"), strings.Split(b2, "\n")}}
		urls, instead, fallback := arrange(points, domain, site)
		for _, u := range slices.Concat(urls, instead, fallback) {
			if !slices.Contains(points[0].bindings, u) && !slices.Contains(points[1].bindings, u) {
				t.Errorf("%q is in no point", u)
			}
		}
	})
}

func FuzzServerVersion(f *testing.F) {
	f.Add("73C0834F")
	f.Add("15.01.2507.039")
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := ParseServerVersion(s)
		if !ok {
			return
		}
		if again, ok := ParseServerVersion(v.String()); !ok || again != v {
			t.Errorf("%q is %+v, %v is %+v", s, v, v, again)
		}
	})
}
